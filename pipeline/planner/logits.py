"""How the planner's next token is sampled from its logits (B, V): pure functions of arrays.

Source of the filters: the official `LLMHandler` and transformers, `golden/lm_sampling.safetensors`.
They are applied in this order: repetition penalty, top-k, top-p, temperature.
"""

from __future__ import annotations

from dataclasses import dataclass

import mlx.core as mx


@dataclass(frozen=True)
class Sampling:
    """How tokens are sampled. `guidance` 1 is none; `top_k` 0, `top_p` 1 and `repetition_penalty` 1
    are off.
    """

    temperature: float = 0.85
    top_k: int = 0
    top_p: float = 0.9
    repetition_penalty: float = 1.0
    guidance: float = 2.0
    negative_prompt: str = ""
    seed: int = 0


def apply_guidance(cond: mx.array, uncond: mx.array, scale: float) -> mx.array:
    """Classifier-free guidance."""
    return uncond + scale * (cond - uncond)


def penalise_repetition(logits: mx.array, seen: mx.array, penalty: float) -> mx.array:
    """What was `seen` (B, V) becomes less likely."""
    return mx.where(seen, mx.where(logits > 0, logits / penalty, logits * penalty), logits)


def keep_top_k(logits: mx.array, k: int) -> mx.array:
    """The k highest; 0 keeps all."""
    if not 0 < k < logits.shape[-1]:
        return logits
    lowest = mx.min(mx.topk(logits, k, axis=-1), axis=-1, keepdims=True)
    return mx.where(logits < lowest, -mx.inf, logits)


def keep_top_p(logits: mx.array, p: float) -> mx.array:
    """The likeliest tokens that together have a probability of p, and the one that crosses it.
    Equals stay together.
    """
    if not 0 < p < 1:
        return logits
    ranked = -mx.sort(-logits, axis=-1)
    before = mx.cumsum(mx.softmax(ranked, axis=-1), axis=-1, inclusive=False)
    lowest = mx.min(mx.where(before > p, mx.inf, ranked), axis=-1, keepdims=True)
    return mx.where(logits < lowest, -mx.inf, logits)


def filter_logits(logits: mx.array, sampling: Sampling, seen: mx.array | None = None) -> mx.array:
    """Logits after every filter but the temperature; tokens that are filtered out have -inf."""
    if seen is not None and sampling.repetition_penalty != 1:
        logits = penalise_repetition(logits, seen, sampling.repetition_penalty)
    return keep_top_p(keep_top_k(logits, sampling.top_k), sampling.top_p)


def sample_token(logits: mx.array, temperature: float, key: mx.array) -> mx.array:
    """An index for every row (B,); temperature 0 takes the highest."""
    if temperature <= 0:
        return mx.argmax(logits, axis=-1)
    return mx.random.categorical(logits / temperature, key=key)
