"""Before a send: what was looked at, what came of it, and where its cause is; and how the send is to go. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Literal

from tui.app.words import count
from tui.clean import visible

if TYPE_CHECKING:
    from tui.app.state import State
    from tui.app.work import Planned
    from tui.delivery.timing import Forecast
    from tui.event import Event

LIMITS = "limits"
"""Where the pace and the quota are told."""

MOST_UNDO = 3_600.0
"""Seconds for second thoughts, at most: who wants more names an hour."""


@dataclass(frozen=True, slots=True)
class Going:
    """How a confirmed send goes: after so many messages it waits for the organiser's word (0: not at all), the first is
    held back for `undo` seconds, and nothing goes before `moment`. With `workers` it is they who send it."""

    canary: int = 0
    undo: float = 0.0
    moment: datetime | None = None
    workers: bool = False


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at. `goes` is what Enter on it does: one of `ACTIONS`, or `LIMITS`; `hint` says so."""

    standing: Literal["good", "open", "care"]
    label: str
    words: str
    goes: str
    hint: str

    @property
    def sign(self) -> str:
        """Says what the colour says."""
        return {"good": "✓", "open": "○", "care": "△"}[self.standing]


def checks(state: "State", planned: "Planned", now: datetime) -> Iterator[Check]:
    """What a send to everybody rests on, in the order in which it is looked at."""
    yield _of_the_list(state)
    if (event := planned.folder.event) is not None:
        yield _of_the_event(event, now)
    yield Check("good", "Messages", "all made, and nothing of anybody else in any", "open", "reads one")
    if state.rehearsed:
        yield Check("good", "Rehearsal", "the outbox holds them as they are now", "rehearse", "rehearses again")
    else:
        yield Check("open", "Rehearsal", "none since the last change", "rehearse", "rehearses")
    yield from _left_alone(state)
    if planned.forecast is not None:
        yield from _of_the_pace(planned.forecast)
    for caution in planned.cautions:
        yield Check("care", "Caution", visible(caution), "event", "shows the event and the account")


def _of_the_list(state: "State") -> Check:
    if state.left_out:
        words = f"{count(state.left_out, 'person', 'people')} with errors left out"
        return Check("care", "List", words, "problems", "shows them")
    if rows := len(state.faults):
        return Check("care", "List", f"{count(rows, 'row is', 'rows are')} worth a look", "problems", "shows them")
    return Check("good", "List", f"{count(len(state.records), 'row')}, nothing wrong", "event", "shows the files")


def _of_the_event(event: "Event", now: datetime) -> Check:
    to_come = [one for one in event.each if not one.is_over(now)]
    if not to_come:
        return Check("care", "Event", "it is over", "event", "shows it")
    days = (min(one.start for one in to_come) - now) // timedelta(days=1)
    when = "has begun" if days < 0 else "within a day" if not days else f"in {count(days, 'day')}"
    if len(to_come) < len(event.each):
        when += f"; {count(len(event.each) - len(to_come), 'session is', 'sessions are')} over"
    if event.is_too_late_to_reply(now):
        return Check("care", "Event", f"{when}; the day to reply by is over", "event", "shows it")
    is_on = days < 0 and not any(one.rule for one in to_come)
    return Check("care" if is_on else "good", "Event", when, "event", "shows it")


def _left_alone(state: "State") -> Iterator[Check]:
    found = [f"{number:,} {one}" for one in ("refused", "unknown") if (number := state.survey.troubles.get(one, 0))]
    if found:
        yield Check("care", "Left alone", ", ".join(found), "problems", "shows them")
    if state.survey.removed:
        words = f"{count(state.survey.removed, 'person', 'people')} no longer on the list, still invited"
        yield Check("care", "Left alone", words, "gone", "shows them")


def _of_the_pace(forecast: "Forecast") -> Iterator[Check]:
    standing: Literal["good", "care"] = "care" if forecast.passes_midnight else "good"
    if forecast.duration_in_words:
        yield Check(standing, "Time", forecast.duration_in_words, LIMITS, "shows the limits")
    elif not forecast.per_minute:
        yield Check("good", "Time", "as fast as the server takes them", LIMITS, "shows the limits")
    if forecast.quota_in_words:
        yield Check("care", "Quota", forecast.quota_in_words, LIMITS, "shows the limits")
    elif forecast.per_day is not None:
        left = max(0, forecast.per_day - forecast.sent_lately)
        words = f"{left:,} of {forecast.per_day:,} in 24 hours are left"
        yield Check("good", "Quota", words, LIMITS, "shows the limits")


def canary_of(text: str, total: int) -> int | str:
    """How many go first, 0 for all at once; or why that cannot be."""
    said = text.strip().replace(",", "")
    if not said:
        return 0
    if not (said.isascii() and said.isdecimal()):
        return "How many go first is a whole number, or nothing."
    number = int(said[:12])
    return number if number < total else f"Fewer than all {total:,} must go first."


def undo_of(text: str) -> float | str:
    """For how many seconds the first message is held back; or why not."""
    said = text.strip()
    if not said:
        return 0.0
    if not (said.isascii() and said.isdecimal() and int(said[:9]) <= MOST_UNDO):
        return f"Seconds are a whole number up to {MOST_UNDO:,.0f}, or nothing."
    return float(said)


def moment_in(text: str, event: "Event", timezone: str, now: datetime | None = None) -> datetime | str | None:
    """When it begins, None at once; or why not."""
    from tui.delivery.timing import moment_of
    from tui.errors import UsageError

    if not text.strip():
        return None
    try:
        moment = moment_of(text, timezone, now or datetime.now(UTC))
    except UsageError as error:
        return visible(f"{error.message.removeprefix('--at: ')} Say it as 2027-04-29 09:00, in the event's timezone.")
    if all(one.is_over(moment) for one in event.each):
        return "The event is over by then."
    return moment
