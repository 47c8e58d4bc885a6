"""Many conversations in one thread: none waits for another, and what they record is one commit."""

import select
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from typing import Any

import pytest

from tui.delivery.steps import Aside, Poller, Steps, Wait, finish
from tui.mailing.crew import Crew, Record


@pytest.fixture(params=["poll", "select"], autouse=True)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows has no poll()."""
    if request.param == "select":
        monkeypatch.delattr(select, "poll", raising=False)


@pytest.fixture
def pairs() -> Iterator[Callable[[], tuple[socket.socket, socket.socket]]]:
    with ExitStack() as opened:

        def pair() -> tuple[socket.socket, socket.socket]:
            ours, theirs = (opened.enter_context(end) for end in socket.socketpair())
            ours.setblocking(False)
            return ours, theirs

        yield pair


class Ledger:
    """Takes calls, and remembers how many were one commit."""

    def __init__(self) -> None:
        self.commits: list[int] = []

    def in_one_commit(self, calls: Sequence[Callable[[], Any]]) -> list[Any]:
        self.commits.append(len(calls))
        results: list[Any] = []
        for call in calls:
            try:
                results.append(call())
            except OSError as error:
                results.append(error)
        return results


def work(*lines: Steps[None], ledger: Ledger | None = None) -> Ledger:
    """Runs the lines to their end, in a thread that cannot hold the test up for ever."""
    ledger = ledger or Ledger()
    thread = threading.Thread(target=lambda: Crew(ledger).work(lines), daemon=True)  # type: ignore[arg-type]  # a crew asks it one thing
    thread.start()
    thread.join(60)
    assert not thread.is_alive()
    return ledger


def heard(ours: socket.socket, seconds: float = 60.0) -> Steps[bytes]:
    while True:
        try:
            return ours.recv(100)
        except BlockingIOError:
            yield Wait(ours.fileno(), time.monotonic() + seconds)


Pairs = Callable[[], tuple[socket.socket, socket.socket]]


def test_a_step_is_waited_for_in_place_where_nobody_else_is_there(pairs: Pairs) -> None:
    ours, theirs = pairs()
    timer = threading.Timer(0.05, theirs.send, [b"hello"])
    timer.start()
    assert finish(heard(ours)) == b"hello"
    timer.join(60)
    with pytest.raises(TimeoutError):
        finish(heard(ours, 0.05))


def test_room_to_write_is_waited_for_too(pairs: Pairs) -> None:
    ours, theirs = pairs()
    left = size = 4_000_000
    is_full = threading.Event()

    def writing() -> Steps[int]:
        nonlocal left
        waits = 0
        while left:
            try:
                left -= ours.send(b"x" * min(left, 65_536))
            except BlockingIOError:
                waits += 1
                is_full.set()
                yield Wait(ours.fileno(), time.monotonic() + 60, is_write=True)
        return waits

    def reading() -> None:
        taken = 0
        assert is_full.wait(60)
        while taken < size:
            taken += len(theirs.recv(1_000_000))

    reader = threading.Thread(target=reading)
    reader.start()
    assert finish(writing()) > 0 and not left
    reader.join(60)
    assert not reader.is_alive()


def test_what_is_done_aside_comes_back_or_is_raised() -> None:
    def steps() -> Steps[list[object]]:
        found: list[object] = [(yield Aside(lambda: 7))]
        try:
            yield Aside(lambda: int("x"))
        except ValueError as error:
            found.append(error)
        return found

    seven, error = finish(steps())
    assert seven == 7 and isinstance(error, ValueError)

    def line() -> Steps[None]:
        told.extend((yield from steps()))

    told: list[object] = []
    work(line())
    assert told[0] == 7 and isinstance(told[1], ValueError)


def test_who_is_kept_waiting_keeps_nobody_else(pairs: Pairs) -> None:
    """One server says nothing, one line is aside until a third is done: that one is done all the same."""
    is_done, ended = threading.Event(), []
    silent, _ = pairs()
    ours, theirs = pairs()

    def mute() -> Steps[None]:
        try:
            yield from heard(silent, 0.3)
        except TimeoutError:
            ended.append("mute")

    def aside() -> Steps[None]:
        yield Aside(lambda: is_done.wait(60))
        assert is_done.is_set()
        ended.append("aside")

    def talking() -> Steps[None]:
        for number in range(50):
            theirs.send(b"%d" % number)
            assert (yield from heard(ours)) == b"%d" % number
        ended.append("talking")
        is_done.set()

    work(mute(), aside(), talking())
    assert sorted(ended) == ["aside", "mute", "talking"]
    assert ended.index("talking") < ended.index("aside")


def test_what_all_want_recorded_is_one_commit_and_one_may_fail_alone() -> None:
    results: list[object] = []

    def line(number: int) -> Steps[None]:
        def call() -> int:
            if number == 2:
                raise OSError("the disk is full")
            return number

        try:
            results.append((yield Record(call)))
        except OSError as error:
            results.append(str(error))

    ledger = work(*(line(number) for number in range(5)))
    assert ledger.commits == [5]
    assert results == [0, 1, "the disk is full", 3, 4]


def test_a_commit_of_many_keeps_nobody_waiting_who_can_go_on(pairs: Pairs) -> None:
    is_heard, results = threading.Event(), []
    ours, theirs = pairs()

    class Slow(Ledger):
        def in_one_commit(self, calls: Sequence[Callable[[], Any]]) -> list[Any]:
            # Where no pipe can tell that it is done, it is done in place.
            assert not Poller().takes_pipes or is_heard.wait(60)
            return super().in_one_commit(calls)

    def recording(number: int) -> Steps[None]:
        results.append((yield Record(lambda: number)))

    def talking() -> Steps[None]:
        for number in range(50):
            theirs.send(b"%d" % number)
            assert (yield from heard(ours)) == b"%d" % number
        is_heard.set()

    ledger = work(*(recording(number) for number in range(9)), talking(), ledger=Slow())
    assert sorted(results) == list(range(9)) and sum(ledger.commits) == 9


def test_what_is_recorded_aside_is_recorded_before_a_failure_ends_all() -> None:
    """Whoever closes the ledger afterwards closes it on nobody."""
    began, is_recorded = threading.Event(), threading.Event()

    class Slow(Ledger):
        def in_one_commit(self, calls: Sequence[Callable[[], Any]]) -> list[Any]:
            began.set()
            found = super().in_one_commit(calls)
            is_recorded.set()
            return found

    def recording() -> Steps[None]:
        yield Record(lambda: None)

    def failing() -> Steps[None]:
        yield Aside(lambda: began.wait(60))
        raise RuntimeError("a fault of ours")

    with pytest.raises(RuntimeError, match="of ours"):
        Crew(Slow()).work([failing(), *(recording() for _ in range(9))])  # type: ignore[arg-type]  # as above
    assert is_recorded.is_set()


def test_a_line_that_fails_in_an_unforeseen_way_ends_all_at_once() -> None:
    def line() -> Steps[None]:
        yield Aside(lambda: None)
        raise RuntimeError("a fault of ours")

    with pytest.raises(RuntimeError, match="of ours"):
        Crew(Ledger()).work([line()])  # type: ignore[arg-type]  # as above


def test_who_joins_a_crew_that_stays_shares_its_commits_and_is_told_of_the_end(pairs: Pairs) -> None:
    ledger, told = Ledger(), list[str]()
    crew = Crew(ledger, stays=True)  # type: ignore[arg-type]  # as above
    thread = threading.Thread(target=crew.work, daemon=True)
    thread.start()
    is_first_over, is_second_over = threading.Event(), threading.Event()
    ours, theirs = pairs()

    def recording(name: str) -> Steps[None]:
        told.append(f"{name} {(yield from heard(ours)).decode()}")
        yield Record(lambda: None)

    def over(is_over: threading.Event) -> Callable[[Exception | None], None]:
        def end(error: Exception | None) -> None:
            assert error is None
            is_over.set()

        return end

    for name, is_over in (("one", is_first_over), ("two", is_second_over)):
        crew.join([recording(name)], over(is_over))
        theirs.send(b"hello")
        assert is_over.wait(60)
    assert told == ["one hello", "two hello"] and sum(ledger.commits) == 2 and not crew.has_left
    crew.leave()
    thread.join(60)
    late: list[Exception | None] = []
    crew.join([recording("three")], late.append)
    assert not thread.is_alive() and len(late) == 1 and late[0] is not None


def test_what_ends_a_crew_is_told_to_all_who_have_joined_it() -> None:
    crew = Crew(Ledger(), stays=True)  # type: ignore[arg-type]  # as above
    never, told = threading.Event(), list[Exception | None]()

    def waiting() -> Steps[None]:
        yield Aside(never.wait)

    def failing() -> Steps[None]:
        yield Aside(lambda: None)
        raise RuntimeError("a fault of ours")

    crew.join([waiting(), waiting()], told.append)
    crew.join([failing()], told.append)
    with pytest.raises(RuntimeError, match="of ours"):
        crew.work()
    never.set()
    assert crew.has_left and [str(error) for error in told] == ["a fault of ours"] * 2
