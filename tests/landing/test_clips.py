"""What lands: whole takes under names that were free."""

from __future__ import annotations

import json
import math
import threading
from pathlib import Path

import numpy as np
import pytest
import soundfile

from daemon.landing import audio_files, clips, staging
from daemon.landing.finished_take import FinishedTake
from daemon.landing.latest import KeptLatest
from daemon.landing.manifest import JobFacts
from pipeline.audio import true_peak
from pipeline.request import FORMATS, Request
from pipeline.take import Clip, TakeInfo
from tests.support import riff
from tests.support.landings import PAD_FILES, assert_whole, list_hidden, list_visible, stage_pad
from tests.support.line_times import left_out_line, sung_line
from tests.support.takes import finished_take, sound


def test_a_take_lands_as_wav_and_manifest_and_nothing_else(tmp_path: Path) -> None:
    take = finished_take(Request(prompt="pad", seed=1))
    landed = clips.write_take(tmp_path, "job", take)
    assert sorted(path.name for path in tmp_path.iterdir()) == PAD_FILES
    ((stem, path),) = landed.clips
    read, rate = soundfile.read(path)
    assert stem == "mix"
    assert rate == 48_000
    assert read.shape == (4_800, 2)
    assert soundfile.info(path).subtype == "PCM_24"
    assert np.abs(read.T - take.clips[0].audio).max() < 2**-23


def test_stems_land_together_under_one_name(tmp_path: Path) -> None:
    landed = clips.write_take(
        tmp_path, "job", finished_take(Request(prompt="song", seed=1), "mix", "drums", "bass")
    )
    names = ["song_30s_s1.wav", "song_30s_s1_drums.wav", "song_30s_s1_bass.wav"]
    assert [path.name for _, path in landed.clips] == names
    assert [clip["file"] for clip in json.loads(landed.manifest.read_text())["clips"]] == names


def test_words_that_are_sung_land_beside_the_clip_with_their_times(tmp_path: Path) -> None:
    lines = (sung_line("We rise", bar=1, start=0.5), left_out_line("and fall", "no bar", 1))
    take = finished_take(Request(prompt="song", seed=1, lyrics="We rise"), "mix", lines=lines)
    landed = clips.write_take(tmp_path, "job", take, kept=KeptLatest(of_names=True))
    text = (tmp_path / "song_30s_s1.lrc").read_text()
    assert "[00:00.50] <00:00.50> We <00:01.00> rise <00:01.40>" in text
    assert "fall" not in text
    assert (tmp_path / "song_latest.lrc").read_text() == text
    assert [path.name for _, path in landed.clips] == ["song_30s_s1.wav"]
    manifest = json.loads(landed.manifest.read_text())
    assert manifest["lines"][0]["words"] == [["We", 0.5, 0.9], ["rise", 1.0, 1.4]]
    assert manifest["lines"][1]["note"] == "no bar"
    second = clips.write_take(tmp_path, "job", take)
    assert (tmp_path / "song_30s_s1_2.lrc").read_text() == text
    assert second.manifest.name == "song_30s_s1_2.json"


def test_the_words_are_titled_as_the_request_is_named(tmp_path: Path) -> None:
    request = Request(prompt="pop", name="Night Drive", seed=1)
    clips.write_take(tmp_path, "job", finished_take(request, "mix", lines=(sung_line("la"),)))
    (text,) = tmp_path.glob("*.lrc")
    assert text.read_text().startswith("[ti:Night Drive]\n")


def test_a_landing_with_words_that_was_cut_off_is_finished(tmp_path: Path) -> None:
    take = finished_take(Request(prompt="song", seed=1), lines=(sung_line("la la"),))
    staged = staging.stage(tmp_path, "once", JobFacts("job"), take)
    known = staging.Staged.from_json(staged.to_json())
    staged.files[0].source.rename(staged.files[0].target)
    assert (landed := clips.recover(known))
    assert [path.name for _, path in landed.clips] == ["song_30s_s1.wav"]
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["song_30s_s1.json", "song_30s_s1.lrc", "song_30s_s1.wav"]


@pytest.mark.parametrize(
    ("form", "subtype", "step"),
    [
        ("wav16", "PCM_16", 2**-14),
        ("wav24", "PCM_24", 2**-23),
        ("wav32f", "FLOAT", 0),
        ("flac", "PCM_24", 2**-23),
    ],
)
def test_every_format_is_what_it_says(tmp_path: Path, form: str, subtype: str, step: float) -> None:
    take = finished_take(Request(prompt="pad", seed=1, format=form), "mix", "drums")
    for (_, path), clip in zip(clips.write_take(tmp_path, "job", take).clips, take.clips):
        assert path.suffix == (".flac" if form == "flac" else ".wav")
        assert soundfile.info(path).subtype == subtype
        assert np.abs(soundfile.read(path)[0].T - clip.audio).max() <= step


def test_every_format_of_a_request_can_be_written() -> None:
    assert set(audio_files.FORMATS) == set(FORMATS)


@pytest.mark.long
@pytest.mark.parametrize("form", ["wav24", "flac"])
def test_a_projects_rate_and_a_loudness_hold_for_mix_and_stems(tmp_path: Path, form: str) -> None:
    request = Request(
        prompt="pad", seed=1, format=form, sample_rate=44_100, loudness=-5, peak_db=-6
    )
    landed = clips.write_take(
        tmp_path, "job", finished_take(request, "mix", "drums", samples=48_001)
    )
    manifest = json.loads(landed.manifest.read_text())
    parts = [soundfile.read(path)[0].T for _, path in landed.clips]
    assert {part.shape for part in parts} == {(2, round(48_001 * 44_100 / 48_000))}
    assert {soundfile.info(path).samplerate for _, path in landed.clips} == {44_100}
    assert max(map(true_peak, parts)) < 10 ** (-6 / 20)
    gains = {clip["gain_db"] for clip in manifest["clips"]}
    assert len(gains) == 1
    assert gains.pop() == pytest.approx(
        20 * math.log10(np.abs(parts[0][:, 9_000:-9_000]).max() / 0.5), abs=0.01
    )
    assert "LUFS instead of -5" in manifest["notes"][0]


def test_wavs_tell_tempo_key_and_sections_and_flacs_what_flacs_can(tmp_path: Path) -> None:
    values = {"bars": 1, "bpm": 120, "key": "A minor"}
    for form in ("wav32f", "flac"):
        take = finished_take(
            Request(prompt="pad", seed=1, format=form).changed(values),
            samples=96_000,
            sections=((0.5, "B"),),
        )
        path = clips.write_take(tmp_path, "job", take).clips[0][1]
        if form == "flac":
            with soundfile.SoundFile(path) as file:
                assert file.title == "pad (mix)"
                assert file.comment[:30] == "120 bpm 4/4, A minor, 1 bars, "
        else:
            found = dict(riff.walk(path.read_bytes()))
            assert found.keys() >= {b"bext", b"acid", b"smpl", b"cue ", b"LIST", b"iXML"}
            assert riff.texts(found[b"LIST"]) == {1: "B"}


def test_files_have_the_permissions_of_any_new_file(tmp_path: Path) -> None:
    landed = clips.write_take(tmp_path, "job", finished_take(Request(prompt="pad")))
    ordinary = tmp_path / "ordinary"
    ordinary.touch()
    assert (
        landed.clips[0][1].stat().st_mode
        == landed.manifest.stat().st_mode
        == ordinary.stat().st_mode
    )


def test_the_takes_of_a_model_are_taken_as_they_come(tmp_path: Path) -> None:
    request = Request(prompt="pad", seed=1)
    info = TakeInfo(request, "m", timings={"text": 0.1})
    made = [Clip(name, sound(), info) for name in ("mix", "bass")]
    landed = clips.write_take(tmp_path, "job", FinishedTake.of(made))
    assert [stem for stem, _ in landed.clips] == ["mix", "bass"]


# --- nothing is overwritten -----------------------------------------------------------------------


def test_nothing_is_ever_overwritten(volume: Path) -> None:
    take = finished_take(Request(prompt="pad", seed=1), "mix", "drums")
    (volume / "pad_30s_s1_2_drums.wav").write_text("a file of the musician's own")
    (volume / "pad_30s_s1_3.flac").symlink_to("nowhere")
    names = [clips.write_take(volume, "job", take).manifest.stem for _ in range(3)]
    assert names == ["pad_30s_s1", "pad_30s_s1_4", "pad_30s_s1_5"]
    assert (volume / "pad_30s_s1_2_drums.wav").read_text() == "a file of the musician's own"


def test_a_name_that_is_taken_after_staging_gives_way_with_all_its_stems(volume: Path) -> None:
    staged = stage_pad(volume, "mix", "drums")
    (volume / "pad_30s_s1_drums.wav").write_text("the musician's")
    assert clips.land(staged) is None
    assert list_visible(volume) == ["pad_30s_s1_drums.wav"]
    landed = clips.land(staging.rename(staged))
    assert landed is not None
    assert [path.name for _, path in landed.clips] == ["pad_30s_s1_2.wav", "pad_30s_s1_2_drums.wav"]
    manifest = json.loads(landed.manifest.read_text())
    assert [clip["file"] for clip in manifest["clips"]] == [
        "pad_30s_s1_2.wav",
        "pad_30s_s1_2_drums.wav",
    ]
    assert (volume / "pad_30s_s1_drums.wav").read_text() == "the musician's"
    assert not list_hidden(volume)


def test_many_writers_at_once_lose_nothing(volume: Path) -> None:
    landed: list[clips.Landed] = []
    take = finished_take(Request(prompt="pad", seed=1), "mix", "drums")
    threads = [
        threading.Thread(target=lambda: landed.append(clips.write_take(volume, "job", take)))
        for _ in range(12)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({one.manifest for one in landed}) == 12
    assert len(list(volume.glob("*.wav"))) == 24
    for one in landed:
        assert_whole(one)
    assert not list_hidden(volume)


def test_until_it_has_its_name_nothing_looks_like_a_clip(tmp_path: Path) -> None:
    staged = stage_pad(tmp_path, "mix", "drums")
    assert list_visible(tmp_path) == []
    assert {path.suffix for path in tmp_path.rglob("*.*")} <= {"", ".part"}
    assert oct(staged.staging.stat().st_mode & 0o777) == "0o700"


def test_what_nobody_wants_any_more_is_discarded_without_a_trace(tmp_path: Path) -> None:
    staging.discard(stage_pad(tmp_path))
    assert list(tmp_path.iterdir()) == []
