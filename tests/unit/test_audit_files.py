"""`audit`, by the files it reads: .eml, mbox, Maildir, .msg, .emlx and folders of them."""

import mailbox
import os
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.outlook_files import a_message, compound_file
from tui.audit import Unjudged, judge, messages, stores
from tui.audit.reading import read
from tui.audit.stores import Found
from tui.errors import InputError
from tui.guard import Roll

ANA, BO, CY = "ana@example.org", "bo.li@example.com", "cy@example.net"


def a_mail(number: int = 1, text: str = "Please come.") -> EmailMessage:
    mail = EmailMessage()
    mail["From"] = "consultations@department.example"
    mail["To"] = f"{ANA}, {BO}"
    mail["Subject"] = f"Consultation {number}"
    mail.set_content(text)
    return mail


def found_in(*paths: Path) -> list[tuple[str, int | None, str]]:
    """Each message: the name of its file, its number there, its subject."""
    found = list(messages([str(path) for path in paths]))
    assert all(isinstance(one, Found) for one in found)
    return [(Path(one.file).name, one.number, one.mail.first("subject")) for one in found if isinstance(one, Found)]


def seen(path: Path, *listed: str) -> set[tuple[str, str]]:
    found = list(messages([str(path)]))
    assert all(isinstance(one, Found) for one in found)
    roll = Roll(listed) if listed else None
    return {(leak.where, leak.what) for one in found if isinstance(one, Found) for leak in judge(one.mail, roll).leaks}


def test_a_message_in_any_encoding_and_with_any_line_ends(tmp_path: Path) -> None:
    text = a_mail().as_string()
    for number, content in enumerate(
        (
            text.encode(),
            text.replace("\n", "\r\n").encode(),
            text.replace("\n", "\r").encode(),
            b"\xef\xbb\xbf" + text.encode(),
            text.encode("utf-16"),
            b"\r\n\r\n" + text.encode(),
        )
    ):
        file = tmp_path / f"{number}.eml"
        file.write_bytes(content)
        assert seen(file) == {("To", ANA), ("To", BO)}, number


def test_an_mbox_is_read_message_by_message(tmp_path: Path) -> None:
    file = tmp_path / "archive"
    box = mailbox.mbox(file)
    for number in (1, 2, 3):
        box.add(a_mail(number, "From here on\n\nFrom now on it is text.\n\nFrom: is no beginning either"))
    box.close()
    assert found_in(file) == [("archive", number, f"Consultation {number}") for number in (1, 2, 3)]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_line_in_a_text_that_looks_like_an_mbox_begins_no_message(tmp_path: Path, end: str) -> None:
    lines = ["From - Mon Nov 16 10:00:00 2026", "To: ana@example.org", "Subject: Consultation", "", "From you"]
    lines += [
        "",
        "From me to you: a text",
        "",
        "From - Mon Nov 16 10:00:01 2026",
        "Subject: Consultation 2",
        "",
        "Hi",
        "",
    ]
    file = tmp_path / "Sent"
    file.write_bytes(end.join(lines).encode())
    assert [subject for _, _, subject in found_in(file)] == ["Consultation", "Consultation 2"]


def test_an_mbox_larger_than_memory_allows_is_read_a_message_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stores, "MAX_MESSAGE", 2000)
    file = tmp_path / "box.mbox"
    parts = [
        b"From - Mon Nov 16 10:00:00 2026\n" + bytes(a_mail(n, "word " * 400 * (n == 2))) + b"\n" for n in (1, 2, 3)
    ]
    file.write_bytes(b"".join(parts))
    judged = [judge(one.mail) for one in messages([str(file)]) if isinstance(one, Found)]
    assert [len(one.leaks) for one in judged] == [2, 2, 2]
    assert ["longer than" in "".join(un.reason for un in one.unopened) for one in judged] == [False, True, False]


def test_a_maildir_and_its_folders(tmp_path: Path) -> None:
    box = mailbox.Maildir(tmp_path / "Mail")
    box.add(a_mail(1))
    box.add_folder("Sent").add(a_mail(2))
    (tmp_path / "Mail" / "tmp" / "half").write_bytes(bytes(a_mail(3)))
    (tmp_path / "Mail" / "new" / "odd").write_bytes(b"no header at all")
    assert sorted(subject for _, _, subject in found_in(tmp_path / "Mail")) == ["", "Consultation 1", "Consultation 2"]


def test_a_folder_is_read_by_what_is_in_its_files(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "17").write_bytes(bytes(a_mail(17)))
    (tmp_path / "b.eml").write_bytes(bytes(a_mail(2)))
    body = bytes(a_mail(5))
    (tmp_path / "c.emlx").write_bytes(b"%d\n%b<?xml version='1.0'?><plist/>" % (len(body), body))
    for name, content in (
        ("list.csv", "Name,Email\nAna,ana@example.org\n"),
        ("event.toml", "[event]\ntitle = 'x'\n"),
        ("invitation.md", "subject: Come\n\nDear {{ name }},\n"),
        ("invite.ics", "BEGIN:VCALENDAR\nATTENDEE:mailto:a@b.example\n"),
        ("empty.eml", ""),
        ("notes.txt", "From me to you\n\nhello"),
    ):
        (tmp_path / name).write_text(content, encoding="utf-8")
    (tmp_path / "old.doc").write_bytes(compound_file({"WordDocument": b"text"}))
    assert [subject for _, _, subject in found_in(tmp_path)] == ["Consultation 2", "Consultation 5", "Consultation 17"]


def test_a_file_that_may_not_be_read_is_said_and_the_others_are_judged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a.eml", "b.eml"):
        (tmp_path / name).write_bytes(bytes(a_mail()))
    kind = stores._kind

    def refused(path: Path) -> str:
        # In place of file permissions, which mean nothing to root.
        if path.name == "a.eml":
            raise PermissionError(13, "Permission denied", str(path))
        return kind(path)

    monkeypatch.setattr(stores, "_kind", refused)
    unread, good = messages([str(tmp_path)])
    assert unread == Unjudged(str(tmp_path / "a.eml"), "it cannot be read: Permission denied")
    assert isinstance(good, Found)
    with pytest.raises(InputError, match="cannot be read: Permission denied"):
        next(messages([str(tmp_path / "a.eml")]))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes in folders")
def test_links_that_go_round_and_pipes_keep_nobody_waiting(tmp_path: Path) -> None:
    (tmp_path / "round").symlink_to(tmp_path)
    (tmp_path / "gone.eml").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "pipe.eml")
    (tmp_path / "a.eml").write_bytes(bytes(a_mail()))
    assert len(found_in(tmp_path)) == 1
    with pytest.raises(InputError, match="neither a file nor a folder"):
        list(messages([str(tmp_path / "pipe.eml")]))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "There is no file"),
        (b"", "is no message"),
        (b"Name,Email\n", "is no message"),
        (b"\x89PNG\0", "is no message"),
    ],
)
def test_a_named_file_that_is_no_mail_is_told_before_anything_is_judged(
    tmp_path: Path, content: bytes | None, words: str
) -> None:
    good, bad = tmp_path / "a.eml", tmp_path / "b.eml"
    good.write_bytes(bytes(a_mail()))
    if content is not None:
        bad.write_bytes(content)
    with pytest.raises(InputError, match=words):
        next(messages([str(good), str(bad)]))


# --- Outlook ----------------------------------------------------------------------------------------------------------


def a_msg(tmp_path: Path, **facts: Any) -> Path:
    file = tmp_path / "mail.msg"
    file.write_bytes(compound_file(a_message(**facts)))
    return file


def test_the_recipients_of_an_outlook_file(tmp_path: Path) -> None:
    file = a_msg(tmp_path, to=[ANA], cc=[BO], bcc=[CY])
    assert seen(file) == {("To", ANA), ("Cc", BO), ("Bcc", CY)}
    assert not seen(a_msg(tmp_path, to=[ANA]))


def test_an_outlook_file_with_a_great_many_recipients(tmp_path: Path) -> None:
    people = [f"guest{number}@example.org" for number in range(300)]
    assert seen(a_msg(tmp_path, to=people)) == {("To", who) for who in people}


def test_where_outlook_kept_the_headers_each_person_counts_once(tmp_path: Path) -> None:
    exchange = "/o=Ex/cn=Recipients/cn=ana"
    file = a_msg(tmp_path, to=[exchange], headers=f"From: a@department.example\r\nTo: Ana <{ANA}>\r\n")
    assert not seen(file)


def test_text_html_files_and_messages_inside_an_outlook_file(tmp_path: Path) -> None:
    inner = a_message(to=[BO, CY], body="Hello")
    mail = a_message(to=[ANA], body=f"Dear {BO}", html=f"<p>{CY}</p>", files={"staff.csv": BO.encode(), "Fwd": inner})
    file = tmp_path / "mail.msg"
    file.write_bytes(compound_file(mail))
    forwarded = {("Fwd/To", BO), ("Fwd/To", CY)}
    assert seen(file) == forwarded
    assert seen(file, ANA, BO, CY) == {("text", BO), ("html", CY), ("staff.csv", BO)} | forwarded


def test_an_outlook_file_that_is_attached_is_judged_with_its_own_recipients(tmp_path: Path) -> None:
    mail = EmailMessage()
    mail["To"] = ANA
    mail["From"] = CY
    content = compound_file(a_message(to=[ANA, BO]))
    mail.add_attachment(content, maintype="application", subtype="octet-stream", filename="thread.msg")
    file = tmp_path / "a.eml"
    file.write_bytes(bytes(mail))
    assert seen(file) == {("thread.msg/To", ANA), ("thread.msg/To", BO)}


def test_a_damaged_outlook_file_is_said_and_the_others_are_judged(tmp_path: Path) -> None:
    whole = compound_file(a_message(to=[ANA, BO], body="x" * 20_000))
    (tmp_path / "a.msg").write_bytes(whole[:700])
    (tmp_path / "b.msg").write_bytes(whole)
    damaged, good = messages([str(tmp_path)])
    assert isinstance(damaged, Unjudged) and damaged.file.endswith("a.msg")
    assert isinstance(good, Found) and judge(good.mail).leaks


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_no_damage_to_an_outlook_file_raises(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    whole = bytearray(compound_file(a_message(to=[ANA, BO], files={"a.txt": b"x" * 5000, "Fwd": a_message(to=[CY])})))
    for _ in range(data.draw(st.integers(1, 8))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    file = tmp_path_factory.mktemp("msg") / "a.msg"
    file.write_bytes(bytes(whole))
    for one in stores._in_file(file, "msg"):
        if isinstance(one, Found):
            judge(one.mail, Roll([ANA]))


# --- the standard library reads it the same ---------------------------------------------------------------------------

# The standard library takes line and paragraph separators in a subject for the ends of lines, and refuses them.
_WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Zl", "Zp"]), max_size=30)


@settings(max_examples=100, deadline=None)
@given(
    subject=_WORDS,
    name=_WORDS,
    bodies=st.lists(_WORDS, min_size=1, max_size=3),
    files=st.lists(st.tuples(_WORDS.filter(str.strip), st.binary(max_size=200)), max_size=3),
    smtp=st.booleans(),
)
def test_what_the_standard_library_writes_is_read_back(
    subject: str, name: str, bodies: list[str], files: list[tuple[str, bytes]], smtp: bool
) -> None:
    mail = EmailMessage(policy.SMTP if smtp else policy.default)
    mail["Subject"] = subject
    mail["To"] = Address(name, addr_spec=ANA)
    mail.set_content(bodies[0])
    for body in bodies[1:]:
        mail.add_alternative(body, subtype="html")
    for called, content in files:
        mail.add_attachment(content, maintype="application", subtype="x-data", filename=called)
    ours = read(bytes(mail))
    assert ours.first("subject").split() == subject.split()
    texts = [part.text().replace("\r\n", "\n").rstrip("\n") for part in ours.parts if not part.is_file]
    assert texts == [body.replace("\r", "\n").rstrip("\n") for body in bodies]
    assert [part.content for part in ours.parts if part.is_file] == [content for _, content in files]
    assert [part.names[0].split() for part in ours.parts if part.is_file] == [called.split() for called, _ in files]


@settings(max_examples=120, deadline=None)
@given(st.data())
def test_no_damage_to_a_message_raises(data: st.DataObject) -> None:
    mail = a_mail()
    mail.add_alternative("<p>Hello</p>", subtype="html")
    mail.add_attachment(
        b"BEGIN:VCALENDAR\nATTENDEE:mailto:a@b.example", maintype="text", subtype="calendar", filename="i.ics"
    )
    mail.add_attachment(a_mail(2))
    whole = bytearray(bytes(mail))
    for _ in range(data.draw(st.integers(1, 12))):
        at = data.draw(st.integers(0, len(whole) - 1))
        whole[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=4))
    judge(read(bytes(whole)), Roll([ANA, CY]))
