"""What an organiser installs does the job: the built wheel, by pip, in an empty environment, away from any checkout."""

import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import tui

ROOT = Path(__file__).parent.parent

IMPORT_ALL = """
import importlib, pkgutil, tui
for module in pkgutil.walk_packages(tui.__path__, "tui."):
    if module.name == "tui.__main__":
        continue
    try:
        importlib.import_module(module.name)
    except ModuleNotFoundError as missing:
        if missing.name not in ("psycopg", "procrastinate"):  # the extra: a shared ledger and its workers
            raise
"""
PERSONAL = ("outbox/0001-ana@example.org.eml", "event.ledger.db", "event.ledger.db-wal", "problems.csv", ".env")
"""What using the sample event in a checkout leaves beside it."""


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what the wheel is built from, used: somebody has rehearsed in it."""
    copy = tmp_path_factory.mktemp("checkout")
    for name in ("tui", "templates", "samples"):
        unused = shutil.ignore_patterns("__pycache__", "outbox", "*.ledger.db*", "problems.csv", ".env")
        shutil.copytree(ROOT / name, copy / name, ignore=unused)
    for name in ("pyproject.toml", "README.md", "LICENSE", ".gitignore"):
        shutil.copy(ROOT / name, copy / name)
    (copy / "samples" / "outbox").mkdir()
    for name in PERSONAL:
        (copy / "samples" / name).write_text("personal")
    return copy


@pytest.fixture(scope="module")
def wheel(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    command: list[str | Path] = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder]
    subprocess.run(command, cwd=checkout, check=True, capture_output=True)
    [built] = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the programs of an environment that holds the wheel and what it declares, and nothing else."""
    home = tmp_path_factory.mktemp("installed")
    venv.create(home, symlinks=os.name != "nt")
    programs = home / ("Scripts" if os.name == "nt" else "bin")
    pip: list[str | Path] = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    pip += ["--python", programs / "python", "install", "--no-index", "--no-deps", wheel]
    subprocess.run(pip, check=True)
    # The declared dependencies come from the environment of the tests, one by one, so that no network is needed and one
    # that was forgotten in pyproject.toml is missing here too.
    site = python(programs, "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=home)
    [ours] = importlib.metadata.distributions(path=[str(wheel)])
    for name in declared(ours.requires or []):
        lend(importlib.metadata.distribution(name), Path(site))
    return programs


def declared(requirements: list[str]) -> set[str]:
    """The names of all distributions that these requirements need on this machine, directly or not."""
    needed: set[str] = set()
    waiting = [(Requirement(text), "") for text in requirements]
    while waiting:
        requirement, extra = waiting.pop()
        key = f"{requirement.name}[{','.join(sorted(requirement.extras))}]"
        if key in needed or (requirement.marker and not requirement.marker.evaluate({"extra": extra})):
            continue
        needed.add(key)
        for text in importlib.metadata.requires(requirement.name) or []:
            waiting += [(Requirement(text), wanted) for wanted in ("", *requirement.extras)]
    return {key.partition("[")[0] for key in needed}


def lend(distribution: importlib.metadata.Distribution, site: Path) -> None:
    tops = {file.parts[0] for file in distribution.files or [] if file.parts[0] not in ("..", "__pycache__")}
    for top in tops:
        source = Path(str(distribution.locate_file(top)))
        if (site / top).exists():  # a namespace that several share
            shutil.copytree(source, site / top, dirs_exist_ok=True)
        elif source.is_dir():
            shutil.copytree(source, site / top)
        else:
            shutil.copy(source, site / top)


def run(programs: Path, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([programs / "invite-tui", *arguments], cwd=cwd, capture_output=True, text=True, check=False)


def python(programs: Path, code: str, *, cwd: Path) -> str:
    command: list[str | Path] = [programs / "python", "-c", code]
    return subprocess.run(command, cwd=cwd, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()


def test_carries_the_wording_and_the_samples_and_nothing_personal(wheel: Path, checkout: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    data = {name.removeprefix("tui/_data/") for name in names if name.startswith("tui/_data/")}
    present = {
        str(path.relative_to(checkout))
        for folder in ("templates", "samples")
        for path in (checkout / folder).rglob("*")
        if path.is_file()
    }
    assert data == present - {f"samples/{name}" for name in PERSONAL}
    assert {"templates/invitation.md", "samples/attendees.csv", "samples/event.toml"} <= data
    assert {name.split("/")[0] for name in names} == {"tui", f"invite_tui-{tui.__version__}.dist-info"}


def test_says_its_version(installed: Path, tmp_path: Path) -> None:
    done = run(installed, "--version", cwd=tmp_path)
    assert (done.returncode, done.stdout.split()) == (0, ["invite-tui", tui.__version__]), done.stderr


def test_checks_and_rehearses_the_sample_event(installed: Path, tmp_path: Path) -> None:
    samples = python(installed, "import tui.data; print(tui.data.samples())", cwd=tmp_path)
    assert installed.parent in Path(samples).parents
    event = shutil.copytree(samples, tmp_path / "event")

    checked = run(installed, "check", "attendees.csv", "--json", cwd=event)
    assert checked.returncode == 0, checked.stderr
    assert json.loads(checked.stdout)["attendees"] == 55

    rehearsed = run(installed, "send", "attendees.csv", "--dry-run", "--json", cwd=event)
    assert rehearsed.returncode == 0, rehearsed.stderr
    assert len(list((event / "outbox").glob("*.eml"))) == 55


def test_holds_every_library_that_the_app_needs(installed: Path, tmp_path: Path) -> None:
    python(installed, IMPORT_ALL, cwd=tmp_path)
