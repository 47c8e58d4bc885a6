"""Composing and clearing every message of a plan, before anything opens a connection."""

from collections.abc import Callable
from datetime import datetime

from tui.errors import InputError, InviteError, LeakError, Problem
from tui.guard import Cleared, Leak, Roll
from tui.invitation import Composer, Uncomposable
from tui.mailing.control import Control
from tui.mailing.letters import Imprint, Letters, Mailing, as_tried, cleared_of, revision_of
from tui.plan import Action, Plan

_TELL = 100
"""So many messages are made, and it is told how far it is."""

_SEND_AGAIN = "Run the same command again to send."


class StoppedError(InviteError):
    """The organiser has stopped it while the messages were being made: nothing was sent, and nothing is recorded."""

    exit_code = 130
    code = "interrupted"


def prepare(
    plan: Plan,
    composer: Composer,
    roll: Roll,
    *,
    note: str = "",
    imprint: Imprint | None = None,
    control: Control | None = None,
    tell: Callable[[int, int], object] | None = None,
) -> Mailing:
    """Composes and clears every message of the plan, under this imprint, or a new one.

    `tell` is told now and then how many of how many are done. InputError or LeakError, with a problem for each fault,
    where one message cannot go: then none goes. StoppedError as soon as `control` is stopped; what was stopped before
    is made all the same, to be recorded as not sent.
    """
    imprint = imprint or Imprint()
    actions = plan.to_send
    letters = Letters(actions, imprint.now, note)
    problems: list[Problem] = []
    leaks = 0
    is_stoppable = control is not None and not control.stopped
    for number, action in enumerate(actions):
        if control:
            control.give_way()
        if is_stoppable and control and control.stopped:
            raise StoppedError("Stopped before the first message: nothing was sent.", hint=_SEND_AGAIN)
        if tell and number and not number % _TELL:
            tell(number, len(actions))
        identity = imprint.identity(action)
        try:
            is_again, cleared = _composed(composer, roll, action, imprint.now, note, identity)
        except Uncomposable as error:
            problems.extend(error.problems)
            continue
        if isinstance(cleared, Cleared):
            letters.add(cleared, identity, is_again=is_again)
        else:
            leaks += 1
            problems.extend(problem_of(leak, action) for leak in cleared)
    if leaks:
        raise LeakError(
            f"Nothing was sent: {leaks} message(s) would show what their recipient must not see.",
            hint="The problems say where.",
            problems=problems,
        )
    if problems:
        raise InputError(
            f"Nothing was sent: {problems[0].message}", hint=problems[0].hint, code="problems", problems=problems
        )
    if tell and len(actions) > _TELL:
        tell(len(actions), len(actions))
    return Mailing(letters, plan.digest, composer, roll, plan.decisions)


def problem_of(leak: Leak, action: Action) -> Problem:
    """A leak as a problem of the attendee to whom the message would have gone."""
    attendee = action.attendee
    message = f"In the message to {attendee.address}, {leak.where}: {leak.message}"
    hint = "Take it out of the wording, the event or the attachment."
    return Problem("error", "leak", message, attendee.file or None, action.line, None, leak.what, hint, leak.where)


def _composed(
    composer: Composer, roll: Roll, action: Action, now: datetime, note: str, identity: bytes
) -> tuple[bool, Cleared | tuple[Leak, ...]]:
    """The message of an action, and whether it is the one that was tried before. One that is tried again is the same to
    the byte, Message-ID and stamp included, so that a server or a mailbox that has it already can tell; unless what it
    says has changed meanwhile."""
    fresh = revision_of(action, now, note, identity)
    if action.pending and action.pending.attempts:
        cleared = cleared_of(composer, roll, action, as_tried(fresh, action.pending))
        if isinstance(cleared, Cleared) and cleared.digest == action.pending.digest:
            return True, cleared
    return False, cleared_of(composer, roll, action, fresh)
