"""Messages make clips: what their arguments mean, and what is refused."""

from __future__ import annotations

import json
import shutil
import struct
import threading
from contextlib import closing
from pathlib import Path

import pytest
import soundfile

from daemon.settings import Settings
from pipeline.guide import smf
from tests.support.harness import SteppedModel
from tests.support.osc_client import (
    SHORT,
    OscClient,
    addresses,
    encode_message,
    expect_fail,
    make_clip,
)
from tests.support.stage import on_stage


def test_generate_tells_the_whole_story_and_leaves_the_clip(client: OscClient) -> None:
    client.send(
        "/ace/generate",
        "story",
        "prompt",
        "warm lo-fi beat",
        "bars",
        2,
        "bpm",
        140.0,
        "key",
        "Am",
        "seed",
        7,
    )
    story = client.until_end("story")
    assert addresses(story) == ["/ace/queued", "/ace/progress", "/ace/clip", "/ace/finished"]
    _, (_, stem, path, bpm, bars, seed) = story[-2]
    assert stem == "mix"
    assert bpm == 140.0
    assert bars == 2
    assert seed == "7"
    assert Path(path).name == "warm-lo-fi-beat_140bpm_Amin_2bars_s7.wav"
    info = soundfile.info(path)
    assert info.frames == 164571
    assert info.samplerate == 48000
    assert info.channels == 2
    assert info.subtype == "PCM_24"
    assert story[-1][1] == ["story", 1, str(Path(path).with_suffix(".json"))]


def test_a_clip_without_bars_and_seconds_has_four_bars_and_says_so(client: OscClient) -> None:
    client.send("/ace/generate", "story", "prompt", "techno", "bpm", 140, "seed", 7)
    story = client.until_end("story")
    assert addresses(story)[:2] == ["/ace/queued", "/ace/note"]
    said = "4 bars at 140 bpm, as neither bars nor seconds were given"
    assert story[1][1] == ["story", said]
    _, (_, _, path, bpm, bars, _) = story[-2]
    assert (bpm, bars) == (140, 4)
    assert Path(path).name == "techno_140bpm_4bars_s7.wav"
    assert soundfile.info(path).frames == round(4 * 4 * 60 / 140 * 48_000)
    assert said in json.loads(Path(path).with_suffix(".json").read_text())["notes"]
    client.send("/ace/reroll", "again", "story")
    assert client.until_end("again")[-2][1][4] == 4


def test_thirty_seconds_that_are_given_are_thirty(client: OscClient) -> None:
    client.send("/ace/generate", "long", "prompt", "techno, 120 bpm", "seconds", 30, "num_steps", 1)
    path = client.until_end("long")[-2][1][2]
    assert soundfile.info(path).duration == 30


def test_sent_arguments_are_only_ints_floats_and_strings(client: OscClient) -> None:
    client.send("/ace/generate", "types", *SHORT, "seed", 2**32 - 1)
    story = client.until_end("types")
    assert {type(value) for _, values in story for value in values} <= {int, float, str}
    assert story[-2][1][-1] == str(2**32 - 1)


@pytest.mark.parametrize(
    ("arguments", "prompt", "samples", "seed"),
    [
        (("warm lo-fi beat", 4.0, 7), "warm-lo-fi-beat", 384000, "7"),
        (("warm", "lo-fi", "beat", 4.0, 7.0), "warm-lo-fi-beat", 384000, "7"),  # Pd's atoms
        (("808", "bass", 1, 3), "808-bass", 96000, "3"),
        ((808.0, "bass", 1), "808-bass", 96000, None),
        (("drums", "4", "7"), "drums", 384000, "7"),  # oscsend users who type s for everything
    ],
)
def test_go_takes_its_arguments_by_position(
    client: OscClient, arguments: tuple[object, ...], prompt: str, samples: int, seed: str | None
) -> None:
    id = f"go-{arguments}"
    client.send("/ace/go", id, *arguments)
    path, _, _, used_seed = client.until_end(id)[-2][1][2:]
    assert Path(path).name.startswith(prompt + "_120bpm")
    assert soundfile.info(path).frames == samples
    assert seed in (None, used_seed)


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("prompt slow warm beat seconds 1 seed 5 guide off", "slow-warm-beat_1s_s5"),
        (
            "guide off seconds 1 seed 5 prompt song in the key of joy",
            "song-in-the-key-of-joy_1s_s5",
        ),
        (
            "prompt four bars of gold seconds 1 key Am seed 5 guide off",
            "four-bars-of-gold_Amin_1s_s5",
        ),
        ("prompt no length limits seconds 1 seed 5 guide off", "no-length-limits_1s_s5"),
        ("prompt count to four seconds 1 seed 5 priority live", "count-to-four_1s_s5"),
        ("prompt what a priority now seconds 1 seed 5 guide off", "what-a-priority-now_1s_s5"),
    ],
)
def test_a_prompt_in_many_words_runs_to_the_next_parameter(
    client: OscClient, words: str, name: str
) -> None:
    # as Pd sends them
    atoms = [float(word) if word.isdecimal() else word for word in words.split()]
    client.send("/ace/generate", words, *atoms)
    assert Path(client.until_end(words)[-2][1][2]).stem.startswith(name)


def test_a_word_that_reads_like_a_parameter_is_refused_with_advice(client: OscClient) -> None:
    _, code, text, hint = expect_fail(
        client, "/ace/generate", "x", "prompt", "slow", "tempo", "piano"
    )
    assert code == 400
    assert text == "bpm must be a number, got 'piano'"
    assert "as one string" in hint


@pytest.mark.parametrize("words", [("techno", "bmp", 128), ("techno", "seconds", 1, "bmp", 128)])
def test_a_misspelt_name_before_a_number_is_a_slip_and_not_a_word(
    client: OscClient, words: tuple[object, ...]
) -> None:
    _, code, text, hint = expect_fail(client, "/ace/generate", "x", "prompt", *words)
    assert code == 404
    assert text == "no parameter is called 'bmp'"
    assert hint == "did you mean bpm?"


def test_a_tempo_sent_as_a_float_is_the_tempo_that_was_typed(client: OscClient) -> None:
    path = Path(make_clip(client, "f32", "prompt", "x y", "bars", 1, "bpm", 60.2, "key", "Am")[2])
    assert path.name.startswith("x-y_60.2bpm_Amin_1bars")
    assert soundfile.info(path).frames == round(4 * 60 / 60.2 * 48_000)


def test_thousands_of_combining_marks_stall_nobody(client: OscClient) -> None:
    client.send("/ace/ping", "a" + "\u0301\u0316" * 16_000)
    assert client.receive()[0] == "/ace/pong"


def test_a_misspelt_name_behind_a_whole_text_is_not_swallowed(client: OscClient) -> None:
    assert expect_fail(client, "/ace/generate", "x", "prompt", "warm beat", "brs", 4)[1] == 404


def test_a_number_is_an_id_and_an_empty_one_is_chosen_by_the_daemon(client: OscClient) -> None:
    assert client.ask("/ace/generate", 41, *SHORT)[1][0] == "41"
    assert client.until_end("41")
    chosen = client.ask("/ace/generate", "", *SHORT)[1][0]
    assert len(chosen) == 6
    assert client.until_end(chosen)


def test_the_same_message_twice_makes_one_clip(client: OscClient) -> None:
    for _ in range(2):
        client.send("/ace/generate", "twice", *SHORT)
    story = client.until_end("twice")
    assert addresses(story).count("/ace/clip") == 1
    client.send("/ace/sync", 1)
    client.until("/ace/synced")
    client.send("/ace/generate", "twice", *SHORT)
    assert [client.receive(), client.receive()] == story[-2:]  # where it is, again
    assert client.is_quiet()


def test_another_request_under_the_same_id_is_refused(client: OscClient) -> None:
    client.send("/ace/generate", "taken", *SHORT)
    client.until_end("taken")
    id, code, text, _ = expect_fail(client, "/ace/generate", "taken", "prompt", "another")
    assert id == "taken"
    assert code == 409
    assert "taken" in text


def test_chords_and_stems_are_asked_for_in_words(client: OscClient) -> None:
    client.send(
        "/ace/generate",
        "drawn",
        "prompt",
        "pop",
        *"guide Am F C G bars 2 bpm 240 seed 1 stems drums".split(),
    )
    ended = client.until_end("drawn")
    clips = [encode_message[1] for encode_message in ended if encode_message[0] == "/ace/clip"]
    assert [clip[1] for clip in clips] == ["mix", "drums"]
    assert {soundfile.info(clip[2]).frames for clip in clips} == {96_000}
    assert Path(clips[1][2]).stem == Path(clips[0][2]).stem + "_drums"


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("x", "prompt", "p", "bars", -1), 422, "bars must be in 0..1024, got -1"),
        (("x", "prompt", "p", "bars", 2.5), 400, "bars must be a whole number, got 2.5"),
        (("x", "prompt", "p", "bpm", 500.0), 422, "bpm must be in 30..300 or 0, got 500"),
        (("x", "prompt", "p", "bpm", float("nan")), 400, "bpm must be a finite number"),
        (("x", "prompt", "p", "seconds", float("inf")), 400, "seconds must be a finite number"),
        (("x", "prompt", "p", "seed", "sunny"), 400, "seed must be a number, got 'sunny'"),
        (
            ("x", "prompt", "p", "seed", 2**32),
            422,
            "seed must be in -1..4294967295, got 4294967296",
        ),
        (
            ("x", "prompt", "p", "cfg_type", "best"),
            422,
            "cfg_type must be one of apg cfg adg, got 'best'",
        ),
        (("x", "prompt", "p", "language", "klingon"), 422, "language must be one of"),
        (("x", "prompt", "p", "key", "H major"), 422, "key must be a note"),
        (("x", "prompt", "p", "bars", 1024, "bpm", 30), 422, "at most 600 seconds"),
        (("x", "prompt", "p", "guide", "Am Hq"), 422, "guide must be"),
        (("x", "prompt", "p", "stems", "drums kazoo"), 422, "stems must be"),
        (("x", "prompt", "p", "count", 0), 422, "count must be in 1..1000, got 0"),
        (("x", "prompt", "p", "count", 1001), 422, "count must be in 1..1000, got 1001"),
        (("x", "prompt", "p", "count", 1.5), 400, "count must be a whole number, got 1.5"),
        (("x", "prompt", "p", "count", 2, "COUNT", 3), 400, "given twice"),
        (
            ("x", "prompt", "p", "priority", "asap"),
            422,
            "priority must be one of live normal batch, got 'asap'",
        ),
        (("x", "prompt", "p", "land_in", "/tmp"), 403, "no folder is granted under the name"),
        (("x", "prompt", "p", "land_in", "../../../../etc"), 403, "no folder is granted"),
        (("x", "prompt", "p", "land_in", "0123456789abcdef"), 403, "no folder is granted"),
        (("x", "prmpt", "p"), 404, "no parameter is called 'prmpt'"),
        (("x", "prompt", "p", "bpmm", "84"), 404, "no parameter is called 'bpmm'"),
        (("x", "prompt"), 400, "'prompt' has no value"),
        (("x", 7, "p"), 400, "name must be a text"),
        (("x",), 400, "prompt and lyrics are empty"),
        ((), 400, "prompt and lyrics are empty"),
        (("*", "prompt", "p"), 422, "an id must not be *"),
    ],
)
def test_a_request_that_cannot_be_is_answered_with_what_is_allowed(
    client: OscClient, arguments: tuple[object, ...], code: int, says: str
) -> None:
    id, received, text, _ = expect_fail(client, "/ace/generate", *arguments)
    assert id == (arguments[0] if arguments else "")
    assert received == code
    assert says in text


def test_a_misspelt_parameter_gets_the_right_one_as_a_hint(client: OscClient) -> None:
    assert expect_fail(client, "/ace/generate", "x", "prmpt", "p")[3] == "did you mean prompt?"


def test_a_button_fires_when_pressed_and_not_when_let_go(tmp_path: Path) -> None:
    defaults = Settings().request.changed({"prompt": "from the settings", "seconds": 0.5})
    with on_stage(tmp_path, request=defaults) as stage, closing(stage.client()) as client:
        for command in ("go", "generate", "reroll"):
            client.send(f"/ace/{command}", 1.0)
            client.send(f"/ace/{command}", 0.0)
        ids = [client.until("/ace/queued")[-1][1][0] for _ in range(3)]
        assert len(set(ids)) == 3
        for id in ids:
            assert stage.engine.find("", id).request.prompt == "from the settings"


def test_a_button_that_has_nothing_to_play_says_where_a_prompt_is_set(client: OscClient) -> None:
    *_, hint = expect_fail(client, "/ace/go", 1.0)
    assert "/ace/set/prompt" in hint
    assert "argument" not in hint, "a button has none"


def test_a_button_goes_before_what_was_typed_and_that_before_a_batch(tmp_path: Path) -> None:
    defaults = Settings().request.changed({"prompt": "button", "seconds": 0.5})
    with (
        on_stage(tmp_path, SteppedModel(running=False), request=defaults) as stage,
        closing(stage.client()) as client,
    ):
        client.send("/ace/generate", "many", "count", 2)
        client.send("/ace/generate", "typed", *SHORT)
        client.send("/ace/go", True)
        client.send("/ace/generate", "quick", *SHORT, "priority", "Live")
        client.send("/ace/generate", "slow", *SHORT, "priority", "batch")
        client.until("/ace/queued", "slow")
        answers = {job.id.split(".")[0]: job.priority.name for job in stage.engine.active()}
        assert sorted(answers.values()) == ["BATCH", "BATCH", "LIVE", "LIVE", "NORMAL"]
        assert [answers[id] for id in ("many", "typed", "quick", "slow")] == [
            "BATCH",
            "NORMAL",
            "LIVE",
            "BATCH",
        ]


def test_count_makes_several_takes_of_one_request(client: OscClient) -> None:
    client.send("/ace/generate", "several", *SHORT, "count", 3, "seed", 5)
    clips = [client.until_end(f"several.{n}")[-2][1] for n in (1, 2, 3)]
    assert [clip[-1] for clip in clips] == ["5", "6", "7"]
    assert len({clip[2] for clip in clips}) == 3


def test_more_takes_than_the_queue_holds_are_refused_together(client: OscClient) -> None:
    hurry = ("count", 65, "priority", "normal")
    assert expect_fail(client, "/ace/generate", "too-many", *SHORT, *hurry)[1] == 422
    assert expect_fail(client, "/ace/query", "too-many.1")[1] == 404


def test_latin1_text_and_line_breaks_written_as_backslash_n_are_understood(
    client: OscClient,
) -> None:
    raw = encode_message(
        "/ace/generate", "latin", "prompt", "caf_ noir", "lyrics", r"[verse]\nla la", "seconds", "1"
    )
    client.send_raw(raw.replace(b"caf_", b"caf\xe9"))
    manifest = Path(client.until_end("latin")[-1][1][2])
    assert manifest.name.startswith("cafe-noir")
    assert '"lyrics": "[verse]\\nla la"' in manifest.read_text("utf-8")


def test_the_largest_datagram_arrives_whole(client: OscClient) -> None:
    lyrics = "la " * 20_000
    client.send("/ace/generate", "large", "prompt", "p", "seconds", 1, "lyrics", lyrics)
    assert client.until_end("large")[-1][0] == "/ace/finished"


@pytest.mark.parametrize("letter", ["x", "♪"])
def test_every_answer_fits_into_a_small_datagram(client: OscClient, letter: str) -> None:
    for id, name in ((letter * 3000, "prompt"), (letter * 20, letter * 3000)):
        client.send("/ace/generate", id, name, letter * 3000)
        data = client.receive_raw()
        assert data.startswith(b"/ace/fail")
        assert len(data) <= 1_200


def test_an_id_that_would_fill_every_answer_is_refused(client: OscClient) -> None:
    assert expect_fail(client, "/ace/generate", "i" * 129, *SHORT)[1] == 422
    assert client.ask("/ace/generate", "i" * 128, *SHORT)[0] == "/ace/queued"
    client.until_end("i" * 128)


def test_a_midi_file_is_read_from_folders_that_the_settings_list_only(tmp_path: Path) -> None:
    loops = tmp_path / "loops"
    loops.mkdir()
    shutil.copy(_midi_file(tmp_path), loops / "verse.mid")
    with on_stage(tmp_path, folders=(loops,)) as stage, closing(stage.client()) as client:
        assert make_clip(client, "named", *SHORT, "guide", "verse.mid")
        assert make_clip(client, "whole", *SHORT, "guide", str(loops / "verse.mid"))
        (loops / "link.mid").symlink_to(tmp_path / "other.mid")
        for path in (
            tmp_path / "other.mid",
            loops / ".." / "other.mid",
            loops / "link.mid",
            "/etc/nothing.mid",
        ):
            id, code, _, hint = expect_fail(
                client, "/ace/generate", "outside", *SHORT, "guide", str(path)
            )
            assert id == "outside"
            assert code == 403
            assert hint.startswith(f"copy it to {stage.settings.out / '.sources'}")
            assert expect_fail(client, "/ace/set/guide", str(path))[1] == 403
        assert expect_fail(client, "/ace/generate", "gone", *SHORT, "guide", "gone.mid")[1] == 404
        assert client.ask("/ace/set/guide", "verse.mid")[1] == [str(loops / "verse.mid")]


class SlowParser:
    """Reads a MIDI file when it may, and notes the threads that do."""

    def __init__(self) -> None:
        self.may_read = threading.Event()
        self.readers: list[str] = []
        self._parse = smf.parse

    def __call__(self, data: bytes) -> smf.MidiFile:
        self.readers.append(threading.current_thread().name)
        assert self.may_read.wait(60)
        return self._parse(data)


def test_nobody_waits_while_a_midi_guide_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    guide = _midi_file(tmp_path)
    slow = SlowParser()
    monkeypatch.setattr(smf, "parse", slow)
    with on_stage(tmp_path, folders=(tmp_path,)) as stage, closing(stage.client()) as client:
        client.send(
            "/ace/generate", "slow", "prompt", "x", "bars", 1, "guide", str(guide), "num_steps", 1
        )
        assert client.ask("/ace/ping", "1")[1][0] == "1"  # it is not read yet, and nobody waits
        with closing(stage.client()) as another:
            another.send("/ace/generate", "quick", *SHORT)
            assert "/ace/finished" in addresses(another.until_end("quick"))
        slow.may_read.set()
        assert addresses(client.until_end("slow"))[0] == "/ace/queued"
    assert len(slow.readers) == 1
    assert "osc" not in slow.readers[0]


def test_nobody_waits_while_the_changed_guide_of_a_reroll_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    guide = _midi_file(tmp_path)
    slow = SlowParser()
    with on_stage(tmp_path, folders=(tmp_path,)) as stage, closing(stage.client()) as client:
        client.send(
            "/ace/generate", "first", "prompt", "x", "bars", 1, "guide", str(guide), "num_steps", 1
        )
        assert "/ace/finished" in addresses(client.until_end("first"))
        guide.write_bytes(guide.read_bytes() + b"more")
        monkeypatch.setattr(smf, "parse", slow)
        client.send("/ace/reroll", "again", "first")
        assert client.ask("/ace/ping", "1")[1][0] == "1"
        slow.may_read.set()
        assert addresses(client.until_end("again"))[0] == "/ace/queued"
    assert slow.readers
    assert "osc" not in slow.readers[0]


def test_a_text_that_is_too_long_is_refused_and_changes_nothing(client: OscClient) -> None:
    _, code, text, hint = expect_fail(client, "/ace/generate", "long", "prompt", "x" * 8193)
    assert (code, hint) == (422, "shorten it")
    assert text == "prompt must have at most 8192 characters, got 8193"
    before = client.ask("/ace/get/name")[1]
    assert expect_fail(client, "/ace/set/name", "x" * 8193)[1] == 422
    assert client.ask("/ace/get/name")[1] == before


def _midi_file(folder: Path) -> Path:
    path = folder / "other.mid"
    track = b"\x00\x90\x3c\x40\x60\x80\x3c\x40\x00\xff\x2f\x00"
    path.write_bytes(b"MThd\0\0\0\6\0\0\0\1\0\x60MTrk" + struct.pack(">I", len(track)) + track)
    return path
