"""Starts a real server as a child of a shell that stops it again, however the process of the tests ends."""

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path


class Keeper:
    """Runs `script`, whose `$0` is `folder`: it starts the server and says "started". Once its standard input is closed
    it stops the server and removes the folder."""

    def __init__(
        self, script: str, folder: Path, environment: Mapping[str, str], *, before: Sequence[str] = ()
    ) -> None:
        """`before` are the words of a command that runs the shell, as another user for one."""
        self._folder = folder
        self._shell = subprocess.Popen(
            [*before, "sh", "-c", script, str(folder)],
            env=environment,
            cwd="/",
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
            start_new_session=True,  # Ctrl+C ends the tests first, and then this
        )
        self.said = ""
        """What the script said before the server had started, or instead."""

    def has_started(self) -> bool:
        """Waits for it; False where it did not start."""
        assert self._shell.stdout is not None
        for line in self._shell.stdout:
            if line == "started\n":
                return True
            self.said += line
        return False

    def stop(self) -> None:
        self._shell.communicate(timeout=60)
        shutil.rmtree(self._folder, ignore_errors=True)
