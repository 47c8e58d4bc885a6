"""An account is tried before it is kept: the sign-in, the login, the mailbox, and a message to oneself.

That message takes the way of every invitation: an event of its own with one attendee, in a folder that is gone
afterwards; composed, cleared by the guard and recorded like any other.
"""

import dataclasses
import json
import secrets
import tempfile
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from tui import settings
from tui.delivery import Account, AccountStore, Secret
from tui.errors import AccountError
from tui.folder import open_folder

if TYPE_CHECKING:
    from tui.delivery.accounts import Credential, Imap
    from tui.delivery.oauth import Ceremony
    from tui.ledger import Outcome

PATIENCE = 60.0
"""Seconds for any one reply while somebody waits for the trial. A run has more: RFC 5321 §4.5.3.2 wants minutes, and a
port that waits for TLS would be listened to for five."""

_EVENT = """\
[event]
title    = {title}
start    = {start:%Y-%m-%dT10:00:00}
duration = "15m"
timezone = "UTC"
uid      = "{uid}"

[organizer]
name  = "invite-tui"
email = {address}

[message]
template = "trial"
"""

_WORDING = """\
subject: {{ event.title }}

This is a test of invite-tui, sent by yourself to yourself.

If you can read it, the account works. Its calendar entry means nothing: delete both.
"""


class NotTakenError(AccountError):
    """The message to oneself was tried, and the server did not take it: `outcome` says what became of it."""

    def __init__(self, message: str, *, outcome: "Outcome", reply: str) -> None:
        super().__init__(message)
        self.outcome = outcome
        self.reply = reply


def add(
    account: Account,
    store: AccountStore,
    *,
    password: Secret | None = None,
    client_secret: Secret | None = None,
    ceremony: "Ceremony | None" = None,
    replace: bool = False,
    environment: Mapping[str, str] | None = None,
) -> tuple[str, ...]:
    """Signs in where the account does that, tries it, and only then stores anything; how it went, a line a step.

    With `replace` it takes the place of an account of its name. Raises `AccountError` at the first step that fails, or
    where the ceremony was broken off: then nothing is stored.
    """
    credential: Credential | None = password
    secret = password
    if account.login == "oauth":
        if ceremony is None:
            raise AccountError(f"There is nobody to sign in to account {account.name}.")
        from tui.delivery.oauth import Tokens, sign_in

        kept, first = sign_in(account, ceremony, client_secret)
        secret, credential = kept, Tokens(account, lambda: kept, lambda _: None, first=first)
    lines = try_out(account, credential, environment=environment)
    if ceremony is not None and ceremony.stop.is_set():
        raise AccountError("It was broken off; nothing was changed.")
    store.add(account, secret, replace=replace)
    return lines


def sign_in_again(
    account: Account,
    store: AccountStore,
    ceremony: "Ceremony",
    client_secret: Secret | None = None,
    *,
    imap: "Imap | None" = None,
    environment: Mapping[str, str] | None = None,
) -> tuple[str, ...]:
    """A new sign-in for the one that is no longer honoured, with the client secret that was kept beside it; see `add`.

    `client_secret` takes the place of that, and `imap` of where answers were read. Raises `AccountError` at the first
    step that fails: then the old sign-in is still there.
    """
    from tui.delivery.oauth.grants import Kept

    if client_secret is None and (secret := store.secret(account)) and (before := Kept.from_secret(secret)):
        client_secret = before.client_secret
    changed = dataclasses.replace(account, imap=imap or account.imap)
    return add(changed, store, client_secret=client_secret, ceremony=ceremony, replace=True, environment=environment)


def try_out(
    account: Account,
    credential: "Credential | None",
    *,
    sender: str | None = None,
    hear: Callable[[str], None] | None = None,
    environment: Mapping[str, str] | None = None,
) -> tuple[str, ...]:
    """Connects and logs in where mail is sent and where answers are read, and sends nothing: see `delivery.probe`.

    `hear` is told both conversations while they go on, secrets blanked, also of one that fails. INVITE_TUI_SMTP_TIMEOUT
    makes `PATIENCE` shorter, never longer.
    """
    from tui.delivery import ImapLogin, probe
    from tui.replies.imap import opened

    said = settings.load([Path.cwd()], environment).timeout
    lines = probe(account, credential, sender=sender, timeout=min(PATIENCE, said or PATIENCE), hear=hear)
    if account.imap is None:
        return lines
    login = ImapLogin.of(account, credential)
    with opened(login, hear) as mailbox:
        # Some servers let a mailbox be logged in to that they then do not let anybody open.
        mailbox.look()
    read = f"answers: {account.username} can read them at {login.where}"
    if hear is not None:
        hear(read)
    return (*lines, read)


def send_to_oneself(account: Account, address: str, environment: Mapping[str, str] | None = None) -> str:
    """Sends one message to `address`, in its own name, through the stored `account`; the server's reply.

    Raises `NotTakenError` where the server does not take it, and whatever else stops a run.
    """
    from tui.mailing import Control, Settled

    tomorrow = datetime.now() + timedelta(days=1)
    with tempfile.TemporaryDirectory(prefix="invite-tui-trial-") as name:
        folder = Path(name)
        (folder / "templates").mkdir()
        (folder / "templates" / "trial.md").write_text(_WORDING, encoding="utf-8")
        event = _EVENT.format(
            title=json.dumps(f"Test of the account {account.name}"),
            start=tomorrow,
            uid=secrets.token_hex(16),
            address=json.dumps(address),
        )
        (folder / "event.toml").write_text(event, encoding="utf-8")
        (folder / "attendees.csv").write_text(f'Name,Email\n"Yourself","{address}"\n', encoding="utf-8")
        opened = open_folder(
            [str(folder / "attendees.csv")],
            account=account.name,
            ledger=str(folder / "trial.ledger.db"),  # not the one that a team shares
            environment=environment,
        )
        run = opened.send(opened.plan(), control=Control(), command="trial")
        settled = [one for one in run if isinstance(one, Settled)]
    if not settled or settled[-1].outcome != "accepted":
        outcome, reply = (settled[-1].outcome, settled[-1].reply) if settled else ("unsent", "nothing was sent")
        problem = f"{account.host} did not take the message to {address}: {reply}"
        raise NotTakenError(problem, outcome=outcome, reply=reply)
    return settled[-1].reply or ""
