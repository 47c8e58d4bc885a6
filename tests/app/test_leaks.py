"""A mail that another program sent by mistake, from the first look at it to the last replacement; and the evidence."""

import json
import re
from datetime import datetime, timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest
from textual.widgets import OptionList

from tests.app import driving
from tests.app.driving import Driven, app_of, app_over, by_name, driven, opened, seen, through, typed, until
from tests.servers.recording import RecordingServer

GUESTS = [(f"Guest {number}", f"guest{number}@example.org") for number in range(1, 6)]
_ENTRY = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//x//y//EN
METHOD:REQUEST
BEGIN:VEVENT
UID:old-entry@department.example
DTSTAMP:20270405T090000Z
DTSTART:20270506T130000Z
DTEND:20270506T143000Z
SEQUENCE:3
SUMMARY:Consultation
ORGANIZER:mailto:team@department.example
{guests}
END:VEVENT
END:VCALENDAR
"""


@pytest.fixture
def accident(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One mail with five people in To and in its calendar entry, in the working directory."""
    mail = EmailMessage()
    mail["From"] = "Team <team@department.example>"
    mail["To"] = ", ".join(f"{name} <{address}>" for name, address in GUESTS)
    mail["Subject"] = "Consultation [/nope]"
    mail["Date"] = "Mon, 05 Apr 2027 10:00:00 +0100"
    mail.set_content("Join us: https://teams.example/l/meetup-join/old")
    guests = "\n".join(f"ATTENDEE;CN={name}:mailto:{address}" for name, address in GUESTS)
    mail.add_attachment(_ENTRY.format(guests=guests), subtype="calendar", params={"method": "REQUEST"})
    (tmp_path / "accident.eml").write_bytes(mail.as_bytes())
    monkeypatch.chdir(tmp_path)
    return tmp_path


async def choose(pilot: Driven, words: str) -> None:
    """In the dialog, the item with these words."""
    await until(pilot, lambda: pilot.app.screen.query("OptionList"))
    options = pilot.app.screen.query_one(OptionList)
    for _ in range(20):
        if options.highlighted_option is not None and words in str(options.highlighted_option.prompt):
            await pilot.press("enter")
            return
        await pilot.press("down")
    raise AssertionError(f"there is no {words}")


async def over(pilot: Driven) -> None:
    await driving.over(pilot)
    await pilot.press("escape")
    await pilot.pause()


def words_of(pilot: Driven) -> str:
    return " ".join(seen(pilot).replace("│", " ").split())


def toasts_of(pilot: Driven) -> str:
    return " ".join(str(one.message) for one in app_of(pilot)._notifications)


async def test_from_the_mail_on_the_start_screen_to_the_last_replacement(
    accident: Path, server: RecordingServer
) -> None:
    app = app_over(environment=through(server))
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await choose(pilot, "accident.eml")
        await until(pilot, lambda: "5 people could see each other's addresses in To." in seen(pilot))
        assert "Consultation [/nope]" in seen(pilot)
        assert "guest4@example.org" in seen(pilot)
        await pilot.click("#repair")
        await until(pilot, lambda: "New folder" in seen(pilot))
        await pilot.press("enter")
        await until(pilot, lambda: "What to do now" in seen(pilot))
        assert "data protection officer" in words_of(pilot)
        await pilot.press("escape")
        await opened(pilot)
        assert "OWED" in seen(pilot)
        assert "owed to 5 people: 0 sent, 5 still to send" in words_of(pilot)

        await pilot.press("s")  # the event is still the old one
        await until(pilot, lambda: "still the one that was sent by mistake" in toasts_of(pilot))
        await pilot.press("T")
        await until(pilot, lambda: "Look at it" in seen(pilot))
        assert "called off" not in words_of(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: "Type the number" in seen(pilot))
        await typed(pilot, "5")
        await pilot.press("enter")
        await over(pilot)
        assert len(server.messages) == 5

        event = accident / "accident-repair" / "event.toml"
        soon = f"{datetime.now() + timedelta(days=4):%Y-%m-%d}"
        event.write_text(event.read_text().replace("2027-05-06", soon))
        await pilot.press("f5")
        await until(pilot, lambda: "5 ready" in seen(pilot))
        assert "URGENT" in seen(pilot)
        await pilot.click("#keep")
        await until(pilot, lambda: "Type the number" in seen(pilot))
        await typed(pilot, "5")
        await pilot.press("enter")
        await over(pilot)
        await until(pilot, lambda: "URGENT" not in seen(pilot))
        assert "OWED" not in seen(pilot)
    assert sorted({one.rcpt_tos[0] for one in server.messages[5:]}) == [address for _, address in GUESTS]
    assert len(server.messages) == 10


async def test_a_mail_that_cannot_be_read_and_a_folder_that_is_there_are_refused_in_words(accident: Path) -> None:
    (accident / "taken").mkdir()
    (accident / "taken" / "event.toml").touch()
    async with app_over().run_test(size=(100, 30), notifications=True) as pilot:
        await choose(pilot, "Another file")
        await until(pilot, lambda: "Look into it" in seen(pilot))
        await typed(pilot, "nowhere.eml")
        await pilot.press("enter")
        await until(pilot, lambda: "There is no file nowhere.eml" in seen(pilot))
        for _ in "nowhere.eml":
            await pilot.press("backspace")
        await typed(pilot, "accident.eml")
        await pilot.press("enter")
        await until(pilot, lambda: "Who could see whom" in seen(pilot))
        await pilot.click("#repair")
        await until(pilot, lambda: "New folder" in seen(pilot))
        for _ in "accident-repair":
            await pilot.press("backspace")
        await typed(pilot, "taken")
        await pilot.press("enter")
        await until(pilot, lambda: "taken is there already" in seen(pilot))


async def test_a_mail_that_exposed_nobody_offers_no_repair(accident: Path) -> None:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "team@department.example", "ana@example.org", "To you alone"
    mail.set_content("Hello")
    (accident / "fine.eml").write_bytes(mail.as_bytes())
    async with app_over().run_test(size=(100, 30)) as pilot:
        await choose(pilot, "fine.eml")
        await until(pilot, lambda: "nobody was exposed" in seen(pilot))
        assert not pilot.app.screen.query("#repair")


async def test_whoever_is_on_the_open_list_is_looked_for_in_the_texts_too(folder: Path) -> None:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "team@department.example", "x@example.net", "Forwarded"
    mail.set_content("On the list is bo.li@example.com as well.")
    (folder / "forwarded.eml").write_bytes(mail.as_bytes())
    async with driven("attendees.csv") as pilot:
        await by_name(pilot, "Judge a mail")
        await choose(pilot, "forwarded.eml")
        await until(pilot, lambda: "1 address was exposed" in seen(pilot))
        assert "bo.li@example.com" in seen(pilot)


async def test_the_evidence_is_written_with_its_seal_and_an_edit_is_found(
    folder: Path, server: RecordingServer
) -> None:
    (folder / "few.csv").write_text("Name,Email\nAna Ruiz,ana@example.org\nBo Li,bo@example.org\n")
    (folder / "event.ledger.reports").mkdir()  # so that it cannot be noted where the file is
    async with driven("few.csv", environment=through(server)) as pilot:
        await pilot.press("s")
        await until(pilot, lambda: "Type the number" in seen(pilot))
        await typed(pilot, "2")
        await pilot.press("enter")
        await over(pilot)
        await by_name(pilot, "Write the evidence file")
        await until(pilot, lambda: "Write it" in seen(pilot))
        await pilot.press("enter")
        await until(pilot, lambda: "Its seal" in seen(pilot))
        lines = (folder / "evidence.jsonl").read_text().splitlines()
        assert json.loads(lines[-1])["hash"] in seen(pilot)
        assert "cannot be noted" in seen(pilot)
        assert sum(json.loads(line)["kind"] == "message" for line in lines) == 2
        await pilot.press("escape")

        await by_name(pilot, "Check an evidence file")
        await until(pilot, lambda: "Check it" in seen(pilot))
        await pilot.press("enter", "enter")
        await until(pilot, lambda: "agrees with this event's ledger" in seen(pilot))
        await pilot.press("escape")
        edited = [re.sub(r"bo@example\.org", "xx@example.org", line) for line in lines]
        (folder / "evidence.jsonl").write_text("\n".join(edited) + "\n")
        await by_name(pilot, "Check an evidence file")
        await until(pilot, lambda: "Check it" in seen(pilot))
        await pilot.press("enter", "enter")
        await until(pilot, lambda: "does not hold" in seen(pilot))


async def test_a_report_is_never_written_over_the_attendees(folder: Path) -> None:
    before = (folder / "attendees.csv").read_bytes()
    async with driven("attendees.csv") as pilot:
        await by_name(pilot, "Write a report for a spreadsheet")
        await until(pilot, lambda: "Write it" in seen(pilot))
        for _ in "report.csv":
            await pilot.press("backspace")
        await typed(pilot, "attendees.csv")
        await pilot.press("enter")
        await until(pilot, lambda: "nothing was written" in words_of(pilot))
    assert (folder / "attendees.csv").read_bytes() == before
