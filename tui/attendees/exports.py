"""How the programs that people export from call their columns, and where in a report they put them.

Where each name was found is in docs/attendee-files.md. Names are compared folded: letters and digits only, without case
and accents, so that "E-Mail 2: Adresse" is `email2adresse`.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

# --- addresses --------------------------------------------------------------------------------------------------------

_EMAIL = frozenset(
    {
        *("email", "emailaddress", "emailvalue", "primaryemail"),
        *("emailadresse", "emailadres", "adresemail", "enderecodeemail", "enderecoemail"),  # de, nl, pl, pt
        *("adresseemail", "adressemail", "adressedemessagerie", "adressedecourriel", "adressecourriel", "courriel"),
        *("correo", "correoelectronico", "direcciondecorreo", "direcciondecorreoelectronico"),
        *("direcciondelcorreoelectronico", "correoelectronicovalor", "emailvalor", "emailvaleur"),
        *("indirizzoemail", "indirizzomail", "indirizzodimail", "postaelettronica"),
        *("indirizzopostaelettronica", "indirizzodipostaelettronica"),
        *("correioeletronico", "enderecodecorreioeletronico"),
        *("ebost", "cyfeiriadebost", "eichcyfeiriadebost"),  # cy
    }
)
_SECOND = frozenset({"secondaryemail", "alternateemail"})
# Whose address it is, where the header says so, best first: the person who comes, the person who is written down, the
# person who answered. Who paid for somebody else's ticket comes last. "Contact e-mail", "Manager's email" and the like
# are somebody's decision: [columns].
_WHOSE = (
    ("attendee",),
    ("registration",),
    ("",),
    ("participant", "registrant", "guest", "invitee", "user", "your"),
    ("buyer", "purchaser"),
)
_PAYS = len(_WHOSE) - 1
_STAMP = frozenset(  # the first column of a Google form's answers
    {
        *("timestamp", "zeitstempel", "horodateur", "marcatemporal", "informazionicronologiche", "tijdstempel"),
        *("sygnaturaczasowa", "carimbodedatahora"),
    }
)
_USERNAME = frozenset({"username", "benutzername", "nomeutente", "nombredeusuario", "nomdutilisateur", "nomedeusuario"})
_ABOUT_AN_ADDRESS = re.compile("email|courriel|correoelectronico|postaelettronica|correioeletronico|messagerie|ebost")


@dataclass(frozen=True, slots=True, order=True)
class AddressColumn:
    """A column that can hold the address, and how likely it is the one: the smallest is.

    `rank` is whose address it is, `number` which of that person's, `at` the column. `prefix` is what the header says of
    whose it is: the columns of that person's name begin with it too.
    """

    rank: int
    number: int
    weak: bool
    at: int
    prefix: str


def address_columns(headers: Sequence[str]) -> list[AddressColumn]:
    """The columns that can hold the address, best first."""
    folded = [fold(header) for header in headers]
    is_form = bool(folded) and folded[0] in _STAMP
    found = []
    for at, name in enumerate(folded):
        column = _address_column(name, at)
        if column is None and is_form and name in _USERNAME:
            column = AddressColumn(_PAYS, 1, True, at, "")
        if column is not None:
            found.append(column)
    return sorted(found)


def _address_column(name: str, at: int) -> AddressColumn | None:
    number = 1
    digit = re.search("[1-9]", name)
    if digit:
        number = int(digit[0])
        name = name[: digit.start()] + name[digit.end() :]
    for rank, prefixes in enumerate(_WHOSE):
        for prefix in prefixes:
            rest = name.removeprefix(prefix)
            if not name.startswith(prefix):
                continue
            if rest in _EMAIL:
                return AddressColumn(rank, number, False, at, prefix)
            if rest == "mail" and not prefix and number == 1:
                return AddressColumn(rank, number, True, at, prefix)
            if rest in _SECOND:
                return AddressColumn(rank, number + 1, False, at, prefix)
    return None


def alternatives(columns: Sequence[AddressColumn]) -> list[AddressColumn]:
    """Of `columns`, best first, those that hold the same person's address where the first is blank."""
    return [column for column in columns[1:] if column.rank < _PAYS or column.prefix == columns[0].prefix]


def speaks_of_addresses(header: str) -> bool:
    """Whether a header such as "What is your e-mail?" is about an address at all."""
    return _ABOUT_AN_ADDRESS.search(fold(header)) is not None


_ANONYMOUS = frozenset({"anonymous", "anonym", "anonyme", "anonimo", "anoniem", "anonimowy"})


def is_anonymous(cell: str) -> bool:
    """Whether a cell is what Microsoft Forms writes for the address of somebody who answered without an account."""
    return fold(cell) in _ANONYMOUS


# --- names ------------------------------------------------------------------------------------------------------------

_WHOLE = (
    *("name", "fullname"),
    *("vorundnachname", "vornamenachname", "vornameundnachname", "vollstandigername", "prenometnom", "nometprenom"),
    *("nomcomplet", "nombrecompleto", "nombreyapellidos", "nombreyapellido", "nomecompleto", "nomeecognome"),
    *("nomecognome", "cognomeenome", "nomeesobrenome", "volledigenaam", "voornaamennaam", "voornaamnaam"),
    *("imieinazwisko", "nom", "nombre", "nome", "naam", "nazwa", "enwllawn", "enw"),
)
# What a person called themselves on the day: Zoom's. Only where nobody was asked for a name.
_SHOWN = ("displayname", "nameoriginalname", "usernameoriginalname")
_FIRST = (
    "firstname",
    "givenname",
    "forename",
    "vorname",
    "prenom",
    "voornaam",
    "imie",
    "primeironome",
    "enwcyntaf",
    "first",
)
_LAST = (
    *("lastname", "surname", "familyname", "nachname", "familienname", "nomdefamille", "apellidos", "apellido"),
    *("cognome", "achternaam", "familienaam", "nazwisko", "sobrenome", "apelido", "cyfenw", "last"),
)
# Of whom a column of names may speak where the address column says no more than "Email". A user name is often a login,
# a guest's somebody else's, and who paid is not who comes.
_NAMED = ("", "attendee", "registration", "participant", "registrant", "your")
# A word for the whole name is the last name beside a word for the first, and the first beside a word for the last:
# "Name" and "Vorname", "Nom" and "Prénom"; "Nombre" and "Apellidos", "Nome" and "Cognome".
_LAST_BESIDE = {"vorname": "name", "prenom": "nom", "voornaam": "naam"}
_FIRST_BESIDE = {
    **dict.fromkeys(("apellidos", "apellido"), "nombre"),
    **dict.fromkeys(("cognome", "sobrenome", "apelido"), "nome"),
}


def name_columns(headers: Sequence[str], prefix: str) -> list[tuple[int, ...]]:
    """The columns that make up the name, best first: of whom the address column's `prefix` speaks, else anybody's.

    More than one way, because in real lists "Name" is blank in rows whose first and last name are not.
    """
    folded: dict[str, int] = {}
    for at, header in enumerate(headers):
        folded.setdefault(fold(header), at)
    ways: list[tuple[int, ...]] = []
    for whose in dict.fromkeys((prefix, *_NAMED)):
        ways += _ways(folded, whose)
    return list(dict.fromkeys(ways))


def _ways(folded: dict[str, int], prefix: str) -> Iterator[tuple[int, ...]]:
    def first_of(names: Sequence[str]) -> str | None:
        return next((name for name in names if prefix + name in folded), None)

    first, last = first_of(_FIRST), first_of(_LAST)
    taken = None
    if first is not None and last is None:
        last = taken = first_of((_LAST_BESIDE.get(first, ""),)) if first in _LAST_BESIDE else None
    elif last is not None and first is None:
        first = taken = first_of((_FIRST_BESIDE.get(last, ""),)) if last in _FIRST_BESIDE else None
    whole = first_of([name for name in _WHOLE if name != taken])
    if whole is not None:
        yield (folded[prefix + whole],)
    parts = tuple(folded[prefix + part] for part in (first, last) if part is not None)
    if parts:
        yield parts
    shown = first_of(_SHOWN)
    if shown is not None:
        yield (folded[prefix + shown],)


# --- other columns ----------------------------------------------------------------------------------------------------

_STATUS = frozenset(
    {
        *(
            "status",
            "attendeestatus",
            "attendancestatus",
            "registrationstatus",
            "registrantstatus",
            "participantstatus",
        ),
        *("participationstatus", "approvalstatus", "bookingstatus", "orderstatus", "ticketstatus", "gueststatus"),
        *("rsvp", "rsvpstatus", "responsestatus", "invitestatus", "invitationstatus", "memberstatus"),
        *("subscriptionstatus", "subscriberstatus", "emailmarketingstatus"),
        *("attending", "areyouattending", "willyouattend", "willyoubeattending", "canyouattend", "areyoucoming"),
        *("nehmensieteil", "werdensieteilnehmen", "teilnahme", "participezvous", "participerezvous", "presence"),
        *("asistira", "asistiras", "parteciperai", "partecipera", "neemtudeel", "wezmieszudzial", "vaiparticipar"),
        *("teilnehmerstatus", "teilnahmestatus", "anmeldestatus", "buchungsstatus", "statut"),
    }
)
# Filled in only where somebody withdrew. The first two are Mailchimp's, whose files of the unsubscribed and of the
# cleaned have no status column.
_WITHDRAWAL = frozenset(
    {
        *("unsubtime", "cleantime", "unsubscribed", "optedout", "cancelled", "canceled", "withdrawn", "refunded"),
        *("cancelledat", "canceledat", "cancellationdate", "cancelationdate", "cancellationtime", "withdrawnat"),
    }
)
_GROUP = ("group", "gruppe", "groupe", "grupo", "gruppo", "groep", "grupa")
_FORM_BEGAN = frozenset(
    {
        *("starttime", "startzeit", "heurededebut", "horadeinicio", "oradiinizio", "begintijd"),
        "godzinarozpoczecia",
    }
)
_FORM_ENDED = frozenset(
    {
        *("completiontime", "fertigstellungszeit", "heuredefin", "horadefinalizacion", "oradicompletamento"),
        *("tijdvanvoltooien", "godzinaukonczenia", "horadeconclusao"),
    }
)


def status_columns(headers: Sequence[str]) -> tuple[int, ...]:
    """The columns whose words say whether somebody comes. Any that says no counts."""
    return tuple(at for at, header in enumerate(headers) if fold(header) in _STATUS)


def withdrawal_columns(headers: Sequence[str]) -> tuple[int, ...]:
    """The columns that are filled in only for somebody who does not come."""
    return tuple(at for at, header in enumerate(headers) if fold(header) in _WITHDRAWAL)


def group_column(headers: Sequence[str]) -> int | None:
    folded = [fold(header) for header in headers]
    return next((folded.index(name) for name in _GROUP if name in folded), None)


def numbers_its_answers(headers: Sequence[str]) -> bool:
    """Whether the column `ID` numbers the answers of a Microsoft form: who answers twice would be two people."""
    folded = set(map(fold, headers))
    return not folded.isdisjoint(_FORM_BEGAN) and not folded.isdisjoint(_FORM_ENDED)


def answered_column(headers: Sequence[str]) -> int | None:
    """In a form's responses the column that says when each was given."""
    folded = [fold(header) for header in headers]
    if folded and folded[0] in _STAMP:
        return 0
    ended = (at for at, name in enumerate(folded) if name in _FORM_ENDED)
    return next(ended, None) if numbers_its_answers(headers) else None


def lists_joins(headers: Sequence[str]) -> bool:
    """Whether a row stands for one time that somebody joined, as in Zoom's reports: who was cut off is there again."""
    return {"jointime", "leavetime"} <= set(map(fold, headers))


# --- reports in sections ----------------------------------------------------------------------------------------------

Section = Literal["numbered", "details"]

_NUMBERED = re.compile(r"\d{1,2}\. \S")  # Teams: "2. Participants"
_DETAILS = frozenset(
    {"hostdetails", "panelistdetails", "attendeedetails", "otherattended", "registrantdetails"}
)  # Zoom
_NOT_INVITED = frozenset({"hostdetails", "panelistdetails", "otherattended"})
# The record above a Zoom report's participants names the meeting and its host's address.
_MEETING = (frozenset({"topic"}), frozenset({"meetingid", "webinarid"}))


def is_above_people(records: Sequence[Sequence[str]], header: int) -> bool:
    """Whether the header at this index is above the people to invite: not the hosts, not the meeting itself."""
    names = set(map(fold, records[header]))
    is_meeting = not any(names.isdisjoint(each) for each in _MEETING)
    return not is_meeting and fold(_title_above(records, header)) not in _NOT_INVITED


def section_of(records: Sequence[Sequence[str]], header: int) -> Section | None:
    """What the sections of a report are, if the header at this index stands in one."""
    return _kind(_title_above(records, header))


def begins_section(cells: Sequence[str], kind: Section) -> bool:
    """Whether this record is the title of a report's next section: what follows is about something else."""
    return _kind(_title(cells)) == kind


def _title_above(records: Sequence[Sequence[str]], at: int) -> str:
    above = next((cells for cells in reversed(records[:at]) if any(map(str.strip, cells))), [])
    return _title(above)


def _title(cells: Sequence[str]) -> str:
    """The only cell of a record that has one, the first."""
    return cells[0].strip() if cells and not any(map(str.strip, cells[1:])) else ""


def _kind(title: str) -> Section | None:
    if _NUMBERED.match(title):
        return "numbered"
    return "details" if fold(title) in _DETAILS else None


@lru_cache(maxsize=4096)
def fold(header: str) -> str:
    """`header` as the names in here are written: letters and digits only, without case and accents."""
    plain = unicodedata.normalize("NFKD", header.casefold())
    return "".join(char for char in plain if char.isalnum())
