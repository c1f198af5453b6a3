"""The search-space file: typed model, strict reader with addressed faults, JSON Schema, and writing it back."""
