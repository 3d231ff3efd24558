"""The OSC surface, through real datagrams to a real daemon with the embedded voice."""

from __future__ import annotations

import random
import struct
import time
from pathlib import Path

import pytest
import soundfile
from pythonosc.osc_bundle_builder import OscBundleBuilder
from pythonosc.osc_message_builder import OscMessageBuilder

from daemon import API, VERSION, osc, protocol
from daemon.service import Daemon
from daemon.settings import Settings
from tests.osc_client import OscClient, addresses, message

SHORT = ("prompt", "short", "seconds", 0.5)


def failure(client: OscClient, address: str, *arguments: object, types: str | None = None) -> tuple[str, int, str, str]:
    """The id, code, message and hint of the /ace/fail that answers."""
    heard, (id, command, code, text, hint) = client.ask(address, *arguments, types=types)
    assert (heard, command) == ("/ace/fail", address)
    return id, code, text, hint


def bundle(when: float, *messages: bytes) -> bytes:
    body = b"".join(struct.pack(">i", len(m)) + m for m in messages)
    return b"#bundle\0" + struct.pack(">Q", int((when + 2208988800) * 2**32)) + body


def test_ping_answers_with_token_version_and_api(client: OscClient) -> None:
    assert client.ask("/ace/ping", "hello") == ("/ace/pong", ["hello", VERSION, API])
    assert client.ask("/ace/ping") == ("/ace/pong", ["", VERSION, API])


def test_status_tells_state_model_and_queue(client: OscClient) -> None:
    assert client.ask("/ace/status") == ("/ace/state", ["warm", "mini/acestep-v15-turbo", 0])


def test_sync_answers_after_everything_before_it(client: OscClient) -> None:
    for token in range(50):
        client.send("/ace/ping", str(token))
    client.send("/ace/sync", 9)
    heard = [client.hear() for _ in range(51)]
    assert [values[0] for _, values in heard] == [*map(str, range(50)), 9]


def test_generate_tells_the_whole_story_and_leaves_the_clip(client: OscClient, daemon: Daemon) -> None:
    client.send("/ace/generate", "story", "prompt", "warm lo-fi beat", "bars", 2, "bpm", 140.0, "key", "Am", "seed", 7)
    story = client.until_end("story")
    assert addresses(story) == ["/ace/queued", "/ace/progress", "/ace/clip", "/ace/finished"]
    _, (_, stem, path, bpm, bars, seed) = story[-2]
    assert (stem, bpm, bars, seed) == ("mix", 140.0, 2, "7")
    assert Path(path).name == "warm-lo-fi-beat_140bpm_Amin_2bars_s7.wav"
    info = soundfile.info(path)
    assert (info.frames, info.samplerate, info.channels, info.subtype) == (164571, 48000, 2, "PCM_24")
    assert story[-1][1] == ["story", 1, str(Path(path).with_suffix(".json"))]


def test_progress_rises_and_names_its_stages(client: OscClient) -> None:
    client.send("/ace/generate", "rising", "prompt", "long", "seconds", 40)
    told = [values for address, values in client.until_end("rising") if address == "/ace/progress"]
    fractions = [values[1] for values in told]
    assert fractions == sorted(fractions)
    assert all(0 <= fraction <= 1 for fraction in fractions)
    assert {values[2] for values in told} <= {"text", "condition", "diffusion", "decode", "finish"}
    assert all(values[3] >= 0 for values in told)


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
        ("guide off seconds 1 seed 5 prompt song in the key of joy", "song-in-the-key-of-joy_1s_s5"),
        ("prompt four bars of gold seconds 1 key Am seed 5 guide off", "four-bars-of-gold_Amin_1s_s5"),
        ("prompt no length limits seconds 1 seed 5 guide off", "no-length-limits_1s_s5"),
    ],
)
def test_a_prompt_in_many_words_runs_to_the_next_parameter(client: OscClient, words: str, name: str) -> None:
    atoms = [float(word) if word.isdecimal() else word for word in words.split()]  # as Pd sends them
    client.send("/ace/generate", words, *atoms)
    assert Path(client.until_end(words)[-2][1][2]).stem.startswith(name)


def test_a_word_that_reads_like_a_parameter_is_refused_with_advice(client: OscClient) -> None:
    _, code, text, hint = failure(client, "/ace/generate", "x", "prompt", "slow", "tempo", "piano")
    assert (code, text) == (400, "bpm must be a number, got 'piano'")
    assert "as one string" in hint


@pytest.mark.parametrize("words", [("techno", "bmp", 128), ("techno", "seconds", 1, "bmp", 128)])
def test_a_misspelt_name_before_a_number_is_a_slip_and_not_a_word(client: OscClient, words: tuple[object, ...]) -> None:
    _, code, text, hint = failure(client, "/ace/generate", "x", "prompt", *words)
    assert (code, text, hint) == (404, "no parameter is called 'bmp'", "did you mean bpm?")


def test_a_tempo_sent_as_a_float_is_the_tempo_that_was_typed(client: OscClient) -> None:
    client.send("/ace/generate", "f32", "prompt", "x y", "bars", 4, "bpm", 60.2, "key", "Am")
    path = Path(client.until_end("f32")[-2][1][2])
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
    client.send("/ace/generate", "twice", *SHORT)
    assert [client.hear(), client.hear()] == story[-2:]  # where it is, again
    assert client.quiet()


def test_another_wish_under_the_same_id_is_refused(client: OscClient) -> None:
    client.send("/ace/generate", "taken", *SHORT)
    client.until_end("taken")
    id, code, text, _ = failure(client, "/ace/generate", "taken", "prompt", "another")
    assert (id, code) == ("taken", 409)
    assert "taken" in text


def test_cancel_stops_a_running_job_and_leaves_no_file(client: OscClient, daemon: Daemon) -> None:
    before = set(daemon.settings.out.iterdir())
    client.send("/ace/generate", "stop", "prompt", "very long", "seconds", 600)
    client.until("/ace/progress", "stop")
    client.send("/ace/cancel", "stop")
    assert client.until_end("stop")[-1] == ("/ace/cancelled", ["stop"])
    assert set(daemon.settings.out.iterdir()) == before


def test_cancel_takes_a_waiting_job_out_of_the_queue_at_once(client: OscClient) -> None:
    client.send("/ace/generate", "ahead", "prompt", "very long", "seconds", 600)
    client.send("/ace/generate", "behind", *SHORT)
    assert client.until("/ace/queued", "behind")[-1][1][1] == 1
    client.send("/ace/cancel", "behind")
    assert client.until_end("behind")[-1][0] == "/ace/cancelled"
    client.send("/ace/cancel", "ahead")
    assert client.until_end("ahead")[-1][0] == "/ace/cancelled"


def test_cancel_star_stops_everything(client: OscClient) -> None:
    for id in ("a*", "b*", "c*"):
        client.send("/ace/generate", id, "prompt", "very long", "seconds", 600)
    client.until("/ace/progress", "a*")
    client.send("/ace/cancel", "*")
    ended = {client.until("/ace/cancelled")[-1][1][0] for _ in range(3)}
    assert ended == {"a*", "b*", "c*"}


def test_a_client_with_a_new_port_can_cancel_by_name(client: OscClient, daemon: Daemon) -> None:
    other = OscClient(daemon.osc.address)
    client.send("/ace/generate", "by-name", "prompt", "very long", "seconds", 600)
    client.until("/ace/progress", "by-name")
    other.send("/ace/cancel", "by-name")
    assert client.until_end("by-name")[-1][0] == "/ace/cancelled"
    assert other.hear() == ("/ace/cancelled", ["by-name"])
    other.close()


def test_cancel_by_name_finds_the_job_that_still_runs(client: OscClient, daemon: Daemon) -> None:
    others = [OscClient(daemon.osc.address) for _ in range(2)]
    client.send("/ace/generate", "same", "prompt", "very long", "seconds", 600)
    client.until("/ace/progress", "same")
    others[0].send("/ace/generate", "same", *SHORT)
    others[0].send("/ace/cancel", "same")
    others[0].until_end("same")
    others[1].send("/ace/cancel", "same")
    assert client.until_end("same")[-1][0] == "/ace/cancelled"
    for other in others:
        other.close()


def test_a_subscriber_on_another_port_hears_everything(client: OscClient, daemon: Daemon) -> None:
    listener = OscClient(daemon.osc.address)
    assert client.ask("/ace/notify", 1, listener.port)[0] == "/ace/done"
    assert listener.hear() == ("/ace/done", ["/ace/notify", pytest.approx(1, abs=1000), osc.LEASE])
    assert listener.hear()[0] == "/ace/state"  # the snapshot
    client.send("/ace/generate", "heard", *SHORT)
    assert addresses([h for h in listener.until("/ace/finished", "heard") if h[0] != "/ace/state"]) == [
        "/ace/queued",
        "/ace/progress",
        "/ace/clip",
        "/ace/finished",
    ]
    client.until_end("heard")
    assert client.ask("/ace/notify", 0, listener.port)[0] == "/ace/done"
    client.send("/ace/generate", "unheard", *SHORT)
    client.until_end("unheard")
    while (heard := listener.ask("/ace/ping", "end"))[0] == "/ace/state":  # what came before it left
        pass
    assert heard[1][0] == "end"
    listener.close()


def test_topics_choose_what_a_subscriber_hears(client: OscClient, daemon: Daemon) -> None:
    listener = OscClient(daemon.osc.address)
    listener.send("/ace/notify", 1, listener.port, "clip")
    assert listener.hear()[0] == "/ace/done"
    client.send("/ace/generate", "topic", *SHORT)
    client.until_end("topic")
    assert listener.hear()[0] == "/ace/clip"
    assert listener.quiet()
    assert failure(listener, "/ace/notify", 1, listener.port, "weather")[1] == 422
    listener.send("/ace/notify", 0)
    listener.close()


def test_a_subscriber_is_told_about_a_job_once_although_it_is_its_own(client: OscClient) -> None:
    assert client.ask("/ace/notify", 1)[0] == "/ace/done"
    client.send("/ace/generate", "once", *SHORT)
    story = client.until_end("once")
    assert addresses(story) == ["/ace/queued", "/ace/progress", "/ace/clip", "/ace/finished"]
    client.send("/ace/notify", 0)


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("x", "prompt", "p", "bars", -1), 422, "bars must be in 0..1024, got -1"),
        (("x", "prompt", "p", "bars", 2.5), 400, "bars must be a whole number, got 2.5"),
        (("x", "prompt", "p", "bpm", 500.0), 422, "bpm must be in 30..300 or 0, got 500"),
        (("x", "prompt", "p", "bpm", float("nan")), 400, "bpm must be a finite number"),
        (("x", "prompt", "p", "seconds", float("inf")), 400, "seconds must be a finite number"),
        (("x", "prompt", "p", "seed", "sunny"), 400, "seed must be a number, got 'sunny'"),
        (("x", "prompt", "p", "seed", 2**32), 422, "seed must be in -1..4294967295, got 4294967296"),
        (("x", "prompt", "p", "cfg_type", "best"), 422, "cfg_type must be one of apg cfg, got 'best'"),
        (("x", "prompt", "p", "language", "klingon"), 422, "language must be one of"),
        (("x", "prompt", "p", "key", "H dur"), 422, "key must be a note"),
        (("x", "prompt", "p", "bars", 1024, "bpm", 30), 422, "at most 600 seconds"),
        (("x", "prmpt", "p"), 404, "no parameter is called 'prmpt'"),
        (("x", "prompt"), 400, "'prompt' has no value"),
        (("x", 7, "p"), 400, "name must be a text"),
        (("x",), 400, "prompt and lyrics are empty"),
        ((), 400, "prompt and lyrics are empty"),
    ],
)
def test_a_wish_that_cannot_be_is_answered_with_what_is_allowed(
    client: OscClient, arguments: tuple[object, ...], code: int, says: str
) -> None:
    id, heard, text, _ = failure(client, "/ace/generate", *arguments)
    assert (id, heard) == ("x" if arguments else "", code)
    assert says in text


def test_a_misspelt_parameter_gets_the_right_one_as_a_hint(client: OscClient) -> None:
    assert failure(client, "/ace/generate", "x", "prmpt", "p")[3] == "did you mean prompt?"


def test_unknown_messages_and_patterns_are_refused_and_fire_nothing(client: OscClient) -> None:
    for address in ("/ace/genrate", "/ace/*", "/ace/{go,generate}", "/ace/g?", "/", "//go", "/ace/" + "*" * 60):
        assert failure(client, address[: protocol.MAX_TEXT], "id", *SHORT)[1] == 404
    assert client.quiet()


def test_a_button_fires_when_pressed_and_not_when_let_go(tmp_path: Path) -> None:
    defaults = Settings().request.changed({"prompt": "from the settings", "seconds": 0.5})
    with Daemon(Settings(port=0, out=tmp_path, model="mini", request=defaults)) as daemon:
        client = OscClient(daemon.osc.address)
        client.send("/ace/go", 1.0)
        client.send("/ace/go", 0.0)
        client.send("/ace/go", 1.0)
        first, second = (client.until("/ace/queued")[-1][1][0] for _ in range(2))
        assert first != second
        client.until("/ace/finished", second)
        assert client.quiet()
        client.close()


def test_latin1_text_and_line_breaks_written_as_backslash_n_are_understood(client: OscClient, daemon: Daemon) -> None:
    raw = message("/ace/generate", "latin", "prompt", "caf_ noir", "lyrics", r"[verse]\nla la", "seconds", "1")
    client.send_raw(raw.replace(b"caf_", b"caf\xe9"))
    manifest = Path(client.until_end("latin")[-1][1][2])
    assert manifest.name.startswith("café-noir")
    assert '"lyrics": "[verse]\\nla la"' in manifest.read_text("utf-8")


def test_the_largest_datagram_arrives_whole(client: OscClient) -> None:
    lyrics = "la " * 20_000
    client.send("/ace/generate", "large", "prompt", "p", "seconds", 1, "lyrics", lyrics)
    assert client.until_end("large")[-1][0] == "/ace/finished"


@pytest.mark.parametrize("tag", "Sctmr[")
def test_a_type_tag_that_is_not_understood_is_refused_by_name(client: OscClient, tag: str) -> None:
    client.send_raw(b"/ace/ping\0\0\0" + f",{tag}".encode() + b"\0\0" + b"\0\0\0\x41")
    _, (id, command, code, text, _) = client.hear()
    assert (id, command, code) == ("", "/ace/ping", 400)
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
    assert (address, values[2]) == ("/ace/fail", 400)
    assert client.quiet()


def test_the_daemons_own_words_are_never_answered(client: OscClient) -> None:
    for name in protocol.SENT:
        client.send(f"/ace/{name}", "x")
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
    due = time.time() + 0.3
    client.send_raw(bundle(due, message("/ace/ping", "later")))
    assert client.ask("/ace/ping", "now")[1][0] == "now"
    assert client.hear()[1][0] == "later"
    assert time.time() >= due


@pytest.mark.parametrize("offset", [-10.0, 3600.0, -1e9])
def test_a_bundle_from_the_past_or_a_silly_clock_means_now(client: OscClient, offset: float) -> None:
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


def test_ten_thousand_mutated_datagrams_later_it_still_plays(client: OscClient) -> None:
    chance = random.Random(1)
    good = [
        message("/ace/generate", "fuzz", "prompt", "p", "seconds", 1, "seed", 3),
        message("/ace/go", "fuzz", "p", 1.0, 2),
        message("/ace/notify", 1, 9999),
        message("/ace/cancel", "*"),
        bundle(time.time() + 1, message("/ace/ping", "x")),
    ]
    for number in range(10_000):
        data = bytearray(chance.choice(good))
        for _ in range(chance.randrange(1, 12)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        client.send_raw(chance.choice([bytes(data), bytes(data[: chance.randrange(len(data))]), chance.randbytes(50)]))
        if number % 50 == 0:  # wait for the server: a full socket buffer would drop what should be tested
            client.send("/ace/ping", str(number))
            while client.hear()[1][:1] != [str(number)]:
                pass
    client.send("/ace/cancel", "*")
    client.send("/ace/ping", "end")
    while client.hear()[1][:1] != ["end"]:
        pass
    client.send("/ace/generate", "after", *SHORT)
    assert client.until_end("after")[-1][0] == "/ace/finished"


def test_a_sender_off_the_list_is_not_answered(tmp_path: Path) -> None:
    settings = Settings(host="0.0.0.0", port=0, out=tmp_path, model="mini", allow=("10.9.8.7",))
    with Daemon(settings) as daemon:
        assert daemon.osc._trusted(("127.0.0.1", 5)), "this machine"
        assert daemon.osc._trusted(("10.9.8.7", 5))
        assert not daemon.osc._trusted(("10.9.8.6", 5))


def test_static_subscribers_hear_without_asking(tmp_path: Path) -> None:
    listener = OscClient(("127.0.0.1", 9))
    settings = Settings(port=0, out=tmp_path, model="mini", subscribers=(f"127.0.0.1:{listener.port}",))
    with Daemon(settings):
        assert listener.until("/ace/state")[-1][1][0] == "loading"
    listener.close()


@pytest.mark.parametrize("letter", ["x", "♪"])
def test_every_answer_fits_into_a_small_datagram(client: OscClient, letter: str) -> None:
    for id, name in ((letter * 3000, "prompt"), (letter * 20, letter * 3000)):
        client.send("/ace/generate", id, name, letter * 3000)
        data = client._socket.recv(65_535)
        assert data.startswith(b"/ace/fail")
        assert len(data) <= 1_200


def test_an_id_that_would_fill_every_answer_is_refused(client: OscClient) -> None:
    assert failure(client, "/ace/generate", "i" * 129, *SHORT)[1] == 422
    assert client.ask("/ace/generate", "i" * 128, *SHORT)[0] == "/ace/queued"
    client.until_end("i" * 128)


def test_cancelling_nothing_is_answered_too(client: OscClient) -> None:
    assert client.ask("/ace/cancel", "*") == ("/ace/cancelled", ["*"])
    assert failure(client, "/ace/cancel", "nothing")[1] == 404
    assert failure(client, "/ace/cancel")[1] == 400


def test_a_sync_beyond_32_bits_is_refused(client: OscClient) -> None:
    assert failure(client, "/ace/sync", 2**40, types="h")[1] == 422


def test_failures_reach_the_subscriber_on_the_senders_machine(client: OscClient, daemon: Daemon) -> None:
    listener = OscClient(daemon.osc.address)
    assert listener.ask("/ace/notify", 1, listener.port, "fail")[0] == "/ace/done"
    thrown_away = OscClient(daemon.osc.address)
    thrown_away.send("/ace/go", "x", "prompt", -5)
    assert listener.hear()[1][:3] == ["x", "/ace/go", 422]
    listener.send("/ace/notify", 0)
    for used in (listener, thrown_away):
        used.close()


def test_subscribers_whose_lease_ran_out_make_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(osc, "LEASE", 0)
    with Daemon(Settings(port=0, out=tmp_path, model="mini")) as daemon:
        client = OscClient(daemon.osc.address)
        for port in range(2000, 2100):
            client.send("/ace/notify", 1, port)
        client.send("/ace/ping", "end")
        heard = client.hear()
        while heard[0] != "/ace/pong":
            assert heard[0] in ("/ace/done", "/ace/state"), heard
            heard = client.hear()
        client.close()


def test_chords_and_stems_are_asked_for_in_words(client: OscClient) -> None:
    client.send("/ace/generate", "drawn", "prompt", "pop", *"guide Am F C G bars 2 bpm 120 seed 1 stems drums".split())
    ended = client.until_end("drawn")
    clips = [message[1] for message in ended if message[0] == "/ace/clip"]
    assert [clip[1] for clip in clips] == ["mix", "drums"]
    assert {soundfile.info(clip[2]).frames for clip in clips} == {192_000}
    assert Path(clips[1][2]).stem == Path(clips[0][2]).stem + "_drums"


@pytest.mark.parametrize(("name", "value"), [("guide", "Am Hq"), ("guide", "gone.mid"), ("stems", "drums kazoo")])
def test_a_guide_or_track_that_is_none_is_refused_at_once(client: OscClient, name: str, value: str) -> None:
    _, code, text, _ = failure(client, "/ace/generate", f"bad {value}", "prompt", "pop", name, value)
    assert code == 422
    assert text.startswith(f"{name} must be")
