"""Every way of hiding somebody's address or what is noted of them that we could think of, tried in every place."""

import codecs
import hashlib
import html as markup
import io
import re
import zipfile
from base64 import b32encode, b64encode, encodebytes, urlsafe_b64encode
from collections.abc import Iterator
from urllib.parse import quote

import pytest

from tests.unit.test_guard import (
    ANA,
    BO,
    a_message,
    a_roll,
    judged,
    names_bo,
    with_calendar,
    with_html,
    with_part,
    with_text,
)
from tui.contents import Passage, Unopened, look_into
from tui.guard import Cleared, Leak, Roll, clear

OCTETS = BO.encode()

SPELLINGS = {
    "zero width": "bo.l\u200bi@exa\u200dmple.com",
    "soft hyphen": "bo.li@exam\u00adple.com",
    "word joiner": "bo\u2060.li@example.com",
    "commat": "bo.li&commat;example&period;com",
    "dec entity no semi": "bo.li&#64example.com",
    "hex pad": "bo.li&#x00040;example.com",
    "triple": quote(quote(quote("@"))).join(["bo.li", "example.com"]),
    "entity in percent": "bo.li%26%2364%3Bexample.com",
    "qp": "bo.li=40example.com",
    "qp all": "".join(f"={ord(c):02X}" for c in BO),
    "qp soft": "bo.li@exa=\nmple.com",
    "b64": b64encode(OCTETS).decode(),
    "b64 no pad": b64encode(OCTETS).decode().rstrip("="),
    "b64 twice": b64encode(b64encode(OCTETS)).decode(),
    "b64 utf16": b64encode(BO.encode("utf-16-le")).decode(),
    "b64 in path": "https://x.example/unsub/" + urlsafe_b64encode(OCTETS).decode(),
    "b64 misaligned path": "https://x.example/u/" + b64encode(b"id=" + OCTETS).decode().rstrip("=") + "/z",
    "b64 lines": encodebytes(b"x " * 30 + OCTETS + b" y" * 30).decode(),
    "b64 pct": "?d=" + quote(b64encode(OCTETS).decode()),
    "b64 dict json": b64encode(b'{"email":"bo.li@example.com"}').decode(),
    "b64 noise": b64encode(bytes(range(128, 160)) + OCTETS + bytes(range(128, 160))).decode(),
    "b32": b32encode(OCTETS).decode(),
    "b32 low": b32encode(OCTETS).decode().lower().rstrip("="),
    "hex": OCTETS.hex(),
    "HEX": OCTETS.hex().upper(),
    "hex spaced": OCTETS.hex(" "),
    "hex colon": OCTETS.hex(":"),
    "hex 0x": ", ".join(hex(c) for c in OCTETS),
    "\\x": "".join(f"\\x{c:02x}" for c in OCTETS),
    "\\u": "".join(f"\\u{c:04x}" for c in OCTETS),
    "css": "bo.li\\000040 example.com",
    "css2": "bo.li\\40 example.com",
    "decimal": ", ".join(map(str, OCTETS)),
    "decimal join": " ".join(map(str, OCTETS)),
    "%u": "bo.li%u0040example.com",
    "verp": "bounce+bo.li=example.com@relay.example",
    "verp2": "news-bo.li=example.com@relay.example",
    "srs": "SRS0=HHH=TT=example.com=bo.li@relay.example",
    "ext": "bo.li_example.com#EXT#@tenant.onmicrosoft.example",
    "pct hack": "bo.li%example.com@relay.example",
    "bang": "example.com!bo.li",
    "csv": "bo.li,example.com",
    "csv tab": "bo.li\texample.com",
    "pipe": "bo.li|example.com",
    "(at)": "bo.li (at) example (dot) com",
    "[at]": "bo.li[at]example[dot]com",
    "AT DOT": "bo.li AT example DOT com",
    "at dot": "bo dot li at example dot com",
    "at .": "bo.li at example.com",
    "-at-": "bo.li-at-example.com",
    "_at_": "bo.li_at_example.com",
    "{at}": "bo.li{at}example{.}com",
    "<at>": "bo.li<at>example<dot>com",
    "ATDOT": "bo.liATexampleDOTcom",
    "arroba": "bo.li arroba example punto com",
    "(a)": "bo.li (a) example.com",
    "spaces": "bo.li @ example . com",
    "spaces2": "bo.li@ example. com",
    "spaces3": "bo.li @example .com",
    "letters": "b o . l i @ e x a m p l e . c o m",
    "[@]": "bo.li[@]example[.]com",
    "(@)": "bo.li(@)example.com",
    "full": "bo.li＠example．com",
    "small": "bo.li﹫example․com",
    "bidi": "\u202emoc.elpmaxe@il.ob\u202c",
    "rtl bdo": '<bdo dir="rtl">moc.elpmaxe@il.ob</bdo>',
    "rot13": codecs.encode(BO, "rot13"),
    "cyr": "bо.li@exаmple.com",
    "greek": "bο.li@example.com",
    "mailto pct": "mailto:%62o.li%40example.com?subject=Hi",
    "mailto cc": "mailto:x@y.example?cc=bo.li%40example.com",
    "plus": "bo.li+tag@example.com",
    "plus pct": "bo.li%2Btag%40example.com",
    "case": "BO.LI@EXAMPLE.COM",
    "quoted": '"bo.li"@example.com',
    "quoted2": 'bo."li"@example.com',
    "trailing": "bo.li@example.com.",
    "comment": "bo.li(hello)@example.com",
    "comment2": "bo.li@(hi)example.com",
    "comment3": "bo.li @ (x) example.com",
    "route": "<@relay.example:bo.li@example.com>",
    "ip": "bo.li@example.com:25",
    "smtp": "smtp://bo.li@example.com/",
    "user pass": "https://bo.li@example.com/",
    "encoded word": "=?utf-8?q?bo=2Eli=40example=2Ecom?=",
    "encoded b": "=?utf-8?b?" + b64encode(OCTETS).decode() + "?=",
    "newline": "bo.li@\nexample.com",
    "newline2": "bo.li@exam\nple.com",
    "newline3": "bo.\nli@example.com",
    "newline4": "bo.li\n@\nexample.com",
    "newline5": "bo.li\n(at)\nexample\n(dot)\ncom",
    "quote nl": "> bo.li@exam\n> ple.com",
    "vertical": "\n".join(BO),
    "md": "bo.li@**example**.com",
    "md2": "**bo.li**@example.com",
    "md3": "`bo.li`@`example.com`",
    "json": '{"e":"bo.li\\u0040example.com"}',
    "url json": quote('{"email":"bo.li@example.com"}'),
    "html attr dbl": markup.escape(markup.escape("<a href='mailto:bo.li@example.com'>")),
    "slash": "a/bo.li@example.com/b",
    "hash": "#bo.li@example.com",
    "colon": "to:bo.li@example.com",
    "semi": "cc;bo.li@example.com;x",
    "eq": "to=bo.li@example.com",
    "amp": "a=1&e=bo.li@example.com&b=2",
    "idn dot": "bo.li@example。com",
    "noise tags": "b<i></i>o.l<i></i>i@ex<b></b>ample.com",
    "comment tag": "bo.li<!-- x@y -->@example.com",
    "hidden": 'bo.li<span style="display:none">NOSPAM</span>@example.com',
    "hidden2": "bo.li<style>x{}</style>@example.com",
    "hidden3": "bo.li<span hidden>no</span>@example.com",
    "font0": 'bo.li<font style="font-size:0px">no</font>@example.com',
    "cdata": "<![CDATA[bo.li@example.com]]>",
    "cond": "<!--[if mso]>bo.li@example.com<![endif]-->",
    "attr": '<img src="https://t.example/p.gif?u=bo.li%40example.com">',
    "cells": "<td>bo.li</td><td>example.com</td>",
    "cells at": "<tr><td>bo.li</td>\n<td>@example.com</td></tr>",
    "title": '<abbr title="bo.li&#64;example.com">x</abbr>',
    "data uri": '<img src="data:text/plain,bo.li%40example.com">',
    "data b64": '<img src="data:image/png;base64,' + b64encode(OCTETS).decode() + '">',
    "svg": '<img src="data:image/svg+xml;utf8,<svg><text>bo.li@example.com</text></svg>">',
    "multi tag": "bo.li<b\n\n\nclass=x\n>@example.com</b>",
    "multi comment": "bo.li<!--\nx\n\ny\n-->@example.com",
    "multi hidden": 'bo.li<div style="display:none">\nabc\ndef\n</div>@example.com',
    "tracking hexb64": "?x=" + b64encode(OCTETS).hex(),
}


IN_ONE_LINE = {name: spelling for name, spelling in SPELLINGS.items() if "\n" not in spelling}


def in_text(said: str) -> bytes:
    return with_text(b64encode(said.encode()), "base64")


def in_subject(said: str) -> bytes:
    subject = b"Subject: =?utf-8?b?%b?=\r\n" % b64encode(said.encode())
    return re.sub(rb"(?m)^Subject: .*\r\n", lambda _: subject, a_message())


@pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=SPELLINGS)
def test_an_address_is_found_however_it_is_hidden(spelling: str) -> None:
    said = f"Guests: {spelling} and more"
    assert names_bo(judged(in_text(said)))
    assert names_bo(judged(with_html(f"<p>{said}</p>")))
    assert names_bo(judged(with_part(said.encode())))


@pytest.mark.parametrize("spelling", IN_ONE_LINE.values(), ids=IN_ONE_LINE)
def test_an_address_is_found_however_it_is_hidden_in_a_header_or_the_calendar(spelling: str) -> None:
    assert names_bo(judged(in_subject(f"Guests: {spelling} and more")))
    escaped = f"Guests: {spelling} and more".replace("\\", "\\\\").replace(",", "\\,").replace(";", "\\;")
    assert names_bo(judged(with_calendar(("STATUS:CONFIRMED", f"STATUS:CONFIRMED\nCOMMENT:{escaped}"))))
    name = f"Content-Disposition: attachment; filename*=utf-8''{quote(f'for {spelling} x.txt', safe='')}"
    assert names_bo(judged(with_part(b"hello", name)))


@pytest.mark.parametrize("deep", range(1, 5))
def test_an_address_is_found_in_an_encoding_of_an_encoding(deep: int) -> None:
    said, other = BO, BO
    for _ in range(deep):
        said = b64encode(f"u={said}".encode()).decode()
        other = quote(b64encode(other.encode()).decode(), safe="")
    assert names_bo(judged(in_text(f"x {said} y")))
    assert names_bo(judged(in_text(f"x {other} y")))


@pytest.mark.parametrize("deep", [5, 8, 12])
def test_what_is_encoded_without_an_end_is_not_cleared(deep: int) -> None:
    said = BO
    for _ in range(deep):
        said = b64encode(f"u={said}".encode()).decode()
    leaks = judged(in_text(said))
    assert {leak.where for leak in leaks} == {"text"}
    assert names_bo(leaks) or "over and over" in leaks[0].message


@pytest.mark.parametrize(
    ("on_the_list", "spelled"),
    [
        ("bo.li@gmail.com", "boli@gmail.com"),
        ("boli@gmail.com", "b.o.l.i@googlemail.com"),
        ("bo.li@googlemail.com", "BoLi+news@gmail.com"),
        ("bo.li@proton.me", "bo_li@pm.me"),
        ("boli@protonmail.com", "bo-li@protonmail.ch"),
        ("boli@protonmail.ch", "bo.li@protonmail.com"),
        ("bo.li@outlook.com", "bo.li+news@outlook.com"),
        ("bo.li+2@example.org", "bo.li+news@example.org"),
    ],
)
def test_the_same_mailbox_in_another_spelling_is_found(on_the_list: str, spelled: str) -> None:
    assert judged(in_text(f"Ask {spelled} please"), a_roll(on_the_list))


@pytest.mark.parametrize(
    ("on_the_list", "spelled"),
    [
        ("bo.li@outlook.com", "boli@outlook.com"),
        ("bo.li@example.org", "boli@example.org"),
        ("boli@gmail.com", "boli@gmail.co.uk"),
        ("bo.li@gmail.com", "bo-li@gmail.com"),
    ],
)
def test_another_mailbox_is_not_taken_for_the_same(on_the_list: str, spelled: str) -> None:
    assert not judged(in_text(f"Ask {spelled} please"), a_roll(on_the_list))


def test_the_recipients_own_mailbox_is_theirs_in_every_spelling_of_the_provider() -> None:
    raw = re.sub(rb"ana@example\.org", b"a.na@gmail.com", a_message())
    roll = Roll(["a.na@gmail.com", BO])
    leaks = clear(raw.replace(b"Dear", b"To ana@googlemail.com: Dear", 1), "a.na@gmail.com", roll)
    assert not isinstance(leaks, Cleared) and {leak.where for leak in leaks} <= {"calendar", "invite.ics"}


# --- values -----------------------------------------------------------------------------------------------------------

VALUES = {
    "a number with other spaces": ("4420 7946 0958", "44 20 79 46 09 58"),
    "a telephone number from abroad": ("020 7946 0958", "+44 20 7946 0958"),
    "a telephone number at home": ("+44 20 7946 0958", "(020) 7946-0958"),
    "with a zero in brackets": ("+44 20 7946 0958", "+44 (0)20 79460958"),
    "of eight digits": ("+45 32 12 34 56", "32 12 34 56"),
    "a day in words": ("1984-03-12", "born on 12 March 1984"),
    "a day in digits": ("12 March 1984", "1984-03-12"),
    "a day as the English write it": ("1984-03-12", "12/03/1984"),
    "a day as Americans write it": ("1984-03-12", "3/12/1984 or March 12th, 1984"),
    "a day as Germans write it": ("1984-03-12", "12.3.1984"),
    "words closed up": ("Lone parent", "LONEPARENT"),
    "words with hyphens": ("Lone parent", "lone-parent"),
    "a reference": ("R-00042", "r 00042"),
    "percent": ("Lone parent", "?role=Lone%20parent"),
    "percent twice": ("Lone parent", "?role=Lone%2520parent"),
    "entities": ("Lone parent", "Lone&#32;p&#97;rent"),
    "base64": ("Lone parent", b64encode(b"Lone parent").decode()),
    "base64 of JSON": ("Lone parent", b64encode(b'{"role": "Lone parent"}').decode()),
    "base32": ("Lone parent", b32encode(b"Lone parent").decode()),
    "hexadecimal": ("Lone parent", b"Lone parent".hex()),
    "quoted-printable": ("Séparé", "S=C3=A9par=C3=A9"),
    "full width": ("Lone parent", "Ｌｏｎｅ ｐａｒｅｎｔ"),
    "soft hyphens": ("Lone parent", "Lone pa\u00adrent"),
    "another line": ("Lone parent", "Lone\nparent"),
    "three lines": ("In receipt of benefits", "In\nreceipt of\nbenefits"),
    "a long note": (
        "called twice and left a message about the dispute with us",
        "x called\ntwice and left a\nmessage about\nthe dispute\nwith us y",
    ),
    "escapes": ("Lone parent", "Lone\\u0020parent"),
}


@pytest.mark.parametrize(("value", "spelled"), VALUES.values(), ids=VALUES)
def test_what_is_noted_of_people_is_found_however_it_is_written(value: str, spelled: str) -> None:
    roll = a_roll(internal=(value,))
    for raw in (in_text(f"So: {spelled}."), with_html(f"<p>So: {spelled}.</p>"), with_part(f"So: {spelled}.".encode())):
        assert judged(raw, roll)


@pytest.mark.parametrize(("value", "spelled"), [pair for pair in VALUES.values() if "\n" not in pair[1]])
def test_what_stands_in_the_recipients_own_columns_is_theirs_however_it_is_written(value: str, spelled: str) -> None:
    if spelled.isascii() and not re.search(r"[%&=\\]|[a-z][A-Z]|[A-Z0-9]{12}|[0-9a-f]{16}", spelled):
        assert not judged(in_text(f"So: {spelled}."), a_roll(internal=(value,)), own=f"Ana\n{value}")


# --- files ------------------------------------------------------------------------------------------------------------


def zipped(**files: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(f"{name}.txt", content)
    return packed.getvalue()


def test_an_address_is_found_in_a_file_in_a_file_and_the_place_is_named() -> None:
    leaks = judged(with_part(zipped(inner=zipped(people=OCTETS)), "Content-Disposition: attachment; filename=all.zip"))
    assert [leak.where for leak in leaks if leak.what == BO] == ["all.zip/inner.txt/people.txt"]


def test_a_value_is_found_in_a_file_in_a_file() -> None:
    assert judged(with_part(zipped(notes=b"Lone parent")), a_roll(internal=("Lone parent",)))


SECRET = b"\x07\x01\x02\x00\xfe\xff" * 40


def test_a_file_that_cannot_be_opened_is_not_sent_and_it_is_said_how_to_name_it_as_reviewed() -> None:
    head = "Content-Disposition: attachment; filename=map.bin"
    digest = hashlib.sha256(SECRET).hexdigest()
    (leak,) = judged(with_part(SECRET, head))
    assert leak.where == "map.bin"
    assert f'reviewed = ["map.bin@{digest}"]' in leak.message


def test_a_file_that_was_reviewed_is_sent_and_no_other_one() -> None:
    roll = Roll([ANA, BO], reviewed=[hashlib.sha256(SECRET).hexdigest()])
    assert not judged(with_part(SECRET), roll)
    assert judged(with_part(SECRET + b"\x00"), roll)


def test_a_file_that_was_reviewed_is_searched_for_addresses_all_the_same() -> None:
    content = SECRET + OCTETS + SECRET
    roll = Roll([ANA, BO], reviewed=[hashlib.sha256(content).hexdigest()])
    assert names_bo(judged(with_part(content), roll))


def test_a_file_in_the_page_itself_is_looked_into() -> None:
    uri = b64encode(zipped(people=OCTETS)).decode()
    leaks = judged(with_html(f'<a href="data:application/zip;base64,{uri}">x</a>'))
    assert names_bo(leaks) and any(leak.where == "html/data URI 1/people.txt" for leak in leaks)


def test_the_same_file_is_looked_into_once(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[str] = []

    def look(name: str, content: bytes) -> Iterator[Passage | Unopened]:
        looked.append(name)
        return look_into(name, content)

    monkeypatch.setattr("tui.guard.searching.look_into", look)
    roll, raw = a_roll(), with_part(b"the same for everybody")
    assert not judged(raw, roll) and not judged(raw, roll)
    assert looked == ["notes.txt"]


def test_a_leak_says_where_it_is() -> None:
    leaks = judged(with_html("<p>bo.li (at) example (dot) com</p>"))
    assert leaks == (Leak("html", BO, f"{BO}, another attendee's address, is in it."),)
