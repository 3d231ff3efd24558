"""Takes that are made in advance: for which pads, and how far they are."""

from __future__ import annotations

from collections.abc import Callable

from pipeline.request import BadRequest, Request

from ..engine import Engine
from ..jobs import Event, Order, Refused
from .interface import DARK, Light, PadState
from .likely import guesses
from .plans import Plans

HANDS = "pads"  # the client of what controllers ask for


class Ahead:
    """`show` is called under the engine's lock when something about them has changed."""

    def __init__(self, engine: Engine, plans: Plans, show: Callable[[], None]) -> None:
        self._engine = engine
        self._plans = plans
        self._show = show
        # of takes that may be asked for, so that they keep theirs
        self._ids: dict[Request, str] = {}
        self._prepared: set[str] = set()  # ids
        self._making = ("", 0.0)  # the id of what is being made, and how far it is

    def light(self, wish: Request | None) -> Light:
        """How what was made for it would look on a pad that has nothing else to show."""
        id = self._ids.get(wish, "") if wish else ""
        if id in self._prepared:
            return Light(PadState.READY)
        return Light(PadState.RENDERING, self._making[1]) if id and id == self._making[0] else DARK

    def take_id(self, wish: Request) -> str:
        """It is asked for now, and keeps its id; empty where it was not thought of."""
        return self._ids.pop(wish, "")

    def think(self, last: int | None) -> None:
        """Have made what may be hit next, where that pad was hit `last`."""
        self._orders(last)  # requests are made before others have to wait for the lock
        with self._engine.lock:
            self._plans.replan()
            orders = self._orders(last)
            self._ids = {order.request: order.id for order in orders}
            self._prepared &= set(self._ids.values())
            self._engine.prepare(orders, self._overheard)
            self._show()

    def _orders(self, last: int | None) -> list[Order]:
        orders: dict[Request, Order] = {}
        with self._engine.lock:
            count = self._plans.count()
            columns = self._plans.bank.columns
            # or who never plays pads pays for them
            in_use = last is not None or bool(self._plans.settings.midi.ports)
            self._plans.bank.slot(count - 1)
        for number, anew in guesses(count, columns, last):
            slot = self._plans.bank.slot(number)
            if not anew and (slot.pending or slot.ready or self._plans.settings.midi.velocity):
                continue
            if not in_use and self._plans.bank.slot(self._plans.leader(number)).seed < 0:
                continue
            try:
                wish = self._plans.request(self._plans.values(number, anew))
            except (Refused, BadRequest):
                continue
            id = self._ids.get(wish) or self._plans.new_id(number)
            orders.setdefault(wish, Order(HANDS, id, wish, origin=self._plans.origin(number)))
        return list(orders.values())

    def _overheard(self, event: Event) -> None:
        """About a take that is made in advance."""
        assert event.job
        id = event.job.id
        if event.kind == "progress":
            self._making = id, event.values[0]
        else:
            self._making = "", 0.0
            self._prepared.discard(id)
            if event.kind == "prepared":
                self._prepared.add(id)
        self._show()
