"""VTIMEZONE (RFC 5545 §3.6.5): a zone as a series needs it, from the rule at the end of its TZif file (RFC 8536 §3.3).

One STANDARD and at most one DAYLIGHT, each with one ordinal weekday a year: that is all that Outlook and Exchange read
(MS-OXCICAL §2.1.3.1.1.19, MS-STANOICAL §3.6.5). A zone that is not like that while the series lasts is refused.
"""

import re
import zoneinfo
from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from importlib import resources
from pathlib import Path

_NAME = r"(<[A-Za-z0-9+-]+>|[A-Za-z]{3,})"
_OFFSET = r"([+-]?\d{1,3}(?::\d\d){0,2})"
_DAY = r",M(\d{1,2})\.([1-5])\.([0-6])(?:/" + _OFFSET + ")?"
_FOOTER = re.compile(rf"{_NAME}{_OFFSET}(?:{_NAME}{_OFFSET}?{_DAY}{_DAY})?", re.ASCII)
_WEEKDAYS = ("SU", "MO", "TU", "WE", "TH", "FR", "SA")
_SINCE = 1970
_ENDLESS = timedelta(days=20 * 365)


class IrregularZone(ValueError):
    """The clocks of this zone do not follow one rule that calendar programs could be told."""


@dataclass(frozen=True, slots=True)
class _Observance:
    """STANDARD or DAYLIGHT: from its onset on the clock is `to` ahead of UTC, `before` it was another.

    The onset is at `clock` on the `week`th `weekday` (0: Sunday) of `month`, 5 the last; `month` 0: it has none.
    """

    name: str
    to: timedelta
    before: timedelta
    month: int = 0
    week: int = 0
    weekday: int = 0
    clock: timedelta = timedelta()

    def onset(self, year: int) -> datetime:
        """When it begins, on the clock as it was until then (RFC 5545 §3.6.5)."""
        if not self.month:
            return datetime(year, 1, 1)
        first, length = monthrange(year, self.month)
        earliest = 1 + (self.weekday - 1 - first) % 7
        weeks = (length - earliest) // 7 if self.week == 5 else self.week - 1
        return datetime(year, self.month, earliest + 7 * weeks) + self.clock

    def begins(self, year: int) -> datetime:
        return (self.onset(year) - self.before).replace(tzinfo=UTC)

    def lines(self, kind: str) -> Iterator[str]:
        yield f"BEGIN:{kind}"
        yield f"DTSTART:{self.onset(_SINCE):%Y%m%dT%H%M%S}"
        if self.month:
            nth = -1 if self.week == 5 else self.week
            yield f"RRULE:FREQ=YEARLY;BYMONTH={self.month};BYDAY={nth}{_WEEKDAYS[self.weekday]}"
        yield f"TZOFFSETFROM:{_offset(self.before)}"
        yield f"TZOFFSETTO:{_offset(self.to)}"
        yield f"TZNAME:{self.name}"
        yield f"END:{kind}"


@lru_cache(maxsize=8)
def vtimezone(key: str, first: date, last: date | None) -> tuple[str, ...]:
    """The content lines of the VTIMEZONE of zone `key`, right for every moment from `first` to `last` (None: no end).

    IrregularZone where there is none.
    """
    standard, daylight = _observances(_footer(key))
    _compare(key, standard, daylight, first, last or first + _ENDLESS)
    lines = ["BEGIN:VTIMEZONE", f"TZID:{key}", *standard.lines("STANDARD")]
    if daylight:
        lines += daylight.lines("DAYLIGHT")
    return *lines, "END:VTIMEZONE"


def _footer(key: str) -> str:
    """The rule for the time after the last listed change, as POSIX writes TZ; "" where the file has none."""
    return _tzif(key).rstrip(b"\n").rpartition(b"\n")[2].decode("ascii", "replace")


def _tzif(key: str) -> bytes:
    """The file that zoneinfo reads, from the system or, as on Windows, from the tzdata package."""
    for folder in zoneinfo.TZPATH:
        path = Path(folder, *key.split("/"))
        if path.is_file():
            return path.read_bytes()
    return resources.files("tzdata").joinpath("zoneinfo", *key.split("/")).read_bytes()


def _observances(footer: str) -> tuple[_Observance, _Observance | None]:
    found = _FOOTER.fullmatch(footer)
    if found is None:
        raise IrregularZone(footer)
    name, ahead, other_name, other_ahead, *changes = found.groups()
    to = -_seconds(ahead)  # POSIX counts what is added to reach UTC
    if other_name is None:
        return _Observance(name.strip("<>"), to, to), None
    other = -_seconds(other_ahead) if other_ahead else to + timedelta(hours=1)
    begins, ends = (_change(changes[at : at + 4]) for at in (0, 4))
    winter = _Observance(name.strip("<>"), to, other, *ends)
    summer = _Observance(other_name.strip("<>"), other, to, *begins)
    # Dublin's law calls the summer's time standard and the winter's an exception; programs expect DAYLIGHT to be ahead.
    return (winter, summer) if other > to else (summer, winter)


def _change(parts: list[str]) -> tuple[int, int, int, timedelta]:
    month, week, weekday = (int(part) for part in parts[:3])
    clock = _seconds(parts[3]) if parts[3] else timedelta(hours=2)
    if clock == timedelta(days=1):
        # Midnight after the first Saturday (Santiago, Cairo): as Windows has it, a second before.
        clock -= timedelta(seconds=1)
    if not timedelta() <= clock < timedelta(days=1):
        # "The day after the last Thursday" is not the nth of any weekday.
        raise IrregularZone(parts[3])
    return month, week, weekday, clock


def _compare(key: str, standard: _Observance, daylight: _Observance | None, first: date, last: date) -> None:
    """Looks at every day and every change: some zones have changes that their rule knows nothing of (Casablanca)."""
    zone = zoneinfo.ZoneInfo(key)
    if daylight is None:
        expected = iter([(moment, standard.to) for moment in _noons(first, last)])
    else:
        expected = _moments(standard, daylight, first, last)
    if any(moment.astimezone(zone).utcoffset() != ahead for moment, ahead in expected):
        raise IrregularZone(key)


def _moments(
    standard: _Observance, daylight: _Observance, first: date, last: date
) -> Iterator[tuple[datetime, timedelta]]:
    """Every noon, and the seconds before and after each change, with what the rule says of it."""
    changes = sorted(
        ((one.begins(year), one) for year in range(first.year - 1, last.year + 2) for one in (standard, daylight)),
        key=lambda change: change[0],
    )
    begin, end = (datetime.combine(day, time(), UTC) for day in (first, last + timedelta(days=2)))
    for moment, one in changes:
        if begin <= moment < end:
            yield moment + timedelta(seconds=1), one.to
            yield moment - timedelta(seconds=1), one.before
    at = 0
    for noon in _noons(first, last):
        while changes[at + 1][0] <= noon:
            at += 1
        yield noon, changes[at][1].to


def _noons(first: date, last: date) -> Iterator[datetime]:
    noon = datetime.combine(first, time(12), UTC)
    for day in range((last - first).days + 1):
        yield noon + timedelta(days=day)


def _seconds(text: str) -> timedelta:
    parts = [*map(int, text.lstrip("+-").split(":")), 0, 0]
    length = timedelta(hours=parts[0], minutes=parts[1], seconds=parts[2])
    return -length if text.startswith("-") else length


def _offset(ahead: timedelta) -> str:
    minutes, seconds = divmod(abs(round(ahead.total_seconds())), 60)
    sign = "-" if ahead < timedelta() else "+"
    return f"{sign}{minutes // 60:02}{minutes % 60:02}{f'{seconds:02}' if seconds else ''}"
