"""Whatever the command line can do the app can do too, or it is said here why not."""

import re

import pytest

from tui.app.actions import BY_NAME
from tui.cli import HELP
from tui.cli.parser import parse

REACHED = {
    "check": ["problems", "event", "open"],
    "preview": ["open", "browse"],
    "plan": ["plan", "send"],
    "send": ["send", "send-these", "remind", "rehearse"],
    "resend": ["resend", "correct", "gone"],
    "cancel": ["cancel", "cancel-all", "gone"],
    "status": ["view", "search", "kept"],
    "run pause": ["workers"],
    "run go-on": ["workers"],
    "run stop": ["workers"],
    "replies": ["answers", "watch"],
    "report": ["report", "table", "evidence", "verify"],
    "forget": ["forget", "forget-all", "forget-due"],
    "audit": ["audit"],
    "repair": ["audit"],
    "account add": ["account"],
    "account login": ["sign-in", "accounts"],
    "account list": ["accounts"],
    "account test": ["accounts"],
    "account remove": ["accounts"],
    "init": ["new"],
}
"""Each command, and the actions of the app by which the same is done."""

NOT_REACHED = {
    "worker": "a service: it runs for days, beside others, on machines without an event folder or anybody who looks on",
    "ledger copy": "done once by who runs the database; what is open in the app would have to be let go of",
    "ledger prepare": "done by an owner of the database, whose rights nobody who sends should have",
    "ledger roles": "text for psql, for who runs the database",
}
"""Those that it does not do, and why; docs/teams.md tells how they are used."""


def commands() -> list[str]:
    """As the help tells them."""
    return re.findall(r"^  ([a-z]+)  ", HELP.partition("commands:")[2], re.MULTILINE)


def below(command: str, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """What can stand behind it, or itself."""
    assert parse([command, "--help"]) == 0
    usage = capsys.readouterr().out.partition("\n\n")[0]
    found = re.search(r"\b[a-z-]+(\|[a-z-]+)+", usage)
    return [f"{command} {one}" for one in found[0].split("|")] if found else [command]


def test_every_command_is_reached_in_the_app_or_it_is_said_why_not(capsys: pytest.CaptureFixture[str]) -> None:
    there = {one for command in commands() for one in below(command, capsys)}
    assert {"send", "account add", "ledger copy"} <= there
    assert there == REACHED.keys() | NOT_REACHED.keys()
    assert not REACHED.keys() & NOT_REACHED.keys()


def test_what_a_command_is_reached_by_is_offered_by_a_key_or_by_name() -> None:
    for command, names in REACHED.items():
        for name in names:
            assert BY_NAME[name].keys or BY_NAME[name].palette, (command, name)
