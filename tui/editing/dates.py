"""Dates, lengths of time and zones as people type them, as the event file has them. Pure."""

import re
from datetime import date, datetime, time
from functools import lru_cache

from tui.recurrence import MONTHS

_DAY = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})")
# As people write a day: 6.5.2027, 6/5/2027, Thu 6th May 2027, May 6, 2027.
_DOTTED = re.compile(r"(\d{1,2})\.\s?(\d{1,2})\.\s?(\d{4})")
_SLASHED = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})")
_NAMED = re.compile(
    r"(?:[a-z]{3,9}\.?,?\s+)?(?:(?P<day>\d{1,2})(?:st|nd|rd|th|\.)?\s+(?P<month>[a-z]{3,9})\.?|"
    r"(?P<month_first>[a-z]{3,9})\.?\s+(?P<day_after>\d{1,2})(?:st|nd|rd|th)?),?\s+(?P<year>\d{4})",
    re.IGNORECASE,
)
_BETWEEN = re.compile(r"(?:T(?=\d)|,?\s+(?:at\s+|um\s+)?|$)", re.IGNORECASE)  # a day and its time
_CLOCK = re.compile(r"(\d{1,2})(?:[:.h](\d{2})(?::(\d{2}))?)?\s*(am|pm|a\.m\.|p\.m\.|h|uhr)?", re.IGNORECASE)
_MONTHS, _HALF = 12, 12
_LENGTH = re.compile(r"\d+\s*(d|h|m)[a-z]*(\s*\d+\s*(h|m)[a-z]*)*", re.IGNORECASE)


class Unclear(ValueError):
    """What was typed is no date, time or zone; the message says how it is written."""


def moment_in(text: str, day: date | None = None) -> datetime | date | str:
    """A moment on the clock, a whole day, or a length of time ("90m") as it stands; a time alone is on `day`.

    A day can be written as people do (6.5.2027, 6 May 2027, May 6, 2027), and a time as well (2pm, 14 Uhr). Unclear
    where it is none of them, no calendar has it, or it can be two days: 6/5/2027.
    """
    said = text.strip()
    if _LENGTH.fullmatch(said):
        return said.replace(" ", "")
    found = _day_in(said)
    if found is None:
        if day is not None and (clock := _clock_in(said)) is not None:
            return datetime.combine(day, clock)
        raise Unclear(
            f"“{said}” is no date: write it as 2027-05-06 14:00." if said else "Write it as 2027-05-06 14:00."
        )
    there, rest = found
    if not rest:
        return there
    if (clock := _clock_in(rest)) is None:
        raise Unclear(f"“{rest}” is no time of day: write it as 14:00.")
    return datetime.combine(there, clock)


def _day_in(said: str) -> tuple[date, str] | None:
    """The day that it begins with, and what follows it. Unclear where it is in no calendar, or could be two days."""
    for pattern in (_DAY, _DOTTED, _SLASHED, _NAMED):
        if (found := pattern.match(said)) is None or (gap := _BETWEEN.match(said, found.end())) is None:
            continue
        rest = said[gap.end() :].strip()
        written = found[0]
        if pattern is _NAMED:
            month = _month(found["month"] or found["month_first"])
            if month is None:
                continue
            return _date(int(found["year"]), month, int(found["day"] or found["day_after"]), written), rest
        first, second, third = map(int, found.groups())
        if pattern is _DAY:
            return _date(first, second, third, written), rest
        if pattern is _SLASHED and first != second and max(first, second) <= _MONTHS:
            raise Unclear(
                f"{written} can be two days: write {third}-{second:02}-{first:02} or {third}-{first:02}-{second:02}."
            )
        if pattern is _SLASHED and second > _MONTHS:
            first, second = second, first
        return _date(third, second, first, written), rest
    return None


def _month(said: str) -> int | None:
    """By its English name, of which three letters are enough."""
    return next((at for at, name in enumerate(MONTHS, 1) if name.casefold().startswith(said.casefold())), None)


def _date(year: int, month: int, day: int, written: str) -> date:
    try:
        return date(year, month, day)
    except ValueError:
        raise Unclear(f"There is no {written} in any calendar.") from None


def _clock_in(said: str) -> time | None:
    """A time of day: 14:00, 14.00, 2pm, 2:30 pm, 14h30, 14 Uhr. None where it is none."""
    if (found := _CLOCK.fullmatch(said)) is None or not (found[2] or found[4]):
        try:
            return time.fromisoformat(said) if ":" in said else None
        except ValueError:
            return None
    hour, minute, second = (int(part or 0) for part in found.group(1, 2, 3))
    if (half := (found[4] or "").replace(".", "").casefold()) in ("am", "pm"):
        if not 1 <= hour <= _HALF:
            return None
        hour = hour % _HALF + (_HALF if half == "pm" else 0)
    try:
        return time(hour, minute, second)
    except ValueError:
        return None


def shown_moment(value: object) -> str:
    """What `moment_in` reads, as a form shows it: "2027-05-06 14:00"."""
    if isinstance(value, datetime):
        return value.isoformat(" ", "seconds" if value.second else "minutes")
    return value.isoformat() if isinstance(value, date) else str(value or "")


def zone_named(text: str) -> str:
    """The IANA name that is meant: in any case, with spaces, or the city alone. Unclear where it is not just one."""
    said = re.sub(r"\s+", "_", text.strip()).casefold()
    names, cities = _zones()
    if said in names:
        return names[said]
    found = sorted(cities.get(said, ()))
    if len(found) == 1:
        return found[0]
    if found:
        raise Unclear(f"Which one: {' or '.join(found[:4])}?")
    begins = sorted({name for city, those in cities.items() if said and city.startswith(said) for name in those})
    near = f" Do you mean {' or '.join(begins[:3])}?" if begins else " Write it as Europe/London, or the city alone."
    raise Unclear(f"“{text.strip()}” is no time zone.{near}" if said else "Write a zone, such as Europe/London.")


@lru_cache(maxsize=1)
def _zones() -> tuple[dict[str, str], dict[str, set[str]]]:
    """Every zone by its name in small letters, and by its city's; the old names of countries are no cities."""
    from zoneinfo import available_timezones

    names = {name.casefold(): name for name in available_timezones()}
    cities: dict[str, set[str]] = {}
    for name in names.values():
        region, _, city = name.rpartition("/")
        if region.partition("/")[0] in _REGIONS:
            cities.setdefault(city.casefold(), set()).add(name)
    return names, cities


def zone_names() -> list[str]:
    """All of them, those with a city first."""
    names = sorted(_zones()[0].values())
    return sorted(names, key=lambda name: name.partition("/")[0] not in _REGIONS)


_REGIONS = frozenset(
    {"Africa", "America", "Antarctica", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific"}
)
