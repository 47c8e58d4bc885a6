"""The page that leads from a laptop's file to three workers: its commands, as they stand there, do what it says."""

import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

from tests.workers.office import Office
from tui import data

_PAGE = Path(__file__).parents[2] / "docs" / "teams.md"
_WORKERS = re.compile(r"for machine in ([\d ]+); do invite-tui (worker) & done")


def test_the_ten_commands_do_what_the_page_says(office: Office) -> None:
    (commands,) = re.findall(r"```sh\n(.*?)```", _PAGE.read_text(encoding="utf-8"), re.DOTALL)
    subprocess.run(["bash", "-n", "-c", commands], check=True)
    lines = commands.replace("postgresql:///invitations", office.postgres.address("invitations")).splitlines()
    assert len(lines) == 10
    shutil.copytree(data.samples(), office.path / "event")
    environment = {name: value for name, value in office.environment.items() if name != "INVITE_TUI_LEDGER"}
    desk, said = office.desk(office.path / "event", environment), ""
    for line in lines:
        match shlex.split(line):
            case ["invite-tui", *words]:
                done = desk.run(*words, code=None)
                said += done.stdout + done.stderr
                # While the others wait for a word, some are unsent.
                assert done.returncode in ((0, 3) if words == ["status", "--follow"] else (0,)), said
            case ["export", setting]:
                name, _, value = setting.partition("=")
                desk.environment[name] = value
            case ["createdb", name]:
                server = {
                    "PGHOST": str(office.postgres.folder),
                    "PGPORT": str(office.postgres.port),
                    "PGUSER": "postgres",
                }
                subprocess.run(["createdb", name], env=os.environ | server, check=True)
            case _:
                loop = _WORKERS.fullmatch(line)
                assert loop, line
                for _machine in loop[1].split():
                    desk.start(loop[2])
    assert len(office.mailed) == 55 and set(office.mailed.values()) == {1}, said
    assert "The first few are out" in said and "It is done: 54 accepted" in said, said
    assert (office.path / "event" / "evidence.jsonl").exists(), said
