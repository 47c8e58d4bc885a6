"""Forms over the list itself: one person's row, and what is in which column."""

from collections.abc import Mapping, Sequence
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
    """One person's cells, as the file has them. `changes` says what is different."""

    def __init__(self, attendee: "Attendee", problems: Sequence[Problem], *, column: str | None = None) -> None:
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
            "Correct the list", words, blanks, "Save", busy="Saving ...", begin_at=begin_at, one_change=True
        )

    def changes(self, values: Mapping[str, str]) -> dict[int, str]:
        """The new cells, by their column's index."""
        return {int(name): value for name, value in values.items() if value != visible(self._shown[name])}


def _offered(headers: Sequence[str], problems: Sequence[Problem]) -> dict[str, str]:
    """What a hint says that is an address itself, by the column that it is about."""
    found: dict[str, str] = {}
    for problem in problems:
        if problem.hint and problem.column in headers:
            try:
                parse(problem.hint)
            except AddressError:
                continue
            found[str(headers.index(problem.column))] = problem.hint
    return found


class ColumnsForm(Form):
    """What is in which column. `rows` are the first records of the file, its headers first; `now` is what each is."""

    def __init__(self, file: str, rows: Sequence[Sequence[str]], now: Mapping[int, str]) -> None:
        self._rows = rows
        headers = rows[0] if rows else []
        blanks = [
            Blank(str(at), header.strip() or "(no name)", now.get(at, ""), choices=ROLES)
            for at, header in enumerate(headers)
            if header.strip()
        ]
        said = Content.assemble(
            (visible(file), "bold $foreground"),
            "\nSay what is in which column, with left and right. It is written into event.toml, under [columns].",
        )
        super().__init__("Columns", said, blanks, "Save", busy="Saving ...")

    def judge(self, values: Mapping[str, str]) -> Content:
        roles = [role for role in values.values() if role and role != "internal"]
        twice = next((words for role, words in ROLES if roles.count(role) > 1), None)
        if twice is not None:
            return Content.assemble(("▲ ", "$error"), f"Only one column can be {twice}.")
        if "email" not in roles:
            return Content.assemble(("▲ ", "$error"), "Which column has the e-mail addresses?")
        at = next(int(name) for name, role in values.items() if role == "email")
        seen = [visible(row[at]) for row in self._rows[1:] if at < len(row) and row[at].strip()]
        return Content.assemble(("✓ ", "$primary"), "Addresses: ", ", ".join(seen) or "none in the first rows")

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
