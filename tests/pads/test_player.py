"""Pads over real OSC: banks, hits, lights. Only the model is a `SteppedModel`, except where the
embedded voice plays.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
import soundfile

from daemon.cli.status import ask, format_status
from daemon.pads import player
from daemon.pads.interface import Light, PadState
from daemon.runtime import battery
from daemon.service import Daemon
from daemon.settings import Midi, PadSettings, Settings
from daemon.tempo.source import BeatPosition
from pipeline.request import Request
from tests.support.harness import SteppedModel
from tests.support.osc_client import OscClient, Received
from tests.support.stage import Stage, on_stage, subscribed
from tests.support.waiting import until


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with on_stage(tmp_path, prepare_mb=0.0) as running:
        yield running


@pytest.fixture
def client(stage: Stage) -> Iterator[OscClient]:
    with closing(stage.client()) as connected:
        yield connected


def hit_pad(client: OscClient, pad: int) -> list[Received]:
    """Hit it. The answers up to the end of its take."""
    client.send("/ace/pad/hit", pad)
    return client.until("/ace/finished")


def find_clip(transcript: list[Received]) -> str:
    return next(str(values[2]) for address, values in transcript if address == "/ace/clip")


def read_bank_file(stage: Daemon) -> Any:
    stage.pads.banks.save_changes()
    return json.loads(
        (
            stage.settings.state / "banks" / "playing" / f"{stage.pads.banks.current[0]}.json"
        ).read_text()
    )


# --- a hit ----------------------------------------------------------------------------------------


def test_a_hit_makes_the_pads_take_and_the_next_hit_announces_it_again(
    stage: Stage, client: OscClient
) -> None:
    assert client.ask("/ace/bank/fill", "dusty", 2, 3) == ("/ace/done", ["/ace/bank/fill", 3, 0])
    first = hit_pad(client, 2)
    client.send("/ace/pad/hit", 2)
    client.send("/ace/sync", 1)
    again = client.until("/ace/synced")[:-1]
    assert [address for address, _ in first if address not in ("/ace/progress", "/ace/pad")] == [
        "/ace/queued",
        "/ace/note",
        "/ace/clip",
        "/ace/finished",
    ]
    assert "/ace/pad" in [address for address, _ in first]
    assert sorted(address for address, _ in again) == ["/ace/clip", "/ace/finished", "/ace/pad"]
    assert find_clip(first) == find_clip(again)
    assert stage.model.played == ["dusty"]
    pad = read_bank_file(stage)["pads"][1]
    assert next(values for address, values in first if address == "/ace/clip")[3:] == [
        pad["kept"]["bpm"],
        2,
        str(pad["seed"]),
    ]


def test_a_take_that_was_deleted_is_made_again_with_the_same_seed(
    stage: Stage, client: OscClient
) -> None:
    client.ask("/ace/bank/fill", "dusty", 1)
    first = Path(find_clip(hit_pad(client, 1)))
    first.unlink()
    first.with_suffix(".json").unlink()
    assert Path(find_clip(hit_pad(client, 1))) == first


def test_a_hundred_hits_in_a_second_make_one_take(stage: Stage, client: OscClient) -> None:
    client.ask("/ace/bank/fill", "dusty", 1)
    for _ in range(100):
        client.send("/ace/pad/hit", 1)
    client.send("/ace/sync", 1)
    transcript = client.until("/ace/synced")
    assert sum(address == "/ace/pad" for address, _ in transcript) == 100, "every one is answered"
    until(lambda: stage.pads.list_lights()[0].state is PadState.READY)
    assert stage.model.played == ["dusty"]
    assert len(stage.engine.journal.search()) == 1


def test_letting_a_pad_go_is_no_hit(stage: Stage, client: OscClient) -> None:
    client.ask("/ace/bank/fill", "dusty", 1)
    client.send("/ace/pad/hit", 1, 0)
    client.send("/ace/pad/hit", 0.0)
    assert client.is_quiet()


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (("/ace/pad/hit", 17), 404),
        (("/ace/pad/hit", -3), 404),
        (("/ace/pad/hit",), 400),
        (("/ace/pad/hit", "x"), 400),
        (("/ace/pad/hit", 1, 200), 422),
        (("/ace/pad/hit", 5), 400),
        (("/ace/pad/set", 1, "bars", 5000), 422),
        (("/ace/pad/set", 1), 400),
        (("/ace/pad/set", 1, "wobble", 1), 404),
        (("/ace/bank/load", "../../etc"), 422),
        (("/ace/bank/load", "none"), 404),
        (("/ace/bank/load", 99), 404),
        (("/ace/bank/fill", "x", 4, 999), 422),
        (("/ace/bank/fill",), 400),
        (("/ace/bank/reroll", "some"), 422),
        (("/ace/midi/learn", "bars"), 503),
        (("/ace/midi/forget", "bars"), 503),
        (("/ace/bank/save", "x", 128), 422),
        (("/ace/pad/set", 1, "source", "/etc/passwd.wav"), 403),
        (("/ace/bank/save", "a/b"), 422),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_reason(
    client: OscClient, message: tuple[Any, ...], code: int
) -> None:
    address, values = client.ask(*message)
    assert address == "/ace/fail"
    assert values[1:3] == [message[0], code]
    assert values[3]


def test_a_job_that_fails_is_seen_and_the_next_hit_tries_again(
    stage: Stage, client: OscClient
) -> None:
    client.ask("/ace/pad/set", 1, "prompt", "bad")
    for _ in range(2):
        client.send("/ace/pad/hit", 1)
        client.until("/ace/fail")
        assert stage.pads.list_lights()[0] == Light(PadState.FAILED)
    client.ask("/ace/pad/set", 1, "prompt", "good")
    hit_pad(client, 1)
    assert stage.pads.list_lights()[0] == Light(PadState.READY)


def test_a_pad_flashes_when_its_clip_was_put_in(stage: Stage, client: OscClient) -> None:
    client.ask("/ace/pad/set", 1, "prompt", "dusty")
    hit_pad(client, 1)
    assert stage.pads.list_lights()[0] == Light(PadState.READY)  # waits for who publishes
    [job] = stage.engine.journal.search(limit=1)
    shown: list[tuple[int, Light]] = []
    stage.pads.listen(lambda index, light: shown.append((index, light)))
    for where in ((), ("track 1",), ("track 1",)):  # it could not; it could; that is no news
        client.send("/ace/inserted", job.id, "live", *where)
        client.until("/ace/done")
    assert shown == [(0, Light(PadState.READY, flashes=True))]


# --- seeds ----------------------------------------------------------------------------------------


def test_a_reroll_has_the_seed_that_was_known_before_and_its_own_parameters(
    stage: Stage, client: OscClient
) -> None:
    client.ask("/ace/pad/set", 1, "prompt", "dusty", "seed", 42)
    hit_pad(client, 1)
    known = read_bank_file(stage)["pads"][0]
    assert known["seed"] == 42
    client.send("/ace/set/bars", 2)
    client.send("/ace/pad/reroll", 1)
    values = next(
        values for address, values in client.until("/ace/finished") if address == "/ace/clip"
    )
    assert values[4:] == [2, str(known["next"])], (
        "what was turned since counts from the next seed on"
    )
    assert "dusty" in values[2]


def test_holding_a_pad_cancels_what_the_hit_began(tmp_path: Path) -> None:
    with (
        on_stage(tmp_path, SteppedModel(running=False), prepare_mb=0.0) as stage,
        closing(stage.client()) as client,
    ):
        client.ask("/ace/bank/fill", "dusty", 1)
        client.send("/ace/pad/hit", 1)
        first = client.until("/ace/queued")[-1][1][0]
        client.send("/ace/pad/reroll", 1)
        assert [values[0] for address, values in client.until("/ace/cancelled")][-1] == first
        stage.model.run()
        until(lambda: stage.pads.list_lights()[0].state is PadState.READY)
        assert [job.state for job in stage.engine.journal.search()] == ["finished", "cancelled"]


def test_a_bank_is_rerolled_as_a_whole_or_only_where_it_is_no_favourite(
    stage: Stage, client: OscClient
) -> None:
    client.ask("/ace/bank/fill", "dusty", 1, 4)
    hit_pad(client, 2)
    client.send("/ace/pad/favourite", 2)
    client.until("/ace/favourite")
    before = [pad["seed"] for pad in read_bank_file(stage)["pads"]]
    client.send("/ace/bank/reroll")
    assert client.until("/ace/done")[-1][1] == ["/ace/bank/reroll", 3, 0]
    after = [pad["seed"] for pad in read_bank_file(stage)["pads"]]
    assert [a == b for a, b in zip(before, after)][:4] == [False, True, False, False]
    assert client.ask("/ace/bank/fill", "other", 1, 4)[1][1] == 3
    assert client.ask("/ace/bank/reroll", "all")[1][1] == 4
    assert stage.pads.list_lights()[1].state is PadState.EMPTY


def test_a_take_and_its_pad_are_favourites_together(stage: Stage, client: OscClient) -> None:
    client.ask("/ace/bank/fill", "dusty", 1, 3)
    hit_pad(client, 2)
    [job] = stage.engine.journal.search()
    client.send("/ace/favourite", job.id)
    client.until("/ace/done")
    assert stage.pads.list_lights()[1].state is PadState.FAVOURITE
    assert client.ask("/ace/bank/fill", "other", 1, 3)[1][1] == 2
    assert stage.pads.list_lights()[1].state is PadState.FAVOURITE
    client.send("/ace/favourite", job.id, 0)
    client.until("/ace/done")
    assert client.ask("/ace/bank/fill", "a third", 1, 3)[1][1] == 3


def test_a_pad_that_was_marked_before_its_take_was_there_marks_it(
    stage: Stage, client: OscClient
) -> None:
    client.ask("/ace/bank/fill", "dusty", 1, 1)
    client.ask("/ace/pad/favourite", 1)
    hit_pad(client, 1)
    client.until("/ace/favourite")
    assert [job.favourite for job in stage.engine.journal.search()] == [True]
    client.send("/ace/pad/hit", 1)
    client.send("/ace/sync", 1)
    assert "/ace/favourite" not in [address for address, _ in client.until("/ace/synced")]


def test_a_take_that_was_marked_while_another_bank_was_played_stays_there(
    stage: Stage, client: OscClient
) -> None:
    client.ask("/ace/bank/fill", "dusty", 1, 2)
    hit_pad(client, 1)
    [job] = stage.engine.journal.search()
    client.ask("/ace/bank/save", "verse")
    client.ask("/ace/bank/save", "chorus")
    client.ask("/ace/bank/fill", "other", 1, 2)
    client.send("/ace/favourite", job.id)
    client.until("/ace/done")
    client.send("/ace/bank/load", "verse")
    client.until("/ace/done")
    assert client.ask("/ace/bank/fill", "a third", 1, 2)[1][1] == 1


def test_a_row_is_variations_of_its_first_pad(tmp_path: Path) -> None:
    midi = Midi(rows=0.6)
    with on_stage(tmp_path, prepare_mb=0.0, midi=midi) as stage, closing(stage.client()) as client:
        client.ask("/ace/bank/fill", "dusty", 1)
        made = []
        for pad in (1, 2, 3, 4, 5):
            hit_pad(client, pad)
            made.append(stage.engine.journal.search(limit=1)[0].resolved)
        assert [request.variation for request in made] == pytest.approx([0, 0.2, 0.4, 0.6, 0])
        assert len({request.seed for request in made[:4]}) == 1
        assert len({request.variation_seed for request in made[1:4]}) == 1
        assert made[4].seed != made[0].seed
        client.send("/ace/pad/reroll", 3)
        client.until("/ace/finished")
        other = stage.engine.journal.search(limit=1)[0].resolved
        assert other.seed == made[0].seed
        assert other.variation == made[2].variation
        assert other.variation_seed != made[2].variation_seed
        assert [light.state for light in stage.pads.list_lights()[:4]] == [PadState.READY] * 4


def test_the_settings_give_a_pad_what_the_bank_does_not(tmp_path: Path) -> None:
    pad = PadSettings(slot=3, seed=77, request={"prompt": "bells", "bars": 2})
    with (
        on_stage(tmp_path, prepare_mb=0.0, midi=Midi(pad=(pad,))) as stage,
        closing(stage.client()) as client,
    ):
        values = next(values for address, values in hit_pad(client, 3) if address == "/ace/clip")
        assert values[4:] == [2, "77"]
        assert "bells" in values[2]


def test_velocity_turns_a_field_of_the_take_that_a_hit_makes(tmp_path: Path) -> None:
    midi = Midi(velocity="guidance_scale 1 8")
    with on_stage(tmp_path, prepare_mb=0.0, midi=midi) as stage, closing(stage.client()) as client:
        client.ask("/ace/bank/fill", "dusty", 1)
        for velocity in (127, 1):
            client.send("/ace/pad/hit", 1, velocity)
            client.until("/ace/finished")
        assert [job.resolved.guidance_scale for job in stage.engine.journal.search()] == [8.0]


# --- tempo ----------------------------------------------------------------------------------------


def test_what_was_said_of_a_pads_length_last_counts_before_the_panel(
    stage: Stage, client: OscClient
) -> None:
    def find_bars() -> int:
        told = hit_pad(client, 1)
        return int(next(values[4] for address, values in told if address == "/ace/clip"))

    client.send("/ace/set/bars", 4)
    client.ask("/ace/bank/fill", "dusty", 2, 1)
    client.ask("/ace/pad/set", 1, "seconds", 0.5)
    assert find_bars() == 0
    client.ask("/ace/pad/set", 1, "bars", 1)
    assert find_bars() == 1
    client.ask("/ace/bank/fill", "dusty", 2, 1, "seconds", 0.5)
    assert find_bars() == 2, "in one message bars count"


def test_the_tempo_of_the_session_is_that_of_the_pads(stage: Stage, client: OscClient) -> None:
    client.ask("/ace/bank/fill", "dusty", 1)
    stage.tempo.set(98)
    until(lambda: stage.panel.session_bpm() == 98)
    assert "98bpm" in find_clip(hit_pad(client, 1))
    stage.tempo.set(90)
    assert "90bpm" in find_clip(hit_pad(client, 1)), "a bar is another one now"
    stage.tempo.set(0)
    assert "90bpm" in find_clip(hit_pad(client, 1)), "nobody says another"
    assert len(stage.model.played) == 2


# --- banks ----------------------------------------------------------------------------------------


def test_what_was_played_is_there_after_a_restart(tmp_path: Path) -> None:
    with on_stage(tmp_path, prepare_mb=0.0) as stage, closing(stage.client()) as client:
        client.ask("/ace/bank/fill", "dusty", 1, 2)
        first = find_clip(hit_pad(client, 1))
        client.ask("/ace/bank/save", "my set")
    with on_stage(tmp_path, prepare_mb=0.0) as stage, closing(stage.client()) as client:
        assert stage.pads.banks.current[0] == "my set"
        assert [light.state for light in stage.pads.list_lights()[:2]] == [
            PadState.READY,
            PadState.EMPTY,
        ]
        assert find_clip(hit_pad(client, 1)) == first
        assert stage.model.played == []


def test_a_job_that_a_restart_interrupted_is_its_pads(tmp_path: Path) -> None:
    with (
        on_stage(tmp_path, SteppedModel(running=False), prepare_mb=0.0) as stage,
        closing(stage.client()) as client,
    ):
        client.ask("/ace/bank/fill", "dusty", 1, 2)
        client.send("/ace/pad/hit", 2)
        id = client.until("/ace/queued")[-1][1][0]
        until(lambda: stage.pads.list_lights()[1].state in (PadState.QUEUED, PadState.RENDERING))
    with on_stage(tmp_path, prepare_mb=0.0) as stage:
        until(lambda: stage.pads.list_lights()[1].state is PadState.READY)
        assert read_bank_file(stage)["pads"][1]["take"]["id"] == id


def test_banks_change_while_one_renders_and_nothing_is_lost(tmp_path: Path) -> None:
    with (
        on_stage(tmp_path, SteppedModel(running=False), prepare_mb=0.0) as stage,
        closing(stage.client()) as client,
    ):
        for name in ("one", "two"):
            client.ask("/ace/bank/fill", name, 1, 2)
            client.ask("/ace/bank/save", name)
        client.send("/ace/bank/load", "one")
        client.until("/ace/done")
        client.send("/ace/pad/hit", 1)
        client.until("/ace/progress")
        client.send("/ace/bank/load", 1)  # by program: saved first has 1, as the first bank has 0
        client.send("/ace/bank/load", "two")
        client.send("/ace/sync", 1)
        client.until("/ace/synced")
        assert stage.pads.banks.current[0] == "two"
        assert stage.pads.list_lights()[0].state is PadState.EMPTY
        stage.model.run()
        client.until("/ace/finished")
        stage.pads.banks.load("one")
        assert stage.pads.list_lights()[0].state is PadState.READY
        client.send("/ace/bank/list")
        listed = [
            values for address, values in client.until("/ace/done") if address == "/ace/banks"
        ]
        assert [(values[0], values[2]) for values in listed if values[0] != "pads"] == [
            ("one", 1),
            ("two", 0),
        ]


def test_who_listens_hears_the_bank_and_every_pad_first_and_then_what_changes(
    tmp_path: Path,
) -> None:
    with (
        on_stage(tmp_path, prepare_mb=0.0) as stage,
        closing(stage.client()) as client,
        closing(stage.client()) as listener,
    ):
        lights: list[tuple[int, Light]] = []
        client.ask("/ace/bank/fill", "dusty", 1, 2)
        stage.pads.listen(lambda index, light: lights.append((index, light)))
        listener.send("/ace/notify", 1, 0, "pad bank")
        listener.send("/ace/sync", 1)
        snapshot = listener.until("/ace/synced")
        assert snapshot[1] == ("/ace/bank", ["pads", 0, 16])
        assert [values for address, values in snapshot if address == "/ace/pad"] == [
            [n, "empty", 0.0] for n in range(1, 17)
        ]
        hit_pad(client, 1)
        client.ask("/ace/pad/favourite", 1, 1)
        states = []
        while "favourite" not in states:
            states.append(listener.receive()[1][1])
        assert [state for n, state in enumerate(states) if state not in states[:n]] == [
            state for state in ("queued", "rendering", "ready", "favourite") if state in states
        ]
        until(lambda: [light.state.value for index, light in lights if index == 0] == states)
        stage.pads.banks.load("pads")
        assert lights[-1][0] == -1


def test_a_snapshot_tells_of_each_pad_how_it_stands_when_it_is_told(
    stage: Stage, client: OscClient
) -> None:
    client.ask("/ace/bank/fill", "dusty", 1, 16)
    snapshot = stage.pads.snapshot()
    assert [next(snapshot).kind, next(snapshot).values[:2]] == ["bank", (1, "empty")]
    hit_pad(client, 16)
    assert list(snapshot)[-1].values[:2] != (16, "empty")


def test_a_bank_is_saved_under_the_program_that_a_controller_sends(
    stage: Stage, client: OscClient
) -> None:
    client.ask("/ace/bank/fill", "dusty", 1, 1)
    assert client.ask("/ace/bank/save", "verse", 40) == ("/ace/done", ["/ace/bank/save", 16, 40])
    assert stage.pads.banks.current[:2] == ("verse", 40)
    client.send("/ace/bank/save", "verse", 41)
    client.until("/ace/done")
    assert stage.pads.banks.list_programs()["verse"] == 41
    client.send("/ace/bank/save", "chorus", 41)
    values = client.until("/ace/fail")[-1][1]
    assert values[2] == 409
    assert "'verse'" in values[3]
    assert stage.pads.banks.current[:2] == ("verse", 41)


def test_a_bank_that_cannot_be_written_is_not_lost_when_another_is_played(
    stage: Stage, client: OscClient
) -> None:
    client.ask("/ace/bank/save", "other", 2)
    client.ask("/ace/bank/save", "mine", 1)
    file = stage.settings.state / "banks" / "mine.json"
    file.unlink()
    file.mkdir()  # whatever is written there fails
    client.ask("/ace/bank/fill", "dusty", 1, 4)
    seeds = [pad.seed for pad in stage.pads._current.bank.pads]
    client.send("/ace/bank/save")
    fail = client.until("/ace/fail")[-1][1]
    assert fail[2] == 507
    assert str(file.parent) in fail[4]
    for name in ("other", "mine"):
        client.ask("/ace/bank/load", name)
    assert [pad.seed for pad in stage.pads._current.bank.pads] == seeds
    client.ask("/ace/bank/load", "other")
    file.rmdir()
    stage.pads.banks.save_changes()
    assert [pad["seed"] for pad in json.loads(file.read_text())["pads"]] == seeds, (
        "it is tried again"
    )


def test_a_bank_names_its_files_inside_of_their_folders(tmp_path: Path) -> None:
    with on_stage(tmp_path, prepare_mb=0.0) as stage, closing(stage.client()) as client:
        loop = stage.settings.out / "loop.wav"
        soundfile.write(loop, [[0.0, 0.0]] * 4800, 48_000)
        client.ask("/ace/pad/set", 1, "prompt", "x", "task", "cover", "source", str(loop))
        hit_pad(client, 1)
        saved = read_bank_file(stage)
        assert str(tmp_path) not in json.dumps(saved)
        assert saved["pads"][0]["take"]["request"]["source"] == "loop.wav"
        assert stage.engine.journal.search()[0].resolved.source == str(loop)


def test_a_pad_that_works_on_a_sound_goes_by_that_sound(tmp_path: Path) -> None:
    with on_stage(tmp_path, prepare_mb=0.0) as stage, closing(stage.client()) as client:
        loop = stage.settings.out / "dusk_240bpm_Am.wav"
        soundfile.write(loop, [[0.0, 0.0]] * 48_000, 48_000)
        client.ask("/ace/set/bpm", 92)
        client.ask("/ace/set/bars", 8)
        client.ask("/ace/pad/set", 1, "task", "cover", "source", str(loop), "key", "C major")
        hit_pad(client, 1)
        made = stage.engine.journal.search()[0].resolved
        assert (made.bpm, made.key, made.bars, made.name) == (240, "C major", 1, "dusk")


# --- in advance -----------------------------------------------------------------------------------


def test_a_filled_bank_is_made_in_advance_and_shown_and_a_hit_lands_it(tmp_path: Path) -> None:
    with on_stage(tmp_path) as stage, closing(stage.client()) as client:
        client.ask("/ace/bank/fill", "dusty", 1, 3)
        until(
            lambda: (
                [light.state for light in stage.pads.list_lights()[:4]]
                == [PadState.READY] * 3 + [PadState.EMPTY]
            )
        )
        assert [
            path for path in stage.settings.out.iterdir() if not path.name.startswith(".")
        ] == []
        assert client.ask("/ace/history", "dusty") == ("/ace/done", ["/ace/history", 0, 0])
        before = len(stage.model.played)
        path = find_clip(hit_pad(client, 2))
        assert Path(path).exists()
        known = read_bank_file(stage)["pads"][1]["next"]
        until(
            lambda: len(stage.pads._speculation._prepared) == 5
        )  # two pads, and the three rerolls
        assert len(stage.model.played) <= before + 5
        client.send("/ace/pad/reroll", 2)
        received = client.until("/ace/finished")
        assert "/ace/progress" not in [address for address, _ in received]
        assert f"s{known}" in find_clip(received)


def test_a_prepared_take_is_not_dropped_before_the_order_of_its_pads_hit_has_come(
    tmp_path: Path,
) -> None:
    refused: list[Exception] = []
    come = threading.Event()

    def hold_up() -> None:
        come.wait()

    with on_stage(tmp_path) as stage, closing(stage.client()) as client:
        client.ask("/ace/bank/fill", "dusty", 1, 1)
        until(lambda: len(stage.pads._speculation._prepared) == 2)  # its reroll's, too
        played = len(stage.model.played)
        stage.engine.arrivals.put("pads", hold_up)
        stage.pads.hit(0, refused.append)
        stage.pads._speculation.update()  # the pad waits for its job: nothing is to be prepared
        come.set()
        until(lambda: stage.pads.list_lights()[0].state is PadState.READY)
        assert len(stage.model.played) == played
        assert not refused
        until(lambda: not stage.pads._speculation._claimed)


def test_jobs_of_pads_say_what_they_kept_also_where_the_take_was_prepared(tmp_path: Path) -> None:
    with on_stage(tmp_path) as stage, closing(stage.client()) as client:
        client.ask("/ace/bank/fill", "dusty in Am", 1, 2)
        until(lambda: stage.pads.list_lights()[0].state is PadState.READY)
        for address in ("/ace/pad/hit", "/ace/pad/reroll"):
            client.send(address, 1)
            told = client.until("/ace/finished")
            notes = [str(values[1]) for told_of, values in told if told_of == "/ace/note"]
            [note] = [note for note in notes if note.startswith("the pad keeps ")]
            assert re.fullmatch(r"the pad keeps bpm \d+", note), "the prompt says the key"
            manifest = json.loads(Path(str(told[-1][1][2])).read_text("utf-8"))
            assert note in manifest["notes"]


def test_only_pads_that_have_something_of_their_own_are_prepared(tmp_path: Path) -> None:
    midi = Midi(pad=(PadSettings(slot=9, request={"prompt": "set", "bars": 1}),))
    panel = Request(prompt="panel", bars=1)
    with on_stage(tmp_path, midi=midi, request=panel) as stage, closing(stage.client()) as client:
        hit_pad(client, 1)
        client.ask("/ace/pad/set", 5, "prompt", "own")
        states = [PadState.EMPTY] * 16
        states[0] = states[4] = states[8] = PadState.READY
        until(lambda: [light.state for light in stage.pads.list_lights()] == states)


def test_nothing_is_prepared_on_battery_and_what_is_ready_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plugged = threading.Event()
    monkeypatch.setattr(battery, "is_on_battery", lambda: not plugged.is_set())
    monkeypatch.setattr(player, "BATTERY_SECONDS", 0.01)
    with on_stage(tmp_path) as stage, closing(stage.client()) as client:
        client.ask("/ace/bank/fill", "dusty", 1, 2)
        hit_pad(client, 1)
        assert stage.model.played == ["dusty"], "what is hit is made"
        plugged.set()
        until(lambda: stage.pads.list_lights()[1].state is PadState.READY)
        until(lambda: len(stage.model.played) == 4)
        plugged.clear()
        until(lambda: stage.pads._speculation._is_on_battery)  # it has looked
        client.ask("/ace/bank/fill", "other", 1, 1)
        client.ask("/ace/pad/favourite", 2)
        stage.engine.journal.flush()
        assert stage.pads.list_lights()[1].state is PadState.FAVOURITE
        assert "other" not in stage.model.played
    with on_stage(tmp_path, prepare_on_battery=True) as stage:
        until(lambda: "other" in stage.model.played)


def test_which_pad_is_prepared_is_told_and_asked_for(tmp_path: Path) -> None:
    model = SteppedModel(running=False)
    with (
        on_stage(tmp_path, model) as stage,
        closing(stage.client()) as client,
        subscribed(stage, "preparing") as listener,
    ):
        client.ask("/ace/bank/fill", "dusty", 1, 1)
        assert listener.receive() == ("/ace/preparing", [1])
        client.send("/ace/status")
        client.send("/ace/sync", 1)
        assert ("/ace/preparing", [1]) in client.until("/ace/synced")
        assert "preparing pad 1" in format_status(ask(stage.settings))
        client.send("/ace/pad/hit", 1)  # it is the hit's from now on
        assert listener.receive() == ("/ace/preparing", [0])
        client.send("/ace/status")
        client.send("/ace/sync", 2)
        assert ("/ace/preparing", [0]) in client.until("/ace/synced")
        model.run()
        assert listener.receive() == ("/ace/preparing", [1]), "its reroll"
        assert listener.receive() == ("/ace/preparing", [0])


def test_no_pad_is_said_to_be_prepared_while_a_clients_job_is_made(tmp_path: Path) -> None:
    model = SteppedModel(running=False)
    with (
        on_stage(tmp_path, model) as stage,
        closing(stage.client()) as client,
        subscribed(stage, "preparing") as listener,
    ):
        client.ask("/ace/bank/fill", "dusty", 1, 1)
        assert listener.receive() == ("/ace/preparing", [1])
        client.send("/ace/go", "first", "techno", 1)
        assert listener.receive() == ("/ace/preparing", [0])
        model.run()
        client.until_end("first")
        assert listener.receive() == ("/ace/preparing", [1]), "it goes on"


def test_a_bank_that_is_copied_with_its_takes_plays_them_elsewhere_without_making_them(
    tmp_path: Path,
) -> None:
    with on_stage(tmp_path / "here", prepare_mb=0.0) as stage, closing(stage.client()) as client:
        client.ask("/ace/bank/fill", "dusty", 1, 2)
        here = [Path(find_clip(hit_pad(client, pad))) for pad in (1, 2)]
        client.ask("/ace/pad/favourite", 2, 1)
        client.ask("/ace/bank/save", "tour", 7)
    for folder in ("out", "state/banks"):
        shutil.copytree(tmp_path / "here" / folder, tmp_path / "there" / folder)
    shutil.rmtree(tmp_path / "here")
    with on_stage(tmp_path / "there", prepare_mb=0.0) as stage, closing(stage.client()) as client:
        client.ask("/ace/bank/load", 7)
        assert [light.state for light in stage.pads.list_lights()[:3]] == [
            PadState.READY,
            PadState.FAVOURITE,
            PadState.EMPTY,
        ]
        there = [Path(find_clip(hit_pad(client, pad))) for pad in (1, 2)]
        assert [path.name for path in there] == [path.name for path in here]
        assert all(path.is_file() for path in there)
        assert not stage.model.played


# --- the next bar ---------------------------------------------------------------------------------


def test_the_clip_of_a_ready_pad_is_held_until_the_next_bar_of_the_clock(tmp_path: Path) -> None:
    with on_stage(tmp_path, quantise="bar") as stage, closing(stage.client()) as client:
        client.ask("/ace/bank/fill", "dusty", 1, 1)
        until(lambda: stage.pads.list_lights()[0].state is PadState.READY)
        start = time.monotonic() - 0.1
        stage.tempo._sources.append(Playing(start, 240))
        for _ in range(2):  # prepared, then there already
            hit_pad(client, 1)
            late = (time.monotonic() - start) % 1.0
            assert late < 0.6, "told behind the bar, and not within half a bar before it"
        for _ in range(5):
            client.send("/ace/pad/hit", 1)
        transcript = client.until("/ace/finished")
        client.send("/ace/sync", 1)
        transcript += client.until("/ace/synced")
        assert sum(address == "/ace/clip" for address, _ in transcript) == 1, "one bar, one launch"


class Playing:
    """A source that plays since then."""

    name = "midi"

    def __init__(self, start: float, bpm: float) -> None:
        self.bpm = 0.0
        self.position = BeatPosition(start, 0.0, bpm)

    def start(self) -> None: ...
    def poll(self, now: float) -> None: ...
    def close(self) -> None: ...


# --- the embedded voice ---------------------------------------------------------------------------


@pytest.mark.long
def test_the_same_bank_in_another_folder_makes_the_same_takes_byte_by_byte(
    quick_voice: str, tmp_path: Path
) -> None:
    """Two daemons, two folders; one renders on hits, the other in advance. All they share is the
    bank's file.
    """
    sums: list[list[str]] = []
    for number, budget in enumerate((0.0, 500.0)):
        home = tmp_path / str(number)
        if number:
            shutil.copytree(tmp_path / "0" / "state" / "banks", home / "state" / "banks")
        settings = Settings(
            port=0,
            page=-1,
            out=home / "out",
            state=home / "state",
            model=quick_voice,
            prepare_mb=budget,
        )
        with Daemon(settings) as daemon, closing(OscClient(daemon.osc.address)) as client:
            if not number:
                client.ask("/ace/set/num_steps", 2)
                client.ask("/ace/set/bars", 1)
                client.ask("/ace/bank/fill", "dusty lo-fi", 1, 2)
                client.ask("/ace/bank/save", "tour")
            assert daemon.pads.banks.current[0] == "tour"
            if budget:
                until(lambda: daemon.pads.list_lights()[1].state is PadState.READY)
            sums.append([audio_sum(find_clip(hit_pad(client, pad))) for pad in (1, 2)])
            with suppress(FileNotFoundError):
                assert str(tmp_path) not in (settings.state / "banks" / "tour.json").read_text()
    assert sums[0] == sums[1]
    assert sums[0][0] != sums[0][1]


def audio_sum(path: str) -> str:
    data, _ = soundfile.read(path, dtype="int32")
    return hashlib.sha256(data.tobytes()).hexdigest()
