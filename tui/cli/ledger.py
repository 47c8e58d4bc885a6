"""`ledger`: moves an event's ledger to another place, and makes one on a server ready."""

import argparse

from tui import ledger as ledgers
from tui import report
from tui.cli.output import print_json, say
from tui.folder import ledger_path, open_folder
from tui.ledger import Server, Where
from tui.workers import queue


def run(options: argparse.Namespace) -> int:
    """LedgerError, with nothing changed, where it cannot be done; BusyError while a run holds the ledger."""
    return {"copy": _copy, "prepare": _prepare, "roles": _roles}[options.ledger_command](options)


def _copy(options: argparse.Namespace) -> int:
    source, target = (ledger_path(event=options.event, ledger=place) for place in (options.source, options.target))
    source, target = _of_the_event(source, target), _of_the_event(target, source)
    proof = ledgers.move(source, target)
    if isinstance(target, Server):
        folder = open_folder([], event=options.event)
        report.tell_others(target, folder.desk, report.noted(report.register_of(folder.event_path)))
    if options.json:
        places = {"from": ledgers.spelled(source), "to": ledgers.spelled(target)}
        print_json({**places, "counts": dict(proof.counts), "seal": proof.seal})
        return 0
    for table, count in proof.counts.items():
        if count:
            say(f"{count:>9}  {table.replace('_', ' ')}")
    say(f"All of it is in {ledgers.spelled(target)}, row for row: {proof.seal}")
    say(f"{ledgers.spelled(source)} can be read, and not be sent from any more. It still has everybody's names and")
    say("addresses: delete it when you do not need it.")
    return 0


def _of_the_event(where: Where, other: Where) -> Where:
    """The place, also where no event file says of which event: then the other ledger does."""
    if not isinstance(where, Server) or where.event or not ledgers.is_there(other):
        return where
    with ledgers.open_to_read(other) as ledger, ledger.chronicle() as chronicle:
        return where.for_event(chronicle.event) if chronicle.event else where


def _roles(_: argparse.Namespace) -> int:
    say(ledgers.roles_of_a_database().rstrip())
    return 0


def _prepare(options: argparse.Namespace) -> int:
    where = ledger_path(event=options.event, ledger=options.ledger)
    before, now = ledgers.prepare(where, queue=queue.text() if isinstance(where, Server) else "")
    if options.json:
        print_json({"ledger": ledgers.spelled(where), "version": now, "before": before})
    else:
        done = "is ready" if before == now else "has been made" if not before else "is up to date now"
        say(f"{ledgers.spelled(where)} {done} (version {now}).")
    return 0
