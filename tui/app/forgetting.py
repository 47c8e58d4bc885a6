"""Forgetting people: from whom is meant, over the number that is typed, to what still names them."""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

from tui.app.asking import targets
from tui.app.pages import Line, text_line
from tui.app.words import count
from tui.clean import visible

if TYPE_CHECKING:
    from tui.app.app import InviteApp
    from tui.folder import Folder
    from tui.forgetting import Forgotten, Whom

Result = TypeVar("Result")

_SHOWN = 12
"""Files that are named one by one afterwards."""


class Forgetting:
    """The part of the app that takes people out of the ledger. The core works in threads; each step calls the next."""

    def __init__(self, app: "InviteApp") -> None:
        self._app = app

    def forget(self) -> None:
        """Who is marked, else who is selected."""
        chosen, survey = self._app.main.chosen, self._app.state.survey
        if chosen:
            self._choose(lambda: [one.asked for one in targets(chosen, survey.people, survey.shared)])

    def forget_everybody(self) -> None:
        """Also those who were to be kept until a day that is over."""
        self._choose(lambda: None)

    def _choose(self, asked: Callable[[], Sequence[str] | None]) -> None:
        from tui import forgetting

        self._work("Looking for them ...", lambda folder: forgetting.whom(folder, asked()), self._ask, opens=True)

    def _ask(self, whom: "Whom") -> None:
        from tui.app.screens.forgetting import ConfirmForgetting

        def answered(yes: bool | None) -> None:
            if yes:
                self._forget(whom)
            elif yes is not None:
                self._app.say("Nobody was forgotten.")

        self._app.push_screen(ConfirmForgetting(whom), answered)

    def _forget(self, whom: "Whom") -> None:
        from tui import forgetting

        self._work("Forgetting ...", lambda folder: forgetting.forget(folder, whom), self._done)

    def _done(self, done: "Forgotten") -> None:
        from tui.app.screens.dialog import PageDialog

        self._app.main.table.unmark()
        self._app.look_again()
        self._app.push_screen(PageDialog("Forgotten", list(_in_words(done))))

    def _work(
        self, words: str, job: "Callable[[Folder], Result]", then: Callable[[Result], None], *, opens: bool = False
    ) -> None:
        folder = self._app.state.folder
        if folder is not None and not self._app.state.running:
            self._app.aside("forget", lambda: job(folder), then, busy=words, opens=opens)


def _in_words(done: "Forgotten") -> Iterator[Line]:
    yield text_line(f"{count(done.people, 'person is', 'people are')} forgotten. The totals stay.", "strong")
    yield text_line()
    if done.messages or done.rows or done.backups:
        parts = (
            (done.messages, "message file", "message files"),
            (done.rows, "row of problems.csv", "rows of problems.csv"),
            (done.backups, "earlier copy of the ledger", "earlier copies of the ledger"),
        )
        said = ", ".join(count(number, one, many) for number, one, many in parts if number)
        yield text_line(f"Deleted: {said}.")
    for path in done.reports:
        yield text_line(f"Written anew without them: {visible(str(path))}")
    if done.still_in:
        yield text_line("Still named in files that only you can change or delete:", "label")
        for line in islice(done.still_named(), _SHOWN):
            yield text_line(f"  {visible(line)}")
        if len(done.still_in) > _SHOWN:
            yield text_line(f"  and {len(done.still_in) - _SHOWN} more")
    from tui.forgetting import ELSEWHERE, MOVED

    for what, lines in ((MOVED, done.moved()), (ELSEWHERE, done.at_other_desks())):
        if some := list(islice(lines, _SHOWN)):
            yield text_line(what, "label")
            yield from (text_line(f"  {visible(line)}") for line in some)
