"""Sending a mailing: letters to go, lines that deliver them, and what comes back."""

import heapq
import itertools
import math
import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tui.delivery.brakes import Brakes, Stop
from tui.delivery.faults import Fault, NotOpenError, Receipt
from tui.delivery.pacing import Pace, Quota, backoff
from tui.delivery.steps import Aside, Steps
from tui.errors import AccountError, InputError, InviteError
from tui.guard.checks import CHECKS
from tui.ledger import Ledger, Outcome
from tui.mailing.control import Control
from tui.mailing.crew import Crew
from tui.mailing.endings import BrakeError, beyond_ascii, too_long, unexpected, used_up
from tui.mailing.letters import Fresh, Mailing, Question, Settled, Waiting, planned_of
from tui.mailing.line import Line, Task

if TYPE_CHECKING:
    from tui.delivery.connection import Connection  # smtplib and ssl are for those who send

_OPENING = frozenset({"connect", "greeting", "ehlo", "starttls", "auth"})
"""Stages of a session at which nothing has been said of any message yet."""

_GATHERING, _GATHERING_OF_MANY = 0.01, 0.1
"""Seconds for which outcomes are gathered before they are told."""

GRACE = 10.0
"""Seconds that a run which is stopped waits for the server's word on what is in flight; then it is `unknown`."""


@dataclass(frozen=True, slots=True)
class Pacing:
    """How a run goes: connections, messages a minute (0: no limit), further tries and seconds before the first of them.

    `patience` is how many seconds the run may wait for a quota or a throttle to end; after the first `canary` messages
    (0: none) it asks whether to go on.
    """

    connections: int = 1
    per_minute: float = 0.0
    retries: int = 3
    backoff: float = 60.0
    patience: float = 0.0
    canary: int = 0


def send(
    mailing: Mailing,
    ledger: Ledger,
    connect: Callable[[], "Connection"],
    *,
    command: str,
    account: str,
    pacing: Pacing,
    control: Control,
    quota: Quota | None = None,
) -> Iterator[Settled | Waiting | Question]:
    """Sends the mailing and yields each message's outcome as it is recorded; at the end what was not tried.

    A `Question` holds the run until `control` answers it. Where the organiser cannot be asked, or says no, the run
    ends: after the first few quietly, else with BrakeError.

    InputError, with a problem for each, where somebody's address needs SMTPUTF8 and the server does not offer it: then
    nothing was sent or recorded. AccountError where the account fails for everybody, LedgerError where nothing can be
    recorded any more: what was settled before has been yielded and recorded, and the rest is still to send.
    """
    run = Run(mailing, ledger, connect, pacing, control, quota)
    try:
        run.check_addresses()
        run.begin(command, account)
    except BaseException:
        run.close()
        raise
    yield from run.settle_all()


def carry_on(
    mailing: Mailing,
    messages: Sequence[int],
    ledger: Ledger,
    connect: Callable[[], "Connection"],
    *,
    pacing: Pacing,
    control: Control,
    pace: Pace | None = None,
    crew: Crew,
) -> Iterator[Settled | Waiting | Question]:
    """Sends what a run has recorded already: `messages` are the ids of its letters. Its lines join the `crew`, which
    records through the same database. For the rest see `send`."""
    run = Run(mailing, ledger, connect, pacing, control, pace=pace, crew=crew)
    run.take_up(messages)
    yield from run.settle_all()


def must_take_all(mailing: Mailing, ledger: Ledger, connect: Callable[[], "Connection"], control: Control) -> None:
    """InputError where somebody's address is beyond what the server takes, for who lets others send."""
    run = Run(mailing, ledger, connect, Pacing(), control)
    try:
        run.check_addresses()
    finally:
        run.close()


class Run:
    """One run: letters to go, lines that deliver them, all in one thread beside the caller's, and what comes back.

    The thread is the run's own, or that of a `crew` in which lines of others are as well.
    """

    def __init__(  # what a run is made of
        self,
        mailing: Mailing,
        ledger: Ledger,
        connect: Callable[[], "Connection"],
        pacing: Pacing,
        control: Control,
        quota: Quota | None = None,
        pace: Pace | None = None,
        crew: Crew | None = None,
    ) -> None:
        self.mailing, self.ledger, self._crew = mailing, ledger, crew
        # Of many runs in one process none is looked at, and each that hears of something takes the processor from all.
        self._gathering = _GATHERING if crew is None else _GATHERING_OF_MANY
        self._connect, self._pacing, self._control, self._quota = connect, pacing, control, quota
        self._pace = pace or Pace(pacing.per_minute, wait=self._wait)
        self._results: queue.SimpleQueue[Settled | Waiting | Question | InviteError | None] = queue.SimpleQueue()
        self._turn = threading.Condition()
        self._messages: Sequence[int] = ()
        self._fresh = Fresh(mailing)
        # The first so many have been taken; those of them that are due again, with the time.
        self._taken = 0
        self._limit = pacing.canary or len(mailing.letters)  # how many may be taken before the organiser is asked
        self._question: Question | None = None
        self._again: list[tuple[float, int, Task]] = []
        self._order = itertools.count()
        # Who has been reported, and how those stand who are to be tried again.
        self._is_told = bytearray(len(mailing.letters))
        self._last: dict[int, Settled] = {}
        self._in_hand = 0
        self._ended = False
        self._held_until, self._held_because = 0.0, ""
        self._lost_sessions = 0
        self._brakes = Brakes(pacing.connections)
        self._first: Connection | None = None
        self._is_open, self._is_over = threading.Event(), threading.Event()

    def check_addresses(self) -> None:
        """InputError where somebody's address is beyond what the server takes; it is asked before anything is begun."""
        actions = self.mailing.letters.beyond_ascii
        if not actions:
            return
        with suppress(AccountError):  # which is what the run will say, when everybody is recorded as not sent to
            self._first = self._opened()
        if self._first is not None and not self._first.offers_smtputf8:
            problems = [beyond_ascii(action) for action in actions]
            raise InputError(
                f"Nothing was sent: the mail server takes no address with letters beyond ASCII before the @, and "
                f"{len(actions)} attendee(s) have one.",
                hint="Ask these people for another address, take their rows out, or send through a server that offers "
                "SMTPUTF8.",
                code="problems",
                problems=problems,
            )

    def begin(self, command: str, account: str) -> None:
        mailing = self.mailing
        planned = (planned_of(letter) for letter in mailing.letters)  # one by one: all at once would fill the memory
        self._messages = self.ledger.begin(command, account, mailing.digest, planned, mailing.decisions, CHECKS)

    def take_up(self, messages: Sequence[int]) -> None:
        """Goes on with what was begun elsewhere: these are the letters' messages, in order."""
        self._messages = messages

    def close(self) -> None:
        """Leaves the server, where nothing has been begun."""
        if self._first is not None:
            self._first.close()

    def settle_all(self) -> Iterator[Settled | Waiting | Question]:
        if not self.mailing.letters:
            return
        failure: InviteError | None = None
        # A run that is stopped before it begins is recorded, and asks nothing of the server.
        count = 0 if self._control.stopped else min(self._pacing.connections, len(self.mailing.letters))
        until_all_have_ended = self._set_out(count) if count else None
        try:
            for result in self._heard(is_under_way=count > 0):
                if isinstance(result, InviteError):
                    failure = failure or result
                else:
                    yield self._told(result) if isinstance(result, Settled) else result
        except InviteError as error:
            failure = error
        finally:
            # Also where nobody wants to hear more: what is in flight is recorded before the ledger is closed.
            self._end()
            if until_all_have_ended is not None:
                until_all_have_ended()
        for number, is_told in enumerate(self._is_told):
            if not is_told:
                yield self._last.get(number) or Settled(self.mailing.letters, number, "unsent", "", 0)
        if failure:
            raise failure

    def _heard(self, *, is_under_way: bool) -> Iterator[Settled | Waiting | Question | InviteError]:
        """What the lines have to say, until the last of them has ended."""
        patient_until = 0.0
        while is_under_way:
            try:
                result = self._next_result()
            except queue.Empty:
                pass
            else:
                if result is None:
                    return
                yield result
                continue
            if not self._control.stopped or self._control.aborted:
                continue
            now = time.monotonic()
            patient_until = patient_until or now + GRACE
            if now >= patient_until:
                self._control.abort()
            else:
                yield Waiting(patient_until - now, "the server's answer to what is in flight")

    def _next_result(self) -> Settled | Waiting | Question | InviteError | None:
        """What there is to say; queue.Empty after a while in which there is nothing."""
        with suppress(queue.Empty):
            return self._results.get_nowait()
        # What comes meanwhile wakes nobody: to change threads for each message costs as much as half of it.
        time.sleep(self._gathering)
        # With a time-out, because Windows delivers Ctrl+C only between two waits.
        return self._results.get(timeout=0.5)

    def _told(self, settled: Settled) -> Settled:
        self._is_told[settled.number] = True
        self._last.pop(settled.number, None)
        return settled

    def _opened(self) -> "Connection":
        connection = self._connect()
        self._control.attach(connection)
        connection.open()
        return connection

    def _opened_at_last(self) -> "Connection | None":
        """The first session, which the run may wait for as for one that was lost; None where it is to stop.

        Raises what no second attempt will change, at once: a login is tried once.
        """
        tries = 0
        while True:
            try:
                return self._opened()
            except NotOpenError as error:
                fault, tries = error.fault, tries + 1
                if fault.pause:
                    seconds = fault.retry_after or backoff(tries, max(self._pacing.backoff, 1.0))
                    if seconds > self._pacing.patience:
                        raise too_long(seconds, fault) from None
                elif error.is_passing and tries <= self._pacing.retries:
                    seconds = backoff(tries, self._pacing.backoff)
                else:
                    raise
            self._hold(seconds, fault.reply, is_accounts=bool(fault.pause))
            if self._wait(seconds) or not self._control.may_go_on():
                return None

    def _set_out(self, count: int) -> Callable[[], object]:
        """Begins with so many lines, in the crew's thread or in one of their own; returns what waits for their end."""
        lines = [self._working(number == 0) for number in range(count)]
        if self._crew is not None:
            self._crew.join(lines, self._be_over)
            return self._is_over.wait
        thread = threading.Thread(target=self._work, args=(lines,), daemon=True)
        thread.start()
        return thread.join

    def _work(self, lines: Sequence[Steps[None]]) -> None:
        """The life of the thread in which all lines are."""
        with suppress(Exception):  # it has been told
            Crew(self.ledger).work(lines, self._be_over)

    def _be_over(self, error: Exception | None) -> None:
        """The last line has ended; or all did, because of an error of ours: the run must not wait for them."""
        if error is not None:
            self._fail(unexpected(error))
        self._results.put(None)
        self._is_over.set()

    def _working(self, is_first: bool) -> Steps[None]:
        """One line's life."""
        connection: Connection | None = None
        try:
            if is_first:
                connection = self._first or (yield Aside(self._opened_at_last))
                self._is_open.set()
            else:
                # A login that is refused is refused once.
                yield Aside(self._is_open.wait)
                if self.may_go:
                    # One more than the server allows is no reason to stop: the first one goes on.
                    with suppress(InviteError):
                        connection = yield Aside(self._opened)
            if connection is not None:
                yield from Line(self, connection).working()
        except InviteError as error:
            self._fail(error)
        except Exception as error:  # noqa: BLE001  # nor for a line
            self._fail(unexpected(error))
        self._is_open.set()
        if connection is not None:
            with suppress(InviteError):
                yield Aside(connection.close)

    # --- what the lines ask of it ----------------------------------------------------------------------------------

    def take(self) -> Task | None:
        """The next letter that is due, None when there is nothing more to do. It is in hand until `done`."""
        while self._may_go_on() and self._is_on():
            if not self._wait_for_due() or not self._has_room():
                continue
            # The turn first: a letter that was taken before it would go out in spite of a pause, or be lost to a stop.
            if not self._pace.turn() or not self._may_go_on():
                return None
            with self._turn:
                if not self._ended and self._due_in() <= 0 and not self._over_quota_for():
                    return self._next()
        return None

    def take_ahead(self) -> Task | None:
        """The next letter if it may go at once, in hand until `done`; waits for nobody but the screen."""
        self._control.give_way()
        with self._turn:
            if (
                self._question is None
                and self.may_go
                and self._due_in() <= 0
                and not self._over_quota_for()
                and self._pace.is_turn()
            ):
                return self._next()
        return None

    @property
    def may_go(self) -> bool:
        """Whether what was taken may go out at this moment."""
        return not (
            self._ended
            or self._control.stopped
            or self._control.paused
            or self._control.asking
            or (self._held_until and self._held_until > time.monotonic())
        )

    def done(self) -> None:
        """A letter is out of hand: reported, or put back."""
        with self._turn:
            self._in_hand -= 1
            if self._ended or self._again or not self._in_hand:
                self._turn.notify_all()
            are_first_out = self._taken == self._limit < len(self._messages)
            if are_first_out and not (self._in_hand or self._again or self._ended):
                self._ask()

    def put_back(self, task: Task, delay: float = 0.0) -> None:
        with self._turn:
            self._give_back()
            heapq.heappush(self._again, (time.monotonic() + delay, next(self._order), task))
            self._turn.notify_all()

    def report(self, task: Task, outcome: Outcome, reply: str) -> None:
        settled = Settled(self.mailing.letters, task.number, outcome, reply, task.attempts)
        self._results.put(settled)

    def judge(self, task: Task, result: Receipt | Fault) -> None:
        """Says what became of a letter, or has it tried again. Raises what ends the run."""
        if isinstance(result, Fault):
            last = Settled(self.mailing.letters, task.number, result.outcome, result.reply, task.attempts)
            self._last[task.number] = last
            if self._is_tried_again(task, result):
                self._brake(task, result, is_final=False)
                return
            if result.outcome != "unknown":
                with self._turn:
                    self._give_back()
        self.report(task, "accepted" if isinstance(result, Receipt) else result.outcome, result.reply)
        if isinstance(result, Fault) and result.stop:
            raise result.error()
        if stop := self._brake(task, result, is_final=True):
            with self._turn:
                is_asked = self._control.can_ask and self._ask(stop)
            if not is_asked:
                raise BrakeError(stop)

    def _brake(self, task: Task, result: Receipt | Fault, *, is_final: bool) -> Stop | None:
        """Why the run is not to go on, if there is a reason in what the server has said last."""
        with self._turn:
            if isinstance(result, Receipt):
                self._lost_sessions = 0
            elif self._ended or self._control.stopped or result.stage in _OPENING:
                return None
            was_probing = self._brakes.is_probing
            stop = self._brakes.judge(result, task.attempts, is_final=is_final)
            if was_probing and not self._brakes.is_probing:
                self._turn.notify_all()
            return stop

    # --- what the organiser is asked ------------------------------------------------------------------------------

    def _ask(self, stop: Stop | None = None) -> bool:
        """Holds the run and asks whether it is to go on; False where nothing is left to ask about. With the turn.

        `stop`: the letter that it is about is still in hand.
        """
        left = len(self._messages) - self._taken + len(self._again) + self._in_hand - (stop is not None)
        if not left:
            return False
        if self._question is None:
            self._question = Question(left, stop)
            if self._control.can_ask:
                self._control.ask()
            self._results.put(self._question)
        return True

    def _may_go_on(self) -> bool:
        """Waits while the run is paused, or asks; False when it is to stop, or the organiser has said so."""
        if not self._control.may_go_on():
            return False
        with self._turn:
            if self._question is None or self._control.asking:
                return True
            question, self._question = self._question, None
            if self._control.said_yes:
                # Nothing is held against it any more.
                self._brakes = Brakes(self._pacing.connections)
                if self._taken == self._limit:
                    self._limit = len(self._messages)
                self._turn.notify_all()
                return True
        if question.stop is not None:
            self._fail(BrakeError(question.stop))
        else:
            self._end()
        return False

    # --- whose turn it is ------------------------------------------------------------------------------------------

    def _due_in(self) -> float:
        """Seconds until a letter is due, infinite where none will be. Asked with the turn."""
        if self._again and (delay := self._again[0][0] - time.monotonic()) <= 0:
            return delay
        # While the server puts everything off, those whom it has put off are tried before anybody new.
        if self._taken < self._limit and not (self._brakes.is_probing and (self._again or self._in_hand)):
            return 0.0
        return self._again[0][0] - time.monotonic() if self._again else math.inf

    def _next(self) -> Task:
        """The letter that is due, from here on in hand. With the turn."""
        if self._again and self._again[0][0] <= time.monotonic():
            task = heapq.heappop(self._again)[2]
        else:
            number = self._taken
            letter, cleared = self._fresh.take(number)
            task = Task(number, letter, self._messages[number], cleared=cleared)
            self._taken += 1
        if self._quota is not None:
            self._quota.take()
        self._in_hand += 1
        return task

    def _is_on(self) -> bool:
        with self._turn:
            return not self._ended and bool(self._again or self._in_hand or self._taken < len(self._messages))

    def _over_quota_for(self) -> float:
        """Seconds until the account may send one more; 0.0 where it may. Asked with the turn."""
        return self._quota.wait() if self._quota is not None else 0.0

    def _give_back(self) -> None:
        """A letter that was taken has not left. With the turn."""
        if self._quota is not None:
            self._quota.give_back()

    def _has_room(self) -> bool:
        """Whether the quota has room for a letter, now or when the account is no longer held; ends the run where that
        is too late."""
        with self._turn:
            seconds = self._over_quota_for()
            if self._quota is None or not seconds:
                return True
            if self._in_hand:
                # One that does not leave makes room.
                self._turn.wait(1.0)
                return False
            is_held = time.monotonic() < self._held_until
        if seconds > self._pacing.patience:
            self._fail(used_up(seconds, self._quota))
            return False
        if not is_held:
            self._hold(seconds, self._quota.in_words)
        return True

    def _wait_for_due(self) -> bool:
        """Whether a letter's time has come; False after a while in which none has."""
        with self._turn:
            delay = self._due_in()
            if delay <= 0:
                return True
            if self._again and not self._in_hand:
                self._results.put(Waiting(delay, f"{len(self._again)} to be tried again"))
            self._turn.wait(min(delay, 1.0))
            return False

    def _wait(self, seconds: float) -> bool:
        """Waits, saying so from second to second while the account is held; True where the run is to stop."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if self._ended:
                return True
            if self._held_until > time.monotonic():
                self._results.put(Waiting(left, self._held_because))
            if self._control.wait(min(left, 1.0)):
                return True
        return False

    def _fail(self, error: InviteError) -> None:
        """Ends the run for everybody, at once."""
        self._end()
        self._results.put(error)

    def _end(self) -> None:
        with self._turn:
            self._ended = True
            self._turn.notify_all()

    # --- what a fault means ----------------------------------------------------------------------------------------

    def _is_tried_again(self, task: Task, fault: Fault) -> bool:
        """Whether the letter is tried again within this run: then it is due again, later."""
        if fault.outcome not in ("deferred", "unsent") or fault.stop or self._control.stopped:
            return False
        if fault.pause:
            seconds = fault.retry_after or backoff(task.attempts, max(self._pacing.backoff, 1.0))
            if seconds > self._pacing.patience:
                self._fail(too_long(seconds, fault))
                return False
            self._pace.slow_down()
            self._hold(seconds, fault.reply)
            self.put_back(task, seconds)
            return True
        if fault.scope == "connection" and fault.stage in _OPENING:
            return self._without_session(task, fault)
        if task.attempts > self._pacing.retries:
            return False
        # A connection that was lost before the message had gone out says nothing about the message.
        self.put_back(task, 0.0 if fault.outcome == "unsent" else backoff(task.attempts, self._pacing.backoff))
        return True

    def _without_session(self, task: Task, fault: Fault) -> bool:
        """The server cannot be reached now, whoever the message is for: everybody waits, and not for ever."""
        with self._turn:
            if time.monotonic() >= self._held_until:
                self._lost_sessions += 1
            tries = self._lost_sessions
        if tries > self._pacing.retries:
            error = fault.error()
            self._fail(NotOpenError(error.message, fault, hint=error.hint, is_passing=True))
            return False
        seconds = backoff(tries, self._pacing.backoff)
        self._hold(seconds, fault.reply, is_accounts=False)
        self.put_back(task, seconds)
        return True

    def _hold(self, seconds: float, reason: str, *, is_accounts: bool = True) -> None:
        with self._turn:
            self._held_until, self._held_because = time.monotonic() + seconds, reason
        self._results.put(Waiting(seconds, reason, is_accounts))
        self._pace.hold(seconds)
