"""A list to choose from whose cursor is seen on a terminal of 16 colours too."""

from textual.style import Style
from textual.widgets import OptionList


class Options(OptionList):
    """As the toolkit has it; a cursor that is drawn by exchanging its two colours is not lost."""

    def get_visual_style(self, *component_classes: str, partial: bool = False) -> Style:
        style = super().get_visual_style(*component_classes, partial=partial)
        is_reversed = any(self.get_component_styles(name).text_style.reverse for name in component_classes)
        return style + Style(reverse=True) if is_reversed else style
