"""Judges in JavaScript, in one process for the whole test run: postal-mime, mailparser, ical.js, node-ical."""

import json
import os
import shutil
import subprocess
from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.judges.reading import Entry, Mail, Person, Reading

_HERE = Path(__file__).parent
_MAIL = ("postal-mime", "mailparser")
_OLDEST = 18


def missing() -> str | None:
    """Why these judges cannot be had here, in a few words; None where they can."""
    if not shutil.which("node"):
        return "not installed: node"
    version = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout.strip()
    if int(version.removeprefix("v").partition(".")[0]) < _OLDEST:
        return f"node is {version}, and {_OLDEST} or newer is needed"
    if not (_HERE / "node_modules" / ".package-lock.json").exists():
        return "not installed: tests/judges/node_modules (`npm ci` there)"
    return None


class NodeJudges:
    """`with NodeJudges() as judges:` reads messages one after the other. Not for several threads."""

    def __enter__(self) -> Self:
        # Far from Greenwich, and with half an hour: a time that is read as the machine's own comes out wrong.
        environment = {**os.environ, "TZ": "Asia/Kolkata"}
        self._process = subprocess.Popen(
            ["node", "judges.mjs"],
            cwd=_HERE,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        assert self._process.stdin and self._process.stdout
        self._process.stdin.close()
        self._process.wait(30)
        self._process.stdout.close()

    def read(self, raw: bytes) -> Mapping[str, Reading]:
        """One message, read by each. AssertionError where one of them could not."""
        readings = self._ask({"raw": b64encode(raw).decode()})
        return {name: _mail(name, said) if name in _MAIL else _entry(name, said) for name, said in readings.items()}

    def read_calendar(self, text: str) -> Entry:
        """A calendar object alone, read by ical.js. AssertionError where it could not."""
        return _entry("ical.js", self._ask({"calendar": text})["ical.js"])

    def _ask(self, question: Mapping[str, str]) -> dict[str, dict[str, Any]]:
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, "the judges ended"
        readings: dict[str, dict[str, Any]] = json.loads(answer)
        return readings


def _mail(judge: str, said: dict[str, Any]) -> Mail:
    assert "error" not in said, f"{judge}: {said['error']}"
    said["sender"] = tuple(said["sender"])
    said["to"] = _people(said["to"])
    said["parts"] = tuple(tuple(part) for part in said["parts"])
    return Mail(**said)


def _entry(judge: str, said: dict[str, Any]) -> Entry:
    assert "error" not in said, f"{judge}: {said['error']}"
    said["organizers"], said["attendees"] = _people(said["organizers"]), _people(said["attendees"])
    if "occurrences" in said:
        said["occurrences"] = tuple(said["occurrences"])
    return Entry(**said)


def _people(said: list[list[str]]) -> tuple[Person, ...]:
    return tuple((name, address) for name, address in said)
