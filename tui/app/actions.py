"""Everything that the organiser can do, each registered once: its key, its words, when it can be done, what does it.

The keys of the main screen, the line of keys below, the help and the palette are all made of this list, and the
organiser's own file of keys (see `preferences`) names what is in it by `name`. To add something, add it here.
"""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from textual.binding import Binding

if TYPE_CHECKING:
    from tui.app.app import InviteApp
    from tui.app.state import State

Section = Literal["People", "Event", "Send", "Afterwards", "Program"]


@dataclass(frozen=True, slots=True)
class Act:
    """One thing to do. `keys` are the toolkit's names, "" where only the palette has it; `word` stands beside the key
    and `says` explains it in the help and the palette, where its name is `title`.

    `gives_way`: where the line of keys is too short, the largest goes first; None: it never stands there. `palette`:
    whether it is offered by name; what only moves the cursor is not. `first`: it opens what is typed into, so that the
    keys after it wait until it is there: they would be taken for keys of the screen.
    """

    name: str
    keys: str
    word: str
    says: str
    section: Section
    do: "Callable[[InviteApp], Awaitable[None] | None]"
    when: "Callable[[State], bool]"
    gives_way: int | None = None
    title: str = ""
    palette: bool = True
    first: bool = False

    def binding(self, action: str = "") -> Binding:
        """The key on the screen; `action` where it is not the list's own way."""
        shown = self.gives_way is not None
        action = action or f"do('{self.name}')"
        return Binding(self.keys, action, self.word, shown, tooltip=self.says, id=self.name, priority=self.first)


def _always(_: "State") -> bool:
    return True


def _steered(state: "State") -> bool:
    """A run is on that can be paused and stopped from here: the app's own, or one of workers."""
    return state.running or (state.elsewhere is not None and state.elsewhere.handed)


def _open(state: "State") -> bool:
    return state.folder is not None


def _event(state: "State") -> bool:
    """There is an event, or something stands in its way."""
    return state.folder is not None or state.failure is not None


def _checked(state: "State") -> bool:
    return state.checked


def _idle(state: "State") -> bool:
    """Everything was looked at, and no run is on."""
    return state.checked and not state.running


def _readable_again(state: "State") -> bool:
    return _idle(state) or state.failure is not None


def _at_rest(state: "State") -> bool:
    """Nothing is being read, and no run is on: something else can be opened."""
    return (state.folder is not None or state.failure is not None or not state.files) and not state.running


def _known(state: "State") -> bool:
    """Something was sent to somebody before."""
    return _idle(state) and bool(state.survey.people)


def _troubled(state: "State") -> bool:
    """Somebody was refused, or may have got nothing."""
    return _known(state) and any(state.survey.troubles.get(one) for one in ("refused", "unknown"))


def _due(state: "State") -> bool:
    return _idle(state) and state.survey.due > 0


def _signs_in(state: "State") -> bool:
    return _idle(state) and state.account is not None and state.account.login == "oauth"


def _shared(state: "State") -> bool:
    """The ledger is on a server: workers may carry a run out."""
    return _idle(state) and state.folder is not None and not isinstance(state.folder.ledger_path, Path)


def _reports(state: "State") -> bool:
    return _idle(state)


def why_not(state: "State", act: Act) -> str:
    """Why this cannot be done now, "" where it can, or where the screen itself says why."""
    if act.when(state) or state.failure is not None or not state.files:
        return ""
    if state.folder is None:
        return "The list is still being read."
    if not state.checked:
        return "Every message is still being checked: a moment."
    if act.when is _steered:
        return "Nothing is being sent just now."
    if state.running:
        return "A run is on: it can be paused or stopped, and this comes after it."
    return "Nothing was sent to anybody yet." if act.when is _known else ""


ACTIONS: tuple[Act, ...] = (
    Act(
        "search",
        "slash",
        "search",
        "Search every column; Escape clears it",
        "People",
        lambda app: app.main.search(),
        _open,
        gives_way=30,
        first=True,
    ),
    Act(
        "problems",
        "f",
        "problems",
        "Only people with problems, also of delivery; or everybody",
        "People",
        lambda app: app.main.toggle_problems(),
        _open,
        gives_way=40,
    ),
    Act(
        "open",
        "enter",
        "open",
        "Read the message; there again, go to what is wrong",
        "People",
        lambda app: app.main.read(),
        _open,
        50,
        "Read the message",
    ),
    Act(
        "resend",
        "r",
        "resend",
        "Send to the selected or marked people once more",
        "Afterwards",
        lambda app: app.corrections.resend(),
        _idle,
        3,
    ),
    Act(
        "correct",
        "a",
        "correct",
        "Correct the selected person's address or a field",
        "People",
        lambda app: app.corrections.correct(),
        _idle,
        10,
    ),
    Act(
        "next",
        "n",
        "next",
        "The next who was refused, or may have nothing: mend it",
        "Afterwards",
        lambda app: app.corrections.next(),
        _troubled,
        title="Look after the next",
    ),
    Act(
        "cancel",
        "t",
        "cancel",
        "Take the invitation back from the selected or marked",
        "Afterwards",
        lambda app: app.corrections.cancel(),
        _idle,
        20,
    ),
    Act(
        "cancel-all",
        "T",
        "cancel everybody",
        "Take every invitation back",
        "Afterwards",
        lambda app: app.corrections.cancel_everybody(),
        _idle,
    ),
    Act(
        "event",
        "e",
        "event",
        "The event, account, ledger and files, and their problems",
        "Event",
        lambda app: app.show_event(),
        _event,
        60,
    ),
    Act(
        "wording",
        "w",
        "wording",
        "Change the wording, beside the selected person's message",
        "Event",
        lambda app: app.mending.edit_wording(),
        _idle,
        65,
    ),
    Act(
        "columns",
        "",
        "",
        "Say what is in which column, and which must never leave this machine",
        "Event",
        lambda app: app.mending.map_columns(),
        _idle,
        title="Columns of the list",
    ),
    Act(
        "change",
        "",
        "",
        "When it is, where, who invites; the files stay as you write them",
        "Event",
        lambda app: app.mending.edit_event(),
        _idle,
        title="Change the event",
    ),
    Act(
        "new",
        "",
        "",
        "A folder with an event, a list of people and the wording",
        "Event",
        lambda app: app.mending.new_folder(),
        _at_rest,
        title="New event",
    ),
    Act(
        "account",
        "",
        "",
        "Your mail server and your login, tried before they are kept",
        "Send",
        lambda app: app.accounts.add(),
        _at_rest,
        title="Add an account",
    ),
    Act(
        "accounts",
        "",
        "",
        "Choose one, test it, send a message to yourself, sign in again, remove one",
        "Send",
        lambda app: app.accounts.show(),
        _at_rest,
        title="Accounts",
    ),
    Act(
        "sign-in",
        "",
        "",
        "To the account that is used here, where the old sign-in was taken back",
        "Send",
        lambda app: app.accounts.sign_in(),
        _signs_in,
        title="Sign in again",
    ),
    Act(
        "rehearse",
        "d",
        "rehearse",
        "Write every message to the outbox; sends nothing",
        "Send",
        lambda app: app.rehearse(),
        _idle,
        1,
    ),
    Act(
        "send",
        "s",
        "send",
        "Send, once you have typed how many messages",
        "Send",
        lambda app: app.send(),
        _idle,
        1,
    ),
    Act(
        "send-these",
        "",
        "",
        "What is owed to the selected or marked people, and nothing to anybody else",
        "Send",
        lambda app: app.send_these(),
        _idle,
        title="Send to these alone",
    ),
    Act(
        "plan",
        "",
        "",
        "To how many, why, which columns leave, and the digest that seals it",
        "Send",
        lambda app: app.show_plan(),
        _idle,
        title="Plan",
    ),
    Act(
        "pause",
        "p",
        "pause",
        "Pause the run, or go on with it",
        "Send",
        lambda app: app.pause(),
        _steered,
        0,
    ),
    Act(
        "stop",
        "x",
        "stop",
        "Stop the run after the messages in flight",
        "Send",
        lambda app: app.stop_run(),
        _steered,
        0,
    ),
    Act(
        "workers",
        "",
        "",
        "How far a run is that was handed over; pause it, go on, stop it, for all of them",
        "Send",
        lambda app: app.handed.show(),
        _shared,
        title="Run of the workers",
    ),
    Act(
        "browse",
        "o",
        "browser",
        "Open the message's HTML in the browser",
        "People",
        lambda app: app.browse(),
        _open,
        title="Open the message in the browser",
    ),
    Act(
        "view",
        "v",
        "view",
        "Show some of the list only, or in another order",
        "People",
        lambda app: app.choose_view(),
        _checked,
        80,
        title="Filter and sort",
    ),
    Act(
        "encoding",
        "c",
        "encoding",
        "Another encoding, if names read wrong",
        "Event",
        lambda app: app.choose_encoding(),
        _readable_again,
        90,
    ),
    Act(
        "begin",
        "ctrl+o",
        "open",
        "Open another event, make a new one, or look at the sample",
        "Event",
        lambda app: app.begin(),
        _at_rest,
        95,
        title="Open an event",
    ),
    Act(
        "reload",
        "f5",
        "read again",
        "Read the files again",
        "Event",
        lambda app: app.reload(),
        _readable_again,
    ),
    Act(
        "back",
        "escape",
        "back",
        "Back to the list; clear the search, the filter",
        "People",
        lambda app: app.main.back(),
        _always,
        35,
        palette=False,
    ),
    Act(
        "answers",
        "i",
        "answers",
        "What came back: who comes, who asks, what bounced",
        "Afterwards",
        lambda app: app.answering.show(),
        _known,
        title="Answers",
    ),
    Act(
        "remind",
        "m",
        "remind",
        "The invitation once more, to who has not answered",
        "Afterwards",
        lambda app: app.remind(),
        _known,
        title="Remind",
    ),
    Act(
        "watch",
        "",
        "",
        "The account's mailbox is read when something comes; again ends it",
        "Afterwards",
        lambda app: app.answering.watch(),
        _known,
        title="Watch the mailbox",
    ),
    Act(
        "gone",
        "",
        "",
        "Send to, cancel or correct people whom the list no longer has",
        "Afterwards",
        lambda app: app.corrections.people_gone(),
        _known,
        title="No longer on the list",
    ),
    Act(
        "forget",
        "",
        "",
        "Take the selected or marked people out of the ledger and its files; it cannot be undone",
        "Afterwards",
        lambda app: app.forgetting.forget(),
        _known,
        title="Forget",
    ),
    Act(
        "forget-all",
        "",
        "",
        "Take everybody out of the ledger and its files; the totals stay",
        "Afterwards",
        lambda app: app.forgetting.forget_everybody(),
        _known,
        title="Forget everybody",
    ),
    Act(
        "forget-due",
        "",
        "",
        "Who was to be kept until a day that is over",
        "Afterwards",
        lambda app: app.forgetting.forget_everybody(),
        _due,
        title="Forget who is due",
    ),
    Act(
        "audit",
        "",
        "",
        "Who could see whom in a mail of any program, and a folder for the repair",
        "Program",
        lambda app: app.leaks.choose_mail(),
        _at_rest,
        title="Judge a mail",
    ),
    Act(
        "evidence",
        "",
        "",
        "For a data protection officer: each message, its time, the server's words, in a chain of hashes",
        "Afterwards",
        lambda app: app.leaks.report("evidence"),
        _reports,
        title="Write the evidence file",
    ),
    Act(
        "report",
        "",
        "",
        "Figures and everybody's history, as one page for the browser",
        "Afterwards",
        lambda app: app.leaks.report("html"),
        _reports,
        title="Write a report to read",
    ),
    Act(
        "table",
        "",
        "",
        "Everybody's history as a table (CSV)",
        "Afterwards",
        lambda app: app.leaks.report("csv"),
        _reports,
        title="Write a report for a spreadsheet",
    ),
    Act(
        "kept",
        "",
        "",
        "The messages themselves, where they are kept",
        "Afterwards",
        lambda app: app.leaks.kept(),
        _reports,
        title="Write the kept messages",
    ),
    Act(
        "verify",
        "",
        "",
        "Whether it was changed, and agrees with the ledger",
        "Afterwards",
        lambda app: app.leaks.verify(),
        _reports,
        title="Check an evidence file",
    ),
    Act(
        "theme",
        "",
        "",
        "Change the colours; your choice is remembered",
        "Program",
        lambda app: app.action_change_theme(),
        _always,
        title="Theme",
    ),
    Act(
        "help",
        "question_mark",
        "help",
        "Every key, and what the signs mean",
        "Program",
        lambda app: app.show_help(),
        _always,
        2,
    ),
    Act(
        "commands",
        "ctrl+p",
        "commands",
        "Every command, person and file by name",
        "Program",
        lambda app: app.action_command_palette(),
        _always,
        70,
        palette=False,
        first=True,
    ),
    Act(
        "quit",
        "q",
        "quit",
        "Quit; asks while a run is on",
        "Program",
        lambda app: app.action_quit(),
        _always,
    ),
)

BY_NAME = {act.name: act for act in ACTIONS}

OF_THE_PROGRAM = tuple(act for act in ACTIONS if act.section == "Program" and act.keys)
"""What has a key in every dialog too."""

OF_THE_SCREEN = tuple(act for act in ACTIONS if act.section != "Program" and act.keys)


def sections(acts: Iterable[Act] = ACTIONS) -> dict[str, list[Act]]:
    """What can be done, by section, in order."""
    found: dict[str, list[Act]] = {}
    for act in acts:
        found.setdefault(act.section, []).append(act)
    return found
