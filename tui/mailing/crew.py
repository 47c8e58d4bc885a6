"""All lines in one thread: whichever can go on goes on, and what they want recorded is one commit. They are one run's,
or of a worker those of all shares that it has in hand.

Twenty threads would do the same with twenty changes of thread for each message, and those cost twice what the message
does. What may take long for other reasons than the server's answers (opening a session, waiting for a turn) is done
aside, by a thread of its own; and so is a commit of some size while other lines can go on: the disk takes its time, and
SQLite does not need the interpreter.
"""

import math
import os
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, final

from tui.delivery.steps import Aside, Poller, Steps, Wait
from tui.ledger import Ledger

_LOOK = 0.02
"""Seconds after which we look whether something aside is done, where a pipe cannot wake who waits for sockets."""

_WORTH_A_THREAD = 4
"""Records of a commit that is made aside; fewer are made sooner than somebody else could be told of them."""

_FEWEST = 1
"""The same of a crew that stays: its commits are made on another machine, and while that takes its time others go
on."""

_ENOUGH = 8
"""Records for which a commit is begun although lines can go on that may want something recorded too; of many lines
half of them, so that one half is recorded while the other composes."""


@dataclass(frozen=True, slots=True)
class Record:
    """Until what `call` (of `sending`, `settle` or `tried`) records is durable; its result is sent back, or raised."""

    call: Callable[[], Any]


_Next = tuple[Steps[None], Any, BaseException | None]
"""A line that can go on, and what it is told: a result or an exception."""

_Asked = tuple[Steps[None], Record]
"""A line, and what it wants recorded."""

Over = Callable[[Exception | None], object]
"""Is told that the last line of a party has come to its end, or what has ended the crew before that."""


@dataclass(slots=True)
class _Party:
    """Lines that came together: how many of them are left, and who is told when none is."""

    left: int
    over: Over


@dataclass(frozen=True, slots=True)
class _Joining:
    """Lines that are to be run, and who is told when they have come to their end."""

    lines: Sequence[Steps[None]]
    over: Over


@final
class Crew:
    """Runs lines, step by step, until the last has come to its end. One that `stays` goes on with those that join it,
    until it is told to `leave`."""

    def __init__(self, ledger: Ledger, *, stays: bool = False) -> None:
        self._ledger = ledger
        self._worth_a_thread = _FEWEST if stays else _WORTH_A_THREAD
        self._parties: dict[Steps[None], _Party] = {}
        """Of each line that has not come to its end, with whom it came."""
        self._ready: deque[_Next] = deque()
        self._records: list[_Asked] = []
        self._enough = _ENOUGH
        self._waiting: dict[int, tuple[Steps[None], Wait]] = {}
        self._done: queue.SimpleQueue[Sequence[_Next] | _Joining | None] = queue.SimpleQueue()
        """What was done aside: of a commit all lines that it was for. Who joins; None when nobody will any more."""
        self._aside = int(stays)
        """From how many it is to be heard that something is done; whoever may let others join is one of them."""
        self._is_open = stays
        self._door = threading.Lock()
        self._poller = Poller()
        self._bell: tuple[int, int] | None = os.pipe() if self._poller.takes_pipes else None
        self._is_ringing = threading.Lock()
        self._recorder = Recorder(self._record, self._tell)

    def join(self, lines: Sequence[Steps[None]], over: Over) -> None:
        """From any thread: has these run as well by a crew that stays, which says when the last has come to its end."""
        with self._door:
            if self._is_open:
                self._tell(_Joining(lines, over))
                return
        over(RuntimeError("whoever would run it has ended"))

    def leave(self) -> None:
        """From any thread, once: nobody joins any more."""
        with self._door:
            if self._is_open:
                self._is_open = False
                self._tell(None)

    @property
    def has_left(self) -> bool:
        """Whether nobody can join any more: it was told to leave, or something has ended it."""
        return not self._is_open

    def work(self, lines: Iterable[Steps[None]] = (), over: Over = lambda _: None) -> None:
        """`lines` see to their own failures; one that raises ends all."""
        self._let_in(_Joining([*lines], over))
        if self._bell is not None:
            self._poller.add(Wait(self._bell[0], math.inf))
        failure: Exception | None = None
        try:
            while self._parties or self._is_open:
                while self._ready:
                    self._go_on(*self._ready.popleft())
                    if len(self._records) >= self._enough and self._ready:
                        self._have_recorded()
                    if self._aside and not self._done.empty():
                        self._take_back(self._done.get())
                self._hear()
                # Whoever can go on does so first, and may have something to record as well.
                if self._records and not self._ready:
                    self._have_recorded()
        except Exception as error:
            failure = error
            raise
        finally:
            with self._door:
                self._is_open = False
            self._recorder.stop()
            with self._is_ringing:  # whoever rings late must not write into what is opened next
                for end in self._bell or ():
                    os.close(end)
                self._bell = None
            self._send_home(failure)

    def _let_in(self, joining: _Joining) -> None:
        if joining.lines:
            party = _Party(len(joining.lines), joining.over)
            self._parties |= dict.fromkeys(joining.lines, party)
            self._enough = max(_ENOUGH, len(self._parties) // 2)
            self._ready.extend((line, None, None) for line in joining.lines)
        else:
            joining.over(None)

    def _send_home(self, failure: Exception | None) -> None:
        """Tells all who wait for lines that will not go on any more."""
        waiting = {id(party): party.over for party in self._parties.values()}
        with suppress(queue.Empty):
            while True:
                if isinstance(late := self._done.get_nowait(), _Joining):
                    waiting[id(late)] = late.over
        for over in waiting.values():
            over(failure or RuntimeError("whoever would run it has ended"))

    def _go_on(self, line: Steps[None], answer: Any, error: BaseException | None) -> None:
        """One step of a line."""
        try:
            step = line.send(answer) if error is None else line.throw(error)
        except StopIteration:
            party = self._parties.pop(line)
            party.left -= 1
            if not party.left:
                party.over(None)
            return
        if isinstance(step, Wait):
            self._waiting[step.fileno] = line, step
            self._poller.add(step)
        elif isinstance(step, Record):
            self._records.append((line, step))
        else:
            self._aside += 1
            threading.Thread(target=self._do, args=(line, step), daemon=True).start()

    def _do(self, line: Steps[None], step: Aside) -> None:
        """What a thread of its own does."""
        try:
            done: _Next = line, step.call(), None
        except BaseException as error:  # noqa: BLE001  # it is raised where it is waited for
            done = line, None, error
        self._tell([done])

    def _tell(self, done: Sequence[_Next] | _Joining | None) -> None:
        """From any thread: these can go on, or begin."""
        self._done.put(done)
        with self._is_ringing:
            if self._bell is not None:
                os.write(self._bell[1], b"!")

    def _hear(self) -> None:
        """Finds out who can go on; waits for it where nothing else is to be done."""
        is_idle = not self._ready and (not self._records or self._recorder.is_busy)
        if self._aside and not self._waiting and is_idle:
            self._take_back(self._done.get())
        while self._aside:
            try:
                self._take_back(self._done.get_nowait())
            except queue.Empty:
                break
        if not self._waiting:
            return
        now = time.monotonic()
        soonest = min([wait.deadline for _, wait in self._waiting.values()])
        is_idle = not self._ready and (not self._records or self._recorder.is_busy)
        patience = soonest - now if is_idle else 0.0
        if self._aside and self._bell is None:
            patience = min(patience, _LOOK)
        for fileno in self._poller.ready(patience):
            if self._bell is not None and fileno == self._bell[0]:
                os.read(fileno, 4096)
            else:
                self._poller.remove(fileno)
                self._ready.append((self._waiting.pop(fileno)[0], None, None))
        if soonest <= time.monotonic():
            self._give_up()

    def _take_back(self, done: Sequence[_Next] | _Joining | None) -> None:
        if isinstance(done, _Joining):
            self._let_in(done)
        else:
            self._aside -= 1
            self._ready.extend(done or ())

    def _give_up(self) -> None:
        """Ends the waits that have been long enough."""
        now = time.monotonic()
        for fileno, (line, wait) in list(self._waiting.items()):
            if wait.deadline <= now:
                self._poller.remove(fileno)
                del self._waiting[fileno]
                self._ready.append((line, None, TimeoutError()))

    def _have_recorded(self) -> None:
        """Has recorded what is to be, aside where others can go on meanwhile; nothing while a commit is under way."""
        if self._recorder.is_busy:
            return
        records, self._records = self._records, []
        # Without a bell nobody would hear in time that it is done.
        if self._bell is not None and len(records) >= self._worth_a_thread and (self._ready or self._waiting):
            self._aside += 1
            self._recorder.take(records)
        else:
            self._ready.extend(self._record(records))

    def _record(self, records: Sequence[_Asked]) -> Sequence[_Next]:
        """One commit, in whichever thread; what each line is told of it."""
        results = self._ledger.in_one_commit([record.call for _, record in records])
        return [
            (line, None, result) if isinstance(result, BaseException) else (line, result, None)
            for (line, _), result in zip(records, results, strict=True)
        ]


class Recorder:
    """A thread that makes commits, one at a time. It is there when the first is wanted."""

    def __init__(
        self, record: Callable[[Sequence[_Asked]], Sequence[_Next]], tell: Callable[[Sequence[_Next]], None]
    ) -> None:
        self._record, self._tell = record, tell
        self._orders: queue.SimpleQueue[Sequence[_Asked] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self.is_busy = False

    def take(self, records: Sequence[_Asked]) -> None:
        self.is_busy = True
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, daemon=True)
            self._thread.start()
        self._orders.put(records)

    def stop(self) -> None:
        """Waits for what is under way, too: the ledger may be closed after that."""
        if self._thread is not None:
            self._orders.put(None)
            self._thread.join()

    def _work(self) -> None:
        while (records := self._orders.get()) is not None:
            try:
                done = self._record(records)
            except BaseException as error:  # noqa: BLE001  # it is raised where it is waited for
                done = [(line, None, error) for line, _ in records]
            self.is_busy = False
            self._tell(done)
