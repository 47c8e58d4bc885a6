"""`invite-tui account`: the SMTP logins."""

import argparse
import getpass
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tui.cli import output
from tui.cli.output import say, tell
from tui.delivery import Account, AccountStore, Secret, probe
from tui.errors import AccountError, UsageError

if TYPE_CHECKING:
    from tui.delivery.accounts import Security

_PORTS: dict[str, int] = {"starttls": 587, "tls": 465, "none": 25}


def run(options: argparse.Namespace) -> int:
    """Runs one of add, list, test, remove. AccountError (exit 4) for whatever is wrong with the account."""
    directory = os.environ.get("INVITE_TUI_CONFIG_DIR")
    store = AccountStore(Path(directory) if directory else None)
    return {"add": _add, "list": _list, "test": _test, "remove": _remove}[options.account_command](options, store)


def _add(options: argparse.Namespace, store: AccountStore) -> int:
    if options.name == "env":
        raise AccountError(
            "The account “env” is the one that the environment names.", hint="Choose another name for this one."
        )
    host = options.host or _ask("Mail server (host name)", "--host")
    security: Security = options.security
    ca = Path(options.ca) if options.ca else None
    if ca is not None and not ca.is_file():
        raise AccountError(f"There is no file {options.ca}.", hint="--ca takes the PEM file of an authority.")
    account = Account(
        name=options.name,
        host=host,
        port=options.port or _PORTS[security],
        security=security,
        username=options.username,
        sender=options.sender,
        ca=ca,
        login="password" if options.username else "none",
    )
    if any(known.name == account.name for known in store.list()):
        raise AccountError(
            f"There is an account {account.name} already.", hint="Remove it first, or choose another name."
        )
    secret = _password(options) if account.login == "password" else None
    conversation = probe(account, secret)
    store.add(account, secret)
    if options.json:
        output.print_json({"account": _document(account)})
    else:
        for line in conversation:
            tell(line)
        say(f"Added {account.name}: {account.username or 'no login'} at {account.host}:{account.port}.")
        if secret:
            say("Its password is in the system keyring.")
    return 0


def _list(options: argparse.Namespace, store: AccountStore) -> int:
    accounts = store.list()
    if options.json:
        output.print_json({"accounts": [_document(account) for account in accounts]})
    elif not accounts:
        say("There is no account yet: `invite-tui account add NAME --host H --username U` adds one.")
    for account in accounts if not options.json else ():
        say(f"{account.name}  {account.username or '(no login)'}  {account.host}:{account.port}  {account.security}")
    return 0


def _test(options: argparse.Namespace, store: AccountStore) -> int:
    account = store.get(options.name)
    conversation = probe(account, store.secret(account) if account.login == "password" else None)
    if options.json:
        output.print_json({"account": _document(account), "conversation": list(conversation)})
    else:
        for line in conversation:
            say(line)
        say(f"{account.name} works: it could send now.")
    return 0


def _remove(options: argparse.Namespace, store: AccountStore) -> int:
    account = store.get(options.name)
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


def _ask(question: str, option: str) -> str:
    if not sys.stdin.isatty():
        raise UsageError(f"{option} is missing.", hint="See `invite-tui account add --help`.")
    tell(f"{question}:")
    return sys.stdin.readline().strip()


def _password(options: argparse.Namespace) -> Secret:
    if options.password_stdin:
        text = sys.stdin.readline().rstrip("\r\n")
    elif sys.stdin.isatty():
        text = getpass.getpass(f"Password of {options.username}: ", stream=sys.stderr)
    else:
        raise UsageError("There is no terminal to ask for the password on.", hint="Pipe it in with --password-stdin.")
    if not text:
        raise UsageError("The password is empty.", hint="Nothing was added.")
    return Secret(text)
