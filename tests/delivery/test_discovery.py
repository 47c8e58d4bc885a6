"""From an address alone: what is proposed, by whom, and that no stranger's answer gets further than a proposal."""

import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import ClassVar

import dns.message
import dns.rrset
import pytest

from tui.delivery.accounts import Imap
from tui.delivery.discovery import NoLookups, alignment, differing, lookups, propose
from tui.delivery.discovery.autoconfig import MOST_BYTES, parse
from tui.delivery.discovery.lookups import Network, Service
from tui.delivery.discovery.presets import GOOGLE, MICROSOFT_365, Preset

ADDRESS = "ana@department.example"

PAGE = """<?xml version="1.0" encoding="UTF-8"?>
<clientConfig version="1.1">
  <emailProvider id="department.example">
    <domain>department.example</domain>
    <incomingServer type="pop3">
      <hostname>pop.department.example</hostname><port>995</port><socketType>SSL</socketType>
      <username>%EMAILADDRESS%</username><authentication>password-cleartext</authentication>
    </incomingServer>
    <incomingServer type="imap">
      <hostname>imap.department.example</hostname><port>993</port><socketType>SSL</socketType>
      <username>%EMAILADDRESS%</username><authentication>password-cleartext</authentication>
    </incomingServer>
    <outgoingServer type="smtp">
      <hostname>smtp.%EMAILDOMAIN%</hostname><port>587</port><socketType>STARTTLS</socketType>
      <username>%EMAILLOCALPART%</username><authentication>OAuth2</authentication>
      <authentication>password-cleartext</authentication>
    </outgoingServer>
  </emailProvider>
</clientConfig>
"""


@dataclass
class World:
    """A made-up DNS and web; `asked` is who was asked for what."""

    services: dict[str, tuple[Service, ...]] = field(default_factory=dict)
    exchangers: dict[str, tuple[str, ...]] = field(default_factory=dict)
    texts: dict[str, tuple[str, ...]] = field(default_factory=dict)
    pages: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def srv(self, name: str, /) -> tuple[Service, ...]:
        self.asked.append(name)
        return self.services.get(name, ())

    def mx(self, name: str, /) -> tuple[str, ...]:
        self.asked.append(name)
        return self.exchangers.get(name, ())

    def txt(self, name: str, /) -> tuple[str, ...]:
        self.asked.append(name)
        return self.texts.get(name, ())

    def page(self, url: str, /) -> bytes | None:
        self.asked.append(url)
        return self.pages.get(url)


class TestProposing:
    @pytest.mark.parametrize(
        ("address", "host", "oauth"),
        [
            ("ana@gmail.com", "smtp.gmail.com", "google"),
            ("Ana@Outlook.com", "smtp-mail.outlook.com", "microsoft"),
            ("ana@fastmail.com", "smtp.fastmail.com", None),
            ("ana@icloud.com", "smtp.mail.me.com", None),
        ],
    )
    def test_knows_the_large_providers_and_asks_nobody(self, address: str, host: str, oauth: str | None) -> None:
        world = World()
        proposal = propose(address, world)
        assert proposal is not None
        assert (proposal.host, proposal.oauth, proposal.username) == (host, oauth, address)
        assert proposal.imap is not None
        assert world.asked == []

    @pytest.mark.parametrize(
        ("exchanger", "host"),
        [
            ("department-example.mail.protection.outlook.com", "smtp.office365.com"),
            ("aspmx.l.google.com", "smtp.gmail.com"),
            ("ASPMX.L.GOOGLE.COM", "smtp.gmail.com"),
        ],
    )
    def test_finds_who_takes_the_mail_of_an_organisations_domain(self, exchanger: str, host: str) -> None:
        proposal = propose(ADDRESS, World(exchangers={"department.example": (exchanger,)}))
        assert proposal is not None
        assert proposal.host == host
        assert "takes the mail of department.example" in proposal.source

    def test_is_not_taken_in_by_a_name_that_holds_a_providers(self) -> None:
        assert (
            propose(ADDRESS, World(exchangers={"department.example": ("notgoogle.com", "x.google.com.evil.example")}))
            is None
        )

    def test_takes_what_dns_offers_tls_from_the_start_first(self) -> None:
        world = World(
            services={
                "_submissions._tcp.department.example": (
                    Service(20, 0, 465, "backup.department.example"),
                    Service(10, 1, 465, "light.department.example"),
                    Service(10, 5, 4650, "mail.department.example"),
                ),
                "_submission._tcp.department.example": (Service(0, 0, 587, "old.department.example"),),
                "_imaps._tcp.department.example": (Service(0, 0, 993, "mail.department.example"),),
            }
        )
        proposal = propose(ADDRESS, world)
        assert proposal is not None
        assert (proposal.host, proposal.port, proposal.security) == ("mail.department.example", 4650, "tls")
        assert proposal.imap == Imap("mail.department.example", 993, "tls")
        assert proposal.is_own

    def test_says_where_dns_points_outside_the_domain(self) -> None:
        world = World(services={"_submission._tcp.department.example": (Service(0, 0, 587, "smtp.evil.example"),)})
        proposal = propose(ADDRESS, world)
        assert proposal is not None
        assert (proposal.security, proposal.is_own, proposal.imap) == ("starttls", False, None)

    @pytest.mark.parametrize("host", ["", "bad host", "x" * 300, "a\nb", "host:25"])
    def test_passes_over_a_service_that_is_none(self, host: str) -> None:
        world = World(services={"_submissions._tcp.department.example": (Service(0, 0, 465, host),)})
        assert propose(ADDRESS, world) is None

    @pytest.mark.parametrize(
        "url",
        [
            "https://autoconfig.department.example/mail/config-v1.1.xml",
            "https://department.example/.well-known/autoconfig/mail/config-v1.1.xml",
            "https://autoconfig.thunderbird.net/v1.1/department.example",
        ],
    )
    def test_reads_the_page_of_the_domain_or_of_mozillas_list(self, url: str) -> None:
        world = World(pages={url: PAGE.encode()})
        proposal = propose(ADDRESS, world)
        assert proposal is not None
        assert (proposal.host, proposal.port, proposal.security) == ("smtp.department.example", 587, "starttls")
        assert proposal.imap == Imap("imap.department.example", 993, "tls")
        assert proposal.username == "ana"
        # Nobody is told whose mail it is.
        assert not any("ana" in asked.removeprefix("https://") for asked in world.asked)

    @pytest.mark.parametrize("address", ["", "ana", "ana@", "ana@a b", "ana@" + "x" * 300, "ana@\u2028x"])
    def test_has_nothing_to_say_of_what_is_no_address(self, address: str) -> None:
        assert propose(address, World()) is None

    def test_asks_for_a_domain_of_another_script_as_dns_spells_it(self) -> None:
        world = World()
        assert propose("ana@bücher.example", world) is None
        assert all(name.isascii() for name in world.asked)
        assert "xn--bcher-kva.example" in world.asked

    def test_asks_nobody_where_that_is_turned_off(self) -> None:
        assert isinstance(lookups({"INVITE_TUI_LOOKUPS": "off"}), NoLookups)
        assert not isinstance(lookups({}), NoLookups)
        assert propose(ADDRESS, NoLookups()) is None


class TestPage:
    @pytest.mark.parametrize(
        "page",
        [
            "",
            "not xml",
            "<clientConfig>",
            '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>' + PAGE.partition("?>")[2],
            '<!DOCTYPE clientConfig SYSTEM "https://evil.example/x.dtd">' + PAGE.partition("?>")[2],
            PAGE.replace("587", "99999"),
            PAGE.replace("587", "-1"),
            PAGE.replace("587", "٥٨٧"),
            PAGE.replace("STARTTLS", "plain"),
            PAGE.replace("smtp.%EMAILDOMAIN%", "smtp evil"),
            PAGE.replace("smtp.%EMAILDOMAIN%", "smtp.example\nRCPT"),
            PAGE.replace("outgoingServer", "otherServer"),
            PAGE.replace("<domain>", "<a>" * 30).replace("</domain>", "</a>" * 30),
            PAGE.replace("<domain>department.example</domain>", "<a/>" * 5000),
            PAGE.replace("department.example", "x" * MOST_BYTES),
        ],
    )
    def test_that_is_broken_or_hostile_proposes_nothing(self, page: str) -> None:
        assert parse(page.encode(), ADDRESS)[0] is None

    def test_in_another_encoding_is_refused_or_read_and_never_raises(self) -> None:
        for encoding in ("utf-16", "utf-32", "latin-1", "utf-7"):
            sending, _ = parse(PAGE.replace('encoding="UTF-8"', f'encoding="{encoding}"').encode(encoding), ADDRESS)
            assert sending is None or sending.host == "smtp.department.example"

    def test_says_how_to_log_in(self) -> None:
        sending, reading = parse(PAGE.encode(), ADDRESS)
        assert sending is not None
        assert reading is not None
        assert (sending.wants_oauth, reading.wants_oauth) == (True, False)
        assert reading.username == ADDRESS


class TestAlignment:
    DOMAIN = "department.example"

    def found(
        self, texts: Mapping[str, tuple[str, ...]], preset: Preset | None = MICROSOFT_365
    ) -> dict[str, bool | None]:
        world = World(texts=dict(texts), exchangers={self.DOMAIN: ("mx.department.example",)})
        return {finding.what: finding.is_good for finding in alignment(self.DOMAIN, preset, world)}

    def test_of_a_domain_that_vouches_for_its_provider_is_good(self) -> None:
        texts = {
            self.DOMAIN: ("v=spf1 include:spf.protection.outlook.com -all", "google-site-verification=x"),
            "selector1._domainkey.department.example": ("v=DKIM1; k=rsa; p=MIGfMA0GCSqG",),
            "_dmarc.department.example": ("v=DMARC1; p=reject; rua=mailto:x@y",),
        }
        assert self.found(texts) == {"SPF": True, "DKIM": True, "DMARC": True}

    def test_follows_what_a_record_includes_and_not_for_ever(self) -> None:
        texts = {
            self.DOMAIN: ("v=spf1 redirect=_spf.department.example",),
            "_spf.department.example": ("v=spf1 include:_spf.google.com ~all",),
        }
        assert self.found(texts, GOOGLE)["SPF"] is True
        loop = {self.DOMAIN: (f"v=spf1 include:{self.DOMAIN} -all",)}
        assert self.found(loop, GOOGLE)["SPF"] is False

    def test_of_a_domain_that_says_nothing_is_not(self) -> None:
        assert self.found({}) == {"SPF": False, "DKIM": False, "DMARC": False}

    def test_cannot_be_told_of_a_server_of_ones_own(self) -> None:
        texts = {self.DOMAIN: ("v=spf1 mx -all",)}
        assert self.found(texts, None) == {"SPF": None, "DKIM": None, "DMARC": False}

    @pytest.mark.parametrize(
        "records",
        [
            ("v=spf1 -all", "v=spf1 include:spf.protection.outlook.com"),
            ("v=spf10 include:spf.protection.outlook.com",),
            ("v=spf1 -include:spf.protection.outlook.com",),
            ("v=spf1 include:spf.protection.outlook.com.evil.example",),
        ],
    )
    def test_counts_one_record_of_the_right_version_only(self, records: tuple[str, ...]) -> None:
        assert self.found({self.DOMAIN: records})["SPF"] is False

    def test_takes_the_policy_of_the_domain_above(self) -> None:
        world = World(texts={"_dmarc.example.org": ("v=DMARC1; p=none",)})
        found = {finding.what: finding for finding in alignment("events.example.org", None, world)}
        assert found["DMARC"].is_good
        assert "only watched" in found["DMARC"].words

    def test_has_nothing_to_say_where_nobody_can_be_asked(self) -> None:
        assert alignment(self.DOMAIN, MICROSOFT_365, NoLookups()) == ()

    def test_a_revoked_key_is_none(self) -> None:
        assert self.found({"selector1._domainkey.department.example": ("v=DKIM1; p=",)})["DKIM"] is False

    def test_says_where_the_account_and_the_organizer_differ(self) -> None:
        assert differing("ana@example.org", "Ana@Example.org") is None
        assert "refuse to send" in (differing("ana@example.org", "events@example.org") or "")
        assert "distrust" in (differing("ana@example.com", "events@example.org") or "")


class TestNetwork:
    """The look-ups themselves, at a name server of our own on loopback."""

    RECORDS: ClassVar = {
        ("_imaps._tcp.department.example.", "SRV"): ["10 5 993 Mail.Department.example."],
        ("department.example.", "MX"): ["20 b.example.", "10 A.example."],
        ("department.example.", "TXT"): ['"v=spf1 " "-all"', '"\\195\\188"'],
    }

    @contextmanager
    def name_server(self) -> Iterator[tuple[str, int]]:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
            server.bind(("127.0.0.1", 0))

            def serve() -> None:
                while True:
                    asked, who = server.recvfrom(4096)
                    if asked == b"enough":
                        return
                    query = dns.message.from_wire(asked)
                    [question] = query.question
                    answer = dns.message.make_response(query)
                    kind = question.rdtype.name
                    found = self.RECORDS.get((question.name.to_text(), kind))
                    if found:
                        answer.answer.append(dns.rrset.from_text(question.name, 60, "IN", kind, *found))
                    server.sendto(answer.to_wire(), who)

            thread = threading.Thread(target=serve)
            thread.start()
            try:
                yield "127.0.0.1", server.getsockname()[1]
            finally:
                server.sendto(b"enough", server.getsockname())
                thread.join(20)

    def test_reads_every_kind_of_record_and_takes_silence_for_an_answer(self) -> None:
        with self.name_server() as place:
            network = Network(place)
            assert network.srv("_imaps._tcp.department.example") == (Service(10, 5, 993, "mail.department.example"),)
            assert network.mx("department.example") == ("a.example", "b.example")
            texts = network.txt("department.example")
            assert len(texts) == 2
            assert "v=spf1 -all" in texts
            assert all(text.isprintable() for text in texts)
            assert network.srv("_imap._tcp.department.example") == ()
            assert network.mx("a..b") == ()
            assert network.txt("x" * 300) == ()

    def test_gets_no_page_over_an_open_channel_or_from_nobody(self) -> None:
        network = Network()
        assert network.page("http://department.example/x.xml") is None
        assert network.page("https://127.0.0.1:1/x.xml") is None
