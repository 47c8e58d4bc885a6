"""HTML, SVG and other markup as it stands; and XML as the office formats use it, told apart by what is shown."""

import re
from collections.abc import Iterator
from xml.parsers import expat

from tui.contents.findings import Finding, Place, Refused
from tui.contents.text import carried, readings

_TAG = re.compile(
    r"<(?:\?xml|!doctype|!--)|</?(?:html|head|body|div|p|span|table|t[dhr]|a|b|i|em|strong|br|img|svg|ul|ol|li|font|"
    r"script|style|link|meta|title|h[1-6])(?:\s[^<>]*)?/?>",
    re.IGNORECASE,
)


def is_one(text: str) -> bool:
    return bool(_TAG.search(text))


def read(place: Place, _name: str, content: bytes) -> Iterator[Finding]:
    for found in readings(content):
        yield from place.says(found, "html")
        yield from carried(place, found)


# Elements that hold a line of text by themselves, in runs: WordprocessingML and DrawingML, SpreadsheetML, ODF.
_PARAGRAPHS = frozenset({"p", "h", "si", "is"})
_NOT_SHOWN = frozenset({"delText", "delInstrText", "instrText", "rPh", "ruby-text", "deletion"})
_BREAKS = frozenset({"tab", "br", "cr", "line-break", "s"})
# What is written into these is counted, measured or chosen by the program, never by a person.
_BY_PROGRAM = frozenset(
    {
        *("posOffset", "align", "pctWidth", "pctHeight", "TotalTime", "Pages", "Words", "Characters", "Lines"),
        *("Paragraphs", "CharactersWithSpaces", "AppVersion", "DocSecurity", "ScaleCrop", "LinksUpToDate", "SharedDoc"),
        *("HyperlinksChanged", "Slides", "Notes", "HiddenSlides", "MMClips", "i4", "i2", "bool", "editing-cycles"),
        *("editing-duration", "config-item", "revision"),
    }
)
_NUMBER_OR_CHOICE = re.compile(r"[\d.:TPHMSZ-]*|true|false|left|right|center|inside|outside|top|bottom", re.IGNORECASE)
# Attributes that people fill in.
_BY_PEOPLE = frozenset(
    {
        *("descr", "title", "author", "initials", "prompt", "promptTitle", "error", "errorTitle", "Target", "href"),
        *("tooltip", "display", "alt", "subject", "caption", "comment", "instr", "string-value", "creator", "location"),
        *("altText", "userId", "presenceInfo", "lastIdx", "sqref-name", "codeName"),
    }
)
_NAMED_BY_PEOPLE = frozenset(
    {
        *("sheet", "definedName", "table", "tableColumn", "docVar", "bookmarkStart", "property", "cNvPr", "docPr"),
        *("cmAuthor", "variable-set", "user-defined", "section", "bookmark", "bookmark-start", "frame", "sheetPr"),
        *("page", "named-range", "cacheField", "customShowLst", "custShow"),
    }
)
_NAMES = ("name", "val", "value", "displayName", "text", "label")
_WORDLIKE = re.compile(
    r"[A-Za-z]+|[#\d.,:%+\s/-]*(?:pt|cm|mm|in|px|em|deg)?|\{?[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\}?|[0-9A-Fa-f]{6,8}"
)
_PART = re.compile(r"(?:\.\./|/)*(?:[A-Za-z]+/)*[A-Za-z]+\d*\.[a-z]{2,5}")
_SCHEMA = re.compile(r"(?:https?://(?:schemas\.|purl\.org/|www\.w3\.org/)|urn:(?:schemas|oasis))[\w.:/#-]*")


def office_part(place: Place, content: bytes) -> Iterator[Finding]:
    """One XML part of a document: its paragraphs as shown, with and without what is deleted or hidden; and each run.

    Refused where the XML is broken or declares entities.
    """
    walk = _Walk(place)
    walk.over(content)
    yield from place.says("\n".join(dict.fromkeys(filter(str.strip, walk.paragraphs))))
    yield from place.says("\n".join(dict.fromkeys(filter(str.strip, walk.runs))))
    yield from place.says("\n".join(dict.fromkeys(walk.by_people)))
    yield from place.says("\n".join(dict.fromkeys(walk.others)), "name")
    yield from carried(place, "\n".join((*walk.by_people, *walk.others)))


def metadata(place: Place, content: bytes) -> Iterator[Finding]:
    """XMP and other small XML: text and attributes. What is broken is given as it stands."""
    walk = _Walk(place)
    try:
        walk.over(content.strip(b"\0 \t\r\n"))
    except Refused:
        yield from place.says(next(iter(readings(content)), content.decode("latin-1")), "html")
        return
    yield from place.says("\n".join(dict.fromkeys((*walk.paragraphs, *walk.runs, *walk.by_people, *walk.others))))


class _Walk:
    """One pass over an XML document, without a tree: depth and size cost nothing but what is kept."""

    def __init__(self, place: Place) -> None:
        self._work = place.work
        self.paragraphs: list[str] = []
        self.runs: list[str] = []
        self.by_people: list[str] = []
        self.others: list[str] = []
        self._elements: list[str] = []
        self._index = False  # in a cell whose value is a shared string's number
        self._hidden = 0  # elements around us that are not shown
        self._vanished = False  # the run we are in is formatted as hidden
        self._open: list[list[tuple[str, bool]]] = []
        self._pieces: list[str] = []

    def over(self, content: bytes) -> None:
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        parser.CommentHandler = self.by_people.append
        parser.ProcessingInstructionHandler = lambda _target, data: self.others.append(data)
        parser.EntityDeclHandler = _no_entities
        try:
            parser.Parse(content, True)
        except expat.ExpatError:
            raise Refused("it holds XML that is damaged") from None
        except UnicodeError:
            raise Refused("it holds text that cannot be decoded") from None

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        self._flush()
        name = tag.rpartition(" ")[2]
        self._elements.append(name)
        if name in _PARAGRAPHS:
            self._open.append([])
        elif name in _BREAKS and self._open:
            self._open[-1].append((" ", True))
        elif name == "r":
            self._vanished = False
        elif name == "vanish":
            self._vanished = not {"0", "false", "off"} & {*attributes.values()}
        self._hidden += name in _NOT_SHOWN
        if name == "c":
            self._index = attributes.get("t") == "s"
        for key, value in attributes.items():
            self._attribute(name, key.rpartition(" ")[2], value)

    def _attribute(self, element: str, key: str, value: str) -> None:
        if not value or key.startswith(("rsid", "paraId", "textId")) or _SCHEMA.fullmatch(value):
            return
        of_a_pivot_table = key == "v" and element in ("s", "n", "d")
        if key == "Target" and _PART.fullmatch(value):
            self.others.append(value)
        elif key in _BY_PEOPLE or (key in _NAMES and element in _NAMED_BY_PEOPLE) or of_a_pivot_table:
            self.by_people.append(value)
        elif not _WORDLIKE.fullmatch(value):
            self.others.append(value)

    def _characters(self, data: str) -> None:
        self._pieces.append(data)

    def _flush(self) -> None:
        piece = "".join(self._pieces)
        self._pieces.clear()
        name = self._elements[-1] if self._elements else ""
        if not piece or (name in _BY_PROGRAM and _NUMBER_OR_CHOICE.fullmatch(piece)) or (name == "v" and self._index):
            return
        self.runs.append(piece)
        if self._open:
            # Line breaks of the file's own layout are no break of the text.
            self._open[-1].append((piece if piece.strip() else " ", not self._hidden and not self._vanished))

    def _end(self, _tag: str) -> None:
        self._flush()
        name = self._elements.pop()
        self._hidden -= name in _NOT_SHOWN
        if name == "r":
            self._vanished = False
        if name in _PARAGRAPHS and self._open:
            pieces = self._open.pop()
            self.paragraphs.append("".join(piece for piece, _ in pieces))
            if not all(shown for _, shown in pieces):
                self.paragraphs.append("".join(piece for piece, shown in pieces if shown))
                self.paragraphs.append("".join(piece for piece, shown in pieces if not shown))


def _no_entities(*_declaration: object) -> None:
    raise Refused("it holds XML that declares entities, which could say anything")
