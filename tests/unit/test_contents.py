"""What a file gives away: an address is planted in every place that somebody could forget, and must be found."""

import gzip
import io
import subprocess
import sys
import zipfile
from typing import Any

import pytest
from PIL import Image
from pypdf import PdfWriter
from pypdf.generic import NameObject

from tests.unit import hiding
from tests.unit.hiding import BO, PLACES
from tui.contents import Passage, Unopened, look_into


def passages(name: str, content: bytes) -> list[Passage]:
    return [found for found in look_into(name, content) if isinstance(found, Passage)]


def closed(name: str, content: bytes) -> list[Unopened]:
    return [found for found in look_into(name, content) if isinstance(found, Unopened)]


@pytest.mark.parametrize("place", PLACES)
def test_an_address_is_found_in(place: str) -> None:
    name, make = PLACES[place]
    found = list(look_into(name, make()))
    assert any(isinstance(one, Passage) and BO in one.text for one in found), found


# In these something else cannot be read as well, or stands where nothing should.
IN_PART = {".doc: text", ".xls: who wrote it", "an unknown kind", "ZIP: before it"}


@pytest.mark.parametrize("place", [place for place in PLACES if place not in IN_PART])
def test_a_file_that_was_read_whole_is_not_said_to_be_closed(place: str) -> None:
    name, make = PLACES[place]
    assert closed(name, make()) == []


def test_a_file_is_read_by_its_content_whatever_it_is_called() -> None:
    for name, make in PLACES.values():
        content = make()
        under_its_name, under_another = (
            [getattr(one, "text", "") for one in look_into(called, content)] for called in (name, "holiday.bmp")
        )
        assert under_its_name == under_another


def test_the_inner_path_leads_to_the_place() -> None:
    inner = hiding.packed({"lists/guests.xlsx": hiding.sheet(f"<c><is><t>{BO}</t></is></c>")})
    sent = hiding.mail(lambda m: m.add_attachment(inner, maintype="application", subtype="zip", filename="notes.zip"))
    found = [one for one in passages("forwarded.eml", sent) if BO in one.text]
    assert {one.where for one in found} == {"notes.zip/lists/guests.xlsx/xl/worksheets/sheet1.xml"}


def test_a_page_and_a_property_are_named() -> None:
    def change(writer: PdfWriter) -> None:
        hiding.drawing(f"BT /F1 12 Tf ({BO}) Tj ET".encode())(writer)
        writer.add_metadata({"/Author": BO})

    assert {"page 1", "metadata: Author"} <= {
        one.where for one in passages("a.pdf", hiding.pdf(change)) if BO in one.text
    }


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"Hello, <ana@example.org>", "text"),
        (b"<p>Hello</p>", "html"),
        (b"<?xml version='1.0'?><a/>", "html"),
        (hiding.VCARD, "calendar"),
        (hiding.ICS, "calendar"),
    ],
)
def test_each_passage_says_how_it_is_to_be_read(content: bytes, kind: str) -> None:
    assert next(look_into("a", content)) == Passage("", content.decode(), kind)


def test_what_the_formats_write_themselves_is_no_text() -> None:
    """A column with such values must not stop every mailing that has a document attached."""
    found = passages(
        "a.docx",
        hiding.packed(
            {
                "[Content_Types].xml": hiding.TYPES,
                "word/document.xml": f'<?xml version="1.0"?><w:document {hiding.W}><w:p w:rsidR="00A77B3E"><w:pPr>'
                f'<w:jc w:val="Required"/></w:pPr><w:r><w:t>Hello</w:t></w:r></w:p></w:document>',
                "word/styles.xml": f'<?xml version="1.0"?><w:styles {hiding.W}><w:latentStyles>'
                '<w:lsdException w:name="Signature"/></w:latentStyles></w:styles>',
                "docProps/app.xml": '<?xml version="1.0"?><Properties><Characters>1234</Characters></Properties>',
                "xl/worksheets/sheet1.xml": f'<?xml version="1.0"?><s {hiding.S}><c t="s"><v>1234</v></c></s>',
            }
        ),
    )
    assert {one.text for one in found} == {"Hello"}


def test_a_number_in_a_cell_is_text() -> None:
    assert any("07700900123" in one.text for one in passages("a.xlsx", hiding.sheet("<c><v>07700900123</v></c>")))


def test_the_place_where_a_picture_was_taken_is_said() -> None:
    made = Image.Exif()
    made.get_ifd(0x8825)[2] = (51.0, 30.0, 7.5)
    assert Passage("metadata: GPSLatitude", "51 30 7.5", "text") in passages("a.jpg", hiding.jpeg(exif=made.tobytes()))


def test_text_of_an_unknown_encoding_is_read_in_those_that_fit() -> None:
    found = passages("a.txt", "Встреча с Богданом".encode("cp1251"))
    assert any("Богданом" in one.text for one in found)


def test_what_only_begins_like_a_pdf_is_read_as_what_it_is() -> None:
    assert closed("agenda.pdf", b"%PDF-1.7\n%%EOF\n") == []
    assert any(BO in one.text for one in passages("agenda.pdf", b"%PDF-1.7 for " + BO.encode()))
    assert closed("agenda.pdf", b"%PDF-1.7\n" + bytes(range(256))) != []


CLOSED = {
    "an unknown kind": (b"\1\2\3\0\xff" * 40, "cannot be read"),
    "noise": (bytes(range(256)) * 4, "cannot be read"),
    "7z": (b"7z\xbc\xaf\x27\x1c\0\4" + bytes(range(256)), "7z"),
    "RAR": (b"Rar!\x1a\x07\0" + bytes(range(256)), "RAR"),
    "winmail.dat": (b"\x78\x9f\x3e\x22" + bytes(range(256)), "winmail.dat"),
    "a font": (b"\0\1\0\0\0\x0f\0\x80" + bytes(range(256)), "cannot be read"),
    "a PDF with a password": (hiding.pdf(user_password="secret", algorithm="RC4-128"), "encrypted"),
    "a PDF that is cut off": (hiding.pdf()[:60], "PDF"),
    "a document with a password": (
        hiding.storage({("EncryptedPackage",): b"x" * 64, ("EncryptionInfo",): b"y"}),
        "encrypted",
    ),
    "an ODF with a password": (hiding.odf("content.xml", "x", "<manifest><encryption-data/></manifest>"), "encrypted"),
    "a macro": (hiding.document("word/vbaProject.bin", hiding.storage({("VBA", "dir"): b"\1\2\3\4"})), "macro"),
    "a font in a document": (hiding.document("word/fonts/font1.odttf", bytes(range(256))), "cannot be read"),
    "an old Office file": (hiding.storage({("WordDocument",): b"\xec\xa5\xc1\0" * 8}), "in part"),
    "XML with entities": (
        hiding.document("word/document.xml", b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>'),
        "entities",
    ),
    "broken XML": (hiding.document("word/document.xml", b'<?xml version="1.0"?><a><b></a>'), "damaged"),
    "a picture that is cut off": (hiding.picture("PNG")[:50], "cut off"),
    "HEIC": (b"\0\0\0\x18ftypheic\0\0\0\0" + bytes(range(256)), "HEIC"),
    "gzip that is cut off": (gzip.compress(b"hello" * 99)[:-12], "cut off"),
    "gzip that is damaged": (b"\x1f\x8b\x08\0" + b"\xff" * 30, "damaged"),
    "something behind a picture": (hiding.jpeg() + b"\1\2\3\0\xff" * 40, "cannot be read"),
    "something before an archive": (b"\1\2\3\0\xff" * 40 + hiding.packed({"a": b"b"}), "cannot be read"),
}


@pytest.mark.parametrize("what", CLOSED)
def test_what_cannot_be_opened_is_said(what: str) -> None:
    content, reason = CLOSED[what]
    assert any(reason in one.reason for one in closed("a", content)), list(look_into("a", content))


BINARY = {
    "winmail.dat": b"\x78\x9f\x3e\x22",
    "7z": b"7z\xbc\xaf\x27\x1c",
    "RAR": b"Rar!\x1a\x07",
    "a Cabinet archive": b"MSCF\0\0\0\0",
    "an Outlook data file": b"!BDN",
    "a database": b"SQLite format 3\0",
    "OpenSSL": b"Salted__",
    "a program": b"\x7fELF",
    "a film": b"RIFF\1\1\1\1AVI ",
    "sound": b"OggS\0\2",
    "a font": b"wOFF\0\1",
    "a signature": b"\x30\x82\x07\x21\x06\x09",
}


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "cp1252", "utf-8", "utf-32-le"])
@pytest.mark.parametrize("what", BINARY)
def test_a_binary_file_is_no_text_though_its_bytes_may_be(what: str, encoding: str) -> None:
    """By its first bytes, before anybody asks in which encoding the rest could be read."""
    content = BINARY[what] + f"Guests: {BO}, and Zoë ".encode(encoding)
    assert closed("notes.txt", content), list(look_into("notes.txt", content))
    assert any(BO in one.text for one in passages("notes.txt", content)), "what lies open is searched all the same"


@pytest.mark.parametrize(
    "content",
    ["MSCF met on Monday.", "RIFFRAFF and others", "true or false", "Salted nuts", "age 41", "7zip it", "ID3 tags"],
)
def test_a_text_that_begins_almost_like_a_binary_file_is_a_text(content: str) -> None:
    assert not closed("notes.txt", content.encode())


def test_an_encrypted_entry_is_named_and_the_others_are_read() -> None:
    made = bytearray(hiding.packed({"secret.txt": b"x", "open.csv": hiding.CSV}))
    for head, flags in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        made[made.index(head) + flags] |= 1
    assert closed("a.zip", bytes(made)) == [Unopened("secret.txt", "it is encrypted")]
    assert any(one.where == "open.csv" and BO in one.text for one in passages("a.zip", bytes(made)))


def test_a_font_that_does_not_tell_its_letters_is_said() -> None:
    def change(writer: PdfWriter) -> None:
        hiding.drawing(b"BT /F1 12 Tf <00010002> Tj ET")(writer)
        font: Any = writer.pages[0]["/Resources"]["/Font"]["/F1"]  # type: ignore[index]  # of any kind, pypdf says
        font[NameObject("/Subtype")], font[NameObject("/Encoding")] = NameObject("/Type0"), NameObject("/Identity-H")

    assert Unopened("page 1", "it has text in a font that does not tell its letters") in closed(
        "a.pdf", hiding.pdf(change)
    )


def test_padding_is_nothing() -> None:
    assert list(look_into("a", b"")) == list(look_into("a", bytes(4096))) == []
    assert closed("a.jpg", hiding.jpeg() + bytes(512)) == []


def test_the_parsers_are_loaded_only_where_their_files_are_met() -> None:
    code = "import sys; from tui.contents import look_into; list(look_into('a.txt', b'hello')); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"pypdf", "PIL", "olefile"} & set(done.stdout.split())


def test_an_archive_of_the_standard_library_is_read_like_there() -> None:
    made = hiding.packed({f"d/{number}.txt": f"text {number}" for number in range(20)})
    with zipfile.ZipFile(io.BytesIO(made)) as archive:
        expected = {(name, archive.read(name).decode()) for name in archive.namelist()}
    assert {(one.where, one.text) for one in passages("a.zip", made) if one.kind == "text"} == expected
