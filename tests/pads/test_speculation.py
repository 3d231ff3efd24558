from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from daemon.pads.speculation import rank_by_distance, rank_pads


@given(st.integers(1, 64), st.integers(1, 8), st.none() | st.integers(0, 63))
def test_every_pad_and_every_reroll_is_ranked_once(
    count: int, columns: int, last_hit: int | None
) -> None:
    last_hit = last_hit if last_hit is None or last_hit < count else None
    found = list(rank_pads(count, columns, last_hit))
    assert len(set(found)) == len(found)
    assert set(found) == {(pad, reroll) for pad in range(count) for reroll in (False, True)}


def test_a_hand_stays_near() -> None:
    assert rank_by_distance(16, 4, 5)[:9] == [5, 0, 1, 2, 4, 6, 8, 9, 10]
    assert rank_by_distance(16, 4, 0)[:4] == [0, 1, 4, 5]
    assert rank_by_distance(4, 4, None) == [0, 1, 2, 3]


def test_the_pad_that_just_sounded_may_be_rerolled_before_far_ones_are_hit() -> None:
    order = list(rank_pads(64, 8, 9))
    assert (
        order.index((18, False))
        < order.index((9, True))
        < order.index((63, False))
        < order.index((10, True))
    )
