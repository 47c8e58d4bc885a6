"""An office: an event, a shared ledger, a mail server that counts, and workers as processes of their own."""

import csv
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import quote

import psycopg

from tests.cli.conftest import Desk as Commands
from tests.events import event_file
from tests.servers.postgresql import Postgres
from tests.servers.recording import RecordingServer
from tests.servers.wire import Wire
from tui import workers
from tui.delivery import Account
from tui.folder import Choices, Folder
from tui.ledger import Desk, Server, open_to_read
from tui.mailing import Control
from tui.workers import Standing, Working

_MORE = """\
[message]
attachments = ["agenda.txt"]

[columns]
internal = ["Note"]

[sending]
connections = {connections}
{more}
"""


def account(name: str, server: RecordingServer, sender: str | None = None) -> Account:
    """One without a login, at this server."""
    return Account(name, server.host, server.port, "none", sender=sender, login="none")


class Office:
    def __init__(self, path: Path, postgres: Postgres, server: RecordingServer, running: ExitStack) -> None:
        self.path, self.server, self.postgres, self._running = path, server, postgres, running
        self.address, self.log = postgres.database(), path / "workers.log"
        self.environment = {
            "INVITE_TUI_LEDGER": self.address,
            "INVITE_TUI_NAME": "Ana",
            "INVITE_TUI_SMTP_HOST": server.host,
            "INVITE_TUI_SMTP_PORT": str(server.port),
            "INVITE_TUI_SMTP_SECURITY": "none",
            "INVITE_TUI_SMTP_BACKOFF": "0",
            "INVITE_TUI_CONFIG_DIR": str(path / "config"),
        }

    def invites(self, count: int, *, connections: int = 2, more: str = "") -> None:
        (self.path / "event.toml").write_text(
            event_file(_MORE.format(connections=connections, more=more)), encoding="utf-8"
        )
        (self.path / "agenda.txt").write_text("Welcome, then questions.", encoding="utf-8")
        with (self.path / "list.csv").open("w", encoding="utf-8", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(["Email", "Name", "Note"])
            rows.writerows((f"guest{at}@example.org", f"Gäst {at}", f"lottery draw {at}") for at in range(count))

    def folder(self, environment: Mapping[str, str] | None = None) -> Folder:
        choices = Choices((str(self.path / "list.csv"),), event=str(self.path / "event.toml"))
        return Folder(choices, environment or self.environment)

    def hand_over(self, *, canary: int = 0) -> int:
        folder = self.folder()
        return workers.hand_over(folder, folder.plan(), control=Control(), canary=canary)

    def desk(self, path: Path, environment: dict[str, str]) -> Commands:
        """Where commands are given; what they start ends with the test."""
        return Commands(path, environment, self._running)

    def folder_of(self, name: str) -> Folder:
        """The event folder, as somebody else at another desk has it."""
        return self.folder(self.environment | {"INVITE_TUI_NAME": name})

    def work(self, *accounts: str, connections: int = 4) -> int:
        """A worker in this process, until there is nothing for it to do now."""
        how = Working(accounts or ["env"], connections, until_empty=True)
        return workers.work(Server.parse(self.address), Desk("Bo", "here"), how, lambda _: None, self.environment)

    def work_to_the_end(self) -> None:
        """The same, until all of the run is over: also what had to wait."""

        def is_over() -> bool:
            self.work()
            return self.standing().handover.state == "done"

        self.until(is_over)

    def start(
        self, *words: str, lost_after: int = 1, program: Sequence[str] = ("-m", "tui"), **environment: str
    ) -> "subprocess.Popen[str]":
        """A worker in a process of its own, which takes others for lost after so many seconds."""
        with self.log.open("a") as log:
            process = subprocess.Popen(
                [sys.executable, *program, "worker", "--lost-after", str(lost_after), *words],
                cwd=self.path,
                env=os.environ | self.environment | environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                encoding="utf-8",
            )
        self._running.callback(process.wait)
        self._running.callback(process.kill)
        return process

    def standing(self) -> Standing:
        found = workers.standing(self.folder())
        assert found is not None
        return found

    def until(self, condition: Callable[[], object], seconds: float = 300.0) -> None:
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, f"it never came to pass: {self.standing().in_words}\n{self.said}"
            time.sleep(0.02)

    @property
    def said(self) -> str:
        """What the processes have told."""
        return self.log.read_text(encoding="utf-8") if self.log.exists() else ""

    def way_to_database(self, wire: Wire) -> str:
        """The address of the same database, over what can be cut."""
        login = f"postgres:{quote(self.postgres.password, safe='')}"
        return f"postgresql://{login}@{wire.host}:{wire.port}/{Server.parse(self.address).database}"

    @property
    def mailed(self) -> Counter[str]:
        """How often the mail server took a message to each."""
        return Counter(address for message in list(self.server.messages) for address in message.rcpt_tos)

    def outcomes(self) -> dict[str, str]:
        with open_to_read(self.folder().ledger_path) as ledger:
            return {person.address: person.outcome for person in ledger.people().values()}

    def rows(self, query: str) -> list[tuple[object, ...]]:
        """What the database has of the event."""
        place = self.folder().ledger_path
        assert isinstance(place, Server)
        with psycopg.connect(self.address, autocommit=True) as connection:
            connection.execute(f"SET search_path = {place.schema}, invite_tui_workers")
            return connection.execute(query).fetchall()


def must_hold(office: Office, count: int, most_unknown: int) -> None:
    """The promise, once the run is over: by the mail server's count, and by the ledger's."""
    office.until(lambda: office.standing().handover.state == "done")
    outcomes = office.outcomes()
    unknown = {address for address, outcome in outcomes.items() if outcome == "unknown"}
    assert Counter(outcomes.values()) == Counter(accepted=count - len(unknown), unknown=len(unknown))
    assert len(outcomes) == count and len(unknown) <= most_unknown
    assert not [address for address, times in office.mailed.items() if times > 1]
    assert set(outcomes) - unknown <= set(office.mailed)
