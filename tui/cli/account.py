"""`invite-tui account`: the SMTP logins."""

import argparse
import os
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, cast

from tui.cli import output
from tui.cli.asking import agree, hidden, typed
from tui.cli.output import say, tell
from tui.delivery import Account, AccountStore, Secret
from tui.delivery.accounts import DEFAULT_IMAP_PORT, DEFAULT_PORT, ENVIRONMENT_ACCOUNT, Imap, OAuth
from tui.errors import AccountError, InviteError, LedgerError, UsageError

if TYPE_CHECKING:
    from tui.delivery.accounts import Credential, Security
    from tui.delivery.oauth import Ceremony, Prompt
    from tui.folder import Folder
    from tui.ledger import Outcome

_CLIENT_SECRET = "INVITE_TUI_OAUTH_CLIENT_SECRET"  # noqa: S105 - its name

_WELL_KNOWN = {"microsoft": ("smtp.office365.com", 587, "starttls"), "google": ("smtp.gmail.com", 587, "starttls")}
"""Where the mail of those goes who sign in there, unless --host says otherwise."""


def run(options: argparse.Namespace) -> int:
    """Runs one of add, login, list, test, remove. AccountError (exit 4) for whatever is wrong with the account."""
    directory = os.environ.get("INVITE_TUI_CONFIG_DIR")
    store = AccountStore(Path(directory) if directory else None)
    commands = {"add": _add, "login": _log_in, "list": _list, "test": _test, "remove": _remove}
    return commands[options.account_command](options, store)


def unlock(store: AccountStore) -> None:
    """Asks for the passphrase of the encrypted file, where that is all the keyring there is and a terminal is there."""
    if sys.stdin.isatty() and sys.stderr.isatty():
        store.unlock(_passphrase)


def unlock_for(folder: "Folder") -> None:
    """Before anything else is asked: an account that is unknown is said, and an encrypted keyring opened for it."""
    account = folder.account
    if account is not None and account.login != "none" and account.name != ENVIRONMENT_ACCOUNT:
        unlock(AccountStore(folder.settings.config_dir))


def _add(options: argparse.Namespace, store: AccountStore) -> int:
    if options.name == ENVIRONMENT_ACCOUNT:
        raise AccountError(
            "The account “env” is the one that the environment names.", hint="Choose another name for this one."
        )
    if not _is_wizard(options):
        _must_fit(options)
    if any(known.name == options.name for known in store.list()):
        raise AccountError(
            f"There is an account {options.name} already.", hint="Remove it first, or choose another name."
        )
    if _is_wizard(options):
        return _add_asking(options, store)
    account = _account_of(options)
    password = _password_of(options, account)
    _try_and_keep(account, store, password=password, tell_steps=not options.json)
    if options.json:
        output.print_json({"account": _document(account)})
    else:
        _say_added(account)
    return 0


def _say_added(account: Account) -> None:
    _say_kept(account, f"Added {account.name}: {account.username or 'no login'} at {account.host}:{account.port}.")


def _say_kept(account: Account, words: str) -> None:
    say(words)
    if account.login != "none":
        say(f"Its {'sign-in' if account.login == 'oauth' else 'password'} is in the keyring.")


def _is_wizard(options: argparse.Namespace) -> bool:
    """Whether a person sits there who has not said where the mail goes."""
    is_said = options.host or (options.oauth in _WELL_KNOWN and options.username and options.client_id)
    is_told = is_said or options.password_stdin or options.json
    return sys.stdin.isatty() and sys.stderr.isatty() and not is_told


def _add_asking(options: argparse.Namespace, store: AccountStore) -> int:
    from tui.cli import wizard
    from tui.delivery.discovery import lookups

    look = lookups()
    account = wizard.ask_for(options, look)
    secret = wizard.client_secret(account) if account.login == "oauth" and not os.environ.get(_CLIENT_SECRET) else None
    while True:
        password = ask_password(account.username or "") if account.login == "password" else None
        try:
            _try_and_keep(account, store, password=password, client_secret=secret)
        except AccountError as problem:
            if account.login != "password":
                raise
            output.report_error(problem, as_json=False)
            if not agree("Try another password?"):
                return problem.exit_code
        else:
            break
    _say_added(account)
    wizard.tell_vouching(account, look)
    wizard.offer_trial(account)
    return 0


def _try_and_keep(
    account: Account,
    store: AccountStore,
    *,
    password: Secret | None,
    client_secret: Secret | None = None,
    tell_steps: bool = True,
) -> None:
    from tui.trial import add

    if account.login != "none":
        unlock(store)
        store.must_keep_secrets()
    ceremony = None
    if account.login == "oauth":
        client_secret = client_secret or _client_secret()
        ceremony = _ceremony(account)
    lines = add(account, store, password=password, client_secret=client_secret, ceremony=ceremony)
    for line in lines if tell_steps else ():
        tell(line)


def _client_secret() -> Secret | None:
    return Secret(os.environ.get(_CLIENT_SECRET, "")) or None


def _ceremony(account: Account) -> "Ceremony":
    from tui.delivery.oauth import Ceremony
    from tui.delivery.oauth.grants import is_browser_near

    return Ceremony(partial(_show, account.username or ""), Event(), is_browser_near())


def _log_in(options: argparse.Namespace, store: AccountStore) -> int:
    """Another sign-in, or password, for an account that is there; the old one is kept until the new one has worked.

    A secret is for the hosts for which it was given, so another IMAP server is named here and nowhere else.
    """
    from tui.trial import add, sign_in_again

    if options.name == ENVIRONMENT_ACCOUNT:
        raise AccountError(
            "The password of the account “env” is the environment's.", hint="It stands in INVITE_TUI_SMTP_PASSWORD."
        )
    account = store.get(options.name)
    if account.login == "none":
        raise UsageError(f"Account {account.name} needs no login.")
    if account.login == "oauth" and options.password_stdin:
        raise UsageError(f"Account {account.name} signs in, and has no password.")
    if options.no_imap and (options.imap_host or options.imap_port is not None or options.imap_security):
        raise UsageError("Answers are read somewhere (--imap-host) or nowhere (--no-imap), not both.")
    imap = None if options.no_imap else _imap_of(options, account.imap)
    unlock(store)
    store.must_keep_secrets()
    if options.no_imap and not options.password_stdin and store.secret(account):
        return _stop_reading(account, store, options)
    if imap is not None and imap != account.imap:
        _say_whom_it_is_for(account, imap)
    changed = replace(account, imap=imap)
    if account.login == "oauth":
        # Without another server the secret that is there is for who the account is now.
        lines = sign_in_again(
            changed if imap is None else account, store, _ceremony(account), _client_secret(), imap=imap
        )
    else:
        lines = add(changed, store, password=_password_of(options, account), replace=True)
    if options.json:
        output.print_json({"account": _document(changed)})
        return 0
    for line in lines:
        tell(line)
    _say_kept(account, f"{account.name} works again.")
    if imap is not None and imap != account.imap:
        say(f"Its answers are read at {imap.host}:{imap.port} ({imap.security}).")
    return 0


def _stop_reading(account: Account, store: AccountStore, options: argparse.Namespace) -> int:
    """The secret that is there is kept, for the mail server alone: nobody is asked, and nothing has to be tried."""
    changed = store.stop_reading(account.name)
    if options.json:
        output.print_json({"account": _document(changed)})
    else:
        what = "sign-in" if account.login == "oauth" else "password"
        said = f"{account.name} reads no answers any more." if account.imap else f"{account.name} reads no answers."
        say(f"{said} Its {what} is kept for {account.host}:{account.port} alone.")
    return 0


def _say_whom_it_is_for(account: Account, imap: Imap) -> None:
    """Before the secret is asked for: giving it is agreeing to that."""
    what = "sign-in" if account.login == "oauth" else "password"
    tell(f"The {what} that you give now is for {account.host}:{account.port} and, to read answers, the same one for")
    tell(f"{imap.host}:{imap.port} ({imap.security}). The one that is stored is not offered there.")


def _show(username: str, prompt: "Prompt") -> None:
    if prompt.code is not None:
        tell(f"Open {prompt.url} in a browser on any machine, and enter the code {prompt.code}")
        tell(f"Sign in there as {username}. Waiting for {prompt.seconds / 60:.0f} minutes.")
        return
    tell(f"Sign in as {username} in a browser on this machine, at:")
    tell(prompt.url)
    from tui.delivery.oauth.grants import is_browser_near

    if is_browser_near() and sys.stdin.isatty():
        import webbrowser

        webbrowser.open(prompt.url)


def _list(options: argparse.Namespace, store: AccountStore) -> int:
    accounts = store.list()
    if options.json:
        output.print_json({"accounts": [_document(account) for account in accounts]})
    elif not accounts:
        say("There is no account yet: `invite-tui account add NAME` adds one.")
    for account in accounts if not options.json else ():
        login = f"  signs in with {account.oauth.issuer}" if account.oauth else ""
        answers = f"  answers: {account.imap.host}:{account.imap.port}" if account.imap else ""
        who = account.username or "(no login)"
        say(f"{account.name}  {who}  {account.host}:{account.port}  {account.security}{login}{answers}")
    return 0


def _test(options: argparse.Namespace, store: AccountStore) -> int:
    account, credential = _told(store) if options.name == ENVIRONMENT_ACCOUNT else _stored(store, options.name)
    address = account.sender or (account.username if account.username and "@" in account.username else None)
    if options.message and address is None:
        raise AccountError(
            f"Account {account.name} has no address of its own, so nobody is there to send a message to.",
            hint="It has one where --from, or the user name, is an address.",
        )
    heard: list[str] = []
    document: dict[str, object] = {"account": _document(account), "conversation": heard}

    def hear(line: str) -> None:
        heard.append(line)
        if not options.json:
            say(line)

    from tui.trial import try_out

    reply = None
    try:
        if options.message:
            document["message"] = _told_of_message(address, "unsent")
        try_out(account, credential, sender=address, hear=hear)
        if options.message and address is not None:
            reply = _send_message(account, address, document)
    except InviteError as problem:
        if not options.json:
            raise
        # Of a login that fails, what was said is the most of what there is to know.
        output.print_json(output.error_document(problem) | document)
        output.report_error(problem, as_json=False)
        return problem.exit_code
    if options.json:
        output.print_json(document)
        return 0
    from tui.cli import wizard
    from tui.delivery.discovery import lookups

    wizard.tell_vouching(account, lookups())
    if reply is None:
        say(f"{account.name} works: it could send now.")
    else:
        say(f"{account.name} works: it has sent a message to {address} ({reply}).")
        say("Look whether it has come, and not among the spam.")
    return 0


def _send_message(account: Account, address: str, document: dict[str, object]) -> str:
    """Sends the message to oneself, and tells `document` what became of it, also where it was not taken."""
    from tui.trial import NotTakenError, send_to_oneself

    try:
        reply = send_to_oneself(account, address)
    except NotTakenError as problem:
        document["message"] = _told_of_message(address, problem.outcome, problem.reply)
        raise
    except LedgerError:
        document["message"] = _told_of_message(address, "unknown")
        raise
    document["message"] = _told_of_message(address, "accepted", reply)
    return reply


def _told_of_message(address: str | None, outcome: "Outcome", reply: str | None = None) -> dict[str, object]:
    return {"address": address, "outcome": outcome, "reply": reply}


def _stored(store: AccountStore, name: str) -> tuple[Account, "Credential | None"]:
    account = store.get(name)
    if account.login != "none":
        unlock(store)
    return account, store.credential(account)


def _told(store: AccountStore) -> tuple[Account, Secret | None]:
    """The account of the environment, or of a `.env` in the working directory."""
    from tui import settings
    from tui.delivery import account_from_settings

    said = settings.load([Path.cwd()])
    if said.conflict:
        raise said.conflict
    return account_from_settings(said.smtp) if said.smtp else (store.get(ENVIRONMENT_ACCOUNT), None)


def _remove(options: argparse.Namespace, store: AccountStore) -> int:
    account = store.get(options.name)
    if account.login != "none":
        unlock(store)
    store.remove(options.name)
    if options.json:
        output.print_json({"removed": _document(account)})
    else:
        say(f"Removed {account.name} and its secret.")
    return 0


def _document(account: Account) -> dict[str, object]:
    return {
        "name": account.name,
        "host": account.host,
        "port": account.port,
        "security": account.security,
        "username": account.username,
        "from": account.sender,
        "login": account.login,
    }


# --- what the options say ----------------------------------------------------------------------------------------


def _must_fit(options: argparse.Namespace) -> None:
    """Raises `UsageError` for options that contradict each other."""
    if options.oauth and options.password_stdin:
        raise UsageError("An account signs in (--oauth) or has a password (--password-stdin), not both.")
    if not options.oauth and (options.client_id or options.scope):
        raise UsageError("--client-id and --scope are for signing in: --oauth microsoft, google or an issuer.")
    if options.oauth and not options.username:
        raise UsageError("--oauth needs --username, the address that signs in.")
    if options.oauth and not options.client_id:
        raise UsageError(
            "--oauth needs --client-id: this program brings none of its own.",
            hint="docs/accounts.md says step by step how your organisation registers one.",
        )
    _imap_of(options)
    if options.imap_host and not options.username:
        raise UsageError("--imap-host needs a login: --username.")


def _account_of(options: argparse.Namespace) -> Account:
    host, port, security = _WELL_KNOWN.get(options.oauth or "", (None, None, "starttls"))
    if options.host or host is None:
        if not options.host:
            raise UsageError("--host is missing.", hint="See `invite-tui account add --help`.")
        host, port, security = options.host, None, "starttls"
    security = cast("Security", options.security or security)
    if options.security:
        port = None
    ca = Path(options.ca) if options.ca else None
    if ca is not None and not ca.is_file():
        raise AccountError(f"There is no file {options.ca}.", hint="--ca takes the PEM file of an authority.")
    oauth = OAuth(options.oauth, options.client_id, tuple(options.scope)) if options.oauth else None
    return Account(
        name=options.name,
        host=host,
        port=options.port if options.port is not None else port or DEFAULT_PORT[security],
        security=security,
        username=options.username,
        sender=options.sender,
        ca=ca,
        login="oauth" if oauth else "password" if options.username else "none",
        oauth=oauth,
        imap=_imap_of(options),
    )


def _imap_of(options: argparse.Namespace, before: Imap | None = None) -> Imap | None:
    """Where answers are read: what is not said stays as it was `before`, of the same host."""
    host = options.imap_host or (before.host if before else None)
    if host is None:
        if options.imap_port is not None or options.imap_security:
            raise UsageError("--imap-port and --imap-security go with --imap-host.")
        return None
    same = before if before is not None and before.host == host else None
    security: Security = options.imap_security or (same.security if same else "tls")
    usual = same.port if same and security == same.security else DEFAULT_IMAP_PORT[security]
    return Imap(host, usual if options.imap_port is None else options.imap_port, security)


def _password_of(options: argparse.Namespace, account: Account) -> Secret | None:
    if account.login != "password":
        return None
    if options.password_stdin:
        return _not_empty(typed().rstrip("\r\n"))
    if not sys.stdin.isatty():
        raise UsageError("There is no terminal to ask for the password on.", hint="Pipe it in with --password-stdin.")
    return ask_password(account.username or "")


# --- asking on a terminal ----------------------------------------------------------------------------------------


def ask_password(username: str) -> Secret:
    return _not_empty(hidden(f"Password of {username}"))


def _not_empty(text: str) -> Secret:
    if not text:
        raise UsageError("The password is empty.", hint="Nothing was kept.")
    return Secret(text)


def _passphrase(is_new: bool) -> Secret | None:
    if not is_new:
        return Secret(hidden("Passphrase of the encrypted file with the passwords"))
    tell("This machine has no keyring. An encrypted file can keep the secret; it opens with a passphrase of yours.")
    first = hidden("New passphrase (Enter: none, and nothing is stored)")
    if not first:
        return None
    if first != hidden("The same once more"):
        raise UsageError("The two passphrases are different.", hint="Nothing was changed.")
    return Secret(first)
