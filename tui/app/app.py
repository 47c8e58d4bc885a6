"""The app itself: it owns the state, starts the workers, and carries what one part says to the others."""

import os
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, TypeVar

from textual.app import App
from textual.binding import Binding, BindingType
from textual.driver import Driver
from textual.events import Event, InputEvent
from textual.message import Message
from textual.screen import Screen
from textual.theme import Theme
from textual.timer import Timer

from tui.app import leaking, leaving, preferences, recent, work
from tui.app.accounts import Accounts
from tui.app.actions import BY_NAME, OF_THE_PROGRAM
from tui.app.anchoring import anchoring
from tui.app.answering import Answering, AnswersCame, AnswersFailed, AnswersKnown
from tui.app.asking import Purpose, Request, addresses
from tui.app.checklist import Going
from tui.app.corrections import Corrections
from tui.app.filtering import View
from tui.app.following import Followed, Following
from tui.app.forgetting import Forgetting
from tui.app.handed import Handed
from tui.app.leaks import Leaks
from tui.app.mending import Mending
from tui.app.noticing import EVERY, LookedAt, Noticing, look_at, stamps
from tui.app.pages import Subject
from tui.app.runs import after_news, begun, exit_code_of, how_it_was_left
from tui.app.screens.main import MainScreen
from tui.app.state import TROUBLES, Run, State
from tui.app.theme import DEFAULTS, LOOKS, usual
from tui.app.typed_ahead import TypedAhead
from tui.app.way import is_rehearsed, sources
from tui.app.widgets.table import AttendeeTable
from tui.app.words import count
from tui.clean import visible
from tui.errors import InviteError

if TYPE_CHECKING:
    from tempfile import TemporaryDirectory

    from textual.command import Provider

    from tui.app.screens.form import Form
    from tui.attendees import Attendee
    from tui.errors import Problem
    from tui.mailing import Question
    from tui.plan import Plan

Result = TypeVar("Result")

_OWN = {"commands": "command_palette"}  # actions of the toolkit that it looks for by name
_TICK = 0.2  # seconds between two looks at a run
_SEARCH_AT_ONCE = 20_000  # rows; more are searched in a thread
_AT_ONCE = 100  # people who are looked at one by one without a thread


def _palette() -> "type[Provider]":
    from tui.app.palette import Palette

    return Palette


class InviteApp(App[None]):
    """The organiser's screen over one event folder."""

    CSS_PATH = Path(__file__).with_name("app.tcss")
    TITLE = "invite-tui"
    ENABLE_COMMAND_PALETTE = True
    COMMAND_PALETTE_BINDING = "ctrl+p"
    COMMANDS = {_palette}  # noqa: RUF012 - as the base class declares it
    BINDINGS: ClassVar[list[BindingType]] = [
        *(act.binding(_OWN.get(act.name, "")) for act in OF_THE_PROGRAM),
        Binding("ctrl+q,ctrl+c", "do('quit')", "quit", show=False, priority=True),
    ]

    def __init__(self, opening: work.Opening, *, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        for theme in LOOKS:
            self.register_theme(theme)
        self._own = preferences.folder(opening.environment)
        self._preferred = preferences.load(self._own / preferences.FILE)
        self.set_keymap(self._preferred.keys)
        # Without the watcher, which would style everything a second time.
        wanted = self._preferred.theme
        if wanted not in self.available_themes:
            said = os.environ if opening.environment is None else opening.environment
            wanted = usual(said, None if self.no_color else self.console.color_system).name
        self.set_reactive(App.theme, wanted)
        self.stylesheet.set_variables(self.get_css_variables())
        self._opening = opening
        self._clock = clock
        self.state = State(files=opening.files)
        self.main: MainScreen = MainScreen(self.state, self.do)
        self._job: work.Running | None = None
        self._timer: Timer | None = None
        self._ticked = 0.0
        self._left_over = 0
        self._left_words = ""
        self._quitting = False
        self._interrupted = False
        self._pages: TemporaryDirectory[str] | None = None
        self._sample: TemporaryDirectory[str] | None = None
        self._asked: Request | None = None  # what is being planned
        self.corrections: Corrections = Corrections(self)
        self.leaks: Leaks = Leaks(self)
        self.accounts: Accounts = Accounts(self, opening.environment)
        self.forgetting: Forgetting = Forgetting(self)
        self.answering: Answering = Answering(self)
        self.handed: Handed = Handed(self)
        self.mending: Mending = Mending(self)
        self._after_opening: Callable[[], object] | None = None
        self._noticing = Noticing()
        self._newest: dict[str, object] = {}  # by group, what was begun last of what overwrites the one before
        self.typed_ahead: TypedAhead = TypedAhead(self)
        self._following = Following(self.post_message, lambda: self.state)

    @property
    def keys(self) -> Mapping[str, str]:
        """The organiser's own keys, by the names of `ACTIONS`: those that are not the usual ones."""
        return self._preferred.keys

    @property
    def encoding(self) -> str | None:
        """The encoding that was chosen for the lists, None for the one that they show by themselves."""
        return self._opening.encoding

    @property
    def follows(self) -> bool:
        """Whether it is seen from now on what others record in the ledger."""
        return self._following.has_begun

    def call_after_opening(self, job: Callable[[], object]) -> None:
        """Once what is being opened now was read."""
        self._after_opening = job

    @property
    def recent(self) -> list[tuple[str, ...]]:
        """The lists that were open lately, and are still there."""
        return recent.there(self._own)

    @property
    def exit_code(self) -> int:
        """What the command returns: 0, or what stopped the opening, or that something was left over (contract §5)."""
        if self._interrupted:
            return leaving.INTERRUPTED
        return self.return_code or exit_code_of(self.state, self._left_over)

    @property
    def last_words(self) -> str:
        """What the terminal is told after the app has closed: a send was left in the middle. "" where none was."""
        return self._left_words

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Our own colours' names, for the themes that do not have them."""
        return DEFAULTS

    def get_default_screen(self) -> Screen[None]:
        return self.main

    def get_driver_class(self) -> type[Driver]:
        return anchoring(super().get_driver_class())

    def on_mount(self) -> None:
        if self.current_theme.ansi:
            # It was chosen without the watcher that leaves its colours to the terminal.
            self.watch_ansi_theme_dark(self.ansi_theme)
            self.watch_ansi_theme_light(self.ansi_theme)
        # The frame is painted before anything is read.
        self.call_after_refresh(self.reload if self._opening.files else self.begin)
        for complaint in self._preferred.complaints:
            self.say(complaint, severity="warning")
        self.theme_changed_signal.subscribe(self, self._remember_theme)
        self.screen_change_signal.subscribe(self, self.typed_ahead.on_screen, immediate=True)
        self.set_interval(EVERY, self._look_at_files)
        if not self.is_headless:
            leaving.on_terminate(self._terminated)
            leaving.on_hang_up(self._terminated, self._settle)

    async def on_event(self, event: Event) -> None:
        if isinstance(event, InputEvent):
            self._draw_first()
        if not self.typed_ahead.takes(event):
            await super().on_event(event)

    def _draw_first(self) -> None:
        """What follows is drawn before the run goes on."""
        if self._job is not None:
            self._job.control.wait_for_screen()
            self.call_after_refresh(self._job.control.screen_is_drawn)

    def _remember_theme(self, theme: Theme) -> None:
        with suppress(OSError, ValueError):
            preferences.remember_theme(self._own / preferences.FILE, theme.name)

    def _sources(self) -> list[Path]:
        """The files that are open, or would be."""
        if self.state.folder is not None:
            return sources(self.state.folder)
        from tui.editing import beside

        files = [Path(file) for file in self._opening.files]
        return [*files, *([beside(files[0])] if files else [])]

    def _look_at_files(self) -> None:
        """In a thread: a folder may be far away."""
        if self.screen is self.main and not self.state.running and not self.state.busy and self._is_open:
            paths = self._sources()
            self.in_thread("look", partial(look_at, self.post_message, paths))

    @property
    def _is_open(self) -> bool:
        return self.state.checked or self.state.failure is not None

    def on_looked_at(self, event: LookedAt) -> None:
        changed = self._noticing.changed(event.stamps)
        if changed and self.screen is self.main and not self.state.running and self._is_open:
            names = ", ".join(path.name for path in changed[:3])
            self.say(f"{names} changed: read again.")
            self.reload()

    def reload(self) -> None:
        """Read the files again."""
        self._noticing.was_read(stamps(self._sources()))
        kept = self.main.selected, self.main.table.marked
        self._in_newest_thread("open", lambda post: work.open_files(post, self._opening, *kept))

    def _in_newest_thread(self, group: str, job: Callable[[work.Post], None]) -> None:
        """As `in_thread`. What `job` posts is not heard once another of its group was begun: a thread that is slower
        than the next one would put back what was so before."""
        mine = self._newest[group] = object()

        def hear(message: Message) -> None:
            if self._newest[group] is mine:
                self.post_message(message)

        self.in_thread(group, partial(job, partial(self.call_later, hear)))

    def in_thread(self, group: str, job: Callable[[], None]) -> None:
        # With words of its own: else the toolkit writes out the whole job, and with it everything the state holds.
        self.run_worker(job, group=group, description=group, exclusive=True, thread=True, exit_on_error=True)

    def aside(
        self,
        group: str,
        job: Callable[[], Result],
        then: Callable[[Result], object],
        failed: Callable[[InviteError], object] | None = None,
        *,
        busy: str = "",
        opens: bool = False,
    ) -> None:
        """Has `job` done in a thread, and hands what it gives to `then`, or what stopped it to `failed` (None: it is
        told), both on the screen's own thread. `busy` is said meanwhile.

        With `opens` a dialog comes next, and soon: keys wait for it, and Escape gives it up.
        """
        wanted = self.typed_ahead.expect() if opens else None
        if busy:
            self.busy(busy)
        failed = failed or self.tell_error
        self.in_thread(group, partial(work.work_out, self.post_message, job, then, failed, busy, wanted))

    def soon(self, many: int, job: Callable[[], Result], then: Callable[[Result], object]) -> None:
        """Hands what `job` gives to `then`, which opens a dialog: at once where it is about few people."""
        if many <= _AT_ONCE:
            then(job())
        else:
            self.aside("soon", job, then, busy="Looking for them ...", opens=True)

    def on_worked_out(self, event: work.WorkedOut) -> None:
        if event.busy == self.state.busy:
            self.busy("")
        if event.wanted is None:
            event.then()
        elif self.typed_ahead.is_expected(event.wanted):
            self.typed_ahead.over()
            event.then()

    def tell_error(self, error: InviteError) -> None:
        """What stopped something, with the way to mend it where there is one here."""
        if not self.accounts.offers_to_sign_in(error):
            self.say(error.message, error.hint, severity="error")

    def _become(self, state: State, row: int | None = None) -> None:
        if state.survey is not self.state.survey and state.folder is not None:
            state = replace(state, rehearsed=is_rehearsed(state.folder))
        before = self.state.survey
        self.state = state
        self.main.show(state, row)
        if before is not state.survey and before.people:
            known = [*before.people.values(), *before.actions.values()]
            self.in_thread("let go", partial(work.let_go, known))

    # What the workers say

    def on_reading(self, event: work.Reading) -> None:
        if self.state.folder is None and self.state.failure is None:
            self._become(replace(self.state, so_far=event.so_far))

    def on_opened(self, event: work.Opened) -> None:
        first = self.state.folder is None
        row = event.row
        if row is None and event.state.folder is not None and (selected := self.main.selected) is not None:
            # Whose address was mended has another key by now.
            row = event.state.folder.attendees.records.row_at(selected.file, selected.line)
        state = event.state
        if self.state.running or (state.folder is not None and state.folder is self.state.folder):
            state = replace(state, run=self.state.run, runs=self.state.runs)  # it was begun while the files were read
        self._become(state, row)
        self.main.table.mark(event.marked)
        if event.state.folder is None:
            self._following.end()
        elif not event.state.checked:
            self._following.begin(event.state.folder)
        if first and event.state.folder is not None:
            # Which files these are is only known now.
            self._noticing.was_found(stamps(self._sources()))
        if not self.main.view.is_plain:
            self._look_for(self.main.view)
        if event.state.checked or event.state.failure is not None:
            self._show_subject(self.main.selected)
        if event.state.lacks_event:
            self.mending.new_event(self._opening.files)
        if state.checked and state.run is not None and state.run.over:
            self.look_again()  # what it has recorded may not have been there yet
        if event.state.checked and (job := self._after_opening) is not None:
            self._after_opening = None
            job()
        if event.state.checked and not self._is_sample:
            self.in_thread("recent", partial(recent.remember, self._own, self._opening.files))

    def on_surveyed(self, event: work.Surveyed) -> None:
        if event.folder is not self.state.folder:
            return  # it was read again meanwhile, with all that is in the ledger
        self._become(replace(self.state, survey=event.survey))
        self._show_subject(self.main.selected)
        if self.main.view.narrows:
            self._look_for(self.main.view)  # how people stand is searched too

    def on_followed(self, event: Followed) -> None:
        if event.folder is not self.state.folder or event.runs != self.state.runs or self.state.running:
            return  # what was seen before a run of one's own, or in its midst
        known = self.state.survey.people
        self._become(replace(self.state, elsewhere=event.run, survey=event.survey or self.state.survey))
        if event.survey is not None:
            selected = self.main.selected
            if selected is not None and event.survey.people.get(selected.key) != known.get(selected.key):
                self._show_subject(selected)
            if self.main.view.narrows:
                self._look_for(self.main.view)
        self.handed.followed(event.newest)
        if event.ended:
            self.say(event.ended)

    def on_composed(self, event: work.Composed) -> None:
        if event.attendee is self.main.selected:
            subject = self._subject(event.attendee)
            person = replace(subject.person, history=event.history) if subject.person is not None else None
            made = replace(subject, person=person, view=event.view, actions=event.actions, decisions=event.decisions)
            self.main.show_subject(made)

    def on_found(self, event: work.Found) -> None:
        self.main.show_found(event.view, event.rows, more=event.more)

    def on_planned(self, event: work.Planned) -> None:
        if event.request is not self._asked:
            return  # something else was asked for meanwhile
        self.forget_plan()
        if self.corrections.planned(event):
            return
        if not event.plan.to_send and (event.request.purpose == "remind" or event.request.names is not None):
            self.say(_nobody(event))
        elif not event.plan.to_send:
            self.say(_nothing_to_send(self.state))
        elif event.request.purpose == "rehearsal":
            self._start(event)
        else:
            self._confirm(event)

    def on_proposed(self, event: work.Proposed) -> None:
        if isinstance(event.proposal, InviteError):
            self.say(event.proposal.message, event.proposal.hint, severity="error")
        else:
            asked = count(event.proposal.messages, "message")
            self.say(f"Proposed: {asked}. Nothing was sent; somebody else opens this event and presses s.")

    def on_plan_refused(self, event: work.PlanRefused) -> None:
        if event.request is not self._asked:
            return
        self.forget_plan()
        if self.corrections.refused(event):
            return
        error = event.error
        if event.request.purpose == "send" and self.state.faults and not self.state.survey.blocked:
            self._ask_to_leave_out(error)
        elif error.problems:
            self._show_failure(error)
        else:
            self.say(error.message, error.hint, severity="error")

    def on_audited(self, event: leaking.Audited) -> None:
        self.leaks.audited(event)

    def on_repair_made(self, event: leaking.RepairMade) -> None:
        self.leaks.repaired(event)

    def on_report_written(self, event: leaking.ReportWritten) -> None:
        self.leaks.written(event)

    def on_kept_saved(self, event: leaking.KeptSaved) -> None:
        self.leaks.saved(event)

    def on_verified(self, event: leaking.Verified) -> None:
        self.leaks.verified(event)

    def on_answers_known(self, event: AnswersKnown) -> None:
        self.answering.known(event)

    def on_answers_came(self, _: AnswersCame) -> None:
        self.answering.came()

    def on_answers_failed(self, event: AnswersFailed) -> None:
        self.answering.failed(event)

    def on_failed(self, event: leaking.Failed) -> None:
        self.leaks.failed(event.error)

    def on_run_ended(self, event: work.RunEnded) -> None:
        if event.running is not self._job:
            return
        self._tick()
        if self._timer is not None:
            self._timer.stop()
        self._job = None
        if event.running.going.workers and event.failure is None:
            # From here on it is followed like anybody's.
            self._become(self.state.with_run(None))
            self.say(f"Handed over to workers: {count(len(event.running.plan.to_send), 'message')}.")
        elif (run := self.state.run) is not None:
            run = replace(run, over=True, waiting=None, held=None, question=None, failure=event.failure)
            self._become(self.state.with_run(run))
            if run.live and not run.taken_back:
                self._left_over = run.total - run.counts.get("accepted", 0)
        if self._quitting:
            self._left_words = how_it_was_left(self.state.run, self._opening)
            self.exit()
        else:
            self.look_again()

    def look_again(self) -> None:
        """The plan and the ledger are read again."""
        if (folder := self.state.folder) is not None:
            errors = self.state.errors
            self._in_newest_thread("survey", lambda post: work.look_again(post, folder, errors))

    # What the organiser says

    def on_attendee_table_selected(self, event: AttendeeTable.Selected) -> None:
        self._show_subject(event.attendee)

    def on_form_filled(self, event: "Form.Filled") -> None:
        from tui.app.screens.asking import Asking

        if event.form.then is not None:
            event.form.then(event.form, event.values)
        elif isinstance(event.form, Asking):
            self.corrections.filled(event.form, event.form.request(event.values))
        else:
            self.leaks.filled(event.values)

    def on_main_screen_searching(self, event: MainScreen.Searching) -> None:
        if event.view.is_plain:
            self.main.show_found(event.view, ())
        else:
            self._look_for(event.view)

    def _look_for(self, view: View) -> None:
        if self.state.folder is None:
            return
        if len(self.state.folder.attendees.records) <= _SEARCH_AT_ONCE:
            work.find(self.post_message, view, self.state)
        else:
            job = partial(work.find, self.post_message, view, self.state, lambda: self.main.view != view)
            self.in_thread("search", job)

    def do(self, name: str) -> Awaitable[None] | None:
        """Do this of `ACTIONS`."""
        return BY_NAME[name].do(self)

    async def action_do(self, name: str) -> None:
        if (waiting := self.do(name)) is not None:
            await waiting

    def on_main_screen_forgotten(self) -> None:
        self.forget_plan()

    def on_main_screen_mending(self, event: MainScreen.Mending) -> None:
        self.mending.mend(event.problems)

    def on_main_screen_dismissed(self) -> None:
        self._become(self.state.with_run(None))

    def _subject(self, attendee: "Attendee") -> Subject:
        folder, survey, run = self.state.folder, self.state.survey, self.state.run
        return Subject(
            attendee,
            event=folder.event if folder is not None else None,
            problems=folder.problems_of(attendee) if folder is not None else (),
            person=survey.people.get(attendee.key),
            actions=survey.actions.get(attendee.key, ()),
            settled=run.settled.get(attendee.key) if run is not None and run.live and not run.over else None,
        )

    def _show_subject(self, attendee: "Attendee | None") -> None:
        if attendee is None or self.state.folder is None:
            self.main.message.show_nobody(self.state)
            return
        if not self.state.checked:
            return
        self.main.show_subject(self._subject(attendee))
        state = self.state
        self._in_newest_thread(
            "compose", lambda post: work.compose(post, state, attendee, lambda: self.main.selected is not attendee)
        )

    def show_event(self) -> None:
        from tui.app.screens.event import EventDetails

        if self.state.lacks_event:
            self.mending.new_event(self._opening.files)
            return
        self.push_screen(EventDetails(self.state))

    # What is opened, and what of it is shown

    def begin(self) -> None:
        from tui.app.screens.start import Start

        self.push_screen(Start(Path.cwd(), self.recent), self._begun)

    def _begun(self, answer: str | None) -> None:
        what, _, file = (answer or "").partition(" ")
        if what == "file":
            self.open_other(file)
        elif what == "recent":
            self.open_other(*self.recent[int(file)], anew=True)
        elif what == "new":
            self.mending.new_folder()
        elif what == "account":
            self.accounts.show()
        elif what == "sample":
            self.open_other(str(self._own_sample() / "attendees.csv"))
        elif what:
            self.leaks.mail_chosen(answer)

    @property
    def _is_sample(self) -> bool:
        """Whether what is open is gone when the app is."""
        own = self._sample
        return own is not None and any(Path(file).is_relative_to(own.name) for file in self._opening.files)

    def _own_sample(self) -> Path:
        """The sample, in a folder that is gone when the app is: nothing is written where the program lies."""
        from shutil import copytree
        from tempfile import TemporaryDirectory

        from tui.data import samples

        if self._sample is None:
            self._sample = TemporaryDirectory(prefix="invite-tui-sample-")
        return copytree(samples(), Path(self._sample.name), dirs_exist_ok=True)

    def open_other(self, *files: str, anew: bool = False) -> None:
        """Begin anew with these files; the account and the like stay as they were chosen. `anew`: it is another event,
        with a ledger of its own."""
        self._opening = replace(self._opening, files=files, event=None, encoding=None)
        if anew:
            self._opening = replace(self._opening, ledger=None, template=None, outbox=None)
        self._become(State(files=files))
        self.main.look_at(View())
        self.reload()

    def choose_encoding(self) -> None:
        from tui.app.encodings import telling
        from tui.app.screens.encoding import Encodings

        folder = self.state.folder
        found = folder.attendees.encodings if folder is not None else ()
        dialog = Encodings(telling(self._opening.files), found, self._opening.encoding)
        self.push_screen(dialog, self._encoding_chosen)

    def _encoding_chosen(self, answer: str | None) -> None:
        if answer is not None and not self.state.running:
            from tui.app.encodings import CHOICES

            self._opening = replace(self._opening, encoding=answer if answer in CHOICES else None)
            self.reload()

    def choose_view(self) -> None:
        self.aside("count", partial(work.count_people, self.state), self._counted, opens=True)

    def _counted(self, found: work.Counted) -> None:
        from tui.app.screens.views import chosen_view, view_dialog

        def answered(answer: str | None) -> None:
            if answer is not None:
                self.main.look_at(chosen_view(self.main.view, answer))

        if self.screen is self.main:
            self.push_screen(view_dialog(self.main.view, found.standings, found.answers, found.groups), answered)

    # Rehearse, send, resend

    def plan(self, request: Request) -> None:
        """Have this planned; what was asked for before is forgotten."""
        if self.state.folder is not None:
            self._asked = request
            if request.purpose != "rehearsal":
                self.typed_ahead.expect()
            self.busy("Planning ...")
            self.in_thread(
                "plan", partial(work.plan_run, self.post_message, self.state.folder, self.state.survey, request)
            )

    def forget_plan(self) -> None:
        """Nobody waits for what is being planned any more."""
        self._asked = None
        self.typed_ahead.over()
        self.busy("")

    def busy(self, words: str) -> None:
        """Say on the screen what is being worked out; "" when it is done."""
        if words != self.state.busy:
            self._become(replace(self.state, busy=words))

    def show_plan(self) -> None:
        """What a send would do, rows with errors left out."""
        if (folder := self.state.folder) is not None:
            self.aside("plan", lambda: folder.plan(skip_errors=True), self._plan_made, busy="Planning ...", opens=True)

    def _plan_made(self, plan: "Plan") -> None:
        from tui.app.screens.plan import PlanPage

        self.push_screen(PlanPage(plan, self.state))

    def rehearse(self) -> None:
        self.plan(Request("rehearsal"))

    def send(self) -> None:
        """To everybody who is owed something; where people are marked it is asked who is meant."""
        self._plan_or_ask("send")

    def send_these(self) -> None:
        """What is owed to who is marked, else to who is selected, and nothing to anybody else."""
        if self.state.live:
            self._plan_for_chosen("send")
        else:
            self._explain_rehearsal()

    def remind(self) -> None:
        """Who has not answered, as far as is known; where people are marked it is asked who is meant."""
        self._plan_or_ask("remind")

    def _plan_or_ask(self, purpose: Purpose) -> None:
        if not self.state.live:
            self._explain_rehearsal()
        elif self.main.table.marked:
            self._ask_who(purpose)
        else:
            self.plan(Request(purpose))

    def _plan_for_chosen(self, purpose: Purpose) -> None:
        """For who is marked, else for who is selected."""
        whom, survey = self.main.chosen, self.state.survey
        job = partial(addresses, whom, survey.people, survey.shared)
        self.soon(len(whom), job, lambda names: self.plan(Request(purpose, names)))

    def _ask_who(self, purpose: Purpose) -> None:
        from tui.app.screens.choice import Choice

        def answered(answer: str | None) -> None:
            if answer == "marked":
                self._plan_for_chosen(purpose)
            elif answer == "everybody":
                self.plan(Request(purpose))

        people = count(self.main.table.marks, "person is", "people are")
        whom = "Send to" if purpose == "send" else "Remind"
        said = [f"{people} marked. Nothing is sent before you have seen to whom, and typed how many."]
        answers = [("marked", f"{whom} the marked"), ("everybody", f"{whom} everybody"), ("nobody", "Nobody")]
        self.push_screen(Choice(whom.removesuffix(" to"), said, answers), answered)

    def _explain_rehearsal(self) -> None:
        if self.state.folder is None:
            return
        from tui.app.screens.choice import Choice

        if (failure := self.state.account_failure) is not None:
            answers = [("cancel", "Not now"), ("accounts", "Accounts …"), ("rehearse", "Rehearse")]
            said = [visible(one) for one in (failure.message, failure.hint) if one]
            self.push_screen(Choice("Account", said, answers), self._answered)
            return

        outbox = visible(self.state.folder.outbox.name)
        said = [
            f"There is no account yet, so this can only rehearse: messages are written to {outbox}/, to nobody else.",
            "To send, add an account: your mail server and your login. It is tried before it is kept.",
        ]
        answers = [("rehearse", "Rehearse"), ("account", "Add an account …"), ("cancel", "Not now")]
        if self.state.rehearsed:
            answers = [answers[1], answers[2]]
        self.push_screen(Choice("No account yet", said, answers), self._answered)

    def send_through(self, name: str | None) -> None:
        """What is open is sent through this stored account from now on; None: through whichever there is."""
        self._opening = replace(self._opening, account=name, also=())
        if self._opening.files:
            self.reload()

    def _show_failure(self, error: InviteError) -> None:
        """What stands in the way; Enter goes to where it comes from."""
        from tui.app.screens.dialog import Obstacles
        from tui.app.screens.event import of_nobody

        wrong = [one for one in of_nobody(self.state) if one.severity == "error"] or error.problems
        self.push_screen(Obstacles("Nothing can be sent yet", wrong), lambda yes: self._mend_if(yes, wrong))

    def _mend_if(self, yes: bool | None, wrong: "Sequence[Problem]") -> None:
        if yes:
            self.mending.mend(wrong)

    def _ask_to_leave_out(self, error: InviteError) -> None:
        from tui.app.screens.choice import Choice

        people = count(self.state.to_fix, "error stops", "errors stop")
        said = [f"{people} the whole send: {visible(error.message)}", "Mend the file, or send to the others now."]
        answers = [("problems", "Show them"), ("leave-out", "Leave them out"), ("cancel", "Back")]
        self.push_screen(Choice("Not everybody can be sent to", said, answers), self._answered)

    def _answered(self, answer: str | None) -> None:
        if answer == "rehearse":
            self.rehearse()
        elif answer == "account":
            self.accounts.add()
        elif answer == "accounts":
            self.accounts.show()
        elif answer == "leave-out":
            self.plan(Request("send", skip_errors=True))
        elif answer == "problems":
            self.main.show_problems()

    def _confirm(self, planned: work.Planned) -> None:
        from tui.app.screens.confirm import PROPOSE, Confirm

        def confirmed(answer: Going | Request | str | None) -> None:
            self.corrections.confirmed(isinstance(answer, Going))
            if isinstance(answer, Going):
                self._start(planned, answer)
            elif isinstance(answer, Request):
                self.plan(answer)
            elif answer == "no":
                self.say("Nothing was sent.")
            elif answer == PROPOSE:
                self.in_thread("run", partial(work.propose, self.post_message, planned))
            elif answer == "problems":
                self.main.show_problems()
            elif answer is not None:
                self.call_later(self.action_do, answer)

        def ask() -> None:
            account = planned.folder.account if planned.request.accounts else self.state.account
            self.push_screen(Confirm(account, planned, self.state), confirmed)
            self.call_after_refresh(self.main.expect_run)

        # Whoever types the number is not to be asked for anything else.
        self.accounts.unlocked(ask, lambda: self.corrections.confirmed(False))

    def _start(self, planned: work.Planned, going: Going | None = None) -> None:
        folder = planned.folder
        if self._job is not None:
            return
        from tui.app.watching import Watched

        request = planned.request
        purpose = request.purpose if self.state.live else "rehearsal"
        running = self._job = work.Running(
            purpose,
            planned.plan,
            Watched(),
            request,
            going=going or Going(),
        )
        run = begun(planned, running, self.state)
        self._become(replace(self.state, run=run, runs=self.state.runs + 1, elsewhere=None))
        self._ticked = self._clock()
        self._timer = self.set_interval(_TICK, self._tick)
        self.in_thread("run", partial(work.mail, self.post_message, folder, running))

    def _tick(self) -> None:
        running, run = self._job, self.state.run
        if running is None or run is None:
            return
        now = self._clock()
        passed, self._ticked = now - self._ticked, now
        now_run = replace(after_news(run, running, passed), quitting=self._quitting)
        self._become(self.state.with_run(now_run))
        if now_run.question is not None and now_run.question is not run.question:
            self._ask(now_run, now_run.question)
        subject = self.main.message.subject
        if run.live and subject is not None:
            settled = run.settled.get(subject.attendee.key)
            if settled is not subject.settled:
                self.main.show_subject(replace(subject, settled=settled))

    def pause(self) -> None:
        if self._job is not None:
            control, run = self._job.control, self.state.run
            if run is not None and run.question is not None:
                self._ask(run, run.question)
            elif control.paused:
                control.resume()
            else:
                control.pause()
            self._tick()
        elif (elsewhere := self.state.elsewhere) is not None:
            self.handed.tell("go-on" if elsewhere.paused else "pause")

    def _ask(self, run: Run, question: "Question") -> None:
        """Whether the run that holds is to go on. Not decided is decided later."""
        from tui.app.screens.question import END, GO_ON, Asked

        def answered(answer: str | None) -> None:
            if self._job is not None and answer in (GO_ON, END):
                self._job.control.answer(go_on=answer == GO_ON)
                self._tick()

        if not isinstance(self.screen, Asked):
            self.push_screen(Asked(run, question), answered)

    def stop_run(self) -> None:
        if self._job is not None:
            self._job.control.stop()
            self._tick()
        elif self.state.elsewhere is not None:
            self.handed.tell("stop")

    # The rest

    def browse(self) -> None:
        subject = self.main.message.subject
        if subject is None or subject.view is None or isinstance(subject.view, InviteError):
            self.say("There is no message to open.", severity="warning")
            return
        if self._pages is None:
            from tempfile import TemporaryDirectory

            self._pages = TemporaryDirectory(prefix="invite-tui-")
        self.in_thread("browse", partial(self._open_page, subject.view.html, Path(self._pages.name)))

    def _open_page(self, html: str, folder: Path) -> None:
        from tui.app.browser import open_page, write_page

        page = write_page(html, folder)
        words = "Opened in the browser." if open_page(page) else f"There is no browser here. The page is {page}"
        self.call_from_thread(self.say, words)

    def say(self, message: str, hint: str | None = None, *, severity: str = "information") -> None:
        words = visible(f"{message} {hint}" if hint else message)
        level = {"error": "error", "warning": "warning"}.get(severity, "information")
        self.notify(words, severity=level, markup=False, timeout=8 if severity == "error" else 4)  # type: ignore[arg-type]  # one of the three

    async def action_command_palette(self) -> None:  # type: ignore[override]  # an action may be either
        """As the toolkit has it, with words for all that it finds; when this returns it can be typed into."""
        from textual.widgets import Input

        from tui.app.palette import Finder

        if self.screen is not self.main and not isinstance(self.screen, Finder):
            self.say("Esc closes this first: then every command can be found by its name.")
        elif self.use_command_palette and not isinstance(self.screen, Finder):
            palette = Finder(id="--command-palette", placeholder="A command, a person or a file")
            await self.push_screen(palette)
            palette.set_focus(palette.query_one(Input))

    def show_help(self) -> None:
        from tui.app.screens.help import Help
        from tui.app.widgets.reader import Reader

        others = [one for one in Binding.make_bindings(self.main.BINDINGS) if one.id not in BY_NAME]
        panes: list[tuple[str, Iterable[BindingType]]] = [
            ("The panes", others),
            ("In the list", AttendeeTable.BINDINGS),
            ("In the message", [*self.main.message.BINDINGS, *Reader.BINDINGS]),
        ]
        self.push_screen(Help(self.keys, panes))

    async def action_quit(self) -> None:
        from tui.app.screens.editor import Editor

        if isinstance(self.screen, Editor) and self.screen.is_changed:
            self.screen.action_leave()  # nothing that was typed is lost to a key that copies elsewhere
            return
        if self._job is None:
            self.exit()
            return
        if self._quitting:
            # Asked again while the last messages are in flight: the server may never answer.
            self._job.control.abort()
            return
        if self._job.control.stopped:
            # It is ending anyway: there is nothing to ask.
            self._quit_answered("quit")
            return
        from tui.app.screens.choice import Quit

        if isinstance(self.screen, Quit):
            self.screen.dismiss("quit")  # who is in a hurry presses it again
            return
        kind = "rehearsal" if self._job.purpose == "rehearsal" else "send"
        self.push_screen(Quit(kind), self._quit_answered)

    def _quit_answered(self, answer: str | None) -> None:
        if answer != "quit":
            return
        if self._job is None:
            self.exit()
        else:
            self._quitting = True
            self.stop_run()

    def _terminated(self) -> None:
        """The system asks the app to end: as the organiser's "Stop and quit", without a question. Asked again while the
        last messages are in flight, it leaves at once."""
        self._interrupted = True
        if self._quitting and self._job is not None:
            self._job.control.abort()
        else:
            self._quit_answered("quit")

    def _fatal_error(self) -> None:
        """What the terminal is told of a fault of the program: harmless to it, and nothing of what was in memory, which
        is people's names and addresses."""
        import traceback

        from rich.text import Text
        from textual.worker import WorkerFailed

        error = self._exception
        lines = traceback.format_exception(error.error if isinstance(error, WorkerFailed) else error)
        lines.append("A fault of the program. What was sent is recorded. Please report it.")
        self.panic(Text(visible("".join(lines), lines=True)))

    def _settle(self) -> None:
        """From a thread of its own: stops the run that is on, and waits until it is recorded."""
        if (job := self._job) is not None:
            job.control.stop()
            job.over.wait()

    async def on_unmount(self) -> None:
        self.answering.close()
        self._following.end()
        if self._job is not None:
            self._job.control.stop()
        for own in (self._pages, self._sample):
            if own is not None:
                own.cleanup()


def _nobody(planned: work.Planned) -> str:
    """Why nobody of those who were asked about is sent anything."""
    said = "; ".join(f"{number:,} {reason}" for reason, number in [*planned.reasons.items()][:3])
    what = "Nobody is to be reminded" if planned.request.purpose == "remind" else "Nothing to send"
    return f"{what}: {said or 'nobody is on the list'}."


def _nothing_to_send(state: State) -> str:
    """Why not, and who is to be looked after all the same."""
    survey = state.survey
    if survey.promise is not None and survey.promise.open:
        return (
            "Nothing to send yet: the event is still the one that was sent by mistake. Put the new time and link into"
            " event.toml, press F5, then s."
        )
    parts = [f"{survey.holding:,} {'has' if survey.holding == 1 else 'have'} it"] if survey.holding else []
    troubles = {one: number for one in TROUBLES if (number := survey.troubles.get(one, 0))}
    parts += [f"{number:,} {one}" for one, number in troubles.items()]
    if state.left_out:
        parts.append(f"{state.left_out:,} with errors")
    if not parts:
        return "Nothing to send: nobody is owed a message."
    said = f"Nothing to send: {', '.join(parts)}"
    if not troubles:
        return f"{said}."
    if sum(troubles.values()) > 1:
        return f"{said}: `f` shows them, `r` sends it again to the selected one."
    name = _name_of_troubled(state)
    return f"{said}: `r` sends it again to {name}." if name else f"{said}: `r` sends it again."


def _name_of_troubled(state: State) -> str:
    """The first person who is refused, deferred or unknown."""
    if state.folder is None:
        return ""
    for row in state.survey.unsettled:
        one = state.folder.attendees.records[row]
        if one.withdrawn is None:
            return one.name or one.address
    return ""
