"""Who is served next, of those that have sent something."""

from __future__ import annotations

import heapq
import itertools
from collections import OrderedDict, deque
from dataclasses import dataclass, field
from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T")

MAX_SIZE = 16 << 20  # bytes that may wait in all
SHARE = 8  # one sender may have this part of what is free
OVERHEAD = 512  # bytes that an item counts for besides its own
MAX_FLOWS = 1024  # senders, before those are forgotten of whom nothing waits


class Item(NamedTuple, Generic[T]):
    value: T
    size: int


@dataclass
class Flow(Generic[T]):
    """What waits of one sender, and the time it has been given, in seconds. The member whose turn
    it is comes first.
    """

    items: OrderedDict[str, deque[Item[T]]] = field(default_factory=OrderedDict)
    size: int = 0
    given: float = 0.0


class FairQueue(Generic[T]):
    """Start-time fair queueing: the items of a sender are served in their order, and next is the
    sender that was given the least time. Who comes anew counts as having been given as much as who
    is being served, so that it is next, and nobody can save up. Where several share what one sender
    is given, these members of it take turns: each waits for a turn of the others, not for all that
    they sent before.

    How much may wait of a sender depends on how much is free (the dynamic threshold of a switch's
    shared buffer): whoever floods it leaves room for the others. For one thread.
    """

    def __init__(self) -> None:
        self._flows: dict[str, Flow[T]] = {}  # by sender
        self._turns: list[tuple[float, int, str]] = []  # a heap: time given, arrival, sender
        self._arrivals = itertools.count()
        self._size = 0
        self._most_flows = MAX_FLOWS  # before idle ones are forgotten
        self._given = 0.0  # what the sender that is served now was given before

    def __bool__(self) -> bool:
        """Whether anything waits."""
        return bool(self._turns)

    def has_room(self, sender: str, size: int) -> bool:
        """Whether an item of so many bytes may be pushed."""
        flow = self._flows.get(sender)
        waiting = flow.size if flow else 0
        return (waiting + size + OVERHEAD) * SHARE <= MAX_SIZE - self._size

    def push(self, sender: str, value: T, size: int = 0, member: str = "") -> None:
        """Behind all else of that member. It is kept whether or not there was room."""
        flow = self._flows.get(sender)
        if flow is None:
            self._forget_idle()
            flow = self._flows[sender] = Flow()
        item = Item(value, size + OVERHEAD)
        if not flow.items:
            flow.given = max(flow.given, self._given)
            self._wait(flow, sender)
        flow.items.setdefault(member, deque()).append(item)
        flow.size += item.size
        self._size += item.size

    def start_turn(self) -> tuple[str, T]:
        """The sender whose turn it is, and its first item, which stays there. Something must wait,
        and the turn must be ended before the next one is started.
        """
        self._given, _, sender = heapq.heappop(self._turns)
        items = self._flows[sender].items
        return sender, items[next(iter(items))][0].value

    def end_turn(self, sender: str, seconds: float, is_done: bool) -> None:
        """It took `seconds`. `is_done`: the item goes; or else it is continued in the next turn."""
        flow = self._flows[sender]
        flow.given += seconds
        member, waiting = next(iter(flow.items.items()))
        if is_done:
            item = waiting.popleft()
            flow.size -= item.size
            self._size -= item.size
        if waiting:
            flow.items.move_to_end(member)
        else:
            del flow.items[member]
        if flow.items:
            self._wait(flow, sender)
        elif not self._turns:  # all have been served: nobody owes anything
            self._flows.clear()
            self._given = 0.0

    def _wait(self, flow: Flow[T], sender: str) -> None:
        heapq.heappush(self._turns, (flow.given, next(self._arrivals), sender))

    def _forget_idle(self) -> None:
        """Where there are too many senders, those of whom nothing waits and who were given no more
        than others.
        """
        if len(self._flows) >= self._most_flows:
            self._flows = {
                sender: flow
                for sender, flow in self._flows.items()
                if flow.items or flow.given > self._given
            }
            self._most_flows = max(MAX_FLOWS, 2 * len(self._flows))
