"""What ends a run before its last message, in the organiser's words."""

from tui.delivery.brakes import Stop
from tui.delivery.faults import Fault
from tui.delivery.pacing import Quota
from tui.delivery.timing import in_hours
from tui.errors import InviteError, Problem
from tui.plan import Action


class BrakeError(InviteError):
    """The run was ended by what the server's answers have in common: what is left is still to send."""

    exit_code = 3
    code = "stopped"

    def __init__(self, stop: Stop) -> None:
        super().__init__(stop.message, hint=stop.hint, code=stop.code)


class PausedError(InviteError):
    """The account has to wait longer than this run may: what is left is still to send."""

    exit_code = 3
    code = "paused"


_THEN = "Run the same command again then, or let it wait with --wait SECONDS."


def too_long(seconds: float, fault: Fault) -> PausedError:
    return PausedError(
        f"The mail server asks this account to wait ({fault.reply}); it can go on in about {_in_minutes(seconds)}.",
        hint=_THEN,
    )


def used_up(seconds: float, quota: Quota) -> PausedError:
    return PausedError(f"{quota.in_words}; it can go on in about {_in_minutes(seconds)}.", hint=_THEN)


def _in_minutes(seconds: float) -> str:
    return in_hours(max(seconds, 60.0))


def beyond_ascii(action: Action) -> Problem:
    attendee = action.attendee
    columns = attendee.columns
    return Problem(
        "error",
        "non-ascii-address",
        f"{attendee.address}: the mail server takes ASCII addresses only (no SMTPUTF8).",
        attendee.file or None,
        action.line,
        columns.headers[columns.address],
        attendee.address,
        "Ask for another address, or send through a server that offers SMTPUTF8.",
    )


def unexpected(error: Exception) -> InviteError:
    return InviteError(f"The run was stopped by a fault of the program: {error!r}.", hint="Please report it.")
