"""What the tests of the app are given: an event folder of their own, and a server that takes mail without a login."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.app.driving import sent_to_everybody
from tests.app.settling import settle_by_itself
from tests.servers.recording import RecordingServer

SAMPLES = Path(__file__).parents[2] / "samples"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The sample event, writable, as the working directory: files are named as an organiser names them."""
    there = tmp_path / "event"
    shutil.copytree(SAMPLES, there)
    monkeypatch.chdir(there)
    return there


@pytest.fixture
def server(start_smtp: Callable[..., RecordingServer]) -> RecordingServer:
    return start_smtp(security="none", login=None)


@pytest.fixture
def few(folder: Path) -> Path:
    """Four people in two groups, the third of them with an error."""
    rows = "Name,Email,Audience\nAna Ruiz,ana@example.org,public\nBo Li,bo@example.org,public\n"
    (folder / "few.csv").write_text(rows + "Cid,cid@@example.org,staff\nDora,dora@example.org,staff\n")
    return folder / "few.csv"


@pytest.fixture
def people(folder: Path) -> Path:
    """The event folder, where `few.csv` has four people without an error."""
    rows = "Ana Ruiz,ana@example.org,public,Chair-7731\nBo Li,bo@example.org,public,x\n"
    rows += "Cid,cid@example.org,staff,y\nDora,dora@example.org,staff,z\n"
    (folder / "few.csv").write_text(f"Name,Email,Audience,Role\n{rows}")
    return folder


@pytest.fixture
def held(people: Path, server: RecordingServer) -> Path:
    """The same, and everybody was sent their invitation."""
    sent_to_everybody(people / "few.csv", server)
    return people


@pytest.fixture(autouse=True)
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees the colours of the terminal of whoever runs it."""
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLORTERM", "truecolor")
    for name in ("NO_COLOR", "COLORFGBG"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between two keys there is no fixed time: the next one comes when everything is done."""
    settle_by_itself(monkeypatch)
