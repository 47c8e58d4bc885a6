"""Preparing a whole mailing and sending it: the only path to a socket, for every command and every screen.

`prepare` composes and clears every message before anything opens a connection. `send` composes each one again in the
moment before it goes out, has it cleared again, and lets it go only if it is the same to the byte; the ledger knows of
it before the first byte of it leaves.
"""

import heapq
import itertools
import math
import os
import queue
import re
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, final, overload

from tui import guard
from tui.clean import file_name
from tui.delivery.brakes import Brakes, Stop
from tui.delivery.faults import Fault, Receipt
from tui.delivery.pacing import Pace, backoff
from tui.errors import AccountError, InputError, InviteError, LeakError, LedgerError, Problem
from tui.guard import Cleared, Leak, Roll
from tui.guard.checks import CHECKS
from tui.invitation import Composer, Revision, Uncomposable
from tui.ledger import Decisions, Ledger, Outcome, Planned, Sent
from tui.plan import Action, Plan

if TYPE_CHECKING:
    from tui.delivery.connection import Connection  # smtplib and ssl are for those who send

_OPENING = frozenset({"connect", "greeting", "ehlo", "starttls", "auth"})
"""Stages of a session at which nothing has been said of any message yet."""

_TELL = 100
"""So many messages are made, and it is told how far it is."""

_SEND_AGAIN = "Run the same command again to send."

GRACE = 10.0
"""Seconds that a run which is stopped waits for the server's word on what is in flight; then it is `unknown`."""


_AS_TOLD = ("title", "start", "end", "rrule", "zone", "location", "session")
"""The facts of a version that a cancellation of it is made of."""


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

    def add(self, digest: str, identity: bytes, *, is_again: bool) -> None:
        """Puts down how the next action's message was cleared. `identity`: 16 bytes; see `revision_of`."""
        self._digests += bytes.fromhex(digest)
        self._identities += identity
        self._are_again.append(is_again)

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
        action, identity = self.actions[at], bytes(self._identities[at * 16 : at * 16 + 16])
        revision = revision_of(action, self._now, self._note, identity)
        if self._are_again[at] and action.pending:
            revision = _as_tried(revision, action.pending)
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


class StoppedError(InviteError):
    """The organiser has stopped it while the messages were being made: nothing was sent, and nothing is recorded."""

    exit_code = 130
    code = "interrupted"


@dataclass(frozen=True, slots=True)
class Waiting:
    """Nothing can go out for so many `seconds`; said again as they pass."""

    seconds: float
    reason: str


class Control:
    """The organiser's hand on a run, from any thread: pause, go on, stop after what is in flight, or leave at once."""

    def __init__(self) -> None:
        self._stop = threading.Event()
        self._go = threading.Event()
        self._go.set()
        self._connections: list[Connection] = []
        self._is_aborted = False

    @property
    def stopped(self) -> bool:
        return self._stop.is_set()

    @property
    def aborted(self) -> bool:
        return self._is_aborted

    @property
    def paused(self) -> bool:
        return not self._go.is_set()

    def pause(self) -> None:
        self._go.clear()

    def resume(self) -> None:
        self._go.set()

    def stop(self) -> None:
        """Nothing new goes out; what is in flight is settled and recorded."""
        # Not set again: a signal handler may have come in the middle of that.
        if not self._stop.is_set():
            self._stop.set()
        self._go.set()

    def abort(self) -> None:
        """Stops, and breaks off the conversations with the server: what was in flight is recorded as it stands."""
        self._is_aborted = True
        self.stop()
        for connection in list(self._connections):
            connection.abort()

    def wait(self, seconds: float) -> bool:
        """Waits; True, early, when the run is to stop."""
        return self._stop.wait(seconds)

    def may_go_on(self) -> bool:
        """Waits while the run is paused; False when it is to stop."""
        # Asked first: a signal handler that comes in the middle of a wait could not end it.
        if not self._go.is_set():
            self._go.wait()
        return not self.stopped

    def attach(self, connection: "Connection") -> None:
        self._connections.append(connection)
        if self._is_aborted:
            connection.abort()


@dataclass(frozen=True, slots=True)
class Pacing:
    """How a run goes: threads, messages a minute (0: no limit), further tries and seconds before the first of them.

    `patience` is how many seconds the run may wait for a quota or a throttle to end.
    """

    connections: int = 1
    per_minute: float = 0.0
    retries: int = 3
    backoff: float = 60.0
    patience: float = 0.0


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
        cleared = _cleared(self.composer, self.roll, letter.action, letter.revision)
        if isinstance(cleared, Cleared) and cleared.digest == letter.digest:
            return cleared
        raise LeakError(
            f"The message to {letter.action.attendee.address} is no longer the one that was cleared.",
            hint="A file it is made from has changed meanwhile. Run `plan` again.",
        )


def prepare(
    plan: Plan,
    composer: Composer,
    roll: Roll,
    *,
    note: str = "",
    now: datetime | None = None,
    control: Control | None = None,
    tell: Callable[[int, int], object] | None = None,
) -> Mailing:
    """Composes and clears every message of the plan.

    `tell` is told now and then how many of how many are done. InputError or LeakError, with a problem for each fault,
    where one message cannot go: then none goes. StoppedError as soon as `control` is stopped; what was stopped before
    is made all the same, to be recorded as not sent.
    """
    now = (now or datetime.now(UTC)).astimezone(UTC).replace(microsecond=0)
    actions = plan.to_send
    letters = Letters(actions, now, note)
    problems: list[Problem] = []
    leaks = 0
    is_stoppable = control is not None and not control.stopped
    for number, action in enumerate(actions):
        if is_stoppable and control and control.stopped:
            raise StoppedError("Stopped before the first message: nothing was sent.", hint=_SEND_AGAIN)
        if tell and number and not number % _TELL:
            tell(number, len(actions))
        identity = secrets.token_bytes(16)
        try:
            is_again, cleared = _composed(composer, roll, action, now, note, identity)
        except Uncomposable as error:
            problems.extend(error.problems)
            continue
        if isinstance(cleared, Cleared):
            letters.add(cleared.digest, identity, is_again=is_again)
        else:
            leaks += 1
            problems.extend(problem_of(leak, action) for leak in cleared)
    if leaks:
        raise LeakError(
            f"Nothing was sent: {leaks} message(s) would show what their recipient must not see.",
            hint="The problems say where.",
            problems=problems,
        )
    if problems:
        raise InputError(
            f"Nothing was sent: {problems[0].message}", hint=problems[0].hint, code="problems", problems=problems
        )
    if tell and len(actions) > _TELL:
        tell(len(actions), len(actions))
    return Mailing(letters, plan.digest, composer, roll, plan.decisions)


def problem_of(leak: Leak, action: Action) -> Problem:
    """A leak as a problem of the attendee to whom the message would have gone."""
    attendee = action.attendee
    message = f"In the message to {attendee.address}, {leak.where}: {leak.message}"
    hint = "Take it out of the wording, the event or the attachment."
    return Problem("error", "leak", message, attendee.file or None, action.line, None, leak.what, hint)


def rehearse(mailing: Mailing, outbox: Path, control: Control | None = None) -> Iterator[Settled]:
    """Writes every message to `outbox`, one file each, in place of what an earlier rehearsal left there.

    InputError where that is not possible.
    """
    try:
        outbox.mkdir(mode=0o700, parents=True, exist_ok=True)
        for old in outbox.iterdir():
            if re.fullmatch(r"\d{4,}-.*\.eml", old.name):
                old.unlink()
        width = max(4, len(str(len(mailing.letters))))
        for number, letter in enumerate(mailing.letters):
            if control and not control.may_go_on():
                return
            path = outbox / f"{number + 1:0{width}}-{file_name(letter.action.attendee.address)}.eml"
            with open(path, "wb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
                file.write(mailing.clear(letter).raw)
            yield Settled(mailing.letters, number, "unsent", str(outbox / path.name), 0)
    except OSError as error:
        raise InputError(
            f"The rehearsal cannot be written to {outbox}: {error.strerror}.",
            hint="Free some space, or name another folder with --outbox.",
            code="outbox",
        ) from None


def send(
    mailing: Mailing,
    ledger: Ledger,
    connect: Callable[[], "Connection"],
    *,
    command: str,
    account: str,
    pacing: Pacing,
    control: Control,
) -> Iterator[Settled | Waiting]:
    """Sends the mailing and yields each message's outcome as it is recorded; at the end what was not tried.

    InputError, with a problem for each, where somebody's address needs SMTPUTF8 and the server does not offer it: then
    nothing was sent or recorded. AccountError where the account fails for everybody, LedgerError where nothing can be
    recorded any more: what was settled before has been yielded and recorded, and the rest is still to send.
    """
    run = _Run(mailing, ledger, connect, pacing, control)
    try:
        run.check_addresses()
        run.begin(command, account)
    except BaseException:
        run.close()
        raise
    yield from run.settle_all()


@dataclass(frozen=True, slots=True)
class _Try:
    """A letter that is in somebody's hand, or due again."""

    number: int
    letter: Letter
    message: int
    attempts: int = 0
    cleared: Cleared | None = None


class _Run:
    """One run: letters to go, threads that deliver them, and what comes back."""

    def __init__(
        self, mailing: Mailing, ledger: Ledger, connect: Callable[[], "Connection"], pacing: Pacing, control: Control
    ) -> None:
        self.mailing, self.ledger = mailing, ledger
        self._connect, self._pacing, self._control = connect, pacing, control
        self._pace = Pace(pacing.per_minute, wait=self._wait)
        self._results: queue.SimpleQueue[Settled | Waiting | InviteError | None] = queue.SimpleQueue()
        self._turn = threading.Condition()
        self._messages: Sequence[int] = ()
        # The first so many have been taken; those of them that are due again, with the time.
        self._taken = 0
        self._again: list[tuple[float, int, _Try]] = []
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
        self._is_open = threading.Event()

    def check_addresses(self) -> None:
        """InputError where somebody's address is beyond what the server takes; it is asked before anything is begun."""
        letters = [letter for letter in self.mailing.letters if not letter.action.attendee.address.isascii()]
        if not letters:
            return
        with suppress(AccountError):  # which is what the run will say, when everybody is recorded as not sent to
            self._first = self._opened()
        if self._first is not None and not self._first.offers_smtputf8:
            problems = [_beyond_ascii(letter.action) for letter in letters]
            raise InputError(
                f"Nothing was sent: the mail server takes no address with letters beyond ASCII before the @, and "
                f"{len(letters)} attendee(s) have one.",
                hint="Ask these people for another address, take their rows out, or send through a server that offers "
                "SMTPUTF8.",
                code="problems",
                problems=problems,
            )

    def begin(self, command: str, account: str) -> None:
        mailing = self.mailing
        planned = (_planned(letter) for letter in mailing.letters)  # one by one: all at once would fill the memory
        self._messages = self.ledger.begin(command, account, mailing.digest, planned, mailing.decisions, CHECKS)

    def close(self) -> None:
        """Leaves the server, where nothing has been begun."""
        if self._first is not None:
            self._first.close()

    def settle_all(self) -> Iterator[Settled | Waiting]:
        if not self.mailing.letters:
            return
        failure: InviteError | None = None
        threads: list[threading.Thread] = []
        try:
            # A run that is stopped before it begins is recorded, and asks nothing of the server.
            count = 0 if self._control.stopped else min(self._pacing.connections, len(self.mailing.letters))
            for number in range(count):
                threads.append(threading.Thread(target=self._work, args=(number == 0,), daemon=True))
                threads[-1].start()
            for result in self._heard(len(threads)):
                if isinstance(result, InviteError):
                    failure = failure or result
                else:
                    yield self._told(result) if isinstance(result, Settled) else result
        except InviteError as error:
            failure = error
        finally:
            # Also where nobody wants to hear more: what is in flight is recorded before the ledger is closed.
            self._end()
            for thread in threads:
                thread.join()
        for number, is_told in enumerate(self._is_told):
            if not is_told:
                yield self._last.get(number) or Settled(self.mailing.letters, number, "unsent", "", 0)
        if failure:
            raise failure

    def _heard(self, running: int) -> Iterator[Settled | Waiting | InviteError]:
        """What so many threads have to say, until the last of them has ended."""
        patient_until = 0.0
        while running:
            try:
                # With a time-out, because Windows delivers Ctrl+C only between two waits.
                result = self._results.get(timeout=0.5)
            except queue.Empty:
                pass
            else:
                if result is None:
                    running -= 1
                else:
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

    def _told(self, settled: Settled) -> Settled:
        self._is_told[settled.number] = True
        self._last.pop(settled.number, None)
        return settled

    def _opened(self) -> "Connection":
        connection = self._connect()
        self._control.attach(connection)
        connection.open()
        return connection

    def _work(self, is_first: bool) -> None:
        """One thread's life."""
        connection: Connection | None = None
        try:
            if is_first:
                connection = self._first or self._opened()
                self._is_open.set()
            else:
                # A login that is refused is refused once.
                self._is_open.wait()
                if self.may_go:
                    # One more than the server allows is no reason to stop: the first one goes on.
                    with suppress(InviteError):
                        connection = self._opened()
            if connection is not None:
                _Line(self, connection).work()
        except InviteError as error:
            self._fail(error)
        except Exception as error:  # noqa: BLE001  # a fault of ours must not leave the run waiting for a thread that is gone
            self._fail(_unexpected(error))
        finally:
            self._is_open.set()
            if connection is not None:
                with suppress(InviteError):
                    connection.close()
            self._results.put(None)

    # --- what the lines ask of it ----------------------------------------------------------------------------------

    def take(self) -> _Try | None:
        """The next letter that is due, None when there is nothing more to do. It is in hand until `done`."""
        while self._control.may_go_on() and self._is_on():
            if not self._wait_for_due():
                continue
            # The turn first: a letter that was taken before it would go out in spite of a pause, or be lost to a stop.
            if not self._pace.turn() or not self._control.may_go_on():
                return None
            with self._turn:
                if not self._ended and self._due_in() <= 0:
                    return self._next()
        return None

    def take_ahead(self) -> _Try | None:
        """The next letter if it may go at once, in hand until `done`; never waits."""
        with self._turn:
            if self.may_go and self._due_in() <= 0 and self._pace.is_turn():
                return self._next()
        return None

    @property
    def may_go(self) -> bool:
        """Whether what was taken may go out at this moment."""
        return not (
            self._ended
            or self._control.stopped
            or self._control.paused
            or (self._held_until and self._held_until > time.monotonic())
        )

    def done(self) -> None:
        """A letter is out of hand: reported, or put back."""
        with self._turn:
            self._in_hand -= 1
            if self._ended or self._again or not self._in_hand:
                self._turn.notify_all()

    def put_back(self, task: _Try, delay: float = 0.0) -> None:
        with self._turn:
            heapq.heappush(self._again, (time.monotonic() + delay, next(self._order), task))
            self._turn.notify_all()

    def report(self, task: _Try, outcome: Outcome, reply: str) -> None:
        settled = Settled(self.mailing.letters, task.number, outcome, reply, task.attempts)
        self._results.put(settled)

    def judge(self, task: _Try, result: Receipt | Fault) -> None:
        """Says what became of a letter, or has it tried again. Raises what ends the run."""
        if isinstance(result, Fault):
            last = Settled(self.mailing.letters, task.number, result.outcome, result.reply, task.attempts)
            self._last[task.number] = last
            if self._is_tried_again(task, result):
                self._brake(task, result, is_final=False)
                return
        self.report(task, "accepted" if isinstance(result, Receipt) else result.outcome, result.reply)
        if isinstance(result, Fault) and result.stop:
            raise result.error()
        if stop := self._brake(task, result, is_final=True):
            raise BrakeError(stop)

    def _brake(self, task: _Try, result: Receipt | Fault, *, is_final: bool) -> Stop | None:
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

    # --- whose turn it is ------------------------------------------------------------------------------------------

    def _due_in(self) -> float:
        """Seconds until a letter is due, infinite where none will be. Asked with the turn."""
        if self._again and (delay := self._again[0][0] - time.monotonic()) <= 0:
            return delay
        # While the server puts everything off, those whom it has put off are tried before anybody new.
        if self._taken < len(self._messages) and not (self._brakes.is_probing and (self._again or self._in_hand)):
            return 0.0
        return self._again[0][0] - time.monotonic() if self._again else math.inf

    def _next(self) -> _Try:
        self._in_hand += 1
        if self._again and self._again[0][0] <= time.monotonic():
            return heapq.heappop(self._again)[2]
        number = self._taken
        self._taken += 1
        return _Try(number, self.mailing.letters[number], self._messages[number])

    def _is_on(self) -> bool:
        with self._turn:
            return not self._ended and bool(self._again or self._in_hand or self._taken < len(self._messages))

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

    def _is_tried_again(self, task: _Try, fault: Fault) -> bool:
        """Whether the letter is tried again within this run: then it is due again, later."""
        if fault.outcome not in ("deferred", "unsent") or fault.stop or self._control.stopped:
            return False
        if fault.pause:
            seconds = fault.retry_after or backoff(task.attempts, max(self._pacing.backoff, 1.0))
            if seconds > self._pacing.patience:
                self._fail(_too_long(seconds, fault))
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

    def _without_session(self, task: _Try, fault: Fault) -> bool:
        """The server cannot be reached now, whoever the message is for: everybody waits, and not for ever."""
        with self._turn:
            if time.monotonic() >= self._held_until:
                self._lost_sessions += 1
            tries = self._lost_sessions
        if tries > self._pacing.retries:
            self._fail(fault.error())
            return False
        seconds = backoff(tries, self._pacing.backoff)
        self._hold(seconds, fault.reply)
        self.put_back(task, seconds)
        return True

    def _hold(self, seconds: float, reason: str) -> None:
        with self._turn:
            self._held_until, self._held_because = time.monotonic() + seconds, reason
        self._results.put(Waiting(seconds, reason))
        self._pace.hold(seconds)


class _Line:
    """One connection within a run: it takes letters, delivers them one by one, and has each of them recorded.

    While a letter goes out, the next one's envelope goes with it; and what became of the last one is recorded in the
    same commit as that the next one leaves. At any moment at most one letter of a line is in flight.
    """

    def __init__(self, run: _Run, connection: "Connection") -> None:
        self._run, self._connection = run, connection
        self._ahead: _Try | None = None
        """Taken, cleared, and its envelope said: the next one."""
        self._owed: tuple[_Try, int, Receipt] | None = None
        """Delivered, with the id of its attempt, and not recorded yet."""
        self._attempt: int | None = None
        """Of the letter in flight."""

    def work(self) -> None:
        try:
            while (task := self._take()) is not None:
                self._attempt = None
                try:
                    self._deliver(task)
                finally:
                    self._run.done()
        finally:
            self._put_ahead_back()
            self._pay()

    def _take(self) -> _Try | None:
        if self._ahead is not None and self._run.may_go:
            task, self._ahead = self._ahead, None
            return task
        self._put_ahead_back()
        self._pay()
        return self._run.take()

    def _put_ahead_back(self) -> None:
        """What was said of the next letter is taken back; nothing of it has been recorded."""
        if self._ahead is not None:
            self._connection.leave()
            self._run.put_back(replace(self._ahead, cleared=None))
            self._ahead = None
            self._run.done()

    def _deliver(self, task: _Try) -> None:
        cleared = task.cleared or self._run.mailing.clear(task.letter)
        task = _Try(task.number, task.letter, task.message, task.attempts + 1)
        reply = "the delivery was broken off"
        try:
            result = self._connection.deliver(cleared, on_body=lambda: self._leaves(task, cleared))
            reply = f"{result.reply} (which could not be recorded)"
            self._record(task, cleared.digest, result)
        except BaseException:
            if self._attempt is None:
                self._pay()
            else:
                # What the ledger does not know will be unknown to the next run, so it is to this one.
                self._run.report(task, "unknown", reply)
                with suppress(LedgerError):
                    self._run.ledger.settle(self._attempt, "unknown", reply)
            raise
        if self._owed is None:
            self._run.judge(task, result)

    def _leaves(self, task: _Try, cleared: Cleared) -> Cleared | None:
        """Records that a letter leaves now, and what became of the last one; returns the next one, if it may go too."""
        ahead = self._look_ahead()
        digest, kept = cleared.digest, cleared.raw if self._run.mailing.keeps else None
        if self._owed is None:
            self._attempt = self._run.ledger.sending(task.message, digest, None, kept)
        else:
            owed, attempt, receipt = self._owed
            settled: tuple[int, Outcome, str] = (attempt, "accepted", receipt.reply)
            self._attempt = self._run.ledger.sending(task.message, digest, settled, kept)
            self._owed = None
            self._run.judge(owed, receipt)
        return ahead

    def _look_ahead(self) -> Cleared | None:
        task = self._run.take_ahead()
        if task is None:
            return None
        try:
            cleared = self._run.mailing.clear(task.letter)
        except BaseException as error:
            self._run.put_back(task)
            self._run.done()
            if isinstance(error, InviteError):
                return None  # it is said when its turn has come, and is not the affair of the one before it
            raise
        self._ahead = _Try(task.number, task.letter, task.message, task.attempts, cleared)
        return cleared

    def _record(self, task: _Try, digest: str, result: Receipt | Fault) -> None:
        """Has the outcome recorded; where the server has begun to agree to the next letter, together with that."""
        if self._attempt is not None and isinstance(result, Receipt) and self._connection.is_answered():
            self._owed = task, self._attempt, result
            return
        outcome: Outcome = "accepted" if isinstance(result, Receipt) else result.outcome
        if self._attempt is not None:
            self._run.ledger.settle(self._attempt, outcome, result.reply)
        else:
            self._pay()
            self._run.ledger.tried(task.message, digest, outcome, result.reply)

    def _pay(self) -> None:
        """Has recorded what was delivered last, by itself."""
        if self._owed is None:
            return
        (task, attempt, receipt), self._owed = self._owed, None
        try:
            self._run.ledger.settle(attempt, "accepted", receipt.reply)
        except BaseException:
            self._run.report(task, "unknown", f"{receipt.reply} (which could not be recorded)")
            raise
        self._run.judge(task, receipt)


class BrakeError(InviteError):
    """The run was ended by what the server's answers have in common: what is left is still to send."""

    exit_code = 3
    code = "stopped"

    def __init__(self, stop: Stop) -> None:
        super().__init__(stop.message, hint=stop.hint, code=stop.code)


class PausedError(InviteError):
    """The account has to wait longer than this run may: what is left is still to send."""

    exit_code = 3
    code = "paused"


def _too_long(seconds: float, fault: Fault) -> PausedError:
    hours, minutes = divmod(round(seconds / 60), 60)
    words = f"{hours} h {minutes} min" if hours else f"{max(minutes, 1)} min"
    return PausedError(
        f"The mail server asks this account to wait ({fault.reply}); it can go on in about {words}.",
        hint="Run the same command again then, or let it wait with --wait SECONDS.",
    )


def _beyond_ascii(action: Action) -> Problem:
    attendee = action.attendee
    columns = attendee.columns
    return Problem(
        "error",
        "non-ascii-address",
        f"{attendee.address}: the mail server takes ASCII addresses only (no SMTPUTF8).",
        attendee.file or None,
        action.line,
        columns.headers[columns.address],
        attendee.address,
        "Ask for another address, or send through a server that offers SMTPUTF8.",
    )


def _unexpected(error: Exception) -> InviteError:
    return InviteError(f"The run was stopped by a fault of the program: {error!r}.", hint="Please report it.")


def _cleared(composer: Composer, roll: Roll, action: Action, revision: Revision) -> Cleared | tuple[Leak, ...]:
    attendee = action.attendee
    raw = composer.compose(attendee, revision).raw
    internal = attendee.columns.internal
    own = "\n".join([attendee.name, *(cell for i, cell in enumerate(attendee.cells) if i not in internal)])
    return guard.clear(raw, attendee.address, roll, own)


def _composed(
    composer: Composer, roll: Roll, action: Action, now: datetime, note: str, identity: bytes
) -> tuple[bool, Cleared | tuple[Leak, ...]]:
    """The message of an action, and whether it is the one that was tried before. One that is tried again is the same to
    the byte, Message-ID and stamp included, so that a server or a mailbox that has it already can tell; unless what it
    says has changed meanwhile."""
    fresh = revision_of(action, now, note, identity)
    if action.pending and action.pending.attempts:
        cleared = _cleared(composer, roll, action, _as_tried(fresh, action.pending))
        if isinstance(cleared, Cleared) and cleared.digest == action.pending.digest:
            return True, cleared
    return False, _cleared(composer, roll, action, fresh)


def _as_tried(fresh: Revision, pending: Sent) -> Revision:
    return replace(fresh, stamp=pending.stamp, message_id=pending.message_id)


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


def _planned(letter: Letter) -> Planned:
    action, attendee = letter.action, letter.action.attendee
    columns = attendee.columns
    internal = {columns.headers[index] for index in columns.internal}
    note = {"note": letter.revision.note} if letter.revision.note else {}  # for when it is tried again
    fields = {header: cell for header, cell in attendee.fields.items() if header not in internal}
    return Planned(
        key=attendee.key,
        address=attendee.address,
        name=attendee.name,
        group=attendee.group,
        line=action.line,
        fields=fields,
        action=action.action,
        uid=action.uid,
        sequence=action.sequence,
        generation=action.generation,
        round=action.round,
        facts={**(action.facts or {}), **note},
        message_id=letter.revision.message_id,
        stamp=letter.revision.stamp,
        digest=letter.digest,
    )
