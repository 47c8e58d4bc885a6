"""The way from a list to answers: Check, Rehearse, Send, Follow up. What is done, next and missing; pure."""

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tui.app.state import TROUBLES, State

if TYPE_CHECKING:
    from tui.folder import Folder

Standing = Literal["done", "next", "care", "later"]

SIGNS: dict[Standing, str] = {"done": "✓", "next": "▸", "care": "▲", "later": "○"}
"""Said by a sign as well as by a colour."""


@dataclass(frozen=True, slots=True)
class Step:
    """`act` is what a click on it does, `notes` how it stands in numbers, `troubles` what of that needs care; `matters`
    whether they say more than nothing.

    `hint` is what its key does, `brief` the same where there is little room; only the next step's is shown.
    """

    label: str
    act: str
    standing: Standing
    notes: tuple[str, ...] = ()
    matters: bool = False
    hint: str = ""
    brief: str = ""
    troubles: tuple[str, ...] = ()


def steps(state: State) -> tuple[Step, ...]:
    """All four, exactly one of them next, or to be looked at first; none while nothing is open. While a run is on, here
    or elsewhere, none is next: nobody is told to send what is being sent."""
    if state.folder is None:
        return ()
    survey, run = state.survey, state.run
    ready, sent = survey.ready, survey.sent
    if run is not None and run.live and not run.over:
        ready -= min(ready, run.done)
        sent += run.counts.get("accepted", 0)
    troubles = {one: number for one, number in state.troubles.items() if one in TROUBLES and number}
    is_wrong = bool(state.to_fix) or survey.blocked is not None
    can_send = survey.blocked is None and ready > 0
    checked: Standing = "later" if not state.checked else "care" if is_wrong else "done"
    rehearsed: Standing = "done" if state.rehearsed or (sent and not ready) else "later"
    done: Standing = "done" if sent and not ready else "later"
    followed: Standing = "care" if troubles or survey.requests else "later"
    answered = [f"{number:,} {one}" for one, number in survey.answers.items()]
    asking = [f"{survey.requests:,} asking"] if survey.requests else []
    to_fix = f"{state.to_fix:,} to fix"
    made = [
        Step(
            "Check",
            "event" if survey.blocked else "problems",
            checked,
            () if is_wrong else (to_fix,),
            is_wrong,
            "shows what is wrong",
            "what is wrong",
            troubles=(to_fix,) if is_wrong else (),
        ),
        Step(
            "Rehearse",
            "rehearse",
            rehearsed,
            hint="writes every message to a folder, to look at",
            brief="writes them to a folder",
        ),
        Step("Send", "send", done, (f"{ready:,} ready",), ready > 0, *_send_hints(state, ready)),
        Step(
            "Follow up",
            "problems" if troubles else "answers",
            followed,
            (f"{sent:,} sent", *answered),
            bool(sent or troubles or answered or asking),
            "shows whom to look after" if troubles else "shows who asks" if survey.requests else "reads the answers",
            troubles=(*asking, *(f"{number:,} {one}" for one, number in troubles.items())),
        ),
    ]
    if not state.checked:
        return tuple(replace(step, notes=(), troubles=(), matters=False) for step in made)
    if not state.running and state.elsewhere is None:
        at = 0 if checked == "care" and not (sent and can_send) else _next(made, is_first=not sent, can_send=can_send)
        made[at] = _as_next(made[at])
    return tuple(made)


def _next(made: list[Step], *, is_first: bool, can_send: bool) -> int:
    """Nobody has to rehearse what they have sent before."""
    if can_send:
        return 1 if is_first and made[1].standing != "done" else 2
    return 0 if made[0].standing == "care" and is_first else 3


def _as_next(step: Step) -> Step:
    standing: Standing = "care" if step.standing == "care" else "next"
    return replace(step, standing=standing)


def _send_hints(state: State, ready: int) -> tuple[str, str]:
    if not state.live:
        return "says how to get an account to send with", "says how to send"
    return (f"asks for the number, {ready:,}, and sends", "asks, then sends") if ready else ("", "")


def next_step(made: tuple[Step, ...]) -> Step | None:
    """The one to take now, None while there is none."""
    chosen = [step for step in made if step.standing == "next"] or [step for step in made if step.standing == "care"]
    return chosen[0] if chosen else None


def is_rehearsed(folder: "Folder") -> bool:
    """Whether the outbox was written after everything that the messages are made of."""
    try:
        written = folder.outbox.stat().st_mtime_ns
        with os.scandir(folder.outbox) as entries:  # it may hold a million
            if not any(entry.name.endswith(".eml") for entry in entries):
                return False
        return all(file.stat().st_mtime_ns < written for file in sources(folder))
    except OSError:
        return False


def sources(folder: "Folder") -> list[Path]:
    """Every file that the messages are made of, as far as it is the organiser's."""
    event = folder.event
    found = [*map(Path, folder.choices.files), folder.event_path]
    found += event.message.attachments if event is not None else ()
    own = folder.event_path.parent / "templates"
    return [*found, *(file for file in own.glob("*") if file.is_file())]
