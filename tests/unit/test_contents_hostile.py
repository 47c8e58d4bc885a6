"""Files that were made to harm whoever reads them: no error, no hang, no more work than was allowed."""

import gzip
import random
import zipfile
import zlib
from itertools import islice

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pypdf import PdfWriter
from pypdf.generic import ArrayObject, DictionaryObject, NameObject, NumberObject

from tests.unit import hiding
from tests.unit.hiding import PLACES
from tui.contents import Passage, Unopened, findings, look_into

VALID = [make() for _, make in PLACES.values()]
MB = 1 << 20
LIMITS = (b"\xff" * 4, b"\0" * 4, b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f")
BEGINNINGS = [content[:16] for content in VALID] + [b"", b"%PDF-1.7\n", b"BM", b"PK\1\2"]


def look(content: bytes, name: str = "a") -> list[Passage | Unopened]:
    """Everything, with the limits checked that hold for whatever is read."""
    found = list(look_into(name, content))
    assert len(found) <= findings.MAX_FINDINGS + 1
    return found


def reasons(content: bytes) -> set[str]:
    return {one.reason for one in look(content) if isinstance(one, Unopened)}


@pytest.mark.parametrize("place", PLACES)
def test_a_changed_file_never_raises(place: str) -> None:
    name, make = PLACES[place]
    original, chance = make(), random.Random(place)
    for _ in range(40):
        changed = bytearray(original)
        for _ in range(chance.choice((1, 2, 8, 40))):
            at = chance.randrange(len(changed))
            match chance.randrange(4):
                case 0:
                    changed[at] = chance.randrange(256)
                case 1:
                    del changed[at : at + chance.randrange(1, 40)]
                    changed = changed or bytearray(b"x")
                case 2:
                    changed[at:at] = changed[: chance.randrange(60)]
                case _:
                    changed[at : at + 4] = chance.choice(
                        (b"\xff" * 4, b"\0" * 4, b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f")
                    )
        look(bytes(changed), name)


@pytest.mark.parametrize("place", PLACES)
def test_a_file_cut_anywhere_never_raises(place: str) -> None:
    name, make = PLACES[place]
    content = make()
    for end in range(1, len(content), max(1, len(content) // 40)):
        look(content[:end], name)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(VALID), st.sampled_from(VALID), st.binary(max_size=60), st.floats(0, 1))
def test_files_put_into_each_other_never_raise(one: bytes, other: bytes, between: bytes, share: float) -> None:
    at = int(len(one) * share)
    look(one[:at] + between + other + one[at:])


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(BEGINNINGS),
    st.binary(max_size=400),
)
def test_no_bytes_raise(magic: bytes, rest: bytes) -> None:
    look(magic + rest)


def test_the_same_bytes_give_the_same_findings() -> None:
    for content in VALID:
        assert look(content) == look(content)


def test_a_file_that_is_too_large_is_not_read() -> None:
    assert look(b"x" * (findings.MAX_UNPACKED + 1)) == [Unopened("", "it is larger than 64 MB")]


def test_a_bomb_is_put_down_before_it_is_unpacked() -> None:
    bomb = hiding.packed({"a": bytes(20 * MB)})
    assert reasons(bomb) == reasons(gzip.compress(bytes(20 * MB))) == {"it unpacks to more than 400 times its size"}


def test_many_small_bombs_are_one_large_one() -> None:
    bomb = hiding.packed({f"{number}": b"some text\n" * 100_000 for number in range(70)})
    assert "it unpacks to more than 64 MB" in reasons(bomb)


def test_bombs_in_bombs_are_counted_together() -> None:
    inner = hiding.packed({f"{number}": b"\0" * 1_000_000 for number in range(20)})
    outer = hiding.packed({f"{number}.zip": inner for number in range(5)})
    assert "it unpacks to more than 64 MB" in reasons(outer)


def test_archives_deep_inside_each_other_are_left() -> None:
    content = hiding.CSV
    for _ in range(findings.MAX_DEPTH + 1):
        content = hiding.packed({"a.zip": content})
    assert f"it lies more than {findings.MAX_DEPTH} files deep" in reasons(content)


def test_a_size_that_a_file_declares_is_not_believed() -> None:
    content = bytearray(hiding.packed({"a": b"x" * 100}))
    for head, at in ((b"PK\1\2", 24), (b"PK\3\4", 22)):
        begin = content.index(head) + at
        content[begin : begin + 4] = b"\xff\xff\xff\x7f"
    assert look(bytes(content))


def test_endless_findings_end() -> None:
    mail = b"From: a@b.cc\nTo: c@d.ee\n" + b"X-A: b\n" * (findings.MAX_FINDINGS + 10) + b"\nx"
    assert reasons(mail) == {f"it has more than {findings.MAX_FINDINGS} pieces of text"}


def test_elements_inside_each_other_without_end_are_read() -> None:
    xml = b'<?xml version="1.0"?>' + b"<p>" * 50_000 + b"deep" + b"</p>" * 50_000
    assert any(
        isinstance(one, Passage) and "deep" in one.text for one in look(hiding.document("word/document.xml", xml))
    )


def test_parts_inside_each_other_without_end_are_closed() -> None:
    head = b"".join(b'Content-Type: multipart/mixed; boundary="%d"\n\n--%d\n' % (n, n) for n in range(3_000))
    assert reasons(b"From: a@b.cc\nTo: c@d.ee\n" + head + b"\nx")


def test_forms_that_call_each_other_are_read_once_each() -> None:
    """Thirty forms, each of which shows the next ten times: 10^30 by the book."""

    def change(writer: PdfWriter) -> None:
        following: DictionaryObject = DictionaryObject()
        for number in range(30):
            content = f"BT ({number}) Tj ET ".encode() + b"/N Do " * 10
            form = hiding.a_form(content, DictionaryObject({NameObject("/XObject"): following}))
            following = DictionaryObject({NameObject("/N"): writer._add_object(form)})
        hiding.drawing(b"BT (x) Tj ET /N Do")(writer)
        writer.pages[0]["/Resources"][NameObject("/XObject")] = following  # type: ignore[index]  # a dictionary

    assert reasons(hiding.pdf(change)) == set()


def test_pages_that_are_each_others_parents_end() -> None:
    def change(writer: PdfWriter) -> None:
        kids = writer.pages[0].indirect_reference
        for _ in range(12):
            node = DictionaryObject(
                {
                    NameObject("/Type"): NameObject("/Pages"),
                    NameObject("/Count"): NumberObject(10),
                    NameObject("/Kids"): ArrayObject([kids] * 10),
                }
            )
            kids = writer._add_object(node)
        writer.root_object[NameObject("/Pages")] = kids

    assert "its pages cannot be found" in reasons(hiding.pdf(change))


def test_objects_that_are_not_where_the_file_says_are_searched_for_only_so_long() -> None:
    objects = b"".join(b"%d 0 obj\n(x)\nendobj\n" % number for number in range(1, 2_001))
    table = b"xref\n0 2001\n0000000000 65535 f \n" + b"0000000009 00000 n \n" * 2_000
    body = b"%PDF-1.4\n" + b"%" + b" " * 4 * MB + b"\n" + objects
    end = b"trailer<</Size 2001/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % len(body)
    assert reasons(body + table + end)


def test_a_stream_that_unpacks_without_end_is_closed() -> None:
    packed = zlib.compress(bytes(40 * MB))
    body = b"%PDF-1.4\n1 0 obj\n<</Filter/FlateDecode/Length " + str(len(packed)).encode() + b">>stream\n" + packed
    start = len(body) + len(b"\nendstream\nendobj\n")
    body += b"\nendstream\nendobj\nxref\n0 2\n0000000000 65535 f \n0000000009 00000 n \ntrailer<</Size 2/Root 1 0 R>>\n"
    assert reasons(body + b"startxref\n%d\n%%%%EOF\n" % start)


def test_a_picture_whose_directories_lead_in_a_circle_ends() -> None:
    block = b"II*\0\x08\0\0\0" + b"\0\0" + b"\x08\0\0\0"
    assert look(hiding.jpeg(exif=b"Exif\0\0" + block)) == []


def test_a_value_that_many_tags_share_counts_each_time() -> None:
    entries = b"".join(b"\x0e\x01\x02\0" + (4 * MB).to_bytes(4, "little") + b"\x40\0\0\0" for _ in range(100))
    block = b"II*\0\x08\0\0\0" + b"\x64\0" + entries + bytes(4) + b"x" * (4 * MB)
    assert "it unpacks to more than 64 MB" in reasons(block)


def test_nothing_is_read_before_it_is_asked_for() -> None:
    bomb = hiding.packed({"a.txt": hiding.CSV, "b": bytes(20 * MB)})
    assert len(list(islice(look_into("a.zip", bomb), 1))) == 1


def test_a_parser_that_breaks_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise MemoryError

    content = hiding.packed({"a": b"x"})
    monkeypatch.setattr(zipfile, "ZipFile", broken)
    assert reasons(content) == {"it is damaged, or made in a way that cannot be read"}
