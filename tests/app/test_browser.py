"""`o`: one person's HTML in the organiser's own browser, and what is said where there is none."""

import os
import stat
import webbrowser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from tests.app.driving import composed, driven, seen, until


def _private_page(told: Path) -> Path:
    """The file that the browser was told of, which holds the message for its owner alone."""
    page = Path(unquote(urlsplit(told.read_text(encoding="utf-8").strip()).path))
    assert "Dear Bo Li," in page.read_text(encoding="utf-8")
    assert stat.S_IMODE(page.stat().st_mode) & 0o077 == 0
    assert stat.S_IMODE(page.parent.stat().st_mode) & 0o077 == 0
    return page


def _is_gone(page: Path) -> bool:
    return not page.exists()


@pytest.mark.skipif(os.name != "posix", reason="the browser here is a shell script")
async def test_o_opens_the_selected_persons_page_from_a_file_that_nobody_else_can_read(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = tmp_path / "told"
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" >>{told}\n', encoding="utf-8")
    browser.chmod(0o755)
    monkeypatch.setenv("BROWSER", str(browser))
    monkeypatch.setattr(webbrowser, "_tryorder", None)
    async with driven("attendees.csv") as pilot:
        await composed(pilot)
        await pilot.press("down")
        await composed(pilot)
        await pilot.press("o")
        await until(pilot, lambda: told.exists() and told.read_text(encoding="utf-8").strip())
        page = _private_page(told)
        await until(pilot, lambda: "Opened in the browser" in seen(pilot))
    assert _is_gone(page), "it goes when the app goes"


async def test_where_there_is_no_browser_the_page_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(using: str | None = None) -> webbrowser.BaseBrowser:
        raise webbrowser.Error("could not locate runnable browser")

    monkeypatch.setattr(webbrowser, "get", none)
    async with driven("attendees.csv", size=(160, 40)) as pilot:
        await composed(pilot)
        await pilot.press("o")
        await until(pilot, lambda: "There is no browser here" in seen(pilot))
