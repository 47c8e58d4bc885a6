"""PDF: the pages' text, and every text of every object, whether a reader would show it or not, in every saved version.

pypdf reads it. Pages are read form by form, so that forms that call each other cost no more than their size.
"""

import io
import itertools
import logging
import re
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from tui.contents import markup, text
from tui.contents.binary import addressed, is_padding, strings
from tui.contents.findings import Finding, Kind, Place, Refused

if TYPE_CHECKING:
    from pypdf import PdfReader
    from pypdf.generic import DictionaryObject, PdfObject, StreamObject

_PAGES_AT_MOST = 1_000
_OBJECTS_AT_MOST = 100_000
_VERSIONS_AT_MOST = 10
_DRAWN_AT_MOST = 8_000_000
"""Bytes of page descriptions with text in them, of all versions together. A megabyte takes some seconds."""

_STREAM_AT_MOST = 20_000_000  # bytes
_STEPS_AT_MOST = 8_000_000  # of a few bytes each
_SEARCHED_AT_MOST = 1_000_000_000  # bytes: pypdf searches the whole file for each object that is not where it should be

_END = re.compile(rb"startxref\s{1,9}\d{1,12}\s{1,9}%%EOF[ \t]*(?:\r\n|\r|\n)?")
# By the key that leads to it: streams that are drawn, and streams that say how to draw.
_FONTS = ("/FontFile", "/FontFile2", "/FontFile3")
_HOW = frozenset(
    {
        *("/ToUnicode", "/Encoding", "/UseCMap", "/CIDToGIDMap", "/CIDSet", "/ColorSpace", "/DestOutputProfile"),
        *("/Function", "/TR", "/TR2", "/BG", "/UCR", "/HT", "/Shading", "/Thumb", "/CS", "/DefaultRGB", "/DefaultCMYK"),
        *("/DefaultGray",),
    }
)
_SHEETS = frozenset({"/Contents", "/CharProcs"})
# Below these, keys are names that somebody gave: what counts is where they hang.
_KEPT = frozenset({"/EF", *_SHEETS, *_HOW})
_BY_PROGRAM = frozenset({"/DA", "/CharSet", "/CreationDate", "/ModDate", "/M", "/Lang", "/NM"})
_COLOURS = frozenset({"/ICCBased", "/Indexed", "/Separation", "/DeviceN", "/Lab", "/CalRGB", "/CalGray"})
_SAID_INSTEAD = re.compile(rb"/(?:ActualText|Alt|E)\s*(?:\(((?:\\.|[^\\)])*)\)|<([0-9A-Fa-f\s]*)>)", re.DOTALL)
# Names of the format and of fonts are no more than that; keys, so that a person's own are seen.
_ODD_NAME = re.compile(r"/.*[^A-Za-z0-9+,._#:-]|.*@")

Role = Literal["font", "how", "drawn", "file", "metadata", "text"]


@dataclass(slots=True)
class _Found:
    """What was read while pypdf's limits were ours; said afterwards."""

    passages: list[tuple[str, str, Kind]] = field(default_factory=list)
    xml: list[tuple[str, bytes]] = field(default_factory=list)
    files: list[tuple[str, bytes]] = field(default_factory=list)
    closed: list[tuple[str, str]] = field(default_factory=list)
    drawn: int = 0


def is_one(content: bytes) -> bool:
    # Without an object there is nothing that a reader could show or unpack: only bytes, whatever they begin with.
    return b"%PDF-" in content[:1024] and b"obj" in content


def read(place: Place, _name: str, content: bytes) -> Iterator[Finding]:
    begin = content.find(b"%PDF-")
    if not is_padding(content[:begin]):
        yield from place.inside("data before the beginning", content[:begin])
    ends = [found.end() for found in _END.finditer(content)]
    end = ends[-1] if ends else len(content)
    if not is_padding(content[end:]):
        yield from place.inside("data after the end", content[end:])
    # A version that was saved over is still in the file, and so is what was deleted then. Of a file that is made for
    # the web, the first end is not one.
    earlier = ends[1 if b"/Linearized" in content[begin : begin + 1024] else 0 : -1]
    if len(earlier) > _VERSIONS_AT_MOST:
        yield from place.is_closed(f"it holds more than {_VERSIONS_AT_MOST} earlier versions of itself")
    said: set[object] = set()
    drawn = yield from _version(place, content[begin:end], said, 0)
    for number, until in enumerate(earlier[:_VERSIONS_AT_MOST], 1):
        place.work.spend(until - begin)
        drawn = yield from _version(place.at(f"earlier version {number}"), content[begin:until], said, drawn)
    yield from place.says(addressed(content), "name")


def _version(place: Place, content: bytes, said: set[object], drawn: int) -> Generator[Finding, None, int]:
    """What one version says that is not `said` yet; how much has been `drawn` then."""
    found = _read(content, drawn)
    place.work.spend(found.drawn - drawn)
    fresh = [one for one in dict.fromkeys(found.passages) if one[1:] not in said]
    for where, passage, kind in fresh:
        yield from place.at(where).says(passage, kind)
    for inner, is_xml in ((found.xml, True), (found.files, False)):
        for where, content_inside in dict.fromkeys(inner):
            if content_inside in said:
                continue
            place.work.spend(len(content_inside))
            if is_xml:
                yield from markup.metadata(place.at(where), content_inside)
            else:
                yield from place.inside(where, content_inside)
    for where, reason in dict.fromkeys(found.closed):
        if (where, reason) not in said:
            yield from place.at(where).is_closed(reason)
    said.update(one[1:] for one in fresh)
    said.update(content_inside for _, content_inside in (*found.xml, *found.files))
    said.update(found.closed)
    return found.drawn


def _read(content: bytes, drawn: int) -> _Found:
    """Everything of one version. Refused where it is encrypted or damaged."""
    import pypdf
    from pypdf.errors import DependencyError, FileNotDecryptedError, PyPdfError

    logging.getLogger("pypdf").addHandler(logging.NullHandler())  # it reports to the terminal otherwise
    with pypdf.apply_configuration(
        array_maximum_element_count=_OBJECTS_AT_MOST,
        dictionary_maximum_element_count=20_000,
        maximum_declared_stream_length=_STREAM_AT_MOST,
        array_based_stream_maximum_output_length=_STREAM_AT_MOST,
        zlib_maximum_output_length=_STREAM_AT_MOST,
        lzw_maximum_output_length=_STREAM_AT_MOST,
        run_length_maximum_output_length=_STREAM_AT_MOST,
        zlib_maximum_recovery_input_length=100_000,
        stream_filters_maximum_length=4,
        stream_decoding_work_maximum_length=2 * _STREAM_AT_MOST,
        page_tree_maximum_entries=10 * _PAGES_AT_MOST,
        page_tree_maximum_depth=50,
        page_tree_maximum_page_entries=100 * _PAGES_AT_MOST,
        xform_maximum_invocations_per_extraction=0,
        jbig2dec_binary=None,
    ):
        try:
            reader = pypdf.PdfReader(
                _Searched(content), root_object_recovery_limit=1_000, xref_stream_maximum_entries=2 * _OBJECTS_AT_MOST
            )
            if reader.is_encrypted and not reader.decrypt(""):
                raise Refused("it is encrypted")
            return _Objects(reader, drawn).read()
        except (DependencyError, FileNotDecryptedError):
            raise Refused("it is encrypted") from None
        except PyPdfError:
            raise Refused("it is a damaged PDF") from None


class _Searched(io.BytesIO):
    """A file that can be read only so often: a step at a time, or taken as a whole."""

    def __init__(self, content: bytes) -> None:
        super().__init__(content)
        self._left = max(_SEARCHED_AT_MOST // max(len(content), 1), 20)
        self._steps = _STEPS_AT_MOST

    def read(self, size: int | None = -1, /) -> bytes:
        self._steps -= 1
        if self._steps < 0:
            raise OSError("this file leads to the same places again and again")
        return super().read(size)

    def getbuffer(self) -> memoryview:
        self._left -= 1
        if self._left < 0:
            raise OSError("this file has too many objects that are not where it says")
        return super().getbuffer()


class _Objects:
    """Every object of a file, whether a page leads to it or not."""

    def __init__(self, reader: "PdfReader", drawn: int) -> None:
        self._reader = reader
        self._found = _Found(drawn=drawn)
        self._roles: dict[int, tuple[Role, str]] = {}
        self._objects: dict[int, PdfObject] = {}
        self._streams: dict[int, StreamObject] = {}
        self._on_the_way: list[tuple[int, str]] = []
        self._is_linearized = False

    def read(self) -> _Found:
        from pypdf.generic import DictionaryObject, StreamObject

        numbers = sorted({*(n for entries in self._reader.xref.values() for n in entries), *self._reader.xref_objStm})
        if len(numbers) > _OBJECTS_AT_MOST:
            raise Refused(f"it has more than {_OBJECTS_AT_MOST} objects")
        info = self._reader.trailer.get("/Info")
        info_number = getattr(info, "idnum", 0)
        for number in numbers:
            found = self._object(number)
            if found is None:
                continue
            self._objects[number] = found
            if isinstance(found, StreamObject):
                self._streams[number] = found
            elif isinstance(found, DictionaryObject) and "/Linearized" in found:
                self._is_linearized = True
            label = (
                "metadata" if number == info_number else _label(found) if isinstance(found, DictionaryObject) else ""
            )
            self._texts(found, label or f"object {number}", keyed=number == info_number)
        self._texts(self._reader.trailer, "trailer")
        while self._on_the_way:
            number, key = self._on_the_way.pop()
            if number in self._objects and number not in self._streams:
                self._texts(self._objects[number], f"object {number}", key=key)
        try:
            self._pages()
            for number, stream in self._streams.items():
                self._one_stream(number, stream)
        except Refused as error:
            self._found.closed.append(("", str(error)))
        return self._found

    def _one_stream(self, number: int, stream: "StreamObject") -> None:
        try:
            self._stream(number, stream)
        except Refused:
            raise
        except Exception:  # noqa: BLE001 - one stream that cannot be read leaves the others
            self._found.closed.append((f"object {number}", "it is damaged, or made in a way that cannot be read"))
            self._say(f"object {number}", strings(_raw(stream)))

    def _object(self, number: int) -> "PdfObject | None":
        from pypdf.generic import IndirectObject

        try:
            return self._reader.get_object(IndirectObject(number, self._generation(number), self._reader))
        except Exception:  # noqa: BLE001 - one object that cannot be read leaves the others
            self._found.closed.append((f"object {number}", "it is damaged, or made in a way that cannot be read"))
            return None

    def _generation(self, number: int) -> int:
        return next((generation for generation, entries in self._reader.xref.items() if number in entries), 0)

    def _say(self, where: str, said: str, kind: Kind = "text") -> None:
        if said and not said.isspace():
            self._found.passages.append((where, said, kind))

    # Texts

    def _texts(self, root: "PdfObject", where: str, *, keyed: bool = False, key: str = "") -> None:
        """Every text in an object, and what each of the objects that it leads to is for."""
        from pypdf.generic import (
            ArrayObject,
            ByteStringObject,
            DictionaryObject,
            IndirectObject,
            NameObject,
            TextStringObject,
        )

        waiting: list[tuple[PdfObject, str]] = [(root, key)]
        while waiting:
            node, key = waiting.pop()
            if isinstance(node, IndirectObject):
                self._lead(node.idnum, key, root)
            elif isinstance(node, DictionaryObject):
                for name in reversed(list(node)):
                    if _ODD_NAME.match(str(name)):
                        self._say(where, str(name), "name")
                    waiting.append((node.raw_get(name), key if key in _KEPT else str(name)))
            elif isinstance(node, ArrayObject):
                inner = [list.__getitem__(node, at) for at in range(len(node))]
                if inner and str(inner[0]) in _COLOURS:
                    key = "/ColorSpace"
                waiting += [(each, key) for each in reversed(inner)]
            elif isinstance(node, TextStringObject):
                if key != "/ID":
                    kind: Kind = "name" if key in _BY_PROGRAM else "text"
                    self._say(f"{where}: {key[1:]}" if keyed else where, str(node), kind)
            elif isinstance(node, ByteStringObject):
                self._say(f"{where}: {key[1:]}" if keyed else where, strings(bytes(node)), "name")
            elif isinstance(node, NameObject) and _ODD_NAME.match(str(node)):
                self._say(where, str(node), "name")

    def _lead(self, number: int, key: str, root: "PdfObject") -> None:
        """An object is pointed at under a key: that is what says what it is for."""
        role: Role | None = None
        name = f"object {number}"
        if key in _FONTS:
            role = "font"
        elif key in _HOW:
            role = "how"
        elif key in _SHEETS:
            role = "drawn"
        elif key == "/EF":
            role, name = "file", _file_name(root) or "embedded file"
        elif key == "/Metadata":
            role, name = "metadata", "metadata: XMP"
        elif key in ("/JS", "/XFA"):
            role, name = "text", "script" if key == "/JS" else "form"
        # A file is the more telling of two claims; what is called a font by one may be shown by another.
        if role and (number not in self._roles or role in ("file", "metadata", "text")):
            self._roles[number] = (role, name)
            if role in ("how", "drawn"):
                self._on_the_way.append((number, key))

    # Pages and streams

    def _pages(self) -> None:
        try:
            pages = list(itertools.islice(self._reader.pages, _PAGES_AT_MOST + 1))
        except Exception:  # noqa: BLE001 - the other objects may say more than the pages
            self._found.closed.append(("", "its pages cannot be found"))
            return
        if len(pages) > _PAGES_AT_MOST:
            self._found.closed.append(("", f"it has more than {_PAGES_AT_MOST} pages"))
        for number, page in enumerate(pages[:_PAGES_AT_MOST], 1):
            where = f"page {number}"
            try:
                content = page.get_contents()
                drawn = content.get_data() if content is not None else b""
                self._instead(where, drawn)
                if b"BT" in drawn:
                    self._draw(len(drawn))
                    self._fonts(where, page)
                    self._say(where, page.extract_text())
            except Refused:
                raise
            except Exception:  # noqa: BLE001 - one page that cannot be read leaves the others
                self._found.closed.append((where, "it is damaged, or made in a way that cannot be read"))

    def _instead(self, where: str, content: bytes) -> None:
        """What is to be read aloud or copied in place of what is drawn."""
        for literal, digits in _SAID_INSTEAD.findall(content):
            octets = (
                bytes.fromhex((re.sub(rb"\s", b"", digits) + b"0" * (len(digits) % 2)).decode()) if digits else literal
            )
            octets = re.sub(rb"\\(.)", rb"\1", octets, flags=re.DOTALL) if literal else octets
            self._say(
                where, octets.decode("utf-16" if octets[:2] in (b"\xfe\xff", b"\xff\xfe") else "latin-1", "replace")
            )

    def _draw(self, octets: int) -> None:
        self._found.drawn += octets
        if self._found.drawn > _DRAWN_AT_MOST:
            raise Refused(f"its pages take more than {_DRAWN_AT_MOST // 1_000_000} MB to describe")

    def _fonts(self, where: str, holder: "DictionaryObject") -> None:
        """A font that does not tell which letters its signs are: its text is read as something else."""
        resources = holder.get("/Resources")
        fonts: Any = resources.get_object().get("/Font") if resources is not None else None
        for font in list((fonts.get_object() if fonts is not None else {}).values())[:500]:
            facts = font.get_object()
            table = facts.get("/ToUnicode")
            if hasattr(table, "get_data"):
                self._draw(len(table.get_data()) // 4)  # it is read anew on each page that has the font
            is_coded = facts.get("/Subtype") == "/Type0" and str(facts.get("/Encoding", "")).startswith("/Identity")
            if "/ToUnicode" not in facts and (is_coded or facts.get("/Subtype") == "/Type3"):
                self._found.closed.append((where, "it has text in a font that does not tell its letters"))

    def _stream(self, number: int, stream: "StreamObject") -> None:
        role, where = self._roles.get(number, (None, f"object {number}"))
        kind, subtype = stream.get("/Type"), stream.get("/Subtype")
        if role == "file" or kind == "/EmbeddedFile":
            self._found.files.append((where, stream.get_data()))
        elif role == "metadata" or kind == "/Metadata":
            self._found.xml.append(("metadata: XMP", stream.get_data()))
        elif role == "text":
            self._say(where, text.as_text(stream.get_data()))
        elif subtype == "/Image":
            self._image(where, stream)
        elif subtype == "/Form" or stream.get("/PatternType") is not None:
            self._form(where, stream)
        elif role or kind in ("/ObjStm", "/XRef", "/CMap") or self._is_technical(stream):
            self._say(where, addressed(stream.get_data()), "name")
        else:
            self._rest(where, stream.get_data())

    def _is_technical(self, stream: "StreamObject") -> bool:
        """A function, a shading, a colour profile, or the hints of a file that is made for the web."""
        if "/FunctionType" in stream or "/ShadingType" in stream:
            return True
        if self._is_linearized and isinstance(stream.get("/S"), int) and "/Type" not in stream:
            return True
        return "/N" in stream and stream.get_data()[36:40] == b"acsp"

    def _image(self, where: str, stream: "StreamObject") -> None:
        filters = stream.get("/Filter")
        names = [str(name) for name in filters] if isinstance(filters, list) else [str(filters)]
        if "/DCTDecode" in names:
            self._found.files.append((where, _raw(stream) if names == ["/DCTDecode"] else stream.get_data()))
        elif "/JPXDecode" in names:
            self._say(where, addressed(_raw(stream)))

    def _form(self, where: str, stream: "StreamObject") -> None:
        from pypdf import PageObject

        content = stream.get_data()
        self._instead(where, content)
        self._say(where, addressed(content), "name")
        if b"BT" in content:
            self._draw(len(content))
            self._fonts(where, stream)
            self._say(where, PageObject(self._reader).extract_xform_text(stream))  # type: ignore[arg-type]  # it is one

    def _rest(self, where: str, content: bytes) -> None:
        """A stream that nothing says the purpose of."""
        self._say(where, strings(content), "name")
        if not text.readings(content) and not is_padding(content):
            self._found.closed.append((where, "it is of a kind that cannot be read"))


def _raw(stream: "StreamObject") -> bytes:
    return bytes(stream._data)


def _file_name(facts: "PdfObject") -> str:
    get = getattr(facts, "get", None)
    return str(get("/UF") or get("/F") or "") if get else ""


def _label(facts: "DictionaryObject") -> str:
    """What an organiser would call an object."""
    if "/Rect" in facts and "/Subtype" in facts:
        return "form field" if "/FT" in facts else "annotation"
    if "/FT" in facts:
        return "form field"
    if "/Title" in facts and ("/Parent" in facts or "/Dest" in facts):
        return "bookmark"
    if facts.get("/Type") in ("/Filespec", "/F"):
        return "embedded file"
    return {"/Catalog": "document", "/Page": "page", "/StructElem": "structure"}.get(str(facts.get("/Type", "")), "")
