"""What a send waits for before its first message: its hour, and a moment for second thoughts."""

import time
from collections.abc import Callable
from datetime import UTC, datetime

from tui.errors import InviteError
from tui.mailing.control import Control

Left = Callable[[float], object]
"""Is told about every second how many seconds are left; the last time none."""


class Undone(InviteError):
    """Taken back before the first message: nothing was sent, and nothing is recorded as tried."""

    exit_code = 130
    code = "undone"


def wait_until(
    moment: datetime, control: Control, tell: Left, now: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> float:
    """Waits until `moment` by the machine's clock; returns how many seconds late it is, where the machine was asleep.

    Undone where the run is stopped meanwhile.
    """
    _count_down(lambda: (moment - now()).total_seconds(), control, tell)  # noqa: PLW0108  # the clock goes on
    return max(0.0, (now() - moment).total_seconds())


def hold_back(seconds: float, control: Control, tell: Left, clock: Callable[[], float] = time.monotonic) -> None:
    """Holds the first message back for so long. Undone where the run is stopped meanwhile."""
    end = clock() + seconds
    _count_down(lambda: end - clock(), control, tell)


def _count_down(left: Callable[[], float], control: Control, tell: Left) -> None:
    while (seconds := left()) > 0:
        tell(seconds)
        if control.wait(min(seconds, 1.0)):
            break
    tell(0.0)
    if control.stopped:
        raise Undone("Stopped before the first message: nothing was sent.", hint="Run the same command again to send.")
