"""When the app has come to rest, asked of itself: a test goes on as soon as everything is done, on whatever machine.

The toolkit waits between two keys until the processor has had little to do for 20 ms, whoever it is that works there,
and paints after each of the many small changes that a key makes. Here nothing is waited for but what is to be done, and
what it has come to is painted when somebody looks.
"""

import asyncio
from collections.abc import Sequence
from typing import Any
from weakref import WeakKeyDictionary, WeakSet

import pytest
from rich.console import RenderableType
from textual._compositor import Compositor
from textual._context import active_app, visible_screen_stack
from textual.css.model import RuleSet
from textual.css.stylesheet import Stylesheet
from textual.pilot import Pilot
from textual.screen import Screen
from textual.worker import Worker

LOOK = 0.005
"""Seconds between two looks at what a thread does."""

_SHORT = frozenset({"open", "survey", "search", "compose", "count", "plan", "judge"})
"""Threads that come to an end by themselves: they ask nobody."""

_MOMENT = 0.02
"""Seconds for which nothing may have come to be done any more: a turn of the toolkit's own timer for what is drawn."""

_PATIENCE = 3.0
"""Seconds after which a thread is taken to be held back."""

_held_back = WeakSet[Worker[object]]()
_painted = WeakKeyDictionary[Compositor, str]()
"""What was on each screen when it was last painted."""
_doubtful = WeakSet[Compositor]()
"""Of the screens on which everything was done since."""


async def settled(*_: float) -> None:
    """All that was begun is done, and stays so for a moment: no part of the app can go on, and no thread that only
    reads is at work, but for those that a test holds back: each of these is waited for once, and not for long. A screen
    that is new is painted."""
    app, loop = active_app.get(), asyncio.get_running_loop()
    until, is_laid_out, has_rested = loop.time() + _PATIENCE, False, False
    while app.is_running:
        await asyncio.sleep(0)
        if loop._ready:  # type: ignore[attr-defined]  # there is no public way to ask whether anybody can go on
            is_laid_out = has_rested = False
            continue
        working = [one for one in app.workers if one.is_running and one.group in _SHORT and one not in _held_back]
        if not is_laid_out:
            app.screen._on_timer_update()
            is_laid_out = True
        elif (working or app._batch_count) and loop.time() < until:
            await asyncio.sleep(LOOK)
            is_laid_out = False
        elif not has_rested:
            await asyncio.sleep(_MOMENT)
            is_laid_out, has_rested = False, True
        else:
            _held_back.update(working)
            _doubtful.add(app.screen._compositor)
            if app.screen._compositor not in _painted:
                painted(app.screen)
            break


def painted(screen: Screen[Any]) -> str:
    """What is on this screen, line by line, painted where anything has changed."""
    compositor = screen._compositor
    if compositor._dirty_regions or compositor in _doubtful or compositor not in _painted:
        visible_screen_stack.set(screen.app._background_screens)
        _painted[compositor] = "\n".join(strip.text for strip in compositor.render_strips())
        compositor._dirty_regions.clear()
        _doubtful.discard(compositor)
    return _painted[compositor]


def settle_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """Has whoever drives an app from now on wait for `settled`, and for nothing else."""
    for user in ("textual.app", "textual.pilot"):
        monkeypatch.setattr(f"{user}.wait_for_idle", settled)
    monkeypatch.setattr(Pilot, "_wait_for_screen", _wait_for_screen)
    monkeypatch.setattr(Compositor, "render_update", _render_update)
    monkeypatch.setattr(Stylesheet, "_parse_rules", _parse_rules)


async def _wait_for_screen(*_: object) -> bool:
    await settled()
    return True


_render = Compositor.render_update


def _render_update(
    compositor: Compositor,
    full: bool = False,
    screen_stack: list[Screen[Any]] | None = None,
    simplify: bool = False,
) -> RenderableType | None:
    """What has changed is kept until somebody looks, but where all is asked for: a picture is taken."""
    if not full:
        return None
    _painted.pop(compositor, None)
    return _render(compositor, full, screen_stack, simplify)


_parse = Stylesheet._parse_rules
_rules: dict[object, list[RuleSet]] = {}


def _parse_rules(sheet: Stylesheet, css: str, read_from: tuple[str, str], *how: Any, **named: Any) -> Sequence[RuleSet]:
    """The rules that were read for the app before."""
    key = css, read_from, how, frozenset(named.items()), frozenset(sheet._variables.items())
    if key not in _rules:
        _rules[key] = _parse(sheet, css, read_from, *how, **named)
    return _rules[key]
