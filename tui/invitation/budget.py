"""How much a template may do: every rendering has a number of steps, and what it does is paid for before it is done.

No clock and no signal: the same template stops at the same place on every machine and in every thread. A step is about
a microsecond: a turn of a loop, a call, 64 characters made or looked at.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sized
from itertools import chain
from typing import Any

from jinja2 import nodes
from jinja2.exceptions import SecurityError
from jinja2.runtime import Macro
from jinja2.visitor import NodeTransformer

STEPS = 100_000
"""Of one rendering: about a tenth of a second. The wording that ships takes fewer than twenty."""


_OF_A_MACRO = 16
LONGEST_RANGE = 10_000


class Endless(SecurityError):
    """A template that does not come to an end, or makes more of something than any message holds."""

    def __init__(self) -> None:
        super().__init__("it grows without end, or takes far longer than a message should")


class Budget:
    """What is left to one rendering. Endless where something costs more than that."""

    __slots__ = ("left",)

    def __init__(self, steps: int) -> None:
        self.left = steps

    def spend(self, steps: int) -> None:
        self.left -= steps
        if self.left < 0:
            raise Endless

    def weigh(self, value: object) -> None:
        """Pays for looking at all of a value, and at all that is in it, as often as it is in it."""
        if isinstance(value, str | bytes):
            self.spend(len(value) >> 6)
        elif isinstance(value, int):
            self.spend(value.bit_length() >> 6)
        elif isinstance(value, list | tuple | set | frozenset | dict):
            pending = [value]
            while pending:
                inside = pending.pop()
                self.spend(1 + len(inside))
                for item in chain.from_iterable(inside.items()) if isinstance(inside, dict) else inside:
                    if isinstance(item, list | tuple | set | frozenset | dict):
                        pending.append(item)
                    elif isinstance(item, str):
                        self.spend(len(item) >> 6)
        elif isinstance(value, Sized) and not isinstance(value, Mapping):
            self.spend(len(value) >> 3)

    def counted(self, items: Iterator[Any]) -> Iterator[Any]:
        """The same items, each paid for when it comes."""
        for item in items:
            self.spend(1)
            self.weigh(item)
            yield item

    # --- what is made of values --------------------------------------------------------------------------------------

    def operate(self, operator: str, left: object, right: object) -> None:
        """Pays for `left operator right`."""
        if isinstance(left, int) and isinstance(right, int):
            one, other = left.bit_length(), right.bit_length()
            if operator == "**":
                self.spend((one * abs(right) >> 6) ** 2 >> 4)
            elif operator == "*":
                self.spend((one >> 6) * (other >> 6))
        elif operator == "%" and isinstance(left, str):
            self.format(left, right)
        elif operator == "*":
            for many, times in ((left, right), (right, left)):
                if isinstance(many, Sized) and isinstance(times, int):
                    self.spend(len(many) * max(times, 0) >> (6 if isinstance(many, str) else 3))
        else:
            self.weigh(left)
            self.weigh(right)

    def format(self, text: str, *values: object) -> None:
        """Pays for what a format makes of values, in either notation. Endless for a width that no line has."""
        if re.search(r"\d{4}|%[^%\w]*\*|\{[^{}]*\{[^{]", text):
            raise Endless
        before = self.left
        for value in values:
            self.weigh(value)
        fields = text.count("%") + text.count("{")
        self.spend((before - self.left + 16) * fields + (len(text) >> 6))

    def call(self, function: object, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        """Pays for calling a method of a text or a list, or anything else, with these arguments."""
        self.spend(_OF_A_MACRO if isinstance(function, Macro) else 1)
        function = getattr(function, "__wrapped__", function)  # str.format comes wrapped
        owner, name = getattr(function, "__self__", None), getattr(function, "__name__", "")
        for value in (owner, *args, *kwargs.values()):
            self.weigh(value)
        if not isinstance(owner, str):
            if name == "strftime" and args:
                self.format("%" * len(str(args[0])))
        elif name in _METHODS:
            self.spend(_METHODS[name](owner, *args, **kwargs) >> 6)
        elif name in ("format", "format_map"):
            self.format(owner, *args, *kwargs.values())

    def filter(self, name: str, value: object, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        """Pays for a filter, before it is applied."""
        self.spend(1)
        for one in (value, *args, *kwargs.values()):
            self.weigh(one)
        if name == "format":
            self.format(str(value), *args, *kwargs.values())
        elif name in _FILTERS:
            self.spend(_FILTERS[name](value, *args, **kwargs) >> 6)

    def made(self, value: Any) -> Any:
        """What a filter has made, paid for; what it makes only when asked is paid for then."""
        if isinstance(value, str):
            self.spend(len(value) >> 6)
        return self.counted(value) if isinstance(value, Iterator) else value


# --- how many characters, or what takes as long, comes of it; with the parameters of what is called -----------------


def _width(text: object, width: Any = 80, *_: Any, **__: Any) -> int:
    return len(str(text)) + abs(int(width))


def _replaced(text: object, old: Any, new: Any, *_: Any, **__: Any) -> int:
    return len(str(text)) + str(text).count(str(old)) * len(str(new))


def _joined_by(separator: str, items: Any) -> int:
    return (len(items) if isinstance(items, Sized) else LONGEST_RANGE) * len(separator)


def _joined(items: Any, d: Any = "", *_: Any, **__: Any) -> int:
    return _joined_by(str(d), items)


def _indented(text: object, width: Any = 4, *_: Any, **__: Any) -> int:
    return (str(text).count("\n") + 2) * (len(width) if isinstance(width, str) else abs(int(width)))


def _wrapped(text: object, width: Any = 79, _: Any = True, wrapstring: Any = None, *__: Any, **___: Any) -> int:
    # A long word is cut again and again, each time what is left of it.
    words = re.split(r"\s+", str(text))
    longest, lines = max(map(len, words)), len(str(text)) // max(int(width), 1) + str(text).count("\n") + 1
    return longest**2 // max(int(width), 1) + longest**2 // 64 + lines * (len(str(wrapstring or "")) + 64)


def _grouped(_: Any, *numbers: Any, **named: Any) -> int:
    return 64 * sum(abs(number) for number in (*numbers, *named.values()) if isinstance(number, int))


def _without_tags(text: object) -> int:
    # One after the other, each from a copy.
    return len(str(text)) * str(text).count("<") >> 4


def _rounded(_: object, precision: Any = 0, *__: Any, **___: Any) -> int:
    return (abs(int(precision)) * 4) ** 2 >> 6


def _summed(_: Any, __: Any = None, start: Any = 0, **___: Any) -> int:
    if not isinstance(start, int | float):
        raise TypeError("sum adds up numbers")
    return 0


def _split(text: str, *_: Any, **__: Any) -> int:
    return len(text) * 8


_FILTERS: Mapping[str, Callable[..., int]] = {
    "batch": _grouped,
    "center": _width,
    "indent": _indented,
    "join": _joined,
    "replace": _replaced,
    "round": _rounded,
    "slice": _grouped,
    "striptags": _without_tags,
    "sum": _summed,
    "wordwrap": _wrapped,
}
_METHODS: Mapping[str, Callable[..., int]] = {
    "center": _width,
    "join": _joined_by,
    "ljust": _width,
    "replace": _replaced,
    "rjust": _width,
    "rsplit": _split,
    "split": _split,
    "splitlines": _split,
    "zfill": _width,
}
METHODS_OF_TEXT = frozenset(
    {
        *_METHODS,
        *("capitalize", "casefold", "count", "endswith", "find", "format", "index", "isalnum", "isalpha", "isascii"),
        *("isdecimal", "isdigit", "islower", "isnumeric", "isprintable", "isspace", "istitle", "isupper", "lower"),
        *("lstrip", "partition", "removeprefix", "removesuffix", "rfind", "rindex", "rpartition", "rstrip"),
        *("startswith", "strip", "swapcase", "title", "upper"),
    }
)
"""The others make bytes, or tables, of a text."""


# --- the template's tree ----------------------------------------------------------------------------------------------


class Charging(NodeTransformer):
    """A template's tree in which loops, macros and what else can be repeated or can grow pay for themselves."""

    def visit_For(self, node: nodes.For) -> nodes.Node:  # noqa: N802  # Jinja2's names
        if node.test is not None:
            node.test = nodes.And(_charge(node.test).set_lineno(node.lineno, True), node.test, lineno=node.lineno)
        return self._with_charge(node)

    def visit_Macro(self, node: nodes.Macro) -> nodes.Node:  # noqa: N802
        return self._with_charge(node)

    def visit_CallBlock(self, node: nodes.CallBlock) -> nodes.Node:  # noqa: N802
        return self._with_charge(node)

    def visit_Block(self, node: nodes.Block) -> nodes.Node:  # noqa: N802
        return self._with_charge(node)

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:  # noqa: N802
        self.generic_visit(node)
        return _filter(nodes.List(node.nodes, lineno=node.lineno), "_concat")

    def visit_Compare(self, node: nodes.Compare) -> nodes.Node:  # noqa: N802
        self.generic_visit(node)
        node.expr = _weighed(node.expr)
        for operand in node.ops:
            operand.expr = _weighed(operand.expr)
        return node

    def visit_Test(self, node: nodes.Test) -> nodes.Node:  # noqa: N802
        self.generic_visit(node)
        if node.args:
            node.node, node.args = _weighed(node.node), [_weighed(argument) for argument in node.args]
        return node

    def visit_List(self, node: nodes.List) -> nodes.Node:  # noqa: N802
        self.generic_visit(node)
        return _weighed(node)

    def visit_Dict(self, node: nodes.Dict) -> nodes.Node:  # noqa: N802
        # A key is looked at to find its place.
        self.generic_visit(node)
        return _weighed(node)

    def visit_Tuple(self, node: nodes.Tuple) -> nodes.Node:  # noqa: N802
        self.generic_visit(node)
        return _weighed(node) if node.ctx == "load" else node

    def visit_Getitem(self, node: nodes.Getitem) -> nodes.Node:  # noqa: N802
        self.generic_visit(node)
        if not isinstance(node.arg, nodes.Slice):
            node.arg = _weighed(node.arg)
        return node

    def visit_Call(self, node: nodes.Call) -> nodes.Node:  # noqa: N802
        self.generic_visit(node)
        if isinstance(node.node, nodes.Name) and node.node.name == "range":
            node.node = nodes.EnvironmentAttribute("bounded_range")
        return node

    def _with_charge(self, node: Any) -> nodes.Node:
        charge = nodes.ExprStmt(_charge(*node.body), lineno=node.lineno)
        self.generic_visit(node)
        node.body = [charge, *node.body]
        return node  # type: ignore[no-any-return]  # what it was given


def _charge(*body: nodes.Node) -> nodes.Filter:
    """What one passage through `body` costs: by its length."""
    within = [node for part in body for node in (part, *part.find_all(nodes.Node))]
    text = sum(len(node.data) for node in within if isinstance(node, nodes.TemplateData))
    return _filter(nodes.Const(1 + (len(within) >> 4) + (text >> 6)), "_charge")


def _weighed(node: nodes.Expr) -> nodes.Expr:
    is_small = isinstance(node, nodes.Const) or (
        isinstance(node, nodes.List | nodes.Tuple) and all(isinstance(item, nodes.Const) for item in node.items)
    )
    return node if is_small else _filter(node, "_weighed")


def _filter(node: nodes.Expr, name: str) -> nodes.Filter:
    return nodes.Filter(node, name, [], [], None, None, lineno=node.lineno or 1)


def charged(tree: nodes.Template) -> nodes.Template:
    """`tree`, which is changed, with everything that can be repeated or can grow paid for."""
    return Charging().visit(tree).set_lineno(1).set_environment(tree.environment)  # type: ignore[no-any-return]  # a Template


def separate(parts: Iterable[Any], budget: Budget) -> list[Any]:
    """`parts` that are about to become one text, paid for."""
    found = list(parts)
    for part in found:
        budget.weigh(part)
    return found
