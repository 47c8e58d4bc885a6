"""Forms over the list itself: one person's row, and what is in which column."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from textual.content import Content

from tui.address import AddressError, parse
from tui.app.screens.form import Blank, Form
from tui.clean import visible
from tui.errors import Problem

if TYPE_CHECKING:
    from tui.attendees import Attendee

ROLES: tuple[tuple[str, str], ...] = (
    ("", "for the wording, or nothing"),
    ("email", "the e-mail address"),
    ("name", "the name"),
    ("group", "the group"),
    ("id", "what tells people apart (an id)"),
    ("status", "whether somebody is not coming"),
    ("internal", "ours: never leaves this machine"),
)
"""What a column can be, as `[columns]` has it, and in words."""


class RowForm(Form):
    """One person's cells, as the file has them. `changes` says what is different; `delete` takes the row out."""

    def __init__(
        self,
        attendee: "Attendee",
        problems: Sequence[Problem],
        *,
        column: str | None = None,
        delete: Callable[[], None] | None = None,
    ) -> None:
        self._delete = delete
        self._shown = {str(at): cell for at, cell in enumerate(attendee.cells)}
        headers = attendee.columns.headers
        offered = _offered(headers, problems)
        blanks = [
            Blank(name, header or "(no name)", offered.get(name, self._shown[name]))
            for name, header in zip(self._shown, headers, strict=False)
        ]
        begin_at = next((str(at) for at, header in enumerate(headers) if header == column), "")
        begin_at = begin_at or str(attendee.columns.address)
        where = f"{visible(attendee.file)}, line {attendee.line}"
        said = [Content.assemble((where, "bold $foreground"), "\nWhat you change is written into the file.")]
        for problem in problems[:3]:
            sign = ("▲ ", "$error") if problem.severity == "error" else ("△ ", "$warning")
            said.append(Content.assemble(sign, (visible(problem.message), "$foreground")))
        if offered:
            said.append(Content.assemble("→ ", "What is probably meant stands there already: look, then save."))
        words = Content("\n").join(said)
        super().__init__(
            "Correct the list",
            words,
            blanks,
            "Save",
            busy="Saving ...",
            begin_at=begin_at,
            one_change=True,
        )

    @property
    def other(self) -> tuple[str, Callable[[], None]] | None:
        return ("Delete the row …", self._delete) if self._delete is not None else None

    def changes(self, values: Mapping[str, str]) -> dict[int, str]:
        """The new cells, by their column's index."""
        return {int(name): value for name, value in values.items() if value != visible(self._shown[name])}


def _offered(headers: Sequence[str], problems: Sequence[Problem]) -> dict[str, str]:
    """The address that a hint names, or that is easily meant, by the column that it is about."""
    found: dict[str, str] = {}
    for problem in problems:
        if problem.column in headers:
            words = (problem.hint or "").rstrip("?.").split()
            meant = next(filter(_is_address, [*reversed(words), _as_written_by_hand(problem.value or "")]), None)
            if meant is not None and meant != problem.value:
                found[str(headers.index(problem.column))] = meant
    return found


def _as_written_by_hand(value: str) -> str:
    """“ana at example dot org”, and a comma for a point: as it was meant."""
    spelt = re.sub(r"\s+(?:at|\(at\)|\[at\])\s+", "@", value.strip(), flags=re.IGNORECASE)
    spelt = re.sub(r"\s+(?:dot|\(dot\)|\[dot\])\s+", ".", spelt, flags=re.IGNORECASE)
    return re.sub(r"\s+|(?<=\w),(?=\w)", lambda found: "." if found[0] == "," else "", spelt)


def _proposed(rows: Sequence[Sequence[str]]) -> dict[int, str]:
    """What a column is by what is in it, or by its name: proposed, and said by the organiser."""
    headers, people = rows[0] if rows else (), rows[1:]
    found = {at: "internal" for at, header in enumerate(headers) if "intern" in header.casefold().split()}
    for at in range(len(headers)):
        cells = [row[at] for row in people if at < len(row) and row[at].strip()]
        if cells and sum(map(_is_address, cells)) * 2 > len(cells):
            return {**found, at: "email"}
    return found


def _is_address(cell: str) -> bool:
    try:
        parse(cell)
    except AddressError:
        return False
    return True


class ColumnsForm(Form):
    """What is in which column. `rows` are the first records of the file, its headers first; `now` is what each is."""

    def __init__(self, file: str, rows: Sequence[Sequence[str]], now: Mapping[int, str]) -> None:
        self._rows = rows
        headers = rows[0] if rows else []
        proposed = _proposed(rows) if "email" not in now.values() else {}
        blanks = [
            Blank(str(at), header.strip() or "(no name)", now.get(at, proposed.get(at, "")), choices=ROLES)
            for at, header in enumerate(headers)
            if header.strip()
        ]
        said = Content.assemble(
            (visible(file), "bold $foreground"),
            "\nWhat is in which column? Left and right choose. It is written into event.toml, under [columns].",
        )
        super().__init__("Columns", said, blanks, "Save", busy="Saving ...")

    def judge(self, values: Mapping[str, str]) -> Content:
        roles = [role for role in values.values() if role and role != "internal"]
        twice = next((words for role, words in ROLES if roles.count(role) > 1), None)
        if twice is not None:
            return Content.assemble(("▲ ", "$error"), f"Only one column can be {twice}.")
        here = self._in_it()
        if "email" not in roles:
            return Content.assemble(("▲ ", "$error"), "Which column has the e-mail addresses?\n", here)
        return Content.assemble(("✓ ", "$primary"), here)

    def on_descendant_focus(self) -> None:
        """What is in the column is seen before it is said what it is."""
        self._judge()

    def _in_it(self) -> Content:
        """What the first people have in the column that the cursor is on, else in that of the addresses."""
        lines = {name: self.line(name) for name in self.values}
        at = next((name for name, line in lines.items() if line is self.focused), None)
        at = at or next((name for name, line in lines.items() if line.value == "email"), "0")
        cells = (visible(row[int(at)]).strip() for row in self._rows[1:] if int(at) < len(row))
        header = visible(self._rows[0][int(at)]).strip()
        return Content.assemble(
            (f"{header}: ", "$quiet"), ", ".join(filter(None, cells)) or "nothing in the first rows"
        )

    def columns(self, values: Mapping[str, str]) -> dict[tuple[str, str], object]:
        """What `[columns]` is to say."""
        headers = {name: self._rows[0][int(name)].strip() for name in values}
        found: dict[tuple[str, str], object] = {("columns", role): None for role, _ in ROLES[1:]}
        for name, role in values.items():
            if role and role != "internal":
                found["columns", role] = headers[name]
        internal = [headers[name] for name, role in values.items() if role == "internal"]
        if internal:
            found["columns", "internal"] = internal
        return found
