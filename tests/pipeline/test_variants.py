"""The published models: their defaults and their tasks."""

from __future__ import annotations

from pipeline.request import Request
from pipeline.variants import BASE, TURBO, VARIANTS, find_variant


def test_every_published_variant_has_its_row() -> None:
    assert all(find_variant(name, "turbo" in name) == row for name, row in VARIANTS.items())
    assert find_variant("my-own-turbo", turbo=True).defaults == TURBO
    assert find_variant("my-own-sft", turbo=False) == VARIANTS["acestep-v15-sft"]
    assert "extract" in find_variant("acestep-v15-turbo", turbo=True, extracts=True).tasks


def test_a_model_fills_in_only_what_is_left_to_it() -> None:
    filled = BASE.fill(Request(num_steps=12))
    assert filled.num_steps == 12
    assert filled.shift == 1.0
    assert filled.guidance_scale == 7.0
    assert filled.guidance_interval == 1.0
    assert TURBO.fill(Request()).num_steps == 8
    assert TURBO.fill(Request(guidance_interval=0.0)).guidance_interval == 0
    assert TURBO.fill(Request()).guidance_interval == 0.5
