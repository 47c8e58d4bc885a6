"""What another program does with the same ledger is seen as it happens."""

import asyncio
import threading
from dataclasses import replace
from functools import partial
from itertools import count
from pathlib import Path

import pytest
from textual.message import Message

from tests.app.driving import app_of, as_soon_as, driven, idle, over, seen, through, until
from tests.delivery.helpers import once_silent
from tests.servers.recording import RecordingServer
from tui.app import following, work
from tui.app.state import Place, Survey
from tui.folder import Folder, open_folder
from tui.mailing import Control, Question, Settled

NOBODY = {"HOST": "127.0.0.1", "PORT": "1", "SECURITY": "none", "RETRIES": "0"}


async def test_a_run_of_another_program_is_followed_without_a_key(people: Path, server: RecordingServer) -> None:
    environment = through(server)
    async with driven("few.csv", environment=environment, size=(120, 40)) as pilot:
        await pilot.press("down", "down")
        await until(pilot, lambda: app_of(pilot).follows)
        theirs = open_folder(["few.csv"], environment=environment | {"INVITE_TUI_NAME": "Bo"})
        control = Control(can_ask=True)
        run = theirs.send(theirs.plan(), control=control, canary=1)
        assert [type(await asyncio.to_thread(next, run)) for _ in range(2)] == [Settled, Question]  # and holds
        await until(pilot, lambda: ", by Bo" in seen(pilot) and "● Ana" in seen(pilot))
        assert "it is steered where" not in seen(pilot) and "pause" not in seen(pilot)
        assert "next  " not in seen(pilot) and "▸" not in seen(pilot), "nobody is told to send what is being sent"
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

    monkeypatch.setattr(following, "_BEAT", 1.0)
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


async def test_a_run_elsewhere_that_was_over_before_anybody_looked_is_told(
    people: Path, server: RecordingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "_BEAT", 1.0)
    async with driven("few.csv", environment=through(server), size=(120, 40)) as pilot:
        await until(pilot, lambda: app_of(pilot).follows)
        theirs = open_folder(["few.csv"], environment=through(server) | {"INVITE_TUI_NAME": "Bo"})
        await asyncio.to_thread(list, theirs.send(theirs.plan(), control=Control()))
        await until(pilot, lambda: "The run of Bo is over: 4 sent." in seen(pilot))


def test_a_run_whose_last_message_is_in_flight_is_not_over(people: Path, server: RecordingServer) -> None:
    theirs, control, seen = open_folder(["few.csv"], environment=through(server)), Control(), []
    server.hang("DOT", to="dora@example.org")

    def look() -> None:
        try:
            seen.append(following.latest(theirs))
        finally:
            control.abort()

    with once_silent(server.is_silent, look):
        list(theirs.send(theirs.plan(), control=control))
    now, before = following.latest(theirs), seen[0]
    assert before is not None and now is not None and before.counts == now.counts
    assert now.is_over and not before.is_over


async def test_a_run_that_is_begun_while_the_files_are_read_again_stays_on_the_screen(
    people: Path, server: RecordingServer
) -> None:
    environment = through(server, PER_MINUTE="30")
    async with driven("few.csv", environment=environment) as pilot:
        app = app_of(pilot)
        said: list[Message] = []
        work.open_files(said.append, work.Opening(("few.csv",), environment=environment))
        opened = [one for one in said if isinstance(one, work.Opened)]
        await pilot.press("s")
        await until(pilot, lambda: "Type the number" in seen(pilot))
        await pilot.press("4", "enter")
        await until(pilot, lambda: server.messages)
        for one in opened:
            app.post_message(one)
            await until(pilot, partial(lambda last: app.state.checked is last.state.checked, one))
            assert app.state.folder is one.state.folder and app.state.running
        await pilot.press("x")
        await over(pilot)
        assert "Send stopped" in seen(pilot) and "3 ready" in seen(pilot)


async def test_what_was_read_last_stays_whichever_thread_comes_last(
    people: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers, begun, go_on = count(1), threading.Event(), threading.Event()
    survey = work.survey

    def numbered(folder: Folder, errors: frozenset[Place]) -> Survey:
        if (number := next(numbers)) == 1:
            begun.set()
            assert go_on.wait(60)
        return replace(survey(folder, errors), sent=number)

    async with driven("few.csv") as pilot:
        app = app_of(pilot)
        monkeypatch.setattr(work, "survey", numbered)
        app.look_again()
        await asyncio.to_thread(begun.wait, 60)
        app.look_again()
        await as_soon_as(pilot, lambda: app.state.survey.sent == 2)
        go_on.set()
        await idle(pilot)
        assert app.state.survey.sent == 2
        assert app.state.folder is not None
        app.post_message(work.Surveyed(open_folder(["few.csv"]), Survey()))  # of a folder that is no longer there
        await pilot.pause()
        assert app.state.survey.sent == 2


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
