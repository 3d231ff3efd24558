"""Each task from OSC, with the embedded voice; and wrong inputs, which are answered and cost
nothing.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from daemon.service import Daemon
from tests.support.generated import RATE, generate_failure, generate_files, write_tone
from tests.support.osc_client import OscClient


@pytest.fixture(scope="module")
def song(daemon: Daemon) -> str:
    return write_tone(daemon.settings.out, 0.3)


@pytest.mark.parametrize("task", ["cover", "cover-nofsq", "repaint", "inpaint"])
def test_a_task_makes_a_mix_as_long_as_its_source(client: OscClient, song: str, task: str) -> None:
    files = generate_files(client, f"task {task}", "task", task, "source", song)
    assert {name: len(clip) for name, clip in files.items()} == {"mix": 2 * RATE}


def test_a_window_in_bars_is_repainted_and_the_rest_stays(client: OscClient, song: str) -> None:
    values = (
        "task",
        "repaint",
        "source",
        song,
        "bpm",
        240,
        "repaint_bar",
        2,
        "repaint_bars",
        1,
        "repaint_strength",
        1,
    )
    files = generate_files(client, "bars", *values)
    there = soundfile.read(song, dtype="float32")[0]
    np.testing.assert_allclose(files["mix"][:RATE], there[:RATE], atol=1e-6)
    assert not np.allclose(files["mix"][RATE:], there[RATE:], atol=1e-3)


@pytest.mark.long
@pytest.mark.parametrize("task", ["", "extract"])
def test_the_files_of_stems_and_the_rest_add_up(client: OscClient, song: str, task: str) -> None:
    source = ("task", task, "source", song) if task else ("prompt", "house", "seconds", 0.5)
    files = generate_files(client, f"stems_{task}", "stems", "drums bass", *source)
    mix = files.pop("mix", None)
    assert [*files] == ["drums", "bass", "rest"]
    mix = soundfile.read(song, dtype="float32")[0] if mix is None else mix
    half_a_step = 2.0**-24  # of a 24-bit file, for each of the four, and float32's own
    assert (
        np.abs(sum(clip.astype(np.float64) for clip in files.values()) - mix).max()
        <= 4 * half_a_step + 2**-23
    )


@pytest.mark.long
def test_a_loop_lands_with_bars_to_the_sample(client: OscClient) -> None:
    files = generate_files(client, "loop", "prompt", "house", "loop", 1, "bars", 1, "bpm", 123)
    assert len(files["mix"]) == round(4 * 60 / 123 * RATE)


def counted(client: OscClient) -> dict[str, list[int]]:
    """Hits and misses by kind."""
    client.send("/ace/status")
    client.send("/ace/sync", 7)
    return {
        values[0]: values[1:]
        for address, values in client.until("/ace/synced")
        if address == "/ace/cache"
    }


@pytest.mark.long
def test_a_clip_that_was_made_here_is_repainted_without_encoding(
    client: OscClient, daemon: Daemon
) -> None:
    client.send(
        "/ace/generate", "own", "num_steps", 2, "seed", 1, "prompt", "house", "bars", 1, "bpm", 120
    )
    (path,) = (values[2] for address, values in client.until_end("own") if address == "/ace/clip")
    assert list((daemon.settings.state / "latents").glob("*.npz"))
    before = counted(client).get("source")
    generate_files(client, "again", "task", "repaint", "source", path, "repaint_start", 1)
    assert counted(client).get("source") == before
    generate_files(
        client, "drawn", "task", "repaint", "source", path, "repaint_start", 1, "source_seed", 5
    )
    assert counted(client)["source"] != before


@pytest.mark.long
def test_a_preview_is_told_before_the_clip(client: OscClient) -> None:
    client.send(
        "/ace/generate", "early", "prompt", "house", "seconds", 1, "num_steps", 4, "preview", 2
    )
    received = client.until_end("early")
    kinds = [address for address, _ in received if address != "/ace/progress"]
    assert kinds == ["/ace/queued", "/ace/preview", "/ace/clip", "/ace/finished"]
    ((_, step, path),) = (values for address, values in received if address == "/ace/preview")
    assert step == 2
    assert Path(path).parent.name == "previews"
    assert len(soundfile.read(path)[0]) == RATE


def test_status_says_what_was_not_computed_again(client: OscClient) -> None:
    for id in ("one", "again"):
        generate_files(client, id, "prompt", "the same words", "seconds", 0.5)
    counts = counted(client)
    assert {"text", "lyrics", "timbre", "cross", "guide"} <= set(counts)
    assert all(hits > 0 and misses > 0 for hits, misses in counts.values())


@pytest.fixture(scope="module")
def wrong(daemon: Daemon) -> Path:
    """A folder that messages may name files in, with files that are no use."""
    folder = daemon.settings.out / "wrong"
    (folder / "folder.wav").mkdir(parents=True)
    (folder / "empty.wav").write_bytes(b"")
    (folder / "text.wav").write_text("a shopping list")
    (folder / "note.mid").write_text("a shopping list")
    sounds = {
        "no samples": (0, 0),
        "short": (100, 0),
        "silent": (RATE, 0),
        "nan": (RATE, np.nan),
        "huge": (RATE, 1e30),
    }
    for name, (samples, value) in sounds.items():
        soundfile.write(folder / f"{name}.wav", np.full((samples, 2), float(value)), RATE, "FLOAT")
    soundfile.write(folder / "long.wav", np.zeros(601 * 8000), 8000)
    (folder / "torn.wav").write_bytes((folder / "silent.wav").read_bytes()[:30])
    return folder


@pytest.mark.parametrize(
    ("values", "says"),
    [
        (("task", "cover"), "400 cover needs a source"),
        (("task", "cover", "source", "@no.wav"), "404 there is no file"),
        (("task", "cover", "source", "@folder.wav"), "404 there is no file"),
        (("task", "cover", "source", "@empty.wav"), "422 source: empty.wav is not readable audio"),
        (("task", "cover", "source", "@text.wav"), "422 source: text.wav is not readable audio"),
        (("task", "cover", "source", "@torn.wav"), "422 source: torn.wav is not readable audio"),
        (
            ("task", "cover", "source", "@nan.wav"),
            "422 source: nan.wav holds numbers that are not finite",
        ),
        (
            ("task", "cover", "source", "@huge.wav"),
            "422 source: huge.wav must stay below 1000 (1 is full scale), got 1e+30",
        ),
        (("reference", "@huge.wav"), "422 reference: huge.wav must stay below 1000"),
        (("task", "cover", "source", "@no samples.wav"), "422 source: no samples.wav is empty"),
        (
            ("task", "extract", "source", "@no samples.wav", "seconds", 2),
            "422 source: no samples.wav is empty",
        ),
        (
            ("task", "cover", "source", "@short.wav"),
            "422 source must make a clip of 0.1..600 seconds, got 0.002",
        ),
        (
            ("task", "cover", "source", "@long.wav"),
            "422 source must make a clip of 0.1..600 seconds, got more than 600",
        ),
        (("reference", "@no.wav"), "404 there is no file"),
        (("reference", "@text.wav"), "422 reference: text.wav is not readable audio"),
        (
            ("reference", "@short.wav"),
            "422 reference: short.wav has 0.00208 s, at least 0.1 s are needed",
        ),
        (("reference", "@silent.wav"), "422 reference: silent.wav is silent"),
        (("guide", "@note.mid"), "422 guide: "),
        (
            ("task", "repaint", "source", "@silent.wav", "repaint_start", 1.5, "repaint_end", 1),
            "422 repaint_end must",
        ),
        (
            ("task", "repaint", "source", "@silent.wav", "repaint_start", 9),
            "422 repaint_start must be inside",
        ),
        (
            (
                "task",
                "repaint",
                "source",
                "@silent.wav",
                "repaint_start",
                0.5,
                "repaint_end",
                0.50001,
            ),
            "422 the window must last at least 0.04 s, got 0 s",
        ),
        (
            ("task", "repaint", "source", "@silent.wav", "repaint_start", 0.99999),
            "422 the window must last at least",
        ),
        (("task", "repaint", "source", "@silent.wav", "loop", 1), "422 repaint keeps its source"),
        (("task", "lego", "source", "@silent.wav"), "400 lego needs to know which tracks"),
        (
            ("task", "lego", "source", "@silent.wav", "stems", "drums"),
            "422 mini/acestep-v15-turbo cannot lego; acestep-v15-base and acestep-v15-xl-base can",
        ),
        (
            ("task", "complete", "source", "@silent.wav"),
            "422 mini/acestep-v15-turbo cannot complete; acestep-v15-base",
        ),
        (("stems", "drums, kazoo"), "422 stems must be names of tracks (woodwinds"),
        (("stems", "backing vocals"), "did you mean backing_vocals?"),
        (("codes", "1 2 many"), "422 codes must be whole numbers in 0..63999"),
        (("codes", "1 2 3"), "422 mini/acestep-v15-turbo has no audio codes"),
        (("preview", "2"), "422 preview must be steps before the last of 2, got 2"),
    ],
)
def test_a_wrong_input_is_answered_clearly_and_costs_nothing(
    client: OscClient, daemon: Daemon, wrong: Path, values: tuple[Any, ...], says: str
) -> None:
    before = sorted(daemon.settings.out.iterdir())
    named = [
        str(wrong / value[1:]) if isinstance(value, str) and value[0] == "@" else value
        for value in values
    ]
    failure = generate_failure(client, f"wrong {says}".strip(), "seed", 1, *named)
    assert says in failure
    assert sorted(daemon.settings.out.iterdir()) == before


def test_a_silent_source_is_covered_and_the_take_says_so(client: OscClient, wrong: Path) -> None:
    client.send(
        "/ace/generate",
        "hush",
        "num_steps",
        2,
        "seed",
        1,
        "task",
        "cover",
        "source",
        str(wrong / "silent.wav"),
    )
    address, values = client.until_end("hush")[-1]
    assert address == "/ace/finished"
    assert "silent.wav is silent: there was nothing to follow" in Path(values[2]).read_text()


def test_a_source_without_a_task_is_not_used_and_the_take_says_so(
    client: OscClient, song: str
) -> None:
    client.send(
        "/ace/generate", "idle", "prompt", "house", "num_steps", 2, "seconds", 1, "source", song
    )
    _, values = client.until_end("idle")[-1]
    assert "song.wav was not used: no task was given" in Path(values[2]).read_text()


def test_three_channels_are_folded_and_the_take_says_so(client: OscClient, daemon: Daemon) -> None:
    path = daemon.settings.out / "three.wav"
    soundfile.write(path, 0.1 * np.ones((RATE, 3)), RATE)
    client.send("/ace/generate", "three", "num_steps", 2, "task", "cover", "source", str(path))
    _, values = client.until_end("three")[-1]
    assert "three.wav has 3 channels" in Path(values[2]).read_text()


def test_work_on_a_sound_goes_by_that_sound_and_not_by_the_session(
    daemon: Daemon, client: OscClient
) -> None:
    source = daemon.settings.out / "dusk_240bpm_Ebmin.wav"
    soundfile.write(source, np.zeros((RATE, 2)), RATE)
    for name, value in {"bpm": 92, "bars": 4, "prompt": "techno"}.items():
        client.ask(f"/ace/set/{name}", value)
    try:
        client.send("/ace/generate", "by", "task", "extract", "source", str(source), "seed", 7)
        transcript = client.until_end("by")
    finally:
        for name, unset in {"bpm": 0, "bars": 0, "prompt": ""}.items():
            client.ask(f"/ace/set/{name}", unset)
    clips = [values for address, values in transcript if address == "/ace/clip"]
    assert [Path(clip[2]).name for clip in clips] == [
        f"dusk_240bpm_Ebmin_1bars_s7_{stem}.wav" for stem in ("drums", "bass", "rest")
    ]
    assert {clip[3] for clip in clips} == {240.0}
    notes = [values[1] for address, values in transcript if address == "/ace/note"]
    assert "the session is at 92 bpm, and the source at 240 bpm: it is 240 bpm" in notes
    assert "the source: 1 bar, 240 bpm, Eb minor (its name)" in notes
    journaled = daemon.engine.journal.search("by")[0]
    assert (journaled.request.bpm, journaled.request.bars) == (240, 1)
    # a clip of ours is known by its manifest, whatever its name says
    renamed = Path(clips[0][2]).rename(daemon.settings.out / "x_99bpm.wav")
    Path(clips[0][2].replace("_drums.wav", ".json")).rename(renamed.with_suffix(".json"))
    client.send("/ace/generate", "on", "task", "cover", "source", str(renamed), "bpm", 100)
    notes = [values[1] for address, values in client.until_end("on") if address == "/ace/note"]
    assert "the source: 1 bar, 240 bpm, 4/4, Eb minor (its manifest)" in notes
    assert "the source is at 240 bpm, and 100 bpm was asked for: it is 100 bpm" in notes
