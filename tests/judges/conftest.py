"""The judges, by bench: those that are had, or missing, together."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack

import pytest

from tests.conftest import need
from tests.judges import libical, node, python, spamassassin
from tests.judges.letters import letters
from tests.judges.reading import Reading
from tests.judges.spamassassin import Score

Bench = Callable[[bytes], Mapping[str, Reading]]
"""Reads one message; the reading of each judge on it, by name."""


@pytest.fixture(scope="session", params=["python", "node", "libical"])
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    """Each bench in turn."""
    with ExitStack() as running:
        if request.param == "node":
            need(node.missing())
            yield running.enter_context(node.NodeJudges()).read
        elif request.param == "libical":
            judge: libical.Libical = request.getfixturevalue("libical_judge")
            yield judge.read
        else:
            yield python.read


@pytest.fixture(scope="session")
def libical_judge() -> libical.Libical:
    """libical alone, for what only it knows."""
    need(libical.missing())
    return libical.Libical()


@pytest.fixture(scope="session")
def spam_scores(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Score]:
    """What SpamAssassin gives to every sort of message, and to "spam", which is meant to be found out."""
    need(spamassassin.missing())
    messages = {name: letter.composition.raw for name, letter in letters().items()}
    marked = b"XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"
    messages["spam"] = b"From: a@b.example\r\nSubject: x\r\n\r\n" + marked + b"\r\n"
    found = spamassassin.scores(list(messages.values()), tmp_path_factory.mktemp("spamassassin"))
    return dict(zip(messages, found, strict=True))
