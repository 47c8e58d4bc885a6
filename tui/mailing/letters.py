"""The letters of a mailing: what each is for, what makes it this one, how it was cleared, and what became of it."""

import secrets
import time
from array import array
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from hashlib import blake2b
from typing import final, overload

from tui import guard
from tui.attendees import Columns
from tui.delivery.brakes import Stop
from tui.errors import InviteError, LeakError
from tui.guard import Cleared, Leak, Roll
from tui.invitation import Composer, Revision
from tui.ledger import Decisions, Outcome, Planned, Sent
from tui.ledger.records import Facts
from tui.plan import Action

_AS_TOLD = ("title", "start", "end", "rrule", "zone", "location", "session")
"""The facts of a version that a cancellation of it is made of."""


@final
class Imprint:
    """What makes the messages of one attempt these and no others: the moment that they are stamped with, and what makes
    their Message-IDs their own.

    Under one imprint an action has one message, however often it is made: the guard knows it when it comes again. What
    may go out is made under a new one each time.
    """

    def __init__(self, now: datetime | None = None) -> None:
        self.now = (now or datetime.now(UTC)).astimezone(UTC).replace(microsecond=0)
        self.since = time.monotonic()
        self._secret = secrets.token_bytes(32)

    def identity(self, action: Action) -> bytes:
        """16 bytes that nobody can guess: see `revision_of`."""
        which = (action.attendee.key, action.action, action.uid, str(action.sequence), str(action.round))
        return blake2b("\0".join(which).encode("utf-8", "replace"), digest_size=16, key=self._secret).digest()


@dataclass(frozen=True, slots=True)
class Letter:
    """One message of a mailing: what it is for, what makes it this one, and the SHA-256 of its cleared bytes."""

    action: Action
    revision: Revision
    digest: str


@final
class Letters(Sequence[Letter]):
    """The letters of a mailing, each made when it is asked for.

    Kept of each are 49 bytes: its digest, what makes its Message-ID its own, and whether it is one that an earlier run
    has tried. All else follows from the actions, which the plan has anyway.
    """

    def __init__(self, actions: Sequence[Action], now: datetime, note: str) -> None:
        self.actions = actions
        self._now, self._note = now, note
        self._digests, self._identities, self._are_again = bytearray(), bytearray(), bytearray()
        self._beyond_ascii = array("I")

    def add(self, cleared: Cleared, identity: bytes, *, is_again: bool) -> None:
        """Puts down how the next action's message was cleared. `identity`: 16 bytes; see `revision_of`."""
        if not cleared.recipient.isascii():
            self._beyond_ascii.append(len(self))
        self._digests += bytes.fromhex(cleared.digest)
        self._identities += identity
        self._are_again.append(is_again)

    def add_again(self, digest: str) -> None:
        """Puts down the next action's message as its run has recorded it: `pending` of the action says which it is."""
        self._digests += bytes.fromhex(digest)
        self._identities += bytes(16)
        self._are_again.append(True)

    @property
    def beyond_ascii(self) -> Sequence[Action]:
        """Whose address has letters beyond ASCII: not every server takes it."""
        return [self.actions[at] for at in self._beyond_ascii]

    def __len__(self) -> int:
        return len(self._are_again)

    @overload
    def __getitem__(self, number: int) -> Letter: ...
    @overload
    def __getitem__(self, number: slice) -> tuple[Letter, ...]: ...
    def __getitem__(self, number: int | slice) -> Letter | tuple[Letter, ...]:
        if isinstance(number, slice):
            return tuple(self[at] for at in range(*number.indices(len(self))))
        at = range(len(self))[number]
        return self._made(at, self.actions[at])

    def __iter__(self) -> Iterator[Letter]:
        return map(self._made, range(len(self)), self.actions)

    def _made(self, at: int, action: Action) -> Letter:
        identity = bytes(self._identities[at * 16 : at * 16 + 16])
        revision = revision_of(action, self._now, self._note, identity)
        if self._are_again[at] and action.pending:
            revision = as_tried(revision, action.pending)
        return Letter(action, revision, self._digests[at * 32 : at * 32 + 32].hex())


@dataclass(frozen=True, slots=True)
class Settled:
    """One message's outcome. `reply` is the server's words, or the file's name where it was a rehearsal."""

    letters: Letters = field(repr=False)
    number: int
    outcome: Outcome
    reply: str
    attempts: int

    @property
    def letter(self) -> Letter:
        return self.letters[self.number]

    @property
    def action(self) -> Action:
        return self.letters.actions[self.number]


@dataclass(frozen=True, slots=True)
class Question:
    """The run holds with so many messages `left`: whether it goes on is answered by `Control.answer`.

    `stop` is what made it brake; None where the first few, which were asked for, are out.
    """

    left: int
    stop: Stop | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """Nothing can go out for so many `seconds`; said again as they pass. `is_accounts`: whoever else sends through the
    account would have to wait as well."""

    seconds: float
    reason: str
    is_accounts: bool = False


@dataclass(frozen=True, slots=True)
class Mailing:
    """Everything that one run sends, cleared. The bytes are made again for each message: they would fill the memory."""

    letters: Letters
    digest: str
    composer: Composer
    roll: Roll
    decisions: Decisions = field(default_factory=Decisions)
    keeps: bool = False
    """Whether the ledger keeps what leaves, to the byte."""

    def clear(self, letter: Letter) -> Cleared:
        """The message of a letter, composed and cleared anew. LeakError where it is not what was cleared before."""
        cleared = cleared_of(self.composer, self.roll, letter.action, letter.revision)
        if isinstance(cleared, Cleared) and cleared.digest == letter.digest:
            return cleared
        raise LeakError(
            f"The message to {letter.action.attendee.address} is no longer the one that was cleared.",
            hint="A file it is made from has changed meanwhile. Run `plan` again.",
        )


_FEW = 16
_FEW_BYTES = 500_000
_FRESH = 1.0
"""Letters, the bytes of them, and the seconds for which they are as good as cleared in this moment."""


@final
class Fresh:
    """The letters of a mailing in the moment before they go out: composed and cleared anew, a few at a time.

    One after the other costs a fifth more: what composes is then no longer in the processor's cache each time, for
    between two of them the kernel has sent one. Not thread-safe.
    """

    def __init__(self, mailing: Mailing) -> None:
        self._mailing = mailing
        self._made: dict[int, tuple[Letter, Cleared]] = {}
        self._since = 0.0

    def take(self, number: int) -> tuple[Letter, Cleared | None]:
        """A letter, and its message; None where that cannot be made, which `Mailing.clear` says when it is asked."""
        if number not in self._made or time.monotonic() - self._since > _FRESH:
            self._make(number)
        return self._made.pop(number, None) or (self._mailing.letters[number], None)

    def _make(self, first: int) -> None:
        mailing, size = self._mailing, 0
        self._made, self._since = {}, time.monotonic()
        with suppress(InviteError):
            for number in range(first, min(first + _FEW, len(mailing.letters))):
                letter = mailing.letters[number]
                cleared = mailing.clear(letter)
                self._made[number] = letter, cleared
                if (size := size + len(cleared.raw)) > _FEW_BYTES:
                    break


def revision_of(action: Action, now: datetime, note: str, identity: bytes | None = None) -> Revision:
    """What makes the message of an action this one: new stamp, new Message-ID. The latter is made of `identity`, 16
    random bytes; of new ones where there are none."""
    stamp = now
    if action.not_before and action.not_before >= stamp:
        # A calendar takes the later DTSTAMP of two equal versions for the newer one (RFC 5546 §2.1.5).
        stamp = action.not_before + timedelta(seconds=1)
    facts = action.facts or {}
    # Another program's UID need not have a domain in it.
    domain = (facts.get("organizer") or action.uid).rpartition("@")[2]
    if action.pending:
        note = note or facts.get("note", "")
    return Revision(
        action.action,
        action.uid,
        action.sequence,
        stamp,
        f"<{(identity or secrets.token_bytes(16)).hex()}@{domain}>",
        action.in_reply_to,
        action.changes,
        note,
        facts.get("session", ""),
        {name: facts[name] for name in _AS_TOLD if facts.get(name)} if action.action == "cancel" else None,
    )


def as_tried(fresh: Revision, pending: Sent) -> Revision:
    return replace(fresh, stamp=pending.stamp, message_id=pending.message_id)


def cleared_of(composer: Composer, roll: Roll, action: Action, revision: Revision) -> Cleared | tuple[Leak, ...]:
    attendee = action.attendee
    raw = composer.compose(attendee, revision).raw
    internal = attendee.columns.internal
    own = [cell for at, cell in enumerate(attendee.cells) if at not in internal] if internal else attendee.cells
    return guard.clear(raw, attendee.address, roll, "\n".join((attendee.name, *own)))


def planned_of(letter: Letter) -> Planned:
    action, attendee = letter.action, letter.action.attendee
    columns = attendee.columns
    facts: Facts = action.facts or {}
    if letter.revision.note:  # for when it is tried again
        facts = {**facts, "note": letter.revision.note}
    return Planned(
        key=attendee.key,
        address=attendee.address,
        name=attendee.name,
        group=attendee.group,
        line=action.line,
        fields={columns.headers[at]: attendee.cells[at] for at in _of_no_internal_header(columns)},
        action=action.action,
        uid=action.uid,
        sequence=action.sequence,
        generation=action.generation,
        round=action.round,
        facts=facts,
        message_id=letter.revision.message_id,
        stamp=letter.revision.stamp,
        digest=letter.digest,
    )


@lru_cache(maxsize=64)
def _of_no_internal_header(columns: Columns) -> Sequence[int]:
    """The columns that the ledger may know of, in the order of `Attendee.fields`: of those that share a header the
    first comes last."""
    internal = {columns.headers[at] for at in columns.internal}
    return [at for at in reversed(range(len(columns.headers))) if columns.headers[at] not in internal]
