"""The event, the account and the files, in words, and what is wrong with them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType

from tui.app.encodings import DELIMITERS
from tui.app.pages import Line, field_line, problems_in_words, text_line
from tui.app.screens.dialog import PageDialog
from tui.app.state import State
from tui.app.words import count
from tui.clean import visible
from tui.errors import Problem

if TYPE_CHECKING:
    from tui.app.app import InviteApp
    from tui.attendees import AttendeeList
    from tui.event import Event


class EventDetails(PageDialog):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("c", "encoding", "encoding", show=False),
        Binding("enter", "change", "change", show=False),
        Binding("w", "wording", "wording", show=False),
    ]

    def action_encoding(self) -> None:
        """As the key on the main screen, where it is told of."""
        self._then(lambda app: app.choose_encoding())

    def action_change(self) -> None:
        """To the first thing that is wrong, else to the form."""
        wrong = [one for one in of_nobody(self._state) if one.severity == "error"]
        self._then(lambda app: app.mending.mend(wrong) if wrong else app.mending.edit_event())

    def action_wording(self) -> None:
        self._then(lambda app: app.mending.edit_wording())

    def _then(self, job: "Callable[[InviteApp], object]") -> None:
        self.dismiss(None)
        self.app.call_later(job, self.app)

    def __init__(self, state: State) -> None:
        super().__init__("Event", list(_lines(state)), closes="enter changes it   w the wording   esc closes")
        self._state = state


def _lines(state: State) -> Iterator[Line]:
    folder = state.folder
    if folder is None:
        yield text_line("The event is not open yet." if state.failure is None else visible(state.failure.message))
        return
    yield from problems_in_words(of_nobody(state))
    if state.survey.blocked is not None and not state.survey.blocked.problems:
        yield Line(text_line(visible(state.survey.blocked.message)).body, text_line("▲ ", "bad").body)
        yield text_line()
    if (event := folder.event) is not None:
        yield field_line("Title", event.title, "strong")
        yield field_line("When", event.when)
        for label, value in (("Where", event.location), ("Link", event.join_url), ("About", event.description)):
            if value:
                yield field_line(label, value)
        yield field_line("From", f"{event.organizer.name} <{event.organizer.email}>")
        yield field_line("File", str(event.path))
        yield text_line()
    account = state.account
    if state.account_failure is not None:
        yield field_line("Account", state.account_failure.message, "bad")
        if state.account_failure.hint:
            yield field_line("", state.account_failure.hint)
    elif account is None:
        yield field_line("Account", "none yet: this can only rehearse")
        yield field_line("", "^p, “Add an account”, stores one")
    else:
        user = f" as {account.username}" if account.username else ""
        yield field_line("Account", f"{account.name}: {account.host}:{account.port}{user} ({account.security})")
        if others := folder.account_names[1:]:
            yield field_line("", f"Workers also send through {', '.join(others)}")
    yield field_line("Outbox", str(folder.outbox))
    ledger = folder.ledger_path
    yield field_line("Ledger", str(ledger) if isinstance(ledger, Path) else f"{ledger.shown}, which others share")
    if event is not None:
        yield from _attached(event)
    yield text_line()
    yield from _files(folder.attendees)
    people = count(len(folder.attendees.records), "attendee")
    yield field_line(
        "People", f"{people}, {state.survey.ready:,} ready, {state.to_fix:,} to fix, {state.survey.sent:,} sent"
    )
    if state.leaving or state.staying:
        yield text_line()
        yield text_line("Columns that leave in a message, and those that stay on this machine", "label")
        yield from columns_in_words(state.leaving, state.staying)
    if state.survey.removed:
        words = count(state.survey.removed, "person is", "people are")
        yield field_line("", f"{words} no longer on the list and still hold an invitation: left alone")


def _attached(event: "Event") -> Iterator[Line]:
    """The files that everybody gets: searched by the guard, or sent because the organiser has reviewed them."""
    for number, path in enumerate(event.message.attachments):
        how = "searched before every send"
        try:
            if event.message.reviewed and sha256(path.read_bytes()).hexdigest() in event.message.reviewed:
                how = "reviewed by you: what cannot be searched in it is not held up"
        except OSError:
            how = "not readable"
        yield field_line("" if number else "Attached", f"{path.name}: {how}")
    reviewed = len(event.message.reviewed)
    if reviewed:
        words = count(reviewed, "file is", "files are")
        yield field_line("", f"{words} named as reviewed in the event file", "quiet")


def _files(attendees: "AttendeeList") -> Iterator[Line]:
    """Each file, and how it was read."""
    for number, (file, encoding, delimiter) in enumerate(
        zip(attendees.files, attendees.encodings, attendees.delimiters, strict=True)
    ):
        how = [encoding.upper() if encoding.startswith("utf") else encoding or "not readable"]
        how += [DELIMITERS.get(delimiter, f"cells parted by {delimiter}")] if delimiter else []
        yield field_line("" if number else "Files", f"{file}: {', '.join(how)}")
    yield field_line("", "c chooses another encoding, if names read wrong", "quiet")


def columns_in_words(leaving: Mapping[str, Sequence[str]], staying: Sequence[str]) -> Iterator[Line]:
    """Which columns reach a message, and where in it; and which never leave this machine."""
    for number, (header, places) in enumerate(leaving.items() if any(leaving.values()) else ()):
        yield field_line("" if number else "Leaving", f"{header}: {', '.join(places)}" if places else header)
    if not any(leaving.values()):
        yield field_line("Leaving", ", ".join(leaving) or "no column")
    if staying:
        yield field_line("Staying", ", ".join(staying))


def of_nobody(state: State) -> list[Problem]:
    """The problems that are not a row's: nobody's message can be made, or the whole send is off, while they last."""
    folder = state.folder
    if folder is None or not state.checked:
        return []
    records = folder.attendees.records
    return [
        one
        for one in folder.problems
        if one.file is None or one.line is None or records.row_at(one.file, one.line) is None
    ]
