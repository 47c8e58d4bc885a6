"""The app in a real pseudo-terminal, as a person has it: keys go in, and what stands on the screen is read."""

import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from fcntl import ioctl
from pathlib import Path
from types import TracebackType
from typing import Self

import pyte

ROOT = Path(__file__).parents[2]
_PATIENCE = 60.0  # seconds
_ANSWER = 10.0  # seconds in which a key that does something has changed the screen, however busy the machine is
_SETTLING = 1.0  # seconds in which all of that change is drawn
# What pyte takes for text: questions to the terminal and the toolkit's own modes.
_UNKNOWN = re.compile(
    rb"\x1b\[[<>=?][0-9;]*[uqp]|\x1b\[\?[0-9;]*\$p|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1bP[^\x1b]*\x1b\\"
)

_MODE = re.compile(rb"\x1b\[\?([0-9;]+)([hl])")
_USUAL = {7: b"h", 25: b"h"}  # lines are wrapped, and the cursor is seen


class Terminal:
    """A terminal of this many columns and lines in which the app runs. `written` is every byte that it wrote."""

    def __init__(
        self,
        *arguments: str,
        environment: Mapping[str, str] | None = None,
        size: tuple[int, int] = (120, 40),
        program: Sequence[str] = ("-m", "tui"),
        leads: bool = True,
    ) -> None:
        self.written = bytearray()
        self._screen = pyte.Screen(*size)
        self._seen: str | None = None
        self._stream = pyte.ByteStream(self._screen)
        self._master, slave = pty.openpty()
        ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
        surroundings = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor", "PYTHONPATH": str(ROOT)}
        self.process = subprocess.Popen(
            [sys.executable, *program, *arguments],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=surroundings | dict(environment or {}),
            start_new_session=leads,
        )
        os.close(slave)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.kill()
        self.process.wait()
        self.close()

    def close(self) -> None:
        """As a window that is closed."""
        if self._master >= 0:
            os.close(self._master)
        self._master = -1

    @property
    def seen(self) -> str:
        """What stands on the screen, line by line."""
        if self._seen is None:
            self._seen = "\n".join(self._screen.display)
        return self._seen

    def is_left_as_it_was(self) -> bool:
        """Whether it has all its modes as before the app, no keyboard protocol of the app's, and echoes again."""
        modes: dict[int, bytes] = {}
        for numbers, state in _MODE.findall(self.written):
            modes.update(dict.fromkeys(map(int, numbers.split(b";")), state))
        assert {25, 1000, 1049, 2004} <= modes.keys()  # the cursor, the mouse, the other screen, pastes: all changed
        pushed = len(re.findall(rb"\x1b\[>[0-9]+u", self.written)) - self.written.count(b"\x1b[<u")
        echoing = termios.ECHO | termios.ICANON
        is_echoing = termios.tcgetattr(self._master)[3] & echoing == echoing
        return is_echoing and pushed <= 0 and all(state == _USUAL.get(mode, b"l") for mode, state in modes.items())

    def press(self, keys: str) -> None:
        os.write(self._master, keys.encode())

    def until(self, words: str, *, gone: bool = False) -> None:
        """Wait until these words stand on the screen, or no longer do."""
        end = time.monotonic() + _PATIENCE
        while (words in self.seen) is gone:
            assert time.monotonic() < end and self.process.poll() is None, f"never {words!r} on\n{self.seen}"
            self._read()

    def wait(self, condition: Callable[[], object]) -> None:
        """Wait until this is so, and read meanwhile."""
        end = time.monotonic() + _PATIENCE
        while not condition():
            assert time.monotonic() < end and self.process.poll() is None, f"it never was so on\n{self.seen}"
            self._read()

    def leave(self, words: str) -> None:
        """Escape, as often as it takes until these words are gone: each is one step back."""
        end = time.monotonic() + _PATIENCE
        while words in self.seen:
            assert time.monotonic() < end, f"never left {words!r} on\n{self.seen}"
            before = self.seen
            self.press("\x1b")
            answered = time.monotonic() + _ANSWER
            while self.seen == before and time.monotonic() < answered:
                self._read()
            settled = time.monotonic() + _SETTLING
            while words in self.seen and time.monotonic() < settled:
                self._read()

    def visit(self, *steps: str) -> None:
        """Keys and the words that they lead to, in turn; then back to where it began."""
        for keys, words in zip(steps[::2], steps[1::2], strict=True):
            self.press(keys)
            self.until(words)
        for words in reversed(steps[1::2]):
            self.leave(words)

    def ended(self) -> int:
        """The exit code, once there is one."""
        end = time.monotonic() + _PATIENCE
        while self.process.poll() is None:
            assert time.monotonic() < end, f"never ended on\n{self.seen}"
            self._read()
        self._read()
        return self.process.returncode

    def _read(self) -> None:
        """What has come, with what still comes: looking at it costs more than reading."""
        wait, data = 0.05, b"..."
        while data and select.select([self._master], [], [], wait)[0]:
            wait, data = 0.01, b""
            with suppress(OSError):  # Linux says so where the other end is closed
                data = os.read(self._master, 1 << 16)
                self.written += data
                self._seen = None
                self._stream.feed(_UNKNOWN.sub(b"", data))
