"""`forget`: people leave the ledger and what was written about them, after their number was confirmed."""

import argparse
import sys
from dataclasses import asdict

from tui import forgetting
from tui.cli.asking import typed
from tui.cli.output import print_json, say, tell
from tui.errors import ConfirmationError, InputError, UsageError
from tui.folder import Folder, open_folder
from tui.forgetting import Forgotten, Whom

_FEW = 5
"""People who are named one by one before they are forgotten."""

_MANY = {
    "message file": "message files",
    "row of problems.csv": "rows of problems.csv",
    "earlier copy of the ledger": "earlier copies of the ledger",
}


def run(options: argparse.Namespace) -> int:
    """Forgets those who were named, or everybody; says what still names them."""
    if bool(options.addresses) + options.all + options.due != 1:
        raise UsageError(
            "Who is to be forgotten?", hint="Name addresses, or everybody with --all, or --due; only one of them."
        )
    folder = open_folder([], event=options.event, ledger=options.ledger, outbox=options.outbox)
    folder.must_have_ledger(needed=True)
    folder.must_be_free()
    if options.due:
        _must_be_due(folder)
    chosen = forgetting.whom(folder, options.addresses or None)
    _confirm(options.confirm, chosen)
    done = forgetting.forget(folder, chosen)
    if options.json:
        print_json(
            {
                "forgotten": done.people,
                "removed": {"messages": done.messages, "rows": done.rows, "backups": done.backups},
                "written_anew": [str(path) for path in done.reports],
                "still_in": [str(path) for path in done.still_in],
                "not_found": [
                    {"file": str(one.path), "kind": one.kind, "at": one.at.isoformat()} for one in done.not_found
                ],
                "elsewhere": [
                    {"file": one.path, "kind": one.kind, "at": one.at.isoformat(), "desk": asdict(one.desk)}
                    for one in done.elsewhere
                ],
            }
        )
    else:
        _say_what_was_done(folder, done)
    return 0


def _must_be_due(folder: Folder) -> None:
    if folder.event is None or folder.event.keep_until is None:
        raise InputError(
            "The event file does not say until when people are kept.",
            hint="Add keep_until = 2027-08-31 under [event], or say --all.",
            code="not-due",
        )
    if folder.people() and not folder.due_to_forget:
        raise InputError(
            f"People are kept until {folder.event.keep_until_in_words}: nobody is due yet.",
            hint="`forget --all` does not wait for it.",
            code="not-due",
        )


def _confirm(number: int | None, chosen: Whom) -> None:
    """The organiser's word for it. ConfirmationError where it is not for these, UsageError where it is missing."""
    count = chosen.count
    if number is not None:
        if number != count:
            raise ConfirmationError(f"This would forget {_people(count)}, not {number}; nobody was forgotten.")
        if chosen.holding:
            tell(f"caution: {_people(chosen.holding)} may hold an invitation to an event that is not over.")
        return
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError(f"{_people(count)} would be forgotten.", hint=f"Say so: --confirm {count}")
    if count <= _FEW:
        for person in chosen.people:
            tell(f"  {person.name} <{person.address}>: {person.action}, {person.outcome}")
        for address in chosen.others:
            tell(f"  {address}")
    if chosen.holding:
        tell(forgetting.HOLDING.format(_people(chosen.holding), "`cancel`"))
    tell(f"{forgetting.NO_UNDO} Type the number of people, {count}, to forget them:")
    if typed().strip() != str(count):
        raise ConfirmationError("That is not the number; nobody was forgotten.")


def _say_what_was_done(folder: Folder, done: Forgotten) -> None:
    counts = (
        (done.messages, "message file"),
        (done.rows, "row of problems.csv"),
        (done.backups, "earlier copy of the ledger"),
    )
    gone = [f"{count} {what if count == 1 else _MANY[what]}" for count, what in counts if count]
    say(f"Forgot {_people(done.people)}." + (f" Deleted beside: {', '.join(gone)}." if gone else ""))
    for path in done.reports:
        say(f"Wrote {path} anew, without them.")
    if done.still_in:
        say("Still named in files that only you can change or delete:")
        for line in done.still_named():
            say(f"  {line}")
    else:
        say(f"No other text file in {folder.event_path.parent} names them.")
    if done.not_found:
        say(forgetting.MOVED)
        for line in done.moved():
            say(f"  {line}")
    if done.elsewhere:
        say(forgetting.ELSEWHERE)
        for line in done.at_other_desks():
            say(f"  {line}")
    say("Copies elsewhere, and the mailboxes, are yours to look after; docs/keeping.md says what stays of them here.")


def _people(count: int) -> str:
    return "1 person" if count == 1 else f"{count} people"
