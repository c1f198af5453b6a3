"""The plan of a space that ships, its text and JSON, and what its estimates rest on."""

from __future__ import annotations
