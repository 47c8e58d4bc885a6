"""Everything that a ledger holds, in the order in which it was recorded, for whoever reports or proves it.

Read a row at a time: a ledger of a million messages takes no more memory than one of ten, but for its people.
"""

import hmac
import json
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from hashlib import sha256
from itertools import islice
from typing import Any, Literal

from tui.ledger import answers
from tui.ledger.answers import Answer
from tui.ledger.databases import Database
from tui.ledger.records import Outcome, Sent

_AT_ONCE = 500  # rows
_MESSAGES = (
    "SELECT id, run, key, address, action, uid, sequence, generation, round, facts, message_id, stamp, digest,"
    " outcome, reply, attempts, settled_at FROM message"
)


@dataclass(frozen=True, slots=True)
class Known:
    """A person: `number` counts everybody in the order in which they came, from 1, and stays theirs. Of one who was
    forgotten there is neither name nor address."""

    number: int
    key: str
    address: str
    name: str
    group: str
    is_forgotten: bool = False


@dataclass(frozen=True, slots=True)
class Run:
    """One run. `digest` is its plan's; `checks` names what every message of it was cleared by, () where none was.

    `confirmed_by` is who confirmed or approved it, `proposed_by` who had proposed it to them; "" where nobody has.
    """

    id: int
    command: str
    account: str
    digest: str
    started_at: str
    checks: tuple[str, ...]
    confirmed_by: str = ""
    proposed_by: str = ""

    @property
    def is_adoption(self) -> bool:
        """Whether it sent nothing, but put down what another program had sent: see `Ledger.adopt`."""
        return self.command == "repair"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try at the server. `settled_at` is None while it is under way, and so long its outcome is `unknown`. Of a run
    that several accounts share, `account` says through which of them it went; else it is None."""

    id: int
    digest: str
    outcome: Outcome
    reply: str
    started_at: str
    settled_at: str | None
    account: str | None = None


@dataclass(frozen=True, slots=True)
class Recorded:
    """One message, the run that took it up last, and every attempt at it, oldest first."""

    sent: Sent
    run: int
    attempts: tuple[Attempt, ...]


@dataclass(frozen=True, slots=True)
class Decision:
    """What the organiser decided about one person: a column of theirs was corrected (`about` is its header, "" for the
    address), they were cancelled by name (`about` is the session), or were promised a replacement."""

    kind: Literal["corrected", "cancelled", "promised"]
    key: str
    about: str
    at: str


class Lots:
    """Draws lots: the order of the list, or of a run, is not to be seen in what they number."""

    def __init__(self, secret: str) -> None:
        self._keyed = hmac.new(secret.encode(), digestmod=sha256)

    def numbers(self, kind: str, ids: Iterable[int]) -> Mapping[int, int]:
        """A number from 1 for each of these; in the order of the numbers."""
        return {id_: number for number, id_ in enumerate(sorted(ids, key=lambda id_: self._lot(kind, id_)), 1)}

    def _lot(self, kind: str, id_: int) -> bytes:
        keyed = self._keyed.copy()
        keyed.update(f"{kind} {id_}".encode())
        return keyed.digest()


class Chronicle:
    """See `Ledger.chronicle`. Each method reads anew, of the same moment; LedgerError where it cannot."""

    def __init__(self, db: Database, in_words: Callable[[], AbstractContextManager[None]]) -> None:
        self._db, self._in_words = db, in_words

    @cached_property
    def event(self) -> str:
        """The fingerprint of the event whose ledger it is; "" while nothing has been sent."""
        return next((str(value) for (value,) in self._rows("SELECT value FROM fact WHERE name = 'event'")), "")

    @cached_property
    def people(self) -> Mapping[str, Known]:
        """Everybody, by key."""
        rows = self._rows(
            "SELECT key, address, name, grouped, key IN (SELECT key FROM forgotten) FROM person ORDER BY number"
        )
        return {
            key: Known(number, key, address, name, group, bool(gone))
            for number, (key, address, name, group, gone) in enumerate(rows, 1)
        }

    @cached_property
    def lots(self) -> Lots:
        """What puts people and messages into an order that nobody can foresee, the same as long as the ledger is."""
        identity = next((str(value) for (value,) in self._rows("SELECT value FROM fact WHERE name = 'ledger'")), "")
        return Lots(identity or self.event)

    def first_messages(self) -> Mapping[str, int]:
        """The id of the first message to each person, by key."""
        return dict(self._rows("SELECT key, min(id) FROM version GROUP BY key"))

    def last_attempt(self) -> int:
        """The id of the newest attempt, 0 where there is none."""
        return next(int(id_) for (id_,) in self._rows("SELECT coalesce(max(id), 0) FROM attempt"))

    def message_ids(self) -> Sequence[int]:
        return array("q", (id_ for (id_,) in self._rows("SELECT id FROM version ORDER BY id")))

    @cached_property
    def runs(self) -> Mapping[int, Run]:
        """Every run, by its id, in order."""
        rows = self._rows(
            "SELECT id, command, account, digest, started_at, checks, confirmed_by, proposed_by FROM run ORDER BY id"
        )
        return {
            id_: Run(id_, command, account, digest, started_at, tuple(filter(None, checks.split("\n"))), *names)
            for id_, command, account, digest, started_at, checks, *names in rows
        }

    def messages(self, ids: Iterable[int] | None = None) -> Iterator[Recorded]:
        """Every message in the order in which they were first planned, or these."""
        if ids is not None:
            for id_ in ids:
                own = tuple(attempt for _, attempt in self._attempts("WHERE message = ?", id_))
                yield from (self._recorded(row, own) for row in self._rows(f"{_MESSAGES} WHERE id = ?", id_))
            return
        attempts = self._attempts()
        ahead = next(attempts, None)
        for row in self._rows(f"{_MESSAGES} ORDER BY id"):
            found = []
            while ahead and ahead[0] == row[0]:
                found.append(ahead[1])
                ahead = next(attempts, None)
            yield self._recorded(row, tuple(found))

    @cached_property
    def answers(self) -> Mapping[str, tuple[Answer, ...]]:
        """What counts as each person's own answers, by key."""
        with self._in_words():
            return answers.counting(self._db)

    @cached_property
    def _bounced(self) -> Mapping[int, str]:
        with self._in_words():
            return answers.bounced(self._db)

    def _recorded(self, row: Sequence[Any], attempts: tuple[Attempt, ...]) -> Recorded:
        id_, run, key, address, *version = row
        action, uid, sequence, generation, round_, facts, message_id, stamp, digest, outcome, *end = version
        reply, attempts_made, settled_at = end
        with self._in_words():
            self._must_be_known(key, run)
            told, moment = json.loads(facts), datetime.fromisoformat(stamp)
        what = (action, uid, sequence, generation, round_, told, message_id, moment, digest)
        sent = Sent(
            id_, key, address, *what, _outcome(outcome), reply, attempts_made, settled_at, self._bounced.get(id_)
        )
        return Recorded(sent, run, attempts)

    def decisions(self) -> Iterator[Decision]:
        """The corrections, then the cancellations by name, then the promises; each kind in its order."""
        for query in (
            "SELECT 'corrected', key, header, at FROM correction ORDER BY id",
            "SELECT 'cancelled', key, session, at FROM cancellation ORDER BY number",
            "SELECT 'promised', key, '', at FROM promise ORDER BY number",
        ):
            for row in self._rows(query):
                with self._in_words():
                    self._must_be_known(row[1])
                yield Decision(*row)

    def _must_be_known(self, key: str, run: int | None = None) -> None:
        if key not in self.people or (run is not None and run not in self.runs):
            raise ValueError("a row refers to none")  # which only an edit by hand can have made

    def _attempts(self, which: str = "", *values: int) -> Iterator[tuple[int, Attempt]]:
        query = "SELECT message, id, digest, outcome, reply, started_at, settled_at, account FROM attempt"
        for message, id_, digest, outcome, *rest in self._rows(f"{query} {which} ORDER BY message, id", *values):
            yield message, Attempt(id_, digest, _outcome(outcome), *rest)

    def _rows(self, query: str, *values: int) -> Iterator[tuple[Any, ...]]:
        with self._in_words():
            found = self._db.stream(query, values)
        while True:
            with self._in_words():
                rows = list(islice(found, _AT_ONCE))
            if not rows:
                return
            yield from rows


def _outcome(stored: str) -> Outcome:
    """What is in flight may arrive."""
    outcome: Any = "unknown" if stored == "sending" else stored
    return outcome  # type: ignore[no-any-return]  # the table's CHECK holds it to the five words
