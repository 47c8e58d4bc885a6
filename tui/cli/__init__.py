"""The command line: parse, call the core, print; exit codes are the contract's."""

import sys

import tui

COMMANDS = ("check", "preview", "plan", "send", "resend", "status", "account", "init")


def main(argv: list[str] | None = None) -> int:
    """Runs one command and returns its exit code. Whatever a user can cause ends in a sentence, not a traceback."""
    argv = sys.argv[1:] if argv is None else argv
    if argv == ["--version"]:
        print(f"invite-tui {tui.__version__}")
        return 0
    from tui.cli.parser import parse

    options = parse(argv)
    if isinstance(options, int):
        return options
    from tui.cli.commands import run

    return run(options)
