"""How a token is chosen."""

from __future__ import annotations

import pipeline  # noqa: F401 before MLX

# isort: split
import mlx.core as mx
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pipeline.planner import logits
from pipeline.planner.logits import Sampling
from tests.support.examples import scale_examples

rows = arrays(
    np.float32,
    st.tuples(st.just(1), st.integers(1, 40)),
    elements=st.integers(-80, 80).map(lambda n: n / 8),
)


def kept(filtered: mx.array) -> int:
    return int(np.isfinite(np.array(filtered)).sum())


@settings(max_examples=scale_examples(50))
@given(rows, st.floats(0.01, 0.99))
def test_top_p_keeps_the_fewest_that_reach_it(row: np.ndarray, p: float) -> None:
    left = np.isfinite(np.array(logits.keep_top_p(mx.array(row), p)))[0]
    odds = np.exp(row[0].astype(np.float64))
    odds /= odds.sum()
    assert left[row[0].argmax()]
    assert odds[left].sum() >= p - 1e-5
    least = odds[left].min()
    # without the last one it would not be enough
    assert odds[odds > least * (1 + 1e-6)].sum() <= p + 1e-5


def test_top_k_keeps_k_and_nothing_is_everything() -> None:
    row = mx.array([[1.0, 5.0, 3.0, 4.0]])
    assert np.isfinite(np.array(logits.keep_top_k(row, 2))).tolist() == [[False, True, False, True]]
    assert (
        kept(logits.keep_top_k(row, 0))
        == kept(logits.keep_top_k(row, 9))
        == kept(logits.keep_top_p(row, 1.0))
        == 4
    )


def test_a_penalty_makes_what_was_seen_less_likely_whatever_its_sign() -> None:
    seen = mx.array([[True, True, False]])
    assert logits.penalise_repetition(mx.array([[2.0, -2.0, 2.0]]), seen, 2.0).tolist() == [
        [1.0, -4.0, 2.0]
    ]
    assert logits.filter_logits(
        mx.array([[2.0, -2.0, 2.0]]), Sampling(top_p=0.0), seen
    ).tolist() == [[2.0, -2.0, 2.0]]


def test_no_temperature_takes_the_highest_and_a_key_always_the_same() -> None:
    row = mx.array([[0.0, 0.1, 0.05, -0.1]])
    assert logits.sample_token(row, 0.0, mx.random.key(1)).tolist() == [1]
    once, again = (
        [logits.sample_token(row, 1.0, mx.random.key(i)).tolist() for i in range(40)]
        for _ in range(2)
    )
    assert once == again
    assert len({str(ids) for ids in once}) == 4


def test_guidance_leads_away_from_what_was_not_wanted() -> None:
    assert logits.apply_guidance(mx.array([3.0]), mx.array([1.0]), 2.0).tolist() == [5.0]
    assert logits.apply_guidance(mx.array([3.0]), mx.array([1.0]), 1.0).tolist() == [3.0]
