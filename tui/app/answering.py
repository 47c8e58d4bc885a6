"""Answers in the app: what came back, read and triaged. Nothing is done about a request by itself."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from threading import Event
from typing import TYPE_CHECKING

from textual.message import Message

from tui.address import key_of
from tui.app import work
from tui.app.asking import Target, shared_addresses, targets
from tui.app.filtering import View
from tui.app.state import answer_counts
from tui.app.words import count
from tui.clean import visible
from tui.errors import BusyError, InviteError

if TYPE_CHECKING:
    from tui.app.app import InviteApp
    from tui.app.screens.choice import Choice
    from tui.app.screens.form import Form
    from tui.folder import Folder
    from tui.ledger import Ledger
    from tui.ledger.records import Person
    from tui.replies import Asked, Overview, Standing, Tally


@dataclass(eq=False, repr=False)
class AnswersKnown(Message):
    """What came back, as the ledger has it now; `tally` is of what was read for it, None where nothing was."""

    known: "Overview"
    people: "Mapping[str, Person]"
    shared: frozenset[str]
    """The addresses that several of them have."""
    counts: Mapping[str, int]
    """Of how many people what has come back, by `ANSWERS` without "none"."""
    tally: "Tally | None" = None
    quietly: bool = False
    """Nobody has asked to see it."""


@dataclass(eq=False, repr=False)
class AnswersFailed(Message):
    """The mailbox, or the ledger, could not be used."""

    error: InviteError


@dataclass(eq=False, repr=False)
class AnswersCame(Message):
    """The mail server says that something may have come."""


def watch(post: work.Post, folder: "Folder", over: Event) -> None:
    """In a thread, until it is `over`: waits for the mail server's word. Nothing is read or recorded here."""
    from tui.replies.imap import opened

    try:
        with opened(folder.imap_login) as mailbox:
            post(AnswersCame())  # what came before this one looked
            while not over.is_set():
                if mailbox.wait(over.is_set):
                    post(AnswersCame())
    except Exception as error:  # noqa: BLE001 - a lost connection must not end the app
        over.set()
        post(AnswersFailed(work.in_words(error)))


def look(
    post: work.Post,
    folder: "Folder",
    *,
    read: "Callable[[Folder], Tally] | None" = None,
    decide: "Callable[[Ledger], None] | None" = None,
    quietly: bool = False,
) -> None:
    """In a thread: reads mail, or records what was decided, and posts all that is known then."""
    from tui.replies import overview

    try:
        tally = read(folder) if read is not None else None
        if decide is not None:
            with folder.ledger_to_write() as ledger:
                decide(ledger)
        with folder.ledger_to_read() as ledger:
            people, found = ledger.people(), ledger.answers()
        counts = answer_counts(people, found)
        post(AnswersKnown(overview(people, found), people, shared_addresses(people), counts, tally, quietly))
    except Exception as error:  # noqa: BLE001 - a hostile mail must not end the app
        if not (quietly and isinstance(error, BusyError)):  # it is read with what comes next
            post(AnswersFailed(work.in_words(error)))


def read_mailbox(folder: "Folder") -> "Tally":
    from tui.replies import Collector

    collector = Collector(folder)
    collector.from_account(folder.imap_login, folder.account_name)
    return collector.tally


def read_files(folder: "Folder", path: str) -> "Tally":
    from tui.replies import Collector

    collector = Collector(folder)
    collector.from_files([path])
    return collector.tally


class Answering:
    """The part of the app that shows what came back. `_known` is what the list on the screen is made of."""

    def __init__(self, app: "InviteApp") -> None:
        self._app = app
        self._known: AnswersKnown | None = None
        self._over: Event | None = None  # of the watch over the mailbox
        self._stays_live = False  # whether it is watched once it was read
        self._wanted: object | None = None  # what the keys wait for

    @property
    def is_watching(self) -> bool:
        return self._over is not None and not self._over.is_set()

    def watch(self) -> None:
        """Begins or ends the watch over the account's mailbox."""
        if self.is_watching:
            self.close()
            self._app.say("The mailbox is not watched any more.")
        else:
            self._app.accounts.unlocked(self._begin_to_watch)

    def _begin_to_watch(self) -> None:
        folder = self._app.state.folder
        if folder is not None:
            self._watch(folder)
            self._app.say("The mailbox is watched: what comes is told.")

    def _watch(self, folder: "Folder") -> None:
        self._over = Event()
        self._app.in_thread("watch", partial(watch, self._app.post_message, folder, self._over))

    def close(self) -> None:
        """The watch ends within a second."""
        if self._over is not None:
            self._over.set()

    def came(self) -> None:
        """What has come is read, unless a run holds the ledger: then with what comes next."""
        folder = self._app.state.folder
        if folder is not None and self.is_watching and not self._app.state.running:
            job = partial(look, self._app.post_message, folder, read=read_mailbox, quietly=True)
            self._app.in_thread("answers", job)

    def show(self) -> None:
        self._look(opens=True)

    def _look(
        self,
        *,
        read: "Callable[[Folder], Tally] | None" = None,
        decide: "Callable[[Ledger], None] | None" = None,
        busy: str = "",
        opens: bool = False,
    ) -> None:
        folder = self._app.state.folder
        if folder is not None and not self._app.state.running:
            self._wanted = self._app.typed_ahead.expect() if opens else None
            self._app.busy(busy)
            self._app.in_thread("answers", partial(look, self._app.post_message, folder, read=read, decide=decide))

    def known(self, event: AnswersKnown) -> None:
        from tui.app.screens.answers import Answers, answers_dialog

        self._app.busy("")
        self._app.look_again()  # who bounced is planned otherwise
        shown = self._app.screen
        if event.quietly:
            about_us = event.tally.read - event.tally.unmatched if event.tally is not None else 0
            if about_us <= 0:
                return
            self._app.say(f"{count(about_us, 'new mail')} about the event: i shows what came back.")
            if not isinstance(shown, Answers):
                return
        elif not self._is_wanted():
            return
        elif event.tally is not None:
            words = f"{count(event.tally.read, 'new mail')} read"
            more = f", {event.tally.unmatched:,} not about this event" if event.tally.unmatched else ""
            self._app.say(f"{words}{more}.")
            for place, reason in event.tally.unreadable[:3]:
                self._app.say(f"{place} was not read: {reason}", severity="warning")
        chosen = ""
        if isinstance(shown, Answers):
            chosen = shown.chosen  # what is looked at is made anew
            shown.dismiss(None)
        self._known = event
        folder = self._app.state.folder
        if self._stays_live and event.tally is not None and folder is not None and not self.is_watching:
            self._watch(folder)
        self._stays_live = False
        made = answers_dialog(event.known, event.counts, len(event.people), watched=self.is_watching, chosen=chosen)
        self._app.push_screen(made, self._chosen)

    def _is_wanted(self) -> bool:
        """Whether the organiser has not given it up meanwhile."""
        wanted, self._wanted = self._wanted, None
        is_wanted = self._app.typed_ahead.is_expected(wanted)
        self._app.typed_ahead.over()
        return is_wanted

    def failed(self, event: AnswersFailed) -> None:
        self._is_wanted()
        self._stays_live = False
        self._app.busy("")
        self._app.tell_error(event.error)

    # What was chosen

    def _chosen(self, answer: str | None) -> None:
        from tui.app.screens.answers import ACCEPT

        what, _, number = (answer or "").partition(" ")
        if is_accepted := what == ACCEPT:
            what, _, number = number.partition(" ")
        if self._known is None or what in ("", "nothing"):
            return
        known = self._known.known
        if what == "mailbox":
            self._app.accounts.unlocked(self._read_mailbox)
        elif what == "watch":
            self.watch()
        elif what in ("remind", "report", "forget-all"):
            self._app.do(what)
        elif what == "people":
            self._app.main.look_at(View(answer=number))
        elif is_accepted:
            self._accept(what, int(number or 0))
        elif what == "file":
            self._ask_for_a_file()
        elif what == "request":
            self._triage(known.requests[int(number)])
        elif what in ("response", "forwarded"):
            among = known.responses if what == "response" else known.forwarded
            self._judge(among[int(number)])
        elif what == "bounce":
            self._mend(known.bounces[int(number)].key, None)

    def _read_mailbox(self) -> None:
        """What is new; and what comes later, as long as the app is open."""
        self._stays_live = True
        self._look(read=read_mailbox, busy="Reading the mailbox ...")

    def _accept(self, what: str, number: int) -> None:
        """What this person asks for becomes a correction or a cancellation, an answer theirs: each asks once more."""
        known = self._known.known if self._known is not None else None
        if known is None or what == "file":
            self._chosen(what)
        elif what == "request" and known.requests[number].is_open:
            request = known.requests[number].request
            if request.kind == "address":
                self._mend(request.key, request.suggested)
            elif request.kind == "withdraw":
                self._cancel(request.key)
            else:
                self._triage(known.requests[number])
        elif what in ("response", "forwarded"):
            answer = (known.responses if what == "response" else known.forwarded)[number].answer
            if answer.counts:
                self._chosen(f"{what} {number}")
            else:
                self._look(decide=lambda ledger: ledger.accept_answers([answer.id]))
        else:
            self._chosen(f"{what} {number}")

    def _ask_for_a_file(self) -> None:
        from tui.app.screens.form import Blank, Form

        def filled(form: "Form", values: Mapping[str, str]) -> None:
            path = values["path"].strip()
            form.dismiss(None)
            if path:
                self._look(read=partial(read_files, path=path), busy=f"Reading {path} ...")

        blanks = [Blank("path", "Path", hint="an .eml file, mbox, Maildir, or a folder of them")]
        said = "Mails that you saved. They are only read."
        self._app.push_screen(Form("Read answers", said, blanks, "Read", then=filled))

    def _triage(self, asked: "Asked") -> None:
        """One request: what it says, and what can be done about it."""
        from tui.app.screens.choice import Choice

        request = asked.request
        answers = [("nothing", "Nothing yet" if asked.is_open else "Close")]
        if asked.is_open and request.kind == "address":
            answers.insert(0, ("correct-it", "Correct …"))
        if asked.is_open and request.kind == "withdraw":
            answers.insert(0, ("cancel-it", "Cancel …"))
        if asked.is_open:
            answers.append(("settle-it", "Dealt with"))
        what: dict[str, Callable[[], None]] = {
            "correct-it": lambda: self._mend(request.key, request.suggested),
            "cancel-it": lambda: self._cancel(request.key),
            "settle-it": lambda: self._look(decide=lambda ledger: ledger.settle_requests([request.id])),
        }
        who = f"{visible(asked.name)} <{visible(request.address)}>" if asked.name else visible(request.address)
        if request.sender != key_of(request.address):
            who += f", written by {visible(request.sender) or 'nobody'}"
        said = [f"{who}, {request.at:%d %B %Y}:", visible(request.text, lines=True)]
        said += [f"→ {visible(request.suggested)}"] if request.suggested and asked.is_open else []
        said += [f"Done: {visible(asked.done)}."] if asked.done else []
        self._push(Choice("Asked in words", said, answers), what)

    def _judge(self, standing: "Standing") -> None:
        """One calendar answer: one that is not verified can be taken for the person's."""
        from tui.app.screens.answers import about
        from tui.app.screens.choice import Choice

        answer = standing.answer
        answers = [("nothing", "Leave it" if not answer.counts else "Close")]
        said = about(standing)
        if not answer.counts:
            said.append("It was not sent by the attendee's own address, and does not count before you say so.")
            answers.append(("accept-it", f"It is {visible(standing.invited_as)}'s answer"))
        what: dict[str, Callable[[], None]] = {
            "accept-it": lambda: self._look(decide=lambda ledger: ledger.accept_answers([answer.id]))
        }
        self._push(Choice("Answer", said, answers), what)

    def _push(self, dialog: "Choice", what: Mapping[str, Callable[[], None]]) -> None:
        def answered(answer: str | None) -> None:
            what.get(answer or "", self.show)()

        self._app.push_screen(dialog, answered)

    def _mend(self, key: str, address: str | None) -> None:
        self._with(key, lambda whom: self._app.corrections.correct_to(whom, address or ""))

    def _cancel(self, key: str) -> None:
        self._with(key, lambda whom: self._app.corrections.cancel_these([whom]))

    def _with(self, key: str, then: Callable[[Target], None]) -> None:
        folder, known = self._app.state.folder, self._known
        if folder is not None and known is not None and key in known.people:
            self._app.soon(len(folder.attendees.records), partial(_target, folder, known, key), then)


def _target(folder: "Folder", known: AnswersKnown, key: str) -> Target:
    """Somebody by their key: as the list has them, else as the ledger has."""
    from tui.plan import known as known_by_ledger

    records = folder.attendees.records
    row = next((row for row, (one, _) in enumerate(records.identities()) if one == key), None)
    attendee = known_by_ledger(known.people[key]) if row is None else records[row]
    return next(targets([attendee], known.people, known.shared))
