"""An event in several sessions: what is read, who is invited to which, and that each is a message of its own."""

import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.unit.making import a_revision, a_wording, an_attendee, an_event, columns
from tests.unit.people import Book, changed, listed
from tui.attendees import Attendee
from tui.cli.output import plan_document, status_document
from tui.errors import InputError, Problem
from tui.event import Event, load
from tui.folder import Folder, open_folder
from tui.invitation import Composer
from tui.ledger import Outcome
from tui.plan import Action, event_of, find_session, make, make_resend, session_problems, sessions_of, uid_of

SAMPLE = Path(__file__).parents[2] / "samples" / "sessions"


def a_session(name: str, title: str, days: int) -> Event:
    one = an_event(title=f"Pathways to Work: {title}", session=name)
    return replace(one, start=one.start + timedelta(days=days), end=one.end + timedelta(days=days))


MORNING, NOON, EVENING = (
    a_session("am", "Morning", 0),
    a_session("noon", "Lunch, and a talk", 1),
    a_session("pm", "Eve", 2),
)
EVENT = an_event(sessions=(MORNING, NOON, EVENING))


def down_for(sessions: str, address: str = "ana@example.org", **facts: Any) -> Attendee:
    row = listed(address, **facts)
    return replace(row, columns=columns("Name", "Email", "Session"), cells=("Ana Ruiz", address, sessions))


def plan_of(event: Event, book: Book, *people: Attendee) -> list[tuple[str, str]]:
    return [(action.action, action.kind) for action in make(event, people or (listed(),), book.people).actions]


def told(*people: Attendee, event: Event = EVENT, outcome: Outcome = "accepted") -> Book:
    book = Book()
    book.put(make(event, people or (listed(),), {}).actions, outcome)
    return book


# --- the event file ---------------------------------------------------------------------------------------------------


@pytest.fixture
def read(tmp_path: Path) -> Callable[[str, str], tuple[Event | None, tuple[Problem, ...]]]:
    def read(old: str, new: str) -> tuple[Event | None, tuple[Problem, ...]]:
        text = (SAMPLE / "event.toml").read_text("utf-8")
        assert old in text
        path = tmp_path / "event.toml"
        path.write_text(text.replace(old, new, 1), "utf-8")
        return load(path, "event.toml")

    return read


Read = Callable[[str, str], tuple[Event | None, tuple[Problem, ...]]]


def test_each_session_is_an_event_with_what_it_does_not_say_itself_from_the_whole() -> None:
    event, problems = load(SAMPLE / "event.toml", "event.toml")
    assert event is not None and problems == ()
    welcome, cv, visit = event.each
    assert [one.title for one in event.each] == [
        *("Skills week: Welcome", "Skills week: Writing a CV", "Skills week: Visit to an employer")
    ]
    assert (welcome.session, welcome.location, welcome.join_url) == ("welcome", event.location, event.join_url)
    assert welcome.when == "Monday 7 June 2027, 10:00 to 10:45 London time (UTC+01:00)"
    assert cv.join_url.endswith("writing-a-cv")
    assert (visit.all_day, visit.when, visit.join_url) == (True, "Thursday 10 June 2027, all day", "")
    assert visit.description == "Wear sturdy shoes."
    assert event.when == "3 sessions from Monday 7 June 2027 to Thursday 10 June 2027"
    assert all(one.uid == event.uid and one.organizer == event.organizer for one in event.each)


@pytest.mark.parametrize(
    ("old", "new", "words", "line"),
    [
        ('id       = "cv"', 'id       = "Welcome"', "Two sessions are called “Welcome”", 18),
        ('id       = "cv"\ntitle    = "Writing a CV"\n', "", "A session has no name", 18),
        ("start    = 2027-06-08T14:00:00\n", "", "[[session]] start is missing", 18),
        ("end      = 2027-06-08T16:00:00", "end = 2027-06-08T13:00:00", "does not end after it begins", 22),
        ("start    = 2027-06-08T14:00:00", 'start = "soon:"', "[[session]] start “soon:” is not", 21),
        ('duration = "45m"', 'duration = "45m"\nrrule = "x"', "[[session]] has no “rrule”", 17),
        (
            '"https://teams.example/l/meetup-join/writing-a-cv"',
            '"nowhere"',
            "[[session]] join_url is not a web link",
            23,
        ),
        ("timezone ", 'rrule = "FREQ=DAILY"\ntimezone ', "An event in sessions has no rrule", 6),
        ('timezone    = "Europe/London"', "", "[event] timezone is missing", 4),
        ("Wear sturdy shoes.", '" + 1', "cannot be read", 31),
    ],
)
def test_what_is_wrong_with_a_session_is_named_on_its_line(
    read: Read, old: str, new: str, words: str, line: int
) -> None:
    event, problems = read(old, new)
    assert event is None
    assert words in problems[0].message
    assert problems[0].line == line


def test_one_pair_of_brackets_is_not_enough(tmp_path: Path) -> None:
    path = tmp_path / "event.toml"
    path.write_text(
        '[event]\ntitle = "T"\nstart = 2027-05-06\n[session]\n[organizer]\nname = "T"\nemail = "t@a.example"\n'
    )
    event, (problem,) = load(path, "event.toml")
    assert event is None
    assert (problem.line, problem.hint) == (4, "Write [[session]] on a line of its own.")


# --- who comes to which -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cell", "sessions"),
    [
        ("", ["am", "noon", "pm"]),
        ("   ", ["am", "noon", "pm"]),
        ("pm", ["pm"]),
        ("PM; am", ["am", "pm"]),
        ("Morning,Eve", ["am", "pm"]),
        ("am\npm", ["am", "pm"]),
        ("Lunch, and a talk", ["noon"]),
        ("am; lunch,  and a  talk", ["am", "noon"]),
        ("am,am;am", ["am"]),
    ],
)
def test_the_session_column_names_the_sessions_and_blank_is_all(cell: str, sessions: list[str]) -> None:
    found, unknown = sessions_of(EVENT, down_for(cell))
    assert ([one.session for one in found], unknown) == (sessions, ())


def test_a_list_without_the_column_comes_to_everything() -> None:
    assert sessions_of(EVENT, listed())[0] == EVENT.sessions
    assert sessions_of(MORNING, down_for("nonsense")) == ((MORNING,), ())


def test_a_session_that_is_none_is_an_error_of_the_row_with_the_nearest_name() -> None:
    (problem,) = session_problems(EVENT, [down_for("am; Mornin", line=7)])
    assert (problem.severity, problem.code, problem.line, problem.column) == ("error", "unknown-session", 7, "Session")
    assert (problem.value, problem.hint) == ("Mornin", "Did you mean “Morning”?")
    (other,) = session_problems(EVENT, [down_for("zzz")])
    assert other.hint == "It has am, noon, pm."
    assert list(session_problems(an_event(), [down_for("zzz")])) == []


# --- the plan ---------------------------------------------------------------------------------------------------------


def test_each_session_is_a_message_with_an_entry_of_its_own() -> None:
    made = make(EVENT, [listed(), down_for("pm", "bo@example.org")], {})
    assert made.counts["invite"] == 4
    assert len({action.uid for action in made.actions}) == 4
    assert [(action.facts or {})["session"] for action in made.actions] == ["am", "noon", "pm", "pm"]
    assert [action.session for action in made.actions] == ["am", "noon", "pm", "pm"]
    again = make(EVENT, [listed(), down_for("pm", "bo@example.org")], {})
    assert [action.uid for action in again.actions] == [action.uid for action in made.actions]


def test_the_entry_of_an_event_without_sessions_is_the_one_that_it_always_was() -> None:
    assert uid_of(an_event(), "ana@example.org", 0) == make(an_event(), [listed()], {}).actions[0].uid
    assert uid_of(an_event(), "ana@example.org", 0) != uid_of(MORNING, "ana@example.org", 0)


def test_who_holds_every_session_is_sent_nothing() -> None:
    assert plan_of(EVENT, told()) == [("none", "held")] * 3


def test_a_change_of_one_session_is_an_update_of_that_one_alone() -> None:
    later = changed(NOON, start=NOON.start + timedelta(hours=1), end=NOON.end + timedelta(hours=1))
    moved = changed(EVENT, sessions=(MORNING, later, EVENING))
    actions = make(moved, [listed()], told().people).actions
    assert [(action.action, action.sequence) for action in actions] == [("none", 0), ("update", 1), ("none", 0)]
    assert [change.what for change in actions[1].changes] == ["Time"]
    book = told()
    book.put(actions)
    assert plan_of(moved, book) == [("none", "held")] * 3


def test_a_new_session_is_a_first_invitation_to_it() -> None:
    book = told(event=changed(EVENT, sessions=(MORNING, NOON)))
    assert plan_of(EVENT, book) == [("none", "held"), ("none", "held"), ("invite", "due")]
    assert make(EVENT, [listed()], book.people).actions[-1].reason == "first invitation"


def test_a_session_that_is_gone_is_reported_and_left_alone() -> None:
    actions = make(changed(EVENT, sessions=(MORNING, NOON)), [listed()], told().people).actions
    assert [(action.action, action.kind) for action in actions] == [
        ("none", "held"),
        ("none", "held"),
        ("none", "removed"),
    ]
    assert "is no longer in the event file; still holds an invitation" in actions[-1].reason


def test_so_is_one_that_the_row_no_longer_names() -> None:
    actions = make(EVENT, [down_for("am")], told().people).actions
    assert [(action.action, action.kind) for action in actions] == [
        ("none", "held"),
        ("none", "removed"),
        ("none", "removed"),
    ]
    assert "no longer down for “Pathways to Work: Eve”" in actions[-1].reason


def test_somebody_who_left_or_withdrew_is_reported_once() -> None:
    assert plan_of(EVENT, told(), down_for("", "bo@example.org"))[3:] == [("none", "removed")]
    (action,) = make(EVENT, [listed(withdrawn="Cancelled")], told().people).actions
    assert action.kind == "withdrawn" and "a cancellation is owed" in action.reason


def test_a_changed_address_is_a_cancellation_and_an_invitation_for_each_session() -> None:
    before, after = listed(key="7"), listed("ana.ruiz@example.org", key="7")
    actions = make(EVENT, [after], told(before).people).actions
    assert [action.action for action in actions] == ["cancel", "invite"] * 3
    assert len({action.uid for action in actions}) == 6


def test_an_event_that_is_cut_into_sessions_leaves_the_whole_to_be_cancelled() -> None:
    actions = make(EVENT, [listed()], told(event=an_event()).people).actions
    assert [(action.action, action.kind) for action in actions] == [("invite", "due")] * 3 + [("none", "removed")]


def test_resend_is_every_session_that_was_sent() -> None:
    book = told(down_for("am; pm"))
    made = make_resend(EVENT, {}, book.people, ["ana@example.org"])
    assert [(action.facts or {})["session"] for action in made.actions] == ["am", "pm"]
    assert {(action.action, action.sequence, action.round) for action in made.actions} == {("invite", 0, 1)}
    with pytest.raises(InputError, match="no longer down for"):
        make_resend(changed(EVENT, sessions=(NOON,)), {}, book.people, ["ana@example.org"])


def test_the_digest_seals_every_session() -> None:
    digests = {
        make(changed(EVENT, sessions=(MORNING, changed(NOON, **facts), EVENING)), [listed()], {}).digest
        for facts in ({}, {"description": "Other"}, {"location": "Room 4"}, {"title": "Other"}, {"join_url": ""})
    }
    assert len(digests) == 5


def test_of_several_states_a_person_is_in_the_one_that_needs_the_organiser() -> None:
    book = Book()
    first, second, third = make(EVENT, [listed()], {}).actions
    book.put([first], "accepted")
    book.put([second], "unknown")
    book.put([third], "accepted")
    person = book.people[listed().key]
    assert (person.outcome, person.latest.session) == ("unknown", "noon")
    assert {name: part.outcome for name, part in person.sessions.items()} == {
        "am": "accepted",
        "noon": "unknown",
        "pm": "accepted",
    }


# --- the message ------------------------------------------------------------------------------------------------------


def compose(event: Event, action: Action) -> str:
    wording = a_wording("{{ event.title }} | {{ event.when }}")
    composer = Composer(event, dict.fromkeys(("invite", "cancel"), wording), event_of)
    facts = action.facts or {}
    told = facts if action.action == "cancel" else None
    revision = replace(a_revision(action.action), uid=action.uid, session=facts["session"], told=told)
    made = composer.compose(an_attendee(), revision)
    return f"{made.text}\n{made.calendar}"


def test_the_wording_and_the_calendar_speak_of_that_session() -> None:
    for action, one in zip(make(EVENT, [listed()], {}).actions, EVENT.sessions, strict=True):
        made = compose(EVENT, action)
        assert f"{one.title} | {one.when}" in made
        assert made.count("BEGIN:VEVENT") == 1
        assert f"DTSTART:{one.start.astimezone():%Y%m%d}" in made or f"DTSTART:{one.start:%Y%m%d}" in made


def test_a_cancellation_can_still_be_made_of_a_session_that_is_gone() -> None:
    book = told()
    left = changed(EVENT, sessions=(MORNING,))
    action = Action(listed(), "cancel", "due", "", "x@y.example", 1, facts=book.people[listed().key].messages[2].facts)
    made = compose(left, action)
    assert f"{EVENING.title} | {EVENING.when}" in made
    assert "DTSTART:20270508T130000Z" in made and "METHOD:CANCEL" in made


# --- the sample, as an organiser has it -------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    shutil.copytree(SAMPLE, tmp_path / "week")
    return open_folder([str(tmp_path / "week" / "attendees.csv")], environment={})


def test_the_sample_has_no_fault_and_eight_messages(folder: Folder) -> None:
    assert folder.errors == ()
    made = folder.plan()
    assert made.counts["invite"] == len(made.to_send) == 8
    settled = list(folder.rehearse(made))
    texts = [Path(one.reply).read_bytes() for one in settled]
    assert len(texts) == 8
    subjects = [re.search(rb"^Subject: (.*)\r$", text, re.MULTILINE) for text in texts]
    assert [found[1].decode() for found in subjects[:3] if found] == [
        *("Invitation: Skills week: Welcome", "Invitation: Skills week: Writing a CV"),
        "Invitation: Skills week: Visit to an employer",
    ]


def test_a_preview_is_of_the_first_session_unless_another_is_named(folder: Folder) -> None:
    ana, bo, zoe, _ = folder.attendees.records
    assert folder.view(ana).subject.endswith("Welcome")
    assert folder.view(zoe).subject.endswith("Visit to an employer")
    assert "VALUE=DATE:20270610" in folder.view(zoe).calendar
    assert folder.view(bo, "CV").subject.endswith("Writing a CV")
    with pytest.raises(InputError, match="no session"):
        folder.view(bo, "nothing")


def test_an_unknown_session_in_a_row_stops_the_send(folder: Folder) -> None:
    path = folder.event_path.parent / "attendees.csv"
    path.write_text(path.read_text("utf-8").replace("welcome; cv", "welcome; vc"), "utf-8")
    again = open_folder([str(path)], environment={})
    (error,) = again.errors
    assert (error.code, error.line, error.column, error.value) == ("unknown-session", 3, "Session", "vc")
    with pytest.raises(InputError):
        again.plan()
    assert again.plan(skip_errors=True).counts["invite"] == 6


def test_a_session_is_found_by_its_id_and_by_its_title() -> None:
    assert find_session(EVENT, "AM") == find_session(EVENT, "morning") == MORNING
    assert find_session(EVENT, "night") is None


def test_plan_and_status_say_which_session(folder: Folder) -> None:
    made = folder.plan()
    assert [action.get("session") for action in plan_document(made, folder)["actions"]][:4] == [
        *("welcome", "cv", "visit", "welcome")
    ]
    book = Book()
    book.put(made.to_send[:3])
    (person,) = status_document(folder, book.people)["attendees"]
    assert [(one["session"], one["outcome"]) for one in person["sessions"]] == [
        *(("welcome", "accepted"), ("cv", "accepted"), ("visit", "accepted"))
    ]
    assert person["outcome"] == "accepted"
