"""How a run's state follows from its news: pure, so that counting is tested without a screen."""

from collections import Counter
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from tui.app.state import Run, State

if TYPE_CHECKING:
    from tui.app.work import Planned, Running
    from tui.folder import Folder


def begun(planned: "Planned", folder: "Folder", running: "Running", left_out: int) -> Run:
    return Run(
        purpose=planned.purpose,
        total=len(planned.plan.to_send),
        place=f"{folder.outbox}/",
        settled=MappingProxyType(running.settled),
        left_out=left_out,
    )


def after_news(run: Run, running: "Running", passed: float) -> Run:
    """The run after what its thread has reported since; `passed` is in seconds."""
    from tui.mailing import Settled

    counts = Counter(run.counts)
    waiting = run.waiting
    if waiting is not None:
        waiting = (max(0.0, waiting[0] - passed), waiting[1])
    while running.news:
        step = running.news.popleft()
        if not isinstance(step, Settled):
            waiting = (step.seconds, step.reason)
            continue
        waiting = None
        outcome = step.outcome if run.live else "accepted"
        counts[outcome] += 1
        running.settled[step.action.attendee.key] = step
    control = running.control
    resting = control.paused or (waiting is not None and waiting[0] > 0)
    return replace(
        run,
        counts=dict(counts),
        waiting=waiting,
        active=run.active + (0.0 if resting else passed),
        paused=control.paused,
        stopping=control.stopped,
    )


def exit_code_of(state: State, left_over: int) -> int:
    """What the organiser's shell is told (contract §5)."""
    if state.failure is not None:
        return state.failure.exit_code
    return 3 if left_over else 0
