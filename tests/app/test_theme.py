"""The look that a terminal is given where nobody has chosen one."""

from pathlib import Path

import pytest
from textual._context import visible_screen_stack

from tests.app.driving import app_of, driven, seen, until
from tui.app.theme import usual


@pytest.mark.parametrize(
    ("said", "colours", "name"),
    [
        ("", "truecolor", "invite-dark"),
        ("0;15", "truecolor", "invite-light"),
        ("0;default;15", "256", "invite-light"),
        ("15;0", "256", "invite-dark"),
        ("15;0", "standard", "invite-16-dark"),
        ("0;7", "standard", "invite-16-light"),
        ("", "windows", "invite-16-dark"),
        ("nonsense", None, "invite-dark"),
    ],
)
def test_the_look_follows_what_is_known_of_the_terminal(said: str, colours: str | None, name: str) -> None:
    assert usual({"COLORFGBG": said}, colours).name == name


async def test_a_terminal_of_sixteen_colours_is_given_no_others(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "linux")
    monkeypatch.delenv("COLORTERM")
    async with driven("attendees.csv", environment={"COLORFGBG": "0;15"}) as pilot:
        app = app_of(pilot)
        assert app.theme == "invite-16-light"
        drawn = {
            style for strip in app.screen._compositor.render_strips() for _, style, _ in strip if style is not None
        }
        assert {colour.type.name for style in drawn for colour in (style.color, style.bgcolor) if colour} <= {
            "DEFAULT",
            "STANDARD",
        }


async def test_what_is_below_a_dialog_shows_through_whoever_asks_first_for_the_picture(folder: Path) -> None:
    async with driven("attendees.csv", size=(120, 40)) as pilot:
        pilot.app.theme = "invite-dark"
        await pilot.press("e")
        await until(pilot, lambda: "enter changes it" in seen(pilot))
        pilot.app.screen.refresh()
        visible_screen_stack.set([])  # as it is outside of the toolkit's own drawing
        strips = pilot.app.screen._compositor.render_strips()
        assert "Attendees" in "\n".join(strip.text for strip in strips)
