"""What import contracts cannot see: which modules a running command really loads."""

import pkgutil
import subprocess
import sys
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
