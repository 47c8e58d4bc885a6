"""How it looks: a picture of each screen in each state that an organiser meets, taken on a few ways through the app."""

import json
import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from rich.terminal_theme import DEFAULT_TERMINAL_THEME
from syrupy.assertion import SnapshotAssertion
from textual.widgets import Input, TextArea

from tests.app.driving import (
    Driven,
    app_of,
    app_over,
    by_name,
    came_back,
    chosen,
    composed,
    driven,
    seen,
    sent_to_everybody,
    typed,
    until,
)
from tests.app.gallery import Gallery
from tests.replies import mails
from tests.servers.recording import RecordingServer
from tui.app.checklist import checks
from tui.app.screens import confirm
from tui.app.screens.question import Asked
from tui.app.state import Run, State
from tui.app.widgets.checks import CheckLine
from tui.delivery import Account, AccountStore
from tui.delivery.brakes import Stop
from tui.folder import open_folder
from tui.mailing import Question

ACCOUNT = {
    "INVITE_TUI_SMTP_HOST": "smtp.department.example",
    "INVITE_TUI_SMTP_PORT": "587",
    "INVITE_TUI_SMTP_USERNAME": "consultations@department.example",
    "INVITE_TUI_SMTP_PASSWORD": "not used",
    "INVITE_TUI_SMTP_PER_MINUTE": "0",
}
"""An account that is never connected to."""
USUAL, TALL, SMALL, LARGE = (100, 30), (100, 44), (60, 20), (300, 80)
STOP = Stop(
    "refused-alike",
    "The mail server refuses the messages for what they are, so it goes no further: 550 5.7.1 Rejected as spam",
    "Correct the wording, the attachments or the account; the rest is still to send.",
)
LISTS = ("attendees.csv", "mistakes.csv", "sessions/attendees.csv")


@pytest.fixture
def gallery(snapshot: SnapshotAssertion) -> Gallery:
    return Gallery(snapshot)


@pytest.fixture(autouse=True)
def in_the_spring(monkeypatch: pytest.MonkeyPatch) -> None:
    """How many days are left is on the pictures."""
    april = datetime(2027, 4, 1, tzinfo=UTC)
    monkeypatch.setattr(confirm, "checks", lambda state, planned, _: checks(state, planned, april))


async def shows(pilot: Driven, *words: str) -> None:
    await until(pilot, lambda: all(one in " ".join(seen(pilot).split()) for one in words))


async def pressed(pilot: Driven, *keys: str, shows: str) -> None:
    """These keys, until the words are on the screen and the selected message is."""
    await pilot.press(*keys)
    await until(pilot, lambda: shows in seen(pilot))
    await composed(pilot)


async def test_where_an_organiser_begins(folder: Path, tmp_path: Path, gallery: Gallery) -> None:
    for age, name in enumerate(LISTS):
        os.utime(folder / name, (2_000_000_000 - age, 2_000_000_000 - age))
    config = tmp_path / "config"
    config.mkdir()
    (folder / "autumn").mkdir()
    (folder / "autumn" / "people.csv").write_text("Name,Email\n")
    (config / "recent.json").write_text(json.dumps([[str(folder / "autumn" / "people.csv")]]))
    (folder / "accident.eml").write_text("From: a@example.org\nTo: b@example.org\n\nHi\n")
    app = app_over(environment={"INVITE_TUI_CONFIG_DIR": str(config), "INVITE_TUI_LOOKUPS": "off"})
    with gallery:
        async with app.run_test(size=USUAL, notifications=True) as pilot:
            await shows(pilot, "The sample")
            await gallery.take(pilot, "the first screen offers the sample the lists and a new event")
            await pilot.press("escape")
            await gallery.take(pilot, "an empty screen says what to do")
            await pressed(pilot, "ctrl+o", shows="The sample")
            await chosen(pilot, "A new event")
            await shows(pilot, "New folder")
            await gallery.take(pilot, "a new event asks for a folder")
            await pressed(pilot, "escape", "ctrl+o", shows="The sample")
            await chosen(pilot, "An account")
            await shows(pilot, "Your address")
            await typed(pilot, "events@department.example")
            await gallery.take(pilot, "an account begins with an address")
            await pressed(pilot, "enter", "enter", shows="Account work")
            await gallery.take(pilot, "the account form says what follows from the address")


async def test_a_list_without_an_account(folder: Path, gallery: Gallery) -> None:
    with gallery:
        async with driven("attendees.csv", size=USUAL) as pilot:
            app = app_of(pilot)
            await pressed(pilot, "down", shows="Dear Bo Li")
            await gallery.take(pilot, "the main screen shows who gets what")
            so_far = [app.state.records[at] for at in range(8)]
            app.main.show(State(files=("attendees.csv",), so_far=so_far))
            await gallery.take(pilot, "a list is walked through while it is read")
            app.main.show(app.state)
            await composed(pilot)
            for key, page in (("2", "HTML"), ("3", "calendar entry"), ("6", "history")):
                await pilot.press(key)
                await gallery.take(pilot, f"the {page} of a message")
            await pressed(pilot, "1", "enter", shows="Dear Bo Li")
            await gallery.take(pilot, "the message is read")
            await pressed(pilot, "escape", "slash", *"zoe", shows="Zo")
            await gallery.take(pilot, "a search narrows the list as it is typed")
            await pressed(pilot, *"xxyz", shows="Nobody matches")
            await gallery.take(pilot, "a search that finds nobody says how to clear it")
            await pressed(pilot, "escape", "space", "down", "space", "v", shows="by status")
            await gallery.take(pilot, "some of the list is chosen")
            await pressed(pilot, "escape", "escape", "question_mark", shows="Only people with problems")
            await gallery.take(pilot, "the help is made of the bindings")
            await pressed(pilot, "escape", "ctrl+p", shows="Search")
            await gallery.take(pilot, "the palette offers what can be done")
            await typed(pilot, "bo li")
            await shows(pilot, "bo.li@example.com")
            await gallery.take(pilot, "the palette finds people")
            await pressed(pilot, "escape", "c", shows="windows-1252")
            await gallery.take(pilot, "an encoding is chosen by how names read in it")
            await pressed(pilot, "escape", "s", shows="No account yet")
            await gallery.take(pilot, "without an account a send is explained")


async def test_what_is_edited_in_place(folder: Path, gallery: Gallery) -> None:
    with gallery:
        async with driven("attendees.csv", size=USUAL) as pilot:
            await pressed(pilot, "e", shows="enter changes it")
            await gallery.take(pilot, "the event in words")
            await pressed(pilot, "enter", shows="London time")
            await gallery.take(pilot, "the event form says the sentence that everybody will read")
            pilot.app.screen.query(Input)[1].value = "2027-02-30 14:00"
            await shows(pilot, "▲")
            await gallery.take(pilot, "the event form says what is wrong with a date")
            await pressed(pilot, "escape", "w", shows="As it will be")
            await until(pilot, lambda: pilot.app.screen.query_one("#beside").virtual_size.height)
            await gallery.take(pilot, "the wording beside the selected message")
            pilot.app.screen.query_one(TextArea).move_cursor((4, 0))
            await pressed(pilot, *"{{", "space", *"na", shows="organizer.name")
            await shows(pilot, "▲")
            await gallery.take(pilot, "the wording offers what can be filled in")
            await pilot.press("escape", "escape", "escape")
            await by_name(pilot, "Columns of the list")
            await shows(pilot, "What is in which column")
            await gallery.take(pilot, "the columns say what they are")
            await pressed(pilot, "escape", "a", shows="Correct the list")
            await gallery.take(pilot, "a row is corrected in the list")


async def test_problems_and_their_causes(folder: Path, gallery: Gallery) -> None:
    with gallery:
        async with driven("mistakes.csv", size=USUAL) as pilot:
            await pressed(pilot, "f", "down", shows="Problems")
            await gallery.take(pilot, "problems stand beside their rows")
            await pressed(pilot, "enter", "enter", shows="Correct the list")
            await gallery.take(pilot, "a row with a problem says what is wrong")
            await pressed(pilot, "escape", "e", shows="enter changes it")
            await gallery.take(pilot, "the event says what is wrong with the files")


async def test_a_send_that_needs_care(few: Path, gallery: Gallery) -> None:
    event = few.with_name("event.toml")
    event.write_text(event.read_text().replace("[organizer]", "reply_by = 2027-03-30\n\n[organizer]"))
    limited = {**ACCOUNT, "INVITE_TUI_SMTP_PER_DAY": "100"}
    with gallery:
        async with driven("few.csv", environment=limited, size=USUAL) as pilot:
            await pressed(pilot, "s", shows="Not everybody can be sent to")
            await gallery.take(pilot, "a row with an error is mended or left out")
            await pilot.press("right", "enter")
            await shows(pilot, "Type the number")
            await pilot.resize_terminal(*TALL)
            await gallery.take(pilot, "the question before a send says what needs care")
            app_of(pilot).screen.query(CheckLine).last().focus()
            await pressed(pilot, "enter", shows="Before the quota is used up")
            await gallery.take(pilot, "the limits say how fast and whose rule it is")
            await pilot.press("escape", "escape")
            await until(pilot, lambda: "Type the number" not in seen(pilot))
            await by_name(pilot, "Plan")
            await shows(pilot, "Its digest")
            await gallery.take(pilot, "the plan says what a send would do")
        async with driven("mistakes.csv", environment=ACCOUNT, size=USUAL) as pilot:
            await pressed(pilot, "s", shows="Nothing can be sent yet")
            await gallery.take(pilot, "what stands in the way of a send is said and led to")


async def test_a_rehearsal_and_the_question_before_a_send(folder: Path, gallery: Gallery) -> None:
    with gallery:
        async with driven("attendees.csv", environment=ACCOUNT, size=USUAL) as pilot:
            await pressed(pilot, "s", shows="Type the number")
            await gallery.take(pilot, "the question before a send says that nobody has rehearsed")
            await typed(pilot, "54")
            await gallery.take(pilot, "a wrong number keeps the send button dark")
            await pilot.press("up", "up", "up", "up", "up")
            await gallery.take(pilot, "a check leads to its cause")
            app_of(pilot).screen.dismiss(None)
            await pressed(pilot, "d", shows="Rehearsal finished")
            await shows(pilot, "✓ Rehearse")
            await gallery.take(pilot, "a rehearsal says where it was written")
            await pilot.resize_terminal(*TALL)
            await pressed(pilot, "escape", "s", shows="the outbox holds them")
            await typed(pilot, "55")
            await gallery.take(pilot, "the question before a send with every check green")
            await pilot.resize_terminal(*SMALL)
            await gallery.take(pilot, "the question before a send on the smallest screen")
            await pilot.press("up")
            await gallery.take(pilot, "how a send is to go on the smallest screen")
            await pilot.press("escape")
            await shows(pilot, "Nothing was sent")
            await pressed(pilot, "d", shows="Rehearsal finished")
            await gallery.take(pilot, "a rehearsal on the smallest screen")


async def test_a_run_under_way(folder: Path, gallery: Gallery) -> None:
    run = Run("send", 55, "smtp.department.example", {}, pace=1.0)
    under_way = replace(
        run,
        counts={"accepted": 20, "refused": 1},
        active=21.0,
        asked=True,
        reply="250 2.0.0 Ok: queued as 4BxT1c2ZQz",
        pulse=(3, 3, 4, 2, 0, 3, 3, 2, 1),
    )
    first = Question(52)
    states = {
        "every message is checked before the first one goes": run,
        "a send is held back for some seconds": replace(run, held=(24.0, "The first message goes")),
        "a send is under way": under_way,
        "a send is paused": replace(under_way, paused=True),
        "a send waits for the provider": replace(under_way, waiting=(95.0, "the server asked for a pause")),
        "a send stops after the messages in flight": replace(under_way, stopping=True),
    }
    with gallery:
        async with driven("attendees.csv", environment=ACCOUNT, size=USUAL) as pilot:
            app = app_of(pilot)
            for name, one in states.items():
                app.main.show(app.state.with_run(one))
                await gallery.take(pilot, name)
            asked = replace(under_way, counts={"accepted": 3}, question=first)
            app.main.show(app.state.with_run(asked))
            app.push_screen(Asked(asked, first))
            await shows(pilot, "Send the rest")
            await gallery.take(pilot, "after the first messages it asks whether to go on")
            await pilot.press("escape")
            braked = Question(34, STOP)
            app.push_screen(Asked(replace(under_way, question=braked), braked))
            await shows(pilot, "The run holds")
            await gallery.take(pilot, "a run that a brake holds says why and asks whether to go on")


@pytest.fixture
def sent(few: Path, server: RecordingServer) -> Path:
    """Four people, of whom the second was refused."""
    few.write_text(few.read_text().replace("cid@@", "cid@"))
    server.say("RCPT", "550 5.1.1 No such user", to="bo@example.org")
    sent_to_everybody(few, server)
    return few


async def test_after_a_run(sent: Path, gallery: Gallery) -> None:
    outcomes = {"accepted": 3, "refused": 1}
    finished = Run("send", 4, "", {}, counts=outcomes, active=4.0, asked=True, over=True)
    with gallery:
        async with driven("few.csv", environment=ACCOUNT, size=USUAL) as pilot:
            app = app_of(pilot)
            app.main.show(app.state.with_run(finished))
            await gallery.take(pilot, "a finished send says what became of it and what to do")
            app.main.show(app.state)
            await pressed(pilot, "f", shows="Problems")
            await gallery.take(pilot, "who is to be looked after")
            await pressed(pilot, "escape", "end", "a", shows="Look at it")
            await shows(pilot, "Dora")
            await gallery.take(pilot, "a person is corrected in place")
            await pressed(pilot, "escape", "r", shows="Look at it")
            await gallery.take(pilot, "a message is asked for once more")
            await pressed(pilot, "ctrl+s", shows="Type the number")
            await gallery.take(pilot, "the very message is read before it is sent again")
            await pilot.press("escape")
            await until(pilot, lambda: "Type the number" not in seen(pilot))
            await pressed(pilot, "escape", "t", shows="Look at it")
            await gallery.take(pilot, "an invitation is taken back")
            await pilot.press("escape")
            await by_name(pilot, "Forget")
            await shows(pilot, "Type the number of people")
            await gallery.take(pilot, "a person is forgotten only by their number")
            await pilot.press("escape")


@pytest.fixture
def answered(sent: Path, server: RecordingServer) -> Path:
    """Of these four people one has accepted, one may come and asks for another address, and one has bounced."""
    ana, cid, dora = (f"{name}@example.org" for name in ("ana", "cid", "dora"))
    people = open_folder([str(sent)]).people()
    letters = {one.rcpt_tos[0]: one.data.decode() for one in server.messages}
    asks = mails.a_mail(cid, "Please use cid@home.example.", in_reply_to=people[cid].messages[0].message_id)
    came_back(
        sent,
        mails.by_google(people[ana].messages[0].uid, ana),
        mails.by_apple(people[cid].messages[0].uid, cid),
        mails.by_qmail(dora, letters[dora]),
        asks.as_bytes(),
    )
    return sent


async def test_what_came_back(answered: Path, gallery: Gallery) -> None:
    with gallery:
        async with driven("few.csv", environment=ACCOUNT, size=(120, 30)) as pilot:
            await gallery.take(pilot, "the list says who has answered what")
            await pressed(pilot, "v", shows="by status")
            await gallery.take(pilot, "some of the list is chosen by its answers")
            await chosen(pilot, "tentative")
            await shows(pilot, "1 of 4")
            await gallery.take(pilot, "who may come is shown alone")
            await pilot.press("escape")
            await pressed(pilot, "slash", *"accept", shows="1 of 4")
            assert "Ana Ruiz" in seen(pilot), "an answer is found by its word"
            await pilot.press("escape")
            await pressed(pilot, "i", shows="Please use")
            await gallery.take(pilot, "the answers as bars and what is to be decided")


async def test_the_accounts(folder: Path, tmp_path: Path, gallery: Gallery) -> None:
    store = AccountStore(tmp_path / "config")
    store.add(Account("relay", "relay.department.example", 587, login="none"), None)
    store.add(Account("archive", "mail.archive.example", 465, "tls", login="none"), None)
    environment = {"INVITE_TUI_CONFIG_DIR": str(tmp_path / "config"), "INVITE_TUI_ACCOUNT": "relay"}
    with gallery:
        async with driven("attendees.csv", environment=environment, size=USUAL) as pilot:
            await by_name(pilot, "Accounts")
            await shows(pilot, "used here")
            await gallery.take(pilot, "the accounts and which of them a send goes through")
            await pressed(pilot, "enter", shows="A message to yourself")
            await gallery.take(pilot, "what can be done with an account")


async def test_a_mail_that_went_wrong(folder: Path, gallery: Gallery) -> None:
    people = ", ".join(f"Guest {number} <guest{number}@example.org>" for number in range(1, 12))
    (folder / "accident.eml").write_text(f"From: team@department.example\nTo: {people}\nSubject: Consultation\n\nHi\n")
    with gallery:
        async with driven("attendees.csv", size=USUAL) as pilot:
            app_of(pilot).leaks.audit("accident.eml")
            await shows(pilot, "Who could see whom")
            await gallery.take(pilot, "a mail that went wrong shows who could see whom")


async def test_every_size_and_every_colour(folder: Path, gallery: Gallery) -> None:
    with gallery:
        async with driven("attendees.csv", size=SMALL) as pilot:
            await gallery.take(pilot, "at 60 by 20 the list has the screen to itself")
            await pressed(pilot, "enter", shows="Dear Ana")
            await gallery.take(pilot, "at 60 by 20 the message has the screen to itself")
            await pilot.press("escape")
            await pilot.resize_terminal(80, 24)
            await gallery.take(pilot, "at 80 by 24 no word is cut")
            await pilot.resize_terminal(*LARGE)
            await gallery.take(pilot, "at 300 by 80 everything has its place")
            await pilot.resize_terminal(*USUAL)
            for theme in ("invite-light", "invite-16-dark"):
                app_of(pilot).theme = theme
                await gallery.take(pilot, f"the main screen in {theme}")
            await pressed(pilot, "v", shows="by status")
            await gallery.take(pilot, "the cursor of a list in invite-16-dark")


async def test_a_light_terminal_of_sixteen_colours(
    folder: Path, gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rich.console.SVG_EXPORT_THEME", DEFAULT_TERMINAL_THEME)  # what that terminal has for default
    with gallery:
        async with driven("mistakes.csv", size=USUAL) as pilot:
            app_of(pilot).theme = "invite-16-light"
            await pressed(pilot, "down", shows="to fix  Bo Li")
            await gallery.take(pilot, "the main screen in invite-16-light")
            await pressed(pilot, "a", shows="Correct the list")
            await gallery.take(pilot, "a form in invite-16-light")


async def test_without_colours_signs_and_words_say_everything(
    folder: Path, gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    with gallery:
        async with driven("mistakes.csv", size=USUAL) as pilot:
            await gallery.take(pilot, "without colours signs and words say everything")
