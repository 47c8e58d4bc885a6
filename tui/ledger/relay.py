"""Runs that were handed over to workers: what each is made of, its shares, and who has which of them in hand.

A share is some messages of a run. Whoever takes it holds it by a token: every transaction that records anything of its
messages asks first whether the token still is the share's, and keeps anybody from taking it over until it is
committed. So what a worker believes that was frozen, or cut off, is never recorded, and nothing leaves that is not.

Only in a database that several machines share; times are that database's own, so no worker's clock counts.
"""

import json
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any, Literal

from tui.ledger.databases import Database, Fence, schema
from tui.ledger.desks import Desk
from tui.ledger.quotas import Quotas
from tui.ledger.records import OUTCOMES, Outcome, Planned, Sent

State = Literal["going", "canary", "asking", "paused", "braked", "stopped", "done"]
"""`canary`: the first few go; `asking`: they have gone, and the rest waits for the organiser's word. `braked`: the run
has stopped itself. `stopped` and `done` are for good."""

OPEN: tuple[State, ...] = ("going", "canary", "asking", "paused", "braked")
_GOES: tuple[State, ...] = ("going", "canary")

Put = Literal["queued", "waiting", "done"]
"""How a share is put back: there is a job for it; it waits until its run goes on; nothing of it is left."""

_LOST = "the worker was lost after this message had begun to go out"

QUEUE = "invite_tui_workers"
"""The schema that all events of a database share: the queue, and what each account may do."""

_OF_RUN = "SELECT run, account, who, place, since, state, said, made_of FROM handover WHERE run = ?"
_OF_SHARE = (
    "SELECT h.run, h.account, h.who, h.place, h.since, h.state, h.said, h.made_of"
    " FROM handover h JOIN share s ON s.run = h.run WHERE s.id = ?"
)
_COUNTS = (
    "SELECT coalesce((SELECT a.outcome FROM attempt a WHERE a.message = v.id ORDER BY a.message DESC, a.id DESC"
    " LIMIT 1), 'unsent'), count(*) FROM version v WHERE v.run = ? GROUP BY 1"
)
_IN_FLIGHT = (
    "UPDATE attempt SET outcome = 'unknown', reply = ?, settled_at = ? FROM version"
    " WHERE attempt.outcome = 'sending' AND attempt.message BETWEEN ? AND ?"
    " AND version.id = attempt.message AND version.run = ?"
)
_DUE = (
    "SELECT v.key, coalesce(l.name, p.name), p.grouped, coalesce(l.fields, p.fields), coalesce(l.told, '{}'),"
    " coalesce(a.tries, 0), coalesce(a.losses, 0), t.facts, v.stamp,"
    " v.id, v.address, v.action, v.uid, v.sequence, v.generation, v.round, v.message_id,"
    " v.digest, coalesce(a.outcomes[1], 'unsent'), coalesce(a.replies[1], ''), coalesce(a.attempts, 0), a.settled_at[1]"
    " FROM version v JOIN told t ON t.id = v.told JOIN person p ON p.key = v.key LEFT JOIN letter l ON l.message = v.id"
    " LEFT JOIN (SELECT message, count(*) AS attempts, array_agg(outcome ORDER BY id DESC) AS outcomes,"
    " array_agg(reply ORDER BY id DESC) AS replies, array_agg(settled_at ORDER BY id DESC) AS settled_at,"
    " count(*) FILTER (WHERE outcome = 'deferred' AND id > ?) AS tries,"
    " count(*) FILTER (WHERE outcome = 'unsent' AND id > ?) AS losses"
    " FROM attempt WHERE message BETWEEN ? AND ? GROUP BY message) a ON a.message = v.id"
    " WHERE v.run = ? AND v.id BETWEEN ? AND ? AND coalesce(a.outcomes[1], 'unsent') IN ('unsent', 'deferred')"
    " ORDER BY v.id"
)
"""The last three read the tables and not their view, which looks a message's attempts up one by one."""

_MOVED = (
    "UPDATE invite_tui_workers.procrastinate_jobs SET args = jsonb_set(args, '{account}', to_jsonb(CAST(? AS text))),"
    " queue_name = ?, lock = ? WHERE id = (SELECT id FROM invite_tui_workers.procrastinate_jobs one"
    " WHERE status = 'todo' AND (scheduled_at IS NULL OR scheduled_at <= now())"
    " AND NOT EXISTS (SELECT 1 FROM invite_tui_workers.procrastinate_jobs WHERE queue_name = ? AND status = 'todo'"
    " AND (scheduled_at IS NULL OR scheduled_at <= now()))"
    " AND args ->> 'event' = ? AND NOT jsonb_exists(args -> 'past', ?)"
    " AND (SELECT count(*) FILTER (WHERE status = 'todo') >= count(*) FILTER (WHERE status = 'doing')"
    " FROM invite_tui_workers.procrastinate_jobs WHERE queue_name = one.queue_name)"
    " AND queue_name = ANY(?) ORDER BY id DESC LIMIT 1 FOR UPDATE SKIP LOCKED)"
)
_NEWEST = "SELECT run, account, who, place, since, state, said, made_of FROM handover ORDER BY run DESC LIMIT 1"


@dataclass(frozen=True, slots=True)
class Handover:
    """A run that workers carry out. `account` names its accounts, in words; `said` is why it stands still, "" where it
    does not; `made_of` what its messages are made of, as whoever handed it over has put it."""

    run: int
    account: str
    by: Desk
    since: str
    state: State
    said: str
    made_of: Mapping[str, Any]

    @property
    def connections(self) -> int:
        """How many each account may have, all workers together."""
        return int(self.made_of.get("connections", 1))

    @property
    def accounts(self) -> Sequence[str]:
        """Those among which its shares are divided."""
        return tuple(self.made_of.get("accounts", (self.account,)))

    @property
    def attempts(self) -> int:
        """The number of the last attempt before this run: what came earlier is none of its tries."""
        return int(self.made_of.get("attempts", 0))

    @property
    def is_open(self) -> bool:
        return self.state in OPEN

    @property
    def goes(self) -> bool:
        return self.state in _GOES


@dataclass(frozen=True, slots=True)
class Due:
    """A message that is to go out, and the person as it was composed for them. `told` is what cannot be seen from the
    message: `in_reply_to` and `changes`, where there are any. `tries`: how often the server has put it off in this run;
    `losses`: how often it did not get there."""

    sent: Sent
    name: str
    group: str
    fields: Mapping[str, str]
    told: Mapping[str, Any]
    tries: int
    losses: int


@dataclass(frozen=True, slots=True)
class Hold:
    """A share in hand: its messages that are due, and how many of them the account's quota has room for now.

    `full_for` are the seconds until there is room for more; `charge` is what was charged to the account for `ranges`.
    """

    share: int
    token: str
    handover: Handover
    account: str
    due: tuple[Due, ...]
    room: int
    full_for: float
    charge: int
    ranges: str

    @property
    def fence(self) -> Fence:
        """By what it is found out whether the share still is this holder's."""
        return Fence(self.share, self.token, self.account if len(self.handover.accounts) > 1 else None)


class Relay:
    """See the module. Every method is one transaction, or a part of the one that it is called in."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def together(self) -> AbstractContextManager[object]:
        """One transaction for all that is done within."""
        return self._db.writing()

    # --- handing over ----------------------------------------------------------------------------------------------

    def make_queue(self, queue: str) -> None:
        """Makes what all events share, if it is not there; `queue` is the text that makes the queue's tables."""
        with self._db.writing() as db:
            db.execute("SELECT pg_advisory_xact_lock(hashtext(?))", (QUEUE,))  # two events may begin with it at once
            if db.execute("SELECT to_regnamespace(?) IS NULL", (QUEUE,)).fetchone()[0]:
                db.execute(f"CREATE SCHEMA {QUEUE}")
                with self.in_queue():
                    db.connection.execute(queue)
                    db.connection.execute(schema("postgresql", "workers"))

    def has_job(self, job: int, worker: int) -> bool:
        """Whether the queue knows this job as one that this worker has in hand."""
        with self._db.reading() as db:
            return bool(
                db.execute(
                    "SELECT 1 FROM invite_tui_workers.procrastinate_jobs"
                    " WHERE id = ? AND worker_id = ? AND status = 'doing'",
                    (job, worker),
                ).fetchone()
            )

    def move_job(self, event: str, account: str, *, to: tuple[str, str], of: Sequence[str]) -> bool:
        """Gives a job of the event that waits in one of the queues `of` to another `account`, whose queue and lock `to`
        are; whether there was one.

        None where the account has jobs of its own that could be done now, or has passed that job on already; nor where
        fewer wait than are done of their queue at this moment: those will soon be in hand.
        """
        with self._db.writing() as db:
            return bool(db.execute(_MOVED, (account, *to, to[0], event, account, [*of])).rowcount)

    @contextmanager
    def in_queue(self) -> Iterator[Any]:
        """Until it ends the transaction sees the queue's tables before the event's; yields the driver's connection."""
        with self._db.writing() as db:
            before = db.execute("SELECT current_setting('search_path')").fetchone()[0]
            db.execute("SELECT set_config('search_path', ?, true)", (f"{QUEUE}, {before}",))
            yield db.connection
            db.execute("SELECT set_config('search_path', ?, true)", (before,))

    def keep(self, content: bytes, digest: str) -> None:
        """Keeps a file, once, by the SHA-256 of its content."""
        with self._db.writing() as db:
            db.execute("INSERT INTO content (digest, bytes) VALUES (?, ?) ON CONFLICT DO NOTHING", (digest, content))

    def content(self, digest: str) -> bytes | None:
        """A file that was kept; None where its run is over."""
        with self._db.reading() as db:
            row = db.execute("SELECT bytes FROM content WHERE digest = ?", (digest,)).fetchone()
            return None if row is None else bytes(row[0])

    def tell(self, told: Iterable[tuple[int, Planned, Mapping[str, Any]]]) -> None:
        """Puts down what cannot be seen from these messages, and for whom they were composed."""
        with self._db.writing() as db:
            db.each(
                "INSERT INTO letter (message, name, fields, told) VALUES (?, ?, ?, ?) ON CONFLICT (message) DO UPDATE"
                " SET name = excluded.name, fields = excluded.fields, told = excluded.told",
                (
                    (message, planned.name, json.dumps(dict(planned.fields)), json.dumps(dict(more)))
                    for message, planned, more in told
                ),
            )

    def hand_over(
        self,
        accounts: Sequence[str],
        by: Desk,
        made_of: Mapping[str, Any],
        shares: Sequence[Sequence[int]],
        *,
        canary: bool,
    ) -> Sequence[int]:
        """Records that workers carry the newest run out, in these shares of its messages; returns those that are to be
        queued: all of them, or with `canary` the first."""
        with self._db.writing() as db:
            run, attempts = db.execute(
                "SELECT (SELECT max(id) FROM run), (SELECT coalesce(max(id), 0) FROM attempt)"
            ).fetchone()
            made_of = {**made_of, "accounts": [*accounts], "attempts": attempts}
            db.execute(
                "INSERT INTO handover (run, account, who, place, since, state, said, made_of)"
                " VALUES (?, ?, ?, ?, ?, ?, '', ?)",
                (
                    *(run, ", ".join(accounts), by.who, by.place, _now(), "canary" if canary else "going"),
                    json.dumps(made_of),
                ),
            )
            db.each(
                "INSERT INTO invite_tui_workers.allowance (account) VALUES (?) ON CONFLICT DO NOTHING",
                [(account,) for account in accounts],
            )
            found = db.all_of(
                [
                    (
                        "INSERT INTO share (run, messages, state) VALUES (?, ?, ?) RETURNING id",
                        (run, _ranges(messages), "waiting" if canary and number else "queued"),
                    )
                    for number, messages in enumerate(shares)
                ]
            )
        ids = [int(rows[0][0]) for rows in found]
        return ids[:1] if canary else ids

    # --- steering --------------------------------------------------------------------------------------------------

    def latest(self) -> Handover | None:
        """The run that was handed over last, whether it is open or not; None where there was none."""
        with self._db.reading() as db:
            row = db.execute(_NEWEST).fetchone()
            return None if row is None else _handover(row)

    def state_of(self, run: int) -> Handover:
        with self._db.reading() as db:
            return _handover(db.execute(_OF_RUN, (run,)).fetchone())

    def of_share(self, share: int) -> Handover | None:
        """The run of a share; None where there is no such share."""
        with self._db.reading() as db:
            row = db.execute(_OF_SHARE, (share,)).fetchone()
            return None if row is None else _handover(row)

    def say(self, run: int, said: str) -> None:
        """Notes what is in the way of a run that goes on all the same."""
        with self._db.writing() as db:
            db.execute("UPDATE handover SET said = ? WHERE run = ? AND state = 'going'", (said, run))

    def counts(self, run: int) -> dict[Outcome, int]:
        """How many of the run's messages stand how; what is in flight counts as `unknown`."""
        return self.tally(run)[0]

    def tally(self, run: int) -> tuple[dict[Outcome, int], int]:
        """The same, and how many are in flight, as of one moment."""
        found: dict[Outcome, int] = dict.fromkeys(OUTCOMES, 0)
        in_flight = 0
        with self._db.reading() as db:
            for outcome, count in db.execute(_COUNTS, (run,)):
                if outcome == "sending":
                    in_flight = count
                found["unknown" if outcome == "sending" else outcome] += count
        return found, in_flight

    def turn_to(self, run: int, state: State, said: str = "") -> bool:
        """Has the run stand still, or end; False where it is over already, or stands still for another reason."""
        before = OPEN if state in ("stopped", "paused") else _GOES
        with self._db.writing() as db:
            turned = self._turned(db, run, state, before, said)
            if turned and state == "stopped":
                self._clear(db, run)
            return turned

    def go_on(self, run: int) -> Sequence[int] | None:
        """Has a run go on that stands still; the shares that are to be queued again. None where it does not stand."""
        with self._db.writing() as db:
            if not self._turned(db, run, "going", tuple(state for state in OPEN if state not in _GOES)):
                return None
            rows = db.execute(
                "UPDATE share SET state = 'queued' WHERE run = ? AND state = 'waiting' RETURNING id", (run,)
            ).fetchall()
            self._finish(db, run)
            return sorted(int(id_) for (id_,) in rows)

    @staticmethod
    def _turned(db: Database, run: int, state: State, before: Sequence[State], said: str = "") -> bool:
        return any(
            db.execute(
                "UPDATE handover SET state = ?, said = ? WHERE run = ? AND state = ?", (state, said, run, one)
            ).rowcount
            for one in before
        )

    @staticmethod
    def _clear(db: Database, run: int) -> None:
        """Keeps nothing of a run that is over but that it was: only one is open at a time."""
        db.execute("DELETE FROM letter WHERE message IN (SELECT id FROM message WHERE run = ?)", (run,))
        db.execute("DELETE FROM content")
        db.execute("UPDATE handover SET made_of = '{}' WHERE run = ?", (run,))

    # --- a worker's ------------------------------------------------------------------------------------------------

    def take(self, share: int, account: str, per_day: int | None) -> Hold | Handover | None:
        """Takes a share in hand for an account, whoever had it before: what they had in flight is `unknown` from here
        on. As many of its messages as the account may send now are charged to it.

        The handover where the run stands still: the share then waits until it goes on. None where nothing is left.
        """
        token = secrets.token_hex(16)
        with self._db.writing() as db:
            # First the run, then the share, as whoever has it go on: neither is missed by the other.
            found = db.execute(_OF_SHARE + " FOR SHARE OF h", (share,))
            handover = _handover(found.fetchone())
            run = handover.run
            ranges, state, before = db.execute(
                "SELECT messages, state, reserved FROM share WHERE id = ? FOR UPDATE", (share,)
            ).fetchone()
            if state == "done":
                return None
            self._recover(db, run, ranges)
            if before:
                Quotas(db).settle_of(before, [*_pairs(ranges)])
            if not handover.goes:
                db.execute("UPDATE share SET holder = NULL, state = 'waiting', reserved = 0 WHERE id = ?", (share,))
                return handover
            due = tuple(self._due(db, handover, ranges))
            charge = Quotas(db).charge(account, per_day, len(due))
            db.execute(
                "UPDATE share SET holder = ?, state = 'queued', reserved = ? WHERE id = ?", (token, charge.id, share)
            )
        return Hold(share, token, handover, account, due, charge.room, charge.full_for, charge.id, ranges)

    def put_back(self, hold: Hold, *, is_done: bool) -> Put | None:
        """Lets a share go, and returns how it is put back: while its run goes on there is to be a job for it. None
        where it is another's by now."""
        run = hold.handover.run
        with self._db.writing() as db:
            lock = " FOR UPDATE" if is_done else " FOR SHARE"
            handover = _handover(db.execute(_OF_RUN + lock, (run,)).fetchone())
            state: Put = "done" if is_done else "queued" if handover.goes else "waiting"
            mine = db.execute(
                "UPDATE share SET holder = NULL, state = ?, reserved = 0 WHERE id = ? AND holder = ?",
                (state, hold.share, hold.token),
            ).rowcount
            if mine:
                Quotas(db).settle_of(hold.charge, [*_pairs(hold.ranges)])
            if mine and is_done:
                self._finish(db, run)
            return state if mine else None

    @staticmethod
    def _finish(db: Database, run: int) -> None:
        """Ends a run whose last share is done; asks where that were the first few."""
        db.execute("SELECT run FROM handover WHERE run = ? FOR UPDATE", (run,))  # the last two may end at once
        left = db.execute("SELECT count(*) FROM share WHERE run = ? AND state <> 'done'", (run,)).fetchone()[0]
        if left:
            Relay._turned(db, run, "asking", ("canary",))
        elif Relay._turned(db, run, "done", OPEN):
            Relay._clear(db, run)

    @staticmethod
    def _recover(db: Database, run: int, ranges: str) -> None:
        for first, last in _pairs(ranges):
            db.execute(_IN_FLIGHT, (_LOST, _now(), first, last, run))

    @staticmethod
    def _due(db: Database, handover: Handover, ranges: str) -> Iterator[Due]:
        for first, last in _pairs(ranges):
            for key, name, group, fields, told, tries, losses, facts, stamp, *row in db.execute(
                _DUE, (*[handover.attempts] * 2, first, last, handover.run, first, last)
            ):
                id_, address, action, uid, sequence, generation, round_, message_id, *rest = row
                version = (action, uid, sequence, generation, round_, json.loads(facts), message_id)
                sent = Sent(id_, key, address, *version, datetime.fromisoformat(stamp), *rest)
                yield Due(sent, name, group, json.loads(fields), json.loads(told), tries, losses)

    # --- an account's, for all workers together --------------------------------------------------------------------

    def turn(self, account: str, interval: float) -> float:
        """Seconds until the account's next message may go, all workers together; 0.0 where this one may: then the next
        one may `interval` seconds later."""
        with self._db.writing() as db:
            taken = db.execute(
                "UPDATE invite_tui_workers.allowance SET due_at = clock_timestamp() + ? * interval '1 second'"
                " WHERE account = ? AND greatest(due_at, held_until) <= clock_timestamp() RETURNING account",
                (interval, account),
            ).fetchall()
            return 0.0 if taken else self._due_in(db, account)

    def hold_account(self, account: str, seconds: float, because: str) -> None:
        """Nothing of the account goes out, at any worker, before `seconds` from now."""
        with self._db.writing() as db:
            db.execute(
                "UPDATE invite_tui_workers.allowance SET because = ?,"
                " held_until = greatest(held_until, clock_timestamp() + ? * interval '1 second') WHERE account = ?",
                (because, seconds, account),
            )

    def held(self, account: str) -> tuple[float, str]:
        """Seconds for which the account is held, and why."""
        with self._db.reading() as db:
            row = db.execute(
                "SELECT CAST(extract(epoch FROM held_until - clock_timestamp()) AS float8), because"
                " FROM invite_tui_workers.allowance WHERE account = ?",
                (account,),
            ).fetchone()
            return (max(0.0, row[0]), row[1]) if row else (0.0, "")

    @staticmethod
    def _due_in(db: Database, account: str) -> float:
        row = db.execute(
            "SELECT CAST(extract(epoch FROM greatest(due_at, held_until) - clock_timestamp()) AS float8)"
            " FROM invite_tui_workers.allowance WHERE account = ?",
            (account,),
        ).fetchone()
        return max(0.001, float(row[0]))


def _handover(row: Sequence[Any]) -> Handover:
    run, account, who, place, since, state, said, made_of = row
    return Handover(run, account, Desk(who, place), since, state, said, json.loads(made_of))


def _ranges(ids: Sequence[int]) -> str:
    """ "1-500 612": most are numbered in one go."""
    ordered = sorted(ids)
    ends = [before for before, after in pairwise(ordered) if after != before + 1] + ordered[-1:]
    starts = ordered[:1] + [after for before, after in pairwise(ordered) if after != before + 1]
    return " ".join(f"{first}-{last}" for first, last in zip(starts, ends, strict=True))


def _pairs(ranges: str) -> Iterator[tuple[int, int]]:
    for one in ranges.split():
        first, _, last = one.partition("-")
        yield int(first), int(last)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
