"""When an event is: moments that exist, days, durations, series."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from difflib import get_close_matches
from itertools import islice
from typing import TypeGuard
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tui.clean import one_line
from tui.event.places import heading
from tui.event.values import Values
from tui.recurrence import MOST, Rule, RuleError
from tui.recurrence import parse as parse_rule

_DURATION = re.compile(
    r"\s*(?:(\d{1,4})\s*d(?:ays?)?)?\s*(?:(\d{1,5})\s*h(?:ours?|rs?)?)?\s*(?:(\d{1,7})\s*m(?:in(?:ute)?s?)?)?\s*",
    re.IGNORECASE | re.ASCII,
)
_ENDS = 'Write end = 2027-05-06T15:30:00, or duration = "90m".'


@dataclass(frozen=True, slots=True)
class When:
    """A stand-in where it is not sound: then there are problems."""

    start: datetime
    end: datetime
    all_day: bool
    is_sound: bool


class Times(Values):
    """The same document's times, each in the event's zone."""

    def _zone(self) -> ZoneInfo | None:
        starts = [self._value(table, "start") for table in ("event", *self.sessions)]
        starts = [start for start in starts if start is not None] or [None]
        name = self._line_of_text("event", "timezone", required=not all(map(self._is_day, starts)))
        if not name:
            return None
        try:
            return ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            from zoneinfo import available_timezones

            near = get_close_matches(name, available_timezones(), 1, 0.5)
            hint = f"Did you mean {near[0]}?" if near else 'Write an IANA name such as "Europe/London".'
            self._fault("event", "timezone", f"“{name}” is not a time zone.", hint, name)
            return None

    @staticmethod
    def _is_day(value: object) -> TypeGuard[date]:
        return isinstance(value, date) and not isinstance(value, datetime)

    def _when(self, table: str, zone: ZoneInfo | None) -> When:
        """Start and end of a table; where they cannot be read, a stand-in beside the problems."""
        faults = len(self.problems)
        if self._is_day(first := self._value(table, "start")):
            span = self._days(table, first, zone or UTC)
            return When(*span, all_day=True, is_sound=len(self.problems) == faults)
        start = self._moment(table, "start", zone, required=True)
        end = self._end(table, start, zone)
        is_sound = start is not None and end is not None
        return When(start or datetime.now(UTC), end or datetime.now(UTC), all_day=False, is_sound=is_sound)

    def _days(self, table: str, first: date, zone: tzinfo) -> tuple[datetime, datetime]:
        """The midnights around whole days; `end` is the last of them, and without an end it is one day."""
        said, duration = self._value(table, "end"), self._value(table, "duration")
        count = 1
        if said is not None and duration is not None:
            self._both(table)
        elif duration is not None:
            length = _length(duration)
            count = length.days
            if not length or length != timedelta(days=count):
                hint = 'Write start = 2027-05-06T14:00:00, or duration = "2d".'
                self._fault(table, "start", "The start is a whole day, and the duration is not in days.", hint, first)
        elif said is not None and not self._is_day(said):
            hint = f"Write both as days, {first} for one, or both with a time."
            self._fault(table, "end", "The start is a whole day, and the end is not.", hint, said)
        elif self._is_day(said):
            count = (said - first).days + 1
            if count < 1:
                self._fault(table, "end", "The event does not end after it begins.", "Correct start or end.", said)
        begin = datetime.combine(first, time(), zone)
        try:
            return begin, datetime.combine(first + timedelta(days=count), time(), zone)
        except OverflowError:
            self._fault(table, "end", "The event ends too far away.")
            return begin, begin

    def _moment(self, table: str, key: str, zone: ZoneInfo | None, required: bool = False) -> datetime | None:
        value = self._value(table, key)
        shown = f"{heading(table)} {key}"
        hint = f"Write it as {key} = 2027-05-06T14:00:00, the time on the clock in the event's zone."
        if isinstance(value, str) and ":" in value:
            try:
                value = datetime.fromisoformat(value.strip())
            except ValueError:
                self._fault(table, key, f"{shown} “{one_line(value)}” is not a date and time.", hint, value)
                return None
        if value is None:
            if required:
                self._fault(table, key, f"{shown} is missing.", hint)
            return None
        if not isinstance(value, datetime):
            self._fault(table, key, f"{shown} must be a date and a time.", hint, value)
            return None
        return self._in_zone(table, key, value, zone) if zone else None

    def _in_zone(self, table: str, key: str, value: datetime, zone: ZoneInfo) -> datetime | None:
        try:
            if value.tzinfo is not None:
                return value.astimezone(zone)
            earlier, later = value.replace(tzinfo=zone), value.replace(tzinfo=zone, fold=1)
            exists = _exists(earlier)
        except OverflowError:
            self._fault(table, key, f"{heading(table)} {key} is too far away.", None, value)
            return None
        if not exists:
            self._fault(
                table,
                key,
                f"{value:%H:%M} does not exist on {value:%d.%m.%Y} in {zone.key}: the clocks go forward then.",
                "Choose a time before or after the change.",
                value,
            )
            return None
        if earlier.utcoffset() != later.utcoffset():
            choices = " or ".join(moment.isoformat() for moment in (earlier, later))
            self._fault(
                table,
                key,
                f"{value:%H:%M} happens twice on {value:%d.%m.%Y} in {zone.key}: the clocks go back then.",
                f"Say which one: {key} = {choices}.",
                value,
            )
            return None
        return earlier

    def _end(self, table: str, start: datetime | None, zone: ZoneInfo | None) -> datetime | None:
        said, duration = self._value(table, "end"), self._value(table, "duration")
        if said is None and duration is None:
            self._fault(table, "end", f"{heading(table)} needs an end or a duration.", _ENDS)
            return None
        if said is not None and duration is not None:
            self._both(table)
            return None
        end = self._moment(table, "end", zone) if duration is None else self._after(table, start, duration)
        # Two times in one zone would be compared by their clocks, which go back once a year.
        if start and end and end.astimezone(UTC) <= start.astimezone(UTC):
            self._fault(table, "end", "The event does not end after it begins.", "Correct start or end.", end)
            return None
        return end

    def _both(self, table: str) -> None:
        self._fault(table, "end", f"{heading(table)} has both an end and a duration.", _ENDS)

    def _after(self, table: str, start: datetime | None, duration: object) -> datetime | None:
        length = _length(duration)
        if not length:
            hint = 'Write "90m" or "1h30m".'
            self._fault(table, "duration", f"{heading(table)} duration is not a length of time.", hint, duration)
            return None
        try:
            return (start.astimezone(UTC) + length).astimezone(start.tzinfo) if start else None
        except OverflowError:
            self._fault(table, "duration", f"{heading(table)} duration is too long.", None, duration)
            return None

    def _reply_by(self, when: When) -> date | None:
        value = self._day("reply_by", "2027-04-30")
        if value is not None and when.is_sound and value > when.start.date():
            hint = "Choose a day before the event."
            self._fault("event", "reply_by", "[event] reply_by is after the event has begun.", hint, value)
            return None
        return value

    def _keep_until(self, when: When) -> date | None:
        value = self._day("keep_until", "2027-08-31")
        if value is not None and when.is_sound and value < when.start.date():
            hint = "Choose a day after the event: until then changes and cancellations can be sent."
            self._fault("event", "keep_until", "[event] keep_until is before the event.", hint, value)
            return None
        return value

    def _day(self, key: str, example: str) -> date | None:
        value = self._value("event", key)
        if value is None or self._is_day(value):
            return value
        hint = f"Write it without a time: {key} = {example}."
        self._fault("event", key, f"[event] {key} must be a day.", hint, value)
        return None

    def _rule(self, when: When) -> Rule | None:
        """The rule of a series, None where it is none, or where it is wrong."""
        text = self._line_of_text("event", "rrule")
        if text is None or not when.is_sound or self.sessions:
            return None
        try:
            rule = parse_rule(text, when.start, when.all_day)
        except RuleError as error:
            self._fault("event", "rrule", f"[event] rrule: {error.message}", error.hint, text)
            return None
        if when.all_day:
            return rule
        if when.start.fold or when.end.fold:
            # A series begins at a time on the clock (RFC 5545 §3.3.5), which is then the first of the two.
            key = "start" if when.start.fold else "end"
            message = f"The first meeting of a series cannot be at the second {getattr(when, key):%H:%M} of a day."
            self._fault("event", key, message, "Choose a time that is there once, or begin with the next meeting.")
            return None
        gap = next((moment for moment in islice(rule.starts(when.start), MOST) if not _exists(moment)), None)
        if gap is not None:
            message = f"{gap:%H:%M} does not exist on {gap:%d.%m.%Y}, a day of the series: the clocks go forward then."
            self._fault("event", "rrule", message, "Choose another time of day, or end the series before.", text)
        return rule


def around(sessions: Sequence[When]) -> When:
    """From the beginning of the first to the end of the last."""
    first = min(sessions, key=lambda one: one.start.astimezone(UTC))
    last = max(sessions, key=lambda one: one.end.astimezone(UTC))
    return When(first.start, last.end, all(one.all_day for one in sessions), is_sound=False)


def _exists(moment: datetime) -> bool:
    """Whether the clock of its zone ever shows this time."""
    return moment.astimezone(UTC).astimezone(moment.tzinfo).replace(tzinfo=None) == moment.replace(tzinfo=None)


def _length(duration: object) -> timedelta:
    """What a duration says, zero where it says nothing."""
    found = _DURATION.fullmatch(duration) if isinstance(duration, str) else None
    days, hours, minutes = (int(part or 0) for part in found.groups()) if found else (0, 0, 0)
    return timedelta(days=days, hours=hours, minutes=minutes)
