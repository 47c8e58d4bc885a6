"""Every query of the ledger, once, whatever database it is in: see `databases`."""

import hashlib
import json
import secrets
import threading
import zlib
from array import array
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import copy
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tui.errors import InputError, LedgerError
from tui.ledger import answers as inbox
from tui.ledger import copying, forgetting, reports
from tui.ledger.answers import Answers, Place, Taken
from tui.ledger.chronicle import Chronicle
from tui.ledger.copying import Proof
from tui.ledger.databases import (
    ATTEMPT,
    SETTLEMENT,
    VERSION,
    Changes,
    Database,
    Fence,
    ForgottenError,
    Memory,
    Statement,
    Values,
    schema,
    sqlite,
    tell,
    unusable,
)
from tui.ledger.desks import Desk
from tui.ledger.forgetting import LeftOut
from tui.ledger.proposals import proposals, propose
from tui.ledger.quotas import Quotas
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
from tui.ledger.relay import Relay
from tui.ledger.reports import Written
from tui.ledger.servers import Server
from tui.ledger.sharing import Fields, Shared


class Fenced(LedgerError):
    """Somebody else has in hand what was to be recorded: nothing was."""

    code = "fenced"

    def __init__(self) -> None:
        super().__init__(
            "What this worker had in hand was given to another: it was not heard of for too long.",
            hint="Nothing is lost, and nobody is sent anything twice. Start the worker again.",
        )


_INTERRUPTED = "the run was interrupted after this message had begun to go out"
_AT_ONCE = 500  # messages of a plan that are recorded together

_SETTLEMENT_OF_THE_LAST = (
    "UPDATE attempt SET outcome = ?, reply = ?, settled_at = ?"
    " WHERE id = (SELECT max(id) FROM attempt WHERE message = ?) RETURNING id"
)
_KEPT = "INSERT INTO kept (attempt, message) SELECT max(id), ? FROM attempt WHERE message = ? RETURNING attempt"


class _Ticket(int):
    """Stands for the id of what is recorded together with others: the place of its statement among them."""


_Behind = tuple[Statement, Fence | None]
"""What is to be recorded, and by whom the message has to be held for it."""


class _Gathering:
    """What one thread wants recorded in one commit."""

    def __init__(self) -> None:
        self.turn = threading.Lock()
        self.thread: int | None = None
        self.gathered: list[_Behind] = []


class Ledger:
    """The durable record of what each attendee was sent and what became of it. Safe to use from several threads.

    Every method raises LedgerError where the database cannot be read or written.
    """

    def __init__(self, database: Database) -> None:
        self._db, self._shown = database, database.shown
        self._reading, self._writing = database.reading, database.writing
        self._gathering = _Gathering()
        self._fence: Fence | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._db.close()

    @property
    def memory(self) -> Memory | None:
        """What was recorded last through it: for `must_remember`, when it is opened again."""
        return self._db.memory

    def must_remember(self, memory: Memory | None) -> None:
        """ForgottenError where the database knows less than it did: another has taken its place."""
        if memory is not None and not self._db.remembers(memory):
            raise ForgottenError(self._shown)

    @property
    def commits(self) -> int:
        """How many transactions have been recorded through it since it was opened."""
        return self._db.commits

    @property
    def quotas(self) -> Quotas | None:
        """What accounts have spent, over all events of the same database; None where this is its only one."""
        return Quotas(self._db) if self._db.is_shared else None

    @property
    def relay(self) -> Relay:
        """What it holds for workers."""
        return Relay(self._db)

    def behind(self, fence: Fence) -> "Ledger":
        """The same ledger, for who has a share of a run in hand: what it is told of messages is recorded while the
        share is theirs, and is Fenced from then on. `in_one_commit` of one takes what all of them are told."""
        one = copy(self)
        one._fence = fence
        return one

    @property
    def is_lost(self) -> bool:
        """Whether nothing can be recorded through it any more, because its connection is gone."""
        return self._db.is_lost

    @contextmanager
    def handing_over(self) -> Iterator[Relay]:
        """One transaction for all that is recorded within, in a ledger on a server."""
        with self._writing():
            yield self.relay

    def belongs_to(self, fingerprint: str) -> None:
        """Checks that this is the ledger of the event with this fingerprint; an empty ledger becomes its.

        InputError where it is another event's: its people would all be sent a second entry under a new UID.
        """
        with self._reading() as db:
            row = db.execute("SELECT value FROM fact WHERE name = 'event'").fetchone()
        if row is None and self._db.is_held:
            with self._writing() as db:
                db.execute("INSERT INTO fact (name, value) VALUES ('event', ?)", (fingerprint,))
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
                    "SELECT count(*) FROM attempt a JOIN version v ON v.id = a.message JOIN run r ON r.id = v.run"
                    " WHERE a.outcome IN ('accepted', 'unknown', 'sending') AND coalesce(a.account, r.account) = ?"
                    " AND a.started_at >= ?",
                    (account, moment.astimezone(UTC).isoformat(timespec="milliseconds")),
                ).fetchone()[0]
            )

    def departures(self, account: str, moment: datetime, most: int) -> list[datetime]:
        """When the last messages, `most` of them, have left through `account` since then, or may have; newest first."""
        with self._reading() as db:
            rows = db.execute(
                "SELECT a.started_at FROM attempt a JOIN version v ON v.id = a.message JOIN run r ON r.id = v.run"
                " WHERE a.outcome IN ('accepted', 'unknown', 'sending') AND coalesce(a.account, r.account) = ?"
                " AND a.started_at >= ?"
                " ORDER BY a.started_at DESC LIMIT ?",
                (account, moment.astimezone(UTC).isoformat(timespec="milliseconds"), most),
            )
            return [datetime.fromisoformat(at) for (at,) in rows]

    def newest(self) -> datetime | None:
        """When the last thing was recorded, by the clock of then; None where nothing has been."""
        with self._reading() as db, _damage_in_words(self._shown):
            at = db.execute(
                "SELECT max(at) FROM (SELECT max(started_at) AS at FROM run"
                " UNION ALL SELECT max(started_at) FROM attempt"
                " UNION ALL SELECT max(settled_at) FROM attempt) AS moments"
            ).fetchone()[0]
            return datetime.fromisoformat(at).astimezone(UTC) if at else None

    def position(self) -> str:
        """Changes whenever anything in the ledger has: part of a plan's digest."""
        with self._reading() as db:
            return str(
                db.execute(
                    "SELECT (SELECT coalesce(max(id), 0) FROM run), (SELECT count(*) FROM version),"
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

    def history_of(self, key: str) -> tuple[Entry, ...]:
        """Every attempt to send this person something, oldest first."""
        with self._reading() as db, _damage_in_words(self._shown):
            return self._history(db, (key,)).get(key, ())

    def addresses(self) -> Iterator[str]:
        """Every address that a message was ever to go to, as of now."""
        found: list[str] = []  # in long texts: each by itself takes three times as much
        with self._reading() as db:
            rows = db.stream("SELECT DISTINCT address FROM version WHERE address <> ''")
            while some := "\n".join(one for (one,) in islice(rows, _AT_ONCE)):
                found.append(some)
        return (one for some in found for one in some.split("\n"))

    def _people(
        self, *, history: bool = False, are_forgotten: bool = False, keys: Sequence[str] | None = None
    ) -> dict[str, Person]:
        """By key; of these keys alone, where there are any. A kilobyte and a half each, without their history."""
        shared = Shared()
        with self._reading() as db, _damage_in_words(self._shown):
            messages = self._messages(db, shared, keys)
            entries = self._history(db, keys) if history else {}
            corrections, cancelled = self._corrections(db), self._cancellations(db)
            answers = inbox.counting(db)
            found: dict[str, Person] = {}
            which = "IN" if are_forgotten else "NOT IN"
            for key, address, name, group, fields in db.stream(
                "SELECT key, address, name, grouped, fields FROM person"  # noqa: S608  # nothing but question marks
                f" WHERE key {which} (SELECT key FROM forgotten){_among(keys)} ORDER BY number",
                keys or (),
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
        with self._reading() as db:
            yield Chronicle(db, self._told)

    @contextmanager
    def _told(self) -> Iterator[None]:
        with self._db.in_words(), _damage_in_words(self._shown):
            yield

    def called_off(self) -> CalledOff:
        """Whether the event is cancelled for everybody; who was invited anew since, as far as it was recorded then."""
        with self._reading() as db:
            known: dict[str, str] = dict(
                db.execute("SELECT name, value FROM fact WHERE name IN ('called-off', 'called-off-in')")
            )
            if "called-off" not in known:
                return NOT_CALLED_OFF
            anew = (
                db.execute(
                    "SELECT DISTINCT uid FROM version WHERE run > ? AND action <> 'cancel'",
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
            (run,) = db.execute(
                "INSERT INTO run (command, account, digest, started_at, checks, confirmed_by, proposed_by)"
                " VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING id",
                (
                    *(command, account, digest, _now(), "\n".join(checks)),
                    *(decisions.confirmed_by, decisions.proposed_by),
                ),
            ).fetchone()
            ids, is_inviting, rest, told = array("q"), False, iter(planned), dict[str, int]()
            while some := list(islice(rest, _AT_ONCE)):
                ids.extend(self._plan(db, run, some, told))
                is_inviting |= any(message.action != "cancel" for message in some)
            self._decide(db, run, decisions)
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
            tries = (_tried(id_, entry.digest, "accepted", reply) for id_, entry in zip(ids, entries, strict=True))
            self._record([statement for one in tries for statement in one])
            db.each(
                "INSERT INTO promise (key, at) VALUES (?, ?) ON CONFLICT DO NOTHING",
                [(key, _now()) for key in promised],
            )
            db.each("INSERT INTO dead_link (link) VALUES (?) ON CONFLICT DO NOTHING", [(link,) for link in dead_links])

    def promised(self) -> Mapping[str, datetime]:
        """To whom a replacement was promised, by key, and when; those who were forgotten too."""
        with self._reading() as db, _damage_in_words(self._shown):
            return {key: datetime.fromisoformat(at) for key, at in db.execute("SELECT key, at FROM promise")}

    def left_out(self) -> LeftOut:
        """Who was forgotten, as far as it can still be told: see `LeftOut`."""
        with self._reading() as db:
            return forgetting.left_out(db)

    def note_reports(self, written: Iterable[Written]) -> None:
        """Notes where what names people was written; also beside a run, see `open_to_note`."""
        with self._writing() as db:
            reports.note(db, written)

    def reports(self) -> Sequence[Written]:
        """Where what names people was written, as far as it was noted here."""
        with self._reading() as db:
            return reports.noted(db)

    def is_unfinished(self) -> bool:
        """Whether what was forgotten may still be in the file, because forgetting was broken off."""
        with self._reading() as db:
            return forgetting.is_unfinished(db)

    def forget(self, keys: Collection[str]) -> None:
        """Takes everything personal of these people out of the ledger, for good, and out of the file's free pages and
        its journal. Recorded whole or not at all; to be called again, with nobody, where it was broken off after that.

        BusyError where another program is reading the file: then the journal still has it.
        """
        db = self._db
        with db.alone():
            db.prepare_to_forget()
            with db.transaction(), _damage_in_words(self._shown):
                forgetting.forget(db, keys)
            db.overwrite()
            with db.transaction():
                forgetting.finished(db)

    def dead_links(self) -> tuple[str, ...]:
        with self._reading() as db:
            return tuple(link for (link,) in db.execute("SELECT link FROM dead_link ORDER BY link"))

    @staticmethod
    def _decide(db: Database, run: int, decisions: Decisions) -> None:
        now = _now()
        db.each(
            "INSERT INTO correction (key, header, before, after, at) VALUES (?, ?, ?, ?, ?)",
            [(one.key, one.header, one.before, one.after, now) for one in decisions.corrections],
        )
        db.each(
            "INSERT INTO cancellation (key, session, generation, at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
            [(*one, now) for one in decisions.cancelled],
        )
        if decisions.called_off:
            db.each(
                "INSERT INTO fact (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                (("called-off", decisions.called_off), ("called-off-in", str(run))),
            )

    @staticmethod
    def _plan(db: Database, run: int, messages: Sequence[Planned], told: dict[str, int]) -> Iterator[int]:
        """`told` are the facts that were put down for those before."""
        once = {id(message.facts): message.facts for message in messages}  # most share one
        facts = {which: json.dumps(dict(one)) for which, one in once.items()}
        if len(told) > _AT_ONCE:
            told.clear()
        told |= tell(db, [one for one in facts.values() if one not in told])
        people = [
            (one.key, one.address, one.name, one.group, json.dumps(dict(one.fields)), one.action) for one in messages
        ]
        rows = [
            (
                *(run, one.key, one.address, one.action, one.uid, one.sequence, one.generation, one.round, one.line),
                *(told[facts[id(one.facts)]], one.message_id, one.stamp.isoformat(), one.digest),
            )
            for one in messages
        ]
        for message, id_ in zip(messages, db.plan(people, rows), strict=True):
            if id_ is None:
                raise InputError(
                    f"Another run has sent this version to {message.address} meanwhile; nothing was sent.",
                    hint="Run `plan` again.",
                    code="stale-plan",
                )
            yield id_

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
        before = [] if settled is None else [_settlement(*settled)]
        after: list[Statement] = [] if kept is None else [(_KEPT, (zlib.compress(kept), message))]
        return self._record([*before, _attempt(message, digest), *after], at=len(before))

    def kept(self) -> Iterator[tuple[int, str, bytes]]:
        """The messages that were kept, in the order in which they left: the attempt, the address, the bytes.

        LedgerError where one is not what its digest says.
        """
        with self._reading() as db:
            rows = db.stream(
                "SELECT a.id, v.address, a.digest, k.message FROM kept k JOIN attempt a ON a.id = k.attempt"
                " JOIN version v ON v.id = a.message ORDER BY a.id"
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
        self._record([_settlement(attempt, outcome, reply)])

    def tried(self, message: int, digest: str, outcome: Outcome, reply: str) -> None:
        """Records, durably, an attempt at `message` that ended before anything of it had left."""
        self._record(_tried(message, digest, outcome, reply))

    def in_one_commit(self, calls: Sequence[Callable[[], Any]]) -> list[Any]:
        """What each of these calls of `sending`, `settle` and `tried` returns, or the exception that it raises; when it
        is here, all that they have recorded is durable. A commit costs the same for one and for ten.

        One that cannot be recorded takes nobody with it: then each is recorded by itself.
        """
        try:
            results, gathered = self._gather(calls)
            ids = self._ids_of(gathered)
            return [
                next((id_ for id_ in ids[first:end] if isinstance(id_, Fenced)), None)
                or (ids[result] if isinstance(result, _Ticket) else result)
                for result, first, end in results
            ]
        except Exception as error:  # noqa: BLE001  # it is said to whom it concerns
            if len(calls) == 1:
                return [error]
        return [result for call in calls for result in self.in_one_commit([call])]

    def _gather(self, calls: Sequence[Callable[[], Any]]) -> tuple[list[tuple[Any, int, int]], list[_Behind]]:
        """What the calls return, with tickets for ids, and from where to where what each of them wants recorded is."""
        one = self._gathering
        with one.turn:
            one.thread, gathered = threading.get_ident(), list[_Behind]()
            one.gathered = gathered
            try:
                results = []
                for call in calls:
                    first = len(gathered)
                    results.append((call(), first, len(gathered)))
                return results, gathered
            finally:
                one.thread = None

    def _record(self, statements: Sequence[Statement], at: int = 0) -> int:
        """Has them recorded, durably; within `in_one_commit` together with the others. Returns the id of the one at
        `at`, or a ticket for it."""
        behind = [(statement, self._fence) for statement in statements]
        if self._gathering.thread == threading.get_ident():
            self._gathering.gathered += behind
            return _Ticket(len(self._gathering.gathered) - len(statements) + at)
        ids = list[int]()
        for id_ in self._ids_of(behind):
            if isinstance(id_, Fenced):
                raise id_
            ids.append(id_)
        return ids[at] if ids else 0

    def _ids_of(self, gathered: Sequence[_Behind]) -> Sequence["int | Fenced"]:
        """The ids of the attempts that they make, recorded in one transaction; 0 for all others, and Fenced for what
        was not recorded, because it is in another's hand. What is settled by its id is settled first, then are attempts
        begun, and then comes all else."""
        if not gathered:
            return ()
        places: dict[str, list[int]] = {SETTLEMENT: [], ATTEMPT: []}
        others: list[int] = []
        for at, ((query, _), _) in enumerate(gathered):
            places.get(query, others).append(at)
        settling, beginning = places.values()
        fences = {fence for _, fence in gathered if fence is not None}
        found: list[int | Fenced] = [0] * len(gathered)

        def record() -> None:
            with self._writing() as db:
                settled, begun = ([_row(*gathered[at]) for at in some] for some in (settling, beginning))
                if fences:
                    held, count, ids = db.settle_and_begin_behind(fences, settled, begun)
                    taken = {at for at, (_, fence) in enumerate(gathered) if fence and fence.share not in held}
                else:
                    (count, ids), taken = db.settle_and_begin(settled, begun), set[int]()
                rest = [gathered[at][0] for at in others if at not in taken]
                if count != sum(at not in taken for at in settling) or (rest and not all(db.all_of(rest))):
                    raise LedgerError(f"The ledger {self._shown} does not know of this attempt.")
                found[:] = [Fenced() if at in taken else 0 for at in range(len(gathered))]
                for at, id_ in zip(beginning, ids, strict=True):
                    if at not in taken:
                        found[at] = id_

        self._db.surely(record)
        return found

    def _take_over(self, desk: Desk) -> None:
        """Says who holds it from here on. What a run that died left `sending` may have arrived: it is `unknown`, for
        the organiser to decide."""
        with self._writing() as db:
            now = _now()
            db.execute(
                "INSERT INTO fact (name, value) VALUES ('ledger', ?) ON CONFLICT DO NOTHING", (secrets.token_hex(16),)
            )
            db.execute(
                "INSERT INTO holder (what, who, place, since) VALUES ('run', ?, ?, ?) ON CONFLICT (what) DO UPDATE"
                " SET who = excluded.who, place = excluded.place, since = excluded.since",
                (desk.who, desk.place, now),
            )
            db.execute(
                "UPDATE attempt SET outcome = 'unknown', reply = ?, settled_at = ? WHERE outcome = 'sending'",
                (_INTERRUPTED, now),
            )
        self._db.holding = desk.who, desk.place, now

    @staticmethod
    def _messages(db: Database, shared: Shared, keys: Sequence[str] | None = None) -> dict[str, tuple[Sent, ...]]:
        """Everybody's messages by key, or those of these keys, oldest first."""
        found: dict[str, tuple[Sent, ...]] = {}
        bounced = inbox.bounced(db)
        for id_, key, address, action, uid, sequence, generation, round_, facts, *rest in db.stream(
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
    def _history(db: Database, keys: Sequence[str] | None = None) -> dict[str, tuple[Entry, ...]]:
        """Everybody's attempts by key, or those of these keys, oldest first."""
        found: dict[str, list[Entry]] = {}
        for key, at, action, address, sequence, outcome, reply, message_id, digest, *more in db.stream(
            "SELECT v.key, coalesce(a.settled_at, a.started_at), v.action, v.address, v.sequence, a.outcome, a.reply,"  # noqa: S608  # as above
            " v.message_id, a.digest, v.uid, v.id, a.id, k.attempt IS NOT NULL,"
            # What was put off may have been another run's.
            " coalesce(a.account, CASE WHEN a.outcome NOT IN ('deferred', 'unsent') THEN r.account END, '')"
            " FROM attempt a JOIN version v ON v.id = a.message JOIN run r ON r.id = v.run"
            " LEFT JOIN kept k ON k.attempt = a.id"
            f" WHERE TRUE{_among(keys)} ORDER BY a.id",
            keys or (),
        ):
            uid, message, attempt, kept, account = more
            entry = Entry(
                *(at, action, address, sequence, _outcome(outcome), reply, message_id, digest),
                *(uid, message, attempt, bool(kept), account),
            )
            found.setdefault(key, []).append(entry)
        return {key: tuple(entries) for key, entries in found.items()}

    @staticmethod
    def _corrections(db: Database) -> dict[str, tuple[Correction, ...]]:
        found: dict[str, tuple[Correction, ...]] = {}
        for row in db.execute("SELECT key, header, before, after, at FROM correction ORDER BY id"):
            one = Correction(*row)
            found[one.key] = (*found.get(one.key, ()), one)
        return found

    @staticmethod
    def _cancellations(db: Database) -> dict[str, dict[str, int]]:
        found: dict[str, dict[str, int]] = {}
        for key, session, generation in db.execute(
            "SELECT key, session, max(generation) FROM cancellation GROUP BY key, session"
        ):
            found.setdefault(key, {})[session] = generation
        return found


Where = Path | Server
"""A file, or an event's place on a server."""


def open_for_run(where: Where, desk: Desk | None = None) -> Ledger:
    """The ledger there, made where it is missing, held for one run by `desk`, and looked through for damage.

    BusyError, with a name, where another run holds it; LedgerError where it cannot be opened or is damaged. What
    an earlier run left in flight is `unknown` from here on.
    """
    ledger = _held(where, desk or Desk.here())
    try:
        with ledger._reading() as db:
            copying.must_be_here(db)
    except BaseException:
        ledger.close()
        raise
    return ledger


def _held(where: Where, desk: Desk) -> Ledger:
    """The ledger there, held as a run holds it, whatever became of it."""
    ledger = Ledger(
        _postgresql().open_for_run(where, desk) if isinstance(where, Server) else sqlite.open_for_run(where)
    )
    try:
        ledger._take_over(desk)
    except BaseException:
        ledger.close()
        raise
    return ledger


def open_for_work(where: Server, desk: Desk | None = None, *, idle: float | None = None) -> Ledger:
    """The ledger on a server for one worker of a run, beside others: while one of them is there, no run begins.

    The server ends a transaction with which nobody goes on for `idle` seconds, by default five.
    BusyError while a run holds it alone. Nothing that is in flight is touched: it may be another worker's.
    """
    driver = _postgresql()
    return Ledger(driver.open_for_run(where, desk or Desk.here(), shared=True, idle=idle or driver.IDLE))


def prepare(where: Where, desk: Desk | None = None, queue: str = "") -> tuple[int, int]:
    """Makes the ledger there, or brings it up to date, with the `queue` for workers, and gives the roles of a server
    their rights. Returns the version that it had, 0 where there was none, and the one that it has."""
    if not isinstance(where, Server):
        return sqlite.prepare(where), VERSION
    return _postgresql().prepare(where, desk or Desk.here(), queue), VERSION


def roles_of_a_database() -> str:
    """The SQL that makes the roles of least rights in a PostgreSQL database."""
    return schema("postgresql", "roles")


def move(source: Where, target: Where, desk: Desk | None = None) -> Proof:
    """Moves a ledger to another place, proves that all is there, and leaves the old one behind, from which nothing can
    be sent any more.

    LedgerError where there is none, or there is one already at `target`; BusyError while a run holds one of them. To be
    called again where it was broken off.
    """
    desk = desk or Desk.here()
    if not is_there(source):
        raise LedgerError(f"There is no ledger {spelled(source)}.", hint="Check the name.", code="ledger-missing")
    with _held(source, desk) as old, _held(target, desk) as new:
        with old._reading() as before, new._writing() as after:
            if copying.is_empty(after):
                copying.must_be_here(before)  # of what was moved already there is a newer one
                copying.copy(before, after)
            elif not (copying.is_arriving(after) and copying.identity_of(before) == copying.identity_of(after)):
                raise LedgerError(
                    f"There is a ledger {spelled(target)} already; nothing was moved.",
                    hint="Move it away, or name another place.",
                    code="ledger-exists",
                )
        proofs = []
        for where in (source, target):
            with open_to_read(where) as ledger, ledger._reading() as db:  # what is on the disk, not what was just told
                proofs.append(copying.proof_of(db))
        if proofs[0] != proofs[1]:
            raise LedgerError(
                f"{spelled(target)} is not what {spelled(source)} is; nothing was changed there.",
                hint="Please report it. Go on with the old one.",
            )
        with old._writing() as db:
            copying.moved(db, spelled(target))
        with new._writing() as db:
            copying.arrived(db)
            if (quotas := new.quotas) is not None:
                quotas.take_over((datetime.now(UTC) - timedelta(days=1)).isoformat())
        return proofs[0]


def must_be_free(where: Where) -> None:
    """BusyError while a run holds the ledger there; makes nothing where there is none."""
    if isinstance(where, Server):
        _postgresql().must_be_free(where)
    else:
        sqlite.must_be_free(where)


def is_there(where: Where) -> bool:
    """Whether there is a ledger: a file that is not empty, or the event's schema."""
    return _postgresql().is_there(where) if isinstance(where, Server) else sqlite.is_there(where)


def follow(where: Where) -> Changes:
    """Tells of whatever is recorded there from now on, by this desk or another one. It may not be there yet."""
    return _postgresql().SharedChanges(where, Desk.here()) if isinstance(where, Server) else sqlite.FileChanges(where)


def spelled(where: Where) -> str:
    """How the place is told to people, without anybody's login."""
    return where.shown if isinstance(where, Server) else str(where)


def open_to_read(where: Where) -> Ledger:
    """The ledger there for reading, also beside a run; an empty one where there is none (nothing is created)."""
    if isinstance(where, Server):
        return Ledger(_postgresql().open_to_read(where, Desk.here()) or sqlite.empty(where.shown))
    return Ledger(sqlite.open_to_read(where))


def open_to_note(where: Server, desk: Desk) -> Ledger:
    """The ledger there, in which it can be noted where reports are, also beside a run. LedgerError where there is none;
    where it may only be read, as soon as something is noted."""
    found = _postgresql().open_to_read(where, desk, notes=True)
    if found is None:
        raise LedgerError(f"There is no ledger {where.shown}.", hint="Check the name.", code="ledger-missing")
    return Ledger(found)


def conninfo(server: Server, desk: Desk) -> str:
    """All that is said to connect there, in the words of the driver; with the password."""
    return str(_postgresql().conninfo(server, desk))


def _postgresql() -> Any:
    """The driver, which few need, and which is not installed for all."""
    try:
        from tui.ledger.databases import postgresql
    except ImportError as error:
        if error.name and error.name.startswith("psycopg"):
            raise LedgerError(
                "A ledger on a server needs psycopg, which is not installed here.",
                hint="Install `invite-tui[teams]`.",
            ) from None
        raise
    return postgresql


def _attempt(message: int, digest: str) -> Statement:
    return ATTEMPT, (message, digest, _now())


def _settlement(attempt: int, outcome: Outcome, reply: str) -> Statement:
    return SETTLEMENT, (outcome, reply, _now(), attempt)


def _tried(message: int, digest: str, outcome: Outcome, reply: str) -> list[Statement]:
    return [_attempt(message, digest), (_SETTLEMENT_OF_THE_LAST, (outcome, reply, _now(), message))]


def _row(statement: Statement, fence: Fence | None) -> Values:
    _, values = statement
    return values if fence is None else (*values, *fence)


def _among(keys: Sequence[str] | None) -> str:
    """The condition that a row is one of these people's; "" for everybody's."""
    return "" if keys is None else f" AND key IN ({', '.join('?' * len(keys))})"


def _outcome(stored: str) -> Outcome:
    """What is in flight may arrive: a reader calls it `unknown` until its run says more."""
    outcome: Any = "unknown" if stored == "sending" else stored
    return outcome  # type: ignore[no-any-return]  # the table's CHECK holds it to the five words


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


@contextmanager
def _damage_in_words(shown: str) -> Iterator[None]:
    """For what is stored as JSON or as a date: no database can tell whether it still is."""
    try:
        yield
    except (ValueError, TypeError) as error:
        raise unusable(shown, "it is damaged", "Restore it from a backup; do not send before.") from error
