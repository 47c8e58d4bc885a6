"""The repair of another program's leak, from the message that leaked to the last replacement."""

import csv
import tomllib
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest

from tests.cli.conftest import Desk
from tests.cli.test_corrections import calendar, part
from tests.replies.mails import OUTLOOK_ZONE
from tests.servers.recording import RecordingServer

_UID = "040000008200E00074C5B7101A82E00800000000D0A1"
_LINK = "https://teams.microsoft.com/l/meetup-join/19%3ameeting_old/0?context=abc"
_ENTRY = """\
BEGIN:VCALENDAR
METHOD:REQUEST
PRODID:Microsoft Exchange Server 2010
VERSION:2.0
{zone}BEGIN:VEVENT
ORGANIZER;CN=Consultation team:mailto:consultations@department.example
{guests}
UID:{uid}
SUMMARY:Pathways to Work: consultation
DTSTART;TZID=GMT Standard Time:{day}T140000
DTEND;TZID=GMT Standard Time:{day}T153000
LOCATION:Microsoft Teams Meeting
DESCRIPTION:Join here: {link}
SEQUENCE:2
DTSTAMP:20250506T120000Z
END:VEVENT
END:VCALENDAR
"""


def leaked(
    people: dict[str, str], *, entry: bool = True, subject: str = "Pathways to Work", days: int = 30, **headers: str
) -> bytes:
    """A message to all of these at once, by address and name, as a calendar program would have sent it."""
    message = EmailMessage()
    message["From"] = "Consultation team <consultations@department.example>"
    message["To"] = headers.pop("To", ", ".join(f'"{name}" <{address}>' for address, name in people.items()))
    message["Subject"], message["Date"] = subject, "Tue, 06 May 2025 12:34:00 +0100"
    for name, value in headers.items():
        message[name] = value
    message.set_content(f"Please join us: {_LINK}\n")
    if entry:
        roles = ("REQ", "OPT")
        guests = "\n".join(
            f"ATTENDEE;ROLE={roles[at % 2]}-PARTICIPANT;CN={name}:mailto:{address}"
            for at, (address, name) in enumerate(people.items())
        )
        day = f"{datetime.now(UTC) + timedelta(days=days):%Y%m%d}"
        text = _ENTRY.format(zone=OUTLOOK_ZONE, guests=guests, uid=_UID, day=day, link=_LINK).replace("\n", "\r\n")
        message.add_alternative(text, subtype="calendar", params={"method": "REQUEST"})
    return message.as_bytes()


FIVE = {f"guest{number}@example.org": f"Guest {name}" for number, name in enumerate("ABCDE")}


def repaired(desk: Desk, raw: bytes, code: int = 0) -> Path:
    (desk.path / "leak.eml").write_bytes(raw)
    desk.run("repair", "leak.eml", "replacement", code=code)
    return desk.path / "replacement"


def rows_of(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text(encoding="utf-8-sig").splitlines()))


def new_link(desk: Desk) -> None:
    desk.change("replacement/event.toml", '# join_url = "https://..."', 'join_url = "https://new.example/meeting"')


def test_the_whole_repair(live: tuple[Desk, RecordingServer]) -> None:
    desk, server = live
    folder = repaired(desk, leaked(FIVE))
    there = ("--event", "replacement/event.toml")
    assert "owed to 5 people: 0 sent, 5 still to send" in desk.run("status", *there).stdout

    desk.json("cancel", "--all", *there, "--confirm", "5")
    assert {message.rcpt_tos for message in server.messages} == {(address,) for address in FIVE}
    for message in server.messages:
        assert f"UID:{_UID}" in calendar(message) and "SEQUENCE:3" in calendar(message)
        assert calendar(message).count("ATTENDEE") == 1 and "METHOD:CANCEL" in calendar(message)
        assert "to 5 people at once" in part(message) and "consultations@department.example" in part(message)

    assert desk.json("plan", "replacement/attendees.csv")["counts"]["invite"] == 0, "the event is the old one still"
    new_link(desk)
    desk.json("send", "replacement/attendees.csv", "--confirm", "5")
    invitations = server.messages[5:]
    assert {message.rcpt_tos for message in invitations} == {(address,) for address in FIVE}
    assert len({calendar(message).split("UID:")[1].split()[0] for message in invitations}) == 5
    assert all(_UID not in calendar(message) and _LINK not in part(message) for message in invitations)
    assert all("We made a mistake with your personal data" in part(message) for message in invitations)

    status = desk.json("status", *there)
    assert status["promise"] == {"owed": 5, "sent": 5, "open": 0, "days_left": status["promise"]["days_left"]}
    assert desk.json("send", "replacement/attendees.csv", "--confirm", "0")["messages"] == []
    assert folder.joinpath("breach-record.md").exists()


def test_a_send_before_any_cancellation_cancels_and_invites(live: tuple[Desk, RecordingServer]) -> None:
    desk, server = live
    repaired(desk, leaked(FIVE))
    new_link(desk)
    made = desk.json("send", "replacement/attendees.csv", "--confirm", "10")
    assert [message["action"] for message in made["messages"]] == ["cancel", "invite"] * 5
    assert len(server.messages) == 10


def test_a_replacement_with_the_cancelled_link_is_refused(live: tuple[Desk, RecordingServer]) -> None:
    desk, server = live
    repaired(desk, leaked(FIVE))
    desk.change("replacement/event.toml", '# join_url = "https://..."', f'join_url = "{_LINK}"')
    refused = desk.json("send", "replacement/attendees.csv", "--confirm", "10", code=1)
    assert "meeting that was cancelled" in refused["error"]["message"] and not server.messages
    assert {problem["code"] for problem in refused["problems"]} == {"bad-event"}
    new_link_in_the_wording = f"subject: Come\n\nJoin {_LINK}\n"
    desk.change("replacement/event.toml", f'join_url = "{_LINK}"', 'join_url = "https://new.example/"')
    desk.write("replacement/templates/correction.md", new_link_in_the_wording)
    assert desk.json("check", "replacement/attendees.csv", code=1)["problems"][0]["code"] == "bad-event"


def test_the_old_entry_as_it_was_is_the_event(desk: Desk) -> None:
    folder = repaired(desk, leaked(FIVE))
    event = tomllib.loads((folder / "event.toml").read_text())
    assert event["event"]["title"] == "Pathways to Work: consultation"
    assert event["event"]["timezone"] == "Europe/London"
    assert (event["event"]["start"].hour, event["event"]["end"].hour) == (14, 15)
    assert "join_url" not in event["event"]
    assert event["organizer"] == {"name": "Consultation team", "email": "consultations@department.example"}
    record = (folder / "breach-record.md").read_text()
    assert "2025-05-06 12:34" in record and "2025-05-09 12:34" in record and "Microsoft Exchange" in record
    rows = rows_of(folder / "breach-record.csv")
    assert [(row["Email"], row["Shown in"], row["Shown as"]) for row in rows][:2] == [
        ("guest0@example.org", "To, the calendar entry", "required"),
        ("guest1@example.org", "To, the calendar entry", "optional"),
    ]


def test_without_an_entry_there_is_nothing_to_cancel_and_a_replacement_is_owed_all_the_same(desk: Desk) -> None:
    repaired(desk, leaked(FIVE, entry=False))
    checked = desk.json("check", "replacement/attendees.csv", code=1)
    assert {problem["code"] for problem in checked["problems"]} == {"bad-event"}
    day = f"{datetime.now(UTC) + timedelta(days=3, hours=1):%Y-%m-%d}"
    desk.change("replacement/event.toml", "# start    = 2030-01-31T14:00:00", f"start = {day}T14:00:00")
    desk.change("replacement/event.toml", "# end      = 2030-01-31T15:30:00", f"end = {day}T15:30:00")
    desk.change("replacement/event.toml", '# timezone = "Europe/London"', 'timezone = "Europe/London"')
    assert desk.json("plan", "replacement/attendees.csv")["counts"]["invite"] == 5
    assert desk.json("status", "--event", "replacement/event.toml")["promise"]["open"] == 5


@pytest.mark.parametrize(
    "raw",
    [
        leaked({"ana@example.org": "Ana"}),
        leaked({"ana@example.org": "Ana"}, Cc="consultations@department.example"),
        leaked({}, To="undisclosed-recipients:;", entry=False),
    ],
    ids=["one recipient", "one and the sender", "nobody"],
)
def test_who_got_it_alone_was_exposed_to_nobody(desk: Desk, raw: bytes) -> None:
    folder = repaired(desk, raw, code=1)
    assert not folder.exists()


def test_who_got_it_alone_with_everybodys_names_was_not_exposed_and_the_others_were(desk: Desk) -> None:
    folder = repaired(desk, leaked(FIVE, To="guest0@example.org"))
    rows = rows_of(folder / "attendees.csv")
    assert [row["Email"] for row in rows] == [f"guest{number}@example.org" for number in range(1, 5)]


def test_what_stands_in_the_message_cannot_do_anything(desk: Desk) -> None:
    people = {"a@example.org": "=HYPERLINK(1)", "b@example.org": "$happened {{ organizer.email }}"}
    subject = 'x"\n ]] {{ 7*7 }} $shown [a](http://evil.example) **b** \x1b[31m <script>'.replace("\n", " ")
    folder = repaired(desk, leaked(people, subject=subject, entry=False))
    assert tomllib.loads((folder / "event.toml").read_text(encoding="utf-8"))["event"]["title"].startswith('x" ]]')
    names = [row["Name"] for row in rows_of(folder / "attendees.csv")]
    assert not names[0].startswith("=") and "\x1b" not in (folder / "breach-record.md").read_text(encoding="utf-8")
    apology = (folder / "templates/correction.md").read_text(encoding="utf-8")
    assert "7*7" not in apology and "](http://evil" not in apology and "<script>" not in apology
    record = (folder / "breach-record.md").read_text(encoding="utf-8")
    assert r"\[a\](http" in record and r"\<script\>" in record


def test_nothing_is_written_over(desk: Desk) -> None:
    repaired(desk, leaked(FIVE))
    assert "there already" in desk.run("repair", "leak.eml", "replacement", code=1).stderr
    assert "no file" in desk.run("repair", "nothing.eml", "elsewhere", code=1).stderr
