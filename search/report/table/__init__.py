"""The comparison table as plain rows: its model, how it is built and judged, its claims and its notes.

Nothing is drawn here: `formats`, `figures` and `page` do that.
"""
