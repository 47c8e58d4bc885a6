"""What is told while many messages are being made."""

import sys

import pytest

from tui.cli.output import Composing


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def lines_of(capsys: pytest.CaptureFixture[str], seconds: float, count: int = 100_000) -> str:
    """What is told where a message takes so long."""
    clock = Clock()
    tell = Composing(clock)
    for done in range(100, count + 1, 100):
        clock.now = done * seconds
        tell(done, count)
    return capsys.readouterr().err


def test_a_long_making_is_told_now_and_then_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    told = lines_of(capsys, 0.0005).splitlines()
    assert told[0] == "Composing and checking 10,000 of 100,000" and len(told) == 5


def test_on_a_terminal_it_is_one_line_that_goes_away(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    told = lines_of(capsys, 0.0005).split("\r\x1b[K")
    assert told[1] == "Composing and checking 2,000 of 100,000" and told[-1] == "" and len(told) > 100


@pytest.mark.parametrize("is_terminal", [True, False])
def test_a_short_one_is_not_told(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, is_terminal: bool
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: is_terminal)
    assert lines_of(capsys, 0.0005, 1_000) == ""
