"""What a send waits for before it goes on: its hour, a moment for second thoughts, the organiser's word."""

import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from tui.cli.output import tell, tell_over
from tui.delivery.timing import at_in_words, in_hours
from tui.errors import InviteError
from tui.ledger import Decisions
from tui.mailing import Control
from tui.plan import Plan

_LATE = 60.0
"""Seconds after its hour from which a run says that it is late: the machine was asleep."""


class Undone(InviteError):
    """Taken back before the first message: nothing was sent, and nothing is recorded as tried."""

    exit_code = 130
    code = "undone"


def wait_for(moment: datetime, control: Control, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
    """Waits, visibly, until `moment` by the machine's clock. Undone where the run is stopped meanwhile."""
    tell(f"Waiting until {at_in_words(moment)}. Ctrl+C sends nothing.")

    def left() -> float:
        return (moment - now()).total_seconds()

    _count_down(left, "sending begins in", control)
    if (late := (now() - moment).total_seconds()) > _LATE:
        tell(f"It is {in_hours(late)} later than that: this machine was asleep or busy.")


def hold(seconds: float, control: Control, clock: Callable[[], float] = time.monotonic) -> None:
    """Holds the first message back for so long, visibly. Undone where the run is stopped meanwhile."""
    end = clock() + seconds
    _count_down(lambda: end - clock(), "Ctrl+C still sends nothing; the first message leaves in", control)


def _count_down(left: Callable[[], float], words: str, control: Control) -> None:
    """On a terminal a line that counts; elsewhere one now and then, more often towards the end."""
    on_terminal = sys.stderr.isatty()
    due = seconds = left()
    while seconds > 0:
        if on_terminal:
            tell_over(f"{words} {_clock(seconds)}")
        elif seconds <= due:
            tell(f"{words} {in_hours(seconds)}")
            due = seconds - _until_next_line(seconds)
        if control.wait(min(seconds, 1.0)):
            break
        seconds = left()
    if on_terminal:
        tell_over("")
    if control.stopped:
        raise Undone("Stopped before the first message: nothing was sent.", hint="Run the same command again to send.")


def _until_next_line(seconds: float) -> float:
    """How long to say nothing, with so many seconds to go."""
    return next(step for above, step in ((7200, 3600.0), (1200, 600.0), (120, 60.0), (0, 10.0)) if seconds > above)


def _clock(seconds: float) -> str:
    whole = int(seconds) + (seconds > int(seconds))
    hours, rest = divmod(whole, 3600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}" if hours else f"{rest // 60}:{rest % 60:02}"


def canary(made: Plan, number: int | None) -> tuple[Plan, Plan | None]:
    """The plan in two: the first `number` messages, and the rest; None where all of it goes at once.

    That is so where no number is asked for or all fit in it, and where an earlier run has left every one of them after
    as many had gone out as are asked for: then this is the organiser's word.
    """
    due = made.to_send
    have_it = sum(action.kind == "held" for action in made.actions)
    is_word = all(action.pending for action in due) and number is not None and have_it >= number
    if not number or number >= len(due) or is_word:
        return made, None
    first, rest = due[:number], due[number:]
    return replace(made, actions=first), replace(made, actions=rest, decisions=Decisions())


def may_go_on(sent: str, rest: int) -> bool:
    """The organiser's word on the rest, once the first messages are out. Without a terminal it is another run's."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        tell(f"The first messages are out: {sent}. Look at what arrived. The other {rest} wait for your word:")
        tell(f"  run the same command again, with --confirm {rest}.")
        return False
    tell_over("")
    tell(f"The first messages are out: {sent}. Look at what arrived.")
    tell(f"Type {rest} to send the others; anything else leaves them for later:")
    try:
        return sys.stdin.readline().strip() == str(rest)
    except KeyboardInterrupt:
        return False
