"""Two ways to carry out what an organiser does: as the program does it, to the byte, and as the plan alone says it.

`Office` is what the simulation drives. `RealOffice` goes through the event folder: files, wording, guard, ledger and
the sending threads are the program's own; only the server is made up, so that it can be told what becomes of each
message, and that the machine dies at one. `PlanOffice` keeps a ledger in memory and composes nothing: a hundred times
as fast, for longer stories.
"""

import csv
import io
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal, get_args

import pytest

import tui.delivery
import tui.invitation
from tests.replies.mails import a_bounce
from tests.simulation.calendars import Calendars, Item
from tests.unit.making import LONDON, columns
from tests.unit.people import Book, changed
from tui.address import key_of
from tui.attendees import Attendee
from tui.delivery.faults import Fault, Receipt
from tui.delivery.steps import Steps
from tui.errors import LedgerError
from tui.event import Event
from tui.folder import Folder, open_folder
from tui.guard import Cleared
from tui.ledger import NOT_CALLED_OFF, Person
from tui.ledger.databases import postgresql, sqlite
from tui.mailing import Control
from tui.plan import Action, Amendment, Plan, clashes, make, make_cancel, make_resend
from tui.replies import Collector

Fate = Literal["taken", "refused", "deferred", "bounced", "lost", "arrived", "dead", "dead-lost", "dead-arrived"]
"""What becomes of a message: the server's answer; `bounced` is taken and comes back; `lost` and `arrived` are unknown
to the sender; at the last three the machine dies, before the message, or with it on its way."""

FATES: tuple[Fate, ...] = get_args(Fate)
ARRIVES = ("taken", "arrived", "dead-arrived")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the organiser's list. `human` is nothing that the program sees."""

    human: int
    name: str
    address: str
    status: str = ""
    room: str = "1"


@dataclass(frozen=True, slots=True)
class Facts:
    """What the event is."""

    start: datetime
    title: str = "Consultation"
    location: str = "Room 1"
    link: str = "https://meet.example/one"
    wording: int = 0

    def is_told_by(self, item: Item) -> bool:
        start = self.start.replace(tzinfo=LONDON).astimezone(UTC)
        told = (f"{start:%Y%m%dT%H%M%SZ}", self.title, self.location)
        return (item.start, item.title, item.location) == told and self.link in item.description


class Office(ABC):
    """`carry_out` returns who was sent what, as it arrived."""

    def __init__(self) -> None:
        self.calendars = Calendars()

    @abstractmethod
    def put(self, facts: Facts, rows: Sequence[Row], *, ids: bool) -> None:
        """The event file and the list say this from now on."""

    @abstractmethod
    def is_refused(self) -> bool:
        """Whether `check` finds errors in what was put."""

    @abstractmethod
    def plan(self) -> Plan: ...

    @abstractmethod
    def resend(self, who: str, amendment: Amendment | None = None) -> Plan: ...

    @abstractmethod
    def cancel(self, who: str | None) -> Plan: ...

    @abstractmethod
    def people(self) -> Mapping[str, Person]: ...

    @abstractmethod
    def carry_out(self, plan: Plan, fates: Sequence[Fate], command: str) -> list[tuple[str, Item]]: ...


_NO_POWER = "There is no power."
HEADERS = ("Name", "Email", "Status", "Room")


def as_attendees(rows: Sequence[Row], *, ids: bool) -> list[Attendee]:
    """What the list's reader makes of these rows."""
    made = columns(*(("Id",) if ids else ()), *HEADERS)
    found = []
    for line, row in enumerate(rows, 2):
        cells = (*((f"p{row.human}",) if ids else ()), row.name, row.address, row.status, row.room)
        key = f"p{row.human}" if ids else key_of(row.address)
        withdrawn = row.status or None
        found.append(Attendee(key, row.address, row.name, "", "list.csv", line, cells, made, withdrawn=withdrawn))
    return found


class PlanOffice(Office):
    """The plan, and a ledger in memory."""

    def __init__(self, event: Event) -> None:
        super().__init__()
        self._event, self._book = event, Book()
        self._rows: list[Attendee] = []
        self._wordings: dict[str, str] = {}

    def put(self, facts: Facts, rows: Sequence[Row], *, ids: bool) -> None:
        start = facts.start.replace(tzinfo=self._event.start.tzinfo)
        said = {"title": facts.title, "location": facts.location, "join_url": facts.link}
        self._event = changed(self._event, start=start, end=start + timedelta(hours=1), **said)
        self._rows = as_attendees(rows, ids=ids)
        self._wordings = dict.fromkeys(("invite", "update", "cancel"), f"wording {facts.wording}")

    def is_refused(self) -> bool:
        return any(clashes(self._rows, self._book.people))

    def plan(self) -> Plan:
        return make(self._event, self._rows, self._book.people, off=self._book.off, wordings=self._wordings)

    def resend(self, who: str, amendment: Amendment | None = None) -> Plan:
        listed = {row.key: row for row in self._rows}
        return make_resend(self._event, listed, self._book.people, [who], amendment=amendment, wordings=self._wordings)

    def cancel(self, who: str | None) -> Plan:
        listed = {row.key: row for row in self._rows}
        return make_cancel(self._event, listed, self._book.people, None if who is None else [who])

    def people(self) -> Mapping[str, Person]:
        return self._book.people

    def carry_out(self, plan: Plan, fates: Sequence[Fate], command: str) -> list[tuple[str, Item]]:
        book, arrived = self._book, []
        book.carry_out(plan, "unsent")
        if plan.decisions.resumed and any(action.action != "cancel" for action in plan.to_send):
            book.off = NOT_CALLED_OFF
        for at, action in enumerate(plan.to_send):
            fate = fates[at] if at < len(fates) else "taken"
            if fate == "dead":
                break
            if fate in ("refused", "deferred"):
                book.put([action], "refused" if fate == "refused" else "deferred", "no")
                continue
            book.put([action], "accepted" if fate in ("taken", "bounced") else "unknown")
            if fate == "bounced":
                book.bounce(action)
            if fate in ARRIVES:
                item = self._item(action)
                self.calendars.receive(action.attendee.address, item)
                arrived.append((action.attendee.address, item))
            if fate.startswith("dead"):
                break
        return arrived

    def _item(self, action: Action) -> Item:
        (sent,) = (
            message
            for message in self._book.people[action.attendee.key].messages
            if (message.uid, message.sequence, message.round) == (action.uid, action.sequence, action.round)
        )
        facts = action.facts or {}
        start = datetime.fromisoformat(facts["start"]).astimezone(UTC)
        return Item(
            method="CANCEL" if action.action == "cancel" else "REQUEST",
            uid=action.uid,
            sequence=action.sequence,
            stamp=sent.stamp,
            organizer=self._event.organizer.email,
            attendees=(action.attendee.address,),
            title=facts["title"],
            location=facts["location"],
            start=f"{start:%Y%m%dT%H%M%SZ}",
            description=facts["join_url"],
        )


@dataclass
class Server:
    """The made-up server of all connections: what becomes of the next messages, and what has arrived."""

    calendars: Calendars
    fates: list[Fate] = field(default_factory=list)
    arrived: list[tuple[str, Item]] = field(default_factory=list)
    bounced: list[str] = field(default_factory=list)
    """The Message-IDs of those that come back."""
    is_dead: bool = False


class MadeUpConnection:
    """What `tui.mailing` asks of a connection, without a network."""

    offers_smtputf8 = True

    def __init__(self, server: Server) -> None:
        self._server = server
        self._ahead: Cleared | None = None

    def open(self) -> None: ...

    def close(self) -> None: ...

    def abort(self) -> None: ...

    def leave(self) -> None:
        self._ahead = None

    def is_answered(self) -> bool:
        return self._ahead is not None

    def delivering(self, message: Cleared, *, on_body: Callable[[], Steps[Cleared | None]]) -> Steps[Receipt | Fault]:
        assert self._ahead is None or self._ahead is message
        self._ahead = None
        server = self._server
        fate = server.fates.pop(0) if server.fates else "taken"
        if fate == "refused":
            return Fault("refused", "message", "550 5.1.1 User unknown", "rcpt")
        if fate == "deferred":
            return Fault("deferred", "message", "450 4.2.0 Come back later", "rcpt")
        if fate == "dead":
            server.is_dead = True
            raise LedgerError(_NO_POWER)
        ahead = yield from on_body()
        if fate in ARRIVES:
            item = server.calendars.receive_mail(message.recipient, message.raw)
            server.arrived.append((message.recipient, item))
        if fate.startswith("dead"):
            server.is_dead = True
            raise LedgerError(_NO_POWER)
        if fate == "bounced":
            server.bounced += [line[12:] for line in message.raw.decode().split("\r\n") if line[:12] == "Message-ID: "]
        elif fate != "taken":
            return Fault("unknown", "connection", "the connection was lost", "dot")
        self._ahead = ahead
        return Receipt("250 2.0.0 Ok")


class Machine:
    """What the program runs on, made up for a test: its connections, the power of its ledger, and wordings that are
    compiled once (which is most of what opening a folder costs). `texts` are the calendar objects that it has sent."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.server = Server(Calendars())
        self.texts: set[str] = set()
        self._wordings: dict[tuple[str, str | None], Any] = {}
        load = tui.invitation.load_wording

        def until_dead(does: Callable[..., Any]) -> Callable[..., Any]:
            """What a database does, and does no more once the machine has died."""

            def done(*asked: object) -> Any:
                if self.server.is_dead:
                    raise LedgerError(_NO_POWER)
                return does(*asked)

            return done

        def once(name: str, folder: Path, subject: str | None) -> Any:
            assert not (folder / "templates").exists(), "only the wordings that ship are the same everywhere"
            if (name, subject) not in self._wordings:
                self._wordings[name, subject] = load(name, folder, subject)
            return self._wordings[name, subject]

        patch.setattr(tui.delivery, "Connection", lambda *_, **__: MadeUpConnection(self.server))
        patch.setattr(sqlite.File, "all_of", until_dead(sqlite.File.all_of))
        patch.setattr(postgresql.Shared, "all_of", until_dead(postgresql.Shared.all_of))
        patch.setattr(postgresql.Shared, "settle_and_begin", until_dead(postgresql.Shared.settle_and_begin))
        patch.setattr(tui.invitation, "load_wording", once)


class RealOffice(Office):
    """An event folder on the disk; its ledger is beside it, or at an address."""

    def __init__(self, machine: Machine, folder: Path, head: str = "", ledger: str = "") -> None:
        super().__init__()
        self.folder, self.head = folder, head or HEAD
        self._environment = {f"INVITE_TUI_SMTP_{name}": value for name, value in _SMTP.items()}
        self._environment |= {"INVITE_TUI_LEDGER": ledger} if ledger else {}
        self.calendars.texts = machine.texts
        self._server = machine.server = Server(self.calendars)

    def put(self, facts: Facts, rows: Sequence[Row], *, ids: bool) -> None:
        end = facts.start + timedelta(hours=1)
        event = self.head.format(
            title=facts.title,
            start=facts.start.isoformat(),
            end=end.isoformat(),
            location=facts.location,
            link=facts.link,
            wording=facts.wording,
        )
        (self.folder / "event.toml").write_text(event, encoding="utf-8")
        text = io.StringIO()
        out = csv.writer(text)
        out.writerow([*(["Id"] if ids else []), *HEADERS])
        for row in rows:
            out.writerow([*([f"p{row.human}"] if ids else []), row.name, row.address, row.status, row.room])
        (self.folder / "list.csv").write_text(text.getvalue(), encoding="utf-8", newline="")

    def _opened(self) -> Folder:
        return open_folder([str(self.folder / "list.csv")], environment=self._environment)

    def is_refused(self) -> bool:
        return bool(self._opened().errors)

    def plan(self) -> Plan:
        return self._opened().plan()

    def resend(self, who: str, amendment: Amendment | None = None) -> Plan:
        return self._opened().plan_resend([who], amendment)

    def cancel(self, who: str | None) -> Plan:
        return self._opened().plan_cancel(None if who is None else [who])

    def people(self) -> Mapping[str, Person]:
        return self._opened().people()

    def carry_out(self, plan: Plan, fates: Sequence[Fate], command: str) -> list[tuple[str, Item]]:
        server = self._server
        server.fates, server.arrived, server.bounced, server.is_dead = list(fates), [], [], False
        try:
            for _ in self._opened().send(plan, control=Control(), command=command):
                pass
        except Exception:
            if not server.is_dead:
                raise
        server.is_dead = False
        self._read_bounces()
        return server.arrived

    def _read_bounces(self) -> None:
        """What came back is read before the organiser does anything else."""
        box = self.folder / "bounces"
        box.mkdir(exist_ok=True)
        for id_ in self._server.bounced:
            name = id_.strip("<>")
            (box / f"{name}.eml").write_bytes(a_bounce("x@relay.example", envelope=name, message_id=f"<dsn-{name}>"))
        if self._server.bounced:
            Collector(self._opened()).from_files([str(box)])


_SMTP = {"HOST": "localhost", "SECURITY": "none", "RETRIES": "0", "BACKOFF": "0", "PER_MINUTE": "0"}
HEAD = """\
[event]
title = "{title}"
start = {start}
end = {end}
timezone = "Europe/London"
location = "{location}"
join_url = "{link}"
description = "wording {wording}"
uid = "0f3b5c7d9e1a2b4c6d8e0f3b5c7d9e1a"

[organizer]
name = "Consultation team"
email = "consultations@department.example"
"""
