"""What is filled into a skeleton is to the byte what Jinja2 would have made; and what has none is rendered."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.making import a_revision, a_wording, an_attendee, an_event
from tui.attendees import Attendee
from tui.event import Change
from tui.invitation import Composer, Uncomposable, Wording, load_wording

SHIPPED = {name: load_wording(name, Path("/nowhere"), None) for name in ("invitation", "update", "cancellation")}
PRINTING = {
    "a name": "Dear {{ name }},\nplease come.",
    "a name that may be blank": "{% if name is defined and name %}Dear {{ name }}{% else %}Hello{% endif %},\n\nCome.",
    "a default": 'Dear {{ name | default("guest") }}, you have {{ t_shirt if t_shirt else "none" }}.',
    "a condition in a line": "{{ name if name else 'You' }} of {{ email }}: {{ t_shirt if t_shirt else '' }}!",
    "a column by its header": 'Size {{ attendee["T shirt"] }}{% if attendee.town %} in {{ attendee.town }}{% endif %}.',
    "one thing in every place": "# {{ name }}\n\n- {{ name }}\n- **{{ name }}**\n\n| a |\n|-|\n| {{ name }} |",
    "a loop over what all have": "{% for x in [1, 2] %}\n- {{ x }} {{ name }}\n{% endfor %}",
    "a line that is long": "Word " * 30 + "{{ name }} " + "word " * 30,
    "a value at the end": "The last is {{ name }}",
    "a value with space around it": "A  {{ name }}  b\n\n\n\n{{ name }}\n\n\n{{ email }}",
    "a link that all have": "[Join]({{ event.join_url }}), {{ name }}.",
}
WORKING = {
    "a filter": "Dear {{ name | upper }}",
    "a comparison": 'Dear {% if name == "Ana" %}Ana{% else %}guest{% endif %}',
    "a link of one's own": "[Yours]({{ town }})",
    "a length": "{{ name | length }}",
    "a sum": "{{ name ~ '!' }}",
    "a value set": "{% set x = name %}\n{{ x | upper }}",
    "a block set": "{% set x %}{{ name }}{% endset %}\n{{ x | upper }}",
    "a loop over one's own": "{% for letter in name %}\n- {{ letter }}\n{% endfor %}",
    "a macro": "{% macro m(x) %}{{ x | upper }}{% endmacro %}\n{{ m(name) }}",
    "a method": "{{ name.upper() }}",
    "a whole row": "{% for header, cell in attendee.items() %}\n- {{ header }}: {{ cell }}\n{% endfor %}",
    "a column chosen by another": "{{ attendee[name] }}",
    "a truth that is printed": "{{ name and 'x' }}",
    "a part that is called": (
        "{% macro x() %}{{ caller() | upper }}{% endmacro %}\n\n{% call x() %}{{ name }}{% endcall %}\n"
    ),
    "one value or another": "{{ name or 'you' }}",
}
VALUES = st.one_of(
    st.sampled_from(
        ["", " ", "Ana", "Ana Ruiz", "Zoë Ångström", "李", "<b>&\"'", "{{ name }}", "a\nb", " a", "a ", "a  b", "a\tb"]
        + [
            "x" * 80,
            "é" * 80,
            "w " * 60 + "w",
            "=20",
            ".",
            "\u2028",
            "a\u00a0b",
            "\u0645\u0631\u064a\u0645",
            "https://x.example/?a=b&c",
        ]
    ),
    st.text(max_size=30),
)


def somebody(name: str, shirt: str, town: str) -> Attendee:
    return an_attendee({"T shirt": shirt, "Town": town}, name=name)


def made(composer: Composer, people: Sequence[Attendee], action: str = "invite", **more: Any) -> list[object]:
    """The messages, or why there is none."""
    found: list[object] = []
    for person in people:
        try:
            found.append(composer.compose(person, replace(a_revision(action), **more)))
        except Uncomposable as error:
            found.append(error.problems)
    return found


def each_alone(wording: Wording, people: Sequence[Attendee], action: str = "invite", **more: Any) -> list[object]:
    """The same by composers that see nobody else, and so have nothing that they could share."""
    return [made(Composer(an_event(), {action: wording}), [person], action, **more)[0] for person in people]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(VALUES, VALUES, VALUES), min_size=1, max_size=6), st.sampled_from(sorted(PRINTING | WORKING)))
def test_whoever_was_before_a_message_is_the_same_to_the_byte(rows: list[tuple[str, str, str]], which: str) -> None:
    wording = a_wording((PRINTING | WORKING)[which], subject="For {{ name if name else 'you' }}")
    people = [somebody(*row) for row in rows]
    # Three times over: whose skeleton there is then, all of them have met.
    found = made(Composer(an_event(), {"invite": wording}), people * 3)
    assert found == each_alone(wording, people) * 3


@settings(max_examples=50, deadline=None)
@given(st.lists(VALUES, min_size=1, max_size=5), st.sampled_from(sorted(SHIPPED)), st.booleans())
def test_so_are_the_messages_of_the_wordings_that_ship(names: list[str], which: str, is_noted: bool) -> None:
    action = {"invitation": "invite", "update": "update", "cancellation": "cancel"}[which]
    more = {"note": "Bring a pen.", "changes": (Change("Place", "here", "there"),)} if is_noted else {}
    people = [an_attendee(name=name) for name in names]
    found = made(Composer(an_event(), {action: SHIPPED[which]}), people * 3, action, **more)
    assert found == each_alone(SHIPPED[which], people, action, **more) * 3


@pytest.fixture
def renderings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """One entry for each time that Jinja2 was asked for a wording."""
    asked: list[str] = []
    fill = Wording.fill

    def watched(self: Wording, *words: Any) -> object:
        asked.append(self.shown)
        return fill(self, *words)

    monkeypatch.setattr(Wording, "fill", watched)
    return asked


def people(count: int) -> list[Attendee]:
    return [somebody(f"Guest {number}", "M", f"https://town{number}.example") for number in range(count)]


@pytest.mark.parametrize("wording", [*(a_wording(body) for body in PRINTING.values()), *SHIPPED.values()])
def test_who_prints_only_is_rendered_three_times_for_any_number_of_people(
    wording: Wording, renderings: list[str]
) -> None:
    made(Composer(an_event(), {"invite": wording}), people(20))
    assert len(renderings) == 3  # for the first, for the second, and with marks


@pytest.mark.parametrize("body", WORKING.values(), ids=WORKING.keys())
def test_who_does_more_with_a_value_is_rendered_for_each(body: str, renderings: list[str]) -> None:
    made(Composer(an_event(), {"invite": a_wording(body)}), people(20))
    assert len(renderings) == 20


@pytest.mark.parametrize(
    "layout",
    [
        "<html><body>{{ content | replace('Guest', 'Host') }}</body></html>",
        "<html><head><title>{{ subject | upper }}</title></head><body>{{ content }}</body></html>",
        "<html><body>{% if subject == 'To Guest 3' %}three{% endif %}{{ content }}</body></html>",
    ],
)
def test_what_a_page_does_with_the_subject_or_the_wording_it_does_for_each(layout: str) -> None:
    wording = a_wording("Dear {{ name }}", subject="To {{ name }}", layout=layout)
    found = made(Composer(an_event(), {"invite": wording}), people(6))
    assert found == each_alone(wording, people(6))


def test_a_skeleton_is_of_those_alone_who_have_all_else_in_common() -> None:
    """Another note, other changes, a link of one's own, another file with other columns: nothing is taken over."""
    wording = a_wording(
        "Dear {{ name }}: {{ event.join_url }}{% if organizer.note %} {{ organizer.note }}{% endif %}"
        "{% if t_shirt is defined %} {{ t_shirt }}{% endif %}{% if changes %} {{ changes }}{% endif %}"
    )
    shared = Composer(an_event(), {"invite": wording, "update": wording})
    kinds: list[tuple[str, dict[str, object], Attendee]] = [
        ("invite", {}, an_attendee()),
        ("invite", {"note": "Bring a pen."}, an_attendee()),
        ("invite", {"changes": (Change("Place", "here", "there"),)}, an_attendee()),
        ("update", {}, an_attendee()),
        ("invite", {}, an_attendee({"T shirt": "M"})),
        ("invite", {}, an_attendee({"T shirt": ""})),
        ("invite", {}, an_attendee({"join_url": "https://one.example/"})),
        ("invite", {}, an_attendee({"join_url": "https://two.example/"})),
    ]
    for _ in range(4):
        for action, more, person in kinds:
            alone = Composer(an_event(), {action: wording})
            assert made(shared, [person], action, **more) == made(alone, [person], action, **more)


def test_what_jinja_makes_of_a_value_is_watched_and_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Were a wording taken for one that only prints although it does more, its messages would still be right."""
    wording = a_wording("Dear {{ name | upper }}")
    assert not wording.only_prints
    wording.only_prints = True
    found = made(Composer(an_event(), {"invite": wording}), people(6))
    monkeypatch.setattr(wording, "only_prints", False)
    assert found == made(Composer(an_event(), {"invite": wording}), people(6))


def test_a_value_cannot_be_taken_for_a_mark() -> None:
    """What stands for values is made up anew by each composer, and no name can be it."""
    wording = a_wording("Dear {{ name }} of {{ town }}")
    odd = [somebody(f"q{'0' * 32}q{number}q", "M", "q1q") for number in range(6)]
    assert made(Composer(an_event(), {"invite": wording}), odd) == each_alone(wording, odd)
