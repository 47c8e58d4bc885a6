"""What import contracts cannot see: which modules a running command really loads."""

import ast
import pkgutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import tui

# Each would cost a plain command more than argparse does, or has no business in it.
HEAVY = {
    "textual",
    "rich",
    "jinja2",
    "markdown_it",
    "icalendar",
    "sqlite3",
    "smtplib",
    "keyring",
    "email_validator",
    "asyncio",
}
TERMINAL = {"textual", "rich"}


def loaded(code: str, *arguments: str) -> set[str]:
    """The top-level modules in memory after `code` has run in a fresh interpreter."""
    report = f"{code}\nimport sys\nprint('LOADED', *{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", report, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.rpartition("LOADED ")[2].split())


def loaded_by_command(*arguments: str) -> set[str]:
    return loaded("from tui.cli import main\ntry: main()\nexcept SystemExit: pass", *arguments)


def test_the_core_never_loads_a_terminal_library() -> None:
    names = [
        module.name for module in pkgutil.walk_packages(tui.__path__, "tui.") if module.name.split(".")[1] != "app"
    ]
    core = [name for name in names if name != "tui.__main__"]
    assert "tui.cli" in core
    assert not loaded("\n".join(f"import {name}" for name in core)) & TERMINAL


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["send", "--help"]], ids=" ".join)
def test_help_and_version_load_nothing_heavy(arguments: list[str]) -> None:
    assert not loaded_by_command(*arguments) & HEAVY


@pytest.mark.parametrize("command", ["check", "plan"])
def test_a_command_without_a_screen_never_loads_a_terminal_library(command: str, tmp_path: Path) -> None:
    assert not loaded_by_command(command, str(tmp_path / "none.csv"), "--json") & TERMINAL


# --- one door, and what goes through it -------------------------------------------------------------------------------

PACKAGE = Path(tui.__file__).parent
NETWORK = {
    *("socket", "ssl", "smtplib", "imaplib", "poplib", "nntplib", "ftplib", "telnetlib", "http.client", "xmlrpc"),
    *("urllib.request", "socketserver", "requests", "httpx", "httpcore", "aiohttp", "aiosmtplib", "urllib3", "_socket"),
    *("imap_tools", "psycopg", "procrastinate"),
}
PROGRAMS = {"subprocess", "multiprocessing", "pty"}
# What a program that we start is told. Never a message.
TOLD = {
    "app/browser.py": "the name of a file, or where to sign in: the organiser's own browser shows it",
    "ledger/places.py": "nothing: mount says what kind of disk it is",
}


# What else opens a socket, or could, and what leaves there. Never a message, an attendee or an event.
OTHER_DOORS = {
    "delivery/discovery/lookups.py": "a domain's name: how its mail is set up",
    "delivery/imap.py": "nothing: it looks whether a channel is encrypted",
    "delivery/oauth/client.py": "the sign-in of an account, to its issuer",
    "delivery/oauth/http.py": "the sign-in of an account, to its issuer",
    "delivery/oauth/loopback.py": "a page without anything in it, to the browser of this machine",
    "delivery/oauth/metadata.py": "nothing: an issuer's address",
    "delivery/oauth/microsoft.py": "the sign-in of an account, to its issuer",
    "delivery/tls.py": "nothing: it says whom to trust",
    "replies/imap.py": "which folders and messages of the account's own mailbox are wanted",
    "replies/session.py": "the login to the account's own mailbox",
}
# What opens a socket to the organisers' own database, whose TLS is verified. Nothing leaves there to anybody else.
LEDGER_DOORS = {
    "ledger/databases/postgresql.py": "the shared ledger",
    "workers/queue.py": "which messages of the ledger are whose to send",
    "workers/working.py": "which messages of the ledger are whose to send",
}


@cache
def sources() -> dict[str, ast.Module]:
    return {
        path.relative_to(PACKAGE).as_posix(): ast.parse(path.read_text("utf-8"))
        for path in sorted(PACKAGE.rglob("*.py"))
    }


@cache
def walked(tree: ast.AST) -> tuple[ast.AST, ...]:
    return tuple(ast.walk(tree))


def imported(tree: ast.AST) -> Iterator[str]:
    for node in walked(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def named(tree: ast.AST, name: str) -> list[ast.AST]:
    """Every use of a name that is not a type: not in an annotation, `isinstance`, an import, or `__all__`."""
    return used(tree).get(name, [])


@cache
def used(tree: ast.AST) -> dict[str, list[ast.AST]]:
    """The same of every name."""
    types: set[int] = set()
    for node in walked(tree):
        parts: list[ast.AST | None] = []
        if isinstance(node, ast.arg | ast.AnnAssign):
            parts = [node.annotation]
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            parts = [node.returns]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "isinstance":
            parts = [*node.args[1:]]
        elif isinstance(node, ast.Subscript):  # Callable[[], Cleared | None]
            parts = [node.slice]
        types.update(id(inner) for part in parts if part is not None for inner in ast.walk(part))
    found: dict[str, list[ast.AST]] = {}
    for node in walked(tree):
        if isinstance(node, ast.Name | ast.Attribute) and id(node) not in types:
            found.setdefault(node.id if isinstance(node, ast.Name) else node.attr, []).append(node)
    return found


def files_with(modules: set[str]) -> set[str]:
    """The files that import one of these modules."""
    return {
        file
        for file, tree in sources().items()
        if any(name in modules or name.partition(".")[0] in modules for name in imported(tree))
    }


def test_nothing_but_the_connection_could_send_a_message() -> None:
    assert files_with(NETWORK) == {"delivery/connection.py", *OTHER_DOORS, *LEDGER_DOORS}


def test_the_other_doors_know_nothing_of_messages_and_people() -> None:
    doors = tuple(f"tui.{file.removesuffix('.py').replace('/', '.')}" for file in OTHER_DOORS)
    for file in OTHER_DOORS:
        known = {name for name in imported(sources()[file]) if name.startswith("tui.") and not name.startswith(doors)}
        rooms = {name.split(".")[1] for name in known}
        assert rooms <= {"delivery", "errors", "hosts"}, file


def test_no_program_is_started_that_is_told_more_than_it_needs() -> None:
    assert files_with(PROGRAMS) <= set(TOLD)


def test_nothing_is_imported_by_a_name_that_is_made_up_at_run_time() -> None:
    dynamic = {
        file for file, tree in sources().items() for name in ("__import__", "import_module") if named(tree, name)
    }
    assert dynamic == {"delivery/__init__.py"}  # which loads its own modules when they are asked for


def test_what_is_cleared_is_made_in_one_place_only() -> None:
    makers = {file for file, tree in sources().items() if named(tree, "Cleared")}
    assert makers == {"guard/inspection.py"}
    (inspected,) = [
        node
        for node in walked(sources()["guard/inspection.py"])
        if isinstance(node, ast.FunctionDef) and node.name == "clear"
    ]
    assert named(sources()["guard/inspection.py"], "Cleared") == named(inspected, "Cleared")
    assert len(named(inspected, "Cleared")) == 1


def test_nobody_else_touches_the_seal_of_what_is_cleared() -> None:
    for file, tree in sources().items():
        takes = [
            node for node in walked(tree) if isinstance(node, ast.ImportFrom) and node.module == "tui.guard.cleared"
        ]
        assert not any(alias.name == "_SEAL" for node in takes for alias in node.names), file
        touched = [node for node in walked(tree) if isinstance(node, ast.Attribute) and node.attr == "_SEAL"]
        assert bool(touched) == (file == "guard/inspection.py")
        # The one way round a constructor, and the one round frozen attributes.
        assert file == "guard/cleared.py" or not named(tree, "__setattr__"), file
        assert not [node for node in named(tree, "__new__") if isinstance(node, ast.Attribute)] or "guard" not in file


def test_delivery_takes_nothing_but_what_is_cleared() -> None:
    methods = {
        method.name: method
        for room in walked(sources()["delivery/connection.py"])
        if isinstance(room, ast.ClassDef) and room.name == "Connection"
        for method in room.body
        if isinstance(method, ast.FunctionDef)
    }
    arguments = {
        name: {argument.arg: ast.unparse(argument.annotation) for argument in method.args.args if argument.annotation}
        for name, method in methods.items()
        if not name.startswith("_")
    }
    assert arguments["deliver"] == arguments["delivering"] == {"message": "Cleared"}
    # No other public method is told anything that could be a message.
    assert not [name for name, told in arguments.items() if not name.startswith("deliver") and told]


def test_only_the_mailing_delivers() -> None:
    callers = {file for file, tree in sources().items() if named(tree, "deliver") or named(tree, "delivering")}
    assert callers == {"mailing/line.py", "delivery/connection.py"}
