"""`audit`: what other programs' messages show, for people and for a mail team's pipeline."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tui import audit, event
from tui.attendees import AttendeeList, ColumnSettings, load
from tui.audit import Judgement, Unjudged
from tui.cli.output import if_any, print_json, say, tell
from tui.errors import InputError
from tui.guard import Roll

_FEW = 12
"""People of one place who are named; the others are counted."""


def run(options: argparse.Namespace) -> int:
    """Judges every message; 1 where something leaks, or where a file could not be judged."""
    roll = _roll(options.attendees, options.encoding) if options.attendees else None
    document = _Document(options.json)
    for found in audit.messages(options.paths):
        if isinstance(found, Unjudged):
            document.unjudged(found)
        else:
            document.add(found.file, found.number, audit.judge(found.mail, roll))
    document.end(options.paths, listed=roll is not None)
    return 1 if document.leaks or document.is_incomplete else 0


def _roll(files: Sequence[str], encoding: str | None) -> Roll:
    """Everybody on the list; also whoever stands in a row with errors. InputError where it cannot be read as one."""
    for file in files:
        if not Path(file).is_file():
            raise InputError(
                f"There is no file {file}.", hint="--attendees takes the list as CSV.", code="missing-file"
            )
    beside = Path(files[0]).parent / "event.toml"
    found = event.load(beside, str(beside))[0] if beside.is_file() else None
    settings = ColumnSettings(**found.columns) if found else ColumnSettings()  # type: ignore[arg-type]  # see Folder
    people = load(files, settings, encoding=encoding)
    _must_name_people(people)
    return Roll(address for _, address in people.records.identities())


def _must_name_people(people: AttendeeList) -> None:
    if people.file_errors:
        first = people.file_errors[0]
        raise InputError(
            f"{first.file}: {first.message}", hint=first.hint, code=first.code, problems=people.file_errors
        )


class _Document:
    """What has been found so far; for people it is said message by message."""

    def __init__(self, as_json: bool) -> None:
        self._as_json = as_json
        self._messages = 0
        self._leaking = 0
        self._exposed: set[str] = set()
        self._unopened: list[dict[str, Any]] = []
        self.leaks: list[dict[str, Any]] = []
        self.is_incomplete = False

    def unjudged(self, found: Unjudged) -> None:
        self.is_incomplete = True
        self._unopened.append({"file": found.file, "where": "", "reason": found.reason})
        tell(f"not judged: {found.file}: {found.reason}")

    def add(self, file: str, number: int | None, judgement: Judgement) -> None:
        self._messages += 1
        self._leaking += bool(judgement.exposures)
        place: dict[str, Any] = {"file": file} if number is None else {"file": file, "number": number}
        for leak in judgement.leaks:
            self._exposed.add(leak.what)
            self.leaks.append({**place, "where": leak.where, "what": leak.what, "message": leak.message})
        self._unopened += [{**place, "where": one.where, "reason": one.reason} for one in judgement.unopened]
        if not self._as_json and (judgement.exposures or judgement.unopened):
            _say_judgement(file if number is None else f"{file}, message {number}", judgement)

    def end(self, paths: Sequence[str], *, listed: bool) -> None:
        if not self._messages:
            tell(f"There is no message in {', '.join(paths)}.")
        if self._as_json:
            print_json({"messages": self._messages, "leaks": self.leaks, **if_any(unopened=self._unopened)})
            return
        judged = "1 message" if self._messages == 1 else f"{self._messages} messages"
        if self.leaks:
            exposed = "1 address" if len(self._exposed) == 1 else f"{len(self._exposed)} addresses"
            say(f"{judged} judged: {self._leaking} with leaks, {exposed} exposed.")
        elif self._messages:
            sought = "" if listed else " Other people's addresses in texts and files count only with --attendees."
            say(f"{judged} judged: nobody was exposed.{sought}")


def _say_judgement(place: str, judgement: Judgement) -> None:
    about = f"“{judgement.subject[:100]}”" if judgement.subject else "without a subject"
    sender = f", from {judgement.sender[:100]}" if judgement.sender else ""
    _line(f"{place}: {about}{sender}")
    for exposure in judgement.exposures:
        _line(f"  {exposure.sentence}")
        people = ", ".join(leak.what for leak in exposure.leaks[:_FEW])
        rest = len(exposure.leaks) - _FEW
        _line(f"    {people}" + (f" and {rest} more (--json names all)" if rest > 0 else ""))
    for one in judgement.unopened:
        _line(f"  could not be looked into: {one.where or 'the message'}: {one.reason}")
    say()


def _line(text: str) -> None:
    """One line, whatever stands in it: a subject must not look like a finding."""
    say(text.replace("\n", "\u240a"))
