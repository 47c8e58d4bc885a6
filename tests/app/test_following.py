"""What another program does with the same ledger is seen as it happens."""

import asyncio
from pathlib import Path

import pytest

from tests.app.driving import app_of, driven, seen, through, until
from tests.servers.recording import RecordingServer
from tui.app import following
from tui.folder import Folder, open_folder
from tui.mailing import Control, Question, Settled

NOBODY = {"HOST": "127.0.0.1", "PORT": "1", "SECURITY": "none", "RETRIES": "0"}


async def test_a_run_of_another_program_is_followed_without_a_key(people: Path, server: RecordingServer) -> None:
    environment = through(server)
    async with driven("few.csv", environment=environment, size=(120, 40)) as pilot:
        await pilot.press("down", "down")
        theirs = open_folder(["few.csv"], environment=environment | {"INVITE_TUI_NAME": "Bo"})
        control = Control(can_ask=True)
        run = theirs.send(theirs.plan(), control=control, canary=1)
        assert [type(await asyncio.to_thread(next, run)) for _ in range(2)] == [Settled, Question]  # and holds
        await until(pilot, lambda: ", by Bo" in seen(pilot) and "● Ana" in seen(pilot))
        assert "it is steered where" not in seen(pilot) and "pause" not in seen(pilot)
        control.answer(go_on=True)
        await asyncio.to_thread(list, run)
        await until(pilot, lambda: "The run of Bo is over: 4 sent." in seen(pilot))
        await until(pilot, lambda: "● Dora" in seen(pilot) and "4 sent" in seen(pilot).splitlines()[2])
        assert ", by Bo" not in seen(pilot) and "▌● Cid" in seen(pilot)

        # Of the app's own run there is one picture, and nothing afterwards says that it is somebody else's.
        await pilot.press("r")
        await until(pilot, lambda: "The current version again" in seen(pilot))
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "Type the number" in seen(pilot))
        await pilot.press("1", "enter")
        await until(pilot, lambda: "Resend finished" in seen(pilot))
        await until(pilot, lambda: app_of(pilot).state.survey.people["cid@example.org"].messages[-1].round == 1)
        assert app_of(pilot).state.elsewhere is None


async def test_a_run_of_ones_own_that_is_over_before_anybody_looked_is_nobody_elses(
    people: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[following.Elsewhere | None] = []
    look = following.latest

    def looked(folder: Folder) -> following.Elsewhere | None:
        looks.append(look(folder))
        return looks[-1]

    monkeypatch.setattr(following, "_BEAT", 2.0)
    monkeypatch.setattr(following, "latest", looked)
    nobody = {f"INVITE_TUI_SMTP_{name}": value for name, value in NOBODY.items()}
    async with driven("few.csv", environment=nobody) as pilot:
        await until(pilot, lambda: looks)
        before = len(looks)
        await pilot.press("s")
        await until(pilot, lambda: "Type the number" in seen(pilot))
        await pilot.press("4", "enter")
        await until(pilot, lambda: "Send failed" in seen(pilot))
        await until(pilot, lambda: len(looks) > before)
        await pilot.pause(0.1)
        assert app_of(pilot).state.elsewhere is None and "Send failed" in seen(pilot)


async def test_another_ledger_in_the_event_file_is_taken_up_and_named(held: Path) -> None:
    async with driven("few.csv", size=(120, 40)) as pilot:
        await pilot.press("e")
        await until(pilot, lambda: "event.ledger.db" in seen(pilot))
        await pilot.press("escape")
        with (held / "event.toml").open("a", encoding="utf-8") as file:
            file.write('\n[sending]\nledger = "other.ledger.db"\n')
        await until(pilot, lambda: "4 ready" in seen(pilot))  # nobody in it was sent anything
        await pilot.press("e")
        await until(pilot, lambda: "other.ledger.db" in seen(pilot) and "event.ledger.db" not in seen(pilot))
