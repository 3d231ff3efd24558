"""Which takes are worth preparing: those of the pads that will probably be hit next."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.request import BadRequest, Request

from ..engine import Engine
from ..jobs import Event, Order, Refused
from ..runtime import battery
from .bank import PadContext, Values, make_key
from .current_bank import CLIENT, CurrentBank, describe_kept, new_job_id
from .interface import DARK, Light, PadState

NEIGHBOURHOOD = 9  # pads: the one that was hit last, and those around it

Key = tuple[tuple[str, Any], ...]  # a pad's values: see `make_key`


@dataclass(frozen=True)
class Candidate:
    """A take that may be played next: of a pad's hit, or of its reroll."""

    index: int
    values: Values
    notes: tuple[str, ...]


class PadSpeculation:
    """The engine's speculative jobs for pads. Guarded by the engine's lock; `on_change` is called
    under it when something about them has changed.
    """

    def __init__(self, engine: Engine, current: CurrentBank, on_change: Callable[[], None]) -> None:
        self._engine = engine
        self._current = current
        self._on_change = on_change
        # what may be ordered: by request, as a request keeps its id from one update to the next
        self._orders: dict[Request, Order] = {}
        # the ids of their jobs, by the values of the pads that they are for
        self._ids_by_values: dict[Key, str] = {}
        # what was ordered, by its id, until the engine has it: its take must not be dropped before
        self._claimed: dict[str, Order] = {}
        self._prepared: set[str] = set()  # the ids of takes that are prepared
        self._pads: dict[str, int] = {}  # the index of the pad that each of the ids is for
        self._rendering = ""  # the id of the take that is being made
        self._progress = 0.0  # of that
        self._told = 0  # which pad is said to be prepared, counted from 1; 0: none
        self._is_on_battery = False

    @property
    def event(self) -> Event:
        """The pad whose take is being made, counted from 1; 0: none."""
        return Event("preparing", None, (self._told,))

    def look_at_battery(self) -> bool:
        """Look whether the computer runs on its battery, where that counts. Returns whether that
        has changed. Not under the lock.
        """
        before = self._is_on_battery
        may_prepare = self._current.settings.prepare_on_battery
        self._is_on_battery = not may_prepare and battery.is_on_battery()
        return self._is_on_battery != before

    def get_light(self, values: Values) -> Light:
        """What a pad with these values shows when it has nothing else to show."""
        id = self._ids_by_values.get(make_key(values), "")
        if id in self._prepared:
            return Light(PadState.READY)
        if id and id == self._rendering:
            return Light(PadState.RENDERING, self._progress)
        return DARK

    def claim_id(self, request: Request) -> str:
        """The id of a request that is ordered now; empty where it was no candidate."""
        order = self._orders.pop(request, None)
        if order is None:
            return ""
        self._claimed[order.id] = order
        self._ids_by_values = {key: id for key, id in self._ids_by_values.items() if id != order.id}
        if order.id == self._rendering:
            self._set_rendering("", 0.0)  # it is that order's from now on
        return order.id

    def forget_claim(self, id: str) -> None:
        """That order was refused."""
        self._claimed.pop(id, None)

    def on_event(self, event: Event) -> None:
        """Any event of the engine."""
        if event.job:
            self.forget_claim(event.job.id)  # the engine has it
        elif event.kind == "state" and event.values[0] == "busy":
            self._tell(0)  # it goes on when clients' jobs have ended

    def update(self) -> None:
        """Have prepared what may be played next. Takes the lock, and reads files without it."""
        context = self._current.read_context()
        with self._engine.lock:
            self._current.refresh(context)
            candidates = self._list_candidates(context)
        requests = self._build_requests(candidates)
        with self._engine.lock:
            # what has become a candidate meanwhile has its turn at the next update
            candidates = self._list_candidates(context)
            self._prepare(candidates, requests)
            self._on_change()

    def _list_candidates(self, context: PadContext) -> list[Candidate]:
        bank = self._current.bank
        last_hit = self._current.last_hit
        settings = self._current.settings.midi
        candidates = []
        for index, reroll in rank_pads(self._current.count, bank.columns, last_hit):
            pad = bank.get_pad(index)
            if not reroll and (pad.pending or pad.ready or settings.velocity):
                continue
            if not bank.is_filled(index, context):
                continue  # no computing is spent on it
            notes = describe_kept(bank.list_kept(index, context, reroll))
            candidates.append(Candidate(index, bank.resolve(index, context, reroll), notes))
        return candidates

    def _build_requests(self, candidates: list[Candidate]) -> dict[Key, Request]:
        """By the values; without those that cannot be made. Reads files."""
        requests: dict[Key, Request] = {}
        for candidate in candidates:
            try:
                request = self._current.build_request(candidate.values)
            except (Refused, BadRequest):
                continue
            requests[make_key(candidate.values)] = request
        return requests

    def _prepare(self, candidates: list[Candidate], requests: Mapping[Key, Request]) -> None:
        orders = {order.request: order for order in self._claimed.values()}
        self._ids_by_values = {}
        self._pads = {}
        for candidate in candidates:
            key = make_key(candidate.values)
            if not (request := requests.get(key)):
                continue
            if request not in orders:
                known = self._orders.get(request)
                id = known.id if known else new_job_id(candidate.index)
                origin = self._current.describe_origin(candidate.index)
                session = self._current.bank.list_session_fields(candidate.index)
                orders[request] = Order(
                    CLIENT, id, request, origin=origin, notes=candidate.notes, session=session
                )
            self._ids_by_values[key] = orders[request].id
            self._pads.setdefault(orders[request].id, candidate.index)
        if self._is_on_battery:  # what is ready stays
            orders = {
                request: order for request, order in orders.items() if order.id in self._prepared
            }
        self._prepared &= {order.id for order in orders.values()}
        self._orders = {
            request: order for request, order in orders.items() if order.id not in self._claimed
        }
        self._engine.prepare(list(orders.values()), self._on_speculative_event)

    def _on_speculative_event(self, event: Event) -> None:
        """About a speculative job."""
        assert event.job
        id = event.job.id
        if event.kind == "progress":
            self._set_rendering(id, event.values[0])
        else:
            self._set_rendering("", 0.0)
            self._prepared.discard(id)
            if event.kind == "prepared":
                self._prepared.add(id)
        self._on_change()

    def _set_rendering(self, id: str, progress: float) -> None:
        self._rendering = id
        self._progress = progress
        self._tell(self._pads.get(id, -1) + 1)

    def _tell(self, pad: int) -> None:
        if pad != self._told:
            self._told = pad
            self._engine.publish(self.event)


def rank_by_distance(count: int, columns: int, last_hit: int | None) -> list[int]:
    """All pads: the one hit last and its neighbours on the grid first, then the others by distance;
    without a last hit, in order.
    """
    if last_hit is None:
        return list(range(count))
    row, column = divmod(last_hit, columns)

    def measure_distance(index: int) -> tuple[int, int]:
        return max(abs(index // columns - row), abs(index % columns - column)), index

    return sorted(range(count), key=measure_distance)


def rank_pads(count: int, columns: int, last_hit: int | None) -> Iterator[tuple[int, bool]]:
    """(index, whether its reroll is meant), the most probable first: the pads around the one that
    was hit last, that one's reroll, then all other pads, then all other rerolls.
    """
    order = rank_by_distance(count, columns, last_hit)
    near = order[:NEIGHBOURHOOD] if last_hit is not None else []
    yield from ((pad, False) for pad in near)
    if last_hit is not None:
        yield last_hit, True
    yield from ((pad, False) for pad in order if pad not in near)
    yield from ((pad, True) for pad in order if pad != last_hit)
