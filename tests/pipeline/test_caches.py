"""What was computed once is not computed again, and what is kept stays below its limit."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from pipeline import AceStep, load
from pipeline.caches import Cache, digest
from pipeline.guide.guide import Guide
from pipeline.request import SAMPLE_RATE, Request
from pipeline.take import Clip
from tests.guide import midi_bytes as midi

# isort: split
import mlx.core as mx

REQUEST = Request(
    plan="off",
    prompt="warm",
    lyrics="[verse]\nla",
    seconds=0.25,
    num_steps=2,
    guidance_scale=3.0,
    guidance_interval=1.0,
)


@pytest.fixture
def ace_step(light: Path) -> AceStep:
    return load(str(light), "acestep-v15-base")


def render_bytes(ace_step: AceStep, request: Request, **values: Any) -> bytes:
    clips = [event for event in ace_step.render(request.changed(values)) if isinstance(event, Clip)]
    return np.asarray(clips[0].audio).tobytes()


@pytest.fixture
def calls(ace_step: AceStep, monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each network that a reroll does not need is asked."""
    counted: Counter[str] = Counter()
    encoder = ace_step.model.networks.encoder
    networks = (
        (ace_step.model.text_encoder, "__call__"),
        (encoder.lyric_encoder, "__call__"),
        (encoder.timbre_encoder, "__call__"),
    )
    for network, name in (
        *networks,
        (ace_step.model.networks.decoder, "project_condition"),
        (ace_step.model.vae, "encode"),
    ):
        _count(type(network), name, counted, monkeypatch)
    return counted


def _count(kind: type, name: str, counted: Counter[str], monkeypatch: pytest.MonkeyPatch) -> None:
    call = getattr(kind, name)

    def counting(self: Any, *given: Any) -> Any:
        counted[kind.__name__] += 1
        return call(self, *given)

    monkeypatch.setattr(kind, name, counting)


@pytest.mark.long
@pytest.mark.parametrize("task", ["", "cover-nofsq"])
def test_a_reroll_computes_no_condition_and_encodes_nothing(
    ace_step: AceStep, calls: Counter[str], tmp_path: Path, task: str
) -> None:
    soundfile.write(tmp_path / "x.wav", 0.1 * np.ones((SAMPLE_RATE, 2)), SAMPLE_RATE)
    request = REQUEST.changed({"task": task, "source": str(tmp_path / "x.wav")} if task else {})
    first = render_bytes(ace_step, request, seed=1)
    assert set(calls) == {
        "TextEncoder",
        "LyricEncoder",
        "TimbreEncoder",
        "DiT",
        *(["VAE"] if task else []),
    }
    assert calls["DiT"] == 2  # the condition and the null condition
    before = Counter(calls)
    assert render_bytes(ace_step, request, seed=2) != first
    assert render_bytes(ace_step, request, seed=1) == first
    assert calls == before
    assert render_bytes(ace_step, request, seed=1, prompt="cold") != first
    assert calls - before == Counter({"TextEncoder": 1, "DiT": 1})


def test_a_fresh_model_gives_the_same_bytes(ace_step: AceStep, light: Path) -> None:
    render_bytes(ace_step, REQUEST, seed=1)
    assert render_bytes(ace_step, REQUEST, seed=2) == render_bytes(
        load(str(light), "acestep-v15-base"), REQUEST, seed=2
    )


def test_another_source_under_the_same_name_is_encoded_anew(
    ace_step: AceStep, calls: Counter[str], tmp_path: Path
) -> None:
    request = REQUEST.changed(
        {"task": "cover-nofsq", "source": _sine(tmp_path / "x.wav", 200), "seed": 1}
    )
    first = render_bytes(ace_step, request)
    _sine(tmp_path / "x.wav", 300)
    assert render_bytes(ace_step, request) != first
    assert calls["VAE"] == 2


def _sine(path: Path, hertz: float) -> str:
    """A quarter of a second."""
    turns = hertz * np.arange(SAMPLE_RATE // 4) / SAMPLE_RATE
    soundfile.write(path, 0.1 * np.sin(2 * np.pi * turns), SAMPLE_RATE)
    return str(path)


def test_a_reroll_plays_its_guide_once_and_another_guide_anew(
    ace_step: AceStep, monkeypatch: pytest.MonkeyPatch
) -> None:
    played: Counter[str] = Counter()
    _count(Guide, "render_in_steps", played, monkeypatch)
    request = REQUEST.changed({"guide": "auto", "guide_seed": 1, "prompt": "pop", "bpm": 120.0})
    first = render_bytes(ace_step, request, seed=1)
    second = render_bytes(ace_step, request, seed=2)
    assert played["Guide"] == 1
    assert render_bytes(ace_step, request, seed=1) == first != second
    others: tuple[dict[str, object], ...] = (
        {"guide_seed": 2},
        {"bpm": 121.0},
        {"key": "D minor"},
        {"prompt": "dark pop"},
        {"prompt": "jazz"},
        {"seconds": 0.5},
        {"loop": True},
    )
    for count, changes in enumerate(others, 2):
        render_bytes(ace_step, request, seed=1, **changes)
        assert played["Guide"] == count, changes
    render_bytes(ace_step, request, seed=3)
    assert played["Guide"] == 1 + len(others)


def test_notes_that_another_band_plays_or_another_mood_produces_are_played_anew(
    ace_step: AceStep, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Also where all that is composed stays: the notes of a MIDI file."""
    played: Counter[str] = Counter()
    _count(Guide, "render_in_steps", played, monkeypatch)
    path = tmp_path / "tune.mid"
    path.write_bytes(midi.file(0, 96, midi.track(*midi.notes([(0, 1, 60)], 96))))
    request = REQUEST.changed({"guide": str(path), "bpm": 120.0, "seed": 1})
    for count, prompt in enumerate(("pop", "jazz", "dark jazz"), 1):
        for _ in range(2):
            render_bytes(ace_step, request, prompt=prompt)
        assert played["Guide"] == count, prompt


@pytest.mark.parametrize("changes", [{"guide_seed": 2}, {"loop": True}])
def test_the_same_notes_that_are_sung_with_another_seed_or_go_round_are_played_anew(
    ace_step: AceStep,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    changes: dict[str, object],
) -> None:
    played: Counter[str] = Counter()
    _count(Guide, "render_in_steps", played, monkeypatch)
    path = tmp_path / "tune.mid"
    named = (0, midi.meta(3, "vocals"))
    tune = midi.track(named, *midi.notes([(0, 1, 60), (1, 1, 64)], 96))
    path.write_bytes(midi.file(1, 96, tune))
    sung = {"lyrics": "la la", "guide": str(path), "guide_voice": "on", "guide_seed": 1}
    request = REQUEST.changed({**sung, "bpm": 120.0, "bars": 4, "seconds": 0.0, "seed": 1})
    for each, count in ((request, 1), (request, 1), (request.changed(changes), 2)):
        render_bytes(ace_step, each)
        assert played["Guide"] == count


def test_a_guide_with_other_words_or_another_singer_is_sung_anew(
    ace_step: AceStep, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ace_step.model.config.sings
    played: Counter[str] = Counter()
    _count(Guide, "render_in_steps", played, monkeypatch)
    request = REQUEST.changed(
        {
            "prompt": "pop",
            "lyrics": "[verse]\nwe are here",
            "guide": "auto",
            "guide_seed": 1,
            "guide_voice": "on",
            "bpm": 120.0,
            "seconds": 4.0,
            "num_steps": 1,
            "seed": 1,
        }
    )
    others: tuple[dict[str, object], ...] = (
        {},
        {"lyrics": "[verse]\nwe are there"},
        {"prompt": "pop, male vocals"},
        {"prompt": "pop, less vocals"},
        {"guide_voice": "off"},
    )
    for count, changes in enumerate(others, 1):
        for _ in range(2):
            render_bytes(ace_step, request, **changes)
        assert played["Guide"] == count, changes


def test_memory_does_not_grow_with_the_number_of_takes(ace_step: AceStep) -> None:
    render_bytes(ace_step, REQUEST, seed=0)
    cached_bytes = ace_step.model.cache.bytes
    held = mx.get_active_memory()
    for seed in range(4):
        render_bytes(ace_step, REQUEST, seed=seed)
    assert ace_step.model.cache.bytes == cached_bytes
    assert mx.get_active_memory() <= held + 2**20


def test_the_least_recently_used_goes_first() -> None:
    cache = Cache(limit_mb=1.0)
    for name in ("a", "b"):
        cache.get("x", name.encode(), lambda: mx.zeros(100_000))  # 400 kB
    cache.get("x", b"a", lambda: mx.ones(1))
    cache.get("x", b"c", lambda: mx.zeros(100_000))
    assert cache.find("x", b"a") is not None
    assert cache.find("x", b"b") is None
    assert cache.bytes <= 2**20
    assert cache.count() == {"x": [2, 4]}


def test_what_is_larger_than_the_limit_is_made_and_not_kept() -> None:
    cache = Cache(limit_mb=0.0)
    assert cache.get("x", b"a", lambda: [(mx.ones(3), mx.ones(3))])[0][0].shape == (3,)
    assert cache.bytes == 0


def test_a_digest_knows_content_shape_and_kind() -> None:
    ones = mx.ones((2, 3))
    same = [digest(ones), digest(mx.ones((2, 3))), digest(np.ones((2, 3), np.float32))]
    others = [
        digest(one) for one in (ones + 1, ones.T, ones.astype(mx.bfloat16), ones.astype(mx.float16))
    ]
    assert len(set(same)) == 1
    assert len({*same, *others, digest(ones, "x")}) == 6
