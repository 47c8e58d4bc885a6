"""How it looks: one picture for each state that an organiser meets. `pytest --snapshot-update` takes them anew."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.app.driving import Driven, app_of, app_over, composed, opened, seen, through, typed, until
from tests.servers.recording import RecordingServer
from tui.app import checklist

Compare = Callable[..., bool]


def pressing(*keys: str) -> Callable[[Driven], object]:
    async def before(pilot: Driven) -> None:
        await opened(pilot)
        await pilot.press(*keys)
        await pilot.pause()
        await composed(pilot)

    return before


def test_the_main_screen_shows_who_gets_what(folder: Path, snap_compare: Compare) -> None:
    assert snap_compare(app_over("attendees.csv"), run_before=pressing("down"), terminal_size=(140, 45))


def test_at_60_by_20_the_list_has_the_screen_to_itself(folder: Path, snap_compare: Compare) -> None:
    assert snap_compare(app_over("attendees.csv"), run_before=pressing(), terminal_size=(60, 20))


def test_problems_stand_beside_their_rows(folder: Path, snap_compare: Compare) -> None:
    assert snap_compare(app_over("mistakes.csv"), run_before=pressing("f", "down"), terminal_size=(100, 30))


def test_a_wrong_number_keeps_the_send_button_dark(
    folder: Path, snap_compare: Compare, server: RecordingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    # How many days are left is on the picture.
    of_the_event = checklist._of_the_event
    monkeypatch.setattr(
        checklist, "_of_the_event", lambda event, _: of_the_event(event, datetime(2027, 4, 1, tzinfo=UTC))
    )

    async def before(pilot: Driven) -> None:
        await opened(pilot)
        await pilot.press("s")
        await until(pilot, lambda: "Type the number" in seen(pilot))
        await typed(pilot, "54")
        pilot.app.screen.set_focus(None)

    server_of_the_picture = {**through(server), "INVITE_TUI_SMTP_PORT": "2525"}
    app = app_over("attendees.csv", environment=server_of_the_picture)
    assert snap_compare(app, run_before=before, terminal_size=(100, 30))


def test_a_finished_send_says_what_became_of_it_and_what_to_do(
    folder: Path, snap_compare: Compare, server: RecordingServer
) -> None:
    server.say("RCPT", "550 5.1.1 No such user", to="bo.li@example.com")

    async def before(pilot: Driven) -> None:
        await opened(pilot)
        await pilot.press("s")
        await until(pilot, lambda: "Type the number" in seen(pilot))
        await typed(pilot, "55")
        await pilot.press("enter")
        await until(pilot, lambda: "Send finished" in seen(pilot))
        await until(pilot, lambda: "54 sent  " in seen(pilot) and "0 ready" in seen(pilot))

    app = app_over("attendees.csv", environment=through(server))
    assert snap_compare(app, run_before=before, terminal_size=(100, 30))


def test_a_person_is_corrected_in_place(folder: Path, snap_compare: Compare, server: RecordingServer) -> None:
    (folder / "few.csv").write_text("Name,Email,Audience,Role\nAna Ruiz,ana@example.org,public,x\n")

    async def before(pilot: Driven) -> None:
        await opened(pilot)
        await pilot.press("s")
        await until(pilot, lambda: "Type the number" in seen(pilot))
        await typed(pilot, "1")
        await pilot.press("enter")
        await until(pilot, lambda: "Send finished" in seen(pilot) and "0 ready" in seen(pilot))
        await pilot.press("escape", "a")
        await until(pilot, lambda: "Look at it" in seen(pilot))
        await pilot.press("tab")
        pilot.app.screen.set_focus(None)

    app = app_over("few.csv", environment=through(server))
    assert snap_compare(app, run_before=before, terminal_size=(100, 30))


def test_a_mail_that_went_wrong_shows_who_could_see_whom(folder: Path, snap_compare: Compare) -> None:
    people = ", ".join(f"Guest {number} <guest{number}@example.org>" for number in range(1, 12))
    (folder / "accident.eml").write_text(f"From: team@department.example\nTo: {people}\nSubject: Consultation\n\nHi\n")

    async def before(pilot: Driven) -> None:
        await opened(pilot)
        app_of(pilot).leaks.audit("accident.eml")
        await until(pilot, lambda: "Who could see whom" in seen(pilot))

    assert snap_compare(app_over("attendees.csv"), run_before=before, terminal_size=(100, 30))


def test_the_help_is_made_of_the_bindings(folder: Path, snap_compare: Compare) -> None:
    assert snap_compare(app_over("attendees.csv"), run_before=pressing("question_mark"), terminal_size=(100, 40))
