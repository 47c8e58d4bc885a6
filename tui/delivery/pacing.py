"""How fast, and how long to wait. Clock and wait are arguments: a test takes no time, and a stop is felt at once."""

import threading
import time
from collections.abc import Callable

LONGEST_BACKOFF = 3_600.0
"""Seconds. Later than that is the next run's affair."""


class Pace:
    """A steady rhythm of so many messages a minute, shared by all connections of a run (thread-safe).

    No bursts, after an idle time neither: providers count in short windows. `wait(seconds)` returns early, and says
    True, when the run is to stop (`threading.Event.wait` is one); `clock` gives seconds that never go back.
    """

    def __init__(
        self, per_minute: float, *, wait: Callable[[float], bool], clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`per_minute` 0 is no limit. Raises `ValueError` for a negative one."""
        if per_minute < 0:
            raise ValueError("a rate cannot be negative")
        self._interval = 60.0 / per_minute if per_minute else 0.0
        self._clock = clock
        self._wait = wait
        self._lock = threading.Lock()
        self._next = clock()

    def turn(self) -> bool:
        """Waits until the next message may go; False where the run was stopped meanwhile."""
        while (delay := self._take()) > 0:
            # The turn is taken when it comes, not booked before the wait, so that `hold` reaches those who wait.
            if self._wait(delay):
                return False
        return True

    def is_turn(self) -> bool:
        """Takes the turn where it has come already; never waits."""
        return self._take() <= 0

    def _take(self) -> float:
        """Seconds until the next turn; where there are none, it is taken."""
        with self._lock:
            now = self._clock()
            delay = self._next - now
            if delay <= 0:
                self._next = now + self._interval
            return delay

    def hold(self, seconds: float) -> None:
        """Nobody's turn comes before `seconds` from now: the server asked the account to pause."""
        with self._lock:
            self._next = max(self._next, self._clock() + seconds)


def backoff(attempt: int, first: float) -> float:
    """Seconds before try number `attempt` + 1, where `first` follows the first try; doubling, at most an hour."""
    return min(first * 2.0 ** min(max(attempt, 1) - 1, 30), LONGEST_BACKOFF)
