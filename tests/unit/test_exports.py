"""The exports that people have, read without a word of explanation: who is invited, and nothing said without need."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from tui.attendees import AttendeeList, ColumnSettings, load

EXPORTS = Path(__file__).parents[2] / "samples" / "exports"

Person = tuple[int, str, str, str | None]  # line, address, name, what says that they withdrew

ANA = "ana@example.org", "Ana Ruiz", None
BO = "bo@example.org", "Bo Li", None
ZOE = "zoe@example.org", "Zoë Müller", None
CYRINE = "cyrine@example.org", "Cyrine Haddad", None
EIKE = "eike@example.org", "Eike Brandt", None

READ: Mapping[str, Sequence[Person]] = {
    "eventbrite-attendees.csv": [
        (2, *ANA),
        (4, "bo@example.org", "Bo Li", "Not Attending"),
        (5, *CYRINE),
        (6, "dewi@example.org", "Dewi Prys", "Deleted"),
        (7, "eike@example.org", "Eike Brandt", "Refunded/Canceled"),
        (8, "femi@example.org", "Femi Okoro", None),  # unpaid is not withdrawn
    ],
    "eventbrite-orders.csv": [(2, *ANA), (3, *BO)],  # one bought both tickets
    "google-contacts.csv": [(2, *ANA), (3, "bo@example.org ::: bo.li@example.net", "Bo Li", None),
                            (5, "zoe@example.org", "Zoë", None)],
    "google-contacts-before-2024.csv": [(2, "ana@example.org", "Ana María Ruiz", None), (3, *BO)],
    "google-forms.csv": [(3, *ANA), (4, *BO)],
    "google-forms-fr.csv": [(2, *ANA), (3, *ZOE)],
    "google-forms-username.csv": [(2, *ANA), (3, *BO)],
    "mailchimp-subscribed.csv": [(2, *ANA), (3, *ZOE)],
    "mailchimp-unsubscribed.csv": [(2, "bo@example.org", "Bo Li", "UNSUB_TIME: 2026-04-01 10:00:00")],
    "microsoft-forms.xlsx": [(2, *ANA), (3, *ZOE), (4, *BO)],
    "microsoft-forms-anonymous.csv": [(2, *ANA), (3, *BO)],
    "microsoft-forms-de.csv": [(2, *ANA), (3, *ZOE)],
    "microsoft-forms-nobody.csv": [],
    "outlook-contacts.csv": [(2, *ANA), (3, *ZOE), (5, *BO)],
    "outlook-contacts-de.csv": [(2, *ANA), (3, "joerg@example.org", "Jörg Groß", None)],
    "teams-attendance.csv": [
        (12, "team@example.org", "Consultation team", None),
        (13, *ANA),  # joined with another address than she registered with
        (14, "bo@example.org", "Bo Li", "Canceled"),
        (15, *ZOE),
    ],
    "teams-registration.csv": [(9, *ANA), (11, "bo@example.org", "Bo Li", "Canceled"), (12, *ZOE), (13, *CYRINE)],
    "zoom-attendees.csv": [(13, *ANA), (14, *BO), (15, "dewi@example.org", "Dewi Prys", "cancelled by self")],
    "zoom-registration.csv": [
        (7, *ANA),
        (8, "bo@example.org", "Bo Li", "denied"),
        (9, *CYRINE),  # pending
        (10, "dewi@example.org", "Dewi Prys", "cancelled by self"),
        (11, *EIKE),
    ],
}  # fmt: skip
# Everything that is said beyond who withdrew.
SAID = {
    "google-contacts.csv": [("several-addresses", 3)],
    "microsoft-forms-nobody.csv": [("no-address-column", None)],
}


def read(*names: str, **columns: str) -> AttendeeList:
    return load([EXPORTS / name for name in names], ColumnSettings(**columns))  # type: ignore[arg-type]


def test_every_sample_is_read_here() -> None:
    assert {file.name for file in EXPORTS.iterdir()} == READ.keys()


@pytest.mark.parametrize("name", READ)
def test_an_export_is_read_as_it_is(name: str) -> None:
    people = read(name)
    assert [(one.line, one.address, one.name, one.withdrawn) for one in people.records] == READ[name]
    withdrawn = [line for line, _, _, status in READ[name] if status]
    assert [problem.line for problem in people.problems if problem.code == "withdrawn"] == withdrawn
    said = [(problem.code, problem.line) for problem in people.problems if problem.code != "withdrawn"]
    assert said == SAID.get(name, [])
    assert people.attendees_count == len(READ[name]) - len(withdrawn)
    assert {one.group for one in people.records} <= {""}


@pytest.mark.parametrize("name", READ)
def test_nobody_in_an_export_can_be_real(name: str) -> None:
    for one in read(name).records:
        assert one.address.rpartition("@")[2] in ("example.org", "example.net")


def test_several_exports_are_one_list_with_a_group_each() -> None:
    people = read("zoom-attendees.csv", "mailchimp-unsubscribed.csv", "teams-registration.csv")
    assert people.groups() == {"zoom-attendees": 2, "teams-registration": 3}
    assert [(problem.code, Path(problem.file or "").name, problem.line) for problem in people.problems] == [
        ("withdrawn", "zoom-attendees.csv", 15),
        ("withdrawn", "mailchimp-unsubscribed.csv", 2),
        ("duplicate-attendee", "teams-registration.csv", 9),
        ("withdrawn", "teams-registration.csv", 11),
    ]


def test_the_encoding_of_an_export_is_recognised() -> None:
    assert read("teams-registration.csv", "outlook-contacts.csv", "microsoft-forms.xlsx").encodings == (
        "utf-16", "windows-1252", "xlsx",
    )  # fmt: skip


def test_several_addresses_of_one_person_have_a_hint_that_can_be_followed() -> None:
    (problem,) = read("google-contacts.csv").problems
    assert problem.column == "E-mail 1 - Value"
    assert problem.hint == "Leave only the one to be invited in the cell."


def test_anonymous_answers_are_one_error_with_a_way_out() -> None:
    (problem,) = read("microsoft-forms-nobody.csv").problems
    assert (problem.severity, problem.line, problem.column) == ("error", None, None)
    assert "anonymous" in problem.message
    assert "Ask for the address in the form" in (problem.hint or "")


def test_what_the_event_file_names_wins_over_what_is_recognised() -> None:
    assert [one.address for one in read("eventbrite-orders.csv", email="Buyer email").records] == [
        "ana@example.org"
    ] * 2
    assert read("eventbrite-orders.csv", name="Ticket type").records[0].name == "General Admission"
    assert read("eventbrite-attendees.csv", status="Order Type").withdrawn == ()
    assert read("teams-attendance.csv", email="Email").records[1].address == "a.ruiz@work.example"


# --- which column -----------------------------------------------------------------------------------------------------


class One:
    """Reads a list of which the header and one row are given."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __call__(self, header: str, *rows: str) -> AttendeeList:
        self.file.write_text("\n".join([header, *rows]) + "\n", "utf-8")
        return load([self.file], ColumnSettings())


@pytest.fixture
def one(tmp_path: Path) -> One:
    return One(tmp_path / "list.csv")


@pytest.mark.parametrize(
    ("header", "cells"),
    [
        ("Vorname,Nachname,E-Mail-Adresse", "Ana,Ruiz,@"),
        ("Zeitstempel,E-Mail-Adresse,Nachname,Vorname", "x,@,Ruiz,Ana"),
        ("Name,Vorname,E-Mail", "Ruiz,Ana,@"),
        ("Vor- und Nachname,E-Mail", "Ana Ruiz,@"),
        ("Prénom,Nom,Adresse de messagerie", "Ana,Ruiz,@"),
        ("Horodateur,Adresse e-mail,Nom,Prénom", "x,@,Ruiz,Ana"),
        ("Heure de début,Heure de fin,Adresse de messagerie,Nom", "x,y,@,Ana Ruiz"),
        ("Prénom et nom,Courriel", "Ana Ruiz,@"),
        ("Nombre,Apellidos,Correo", "Ana,Ruiz,@"),
        ("Marca temporal,Dirección de correo electrónico,Nombre completo", "x,@,Ana Ruiz"),
        ("Hora de inicio,Hora de finalización,Correo electrónico,Nombre", "x,y,@,Ana Ruiz"),
        ("Nome,Cognome,Indirizzo posta elettronica", "Ana,Ruiz,@"),
        ("Informazioni cronologiche,Indirizzo email,Cognome,Nome", "x,@,Ruiz,Ana"),
        ("Informazioni cronologiche,Nome utente,Nome e cognome", "x,@,Ana Ruiz"),
        ("Voornaam,Achternaam,E-mailadres", "Ana,Ruiz,@"),
        ("Tijdstempel,E-mailadres,Naam", "x,@,Ana Ruiz"),
        ("Begintijd,Tijd van voltooien,E-mail,Naam", "x,y,@,Ana Ruiz"),
        ("Imię,Nazwisko,Adres e-mail", "Ana,Ruiz,@"),
        ("Godzina rozpoczęcia,Godzina ukończenia,Adres e-mail,Nazwa", "x,y,@,Ana Ruiz"),
        ("Nome,Sobrenome,Endereço de e-mail", "Ana,Ruiz,@"),
        ("Carimbo de data/hora,Endereço de e-mail,Nome completo", "x,@,Ana Ruiz"),
    ],
)
def test_the_address_and_the_name_are_recognised_in_seven_languages(one: One, header: str, cells: str) -> None:
    people = one(header, cells.replace("@", "ana@example.org"))
    assert [(ana.address, ana.name) for ana in people.records] == [("ana@example.org", "Ana Ruiz")]
    assert not people.problems


@pytest.mark.parametrize(
    ("header", "cells", "address"),
    [
        ("Buyer Email,Email", "b@example.org,a@example.org", "a@example.org"),
        ("Buyer Email", "b@example.org", "b@example.org"),
        ("Email,Buyer Email", ",b@example.org", ""),
        ("Email,Attendee Email", "b@example.org,a@example.org", "a@example.org"),
        ("Email,Registration Email", "b@example.org,a@example.org", "a@example.org"),
        ("Email,Registration Email", "b@example.org,", "b@example.org"),
        ("E-mail 2 Address,E-mail Address", "b@example.org,a@example.org", "a@example.org"),
        ("E-mail Address,E-mail 2 Address,E-mail 3 Address", ",,c@example.org", "c@example.org"),
        ("E-mail 1 - Value,E-mail 2 - Value", ",b@example.org", "b@example.org"),
        ("Primary Email,Secondary Email", "a@example.org,b@example.org", "a@example.org"),
        ("Mail,Email", "12 High Street,a@example.org", "a@example.org"),
        ("Email,Participant ID (UPN)", "a@example.org,upn@example.org", "a@example.org"),
        ("Timestamp,Username,Email address", "x,b@example.org,a@example.org", "a@example.org"),
        ("Username,Email", "bo,a@example.org", "a@example.org"),
        ("Email,What is your work e-mail?", "anonymous,a@example.org", "a@example.org"),
        ("Email *,Name *", "a@example.org,Ana", "a@example.org"),
    ],
)
def test_of_several_addresses_the_one_is_used_that_is_the_persons_own(
    one: One, header: str, cells: str, address: str
) -> None:
    people = one(header, cells)
    assert [record.address for record in people.records] == [address]
    assert [problem.code for problem in people.problems] == ([] if address else ["missing-address"])


@pytest.mark.parametrize(
    ("header", "cells", "name"),
    [
        ("Name,First Name,Last Name", ",Ana,Ruiz", "Ana Ruiz"),
        ("First Name,Middle Name,Last Name", "Ana,María,Ruiz", "Ana Ruiz"),
        ("User Name (Original Name),First Name,Last Name", "anas phone,Ana,Ruiz", "Ana Ruiz"),
        ("Name (Original Name),Topic", "Ana Ruiz,x", "Ana Ruiz"),
        ("Attendee first name,Attendee Surname", "Ana,Ruiz", "Ana Ruiz"),
        ("Buyer First Name,Buyer Last Name", "Bo,Li", ""),
        ("Username", "ana77", ""),
        ("Your name", "Ana Ruiz", "Ana Ruiz"),
    ],
)
def test_the_name_is_the_one_that_belongs_to_the_address(one: One, header: str, cells: str, name: str) -> None:
    assert one(f"{header},Email", f"{cells},ana@example.org").records[0].name == name


def test_the_name_beside_a_buyers_address_is_the_buyers() -> None:
    people = read("eventbrite-orders.csv", email="Buyer email")
    assert {record.name for record in people.records} == {"Ana Ruiz"}


def test_two_addresses_that_differ_are_a_warning_and_the_first_is_used(one: One) -> None:
    people = one("Timestamp,Email Address,Email", "x,ana@example.org,a.ruiz@example.net")
    (problem,) = people.problems
    assert (problem.severity, problem.code, problem.line, problem.column) == ("warning", "duplicate-column", 1, "Email")
    assert problem.hint == 'If the other is meant, say so in event.toml, under [columns]: email = "Email".'
    assert people.records[0].address == "ana@example.org"
    assert not one("Timestamp,Email Address,Email", "x,ana@example.org,Ana@example.org", "y,bo@example.org,").problems


def test_an_internal_column_is_never_where_an_address_comes_from(tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    file.write_text("E-mail Address,E-mail 2 Address\n,ana@example.org\n")
    people = load([file], ColumnSettings(internal=("E-mail 2 Address",)))
    assert [problem.code for problem in people.problems] == ["missing-address"]


def test_an_internal_column_is_never_where_a_name_comes_from(tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    file.write_text("Name,First name,Email\nRuiz (complained twice),Ana,ana@example.org\n")
    assert load([file], ColumnSettings(internal=("Name",))).records[0].name == "Ana"


def test_one_anonymous_answer_among_others_is_an_error_of_its_row(one: One) -> None:
    people = one("ID,Start time,Completion time,Email,Name", "1,x,y,anonymous,", "2,x,y,ana@example.org,Ana")
    (problem,) = people.problems
    assert (problem.code, problem.line) == ("bad-address", 2)
    assert "without a name" in (problem.hint or "")


# --- who withdrew -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "cells"),
    [
        ("Attendee Status,Order Status", "Attending,Refunded"),
        ("Order Status,Attendee Status", "Completed,Not Attending"),
        ("Status,Approval Status", "confirmed,denied"),
        ("Registration Status", "RejectedByOrganizer"),
        ("Cancelled", "yes"),
        ("Canceled", "x"),
        ("Cancelled at", "2027-04-01 10:00"),
        ("UNSUB_TIME", "2027-04-01 10:00:00"),
        ("Will you attend?", '"No, I can’t."'),
        ("Attending", "no"),
        ("Anmeldestatus", "Storniert"),
        ("Statut", "Annulé"),
        ("Status", "Cancelado"),
        ("Status", "Geannuleerd"),
        ("Status", "cleaned"),
        ("Status", "Transferred"),
    ],
)
def test_any_column_that_says_that_somebody_does_not_come_counts(one: One, header: str, cells: str) -> None:
    people = one(f"Email,{header}", f"ana@example.org,{cells}", "bo@example.org,,")
    assert [record.withdrawn is not None for record in people.records] == [True, False]
    (problem,) = people.problems
    assert problem.code == "withdrawn"
    assert problem.column in header.split(",")
    assert problem.value and problem.value in cells


@pytest.mark.parametrize(
    ("header", "cell"),
    [
        ("Approval Status", "pending"),
        ("Registration Status", "PendingApproval"),
        ("Registration Status", "Waitlisted"),
        ("Attendee Status", "Checked In"),
        ("Order Status", "Partially Refunded"),
        ("Attended", "No"),
        ("Checked In", "No"),
        ("Cancelled", "No"),
        ("Unsubscribed", "FALSE"),
        ("Refunded", "£0.00"),
        ("Payment Status", "declined"),
        ("Status", "subscribed"),
        ("Status", "Nonconformist"),
    ],
)
def test_who_waits_or_stayed_away_once_has_not_withdrawn(one: One, header: str, cell: str) -> None:
    assert not one(f"Email,{header}", f"ana@example.org,{cell}").problems


# --- sections ---------------------------------------------------------------------------------------------------------


def test_a_list_that_is_no_report_has_no_sections_to_end_it(one: One) -> None:
    people = one("Name,Email", "Ana,ana@example.org", "2. Participants,", "Attendee Details,", "Bo,bo@example.org")
    assert [(problem.code, problem.line) for problem in people.problems] == [
        ("missing-address", 3), ("missing-address", 4),
    ]  # fmt: skip
    assert len(people.attendees) == 2


def test_a_zoom_report_of_one_meeting_is_read_below_its_host(one: One) -> None:
    people = one(
        "Meeting ID,Topic,Start Time,User Email,Participants", "900,Pathways,x,host@example.org,1", "",
        "Name (Original Name),User Email,Join Time", "Ana Ruiz,ana@example.org,x",
    )  # fmt: skip
    assert [(record.line, record.address, record.name) for record in people.records] == [
        (5, "ana@example.org", "Ana Ruiz")
    ]
    assert not people.problems


def test_a_long_list_of_panelists_does_not_hide_the_attendees(one: One) -> None:
    panel = [f"Yes,p{at}@example.org" for at in range(120)]
    people = one(
        "Panelist Details", "Attended,Email", *panel, "Attendee Details", "Attended,Email", "Yes,a@example.org"
    )
    assert [(record.line, record.address) for record in people.records] == [(125, "a@example.org")]


# --- the same file twice ----------------------------------------------------------------------------------------------


def test_a_file_that_is_given_twice_is_one_error_and_read_once(tmp_path: Path) -> None:
    first, copy, other = tmp_path / "list.csv", tmp_path / "list (1).csv", tmp_path / "other.csv"
    for file in (first, copy):
        file.write_text("email\n" + "".join(f"p{at}@example.org\n" for at in range(55)))
    other.write_text("email\nana@example.org\n")
    for files, message in (([first, first], "given twice"), ([first, other, copy], f"the same as {first}")):
        people = load(files, ColumnSettings())
        (problem,) = people.problems
        assert (problem.severity, problem.code, problem.line) == ("error", "duplicate-attendee", None)
        assert problem.file == str(files[-1])
        assert message in problem.message
        assert people.attendees_count == 55 + (other in files)
        assert len(people.files) == len(people.encodings) == len(files)


def test_two_files_with_nobody_in_them_are_two_errors(tmp_path: Path) -> None:
    files = [tmp_path / "a.csv", tmp_path / "b.csv"]
    for file in files:
        file.write_text("email\n")
    assert [problem.code for problem in load(files, ColumnSettings()).problems] == ["no-attendees"] * 2


@pytest.mark.parametrize(
    ("encoding", "name"),
    [("cp1250", "Łukasz Żak"), ("mac_roman", "Zoë Müller"), ("iso-8859-2", "Łukasz Żak"), ("utf-16", "Zoë Müller")],
)
def test_the_encoding_can_be_named(tmp_path: Path, encoding: str, name: str) -> None:
    file = tmp_path / "list.csv"
    file.write_bytes(f"Name;Email\r\n{name};ana@example.org\r\n".encode(encoding))
    people = load([file], ColumnSettings(), encoding=encoding)
    assert people.records[0].name == name
    assert not people.problems
