"""Everything that can be wrong: findings about the input, and errors that stop a command.

A `Problem` is data: one finding in a file, for a list. An `InviteError` stops the command; each subclass is one
remedy and carries the exit code of the contract.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with the input, in words for the organiser.

    `line` is the 1-based line of the file on which the record starts, `column` the header as the file spells it; both
    are None where the problem is the file's. Only an `error` keeps an attendee, or a send, from going out. `place` is
    where in a message it was seen: a header's name, "text", "html", "calendar", or an attachment's file name.
    """

    severity: Literal["error", "warning"]
    code: str
    message: str
    file: str | None = None
    line: int | None = None
    column: str | None = None
    value: str | None = None
    hint: str | None = None
    place: str | None = None


class InviteError(Exception):
    """What stops a command: `message` says what is wrong and where, `hint` what to do, `code` names it in JSON."""

    exit_code = 1
    code = "error"

    def __init__(
        self, message: str, *, hint: str | None = None, code: str | None = None, problems: Sequence[Problem] = ()
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.problems = tuple(problems)
        if code is not None:
            self.code = code


class InputError(InviteError):
    """A file, an event, an attendee or the wording must be mended first. Nothing was sent."""

    exit_code = 1
    code = "input"


class LeakError(InputError):
    """The guard found something in a message that its recipient must not see. Nothing was sent."""

    code = "leak"


class ConfirmationError(InputError):
    """The number or the digest that was given is not this run's. Nothing was sent."""

    code = "confirmation"


class UsageError(InviteError):
    """The command was called with words that do not fit together."""

    exit_code = 2
    code = "usage"


class AccountError(InviteError):
    """The account: unknown, no connection, no secure channel, or the login was refused."""

    exit_code = 4
    code = "account"


class BusyError(InviteError):
    """Another run holds this ledger."""

    exit_code = 5
    code = "busy"


class LedgerError(InviteError):
    """The ledger cannot be read or written. What was sent before is recorded."""

    exit_code = 6
    code = "ledger"
