"""The OSC surface, through real datagrams to a real engine, journal and files; only the model is a
`Tape`.
"""

from __future__ import annotations

import dataclasses
import random
import shutil
import socket
import struct
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
import soundfile
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pythonosc.osc_bundle_builder import OscBundleBuilder
from pythonosc.osc_message_builder import OscMessageBuilder

from daemon import API, VERSION
from daemon.jobs import Event
from daemon.osc import commands, guard, lyric_uploads, protocol
from daemon.osc import server as osc
from daemon.osc.subscribers import FOR_EVER
from daemon.osc.wire import Sender
from daemon.settings import Settings, SettingsError
from pipeline.request import FIELDS
from tests.support.osc_client import OscClient, TcpClient, addresses, message
from tests.support.stage import Stage, on_stage
from tests.support.workshop import Tape

SHORT = ("prompt", "short", "seconds", 0.5)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """For all tests that only talk to it."""
    with on_stage(tmp_path_factory.mktemp("stage")) as running:
        yield running


@pytest.fixture
def client(stage: Stage) -> Iterator[OscClient]:
    with closing(stage.client()) as connected:
        yield connected


@pytest.fixture
def still(tmp_path: Path) -> Iterator[Stage]:
    """One whose model takes no step until it is told to, so that jobs stay where they are."""
    with on_stage(tmp_path, Tape(running=False)) as running:
        yield running


@pytest.fixture
def waiting(still: Stage) -> Iterator[OscClient]:
    """A client of that one."""
    with closing(still.client()) as connected:
        yield connected


@contextmanager
def subscribed(stage: Stage, *topics: str) -> Iterator[OscClient]:
    """Another client, which hears these topics; the snapshot has been heard."""
    with closing(stage.client()) as listener:
        listener.send("/ace/notify", 1, 0, *topics)
        listener.send("/ace/sync", 77)
        listener.until("/ace/synced")
        yield listener
        listener.send("/ace/notify", 0)


def failure(
    client: OscClient, address: str, *arguments: object, types: str | None = None
) -> tuple[str, int, str, str]:
    """The id, code, message and hint of the /ace/fail that answers."""
    heard, (id, command, code, text, hint) = client.ask(address, *arguments, types=types)
    assert heard == "/ace/fail"
    assert command == address
    return id, code, text, hint


def bundle(when: float, *messages: bytes) -> bytes:
    body = b"".join(struct.pack(">i", len(m)) + m for m in messages)
    return b"#bundle\0" + struct.pack(">Q", int((when + 2208988800) * 2**32)) + body


def made(client: OscClient, id: str, *arguments: Any) -> list[Any]:
    """Make a clip; the arguments of its /ace/clip."""
    client.send("/ace/generate", id, *(arguments or SHORT))
    return next(values for address, values in client.until_end(id) if address == "/ace/clip")


# --- asking ---------------------------------------------------------------------------------------


def test_ping_answers_with_token_version_and_api(client: OscClient) -> None:
    assert client.ask("/ace/ping", "hello") == ("/ace/pong", ["hello", VERSION, API])
    assert client.ask("/ace/ping") == ("/ace/pong", ["", VERSION, API])


def test_status_tells_state_model_and_queue(client: OscClient) -> None:
    assert client.ask("/ace/status") == ("/ace/state", ["warm", "mini", 0])


def test_sync_answers_after_everything_before_it(client: OscClient) -> None:
    for token in range(50):
        client.send("/ace/ping", str(token))
    client.send("/ace/sync", 9)
    heard = [client.hear() for _ in range(51)]
    assert [values[0] for _, values in heard] == [*map(str, range(50)), 9]


def test_a_sync_beyond_32_bits_is_refused(client: OscClient) -> None:
    assert failure(client, "/ace/sync", 2**40, types="h")[1] == 422


# --- making clips ---------------------------------------------------------------------------------


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
    path, _, _, heard_seed = client.until_end(id)[-2][1][2:]
    assert Path(path).name.startswith(prompt + "_120bpm")
    assert soundfile.info(path).frames == samples
    assert seed in (None, heard_seed)


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
    _, code, text, hint = failure(client, "/ace/generate", "x", "prompt", "slow", "tempo", "piano")
    assert code == 400
    assert text == "bpm must be a number, got 'piano'"
    assert "as one string" in hint


@pytest.mark.parametrize("words", [("techno", "bmp", 128), ("techno", "seconds", 1, "bmp", 128)])
def test_a_misspelt_name_before_a_number_is_a_slip_and_not_a_word(
    client: OscClient, words: tuple[object, ...]
) -> None:
    _, code, text, hint = failure(client, "/ace/generate", "x", "prompt", *words)
    assert code == 404
    assert text == "no parameter is called 'bmp'"
    assert hint == "did you mean bpm?"


def test_a_tempo_sent_as_a_float_is_the_tempo_that_was_typed(client: OscClient) -> None:
    path = Path(made(client, "f32", "prompt", "x y", "bars", 4, "bpm", 60.2, "key", "Am")[2])
    assert path.name.startswith("x-y_60.2bpm_Amin_4bars")
    assert soundfile.info(path).frames == round(16 * 60 / 60.2 * 48_000)


def test_thousands_of_combining_marks_stall_nobody(client: OscClient) -> None:
    client.send("/ace/ping", "a" + "\u0301\u0316" * 16_000)
    assert client.hear()[0] == "/ace/pong"


def test_a_misspelt_name_behind_a_whole_text_is_not_swallowed(client: OscClient) -> None:
    assert failure(client, "/ace/generate", "x", "prompt", "warm beat", "brs", 4)[1] == 404


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
    assert [client.hear(), client.hear()] == story[-2:]  # where it is, again
    assert client.quiet()


def test_another_wish_under_the_same_id_is_refused(client: OscClient) -> None:
    client.send("/ace/generate", "taken", *SHORT)
    client.until_end("taken")
    id, code, text, _ = failure(client, "/ace/generate", "taken", "prompt", "another")
    assert id == "taken"
    assert code == 409
    assert "taken" in text


def test_chords_and_stems_are_asked_for_in_words(client: OscClient) -> None:
    client.send(
        "/ace/generate",
        "drawn",
        "prompt",
        "pop",
        *"guide Am F C G bars 2 bpm 120 seed 1 stems drums".split(),
    )
    ended = client.until_end("drawn")
    clips = [message[1] for message in ended if message[0] == "/ace/clip"]
    assert [clip[1] for clip in clips] == ["mix", "drums"]
    assert {soundfile.info(clip[2]).frames for clip in clips} == {192_000}
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
        (("x", "prompt", "p", "key", "H dur"), 422, "key must be a note"),
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
        (("x", "prmpt", "p"), 404, "no parameter is called 'prmpt'"),
        (("x", "prompt"), 400, "'prompt' has no value"),
        (("x", 7, "p"), 400, "name must be a text"),
        (("x",), 400, "prompt and lyrics are empty"),
        ((), 400, "prompt and lyrics are empty"),
        (("*", "prompt", "p"), 422, "an id must not be *"),
    ],
)
def test_a_wish_that_cannot_be_is_answered_with_what_is_allowed(
    client: OscClient, arguments: tuple[object, ...], code: int, says: str
) -> None:
    id, heard, text, _ = failure(client, "/ace/generate", *arguments)
    assert id == (arguments[0] if arguments else "")
    assert heard == code
    assert says in text


def test_a_misspelt_parameter_gets_the_right_one_as_a_hint(client: OscClient) -> None:
    assert failure(client, "/ace/generate", "x", "prmpt", "p")[3] == "did you mean prompt?"


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


def test_a_button_goes_before_what_was_typed_and_that_before_a_batch(tmp_path: Path) -> None:
    defaults = Settings().request.changed({"prompt": "button", "seconds": 0.5})
    with (
        on_stage(tmp_path, Tape(running=False), request=defaults) as stage,
        closing(stage.client()) as client,
    ):
        client.send("/ace/generate", "many", "count", 2)
        client.send("/ace/generate", "typed", *SHORT)
        client.send("/ace/go", True)
        client.send("/ace/generate", "quick", *SHORT, "priority", "Live")
        client.send("/ace/generate", "slow", *SHORT, "priority", "batch")
        client.until("/ace/queued", "slow")
        told = {job.id.split(".")[0]: job.priority.name for job in stage.engine.active()}
        assert sorted(told.values()) == ["BATCH", "BATCH", "LIVE", "LIVE", "NORMAL"]
        assert [told[id] for id in ("many", "typed", "quick", "slow")] == [
            "BATCH",
            "NORMAL",
            "LIVE",
            "BATCH",
        ]


def test_count_makes_several_takes_of_one_wish(client: OscClient) -> None:
    client.send("/ace/generate", "several", *SHORT, "count", 3, "seed", 5)
    clips = [client.until_end(f"several.{n}")[-2][1] for n in (1, 2, 3)]
    assert [clip[-1] for clip in clips] == ["5", "6", "7"]
    assert len({clip[2] for clip in clips}) == 3


def test_more_takes_than_the_queue_holds_are_refused_together(client: OscClient) -> None:
    assert failure(client, "/ace/generate", "too-many", *SHORT, "count", 65)[1] == 422
    assert failure(client, "/ace/query", "too-many.1")[1] == 404


def test_latin1_text_and_line_breaks_written_as_backslash_n_are_understood(
    client: OscClient,
) -> None:
    raw = message(
        "/ace/generate", "latin", "prompt", "caf_ noir", "lyrics", r"[verse]\nla la", "seconds", "1"
    )
    client.send_raw(raw.replace(b"caf_", b"caf\xe9"))
    manifest = Path(client.until_end("latin")[-1][1][2])
    assert manifest.name.startswith("café-noir")
    assert '"lyrics": "[verse]\\nla la"' in manifest.read_text("utf-8")


def test_the_largest_datagram_arrives_whole(client: OscClient) -> None:
    lyrics = "la " * 20_000
    client.send("/ace/generate", "large", "prompt", "p", "seconds", 1, "lyrics", lyrics)
    assert client.until_end("large")[-1][0] == "/ace/finished"


@pytest.mark.parametrize("letter", ["x", "♪"])
def test_every_answer_fits_into_a_small_datagram(client: OscClient, letter: str) -> None:
    for id, name in ((letter * 3000, "prompt"), (letter * 20, letter * 3000)):
        client.send("/ace/generate", id, name, letter * 3000)
        data = client.hear_raw()
        assert data.startswith(b"/ace/fail")
        assert len(data) <= 1_200


def test_an_id_that_would_fill_every_answer_is_refused(client: OscClient) -> None:
    assert failure(client, "/ace/generate", "i" * 129, *SHORT)[1] == 422
    assert client.ask("/ace/generate", "i" * 128, *SHORT)[0] == "/ace/queued"
    client.until_end("i" * 128)


# --- files that messages name ---------------------------------------------------------------------


def test_a_midi_file_is_read_from_folders_that_the_settings_list_only(tmp_path: Path) -> None:
    loops = tmp_path / "loops"
    loops.mkdir()
    shutil.copy(_midi_file(tmp_path), loops / "verse.mid")
    with on_stage(tmp_path, folders=(loops,)) as stage, closing(stage.client()) as client:
        assert made(client, "named", *SHORT, "guide", "verse.mid")
        assert made(client, "whole", *SHORT, "guide", str(loops / "verse.mid"))
        (loops / "link.mid").symlink_to(tmp_path / "other.mid")
        for path in (
            tmp_path / "other.mid",
            loops / ".." / "other.mid",
            loops / "link.mid",
            "/etc/nothing.mid",
        ):
            id, code, _, hint = failure(
                client, "/ace/generate", "outside", *SHORT, "guide", str(path)
            )
            assert id == "outside"
            assert code == 403
            assert str(loops) in hint
            assert failure(client, "/ace/set/guide", str(path))[1] == 403
        assert failure(client, "/ace/generate", "gone", *SHORT, "guide", "gone.mid")[1] == 404
        assert client.ask("/ace/set/guide", "verse.mid")[1] == [str(loops / "verse.mid")]


def _midi_file(folder: Path) -> Path:
    path = folder / "other.mid"
    track = b"\x00\x90\x3c\x40\x60\x80\x3c\x40\x00\xff\x2f\x00"
    path.write_bytes(b"MThd\0\0\0\6\0\0\0\1\0\x60MTrk" + struct.pack(">I", len(track)) + track)
    return path


# --- stopping -------------------------------------------------------------------------------------


def test_cancel_stops_a_running_job_and_leaves_no_file(waiting: OscClient, still: Stage) -> None:
    waiting.send("/ace/generate", "stop", *SHORT)
    waiting.until("/ace/progress", "stop")
    waiting.send("/ace/cancel", "stop")
    assert waiting.until_end("stop")[-1] == ("/ace/cancelled", ["stop"])
    assert list(still.settings.out.iterdir()) == []


def test_cancel_takes_a_waiting_job_out_of_the_queue_at_once(waiting: OscClient) -> None:
    waiting.send("/ace/generate", "ahead", *SHORT)
    waiting.send("/ace/generate", "behind", *SHORT)
    assert waiting.until("/ace/queued", "behind")[-1][1][1] == 1
    waiting.send("/ace/cancel", "behind")
    assert waiting.until_end("behind")[-1][0] == "/ace/cancelled"
    waiting.send("/ace/cancel", "ahead")
    assert waiting.until_end("ahead")[-1][0] == "/ace/cancelled"


def test_cancel_star_stops_everything(waiting: OscClient) -> None:
    for id in "abc":
        waiting.send("/ace/generate", id, *SHORT)
    waiting.until("/ace/progress", "a")
    waiting.send("/ace/cancel", "*")
    assert {waiting.until("/ace/cancelled")[-1][1][0] for _ in range(3)} == {"a", "b", "c"}


def test_panic_cancels_everything_and_forgets_what_waits_for_its_time(
    waiting: OscClient, still: Stage
) -> None:
    for id in "ab":
        waiting.send("/ace/generate", id, *SHORT)
    waiting.until("/ace/queued", "b")
    waiting.send_raw(bundle(time.time() + 50, message("/ace/generate", "later", *SHORT)))
    waiting.send("/ace/panic", 0.0)
    waiting.send("/ace/sync", 1)
    waiting.until("/ace/synced")
    assert len(still.engine.active()) == 2, "a button that is let go"
    assert len(still.osc._timed) == 1, "a button that is let go"
    waiting.send("/ace/panic", 1.0)
    told = waiting.until("/ace/done")
    assert told[-1][1] == ["/ace/panic", 3, 0]
    assert [values[:3] for address, values in told if address == "/ace/fail"] == [
        ["later", "/ace/generate", 499]
    ]
    waiting.send("/ace/sync", 2)
    waiting.until("/ace/synced")
    assert still.osc._timed == []


def test_what_stands_behind_a_panic_in_its_bundle_is_played(
    waiting: OscClient, still: Stage
) -> None:
    waiting.send_raw(
        bundle(time.time() + 0.3, message("/ace/panic"), message("/ace/generate", "new", *SHORT))
    )
    waiting.until("/ace/queued", "new")


def test_a_clock_that_is_set_back_delays_no_bundle(
    waiting: OscClient, still: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting.send_raw(bundle(time.time() + 1, message("/ace/ping", "on time")))
    waiting.send("/ace/sync", 1)
    waiting.until("/ace/synced")
    set_back = time.time() - 600
    monkeypatch.setattr(time, "time", lambda: set_back)
    waiting.until("/ace/pong", "on time")


def test_a_client_with_a_new_port_can_cancel_by_name(waiting: OscClient, still: Stage) -> None:
    with closing(still.client()) as other:
        waiting.send("/ace/generate", "by-name", *SHORT)
        waiting.until("/ace/progress", "by-name")
        other.send("/ace/cancel", "by-name")
        assert waiting.until_end("by-name")[-1][0] == "/ace/cancelled"
        assert other.hear() == ("/ace/cancelled", ["by-name"])


def test_cancelling_nothing_is_answered_too(client: OscClient) -> None:
    assert client.ask("/ace/cancel", "*") == ("/ace/cancelled", ["*"])
    assert failure(client, "/ace/cancel", "nothing")[1] == 404
    assert failure(client, "/ace/cancel")[1] == 400


# --- going on from a job --------------------------------------------------------------------------


def test_reroll_is_the_same_wish_with_another_seed(client: OscClient, stage: Stage) -> None:
    made(client, "parent", "prompt", "to roll", "seconds", 0.5, "seed", 3)
    client.send("/ace/reroll", "child", "parent")
    clip = client.until_end("child")[-2][1]
    assert Path(clip[2]).name.startswith("to-roll_")
    client.send("/ace/reroll", "told", "parent", "99")
    assert client.until_end("told")[-2][1][-1] == "99"
    assert failure(client, "/ace/reroll", "orphan", "nobody")[1] == 404
    assert failure(client, "/ace/reroll", "bad", "parent", "soon")[1] == 400


def test_reroll_without_a_parent_takes_the_clients_newest(client: OscClient) -> None:
    made(client, "before", "prompt", "old one", "seconds", 0.5)
    made(client, "newest", "prompt", "new one", "seconds", 0.5)
    client.send("/ace/reroll", "again")
    assert Path(client.until_end("again")[-2][1][2]).name.startswith("new-one_")


def test_query_tells_again_where_a_job_is(client: OscClient) -> None:
    clip = made(client, "where", *SHORT)
    client.send("/ace/query", "where")
    assert client.hear() == ("/ace/clip", clip)
    assert client.hear()[0] == "/ace/finished"
    assert client.quiet()
    assert failure(client, "/ace/query", "nowhere")[:2] == ("nowhere", 404)
    assert failure(client, "/ace/query")[1] == 400


def test_query_takes_a_pattern_for_those_that_have_not_ended(
    waiting: OscClient, still: Stage
) -> None:
    for id in ("take1", "take2", "other"):
        waiting.send("/ace/generate", id, *SHORT)
    waiting.until("/ace/queued", "other")
    with closing(still.client()) as another:
        another.send("/ace/query", "take[2-9]")
        assert another.hear()[1][0] == "take2"
        another.send("/ace/query", "*")
        assert {another.hear()[1][0] for _ in range(3)} == {"take1", "take2", "other"}
        assert failure(another, "/ace/query", "x*")[1] == 404
        assert failure(another, "/ace/query", "*[x")[1] == 400
        assert failure(another, "/ace/query", "*a" * 50)[1] == 404


def test_a_favourite_is_marked_and_unmarked_and_subscribers_hear_of_it(
    client: OscClient, stage: Stage
) -> None:
    path = made(client, "liked", *SHORT)[2]
    with subscribed(stage, "favourite") as listener:
        assert listener.ask("/ace/favourite", "liked") == ("/ace/favourite", ["liked", 1, path])
        assert listener.hear() == ("/ace/done", ["/ace/favourite", 1, 0])
        assert [job.id for job in stage.engine.journal.search(favourite=True)] == ["liked"]
        listener.send("/ace/favourite", "liked", 0)
        assert listener.until("/ace/done")[0][1] == ["liked", 0, path]
        assert stage.engine.journal.search(favourite=True) == []
        assert failure(listener, "/ace/favourite", "liked", 2)[1] == 422
        assert failure(listener, "/ace/favourite", "unheard of")[1] == 404


def test_a_button_marks_the_newest_clip_that_is_finished(waiting: OscClient, still: Stage) -> None:
    assert failure(waiting, "/ace/favourite", 1.0)[1] == 404
    still.tape.step(4)
    made(waiting, "heard", *SHORT)
    waiting.send("/ace/generate", "coming", *SHORT)
    waiting.until("/ace/queued", "coming")
    waiting.send("/ace/favourite", 1.0)
    assert waiting.until("/ace/favourite")[-1][1][0] == "heard"
    waiting.send("/ace/favourite", 0.0)
    with closing(still.client()) as other:
        assert other.ask("/ace/insert", 1.0) == ("/ace/done", ["/ace/insert", -1, -1])
        assert failure(other, "/ace/insert", "coming")[1] == 409


def test_insert_tells_integrations_which_file_goes_where(client: OscClient, stage: Stage) -> None:
    path = made(client, "put", *SHORT)[2]
    with subscribed(stage, "insert") as listener:
        assert listener.ask("/ace/insert", "put", 2, "3") == ("/ace/insert", ["put", 2, 3, path])
        assert listener.hear() == ("/ace/done", ["/ace/insert", 2, 3])
        Path(path).unlink()
        assert failure(listener, "/ace/insert", "put")[1] == 404


def test_history_is_searched_by_words(client: OscClient) -> None:
    for number in range(3):
        made(
            client, f"past{number}", "prompt", f"histories {number}", "seconds", 0.5, "seed", number
        )
    client.send("/ace/history", "histories", "past")
    told = client.until("/ace/done")
    assert [values[:3] for _, values in told[:-1]] == [
        [f"past{n}", "finished", str(n)] for n in (2, 1, 0)
    ]
    assert all(Path(values[3]).is_file() for _, values in told[:-1])
    assert told[-1][1] == ["/ace/history", 3, 0]
    client.send("/ace/history", "histories", 1)
    assert [address for address, _ in client.until("/ace/done")] == ["/ace/past", "/ace/done"]
    client.send("/ace/history", 2)
    assert len(client.until("/ace/done")) == 3
    assert client.ask("/ace/history", "nothing like that")[1] == ["/ace/history", 0, 0]
    assert failure(client, "/ace/history", "x", 100_000)[1] == 422


# --- the panel ------------------------------------------------------------------------------------


@pytest.fixture
def turned(stage: Stage) -> Iterator[None]:
    """Puts the panel back."""
    before = stage.panel.request
    yield
    stage.panel.replace(before)


TEXTS = {
    "guide": "Am F C G", "stems": "drums bass", "key": "A minor", "language": "en", "time_signature": "3/4",
    "cfg_type": "cfg", "format": "flac", "task": "cover", "sampler": "dpm", "timesteps": "1 0.75 0.3", "preview": "2 4",
    "codes": "7 63999", "reference_parts": "even", "plan": "off",
}  # fmt: skip


@pytest.mark.parametrize("name", FIELDS)
def test_every_parameter_is_set_and_told_back(
    client: OscClient, stage: Stage, turned: None, name: str
) -> None:
    default = FIELDS[name].default
    high = FIELDS[name].metadata["allowed"].high
    if name in ("source", "reference"):
        value: Any = str(stage.settings.out / "source.wav")
        Path(value).touch()
    elif isinstance(default, str):
        value = TEXTS.get(name, "some text")
    elif name in protocol.SEEDS:
        value = str(high)
    else:
        value = int(not default) if isinstance(default, bool) else 4 if name == "bars" else high
    assert client.ask(f"/ace/set/{name}", value) == (f"/ace/param/{name}", [value])
    assert client.ask(f"/ace/get/{name}") == (f"/ace/param/{name}", [value])
    assert str(getattr(stage.panel.request, name)) in (str(value), str(bool(value)))


def test_what_is_set_is_what_the_next_message_leaves_out(
    client: OscClient, stage: Stage, turned: None
) -> None:
    client.ask("/ace/set/prompt", "slow", "warm", r"beat\nfor tape")  # Pd's atoms
    client.ask("/ace/set/tempo", "84")
    client.ask("/ace/set/bars", 1.0)
    assert Path(made(client, "left-out", "seed", 1)[2]).name.startswith(
        "slow-warm-beat-for-tape_84bpm"
    )
    assert stage.panel.request.prompt == "slow warm beat\nfor tape"


@pytest.mark.parametrize(
    ("address", "arguments", "code"),
    [
        ("/ace/set/bars", (-1,), 422),
        ("/ace/set/bars", (), 400),
        ("/ace/set/bars", (4, 5), 400),
        ("/ace/set/bpm", (float("nan"),), 400),
        ("/ace/set/brs", (4,), 404),
        ("/ace/set/*", (4,), 404),
        ("/ace/set/", (4,), 404),
        ("/ace/set/<param>", (4,), 404),
        ("/ace/set", (4,), 404),
        ("/ace/get/brs", (), 404),
        ("/ace/get/x*", (), 404),
        ("/ace/get/[a-", (), 400),
        ("/ace/get/" + "*a" * 100, (), 400),
        ("/ace/*/bars", (4,), 404),
    ],
)
def test_what_cannot_be_set_or_told_is_refused(
    client: OscClient, stage: Stage, address: str, arguments: tuple[object, ...], code: int
) -> None:
    before = stage.panel.request
    assert failure(client, address, *arguments)[1] == code
    assert stage.panel.request == before


def test_get_takes_patterns(client: OscClient) -> None:
    def told(pattern: str) -> list[str]:
        client.send(f"/ace/get/{pattern}")
        client.send("/ace/sync", 1)
        return [
            address.removeprefix("/ace/param/") for address, _ in client.until("/ace/synced")[:-1]
        ]

    assert told("*") == list(FIELDS)
    assert told("guid*_s*") == ["guide_strength", "guide_seed", "guidance_scale"]
    assert told("{bars,bpm,nothing}") == ["bars", "bpm"]


def test_subscribers_hear_what_others_turn_and_whoever_turns_hears_it_once(
    client: OscClient, stage: Stage, turned: None
) -> None:
    with subscribed(stage, "param") as listener:
        client.send("/ace/set/bars", 7)
        assert listener.hear() == ("/ace/param/bars", [7])
        stage.panel.set("bars", 8)  # another surface
        assert listener.hear() == ("/ace/param/bars", [8])
        for _ in range(2):
            assert listener.ask("/ace/set/bars", 9) == ("/ace/param/bars", [9])
        assert listener.quiet()


def test_a_long_text_is_told_shortened(client: OscClient, turned: None) -> None:
    client.send("/ace/set/lyrics", "♪" * 3000)
    data = client.hear_raw()
    assert len(data) <= 1200
    assert "…" in data.decode()


# --- lyrics in parts ------------------------------------------------------------------------------


def test_lyrics_in_parts_become_the_parameter(
    client: OscClient, stage: Stage, turned: None
) -> None:
    lines = [f"[verse {n}]\n" + "la " * 1000 for n in range(40)]
    assert client.ask("/ace/lyrics/begin", "song") == (
        "/ace/done",
        ["/ace/lyrics/begin", 0, lyric_uploads.PATIENCE],
    )
    for number, part in enumerate(lines[:20], 1):
        assert client.ask("/ace/lyrics/append", "song", number, part)[1][1] == number
    assert client.ask("/ace/lyrics/end", "song", 20)[1][:2] == ["/ace/lyrics/end", 20]
    assert stage.panel.request.lyrics == "\n".join(lines[:20])
    client.send("/ace/lyrics/end", "song", 20)  # a datagram that comes twice
    assert client.hear()[1][:2] == ["/ace/lyrics/end", 20]


def test_a_part_that_was_lost_is_noticed(client: OscClient, stage: Stage, turned: None) -> None:
    client.ask("/ace/lyrics/begin", "holes")
    client.ask("/ace/lyrics/append", "holes", 2, "two")
    _, code, text, _ = failure(client, "/ace/lyrics/end", "holes", 3)
    assert code == 409
    assert text == "parts of the lyrics 'holes' did not arrive: 1, 3"
    assert stage.panel.request.lyrics == ""


@pytest.mark.parametrize(
    ("command", "arguments", "code"),
    [
        ("begin", (), 422),
        ("append", ("unknown", 1, "text"), 404),
        ("append", ("unknown",), 400),
        ("append", ("unknown", "one", "text"), 400),
        ("end", ("unknown",), 400),
        ("end", ("unknown", 1), 404),
    ],
)
def test_lyrics_that_make_no_sense_are_refused(
    client: OscClient, command: str, arguments: tuple[object, ...], code: int
) -> None:
    assert failure(client, f"/ace/lyrics/{command}", *arguments)[1] == code


def test_lyrics_that_are_never_ended_are_given_up_with_a_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lyric_uploads, "PATIENCE", 0.2)
    with on_stage(tmp_path) as stage, closing(stage.client()) as client:
        client.ask("/ace/lyrics/begin", "forgotten")
        address, values = client.hear()
        assert address == "/ace/fail"
        assert values[2] == 408
        assert "forgotten" in values[3]


# --- tempo and model ------------------------------------------------------------------------------


def test_the_sessions_tempo_is_asked_for_set_and_let_go(client: OscClient, stage: Stage) -> None:
    assert client.ask("/ace/tempo") == ("/ace/tempo", [120.0, "default"])
    with subscribed(stage, "tempo") as listener:
        assert client.ask("/ace/tempo", 98.5) == ("/ace/tempo", [98.5, "explicit"])
        assert listener.hear() == ("/ace/tempo", [98.5, "explicit"])
        assert made(client, "in-tempo", *SHORT)[3] == 98.5
        assert client.ask("/ace/tempo", "0") == ("/ace/tempo", [120.0, "default"])
        assert listener.hear() == ("/ace/tempo", [120.0, "default"])
    assert failure(client, "/ace/tempo", 900)[1] == 422


def test_the_model_is_one_that_the_settings_list(tmp_path: Path) -> None:
    with (
        on_stage(tmp_path, models=("another", "/models/mine")) as stage,
        closing(stage.client()) as client,
    ):
        client.send("/ace/notify", 1, 0, "state")
        client.send("/ace/model", "another")
        assert client.until("/ace/done")
        while client.hear()[1][:2] != ["warm", "another"]:
            pass
        for name in ("third", "/etc/passwd", "../mini", ""):
            assert _model_failure(client, name) == 403
        for variant in ("../x", "/x", "a/b", ".hidden"):
            assert _model_failure(client, "/models/mine", variant) == 422


def _model_failure(client: OscClient, *arguments: str) -> int:
    client.send("/ace/model", *arguments)
    return int(client.until("/ace/fail")[-1][1][2])


# --- subscribing ----------------------------------------------------------------------------------


def test_a_subscriber_on_another_port_hears_everything(client: OscClient, stage: Stage) -> None:
    with closing(stage.client()) as listener:
        assert client.ask("/ace/notify", 1, listener.port)[0] == "/ace/done"
        assert listener.hear() == (
            "/ace/done",
            ["/ace/notify", pytest.approx(1, abs=1000), guard.LEASE],
        )
        listener.until("/ace/param/" + list(FIELDS)[-1])
        made(client, "heard", *SHORT)
        jobs = [h for h in listener.until("/ace/finished", "heard") if h[0] != "/ace/state"]
        assert addresses(jobs) == ["/ace/queued", "/ace/progress", "/ace/clip", "/ace/finished"]
        assert client.ask("/ace/notify", 0, listener.port)[0] == "/ace/done"
        made(client, "unheard", *SHORT)
        while (heard := listener.ask("/ace/ping", "end"))[
            0
        ] == "/ace/state":  # what came before it left
            pass
        assert heard[1][0] == "end"


def test_a_snapshot_tells_how_everything_stands(waiting: OscClient, still: Stage) -> None:
    for id in ("running", "behind"):
        waiting.send("/ace/generate", id, *SHORT)
    waiting.until("/ace/progress", "running")
    still.panel.set("bars", 3)
    with closing(still.client()) as listener:
        listener.send("/ace/notify", 1)
        told = listener.until("/ace/param/" + list(FIELDS)[-1])
        kinds = [address for address, _ in told]
        assert kinds[:3] == ["/ace/done", "/ace/state", "/ace/tempo"]
        assert told[1][1] == ["busy", "mini", 1]
        assert ("/ace/param/bars", [3]) in told
        assert {
            address.removeprefix("/ace/param/") for address in kinds if "param" in address
        } == set(FIELDS)
        jobs = [
            (address, values[0]) for address, values in told if values[0] in ("running", "behind")
        ]
        assert jobs[0] == ("/ace/progress", "running")
        assert ("/ace/queued", "behind") in jobs


def test_topics_choose_what_a_subscriber_hears(client: OscClient, stage: Stage) -> None:
    with closing(stage.client()) as listener:
        listener.send("/ace/notify", 1, listener.port, "clip")
        assert listener.hear()[0] == "/ace/done"
        made(client, "topic", *SHORT)
        assert listener.hear()[0] == "/ace/clip"
        assert listener.quiet()
        listener.send("/ace/notify", 1, "tempo,state")  # without a port
        assert [listener.hear()[0] for _ in range(3)] == ["/ace/done", "/ace/state", "/ace/tempo"]
        assert failure(listener, "/ace/notify", 1, listener.port, "weather")[1] == 422
        assert failure(listener, "/ace/notify", 1, 70_000)[1] == 422
        listener.send("/ace/notify", 0)


def test_a_subscriber_is_told_about_a_job_once_although_it_is_its_own(
    client: OscClient, stage: Stage
) -> None:
    with subscribed(stage) as listener:
        listener.send("/ace/generate", "once", *SHORT)
        story = listener.until_end("once")
        assert addresses(story) == ["/ace/queued", "/ace/progress", "/ace/clip", "/ace/finished"]


def test_failures_reach_the_subscriber_on_the_senders_machine(stage: Stage) -> None:
    with subscribed(stage, "fail") as listener, closing(stage.client()) as thrown_away:
        thrown_away.send("/ace/go", "x", "prompt", -5)
        assert listener.hear()[1][:3] == ["x", "/ace/go", 422]


def test_what_a_watched_file_said_reaches_subscribers(stage: Stage) -> None:
    with subscribed(stage, "read") as listener:
        stage.engine.publish(
            Event("read", None, ("/lyrics/song.md", 3, 422, "no parameter is called 'brs'"))
        )
        assert listener.hear() == (
            "/ace/read",
            ["/lyrics/song.md", 3, 422, "no parameter is called 'brs'"],
        )


def test_a_failure_that_is_about_no_job_reaches_subscribers(stage: Stage) -> None:
    with subscribed(stage, "fail") as listener:
        stage.engine.publish(
            Event("fail", None, ("/ace/generate", 500, "the engine's process ended", ""))
        )
        assert listener.hear()[1][:3] == ["", "/ace/generate", 500]


def test_subscribers_whose_lease_ran_out_make_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "LEASE", 0)
    with on_stage(tmp_path) as stage, closing(stage.client()) as client:
        for port in range(2000, 2100):
            stage.osc.subscribers.add(
                Sender(f"udp:127.0.0.1:{port}", "127.0.0.1"), frozenset(), 0.0
            )
        assert client.ask("/ace/notify", 1, 0, "read")[0] == "/ace/done"


def test_more_subscribers_than_there_is_room_for_are_refused(tmp_path: Path) -> None:
    with on_stage(tmp_path) as stage, closing(stage.client()) as client:
        for port in range(2000, 2064):
            stage.osc.subscribers.add(Sender(f"udp:127.0.0.1:{port}", "127.0.0.1"), frozenset())
        assert failure(client, "/ace/notify", 1)[1] == 429


def test_static_subscribers_hear_without_asking_and_without_end(tmp_path: Path) -> None:
    with closing(OscClient(("127.0.0.1", 9))) as listener:
        static = f"127.0.0.1:{listener.port}"
        with on_stage(tmp_path, subscribers=(static,)) as stage:
            assert listener.until("/ace/state")[-1][1][0] == "loading"
            listener._server = stage.osc.address
            listener.send("/ace/notify", 1, 0, "clip")
            listener.until("/ace/done")
            (kept,) = stage.osc.subscribers.of("clip")
            assert stage.osc.subscribers._kept[kept.client].until == FOR_EVER


def test_other_settings_are_taken_up_while_it_runs(tmp_path: Path) -> None:
    with on_stage(tmp_path) as stage, closing(OscClient(stage.osc.address)) as listener:
        changed = Settings(
            out=tmp_path, state=tmp_path, subscribers=(f"127.0.0.1:{listener.port}",), rate=7
        )
        stage.osc.change(changed, stage.osc.allowed_folders)
        made(listener, "seen", *SHORT)
        assert [sender.client for sender in stage.osc.subscribers.of("clip")] == [
            f"udp:127.0.0.1:{listener.port}"
        ]
        stage.osc.change(Settings(out=tmp_path, state=tmp_path), stage.osc.allowed_folders)
        assert stage.osc.subscribers.of("clip") == []


# --- what travels ---------------------------------------------------------------------------------


def test_unknown_messages_and_patterns_are_refused_and_fire_nothing(client: OscClient) -> None:
    for address in (
        "/ace/genrate",
        "/ace/*",
        "/ace/{go,generate}",
        "/ace/g?",
        "/",
        "//go",
        "/ace/" + "*" * 60,
    ):
        assert failure(client, address[: protocol.MAX_TEXT], "id", *SHORT)[1] == 404
    assert client.quiet()


@pytest.mark.parametrize("tag", "Sctmr[")
def test_a_type_tag_that_is_not_understood_is_refused_by_name(client: OscClient, tag: str) -> None:
    client.send_raw(b"/ace/ping\0\0\0" + f",{tag}".encode() + b"\0\0" + b"\0\0\0\x41")
    _, (id, command, code, text, _) = client.hear()
    assert id == ""
    assert command == "/ace/ping"
    assert code == 400
    assert f"type tag {tag!r}" in text


@pytest.mark.parametrize(
    "data",
    [
        b"x",
        b"\xff" * 40,
        b"ping\0\0\0\0,\0\0\0",
        b"/ace/ping",
        b"/ace/ping\0\0\0,i\0\0",
        b"#bundle\0",
        b"#bundle\0" * 9,
    ],
)
def test_what_is_not_osc_is_answered_and_forgotten(client: OscClient, data: bytes) -> None:
    client.send_raw(data)
    address, values = client.hear()
    assert address == "/ace/fail"
    assert values[2] == 400
    assert client.quiet()


def test_the_daemons_own_words_are_never_answered(client: OscClient) -> None:
    for name in protocol.SENT:
        if f"/ace/{name}" not in protocol.COMMANDS:
            client.send(f"/ace/{name}", "x")
    client.send("/ace/param/bars", 4)
    client.send("/ace/tempo", 99.0, "link")
    client.send("/ace/favourite", "x", 1, "/path")
    client.send("/ace/insert", "x", 1, 1, "/path")
    assert client.quiet()


def test_a_daemon_that_is_its_own_subscriber_does_not_talk_to_itself(
    client: OscClient, stage: Stage
) -> None:
    client.ask("/ace/notify", 1, stage.osc.address[1])
    made(client, "mirror", *SHORT)
    client.send("/ace/favourite", "mirror")
    client.until("/ace/done")
    client.ask("/ace/notify", 0, stage.osc.address[1])
    assert client.quiet()


def test_a_bundle_is_handled_in_order(client: OscClient) -> None:
    builder = OscBundleBuilder(0)
    for token in "abc":
        ping = OscMessageBuilder("/ace/ping")
        ping.add_arg(token)
        builder.add_content(ping.build())
    client.send_raw(builder.build().dgram)
    assert [client.hear()[1][0] for _ in "abc"] == ["a", "b", "c"]


def test_a_bundle_waits_for_its_time_while_others_are_served(client: OscClient) -> None:
    due = time.time() + 0.8
    client.send_raw(bundle(due, message("/ace/ping", "later")))
    assert client.ask("/ace/ping", "now")[1][0] == "now"
    assert client.hear()[1][0] == "later"
    assert time.time() >= due


def test_bundles_come_in_the_order_of_their_times(client: OscClient) -> None:
    now = time.time()
    for wait in (1.0, 0.8, 0.9):
        client.send_raw(bundle(now + wait, message("/ace/ping", str(wait))))
    assert [client.hear()[1][0] for _ in range(3)] == ["0.8", "0.9", "1.0"]


@pytest.mark.parametrize("offset", [-10.0, 3600.0, -1e9])
def test_a_bundle_from_the_past_or_a_silly_clock_means_now(
    client: OscClient, offset: float
) -> None:
    client.send_raw(bundle(max(0, time.time() + offset), message("/ace/ping", "late")))
    assert client.hear()[1][0] == "late"


def test_nested_bundles_are_read_but_not_without_end(client: OscClient) -> None:
    data = message("/ace/ping", "deep")
    for _ in range(3):
        data = bundle(time.time(), data)
    client.send_raw(data)
    assert client.hear()[1][0] == "deep"
    for _ in range(2000):
        data = bundle(0, data)
    client.send_raw(data)
    assert client.hear()[1][2] == 400


def test_too_many_timed_messages_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(osc, "MAX_TIMED", 3)
    with on_stage(tmp_path) as stage, closing(stage.client()) as client:
        client.send_raw(bundle(time.time() + 30, *[message("/ace/ping", "x")] * 4))
        assert client.hear()[1][2] == 429
        client.send("/ace/panic")
        assert addresses(client.until("/ace/done")) == ["/ace/fail"] * 3 + ["/ace/done"]
        assert stage.osc._timed == []


# --- who is let in, and how much ------------------------------------------------------------------


def test_whoever_sends_too_fast_is_told_once_and_others_are_served(tmp_path: Path) -> None:
    with (
        on_stage(tmp_path, rate=1) as stage,
        closing(stage.client()) as fast,
        closing(stage.client()) as other,
    ):
        fast.send_raw(bundle(0, *[message("/ace/ping", str(n)) for n in range(200)]))
        heard = [fast.hear() for _ in range(round(guard.BURST) + 1)]
        assert [address for address, _ in heard] == ["/ace/pong"] * round(guard.BURST) + [
            "/ace/fail"
        ]
        assert heard[-1][1][2] == 429
        assert other.ask("/ace/ping", "other")[1][0] == "other"


def _own_address() -> str:
    """An address of this machine that is not loopback: what another machine would be, as far as the
    daemon knows.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing
        except OSError:
            return ""
        return str(probe.getsockname()[0])


@pytest.fixture
def elsewhere() -> str:
    if not (address := _own_address()):
        pytest.skip("this machine has no address but loopback")
    return address


class FarClient(OscClient):
    """Sends from that address."""

    def __init__(self, server: tuple[str, int], host: str) -> None:
        super().__init__((host, server[1]))
        self._socket.close()
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((host, 0))
        self._socket.settimeout(20)


def test_a_sender_off_the_list_is_not_answered(tmp_path: Path, elsewhere: str) -> None:
    with (
        on_stage(tmp_path, host="0.0.0.0", allow=("10.9.8.7",)) as stage,
        closing(stage.client()) as near,
    ):
        near._server = ("127.0.0.1", stage.osc.address[1])
        with closing(FarClient(stage.osc.address, elsewhere)) as far:
            far.send("/ace/set/bars", 5)
            far.send("/ace/ping", "let me in")
            near.send("/ace/get/bars")  # comes after it
            assert near.hear() == ("/ace/param/bars", [0])
            far._socket.setblocking(False)
            with pytest.raises(BlockingIOError):
                far.hear()


def test_another_machine_says_the_token_first(tmp_path: Path, elsewhere: str) -> None:
    with on_stage(tmp_path, host="0.0.0.0", allow=(elsewhere,), token="open sesame") as stage:
        with closing(FarClient(stage.osc.address, elsewhere)) as far:
            assert failure(far, "/ace/ping", "x")[1] == 401
            far.send("/ace/set/bars", 5)  # is not even told no: once a second is enough
            assert far.ask("/ace/hello", "open", "sesame") == (
                "/ace/done",
                ["/ace/hello", guard.LEASE, 0],
            )
            assert far.ask("/ace/ping", "x")[0] == "/ace/pong"
            assert stage.panel.request.bars == 0
            assert made(far, "far", *SHORT)
        with closing(FarClient(stage.osc.address, elsewhere)) as far:
            assert far.ask("/ace/ping", "another port")[0] == "/ace/pong"


def test_who_is_taken_off_the_list_is_not_heard_and_hears_nothing_from_then_on(
    tmp_path: Path, elsewhere: str
) -> None:
    with (
        on_stage(tmp_path, host="0.0.0.0", allow=(elsewhere,)) as stage,
        closing(stage.client()) as near,
    ):
        near._server = ("127.0.0.1", stage.osc.address[1])
        assert stage.osc.tcp_address
        with (
            closing(FarClient(stage.osc.address, elsewhere)) as far,
            closing(TcpClient((elsewhere, stage.osc.tcp_address[1]), False)) as wired,
        ):
            far.send("/ace/notify", 1, 0, "param")
            far.send("/ace/sync", 1)
            far.until("/ace/synced")
            wired.send("/ace/ping", "in")
            assert wired.hear()[0] == "/ace/pong"
            stage.osc.change(
                dataclasses.replace(stage.osc.settings, allow=("10.9.8.7",)),
                stage.osc.allowed_folders,
            )
            assert wired.ended()
            near.ask("/ace/set/bars", 5)
            far._socket.setblocking(False)
            with pytest.raises(BlockingIOError):
                far.hear()


def test_a_wrong_token_opens_nothing(tmp_path: Path, elsewhere: str) -> None:
    settings: dict[str, Any] = {"host": "0.0.0.0", "allow": (elsewhere,), "token": "open sesame"}
    with (
        on_stage(tmp_path, **settings) as stage,
        closing(FarClient(stage.osc.address, elsewhere)) as far,
    ):
        assert failure(far, "/ace/hello", "sesame")[1] == 401
        assert failure(far, "/ace/hello", "open sesame")[1] == 429, "it is tried once a second"
        assert failure(far, "/ace/ping", "x")[1] == 401


def test_a_job_of_an_address_that_is_no_longer_allowed_is_not_told_there(stage: Stage) -> None:
    assert stage.osc._answers("udp:127.0.0.1:9")
    assert stage.osc._answers("tcp:7")
    assert not stage.osc._answers("udp:10.9.8.7:9")
    assert not stage.osc._answers("watch:/lyrics")
    assert not stage.osc._answers("cli")


def test_a_taken_port_is_refused_politely(stage: Stage, tmp_path: Path) -> None:
    taken = on_stage(tmp_path, port=stage.osc.address[1])
    with (
        pytest.raises(SettingsError, match=r"UDP 127\.0\.0\.1.*Choose another port with --port"),
        taken,
    ):
        pass


# --- anything at all ------------------------------------------------------------------------------


def test_ten_thousand_mutated_datagrams_later_it_still_plays(tmp_path: Path) -> None:
    chance = random.Random(1)
    good = [
        message("/ace/generate", "fuzz", "prompt", "p", "seconds", 1, "seed", 3),
        message("/ace/go", "fuzz", "p", 1.0, 2),
        message("/ace/notify", 1, 9999),
        message("/ace/cancel", "*"),
        message("/ace/lyrics/append", "song", 1, "la"),
        message("/ace/set/seconds", 1.0),
        message("/ace/query", "fu*"),
        bundle(time.time() + 1, message("/ace/ping", "x")),
    ]
    with on_stage(tmp_path) as stage, closing(stage.client()) as client:
        for number in range(10_000):
            data = bytearray(chance.choice(good))
            for _ in range(chance.randrange(1, 12)):
                data[chance.randrange(len(data))] = chance.randrange(256)
            cut = bytes(data[: chance.randrange(len(data))])
            client.send_raw(chance.choice([bytes(data), cut, chance.randbytes(50)]))
            if (
                number % 50 == 0
            ):  # wait for the server: a full socket buffer would drop what should be tested
                client.send("/ace/ping", str(number))
                while client.hear()[1][:1] != [str(number)]:
                    pass
        client.send("/ace/panic")
        client.until("/ace/done")
        client.send("/ace/generate", "after", *SHORT)
        assert client.until_end("after")[-1][0] == "/ace/finished"


ATOMS = st.one_of(
    st.sampled_from(
        [
            "",
            "*",
            "x",
            "song",
            "prompt",
            "count",
            "priority",
            "live",
            "guide",
            "../x.mid",
            "[a",
            "param",
        ]
    ),
    st.integers(-(2**31), 2**31 - 1),
    st.floats(width=32),
    st.text(max_size=20).filter(lambda text: "\0" not in text),
    st.booleans(),
)
ADDRESSES = st.sampled_from(
    [*protocol.COMMANDS, "/ace/set/bars", "/ace/set/guide", "/ace/get/*", "/ace/get/[!a]*"]
)


def lives(client: OscClient, data: bytes) -> None:
    client.send_raw(data)
    client.send("/ace/sync", 4711)
    while client.hear() != ("/ace/synced", [4711]):
        pass


@given(st.binary(max_size=200))
@example(b"#bundle\0" + b"\xff" * 40)
@settings(
    deadline=None, max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_no_bytes_stop_the_server(client: OscClient, data: bytes) -> None:
    lives(client, data)


@given(ADDRESSES, st.lists(ATOMS, max_size=6))
@settings(
    deadline=None, max_examples=500, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_no_arguments_stop_the_server(
    client: OscClient, address: str, arguments: list[Any]
) -> None:
    try:
        data = message(address, *arguments)
    except Exception:  # python-osc cannot write it
        return
    lives(client, data)


# --- programs of others ---------------------------------------------------------------------------


@pytest.mark.skipif(shutil.which("oscsend") is None, reason="liblo's oscsend is not installed")
def test_lyrics_are_sent_with_oscsend_which_has_a_new_port_every_time(
    stage: Stage, turned: None
) -> None:
    with subscribed(stage, "param") as listener:
        for path, types, *values in (
            ("begin", "s", "typed"),
            ("append", "sis", "typed", "1", "[verse]"),
            ("append", "sis", "typed", "2", "la la"),
            ("end", "si", "typed", "2"),
        ):
            url = f"osc.udp://127.0.0.1:{stage.osc.address[1]}/"
            subprocess.run(
                ["oscsend", url, f"/ace/lyrics/{path}", types, *values], check=True, timeout=60
            )
        assert listener.until("/ace/param/lyrics")[-1][1] == ["[verse]\nla la"]
