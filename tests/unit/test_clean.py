"""What came from outside is harmless where it goes: a terminal, a message, a header, a file name, a spreadsheet."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.clean import bare_address, body_text, file_name, one_line, spreadsheet_cell, visible

HOSTILE = (
    "\x1b]52;c;ZWNobyBoaQ==\x07",
    "\x1b[31mred\x1b[0m",
    "\x9b31m",
    "\u202eevil\u202c",
    "\u2066isolated\u2069",
    "a\0b",
    "a\x7fb",
    "zero\u200bwidth",
    "\ufeffbom",
    "tag\U000e0041",
    "line\u2028separator",
    "sur\ud800rogate",
    "a\r\nBcc: all@example.org",
)


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_that_a_terminal_obeys_or_hides_is_drawn(text: str) -> None:
    drawn = visible(text)
    assert all(unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Zl", "Zp") for char in drawn)
    assert visible(drawn) == drawn
    drawn.encode()


def test_what_is_drawn_still_tells_what_was_there() -> None:
    assert visible("\x1b[1m\t\x7f") == "␛[1m␉␡"
    assert visible("\x9b") == "\ufffd"
    assert visible("ana\u200b") == "ana<U+200B>"
    assert visible("Łukasz מרים 王") == "Łukasz מרים 王"


def test_a_joiner_is_drawn_where_it_is_spelling_and_told_elsewhere() -> None:
    for spelling in ("می\u200cخواهم", "رضا می\u200cر", "क्\u200dष", "क्\u200cष", "بِ\u200cب"):
        assert visible(spelling) == spelling
    for hiding in (
        "A\u200cna",
        "ana\u200d@example.org",
        "می\u200c",  # at the end of a word
        "می\u200c\u200cخواهم",
        "م\u200dی",
        "د\u200cب",  # after a letter that joins nothing that follows
        "👩\u200d💻",
        "می\u200b\u200cخواهم",
        "می\u200c\u0378خواهم",
    ):
        assert "\u200c" not in visible(hiding) and "\u200d" not in visible(hiding)
        assert "<U+200" in visible(hiding) and visible(visible(hiding)) == visible(hiding)
    assert visible("می\u200c", typing=True) == "می\u200c"
    assert visible("A\u200c", typing=True) == "A<U+200C>" == visible("A\u200c")
    assert bare_address("می\u200cخ@example.org") == "میخ@example.org"


def test_a_block_keeps_its_line_feeds_and_nothing_else() -> None:
    assert visible("a\nb\r\n", lines=True) == "a\nb␍\n"
    assert visible("a\nb") == "a␊b"


@given(st.text())
def test_no_text_reaches_the_terminal_as_anything_but_text(text: str) -> None:
    bad = {char for char in visible(text) if unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp")}
    assert not bad
    assert not set("\u200b\u200e\u200f\u202a\u202b\u202d\u202e\u2066\u2067\u2068\ufeff") & set(visible(text))


def test_a_body_has_line_feeds_and_tabs_and_no_other_control() -> None:
    assert body_text("a\r\nb\rc\nd\te") == "a\nb\nc\nd\te"
    assert body_text("a\x1b[31m\0\x85\x9bb") == "a[31mb"
    assert body_text("a\u202eb\u2069c\u200bd\ufeff") == "abcd"
    assert body_text("a\u2028b\u2029c") == "a\nb\nc"
    assert body_text("a\ud800b") == "ab"


def test_a_body_keeps_what_scripts_and_emoji_need() -> None:
    for text in ("می\u200cخواهم", "क्\u200dष", "👩\u200d💻", "soft\u00adhyphen", "日本語", "e\u0301", "\U0001f3f4"):
        assert body_text(text) == text


def test_a_name_is_one_line() -> None:
    assert one_line("  Ana\r\n Ruiz\t") == "Ana Ruiz"
    assert one_line("Ana\u00a0Ruiz\u2028") == "Ana Ruiz"
    assert one_line("Ana\r\nBcc: all@example.org") == "Ana Bcc: all@example.org"
    assert one_line("می\u200cخواهم") == "می\u200cخواهم"


@given(st.text())
def test_no_header_value_can_end_its_line(text: str) -> None:
    value = one_line(text)
    assert len(value.splitlines()) <= 1
    assert one_line(value) == value
    value.encode()


@given(st.text())
def test_cleaning_twice_is_cleaning_once(text: str) -> None:
    assert body_text(body_text(text)) == body_text(text)
    assert bare_address(bare_address(text)) == bare_address(text)


def test_an_address_loses_what_cannot_be_seen() -> None:
    assert bare_address(" \u202aana@exam\u200bple.org\u202c\u00a0") == "ana@example.org"
    assert bare_address("ana\u200d@example.org\x00") == "ana@example.org"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("ana@example.org", "ana@example.org"),
        ("../../etc/passwd", "_.._etc_passwd"),
        ("a/b\\c:d*e", "a_b_c_d_e"),
        ("-rf", "rf"),
        (".hidden", "hidden"),
        ("josé@example.org", "jos_@example.org"),
        ("", "_"),
        ("...", "_"),
        ("x" * 500, "x" * 120),
    ],
)
def test_a_file_name_is_one_that_every_system_takes(text: str, name: str) -> None:
    assert file_name(text) == name


@given(st.text())
def test_no_text_makes_a_path(text: str) -> None:
    name = file_name(text)
    assert name
    assert name.isascii()
    assert name.isprintable()
    assert not set("/\\:") & set(name)
    assert name[0] not in ".-"


@pytest.mark.parametrize("formula", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", '=HYPERLINK("http://x","y")'])
def test_a_formula_is_text_in_a_spreadsheet(formula: str) -> None:
    assert spreadsheet_cell(formula) == "'" + formula


@pytest.mark.parametrize("cell", ["", "Ana Ruiz", "ana@example.org", "'quoted'", "1-2"])
def test_an_ordinary_cell_stays_as_it_is(cell: str) -> None:
    assert spreadsheet_cell(cell) == cell
