"""How a run's state follows from its news: pure, so that counting is tested without a screen."""

import shlex
from collections import Counter
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from tui.app.state import TROUBLES, Run, State

if TYPE_CHECKING:
    from tui.app.work import Opening, Planned, Running
    from tui.folder import Folder


def begun(planned: "Planned", folder: "Folder", running: "Running", state: State) -> Run:
    keys = {action.attendee.key for action in planned.plan.to_send}
    people = state.survey.people
    rows = (folder.attendees.records[row].key for row in state.survey.unsettled)
    return Run(
        purpose=running.purpose,
        total=len(planned.plan.to_send),
        place=f"{folder.outbox}/",
        settled=MappingProxyType(running.settled),
        before={key: people[key].outcome for key in rows if key in keys and people[key].outcome in TROUBLES},
        pace=60 / planned.per_minute if planned.per_minute else 0.0,
        left_out=state.left_out if planned.request.purpose in ("send", "rehearsal") else 0,
    )


def after_news(run: Run, running: "Running", passed: float) -> Run:
    """The run after what its thread has reported since; `passed` is in seconds."""
    from tui.mailing import Question, Waiting

    counts = Counter(run.counts)
    waiting = run.waiting
    silent = run.silent + passed
    if waiting is not None:
        waiting = (max(0.0, waiting[0] - passed), waiting[1])
    while running.news:
        step = running.news.popleft()
        silent = 0.0
        if isinstance(step, Question):
            continue
        if isinstance(step, Waiting):
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
        silent=0.0 if resting else silent,
        asked=control.asked,
        made=running.made,
        paused=control.paused,
        stopping=control.stopped,
    )


def how_it_was_left(run: Run | None, opening: "Opening") -> str:
    """What is left of a send, and the command that does the rest; "" where nothing is."""
    if run is None or not run.live or not run.left:
        return ""
    said = [f"{run.counts.get('accepted', 0):,} sent"]
    said += [f"{run.counts[one]:,} {one}" for one in TROUBLES if run.counts.get(one)]
    command = ["invite-tui", *opening.files]
    for name in ("event", "template", "account", "ledger", "outbox", "encoding"):
        if value := getattr(opening, name):
            command += [f"--{name}", value]
    return f"{', '.join(said)}, {run.left:,} left: `{shlex.join(command)}` again finishes it."


def exit_code_of(state: State, left_over: int) -> int:
    """What the organiser's shell is told (contract §5)."""
    if state.failure is not None:
        return state.failure.exit_code
    return 3 if left_over else 0
