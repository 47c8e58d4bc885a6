"""An account to send with, in two forms: the address, and what follows from it. Nothing is kept before it has worked.

`add_account` begins; both forms work in threads of their own, because servers and people take their time.
"""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, cast

from textual.app import App, ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Button, Static

from tui.app import browser, work
from tui.app.screens.dialog import Dialog
from tui.app.screens.form import Blank, Form
from tui.clean import visible
from tui.delivery import Account, AccountStore, Secret
from tui.errors import AccountError, InviteError

if TYPE_CHECKING:
    from tui.delivery.accounts import Imap, Security
    from tui.delivery.discovery import Proposal
    from tui.delivery.oauth import Ceremony, Prompt

_SECURITY = (("starttls", "STARTTLS"), ("tls", "TLS"), ("none", "none: this machine only"))
_PASSWORD = ("password", "a password")
_SIGN_IN = {"microsoft": "sign in with Microsoft", "google": "sign in with Google"}

Added = Callable[[Account], None]
"""What to do when the account is there."""


def add_account(app: App[None], environment: Mapping[str, str] | None, added: Added) -> None:
    """Asks for an address, proposes the rest, tries it and keeps it; `added` is called when that has worked."""
    app.push_screen(_AddressForm(environment, added))


class _AddressForm(Form):
    """Whose mail it is. The rest is looked up, in a thread."""

    def __init__(self, environment: Mapping[str, str] | None, added: Added) -> None:
        super().__init__(
            "An account to send with",
            "Your address is enough: server, port and login are proposed, tried, and kept only if they work.",
            [
                Blank("address", "Your address", hint="me@department.example"),
                Blank("name", "Call it", "work", hint="a short word"),
            ],
            "Look it up",
            busy="Looking up how its mail is set up ...",
            then=self._look_up,
        )
        self._environment = environment
        self._added = added

    def _look_up(self, _: Form, values: Mapping[str, str]) -> None:
        if "@" not in values["address"]:
            self.refuse(f"“{values['address']}” is not an address.")
            return
        self.run_worker(partial(self._ask, values), thread=True, exit_on_error=False)

    def _ask(self, values: Mapping[str, str]) -> None:
        """In a thread."""
        from tui.delivery.discovery import lookups, propose
        from tui.settings import load

        address, name = values["address"].strip(), values["name"].strip()
        try:
            store = AccountStore(load([Path.cwd()], self._environment).config_dir)
            if any(known.name == name for known in store.list()):
                raise AccountError(f"There is an account {name} already.", hint="Call this one something else.")
            proposal = propose(address, lookups(self._environment))
            following = _SettingsForm(name, address, proposal, store, self._added)
        except Exception as error:  # noqa: BLE001 - whatever a server answers must not end the app
            self.app.call_from_thread(self._refuse, work.in_words(error))
        else:
            self.app.call_from_thread(self._go_on, following)

    def _refuse(self, error: InviteError) -> None:
        if self.is_current:
            self.refuse(error)

    def _go_on(self, following: "_SettingsForm") -> None:
        if self.is_current:
            self.app.switch_screen(following)


class _SettingsForm(Form):
    """What was proposed, to be changed or agreed to; then it is tried, in a thread."""

    def __init__(self, name: str, address: str, proposal: "Proposal | None", store: AccountStore, added: Added) -> None:
        self._account_name, self._address, self._proposal = name, address, proposal
        self._store, self._added = store, added
        self._stop = Event()
        super().__init__(
            f"Account {name}",
            _said(address, proposal),
            list(_blanks(address, proposal, store.wants_passphrase())),
            "Try it and keep it",
            busy="Trying it; nothing is sent ...",
            begin_at=_first_blank(proposal),
            then=self._try,
        )

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

        security = cast("Security", values["security"])
        issuer = values.get("login", "password")
        username = values["username"].strip()
        return Account(
            name=self._account_name,
            host=values["host"].strip(),
            port=_port(values["port"]),
            security=security,
            username=username,
            sender=self._address if self._address != username else None,
            login="password" if issuer == "password" else "oauth",
            oauth=None if issuer == "password" else OAuth(issuer, values["client_id"].strip()),
            imap=self._imap(values["imap"].strip()),
        )

    def _imap(self, place: str) -> "Imap | None":
        from tui.delivery.accounts import Imap

        if not place:
            return None
        host, colon, port = place.rpartition(":")
        proposed = self._proposal.imap if self._proposal is not None else None
        if proposed is not None and place == f"{proposed.host}:{proposed.port}":
            return proposed
        return Imap(host, _port(port)) if colon else Imap(place)

    def _add(self, account: Account, values: Mapping[str, str]) -> None:
        """In a thread."""
        from tui.delivery.oauth import Ceremony
        from tui.delivery.oauth.grants import is_browser_near
        from tui.trial import add

        def show(prompt: "Prompt") -> None:
            self.app.call_from_thread(self._show, prompt, ceremony)

        ceremony = Ceremony(show, self._stop, is_browser_near())
        passphrase = values.get("passphrase", "")
        try:
            self._store.unlock(lambda _: Secret(passphrase) if passphrase else None)
            add(
                account,
                self._store,
                password=Secret(values["password"]) if account.login == "password" else None,
                client_secret=Secret(values["client_secret"]) if values.get("client_secret") else None,
                ceremony=ceremony,
            )
        except Exception as error:  # noqa: BLE001 - whatever a server answers must not end the app
            self.app.call_from_thread(self._failed, work.in_words(error))
        else:
            self.app.call_from_thread(self._done, account)

    def _show(self, prompt: "Prompt", ceremony: "Ceremony") -> None:
        if not ceremony.stop.is_set():
            self.app.push_screen(_SignIn(prompt, ceremony))

    def _failed(self, error: InviteError) -> None:
        self._leave_sign_in()
        if self.is_current:
            self.refuse(error)

    def _done(self, account: Account) -> None:
        self._leave_sign_in()
        if self.is_current:
            self.dismiss(None)
        self._added(account)

    def _leave_sign_in(self) -> None:
        if isinstance(self.app.screen, _SignIn):
            self.app.pop_screen()


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


def _blanks(address: str, proposal: "Proposal | None", wants_passphrase: bool) -> "list[Blank]":
    imap = proposal.imap if proposal is not None else None
    issuer = proposal.oauth if proposal is not None else None
    blanks = [
        Blank("host", "Mail server", proposal.host if proposal is not None else "", hint="smtp.department.example"),
        Blank("port", "Port", str(proposal.port) if proposal is not None else "587"),
        Blank("security", "Security", proposal.security if proposal is not None else "starttls", choices=_SECURITY),
        Blank("username", "User name", proposal.username if proposal is not None else address),
        Blank(
            "imap", "Answers from", f"{imap.host}:{imap.port}" if imap else "", hint="optional: imap.department.example"
        ),
    ]
    if issuer is not None:
        blanks += [
            Blank("login", "Log in by", issuer, choices=((issuer, _SIGN_IN[issuer]), _PASSWORD)),
            Blank("client_id", "Client id", hint="of your organisation"),
        ]
    if issuer == "google":
        blanks.append(Blank("client_secret", "Client secret", hint="beside the client id", secret=True))
    blanks.append(Blank("password", "Password", hint="kept in the keyring", secret=True))
    if wants_passphrase:
        blanks.append(Blank("passphrase", "Passphrase", hint="no keyring here: encrypts a file", secret=True))
    return blanks


def _first_blank(proposal: "Proposal | None") -> str:
    if proposal is None:
        return "host"
    return "client_id" if proposal.oauth is not None else "password"


def _port(text: str) -> int:
    text = text.strip()
    if not (text.isascii() and text.isdigit() and len(text) < 6):
        raise AccountError(f"“{text}” is no port.", hint="587 with STARTTLS, 465 with TLS, 993 for answers.")
    return int(text)
