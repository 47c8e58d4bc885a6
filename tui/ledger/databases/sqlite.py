"""A ledger in a file.

SQLite in WAL mode with full synchronisation: when a commit returns, what it recorded survives a power cut. A run
holds a second, empty database beside the ledger under an exclusive lock: the operating system lets go of it whenever
and however the process ends, on every platform that SQLite knows.
"""

import atexit
import os
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from functools import cache
from itertools import chain
from pathlib import Path

from tui import files
from tui.errors import BusyError, LedgerError
from tui.ledger.databases import (
    HOLDER,
    MESSAGE,
    PERSON,
    VERSION,
    Changes,
    Database,
    Row,
    Statement,
    Values,
    busy,
    other_version,
    schema,
    unusable,
    which,
)
from tui.ledger.places import is_on_network

_AT_ONCE = 100  # attempts in one statement
_LOOK = 0.1  # seconds after which a file is looked at again
_APPLICATION = 0x494E5654  # "INVT": PRAGMA application_id, so that no other program's database is taken for a ledger
_copying = threading.Lock()


class File(Database):
    """A ledger in a file, opened."""

    def __init__(self, connection: sqlite3.Connection, shown: str, lock: sqlite3.Connection | None = None) -> None:
        super().__init__(shown, is_held=lock is not None)
        self._db, self._lock = connection, lock
        self.execute = connection.execute

    def stream(self, query: str, values: Values = ()) -> Iterator[Row]:
        return iter(self._db.execute(query, values))

    def each(self, query: str, values: Iterable[Values]) -> None:
        self._db.executemany(query, values)

    def all_of(self, statements: Sequence[Statement]) -> Sequence[Sequence[Row]]:
        execute = self._db.execute
        return [execute(query, values).fetchall() for query, values in statements]

    def plan(self, people: Sequence[Values], messages: Sequence[Values]) -> Sequence[int | None]:
        """With one statement for many messages."""
        self._db.executemany(PERSON, people)
        ids: dict[Row, int] = {}
        for at in range(0, len(messages), _AT_ONCE):
            some = messages[at : at + _AT_ONCE]
            for *one, id_ in self._db.execute(_messages(len(some)), [*chain.from_iterable(some)]):
                ids[tuple(one)] = id_
        return [ids.get(which(message)) for message in messages]

    def settle_and_begin(self, settled: Sequence[Values], begun: Sequence[Values]) -> tuple[int, Sequence[int]]:
        """With one statement each: beginning and ending a statement costs as much as all that its triggers do."""
        count = 0
        for at in range(0, len(settled), _AT_ONCE):
            some = settled[at : at + _AT_ONCE]
            count += self._db.execute(_settlements(len(some)), [*chain.from_iterable(some)]).rowcount
        # Nobody else begins one before this transaction ends.
        first = self._db.execute("SELECT coalesce(max(id), 0) + 1 FROM attempt").fetchone()[0] if begun else 0
        ids = range(first, first + len(begun))
        for at in range(0, len(begun), _AT_ONCE):
            rows = zip(ids[at : at + _AT_ONCE], begun[at : at + _AT_ONCE], strict=True)
            values = [value for id_, others in rows for value in (id_, *others)]
            self._db.execute(_attempts(len(values) // 4), values)
        return count, ids

    def begin(self, *, reading: bool) -> None:
        self._db.execute("BEGIN" if reading else "BEGIN IMMEDIATE")

    def rollback(self) -> None:
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")

    def commit(self) -> None:
        self._db.execute("COMMIT")

    def defer_references(self) -> None:
        self._db.execute("PRAGMA defer_foreign_keys = ON")

    def number_on(self, columns: Mapping[str, str]) -> None:
        """Nothing: it always does."""

    def prepare_to_forget(self) -> None:
        self._db.execute("PRAGMA secure_delete = ON")

    def overwrite(self) -> None:
        """Writes every page anew: those that were in use may have the deleted in their gaps."""
        self._db.execute("PRAGMA temp_store = DEFAULT")  # a whole ledger is more than what memory is for
        self._db.execute("VACUUM")
        if self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
            raise BusyError(
                f"They are forgotten, but another program is reading {self.shown}: its journal still has them.",
                hint="Close the other program, and run the same command again.",
            )

    def _close(self) -> None:
        self._db.close()
        if self._lock is not None:
            self._lock.close()

    @contextmanager
    def in_words(self) -> Iterator[None]:
        with _in_words(self.shown):
            yield


@cache
def _messages(count: int) -> str:
    """MESSAGE for so many."""
    row = f"({', '.join('?' * 13)})"
    return MESSAGE.replace(row, ", ".join([row] * count))


@cache
def _settlements(count: int) -> str:
    """SETTLEMENT for so many."""
    return (
        "UPDATE attempt SET outcome = new.column1, reply = new.column2, settled_at = new.column3"  # noqa: S608  # question marks
        f" FROM (VALUES {', '.join(['(?, ?, ?, ?)'] * count)}) AS new WHERE attempt.id = new.column4"
    )


@cache
def _attempts(count: int) -> str:
    """ATTEMPT for so many, each with its id."""
    rows = ", ".join(["(?, ?, ?, 'sending', ?)"] * count)
    return f"INSERT INTO attempt (id, message, digest, outcome, started_at) VALUES {rows}"  # noqa: S608  # question marks


def open_for_run(path: Path) -> File:
    """The ledger at `path`, made where it is missing, held for one run, and read through for damage.

    BusyError where another run holds it; LedgerError where it cannot be opened or is damaged.
    """
    with _in_words(path.name), ExitStack() as opened:
        path = files.resolved(path)  # by whatever link it is reached, there is one lock
        _refuse_what_is_no_file(path)
        lock = opened.enter_context(closing(_locked(path)))
        _make_private(path)
        db = opened.enter_context(closing(_connect(path)))
        version = _version(db, path.name)
        if version:
            _must_be_sound(db, path.name)
        if 0 < version < VERSION:
            _back_up(db, path.with_name(f"{path.name}.v{version}.bak"))
        if version < VERSION:
            _migrate(db)
        keep_journal(db, path.name, on_network=is_on_network(path))
        db.execute("PRAGMA foreign_keys = ON")
        # What one statement would take back if it failed, with its triggers: as a file it gets 64 kB anew each time,
        # which costs four times as much as all else that a statement does.
        db.execute("PRAGMA temp_store = MEMORY")
        # In the two megabytes that it has otherwise the indexes of a long list have no room: pages are written and read
        # again and again while a run is begun, which takes half as long again for each of 200,000.
        db.execute("PRAGMA cache_size = -12000")  # kB
        _close_to_others(path)
        opened.pop_all()
        return File(db, path.name, lock)


def must_be_free(path: Path) -> None:
    """BusyError while a run holds the ledger at `path`; makes nothing where there is none."""
    with _in_words(path.name):
        path = files.resolved(path)
        if path.with_name(path.name + "-lock").exists():
            _locked(path).close()


def open_to_read(path: Path) -> File:
    """The ledger at `path` for reading, also beside a run; an empty one where there is none (nothing is created)."""
    with _in_words(path.name), ExitStack() as opened:
        _refuse_what_is_no_file(path)
        if path.exists() and path.stat().st_size:
            db = opened.enter_context(closing(_connect_to_read(path)))
            version = _version(db, path.name)
            if version == VERSION:
                opened.pop_all()
                return File(db, path.name)
            # One that an earlier version wrote is brought up to date where it is read; who only looks changes nothing.
            copy = opened.enter_context(closing(_connect(":memory:")))
            if version:
                db.backup(copy)
            _migrate(copy)
            opened.pop_all()
            db.close()
            return File(copy, path.name)
        # A run that is making one at this moment has recorded nothing yet.
        return empty(path.name)


class FileChanges(Changes):
    """Looks whether SQLite has another number for what is in the file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._db: sqlite3.Connection | None = None
        self._seen = self._look()

    def wait(self, seconds: float) -> bool:
        until = time.monotonic() + seconds
        while (found := self._look()) == self._seen:
            if (left := until - time.monotonic()) <= 0:
                return False
            time.sleep(min(left, _LOOK))
        self._seen = found
        return True

    def close(self) -> None:
        if self._db is not None:
            self._db.close()

    def _look(self) -> object:
        with _in_words(self._path.name):
            if self._db is None:
                if not is_there(self._path):
                    return None
                self._db = _connect_to_read(self._path)
            return self._db.execute("PRAGMA data_version").fetchone()


def prepare(path: Path) -> int:
    """Makes the ledger, or brings it up to date; returns the version that it had, 0 where there was none."""
    before = 0
    if is_there(path):
        with _in_words(path.name), closing(_connect_to_read(path)) as db:
            before = _version(db, path.name)
    open_for_run(path).close()
    return before


def empty(shown: str) -> File:
    """A ledger in which there is nothing, and which is nowhere."""
    db = _connect(":memory:")
    with _copying:
        _pattern().backup(db)
    return File(db, shown)


@cache
def _pattern() -> sqlite3.Connection:
    """An empty ledger to be copied, one at a time: its schema takes two hundred times as long to read."""
    db = _connect(":memory:")
    atexit.register(db.close)
    _migrate(db)
    return db


def is_there(path: Path) -> bool:
    return path.exists() and bool(path.stat().st_size)


def keep_journal(db: sqlite3.Connection, shown: str, *, on_network: bool) -> None:
    """Has every commit survive a power cut, also where there can be no write-ahead log; there each takes longer."""
    db.execute("PRAGMA synchronous = FULL")
    if not on_network and db.execute("PRAGMA journal_mode = WAL").fetchone()[0] == "wal":
        return
    mode = db.execute("PRAGMA journal_mode = DELETE").fetchone()[0]
    if mode != "delete":
        raise LedgerError(
            f"The ledger {shown} cannot be used: another program holds it, or its disk keeps no journal ({mode}).",
            hint="Close the other program, or put the ledger on a disk of this machine: --ledger PATH.",
        )
    # The journal's end is what commits: EXTRA has the folder, too, on the disk before that counts.
    db.execute("PRAGMA synchronous = EXTRA")


def _must_be_sound(db: sqlite3.Connection, shown: str) -> None:
    """LedgerError where the file is damaged anywhere, the indexes that forbid a second attempt included.

    All of it is read: 30 ms for 2,000 messages, 2 s for 200,000.
    """
    found = db.execute("PRAGMA integrity_check(1)").fetchone()[0]
    if found != "ok":
        why = f"it is damaged ({str(found)[:100]})"
        raise unusable(shown, why, "Restore it from a backup; do not send before.")


def _connect_to_read(path: Path) -> sqlite3.Connection:
    """A connection that only reads. SQLite writes beside a ledger to read it; where it may not, as in an archive, no
    run can be writing either, and the file is read as it lies there."""
    wal = path.with_name(path.name + "-wal")
    if not os.access(path.resolve().parent, os.W_OK) and not (wal.exists() and wal.stat().st_size):
        address = f"{path.resolve().as_uri()}?mode=ro&immutable=1"
        return sqlite3.connect(address, uri=True, isolation_level=None, check_same_thread=False)
    db = _connect(path)
    db.execute("PRAGMA query_only = ON")
    return db


def _connect(path: Path | str) -> sqlite3.Connection:
    return sqlite3.connect(path, isolation_level=None, timeout=30, check_same_thread=False)


def _locked(path: Path) -> sqlite3.Connection:
    """The lock of the ledger at `path`, held. BusyError where another run has it."""
    beside = path.with_name(path.name + "-lock")
    _make_private(beside)
    lock = sqlite3.connect(beside, isolation_level=None, timeout=0, check_same_thread=False)
    try:
        lock.execute("BEGIN EXCLUSIVE")
    except sqlite3.Error as error:
        lock.close()
        if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise
        raise busy(path.name, _holder(path)) from None
    return lock


def _holder(path: Path) -> Row | None:
    """Who said last that they hold the ledger; None where nobody did, or it cannot be read now."""
    with suppress(sqlite3.Error, OSError), closing(_connect_to_read(path)) as db:
        db.execute("PRAGMA busy_timeout = 0")
        found: Row | None = db.execute(HOLDER).fetchone()
        return found
    return None


def _refuse_what_is_no_file(path: Path) -> None:
    if path.exists() and not path.is_file():
        raise unusable(path.name, "it is not a file", "Name a file: --ledger.")


def _make_private(path: Path) -> None:
    """Makes `path`, readable by its owner alone, before SQLite would make it with the umask's permissions."""
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))


def _close_to_others(path: Path) -> None:
    """A ledger that others may read was copied or restored: it holds names and addresses."""
    if os.name == "posix" and path.stat().st_mode & 0o077:
        path.chmod(0o600)


def _version(db: sqlite3.Connection, shown: str) -> int:
    """The number of the newest schema that has been applied, 0 for an empty database. LedgerError for any other."""
    version, application, tables = (
        int(db.execute(query).fetchone()[0])
        for query in ("PRAGMA user_version", "PRAGMA application_id", "SELECT count(*) FROM sqlite_master")
    )
    if application != _APPLICATION and (application or version or tables):
        raise unusable(shown, "it is another program's database", "Name the right file with --ledger.")
    if version > VERSION:
        raise other_version(shown)
    return version


def _migrate(db: sqlite3.Connection) -> None:
    """Makes the schema, or brings it up to date: whole or not at all."""
    version = int(db.execute("PRAGMA user_version").fetchone()[0])
    if version < VERSION:
        steps = " ".join(schema("sqlite", number) for number in range(version + 1, VERSION + 1))
        db.executescript(f"BEGIN IMMEDIATE; {steps} {stamp(VERSION)} COMMIT;")


def stamp(number: int) -> str:
    """The statements that say that a database is a ledger, and of which version."""
    return f"PRAGMA application_id = {_APPLICATION}; PRAGMA user_version = {number};"


def _back_up(db: sqlite3.Connection, path: Path) -> None:
    """Copies a ledger to `path` before it is brought up to date, whole even where the copying is broken off."""
    beside = path.with_name(f"{path.name}-new")
    beside.unlink(missing_ok=True)
    _make_private(beside)
    with closing(_connect(beside)) as copy:
        db.backup(copy)
    beside.replace(path)


_WORDS = (
    (sqlite3.SQLITE_FULL, "the disk is full", "Free some space and run the same command again."),
    (sqlite3.SQLITE_NOTADB, "it is not a ledger", "Name the right file with --ledger, or restore it from a backup."),
    (sqlite3.SQLITE_CORRUPT, "it is damaged", "Restore it from a backup; do not send before."),
    (sqlite3.SQLITE_READONLY, "it may not be written to", "Make the file and its folder writable."),
    (sqlite3.SQLITE_CANTOPEN, "it cannot be opened", "Check that its folder exists and that you may write there."),
    (sqlite3.SQLITE_CONSTRAINT, "what was to be recorded contradicts it", "Please report it; nothing more was sent."),
    (sqlite3.SQLITE_PERM, "you may not open it", "Check the permissions of the file and its folder."),
    (sqlite3.SQLITE_BUSY, "another program holds it", "Close the other program and try again."),
    (sqlite3.SQLITE_IOERR, "the disk failed to read or write it", "Check the disk; is it full, or a network drive?"),
)


@contextmanager
def _in_words(shown: str) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        unexpected = (str(error), "It may be damaged: restore it from a backup, or name another with --ledger.")
        what, hint = next(((what, hint) for number, what, hint in _WORDS if number == code), unexpected)
        raise unusable(shown, what, hint) from error
    except OSError as error:
        raise unusable(shown, str(error.strerror), "Check the file, its folder and the disk.") from error
