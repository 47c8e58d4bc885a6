"""docs/repairing.md, run: the accident with 55 people, from the message that exposed them to one current entry each."""

import re
import shlex
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.cli.conftest import Desk
from tests.servers.postfix import Postfix
from tests.simulation.calendars import Calendars
from tui import data

_PAGE = Path(__file__).parents[2] / "docs" / "repairing.md"
_BLOCK = re.compile(r"(?:`(?P<file>[\w./]+)`[^`]*?:\n\n)?```(?P<kind>console|diff)\n(?P<text>.*?)```", re.DOTALL)
_MOVED = {
    "ana@example.org": "ana.ruiz@example.net",
    "bo.li@example.com": "bo@harbour-advice.example",
    "sian.p@example.com": "sian.pryd@example.org",
    "olena.k@example.org": "olena@example.net",
}
_LATE = {"ines.faria@example.org", "tom.okoro@example.com"}


@dataclass(frozen=True)
class Command:
    words: list[str]
    code: int
    says: list[str]


@dataclass(frozen=True)
class Change:
    file: str
    lines: list[str]


def steps(page: str) -> Iterator[Command | Change]:
    """What the page tells the reader to do, in its order."""
    for block in _BLOCK.finditer(page):
        lines = block["text"].splitlines()
        if block["kind"] == "diff":
            assert block["file"], f"which file is changed? {lines}"
            yield Change(block["file"], lines)
            continue
        command: Command | None = None
        for line in lines:
            if line.startswith("$ "):
                if command:
                    yield command
                text, _, code = line[2:].partition("  # exit ")
                command = Command(shlex.split(text), int(code or 0), [])
            else:
                assert command
                command.says.append(line)
        if command:
            yield command


def change(desk: Desk, step: Change) -> None:
    """Takes out the lines that the page takes out, each of them found, and puts the new ones where they were."""
    path = desk.path / step.file
    text = path.read_bytes().decode("utf-8")
    end = "\r\n" if "\r\n" in text else "\n"
    gone: list[str] = []
    for line in [*step.lines, ""]:
        if line.startswith("-"):
            gone.append(line[1:] + end)
        elif line.startswith("+"):
            old = gone.pop(0) if gone else ""
            assert old in text, f"{step.file} has no line {old!r}"
            text = text.replace(old, line[1:] + end, 1) if old else text + line[1:] + end
    assert not gone
    path.write_bytes(text.encode("utf-8"))


def test_the_page_is_what_happens_and_everybody_ends_with_one_current_entry(desk: Desk, postfix: Postfix) -> None:
    accident = (data.samples() / "incidents" / "invited-at-once.eml").read_bytes()
    shutil.copy(desk.path / "incidents" / "invited-at-once.eml", desk.path / "accident.eml")
    desk.use(postfix)
    people = {line.split(",")[1] for line in (desk.path / "attendees.csv").read_text("utf-8").splitlines()[1:]}
    calendars = Calendars()
    for address in people:
        calendars.receive_mail(address, accident)
    assert len(list(calendars.everybody())) == 55

    done = 0
    for step in steps(_PAGE.read_text(encoding="utf-8")):
        if isinstance(step, Change):
            change(desk, step)
            continue
        assert step.words[0] == "invite-tui"
        said = desk.run(*step.words[1:], code=step.code)
        for line in step.says:
            assert line in said.stdout + said.stderr, f"{shlex.join(step.words)}: not said: {line}\n{said.stdout}"
        done += 1
    assert done == 15, "commands on the page"

    boxes = postfix.mailboxes()
    for address, mails in boxes.items():
        for raw in mails:
            assert calendars.receive_mail(address, raw).attendees == (address,)
    meant = (people - set(_MOVED)) | set(_MOVED.values()) | _LATE
    shown = dict(calendars.everybody())
    assert set(shown) == meant and len(list(calendars.everybody())) == len(meant) == 57
    for item in shown.values():
        assert (item.start, item.sequence) == ("20270513T090000Z", 0)
        assert "pathways-to-work-2" in item.description
    assert len({item.uid for item in shown.values()}) == 57
    # One cancellation and one invitation for who was exposed, one invitation for who came late or moved.
    assert {address: len(mails) for address, mails in boxes.items()} == {
        **dict.fromkeys(people - set(_MOVED), 2),
        **dict.fromkeys(_MOVED, 1),
        **dict.fromkeys([*_MOVED.values(), *_LATE], 1),
    }
    everything = b"".join(raw for mails in boxes.values() for raw in mails)
    assert everything.count(b"We made a mistake with your personal data") >= 55 + 55
