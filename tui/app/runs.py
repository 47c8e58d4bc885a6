"""How a run's state follows from its news: pure, so that counting is tested without a screen."""

import shlex
from collections import Counter
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from tui.app.state import TROUBLES, Run, State

if TYPE_CHECKING:
    from tui.app.work import Opening, Planned, Running


def begun(planned: "Planned", running: "Running", state: State) -> Run:
    return Run(
        purpose=running.purpose,
        total=len(planned.plan.to_send),
        place=f"{planned.folder.outbox}/",
        settled=MappingProxyType(running.settled),
        before=planned.before,
        pace=60 / planned.per_minute if planned.per_minute else 0.0,
        left_out=state.left_out if planned.request.purpose in ("send", "rehearsal") else 0,
    )


_PULSES = 40
"""Stretches of time that are remembered."""

_MOMENT = 0.05  # seconds: half of the time between two looks
_PER_PULSE = 4.0
"""Messages in one of them, at the pace that was asked for; a second at least."""


def after_news(run: Run, running: "Running", passed: float) -> Run:
    """The run after what its thread has reported since; `passed` is in seconds."""
    from tui.app.work import Held, Told
    from tui.mailing import Question

    counts = Counter(run.counts)
    waiting, held, question, reply = run.waiting, run.held, run.question, run.reply
    silent, settled = run.silent + passed, 0
    if waiting is not None:
        waiting = (max(0.0, waiting[0] - passed), waiting[1])
    while running.news:
        step = running.news.popleft()
        silent = 0.0
        if isinstance(step, Held):
            held = (step.seconds, step.reason) if step.seconds else None
        elif isinstance(step, Question):
            question = step
        elif isinstance(step, Told):
            waiting, settled = None, settled + 1
            counts[step.settled.outcome if run.live else "accepted"] += 1
            running.settled[step.key] = step.settled
            reply = step.settled.reply or reply
        else:
            waiting = (step.seconds, step.reason)
    control = running.control
    if not control.asking:
        question = None
    resting = control.paused or control.asking or held is not None or (waiting is not None and waiting[0] > 0)
    pulse, stretch = _pulse(run, settled, passed)
    return replace(
        run,
        counts=dict(counts),
        waiting=waiting,
        held=held,
        question=question,
        reply=reply if run.live else "",
        pulse=pulse,
        stretch=stretch,
        active=run.active + (0.0 if resting else passed),
        silent=0.0 if resting else silent,
        asked=control.asked,
        made=running.made,
        paused=control.paused,
        stopping=control.stopped,
    )


def _pulse(run: Run, settled: int, passed: float) -> tuple[tuple[int, ...], float]:
    """The last stretch with what was settled in it; a new one where it is over."""
    if not run.pulse and not settled:
        return (), 0.0
    *before, last = run.pulse or (0,)
    stretch = run.stretch + passed
    found = (*before, last + settled)
    if stretch > max(1.0, _PER_PULSE * run.pace) - _MOMENT:
        return (*found, 0)[-_PULSES:], 0.0
    return found, stretch


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
    command += [word for name in opening.also for word in ("--account", name)]
    return f"{', '.join(said)}, {run.left:,} left: `{shlex.join(command)}` again finishes it."


def exit_code_of(state: State, left_over: int) -> int:
    """What the organiser's shell is told (contract §5)."""
    if state.failure is not None:
        return state.failure.exit_code
    return 3 if left_over else 0
