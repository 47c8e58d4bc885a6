"""The calendar object: what a calendar program reads from it, and what no value can add to it."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import vobject
from dateutil.rrule import rrulestr
from hypothesis import example, given, settings
from hypothesis import strategies as st
from icalendar import Calendar

from tests.unit.making import LONDON, UID, a_revision, an_attendee, an_event, compose
from tui.errors import InputError
from tui.event import Event, Organizer
from tui.invitation.calendar import CalendarSkeleton, method
from tui.recurrence import parse

STAMP = datetime(2027, 4, 1, 9, 30, tzinfo=UTC)
PROPERTIES = {
    *("VCALENDAR.PRODID", "VCALENDAR.VERSION", "VCALENDAR.CALSCALE", "VCALENDAR.METHOD"),
    *("VEVENT.UID", "VEVENT.DTSTAMP", "VEVENT.SEQUENCE", "VEVENT.DTSTART", "VEVENT.DTEND", "VEVENT.SUMMARY"),
    *("VEVENT.LOCATION", "VEVENT.DESCRIPTION", "VEVENT.STATUS", "VEVENT.TRANSP", "VEVENT.ORGANIZER", "VEVENT.ATTENDEE"),
}


def made(
    event: Event | None = None,
    *,
    action: str = "invite",
    name: str = "Ana Ruiz",
    address: str = "ana@example.org",
    join_url: str = "https://j.example",
) -> bytes:
    return CalendarSkeleton(event or an_event(), action).fill(UID, 3, STAMP, name, address, join_url)


def read(raw: bytes) -> tuple[Any, Any]:
    """icalendar's own reading: the calendar and its one event."""
    calendar = Calendar.from_ical(raw)
    (entry,) = calendar.subcomponents
    assert entry.name == "VEVENT"
    assert not entry.errors
    return calendar, entry


def lines(raw: bytes) -> list[str]:
    """The unfolded content lines (RFC 5545 §3.1)."""
    return raw.replace(b"\r\n ", b"").decode("utf-8").split("\r\n")[:-1]


def names(raw: bytes) -> list[str]:
    component, found = "", []
    for line in lines(raw):
        name = re.split("[;:]", line, maxsplit=1)[0]
        if name == "BEGIN":
            component = line.partition(":")[2]
        elif name != "END":
            found.append(f"{component}.{name}")
    return found


def test_a_calendar_program_reads_every_fact_of_the_event() -> None:
    calendar, entry = read(made())
    assert (str(calendar["VERSION"]), str(calendar["CALSCALE"]), str(calendar["METHOD"])) == (
        "2.0",
        "GREGORIAN",
        "REQUEST",
    )
    assert str(entry["UID"]) == UID
    assert entry["SEQUENCE"] == 3
    assert entry["DTSTAMP"].dt == STAMP
    assert entry["DTSTART"].dt == an_event().start
    assert entry["DTEND"].dt == an_event().end
    assert str(entry["SUMMARY"]) == "Pathways to Work"
    assert str(entry["LOCATION"]) == "Microsoft Teams"
    assert str(entry["DESCRIPTION"]) == "No preparation is needed.\n\nhttps://j.example"
    assert str(entry["ORGANIZER"]) == "mailto:consultations@department.example"
    assert entry["ORGANIZER"].params["CN"] == "Consultation team"
    assert str(entry["ATTENDEE"]) == "mailto:ana@example.org"
    assert dict(entry["ATTENDEE"].params) == {
        "CUTYPE": "INDIVIDUAL",
        "ROLE": "REQ-PARTICIPANT",
        "PARTSTAT": "NEEDS-ACTION",
        "RSVP": "TRUE",
        "CN": "Ana Ruiz",
    }


def test_every_property_stands_there_once_and_none_besides() -> None:
    found = names(made())
    assert sorted(found) == sorted(PROPERTIES)


@pytest.mark.parametrize(
    ("action", "meth", "status", "transp"),
    [
        ("invite", "REQUEST", "CONFIRMED", "OPAQUE"),
        ("update", "REQUEST", "CONFIRMED", "OPAQUE"),
        ("cancel", "CANCEL", "CANCELLED", "TRANSPARENT"),
    ],
)
def test_the_action_decides_method_and_status(action: str, meth: str, status: str, transp: str) -> None:
    calendar, entry = read(made(action=action))
    assert str(calendar["METHOD"]) == method(action) == meth
    assert (str(entry["STATUS"]), str(entry["TRANSP"])) == (status, transp)


def test_times_are_utc_and_there_is_no_time_zone_to_get_wrong() -> None:
    start = datetime(2027, 10, 31, 1, 30, tzinfo=LONDON, fold=1)
    raw = made(an_event(start=start, end=start.astimezone(UTC) + timedelta(hours=1)))
    assert b"\r\nDTSTART:20271031T013000Z\r\n" in raw
    assert b"\r\nDTEND:20271031T023000Z\r\n" in raw
    assert b"VTIMEZONE" not in raw
    assert b"TZID" not in raw


def test_the_stamp_is_written_in_utc_whatever_zone_it_came_in() -> None:
    stamp = STAMP.astimezone(timezone(timedelta(hours=-7)))
    raw = CalendarSkeleton(an_event(), "invite").fill(UID, 0, stamp, "", "a@b.example", "")
    assert b"\r\nDTSTAMP:20270401T093000Z\r\n" in raw


@pytest.mark.parametrize(
    ("description", "join_url", "expected"),
    [
        ("About", "https://j.example", "About\n\nhttps://j.example"),
        ("", "https://j.example", "https://j.example"),
        ("About", "", "About"),
        ("", "", None),
    ],
)
def test_the_description_holds_the_events_words_and_the_attendees_link(
    description: str, join_url: str, expected: str | None
) -> None:
    _, entry = read(made(an_event(description=description), join_url=join_url))
    assert entry.get("DESCRIPTION") == expected


def test_an_attendee_without_a_name_has_none_and_an_event_without_a_place_has_none() -> None:
    _, entry = read(made(an_event(location=""), name=""))
    assert "CN" not in entry["ATTENDEE"].params
    assert "LOCATION" not in entry


def test_one_skeleton_fills_many_without_a_trace_of_the_one_before() -> None:
    skeleton = CalendarSkeleton(an_event(), "invite")
    first = skeleton.fill("one@x.example", 1, STAMP, "Ana", "ana@x.example", "https://one.example")
    second = skeleton.fill("two@x.example", 2, STAMP, "Bo", "bo@x.example", "")
    again = skeleton.fill("one@x.example", 1, STAMP, "Ana", "ana@x.example", "https://one.example")
    assert first == again
    for word in (b"one", b"Ana", b"ana"):
        assert word not in second


def test_quotes_in_a_name_become_apostrophes_because_clients_do_not_undo_their_escape() -> None:
    _, entry = read(made(an_event(organizer=Organizer('The "Team"', "t@x.example")), name='Ana "Annie" Ruiz'))
    assert entry["ATTENDEE"].params["CN"] == "Ana 'Annie' Ruiz"
    assert entry["ORGANIZER"].params["CN"] == "The 'Team'"


# --- what is hostile --------------------------------------------------------------------------------------------------

HOSTILE = st.text(
    st.one_of(
        st.sampled_from('"^\\,;:\r\n\t\0\x1b\x85\u2028\u202e\u200b= '),
        st.characters(exclude_categories=["Cs"]),
        st.sampled_from("aä漢🎉👩\u200d"),
    ),
    max_size=90,
)
INJECTION = "x\r\nATTENDEE:mailto:eve@evil.example\r\n BEGIN:VALARM"


@settings(max_examples=80, deadline=None)
@given(title=HOSTILE, location=HOSTILE, description=HOSTILE, organizer=HOSTILE, name=HOSTILE)
@example(title=INJECTION, location=INJECTION, description=INJECTION, organizer=INJECTION, name=INJECTION)
@example(title="^n", location="\\n", description="\\;,\\\\n", organizer="^'^^", name="^n;X=y:z,")
@example(title="é" * 60, location="漢" * 60, description="🎉" * 60, organizer="ä" * 60, name="👩\u200d" * 30)
def test_no_value_adds_a_property_a_parameter_or_a_long_line(
    title: str, location: str, description: str, organizer: str, name: str
) -> None:
    event = an_event(
        title=title, location=location, description=description, organizer=Organizer(organizer, "o@x.example")
    )
    raw = made(event, name=name)
    assert set(names(raw)) <= PROPERTIES
    assert len(names(raw)) == len(set(names(raw)))
    assert [line for line in lines(raw) if line.startswith("BEGIN")] == ["BEGIN:VCALENDAR", "BEGIN:VEVENT"]
    _, entry = read(raw)
    assert str(entry["ATTENDEE"]) == "mailto:ana@example.org"
    assert set(entry["ATTENDEE"].params) <= {"CUTYPE", "ROLE", "PARTSTAT", "RSVP", "CN"}
    assert set(entry["ORGANIZER"].params) <= {"CN"}
    for line in raw.split(b"\r\n"):
        assert len(line) <= 75
        line.decode("utf-8")  # no character is cut in two
        assert not re.search(rb"[\x00-\x08\x0a-\x1f\x7f]", line)


PLAIN = st.text(st.characters(exclude_categories=["Cs", "Cc", "Cf", "Zl", "Zp", "Zs"]), min_size=1, max_size=80)


@settings(max_examples=80, deadline=None)
@given(title=PLAIN, location=PLAIN, description=PLAIN, name=PLAIN)
@example(title="a\\nb", location="C:\\New;folder,x", description="^n \\N", name="d^e")
def test_every_visible_text_comes_back_as_it_was(title: str, location: str, description: str, name: str) -> None:
    raw = made(an_event(title=title, location=location, description=description), name=name, join_url="")
    _, entry = read(raw)
    assert str(entry["SUMMARY"]) == title
    assert str(entry["LOCATION"]) == location
    assert str(entry["DESCRIPTION"]) == description
    # icalendar undoes TEXT's backslashes in a parameter too, where RFC 5545 §3.2 has none: read the line itself.
    (line,) = (line for line in lines(raw) if line.startswith("ATTENDEE"))
    (written,) = re.findall(r';CN="([^"]*)":mailto:', line)
    undone = re.sub(r"\^([n'^])", lambda found: {"n": "\n", "'": '"', "^": "^"}[found[1]], written)
    assert undone == name.replace('"', "'").replace("\\", "/")


# --- in a message -----------------------------------------------------------------------------------------------------


def test_an_attendees_own_link_is_in_their_calendar_and_the_events_is_not() -> None:
    own = compose("x", an_attendee({"Join URL": "https://own.example/1"})).calendar
    assert "https://own.example/1" in own.replace("\r\n ", "")
    assert "teams.example" not in own


def test_the_attendee_is_the_recipient_letter_by_letter() -> None:
    for address in ("Ana.Ruiz+x@example.org", "o'neil@example.org", "zoë@xn--bcher-kva.example"):
        _, entry = read(compose("x", an_attendee(address=address)).calendar.encode())
        assert str(entry["ATTENDEE"]) == f"mailto:{address}"


def test_the_events_uid_is_nowhere_in_any_message() -> None:
    event = an_event()
    for action in ("invite", "update", "cancel"):
        composed = compose("{{ event.title }}", event=event, revision=a_revision(action))
        for part in (composed.raw.decode(), composed.calendar, composed.html, composed.text):
            assert event.uid not in part


# --- whole days, and series -------------------------------------------------------------------------------------------


def a_series(rule: str = "FREQ=WEEKLY;COUNT=6", **facts: Any) -> Event:
    event = an_event(**facts)
    return replace(event, rule=parse(rule, event.start, event.all_day))


def test_whole_days_have_no_time_and_end_before_the_day_after() -> None:
    midnights: dict[str, Any] = {
        "start": datetime(2027, 5, 6, tzinfo=LONDON),
        "end": datetime(2027, 5, 8, tzinfo=LONDON),
    }
    written = lines(made(event=an_event(**midnights, all_day=True)))
    assert {"DTSTART;VALUE=DATE:20270506", "DTEND;VALUE=DATE:20270508"} <= set(written)
    assert not [line for line in written if "TZ" in line]


@pytest.mark.parametrize("action", ["invite", "update", "cancel"])
def test_a_series_is_in_its_own_zone_and_brings_it_along(action: str) -> None:
    written = lines(made(event=a_series(), action=action))
    assert {
        "DTSTART;TZID=Europe/London:20270506T140000",
        "DTEND;TZID=Europe/London:20270506T153000",
        "RRULE:FREQ=WEEKLY;COUNT=6;BYDAY=TH",
    } <= set(written)
    assert written.count("BEGIN:VTIMEZONE") == written.count("BEGIN:STANDARD") == written.count("BEGIN:DAYLIGHT") == 1
    assert written.index("END:VTIMEZONE") + 1 == written.index("BEGIN:VEVENT")
    assert [line for line in written if line.startswith("X-")] == []


def test_a_series_that_ends_on_a_day_ends_in_utc() -> None:
    written = lines(made(event=a_series("FREQ=WEEKLY;UNTIL=20271111")))
    (rule,) = [line for line in written if line.startswith("RRULE:FREQ=WEEKLY")]
    assert "UNTIL=20271111T140000Z" in rule


def test_a_series_in_utc_and_one_of_whole_days_need_no_zone() -> None:
    utc = {
        "start": datetime(2027, 5, 6, 14, tzinfo=UTC),
        "end": datetime(2027, 5, 6, 15, tzinfo=UTC),
        "timezone": "UTC",
    }
    whole: dict[str, Any] = {
        "start": datetime(2027, 5, 6, tzinfo=LONDON),
        "end": datetime(2027, 5, 7, tzinfo=LONDON),
        "all_day": True,
    }
    for facts, start in ((utc, "DTSTART:20270506T140000Z"), (whole, "DTSTART;VALUE=DATE:20270506")):
        written = lines(made(event=a_series(**facts)))
        assert start in written and "RRULE:FREQ=WEEKLY;COUNT=6;BYDAY=TH" in written
        assert not [line for line in written if "TZID" in line]


def test_two_libraries_find_every_meeting_of_a_series_across_the_change_of_the_clocks() -> None:
    autumn: dict[str, Any] = {
        "start": datetime(2027, 10, 21, 14, tzinfo=LONDON),
        "end": datetime(2027, 10, 21, 15, tzinfo=LONDON),
    }
    event = a_series(**autumn)
    assert event.rule is not None
    expected = [moment.astimezone(UTC) for moment in event.rule.starts(event.start)]
    assert {moment.hour for moment in expected} == {13, 14}
    read = vobject.readOne(made(event=event).decode()).vevent
    assert [moment.astimezone(UTC) for moment in read.getrruleset(addRDate=False)] == expected
    entry: Any = Calendar.from_ical(made(event=event)).walk("VEVENT")[0]
    theirs = rrulestr(entry["RRULE"].to_ical().decode(), dtstart=entry.start)
    assert [moment.astimezone(UTC) for moment in theirs] == expected


def test_a_series_in_a_zone_that_no_program_can_be_told_of_is_refused_with_what_to_do() -> None:
    gaza = ZoneInfo("Asia/Gaza")
    times: dict[str, Any] = {
        "start": datetime(2027, 5, 6, 14, tzinfo=gaza),
        "end": datetime(2027, 5, 6, 15, tzinfo=gaza),
    }
    with pytest.raises(InputError) as caught:
        compose("Hello", event=a_series(**times, timezone="Asia/Gaza"))
    (problem,) = caught.value.problems
    assert (problem.code, problem.file, problem.value) == ("bad-event", "event.toml", "Asia/Gaza")
    assert "[[session]]" in (problem.hint or "")
    assert compose("Hello", event=an_event(**times, timezone="Asia/Gaza")).calendar
