"""The durable record of what each attendee was sent and what became of it."""

from tui.ledger.records import OUTCOMES, Entry, Outcome, Person, Planned, Sent
from tui.ledger.store import Ledger, open_for_run, open_to_read

__all__ = ["OUTCOMES", "Entry", "Ledger", "Outcome", "Person", "Planned", "Sent", "open_for_run", "open_to_read"]
