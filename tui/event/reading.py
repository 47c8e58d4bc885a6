"""A whole event file, read."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path

from tui import address, dates, files
from tui.clean import one_line
from tui.errors import InputError, Problem
from tui.event.facts import Event, MessageSettings, Organizer, SendingSettings
from tui.event.places import heading, places_of, problem, session_table, syntax_problem
from tui.event.times import Times, When, around

_DIGEST = re.compile(r"[0-9A-Fa-f]{64}")
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
    "sending": frozenset(
        {"account", "accounts", "ledger", "per_minute", "per_day", "connections", "keep", "two_people"}
    ),
    "session": frozenset({"id", "name", "title", "start", "end", "duration", "location", "join_url", "description"}),
}
_TABLES = ", ".join(f"[[{table}]]" if table == "session" else f"[{table}]" for table in _KEYS)
_SESSION_NAMES = (("title", "name", "id"), ("id", "title", "name"))

Columns = Mapping[str, str | tuple[str, ...]]
"""`[columns]`: the headers that it names, by their key; `internal` has several."""


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
        return None, (problem(shown, line, "The event file is not UTF-8 text.", "Save it as UTF-8."),)
    return understand(text, path, shown)


def understand(text: str, path: Path, shown: str) -> tuple[Event | None, tuple[Problem, ...]]:
    """The same of a text that is to be in `path`, whatever is there now."""
    text = text.replace("\r\n", "\n")
    try:
        document = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # a number of 5,000 digits, a thousand brackets
        return None, (syntax_problem(shown, error, text.splitlines()),)
    reader = _Reader(path, shown, places_of(text), document)
    event = reader.event()
    return event, tuple(sorted(reader.problems, key=lambda problem: problem.line or 0))


def columns_of(path: Path) -> Columns | None:
    """What an event file that is wrong elsewhere says under `[columns]`; None where that cannot be relied on."""
    try:
        text = files.read(path).decode("utf-8-sig").replace("\r\n", "\n")
        document = tomllib.loads(text)
    except (OSError, ValueError, RecursionError):
        return None
    if document.keys() - _KEYS.keys():
        return None  # one of them may be meant
    return _Reader(path, str(path), places_of(text), document).sound_columns()


class _Reader(Times):
    """A whole document, to an event."""

    def event(self) -> Event | None:
        self._unknown_keys()
        title = self._line_of_text("event", "title", required=True)
        zone = self._zone()
        has_span = any(self._value("event", key) is not None for key in ("start", "end", "duration"))
        when = self._when("event", zone) if has_span or not self.sessions else None
        sessions = {table: self._when(table, zone) for table in self.sessions}
        when = when or around(list(sessions.values()))
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

    def _each(self, event: Event, sessions: Mapping[str, When]) -> tuple[Event, ...]:
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
            where = session_table(1)
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
            self._fault(table, key, f"{heading(table)} has no “{one_line(key)}”.", hint)

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

    def sound_columns(self) -> Columns | None:
        """`[columns]` alone, where nothing is wrong with it."""
        columns = self._columns()
        values = self.document.get("columns", {})
        if isinstance(values, dict):
            self._unknown_keys_in("columns", values, _KEYS["columns"])
        return None if self.problems or not isinstance(values, dict) else columns

    def _columns(self) -> Columns:
        keys = [key for key in ("email", "name", "id", "group", "status") if self._value("columns", key) is not None]
        said = {key: self._text("columns", key) or "" for key in keys}
        return {**said, "internal": self._texts("columns", "internal")}

    def _sending(self) -> SendingSettings:
        accounts = self._accounts()
        return SendingSettings(
            account=accounts[0] if accounts else None,
            also=accounts[1:],
            ledger=self._ledger(),
            per_minute=self._number("per_minute", 0),
            per_day=self._whole_number("per_day", 0),
            connections=self._whole_number("connections", 1),
            keep=self._yes("keep"),
            two_people=self._yes("two_people"),
        )

    def _accounts(self) -> tuple[str, ...]:
        """The names of `account`, which has one, or of `accounts`: the first is a desk's own, workers have them all."""
        one, several = self._value("sending", "account"), self._value("sending", "accounts")
        if isinstance(one, list) or (one is not None and several is not None):
            message = "[sending] account is one account; several stand in accounts alone."
            self._fault("sending", "account", message, 'Write account = "north", or accounts = ["north", "south"].')
            return ()
        if several is None:
            name = self._line_of_text("sending", "account")
            return (name,) if name else ()
        hint = 'Write accounts = ["north", "south"].'
        if not isinstance(several, list) or not several:
            self._fault("sending", "accounts", "[sending] accounts must be a list of names.", hint, several)
            return ()
        names = [one_line(item) if isinstance(item, str) else "" for item in several]
        for number, name in enumerate(names, 1):
            if not name or name in names[: number - 1]:
                wrong = f"names “{name}” again" if name else "is no account's name"
                self._fault("sending", "accounts", f"[sending] accounts: entry {number} {wrong}.", hint, several)
                return ()
        return tuple(names)

    def _ledger(self) -> str | None:
        """Where the ledger is: a path, or the address of a server."""
        said = self._line_of_text("sending", "ledger")
        if said and re.match(r"[a-zA-Z][a-zA-Z0-9+.-]*://[^/?#]*:[^/?#]*@", said):
            self._fault(
                *("sending", "ledger", "[sending] ledger has a password: who gets this file gets the ledger, too."),
                "Take it out, and put the address with the password into INVITE_TUI_LEDGER.",
                None,
            )
            return None
        return said
