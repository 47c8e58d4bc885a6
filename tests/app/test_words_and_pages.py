"""What the screen says, without a screen."""

from types import MappingProxyType

import pytest
from rich.cells import cell_len

import tui.app
from tui.app.app import InviteApp
from tui.app.filtering import Index, fold
from tui.app.reading import read_html
from tui.app.state import Run
from tui.app.words import count, crop, duration, fit
from tui.attendees import Attendee, Columns

COLUMNS = Columns(("Name", "Email", "Note"), {}, {}, 1)


def person(name: str, note: str = "") -> Attendee:
    return Attendee(name, f"{name}@example.org".replace(" ", "."), name, "g", "a.csv", 2, (name, "", note), COLUMNS)


@pytest.mark.parametrize("text", ["Ana Ruiz", "王小明王小明", "e\u0301" * 20, "\x1b[31mred", "", "ａｂｃ"])
@pytest.mark.parametrize("width", [0, 1, 2, 5, 9])
def test_fit_fills_exactly_the_cells_it_is_given(text: str, width: int) -> None:
    assert cell_len(fit(text, width)) == width


def test_crop_says_where_something_is_missing() -> None:
    assert crop("consultation", 6) == "consu…"
    assert crop("short", 6) == "short"


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.4, "0 s"), (59.6, "1 min"), (130, "2 min 10 s"), (1200, "20 min"), (3900, "1 h 5 min")]
)
def test_a_time_is_said_as_a_person_would(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_counts_agree_with_their_nouns() -> None:
    assert count(1, "person", "people") == "1 person"
    assert count(1200, "person", "people") == "1,200 people"


def test_search_wants_every_word_in_any_column_of_the_same_row() -> None:
    index = Index([person("Zoë Fairweather", "Captions"), person("Ana Ruiz", "captions\nand more"), person("Bo Li")])
    assert index.find("captions") == (0, 1)
    assert index.find("zoe CAPTIONS") == (0,)
    assert index.find("ruiz fairweather") == ()
    assert index.find("  ") == (0, 1, 2)
    assert index.find("li") == (2,)


def test_folding_takes_case_and_accents_away() -> None:
    assert fold("ÅSA Müller STRASSE") == fold("asa muller strasse")


def test_html_is_read_as_a_person_reads_it() -> None:
    html = """<html><head><title>no</title><style>p {}</style></head><body><h1>Hello</h1>
    <p>Come to <b>this</b>,<br>and bring <a href="https://example.org/x">a friend</a>.</p>
    <ul><li>One</li><li>Two</li></ul>
    <p style="display: none">hidden</p><script>alert(1)</script><p><a href="mailto:a@b.c">a@b.c</a></p></body></html>"""
    lines = ["".join(text for text, _ in line) for line in read_html(html)]
    assert [line for line in lines if line] == [
        "Hello",
        "Come to this,",
        "and bring a friend (https://example.org/x).",
        "• One",
        "• Two",
        "a@b.c",
    ]


def test_html_that_nobody_closed_is_still_read() -> None:
    assert read_html("<p>one<p>two</b></div>") == [[("one", "")], [], [("two", "")]]


def test_a_runs_numbers_add_up_and_its_rate_leaves_pauses_out() -> None:
    run = Run("send", 55, "outbox/", MappingProxyType({}), {"accepted": 20, "refused": 2, "unsent": 3}, active=11.0)
    assert (run.done, run.left) == (22, 33)
    assert run.rate == 2.0
    assert run.seconds_left == 16.5


def test_what_is_left_of_a_send_is_said_on_the_terminal_made_harmless(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(InviteApp, "run", lambda app: setattr(app, "_left_words", "1 sent, 2 left: \x1b[2J"))
    tui.app.run(["a.csv"])
    assert capsys.readouterr().err == "1 sent, 2 left: ␛[2J\n"


def test_search_finds_how_people_stand() -> None:
    index = Index([person("Ana Ruiz"), person("Bo Li"), person("Ready Teddy")])
    words = ["ready", "unknown", "to fix"]
    assert index.find("unkn", words.__getitem__) == (1,)
    assert index.find("to fix", words.__getitem__) == (2,)
    assert index.find("ready", words.__getitem__) == (0, 2)
    assert index.find("li unknown", words.__getitem__) == (1,)
