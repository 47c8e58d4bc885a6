"""What may stand on the command line. It imports nothing that `--help` does not need."""

import argparse
import sys
from typing import NoReturn

import tui
from tui.cli import COMMANDS

_EPILOG = """A first argument that is no command is an attendee file: it opens the app.

exit codes: 0 done; 1 refused, nothing was sent; 2 wrong usage; 3 some messages were refused,
deferred or are unknown; 4 the account; 5 another run holds the ledger; 6 the ledger; 130 interrupted
"""


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in a sentence; as JSON where the caller reads JSON."""

    def error(self, message: str) -> NoReturn:
        if "--json" in sys.argv:
            import json

            hint = f"See `{self.prog} --help`."
            print(json.dumps({"error": {"code": "usage", "message": message, "hint": hint}, "problems": []}))
        from tui.clean import visible

        self.exit(2, f"{self.prog}: {visible(message)}. See `{self.prog} --help`.\n")


def parse(argv: list[str]) -> argparse.Namespace | int:
    """The options, with `command` ("" for the app); or an exit code where the parser has said all there is to say."""
    try:
        if argv and argv[0] in COMMANDS:
            return _commands().parse_args(argv)
        if not argv or argv[0] in ("-h", "--help"):
            _commands().print_help(sys.stdout if argv else sys.stderr)
            return 0 if argv else 2
        return _app().parse_args(argv, argparse.Namespace(command=""))
    except SystemExit as left:
        return int(left.code or 0)


def _app() -> _Parser:
    parser = _Parser("invite-tui", description="Opens the app.", epilog=f"Commands: {', '.join(COMMANDS)}.")
    _reads_attendees(parser)
    _is_an_event(parser)
    parser.add_argument(
        "--outbox", metavar="DIR", help="where a rehearsal writes (default: outbox/ in the event folder)"
    )
    return parser


def _commands() -> _Parser:
    parser = _Parser(
        "invite-tui",
        usage="invite-tui ATTENDEES.csv [MORE.csv ...]\n       invite-tui COMMAND ...",
        description="Personal invitations in bulk, safely: one message per person, and nobody learns of another.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"invite-tui {tui.__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", parser_class=_Parser)
    event, files, sending, confirming = (_Parser(add_help=False) for _ in range(4))
    _is_an_event(event)
    _reads_attendees(files)
    event.add_argument("--json", action="store_true", help="one JSON document on stdout")
    sending.add_argument("--dry-run", action="store_true", help="write the messages to the outbox, send nothing")
    sending.add_argument("--outbox", metavar="DIR", help="where a dry run writes")
    sending.add_argument(
        "--wait", type=_seconds, metavar="SECONDS", help="how long a quota or throttle may be waited for"
    )
    confirming.add_argument(
        "--confirm", type=_count, metavar="N", help="the number of messages that this run will send"
    )

    commands.add_parser("check", parents=[files, event], help="what is wrong with the input")
    preview = commands.add_parser("preview", parents=[files, event], help="one person's message")
    preview.add_argument("--to", metavar="ADDRESS", help="whose (default: the first attendee's)")
    preview.add_argument("--part", choices=("headers", "text", "html", "calendar", "source"), help="only this part")
    plan = commands.add_parser(
        "plan", parents=[files, event], help="what a send would do, and the digest that seals it"
    )
    plan.add_argument("--skip-errors", action="store_true", help="leave out the rows that have errors")
    send = commands.add_parser("send", parents=[files, event, sending, confirming], help="send what the plan says")
    send.add_argument("--approve", metavar="DIGEST", help="send if the plan still has this digest")
    send.add_argument("--only", action="append", default=[], metavar="ADDRESS", help="of this plan, only these people")
    send.add_argument("--skip-errors", action="store_true", help="leave out the rows that have errors")
    resend = commands.add_parser(
        "resend", parents=[event, sending, confirming], help="the current version again, to these people"
    )
    resend.add_argument("addresses", nargs="+", metavar="ADDRESS")
    resend.add_argument(
        "--attendees", action="append", default=[], metavar="CSV", help="take names and columns from here"
    )
    resend.add_argument("--encoding", metavar="NAME", help="the attendee files' encoding")
    resend.add_argument("--note", default="", metavar="TEXT", help="{{ organizer.note }} in the wording")
    commands.add_parser("status", parents=[event], help="what everybody was sent, and what became of it")
    _account(commands.add_parser("account", help="the SMTP logins; their secrets are in the system keyring"))
    init = commands.add_parser("init", help="make an event folder")
    init.add_argument("dir", metavar="DIR")
    init.add_argument("--json", action="store_true", help="one JSON document on stdout")
    return parser


def _account(parser: argparse.ArgumentParser) -> None:
    what = parser.add_subparsers(
        dest="account_command", metavar="add|list|test|remove", required=True, parser_class=_Parser
    )
    json = _Parser(add_help=False)
    json.add_argument("--json", action="store_true", help="one JSON document on stdout")
    add = what.add_parser("add", parents=[json], help="add an account, after trying its login")
    add.add_argument("name", metavar="NAME")
    add.add_argument("--host", metavar="H")
    add.add_argument("--port", type=_count, metavar="P")
    add.add_argument("--security", choices=("starttls", "tls", "none"), default="starttls")
    add.add_argument("--username", metavar="U")
    add.add_argument(
        "--from", dest="sender", metavar="ADDRESS", help="the envelope's sender, if not the organizer's address"
    )
    add.add_argument("--password-stdin", action="store_true", help="read the password from standard input")
    add.add_argument("--ca", metavar="PEM", help="trust this authority instead of the system's")
    what.add_parser("list", parents=[json], help="all accounts")
    for name, words in (("test", "connect and log in, send nothing"), ("remove", "remove an account and its secret")):
        what.add_parser(name, parents=[json], help=words).add_argument("name", metavar="NAME")


def _reads_attendees(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", nargs="+", metavar="ATTENDEES.csv")
    parser.add_argument("--encoding", metavar="NAME", help="the attendee files' encoding, if it is not recognised")


def _is_an_event(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--event", metavar="PATH", help="the event file (default: event.toml beside the first CSV)")
    parser.add_argument("--template", metavar="NAME|PATH", help="the wording (default: the action's own)")
    parser.add_argument("--account", metavar="NAME", help="the account to send with")
    parser.add_argument("--ledger", metavar="PATH", help="the ledger (default: beside the event file)")


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number")
    return int(text)


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < 1e9:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds")
    return value
