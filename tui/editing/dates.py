"""Dates, lengths of time and zones as people type them, as the event file has them. Pure."""

import re
from datetime import date, datetime, time
from functools import lru_cache

_DAY = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})")
_CLOCK = re.compile(r"(\d{1,2})[:.](\d{2})(?::(\d{2}))?")
_LENGTH = re.compile(r"\d+\s*(d|h|m)[a-z]*(\s*\d+\s*(h|m)[a-z]*)*", re.IGNORECASE)


class Unclear(ValueError):
    """What was typed is no date, time or zone; the message says how it is written."""


def moment_in(text: str, day: date | None = None) -> datetime | date | str:
    """A moment on the clock, a whole day, or a length of time ("90m") as it stands; a time alone is on `day`.

    Unclear where it is none of them, or no calendar has it.
    """
    said = text.strip()
    if _LENGTH.fullmatch(said):
        return said.replace(" ", "")
    written, _, clock = said.replace("T", " ").partition(" ")
    if day is not None and not clock and _CLOCK.fullmatch(written):
        return datetime.combine(day, _clock(written))
    found = _DAY.fullmatch(written)
    if not found:
        raise Unclear(
            f"“{said}” is no date: write it as 2027-05-06 14:00." if said else "Write it as 2027-05-06 14:00."
        )
    try:
        there = date(*map(int, found.groups()))
    except ValueError:
        raise Unclear(f"There is no {written} in any calendar.") from None
    return datetime.combine(there, _clock(clock.strip())) if clock.strip() else there


def _clock(text: str) -> time:
    found = _CLOCK.fullmatch(text)
    try:
        if found is None:
            return time.fromisoformat(text)
        hour, minute, second = (int(part or 0) for part in found.groups())
        return time(hour, minute, second)
    except ValueError:
        raise Unclear(f"“{text}” is no time of day: write it as 14:00.") from None


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
