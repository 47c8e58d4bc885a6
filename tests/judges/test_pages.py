"""The HTML of a message as its reader has it: every look at it is readable, with a screen reader too, and fits."""

import json
import re
import subprocess
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import product

import pytest

from tests.conftest import need
from tests.judges import browser as real_browser
from tests.judges import node
from tests.judges.browser import HERE, Browser, Look
from tests.judges.letters import letter, shipped
from tests.unit.making import a_revision, a_wording, an_event
from tui import data
from tui.event import MessageSettings

LOOKS = [Look(width, dark) for width, dark in product((320, 800), (False, True))]
EVERYTHING = """\
# Programme

Dear {{ name }}, *come* and **bring** your `badge`:

**[Join online]({{ event.join_url }})**

## Before

1. Read the [agenda](https://www.example.org/agenda).
2. Think of
    - what works
    - what does not

| Time | Session | Where |
|:-----|:-------:|------:|
| 14:00 | Welcome | [Hall](https://www.example.org/hall) |
| 14:30 | Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft | Room |

### After

> A word of thanks.
> Another one.

---

```
{{ event.join_url }}?and=a&very=long&address=that&has=no&place=to&break=whatever&one=does&about=it&really=none
```

<https://www.example.org/an/address/that/is/long/enough/to/be/wider/than/a/small/telephone/is>
"""
ARABIC = """\
عزيزي {{ name }}،

ندعوك إلى **{{ event.title }}**.

**[انضم عبر الإنترنت]({{ event.join_url }})**

- الأول
- الثاني

| الوقت | الجلسة |
|---|---|
| 14:00 | ترحيب |
"""


@cache
def pages() -> Mapping[str, str]:
    """Every sort of page by its name."""
    layout = (data.templates() / "layout.html.j2").read_text("utf-8")
    arabic = an_event(title="اجتماع الربيع", location="القاهرة", message=MessageSettings(language="ar-EG"))
    long = an_event(title="a" * 90 + " " + "Wörter " * 30)
    plain = a_wording("Dear {{ name }}, come.", layout=layout)
    made = {
        **shipped(),
        "all of Markdown": letter(wording=a_wording(EVERYTHING, layout=layout)),
        "from right to left": letter(event=arabic, wording=a_wording(ARABIC, layout=layout)),
        "from right to left, cancelled": letter(
            event=arabic, wording=a_wording(ARABIC, layout=layout), revision=a_revision("cancel")
        ),
        "a long title": letter(event=long, wording=plain),
    }
    return {name: one.composition.html for name, one in made.items()}


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    need(real_browser.missing())
    with Browser(tmp_path_factory.mktemp("browser")) as running:
        yield running


@pytest.mark.parametrize("look", LOOKS, ids=str)
@pytest.mark.parametrize("name", pages())
def test_a_page_keeps_wcag_2_2_aa_fits_its_window_and_fetches_nothing(name: str, look: Look, browser: Browser) -> None:
    browser.show(pages()[name], look)
    assert browser.violations() == []
    assert browser.overflow() == 0
    assert browser.requests == []


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("name", pages())
def test_a_page_that_lost_its_style_sheet_keeps_them_too(name: str, dark: bool, browser: Browser) -> None:
    browser.show(re.sub(r"(?s)<style.*?</style>", "", pages()[name]), Look(320, dark))
    assert browser.violations() == []
    assert browser.overflow() == 0


@pytest.mark.parametrize("width", [320, 800])
@pytest.mark.parametrize("name", pages())
def test_a_page_has_room_for_text_of_twice_the_size(name: str, width: int, browser: Browser) -> None:
    browser.show(pages()[name], Look(width, text_size=2))
    assert browser.run('parseFloat(getComputedStyle(document.querySelector(".message")).fontSize)') == 32
    assert browser.overflow() == 0


def test_no_word_of_a_table_is_broken_on_a_telephone(browser: Browser) -> None:
    browser.show(pages()["all of Markdown"], Look(320))
    lines = browser.run(
        '[...document.querySelectorAll(".message th, .message td:first-child")].map((cell) => {'
        " const words = document.createRange(); words.selectNodeContents(cell);"
        " return words.getClientRects().length; })"
    )
    assert lines == [1] * 5


@pytest.mark.parametrize("name", shipped())
def test_a_page_is_dark_where_the_reader_wants_it(name: str, browser: Browser) -> None:
    def brightness(what: str) -> int:
        found = browser.run(f'getComputedStyle(document.querySelector(".card")).{what}')
        return sum(map(int, re.findall(r"\d+", found)[:3]))

    browser.show(pages()[name], Look(800, dark=True))
    assert brightness("color") - brightness("backgroundColor") > 400
    browser.show(pages()[name], Look(800))
    assert brightness("backgroundColor") - brightness("color") > 400


@pytest.mark.parametrize("name", pages())
def test_a_screen_reader_is_told_the_language_the_title_and_the_order(name: str, browser: Browser) -> None:
    browser.show(pages()[name], Look(800))
    arabic = "right to left" in name
    said = browser.run(
        "[document.documentElement.lang, document.documentElement.dir, document.title,"
        ' document.querySelectorAll("h1")[0].textContent, document.querySelectorAll("[role=main]").length]'
    )
    event = shipped()[name].event if name in shipped() else None
    assert said[:2] == (["ar-EG", "rtl"] if arabic else ["en-GB", "ltr"])
    assert said[2]
    assert event is None or said[3] == event.title
    assert said[4] == 1
    # The leaf of the calendar is for the eye: the words say it too.
    assert browser.run('document.querySelector("[aria-hidden=true] .month") !== null')
    links: list[str] = browser.run('[...document.querySelectorAll("a")].map((link) => link.textContent)')
    assert not {link.lower() for link in links} & {"here", "click here", "link", "more"}


def test_axe_core_and_the_browser_notice_what_is_wrong(browser: Browser) -> None:
    page = pages()["invitation"]
    faint = replace_once(page, "</head>", "<style>p { color: #ccc !important }</style></head>")
    wide = replace_once(page, '<div class="message"', '<div style="width: 400px">x</div><div class="message"')
    fetching = replace_once(page, "Dear Ana", "<img src='https://www.example.org/pixel.png' alt=''>Dear Ana")
    nameless = replace_once(page, ' lang="en-GB"', "")
    browser.show(faint, Look(800))
    assert {line.partition(":")[0] for line in browser.violations()} == {"color-contrast"}
    browser.show(nameless, Look(800))
    assert {line.partition(":")[0] for line in browser.violations()} == {"html-has-lang"}
    browser.show(wide, Look(320))
    assert browser.overflow() > 0
    browser.show(fetching, Look(320))
    assert browser.requests == ["https://www.example.org/pixel.png"]


def test_every_page_is_valid_html() -> None:
    need(node.missing())
    broken = replace_once(pages()["invitation"], "</h1>", "</h2>")
    found = validated({**pages(), "broken": broken})
    assert found.pop("broken")
    assert found == {name: [] for name in pages()}


def validated(documents: Mapping[str, str]) -> dict[str, list[str]]:
    """What html-validate has against each document."""
    ran = subprocess.run(
        ["node", "validate.mjs"], cwd=HERE, input=json.dumps(documents), capture_output=True, text=True, check=True
    )
    found: dict[str, list[str]] = json.loads(ran.stdout)
    return found


def replace_once(page: str, old: str, new: str) -> str:
    assert old in page
    return page.replace(old, new, 1)
