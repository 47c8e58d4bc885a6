"""A message compared as a whole, beside reading it; and what is told at a glance, beside a close look."""

from base64 import b64encode
from typing import NamedTuple

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.unit.test_guard_likeness import (
    ADDRESSES,
    ALONE,
    ANA,
    BO,
    CALENDAR,
    CY,
    DERIVED,
    FIRST_LINKS,
    HTML,
    IN_A_CELL,
    LISTED,
    NAMES,
    TEXT,
    TO,
    TOM,
    WARMED,
    WORDED,
    Person,
    judged,
    letter,
    quoted,
)
from tui.guard import Roll
from tui.guard.findings import NOTHING, as_it_stands
from tui.guard.hashes import Marks
from tui.guard.likeness import Likeness
from tui.guard.mailboxes import keys
from tui.guard.masking import OwnWords, can_stand_alone, is_plain_address
from tui.guard.ordinary import LATIN_NAME, is_name
from tui.guard.spelling import are_noise, hex_in, may_be_base32, plain, without_twins

NOBODY = "nobody@example.fr"
LONG = "a.long.address.that.is.folded@consultations.department.example"
MORE_NAMES = (
    *("Ana Maria Ruiz", "Muhammad Featherstonehaugh", "Åsa Öst", "Łukasz Żak", "Анна Жук", "O'Hara", "D'Arcy Weiß"),
    *("Wei at Home", "Dotty", "Jo", "Ed", "Bo Example", "Org Com", "Maybe", "Juno Li", "Lone Ruiz", "José María"),
)
MORE_ADDRESSES = (
    *("ana.ruiz@example.org", "muhammad.featherstonehaugh@example.org", "anna@example.at", "at@example.org", LONG),
    *("gro.x@example.org", "x.org@example.net", "62.6f@example.org", "bo@example.org.at", "x@62.6f.40.example.org"),
    *("natalie@example.at", "ym9azxhhbx@example.org", "dee.dee+x@example.net", "moc.elpmaxe@il.ob", "montenegro@ob.li"),
)
"""Not all of them on the list."""


class Places(NamedTuple):
    """Whose own stands in each place of a message."""

    to: Person
    ids: Person
    text: Person
    html: Person
    name: Person
    attendee: Person

    def letter(self, said: str) -> bytes:
        to = TO if self.to.name.isascii() else WORDED
        calendar = CALENDAR.replace("«N»", self.name.name).replace("«A»", self.attendee.address)
        return letter(
            self.ids,
            to=self.to.fill(to if self.to.name else "<«A»>"),
            text=spelled(f"{TEXT}\n{said}", self.text),
            html=spelled(HTML, self.html._replace(name=self.html.name.replace("'", "&#39;"))),
            calendar=calendar,
        )


def spelled(text: str, who: Person) -> str:
    return text.replace("«N»", quoted(who.name)).replace("«A»", who.address)


USUAL = st.builds(
    Person,
    st.sampled_from(["Ana Ruiz", "Cyan Moss", "Tom Hart", "Zoë Kay", "Åsa Öst", "Al O'Dowd", "Katharina Zimmermann"]),
    st.sampled_from(
        [ANA.address, BO.address, CY.address, TOM.address, "ana.ruiz@example.org", "anna@example.at", LONG]
    ),
    st.integers(1, 99),
    *DERIVED,
)
ANYBODY = st.builds(
    Person,
    st.sampled_from((*NAMES, *MORE_NAMES)),
    st.sampled_from((*ADDRESSES, *MORE_ADDRESSES)),
    st.integers(1, 99),
    *DERIVED,
)
SAID = st.one_of(
    st.sampled_from(
        ["", "", "Dear «N»,", "For «N»: <«A»> yes", "and «N» on", "On 6 «N» 2027", "Lone «N» parent", "«N» draw"]
    ),
    st.lists(st.sampled_from(["«N»", " ", "\n", "(«A»)", ", ", "draw", "x", "-", "62 40 "]), max_size=4).map("".join),
)
WARMING = {
    None: [CY, TOM, CY._replace(number=7)],
    "wide": [CY._replace(name="Åke Holm"), TOM._replace(name="Zoë Hart"), CY._replace(name="Eva Müller", number=7)],
    "marked": [CY._replace(name="O'Hara"), TOM._replace(name="Al O'Dowd"), CY._replace(name="O'Neil", number=7)],
}
"""Those to whom a message goes before, by how the names of those after them are spelled."""


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.tuples(USUAL, st.one_of(USUAL, ANYBODY)), st.lists(st.booleans(), min_size=6, max_size=6), SAID, st.booleans()
)
def test_what_is_somebody_elses_in_any_place_is_found_as_if_nothing_was_known(
    two: tuple[Person, Person], are_others: list[bool], said: str, has_values: bool
) -> None:
    who, other = two
    warmed, alone = WARMED[has_values], ALONE[has_values]
    warmed.likeness, warmed.cleared = Likeness(), Marks()
    for one in WARMING["wide" if not who.name.isascii() else "marked" if "'" in who.name else None]:
        judged(Places(*[one] * 6).letter(said), one.address, one.name, warmed)
    mixed = Places(*(other if is_so else who for is_so in are_others))
    for places, recipient in ((Places(*[who] * 6), who), (mixed, who), (Places(*[other] * 6), other), (mixed, other)):
        raw = places.letter(said)
        wanted = judged(raw, recipient.address, recipient.name, alone)
        assert judged(raw, recipient.address, recipient.name, warmed) == wanted


ROLL = Roll(
    [*LISTED, *ADDRESSES, "alie@example.at", "bo@example.at", "x@y.gro", "b@e.f"], public=["team@department.example"]
)
LETTERS = "abdeortuAEOT" * 3 + "ßéÅłжукＡ王-' .@1469_+"
DOMAINS = ["example.org", "e.at", "org.com", "gro.de", "62.40.6f.at", "at.com", "montenegro.bet", "department.example"]


@settings(max_examples=500, deadline=None)
@given(
    st.sampled_from((*NAMES, *MORE_NAMES)) | st.text(LETTERS, max_size=18),
    st.sampled_from((*ADDRESSES, *MORE_ADDRESSES))
    | st.builds("{}@{}".format, st.text(LETTERS.lower(), min_size=1, max_size=14), st.sampled_from(DOMAINS)),
    IN_A_CELL,
    st.integers(1, 40),
)
@example("Ana Ruiz", "ana@example.org", FIRST_LINKS[0], 9)
def test_who_is_ordinary_at_a_glance_is_so_at_a_close_look(name: str, address: str, link: str, at: int) -> None:
    if is_name(name):
        own = OwnWords(NOBODY, name)
        own.spelled_in(f"\r\nTo: =?utf-8?b?{b64encode(name.encode()).decode()}?=\r\n".encode())
        assert can_stand_alone(name) and ROLL.people_in_own(own) <= {NOBODY}
        assert ROLL.find(name, as_it_stands) == NOTHING
    if ROLL.ordinary.is_address(address):
        assert is_plain_address(address)
        assert ROLL.people_in_own(OwnWords(address, "")) <= {*keys(address)}
    if ROLL.ordinary.is_link(link):
        # Alone, where an at is said before it, and in the lines of a calendar object.
        pieces = [piece for piece in (link[:at], link[at:]) if ROLL.ordinary.is_piece_of_link(piece)]
        assert [ROLL.find(said, as_it_stands) for said in (link, f"at: {link}", *pieces)] == [NOTHING] * (
            2 + len(pieces)
        )


def test_a_letter_of_europe_is_no_other_letter_in_any_reading() -> None:
    letters = [chr(code) for code in range(0x80, 0x250) if LATIN_NAME.fullmatch(chr(code) * 3)]
    assert len(letters) > 150
    for one in letters:
        assert plain(one) == one and without_twins(one) == one.casefold() == plain(one.casefold()), one


@given(st.lists(st.binary(min_size=16, max_size=20).map(bytes.hex), min_size=1, max_size=2))
def test_digits_that_are_noise_say_nothing(references: list[str]) -> None:
    if are_noise([one.encode() for one in references]):
        assert not any(may_be_base32(one) or any(hex_in(one)) for one in references)
