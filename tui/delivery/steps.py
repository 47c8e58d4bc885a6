"""What a conversation waits for, told to whoever runs it: so one thread can hold many conversations.

Something that may wait is a generator. It yields a `Wait` for its socket, or `Aside` for what can only be waited for by
a thread, and goes on when that has come. A thread for each conversation would cost more than all that is done in it:
whenever one of them comes back from the kernel it has to ask the others for the interpreter.
"""

import math
import select
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

_T = TypeVar("_T")

Steps = Generator[Any, Any, _T]
"""What comes to an end with a result, and waits in between."""


class Wait(NamedTuple):
    """Until the socket `fileno` has something to read, or room to write; TimeoutError at `deadline` (monotonic)."""

    fileno: int
    deadline: float
    is_write: bool = False


@dataclass(frozen=True, slots=True)
class Aside:
    """Until `call` is done, which may take long, in a thread of its own; its result is sent back, or what it raises."""

    call: Callable[[], Any]


def finish(steps: Steps[_T]) -> _T:
    """All the steps, here and now; whatever is to be waited for this thread waits for."""
    answer: Any = None
    error: BaseException | None = None
    while True:
        try:
            step = steps.send(answer) if error is None else steps.throw(error)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]  # it is the generator's
        answer = error = None
        try:
            if isinstance(step, Aside):
                answer = step.call()
            else:
                _wait(step)
        except BaseException as problem:  # noqa: BLE001  # it is raised where it is waited for
            error = problem


def _wait(wait: Wait) -> None:
    poller = Poller()
    poller.add(wait)
    while not poller.ready(wait.deadline - time.monotonic()):
        if time.monotonic() >= wait.deadline:
            raise TimeoutError


class Poller:
    """Many waits at once."""

    def __init__(self) -> None:
        # Windows has none; its select() takes 512 sockets.
        self._poll = select.poll() if hasattr(select, "poll") else None
        self._waits: dict[int, Wait] = {}

    @property
    def takes_pipes(self) -> bool:
        """Whether a pipe can be waited for like a socket."""
        return self._poll is not None

    def add(self, wait: Wait) -> None:
        self._waits[wait.fileno] = wait
        if self._poll is not None:
            self._poll.register(wait.fileno, select.POLLOUT if wait.is_write else select.POLLIN)

    def remove(self, fileno: int) -> None:
        del self._waits[fileno]
        if self._poll is not None:
            self._poll.unregister(fileno)

    def ready(self, seconds: float) -> list[int]:
        """Whose wait is over, by their sockets, after `seconds` at most (below 0: none). There must be a wait."""
        seconds = max(seconds, 0.0)
        if self._poll is not None:
            # Rounded up, for else the last millisecond would be waited for in a thousand turns.
            milliseconds = None if seconds == math.inf else int(seconds * 1000) + (seconds > 0)
            return [fileno for fileno, _ in self._poll.poll(milliseconds)]
        readers = [fileno for fileno, wait in self._waits.items() if not wait.is_write]
        writers = [fileno for fileno, wait in self._waits.items() if wait.is_write]
        read, written, failed = select.select(readers, writers, writers, None if seconds == math.inf else seconds)
        return list({*read, *written, *failed})
