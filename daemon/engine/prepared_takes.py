"""The takes that are made before anybody asks: which of them, within which budget, and those that
are ready.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from pipeline.request import Request
from pipeline.take import TakeInfo

from ..jobs import Order
from ..landing import audio_files, disk, staging
from ..settings import Settings
from .run import Run

MB = 2**20
GB = 2**30
MAX_IMPOSSIBLE = 1000  # orders that could not be made, and are not tried again

OrderKey = tuple[str, Request, tuple[str, ...], Path | None]


class PreparedTake(NamedTuple):
    """A take that is ready: all of its files, complete and on disk, in a hidden folder beside its
    destination.
    """

    run: Run
    staged: staging.Staged
    info: TakeInfo
    size: int  # bytes on disk

    @property
    def is_complete(self) -> bool:
        """Whether nobody has tidied its files away. Not under the engine's lock."""
        try:
            return all(disk.is_taken(file.source) for file in self.staged.files)
        except OSError:
            return False


class PreparedTakes:
    """The orders that may come, the likeliest first, and the takes that are ready for them.
    `estimate_bytes` says how much memory a take of so many samples needs.
    """

    def __init__(self, settings: Settings, estimate_bytes: Callable[[int], float]) -> None:
        self._settings = settings
        self._estimate_bytes = estimate_bytes
        self._orders: dict[OrderKey, Order] = {}
        self._ready: dict[OrderKey, PreparedTake] = {}
        self._impossible: dict[OrderKey, None] = {}  # an ordered set: the oldest first

    def __len__(self) -> int:
        return len(self._ready)

    def set_orders(self, orders: Sequence[Order]) -> list[PreparedTake]:
        """Expect these orders from now on. Returns what is to be discarded."""
        self._orders = {key_of(order): order for order in orders}
        return self._trim()

    def change_settings(self, settings: Settings) -> list[PreparedTake]:
        """Keep to another budget from now on. Returns what is to be discarded."""
        # staged files know whether they are to be the latest
        old = self._settings
        kept = (settings.latest, settings.latest_names)
        changes_files = kept != (old.latest, old.latest_names)
        self._settings = settings
        return self.clear() if changes_files else self._trim()

    def clear(self) -> list[PreparedTake]:
        """Returns what is to be discarded: everything that is ready."""
        discarded = list(self._ready.values())
        self._ready = {}
        return discarded

    def is_expected(self, order: Order) -> bool:
        return key_of(order) in self._orders

    def next_order(self, in_making: Container[OrderKey] = ()) -> Order | None:
        """The likeliest order whose take should be made now, but for those that are."""
        limit = self._settings.prepare_memory_gb * GB
        for key in self._affordable():
            order = self._orders[key]
            if key in self._ready or key in self._impossible or key in in_making:
                continue
            if not limit or self._estimate_bytes(order.request.samples) <= limit:
                return order
        return None

    def add(self, order: Order, take: PreparedTake) -> list[PreparedTake]:
        """The take for this order is ready. Returns what has to make room for it."""
        self._ready[key_of(order)] = take
        return self._trim()

    def mark_impossible(self, order: Order) -> None:
        """Its take could not be made: it is not tried again."""
        self._impossible[key_of(order)] = None
        for oldest in list(self._impossible)[:-MAX_IMPOSSIBLE]:
            del self._impossible[oldest]

    def find(self, order: Order) -> PreparedTake | None:
        """The take for this very order, where it is ready. None of its files is looked at."""
        return self._ready.get(key_of(order))

    def remove(self, order: Order) -> None:
        """The order has come: it is not expected any more."""
        self._ready.pop(key_of(order), None)
        self._orders.pop(key_of(order), None)

    def put_back(self, order: Order, take: PreparedTake) -> list[PreparedTake]:
        """The order that had come for it was refused: it may come again. Returns what is to be
        discarded.
        """
        self._orders.setdefault(key_of(order), order)
        return self.add(order, take)

    def _affordable(self) -> Iterator[OrderKey]:
        """Those that the budget has room for, the likeliest first."""
        room = self._settings.prepare_mb * MB
        for key, order in self._orders.items():
            room -= self._ready[key].size if key in self._ready else estimate_size(order.request)
            if room < 0:
                return
            yield key

    def _trim(self) -> list[PreparedTake]:
        """Remove what is not expected any more, then the least likely, as long as it is too much.
        Returns what was removed.
        """
        kept = [key for key in self._orders if key in self._ready]
        room = self._settings.prepare_mb * MB - sum(self._ready[key].size for key in kept)
        while kept and room < 0:
            room += self._ready[kept.pop()].size
        removed = [take for key, take in self._ready.items() if key not in kept]
        self._ready = {key: self._ready[key] for key in kept}
        return removed


def key_of(order: Order) -> OrderKey:
    """What makes two orders the same."""
    return order.id, order.request, order.session, order.out


def estimate_size(request: Request) -> int:
    """Bytes on disk, nearly: the mix and every stem."""
    samples = request.samples * request.sample_rate / 48_000
    sample_bytes = audio_files.FORMATS[request.format].bits / 8
    return round(samples * 2 * sample_bytes * (1 + len(request.tracks)))
