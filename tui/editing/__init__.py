"""Changing the organiser's files as a person would: one value, and everything else stays to the byte."""

from tui.editing.cells import change_cells
from tui.editing.dates import Unclear, moment_in, shown_moment, zone_named
from tui.editing.events import Values, beside, changed, new_event, save

__all__ = [
    "Unclear",
    "Values",
    "beside",
    "change_cells",
    "changed",
    "moment_in",
    "new_event",
    "save",
    "shown_moment",
    "zone_named",
]
