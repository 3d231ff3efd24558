"""What comes out of a generation: progress, and how takes were made."""

from __future__ import annotations

import json
import pickle
from dataclasses import fields, replace

import numpy as np
import pytest

from pipeline.audio import LevelledAudio
from pipeline.peaks import LazyAudio
from pipeline.request import BadRequest, Request
from pipeline.take import PendingClip, Progress, TakeInfo, describe_machine
from pipeline.weights.adapter import Adapter
from tests.support.line_times import sung_line
from tests.support.old_requests import build_old_request

INFO = TakeInfo(
    Request(prompt="pad", seed=3),
    "mini/acestep-v15-turbo",
    bits=8,
    adapters=(Adapter("/loras/dusty", 0.5), Adapter("/loras/night")),
    timesteps=(1.0, 0.5),
    codes="1 2 3",
    lines=(sung_line("la la"),),
    sections=((0.0, "verse"), (8.5, "chorus")),
    chords=((0.0, "Am"), (2.0, "F")),
    planned={"bpm": 92.0, "key": "A minor"},
    timings={"text": 0.25, "diffusion": 1.5},
    memory={"text": 2**20, "diffusion": 2**30},
    machine=describe_machine("CPU"),
    notes=("does not sing",),
    problems=("does not sing",),
)


def test_progress_of_a_plan_is_told_in_tokens_and_never_seems_to_go_back() -> None:
    assert Progress("plan", 0.1, tokens=120, total=300).label == "plan 120/300"
    assert Progress("plan", 0.1, tokens=37).label == "plan 37"
    assert Progress("diffusion", 0.1).label == "diffusion"
    assert Progress("decode", 0.30000000000000004).fraction == 0.3


def test_every_fact_about_a_take_survives_being_json() -> None:
    missing = TakeInfo(Request(), "mini")
    optional = {spec.name for spec in fields(TakeInfo) if spec.name != "request"}
    assert not [name for name in optional if getattr(INFO, name) == getattr(missing, name)]
    for info in (INFO, missing):
        again = TakeInfo.from_json(json.loads(json.dumps(info.to_json())))
        assert again == info
        assert again.title == info.title
        assert all(isinstance(each, Adapter) for each in again.adapters)
    assert INFO.title == "mini/acestep-v15-turbo (8 bit, dusty=0.5, night)"


def test_what_an_older_acestepd_wrote_of_a_take_is_read() -> None:
    """As it was before there were chords, lines and stages of memory; and from a newer one."""
    stored = {
        "request": {"prompt": "pad", "seed": 3},
        "model": "mini/turbo",
        "bits": 8,
        "adapters": [["/loras/dusty", 0.5]],
        "timesteps": [1.0, 0.5],
        "codes": "1 2 3",
        "sections": [[0.0, "verse"]],
        "planned": {"bpm": 92.0},
        "timings": {"text": 0.25},
        "notes": ["does not sing"],
    }
    read = TakeInfo.from_json(stored)
    assert read == TakeInfo(
        build_old_request(prompt="pad", seed=3),
        "mini/turbo",
        bits=8,
        adapters=(Adapter("/loras/dusty", 0.5),),
        timesteps=(1.0, 0.5),
        codes="1 2 3",
        sections=((0.0, "verse"),),
        planned={"bpm": 92.0},
        timings={"text": 0.25},
        notes=("does not sing",),
    )
    assert TakeInfo.from_json(stored | {"not known yet": [1]}) == read


def test_facts_with_a_request_that_cannot_be_made_are_refused() -> None:
    with pytest.raises(BadRequest, match="bars"):
        TakeInfo.from_json(INFO.to_json() | {"request": {"bars": -1}})


def test_a_clip_may_be_copied_changed_and_sent_to_another_process() -> None:
    part = LazyAudio.of(np.full((2, 10_000), 0.5))
    pending = PendingClip("mix", LevelledAudio(part, 0.5), INFO, gain=0.25)
    clip = pending.render()
    assert (clip.name, clip.info, clip.gain) == ("mix", INFO, 0.25)
    assert clip.samples.shape == (2, 10_000)
    for other in (pickle.loads(pickle.dumps(clip)), replace(clip, name="rest")):
        assert np.array_equal(other.samples, np.full((2, 10_000), 0.25))
