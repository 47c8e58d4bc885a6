"""Questions on the terminal, a line each; what is a secret is not shown. `UsageError` where the input ends."""

import getpass
import sys

from tui.cli.output import tell
from tui.errors import UsageError


def agree(question: str, *, usual: bool = True) -> bool:
    while True:
        said = ask(f"{question} [{'Y/n' if usual else 'y/N'}]", " ").strip().lower()
        if said in ("", "y", "yes"):
            return usual if not said else True
        if said in ("n", "no"):
            return False
        tell("Please answer y or n.")


def ask(question: str, usual: str = "") -> str:
    """One line, or `usual` for an empty one where there is something usual."""
    shown = f"{question} [{usual}]:" if usual.strip() else f"{question}:"
    while True:
        tell(shown)
        line = sys.stdin.readline()
        if not line:
            raise _unanswered()
        if said := line.strip() or usual:
            return said


def hidden(question: str) -> str:
    """One line that nobody sees; "" is an answer."""
    try:
        return getpass.getpass(f"{question}: ", stream=sys.stderr)
    except EOFError:
        raise _unanswered() from None


def _unanswered() -> UsageError:
    return UsageError("The questions were not answered.", hint="Nothing was changed.")
