"""The one screen: the event above, the attendees left, the selected person's message right, the keys below."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.screen import Screen

from tui.app.actions import BY_NAME, OF_THE_SCREEN, why_not
from tui.app.filtering import ORDERS, View
from tui.app.pages import PAGES, Subject
from tui.app.state import ANSWERS, MARKS, TROUBLES, Mark, State, answer_mark, as_corrected, mark_of
from tui.app.widgets.framed import Framed
from tui.app.widgets.headline import Banner, EventLine, WayLine
from tui.app.widgets.keybar import KeyBar
from tui.app.widgets.message import MessagePane
from tui.app.widgets.search import SearchLine
from tui.app.widgets.table import AttendeeTable
from tui.clean import visible

if TYPE_CHECKING:
    from tui.app.widgets.progress import ProgressPanel
    from tui.app.widgets.promise import PromiseLine
    from tui.attendees import Attendee
    from tui.errors import Problem

_LOOKED_AT = 1_000  # people among whom the first is looked for who is to be mended
_NOT_YET = Mark("·", "checking", "quiet", "not looked at yet")


class MainScreen(Screen[None]):
    """Shows a `State`, and has done what the organiser wants; it holds only where the cursor is."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *(act.binding() for act in OF_THE_SCREEN),
        *(
            Binding(str(number), f"page({number - 1})", name, show=False, tooltip=f"The message's page: {name}")
            for number, name in enumerate(PAGES, 1)
        ),
        Binding("tab", "other_pane", "other pane", show=False, tooltip="From the list to the message and back"),
        Binding("shift+tab", "other_pane", "other pane", show=False),
    ]
    AUTO_FOCUS = "#table"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (96, "-wide")]  # noqa: RUF012 - as the base class declares it
    VERTICAL_BREAKPOINTS = [(0, "-short"), (34, "-tall")]  # noqa: RUF012 - likewise

    class Forgotten(Message):
        """What is being planned is not waited for any more."""

    @dataclass(eq=False, repr=False)
    class Mending(Message):
        """This is to be mended."""

        problems: "Sequence[Problem]"

    class Dismissed(Message):
        """The summary of the run was read."""

    @dataclass(eq=False, repr=False)
    class Searching(Message):
        """This is to be found among the attendees, and shown in its order."""

        view: View

    def __init__(self, state: State, do: Callable[[str], Awaitable[None] | None]) -> None:
        """`do` does this of `ACTIONS`."""
        super().__init__()
        self._state = state
        self._do = do
        self._view = View()
        self._found: Sequence[int] | None = None  # the rows that the view shows; None: all
        self._more = False  # whether more are being looked for
        self._shown = self._view
        self._only_problems = False
        self._opening = False  # whether the message is about to have the focus: it is not on the screen yet
        self.table = AttendeeTable(self._mark_of, self._as_known, self._answer_of, id="table")
        self.message = MessagePane(id="message")
        self._named = Content()  # of the list
        self._progress: ProgressPanel | None = None
        self._owed: dict[str, PromiseLine] = {}

    def compose(self) -> ComposeResult:
        # As the first resize will have it: otherwise everything would be styled twice before the first picture.
        width, height = self.app.size
        self.add_class(_fitting(self.HORIZONTAL_BREAKPOINTS, width), _fitting(self.VERTICAL_BREAKPOINTS, height))
        yield EventLine(self._state, id="event")
        yield Banner(id="banner")
        yield WayLine(id="way")
        with Horizontal(id="panes"):
            with Framed(id="attendees"):
                yield SearchLine(id="search")
                yield self.table
            yield self.message
        yield KeyBar(id="keys")

    def on_mount(self) -> None:
        self.show(self._state)

    @property
    def selected(self) -> "Attendee | None":
        return self.table.selected

    @property
    def chosen(self) -> "Sequence[Attendee]":
        """Who is marked, else who is selected."""
        return self.table.marked or ([self.selected] if self.selected is not None else [])

    @property
    def view(self) -> View:
        return self._view

    @property
    def shown(self) -> View | None:
        """The view whose rows are in the list; None while they are still looked for."""
        return None if self._more else self._shown

    # What is shown

    def show(self, state: State, row: int | None = None) -> None:
        """Show this state; what has not changed is not drawn again. `row` is where the selected attendee is now."""
        old, self._state = self._state, state
        first = old is state
        self.table.answered = bool(state.survey.answers)
        if old.so_far is not state.so_far and state.folder is None:
            if len(old.so_far):
                self.table.grow(state.so_far)
                self._show_title(len(state.so_far), len(state.so_far))
            else:
                self._show_list()
            return
        if first or old.folder is not state.folder or old.failure is not state.failure:
            self.query_one(EventLine).show(state)
            if state.folder is not old.folder:
                self._found = None  # of other records
            self._show_list(row)
            if state.folder is None:
                self.message.show_nobody(state)
        elif old.checked != state.checked or (self._only_problems and _other_troubles(old, state)):
            self._show_list()
        elif old.survey is not state.survey:
            self.table.refresh()
        elif old.run is not state.run:
            self.table.refresh_marks()
        self.query_one(Banner).show(state, showing_problems=self._only_problems)
        self.query_one(WayLine).show(state)
        self._show_run(state)
        self._show_owed(state)
        self._tell_standing()
        if (
            first
            or old.checked != state.checked
            or old.running != state.running
            or old.run is None
            or state.run is None
            or old.busy != state.busy
            or old.survey is not state.survey
            or old.elsewhere is not state.elsewhere
            or old.run.paused != state.run.paused
            or old.run.question != state.run.question
            or old.run.stopping != state.run.stopping
        ):
            self.refresh_bindings()

    def expect_run(self) -> None:
        """Makes the panel for a run, unseen: the first moments of a run have enough to draw."""
        if self._progress is None:
            from tui.app.widgets.progress import ProgressPanel

            self._progress = ProgressPanel(id="progress")
            self._progress.display = False
            self.mount(self._progress, before="#panes")

    def _show_run(self, state: State) -> None:
        """The panel is made when there is first a run to show, or soon may be."""
        if state.in_progress is not None:
            self.expect_run()
        if self._progress is not None:
            self._progress.show(state.in_progress)

    def _show_owed(self, state: State) -> None:
        """Each line is made when something is owed."""
        survey, event = state.survey, state.folder.event if state.folder is not None else None
        can = state.checked and not state.running
        if (promise := survey.promise) is not None and promise.open:
            from tui.app.widgets.promise import in_words

            self._owe("promise", "Send it…", "send", in_words(promise), can_be_kept=can)
        else:
            self._owe("promise", "", "", None)
        if survey.due and event is not None:
            from tui.app.widgets.promise import due_in_words

            words = due_in_words(survey.due, event.keep_until_in_words)
            self._owe("due", "Forget them…", "forget-due", words, can_be_kept=can)
        else:
            self._owe("due", "", "", None)

    def _owe(self, name: str, label: str, act: str, words: Content | None, *, can_be_kept: bool = False) -> None:
        line = self._owed.get(name)
        if line is None and words is not None:
            from tui.app.widgets.promise import PromiseLine

            line = self._owed[name] = PromiseLine(label, act, id=name)
            self.mount(line, before="#banner")
        if line is not None:
            line.show(words, can_be_kept=can_be_kept)

    def show_subject(self, subject: Subject) -> None:
        self.message.show(subject, self._mark_of(subject.attendee))
        self._show_under()

    def _tell_standing(self) -> None:
        """How the selected person stands, in words: above the message, else below the list."""
        if self.selected is not None:
            self.message.tell(self._mark_of(self.selected))
        self._show_under()

    def show_found(self, view: View, rows: Sequence[int], *, more: bool = False) -> None:
        """Show what was found, unless the organiser has moved on; with `more` the rest is still looked for."""
        if view == self._view:
            self._found = None if view.is_plain else rows
            self._more = more
            self._shown = view
            self._show_list()

    def look_at(self, view: View) -> None:
        """Have this found and shown. Until it is, the list stays as it is, and the title says what is looked for."""
        self._view = view
        self._more = not view.is_plain
        self._show_title(len(self.table.order), len(self._state.records))
        self.post_message(self.Searching(view))

    def _show_list(self, row: int | None = None) -> None:
        folder = self._state.folder
        records = self._state.records
        order: Sequence[int] = range(len(records))
        if self._only_problems:
            order = self._problem_rows()
            if not order and self._state.checked and self._found is None:
                # The last one was mended: what is next is about everybody.
                self._only_problems = False
                order = range(len(records))
        if self._found is not None:
            order = self._found if not self._only_problems else _both(self._found, order)
        self.table.show(records, order, self._notice(), row)
        self._show_title(len(order), len(records))
        self.query_one(Banner).show(self._state, showing_problems=self._only_problems)
        if not order and folder is not None:
            self.message.show_nobody(self._state)
        self.refresh_bindings()

    def _problem_rows(self) -> Sequence[int]:
        """Who has a problem of their own, and whose message was refused, put off or may not have arrived."""
        state = self._state
        rows: set[int] = set(state.survey.unsettled)
        run = state.run
        if run is not None and run.live and state.folder is not None and any(map(run.counts.get, TROUBLES)):
            records = state.folder.attendees.records
            troubled = (one.action.attendee for one in run.settled.values() if one.outcome in TROUBLES)
            rows.update(row for one in troubled if (row := records.row_at(one.file, one.line)) is not None)
        return sorted(rows.union(state.faults)) if rows else state.faults

    def _show_title(self, shown: int, total: int) -> None:
        view = self._view
        name = "Problems" if self._only_problems else "Attendees"
        number = f"{shown:,} of {total:,}" if shown != total else f"{total:,}"
        words = [f"  {number}{' …' if self._more or (total and self._state.folder is None) else ''}"] if total else []
        words += [MARKS[view.standing].word] if view.standing else []
        words += [ANSWERS[view.answer]] if view.answer else []
        words += [visible(view.group) or "no group"] if view.group is not None else []
        marks = f"  ◆ {self.table.marks:,} marked" if self.table.marks else ""
        self._named = Content.assemble(name, ("  ".join(words), "not bold $quiet"), (marks, "bold $primary"))
        self._show_under()

    def _show_under(self) -> None:
        view = self._view
        under = [ORDERS[view.order]] if view.order != "file" else []
        if self._only_problems:
            under.append("f shows everybody")
        elif under or view.standing or view.answer or view.group is not None:
            under.append("v changes this")
        if self.selected is not None and not self.message.display:
            under.append(self._mark_of(self.selected).in_words)
        self.query_one("#attendees", Framed).entitle(self._named, Content("   ".join(under)))

    def _notice(self) -> str:
        if self._state.failure is not None:
            return "No attendees."
        if not self._state.files:
            return "No list is open. ^o opens one."
        if self._state.folder is None:
            return f"Reading {', '.join(self._state.files)} ..."
        if self._found is not None:
            query = visible(self._view.query.strip())
            if not query:
                return "Nobody is like that. Escape shows everybody."
            return f"Looking for {query} ..." if self._more else f"Nobody matches {query}. Escape clears the search."
        return "Nobody has a problem." if self._only_problems else "There are no attendees."

    def _mark_of(self, attendee: "Attendee") -> Mark:
        # Until everybody was checked it is not known.
        return mark_of(self._state, attendee) if self._state.checked else _NOT_YET

    def _answer_of(self, attendee: "Attendee") -> Mark | None:
        return answer_mark(self._state, attendee)

    def _as_known(self, attendee: "Attendee") -> "Attendee":
        return as_corrected(attendee, self._state.survey.people.get(attendee.key))

    # What the organiser does

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "do":
            return self.may(str(parameters[0]))
        return True

    def may(self, name: str) -> bool:
        """Whether this of `ACTIONS` can be done now."""
        if name == "back":
            return self._can_go_back()
        if name == "search" and self.query_one(SearchLine).typing:
            return False
        return BY_NAME[name].when(self._state)

    async def action_do(self, name: str) -> None:
        """Do this of `ACTIONS`, if it can be done now: a click asks at any time."""
        if self.may(name) and (waiting := self._do(name)) is not None:
            await waiting

    def on_key(self, event: events.Key) -> None:
        """A key that is to be pressed another time says so: nobody is to wonder whether it was heard."""
        own: Mapping[str, str] = getattr(self.app, "keys", {})
        for act in OF_THE_SCREEN:
            if event.key in own.get(act.name, act.keys).split(",") and (why := why_not(self._state, act)):
                self.notify(why, markup=False)

    @property
    def pausing(self) -> str:
        """What the key that pauses a run does now."""
        run = self._state.in_progress
        if run is None:
            return ""
        return "decide" if run.question is not None else "go on" if run.paused else "pause"

    @property
    def unneeded(self) -> frozenset[str]:
        """What is not worth a place among the keys: until something was sent there is nothing to correct, and a run
        that stops is neither paused nor stopped."""
        run = self._state.in_progress
        nothing_sent = frozenset() if self._state.survey.people else frozenset({"resend", "cancel"})
        return nothing_sent | (frozenset({"pause", "stop"}) if run is not None and run.stopping else frozenset())

    async def search(self) -> None:
        self._read(False)
        await self.query_one(SearchLine).open()

    def toggle_problems(self) -> None:
        if self._state.folder is None:
            return
        if not self._only_problems and not self._problem_rows():
            words = "Nobody has a problem." if self._state.checked else "Every message is still being checked."
            self.notify(words, markup=False)
            if self._state.to_fix:
                self._do("event")
            return
        self._only_problems = not self._only_problems
        self._show_list()
        if self._only_problems and not (self.selected is not None and self.selected.has_error):
            self._go_to_first_to_fix()
        self._read(False)
        self.table.focus()

    def _go_to_first_to_fix(self) -> None:
        """Of those who have a problem, to the first whom a send waits for, where that one is near."""
        records = self._state.records
        rows = (row for row in islice(self.table.order, _LOOKED_AT) if records[row].has_error)
        if (row := next(rows, None)) is not None:
            self.table.go_to_row(row)

    def show_problems(self) -> None:
        """As the key, but never back to everybody: what leads here has promised to show them."""
        if not self._only_problems:
            self.toggle_problems()

    def read(self) -> None:
        """The message; where it is read already, what is wrong with it."""
        subject = self.message.subject
        if self._reading() and subject is not None and subject.wrong:
            self.post_message(self.Mending(subject.wrong))
        elif self._state.folder is not None:
            self._read(True)
            if self.message.reader.is_on_screen:
                self.set_focus(self.message.reader)  # at once: the next key may come before the next picture
            else:
                self._opening = True
                self.call_after_refresh(self._opened)

    def _opened(self) -> None:
        if self._opening:
            self._opening = False
            self.message.reader.focus()

    def action_page(self, number: int) -> None:
        self.message.turn_to(number)

    def action_other_pane(self) -> None:
        if self._reading():
            self._read(False)
            self.call_after_refresh(self.table.focus)
        else:
            self.read()

    def _can_go_back(self) -> bool:
        run_is_over = self._state.run is not None and self._state.run.over
        anything = self._state.busy or self._found is not None or self._only_problems or self.table.marks
        return self._reading() or run_is_over or bool(anything)

    def _reading(self) -> bool:
        """Whether the message has the keys, or is about to have them."""
        return self._opening or self.focused is self.message.reader

    async def back(self) -> None:
        """One step back: from the message to the list, from what is being planned, from the run's summary, from
        the marks, from the search, from the filter."""
        run = self._state.run
        if self._reading():
            self._read(False)
            self.call_after_refresh(self.table.focus)
        elif self._state.busy:
            self.post_message(self.Forgotten())
        elif run is not None and run.over:
            self.post_message(self.Dismissed())
        elif self.table.marks:
            self.table.unmark()
        elif self._view.query.strip():
            await self.query_one(SearchLine).clear()
        elif not self._view.is_plain:
            self.look_at(View())
        elif self._only_problems:
            self.toggle_problems()

    def go_to(self, row: int) -> None:
        """Select this row of the records; where it is not shown, everybody is."""
        if row not in self.table.order:
            self._only_problems = False
            self.look_at(View())
            self._found = None
            self._show_list(row)
        self.table.go_to_row(row)

    def _read(self, reading: bool) -> None:
        """On a small screen only one pane is shown: the message while it is read, else the list."""
        self._opening = False
        self.set_class(reading, "-reading")

    def on_search_line_typed(self, event: SearchLine.Typed) -> None:
        self.look_at(replace(self._view, query=event.query))

    def on_search_line_left(self) -> None:
        self.table.focus()

    def on_attendee_table_marked(self) -> None:
        self._show_title(len(self.table.order), len(self._state.records))
        self.refresh_bindings()

    def on_attendee_table_chosen(self) -> None:
        self.read()


def _fitting(breakpoints: Sequence[tuple[int, str]], size: int) -> str:
    return [name for least, name in breakpoints if least <= size][-1]


def _other_troubles(old: State, new: State) -> bool:
    return old.survey is not new.survey or old.troubles != new.troubles


def _both(rows: Sequence[int], others: Sequence[int]) -> tuple[int, ...]:
    wanted = set(others)
    return tuple(row for row in rows if row in wanted)
