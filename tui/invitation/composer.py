"""Composing: one attendee's wording and calendar object, put together as one message."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from errno import ENOENT
from functools import cached_property, lru_cache
from html import unescape
from os import strerror
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from tui.attendees import Attendee, Columns
from tui.clean import body_text, one_line
from tui.dates import day_in_words, direction, moment_in_words, short_month, short_weekday
from tui.errors import InputError, Problem
from tui.event import Change, Event, is_web_link
from tui.invitation import mime
from tui.invitation.calendar import CalendarSkeleton, method
from tui.invitation.sandbox import Blank, Cells, Facts, cell_index
from tui.invitation.skeleton import Encoded, Skeletons, encoded
from tui.invitation.wording import EndlessWording, Filled, MissingValues, Wording, WordingError
from tui.invitation.zones import IrregularZone

_MOST_HTML = 102_000
"""Bytes of HTML. Gmail clips what is longer, and a note at the end about a changed place is not read."""
_MAY_BE_BLANK = ("location", "join_url", "description", "reply_by", "session", "session_title")


class Changes(tuple[Change, ...]):
    """`{{ changes }}`: one line a change; or a list to loop over, each with `what`, `old` and `new`."""

    __slots__ = ()

    def __str__(self) -> str:
        return "\n".join(
            f"{change.what}: {change.new or 'none'}" + (f" (before: {change.old})" if change.old else "")
            for change in self
        )


@dataclass(frozen=True, slots=True)
class Revision:
    """What makes this message this one: its action, its calendar identity, and the values that are new each time.

    `told` is the version that the recipient knows, where the message is about that and not about the event of now.
    """

    action: str
    uid: str
    sequence: int
    stamp: datetime
    message_id: str
    in_reply_to: str | None = None
    changes: Sequence[Change] = ()
    note: str = ""
    session: str = ""
    told: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Composition:
    """One message, and the readings in it. `raw` has CRLF line ends."""

    raw: bytes
    worded: Encoded = field(repr=False)
    ics: bytes = field(repr=False)

    @property
    def subject(self) -> str:
        return self.worded.subject

    @property
    def text(self) -> str:
        return mime.reading(self.worded.text)

    @property
    def html(self) -> str:
        return mime.reading(self.worded.html)

    @property
    def calendar(self) -> str:
        return self.ics.decode("utf-8")


class Uncomposable(Exception):
    """This attendee's message cannot be composed; `problems` say why, each with the attendee's file and line."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(problems[0].message)
        self.problems = tuple(problems)


class Composer:
    """Composes every message of a run. `wordings` gives each action (`invite`, `update`, `cancel`) its own."""

    def __init__(
        self,
        event: Event,
        wordings: Mapping[str, Wording],
        event_as_told: Callable[[Event, Mapping[str, str]], Event] | None = None,
        dead_links: Sequence[str] = (),
    ) -> None:
        """`event_as_told` makes an event of what somebody was told of it, should a message be about that.
        `dead_links` are those of a meeting that was cancelled: no new message may have one.

        InputError: a file that everybody gets cannot be read (`missing-attachment`), or no calendar program can be
        told when the event is (`bad-event`).
        """
        self._event, self._wordings = event, wordings
        self._bindings: dict[tuple[str, Columns], tuple[tuple[str, int], ...]] = {}
        self._specials: dict[Columns, SpecialColumns] = {}
        self._calendars: dict[tuple[int, str], CalendarSkeleton] = {}
        self._skeletons = Skeletons()
        self._used: dict[tuple[str, Columns], tuple[int, Sequence[int]]] = {}
        self._event_as_told, self._dead_links = event_as_told, tuple(dead_links)
        self._told: dict[tuple[tuple[str, str], ...], tuple[Event, Mapping[str, object]]] = {}
        self._direction = direction(event.message.language)
        self._sessions = {session.session: (session, _facts_of(session, event)) for session in event.each}
        sender = event.message.sender or event.organizer
        self._sender = (sender.name, sender.email)
        # A few are in memory at a time: many attendees may share one, or each may have their own.
        self._own_attachment = lru_cache(maxsize=16)(self._attachment)
        self._attached = self._attached_for_all()
        for session, _ in self._sessions.values():
            self._calendar(session, "invite")  # what cannot be described is said before anything is composed

    def _attached_for_all(self) -> Sequence[mime.Attachment]:
        event, attached, problems = self._event, [], []
        for path in event.message.attachments:
            try:
                attached.append(self._attachment(path))
            except _NoAttachment as error:
                where = event.path.name
                problems.append(
                    Problem("error", "missing-attachment", str(error), where, value=path.name, hint=error.hint)
                )
        if problems:
            raise InputError(problems[0].message, code="missing-attachment", problems=problems)
        return attached

    def compose(self, attendee: Attendee, revision: Revision) -> Composition:
        """The message for one attendee. Uncomposable where a placeholder is blank or a value cannot be used."""
        settings, wording = self._event.message, self._wordings[revision.action]
        event, facts = self._about(revision)
        join_url, attachments = self._own(attendee, event)
        name = one_line(attendee.name)
        try:
            worded = self._worded(attendee, revision, event, facts, name, join_url)
            if len(worded.html) > _MOST_HTML and (size := len(mime.reading(worded.html).encode())) > _MOST_HTML:
                raise Uncomposable([_too_long(attendee, size)])
            calendar = self._calendar(event, revision.action).fill(
                revision.uid, revision.sequence, revision.stamp, name, attendee.address, join_url
            )
            header = mime.Header(
                sender=self._sender,
                to=(name, attendee.address),
                subject=worded.subject,
                date=revision.stamp,
                message_id=revision.message_id,
                reference=revision.uid.partition("@")[0],
                reply_to=settings.reply_to,
                in_reply_to=revision.in_reply_to,
                language=settings.language,
            )
            raw = mime.assemble(
                header, worded.text, worded.html, calendar, method(revision.action), settings.attach_ics, attachments
            )
        except MissingValues as missing:
            raise Uncomposable([self._missing(attendee, wording, name) for name in missing.names]) from None
        except EndlessWording as endless:
            raise Uncomposable([endless.problem]) from None
        except (WordingError, ValueError) as error:
            # A ValueError is a character that no message can hold: half of one, or a control in a header.
            who = attendee.name or attendee.address
            message = f"The wording cannot be filled in for {who}: {one_line(str(error))}."
            raise Uncomposable([_at(attendee, "bad-template", message)]) from None
        made = Composition(raw, worded, calendar)
        if self._dead_links and revision.action != "cancel":
            self._must_be_alive(attendee, made)
        return made

    def _must_be_alive(self, attendee: Attendee, made: Composition) -> None:
        """Uncomposable where the message sends people to a meeting that was cancelled."""
        calendar = re.sub(r"\r\n[ \t]", "", made.calendar).replace("\\", "")
        said = _as_link(f"{made.text}\n{made.html}\n{calendar}")
        for link in self._dead_links:
            if _as_link(link) in said:
                who = attendee.name or attendee.address
                message = f"The message to {who} has the join link of the meeting that was cancelled: {link}"
                hint = "Make a new meeting and put its link into the event file, or into the join_url column."
                raise Uncomposable([replace(_at(attendee, "bad-event", message, hint=hint), value=link)])

    @property
    def first_session(self) -> str:
        return next(iter(self._sessions))

    @property
    def uses_whole_rows(self) -> bool:
        """Whether a wording picks columns by itself, so that reading it does not say which."""
        return any(use.is_whole_row for wording in self._wordings.values() for use in wording.uses)

    def columns_named(self, columns: Columns) -> frozenset[int]:
        """The columns that a wording calls by their names."""
        return frozenset[int]().union(*(wording.columns_named(columns) for wording in self._wordings.values()))

    def columns_leaving(self, columns: Columns) -> frozenset[int]:
        """Which columns of a file may reach a message: the address, the name, and all that the wording can use."""
        used = frozenset[int]().union(*(wording.columns_used(columns) for wording in self._wordings.values()))
        own = self.special_columns(columns)
        special = {index for index in (own.link, own.file) if index is not None}
        who = {columns.address, *columns.also, *columns.name, *(at for name in columns.other_names for at in name)}
        return (used | special | who) - columns.internal

    def _about(self, revision: Revision) -> tuple[Event, Mapping[str, object]]:
        """What a message is about, and what its wording can say of it."""
        if revision.told is None or self._event_as_told is None:
            return self._sessions[revision.session]
        key = tuple(sorted(revision.told.items()))
        if key not in self._told:
            event = self._event_as_told(self._event, revision.told)
            self._told[key] = (event, _facts_of(event, self._event))
        return self._told[key]

    def _calendar(self, event: Event, action: str) -> CalendarSkeleton:
        key = (id(event), action)  # which are all kept
        if key not in self._calendars:
            self._calendars[key] = _calendar_of(event, action)
        return self._calendars[key]

    def special_columns(self, columns: Columns) -> "SpecialColumns":
        if columns not in self._specials:
            self._specials[columns] = SpecialColumns.of(columns)
        return self._specials[columns]

    def _own(self, attendee: Attendee, event: Event) -> tuple[str, Sequence[mime.Attachment]]:
        """The attendee's own join link and attachments, where their row has them; the event's else."""
        special = self.special_columns(attendee.columns)
        link = attendee.cells[special.link].strip() if special.link is not None else ""
        if link and not is_web_link(link):
            raise Uncomposable([_bad_link(attendee, link, special.link)])
        name = attendee.cells[special.file].strip() if special.file is not None else ""
        try:
            own = [self._own_attachment(self._event.path.parent / name)] if name else []
        except _NoAttachment as error:
            raise Uncomposable([_at(attendee, "missing-attachment", str(error), special.file, error.hint)]) from None
        return link or event.join_url, [*self._attached, *own]

    def _attachment(self, path: Path) -> mime.Attachment:
        """A file of the event folder, encoded. _NoAttachment where it cannot be had, or is not for anybody's eyes."""
        name, folder = one_line(path.name) or "attachment", self._event.path.parent
        try:
            within = path.resolve().relative_to(folder.resolve())
        except (OSError, ValueError, RuntimeError):
            message = f"The attachment {name} is not in the event folder."
            raise _NoAttachment(message, "Copy it into the folder first.") from None
        if _is_ours(within, self._event.path.name):
            # Whoever fills in a form must not be able to ask for the account's password.
            message = f"The attachment {name} is one of the files that the event is run with."
            raise _NoAttachment(message, "Name a file that is meant for the attendees.")
        try:
            if not path.is_file():  # a pipe would keep us waiting
                raise FileNotFoundError(ENOENT, strerror(ENOENT))
            return mime.attachment(name, path.read_bytes())
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else "its name is not a file's"
            message = f"The attachment {name} cannot be read: {why}."
            raise _NoAttachment(message, "Put the file into the event folder.") from None

    def _worded(
        self,
        attendee: Attendee,
        revision: Revision,
        event: Event,
        facts: Mapping[str, object],
        name: str,
        join_url: str,
    ) -> Encoded:
        """The wording for one attendee; for all who differ in nothing but their own values from one skeleton."""
        columns, action = attendee.columns, revision.action
        if not self._wordings[action].only_prints:
            return encoded(self._rendered(attendee, revision, facts, name, join_url))
        if (known := self._used.get((action, columns))) is None:
            known = len(self._used), sorted(self._wordings[action].columns_used(columns))
            self._used[action, columns] = known
        number, used = known

        def render(values: Sequence[str]) -> Filled:
            cells = list(attendee.cells)
            for at, value in zip(used, values[2:], strict=True):
                cells[at] = value
            somebody = replace(attendee, address=values[1], cells=tuple(cells))
            return self._rendered(somebody, revision, facts, values[0], join_url)

        same = (number, id(event), join_url, revision.note, tuple(revision.changes))
        return self._skeletons.fill(same, (name, attendee.address, *[attendee.cells[at] for at in used]), render)

    def _rendered(
        self, attendee: Attendee, revision: Revision, facts: Mapping[str, object], name: str, join_url: str
    ) -> Filled:
        noted: list[str] = []
        context = self._context(attendee, revision, facts, name, join_url, noted)
        about = {"language": self._event.message.language, "direction": self._direction, "action": revision.action}
        return self._wordings[revision.action].fill(context, about, noted)

    def _context(
        self,
        attendee: Attendee,
        revision: Revision,
        facts: Mapping[str, object],
        name: str,
        join_url: str,
        noted: list[str],
    ) -> dict[str, Any]:
        def value(name: str, text: str) -> str | Blank:
            return text if text.strip() else Blank(name, noted)

        own = {"join_url": join_url} if join_url else {}
        blank = {name: Blank(f"event.{name}", noted) for name in _MAY_BE_BLANK if not (facts[name] or name in own)}
        organizer = self._event.organizer
        context: dict[str, Any] = {
            "name": value("name", name),
            "email": attendee.address,
            "event": Facts({**facts, **own, **blank}),
            "organizer": Facts(
                name=organizer.name,
                email=organizer.email,
                note=value("organizer.note", body_text(revision.note)),
            ),
            "changes": Changes(revision.changes) if revision.changes else Blank("changes", noted),
        }
        for placeholder, index in self._binding(revision.action, attendee.columns):
            context[placeholder] = value(placeholder, attendee.cells[index])
        if self._wordings[revision.action].uses_attendee:
            context["attendee"] = Cells(attendee, noted)
        return context

    def _binding(self, action: str, columns: Columns) -> tuple[tuple[str, int], ...]:
        if (action, columns) not in self._bindings:
            self._bindings[action, columns] = self._wordings[action].binding(columns)
        return self._bindings[action, columns]

    def _missing(self, attendee: Attendee, wording: Wording, name: str) -> Problem:
        if name.startswith(("event.", "organizer.")) or name == "changes":
            what = name.rpartition(".")[2]
            if not (name == "event.join_url" and self.special_columns(attendee.columns).link is not None):
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


def _as_link(text: str) -> str:
    """A text in which a link looks the same however it is spelled (RFC 3986 §6.2.2)."""
    return unquote(unescape(text)).casefold()


def _too_long(attendee: Attendee, size: int) -> Problem:
    who = attendee.name or attendee.address
    message = f"The message to {who} has {size / 1000:.0f} kB of HTML, and Gmail hides what comes after 102."
    hint = "Shorten the wording or the column that makes it long, or send the long part as an attachment."
    return _at(attendee, "bad-template", message, hint=hint)


def _bad_link(attendee: Attendee, link: str, column: int | None) -> Problem:
    """The fault that the event's own join_url would have (`bad-event`), in somebody's row."""
    whole = f"https://{link}"
    hint = "Put the whole link into the cell, from https:// to its end, or leave the cell blank for the event's own."
    if re.search(r"\s", link):
        message = "The join link has white space in it, so it would end there."
    elif re.match(r"https?:", link, re.IGNORECASE):
        message = "The join link names no site after https://."
    else:
        message = "The join link does not begin with https://, so no program would open it."
        if re.match(r"[\w-]+(\.[\w-]+)+(/|$)", link) and is_web_link(whole):
            hint = f"Did you mean {whole}?"
    return _at(attendee, "bad-event", message, column, hint)


def _calendar_of(event: Event, action: str) -> CalendarSkeleton:
    try:
        return CalendarSkeleton(event, action)
    except IrregularZone:
        message = (
            f"The clocks in {event.timezone} change by no rule that calendar programs know, so they would show some "
        )
        message += "meetings of the series at the wrong time."
        hint = "Write every meeting as a [[session]] of its own, without rrule, or choose another timezone."
        where = event.path.name
        line = event.line_of("event", "timezone")
        problem = Problem("error", "bad-event", message, where, line, None, event.timezone, hint)
        raise InputError(message, hint=hint, code="bad-event", problems=[problem]) from None


def _facts_of(event: Event, whole: Event) -> Mapping[str, object]:
    """What a wording can say of an event, or of one session of the `whole`."""
    language = event.message.language
    return {
        "title": event.title,
        "start": _SpokenDay.of(event.start, language) if event.all_day else _Spoken.of(event.start, language),
        "end": _SpokenDay.of(event.last_day, language) if event.all_day else _Spoken.of(event.end, language),
        "when": event.when,
        "location": event.location,
        "join_url": event.join_url,
        "description": event.description,
        "reply_by": event.reply_by_in_words,
        "timezone": event.timezone,
        "session": event.session,
        "session_title": event.title.removeprefix(f"{whole.title}: ") if event.session else "",
    }


class _Named(date):
    """A day whose names a page can show on a leaf of a calendar, short: `month_name`, `day_name`."""

    language = "en"

    @cached_property
    def month_name(self) -> str:
        return short_month(self, self.language)

    @cached_property
    def day_name(self) -> str:
        return short_weekday(self, self.language)


class _Spoken(datetime, _Named):
    """A date that prints in words, and still has all that a date has (`{{ event.start.year }}`)."""

    @classmethod
    def of(cls, moment: datetime, language: str) -> "_Spoken":
        made = cls.combine(moment.date(), moment.timetz())
        made.language = language
        return made

    def __str__(self) -> str:
        return moment_in_words(self, self.language)


class _SpokenDay(_Named):
    """A day of an event of whole days, which prints in words."""

    @classmethod
    def of(cls, day: date, language: str) -> "_SpokenDay":
        made = cls(day.year, day.month, day.day)
        made.language = language
        return made

    def __str__(self) -> str:
        return day_in_words(self, self.language)


@dataclass(frozen=True, slots=True)
class SpecialColumns:
    """The columns that mean something to a message whatever its wording: they are never internal ones."""

    link: int | None
    file: int | None

    @classmethod
    def of(cls, columns: Columns) -> "SpecialColumns":
        link, file = (cell_index(name, columns) for name in ("join_url", "attachment"))
        return cls(
            None if link in columns.internal else link,
            None if file in columns.internal else file,
        )


def _is_ours(within: Path, event_file: str) -> bool:
    """Whether a path within the event folder is one for nobody else: .env, the event, its ledger, what is hidden."""
    ledger = f"{Path(event_file).stem}.ledger.db"
    return str(within) == event_file or within.name.startswith(ledger) or any(p.startswith(".") for p in within.parts)


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
