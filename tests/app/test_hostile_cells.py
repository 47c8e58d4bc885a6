"""What a file holds never acts on the terminal, and is never markup: it is shown."""

import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from fcntl import ioctl
from pathlib import Path

import pytest

from tests.app.driving import app_of, composed, driven, seen, typed

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


async def test_markup_in_cells_is_literal_on_every_page_and_dialog(hostile: Path) -> None:
    async with driven("hostile.csv", size=(140, 45)) as pilot:
        assert "[/nope]" in seen(pilot)
        assert "[@click=app.q" in seen(pilot)
        for _ in HOSTILE:
            for page in "123456":
                await pilot.press(page)
                await composed(pilot)
            await pilot.press("down")
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


async def test_a_file_name_that_is_markup_is_literal(folder: Path) -> None:
    async with driven("[/nope].csv") as pilot:
        assert "[/nope].csv" in seen(pilot)


@pytest.mark.skipif(os.name != "posix", reason="needs a pty")
def test_no_control_from_a_file_reaches_a_real_terminal(hostile: Path) -> None:
    output = _terminal_output(
        [b"\x1b[B" * 12, b"123456", b"f", b"e", b"\x1b", b"?", b"\x1b", b"d", b"/nope", b"\x1b", b"q"]
    )
    assert b"nope" in output
    # No operating system command at all: neither the clipboard nor the title. What is left of them is words.
    assert b"\x1b]" not in output
    assert b"]52;c;" in output
    assert b"\xc2\x9b" not in output
    for hidden in ("\u202e", "\u200b"):
        assert hidden.encode() not in output
    # The app itself colours with 24-bit or 256 colours: this one is the cell's.
    assert not re.search(rb"\x1b\[31mred", output)


def _terminal_output(keys: list[bytes]) -> bytes:
    """Every byte that the app writes to its terminal, from its first to its last, while these keys are pressed."""
    master, slave = pty.openpty()
    ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    environment = {
        **os.environ,
        "TERM": "xterm-256color",
        "COLORTERM": "truecolor",
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }
    command = [sys.executable, "-m", "tui", "hostile.csv"]
    with subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, env=environment) as process:
        os.close(slave)
        output = bytearray()
        _read(master, output, lambda: b" ready" in output)
        for key in keys:
            os.write(master, key)
            _read(master, output, lambda: False, seconds=0.5)
        _read(master, output, lambda: process.poll() is not None)
        assert process.wait(10) == 0
    os.close(master)
    return bytes(output)


def _read(master: int, output: bytearray, done: "object", seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    assert callable(done)
    while time.monotonic() < end and not done():
        if select.select([master], [], [], 0.05)[0]:
            try:
                output += os.read(master, 65536)
            except OSError:  # Linux says so where the other end is closed
                return
