"""The style sheet of a layout: written into its tags, with Jinja2 and values left as they are, and nothing fetched."""

import re
import socket
import threading
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jinja2 import TemplateSyntaxError

from tests.unit.making import a_wording, an_attendee, compose, page
from tui.errors import InputError
from tui.invitation.markup import compile_markup
from tui.invitation.styles import inline_styles

RED = "<style>p { color: red }</style>"


def inlined(source: str, content: str = "") -> str:
    return inline_styles(compile_markup(source), content)[0].strip()


def styles(source: str) -> list[str]:
    return re.findall(r'style="([^"]*)"', inlined(source))


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (f"{RED}<p>a</p>", '<p style="color: red">a</p>'),
        (f"{RED}<p class=x>a</p>", '<p class=x style="color: red">a</p>'),
        ("<style>hr{border:0}</style><hr />", '<hr style="border: 0" />'),
        ("<style>hr{border:0}</style><hr/>", '<hr style="border: 0" />'),
        (f"{RED}<p style='margin:0'>a</p>", '<p style="color: red;margin:0">a</p>'),
        (f"{RED}<P STYLE=margin:0>a</P>", '<P style="color: red;margin:0">a</P>'),
        ('<style>p{font-family:"A b"}</style><p>a</p>', "<p style=\"font-family: 'A b'\">a</p>"),
        ("<style>#a{x:1} .b{x:2} p{x:3}</style><p id=a class=b>a</p>", '<p id=a class=b style="x: 1">a</p>'),
        ("<style>p{x:1}</style><p>a</p><style>p{x:2}</style>", '<p style="x: 2">a</p>'),
        ("<style>/* a { */ p{color:red} <!-- --></style><p>a</p>", '<p style="color: red">a</p>'),
        ("<style>td > b{x:1}</style><table><tr><td><b>", '<table><tr><td><b style="x: 1">'),
        ("<style>p{color:red}</style>", ""),
    ],
)
def test_a_rule_is_written_into_the_tags_that_it_is_about(source: str, expected: str) -> None:
    assert inlined(source) == expected


@pytest.mark.parametrize(
    ("css", "kept"),
    [
        ("a:hover { color: red }", "a:hover { color: red !important }"),
        ("p:first-child { x: 1; y: 2 }", "p:first-child { x: 1 !important; y: 2 !important }"),
        ("p + p, p ~ p { x: 1 !important; }", "p + p, p ~ p { x: 1 !important }"),
        ("p { x: 1 } a:hover { x: ';}' }", "a:hover { x: ';}' !important }"),
        ("@media (max-width: 9px) { p { x: 1; } }", "@media (max-width: 9px) {\n  p { x: 1 !important }\n}"),
        (
            "@media x { @supports (a: b) { p { x: 1 } } }",
            "@media x {\n  @supports (a: b) {\n  p { x: 1 !important }\n}\n}",
        ),
        ("@font-face { font-family: x; }", "@font-face { font-family: x; }"),
        ("@charset 'utf-8'; p { x: 1 }", "@charset 'utf-8';"),
    ],
)
def test_what_only_the_reader_knows_stays_in_the_sheet_and_wins(css: str, kept: str) -> None:
    found = re.search(r"<style>\n(.*)\n</style>", inlined(f"<style>{css}</style><p>a</p>"), re.DOTALL)
    assert found is not None
    assert found[1] == kept


def test_of_two_selectors_each_goes_its_own_way() -> None:
    made = inlined("<style>a, a:hover { x: 1 }</style><a>b</a>")
    assert made == '<style>\na:hover { x: 1 !important }\n</style>\n<a style="x: 1">b</a>'


@pytest.mark.parametrize(
    "source",
    [
        "<p>a</p>",
        "<style>{% if x %}p { color: red }{% endif %}</style><p>a</p>",
        '<style media="print">p { color: red }</style><p>a</p>',
        f"<!-- {RED} --><b>a</b>",
    ],
)
def test_a_sheet_that_is_not_always_so_is_left_as_it_is(source: str) -> None:
    assert styles(source) == []


def test_where_a_class_is_known_only_when_it_is_filled_in_the_rules_stay_too() -> None:
    made = inlined('<style>.vip { x: 1 }</style><p class="{{ kind }}">a</p><p class="vip">b</p>')
    assert ".vip { x: 1 !important }" in made
    assert '<p class="vip" style="x: 1">b</p>' in made


def test_the_content_is_styled_as_what_it_stands_in_says() -> None:
    around, content = inline_styles(
        "<style>.in p { x: 1 } p { y: 2 }</style><div class=in>{{- content -}}</div><p>a</p>", "<p>{{ name }}</p>"
    )
    assert (around.count("x: 1"), around.count("y: 2")) == (0, 1)
    assert content == '<p style="y: 2;x: 1">{{ name }}</p>'


ROWS = """<style>td { x: 1 } b { y: 2 }</style>
<table>
{% for key in attendee %}
<tr title="{{ key }}"{% if loop.first %} class="first"{% endif %}>
<td>{% if key == "Name" %}<b>{% else %}<i>{% endif %}{{ key }}</td></tr>
{% endfor %}
</table>{# a <td> #}{{ '<td>' }}{% raw %}{{ <td> }}{% endraw %}
"""


def test_statements_stay_where_they_are_in_tables_too() -> None:
    made = compose(a_wording("x", override=ROWS)).html
    assert re.findall(r'<tr title="(\w+)"( class="first")?>\n<td style="x: 1">(<b style="y: 2">)?', made) == [
        ("Name", ' class="first"', '<b style="y: 2">'),
        ("Email", "", ""),
    ]
    assert made.rstrip().endswith("</table>&lt;td&gt;{{ <td> }}")


PIECES = st.sampled_from(
    [
        *("<p>", "</p>", "<b>", "</b>", "<table>", "<tr>", "<td>", "</td></tr></table>", "<br/>", "<hr />", "\n", "  "),
        *(
            '<a href="{{ event.join_url }}?a={{ email }}">',
            "</a>",
            '<i title="{{ name }} > {{ a["}}"] }}">',
            "</i>",
            "<",
        ),
        *(
            "{{ name }}",
            "{{- name -}}",
            "{# <p> #}",
            "{% raw %}{{ <b> }}{% endraw %}",
            "<!-- <p> -->",
            "&amp;",
            "é",
            ">",
        ),
        *(
            "{% if name %}",
            "{%- else -%}",
            "{% endif %}",
            "{% for a in b %}<p>{% endfor %}",
            "{",
            "}",
            "jqs0z",
            "'",
            '"',
        ),
        *("<ul>\n{% for a in b %}\n<li>{{ a }}\n{% endfor %}\n</ul>", "<p {% if a %}class='b'{% endif %} lang=en>"),
    ]
)


@settings(max_examples=300, deadline=None)
@given(pieces=st.lists(PIECES, max_size=14))
def test_but_for_the_styles_a_template_is_the_same_to_the_letter(pieces: list[str]) -> None:
    try:
        compiled = compile_markup("".join(pieces))
    except TemplateSyntaxError:
        return
    sheet = "<style>p, td, b, i, a, li, hr, br { color: red } p:first-child { x: 1 }</style>"
    made, _ = inline_styles(f"{sheet}\n{compiled}", "")
    kept, _, made = made.partition("</style>\n")
    assert "p:first-child { x: 1 !important }" in kept
    assert re.sub(r'(?: style="color: red"(?= />| ?>))', "", made).replace(" />", "/>") == compiled.replace(" />", "/>")


@pytest.mark.parametrize(
    "value", ['"><script>x</script>', "' onclick='x", "{{ 7 * 7 }}", "</style><b>", "&lt;b&gt;", "--><b>"]
)
def test_a_value_stays_a_value_in_a_styled_tag(value: str) -> None:
    override = f'{RED}<style>a:hover{{x:1}}</style><p title="{{{{ x }}}}">{{{{ x }}}}</p>'
    found = page(compose(a_wording("x", override=override), an_attendee({"X": value})).html)
    assert found.tags == [("style", {}), ("p", {"title": value, "style": "color: red"})]
    assert found.text.strip() == value


def test_nothing_is_fetched_and_no_file_is_read(tmp_path: Path) -> None:
    sheet = tmp_path / "theirs.css"
    sheet.write_text("p { color: lime }")
    asked: list[object] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        there = f"http://127.0.0.1:{server.getsockname()[1]}/x.css"

        def listen() -> None:
            with suppress(TimeoutError):
                asked.append(server.accept())

        listening = threading.Thread(target=listen)
        listening.start()
        links = "".join(f'<link rel="stylesheet" href="{href}">' for href in (there, sheet.as_uri(), str(sheet)))
        source = f"<html><head>{links}<style>@import '{there}'; p {{ x: 1 }}</style></head><body><p>a</p>"
        made, _ = inline_styles(source, "")
        listening.join()
    assert asked == []
    assert '<p style="x: 1">a</p>' in made


@pytest.mark.parametrize(
    ("source", "said", "line"),
    [
        ("<p>\n{{ content }}\n<style>\np { color: red", None, None),
        ("<p>\n{{ content }}\n<style>\np { color: red </style>", "a { is not closed", 3),
        (f"{RED}{{{{ content }}}}{'<div>' * 200}", "deep", 1),
    ],
)
def test_a_sheet_that_cannot_be_read_is_a_mistake_in_the_template(
    source: str, said: str | None, line: int | None
) -> None:
    if said is None:
        assert compose(a_wording("x", layout=source)).html.startswith("<p>")
        return
    with pytest.raises(InputError, match=said) as caught:
        a_wording("x", layout=source)
    (problem,) = caught.value.problems
    assert (problem.code, problem.file, problem.line) == ("bad-template", "layout.html.j2", line)
