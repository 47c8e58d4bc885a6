"""The rule of a series: what is read, what is said about the rest, and that its days are those of RFC 5545."""

from datetime import UTC, date, datetime, timedelta
from itertools import islice

import pytest
from dateutil.rrule import rrulestr
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st

from tests.unit.making import LONDON
from tui.recurrence import RuleError, parse

THURSDAY = datetime(2027, 5, 6, 14, tzinfo=LONDON)


@pytest.mark.parametrize(
    ("text", "written", "words"),
    [
        ("FREQ=WEEKLY;COUNT=6", "FREQ=WEEKLY;COUNT=6;BYDAY=TH", "every Thursday"),
        ("rrule: freq=weekly; count=6;", "FREQ=WEEKLY;COUNT=6;BYDAY=TH", "every Thursday"),
        ("FREQ=DAILY", "FREQ=DAILY", "every day"),
        ("FREQ=DAILY;INTERVAL=3", "FREQ=DAILY;INTERVAL=3", "every 3 days"),
        ("FREQ=WEEKLY;INTERVAL=2", "FREQ=WEEKLY;INTERVAL=2;BYDAY=TH", "every 2 weeks on Thursday"),
        (
            "FREQ=WEEKLY;INTERVAL=2;BYDAY=TH,MO",
            "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,TH;WKST=MO",
            "every 2 weeks on Monday and Thursday",
        ),
        ("FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR", "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR", "every weekday"),
        ("FREQ=MONTHLY", "FREQ=MONTHLY;BYMONTHDAY=6", "on day 6 of every month"),
        ("FREQ=MONTHLY;BYDAY=1TH", "FREQ=MONTHLY;BYDAY=1TH", "on the first Thursday of every month"),
        ("FREQ=MONTHLY;INTERVAL=2;BYDAY=+1TH", "FREQ=MONTHLY;INTERVAL=2;BYDAY=1TH", None),
        ("FREQ=YEARLY", "FREQ=YEARLY;BYMONTH=5;BYMONTHDAY=6", "every year on 6 May"),
        (
            "FREQ=YEARLY;BYMONTH=5;BYDAY=1TH",
            "FREQ=YEARLY;BYMONTH=5;BYDAY=1TH",
            "every year on the first Thursday of May",
        ),
        ("FREQ=WEEKLY;UNTIL=20270617", "FREQ=WEEKLY;UNTIL=20270617T130000Z;BYDAY=TH", "every Thursday"),
        ("FREQ=WEEKLY;UNTIL=2027-06-16", "FREQ=WEEKLY;UNTIL=20270610T130000Z;BYDAY=TH", "every Thursday"),
        ("FREQ=WEEKLY;UNTIL=20270617T130000Z", "FREQ=WEEKLY;UNTIL=20270617T130000Z;BYDAY=TH", None),
        ("FREQ=WEEKLY;UNTIL=20270617T135900", "FREQ=WEEKLY;UNTIL=20270610T130000Z;BYDAY=TH", None),
        ("FREQ=WEEKLY;UNTIL=20271111", "FREQ=WEEKLY;UNTIL=20271111T140000Z;BYDAY=TH", None),
    ],
)
def test_a_rule_is_written_so_that_nothing_in_it_is_left_to_the_program(text: str, written: str, words: str) -> None:
    rule = parse(text, THURSDAY, all_day=False)
    assert str(rule) == written
    assert words in (None, rule.every)


def test_the_end_of_a_series_of_days_is_a_day() -> None:
    assert str(parse("FREQ=DAILY;UNTIL=20270509", THURSDAY, all_day=True)) == "FREQ=DAILY;UNTIL=20270509"


def test_the_last_day_of_each_month_can_be_said() -> None:
    rule = parse("FREQ=MONTHLY;BYMONTHDAY=-1;COUNT=3", datetime(2028, 1, 31, 9, tzinfo=LONDON), all_day=False)
    assert [f"{start:%d.%m.}" for start in rule.starts(datetime(2028, 1, 31, 9, tzinfo=LONDON))] == [
        *("31.01.", "29.02.", "31.03.")
    ]


def test_a_series_stays_at_its_time_on_the_clock_when_the_clocks_change() -> None:
    start = datetime(2027, 10, 28, 14, tzinfo=LONDON)
    starts = list(parse("FREQ=WEEKLY;COUNT=2", start, all_day=False).starts(start))
    assert [f"{moment:%H:%M %z}" for moment in starts] == ["14:00 +0100", "14:00 +0000"]


@pytest.mark.parametrize(
    ("text", "words", "hint"),
    [
        ("every week", "not a part of a rule", "FREQ=WEEKLY;COUNT=6"),
        ("", "not a part of a rule", None),
        ("COUNT=6", "does not say how often", "FREQ is one of"),
        ("FREQ=HOURLY", "does not say how often", "FREQ is one of"),
        ("FREQ=WEEKLY;BYHOUR=9", "“BYHOUR” is not a part", None),
        ("FREQ=MONTHLY;BYSETPOS=1;BYDAY=TH", "“BYSETPOS” is not a part", None),
        ("FREQ=WEEKLY;COUNT=6;COUNT=7", "COUNT twice", None),
        ("FREQ=WEEKLY;COUNT=6;UNTIL=20270617", "both COUNT and UNTIL", None),
        ("FREQ=WEEKLY;COUNT=0", "COUNT is not a number from 1 to 999", None),
        ("FREQ=WEEKLY;COUNT=many", "COUNT is not a number", None),
        ("FREQ=WEEKLY;INTERVAL=100", "INTERVAL is not a number from 1 to 99", None),
        ("FREQ=DAILY;BYDAY=MO,TU", "reads BYDAY with FREQ=DAILY", "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR"),
        ("FREQ=WEEKLY;BYMONTH=5", "reads BYMONTH with FREQ=WEEKLY", "Leave BYMONTH out"),
        ("FREQ=WEEKLY;BYDAY=1TH", "not a list of weekdays", None),
        ("FREQ=WEEKLY;BYDAY=MO", "every Monday, and it begins on a Thursday", "first meeting"),
        ("FREQ=MONTHLY;BYDAY=TH", "which one of the month", "BYDAY=1TH"),
        ("FREQ=MONTHLY;BYDAY=1TH,3TH", "which one of the month", None),
        ("FREQ=MONTHLY;BYDAY=2TH", "the second Thursday of every month, and it begins", None),
        ("FREQ=MONTHLY;BYDAY=1TH;BYMONTHDAY=6", "both BYDAY and BYMONTHDAY", None),
        ("FREQ=MONTHLY;BYMONTHDAY=31", "Not every month has a day 31", "BYMONTHDAY=-1"),
        ("FREQ=MONTHLY;BYMONTHDAY=-2", "not one day of a month", None),
        ("FREQ=YEARLY;BYDAY=1TH", "in which month", "BYMONTH=5"),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", "Not every February", None),
        ("FREQ=WEEKLY;UNTIL=soon", "UNTIL is not a day", None),
        ("FREQ=WEEKLY;UNTIL=20270231", "UNTIL is not a day", None),
        ("FREQ=WEEKLY;UNTIL=20270505", "ends before it begins", None),
        ("FREQ=DAILY;UNTIL=20400505", "more than 999", None),
    ],
)
def test_what_not_every_program_reads_is_refused_with_words(text: str, words: str, hint: str | None) -> None:
    with pytest.raises(RuleError) as caught:
        parse(text, THURSDAY, all_day=False)
    assert words in caught.value.message
    assert (hint or "") in caught.value.hint


@settings(suppress_health_check=[HealthCheck.filter_too_much])
@given(
    st.sampled_from(["DAILY", "WEEKLY", "MONTHLY", "YEARLY"]),
    st.integers(1, 5),
    st.dates(date(2025, 1, 1), date(2040, 1, 1)),
    st.sampled_from(["", ";BYDAY=MO,TH,SU", ";BYDAY=1TH", ";BYDAY=-1FR", ";BYMONTHDAY=-1", ";BYMONTH=5;BYDAY=-1MO"]),
)
def test_the_days_are_those_that_another_program_finds(frequency: str, interval: int, first: date, by: str) -> None:
    start = datetime.combine(first, THURSDAY.time(), UTC)
    text = f"FREQ={frequency};INTERVAL={interval};COUNT=20{by}"
    try:
        rule = parse(text, start, all_day=False)
    except RuleError:
        reject()
    assert list(rule.starts(start)) == list(rrulestr(str(rule), dtstart=start))
    assert rule.last_start(start) == list(rule.starts(start))[-1]


def test_a_series_without_an_end_ends_with_the_calendar() -> None:
    rule = parse("FREQ=YEARLY;INTERVAL=99", THURSDAY, all_day=False)
    assert rule.last_start(THURSDAY) is None
    assert sum(1 for _ in rule.days(THURSDAY.date())) == 81
    assert list(islice(rule.days(THURSDAY.date()), 2))[1] - THURSDAY.date() > timedelta(days=36000)
