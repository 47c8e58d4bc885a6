"""The last question before anything leaves: what was checked, whom it reaches, how it goes, the number to type."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Button, Input, Static

from tui.app.asking import Request, accounts_in
from tui.app.checklist import LIMITS, Going, canary_of, checks, moment_in, undo_of
from tui.app.screens.dialog import Body, Dialog
from tui.app.screens.form import Cycle
from tui.app.state import State
from tui.app.widgets.checks import CheckLine
from tui.app.widgets.line import Line
from tui.app.words import count, crop
from tui.clean import visible

if TYPE_CHECKING:
    from tui.app.work import Planned
    from tui.delivery import Account
    from tui.folder import MessageView
    from tui.plan import Action

_GROUPS_SHOWN = 12
_WIDTH = 28
_BELOW = 10  # lines of the panel that never scroll: its frame, the question, the number, the answer
_KINDS = ("invite", "update", "cancel")
_VERBS = {"resend": "Resend", "remind": "Remind", "cancel": "Cancel them", "send": "Send"}
_PEOPLE_SHOWN = 100
_REASONS_SHOWN = 6
_NO_UNDO = "A cancellation cannot be undone. Who is to come after all is invited anew with r."


PROPOSE = "propose"
"""The answer that asks somebody else to approve the plan."""

_WORKERS = "workers"
_SENDERS = (("", "this computer"), (_WORKERS, "the workers"))


class Confirm(Dialog[Going | Request | str]):
    """`Going` when the organiser typed the number of messages and pressed the button; nothing is sent with less.

    `Request` where it is to be planned, and asked, anew: with other accounts. "no" where a number was typed and not
    meant, PROPOSE where two people are asked for and this is the first; else the name of what they want to see first.
    Without an account it is about a rehearsal, which needs no number.
    """

    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("pageup", "scroll(-5)", "up", show=False),
        Binding("pagedown", "scroll(5)", "down", show=False),
    ]

    def __init__(self, account: "Account | None", planned: "Planned", state: State) -> None:
        super().__init__()
        self._account = account
        self._event = state.folder.event if state.folder is not None else None
        self._state = state
        self._planned = planned
        self._plan = planned.plan
        self._purpose = planned.request.purpose
        self._number = len(self._plan.to_send)
        self._approval = planned.approval
        self._outbox = visible(planned.folder.outbox.name)
        self._usual = list(state.folder.account_names) if account is not None and state.folder is not None else []
        self._typed_before = dict(planned.request.ways)
        self._cares = 0  # checks that need a look: on a small screen they are out of sight

    def compose(self) -> ComposeResult:
        live = self._account is not None
        verb = "Rehearse" if not live else "Send" if self._planned.request.amendment else _VERBS[self._purpose]
        with Vertical(classes="panel -reading" if self._planned.views else "panel -checked") as panel:
            panel.border_title = Content(self._title_text)
            with Body():
                yield Static(self._account_in_words(), markup=False)
                if self._purpose == "cancel":
                    yield Static(Content.assemble(("△ ", "$warning"), _NO_UNDO), markup=False)
                if (table := self._table()).plain:
                    yield Static(table, id="groups", markup=False)
                yield from self._messages()
                if live and self._purpose == "send":
                    yield from self._checks()
                yield Static(self._columns(), id="columns", markup=False)
                if live:
                    yield from self._ways()
            if live:
                yield Static(Content(self._ask), id="ask", markup=False)
            with Horizontal(classes="answers"):
                if live:
                    yield Line(id="number", compact=True, max_length=12, select_on_focus=False)
                yield Button(Content("Back"), id="cancel")
                is_counted = self._purpose != "cancel" or self._is_first
                go = f"{'Propose' if self._is_first else verb} {self._number:,}" if is_counted else verb
                yield Button(Content(go), id="go", disabled=live)
            yield Static(id="why", markup=False)

    @property
    def _is_first(self) -> bool:
        """Whether two people are asked for, and nobody else has proposed this yet."""
        return self._account is not None and self._approval is not None and self._approval.refusal is not None

    @property
    def _ask(self) -> str:
        typing = f"Type the number of messages, {self._number},"
        approval = self._approval
        if approval is None or not (approval.is_needed or approval.proposed_by):
            return f"{typing} to send them."
        if approval.proposed_by:
            return f"{visible(approval.proposed_by)} has proposed this. {typing} to approve and send them."
        if approval.is_own:
            return "You have proposed this. Somebody else approves it: they open this event and press s."
        return f"It takes two. {typing} to propose it; somebody else approves it."

    @property
    def _title_text(self) -> str:
        if self._planned.request.amendment:
            return "Correct"
        return {"cancel": "Cancel", "resend": "Resend", "remind": "Remind"}.get(self._purpose, "Send")

    def _messages(self) -> ComposeResult:
        """What they would read, as far as it was made before the question."""
        views = self._planned.views
        for number, (view, action) in enumerate(zip(views, self._plan.to_send, strict=False), 1):
            yield Static(_heading(view, action, number, self._number), classes="apart", markup=False)
            text = Content(visible(view.text.strip(), lines=True))
            yield Static(text, classes="letter", markup=False)
        if views and self._number > len(views):
            more = count(self._number - len(views), "message")
            yield Static(Content.styled(f"... and {more} more like these", "$quiet"), classes="apart", markup=False)

    def _checks(self) -> ComposeResult:
        with Vertical(id="checks"):
            for check in checks(self._state, self._planned, datetime.now(UTC)):
                self._cares += check.standing == "care"
                yield CheckLine(check)

    def _ways(self) -> ComposeResult:
        """How it is to go: all of it may be left blank."""
        with Vertical(id="ways"):
            if not isinstance(self._planned.folder.ledger_path, Path):  # only such a one is shared with workers
                yield from self._senders()
            if self._purpose == "send" and self._number > 1:
                yield from self._way("First", "canary", 8, "messages only, then ask me", blank="all")
            yield from self._way("Hold back", "undo", 8, "seconds, to think again", blank="0")
            if self._purpose == "send":
                yield from self._way("Not before", "at", 17, "as 2027-04-29 09:00", blank="now")

    def _senders(self) -> ComposeResult:
        """This computer or the workers, and through which accounts those send."""
        with Horizontal(classes="way"):
            yield Static(Content.styled("Sent by", "$quiet"), classes="label", markup=False)
            yield Cycle(_SENDERS, self._typed_before.get("by", ""), id="by")
        names = self._planned.request.accounts or self._usual
        yield from self._way("Through", "through", 28, "their accounts, with commas", blank="", value=", ".join(names))

    def _way(self, label: str, name: str, width: int, words: str, *, blank: str, value: str = "") -> ComposeResult:
        """`blank` is what leaving it blank means; `value` is there already, where nothing was typed before."""
        with Horizontal(classes="way"):
            yield Static(Content.styled(label, "$quiet"), classes="label", markup=False)
            value = visible(self._typed_before.get(name, value))
            line = Line(value, placeholder=blank, id=name, compact=True, max_length=200, select_on_focus=False)
            line.styles.width = width
            yield line
            yield Static(Content.styled(words, "$quiet"), classes="words", markup=False)

    def on_mount(self) -> None:
        self._offer_accounts()
        if self._account is not None:
            self._judge("")
            self.query_one("#number", Input).focus()
        else:
            self.query_one("#go", Button).focus()
        ways = "↑ options   " if self._account is not None else ""
        cares = f"△ {self._cares} to look at   " if self._cares else ""
        self.tell_of_more(self.query_one(Body), self.query_one(".panel"), f"{cares}{ways}esc sends nothing")

    def on_resize(self) -> None:
        """However small the screen, the number can be typed: what scrolls gives way to it."""
        self.query_one(Body).styles.max_height = max(2, self.size.height * 92 // 100 - _BELOW)

    def _account_in_words(self) -> Content:
        account = self._account
        messages = count(self._number, "message")
        if account is None:
            pill, where = (" REHEARSAL ", "bold on $row"), f"no account: written to {self._outbox}/, nothing is sent"
        else:
            user = f" as {visible(account.username)}" if account.username else ""
            pill = (" LIVE ", "bold $on-accent on $warning")
            where = f"through {visible(account.name)}: {visible(account.host)}:{account.port}{user}"
        return Content.assemble(
            pill,
            (f" {messages}", "bold"),
            ", one for each person\n" if self._number > 1 and not self._planned.views else "\n",
            (where, "$quiet"),
            *self._what_and_how_long(),
        )

    def _what_and_how_long(self) -> Iterator[tuple[str, str]]:
        if self._event is not None and not self._planned.views:
            yield f"\n\n{visible(self._event.title)}", "bold"
            yield f"\n{visible(self._event.when_short)}", ""
        if self._planned.subject and not self._planned.views:
            which = "Subject of the first" if self._number > 1 else "Subject"
            yield f"\n{which}: {visible(self._planned.subject)}", ""
        if self._account is None:
            return
        if self._purpose == "send":
            return  # the checks say the rest
        if self._planned.forecast is not None and self._planned.forecast.in_words:
            yield f"\n{visible(self._planned.forecast.in_words)}", "$quiet"
        for caution in self._planned.cautions:
            yield f"\n△ {visible(caution)}", "$warning"

    def _table(self) -> Content:
        if self._planned.request.names is not None:
            # Each message that is shown below says whose it is.
            few = self._number <= len(self._planned.views)
            people = [] if few else [_person(one) for one in self._plan.to_send[:_PEOPLE_SHOWN]]
            if self._number > _PEOPLE_SHOWN:
                people.append(Content.styled(f"  and {self._number - _PEOPLE_SHOWN:,} more", "$quiet"))
            nothing = [one for one in self._plan.actions if one.action == "none"]
            people += [_nothing_for(one) for one in nothing[:_PEOPLE_SHOWN]]
            return Content("\n").join(people)
        groups = _shown(self._plan.groups)
        others = [
            Content.styled(f"  {number:,} not: {visible(reason)}", "$quiet")
            for reason, number in [*self._planned.reasons.items()][:_REASONS_SHOWN]
        ]
        if self._planned.views and [*self._plan.groups] == [""]:
            return Content("\n").join(others)
        rows = [_row(visible(name) or "no group", number, "") for name, number in groups]
        rows += [_row("together", self._number, "bold"), *others]
        kinds = [count(n, kind) for kind, n in self._plan.counts.items() if n and kind in _KINDS]
        if len(kinds) > 1:
            rows.append(Content.styled("  " + ", ".join(kinds), "$quiet"))
        return Content("\n").join(rows)

    def _columns(self) -> Content:
        """What of each row leaves, and what stays."""
        leaving = [
            f"{visible(header)} ({', '.join(places)})" if places else visible(header)
            for header, places in self._state.leaving.items()
        ]
        words = Content.assemble(("Columns that leave: ", "$quiet"), ", ".join(leaving) or "none")
        staying = ", ".join(map(visible, self._state.staying))
        return words + Content.assemble(("\nThat stay here: ", "$quiet"), staying) if staying else words

    def action_close(self) -> None:
        """Who only looked is not told that nothing was sent."""
        self.dismiss("no" if self._account is not None and self._typed else None)

    @property
    def _typed(self) -> str:
        return self.query_one("#number", Input).value

    def on_input_changed(self, event: Input.Changed) -> None:
        harmless = visible(event.value)
        if harmless != event.value:
            event.input.value = harmless
            return
        self._judge(self._typed)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter beside how it goes leads to the number, and there it sends."""
        if event.input.id != "number":
            self.action_submit()
        elif self._right(self._typed):
            self._go()

    def action_submit(self) -> None:
        """Beside how it goes: on to the number, or planned anew where that has to come first. What is no way to go is
        said, and the cursor stays with it."""
        if isinstance(going := self._going(), Request):
            self.dismiss(going)
        elif isinstance(going, Going):
            self.query_one("#number", Input).focus()

    def on_cycle_changed(self) -> None:
        self._offer_accounts()
        self._judge(self._typed)

    def _offer_accounts(self) -> None:
        """Only workers have several."""
        for line in self.query("#through"):
            if isinstance(line.parent, Widget):
                line.parent.display = self._is_handed

    def on_button_pressed(self, event: Button.Pressed) -> None:
        if event.button.id == "go" and (self._account is None or self._right(self._typed)):
            self._go()
        else:
            self.action_close()

    def _go(self) -> None:
        going = self._going() if self._account is not None else Going()
        if isinstance(going, Request):
            self.dismiss(going)
        elif self._is_first:
            self.dismiss(PROPOSE)
        elif isinstance(going, Going):
            self.dismiss(going)

    @property
    def _is_handed(self) -> bool:
        """Whether the workers are to send it."""
        return any(one.value == _WORKERS for one in self.query("#by").results(Cycle))

    def _going(self) -> Going | Request | str:
        """How it is to go, as it stands in the dialog; what is to be planned for that first; or what is wrong."""
        names = accounts_in(self._said("through")) if self._is_handed else []
        accounts = () if names in ([], self._usual) else tuple(dict.fromkeys(names))
        if accounts != self._planned.request.accounts:
            said = {"by": _WORKERS if self._is_handed else "", "through": ", ".join(accounts or self._usual)}
            said |= {name: self._said(name) for name in ("canary", "undo", "at")}
            return replace(self._planned.request, accounts=accounts, ways=tuple(said.items()))
        canary = canary_of(self._said("canary"), self._number)
        undo = undo_of(self._said("undo"))
        moment = None
        if self._event is not None:
            moment = moment_in(self._said("at"), self._event, self._planned.folder.timezone.key)
        if isinstance(canary, str):
            return canary
        if isinstance(undo, str):
            return undo
        if isinstance(moment, str):
            return moment
        return Going(canary, undo, moment, self._is_handed)

    def _said(self, name: str) -> str:
        return next((one.value for one in self.query(f"#{name}").results(Input)), "")

    def on_check_line_chosen(self, event: CheckLine.Chosen) -> None:
        """To the cause: over the dialog where that is something to read, else the dialog makes room."""
        if event.goes == LIMITS:
            from tui.app.screens.limits import Limits

            self.app.push_screen(Limits(self._planned.folder))
        elif event.goes == "event":
            from tui.app.screens.event import EventDetails

            self.app.push_screen(EventDetails(self._state))
        else:
            self.dismiss(event.goes)

    def _right(self, typed: str) -> bool:
        if self._approval is not None and self._approval.is_own and self._is_first:
            return False
        digits = typed.strip().replace(",", "")
        return digits.isascii() and digits.isdecimal() and int(digits) == self._number

    def _judge(self, typed: str) -> None:
        right, going = self._right(typed), self._going()
        self.query_one("#go", Button).disabled = not right or not isinstance(going, Going)
        if isinstance(going, str):
            words = Content.styled(going, "$warning")
        elif isinstance(going, Request):
            said = f"Enter plans it through {_all_of(going.accounts or self._usual)}, and asks again."
            words = Content.styled(said, "$primary")
        elif right:
            does = _how(going, self._planned.folder.account_names)
            words = Content.styled("Enter proposes it; nothing is sent." if self._is_first else does, "$primary")
        elif typed.strip():
            words = Content.styled(f"{typed.strip()} is not {self._number}: nothing will be sent.", "$warning")
        else:
            words = Content.styled("Nothing is sent before that.", "$quiet")
        self.query_one("#why", Static).update(words)


def _all_of(names: Sequence[str]) -> str:
    return visible(" and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names))


def _how(going: Going, accounts: Sequence[str]) -> str:
    """What Enter does."""
    from tui.delivery.timing import at_in_words

    said = [f"Enter sends the first {going.canary:,}, then asks" if going.canary else "Enter sends"]
    if going.workers:
        said = [f"Enter has workers send {f'the first {going.canary:,}, then ask' if going.canary else 'it'}"]
        said[0] += f", through {_all_of(accounts)}"
    said += [f"not before {at_in_words(going.moment)}"] if going.moment is not None else []
    said += [f"after {going.undo:g} seconds"] if going.undo else []
    return f"{', '.join(said)}."


def _shown(groups: Mapping[str, int]) -> list[tuple[str, int]]:
    """Every group in the list's order; where they are too many, the largest, and the rest as one."""
    if len(groups) <= _GROUPS_SHOWN:
        return list(groups.items())
    ordered = sorted(groups.items(), key=lambda one: -one[1])
    rest = ordered[_GROUPS_SHOWN - 1 :]
    return [*ordered[: _GROUPS_SHOWN - 1], (f"{len(rest)} other groups", sum(number for _, number in rest))]


_DOES = {"invite": "an invitation", "update": "an update", "cancel": "a cancellation"}


def _person(action: "Action") -> Content:
    name, address = visible(action.attendee.name), visible(action.attendee.address)
    who = f"{name} <{address}>" if name else address
    does = f"{_DOES.get(action.action, action.action)}: {visible(action.reason)}"
    return Content.assemble(f"  {who}  ", (does, "$quiet"))


def _nothing_for(action: "Action") -> Content:
    return Content.styled(f"  {visible(action.attendee.address)}  nothing: {visible(action.reason)}", "$quiet")


def _heading(view: "MessageView", action: "Action", number: int, total: int) -> Content:
    """Which message it is, for whom, and what it does in a calendar."""
    which = f"{number} of {total}: " if total > 1 else ""
    entry = "takes the entry out" if action.action == "cancel" else "the same entry" if action.sequence else "an entry"
    session = f", {visible(action.session)}" if action.session else ""
    name = f"{visible(action.attendee.name)} " if action.attendee.name else ""
    return Content.assemble(
        (f"{which}{_DOES.get(view.action, view.action)} to {name}<{visible(view.address)}>{session}", "bold $primary"),
        (f"\n{visible(action.reason)}", "$quiet"),
        ("\nSubject   ", "$quiet"),
        visible(view.subject),
        ("\nCalendar  ", "$quiet"),
        f"{entry}, version {action.sequence}",
    )


def _row(name: str, number: int, style: str) -> Content:
    shown = crop(name, _WIDTH)
    line = Content(f"  {shown}").pad_right(_WIDTH - Content(shown).cell_length) + Content(f"{number:>7,}")
    return line.stylize(style) if style else line
