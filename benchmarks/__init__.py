"""Ours against what a user would write instead, side by side in one run."""
