"""The evaluation's own machinery; what it measures with is in test_voice_metrics.py."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import scipy.signal
from PIL import Image

from examples.voice import evaluate, songs
from examples.voice.evaluate import EvaluatedTake, LabelledRender
from examples.voice.metrics import Floats
from pipeline import blas
from pipeline.request import SAMPLE_RATE, VOCALS, Request
from pipeline.weights import checkpoint

ROOT = Path(__file__).parents[2]


def test_it_computes_with_the_fast_library() -> None:
    """MLX takes it only if it is there first: otherwise the table takes hours."""
    code = "import examples.voice.evaluate; from pipeline import blas; print(blas.describe())"
    environment = {name: value for name, value in os.environ.items() if name != blas.SWITCH}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "imported before" not in done.stdout


def test_what_is_learned_from_is_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []

    def render(name: str, number: int) -> LabelledRender:
        made.append(number)
        pair = (np.arange(3) / 3 + number, np.ones(2, np.float32))
        return LabelledRender("drums", "house", pair, pair)

    monkeypatch.setattr(evaluate, "render_labelled", render)
    first = evaluate.get_labelled_renders("mini", 3, map, tmp_path / "heard")
    again = evaluate.get_labelled_renders("mini", 3, map, tmp_path / "heard")
    assert made == [0, 1, 2]
    for a, b in zip(first, again):
        assert a.drums == b.drums
        assert a.style == b.style
        np.testing.assert_array_equal(
            np.concatenate(a.clean + a.decoded), np.concatenate(b.clean + b.decoded)
        )
    evaluate.get_labelled_renders("mini", 2, map, tmp_path / "heard")
    assert made == [0, 1, 2, 0, 1]
    assert not list(tmp_path.rglob("*.part"))


def test_another_vae_is_heard_anew(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    before = evaluate._fingerprint("mini")
    found = checkpoint.find("mini")
    (tmp_path / "config.json").write_text("{}")
    other = dataclasses.replace(found, vae=tmp_path)
    monkeypatch.setattr(checkpoint, "find", lambda name: other)
    assert evaluate._fingerprint("mini") != before


# --- takes beside the renders of their compositions -----------------------------------------------

PROMPT = Request("house with drums", bpm=120, key="A minor", seconds=1.0, seed=1)
NOISE = 0.1 * np.random.default_rng(1).standard_normal((SAMPLE_RATE, 2))


def make_take(take: Floats, real: Floats, song: Floats = NOISE) -> EvaluatedTake:
    clips = (clip.astype(np.float32) for clip in (take, real, real, song))
    features = (evaluate.measure_features(clip, 120) for clip in clips)
    return EvaluatedTake(PROMPT, evaluate.read_prompt(PROMPT), *features)


def test_a_softer_take_is_as_balanced_as_its_render() -> None:
    for row in evaluate.measure_balances([make_take(0.3 * NOISE, NOISE)]):
        assert row.value == pytest.approx(0, abs=1e-3), row.metric
        assert row.verdict == "ok"


def test_a_dull_narrow_take_is_off_and_it_is_told_by_how_much() -> None:
    dull = np.repeat(scipy.signal.lfilter([0.05], [1, -0.95], NOISE[:, :1], axis=0), 2, axis=1)
    off = {row.metric: row for row in evaluate.measure_balances([make_take(dull, NOISE)])}
    assert off["side/mid off by, dB"].value == pytest.approx(40, abs=1)
    assert off["centroid off by, %"].value > 40
    assert off["energy 4..8 kHz off by, dB"].verdict == "short"
    assert off["energy 4..8 kHz off by, dB"].real == 0


def test_of_a_song_whose_players_nobody_named_it_is_told_how_far_its_render_is() -> None:
    loud_highs = np.diff(NOISE, axis=0)
    rows = evaluate.measure_balances([make_take(loud_highs, loud_highs, NOISE)])
    row = next(row for row in rows if row.metric.startswith("centroid"))
    assert row.value == 0
    of_song, of_render = re.findall(r"(?:players|render) (\d+\.\d+)", row.note)
    assert float(of_song) == float(of_render) > 20


def test_the_worst_first_sample_counts() -> None:
    clicking = NOISE.copy()
    clicking[0] = 0.5
    silent = np.concatenate([np.zeros((1, 2)), NOISE])
    takes = [make_take(silent, silent), make_take(clicking, silent), make_take(silent, silent)]
    row = evaluate.measure_first_samples(takes)
    assert (row.value, row.real) == (0.5, 0.0)
    assert row.verdict == "short"
    assert evaluate.measure_first_samples(takes[:1]).verdict == "ok"


# --- stems and loops ------------------------------------------------------------------------------


@pytest.mark.parametrize("part", evaluate.STEM_TARGETS)
def test_the_stem_of_a_part_is_a_track_of_its_song_beside_others(part: str) -> None:
    seeds = range(evaluate.STEM_SEED, evaluate.STEM_SEED + 60)
    seed = next(seed for seed in seeds if evaluate.find_track(seed, part))
    song = evaluate.make_stem_song(seed, part)
    tracks = song.render_tracks()
    assert len(tracks) > 1
    assert np.abs(tracks[evaluate.find_track(seed, part)]).max() > 0.01
    assert bool(song.lyrics) == (part == VOCALS)


def test_a_song_of_one_track_has_no_stems() -> None:
    seeds = range(evaluate.STEM_SEED, evaluate.STEM_SEED + 60)
    alone = [seed for seed in seeds if len(songs.make_song(seed, 1.0).sounds) == 1]
    assert len(alone) > 3
    for seed in alone:
        assert not evaluate.find_track(seed, "drums")
        assert not evaluate.find_track(seed, "chords")


def test_what_rings_behind_the_end_of_a_loop_is_heard_at_its_beginning() -> None:
    song = songs.make_song(5, 4.0, parts=("chords",))
    request = evaluate.make_request(song, 1).changed({"bars": 1, "seconds": 0}).resolved()
    clip, loop = (
        evaluate.render_composition(request.changed({"loop": each})) for each in (False, True)
    )
    assert len(clip) == len(loop) == request.samples
    assert np.abs(loop - clip)[: SAMPLE_RATE // 10].max() > 1e-3


@pytest.mark.parametrize("part", ["drums", VOCALS])
def test_a_guide_tells_a_stem_nearly_as_well_as_the_vae_can_give_it_back(part: str) -> None:
    seeds = range(evaluate.STEM_SEED, evaluate.STEM_SEED + 60)
    seed = next(seed for seed in seeds if evaluate.find_track(seed, part))
    song = evaluate.make_stem_song(seed, part)
    track = evaluate.find_track(seed, part)
    guide = song.render_guide_tracks(song.caption, track)
    np.testing.assert_allclose(sum(guide.values()), song.render_guide(), atol=1e-5)
    stem = evaluate.measure_stem("mini", part, seed)
    assert stem.known > stem.through_vae - 2
    assert stem.known > stem.mix + 2 or part == VOCALS


@pytest.mark.long
def test_loops_of_mini_do_not_click() -> None:
    ours, theirs = evaluate.measure_seams("mini", 0)
    assert ours <= 1
    assert theirs <= 1


# --- the table ------------------------------------------------------------------------------------

GOALS = (  # in the order of the table
    "VAE log-mel distance",
    "VAE SI-SDR",
    "VAE harmonics",
    "VAE comb",
    "energy 1..4 kHz",
    "energy 4..8 kHz",
    "side/mid",
    "crest",
    "centroid",
    "tempo right",
    "in-key energy",
    "key top-1",
    "drums present or absent right, clean",
    "style recognised, relative to real, clean",
    "stems: SI-SDR of a take's drums",
    "stems: SI-SDR of a take's bass",
    "stems: SI-SDR of a take's vocals",
    "first sample",
    "seam of a loop",
    "takes neither NaN nor silent",
    "takes of -26..-10 dBFS RMS",
    "takes with peaks below -1 dBFS",
    "two seeds of a prompt: the least",
    "8 s take",
)


@pytest.mark.long
@pytest.mark.timeout(900)
def test_one_command_prints_every_goal_and_draws_both_pictures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sizes = "--takes 2 --songs 1 --silent-check 2 --learn 40 --lines 1 --processes 1".split()
    names = {"picture": "takes.png", "words": "words.png", "json": "table.json", "cache": "heard"}
    files = [text for name, file in names.items() for text in (f"--{name}", str(tmp_path / file))]
    monkeypatch.setattr(sys, "argv", ["evaluate", "mini", *sizes, *files])
    evaluate.main()
    table = json.loads((tmp_path / "table.json").read_text())
    aimed = [row["metric"] for row in table if row["target"] is not None]
    places = [
        next(place for place, name in enumerate(aimed) if name.startswith(goal)) for goal in GOALS
    ]
    assert places == sorted(places)
    printed = capsys.readouterr().out
    assert all(row["metric"] in printed for row in table)
    for name in ("takes", "words"):
        with Image.open(tmp_path / f"{name}.png") as picture:
            assert min(picture.size) > 100
