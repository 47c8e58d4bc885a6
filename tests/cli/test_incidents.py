"""What happened to others, rebuilt with made-up people: `audit` finds it, and here it cannot happen or is stopped.

Each incident is told twice: as the mail that was sent then (`samples/incidents/`), and as somebody's best try to do the
same with invite-tui. Of a try nothing reaches the server, or what reaches it exposes nobody.
"""

import csv
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Desk
from tests.servers.recording import RecordingServer

Live = tuple[Desk, RecordingServer]

ANA, BO, ZOE = "ana@example.org", "bo.li@example.com", "zoe.fairweather@example.net"


def exposed(desk: Desk, file: str, *, listed: bool = True) -> dict[str, set[str]]:
    """Where `audit` finds a leak in an incident, and who was exposed there."""
    words = ["--attendees", "attendees.csv"] if listed else []
    found: dict[str, set[str]] = {}
    for leak in desk.json("audit", f"incidents/{file}", *words, code=None)["leaks"]:
        found.setdefault(leak["where"], set()).add(leak["what"])
    return found


def everybody(desk: Desk, file: str = "attendees.csv") -> set[str]:
    with (desk.path / file).open(encoding="utf-8", newline="") as lines:
        return {row["Email"] for row in csv.DictReader(lines)}


def judge_what_was_sent(desk: Desk, server: RecordingServer, attendees: str, count: int) -> None:
    """Each of `count` messages went to one person, and `audit` finds nobody exposed in any of them."""
    assert len(server.messages) == count
    assert all(len(message.rcpt_tos) == 1 for message in server.messages)
    folder = desk.path / "received"
    folder.mkdir(exist_ok=True)
    for number, message in enumerate(server.messages):
        (folder / f"{number}.eml").write_bytes(message.data)
    assert desk.json("audit", "received", "--attendees", attendees) == {
        "messages": count,
        "leaks": [],
    }


def refused(live: Live, *words: str, number: int = 55) -> list[tuple[str, str]]:
    """The problems of a send that was stopped before a connection was opened: code and message of each error."""
    desk, server = live
    said = desk.json("send", *(words or ("attendees.csv",)), "--confirm", str(number), code=1)
    assert said["error"]["code"] == "problems"
    assert server.connections == 0
    return [(one["code"], one["message"]) for one in said["problems"] if one["severity"] == "error"]


def another_list(desk: Desk, name: str, text: str) -> None:
    """A list without the columns that the sample event calls internal."""
    desk.write(name, text)
    event = (desk.path / "event.toml").read_text(encoding="utf-8")
    desk.write("event.toml", re.sub(r"(?m)^internal .*\n", "", event))


def leaks_said(live: Live, *words: str, number: int = 55) -> str:
    """What the guard said when it stopped a send."""
    problems = refused(live, *words, number=number)
    assert {code for code, _ in problems} == {"leak"}
    return "\n".join(message for _, message in problems)


# --- 55 people in To, and the staff's own copy of the list attached ---------------------------------------------------


def test_everybody_in_to_with_a_staff_attachment_is_found(desk: Desk) -> None:
    people = everybody(desk)
    assert exposed(desk, "everybody-in-to.eml", listed=False) == {"To": people}
    assert exposed(desk, "everybody-in-to.eml") == {"To": people, "for staff only.csv": people}


def test_here_55_people_get_55_messages_whatever_the_headers_were_told(live: Live) -> None:
    desk, server = live
    desk.json("send", "attendees.csv", "--confirm", "55")
    judge_what_was_sent(desk, server, "attendees.csv", 55)


def test_here_a_staff_attachment_stops_the_mailing(live: Live) -> None:
    desk, _ = live
    desk.write("for staff only.csv", (desk.path / "attendees.csv").read_text(encoding="utf-8"))
    desk.change("event.toml", "[message]\n", '[message]\nattachments = ["for staff only.csv"]\n')
    assert "for staff only.csv" in leaks_said(live)


# --- 1,718 people in To -----------------------------------------------------------------------------------------------


def test_1718_people_in_to_are_found(desk: Desk) -> None:
    people = {f"guest{number:04}@example.org" for number in range(1718)}
    header = ",\n ".join(sorted(people))
    desk.write(
        "incidents/1718.eml", f"From: team@department.example\nTo: {header}\nSubject: Survey\n\nPlease answer.\n"
    )
    assert exposed(desk, "1718.eml", listed=False) == {"To": people}


def test_here_1718_people_in_one_cell_are_an_error_and_in_rows_1718_messages(live: Live) -> None:
    desk, _ = live
    people = [f"guest{number:04}@example.org" for number in range(1718)]
    another_list(desk, "one cell.csv", f'Name,Email,Audience\nAll,"{"; ".join(people)}",public\n')
    assert [code for code, _ in refused(live, "one cell.csv", number=1)] == ["several-addresses"]
    rows = "".join(f"Guest {number},{who},public\n" for number, who in enumerate(people))
    another_list(desk, "rows.csv", f"Name,Email,Audience\n{rows}")
    desk.run("send", "rows.csv", "--dry-run")
    made = sorted((desk.path / "outbox").iterdir())
    named = [re.findall(rb"guest\d{4}@example\.org", file.read_bytes()) for file in made]
    assert [set(one) for one in named] == [{who.encode()} for who in people]
    some = [str(file) for file in made[::8]]  # `audit` takes its time, and every message was made alike
    assert desk.json("audit", *some, "--attendees", "rows.csv") == {"messages": 215, "leaks": []}


# --- 105 people in Cc -------------------------------------------------------------------------------------------------


def test_105_people_in_cc_are_found(desk: Desk) -> None:
    found = exposed(desk, "105-in-cc.eml", listed=False)
    assert len(found["Cc"]) == 105
    assert everybody(desk) < found["Cc"]


@pytest.mark.parametrize("header", ["cc", "bcc", "to", "headers"])
def test_here_no_setting_adds_a_recipient(live: Live, header: str) -> None:
    desk, _ = live
    desk.change("event.toml", "[message]\n", f'[message]\n{header} = ["{ANA}", "{BO}"]\n')
    assert [(code, header in message) for code, message in refused(live)] == [("bad-event", True)]


def test_here_no_cell_adds_a_copy(live: Live) -> None:
    desk, server = live
    another_list(
        desk, "copies.csv", f'Name,Email,Audience\n"Ana\r\nCc: {BO}",{ANA},public\n"Bo\nBcc: {ANA}",{BO},public\n'
    )
    assert BO in leaks_said(live, "copies.csv", number=2)
    another_list(desk, "copies.csv", f'Name,Email,Audience\n"Ana\r\nCc: x@y.example",{ANA},public\nBo,{BO},public\n')
    desk.json("send", "copies.csv", "--confirm", "2")
    judge_what_was_sent(desk, server, "copies.csv", 2)
    assert not any(re.search(rb"(?im)^(b?cc|resent-\w+):", message.data) for message in server.messages)


# --- a merge that was one row off -------------------------------------------------------------------------------------

MERGE = "subject: Your place\n\nDear {{ name }},\n\nThis is what we have noted of you: {{ noted }}\n"


def shifted(desk: Desk, column: str) -> None:
    """A list in which a column stands one row too high: everybody has their neighbour's."""
    with (desk.path / "attendees.csv").open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    values = [row[column] for row in (*rows[1:], rows[0])]
    text = "".join(
        f'"{row["Name"]}",{row["Email"]},public,"{value}"\n' for row, value in zip(rows, values, strict=True)
    )
    another_list(desk, "shifted.csv", f"Name,Email,Audience,Noted\n{text}")
    desk.write("templates/invitation.md", MERGE)


def test_a_merge_that_was_one_row_off_is_found_in_each_message(desk: Desk) -> None:
    leaks = desk.json("audit", "incidents/shifted-merge.mbox", "--attendees", "attendees.csv", code=1)["leaks"]
    assert [(leak["number"], leak["where"]) for leak in leaks] == [(number, "text") for number in (1, 2, 3, 4)]
    assert [leak["what"] for leak in leaks][:2] == [BO, ZOE]


def test_here_a_merge_that_is_one_row_off_is_stopped(live: Live) -> None:
    desk, _ = live
    shifted(desk, "Email")
    assert BO in leaks_said(live, "shifted.csv")


def test_here_a_row_that_is_shifted_is_an_error_of_its_line(live: Live) -> None:
    desk, _ = live
    desk.change("attendees.csv", f"Bo Li,{BO}", f"Li,Bo,{BO}")
    problems = desk.json("check", "attendees.csv", code=1)["problems"]
    assert {problem["line"] for problem in problems if problem["severity"] == "error"} == {3}
    refused(live)


# --- an invitation whose ATTENDEE list named all guests ---------------------------------------------------------------


def test_a_guest_list_in_the_calendar_is_found(desk: Desk) -> None:
    assert exposed(desk, "guest-list-in-the-calendar.eml", listed=False) == {"calendar": everybody(desk)}


def attempts() -> Iterator[tuple[str, str, str]]:
    """A file to change, what stands there, and what somebody puts there so that the calendar names another guest."""
    guests = f"ATTENDEE:mailto:{BO}"
    yield "event.toml", 'location    = "Microsoft Teams"', f'location = "Microsoft Teams\\n{guests}"'
    yield "event.toml", 'title       = "Pathways', f'title = "{BO}: Pathways'
    yield "event.toml", "No preparation is needed.", f"Guests: {BO}, {ZOE}"


@pytest.mark.parametrize(("file", "old", "new"), attempts(), ids=["location", "title", "description"])
def test_here_no_text_of_the_event_names_a_guest(live: Live, file: str, old: str, new: str) -> None:
    desk, _ = live
    desk.change(file, old, new)
    assert {code for code, _ in refused(live)} <= {"leak", "bad-event"}


def test_here_each_calendar_entry_has_one_attendee(live: Live) -> None:
    desk, server = live
    desk.json("send", "attendees.csv", "--only", ANA, "--only", BO, "--confirm", "2")
    judge_what_was_sent(desk, server, "attendees.csv", 2)
    calendar = desk.json("preview", "attendees.csv", "--to", ANA)["calendar"]
    assert re.findall(r"^ATTENDEE", calendar, re.MULTILINE) == ["ATTENDEE"]


# --- an update that revealed guests who had been hidden ---------------------------------------------------------------


def test_an_update_that_revealed_hidden_guests_is_found_and_the_invitation_is_not_blamed(desk: Desk) -> None:
    leaks = desk.json("audit", "incidents/update", code=1)["leaks"]
    assert {Path(leak["file"]).name for leak in leaks} == {"2-update.eml"}
    assert len({leak["what"] for leak in leaks}) == 26


def test_here_an_update_hides_everybody_as_the_invitation_did(live: Live) -> None:
    desk, server = live
    few = [word for who in (ANA, BO, ZOE) for word in ("--only", who)]
    desk.json("send", "attendees.csv", *few, "--confirm", "3")
    desk.change("event.toml", "2027-05-06T14:00:00", "2027-05-07T14:00:00")
    desk.change("event.toml", "2027-05-06T15:30:00", "2027-05-07T15:30:00")
    done = desk.json("send", "attendees.csv", *few, "--confirm", "3")
    assert {message["action"] for message in done["messages"]} == {"update"}
    judge_what_was_sent(desk, server, "attendees.csv", 6)


# --- a forwarded thread in the body -----------------------------------------------------------------------------------

THREAD = f"""\
Please see below.

-----Original message-----
From: Bo Li <{BO}>
To: Zoë Fairweather; Consultation team
Subject: Re: who is coming?

Can we meet before the event?
"""


def test_a_forwarded_thread_is_found_in_the_text_and_the_html(desk: Desk) -> None:
    assert exposed(desk, "forwarded-thread.eml", listed=False) == {}
    assert exposed(desk, "forwarded-thread.eml") == {"text": {BO, ZOE}, "html": {BO, ZOE}}


def test_here_a_thread_in_the_wording_stops_the_mailing(live: Live) -> None:
    desk, _ = live
    desk.write("templates/invitation.md", f"subject: Fwd: who is coming?\n\nDear {{{{ name }}}},\n\n{THREAD}")
    assert BO in leaks_said(live)


def test_here_a_thread_in_a_note_stops_the_message(live: Live) -> None:
    desk, server = live
    desk.json("send", "attendees.csv", "--only", ANA, "--only", BO, "--confirm", "2")
    before = len(server.messages)
    desk.write("templates/correction.md", "subject: Again\n\nDear {{ name }},\n\n{{ organizer.note }}\n")
    words = ("resend", ANA, "--template", "correction", "--note", THREAD, "--confirm", "1")
    said = desk.json(*words, code=1)
    assert said["error"]["code"] == "leak"
    assert len(server.messages) == before
