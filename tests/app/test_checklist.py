"""What is worked out for the screen of a run, without a screen."""

from collections import deque
from typing import Any, cast

import pytest

from tui.app.asking import Request
from tui.app.checklist import canary_of, undo_of
from tui.app.runs import after_news
from tui.app.state import Run
from tui.app.watching import Watched
from tui.app.widgets.progress import sparks
from tui.app.work import Held, Running, Told
from tui.mailing import Question, Settled, Waiting


@pytest.mark.parametrize(("text", "found"), [("", 0), (" 3 ", 3), ("1,000", 1000), ("54", 54)])
def test_so_many_go_first(text: str, found: int) -> None:
    assert canary_of(text, 2_000) == found


@pytest.mark.parametrize("text", ["55", "-1", "3.5", "٣", "some"])
def test_what_is_no_first_few_is_said(text: str) -> None:
    assert isinstance(canary_of(text, 55), str)


@pytest.mark.parametrize(("text", "found"), [("", 0.0), ("30", 30.0), ("3600", 3600.0)])
def test_seconds_for_second_thoughts(text: str, found: float) -> None:
    assert undo_of(text) == found


@pytest.mark.parametrize("text", ["3601", "-1", "1e3", "soon", "9" * 400])
def test_what_is_no_such_time_is_said(text: str) -> None:
    assert isinstance(undo_of(text), str)


def running() -> Running:
    return Running("send", cast(Any, None), Watched(), Request("send"), news=deque())


def settled(key: str, reply: str = "250 Ok") -> Told:
    return Told(key, Settled(cast(Any, None), 0, "accepted", reply, 1))


def a_run(pace: float = 0.0) -> Run:
    return Run("send", 10, "outbox/", {}, pace=pace)


def test_the_rate_is_drawn_second_by_second() -> None:
    run, job = a_run(), running()
    for number in (3, 0, 5):
        job.news.extend(settled(f"{number} {at}") for at in range(number))
        for _ in range(10):
            run = after_news(run, job, 0.1)
    assert run.pulse[:3] == (3, 0, 5) and run.done == 8
    assert sparks(run.pulse[:3]) == "▅ █"


def test_at_a_slow_pace_a_column_takes_as_long_as_a_few_messages() -> None:
    run, job = a_run(pace=3.0), running()
    job.news.append(settled("one"))
    for _ in range(11):
        run = after_news(run, job, 1.0)
    assert run.pulse == (1,)
    assert after_news(run, job, 1.0).pulse == (1, 0)


def test_time_in_which_the_organiser_is_asked_is_no_work_and_no_silence_of_the_server() -> None:
    run, job = a_run(), running()
    job.control.ask()
    job.news.append(Question(7))
    run = after_news(after_news(run, job, 60.0), job, 60.0)
    assert (run.active, run.silent) == (0.0, 0.0) and run.question == Question(7)
    job.control.answer(go_on=True)
    assert after_news(run, job, 1.0).question is None


def test_what_is_held_back_counts_down_and_then_begins() -> None:
    run, job = a_run(), running()
    job.news.append(Held(9.0, "The first message leaves"))
    run = after_news(run, job, 0.1)
    assert run.held == (9.0, "The first message leaves") and run.active == 0.0
    job.news.append(Held(0.0, "The first message leaves"))
    assert after_news(run, job, 0.1).held is None


def test_the_servers_last_words_are_kept_and_those_of_a_wait_are_told() -> None:
    run, job = a_run(), running()
    job.news.extend([settled("one", "250 first"), settled("two", "250 second"), Waiting(5.0, "451 slow down")])
    run = after_news(run, job, 0.1)
    assert run.reply == "250 second" and run.waiting == (5.0, "451 slow down")
