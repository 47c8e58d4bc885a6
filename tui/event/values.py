"""One key of an event file after the other: what it says, or the problem with it."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tui import address
from tui.clean import body_text, one_line
from tui.errors import Problem
from tui.event.places import heading, problem, session_table


class Values:
    """Reads one document; every fault becomes a problem, so that the organiser sees all of them at once."""

    def __init__(self, path: Path, shown: str, places: Mapping[tuple[str, str], int], document: dict[str, Any]) -> None:
        self.path, self.shown, self.places, self.document = path, shown, places, document
        self.problems: list[Problem] = []
        listed = document.get("session")
        rows = listed if isinstance(listed, list) and all(isinstance(row, dict) for row in listed) else []
        self.sessions = {session_table(number): row for number, row in enumerate(rows, 1)}

    def _fault(self, table: str, key: str, message: str, hint: str | None = None, value: object = None) -> None:
        shown = None if value is None else str(value)
        line = self.places.get((table, key), self.places.get((table, "")))
        self.problems.append(problem(self.shown, line, message, hint, shown))

    def _value(self, table: str, key: str) -> Any:
        values = self.sessions.get(table, self.document.get(table))
        return values.get(key) if isinstance(values, dict) else None

    def _text(self, table: str, key: str, required: bool = False) -> str | None:
        value = self._value(table, key)
        if value is not None and not isinstance(value, str):
            where = heading(table)
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

    def _long_text(self, table: str) -> str | None:
        text = self._text(table, "description")
        return None if text is None else body_text(text).strip()

    def _link(self, table: str) -> str | None:
        value = self._line_of_text(table, "join_url")
        if value and not is_web_link(value):
            message = f"{heading(table)} join_url is not a web link."
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

    def _texts(self, table: str, key: str) -> tuple[str, ...]:
        value = self._value(table, key)
        if value is None:
            return ()
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            self._fault(table, key, f"[{table}] {key} must be a list of texts.", f'{key} = ["..."].', value)
            return ()
        return tuple(value)

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
