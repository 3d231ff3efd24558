from __future__ import annotations

import numpy as np
import pytest

from daemon.engine.reassembly import Reassembly
from daemon.landing.arriving_take import Abandoned
from daemon.messages import MixLatents, RenderClip, RenderDescribed
from pipeline.request import Request
from pipeline.take import TakeInfo

INFO = TakeInfo(Request(), "mini")


def test_a_take_has_all_that_came_under_its_ticket() -> None:
    reassembly = Reassembly()
    audio = np.arange(8, dtype=np.float32).reshape(2, 4)
    first, second = (reassembly.begin(RenderDescribed(ticket, INFO, 4)) for ticket in (1, 2))
    for ticket, name in ((1, "mix"), (2, "mix"), (1, "drums")):
        reassembly.add_clip(RenderClip(ticket, name, audio * np.float32(ticket)))
    latents = MixLatents(1, "abc", 0.5, np.ones((3, 64), np.float32))
    reassembly.add_latents(latents)
    assert reassembly.pop(1) is first
    assert first.latents is latents
    for take in (first, second):
        take.finish(INFO)
    clips = [(clip.name, clip.read_whole()) for clip in first.read_clips()]
    assert [name for name, _ in clips] == ["mix", "drums"]
    assert np.array_equal(clips[1][1], audio)
    (mix,) = (clip.read_whole() for clip in second.read_clips())
    assert np.array_equal(mix, audio * 2)


def test_whoever_reads_a_take_of_a_worker_that_ended_is_told() -> None:
    reassembly = Reassembly()
    takes = [reassembly.begin(RenderDescribed(ticket, INFO, 4)) for ticket in (1, 2, 3)]
    reassembly.abandon(1, 4)
    reassembly.begin(RenderDescribed(2, INFO, 4))
    reassembly.close()
    for take in takes:
        assert not take.wait()
        with pytest.raises(Abandoned):
            next(take.read_clips())
