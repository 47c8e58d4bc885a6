"""At what pace a send goes, how much a day, who says so, and how to say otherwise."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from tui.app.pages import Line, field_line, text_line
from tui.app.screens.dialog import PageDialog

if TYPE_CHECKING:
    from tui.folder import Folder

_WIDTH = 13


class Limits(PageDialog):
    def __init__(self, folder: "Folder") -> None:
        super().__init__("Pace and quota", list(_lines(folder)))


def _lines(folder: "Folder") -> Iterator[Line]:
    forecast, pacing, provider = folder.forecast(1), folder.pacing(), folder.provider
    yield field_line("Mail server", provider.name, "strong", width=_WIDTH)
    rate = f"{pacing.per_minute:g} messages" if pacing.per_minute else "no limit"
    yield field_line("A minute", rate, width=_WIDTH)
    if provider.rate and pacing.per_minute != provider.rate:
        yield field_line("", f"{provider.name} publishes {provider.rate:g}", "quiet", width=_WIDTH)
    if forecast.per_day is None:
        yield field_line("In 24 hours", "no limit that is known", width=_WIDTH)
    else:
        whose = f"says {forecast.provider}" if forecast.per_day == provider.per_day else "as was set"
        yield field_line("In 24 hours", f"{forecast.per_day:,} messages, {whose}", width=_WIDTH)
        yield field_line("", f"{forecast.sent_lately:,} have left, as far as this ledger knows", width=_WIDTH)
    connections = f"{pacing.connections}" + (f" of {provider.connections}" if provider.connections else "")
    yield field_line("Connections", connections, width=_WIDTH)
    yield text_line()
    yield text_line("Before the quota is used up the send waits, and says how long; p, x and q work meanwhile.")
    yield text_line("Your own numbers: per_minute, per_day and connections under [sending] in the event file.")
    if provider.sources:
        yield text_line()
        yield text_line("Where the provider says so", "label")
        for source in provider.sources:
            yield text_line(source, "link")
