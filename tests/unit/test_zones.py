"""VTIMEZONE against zoneinfo, evaluated by dateutil: every zone that a calendar program can be told of, for years."""

import io
import zoneinfo
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from dateutil import tz

from tui.invitation.zones import IrregularZone, vtimezone

FIRST, LAST = date(2027, 1, 1), date(2037, 12, 31)
IRREGULAR = {
    *("Africa/Casablanca", "Africa/El_Aaiun"),  # Ramadan
    *("America/Nuuk", "America/Godthab", "America/Scoresbysund"),  # the evening before the last Sunday
    *("Asia/Gaza", "Asia/Hebron", "Asia/Jerusalem", "Asia/Tel_Aviv", "Israel"),  # days after the fourth Thursday
}
NAMES = sorted(zoneinfo.available_timezones() - {"localtime", "Factory"})
OFTEN_USED = (
    *("Europe/London", "Europe/Dublin", "Europe/Berlin", "America/New_York", "America/Santiago", "America/Sao_Paulo"),
    *("Africa/Cairo", "Asia/Tokyo", "Asia/Kathmandu", "Asia/Kolkata", "Australia/Lord_Howe", "Australia/Sydney"),
    *("Pacific/Auckland", "Pacific/Chatham", "Pacific/Apia", "America/Asuncion", "America/Havana", "Asia/Beirut"),
)


def evaluated(lines: tuple[str, ...], key: str) -> Any:
    return tz.tzical(io.StringIO("\r\n".join(lines) + "\r\n")).get(key)


def clocks(zone: ZoneInfo) -> Iterator[datetime]:
    """Times on the clock that are there once: some of every week, and the hours around every change."""
    moment = datetime(2027, 1, 1, 0, 30, tzinfo=UTC)
    while moment < datetime(2037, 12, 31, tzinfo=UTC):
        later = moment + timedelta(days=3, hours=5)
        if moment.astimezone(zone).utcoffset() != later.astimezone(zone).utcoffset():
            yield from (moment + timedelta(minutes=30 * step) for step in range(154))
        yield moment
        moment = later


def is_there_once(moment: datetime) -> bool:
    local = moment.replace(tzinfo=None)
    zone = moment.tzinfo
    both = {local.replace(tzinfo=zone, fold=fold).utcoffset() for fold in (0, 1)}
    return len(both) == 1


@pytest.mark.parametrize("key", OFTEN_USED)
def test_another_program_finds_the_same_offset_at_every_time(key: str) -> None:
    zone, theirs = ZoneInfo(key), evaluated(vtimezone(key, FIRST, LAST), key)
    local = [moment.astimezone(zone) for moment in clocks(zone)]
    wrong = [at for at in local if is_there_once(at) and at.replace(tzinfo=theirs).utcoffset() != at.utcoffset()]
    assert wrong == []


def test_every_zone_is_either_described_or_known_to_be_irregular() -> None:
    refused = set()
    for key in NAMES:
        try:
            lines = vtimezone(key, date(2027, 5, 1), date(2028, 5, 1))
        except IrregularZone:
            refused.add(key)
            continue
        kinds = [line for line in lines if line.startswith("BEGIN:")]
        assert kinds in (
            ["BEGIN:VTIMEZONE", "BEGIN:STANDARD"],
            ["BEGIN:VTIMEZONE", "BEGIN:STANDARD", "BEGIN:DAYLIGHT"],
        ), key
        rules = [line for line in lines if line.startswith("RRULE")]
        assert len(rules) == (2 if len(kinds) == 3 else 0), key
    assert refused == IRREGULAR & set(NAMES)


def test_london_is_written_as_rfc_5545_asks() -> None:
    assert vtimezone("Europe/London", FIRST, LAST) == (
        "BEGIN:VTIMEZONE",
        "TZID:Europe/London",
        "BEGIN:STANDARD",
        "DTSTART:19701025T020000",
        "RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU",
        "TZOFFSETFROM:+0100",
        "TZOFFSETTO:+0000",
        "TZNAME:GMT",
        "END:STANDARD",
        "BEGIN:DAYLIGHT",
        "DTSTART:19700329T010000",
        "RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU",
        "TZOFFSETFROM:+0000",
        "TZOFFSETTO:+0100",
        "TZNAME:BST",
        "END:DAYLIGHT",
        "END:VTIMEZONE",
    )


def test_a_zone_whose_clocks_never_change_has_one_observance_and_no_rule() -> None:
    assert vtimezone("Asia/Kathmandu", FIRST, None) == (
        "BEGIN:VTIMEZONE",
        "TZID:Asia/Kathmandu",
        "BEGIN:STANDARD",
        "DTSTART:19700101T000000",
        "TZOFFSETFROM:+0545",
        "TZOFFSETTO:+0545",
        "TZNAME:+0545",
        "END:STANDARD",
        "END:VTIMEZONE",
    )


def test_the_summer_is_daylight_in_dublin_too() -> None:
    lines = vtimezone("Europe/Dublin", FIRST, LAST)
    assert lines[lines.index("BEGIN:DAYLIGHT") + 4] == "TZOFFSETTO:+0100"


def test_casablanca_is_refused_though_its_last_rule_is_simple() -> None:
    with pytest.raises(IrregularZone):
        vtimezone("Africa/Casablanca", FIRST, LAST)


def test_the_package_that_windows_needs_says_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    vtimezone.cache_clear()
    monkeypatch.setattr(zoneinfo, "TZPATH", (str(Path("/nowhere")),))
    assert vtimezone("America/New_York", FIRST, LAST)[4] == "RRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=1SU"
    vtimezone.cache_clear()
