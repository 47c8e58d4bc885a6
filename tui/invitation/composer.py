"""Composing: one attendee's wording and calendar object, put together as one message."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from tui.attendees import Attendee, Columns
from tui.clean import body_text, one_line
from tui.errors import InputError, Problem
from tui.event import Change, Event, is_web_link, spoken
from tui.invitation import mime
from tui.invitation.calendar import CalendarSkeleton, method
from tui.invitation.wording import Blank, MissingValues, Wording, WordingError, cell_index, cells


class Changes(tuple[Change, ...]):
    """`{{ changes }}`: one line a change; or a list to loop over, each with `what`, `old` and `new`."""

    __slots__ = ()

    def __str__(self) -> str:
        return "\n".join(
            f"{change.what}: {change.new}" + (f" (before: {change.old})" if change.old else "") for change in self
        )


@dataclass(frozen=True, slots=True)
class Revision:
    """What makes this message this one: its action, its calendar identity, and the values that are new each time."""

    action: str
    uid: str
    sequence: int
    stamp: datetime
    message_id: str
    in_reply_to: str | None = None
    changes: Sequence[Change] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class Composition:
    """One message, and the readings that it was made from. `raw` has CRLF line ends."""

    raw: bytes
    subject: str
    text: str
    html: str
    calendar: str


class Uncomposable(Exception):
    """This attendee's message cannot be composed; `problems` say why, each with the attendee's file and line."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(problems[0].message)
        self.problems = tuple(problems)


class Composer:
    """Composes every message of a run. `wordings` gives each action (`invite`, `update`, `cancel`) its own."""

    def __init__(self, event: Event, wordings: Mapping[str, Wording]) -> None:
        """InputError (`missing-attachment`) where a file that everybody gets cannot be read."""
        self._event, self._wordings = event, wordings
        self._bindings: dict[tuple[int, str], tuple[tuple[str, int], ...]] = {}
        self._special: dict[int, tuple[int | None, int | None]] = {}
        self._skeletons: dict[str, CalendarSkeleton] = {}
        self._attached: dict[Path, mime.Attachment] = {}
        sender = event.message.sender or event.organizer
        self._sender = (sender.name, sender.email)
        problems = []
        for path in event.message.attachments:
            try:
                self._attachment(path)
            except _NoAttachment as error:
                problems.append(
                    Problem(
                        "error",
                        "missing-attachment",
                        str(error),
                        file=event.path.name,
                        value=path.name,
                        hint=error.hint,
                    )
                )
        if problems:
            raise InputError(problems[0].message, code="missing-attachment", problems=problems)

    def compose(self, attendee: Attendee, revision: Revision) -> Composition:
        """The message for one attendee. Uncomposable where a placeholder is blank or a value cannot be used."""
        join_url, attachments = self._own(attendee)
        noted: list[str] = []
        wording = self._wordings[revision.action]
        try:
            filled = wording.fill(self._context(attendee, revision, wording, join_url, noted), noted)
        except MissingValues as missing:
            raise Uncomposable([self._missing(attendee, wording, name) for name in missing.names]) from None
        except WordingError as error:
            message = (
                f"The wording cannot be filled in for {attendee.name or attendee.address}: {one_line(str(error))}."
            )
            raise Uncomposable([_at(attendee, "bad-template", message)]) from None
        calendar = self._skeleton(revision.action).fill(
            revision.uid, revision.sequence, revision.stamp, attendee.name, attendee.address, join_url
        )
        settings = self._event.message
        header = mime.Header(
            sender=self._sender,
            to=(attendee.name, attendee.address),
            subject=filled.subject,
            date=revision.stamp,
            message_id=revision.message_id,
            reference=revision.uid.partition("@")[0],
            reply_to=settings.reply_to,
            in_reply_to=revision.in_reply_to,
            language=settings.language,
        )
        raw = mime.assemble(
            header, filled.text, filled.html, calendar, method(revision.action), settings.attach_ics, attachments
        )
        return Composition(raw, filled.subject, filled.text, filled.html, calendar.decode("utf-8"))

    def columns_leaving(self, columns: Columns) -> frozenset[int]:
        """Which columns of a file may reach a message: the address, the name, and all that the wording can use."""
        used = frozenset[int]().union(*(wording.columns_used(columns) for wording in self._wordings.values()))
        own = (index for index in self._own_columns(columns) if index is not None)
        return (used | {columns.address, *columns.name, *own}) - columns.internal

    def _skeleton(self, action: str) -> CalendarSkeleton:
        if action not in self._skeletons:
            self._skeletons[action] = CalendarSkeleton(self._event, action)
        return self._skeletons[action]

    def _own_columns(self, columns: Columns) -> tuple[int | None, int | None]:
        found = self._special.get(id(columns))
        if found is None:
            found = self._special[id(columns)] = (cell_index("join_url", columns), cell_index("attachment", columns))
        return found

    def _own(self, attendee: Attendee) -> tuple[str, Sequence[mime.Attachment]]:
        """The attendee's own join link and attachments, where their row has them; the event's else."""
        link_at, file_at = self._own_columns(attendee.columns)
        link = attendee.cells[link_at].strip() if link_at is not None else ""
        if link and not is_web_link(link):
            message = "The join link is not a web link."
            raise Uncomposable([_at(attendee, "missing-value", message, link_at, "It begins with https://.")])
        attachments = [self._attachment(path) for path in self._event.message.attachments]
        name = attendee.cells[file_at].strip() if file_at is not None else ""
        if name:
            try:
                attachments.append(self._attachment(self._event.path.parent / name))
            except _NoAttachment as error:
                raise Uncomposable([_at(attendee, "missing-attachment", str(error), file_at, error.hint)]) from None
        return link or self._event.join_url, attachments

    def _attachment(self, path: Path) -> mime.Attachment:
        if path not in self._attached:
            folder = self._event.path.parent.resolve()
            try:
                if not path.resolve().is_relative_to(folder):
                    raise _NoAttachment(
                        f"The attachment {path.name} is not in the event folder.", "Copy it into the folder first."
                    )
                self._attached[path] = mime.attachment(one_line(path.name), path.read_bytes())
            except (OSError, ValueError) as error:
                why = error.strerror if isinstance(error, OSError) else "its name is not a file's"
                raise _NoAttachment(
                    f"The attachment {one_line(path.name)} cannot be read: {why}.",
                    "Put the file into the event folder.",
                ) from None
        return self._attached[path]

    def _context(
        self, attendee: Attendee, revision: Revision, wording: Wording, join_url: str, noted: list[str]
    ) -> dict[str, Any]:
        def value(name: str, text: str) -> str | Blank:
            return text if text.strip() else Blank(name, noted)

        event = self._event
        context: dict[str, Any] = {
            "name": value("name", attendee.name),
            "email": attendee.address,
            "event": {
                "title": event.title,
                "start": _Spoken.of(event.start),
                "end": _Spoken.of(event.end),
                "when": event.when,
                "location": value("event.location", event.location),
                "join_url": value("event.join_url", join_url),
                "description": value("event.description", event.description),
                "timezone": event.timezone,
            },
            "organizer": {
                "name": event.organizer.name,
                "email": event.organizer.email,
                "note": value("organizer.note", body_text(revision.note)),
            },
            "changes": Changes(revision.changes) if revision.changes else Blank("changes", noted),
            "language": event.message.language,
        }
        for name, index in self._binding(wording, attendee.columns):
            context[name] = value(name, attendee.cells[index])
        if wording.uses_attendee:
            context["attendee"] = cells(attendee, noted)
        return context

    def _binding(self, wording: Wording, columns: Columns) -> tuple[tuple[str, int], ...]:
        key = (id(columns), wording.shown)
        if key not in self._bindings:
            self._bindings[key] = wording.binding(columns)
        return self._bindings[key]

    def _missing(self, attendee: Attendee, wording: Wording, name: str) -> Problem:
        if name.startswith(("event.", "organizer.")) or name == "changes":
            what = name.rpartition(".")[2]
            if not (name == "event.join_url" and self._own_columns(attendee.columns)[0] is not None):
                return Problem(
                    "error",
                    "missing-value",
                    f"The wording uses {{{{ {name} }}}}, and it is blank.",
                    file=wording.shown,
                    value=name,
                    hint=f"Fill in {what}, or write {{% if {name} %}} ... {{% endif %}} around it.",
                )
            name = what
        index = (
            attendee.columns.name[0] if name == "name" and attendee.columns.name else cell_index(name, attendee.columns)
        )
        header = attendee.columns.headers[index] if index is not None else name
        message = f"{header} is blank for {attendee.name or attendee.address}, and the wording uses it."
        hint = f'Fill it in, or write {{{{ {name} | default("...") }}}} in the wording.'
        return _at(attendee, "missing-value", message, index, hint)


class _Spoken(datetime):
    """A date that prints in words, and still has all that a date has (`{{ event.start.year }}`)."""

    @classmethod
    def of(cls, moment: datetime) -> "_Spoken":
        return cls.combine(moment.date(), moment.timetz())

    def __str__(self) -> str:
        return spoken(self)


class _NoAttachment(Exception):
    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


def _at(attendee: Attendee, code: str, message: str, column: int | None = None, hint: str | None = None) -> Problem:
    header = None if column is None else attendee.columns.headers[column]
    value = None if column is None else attendee.cells[column]
    return Problem(
        "error", code, message, file=attendee.file, line=attendee.line, column=header, value=value, hint=hint
    )
