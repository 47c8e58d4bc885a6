"""The rhythm of sending, with a clock that the test turns."""

import threading
import time

import pytest

from tui.delivery.pacing import DAY, LONGEST_BACKOFF, SLOWEST, Pace, Quota, backoff


class Clock:
    """Time passes by waiting alone."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.waits: list[float] = []
        self.stopped = False

    def __call__(self) -> float:
        return self.now

    def wait(self, seconds: float) -> bool:
        self.waits.append(seconds)
        if not self.stopped:
            self.now += seconds
        return self.stopped


@pytest.fixture
def clock() -> Clock:
    return Clock()


class TestPace:
    def test_is_steady(self, clock: Clock) -> None:
        pace = Pace(20, clock=clock, wait=clock.wait)
        times = []
        for _ in range(4):
            assert pace.turn()
            times.append(clock.now - 1000)
        assert times == [0, 3, 6, 9]

    def test_counts_the_time_that_sending_takes(self, clock: Clock) -> None:
        pace = Pace(20, clock=clock, wait=clock.wait)
        pace.turn()
        clock.now += 2
        pace.turn()
        assert clock.waits == [1]

    def test_makes_up_for_nothing_after_an_idle_time(self, clock: Clock) -> None:
        pace = Pace(20, clock=clock, wait=clock.wait)
        pace.turn()
        clock.now += 600
        pace.turn()
        pace.turn()
        assert clock.waits == [3]

    def test_without_a_limit_never_waits(self, clock: Clock) -> None:
        pace = Pace(0, clock=clock, wait=clock.wait)
        assert all(pace.turn() for _ in range(100))
        assert clock.waits == []

    def test_ends_when_the_run_does(self, clock: Clock) -> None:
        pace = Pace(20, clock=clock, wait=clock.wait)
        assert pace.turn()
        clock.stopped = True
        assert not pace.turn()

    def test_holds_everybody_back(self, clock: Clock) -> None:
        pace = Pace(20, clock=clock, wait=clock.wait)
        pace.turn()
        pace.hold(60)
        pace.hold(10)
        pace.turn()
        assert clock.now == 1060

    def test_holds_back_without_a_limit_too(self, clock: Clock) -> None:
        pace = Pace(0, clock=clock, wait=clock.wait)
        pace.hold(60)
        pace.turn()
        pace.turn()
        assert clock.waits == [60]

    def test_knows_no_negative_rate(self, clock: Clock) -> None:
        with pytest.raises(ValueError, match="negative"):
            Pace(-1, clock=clock, wait=clock.wait)

    def test_is_shared_by_several_connections(self) -> None:
        stop = threading.Event()
        began = time.monotonic()
        pace = Pace(6000, wait=stop.wait)
        turns: list[bool] = []
        threads = [threading.Thread(target=lambda: turns.extend(pace.turn() for _ in range(5))) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        # 20 turns, 10 ms apart: what matters is that none came early.
        assert turns == [True] * 20 and time.monotonic() - began >= 0.19

    def test_a_stop_wakes_whoever_waits(self) -> None:
        stop = threading.Event()
        pace = Pace(1, wait=stop.wait)
        assert pace.turn()
        threading.Timer(0.05, stop.set).start()
        started = time.monotonic()
        assert not pace.turn()
        assert time.monotonic() - started < 30


def _gaps(pace: Pace, clock: Clock, count: int) -> list[float]:
    """The seconds between so many turns and the ones before."""
    found = []
    for _ in range(count):
        before = clock.now
        assert pace.turn()
        found.append(clock.now - before)
    return found


class TestThrottled:
    def test_halves_the_rate_and_keeps_the_rhythm(self, clock: Clock) -> None:
        pace = Pace(20, clock=clock, wait=clock.wait)
        assert _gaps(pace, clock, 3) == [0, 3, 3]
        pace.slow_down()
        assert _gaps(pace, clock, 4) == [6, 6, 6, 6]

    def test_goes_faster_again_when_it_has_gone_well_and_never_faster_than_it_was_asked_to(self, clock: Clock) -> None:
        pace = Pace(20, clock=clock, wait=clock.wait)
        pace.turn()
        pace.slow_down()
        assert _gaps(pace, clock, 30) == [6.0] * 11 + [3.0] * 19

    def test_a_server_that_throttles_again_is_given_longer(self, clock: Clock) -> None:
        pace = Pace(20, clock=clock, wait=clock.wait)
        pace.turn()
        pace.slow_down()
        _gaps(pace, clock, 11)
        pace.slow_down()
        gaps = _gaps(pace, clock, 40)
        assert gaps.count(6.0) == 21 and gaps[21:] == [3.0] * 19

    def test_what_several_connections_are_told_at_once_is_one_throttle(self, clock: Clock) -> None:
        pace = Pace(20, clock=clock, wait=clock.wait)
        pace.turn()
        for _ in range(8):
            pace.slow_down()
        assert _gaps(pace, clock, 2) == [6, 6]

    def test_where_there_was_no_limit_it_is_slower_than_it_went(self, clock: Clock) -> None:
        pace = Pace(0, clock=clock, wait=clock.wait)
        for _ in range(100):
            pace.turn()
            clock.now += 0.5
        pace.slow_down()
        assert _gaps(pace, clock, 3) == pytest.approx([1, 1, 1])
        # And in the end without a limit again.
        for _ in range(200):
            pace.turn()
        assert _gaps(pace, clock, 3) == [0, 0, 0]

    def test_is_never_slower_than_the_slowest_and_waits_out_a_pause(self, clock: Clock) -> None:
        pace = Pace(20, clock=clock, wait=clock.wait)
        for _ in range(12):
            pace.turn()
            pace.slow_down()
        assert _gaps(pace, clock, 2) == [SLOWEST, SLOWEST]
        pace.slow_down()
        pace.hold(600)
        assert _gaps(pace, clock, 2) == [600, SLOWEST]

    def test_a_rate_below_the_slowest_stays_what_it_was(self, clock: Clock) -> None:
        pace = Pace(0.5, clock=clock, wait=clock.wait)
        pace.turn()
        pace.slow_down()
        assert _gaps(pace, clock, 2) == [120, 120]

    def test_finds_the_rate_that_the_server_bears(self, clock: Clock) -> None:
        # The server takes ten in any minute, and throttles whoever sends more.
        pace = Pace(60, clock=clock, wait=clock.wait)
        taken: list[float] = []
        throttled = 0
        while len(taken) < 300:
            pace.turn()
            if sum(clock.now - at < 60 for at in taken) >= 10:
                throttled += 1
                pace.slow_down()
                pace.hold(60)
            else:
                taken.append(clock.now)
        minutes = (taken[-1] - taken[0]) / 60
        assert 30 <= minutes < 60
        assert throttled < 15


class TestBackoff:
    def test_doubles_up_to_an_hour(self) -> None:
        assert [backoff(attempt, 60) for attempt in (1, 2, 3, 7, 8, 1000)] == [
            60,
            120,
            240,
            LONGEST_BACKOFF,
            LONGEST_BACKOFF,
            LONGEST_BACKOFF,
        ]

    def test_may_be_nothing(self) -> None:
        assert backoff(3, 0) == 0


class TestQuota:
    def test_is_one_of_any_24_hours(self, clock: Clock) -> None:
        quota = Quota(3, [DAY - 10, DAY - 100], whose="Gmail", clock=clock)
        assert quota.wait() == 0
        quota.take()
        # A minute more than a day after the first of them: it is the provider's clock that counts.
        assert quota.wait() == pytest.approx(10 + 60)
        clock.now += 71
        assert quota.wait() == 0
        quota.take()
        assert 0 < quota.wait() < 100

    def test_what_did_not_leave_is_given_back(self, clock: Clock) -> None:
        quota = Quota(1, [], whose="Gmail", clock=clock)
        quota.take()
        assert quota.wait() > DAY
        quota.give_back()
        assert quota.wait() == 0

    def test_more_than_it_was_never_makes_it_longer_than_a_day(self, clock: Clock) -> None:
        quota = Quota(10, range(1000), whose="Gmail", clock=clock)
        assert quota.wait() == pytest.approx(DAY + 60 - 9)
        assert "Gmail allows 10 messages in 24 hours" in quota.in_words

    def test_is_of_something(self, clock: Clock) -> None:
        with pytest.raises(ValueError, match="nothing"):
            Quota(0, [], whose="Gmail", clock=clock)
