"""The search-space file: typed model, strict reader with addressed faults, JSON Schema, and writing it back."""

from search.space.addressed import addressed
from search.space.model import (
    CONFIRM_SUFFIX,
    MAX_SEED,
    AshaSettings,
    Axis,
    Choice,
    Condition,
    Confirm,
    Domain,
    Float,
    Grid,
    Int,
    Objective,
    Published,
    Report,
    Resources,
    Search,
    Space,
    confirm_name,
)
from search.space.nodes import text_of
from search.space.reader import read_space, space_from_mapping
from search.space.reading import read_all
from search.space.recorded import rebuild
from search.space.schema import schema
from search.space.service import SERVICE_SETTINGS
from search.space.writing import dump

__all__ = [
    "CONFIRM_SUFFIX",
    "MAX_SEED",
    "SERVICE_SETTINGS",
    "AshaSettings",
    "Axis",
    "Choice",
    "Condition",
    "Confirm",
    "Domain",
    "Float",
    "Grid",
    "Int",
    "Objective",
    "Published",
    "Report",
    "Resources",
    "Search",
    "Space",
    "addressed",
    "confirm_name",
    "dump",
    "read_all",
    "read_space",
    "rebuild",
    "schema",
    "space_from_mapping",
    "text_of",
]
