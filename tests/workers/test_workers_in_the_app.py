"""What workers and other desks do with a shared ledger, followed and steered in the app."""

import asyncio

import pytest
from textual.widgets import Input

from tests.app.driving import Driven, app_of, by_name, driven, pasted, seen, typed, until
from tests.app.settling import settle_by_itself
from tests.servers.recording import RecordingServer
from tests.workers.office import Office
from tui import workers
from tui.app.screens.form import Cycle
from tui.mailing import Control, Question, Settled

_OF_A_WORKER = 120.0
"""Seconds for what a process of its own does, beside all others on the machine."""


@pytest.fixture(autouse=True)
def _settles(monkeypatch: pytest.MonkeyPatch) -> None:
    settle_by_itself(monkeypatch)


async def test_a_run_is_looked_at_paused_and_stopped_in_the_app(office: Office) -> None:
    office.invites(4)
    async with driven(office.path / "list.csv", environment=office.environment, size=(120, 40)) as pilot:
        await until(pilot, lambda: app_of(pilot).follows)
        office.hand_over()
        await until(pilot, lambda: "Sending: 0 of 4, by workers, for you" in seen(pilot))
        await pilot.press("p")
        await until(pilot, lambda: "Sending: 0 of 4, paused, by workers" in seen(pilot))
        await pilot.press("p")
        await until(pilot, lambda: "waiting for a worker" in seen(pilot))
        await told(pilot, "pause", "It is paused:")
        await told(pilot, "go-on", "Workers carry it out")
        await told(pilot, "stop", "It was stopped")
        await until(pilot, lambda: "The run of workers, for you was stopped: 4 unsent." in seen(pilot))
        assert not pilot.app.screen.query("#stop, #go-on, #pause")
    standing = workers.standing(office.folder())
    assert standing is not None and standing.handover.state == "stopped"


async def test_what_another_desk_sends_is_seen_as_it_happens(office: Office) -> None:
    office.invites(4)
    async with driven(office.path / "list.csv", environment=office.environment, size=(120, 40)) as pilot:
        await pilot.press("down")
        before = app_of(pilot).main.selected
        await until(pilot, lambda: app_of(pilot).follows)
        theirs = office.folder_of("Bo")
        control = Control(can_ask=True)
        run = theirs.send(theirs.plan(), control=control, canary=1)
        assert [type(await asyncio.to_thread(next, run)) for _ in range(2)] == [Settled, Question]  # and holds
        await until(pilot, lambda: ", by Bo" in seen(pilot) and "● Gäst 0" in seen(pilot))
        assert "p pause" not in seen(pilot)
        control.answer(go_on=True)
        await asyncio.to_thread(list, run)
        await until(pilot, lambda: "The run of Bo is over: 4 sent." in seen(pilot))
        await until(pilot, lambda: "● Gäst 3" in seen(pilot) and "4 sent" in seen(pilot).splitlines()[2])
        assert ", by Bo" not in seen(pilot)
        assert app_of(pilot).main.selected == before


async def test_a_run_is_handed_over_through_the_accounts_that_are_named_and_so_is_a_cancellation(
    office: Office, two_relays: dict[str, RecordingServer]
) -> None:
    office.invites(24, more='accounts = ["north"]')
    async with driven(office.path / "list.csv", environment=office.environment, size=(120, 40)) as pilot:
        await pilot.press("s")
        await until(pilot, lambda: "◂ this computer ▸" in seen(pilot))
        assert "Through" not in seen(pilot)
        pilot.app.screen.query_one("#canary", Input).value = "2"
        await by_workers(pilot)
        line = pilot.app.screen.query_one("#through", Input)
        assert line.value == "north"
        line.focus()
        await pasted(pilot, ", south")
        await until(pilot, lambda: "Enter plans it through north and south, and asks again." in seen(pilot))
        await pilot.press("enter")
        await until(pilot, lambda: pilot.app.focused is not None and pilot.app.focused.id == "number")
        await typed(pilot, "24")
        await until(
            pilot, lambda: "Enter has workers send the first 2, then ask, through north and south" in seen(pilot)
        )
        await pilot.press("enter")
        await until(pilot, lambda: "Sending: 0 of 24, by workers, for you" in seen(pilot))
        office.start()
        await until(pilot, lambda: "Sending: 2 of 24, paused, by workers" in seen(pilot), _OF_A_WORKER)
        await pilot.press("p")
        await until(pilot, lambda: "24 sent" in seen(pilot).splitlines()[2], _OF_A_WORKER)
        assert office.standing().handover.account == "north, south"
        assert all(server.messages for server in two_relays.values())

        await pilot.press("t")
        await until(pilot, lambda: "Takes the entry out" in seen(pilot))
        await pilot.press("ctrl+s")
        await by_workers(pilot)
        pilot.app.screen.query_one("#number", Input).focus()
        await typed(pilot, "1")
        await pilot.press("enter")
        await until(pilot, lambda: "The run of workers, for you is over: 1 sent." in seen(pilot), _OF_A_WORKER)
    assert sum(len(server.messages) for server in two_relays.values()) == 25


async def by_workers(pilot: Driven) -> None:
    """It is the workers who are to send it."""
    await until(pilot, lambda: pilot.app.screen.query("#by"))
    pilot.app.screen.query_one("#by", Cycle).focus()
    await pilot.press("right")
    await until(pilot, lambda: "◂ the workers ▸" in seen(pilot) and "Through" in seen(pilot))


async def told(pilot: Driven, button: str, words: str) -> None:
    """The workers are told this, and `words` say how the run stands then."""
    await by_name(pilot, "Run of the workers")
    await until(pilot, lambda: pilot.app.screen.query(f"#{button}") and "4 unsent" in seen(pilot))
    await pilot.click(f"#{button}")
    await until(pilot, lambda: words in seen(pilot))
    if button != "stop":
        await pilot.press("escape")
