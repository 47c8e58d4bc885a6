"""One line to type into. What was pasted is harmless before it is drawn for the first time."""

from textual.widgets import Input
from textual.widgets.input import Selection

from tui.clean import visible


class Line(Input):
    """As the toolkit has it, which draws what it holds as it is; a control in it would reach the terminal."""

    def validate_value(self, value: str) -> str:
        """What it holds from now on; a password is drawn as dots, and stays what it is."""
        return value if self.password else visible(value, typing=True)

    def on_focus(self) -> None:
        if self.select_on_focus:
            self.call_next(self._show_beginning)

    def _show_beginning(self) -> None:
        """What is selected to be replaced is read from its beginning."""
        if self.selection == Selection(0, len(self.value)):
            self.selection = Selection(len(self.value), 0)
