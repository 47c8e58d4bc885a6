"""What may stand on the command line, each command by itself."""

import argparse
import sys
from collections.abc import Callable
from typing import Any, NoReturn

_MAY_BE_BLANK = ("note", "set")
"""What may be nothing. Anything else that is blank is a script's variable that was never set, and would mean the
default."""

_FILES = frozenset(
    {
        *("files", "paths", "message", "dir", "source", "event", "template", "ledger", "outbox", "attendees"),
        *("save", "mailbox", "html", "csv", "evidence", "verify", "ca"),
    }
)
"""What is named by them may have any bytes in its name; where a ledger goes is written into the old one, as text."""


class _Once(argparse.Action):
    """Keeps a value that is said once: of two, nobody can know which one was meant."""

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, said: Any, option: str | None = None
    ) -> None:
        _must_be_said(self, said)
        if option and isinstance(parser, _Parser):
            if self.dest in parser.said:
                raise argparse.ArgumentError(self, "it is said twice")
            parser.said.add(self.dest)
        setattr(namespace, self.dest, said)


class _Each(argparse.Action):
    """Keeps every value that is said."""

    def __call__(self, _: argparse.ArgumentParser, namespace: argparse.Namespace, said: Any, *__: Any) -> None:
        _must_be_said(self, said)
        setattr(namespace, self.dest, [*getattr(namespace, self.dest), said])


def _must_be_said(action: argparse.Action, said: object) -> None:
    """ArgumentError, which the parser tells, for a value that is blank or no text."""
    words = [word for word in (said if isinstance(said, list | tuple) else [said]) if isinstance(word, str)]
    if action.dest not in _MAY_BE_BLANK and not all(map(str.strip, words)):
        raise argparse.ArgumentError(action, "it is empty")
    if action.dest not in _FILES and any(map(_is_no_text, words)):
        raise argparse.ArgumentError(action, "it is not UTF-8 text")


def _is_no_text(word: str) -> bool:
    """Whether it has bytes that are no text, which a name of a file may have."""
    return any("\ud800" <= char <= "\udfff" for char in word)


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in a sentence; as JSON where the caller reads JSON."""

    def __init__(self, *words: Any, **more: Any) -> None:
        super().__init__(*words, **more)
        self.said: set[str] = set()
        """The options that may be said once, and were."""
        self.register("action", None, _Once)
        self.register("action", "append", _Each)

    def error(self, message: str) -> NoReturn:
        if "--json" in sys.argv:
            import json

            hint = f"See `{self.prog} --help`."
            print(json.dumps({"error": {"code": "usage", "message": message, "hint": hint}, "problems": []}))
        from tui.clean import visible

        self.exit(2, f"{self.prog}: {visible(message)}. See `{self.prog} --help`.\n")


def parse(argv: list[str]) -> argparse.Namespace | int:
    """The options, with `command` ("" for the app); or an exit code where the parser has said all there is to say."""
    command = argv[0] if argv[0] in _COMMANDS else ""
    words, define = _COMMANDS[command]
    if not command and (slip := _command_that_was_meant(argv[0])):
        if "--json" in argv:
            import json

            print(json.dumps({"error": {"code": "usage", "message": slip, "hint": ""}, "problems": []}))
        print(f"invite-tui: {slip}", file=sys.stderr)
        return 2
    # No abbreviations: what a script says today must not come to mean something else with the next option.
    parser = _Parser(f"invite-tui {command}".strip(), description=words, allow_abbrev=False)
    define(parser)
    # Files and options in any order, which argparse does not do where there are commands below.
    read = parser.parse_args if command in ("account", "ledger") else parser.parse_intermixed_args
    try:
        return read(argv[1:] if command else argv, argparse.Namespace(command=command))
    except SystemExit as left:
        return int(left.code or 0)


def _command_that_was_meant(word: str) -> str | None:
    """What to say to a word that can only be a command, and is none; None where it may be a file."""
    import os
    from difflib import get_close_matches

    if not word.isalpha() or os.path.exists(word):  # noqa: PTH110  # pathlib costs more than all else here
        return None
    near = get_close_matches(word, (*filter(None, _COMMANDS), "help", "version"), 1, 0.75)
    meant = [f"--{one}" if one in ("help", "version") else one for one in near]
    return f"There is no file and no command “{word}”. Did you mean `{meant[0]}`?" if meant else None


def _app(parser: _Parser) -> None:
    _reads_attendees(parser)
    _is_of_an_event(parser, several=True)
    parser.add_argument("--outbox", metavar="DIR", help="where a rehearsal writes (default: outbox/, event folder)")


def _check(parser: _Parser) -> None:
    _reads_attendees(parser)
    _is_of_an_event(parser)
    _speaks_json(parser)


def _preview(parser: _Parser) -> None:
    _check(parser)
    parser.add_argument("--to", metavar="ADDRESS", help="whose (default: the first attendee's)")
    parser.add_argument("--session", metavar="NAME", help="of which session (default: their first)")
    parser.add_argument("--part", choices=("headers", "text", "html", "calendar", "source"), help="only this part")


def _plan(parser: _Parser) -> None:
    _reads_attendees(parser)
    _plans(parser)
    parser.add_argument("--propose", action="store_true", help="record that somebody else is to approve it")


def _plans(parser: _Parser) -> None:
    _is_of_an_event(parser, several=True)
    _speaks_json(parser)
    parser.add_argument("--skip-errors", action="store_true", help="leave out the rows that have errors")
    parser.add_argument("--remind", action="store_true", help="a reminder, to those alone of whom no reply is known")


def _send(parser: _Parser) -> None:
    _reads_attendees(parser)
    _plans(parser)
    _sends(parser)
    parser.add_argument(
        "--only", action="append", default=[], metavar="ADDRESS", help="of this plan, only these people"
    )
    parser.add_argument("--at", metavar="TIME", help='wait until "2027-04-29 09:00", in the event\'s timezone')
    parser.add_argument("--canary", type=_some, metavar="N", help="send to the first N, then wait for your word")


def _resend(parser: _Parser) -> None:
    parser.add_argument("addresses", nargs="+", metavar="ADDRESS")
    parser.add_argument("--to", metavar="NEW", help="correct the address of this one: cancel there, invite here")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        type=_assignment,
        metavar="COLUMN=VALUE",
        help="correct a column of this one, and remember it",
    )
    _is_asked_for_by_name(parser)


def _cancel(parser: _Parser) -> None:
    parser.add_argument("addresses", nargs="*", metavar="ADDRESS")
    parser.add_argument("--all", action="store_true", help="everybody: the event does not take place")
    _is_asked_for_by_name(parser)


def _is_asked_for_by_name(parser: _Parser) -> None:
    parser.add_argument(
        "--attendees", action="append", default=[], metavar="CSV", help="take names and columns from here"
    )
    parser.add_argument("--encoding", metavar="NAME", help="the attendee files' encoding")
    parser.add_argument("--note", default="", metavar="TEXT", help="{{ organizer.note }} in the wording")
    _is_of_an_event(parser, several=True)
    _speaks_json(parser)
    _sends(parser)
    parser.add_argument(
        "--propose", action="store_true", help="send nothing; record that somebody else is to approve it"
    )


def _assignment(text: str) -> tuple[str, str]:
    column, equals, value = text.partition("=")
    if not (column.strip() and equals):
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is not COLUMN=VALUE")
    return column.strip(), value


def _status(parser: _Parser) -> None:
    _is_of_an_event(parser)
    _speaks_json(parser)
    parser.add_argument("--save", metavar="DIR", help="write the messages that were kept ([sending] keep) there")
    parser.add_argument("--follow", action="store_true", help="tell how far workers are until they are done")


def _worker(parser: _Parser) -> None:
    parser.add_argument(
        "--account",
        action="append",
        default=[],
        metavar="NAME",
        help="work for this account (default: all that are here)",
    )
    parser.add_argument("--ledger", metavar="URL", help="the database of the ledgers (default: INVITE_TUI_LEDGER)")
    parser.add_argument("--connections", type=_some, default=4, metavar="N", help="how many at most (default: 4)")
    parser.add_argument(
        "--lost-after", type=_a_while, default=30.0, metavar="SECONDS", help="a silent worker's jobs go to others then"
    )
    parser.add_argument("--until-empty", action="store_true", help="end when there is nothing to do")


def _run(parser: _Parser) -> None:
    words = ("pause", "go-on", "stop")
    parser.add_argument("word", choices=words, metavar="|".join(words), help="what the workers are to do, all of them")
    parser.add_argument("--event", metavar="PATH", help="the event file (default: event.toml)")
    parser.add_argument("--ledger", metavar="URL", help="the ledger (default: [sending] ledger, INVITE_TUI_LEDGER)")
    _speaks_json(parser)


def _replies(parser: _Parser) -> None:
    parser.add_argument(
        "--mailbox", action="append", default=[], metavar="PATH", help="read this .eml, mbox, Maildir or folder of them"
    )
    parser.add_argument("--accept", action="append", default=[], metavar="ADDRESS", help="take the answer for theirs")
    parser.add_argument("--settle", action="append", default=[], metavar="ADDRESS", help="the request is dealt with")
    parser.add_argument("--account", metavar="NAME", help="the account whose mailbox to read")
    _asks_a_ledger(parser)


def _report(parser: _Parser) -> None:
    parser.add_argument("--html", metavar="PATH", help="write it as a page")
    parser.add_argument("--csv", metavar="PATH", help="write it as a table, a row for each message")
    parser.add_argument("--evidence", metavar="PATH", help="write every message, chained by hashes, and print the seal")
    parser.add_argument("--anonymous", action="store_true", help="numbers in place of names and addresses")
    parser.add_argument("--verify", metavar="EVIDENCE", help="say whether evidence still is what was written")
    parser.add_argument("--seal", metavar="HASH", help="with --verify: the seal, as it was kept elsewhere")
    _asks_a_ledger(parser)


def _forget(parser: _Parser) -> None:
    parser.add_argument("addresses", nargs="*", metavar="ADDRESS")
    parser.add_argument("--all", action="store_true", help="everybody of this event")
    parser.add_argument("--due", action="store_true", help="everybody, if the day of [event] keep_until is over")
    parser.add_argument("--confirm", type=_count, metavar="N", help="the number of people who will be forgotten")
    parser.add_argument(
        "--outbox", metavar="DIR", help="where rehearsals were written (default: outbox/, event folder)"
    )
    _asks_a_ledger(parser)


def _audit(parser: _Parser) -> None:
    parser.add_argument("paths", nargs="+", metavar="PATH", help=".eml, .msg, mbox, Maildir, or a folder of them")
    parser.add_argument(
        "--attendees", action="append", default=[], metavar="CSV", help="whose addresses to look for as well"
    )
    parser.add_argument("--encoding", metavar="NAME", help="the attendee files' encoding")
    _speaks_json(parser)


def _account(parser: _Parser) -> None:
    what = parser.add_subparsers(dest="account_command", metavar="add|login|list|test|remove", required=True)
    add = what.add_parser("add", help="add an account, after trying it; on a terminal it asks")
    add.add_argument("name", metavar="NAME")
    add.add_argument("--host", metavar="H", help="the mail server")
    add.add_argument("--port", type=_count, metavar="P", help="default: 587 (starttls), 465 (tls), 25 (none)")
    add.add_argument("--security", choices=("starttls", "tls", "none"), help="default: starttls")
    add.add_argument("--username", metavar="U")
    add.add_argument("--from", dest="sender", metavar="ADDRESS", help="the envelope's sender, if not the organizer")
    add.add_argument("--password-stdin", action="store_true", help="read the password from standard input")
    add.add_argument("--oauth", metavar="ISSUER", help="sign in: microsoft, google, or an issuer's https address")
    add.add_argument("--client-id", metavar="ID", help="under which this program is registered there")
    add.add_argument("--scope", action="append", default=[], metavar="WORD", help="what to ask an issuer for")
    _reads_answers(add)
    add.add_argument("--ca", metavar="PEM", help="trust this authority instead of the system's")
    _speaks_json(add)
    login = what.add_parser("login", help="sign in again, or give the password again; what is not said is kept")
    login.add_argument("name", metavar="NAME")
    login.add_argument("--password-stdin", action="store_true", help="read the password from standard input")
    login.add_argument("--no-imap", action="store_true", help="read no answers any more; the login is kept as it is")
    _reads_answers(login)
    _speaks_json(login)
    _speaks_json(what.add_parser("list", help="all accounts"))
    test = what.add_parser("test", help="connect and log in, show what is said; send nothing, or a message to oneself")
    test.add_argument("--message", action="store_true", help="then send one message to the account's own address")
    for one in (test, what.add_parser("remove", help="remove an account and its secret")):
        one.add_argument("name", metavar="NAME")
        _speaks_json(one)


def _reads_answers(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--imap-host", metavar="H", help="where answers are read, with the same login")
    parser.add_argument("--imap-port", type=_count, metavar="P", help="default: 993 (tls), 143 (starttls, none)")
    parser.add_argument("--imap-security", choices=("tls", "starttls", "none"), help="default: tls")


def _repair(parser: _Parser) -> None:
    parser.add_argument("message", metavar="MESSAGE.eml")
    parser.add_argument("dir", metavar="DIR", help="the event folder to make")
    _speaks_json(parser)


def _ledger(parser: _Parser) -> None:
    what = parser.add_subparsers(dest="ledger_command", metavar="copy|prepare|roles", required=True)
    what.add_parser("roles", help="print what makes the roles of a database: ... | psql DATABASE")
    copy = what.add_parser("copy", help="move this event's ledger, and prove that all of it is there")
    copy.add_argument("source", metavar="FROM", help="a path, or postgresql://...")
    copy.add_argument("target", metavar="TO", help="where no ledger of the event is yet")
    prepare = what.add_parser("prepare", help="make this event's ledger ready, with the rights of the roles")
    prepare.add_argument("--ledger", metavar="PATH|URL", help="which (default: the event's)")
    for one in (copy, prepare):
        one.add_argument("--event", metavar="PATH", help="the event file (default: event.toml)")
        _speaks_json(one)


def _init(parser: _Parser) -> None:
    parser.add_argument("dir", metavar="DIR")
    _speaks_json(parser)


def _reads_attendees(parser: _Parser) -> None:
    parser.add_argument("files", nargs="+", metavar="ATTENDEES.csv")
    parser.add_argument("--encoding", metavar="NAME", help="the attendee files' encoding, if it is not recognised")


def _is_of_an_event(parser: _Parser, *, several: bool = False) -> None:
    parser.add_argument("--event", metavar="PATH", help="the event file (default: event.toml beside the first CSV)")
    parser.add_argument("--template", metavar="NAME|PATH", help="the wording (default: the action's own)")
    if several:
        parser.add_argument(
            "--account",
            action="append",
            default=[],
            dest="accounts",
            metavar="NAME",
            help="the account to send with; several with --workers",
        )
    else:
        parser.add_argument("--account", metavar="NAME", help="the account to send with")
    parser.add_argument("--ledger", metavar="PATH|URL", help="the ledger (default: beside the event file)")


def _asks_a_ledger(parser: _Parser) -> None:
    parser.add_argument("--event", metavar="PATH", help="the event file (default: event.toml)")
    parser.add_argument("--ledger", metavar="PATH|URL", help="the ledger (default: beside the event file)")
    _speaks_json(parser)


def _speaks_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")


def _sends(parser: _Parser) -> None:
    parser.add_argument("--confirm", type=_count, metavar="N", help="the number of messages that this run will send")
    parser.add_argument("--approve", metavar="DIGEST", help="send if the plan still has this digest")
    parser.add_argument("--dry-run", action="store_true", help="write the messages to the outbox, send nothing")
    parser.add_argument("--outbox", metavar="DIR", help="where a dry run writes (default: outbox/, event folder)")
    parser.add_argument("--undo", type=_seconds, metavar="SECONDS", help="hold the first message back for so long")
    parser.add_argument("--wait", type=_seconds, metavar="SECONDS", help="how long to wait for a quota or a throttle")
    parser.add_argument("--workers", action="store_true", help="let the workers of a shared ledger send it")


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        text = text[:40]
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number")
    return int(text)


def _some(text: str) -> int:
    if not (number := _count(text)):
        raise argparse.ArgumentTypeError("it is at least 1")
    return number


def _a_while(text: str) -> float:
    if (value := _seconds(text)) < 1:
        raise argparse.ArgumentTypeError("it is at least 1 second")
    return value


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < 1e9:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds")
    return value


_COMMANDS: dict[str, tuple[str, Callable[[_Parser], None]]] = {
    "": ("Opens the app. `invite-tui --help` lists the commands.", _app),
    "check": ("Says what is wrong with the input.", _check),
    "preview": ("Shows one person's message.", _preview),
    "plan": ("Says what a send would do, and the digest that seals it.", _plan),
    "send": ("Sends what the plan says: one message per person.", _send),
    "resend": ("Sends the current version again, to these people.", _resend),
    "cancel": ("Takes the invitations of these people back, or everybody's.", _cancel),
    "status": ("Says what everybody was sent, and what became of it.", _status),
    "run": ("Has a run that workers carry out pause, go on or stop.", _run),
    "worker": ("Sends what was handed over with `send --workers`, beside other workers, until it is stopped.", _worker),
    "replies": ("Reads what came back: answers, bounces, requests. Nothing is applied by itself.", _replies),
    "report": ("Says what was sent to whom; as a page, a table, or evidence that can be verified.", _report),
    "forget": ("Takes people out of the ledger and of what was written about them; it cannot be undone.", _forget),
    "audit": ("Judges messages of any program: who could see whom, and where.", _audit),
    "account": ("Keeps the SMTP logins; their secrets are in the system keyring.", _account),
    "repair": ("Makes an event folder out of another program's leak.", _repair),
    "ledger": ("Moves an event's ledger to another place, or makes one on a server ready.", _ledger),
    "init": ("Makes an event folder.", _init),
}
