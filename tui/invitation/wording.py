"""One Markdown and Jinja2 source, compiled once into the text and the HTML of every message.

The Jinja2 parts are taken out before Markdown sees the source and put back afterwards, so that a value never passes
through Markdown and cannot become markup. Both renderings come from the same tokens, so that they cannot drift apart.
"""

import html
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined, TemplateError, TemplateSyntaxError, Undefined, UndefinedError, nodes
from jinja2.meta import find_undeclared_variables
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_block import StateBlock
from markdown_it.token import Token
from markupsafe import Markup, escape

from tui import data
from tui.attendees import Attendee, Columns, squash
from tui.clean import one_line
from tui.errors import InputError, Problem

EVENT_NAMES = (*("title", "start", "end", "when", "location", "join_url", "description", "timezone"),)
ORGANIZER_NAMES = ("name", "email", "note")
TAKEN = frozenset({"event", "organizer", "changes", "attendee", "name", "email"})
_LINK_SCHEMES = ("http:", "https:", "mailto:")
_DANGEROUS = re.compile(
    r"(?:href|src|action|formaction|background|poster)\s*=\s*[\"']?\s*(?:javascript|vbscript|data)\s*:", re.IGNORECASE
)


class MissingValues(Exception):
    """Placeholders that are blank for one attendee: their names as the wording spells them."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(", ".join(names))
        self.names = tuple(dict.fromkeys(names))


class WordingError(Exception):
    """The wording cannot be filled in: what is wrong, in words."""


class Blank(Undefined):
    """A column or a fact that exists but is empty: false, `is not defined`, and noted down where it is printed."""

    __slots__ = ("_noted",)

    def __init__(self, name: str, noted: list[str]) -> None:
        super().__init__(name=name)
        self._noted = noted

    def __str__(self) -> str:
        self._noted.append(self._undefined_name or "")
        return ""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Blank) or other == ""

    def __hash__(self) -> int:
        return hash("")


@dataclass(frozen=True, slots=True)
class Filled:
    """The wording for one attendee. `text` has LF line ends."""

    subject: str
    text: str
    html: str


@dataclass(frozen=True, slots=True)
class Use:
    """A placeholder in the wording: a bare name, or one of `attendee["..."]`, `event.x`, `organizer.x`."""

    owner: str | None
    name: str
    line: int
    guarded: bool


class Wording:
    """A template, compiled. `shown` names its file, `sources` is everything that its bytes depend on."""

    def __init__(self, shown: str, source: str, subject: str | None, layout: str, override: str | None) -> None:
        """`subject` wins over the template's; `override` is NAME.html.j2. InputError (`bad-template`) with the line."""
        self.shown = shown
        self.sources = tuple(part or "" for part in (source, subject, layout, override))
        first, body, offset = _split(shown, source, subject is not None)
        self._subject_source = first if subject is None else subject
        self._text_env, self._html_env = _environment(False), _environment(True)
        try:
            protected = _Protected(body)
            tokens = _markdown().parse(protected.source)
            text, body_html = _as_text(tokens), _as_html(tokens)
            whole = layout.replace("{{ content }}", body_html) if override is None else override
            self._trees = [
                (self._text_env.parse(self._subject_source), 1),
                (self._text_env.parse(body), offset),
                *([] if override is None else [(self._html_env.parse(override), 0)]),
            ]
            self._subject = self._text_env.from_string(self._subject_source)
            self._text = self._text_env.from_string(protected.restore(text))
            self._html = self._html_env.from_string(protected.restore(whole))
        except TemplateSyntaxError as error:
            raise _bad(shown, error.lineno + offset, f"{error.message}") from None
        self._check_links = override is not None
        self.uses = tuple(self._find_uses())
        self._dynamic = any(use.owner == "attendee" and not use.name for use in self.uses)

    @property
    def words(self) -> str:
        """The template's own text, for telling a value of a column from the wording's words."""
        return " ".join(self.sources)

    def fill(self, context: Mapping[str, Any], noted: list[str]) -> Filled:
        """The wording with `context` filled in; `noted` is the list that the context's Blanks write to.

        MissingValues where a blank was printed; WordingError where a value cannot be used so.
        """
        try:
            subject = one_line(self._subject.render(context))
            text = re.sub(r"\n{3,}", "\n\n", self._text.render(context)).strip() + "\n"
            filled = self._html.render({**context, "subject": subject})
        except UndefinedError as error:
            if noted:
                raise MissingValues(noted) from None
            raise WordingError(str(error)) from None
        except (TemplateError, ArithmeticError, ValueError, TypeError, LookupError, AttributeError) as error:
            raise WordingError(one_line(str(error)) or type(error).__name__) from None
        except (RecursionError, MemoryError):
            raise WordingError("it grows without end") from None
        if noted:
            raise MissingValues(noted)
        if self._check_links and _DANGEROUS.search(html.unescape(filled)):
            raise WordingError("a link in the HTML is neither http, https nor mailto")
        if not subject:
            raise WordingError("the subject is empty")
        return Filled(subject, text, filled)

    def check(self, columns: Columns) -> list[Problem]:
        """What is wrong with the placeholders, given one file's columns; `line` is the template's."""
        problems = []
        for use in self.uses:
            if use.owner in ("event", "organizer"):
                known: Iterable[str] = EVENT_NAMES if use.owner == "event" else ORGANIZER_NAMES
                if use.name not in known and not use.guarded:
                    problems.append(self._unknown(use, f"{use.owner}.{use.name}", [f"{use.owner}.{n}" for n in known]))
            elif use.owner == "attendee" and not use.name:
                continue
            elif (index := self._index(use, columns)) is None:
                if not use.guarded:
                    choices = [*columns.placeholders, *TAKEN] if use.owner is None else list(columns.headers)
                    problems.append(self._unknown(use, use.name, choices))
            elif index in columns.internal:
                header = columns.headers[index]
                problems.append(
                    Problem(
                        "error",
                        "internal-column",
                        f"The wording uses the column “{header}”, which is marked internal and must not leave.",
                        file=self.shown,
                        line=use.line,
                        column=header,
                        value=use.name,
                        hint="Take it out of the wording, or out of `internal` in the event file.",
                    )
                )
            elif squash(columns.headers[index]) in columns.duplicates:
                header = columns.headers[index]
                problems.append(
                    Problem(
                        "error",
                        "duplicate-column",
                        f"The wording uses the column “{header}”, which the file has twice.",
                        file=self.shown,
                        line=use.line,
                        column=header,
                        value=use.name,
                        hint="Rename or remove one of the two columns.",
                    )
                )
        return list(dict.fromkeys(problems))

    def columns_used(self, columns: Columns) -> frozenset[int]:
        """Which columns of a file the wording can reach: all that are not internal where it picks them by itself."""
        if self._dynamic:
            return frozenset(range(len(columns.headers))) - columns.internal
        found = (self._index(use, columns) for use in self.uses if use.owner in (None, "attendee"))
        return frozenset(index for index in found if index is not None)

    def binding(self, columns: Columns) -> tuple[tuple[str, int], ...]:
        """The bare names that the wording uses and the cell that each one means."""
        names = {use.name for use in self.uses if use.owner is None} - TAKEN
        found = ((name, _lookup(name, columns)) for name in sorted(names))
        return tuple((name, index) for name, index in found if index is not None and index not in columns.internal)

    @property
    def uses_attendee(self) -> bool:
        return any(use.owner == "attendee" for use in self.uses)

    @staticmethod
    def _index(use: Use, columns: Columns) -> int | None:
        if use.owner is None:
            return _lookup(use.name, columns)
        return cell_index(use.name, columns)

    def _unknown(self, use: Use, name: str, choices: Iterable[str]) -> Problem:
        choices = list(choices)
        near = get_close_matches(name, choices, 1, 0.5) or get_close_matches(
            squash(name), [c for c in choices if squash(c)], 1, 0.5
        )
        hint = f"Did you mean {near[0]}?" if near else f"There are {', '.join(sorted(choices)[:20])}."
        return Problem(
            "error",
            "unknown-placeholder",
            f"The wording uses {{{{ {one_line(name)} }}}}, and there is no such column.",
            file=self.shown,
            line=use.line,
            value=name,
            hint=hint,
        )

    def _find_uses(self) -> Iterator[Use]:
        for tree, offset in self._trees:
            free = find_undeclared_variables(tree) | {"attendee"}
            guarded = set(_guarded(tree))
            owned: set[int] = set()
            found_here: list[nodes.Getattr | nodes.Getitem] = [
                *tree.find_all(nodes.Getattr),
                *tree.find_all(nodes.Getitem),
            ]
            for node in found_here:
                owner = node.node
                if not isinstance(owner, nodes.Name) or owner.name not in ("attendee", "event", "organizer"):
                    continue
                owned.add(id(owner))
                key = node.attr if isinstance(node, nodes.Getattr) else node.arg
                name = key.value if isinstance(key, nodes.Const) else key if isinstance(key, str) else ""
                line = node.lineno + offset
                yield Use(owner.name, str(name), line, (owner.name, str(name)) in guarded)
            for found in tree.find_all(nodes.Name):
                if found.ctx != "load" or found.name not in free or id(found) in owned:
                    continue
                line = found.lineno + offset
                if found.name == "attendee":
                    yield Use("attendee", "", line, False)
                elif found.name not in TAKEN and found.name != "subject":
                    yield Use(None, found.name, line, (None, found.name) in guarded)


def cell_index(header: str, columns: Columns) -> int | None:
    """The column whose header is spelled so, or else reads so."""
    if header in columns.headers:
        return columns.headers.index(header)
    wanted = squash(header)
    return next((i for i, h in enumerate(columns.headers) if wanted and squash(h) == wanted), None)


def cells(attendee: Attendee, noted: list[str]) -> "_Cells":
    """`attendee["T shirt"]`: every column that is not internal, by its header."""
    return _Cells(attendee, noted)


class _Cells(dict[str, Any]):
    def __init__(self, attendee: Attendee, noted: list[str]) -> None:
        columns = attendee.columns
        super().__init__(
            (header, cell if cell.strip() else Blank(header, noted))
            for i, (header, cell) in enumerate(zip(columns.headers, attendee.cells, strict=False))
            if i not in columns.internal
        )
        self._columns = columns

    def __missing__(self, header: str) -> Any:
        index = cell_index(header, self._columns)
        if index is None or index in self._columns.internal:
            raise KeyError(header)
        return self[self._columns.headers[index]]


def _lookup(name: str, columns: Columns) -> int | None:
    if name in columns.placeholders:
        return columns.placeholders[name]
    wanted = squash(name)
    return next((i for n, i in columns.placeholders.items() if squash(n) == wanted), None)


def load(name: str, folder: Path, subject: str | None) -> Wording:
    """The wording called `name`: a path, `templates/NAME.md` in the event folder, or one that ships.

    InputError where there is none, it cannot be read, or it is no template (`bad-template`, with its line).
    """
    path = _find(name, folder)
    override = path.with_name(path.name.removesuffix(".md") + ".html.j2")
    own_layout = folder / "templates" / "layout.html.j2"
    layout = own_layout if own_layout.exists() else data.templates() / "layout.html.j2"
    return Wording(
        _shown(path, folder),
        _read(path),
        subject,
        _read(layout),
        _read(override) if override.exists() and override.name != layout.name else None,
    )


def _find(name: str, folder: Path) -> Path:
    if name.endswith(".md") or "/" in name or "\\" in name:
        choices = [folder / name, Path(name)]
    else:
        choices = [folder / "templates" / f"{name}.md", data.templates() / f"{name}.md"]
    for choice in choices:
        if choice.is_file():
            return choice
    known = sorted({p.stem for base in (folder / "templates", data.templates()) for p in base.glob("*.md")})
    near = get_close_matches(name, known, 1)
    hint = f"Did you mean {near[0]}?" if near else f"There are {', '.join(known)}."
    problem = Problem("error", "bad-template", f"There is no template “{one_line(name)}”.", value=name, hint=hint)
    raise InputError(problem.message, hint=hint, code="bad-template", problems=[problem])


def _shown(path: Path, folder: Path) -> str:
    return str(path.relative_to(folder)) if path.is_relative_to(folder) else path.name


def _read(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except (OSError, UnicodeDecodeError) as error:
        why = "it is not UTF-8 text" if isinstance(error, UnicodeDecodeError) else error.strerror
        message = f"The template {path.name} cannot be read: {why}."
        raise InputError(
            message, code="bad-template", problems=[Problem("error", "bad-template", message, file=path.name)]
        ) from None


def _bad(shown: str, line: int | None, message: str, hint: str | None = None) -> InputError:
    words = message.rstrip(".")
    problem = Problem(
        "error", "bad-template", f"The template has a mistake: {words}.", file=shown, line=line, hint=hint
    )
    at = f" line {line}" if line else ""
    return InputError(f"{shown}{at}: {words}.", hint=hint, code="bad-template", problems=[problem])


def _split(shown: str, source: str, has_subject: bool) -> tuple[str, str, int]:
    """The subject, the body, and how many lines stand before the body."""
    first, _, rest = source.partition("\n")
    found = re.match(r"subject\s*:\s*(.*)", first, re.IGNORECASE)
    if found:
        return found.group(1).strip(), rest, 1
    if has_subject:
        return "", source, 0
    raise _bad(shown, 1, "the first line is not “subject: ...”", "Begin with a line “subject: Your invitation”.")


def _environment(autoescape: bool) -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        autoescape=autoescape,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_in_html if autoescape else None,
    )
    environment.globals.clear()
    environment.filters["link"] = _link
    environment.filters.pop("safe", None)
    return environment


def _in_html(value: Any) -> Any:
    """A value's own line breaks are line breaks in HTML as well."""
    if isinstance(value, Markup):
        return value
    text = str(value)
    return escape(text).replace("\n", Markup("<br>\n")) if "\n" in text else text


def _link(value: str) -> Markup:
    """The address of a link made from values, or WordingError where it is not http, https or mailto."""
    target = html.unescape(str(value)).strip()
    if not target.lower().startswith(_LINK_SCHEMES) or re.search(r"[\s<>\"]", target):
        raise ValueError(f"“{one_line(target)[:80]}” is not a web link: it must begin with https://")
    return escape(target)


def _guarded(tree: nodes.Template) -> Iterator[tuple[str | None, str]]:
    """What the template says may be absent: `x | default(...)`, `x is defined`."""
    for node in tree.find_all((nodes.Filter, nodes.Test)):
        wanted = ("default", "d") if isinstance(node, nodes.Filter) else ("defined", "undefined")
        if node.name not in wanted:
            continue
        target = node.node
        if isinstance(target, nodes.Name):
            yield None, target.name
        elif isinstance(target, nodes.Getattr) and isinstance(target.node, nodes.Name):
            yield target.node.name, target.attr
        elif isinstance(target, nodes.Getitem) and isinstance(target.node, nodes.Name):
            yield target.node.name, str(target.arg.value) if isinstance(target.arg, nodes.Const) else ""


class _Protected:
    """A source whose Jinja2 parts are words of letters and digits, which Markdown leaves alone everywhere."""

    def __init__(self, source: str) -> None:
        self._parts: list[str] = []
        self._mark = "jq"
        while self._mark in source:
            self._mark += "q"
        out, part, closing = [], "", ""
        # Plain settings: an environment that trims would take away the indentation that makes a list a list.
        for _, kind, value in Environment(keep_trailing_newline=True).lexer.tokeniter(source + "\n", None):  # noqa: S701
            if closing:
                part += value
                if kind == closing:
                    out.append(self._word(part, statement=closing != "variable_end"))
                    closing = ""
            elif kind in ("variable_begin", "block_begin", "comment_begin", "raw_begin"):
                part, closing = value, kind.replace("_begin", "_end")
            else:
                out.append(value)
        self.source = "".join(out)

    def _word(self, part: str, *, statement: bool) -> str:
        # The same part is the same word, so that a link whose label is its address is seen to be one.
        if part not in self._parts:
            self._parts.append(part)
        return f"{self._mark}{'s' if statement else 'e'}{self._parts.index(part)}z"

    def restore(self, rendered: str) -> str:
        return re.sub(rf"{self._mark}[se](\d+)z", lambda found: self._parts[int(found.group(1))], rendered)


_STATEMENTS = re.compile(r"\s*(?:jq+s\d+z\s*)+")


def _markdown() -> MarkdownIt:
    """CommonMark with tables; a line end is a line break, as the organiser typed it; no raw HTML."""
    parser = MarkdownIt("commonmark", {"html": False, "breaks": True}).enable("table")
    parser.block.ruler.before(
        "table", "statement", _statement_rule, {"alt": ["paragraph", "reference", "blockquote", "list", "table"]}
    )
    return parser


def _statement_rule(state: StateBlock, line: int, _end: int, silent: bool) -> bool:
    """A line that holds only Jinja2 statements is a block of its own, and no paragraph."""
    text = state.src[state.bMarks[line] + state.tShift[line] : state.eMarks[line]]
    if not _STATEMENTS.fullmatch(text):
        return False
    if not silent:
        state.push("statement", "", 0).content = text
        state.line = line + 1
    return True


class _Html(RendererHTML):
    """Markdown's own HTML, with links made from values checked when they are filled in."""

    def link_open(self, tokens: Sequence[Token], index: int, *_: Any) -> str:
        target = html.escape(str(tokens[index].attrs.get("href", "")))
        return f'<a href="{{% filter link %}}{target}{{% endfilter %}}">' if "jq" in target else f'<a href="{target}">'

    def statement(self, tokens: Sequence[Token], index: int, *_: Any) -> str:
        return tokens[index].content + "\n"

    def image(self, tokens: Sequence[Token], index: int, *_: Any) -> str:
        # A picture would be fetched from somewhere, which tells somebody that the message was read.
        return html.escape(tokens[index].content)


def _as_html(tokens: Sequence[Token]) -> str:
    return str(_Html().render(tokens, MarkdownIt("commonmark", {"breaks": True}).options, {}))


def _as_text(tokens: Sequence[Token]) -> str:
    """The same tokens as plain text: blocks an empty line apart, lists with their marks, links with their address."""
    return "\n\n".join(_text_blocks(iter(tokens))).strip() + "\n"


def _text_blocks(tokens: Iterator[Token], until: str = "") -> Iterator[str]:
    for token in tokens:
        kind = token.type
        if kind == until:
            return
        if kind == "inline":
            yield _text_inline(token.children or [])
        elif kind in ("bullet_list_open", "ordered_list_open"):
            yield _text_list(tokens, token)
        elif kind == "blockquote_open":
            quoted = "\n\n".join(_text_blocks(tokens, "blockquote_close"))
            yield "\n".join(f"> {line}".rstrip() for line in quoted.split("\n"))
        elif kind == "table_open":
            yield _text_table(tokens)
        elif kind in ("fence", "code_block"):
            yield token.content.rstrip("\n")
        elif kind == "hr":
            yield "-" * 40
        elif kind == "statement":
            yield token.content


def _text_list(tokens: Iterator[Token], opening: Token) -> str:
    number = int(opening.attrs.get("start", 1)) if opening.type == "ordered_list_open" else None
    closing = opening.type.replace("open", "close")
    items = []
    for token in tokens:
        if token.type == closing:
            break
        if token.type == "list_item_open":
            mark = "- " if number is None else f"{number}. "
            number = None if number is None else number + 1
            body = "\n".join(_text_blocks(tokens, "list_item_close"))
            items.append(mark + body.replace("\n", "\n" + " " * len(mark)))
    return "\n".join(items)


def _text_table(tokens: Iterator[Token]) -> str:
    rows: list[list[str]] = []
    for token in tokens:
        if token.type == "table_close":
            break
        if token.type == "tr_open":
            rows.append([])
        elif token.type == "inline":
            rows[-1].append(_text_inline(token.children or []))
    return "\n".join("  |  ".join(row) for row in rows)


def _text_inline(tokens: Sequence[Token]) -> str:
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
            shown = target.removeprefix("mailto:")
            if label not in (target, shown):
                out.append(f" ({shown})" if label else shown)
        elif token.type == "image":
            out.append(token.content)
    return "".join(out)
