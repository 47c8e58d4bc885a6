"""What a send would do, and the digest that seals it."""

import shlex
from collections.abc import Iterator
from typing import TYPE_CHECKING

from tui.app.pages import Line, field_line, text_line
from tui.app.screens.dialog import PageDialog
from tui.app.screens.event import columns_in_words
from tui.app.state import State
from tui.app.words import count
from tui.clean import visible

if TYPE_CHECKING:
    from tui.plan import Plan

_WIDTH = 14
_GROUPS_SHOWN = 100
_SAID = {
    "invite": "to invite",
    "update": "to update",
    "cancel": "to cancel",
    "none": "nothing",
    "unknown": "unknown",
    "removed": "removed",
    "withdrawn": "withdrawn",
}


class PlanPage(PageDialog):
    def __init__(self, plan: "Plan", state: State) -> None:
        super().__init__("Plan", list(_lines(plan, state)))


def _lines(plan: "Plan", state: State) -> Iterator[Line]:
    messages = len(plan.to_send)
    yield text_line(f"A send would send {messages:,} messages." if messages != 1 else "A send would send 1 message.")
    if state.left_out:
        yield text_line(f"{count(state.left_out, 'row with an error is', 'rows with errors are')} left out.", "care")
    yield text_line()
    for what, number in plan.counts.items():
        if number:
            yield field_line(_SAID.get(what, what), f"{number:,}", width=_WIDTH)
    if list(plan.groups) != [""]:
        yield text_line()
        for group, number in list(plan.groups.items())[:_GROUPS_SHOWN]:
            yield field_line(group or "no group", f"{number:,}", width=_WIDTH)
    yield text_line()
    yield text_line("Columns that leave in a message, and those that stay on this machine", "label")
    yield from columns_in_words(state.leaving, state.staying)
    yield text_line()
    yield text_line("Its digest: changes with the event, the list, the wording, the account and the ledger", "label")
    yield text_line(plan.digest, "good")
    files = shlex.join(state.files)
    leaving_out = " --skip-errors" if state.left_out else ""
    yield text_line(visible(f"invite-tui send {files}{leaving_out} --approve {plan.digest}"), "quiet")
    yield text_line("sends this on a command line, as long as nothing of it has changed.", "quiet")
