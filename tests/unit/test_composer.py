"""A whole message, composed: the same as a slow and plain way composes it, and nothing of anybody else in it."""

import os
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP, default
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from icalendar import Calendar, vCalAddress, vText
from icalendar import Event as VEvent

from tests.unit.making import UID, a_revision, a_wording, an_attendee, an_event, compose
from tui.attendees import Attendee
from tui.errors import InputError, Problem
from tui.event import Change, Event, MessageSettings, Organizer
from tui.invitation import Composer, Composition, Revision, Uncomposable, load_wording

SHIPPED = {
    action: load_wording(name, Path("/nowhere"), None)
    for action, name in (("invite", "invitation"), ("update", "update"), ("cancel", "cancellation"))
}


def read(raw: bytes) -> EmailMessage:
    message = message_from_bytes(raw, policy=default)
    assert isinstance(message, EmailMessage)
    assert not any(part.defects for part in message.walk())
    return message


def files(raw: bytes) -> dict[str | None, bytes]:
    """The attachments by name, without the calendar's copy."""
    found: dict[str | None, Any] = {
        part.get_filename(): part.get_payload(decode=True) for part in read(raw).iter_attachments()
    }
    del found["invite.ics"]
    return found


def problem_of(make: Callable[[], object]) -> Problem:
    try:
        make()
    except (InputError, Uncomposable) as error:
        (problem,) = error.problems
    else:
        pytest.fail("nothing was wrong")
    assert problem.severity == "error"
    return problem


# --- the slow way -----------------------------------------------------------------------------------------------------


def slowly(event: Event, attendee: Attendee, revision: Revision, composed: Composition) -> bytes:
    """What EmailMessage and icalendar make of the same facts and the same words."""
    cancels = revision.action == "cancel"
    calendar, entry = Calendar(), VEvent()
    for name, value in (
        *(("prodid", "-//invite-tui//invite-tui//EN"), ("version", "2.0"), ("calscale", "GREGORIAN")),
        ("method", "CANCEL" if cancels else "REQUEST"),
    ):
        calendar.add(name, value)
    facts: list[tuple[str, Any]] = [
        *(("uid", revision.uid), ("dtstamp", revision.stamp), ("sequence", revision.sequence)),
        *(("dtstart", event.start.astimezone(UTC)), ("dtend", event.end.astimezone(UTC)), ("summary", event.title)),
        *(("status", "CANCELLED" if cancels else "CONFIRMED"), ("transp", "TRANSPARENT" if cancels else "OPAQUE")),
        ("location", event.location),
        ("description", "\n\n".join(filter(None, (event.description, event.join_url)))),
    ]
    for name, value in facts:
        if value != "":
            entry.add(name, value)
    organizer = vCalAddress(f"mailto:{event.organizer.email}")
    organizer.params["CN"] = vText(event.organizer.name.replace('"', "'"))
    guest = vCalAddress(f"mailto:{attendee.address}")
    guest.params.update({"CUTYPE": "INDIVIDUAL", "ROLE": "REQ-PARTICIPANT", "PARTSTAT": "NEEDS-ACTION", "RSVP": "TRUE"})
    guest.params["CN"] = vText(attendee.name.replace('"', "'"))
    entry.add("organizer", organizer)
    entry.add("attendee", guest)
    calendar.add_component(entry)

    message = EmailMessage(policy=SMTP)
    message["From"] = f"{event.organizer.name} <{event.organizer.email}>"
    message["To"] = f"<{attendee.address}>"
    message["Subject"] = composed.subject
    message["Date"] = format_datetime(revision.stamp)
    message["Message-ID"] = revision.message_id
    message["X-Invite-Tui-Ref"] = revision.uid.partition("@")[0]
    message.set_content(composed.text)
    message.add_alternative(composed.html, subtype="html")
    ics = calendar.to_ical()
    message.add_alternative(
        ics.decode(), subtype="calendar", cte="base64", params={"method": "CANCEL" if cancels else "REQUEST"}
    )
    message.make_mixed()
    message.add_attachment(ics, maintype="application", subtype="ics", filename="invite.ics")
    message["Content-Language"] = event.message.language  # before, it would have gone into a part with the others
    return message.as_bytes()


def tree(message: EmailMessage) -> list[tuple[object, ...]]:
    """Everything in it but the names that the two ways spell differently on the wire."""
    found: list[tuple[object, ...]] = []
    for part in message.walk():
        content = part.get_payload(decode=True)
        kind = part.get_content_type()
        if kind in ("text/calendar", "application/ics"):
            assert isinstance(content, bytes)
            content = entries(content)
        parameters = {name: value.lower() for name, value in part["Content-Type"].params.items() if name != "boundary"}
        found.append((kind, parameters, part.get_filename(), content))
    return found


def entries(raw: bytes) -> list[tuple[str, str]]:
    """Every property, sorted, with its parameters; the order in a component means nothing (RFC 5545 §3.6)."""
    unfolded = raw.replace(b"\r\n ", b"").decode().split("\r\n")
    # Parameters come in any order, and a value may stand in quotes or not.
    return sorted(
        (";".join(sorted(name.replace('"', "").split(";"))), value)
        for name, _, value in (_split(line) for line in unfolded if line)
    )


def _split(line: str) -> tuple[str, str, str]:
    found = re.match(r'((?:[^":]|"[^"]*")*)(:)(.*)', line, re.DOTALL)
    assert found
    return found[1], found[2], found[3]


TEXT = st.text(
    st.characters(exclude_categories=["Cs", "Cc", "Cf", "Zl", "Zp"], exclude_characters="\xa0\\"), max_size=60
).map(lambda text: " ".join(text.split()))
NAME = TEXT.map(lambda text: "Ana " + text.replace("^", "").replace("\\", "")).map(str.strip)


@settings(max_examples=20, deadline=None)
@given(
    name=NAME,
    title=TEXT.filter(bool),
    location=TEXT,
    description=TEXT,
    action=st.sampled_from(["invite", "update", "cancel"]),
)
def test_the_slow_and_plain_way_makes_the_same_message(
    name: str, title: str, location: str, description: str, action: str
) -> None:
    event = an_event(
        title=title, location=location, description=description, organizer=Organizer("Team", "team@department.example")
    )
    attendee, revision = an_attendee(name=name), a_revision(action, sequence=7, changes=[Change("Title", "x", "y")])
    composed = compose(SHIPPED[action], attendee, event=event, revision=revision)
    ours, theirs = read(composed.raw), read(slowly(event, attendee, revision, composed))
    assert tree(ours) == tree(theirs)
    assert sorted(ours.keys()) == sorted(theirs.keys())
    for header in ("From", "Date", "Message-ID", "Content-Language", "X-Invite-Tui-Ref", "MIME-Version"):
        assert ours[header] == theirs[header]
    assert [address.addr_spec for address in ours["To"].addresses] == [attendee.address]


# --- what is promised -------------------------------------------------------------------------------------------------


def test_what_was_composed_is_what_the_message_holds() -> None:
    composed = compose(SHIPPED["invite"])
    message = read(composed.raw)
    readings = {part.get_content_type(): part for part in message.walk() if not part.is_multipart()}
    assert message["Subject"] == composed.subject == "Invitation: Pathways to Work"
    assert readings["text/plain"].get_content() == composed.text.replace("\n", "\r\n")
    assert readings["text/html"].get_content() == composed.html.replace("\n", "\r\n")
    assert readings["text/calendar"].get_payload(decode=True) == composed.calendar.encode()
    assert readings["application/ics"].get_content() == composed.calendar.encode()


def test_the_same_facts_are_the_same_bytes() -> None:
    attendee, revision = an_attendee({"Group": "a"}), a_revision()
    assert compose(SHIPPED["invite"], attendee).raw == compose(SHIPPED["invite"], attendee).raw
    composer = Composer(an_event(), SHIPPED)
    first = composer.compose(attendee, revision).raw
    composer.compose(an_attendee(name="Bo", address="bo@example.org"), a_revision("update", sequence=4))
    assert composer.compose(attendee, revision).raw == first


def test_only_date_dtstamp_and_message_id_change_with_the_moment() -> None:
    later = replace(
        a_revision(), stamp=datetime(2028, 1, 2, 3, 4, 5, tzinfo=UTC), message_id="<other@department.example>"
    )
    before, after = compose(SHIPPED["invite"]), compose(SHIPPED["invite"], revision=later)
    assert (before.text, before.html, before.subject) == (after.text, after.html, after.subject)
    changed = [
        (old, new)
        for old, new in zip(before.calendar.split("\r\n"), after.calendar.split("\r\n"), strict=True)
        if old != new
    ]
    assert changed == [("DTSTAMP:20270401T093000Z", "DTSTAMP:20280102T030405Z")]
    heads = (composed.raw.partition(b"\r\n\r\n")[0].decode().split("\r\n") for composed in (before, after))
    assert [old.partition(":")[0] for old, new in zip(*heads, strict=True) if old != new] == ["Date", "Message-ID"]


@pytest.mark.parametrize(("action", "method"), [("invite", "REQUEST"), ("update", "REQUEST"), ("cancel", "CANCEL")])
def test_the_part_declares_the_method_that_the_calendar_has(action: str, method: str) -> None:
    composed = compose(SHIPPED[action], revision=a_revision(action, changes=[Change("a", "b", "c")]))
    (part,) = (part for part in read(composed.raw).walk() if part.get_content_type() == "text/calendar")
    assert part["Content-Type"].params == {"charset": "UTF-8", "method": method}
    assert f"\r\nMETHOD:{method}\r\n" in composed.calendar


def test_an_update_answers_the_first_message() -> None:
    revision = replace(a_revision("update"), in_reply_to="<first@department.example>")
    message = read(compose(SHIPPED["update"], revision=revision).raw)
    assert message["In-Reply-To"] == message["References"] == "<first@department.example>"


def test_from_and_reply_to_are_what_the_event_says_and_the_organizer_stays_the_organizer() -> None:
    said = MessageSettings(
        sender=Organizer("Office", "office@other.example"), reply_to="help@other.example", language="cy"
    )
    composed = compose("x", event=an_event(message=said))
    message = read(composed.raw)
    assert (message["From"], message["Reply-To"]) == ("Office <office@other.example>", "help@other.example")
    assert message["Content-Language"] == "cy"
    assert '<html lang="cy"' in composed.html
    assert "mailto:consultations@department.example" in composed.calendar.replace("\r\n ", "")


def test_the_copy_of_the_calendar_can_be_left_out() -> None:
    assert b"invite.ics" not in compose("x", event=an_event(message=MessageSettings(attach_ics=False))).raw


def test_each_attendee_gets_only_their_own() -> None:
    composer = Composer(an_event(), {"invite": a_wording("{{ name }} {{ code }}", subject="{{ code }}")})
    people = [
        an_attendee(
            {"Code": f"code-{n}", "Join URL": f"https://j.example/{n}", "Role": f"role-{n}"},
            name=f"Name{n}",
            address=f"p{n}@x.example",
            internal=["Role"],
        )
        for n in range(5)
    ]
    for n, person in enumerate(people):
        composed = composer.compose(person, replace(a_revision(), uid=f"uid{n}@x.example"))
        whole = composed.raw.decode() + composed.text + composed.html + composed.calendar
        for word in ("code", "https://j.example/", "Name", "uid", "p"):
            there = set(re.findall(rf"\b{re.escape(word)}-?(\d)\b", whole))
            assert there <= {str(n)}
        assert "role-" not in whole


def test_files_with_the_same_placeholders_in_other_columns_are_not_mixed_up() -> None:
    composer = Composer(an_event(), {"invite": a_wording("{{ a }}")})
    for row in ({"A": "1", "B": "2"}, {"B": "2", "A": "1"}, {"C": "3", "B": "2", "A": "1"}):
        for _ in range(3):
            assert composer.compose(an_attendee(row), a_revision()).text == "1\n"


def test_wordings_of_the_same_file_name_are_not_mixed_up() -> None:
    composer = Composer(an_event(), {"invite": a_wording("{{ a }}"), "update": a_wording("{{ b }} {{ a }}")})
    attendee = an_attendee({"A": "1", "B": "2"})
    for _ in range(2):
        assert composer.compose(attendee, a_revision("invite")).text == "1\n"
        assert composer.compose(attendee, a_revision("update")).text == "2 1\n"


def test_a_hostile_attendee_harms_nothing() -> None:
    row = {"Room": "\r\nBcc: eve@evil.example", "Join URL": "https://j.example/\x1b]52;c;eA==\x07"}
    hostile = '"><script>\r\nBcc: x@y.example\x00\nATTENDEE:mailto:x@y.example\x1b[31m'
    attendee = an_attendee({"Room": row["Room"]}, name=hostile)
    composed = compose(a_wording("{{ name }} {{ room }}", subject="{{ name }} {{ room }}"), attendee)
    head = composed.raw.partition(b"\r\n\r\n")[0]
    assert b"\r\nBcc" not in head
    assert composed.calendar.replace("\r\n ", "").count("\r\nATTENDEE") == 1
    assert "<script>" not in composed.html
    assert [address.addr_spec for address in read(composed.raw)["To"].addresses] == ["ana@example.org"]
    assert problem_of(lambda: compose("x", an_attendee(row))).code == "bad-event"


@pytest.mark.parametrize(
    ("link", "fault", "hint"),
    [
        ("javascript:alert(1)", "does not begin with https://", "Put the whole link"),
        ("j.example/1", "does not begin with https://", "Did you mean https://j.example/1?"),
        ("see my mail", "white space", "Put the whole link"),
        ("https://j.example/ x", "white space", "Put the whole link"),
        ("https:///x", "names no site", "leave the cell blank"),
    ],
)
def test_an_attendees_join_link_must_be_one(link: str, fault: str, hint: str) -> None:
    problem = problem_of(lambda: compose("x", an_attendee({"Join URL": link})))
    assert (problem.code, problem.column, problem.value, problem.line) == ("bad-event", "Join URL", link, 2)
    assert fault in problem.message
    assert hint in (problem.hint or "")


def test_an_attendees_blank_join_link_is_the_events() -> None:
    composed = compose("{{ event.join_url }}", an_attendee({"Join URL": ""}))
    assert composed.text == "https://teams.example/l/meetup-join/abc\n"
    problem = problem_of(
        lambda: compose("{{ event.join_url }}", an_attendee({"Join URL": ""}), event=an_event(join_url=""))
    )
    assert (problem.code, problem.column, problem.file) == ("missing-value", "Join URL", "list.csv")


def test_an_internal_join_link_or_attachment_does_not_leave(tmp_path: Path) -> None:
    (tmp_path / "mine.pdf").write_bytes(b"x")
    row = {"Join URL": "https://secret.example/1", "Attachment": "mine.pdf"}
    attendee = an_attendee(row, internal=["Join URL", "Attachment"])
    composer = Composer(an_event(tmp_path), {"invite": a_wording("{{ event.join_url }}")})
    composed = composer.compose(attendee, a_revision())
    assert "secret.example" not in composed.raw.decode() + composed.calendar + composed.text
    assert files(composed.raw) == {}
    assert composer.columns_leaving(attendee.columns) == {0, 1}


def test_which_columns_leave_is_known_beforehand() -> None:
    composer = Composer(an_event(), {"invite": a_wording("{{ a }}"), "update": a_wording("{{ b }}")})
    attendee = an_attendee(dict.fromkeys(["A", "B", "C", "join-url", "Attachment"], "x"))
    assert composer.columns_leaving(attendee.columns) == {0, 1, 2, 3, 5, 6}


def test_changes_are_lines_or_a_list_to_go_through() -> None:
    changes = [
        Change("Time", "Monday", "Tuesday"),
        Change("Place", "", "Hall"),
        Change("Link", "https://old.example", ""),
    ]
    revision = a_revision("update", changes=changes)
    assert compose("{{ changes }}", revision=revision).text == (
        "Time: Tuesday (before: Monday)\nPlace: Hall\nLink: none (before: https://old.example)\n"
    )
    loop = "{% for change in changes %}\n- {{ change.what }}: {{ change.new or '-' }}\n{% endfor %}"
    assert compose(loop, revision=revision).text == "- Time: Tuesday\n- Place: Hall\n- Link: -\n"
    assert problem_of(lambda: compose("{{ changes }}")).code == "missing-value"


def test_the_organizers_note_is_text_like_any_other() -> None:
    composed = compose("{{ organizer.note }}", revision=a_revision(note="So **sorry**\r\n<b>\x1b[31m"))
    assert composed.text == "So **sorry**\n<b>[31m\n"
    assert "So **sorry**<br>\n&lt;b&gt;[31m" in composed.html
    problem = problem_of(lambda: compose("{{ organizer.note }}"))
    assert "{% if organizer.note %}" in (problem.hint or "")


# --- attachments ------------------------------------------------------------------------------------------------------


def in_folder(folder: Path, *names: str, row: dict[str, str] | None = None) -> bytes:
    event = an_event(folder, message=MessageSettings(attachments=tuple(folder / name for name in names)))
    return compose("x", an_attendee(row), event=event).raw


def test_everybody_gets_the_events_files_and_each_their_own(tmp_path: Path) -> None:
    (tmp_path / "agenda.pdf").write_bytes(b"%PDF")
    (tmp_path / "maps").mkdir()
    (tmp_path / "maps" / "Übersicht 漢字.png").write_bytes(b"\x89PNG")
    raw = in_folder(tmp_path, "agenda.pdf", row={"Attachment": " maps/Übersicht 漢字.png "})
    assert files(raw) == {"agenda.pdf": b"%PDF", "Übersicht 漢字.png": b"\x89PNG"}
    assert files(in_folder(tmp_path, "agenda.pdf", row={"Attachment": ""})) == {"agenda.pdf": b"%PDF"}


def test_many_attendees_files_are_each_their_own(tmp_path: Path) -> None:
    composer = Composer(an_event(tmp_path), {"invite": a_wording("x")})
    for number in range(40):
        (tmp_path / f"{number}.txt").write_text(str(number))
    for number in [*range(40), *range(40)]:
        raw = composer.compose(an_attendee({"attachment": f"{number}.txt"}), a_revision()).raw
        assert files(raw) == {f"{number}.txt": str(number).encode()}


@pytest.mark.parametrize("name", ["gone.pdf", ".", "maps", "maps/gone.pdf", "x" * 300, "a\0b"])
def test_a_file_that_is_not_there_is_a_missing_attachment(tmp_path: Path, name: str) -> None:
    (tmp_path / "maps").mkdir()
    for_one = problem_of(lambda: in_folder(tmp_path, row={"Attachment": name}))
    assert (for_one.code, for_one.file, for_one.line, for_one.column) == (
        "missing-attachment",
        "list.csv",
        2,
        "Attachment",
    )
    for_all = problem_of(lambda: in_folder(tmp_path, name))
    assert (for_all.code, for_all.file) == ("missing-attachment", "event.toml")


@pytest.mark.parametrize(
    "name", ["../outside.pdf", "/etc/passwd", "link.pdf", "linked/inside.pdf", "maps/../../outside.pdf", "loop", "~/x"]
)
def test_no_file_from_outside_the_folder_is_attached(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "event"
    (folder / "maps").mkdir(parents=True)
    outside = tmp_path / "outside.pdf"
    outside.write_bytes(b"secret")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "inside.pdf").write_bytes(b"secret")
    (folder / "link.pdf").symlink_to(outside)
    (folder / "linked").symlink_to(elsewhere)
    (folder / "loop").symlink_to(folder / "loop")
    for make in (lambda: in_folder(folder, row={"Attachment": name}), lambda: in_folder(folder, name)):
        assert problem_of(make).code == "missing-attachment"


def test_a_link_within_the_folder_is_a_file_like_any_other(tmp_path: Path) -> None:
    (tmp_path / "real.pdf").write_bytes(b"%PDF")
    (tmp_path / "agenda.pdf").symlink_to("real.pdf")
    assert files(in_folder(tmp_path, "agenda.pdf")) == {"agenda.pdf": b"%PDF"}


@pytest.mark.parametrize(
    "name",
    [".env", "event.toml", "event.ledger.db", "event.ledger.db-wal", ".git/config", "maps/../.env", "harmless.txt"],
)
def test_the_events_own_files_are_attached_for_nobody(tmp_path: Path, name: str) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "maps").mkdir()
    for own in (".env", "event.toml", "event.ledger.db", "event.ledger.db-wal", ".git/config"):
        (tmp_path / own).write_text("INVITE_TUI_SMTP_PASSWORD=hunter2")
    (tmp_path / "harmless.txt").symlink_to(".env")
    problem = problem_of(lambda: in_folder(tmp_path, row={"Attachment": name}))
    assert problem.code == "missing-attachment"
    assert "hunter2" not in repr(problem)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such file names")
@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ('a"; x="b.pdf', 'a"; x="b.pdf'),
        ("a\r\nBcc: eve@evil.example", "a Bcc: eve@evil.example"),
        ("invoice\u202efdp.exe", "invoicefdp.exe"),
        ("\x1b[31m.pdf", "[31m.pdf"),
        ("\u200b", "attachment"),
        ("a" * 250, "a" * 250),
    ],
)
def test_a_hostile_file_name_is_only_a_name(tmp_path: Path, name: str, shown: str) -> None:
    (tmp_path / name).write_bytes(b"x")
    raw = in_folder(tmp_path, name)
    assert files(raw) == {shown: b"x"}
    assert b"\r\nBcc" not in raw


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes in folders")
def test_a_pipe_in_the_folder_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.pdf")
    assert problem_of(lambda: in_folder(tmp_path, "pipe.pdf")).code == "missing-attachment"


def test_all_missing_files_of_the_event_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        in_folder(tmp_path, "a.pdf", "b.pdf")
    assert [(problem.code, problem.value) for problem in caught.value.problems] == [
        ("missing-attachment", "a.pdf"),
        ("missing-attachment", "b.pdf"),
    ]


def test_the_uid_is_the_plans_and_the_reference_its_first_half() -> None:
    composed = compose("x")
    assert f"UID:{UID}" in composed.calendar.replace("\r\n ", "")
    assert read(composed.raw)["X-Invite-Tui-Ref"] == UID.partition("@")[0]
