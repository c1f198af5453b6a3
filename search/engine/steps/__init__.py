"""The steps of a run that have a file of their own: what it looks at first, under which conditions, how it ends."""
