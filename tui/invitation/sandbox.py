"""The wall around a template: what it can reach of an attendee, what it can do, and what it can print."""

import html
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import count
from typing import Any

from jinja2 import StrictUndefined, Template, Undefined, nodes, pass_context
from jinja2.exceptions import TemplateSyntaxError
from jinja2.runtime import Context, markup_join, str_join
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup, escape

from tui.attendees import Attendee, Columns, squash
from tui.clean import one_line
from tui.invitation.budget import LONGEST_RANGE, METHODS_OF_TEXT, STEPS, Budget, charged, separate

LINK_SCHEMES = ("http:", "https:", "mailto:")
# `safe`, `xmlattr` and `urlize` make markup of a value, `forceescape` escapes twice, `random` is new each time, and
# `pprint` and `tojson` are for programmers.
_NO_FILTERS = ("safe", "xmlattr", "urlize", "forceescape", "random", "pprint", "tojson")
_REFUSED: Mapping[type[nodes.Node], str] = {
    nodes.Include: "a template cannot include another file",
    nodes.Import: "a template cannot import another file",
    nodes.FromImport: "a template cannot import another file",
    nodes.Extends: "a template cannot extend another file",
    nodes.EvalContextModifier: "what is a value and what is markup cannot be changed ({% autoescape %})",
    nodes.FilterBlock: "{% filter %} would change the markup too: write {{ value | filter }}",
}


_FREE_FILTERS = frozenset({"default", "d"})
_METHODS = frozenset({"count", "get", "index", "is_integer", "items", "keys", "values"})
"""Of numbers and lists: the others change them, or make bytes of them."""


class _Context(Context):
    """The values of one rendering, and what it may still do: `render` says how much that is."""

    budget: Budget

    def derived(self, locals: dict[str, Any] | None = None) -> Context:  # noqa: A002  # Jinja2's name
        made = super().derived(locals)
        made.budget = self.budget  # type: ignore[attr-defined]  # it is one of these
        return made


class Blank(Undefined):
    """A column or a fact that exists but is empty: false, `is not defined`, and noted down where it is used."""

    __slots__ = ("_noted",)

    def __init__(self, name: str, noted: list[str]) -> None:
        super().__init__(name=name)
        self._noted = noted

    @property
    def _undefined_message(self) -> str:
        # Jinja2 asks for it when something is done with the value that only a value can do.
        self._noted.append(self._undefined_name or "")
        return f"{self._undefined_name} is blank"

    def __str__(self) -> str:
        self._noted.append(self._undefined_name or "")
        return ""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Blank) or other == ""

    def __hash__(self) -> int:
        return hash("")


class Facts(dict[str, Any]):
    """`event` and `organizer`: each fact by its name. Of no use as a whole."""

    def __str__(self) -> str:
        raise TypeError(f"write which part is meant: {', '.join(self)}")


class Cells(Mapping[str, Any]):
    """`attendee`: every cell that is not internal, by its header in any spelling. Nothing else is in it."""

    def __init__(self, attendee: Attendee, noted: list[str]) -> None:
        columns = attendee.columns
        self._columns = columns
        self._cells = {
            header: cell if cell.strip() else Blank(header, noted)
            for i, (header, cell) in enumerate(zip(columns.headers, attendee.cells, strict=False))
            if i not in columns.internal and header
        }

    def __getitem__(self, header: str) -> Any:
        index = cell_index(str(header), self._columns)
        if index is None or index in self._columns.internal:
            raise KeyError(header)
        return self._cells[self._columns.headers[index]]

    def __iter__(self) -> Iterator[str]:
        return iter(self._cells)

    def __len__(self) -> int:
        return len(self._cells)

    def __str__(self) -> str:
        raise TypeError('write which column is meant: attendee["..."]')


def cell_index(header: str, columns: Columns) -> int | None:
    """The column whose header is spelled so, or else reads so."""
    if header in columns.headers:
        return columns.headers.index(header) if header else None
    return columns.by_header.get(squash(header))


class Environment(ImmutableSandboxedEnvironment):
    """Jinja2 without files, globals, and what makes markup of a value; strict about names and about what it prints."""

    intercepted_binops = frozenset({"+", "*", "**", "%"})
    context_class = _Context

    def __init__(self, *, html: bool) -> None:
        super().__init__(
            autoescape=html,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            finalize=_printed_in_html if html else _printed,
            # What is worked out when a template is compiled would not be paid for.
            optimized=False,
        )
        self.globals.clear()
        for name in _NO_FILTERS:
            del self.filters[name]
        if not html:
            # Out of habit people write it for HTML's sake; in plain text there is nothing to escape.
            self.filters["e"] = self.filters["escape"] = str
        for name in self.filters.keys() - _FREE_FILTERS:
            self.filters[name] = _paid(name, self.filters[name])
        self.filters |= {"_link": link, "_count": _counter}
        self.filters |= {"_charge": _charge, "_weighed": _weighed, "_concat": _concat_html if html else _concat}

    def understand(self, source: str) -> nodes.Template:
        """The source's tree. TemplateSyntaxError with its line where it is wrong, or asks for what is not to be had."""
        tree = self.parse(source)
        for node in tree.find_all(nodes.Node):
            for kind, why in _REFUSED.items():
                if isinstance(node, kind):
                    raise TemplateSyntaxError(why, node.lineno)
            if isinstance(node, nodes.For) and node.recursive:
                raise TemplateSyntaxError("a loop cannot call itself ({% for ... recursive %})", node.lineno)
            if isinstance(node, nodes.AssignBlock) and node.filter is not None:
                raise TemplateSyntaxError("{% set %} ... {% endset %} takes no filter", node.lineno)
            # Jinja2 itself would not say so before it comes to it, where it stands within an {% if %}.
            if isinstance(node, nodes.Filter) and (node.name not in self.filters or node.name.startswith("_")):
                raise TemplateSyntaxError(f"there is no filter “{node.name}”", node.lineno)
            if isinstance(node, nodes.Test) and node.name not in self.tests:
                raise TemplateSyntaxError(f"there is no test “{node.name}”", node.lineno)
        return tree

    def getattr(self, obj: Any, attribute: str) -> Any:
        kind = type(obj)
        if kind is Facts:
            return obj[attribute] if attribute in obj else self.undefined(obj=obj, name=attribute)
        if kind is Cells:
            # A column may be called Items.
            if attribute in ("items", "keys", "values") and attribute not in obj:
                return getattr(obj, attribute)
            return self.getitem(obj, attribute)
        return super().getattr(obj, attribute)

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        if isinstance(obj, str):
            return attr in METHODS_OF_TEXT
        if isinstance(obj, int | float | list | tuple | dict | set | bytes | range):
            return attr in _METHODS
        return super().is_safe_attribute(obj, attr, value)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        _budget(context).operate(operator, left, right)
        return super().call_binop(context, operator, left, right)

    def call(self, context: Context, obj: Any, /, *args: Any, **kwargs: Any) -> Any:
        _budget(context).call(obj, args, kwargs)
        return super().call(context, obj, *args, **kwargs)

    @staticmethod
    def bounded_range(*args: int) -> range:
        found = range(*args)
        if len(found) > LONGEST_RANGE:
            raise TypeError(f"range has {len(found):,} numbers, and at most {LONGEST_RANGE:,} are of use")
        return found

    def _generate(
        self, source: nodes.Template, name: str | None, filename: str | None, defer_init: bool = False
    ) -> str:
        return super()._generate(charged(source), name, filename, defer_init)


def render(template: Template, context: dict[str, Any], steps: int = STEPS) -> str:
    """The template filled in. Endless where that takes more than `steps`."""
    # Shared: there are no globals to put into a copy of it.
    made = template.new_context(context, shared=True)
    made.budget = Budget(steps)  # type: ignore[attr-defined]  # context_class
    return "".join(template.root_render_func(made))


def _budget(context: Context) -> Budget:
    return context.budget  # type: ignore[attr-defined,no-any-return]  # context_class


def _paid(name: str, applied: Callable[..., Any]) -> Callable[..., Any]:
    """A filter of Jinja2's that is paid for."""
    wants = getattr(applied, "jinja_pass_arg", None)

    @pass_context
    def paid(context: Context, value: Any, *args: Any, **kwargs: Any) -> Any:
        budget = _budget(context)
        budget.filter(name, value, args, kwargs)
        match wants and wants.name:
            case "context":
                return budget.made(applied(context, value, *args, **kwargs))
            case "eval_context":
                return budget.made(applied(context.eval_ctx, value, *args, **kwargs))
            case "environment":
                return budget.made(applied(context.environment, value, *args, **kwargs))
        return budget.made(applied(value, *args, **kwargs))

    return paid


@pass_context
def _charge(context: Context, steps: int) -> bool:
    _budget(context).spend(steps)
    return True


@pass_context
def _weighed(context: Context, value: Any) -> Any:
    if type(value) is not str or len(value) >= 64:
        _budget(context).weigh(value)
    return value


@pass_context
def _concat(context: Context, parts: list[Any]) -> str:
    return str_join(separate(parts, _budget(context)))


@pass_context
def _concat_html(context: Context, parts: list[Any]) -> str:
    return markup_join(separate(parts, _budget(context)))


def link(value: str) -> Markup:
    """The address of a link made from values. ValueError where it is not http, https or mailto."""
    target = html.unescape(str(value)).strip()
    if not target.lower().startswith(LINK_SCHEMES) or re.search(r"[\s<>\"]", target):
        raise ValueError(f"“{one_line(target)[:80]}” is not a web link: it must begin with https://")
    return escape(target)


@pass_context
def _printed(context: Context, value: Any) -> Any:
    """What may stand in a message. TypeError for what has no words of its own: None, lists, methods."""
    if type(value) is str and len(value) < 64:
        return value
    spoken: object = type(value).__str__
    if spoken is not object.__str__ or isinstance(value, int | float):
        _budget(context).weigh(value)
        return value
    if isinstance(value, Iterable):
        raise TypeError('a placeholder gives a list: go through it with {% for %}, or write | join(", ")')
    raise TypeError("a placeholder gives no text: look for a missing () or a wrong name after a dot")


@pass_context
def _printed_in_html(context: Context, value: Any) -> Any:
    """The same; and a value's own line breaks are line breaks in HTML as well."""
    if type(value) is str and len(value) < 64 and "\n" not in value:
        return value
    if isinstance(value, Markup):
        _budget(context).weigh(value)
        return value
    text = str(_printed(context, value))
    return escape(text).replace("\n", Markup("<br>\n")) if "\n" in text else text


def _counter(start: int) -> Callable[[], int]:
    """For the numbers of a list of which nobody knows the length before it is filled in."""
    return count(start).__next__
