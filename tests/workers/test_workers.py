"""A run in the hands of workers: everybody is sent their message, once, and what is said to it is said to all."""

import email.policy
import json
import re
import signal
import threading
from collections import Counter

import pytest

from tests.workers.office import Office
from tui import workers
from tui.cli import main
from tui.errors import BusyError, ConfirmationError, LedgerError, UsageError
from tui.folder import Choices, Folder
from tui.ledger import Desk, Server
from tui.mailing import Control
from tui.workers import Working, queue, working


def test_everybody_is_sent_what_was_cleared_and_nothing_is_kept_of_it(office: Office) -> None:
    office.invites(70, connections=3)
    assert office.hand_over() == 4
    assert office.server.connections == 0
    assert office.work() == 70
    assert set(office.mailed.values()) == {1} and len(office.mailed) == 70
    assert office.standing().handover.state == "done"
    assert set(office.outcomes().values()) == {"accepted"}
    assert office.rows("SELECT (SELECT count(*) FROM content), (SELECT count(*) FROM letter)") == [(0, 0)]
    assert office.rows("SELECT count(*) FROM procrastinate_jobs") == [(0,)]
    assert not any("lottery" in str(row) for row in office.rows("SELECT fields FROM person"))


def test_an_update_and_a_changed_address_are_composed_elsewhere_to_the_byte(office: Office) -> None:
    """Of these messages the ledger is told what cannot be seen from them: what they answer to, and what has changed."""
    office.invites(3)
    office.hand_over()
    office.work()
    event = office.path / "event.toml"
    event.write_text(event.read_text(encoding="utf-8").replace("14:00", "15:00"), encoding="utf-8")
    people = office.path / "list.csv"
    people.write_text(
        people.read_text(encoding="utf-8").replace("Email,", "Id,Email,").replace("guest", "x,guest"), encoding="utf-8"
    )
    people.write_text(re.sub(r"(?m)^x,guest(\d)", r"\1,guest\1", people.read_text(encoding="utf-8")), encoding="utf-8")
    office.hand_over()
    office.work()
    assert office.standing().handover.state == "done", office.standing().in_words
    assert set(office.mailed.values()) == {2}
    assert all(b"In-Reply-To" in message.data for message in office.server.messages[3:])


def test_neither_the_run_nor_its_jobs_exist_without_the_other(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    office.invites(3)
    office.hand_over()
    workers.steer(office.folder(), "stop")

    def fails(*_: object) -> None:
        raise RuntimeError

    before = office.rows("SELECT (SELECT count(*) FROM run), (SELECT count(*) FROM procrastinate_jobs)")
    monkeypatch.setattr(queue, "defer", fails)
    with pytest.raises(RuntimeError):
        office.hand_over()
    assert before == office.rows("SELECT (SELECT count(*) FROM run), (SELECT count(*) FROM procrastinate_jobs)")


def test_after_the_first_few_it_waits_for_a_word(office: Office) -> None:
    office.invites(30)
    office.hand_over(canary=2)
    office.work()
    assert (office.standing().handover.state, len(office.mailed)) == ("asking", 2)
    workers.steer(office.folder(), "go-on")
    office.work()
    assert (office.standing().handover.state, len(office.mailed)) == ("done", 30)
    assert set(office.mailed.values()) == {1}


def test_while_it_is_open_nobody_else_begins_and_who_has_it_is_told(office: Office) -> None:
    office.invites(3)
    office.hand_over()
    folder = office.folder_of("Bo")
    with pytest.raises(BusyError, match=r"Ana on .* Workers carry it out"):
        workers.hand_over(folder, folder.plan(), control=Control())
    with pytest.raises(BusyError):
        list(folder.send(folder.plan(), control=Control()))
    workers.steer(folder, "stop")
    office.work()
    assert not office.mailed
    assert office.hand_over() == 1
    office.work()
    assert set(office.mailed.values()) == {1} and len(office.mailed) == 3


def test_paused_it_stands_still_for_all_and_goes_on_for_all(office: Office) -> None:
    office.invites(45)
    office.hand_over()
    workers.steer(office.folder(), "pause")
    office.work()
    assert not office.mailed
    workers.steer(office.folder(), "go-on")
    office.work()
    assert set(office.mailed.values()) == {1} and len(office.mailed) == 45


def test_what_one_brakes_for_stops_all_and_what_is_left_goes_on_when_it_is_mended(office: Office) -> None:
    office.invites(80)
    office.server.say("DOT", "554 5.7.1 this looks like spam")
    office.hand_over()
    office.work()
    standing = office.standing()
    assert standing.handover.state == "braked" and "for what they are" in standing.handover.said
    assert standing.counts["refused"] < 15
    office.server.behave()
    workers.steer(office.folder(), "go-on")
    office.work()
    assert office.standing().handover.state == "done"
    assert len(office.mailed) == 80 - standing.counts["refused"]


def test_what_is_put_off_is_tried_again_later_by_whoever_has_time(office: Office) -> None:
    office.invites(25)
    office.environment["INVITE_TUI_SMTP_BACKOFF"] = "3"
    office.server.say("RCPT", "451 4.2.0 try again", to="guest7@example.org", times=1)
    office.hand_over()
    office.work()
    assert office.standing().counts["deferred"] == 1
    office.work_to_the_end()
    assert set(office.mailed.values()) == {1} and len(office.mailed) == 25


def test_a_daily_quota_holds_over_all_workers_together(office: Office) -> None:
    office.invites(60, connections=3, more="per_day = 7")
    office.hand_over()
    office.work()
    assert len(office.mailed) == 7
    assert "daily quota" in office.standing().handover.said
    assert office.standing().handover.state == "going"


def test_a_server_that_throttles_one_holds_all(office: Office) -> None:
    office.invites(60, connections=3)
    office.environment["INVITE_TUI_SMTP_BACKOFF"] = "3600"
    office.server.say("MAIL", "454 4.7.0 too many messages, try again later", times=1)
    office.hand_over()
    office.work()
    assert office.standing().handover.state == "going"
    before = len(office.mailed)
    assert before < 60
    office.work()
    assert len(office.mailed) == before


def test_a_worker_that_composes_something_else_sends_nothing(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another version of the program, another font of dates: whatever it is, it is not what was cleared."""
    office.invites(3)
    office.hand_over()
    monkeypatch.setattr("tui.dates.short_month", lambda *_: "Smarch")
    monkeypatch.setattr("tui.invitation.composer.short_month", lambda *_: "Smarch")
    office.work()
    assert not office.mailed
    assert "no longer the one that was cleared" in office.standing().handover.said


def test_a_worker_whose_database_does_not_answer_says_so_and_can_be_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []

    def hear(words: str) -> None:
        told.append(words)
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(working, "_SILENCE", 0.05)
    away = Server.parse("postgresql://127.0.0.1:1/invitations")
    assert workers.work(away, Desk("Bo", "here"), Working(["env"]), hear) == 0
    assert told == ["The database does not answer yet ..."]


def test_a_file_is_no_ledger_for_workers(office: Office) -> None:
    office.invites(3)
    files, event = (str(office.path / "list.csv"),), str(office.path / "event.toml")
    folder = Folder(Choices(files, event=event, ledger=str(office.path / "x.db")), office.environment)
    with pytest.raises(UsageError, match="share"):
        workers.hand_over(folder, folder.plan(), control=Control())


def test_one_proposes_and_another_hands_over(office: Office) -> None:
    office.invites(3, more="two_people = true")
    with pytest.raises(ConfirmationError, match="nobody else has proposed"):
        office.hand_over()
    ana, bo = office.folder_of("Ana"), office.folder_of("Bo")
    digest = ana.propose(ana.plan(), "send").digest
    with pytest.raises(ConfirmationError, match="yourself"):
        workers.hand_over(ana, ana.plan(), control=Control())
    workers.hand_over(bo, bo.plan(), control=Control())
    assert office.rows("SELECT digest, proposed_by, confirmed_by FROM run") == [(digest, "Ana", "Bo")]
    office.work()
    assert set(office.outcomes().values()) == {"accepted"}


def test_corrections_and_cancellations_of_many_go_through_workers_with_their_note(
    office: Office, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    office.invites(4, more="two_people = true")
    monkeypatch.chdir(office.path)
    for name, value in office.environment.items():
        monkeypatch.setenv(name, value)

    def handed_over(*words: str) -> Counter[str]:
        """What everybody has been sent by what one proposes and another hands over: subjects, by how many."""
        office.server.messages.clear()
        capsys.readouterr()
        monkeypatch.setenv("INVITE_TUI_NAME", "Ana")
        proposal = ("plan", *words[1:]) if words[0] == "send" else words
        assert main([*proposal, "--propose", "--json"]) == 0
        digest = json.loads(capsys.readouterr().out)["digest"]
        assert main([*words, "--approve", digest, "--workers"]) == 1
        monkeypatch.setenv("INVITE_TUI_NAME", "Bo")
        assert main([*words, "--approve", digest, "--workers"]) == 0
        assert office.server.messages == []
        office.work()
        assert office.standing().handover.state == "done", office.standing().in_words
        mails = [email.message_from_bytes(one.data, policy=email.policy.default) for one in office.server.messages]
        assert words[0] != "cancel" or all("The hall is closed." in one.as_string() for one in mails)
        return Counter(str(one["Subject"]).partition(":")[0] for one in mails)

    assert handed_over("send", "list.csv") == {"Invitation": 4}
    everybody = [f"guest{at}@example.org" for at in range(4)]
    assert handed_over("resend", *everybody[1:]) == {"Invitation": 3}
    assert handed_over("resend", everybody[0], "--to", "new@example.org") == {"Cancelled": 1, "Invitation": 1}
    assert handed_over("cancel", "--all", "--note", "The hall is closed.") == {"Cancelled": 4}
    assert [*office.rows("SELECT command FROM run ORDER BY id")] == [
        (one,) for one in ("send", "resend", "resend", "cancel")
    ]


def test_who_was_put_off_to_the_end_of_one_run_is_tried_by_the_next(office: Office) -> None:
    office.invites(3)
    office.environment["INVITE_TUI_SMTP_RETRIES"] = "0"
    office.server.say("RCPT", "451 4.2.0 try again", to="guest1@example.org", times=2)
    for accepted in (2, 2, 3):
        office.hand_over()
        office.work_to_the_end()
        assert len(office.mailed) == accepted


def test_a_folder_that_has_lost_its_server_does_not_invite_everybody_anew(office: Office) -> None:
    office.invites(3)
    office.hand_over()
    del office.environment["INVITE_TUI_LEDGER"]
    with pytest.raises(LedgerError, match="the record of them is missing"):
        office.folder().plan()


def test_whoever_follows_sees_each_change_and_the_next_run_until_they_have_seen_enough(office: Office) -> None:
    office.invites(2)
    office.hand_over()
    over = threading.Event()
    seen = workers.watch(office.folder(), over)
    states = [next(seen)]
    for word in ("pause", "stop"):
        workers.steer(office.folder(), word)
        states.append(next(seen))
    office.hand_over()
    states.append(next(seen))
    over.set()
    assert [one.handover.state for one in states if one] == ["going", "paused", "stopped", "going"]
    assert next(seen, "the end") == "the end"
