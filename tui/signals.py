"""The signals by which somebody ends a program: Ctrl+C, a `kill`, a terminal that is closed, Ctrl+Break on Windows."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
"""No system has all of them."""


@contextmanager
def heeded(hear: Callable[[int], object]) -> Iterator[None]:
    """Has `hear` called with the number of each that comes, in the main thread between any two steps of what it does.

    One that was to be ignored still is (`nohup`). What was there before is back at the end. Main thread only.
    """
    numbers = [getattr(signal, name) for name in _NAMES if hasattr(signal, name)]
    before = {number: signal.getsignal(number) for number in numbers}
    try:
        for number, handler in before.items():
            if handler is not signal.SIG_IGN:
                signal.signal(number, lambda number, _frame: hear(number))
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
