"""Hundreds of rows at a time: which of them nothing can be said against, so that only the others are judged one by one.

What this passes, `reading` would pass without a word; what it does not is no worse for it. It works on the text of many
rows at once because a function call for each row would take longer than reading the file.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from tui import address
from tui.address import AddressError
from tui.attendees.columns import Columns
from tui.attendees.status import is_filled, means_withdrawn
from tui.attendees.store import CELL_END, ERROR, NO_ADDRESS, NOT_ASCII, ROW_END
from tui.clean import one_line

# Narrower than address.parse, so that whatever matches is one address for it too: no local part is over 64 letters, no
# address over 254. No group is possessive: Python before 3.11.5 matches such groups wrongly (gh-106052).
_ATEXT = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]++"
_PLAIN = rf"{_ATEXT}(?:\.{_ATEXT})*@[A-Za-z0-9.-]++"
_ALL_PLAIN = re.compile(rf"{_PLAIN}(?:\n{_PLAIN})*")
_IS_PLAIN = re.compile(_PLAIN)
_LONGEST = 65

# What cleaning takes out or changes beside ASCII's controls (tests hold this against it), and the spaces that may stand
# at the edge of a cell.
_HIDDEN = (
    "\x80-\x9f\u034f\u061c\u115f\u1160\u17b4\u17b5\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0"
    "\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f"
)
_IS_HIDDEN = re.compile(f"[{_HIDDEN}]")
_HIDDEN_OR_SPACE = re.compile(f"[{_HIDDEN}\xa0\u1680\u2000-\u200a\u202f\u205f\u3000]")

_ROW_END = ROW_END.encode()
# A row's bytes as kinds: text, white space, a carriage return, the end of a cell or row, another control character.
_END = ord("|")
_KINDS = bytes(
    _END if byte in (0x1E, 0x1F)
    else ord(" ") if byte in (0x09, 0x0A, 0x20)
    else byte if byte == 0x0D
    else ord("!") if byte < 0x20 or byte == 0x7F
    else ord("x")
    for byte in range(256)
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Sifted:
    """Rows, cleaned and encoded for the store; `keys` and `ids` of those that passed (no ids where there is no such
    column); `odd` has the indexes of those that did not, ascending, whose other values mean nothing.

    With `wrong` some passed of which no more can be said than that their address is none: their marks say it.
    """

    rows: Sequence[bytes]
    marks: bytes
    keys: Sequence[str]
    ids: Sequence[str]
    odd: Sequence[int]
    wrong: bool = False


def sift(rows: Sequence[list[str]], columns: Columns) -> Sifted:
    """`rows` is some rows of a file, all with as many cells as there are headers."""
    cells = list(zip(*rows, strict=True))
    cleaned, odd, foreign = _cleaned(rows, len(cells))
    addresses: Sequence[str] = cells[columns.address]
    joined = "\n".join(addresses)
    wrong: set[int] = set()
    if " " in joined:
        addresses = [cell.strip(" ") for cell in addresses]
        joined = "\n".join(addresses)
    if _are_plain(addresses, joined):
        keys = joined.lower().split("\n")
    else:
        keys = [cell.lower() for cell in addresses]
        suspects = [at for at, cell in enumerate(addresses) if not _is_plain(cell)]
        wrong = {at for at in suspects if _is_wrong(cells[columns.address][at])}
        odd.update(at for at in suspects if at not in wrong)
    for column in columns.name:
        if not "".join(cells[column]).isprintable():
            odd.update(at for at, cell in enumerate(cells[column]) if any(char in cell for char in "\t\n\r"))
    for says_so, where in ((means_withdrawn, columns.statuses), (is_filled, columns.withdrawals)):
        for column in where:
            said = {cell for cell in set(cells[column]) if cell and says_so(cell)}
            if said:
                odd.update(at for at, cell in enumerate(cells[column]) if cell in said)
    marks = bytearray(len(rows))
    for at in foreign:
        marks[at] = NOT_ASCII
    wrong -= odd
    for at in wrong:
        marks[at] |= ERROR | NO_ADDRESS
    ids = () if columns.id is None else _ids(cells[columns.id])
    return Sifted(cleaned, bytes(marks), keys, ids, sorted(odd), bool(wrong))


def _cleaned(rows: Sequence[list[str]], width: int) -> tuple[Sequence[bytes], set[int], Sequence[int]]:
    """The rows as the store has them; which of them are odd; which of them are not ASCII."""
    texts = map(CELL_END.join, rows)
    try:
        cleaned = list(map(str.encode, texts))
    except UnicodeEncodeError:  # half a surrogate pair
        return [b""] * len(rows), set(range(len(rows))), ()
    block = _ROW_END.join(cleaned)
    kinds = block.translate(_KINDS)
    odd: set[int] = set()
    if kinds.count(_END) != len(rows) * width - 1:
        return cleaned, set(range(len(rows))), ()  # the very characters that end cells are in one
    if b"\r" in kinds:
        cleaned = block.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(_ROW_END)
        kinds = _ROW_END.join(cleaned).translate(_KINDS)
    if b"!" in kinds:
        odd.update(at for at, row in enumerate(cleaned) if b"!" in row.translate(_KINDS))
    foreign = []
    if not block.isascii():
        foreign = [at for at, row in enumerate(cleaned) if not row.isascii()]
        for at in foreign:
            text = cleaned[at].decode()
            if _HIDDEN_OR_SPACE.search(text):
                cleaned[at] = _stripped(text)
                if _IS_HIDDEN.search(text):
                    odd.add(at)
    if b" |" in kinds or b"| " in kinds or kinds[:1] == b" " or kinds[-1:] == b" ":
        cleaned = [_stripped(row.decode()) for row in cleaned]
    return cleaned, odd, foreign


def _stripped(row: str) -> bytes:
    return CELL_END.join(map(str.strip, row.split(CELL_END))).encode()


def _are_plain(addresses: Sequence[str], joined: str) -> bool:
    if max(map(len, addresses)) > _LONGEST or not _ALL_PLAIN.fullmatch(joined):
        return False
    if joined.count("\n") != len(addresses) - 1:
        return False  # a cell of several lines, with an address in each of them
    return all(map(_is_familiar, set(joined.replace("@", "\n").split("\n")[1::2])))


def _is_plain(cell: str) -> bool:
    return (
        cell.count("@") == 1
        and len(cell) <= _LONGEST
        and _IS_PLAIN.fullmatch(cell) is not None
        and _is_familiar(cell[cell.index("@") + 1 :])
    )


def _is_wrong(cell: str) -> bool:
    """Whether there is something in the cell, just as it stands, that is certainly no address."""
    if not cell.isascii() or not cell.isprintable() or cell != cell.strip(" ,;") or not cell:
        return False
    return cell.count("@") != 1 or address.is_refused(cell)


@lru_cache(maxsize=65536)
def _is_familiar(domain: str) -> bool:
    """Whether an ASCII domain can have mailboxes, is no likely typing mistake, and has no other form than its own."""
    try:
        mailbox = address.parse(f"x@{domain}")
    except AddressError:
        return False
    return mailbox.wire == f"x@{domain.lower()}" and address.suggest(mailbox.wire) is None


def _ids(cells: Sequence[str]) -> Sequence[str]:
    ids = list(map(str.strip, cells))
    joined = "".join(ids)
    return ids if joined.isascii() and joined.isprintable() and "  " not in joined else list(map(one_line, ids))
