"""The wording: what a template can say and reach, what is said about its mistakes, and what becomes of values."""

import re
import time
import tracemalloc
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, reject, settings
from hypothesis import strategies as st

from tests.unit.making import (
    a_revision,
    a_wording,
    an_attendee,
    an_event,
    body,
    columns,
    compose,
    page,
)
from tui.errors import InputError, Problem
from tui.event import Change, Event, MessageSettings
from tui.event import load as load_event
from tui.invitation import Composer, Uncomposable, Wording, load_wording

T_SHIRT = {"First Name": "Ana", "T shirt": "XL", "Note": "", "Event": "Ball", "Role": "secretary-value"}


_ANY_FILTERS = (
    *("center", "join", "list", "replace", "wordwrap", "indent", "batch", "slice", "format", "round", "string", "sum"),
    *("sort", "upper", "length", "first", "map", "truncate", "int", "striptags", "unique", "reverse", "urlencode"),
)
_ANY_METHODS = (
    "center",
    "join",
    "replace",
    "split",
    "zfill",
    "format",
    "count",
    "strip",
    "index",
    "encode",
    "to_bytes",
)


def filled(template: str, row: Mapping[str, str] = T_SHIRT, **more: str) -> tuple[str, str]:
    """The text, and the HTML within the layout, for one attendee."""
    made = compose(a_wording(template, **more), an_attendee(row, internal=["Role"]))
    return made.text, body(made.html)


def both(template: str, row: Mapping[str, str] = T_SHIRT) -> str:
    """The text, where the HTML says the same in one paragraph."""
    text, html = filled(template, row)
    assert page(html).text.split() == text.split()
    return text.rstrip("\n")


def problems(template: str, *, subject: str = "Hello", **more: str) -> list[tuple[str, int | None, str | None]]:
    found = a_wording(template, subject=subject, **more).check(columns("Name", "Email", *T_SHIRT, internal=["Role"]))
    return [(problem.code, problem.line, problem.hint) for problem in found]


def refusal(make: Callable[[], Wording]) -> Problem:
    with pytest.raises(InputError) as caught:
        make()
    assert caught.value.code == "bad-template"
    (problem,) = caught.value.problems
    assert (problem.severity, problem.code) == ("error", "bad-template")
    return problem


def uncomposable(template: str, row: Mapping[str, str] = T_SHIRT, **more: str) -> Problem:
    with pytest.raises(Uncomposable) as caught:
        filled(template, row, **more)
    (problem,) = caught.value.problems
    # What does not come to an end is nobody's in particular.
    assert (problem.file, problem.line) == ("list.csv", 2) or problem.file == "invitation.md"
    return problem


# --- placeholders -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("placeholder", "value"),
    [
        ("name", "Ana Ruiz"),
        ("email", "ana@example.org"),
        ("first_name", "Ana"),
        ("First_Name", "Ana"),
        ("firstname", "Ana"),
        ('attendee["First Name"]', "Ana"),
        ('attendee["first-name"]', "Ana"),
        ("attendee.first_name", "Ana"),
        ('attendee["T shirt"]', "XL"),
        ('attendee["T_SHIRT"]', "XL"),
        ("t_shirt", "XL"),
        ('attendee["Event"]', "Ball"),
        ('attendee["Name"]', "Ana Ruiz"),
        ("event.title", "Pathways to Work"),
        ("event.start", "Thursday 6 May 2027, 14:00"),
        ("event.end", "Thursday 6 May 2027, 15:30"),
        ("event.start.year", "2027"),
        ('event.start.strftime("%H:%M")', "14:00"),
        ("event.end - event.start", "1:30:00"),
        ("event.when", "Thursday 6 May 2027, 14:00 to 15:30 London time (UTC+01:00)"),
        ("event.location", "Microsoft Teams"),
        ("event.join_url", "https://teams.example/l/meetup-join/abc"),
        ("event.description", "No preparation is needed."),
        ("event.timezone", "Europe/London"),
        ("organizer.name", "Consultation team"),
        ("organizer.email", "consultations@department.example"),
        ("name.split()[0] | upper", "ANA"),
        ('"%s!" | format(first_name)', "Ana!"),
    ],
)
def test_a_placeholder_is_filled_in(placeholder: str, value: str) -> None:
    template = f"{{{{ {placeholder} }}}}"
    assert problems(template) == []
    assert both(template) == value


@pytest.mark.parametrize(
    "header", ["First Name", "FirstName", "first-name", "FIRST_NAME", " first  name ", "Ｆirst name"]
)
def test_a_header_is_matched_however_it_is_spelled(header: str) -> None:
    attendee = an_attendee({header: "Ana"})
    wording = a_wording('{{ first_name }} {{ attendee["first name"] }}')
    assert wording.check(attendee.columns) == []
    assert compose(wording, attendee).text == "Ana Ana\n"


@pytest.mark.parametrize(
    ("placeholder", "hint"),
    [
        ("nme", "Did you mean name?"),
        ("frist_name", "Did you mean first_name?"),
        ("firstNmae", "Did you mean first_name?"),
        ('attendee["T-shrt"]', "Did you mean T shirt?"),
        ("event.titel", "Did you mean event.title?"),
        ("event.uid", "Did you mean event.end?"),
        ("organizer.mail", "Did you mean organizer.email?"),
        ("zzzzzz", "There are Email, First Name"),
        ("range", None),
        ("lipsum", None),
        ("self", None),
        ("loop", None),
        ("subject", None),
        ("content", None),
        ("attendee.get", None),
        ("attendee._columns", None),
        ("attendee.__class__", None),
    ],
)
def test_an_unknown_placeholder_is_named_with_its_line_and_the_nearest_that_is_known(
    placeholder: str, hint: str | None
) -> None:
    template = f"Hello {{{{ first_name }}}},\n\nsome words\n{{{{ {placeholder} }}}}"
    if placeholder != "self":  # Jinja2 takes it for one of its own; it prints as nothing that a message may hold
        ((code, line, found),) = problems(template)
        assert (code, line) == ("unknown-placeholder", 6)
        assert found is not None
        assert hint is None or hint.split()[0] in found
        assert hint is None or "mean" not in hint or found == hint
    uncomposable(template)


def test_an_unknown_placeholder_in_the_subject_is_on_the_first_line() -> None:
    assert problems("x", subject="Hello {{ nme }}") == [("unknown-placeholder", 1, "Did you mean name?")]


def test_one_in_the_subject_of_the_event_file_is_on_no_line_of_the_template() -> None:
    (problem,) = a_wording("x", event_subject="{{ nme }}").check(columns("Name", "Email"))
    assert (problem.file, problem.line, problem.code) == (None, None, "unknown-placeholder")


@pytest.mark.parametrize(
    "guarded",
    [
        '{{ dessert | default("") }}',
        '{{ dessert | d("no") }}',
        '{{ attendee["Dessert"] | default("") }}',
        '{{ attendee.dessert | default("") }}',
        '{{ event.room | default("") }}',
        "{% if dessert is defined %}{{ dessert }}{% endif %}",
        "{% if dessert is defined and dessert %}\n{{ dessert }}\n{% endif %}",
        '{% if attendee["Dessert"] is defined and attendee.dessert %}{{ attendee["dessert"] }}{% endif %}',
        "{% if dessert is undefined %}{% else %}{{ dessert }}{% endif %}",
        "{% if not dessert is defined %}{% elif dessert %}{{ dessert }}{% endif %}",
        "{% if dessert is not defined or not dessert %}{% else %}{{ dessert }}{% endif %}",
        '{{ dessert if dessert is defined else "" }}',
        '{{ dessert is defined and dessert or "" }}',
    ],
)
@pytest.mark.parametrize("row", [{"First Name": "A"}, {"Dessert": ""}])
def test_a_guarded_column_may_be_absent_or_blank(guarded: str, row: Mapping[str, str]) -> None:
    template = f"a {guarded} b" if "\n" not in guarded else guarded
    wording = a_wording(template)
    attendee = an_attendee(row)
    assert wording.check(attendee.columns) == []
    compose(wording, attendee)


@pytest.mark.parametrize(
    "unguarded",
    [
        '{{ dessert | default("") }}{{ dessert }}',
        "{% if dessert is defined %}x{% endif %}{{ dessert }}",
        "{% if dessert is defined %}x{% else %}{{ dessert }}{% endif %}",
        "{% if dessert is defined or name %}{{ dessert }}{% endif %}",
        "{% if dessert %}{{ dessert }}{% endif %}",
        "{{ name | default(dessert) }}",
    ],
)
def test_a_guard_holds_only_where_it_stands(unguarded: str) -> None:
    assert {code for code, _, _ in problems(unguarded)} == {"unknown-placeholder"}


@pytest.mark.parametrize(
    "template",
    [
        "{{ note }}",
        "Dear {{ note }}, welcome",
        '{{ attendee["Note"] }}',
        "{{ attendee.note }}",
        "{{ note | upper }}",
        '{{ note + "!" }}',
        '{{ note ~ "!" }}',
        "{{ note.split(',')[0] }}",
        "{{ note[0] }}",
        '{{ "%s" | format(note) }}',
        "[here]({{ note }})",
        "[{{ note }}](https://x.example)",
        "`{{ note }}`",
        '{% if note == "x" %}{% else %}{{ note }}{% endif %}',
        "{% for key in attendee %}{{ attendee[key] }}{% endfor %}",
        "{{ attendee.values() | join }}",
    ],
)
def test_a_blank_column_is_a_missing_value_of_that_attendee(template: str) -> None:
    assert problems(template) == []
    problem = uncomposable(template)
    assert (problem.code, problem.column, problem.value) == ("missing-value", "Note", "")
    assert (problem.file, problem.line) == ("list.csv", 2)
    assert "Ana Ruiz" in problem.message


def test_a_column_of_white_space_is_blank_too() -> None:
    assert uncomposable("{{ note }}", {"Note": " \t "}).code == "missing-value"


def test_a_blank_name_is_a_missing_value() -> None:
    with pytest.raises(Uncomposable) as caught:
        compose("Dear {{ name }}", an_attendee(name=""))
    (problem,) = caught.value.problems
    assert (problem.code, problem.column) == ("missing-value", "Name")


def test_all_blank_columns_of_an_attendee_are_told_at_once() -> None:
    with pytest.raises(Uncomposable) as caught:
        compose("{{ a }} {{ b }} {{ a }}", an_attendee({"A": "", "B": ""}))
    assert [problem.column for problem in caught.value.problems] == ["A", "B"]


def without(fact: str) -> Event:
    facts: dict[str, Any] = {fact: ""}
    return an_event(**facts)


@pytest.mark.parametrize("fact", ["location", "join_url", "description"])
def test_a_blank_fact_of_the_event_is_the_wordings_problem(fact: str) -> None:
    with pytest.raises(Uncomposable) as caught:
        compose(f"At {{{{ event.{fact} }}}}", event=without(fact))
    (problem,) = caught.value.problems
    assert (problem.code, problem.file, problem.value) == ("missing-value", "invitation.md", f"event.{fact}")
    assert compose(f"At {{% if event.{fact} %}}x{{% endif %}}!", event=without(fact)).text == "At !\n"


def test_an_absent_column_is_not_silently_false() -> None:
    assert "dessert" in uncomposable("{% if dessert %}x{% endif %}").message


def test_a_column_that_the_file_has_twice_cannot_be_used() -> None:
    (problem,) = a_wording("{{ size }}").check(columns("Email", "Size", "size"))
    assert (problem.code, problem.severity) == ("duplicate-column", "error")


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("{{ attendee.note.split }}", None),
        ("{{ event.start.isoformat }}", "missing ()"),
        ("{{ name.split() }}", "list"),
        ("{{ attendee.items() | list }}", "list"),
        ("{{ event }}", "title"),
        ("{{ organizer }}", "name"),
        ("{{ attendee }}", "attendee"),
        ("{{ none }}", "no text"),
        ("{{ self }}", "no text"),
    ],
)
def test_what_prints_as_a_programs_own_words_is_refused(template: str, said: str | None) -> None:
    problem = uncomposable(template)
    assert said is None or said in problem.message
    assert "0x" not in problem.message


def test_a_column_may_be_called_items() -> None:
    assert both("{{ attendee.items }}{{ attendee.values() | first }}", {"Items": "3"}) == "3Ana Ruiz"


# --- internal columns -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "template",
    ["{{ role }}", "{{ ROLE }}", '{{ attendee["Role"] }}', '{{ attendee["r-o-l-e"] }}', "{{ attendee.role }}"],
)
def test_the_wording_cannot_use_an_internal_column(template: str) -> None:
    for guarded in (template, template.replace(" }}", ' | default("") }}'), f"{{% if 1 %}}{template}{{% endif %}}"):
        ((code, line, _),) = problems(guarded)
        assert (code, line) == ("internal-column", 3)


@pytest.mark.parametrize(
    "template",
    [
        "{{ role }}",
        '{{ role | default("-") }}',
        '{{ attendee["Role"] | default("-") }}',
        '{{ attendee["Ro" ~ "le"] | default("-") }}',
        '{% set a = attendee %}{{ a["Role"] | default("-") }}{{ a.role | default("-") }}',
        "{% for k in attendee %}{{ k }}={{ attendee[k] | default('-') }} {% endfor %}",
        "{% for k, v in attendee.items() %}{{ k }}={{ v | default('-') }} {% endfor %}",
        "{{ attendee.values() | map('default', '-') | join(' ') }}",
        "{{ attendee | list | join(' ') }}",
        "{{ attendee | dictsort | map('join') | join(' ') }}",
        "{{ attendee | items | map('join') | join(' ') }}",
        "{{ attendee | tojson }}",
        "{{ attendee | pprint }}",
        "{{ attendee | string }}",
        "{{ [attendee] | map(attribute='Role') | map('default', '-') | join }}",
        "{{ attendee | attr('_cells') }}",
        "{{ attendee | attr('__dict__') }}",
        "{{ attendee._columns }}",
        "{{ attendee.__class__.__mro__ }}",
        "{{ attendee.items.__globals__ }}",
        "{{ attendee.keys().mapping }}",
        "{{ self._TemplateReference__context }}",
        "{{ self.__init__.__globals__ }}",
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ '{0.__class__}'.format(attendee) }}",
        "{{ '{0._columns}'.format(attendee) }}",
        "{{ '%s' % (attendee,) }}",
        "{{ event.start.tzinfo.__class__ }}",
        "{{ (attendee.items())._mapping }}",
        "{{ attendee.items().mapping }}",
        "{% macro m() %}{{ varargs }}{{ kwargs }}{{ caller }}{% endmacro %}{{ m(attendee, x=attendee) }}",
        "{{ cycler }}{{ joiner }}{{ namespace }}{{ dict }}",
    ],
)
def test_no_expression_whatever_reaches_an_internal_column(template: str) -> None:
    row = {**T_SHIRT, "Note": "x"}
    try:
        made = compose(a_wording(template), an_attendee(row, internal=["Role"]))
    except (Uncomposable, InputError) as error:
        text = str(error) + repr(getattr(error, "problems", ""))
    else:
        text = made.text + made.html
    for word in ("secretary-value", "Ana Ruiz', 'ana@", "Columns("):
        assert word not in text


def test_a_walk_through_a_row_meets_every_other_column() -> None:
    text = both("{% for k, v in attendee.items() %}{{ k }}={{ v | default('-') }} {% endfor %}")
    assert text == "Name=Ana Ruiz Email=ana@example.org First Name=Ana T shirt=XL Note=- Event=Ball"


def test_a_name_that_is_internal_cannot_be_used_either() -> None:
    (problem,) = a_wording("Dear {{ name }}").check(columns("Name", "Email", internal=["Name"]))
    assert (problem.code, problem.column) == ("internal-column", "Name")


def test_which_columns_the_wording_can_reach_is_known_beforehand() -> None:
    known = columns("Name", "Email", "A", "B", "C", internal=["C"])
    assert a_wording("{{ a }} {{ attendee['B'] | default('') }}").columns_used(known) == {2, 3}
    assert a_wording("{% for k in attendee %}{{ k }}{% endfor %}").columns_used(known) == {0, 1, 2, 3}
    assert a_wording("{{ attendee[name] }}").columns_used(known) == {0, 1, 2, 3}
    assert a_wording("{{ attendee.items() | list | length }}").columns_used(known) == {0, 1, 2, 3}
    assert a_wording("x", subject="{{ b }}").columns_used(known) == {3}
    assert a_wording("x", override="<p>{{ a }}</p>").columns_used(known) == {2}
    assert a_wording("x", layout="<p>{{ a }}{{ content }}</p>").columns_used(known) == {2}
    assert a_wording("x").columns_used(known) == set()


# --- what a template cannot do ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ('{% include "/etc/passwd" %}', "include"),
        ("{% include name ignore missing %}", "include"),
        ('{% import "x" as y %}', "import"),
        ('{% from "x" import y %}', "import"),
        ('{% extends "x" %}', "extend"),
        ("{% autoescape false %}{{ name }}{% endautoescape %}", "autoescape"),
        ("{% filter upper %}{{ name }}{% endfilter %}", "filter"),
        ("{% set x | striptags %}{{ name }}{% endset %}", "filter"),
        ("{{ name | safe }}", "safe"),
        ("{{ name | urlize }}", "urlize"),
        ("{{ name | random }}", "random"),
        ("{{ name | nosuch }}", "nosuch"),
        ("{{ name | _link }}", "_link"),
        ("{% if name is nosuch %}x{% endif %}", "nosuch"),
        ("{% do name %}", "do"),
        ("{% if name %}", "endif"),
        ("{% endif %}", "endif"),
        ("{{ name", "end of"),
        ("{{ name }", "}"),
        ("{{ }}", "xpression"),
        ("{# never closed", "comment"),
        ("{% raw %}", "raw"),
    ],
)
@pytest.mark.parametrize("lines_before", [0, 4])
def test_what_a_template_must_not_or_cannot_say_is_refused_with_its_line(
    template: str, said: str, lines_before: int
) -> None:
    problem = refusal(lambda: a_wording("{{ name }}\n" * lines_before + template))
    assert said in problem.message
    assert (problem.file, problem.line) == ("invitation.md", 3 + lines_before)


@pytest.mark.parametrize(
    "template",
    [
        "{% for a in name * 9999999999 %}{{ a }}{% endfor %}",
        "{{ 'x' * 9999999999 }}",
        "{{ 9 ** 999999999 }}",
        "{{ 9 ** 9 ** 9 ** 9 ** 9 ** 9 ** 9 ** 9 }}",
        "{% for a in 'xxxxxxxxxx' * 100 %}{% for b in 'xxxxxxxxxx' * 100 %}{{ a }}{% endfor %}{% endfor %}",
        "{% macro again() %}{{ again() }}{% endmacro %}{{ again() }}",
    ],
)
def test_what_grows_without_end_is_an_error(template: str) -> None:
    problem = uncomposable(template)
    assert problem.code == "bad-template"
    assert re.search("grows without end|more of it than a template may", problem.message)


BOMBS = (
    "{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}",
    "{% for a in range(9999) %}{% for b in range(9999) if b > 9999 %}{% endfor %}{% endfor %}",
    "{% for a in range(9999) %}{{ range(9999) | map('string') | list | length }}{% endfor %}",
    "{% for a in range(9999) %}{{ range(9999) | sum }}{% endfor %}",
    "{% set x %}{% for a in range(9999) %}" + "many words " * 900 + "{% endfor %}{% endset %}",
    "{% macro m(n) %}{% if n %}{{ m(n - 1) }}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(99) }}",
    "{% block a %}{{ self.a() }}{% endblock %}",
    "{{ 'x'.center(10 ** 9) }}",
    "{{ 'x' | center(10 ** 9) }}",
    "{{ 'x'.zfill(10 ** 9) }}",
    "{{ 'x' | indent(10 ** 9) }}",
    "{{ 'x' | indent('y' * 9999 ~ 'y' * 99999999) }}",
    "{{ ('x' * 99999) | wordwrap(1) }}",
    "{{ [1] | batch(10 ** 9, 'x') | list | length }}",
    "{{ [1] | batch(linecount=10 ** 9, fill_with='x') | list | length }}",
    "{{ [1] | slice(10 ** 9) | list | length }}",
    "{{ 1.5 | round(10 ** 9, 'ceil') }}",
    "{{ '%999999999d' % 1 }}",
    "{{ '%*d' % (999999999, 1) }}",
    "{{ '%999999999d' | format(1) }}",
    "{{ '{:999999999}'.format(1) }}",
    "{{ '{a:999999999}'.format_map({'a': 1}) }}",
    "{{ '{:{}}'.format('x', '999999999') }}",
    "{{ ('%s' * 9999) % ((name * 9999,) * 9999) }}",
    "{{ ('a' * 9999).replace('a', 'b' * 9999) }}",
    "{{ ('a' * 9999) | replace('', 'b' * 9999) }}",
    "{{ (['ab' * 9999] * 9999) | join }}",
    "{{ ('-' * 9999).join(range(9999) | map('string')) }}",
    "{{ ([{'x': 'ab' * 9999}] * 9999) | map(attribute='x') | join }}",
    "{{ ('<>' * 99999) | striptags }}",
    "{{ (9 ** 9999) ** 9999 }}",
    "{{ [0] * 10 ** 9 }}",
    "{{ event.start.strftime('%A' * 999999) }}",
    "{% set l = ['x'] * 9999 %}{% for a in range(9999) %}{% if 'y' in l %}{% endif %}{% endfor %}",
    "{% set l = ['x'] * 9999 %}{% for a in range(9999) %}{% if 'y' is in l %}{% endif %}{% endfor %}",
    "{% set l = ['x'] * 9999 %}{% for a in range(9999) %}{{ l.count('y') }}{% endfor %}",
    "{% set a = 'x' * 99 %}" + "{% set a = a ~ a ~ a ~ a ~ a ~ a ~ a ~ a %}" * 9 + "{{ a }}",
    "{% set a = 'x' * 99 %}" + "{% set a = a + a + a + a + a + a + a + a %}" * 9 + "{{ a }}",
    "{% set a = [1] %}" + "{% set a = [a, a, a, a, a, a, a, a] %}" * 19 + "{{ a | string }}",
    "{% set a = (1,) %}" + "{% set a = (a, a, a, a, a, a, a, a) %}" * 19 + "{{ {a: 1}[a] }}",
)


@pytest.mark.parametrize("bomb", BOMBS)
def test_what_takes_for_ever_is_stopped_with_its_line(bomb: str) -> None:
    begun = time.thread_time()
    problem = uncomposable(f"x {bomb}")
    assert time.thread_time() - begun < 5
    assert problem.code == "bad-template"
    assert "grows without end" in problem.message
    assert (problem.file, problem.line) == ("invitation.md", 3)


@pytest.mark.parametrize("bomb", [bomb for bomb in BOMBS if "{%" not in bomb])
def test_what_would_take_much_memory_is_stopped_before_it_has_it(bomb: str) -> None:
    wording = a_wording(f"x {bomb}")
    tracemalloc.start()
    try:
        with pytest.raises(Uncomposable):
            compose(wording)
        assert tracemalloc.get_traced_memory()[1] < 60e6
    finally:
        tracemalloc.stop()


def test_the_line_is_that_of_the_file_however_markdown_moves_it() -> None:
    loop = "{% for a in range(9999) %}\n{% for b in range(9999) %}\n{% endfor %}\n{% endfor %}"
    assert uncomposable(f"# A\n\n- one\n\n{{# two\nlines #}}\n\n{loop}").line == 11


def test_whoever_comes_after_somebody_for_whom_it_does_not_end_waits_less() -> None:
    wording = a_wording("{% for a in range(n | int) %}{% for b in range(9999) %}{% endfor %}{% endfor %}{{ n }}")
    with pytest.raises(Uncomposable):
        compose(wording, an_attendee({"n": "9999"}))
    begun = time.thread_time()
    for _ in range(20):
        with pytest.raises(Uncomposable):
            compose(wording, an_attendee({"n": "9999"}))
    assert time.thread_time() - begun < 5
    assert compose(wording, an_attendee({"n": "0"})).text == "0\n"


def test_what_does_not_end_is_stopped_in_any_thread() -> None:
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(uncomposable, [f"x {bomb}" for bomb in BOMBS[:4]]))
    assert {problem.code for problem in found} == {"bad-template"}


EXPRESSION = st.recursive(
    st.sampled_from(
        [
            *("name", "'x'", "9", "9999", "10 ** 9", "[1, 'a']", "(1, 2)", "range(9999)", "{'a': 1}", "event.title"),
            "1.5",
        ]
    ),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["+", "*", "**", "%", "//", "~", "==", "<", "in", "and"]), inner).map(
            lambda parts: f"({' '.join(parts)})"
        ),
        st.tuples(inner, st.sampled_from(_ANY_FILTERS), inner).map(
            lambda parts: f"({parts[0]} | {parts[1]}({parts[2]}))"
        ),
        st.tuples(inner, st.sampled_from(_ANY_FILTERS)).map(lambda parts: f"({parts[0]} | {parts[1]})"),
        st.tuples(inner, st.sampled_from(_ANY_METHODS), inner, inner).map(
            lambda parts: f"{parts[0]}.{parts[1]}({parts[2]}, {parts[3]})"
        ),
        st.tuples(inner, st.sampled_from(_ANY_METHODS), inner).map(lambda parts: f"{parts[0]}.{parts[1]}({parts[2]})"),
        st.tuples(inner, inner).map(lambda parts: f"[{', '.join(parts)}]"),
        st.tuples(inner, inner).map(lambda parts: f"{parts[0]}[{parts[1]}]"),
    ),
    max_leaves=8,
)
STATEMENT = st.recursive(
    EXPRESSION.map(lambda it: f"{{{{ {it} }}}}"),
    lambda inner: st.one_of(
        st.tuples(EXPRESSION, inner).map(lambda it: f"{{% for a in {it[0]} %}}{it[1]}{{% endfor %}}"),
        st.tuples(EXPRESSION, inner).map(lambda it: f"{{% if {it[0]} %}}{it[1]}{{% endif %}}"),
        st.tuples(inner, inner).map("".join),
        inner.map(lambda it: f"{{% set name %}}{it}{{% endset %}}{{{{ name }}}}"),
    ),
    max_leaves=4,
)


@settings(max_examples=60, deadline=None)
@given(template=STATEMENT)
@example(template="{{ ('x'['x'] and name) }}")
def test_whatever_a_template_says_it_ends_soon_in_a_message_or_in_words(template: str) -> None:
    begun = time.thread_time()
    with suppress(InputError, Uncomposable):
        compose(a_wording(template))
    assert time.thread_time() - begun < 5


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{{ range(3) | join('-') }}", "0-1-2"),
        ("{% for i in range(1, 4) %}{{ i }}{% endfor %}", "123"),
        (
            "{% for i in range(3) %}{{ loop.index }}/{{ loop.length }}{{ ' ' if not loop.last }}{% endfor %}",
            "1/3 2/3 3/3",
        ),
        ("{% for i in [1, 2, 3, 4] if i is even %}{{ i }}{% else %}none{% endfor %}", "24"),
        ("{% for a in note %}{{ a }}{% else %}none{% endfor %}", "none"),
        ("{{ '%.2f' | format(3.14159) }} {{ '%02d:%02d' % (3, 4) }} {{ '{:.1f}'.format(2.51) }}", "3.14 03:04 2.5"),
        ("{{ 'a b' | title }} {{ 'abc' | replace('b', 'x') }} {{ 'x' ~ 1 }} {{ 2 ** 10 }}", "A B axc x1 1024"),
        ("{{ [3, 1, 2] | sort | map('string') | join(', ') }} {{ [1, 2] | sum }}", "1, 2, 3 3"),
        ("{{ 'one two three' | wordwrap(9) | replace('\n', '/') }}", "one two/three"),
        ("{{ [1, 2, 3] | batch(2) | list | length }} {{ 'x' if 2 in [1, 2] else 'y' }}", "2 x"),
        ("{% macro hi(who) %}Hi {{ who }}{% endmacro %}{{ hi('Ana') }}", "Hi Ana"),
    ],
)
def test_what_a_wording_may_well_say_works(template: str, text: str) -> None:
    assert both(template) == text


def test_a_column_may_be_called_range() -> None:
    assert filled("{{ range }} {{ range(2) | length }}", {"Range": "wide"})[0] == "wide 2\n"


def test_a_long_range_says_how_long_it_may_be() -> None:
    assert "at most 10,000" in uncomposable("{{ range(10001) | length }}").message


@pytest.mark.parametrize("method", ["encode()", "translate({})", "expandtabs(9)", "isidentifier()"])
def test_a_text_has_only_the_methods_that_make_text(method: str) -> None:
    assert "unsafe" in uncomposable(f"{{{{ name.{method} }}}}").message


def test_a_mistake_that_only_shows_with_a_value_names_the_line_of_the_template() -> None:
    assert "invitation.md line 5: " in uncomposable("one\n\n{{ name + 1 }}").message


def test_a_mistake_in_a_page_names_its_line_too() -> None:
    page_source = "<html>\n<style>\np { color: red }\n</style>\n<p>{{ content }}</p>{{ subject + 1 }}</html>"
    assert "layout.html.j2 line 5: " in uncomposable("x", layout=page_source).message


def test_a_session_is_named_by_its_id_and_by_its_title() -> None:
    whole = an_event(title="Skills week")
    session = replace(whole, title="Skills week: Writing a CV", session="cv")
    template = "{{ event.session }}, {{ event.session_title }}{% if event.session %}!{% endif %}"
    composer = Composer(replace(whole, sessions=(session,)), {"invite": a_wording(template)})
    assert composer.compose(an_attendee(), replace(a_revision(), session="cv")).text == "cv, Writing a CV!\n"
    assert compose("x{% if event.session %} of {{ event.session_title }}{% endif %}").text == "x\n"
    assert uncomposable("{{ event.session }}").code == "missing-value"


def test_dates_are_in_the_events_language() -> None:
    event = an_event(message=MessageSettings(language="fr"))
    template = "{{ event.start }} / {{ event.end }} / {{ event.when }}"
    assert compose(template, event=event).text == (
        "jeudi 6 mai 2027, 14:00 / jeudi 6 mai 2027, 15:30 / "
        "jeudi 6 mai 2027, 14:00 – 15:30 heure d’été britannique (UTC+01:00)\n"
    )


def test_a_zone_that_no_calendar_can_be_told_of_is_named_with_its_line(tmp_path: Path) -> None:
    source = '[event]\ntitle = "T"\nstart = 2027-05-06T14:00:00\nduration = "1h"\nrrule = "FREQ=WEEKLY"\n'
    source += 'timezone = "Asia/Jerusalem"\n[organizer]\nname = "T"\nemail = "t@department.example"\n'
    (tmp_path / "event.toml").write_text(source)
    event, _ = load_event(tmp_path / "event.toml", "event.toml")
    assert event is not None
    with pytest.raises(InputError) as caught:
        Composer(event, {"invite": a_wording("x")})
    (problem,) = caught.value.problems
    assert (problem.code, problem.file, problem.line, problem.value) == ("bad-event", "event.toml", 6, "Asia/Jerusalem")


def test_a_loop_cannot_call_itself() -> None:
    problem = refusal(lambda: a_wording("x\n{% for a in name recursive %}{{ loop(a) }}{% endfor %}"))
    assert (problem.line, "cannot call itself" in problem.message) == (4, True)


@pytest.mark.parametrize("body", ["", " \n\t\n", "{# nothing yet #}", "{% set x = 1 %}"])
def test_a_template_without_a_text_is_a_mistake(body: str) -> None:
    problem = refusal(lambda: a_wording(body))
    assert (problem.file, "no text" in problem.message) == ("invitation.md", True)


@pytest.mark.parametrize(
    "line",
    [
        "{% for a in name %}- {{ a }}{% endfor %}",
        "{% for a in name %}1. {{ a }}{% endfor %}",
        "{% for a in name %}| {{ a }} | x |{% endfor %}",
        "{% if name %}# Heading{% endif %}",
        "{% if name %}> quoted{% endif %}",
    ],
)
def test_a_list_on_one_line_with_its_loop_says_what_to_write(line: str) -> None:
    problem = refusal(lambda: a_wording(f"Hello\n\n{line}"))
    assert (problem.line, problem.hint) == (
        5,
        "Write {% ... %}, the item or row, and {% end... %} each on a line of its own.",
    )


@pytest.mark.parametrize("name", ["invitation", "mine", "templates/mine.md"])
def test_a_page_without_its_wording_is_told(tmp_path: Path, name: str) -> None:
    (tmp_path / "templates").mkdir()
    stem = Path(name).name.removesuffix(".md")
    (tmp_path / "templates" / f"{stem}.html.j2").write_text("<p>{{ name }}</p>")
    problem = refusal(lambda: load_wording(name, tmp_path, None))
    assert problem.message.startswith(f"{stem}.md is missing")
    assert Path(problem.file or "") == Path("templates", f"{stem}.html.j2")
    (tmp_path / "templates" / f"{stem}.md").write_text("subject: Hello\n\nHello {{ name }}\n")
    assert load_wording(name, tmp_path, None).words


def test_what_is_nested_too_deeply_is_an_error() -> None:
    assert "nested" in refusal(lambda: a_wording("{{ " + "(" * 5000 + ")" * 5000 + " }}")).message


@pytest.mark.parametrize("control", [r"\r", r"\r\nBcc: x@y.example\r\n", r"\x00", r"\x1b[31m"])
def test_a_control_that_a_template_spells_breaks_nothing(control: str) -> None:
    made = compose(a_wording(f'a{{{{ "{control}" }}}}b', subject=f'c{{{{ "{control}" }}}}d'))
    assert "\r" not in made.text + made.html + made.subject
    assert b"\r\nBcc" not in made.raw.partition(b"\r\n\r\n")[0]
    assert made.raw.count(b"\r") == made.raw.count(b"\n") == made.raw.count(b"\r\n")


def test_half_a_character_is_an_error_of_that_attendee() -> None:
    assert uncomposable(r'{{ "\ud800" }}').code == "bad-template"


# --- Markdown ---------------------------------------------------------------------------------------------------------

BLOCKS = [
    ("One.\nTwo.", "One.\nTwo.", "<p>One.<br />\nTwo.</p>"),
    ("One.\n\n\n\nTwo.", "One.\n\nTwo.", "<p>One.</p>\n<p>Two.</p>"),
    ("# Big\n\n### Small", "Big\n\nSmall", "<h1>Big</h1>\n<h3>Small</h3>"),
    (
        "**a** *b* `c` ***d***",
        "a b c d",
        "<p><strong>a</strong> <em>b</em> <code>c</code> <em><strong>d</strong></em></p>",
    ),
    (r"\*a\* &amp; &copy; <b>", "*a* & © <b>", "<p>*a* &amp; © &lt;b&gt;</p>"),
    ("- a\n- b\n  - c\n- d", "- a\n- b\n  - c\n- d", None),
    ("1. a\n2. b", "1. a\n2. b", "<ol>\n<li>a</li>\n<li>b</li>\n</ol>"),
    ("4. a\n5. b", "4. a\n5. b", '<ol start="4">\n<li>a</li>\n<li>b</li>\n</ol>'),
    ("> a\n> b", "> a\n> b", "<blockquote>\n<p>a<br />\nb</p>\n</blockquote>"),
    ("a\n\n---\n\nb", "a\n\n" + "-" * 40 + "\n\nb", "<p>a</p>\n<hr />\n<p>b</p>"),
    ("```\n{{ first_name }} *x*\n```", "Ana *x*", "<pre><code>Ana *x*\n</code></pre>"),
    ("|A|B|\n|-|-|\n|{{ first_name }}|c|", "A  |  B\nAna  |  c", None),
    ("[here](https://x.example/a?b=c&d=e)", "here (https://x.example/a?b=c&d=e)", None),
    ("<https://x.example/>", "https://x.example/", '<p><a href="https://x.example/">https://x.example/</a></p>'),
    ("<https://x.example/ä>", "https://x.example/ä", None),
    ("[https://x.example](https://x.example)", "https://x.example", None),
    ("[write](mailto:a@b.example)", "write (a@b.example)", '<p><a href="mailto:a@b.example">write</a></p>'),
    ("<a@b.example>", "a@b.example", '<p><a href="mailto:a@b.example">a@b.example</a></p>'),
    ("[020 1](tel:+44201)", "020 1 (+44201)", None),
    ("[{{ event.join_url }}]({{ event.join_url }})", "https://teams.example/l/meetup-join/abc", None),
    ("[**join** it]({{ event.join_url }})", "join it (https://teams.example/l/meetup-join/abc)", None),
    ("[x](https://x.example/{{ first_name }}/y)", "x (https://x.example/Ana/y)", None),
    ("![a **logo**](https://x.example/pixel.png)", "a logo", "<p>a logo</p>"),
]


@pytest.mark.parametrize(("source", "text", "html"), BLOCKS)
def test_markdown_is_the_same_in_text_and_html(source: str, text: str, html: str | None) -> None:
    made_text, made_html = filled(source)
    assert made_text == text + "\n"
    assert html is None or made_html == html
    assert page(made_html).faults == []


STATEMENTS = [
    ("a {% if first_name %}b{% endif %}\nc", "a b\nc", "<p>a b<br />\nc</p>"),
    ("{% if first_name %}a{% endif %}\n{% if note %}x{% endif %}\n{# y #}c", "a\n\nc", None),
    ("- a {% if first_name %}b{% endif %}\n- {% if first_name %}c{% endif %}\n- d", "- a b\n- c\n- d", None),
    ("```\na {% if first_name %}b{% endif %}\n{% if note %}\nx\n{% endif %}\nc\n```", "a b\nc", None),
    ("a {% if first_name %}b{% else %}c{% endif %} d", "a b d", "<p>a b d</p>"),
    ("a\n{% if first_name %}\nb\n{% endif %}\nc", "a\n\nb\n\nc", "<p>a</p>\n<p>b</p>\n<p>c</p>"),
    ("a\n{% if note %}\nb\n{% endif %}\nc", "a\n\nc", "<p>a</p>\n<p>c</p>"),
    ("a\n\n{% if note %}\n\nb\n\n{% else %}\n\nz\n\n{% endif %}\n\nc", "a\n\nz\n\nc", "<p>a</p>\n<p>z</p>\n<p>c</p>"),
    ("a\n\n{% if note %}b{% endif %}\n\nc", "a\n\nc", "<p>a</p>\n<p>c</p>"),
    ('a\n\n{{ note | default("") }}\n\nc', "a\n\nc", "<p>a</p>\n<p>c</p>"),
    ("{% set x = 'y' %}\n{{ x }}", "y", "<p>y</p>"),
    ("{% set x %}y{% endset %}\n{{ x }}", "y", None),
    ("{# nothing #}\na {# at all #}b", "a b", "<p>a b</p>"),
    ("{#\nseveral\n\nlines\n#}\na", "a", "<p>a</p>"),
    ("a {%- if first_name -%} b {%- endif %} c", "ab c", "<p>ab c</p>"),
    ("{%- if first_name -%}\na\n{%- endif -%}\n", "a", "<p>a</p>"),
    ("{% for x in 'abc' %}{{ x }}{% if not loop.last %}, {% endif %}{% endfor %}", "a, b, c", "<p>a, b, c</p>"),
    ("{% for x in 'ab' %}\n{{ x }}\n{% endfor %}", "a\n\nb", "<p>a</p>\n<p>b</p>"),
    ("{% for x in 'ab' %}\n- {{ x }}\n{% endfor %}", "- a\n- b", "<ul>\n<li>a</li>\n<li>b</li>\n</ul>"),
    ("{% for x in 'ab' %}\n1. {{ x }}\n{% endfor %}", "1. a\n2. b", "<ol>\n<li>a</li>\n<li>b</li>\n</ol>"),
    (
        "- first\n{% for x in 'ab' %}\n{% if x != 'a' %}\n- {{ x }}\n{% endif %}\n{% endfor %}\n- last",
        "- first\n- b\n- last",
        "<ul>\n<li>first</li>\n<li>b</li>\n<li>last</li>\n</ul>",
    ),
    (
        "{% if note %}\n- a\n{% else %}\n- b\n{% endif %}\n- c",
        "- b\n- c",
        "<ul>\n<li>b</li>\n<li>c</li>\n</ul>",
    ),
    ("{% if note %}\n- a\n{% endif %}", "", ""),
    (
        "- a\n  {% for x in 'xy' %}\n  - {{ x }}\n  {% endfor %}\n- b",
        "- a\n  - x\n  - y\n- b",
        "<ul>\n<li>a\n<ul>\n<li>x</li>\n<li>y</li>\n</ul>\n</li>\n<li>b</li>\n</ul>",
    ),
    (
        "{% for x in 'xy' %}\n- {{ x }}\n  - {{ loop.index }}\n{% endfor %}",
        "- x\n  - 1\n- y\n  - 2",
        None,
    ),
    (
        "|A|\n|-|\n{% for x in 'ab' %}\n|{{ x }}|\n{% endfor %}\n\nend",
        "A\na\nb\n\nend",
        None,
    ),
    ("{% if first_name %}\n|A|\n|-|\n|b|\n{% endif %}\nend", "A\nb\n\nend", None),
    ("|A|\n|-|\n|b|\n{% if note %}\n|n|\n{% else %}\n|c|\n{% endif %}\n|d|", "A\nb\nc\nd", None),
    ("{% if note %}\n|A|\n|-|\n|b|\n{% else %}\n|B|\n|-|\n|c|\n{% endif %}", "B\nc", None),
    ("|A|\n|-|\n{% for x in 'ab' %}\n{% if x != 'a' %}\n|{{ x }}|\n{% endif %}\n{% endfor %}", "A\nb", None),
    ("{% if note %}\n|A|\n|-|\n|b|\n{% endif %}\nend", "end", "<p>end</p>"),
    ("|A|\n|-|\n|b|\n{% if note %}\n\nx\n\n{% endif %}\nend", "A\nb\n\nend", None),
    ("> a\n{% if first_name %}\nb\n{% endif %}", "> a\n\nb", None),
    ("**{% if first_name %}a{% endif %}**", "a", "<p><strong>a</strong></p>"),
    ("a {% if first_name %}b\n\nc{% endif %} d", "a b\n\nc d", "<p>a b</p>\n<p>c d</p>"),
    ("{% macro hi(x) %}Hi {{ x }}{% endmacro %}{{ hi(first_name) }}", "Hi Ana", "<p>Hi Ana</p>"),
    ("{% raw %}{{ x }} {% y %} {# z #} **b**{% endraw %}", "{{ x }} {% y %} {# z #} b", None),
    (r"{\{ x }} &#123;{ x }} {**{ x }}**", "{{ x }} {{ x }} {{ x }}", None),
    ("jq jqs0z jqe1z {{ first_name }}", "jq jqs0z jqe1z Ana", "<p>jq jqs0z jqe1z Ana</p>"),
]


@pytest.mark.parametrize(("source", "text", "html"), STATEMENTS)
def test_statements_leave_text_and_html_whole(source: str, text: str, html: str | None) -> None:
    made_text, made_html = filled(source)
    assert made_text == text + "\n"
    assert html is None or made_html == html
    assert page(made_html).faults == []
    assert "<p></p>" not in made_html


@pytest.mark.parametrize(
    "source",
    [
        "**{% if note %}a**{% endif %}",
        "{% if note %}**{% endif %}a**",
        "**a {% if note %}b** c{% endif %}",
        "- a {% if note %}\n\n  b{% endif %}\n\nc",
        "{% if note %}\n> a {% else %} b\n{% endif %}\n\n> c {% if name %}\n\nd {% endif %}",
        "# A {% if note %}\n\nb {% endif %}",
    ],
)
def test_a_statement_that_cuts_through_the_formatting_is_refused(source: str) -> None:
    try:
        made = filled(source)
    except InputError as error:
        assert "other formatting" in error.message  # noqa: PT017  # either way is right
    else:
        assert page(made[1]).faults == []


def test_windows_line_ends_and_a_byte_order_mark_in_a_template_are_no_matter(tmp_path: Path) -> None:
    (tmp_path / "templates").mkdir()
    source = "subject: Hi {{ first_name }}\n\na\n{% if first_name %}\n- {{ first_name }}\n{% endif %}\n"
    for content in (source.encode(), source.replace("\n", "\r\n").encode(), b"\xef\xbb\xbf" + source.encode()):
        (tmp_path / "templates" / "mine.md").write_bytes(content)
        made = compose(load_wording("mine", tmp_path, None), an_attendee(T_SHIRT))
        assert (made.subject, made.text) == ("Hi Ana", "a\n\n- Ana\n")


WORD = st.text("abcdefgh", min_size=1, max_size=4)
INLINE = st.recursive(
    WORD
    | st.sampled_from(
        ["{{ first_name }}", "{{ t_shirt }}", '{{ note | default("blank") }}', "[x](https://l.example/)"]
    ),
    lambda inner: st.one_of(
        inner.map(lambda text: f"**{text}**"),
        inner.map(lambda text: f"*{text}*"),
        inner.map(lambda text: f"{{% if name %}}{text}{{% else %}}no{{% endif %}}"),
        inner.map(lambda text: f"{{% if note %}}no{{% else %}}{text}{{% endif %}}"),
        inner.map(lambda text: f"{{% for i in 'xy' %}}{text} {{% endfor %}}"),
        st.lists(inner, min_size=1, max_size=3).map(" ".join),
    ),
    max_leaves=5,
)


def indented(text: str) -> str:
    return text.replace("\n", "\n  ")


BLOCK = st.recursive(
    st.one_of(
        st.lists(INLINE, min_size=1, max_size=3).map("\n".join),
        INLINE.map(lambda text: "# " + text),
        st.lists(INLINE, min_size=1, max_size=3).map(
            lambda rows: "| h |\n|---|\n" + "\n".join(f"| {r} |" for r in rows)
        ),
        INLINE.map(lambda text: "| h |\n|---|\n{% for i in 'xy' %}\n| " + text + " |\n{% endfor %}"),
    ),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda blocks: "\n".join(f"- {indented(b)}" for b in blocks)),
        st.lists(inner, min_size=1, max_size=3).map("\n\n".join),
        inner.map(lambda block: f"{{% if name %}}\n{block}\n{{% endif %}}"),
        inner.map(lambda block: f"{{% if note %}}\nno\n{{% else %}}\n{block}\n{{% endif %}}"),
        inner.map(lambda block: f"{{% for i in 'xy' %}}\n{block}\n{{% endfor %}}"),
        inner.map(lambda block: "{% for i in 'xy' %}\n- " + indented(block) + "\n{% endfor %}"),
        inner.map(lambda block: "\n".join("> " + line for line in block.split("\n"))),
    ),
    max_leaves=5,
)


def words_of(text: str) -> list[str]:
    return re.findall(r"\w+", text.replace("https://l.example/", ""))


@settings(max_examples=60, deadline=None)
@given(template=BLOCK)
def test_text_and_html_say_the_same_words_in_the_same_order(template: str) -> None:
    row = {"First Name": "Zoë", "T shirt": "<b>XL</b> & *co*", "Note": ""}
    try:
        text, html = filled(template, row)
    except InputError as error:
        assert "other formatting" in error.message  # noqa: PT017  # "*" beside "*" is not always what it seems
        reject()
    found = page(html)
    assert found.faults == []
    assert words_of(found.text) == words_of(text)
    assert "jq" not in text + html
    assert "{" not in text + html


# --- values -----------------------------------------------------------------------------------------------------------

HOSTILE = [
    "{{ 7*7 }}",
    "{% for x in y %}",
    "{# a #}",
    "**x** _y_ `z` # q",
    "[a](javascript:x)",
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "</p></main></body></html>",
    "&lt;b&gt; &amp; &copy;",
    "\"quotes\" 'and' `ticks`",
    "a | b | c",
    "- a",
    "1. a",
    "> quoted",
    "---",
    "jqe0z jqs0z",
    "\\*a\\*",
    "http://x.example",
    "%s %(x)s {0} $x",
    "日本語 عربي 👩‍👩‍👧",
]


@pytest.mark.parametrize("value", HOSTILE)
@pytest.mark.parametrize(
    "template",
    [
        "{{ x }}",
        "a {{ x }} b",
        "**{{ x }}**",
        "- {{ x }}",
        "`{{ x }}`",
        "# {{ x }}",
        "|{{ x }}|\n|-|\n|{{ x }}|",
        "    {{ x }}",
    ],
)
def test_a_value_stays_what_it_is(template: str, value: str) -> None:
    made = compose(a_wording(template), an_attendee({"X": value}))
    assert value in made.text
    found = page(made.html)
    assert value in found.text
    assert found.faults == []
    assert [tag for tag, _ in found.tags] == tags_with_a_letter(template)


@cache
def tags_with_a_letter(template: str) -> list[str]:
    """The page's tags where the value has nothing in it that could be one."""
    return [tag for tag, _ in page(compose(a_wording(template), an_attendee({"X": "v"})).html).tags]


TWICE = a_wording("{{ x }}\n\n- **{{ x }}**", subject="s {{ x }}")


@settings(max_examples=100, deadline=None)
@given(value=st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=30).filter(str.strip))
def test_no_value_adds_a_tag_or_an_attribute(value: str) -> None:
    made, reference = (compose(TWICE, an_attendee({"X": cell})) for cell in (value, "v"))
    assert page(made.html).tags == page(reference.html).tags
    assert page(made.html).text.count(value) == 2


def test_the_line_breaks_of_a_value_are_line_breaks_in_both() -> None:
    text, html = filled("Say:\n\n{{ x }}\n\n- {{ x }}", {"X": "a\nb <c>"})
    assert text == "Say:\n\na\nb <c>\n\n- a\nb <c>\n"
    assert html == "<p>Say:</p>\n<p>a<br>\nb &lt;c&gt;</p>\n<ul>\n<li>a<br>\nb &lt;c&gt;</li>\n</ul>"


def test_the_lines_of_a_value_cannot_begin_a_second_subject() -> None:
    assert compose(a_wording("x", subject="Hi {{ x }}"), an_attendee({"X": "a\r\nBcc: b@c.example"})).subject == (
        "Hi a Bcc: b@c.example"
    )


# --- links ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    [
        *("javascript:alert(1)", "JaVaScRiPt:alert(1)", " javascript:alert(1)", "data:text/html,x", "vbscript:x"),
        *(
            "file:///etc/passwd",
            "//evil.example",
            "/path",
            "x.example",
            "https://x.example/ y",
            'https://x.example/"onclick="x',
        ),
        *("https://x.example/<b>", "&#106;avascript:x", "java\nscript:x", "tel:1"),
    ],
)
@pytest.mark.parametrize("template", ["[here]({{ x }})", "[{{ x }}]({{ x }})", "[a][b]\n\n[b]: {{ x }}"])
def test_a_link_made_from_a_value_leads_to_the_web_or_a_mailbox_or_nowhere(template: str, value: str) -> None:
    problem = uncomposable(template, {"X": value})
    assert problem.code == "bad-template"
    assert "is not a web link" in problem.message
    assert problem.line == 2


@pytest.mark.parametrize("value", ["https://x.example/a?b=1&c=2#d", "HTTP://x.example", "mailto:a@b.example?subject=x"])
def test_a_good_link_is_the_same_in_both(value: str) -> None:
    text, html = filled("[here]({{ x }})", {"X": value})
    assert text == f"here ({value.removeprefix('mailto:')})\n" or text == f"here ({value})\n"
    assert page(html).attributes("a") == [{"href": value}]


@pytest.mark.parametrize(
    "target",
    [
        *(
            "javascript:alert(1)",
            "JAVASCRIPT:x",
            "data:text/html,x",
            "vbscript:x",
            "file:///x",
            "agenda.pdf",
            "#top",
            "//x.example",
        ),
        *("&#106;avascript:x", "ftp://x.example", "", "java{# #}script:x"),
    ],
)
def test_a_link_of_the_templates_own_that_leads_nowhere_is_a_mistake_on_its_line(target: str) -> None:
    template = f"a\n\n> b\n> **[here]({target})**\n"
    if "{#" in target:
        uncomposable(template)
        return
    problem = refusal(lambda: a_wording(template))
    assert problem.line == 5
    assert "does not begin with https://" in problem.message


def test_lines_are_counted_past_statements_of_several_lines() -> None:
    template = "{#\nsome\nlines\n#}\n\n{% if\n name %}\nx\n{% endif %}\n\n[a](x)"
    assert refusal(lambda: a_wording(template)).line == 13


# --- the page around it -----------------------------------------------------------------------------------------------


def test_name_html_j2_replaces_the_html_and_leaves_the_text() -> None:
    made = compose(
        a_wording("Text for {{ first_name }}", override='<p lang="{{ language }}">{{ subject }}: {{ first_name }}</p>'),
        an_attendee({"First Name": "A & B"}),
    )
    assert made.text == "Text for A & B\n"
    assert made.html == '<p lang="en-GB">Hello: A &amp; B</p>'


def test_placeholders_in_an_override_are_checked_in_its_own_file() -> None:
    wording = a_wording("x", override="<p>\n{{ nme }} {{ role }}\n</p>")
    found = wording.check(columns("Name", "Email", "Role", internal=["Role"]))
    assert [(problem.code, problem.file, problem.line) for problem in found] == [
        ("unknown-placeholder", "invitation.html.j2", 2),
        ("internal-column", "invitation.html.j2", 2),
    ]


def test_placeholders_in_a_layout_are_checked_in_its_own_file() -> None:
    wording = a_wording("x", layout="<p>{{ content }}</p>\n{{ role }}")
    (problem,) = wording.check(columns("Name", "Email", "Role", internal=["Role"]))
    assert (problem.code, problem.file, problem.line) == ("internal-column", "layout.html.j2", 2)


def test_a_layout_of_ones_own_surrounds_the_wording() -> None:
    made = compose(
        a_wording(
            "Hi **you**",
            layout="<title>{{subject}}</title>{% if language %}{{- content -}}{% endif %} {{ event.title }}",
        ),
    )
    assert made.html == "<title>Hello</title><p>Hi <strong>you</strong></p> Pathways to Work"


def test_a_layout_without_a_place_for_the_content_is_refused() -> None:
    problem = refusal(lambda: a_wording("x", layout="<p></p>"))
    assert (problem.file, "{{ content }}" in problem.message) == ("layout.html.j2", True)


@pytest.mark.parametrize(
    ("page_source", "said"),
    [
        ("<a href={{ x }}>y</a>", "needs quotes"),
        ("<a title=it's href={{ x }}>y</a>", "quotes"),
        ("<p {{ x }}>y</p>", "between quotes"),
        ("<{{ x }}>y", "between quotes"),
        ("<h{{ x }}>y</h1>", "between quotes"),
        ('<p class="a{{ x }}>y</p>', "between quotes"),
        ('<p onclick="{{ x }}">y</p>', "cannot stand in onclick"),
        ('<p style="color: {{ x }}">y</p>', "cannot stand in style"),
        ("<script>var x = '{{ x }}';</script>", "within <script>"),
        ("<style>p { color: {{ x }} }</style>", "within <style>"),
        ('<a href="javascript:alert(1)">y</a>', "must begin with https://"),
        ("<a href=javascript:alert(1)>y</a>", "must begin with https://"),
        ('<img src=" data:text/html,x">', "must begin with https://"),
        ('<a href="java&#115;cript:x">y</a>', "must begin with https://"),
        ("{% include 'x' %}", "include"),
        ("{% filter striptags %}{{ x }}{% endfilter %}", "filter"),
        ("{% autoescape false %}{{ x }}{% endautoescape %}", "autoescape"),
    ],
)
def test_a_page_puts_values_only_where_they_stay_values(page_source: str, said: str) -> None:
    for make in (
        lambda: a_wording("x", override=f"<p>\n{page_source}</p>"),
        lambda: a_wording("x", layout=f"<p>{{{{ content }}}}\n{page_source}</p>"),
    ):
        problem = refusal(make)
        assert said in problem.message
        assert problem.line == 2


@pytest.mark.parametrize(
    "attribute", ['href="{{ x }}"', "HREF='{{ x }}'", 'href = "https://x.example/{{ x }}"', 'src="{{ x }}"']
)
def test_links_from_values_in_an_override_are_checked_too(attribute: str) -> None:
    wording = a_wording("x", override=f"<a {attribute}>y</a>")
    good = "https://x.example/1" if "//x" not in attribute else "1"
    assert "https://x.example/1" in compose(wording, an_attendee({"X": good})).html
    with pytest.raises(Uncomposable, match="is not a web link"):
        compose(wording, an_attendee({"X": "javascript: x"}))


@pytest.mark.parametrize("value", [value for value in HOSTILE if value != "http://x.example"])
def test_values_stay_values_in_an_override(value: str) -> None:
    wording = a_wording("x", override="<p title=\"{{ x }}\" class='{{ x }}'>{{ x }}</p>{% if x %}<!-- c -->{% endif %}")
    found = page(compose(wording, an_attendee({"X": value})).html)
    assert found.tags == [("p", {"title": value, "class": value})]
    assert found.text == value


def test_columns_called_subject_language_and_content_are_columns_in_the_wording_and_not_in_the_page() -> None:
    row = {"Subject": "Maths", "Language": "Arabic", "Content": "Books"}
    text, _ = filled("{{ subject }} {{ language }} {{ content }}", row)
    assert text == "Maths Arabic Books\n"
    made = compose("{{ subject }} {{ language }} {{ content }}", an_attendee(row))
    assert page(made.html).attributes("html")[0]["lang"] == "en-GB"
    assert "<title>Hello</title>" in made.html
    assert body(made.html) == "<p>Maths Arabic Books</p>"


# --- the subject ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first_line", "said"),
    [
        ("Dear {{ name }},", "first line"),
        ("", "first line"),
        ("subject:", "empty"),
        ("subject:   ", "empty"),
        ("Subject Hi", "first line"),
    ],
)
def test_a_template_begins_with_its_subject(tmp_path: Path, first_line: str, said: str) -> None:
    (tmp_path / "mine.md").write_text(f"{first_line}\n\nbody\n")
    problem = refusal(lambda: load_wording("mine.md", tmp_path, None))
    assert (said in problem.message, problem.line, problem.file) == (True, 1, "mine.md")
    assert "subject: Your invitation" in (problem.hint or "")


@pytest.mark.parametrize(
    "first_line", ["subject: Hi {{ first_name }}", "Subject:Hi {{ first_name }}  ", "SUBJECT :  Hi Ana"]
)
def test_the_subject_is_a_template_too(tmp_path: Path, first_line: str) -> None:
    (tmp_path / "mine.md").write_text(f"{first_line}\n\nbody\n")
    assert compose(load_wording("mine.md", tmp_path, None), an_attendee(T_SHIRT)).subject == "Hi Ana"


@pytest.mark.parametrize("source", ["subject: Theirs\n\nbody\n", "body\n", "subject:\n\nbody\n"])
def test_the_subject_of_the_event_file_wins(tmp_path: Path, source: str) -> None:
    (tmp_path / "mine.md").write_text(source)
    made = compose(load_wording("mine.md", tmp_path, "Ours, {{ first_name }}"), an_attendee(T_SHIRT))
    assert (made.subject, made.text) == ("Ours, Ana", "body\n")


def test_a_subject_that_comes_out_empty_is_an_error() -> None:
    assert "subject is empty" in uncomposable("x", subject='{{ note | default("") }}').message


def test_a_mistake_in_the_subject_of_the_event_file_says_so() -> None:
    problem = refusal(lambda: a_wording("x", event_subject="{{ oops"))
    assert "[message] subject" in problem.message


def test_a_subject_does_not_pass_through_markdown_or_html() -> None:
    made = compose(a_wording("x", subject="**{{ x }}** & <b>"), an_attendee({"X": "a & <c>"}))
    assert made.subject == "**a & <c>** & <b>"
    assert "<title>**a &amp; &lt;c&gt;** &amp; &lt;b&gt;</title>" in made.html


# --- finding templates ------------------------------------------------------------------------------------------------


def test_the_event_folders_own_template_layout_and_page_come_first(tmp_path: Path) -> None:
    templates = tmp_path / "templates"
    templates.mkdir()
    (templates / "invitation.md").write_text("subject: Own\n\nown text")
    made = compose(load_wording("invitation", tmp_path, None))
    assert (made.subject, made.text) == ("Own", "own text\n")
    (templates / "layout.html.j2").write_text("own layout {{ content }}")
    assert compose(load_wording("invitation", tmp_path, None)).html == "own layout <p>own text</p>"
    (templates / "invitation.html.j2").write_text("own page")
    assert compose(load_wording("invitation", tmp_path, None)).html == "own page"
    (templates / "layout.html.j2").unlink()
    assert load_wording("update", tmp_path, None).shown == "update.md"


def test_a_template_may_be_a_path(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "mine.md").write_text("subject: Deep\n\nx")
    (tmp_path / "deep" / "mine.html.j2").write_text("page")
    for name in ("deep/mine.md", str(tmp_path / "deep" / "mine.md")):
        wording = load_wording(name, tmp_path, None)
        assert (compose(wording).html, wording.shown) == ("page", "deep/mine.md")


def test_an_unknown_template_gets_the_nearest_as_a_hint(tmp_path: Path) -> None:
    problem = refusal(lambda: load_wording("invitaton", tmp_path, None))
    assert (problem.value, problem.hint) == ("invitaton", "Did you mean invitation?")
    assert "cancellation" in (refusal(lambda: load_wording("zzz", tmp_path, None)).hint or "")


def test_a_template_that_is_not_utf_8_is_told(tmp_path: Path) -> None:
    (tmp_path / "mine.md").write_bytes(b"subject: Zo\xeb\n\nx")
    assert "not UTF-8" in refusal(lambda: load_wording("mine.md", tmp_path, None)).message


def test_everything_that_the_bytes_depend_on_is_known(tmp_path: Path) -> None:
    (tmp_path / "mine.md").write_text("subject: S\n\nbody")
    (tmp_path / "mine.html.j2").write_text("page")
    joined = " ".join(load_wording("mine.md", tmp_path, "over").sources)
    for part in ("subject: S", "body", "page", "over"):
        assert part in joined


# --- the wordings that ship -------------------------------------------------------------------------------------------

ACTIONS = {
    "invitation": "invite",
    "update": "update",
    "cancellation": "cancel",
    "correction": "update",
    "reminder": "invite",
}
SHIPPED = {name: load_wording(name, Path("/nowhere"), None) for name in ACTIONS}


@pytest.mark.parametrize("name", SHIPPED)
@pytest.mark.parametrize("there", list(product([True, False], repeat=5)))
def test_what_ships_has_no_gap_whatever_is_left_out(name: str, there: tuple[bool, ...]) -> None:
    location, link, description, note, changed = there
    event = an_event(
        location="Room 1" if location else "",
        join_url="https://join.example/x" if link else "",
        description="About it." if description else "",
    )
    revision = a_revision(
        ACTIONS[name],
        note="A word from us." if note else "",
        changes=[Change("Place", "Room 0", "Room 1"), Change("Link", "https://old.example", "")] if changed else [],
    )
    made = compose(SHIPPED[name], event=event, revision=revision)
    assert "\n\n\n" not in made.text
    assert not re.search(r"[ \t]\n|  |(?:When|Where|Join|Link): *\n|\*|_|\{|\}", made.text)
    found = page(made.html)
    assert found.faults == []
    assert words_of(page(body(made.html)).text) == words_of(made.text.replace("(https://join.example/x)", ""))
    assert not re.search(r"<(\w+)>\s*</\1>", made.html)
    for wanted, text in ((link and name != "cancellation", "https://join.example/x"), (note, "A word from us.")):
        assert made.text.count(text) == made.text.count(text) == int(wanted)
    assert ("https://old.example" in made.text) == (changed and name in ("update", "correction"))


@pytest.mark.parametrize("name", SHIPPED)
def test_what_ships_is_a_whole_page_that_fetches_nothing(name: str) -> None:
    made = compose(SHIPPED[name], revision=a_revision(ACTIONS[name]))
    found = page(made.html)
    assert made.html.startswith("<!DOCTYPE html>")
    assert found.attributes("html")[0]["lang"] == "en-GB"
    assert f"<title>{made.subject}</title>" in made.html
    assert not {"img", "link", "script", "iframe", "object", "base"} & {tag for tag, _ in found.tags}
    assert not re.search(r"url\(|@import|src=", made.html)
    (main,) = [attributes for attributes in found.attributes("div") if "role" in attributes]
    assert (main["role"], main["lang"], main["dir"]) == ("main", "en-GB", "ltr")
    assert "font:" in str(main["style"])  # for the programs that drop the style sheet
    (content,) = [attributes for attributes in found.attributes("div") if attributes.get("class") == "message"]
    assert content["dir"] == "auto"
    assert "{#" not in made.html
    for attributes in found.attributes("a"):
        assert str(attributes["href"]).startswith(("https://", "mailto:"))


@pytest.mark.parametrize("name", SHIPPED)
def test_what_ships_asks_for_no_column_but_the_name(name: str) -> None:
    wording = SHIPPED[name]
    assert wording.check(columns("Email")) == []
    assert wording.columns_used(columns("Email", "Role")) == set()
