"""The one sanitiser: what came from outside, made harmless for a terminal, a header, a body, a file, a spreadsheet.

Terminals obey escape sequences, C1 controls and bidirectional overrides wherever they are printed, and no widget of any
library removes them; so everything from a file, a server or a template passes `visible` before it is drawn.
"""

import re
import unicodedata
from contextlib import suppress

_PICTURES = {code: chr(0x2400 + code) for code in range(0x20)} | {0x7F: "\u2421"}
_REPLACED = dict.fromkeys(range(0x80, 0xA0), "\ufffd")
_HIDDEN = (
    [0xAD, 0x34F, 0x61C, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x180E, 0x3164, 0xFEFF, 0xFFA0]
    + list(range(0x200B, 0x2010))
    + [0x2028, 0x2029]
    + list(range(0x202A, 0x202F))
    + list(range(0x2060, 0x2070))
    + list(range(0xFFF9, 0xFFFC))
    + list(range(0xE0000, 0xE0080))
)
# Joiners (U+200C, U+200D) stay in names and bodies: Persian, Hindi and emoji are misspelt without them. A terminal gets
# them only where they are spelling, so that elsewhere two names that differ by one look different.
_JOINERS = {0x200C, 0x200D}
_JOINER = re.compile("[\u200c\u200d]")
_AROUND = 8  # letters on either side that say whether a joiner is spelling: one, and the marks on it
_ESCAPED = {code: f"<U+{code:04X}>" for code in _HIDDEN}
_SURROGATES = dict.fromkeys(range(0xD800, 0xE000), "\ufffd")
_ALWAYS_ESCAPED = {code: to for code, to in _ESCAPED.items() if code not in _JOINERS}
_TERMINAL = _PICTURES | _REPLACED | _ALWAYS_ESCAPED | _SURROGATES
_TERMINAL_BLOCK = {code: to for code, to in _TERMINAL.items() if code != 0x0A}

_STRIPPED = dict.fromkeys(
    [c for c in range(0x20) if c not in (0x09, 0x0A)]
    + [0x7F]
    + list(range(0x80, 0xA0))
    + [c for c in _HIDDEN if c not in _JOINERS and c not in (0xAD, 0x2028, 0x2029, 0x180E)]
    + list(range(0xD800, 0xE000))
) | {0x2028: "\n", 0x2029: "\n"}
_IN_ADDRESS = dict.fromkeys(list(range(0x20)) + [0x7F] + list(range(0x80, 0xA0)) + _HIDDEN + [0xA0])
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")  # and in full width


def visible(text: str, *, lines: bool = False, typing: bool = False) -> str:
    """`text` with every control, C1, bidi and zero-width character shown as a picture or an escape.

    A joiner stays where it is spelling: between letters of scripts that need one (RFC 5892, appendices A.1 and A.2).

    With `lines` a line feed stays one; without, the result is one line. With `typing` the letter after a joiner may be
    yet to come. For terminals only: never for what is sent.
    """
    if text.isascii() and text.isprintable():
        return text
    shown = text.translate(_TERMINAL_BLOCK if lines else _TERMINAL)
    if "\u200c" in shown or "\u200d" in shown:
        shown = _JOINER.sub(_spelt_while_typing if typing else _spelt, shown)
    return shown


def _spelt(joiner: re.Match[str], after: str = "") -> str:
    from idna.core import valid_contextj

    at = joiner.start()
    around = joiner.string[max(0, at - _AROUND) : at + 1 + _AROUND] + after
    with suppress(ValueError):  # beside what is no letter at all
        if valid_contextj(around, min(at, _AROUND)):
            return joiner[0]
    return _ESCAPED[ord(joiner[0])]


def _spelt_while_typing(joiner: re.Match[str]) -> str:
    """At the end as if any letter came next."""
    return _spelt(joiner, "\u0628" if joiner.end() == len(joiner.string) else "")


def body_text(text: str) -> str:
    """`text` as it may stand in a message: CRLF and CR become LF; controls, bidi controls and surrogates are gone."""
    if text.isascii() and text.isprintable():
        return text
    return text.replace("\r\n", "\n").replace("\r", "\n").translate(_STRIPPED)


def one_line(text: str) -> str:
    """`body_text` on one line, white space collapsed: for names, subjects, and every other header value."""
    if text.isascii() and text.isprintable() and "  " not in text and text == text.strip():
        return text
    return " ".join(body_text(text).split())


def bare_address(text: str) -> str:
    """`text` without the invisible and control characters that no address holds, and without white space around it."""
    return text.translate(_IN_ADDRESS).strip()


def file_name(text: str, limit: int = 120) -> str:
    """`text` as a file name that every system takes: letters, digits and `@._+-`, at most `limit` characters."""
    name = re.sub(r"[^A-Za-z0-9@._+-]", "_", unicodedata.normalize("NFC", text)).lstrip(".-")
    return name[:limit] or "_"


def spreadsheet_cell(text: str) -> str:
    """`text` for a CSV that a spreadsheet will open: a cell that would be a formula is made text (OWASP)."""
    return "'" + text if text.startswith(_FORMULA) else text
