"""`reply_by`: until when to ask for another address; in the invitation and in `status`, and never an update."""

from datetime import date, timedelta

from tests.cli.conftest import Desk
from tests.cli.test_corrections import part
from tests.servers.recording import RecordingServer

_TWO = "Name,Email\nAna Ruiz,ana@example.org\nBo Li,bo@example.org\n"


def set_to(desk: Desk, day: date) -> None:
    text = (desk.path / "event.toml").read_text(encoding="utf-8")
    kept = [line for line in text.splitlines(keepends=True) if not line.startswith("reply_by")]
    desk.write("event.toml", "".join(kept).replace("[event]\n", f"[event]\nreply_by = {day}\n"))


def test_it_is_in_the_invitation_and_in_status_and_changing_it_sends_nothing(
    live: tuple[Desk, RecordingServer],
) -> None:
    desk, server = live
    desk.write("attendees.csv", _TWO)
    text = (desk.path / "event.toml").read_text(encoding="utf-8")
    desk.write("event.toml", text.partition("[columns]")[0])
    set_to(desk, date(2027, 4, 30))
    desk.json("send", "attendees.csv", "--confirm", "2")
    assert "For another address, please do so by Friday 30 April 2027." in part(server.messages[0]).replace("\n", " ")
    assert desk.json("status")["event"]["reply_by"] == "2027-04-30"
    assert "Another address: until Friday 30 April 2027" in desk.run("status").stdout

    yesterday = date.today() - timedelta(days=2)
    set_to(desk, yesterday)
    plan = desk.json("plan", "attendees.csv")
    assert plan["counts"]["none"] == 2 and "the wording has changed" in plan["actions"][0]["reason"]
    assert "which has passed" in desk.run("status").stdout
    (warning,) = desk.json("check", "attendees.csv")["problems"]
    assert (warning["code"], warning["value"]) == ("past-event", str(yesterday)) and warning["line"]
