"""What a model says of a request, without its networks."""

from __future__ import annotations

import dataclasses
import json

import pytest

from pipeline.capabilities import Capabilities
from pipeline.explain import explain_request
from pipeline.planner.metadata import metadata_of
from pipeline.prompts import build_prompts
from pipeline.request import BadRequest, Request
from pipeline.variants import TURBO, VARIANTS

OFFICIAL = Capabilities(
    "ace/turbo",
    VARIANTS["acestep-v15-turbo"].tasks,
    TURBO,
    turbo=True,
    plays_guides=False,
    sings=True,
)
VOICE = dataclasses.replace(
    OFFICIAL, name="mini", tasks=(*OFFICIAL.tasks, "extract"), plays_guides=True, sings=False
)


def test_an_accepted_request_has_the_models_defaults() -> None:
    accepted = OFFICIAL.accept(Request(prompt="x", num_steps=4))
    assert accepted.num_steps == 4
    assert accepted.shift == TURBO.shift
    assert OFFICIAL.accept(accepted) == accepted
    assert len(OFFICIAL.build_timesteps(accepted)) == 4


@pytest.mark.parametrize(
    ("capabilities", "values", "says"),
    [
        (OFFICIAL, {"task": "understand"}, "understand makes words, and no sound"),
        (OFFICIAL, {"task": "lego"}, "ace/turbo cannot lego; acestep-v15-base and"),
        (OFFICIAL, {"stems": "drums"}, "cannot take stems out of a clip; mini and acestep"),
        (VOICE, {"codes": "1 2"}, "mini has no audio codes"),
        (VOICE, {"plan": "on"}, "this voice has no audio codes, so nothing can be planned"),
        (
            OFFICIAL,
            {"plan": "simple", "task": "cover"},
            "cover follows its source, there is nothing",
        ),
        (OFFICIAL, {"plan": "rewrite", "guide": "auto"}, "the guide says what is played, there is"),
        (
            OFFICIAL,
            {"timesteps": "1 " + " ".join(f"{1 - step / 30:.3f}" for step in range(1, 25))},
            "turbo takes at most 20 timesteps",
        ),
        (OFFICIAL, {"preview": "8"}, "preview must be steps before the last of 8, got 8"),
    ],
)
def test_what_a_model_cannot_make_is_refused(
    capabilities: Capabilities, values: dict[str, object], says: str
) -> None:
    with pytest.raises(BadRequest, match=says):
        capabilities.accept(Request().changed(values))


def test_what_a_model_can_do_is_kept_as_json() -> None:
    kept = json.loads(json.dumps(dataclasses.asdict(VOICE)))
    assert Capabilities.from_json(kept) == VOICE


def test_a_guide_that_is_left_open_is_the_models_own() -> None:
    assert OFFICIAL.default_guide(Request()) == "off"
    assert VOICE.default_guide(Request()) == "auto"
    assert VOICE.default_guide(Request(task="repaint")) == "auto"
    assert VOICE.default_guide(Request(task="cover")) == "off"


def test_limits_are_described_in_order() -> None:
    notes = VOICE.describe_limits(Request(source="a.wav", reference="b.wav"))
    assert notes == (
        "a.wav was not used: no task was given",
        "mini was not taught to sound like a reference: it may not follow it",
    )


def test_a_time_signature_that_models_do_not_know_is_told_of() -> None:
    assert not explain_request(Request(time_signature="6/8"))
    (note,) = explain_request(Request(time_signature="7/8"))
    assert "not told 7/8" in note
    assert "- timesignature: N/A" in build_prompts(Request(time_signature="7/8"))[0]
    assert "timesignature" not in metadata_of(Request(time_signature="7/8", bars=4))
    assert metadata_of(Request(time_signature="6/8", bars=4))["timesignature"] == "6"
