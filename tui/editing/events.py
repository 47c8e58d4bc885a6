"""The event file, changed value by value: its comments, its order and its line ends stay."""

import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from tui import files, starting
from tui.errors import InputError
from tui.event import replace_file

Values = Mapping[tuple[str, str], object]
"""By table and key; None takes the key out."""


def beside(attendees: Path) -> Path:
    """Where the event file of this list would be."""
    return attendees.parent / "event.toml"


def read(path: Path) -> str:
    """The file's text, line ends as they are. InputError where it cannot be read."""
    try:
        return files.read(path).decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise InputError(f"{path.name} cannot be read: {why}.", code="unreadable") from None


def changed(text: str, values: Values) -> str:
    """The file's text with these values. InputError where the text itself is not TOML."""
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    try:
        document: Any = tomlkit.parse(text)
        for (table, key), value in values.items():
            if value is None:
                with suppress(KeyError):
                    del document[table][key]
                continue
            if table not in document:
                document[table] = tomlkit.table()
            _put(document[table], key, value)
        made = tomlkit.dumps(document)
    except (TOMLKitError, TypeError, AttributeError) as error:
        raise InputError(f"The event file cannot be changed: {error}.", hint="Mend it as text first.") from None
    return re.sub(r"(?<!\r)\n", "\r\n", made) if "\r\n" in text else made


def _put(table: Any, key: str, value: object) -> None:
    """The remark behind the old value stays there."""
    import tomlkit

    item = tomlkit.item(value)
    if key in table:
        item.trivia.comment_ws = table[key].trivia.comment_ws
        item.trivia.comment = table[key].trivia.comment
    table[key] = item


def new_event(now: datetime) -> str:
    """The text of a new event file, a month from `now`, with a uid of its own."""
    return starting.event_text(now + timedelta(days=28))


def save(path: Path, text: str) -> None:
    """Write the file so that a crash leaves the old one or the new one. InputError where that is not possible."""
    try:
        replace_file(path, text)
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}.", code="unwritable") from None
