"""Pictures of the app, compared with those that were looked at and kept. `pytest --snapshot-update` takes them anew."""

from types import TracebackType
from typing import Self

from pytest_textual_snapshot import SVGImageExtension
from syrupy.assertion import SnapshotAssertion
from textual.widgets import Input, TextArea

from tests.app.driving import Driven, app_of
from tui.app.app import InviteApp


class Gallery:
    """Takes pictures on the way through the app; at the end of the way all of them must be as they were kept."""

    def __init__(self, snapshot: SnapshotAssertion) -> None:
        self._snapshot = snapshot.use_extension(SVGImageExtension)
        self._different: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            assert not self._different, f"these pictures are not as they were: {', '.join(self._different)}"

    async def take(self, pilot: Driven, name: str, *, toasts: bool = False) -> None:
        """The screen as it is now, called `name`: a sentence. What passes by itself is only seen with `toasts`."""
        app = app_of(pilot)
        if not toasts:
            app.clear_notifications()
        picture, before = _picture(app), ""
        while picture != before:  # until nothing moves any more
            await pilot.pause(0.05)
            picture, before = _picture(app), picture
        if self._snapshot(name=name.replace(" ", "_")) != picture:
            self._different.append(name)


def _picture(app: InviteApp) -> str:
    """What is on the screen, as SVG, with a cursor that does not blink from now on."""
    if isinstance(focused := app.screen.focused, Input | TextArea):
        focused.cursor_blink = False
    return app.export_screenshot(title="invite-tui")
