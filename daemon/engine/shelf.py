"""Takes that are made in advance: which of them, within which budget, and where they wait until
somebody asks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from pipeline.request import Request
from pipeline.take import TakeInfo

from ..jobs import Job, Order
from ..landing import clips, disk
from ..settings import Settings

MB = 2**20
GB = 2**30
MAX_SPOILED = 1000  # requests that could not be made, and are not tried again

Key = tuple[str, Request, Path | None]


class Prepared(NamedTuple):
    """One take on the shelf: all of its files, complete and on disk, in a hidden folder beside its
    destination.
    """

    job: Job
    staged: clips.Staged
    info: TakeInfo
    size: int

    @property
    def whole(self) -> bool:
        """Whether nobody has tidied its files away."""
        try:
            return all(disk.there(file.source) for file in self.staged.files)
        except OSError:
            return False


class Shelf:
    """What is wanted, the likeliest first, and what of it is made. The engine guards it with its
    lock.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._wanted: dict[Key, Order] = {}
        self._ready: dict[Key, Prepared] = {}
        self._spoiled: dict[Key, None] = {}
        self._memory = 0.0  # the most bytes that a take has needed so far,
        self._samples = 1  # and how long that one was

    def __len__(self) -> int:
        return len(self._ready)

    def want(self, orders: Sequence[Order]) -> list[Prepared]:
        """Other orders from now on. What lies here and is not wanted any more: to be discarded."""
        self._wanted = {key(order): order for order in orders}
        return self._trimmed()

    def change(self, settings: Settings) -> list[Prepared]:
        """Another budget from now on. What is to be discarded."""
        # files know whether they are to be the latest
        everything = settings.latest != self._settings.latest
        self._settings = settings
        return self.clear() if everything else self._trimmed()

    def clear(self) -> list[Prepared]:
        gone = list(self._ready.values())
        self._ready = {}
        return gone

    def wants(self, order: Order) -> bool:
        return key(order) in self._wanted

    def next(self) -> Order | None:
        """What should be made now."""
        limit = self._settings.prepare_memory_gb * GB
        for each in self._affordable():
            order = self._wanted[each]
            if each in self._ready or each in self._spoiled:
                continue
            if not limit or self._expected(order.request) <= limit:
                return order
        return None

    def put(self, order: Order, prepared: Prepared) -> list[Prepared]:
        """What has to make room for it."""
        self._ready[key(order)] = prepared
        return self._trimmed()

    def spoil(self, order: Order) -> None:
        """It could not be made: not to be tried again."""
        self._spoiled[key(order)] = None
        for old in list(self._spoiled)[:-MAX_SPOILED]:
            del self._spoiled[old]

    def find(self, order: Order) -> Prepared | None:
        """The take of that very order, where it is here and whole."""
        found = self._ready.get(key(order))
        return found if found and found.whole else None

    def remove(self, order: Order) -> None:
        """Somebody has asked for it: it is no guess any more."""
        self._ready.pop(key(order), None)
        self._wanted.pop(key(order), None)

    def learn(self, info: TakeInfo, samples: int) -> None:
        """How much memory takes need."""
        if (peak := max(info.memory.values(), default=0)) > self._memory:
            self._memory = peak
            self._samples = max(1, samples)

    def _expected(self, request: Request) -> float:
        """Bytes, growing with the length at most."""
        return self._memory * max(1.0, request.samples / self._samples)

    def _affordable(self) -> Iterator[Key]:
        """What the budget has room for, the likeliest first."""
        room = self._settings.prepare_mb * MB
        for each, order in self._wanted.items():
            room -= self._ready[each].size if each in self._ready else size(order.request)
            if room < 0:
                return
            yield each

    def _trimmed(self) -> list[Prepared]:
        """What is not wanted any more goes; then the least likely, as long as it is too much."""
        wanted = [each for each in self._wanted if each in self._ready]
        room = self._settings.prepare_mb * MB - sum(self._ready[each].size for each in wanted)
        while wanted and room < 0:
            room += self._ready[wanted.pop()].size
        gone = [prepared for each, prepared in self._ready.items() if each not in wanted]
        self._ready = {each: self._ready[each] for each in wanted}
        return gone


def key(order: Order) -> Key:
    return order.id, order.request, order.out


def size(request: Request) -> int:
    """Bytes on disk, nearly: the mix and every stem."""
    samples = request.samples * request.sample_rate / 48_000
    return round(samples * 2 * clips.FORMATS[request.format].bits / 8 * (1 + len(request.tracks)))
