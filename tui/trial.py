"""A message to oneself: whether an account really delivers, on the way that every invitation takes.

An event of its own with one attendee, in a folder that is gone afterwards: composed, cleared by the guard and recorded
like any other.
"""

import json
import secrets
import tempfile
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

from tui.delivery import Account
from tui.errors import AccountError
from tui.folder import open_folder

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


def send_to_oneself(account: Account, address: str, environment: Mapping[str, str] | None = None) -> str:
    """Sends one message to `address`, in its own name, through the stored `account`; the server's reply.

    Raises `AccountError` where the server does not take it, and whatever else stops a run.
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
        opened = open_folder([str(folder / "attendees.csv")], account=account.name, environment=environment)
        run = opened.send(opened.plan(), control=Control(), command="trial")
        settled = [one for one in run if isinstance(one, Settled)]
    if not settled or settled[-1].outcome != "accepted":
        reply = settled[-1].reply if settled else "nothing was sent"
        raise AccountError(f"{account.host} did not take the message to {address}: {reply}")
    return settled[-1].reply or ""
