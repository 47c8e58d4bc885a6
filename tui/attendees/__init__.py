"""Attendee files in; attendees and problems out. Nothing after this sees raw CSV."""

from tui.attendees.columns import Columns, ColumnSettings, normalise_header, squash
from tui.attendees.reading import Attendee, AttendeeList, load

__all__ = ["Attendee", "AttendeeList", "ColumnSettings", "Columns", "load", "normalise_header", "squash"]
