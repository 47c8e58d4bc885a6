"""The page that leads from a laptop's file to three workers: its commands, as they stand there, do what it says."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from tests.workers.office import Office
from tui import data

_PAGE = Path(__file__).parents[2] / "docs" / "teams.md"


def test_the_ten_commands_do_what_the_page_says(office: Office) -> None:
    (commands,) = re.findall(r"```sh\n(.*?)```", _PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(commands.splitlines()) == 10
    shutil.copytree(data.samples(), office.path / "event")
    (office.path / "bin").mkdir()
    program = office.path / "bin" / "invite-tui"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m tui "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    place = office.postgres.address("invitations")
    environment = {name: value for name, value in office.environment.items() if name != "INVITE_TUI_LEDGER"}
    done = subprocess.run(
        ["bash", "-c", commands.replace("postgresql:///invitations", f"'{place}'") + "kill $(jobs -p); wait"],
        cwd=office.path / "event",
        env=os.environ
        | environment
        | {
            "PATH": f"{program.parent}:{os.environ['PATH']}",
            "PGHOST": str(office.postgres.folder),
            "PGUSER": "postgres",
        }
        | {"PGPORT": str(office.postgres.port)},
        capture_output=True,
        encoding="utf-8",
        timeout=300,
        check=False,
    )
    said = done.stdout + done.stderr
    assert "Traceback" not in said, said
    assert len(office.mailed) == 55 and set(office.mailed.values()) == {1}, said
    assert "The first few are out" in said and "It is done: 54 accepted" in said, said
    assert (office.path / "event" / "evidence.jsonl").exists(), said
