"""Several desks, one ledger: what one of them has sent the other knows, and neither sends beside the other."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from psycopg import errors

from tests.cli.conftest import Desk
from tests.ledger.test_ledger import ANA
from tests.servers.authority import Authority
from tests.servers.ports import free_ports
from tests.servers.postgresql import Postgres
from tests.servers.recording import RecordingServer
from tui import ledger as ledgers
from tui import report
from tui.folder import Folder, open_folder

Live = tuple[Desk, RecordingServer]


@pytest.fixture
def shared(postgres: Postgres) -> str:
    """The address of an empty database, over TLS, with a login and whom to trust."""
    name = postgres.database().rpartition("/")[2].partition("?")[0]
    return f"{postgres.address_over_tls(name)}?sslmode=verify-full&sslrootcert={postgres.ca}"


@pytest.fixture
def anna(live: Live, shared: str) -> Desk:
    desk, _ = live
    desk.change("event.toml", "[event]", f'[sending]\nledger = "{_public(shared)}"\n\n[event]')
    desk.environment |= {"INVITE_TUI_LEDGER": shared, "INVITE_TUI_NAME": "Anna"}
    return desk


@pytest.fixture
def bo(anna: Desk, tmp_path: Path) -> Desk:
    """A colleague with a copy of the event folder."""
    folder = tmp_path / "colleague"
    shutil.copytree(anna.path, folder)
    return Desk(folder, anna.environment | {"INVITE_TUI_NAME": "Bo"})


def _public(address: str) -> str:
    return f"postgresql://{address.rpartition('@')[2].partition('?')[0]}"


def test_what_one_desk_sent_the_other_knows(anna: Desk, bo: Desk, live: Live, shared: str) -> None:
    sent = anna.json("send", "attendees.csv", "--confirm", "55")
    assert sent["counts"]["accepted"] == 55
    assert bo.json("status")["counts"] == anna.json("status")["counts"]
    assert bo.json("send", "attendees.csv", "--confirm", "0")["counts"]["accepted"] == 0
    assert len(live[1].messages) == 55
    assert not [*anna.path.glob("*.ledger.db*"), *bo.path.glob("*.ledger.db*")]
    marker = (anna.path / "event.ledger.sent").read_text(encoding="utf-8")
    assert _public(shared) in marker and "correct" not in marker


def test_whoever_comes_second_is_told_who_is_sending(anna: Desk, bo: Desk, live: Live) -> None:
    with chosen(anna).ledger_to_write():
        said = bo.run("send", "attendees.csv", "--confirm", "55", code=5).stderr
    assert "Anna on " in said and " since " in said
    assert not live[1].messages


def chosen(desk: Desk) -> Folder:
    return open_folder([], event=str(desk.path), environment=desk.environment)


def test_a_ledger_that_went_missing_is_noticed_on_a_server_too(anna: Desk, live: Live, postgres: Postgres) -> None:
    anna.run("send", "attendees.csv", "--confirm", "55")
    anna.environment["INVITE_TUI_LEDGER"] = postgres.database()  # another, which is empty
    anna.change("event.toml", "ledger =", "# ledger =")
    said = anna.run("send", "attendees.csv", "--confirm", "55", code=6).stderr
    assert "missing" in said and "--ledger" in said
    assert len(live[1].messages) == 55


def test_somebody_is_forgotten_on_the_server_and_the_report_says_so(anna: Desk) -> None:
    anna.run("send", "attendees.csv", "--confirm", "55")
    somebody = anna.json("status")["attendees"][0]["address"]
    anna.run("forget", somebody, "--confirm", "1")
    status = anna.json("status")
    assert somebody not in str(status) and status["counts"]["accepted"] == 55
    anna.run("report", "--evidence", "evidence.jsonl")
    anna.run("report", "--verify", "evidence.jsonl")


def test_who_forgets_somebody_is_told_what_each_desk_has_written(anna: Desk, bo: Desk, tmp_path: Path) -> None:
    anna.run("send", "attendees.csv", "--confirm", "55")
    here = tmp_path / "on-this-machine.csv"
    place = chosen(bo).ledger_path
    assert isinstance(place, ledgers.Server)
    there = [
        ledgers.Written(path, kind, datetime.now(UTC), ledgers.Desk("Cy", "cys-laptop"))
        for path, kind in ((str(here), "evidence"), (r"C:\Users\cy\all.html", "html"))
    ]
    with chosen(bo).ledger_to_write():  # also beside a run
        anna.run("report", "--csv", str(here))
        anna.run("report", "--html", str(tmp_path / "nameless.html"), "--anonymous")
        for _ in range(2):  # again is the same
            with ledgers.open_to_note(place, there[0].desk) as ledger:
                ledger.note_reports(there)
    done = bo.json("forget", bo.json("status")["attendees"][0]["address"], "--confirm", "1")
    assert str(here) in done["still_in"] and done["not_found"] == []
    assert {(one["file"], one["kind"]) for one in done["elsewhere"]} == {(one.path, one.kind) for one in there}
    assert all(one["desk"] == {"who": "Cy", "place": "cys-laptop"} for one in done["elsewhere"])
    said = bo.run("forget", bo.json("status")["attendees"][1]["address"], "--confirm", "1").stdout
    assert "at other desks" in said and r"C:\Users\cy\all.html, a report of " in said and "by Cy on cys-laptop" in said


# --- whose word it is -------------------------------------------------------------------------------------------------


def test_a_password_in_the_event_file_is_refused_with_the_reason(desk: Desk) -> None:
    desk.change("event.toml", "[event]", '[sending]\nledger = "postgresql://anna:secret@db.example/x"\n\n[event]')
    said = desk.json("check", "attendees.csv", code=1)
    (problem,) = [one for one in said["problems"] if one["code"] == "bad-event"]
    assert "password" in problem["message"] and "INVITE_TUI_LEDGER" in problem["hint"]
    assert "secret" not in str(said)


def test_a_password_on_the_command_line_is_refused_with_the_reason(desk: Desk) -> None:
    said = desk.run("status", "--ledger", "postgresql://anna:secret@db.example/x", code=2).stderr
    assert "password" in said and "INVITE_TUI_LEDGER" in said and "secret" not in said


def test_an_event_file_does_not_choose_where_names_and_addresses_go(desk: Desk) -> None:
    desk.change("event.toml", "[event]", '[sending]\nledger = "postgresql://db.elsewhere.example/x"\n\n[event]')
    for words in (("status",), ("plan", "attendees.csv"), ("send", "attendees.csv", "--confirm", "55")):
        said = desk.run(*words, code=6).stderr
        assert "db.elsewhere.example" in said and "nothing of yours does" in said


def test_a_login_is_for_the_server_that_it_is_named_with(desk: Desk) -> None:
    desk.environment["INVITE_TUI_LEDGER"] = "postgresql://anna:secret@db.department.example/x"
    for address, user in (
        ("postgresql://db.department.example/x", "anna"),
        ("postgresql://bo@db.department.example/x", "bo"),
        ("postgresql://db.department.example/y", ""),
        ("postgresql://db.department.example:6432/x", ""),
    ):
        place = open_folder([], event=str(desk.path), ledger=address, environment=desk.environment).ledger_path
        assert isinstance(place, ledgers.Server)
        assert (place.user, place.password) == (user, "secret" if user == "anna" else "")


def test_an_event_may_have_its_file_elsewhere(desk: Desk) -> None:
    desk.change("event.toml", "[event]", '[sending]\nledger = "records/ours.db"\n\n[event]')
    assert open_folder([], event=str(desk.path), environment={}).ledger_path == desk.path / "records" / "ours.db"


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("postgresql://db.example", "not the address of a ledger"),
        ("mysql://db.example/x", "not the address of a ledger"),
        ("postgresql://db.example/x?options=-c%20fsync=off", "cannot be said"),
        ("postgresql://db.example/x?sslmode=require", "anybody on the way"),
        ("postgresql://db.example/x?sslmode=disable", "anybody on the way"),
        ("postgresql://127.0.0.1,db.example/x?sslmode=prefer", "anybody on the way"),
    ],
)
def test_an_address_that_cannot_be_used_is_said_in_words(desk: Desk, address: str, said: str) -> None:
    assert said in desk.run("status", "--ledger", address, code=2).stderr


def test_a_server_that_is_not_there_is_said_in_words(desk: Desk) -> None:
    (port,) = free_ports(1)
    said = desk.run("status", "--ledger", f"postgresql://127.0.0.1:{port}/x", code=6).stderr
    assert f"postgresql://127.0.0.1:{port}/x cannot be used: its server cannot be reached" in said


def test_a_login_that_is_refused_is_said_in_words(desk: Desk, postgres: Postgres) -> None:
    desk.environment["INVITE_TUI_LEDGER"] = f"postgresql://postgres:wrong@localhost:{postgres.port}/postgres"
    said = desk.run("status", code=6).stderr
    assert "password authentication failed" in said and "wrong" not in said


# --- who the server is ------------------------------------------------------------------------------------------------


def test_a_server_that_cannot_prove_its_name_gets_no_login(desk: Desk, postgres: Postgres, tmp_path: Path) -> None:
    stranger = Authority(tmp_path).pem
    right = postgres.address_over_tls("postgres")
    for address in (
        f"{right}?sslmode=verify-full&sslrootcert={stranger}",
        f"{right.replace('localhost', '127.0.0.1')}?sslmode=verify-full&sslrootcert={postgres.ca}",
    ):
        desk.environment["INVITE_TUI_LEDGER"] = address
        assert "certificate" in desk.run("status", code=6).stderr
    desk.environment["INVITE_TUI_LEDGER"] = f"{right}?sslmode=verify-full&sslrootcert={postgres.ca}"
    desk.run("status")


# --- moving it --------------------------------------------------------------------------------------------------------


def test_an_event_is_moved_to_a_server_and_goes_on_there(live: Live, postgres: Postgres) -> None:
    desk, server = live
    desk.run("send", "attendees.csv", "--confirm", "55")
    report.produce(chosen(desk), {"csv": desk.path / "names.csv"}, anonymous=False)
    address = postgres.database()
    done = desk.json("ledger", "copy", "event.ledger.db", address)
    assert done["counts"]["message"] == 55 and len(done["seal"]) == 64
    assert "was moved" in desk.run("cancel", "--all", "--confirm", "55", code=6).stderr
    desk.environment["INVITE_TUI_LEDGER"] = address
    assert desk.json("send", "attendees.csv", "--confirm", "0")["counts"]["accepted"] == 0
    assert len(server.messages) == 55
    with chosen(desk).ledger_to_read() as ledger:
        assert [one.path for one in ledger.reports()] == [str(desk.path / "names.csv")]
    said = desk.run("ledger", "copy", address, "event.ledger.db", code=6).stderr
    assert "already" in said and "event.ledger.db" in said
    assert desk.run("ledger", "copy", address, "back.db").stdout.count("55  ") == 3


def test_who_may_not_make_a_ledger_is_told_whom_to_ask_and_each_role_does_its_own(
    live: Live, postgres: Postgres, tmp_path: Path
) -> None:
    desk, server = live
    address = postgres.database()
    name = address.rpartition("/")[2].partition("?")[0]
    postgres.ask(name, desk.run("ledger", "roles").stdout)
    for role in ("owner", "organiser", "worker", "reader"):
        postgres.ask(name, f"CREATE ROLE {name}_{role} LOGIN; GRANT invite_{role} TO {name}_{role}")

    def as_(role: str) -> Desk:
        login = postgres.address(name, f"{name}_{role}")
        return Desk(desk.path, desk.environment | {"INVITE_TUI_LEDGER": login})

    said = as_("organiser").run("send", "attendees.csv", "--confirm", "55", code=6).stderr
    assert "ledger prepare" in said
    assert "version" in as_("owner").run("ledger", "prepare").stdout
    as_("organiser").run("send", "attendees.csv", "--workers", "--confirm", "55")
    as_("worker").run("worker", "--until-empty", "--account", "env")
    assert as_("reader").json("status")["counts"]["accepted"] == 55
    somebody = as_("reader").json("status")["attendees"][0]["address"]
    noted = as_("reader").run("report", "--csv", str(tmp_path / "names.csv"))
    assert "cannot be noted in the ledger" in noted.stderr
    assert "you may not do that" in as_("reader").run("cancel", "--all", "--confirm", "55", code=6).stderr
    assert "only who owns" in as_("organiser").run("forget", somebody, "--confirm", "1", code=6).stderr
    as_("owner").run("forget", somebody, "--confirm", "1")
    assert len(server.messages) == 55

    place = chosen(as_("worker")).ledger_path
    assert isinstance(place, ledgers.Server)
    for statement in (
        "DELETE FROM attempt",
        "INSERT INTO person (key, address, name, grouped, fields) VALUES ('x', 'x', 'x', '', '{}')",
        "UPDATE version SET address = 'x'",
        "ALTER TABLE attempt DISABLE TRIGGER attempt_settles_once",
        "TRUNCATE attempt",
        "DROP TABLE version",
    ):
        for role in ("worker", "reader"):
            with psycopg.connect(postgres.address(name, f"{name}_{role}")) as db:
                db.execute(f"SET search_path = {place.schema}")
                with pytest.raises(errors.InsufficientPrivilege):
                    db.execute(statement)
    with ledgers.open_for_run(chosen(as_("organiser")).ledger_path) as ledger:
        (message,) = ledger.begin("send", "work", "plan", [ANA])
    with ledgers.open_for_work(place) as worker:
        worker.settle(worker.sending(message, ANA.digest, kept=b"x"), "accepted", "250 ok")
