"""What a send waits for and asks, on the terminal: its hour, second thoughts, the organiser's word."""

import sys
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import NoReturn

from tui import signals
from tui.cli.asking import typed
from tui.cli.output import clock_time, tell, tell_over
from tui.delivery.timing import at_in_words, in_hours
from tui.errors import UsageError
from tui.mailing import Control, Question
from tui.mailing.holding import hold_back, wait_until
from tui.plan import Plan

_LATE = 60.0
"""Seconds after its hour from which a run says that it is late: the machine was asleep."""

_GO_ON = "go on"
"""What is typed to go on with a run that has braked."""


def wait_for(moment: datetime, control: Control, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
    """Waits, visibly, until `moment` by the machine's clock. Undone where the run is stopped meanwhile."""
    tell(f"Waiting until {at_in_words(moment)}. Ctrl+C sends nothing.")
    if (late := wait_until(moment, control, _Counting("sending begins in"), now)) > _LATE:
        tell(f"It is {in_hours(late)} later than that: this machine was asleep or busy.")


def hold(seconds: float, control: Control, clock: Callable[[], float] = time.monotonic) -> None:
    """Holds the first message back for so long, visibly. Undone where the run is stopped meanwhile."""
    hold_back(seconds, control, _Counting("Ctrl+C still sends nothing; the first message leaves in"), clock)


class _Counting:
    """On a terminal a line that counts; elsewhere one now and then, more often towards the end."""

    def __init__(self, words: str) -> None:
        self._words = words
        self._on_terminal = sys.stderr.isatty()
        self._due = float("inf")

    def __call__(self, seconds: float) -> None:
        if self._on_terminal:
            tell_over(f"{self._words} {clock_time(seconds)}" if seconds else "")
        elif 0 < seconds <= self._due:
            tell(f"{self._words} {in_hours(seconds)}")
            self._due = seconds - _until_next_line(seconds)


def _until_next_line(seconds: float) -> float:
    """How long to say nothing, with so many seconds to go."""
    return next(step for above, step in ((7200, 3600.0), (1200, 600.0), (120, 60.0), (0, 10.0)) if seconds > above)


def canary(made: Plan, number: int | None) -> int:
    """After how many of the plan's messages the organiser is asked; 0 where all of it goes at once.

    That is so where no number is asked for or all fit in it, and where an earlier run has left every one of them after
    as many had gone out as are asked for: then this is the organiser's word.
    """
    due = made.to_send
    have_it = sum(action.kind == "held" for action in made.actions)
    is_word = all(action.pending for action in due) and number is not None and have_it >= number
    return 0 if not number or number >= len(due) or is_word else number


def can_ask() -> bool:
    """Whether somebody is there to answer."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def ask(question: Question, control: Control, counts: Mapping[str, int]) -> None:
    """The organiser's word on a run that holds; no word is a no. Without a terminal it is another run's.

    `counts` are the outcomes so far. A signal stops the run.
    """
    sent = ", ".join(f"{count} {word}" for word, count in counts.items() if count)
    if not control.can_ask:
        tell(f"The first messages are out: {sent}. Look at what arrived. The other {question.left} wait for your word:")
        tell(f"  run the same command again, with --confirm {question.left}.")
        return
    tell_over("")
    if question.stop is None:
        word = str(question.left)
        tell(f"The first messages are out: {sent}. Look at what arrived.")
        tell(f"Type {word} to send the others; anything else leaves them for later:")
    else:
        word = _GO_ON
        tell(f"The run holds. {question.stop.message}")
        tell(f"  {question.stop.hint}")
        tell(f"So far: {sent}. Left: {question.left}.")
        tell(f"Type “{word}” to send the rest all the same; anything else ends the run here:")
    try:
        with signals.heeded(_interrupt):
            control.answer(go_on=" ".join(typed().split()) == word)
    except UsageError:
        control.answer(go_on=False)
    except KeyboardInterrupt:
        control.stop()


def _interrupt(_number: int) -> NoReturn:
    """A handler that only took note of a signal would let the reading of a line go on."""
    raise KeyboardInterrupt
