"""What the ledger holds, as frozen facts."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

from tui.ledger.answers import Answer

Outcome = Literal["accepted", "refused", "deferred", "unknown", "unsent"]
"""What became of one message; the words are the contract's (§1). Inside the ledger an attempt may also be `sending`."""

OUTCOMES: tuple[Outcome, ...] = ("accepted", "refused", "deferred", "unknown", "unsent")

_URGENCY: tuple[Outcome, ...] = ("unknown", "refused", "deferred", "unsent", "accepted")

Facts = Mapping[str, str]
"""What makes one version of the event differ from the next, as sent to one person: title, start, end, ..."""


@dataclass(frozen=True, slots=True)
class CalledOff:
    """Whether everybody was cancelled, and nobody was invited to a changed event since.

    `mark` is what the event was then, "" where it is on; `anew` the UIDs of all that the organiser has asked for by
    name since, whatever became of it.
    """

    mark: str = ""
    anew: frozenset[str] = frozenset()


NOT_CALLED_OFF = CalledOff()
"""An event that was never cancelled for everybody."""


@dataclass(frozen=True, slots=True)
class Planned:
    """One message that a run is about to send, as the ledger is told of it before anything leaves."""

    key: str
    address: str
    name: str
    group: str
    line: int | None
    fields: Mapping[str, str]
    action: str
    uid: str
    sequence: int
    generation: int
    round: int
    facts: Facts
    message_id: str
    stamp: datetime
    digest: str


@dataclass(frozen=True, slots=True)
class Sent:
    """One message of the ledger: one version (uid, sequence, round) to one person, and what became of it.

    `round` counts the organiser's explicit resends of the same version; `generation` how often the person was invited
    anew. `stamp` is its DTSTAMP and Date; `digest` the SHA-256 of its bytes.
    """

    id: int
    key: str
    address: str
    action: str
    uid: str
    sequence: int
    generation: int
    round: int
    facts: Facts
    message_id: str
    stamp: datetime
    digest: str
    outcome: Outcome
    reply: str
    attempts: int
    settled_at: str | None
    bounced: str | None = None
    """The words with which it came back for good, whatever the first server had said."""

    @property
    def may_have_arrived(self) -> bool:
        return self.outcome in ("accepted", "unknown") and self.bounced is None

    @property
    def was_refused(self) -> bool:
        """Whether it is known that it did not arrive, and will not: refused at once, or it has come back."""
        return self.outcome == "refused" or self.bounced is not None

    @property
    def refusal(self) -> str:
        """Why it did not arrive, as a sentence's end; "" where that is not known."""
        if self.bounced is not None:
            return f"bounced: {self.bounced}"
        return f"was refused: {self.reply}" if self.outcome == "refused" else ""

    @property
    def is_foreign(self) -> bool:
        """Whether another program sent it: the entry is as it was found, and shared by all who got it."""
        return "foreign" in self.facts

    @property
    def session(self) -> str:
        """Which session of the event it is about, "" where the event has none."""
        return self.facts.get("session", "")


@dataclass(frozen=True, slots=True)
class Entry:
    """One attempt in a person's history. `message` and `attempt` are their numbers in the ledger; `kept`: so are the
    bytes. `account` is the one through which it went, "" where that is not known."""

    at: str
    action: str
    address: str
    sequence: int
    outcome: Outcome
    reply: str
    message_id: str
    digest: str
    uid: str = ""
    message: int = 0
    attempt: int = 0
    kept: bool = False
    account: str = ""


@dataclass(frozen=True, slots=True)
class Correction:
    """What the organiser corrected of one person: the cell under `header`, or with "" the address.

    It holds while the list still says `before`; a list that says something else again has been corrected itself.
    """

    key: str
    header: str
    before: str
    after: str
    at: str = field(default="", compare=False)
    """When it was made; it is the ledger that says so."""


@dataclass(frozen=True, slots=True)
class Decisions:
    """What the organiser decided with a run beside what is sent: recorded with it, whatever becomes of its messages.

    `cancelled` are (key, session, generation) of those who were cancelled by name. `called_off` is what the event was
    when everybody was cancelled, "" where this run does not do that. `resumed`: the event has changed since everybody
    was cancelled, so whoever is invited now is invited to one that takes place. `confirmed_by` is the organiser who has
    confirmed or approved it, `proposed_by` who had proposed it to them; "" where nobody else has.
    """

    corrections: tuple[Correction, ...] = ()
    cancelled: tuple[tuple[str, str, int], ...] = ()
    called_off: str = ""
    resumed: bool = False
    confirmed_by: str = ""
    proposed_by: str = ""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A plan of so many messages that `name` wants another to approve; `command` is what it is a plan of."""

    digest: str
    command: str
    messages: int
    name: str
    at: str


@dataclass(frozen=True, slots=True)
class Person:
    """One attendee as the ledger knows them: who they are, every message oldest first, every attempt oldest first.

    `corrections` are in the order in which they were made; `cancelled` says of which generation of a session they were
    cancelled by name. `answers` are their calendar's, in the order in which they were read.
    """

    key: str
    address: str
    name: str
    group: str
    fields: Mapping[str, str]
    messages: tuple[Sent, ...]
    history: tuple[Entry, ...] = field(default=(), repr=False)
    corrections: tuple[Correction, ...] = ()
    cancelled: Mapping[str, int] = field(default_factory=dict)
    answers: tuple[Answer, ...] = ()

    @property
    def answer(self) -> Answer | None:
        """What they answered to the version that they hold, of one session's part of a person; None while nothing is
        known. An answer to an earlier version is none to this one (RFC 5546 §2.1.4)."""
        held = self.held
        if held is None or held.action == "cancel":
            return None
        found = [one for one in self.answers if one.uid == held.uid and one.sequence >= held.sequence]
        return max((one for one in found if not one.occurrence), key=lambda one: one.order, default=None)

    @property
    def response(self) -> Literal["accepted", "declined", "tentative", "none"]:
        """Whether they come, as far as is known; to any session, where there are several. "none": no reply seen."""
        found = {part.answer.in_short for part in self.sessions.values() if part.answer}
        return next((word for word in ("accepted", "tentative", "declined") if word in found), "none")

    @property
    def has_bounced(self) -> bool:
        """Whether the newest message, of any session, has come back for good."""
        return any(part.messages[-1].bounced is not None for part in self.sessions.values())

    @property
    def sessions(self) -> Mapping[str, "Person"]:
        """Each session's messages as if the person had been sent nothing else."""
        found: dict[str, list[Sent]] = {}
        for message in self.messages:
            found.setdefault(message.session, []).append(message)
        return {session: replace(self, messages=tuple(messages)) for session, messages in found.items()}

    @property
    def latest(self) -> Sent:
        """The newest message; of several sessions' newest ones, the one that the organiser must look after first."""
        newest = {message.session: message for message in self.messages}
        return min(newest.values(), key=lambda message: (_URGENCY.index(message.outcome), -message.id))

    @property
    def held(self) -> Sent | None:
        """The newest message that may be in their hands."""
        return next((message for message in reversed(self.messages) if message.may_have_arrived), None)

    @property
    def outcome(self) -> Outcome:
        return self.latest.outcome

    @property
    def action(self) -> str:
        return self.latest.action

    @property
    def sequence(self) -> int:
        return self.latest.sequence

    @property
    def sent_at(self) -> str | None:
        """When the server took the newest message (ISO 8601, UTC), or None."""
        return self.latest.settled_at if self.latest.outcome == "accepted" else None
