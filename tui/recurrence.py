"""The rule of a series: the part of RRULE (RFC 5545 §3.3.10) that calendar programs agree on. Pure.

Outlook silently drops or changes what it cannot keep as one of its own patterns (MS-OXCICAL §2.1.3.2.2). Here it is
refused, with what to write instead.
"""

import re
from calendar import monthrange
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice, takewhile

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
MOST = 999
"""The most meetings that Outlook keeps in one series with an end."""

_CODES = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_ORDINALS: Mapping[int, str] = {1: "first", 2: "second", 3: "third", 4: "fourth", -1: "last"}
_UNITS: Mapping[str, str] = {"DAILY": "day", "WEEKLY": "week", "MONTHLY": "month", "YEARLY": "year"}
_PARTS = ("FREQ", "INTERVAL", "COUNT", "UNTIL", "BYDAY", "BYMONTHDAY", "BYMONTH")
_ALLOWED: Mapping[str, frozenset[str]] = {
    "DAILY": frozenset(),
    "WEEKLY": frozenset({"BYDAY"}),
    "MONTHLY": frozenset({"BYDAY", "BYMONTHDAY"}),
    "YEARLY": frozenset({"BYDAY", "BYMONTHDAY", "BYMONTH"}),
}


class RuleError(ValueError):
    """A rule that is none, or one that not every calendar program reads: what is wrong, and what to write instead."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message, self.hint = message, hint


@dataclass(frozen=True, slots=True)
class Rule:
    """A series. `until` is the start of its last meeting: a moment in UTC, or a day where it is about whole days.

    `ordinal` says which of these `weekdays` in the month, -1 the last; `month_day` which day, -1 the last.
    """

    frequency: str
    interval: int = 1
    count: int | None = None
    until: date | None = None
    weekdays: tuple[int, ...] = ()
    ordinal: int = 0
    month_day: int = 0
    month: int = 0

    def __str__(self) -> str:
        """The value of RRULE, with everything said that a program might otherwise take from elsewhere."""
        days = [f"{self.ordinal or ''}{_CODES[day]}" for day in self.weekdays]
        parts = {
            "FREQ": self.frequency,
            "INTERVAL": self.interval if self.interval > 1 else "",
            "COUNT": self.count or "",
            "UNTIL": _written(self.until),
            "BYMONTH": self.month or "",
            "BYMONTHDAY": self.month_day or "",
            "BYDAY": ",".join(days),
            # Where weeks are left out it matters on which day one begins; Outlook's own default is Sunday.
            "WKST": "MO" if self.frequency == "WEEKLY" and self.interval > 1 and len(days) > 1 else "",
        }
        return ";".join(f"{name}={value}" for name, value in parts.items() if value)

    def days(self, first: date) -> Iterator[date]:
        """The days of the series, from `first` on, without regard to its end."""
        return (day for day in self._steps(first) if day >= first)

    def _steps(self, first: date) -> Iterator[date]:
        try:
            match self.frequency:
                case "DAILY":
                    while True:
                        yield first
                        first += timedelta(days=self.interval)
                case "WEEKLY":
                    monday = first - timedelta(days=first.weekday())
                    while True:
                        yield from (monday + timedelta(days=day) for day in self.weekdays)
                        monday += timedelta(weeks=self.interval)
                case _:
                    step = self.interval * (12 if self.frequency == "YEARLY" else 1)
                    month = first.year * 12 + (self.month or first.month) - 1
                    while True:
                        yield self._in_month(month // 12, month % 12 + 1)
                        month += step
        except (OverflowError, ValueError):  # the year 10000
            return

    def _in_month(self, year: int, month: int) -> date:
        weekday, length = monthrange(year, month)
        if self.month_day:
            return date(year, month, length if self.month_day < 0 else self.month_day)
        earliest = 1 + (self.weekdays[0] - weekday) % 7
        weeks = self.ordinal - 1 if self.ordinal > 0 else (length - earliest) // 7
        return date(year, month, earliest + 7 * weeks)

    def starts(self, first: datetime) -> Iterator[datetime]:
        """When each meeting begins, in the zone of `first`, which is the first one; for ever where there is no end."""
        clock = first.timetz().replace(fold=0)
        moments = (datetime.combine(day, clock) for day in self.days(first.date()))
        if self.count is not None:
            return islice(moments, self.count)
        if isinstance(self.until, datetime):
            last = self.until
            return takewhile(lambda moment: moment.astimezone(UTC) <= last, moments)
        if self.until is not None:
            last_day = self.until
            return takewhile(lambda moment: moment.date() <= last_day, moments)
        return moments

    def last_start(self, first: datetime) -> datetime | None:
        """When the last meeting begins, None where there is no end."""
        return None if self.count is None and self.until is None else list(self.starts(first))[-1]

    @property
    def every(self) -> str:
        """ "every Thursday", "on the first Thursday of every 2 months"."""
        unit = _UNITS[self.frequency]
        cycle = f"every {self.interval} {unit}s" if self.interval > 1 else f"every {unit}"
        match self.frequency:
            case "DAILY":
                return cycle
            case "WEEKLY":
                names = (
                    "weekday" if self.weekdays == (0, 1, 2, 3, 4) else _listed(WEEKDAYS[day] for day in self.weekdays)
                )
                return (
                    f"every {names}" if self.interval == 1 else f"{cycle} on {'every ' * (names == 'weekday')}{names}"
                )
            case "MONTHLY":
                return f"on {self._day_in_words()} of {cycle}"
            case _:
                month = MONTHS[self.month - 1]
                day = f"{self.month_day} {month}" if self.month_day > 0 else f"{self._day_in_words()} of {month}"
                return f"{cycle} on {day}"

    def _day_in_words(self) -> str:
        if self.month_day:
            return "the last day" if self.month_day < 0 else f"day {self.month_day}"
        return f"the {_ORDINALS[self.ordinal]} {WEEKDAYS[self.weekdays[0]]}"


def parse(text: str, start: datetime, all_day: bool) -> Rule:
    """The rule in `text` for a series that begins at `start`, which must be one of its meetings. RuleError else."""
    parts = _parts(text)
    rule = _pattern(parts, start.date())
    if next(rule.days(start.date()), None) != start.date():
        raise RuleError(
            f"The series is {rule.every}, and it begins on a {WEEKDAYS[start.weekday()]}, {start:%d.%m.%Y}.",
            "Let start be the first meeting of the series.",
        )
    if "COUNT" in parts and "UNTIL" in parts:
        raise RuleError("The rule has both COUNT and UNTIL.", "Keep one of them.")
    if "COUNT" in parts:
        return replace(rule, count=_number(parts, "COUNT", 1, MOST))
    return _ended(rule, parts["UNTIL"], start, all_day) if "UNTIL" in parts else rule


def _parts(text: str) -> Mapping[str, str]:
    value = re.sub(r"\s+", "", text).upper().removeprefix("RRULE:").strip(";")
    parts: dict[str, str] = {}
    for part in value.split(";"):
        name, _, said = part.partition("=")
        if name not in (*_PARTS, "WKST") or not said:
            raise RuleError(
                f"“{name or part}” is not a part of a rule that every calendar program reads.",
                f"A rule is made of {', '.join(_PARTS)}: FREQ=WEEKLY;COUNT=6.",
            )
        if name in parts:
            raise RuleError(f"The rule has {name} twice.", "Keep one of them.")
        parts[name] = said
    if parts.pop("WKST", "MO") != "MO":
        raise RuleError("The rule's week does not begin on a Monday.", "Leave WKST out.")
    return parts


def _pattern(parts: Mapping[str, str], first: date) -> Rule:
    """Which days, without the end. What the rule leaves out is that of the first day."""
    frequency = parts.get("FREQ", "")
    if frequency not in _UNITS:
        raise RuleError("The rule does not say how often.", f"FREQ is one of {', '.join(_UNITS)}: FREQ=WEEKLY;COUNT=6.")
    for name in ("BYDAY", "BYMONTHDAY", "BYMONTH"):
        if name in parts and name not in _ALLOWED[frequency]:
            hint = "Every weekday is FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR." if name == "BYDAY" else f"Leave {name} out."
            raise RuleError(f"Not every calendar program reads {name} with FREQ={frequency}.", hint)
    if "BYDAY" in parts and "BYMONTHDAY" in parts:
        raise RuleError("The rule has both BYDAY and BYMONTHDAY.", "Keep one of them.")
    rule = Rule(frequency, _number(parts, "INTERVAL", 1, MOST if frequency == "DAILY" else 99))
    if frequency == "DAILY":
        return rule
    if frequency == "WEEKLY":
        return replace(rule, weekdays=_weekdays(parts["BYDAY"]) if "BYDAY" in parts else (first.weekday(),))
    if frequency == "YEARLY":
        if "BYDAY" in parts and "BYMONTH" not in parts:
            raise RuleError("The rule does not say in which month.", f"Add BYMONTH={first.month}.")
        rule = replace(rule, month=_number(parts, "BYMONTH", 1, 12) if "BYMONTH" in parts else first.month)
    if "BYDAY" in parts:
        weekday, ordinal = _ordinal_day(parts["BYDAY"], first)
        return replace(rule, weekdays=(weekday,), ordinal=ordinal)
    day = _month_day(parts["BYMONTHDAY"]) if "BYMONTHDAY" in parts else first.day
    shortest = monthrange(2027, rule.month)[1] if rule.month else 28
    if day > shortest:
        where = MONTHS[rule.month - 1] if rule.month else "month"
        raise RuleError(
            f"Not every {where} has a day {day}, and calendar programs do not agree on what to do then.",
            "Write BYMONTHDAY=-1 for the last day.",
        )
    return replace(rule, month_day=day)


def _ended(rule: Rule, text: str, start: datetime, all_day: bool) -> Rule:
    """The rule with its end: not UNTIL itself, but the last meeting up to then, which nobody reads in two ways."""
    is_before_end = _reach(text, start)
    found = list(islice(takewhile(is_before_end, rule.starts(start)), MOST + 1))
    if not found:
        raise RuleError("The series ends before it begins.", "UNTIL is a day after the start.")
    if len(found) > MOST:
        raise RuleError(f"The series has more than {MOST} meetings.", "Let it end earlier, or leave UNTIL out.")
    return replace(rule, until=found[-1].date() if all_day else found[-1].astimezone(UTC))


def _reach(text: str, start: datetime) -> Callable[[datetime], bool]:
    """Whether a meeting that begins then is within UNTIL: a day, a time on the series' own clock, or one in UTC."""
    plain = re.fullmatch(r"(\d{4})-?(\d\d)-?(\d\d)(?:T(\d\d):?(\d\d):?(\d\d)?(Z)?)?", text)
    try:
        if plain is None:
            raise ValueError
        year, month, day, hour, minute, second = (int(part or 0) for part in plain.groups()[:6])
        last = date(year, month, day)
        limit = datetime.combine(last, time(hour, minute, second), UTC if plain[7] else start.tzinfo)
        limit_utc = limit.astimezone(UTC)
    except (ValueError, OverflowError):
        raise RuleError(
            "UNTIL is not a day.", "Write UNTIL=20270617, the last day on which there may be one."
        ) from None
    if plain[4] is None:
        return lambda moment: moment.date() <= last
    return lambda moment: moment.astimezone(UTC) <= limit_utc


def _number(parts: Mapping[str, str], name: str, least: int, most: int) -> int:
    said = parts.get(name, "1")
    value = int(said) if re.fullmatch(r"[0-9]{1,6}", said) else 0
    if not least <= value <= most:
        raise RuleError(f"{name} is not a number from {least} to {most}.", f"Write {name}={least + 1}.")
    return value


def _month_day(text: str) -> int:
    if text == "-1":
        return -1
    value = int(text) if re.fullmatch(r"[0-9]{1,2}", text) else 0
    if not 1 <= value <= 31:
        raise RuleError("BYMONTHDAY is not one day of a month.", "Write a day, BYMONTHDAY=6, or -1 for the last one.")
    return value


def _weekdays(text: str) -> tuple[int, ...]:
    codes = text.split(",")
    if any(code not in _CODES for code in codes):
        raise RuleError("BYDAY is not a list of weekdays.", f"It knows {', '.join(_CODES)}: BYDAY=MO,TH.")
    return tuple(sorted({_CODES.index(code) for code in codes}))


def _ordinal_day(text: str, first: date) -> tuple[int, int]:
    """Weekday and which one of the month."""
    found = re.fullmatch(r"\+?([1-4]|-1)(MO|TU|WE|TH|FR|SA|SU)", text)
    if found is None:
        nearest = f"{(first.day - 1) // 7 + 1 if first.day <= 28 else -1}{_CODES[first.weekday()]}"
        raise RuleError(
            "BYDAY does not say which one of the month.",
            f"Write 1 to 4, or -1 for the last, before one weekday: BYDAY={nearest}.",
        )
    return _CODES.index(found[2]), int(found[1])


def _written(until: date | None) -> str:
    if until is None:
        return ""
    return f"{until:%Y%m%dT%H%M%SZ}" if isinstance(until, datetime) else f"{until:%Y%m%d}"


def _listed(names: Iterator[str]) -> str:
    *rest, last = names
    return f"{', '.join(rest)} and {last}" if rest else last
