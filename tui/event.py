"""`event.toml` in, an `Event` out: what, when, where, and who invites; checked."""

import os
import re
import secrets
import tempfile
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from difflib import get_close_matches
from itertools import islice
from pathlib import Path
from typing import Any, TypeGuard
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tui import address, dates, files
from tui.clean import body_text, one_line
from tui.errors import InputError, Problem
from tui.recurrence import MOST, Rule, RuleError
from tui.recurrence import parse as parse_rule

_DURATION = re.compile(
    r"\s*(?:(\d{1,4})\s*d(?:ays?)?)?\s*(?:(\d{1,5})\s*h(?:ours?|rs?)?)?\s*(?:(\d{1,7})\s*m(?:in(?:ute)?s?)?)?\s*",
    re.IGNORECASE | re.ASCII,
)
_DIGEST = re.compile(r"[0-9A-Fa-f]{64}")
_KEY = re.compile(r"\s*([\w\"'][^=#]*?)\s*=")
_TABLE = re.compile(r"\s*\[+\s*[\"']?([^\"'\]]+?)[\"']?\s*\]")

_KEYS: Mapping[str, frozenset[str]] = {
    "event": frozenset(
        {
            "title",
            "start",
            "end",
            "duration",
            "rrule",
            "timezone",
            "location",
            "join_url",
            "description",
            "uid",
            "reply_by",
            "keep_until",
        }
    ),
    "organizer": frozenset({"name", "email"}),
    "message": frozenset(
        {"template", "subject", "reply_to", "from", "attach_ics", "attachments", "language", "reviewed"}
    ),
    "columns": frozenset({"email", "name", "id", "group", "status", "internal"}),
    "sending": frozenset({"account", "per_minute", "per_day", "connections", "keep", "two_people"}),
    "session": frozenset({"id", "name", "title", "start", "end", "duration", "location", "join_url", "description"}),
}
_TABLES = ", ".join(f"[[{table}]]" if table == "session" else f"[{table}]" for table in _KEYS)


@dataclass(frozen=True, slots=True)
class Organizer:
    """Who invites: the calendar's ORGANIZER, and From unless `[message] from` says otherwise."""

    name: str
    email: str


@dataclass(frozen=True, slots=True)
class MessageSettings:
    """`[message]`. `sender` is (name, address) of From; paths are absolute.

    `reviewed` are the SHA-256 of files that the guard cannot look into and the organiser has.
    """

    template: str | None = None
    subject: str | None = None
    reply_to: str | None = None
    sender: Organizer | None = None
    attach_ics: bool = True
    attachments: tuple[Path, ...] = ()
    language: str = dates.DEFAULT
    reviewed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SendingSettings:
    """`[sending]`. None: not said here. `keep`: the ledger keeps the messages themselves. `two_people`: nothing is sent
    that one person has not proposed and another approved."""

    account: str | None = None
    per_minute: float | None = None
    per_day: int | None = None
    connections: int | None = None
    keep: bool = False
    two_people: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """One thing of the event that is no longer what an attendee was told."""

    what: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Event:
    """The meeting. `start` and `end` are aware, in the event's zone; `uid` is a secret of this machine.

    An event of whole days (`all_day`) begins at the midnight before the first and ends at the one after the last.
    `start` and `end` of a series (`rule`) are those of its first meeting. An event in `sessions` is never sent itself:
    each of them is an event of its own, told from the others by `session`.
    """

    path: Path
    title: str
    start: datetime
    end: datetime
    timezone: str
    organizer: Organizer
    location: str = ""
    join_url: str = ""
    description: str = ""
    reply_by: date | None = None
    keep_until: date | None = None
    uid: str = field(default="", repr=False)
    all_day: bool = False
    rule: Rule | None = None
    session: str = ""
    sessions: tuple["Event", ...] = ()
    message: MessageSettings = MessageSettings()
    columns: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)
    sending: SendingSettings = SendingSettings()
    places: Mapping[tuple[str, str], int] = field(default_factory=dict, repr=False, compare=False)

    def line_of(self, table: str, key: str) -> int | None:
        """The line of the event file on which this key stands, or its table; None where neither is in it."""
        return self.places.get((table, key), self.places.get((table, "")))

    @property
    def when(self) -> str:
        """A sentence, in the event's language: "Thursday 6 May 2027, 14:00 to 15:30 London time (UTC+01:00)"."""
        if self.sessions:
            return self._sessions_in_words(dates.days_in_words)
        return dates.when(self._span, self.message.language)

    @property
    def when_short(self) -> str:
        """For a line on a screen: "Thu 6 May 2027, 14:00 to 15:30, London"."""
        if self.sessions:
            return self._sessions_in_words(dates.short_days)
        return dates.when_short(self._span, self.message.language)

    @property
    def each(self) -> tuple["Event", ...]:
        """What messages are about: the sessions, or the event where it has none."""
        return self.sessions or (self,)

    @property
    def _span(self) -> dates.Span:
        return dates.Span(self.start, self.end, self.timezone, self.all_day, self.rule)

    def _sessions_in_words(self, days: Callable[[date, date, str], str]) -> str:
        """ "3 sessions from Thursday 6 May 2027 to Friday 7 May 2027"; attendees never read it."""
        count, language = f"{len(self.sessions)} session{'s' * (len(self.sessions) > 1)}", self.message.language
        first = self.start.date()
        last = max(one.last_day if one.all_day else one.end.date() for one in self.sessions)
        words = days(first, last, language)
        if not dates.is_english(language):
            return f"{words} ({count})"
        return f"{count} {'on' if first == last else 'from'} {words}"

    @property
    def reply_by_in_words(self) -> str:
        """Until when somebody may ask for another address, in the event's language; "" where it is not said."""
        return dates.day_in_words(self.reply_by, self.message.language) if self.reply_by else ""

    def is_too_late_to_reply(self, now: datetime) -> bool:
        """Whether the day of `reply_by` is over, where the event is."""
        return self.reply_by is not None and now.astimezone(self.start.tzinfo).date() > self.reply_by

    @property
    def keep_until_in_words(self) -> str:
        """The last day on which people are kept, in the event's language; "" where it is not said."""
        return dates.day_in_words(self.keep_until, self.message.language) if self.keep_until else ""

    def is_kept_too_long(self, now: datetime) -> bool:
        """Whether the day of `keep_until` is over, where the event is."""
        return self.keep_until is not None and now.astimezone(self.start.tzinfo).date() > self.keep_until

    @property
    def last_day(self) -> date:
        """The last day of an event of whole days, as an organiser writes it."""
        return self.end.date() - timedelta(days=1)

    @property
    def span(self) -> tuple[str, str]:
        """Start and end as the event file has them (ISO 8601): moments, or days."""
        if self.all_day:
            return self.start.date().isoformat(), self.last_day.isoformat()
        return self.start.isoformat(), self.end.isoformat()

    def is_over(self, now: datetime) -> bool:
        """Whether the last meeting has begun, or the last day has passed."""
        last = self.rule.last_start(self.start) if self.rule else self.start
        if last is None:
            return False
        return (last + (self.end - self.start) if self.all_day else last).astimezone(UTC) < now


def load(path: Path, shown: str) -> tuple[Event | None, tuple[Problem, ...]]:
    """The event in `path`, or None where it has errors, and every problem found (`bad-event`, with the line).

    `shown` is the file's name as the organiser wrote it. InputError where the file is missing or unreadable.
    """
    try:
        raw = files.read(path)
    except FileNotFoundError:
        raise InputError(
            f"There is no {shown}.",
            hint="`invite-tui init DIR` makes an event folder; `--event PATH` names an event file elsewhere.",
            code="missing-event",
        ) from None
    except OSError as error:
        raise InputError(f"{shown} cannot be read: {error.strerror}.", code="unreadable") from None
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        return None, (_problem(shown, line, "The event file is not UTF-8 text.", "Save it as UTF-8."),)
    return understand(text, path, shown)


def understand(text: str, path: Path, shown: str) -> tuple[Event | None, tuple[Problem, ...]]:
    """The same of a text that is to be in `path`, whatever is there now."""
    text = text.replace("\r\n", "\n")
    try:
        document = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # a number of 5,000 digits, a thousand brackets
        return None, (_syntax_problem(shown, error, text.splitlines()),)
    reader = _Reader(path, shown, _places(text), document)
    event = reader.event()
    return event, tuple(sorted(reader.problems, key=lambda problem: problem.line or 0))


def ensure_uid(event: Event) -> Event:
    """The event with a `uid`: its own, or a random one that is saved to the file first (contract §2)."""
    if event.uid:
        return event
    import tomlkit  # only the first use of an event pays for it

    try:
        source = files.read(event.path).decode("utf-8-sig")
        document = tomlkit.parse(source)
        table: Any = document["event"]
        # Somebody else may have written one since this event was read.
        uid = str(table.get("uid") or "") or secrets.token_hex(16)
        if table.get("uid") != uid:
            table["uid"] = uid
            text = tomlkit.dumps(document)
            replace_file(event.path, re.sub(r"(?<!\r)\n", "\r\n", text) if "\r\n" in source else text)
    except (OSError, ValueError, KeyError) as error:
        why = error.strerror if isinstance(error, OSError) else "the file has changed"
        raise InputError(
            f"The event's uid cannot be saved to {event.path.name}: {why}.",
            hint="Make the file writable, or write `uid` under [event] yourself.",
        ) from None
    return replace(event, uid=uid)


def replace_file(path: Path, text: str) -> None:
    """Write `text` to `path` so that a crash leaves the old file or the new one, never half of one."""
    replace_bytes(path, text.encode("utf-8"))


def replace_bytes(path: Path, raw: bytes) -> None:
    """The same of bytes."""
    path = path.resolve()  # a link stays one
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            Path(temporary).chmod(path.stat().st_mode & 0o777)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _problem(file: str, line: int | None, message: str, hint: str | None = None, value: str | None = None) -> Problem:
    return Problem("error", "bad-event", message, file=file, line=line, value=value, hint=hint)


def _syntax_problem(shown: str, error: Exception, lines: Sequence[str]) -> Problem:
    found = re.search(r"line (\d+), column (\d+)", str(error))
    line = int(found.group(1)) if found else None
    words = re.sub(r"\s*\(at [^)]*\)$", "", one_line(str(error)))
    at = f" at column {found.group(2)}" if found else ""
    wrong = lines[line - 1] if line and line <= len(lines) else ""
    hint = "Texts go between double quotes."
    if re.match(r"\s*(start|end|until)\s*=\s*\d", wrong):
        # The likeliest slip: a date as people write it, or one that no calendar has.
        hint = f"Write a date and time that exists as {wrong.split('=')[0].strip()} = 2027-05-06T14:00:00."
    return _problem(shown, line, f"The event file cannot be read{at}: {words}.", hint)


def _places(text: str) -> Mapping[tuple[str, str], int]:
    """The line of each key by table and name; of each table by its own name and ""."""
    places: dict[tuple[str, str], int] = {}
    table, quotes, sessions = "", "", 0
    for number, line in enumerate(text.split("\n"), 1):
        if quotes:
            quotes = "" if quotes in line else quotes
            continue
        if heading := _TABLE.match(line):
            table, _, inner = heading.group(1).strip().partition(".")
            if table == "session" and not inner:
                sessions += 1
                table = _session_table(sessions)
            places.setdefault((table, inner), number)
        elif key := _KEY.match(line):
            names = [name.strip(" \t\"'") for name in key.group(1).split(".")]
            names = [table, *names] if table else [*names, ""]
            places.setdefault((names[0], ""), number)
            places.setdefault((names[0], names[1]), number)
        quotes = next((mark for mark in ('"""', "'''") if line.count(mark) % 2), "")
    return places


_ENDS = 'Write end = 2027-05-06T15:30:00, or duration = "90m".'


@dataclass(frozen=True, slots=True)
class _When:
    start: datetime
    end: datetime
    all_day: bool
    is_sound: bool


_SESSION_NAMES = (("title", "name", "id"), ("id", "title", "name"))


def _around(sessions: Sequence[_When]) -> _When:
    """From the beginning of the first to the end of the last."""
    first = min(sessions, key=lambda one: one.start.astimezone(UTC))
    last = max(sessions, key=lambda one: one.end.astimezone(UTC))
    return _When(first.start, last.end, all(one.all_day for one in sessions), is_sound=False)


def _session_table(number: int) -> str:
    """What the table of one session is called in here: their headings are all alike."""
    return f"session {number}"


def _heading(table: str) -> str:
    return "[[session]]" if table.startswith("session ") else f"[{table}]"


def _exists(moment: datetime) -> bool:
    """Whether the clock of its zone ever shows this time."""
    return moment.astimezone(UTC).astimezone(moment.tzinfo).replace(tzinfo=None) == moment.replace(tzinfo=None)


def _length(duration: object) -> timedelta:
    """What a duration says, zero where it says nothing."""
    found = _DURATION.fullmatch(duration) if isinstance(duration, str) else None
    days, hours, minutes = (int(part or 0) for part in found.groups()) if found else (0, 0, 0)
    return timedelta(days=days, hours=hours, minutes=minutes)


class _Reader:
    """Reads one document; every fault becomes a problem, so that the organiser sees all of them at once."""

    def __init__(self, path: Path, shown: str, places: Mapping[tuple[str, str], int], document: dict[str, Any]) -> None:
        self.path, self.shown, self.places, self.document = path, shown, places, document
        self.problems: list[Problem] = []
        listed = document.get("session")
        rows = listed if isinstance(listed, list) and all(isinstance(row, dict) for row in listed) else []
        self.sessions = {_session_table(number): row for number, row in enumerate(rows, 1)}

    def event(self) -> Event | None:
        self._unknown_keys()
        title = self._line_of_text("event", "title", required=True)
        zone = self._zone()
        has_span = any(self._value("event", key) is not None for key in ("start", "end", "duration"))
        when = self._when("event", zone) if has_span or not self.sessions else None
        sessions = {table: self._when(table, zone) for table in self.sessions}
        when = when or _around(list(sessions.values()))
        organizer = Organizer(
            self._line_of_text("organizer", "name", required=True) or "",
            self._address("organizer", "email", True) or "",
        )
        event = Event(
            path=self.path,
            title=title or "",
            start=when.start,
            end=when.end,
            all_day=when.all_day,
            rule=self._rule(when),
            timezone=zone.key if zone else "UTC",
            organizer=organizer,
            location=self._line_of_text("event", "location") or "",
            join_url=self._link("event") or "",
            description=self._long_text("event") or "",
            reply_by=self._reply_by(when),
            keep_until=self._keep_until(when),
            uid=self._line_of_text("event", "uid") or "",
            message=self._message(),
            columns=self._columns(),
            sending=self._sending(),
            places=self.places,
        )
        event = replace(event, sessions=self._each(event, sessions))
        return None if self.problems else event

    def _each(self, event: Event, sessions: Mapping[str, "_When"]) -> tuple[Event, ...]:
        """The sessions, each with what it does not say itself from the event."""
        found: list[Event] = []
        names: set[str] = set()
        for table, when in sessions.items():
            said = {key: self._line_of_text(table, key) for key in ("id", "name", "title")}
            title, session = (said[a] or said[b] or said[c] for a, b, c in _SESSION_NAMES)
            if not title or not session:
                self._fault(table, "", "A session has no name.", 'Add title = "..." under [[session]].')
                continue
            own = {session.casefold(), title.casefold()}
            if own & names:
                self._fault(
                    table,
                    "",
                    f"Two sessions are called “{session if session.casefold() in names else title}”.",
                    "Give each a title and an id of its own.",
                )
            names |= own
            one = replace(event, title=f"{event.title}: {title}", session=session, sessions=())
            one = replace(one, start=when.start, end=when.end, all_day=when.all_day)
            own_texts = {
                "location": self._line_of_text(table, "location") or "",
                "join_url": self._link(table) or "",
                "description": self._long_text(table) or "",
            }
            # What is said to be blank is blank: a visit has no link.
            said_texts = {key: text for key, text in own_texts.items() if self._value(table, key) is not None}
            found.append(replace(one, **said_texts))  # type: ignore[arg-type]  # texts all
        return tuple(found)

    def _long_text(self, table: str) -> str | None:
        text = self._text(table, "description")
        return None if text is None else body_text(text).strip()

    def _fault(self, table: str, key: str, message: str, hint: str | None = None, value: object = None) -> None:
        shown = None if value is None else str(value)
        line = self.places.get((table, key), self.places.get((table, "")))
        self.problems.append(_problem(self.shown, line, message, hint, shown))

    def _unknown_keys(self) -> None:
        for table, values in self.document.items():
            if table == "session":
                self._unknown_keys_of_sessions(values)
            elif table not in _KEYS and not isinstance(values, dict):
                home = next((known for known, keys in _KEYS.items() if table in keys), None)
                hint = f"It belongs under [{home}]." if home else f"It knows {_TABLES}."
                self._fault(table, "", f"“{one_line(table)}” stands outside of every table.", hint)
            elif table not in _KEYS:
                near = get_close_matches(table, _KEYS, 1)
                hint = f"Did you mean [{near[0]}]?" if near else f"It knows {_TABLES}."
                self._fault(table, "", f"[{one_line(table)}] is not a part of an event file.", hint)
            elif not isinstance(values, dict):
                self._fault(table, "", f"“{table}” must be a table: write [{table}] on a line of its own.")
            else:
                self._unknown_keys_in(table, values, _KEYS[table])

    def _unknown_keys_of_sessions(self, values: object) -> None:
        if not self.sessions:
            where = _session_table(1)
            self._fault(
                where, "", "“session” must be a list of tables.", "Write [[session]] on a line of its own.", values
            )
        for table, row in self.sessions.items():
            self._unknown_keys_in(table, row, _KEYS["session"])
        if self.sessions and self._value("event", "rrule") is not None:
            self._fault("event", "rrule", "An event in sessions has no rrule.", "Write each meeting as a [[session]].")

    def _unknown_keys_in(self, table: str, values: Mapping[str, object], known: frozenset[str]) -> None:
        for key in (key for key in values if key not in known):
            near = get_close_matches(key, known, 1)
            hint = f"Did you mean {near[0]}?" if near else f"It knows {', '.join(sorted(known))}."
            self._fault(table, key, f"{_heading(table)} has no “{one_line(key)}”.", hint)

    def _value(self, table: str, key: str) -> Any:
        values = self.sessions.get(table, self.document.get(table))
        return values.get(key) if isinstance(values, dict) else None

    def _text(self, table: str, key: str, required: bool = False) -> str | None:
        value = self._value(table, key)
        if value is not None and not isinstance(value, str):
            where = _heading(table)
            self._fault(table, key, f"{where} {key} must be a text.", "Put it between double quotes.", value)
            return None
        if required and not (value and one_line(value)):
            self._fault(table, key, f"[{table}] {key} is missing.", f'Add {key} = "..." under [{table}].')
            return None
        return value

    def _line_of_text(self, table: str, key: str, required: bool = False) -> str | None:
        """The text on one line, None where there is none, or a blank one."""
        value = self._text(table, key, required)
        return (one_line(value) or None) if value is not None else None

    def _zone(self) -> ZoneInfo | None:
        starts = [self._value(table, "start") for table in ("event", *self.sessions)]
        starts = [start for start in starts if start is not None] or [None]
        name = self._line_of_text("event", "timezone", required=not all(map(self._is_day, starts)))
        if not name:
            return None
        try:
            return ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            from zoneinfo import available_timezones

            near = get_close_matches(name, available_timezones(), 1, 0.5)
            hint = f"Did you mean {near[0]}?" if near else 'Write an IANA name such as "Europe/London".'
            self._fault("event", "timezone", f"“{name}” is not a time zone.", hint, name)
            return None

    @staticmethod
    def _is_day(value: object) -> TypeGuard[date]:
        return isinstance(value, date) and not isinstance(value, datetime)

    def _when(self, table: str, zone: ZoneInfo | None) -> "_When":
        """Start and end of a table; where they cannot be read, a stand-in beside the problems."""
        faults = len(self.problems)
        if self._is_day(first := self._value(table, "start")):
            span = self._days(table, first, zone or UTC)
            return _When(*span, all_day=True, is_sound=len(self.problems) == faults)
        start = self._moment(table, "start", zone, required=True)
        end = self._end(table, start, zone)
        is_sound = start is not None and end is not None
        return _When(start or datetime.now(UTC), end or datetime.now(UTC), all_day=False, is_sound=is_sound)

    def _days(self, table: str, first: date, zone: tzinfo) -> tuple[datetime, datetime]:
        """The midnights around whole days; `end` is the last of them, and without an end it is one day."""
        said, duration = self._value(table, "end"), self._value(table, "duration")
        count = 1
        if said is not None and duration is not None:
            self._both(table)
        elif duration is not None:
            length = _length(duration)
            count = length.days
            if not length or length != timedelta(days=count):
                hint = 'Write start = 2027-05-06T14:00:00, or duration = "2d".'
                self._fault(table, "start", "The start is a whole day, and the duration is not in days.", hint, first)
        elif said is not None and not self._is_day(said):
            hint = f"Write both as days, {first} for one, or both with a time."
            self._fault(table, "end", "The start is a whole day, and the end is not.", hint, said)
        elif self._is_day(said):
            count = (said - first).days + 1
            if count < 1:
                self._fault(table, "end", "The event does not end after it begins.", "Correct start or end.", said)
        begin = datetime.combine(first, time(), zone)
        try:
            return begin, datetime.combine(first + timedelta(days=count), time(), zone)
        except OverflowError:
            self._fault(table, "end", "The event ends too far away.")
            return begin, begin

    def _moment(self, table: str, key: str, zone: ZoneInfo | None, required: bool = False) -> datetime | None:
        value = self._value(table, key)
        shown = f"{_heading(table)} {key}"
        hint = f"Write it as {key} = 2027-05-06T14:00:00, the time on the clock in the event's zone."
        if isinstance(value, str) and ":" in value:
            try:
                value = datetime.fromisoformat(value.strip())
            except ValueError:
                self._fault(table, key, f"{shown} “{one_line(value)}” is not a date and time.", hint, value)
                return None
        if value is None:
            if required:
                self._fault(table, key, f"{shown} is missing.", hint)
            return None
        if not isinstance(value, datetime):
            self._fault(table, key, f"{shown} must be a date and a time.", hint, value)
            return None
        return self._in_zone(table, key, value, zone) if zone else None

    def _in_zone(self, table: str, key: str, value: datetime, zone: ZoneInfo) -> datetime | None:
        try:
            if value.tzinfo is not None:
                return value.astimezone(zone)
            earlier, later = value.replace(tzinfo=zone), value.replace(tzinfo=zone, fold=1)
            exists = _exists(earlier)
        except OverflowError:
            self._fault(table, key, f"{_heading(table)} {key} is too far away.", None, value)
            return None
        if not exists:
            self._fault(
                table,
                key,
                f"{value:%H:%M} does not exist on {value:%d.%m.%Y} in {zone.key}: the clocks go forward then.",
                "Choose a time before or after the change.",
                value,
            )
            return None
        if earlier.utcoffset() != later.utcoffset():
            choices = " or ".join(moment.isoformat() for moment in (earlier, later))
            self._fault(
                table,
                key,
                f"{value:%H:%M} happens twice on {value:%d.%m.%Y} in {zone.key}: the clocks go back then.",
                f"Say which one: {key} = {choices}.",
                value,
            )
            return None
        return earlier

    def _end(self, table: str, start: datetime | None, zone: ZoneInfo | None) -> datetime | None:
        said, duration = self._value(table, "end"), self._value(table, "duration")
        if said is None and duration is None:
            self._fault(table, "end", f"{_heading(table)} needs an end or a duration.", _ENDS)
            return None
        if said is not None and duration is not None:
            self._both(table)
            return None
        end = self._moment(table, "end", zone) if duration is None else self._after(table, start, duration)
        # Two times in one zone would be compared by their clocks, which go back once a year.
        if start and end and end.astimezone(UTC) <= start.astimezone(UTC):
            self._fault(table, "end", "The event does not end after it begins.", "Correct start or end.", end)
            return None
        return end

    def _both(self, table: str) -> None:
        self._fault(table, "end", f"{_heading(table)} has both an end and a duration.", _ENDS)

    def _after(self, table: str, start: datetime | None, duration: object) -> datetime | None:
        length = _length(duration)
        if not length:
            hint = 'Write "90m" or "1h30m".'
            self._fault(table, "duration", f"{_heading(table)} duration is not a length of time.", hint, duration)
            return None
        try:
            return (start.astimezone(UTC) + length).astimezone(start.tzinfo) if start else None
        except OverflowError:
            self._fault(table, "duration", f"{_heading(table)} duration is too long.", None, duration)
            return None

    def _reply_by(self, when: "_When") -> date | None:
        value = self._day("reply_by", "2027-04-30")
        if value is not None and when.is_sound and value > when.start.date():
            hint = "Choose a day before the event."
            self._fault("event", "reply_by", "[event] reply_by is after the event has begun.", hint, value)
            return None
        return value

    def _keep_until(self, when: "_When") -> date | None:
        value = self._day("keep_until", "2027-08-31")
        if value is not None and when.is_sound and value < when.start.date():
            hint = "Choose a day after the event: until then changes and cancellations can be sent."
            self._fault("event", "keep_until", "[event] keep_until is before the event.", hint, value)
            return None
        return value

    def _day(self, key: str, example: str) -> date | None:
        value = self._value("event", key)
        if value is None or self._is_day(value):
            return value
        hint = f"Write it without a time: {key} = {example}."
        self._fault("event", key, f"[event] {key} must be a day.", hint, value)
        return None

    def _rule(self, when: "_When") -> Rule | None:
        """The rule of a series, None where it is none, or where it is wrong."""
        text = self._line_of_text("event", "rrule")
        if text is None or not when.is_sound or self.sessions:
            return None
        try:
            rule = parse_rule(text, when.start, when.all_day)
        except RuleError as error:
            self._fault("event", "rrule", f"[event] rrule: {error.message}", error.hint, text)
            return None
        if when.all_day:
            return rule
        if when.start.fold or when.end.fold:
            # A series begins at a time on the clock (RFC 5545 §3.3.5), which is then the first of the two.
            key = "start" if when.start.fold else "end"
            message = f"The first meeting of a series cannot be at the second {getattr(when, key):%H:%M} of a day."
            self._fault("event", key, message, "Choose a time that is there once, or begin with the next meeting.")
            return None
        gap = next((moment for moment in islice(rule.starts(when.start), MOST) if not _exists(moment)), None)
        if gap is not None:
            message = f"{gap:%H:%M} does not exist on {gap:%d.%m.%Y}, a day of the series: the clocks go forward then."
            self._fault("event", "rrule", message, "Choose another time of day, or end the series before.", text)
        return rule

    def _link(self, table: str) -> str | None:
        value = self._line_of_text(table, "join_url")
        if value and not is_web_link(value):
            message = f"{_heading(table)} join_url is not a web link."
            self._fault(table, "join_url", message, "It begins with https://.", value)
        return value

    def _address(self, table: str, key: str, required: bool = False) -> str | None:
        value = self._text(table, key, required)
        if value is None:
            return None
        try:
            return address.parse(value).wire
        except address.AddressError as error:
            self._fault(table, key, f"[{table}] {key} is not an e-mail address: {error.reason}", error.hint, value)
            return None

    def _sender(self) -> Organizer | None:
        value = self._text("message", "from")
        if value is None:
            return None
        named = re.fullmatch(r"\s*\"?([^<>\"]*?)\"?\s*<([^<>]+)>\s*", value)
        name, bare = named.groups() if named else (self._value("organizer", "name"), value)
        try:
            return Organizer(one_line(str(name or "")), address.parse(bare).wire)
        except address.AddressError as error:
            self._fault(
                "message", "from", f"[message] from is not an e-mail address: {error.reason}", error.hint, value
            )
            return None

    def _message(self) -> MessageSettings:
        attach_ics = self._value("message", "attach_ics")
        if attach_ics is not None and not isinstance(attach_ics, bool):
            self._fault("message", "attach_ics", "[message] attach_ics must be true or false.", None, attach_ics)
        names = self._texts("message", "attachments")
        return MessageSettings(
            template=self._line_of_text("message", "template"),
            subject=self._line_of_text("message", "subject"),
            reply_to=self._address("message", "reply_to"),
            sender=self._sender(),
            attach_ics=attach_ics is not False,
            attachments=tuple(self.path.parent / name for name in names),
            language=self._language(),
            reviewed=tuple(self._reviewed()),
        )

    def _reviewed(self) -> Iterator[str]:
        """The digests of `reviewed = ["file@sha256"]`: whole ones, so that no other file can be meant."""
        for text in self._texts("message", "reviewed"):
            name, _, digest = text.strip().rpartition("@")
            if name and _DIGEST.fullmatch(digest):
                yield digest.lower()
            else:
                message = "[message] reviewed names each file with all 64 characters of its SHA-256."
                hint = 'Write reviewed = ["file@sha256"] as the finding has it, or as sha256sum prints it.'
                self._fault("message", "reviewed", message, hint, text)

    def _language(self) -> str:
        value = self._line_of_text("message", "language") or dates.DEFAULT
        try:
            dates.check_language(value)
        except dates.UnknownLanguage as error:
            hint = f'Did you mean "{error.near}"?' if error.near else 'Write one such as "en-GB", "de" or "fr-CA".'
            message = "[message] language is not a language in which dates can be written."
            self._fault("message", "language", message, hint, value)
        return value

    def _texts(self, table: str, key: str) -> tuple[str, ...]:
        value = self._value(table, key)
        if value is None:
            return ()
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            self._fault(table, key, f"[{table}] {key} must be a list of texts.", f'{key} = ["..."].', value)
            return ()
        return tuple(value)

    def _columns(self) -> Mapping[str, str | tuple[str, ...]]:
        keys = [key for key in ("email", "name", "id", "group", "status") if self._value("columns", key) is not None]
        said = {key: self._text("columns", key) or "" for key in keys}
        return {**said, "internal": self._texts("columns", "internal")}

    def _sending(self) -> SendingSettings:
        return SendingSettings(
            account=self._line_of_text("sending", "account"),
            per_minute=self._number("per_minute", 0),
            per_day=self._whole_number("per_day", 0),
            connections=self._whole_number("connections", 1),
            keep=self._yes("keep"),
            two_people=self._yes("two_people"),
        )

    def _yes(self, key: str) -> bool:
        value = self._value("sending", key)
        if value is not None and not isinstance(value, bool):
            self._fault("sending", key, f"[sending] {key} must be true or false.", None, value)
        return value is True

    def _number(self, key: str, least: int) -> float | None:
        value = self._value("sending", key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value < 1e6:
            self._fault("sending", key, f"[sending] {key} must be a number of at least {least}.", None, value)
            return None
        return float(value)

    def _whole_number(self, key: str, least: int) -> int | None:
        value = self._number(key, least)
        if value is not None and value != int(value):
            self._fault("sending", key, f"[sending] {key} must be a whole number.", None, value)
            return None
        return None if value is None else int(value)


def is_web_link(text: str) -> bool:
    """Whether `text` is an absolute http or https URL without white space."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and not re.search(r"[\s<>\"\x00-\x20]", text)
