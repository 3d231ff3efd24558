from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from daemon.pads.likely import guesses, nearness


@given(st.integers(1, 64), st.integers(1, 8), st.none() | st.integers(0, 63))
def test_every_pad_and_every_reroll_is_guessed_once(
    count: int, columns: int, last: int | None
) -> None:
    last = last if last is None or last < count else None
    found = list(guesses(count, columns, last))
    assert len(set(found)) == len(found)
    assert set(found) == {(pad, anew) for pad in range(count) for anew in (False, True)}


def test_a_hand_stays_near() -> None:
    assert nearness(16, 4, 5)[:9] == [5, 0, 1, 2, 4, 6, 8, 9, 10]
    assert nearness(16, 4, 0)[:4] == [0, 1, 4, 5]
    assert nearness(4, 4, None) == [0, 1, 2, 3]


def test_the_pad_just_heard_may_be_rerolled_before_far_ones_are_hit() -> None:
    order = list(guesses(64, 8, 9))
    assert (
        order.index((18, False))
        < order.index((9, True))
        < order.index((63, False))
        < order.index((10, True))
    )
