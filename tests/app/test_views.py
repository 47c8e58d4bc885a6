"""Some of the list only, and in another order; and a list that is still being read."""

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.app.driving import app_of, app_over, chosen, composed, driven, opened, seen, through, typed, until
from tests.servers.recording import RecordingServer
from tui.app.filtering import View
from tui.app.work import survey
from tui.attendees import Attendee, load
from tui.folder import open_folder
from tui.mailing import Control, Settled


async def test_v_shows_one_group_in_another_order_and_escape_everybody_again(folder: Path) -> None:
    async with driven("attendees.csv") as pilot:
        await pilot.press("v")
        await chosen(pilot, "organisations")
        await until(pilot, lambda: "10 of 55  organisations" in seen(pilot))
        await pilot.press("v")
        await chosen(pilot, "by name")
        await until(pilot, lambda: "by name" in seen(pilot))
        table = app_of(pilot).main.table
        names = [line.split("  ")[0] for line in seen(pilot).splitlines() if "✓" in line and "│" in line]
        assert "Aroha Ngata" in names[0]
        await pilot.press("home", "down")
        await composed(pilot)
        person = table.selected
        await pilot.press("escape")
        await until(pilot, lambda: "Attendees  55" in seen(pilot))
        assert table.selected is person


async def test_while_a_view_is_looked_for_the_list_stays_and_the_title_says_which(folder: Path) -> None:
    async with driven("attendees.csv") as pilot:
        main, pane = app_of(pilot).main, app_of(pilot).main.query_one("#attendees")
        order = main.table.order
        main.look_at(View(order="name"))
        assert main.shown is None and main.table.order is order
        assert "55 …" in str(pane.border_title) and "by name" in str(pane.border_subtitle)
        await until(pilot, lambda: main.shown == View(order="name"))
        assert "…" not in str(pane.border_title) and main.table.order is not order
        main.look_at(View())
        await until(pilot, lambda: main.shown == View())
        assert "…" not in str(pane.border_title) and pane.border_subtitle is None


async def test_v_shows_only_those_who_stand_so(folder: Path, few: Path) -> None:
    async with driven("few.csv") as pilot:
        await pilot.press("v")
        await chosen(pilot, "▲ to fix")
        await until(pilot, lambda: "1 of 4  to fix" in seen(pilot))
        assert "▲ Cid" in seen(pilot)
        await pilot.press("slash")
        await typed(pilot, "ana")
        await until(pilot, lambda: "Nobody matches ana" in seen(pilot))


async def test_after_a_send_those_who_were_refused_can_be_shown_alone(folder: Path, server: RecordingServer) -> None:
    people = ("Ana Ruiz,ana", "Bo Li,bo", "Cid,cid", "Dora,dora")
    (folder / "few.csv").write_text("Name,Email\n" + "".join(f"{one}@example.org\n" for one in people))
    server.say("RCPT", "550 5.1.1 No such user", to="bo@example.org")
    async with driven("few.csv", environment=through(server)) as pilot:
        await pilot.press("s")
        await until(pilot, lambda: "Type the number" in seen(pilot))
        await typed(pilot, "4")
        await pilot.press("enter")
        await until(pilot, lambda: "Send finished" in seen(pilot) and "3 sent  " in seen(pilot))
        await pilot.press("v")
        await chosen(pilot, "✗ refused")
        await until(pilot, lambda: "1 of 4  refused" in seen(pilot))
        assert "✗ Bo Li" in seen(pilot)


async def test_the_first_people_are_shown_and_walked_through_while_the_rest_is_read(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = "".join(f"P{number},p{number}@example.org\n" for number in range(600))
    (folder / "long.csv").write_text(f"Name,Email\n{rows}")
    go_on = threading.Event()

    def slowly(*given: Any, seen: Callable[[Sequence[Attendee]], object], **more: Any) -> object:
        def told(so_far: Sequence[Attendee]) -> None:
            seen(so_far)
            go_on.wait(60)

        return load(*given, seen=told, **more)

    monkeypatch.setattr("tui.folder.opening.load", slowly)
    async with app_over("long.csv").run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: "p7@example.org" in seen(pilot))
        assert app_of(pilot).state.folder is None
        assert "127 …" in seen(pilot)
        await pilot.press("down", "down", "s", "v", "slash")
        assert app_of(pilot).main.table.cursor == 2
        go_on.set()
        await opened(pilot)
        assert "Attendees  600" in seen(pilot)
        selected = app_of(pilot).main.selected
        assert selected is not None
        assert selected.name == "P2"
        assert "Dear P2" in seen(pilot)


async def test_the_persons_page_says_what_becomes_of_each_session(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder / "sessions")
    async with driven("attendees.csv", size=(140, 45)) as pilot:
        screen = seen(pilot)
        assert "messages to send, of" in screen
        assert screen.count("invite: first invitation") >= 2
        await pilot.press("6")
        await pilot.pause()
        assert seen(pilot).count("invite: first invitation") >= 2


async def test_the_last_question_names_the_columns_that_leave_and_that_stay(
    folder: Path, server: RecordingServer
) -> None:
    async with driven("attendees.csv", environment=through(server), size=(120, 45)) as pilot:
        await pilot.press("s")
        await until(pilot, lambda: "Type the number" in seen(pilot))
        screen = seen(pilot)
        assert "Columns that leave: Name" in screen
        assert "Role" in screen.partition("That stay here:")[2]


async def test_after_everybody_was_cancelled_nobody_is_shown_as_ready(folder: Path, server: RecordingServer) -> None:
    (folder / "two.csv").write_text("Name,Email\nAna,ana@example.org\nBo,bo@example.org\n")
    opened_folder = open_folder(["two.csv"], environment=through(server))
    for command in ("send", "cancel"):
        planned = opened_folder.plan() if command == "send" else opened_folder.plan_cancel(None)
        assert all(isinstance(one, Settled) for one in opened_folder.send(planned, control=Control(), command=command))
    (folder / "two.csv").write_text("Name,Email\nAna,ana@example.org\nBo,bo@example.org\nNew,new@example.org\n")
    async with driven("two.csv") as pilot:
        assert "0 ready" in seen(pilot)
        await pilot.press("end", "6")
        await until(pilot, lambda: "cancelled for everybody" in seen(pilot))
        assert "· New" in seen(pilot)


@pytest.mark.parametrize("list_of", ["attendees.csv", "few.csv", "sessions/attendees.csv"])
def test_what_the_app_counts_is_what_a_send_would_send(few: Path, server: RecordingServer, list_of: str) -> None:
    opened_folder = open_folder([list_of], environment=through(server))
    errors = frozenset((one.file, one.line) for one in opened_folder.errors)
    assert survey(opened_folder, errors).ready == len(opened_folder.plan(skip_errors=True).to_send) > 0
    some = opened_folder.plan(only=[opened_folder.attendees.attendees[0].address], skip_errors=True)
    assert list(opened_folder.send(some, control=Control(), command="send"))
    after = survey(opened_folder, errors)
    assert after.ready == len(opened_folder.plan(skip_errors=True).to_send)
    assert after.holding == 1
