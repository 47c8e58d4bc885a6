"""Every query of the ledger, once.

SQLite in WAL mode with full synchronisation: when a call here returns, what it recorded survives a power cut. A run
holds a second, empty database beside the ledger under an exclusive lock: the operating system lets go of it whenever
and however the process ends, on every platform that SQLite knows.
"""

import hashlib
import json
import os
import secrets
import sqlite3
import threading
import zlib
from array import array
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tui.errors import BusyError, InputError, LedgerError
from tui.ledger import answers as inbox
from tui.ledger import forgetting
from tui.ledger.answers import Answers, Place, Taken
from tui.ledger.chronicle import Chronicle
from tui.ledger.forgetting import LeftOut
from tui.ledger.places import is_on_network
from tui.ledger.proposals import proposals, propose
from tui.ledger.records import (
    NOT_CALLED_OFF,
    CalledOff,
    Correction,
    Decisions,
    Entry,
    Outcome,
    Person,
    Planned,
    Proposal,
    Sent,
)
from tui.ledger.sharing import Fields, Shared

_INTERRUPTED = "the run was interrupted after this message had begun to go out"
_SCHEMA = ("001.sql", "002.sql", "003.sql", "004.sql", "005.sql")
_APPLICATION = 0x494E5654  # "INVT": PRAGMA application_id, so that no other program's database is taken for a ledger


class Ledger:
    """The durable record of what each attendee was sent and what became of it. Safe to use from several threads.

    Every method raises LedgerError where the file cannot be read or written.
    """

    def __init__(self, connection: sqlite3.Connection, lock: sqlite3.Connection | None, shown: str) -> None:
        self._db, self._lock, self._shown = connection, lock, shown
        self._turn = threading.Lock()
        self._writer: int | None = None
        """The thread whose transaction is open."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        with self._turn:
            self._db.close()
            if self._lock is not None:
                self._lock.close()

    def belongs_to(self, fingerprint: str) -> None:
        """Checks that this is the ledger of the event with this fingerprint; an empty ledger becomes its.

        InputError where it is another event's: its people would all be sent a second entry under a new UID.
        """
        with self._reading() as db:
            row = db.execute("SELECT value FROM fact WHERE name = 'event'").fetchone()
        if row is None and self._lock is not None:
            with self._writing() as db:
                db.execute("INSERT INTO fact VALUES ('event', ?)", (fingerprint,))
        elif row is not None and row[0] != fingerprint:
            raise InputError(
                f"{self._shown} is the ledger of another event: the event file's uid is not the one it was sent with.",
                hint="Restore the event file's uid, or name the right ledger with --ledger.",
                code="other-event",
            )

    def identity(self) -> str:
        """What tells this ledger from every other one, and stays with its copies; "" before the first run."""
        with self._reading() as db:
            row = db.execute("SELECT value FROM fact WHERE name = 'ledger'").fetchone()
            return str(row[0]) if row else ""

    def attempts(self) -> int:
        """How many tries at a server it has ever known; never fewer than before."""
        with self._reading() as db:
            return int(db.execute("SELECT coalesce(max(id), 0) FROM attempt").fetchone()[0])

    def sent_since(self, account: str, moment: datetime) -> int:
        """How many messages have left through `account` since then, or may have."""
        with self._reading() as db:
            return int(
                db.execute(
                    "SELECT count(*) FROM attempt a JOIN message m ON m.id = a.message JOIN run r ON r.id = m.run"
                    " WHERE a.outcome IN ('accepted', 'unknown', 'sending') AND r.account = ? AND a.started_at >= ?",
                    (account, moment.astimezone(UTC).isoformat(timespec="milliseconds")),
                ).fetchone()[0]
            )

    def departures(self, account: str, moment: datetime, most: int) -> list[datetime]:
        """When the last messages, `most` of them, have left through `account` since then, or may have; newest first."""
        with self._reading() as db:
            rows = db.execute(
                "SELECT a.started_at FROM attempt a JOIN message m ON m.id = a.message JOIN run r ON r.id = m.run"
                " WHERE a.outcome IN ('accepted', 'unknown', 'sending') AND r.account = ? AND a.started_at >= ?"
                " ORDER BY a.started_at DESC LIMIT ?",
                (account, moment.astimezone(UTC).isoformat(timespec="milliseconds"), most),
            )
            return [datetime.fromisoformat(at) for (at,) in rows]

    def newest(self) -> datetime | None:
        """When the last thing was recorded, by the clock of then; None where nothing has been."""
        with self._reading() as db, _damage_in_words(self._shown):
            at = db.execute(
                "SELECT max(at) FROM (SELECT max(started_at) AS at FROM run"
                " UNION ALL SELECT max(started_at) FROM attempt UNION ALL SELECT max(settled_at) FROM attempt)"
            ).fetchone()[0]
            return datetime.fromisoformat(at).astimezone(UTC) if at else None

    def position(self) -> str:
        """Changes whenever anything in the ledger has: part of a plan's digest."""
        with self._reading() as db:
            return str(
                db.execute(
                    "SELECT (SELECT coalesce(max(id), 0) FROM run), (SELECT count(*) FROM message),"
                    " (SELECT coalesce(max(id), 0) FROM attempt),"
                    " (SELECT count(*) FROM attempt WHERE outcome <> 'sending'),"
                    " (SELECT coalesce(max(id), 0) FROM correction), (SELECT count(*) FROM cancellation),"
                    " (SELECT count(*) FROM forgotten),"
                    " (SELECT value FROM fact WHERE name = 'called-off')"
                ).fetchone()
            )

    def people(self, *, history: bool = False) -> Mapping[str, Person]:
        """Everybody that any run was to send something, by key, in the order in which they came; nobody who was
        forgotten."""
        return self._people(history=history)

    def forgotten(self) -> tuple[Person, ...]:
        """What stays of those who were forgotten, for the totals: their names and addresses are ""."""
        with self._reading() as db:
            if not db.execute("SELECT 1 FROM forgotten").fetchone():
                return ()
        return tuple(self._people(are_forgotten=True).values())

    def people_like(self, key: str, address: str) -> Mapping[str, Person]:
        """Who has this key or this address, of everybody: to look at one person of a long list."""
        with self._reading() as db, _damage_in_words(self._shown):
            keys = db.execute("SELECT key FROM person WHERE key = ? OR address = ?", (key, address)).fetchall()
        return self._people(keys=[one for (one,) in keys])

    def addresses(self) -> Sequence[str]:
        """Every address that a message was ever to go to."""
        with self._reading() as db:
            return [one for (one,) in db.execute("SELECT DISTINCT address FROM message WHERE address <> ''")]

    def _people(
        self, *, history: bool = False, are_forgotten: bool = False, keys: Sequence[str] | None = None
    ) -> dict[str, Person]:
        """By key; of these keys alone, where there are any. A kilobyte and a half each, without their history."""
        shared = Shared()
        with self._reading() as db, _damage_in_words(self._shown):
            messages = self._messages(db, shared, keys)
            entries = self._history(db) if history else {}
            corrections, cancelled = self._corrections(db), self._cancellations(db)
            answers = inbox.counting(db)
            found: dict[str, Person] = {}
            for key, address, name, group, fields in db.execute(
                "SELECT key, address, name, grouped, fields FROM person"  # noqa: S608  # nothing but question marks
                f" WHERE (key IN (SELECT key FROM forgotten)) = ?{_among(keys)} ORDER BY rowid",
                (are_forgotten, *(keys or ())),
            ):
                if own := messages.get(key):
                    one = own[0].key  # key and address as their messages have them: in memory once
                    found[one] = Person(
                        one,
                        own[-1].address if own[-1].address == address else address,
                        name,
                        shared.word(group),
                        Fields(fields),
                        own,
                        entries.get(key, ()),
                        corrections.get(key, ()),
                        cancelled.get(key, {}),
                        answers.get(key, ()),
                    )
            return found

    def answers(self) -> Answers:
        """Everything that came back."""
        with self._reading() as db, _damage_in_words(self._shown):
            return inbox.everything(db)

    def take_in(self, mails: Iterable[Taken], places: Iterable[Place] = ()) -> Sequence[bool]:
        """Records mails that were read, and how far their folders are read; returns of each whether it is new."""
        with self._writing() as db:
            return inbox.take_in(db, mails, places)

    def read_so_far(self, account: str) -> Mapping[str, Place]:
        """How far each folder of the account has been read, by the folder's name."""
        with self._reading() as db:
            return inbox.read_so_far(db, account)

    def accept_answers(self, ids: Iterable[int]) -> None:
        """The organiser takes these answers for those of the people invited."""
        with self._writing() as db:
            inbox.accept(db, ids, _now())

    def settle_requests(self, ids: Iterable[int]) -> None:
        """The organiser has dealt with these requests."""
        with self._writing() as db:
            inbox.settle(db, ids, _now())

    @contextmanager
    def chronicle(self) -> Iterator[Chronicle]:
        """Everything that is recorded, as of one moment. Nothing else can be asked of this ledger meanwhile."""
        with self._turn:
            with _in_words(self._shown):
                self._db.execute("BEGIN")
            try:
                yield Chronicle(self._db, self._told)
            finally:
                with _in_words(self._shown):
                    self._db.execute("ROLLBACK")

    @contextmanager
    def _told(self) -> Iterator[None]:
        with _in_words(self._shown), _damage_in_words(self._shown):
            yield

    def called_off(self) -> CalledOff:
        """Whether the event is cancelled for everybody; who was invited anew since, as far as it was recorded then."""
        with self._reading() as db:
            known = dict(db.execute("SELECT name, value FROM fact WHERE name IN ('called-off', 'called-off-in')"))
            if "called-off" not in known:
                return NOT_CALLED_OFF
            anew = (
                db.execute(
                    "SELECT DISTINCT uid FROM message WHERE run > ? AND action <> 'cancel'",
                    (int(known["called-off-in"]),),
                )
                if "called-off-in" in known
                else ()
            )
            return CalledOff(str(known["called-off"]), frozenset(uid for (uid,) in anew))

    def begin(
        self,
        command: str,
        account: str,
        digest: str,
        planned: Iterable[Planned],
        decisions: Decisions | None = None,
        checks: Iterable[str] = (),
    ) -> Sequence[int]:
        """Records a run, what was decided with it, and every message it is going to send, as `unsent`; returns the
        messages' ids in order. `checks` names what each of them has been cleared by.

        A message that an earlier run left `unsent` or `deferred` is taken over, not doubled. InputError where another
        run has sent one of them since the plan was made: then nothing of this run is recorded.
        """
        with self._writing() as db:
            decisions = decisions or Decisions()
            run = db.execute(
                "INSERT INTO run (command, account, digest, started_at, checks, confirmed_by, proposed_by)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    *(command, account, digest, _now(), "\n".join(checks)),
                    *(decisions.confirmed_by, decisions.proposed_by),
                ),
            ).lastrowid
            ids, is_inviting = array("q"), False
            for message in planned:
                ids.append(self._plan(db, run or 0, message))
                is_inviting |= message.action != "cancel"
            self._decide(db, run or 0, decisions)
            if is_inviting and decisions.resumed:
                db.execute("DELETE FROM fact WHERE name IN ('called-off', 'called-off-in')")
            return ids

    def propose(self, digest: str, command: str, messages: int, name: str) -> None:
        """Records, durably, that `name` wants another to approve this plan of so many messages."""
        with self._writing() as db:
            propose(db, Proposal(digest, command, messages, name, _now()))

    def proposals(self) -> Sequence[Proposal]:
        """Every plan that was proposed, oldest first, whatever became of it."""
        with self._reading() as db:
            return proposals(db)

    def adopt(self, entries: Sequence[Planned], reply: str, promised: Iterable[str], dead_links: Iterable[str]) -> None:
        """Records what another program sent, as accepted with `reply`; to whom a replacement is owed, by key; and the
        links that no new message may have. All of it or nothing."""
        with self._writing() as db:
            ids = self.begin("repair", "", "", entries)
            for id_, entry in zip(ids, entries, strict=True):
                self.tried(id_, entry.digest, "accepted", reply)
            db.executemany("INSERT OR IGNORE INTO promise VALUES (?, ?)", [(key, _now()) for key in promised])
            db.executemany("INSERT OR IGNORE INTO dead_link VALUES (?)", [(link,) for link in dead_links])

    def promised(self) -> Mapping[str, datetime]:
        """To whom a replacement was promised, by key, and when; those who were forgotten too."""
        with self._reading() as db, _damage_in_words(self._shown):
            return {key: datetime.fromisoformat(at) for key, at in db.execute("SELECT key, at FROM promise")}

    def left_out(self) -> LeftOut:
        """Who was forgotten, as far as it can still be told: see `LeftOut`."""
        with self._reading() as db:
            return forgetting.left_out(db)

    def is_unfinished(self) -> bool:
        """Whether what was forgotten may still be in the file, because forgetting was broken off."""
        with self._reading() as db:
            return forgetting.is_unfinished(db)

    def forget(self, keys: Collection[str]) -> None:
        """Takes everything personal of these people out of the ledger, for good, and out of the file's free pages and
        its journal. Recorded whole or not at all; to be called again, with nobody, where it was broken off after that.

        BusyError where another program is reading the file: then the journal still has it.
        """
        with self._turn, _in_words(self._shown):
            self._db.execute("PRAGMA secure_delete = ON")
            with self._transaction() as db, _damage_in_words(self._shown):
                forgetting.forget(db, keys)
            self._overwrite()
            with self._transaction() as db:
                forgetting.finished(db)

    def _overwrite(self) -> None:
        """Writes every page anew: those that were in use may have the deleted in their gaps."""
        self._db.execute("PRAGMA temp_store = DEFAULT")  # a whole ledger is more than what memory is for
        self._db.execute("VACUUM")
        if self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
            raise BusyError(
                f"They are forgotten, but another program is reading {self._shown}: its journal still has them.",
                hint="Close the other program, and run the same command again.",
            )

    def dead_links(self) -> tuple[str, ...]:
        with self._reading() as db:
            return tuple(link for (link,) in db.execute("SELECT link FROM dead_link ORDER BY link"))

    @staticmethod
    def _decide(db: sqlite3.Connection, run: int, decisions: Decisions) -> None:
        now = _now()
        db.executemany(
            "INSERT INTO correction (key, header, before, after, at) VALUES (?, ?, ?, ?, ?)",
            [(one.key, one.header, one.before, one.after, now) for one in decisions.corrections],
        )
        db.executemany(
            "INSERT OR IGNORE INTO cancellation VALUES (?, ?, ?, ?)", [(*one, now) for one in decisions.cancelled]
        )
        if decisions.called_off:
            facts = (("called-off", decisions.called_off), ("called-off-in", str(run)))
            db.executemany("INSERT OR REPLACE INTO fact VALUES (?, ?)", facts)

    @staticmethod
    def _plan(db: sqlite3.Connection, run: int, message: Planned) -> int:
        db.execute(
            # A cancellation goes to where the old entry is, which need not be where the person is now.
            "INSERT INTO person VALUES (:key, :address, :name, :grouped, :fields) ON CONFLICT (key) DO UPDATE SET"
            " address = CASE :action WHEN 'cancel' THEN person.address ELSE excluded.address END,"
            " name = excluded.name, grouped = excluded.grouped, fields = excluded.fields",
            {
                "key": message.key,
                "address": message.address,
                "name": message.name,
                "grouped": message.group,
                "fields": json.dumps(dict(message.fields)),
                "action": message.action,
            },
        )
        row = db.execute(
            "INSERT INTO message (run, key, address, action, uid, sequence, generation, round, line, facts,"
            " message_id, stamp, digest) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (key, uid, sequence, round) DO UPDATE SET run = excluded.run, address = excluded.address,"
            " action = excluded.action, line = excluded.line, facts = excluded.facts,"
            " message_id = excluded.message_id, stamp = excluded.stamp, digest = excluded.digest"
            " WHERE outcome IN ('unsent', 'deferred') RETURNING id",
            (
                *(run, message.key, message.address, message.action, message.uid, message.sequence),
                *(message.generation, message.round, message.line, json.dumps(dict(message.facts))),
                *(message.message_id, message.stamp.isoformat(), message.digest),
            ),
        ).fetchone()
        if row is None:
            raise InputError(
                f"Another run has sent this version to {message.address} meanwhile; nothing was sent.",
                hint="Run `plan` again.",
                code="stale-plan",
            )
        return int(row[0])

    def sending(
        self,
        message: int,
        digest: str,
        settled: tuple[int, Outcome, str] | None = None,
        kept: bytes | None = None,
    ) -> int:
        """Records, durably, that `message` is about to leave; returns the attempt's id.

        `settled` is what became of an earlier attempt (its id, the outcome, the reply), recorded in the same commit:
        both are, or neither. `kept` are the bytes that leave, where they are to be kept.
        """
        deflated = None if kept is None else zlib.compress(kept)

        def record(db: sqlite3.Connection) -> int:
            if settled:
                self._settle(db, *settled)
            attempt = self._begin_attempt(db, message, digest)
            if deflated is not None:
                db.execute("INSERT INTO kept VALUES (?, ?)", (attempt, deflated))
            return attempt

        return self._together(record)

    def kept(self) -> Iterator[tuple[int, str, bytes]]:
        """The messages that were kept, in the order in which they left: the attempt, the address, the bytes.

        LedgerError where one is not what its digest says.
        """
        with self._reading() as db:
            rows = db.execute(
                "SELECT a.id, m.address, a.digest, k.message FROM kept k JOIN attempt a ON a.id = k.attempt"
                " JOIN message m ON m.id = a.message ORDER BY a.id"
            )
            for attempt, address, digest, deflated in rows:
                try:
                    raw = zlib.decompress(deflated)
                except zlib.error:
                    raw = b""
                if hashlib.sha256(raw).hexdigest() != digest:
                    raise LedgerError(
                        f"The ledger {self._shown} cannot be used: the message to {address} that it kept is damaged.",
                        hint="Restore it from a backup.",
                    )
                yield attempt, address, raw

    def settle(self, attempt: int, outcome: Outcome, reply: str) -> None:
        """Records, durably, what became of an attempt."""
        self._together(lambda db: self._settle(db, attempt, outcome, reply))

    def tried(self, message: int, digest: str, outcome: Outcome, reply: str) -> None:
        """Records, durably, an attempt at `message` that ended before anything of it had left."""
        self._together(lambda db: self._settle(db, self._begin_attempt(db, message, digest), outcome, reply))

    @staticmethod
    def _begin_attempt(db: sqlite3.Connection, message: int, digest: str) -> int:
        row = db.execute(
            "INSERT INTO attempt (message, digest, outcome, started_at) VALUES (?, ?, 'sending', ?)",
            (message, digest, _now()),
        )
        return int(row.lastrowid or 0)

    def _settle(self, db: sqlite3.Connection, attempt: int, outcome: Outcome, reply: str) -> int:
        done = db.execute(
            "UPDATE attempt SET outcome = ?, reply = ?, settled_at = ? WHERE id = ?",
            (outcome, reply, _now(), attempt),
        )
        if done.rowcount != 1:
            raise LedgerError(f"The ledger {self._shown} does not know of this attempt.")
        return attempt

    def in_one_commit(self, calls: Sequence[Callable[[], Any]]) -> list[Any]:
        """What each of these calls of `sending`, `settle` and `tried` returns, or the exception that it raises; when it
        is here, all that they have recorded is durable. A commit costs the same for one and for ten.

        One that cannot be recorded takes nobody with it: then each is recorded by itself.
        """
        try:
            with self._writing():
                return [call() for call in calls]
        except Exception as error:  # noqa: BLE001  # it is said to whom it concerns
            if len(calls) == 1:
                return [error]
        return [result for call in calls for result in self.in_one_commit([call])]

    def _together(self, record: Callable[[sqlite3.Connection], int]) -> int:
        """Does `record`, durably; within `in_one_commit` as a part of that."""
        with self._writing() as db:
            return record(db)

    def _recover(self) -> None:
        """What a run that died left `sending` may have arrived: it is `unknown`, for the organiser to decide."""
        with self._writing() as db:
            db.execute(
                "UPDATE attempt SET outcome = 'unknown', reply = ?, settled_at = ? WHERE outcome = 'sending'",
                (_INTERRUPTED, _now()),
            )

    @staticmethod
    def _messages(
        db: sqlite3.Connection, shared: Shared, keys: Sequence[str] | None = None
    ) -> dict[str, tuple[Sent, ...]]:
        """Everybody's messages by key, or those of these keys, oldest first."""
        found: dict[str, tuple[Sent, ...]] = {}
        bounced = inbox.bounced(db)
        for id_, key, address, action, uid, sequence, generation, round_, facts, *rest in db.execute(
            "SELECT id, key, address, action, uid, sequence, generation, round, facts, message_id, stamp, digest,"  # noqa: S608  # as above
            f" outcome, reply, attempts, settled_at FROM message WHERE TRUE{_among(keys)} ORDER BY id",
            keys or (),
        ):
            earlier = found.get(key, ())
            message_id, stamp, digest, outcome, *end = rest
            version = (shared.word(action), uid, sequence, generation, round_, shared.facts(facts))
            sent = Sent(
                *(id_, earlier[0].key if earlier else key, address, *version),
                *(message_id, shared.moment(stamp), digest, _outcome(shared.word(outcome)), *end, bounced.get(id_)),
            )
            found[sent.key] = (*earlier, sent)
        return found

    @staticmethod
    def _history(db: sqlite3.Connection) -> dict[str, tuple[Entry, ...]]:
        found: dict[str, list[Entry]] = {}
        for key, at, action, address, sequence, outcome, reply, message_id, digest, *more in db.execute(
            "SELECT m.key, coalesce(a.settled_at, a.started_at), m.action, m.address, m.sequence, a.outcome, a.reply,"
            " m.message_id, a.digest, m.uid, m.id, a.id, k.attempt IS NOT NULL FROM attempt a"
            " JOIN message m ON m.id = a.message LEFT JOIN kept k ON k.attempt = a.id ORDER BY a.id"
        ):
            uid, message, attempt, kept = more
            entry = Entry(
                *(at, action, address, sequence, _outcome(outcome), reply, message_id, digest),
                *(uid, message, attempt, bool(kept)),
            )
            found.setdefault(key, []).append(entry)
        return {key: tuple(entries) for key, entries in found.items()}

    @staticmethod
    def _corrections(db: sqlite3.Connection) -> dict[str, tuple[Correction, ...]]:
        found: dict[str, tuple[Correction, ...]] = {}
        for row in db.execute("SELECT key, header, before, after, at FROM correction ORDER BY id"):
            one = Correction(*row)
            found[one.key] = (*found.get(one.key, ()), one)
        return found

    @staticmethod
    def _cancellations(db: sqlite3.Connection) -> dict[str, dict[str, int]]:
        found: dict[str, dict[str, int]] = {}
        for key, session, generation in db.execute(
            "SELECT key, session, max(generation) FROM cancellation GROUP BY key, session"
        ):
            found.setdefault(key, {})[session] = generation
        return found

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with self._turn, _in_words(self._shown):
            self._db.execute("BEGIN")
            try:
                yield self._db
            finally:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction; what is begun within another one of the same thread is a part of that."""
        if self._writer == threading.get_ident():
            yield self._db
            return
        with self._turn, _in_words(self._shown), self._transaction() as db:
            self._writer = threading.get_ident()
            try:
                yield db
            finally:
                self._writer = None

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """A transaction of whoever has the turn."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield self._db
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise


def open_for_run(path: Path) -> Ledger:
    """The ledger at `path`, made where it is missing, held for one run, and read through for damage.

    BusyError where another run holds it; LedgerError where it cannot be opened or is damaged. What an earlier run left
    in flight is `unknown` from here on.
    """
    with _in_words(path.name), ExitStack() as opened:
        path = path.resolve()  # by whatever link it is reached, there is one lock
        _refuse_what_is_no_file(path)
        lock = opened.enter_context(closing(_locked(path)))
        _make_private(path)
        db = opened.enter_context(closing(_connect(path)))
        version = _version(db, path.name)
        if version:
            _must_be_sound(db, path.name)
        if 0 < version < len(_SCHEMA):
            _back_up(db, path.with_name(f"{path.name}.v{version}.bak"))
        if version < len(_SCHEMA):
            _migrate(db)
        _keep_journal(db, path.name, on_network=is_on_network(path))
        db.execute("PRAGMA foreign_keys = ON")
        # What one statement would take back if it failed, with its triggers: as a file it gets 64 kB anew each time,
        # which costs four times as much as all else that a statement does.
        db.execute("PRAGMA temp_store = MEMORY")
        db.execute("INSERT OR IGNORE INTO fact VALUES ('ledger', ?)", (secrets.token_hex(16),))
        _close_to_others(path)
        ledger = Ledger(db, lock, path.name)
        ledger._recover()
        opened.pop_all()
        return ledger


def _must_be_sound(db: sqlite3.Connection, shown: str) -> None:
    """LedgerError where the file is damaged anywhere, the indexes that forbid a second attempt included.

    All of it is read: 30 ms for 2,000 messages, 2 s for 200,000.
    """
    found = db.execute("PRAGMA integrity_check(1)").fetchone()[0]
    if found != "ok":
        raise LedgerError(
            f"The ledger {shown} cannot be used: it is damaged ({str(found)[:100]}).",
            hint="Restore it from a backup; do not send before.",
        )


def _keep_journal(db: sqlite3.Connection, shown: str, *, on_network: bool) -> None:
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


def must_be_free(path: Path) -> None:
    """BusyError while a run holds the ledger at `path`; makes nothing where there is none."""
    path = path.resolve()
    if path.with_name(path.name + "-lock").exists():
        with _in_words(path.name):
            _locked(path).close()


def open_to_read(path: Path) -> Ledger:
    """The ledger at `path` for reading, also beside a run; an empty one where there is none (nothing is created)."""
    with _in_words(path.name), ExitStack() as opened:
        _refuse_what_is_no_file(path)
        if path.exists() and path.stat().st_size:
            db = opened.enter_context(closing(_connect_to_read(path)))
            version = _version(db, path.name)
            if version == len(_SCHEMA):
                opened.pop_all()
                return Ledger(db, None, path.name)
            # One that an earlier version wrote is brought up to date where it is read; who only looks changes nothing.
            copy = opened.enter_context(closing(_connect(":memory:")))
            if version:
                db.backup(copy)
        else:
            copy = opened.enter_context(closing(_connect(":memory:")))
        # A run that is making one at this moment has recorded nothing yet.
        _migrate(copy)
        db = copy
        opened.pop_all()
        return Ledger(db, None, path.name)


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
        raise BusyError(
            f"Another run is using {path.name}.",
            hint="Wait until it has finished, or stop it; `invite-tui status` shows how far it is.",
        ) from None
    return lock


def _refuse_what_is_no_file(path: Path) -> None:
    if path.exists() and not path.is_file():
        raise LedgerError(f"The ledger {path.name} cannot be used: it is not a file.", hint="Name a file: --ledger.")


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
        raise LedgerError(
            f"The ledger {shown} cannot be used: it is another program's database.",
            hint="Name the right file with --ledger.",
        )
    if version > len(_SCHEMA):
        raise _other_version(shown)
    return version


def _migrate(db: sqlite3.Connection) -> None:
    version = int(db.execute("PRAGMA user_version").fetchone()[0])
    for number, name in enumerate(_SCHEMA[version:], version + 1):
        script = resources.files("tui.ledger").joinpath("schema", name).read_text(encoding="utf-8")
        stamp = f"PRAGMA application_id = {_APPLICATION}; PRAGMA user_version = {number};"
        db.executescript(f"BEGIN IMMEDIATE; {script} {stamp} COMMIT;")


def _back_up(db: sqlite3.Connection, path: Path) -> None:
    """Copies a ledger to `path` before it is brought up to date, whole even where the copying is broken off."""
    beside = path.with_name(f"{path.name}-new")
    beside.unlink(missing_ok=True)
    _make_private(beside)
    with closing(_connect(beside)) as copy:
        db.backup(copy)
    beside.replace(path)


def _other_version(shown: str) -> LedgerError:
    return LedgerError(
        f"The ledger {shown} was written by another version of invite-tui.",
        hint="Use the newest version of invite-tui.",
    )


def _among(keys: Sequence[str] | None) -> str:
    """The condition that a row is one of these people's; "" for everybody's."""
    return "" if keys is None else f" AND key IN ({', '.join('?' * len(keys))})"


def _outcome(stored: str) -> Outcome:
    """What is in flight may arrive: a reader calls it `unknown` until its run says more."""
    outcome: Any = "unknown" if stored == "sending" else stored
    return outcome  # type: ignore[no-any-return]  # the table's CHECK holds it to the five words


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


_WORDS: Iterable[tuple[int, str, str]] = (
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
        raise LedgerError(f"The ledger {shown} cannot be used: {what}.", hint=hint) from error
    except OSError as error:
        raise LedgerError(
            f"The ledger {shown} cannot be used: {error.strerror}.", hint="Check the file, its folder and the disk."
        ) from error


@contextmanager
def _damage_in_words(shown: str) -> Iterator[None]:
    """For what is stored as JSON or as a date: SQLite cannot tell whether it still is."""
    try:
        yield
    except (ValueError, TypeError) as error:
        raise LedgerError(
            f"The ledger {shown} cannot be used: it is damaged.", hint="Restore it from a backup; do not send before."
        ) from error
