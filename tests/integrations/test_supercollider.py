"""The Quark in a real sclang, with a real scsynth, beside a real daemon."""

from __future__ import annotations

import itertools
import json
import re
import shutil
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import soundfile

from daemon.service import Daemon
from tests.integrations.conftest import KEY_NOTE, NOTED_PROMPT, TEMPO_NOTE
from tests.support.harness import SteppedModel
from tests.support.jack import Jack
from tests.support.junk import make_junk, make_noise, make_wrong_message
from tests.support.osc_client import encode_message
from tests.support.relay import Relay, find_free_port
from tests.support.running_program import RunningProgram
from tests.support.stage import Stage, on_stage
from tests.support.waiting import until

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "integrations" / "supercollider"
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]

pytestmark = pytest.mark.skipif(
    shutil.which("sclang") is None or shutil.which("scsynth") is None,
    reason="sclang and scsynth are not installed",
)


class SuperCollider(RunningProgram):
    """sclang without its window. Its home is `folder`."""

    def __init__(self, folder: Path, *quarks: Path, **environment: str) -> None:
        self._numbers = itertools.count(1)
        folder.chmod(0o700)  # as Qt wants its runtime folder
        home = ("HOME", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "XDG_DATA_HOME")
        settings = folder / "sclang_conf.yaml"
        paths = json.dumps([str(quark) for quark in quarks])
        settings.write_text(f"includePaths: {paths}\nexcludePaths: []\npostInlineWarnings: false\n")
        super().__init__(
            "sclang",
            "-i",
            "tests",  # not readline, which takes every line for itself
            "-l",
            settings,
            folder=folder,
            # no screen, and what Qt's browser needs when it is root that runs the tests
            environment={
                **dict.fromkeys(home, str(folder)),
                "QT_QPA_PLATFORM": "offscreen",
                "QTWEBENGINE_DISABLE_SANDBOX": "1",
                **environment,
            },
        )
        self.wait_for("Welcome to SuperCollider")

    def run(self, code: str) -> None:
        """As in the IDE."""
        self.input.write(f"{code}\f")
        self.input.flush()

    def evaluate(self, code: str) -> str:
        """What the expression is, as text."""
        mark = f"<{next(self._numbers)}>"
        self.run(f'("{mark}" ++ ({code}).asString ++ "</{mark}").postln')
        self.wait_for(mark)
        self.wait_for(f"</{mark}")
        found = re.search(rf"{mark}(.*?)</{mark}", self.text, re.DOTALL)
        assert found, self.text
        return found[1]

    def becomes(self, code: str, value: str) -> None:
        until(lambda: self.evaluate(code) == value)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, jack_server: Jack) -> Iterator[SuperCollider]:
    """With a server that has booted, and plays nowhere."""
    folder = tmp_path_factory.mktemp("sclang")
    with SuperCollider(folder, FOLDER, **jack_server.environment) as sc:
        # a port of its own: another process may run other tests of this file
        sc.run(f'Server.default = s = Server(\\own, NetAddr("127.0.0.1", {find_free_port()}));')
        sc.run("s.options.numInputBusChannels = 0; s.waitForBoot { \\booted.postln };")
        sc.wait_for("booted")
        yield sc
        sc.run("s.quit({ 0.exit });")
        sc.wait()


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Its model needs no time."""
    with on_stage(tmp_path_factory.mktemp("my takes"), SteppedModel()) as running:
        yield running


@pytest.fixture
def sc(running: SuperCollider, stage: Stage) -> SuperCollider:
    """Its default daemon is `stage`, and it has not printed anything."""
    running.lines.clear()
    connect(running, stage.osc.address[1])
    return running


def connect(sc: SuperCollider, port: int) -> None:
    sc.run(f'Acestepd.default = Acestepd("127.0.0.1", {port});')
    sc.run("TempoClock.default.tempo = 150/60;")


def read_manifest(path: str) -> dict[str, Any]:
    manifest: dict[str, Any] = json.loads(Path(path).with_suffix(".json").read_text("utf-8"))
    return manifest


@pytest.mark.long
def test_a_clip_of_the_clocks_bars_is_in_a_buffer(sc: SuperCollider, spaced: Daemon) -> None:
    connect(sc, spaced.osc.address[1])
    sc.run(
        '~take = Acestepd.ask("wärm lo-fi, key of the 80s; slow", 1, '
        '(seed: 7, lyrics: "[verse]\\nHöld, on"));'
        '~take.then { |buffer| ~buffer = buffer; "buffer is there".postln };'
    )
    sc.wait_for("buffer is there")
    path = sc.evaluate("~take.path")
    request = read_manifest(path)["request"]
    assert request["prompt"] == "wärm lo-fi, key of the 80s; slow"
    assert request["lyrics"] == "[verse]\nHöld, on"
    assert request["time_signature"] == "4"
    assert soundfile.info(path).frames == 4 * 60 * 48_000 // 150
    assert int(sc.evaluate("~buffer.numFrames")) == soundfile.info(path).frames
    assert sc.evaluate("[~take.state, ~take.seed, ~take.progress]") == "[ finished, 7, 1 ]"


def test_a_reroll_is_the_same_with_another_seed(sc: SuperCollider) -> None:
    sc.run('~first = Acestepd.ask("tape", 1, (seed: 7)); ~first.then { ~next = ~first.reroll };')
    sc.becomes("~next !? { ~next.state }", "finished")
    manifest = read_manifest(sc.evaluate("~next.path"))
    assert manifest["parent"] == sc.evaluate("~first.id")
    assert manifest["request"]["prompt"] == "tape"
    assert manifest["request"]["seed"] != 7


def test_the_metre_is_the_clocks(sc: SuperCollider) -> None:
    sc.run(
        '~clock = TempoClock(2); ~clock.schedAbs(0, { ~clock.beatsPerBar = 3; "waltz".postln });'
    )
    sc.wait_for("waltz")
    sc.run('~take = Acestepd.ask("waltz", 1, nil, ~clock);')
    sc.becomes("~take.state", "finished")
    request = read_manifest(sc.evaluate("~take.path"))["request"]
    assert (request["time_signature"], request["bpm"], request["bars"]) == ("3", 120, 1)
    sc.run('~clock.schedAbs(~clock.nextBar, { ~clock.beatsPerBar = 5; "five".postln });')
    sc.wait_for("five")
    sc.run('~take = Acestepd.ask("five", 1, nil, ~clock);')
    sc.becomes("~take.state", "finished")
    assert read_manifest(sc.evaluate("~take.path"))["request"]["time_signature"] == "5/4"


def test_what_fails_is_said_with_its_hint(sc: SuperCollider) -> None:
    sc.run(
        'Acestepd.ask("x", 1, (sed: 7))'
        '.fail { |text, hint| ("FAILED" + text + "/" + hint).postln };'
    )
    said = sc.wait_for("FAILED")
    assert re.fullmatch(r"FAILED .*'sed'.* / did you mean seed\?", said)
    assert sc.wait_for("WARNING: acestepd: ").endswith("did you mean seed?")


def test_every_note_on_a_prompt_is_posted_once_and_kept(sc: SuperCollider) -> None:
    sc.run(f'~take = Acestepd.ask("{NOTED_PROMPT}", 1);')
    sc.becomes("~take.state", "finished")
    tempo = f"{TEMPO_NOTE}, and bpm 150 was given: it is 150"
    sc.run("~take.daemon.addr.sendMsg(*~take.message);")  # as where its answers were lost
    sc.run(
        '~take.daemon.addr.sendMsg("/ace/sync", 7); OSCFunc({ \\synced.postln }, "/ace/synced");'
    )
    sc.wait_for("synced")
    assert sc.evaluate("~take.notes.asArray") == f"[ {tempo}, {KEY_NOTE} ]"
    said = [line for line in sc.lines if "the prompt says" in line and line[:9] == "acestepd:"]
    assert said == [f"acestepd: {tempo}", f"acestepd: {KEY_NOTE}"]


def test_a_take_is_cancelled(sc: SuperCollider, tmp_path: Path) -> None:
    with on_stage(tmp_path, SteppedModel(running=False)) as waiting:
        connect(sc, waiting.osc.address[1])
        sc.run('~take = Acestepd.ask("long", 4);')
        until(lambda: sc.evaluate("~take.state") in ("queued", "rendering"))
        sc.run("~take.cancel;")
        sc.becomes("~take.state", "cancelled")


def test_an_event_asks_and_is_heard_the_next_time_round(sc: SuperCollider) -> None:
    event = '(type: \\ace, prompt: "tape", bars: 1, with: (seed: 7), dur: 100)'
    sc.run(f"{event}.play;")
    until(lambda: "acestepd: /" in sc.text)
    sc.run('~take = Acestepd.default.takeOf("tape", 1, (seed: 7));')
    sc.becomes("~take.buffers[s] !? { |buffer| buffer.numFrames.notNil }", "true")
    sc.run(f"fork {{ {event}.play; 2.wait; s.queryAllNodes }};")
    sc.wait_for(" acestepd")  # a synth of that name
    assert sc.evaluate('Acestepd.default.takeOf("tape", 1, (seed: 7)) === ~take') == "true"
    sc.run("s.freeAll;")


def test_it_hears_of_pads_and_says_where_their_clip_is(
    sc: SuperCollider, stage: Stage, relay: Relay
) -> None:
    relay.target = stage.osc.address
    sc.run(f'Acestepd.default = Acestepd("127.0.0.1", {relay.port});')
    sc.run('Acestepd.listen { |buffer, path| ("HANDED" + path).postln };')
    until(lambda: any(b"favourite insert\0" in packet for packet in relay.packets))
    sc.run('~take = Acestepd.ask("tape", 1);')
    sc.becomes("~take.state", "finished")
    path = sc.evaluate("~take.path")
    relay.send(encode_message("/ace/insert", "theirs", -1, -1, path))
    sc.wait_for(f"HANDED {path}")
    said = encode_message("/ace/inserted", "theirs", "sclang", "buffer")[:-8]
    until(lambda: any(packet.startswith(said) for packet in relay.packets))


def test_it_survives_wrong_messages(sc: SuperCollider, stage: Stage, relay: Relay) -> None:
    """Whole messages and random bytes. (One that was cut off ends sclang 3.13 itself, with or
    without the Quark.)
    """
    relay.target = stage.osc.address
    sc.run(f'Acestepd.default = Acestepd("127.0.0.1", {relay.port}); Acestepd.listen {{}};')
    until(lambda: relay.packets)
    for number, datagram in enumerate(make_junk(10_000, make_wrong_message, make_noise)):
        relay.send(datagram)
        if number % 200 == 0:
            sc.evaluate("1")  # it has not fallen behind
    sc.run('~take = Acestepd.ask("after junk", 1);')
    sc.becomes("~take.state", "finished")


@pytest.mark.long
def test_a_question_that_was_lost_is_asked_again_and_made_once(
    sc: SuperCollider, tmp_path: Path, relay: Relay
) -> None:
    sc.run("Acestepd.patience = 1; Acestepd.pause = 0.5;")
    sc.run(f'Acestepd.default = Acestepd("127.0.0.1", {relay.port});')
    sc.run('~take = Acestepd.ask("early", nil, (seconds: 0.5, bpm: 0));')
    sc.wait_for("acestepd: no answer from 127.0.0.1 port")
    for times in (1, 2):
        with on_stage(tmp_path, SteppedModel()) as stage:
            relay.target = stage.osc.address
            sc.wait_for("acestepd: it answers.", times)
            sc.becomes("~take.state", "finished")
            sc.run('~take = Acestepd.ask("early", nil, (seconds: 0.5, bpm: 0));')
            sc.becomes("~take.state", "finished")
            relay.target = None
            sc.wait_for("acestepd: no answer", times + 1)
            sc.run('~take = Acestepd.ask("again", nil, (seconds: 0.5, bpm: 0));')
    assert len(list((tmp_path / "out").glob("*.wav"))) == 4


# --- help and quark -------------------------------------------------------------------------------


def test_the_help_is_rendered(sc: SuperCollider, tmp_path: Path) -> None:
    for name in ("Acestepd", "AcestepdTake"):
        sc.run(f'SCDoc.helpTargetDir = "{tmp_path}";')
        sc.run(f'~page = SCDoc.helpTargetDir +/+ "Classes/{name}.html";')
        sc.run(f'SCDoc.prepareHelpForURL(URI.fromLocalPath(~page)); "{name} rendered".postln;')
        sc.wait_for(f"{name} rendered")
        html = (tmp_path / "Classes" / f"{name}.html").read_text("utf-8")
        assert "acestepd" in html
        assert "This method" not in html
    assert "WARNING: SCDoc" not in sc.text
    assert "not documented" not in sc.text


def test_the_example_is_read_as_a_whole(sc: SuperCollider) -> None:
    file = FOLDER / "Examples" / "acestepd.scd"
    code = f'thisProcess.interpreter.compileFile("{file}").notNil'
    assert sc.evaluate(code) == "true"


def test_the_quark_is_installed_from_a_folder(tmp_path: Path) -> None:
    quark = tmp_path / "acestepd"  # a Quark's file is called as its folder
    shutil.copytree(FOLDER, quark)
    with SuperCollider(tmp_path) as sc:
        sc.run(f'Quarks.install("{quark}"); "done".postln;')
        sc.wait_for("done")
        assert str(quark) in sc.evaluate("LanguageConfig.includePaths")
        assert sc.evaluate(f'Quark.fromLocalPath("{quark}").version') == VERSION
