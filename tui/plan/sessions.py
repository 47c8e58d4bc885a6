"""Which sessions of an event an attendee is invited to."""

import re
from collections.abc import Iterable, Iterator
from difflib import get_close_matches

from tui.attendees import Attendee, Columns
from tui.clean import one_line
from tui.errors import Problem
from tui.event import Event


def sessions_of(event: Event, attendee: Attendee) -> tuple[tuple[Event, ...], tuple[str, ...]]:
    """The sessions that an attendee is invited to, in the event's order, and the names in their row that are none's.

    Their `session` column names them, with `;` or `,` between; without one, or where it is blank, it is all of them.
    """
    at = _session_column(attendee.columns) if event.sessions else None
    if at is None or not attendee.cells[at].strip():
        return event.each, ()
    by_name = {_folded(name): session for session in event.sessions for name in _names(event, session)}
    wanted, unknown = set[str](), list[str]()
    # A name may have a comma in it.
    whole = [part for part in re.split(r"[;\n]", attendee.cells[at]) if part.strip()]
    for name in (piece for part in whole for piece in ([part] if _folded(part) in by_name else part.split(","))):
        if _folded(name) in by_name:
            wanted.add(by_name[_folded(name)].session)
        elif name.strip():
            unknown.append(name.strip())
    return tuple(session for session in event.sessions if session.session in wanted), tuple(unknown)


def session_problems(event: Event, records: Iterable[Attendee]) -> Iterator[Problem]:
    """The sessions in attendees' rows that the event does not have."""
    if not event.sessions:
        return
    names = {_folded(name): name for session in event.sessions for name in _names(event, session)}
    for attendee in records:
        at = _session_column(attendee.columns)
        for name in sessions_of(event, attendee)[1]:
            near = get_close_matches(_folded(name), names, 1)
            ids = ", ".join(session.session for session in event.sessions)
            yield Problem(
                "error",
                "unknown-session",
                f"The event has no session “{one_line(name)}”.",
                file=attendee.file,
                line=attendee.line,
                column=None if at is None else attendee.columns.headers[at],
                value=name,
                hint=f"Did you mean “{names[near[0]]}”?" if near else f"It has {ids}.",
            )


def find_session(event: Event, name: str) -> Event | None:
    """The session with this id or title."""
    return next((one for one in event.sessions if _folded(name) in map(_folded, _names(event, one))), None)


def _session_column(columns: Columns) -> int | None:
    return columns.by_header.get("session", columns.by_header.get("sessions"))


def _names(event: Event, session: Event) -> tuple[str, str]:
    return session.session, session.title.removeprefix(f"{event.title}: ")


def _folded(name: str) -> str:
    return " ".join(name.split()).casefold()
