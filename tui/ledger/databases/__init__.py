"""What the ledger asks of a database, and nothing more: each module here knows one of them.

Queries are written once, for all, in the SQL that they share: `?` and `:name` for values, RETURNING for what was made,
ON CONFLICT for what is there already. What differs is here (how a transaction begins, what keeps a second run away, how
a fault is put into words) or in the schema's text, of which there is a folder for each database.
"""

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import UTC, datetime
from importlib import resources
from types import TracebackType
from typing import Any, NamedTuple, Protocol, Self, final

from tui.errors import BusyError, LedgerError
from tui.ledger.desks import Desk, since_in_words

Values = Sequence[object] | Mapping[str, object]
Row = tuple[Any, ...]
Statement = tuple[str, Values]
"""A query, and the values for it."""

Memory = tuple[tuple[int, int], int]
"""By what it is found out whether a database still knows what it has recorded: the last attempt that was begun with its
message, and the last that was settled; 0 for none."""


class Fence(NamedTuple):
    """A share of a run, and the token by which somebody has it in hand; for which account, if the run has several."""

    share: int
    token: str
    account: str | None = None


VERSION = 9
"""The number of the newest schema."""

HOLDER = "SELECT who, place, since FROM holder WHERE what = 'run'"

ATTEMPT = "INSERT INTO attempt (message, digest, outcome, started_at) VALUES (?, ?, 'sending', ?) RETURNING id"
SETTLEMENT = "UPDATE attempt SET outcome = ?, reply = ?, settled_at = ? WHERE id = ? RETURNING id"
PERSON = (
    # A cancellation goes to where the old entry is, which need not be where the person is now.
    "INSERT INTO person (key, address, name, grouped, fields) VALUES (?, ?, ?, ?, ?)"
    " ON CONFLICT (key) DO UPDATE SET"
    " address = CASE ? WHEN 'cancel' THEN person.address ELSE excluded.address END,"
    " name = excluded.name, grouped = excluded.grouped, fields = excluded.fields"
)
MESSAGE = (
    "INSERT INTO version (run, key, address, action, uid, sequence, generation, round, line, told,"
    " message_id, stamp, digest) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (key, uid, sequence, round) DO UPDATE SET run = excluded.run, address = excluded.address,"
    " action = excluded.action, line = excluded.line, told = excluded.told,"
    " message_id = excluded.message_id, stamp = excluded.stamp, digest = excluded.digest"
    " WHERE NOT EXISTS (SELECT 1 FROM attempt WHERE attempt.message = version.id"
    " AND attempt.outcome IN ('sending', 'accepted', 'unknown', 'refused')) RETURNING key, uid, sequence, round, id"
)


class Rows(Protocol):
    """What a query has found."""

    @property
    def rowcount(self) -> int: ...
    def fetchone(self) -> Any: ...
    def fetchall(self) -> Sequence[Row]: ...
    def __iter__(self) -> Iterator[Row]: ...


class Database(ABC):
    """One connection, for several threads: whoever is within `reading`, `writing` or `alone` has it alone."""

    execute: Callable[..., Rows]
    """Asks one query, with its values; the rows are here when it returns."""

    is_shared = False
    """Whether other events are in the same database, and other machines record in it."""

    def __init__(self, shown: str, *, is_held: bool) -> None:
        self.shown, self.is_held = shown, is_held
        """What it is called in words, without a password; whether a run holds it, and may write."""
        self._turn = threading.Lock()
        self._writer: int | None = None
        """The thread whose transaction is open."""
        self.holding: Row | None = None
        """What HOLDER finds for as long as this is the last run that began."""
        self.commits = 0
        """How many transactions have been recorded through this connection."""

    @abstractmethod
    def stream(self, query: str, values: Values = ()) -> Iterator[Row]:
        """The rows of one query, however many, a few in memory at a time; within a transaction."""

    @abstractmethod
    def each(self, query: str, values: Iterable[Values]) -> None:
        """Asks the same of each of these values."""

    @final
    def among(self, query: str, keys: Sequence[str]) -> Rows:
        """Asks one query in which `IN (...)` stands for these."""
        return self.execute(query.replace("IN (...)", f"IN ({', '.join('?' * len(keys))})"), list(keys))

    @abstractmethod
    def all_of(self, statements: Sequence[Statement]) -> Sequence[Sequence[Row]]:
        """What each of these RETURNs, in their order; in as few round trips as possible. One that fails ends all."""

    @abstractmethod
    def plan(self, people: Sequence[Values], messages: Sequence[Values]) -> Sequence[int | None]:
        """Puts down messages and whom they are for, from the values that PERSON and MESSAGE take: of both a run has one
        for every message. Returns the ids, None for each that was sent already."""

    def settle_and_begin(self, settled: Sequence[Values], begun: Sequence[Values]) -> tuple[int, Sequence[int]]:
        """Settles attempts and begins others, from the values that SETTLEMENT and ATTEMPT take: the two statements of
        which a run makes one each for every message. Returns how many were settled, and the ids of those begun."""
        found = self.all_of([*((SETTLEMENT, values) for values in settled), *((ATTEMPT, values) for values in begun)])
        return sum(map(len, found[: len(settled)])), [rows[0][0] for rows in found[len(settled) :]]

    def settle_and_begin_behind(
        self, fences: Collection[Fence], settled: Sequence[Values], begun: Sequence[Values]
    ) -> tuple[Collection[int], int, Sequence[int]]:
        """The same of messages in shares, each with the values of its fence after its own: nothing of a share is done
        whose token is another by now, and until the transaction's end nobody takes one of the others. Returns first the
        shares that still are in these hands. Ids are 0 where nothing was begun. Of a ledger that workers can share."""
        raise NotImplementedError

    def surely(self, record: Callable[[], None]) -> None:
        """Does `record`, one transaction of `settle_and_begin`, also where the database is gone for a while."""
        record()

    @property
    def is_lost(self) -> bool:
        """Whether the connection is gone: it has to be opened anew."""
        return False

    @property
    def memory(self) -> Memory | None:
        """What was recorded last through this connection; None where nothing can be forgotten."""
        return None

    def remembers(self, memory: Memory) -> bool:  # noqa: ARG002  # of those who never forget
        """Whether it still knows what was recorded through another connection."""
        return True

    @property
    def is_writing(self) -> bool:
        """Whether a transaction of this thread is open."""
        return self._writer == threading.get_ident()

    @abstractmethod
    def in_words(self) -> AbstractContextManager[None]:
        """Whatever the database says is a LedgerError."""

    @abstractmethod
    def begin(self, *, reading: bool) -> None:
        """Begins a transaction: one that sees one moment, or one that nobody else writes beside."""

    @abstractmethod
    def rollback(self) -> None:
        """Ends a transaction, if there is one, as if it had not been."""

    @abstractmethod
    def commit(self) -> None:
        """Ends a transaction: when it returns, what was recorded survives a power cut."""

    @abstractmethod
    def defer_references(self) -> None:
        """Until the end of this transaction a row may refer to one that is not there."""

    @abstractmethod
    def number_on(self, columns: Mapping[str, str]) -> None:
        """Has these columns of these tables count on from the greatest number that was given them."""

    @abstractmethod
    def prepare_to_forget(self) -> None:
        """Before the transaction in which something is taken out for good."""

    @abstractmethod
    def overwrite(self) -> None:
        """Has nothing of what was taken out left on the disk. BusyError while somebody else reads it."""

    @property
    def connection(self) -> Any:
        """The driver's own, for what is to be a part of an open transaction; of a ledger that workers can share."""
        raise NotImplementedError

    @abstractmethod
    def _close(self) -> None: ...

    @final
    def close(self) -> None:
        with self._turn:
            self._close()

    @final
    @contextmanager
    def reading(self) -> Iterator["Database"]:
        """As of one moment, whatever is recorded meanwhile."""
        with self._turn, self.in_words():
            self.begin(reading=True)
            try:
                yield self
            finally:
                self.rollback()

    @final
    @contextmanager
    def writing(self) -> Iterator["Database"]:
        """A transaction; what is begun within another one of the same thread is a part of that."""
        if self.is_writing:
            yield self
            return
        with self.alone(), self.transaction():
            self._writer = threading.get_ident()
            try:
                yield self
            finally:
                self._writer = None

    @final
    @contextmanager
    def alone(self) -> Iterator[None]:
        """For what takes several transactions, or none."""
        with self._turn, self.in_words():
            yield

    @final
    @contextmanager
    def transaction(self) -> Iterator["Database"]:
        """All of it or nothing; of whoever is `alone`."""
        self.begin(reading=False)
        try:
            yield self
            self.commit()
        except BaseException:
            self.rollback()
            raise
        self.commits += 1


class Changes(ABC):
    """Tells whoever follows a ledger that something was recorded in it, here or at another desk."""

    @abstractmethod
    def wait(self, seconds: float) -> bool:
        """Whether anything was recorded since it was asked last, or since it was made; waits so long for it. It may
        also say so where nothing was. LedgerError where the ledger cannot be reached."""

    @abstractmethod
    def close(self) -> None: ...

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def which(message: Values) -> Row:
    """What there is one of, of the values that MESSAGE takes: see the table."""
    _, key, _, _, uid, sequence, _, round_, *_ = message
    return key, uid, sequence, round_


def tell(db: Database, facts: Iterable[str]) -> dict[str, int]:
    """Puts down what messages say of the event, each once; returns the numbers."""
    new = list(dict.fromkeys(facts))
    rows = db.all_of([("INSERT INTO told (facts) VALUES (?) RETURNING id", (one,)) for one in new])
    return {one: made[0][0] for one, made in zip(new, rows, strict=True)}


def schema(database: str, what: int | str) -> str:
    """The text that brings a ledger from the version before this number to this, or makes what has this name."""
    name = what if isinstance(what, str) else f"{what:03}"
    file = resources.files("tui.ledger").joinpath("schema", database, f"{name}.sql")
    return file.read_text(encoding="utf-8")


def unusable(shown: str, why: str, hint: str) -> LedgerError:
    return LedgerError(f"The ledger {shown} cannot be used: {why}.", hint=hint)


class ForgottenError(LedgerError):
    """The database does not know any more what it had recorded: another has taken its place."""

    code = "ledger-forgot"

    def __init__(self, shown: str) -> None:
        super().__init__(
            f"The server of {shown} has forgotten what it had recorded: messages went out of which it knows nothing.",
            hint="Another server that was behind has taken its place. Restore what is missing from the old one before "
            "anything is sent; docs/teams.md says which settings keep it from happening.",
        )


def busy(shown: str, holder: Row | None) -> BusyError:
    """`holder` is what HOLDER has found."""
    who = ""
    if holder is not None:
        with suppress(ValueError):
            who = f": {since_in_words(Desk(holder[0], holder[1]), holder[2], datetime.now(UTC))}"
    return BusyError(
        f"Another run is using {shown}{who}.",
        hint="Wait until it has finished, or stop it; `invite-tui status` shows how far it is.",
    )


def other_version(shown: str) -> LedgerError:
    return LedgerError(
        f"The ledger {shown} was written by another version of invite-tui.",
        hint="Use the newest version of invite-tui.",
    )
