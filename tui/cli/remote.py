"""Runs that workers carry out, on the command line: handed over, looked at, steered; and being a worker."""

import argparse
import os
from pathlib import Path
from typing import Any

from tui import settings, workers
from tui.cli import holding, output
from tui.cli.output import say, tell
from tui.delivery import AccountStore
from tui.errors import AccountError, UsageError
from tui.folder import Folder, open_folder
from tui.ledger import Desk, Server
from tui.mailing import Control
from tui.plan import Plan
from tui.workers import Standing, Working


def hand_over(options: argparse.Namespace, folder: Folder, made: Plan, control: Control) -> int:
    """Records the run and its jobs; it is others who send it."""
    note = getattr(options, "note", "")
    jobs = workers.hand_over(
        folder,
        made,
        control=control,
        command=options.command,
        note=note,
        canary=holding.canary(made, getattr(options, "canary", None)),
        tell=output.Composing(),
    )
    if options.json:
        digest = made.digest_with(note)
        output.print_json({"handed_over": {"digest": digest, "messages": len(made.to_send), "jobs": jobs}})
    else:
        say(f"Handed over to workers: {len(made.to_send):,} message(s) in {jobs:,} job(s).")
        say("`invite-tui status --follow` tells how far they are; `invite-tui run pause|go-on|stop` steers them.")
    return 0


def document(folder: Folder) -> dict[str, Any]:
    """How the run stands that was handed over last; nothing where there was none."""
    standing = workers.standing(folder)
    return {} if standing is None else {"workers": _document(standing)}


def print_standing(folder: Folder) -> None:
    standing = workers.standing(folder)
    if standing is not None and standing.handover.is_open:
        say(standing.in_words)


def follow(folder: Folder, *, as_json: bool) -> int:
    """Tells how far the workers are until it is over, or somebody's word is needed; the exit code is the run's."""
    last = None
    for last in workers.follow(folder):
        tell(last.in_words)
    if last is None:
        raise UsageError("No run was handed over to workers.", hint="`send --workers` hands one over.")
    if as_json:
        output.print_json({"workers": _document(last)})
    return 0 if last.handover.state == "done" and last.counts["accepted"] == sum(last.counts.values()) else 3


def steer(options: argparse.Namespace) -> int:
    folder = open_folder([], event=options.event, ledger=options.ledger)
    workers.steer(folder, options.word)
    standing = workers.standing(folder)
    if options.json:
        output.print_json({} if standing is None else {"workers": _document(standing)})
    elif standing is not None:
        say(standing.in_words)
    return 0


def work(options: argparse.Namespace) -> int:
    """Works until a signal comes."""
    said = settings.load([Path.cwd()])
    address = options.ledger or settings.own_word("INVITE_TUI_LEDGER", [Path.cwd()])
    if not address:
        raise UsageError("Which database?", hint="Name it: --ledger postgresql://..., or INVITE_TUI_LEDGER.")
    here = [*(["env"] if said.smtp else []), *(account.name for account in AccountStore(said.config_dir).list())]
    if unknown := [name for name in options.account if name not in here]:
        raise AccountError(f"There is no account “{unknown[0]}” here.", hint=f"There are: {', '.join(here) or 'none'}.")
    accounts = options.account or here
    if not accounts:
        raise AccountError("There is no account to send with here.", hint="`invite-tui account add NAME` adds one.")
    tell(f"Working for {', '.join(accounts)}, with at most {options.connections} connection(s). Ctrl+C ends it.")
    desk = Desk.here(said.name)
    how = Working(accounts, options.connections, options.lost_after, options.until_empty)
    sent = workers.work(Server.parse(address), desk, how, tell, os.environ)
    say(f"{sent:,} message(s) were settled here.")
    return 0


def _document(standing: Standing) -> dict[str, Any]:
    handover = standing.handover
    return {
        "run": handover.run,
        "account": handover.account,
        "by": handover.by.who,
        "place": handover.by.place,
        "since": handover.since,
        "state": handover.state,
        "said": handover.said,
        "counts": dict(standing.counts),
    }
