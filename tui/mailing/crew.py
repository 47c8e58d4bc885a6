"""All lines of a run in one thread: whichever can go on goes on, and what they want recorded is one commit.

Twenty threads would do the same with twenty changes of thread for each message, and those cost twice what the message
does. What may take long for other reasons than the server's answers (opening a session, waiting for a turn) is done
aside, by a thread of its own.
"""

import math
import os
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, final

from tui.delivery.steps import Aside, Poller, Steps, Wait
from tui.ledger import Ledger

_LOOK = 0.02
"""Seconds after which we look whether something aside is done, where a pipe cannot wake who waits for sockets."""


@dataclass(frozen=True, slots=True)
class Record:
    """Until what `call` (of `sending`, `settle` or `tried`) records is durable; its result is sent back, or raised."""

    call: Callable[[], Any]


_Next = tuple[Steps[None], Any, BaseException | None]
"""A line that can go on, and what it is told: a result or an exception."""


@final
class Crew:
    """Runs lines, step by step, until the last has come to its end."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._ready: deque[_Next] = deque()
        self._records: list[tuple[Steps[None], Record]] = []
        self._waiting: dict[int, tuple[Steps[None], Wait]] = {}
        self._done: queue.SimpleQueue[_Next] = queue.SimpleQueue()
        self._aside = 0
        self._poller = Poller()
        self._bell: tuple[int, int] | None = os.pipe() if self._poller.takes_pipes else None

    def work(self, lines: Iterable[Steps[None]]) -> None:
        """`lines` see to their own failures; one that raises ends all."""
        running = deque(lines)
        left = len(running)
        self._ready.extend((line, None, None) for line in running)
        if self._bell is not None:
            self._poller.add(Wait(self._bell[0], math.inf))
        try:
            while left:
                while self._ready:
                    left -= self._go_on(*self._ready.popleft())
                self._hear()
                # Whoever can go on does so first, and may have something to record as well.
                if self._records and not self._ready:
                    self._record()
        finally:
            for end in self._bell or ():
                os.close(end)
            self._bell = None

    def _go_on(self, line: Steps[None], answer: Any, error: BaseException | None) -> bool:
        """One step of a line; whether it was the last."""
        try:
            step = line.send(answer) if error is None else line.throw(error)
        except StopIteration:
            return True
        if isinstance(step, Wait):
            self._waiting[step.fileno] = line, step
            self._poller.add(step)
        elif isinstance(step, Record):
            self._records.append((line, step))
        else:
            self._aside += 1
            threading.Thread(target=self._do, args=(line, step), daemon=True).start()
        return False

    def _do(self, line: Steps[None], step: Aside) -> None:
        """What a thread of its own does."""
        try:
            done: _Next = line, step.call(), None
        except BaseException as error:  # noqa: BLE001  # it is raised where it is waited for
            done = line, None, error
        self._done.put(done)
        if self._bell is not None:
            with suppress(OSError):
                os.write(self._bell[1], b"!")

    def _hear(self) -> None:
        """Finds out who can go on; waits for it where nothing else is to be done."""
        if self._aside and not self._waiting and not self._records:
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
        patience = 0.0 if self._ready or self._records else soonest - now
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

    def _take_back(self, done: _Next) -> None:
        self._aside -= 1
        self._ready.append(done)

    def _give_up(self) -> None:
        """Ends the waits that have been long enough."""
        now = time.monotonic()
        for fileno, (line, wait) in list(self._waiting.items()):
            if wait.deadline <= now:
                self._poller.remove(fileno)
                del self._waiting[fileno]
                self._ready.append((line, None, TimeoutError()))

    def _record(self) -> None:
        records, self._records = self._records, []
        results = self._ledger.in_one_commit([record.call for _, record in records])
        for (line, _), result in zip(records, results, strict=True):
            is_error = isinstance(result, BaseException)
            self._ready.append((line, None, result) if is_error else (line, result, None))
