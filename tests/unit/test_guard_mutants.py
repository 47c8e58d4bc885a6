"""Take one check out of the guard, any one: something that it stopped before goes through, or comes out otherwise.

A check is here every statement that says a leak, refuses a message, reads a text in one more way, or sends a message
the long way. Each is dropped from the source of the running guard, alone, and the mutant judges what is known to leak.
"""

import ast
import sys
from base64 import b64encode
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import zip_longest
from pathlib import Path
from types import CodeType, ModuleType
from typing import NamedTuple

import tui.guard
from tests.unit.test_guard import (
    ANA,
    BO,
    COMMON,
    ORGANIZER,
    UNREADABLE,
    a_message,
    with_calendar,
    with_header,
    with_html,
    with_part,
    with_text,
)
from tests.unit.test_guard_likeness import TRAPS
from tests.unit.test_guard_spellings import IN_ONE_LINE, SECRET, SPELLINGS, VALUES, in_subject, in_text, zipped

FOLDER = Path(tui.guard.__file__).parent
MODULES = (
    *("cleared", "memory", "hashes", "findings", "mailboxes", "spelling", "addresses", "values", "internal", "reading"),
    *("form", "joining", "ordinary", "masking", "joints", "searching", "whole", "likeness", "roll", "inspection"),
)
MUTATED = (
    *("spelling", "addresses", "values", "internal", "roll", "reading", "form", "searching", "inspection"),
    *("masking", "likeness", "ordinary", "joints", "whole"),
)
# In these, what is refused goes the long way: `raise _Unlike`, `return False` and `return None` are checks as well.
LONG_WAY = frozenset(
    {
        "holds",
        "is_innocent",
        "_joints_of",
        "_are_apart",
        "_must_stay_what_it_is",
        "find",
        "apart",
        "_is_apart",
        "_is_alone",
        "_is_quiet",
    }
    | {"can_stand_alone", "with_stand_ins"}
    | {"are_noise", "is_name", "_is_wide_name", "is_address", "digits_in"}
    | {
        "_holds_no_value",
        "is_link",
        "is_piece_of_link",
        "_says_nothing",
        "_says_nothing_else",
        "can_be_cut_out",
        "_ends_by_itself",
    }
)


SHORT_CUTS = frozenset({"masking", "likeness", "ordinary", "joints", "whole", "spelling"})


class Scenario(NamedTuple):
    """A message that leaks, the last of its `letters`, each with its recipient and their words; and the list."""

    letters: Sequence[tuple[bytes, str, str]]
    listed: Sequence[str]
    values: Sequence[str]
    public: str
    common: str


NOTED = ("Lone parent",)
LISTED = [ANA, "Bo <bo.li@@example.com>"]


def scenarios() -> dict[str, Scenario]:
    found = {
        name: Scenario([(raw, ANA, "")], LISTED, values, ORGANIZER, COMMON) for name, (raw, values) in alone().items()
    }
    for name, trap in TRAPS.items():
        for more in ("", "<p>Only here</p>"):
            found[f"like others: {name} {more}"] = Scenario(trap.letters(more), *trap.roll_of())
    return found


def alone() -> dict[str, tuple[bytes, tuple[str, ...]]]:
    """Messages that leak by themselves, each with the internal values of its list."""
    found: dict[str, tuple[bytes, tuple[str, ...]]] = {
        f"unreadable: {name}": (raw, ()) for name, raw in UNREADABLE.items()
    }
    for name, spelling in SPELLINGS.items():
        said = f"Guests: {spelling} and more"
        found[f"text: {name}"] = (in_text(said), ())
        found[f"html: {name}"] = (with_html(f"<p>{said}</p>"), ())
    for name, spelling in IN_ONE_LINE.items():
        found[f"subject: {name}"] = (in_subject(f"Guests: {spelling} and more"), ())
    for name, (value, spelling) in VALUES.items():
        found[f"value in text: {name}"] = (in_text(f"So: {spelling}."), (value,))
    for number, header in enumerate(HEADERS):
        found[f"header {number}"] = (with_header(header), ())
    for number, (old, new) in enumerate(CALENDARS):
        found[f"calendar {number}"] = (with_calendar((old, new)), ())
    deep = BO
    for _ in range(12):
        deep = b64encode(deep.encode()).decode()
    no_header = b"--=_invite-tui_mixed\r\n\r\n\r\nx\r\n--=_invite-tui_mixed--"
    return found | {
        "encoded over and over": (in_text(deep), ()),
        "markup in an attribute": (with_html('<p title="bo.li<b>@</b>example.com">x</p>'), ()),
        "markup in a comment": (with_html("<p>x<!-- bo.li<b>@</b>example.com --></p>"), ()),
        "a backslash": (in_text("bo\\.li@example.com"), ()),
        "two encoded words": (in_text("=?utf-8?q?bo=2Eli?= =?utf-8?q?=40example.com?="), ()),
        "a hyphen between": (in_text("see bo.li-example.com"), ()),
        "a sentence follows": (in_text("Write to bo.li@example.com.Thanks"), ()),
        "a name of no letters": (with_part(b"x", "Content-Disposition: attachment; filename*=utf-8''%ff"), ()),
        "a part without headers": (a_message().replace(b"--=_invite-tui_mixed--", no_header), ()),
        "no To": (a_message().replace(b"To: Ana", b"Reply-To: Ana", 1), ()),
        "no From": (a_message().replace(b"From: ", b"Reply-To: ", 1), ()),
        "To two": (a_message().replace(b"<ana@example.org>", b"<ana@example.org>, <x@example.net>", 1), ()),
        "a header of a part": (
            a_message().replace(b"Content-Type: text/html", b"X-A: b\r\nContent-Type: text/html"),
            (),
        ),
        "between": (a_message() + BO.encode() + b"\r\n", ()),
        "a value between": (a_message() + b"Lone parent\r\n", NOTED),
        "a file": (with_part(BO.encode()), ()),
        "a file in a file": (with_part(zipped(people=BO.encode())), ()),
        "a closed file": (with_part(SECRET), ()),
        "an address in a closed file": (with_part(SECRET + BO.encode() + SECRET), ()),
        "a calendar in a file": (with_part(b"BEGIN:VCALENDAR\r\nX:bo.li\r\n @example.com\r\n"), ()),
        "folded where an address begins": (with_part(b"BEGIN:VCALENDAR\r\nX:a\r\n bo.li@example.com\r\n"), ()),
        "a file's name": (with_part(b"x", "Content-Disposition: attachment; filename*=utf-8''bo.li%40example.com"), ()),
        "a value in a tag": (with_html('<p title="Lone parent">x</p>'), NOTED),
        "a value parted by a tag": (with_html("<p>Lo<b>ne</b> parent</p>"), NOTED),
        "a value in two cells": (with_html("<td>Lone</td><td>parent</td>"), NOTED),
        "a value in a header": (in_subject("Lone parent"), NOTED),
        "a value in the calendar": (with_calendar(("DESCRIPTION:", "DESCRIPTION:Lone\\nparent ")), NOTED),
        "a file in the page": (
            with_html(f'<a href="data:a/b;base64,{b64encode(zipped(p=BO.encode())).decode()}">'),
            (),
        ),
        "a file in the page, in the clear": (with_html('<a href="data:text/csv,n%0Abo.li%2540example.com">x</a>'), ()),
        "soft line ends": (with_text(b"bo.li@exam= \t\r\nple=2Ecom"), ()),
    }


HEADERS = (
    *("Bcc: x@example.net", "To: ana@example.org", "From: a@b.example, c@d.example", "Reply-To: nobody", "X: y"),
    *("Subject: =?utf-8?q?bo=2Eli?=\r\n =?utf-8?q?=40example.com?=", "Subject: =?utf-8?b?Ym8=x?="),
)
CALENDARS = (
    (":mailto:ana@example.org", ":mailto:nobody@example.net"),
    ("ATTENDEE;", "ATTENDEE:mailto:nobody@example.net\nATTENDEE;"),
    ("METHOD:REQUEST", "METHOD:CANCEL"),
    ("METHOD:REQUEST\n", ""),
    ("STATUS:CONFIRMED", f"STATUS:CONFIRMED\nX-PAD:{'p' * 62} bo.li@example.com"),
)


class Points(ast.NodeTransformer):
    """Finds what can be dropped, and drops number `drop`; without one, has each call `_hit` when it is come to."""

    def __init__(self, module: str, drop: int | None = None) -> None:
        self.module, self.drop = module, drop
        self.found: list[str] = []
        self._is_long_way = False

    def _point(self, node: ast.stmt, instead: str) -> ast.stmt | list[ast.stmt]:
        number = len(self.found)
        self.found.append(f"line {node.lineno}: {ast.unparse(node).splitlines()[0][:90]}")
        if self.drop is None:
            return [*ast.parse(f"_hit({self.module!r}, {number})").body, node]
        return ast.parse(instead).body if number == self.drop else node

    def visit_Expr(self, node: ast.Expr) -> ast.stmt | list[ast.stmt]:
        if isinstance(node.value, ast.Yield | ast.YieldFrom) and self.module not in ("masking", "whole"):
            return self._point(node, "yield from ()")
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        self._is_long_way, before = self.module in SHORT_CUTS and node.name in LONG_WAY, self._is_long_way
        self.generic_visit(node)
        self._is_long_way = before
        return node

    def visit_If(self, node: ast.If) -> ast.If:
        ends = isinstance(node.body[-1], ast.Return) and ast.unparse(node.body[-1]) in ("return False", "return None")
        self.generic_visit(node)
        if ends and self._is_long_way:
            changed = self._point(node.body[-1], "pass")
            node.body[-1:] = changed if isinstance(changed, list) else [changed]
        return node

    def visit_Raise(self, node: ast.Raise) -> ast.stmt | list[ast.stmt]:
        refuses = (
            isinstance(node.exc, ast.Call) and isinstance(node.exc.func, ast.Name) and node.exc.func.id == "Unreadable"
        )
        refuses |= ast.unparse(node) == "raise TooDeep" or (self._is_long_way and ast.unparse(node) == "raise _Unlike")
        return self._point(node, "pass") if refuses else node


def guard_with(codes: dict[str, CodeType], hit: Callable[[str, int], None] | None = None) -> ModuleType:
    """The guard made of these modules, beside the real one."""
    names = [f"tui.guard.{name}" for name in MODULES]
    kept = {name: sys.modules.pop(name) for name in names}
    ours = tui.guard.cleared
    try:
        for name in MODULES:
            module = ModuleType(f"tui.guard.{name}")
            module.__dict__["_hit"] = hit
            sys.modules[module.__name__] = module
            if name == "cleared":
                tui.guard.cleared = module
            exec(codes[name], module.__dict__)  # our own source
        return sys.modules["tui.guard.inspection"]
    finally:
        tui.guard.cleared = ours
        for name in names:
            sys.modules.pop(name, None)
        sys.modules.update(kept)


Verdict = tuple[tuple[str, str], ...] | str


def verdict(guard: ModuleType, scenario: Scenario) -> Verdict:
    try:
        roll = guard.Roll(scenario.listed, scenario.values, [scenario.public], scenario.common)
        *_, said = (guard.clear(raw, recipient, roll, own) for raw, recipient, own in scenario.letters)
    except Exception as error:  # noqa: BLE001  # a mutant may do anything
        return f"raises {type(error).__name__}"
    return "cleared" if isinstance(said, guard.Cleared) else tuple((leak.where, leak.what) for leak in said)


def sources() -> dict[str, str]:
    return {name: (FOLDER / f"{name}.py").read_text("utf-8") for name in MODULES}


def compiled(source: str, points: Points | None = None) -> CodeType:
    tree: ast.Module = ast.parse(source)
    changed = points.visit(tree) if points else tree
    return compile(ast.fix_missing_locations(changed), "mutant", "exec")


def survivors() -> Iterator[str]:
    cases = scenarios()
    texts = sources()
    codes = {name: compiled(text) for name, text in texts.items()}
    points = {module: Points(module) for module in MUTATED}
    here: set[tuple[str, int]] = set()
    watched = guard_with(
        codes | {module: compiled(texts[module], points[module]) for module in MUTATED},
        lambda module, number: here.add((module, number)),
    )
    usual: dict[str, Verdict] = {}
    reached: dict[tuple[str, int], list[str]] = {}
    for name, case in cases.items():
        here.clear()
        usual[name] = verdict(watched, case)
        for point in here:
            reached.setdefault(point, []).append(name)
    assert "cleared" not in usual.values(), [name for name, said in usual.items() if said == "cleared"]
    breadth = Counter(name for names in reached.values() for name in names)
    for module in MUTATED:
        for number, said in enumerate(points[module].found):
            mutant = guard_with(codes | {module: compiled(texts[module], Points(module, number))})
            tried = in_turn(reached.get((module, number), ()), breadth)
            if all(verdict(mutant, cases[name]) == usual[name] for name in tried):
                yield f"{module}.py, {said}"


def in_turn(names: Sequence[str], breadth: Counter[str]) -> Iterator[str]:
    """Those who come to few points first, because they come to one of them for a reason; from each kind in turn."""
    kinds: dict[str, list[str]] = {}
    for name in sorted(names, key=breadth.__getitem__):
        kinds.setdefault(name.partition(":")[0] if ":" in name else "", []).append(name)
    return (name for names in zip_longest(*kinds.values()) for name in names if name)


def test_every_check_that_is_dropped_is_missed() -> None:
    assert not list(survivors())
