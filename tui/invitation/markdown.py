"""Markdown with Jinja2 in it, turned into two Jinja2 templates: one of plain text and one of HTML.

The Jinja2 parts are taken out before Markdown sees the source and put back afterwards, so that a value never passes
through Markdown and cannot become markup. Both templates are written from the same tokens, so that they cannot drift
apart.
"""

import html
import re
from collections.abc import Callable, Iterator, Sequence
from itertools import count, pairwise
from typing import Any, Literal
from urllib.parse import unquote

from jinja2 import Environment, TemplateSyntaxError
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_block import StateBlock
from markdown_it.token import Token

from tui.clean import one_line
from tui.invitation.sandbox import LINK_SCHEMES

_PAIRED = ("if", "for", "macro", "call", "with", "block")
CHECKED_LINK = ("{% filter _link %}", "{% endfilter %}")
_BLOCK = re.compile(r"[-*+][ \t]|\d{1,9}[.)][ \t]|#{1,6}[ \t]|>[ \t]|\|")
_VOID = ("br", "hr", "img")


def compile_markdown(source: str) -> tuple[str, str]:
    """The sources of the text template and of the HTML template.

    TemplateSyntaxError, with the source's line, where a link leads nowhere or a statement cuts through the markup.
    """
    protected = Protected(source)
    parsed = _parser(protected).parse(protected.source)
    _check_blocks(parsed, protected)
    tokens = _with_statements_inside(parsed, protected)
    _check_links(tokens, protected)
    body = str(_Html(protected).render(tokens, MarkdownIt("commonmark", {"breaks": True}).options, {}))
    _check_nesting(body, protected)
    text = "\n\n".join(_Text(protected).blocks(iter(tokens))).strip() + "\n"
    return protected.restore(text), protected.restore(body)


class Protected:
    """A source whose Jinja2 parts are words of letters and digits, which Markdown leaves alone everywhere."""

    def __init__(self, source: str) -> None:
        self._mark = "jq"
        while self._mark in source:
            self._mark += "q"
        self._parts: list[str] = []
        self._lines: list[int] = []
        self._known: dict[str, str] = {}
        out: list[str] = []
        part, closing, begun = "", "", 1
        # Plain settings: an environment that trims would take away the indentation that makes a list a list.
        for line, kind, value in Environment(keep_trailing_newline=True).lexer.tokeniter(source + "\n", None):  # noqa: S701  # it prints nothing
            if closing:
                part += value
                if kind == closing:
                    # The same value is the same word, so that a link whose label is its address is seen to be one.
                    out.append(self.word("s" if kind != "variable_end" else "e", part, begun))
                    closing = ""
            elif kind in ("variable_begin", "block_begin", "comment_begin"):
                part, closing, begun = value, kind.replace("_begin", "_end"), line
            elif kind not in ("raw_begin", "raw_end"):
                out.append(self._literally(value))
        self.source = "".join(out)
        self.is_word = re.compile(rf"{self._mark}([se])(\d+)z")
        self.is_statements = re.compile(rf"\s*(?:{self._mark}s\d+z\s*)+")

    def has_part(self, text: str) -> bool:
        return bool(self.is_word.search(text))

    def has_value(self, text: str) -> bool:
        return any(found[1] == "e" for found in self.is_word.finditer(text))

    def word(self, kind: Literal["s", "e"], part: str, line: int = 0) -> str:
        """The word that stands for `part`: a statement (s), or an expression (e)."""
        if kind == "e" and part in self._known:
            return self._known[part]
        word = f"{self._mark}{kind}{len(self._parts)}z"
        self._parts.append(part)
        self._lines.append(line)
        if kind == "e":
            self._known[part] = word
        return word

    def statements(self, text: str) -> Iterator[tuple[str, int]]:
        """Each statement in `text`: its keyword ("" for a comment), and its line."""
        for found in self.is_word.finditer(text):
            if found[1] == "s":
                yield self.keyword(found[2]), self._lines[int(found[2])]

    def keyword(self, number: str) -> str:
        part = self._parts[int(number)]
        found = re.match(r"\{%[-+]?\s*(\w+)", part)
        if not found or (found[1] == "set" and "=" in part):
            return ""
        return found[1].replace("set", "with") if found[1] in ("set", "endset") else found[1]

    def line(self, number: int) -> int:
        """The line of the original source that is line `number` (0-based) of the protected one."""
        before = "\n".join(self.source.split("\n")[:number])
        return self._put_back(before).count("\n") + 1 + (number > 0)

    def restore(self, rendered: str) -> str:
        """`rendered` with every part back in its place, and nothing else that Jinja2 would take for one."""
        rendered = re.sub(rf"\{{(?=[{{%#]|{self._mark})", lambda _: self.word("e", "{{ '{' }}"), rendered)
        # A statement takes its line with it when it has one of its own, and leaves the white space of others alone.
        return "\n".join(
            self._put_back(line) if self.is_statements.fullmatch(line) else self._put_back(line, _leaving_space)
            for line in rendered.split("\n")
        )

    def _put_back(self, text: str, change: Callable[[str], str] = str) -> str:
        return self.is_word.sub(lambda found: change(self._parts[int(found[2])]), text)

    def _literally(self, text: str) -> str:
        """Braces between {% raw %} and {% endraw %} are braces."""
        return re.sub(r"\{[{%#]", lambda found: self.word("e", f"{{{{ '{found[0]}' }}}}"), text)


def _leaving_space(part: str) -> str:
    """A statement or a comment that does not trim what is around it, unless it was written to."""
    if part.startswith(("{%", "{#")) and part[2] not in "+-":
        part = f"{part[:2]}+{part[2:]}"
    if part.endswith(("%}", "#}")) and part[-3] not in "+-":
        part = f"{part[:-2]}+{part[-2:]}"
    return part


def _parser(protected: Protected) -> MarkdownIt:
    """CommonMark with tables; a line end is a line break, as the organiser typed it; no raw HTML."""

    def statement(state: StateBlock, line: int, end: int, silent: bool) -> bool:
        """A line that holds only Jinja2 statements is a block of its own, and no paragraph."""
        if not protected.is_statements.fullmatch(_line(state, line)):
            return False
        if state.parentType == "table":
            return not _is_about_rows(state, line, end, protected)
        if not silent:
            token = state.push("statement", "", 0)
            token.content, token.map = _line(state, line).strip(), [line, line + 1]
            state.line = line + 1
        return True

    parser = MarkdownIt("commonmark", {"html": False, "breaks": True}).enable("table")
    parser.block.ruler.before(
        "table", "statement", statement, {"alt": ["paragraph", "reference", "blockquote", "list"]}
    )
    normalise = parser.normalizeLink
    # What a link may lead to is ours to say, not Markdown's: it would print a wrong one as it stands.
    # Methods, assigned: markdown-it has no other way to say it.
    parser.validateLink = lambda url: True  # type: ignore[method-assign]  # noqa: ARG005  # it names it
    parser.normalizeLink = lambda url: url if protected.has_part(url) else normalise(url)  # type: ignore[method-assign]  # its way to say so
    return parser


def _line(state: StateBlock, line: int) -> str:
    return state.src[state.bMarks[line] + state.tShift[line] : state.eMarks[line]]


def _is_about_rows(state: StateBlock, line: int, end: int, protected: Protected) -> bool:
    """Whether what this line of a table begins, or goes on with, begins and ends among the table's rows."""

    def depth(lines: range, deep: int = 0) -> Iterator[int]:
        for number in lines:
            if not _line(state, number).strip():
                return
            if protected.is_statements.fullmatch(_line(state, number)):
                for keyword, _ in protected.statements(_line(state, number)):
                    # An else belongs to what it stands in.
                    yield deep - (keyword in ("else", "elif"))
                    deep += (keyword in _PAIRED) - keyword.startswith("end")
                    yield deep

    before = [0, *depth(range(state.line + 2, line))][-1]
    after = list(depth(range(line, end), before))
    this = list(depth(range(line, line + 1), before))
    return min(this) >= 0 and (this[-1] == 0 or 0 in after[len(this) :])


# --- links and nesting ------------------------------------------------------------------------------------------------


def _check_links(tokens: Sequence[Token], protected: Protected) -> None:
    """A link that holds a value is checked when it is filled in; every other one now."""
    for token in tokens:
        for inner in token.children or ():
            target = str(inner.attrs.get("href", "")) if inner.type == "link_open" else ""
            if inner.type != "link_open" or protected.has_part(target):
                continue
            if not target.lower().startswith((*LINK_SCHEMES, "tel:")):
                line = protected.line(token.map[0]) if token.map else 1
                raise TemplateSyntaxError(
                    f"the link to “{one_line(target)[:80]}” does not begin with https:// or mailto:", line
                )


def _check_blocks(tokens: Sequence[Token], protected: Protected) -> None:
    """A statement before an item, a row or a heading on its line makes a sentence of it, which nobody means."""
    for before, token in pairwise(tokens):
        if before.type != "paragraph_open" or token.type != "inline":
            continue
        for number, line in enumerate(token.content.split("\n")):
            found = protected.is_statements.match(line)
            if found and _BLOCK.match(line, found.end()):
                at = protected.line((token.map[0] if token.map else 0) + number)
                raise TemplateSyntaxError("an item, row or heading stands on one line with a statement", at)


def _check_nesting(body: str, protected: Protected) -> None:
    """Whatever a statement leaves out or repeats, the HTML around it stays well-formed."""
    open_tags: list[str] = []
    begun: list[tuple[list[str], int]] = []
    for found in re.finditer(rf"<(/?)(\w+)[^>]*>|{protected.is_word.pattern}", body):
        closing, tag, kind, _ = found.groups()
        if tag and tag not in _VOID:
            if not closing:
                open_tags.append(tag)
            elif open_tags and open_tags[-1] == tag:
                open_tags.pop()
        elif kind == "s":
            ((keyword, line),) = protected.statements(found[0])
            if keyword in _PAIRED:
                begun.append((open_tags.copy(), line))
            elif (keyword.startswith("end") or keyword in ("else", "elif")) and begun:
                before, line = begun[-1]
                if before != open_tags:
                    raise TemplateSyntaxError("what begins here ends inside other formatting than it began in", line)
                if keyword.startswith("end"):
                    begun.pop()


# --- statements within lists and tables -------------------------------------------------------------------------------

_Unit = list[Token]  # a block: one token, or those from its opening to its closing


def _with_statements_inside(tokens: Sequence[Token], protected: Protected) -> list[Token]:
    """The tokens with loops over list items and table rows inside the list or the table, not around one of each."""
    units = [_table(unit, protected) for unit in _units(tokens)]
    return [token for unit in _joined_lists(units, protected) for token in unit]


def _units(tokens: Sequence[Token]) -> Iterator[_Unit]:
    unit: _Unit = []
    depth = 0
    for token in tokens:
        unit.append(token)
        depth += token.nesting
        if depth == 0:
            yield unit
            unit = []


def _inner(unit: _Unit, protected: Protected) -> _Unit:
    """A list or a quotation, with what is inside it done likewise."""
    if len(unit) < 3 or unit[0].type not in (
        "bullet_list_open",
        "ordered_list_open",
        "list_item_open",
        "blockquote_open",
    ):
        return unit
    inside = _with_statements_inside(unit[1:-1], protected)
    blocks = list(_units(inside))
    if unit[0].type == "list_item_open" and any(block[0].type == "statement" for block in blocks):
        for block in blocks:  # what a loop repeats must not run together
            block[0].hidden = block[-1].hidden = False
    return [unit[0], *inside, unit[-1]]


def _joined_lists(units: Sequence[_Unit], protected: Protected) -> Iterator[_Unit]:
    """Lists that only statements stand between, or that a loop repeats, are one list."""
    units = [_inner(unit, protected) for unit in units]
    at = 0
    while at < len(units):
        end, kinds = at, set[str]()
        while end < len(units) and _is_run(kinds | {units[end][0].type}):
            kinds.add(units[end][0].type)
            end += 1
        yield from _joined(units[at:end], protected)
        at = end
        if at < len(units) and not _is_run({units[at][0].type}):
            yield units[at]
            at += 1


def _is_run(kinds: set[str]) -> bool:
    return kinds <= {"statement", "bullet_list_open"} or kinds <= {"statement", "ordered_list_open"}


def _joined(run: Sequence[_Unit], protected: Protected) -> Iterator[_Unit]:
    lists = [at for at, unit in enumerate(run) if unit[0].type != "statement"]
    if not lists:
        yield from run
        return
    begin, end = _balanced(run, lists[0], lists[-1] + 1, protected)
    if end - begin > 1:
        inside = [token for unit in run[begin:end] for token in (unit if unit[0].type == "statement" else unit[1:-1])]
        whole = [run[lists[0]][0], *inside, run[lists[-1]][-1]]
        yield from (*run[:begin], whole, *run[end:])
    else:
        yield from run


def _balanced(run: Sequence[_Unit], begin: int, end: int, protected: Protected) -> tuple[int, int]:
    """[begin, end), grown over statements until each that it holds has its beginning and its end in it, and over loops.

    (0, 0) where that cannot be.
    """
    grown, loops = (begin, end), (begin, end)
    while True:
        lowest, depth = _depths(run[grown[0] : grown[1]], protected)
        if lowest < 0 and grown[0] > 0:
            grown = loops = (grown[0] - 1, grown[1])
        elif depth > 0 and grown[1] < len(run):
            grown = loops = (grown[0], grown[1] + 1)
        elif lowest < 0 or depth > 0:
            return loops if _depths(run[loops[0] : loops[1]], protected) == (0, 0) else (0, 0)
        else:
            # A pair of statements around it: a loop repeats items, so it belongs inside; the list depends on an if.
            begin, end = grown[0] - 1, grown[1] + 1
            if begin < 0 or end > len(run) or _depths([run[begin], *run[grown[1] : end]], protected) != (0, 0):
                return loops
            if _depths([run[begin]], protected)[1] != 1:
                return loops
            grown = (begin, end)
            keyword = next(protected.statements(run[begin][0].content))[0]
            loops = grown if keyword == "for" else loops


def _depths(units: Sequence[_Unit], protected: Protected) -> tuple[int, int]:
    """How deep below its beginning this run of statements gets, and how deep within something it ends."""
    lowest = depth = 0
    for unit in units:
        if unit[0].type != "statement":
            continue
        for keyword, _ in protected.statements(unit[0].content):
            middle = keyword in ("else", "elif")
            lowest = min(lowest, depth - (keyword.startswith("end") or middle))
            depth += (keyword in _PAIRED) - keyword.startswith("end")
    return lowest, depth


def _table(unit: _Unit, protected: Protected) -> _Unit:
    """A table whose rows of nothing but statements are statements."""
    if unit[0].type != "table_open" or not any(token.type == "tbody_open" for token in unit):
        return unit
    begin = next(at for at, token in enumerate(unit) if token.type == "tbody_open") + 1
    rows = [_row(row, protected) for row in _units(unit[begin:-2])]
    return [*unit[:begin], *(token for row in rows for token in row), *unit[-2:]]


def _row(row: _Unit, protected: Protected) -> _Unit:
    cells = [token for token in row if token.type == "inline" and token.content]
    if len(cells) != 1 or not protected.is_statements.fullmatch(cells[0].content):
        return row
    return [Token("statement", "", 0, content=cells[0].content, map=cells[0].map)]


# --- HTML -------------------------------------------------------------------------------------------------------------


class _Html(RendererHTML):
    """Markdown's own HTML, with links made from values checked when they are filled in."""

    def __init__(self, protected: Protected) -> None:
        super().__init__()
        self._protected = protected

    def link_open(self, tokens: Sequence[Token], index: int, *_: Any) -> str:
        target = html.escape(str(tokens[index].attrs.get("href", "")))
        if self._protected.has_part(target):
            begin, end = (self._protected.word("s", part) for part in CHECKED_LINK)
            target = f"{begin}{target}{end}"
        return f'<a href="{target}">'

    def statement(self, tokens: Sequence[Token], index: int, *_: Any) -> str:
        return tokens[index].content + "\n"

    def image(self, tokens: Sequence[Token], index: int, *_: Any) -> str:
        # A picture would be fetched from somewhere, which tells somebody that the message was read.
        return html.escape(_plain(tokens[index].children or ()))


# --- text -------------------------------------------------------------------------------------------------------------


class _Text:
    """The same tokens as plain text: blocks an empty line apart, lists with their marks, links with their address."""

    def __init__(self, protected: Protected) -> None:
        self._protected = protected
        self._numbers = count()

    def blocks(self, tokens: Iterator[Token], until: str = "") -> Iterator[str]:
        for token in tokens:
            kind = token.type
            if kind == until:
                return
            if kind == "inline":
                yield _plain(token.children or ())
            elif kind in ("bullet_list_open", "ordered_list_open"):
                yield self._list(tokens, token)
            elif kind == "blockquote_open":
                quoted = "\n\n".join(self.blocks(tokens, "blockquote_close"))
                statement = self._protected.is_statements
                yield "\n".join(
                    line if statement.fullmatch(line) else f"> {line}".rstrip() for line in quoted.split("\n")
                )
            elif kind == "table_open":
                yield self._table(tokens)
            elif kind in ("fence", "code_block"):
                yield token.content.rstrip("\n")
            elif kind == "hr":
                yield "-" * 40
            elif kind == "statement":
                yield token.content

    def _list(self, tokens: Iterator[Token], opening: Token) -> str:
        items: list[tuple[bool, str]] = []  # whether it is an item, or a statement between two
        for token in tokens:
            if token.type == opening.type.replace("open", "close"):
                break
            if token.type == "statement":
                items.append((False, token.content))
            elif token.type == "list_item_open":
                items.append((True, "\n".join(self.blocks(tokens, "list_item_close"))))
        if opening.type == "bullet_list_open":
            return "\n".join("- " + _indented(text, 2) if is_item else text for is_item, text in items)
        first = int(opening.attrs.get("start", 1))
        if all(is_item for is_item, _ in items):
            return "\n".join(f"{number}. {_indented(text, 3)}" for number, (_, text) in enumerate(items, first))
        counter = f"_n{next(self._numbers)}"
        begin = self._protected.word("s", f"{{% set {counter} = {first} | _count %}}")
        number = self._protected.word("e", f"{{{{ {counter}() }}}}")
        return "\n".join([begin, *(f"{number}. {_indented(text, 3)}" if is_item else text for is_item, text in items)])

    def _table(self, tokens: Iterator[Token]) -> str:
        lines: list[str] = []
        row: list[str] = []
        for token in tokens:
            if token.type == "table_close":
                break
            if token.type == "statement":
                lines.append(token.content)
            elif token.type == "inline":
                row.append(_plain(token.children or ()))
            elif token.type == "tr_close":
                lines.append("  |  ".join(row))
                row = []
        return "\n".join(lines)


def _indented(text: str, by: int) -> str:
    return text.replace("\n", "\n" + " " * by)


def _plain(tokens: Sequence[Token]) -> str:
    out: list[str] = []
    links: list[tuple[int, str]] = []
    for token in tokens:
        if token.type in ("text", "code_inline"):
            out.append(token.content)
        elif token.type in ("softbreak", "hardbreak"):
            out.append("\n")
        elif token.type == "link_open":
            links.append((len(out), str(token.attrs.get("href", ""))))
        elif token.type == "link_close" and links:
            begin, target = links.pop()
            label = "".join(out[begin:])
            shown = target.removeprefix("mailto:").removeprefix("tel:")
            if label not in (target, shown, unquote(target)):
                out.append(f" ({shown})" if label else shown)
        elif token.type == "image":
            out.append(_plain(token.children or ()))
    return "".join(out)
