"""Answers out of a real mailbox: every folder, only what is new, and nothing in it is changed."""

import imaplib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event, Thread

import pytest
from imap_tools import FolderInfo

from tests.events import event_file
from tests.replies import mails
from tests.servers.dovecot import Dovecot
from tui.delivery import ImapLogin, Secret
from tui.errors import AccountError, BusyError
from tui.folder import Folder, open_folder
from tui.ledger import Planned, open_for_run
from tui.replies import Collector, Tally
from tui.replies.imap import _readable, opened

PEOPLE = ("ana", "bo", "cara", "dev")


def uid_of(name: str) -> str:
    return f"{name.encode().hex():0>40}@department.example"


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """An event to which four people were invited a moment ago."""
    (tmp_path / "event.toml").write_text(event_file(email="organiser@department.example"), encoding="utf-8")
    folder = open_folder([], event=str(tmp_path / "event.toml"), environment={})
    now = datetime.now(UTC).replace(microsecond=0)
    planned = [
        Planned(
            key=f"{name}@example.org",
            address=f"{name}@example.org",
            name=name.title(),
            group="",
            line=2,
            fields={},
            action="invite",
            uid=uid_of(name),
            sequence=0,
            generation=0,
            round=0,
            facts={"title": "Pathways to Work"},
            message_id=f"<{name}@department.example>",
            stamp=now,
            digest=name,
        )
        for name in PEOPLE
    ]
    with folder.ledger_to_write() as ledger:
        for id_ in ledger.begin("send", "work", "", planned):
            ledger.tried(id_, "digest", "accepted", "250 ok")
    return folder


@pytest.fixture
def login(dovecot: Dovecot) -> ImapLogin:
    return ImapLogin(dovecot.host, dovecot.tls_port, "tls", dovecot.username, Secret(dovecot.password), ca=dovecot.ca)


def take_in(folder: Folder, login: ImapLogin) -> Tally:
    collector = Collector(folder)
    collector.from_account(login, "work")
    return collector.tally


def answers(folder: Folder) -> dict[str, str]:
    with folder.ledger_to_read() as ledger:
        return {one.key.partition("@")[0]: one.response for one in ledger.answers().answers}


def an_answer(name: str, status: str = "ACCEPTED") -> bytes:
    raw = mails.on_the_wire(mails.by_google(uid_of(name), f"{name}@example.org", status))
    return raw.replace(b"<answer-1@", f"<{name}-{status.lower()}@".encode())


def validity(dovecot: Dovecot) -> bytes:
    """The inbox's UIDVALIDITY; it is made where there is none."""
    client = dovecot.client()
    try:
        return bytes(client.status("INBOX", "(UIDVALIDITY)")[1][0])
    finally:
        client.logout()


def flags(dovecot: Dovecot, name: str) -> list[bytes]:
    client = dovecot.client()
    try:
        client.select(name, readonly=True)
        return [line for line in client.fetch("1:*", "(FLAGS)")[1] if isinstance(line, bytes)]
    finally:
        client.logout()


def test_every_folder_is_read_once_and_nothing_in_it_is_changed(
    folder: Folder, login: ImapLogin, dovecot: Dovecot
) -> None:
    dovecot.put(an_answer("ana"))
    dovecot.put(an_answer("bo", "DECLINED"), "Trash")  # where Outlook and others put answers by themselves
    dovecot.put(an_answer("cara", "TENTATIVE"), '"Ge&APY-ffnet/a &- \\"b\\""')
    dovecot.put(mails.a_mail("shop@store.example", "Your order", message_id="<shop@x>").as_bytes(), "Trash")
    first = take_in(folder, login)
    assert (first.read, first.unmatched, first.unreadable) == (4, 1, [])
    assert answers(folder) == {"ana": "accepted", "bo": "declined", "cara": "tentative"}
    assert not [line for line in flags(dovecot, "INBOX") + flags(dovecot, "Trash") if b"\\Seen" in line]

    assert take_in(folder, login).read == 0
    dovecot.put(an_answer("dev"))
    dovecot.put(an_answer("ana"), "Trash")  # moved there: the same mail under another number
    assert take_in(folder, login).read == 1
    assert answers(folder)["dev"] == "accepted"


def test_only_what_is_new_is_fetched(folder: Folder, login: ImapLogin, dovecot: Dovecot) -> None:
    for name in PEOPLE[:3]:
        dovecot.put(an_answer(name))
    take_in(folder, login)
    with folder.ledger_to_read() as ledger:
        (place,) = ledger.read_so_far("work").values()
    assert (place.folder, place.uid) == ("INBOX", 3)
    with folder.ledger_to_write() as ledger:
        ledger.take_in([], [replace(place, uid=2)])
    seen: list[int] = []
    collector = Collector(folder, seen.append)
    collector.from_account(login, "work")
    assert seen == [1] and collector.tally.read == 0  # one was fetched, and was known


def test_a_mailbox_that_was_made_anew_is_read_from_its_beginning(
    folder: Folder, login: ImapLogin, dovecot: Dovecot
) -> None:
    dovecot.put(an_answer("ana"))
    dovecot.put(an_answer("bo"))
    take_in(folder, login)
    before = validity(dovecot)
    dovecot.clear()
    while validity(dovecot) == before:  # Dovecot makes it of the second
        dovecot.clear()
    dovecot.put(an_answer("cara"))
    dovecot.put(an_answer("ana"))
    assert take_in(folder, login).read == 1
    assert set(answers(folder)) == {"ana", "bo", "cara"}


def test_starttls_does_as_well(folder: Folder, login: ImapLogin, dovecot: Dovecot) -> None:
    dovecot.put(an_answer("ana"))
    other = replace(login, port=dovecot.port, security="starttls")
    assert take_in(folder, other).read == 1


def test_while_a_run_holds_the_ledger_nothing_is_taken_in_and_nothing_is_lost(
    folder: Folder, login: ImapLogin, dovecot: Dovecot
) -> None:
    dovecot.put(an_answer("ana"))
    with open_for_run(folder.ledger_path), pytest.raises(BusyError):
        take_in(folder, login)
    assert take_in(folder, login).read == 1


def test_a_refused_login_and_a_missing_server_are_said(folder: Folder, login: ImapLogin) -> None:
    with pytest.raises(AccountError, match="refused the login"):
        take_in(folder, replace(login, credential=Secret("wrong")))
    unreachable = replace(login, port=1)
    with pytest.raises(AccountError, match="cannot be reached"):
        take_in(folder, unreachable)


def test_what_came_before_the_first_invitation_is_not_read(folder: Folder, login: ImapLogin, dovecot: Dovecot) -> None:
    client = dovecot.client()
    long_ago = imaplib.Time2Internaldate(datetime.now(UTC) - timedelta(days=30))
    client.append("INBOX", "", long_ago, an_answer("ana"))
    client.logout()
    dovecot.put(an_answer("bo"))
    assert take_in(folder, login).read == 1


def test_where_one_folder_shows_all_mail_it_is_not_read_twice() -> None:
    folders = [
        FolderInfo("INBOX", "/", ("\\HasNoChildren",)),
        FolderInfo("[Gmail]", "/", ("\\Noselect",)),
        FolderInfo("[Gmail]/All Mail", "/", ("\\All",)),
        FolderInfo("[Gmail]/Bin", "/", ("\\Trash",)),
        FolderInfo("[Gmail]/Drafts", "/", ("\\Drafts",)),
        FolderInfo("[Gmail]/Spam", "/", ("\\Junk",)),
    ]
    assert [one.name for one in _readable(folders)] == ["[Gmail]/All Mail", "[Gmail]/Bin", "[Gmail]/Spam"]
    assert [one.name for one in _readable(folders[:2])] == ["INBOX"]


def test_the_server_says_when_something_has_come(login: ImapLogin, dovecot: Dovecot) -> None:
    came: list[bool] = []
    waiting = Event()

    def is_over() -> bool:
        waiting.set()
        return False

    def wait() -> None:
        with opened(login) as mailbox:
            came.append(mailbox.wait(is_over))
            came.append(mailbox.wait(lambda: True))

    thread = Thread(target=wait)
    thread.start()
    assert waiting.wait(60)
    dovecot.put(an_answer("ana"))
    thread.join(60)
    assert came == [True, False]
