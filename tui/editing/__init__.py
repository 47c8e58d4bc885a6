"""Changing the organiser's files as a person would: one value, and everything else stays to the byte."""

from tui.editing.cells import change_cells, delete_record
from tui.editing.dates import Unclear, moment_in, shown_moment, zone_named, zone_names
from tui.editing.events import Values, beside, changed, new_event, read, save
from tui.editing.tables import head_of

__all__ = [
    "Unclear",
    "Values",
    "beside",
    "change_cells",
    "changed",
    "delete_record",
    "head_of",
    "moment_in",
    "new_event",
    "read",
    "save",
    "shown_moment",
    "zone_named",
    "zone_names",
]
