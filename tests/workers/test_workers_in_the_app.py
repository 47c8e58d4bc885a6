"""A run that workers carry out, looked at and steered in the app."""

from tests.app.driving import Driven, by_name, driven, seen, until
from tests.workers.office import Office
from tui import workers


async def test_a_run_is_looked_at_paused_and_stopped_in_the_app(office: Office) -> None:
    office.invites(4)
    office.hand_over()
    async with driven(office.path / "list.csv", environment=office.environment) as pilot:
        await told(pilot, "pause", "It is paused:")
        await told(pilot, "go-on", "Workers carry it out")
        await told(pilot, "stop", "It was stopped")
        assert not pilot.app.screen.query("#stop, #go-on, #pause")
    standing = workers.standing(office.folder())
    assert standing is not None and standing.handover.state == "stopped"


async def told(pilot: Driven, button: str, words: str) -> None:
    """The workers are told this, and `words` say how the run stands then."""
    await by_name(pilot, "Run of the workers")
    await until(pilot, lambda: pilot.app.screen.query(f"#{button}"))
    assert "4 unsent" in seen(pilot)
    await pilot.click(f"#{button}")
    await until(pilot, lambda: words in seen(pilot))
    if button != "stop":
        await pilot.press("escape")
