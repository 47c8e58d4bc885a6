"""RTF: what is shown, what is hidden, and what lies in its groups: comments, fields, properties, objects, HTML."""

import re
from collections.abc import Iterator

from tui.contents.binary import is_padding, strings
from tui.contents.findings import Finding, Kind, Place

_TOKEN = re.compile(
    rb"\\([A-Za-z]{1,32})(-?\d{1,10})? ?|\\'([0-9A-Fa-f]{2})|\\([^A-Za-z'])|([{}])|[\r\n]+|([^\\{}\r\n]+)|\\"
)
_BREAKS = {b"par": "\n", b"line": "\n", b"cell": "\n", b"row": "\n", b"sect": "\n", b"page": "\n", b"tab": "\t"}
_SIGNS = {
    b"lquote": "\u2018",
    b"rquote": "\u2019",
    b"ldblquote": "\u201c",
    b"rdblquote": "\u201d",
    b"emdash": "\u2014",
    b"endash": "\u2013",
    b"bullet": "\u2022",
}
_SYMBOLS = {b"~": "\u00a0", b"_": "-", b"-": "", b"\\": "\\", b"{": "{", b"}": "}", b"\n": "\n", b"\r": "\n"}
# Tables of the format: what fonts, styles and colours are called.
_TABLES = frozenset(
    {b"fonttbl", b"stylesheet", b"colortbl", b"latentstyles", b"listtable", b"listoverridetable", b"rsidtbl"}
)
_PACKED = frozenset({b"pict", b"objdata", b"datastore", b"themedata", b"colorschememapping", b"blipuid", b"fontemb"})
_CODE_PAGES = {b"ansi": "cp1252", b"mac": "mac_roman", b"pc": "cp437", b"pca": "cp850"}
_CHARSETS = {128: "cp932", 129: "cp949", 134: "gb18030", 136: "big5", 161: "cp1253", 162: "cp1254", 177: "cp1255"} | {
    178: "cp1256",
    186: "cp1257",
    204: "cp1251",
    222: "cp874",
    238: "cp1250",
}
_GROUPS_AT_MOST = 2_000  # inside each other


def is_one(content: bytes) -> bool:
    return content.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{\\rtf")


def read(place: Place, _name: str, content: bytes) -> Iterator[Finding]:
    reader = _Reader()
    end = reader.over(content)
    for where, kind in (("", "text"), ("html", "html"), ("tables", "name")):
        yield from place.at(where).says("".join(reader.texts.pop(where, ())), _KINDS[kind])
    for where, pieces in reader.texts.items():
        yield from place.at(where).says("".join(pieces))
    for number, (what, packed) in enumerate(reader.packed, 1):
        octets = bytes.fromhex(packed[: len(packed) // 2 * 2].decode("ascii"))
        place.work.spend(len(octets))
        if what == "objdata":
            yield from _object(place.at(f"object {number}"), octets)
        else:
            yield from place.inside(f"{what} {number}", octets)
    if reader.is_deep:
        yield from place.is_closed("it has too many groups inside each other")
    if not is_padding(content[end:]):
        yield from place.inside("data after the end", content[end:])


_KINDS: dict[str, Kind] = {"text": "text", "html": "html", "name": "name"}


def _object(place: Place, octets: bytes) -> Iterator[Finding]:
    """An OLE 1 object ([MS-OLEDS] 2.2.5): three names, a length, and a file."""
    yield from place.says(strings(octets[:512]), "name")
    at = 8
    for _ in range(3):
        at += 4 + int.from_bytes(octets[at : at + 4], "little")
    length = int.from_bytes(octets[at : at + 4], "little")
    native = octets[at + 4 : at + 4 + length]
    yield from place.inside("content", native or octets)


class _Reader:
    """One pass over the tokens. What each destination says is kept apart; nothing is thrown away."""

    def __init__(self) -> None:
        self.texts: dict[str, list[str]] = {}
        self.packed: list[tuple[str, bytes]] = []
        self.is_deep = False
        self._codec = "cp1252"
        self._fonts: dict[int, str] = {}
        self._octets = bytearray()
        self._groups: list[tuple[str, str, int, bool]] = []
        self._where, self._font_codec, self._skip, self._is_html = "", "", 1, False
        self._to_skip = 0
        self._optional = False
        self._font = 0
        self._hex: list[bytes] = []

    def over(self, content: bytes) -> int:
        """Reads; where the outermost group ends."""
        at = 0
        while at < len(content):
            found = _TOKEN.match(content, at)
            if not found:
                at += 1
                continue
            at = found.end()
            word, number, octet, symbol, brace, plain = found.groups()
            if brace:
                self._flush()
                if brace == b"{":
                    self._open()
                elif self._close():
                    return at
            elif octet:
                self._byte(bytes([int(octet, 16)]))
            elif plain:
                self._plain(plain)
            elif symbol == b"*":
                self._optional = True
            elif symbol is not None:
                self._say(_SYMBOLS.get(symbol, ""))
            elif word == b"bin" and number:
                octets = content[at : at + max(int(number), 0)]
                at += len(octets)
                self._hex.append(octets.hex().encode("ascii"))
            elif word:
                self._word(word, int(number) if number else None)
        self._flush()
        self._end_of_packed()
        return at

    def _open(self) -> None:
        self._groups.append((self._where, self._font_codec, self._skip, self._is_html))
        if len(self._groups) > _GROUPS_AT_MOST:
            self.is_deep = True
        self._optional = False
        self._to_skip = 0

    def _close(self) -> bool:
        before = self._where
        self._to_skip = 0
        if self._groups:
            self._where, self._font_codec, self._skip, self._is_html = self._groups.pop()
        if before != self._where:
            if before.startswith("packed "):
                self._end_of_packed(before)
            else:
                self.texts.setdefault(before, []).append("\n")
        return not self._groups

    def _end_of_packed(self, where: str = "packed data") -> None:
        digits = re.sub(rb"[^0-9A-Fa-f]", b"", b"".join(self._hex))
        self._hex.clear()
        if digits:
            self.packed.append((where.removeprefix("packed "), digits))

    def _word(self, word: bytes, number: int | None) -> None:
        self._flush()
        if word == b"u" and number is not None:
            self._say(chr(number & 0xFFFF))
            self._to_skip = self._skip
        elif word == b"uc":
            self._skip = max(number or 0, 0)
        elif word in _BREAKS:
            self._say(_BREAKS[word])
        elif word in _SIGNS:
            self._say(_SIGNS[word])
        elif word in _CODE_PAGES:
            self._codec = _CODE_PAGES[word]
        elif word == b"ansicpg" and number:
            self._codec = {65001: "utf-8", 10000: "mac_roman"}.get(number, f"cp{number}")
        elif word == b"f" and number is not None:
            self._font = number
            self._font_codec = self._fonts.get(number, "")
        elif word == b"fcharset" and number is not None:
            self._fonts[self._font] = _CHARSETS.get(number, "")
        elif word in _PACKED:
            self._where = f"packed {word.decode('ascii')}"
        elif word in _TABLES:
            self._where = "tables"
        elif word == b"htmltag":
            self._where = "html"
        elif word in (b"info", b"annotation", b"footnote", b"header", b"footer", b"fldinst", b"deleted", b"v"):
            # Deleted and hidden text stay in their place as well as they stand there.
            if word not in (b"deleted", b"v"):
                self._where = word.decode("ascii")
        elif self._optional:
            self._where = word.decode("ascii")
        self._optional = False

    def _byte(self, octet: bytes) -> None:
        if self._to_skip:
            self._to_skip -= 1
        else:
            self._octets += octet

    def _plain(self, plain: bytes) -> None:
        if self._where.startswith("packed "):
            self._hex.append(plain)
            return
        skipped = min(self._to_skip, len(plain))
        self._to_skip -= skipped
        self._octets += plain[skipped:]

    def _flush(self) -> None:
        if self._octets:
            try:
                said = self._octets.decode(self._font_codec or self._codec, "replace")
            except LookupError:
                said = self._octets.decode("cp1252", "replace")
            self._octets.clear()
            self._say(said)

    def _say(self, said: str) -> None:
        if self._octets:
            self._flush()
        pieces = self.texts.setdefault(self._where, [])
        if pieces and "\udc00" <= said[:1] <= "\udfff" and "\ud800" <= pieces[-1][-1:] <= "\udbff":
            high = pieces.pop()
            pieces.append(high[:-1] + (high[-1] + said).encode("utf-16", "surrogatepass").decode("utf-16", "replace"))
        elif said:
            pieces.append(said)
