"""A message like those that were cleared is not read again where that finds the same: compared with reading it."""

from base64 import b64decode, b64encode
from binascii import a2b_qp, b2a_qp
from dataclasses import replace
from html import escape
from itertools import cycle, product
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.making import a_revision, a_wording, an_attendee, an_event
from tui.guard import Cleared, Leak, Roll, clear, inspection, masking
from tui.guard.hashes import Marks
from tui.guard.likeness import Likeness
from tui.guard.masking import can_stand_alone, is_plain_address
from tui.guard.spelling import hex_in, hidden_in
from tui.invitation import Composer


class Person(NamedTuple):
    name: str
    address: str
    number: int = 0
    reference: str = ""
    message_id: str = ""
    cell: str = ""

    @property
    def words(self) -> str:
        """As a mailing says them to the guard."""
        return f"{self.name}\n{self.cell}" if self.cell else self.name

    def fill(self, text: str) -> str:
        reference = self.reference or f"{self.number * 2**150 // 7 % 2**160:040x}"
        message_id = self.message_id or f"{self.number * 2**120 // 7 % 2**128:032x}@department.example"
        encoded = b64encode(self.name.encode()).decode()
        own = {"«N»": self.name, "«B»": encoded, "«A»": self.address, "«R»": reference, "«M»": message_id}
        # A cell as it is, as a text spells it, and as a page does.
        own |= {
            "«V»": quoted(self.name),
            "«C»": self.cell,
            "«Q»": quoted(self.cell),
            "«H»": quoted(escape(self.cell, quote=False)),
        }
        for mark, said in own.items():
            text = text.replace(mark, said)
        return text


TO = "«N» <«A»>"
WORDED = "=?utf-8?b?«B»?=\n <«A»>"
TEXT = "Dear «N»,\n\nPlease come. We wrote to «A» alone."
HTML = '<p style=3D"color: red">Dear <b>«N»</b>,</p>\n<p>Please come.</p>'
CALENDAR = (
    "BEGIN:VCALENDAR\nMETHOD:REQUEST\nBEGIN:VEVENT\nUID:«R»@department.example\nSEQUENCE:0\n"
    'ATTENDEE;RSVP=TRUE;CN="«N»":mailto:«A»\nDESCRIPTION:Please come.\nEND:VEVENT\nEND:VCALENDAR\n'
)


def letter(  # each is a place
    who: Person,
    *,
    to: str = TO,
    subject: str = "Hello",
    more: str = "",
    kind: str = "",
    text: str = TEXT,
    text_head: str = "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: quoted-printable",
    html: str = HTML,
    calendar: str = CALENDAR,
    copy: str = "",
    attached: str = "",
    end: str = "",
    boundary: str = "=_x",
) -> bytes:
    """A message as nobody's composer would make it, with marks for what is the recipient's own."""
    calendar, copy = (in_base64(folded(who.fill(said))) for said in (calendar, copy or calendar))
    text, html = (in_lines(who.fill(said)) for said in (text, html))
    file = f"--{boundary}\nContent-Type: text/plain\nContent-Disposition: attachment; filename=a.txt\n\n{attached}\n"
    file = file if attached else ""
    said = (
        f"From: Team <team@department.example>\nTo: {to}\nSubject: {subject}\nMessage-ID: <«M»>\n{more}"
        f'X-Invite-Tui-Ref: «R»\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="{boundary}"{kind}\n\n'
        f"--{boundary}\n{text_head}\n\n{text}\n"
        f"--{boundary}\nContent-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\n{html}\n"
        f"--{boundary}\nContent-Type: text/calendar; method=REQUEST\nContent-Transfer-Encoding: base64\n\n{calendar}\n"
        f"--{boundary}\nContent-Type: application/ics\nContent-Transfer-Encoding: base64\n"
        f'Content-Disposition: attachment; filename="invite.ics"\n\n{copy}\n{file}--{boundary}--\n{end}'
    )
    return who.fill(said).replace("\n", "\r\n").encode()


def quoted(name: str) -> str:
    return "".join(chr(octet) if octet < 128 and octet != 61 else f"={octet:02X}" for octet in name.encode())


def in_lines(printable: str) -> str:
    """Quoted-printable in lines of at most 76."""
    return "\n".join(
        b2a_qp(a2b_qp(line.encode())).decode() if len(line) > 76 else line for line in printable.split("\n")
    )


def folded(calendar: str) -> str:
    """A calendar object as RFC 5545 §3.1 has it, in characters."""
    lines = [[line[:75], *(line[at : at + 74] for at in range(75, len(line), 74))] for line in calendar.split("\n")]
    return "\n".join("\n ".join(pieces) for pieces in lines)


def in_base64(calendar: str) -> str:
    """A calendar object in lines of 76, as it stands in every message."""
    encoded = b64encode(calendar.replace("\n", "\r\n").encode()).decode()
    return "\n".join(encoded[begin : begin + 76] for begin in range(0, len(encoded), 76))


FOLDED = CALENDAR.replace("«A»", "bo.li@exam\n ple.com")

ANA = Person("Ana Ruiz", "ana@example.org", 1)
BO = Person("Bo Li", "bo.li@example.com", 2)
ODA = Person("Oda Nilsen", "o'da@example.fr", 6)
CY, TOM, EVE = (
    Person("Cyan Moss", "cyan@example.net", 3),
    Person("Tom Hart", "tom@example.net", 4),
    Person("Eve Young", "eve@example.net", 5),
)
LISTED = [*(one.address for one in (ANA, BO, CY, TOM, EVE)), "b@ex.org", "ana@example.org.uk"]


class Trap(NamedTuple):
    """Messages that are cleared, and one like them, to somebody else, that must not be.

    `kind` is how all are made, `last` how only the third is; `own` are the words of the first two recipients.
    """

    kind: dict[str, str]
    whom: Person = ANA
    first: tuple[Person, Person] = (CY, TOM)
    last: dict[str, str] = {}  # noqa: RUF012  # nobody changes it
    values: tuple[str, ...] = ()
    listed: tuple[str, ...] = ()
    own: str = ""

    def roll_of(self) -> tuple[list[str], tuple[str, ...], str, str]:
        """Who is on the list, its internal values, who is public, and what everybody is told."""
        return [*LISTED, *self.listed], self.values, "team@department.example", "Please come"

    def roll(self) -> Roll:
        listed, values, public, common = self.roll_of()
        return Roll(listed, values, [public], common)

    def letters(self, more: str = "") -> list[tuple[bytes, str, str]]:
        """The messages, each with its recipient and their words; `more` is in the last page only.

        After two of a kind what they are made of is known; after three, a whole message.
        """
        third = self.first[1]._replace(number=7)
        first = [(letter(who, **self.kind), who.address, f"{who.words}\n{self.own}") for who in (*self.first, third)]
        last = {**self.kind, **self.last}
        last["html"] = last.get("html", HTML) + more
        return [*first, (letter(self.whom, **last), self.whom.address, self.whom.words)]


HEX = "626f2e6c69406578616d706c652e636f6d"
TRAPS = {
    # What the message says of itself.
    "a gap of its own": Trap({"text": "For «A» alone"}, last={"text": "For \0p alone"}),
    "a gap in the calendar": Trap({}, last={"calendar": CALENDAR.replace("«A»", "\0p")}),
    "another copy": Trap({}, last={"copy": CALENDAR.replace("«A»", BO.address)}),
    "another end": Trap({}, last={"end": f"{BO.address}\n"}),
    "another text": Trap({}, last={"text": f"{TEXT} {BO.address}"}),
    "another calendar": Trap({}, last={"calendar": CALENDAR.replace("come", BO.address)}),
    "another recipient": Trap({}, last={"to": f"«N» <{BO.address}>"}),
    "another attendee": Trap({}, last={"calendar": CALENDAR.replace("«A»", BO.address)}),
    "another attendee, whose address is folded": Trap({"calendar": FOLDED}, first=(BO, BO._replace(number=9))),
    "another address, that is broken": Trap(
        {"text": f"{TEXT} («A»)".replace("«A»", "bo.li@exam=\nple.com")}, first=(BO, BO._replace(number=9))
    ),
    "another value, that is broken": Trap(
        {"text": "Dear «N»,\n\nyours, Lone par=\nent"},
        first=(CY._replace(name="Lone parent"), CY._replace(name="Lone parent", number=9)),
        values=("Lone parent",),
    ),
    "another recipient, who is on no list": Trap(
        {"to": "<«A»>", "text": "Hi", "html": "Hi", "calendar": CALENDAR.replace("«N»", "x")},
        first=(ODA, ODA._replace(number=9)),
        last={"to": f"<{ODA.address}>", "calendar": CALENDAR.replace("«N»", "x").replace("«A»", ODA.address)},
    ),
    "stand-ins of its own": Trap({"text": "qzxjt, dear «N» draw"}, values=("Ruiz draw",)),
    "stand-ins in the calendar": Trap(
        {"calendar": CALENDAR.replace("Please", "qzxjt «N» draw")}, values=("Ruiz draw",)
    ),
    # What is somebody's own is nobody else's.
    "it was Bo's own": Trap({"text": "We wrote to bo.li=40example.com: «N»"}, first=(BO, BO._replace(number=9))),
    "it was Bo's own, in the calendar": Trap(
        {"calendar": CALENDAR.replace("Please", "bo.li%40example.com")}, first=(BO, BO._replace(number=9))
    ),
    "it was Bo's own, in a header": Trap({"subject": "Hello bo.li%40example.com"}, first=(BO, BO._replace(number=9))),
    "it was Bo's own, in a file": Trap({"attached": BO.address}, first=(BO, BO._replace(number=9))),
    "it was the first ones' own": Trap({"text": "Lower Hutt"}, values=("Lower Hutt",), own="Lower Hutt"),
    # What is the recipient's own gives others away.
    "a name in base64": Trap({}, ANA._replace(name="YkBleC5vcmc")),
    "a wide name in base64": Trap(
        {"to": "<«A»>", "text": "Hi", "html": "Hi"},
        ANA._replace(name="Жук YkBleC5vcmc"),
        first=(CY._replace(name="Жан"), TOM._replace(name="Жора")),
    ),
    "a wide name in wide base64": Trap(
        {"to": WORDED, "text": "Hi", "html": "Hi", "calendar": CALENDAR.replace("«N»", "x")},
        ANA._replace(name="ＹＷＪＡＺＸｇｕＺＧＵ"),
        first=(CY._replace(name="Жан"), TOM._replace(name="Жора")),
        listed=("ab@ex.de",),
    ),
    "a wide name in base64 that has no digits": Trap(
        {"to": WORDED, "text": "Hi", "html": "Hi"},
        ANA._replace(name="Zoë YWJAZXguZGU"),
        first=(CY._replace(name="Åke"), TOM._replace(name="Eva Öst")),
        listed=("ab@ex.de",),
    ),
    "a reference in wide digits": Trap({}, ANA._replace(reference="ｂ＠ｅ．ｆ     ".encode().hex()), listed=("b@e.f",)),
    "a reference before the rest of a value": Trap(
        {"subject": "For «R» draw"}, ANA._replace(reference="1" * 40), values=(f"{'1' * 40} draw",)
    ),
    "a reference in digits": Trap({}, ANA._replace(reference=HEX)),
    "a Message-ID that is listed": Trap(
        {}, ANA._replace(message_id=f"{'0' * 32}@b.example"), listed=(f"{'0' * 32}@b.example",)
    ),
    "a Message-ID of a provider": Trap(
        {}, ANA._replace(message_id=f"{'0' * 32}@googlemail.com"), listed=(f"{'0' * 32}@gmail.com",)
    ),
    "a Message-ID with a domain in base64": Trap({}, ANA._replace(message_id=f"{'0' * 32}@YkBleC5vcmc.example")),
    "a Message-ID in a cipher": Trap(
        {}, ANA._replace(message_id=f"{'a' * 32}@rknzcyr.pbz"), listed=(f"{'n' * 32}@example.com",)
    ),
    "a UID that is listed": Trap({}, listed=(ANA.fill("«R»@department.example"),)),
    "an address from the other side": Trap(
        {}, ANA._replace(address="moc.elpmaxe@il.ob"), listed=("moc.elpmaxe@il.ob",)
    ),
    "an address in base64": Trap(
        {}, ANA._replace(address="YkBleC5vcmc@example.org"), listed=("YkBleC5vcmc@example.org",)
    ),
    "an address that goes on": Trap({}, ANA._replace(address="ana@example.org.fr"), listed=("x@y.fr",)),
    # What is the recipient's own is half of something.
    "a name and a domain": Trap(
        {"text": "«N»@example.com"}, ANA._replace(name="bo.li")._replace(name="zed"), listed=("zed@example.com",)
    ),
    "a name before a domain in words": Trap(
        {"text": "To «N» at example dot com"}, ANA._replace(name="Dan"), listed=("dan@example.com",)
    ),
    "a name and an entity": Trap(
        {"html": "<p> «N» &#64;example.com"}, ANA._replace(name="Dan"), listed=("dan@example.com",)
    ),
    "a name in a token": Trap({"text": "YkBleC5v«N»"}, ANA._replace(name="cmc")),
    "a name and the next line": Trap(
        {"text": "For you,\n«N»\n@example.com"}, ANA._replace(name="Zed"), listed=("zed@example.com",)
    ),
    "a name after a line": Trap(
        {"text": "bo.li@\n«N»\n.com", "html": "Hi"}, ANA._replace(name="example"), listed=("x@y.com",)
    ),
    "a name that is an address": Trap({"to": "<«A»>"}, ANA._replace(name=BO.address)),
    "an address that goes on in the next line": Trap(
        {"text": "We wrote «A»\nanic.fr"}, listed=("ana@example.organic.fr",)
    ),
    "an address and the next line": Trap({"text": "We wrote to\n«A»\n.uk"}),
    "an address after a line": Trap({"text": "x.\n«A» yes"}, listed=("x.ana@example.org",)),
    "an address and the next cell": Trap({"text": "We wrote «A»\tbo"}, listed=("bo@example.org",)),
    "an address after a quotation mark": Trap({"text": 'Say x."«A» yes'}, listed=("x.ana@example.org",)),
    "an address after a tag": Trap({"html": "<p>Hi x<b>«A» yes</b></p>"}, listed=("xana@example.org",)),
    "an address after what is hidden": Trap(
        {"html": "<p>Hi x<b hidden>y</b><b>«A» yes</b></p>"}, listed=("xana@example.org",)
    ),
    "an address and a hyphen": Trap(
        {"text": "We wrote to («A») alone"}, ANA._replace(address="x@bo-example.org"), listed=("bo@example.org",)
    ),
    "an address and an underscore": Trap(
        {"text": "We wrote to («A») alone"},
        ANA._replace(address="bo_example.org.x@example.net"),
        listed=("bo@example.org", "bo_example.org.x@example.net"),
    ),
    "an address that says at": Trap(
        {"text": "Dear «N», bo («A») yes"},
        ANA._replace(address="at-example.org@example.net"),
        listed=("bo@example.org",),
    ),
    "codes and an address": Trap(
        {"text": "So 62 40 65 2e «A» yes"}, ANA._replace(address="66.x@example.org"), listed=("b@e.f",)
    ),
    "codes around a name": Trap({"text": "So 62 40 «N» 65 2e 66 yes"}, ANA._replace(name="Dee Abe"), listed=("b@e.f",)),
    "a reference that goes on in the text": Trap(
        {"text": "62406578«R» yes"},
        ANA._replace(reference=f"2e6f726720{'20' * 12}"),
        first=(CY._replace(reference="ab" * 20), TOM._replace(reference="ab" * 20)),
        listed=("b@ex.org",),
    ),
    "a value after": Trap({"text": "«N» draw"}, values=("Ruiz draw",)),
    "a value before": Trap({"text": "Lottery «N»"}, values=("Lottery Ana",)),
    "a value that goes on in the next line": Trap({"text": "Dear «N»,\n\ndraw lots"}, values=("Ruiz draw",)),
    "a value that began in the line before": Trap({"text": "a Lottery\n«N» yes"}, values=("Lottery Ana",)),
    "a value in the page": Trap({"html": "<p>Lone<b>«N»</b></p>"}, values=("Loneana Ruiz",)),
    "a value in the calendar, over the joint": Trap(
        {"calendar": CALENDAR.replace("come.", "come; «N» draw")}, values=("Ruiz draw",)
    ),
    "a value in the subject": Trap({"subject": "For «N» draw"}, values=("Ruiz draw",)),
    "a date": Trap({"text": "on 6 «N» 2027"}, ANA._replace(name="May"), values=("2027-05-06",)),
    "a telephone number": Trap({"text": "call 020 7946 «N»"}, ANA._replace(name="0958"), values=("02079460958",)),
    # What is the recipient's own makes something else of the message.
    "a property": Trap(
        {"calendar": CALENDAR.replace("END:VEV", "«N»:mailto:x\nEND:VEV")}, ANA._replace(name="Attendee")
    ),
    "digits in base64": Trap(
        {
            "text_head": "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64",
            "text": "eHhtw«N»OpbiAg",
        },
        ANA._replace(name="6lsb8"),
        first=(CY._replace(name="6ltYc"), TOM._replace(name="6luYc")),
        values=("xxméloén",),
    ),
    "a file in the page that is a name": Trap(
        {"html": '<a href=3D"data:,«N»">x</a>'},
        ANA._replace(name="BZhao"),
        first=(CY._replace(name="Cyan"), TOM._replace(name="Hart")),
    ),
    "an octet": Trap(
        {"text": "Lone=«N»"},
        ANA._replace(name="20parent"),
        first=(CY._replace(name="Nora Moss"), TOM._replace(name="Sol Hart")),
        values=("Lone parent",),
    ),
    "a file in the page": Trap(
        {"html": '<img src=3D"data:;base64,«N»">'},
        ANA._replace(name="AAECAwQFBgcICQoLDA"),
        first=(CY._replace(name="QUJDREVG"), TOM._replace(name="QUJDREVH")),
    ),
    "a parameter": Trap({"kind": "; x=«N»"}, first=(CY._replace(name="Cyan"), TOM._replace(name="Hart"))),
    "a parameter of a part": Trap(
        {"text_head": "Content-Type: text/plain; x=«N»\nContent-Transfer-Encoding: quoted-printable"},
        first=(CY._replace(name="Cyan"), TOM._replace(name="Hart")),
    ),
    "an encoded word": Trap(
        {"subject": "=?utf-8?q?(«N»)?="}, first=(CY._replace(name="Cyan"), TOM._replace(name="Hart"))
    ),
}


PLACED = {
    "text": {"text": "Dear «N»,\n\nJoin online («Q») and\nbe there."},
    "page": {"html": '<p>Dear «N»,</p>\n<p><a href=3D"«H»" style=3D"color: red">Join</a> now.</p>'},
    "calendar": {"calendar": CALENDAR.replace("come.", "come.\\n\\n«C»")},
}
"""Where a link of one's own stands in most messages."""
FIRST_LINKS = ("https://meet.example/j/8123?p=42", "https://meet.example/j/9456?p=17", "https://meet.example/j/77?p=51")
LINKS = {
    "in entities": "https://meet.example/j?u=b&#64ex&#46org",
    "in percents": "https://meet.example/j?u=bo.li%40example.com",
    "in percents twice": "https://meet.example/j?u=bo.li%2540example.com",
    "in base64": "https://meet.example/j/Ym8ubGlAZXhhbXBsZS5jb20",
    "in base64 in the query": "https://meet.example/j?u=Ym8ubGlAZXhhbXBsZS5jb20&v=1",
    "in base64 in the fragment": "https://meet.example/j#Ym8ubGlAZXhhbXBsZS5jb20",
    "in base64 of percents": "https://meet.example/j/Ym8ubGklNDBleGFtcGxlLmNvbQ",
    "in base32": "https://meet.example/j/MJXS43DJIBSXQYLNOBWGKLTDN5WQ",
    "in hexadecimal digits": "https://meet.example/j/626f2e6c69406578616d706c652e636f6d",
    "in codes": "https://meet.example/j/98-111-46-108-105-64-101-120-97-109-112-108-101-46-99-111-109",
    "in octets": "https://meet.example/j?u=bo.li=40example.com",
    "in octets of octets": "https://meet.example/j?u=bo.li==340example.com",
    "in octets of base64": "https://meet.example/j/Ym8ubGlAZXhhbXBsZS5jb=320",
    "in an entity": "https://meet.example/j?u=bo.li&#64example.com",
    "in octets of percents": "https://meet.example/j?u=bo.li=2540example=252ecom",
    "in a closed entity": "https://meet.example/j?u=bo.li&commat;example.com",
    "in words": "https://meet.example/j/bo.li-at-example-dot-com",
    "in large words": "https://meet.example/j/bo.liATexample.com",
    "in nothing but large words": "https://meet.example/j/bo.liATexampleDOTcom",
    "as it is": "https://meet.example/j/bo.li@example.com",
    "as who logs in": "https://bo.li@example.com/j",
    "as the host and the path": "https://example.com/bo.li",
    "as the host and the query": "https://example.com?bo.li",
    "as the host and a shorter path": "https://example.com/bo.li.x/y",
    "as the host and octets": "https://example.com/=2c=2cbo.li",
    "as the host": "https://bo.li-example.com/j",
    "as a relay says it": "https://meet.example/j/bo.li=example.com",
    "as a directory says it": "https://meet.example/j/bo.li_example.com",
    "from the other side": "https://meet.example/j/example.com/bo.li",
}
"""Links that name Bo."""


CAPITALS = b64encode(b"jjkk.jjj!zzz").decode().upper()  # which names zzz@jjkk.jjj in small letters


def linked(who: Person, link: str, number: int = 0) -> Person:
    return who._replace(cell=link, number=number or who.number)


WITH_LINKS = (linked(CY, FIRST_LINKS[0]), linked(TOM, FIRST_LINKS[1]))
TRAPS |= {
    f"a link in the {place}, {name}": Trap(PLACED[place], linked(ANA, link), WITH_LINKS)
    for place, (name, link) in zip(cycle(PLACED), LINKS.items(), strict=False)
}
TRAPS |= {
    "a link that was Bo's own": Trap(
        {"text": "Join («Q»), bo.li=40example.com"},
        linked(ANA, FIRST_LINKS[2]),
        (linked(BO, FIRST_LINKS[0]), linked(BO, FIRST_LINKS[1], 9)),
    ),
    "a link, and another's address behind it": Trap(
        PLACED["text"], linked(ANA, FIRST_LINKS[2]), WITH_LINKS, {"text": f"{PLACED['text']['text']} {BO.address}"}
    ),
    "a link, and a word of another's": Trap(
        {"text": "So «Q» dot com"}, linked(ANA, "https://meet.example/bo-at-x"), WITH_LINKS, listed=("bo@x.com",)
    ),
    "a link and brackets": Trap(
        {"text": "So («Q») example dot com"},
        linked(ANA, "https://meet.example/j/bo.li-at"),
        WITH_LINKS,
    ),
    "a link and the next line": Trap(
        {"text": "Join:\n«Q»\ncmc"}, linked(ANA, "https://meet.example/?u=3DYkBleC5v"), WITH_LINKS
    ),
    "a link and the next line of the page": Trap(
        {"html": "<p>Join: «H»</p>\n<p>GV4YW1wbGUuY29t</p>"},
        linked(ANA, "https://meet.example/?u=Zm9yIHlvdSwgYW5kIGJvLmxpQ"),
        WITH_LINKS,
    ),
    "a link, nothing, and a line": Trap(
        {"text": "Join:\n«Q»\n\n@example.com"}, linked(ANA, "https://meet.example/?u=bo.li"), WITH_LINKS
    ),
    "a link and digits": Trap({"text": "So «Q»cmc yes"}, linked(ANA, "https://meet.example/YkBleC5v"), WITH_LINKS),
    "a link behind digits": Trap({"text": "So 626f2e6c6940«Q» yes"}, linked(ANA, "6578616d706c652e636f6d"), WITH_LINKS),
    "a link and codes": Trap(
        {"text": "So «Q» 65 2e 66 yes"}, linked(ANA, "https://meet.example/x?62-40"), WITH_LINKS, listed=("b@e.f",)
    ),
    "a link and half an octet": Trap(
        {"text": "So «C»"}, linked(ANA, "https://meet.example/bo.li=40example.com"), WITH_LINKS
    ),
    "a link in another": Trap(
        {"html": '<a href=3D"https://r.example/?u=3D«H»">x</a>'},
        linked(ANA, "https://bo.li=40example.com"),
        WITH_LINKS,
    ),
    "a link that hides": Trap(
        {"html": '<p>bo.li<a href=3D"«H»" id=3D"x">x\ny</a> at example dot com</p>\n'},
        linked(ANA, "https://meet.example/mso-hide"),
        WITH_LINKS,
    ),
    "a link as a file": Trap(
        {"html": '<a href=3D"data:,«H»">x</a>'}, linked(ANA, "https://meet.example/bo.li=40example.com"), WITH_LINKS
    ),
    "a link and the rest of a value": Trap(
        {"text": "See «Q» parent"}, linked(ANA, "https://meet.example/lone"), WITH_LINKS, values=("Lone parent",)
    ),
    "a link and the rest of a value, in octets": Trap(
        {"text": "See «Q» parent"}, linked(ANA, "https://meet.example/?=4cone"), WITH_LINKS, values=("Lone parent",)
    ),
    "a link and the rest of a value, in octets of octets": Trap(
        {"text": "See «Q» parent"}, linked(ANA, "https://meet.example/?==34cone"), WITH_LINKS, values=("Lone parent",)
    ),
    "a link with a value in two octets that are one letter": Trap(
        {"text": "See «Q» yes"},
        linked(ANA, "https://meet.example/?q=lone-p=d0=b0rent"),
        WITH_LINKS,
        values=("Lone parent",),
    ),
    "a link with capitals, and words": Trap(
        {"text": "See «Q» boatexampledotcom"},
        linked(ANA, "https://meet.example/xATy"),
        WITH_LINKS,
        listed=("bo@example.com",),
    ),
    "a link with an octet, beside capitals": Trap(
        {"text": f"See «Q» {CAPITALS} yes"},
        linked(ANA, "https://meet.example/?id=8012"),
        WITH_LINKS,
        listed=("zzz@jjkk.jjj",),
    ),
    "a wide cell, beside a name in capitals": Trap(
        {"text": "Dear «N» «Q» yes"},
        linked(ANA._replace(name=CAPITALS), "Zoë"),
        (linked(CY, "Cyan"), linked(TOM, "Tom")),
        listed=("zzz@jjkk.jjj",),
    ),
    "a wide cell, beside capitals": Trap(
        {"text": f"Dear «Q» {CAPITALS} yes"},
        linked(ANA, "Zoë"),
        (linked(CY, "Cyan"), linked(TOM, "Tom")),
        listed=("zzz@jjkk.jjj",),
    ),
    "a link in small letters, beside a name": Trap(
        {"to": WORDED, "text": "Dear «V»: «Q» yes", "html": "Hi", "calendar": CALENDAR.replace("«N»", "x")},
        linked(ANA._replace(name="Zoë Kay"), f"https://meet.example/{CAPITALS}"),
        (WITH_LINKS[0]._replace(name="Åsa Öst"), WITH_LINKS[1]._replace(name="Zoë Hart")),
        listed=("zzz@jjkk.jjj",),
    ),
    **{
        f"a link where an at is said, {name}": Trap(
            {"html": "<p>a<i>t</i>: <b>«H»</b> yes</p>"},
            linked(ANA, link),
            WITH_LINKS,
            listed=("bo@example.com",),
        )
        for name, link in (
            ("in its host", "https://boatexample.com/x"),
            ("in its path", "https://meet.example/j/boatexampledotcom"),
            ("in its octets", "https://meet.example/j/boatexample=20.=20com"),
        )
    },
    "a link and the rest of a value, in the page": Trap(
        {"html": "<p>See <b>«H»</b> parent</p>"},
        linked(ANA, "https://meet.example/lone"),
        WITH_LINKS,
        values=("Lone parent",),
    ),
    "a link and the rest of a value, in the next line": Trap(
        {"text": "See «Q»\n\nparent"}, linked(ANA, "https://meet.example/lone"), WITH_LINKS, values=("Lone parent",)
    ),
    "a link and the rest of a value, in the calendar": Trap(
        {"calendar": CALENDAR.replace("come.", "come.\\n«C> parent".replace(">", "»"))},
        linked(ANA, "https://meet.example/lone"),
        WITH_LINKS,
        values=("Lone parent",),
    ),
    "a value that ends with a link": Trap(
        {"text": "Lottery «Q»"},
        linked(ANA, "https://meet.example/x"),
        WITH_LINKS,
        values=("Lottery https meet example x",),
    ),
    "a link of which a line has a piece": Trap(
        PLACED["calendar"],
        linked(ANA, f"https://meet.example/j/{'z' * 24}{BO.address.encode().hex()}"),  # in a line of its own
        WITH_LINKS,
    ),
    "a link and the rest of a date": Trap(
        {"text": "On «Q» May 2027"}, linked(ANA, "https://meet.example/6"), WITH_LINKS, values=("2027-05-06",)
    ),
    "a link and the rest of a number": Trap(
        {"text": "Call «Q» 7946 0958"},
        linked(ANA, "https://meet.example/020"),
        (linked(CY, "https://meet.example/x"), linked(TOM, "https://meet.example/y")),
        values=("02079460958",),
    ),
    "a cell in base64": Trap(
        {"text": "Dear «Q»,"}, linked(ANA, "YkBleC5vcmc"), (linked(CY, "Cyan"), linked(TOM, "Tom"))
    ),
    "a cell that says at": Trap(
        {"text": "To bo «Q» example dot com"},
        linked(ANA, "at"),
        (linked(CY, "Cyan"), linked(TOM, "Tom")),
        listed=("bo@example.com",),
    ),
    "a cell and the rest of a value": Trap(
        {"text": "Dear «Q» parent"},
        linked(ANA, "Lone"),
        (linked(CY, "Cyan"), linked(TOM, "Tom")),
        values=("Lone parent",),
    ),
    "a cell before the rest of an address": Trap(
        {"html": "<p> «H» &#64;example.com"},
        linked(ANA, "Dan"),
        (linked(CY, "Cyan"), linked(TOM, "Tom")),
        listed=("dan@example.com",),
    ),
    "a cell that is a property": Trap(
        {"calendar": CALENDAR.replace("END:VEV", "«C»:mailto:x\nEND:VEV")},
        linked(ANA, "Attendee"),
        (linked(CY, "Cyan"), linked(TOM, "Tom")),
    ),
    "a cell and a date": Trap(
        {"text": "on 6 «Q» 2027"},
        linked(ANA, "May"),
        (linked(CY, "Cyan"), linked(TOM, "Tom")),
        values=("2027-05-06",),
    ),
}


def judged(raw: bytes, address: str, own: str, roll: Roll) -> tuple[Leak, ...]:
    said = clear(raw, address, roll, own)
    return () if isinstance(said, Cleared) else said


@pytest.mark.parametrize("more", ["", "\n<p>Only here</p>"], ids=["alike", "in part"])
@pytest.mark.parametrize("name", TRAPS)
def test_what_was_cleared_for_others_is_no_reason_to_clear(name: str, more: str) -> None:
    trap = TRAPS[name]
    warmed = trap.roll()
    *first, last = trap.letters(more)
    assert [judged(*one, warmed) for one in first] == [(), (), ()]
    alone = judged(*last, trap.roll())
    assert alone and judged(*last, warmed) == alone


# --- compared with reading -------------------------------------------------------------------------------------------

NAMES = (
    *("Ana Ruiz", "Bo Li", "Zoë Kay", "O'Neil Fox", "Natalie Dorn", "Mei-Ling Wu", "May", "Attendee", "2027", "王伟强"),
    *(
        "YkBleC5vcmc",
        "62 6f 40",
        "Ed Fe",
        "Ana Ruiz at",
        "x",
        "",
        "Ana <b>",
        "qzxjr",
        "Lone",
        "parent",
        "example",
        "org",
    ),
    *("method", "Zed", "0958", "40example", "gro", "Dan at", "Dan dot org", "at", "bo", "b20parent", "Please come"),
)
ADDRESSES = (
    *("ana@example.org", "bo.li@example.com", "cyan@example.net", "ana@example.org.uk", "nobody@example.fr"),
    *("YkBleC5vcmc@example.org", "dee+x@example.net", "a.long.address.that.is.folded@consultations.department.example"),
    *("org@example.com", "bo@example.org", "0958@example.org"),
)
SPOKEN = ("«N»", "<«A»>", '"«N»"', "mailto:«A» yes", "Dear «N»,", "For «N»: ", " «N» ", "(«A») yes", "x «R» x", "«N»!")
IN_CELLS = (
    "«C»",
    "Dear «C»,",
    "Join: «C»",
    "Join («C») now",
    '"«C>'.replace(">", '»"'),
    "at: «C» ",
    "=«C»",
    "«C»/",
    "x/«C»",
)
"""Where a cell of the recipient's own stands."""
PLAIN = ("Hello", "Please come", "- ", "yes", "<b>", "</b>", "<br>", "on ")
ODD = (
    *(
        "bo",
        "@",
        "example.org",
        ".org",
        ".uk",
        "uk",
        ".",
        "=3D",
        "=",
        "=40",
        "%40",
        "&#64;",
        " at ",
        " dot ",
        "Lottery",
    ),
    *("(at)", "[dot]", "<!--", "-->", '<a href=3D"', '">', "Ym9AZXhhbXBsZS5vcmc", "bo=3Dexample.org", "62 6f 40 65"),
    *(
        "| ",
        "AT",
        "DOT",
        "Lone",
        " parent ",
        "ob@",
        "gro.elpmaxe@",
        "--",
        "--=_x",
        "data:,",
        "qzxjr",
        "ATTENDEE:",
        "tel",
    ),
    *("bo.li@example.com", "on 6 ", " 2027", "call 020 7946 ", "O&#39;Neil Fox", "Zo=C3=AB Kay", "\\n", "^n", "draw"),
)
TEXTS = st.tuples(
    st.sampled_from((*SPOKEN, *IN_CELLS)),
    st.lists(st.sampled_from((*SPOKEN, *PLAIN, *ODD, *IN_CELLS)), max_size=2),
    st.sampled_from([" ", " ", "\n", "\n", ""]),
).flatmap(lambda drawn: st.permutations([drawn[0], *drawn[1]]).map(drawn[2].join))
ORDINARY = [ANA, BO, CY, TOM, EVE, Person("Mei-Ling Wu", "nobody@example.fr"), Person("May", "bo@example.org")]
ORDINARY += [
    Person("Zoë Kay", "cyan@example.net"),
    Person("O'Neil Fox", "nobody@example.fr"),
    Person("Zed", BO.address),
]
DERIVED = (st.just(""), st.just(""))
"""References that are made of the number."""
HOSTS = ("meet.example", "example.com", "bo.example.org:8080", "us02.meet.example.net", "bo-example.org", "at.example")
ENDS = (
    "",
    "#",
    "j/8123?p=3d42",
    "lone",
    "?x=4cone",
    "=2c=2cbo",
    "6",
    "020",
    "?u=bo.li=40example.com",
    "626f2e6c6940",
    "YkBleC5v",
    "?a=1&b=2",
)
IN_A_CELL = st.one_of(
    st.sampled_from(FIRST_LINKS),
    st.sampled_from(
        [*LINKS.values(), "Cyan", "Lone", "YkBleC5vcmc", "May", "at", "Zoë", "bo", "0958", "Please come", "O'Da"]
    ),
    st.builds("https://{}/{}".format, st.sampled_from(HOSTS), st.sampled_from(ENDS)),
    st.builds("https://{}/{}".format, st.sampled_from(HOSTS), st.text("abdeort/?=&#-_.+~0469AT%lnmcY2", max_size=40)),
)
PEOPLE = st.one_of(
    st.sampled_from(ORDINARY),
    st.builds(Person, st.sampled_from(NAMES), st.sampled_from(ADDRESSES), st.integers(1, 99), *DERIVED, IN_A_CELL),
    st.builds(lambda who, cell: who._replace(cell=cell), st.sampled_from(ORDINARY), IN_A_CELL),
)
VALUES = ["Lone parent", "Ruiz draw", "2027-05-06", "020 7946 0958", "Dear Ana", "come Ana", "Lonezed"]
FIRST = (
    *[(CY, TOM)] * 5,
    *[WITH_LINKS] * 5,
    (linked(CY, "Cyan"), linked(TOM, "Tom")),
    (linked(CY, FIRST_LINKS[0]), linked(TOM, "https://example.com/j/x?y=1&z=2")),
    (CY._replace(name="Zoë Kay"), TOM._replace(name="Åsa Öst")),
    (CY._replace(name="O'Hara"), TOM._replace(name="Al O'Dowd")),
    (BO, BO._replace(number=9)),
)


FIRST_IN_CELLS = (
    *[WITH_LINKS] * 3,
    (linked(CY, "Cyan"), linked(TOM, "Tom")),
    (linked(CY, FIRST_LINKS[0]), linked(TOM, "https://example.com/j/x?y=1&z=2")),
    (linked(CY, "https://meet.example/x?y=2&z=1"), linked(TOM, "https://example.com/j/x?y=1&z=2")),
)
WITH_CELLS = st.builds(lambda who, cell: who._replace(cell=cell), st.sampled_from(ORDINARY), IN_A_CELL)
CELL_LINES = (
    *(
        "Join «C»",
        "Join («C») now",
        "Join: «C>\n\n".replace(">", "»"),
        "See «C»\nit",
        '<a href=3D"«C»" id=3D"x">Join</a>\n',
        "<b>«C»</b> ",
    ),
    *(
        "Dear «C»,\n",
        "Dear «N»: «C» yes",
        "at: «C» ",
        "on 6 «C» 2027",
        "Lone «C» parent",
        "\\n\\n«C»",
        "«C» «C»",
        "(«C»)\n\n",
    ),
)


class Forgetful(Likeness):
    """Knows of no message, so that each is read."""

    def learn(self, *_about: object) -> None: ...


def a_roll(has_values: bool) -> Roll:
    values = VALUES if has_values else []
    return Roll([*LISTED, *ADDRESSES], values, ["team@department.example"], "Please come")


# What is known of lines may be shared: what is compared is what is known of messages.
WARMED = {has_values: a_roll(has_values) for has_values in (False, True)}
ALONE = {has_values: a_roll(has_values) for has_values in (False, True)}
for reader in ALONE.values():
    reader.likeness = Forgetful()


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.sampled_from(FIRST),
    st.lists(PEOPLE, min_size=2, max_size=3),
    st.sampled_from(["text", "html", "calendar", "subject"]),
    TEXTS,
    st.booleans(),
)
def test_a_message_that_is_not_read_again_would_have_been_cleared(
    first: tuple[Person, Person], others: list[Person], place: str, said: str, has_values: bool
) -> None:
    compare(first, others, place, said, has_values)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.sampled_from(FIRST_IN_CELLS),
    st.lists(WITH_CELLS, min_size=3, max_size=5),
    st.sampled_from(["text", "html", "calendar"]),
    st.tuples(
        st.sampled_from(["", "", "", *PLAIN, *ODD]),
        st.sampled_from(CELL_LINES),
        st.sampled_from(["", "", "", *PLAIN, *ODD]),
    ),
    st.booleans(),
)
def test_what_stands_in_a_cell_of_ones_own_is_judged_as_if_nothing_was_known(
    first: tuple[Person, Person], others: list[Person], place: str, said: tuple[str, str, str], has_values: bool
) -> None:
    compare(first, others, place, "".join(said), has_values)


def compare(first: tuple[Person, Person], others: list[Person], place: str, said: str, has_values: bool) -> None:
    """That what is judged after these are known is as if they were not."""
    warmed, alone = WARMED[has_values], ALONE[has_values]
    warmed.likeness, warmed.cleared = Likeness(), Marks()
    third = first[1]._replace(number=7)
    others = [who if who.cell else who._replace(cell=FIRST_LINKS[2]) for who in others] if third.cell else others
    for number, who in enumerate((*first, third, *others)):
        raw = a_letter(who, place, f"{said}\nEtc" if number == 4 else said)
        assert judged(raw, who.address, who.words, warmed) == judged(raw, who.address, who.words, alone)


def a_letter(who: Person, place: str, said: str) -> bytes:
    line = " ".join(said.split())
    text = (said if place == "text" else "Hello «N»,\nPlease come.").replace("«C»", "«Q»")
    page = (said if place == "html" else "<p>Please come</p>").replace("«C»", "«H»")
    return letter(
        who,
        to="<«A»>" if not who.name else TO if who.name.isascii() else WORDED,
        subject=line if place == "subject" and who.name.isascii() and who.cell.isascii() else "Hello",
        text=text.replace("«N»", quoted(who.name)),
        html=page.replace("«N»", quoted(who.name.replace("'", "&#39;"))),
        calendar=CALENDAR.replace("Please come.", said.strip().replace("\n", "\n "))
        if place == "calendar"
        else CALENDAR,
    )


@pytest.mark.parametrize(
    "name", ["Ana Ruiz", "Natalie Dorn", "Zoë Kay", "O'Neil Fox", "Mei-Ling Wu", "王伟强", "مريم الخطيب"]
)
@pytest.mark.parametrize(
    "address", ["ana@example.org", "a.long.address.that.is.folded@consultations.department.example"]
)
def test_an_ordinary_message_is_known_by_those_before_it(
    name: str, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    roll = Roll([*LISTED, address], VALUES[:2], ["consultations@department.example"], "Please come")
    wording = a_wording("Dear {{ name }},\n\nPlease come: {{ event.join_url }}\n")
    composer = Composer(an_event(), {"invite": wording})
    for number, who in enumerate((name, name, name)):
        revision = replace(
            a_revision(),
            uid=f"{number * 2**150 // 7 % 2**160:040x}@department.example",
            message_id=f"<{number * 2**120 // 7 % 2**128:032x}@department.example>",
        )
        raw = composer.compose(an_attendee(name=who, address=address), revision).raw
        if number == 2:
            monkeypatch.setattr(inspection, "read", lambda _raw: pytest.fail("it was read again"))
        assert isinstance(clear(raw, address, roll, who), Cleared)


def test_a_name_that_is_broken_over_two_lines_is_the_recipients_own(monkeypatch: pytest.MonkeyPatch) -> None:
    roll = Roll(LISTED, VALUES[:2], ["consultations@department.example"], "Please come")
    for number, name in enumerate(("Анна Соколова", "Мария Кузнецова", "Екатерина Воробьёва", "Ольга Громова")):
        who = Person(name, ANA.address, number)
        page = f"<p>{'Please come. ' * 3}=\nDear {quoted(name)},</p>".replace("=D0=B", "=\n=D0=B", 1)
        if number == 3:
            monkeypatch.setattr(inspection, "read", lambda _raw: pytest.fail("it was read again"))
        raw = letter(who, to="<«A»>", text="Hello", html=page, calendar=CALENDAR.replace("«N»", "x"))
        assert judged(raw, who.address, name, roll) == ()


# --- what it rests on ------------------------------------------------------------------------------------------------


@given(st.text("0123456789abcdef", min_size=8, max_size=64))
def test_lower_digits_in_base64_spell_no_address_and_nothing_that_one_is_encoded_with(digits: str) -> None:
    assert not {*"@.%&"} & {*"".join(hidden_in(digits))} - {*"".join(hex_in(digits))}


def test_no_two_digits_in_base64_make_an_at_sign_or_a_full_stop() -> None:
    digits = "0123456789abcdef"
    made = {octet for four in product(digits, repeat=4) for octet in b64decode("".join(four))}
    assert made.isdisjoint(b"@.%&")


@given(st.text(min_size=1, max_size=30), st.text(max_size=9))
def test_texts_are_the_same_without_what_was_cut_only_where_nothing_else_differs(text: str, other: str) -> None:
    own = {masking.ADDRESS: "ana@example.org", masking.NAME: "Ana"}
    text, other = text.replace("\0", ""), other.replace("\0", "")
    for one in (text, f"{text}Ana{other}", f"{other}ana@example.org{text}"):
        assert masking.cut(one, own).replace("\0r", "Ana").replace("\0p", "ana@example.org") == one


def test_what_could_be_a_piece_of_something_else_is_not_cut_out() -> None:
    for name in (
        "bo",
        "ana@",
        "Ana at Home",
        "Ana <b>",
        "62 6f",
        "A" * 20,
        "Ana\u200bRuiz",
        "⒈ Ana",
        "Dot Ko",
    ):
        assert not can_stand_alone(name), name
    assert can_stand_alone("Ed Fe Ba")  # codes, but none of a letter
    for address in ("o'ana@example.org", "ana@example", "ANATO@example.org", "ána@example.org"):
        assert not is_plain_address(address), address
