"""A text is searched without its recipient where that finds the same: compared with the search of the whole."""

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tui.guard.inspection import _in_html, _said_in_calendar
from tui.guard.masking import masked
from tui.guard.roll import Roll, as_it_stands
from tui.guard.spelling import TooDeep

OWN, NAME = "ana@example.org", "Ana Ruiz"
NAMES = (NAME, OWN)
EVERYBODY = ["ana@example.org", "bo@example.org", "bo@example.org.uk", "ana@example.org.uk", "li@bo.example"]
UID = "0123456789abcdef0123456789abcdef01234567"
ENDINGS = frozenset({"org", "uk", "example"})

PIECES = (
    *(NAME, OWN, f"{UID}@example.org", UID, f"<{OWN}>", f'"{NAME}"', f"mailto:{OWN}", f"UID:{UID}@example.org"),
    *("bo", "@", "example.org", ".org", ".uk", "org", "uk", "example", ".", ",", ":", ";", "=", "_", "-", "+", "%40"),
    *("&#64;", " at ", " dot ", "(at)", "[dot]", " (at) ", "=40", "\\u0040", "<b>", "</b>", "<!--", "-->", "<p>", '"'),
    *("Ym9AZXhhbXBsZS5vcmc=", "bo=example.org", "626f40", "62 6f 40 65", "Dear ", "Hello", " ", "  ", "\n", "\r\n"),
    *("> ", "| ", "ATTENDEE;CN=", "AT", "DOT", "Lottery", " draw ", "ob@", "gro.elpmaxe", "li@", "\u200b", "＠"),
)


def searched(roll: Roll, text: str, kind: object) -> tuple[object, object]:
    said = {"text": as_it_stands, "html": _in_html, "calendar": _said_in_calendar}[str(kind)]
    try:
        whole: object = roll._search(text, said)
    except TooDeep:
        whole = TooDeep
    try:
        apart: object = roll.find(text, said, NAMES)
    except TooDeep:
        apart = TooDeep
    return whole, apart


@settings(max_examples=3_000, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(st.sampled_from(PIECES), min_size=1, max_size=9).map("".join),
    st.sampled_from(["text", "html", "calendar"]),
)
@example(f"bo@\n{NAME}", "text")
@example(f"{OWN}\n.uk", "text")
@example(f"write to {OWN} dot uk", "text")
@example(f"{NAME} at example dot org", "text")
@example("bo (at) " + NAME, "text")
@example(f"example.org,{NAME}", "text")
@example(f"bo &#64; {OWN}", "html")
@example(f"<{OWN}>\n.uk", "text")
@example(f"bo@\n<{OWN}>", "text")
def test_a_text_without_its_recipient_gives_away_what_the_whole_does(text: str, kind: str) -> None:
    roll = Roll(EVERYBODY, ["Lottery draw"], ["team@public.example"], "")
    whole, apart = searched(roll, text, kind)
    assert apart == whole


def test_a_value_over_the_joint_is_found() -> None:
    roll = Roll(EVERYBODY, ["Ruiz draw"], [], "")
    assert roll.find(f"{NAME} draw", as_it_stands, NAMES)[1] == {"ruiz draw"}


def test_what_is_the_same_for_everybody_is_what_is_left() -> None:
    one = masked(f"Dear {NAME},\nwrite to us.\n", NAMES, ENDINGS)
    two = masked("Dear Bo Li,\nwrite to us.\n", ("Bo Li", "bo@example.org"), ENDINGS)
    assert one is not None and two is not None and one.rest == two.rest
    assert one.taken == (NAME,) and one.lines == (f"Dear {NAME},",)


def test_headers_and_entries_are_left_without_their_references() -> None:
    for text in (
        f"<{UID}@example.org>",
        UID,
        f"{NAME} <{OWN}>",
        f"BEGIN:VEVENT\r\nUID:{UID}@example.org\r\nSEQUENCE:0",
    ):
        found = masked(text, NAMES, ENDINGS)
        assert found is not None and UID not in found.rest and OWN not in found.rest, text


def test_nothing_is_taken_out_of_a_line_that_says_more() -> None:
    for text in (
        f"{NAME}, bo@example.org",
        f"{NAME} at example dot org",
        f"x{OWN}",
        f"{OWN}.uk",
        f"{OWN} &#64;",
        f"write to\n{OWN}",
        f"{OWN}\nexample.org",
        f"bo%40example.org {NAME}",
    ):
        assert masked(text, NAMES, ENDINGS) is None, text


def test_a_name_that_could_be_part_of_something_is_left_where_it_is() -> None:
    for name in ("bo", "Ed Fe Ba", "ana@", "Ana at Home", "Ana <b>", "62 6f", "A" * 20, "Ana\u200bRuiz", "⒈ Ana"):
        assert masked(f"Dear {name},", (name,), ENDINGS) is None, name
