"""The command line: parse, call the core, print; exit codes are the contract's."""

import sys

import tui

HELP = """\
usage: invite-tui [ATTENDEES.csv ...]
       invite-tui COMMAND ...

Personal invitations in bulk, safely: one message per person, and nobody learns of another.
A first argument that is no command is an attendee file: it opens the app. Without any the app offers what is there.

commands:
  check     what is wrong with the input
  preview   one person's message
  plan      what a send would do, and the digest that seals it
  send      send what the plan says
  resend    the current version again, to these people, corrected
  cancel    take invitations back
  status    what everybody was sent, and what became of it
  run       pause, go on with or stop what workers carry out
  worker    send what was handed over to workers, beside others
  replies   read what came back: answers, bounces, requests
  report    the same as a page, a table, or evidence that can be verified
  forget    take people out of the ledger and of what was written about them
  audit     judge messages of any program: who could see whom, and where
  repair    an event folder out of another program's leak
  account   the SMTP logins; their secrets are in the system keyring
  ledger    move an event's ledger to a server, or back; make one there ready
  init      make an event folder

options:
  -h, --help  this help; `invite-tui COMMAND --help` tells a command's own options
  --version   the version

exit codes: 0 done; 1 refused, nothing was sent; 2 wrong usage; 3 some messages were refused,
deferred or are unknown; 4 the account; 5 another run holds the ledger; 6 the ledger; 130 interrupted
"""


def _say(text: str) -> int:
    """Prints it; 1 where the output is full. Whoever has closed it has seen enough."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except OSError as error:
        import os

        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0 if isinstance(error, BrokenPipeError) else 1
    return 0


def _open_what_is_closed() -> None:
    """A stream that whoever started us has closed is an empty one: nothing to read, nobody to tell."""
    import os

    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode))  # noqa: SIM115, PTH123  # for as long as the process lives


def main(argv: list[str] | None = None) -> int:
    """Runs one command and returns its exit code. Whatever a user can cause ends in a sentence, not a traceback."""
    if None in (sys.stdin, sys.stdout, sys.stderr):
        _open_what_is_closed()
    argv = sys.argv[1:] if argv is None else argv
    try:
        code = _run(argv)
    except KeyboardInterrupt:  # while a command is being loaded
        code = _interrupted(argv)
    is_lost = _say("")  # what is still to be written; else Python would complain, and end with a code of its own
    return code or is_lost


def _interrupted(argv: list[str]) -> int:
    if "--json" in argv:
        import json

        print(json.dumps({"error": {"code": "interrupted", "message": "Interrupted.", "hint": None}, "problems": []}))
    print("invite-tui: Interrupted.", file=sys.stderr)
    return 130


def _run(argv: list[str]) -> int:
    # Written out, so that asking for help costs little more than starting Python.
    if argv in (["--version"], ["--help"], ["-h"]):
        return _say(f"invite-tui {tui.__version__}\n" if argv[0] == "--version" else HELP)
    if not argv and sys.stdin.isatty() and sys.stdout.isatty():
        from tui.app import run as open_app

        return open_app([])
    if not argv:
        print(HELP, end="", file=sys.stderr)
        return 2
    from tui.cli.parser import parse

    options = parse(argv)
    if isinstance(options, int):
        return options
    if not options.command and sys.stdin.isatty() and sys.stdout.isatty():
        # Before any of the core is loaded: the app paints its frame first.
        from tui.app import run as open_app

        given = {name: value for name, value in vars(options).items() if name not in ("command", "files", "accounts")}
        given["account"], *given["also"] = options.accounts or [None]
        return open_app(options.files, **given)
    from tui.cli.commands import run

    return run(options)
