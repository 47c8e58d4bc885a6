"""What another program does with the same ledger is seen as it happens."""

import asyncio
from pathlib import Path

from tests.app.driving import app_of, driven, seen, through, until
from tests.servers.recording import RecordingServer
from tui.folder import open_folder
from tui.mailing import Control, Question, Settled


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
