"""What a file holds never acts on the terminal, and is never markup: it is shown."""

import json
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Mapping
from fcntl import ioctl
from pathlib import Path

import pytest
from textual.events import Paste

from tests.app.driving import app_of, composed, driven, seen, through, typed, until
from tests.servers.recording import RecordingServer
from tui.app.widgets.armoured import Armoured

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
HOSTILE_MAIL = """From: [/nope] <x@example.org>
To: \x1b]52;c;aGFjaw==\x07 <a@example.org>, [red]b[/red] <b@example.org>
Subject: [@click=app.quit]press[/] \x1b[31mred \u202egnp.exe

hello
"""


@pytest.fixture
def hostile(folder: Path) -> Path:
    rows = [f'"{text}","p{number}@example.org","{text}"' for number, text in enumerate(HOSTILE)]
    rows.append('"Zed","z@@example.org\x1b]0;title\x07[/nope]","[/nope]"')
    path = folder / "hostile.csv"
    path.write_text("Name,Email,Audience\n" + "\n".join(rows) + "\n", encoding="utf-8", newline="")
    event = (folder / "event.toml").read_text()
    event = event.replace('location    = "Microsoft Teams"', 'location = "[/nope] \\u001B]52;c;eA==\\u0007"')
    (folder / "event.toml").write_text(event)
    return path


@pytest.fixture
def sendable(hostile: Path) -> Path:
    """The same, without the row that has an error."""
    rows = hostile.read_text(encoding="utf-8").splitlines(keepends=True)
    hostile.write_text("".join(rows[:-1]), encoding="utf-8", newline="")
    return hostile


async def test_markup_in_cells_is_literal_on_every_page_and_dialog(hostile: Path) -> None:
    async with driven("hostile.csv", size=(140, 45)) as pilot:
        assert "[/nope]" in seen(pilot)
        assert "[@click=app.q" in seen(pilot)
        for _ in HOSTILE:
            await pilot.press(*"123456", "down")
            await composed(pilot)
        await pilot.press("e")
        await pilot.pause()
        assert "[/nope]" in seen(pilot)
        await pilot.press("escape", "slash")
        await typed(pilot, "[/nope")
        assert "[/nope]" in seen(pilot)
        await pilot.press("]", "z", "z")
        await pilot.pause()
        assert "Nobody matches [/nope]zz" in seen(pilot)
        assert app_of(pilot).is_running


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


async def test_a_file_name_that_is_markup_is_literal(folder: Path) -> None:
    async with driven("[/nope].csv") as pilot:
        assert "[/nope].csv" in seen(pilot)


async def test_markup_is_literal_in_what_is_asked_and_shown_before_a_resend_a_correction_and_a_cancellation(
    sendable: Path, server: RecordingServer
) -> None:
    async with driven(sendable, environment=through(server), size=(140, 45)) as pilot:
        await pilot.press("s")
        await until(pilot, lambda: "Type the number" in seen(pilot))
        await typed(pilot, str(len(HOSTILE)))
        await pilot.press("enter")
        await until(pilot, lambda: "Send finished" in seen(pilot))
        await app_of(pilot).workers.wait_for_complete()
        await pilot.press("escape", "ctrl+a")
        for key in ("r", "t"):
            await pilot.press(key)
            await until(pilot, lambda: "Look at it" in seen(pilot))
            assert "[/nope] <p0@example.org>" in seen(pilot)
            await typed(pilot, "[/nope]")
            await pilot.press("enter")
            await until(pilot, lambda: "Type the number" in seen(pilot))
            assert "to [/nope] <p0@example.org>" in seen(pilot)
            _is_harmless(seen(pilot))
            await pilot.press("escape", "escape")
        await pilot.press("escape", "home")
        for number, _ in enumerate(HOSTILE):
            await pilot.press("a")
            await until(pilot, lambda: "Look at it" in seen(pilot))
            await until(pilot, lambda number=number: f"<p{number}@example.org>" in seen(pilot))  # type: ignore[misc]
            _is_harmless(seen(pilot))
            await pilot.press("escape", "6", "down")
            await composed(pilot)
            _is_harmless(seen(pilot))
    assert len(server.messages) == len(HOSTILE)


async def test_a_hostile_mail_is_shown_and_repaired_as_text(folder: Path) -> None:
    (folder / "[red]loud.eml").write_bytes(HOSTILE_MAIL.encode())
    async with driven("attendees.csv", size=(140, 45)) as pilot:
        app_of(pilot).leaks.audit("[red]loud.eml")
        await until(pilot, lambda: "Who could see whom" in seen(pilot))
        assert "[@click=app.quit]press[/]" in seen(pilot)
        assert "[red]loud.eml" in seen(pilot)
        _is_harmless(seen(pilot))
        await pilot.click("#repair")
        await until(pilot, lambda: "[red]loud-repair" in seen(pilot))
        await pilot.press("enter")
        await until(pilot, lambda: "What to do now" in seen(pilot))
        assert "[@click=app.quit]press[/]" in seen(pilot)
        _is_harmless(seen(pilot))


def _is_harmless(screen: str) -> None:
    """No control, no mark that turns the direction and nothing of no width is drawn."""
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u200b]", screen)


@pytest.mark.skipif(os.name != "posix", reason="needs a pty")
def test_no_control_reaches_a_real_terminal_from_what_is_edited_found_or_was_open_before(
    hostile: Path, folder: Path, tmp_path: Path
) -> None:
    evil = "\x1b]52;c;aGFjaw==\x07 \x1b[31mred \u202egnp.exe zero\u200bwidth a\x9b31mb [/nope] [red]loud[/red]"
    own = folder / "templates"
    own.mkdir()
    (own / "invitation.md").write_text(f"subject: Hello {evil}\n\nDear {{{{ name }}}},\n\n{evil}\n", encoding="utf-8")
    (folder / f"[red]{chr(27)}]0;x{chr(7)}.csv").write_text("Name,Email\n", encoding="utf-8")
    config = tmp_path / "config"
    config.mkdir()
    other = folder / f"other{chr(27)}]52;c;eA=={chr(7)}"
    other.mkdir(parents=True)
    (other / "a[nope].csv").write_text("Name,Email\n")
    (config / "recent.json").write_text(json.dumps([[str(other / "a[nope].csv")]]))
    (config / "app.toml").write_text('[keys]\n"\\u001b]52;c;eA==\\u0007[/nope]" = "x"\n')
    output = _terminal_output(
        (b"", b"to fix"),
        (b"w", b"Subject"),
        (b"\x1b[B\x1b[B\x1b[B", b""),
        (b"{{ na", b"organizer.name"),
        (b"\x1b", b""),
        (b"\x1b", b""),
        (b"\x1b", b""),
        (b"\x1b", b""),
        (b"e", b"enter changes it"),
        (b"\r", b"Time zone"),
        (b"\x1b", b""),
        (b"\x1b[F", b"Zed"),
        (b"a", b"Correct the list"),
        (b"\x1b", b""),
        (b"\x10nope", b"p0@"),
        (b"\x1b", b""),
        (b"\x1b", b""),
        (b"\x0f", b"Open lately"),
        (b"\x1b", b""),
        environment={"INVITE_TUI_CONFIG_DIR": str(config)},
    )
    _has_no_command(output)


@pytest.mark.skipif(os.name != "posix", reason="needs a pty")
def test_no_control_from_a_file_reaches_a_real_terminal(hostile: Path) -> None:
    output = _terminal_output(
        (b"", b"to fix"),
        (b"\x1b[F", b"Zed"),
        *((page, b"") for page in (b"1", b"2", b"3", b"4", b"5", b"6")),
        (b"f", b"Problems"),
        (b"e", b"Outbox"),
        (b"\x1b", b""),
        (b"?", b"Afterwards"),
        (b"\x1b", b""),
        (b"d", b"Rehearsal finished"),
        (b"/nope", b"of 11"),
        (b"\x1b", b""),
        (b"\x1b", b""),
    )
    _has_no_command(output)


def _has_no_command(output: bytes) -> None:
    """The only command to the terminal is the toolkit's own, the shape of the pointer: no clipboard, no title."""
    assert set(re.findall(rb"\x1b\](\d*)", output)) <= {b"22"}
    assert b"]52;c;" in output
    assert b"\xc2\x9b" not in output
    for hidden in ("\u202e", "\u200b"):
        assert hidden.encode() not in output
    # The app itself colours with 24 bits: this one is the cell's.
    assert not re.search(rb"\x1b\[31m", output)


def _terminal_output(*steps: tuple[bytes, bytes], environment: Mapping[str, str] | None = None) -> bytes:
    """Every byte that the app writes to its terminal, each key pressed once the last one's words were seen."""
    master, slave = pty.openpty()
    ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    root = str(Path(__file__).parents[2])
    terminal = {"TERM": "xterm-256color", "COLORTERM": "truecolor", "PYTHONPATH": root}
    surroundings = {**os.environ, **terminal, **(environment or {})}
    command = [sys.executable, "-m", "tui", "hostile.csv"]
    process = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, env=surroundings)
    os.close(slave)
    output = bytearray()
    try:
        for keys, words in steps:
            before = len(output)
            os.write(master, keys)
            _read(master, output, lambda start=before, words=words: bool(words) and words in output[start:], words)  # type: ignore[misc]
        os.write(master, b"q")
        _read(master, output, lambda: process.poll() is not None, b"the end")
        assert process.wait(10) == 0
    finally:
        process.kill()
        process.wait()
        os.close(master)
    return bytes(output)


def _read(master: int, output: bytearray, done: Callable[[], bool], words: bytes) -> None:
    """Read on until it is done; without words to wait for, for a while."""
    end = time.monotonic() + (30.0 if words else 0.4)
    while not done():
        if time.monotonic() > end:
            assert not words, f"never saw {words!r}"
            return
        if select.select([master], [], [], 0.05)[0]:
            try:
                output += os.read(master, 65536)
            except OSError:  # Linux says so where the other end is closed
                time.sleep(0.01)
