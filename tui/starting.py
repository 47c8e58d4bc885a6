"""`init`: an event folder to begin with."""

import secrets
from datetime import datetime
from pathlib import Path

from tui import data, files
from tui.errors import InputError

_EVENT = """\
# What you invite to. Lines that begin with # are remarks.

[event]
title    = "My event"
start    = {start:%Y-%m-%dT14:00:00}       # the time on the clock in `timezone`
end      = {start:%Y-%m-%dT15:30:00}       # or: duration = "90m"
timezone = "{timezone}"
location = "Online"
# join_url = "https://..."           # a column join_url in the attendee file wins for that attendee
# description = "..."
uid      = "{uid}"   # keep it: everybody's calendar entry is known by it, and keep it to yourself

[organizer]
name  = "The organisers"
email = "organiser@example.org"     # answers come here

[message]
template = "invitation"             # templates/invitation.md: edit it
# reply_to    = "..."
# attachments = ["agenda.pdf"]

[columns]
# group    = "Audience"             # how many of each are about to be mailed is shown before a send
# internal = ["Role", "Section"]    # columns that must never leave this machine
"""

_ATTENDEES = "Name,Email,Group\n"


def make_event_folder(folder: Path, start: datetime) -> list[str]:
    """Makes `folder` with an event file, an empty attendee file and the wording; returns the files' names.

    InputError where it holds an event already or cannot be written.
    """
    if (folder / "event.toml").exists():
        raise InputError(f"{folder} is an event folder already.", hint="Name a new one.", code="exists")
    contents = {
        "event.toml": event_text(start).encode(),
        "attendees.csv": _ATTENDEES.encode(),
        "templates/invitation.md": (data.templates() / "invitation.md").read_bytes(),
    }
    new = {name: content for name, content in contents.items() if not (folder / name).exists()}
    try:
        with files.making(folder) as put:
            for name, content in new.items():
                put(name, content)
    except OSError as error:
        raise InputError(
            f"{folder} cannot be made: {error.strerror}.", hint="Name another folder.", code="unwritable"
        ) from None
    return [*new]


def event_text(start: datetime) -> str:
    """An event file to begin with, on that day, with a uid of its own."""
    return _EVENT.format(start=start, timezone=_local_timezone(), uid=secrets.token_hex(16))


def _local_timezone() -> str:
    """This machine's zone where it can be told, else UTC."""
    where = str(Path("/etc/localtime").resolve())
    return where.partition("zoneinfo/")[2] or "UTC"
