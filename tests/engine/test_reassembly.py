from __future__ import annotations

import numpy as np

from daemon.engine.reassembly import LATENT, Reassembly, samples


def test_a_take_is_complete_with_all_that_came_under_its_ticket_and_then_gone() -> None:
    parcels = Reassembly()
    audio = np.arange(8, dtype=np.float32).reshape(2, 4)
    for ticket, name in ((1, "mix"), (2, "mix"), (1, "drums")):
        parcels.sound({"job": ticket, "name": name, "channels": 2}, (audio * ticket).tobytes())
    frames = np.ones((3, LATENT), np.float32)
    parcels.latents({"job": 1, "vae": "abc", "gain": 0.5}, frames.tobytes())
    sounds, latents = parcels.take(1)
    assert [sound.name for sound in sounds] == ["mix", "drums"]
    assert np.array_equal(sounds[0].audio, audio)
    assert latents is not None
    assert latents.vae == "abc"
    assert latents.stored.gain == 0.5
    assert latents.stored.latents.shape == (3, LATENT)
    assert parcels.take(1) == ((), None)
    assert np.array_equal(parcels.take(2)[0][0].audio, audio * 2)


def test_nothing_of_a_worker_that_ended_is_left() -> None:
    parcels = Reassembly()
    parcels.sound({"job": 1, "name": "mix", "channels": 1}, bytes(4))
    parcels.latents({"job": 1, "vae": "", "gain": 1.0}, bytes(4 * LATENT))
    parcels.clear()
    assert parcels.take(1) == ((), None)


def test_channels_come_one_after_the_other() -> None:
    assert samples(np.array([1, 2, 3, 4], np.float32).tobytes()).tolist() == [[1, 2], [3, 4]]
