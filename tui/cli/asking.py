"""Questions on the terminal, a line each; what is a secret is not shown. `UsageError` where the input ends."""

import getpass
import sys
from collections.abc import Callable

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
        line = typed()
        if not line:
            raise _unanswered()
        if said := line.strip() or usual:
            return said


def typed() -> str:
    """One line as it was typed, with its end; "" where there are no more. UsageError where it is no text."""
    return _text(sys.stdin.readline)


def hidden(question: str) -> str:
    """One line that nobody sees; "" is an answer."""
    try:
        return _text(lambda: getpass.getpass(f"{question}: ", stream=sys.stderr))
    except EOFError:
        raise _unanswered() from None


def _text(read: Callable[[], str]) -> str:
    """What is read, if it is text: some systems refuse other bytes, some let them through."""
    try:
        line = read()
        line.encode()
    except UnicodeError:
        raise UsageError(
            "What was typed is not UTF-8 text.", hint="Nothing was changed, and nothing was sent."
        ) from None
    return line


def _unanswered() -> UsageError:
    return UsageError("The questions were not answered.", hint="Nothing was changed.")
