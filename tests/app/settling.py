"""When the app has come to rest, asked of itself: a test goes on as soon as everything is done, on whatever machine.

The toolkit waits between two keys until the processor has had little to do for 20 ms, whoever it is that works there,
and paints after each of the many small changes that a key makes. Here nothing is waited for but what is to be done, and
what it has come to is painted once.
"""

import asyncio
from weakref import WeakSet

import pytest
from rich.console import RenderableType
from textual._compositor import Compositor
from textual._context import active_app
from textual.pilot import Pilot
from textual.screen import Screen
from textual.worker import Worker

LOOK = 0.005
"""Seconds between two looks at what a thread does."""

_SHORT = frozenset({"open", "survey", "search", "compose", "count", "plan", "judge"})
"""Threads that come to an end by themselves: they ask nobody."""

_PATIENCE = 3.0
"""Seconds after which a thread is taken to be held back."""

_held_back = WeakSet[Worker[object]]()


class _Painting:
    """Whether what has changed is painted now."""

    now = False


async def settled(*_: float) -> None:
    """All that was begun is done, and painted: no part of the app can go on, and no thread that only reads is at work,
    but for those that a test holds back: each of these is waited for once, and not for long."""
    app, loop = active_app.get(), asyncio.get_running_loop()
    until, is_laid_out = loop.time() + _PATIENCE, False
    while app.is_running:
        await asyncio.sleep(0)
        if loop._ready:  # type: ignore[attr-defined]  # there is no public way to ask whether anybody can go on
            is_laid_out = False
            continue
        working = [one for one in app.workers if one.is_running and one.group in _SHORT and one not in _held_back]
        if not is_laid_out:
            app.screen._on_timer_update()
            is_laid_out = True
        elif working and loop.time() < until:
            await asyncio.sleep(LOOK)
        elif app.screen._compositor._dirty_regions:
            _paint(app.screen)
        else:
            _held_back.update(working)
            break


def settle_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """Has whoever drives an app from now on wait for `settled`, and for nothing else."""
    for user in ("textual.app", "textual.pilot"):
        monkeypatch.setattr(f"{user}.wait_for_idle", settled)
    monkeypatch.setattr(Pilot, "_wait_for_screen", _wait_for_screen)
    monkeypatch.setattr(Compositor, "render_update", _render_update)


async def _wait_for_screen(*_: object) -> bool:
    await settled()
    return True


def _paint(screen: Screen[object]) -> None:
    _Painting.now = True
    try:
        screen._compositor_refresh()
    finally:
        _Painting.now = False


_render = Compositor.render_update


def _render_update(
    compositor: Compositor,
    full: bool = False,
    screen_stack: list[Screen[object]] | None = None,
    simplify: bool = False,
) -> RenderableType | None:
    """What has changed is kept until it is painted."""
    return _render(compositor, full, screen_stack, simplify) if full or _Painting.now else None
