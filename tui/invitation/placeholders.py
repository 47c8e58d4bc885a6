"""Which values a template asks for, where, and which of them it says may be absent: read from Jinja2's own tree."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from jinja2 import nodes
from jinja2.meta import find_undeclared_variables

from tui.attendees import squash

_OWNERS = ("attendee", "event", "organizer")
_Key = tuple[str, str]
_Guards = frozenset[_Key]


@dataclass(frozen=True, slots=True)
class Use:
    """A placeholder: a bare `name` (`owner` is ""), or one of `attendee["..."]`, `event.x`, `organizer.x`.

    An owner with no name is meant as a whole. `guarded`: it may be absent. None for `file` and `line`: the event's.
    """

    owner: str
    name: str
    file: str | None
    line: int | None
    guarded: bool

    @property
    def is_whole_row(self) -> bool:
        """Whether it can be any column: `attendee` itself, `attendee[x]`, `attendee.items()`."""
        return self.owner == "attendee" and self.name in ("", "items", "keys", "values")


def uses(tree: nodes.Template, provided: frozenset[str], file: str | None, first_line: int) -> Iterator[Use]:
    """Every placeholder in `tree`; the bare names in `provided` are no columns and are left out."""
    free = find_undeclared_variables(tree)
    for (owner, name), line, guarded in _walk(tree, frozenset()):
        if owner or (name in free and name not in provided):
            yield Use(owner, name, file, line + first_line - 1 if file else None, guarded)


def has_words(tree: nodes.Template) -> bool:
    """Whether anything can come of it: it has text or a placeholder that is no comment."""
    printed = (part for node in tree.find_all(nodes.Output) for part in node.nodes)
    return any(not isinstance(part, nodes.TemplateData) or bool(part.data.strip()) for part in printed)


def _walk(node: nodes.Node, guards: _Guards) -> Iterator[tuple[_Key, int, bool]]:
    """The placeholders under `node`. `guards` are those that are known to be there whenever it is reached."""
    match node:
        case nodes.Filter(name="default" | "d", node=nodes.Node() as target):
            yield from _walk(target, guards | _guard(target))
            yield from _walk_all((*node.args, *node.kwargs), guards)
        case nodes.Test(name="defined" | "undefined"):
            yield from _walk(node.node, guards | _guard(node.node))
        case nodes.If():
            yield from _walk(node.test, guards)
            yield from _walk_all(node.body, guards | _given(node.test, True))
            guards |= _given(node.test, False)
            for branch in node.elif_:
                yield from _walk(branch, guards)
                guards |= _given(branch.test, False)
            yield from _walk_all(node.else_, guards)
        case nodes.CondExpr():
            yield from _walk(node.test, guards)
            yield from _walk(node.expr1, guards | _given(node.test, True))
            if node.expr2 is not None:
                yield from _walk(node.expr2, guards | _given(node.test, False))
        case nodes.And() | nodes.Or():
            yield from _walk(node.left, guards)
            yield from _walk(node.right, guards | _given(node.left, isinstance(node, nodes.And)))
        case nodes.Call(node=nodes.Name(name="range")):
            yield from _walk_all((*node.args, *node.kwargs), guards)  # the one function; a column may be called so too
        case nodes.Getattr(node=nodes.Name(name=owner)) | nodes.Getitem(node=nodes.Name(name=owner)) if (
            owner in _OWNERS
        ):
            yield (key := _key(node) or (owner, "")), node.lineno, _canonical(key) in guards
            if isinstance(node, nodes.Getitem):
                yield from _walk(node.arg, guards)
        case nodes.Name(ctx="load", name=name):
            yield (key := _key(node) or (name, "")), node.lineno, _canonical(key) in guards
        case _:
            yield from _walk_all(node.iter_child_nodes(), guards)


def _walk_all(found: Iterable[nodes.Node], guards: _Guards) -> Iterator[tuple[_Key, int, bool]]:
    for node in found:
        yield from _walk(node, guards)


def _given(test: nodes.Node, outcome: bool) -> _Guards:
    """What is known to be there once `test` has come out so."""
    match test:
        case nodes.Not():
            return _given(test.node, not outcome)
        case nodes.And() if outcome:
            return _given(test.left, True) | _given(test.right, True)
        case nodes.Or() if not outcome:
            return _given(test.left, False) | _given(test.right, False)
        case nodes.Test(name="defined" | "undefined" as name) if outcome == (name == "defined"):
            return _guard(test.node)
        case _:
            return frozenset()


def _guard(node: nodes.Node) -> _Guards:
    key = _key(node)
    return frozenset([_canonical(key)]) if key else frozenset()


def _key(node: nodes.Node) -> _Key | None:
    """The one placeholder that `node` is, if it is one."""
    match node:
        case nodes.Getattr(node=nodes.Name(name=owner), attr=name) if owner in _OWNERS:
            return owner, name
        case nodes.Getitem(node=nodes.Name(name=owner), arg=nodes.Const(value=str(name))) if owner in _OWNERS:
            return owner, name
        case nodes.Name(name=name) if name not in _OWNERS:
            return "", name
        case _:
            return None


def _canonical(key: _Key) -> _Key:
    owner, name = key
    return owner, squash(name) if owner in ("", "attendee") else name


# --- whether all that is done with a value is to print it -------------------------------------------------------------


def are_only_printed(tree: nodes.Template, shared: frozenset[str]) -> bool:
    """Whether every value that is somebody's own is printed as it stands, and asked no more than whether it is there.

    `shared` are the bare names that are the same for everybody. Where it is so, two messages in which the same values
    are blank differ in nothing but those values, each in its place. False where that cannot be seen.
    """
    return _only_prints(tree, own_names(tree, shared))


def own_names(tree: nodes.Template, shared: frozenset[str]) -> frozenset[str]:
    """The bare names in `tree` that are not the same for everybody."""
    return frozenset(find_undeclared_variables(tree)) - shared


def _only_prints(node: nodes.Node, own: frozenset[str]) -> bool:
    match node:
        case nodes.Template():
            return all(_only_prints(part, own) for part in node.body)
        case nodes.Output():
            return all(_is_printed(part, own) for part in node.nodes)
        case nodes.If():
            branches = (*node.body, *node.elif_, *node.else_)
            return _asks_presence(node.test, own) and all(_only_prints(part, own) for part in branches)
        case nodes.For():
            parts = (*node.body, *node.else_)
            of_all = all(_is_shared(part, own) for part in (node.iter, *filter(None, (node.test,))))
            return of_all and all(_only_prints(part, own) for part in parts)
        case _:
            # What a macro, a filter or a {% set %} would do with it is not looked into.
            return _is_shared(node, own)


def _is_printed(node: nodes.Node, own: frozenset[str]) -> bool:
    match node:
        case nodes.CondExpr(test=test, expr1=given, expr2=other):
            rest = other is None or _is_printed(other, own)
            return _asks_presence(test, own) and _is_printed(given, own) and rest
        case nodes.Filter(name="default" | "d", node=nodes.Node() as value):
            told = (*node.args, *node.kwargs, *filter(None, (node.dyn_args, node.dyn_kwargs)))
            return _is_printed(value, own) and all(_is_shared(part, own) for part in told)
        case _:
            return _is_own(node, own) or _is_shared(node, own)


def _asks_presence(node: nodes.Node, own: frozenset[str]) -> bool:
    match node:
        case nodes.Not():
            return _asks_presence(node.node, own)
        case nodes.And() | nodes.Or():
            return _asks_presence(node.left, own) and _asks_presence(node.right, own)
        case nodes.Test(name="defined" | "undefined"):
            return _is_own(node.node, own) or _is_shared(node.node, own)
        case _:
            return _is_own(node, own) or _is_shared(node, own)


def _is_own(node: nodes.Node, own: frozenset[str]) -> bool:
    """Whether it is one value of one person, by its name."""
    match node:
        case nodes.Name(ctx="load", name=name):
            return name in own and name not in _OWNERS
        case nodes.Getattr() | nodes.Getitem():
            owner, name = _key(node) or ("", "")
            return owner == "attendee" and name not in ("items", "keys", "values")
        case _:
            return False


def _is_shared(node: nodes.Node, own: frozenset[str]) -> bool:
    return not any(name.name in own for name in (node, *node.find_all(nodes.Name)) if isinstance(name, nodes.Name))
