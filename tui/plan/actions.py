"""One action for each person and session, and the plan that they make up."""

from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha256
from itertools import compress
from typing import Literal, final, get_args, overload

from tui.address import key_of
from tui.attendees import Attendee
from tui.errors import InputError
from tui.event import Change
from tui.ledger.records import Decisions, Facts, Sent

Verb = Literal["invite", "update", "cancel", "none"]
Kind = Literal["due", "held", "unknown", "refused", "cancelled", "removed", "withdrawn", "forgotten"]

_NOTHING: tuple[Kind, ...] = ("held", "refused", "cancelled", "forgotten")

_WORDS: tuple[tuple[Verb, Kind], ...] = tuple((verb, kind) for verb in get_args(Verb) for kind in get_args(Kind))
_CODES: Mapping[tuple[Verb, Kind], int] = {words: code for code, words in enumerate(_WORDS)}
_IS_SENT = bytes(code < len(_WORDS) and _WORDS[code][0] != "none" for code in range(256))
_REMEMBERED = 256  # people whose actions are kept for a while: who is sent to is asked for again and again


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

    def with_facts(self, facts: Facts) -> "Action":
        """The same, told with other facts; `replace` takes six times as long, and a list may be of a million."""
        return Action(
            *(self.attendee, self.action, self.kind, self.reason, self.uid, self.sequence, self.generation, self.round),
            *(facts, self.changes, self.in_reply_to, self.not_before, self.pending, self.session),
        )


Owed = Callable[[int], Sequence[Action]]
"""All that one person is owed. A number stands for the person, and the answer is the same each time."""


@final
class Actions(Sequence[Action]):
    """The actions of many people, each made when it is asked for: a million of them would take gigabytes.

    Kept of each are eleven bytes: whose it is, which of theirs, what it does and of which kind, and the group. Equal to
    every sequence of equal actions.
    """

    def __init__(self, owed: Owed, groups: Sequence[str] = ()) -> None:
        self._owed = owed
        self._groups = groups
        self._whose = array("I")
        self._which = array("H")
        self._codes = bytearray()
        self._group = array("I")
        self._lately: dict[int, Sequence[Action]] = {}

    @classmethod
    def of(cls, everybody: Iterable[tuple[int, Sequence[Action]]], owed: Owed) -> "Actions":
        """`everybody` are people's numbers, each with what `owed` says of them; it is looked at once."""
        groups: dict[str, int] = {}
        made = cls(owed)
        for whose, own in everybody:
            for which, action in enumerate(own):
                made._whose.append(whose)
                made._which.append(which)
                made._codes.append(_CODES[action.action, action.kind])
                made._group.append(groups.setdefault(action.attendee.group, len(groups)))
        made._groups = tuple(groups)
        return made

    def __len__(self) -> int:
        return len(self._codes)

    @overload
    def __getitem__(self, at: int) -> Action: ...
    @overload
    def __getitem__(self, at: slice) -> "Actions": ...
    def __getitem__(self, at: int | slice) -> "Action | Actions":
        if isinstance(at, slice):
            return self._some(lambda kept: kept[at])
        return self._own(self._whose[at])[self._which[at]]

    def __iter__(self) -> Iterator[Action]:
        last: tuple[int, Sequence[Action]] = (-1, ())
        for whose, which in zip(self._whose, self._which, strict=True):
            if whose != last[0]:
                last = whose, self._owed(whose)
            yield last[1][which]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Actions | tuple | list):
            return NotImplemented
        return len(self) == len(other) and all(one == two for one, two in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]  # as Python has it of what is equal by its items

    def __repr__(self) -> str:
        return f"<{len(self)} actions>"

    def _own(self, whose: int) -> Sequence[Action]:
        own = self._lately.get(whose)
        if own is None:
            if len(self._lately) >= _REMEMBERED:
                self._lately = {}  # a new one: another thread may be looking into the old
            own = self._lately[whose] = self._owed(whose)
        return own

    def _some(self, pick: Callable[[Sequence[int]], Iterable[int]]) -> "Actions":
        some = Actions(self._owed, self._groups)
        some._whose, some._which = array("I", pick(self._whose)), array("H", pick(self._which))
        some._codes, some._group = bytearray(pick(self._codes)), array("I", pick(self._group))
        return some

    def _where(self, is_chosen: Sequence[int]) -> "Actions":
        return self._some(lambda kept: compress(kept, is_chosen))

    # Without making one

    @property
    def tally(self) -> Mapping[tuple[Verb, Kind], int]:
        """How many there are of each verb and kind."""
        return {_WORDS[code]: count for code, count in Counter(self._codes).items()}

    @property
    def groups(self) -> dict[str, int]:
        """How many there are of each group, in the order of their first."""
        return {self._groups[number]: count for number, count in Counter(self._group).items()}

    @property
    def to_send(self) -> "Actions":
        is_sent = self._codes.translate(_IS_SENT)
        return self if is_sent.count(1) == len(self) else self._where(is_sent)

    def with_the_others_of(self, places: Iterable[int]) -> "Actions":
        """The actions at these places, and whatever else the same people are owed."""
        whose = {self._whose[place] for place in places}
        return self._where([each in whose for each in self._whose])


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run would send. `digest` seals everything that it depends on (contract §3, `--approve`).

    `decisions` are what the organiser has decided beside: recorded with the run.
    """

    actions: Sequence[Action]
    digest: str
    decisions: Decisions = field(default_factory=Decisions)

    def digest_with(self, note: str) -> str:
        """The digest of this plan when its messages say this note as well."""
        return sha256(f"{self.digest}\0{note}".encode()).hexdigest() if note else self.digest

    @property
    def to_send(self) -> Sequence[Action]:
        if isinstance(self.actions, Actions):
            return self.actions.to_send
        return tuple(action for action in self.actions if action.action != "none")

    @property
    def counts(self) -> dict[str, int]:
        """How many messages of each action, and how many people of each sort of nothing; nobody is counted twice."""
        words = ("invite", "update", "cancel", "none", "unknown", "removed", "withdrawn")
        found = dict.fromkeys(words, 0)
        for (verb, kind), count in self.tally.items():
            found[verb if verb != "none" or kind in _NOTHING else kind] += count
        return found

    @property
    def tally(self) -> Mapping[tuple[Verb, Kind], int]:
        """How many actions there are of each verb and kind."""
        if isinstance(self.actions, Actions):
            return self.actions.tally
        return Counter((action.action, action.kind) for action in self.actions)

    @property
    def groups(self) -> dict[str, int]:
        """How many messages go to each group, in the order of the list."""
        to_send = self.to_send
        if isinstance(to_send, Actions):
            return to_send.groups
        return dict(Counter(action.attendee.group for action in to_send))

    def only(self, addresses: Sequence[str]) -> "Plan":
        """Of this plan, only these people. InputError where an address is nobody's on the list."""
        wanted = {key_of(text): text for text in addresses}
        found: dict[str, list[int]] = {}
        keys: set[str] = set()
        for place, action in enumerate(self.actions):
            if (key := key_of(action.attendee.address)) in wanted:
                found.setdefault(key, []).append(place)
                keys.add(action.attendee.key)
        if missing := wanted.keys() - found.keys():
            raise InputError(
                f"{wanted[min(missing)]} is not on the list.", hint="Check the spelling.", code="unknown-address"
            )
        # A person, not an address: the cancellation to somebody's old address belongs to the invitation to the new one.
        if isinstance(self.actions, Actions):
            return replace(self, actions=self.actions.with_the_others_of(at for own in found.values() for at in own))
        return replace(self, actions=tuple(action for action in self.actions if action.attendee.key in keys))
