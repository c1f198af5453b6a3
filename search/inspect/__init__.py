"""One trial looked into: its run trained again to a state, and what is drawn of it."""
