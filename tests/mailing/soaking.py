"""Many messages to a server that fails in every way, sent again and again until nothing is left to send.

Sends are the program's own (`Folder.plan`, `prepare`, `mailing.send`) in one process; the server is another one. What
the ledger says in the end is then compared with the server's record, line by line, by `judge`.
"""

import csv
import json
import random
import shutil
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.attendees import clean
from tui import data, ledger, mailing
from tui.errors import InviteError
from tui.folder import Choices, Folder

ROOT = Path(__file__).parents[2]
COLUMNS = ("Name", "Email", "Audience", "Company", "Role", "T shirt", "Town", "Note")
MOST_RUNS = 60


@dataclass
class Soak:
    """What became of it: outcomes in the ledger, how often each reason ended a run, and megabytes while sending.

    `growth` is, of each run, how much more memory it had at its end than when a tenth was sent; None where that cannot
    be asked.
    """

    counts: Counter[str] = field(default_factory=Counter)
    runs: int = 0
    tries: int = 0
    ends: Counter[str] = field(default_factory=Counter)
    growth: list[float] = field(default_factory=list)


@contextmanager
def unreliable(record: Path, seed: int, share: float) -> Iterator[int]:
    """The server's port."""
    words = [sys.executable, "-m", "tests.servers.unreliable", str(record), str(seed), str(share)]
    process = subprocess.Popen(words, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8")
    assert process.stdin and process.stdout
    try:
        yield int(process.stdout.readline())
    finally:
        process.stdin.close()
        process.wait(30)
        process.stdout.close()


def folder_of(path: Path, count: int, seed: int) -> Path:
    """An event folder with so many attendees; their file."""
    shutil.copy(data.samples() / "event.toml", path)
    some, file = random.Random(seed), path / "attendees.csv"
    with file.open("w", newline="", encoding="utf-8") as rows:
        csv.writer(rows).writerows([COLUMNS, *(clean(number, some) for number in range(count))])
    return file


def soak(path: Path, count: int, *, connections: int, seed: int, share: float = 0.03, timeout: float = 0.3) -> Soak:
    """Sends to `count` people until nothing is left to send. AssertionError where a promise was broken."""
    file, record, result = folder_of(path, count, seed), path / "record.jsonl", Soak()
    with unreliable(record, seed, share) as port:
        said = {"HOST": "127.0.0.1", "PORT": port, "SECURITY": "none", "CONNECTIONS": connections, "TIMEOUT": timeout}
        said |= {"BACKOFF": 0.05, "RETRIES": 5}
        environment = {f"INVITE_TUI_SMTP_{name}": str(value) for name, value in said.items()}
        while True:
            folder = Folder(Choices(files=(str(file),)), environment)
            plan = folder.plan()
            if not plan.to_send:
                break
            result.runs += 1
            assert result.runs <= MOST_RUNS, f"it does not come to an end: {result}"
            _send(folder, folder.prepare(plan), result)
    judge(file, file.with_name("event.ledger.db"), record, result)
    return result


def _send(folder: Folder, made: mailing.Mailing, result: Soak) -> None:
    settled, early, last = 0, 0.0, 0.0
    with ledger.open_for_run(folder.ledger_path) as recorded:
        steps = mailing.send(
            *(made, recorded, folder.connection),
            command="send", account="env", pacing=folder.pacing(), control=mailing.Control(),
        )  # fmt: skip
        try:
            for step in steps:
                if isinstance(step, mailing.Settled) and step.attempts:
                    settled += 1
                    if settled * 10 == len(made.letters) // 10 * 10:
                        early = megabytes()
                    if settled % 100 == 0:
                        last = megabytes()
        except InviteError as error:
            result.ends[error.code] += 1
        else:
            result.ends["done"] += 1
    if early and last:
        result.growth.append(last - early)


def megabytes() -> float:
    """What this process has in memory now; 0.0 where the system does not say."""
    try:
        return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * 4096 / 1e6
    except OSError:
        return 0.0


def judge(file: Path, ledger_path: Path, record: Path, result: Soak) -> None:
    """The promises of a send, counted: what the ledger holds beside what the server has, and what is in that."""
    with file.open(newline="", encoding="utf-8") as rows:
        listed = {row["Email"] for row in csv.DictReader(rows)}
    with closing(sqlite3.connect(ledger_path)) as db:
        held = db.execute("SELECT address, outcome, uid, sequence, digest, attempts FROM message").fetchall()
        assert db.execute("SELECT count(*) FROM attempt WHERE outcome = 'sending'").fetchone() == (0,)
    assert len(held) == len({row[0] for row in held}) == len(listed), "everybody is in exactly one state"
    assert {row[0] for row in held} == listed, "and nobody else is"
    result.counts = Counter(row[1] for row in held)
    result.tries = sum(row[5] for row in held)
    assert set(result.counts) <= {"accepted", "refused", "unknown"}, "nothing is left to send"

    stored: dict[str, Mapping[str, object]] = {}
    with record.open(encoding="utf-8") as lines:
        for line in lines:
            message = json.loads(line)
            recipient = message["rcpt"]
            assert recipient not in stored, f"{recipient} was sent to twice"
            assert message["to"] == recipient and message["attendees"] == 1, message
            assert {one for one in message["found"] if one in listed} == {recipient}, "nobody else's address is in it"
            stored[recipient] = message
    assert len({message["uid"] for message in stored.values()}) == len(stored), "everybody's entry is their own"
    for address, outcome, uid, sequence, digest, _ in held:
        if outcome == "accepted":
            assert address in stored, f"{address} is called accepted, and the server has nothing"
        if outcome == "refused":
            assert address not in stored, f"{address} is called refused, and the server has it"
        if address in stored:
            there = stored[address]
            assert (there["uid"], there["sequence"], there["digest"]) == (uid, sequence, digest), "as it was cleared"
