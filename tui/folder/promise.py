"""A replacement invitation that was promised when another program's entries were called back."""

from dataclasses import dataclass
from datetime import UTC, datetime

from tui.event import Event
from tui.ledger import Person

_URGENT = 7
"""Days before the event from which a promise that is not kept is shown in red."""


@dataclass(frozen=True, slots=True)
class Promise:
    """A replacement invitation that is owed: to how many, how many have it, and how many are still to get it.

    `released` were cancelled by name since, and `forgotten` are not known any more: neither is sent it.
    """

    owed: int
    sent: int
    open: int
    event: Event | None
    released: int = 0
    forgotten: int = 0

    @property
    def days_left(self) -> int | None:
        """Whole days until the event begins; negative when it is over, None where it is not known when it is."""
        return (self.event.start - datetime.now(UTC)).days if self.event else None

    @property
    def in_words(self) -> str:
        people = "1 person" if self.owed == 1 else f"{self.owed} people"
        others = f", {self.released} released because they were cancelled by name" * bool(self.released)
        others += f", {self.forgotten} forgotten" * bool(self.forgotten)
        if not self.open and others:
            return f"A replacement invitation was promised to {people}: {self.sent} sent{others}."
        if not self.open:
            return f"The promised replacement has gone to {'all ' * (self.owed > 1)}{people}." if self.sent else ""
        words = f"A replacement invitation is owed to {people}: {self.sent} sent, {self.open} still to send{others}."
        days = self.days_left
        if days is None:
            return words
        when = f"in {days} days" if days > 1 else "tomorrow" if days == 1 else "within a day" if not days else "over"
        return f"{words} The event is {when}."

    @property
    def document(self) -> dict[str, int | None]:
        """The same as JSON spells it; who is not owed it any more only where there is somebody."""
        counts = {"owed": self.owed, "sent": self.sent, "open": self.open, "days_left": self.days_left}
        others = {"released": self.released, "forgotten": self.forgotten}
        return {**counts, **{what: count for what, count in others.items() if count}}

    @property
    def is_urgent(self) -> bool:
        return bool(self.open) and self.days_left is not None and self.days_left <= _URGENT


def has_replacement(person: Person, since: datetime) -> bool:
    invitations = (sent for sent in person.messages if sent.action != "cancel" and not sent.is_foreign)
    return any(
        sent.outcome == "accepted" and not sent.was_refused and sent.stamp >= since.replace(microsecond=0)
        for sent in invitations
    )
