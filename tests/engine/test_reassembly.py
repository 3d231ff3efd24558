from __future__ import annotations

import numpy as np

from daemon.engine.reassembly import Reassembly
from daemon.messages import MixLatents, RenderClip


def test_a_take_is_complete_with_all_that_came_under_its_ticket_and_then_gone() -> None:
    reassembly = Reassembly()
    audio = np.arange(8, dtype=np.float32).reshape(2, 4)
    for ticket, name in ((1, "mix"), (2, "mix"), (1, "drums")):
        reassembly.add_clip(RenderClip(ticket, name, audio * np.float32(ticket)))
    message = MixLatents(1, "abc", 0.5, np.ones((3, 64), np.float32))
    reassembly.add_latents(message)
    clips, latents = reassembly.pop(1)
    assert [clip.name for clip in clips] == ["mix", "drums"]
    assert np.array_equal(clips[0].audio, audio)
    assert latents is message
    assert reassembly.pop(1) == ((), None)
    assert np.array_equal(reassembly.pop(2)[0][0].audio, audio * 2)


def test_nothing_of_a_worker_that_ended_is_left() -> None:
    reassembly = Reassembly()
    reassembly.add_clip(RenderClip(1, "mix", np.zeros((1, 1), np.float32)))
    reassembly.add_latents(MixLatents(1, "", 1.0, np.zeros((1, 64), np.float32)))
    reassembly.clear()
    assert reassembly.pop(1) == ((), None)
