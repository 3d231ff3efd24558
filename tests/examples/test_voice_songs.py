"""The recipe of the embedded voice: what is learned from is what is sketch for, and what is written
can be loaded.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from examples.voice import bands, layout, rendering, songs
from pipeline.guide import palette
from pipeline.guide.bands import BANDS, choose_sounds
from pipeline.guide.composer.captions import read_caption
from pipeline.guide.composer.meter import read_meter
from pipeline.guide.guide import resolve_guide
from pipeline.guide.tracks import TRACK_OF
from pipeline.prompt_reading import read_prompt
from pipeline.request import SAMPLE_RATE, Request
from pipeline.singing import put_before
from pipeline.steps import complete
from pipeline.weights.tensors import read_torch


@pytest.mark.parametrize("singing", [False, True])
def test_a_caption_asks_for_the_song_it_was_written_for(singing: bool) -> None:
    for seed in range(300):
        song = songs.make_song(seed, 8.0, singing=singing)
        text = song.write_caption(np.random.default_rng(seed))
        sketch = read_caption(text, bpm=0, key="", bars=1, meter=read_meter(4), seed=1).sketch
        assert sketch.style == song.sketch.style
        assert sketch.parts == song.sketch.parts


def test_a_number_is_always_the_same_song() -> None:
    one, again = (songs.make_song(7, 3.0) for _ in range(2))
    assert one.render_mix().tobytes() == again.render_mix().tobytes()
    assert one.render_mix().tobytes() != songs.make_song(8, 3.0).render_mix().tobytes()


@pytest.mark.parametrize("style", ["lo-fi", "metal", "ambient"])
def test_the_guide_of_a_song_is_the_one_of_a_take_that_is_composed_alike(style: str) -> None:
    asked = Request(f"dreamy {style}", guide="auto", bars=2, seed=5)
    request, guide = resolve_guide(asked.resolved())
    assert guide
    assert guide.caption
    song = songs.Song(guide.caption.sketch, "dreamy", guide.sounds, request.length, 5)
    rendered = complete(guide.render_in_steps(request.samples))
    assert song.render_guide().tobytes() == rendered.tobytes()


def find_songs(seconds: float, sung: bool) -> Iterator[songs.Song]:
    """Those of all numbers that are sung, or that are not where they might have been."""
    made = (songs.make_song(seed, seconds, singing=True) for seed in itertools.count())
    return (song for song in made if bool(song.lyrics) == sung)


def test_a_quarter_of_the_songs_is_sung_by_men_and_women() -> None:
    made = [songs.make_song(seed, 8.0, singing=True) for seed in range(400)]
    sung = [song for song in made if song.lyrics]
    assert 60 < len(sung) < 110
    assert {song.singer for song in sung} == {"man", "woman"}
    assert not any(song.sketch.style in bands.UNSUNG for song in sung)
    assert not any(songs.make_song(song.seed, 8.0).lyrics for song in sung)


def test_songs_that_nobody_sings_stay_what_they_are() -> None:
    song = next(find_songs(2.0, sung=False))
    assert song == songs.make_song(song.seed, 2.0)
    played = (song.score, song.sounds, song.samples, song.production)
    usual = choose_sounds(song.sketch.style)
    plain = palette.render_mix(song.score, usual, song.samples, song.production)
    assert song.render_mix().tobytes() == palette.render_mix(*played).tobytes()
    assert song.render_guide().tobytes() == plain.tobytes()
    stems = palette.render(*played)
    assert {role: stem.tobytes() for role, stem in song.render_stems().items()} == {
        role: stem.tobytes() for role, stem in stems.items()
    }


def test_a_sung_number_is_always_the_same_song() -> None:
    song = next(find_songs(3.0, sung=True))
    again = songs.make_song(song.seed, 3.0, singing=True)
    assert song.lyrics == again.lyrics
    assert song.render_mix().tobytes() == again.render_mix().tobytes()


def test_captions_mostly_say_who_sings() -> None:
    told = []
    for song in itertools.islice(find_songs(8.0, sung=True), 80):
        said = read_prompt(song.write_caption(np.random.default_rng(song.seed))).singer.value
        assert said in ("", song.singer)
        told.append(bool(said))
    assert 0.6 < np.mean(told) < 1


def test_vocals_are_put_before_a_guide_and_a_mix_as_a_take_has_them() -> None:
    song = next(find_songs(4.0, sung=True))
    usual = choose_sounds(song.sketch.style)
    plain = palette.render_mix(song.score, usual, song.samples, song.production)
    assert np.array_equal(song.render_guide(), np.add(*complete(put_before(plain, song.vocals))))
    played = palette.render_mix(song.score, song.sounds, song.samples, song.production)
    band, vocals = complete(put_before(played, song.vocals))
    heard = song.render_band()
    assert {*heard} == {"band", "vocals"}
    balanced = heard["band"] * vocals, heard["vocals"] * band
    assert np.allclose(*balanced, atol=1e-6), "one is as much louder than the other"
    louder = np.mean(song.render_mix() ** 2) / np.mean(played**2)
    assert abs(10 * np.log10(louder)) < 1
    assert np.abs(song.render_mix()).max() < 1
    assert np.abs(heard["vocals"]).max() > 0.1


def test_a_lesson_has_the_stems_of_every_third_song_and_all_vocals(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(songs, "SECONDS", 1.0)
    kinds = set()
    for number in range(30):
        song = songs.make_lesson(number)
        kind = (number % 3 == 0, bool(song.lyrics))
        if kind in kinds or len(song.sketch.parts) == 1:
            continue
        kinds.add(kind)
        lesson = rendering.render_lesson(number)
        tracks = {TRACK_OF[song.sounds[note.role]] for note in song.score.notes}
        taken_apart = tracks if kind[0] else set()
        assert {*lesson.stems} == taken_apart | ({"vocals"} if song.lyrics else set())
        assert np.allclose(lesson.mix, song.render_mix(), atol=1e-6)
        assert np.array_equal(lesson.guide, song.render_guide())
    assert len(kinds) == 4


@pytest.mark.long
def test_a_singer_sings_a_fifth_of_the_excerpts() -> None:
    sung: list[int] = []

    def sing(seed: int, seconds: float) -> songs.Audio:
        sung.append(seed)
        return np.full((round(seconds * SAMPLE_RATE), 2), 0.5, np.float32)

    alone = []
    for seed in range(30):
        excerpt = songs.render_excerpt(seed, 0.05, sing)
        if seed in sung:
            alone.append(bool(np.all(excerpt == 0.5)))
        else:
            assert np.array_equal(excerpt, songs.render_excerpt(seed, 0.05))
    assert 3 <= len(sung) <= 10
    assert 0 < sum(alone) < len(alone)


@pytest.mark.parametrize("sung", [False, True])
def test_stems_add_up_to_the_mix(sung: bool) -> None:
    song = next(song for song in find_songs(4.0, sung) if len(song.sketch.parts) == 4)
    assert ("vocals" in song.render_tracks()) == sung
    for stems in (song.render_stems(), song.render_tracks()):
        assert np.allclose(sum(stems.values()), song.render_mix(), atol=1e-6)


def test_every_band_plays_instruments_that_can_play_its_parts() -> None:
    for band in BANDS.values():
        assert set(band.drums) <= set(palette.KITS)
        for role in ("bass", "chords", "lead"):
            for sound in getattr(band, role):
                assert role in palette.INSTRUMENTS[sound].roles


@pytest.mark.long
def test_mixes_are_loud_enough_and_never_clip() -> None:
    for seed in range(20):
        mix = songs.make_song(seed, 2.0).render_mix()
        assert 0.02 < np.abs(mix).max() < 1


def test_the_silence_that_is_written_is_read_as_torch_wrote_it(tmp_path: Path) -> None:
    latent = np.random.default_rng(0).standard_normal((1, 64, 30)).astype(np.float32)
    layout.write_silence(tmp_path / "silence.pt", latent.transpose(0, 1, 2))
    assert np.array_equal(read_torch(tmp_path / "silence.pt"), latent)
