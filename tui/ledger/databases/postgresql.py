"""A ledger that several desks share, in PostgreSQL: each event in a schema of its own.

A commit is on the server's disk when it returns. A run holds an advisory lock for as long as its connection lives, so
the server lets go of it however the process ends; workers of one run share that lock, and no other run begins while one
of them is there. Who holds it stands in the table `holder`.
"""

import functools
import hashlib
import json
import logging
import math
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from typing import Any, Literal, LiteralString, NamedTuple

import psycopg
from psycopg import errors, pq, sql
from psycopg.conninfo import make_conninfo

from tui.clean import visible
from tui.errors import BusyError, LedgerError
from tui.ledger.databases import (
    HOLDER,
    MESSAGE,
    VERSION,
    Changes,
    Database,
    Fence,
    ForgottenError,
    Memory,
    Row,
    Rows,
    Statement,
    Values,
    busy,
    other_version,
    schema,
    unusable,
    which,
)
from tui.ledger.desks import Desk
from tui.ledger.relay import Relay
from tui.ledger.servers import Server

_FIRST = 6
"""The first version that there was of a ledger here."""

_OLDEST = 140000  # of the server: PostgreSQL 14
_MARK = "invite-tui ledger "
_AT_ONCE = 2000  # rows
_MANY = 50  # statements
_IS_GONE = 20
"""Seconds after which a connection on which nobody answers is given up, here and by the server."""

_PATIENCE = 30.0
"""Seconds for which a server that is gone is waited for in a run."""

_TELL_AFTER = 0.25
"""Seconds within which a second commit of a run tells nobody."""

_SECOND_LOOK = 2 * _TELL_AFTER

IDLE = 5.0
"""Seconds after which the server ends a worker's transaction that nobody goes on with: it may keep a lock."""

Hold = Literal["run", "work", "look"]
"""Alone, beside other workers of the same run, or only to read."""


_PEOPLE = (
    "INSERT INTO person (key, address, name, grouped, fields)"
    " SELECT new.key, CASE new.action WHEN 'cancel' THEN coalesce(person.address, new.address) ELSE new.address END,"
    " new.name, new.grouped, new.fields"
    " FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[])"
    " WITH ORDINALITY AS new (key, address, name, grouped, fields, action, place)"
    " LEFT JOIN person ON person.key = new.key ORDER BY new.place"
    " ON CONFLICT (key) DO UPDATE SET address = excluded.address, name = excluded.name, grouped = excluded.grouped,"
    " fields = excluded.fields"
)
"""PERSON for many, of whom each is there once."""

_MESSAGES = MESSAGE.replace(
    f"VALUES ({', '.join('?' * 13)})",
    "SELECT run, key, address, action, uid, sequence, generation, round, line, told, message_id, stamp, digest"
    " FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::text[], %s::bigint[], %s::bigint[],"
    " %s::bigint[], %s::bigint[], %s::bigint[], %s::text[], %s::text[], %s::text[]) WITH ORDINALITY AS new"
    " (run, key, address, action, uid, sequence, generation, round, line, told, message_id, stamp, digest, place)"
    " ORDER BY place",
)
"""MESSAGE for many, of which each is there once."""

_SETTLEMENTS = (
    "UPDATE attempt SET outcome = new.outcome, reply = new.reply, settled_at = new.settled_at"
    " FROM json_to_recordset(%s) AS new (outcome text, reply text, settled_at text, id bigint)"
    " WHERE attempt.id = new.id"
)
_ATTEMPTS = (
    "INSERT INTO attempt (message, digest, outcome, started_at)"
    " SELECT new.message, new.digest, 'sending', new.started_at"
    " FROM json_to_recordset(%s) AS new (message bigint, digest text, started_at text) RETURNING message, id"
)

_STILL_HELD = (
    "SELECT share.id FROM share JOIN json_to_recordset(%s) AS fence (id bigint, token text)"
    " ON fence.id = share.id AND fence.token = share.holder ORDER BY share.id FOR SHARE OF share"
)
_SETTLEMENTS_BEHIND = (
    "UPDATE attempt SET outcome = new.outcome, reply = new.reply, settled_at = new.settled_at"
    " FROM json_to_recordset(%s)"
    " AS new (outcome text, reply text, settled_at text, id bigint, share bigint, token text)"
    " JOIN share ON share.id = new.share AND share.holder = new.token WHERE attempt.id = new.id"
)
_ATTEMPTS_BEHIND = (
    "INSERT INTO attempt (message, digest, outcome, started_at, account)"
    " SELECT new.message, new.digest, 'sending', new.started_at, new.account FROM json_to_recordset(%s)"
    " AS new (message bigint, digest text, started_at text, share bigint, token text, account text)"
    " JOIN share ON share.id = new.share AND share.holder = new.token RETURNING message, id"
)
"""The same for shares in hand. Each statement sees what was committed before it, and the first keeps it so."""


logging.getLogger("psycopg").addHandler(logging.NullHandler())  # what it has to say is in its exceptions


class Shared(Database):
    """A ledger in PostgreSQL, opened."""

    is_shared = True

    def __init__(
        self, connection: psycopg.Connection[Row], server: Server, desk: Desk, hold: Hold, idle: float = IDLE
    ) -> None:
        super().__init__(server.shown, is_held=hold != "look")
        self._db, self._server, self._desk, self._hold, self._idle = connection, server, desk, hold, idle
        self._begin = ""
        """What begins the transaction, until it goes out with the first statement: that saves a round trip."""
        self._number: str | None = None
        """The server's number of the transaction."""
        self._doing = _NOTHING
        self._known = _NOTHING
        """What the transaction does to attempts; and what those did of which it is certain that they are recorded."""
        self._in_doubt: dict[int, tuple[str, _Trace]] = {}
        """Of each thread the transaction whose end was asked for and not heard: what became of it can be asked."""
        self._is_lost = False
        self._told_at, self._is_untold = 0.0, False
        self.execute = self._execute

    def _execute(self, query: str, values: Values = ()) -> Rows:
        self._really_begin()
        return self._db.execute(_translated(query), _storable(values))

    def stream(self, query: str, values: Values = ()) -> Iterator[Row]:
        self._really_begin()
        with self._db.cursor(name=f"stream_{time.monotonic_ns()}") as cursor:
            cursor.itersize = _AT_ONCE
            cursor.execute(_translated(query), _storable(values))
            yield from cursor

    def each(self, query: str, values: Iterable[Values]) -> None:
        self._really_begin()
        with self._db.cursor() as cursor:
            cursor.executemany(_translated(query), map(_storable, values))

    def all_of(self, statements: Sequence[Statement]) -> Sequence[Sequence[Row]]:
        with self._in_one_go():
            self._really_begin()
            # What a pipeline that failed was to prepare is not there, and psycopg goes on to use it: prepared is only
            # what is worth it, and ends a run where it fails.
            is_worth_it = None if len(statements) > _MANY else False
            done = [
                self._db.execute(_translated(query), _storable(values), prepare=is_worth_it)
                for query, values in statements
            ]
        return [cursor.fetchall() if cursor.description else () for cursor in done]

    def plan(self, people: Sequence[Values], messages: Sequence[Values]) -> Sequence[int | None]:
        """With one statement for many, in one round trip."""
        rows = [tuple(_storable(values)) for values in messages]
        with self._db.pipeline():
            self._really_begin()
            # As in `all_of`: not prepared.
            for some in _each_once(people, lambda person: next(iter(person))):
                self._db.execute(_PEOPLE, _columns(some), prepare=False)
            planned = [self._db.execute(_MESSAGES, _columns(some), prepare=False) for some in _each_once(rows, which)]
        ids: dict[Row, int] = {tuple(one): id_ for cursor in planned for *one, id_ in cursor}
        return [ids.get(which(row)) for row in rows]

    def settle_and_begin(self, settled: Sequence[Values], begun: Sequence[Values]) -> tuple[int, Sequence[int]]:
        """With one statement each, in one round trip: as one text, not as a pipeline, see `_in_one_go`."""
        _, count, ids = self._settle_and_begin([], (_SETTLEMENTS, settled), (_ATTEMPTS, begun))
        self._doing = _trace(ids, (id_ for *_, id_ in map(tuple, settled)))
        return count, [ids[message] for message, *_ in map(tuple, begun)]

    def settle_and_begin_behind(
        self, fences: Collection[Fence], settled: Sequence[Values], begun: Sequence[Values]
    ) -> tuple[Collection[int], int, Sequence[int]]:
        held, count, ids = self._settle_and_begin(fences, (_SETTLEMENTS_BEHIND, settled), (_ATTEMPTS_BEHIND, begun))
        self._doing = _trace(ids, (id_ for *_, id_, share, _, _ in map(tuple, settled) if share in held))
        return held, count, [ids.get(message, 0) for message, *_ in map(tuple, begun)]

    def _settle_and_begin(
        self,
        fences: Collection[Fence],
        settling: tuple[LiteralString, Sequence[Values]],
        beginning: tuple[LiteralString, Sequence[Values]],
    ) -> tuple[Collection[int], int, Mapping[Any, int]]:
        """What is done for each of these three, where there is anything: the shares that are held, how many were
        settled, and the ids of those begun by their messages."""
        asked = [
            (query, _rows(names, rows))
            for names, (query, rows) in (
                (("id", "token"), (_STILL_HELD, [*fences])),
                (("outcome", "reply", "settled_at", "id", "share", "token"), settling),
                (("message", "digest", "started_at", "share", "token", "account"), beginning),
            )
            if rows
        ]
        begin, self._begin = self._begin, ""
        cursor = psycopg.ClientCursor(self._db)
        cursor.execute(
            "; ".join([*filter(None, [begin]), *(query for query, _ in asked), "SELECT pg_current_xact_id()::text"]),
            [rows for _, rows in asked],
        )
        if begin:
            cursor.nextset()
        held, count, ids = list[int](), 0, dict[Any, int]()
        if fences:
            held = [share for (share,) in cursor.fetchall()]
            cursor.nextset()
        if settling[1]:
            count = cursor.rowcount
            cursor.nextset()
        if beginning[1]:
            ids = dict(cursor.fetchall())
            cursor.nextset()
        (self._number,) = cursor.fetchone() or (None,)
        return held, count, ids

    @contextmanager
    def _in_one_go(self) -> Iterator[None]:
        """Many statements in one round trip; a worker's one after the other.

        The last that psycopg says of a pipeline is a Flush, and with that the server's clock for a transaction that
        nobody goes on with is stopped: one whose worker was frozen, or cut off, would keep its locks.
        """
        if self._hold == "work":
            yield
        else:
            with self._db.pipeline():
                yield

    def begin(self, *, reading: bool) -> None:
        self._number, self._doing = None, _NOTHING
        self._in_doubt.pop(threading.get_ident(), None)
        self._begin = f"BEGIN ISOLATION LEVEL {'REPEATABLE READ' if reading else 'READ COMMITTED'}"

    def _really_begin(self) -> None:
        if self._begin:
            begin, self._begin = self._begin, ""
            self._db.execute(begin, prepare=False)

    def rollback(self) -> None:
        self._begin = ""
        if self._db.info.transaction_status not in (pq.TransactionStatus.IDLE, pq.TransactionStatus.UNKNOWN):
            self._db.execute("ROLLBACK")

    def commit(self) -> None:
        if self._begin:
            self._begin = ""
            return
        if self._number is not None:
            self._in_doubt[threading.get_ident()] = self._number, self._doing
        if self._is_to_tell():
            with self._db.pipeline():
                self._tell()
                self._db.execute("COMMIT", prepare=False)
        else:
            self._db.execute("COMMIT", prepare=False)
        self._in_doubt.pop(threading.get_ident(), None)
        self._known = self._known.then(self._doing)

    def _is_to_tell(self) -> bool:
        """Whether this commit wakes who follows: not each message of a run does, because the server lets no two commits
        tell at once."""
        self._is_untold = self._number is not None and time.monotonic() < self._told_at + _TELL_AFTER
        return not self._is_untold

    def _tell(self) -> None:
        self._told_at = time.monotonic()
        self._db.execute(sql.SQL("NOTIFY {}").format(sql.Identifier(self._server.schema)), prepare=False)

    def surely(self, record: Callable[[], None]) -> None:
        """A server that restarts is waited for; what was being committed when it went is recorded once."""
        if self.is_writing:
            record()
            return
        doubt: tuple[str, _Trace] | None = None
        while True:
            db = self._db
            try:
                if doubt is not None:
                    with self.alone():
                        if self._is_recorded(*doubt):
                            return
                    doubt = None
                record()
            except LedgerError:
                doubt = self._in_doubt.pop(threading.get_ident(), doubt)
                with self.alone():
                    if self._is_lost:  # what was closed stays closed
                        raise
                    if self._db is db:  # else another thread has it again already
                        if not db.broken:
                            raise
                        self._connect_again()
            else:
                return

    def _connect_again(self) -> None:
        """LedgerError or BusyError where that takes too long, or another run has begun meanwhile; ForgottenError where
        what was recorded is not there any more."""
        self._is_lost, until = True, time.monotonic() + _PATIENCE
        while True:
            try:
                self._db = _held(self._server, self._desk, self._hold, self._idle)
                break
            except (psycopg.Error, BusyError):  # it still starts, or has not noticed yet that we had gone
                if time.monotonic() > until:
                    raise
            time.sleep(0.1)
        if self.holding is not None and _holder(self._db) != self.holding:
            self._db.close()
            raise LedgerError(
                f"The connection to {self.shown} was lost, and another run has begun meanwhile.",
                hint="What was sent is recorded; `invite-tui status` shows it.",
            )
        if not self._is_there(self._known):
            self._db.close()
            raise ForgottenError(self.shown)
        self._is_lost = False

    @property
    def is_lost(self) -> bool:
        return self._is_lost or self._db.closed

    @property
    def memory(self) -> Memory:
        return self._known

    def remembers(self, memory: Memory) -> bool:
        with self.alone():
            return self._is_there(_Trace(*memory))

    def _is_recorded(self, number: str, done: "_Trace") -> bool:
        """What became of a transaction, by its number; and by what it did, because a server that takes another's place
        may have given the number to another transaction, or may not know of it."""
        while True:
            try:
                found = _only(self._db, "SELECT pg_xact_status(%s::xid8)", number)
            except errors.InvalidParameterValue:  # "is in the future"
                return False
            if found != "in progress":
                break
            time.sleep(0.05)
        if found != "committed" or not self._is_there(done):
            return False
        self._known = self._known.then(done)
        return True

    def _is_there(self, done: "_Trace") -> bool:
        """Whether the attempts are there that were begun or settled."""
        (begun, message), settled = done
        return bool(
            _only(
                self._db,
                "SELECT (%s = 0 OR EXISTS (SELECT 1 FROM attempt WHERE id = %s AND message = %s))"
                " AND (%s = 0 OR EXISTS (SELECT 1 FROM attempt WHERE id = %s AND outcome <> 'sending'))",
                *(begun, begun, message, settled, settled),
            )
        )

    def defer_references(self) -> None:
        self._execute("SET CONSTRAINTS ALL DEFERRED")

    def number_on(self, columns: Mapping[str, str]) -> None:
        for table, column in columns.items():
            self._db.execute(
                sql.SQL(
                    "SELECT setval(pg_get_serial_sequence({}, {}), coalesce(max({}), 1), count(*) > 0) FROM {}"
                ).format(f"{self._server.schema}.{table}", column, sql.Identifier(column), sql.Identifier(table))
            )

    def prepare_to_forget(self) -> None:
        """Nothing: what is deleted is written over by `overwrite`."""

    def overwrite(self) -> None:
        """Writes every table anew, and what the server remembers of their values: it keeps samples of them."""
        foreign = "SELECT count(*) FROM pg_tables WHERE schemaname = %s AND NOT pg_has_role(tableowner, 'USAGE')"
        if _only(self._db, foreign, self._server.schema):
            raise LedgerError(
                f"They are forgotten, but only who owns {self.shown} can have its disk forget them, too.",
                hint="Ask them to run the same command; it finishes what is left.",
            )
        written = (
            "SELECT relname FROM pg_class WHERE relnamespace = %s::regnamespace AND relkind = 'r'"
            " AND pg_relation_size(oid) > 0"
        )
        for (table,) in self._db.execute(written, (self._server.schema,)).fetchall():
            try:
                self._db.execute(sql.SQL("VACUUM (FULL, ANALYZE) {}").format(sql.Identifier(table)))
            except errors.LockNotAvailable:
                raise BusyError(
                    f"They are forgotten, but another program is reading {self.shown}: its disk still has them.",
                    hint="Close the other program, and run the same command again.",
                ) from None

    @property
    def connection(self) -> psycopg.Connection[Row]:
        return self._db

    def _close(self) -> None:
        if self._is_untold and not self._db.closed:
            with suppress(psycopg.Error):
                self._tell()
        _let_go(self._db)

    @contextmanager
    def in_words(self) -> Iterator[None]:
        with _in_words(self.shown):
            yield


class _Trace(NamedTuple):
    """What transactions leave behind, by which they are found: the last attempt that was begun, with its message, and
    the last that was settled; 0 for none."""

    begun: tuple[int, int]
    settled: int

    def then(self, later: "_Trace") -> "_Trace":
        return _Trace(max(self.begun, later.begun), max(self.settled, later.settled))


_NOTHING = _Trace((0, 0), 0)


def _trace(begun: Mapping[int, int], settled: Iterable[Any]) -> _Trace:
    """What stays of these: those that were begun, by their messages, and those that were settled."""
    last = max(((id_, message) for message, id_ in begun.items()), default=(0, 0))
    return _Trace(last, max(settled, default=0))


class SharedChanges(Changes):
    """Listens to what commits tell (see `Shared`). Of several in a moment only the first may, so a second look follows
    each; and one follows the beginning, which may lie between the two."""

    def __init__(self, server: Server, desk: Desk) -> None:
        self._server, self._desk = server, desk
        self._db: psycopg.Connection[Row] | None = None
        self._look_at = math.inf
        with _in_words(server.shown):
            self._listen()

    def wait(self, seconds: float) -> bool:
        now = time.monotonic()
        with _in_words(self._server.shown):
            if self._db is None or self._db.closed:
                self._listen()
                return True
            until = min(now + seconds, self._look_at)
            for _ in self._db.notifies(timeout=max(0.0, until - now), stop_after=1):
                self._look_at = time.monotonic() + _SECOND_LOOK
                return True
        if is_due := time.monotonic() >= self._look_at:
            self._look_at = math.inf
        return is_due

    def close(self) -> None:
        if self._db is not None:
            self._db.close()

    def _listen(self) -> None:
        with ExitStack() as opened:
            self._db = opened.enter_context(closing(_connect(self._server, self._desk, "any")))
            self._db.execute(sql.SQL("LISTEN {}").format(sql.Identifier(self._server.schema)))
            opened.pop_all()
        self._look_at = time.monotonic() + _SECOND_LOOK


def open_for_run(server: Server, desk: Desk, *, shared: bool = False, idle: float = IDLE) -> Shared:
    """The event's ledger there, made where it is missing, held for one run, or `shared` with other workers of one: then
    the server ends a transaction with which nobody goes on for `idle` seconds.

    BusyError where another run holds it; LedgerError where it cannot be opened, or its guarantees are not in force.
    """
    hold: Hold = "work" if shared else "run"
    with _in_words(server.shown):
        db = _held(server, desk, hold, idle)
        try:
            if (version := _version(db, server)) < VERSION:
                _migrate(db, server, version)
            elif not shared:
                _must_not_be_handed_over(db, server)
            _have_accounts(db)
            _must_be_sound(db, server)
            return Shared(db, server, desk, hold, idle)
        except BaseException:
            _let_go(db)
            raise


def _held(server: Server, desk: Desk, hold: Hold, idle: float = IDLE) -> psycopg.Connection[Row]:
    """A connection that holds the event's lock. BusyError where that is another's."""
    db = _connect(server, desk, "read-write")
    try:
        lock = "pg_try_advisory_lock_shared" if hold == "work" else "pg_try_advisory_lock"
        if not _only(db, f"SELECT {lock}(%s)", _lock_of(server)):
            raise busy(server.shown, _holder(db))
        if hold == "work":
            # One that is frozen in the midst of recording must not keep what it has in hand from all others.
            _only(db, "SELECT set_config('idle_in_transaction_session_timeout', %s, false)", f"{idle * 1000:.0f}ms")
    except BaseException:
        db.close()
        raise
    return db


def _let_go(db: psycopg.Connection[Row]) -> None:
    """Closes it. What it held is free when this returns: the server notices only a moment later that somebody went."""
    if not db.closed and db.info.transaction_status == pq.TransactionStatus.IDLE:
        with suppress(psycopg.Error):
            db.execute("SELECT pg_advisory_unlock_all()")
    db.close()


def open_to_read(server: Server, desk: Desk, *, notes: bool = False) -> Shared | None:
    """The event's ledger there for reading, also beside a run; None where there is none. With `notes` it can be written
    to: what is no run's affair."""
    with _in_words(server.shown):
        db = _connect(server, desk, "read-write" if notes else "any")
        try:
            version = _version(db, server)
            if version == VERSION:
                if not notes:
                    db.execute("SET default_transaction_read_only = on")
                return Shared(db, server, desk, "look")
        except BaseException:
            db.close()
            raise
        db.close()
        if version:
            raise LedgerError(
                f"The ledger {server.shown} was written by an earlier version of invite-tui.",
                hint="`invite-tui ledger prepare` brings it up to date; nothing in it is lost.",
            )
        return None


def is_there(server: Server) -> bool:
    """Whether the event has a ledger there."""
    with _in_words(server.shown):
        db = _connect(server, Desk.here(), "any")
        try:
            return _version(db, server) > 0
        finally:
            db.close()


def must_be_free(server: Server) -> None:
    """BusyError while a run, or a worker of one, holds the event's ledger there."""
    with _in_words(server.shown):
        db = _connect(server, Desk.here(), "any")
        try:
            if not _only(db, "SELECT pg_try_advisory_lock(%s)", _lock_of(server)):
                raise busy(server.shown, _holder(db))
            if _version(db, server) == VERSION:
                _must_not_be_handed_over(db, server)
        finally:
            _let_go(db)


def _must_not_be_handed_over(db: psycopg.Connection[Row], server: Server) -> None:
    """BusyError while workers carry out a run, whether one of them is here or not."""
    row = db.execute("SELECT who, place, since FROM handover WHERE state NOT IN ('stopped', 'done')").fetchone()
    if row is not None:
        raise BusyError(
            f"{busy(server.shown, row).message} Workers carry it out.",
            hint="`invite-tui status` shows how far it is, `invite-tui run stop` ends it.",
        )


def prepare(server: Server, desk: Desk, queue: str) -> int:
    """Makes the event's ledger there, or brings it up to date, and gives the roles their rights; returns the version
    that it had, 0 where there was none. `queue` is the text that makes the queue for workers, "" for none.

    BusyError while a run holds it.
    """
    with _in_words(server.shown):
        db = _held(server, desk, "run")
        try:
            if (before := _version(db, server)) < VERSION:
                _migrate(db, server, before)
            elif _has_roles(db):
                db.execute(schema("postgresql", "grants"))
            _have_accounts(db)
            if _has_roles(db):
                db.execute(schema("postgresql", "accounts_grants"))
            if queue:
                _prepare_queue(Shared(db, server, desk, "run"), db, queue)
            return before
        finally:
            _let_go(db)


def _prepare_queue(shared: Shared, db: psycopg.Connection[Row], queue: str) -> None:
    with shared.writing():
        if _is_for_owner(db):
            shared.execute("SET LOCAL ROLE invite_owner")
        Relay(shared).make_queue(queue)
        if _has_roles(db):
            shared.execute(schema("postgresql", "queue_grants"))


def conninfo(server: Server, desk: Desk, session: Literal["read-write", "any"] = "read-write") -> str:
    """All that is said to connect there, for the driver; with the password."""
    said = {
        "connect_timeout": "10",
        **dict(server.parameters),
        "host": ",".join(host.strip("[]") for host, _ in server.hosts),
        "port": ",".join(port for _, port in server.hosts),
        "dbname": server.database,
        "user": server.user,
        "password": server.password,
        "sslmode": server.sslmode,
        "sslrootcert": _root(server),
        "gssencmode": "disable",  # which would go before TLS, and prove something else
        "target_session_attrs": session,
        "application_name": f"invite-tui: {desk.who} on {desk.place}",
        "keepalives_idle": str(_IS_GONE // 2),
        "keepalives_interval": "5",
        "keepalives_count": "2",
        "tcp_user_timeout": str(_IS_GONE * 1000),
    }
    return make_conninfo("", **{name: value for name, value in said.items() if value})


def _connect(server: Server, desk: Desk, session: Literal["read-write", "any"]) -> psycopg.Connection[Row]:
    db: psycopg.Connection[Row] = psycopg.connect(conninfo(server, desk, session), autocommit=True)
    try:
        if db.info.server_version < _OLDEST:
            raise unusable(server.shown, "its server is older than PostgreSQL 14", "Ask for a newer one.")
        settings = {
            "search_path": f"{server.schema}, pg_temp",
            "lock_timeout": "10s",
            "idle_in_transaction_session_timeout": "0",
            "statement_timeout": "0",
        }
        if not server.is_here:
            # A machine that was cut off must not hold the ledger until somebody restarts the server.
            idle = {"idle": _IS_GONE // 2, "interval": 5, "count": 2}
            settings |= {f"tcp_keepalives_{name}": str(value) for name, value in idle.items()}
        settings |= {"synchronous_commit": "on"} if _only(db, "SHOW synchronous_commit") in ("off", "local") else {}
        calls = sql.SQL(", ").join(
            sql.SQL("set_config({}, {}, false)").format(name, value) for name, value in settings.items()
        )
        db.execute(sql.SQL("SELECT {}").format(calls))
    except BaseException:
        db.close()
        raise
    return db


def _root(server: Server) -> str:
    """Whom a server's certificate must come from: what the address says, or else whom this system trusts."""
    said = dict(server.parameters).get("sslrootcert")
    return said or ("system" if server.sslmode == "verify-full" and pq.version() >= 160000 else "")


def _lock_of(server: Server) -> int:
    """The advisory lock of the event: locks are each database's own."""
    return int.from_bytes(hashlib.sha256(f"invite-tui {server.schema}".encode()).digest()[:8], signed=True)


def _holder(db: psycopg.Connection[Row]) -> Row | None:
    with suppress(psycopg.Error):
        return db.execute(HOLDER).fetchone()
    return None


def _version(db: psycopg.Connection[Row], server: Server) -> int:
    """The number of the newest schema that has been applied, 0 where the event has none. LedgerError for any other."""
    row = db.execute(
        "SELECT obj_description(oid, 'pg_namespace') FROM pg_namespace WHERE nspname = %s", (server.schema,)
    ).fetchone()
    if row is None:
        return 0
    found = re.fullmatch(re.escape(_MARK) + r"(\d{1,6})", row[0] or "")
    if not found:
        raise unusable(server.shown, f"its schema {server.schema} is another program's", "Name another database.")
    if int(found[1]) > VERSION:
        raise other_version(server.shown)
    return int(found[1])


def _has_roles(db: psycopg.Connection[Row]) -> bool:
    """Whether this database was given the roles (roles.sql). They are the whole server's, and the rights this one's."""
    return bool(
        _only(
            db,
            "SELECT CASE WHEN to_regrole('invite_owner') IS NULL THEN false"
            " ELSE has_database_privilege('invite_owner', current_database(), 'CREATE') END",
        )
    )


def _is_for_owner(db: psycopg.Connection[Row]) -> bool:
    """Whether what is made now is to belong to the owners."""
    return _has_roles(db) and bool(_only(db, "SELECT pg_has_role('invite_owner', 'MEMBER')"))


def _migrate(db: psycopg.Connection[Row], server: Server, version: int) -> None:
    """Makes the schema, or brings it up to date: whole or not at all."""
    name = sql.Identifier(server.schema)
    with db.transaction():
        if _is_for_owner(db):
            db.execute("SET LOCAL ROLE invite_owner")  # whoever made it: it is the owner's, and they may change it
        if not version:
            db.execute(sql.SQL("CREATE SCHEMA {}").format(name))
        for number in range(max(version + 1, _FIRST), VERSION + 1):
            db.execute(schema("postgresql", number))
        db.execute(sql.SQL("COMMENT ON SCHEMA {} IS {}").format(name, f"{_MARK}{VERSION}"))
        if _has_roles(db):
            db.execute(schema("postgresql", "grants"))


def _have_accounts(db: psycopg.Connection[Row]) -> None:
    """Makes what all events of the database share, if it is not there."""
    is_missing = "SELECT to_regnamespace('invite_tui_accounts') IS NULL"
    if not _only(db, is_missing):
        return
    with db.transaction():
        db.execute("SELECT pg_advisory_xact_lock(hashtext('invite_tui_accounts'))")  # two events may begin at once
        if _only(db, is_missing):
            if _is_for_owner(db):
                db.execute("SET LOCAL ROLE invite_owner")
            db.execute(schema("postgresql", "accounts"))
            if _has_roles(db):
                db.execute(schema("postgresql", "accounts_grants"))


def _must_be_sound(db: psycopg.Connection[Row], server: Server) -> None:
    """LedgerError where a guarantee was taken out: a trigger that is off, an index that is not valid, or a server that
    does not wait for its disk."""
    found = _only(
        db,
        "SELECT (SELECT count(*) FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n"
        " ON n.oid = c.relnamespace WHERE n.nspname = %s AND t.tgenabled NOT IN ('O', 'A'))"
        " + (SELECT count(*) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n"
        " ON n.oid = c.relnamespace WHERE n.nspname = %s AND NOT i.indisvalid)"
        " + (SELECT CASE WHEN to_regclass('one_live_attempt') IS NULL THEN 1 ELSE 0 END)",
        server.schema,
        server.schema,
    )
    if found:
        why = f"{found} of the guarantees of {server.schema} are not in force"
        raise unusable(server.shown, why, "Restore it from a backup; do not send before.")
    for name in ("fsync", "full_page_writes"):
        if _only(db, f"SHOW {name}") != "on":
            why = f"its server runs with {name} = off, and forgets in a power cut what was sent"
            raise unusable(server.shown, why, "Ask for a server that keeps what it was told.")


def _only(db: psycopg.Connection[Row], query: str, *values: object) -> Any:
    """The one value that there is."""
    row = db.execute(query, values or None).fetchone()
    return None if row is None else row[0]


@functools.cache  # as many as there are queries
def _translated(query: str) -> LiteralString:
    """The same query with psycopg's places for values."""
    return re.sub(r":([a-z]+)", r"%(\1)s", query.replace("%", "%%")).replace("?", "%s")


def _each_once(rows: Sequence[Values], what: Callable[[Values], object]) -> Sequence[Sequence[Values]]:
    """The same rows, in as few groups as have each only once: one statement changes no row twice. What there is several
    times stays in its order."""
    groups: list[list[Values]] = []
    seen = Counter[object]()
    for row in rows:
        which = what(row)
        if seen[which] == len(groups):
            groups.append([])
        groups[seen[which]].append(row)
        seen[which] += 1
    return groups


def _columns(rows: Sequence[Values]) -> Sequence[list[object]]:
    """The rows' values, column by column, as `unnest` takes them."""
    return [list(column) for column in zip(*map(_storable, rows), strict=True)]


def _rows(names: Sequence[str], rows: Sequence[Values]) -> str:
    """The same for `json_to_recordset`, for a few rows again and again: an array is written value by value. Of the
    names as many are theirs as they have values."""
    return json.dumps([dict(zip(names, _storable(row), strict=False)) for row in rows], ensure_ascii=False)


def _storable(values: Values) -> Values:
    """A text here cannot have a NUL: its picture stands for it. No list can bring one, but a server's reply may."""
    if isinstance(values, dict):
        return {name: _without_nul(value) for name, value in values.items()}
    return [_without_nul(value) for value in values]


def _without_nul(value: object) -> object:
    return value.replace("\0", "\u2400") if isinstance(value, str) and "\0" in value else value


_ASK_THE_OWNER = "Ask who owns the database; for a new event they run `invite-tui ledger prepare`."
_WORDS: tuple[tuple[type[psycopg.Error], str, str], ...] = (
    (
        errors.InsufficientPrivilege,
        "you may not do that there",
        _ASK_THE_OWNER,
    ),
    (errors.InvalidPassword, "the login was refused", "Check the user name and the password in INVITE_TUI_LEDGER."),
    (errors.InvalidAuthorizationSpecification, "the login was refused", "Check the user name and the password."),
    (errors.InvalidCatalogName, "there is no such database", "Check the address."),
    (errors.DiskFull, "the disk is full", "Have some space freed and run the same command again."),
    (errors.TooManyConnections, "too many are connected", "Wait, or have max_connections raised."),
    (errors.ReadOnlySqlTransaction, "it may not be written to", "Is it a standby? Name the server that takes writes."),
    (errors.LockNotAvailable, "another program holds it", "Close the other program and try again."),
    (errors.OperatorIntervention, "its server is stopping or starting", "Run the same command again in a moment."),
    (errors.DataCorrupted, "it is damaged", "Restore it from a backup; do not send before."),
    (errors.IndexCorrupted, "it is damaged", "Restore it from a backup; do not send before."),
    (psycopg.IntegrityError, "what was to be recorded contradicts it", "Please report it; nothing more was sent."),
)


@contextmanager
def _in_words(shown: str) -> Iterator[None]:
    try:
        yield
    except psycopg.Error as error:
        lost = ("its server cannot be reached", "Check the address and the network, and run the same command again.")
        known = next(((what, hint) for kind, what, hint in _WORDS if isinstance(error, kind)), None)
        if known is None and isinstance(error, psycopg.OperationalError) and error.sqlstate is None:
            known = (f"{lost[0]} ({_last_line(error)})", lost[1])
        what, hint = known or (_last_line(error), "It may be damaged: have it restored, or name another with --ledger.")
        raise unusable(shown, what, hint) from error


def _last_line(error: psycopg.Error) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    said = lines[-1].rpartition("FATAL:")[2].strip() if lines else type(error).__name__
    return visible(said)[:200].rstrip(".")
