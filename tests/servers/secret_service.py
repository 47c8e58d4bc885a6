"""A Secret Service of one's own: gnome-keyring, unlocked, on a message bus that nobody else is on."""

import contextlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

# The session lasts as long as its standard input is open: however this process ends, bus and keyring go.
_UNTIL_WE_END = """
printf %s "password of the keyring" | gnome-keyring-daemon --unlock --components=secrets >/dev/null || exit
echo "$DBUS_SESSION_BUS_ADDRESS"
cat >/dev/null
"""


def missing() -> str | None:
    """Why there can be no Secret Service here, in a few words; None where there can."""
    absent = [program for program in ("dbus-run-session", "gnome-keyring-daemon") if not shutil.which(program)]
    return f"not installed: {', '.join(absent)}" if absent else None


class SecretService:
    """`with SecretService() as service:` a process run in `service.environment` keeps its secrets there."""

    def __init__(self) -> None:
        self.environment: dict[str, str] = {}
        """All of the environment, with the bus in it and the keyring library free to find it."""

    def __enter__(self) -> Self:
        self._folder = Path(tempfile.mkdtemp(prefix="invite-tui-keyring-"))
        environment = {
            **os.environ,
            "HOME": str(self._folder),
            "XDG_DATA_HOME": str(self._folder / "data"),
            "XDG_RUNTIME_DIR": str(self._folder),
        }
        self._session = subprocess.Popen(
            ["dbus-run-session", "--", "sh", "-c", _UNTIL_WE_END],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )
        assert self._session.stdout is not None
        bus = self._session.stdout.readline().strip()
        if not bus:
            self._stop()
            raise RuntimeError("gnome-keyring did not start")
        self.environment = {**os.environ, "DBUS_SESSION_BUS_ADDRESS": bus}
        self.environment.pop("PYTHON_KEYRING_BACKEND", None)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stop()

    def _stop(self) -> None:
        assert self._session.stdin is not None
        assert self._session.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            self._session.stdin.close()
        self._session.wait(30)
        self._session.stdout.close()
        shutil.rmtree(self._folder, ignore_errors=True)
