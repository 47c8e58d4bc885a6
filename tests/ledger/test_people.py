"""Reading people: all of them in little memory, or those whom one look is about."""

import json
import tracemalloc
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from tests.ledger.homes import raw
from tests.ledger.test_ledger import ANA, send, someone
from tui.errors import LedgerError
from tui.ledger import open_for_run, open_to_read


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "event.ledger.db"
    with open_for_run(path) as ledger:
        for number in range(5):
            send(ledger, someone(number), "accepted", "250 Ok")
        send(ledger, replace(someone(3), sequence=1, address="moved@example.org"), "accepted", "250 Ok")
    return path


def test_one_person_is_found_by_their_key_or_by_their_address_as_among_everybody(path: Path) -> None:
    with open_to_read(path) as ledger:
        everybody = ledger.people()
        by_key = ledger.people_like("guest3@example.org", "nobody@example.org")
        by_address = ledger.people_like("nobody", "moved@example.org")
        assert by_key == by_address == {"guest3@example.org": everybody["guest3@example.org"]}
        assert len(by_key["guest3@example.org"].messages) == 2
        assert ledger.people_like("nobody", "nobody@example.org") == {}


def test_the_history_of_one_person_is_theirs_among_everybodys(path: Path) -> None:
    with open_to_read(path) as ledger:
        history = ledger.history_of("guest3@example.org")
        assert history == ledger.people(history=True)["guest3@example.org"].history and len(history) == 2
        assert ledger.history_of("nobody") == ()


def test_every_address_that_a_message_went_to_is_known(path: Path) -> None:
    with open_to_read(path) as ledger:
        wanted = {sent.address for person in ledger.people().values() for sent in person.messages}
        assert sorted(ledger.addresses()) == sorted(wanted) and "moved@example.org" in wanted


def test_the_cells_of_a_person_are_a_mapping_as_they_were_sent(path: Path) -> None:
    with open_to_read(path) as ledger:
        fields = ledger.people()["guest1@example.org"].fields
    assert fields == ANA.fields and list(fields) == list(ANA.fields) and list(fields.values()) == [*ANA.fields.values()]
    assert fields["Name"] == "Ana Ruiz" and len(fields) == 2 and "Room" not in fields
    assert json.loads(json.dumps(dict(fields))) == ANA.fields


@pytest.mark.parametrize("damage", ["{", "[]", ""])
def test_cells_that_are_damaged_are_told_when_they_are_read(path: Path, damage: str) -> None:
    with raw(path) as db:
        db.execute("UPDATE person SET fields = ? WHERE key = 'guest2@example.org'", (damage,))
    with open_to_read(path) as ledger, pytest.raises(LedgerError, match="damaged"):
        ledger.people()


def test_what_people_have_in_common_is_in_memory_once(path: Path) -> None:
    with open_to_read(path) as ledger:
        one, two = (ledger.people()[f"guest{number}@example.org"].latest for number in (0, 1))
        both = [person.latest for person in ledger.people().values()]
    assert one.facts == two.facts == ANA.facts
    assert len({id(sent.facts) for sent in both}) == 1 and len({id(sent.stamp) for sent in both}) == 1


def test_a_person_takes_less_than_two_kilobytes(tmp_path: Path) -> None:
    path = tmp_path / "many.ledger.db"
    with open_for_run(path) as ledger:
        facts = {"title": "Pathways", "start": "2027-05-06T13:00:00+00:00", "when": "Thursday, 6 May 2027", "end": "x"}
        cells = {f"Column {number}": f"what stands in column {number}" for number in range(6)}
        ledger.begin("send", "work", "plan", (replace(someone(n), facts=facts, fields=cells) for n in range(1000)))
    with open_to_read(path) as ledger, closing(ledger):
        ledger.people_like("x", "y")
        tracemalloc.start()
        try:
            people = ledger.people()
            taken, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert len(people) == 1000 and taken / 1000 < 2000
