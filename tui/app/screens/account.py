"""An account to send with, in two forms: the address, and what follows from it. Nothing is kept before it has worked.

`add_account` begins; both forms work in threads of their own, because servers and people take their time. So do the
other questions about accounts: the passphrase, a message to oneself.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, TypeVar, cast

from textual.app import App, ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Button, Static

from tui.app import browser, work
from tui.app.screens.choice import Choice
from tui.app.screens.dialog import Dialog
from tui.app.screens.form import Blank, Form
from tui.app.screens.pick import Item, Pick
from tui.clean import visible
from tui.delivery import Account, AccountStore, Secret
from tui.errors import AccountError, InviteError

if TYPE_CHECKING:
    from tui.delivery.accounts import Imap, Login, Security
    from tui.delivery.discovery import Finding, Proposal
    from tui.delivery.oauth import Ceremony, Prompt

_SECURITY = (("starttls", "STARTTLS"), ("tls", "TLS"), ("none", "none: this machine only"))
_OF_ANSWERS = (("tls", "TLS"), ("starttls", "STARTTLS"), ("none", "none: this machine only"))
_LOGINS = (
    ("password", "a password"),
    ("microsoft", "sign in with Microsoft"),
    ("google", "sign in with Google"),
    ("issuer", "sign in with another issuer"),
    ("none", "no login"),
)

Shown = TypeVar("Shown")

Added = Callable[[Account, Sequence[str]], None]
"""What to do when the account is there; it is told how trying it went, a line a step."""


def add_account(app: App[None], environment: Mapping[str, str] | None, organizer: str, added: Added) -> None:
    """Asks for an address, proposes the rest, tries it and keeps it; `added` is called when that has worked.

    `organizer` is whose event is open, "" where there is none.
    """
    app.push_screen(_AddressForm(environment, organizer, added))


class _AddressForm(Form):
    """Whose mail it is. The accounts that there are, are read while that is typed."""

    def __init__(self, environment: Mapping[str, str] | None, organizer: str, added: Added) -> None:
        super().__init__(
            "An account to send with",
            "Your address is enough: server, port and login are proposed, tried, and kept only if they work.",
            [
                Blank("address", "Your address", organizer, hint="me@department.example"),
                Blank("name", "Call it", "work", hint="a short word"),
            ],
            "Look it up",
            busy="Reading the accounts that there are ...",
            then=self._go_on,
        )
        self._environment = environment
        self._organizer = organizer
        self._added = added
        self._there: tuple[AccountStore, frozenset[str]] | InviteError | None = None
        self._waits = False

    def on_mount(self) -> None:
        super().on_mount()
        self.run_worker(self._read, thread=True, exit_on_error=False)

    def _read(self) -> None:
        """In a thread; with what the next form needs at once."""
        import tui.delivery.discovery  # noqa: F401 - loaded here, so that the screen does not wait for it
        from tui.settings import load

        there: tuple[AccountStore, frozenset[str]] | InviteError
        try:
            store = AccountStore(load([Path.cwd()], self._environment).config_dir)
            there = store, frozenset(known.name for known in store.list())
        except Exception as error:  # noqa: BLE001 - whatever is in those files must not end the app
            there = work.in_words(error)
        self.app.call_from_thread(self._know, there)

    def _know(self, there: tuple[AccountStore, frozenset[str]] | InviteError) -> None:
        self._there = there
        if self._waits and self.is_current:
            self._go_on(self, self.values)

    def _go_on(self, _: Form, values: Mapping[str, str]) -> None:
        address, name = values["address"].strip(), values["name"].strip()
        self._waits = False
        if "@" not in address:
            self.refuse(f"“{address}” is not an address.")
        elif self._there is None:
            self._waits = True
        elif isinstance(self._there, InviteError):
            self.refuse(self._there)
        elif name in self._there[1]:
            self.refuse(AccountError(f"There is an account {name} already.", hint="Call this one something else."))
        else:
            store, _names = self._there
            following = _SettingsForm(name, address, store, self._environment, self._organizer, self._added)
            self.app.switch_screen(following)


class _SettingsForm(Form):
    """What is proposed, to be changed or agreed to; then it is tried. It is looked up, and tried, in threads: the form
    is there at once."""

    def __init__(
        self,
        name: str,
        address: str,
        store: AccountStore,
        environment: Mapping[str, str] | None,
        organizer: str,
        added: Added,
    ) -> None:
        self._account_name, self._address = name, address
        self._store, self._organizer, self._added = store, organizer, added
        self._environment = environment
        self._wants_passphrase = False
        self._stop = Event()
        super().__init__(
            f"Account {name}",
            f"Looking up how the mail of {address} is set up. You may go on: what you type stays.",
            list(_blanks(address)),
            "Try it and keep it",
            busy="Trying it; nothing is sent ...",
            begin_at="password",
            then=self._try,
        )

    def on_mount(self) -> None:
        self._offer()
        super().on_mount()
        self.run_worker(self._look_up, thread=True, exit_on_error=False)
        self.run_worker(self._look_for_keyring, thread=True, exit_on_error=False)

    def _look_up(self) -> None:
        """In a thread."""
        from tui.delivery.discovery import lookups, propose

        proposal = None
        with suppress(Exception):  # whatever a server answers: then nothing is proposed
            proposal = propose(self._address, lookups(self._environment))
        self.app.call_from_thread(self._looked_up, proposal)

    def _looked_up(self, proposal: "Proposal | None") -> None:
        if self.is_attached:
            self.propose(_said(self._address, proposal), _proposed(self._address, proposal), _first_blank(proposal))

    def _look_for_keyring(self) -> None:
        """In a thread: it may have to be woken."""
        wants = True
        with suppress(Exception):  # trying the account says what is wrong with it
            wants = self._store.wants_passphrase()
        self.app.call_from_thread(self._looked_for_keyring, wants)

    def _looked_for_keyring(self, wants: bool) -> None:
        self._wants_passphrase = wants
        if self.is_attached:
            self._offer()

    def on_cycle_changed(self) -> None:
        self._offer()
        super().on_cycle_changed()

    def _offer(self) -> None:
        """Only what this way of logging in needs."""
        login, answers = self.values["login"], self.values["imap"].strip()
        signs_in = login in ("microsoft", "google", "issuer")
        self.offer(
            {
                "username": login != "none",
                "imap": login != "none",
                "imap_security": login != "none" and bool(answers),
                "issuer": login == "issuer",
                "client_id": signs_in,
                "client_secret": login in ("google", "issuer"),
                "password": login == "password",
                "passphrase": login != "none" and self._wants_passphrase,
            }
        )

    def judge(self, values: Mapping[str, str]) -> Content | None:
        from tui.delivery.discovery import differing

        self._offer()
        sender = values["sender"].strip() or values["username"].strip()
        said = super().judge(values)
        if (said is None or not said.plain) and "@" in sender and self._organizer:
            words = differing(sender, self._organizer)
            return Content.styled(f"△ {visible(words)}", "$warning") if words else said
        return said

    def action_close(self) -> None:
        self._stop.set()
        super().action_close()

    def _try(self, _: Form, values: Mapping[str, str]) -> None:
        try:
            account = self._account(values)
            if account.login == "password" and not values["password"]:
                raise AccountError("The password is missing.")
        except AccountError as error:
            self.refuse(error)
            return
        self._stop.clear()
        self.run_worker(partial(self._add, account, values), thread=True, exit_on_error=False)

    def _account(self, values: Mapping[str, str]) -> Account:
        from tui.delivery.accounts import OAuth

        said = {name: value.strip() for name, value in values.items()}
        login: Login = "none" if said["login"] == "none" else "password" if said["login"] == "password" else "oauth"
        issuer = said["issuer"] if said["login"] == "issuer" else said["login"]
        if not said["host"]:
            raise AccountError(
                "The mail server is missing.", hint="Your provider's help names it, often as SMTP server."
            )
        ca = Path(said["ca"]).expanduser() if said["ca"] else None
        if ca is not None and not ca.is_file():
            raise AccountError(f"There is no file {ca}.", hint="CA is the PEM file of an authority, or nothing.")
        return Account(
            name=self._account_name,
            host=said["host"],
            port=_port(said["port"]),
            security=cast("Security", said["security"]),
            username=said["username"] if login != "none" else None,
            sender=said["sender"] or None,
            ca=ca,
            login=login,
            oauth=OAuth(issuer, said["client_id"]) if login == "oauth" else None,
            imap=_imap(said["imap"], cast("Security", said["imap_security"])) if login != "none" else None,
        )

    def _add(self, account: Account, values: Mapping[str, str]) -> None:
        """In a thread."""
        from tui.trial import add

        passphrase = values.get("passphrase", "")
        try:
            if account.login != "none":
                self._store.unlock(lambda _: Secret(passphrase) if passphrase else None)
            lines = add(
                account,
                self._store,
                password=Secret(values["password"]) if account.login == "password" else None,
                client_secret=_client_secret(account, values["client_secret"]),
                ceremony=ceremony_on(self.app, self._stop),
                environment=self._environment,
            )
        except Exception as error:  # noqa: BLE001 - whatever a server answers must not end the app
            self.app.call_from_thread(self._failed, work.in_words(error))
        else:
            self.app.call_from_thread(self._done, account, lines)

    def _failed(self, error: InviteError) -> None:
        leave_sign_in(self.app)
        if self.is_current:
            self.refuse(error)

    def _done(self, account: Account, lines: Sequence[str]) -> None:
        leave_sign_in(self.app)
        if self.is_current:
            self.dismiss(None)
        self._added(account, lines)


# --- signing in -------------------------------------------------------------------------------------------------------


def ceremony_on(app: App[Shown], stop: Event) -> "Ceremony":
    """A sign-in that is shown on this screen; `stop` breaks it off."""
    from tui.delivery.oauth import Ceremony
    from tui.delivery.oauth.grants import is_browser_near

    def push(prompt: "Prompt") -> None:
        if not stop.is_set():
            app.push_screen(_SignIn(prompt, ceremony))

    ceremony = Ceremony(lambda prompt: app.call_from_thread(push, prompt), stop, is_browser_near())
    return ceremony


def leave_sign_in(app: App[Shown]) -> None:
    if isinstance(app.screen, _SignIn):
        app.pop_screen()


class _SignIn(Dialog[None]):
    """Where to sign in. It goes by itself when that is done; Escape breaks it off."""

    def __init__(self, prompt: "Prompt", ceremony: "Ceremony") -> None:
        super().__init__()
        self._prompt, self._ceremony = prompt, ceremony

    def compose(self) -> ComposeResult:
        prompt = self._prompt
        where = "on any machine" if prompt.code else "on this machine"
        with Vertical(classes="panel") as panel:
            panel.border_title = Content("Sign in")
            panel.border_subtitle = Content("esc breaks it off")
            yield Static(Content(f"Open this address in a browser {where}, and sign in there:"), markup=False)
            yield Static(Content.styled(visible(prompt.url), "bold"), id="address", markup=False)
            if prompt.code:
                yield Static(Content.assemble("and enter the code ", (visible(prompt.code), "bold")), markup=False)
            yield Static(Content.styled("Waiting until that is done ...", "$quiet"), classes="apart", markup=False)
            with Horizontal(classes="answers"):
                if self._ceremony.is_browser_near:
                    yield Button(Content("Open a browser"), id="open")
                yield Button(Content("Break off"), id="stop")

    def on_mount(self) -> None:
        if self._ceremony.is_browser_near and self._prompt.code is None:
            self._open()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        if event.button.id == "open":
            self._open()
        else:
            self.action_close()

    def _open(self) -> None:
        self.run_worker(partial(browser.open_address, self._prompt.url), thread=True, exit_on_error=False)

    def action_close(self) -> None:
        self._ceremony.stop.set()
        super().action_close()


# --- the accounts that there are --------------------------------------------------------------------------------------


def list_of(accounts: Sequence[Account], used: str) -> Pick:
    """Its answer is "one NAME" or "add"; `used` is the account that a send from here would go through."""
    items: list[Item | str] = []
    for one in accounts:
        who = f"{one.username} at {one.host}" if one.username else one.host
        items.append(Item(f"one {one.name}", one.name, f"{who}, used here" if one.name == used else who))
    items.append(Item("add", "Another account …", "your mail server and your login"))
    said = "Their passwords and sign-ins are in the keyring."
    return Pick("Accounts", items, said=said, chosen=f"one {used}")


def deeds_of(account: Account, *, is_used: bool) -> Pick:
    """What can be done with one; its answer is what was chosen."""
    items: list[Item | str] = []
    if not is_used:
        items.append(Item("use", "Send through it", "from here, until you leave"))
    items.append(Item("test", "Test it", "shows all that is said"))
    items.append(Item("trial", "A message to yourself …", "the way of every invitation"))
    if account.login == "oauth":
        items.append(Item("sign-in", "Sign in again …", "where the old sign-in was taken back"))
    if account.login == "password":
        items.append(Item("password", "Another password …", "tried before it is kept"))
    if account.login != "none":
        where = f"are read at {account.imap.host}" if account.imap is not None else "are not read"
        items.append(Item("answers", "Answers …", where))
    items.append(Item("remove", "Remove it …", "the account and its secret"))
    return Pick(f"Account {account.name}", items, said="; ".join(_details(account)))


def _details(account: Account) -> list[str]:
    how = {"password": "a password", "none": "no login"}.get(account.login, "")
    said = [f"{account.username or 'No login'} at {account.host}:{account.port} ({account.security})"]
    said += [f"by {how}"] if how and account.username else []
    said += [f"signs in with {account.oauth.issuer}"] if account.oauth is not None else []
    said += [f"from {account.sender}"] if account.sender else []
    said += [f"answers at {account.imap.host}:{account.imap.port}"] if account.imap is not None else []
    said += [f"trusts {account.ca}"] if account.ca is not None else []
    return said


_WORTH_TELLING = ("secure channel", "login", "answers")
"""Of the steps of a trial that has worked; "Test it" tells all that was said."""

Trust = tuple[str, str]
"""A line of whether mail will be believed: its tone ("good", "care" or "quiet"), and its words with a sign."""

_TONES = {"good": "$primary", "care": "$warning", "quiet": "$quiet"}


def of_trust(caution: str | None, findings: "Sequence[Finding]") -> list[Trust]:
    """Whether mail from here will be believed, a line for each thing that was looked at."""
    signs = {True: ("good", "✓"), False: ("care", "△"), None: ("quiet", "○")}
    said = [("care", f"△ {visible(caution)}")] if caution else []
    for one in findings:
        tone, sign = signs[one.is_good]
        said.append((tone, f"{sign} {one.what}: {visible(one.words)}"))
    return said


def works_dialog(account: Account, lines: Sequence[str], trust: Sequence[Trust]) -> Choice:
    """It was tried, and kept; its answer is "trial" where a message to oneself is wanted."""
    said = [Content.styled(f"The account {account.name} works and is kept.", "bold")]
    if trust:
        said.append(Content("\n").join(Content.styled(words, _TONES[tone]) for tone, words in trust))
    if steps := [line for line in lines if line.startswith(_WORTH_TELLING)]:
        said.append(Content("\n").join(Content.styled(visible(line), "$quiet") for line in steps))
    return Choice("Account", said, [("close", "Close"), ("trial", "Test message …")])


def trial_form(account: Account, then: Callable[[Form, Mapping[str, str]], None]) -> Form:
    address = account.sender or account.username or ""
    return Form(
        "A message to yourself",
        f"One test message through {account.name}, from you to you, with a calendar entry that means nothing.",
        [Blank("address", "Your address", address if "@" in address else "", hint="me@department.example")],
        "Send it",
        busy="Sending it ...",
        then=then,
    )


def password_form(account: Account, then: Callable[[Form, Mapping[str, str]], None]) -> Form:
    return Form(
        f"Account {account.name}",
        f"Another password of {visible(account.username or '')}. The old one is kept until this one has worked.",
        [Blank("password", "Password", hint="kept in the keyring", secret=True)],
        "Try it and keep it",
        busy="Trying it; nothing is sent ...",
        then=then,
    )


def answers_form(account: Account, then: Callable[[Form, Mapping[str, str]], None]) -> Form:
    """Where answers are read: see `answers_of`."""
    before = account.imap
    said = "Leave it blank to read answers nowhere. The login is the same as for sending."
    blanks = [
        Blank("imap", "Answers from", _place(before), hint="imap.department.example"),
        Blank("imap_security", "By", before.security if before is not None else "tls", choices=_OF_ANSWERS),
    ]
    if account.login == "password":
        said += " Your password was given for other servers: for another one it is asked for once more."
        blanks.append(Blank("password", "Password", hint="kept in the keyring; not needed for nowhere", secret=True))
    button = "Try it and keep it"
    return Form(f"Account {account.name}", said, blanks, button, busy="Trying it; nothing is sent ...", then=then)


def answers_of(values: Mapping[str, str]) -> "Imap | None":
    """Where they are to be read, as it stands in the form; None: nowhere. AccountError where it is no place."""
    return _imap(values["imap"].strip(), cast("Security", values["imap_security"]))


def passphrase_form(then: Callable[[Form, Mapping[str, str]], None]) -> Form:
    return Form(
        "The keyring",
        "This machine has no keyring: an encrypted file keeps the passwords. Its passphrase opens it until you quit.",
        [Blank("passphrase", "Passphrase", secret=True)],
        "Open it",
        busy="Opening it ...",
        then=then,
    )


# --- the lines of the form --------------------------------------------------------------------------------------------


def _said(address: str, proposal: "Proposal | None") -> Content:
    if proposal is None:
        return Content(f"Nobody says how the mail of {visible(address)} is set up: your provider's help does.")
    parts = [Content(f"{visible(proposal.source)}.")]
    if not proposal.is_own:
        domain = visible(address.rpartition("@")[2])
        parts.append(
            Content.styled(f"△ These servers lie outside {domain}: make sure that they are yours.", "$warning")
        )
    if proposal.preset is not None and proposal.preset.password:
        parts.append(Content(proposal.preset.password))
    if proposal.oauth is not None:
        parts.append(Content("Signing in needs your organisation's client id: docs/accounts.md."))
    return Content("\n").join(parts)


def _blanks(address: str) -> "Iterator[Blank]":
    """As they are before anything was looked up."""
    at_first = _proposed(address, None)
    yield Blank("host", "Mail server", hint="smtp.department.example")
    yield Blank("port", "Port", at_first["port"])
    yield Blank("security", "Security", at_first["security"], choices=_SECURITY)
    yield Blank("sender", "From", hint="optional: where bounces go")
    yield Blank("ca", "CA", hint="optional: a PEM file to trust")
    yield Blank("login", "Log in by", at_first["login"], choices=_LOGINS)
    yield Blank("username", "User name", at_first["username"])
    yield Blank("imap", "Answers from", hint="optional: imap.department.example")
    yield Blank("imap_security", "Answers by", at_first["imap_security"], choices=_OF_ANSWERS)
    yield Blank("issuer", "Issuer", hint="https://login.department.example")
    yield Blank("client_id", "Client id", hint="of your organisation")
    yield Blank("client_secret", "Client secret", hint="if there is one", secret=True)
    yield Blank("password", "Password", hint="kept in the keyring", secret=True)
    yield Blank("passphrase", "Passphrase", hint="no keyring here: encrypts a file", secret=True)


def _proposed(address: str, proposal: "Proposal | None") -> Mapping[str, str]:
    """What stands in the lines, by their names."""
    if proposal is None:
        return {
            "port": "587",
            "security": "starttls",
            "login": "password",
            "username": address,
            "imap_security": "tls",
        }
    imap = proposal.imap
    return {
        "host": proposal.host,
        "port": str(proposal.port),
        "security": proposal.security,
        "sender": address if address != proposal.username else "",
        "login": proposal.oauth or "password",
        "username": proposal.username,
        "imap": _place(imap),
        "imap_security": imap.security if imap else "tls",
    }


def _first_blank(proposal: "Proposal | None") -> str:
    if proposal is None:
        return "host"
    return "client_id" if proposal.oauth is not None else "password"


def _client_secret(account: Account, said: str) -> Secret | None:
    is_wanted = account.oauth is not None and account.oauth.issuer != "microsoft" and said
    return Secret(said) if is_wanted else None


def _place(imap: "Imap | None") -> str:
    return f"{imap.host}:{imap.port}" if imap is not None else ""


def _imap(place: str, security: "Security") -> "Imap | None":
    from tui.delivery.accounts import DEFAULT_IMAP_PORT, Imap

    if not place:
        return None
    host, colon, port = place.rpartition(":")
    return Imap(host, _port(port), security) if colon else Imap(place, DEFAULT_IMAP_PORT[security], security)


def _port(text: str) -> int:
    text = text.strip()
    if not (text.isascii() and text.isdigit() and len(text) < 6):
        raise AccountError(f"“{text}” is no port.", hint="587 with STARTTLS, 465 with TLS, 993 for answers.")
    return int(text)
