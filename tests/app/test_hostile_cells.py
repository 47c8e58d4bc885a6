"""What comes from outside never acts on the terminal, and is never markup: it is shown.

Judged by the bytes of a real terminal, on every screen, dialog and line in passing that has anything from outside.
"""

import json
import os
import re
from email import message_from_bytes
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from textual.events import Paste

from tests.app.driving import came_back, driven, seen, sent_to_everybody, through, until
from tests.replies import mails
from tests.servers.recording import RecordingServer
from tui.app.widgets.armoured import Armoured
from tui.app.widgets.line import Line
from tui.clean import visible
from tui.delivery import Account, AccountStore
from tui.folder import open_folder

if TYPE_CHECKING:
    from tests.app.terminal import Terminal

EVIL = "\x1b]52;c;aGFjaw==\x07 \x1b[31mred \u202egnp.exe zero\u200bwidth a\x9b31mb [/nope] [red]loud[/red]"
HOSTILE = (
    "[/nope]",
    "[red]loud[/red]",
    "[@click=app.quit]press[/]",
    "\x1b]52;c;aGFjaw==\x07",
    "\x1b[31mred",
    "a\x9b31mb",
    "\u202egnp.exe",
    "zero\u200bwidth",
    "{{ 7*7 }}",
    "<script>alert(1)</script>",
)
WRONG = f'"Zed","z@@example.org\x1b]0;title\x07[/nope]","{EVIL}",""\n'
ENTER, ESCAPE, UP, DOWN, HOME, END = "\r", "\x1b", "\x1b[A", "\x1b[B", "\x1b[H", "\x1b[F"
PALETTE, OPEN, SAVE = "\x10", "\x0f", "\x13"
PASTED = "\x1b[200~[/nope]\x9b31m\u202egnp\u200b@[red]loud[/red].example\x1b[201~"
"""A paste as a terminal hands it over."""


@pytest.fixture
def hostile(folder: Path) -> Path:
    rows = [f'"{text}","p{number}@example.org","{text}","{text}"' for number, text in enumerate(HOSTILE)]
    path = folder / "hostile.csv"
    path.write_text("\n".join(["Name,Email,Audience,Ours\x1b]0;x\x07[/nope]", *rows, ""]), encoding="utf-8", newline="")
    event = (folder / "event.toml").read_text()
    event = event.replace('location    = "Microsoft Teams"', 'location = "[/nope] \\u001B]52;c;eA==\\u0007"')
    (folder / "event.toml").write_text(event)
    return path


async def test_what_is_pasted_into_the_wording_is_drawn_as_boxes_and_saved_as_it_was(folder: Path) -> None:
    evil = "\x1b]52;c;eA==\x07 \u202egnp.exe a\x9b31mb \U000e0041"
    async with driven("attendees.csv", size=(140, 45)) as pilot:
        await pilot.press("w")
        await until(pilot, lambda: "Dear Ana Ruiz" in seen(pilot))
        editor = pilot.app.screen.query_one(Armoured)
        editor.post_message(Paste(evil))
        await until(pilot, lambda: "52;c;eA==" in seen(pilot))
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", seen(pilot))
        assert editor.written.startswith(evil[:-1])


def test_what_is_pasted_into_a_line_is_harmless_before_it_is_drawn() -> None:
    assert Line().validate_value(EVIL) == visible(EVIL)
    assert Line(password=True).validate_value(EVIL) == EVIL


@pytest.fixture
def config(hostile: Path, tmp_path: Path) -> Path:
    """The organiser's own files: keys, what was open lately, and a list here, all with names that are evil."""
    folder = tmp_path / "config"
    folder.mkdir()
    other = hostile.parent / "other\x1b]52;c;eA==\x07"
    other.mkdir()
    (other / "a[nope].csv").write_text("Name,Email\n")
    (hostile.parent / "[red]\x1b]0;x\x07.csv").write_text("Name,Email\n")
    (folder / "recent.json").write_text(json.dumps([[str(other / "a[nope].csv")]]))
    (folder / "app.toml").write_text('[keys]\n"\\u001b]52;c;eA==\\u0007[/nope]" = "x"\n')
    return folder


def by_name(terminal: "Terminal", title: str) -> None:
    """Found in the palette, where nothing else is offered any more; Enter does it."""
    terminal.press(PALETTE)
    terminal.until("Search every column")
    terminal.press(title)
    terminal.until("Search every column", gone=True)
    terminal.until(title)


@pytest.mark.skipif(os.name != "posix", reason="needs a pty")
def test_nothing_from_a_file_acts_on_a_terminal_before_a_send(hostile: Path, config: Path) -> None:
    from tests.app.terminal import Terminal

    own = hostile.parent / "templates"
    own.mkdir()
    wording = f"subject: Hello {EVIL}\n\nDear {{{{ name }}}},\n\n{EVIL}\n"
    (own / "invitation.md").write_text(wording, encoding="utf-8")
    (hostile.parent / "[red]loud.eml").write_text(
        f"From: [/nope] <x@example.org>\nTo: {EVIL} <a@example.org>, [red]b[/red] <b@example.org>\n"
        f"Subject: [@click=app.quit]press[/] {EVIL}\n\nhello\n"
    )
    (hostile.parent / "evidence.jsonl").write_text(json.dumps({"kind": EVIL, EVIL: [EVIL]}) + f"\n{EVIL}\n")
    AccountStore(config).add(Account("relay", "smtp.example.org", 587, login="none"), None)
    environment = {"INVITE_TUI_CONFIG_DIR": str(config), "INVITE_TUI_LOOKUPS": "off"}
    with Terminal("hostile.csv", environment=environment, size=(140, 45)) as terminal:
        terminal.until("0 to fix")
        for at in (*range(1, len(HOSTILE)), 0):
            terminal.press(DOWN if at else HOME)
            terminal.until(f"<p{at}@example.org>")
        for page, words in (
            ("2", "in the browser"),
            ("3", "In UTC"),
            ("4", "Message-ID"),
            ("5", "boundary="),
            ("6", "Next"),
        ):
            terminal.press(page)
            terminal.until(words)
        terminal.press("1")
        terminal.until("Dear [/nope]")
        terminal.visit("/[/nope]", "1 of 10")
        terminal.visit("/zz[/nope]", "Nobody matches zz[/nope]")
        terminal.visit("v", "by status")
        terminal.visit("c", "windows-1252")
        terminal.visit("e", "enter changes it")
        terminal.visit("e", "enter changes it", ENTER, "Time zone")
        terminal.visit("w", "As it will be", DOWN * 3 + "{{ na", "organizer.name")
        terminal.visit("a", "Correct the list")
        terminal.visit(PALETTE + "NOPE", "NOPE")
        terminal.visit(PALETTE + "Columns of", "Columns of the list", ENTER, "Say what is in which column")
        terminal.visit(PALETTE + "Judge", "Judge a mail", ENTER, "[red]loud.eml", ENTER, "could see each other")
        by_name(terminal, "Check an evidence file")
        terminal.visit(ENTER, "Check evidence", SAVE, "does not hold")
        by_name(terminal, "Add an account")
        terminal.visit(ENTER, "Your address", PASTED, "<U+202E>gnp", SAVE, "Account work")
        by_name(terminal, "Accounts")
        terminal.visit(ENTER, "Another account", ENTER, "A message to yourself")
        terminal.visit(OPEN, "Open lately")
        terminal.visit("d", "Rehearsal finished")
        with hostile.open("a", encoding="utf-8", newline="") as file:
            file.write(WRONG)
        terminal.until("1 to fix")
        terminal.press("f")
        terminal.until("Problems")
        terminal.press(END)
        terminal.until("Zed <")
        terminal.visit(ENTER + ENTER, "Correct the list")
        terminal.press("q")
        assert terminal.ended() == 0
    _is_harmless(bytes(terminal.written))


@pytest.fixture
def answered(hostile: Path, server: RecordingServer) -> Path:
    """Everybody was sent their invitation, a server has refused one with evil words, and evil mails have come back."""
    server.say("RCPT", "550 5.1.1 \x1b]52;c;eA==\x07 \x1b[31mred [/nope]", to="p0@example.org")
    sent_to_everybody(hostile, server)
    held = {
        message_from_bytes(one.data)["To"].partition("<")[2]: message_from_bytes(one.data) for one in server.messages
    }
    uids = {person.address: person.messages[0].uid for person in open_folder([str(hostile)]).people().values()}
    of = "{}@example.org".format
    calendars = mails.by_outlook(uids[of("p1")], of("p1"), note=EVIL).replace(b"CN=Bo Li", f"CN={EVIL}".encode())
    elsewhere = f"{EVIL} <office@elsewhere.example>".encode()
    somebody = mails.by_google(uids[of("p2")], of("p2")).replace(b"<p2@example.org>", elsewhere)
    words = mails.a_mail(
        of("p3"), f"{EVIL} Please use p3@home.example.", in_reply_to=held[f"{of('p3')}>"]["Message-ID"]
    )
    came_back(hostile, calendars, somebody, words.as_bytes())
    return hostile


@pytest.mark.skipif(os.name != "posix", reason="needs a pty")
def test_nothing_from_a_server_or_a_mail_acts_on_a_terminal_after_a_send(
    answered: Path, server: RecordingServer
) -> None:
    from tests.app.terminal import Terminal

    with Terminal("hostile.csv", environment=through(server, USERNAME=""), size=(140, 45)) as terminal:
        terminal.until("1 refused")
        terminal.press("6")
        terminal.until("550 5.1.1")
        terminal.press("\x01")
        terminal.until("10 marked")
        terminal.visit("r", "Look at it", "[/nope]" + SAVE, "Type the number")
        terminal.visit("t", "Look at it", "[/nope]" + SAVE, "Type the number")
        terminal.press(ESCAPE)
        terminal.until("marked", gone=True)
        for _ in range(3):
            terminal.visit("a", "Look at it")
            terminal.press(DOWN)
        terminal.press("i")
        terminal.until("asks for another address")
        terminal.visit(ENTER, "Asked in words")
        terminal.until("asks for another address")  # the list is there again
        terminal.leave("asks for another address")
        terminal.visit(PALETTE + "Forget", "Take the selected", ENTER, "to forget them")
        evil = "[red]\x1b]0;x\x07.txt"
        (answered.parent / evil).write_text("p3@example.org p4@example.org")
        event = answered.parent / "event.toml"
        before = event.read_text()
        event.write_text(before.replace("[message]", f"[message]\nattachments = [{json.dumps(evil)}]"))
        with answered.open("a", encoding="utf-8", newline="") as file:
            file.writelines(f'"{EVIL}","new{at}@example.org","{EVIL}",""\n' for at in range(4))
        terminal.until("▲ Check")
        terminal.visit("s", "Nothing can be sent yet")
        terminal.press("f")
        terminal.until("Problems")
        terminal.press(END)
        terminal.until("Nothing has been sent to this person yet")
        terminal.visit(ENTER + ENTER, "What is wrong", ENTER, "An attachment")
        event.write_text(before)
        terminal.until("4 ready")
        terminal.press("s")
        terminal.until("Type the number")
        terminal.press(UP * 4)
        terminal.until("shows the limits")
        terminal.visit(ENTER, "Before the quota is used up")
        terminal.leave("Type the number")
        server.say("DATA", f"554 5.7.1 {EVIL[:40]} spam")
        terminal.press("s")
        terminal.until("Type the number")
        terminal.press("4" + ENTER)
        terminal.until("The run holds")  # and says why, in the server's words
        terminal.leave("The run holds")
        terminal.press("x")
        terminal.until("Send stopped")
        terminal.leave("Send stopped")
        by_name(terminal, "Write the evidence file")
        terminal.visit(ENTER, "Write it", SAVE, "Its seal")
        terminal.press("q")
        assert terminal.ended() == 3
    _is_harmless(bytes(terminal.written))


def _is_harmless(output: bytes) -> None:
    """The only command to the terminal is the toolkit's own, the shape of the pointer: no clipboard, no title."""
    assert set(re.findall(rb"\x1b\](\d*)", output)) <= {b"22"}
    assert b"]52;c;" in output
    assert b"\xc2\x9b" not in output
    for hidden in ("\u202e", "\u200b"):
        assert hidden.encode() not in output
    # The app itself colours with 24 bits: this one is the cell's.
    assert not re.search(rb"\x1b\[31m", output)
