"""The accounts in the app: added, tried, told of, signed in to again; and the keyring that is opened for them."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

from tui.app.pages import Line, text_line
from tui.clean import visible
from tui.errors import AccountError, InviteError

if TYPE_CHECKING:
    from tui.app.app import InviteApp
    from tui.app.screens.account import Trust
    from tui.app.screens.form import Form
    from tui.delivery import Account, AccountStore
    from tui.delivery.accounts import Imap

_GROUP = "account"
"""Of the threads: one thing is done about accounts at a time."""


class Accounts:
    """The part of the app that knows accounts. Servers, keyrings and people take their time: all in threads.

    What delivery needs is loaded when it is asked for: the first picture does not wait for it.
    """

    def __init__(self, app: "InviteApp", environment: Mapping[str, str] | None) -> None:
        self._app = app
        self._environment = environment

    # Adding one

    def add(self) -> None:
        """An account to send with, tried before it is kept; what is open then sends through it."""
        from tui.app.screens.account import add_account

        add_account(self._app, self._environment, self._organizer or "", self._added)

    def _added(self, account: "Account", lines: Sequence[str]) -> None:
        from tui.app.screens.account import works_dialog

        def answered(answer: str | None) -> None:
            if answer == "trial":
                self._ask_for_trial(account)

        def told(trust: "Sequence[Trust]") -> None:
            self._app.push_screen(works_dialog(account, lines, trust), answered)

        self._app.send_through(account.name)
        self._app.aside(_GROUP, lambda: self._trust(account), told)

    # Those that there are

    def show(self) -> None:
        self._app.aside(_GROUP, self._list, self._listed, opens=True)

    def _list(self) -> "Sequence[Account]":
        return self._store.list()

    def _listed(self, accounts: "Sequence[Account]") -> None:
        from tui.app.screens.account import list_of

        if not accounts:
            self.add()
            return

        def chosen(answer: str | None) -> None:
            what, _, name = (answer or "").partition(" ")
            if what == "add":
                self.add()
            elif what == "one":
                self._ask_what(next(one for one in accounts if one.name == name))

        self._app.push_screen(list_of(accounts, self._used), chosen)

    def _ask_what(self, account: "Account") -> None:
        from tui.app.screens.account import deeds_of

        deeds: dict[str, Callable[[Account], None]] = {
            "use": lambda one: self._app.send_through(one.name),
            "test": self._test,
            "trial": self._ask_for_trial,
            "sign-in": self.sign_in_again,
            "password": self._ask_for_password,
            "answers": self._ask_for_answers,
            "remove": self._ask_to_remove,
        }

        def chosen(answer: str | None) -> None:
            if answer is not None:
                deeds[answer](account)

        self._app.push_screen(deeds_of(account, is_used=account.name == self._used), chosen)

    @property
    def _used(self) -> str:
        """The name of the account that a send from here would go through."""
        account = self._app.state.account
        return account.name if account is not None else ""

    @property
    def _organizer(self) -> str | None:
        folder = self._app.state.folder
        return folder.event.organizer.email if folder is not None and folder.event is not None else None

    @property
    def _store(self) -> "AccountStore":
        """As the settings have it: to be asked in a thread, because they are read from files."""
        from tui.delivery import AccountStore
        from tui.settings import load

        return AccountStore(load([Path.cwd()], self._environment).config_dir)

    # Trying one

    def _test(self, account: "Account") -> None:
        """All that is said, with secrets blanked, and whether its mail will be believed."""
        heard: list[str] = []

        def said() -> list[Line]:
            return [text_line(visible(line)) for line in heard]

        def try_it() -> "list[Trust]":
            from tui.trial import try_out

            store = self._store
            sender = account.sender or (account.username if "@" in (account.username or "") else None)
            try_out(account, store.credential(account), sender=sender, hear=heard.append, environment=self._environment)
            return self._trust(account)

        def worked(trust: "list[Trust]") -> None:
            verdict = text_line(f"✓ {account.name} works: it could send now.", "good")
            self._tell_test(
                account, [verdict, *_spaced(text_line(words, tone) for tone, words in trust), *_spaced(said())]
            )

        def failed(error: InviteError) -> None:
            if self.offers_to_sign_in(error, account):
                return
            verdict = [text_line(f"▲ {visible(error.message)}", "bad")]
            verdict += [text_line(visible(error.hint))] if error.hint else []
            self._tell_test(account, [*verdict, *_spaced(said())])

        busy = f"Testing {account.name}; nothing is sent ..."
        self._with_keyring(account, lambda: self._app.aside(_GROUP, try_it, worked, failed, busy=busy))

    def _tell_test(self, account: "Account", lines: list[Line]) -> None:
        from tui.app.screens.dialog import PageDialog

        self._app.push_screen(PageDialog(f"Test of {account.name}", lines))

    def _trust(self, account: "Account") -> "list[Trust]":
        """In a thread: whether mail from here will be believed."""
        from tui.app.screens.account import of_trust
        from tui.delivery.discovery import lookups, vouching

        return of_trust(*vouching(account, self._organizer, lookups(self._environment)))

    def _ask_for_trial(self, account: "Account") -> None:
        from tui.app.screens.account import trial_form

        def filled(form: "Form", values: Mapping[str, str]) -> None:
            address = values["address"].strip()
            if "@" not in address:
                form.refuse("Which address is yours?")
                return

            def send() -> str:
                from tui.trial import send_to_oneself

                return send_to_oneself(account, address, self._environment)

            def sent(reply: str) -> None:
                self._close(form)
                self._told(f"Sent to {address}: {reply}", "Look whether it has come, and not among the spam.")

            self._app.aside(_GROUP, send, sent, partial(self._refused, form, account))

        self._with_keyring(account, lambda: self._app.push_screen(trial_form(account, filled)))

    def _told(self, *said: str) -> None:
        from tui.app.screens.choice import Choice

        self._app.push_screen(Choice("Account", [visible(one) for one in said], [("close", "Close")]))

    def _refused(self, form: "Form", account: "Account", error: InviteError) -> None:
        if form.is_current and not self.offers_to_sign_in(error, account):
            form.refuse(error)

    def _close(self, form: "Form") -> None:
        if form.is_current:
            form.dismiss(None)

    # Another password

    def _ask_for_password(self, account: "Account") -> None:
        from tui.app.screens.account import password_form

        def filled(form: "Form", values: Mapping[str, str]) -> None:
            def try_it() -> Sequence[str]:
                from tui.delivery import Secret
                from tui.trial import add

                if not values["password"]:
                    raise AccountError("The password is missing.")
                password = Secret(values["password"])
                return add(account, self._store, password=password, replace=True, environment=self._environment)

            def worked(_: Sequence[str]) -> None:
                self._close(form)
                self._app.say(f"{account.name} works again: its new password is kept.")
                self._app.send_through(account.name)

            self._app.aside(_GROUP, try_it, worked, partial(self._refused, form, account))

        self._with_keyring(account, lambda: self._app.push_screen(password_form(account, filled)))

    # Where answers are read

    def _ask_for_answers(self, account: "Account") -> None:
        from tui.app.screens.account import answers_form, answers_of

        def filled(form: "Form", values: Mapping[str, str]) -> None:
            try:
                imap = answers_of(values)
            except AccountError as error:
                form.refuse(error)
                return
            if imap == account.imap:
                form.refuse("Nothing is different yet.")
            elif imap is not None and account.login == "oauth":
                form.dismiss(None)
                self.sign_in_again(account, imap)
            else:
                self._read_answers_at(form, account, imap, values.get("password", ""))

        self._with_keyring(account, lambda: self._app.push_screen(answers_form(account, filled)))

    def _read_answers_at(self, form: "Form", account: "Account", imap: "Imap | None", password: str) -> None:
        """None: nowhere, for which nobody is asked for anything."""

        def change() -> None:
            from tui.delivery import Secret
            from tui.trial import add

            if imap is None:
                self._store.stop_reading(account.name)
            elif not password:
                raise AccountError("The password is missing.")
            else:
                changed, said = replace(account, imap=imap), Secret(password)
                add(changed, self._store, password=said, replace=True, environment=self._environment)

        def changed(_: None) -> None:
            self._close(form)
            where = f"at {imap.host}:{imap.port}" if imap is not None else "nowhere any more"
            self._app.say(f"With {account.name} answers are read {where}.")
            if account.name == self._used:
                self._app.send_through(account.name)

        self._app.aside(_GROUP, change, changed, partial(self._refused, form, account))

    # Removing one

    def _ask_to_remove(self, account: "Account") -> None:
        from tui.app.screens.choice import Choice

        def remove() -> None:
            self._store.remove(account.name)

        def removed(_: None) -> None:
            self._app.say(f"Removed {account.name} and its secret.")
            if account.name == self._used:
                self._app.send_through(None)

        def answered(answer: str | None) -> None:
            if answer == "remove":
                self._with_keyring(account, lambda: self._app.aside(_GROUP, remove, removed))

        said = [f"Forgets the account {account.name} and its secret. What was sent through it stays recorded."]
        answers = [("keep", "Keep it"), ("remove", "Remove it")]
        self._app.push_screen(Choice("Remove an account", said, answers), answered)

    # Signing in again

    def offers_to_sign_in(self, error: InviteError, account: "Account | None" = None) -> bool:
        """Whether `error` says that a sign-in is no longer honoured: then that is told with the way to mend it.

        `account` is whose it is, None: that of the event that is open.
        """
        from tui.delivery.oauth.grants import RevokedError

        whose = account or self._app.state.account
        if not isinstance(error, RevokedError) or whose is None:
            return False
        from tui.app.screens.choice import Choice

        def answered(answer: str | None) -> None:
            if answer == "sign-in":
                self.sign_in_again(whose)

        answers = [("close", "Not now"), ("sign-in", "Sign in again …")]
        self._app.push_screen(Choice("Account", [visible(error.message)], answers), answered)
        return True

    def sign_in(self) -> None:
        """Anew, to the account that a send from here would go through."""
        if (account := self._app.state.account) is not None:
            self.sign_in_again(account)

    def sign_in_again(self, account: "Account", imap: "Imap | None" = None) -> None:
        """The old sign-in is kept until the new one has worked. `imap` is where answers are read from then on."""
        from tui.app.screens.account import ceremony_on, leave_sign_in

        stop = Event()

        def sign_in() -> Sequence[str]:
            from tui.trial import sign_in_again

            ceremony = ceremony_on(self._app, stop)
            return sign_in_again(account, self._store, ceremony, imap=imap, environment=self._environment)

        def done(_: Sequence[str]) -> None:
            leave_sign_in(self._app)
            self._app.say(f"Signed in to {account.name} again.")
            if imap is not None and account.name == self._used:
                self._app.send_through(account.name)

        def failed(error: InviteError) -> None:
            leave_sign_in(self._app)
            self._app.tell_error(error)

        self._with_keyring(account, lambda: self._app.aside(_GROUP, sign_in, done, failed, busy="Signing in ..."))

    # The keyring

    def unlocked(self, then: Callable[[], object], otherwise: Callable[[], object] = lambda: None) -> None:
        """Then, once the keyring is open for the account that is used here; `otherwise` where nobody opens it."""
        account = self._app.state.account
        if account is None:
            then()
        else:
            self._with_keyring(account, then, otherwise)

    def _with_keyring(
        self, account: "Account", then: Callable[[], object], otherwise: Callable[[], object] = lambda: None
    ) -> None:
        from tui.delivery.accounts import ENVIRONMENT_ACCOUNT

        if account.login == "none" or account.name == ENVIRONMENT_ACCOUNT:
            then()
            return

        def found(wants: bool) -> None:
            if wants:
                self._ask_for_passphrase(then, otherwise)
            else:
                then()

        busy = "Looking for the keyring ..."
        self._app.aside("keyring", self._wants_passphrase, found, busy=busy, opens=True)

    def _wants_passphrase(self) -> bool:
        return self._store.wants_passphrase()

    def _ask_for_passphrase(self, then: Callable[[], object], otherwise: Callable[[], object]) -> None:
        from tui.app.screens.account import passphrase_form

        is_open = False

        def filled(form: "Form", values: Mapping[str, str]) -> None:
            from tui.delivery import Secret

            said = Secret(values["passphrase"])

            def unlock() -> None:
                if not said:
                    raise AccountError("The passphrase is missing.")
                self._store.unlock(lambda _: said)

            def unlocked(_: None) -> None:
                nonlocal is_open
                is_open = True
                self._close(form)

            def refused(error: InviteError) -> None:
                if form.is_current:
                    form.refuse(error)

            self._app.aside("keyring", unlock, unlocked, refused)

        def closed(_: None) -> None:
            (then if is_open else otherwise)()

        self._app.push_screen(passphrase_form(filled), closed)


def _spaced(lines: Iterable[Line]) -> Iterator[Line]:
    """With an empty line before them, where there are any."""
    for number, line in enumerate(lines):
        if not number:
            yield text_line()
        yield line
