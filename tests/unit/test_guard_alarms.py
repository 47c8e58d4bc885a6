"""The guard stops nothing that is as it should be: thousands of made-up people, with what organisers really note."""

import random
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.unit.making import a_wording, an_attendee, an_event, compose
from tui.data import samples
from tui.folder import open_folder
from tui.guard import Cleared, Roll, clear

FIRST = [
    "Ana",
    "Bo",
    "Zoë",
    "Maryam",
    "Søren",
    "José",
    "Chloé",
    "Wei",
    "Aoife",
    "Łukasz",
    "Ngũgĩ",
    "Françoise",
    "Mei-Ling",
    "Jean-Luc",
    "Siobhán",
    "Oluwaseun",
    "Grace",
    "Will",
    "Mark",
    "Rose",
    "Hope",
    "Dean",
    "Faith",
    "May",
    "June",
    "Art",
    "Rob",
    "Bill",
    "Sue",
    "Pat",
    "Drew",
    "Dawn",
    "Joy",
    "Max",
    "Price",
    "Guy",
    "Earl",
    "Carol",
    "Holly",
    "Ivy",
    "Daisy",
    "伟",
    "مريم",
]
LAST = [
    "Ruiz",
    "Li",
    "Fairweather",
    "Alkhatib",
    "Nielsen",
    "García",
    "O'Connor",
    "Kowalski",
    "Wa-Thiong'o",
    "Smith",
    "Jones",
    "Taylor",
    "Brown",
    "Green",
    "White",
    "Black",
    "Young",
    "King",
    "Hall",
    "Hill",
    "Wood",
    "Cook",
    "Carter",
    "Baker",
    "Mason",
    "Turner",
    "Field",
    "Banks",
    "Marsh",
    "Stone",
    "Day",
    "Long",
    "Short",
    "Best",
    "Page",
    "Bell",
    "Fox",
    "王",
]
PROVIDERS = [
    "gmail.com",
    "googlemail.com",
    "outlook.com",
    "example.org",
    "example.co.uk",
    "proton.me",
    "nhs.example",
    "bücher.example",
]
ROLES = [
    "Carer",
    "Jobseeker",
    "Apprentice",
    "Lone parent",
    "Employer",
    "Support worker",
    "Retired",
    "Student",
    "Manager",
    "Required",
    "Optional",
    "Organiser",
    "Speaker",
    "Chair",
    "Staff",
    "Guest",
    "Volunteer",
    "Member",
    "Public",
    "Consultant",
    "Online",
    "Personal",
    "Private",
    "Team",
]
SECTIONS = [
    "Lottery draw",
    "Phone recruitment",
    "Library poster",
    "Waiting list",
    "Walk-in",
    "Web form",
    "Referral",
    "Standard",
    "Early bird",
]
NOTES = [
    "required",
    "Yes",
    "No",
    "N/A",
    "none",
    "London",
    "Leeds",
    "confirmed",
    "TRUE",
    "to be confirmed",
    "see email",
    "called back twice, left a message",
    "needs captions",
    "vegetarian",
    "prefers mornings",
    "do not seat beside Mr Price",
    "on benefits since March",
    "in dispute with us",
    "paid",
    "unpaid",
    "invited",
    "invitation",
    "calendar",
    "please call",
    "attending",
    "question",
    "expect",
    "work",
    "support",
    "first",
    "event",
    "Monday",
    "Thursday",
    "14:00",
    "2027",
    "May 2027",
    "6 May",
    "link",
    "Teams",
    "Microsoft Teams",
    "department",
    "https",
    "mailto",
    "utf-8",
    "text",
    "html",
    "base64",
    "style",
    "display",
    "block",
    "center",
    "padding",
    "width",
    "margin",
    "border",
    "table",
    "presentation",
    "sans-serif",
    "Arial",
    "color",
    "none",
    "auto",
    "main",
    "Reply",
    "Accept",
    "Decline",
    "Subject",
    "Date",
    "From",
    "Content",
    "Version",
    "Request",
    "Individual",
    "Needs action",
    "Opaque",
    "Gregorian",
    "message",
]


def made_up_people(count: int) -> Iterator[list[str]]:
    """Names, addresses and visible columns, then what is noted of each; always the same."""
    dice = random.Random(4)
    for number in range(count):
        first, last = dice.choice(FIRST), dice.choice(LAST)
        tag = dice.choice(["", "", "", "+events", ".x"])
        local = f"{first[:3]}{number}{tag}" if first.isascii() else f"guest{number}"
        phone = dice.choice(["+44 20 7946 0{:03}", "020 7946 0{:03}", "07700 900{:03}", "+1 (555) 010-0{:03}"])
        yield [
            f"{first} {last}",
            f"{local}@{dice.choice(PROVIDERS)}",
            dice.choice(["public", "staff", "organisations"]),
            dice.choice(["", "Captions", "Arabic interpreter", "Step-free access"]),
            dice.choice(ROLES),
            f"{dice.choice(SECTIONS)} {dice.choice(['', number % 40])}".strip(),
            dice.choice(NOTES),
            phone.format(number % 1000),
            f"{dice.randint(1940, 2008)}-{dice.randint(1, 12):02}-{dice.randint(1, 28):02}",
            f"R-{number:05}",
            dice.choice(["", "LS1 4AP", "SW1A 2AA", "EH1 1YZ"]),
            str(dice.randint(1, 400)),
        ]


HEADERS = [
    "Name",
    "Email",
    "Audience",
    "Access needs",
    "Role",
    "Section",
    "Notes",
    "Phone",
    "Born",
    "Ref no",
    "Postcode",
]
HEADERS += ["Score"]
INTERNAL = HEADERS[4:]


def a_folder(directory: Path, rows: Sequence[Sequence[str]], event: str = "") -> Path:
    """The sample event with another list."""
    lines = [",".join(f'"{cell}"' for cell in row) for row in [HEADERS, *rows]]
    (directory / "people.csv").write_text("\n".join(lines) + "\n", "utf-8")
    text = (event or (samples() / "event.toml").read_text("utf-8")).split("[columns]", maxsplit=1)[0]
    listed = ", ".join(f'"{header}"' for header in INTERNAL)
    (directory / "event.toml").write_text(f'{text}\n[columns]\ngroup = "Audience"\ninternal = [{listed}]\n', "utf-8")
    return directory / "people.csv"


def test_two_thousand_people_with_what_is_really_noted_of_people_are_all_cleared(tmp_path: Path) -> None:
    folder = open_folder([str(a_folder(tmp_path, list(made_up_people(2_000))))], environment={})
    mailing = folder.prepare(folder.plan())
    assert len(mailing.letters) == 2_000


def test_a_session_a_piece_is_cleared_too(tmp_path: Path) -> None:
    event = (samples() / "sessions" / "event.toml").read_text("utf-8")
    folder = open_folder([str(a_folder(tmp_path, list(made_up_people(40)), event))], environment={})
    assert len(folder.prepare(folder.plan()).letters) > 40


def leaks_of(text: str, *internal: str, common: str = "", own: str = "") -> list[str]:
    wording = a_wording("Dear {{ name }},\n\n" + text)
    raw = compose(wording, an_attendee(), event=an_event(description="")).raw
    said = clear(raw, "ana@example.org", Roll(["ana@example.org"], internal, (), f"{wording.words} {common}"), own)
    return [] if isinstance(said, Cleared) else [leak.what for leak in said]


@pytest.mark.parametrize("value", ["required", "Yes", "London", "Thank you", "please", "No", "n/a", "—", "12", "a b c"])
def test_an_ordinary_word_of_the_wording_is_no_value(value: str) -> None:
    assert not leaks_of("Please say yes. Thank you for what is required in London: a, b, c or 12.", value)


@pytest.mark.parametrize("value", ["2027-04-29", "29/04/2027", "April 29, 2027"])
def test_a_date_that_everybody_is_told_is_no_value_however_it_is_written(value: str) -> None:
    assert not leaks_of("Please answer by 29 April 2027.", value)


def test_a_telephone_number_that_everybody_is_told_is_no_value_however_it_is_written() -> None:
    assert not leaks_of("Call +44 (0)20 7946 0958.", "020 7946 0958", "442079460958")


def test_a_line_that_is_folded_within_the_recipients_address_names_nobody_else() -> None:
    """Of "annabella.li@example.org" the second half may be somebody's: at the fold it would stand alone."""
    address = "annabella.marie.li@example.org"
    local, _, domain = address.partition("@")
    roll = Roll(
        [address, *(f"{local[at:]}@{domain}" for at in range(1, len(local)))], (), ["consultations@department.example"]
    )
    folded = 0
    for length in range(1, 70):
        composed = compose("Please come.", an_attendee(name="A" * length, address=address))
        folded += address not in composed.calendar
        assert isinstance(clear(composed.raw, address, roll), Cleared), length
    assert folded > 20
