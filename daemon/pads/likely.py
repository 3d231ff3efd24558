"""Which pads will be hit next: their takes are made in advance in this order."""

from __future__ import annotations

from collections.abc import Iterator


def nearness(count: int, columns: int, last: int | None) -> list[int]:
    """All pads: the one hit last and its neighbours on the grid first, then the others by distance;
    without a last hit, in order.
    """
    if last is None:
        return list(range(count))
    row, column = divmod(last, columns)

    def distance(pad: int) -> tuple[int, int]:
        return max(abs(pad // columns - row), abs(pad % columns - column)), pad

    return sorted(range(count), key=distance)


def guesses(count: int, columns: int, last: int | None) -> Iterator[tuple[int, bool]]:
    """(pad, whether its reroll is meant). A hand is near where it was: the pads around it, the
    reroll of the very pad it has just heard, then all other pads, then all other rerolls.
    """
    order = nearness(count, columns, last)
    near = order[:9] if last is not None else []
    yield from ((pad, False) for pad in near)
    if last is not None:
        yield last, True
    yield from ((pad, False) for pad in order if pad not in near)
    yield from ((pad, True) for pad in order if pad != last)
