"""The published models: their defaults and their tasks."""

from __future__ import annotations

import pytest

from daemon.osc.outgoing import MAX_TEXT
from pipeline.request import BadRequest, Request
from pipeline.variants import BASE, TURBO, VARIANTS, check_tasks, find_variant


def test_every_published_variant_has_its_row() -> None:
    assert all(find_variant(name, "turbo" in name) == row for name, row in VARIANTS.items())
    assert find_variant("my-own-turbo", turbo=True).defaults == TURBO
    assert find_variant("my-own-sft", turbo=False) == VARIANTS["acestep-v15-sft"]
    quick = find_variant("acestep-v15-turbo", turbo=True, steps=4)
    assert quick.defaults == TURBO._replace(num_steps=4)
    assert "extract" in find_variant("acestep-v15-turbo", turbo=True, extracts=True).tasks


@pytest.mark.parametrize("asked", [Request(task="lego"), Request(stems="drums")])
def test_who_asks_a_model_for_what_others_do_is_told_how_they_are_loaded(asked: Request) -> None:
    with pytest.raises(BadRequest) as refused:
        check_tasks("mine", (), asked)
    model = "ACE-Step/acestep-v15-base"
    assert f'acestepd pull {model}, then model = "{model}"' in refused.value.hint
    assert "under models there, and /ace/model" in refused.value.hint
    assert ("/ace/model mini" in refused.value.hint) == (not asked.task), "mini takes stems out"
    assert len(refused.value.hint) < MAX_TEXT, "it is sent whole"


def test_a_model_fills_in_only_what_is_left_to_it() -> None:
    filled = BASE.fill(Request(num_steps=12))
    assert filled.num_steps == 12
    assert filled.shift == 1.0
    assert filled.guidance_scale == 7.0
    assert filled.guidance_interval == 1.0
    assert TURBO.fill(Request()).num_steps == 8
    assert TURBO.fill(Request(guidance_interval=0.0)).guidance_interval == 0
    assert TURBO.fill(Request()).guidance_interval == 0.5
