"""A page of lines, wrapped to the width and drawn line by line: a long source costs what is on the screen."""

from collections.abc import Sequence
from typing import ClassVar

from rich.segment import Segment
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.selection import Selection
from textual.strip import Strip
from textual.style import Style

from tui.app.pages import TONES, Line


class Reader(ScrollView, can_focus=True):
    """Shows lines; the arrow keys scroll it. Text can be selected with the mouse."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"reader--{tone}" for tone in TONES}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "scroll_up", "scroll up", show=False),
        Binding("down,j", "scroll_down", "scroll down", show=False),
        Binding("pageup", "page_up", "a page up", show=False),
        Binding("pagedown,space", "page_down", "a page down", show=False),
        Binding("home", "scroll_home", "to the top", show=False),
        Binding("end", "scroll_end", "to the bottom", show=False),
    ]

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id)
        self._lines: Sequence[Line] = ()
        self._rows: list[Content] = []
        self._wrapped_to = 0

    def show(self, lines: Sequence[Line], *, keep_place: bool = False) -> None:
        """Show these lines, from the top unless the place is to be kept."""
        self._lines = lines
        self._wrap()
        if not keep_place:
            self.scroll_to(0, 0, animate=False)

    def on_resize(self) -> None:
        if self.scrollable_content_region.width != self._wrapped_to:
            self._wrap()

    def _wrap(self) -> None:
        width = self.scrollable_content_region.width
        self._wrapped_to = width
        # Nothing touches the bar beside it.
        self._rows = [row for line in self._lines for row in _rows(line, width - 1)] if width > 1 else []
        size = Size(0, len(self._rows))
        is_auto = self.styles.height is not None and self.styles.height.is_auto
        if is_auto or self.show_vertical_scrollbar != (size.height > self.container_size.height):
            self.virtual_size = size
            self.refresh(layout=is_auto)
            return
        # Nothing has to be laid out anew, which would draw the whole screen: this page alone.
        self.set_reactive(Reader.virtual_size, size)
        if self.show_vertical_scrollbar:
            self.vertical_scrollbar.window_virtual_size = size.height
        self.scroll_y = self.validate_scroll_y(self.scroll_y)
        self.refresh()

    def render_line(self, y: int) -> Strip:
        width = self.scrollable_content_region.width
        base = self.visual_style
        at = y + self.scroll_offset.y
        if at >= len(self._rows):
            return Strip.blank(width, base.rich_style)
        row = self._rows[at]
        selection = self.text_selection
        if selection is not None and (span := selection.get_span(at)) is not None:
            start, end = span
            marked = Style.from_styles(self.screen.get_component_styles("screen--selection"))
            row = row.stylize(marked, start, end if end >= 0 else None)
        segments = [Segment(text, style.rich_style) for text, style in row.render(base, end="", parse_style=self._tone)]
        return Strip(segments).adjust_cell_length(width, base.rich_style).apply_offsets(0, at)

    def _tone(self, tone: str | Style) -> Style:
        return tone if isinstance(tone, Style) else self.get_visual_style(f"reader--{tone}", partial=True)

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        return selection.extract("\n".join(row.plain.rstrip() for row in self._rows)), "\n"


def _rows(line: Line, width: int) -> list[Content]:
    indent = line.lead.cell_length
    if indent + line.body.cell_length <= width:
        return [line.lead + line.body]
    if indent * 2 > width:  # no room for two columns
        indent = 0
        rows = (line.lead + line.body).wrap(width)
        return [row.rstrip() for row in rows]
    first, *rest = line.body.wrap(width - indent)
    return [line.lead + first, *(row.pad_left(indent) for row in rest)]
