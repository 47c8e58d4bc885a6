"""The wording: one Markdown and Jinja2 file, compiled once into the subject, the text and the HTML of every message."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path
from traceback import walk_tb
from typing import Any

from jinja2 import TemplateError, TemplateSyntaxError, UndefinedError
from markupsafe import Markup

from tui import data, files
from tui.attendees import Columns, squash
from tui.clean import body_text, one_line
from tui.errors import InputError, Problem
from tui.invitation.budget import STEPS, Endless
from tui.invitation.markdown import compile_markdown
from tui.invitation.markup import compile_markup
from tui.invitation.placeholders import Use, are_only_printed, has_words, own_names, uses
from tui.invitation.sandbox import Environment, cell_index, render
from tui.invitation.styles import inline_styles

EVENT_NAMES = (
    *("title", "start", "end", "when", "location", "join_url", "description", "timezone", "session", "session_title"),
    "reply_by",
)
ORGANIZER_NAMES = ("name", "email", "note")
TAKEN = frozenset({"event", "organizer", "changes", "attendee", "name", "email"})
_COLUMNLESS = TAKEN - {"name"}
# What a layout and NAME.html.j2 know besides; in the wording itself these are columns like any other.
_OF_A_PAGE = _COLUMNLESS | {"subject", "language", "direction", "action"}
_SAME_FOR_ALL = frozenset({"event", "organizer", "changes"})
_SAME_ON_EVERY_PAGE = _SAME_FOR_ALL | {"language", "direction", "action"}
# What a template can bring about with a value that it did not expect.
_FAULTS = (
    *(TemplateError, ArithmeticError, ValueError, TypeError, LookupError, AttributeError),
    *(RecursionError, MemoryError),
)
_FAULTS_OF_CONSTANTS = (TemplateError, ArithmeticError, ValueError, TypeError, LookupError, AttributeError)
_FEW_STEPS = 2_000
_ENDLESS_HINT = "Look for a loop within a loop, a macro that calls itself, or a very large number."
_GAPS = re.compile(r"\n(?:[ \t]*\n){2,}")


class MissingValues(Exception):
    """Placeholders that are blank for one attendee: their names as the wording spells them."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(", ".join(names))
        self.names = tuple(dict.fromkeys(names))


class WordingError(Exception):
    """The wording cannot be filled in: what is wrong, in words, with the place in the template where it is known."""


class EndlessWording(WordingError):
    """The wording does not come to an end, whoever it is filled in for."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Source:
    """A part of the wording: the file that it is from (None: the event's), its text, and the line where that begins."""

    file: str | None
    text: str
    first_line: int = 1


@dataclass(frozen=True, slots=True)
class Filled:
    """The wording for one attendee. `text` has LF line ends."""

    subject: str
    text: str
    html: str


_OTHER_PLACEHOLDERS = re.compile(
    r"(?<![{%#])\{\s*([^\W\d][\w .-]*?)\s*\}(?![}%#])|<<\s*([\w .-]+?)\s*>>|«\s*([\w .-]+?)\s*»"
)


class Wording:
    """A template, compiled. `shown` names its file, `sources` is everything that its bytes depend on."""

    def __init__(self, template: Source, subject: str | None, layout: Source, override: Source | None) -> None:
        """`subject` wins over the template's; `override` is NAME.html.j2. InputError (`bad-template`) with the line."""
        self.shown = template.file or ""
        self.sources = (template.text, subject or "", layout.text, override.text if override else "")
        own_subject, body = _split(template, subject is not None)
        plain, page = Environment(html=False), Environment(html=True)
        title = own_subject if subject is None else Source(None, subject)
        found: list[Use] = []
        with _mistakes_in(title):
            found += uses(plain.understand(title.text), _COLUMNLESS, title.file, title.first_line)
            self._subject = plain.from_string(title.text)
        with _mistakes_in(body):
            tree = plain.understand(body.text)
            found += uses(tree, _COLUMNLESS, body.file, body.first_line)
            text, content = compile_markdown(body.text)
            self._text = plain.from_string(text)
            if not has_words(tree):
                hint = "Write the message under the subject, with an empty line between."
                raise _bad(body, body.first_line, "it has no text", hint)
        around = override or layout
        with _mistakes_in(around):
            asked = list(uses(page.understand(around.text), _OF_A_PAGE, around.file, around.first_line))
            found += asked if override else (use for use in asked if use.name != "content")
            markup, content = inline_styles(compile_markup(around.text), "" if override else content)
            self._page = page.from_string(markup)
        with _mistakes_in(body):
            self._content = page.from_string(content)
        if override is None and not any(use.name == "content" and not use.owner for use in asked):
            raise _bad(layout, None, "it has no {{ content }}, so nothing of the wording would be in it")
        subject_tree = plain.parse(title.text)
        on_page = _SAME_ON_EVERY_PAGE if own_names(subject_tree, _SAME_FOR_ALL) else _SAME_ON_EVERY_PAGE | {"subject"}
        self.only_prints = (
            all(are_only_printed(one, _SAME_FOR_ALL) for one in (subject_tree, plain.parse(text), page.parse(content)))
            # What the wording says stands in `content`.
            and are_only_printed(page.parse(markup), on_page)
        )
        """Whether people's own values are printed as they stand, and nothing else is done with them."""
        self._has_content = override is None
        self._written = {"subject": title, "body": body, "page": around}
        self._steps = STEPS
        self.uses = tuple(found)

    @classmethod
    def of(cls, sources: Sequence[str]) -> "Wording":
        """The wording that has these `sources`. InputError where they are none."""
        template, subject, layout, override = sources
        page = Source("page.html.j2", override) if override else None
        return cls(Source("wording.md", template), subject or None, Source("layout.html.j2", layout), page)

    @property
    def words(self) -> str:
        """The template's own text, for telling a value of a column from the wording's words."""
        return " ".join(self.sources)

    @property
    def uses_attendee(self) -> bool:
        return any(use.owner == "attendee" for use in self.uses)

    def fill(self, context: dict[str, Any], about: Mapping[str, str], noted: list[str]) -> Filled:
        """The wording with `context` filled in; `noted` is the list that the context's Blanks write to.

        `about` is what only the page knows: `language`, `direction` (ltr, rtl) and `action`.

        MissingValues where a blank was used; WordingError where a value cannot be used so.
        """
        part, steps = "subject", self._steps
        try:
            subject = one_line(render(self._subject, context, steps))
            part = "body"
            text = render(self._text, context, steps)
            page = {**context, **about, "subject": subject}
            if self._has_content:
                content = render(self._content, context, steps)
                page["content"] = Markup(content.replace("<p></p>\n", ""))  # noqa: S704  # ours
            part = "page"
            html = render(self._page, page, steps)
        except _FAULTS as error:
            if noted:
                raise MissingValues(noted) from None
            raise self._fault(error, part, {**context, **about, "subject": "", "content": ""}) from None
        if noted:
            raise MissingValues(noted)
        if not subject:
            raise WordingError("the subject is empty")
        if "\r" in text or "\r" in html:  # values come clean, but a template may spell one
            text, html = body_text(text), body_text(html)
        return Filled(subject, _GAPS.sub("\n\n", text).strip() + "\n", html)

    def _fault(self, error: Exception, part: str, context: dict[str, Any]) -> WordingError:
        """The error in words. Its line is that of the part as it was written, which fails in the same way."""
        source = self._written[part]
        is_endless = isinstance(error, Endless | RecursionError | MemoryError)
        # It was seen for one attendee; the other thousands are not worth the same wait.
        steps, self._steps = self._steps, _FEW_STEPS if is_endless else self._steps
        line = _line_of_fault(source, part == "page", context, steps)
        words = _in_words(error)
        if is_endless:
            return EndlessWording(_bad(source, line, words, _ENDLESS_HINT).problems[0])
        where = "[message] subject" if source.file is None else f"{source.file}{f' line {line}' if line else ''}"
        return WordingError(f"{where}: {words}")

    def check(self, columns: Columns) -> list[Problem]:
        """What is wrong with the placeholders, given one file's columns; file and line are the template's."""
        problems = []
        for use in self.uses:
            if use.owner in ("event", "organizer"):
                known = EVENT_NAMES if use.owner == "event" else ORGANIZER_NAMES
                if use.name and use.name not in known and not use.guarded:
                    names = [f"{use.owner}.{name}" for name in known]
                    problems.append(_unknown(use, f"{use.owner}.{use.name}", names))
            elif (use.owner, use.name) == ("", "name"):
                # No internal column is anybody's name; but one may be called so.
                index = _lookup("name", columns)
                if not columns.name and index in columns.internal:
                    problems.append(_internal(use, columns.headers[index]))
            elif not use.is_whole_row or self._index(use, columns) is not None:
                problems.extend(self._check_column(use, columns))
        problems.extend(self._other_programs_placeholders(columns))
        return list(dict.fromkeys(problems))

    def _other_programs_placeholders(self, columns: Columns) -> Iterator[Problem]:
        """`{name}` or `<<Name>>`, as other mail merges have it, would be sent to everybody as it stands."""
        known = {squash(name): name for name in (*TAKEN, *columns.placeholders)}
        for found in _OTHER_PLACEHOLDERS.finditer(self.sources[0]):
            name = known.get(squash(next(filter(None, found.groups()))))
            if name:
                line = self.sources[0].count("\n", 0, found.start()) + 1
                message = f"“{found[0]}” is no placeholder here and would be sent as it stands."
                hint = f"Write {{{{ {name} }}}}."
                yield Problem("error", "unknown-placeholder", message, self.shown, line, None, found[0], hint)

    def _check_column(self, use: Use, columns: Columns) -> Iterator[Problem]:
        index = self._index(use, columns)
        if index is None:
            if not use.guarded:
                yield _unknown(use, use.name, columns.headers if use.owner else [*columns.placeholders, *TAKEN])
            return
        header = columns.headers[index]
        if index in columns.internal:
            yield _internal(use, header)
        elif squash(header) in columns.duplicates:
            message = f"The wording uses the column “{header}”, which the file has twice."
            hint = "Rename or remove one of the two columns."
            yield Problem("error", "duplicate-column", message, use.file, use.line, header, use.name, hint)

    def columns_used(self, columns: Columns) -> frozenset[int]:
        """Which columns of a file the wording can reach: all that are not internal where it picks them by itself."""
        if any(use.is_whole_row for use in self.uses):
            return frozenset(range(len(columns.headers))) - columns.internal
        return self.columns_named(columns)

    def columns_named(self, columns: Columns) -> frozenset[int]:
        """The columns that the wording calls by their names."""
        found = (self._index(use, columns) for use in self.uses if use.owner in ("", "attendee"))
        return frozenset(index for index in found if index is not None)

    def binding(self, columns: Columns) -> tuple[tuple[str, int], ...]:
        """The bare names that the wording uses and the cell that each one means."""
        names = {use.name for use in self.uses if not use.owner} - TAKEN
        found = ((name, _lookup(name, columns)) for name in sorted(names))
        return tuple((name, index) for name, index in found if index is not None and index not in columns.internal)

    @staticmethod
    def _index(use: Use, columns: Columns) -> int | None:
        if use.owner:
            return cell_index(use.name, columns)
        return _lookup(use.name, columns) if use.name != "name" else None


def _lookup(name: str, columns: Columns) -> int | None:
    if name in columns.placeholders:
        return columns.placeholders[name]
    wanted = squash(name)
    return next((i for n, i in columns.placeholders.items() if squash(n) == wanted), None)


def _internal(use: Use, header: str) -> Problem:
    message = f"The wording uses the column “{header}”, which is marked internal and must not leave."
    hint = "Take it out of the wording, or out of `internal` in the event file."
    return Problem("error", "internal-column", message, use.file, use.line, header, use.name, hint)


def _unknown(use: Use, name: str, choices: Iterable[str]) -> Problem:
    spelled = {squash(choice): choice for choice in choices if choice}
    near = get_close_matches(name, spelled.values(), 1, 0.5) or get_close_matches(squash(name), spelled, 1, 0.5)
    hint = (
        f"Did you mean {spelled.get(near[0], near[0])}?"
        if near
        else f"There are {', '.join(sorted(spelled.values())[:20])}."
    )
    message = f"The wording uses {{{{ {one_line(name)} }}}}, and there is no such column."
    return Problem("error", "unknown-placeholder", message, use.file, use.line, None, name, hint)


def _line_of_fault(source: Source, is_html: bool, context: dict[str, Any], steps: int) -> int | None:
    template = Environment(html=is_html).from_string(source.text)
    try:
        render(template, context, steps)
    except _FAULTS as error:
        own = [
            line
            for code, line in walk_tb(error.__traceback__)
            if code.f_globals is template.root_render_func.__globals__
        ]
        return template.get_corresponding_lineno(own[-1]) + source.first_line - 1 if own else None
    return None


def _in_words(error: Exception) -> str:
    if isinstance(error, UndefinedError):
        return re.sub(r"^'[^']*' has no attribute", "there is no", error.message or "")
    if isinstance(error, RecursionError | MemoryError):
        return "it grows without end"
    return one_line(str(error)).rstrip(".") or type(error).__name__


def load(name: str, folder: Path, subject: str | None) -> Wording:
    """The wording called `name`: a path, `templates/NAME.md` in the event folder, or one that ships.

    InputError where there is none, it cannot be read, or it is no template (`bad-template`, with its line).
    """
    path = _find(name, folder)
    _check_alone(name, path, folder)
    override = path.with_name(path.name.removesuffix(".md") + ".html.j2")
    own_layout = folder / "templates" / "layout.html.j2"
    layout = own_layout if own_layout.exists() else data.templates() / "layout.html.j2"
    own_page = _read(override, folder) if override.exists() and override.name != layout.name else None
    # One of its own: a wording remembers what it was found to be endless with.
    return copy(_compiled(_read(path, folder), subject, _read(layout, folder), own_page))


@lru_cache(maxsize=16)
def _compiled(template: Source, subject: str | None, layout: Source, override: Source | None) -> Wording:
    """Kept: a folder that is open is read again after each change, and its wordings are mostly what they were."""
    return Wording(template, subject, layout, override)


def _check_alone(name: str, path: Path | None, folder: Path) -> None:
    """InputError where there is a NAME.html.j2 that nothing would be made of: its NAME.md is missing."""
    stem = Path(name).name.removesuffix(".md")
    page = (folder / name).parent / f"{stem}.html.j2" if _is_path(name) else folder / "templates" / f"{stem}.html.j2"
    if not page.is_file() or (path is not None and path.parent.resolve() == page.parent.resolve()):
        return
    message = f"{stem}.md is missing: {page.name} alone makes no text for those who read none of the HTML."
    hint = f"Write {stem}.md beside it, or rename {page.name} if it is not in use."
    shown = str(page.relative_to(folder)) if page.is_relative_to(folder) else page.name
    problem = Problem("error", "bad-template", message, shown, hint=hint)
    raise InputError(message, hint=hint, code="bad-template", problems=[problem])


def _is_path(name: str) -> bool:
    return name.endswith(".md") or "/" in name or "\\" in name


def _find(name: str, folder: Path) -> Path:
    if _is_path(name):
        choices = [folder / name, Path(name)]
    else:
        choices = [folder / "templates" / f"{name}.md", data.templates() / f"{name}.md"]
    for choice in choices:
        if choice.is_file():
            return choice
    _check_alone(name, None, folder)
    known = sorted({p.stem for base in (folder / "templates", data.templates()) for p in base.glob("*.md")})
    near = get_close_matches(name, known, 1)
    hint = f"Did you mean {near[0]}?" if near else f"There are {', '.join(known)}."
    problem = Problem("error", "bad-template", f"There is no template “{one_line(name)}”.", value=name, hint=hint)
    raise InputError(problem.message, hint=hint, code="bad-template", problems=[problem])


def _read(path: Path, folder: Path) -> Source:
    try:
        text = body_text(files.read(path).decode("utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        why = "it is not UTF-8 text" if isinstance(error, UnicodeDecodeError) else error.strerror
        message = f"The template {path.name} cannot be read: {why}."
        raise InputError(
            message, code="bad-template", problems=[Problem("error", "bad-template", message, file=path.name)]
        ) from None
    return Source(str(path.relative_to(folder)) if path.is_relative_to(folder) else path.name, text)


def _bad(source: Source, line: int | None, message: str, hint: str | None = None) -> InputError:
    words = one_line(message).rstrip(".")
    file = source.file
    if file is None:
        words, line = f"[message] subject: {words}", None
    problem = Problem("error", "bad-template", f"The template has a mistake: {words}.", file, line, hint=hint)
    at = f"{file or ''}{f' line {line}' if line else ''}"
    return InputError(f"{at}: {words}." if at else f"{words}.", hint=hint, code="bad-template", problems=[problem])


_HINTS: Mapping[str, str] = {
    "one line with a statement": "Write {% ... %}, the item or row, and {% end... %} each on a line of its own.",
    "end of print statement": 'A placeholder is one name: {{ full_name }}, or {{ attendee["Full name"] }}.',
    "end of template": "A {{ or {% is not closed, or an {% if %} has no {% endif %}.",
    "unexpected '}'": "A placeholder begins with {{ and ends with }}.",
    "looking for the following tags": "Each {% if %} ends with {% endif %}, each {% for %} with {% endfor %}.",
    "Encountered unknown tag": "Only {% if %}, {% for %} and {% set %} are known.",
}
"""What to do about Jinja2's own words."""


@contextmanager
def _mistakes_in(source: Source) -> Iterator[None]:
    """Turns what Jinja2 and Markdown have against a source into an InputError with the line of its file."""
    try:
        yield
    except TemplateSyntaxError as error:
        said = error.message or ""
        hint = next((hint for words, hint in _HINTS.items() if words in said), None)
        raise _bad(source, error.lineno + source.first_line - 1, said, hint) from None
    except _FAULTS_OF_CONSTANTS as error:  # what is the same for everybody is worked out at once
        raise _bad(source, None, one_line(str(error)) or "a value in it cannot be worked out") from None
    except (RecursionError, MemoryError, SyntaxError):  # Python's, about what Jinja2 makes of it
        raise _bad(source, None, "it is nested too deeply") from None


def _split(template: Source, has_subject: bool) -> tuple[Source, Source]:
    """The subject and the body."""
    first, _, rest = template.text.partition("\n")
    found = re.match(r"subject\s*:\s*(.*)", first, re.IGNORECASE)
    hint = "Begin with a line “subject: Your invitation”."
    if not found and not has_subject:
        raise _bad(template, 1, "the first line is not “subject: ...”", hint)
    if found and not found[1].strip() and not has_subject:
        raise _bad(template, 1, "the subject is empty", hint)
    if not found:
        return Source(template.file, ""), template
    return Source(template.file, found[1].strip()), Source(template.file, rest, 2)
