"""One action for each person and session, and the plan that they make up."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

from tui.address import key_of
from tui.attendees import Attendee
from tui.errors import InputError
from tui.event import Change
from tui.ledger.records import Decisions, Facts, Sent

Verb = Literal["invite", "update", "cancel", "none"]
Kind = Literal["due", "held", "unknown", "refused", "cancelled", "removed", "withdrawn"]

_NOTHING: tuple[Kind, ...] = ("held", "refused", "cancelled")


@dataclass(frozen=True, slots=True)
class Action:
    """What one person is owed of one session. For `none`, `kind` says which sort of nothing; `reason` says it in words.

    `pending` is the message that an earlier run left to be tried again, where this action is that one.
    """

    attendee: Attendee
    action: Verb
    kind: Kind
    reason: str
    uid: str = ""
    sequence: int = 0
    generation: int = 0
    round: int = 0
    facts: Facts | None = None
    changes: tuple[Change, ...] = ()
    in_reply_to: str | None = None
    not_before: datetime | None = None
    pending: Sent | None = None
    session: str = ""

    @property
    def line(self) -> int | None:
        """The line of the attendee's record, None for somebody whom only the ledger knows."""
        return self.attendee.line or None


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run would send. `digest` seals everything that it depends on (contract §3, `--approve`).

    `decisions` are what the organiser has decided beside: recorded with the run.
    """

    actions: tuple[Action, ...]
    digest: str
    decisions: Decisions = field(default_factory=Decisions)

    @property
    def to_send(self) -> tuple[Action, ...]:
        return tuple(action for action in self.actions if action.action != "none")

    @property
    def counts(self) -> dict[str, int]:
        """How many messages of each action, and how many people of each sort of nothing; nobody is counted twice."""
        found: Counter[str] = Counter(
            action.action if action.action != "none" or action.kind in _NOTHING else action.kind
            for action in self.actions
        )
        return {word: found[word] for word in ("invite", "update", "cancel", "none", "unknown", "removed", "withdrawn")}

    @property
    def groups(self) -> dict[str, int]:
        """How many messages go to each group, in the order of the list."""
        return dict(Counter(action.attendee.group for action in self.to_send))

    def only(self, addresses: Sequence[str]) -> "Plan":
        """Of this plan, only these people. InputError where an address is nobody's on the list."""
        wanted = {key_of(text): text for text in addresses}
        found = [(key_of(action.attendee.address), action.attendee.key) for action in self.actions]
        missing = wanted.keys() - {key for key, _ in found}
        if missing:
            raise InputError(
                f"{wanted[min(missing)]} is not on the list.", hint="Check the spelling.", code="unknown-address"
            )
        # A person, not an address: the cancellation to somebody's old address belongs to the invitation to the new one.
        keys = {person for key, person in found if key in wanted}
        chosen = tuple(action for action in self.actions if action.attendee.key in keys)
        return replace(self, actions=chosen)
