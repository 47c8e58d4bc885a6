"""One record, judged: the mailbox in it, what is wrong with it, and whether the person is coming.

Pure: the same cells give the same problems, so that they can be worded when somebody looks at them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from tui import address
from tui.address import Address, AddressError
from tui.attendees import exports
from tui.attendees.columns import Columns, squash
from tui.attendees.store import ERROR, NO_ADDRESS, SHIFTED, WITHDRAWN, address_column, withdrawal_column
from tui.clean import bare_address, body_text, one_line
from tui.errors import Problem

# White space inside an address is never dropped: "ana@example.org uk" must not become somebody's address.
_BREAKS = str.maketrans(dict.fromkeys("\t\n\v\f\r\x1c\x1d\x1e\x1f\x85\xa0\u2028\u2029", " "))
_LONGEST_SHOWN = 80


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is known of a record. `marks` are the store's; `problems` has nothing of who is there twice, and nothing of
    somebody who withdrew but that they did (`withdrawal` is the column that says so)."""

    mailbox: Address | None
    marks: int
    problems: Sequence[Problem]
    withdrawal: int | None


class Row:
    """One record and its place: the cells as the file has them, and as a message may have them."""

    __slots__ = ("cells", "columns", "file", "is_plain", "line", "raw")

    def __init__(self, raw: Sequence[str], columns: Columns, file: str, line: int) -> None:
        text = "".join(raw)
        self.raw = raw
        self.columns = columns
        self.file = file
        self.line = line
        self.is_plain = text.isascii() and text.isprintable()  # nothing in it to be cleaned away
        self.cells = tuple(map(str.strip, raw if self.is_plain else map(body_text, raw)))
        width = len(columns.headers)
        if len(raw) != width:
            self.cells = (*self.cells, *[""] * (width - len(raw)))[:width]

    def raw_cell(self, at: int) -> str:
        return self.raw[at] if at < len(self.raw) else ""

    @property
    def address(self) -> int:
        return address_column(self.columns, self.cells)

    def problem(
        self,
        severity: Literal["error", "warning"],
        code: str,
        message: str,
        column: int | None = None,
        value: str | None = None,
        hint: str | None = None,
    ) -> Problem:
        """A finding in this row; its value is the cell's as the file has it, unless another is given."""
        header = None if column is None else self.columns.headers[column]
        if value is None and column is not None:
            value = self.raw_cell(column)
        return Problem(severity, code, message, self.file, self.line, header, value, hint)


def judge(row: Row) -> Verdict:
    columns = row.columns
    mailbox, problems = _judged_address(row)
    marks = 0 if mailbox else NO_ADDRESS
    shape = _misshapen(row) if len(row.raw) != len(row.cells) else None
    if shape is not None and shape.severity == "error":
        # What stands under which header is anybody's guess: the address, the group, a "no" under "Status".
        return Verdict(mailbox, marks | SHIFTED | ERROR, [shape], None)
    withdrawal = withdrawal_column(columns, row.cells) if columns.statuses or columns.withdrawals else None
    if withdrawal is not None:
        # The other faults of this row keep nobody from being mailed, so they are not worth a word.
        return Verdict(mailbox, marks | WITHDRAWN, [], withdrawal)
    problems += [shape] if shape else ()
    problems += () if row.is_plain else _hidden_in_names(row)
    marks |= ERROR if any(problem.severity == "error" for problem in problems) else 0
    return Verdict(mailbox, marks, problems, None)


def _judged_address(row: Row) -> tuple[Address | None, list[Problem]]:
    """The row's mailbox, if its address cell is one, and what is wrong with that cell."""
    at = row.address
    raw = row.raw_cell(at)
    is_plain = row.is_plain or (raw.isascii() and raw.isprintable())
    text = raw.strip() if is_plain else bare_address(raw.translate(_BREAKS))
    if not text:
        hint = "Fill it in, or delete the row."
        return None, [row.problem("error", "missing-address", "This person has no e-mail address.", at, hint=hint)]
    try:
        mailbox = address.parse(text)
    except AddressError as error:
        return None, [_bad_address(row, text, error)]
    problems = []
    if text != raw.strip(" "):
        message = "The address has invisible characters in it or around it. They are left out."
        problems.append(row.problem("warning", "hidden-characters", message, at, hint=f"It is used as {text}."))
    meant = address.suggest(mailbox.wire)
    if meant:
        message = f"“{text}” looks like a typing mistake."
        if "xn--" in mailbox.domain:
            message = f"“{text}” has letters after the @ that look like Latin ones and are not."
        problems.append(row.problem("warning", "likely-typo", message, at, hint=f"Did you mean {meant}?"))
    if not mailbox.is_ascii:
        message = f"“{text}” has letters before the @ that not every mail server takes. It is sent only where one does."
        problems.append(row.problem("warning", "non-ascii-address", message, at))
    return mailbox, problems


def _bad_address(row: Row, text: str, error: AddressError) -> Problem:
    at = row.address
    if error.code == "several-addresses":
        hint = "Give each person a row of their own."
        if ":::" in text:  # Google Contacts: all of one person's addresses with the same label
            hint = "Leave only the one to be invited in the cell."
        return row.problem("error", error.code, "The cell holds more than one address.", at, hint=hint)
    hint = error.hint or "Correct it in the file, or delete the row."
    if "@" not in text:
        if squash(text) == squash(row.columns.headers[at]):
            hint = "This row is the header once more: delete it."
        elif _is_address(row.raw_cell(at + 1)):
            beside = row.raw_cell(at + 1).strip()
            hint = f"{beside} is one cell further right: put a cell with a comma in quotation marks."
        elif exports.is_anonymous(text):
            hint += " A form wrote it for an answer without a name."
    shown = text if len(text) <= _LONGEST_SHOWN else text[: _LONGEST_SHOWN - 1] + "…"
    return row.problem("error", error.code, f"“{shown}” is not an address: it {error.reason}.", at, hint=hint)


def _is_address(cell: str) -> bool:
    text = cell.strip()
    return text.isascii() and text.isprintable() and not address.is_refused(text)


def _misshapen(row: Row) -> Problem | None:
    """What is wrong with a row that has more cells than headers, or fewer; nothing where all of those are blank."""
    cells, headers = len(row.raw), row.columns.headers
    extra = next((cell for cell in row.raw[len(headers) :] if cell.strip()), None)
    if extra is not None:
        message = f"This row has {cells} cells under {len(headers)} headers, so they may be in the wrong columns."
        hint = (
            "Look for a cell with a comma in it (or whatever separates the cells here) and put it in quotation marks."
        )
        return row.problem("error", "extra-cells", message, value=extra, hint=hint)
    if any(headers[cells:]):
        message = f"This row has {cells} of the {len(headers)} cells that the header names; the others count as blank."
        hint = "Check that the row is complete and its cells are in the right columns."
        return row.problem("warning", "missing-cells", message, hint=hint)
    return None


def _hidden_in_names(row: Row) -> list[Problem]:
    message = (
        "The name has a line break, or characters that cannot be seen, in it. A line break becomes a space, they go."
    )
    return [
        row.problem("warning", "hidden-characters", message, at, hint=f"It is used as “{one_line(row.raw_cell(at))}”.")
        for at in row.columns.name
        if _hides(row.raw_cell(at))
    ]


def _hides(name: str) -> bool:
    """Whether a name has line breaks, controls or bidi controls in it; joiners and odd spaces are how it is spelled."""
    return body_text(name) != name or "\n" in name or "\t" in name
