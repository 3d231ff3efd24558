"""What a request's guide means, and the notes that it comes to."""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path
from typing import Any

import mido
import numpy as np
import pytest

from examples.voice import metrics
from pipeline.guide.composer.form import FormLine, LyricSection
from pipeline.guide.composer.mood import Mood
from pipeline.guide.guide import Guide, check_guide, guide_kind, resolve_guide
from pipeline.guide.production import Production, choose_production
from pipeline.guide.score import Score
from pipeline.request import SAMPLE_RATE, BadRequest, Request
from pipeline.request_files import accept_request, explain, resolve_request
from pipeline.steps import complete
from tests.guide import midi_bytes as midi


def score_of(text: str, **changes: Any) -> Score | None:
    values = {
        "prompt": "pop",
        "bpm": 120.0,
        "key": "A minor",
        "beats_per_bar": 4.0,
        "seconds": 8.0,
        "seed": 1,
    }
    _, guide = resolve_guide(Request(guide=text, **{**values, **changes}).resolved())
    return guide.score if guide else None


def save_midi(path: Path, *beats: float, bpm: float = 100.0) -> Path:
    file = mido.MidiFile(ticks_per_beat=480)
    track = mido.MidiTrack([mido.MetaMessage("set_tempo", tempo=round(60e6 / bpm))])
    now = 0
    for beat in beats:
        tick = round(beat * 480)
        track.append(mido.Message("note_on", note=72, time=tick - now))
        track.append(mido.Message("note_off", note=72, time=240))
        now = tick + 240
    file.tracks.append(track)
    file.save(path)
    return path


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("auto", "auto"),
        (" Off ", "off"),
        ("Am F C G", "chords"),
        ("~/loop.mid", "midi"),
        ("A B.MIDI", "midi"),
    ],
)
def test_kinds(text: str, kind: str) -> None:
    assert guide_kind(text) == kind


def test_off_is_no_score() -> None:
    assert score_of("off") is None


def test_a_composed_guide_fills_the_clip_exactly() -> None:
    for seconds, beats_per_bar, bpm in [
        (8.0, 4.0, 120.0),
        (5.3, 3.0, 97.0),
        (0.1, 4.0, 30.0),
        (30.0, 3.0, 0.0),
    ]:
        score = score_of("auto", seconds=seconds, beats_per_bar=beats_per_bar, bpm=bpm)
        assert score
        beats = seconds * score.bpm / 60
        assert score.bpm == (bpm or score.bpm)
        assert beats - beats_per_bar <= score.end <= beats + 1e-6


def test_a_caption_decides_what_is_resolve_guide() -> None:
    score = score_of("auto", prompt="techno, drums and bass only", bpm=0)
    assert score
    assert {note.role for note in score.notes} == {"drums", "bass"}
    assert 124 <= score.bpm <= 145


def test_a_chord_line_is_played() -> None:
    score = score_of("Am F C G", prompt="rock, chords only", key="")
    assert score
    bars = [{note.pitch % 12 for note in score.notes if note.start // 4 == bar} for bar in range(4)]
    assert bars == [{9, 0, 4}, {5, 9, 0}, {0, 4, 7}, {7, 11, 2}]


def test_a_midi_file_keeps_its_beats_at_another_tempo(tmp_path: Path) -> None:
    path = save_midi(tmp_path / "tune.mid", 0, 1.5, 3)
    score = score_of(str(path), bpm=120.0, seconds=4.0)
    assert score
    assert score.bpm == 120
    assert [note.start for note in score.notes] == [0, 1.5, 3, 4, 5.5, 7]


def test_a_midi_file_keeps_its_own_tempo_when_none_is_given(tmp_path: Path) -> None:
    score = score_of(str(save_midi(tmp_path / "tune.mid", 0, 1.5, 3)), bpm=0.0, seconds=2.4)
    assert score
    assert score.bpm == 100
    assert [note.start for note in score.notes] == [0, 1.5, 3]


def test_bars_of_a_midi_file_are_counted_at_its_own_tempo(tmp_path: Path) -> None:
    request = Request(guide=str(save_midi(tmp_path / "tune.mid", 0, 1.5, 3)), bars=2)
    assert resolve_request(request).bpm == 100
    assert resolve_request(request).samples == round(8 * 60 / 100 * 48_000)
    assert resolve_request(request.changed({"bpm": 150})).bpm == 150
    (tmp_path / "tune.mid").write_bytes(b"MThd")
    with pytest.raises(BadRequest, match="is a damaged MIDI file: it ends too early"):
        resolve_request(request)


def save_waltz(path: Path, *events: midi.Timed) -> Path:
    """Two bars of 3/4 at 90 bpm in G major, drums by their pitches among it."""
    head = [(0, midi.tempo(90)), (0, midi.signature(3, 4)), (0, midi.key(1)), *events]
    tune = midi.notes([(beat, 1, 67 + beat % 3) for beat in range(6)], 96)
    path.write_bytes(midi.file(0, 96, midi.track(*head, *tune)))
    return path


def test_a_midi_files_tempo_metre_and_key_are_the_takes(tmp_path: Path) -> None:
    request = Request("piano", guide=str(save_waltz(tmp_path / "waltz.mid")), bars=4, seed=1)
    resolved = resolve_request(request)
    assert (resolved.bpm, resolved.time_signature, resolved.key) == (90, "3/4", "G major")
    assert resolved.length == pytest.approx(12 * 60 / 90)
    _, guide = resolve_guide(resolved)
    assert guide
    assert [note.start for note in guide.score.notes] == list(range(12))
    assert resolve_request(resolved) == resolved
    said = ("the MIDI guide: 2 bars of 3/4 at 90 bpm, G major: lead",)
    assert explain(request) == explain(resolved) == said


def test_what_a_request_says_otherwise_than_its_midi_file_is_said(tmp_path: Path) -> None:
    path = str(save_waltz(tmp_path / "waltz.mid"))
    request = Request("in A minor", guide=path, bars=2, bpm=120, beats_per_bar=4, seed=1)
    resolved = resolve_request(request)
    assert (resolved.bpm, resolved.beats, resolved.key) == (120, 4, "A minor")
    assert explain(request)[-3:] == (
        "the MIDI guide is at 90 bpm, and 120 bpm was asked for: it is 120 bpm",
        "the MIDI guide is in G major, and A minor was asked for: it is A minor",
        "the MIDI guide is in 3/4, and 4/4 was asked for: it is 4/4",
    )
    assert explain(resolved) == explain(request)
    assert len(explain(request.changed({"time_signature": "3/4", "beats_per_bar": 0}))) == 4
    off = request.changed({"guide_strength": 0, "prompt": ""})
    assert explain(off) == ()
    assert resolve_request(off).key == ""


def test_a_guide_without_a_note_in_the_clip_is_refused(tmp_path: Path) -> None:
    path = save_midi(tmp_path / "late.mid", 3)
    with pytest.raises(BadRequest, match="no notes in the clip: the first is in beat 4"):
        score_of(str(path), seconds=1.0)
    empty = tmp_path / "empty.mid"
    empty.write_bytes(midi.file(0, 96, midi.track(end=400)))
    with pytest.raises(BadRequest, match="has no notes"):
        score_of(str(empty))


def test_what_was_stored_before_midi_files_were_read_plays_the_same(tmp_path: Path) -> None:
    pedal = [(0, midi.control(64, 127)), (96, midi.tempo(100)), (5 * 96, midi.control(64, 0))]
    path = save_waltz(tmp_path / "waltz.mid", *pedal)
    stored = dataclasses.asdict(Request(guide=str(path), bars=2, seed=1))
    del stored["read_midi"]
    request = resolve_request(Request.restore(stored))
    assert (request.bpm, request.beats, request.key) == (90, 4, "")
    _, guide = resolve_guide(request)
    assert guide
    starts = [round(note.start, 3) for note in guide.score.notes]
    assert starts == [0, 1, 1.9, 2.8, 3.7, 4.6]
    assert {round(note.length, 3) for note in guide.score.notes} == {1, 0.9}
    assert explain(request) == ()
    # where nobody hears a note, it was a take
    late = save_midi(tmp_path / "late.mid", 3)
    assert score_of(str(late), seconds=1.0, read_midi=False) == Score(120, ())


@pytest.mark.parametrize(
    ("text", "named"), [("Am Xm", "Xm"), ("atuo", "atuo"), ("/no/such.mid", "/no/such.mid")]
)
def test_a_guide_that_cannot_be_is_refused_at_once(text: str, named: str) -> None:
    with pytest.raises(BadRequest, match=named) as refused:
        accept_request({"guide": text})
    assert "auto" in str(refused.value)


def test_a_guide_left_open_is_the_models_own() -> None:
    assert resolve_guide(Request(seed=1))[1] is None
    request, guide = resolve_guide(Request(seed=1), default="auto")
    assert guide
    assert request.guide == "auto"
    assert request.guide_seed == 1
    assert request.bpm == guide.score.bpm


def test_what_the_guide_decided_makes_the_same_guide_again() -> None:
    for seed in range(4):
        request, guide = resolve_guide(
            Request(prompt="slow funk", guide="auto", seed=seed, seconds=8)
        )
        assert request.key
        assert request.bpm
        again, same = resolve_guide(request)
        assert again == request
        assert guide
        assert same
        assert same.score == guide.score


def test_the_guide_seed_holds_the_composition_while_the_seed_changes() -> None:
    first, second = (
        resolve_guide(Request(guide="auto", seed=seed, guide_seed=5))[1] for seed in (1, 2)
    )
    assert first == second != resolve_guide(Request(guide="auto", seed=1, guide_seed=6))[1]


def test_no_strength_is_no_guide() -> None:
    assert resolve_guide(Request(guide="auto", guide_strength=0.0, seed=1))[1] is None


def test_a_broken_midi_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "broken.mid"
    path.write_bytes(b"MThd and nothing more")
    with pytest.raises(BadRequest, match="damaged"):
        score_of(str(path))


# --- which composer ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "digest"),
    [
        ({"prompt": "pop", "bars": 8, "bpm": 120.0, "seed": 1}, "64e87f4234111c6a"),
        (
            {"prompt": "slow lo-fi, no drums", "seconds": 20.0, "seed": 7, "guide_seed": 3},
            "8e951a1615af6972",
        ),
        (
            {
                "prompt": "disco",
                "guide": "Am F C G",
                "seconds": 9.5,
                "seed": 2,
                "time_signature": "3/4",
            },
            "d43a3e0a4f9a73",
        ),
    ],
)
def test_a_request_from_before_there_was_a_composer_plays_the_same_notes(
    values: dict[str, Any], digest: str
) -> None:
    """The digests were made by the version before there were two."""
    request, guide = resolve_guide(Request.restore({"guide": "auto", **values}).resolved())
    assert guide
    assert request.composer == 1
    notes = [
        (note.role, note.start, note.length, note.pitch, note.velocity)
        for note in guide.score.notes
    ]
    written = repr((guide.score.bpm, notes)).encode()
    assert hashlib.sha256(written).hexdigest().startswith(digest)
    assert not guide.sections
    assert not guide.chords


@pytest.mark.parametrize(
    ("values", "digest"),
    [
        ({"prompt": "techno", "bars": 64, "seed": 1}, "fde927e7f4240e"),
        ({"prompt": "sparse ambient with drums", "bars": 16, "seed": 7}, "dd6bb5de1b4285"),
        (
            {"prompt": "dusty lo-fi", "guide": "Am F C G", "bars": 4, "seed": 3},
            "11eeccdd257463",
        ),
        ({"prompt": "rock", "bars": 32, "seed": 5, "time_signature": "3/4"}, "72d6ae88364376"),
    ],
)
def test_what_the_second_composer_wrote_plays_the_same_notes(
    values: dict[str, Any], digest: str
) -> None:
    """The digests were made by the version before there was a third."""
    stored = Request.restore({"guide": "auto", "composer": 2, **values})
    request, guide = resolve_guide(stored.resolved())
    assert guide
    assert request.composer == 2
    assert digest_notes(guide) == digest


@pytest.mark.parametrize(
    ("values", "digest"),
    [
        ({"prompt": "jazz", "bars": 64, "seed": 33}, "93e0dd8bc9b2ca"),
        ({"prompt": "house", "guide": "Am F C G", "bars": 32, "seed": 3}, "998e0ef6362527"),
    ],
)
def test_what_the_third_composer_wrote_plays_the_same_notes(
    values: dict[str, Any], digest: str
) -> None:
    """The digests were made by the version before there was a fourth."""
    stored = Request.restore({"guide": "auto", "composer": 3, **values})
    _, guide = resolve_guide(stored.resolved())
    assert guide
    assert digest_notes(guide) == digest


def test_drums_that_answer_a_jazz_band_alone_play_as_hard_as_it_does() -> None:
    def measure(composer: int) -> dict[str, float]:
        """The velocities of all strokes in a bar of each section."""
        guide = guide_of("jazz", bars=64, seed=33, bpm=0.0, composer=composer)
        beats = guide.score.bpm / 60
        measured = {}
        for section in guide.sections:
            first, last = section.begin * beats, section.end * beats
            strokes = [
                note.velocity
                for note in guide.score.notes
                if note.role == "drums" and first - 0.1 <= note.start < last - 0.1
            ]
            measured[section.label] = 4 * sum(strokes) / (last - first)
        return measured

    newest, third = measure(4), measure(3)
    assert newest["Trading"] > newest["Head 1"]
    assert third["Trading"] < 0.8 * third["Head 1"]


def digest_notes(guide: Guide) -> str:
    notes = [
        (note.role, note.start, note.length, note.pitch, note.velocity, note.slide_from)
        for note in guide.score.notes
    ]
    written = repr((guide.score.bpm, notes)).encode()
    return hashlib.sha256(written).hexdigest()[:14]


@pytest.mark.parametrize("style", ["rock", "metal", "reggae", "techno", "lo-fi", "jazz"])
def test_choruses_of_a_guide_are_louder_than_its_verses_and_no_section_is_nearly_silent(
    style: str,
) -> None:
    """Before the bus of its production evens that out."""
    guide = guide_of(style, bars=16, bpm=0.0)
    quiet = dataclasses.replace(guide.production, level=-20.0, glue=0.0, tape=0.0)
    guide = dataclasses.replace(guide, production=quiet)
    samples = round(guide.seconds * SAMPLE_RATE)
    audio = complete(guide.render_in_steps(samples))
    levels: dict[str, list[float]] = {}
    for section in guide.sections:
        part = audio[round(section.begin * SAMPLE_RATE) : round(section.end * SAMPLE_RATE)]
        levels.setdefault(section.kind, []).append(metrics.measure_level(part))
    assert min(levels["chorus"]) > max(levels["verse"]) + 1.5
    assert min(map(min, levels.values())) > max(levels["chorus"]) - 14


def test_a_composed_guide_says_which_composer_made_it() -> None:
    values: dict[str, Any] = {"prompt": "pop", "guide": "auto", "seed": 1, "bars": 8}
    newest, guide = resolve_guide(Request(**values))
    assert newest.composer == 4
    assert guide
    assert resolve_guide(newest)[1] == guide
    older, first = resolve_guide(Request(composer=1, **values))
    assert older.composer == 1
    assert first
    assert first.score != guide.score
    assert resolve_guide(Request(**{**values, "guide": "off"}))[0].composer == 0


# --- what is known of it ----------------------------------------------------------------------


def guide_of(prompt: str = "pop", **changes: Any) -> Guide:
    values: dict[str, Any] = {"guide": "auto", "bpm": 120.0, "seed": 1, "bars": 32, **changes}
    _, guide = resolve_guide(Request(prompt, **values).resolved())
    assert guide
    return guide


def test_sections_and_chords_have_their_seconds() -> None:
    for guide in (guide_of(), guide_of(bars=0, seconds=20.3), guide_of(loop=True, bars=7)):
        sections = guide.sections
        assert sections[0].begin == 0
        assert sections[-1].end == pytest.approx(guide.seconds)
        assert [after.begin for after in sections[1:]] == [each.end for each in sections[:-1]]
        begins = [chord.begin for chord in guide.chords]
        assert begins[0] == 0
        assert begins == sorted({*begins})
        assert begins[-1] < guide.seconds
    guide = guide_of()
    assert all(section.begin % 4 == 0 for section in guide.sections)  # two bars are 4 seconds
    assert len({section.kind for section in guide.sections}) > 3


def test_a_chord_line_is_what_is_said() -> None:
    chords = guide_of(guide="Am F | Dm7", bars=2).chords
    assert chords == (("Am", 0), ("F", 1), ("Dm7", 2))


def test_lyrics_decide_the_form() -> None:
    lyrics = (
        LyricSection("Verse 1", "verse", (FormLine("walking home", 3),) * 4),
        LyricSection("Chorus", "chorus", (FormLine("oh", 1),) * 2),
    )
    request = Request("pop", guide="auto", bpm=120.0, bars=12, seed=1)
    _, guide = resolve_guide(request, lyrics=lyrics)
    assert guide
    assert [section.label for section in guide.sections] == ["Verse 1", "Chorus"]


def test_an_ending_is_not_cut() -> None:
    """Of 12 and a tenth bars the twelfth is the last."""
    guide = guide_of(bars=0, seconds=24.3)
    assert guide.composition
    assert guide.composition.arrangement.sketch.bars == 12
    assert guide_of(bars=0, seconds=24.3, loop=True).score.end == pytest.approx(48.6, abs=0.5)


def test_a_mood_is_heard_in_the_sound() -> None:
    def produce(prompt: str) -> Production:
        return guide_of(prompt, bars=2).production

    plain = produce("pop")
    assert plain == choose_production("pop", Mood())
    assert produce("bright pop").tint.bright > plain.tint.bright > produce("dark pop").tint.bright
    assert produce("heavy pop").tint.low > plain.tint.low
    assert produce("heavy pop").tape > plain.tape
    assert produce("dreamy pop").room.seconds > plain.room.seconds
    assert produce("dreamy pop").ringing > plain.ringing
    assert produce("dusty pop").crackle > plain.crackle
    assert produce("energetic pop").hardness > plain.hardness
    assert produce("pop with hat rolls").hats > plain.hats == produce("pop, no hats").hats


WORDS = (
    "energetic, sparse, busy, sad, happy, dreamy, dark, bright, dusty, heavy, slow, hat rolls, "
    "no hats, halftime"
).split(", ")


@pytest.mark.long
@pytest.mark.parametrize("style", ["techno", "hip hop", "rock", "pop", "disco"])
def test_one_word_is_heard(style: str) -> None:
    """At one tempo and with one seed, in a twentieth of all bands and moments at least. (But for
    rolls of hats below a rock band's guitars.)
    """

    def hear(prompt: str) -> metrics.Floats:
        guide = guide_of(prompt, bars=8)
        audio = complete(guide.render_in_steps(round(guide.seconds * SAMPLE_RATE)))
        return metrics.compute_log_mel(metrics.level_mono(audio))

    plain = hear(style)
    words = set(WORDS) - ({"hat rolls"} if style == "rock" else set())
    distances = {
        word: np.quantile(np.abs(plain - hear(f"{style}, {word}")), 0.95) for word in words
    }
    assert {word: far for word, far in distances.items() if far < 2.5} == {}


@pytest.mark.parametrize("count", [4, 100])
def test_a_midi_file_is_fitted_to_a_length_once_however_often_it_is_played_and_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    """100 notes at a time are too many to render."""
    path = tmp_path / "again.mid"
    chord = midi.notes([(0, 4, 20 + pitch) for pitch in range(count)], 96)
    path.write_bytes(midi.file(0, 96, midi.track(*chord)))
    fitted: list[float] = []
    repeat = Score.repeat

    def fit(score: Score, beats_per_bar: float, beats: float, loop: float = 0.0) -> Score:
        fitted.append(beats)
        return repeat(score, beats_per_bar, beats, loop)

    monkeypatch.setattr(Score, "repeat", fit)
    said = set()
    for bars in (2, 2, 2, 4):
        request = Request(guide=str(path), bars=bars, bpm=120, guide_strength=1).resolved()
        try:
            check_guide(request)
            _, guide = resolve_guide(request)
            assert guide
            assert guide.score.end == 4 * bars
        except BadRequest as error:
            said.add(str(error))
    assert fitted == [8, 16]
    assert len(said) == int(count == 100)
