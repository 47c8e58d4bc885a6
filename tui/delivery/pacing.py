"""How fast, and how long to wait. Clock and wait are arguments: a test takes no time, and a stop is felt at once."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable

LONGEST_BACKOFF = 3_600.0
"""Seconds. Later than that is the next run's affair."""


SLOWEST = 60.0
"""Seconds between two messages, at most, for a server that throttles. What is slower than that is a pause."""

_PROBATION = 10
"""Messages that go well before a run that was slowed down goes twice as fast again; after each further time twice as
many, so that a run finds the rate that the server bears and stays near it."""

_LONGEST_PROBATION = 320
_NEGLIGIBLE = 0.001


class Pace:
    """A steady rhythm of so many messages a minute, shared by all connections of a run (thread-safe).

    No bursts, after an idle time neither: providers count in short windows. Where the server throttles, `slow_down`
    halves the rate, and messages that go well double it again, up to the rate of the beginning. `wait(seconds)` returns
    early, and says True, when the run is to stop (`threading.Event.wait` is one); `clock` gives seconds that never go
    back.
    """

    def __init__(
        self, per_minute: float, *, wait: Callable[[float], bool], clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`per_minute` 0 is no limit. Raises `ValueError` for a negative one."""
        if per_minute < 0:
            raise ValueError("a rate cannot be negative")
        self._shortest = self._interval = 60.0 / per_minute if per_minute else 0.0
        # Turns since the rate changed last, and when the first of them was.
        self._turns, self._since = 0, 0.0
        self._probation = _PROBATION // 2
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
                self._count(now)
                self._next = now + self._interval
            return delay

    def _count(self, now: float) -> None:
        """A turn is taken: whoever was slowed down and has gone well since goes faster."""
        if not self._turns:
            self._since = now
        self._turns += 1
        if self._interval > self._shortest and self._turns > self._probation:
            faster = self._interval / 2
            self._interval = max(faster if faster > _NEGLIGIBLE else 0.0, self._shortest)
            self._turns, self._since = 1, now

    def slow_down(self) -> None:
        """The server throttles: from now on half as often as of late, where there was no limit too."""
        with self._lock:
            if not self._turns:
                return  # nothing has gone at the new rate yet: another connection was told the same
            lately = (self._clock() - self._since) / self._turns
            self._interval = max(min(2 * max(self._interval, lately), SLOWEST), self._shortest)
            self._probation = min(2 * self._probation, _LONGEST_PROBATION)
            self._turns = 0
            self._next = max(self._next, self._clock() + self._interval)

    def hold(self, seconds: float) -> None:
        """Nobody's turn comes before `seconds` from now: the server asked the account to pause."""
        with self._lock:
            self._next = max(self._next, self._clock() + seconds)


DAY = 86_400.0
"""Seconds: a daily quota is one of any 24 hours, not of a date."""

_OTHER_CLOCK = 60.0
"""Seconds more: it is the provider's clock that counts."""


class Quota:
    """So many messages of an account in any 24 hours, as far as this machine knows of them. Not thread-safe.

    `ages` are the seconds since those left that have, newest or oldest first; `whose` names who says so. One is
    reserved by `take` before it leaves, and given back where it does not.
    """

    def __init__(
        self, per_day: int, ages: Iterable[float], *, whose: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Raises `ValueError` where nothing could ever leave."""
        if per_day < 1:
            raise ValueError("a quota of nothing")
        now = clock()
        self.per_day, self.whose = per_day, whose
        self._clock = clock
        # No more are looked at than would fill it.
        self._left = deque(sorted(now - age for age in ages), maxlen=per_day)

    def wait(self) -> float:
        """Seconds until one more may leave; 0.0 where one may now."""
        if len(self._left) < self.per_day:
            return 0.0
        return max(0.0, self._left[0] + DAY + _OTHER_CLOCK - self._clock())

    def take(self) -> None:
        self._left.append(self._clock())

    def give_back(self) -> None:
        self._left.pop()

    @property
    def in_words(self) -> str:
        return (
            f"The daily quota is used up: {self.whose} allows {self.per_day:,} messages in 24 hours, and this ledger "
            "knows of as many"
        )


def backoff(attempt: int, first: float) -> float:
    """Seconds before try number `attempt` + 1, where `first` follows the first try; doubling, at most an hour."""
    return min(first * 2.0 ** min(max(attempt, 1) - 1, 30), LONGEST_BACKOFF)
