"""The event in a form: dates checked as they are typed, zones by name, and the sentence that everybody will read."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from textual.content import Content
from textual.widgets import Input

from tui.app.asking import accounts_in
from tui.app.screens.form import Blank, Form
from tui.app.words import count
from tui.clean import visible
from tui.editing import Unclear, changed, moment_in, shown_moment, zone_named, zone_names
from tui.errors import InputError, Problem
from tui.event import Event, understand

Field = tuple[str, str]

# What has to be said comes first.
_FIELDS: Mapping[Field, tuple[str, str]] = {
    ("event", "title"): ("Title", "what it is called"),
    ("event", "start"): ("Starts", "2027-05-06 14:00, or a whole day: 2027-05-06"),
    ("event", "end"): ("Ends", "15:30, or 2027-05-06 15:30, or 90m"),
    ("event", "timezone"): ("Time zone", "Europe/London, or the city alone"),
    ("organizer", "name"): ("From", "who invites, as guests know them"),
    ("organizer", "email"): ("Answers to", "an address that somebody reads"),
    ("event", "location"): ("Where", "optional: a place, or Microsoft Teams"),
    ("event", "join_url"): ("Link", "optional: https://..."),
    ("event", "description"): ("About", "optional, in the calendar entry"),
    ("event", "reply_by"): ("Reply by", "optional: 2027-04-30"),
    ("event", "keep_until"): ("Keep until", "optional: 2027-08-31, then forget them"),
    ("message", "template"): ("Wording", "optional: a name under templates/, such as invitation"),
    ("message", "subject"): ("Subject", "optional: instead of the wording's own"),
    ("message", "language"): ("Language", "optional: en-GB, de, fr ... for the dates"),
    ("sending", "account"): ("Account", "optional: work; for workers: north, south"),
}
_OF_SESSIONS = frozenset({("event", "start"), ("event", "end")})
"""What each session has of its own."""
_START: Field = ("event", "start")
_END: Field = ("event", "end")
_CLOCK = re.compile(r"\d{2}:\d{2}(:\d{2})?")
_NEEDED = _OF_SESSIONS | {("event", "title"), ("event", "timezone"), ("organizer", "name"), ("organizer", "email")}


_ELSEWHERE = {"duration": "end", "accounts": "account"}
"""Keys that say the same in another way, and where they are shown."""


def field_at(text: str, line: int | None) -> str:
    """The form's name of the field that stands on this line of the event file, "" where it has none."""
    table = ""
    for number, said in enumerate(text.splitlines(), 1):
        if said.strip().startswith("["):
            table = said.strip(" []")
        if number == line:
            key = said.partition("=")[0].strip()
            return f"{table} {_ELSEWHERE.get(key, key)}"
    return ""


class EventForm(Form):
    """Over the text of an event file, which is to be in `path`. `holding` people were told what it says now.

    Raises InputError where the text is not TOML: there is nothing to show then.
    """

    def __init__(  # what a form says, and about what
        self,
        path: Path,
        text: str,
        *,
        title: str = "Event",
        said: str = "",
        button: str = "Save",
        begin_at: str = "",
        holding: int = 0,
    ) -> None:
        self.path, self._text, self._holding = path, text, holding
        try:
            self._document = tomllib.loads(text.replace("\r\n", "\n"))
        except (ValueError, RecursionError) as error:
            raise InputError(f"{path.name} cannot be read: {error}.") from None
        sessions = isinstance(self._document.get("session"), list)
        self._before = {field: self._shown(field) for field in _FIELDS if not (sessions and field in _OF_SESSIONS)}
        self._day = _day(self._before.get(_START, ""))
        self._length = self._lasting()
        self._end = self._before.get(_END, "")  # as it stands there by itself, until somebody writes another
        zones = tuple(zone_names())
        blanks = [
            Blank(_name(field), *_words(field, value), complete=zones if field[1] == "timezone" else ())
            for field, value in self._before.items()
            if "\n" not in value.strip()
        ]
        self._names = frozenset(blank.name for blank in blanks)
        super().__init__(
            title,
            said or f"What you change is written into {visible(str(path))}; everything else in it stays.",
            blanks,
            button,
            busy="Saving ...",
            begin_at=begin_at if begin_at in self._names else "",
        )

    def has(self, name: str) -> bool:
        """Whether there is a line for this field."""
        return name in self._names

    def _shown(self, field: Field) -> str:
        table = self._document.get(field[0])
        said = table.get(field[1]) if isinstance(table, dict) else None
        if said is None and isinstance(table, dict):
            said = next((table.get(key) for key, shown in _ELSEWHERE.items() if shown == field[1]), None)
        start = table.get("start") if isinstance(table, dict) else None
        if field == _END and isinstance(said, datetime) and isinstance(start, datetime):
            return _shown_end(said, start)
        return ", ".join(map(str, said)) if isinstance(said, list) else shown_moment(said)

    def _lasting(self) -> timedelta | None:
        """From the start to the end, where both are a date and a time."""
        table = self._document.get("event")
        start, end = (table.get("start"), table.get("end")) if isinstance(table, dict) else (None, None)
        return end - start if isinstance(start, datetime) and isinstance(end, datetime) else None

    def on_input_changed(self, event: Input.Changed) -> None:
        """As in a calendar, the end goes with the start, until somebody writes one."""
        values = self.values
        if self._length is not None and self._end == values.get(_name(_END)):
            with suppress(Unclear, OverflowError):
                start = moment_in(values[_name(_START)])
                if isinstance(start, datetime):
                    self._end = _shown_end(start + self._length, start)
                    self.line(_name(_END)).value = self._end
        super().on_input_changed(event)

    def text(self, values: Mapping[str, str]) -> str:
        """The event file as it would be saved. Unclear or InputError where it cannot be made."""
        found: dict[Field, object] = {}
        start = None
        for field, before in self._before.items():
            typed = values.get(_name(field), visible(before)).strip()
            if field == _START:
                start = _day(typed)
            if typed == visible(before) and not (
                field == _END and start not in (None, self._day) and _CLOCK.fullmatch(typed)
            ):
                continue
            found.update(_meant(field, typed, start))
        return changed(self._text, found)

    def judge(self, values: Mapping[str, str]) -> Content:
        try:
            text = self.text(values)
            if missing := self._missing(values):
                return Content.assemble(("○ ", "$quiet"), _still(missing))
            event, problems = understand(text, self.path, self.path.name)
        except Unclear as error:
            return _wrong(str(error))
        except InputError as error:
            return _wrong(error.message, error.hint)
        if event is None:
            return _first_wrong(problems)
        parts = [Content.assemble(("✓ ", "$primary"), (visible(event.when), "bold"))]
        if event.is_over(datetime.now(UTC)):
            parts.append(Content.styled("△ That is over.", "$warning"))
        if self._holding and self._tells_more(event):
            people = count(self._holding, "person", "people")
            parts.append(Content.styled(f"△ The next send tells {people} what has changed.", "$warning"))
        return Content("\n").join(parts)

    def _missing(self, values: Mapping[str, str]) -> list[Field]:
        """What has to be filled in, and is not."""
        return [one for one in self._before if one in _NEEDED and not values.get(_name(one), "there").strip()]

    def action_submit(self) -> None:
        """What is missing is led to, not complained of."""
        if missing := self._missing(self.values):
            self.line(_name(missing[0])).focus()
            self.refuse(_still(missing))
        else:
            super().action_submit()

    def _tells_more(self, event: Event) -> bool:
        """Whether it differs in what people were told."""
        before, _ = understand(self._text, self.path, self.path.name)
        if before is None:
            return False
        return (before.title, before.when, before.location, before.join_url) != (
            event.title,
            event.when,
            event.location,
            event.join_url,
        )


def _still(missing: Sequence[Field]) -> str:
    return f"Still to fill in: {', '.join(_FIELDS[one][0] for one in missing)}."


def _shown_end(end: datetime, start: datetime) -> str:
    """Without the day where it is the start's."""
    day, _, clock = shown_moment(end).partition(" ")
    return clock if end.date() == start.date() else f"{day} {clock}"


def _name(field: Field) -> str:
    return f"{field[0]} {field[1]}"


def _words(field: Field, value: str) -> tuple[str, str, str]:
    label, hint = _FIELDS[field]
    return label, value, hint


def _day(typed: str) -> date | None:
    """The day on which it begins, where that is clear."""
    try:
        said = moment_in(typed)
    except Unclear:
        return None
    return said.date() if isinstance(said, datetime) else said if isinstance(said, date) else None


def _meant(field: Field, typed: str, start: date | None) -> dict[Field, object]:
    """What was typed, as the event file has it."""
    if not typed:
        elsewhere = (key for key, shown in _ELSEWHERE.items() if shown == field[1])
        return {field: None, **{(field[0], key): None for key in elsewhere}}
    if field[1] == "timezone":
        return {field: zone_named(typed)}
    if field[1] in ("reply_by", "keep_until"):
        said = moment_in(typed)
        return {field: said.date() if isinstance(said, datetime) else said}
    if field[1] == "start":
        said = moment_in(typed)
        if isinstance(said, str):
            raise Unclear("The start is a date and a time: write it as 2027-05-06 14:00.")
        return {field: said}
    if field[1] == "end":
        said = moment_in(typed, start)
        if isinstance(said, str):
            return {field: None, ("event", "duration"): said}
        return {field: said, ("event", "duration"): None}
    if field == ("sending", "account"):
        names = accounts_in(typed)
        several = names if len(names) > 1 else None
        return {field: None if several else "".join(names) or None, ("sending", "accounts"): several}
    return {field: typed}


def _wrong(message: str, hint: str | None = None) -> Content:
    said = Content.assemble(("▲ ", "$error"), visible(message))
    return said + Content(f"\n  {visible(hint)}") if hint else said


def _first_wrong(problems: Sequence[Problem]) -> Content:
    first = next((one for one in problems if one.severity == "error"), None)
    if first is None:
        return Content()
    more = sum(one.severity == "error" for one in problems) - 1
    said = _wrong(first.message, first.hint)
    return said + Content.styled(f"\n  and {count(more, 'more thing', 'more things')}", "$quiet") if more else said
