"""`event.toml`: what is read from it, what is said about the rest, and how its uid is kept."""

import os
import subprocess
import sys
import unicodedata
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from zoneinfo import ZoneInfo

import pytest
from babel.localedata import locale_identifiers
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.making import an_event
from tui import dates
from tui.clean import body_text
from tui.errors import InputError, Problem
from tui.event import Event, MessageSettings, Organizer, SendingSettings, ensure_uid, is_web_link, load
from tui.recurrence import parse

Read = Callable[[str | bytes], tuple[Event | None, Sequence[Problem]]]

FULL = """\
[event]
title       = "Pathways to Work"
start       = 2027-05-06T14:00:00
end         = 2027-05-06T15:30:00
timezone    = "Europe/London"
location    = "Microsoft Teams"
join_url    = "https://teams.example/l/meetup-join/abc"
description = "Bring nothing.\\nCome as you are."
uid         = "abc123"

[organizer]
name  = "Consultation team"
email = "consultations@Department.Example"

[message]
template    = "mine"
subject     = "Come"
reply_to    = "help@department.example"
from        = "The Team <team@department.example>"
attach_ics  = false
attachments = ["agenda.pdf", "maps/way.png"]
language    = "cy"

[columns]
email    = "Contact e-mail"
name     = "Full name"
id       = "Ref"
group    = "Audience"
status   = "Attendee Status"
internal = ["Role", "Notes"]

[sending]
account     = "work"
per_minute  = 7.5
per_day     = 400
connections = 2
"""

LEAST = """\
[event]
title = "Pathways to Work"
start = 2027-05-06T14:00:00
duration = "90m"
timezone = "Europe/London"

[organizer]
name = "Team"
email = "team@department.example"
"""


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def read(content: str | bytes) -> tuple[Event | None, Sequence[Problem]]:
        path = tmp_path / "event.toml"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return load(path, "event.toml")

    return read


@pytest.fixture
def good(read: Read) -> Callable[[str | bytes], Event]:
    def good(content: str | bytes) -> Event:
        event, problems = read(content)
        assert list(problems) == []
        assert event is not None
        return event

    return good


@pytest.fixture
def wrong(read: Read) -> Callable[[str | bytes], Problem]:
    """The one problem that a file has."""

    def wrong(content: str | bytes) -> Problem:
        event, problems = read(content)
        assert event is None
        (problem,) = problems
        assert (problem.severity, problem.code, problem.file) == ("error", "bad-event", "event.toml")
        return problem

    return wrong


Good = Callable[[str | bytes], Event]
Wrong = Callable[[str | bytes], Problem]


def with_line(old: str, new: str, source: str = LEAST) -> str:
    assert old in source
    return source.replace(old, new)


def in_event(line: str, source: str = LEAST) -> str:
    return with_line("[event]\n", f"[event]\n{line}\n", source)


def timed(start: str, end: str = "", zone: str = "Europe/London") -> str:
    text = with_line("start = 2027-05-06T14:00:00", f"start = {start}")
    text = with_line('"Europe/London"', f'"{zone}"', text)
    return with_line('duration = "90m"', f"end = {end}", text) if end else text


# --- until when to ask for another address ----------------------------------------------------------------------------


def test_reply_by_is_a_day_in_the_events_language(good: Good) -> None:
    event = good(in_event("reply_by = 2027-04-30"))
    assert event.reply_by == date(2027, 4, 30) and event.reply_by_in_words == "Friday 30 April 2027"
    german = replace(event, message=MessageSettings(language="de"))
    assert german.reply_by_in_words == "Freitag, 30. April 2027"
    assert good(LEAST).reply_by is None and good(LEAST).reply_by_in_words == ""


def test_people_are_kept_until_the_end_of_a_day_where_the_event_is(good: Good) -> None:
    event = good(in_event("keep_until = 2027-08-31"))
    assert event.keep_until == date(2027, 8, 31) and event.keep_until_in_words == "Tuesday 31 August 2027"
    assert not event.is_kept_too_long(datetime(2027, 8, 31, 22, 59, tzinfo=UTC))
    assert event.is_kept_too_long(datetime(2027, 8, 31, 23, 1, tzinfo=UTC)), "it is September in London"
    assert not good(LEAST).is_kept_too_long(datetime(2099, 1, 1, tzinfo=UTC)) and not good(LEAST).keep_until_in_words


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("2027-05-05", "keep_until is before the event"),
        ('"90 days"', "keep_until must be a day"),
        ("2027-08-31T10:00:00", "keep_until must be a day"),
    ],
)
def test_a_keep_until_that_makes_no_sense_is_a_problem_with_its_line(wrong: Wrong, value: str, words: str) -> None:
    problem = wrong(in_event(f"keep_until = {value}"))
    assert words in problem.message and problem.line == 2 and problem.hint


def test_the_day_of_reply_by_ends_where_the_event_is(good: Good) -> None:
    event = good(in_event("reply_by = 2027-04-30"))
    assert not event.is_too_late_to_reply(datetime(2027, 4, 30, 22, 59, tzinfo=UTC))
    assert event.is_too_late_to_reply(datetime(2027, 4, 30, 23, 1, tzinfo=UTC)), "it is 1 May in London"
    assert not good(LEAST).is_too_late_to_reply(datetime(2030, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("2027-05-07", "after the event has begun"),
        ("2027-04-30T12:00:00", "must be a day"),
        ('"30 April"', "must be a day"),
        ("30", "must be a day"),
    ],
)
def test_a_reply_by_that_makes_no_sense_is_a_problem_with_its_line(wrong: Wrong, value: str, words: str) -> None:
    problem = wrong(in_event(f"reply_by = {value}"))
    assert words in problem.message and problem.line == 2 and problem.hint


# --- what is read -----------------------------------------------------------------------------------------------------


def test_every_field_is_read(good: Good, tmp_path: Path) -> None:
    event = good(FULL)
    assert (event.title, event.location, event.uid) == ("Pathways to Work", "Microsoft Teams", "abc123")
    assert event.start.isoformat() == "2027-05-06T14:00:00+01:00"
    assert event.end.isoformat() == "2027-05-06T15:30:00+01:00"
    assert (event.timezone, event.join_url) == ("Europe/London", "https://teams.example/l/meetup-join/abc")
    assert event.description == "Bring nothing.\nCome as you are."
    assert event.organizer == Organizer("Consultation team", "consultations@department.example")
    assert event.message == MessageSettings(
        template="mine",
        subject="Come",
        reply_to="help@department.example",
        sender=Organizer("The Team", "team@department.example"),
        attach_ics=False,
        attachments=(tmp_path / "agenda.pdf", tmp_path / "maps/way.png"),
        language="cy",
    )
    assert event.columns == {
        "email": "Contact e-mail",
        "name": "Full name",
        "id": "Ref",
        "group": "Audience",
        "status": "Attendee Status",
        "internal": ("Role", "Notes"),
    }
    assert event.sending == SendingSettings(account="work", per_minute=7.5, per_day=400, connections=2)


def test_what_is_optional_may_be_left_out(good: Good) -> None:
    event = good(LEAST)
    assert (event.location, event.join_url, event.description, event.uid) == ("", "", "", "")
    assert event.message == MessageSettings()
    assert event.sending == SendingSettings()
    assert event.columns == {"internal": ()}


def test_a_blank_optional_text_is_as_if_it_were_left_out(good: Good) -> None:
    event = good(LEAST + '[message]\nsubject = " "\ntemplate = ""\n[sending]\naccount = ""\n')
    assert event.message == MessageSettings()
    assert event.sending == SendingSettings()


@pytest.mark.parametrize("before", [b"\xef\xbb\xbf", b""])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_a_byte_order_mark_and_windows_line_ends_are_no_matter(good: Good, before: bytes, line_end: str) -> None:
    assert good(before + FULL.replace("\n", line_end).encode()) == good(FULL)


def test_several_accounts_are_one_of_a_desks_own_and_those_that_workers_have_besides(good: Good) -> None:
    assert good(LEAST + '[sending]\naccounts = ["north", "south"]\n').sending == SendingSettings("north", ("south",))
    assert good(LEAST + '[sending]\naccounts = ["north"]\n').sending == SendingSettings("north")


def test_a_from_without_a_name_takes_the_organizers(good: Good) -> None:
    event = good(LEAST + '[message]\nfrom = "team@other.example"\n')
    assert event.message.sender == Organizer("Team", "team@other.example")


def test_a_domain_of_other_letters_is_written_as_it_travels(good: Good) -> None:
    event = good(with_line("team@department.example", "team@bücher.example"))
    assert event.organizer.email == "team@xn--bcher-kva.example"


def test_the_event_does_not_show_its_uid(good: Good) -> None:
    assert "abc123" not in repr(good(FULL))


def test_a_time_may_be_written_as_a_text(good: Good) -> None:
    assert good(timed('"2027-05-06 14:00"')).start == good(LEAST).start


@pytest.mark.parametrize(
    ("duration", "minutes"),
    [
        *(("90m", 90), ("90 min", 90), ("90 minutes", 90), ("1h30m", 90), ("1h 30m", 90), ("2h", 120), ("1 hour", 60)),
        *(("1d", 1440), ("1D2H3M", 1563), (" 45m ", 45), ("2 hrs", 120)),
    ],
)
def test_a_duration_is_a_number_of_days_hours_and_minutes(good: Good, duration: str, minutes: int) -> None:
    event = good(with_line("90m", duration))
    assert event.end - event.start == timedelta(minutes=minutes)


@pytest.mark.parametrize("duration", ['""', '"0m"', '"90"', '"-5m"', '"1.5h"', '"soon"', "90", "true", '"٣m"'])
def test_anything_else_is_no_duration(wrong: Wrong, duration: str) -> None:
    problem = wrong(with_line('"90m"', duration))
    assert problem.line == 4
    assert "not a length of time" in problem.message
    assert problem.hint == 'Write "90m" or "1h30m".'


def test_a_duration_is_time_that_passes_even_while_the_clocks_change(good: Good) -> None:
    event = good(with_line("90m", "3h", timed("2027-03-28T00:00:00")))
    assert event.end.isoformat() == "2027-03-28T04:00:00+01:00"


# --- when, in words ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "end", "zone", "words", "short"),
    [
        (
            *("2027-05-06T14:00:00", "2027-05-06T15:30:00", "Europe/London"),
            "Thursday 6 May 2027, 14:00 to 15:30 London time (UTC+01:00)",
            "Thu 6 May 2027, 14:00 to 15:30, London",
        ),
        (
            *("2027-12-31T22:00:00", "2028-01-01T01:00:00", "America/New_York"),
            "Friday 31 December 2027, 22:00 to Saturday 1 January 2028, 01:00 New York time (UTC-05:00)",
            "Fri 31 Dec 2027, 22:00 to Sat 1 Jan 2028, 01:00, New York",
        ),
        (
            *("2027-05-06T14:00:00", "2027-05-06T15:00:00", "UTC"),
            "Thursday 6 May 2027, 14:00 to 15:00 UTC",
            "Thu 6 May 2027, 14:00 to 15:00, UTC",
        ),
        (
            *("2027-05-06T14:00:00", "2027-05-06T15:00:00", "Asia/Kathmandu"),
            "Thursday 6 May 2027, 14:00 to 15:00 Kathmandu time (UTC+05:45)",
            "Thu 6 May 2027, 14:00 to 15:00, Kathmandu",
        ),
    ],
)
def test_when_is_a_phrase_that_names_the_zone(
    good: Good, start: str, end: str, zone: str, words: str, short: str
) -> None:
    event = good(timed(start, end, zone))
    assert (event.when, event.when_short) == (words, short)


def spoken_in(language: str, source: str | None = None) -> str:
    return (source or timed("2027-05-06T14:00:00")) + f'[message]\nlanguage = "{language}"\n'


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("de", "Donnerstag, 6. Mai 2027, 14:00–15:30 Uhr Mitteleuropäische Sommerzeit (UTC+02:00)"),
        ("de-AT-1996", "Donnerstag, 6. Mai 2027, 14:00–15:30 Uhr Mitteleuropäische Sommerzeit (UTC+02:00)"),
        ("fr-FR", "jeudi 6 mai 2027, 14:00 – 15:30 heure d’été d’Europe centrale (UTC+02:00)"),
        ("fr-DE", "jeudi 6 mai 2027, 14:00 – 15:30 heure d’été d’Europe centrale (UTC+02:00)"),
        ("cy", "Dydd Iau, 6 Mai 2027, 14:00 – 15:30 Amser Haf Canolbarth Ewrop (UTC+02:00)"),
        ("pt-BR", "quinta-feira, 6 de maio de 2027, 14:00 – 15:30 Horário de Verão da Europa Central (UTC+02:00)"),
        ("ar", "الخميس، 6 مايو 2027، 2:00–3:30 م توقيت وسط أوروبا الصيفي (UTC+02:00)"),
        ("zh-Hans", "2027年5月6日星期四 14:00–15:30 中欧夏令时间 (UTC+02:00)"),
        ("ko", "2027년 5월 6일 목요일 오후 2:00~3:30 중부유럽 하계 표준시 (UTC+02:00)"),
        ("en-US", "Thursday, May 6, 2027, 2:00 – 3:30\xa0PM Central European Summer Time (UTC+02:00)"),
        ("EN-gb", "Thursday 6 May 2027, 14:00 to 15:30 Berlin time (UTC+02:00)"),
        ("en", "Thursday 6 May 2027, 14:00 to 15:30 Berlin time (UTC+02:00)"),
    ],
)
def test_when_is_in_the_events_language(good: Good, language: str, words: str) -> None:
    assert good(spoken_in(language, timed("2027-05-06T14:00:00", zone="Europe/Berlin"))).when == words


@pytest.mark.parametrize(
    ("language", "short"),
    [
        ("de", "Do., 6. Mai 2027, 14:00–15:30 Uhr, London"),
        ("fr", "jeu. 6 mai 2027, 14:00 – 15:30, Londres"),
        ("en-AU", "Thu, 6 May 2027, 2:00 – 3:30\xa0pm, London"),
    ],
)
def test_so_is_the_line_on_a_screen(good: Good, language: str, short: str) -> None:
    assert good(spoken_in(language)).when_short == short


def test_a_series_that_is_not_in_english_is_told_by_its_dates(good: Good) -> None:
    def when(rule: str) -> str:
        return good(spoken_in("de", in_event(f'rrule = "{rule}"'))).when.partition("; ")[2]

    assert when("FREQ=WEEKLY;COUNT=3") == "13. Mai 2027 und 20. Mai 2027"
    assert when("FREQ=WEEKLY;COUNT=30") == "13. Mai 2027, 20. Mai 2027, 27. Mai 2027 … 25. Nov. 2027"
    assert when("FREQ=WEEKLY") == "13. Mai 2027, 20. Mai 2027, 27. Mai 2027 …"
    assert when("FREQ=WEEKLY;COUNT=1") == ""


def test_a_series_in_american_english_has_american_dates(good: Good) -> None:
    event = good(spoken_in("en-US", in_event('rrule = "FREQ=WEEKLY;COUNT=6"')))
    assert event.when.startswith("every Thursday, 6 times, from Thursday, May 6, 2027, 2:00")


def test_whole_days_are_in_the_events_language(good: Good) -> None:
    event = good(spoken_in("es", days("2027-05-06", "end = 2027-05-07")))
    assert event.when == "jueves, 6 de mayo de 2027 – viernes, 7 de mayo de 2027"
    assert good(spoken_in("es", days("2027-05-06"))).when == "jueves, 6 de mayo de 2027"


def test_the_two_hours_when_the_clocks_go_back_are_told_apart(good: Good) -> None:
    hours = [good(spoken_in("de", timed(f"2027-10-31T01:30:00{offset}"))).when for offset in ("+01:00", "+00:00")]
    assert ["(UTC+01:00)" in hours[0], "(UTC+00:00)" in hours[1]] == [True, True]


@pytest.mark.parametrize(
    ("language", "hint"),
    [
        ("xx", 'Write one such as "en-GB", "de" or "fr-CA".'),
        ("de_DE", 'Did you mean "de-DE"?'),
        ("german", 'Did you mean "de"?'),
        ("Deutsch", 'Did you mean "de"?'),
        ("en-XX", 'Did you mean "en"?'),
        ("und", 'Write one such as "en-GB", "de" or "fr-CA".'),
        ("smj", 'Write one such as "en-GB", "de" or "fr-CA".'),
        ("de-u-nu-arab", None),
    ],
)
def test_a_language_without_names_for_its_days_is_told_with_its_line(
    wrong: Wrong, language: str, hint: str | None
) -> None:
    problem = wrong(spoken_in(language))
    assert (problem.line, problem.value) == (LEAST.count("\n") + 2, language)
    assert hint in (None, problem.hint)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(language=st.from_regex(r"[A-Za-z]{1,4}([-_][A-Za-z0-9]{1,9}){0,3}", fullmatch=True))
def test_no_language_whatever_is_a_traceback(read: Read, language: str) -> None:
    event, problems = read(spoken_in(language))
    assert (event is None) == bool(problems)
    assert event is None or (str(event.start.year) in event.when and event.when_short)


def test_every_language_that_is_known_says_every_kind_of_when() -> None:
    zone = ZoneInfo("America/New_York")
    start, end = datetime(2027, 12, 31, 22, tzinfo=zone), datetime(2028, 1, 1, 1, tzinfo=zone)
    spans = [
        dates.Span(start, start + timedelta(hours=1), "America/New_York"),
        dates.Span(start, end, "America/New_York", rule=parse("FREQ=WEEKLY;COUNT=20", start, False)),
        dates.Span(start.replace(hour=0), end.replace(hour=0), "America/New_York", all_day=True),
    ]
    known = 0
    for tag in (identifier.replace("_", "-") for identifier in locale_identifiers()):
        with suppress(dates.UnknownLanguage):
            dates.check_language(tag)
            known += 1
            for said in (words(span, tag) for span in spans for words in (dates.when, dates.when_short)):
                assert said == body_text(said)
                assert "\u202f" not in said and "\n" not in said
    assert known > 900


def test_english_needs_no_babel() -> None:
    code = "import sys, pathlib, tui.event as e; x = e.load(pathlib.Path(sys.argv[1]), 'x')[0]; x.when; "
    code += "print('babel' in sys.modules)"
    for language, is_loaded in (("en-GB", "False"), ("de", "True")):
        with TemporaryDirectory() as folder:
            path = Path(folder, "event.toml")
            path.write_text(spoken_in(language))
            done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=True)
            assert done.stdout.strip() == is_loaded


def test_an_event_knows_the_lines_of_its_file(good: Good) -> None:
    event = good(LEAST)
    assert event.line_of("event", "timezone") == LEAST.split("\n").index('timezone = "Europe/London"') + 1
    assert event.line_of("event", "location") == event.line_of("event", "")
    assert event.line_of("columns", "email") is None


# --- times that do not exist, or exist twice --------------------------------------------------------------------------


def test_a_time_that_the_clocks_leap_over_is_refused(wrong: Wrong) -> None:
    problem = wrong(timed("2027-03-28T01:30:00"))
    assert problem.line == 3
    assert problem.message == "01:30 does not exist on 28.03.2027 in Europe/London: the clocks go forward then."


def test_a_time_that_happens_twice_is_asked_about_with_both_answers(wrong: Wrong) -> None:
    problem = wrong(timed("2027-10-31T01:30:00"))
    assert problem.line == 3
    assert "happens twice" in problem.message
    assert problem.hint == "Say which one: start = 2027-10-31T01:30:00+01:00 or 2027-10-31T01:30:00+00:00."


@pytest.mark.parametrize(("offset", "utc"), [("+01:00", 0), ("+00:00", 1), ("Z", 1)])
def test_an_offset_says_which_of_the_two_is_meant(good: Good, offset: str, utc: int) -> None:
    event = good(timed(f"2027-10-31T01:30:00{offset}"))
    assert event.start.astimezone(UTC) == datetime(2027, 10, 31, utc, 30, tzinfo=UTC)
    assert f"{event.start:%H:%M %z}" == f"01:30 +0{1 - utc}00"


def test_a_time_in_another_zone_is_shown_in_the_events(good: Good) -> None:
    assert good(timed("2027-05-06T09:00:00-04:00")).start.isoformat() == "2027-05-06T14:00:00+01:00"


def test_the_end_is_judged_by_the_same_rules(wrong: Wrong) -> None:
    problem = wrong(timed("2027-03-28T00:30:00", "2027-03-28T01:30:00"))
    assert problem.line == 4
    assert "does not exist" in problem.message


@pytest.mark.parametrize("end", ["2027-05-06T14:00:00", "2027-05-06T13:59:59", "2026-05-06T15:00:00"])
def test_an_event_ends_after_it_begins(wrong: Wrong, end: str) -> None:
    problem = wrong(timed("2027-05-06T14:00:00", end))
    assert problem.line == 4
    assert "end after it begins" in problem.message


def test_which_is_judged_by_the_instant_and_not_by_the_clock(good: Good, wrong: Wrong) -> None:
    good(timed("2027-10-31T01:50:00+01:00", "2027-10-31T01:10:00+00:00"))
    wrong(timed("2027-10-31T01:10:00+00:00", "2027-10-31T01:50:00+01:00"))


@pytest.mark.parametrize(
    "start",
    [
        *('"tomorrow"', '"2027-05-06"', '"06.05.2027 14:00"', "2027-05-06", "14:00:00", "20270506", "true", "[1]"),
        *('"25:00"', '"2027-05-06T25:00"', "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00"),
    ],
)
def test_anything_but_a_date_with_a_time_is_refused(wrong: Wrong, start: str) -> None:
    assert wrong(timed(start)).line == 3


@pytest.mark.parametrize("start", ["0001-01-01T00:00:00", "9999-12-31T23:59:59"])
def test_the_ends_of_the_calendar_are_no_traceback(read: Read, start: str) -> None:
    event, problems = read(timed(start, zone="Asia/Tokyo").replace("90m", "9999d"))
    assert event is None
    assert problems


def test_an_event_has_an_end_or_a_duration_and_not_both(wrong: Wrong) -> None:
    assert wrong(with_line('duration = "90m"\n', "")).message == "[event] needs an end or a duration."
    problem = wrong(in_event("end = 2027-05-06T15:30:00"))
    assert (problem.message, problem.line) == ("[event] has both an end and a duration.", 2)


@pytest.mark.parametrize(
    ("zone", "hint"),
    [
        ("Europe/Londn", "Did you mean Europe/London?"),
        ("europe/london", "Did you mean Europe/London?"),
        ("Europe", None),
        ("../etc/passwd", None),
        ("/etc/localtime", None),
        ("x" * 300, 'Write an IANA name such as "Europe/London".'),
    ],
)
def test_a_zone_that_is_none_gets_the_nearest_one_as_a_hint(wrong: Wrong, zone: str, hint: str | None) -> None:
    problem = wrong(timed("2027-05-06T14:00:00", zone=zone))
    assert (problem.line, problem.value) == (5, zone)
    assert hint in (problem.hint, None)


# --- what is wrong ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "where", "words"),
    [
        ('title = "Pathways to Work"\n', 1, "[event] title is missing."),
        ("start = 2027-05-06T14:00:00\n", 1, "[event] start is missing."),
        ('timezone = "Europe/London"\n', 1, "[event] timezone is missing."),
        ('name = "Team"\n', 7, "[organizer] name is missing."),
        ('email = "team@department.example"\n', 7, "[organizer] email is missing."),
    ],
)
def test_what_is_missing_is_named_at_its_table(wrong: Wrong, line: str, where: int, words: str) -> None:
    problem = wrong(with_line(line, ""))
    assert (problem.line, problem.message) == (where, words)
    assert problem.hint


def test_of_a_missing_table_everything_is_missing(read: Read) -> None:
    event, problems = read("")
    assert event is None
    assert {problem.message for problem in problems} == {
        "[event] title is missing.",
        "[event] start is missing.",
        "[event] timezone is missing.",
        "[event] needs an end or a duration.",
        "[organizer] name is missing.",
        "[organizer] email is missing.",
    }


@pytest.mark.parametrize("title", ['""', '"   "', r'"\u200b"', r'"\u202e\n"'])
def test_a_title_of_nothing_that_can_be_seen_is_missing(wrong: Wrong, title: str) -> None:
    assert wrong(with_line('"Pathways to Work"', title)).message == "[event] title is missing."


@pytest.mark.parametrize(
    ("addition", "words"),
    [
        ("[message]\nattach_ics = 1", "attach_ics must be true or false"),
        ("[message]\nattachments = 'agenda.pdf'", "attachments must be a list of texts"),
        ("[message]\nattachments = [1]", "attachments must be a list of texts"),
        ("[message]\nreviewed = 'map.bin'", "reviewed must be a list of texts"),
        ("[message]\nreviewed = ['map.bin']", "all 64 characters of its SHA-256"),
        (f"[message]\nreviewed = ['map.bin@{'0' * 63}']", "all 64 characters of its SHA-256"),
        (f"[message]\nreviewed = ['@{'0' * 64}']", "all 64 characters of its SHA-256"),
        ("[message]\nsubject = 1", "subject must be a text"),
        ("[message]\ntemplate = ['a']", "template must be a text"),
        ("[message]\nreply_to = 'nobody'", "reply_to is not an e-mail address: has no @"),
        ("[message]\nreply_to = 'a@b.example, c@d.example'", "reply_to is not an e-mail address"),
        ("[message]\nreply_to = 5", "reply_to must be a text"),
        ("[message]\nfrom = 'The Team'", "from is not an e-mail address"),
        ('[message]\nfrom = "a@b.example\\r\\nBcc: c@d.example"', "from is not an e-mail address"),
        ("[message]\nlanguage = 'English please'", "language is not a language"),
        ('[message]\nlanguage = "en\\r\\nBcc: x@y.example"', "language is not a language"),
        ("[columns]\nemail = 1", "email must be a text"),
        ("[columns]\ninternal = 'Role'", "internal must be a list of texts"),
        ("[sending]\nper_minute = 'fast'", "per_minute must be a number of at least 0"),
        ("[sending]\nper_minute = -1", "per_minute must be a number of at least 0"),
        ("[sending]\nper_minute = nan", "per_minute must be a number of at least 0"),
        ("[sending]\nper_minute = inf", "per_minute must be a number of at least 0"),
        ("[sending]\nper_day = -1", "per_day must be a number of at least 0"),
        ("[sending]\nper_day = 2.5", "per_day must be a whole number"),
        ("[sending]\nconnections = 0", "connections must be a number of at least 1"),
        ("[sending]\nconnections = 1.5", "connections must be a whole number"),
        ("[sending]\nconnections = true", "connections must be a number of at least 1"),
        ("[sending]\naccount = 3", "account must be a text"),
        ('[sending]\naccount = ["north", "south"]', "account is one account; several stand in accounts"),
        ('[sending]\naccount = "north"\naccounts = ["south"]', "account is one account; several stand in accounts"),
        ('[sending]\naccounts = "north"', "accounts must be a list of names"),
        ("[sending]\naccounts = []", "accounts must be a list of names"),
        ('[sending]\naccounts = ["north", 3]', "accounts: entry 2 is no account's name"),
        ('[sending]\naccounts = ["north", " "]', "accounts: entry 2 is no account's name"),
        ('[sending]\naccounts = ["north", "north"]', "accounts: entry 2 names “north” again"),
    ],
)
def test_a_value_of_the_wrong_kind_is_named_with_its_line(wrong: Wrong, addition: str, words: str) -> None:
    problem = wrong(LEAST + "# the rest\n" + addition)
    assert words in problem.message
    assert problem.line == 12


@pytest.mark.parametrize(
    "url", ["teams.example/x", "javascript:alert(1)", "data:text/html,x", "https://", "https://a b", "ftp://a.example/"]
)
def test_a_join_link_is_a_web_link(wrong: Wrong, url: str) -> None:
    problem = wrong(in_event(f'join_url = "{url}"'))
    assert (problem.line, problem.hint) == (2, "It begins with https://.")
    assert not is_web_link(url)


def test_an_organizer_with_a_bad_address_gets_the_address_that_was_meant_as_a_hint(wrong: Wrong) -> None:
    problem = wrong(with_line("team@department.example", "Team <team@department.example>"))
    assert (problem.line, problem.hint) == (9, "team@department.example")


@pytest.mark.parametrize(
    ("source", "line", "words", "hint"),
    [
        (in_event('tittle = "x"'), 2, "[event] has no “tittle”.", "Did you mean title?"),
        (in_event('  "loc ation" = "x"'), 2, "[event] has no “loc ation”.", "Did you mean location?"),
        (in_event("event.title.x = 1"), 2, "[event] has no “event”.", None),
        (LEAST + "\n[organiser]\nname = 'x'\n", 11, "[organiser] is not a part of", "Did you mean [organizer]?"),
        (LEAST + "\n[zzz]\n", 11, "[zzz] is not a part of", "It knows [event], [organizer],"),
        ('title = "x"\n' + LEAST, 1, "“title” stands outside of every table.", "It belongs under [event]."),
        ("sending = 5\n" + LEAST, 1, "“sending” must be a table", None),
        (LEAST + "[[sending]]\naccount = 'x'\n", 10, "“sending” must be a table", None),
        (LEAST + "[sending.smtp]\nhost = 'x'\n", 10, "[sending] has no “smtp”.", None),
    ],
)
def test_what_an_event_file_does_not_know_gets_the_nearest_that_it_does(
    wrong: Wrong, source: str, line: int, words: str, hint: str | None
) -> None:
    problem = wrong(source)
    assert words in problem.message
    assert problem.line == line
    assert hint is None or (problem.hint or "").startswith(hint)


def test_all_problems_are_told_at_once_in_the_order_of_the_file(read: Read) -> None:
    source = LEAST.replace('"Team"', "5").replace('"90m"', '"x"') + "[message]\nzz = 1\nyy = 2\nxx = 3\n"
    for _ in range(3):
        assert [problem.line for problem in read(source)[1]] == [4, 8, 11, 12, 13]


def test_lines_are_counted_past_texts_of_several_lines_that_look_like_keys(wrong: Wrong) -> None:
    text = '"""\n[event]\ntitel = 1\n[message]\n"""'
    problem = wrong(in_event(f"description = {text}") + "[message]\ntitel = 1\n")
    assert (problem.line, problem.message) == (16, "[message] has no “titel”.")


def test_lines_are_those_of_an_editor_whatever_a_text_holds(wrong: Wrong) -> None:
    assert wrong(in_event('description = "a\u2028b\u0085c"\ntitel = 1')).line == 3


@pytest.mark.parametrize(
    ("source", "line", "hint"),
    [
        ("[event]\ntitle = Pathways\n", 2, "double quotes"),
        ("[event]\ntitle = 'a'\ntitle = 'b'\n", 3, "said twice"),
        ("[event]\ntitle = 'a'\n[event]\n", 3, "said twice"),
        ("[event\n", 1, "between brackets"),
        ("[event]\nstart = 2027-02-30T10:00:00\n", 2, "a date and time that exists"),
        ('[event]\ntitle = "a\x1bb"\n', 2, "double quotes"),
        ('[event]\ntitle = "\\ud800"\n', 2, "double quotes"),
        ('[event]\ntitle = """a\nb\n', 3, "double quotes"),
    ],
)
def test_what_is_no_toml_is_told_with_its_line_and_what_to_do(wrong: Wrong, source: str, line: int, hint: str) -> None:
    problem = wrong(source)
    assert problem.line == line
    assert hint in (problem.hint or "")
    assert problem.message.startswith("The event file cannot be read")
    assert "(at line" not in problem.message


@pytest.mark.parametrize(
    "source",
    ["x = " + "[" * 20000, "x = " + "9" * 6000, "x." * 1500 + "y = 1", "\x00"],
    ids=["brackets", "digits", "dots", "NUL"],
)
def test_a_file_made_to_break_the_reader_is_a_problem_like_any_other(read: Read, source: str) -> None:
    event, problems = read(source)
    assert event is None
    assert problems[0].code == "bad-event"


def test_a_file_that_is_not_utf_8_is_told_with_the_line_of_the_first_wrong_byte(wrong: Wrong) -> None:
    problem = wrong(with_line('"Team"', '"Zoë"').encode("cp1252"))
    assert (problem.line, problem.message) == (8, "The event file is not UTF-8 text.")
    wrong(LEAST.encode("utf-16"))


def test_a_missing_file_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        load(tmp_path / "event.toml", "some/event.toml")
    assert caught.value.message == "There is no some/event.toml."
    assert (caught.value.code, caught.value.exit_code) == ("missing-event", 1)
    assert "init" in (caught.value.hint or "")


def test_a_folder_in_its_place_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        load(tmp_path, "event.toml")


# --- hostile texts ----------------------------------------------------------------------------------------------------


def test_controls_and_bidi_characters_do_not_reach_the_event(good: Good) -> None:
    hostile = r'"A\u001b]52;c;eA==\u0007\r\nBcc: x@y.example\u202e\u0085z"'
    event = good(in_event(f"location = {hostile}", with_line('"Team"', hostile)))
    for text in (event.location, event.organizer.name):
        assert text == "A]52;c;eA== Bcc: x@y.examplez"


def test_the_lines_of_a_description_stay_and_its_controls_go(good: Good) -> None:
    assert good(in_event(r'description = "a\r\nb\rc\u001b[31m\u2028d"')).description == "a\nb\nc[31m\nd"


def quoted(text: str) -> str:
    return '"' + "".join(f"\\U{ord(char):08X}" for char in text) + '"'


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(title=TEXT, location=TEXT, description=TEXT, name=TEXT)
def test_no_text_whatever_breaks_the_reader_or_brings_a_control_in(
    read: Read, title: str, location: str, description: str, name: str
) -> None:
    source = with_line('"Team"', quoted(name), with_line('"Pathways to Work"', quoted(title)))
    event, _ = read(in_event(f"location = {quoted(location)}\ndescription = {quoted(description)}", source))
    if event is None:
        return
    for text in (event.title, event.location, event.organizer.name):
        assert not any(
            unicodedata.category(char) in ("Cc", "Zl", "Zp") or char in "\u202a\u202e\u2066" for char in text
        )
    assert "\r" not in event.description
    assert event.title
    assert event.organizer.name


# --- the uid ----------------------------------------------------------------------------------------------------------


def test_an_event_without_a_uid_gets_one_that_is_saved_and_nothing_else_changes(good: Good, tmp_path: Path) -> None:
    source = LEAST.replace("start =", "# about time\nstart   =  ").replace("[organizer]", "[organizer]  # who")
    event = ensure_uid(good(source))
    assert len(event.uid) == 32
    after = (tmp_path / "event.toml").read_text()
    (added,) = set(after.splitlines()) - set(source.splitlines())
    assert added == f'uid = "{event.uid}"'
    assert after.replace(added + "\n", "") == source
    assert good(after) == event
    assert ensure_uid(good(after)).uid == event.uid


def test_every_event_gets_another_uid(good: Good) -> None:
    assert ensure_uid(good(LEAST)).uid != ensure_uid(good(LEAST)).uid


def test_a_uid_that_is_there_is_left_alone_with_its_file(good: Good, tmp_path: Path) -> None:
    event = good(FULL)
    before = (tmp_path / "event.toml").stat().st_mtime_ns
    assert ensure_uid(event) is event
    assert (tmp_path / "event.toml").stat().st_mtime_ns == before


def test_a_blank_uid_is_filled_in(good: Good) -> None:
    event = ensure_uid(good(in_event('uid = ""  # by init')))
    assert event.uid
    assert good(event.path.read_bytes()).uid == event.uid


def test_windows_line_ends_stay_when_a_uid_is_saved(good: Good) -> None:
    event = ensure_uid(good(LEAST.replace("\n", "\r\n").encode()))
    assert event.path.read_bytes().replace(b"\r\n", b"").count(b"\n") == 0


def test_a_uid_that_somebody_else_saved_meanwhile_is_taken(good: Good) -> None:
    late = good(LEAST)
    first = ensure_uid(late)
    assert ensure_uid(late).uid == first.uid


def test_the_file_keeps_its_permissions_and_a_link_stays_a_link(good: Good, tmp_path: Path) -> None:
    event = good(LEAST)
    real = tmp_path / "elsewhere.toml"
    event.path.rename(real)
    real.chmod(0o640)
    event.path.symlink_to(real)
    ensure_uid(event)
    assert event.path.is_symlink()
    assert "uid" in real.read_text()
    assert real.stat().st_mode & 0o777 == 0o640


def test_a_crash_while_the_uid_is_saved_leaves_the_file_as_it_was(
    good: Good, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = good(LEAST)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)  # a full disk cannot be had otherwise
    with pytest.raises(InputError, match=r"cannot be saved to event\.toml: No space"):
        ensure_uid(event)
    assert event.path.read_text() == LEAST
    assert [path.name for path in tmp_path.iterdir()] == ["event.toml"]


def test_a_file_that_changed_into_something_else_meanwhile_is_not_written(tmp_path: Path) -> None:
    event = an_event(tmp_path, uid="")
    for content in ("[event", "[organizer]\n"):
        event.path.write_text(content)
        with pytest.raises(InputError, match="the file has changed"):
            ensure_uid(event)
        assert event.path.read_text() == content


# --- whole days -------------------------------------------------------------------------------------------------------


def days(start: str, rest: str = "") -> str:
    text = with_line('timezone = "Europe/London"\n', "", with_line("start = 2027-05-06T14:00:00", f"start = {start}"))
    return with_line('duration = "90m"', rest, text)


@pytest.mark.parametrize(
    ("rest", "words", "short", "span"),
    [
        ("", "Thursday 6 May 2027, all day", "Thu 6 May 2027, all day", ("2027-05-06", "2027-05-06")),
        ("end = 2027-05-06", "Thursday 6 May 2027, all day", "Thu 6 May 2027, all day", ("2027-05-06", "2027-05-06")),
        (
            "end = 2027-05-07",
            *("Thursday 6 May 2027 to Friday 7 May 2027", "Thu 6 May 2027 to Fri 7 May 2027, all day"),
            ("2027-05-06", "2027-05-07"),
        ),
        (
            'duration = "3d"',
            *("Thursday 6 May 2027 to Saturday 8 May 2027", "Thu 6 May 2027 to Sat 8 May 2027, all day"),
            ("2027-05-06", "2027-05-08"),
        ),
    ],
)
def test_an_event_of_whole_days_needs_no_zone_and_its_end_is_its_last_day(
    good: Good, rest: str, words: str, short: str, span: tuple[str, str]
) -> None:
    event = good(days("2027-05-06", rest))
    assert (event.all_day, event.when, event.when_short, event.span) == (True, words, short, span)


def test_today_is_not_over(good: Good) -> None:
    event = good(days("2027-05-06", "end = 2027-05-07"))
    assert not event.is_over(datetime(2027, 5, 7, 23, 59, tzinfo=UTC))
    assert event.is_over(datetime(2027, 5, 8, 0, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("start", "rest", "line", "words"),
    [
        ("2027-05-06", 'duration = "90m"', 3, "the duration is not in days"),
        ("2027-05-06", "end = 2027-05-05", 4, "does not end after it begins"),
        ("2027-05-06", "end = 2027-05-06T15:00:00", 4, "the end is not"),
        ("2027-05-06", 'end = 2027-05-06\nduration = "1d"', 4, "both an end and a duration"),
        ("9999-12-31", "", 1, "too far away"),
    ],
)
def test_whole_days_and_times_do_not_mix(wrong: Wrong, start: str, rest: str, line: int, words: str) -> None:
    problem = wrong(days(start, rest))
    assert words in problem.message
    assert problem.line == line


def test_a_time_does_not_end_with_a_day(wrong: Wrong) -> None:
    assert wrong(timed("2027-05-06T14:00:00", "2027-05-07")).line == 4


# --- a series ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (
            "FREQ=WEEKLY;COUNT=6",
            "every Thursday, 6 times, from Thursday 6 May 2027, 14:00 to 15:30 London time",
        ),
        (
            "FREQ=WEEKLY;UNTIL=20270618",
            "every Thursday until Thursday 17 June 2027, from Thursday 6 May 2027, 14:00 to 15:30 London time",
        ),
        ("FREQ=DAILY", "every day, from Thursday 6 May 2027, 14:00 to 15:30 London time"),
    ],
)
def test_a_series_says_how_often_and_the_time_on_the_clock(good: Good, rule: str, words: str) -> None:
    event = good(in_event(f'rrule = "{rule}"'))
    assert event.when == words
    assert event.when_short.startswith("Thu 6 May 2027, 14:00 to 15:30, London, every ")


def test_a_series_is_over_when_its_last_meeting_has_begun(good: Good) -> None:
    event = good(in_event('rrule = "FREQ=WEEKLY;COUNT=6"'))
    assert not event.is_over(datetime(2027, 6, 10, 12, tzinfo=UTC))
    assert event.is_over(datetime(2027, 6, 10, 14, tzinfo=UTC))
    assert not good(in_event('rrule = "FREQ=WEEKLY"')).is_over(datetime(2090, 1, 1, tzinfo=UTC))


def test_whole_days_may_be_a_series(good: Good) -> None:
    event = good(in_event('rrule = "FREQ=WEEKLY;COUNT=2"', days("2027-05-06")))
    assert event.when == "every Thursday, 2 times, from Thursday 6 May 2027, all day"


def test_a_wrong_rule_is_named_on_its_line_with_what_to_write(wrong: Wrong) -> None:
    problem = wrong(in_event('rrule = "FREQ=WEEKLY;BYDAY=MO"'))
    assert (problem.line, problem.value) == (2, "FREQ=WEEKLY;BYDAY=MO")
    assert problem.message.startswith("[event] rrule: The series is every Monday")
    assert problem.hint == "Let start be the first meeting of the series."


def test_a_meeting_of_the_series_at_a_time_that_the_clocks_skip_is_refused(wrong: Wrong) -> None:
    problem = wrong(in_event('rrule = "FREQ=WEEKLY;COUNT=6"', timed("2027-03-21T01:30:00")))
    assert problem.message.startswith("01:30 does not exist on 28.03.2027, a day of the series")


def test_a_series_does_not_begin_at_the_second_of_two_equal_times(wrong: Wrong) -> None:
    problem = wrong(in_event('rrule = "FREQ=WEEKLY"', timed("2027-10-31T01:30:00+00:00")))
    assert "cannot be at the second 01:30" in problem.message


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_refused_and_nobody_waits_for_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "event.toml")
    with pytest.raises(InputError, match="it is a pipe"):
        load(tmp_path / "event.toml", "event.toml")
