"""The device for Max for Live and the patcher for Max: their files read byte by byte, and their
boxes and cords played beside a real daemon.
"""

from __future__ import annotations

import json
import secrets
import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import soundfile

from pipeline.request import Request
from tests.integrations.conftest import KEY_NOTE, NOTED_PROMPT, TEMPO_NOTE
from tests.integrations.live_fake import Program
from tests.integrations.max_fake import Player
from tests.support.harness import SteppedModel
from tests.support.junk import make_junk
from tests.support.stage import Stage, on_stage
from tests.support.waiting import until
from tests.tools import max_patches

FOLDER = Path(__file__).parents[2] / "integrations" / "max"


def read_device(data: bytes) -> dict[str, Any]:
    """The patcher of an unfrozen .amxd, by the layout that Ableton's own tools read."""
    chunks = {}
    place = 0
    while place < len(data):
        tag, size = struct.unpack_from("<4sI", data, place)
        chunks[tag] = data[place + 8 : place + 8 + size]
        assert len(chunks[tag]) == size
        place += 8 + size
    assert list(chunks) == [b"ampf", b"meta", b"ptch"]
    assert chunks[b"ampf"] == b"aaaa"  # an audio effect
    assert len(chunks[b"meta"]) == 4
    text = chunks[b"ptch"]
    assert text.endswith(b"\n\0")
    assert text.count(b"\0") == 1
    patcher: dict[str, Any] = json.loads(text[:-1])
    return patcher


def read(name: str) -> dict[str, Any]:
    data = (FOLDER / name).read_bytes()
    patcher: dict[str, Any] = read_device(data) if name.endswith(".amxd") else json.loads(data)
    return patcher


PATCHES = ("acestepd.amxd", "acestepd.maxpat", "acestepd.maxhelp")


# --- the files ------------------------------------------------------------------------------------


def test_the_files_are_those_that_the_program_writes() -> None:
    written = max_patches.build_files()
    assert {path.name for path in FOLDER.iterdir()} == {*written, "README.md"}
    for name, data in written.items():
        assert (FOLDER / name).read_bytes() == data, "run: python -m tests.tools.max_patches"


@pytest.mark.parametrize("name", PATCHES)
def test_every_cord_leads_from_an_outlet_to_an_inlet(name: str) -> None:
    patcher = read(name)["patcher"]
    boxes = {wrapped["box"]["id"]: wrapped["box"] for wrapped in patcher["boxes"]}
    assert len(boxes) == len(patcher["boxes"])
    cords = [
        (tuple(line["patchline"]["source"]), tuple(line["patchline"]["destination"]))
        for line in patcher["lines"]
    ]
    assert len(set(cords)) == len(cords)
    for (source, outlet), (target, inlet) in cords:
        assert 0 <= outlet < boxes[source]["numoutlets"]
        assert 0 <= inlet < boxes[target]["numinlets"]
    for box in boxes.values():
        assert len(box["outlettype"]) == box["numoutlets"]


@pytest.mark.parametrize("name", PATCHES)
def test_no_two_boxes_lie_upon_each_other(name: str) -> None:
    boxes = [wrapped["box"] for wrapped in read(name)["patcher"]["boxes"]]
    for kind in ("presentation_rect", "patching_rect"):
        rects = [box[kind] for box in boxes if kind in box]
        for number, (x, y, width, height) in enumerate(rects):
            for left, top, wide, high in rects[:number]:
                apart = (
                    x >= left + wide or left >= x + width or y >= top + high or top >= y + height
                )
                assert apart, (kind, rects[number], [left, top, wide, high])


def test_the_device_fits_into_lives_device_view() -> None:
    patcher = read("acestepd.amxd")["patcher"]
    for wrapped in patcher["boxes"]:
        if wrapped["box"].get("presentation"):
            x, y, width, height = wrapped["box"]["presentation_rect"]
            assert x + width <= patcher["devicewidth"]
            assert y + height <= max_patches.HEIGHT
    assert patcher["project"]["amxdtype"] == 1633771873


def test_the_devices_knobs_are_parameters_of_live() -> None:
    patcher = read("acestepd.amxd")["patcher"]
    named = {short: long for long, short, _ in patcher["parameters"].values()}
    buttons = {"go", "reroll", "heart", "undo", "redo"}
    assert set(named) == {"prompt", "bars", "seed", "device"} | buttons
    assert all(long == f"acestepd {short}" for short, long in named.items())


def test_py2max_knows_every_object_and_outlet(tmp_path: Path) -> None:
    py2max = pytest.importorskip("py2max")
    (tmp_path / "device.maxpat").write_text(json.dumps(read("acestepd.amxd")))
    for path in (tmp_path / "device.maxpat", FOLDER / "acestepd.maxpat"):
        found = py2max.Patcher.from_file(str(path)).lint()
        # a window scrolls: boxes may lie outside of what it shows at first
        assert [str(one) for one in found if "W-OFFCANVAS" not in str(one)] == []


# --- the device in a set --------------------------------------------------------------------------


class Rig:
    """A set with the device in it, beside a daemon."""

    def __init__(self, stage: Stage, player: Player, live: Program) -> None:
        self.stage = stage
        self.player = player
        self.live = live

    def run_until(self, condition: Callable[[], object]) -> None:
        def look() -> object:
            self.player.run()
            return condition()

        until(look)

    def ask(self, id: str, **values: object) -> None:
        pairs = {"prompt": "dusty lo-fi", "bars": 2, **values}
        flat = [part for pair in pairs.items() for part in pair]
        with closing(self.stage.client()) as client:
            assert client.ask("/ace/generate", id, *flat)[0] == "/ace/queued"

    def put_in(self, id: str, **values: object) -> None:
        self.ask(id, **values)
        self.run_until(lambda: any(one == id for one, *_ in self.list_answers()))

    def insert(self, id: str, *where: int) -> None:
        count = len(self.list_answers())
        with closing(self.stage.client()) as client:
            client.ask("/ace/insert", id, *where)
        self.run_until(lambda: len(self.list_answers()) > count)

    def list_answers(self) -> list[list[Any]]:
        """What the device said of takes that it was to put in."""
        return [values for address, values in self.player.sent if address == "/ace/inserted"]

    def places(self) -> list[tuple[int, int]]:
        return [(track, scene) for track, scene, _ in self.live.list_clips()]

    def fill(self, folder: Path, track: int, *scenes: int) -> None:
        for scene in scenes:
            path = folder / f"{track}-{scene}.wav"
            soundfile.write(path, [[0.0, 0.0]] * 4800, 48_000)
            self.live.song().tracks[track].clip_slots[scene].create_audio_clip(str(path))


def is_known(stage: Stage, name: str) -> bool:
    return any(client.name == name for client in stage.clients.list_all())


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """One for each test: a take that waits for a device goes to the next one that comes."""
    with on_stage(tmp_path / "my takes") as running:
        yield running


@pytest.fixture(params=[False, True], ids=["right to left", "left to right"])
def rig(stage: Stage, request: pytest.FixtureRequest) -> Iterator[Rig]:
    live = Program("audio midi audio", scenes=4)
    with closing(
        Player(read("acestepd.amxd"), stage.osc.address, live, reverse=request.param)
    ) as player:
        one = Rig(stage, player, live)
        one.run_until(lambda: is_known(stage, "max"))
        yield one
        with closing(stage.client()) as client:
            client.ask("/ace/panic")


def test_go_asks_for_what_the_device_shows_and_the_clip_goes_into_the_highlighted_slot(
    rig: Rig,
) -> None:
    rig.live.song().view.select(0, 2)
    rig.player.find("prompt").text = "slow dub, täglich"
    rig.player.find("bars").receive(0, [2])
    rig.player.find("seed").receive(0, [7.0])
    rig.player.find("go").press()
    rig.run_until(rig.list_answers)
    assert rig.places() == [(0, 2)]
    ((id, program, where),) = rig.list_answers()
    assert (program, where) == ("max", "the highlighted slot")
    job = rig.stage.engine.journal.find_by_id(id)
    assert job is not None
    assert job.resolved.prompt == "slow dub, täglich"
    assert (job.resolved.bars, job.resolved.seed) == (2, 7)
    assert rig.player.status == f"{id} is in the highlighted slot"
    assert rig.player.find("slider").value == 1.0


@pytest.mark.parametrize(("metre", "beats"), [("4/4", 8.0), ("3/4", 6.0), ("6/8", 6.0)])
def test_a_clip_is_warped_and_loops_exactly_its_bars_whatever_the_sets_metre_is(
    rig: Rig, metre: str, beats: float
) -> None:
    rig.live.song().view.select(0, 0)
    rig.put_in("metre", bars=2, bpm=97, time_signature=metre)
    ((_, _, clip),) = rig.live.list_clips()
    assert clip.warping
    assert clip.looping
    assert clip.loop_end == beats  # quarter notes


def test_a_clip_without_bars_is_put_in_as_it_is(rig: Rig) -> None:
    rig.live.song().view.select(0, 0)
    rig.put_in("free", bars=0, seconds=1)
    ((_, _, clip),) = rig.live.list_clips()
    assert not clip.looping


def test_an_occupied_slot_is_left_alone_and_the_first_empty_one_of_its_track_taken(
    rig: Rig, tmp_path: Path
) -> None:
    rig.fill(tmp_path, 0, 0, 1, 3)
    rig.live.song().view.select(0, 1)
    rig.put_in("next")
    assert rig.places() == [(0, 0), (0, 1), (0, 2), (0, 3)]
    assert rig.list_answers()[-1] == ["next", "max", "scene 3 of the selected track"]


def test_a_full_track_gets_a_new_scene(rig: Rig, tmp_path: Path) -> None:
    rig.fill(tmp_path, 2, 0, 1, 2, 3)
    rig.live.song().view.select(2, 0)
    rig.put_in("fifth")
    assert rig.places()[-1] == (2, 4)
    assert len(rig.live.song().scenes) == 5


def test_where_no_scene_can_be_made_the_path_is_shown(rig: Rig, tmp_path: Path) -> None:
    rig.live.max_scenes = 4
    rig.fill(tmp_path, 0, 0, 1, 2, 3)
    rig.live.song().view.select(0, 0)
    rig.put_in("full")
    assert len(rig.places()) == 4
    assert rig.list_answers()[-1] == ["full", "max"]
    assert rig.player.status.startswith(f"no empty audio slot here: {rig.stage.settings.out}")


@pytest.mark.parametrize("track", [1, None])
def test_a_track_that_takes_no_audio_gets_none_and_no_scene_is_made(
    rig: Rig, track: int | None, tmp_path: Path
) -> None:
    rig.live.song().view.select(track, 0)
    rig.put_in("nowhere")
    assert rig.places() == []
    assert len(rig.live.song().scenes) == 4
    assert rig.list_answers()[-1] == ["nowhere", "max"]


def test_a_track_and_a_slot_that_are_named_are_taken(rig: Rig, tmp_path: Path) -> None:
    rig.live.song().view.select(0, 0)
    rig.put_in("first")
    rig.insert("first", 2, 1)
    assert rig.list_answers()[-1] == ["first", "max", "scene 2 of track 3"]
    assert rig.places() == [(0, 0), (2, 1)]
    rig.insert("first", -1, 3)
    assert rig.list_answers()[-1] == ["first", "max", "scene 4 of the selected track"]
    assert rig.places() == [(0, 0), (0, 3), (2, 1)]


def test_a_clip_that_is_in_already_is_not_put_in_twice(rig: Rig) -> None:
    rig.live.song().view.select(0, 0)
    rig.put_in("once")
    rig.insert("once")
    assert rig.list_answers()[-1] == ["once", "max", "the set already"]
    assert rig.places() == [(0, 0)]


def test_reroll_and_heart_are_about_the_newest(rig: Rig) -> None:
    rig.put_in("newest")
    rig.player.find("heart").press()
    rig.run_until(lambda: rig.stage.engine.journal.find_by_id("newest").favourite)  # type: ignore[union-attr]
    played = len(rig.stage.model.played)
    rig.player.find("reroll").press()
    rig.run_until(lambda: len(rig.stage.model.played) == played + 1)


def test_what_went_wrong_and_what_to_do_is_shown(rig: Rig) -> None:
    rig.player.find("prompt").text = "x"
    rig.player.find("bars").receive(0, [-4])
    rig.player.find("go").press()
    rig.run_until(lambda: rig.player.status == "bars must be in 0..1024, got -4. ")
    rig.player.find("heart").press()
    rig.run_until(lambda: rig.player.status.startswith("no clip is finished yet"))


@pytest.mark.parametrize("reverse", [False, True])
def test_the_notes_on_ones_own_prompt_are_shown_together(tmp_path: Path, reverse: bool) -> None:
    def ask_until_shown(prompt: str, notes: str) -> None:
        player.find("prompt").text = prompt
        player.find("go").press()
        rig.run_until(lambda: player.status == notes)

    live = Program("audio")
    model = SteppedModel(running=False)  # else the end of a take is shown
    with (
        on_stage(tmp_path, model) as stage,
        closing(Player(read("acestepd.amxd"), stage.osc.address, live, reverse=reverse)) as player,
    ):
        rig = Rig(stage, player, live)
        rig.run_until(lambda: is_known(stage, "max"))
        rig.run_until(lambda: stage.tempo.current[1] == "explicit")
        rig.ask("theirs", prompt="100 bpm")
        tempo = f"{TEMPO_NOTE}, and bpm 120 was given: it is 120"
        for _ in range(2):
            ask_until_shown(NOTED_PROMPT, f"{tempo}. {KEY_NOTE}.")
            ask_until_shown("in A minor", "the prompt says A minor: it was taken.")


@pytest.mark.parametrize("name", ["acestepd.amxd", "acestepd.maxpat"])
@pytest.mark.parametrize("reverse", [False, True])
def test_undo_and_redo_of_the_bank_and_which_pad_is_prepared(
    tmp_path: Path, name: str, reverse: bool
) -> None:
    live = Program("audio") if name == "acestepd.amxd" else None
    model = SteppedModel(running=False)
    with (
        on_stage(tmp_path, model) as stage,
        closing(Player(read(name), stage.osc.address, live, reverse=reverse)) as player,
        closing(stage.client()) as client,
    ):

        def run_until(condition: Callable[[], object]) -> None:
            def look() -> object:
                player.run()
                return condition()

            until(look)

        run_until(lambda: any(each.name.startswith("max") for each in stage.clients.list_all()))
        player.find("undo").press()
        run_until(lambda: player.status.startswith("there is nothing to undo. fills"))
        client.ask("/ace/bank/fill", "dusty", 1, 2)
        run_until(lambda: player.find("preparing").text == "preparing pad 1")
        player.find("undo").press()
        run_until(lambda: player.find("preparing").text == "")
        player.find("redo").press()
        run_until(lambda: player.find("preparing").text == "preparing pad 1")


def test_what_others_ask_for_is_not_shown(rig: Rig) -> None:
    rig.live.song().view.select(1, 0)  # which takes no audio
    status = rig.player.status
    with closing(rig.stage.client()) as other:
        for message in (
            ("/ace/set/bmp", 3),
            ("/ace/generate", "theirs", "bars", -4),
            ("/ace/query", "nothing"),
        ):
            assert other.ask(*message)[0] == "/ace/fail"
    rig.ask("theirs")
    rig.run_until(rig.list_answers)
    assert rig.player.find("slider").value == 0.0
    assert rig.player.status.startswith("no empty audio slot here"), "it is to put that in"
    assert status == ""


def test_a_reroll_is_shown_as_ones_own(rig: Rig) -> None:
    rig.put_in("first")
    assert rig.player.find("slider").value == 0.0
    rig.player.find("reroll").press()
    rig.run_until(lambda: rig.player.find("slider").value == 1.0)
    ((id,),) = (values for address, values in rig.player.sent if address == "/ace/reroll")
    assert str(id).startswith("max-")
    job = rig.stage.engine.journal.find_by_id(str(id))
    assert job is not None
    assert job.parent == "first"


def test_the_sets_tempo_is_the_sessions_also_of_a_daemon_that_comes_later(rig: Rig) -> None:
    rig.live.song().turn(tempo=97.5)
    rig.run_until(lambda: rig.stage.tempo.current == (97.5, "explicit"))
    rig.stage.tempo.set(80.0)
    rig.player.tick()
    rig.run_until(lambda: rig.stage.tempo.current == (97.5, "explicit"))


@pytest.mark.parametrize(
    ("count", "unit", "name", "beats"),
    [
        (3, 4, "3/4", 0),
        (6, 8, "6/8", 0),
        (4, 16, "4/16", 0),
        (5, 4, "5/4", 0),
        (12, 8, "12/8", 0),
        (4, 1, "", 16),
        (7, 8, "7/8", 0),
        (5, 2, "", 10),
        (7, 16, "", 0),
    ],
)
def test_the_sets_metre_is_acestepds(
    rig: Rig, count: int, unit: int, name: str, beats: int
) -> None:
    def read() -> tuple[str, int]:
        request = rig.stage.osc.panel.request
        return request.time_signature, request.beats_per_bar

    rig.run_until(lambda: read() == ("4/4", 0))
    rig.live.song().turn(signature_numerator=count, signature_denominator=unit)
    rig.run_until(lambda: read() == (name, beats))
    rig.stage.osc.panel.replace(Request())
    rig.player.tick()
    rig.run_until(lambda: read() == (name, beats))


def test_the_metre_goes_with_the_device(tmp_path: Path) -> None:
    with on_stage(tmp_path) as stage:
        player = Player(read("acestepd.amxd"), stage.osc.address, Program("audio"))
        until(lambda: stage.osc.panel.request.time_signature == "4/4")
        player.close()
        until(lambda: stage.osc.panel.request.time_signature == "")
        until(lambda: stage.tempo.current[1] == "default")


def test_a_daemon_that_does_not_answer_is_said_and_that_it_is_back(rig: Rig) -> None:
    rig.player.wait()
    assert rig.player.status == "acestepd does not answer; is it running?"
    rig.player.tick()
    rig.run_until(lambda: rig.player.status == "acestepd is there")


def test_without_a_prompt_nothing_is_asked_and_that_is_said(rig: Rig) -> None:
    rig.player.find("prompt").text = "an old one"
    rig.player.find("go").press()
    rig.player.run()
    rig.player.find("prompt").text = ""
    rig.player.find("go").press()
    rig.run_until(lambda: rig.player.status == "write a prompt first")
    assert [address for address, _ in rig.player.sent].count("/ace/go") == 1


@pytest.mark.parametrize(("turned", "seed"), [(-1.0, -1), (-0.6, -1), (6.7, 7), (99_999.0, 99_999)])
def test_a_seed_is_the_number_that_is_shown(rig: Rig, turned: float, seed: int) -> None:
    rig.player.find("prompt").text = "x"
    rig.player.find("seed").receive(0, [turned])
    rig.player.find("go").press()
    rig.player.run()
    (question,) = (values for address, values in rig.player.sent if address == "/ace/go")
    assert question[3] == seed


@pytest.mark.parametrize("answer", [lambda text: ["text", text], lambda text: [text]])
def test_the_prompt_arrives_with_and_without_text_in_front_of_it(
    answer: Callable[[str], list[Any]],
) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as nobody:
        nobody.bind(("127.0.0.1", 0))
        with closing(
            Player(read("acestepd.amxd"), nobody.getsockname(), Program(), text_answer=answer)
        ) as player:
            player.find("prompt").text = "two words"
            player.find("go").press()
            player.run()
            assert [values[1] for address, values in player.sent if address == "/ace/go"] == [
                "two words"
            ]


@pytest.mark.parametrize(
    "answer", [lambda _, n: [n], lambda child, n: [child, n], lambda child, n: ["count", child, n]]
)
def test_slots_are_counted_however_live_words_it(
    stage: Stage, answer: Callable[[str, int], list[Any]], tmp_path: Path
) -> None:
    live = Program("audio", scenes=2)
    with closing(
        Player(read("acestepd.amxd"), stage.osc.address, live, count_answer=answer)
    ) as player:
        rig = Rig(stage, player, live)
        rig.run_until(lambda: is_known(stage, "max"))
        rig.fill(tmp_path, 0, 0)
        live.song().view.select(0, 0)
        rig.put_in(f"counted-{secrets.token_hex(3)}")
        assert rig.places() == [(0, 0), (0, 1)]


def test_a_second_device_has_a_port_and_a_name_of_its_own(tmp_path: Path) -> None:
    live = Program("audio", scenes=2)
    with (
        on_stage(tmp_path, insert_to="max2") as stage,
        closing(Player(read("acestepd.amxd"), stage.osc.address, live)) as player,
    ):
        rig = Rig(stage, player, live)
        player.find("device").receive(0, [2])
        player.tick()
        assert player.port == 9120
        rig.run_until(lambda: is_known(stage, "max2"))
        rig.put_in("second")
        assert rig.list_answers() == [["second", "max2", "the highlighted slot"]]
        rig.run_until(lambda: not stage.journal.find_to_insert("max2", 0.0, 9))


def test_a_daemon_that_was_restarted_is_told_again(tmp_path: Path) -> None:
    live = Program("audio", scenes=4)
    with on_stage(tmp_path) as first:
        player = Player(read("acestepd.amxd"), first.osc.address, live)
        rig = Rig(first, player, live)
        rig.run_until(lambda: is_known(first, "max"))
        rig.put_in("before")
    with closing(player), on_stage(tmp_path) as second:
        player.daemon = second.osc.address
        player.tick()
        rig = Rig(second, player, live)
        rig.run_until(lambda: is_known(second, "max"))
        rig.put_in("after")
    assert len(rig.places()) == 2


@pytest.mark.long
def test_junk_leaves_the_device_as_it_was(rig: Rig) -> None:
    rig.player.goes_on = True
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.connect(rig.player.socket.getsockname())
        for number, packet in enumerate(make_junk(10_000)):
            stranger.send(packet)
            if number % 100 == 0:
                rig.player.run()
    rig.player.tick()  # it was silent for as long as that took
    rig.live.song().view.select(0, 0)
    rig.put_in(f"alive-{secrets.token_hex(3)}")
    assert rig.places() == [(0, 0)]


# --- the patcher without Live ---------------------------------------------------------------------


@pytest.mark.parametrize("reverse", [False, True])
def test_the_patcher_plays_the_newest_mix(stage: Stage, reverse: bool) -> None:
    with closing(Player(read("acestepd.maxpat"), stage.osc.address, reverse=reverse)) as player:
        player.find("prompt").text = "warm"
        player.find("bars").receive(0, [1])
        until(lambda: is_known(stage, "maxpatch"))
        player.find("go").press()

        def is_playing() -> bool:
            player.run()
            return bool(player.find("groove~").is_playing)

        until(is_playing)
        assert player.find("groove~").is_looping
        assert player.find("buffer~").frames == 96_000  # a bar at 120
        (question,) = (values for address, values in player.sent if address == "/ace/go")
        assert question[1:] == ["warm", 1.0, -1]


def test_the_patcher_does_not_put_clips_in(stage: Stage) -> None:
    with closing(Player(read("acestepd.maxpat"), stage.osc.address)) as player:
        notify = next(values for address, values in player.sent if address == "/ace/notify")
        assert "insert" not in str(notify[2]).split()
