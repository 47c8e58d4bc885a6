"""One of a list: it scrolls, the keys and the mouse choose, and what is under the cursor is explained below."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from tui.app.screens.dialog import Dialog
from tui.app.widgets.options import Options
from tui.app.words import fit
from tui.clean import visible

_SHORT = 34  # cells of a label that stands on one line with its note
_AROUND = 4  # cells of a line before its label, between that and the note, and behind it
_MARGIN = 8  # lines of the screen and of the panel that the list never has


@dataclass(frozen=True, slots=True)
class Item:
    """Something to choose. `name` is what the dialog returns; `tone` colours the label, `note_tone` what is beside."""

    name: str
    label: str
    note: str = ""
    tone: str = ""
    enabled: bool = True
    note_tone: str = "$quiet"


class Pick(Dialog[str]):
    """Returns the chosen item's name, or None. A text among the items is a heading."""

    def __init__(
        self,
        title: str,
        items: Sequence[Item | str],
        *,
        said: str = "",
        chosen: str = "",
        explain: Callable[[str], Content] | None = None,
        width: int = _SHORT,
        closes: str = "esc closes",
    ) -> None:
        """A label has `width` cells at most; `explain` says more about what is under the cursor, and `closes` what the
        keys do."""
        super().__init__()
        self._closes = closes
        self._width = width
        self._title_text = title
        self._items = items
        self._said = said
        self._chosen = chosen
        self._explain = explain
        self._names: list[str] = []
        self._cut: dict[str, str] = {}  # the notes that are longer than their place

    def compose(self) -> ComposeResult:
        with Vertical(classes="panel") as panel:
            panel.border_title = Content(self._title_text)
            if self._said:
                yield Static(Content(visible(self._said)), classes="said", markup=False)
            yield Options(*self._options(), markup=False, classes="-long" if self._width > _SHORT else "")
            yield Static(id="explained", markup=False)

    @property
    def _label_width(self) -> int:
        widths = (cell_len(visible(one.label)) for one in self._items if isinstance(one, Item))
        return min(max(widths, default=0), self._width)

    def _options(self) -> "list[Option | None]":
        width = self._label_width
        made: list[Option | None] = []
        for item in self._items:
            if isinstance(item, str):
                made += [None] if made else []
                self._names.append("")
                made.append(Option(Content.styled(visible(item), "$quiet"), disabled=True))
                continue
            label = (f"{fit(item.label, width)}  ", item.tone) if item.tone else f"{fit(item.label, width)}  "
            self._names.append(item.name)
            made.append(
                Option(Content.assemble(label, (visible(item.note), item.note_tone)), disabled=not item.enabled)
            )
        return made

    def on_mount(self) -> None:
        options = self.query_one(OptionList)
        can = [at for at, one in enumerate(self._items) if isinstance(one, Item) and one.enabled]
        chosen = self._names.index(self._chosen) if self._chosen in self._names else -1
        options.highlighted = chosen if chosen in can else can[0] if can else None
        options.focus()
        self.tell_of_more(options, self.query_one(".panel"), self._closes)

    @property
    def chosen(self) -> str:
        """The name of what is under the cursor, "" where there is nothing."""
        at = self.query_one(OptionList).highlighted
        return "" if at is None else self._names[at]

    def on_resize(self) -> None:
        room = self.query_one(OptionList).content_size.width - self._label_width - _AROUND
        notes = {one.name: one.note for one in self._items if isinstance(one, Item)}
        self._cut = {name: note for name, note in notes.items() if cell_len(visible(note)) > room > 0}
        self.query_one("#explained").display = self._explain is not None or bool(self._cut)
        self._show_more(self.chosen)
        others = sum(one.outer_size.height for one in self.query(Static) if one.display)
        self.query_one(OptionList).styles.max_height = max(3, self.size.height - _MARGIN - min(others, 6))

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        self._show_more(self._names[event.option_index])

    def _show_more(self, name: str) -> None:
        """Of what is under the cursor: what is explained, or the note that its line has no room for."""
        if self._explain is not None:
            self.query_one("#explained", Static).update(self._explain(name))
        elif self._cut:
            self.query_one("#explained", Static).update(Content.styled(visible(self._cut.get(name, "")), "$quiet"))

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(self._names[event.option_index])
