"""One job: a share is taken in hand, composed and cleared anew, and sent through one connection."""

import math
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, final

from tui import ledger as ledgers
from tui import mailing
from tui.delivery.faults import NotOpenError
from tui.delivery.pacing import Pace, backoff
from tui.errors import AccountError, InviteError, LedgerError
from tui.folder import Choices, Folder
from tui.guard import Cleared
from tui.ledger import Desk, Fenced, ForgottenError, Ledger, Server
from tui.ledger.relay import Due, Handover, Hold, Relay
from tui.mailing import Control, Letter, Mailing, Pacing, Settled, Waiting
from tui.mailing.letters import Letters
from tui.workers import packing, queue
from tui.workers.places import Place
from tui.workers.queue import Job, Later, Ticket
from tui.workers.sessions import Session, Sessions

if TYPE_CHECKING:
    from tui.mailing import Question

_SHORT = 2.0
"""Seconds that a job waits with its connection open; for longer waits it is done again later."""

_WORTH_PASSING_ON = 30.0
"""Seconds for which an account may send nothing, from which on its shares go to the run's other accounts."""

_WITHOUT_SERVER = 30.0
"""Seconds after which a share is taken up again, at the latest, whose worker did not reach the mail server once; after
each further time it is twice as long."""

_ROUNDS = 10
"""How often a message that does not get to a server is taken up again, with all its tries: some hours, in which whoever
is cut off is mended, or another worker has had it. Then it is left to the next run."""


class Away(Exception):  # it says what has happened, not what is wrong
    """What this worker had in hand was given to another: it was not heard of for too long."""


@dataclass(frozen=True, slots=True)
class _OneByOne(Mailing):
    """A mailing whose messages several threads make: one at a time, because they share what they are made with."""

    turn: threading.Lock = field(default_factory=threading.Lock)

    def clear(self, letter: Letter) -> Cleared:
        with self.turn:
            return Mailing.clear(self, letter)


@dataclass(frozen=True)
class _Event:
    """One run's event, unpacked here."""

    folder: Folder
    everybody: packing.Everybody
    nothing: _OneByOne
    """A mailing without letters: what composes and judges them."""

    keeps: bool
    place: tempfile.TemporaryDirectory[str]

    def mailing(self, due: tuple[Due, ...]) -> Mailing:
        letters = Letters([self.everybody.action_of(one) for one in due], datetime.now(UTC), "")
        for one in due:
            letters.add_again(one.sent.digest)
        made = self.nothing
        return _OneByOne(letters, "", made.composer, made.roll, keeps=self.keeps, turn=made.turn)


@final
class Bench:
    """What a worker delivers from: one database, and the accounts of this machine. Safe to use from several threads."""

    def __init__(
        self, server: Server, desk: Desk, environment: Mapping[str, str] | None = None, *, idle: float | None = None
    ) -> None:
        self._server, self._desk, self._environment, self._idle = server, desk, environment, idle
        self._turn = threading.Lock()
        self._events: dict[tuple[str, int, str], _Event] = {}
        self._sessions = Sessions(server, desk, idle)
        self._place: Place | None = None
        self._controls: set[Control] = set()
        self.is_stopping = False
        self.sent = 0
        """Messages that were settled here."""

    def close(self) -> None:
        with self._turn:
            for event in self._events.values():
                event.place.cleanup()
            self._events.clear()
            if self._place is not None:
                self._place.close()

    def stop(self) -> None:
        """Every job here settles what is in flight, and leaves the rest to others."""
        self.is_stopping = True
        for control in list(self._controls):
            control.stop()

    def do(self, ticket: Ticket, job: Job) -> None:
        """Sends what is due of a share. Later where there is more to do than could be done now.

        Away where it was given to another meanwhile; LedgerError where nothing can be recorded.
        """
        try:
            self._do(ticket, job)
        except ForgottenError as error:
            with self._opened(job) as ledger:
                if (handover := ledger.relay.of_share(job.share)) is not None:
                    ledger.relay.turn_to(handover.run, "braked", f"{error.message} {error.hint}")
            raise

    def is_anothers(self, ticket: Ticket, job: Job) -> bool:
        """Whether the queue has given a job to another meanwhile; False where that cannot be asked."""
        try:
            with self._opened(job) as ledger:
                return not ledger.relay.has_job(ticket.job, ticket.worker)
        except LedgerError:
            return False

    def _opened(self, job: Job) -> Ledger:
        return ledgers.open_for_work(self._server.for_event(job.event), self._desk, idle=self._idle)

    def _do(self, ticket: Ticket, job: Job) -> None:
        with self._sessions.at_work(job.event) as session:
            relay = session.relay
            handover = relay.of_share(job.share)
            if handover is None or not handover.is_open:
                return
            try:
                is_sent = self._send_share(session, handover, job)
            except packing.Gone:
                return
            except AccountError as error:  # with this machine's, of that name: another's may be right
                relay.say(handover.run, f"{self._desk.place}: {error.message} {error.hint or ''}".strip())
                raise Later(_WITHOUT_SERVER) from error
            if is_sent and not self.is_stopping:
                queue.help_out(session.relay, job, ticket, handover.accounts)

    def _send_share(self, session: Session, handover: Handover, job: Job) -> bool:
        """Whether the account has sent what was due of it."""
        relay, made = session.relay, self._event(session.steering, handover, job)
        pacing, (per_day, whose) = made.folder.pacing(math.inf), made.folder.per_day
        if seconds := relay.held(job.account)[0]:
            if not self._passed_on(relay, handover, job, seconds):
                raise Later(seconds)
            return False
        hold = relay.take(job.share, job.account, per_day)
        if not isinstance(hold, Hold):
            return False
        most = _ROUNDS * (pacing.retries + 1)
        due = tuple(one for one in hold.due if one.tries <= pacing.retries and one.losses < most)
        if not due:
            self._put_back(relay, hold, None)
            return True
        if not hold.room:
            used_up = f"The daily quota is used up: {whose} allows {per_day:,} messages in 24 hours"
            relay.say(handover.run, f"{used_up}, for all events together, and “{job.account}” has sent them.")
            with relay.together():
                if relay.put_back(hold, is_done=False) == "queued" and self._passed_on(
                    relay, handover, job, hold.full_for
                ):
                    return False
            raise Later(hold.full_for)
        try:
            with self._controlled(session, hold) as control:
                self._send(made, session, hold, due, pacing, control)
        except Fenced:
            raise Away from None
        return True

    @staticmethod
    def _passed_on(relay: Relay, handover: Handover, job: Job, seconds: float) -> bool:
        """Whether another account of the run has the share now, because this one may send nothing for so long."""
        others = [name for name in handover.accounts if name != job.account and name not in job.past]
        if seconds < _WORTH_PASSING_ON or not others:
            return False
        with relay.together():
            queue.pass_on(relay, job, others[0], handover.connections)
        return True

    def _send(
        self,
        made: _Event,
        session: Session,
        hold: Hold,
        due: tuple[Due, ...],
        pacing: Pacing,
        control: Control,
    ) -> None:
        """Sends those that are due, as many as there is room for."""
        relay, account, now = session.relay, hold.account, due[: hold.room]
        run = mailing.carry_on(
            made.mailing(now),
            [one.sent.id for one in now],
            session.ledger.behind(hold.fence),
            made.folder.connection,
            pacing=Pacing(1, pacing.per_minute, pacing.retries, pacing.backoff, math.inf),
            control=control,
            pace=_SharedPace(session, account, pacing.per_minute, control) if pacing.per_minute else None,
            crew=session.crew,
        )
        try:
            wait = self._follow(run, relay, account, control)
        except NotOpenError as error:
            if not (error.is_passing or error.fault.scope == "connection"):
                self._brake(relay, hold, error)
            relay.say(hold.handover.run, f"{self._desk.place}: {error.message}")
            rounds = max(one.losses for one in now) // (pacing.retries + 1)
            self._put_back(relay, hold, backoff(rounds + 1, min(_WITHOUT_SERVER, max(1.0, pacing.backoff))))
        except LedgerError:
            raise
        except InviteError as error:
            self._brake(relay, hold, error)
        else:
            if len(now) < len(due) and wait is None:
                wait = 0.0
            tries = max(max(one.tries, one.losses // (pacing.retries + 1)) for one in now) + 1
            self._put_back(relay, hold, backoff(tries, pacing.backoff) if wait == math.inf else wait)

    def _follow(
        self, run: "Iterator[Settled | Waiting | Question]", relay: Relay, account: str, control: Control
    ) -> float | None:
        """Hears a share to its end; seconds until the rest of it is due, None where there is nothing left.

        Infinite where all that is left was put off or did not get there, and nobody has said for how long.
        """
        wait: float | None = None
        is_left = is_deferred = False
        for happening in run:
            if isinstance(happening, Settled):
                self.sent += happening.attempts > 0
                is_left |= happening.outcome == "unsent"
                is_deferred |= happening.outcome == "deferred"
            elif isinstance(happening, Waiting) and happening.seconds > _SHORT and not control.stopped:
                if happening.is_accounts:
                    relay.hold_account(account, happening.seconds, happening.reason)
                wait = happening.seconds
                control.stop()
        if wait is not None:
            return wait
        if is_left and control.stopped:
            return 0.0
        return math.inf if is_left or is_deferred else None

    def _brake(self, relay: Relay, hold: Hold, error: InviteError) -> None:
        """The run stops for all: what has happened here would happen to everybody."""
        relay.turn_to(hold.handover.run, "braked", f"{error.message} {error.hint or ''}".strip())
        self._put_back(relay, hold, 0.0)

    @staticmethod
    def _put_back(relay: Relay, hold: Hold, wait: float | None) -> None:
        """Puts a share down: what is left of it is due in `wait` seconds, or with None there is nothing left."""
        state = relay.put_back(hold, is_done=wait is None)
        if state is None:
            raise Away
        if state == "queued":
            raise Later(wait or 0.0)

    def _event(self, ledger: Ledger, handover: Handover, job: Job) -> _Event:
        """The run's event, unpacked once for each account. Earlier runs' are thrown away."""
        with self._turn:
            key = (job.event, handover.run, job.account)
            if key not in self._events:
                for old in [one for one in self._events if one[0] == job.event and one[1] != handover.run]:
                    self._events.pop(old).place.cleanup()
                self._events[key] = self._unpacked(ledger, handover, job.account)
            return self._events[key]

    def _unpacked(self, ledger: Ledger, handover: Handover, account: str) -> _Event:
        """AccountError where this machine has no such account, or it sends as somebody else."""
        self._place = self._place or Place()
        place = tempfile.TemporaryDirectory(dir=self._place.path)
        try:
            choices = Choices(account=account)
            folder, everybody = packing.unpack(
                handover.made_of, ledger.relay.content, Path(place.name), choices, self._environment
            )
            if folder.sender != (intended := handover.made_of.get("sender", folder.sender)):
                raise AccountError(
                    f"The account “{account}” sends as {folder.sender} here, and the run is to come from {intended}.",
                    hint="Give it the same --from as on the other machines.",
                )
            composer, roll = folder.judges_for(ledger.addresses())
            nothing = _OneByOne(Letters((), datetime.now(UTC), ""), "", composer, roll)
            return _Event(folder, everybody, nothing, bool(handover.made_of["keeps"]), place)
        except BaseException:
            place.cleanup()
            raise

    @contextmanager
    def _controlled(self, session: Session, hold: Hold) -> Iterator[Control]:
        """What stops a share: that its run stands still for all, that the account is held, or that the worker is to
        stop."""
        control = Control()
        self._controls.add(control)
        if self.is_stopping:
            control.stop()
        try:
            with session.watched(hold.handover.run, hold.account, control):
                yield control
        finally:
            self._controls.discard(control)


class _SharedPace(Pace):
    """The account's rhythm, kept by all workers together."""

    def __init__(self, session: Session, account: str, per_minute: float, control: Control) -> None:
        super().__init__(per_minute, wait=control.wait)
        self._session, self._account, self._interval_of_all = session, account, 60.0 / per_minute

    def is_turn(self) -> bool:
        """Never: it would have to be asked for, and all lines are in the thread that wants to know it."""
        return False

    def _take(self) -> float:
        """First one's own turn, which a server that throttles makes rarer; then all workers'."""
        own = self._next - self._clock()
        if own > 0:
            return own
        return self._session.relay.turn(self._account, self._interval_of_all) or super()._take()
