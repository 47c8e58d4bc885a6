"""From a problem to its cause, and what changes the organiser's files: the event, a row, the columns, a wording."""

import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from tui.app.causes import Cause, cause_of
from tui.clean import visible
from tui.errors import InputError, Problem

if TYPE_CHECKING:
    from tui.app.app import InviteApp
    from tui.app.drafts import Draft
    from tui.app.screens.event_form import EventForm
    from tui.app.screens.form import Form
    from tui.app.screens.people import RowForm
    from tui.attendees import Attendee, Columns

_OFFERED = 200  # problems of one list


class Mending:
    """The part of the app that changes files. What it saves is read again, with the selection kept."""

    def __init__(self, app: "InviteApp") -> None:
        self._app = app

    # From a problem to its cause

    def mend(self, problems: Sequence[Problem]) -> None:
        """Go to where this comes from; of several problems the organiser chooses one."""
        folder = self._app.state.folder
        if folder is None or not problems:
            return
        ordered = sorted(problems, key=lambda one: one.severity != "error")[:_OFFERED]
        # One value that leaks in the text and in the HTML comes from one place.
        causes = list({cause.place: cause for cause in reversed([cause_of(one, folder) for one in ordered])}.values())
        causes.reverse()
        if len(causes) == 1:
            self._go_to(causes[0])
            return
        ordered = [cause.problem for cause in causes]
        from tui.app.screens.pick import Item, Pick

        tones = {"error": ("▲", "$error"), "warning": ("△", "$warning")}
        items: list[Item | str] = [
            Item(str(at), f"{tones[one.severity][0]} {one.message}", "", tones[one.severity][1])
            for at, one in enumerate(ordered)
        ]

        def chosen(answer: str | None) -> None:
            if answer is not None:
                self._go_to(causes[int(answer)])

        said = "Enter goes to where it comes from."
        self._app.push_screen(Pick("What is wrong", items, said=said, width=200), chosen)

    def _go_to(self, cause: Cause) -> None:
        goes: dict[str, Callable[[], None]] = {
            "row": lambda: self._to_row(cause),
            "event": lambda: self.edit_event(cause.line),
            "wording": lambda: self.edit_wording(cause.path, cause.line, cause.problem),
            "attachment": lambda: self._explain_attachment(cause.path or Path(), cause.problem),
            "columns": self.map_columns,
            "encoding": self._app.choose_encoding,
            "file": lambda: self._to_file(cause),
        }
        goes[cause.kind]()

    def _to_row(self, cause: Cause) -> None:
        if cause.row is not None:
            self._app.main.go_to(cause.row)
            self.edit_row(self._app.state.records[cause.row], cause.column)

    def _to_file(self, cause: Cause) -> None:
        if cause.path is not None and cause.path.suffix.lower() in (".csv", ".tsv", ".txt") and cause.path.is_file():
            self.edit_text(cause.path, cause.line, cause.problem)
        else:
            self._app.say(cause.problem.message, cause.problem.hint, severity="warning")

    def _explain_attachment(self, path: Path, problem: Problem) -> None:
        """It is another program's file: that is where it is mended, or taken out of the event."""
        from tui.app.screens.choice import Choice

        said = [f"{path.name}: {problem.message}", "Mend it in the program that made it and save it: it is read again."]
        answers = [("close", "Close"), ("event", "Open event.toml at it")]
        if (mark := _mark_to_review(problem)) is not None:
            said.append("What cannot be searched goes out only if you have looked into it yourself, and say so.")
            answers.insert(1, ("reviewed", "I have looked: it may go to everybody"))

        def answered(answer: str | None) -> None:
            if answer == "event":
                self.edit_text(self._event_path, _line_of(self._event_path, path.name), problem)
            elif answer == "reviewed" and mark is not None:
                self._mark_reviewed(mark)

        self._app.push_screen(Choice("An attachment", [visible(one) for one in said], answers), answered)

    def _mark_reviewed(self, mark: str) -> None:
        from tui.editing import read

        event = self._app.state.folder.event if self._app.state.folder is not None else None
        if event is None:
            return
        try:
            before = tomllib.loads(read(self._event_path)).get("message", {}).get("reviewed", [])
            self._save_event({("message", "reviewed"): [*before, mark]})
        except (InputError, ValueError) as error:
            self._app.say(str(error), severity="error")

    # The event

    @property
    def _event_path(self) -> Path:
        folder = self._app.state.folder
        return folder.event_path if folder is not None else Path("event.toml")

    def edit_event(self, line: int | None = None) -> None:
        """The form, at the field that stands on this line; the text itself where the form has no such field."""
        from tui.app.screens.event_form import EventForm, field_at
        from tui.editing import read

        state = self._app.state
        if state.folder is None:
            return
        path = self._event_path
        try:
            text = read(path)
            field = field_at(text, line)
            form = EventForm(path, text, begin_at=field, holding=state.survey.holding)
            form.then = partial(self._event_filled, form)
        except InputError:
            self.edit_text(path, line)
            return
        if field and not form.has(field):
            self.edit_text(path, line)
        else:
            self._app.push_screen(form)

    def _event_filled(self, form: "EventForm", _: "Form", values: Mapping[str, str]) -> None:
        from tui.editing import Unclear, save
        from tui.event import understand

        try:
            text = form.text(values)
            event, problems = understand(text, form.path, form.path.name)
            if event is None:
                first = next(one for one in problems if one.severity == "error")
                raise InputError(first.message, hint=first.hint)
            save(form.path, text)
        except (InputError, Unclear) as error:
            form.refuse(error if isinstance(error, InputError) else str(error))
            return
        self._saved(form, form.path.name)

    def _save_event(self, values: Mapping[tuple[str, str], object]) -> None:
        from tui.editing import changed, read, save

        save(self._event_path, changed(read(self._event_path), values))
        self._app.reload()

    def _saved(self, form: "Form", name: str) -> None:
        form.dismiss(None)
        self._app.say(f"Saved {name}.")
        self._app.reload()

    # A new event

    def new_event(self, files: Sequence[str]) -> None:
        """The guided form for an event file beside this list; then the main screen."""
        from tui.app.screens.event_form import EventForm
        from tui.editing import beside, changed, new_event

        path = beside(Path(files[0]))
        blank = (("event", "title"), ("event", "location"), ("organizer", "name"), ("organizer", "email"))
        text = changed(new_event(datetime.now()), dict.fromkeys(blank, ""))
        said = (
            f"What are the people in {Path(files[0]).name} invited to? It is kept beside the list, in {path.name};"
            " all of it can be changed later with e."
        )
        form = EventForm(path, text, title="A new event", said=said, button="Make it")
        form.then = partial(self._event_filled, form)
        self._app.push_screen(form)
        self._app.call_after_opening(self._ask_for_columns)

    def _ask_for_columns(self) -> None:
        """A list that is new may have columns that nobody recognises: what is next is to say what they are."""
        folder = self._app.state.folder
        if folder is not None and any(one.code == "no-address-column" for one in folder.problems):
            self.map_columns()

    def new_folder(self) -> None:
        """A folder for an event, with a list that is there already or an empty one."""
        from tui.app.screens.form import Blank, Form

        said = "Makes a folder with event.toml, the list of people and the wording. Nothing is sent."
        blanks = [
            Blank("folder", "New folder", hint="such as spring-meeting"),
            Blank("list", "List", hint="optional: a .csv or .xlsx to copy there"),
        ]
        form = Form("A new event", said, blanks, "Make it", busy="Making it ...", then=self._folder_made)
        self._app.push_screen(form)

    def _folder_made(self, form: "Form", values: Mapping[str, str]) -> None:
        import shutil

        from tui.starting import make_event_folder

        folder, given = values["folder"].strip(), values["list"].strip()
        if not folder:
            form.refuse("Name the folder first.")
            return
        if given and not Path(given).is_file():
            form.refuse(f"There is no file {given}.")
            return
        try:
            make_event_folder(Path(folder), datetime.now() + timedelta(days=28))
            people = Path(folder) / (Path(given).name if given else "attendees.csv")
            if given:
                (Path(folder) / "attendees.csv").unlink(missing_ok=True)
                shutil.copyfile(given, people)
        except InputError as error:
            form.refuse(error)
            return
        except OSError as error:
            form.refuse(f"{folder} cannot be made: {error.strerror}.")
            return
        form.dismiss(None)
        self._app.open_other(str(people), anew=True)
        self._app.call_after_opening(self.edit_event)

    # The list

    def edit_row(self, attendee: "Attendee", column: str | None = None) -> None:
        """One person's cells, in their own file."""
        from tui.app.screens.people import RowForm

        folder = self._app.state.folder
        if folder is None:
            return
        if Path(attendee.file).suffix.lower() in (".xlsx", ".xls"):
            self._app.say(
                f"{attendee.file} is a workbook: change line {attendee.line} in your spreadsheet and save it."
                " It is read again by itself."
            )
            return
        own = [one for one in folder.problems_of(attendee) if one.code != "leak"]

        files = folder.attendees.files
        delimiter = folder.attendees.delimiters[files.index(attendee.file)]
        form = RowForm(attendee, own, column=column, delete=lambda: self._ask_to_delete(form, attendee, delimiter))
        form.then = partial(self._row_filled, form, attendee, delimiter)
        self._app.push_screen(form)

    def _row_filled(
        self, form: "RowForm", attendee: "Attendee", delimiter: str, _: "Form", values: Mapping[str, str]
    ) -> None:
        from tui.editing import change_cells

        changes = form.changes(values)
        if not changes:
            form.refuse("Nothing is different yet.")
            return
        try:
            change_cells(
                Path(attendee.file),
                attendee.line,
                changes,
                expected=attendee.cells,
                delimiter=delimiter,
                encoding=self._app.encoding,
            )
        except InputError as error:
            form.refuse(error)
            return
        self._saved(form, f"{attendee.file}, line {attendee.line}")

    def _ask_to_delete(self, form: "RowForm", attendee: "Attendee", delimiter: str) -> None:
        from tui.app.screens.choice import Choice
        from tui.editing import delete_record

        def answered(answer: str | None) -> None:
            if answer != "delete":
                return
            try:
                delete_record(
                    Path(attendee.file),
                    attendee.line,
                    expected=attendee.cells,
                    delimiter=delimiter,
                    encoding=self._app.encoding,
                )
            except InputError as error:
                form.refuse(error)
            else:
                self._saved(form, attendee.file)

        where = f"{visible(attendee.file)}, line {attendee.line}"
        row = visible(", ".join(filter(None, attendee.cells)))
        said = [f"{where} is taken out of the file:", row]
        if attendee.key in self._app.state.survey.people:
            said.append("An invitation that was sent stays: to take it back, close this and press t.")
        answers = [("keep", "Keep it"), ("delete", "Delete it")]
        self._app.push_screen(Choice("Delete the row?", said, answers), answered)

    def map_columns(self) -> None:
        """What is in which column, of the first file that needs to be told, else of the first."""
        from tui.app.screens.people import ColumnsForm
        from tui.editing import changed, head_of, read, save

        folder = self._app.state.folder
        if folder is None or not folder.attendees.files:
            return
        files = folder.attendees.files
        unknown = [one.file for one in folder.problems if one.code == "no-address-column"]
        file = next((one for one in files if one in unknown), files[0])
        try:
            rows = head_of(Path(file), self._app.encoding)
            read(self._event_path)
        except InputError as error:
            self._app.say(error.message, error.hint, severity="error")
            return
        wanted = folder.event.columns if folder.event is not None else {}
        now = _roles(rows[0] if rows else [], wanted, folder.attendees.columns)

        form = ColumnsForm(file, rows, now)

        def filled(_: "Form", values: Mapping[str, str]) -> None:
            if not any(role == "email" for role in values.values()):
                form.refuse("Which column has the e-mail addresses?")
                return
            try:
                save(self._event_path, changed(read(self._event_path), form.columns(values)))
            except InputError as error:
                form.refuse(error)
                return
            self._saved(form, self._event_path.name)

        form.then = filled
        self._app.push_screen(form)

    # Texts

    def edit_wording(self, path: Path | None = None, line: int | None = None, problem: Problem | None = None) -> None:
        """This wording, else the one of the invitation, with the selected person's message beside it."""
        from tui.app.drafts import wording_draft

        folder = self._app.state.folder
        if folder is None:
            return
        try:
            draft = wording_draft(folder, path, self._app.main.selected)
        except InputError as error:
            self._app.say(error.message, error.hint, severity="error")
            return
        self._edit(draft, line, problem)

    def edit_text(self, path: Path, line: int | None = None, problem: Problem | None = None) -> None:
        from tui.app.drafts import text_draft

        folder = self._app.state.folder
        try:
            draft = text_draft(path, folder)
        except InputError as error:
            self._app.say(error.message, error.hint, severity="error")
            return
        self._edit(draft, line, problem)

    def _edit(self, draft: "Draft", line: int | None, problem: Problem | None) -> None:
        from tui.app.screens.editor import Editor

        def closed(saved: bool | None) -> None:
            if saved:
                self._app.say(f"Saved {draft.target.name}.")
                self._app.reload()

        self._app.push_screen(Editor(draft, line=line, said=problem.message if problem is not None else ""), closed)


_MARK = re.compile(r'reviewed = \["([^"]+@[0-9a-f]{64})"\]')


def _mark_to_review(problem: Problem) -> str | None:
    """What `[message] reviewed` would say of a file that cannot be searched, as the finding has it."""
    found = _MARK.search(f"{problem.message} {problem.hint or ''}")
    return found[1] if found else None


def _line_of(path: Path, words: str) -> int | None:
    """The line on which this stands."""
    from tui.editing import read

    try:
        lines = read(path).splitlines()
    except InputError:
        return None
    return next((number for number, line in enumerate(lines, 1) if words in line), None)


def _roles(
    headers: Sequence[str], wanted: Mapping[str, str | tuple[str, ...]], understood: Sequence["Columns"]
) -> dict[int, str]:
    """What each column is now: as `[columns]` says, else as it was understood by itself."""
    from tui.attendees import squash

    listed = {role: [said] if isinstance(said, str) else said for role, said in wanted.items()}
    named = {squash(name): role for role, names in listed.items() for name in names}
    found = {at: named[squash(header)] for at, header in enumerate(headers) if squash(header) in named}
    for columns in understood:
        if columns.headers != tuple(header.strip() for header in headers):
            continue
        by_itself = {columns.address: "email", columns.id: "id", columns.group: "group"}
        if len(columns.name) == 1:
            by_itself[columns.name[0]] = "name"
        taken = set(found.values())
        found.update({at: role for at, role in by_itself.items() if at is not None and role not in taken})
    return found
