"""What workers and other desks do with a shared ledger, followed and steered in the app."""

import asyncio

import pytest

from tests.app.driving import Driven, app_of, by_name, driven, seen, until
from tests.app.settling import settle_by_itself
from tests.workers.office import Office
from tui import workers
from tui.mailing import Control, Question, Settled


@pytest.fixture(autouse=True)
def _settles(monkeypatch: pytest.MonkeyPatch) -> None:
    settle_by_itself(monkeypatch)


async def test_a_run_is_looked_at_paused_and_stopped_in_the_app(office: Office) -> None:
    office.invites(4)
    async with driven(office.path / "list.csv", environment=office.environment, size=(120, 40)) as pilot:
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


async def told(pilot: Driven, button: str, words: str) -> None:
    """The workers are told this, and `words` say how the run stands then."""
    await by_name(pilot, "Run of the workers")
    await until(pilot, lambda: pilot.app.screen.query(f"#{button}") and "4 unsent" in seen(pilot))
    await pilot.click(f"#{button}")
    await until(pilot, lambda: words in seen(pilot))
    if button != "stop":
        await pilot.press("escape")
