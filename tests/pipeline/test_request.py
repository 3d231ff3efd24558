from __future__ import annotations

import dataclasses
import difflib
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import request as request_module
from pipeline.request import (
    FIELDS,
    BadRequest,
    OutOfRange,
    Request,
    UnknownField,
    WrongType,
    clean_text,
    coerce,
)


@pytest.mark.parametrize(
    ("values", "samples"),
    [
        ({"seconds": 4}, 192_000),
        ({"seconds": 0.1}, 4_800),
        ({"bars": 8, "bpm": 140}, 658_286),
        ({"bars": 1}, 96_000),  # 120 bpm, four beats
        ({"bars": 4, "bpm": 90, "time_signature": "3"}, 384_000),
        ({"bars": 4, "bpm": 120, "time_signature": "6"}, 288_000),  # 6/8
        ({"bars": 4, "bpm": 120, "time_signature": "waltz"}, 288_000),
        ({"bars": 4, "bpm": 120, "time_signature": "3 / 4 time"}, 288_000),
        ({"bars": 4, "bpm": 90, "time_signature": "6/8", "beats_per_bar": 7}, 896_000),
        (
            {"bars": 4, "bpm": 120, "time_signature": "6/8"},
            288_000,
        ),  # three quarters in each bar, as in a DAW
        ({"bars": 4, "bpm": 120, "time_signature": "2/2"}, 384_000),
        ({"bars": 4, "bpm": 120, "time_signature": "7/8"}, 336_000),
        ({"bars": 4, "bpm": 120, "time_signature": "5/4"}, 480_000),
        ({"bars": 4, "bpm": 120, "time_signature": "12/8"}, 576_000),
        ({"bars": 2, "bpm": 84, "seconds": 500}, 274_286),  # bars win
    ],
)
def test_length_is_exact_to_the_sample(values: dict[str, float], samples: int) -> None:
    assert Request().changed(values).samples == samples


@given(bars=st.integers(1, 64), bpm=st.floats(30, 300), beats=st.integers(1, 8))
def test_bars_are_never_half_a_sample_off(bars: int, bpm: float, beats: int) -> None:
    exact = bars * beats * 60 / bpm * 48_000
    if exact <= 600 * 48_000:
        assert abs(Request(bars=bars, bpm=bpm, beats_per_bar=beats).samples - exact) <= 0.5


@pytest.mark.parametrize(
    ("alias", "field", "value"),
    [
        ("text", "prompt", "x"),
        ("caption", "prompt", "x"),
        ("duration", "seconds", 12),
        ("steps", "num_steps", 4),
        ("vocal_language", "language", "en"),
        ("TEMPO", "bpm", 99),
        ("cover_strength", "guide_strength", 0.5),
    ],
)
def test_a_field_has_the_names_people_use(alias: str, field: str, value: object) -> None:
    assert getattr(Request().changed({alias: value}), field) == value


def test_one_field_under_two_names_is_refused() -> None:
    with pytest.raises(BadRequest, match="seconds was given twice, the second time as duration"):
        Request().changed({"seconds": 3, "duration": 4})


def test_aliases_are_unique() -> None:
    names = [n.lower() for name, spec in FIELDS.items() for n in (name, *spec.aliases)]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("value", [4, 4.0, "4", " 4 ", "4.0", "+4"])
def test_any_whole_number_is_an_int(value: object) -> None:
    assert Request().changed({"bars": value}).bars == 4


@pytest.mark.parametrize(
    "value", [4.5, "four", "", None, True, [4], math.nan, math.inf, "nan", "1e999"]
)
def test_what_is_no_whole_number_is_refused(value: object) -> None:
    with pytest.raises(WrongType, match="bars must be a"):
        Request().changed({"bars": value})


@pytest.mark.parametrize("value", [True, 1, 1.0, "1", "on", "Yes", "true"])
def test_many_words_mean_on(value: object) -> None:
    assert Request(normalize=False).changed({"normalize": value}).normalize is True


def test_numbers_of_numpy_are_numbers_and_monstrous_ones_are_refused() -> None:
    assert Request(bars=np.int64(4), bpm=np.float32(90)).samples == 512_000  # type: ignore[arg-type]
    with pytest.raises(WrongType, match="ordinary size"):
        Request(seed=10**400)


def test_a_seed_keeps_all_its_digits() -> None:
    assert Request().changed({"seed": str(2**32 - 1)}).seed == 2**32 - 1
    with pytest.raises(OutOfRange, match="seed must be in"):
        Request(seed=2**32)


KEYS = {
    "Am": "A minor",
    "a minor": "A minor",
    "C": "C major",
    "F# maj": "F# major",
    "B♭min": "B♭ minor",
    "CM": "C major",
    "A MINOR": "A minor",
    "AMin": "A minor",
}


@pytest.mark.parametrize(("written", "expected"), KEYS.items())
def test_keys_are_understood_as_musicians_write_them(written: str, expected: str) -> None:
    assert Request(key=written).key == expected


@pytest.mark.parametrize(
    ("written", "code"),
    [("German", "de"), ("Deutsch", "de"), ("de-DE", "de"), ("pt_BR", "pt"), ("日本語", "ja")],
)
def test_a_language_may_be_named_as_people_name_it(written: str, code: str) -> None:
    assert Request(language=written).language == code


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"seconds": -3}, "seconds must be in 0.1..600 or 0, got -3"),
        ({"bpm": 20}, "bpm must be in 30..300 or 0, got 20"),
        ({"key": "H minor"}, "key must be a note"),
        ({"time_signature": "5"}, "time_signature must be 2, 3, 4 or 6"),
        ({"time_signature": "17/8"}, "time_signature must be 2, 3, 4 or 6"),
        ({"language": "xx"}, "language must be one of ar az"),
        (
            {"cfg_interval_start": 0.8, "cfg_interval_end": 0.2},
            "cfg_interval_start must be at most cfg_interval_end",
        ),
        (
            {"repaint_start": 3, "repaint_end": 3},
            "repaint_end must come after repaint_start, got 3 and 3",
        ),
        (
            {"task": "remix"},
            'task must be one of "" cover cover-nofsq repaint extract lego complete understand, '
            "got 'remix'",
        ),
        (
            {"timesteps": "0.5 0.7"},
            "timesteps must be at most 200 numbers that fall from at most 1",
        ),
        ({"timesteps": "1 x"}, "timesteps must be at most 200 numbers that fall"),
        ({"timesteps": "1.5 1"}, "timesteps must be at most 200 numbers that fall"),
        ({"source": "song.mid"}, "source must be the path of an audio file that exists"),
        ({"bars": 1000, "bpm": 30}, "at most 600 seconds long, got 1000 bars at 30 bpm"),
    ],
)
def test_what_is_out_of_range_is_refused_with_what_is_allowed(
    values: dict[str, object], says: str
) -> None:
    with pytest.raises(OutOfRange, match=says.replace(".", r"\.")):
        Request().changed(values)


def test_what_a_text_may_be_is_listed_where_it_takes_no_others() -> None:
    choices = {name: spec.choices for name, spec in FIELDS.items() if spec.choices}
    assert choices.keys() >= {"task", "format", "sampler", "cfg_type", "plan", "language"}
    for name, words in choices.items():
        assert FIELDS[name].default in words
        assert [getattr(Request().changed({name: word}), name) for word in words] == list(words)
        with pytest.raises(BadRequest):
            Request().changed({name: "something else"})


def test_an_unknown_name_comes_with_a_suggestion() -> None:
    with pytest.raises(UnknownField, match="no parameter is called 'promt'") as caught:
        Request().changed({"promt": "x"})
    assert caught.value.hint == "did you mean prompt?"


def test_resolving_fixes_the_seed_and_the_tempo_that_bars_need() -> None:
    resolved = Request(bars=2).resolved()
    assert 0 <= resolved.seed < 10**6
    assert resolved.bpm == 120
    assert resolved.resolved() == resolved
    assert resolved.variation_seed == -1  # nothing varies
    varied = Request(variation=0.2).resolved()
    assert varied.variation_seed >= 0
    assert varied.resolved() == varied
    assert Request(seconds=3).resolved().bpm == 0


def test_resolving_says_which_stems_an_extract_has() -> None:
    request = Request(task="Extract", source="x.WAV")
    assert request.resolved().stems == "drums bass"
    assert request.changed({"stems": "vocals"}).resolved().stems == "vocals"
    assert Request().resolved().stems == ""
    with pytest.raises(BadRequest, match="extract needs a source"):
        Request(task="extract").resolved()


@pytest.mark.parametrize(
    ("values", "says"),
    [
        (
            {"task": "repaint", "loop": True},
            "repaint keeps its source, it cannot make a loop of it",
        ),
        ({"task": "extract", "loop": True}, "extract keeps its source, it cannot make a loop"),
        ({"task": "cover", "loop": True}, ""),
        ({"cover_noise_strength": 0.5}, "cover_noise_strength is for a cover"),
        ({"task": "repaint", "cover_noise_strength": 0.5}, "cover_noise_strength is for a cover"),
        ({"task": "cover-nofsq", "cover_noise_strength": 0.5}, ""),
        ({"codes": "1 2", "guide": "auto"}, "codes say what is played, and so does a guide"),
        ({"codes": "1 2", "guide": "off"}, ""),
        ({"task": "cover", "guide": "Am F"}, "cover follows its source, it takes no guide"),
        (
            {"task": "lego", "stems": "bass", "guide": "auto"},
            "lego follows its source, it takes no",
        ),
        ({"task": "repaint", "guide": "Am F"}, ""),
        ({"task": "understand", "loop": True}, ""),  # which asks for words alone
    ],
)
def test_what_does_not_go_together_is_refused_before_any_model(
    values: dict[str, Any], says: str
) -> None:
    request = Request(source="x.wav" if "task" in values else "", **values)
    if not says:
        assert request.resolved()
        return
    with pytest.raises(OutOfRange, match=says):
        request.resolved()


def test_two_requests_draw_two_seeds() -> None:
    assert len({Request().resolved().seed for _ in range(50)}) > 45


def test_a_request_is_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Request().seed = 3  # type: ignore[misc]


def test_only_what_changes_is_looked_at_again(monkeypatch: pytest.MonkeyPatch) -> None:
    request = Request(prompt="x", lyrics="wörds lä " * 7000, guide="Am F C G", codes="1 2 3")
    seen: list[str] = []

    def count(name: str, value: object) -> object:
        seen.append(name)
        return coerce(name, value)

    monkeypatch.setattr(request_module, "coerce", count)
    changed = request.changed({"tempo": 90, "bars": 4})
    assert seen == ["bpm", "bars"]
    assert (changed.bpm, changed.bars, changed.lyrics) == (90, 4, request.lyrics)
    assert (request.bpm, request.bars) == (0, 0)


def test_what_is_changed_must_still_go_together_with_the_rest() -> None:
    request = Request(bpm=120, bars=300, cfg_interval_end=0.5)
    for values in ({"bpm": 30}, {"cfg_interval_start": 0.6}, {"bars": 301}):
        with pytest.raises(OutOfRange):
            request.changed(values)
    assert request.changed({"bpm": 240, "bars": 600}).length == 600


@pytest.mark.parametrize(
    ("field", "most"), [("prompt", 8192), ("name", 8192), ("lyrics", 65_536), ("guide", 8192)]
)
def test_a_text_that_is_too_long_is_refused_with_what_is_allowed(field: str, most: int) -> None:
    fits = "x" * (most - 4) + ".mid"
    assert getattr(Request().changed({field: fits}), field) == fits
    says = f"{field} must have at most {most} characters, got {most + 1}"
    with pytest.raises(OutOfRange, match=says):
        Request().changed({field: f"x{fits}"})


def test_codes_of_ten_minutes_fit_however_they_are_written() -> None:
    tokens = "\n".join(["<|audio_code_63999|>"] * 3000)
    assert Request(codes=tokens).codes.split() == ["63999"] * 3000
    with pytest.raises(OutOfRange, match="at most 3000 codes"):
        Request(codes=f"{tokens} 1")


def test_what_was_accepted_under_another_limit_is_restored() -> None:
    long = "la " * 60_000
    stored = dataclasses.asdict(Request(prompt="x", bars=2, codes="1 2")) | {"lyrics": long}
    request = Request.restore(stored | {"of_an_older_version": 1})
    assert (request.lyrics, request.bars, request.codes) == (long, 2, "1 2")
    assert Request.restore(dataclasses.asdict(request)) == request
    del stored["composer"]
    assert Request.restore(stored).composer == 1  # there was no other
    for damaged in ({"bpm": math.inf}, {"bars": "many"}, {"lyrics": 3.5j}, {"sampler": "x"}):
        with pytest.raises(BadRequest):
            Request.restore(damaged)


@pytest.mark.parametrize("word", ["x" * 8000, "bpn" * 2000])
def test_a_word_of_thousands_of_letters_is_compared_with_nothing(
    word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(difflib, "get_close_matches", lambda *_: pytest.fail("it was compared"))
    with pytest.raises(UnknownField) as refused:
        Request().changed({word: 1})
    assert len(str(refused.value)) < 100
    with pytest.raises(OutOfRange) as out_of_range:
        Request(stems=word)
    assert len(str(out_of_range.value)) < 300


@pytest.mark.parametrize("spaces", ["", " ", "\t \n", " " * 2000])
def test_a_key_may_be_spaced_in_any_way(spaces: str) -> None:
    assert Request(key=f"A{spaces}#{spaces}m").key == "A# minor"
    assert Request(key=f"{spaces}a{spaces}major{spaces}").key == "A major"
    with pytest.raises(OutOfRange, match="a note and"):
        Request(key=f"A{spaces}x")


def test_composing_marks_are_limited_and_those_of_every_language_kept() -> None:
    assert clean_text("Tie\u0302\u0301ng Vie\u0323\u0302t") == "Tiếng Việt"
    assert clean_text("a" + "\u0323" * 500 + "b") == "ạ" + "\u0323" * 29 + "b"


def test_text_is_composed_and_has_no_control_characters() -> None:
    assert clean_text("\ufeffe\u0301\r\nb\rc\x00\x07") == "é\nb\nc"
    assert clean_text("hello\x0bthere\x85fly\x1fby") == "hello there fly by"


values = st.one_of(
    st.text(),
    st.integers(),
    st.floats(),
    st.booleans(),
    st.none(),
    st.binary(),
    st.lists(st.integers()),
)


@given(field=st.sampled_from([*FIELDS, "nothing"]), value=values)
def test_any_value_makes_a_valid_request_or_a_refusal(field: str, value: object) -> None:
    try:
        request = Request().changed({field: value})
    except BadRequest:
        return
    assert Request(**dataclasses.asdict(request)) == request
    assert 1 <= request.samples <= 600 * 48_000


@pytest.mark.parametrize(
    ("stems", "meant"),
    [
        ("backing vocals", "backing_vocals"),
        ("drums, backing vocals", "backing_vocals"),
        ("Backing-Vocals", "backing_vocals"),
        ("guitars", "guitar"),
        ("drm bass", "drums"),
        ("vocal", "vocals"),
        ("zzz", ""),
    ],
)
def test_a_misspelt_stem_hints_at_the_track_that_is_meant(stems: str, meant: str) -> None:
    with pytest.raises(OutOfRange, match="must be names of tracks") as caught:
        Request(stems=stems)
    assert caught.value.hint == (f"did you mean {meant}?" if meant else "")


def test_any_key_is_the_prompts_or_the_models() -> None:
    assert Request(key="Any").key == "any"
    assert Request(key="any").given_key == ""
    assert Request(key="any").resolved().key == ""
    assert Request(prompt="lo-fi in Am", key="any").resolved().key == "A minor"
    assert Request(prompt="lo-fi in Am", key="any", read_prompt=False).resolved().key == ""
    assert Request(key="Am").given_key == "A minor"


def test_of_bars_and_seconds_the_one_that_is_said_counts() -> None:
    assert Request(bars=4).overlaid({"length": 9}).bars == 0
    assert Request(seconds=20).overlaid({"bars": 4}).seconds == 0
    both = Request().overlaid({"seconds": 20, "bars": 4})
    assert (both.bars, both.seconds) == (4, 20)
    assert Request(seconds=20).overlaid({"bars": 0}).seconds == 20, "bars that leave it open"
