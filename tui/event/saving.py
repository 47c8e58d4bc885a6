"""The event file, written: whole or not at all."""

import re
import secrets
from dataclasses import replace
from pathlib import Path
from typing import Any

from tui import files
from tui.errors import InputError
from tui.event.facts import Event


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
    files.write(path.resolve(), [raw], as_open_as_before=True)  # resolved: a link stays one
