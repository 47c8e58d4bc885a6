"""The exports that people have, read without a word of explanation: who is invited, and nothing said without need."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

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
    "microsoft-forms-de.csv": [(2, *ANA), (3, *ZOE), (5, "bo@example.org", "Bo Li", "Nein")],  # who had said yes
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
    "zoom-attendees.csv": [(13, *ANA), (15, *BO), (16, "dewi@example.org", "Dewi Prys", "cancelled by self")],
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


def read(*names: str, **columns: Any) -> AttendeeList:
    return load([EXPORTS / name for name in names], ColumnSettings(**columns))


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
        ("withdrawn", "zoom-attendees.csv", 16),
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
        ("Nombre,Apellidos,Dirección de correo electrónico,Dirección del correo electrónico 3", "Ana,Ruiz,,@"),
        ("Nombre,Apellidos,Correo electrónico 1 - Valor", "Ana,Ruiz,@"),
        ("Prénom,Nom,Adresse de messagerie,Adresse de messagerie 2", "Ana,Ruiz,,@"),
        ("Prénom,Nom,E-mail 1 - Valeur", "Ana,Ruiz,@"),
        ("Nome,Cognome,Indirizzo posta elettronica,Indirizzo posta elettronica 2", "Ana,Ruiz,,@"),
        ("Enw cyntaf,Cyfenw,Cyfeiriad e-bost", "Ana,Ruiz,@"),
        ("Enw llawn,Beth yw eich cyfeiriad e-bost?,E-bost", "Ana Ruiz,x,@"),
    ],
)
def test_the_address_and_the_name_are_recognised_in_eight_languages(one: One, header: str, cells: str) -> None:
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


# --- who is there again -----------------------------------------------------------------------------------------------

MICROSOFT = "ID,Start time,Completion time,Email,Will you attend?"
GOOGLE = "Timestamp,Email Address,Will you attend?"


@pytest.mark.parametrize(("first", "last"), [("Yes", "No"), ("No", "Yes"), ("Yes", "Yes"), ("No", "No")])
def test_of_two_answers_of_one_person_the_last_counts(one: One, first: str, last: str) -> None:
    people = one(
        MICROSOFT,
        f"1,4/9/27 16:16:54,4/9/27 16:17:11,ana@example.org,{first}",
        "2,4/9/27 16:26:54,4/9/27 16:27:11,bo@example.org,Yes",
        f"3,4/10/27 9:16:54,4/10/27 9:17:11,Ana@Example.org,{last}",
    )
    assert [(record.line, record.address) for record in people.records] == [
        (3, "bo@example.org"),
        (4, "Ana@example.org"),
    ]
    assert people.records[1].withdrawn == ("No" if last == "No" else None)
    assert people.attendees_count == (1 if last == "No" else 2)
    assert {record.address for record in people.withdrawn} == ({"Ana@example.org"} if last == "No" else set())
    said = [(problem.code, problem.line, problem.column, problem.value) for problem in people.problems]
    where = {"Yes No": [4], "No Yes": [2], "Yes Yes": [], "No No": [4]}[f"{first} {last}"]
    assert said == [("withdrawn", line, "Will you attend?", "No") for line in where]
    words = {"Yes No": "The answer in line 2 was another", "No Yes": "answered again in line 4"}
    assert all(words.get(f"{first} {last}", "Not mailed") in problem.message for problem in people.problems)


@pytest.mark.parametrize(
    ("stamps", "last"),
    [
        (("2027/04/09 4:16:54 PM GMT+1", "2027/04/09 11:00:00 AM GMT+1"), 0),
        (("2027/03/28 1:30:00 AM GMT+1", "2027/03/28 1:10:00 AM GMT+0"), 1),  # the clocks went forward
        (("2027/04/09 12:10:00 PM", "2027/04/09 1:10:00 PM"), 1),
        (("2027/04/09 12:10:00 AM", "2027/04/09 1:10:00 AM"), 1),
        (("09.04.2027 16:16", "08.04.2027 16:17"), 0),
        (("4/13/27 16:16:54", "4/9/27 16:17:54"), 0),  # can only be the month first
        (("13/4/27 16:16:54", "9/5/27 16:17:54"), 1),  # can only be the day first
        (("4/9/27 16:16:54", "5/6/27 16:16:54"), 1),  # either: answers stand one below the other
        (("09/04/2027 16:16:54", "09/04/2027 16:16:54"), 1),
        (("yesterday", "today"), 1),
        (("2027-04-09 16:16:54", ""), 1),
        (("2027-02-30 10:00:00", "2027-02-01 10:00:00"), 1),  # no day at all
    ],
)
def test_the_last_answer_is_told_by_its_time_and_else_by_its_place(
    one: One, stamps: tuple[str, str], last: int
) -> None:
    rows = [f'"{stamp}",ana@example.org,{word}' for stamp, word in zip(stamps, ("first", "second"), strict=True)]
    people = one("Timestamp,Email Address,Question", *rows)
    assert [record.line for record in people.records] == [2 + last]
    assert not people.problems


def test_answers_that_were_turned_around_are_still_in_the_order_of_their_time(one: One) -> None:
    people = one(
        GOOGLE,
        "05/06/2027 10:00:00,cy@example.org,Yes",
        "04/06/2027 12:00:00,ana@example.org,No",
        "04/06/2027 12:00:00,bo@example.org,No",
        "04/06/2027 12:00:00,bo@example.org,Yes",
        "03/07/2027 10:00:00,ana@example.org,Yes",
    )
    assert [record.line for record in people.records] == [2, 3, 4]


def test_an_id_that_was_asked_for_says_who_answered_twice(one: One) -> None:
    people = one(
        "Timestamp,ID,Email Address",
        "2027/04/09 10:00:00,7,a.ruiz@example.org",
        "2027/04/09 10:01:00,8,ana@example.org",
        "2027/04/09 10:02:00,7,ana@example.org",
        "2027/04/09 10:03:00,,nonsense",
    )
    assert [(record.key, record.address) for record in people.attendees] == [
        ("8", "ana@example.org"),
        ("7", "ana@example.org"),
    ]
    assert [(problem.code, problem.line) for problem in people.problems] == [("bad-address", 5)]


def test_what_was_wrong_with_an_answer_that_no_longer_counts_is_not_said(one: One) -> None:
    people = one(
        "Timestamp,Email Address,Name,ID",
        '2027/04/09 10:00:00,ana@gmial.com,"Ana\tRuiz",7',
        "2027/04/09 10:01:00,bo@gmial.com,Bo,8",
        "2027/04/09 10:02:00,ana@gmail.com,Ana,7",
    )
    assert [(problem.code, problem.line) for problem in people.problems] == [("likely-typo", 3)]
    assert [record.line for record in people.records] == [3, 4]


def test_the_same_person_in_two_forms_or_in_a_plain_list_is_a_duplicate(tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("one.csv", "two.csv")]
    for file, stamp in zip(files, ("09", "10"), strict=True):
        file.write_text(f"{GOOGLE}\n2027/04/{stamp} 10:00:00,ana@example.org,Yes\n")
    assert [problem.code for problem in load(files, ColumnSettings()).problems] == ["duplicate-attendee"]
    files[0].write_text("Email,When\nana@example.org,2027/04/09\nana@example.org,2027/04/10\n")
    assert [problem.code for problem in load(files[:1], ColumnSettings()).problems] == ["duplicate-attendee"]


def test_rows_keep_their_places_when_answers_before_them_are_left_out(tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("form.csv", "plain.csv")]
    files[0].write_text(
        f"{GOOGLE},Name\n"
        "2027/04/09 10:00:00,ana@example.org,Yes,Ana\n"
        "2027/04/09 10:01:00,BO@example.org.,Yes,Bo\n"
        "2027/04/09 10:02:00,ana@example.org,Yes,Ana\n"
        "2027/04/09 10:03:00,josé@BÜCHER.example,Yes,José\n"
        "2027/04/09 10:04:00,dee@example.org,No,Dee\n"
    )
    files[1].write_text("Email,Status\nana@example.org,\njosé@bücher.example,\ndee@@example.org,\nbo@example.org,no\n")
    people = load(files, ColumnSettings())
    assert [(record.line, record.address, record.group) for record in people.records] == [
        (3, "BO@example.org.", "form"),
        (4, "ana@example.org", "form"),
        (5, "josé@xn--bcher-kva.example", "form"),
        (6, "dee@example.org", "form"),
        (2, "ana@example.org", "plain"),
        (3, "josé@xn--bcher-kva.example", "plain"),
        (4, "dee@@example.org", "plain"),
        (5, "bo@example.org", "plain"),
    ]
    assert [(problem.code, Path(problem.file or "").name, problem.line) for problem in people.problems] == [
        ("bad-address", "form.csv", 3),
        ("non-ascii-address", "form.csv", 5),
        ("withdrawn", "form.csv", 6),
        ("duplicate-attendee", "plain.csv", 2),
        ("non-ascii-address", "plain.csv", 3),
        ("duplicate-attendee", "plain.csv", 3),
        ("bad-address", "plain.csv", 4),
        ("withdrawn", "plain.csv", 5),
    ]
    assert [record.has_error for record in people.records] == [True, False, False, False, True, True, True, False]


def test_who_joined_three_times_is_one_person(one: One) -> None:
    header = "Name (Original Name),User Email,Join Time,Leave Time,Duration (Minutes)"
    people = one(
        header,
        "Ana Ruiz,ana@example.org,14:00,14:10,10",
        "Bo Li,bo@example.org,14:01,15:30,89",
        "Ana Ruiz,ana@example.org,14:12,14:20,8",
        "Ana (phone),ana@example.org,14:22,15:30,68",
    )
    assert [(record.line, record.name) for record in people.records] == [(2, "Ana Ruiz"), (3, "Bo Li")]
    assert not people.problems


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
