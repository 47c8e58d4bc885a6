"""Attendee files in; attendees and problems out. Nothing after this sees raw CSV."""

from tui.attendees.columns import Columns, ColumnSettings, normalise_header, squash
from tui.attendees.reading import AttendeeList, Seen, load
from tui.attendees.store import WITHDRAWN, Attendee, Records, fold

__all__ = [
    "WITHDRAWN",
    "Attendee",
    "AttendeeList",
    "ColumnSettings",
    "Columns",
    "Records",
    "Seen",
    "fold",
    "load",
    "normalise_header",
    "squash",
]
