"""Each task from OSC, with the embedded voice; and wrong inputs, which are answered and cost nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from daemon.service import Daemon
from tests.osc_client import OscClient

RATE = 48_000


@pytest.fixture(scope="module")
def song(daemon: Daemon) -> str:
    path = daemon.settings.out / "song.wav"
    time = np.arange(2 * RATE) / RATE
    soundfile.write(path, 0.3 * np.sin(2 * np.pi * 220 * time)[:, None] * [1.0, 0.8], RATE, "PCM_24")
    return str(path)


def made(client: OscClient, id: str, *values: Any) -> dict[str, np.ndarray]:
    """The files of a job, by stem."""
    client.send("/ace/generate", id, "num_steps", 2, "seed", 1, *values)
    heard = client.until_end(id)
    assert heard[-1][0] == "/ace/finished", heard[-1]
    return {v[1]: soundfile.read(v[2], dtype="float32")[0] for address, v in heard if address == "/ace/clip"}


def refused(client: OscClient, id: str, *values: Any) -> str:
    client.send("/ace/generate", id, "num_steps", 2, *values)
    address, said = client.until_end(id)[-1]
    assert address == "/ace/fail"
    return " ".join(map(str, said))


@pytest.mark.parametrize("task", ["cover", "cover-nofsq", "repaint", "inpaint"])
def test_a_task_makes_a_mix_as_long_as_its_source(client: OscClient, song: str, task: str) -> None:
    files = made(client, f"task {task}", "task", task, "source", song)
    assert {name: len(clip) for name, clip in files.items()} == {"mix": 2 * RATE}


def test_a_window_in_bars_is_repainted_and_the_rest_stays(client: OscClient, song: str) -> None:
    wish = "task", "repaint", "source", song, "bpm", 240, "repaint_bar", 2, "repaint_bars", 1, "repaint_strength", 1
    files = made(client, "bars", *wish)
    there = soundfile.read(song, dtype="float32")[0]
    np.testing.assert_allclose(files["mix"][:RATE], there[:RATE], atol=1e-6)
    assert not np.allclose(files["mix"][RATE:], there[RATE:], atol=1e-3)


@pytest.mark.parametrize("task", ["", "extract"])
def test_the_files_of_stems_and_the_rest_add_up(client: OscClient, song: str, task: str) -> None:
    source = ("task", task, "source", song) if task else ("prompt", "house", "seconds", 2)
    files = made(client, f"stems_{task}", "stems", "drums bass", *source)
    mix = files.pop("mix", None)
    assert [*files] == ["drums", "bass", "rest"]
    mix = soundfile.read(song, dtype="float32")[0] if mix is None else mix
    half_a_step = 2.0**-24  # of a 24-bit file, for each of the four, and float32's own
    assert np.abs(sum(clip.astype(np.float64) for clip in files.values()) - mix).max() <= 4 * half_a_step + 2**-23


def test_a_loop_lands_with_bars_to_the_sample(client: OscClient) -> None:
    files = made(client, "loop", "prompt", "house", "loop", 1, "bars", 1, "bpm", 123)
    assert len(files["mix"]) == round(4 * 60 / 123 * RATE)


def counted(client: OscClient) -> dict[str, list[int]]:
    """Hits and misses by kind."""
    client.send("/ace/status")
    client.send("/ace/sync", 7)
    return {values[0]: values[1:] for address, values in client.until("/ace/synced") if address == "/ace/cache"}


def test_a_clip_that_was_made_here_is_repainted_without_encoding(client: OscClient, daemon: Daemon) -> None:
    client.send("/ace/generate", "own", "num_steps", 2, "seed", 1, "prompt", "house", "bars", 2, "bpm", 120)
    (path,) = (values[2] for address, values in client.until_end("own") if address == "/ace/clip")
    assert list((daemon.settings.state / "latents").glob("*.npz"))
    before = counted(client).get("source")
    made(client, "again", "task", "repaint", "source", path, "repaint_start", 2)
    assert counted(client).get("source") == before
    made(client, "drawn", "task", "repaint", "source", path, "repaint_start", 2, "source_seed", 5)
    assert counted(client)["source"] != before


def test_a_preview_is_told_before_the_clip(client: OscClient) -> None:
    client.send("/ace/generate", "early", "prompt", "house", "seconds", 1, "num_steps", 4, "preview", 2)
    heard = client.until_end("early")
    kinds = [address for address, _ in heard if address != "/ace/progress"]
    assert kinds == ["/ace/queued", "/ace/preview", "/ace/clip", "/ace/finished"]
    ((_, step, path),) = (values for address, values in heard if address == "/ace/preview")
    assert step == 2
    assert Path(path).parent.name == "previews"
    assert len(soundfile.read(path)[0]) == RATE


def test_status_says_what_was_not_computed_again(client: OscClient) -> None:
    for id in ("one", "again"):
        made(client, id, "prompt", "the same words", "seconds", 1)
    kept = counted(client)
    assert {"text", "lyrics", "timbre", "cross", "guide"} <= set(kept)
    assert all(hits > 0 and misses > 0 for hits, misses in kept.values())


def test_wrong_inputs_are_answered_clearly(client: OscClient, daemon: Daemon, song: str) -> None:
    out = daemon.settings.out
    (out / "empty.wav").write_bytes(b"")
    (out / "text.wav").write_text("a shopping list")
    soundfile.write(out / "no samples.wav", np.zeros((0, 2)), RATE)
    before = sorted(out.iterdir())
    cover = "task", "cover", "source"
    assert "cover needs a source" in refused(client, "w1", "task", "cover")
    assert "404 there is no file" in refused(client, "w2", *cover, str(out / "no.wav"))
    assert "repaint_end must come after repaint_start" in refused(
        client, "w3", "task", "repaint", "source", song, "repaint_start", 1.5, "repaint_end", 1
    )
    assert "names of tracks (woodwinds" in refused(client, "w4", "stems", "drums, kazoo")
    for number, name in enumerate(("empty.wav", "text.wav")):
        assert f"{name} is not readable audio" in refused(client, f"w5{number}", *cover, str(out / name))
    assert "0.1..600 seconds, got 0" in refused(client, "w6", *cover, str(out / "no samples.wav"))
    assert "mini/acestep-v15-turbo cannot lego; acestep-v15-base" in refused(
        client, "w7", "task", "lego", "source", song, "stems", "drums"
    )
    assert "steps before the last of 2, got 2" in refused(client, "w8", "prompt", "x", "preview", "2")
    assert sorted(out.iterdir()) == before


def test_three_channels_are_folded_and_the_take_says_so(client: OscClient, daemon: Daemon) -> None:
    path = daemon.settings.out / "three.wav"
    soundfile.write(path, 0.1 * np.ones((RATE, 3)), RATE)
    client.send("/ace/generate", "three", "num_steps", 2, "task", "cover", "source", str(path))
    _, values = client.until_end("three")[-1]
    assert "three.wav has 3 channels" in Path(values[2]).read_text()
