"""What the screen says, without a screen."""

import random
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from rich.cells import cell_len

import tui.app
from tui.app.app import InviteApp
from tui.app.filtering import View, find, in_order
from tui.app.reading import read_html
from tui.app.state import Run, State
from tui.app.words import count, crop, duration, fit
from tui.app.work import Opened, Opening, open_files


def opened(folder: Path, *rows: str) -> State:
    """The state over a list with these rows."""
    header = "Name,Email,Audience,Note\n"
    (folder / "some.csv").write_text(header + "".join(f"{row}\n" for row in rows))
    states: list[State] = []
    open_files(lambda said: states.append(said.state) if isinstance(said, Opened) else None, Opening(("some.csv",)))
    assert states[-1].checked
    return states[-1]


def rows_of(state: State, **wanted: Any) -> tuple[int, ...]:
    view = View(**wanted)
    return tuple(in_order(tuple(find(view, state)), view.order, state))


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


def test_search_wants_every_word_in_any_column_of_the_same_row(folder: Path) -> None:
    people = ("Zoë Fairweather,z@example.org,,Captions", 'Ana Ruiz,a@example.org,,"captions\nand more"')
    state = opened(folder, *people, "Bo Li,b@example.net,,")
    assert rows_of(state, query="captions") == (0, 1)
    assert rows_of(state, query="zoe CAPTIONS") == (0,)
    assert rows_of(state, query="ruiz fairweather") == ()
    assert rows_of(state, query="  ") == (0, 1, 2)
    assert rows_of(state, query="li") == (2,)
    assert rows_of(state, query="example.org more") == (1,)


def test_search_takes_no_notice_of_case_and_accents(folder: Path) -> None:
    state = opened(folder, "ÅSA Müller,a@example.org,,", "Asa Muller,b@example.org,,", "Bo,c@example.org,,")
    assert rows_of(state, query="asa MÜLLER") == (0, 1)


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


def test_search_finds_how_people_stand(folder: Path) -> None:
    state = opened(folder, "Ana Ruiz,a@example.org,,", "Bo Li,b@@example.org,,", "Ready Teddy,r@@example.org,,")
    assert rows_of(state, query="to fix") == (1, 2)
    assert rows_of(state, query="ready") == (0, 2)
    assert rows_of(state, query="li fix") == (1,)
    assert rows_of(state, query="unkn") == ()


MIXED = (
    "Zoë,a3@example.org,staff,",
    "ana,a1@example.org,public,",
    "Bo,a@@example.org,staff,",
    ",a0@example.org,,",
    "Åsa,a2@example.org,public,",
)


def test_a_list_is_narrowed_by_standing_and_by_group(folder: Path) -> None:
    state = opened(folder, *MIXED)
    assert rows_of(state, standing="fix") == (2,)
    assert rows_of(state, standing="ready") == (0, 1, 3, 4)
    assert rows_of(state, group="staff") == (0, 2)
    assert rows_of(state, group="") == (3,)
    assert rows_of(state, group="staff", standing="ready", query="zoe") == (0,)


def test_a_list_is_sorted_whatever_the_case_and_the_accents_and_blanks_come_last(folder: Path) -> None:
    state = opened(folder, *MIXED)
    assert rows_of(state, order="name") == (1, 4, 2, 0, 3)
    assert rows_of(state, order="address") == (3, 1, 4, 0, 2)
    assert rows_of(state, order="group") == (1, 4, 0, 2, 3)
    assert rows_of(state, order="status")[0] == 2


def test_a_long_list_is_sorted_as_a_short_one_is(folder: Path) -> None:
    some = random.Random(3)
    names = ["".join(some.choices("abcé", k=4)) for _ in range(40_000)]
    state = opened(folder, *(f"{name},p{row}@example.org,," for row, name in enumerate(names)))
    keys = [name.replace("é", "e") for name in names]
    assert rows_of(state, order="name") == tuple(sorted(range(len(keys)), key=keys.__getitem__))
