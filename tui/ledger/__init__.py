"""The durable record of what each attendee was sent and what became of it."""

from tui.ledger.records import OUTCOMES, Correction, Decisions, Entry, Outcome, Person, Planned, Sent
from tui.ledger.store import Ledger, must_be_free, open_for_run, open_to_read

__all__ = [
    "OUTCOMES",
    "Correction",
    "Decisions",
    "Entry",
    "Ledger",
    "Outcome",
    "Person",
    "Planned",
    "Sent",
    "must_be_free",
    "open_for_run",
    "open_to_read",
]
