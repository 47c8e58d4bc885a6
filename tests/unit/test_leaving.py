"""Which columns leave, and where: seen in what is composed, whatever the template hides it behind."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.making import a_wording, an_attendee, an_event, columns
from tui.attendees import Attendee
from tui.event import Event
from tui.invitation import Composer
from tui.invitation.leaving import columns_leaving
from tui.plan import event_of

_HEADERS = ("Name", "Email", "Room", "Diet", "Section")


def rows(*cells: tuple[str, str, str], internal: tuple[int, ...] = ()) -> list[Attendee]:
    understood = replace(columns(*_HEADERS), internal=frozenset(internal))
    found = cells or (("4", "none", "North"), ("5", "vegan", "South"))
    return [
        replace(
            an_attendee(name=f"Guest {at}", address=f"guest{at}@example.org"),
            cells=(f"Guest {at}", f"guest{at}@example.org", *more),
            columns=understood,
        )
        for at, more in enumerate(found)
    ]


def leaving(source: str, found: list[Attendee] | None = None, event: Event | None = None) -> dict[str, tuple[str, ...]]:
    found = found or rows()
    composer = Composer(event or an_event(), dict.fromkeys(("invite", "update", "cancel"), a_wording(source)), event_of)
    places = columns_leaving(composer, found[0].columns, found)
    return {_HEADERS[at]: where for at, where in places.items()}


def test_who_it_goes_to_and_nothing_else() -> None:
    assert leaving("Hello.") == {"Name": ("to", "calendar"), "Email": ("to", "calendar")}


@pytest.mark.parametrize(
    "source",
    [
        "Room {{ room }}.",
        'Room {{ attendee["Room"] }}.',
        "Room {{ room | upper }}.",
        "{{ room | length }} letters.",
        '{% if room == "5" %}Upstairs.{% endif %}',
        "{% for letter in room %}-{% endfor %}",
        '{{ "Upstairs" if room == "5" else "Downstairs" }}',
        "{% set r = room %}{{ r }}",
        '{% for name in ["Room"] %}{{ attendee[name] }}{% endfor %}',
        '{{ attendee["Ro" ~ "om"] }}',
    ],
)
def test_a_column_is_seen_whatever_it_hides_behind(source: str) -> None:
    found = leaving(source)
    assert set(found) == {"Name", "Email", "Room"} and found["Room"] == ("text", "html")


def test_the_subject_is_told_apart() -> None:
    composer = Composer(
        an_event(), dict.fromkeys(("invite", "update", "cancel"), a_wording("Hello.", subject="{{ room }}")), event_of
    )
    found = rows()
    assert columns_leaving(composer, found[0].columns, found)[2][0] == "subject"


def test_a_column_whose_condition_nobody_meets_is_told_all_the_same() -> None:
    assert leaving('{% if diet == "kosher" %}We know.{% endif %} Hello.')["Diet"] == ()


def test_a_loop_over_the_whole_row_is_told_column_by_column() -> None:
    source = "{% for header in attendee %}{% if header != 'Diet' %}{{ attendee[header] }} {% endif %}{% endfor %}"
    found = leaving(source)
    assert "Diet" not in found and {"Room", "Section"} <= set(found)


def test_an_internal_column_stays() -> None:
    assert "Section" not in leaving("Hello.", rows(internal=(4,)))


def test_a_column_of_links_reaches_the_calendar(tmp_path: Path) -> None:
    understood = columns("Name", "Email", "Join URL")
    cells = ("Ana", "ana@example.org", "https://own.example/1")
    row = replace(an_attendee(name="Ana", address="ana@example.org"), cells=cells, columns=understood)
    composer = Composer(an_event(), dict.fromkeys(("invite", "update", "cancel"), a_wording("Hello.")), event_of)
    assert columns_leaving(composer, understood, [row])[2] == ("calendar",)
