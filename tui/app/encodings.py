"""Which encodings a list may be in, and how its names would read in each: the organiser knows them, no program does."""

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from pathlib import Path

CHOICES: Mapping[str, str] = {
    "utf-8": "what most programs write today",
    "windows-1252": "Western Europe; older Excel on Windows",
    "mac-roman": "Western Europe; older Excel on a Mac",
    "windows-1250": "Czech, Hungarian, Polish, Romanian",
    "windows-1251": "Bulgarian, Russian, Serbian, Ukrainian",
    "windows-1253": "Greek",
    "windows-1254": "Turkish",
    "windows-1255": "Hebrew",
    "windows-1256": "Arabic",
    "windows-1257": "Estonian, Latvian, Lithuanian",
    "utf-16": "Excel's “Unicode text”",
    "cp932": "Japanese",
    "cp949": "Korean",
    "gb18030": "Chinese, simplified",
    "big5": "Chinese, traditional",
}
"""What a person would choose from, and who writes it."""

DELIMITERS: Mapping[str, str] = {",": "commas", ";": "semicolons", "\t": "tabs"}

_LINES = 60  # that tell one encoding from another
_LOOKED_AT = 4 << 20  # bytes from the beginning of a file in which they are looked for
_CELLS = re.compile(r"[,;\t\r\n\"]+")
_BINARY = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")  # workbooks, which say their encoding themselves


def telling(files: Iterable[str]) -> list[bytes]:
    """The first lines of these files that are not the same in every encoding; of UTF-16, its beginning as one."""
    found: list[bytes] = []
    for file in files:
        try:
            with Path(file).open("rb") as stream:
                head = stream.read(4096)
                if head.startswith(_BINARY):
                    continue
                if head.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in head:
                    found.append(head[: len(head) // 2 * 2])
                    continue
                stream.seek(0)
                lines = stream.read(_LOOKED_AT).splitlines()
        except OSError:
            continue
        found += islice((line for line in lines if not line.isascii()), _LINES)
    return found


def reads_as(lines: Sequence[bytes], encoding: str) -> list[str] | None:
    """The cells of these lines that are not plain ASCII, each once, as they read so; None where they cannot."""
    try:
        text = "\n".join(line.decode(encoding) for line in lines)
    except ValueError:
        return None
    if any(not char.isprintable() and char not in "\t\r\n\ufeff" for char in text):
        return None
    cells = (cell.strip("\ufeff ") for cell in _CELLS.split(text))
    return list(dict.fromkeys(cell for cell in cells if not cell.isascii()))
