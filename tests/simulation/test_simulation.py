"""Whatever an organiser does and whatever fails: in the end everybody's calendar holds the event of now, once, or
nothing."""

import shutil
from collections.abc import Callable
from datetime import datetime, timedelta
from email.message import EmailMessage
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.conftest import need
from tests.judges import node
from tests.servers.postgresql import Postgres
from tests.simulation.calendars import read
from tests.simulation.offices import HEAD, Machine, Office, PlanOffice, RealOffice
from tests.simulation.organising import ADDRESSES, START, Organising
from tests.unit.making import an_event
from tui.repair import repair

_ENTRY = """\
BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//Some calendar//EN
METHOD:REQUEST
BEGIN:VEVENT
UID:040000008200E00074C5B7101A82E008
DTSTAMP:20260401T090000Z
SEQUENCE:2
DTSTART:{start:%Y%m%dT%H%M%SZ}
DTEND:{end:%Y%m%dT%H%M%SZ}
SUMMARY:Consultation
LOCATION:Room 1
DESCRIPTION:https://teams.microsoft.com/l/meetup-join/old
ORGANIZER;CN=Consultation team:mailto:consultations@department.example
{guests}
END:VEVENT
END:VCALENDAR
"""


def play(new_office: Callable[[], Office], *, stories: int, steps: int) -> None:
    """So many stories of so many steps; a failure is shrunk to the shortest one."""

    class Story(Organising):
        pass

    Story.new_office = staticmethod(new_office)
    run_state_machine_as_test(
        Story,
        settings=settings(
            max_examples=stories,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.reuse, Phase.generate, Phase.shrink],
        ),
    )


@pytest.fixture
def new_folder(tmp_path: Path) -> Callable[[], Path]:
    """A fresh folder for each story; the last one is left for whoever looks into a failure."""
    numbers = count(1)

    def made() -> Path:
        number = next(numbers)
        shutil.rmtree(tmp_path / str(number - 1), ignore_errors=True)
        folder = tmp_path / str(number)
        folder.mkdir()
        return folder

    return made


def judge_with_ical_js(texts: set[str]) -> None:
    """ical.js reads every object, and in each what the simulation has read in it."""
    need(node.missing())
    assert texts
    with node.NodeJudges() as judges:
        for text in texts:
            entry, item = judges.read_calendar(text), read(text)
            assert (entry.method, entry.uid, entry.sequence) == (item.method, item.uid, item.sequence)
            assert entry.stamp == f"{item.stamp:%Y-%m-%dT%H:%M:%SZ}"
            assert (entry.summary, entry.location) == (item.title, item.location)
            assert tuple(address for _, address in entry.attendees) == item.attendees
            assert (entry.status == "CANCELLED") == (item.method == "CANCEL")


def test_the_plan_keeps_every_calendar_right_through_long_stories() -> None:
    play(lambda: PlanOffice(an_event()), stories=250, steps=25)


def test_what_is_sent_keeps_every_calendar_right_whatever_fails(
    new_folder: Callable[[], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = Machine(monkeypatch)
    play(lambda: RealOffice(machine, new_folder()), stories=12, steps=12)
    judge_with_ical_js(machine.texts)


def test_a_ledger_on_a_server_keeps_every_calendar_right_as_well(
    new_folder: Callable[[], Path], monkeypatch: pytest.MonkeyPatch, postgres: Postgres
) -> None:
    machine, place = Machine(monkeypatch), postgres.database()

    def of_another_event() -> Office:
        folder = new_folder()
        return RealOffice(machine, folder, HEAD.replace("0f3b5c7d", f"{int(folder.name):08}"), place)

    play(of_another_event, stories=3, steps=8)


def test_what_another_program_sent_is_replaced_in_every_calendar_whatever_fails(
    new_folder: Callable[[], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = Machine(monkeypatch)

    def after_an_accident() -> Office:
        folder = new_folder()
        message = leaked(ADDRESSES[:3])
        (folder / "leak.eml").write_bytes(message.as_bytes())
        made = folder / "repaired"
        repair(str(folder / "leak.eml"), made)
        shutil.rmtree(made / "templates")  # read anew for each story they would take most of the time
        said = (made / "event.toml").read_text(encoding="utf-8")
        uid = next(line for line in said.splitlines() if line.startswith("uid"))
        head = "\n".join(uid if line.startswith("uid") else line for line in HEAD.splitlines())
        office = RealOffice(machine, made, head)
        for address in ADDRESSES[:3]:
            office.calendars.receive_mail(address, message.as_bytes())
        return office

    play(after_an_accident, stories=6, steps=8)
    judge_with_ical_js(machine.texts)


def leaked(addresses: tuple[str, ...]) -> EmailMessage:
    """An invitation to everybody at once, as a calendar program would send it."""
    message = EmailMessage()
    message["From"] = "Consultation team <consultations@department.example>"
    message["To"] = ", ".join(addresses)
    message["Subject"], message["Date"] = "Consultation", "Wed, 01 Apr 2026 10:00:00 +0100"
    message.set_content("Please join us.\n")
    start = START - timedelta(hours=1)  # UTC
    guests = "\n".join(f"ATTENDEE;CN={address}:mailto:{address}" for address in addresses)
    text = _ENTRY.format(start=start, end=start + timedelta(hours=1), guests=guests)
    message.add_alternative(text.replace("\n", "\r\n"), subtype="calendar", params={"method": "REQUEST"})
    return message


def test_a_calendar_obeys_the_newest_version_and_the_organizer_alone() -> None:
    """The judge itself."""
    from tests.simulation.calendars import Calendars, Item

    def item(method: str, sequence: int, minute: int, organizer: str = "team@example.org") -> Item:
        stamp = datetime.fromisoformat(f"2027-04-01T09:{minute:02}:00+00:00")
        return Item(method, "1@x", sequence, stamp, organizer, ("ana@example.org",), title=f"{sequence}.{minute}")

    def titles(*items: Item) -> list[str]:
        calendars = Calendars()
        for one in items:
            calendars.receive("Ana@example.org", one)
        return [one.title for one in calendars.shown("ana@example.org").values()]

    first, second = item("REQUEST", 0, 0), item("REQUEST", 1, 5)
    assert titles(first, second) == titles(second, first) == ["1.5"]
    assert titles(first, item("REQUEST", 0, 9)) == ["0.9"], "of two equal versions the later stamp"
    assert titles(second, item("CANCEL", 2, 6)) == []
    assert titles(second, item("CANCEL", 2, 6, "somebody@else.example")) == ["1.5"]
    with pytest.raises(AssertionError, match="higher SEQUENCE"):
        titles(second, item("CANCEL", 1, 6))
    with pytest.raises(AssertionError, match="shows something else"):
        titles(second, item("CANCEL", 2, 6), first)
