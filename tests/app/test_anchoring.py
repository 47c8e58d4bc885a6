"""Columns stay where they are, however many cells a terminal gives to the letters of a name."""

import unicodedata
from collections.abc import Callable

import pyte
import pytest
from wcwidth import wcwidth

from tui.app.anchoring import anchored
from tui.app.words import cells, fit

NAMES = ("Ana Ruiz", "ফারহানা রহমান", "சுந்தரி முருகன்", "आरव शर्मा", "ณัฐพร ใจดี", "김서연", "👩🏽 Ada 🇬🇧", "\u2764\ufe0f Bo")


def _with_its_consonant(char: str) -> int:
    return 0 if unicodedata.category(char) == "Mc" else wcwidth(char)


def _in_a_cell_of_its_own(char: str) -> int:
    return 1 if unicodedata.category(char) == "Mc" else wcwidth(char)


@pytest.mark.parametrize("counting", [_with_its_consonant, _in_a_cell_of_its_own])
def test_what_follows_a_name_stands_in_its_column_on_every_terminal(
    counting: Callable[[str], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pyte.screens.wcwidth", counting)
    screen = pyte.Screen(40, len(NAMES))
    rows = [f"\x1b[{line};1H│ \x1b[1m{fit(name, 20)}\x1b[0m│ a@b.c │" for line, name in enumerate(NAMES, 1)]
    pyte.Stream(screen).feed(anchored("#" * 40 * len(NAMES) + "".join(rows)))
    for line in range(len(NAMES)):
        assert "".join(screen.buffer[line][at].data for at in range(22, 31)) == "│ a@b.c │"
        assert "#" not in "".join(screen.buffer[line][at].data for at in range(22))


def test_a_name_keeps_the_cells_that_it_takes_where_it_takes_most() -> None:
    assert cells("ফারহানা রহমান") == 13
    assert fit("ফারহানা রহমান", 13).startswith("ফারহানা রহমান")
    assert cells(fit("ফারহানা রহমান", 9).rstrip()) <= 9


def test_what_every_terminal_counts_alike_is_written_as_it_is() -> None:
    plain = "\x1b[2;3H\x1b[1mOlena Ковальчук 王小明\x1b[0m │"
    assert anchored(plain) == plain


def test_where_the_column_is_not_known_none_is_said() -> None:
    assert anchored("আ\x1b[2Kআ\nআ") == "আ\x1b[2Kআ\nআ"
