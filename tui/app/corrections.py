"""Resend, correct, cancel: what is sent by name. From the question to the plan, and back where it is refused."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

from tui.app import work
from tui.app.asking import Request, Target, targets, wordings
from tui.app.state import State
from tui.app.words import count

if TYPE_CHECKING:
    from tui.app.app import InviteApp
    from tui.app.screens.asking import Asking
    from tui.app.screens.form import Form
    from tui.ledger.records import Person

_NAMED = 500  # people in that dialog, each by name

GONE = "gone"
"""Everybody who is no longer on the list, as an answer of the dialog that names them."""


class Corrections:
    """The part of the app that sends to people by name. `_form` is the question that is open."""

    def __init__(self, app: "InviteApp") -> None:
        self._app = app
        self._form: Asking | None = None

    # Whom

    def _with_whom(self, then: Callable[[Sequence[Target]], None]) -> None:
        """Then, with who is marked, else who is selected, as the core is asked for them."""
        if (chosen := self._app.main.chosen) and self._may_ask():
            survey = self._app.state.survey
            self._app.soon(len(chosen), lambda: list(targets(chosen, survey.people, survey.shared)), then)

    @property
    def _people(self) -> "Mapping[str, Person]":
        return self._app.state.survey.people

    # What

    def resend(self) -> None:
        self._with_whom(self._resend)

    def correct(self) -> None:
        """Of one person: who is marked alone, else who is selected.

        Who was sent nothing yet, or whose row has an error, is corrected in the list itself.
        """
        chosen = self._app.main.chosen
        if len(chosen) == 1 and (chosen[0].has_error or chosen[0].key not in self._people):
            self._app.mending.edit_row(chosen[0])
            return
        if len(chosen) > 1 and self._may_ask():
            self._app.say("Several people are marked. A correction is one person's: Escape takes the marks away.")
        elif len(chosen) == 1:
            self._with_whom(lambda whom: self._correct(whom[0]))

    def next(self) -> None:
        """Goes to the next person after the selected one who was refused, and asks what to correct; where nobody was,
        to who may have nothing, and asks whether to send it again."""
        main, state = self._app.main, self._app.state
        if self._may_ask():
            at = main.table.order[main.table.cursor] if main.table.order else 0
            self._app.soon(len(state.survey.unsettled), partial(_troubled_after, state, at), self._look_after)

    def _look_after(self, found: tuple[str, int] | None) -> None:
        if found is None:
            self._app.say("Nobody was refused, and everybody else is known to have it.")
            return
        main, survey = self._app.main, self._app.state.survey
        outcome, row = found
        main.go_to(row)
        main.table.unmark()
        whom = next(targets([self._app.state.records[row]], survey.people, survey.shared))
        if outcome == "refused":
            self._correct(whom)
        else:
            self._resend([whom])

    def cancel(self) -> None:
        self._with_whom(self._cancel)

    def cancel_everybody(self) -> None:
        if self._may_ask():
            self._cancel(None)

    def _resend(self, whom: Sequence[Target]) -> None:
        from tui.app.screens.asking import Resending

        self._ask(Resending(whom, self._wordings))

    def correct_to(self, whom: Target, address: str) -> None:
        """Of one person; `address` stands there already, where it is known."""
        if self._may_ask():
            self._correct(whom, address)

    def cancel_these(self, whom: Sequence[Target]) -> None:
        if self._may_ask():
            self._cancel(whom)

    def _correct(self, whom: Target, address: str = "") -> None:
        from tui.app.screens.asking import Correcting

        self._ask(Correcting(whom, self._wordings, address))

    def _cancel(self, whom: Sequence[Target] | None) -> None:
        from tui.app.screens.asking import Cancelling

        is_ours = any(not sent.is_foreign for person in self._people.values() for sent in person.messages)
        self._ask(Cancelling(whom, calls_off=is_ours))

    @property
    def _wordings(self) -> Sequence[str]:
        folder = self._app.state.folder
        return wordings(folder) if folder is not None else ()

    def _may_ask(self) -> bool:
        """Whether anything was ever sent, and nothing is on: else it says so."""
        state = self._app.state
        if state.folder is None or not state.checked or state.running:
            return False
        if state.account_failure is not None:
            self._app.say(state.account_failure.message, state.account_failure.hint, severity="error")
            return False
        if not state.survey.people:
            self._app.say("Nothing was ever sent to anybody: correct the list or the event, then press F5.")
            return False
        return True

    # Who is no longer on the list

    def people_gone(self) -> None:
        """Those whom only the ledger knows; each can be sent to like anybody else."""
        if self._may_ask():
            state = self._app.state
            self._app.soon(len(state.survey.people), lambda: _gone(state), self._gone_found)

    def _gone_found(self, whom: "Mapping[str, Target]") -> None:
        from tui.app.screens.pick import Item, Pick

        if not whom:
            self._app.say("Everybody who was ever sent anything is on the list.")
            return
        people = self._app.state.survey.people
        items: list[Item | str] = [
            Item(f"{GONE} {key}", one.in_words, f"{people[key].action}: {people[key].outcome}")
            for key, one in islice(whom.items(), _NAMED)
        ]
        if len(whom) > 1:
            items.insert(0, Item(GONE, "All of them", count(len(whom), "person", "people")))
        if len(whom) > _NAMED:
            items.append(f"and {len(whom) - _NAMED:,} more")

        def chosen(answer: str | None) -> None:
            if answer is not None:
                _, _, key = answer.partition(" ")
                self._what_to_do([whom[key]] if key else list(whom.values()))

        said = "They are left alone until you say something."
        self._app.push_screen(Pick("No longer on the list", items, said=said), chosen)

    def _what_to_do(self, whom: Sequence[Target]) -> None:
        from tui.app.screens.choice import Choice

        answers = [("cancel-them", "Cancel …"), ("resend-them", "Resend …")]
        answers += [("correct-one", "Correct …")] if len(whom) == 1 else []
        answers.append(("nothing", "Nothing"))
        what: dict[str, Callable[[], None]] = {
            "cancel-them": lambda: self._cancel(whom),
            "resend-them": lambda: self._resend(whom),
            "correct-one": lambda: self._correct(whom[0]),
        }

        def answered(answer: str | None) -> None:
            if answer in what:
                what[answer]()

        who = whom[0].in_words if len(whom) == 1 else count(len(whom), "person", "people")
        self._app.push_screen(Choice("No longer on the list", [who], answers), answered)

    # The question, the plan, and the answer

    def _ask(self, form: "Asking") -> None:
        self._form = form
        self._app.push_screen(form, self._closed)

    def _closed(self, _: None) -> None:
        self._form = None
        self._app.forget_plan()

    def filled(self, form: "Form", request: Request | str) -> None:
        """What the form asks for is planned, or it is told what is missing."""
        if isinstance(request, str):
            form.refuse(request)
        else:
            self._app.plan(request)

    def refused(self, event: work.PlanRefused) -> bool:
        """Whether the form that asked is still there, and now says why not."""
        if self._form is None:
            return False
        self._form.refuse(event.error)
        return True

    def planned(self, event: work.Planned) -> bool:
        """Whether nobody would be sent anything, and the form that asked says so."""
        if self._form is None or event.plan.to_send:
            return False
        reasons = list(dict.fromkeys(action.reason for action in event.plan.actions))
        self._form.refuse(f"Nothing to send: {'; '.join(reasons[:3]) or 'nobody holds an invitation'}.")
        return True

    def confirmed(self, yes: bool) -> None:
        """The form goes once it was sent; else it is there to be changed."""
        if self._form is None:
            return
        if yes:
            form, self._form = self._form, None
            form.dismiss(None)
            self._app.main.table.unmark()
        else:
            self._form.ready()


def _gone(state: State) -> Mapping[str, Target]:
    """Whoever the ledger knows and the list no longer has, by key."""
    from tui.plan import known

    records, survey = state.records, state.survey
    listed = {records[row].key for row in survey.known}
    gone = {
        key: known(person)
        for key, person in survey.people.items()
        if key not in listed and all(one.kind == "removed" for one in survey.actions.get(key, ()))
    }
    return dict(zip(gone, targets(gone.values(), survey.people, survey.shared), strict=True))


def _troubled_after(state: State, at: int) -> tuple[str, int] | None:
    """Who is to be looked after next from this row on, and from the beginning again: the outcome, and their row."""
    from tui.app.state import MARKS, mark_of

    rows: dict[str, int] = {}
    for row in state.survey.unsettled:
        mark = mark_of(state, state.records[row])
        for outcome in ("refused", "unknown"):
            if mark is MARKS[outcome] and (outcome not in rows or rows[outcome] < at <= row):
                rows[outcome] = row
    return next(((outcome, rows[outcome]) for outcome in ("refused", "unknown") if outcome in rows), None)
