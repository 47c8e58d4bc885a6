"""Without a file: what there is to open, and where that leads."""

import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from contextlib import suppress
from fcntl import ioctl
from pathlib import Path

import pytest

from tests.app.driving import app_of, app_over, chosen, composed, opened, seen, until


async def test_without_a_file_the_sample_and_the_lists_that_are_here_are_offered(folder: Path) -> None:
    async with app_over().run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: "The sample" in seen(pilot))
        screen = seen(pilot)
        assert "mistakes.csv" in screen
        assert "sessions/attendees.csv" in screen
        assert "A new event" in screen and "An account to send with" in screen


async def test_a_list_that_is_here_is_opened_by_a_key(folder: Path) -> None:
    (folder / "mistakes.csv").unlink()
    async with app_over().run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: "The sample" in seen(pilot))
        await pilot.press("enter")
        await opened(pilot)
        assert "Attendees  55" in seen(pilot)
        assert "Dear Ana Ruiz" in seen(pilot)


async def test_the_sample_is_worked_on_in_a_folder_of_its_own(folder: Path, tmp_path: Path) -> None:
    async with app_over().run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: "The sample" in seen(pilot))
        await pilot.press("home", "enter")
        await opened(pilot)
        await pilot.press("d")
        await until(pilot, lambda: "Rehearsal finished" in seen(pilot))
        opened_folder = app_of(pilot).state.folder
        assert opened_folder is not None
        written = opened_folder.outbox
        assert len(list(written.iterdir())) == 55
        assert not (folder / "outbox").exists()
    assert not written.exists()


async def test_who_chooses_nothing_is_told_how_to_choose_and_can_leave(folder: Path) -> None:
    async with app_over().run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: "The sample" in seen(pilot))
        await pilot.press("escape")
        assert "No list is open. ^o opens one." in seen(pilot)
        await pilot.press("s", "d", "f", "v", "c", "slash", "e", "escape", "ctrl+o")
        await until(pilot, lambda: "The sample" in seen(pilot))
        await pilot.press("escape", "q")
    assert app_of(pilot).exit_code == 0


async def test_another_list_is_opened_from_the_first_with_nothing_of_it_left(folder: Path) -> None:
    async with app_over("attendees.csv").run_test(size=(100, 30)) as pilot:
        await opened(pilot)
        await pilot.press("ctrl+o")
        await until(pilot, lambda: "The sample" in seen(pilot))
        await chosen(pilot, "mistakes.csv")
        await until(pilot, lambda: app_of(pilot).state.files == ("mistakes.csv",))
        await opened(pilot)
        await composed(pilot)
        assert "to fix" in seen(pilot)
        assert "Attendees  55" not in seen(pilot)


async def test_a_folder_without_any_list_says_what_to_put_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with app_over().run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: "There is no list here: put a .csv or .xlsx there" in seen(pilot))


@pytest.mark.skipif(os.name != "posix", reason="needs a pty")
def test_the_command_without_arguments_begins_on_a_terminal(folder: Path) -> None:
    master, slave = pty.openpty()
    ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
    environment = {**os.environ, "TERM": "xterm-256color", "PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-m", "tui"]
    process = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, env=environment)
    os.close(slave)
    output, end, keys = b"", time.monotonic() + 40, b"\x03"
    try:
        while process.poll() is None:
            assert time.monotonic() < end, output[-2000:]
            if select.select([master], [], [], 0.05)[0]:
                with suppress(OSError):
                    output += os.read(master, 65536)
            if b"The sample" in output and keys:
                os.write(master, keys)
                keys = b""
        assert process.returncode == 0
    finally:
        process.kill()
        process.wait()
        os.close(master)
