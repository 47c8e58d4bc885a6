"""Where a problem comes from, so that the organiser is taken there: a row, the event file, a wording, an attachment."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tui import data, files
from tui.clean import one_line
from tui.errors import Problem

if TYPE_CHECKING:
    from tui.attendees import Attendee
    from tui.folder import Folder

Kind = Literal["row", "event", "wording", "attachment", "columns", "encoding", "file"]


@dataclass(frozen=True, slots=True)
class Cause:
    """Where `problem` comes from: a file and its 1-based line, or a record's index and a header."""

    kind: Kind
    problem: Problem
    path: Path | None = None
    line: int | None = None
    row: int | None = None
    column: str | None = None

    @property
    def place(self) -> tuple[object, ...]:
        """What is the same of two problems that are mended together."""
        return self.kind, self.path, self.line, self.row, self.column


def cause_of(problem: Problem, folder: "Folder") -> Cause:
    """The place to mend. What was seen in a message is traced back to what put it there."""
    records = folder.attendees.records
    row = records.row_at(problem.file, problem.line) if problem.file and problem.line else None
    if problem.code == "leak":
        return _of_leak(problem, folder, row)
    if row is not None:
        return Cause("row", problem, row=row, column=problem.column)
    if problem.code == "no-address-column":
        return Cause("columns", problem)
    if problem.code == "encoding":
        return Cause("encoding", problem)
    if problem.file is not None and (wording := _template(problem.file, folder)) is not None:
        return Cause("wording", problem, wording, problem.line)
    if problem.file is None or Path(problem.file).name == folder.event_path.name:
        line = problem.line
        if line is None and problem.value:
            line = _line_with(folder.event_path, problem.value)
        return Cause("event", problem, folder.event_path, line)
    return Cause("file", problem, Path(problem.file), problem.line)


def _of_leak(problem: Problem, folder: "Folder", row: int | None) -> Cause:
    what = (problem.value or "").casefold()
    # A message calls an attachment by what of its name can be sent.
    attachment = next((file for file in _attachments(folder) if one_line(file.name) in (problem.place or "")), None)
    if attachment is not None:
        return Cause("attachment", problem, attachment)
    if row is not None and what:
        column = _column_with(folder.attendees.records[row], what)
        if column is not None:
            return Cause("row", problem, row=row, column=column)
    for path in _written(folder):
        if what and (line := _line_with(path, what)) is not None:
            return Cause("event" if path == folder.event_path else "wording", problem, path, line)
    wording = _template("templates/invitation.md", folder)
    return Cause("row", problem, row=row) if wording is None else Cause("wording", problem, wording)


def _attachments(folder: "Folder") -> Iterator[Path]:
    if folder.event is not None:
        yield from folder.event.message.attachments
    for part in folder.attendees.records.parts:
        at = part.columns.by_header.get("attachment")
        if at is not None:
            yield from (folder.event_path.parent / cell.strip() for cell in part.values(at) if cell.strip())


def _column_with(attendee: "Attendee", what: str) -> str | None:
    """The person's own column that says it, other than their address."""
    own = attendee.columns.address
    for at, (header, cell) in enumerate(zip(attendee.columns.headers, attendee.cells, strict=False)):
        if at != own and at not in attendee.columns.internal and what in cell.casefold():
            return header
    return None


def _written(folder: "Folder") -> Iterator[Path]:
    """What the organiser wrote themselves, and what everybody is sent of it."""
    own = folder.event_path.parent / "templates"
    yield from sorted(file for kind in ("*.md", "*.html.j2") for file in own.glob(kind))
    yield folder.event_path


def _template(shown: str, folder: "Folder") -> Path | None:
    """The wording that a problem names: the event folder's own, else one that ships."""
    if not shown.endswith((".md", ".j2")):
        return None
    for path in (folder.event_path.parent / shown, data.templates() / Path(shown).name, Path(shown)):
        if path.is_file():
            return path
    return None


def _line_with(path: Path, what: str) -> int | None:
    try:
        text = files.read(path).decode("utf-8", "replace")
    except OSError:
        return None
    lines = enumerate(text.casefold().splitlines(), 1)
    return next((number for number, line in lines if what.casefold() in line), None)
