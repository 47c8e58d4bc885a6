"""Files made in memory, each with one address in one place where nobody would look at first."""

import bz2
import gzip
import io
import lzma
import struct
import tarfile
import zipfile
import zlib
from base64 import b64encode
from collections.abc import Callable, Mapping
from email.message import EmailMessage
from typing import Any
from urllib.parse import quote

from PIL import Image
from PIL.PngImagePlugin import PngInfo
from pypdf import PdfReader, PdfWriter
from pypdf.annotations import FreeText, Link
from pypdf.generic import (
    ArrayObject,
    DecodedStreamObject,
    DictionaryObject,
    FloatObject,
    NameObject,
    RectangleObject,
    StreamObject,
    TextStringObject,
)

BO = "bo.li@example.com"
_LOCAL, _DOMAIN = BO.split("@")
W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
S = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
A = 'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" xmlns:p="urn:p"'
R = 'xmlns="http://schemas.openxmlformats.org/package/2006/relationships"'
ODF = 'xmlns:text="urn:t" xmlns:table="urn:b" xmlns:office="urn:o" xmlns:dc="urn:d" xmlns:meta="urn:m"'
TYPES = '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>'


def packed(files: Mapping[str, str | bytes], comment: bytes = b"") -> bytes:
    """A ZIP, the same at every hour: what a clock writes into it may look like text."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.comment = comment
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def document(part: str, xml: str | bytes) -> bytes:
    """A DOCX, XLSX or PPTX with one part that says something."""
    head = "" if isinstance(xml, bytes) else '<?xml version="1.0" encoding="UTF-8"?>'
    return packed({"[Content_Types].xml": TYPES, part: xml if isinstance(xml, bytes) else head + xml})


def word(body: str, part: str = "word/document.xml") -> bytes:
    return document(part, f"<w:document {W}><w:body>{body}</w:body></w:document>")


def runs(*texts: str, tag: str = "w:t") -> str:
    return "<w:p>" + "".join(f"<w:r><{tag}>{text}</{tag}></w:r>" for text in texts) + "</w:p>"


def sheet(xml: str, part: str = "xl/worksheets/sheet1.xml") -> bytes:
    return document(part, f"<worksheet {S}>{xml}</worksheet>")


def odf(part: str, xml: str, manifest: str = "<manifest/>") -> bytes:
    return packed(
        {
            "mimetype": "application/vnd.oasis.opendocument.text",
            part: f'<?xml version="1.0"?><office:document {ODF}>{xml}</office:document>',
            "META-INF/manifest.xml": f'<?xml version="1.0"?>{manifest}',
        }
    )


# PDF


def pdf(change: Callable[[PdfWriter], object] = lambda _writer: None, **options: Any) -> bytes:
    writer = PdfWriter()
    writer.add_blank_page(300, 300)
    change(writer)
    if options:
        writer.encrypt(**options)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def drawing(content: bytes) -> Callable[[PdfWriter], None]:
    """One page with this description, in a font of the standard ones."""

    def change(writer: PdfWriter) -> None:
        font = DictionaryObject(
            {
                NameObject("/Type"): NameObject("/Font"),
                NameObject("/Subtype"): NameObject("/Type1"),
                NameObject("/BaseFont"): NameObject("/Helvetica"),
            }
        )
        stream = DecodedStreamObject()
        stream.set_data(content)
        page = writer.pages[0]
        page[NameObject("/Resources")] = DictionaryObject(
            {NameObject("/Font"): DictionaryObject({NameObject("/F1"): writer._add_object(font)})}
        )
        page[NameObject("/Contents")] = writer._add_object(stream.flate_encode())

    return change


def form_in_a_form(writer: PdfWriter) -> None:
    drawing(b"/Outer Do")(writer)
    resources = writer.pages[0]["/Resources"]
    assert isinstance(resources, DictionaryObject)
    inner = a_form(f"BT /F1 12 Tf 10 10 Td ({BO}) Tj ET".encode(), DictionaryObject(resources))
    outer = a_form(
        b"/Inner Do",
        DictionaryObject({NameObject("/XObject"): DictionaryObject({NameObject("/Inner"): writer._add_object(inner)})}),
    )
    resources[NameObject("/XObject")] = DictionaryObject({NameObject("/Outer"): writer._add_object(outer)})


def a_form(content: bytes, resources: DictionaryObject) -> StreamObject:
    form = DecodedStreamObject()
    form.set_data(content)
    form.update(
        {
            NameObject("/Type"): NameObject("/XObject"),
            NameObject("/Subtype"): NameObject("/Form"),
            NameObject("/BBox"): RectangleObject((0, 0, 300, 300)),
            NameObject("/Resources"): resources,
        }
    )
    return form.flate_encode()


def with_stream(key: str, content: bytes, **facts: str) -> Callable[[PdfWriter], None]:
    """A stream that the catalogue leads to under `key`."""

    def change(writer: PdfWriter) -> None:
        stream = DecodedStreamObject()
        stream.set_data(content)
        stream.update({NameObject(f"/{name}"): NameObject(f"/{fact}") for name, fact in facts.items()})
        writer.root_object[NameObject(key)] = writer._add_object(stream.flate_encode())

    return change


def with_field(writer: PdfWriter) -> None:
    field = DictionaryObject(
        {
            NameObject("/FT"): NameObject("/Tx"),
            NameObject("/T"): TextStringObject("contact"),
            NameObject("/V"): TextStringObject(BO),
        }
    )
    writer.root_object[NameObject("/AcroForm")] = DictionaryObject(
        {NameObject("/Fields"): ArrayObject([writer._add_object(field)])}
    )


def with_picture(writer: PdfWriter) -> None:
    image = StreamObject()
    image._data = jpeg(comment=BO.encode())
    image.update({NameObject("/Subtype"): NameObject("/Image"), NameObject("/Filter"): NameObject("/DCTDecode")})
    writer._add_object(image)


def saved_over() -> bytes:
    """A version that named somebody, and one saved after it that does not."""
    first = pdf(drawing(f"BT /F1 12 Tf 10 10 Td <{BO.encode().hex()}> Tj ET".encode()))
    writer = PdfWriter(PdfReader(io.BytesIO(first)), incremental=True)
    page = writer.pages[0]
    stream = DecodedStreamObject()
    stream.set_data(b"BT ET")
    page[NameObject("/Contents")] = writer._add_object(stream)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


# Pictures


def jpeg(comment: bytes = b"", **options: Any) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (8, 8)).save(out, "JPEG", **({"comment": comment} if comment else {}), **options)
    return out.getvalue()


def exif(tag: int, value: Any, directory: int | None = None) -> bytes:
    made = Image.Exif()
    if directory is None:
        made[tag] = value
    else:
        made.get_ifd(directory)[tag] = value
    return made.tobytes()


def picture(kind: str, **options: Any) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (8, 8)).save(out, kind, **options)
    return out.getvalue()


def png(**texts: Any) -> bytes:
    info = PngInfo()
    for method, arguments in texts.items():
        getattr(info, method)(*arguments)
    return picture("PNG", pnginfo=info)


def png_with(kind: bytes, body: bytes) -> bytes:
    """A PNG with one chunk more behind its head."""
    made = picture("PNG")
    chunk = struct.pack(">L4s", len(body), kind) + body + struct.pack(">L", zlib.crc32(kind + body))
    return made[:33] + chunk + made[33:]


def jpeg_with(marker: int, body: bytes) -> bytes:
    made = jpeg()
    return made[:2] + struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body + made[2:]


def iptc() -> bytes:
    record = struct.pack(">BBBH", 0x1C, 2, 80, len(BO)) + BO.encode()
    resource = b"8BIM" + struct.pack(">HHL", 0x0404, 0, len(record)) + record + b"\0" * (len(record) % 2)
    return jpeg_with(0xED, b"Photoshop 3.0\0" + resource)


def gif_with_comment() -> bytes:
    return picture("GIF", comment=BO.encode())


XMP = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><r:RDF xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    f'<r:Description xmlns:p="urn:p" p:by="{BO}"/></r:RDF></x:xmpmeta>'
).encode()


# OLE 2 ([MS-CFB]): 512-byte sectors, 64-byte ones for what is small, entries linked like a list


def storage(streams: Mapping[tuple[str, ...], bytes]) -> bytes:
    entries: list[list[Any]] = [["Root Entry", 5, -1, -1, b""]]  # name, type, next sibling, first child, content
    places: dict[tuple[str, ...], int] = {(): 0}
    for path, content in streams.items():
        for depth in range(1, len(path) + 1):
            if path[:depth] in places:
                continue
            parent = places[path[: depth - 1]]
            is_leaf = depth == len(path)
            entries.append([path[depth - 1], 2 if is_leaf else 1, entries[parent][3], -1, content if is_leaf else b""])
            entries[parent][3] = places[path[:depth]] = len(entries) - 1
    small, large = bytearray(), []
    small_table: list[int] = []
    begins = {}
    for number, (_, kind, _, _, content) in enumerate(entries):
        if kind != 2 or not content:
            begins[number] = -2
        elif len(content) < 4096:
            count = -(-len(content) // 64)
            begins[number] = len(small_table)
            small_table += [*range(len(small_table) + 1, len(small_table) + count), -2]
            small += content.ljust(count * 64, b"\0")
        else:
            large.append(number)
    sectors: list[bytes] = []
    table: list[int] = []

    def put(content: bytes) -> int:
        pieces = [content[at : at + 512].ljust(512, b"\0") for at in range(0, len(content), 512)]
        begin = len(sectors)
        sectors.extend(pieces)
        table.extend([*range(begin + 1, begin + len(pieces)), -2])
        return begin

    for number in large:
        begins[number] = put(entries[number][4])
    begins[0] = put(bytes(small)) if small else -2
    small_begin = put(struct.pack(f"<{len(small_table)}l", *small_table).ljust(512, b"\xff")) if small_table else -2
    listing = b""
    for number, (name, kind, following, child, content) in enumerate(entries):
        wide = name.encode("utf-16-le") + b"\0\0"
        size = len(small) if number == 0 else len(content)
        listing += struct.pack("<64sHBBlll", wide, len(wide), kind, 1, -1, following, child)
        listing += bytes(36) + struct.pack("<lQ", begins[number], size)
    listing_begin = put(listing)
    table.append(-3)
    assert len(table) <= 128 and len(small_table) <= 128
    sectors.append(struct.pack(f"<{len(table)}l", *table).ljust(512, b"\xff"))
    head = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<HHHHH6x", 0x3E, 3, 0xFFFE, 9, 6)
    head += struct.pack("<LLlLLlLlL", 0, 1, listing_begin, 0, 4096, small_begin, int(bool(small_table)), -2, 0)
    return (head + struct.pack("<l", len(sectors) - 1)).ljust(512, b"\xff") + b"".join(sectors)


def outlook(streams: Mapping[tuple[str, ...], bytes]) -> bytes:
    return storage(
        {("__properties_version1.0",): bytes(32), ("__nameid_version1.0", "__substg1.0_00040102"): b"", **streams}
    )


def wide(text: str) -> bytes:
    return text.encode("utf-16-le")


def ole_package(name: str, content: bytes) -> bytes:
    called = name.encode() + b"\0"
    path = b"C:\\Users\\x\\" + called
    body = b"\2\0" + called + path + b"\0\0\3\0" + struct.pack("<L", len(path)) + path
    body += struct.pack("<L", len(content)) + content
    return storage({("\x01Ole10Native",): struct.pack("<L", len(body)) + body, ("\x01CompObj",): bytes(20)})


# Mails and archives


def mail(change: Callable[[EmailMessage], object] = lambda _message: None) -> bytes:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "a@example.org", "c@example.org", "Programme"
    message.set_content("See you there.")
    change(message)
    return message.as_bytes()


def tar(name: str = "note.txt", content: bytes = b"nothing", **facts: Any) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=facts.pop("format", tarfile.PAX_FORMAT)) as archive:
        info = tarfile.TarInfo(name)
        info.size = len(content)
        for fact, value in facts.items():
            setattr(info, fact, value)
        archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


def gzip_named(name: bytes, content: bytes) -> bytes:
    made = gzip.compress(content)
    return made[:3] + b"\x08" + made[4:10] + name + b"\0" + made[10:]


def zip_with_a_forgotten_entry() -> bytes:
    """The directory of the second archive does not name what the first one has."""
    first = packed({"old.csv": f"{BO}\n" * 3})
    return first[: first.index(b"PK\1\2")] + packed({"new.csv": "nobody"})


CSV = f"name,mail\nBo,{BO}\n".encode()
VCARD = f"BEGIN:VCARD\r\nVERSION:4.0\r\nFN:Bo\r\nEMAIL:{BO}\r\nEND:VCARD\r\n".encode()
ICS = (
    "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nATTACH;ENCODING=BASE64;VALUE=BINARY:"
    + b64encode(CSV).decode()
    + "\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
).encode()
HTML = f"<html><body><p>Hello</p><!-- {BO} --></body></html>".encode()
RTF = r"{\rtf1\ansi\ansicpg1252{\fonttbl{\f0 Arial;}}\f0 Hello %s\par}"
_OBJECT = struct.pack("<LLL", 0x501, 2, 0) + bytes(8) + struct.pack("<L", len(CSV)) + CSV
_MAPI_TEXT = ("__substg1.0_1000001F",)

# Where -> a file that has Bo's address there. What stands in each is readable to a curious recipient.
PLACES: dict[str, tuple[str, Callable[[], bytes]]] = {
    "text": ("a.dat", f"Write to {BO}".encode),
    "text: UTF-16 with a mark": ("a.txt", lambda: BO.encode("utf-16")),
    "text: UTF-16 without a mark": ("a.txt", lambda: BO.encode("utf-16-le")),
    "text: UTF-16, big end first": ("a.txt", lambda: BO.encode("utf-16-be")),
    "text: UTF-32": ("a.txt", lambda: BO.encode("utf-32")),
    "text: Windows-1252": ("a.txt", lambda: f"Café {BO}".encode("cp1252")),
    "text: UTF-7": ("a.txt", lambda: BO.replace("@", "+AEA-").encode()),
    "CSV": ("a.png", lambda: CSV),
    "vCard": ("a", lambda: VCARD),
    "vCard: quoted-printable": (
        "a.vcf",
        lambda: VCARD.replace(b"EMAIL:", b"NOTE;ENCODING=QUOTED-PRINTABLE:").replace(b"@", b"=40"),
    ),
    "vCard: a picture": (
        "a.vcf",
        lambda: b"BEGIN:VCARD\nPHOTO;ENCODING=b;TYPE=JPEG:" + b64encode(jpeg(BO.encode())) + b"\nEND:VCARD\n",
    ),
    "ICS: an attachment": ("a.ics", lambda: ICS),
    "HTML": ("a.txt", lambda: HTML),
    "HTML: a data URI": ("a.html", lambda: b'<p><a href="data:text/csv;base64,' + b64encode(CSV) + b'">list</a></p>'),
    "HTML: a data URI, percent": (
        "a.html",
        f'<p><img src="data:image/svg+xml,{quote(f"<svg>{BO}</svg>", "")}"></p>'.encode,
    ),
    "SVG": ("a.svg", f'<svg xmlns="http://www.w3.org/2000/svg"><desc>{BO}</desc></svg>'.encode),
    "JSON": ("a.json", f'{{"a": ["{BO}"]}}'.encode),
    "EML: a header": ("a.eml", lambda: mail(lambda m: m.add_header("Cc", BO))),
    "EML: an encoded header": (
        "a.eml",
        lambda: b"From: a@b.cc\nTo: c@d.ee\nSubject: =?utf-8?B?" + b64encode(BO.encode()) + b"?=\n\nx\n",
    ),
    "EML: the text": ("a", lambda: mail(lambda m: m.set_content(BO, cte="base64"))),
    "EML: an attachment": (
        "a.eml",
        lambda: mail(lambda m: m.add_attachment(CSV, maintype="application", subtype="x", filename="l.csv")),
    ),
    "EML: an attachment's name": (
        "a.eml",
        lambda: mail(lambda m: m.add_attachment(b"x", maintype="a", subtype="b", filename=BO)),
    ),
    "EML: an EML": ("a.eml", lambda: mail(lambda m: m.add_attachment(_forwarded()))),
    "EML: before the parts": ("a.eml", lambda: mail(_with_a_preamble)),
    "mbox": ("mail", lambda: b"From x Mon\n" + mail() + b"\nFrom x Tue\n" + mail(lambda m: m.add_header("Bcc", BO))),
    "DOCX: body": ("a.docx", lambda: word(runs(f"Hello {BO}"))),
    "DOCX: split runs": ("a.docx", lambda: word(runs(_LOCAL, "@", _DOMAIN))),
    "DOCX: deleted": ("a.docx", lambda: word(f"<w:del>{runs(BO, tag='w:delText')}</w:del>")),
    "DOCX: around what was deleted": (
        "a.docx",
        lambda: word(
            f"<w:p><w:r><w:t>{_LOCAL}@</w:t></w:r><w:del><w:r><w:delText>x</w:delText></w:r></w:del><w:r><w:t>{_DOMAIN}</w:t></w:r></w:p>"
        ),
    ),
    "DOCX: hidden text between": (
        "a.docx",
        lambda: word(
            f"<w:p><w:r><w:t>{_LOCAL}@</w:t></w:r><w:r><w:rPr><w:vanish/></w:rPr><w:t>no</w:t></w:r><w:r><w:t>{_DOMAIN}</w:t></w:r></w:p>"
        ),
    ),
    "DOCX: a comment": (
        "a.docx",
        lambda: document("word/comments.xml", f"<w:comments {W}><w:comment>{runs(BO)}</w:comment></w:comments>"),
    ),
    "DOCX: who changed": ("a.docx", lambda: word(f'<w:ins w:author="{BO}">{runs("x")}</w:ins>')),
    "DOCX: a header": ("a.docx", lambda: word(runs(BO), "word/header1.xml")),
    "DOCX: a footnote": ("a.docx", lambda: word(runs(BO), "word/footnotes.xml")),
    "DOCX: a field": ("a.docx", lambda: word(runs(f'HYPERLINK "mailto:{BO}"', tag="w:instrText"))),
    "DOCX: a link": (
        "a.docx",
        lambda: document(
            "word/_rels/document.xml.rels",
            f'<Relationships {R}><Relationship Id="r" Target="mailto:{BO}"/></Relationships>',
        ),
    ),
    "DOCX: a variable": (
        "a.docx",
        lambda: document("word/settings.xml", f'<w:settings {W}><w:docVar w:name="to" w:val="{BO}"/></w:settings>'),
    ),
    "DOCX: alternative text": ("a.docx", lambda: word(f'<wp:docPr xmlns:wp="urn:w" id="1" descr="{BO}"/>')),
    "DOCX: an unknown attribute": ("a.docx", lambda: word(f'<w:p w:whatever="{BO}"/>')),
    "DOCX: an XML comment": ("a.docx", lambda: word(f"<!-- {BO} -->")),
    "DOCX: custom XML": ("a.docx", lambda: document("customXml/item1.xml", f"<row><mail>{BO}</mail></row>")),
    "DOCX: core properties": (
        "a.docx",
        lambda: document("docProps/core.xml", f'<c xmlns:d="urn:d"><d:creator>{BO}</d:creator></c>'),
    ),
    "DOCX: custom properties": (
        "a.docx",
        lambda: document("docProps/custom.xml", f"<p><property name='To'><lpwstr>{BO}</lpwstr></property></p>"),
    ),
    "DOCX: an embedded table": (
        "a.docx",
        lambda: document("word/embeddings/sheet1.xlsx", sheet(f"<c><is><t>{BO}</t></is></c>")),
    ),
    "DOCX: an embedded package": (
        "a.docx",
        lambda: document("word/embeddings/oleObject1.bin", ole_package("l.csv", CSV)),
    ),
    "DOCX: a picture's data": ("a.docx", lambda: document("word/media/image1.jpeg", jpeg(BO.encode()))),
    "DOCX: a file's name": ("a.docx", lambda: document(f"word/media/{BO}.png", picture("PNG"))),
    "DOCX: a printer": ("a.docx", lambda: document("word/printerSettings/printerSettings1.bin", b"\1\0" + wide(BO))),
    "XLSX: a cell": ("a.xlsx", lambda: sheet(f'<row><c t="inlineStr"><is><t>{BO}</t></is></c></row>')),
    "XLSX: a shared string, in runs": (
        "a.xlsx",
        lambda: document(
            "xl/sharedStrings.xml", f"<sst {S}><si><r><t>{_LOCAL}</t></r><r><t>@{_DOMAIN}</t></r></si></sst>"
        ),
    ),
    "XLSX: a formula": ("a.xlsx", lambda: sheet(f'<c><f>HYPERLINK("mailto:{BO}")</f><v>x</v></c>')),
    "XLSX: a hidden sheet": (
        "a.xlsx",
        lambda: document(
            "xl/workbook.xml", f'<workbook {S}><sheets><sheet name="{BO}" state="veryHidden"/></sheets></workbook>'
        ),
    ),
    "XLSX: a defined name": (
        "a.xlsx",
        lambda: document("xl/workbook.xml", f'<workbook {S}><definedName name="x">"{BO}"</definedName></workbook>'),
    ),
    "XLSX: a prompt": ("a.xlsx", lambda: sheet(f'<dataValidation prompt="{BO}"/>')),
    "XLSX: a comment": (
        "a.xlsx",
        lambda: document(
            "xl/comments1.xml", f"<comments {S}><comment><text><r><t>{BO}</t></r></text></comment></comments>"
        ),
    ),
    "XLSX: a pivot's memory": (
        "a.xlsx",
        lambda: document("xl/pivotCache/pivotCacheRecords1.xml", f'<r {S}><s v="{BO}"/></r>'),
    ),
    "XLSX: a hidden row": ("a.xlsx", lambda: sheet(f'<row hidden="1"><c><is><t>{BO}</t></is></c></row>')),
    "PPTX: a hidden slide": (
        "a.pptx",
        lambda: document(
            "ppt/slides/slide1.xml",
            f'<p:sld {A} show="0"><a:p><a:r><a:t>{_LOCAL}</a:t></a:r><a:r><a:t>@{_DOMAIN}</a:t></a:r></a:p></p:sld>',
        ),
    ),
    "PPTX: notes": (
        "a.pptx",
        lambda: document(
            "ppt/notesSlides/notesSlide1.xml", f"<p:notes {A}><a:p><a:r><a:t>{BO}</a:t></a:r></a:p></p:notes>"
        ),
    ),
    "PPTX: who commented": (
        "a.pptx",
        lambda: document("ppt/commentAuthors.xml", f'<p:cmAuthorLst {A}><p:cmAuthor name="{BO}"/></p:cmAuthorLst>'),
    ),
    "ODT: body, in spans": (
        "a.odt",
        lambda: odf("content.xml", f"<text:p>{_LOCAL}<text:span>@{_DOMAIN}</text:span></text:p>"),
    ),
    "ODT: a comment": (
        "a.odt",
        lambda: odf("content.xml", f"<text:p><office:annotation><text:p>{BO}</text:p></office:annotation></text:p>"),
    ),
    "ODT: deleted": (
        "a.odt",
        lambda: odf("content.xml", f"<text:tracked-changes><text:p>{BO}</text:p></text:tracked-changes>"),
    ),
    "ODT: metadata": ("a.odt", lambda: odf("meta.xml", f"<meta:user-defined meta:name='x'>{BO}</meta:user-defined>")),
    "ODT: a footer": ("a.odt", lambda: odf("styles.xml", f"<text:p>{BO}</text:p>")),
    "ODS: a hidden sheet": (
        "a.ods",
        lambda: odf(
            "content.xml",
            f'<table:table table:display="false"><table:table-cell office:string-value="{BO}"/></table:table>',
        ),
    ),
    "ODF: an embedded file": (
        "a.odt",
        lambda: packed({"mimetype": "application/vnd.oasis.opendocument.text", "Object 1": CSV}),
    ),
    "PDF: text": ("a.pdf", lambda: pdf(drawing(f"BT /F1 12 Tf 10 10 Td ({BO}) Tj ET".encode()))),
    "PDF: text in pieces": (
        "a.pdf",
        lambda: pdf(drawing(f"BT /F1 12 Tf 10 10 Td [({_LOCAL}) 5 (@) -5 <{_DOMAIN.encode().hex()}>] TJ ET".encode())),
    ),
    "PDF: text in a form in a form": ("a.pdf", lambda: pdf(form_in_a_form)),
    "PDF: text to be read aloud": (
        "a.pdf",
        lambda: pdf(drawing(b"/Span <</ActualText <FEFF" + BO.encode("utf-16-be").hex().encode() + b">>> BDC EMC")),
    ),
    "PDF: metadata": ("a.pdf", lambda: pdf(lambda w: w.add_metadata({"/Author": BO}))),
    "PDF: metadata's name": ("a.pdf", lambda: pdf(lambda w: w.add_metadata({f"/{BO}": "x"}))),
    "PDF: XMP": ("a.pdf", lambda: pdf(with_stream("/Metadata", XMP, Type="Metadata"))),
    "PDF: a note": ("a.pdf", lambda: pdf(lambda w: w.add_annotation(0, FreeText(text=BO, rect=(1, 1, 9, 9))))),
    "PDF: a link": ("a.pdf", lambda: pdf(lambda w: w.add_annotation(0, Link(rect=(1, 1, 9, 9), url=f"mailto:{BO}")))),
    "PDF: a bookmark": ("a.pdf", lambda: pdf(lambda w: w.add_outline_item(BO, 0))),
    "PDF: a named place": ("a.pdf", lambda: pdf(lambda w: w.add_named_destination(BO, 0))),
    "PDF: a form field": ("a.pdf", lambda: pdf(with_field)),
    "PDF: an embedded file": ("a.pdf", lambda: pdf(lambda w: w.add_attachment("l.csv", CSV))),
    "PDF: an embedded archive": ("a.pdf", lambda: pdf(lambda w: w.add_attachment("l.zip", packed({"l.csv": CSV})))),
    "PDF: an embedded file's name": ("a.pdf", lambda: pdf(lambda w: w.add_attachment(BO, b"x"))),
    "PDF: a script": ("a.pdf", lambda: pdf(with_stream("/JS", f"app.mailMsg(true, '{BO}')".encode()))),
    "PDF: a picture's data": ("a.pdf", lambda: pdf(with_picture)),
    "PDF: an object that nothing leads to": (
        "a.pdf",
        lambda: pdf(lambda w: w._add_object(ArrayObject([FloatObject(1), TextStringObject(BO)]))),
    ),
    "PDF: an earlier version": ("a.pdf", saved_over),
    "PDF: behind the end": ("a.pdf", lambda: pdf() + f"\n% {BO}".encode()),
    "PDF: encrypted, with nothing to type": (
        "a.pdf",
        lambda: pdf(
            lambda w: w.add_metadata({"/Author": BO}), user_password="", owner_password="x", algorithm="RC4-128"
        ),
    ),
    "ZIP: an entry": ("a.zip", lambda: packed({"list.csv": CSV})),
    "ZIP: a name": ("a.zip", lambda: packed({f"{BO}.txt": b"x"})),
    "ZIP: a comment": ("a.zip", lambda: packed({"a": b"x"}, BO.encode())),
    "ZIP: before it": ("a.exe", lambda: f"hello {BO} ".encode() + packed({"a": b"x"})),
    "ZIP: an entry that its directory forgot": ("a.zip", zip_with_a_forgotten_entry),
    "ZIP in ZIP in ZIP": ("a.zip", lambda: packed({"b.zip": packed({"c.zip": packed({"list.csv": CSV})})})),
    "gzip": ("a.csv.gz", lambda: gzip.compress(CSV)),
    "gzip: the second member": ("a.gz", lambda: gzip.compress(b"x") + gzip.compress(CSV)),
    "gzip: its name": ("a.gz", lambda: gzip_named(BO.encode(), b"x")),
    "gzip: behind it": ("a.gz", lambda: gzip.compress(b"x") + CSV),
    "bzip2": ("a.bz2", lambda: bz2.compress(CSV)),
    "xz": ("a.xz", lambda: lzma.compress(CSV)),
    "tar": ("a.tar", lambda: tar(content=CSV)),
    "tar: a name": ("a.tar", lambda: tar(BO)),
    "tar: a long name": ("a.tar", lambda: tar("d/" * 60 + BO, format=tarfile.GNU_FORMAT)),
    "tar: an owner": ("a.tar", lambda: tar(uname=BO)),
    "tar: an extended head": ("a.tar", lambda: tar(pax_headers={"comment": BO})),
    "tar in gzip": ("a.tgz", lambda: gzip.compress(tar(content=CSV))),
    "JPEG: EXIF": ("a.jpg", lambda: jpeg(exif=exif(0x013B, BO))),
    "JPEG: EXIF for Windows": ("a.jpg", lambda: jpeg(exif=exif(0x9C9D, wide(BO)))),
    "JPEG: EXIF, the user's comment": ("a.jpg", lambda: jpeg(exif=exif(0x9286, b"UNICODE\0" + wide(BO), 0x8769))),
    "JPEG: EXIF, GPS": ("a.jpg", lambda: jpeg(exif=exif(0x1C, b"ASCII\0\0\0" + BO.encode(), 0x8825))),
    "JPEG: XMP": ("a.jpg", lambda: jpeg_with(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + XMP)),
    "JPEG: IPTC": ("a.jpg", iptc),
    "JPEG: a comment": ("a.jpg", lambda: jpeg(BO.encode())),
    "JPEG: an unknown segment": ("a.jpg", lambda: jpeg_with(0xE9, b"Own\0" + BO.encode())),
    "JPEG: behind its end": ("a.jpg", lambda: jpeg() + CSV),
    "JPEG: an archive behind its end": ("a.jpg", lambda: jpeg() + packed({"list.csv": CSV})),
    "PNG: text": ("a.png", lambda: png(add_text=("Author", BO))),
    "PNG: packed text": ("a.png", lambda: png(add_text=("Author", BO, True))),
    "PNG: international text": ("a.png", lambda: png(add_itxt=("Author", BO, "en", "Author", True))),
    "PNG: EXIF": ("a.png", lambda: picture("PNG", exif=exif(0x013B, BO))),
    "PNG: a chunk of its own": ("a.png", lambda: png_with(b"prVt", BO.encode())),
    "PNG: behind its end": ("a.png", lambda: picture("PNG") + BO.encode()),
    "GIF: a comment": ("a.gif", gif_with_comment),
    "GIF: behind its end": ("a.gif", lambda: picture("GIF") + BO.encode()),
    "WebP: EXIF": ("a.webp", lambda: picture("WEBP", exif=exif(0x013B, BO))),
    "WebP: XMP": ("a.webp", lambda: picture("WEBP", xmp=XMP)),
    "TIFF": ("a.tif", lambda: picture("TIFF", artist=BO)),
    "BMP: behind its end": ("a.bmp", lambda: picture("BMP") + CSV),
    ".msg: the text": ("a.msg", lambda: outlook({_MAPI_TEXT: wide(f"Hello {BO}")})),
    ".msg: a large text": ("a.msg", lambda: outlook({_MAPI_TEXT: wide(f"{'x ' * 3000}{BO}")})),
    ".msg: HTML": ("a.msg", lambda: outlook({("__substg1.0_10130102",): HTML})),
    ".msg: packed RTF": (
        "a.msg",
        lambda: outlook(
            {("__substg1.0_10090102",): struct.pack("<LLLL", 0, len(RTF) + 20, 0x414C454D, 0) + (RTF % BO).encode()}
        ),
    ),
    ".msg: a recipient": (
        "a.msg",
        lambda: outlook(
            {
                ("__recip_version1.0_#00000000", "__substg1.0_39FE001F"): wide(BO),
                ("__recip_version1.0_#00000000", "__properties_version1.0"): bytes(8),
            }
        ),
    ),
    ".msg: an attachment": (
        "a.msg",
        lambda: outlook(
            {
                ("__attach_version1.0_#00000000", "__substg1.0_37010102"): CSV,
                ("__attach_version1.0_#00000000", "__substg1.0_3707001F"): wide("l.csv"),
            }
        ),
    ),
    ".msg: an attached .msg": (
        "a.msg",
        lambda: outlook({("__attach_version1.0_#00000000", "__substg1.0_3701000D", "__substg1.0_1000001F"): wide(BO)}),
    ),
    ".doc: text": ("a.doc", lambda: storage({("WordDocument",): bytes(64) + wide(BO)})),
    ".xls: who wrote it": (
        "a.xls",
        lambda: storage(
            {
                ("Workbook",): bytes(64),
                ("\x05SummaryInformation",): bytes(48) + struct.pack("<LL", 30, 18) + BO.encode(),
            }
        ),
    ),
    "RTF": ("a.doc", (RTF % BO).encode),
    "RTF: escapes": ("a.rtf", (RTF % "".join(f"\\'{ord(c):02x}" for c in BO)).encode),
    "RTF: Unicode escapes": ("a.rtf", (RTF % "".join(f"\\u{ord(c)}?" for c in BO)).encode),
    "RTF: markup within": ("a.rtf", (RTF % f"{{\\b {_LOCAL}}}{{\\i @}}\n{_DOMAIN}").encode),
    "RTF: its author": ("a.rtf", (RTF % f"x{{\\info{{\\author {BO}}}}}").encode),
    "RTF: a link": (
        "a.rtf",
        (RTF % f'{{\\field{{\\*\\fldinst HYPERLINK "mailto:{BO}"}}{{\\fldrslt x}}}}').encode,
    ),
    "RTF: HTML in it": ("a.rtf", (RTF % f'{{\\*\\htmltag64 <a href="mailto:{BO}">}}').encode),
    "RTF: an object": (
        "a.rtf",
        (RTF % f"{{\\object{{\\*\\objdata {_OBJECT.hex()}}}}}").encode,
    ),
    "an unknown kind": ("a.bin", lambda: b"\1\2\3\0\xff" + BO.encode() + b"\0\1\2"),
}


def _with_a_preamble(message: EmailMessage) -> None:
    message.make_mixed()
    message.preamble = BO


def _forwarded() -> EmailMessage:
    inner = EmailMessage()
    inner["To"], inner["Subject"] = BO, "Fwd"
    inner.set_content("x")
    return inner
