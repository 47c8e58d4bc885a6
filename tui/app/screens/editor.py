"""A text in place: the wording with the selected person's message beside it, the event file with its sentence."""

import re
from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.timer import Timer
from textual.widgets import OptionList, Static, TextArea
from textual.widgets.option_list import Option

from tui.app.drafts import Draft
from tui.app.pages import Line
from tui.app.screens.dialog import Dialog
from tui.app.widgets.armoured import Armoured
from tui.app.widgets.options import Options
from tui.app.widgets.reader import Reader
from tui.clean import visible
from tui.errors import InputError

_PAUSE = 0.2  # seconds without a key, after which the text is judged
_BEGUN = re.compile(r"\{\{\s*([\w.]*)$")
_OFFERED = 8  # placeholders at once


class Editor(Dialog[bool]):
    """True when it was saved. `line` is where the cursor begins; `said` is why the organiser is here."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "save", "save", priority=True),
        Binding("ctrl+space,ctrl+@", "offer", "placeholders", priority=True),
        Binding("escape", "leave", "close", priority=True),
        Binding("up", "move(-1)", "the one above", priority=True),
        Binding("down", "move(1)", "the one below", priority=True),
        Binding("enter,tab", "take", "fill it in", priority=True),
    ]

    class Judged(Message):
        """What is to be seen beside this text."""

        def __init__(self, number: int, lines: Sequence[Line]) -> None:
            super().__init__()
            self.number = number
            self.lines = list(lines)

    def __init__(self, draft: Draft, *, line: int | None = None, said: str = "") -> None:
        super().__init__()
        self._draft = draft
        self._line = line or 1
        self._said = said or draft.note
        self._text = Armoured(draft.text, id="text")
        self._beside = Reader(id="beside")
        self._offers = Options(id="offers", markup=False)
        self._asked = 0  # the text that is judged, by its number
        self._timer: Timer | None = None
        self._leaving = False

    def compose(self) -> ComposeResult:
        with Vertical(id="editor"):
            if self._said:
                yield Static(Content(visible(self._said)), id="said", markup=False)
            with Horizontal(id="both"):
                with Vertical(id="writing"):
                    yield self._text
                    yield self._offers
                if self._draft.judge is not None:
                    yield self._beside
            yield Static(id="what", markup=False)

    def on_mount(self) -> None:
        self._text.border_title = Content(visible(self._draft.target.name))
        self._beside.border_title = Content("As it will be")
        self._offers.display = False
        self._offers.can_focus = False
        self._text.move_cursor((min(self._line, self._text.document.line_count) - 1, 0), center=True)
        self._text.focus()
        self._tell()
        self._judge()

    def on_resize(self, event: events.Resize) -> None:
        self.set_class(event.size.width < 96, "-narrow")

    def _tell(self, words: Content | None = None) -> None:
        keys = [("^s", "saves"), ("esc", "closes")]
        if self._offers.display:
            keys = [("tab", "fills it in"), ("↓", "the next"), ("esc", "none of them")]
        elif self._draft.placeholders:
            keys.insert(1, ("{{", "offers what can be filled in"))
        parts = [Content.assemble((key, "bold $primary"), (f" {word}", "$quiet")) for key, word in keys]
        self.query_one("#what", Static).update(words or Content("   ").join(parts))

    # What is seen beside it

    def on_text_area_changed(self, _: TextArea.Changed) -> None:
        self._leaving = False
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(_PAUSE, self._judge)
        self._offer_if_begun()

    def _judge(self) -> None:
        if (judge := self._draft.judge) is None:
            return
        self._asked += 1
        number, text = self._asked, self._text.written
        self.run_worker(
            lambda: self.post_message(self.Judged(number, judge(text))), group="judge", exclusive=True, thread=True
        )

    def on_editor_judged(self, event: Judged) -> None:
        if event.number == self._asked:
            self._beside.show(event.lines, keep_place=True)

    # What can be filled in

    @property
    def _begun(self) -> str | None:
        """What of a placeholder stands before the cursor, None where none was begun."""
        row, column = self._text.cursor_location
        found = _BEGUN.search(self._text.document.get_line(row)[:column])
        return found[1] if found else None

    def _offer_if_begun(self) -> None:
        begun = self._begun
        fitting = [one for one in self._draft.placeholders if begun is not None and begun.casefold() in one.casefold()]
        fitting.sort(key=lambda one: not one.startswith(begun or ""))
        fitting = [one for one in fitting if one != begun]
        self._offers.display = bool(fitting)
        self._tell()
        self._offers.clear_options()
        self._offers.add_options([Option(Content(visible(one)), id=one) for one in fitting[:_OFFERED]])
        self._offers.highlighted = 0 if fitting else None

    def action_offer(self) -> None:
        if self._draft.placeholders and self._begun is None:
            self._text.insert("{{ ")
        self._offer_if_begun()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002 - Textual's
        """While something is offered, the keys that choose are the offer's; else they are the text's."""
        return self._offers.display if action in ("move", "take") else True

    def action_move(self, by: int) -> None:
        count = self._offers.option_count
        self._offers.highlighted = ((self._offers.highlighted or 0) + by) % count if count else None

    def action_take(self) -> None:
        at, begun = self._offers.highlighted, self._begun
        if at is None or begun is None:
            return
        name = self._offers.get_option_at_index(at).id or ""
        row, column = self._text.cursor_location
        after = self._text.document.get_line(row)[column:]
        before = self._text.document.get_line(row)[: column - len(begun)]
        gap = "" if before.endswith(" ") else " "
        closing = "" if after.lstrip().startswith("}}") else " }}"
        self._text.replace(f"{gap}{name}{closing}", (row, column - len(begun)), (row, column))
        self._offers.display = False
        self._tell()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self._offers.highlighted = event.option_index
        self.action_take()
        self._text.focus()

    # Leaving

    def action_save(self) -> None:
        """Once what was typed before is in the text: this key overtakes those that are on their way there."""
        self._text.call_later(self._save)

    def _save(self) -> None:
        if not self.is_current:
            return
        try:
            self._draft.save(self._text.written)
        except InputError as error:
            self._tell(Content.assemble(("▲ ", "$error"), visible(error.message)))
        else:
            self.dismiss(True)

    @property
    def is_changed(self) -> bool:
        """Whether something was typed that is not saved."""
        return self._text.written != self._draft.text

    def action_leave(self) -> None:
        """What was typed is not thrown away by one key, whether it is in the text yet or on its way there."""
        self._text.call_later(self._leave)

    def _leave(self) -> None:
        if not self.is_current:
            return
        if self._offers.display:
            self._offers.display = False
            self._tell()
        elif not self.is_changed or self._leaving:
            self.dismiss(False)
        else:
            self._leaving = True
            self._tell(Content.assemble(("▲ ", "$warning"), "Not saved: ^s saves, esc again throws it away."))
