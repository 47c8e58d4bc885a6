"""The command as a user runs it, in an event folder of its own.

A command runs within the test's process, because most of a command's time is Python's own start. It has a process of
its own (`apart`, `start`, `on_a_terminal`) where the process is what is promised: signals, what a kill leaves behind, a
terminal, what two of them do to one ledger.
"""

import io
import json
import os
import pty
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, chdir, contextmanager, redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from tests.servers.recording import RecordingServer
from tui import data
from tui.cli import main

_COMMAND = (sys.executable, "-m", "tui")


class _Keys(io.StringIO):
    """What was typed, on a terminal or not."""

    def __init__(self, text: str, *, on_terminal: bool) -> None:
        super().__init__(text)
        self._on_terminal = on_terminal

    def isatty(self) -> bool:
        return self._on_terminal


class _Ear(io.TextIOWrapper):
    """A stream that tells every line that is written to it, each in a thread of its own."""

    def __init__(self, hear: Callable[[str], object] | None = None, *, on_terminal: bool = False) -> None:
        super().__init__(io.BytesIO(), "utf-8", newline="", write_through=True)
        self._hear, self._on_terminal = hear, on_terminal
        self._threads: list[threading.Thread] = []

    def isatty(self) -> bool:
        return self._on_terminal

    def write(self, text: str) -> int:
        if self._hear is not None and text.strip():  # print() writes the end of the line by itself
            self._threads.append(threading.Thread(target=self._hear, args=(text,)))
            self._threads[-1].start()
        return super().write(text)

    def heard(self) -> str:
        for thread in self._threads:
            thread.join(60)
        written = self.buffer
        assert isinstance(written, io.BytesIO)
        return written.getvalue().decode()


def _done(done: "subprocess.CompletedProcess[str]", code: int | None) -> "subprocess.CompletedProcess[str]":
    """What a command did, if it is what `code` promises."""
    assert "Traceback" not in done.stderr + done.stdout, done.stderr + done.stdout
    assert code is None or done.returncode == code, f"exit {done.returncode}\n{done.stderr}\n{done.stdout[-3000:]}"
    return done


@dataclass
class Desk:
    """An organiser's working directory: the sample event, and the environment that commands run in."""

    path: Path
    environment: dict[str, str] = field(default_factory=dict)
    _running: ExitStack = field(default_factory=ExitStack)

    def run(
        self,
        *words: str,
        code: int | None = 0,
        typed: str = "",
        hear: Callable[[str], object] | None = None,
        on_terminal: bool = False,
    ) -> "subprocess.CompletedProcess[str]":
        """Runs a command to its end within this process; `code` is the exit code that it must have (None: any).

        `hear` is told each line of stderr, as somebody reads what is shown while the command goes on. `on_terminal`: as
        one sees it who sits there, and has typed ahead. What a terminal itself does is seen `on_a_terminal`.
        """
        import keyring  # only now: it is slow

        out, err = _Ear(), _Ear(hear, on_terminal=on_terminal)
        with ExitStack() as around:
            around.callback(keyring.set_keyring, keyring.get_keyring())
            around.enter_context(chdir(self.path))
            around.enter_context(patch.dict(os.environ, self.environment))
            around.enter_context(patch.object(sys, "stdin", _Keys(typed, on_terminal=on_terminal)))
            around.enter_context(redirect_stdout(out))
            around.enter_context(redirect_stderr(err))
            returned = main(list(words))
        return _done(subprocess.CompletedProcess(words, returned, out.heard(), err.heard()), code)

    def apart(self, *words: str, code: int | None = 0, typed: str = "") -> "subprocess.CompletedProcess[str]":
        """The same in a process of its own."""
        done = subprocess.run(
            [*_COMMAND, *words],
            cwd=self.path,
            env=os.environ | self.environment,
            input=typed,
            capture_output=True,
            encoding="utf-8",
            timeout=120,
            check=False,
        )
        return _done(done, code)

    def json(self, *words: str, code: int | None = 0) -> Any:
        return json.loads(self.run(*words, "--json", code=code).stdout)

    def json_apart(self, *words: str, code: int | None = 0) -> Any:
        return json.loads(self.apart(*words, "--json", code=code).stdout)

    def start(self, *words: str) -> "subprocess.Popen[str]":
        """Starts a command in a process group of its own; it is killed at the end of the test."""
        process = subprocess.Popen(
            [*_COMMAND, *words],
            cwd=self.path,
            env=os.environ | self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            encoding="utf-8",
        )
        self._running.callback(process.wait)
        self._running.callback(process.kill)
        return process

    def use(self, server: Any, **more: str) -> None:
        """Sends through `server` from here on."""
        self.environment |= {
            "INVITE_TUI_SMTP_HOST": "localhost",
            "INVITE_TUI_SMTP_PORT": str(server.port),
            "INVITE_TUI_SMTP_SECURITY": getattr(server, "security", "starttls"),
            "INVITE_TUI_SMTP_USERNAME": server.username,
            "INVITE_TUI_SMTP_PASSWORD": server.password,
            "INVITE_TUI_SMTP_CA": str(server.ca),
            "INVITE_TUI_SMTP_BACKOFF": "0",
            **{f"INVITE_TUI_SMTP_{name.upper()}": value for name, value in more.items()},
        }

    def write(self, name: str, text: str) -> None:
        (self.path / name).parent.mkdir(parents=True, exist_ok=True)
        (self.path / name).write_text(text, encoding="utf-8", newline="")

    def change(self, name: str, old: str, new: str) -> None:
        before = (self.path / name).read_text(encoding="utf-8")
        assert old in before
        self.write(name, before.replace(old, new))


@dataclass
class Terminal:
    """A command on a terminal of its own."""

    process: "subprocess.Popen[bytes]"
    keyboard: int
    shown: bytearray = field(default_factory=bytearray)

    def type(self, text: str) -> None:
        os.write(self.keyboard, text.encode())

    def shows(self, text: str) -> bool:
        return text.encode() in self.shown


@contextmanager
def on_a_terminal(desk: Desk, *words: str) -> Iterator[Terminal]:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "tui", *words],
        cwd=desk.path,
        env=os.environ | desk.environment | {"TERM": "xterm-256color"},
        stdin=theirs,
        stdout=subprocess.DEVNULL,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    terminal = Terminal(process, ours)

    def listen() -> None:
        with suppress(OSError):
            while part := os.read(ours, 4096):
                terminal.shown.extend(part)

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    try:
        yield terminal
    finally:
        process.kill()
        process.wait()
        listener.join(10)
        os.close(ours)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    folder = tmp_path / "event"
    shutil.copytree(data.samples(), folder)
    for left in ("outbox", "event.ledger.db", "event.ledger.db-lock"):
        shutil.rmtree(folder / left, ignore_errors=True)
        (folder / left).unlink(missing_ok=True)
    with ExitStack() as running:
        yield Desk(folder, {}, running)


@pytest.fixture
def live(desk: Desk, smtp_server: RecordingServer) -> tuple[Desk, RecordingServer]:
    """A desk with an account whose server records what it takes."""
    desk.use(smtp_server)
    return desk, smtp_server


def wait_for(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.005)


SIGKILL = getattr(signal, "SIGKILL", signal.SIGTERM)
