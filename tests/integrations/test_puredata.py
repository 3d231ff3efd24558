"""The abstraction in a real Pd, beside a real daemon."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import soundfile

from daemon.service import Daemon
from tests.integrations.conftest import KEY_NOTE, TEMPO_NOTE
from tests.support.harness import SteppedModel
from tests.support.junk import make_junk
from tests.support.osc_client import encode_message
from tests.support.relay import Relay, find_free_port
from tests.support.running_program import RunningProgram
from tests.support.stage import on_stage
from tests.support.waiting import until

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "integrations" / "puredata"
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]

DEKEN = Path.home() / ".local" / "share" / "deken-debian"

pytestmark = pytest.mark.skipif(shutil.which("pd") is None, reason="pd is not installed")

# the object, what it is sent, and what comes out of it
PATCH = r"""#N canvas 0 0 450 300 12;
#X obj 10 10 netreceive -u CONTROL;
#X obj 10 40 acestep 127.0.0.1 PORT;
#X obj 10 70 print file;
#X obj 60 70 print progress;
#X obj 160 70 print all;
#X obj 10 100 symbol;
#X msg 10 130 open \$1 \, 1;
#X obj 10 160 readsf~ 2;
#X obj 10 190 env~ 1024;
#X obj 10 220 moses 40;
#X obj 60 250 print level;
#X msg 200 10 \; pd dsp 1;
#X obj 200 -20 loadbang;
#X obj 10 25 route box;
#X msg 300 25 prompt wärm lo-fi\\\, key of the 80s\\\; slow;
#X connect 0 0 13 0;
#X connect 13 0 14 0;
#X connect 13 1 1 0;
#X connect 14 0 1 0;
#X connect 1 0 2 0;
#X connect 1 1 3 0;
#X connect 1 2 4 0;
#X connect 1 0 5 0;
#X connect 5 0 6 0;
#X connect 6 0 7 0;
#X connect 7 0 8 0;
#X connect 8 0 9 0;
#X connect 9 1 10 0;
#X connect 12 0 11 0;
"""


class PureData(RunningProgram):
    """Pd without its window, with a patch that has the object in it."""

    def __init__(self, folder: Path, port: int, library: Path = FOLDER) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._control = "127.0.0.1", find_free_port()
        patch = folder / "test.pd"
        text = PATCH.replace("PORT", str(port)).replace("CONTROL", str(self._control[1]))
        patch.write_text(text)
        flags = ("-nogui", "-nosound", "-nomidi", "-noprefs", "-stderr", "-path", str(library))
        super().__init__("pd", *flags, "-open", patch, folder=folder)

    def __exit__(self, *error: object) -> None:
        self._socket.close()
        super().__exit__(*error)

    def send(self, *messages: str) -> None:
        """To the object. (A semicolon would end a message here: one is in the patch's box.)"""
        for message in messages:
            self._socket.sendto(f"{message};\n".encode(), self._control)


@pytest.fixture
def pd(spaced: Daemon, tmp_path: Path) -> Iterator[PureData]:
    """It has heard the daemon."""
    with PureData(tmp_path, spaced.osc.address[1]) as running:
        running.wait_for("all: connected 1")
        yield running


def path_of(line: str) -> Path:
    """Of a line that the left outlet printed: print shows a backslash before some signs."""
    return Path(line.removeprefix("file: symbol ").replace("\\", ""))


def read_manifest(line: str) -> dict[str, Any]:
    manifest: dict[str, Any] = json.loads(path_of(line).with_suffix(".json").read_text("utf-8"))
    return manifest


def test_words_become_a_clip_that_pd_plays(pd: PureData) -> None:
    pd.send(
        "box",
        "bars 1",
        "bpm 150",
        "seed 16777215",
        r"lyrics [verse]\\nHöld the line\, all night",
        "steps 4",
        "steps",  # taken back
        "go",
    )
    clip = pd.wait_for("file: symbol /")
    request = read_manifest(clip)["request"]
    assert request["prompt"] == "wärm lo-fi, key of the 80s; slow"
    assert request["lyrics"] == "[verse]\nHöld the line, all night"
    assert request.get("steps") != 4
    assert request["seed"] == 16777215
    assert soundfile.info(path_of(clip)).frames == 4 * 60 * 48_000 // 150
    pd.wait_for("level: ")
    until(lambda: "progress: 1" in pd.lines)  # its end comes after its clip
    assert [line for line in pd.lines if "progress: " in line][-1] == "progress: 1"
    assert not re.search(r"error|couldn't create|no method|connection failed", pd.text)


@pytest.mark.long
def test_a_reroll_is_the_last_take_with_another_seed(pd: PureData) -> None:
    pd.send("prompt tape", "seconds 1", "seed 7", "go")
    first = read_manifest(pd.wait_for("file: symbol"))
    pd.send("reroll")
    second = read_manifest(pd.wait_for("file: symbol", 2))
    pd.send("reroll 9")
    third = read_manifest(pd.wait_for("file: symbol", 3))
    assert second["parent"] == first["id"]
    assert second["request"]["seed"] != 7
    assert third["parent"] == second["id"]
    assert third["request"]["seed"] == 9


@pytest.mark.long
def test_of_a_take_with_stems_the_mix_comes_out_and_the_rest_is_told(pd: PureData) -> None:
    pd.send("prompt tape", "seconds 1", "stems drums bass", "go")
    pd.wait_for("all: finished")
    files = [line for line in pd.lines if line.startswith("file: ")]
    stems = [line.split()[3] for line in pd.lines if line.startswith("all: clip ")]
    assert len(files) == 1
    assert read_manifest(files[0])["clips"][0]["stem"] == "mix"
    assert stems[:3] == ["mix", "drums", "bass"]


def test_a_take_is_cancelled(pd: PureData) -> None:
    pd.send("prompt tape", "bars 64", "go")
    id = pd.wait_for("all: queued").split()[2]
    pd.send("cancel")
    assert pd.wait_for("all: cancelled") == f"all: cancelled {id}"


def test_errors_are_said_with_their_hint(pd: PureData) -> None:
    pd.send("promt warm", "go")
    pd.wait_for("acestep: did you mean prompt?")
    said = [line for line in pd.lines if line.startswith("acestep: ")]
    assert said[-2:] == ["acestep: no parameter is called 'promt'", "acestep: did you mean prompt?"]


def test_every_note_on_a_prompt_is_said_and_comes_out(pd: PureData) -> None:
    pd.send(r"prompt dub\, 97 bpm\, in F# minor", "seconds 1", "go")
    id = pd.wait_for("all: queued").split()[2]
    pd.wait_for(f"acestep: {TEMPO_NOTE}: it was taken")
    pd.wait_for(f"acestep: {KEY_NOTE}")
    pd.wait_for("all: finished")
    told = [line.split()[:3] for line in pd.lines if line.startswith(("all: queued", "all: note"))]
    assert told == [["all:", kind, id] for kind in ("queued", "note", "note")]


def test_any_message_can_be_sent(pd: PureData) -> None:
    pd.send("send /ace/get/bars")
    pd.wait_for("all: param bars")
    pd.send("send ace/status")
    pd.wait_for("all: state ")  # warm, or still loading


def test_clips_of_others_come_out_when_it_listens_and_are_acknowledged(
    spaced: Daemon, pd: PureData, relay: Relay
) -> None:
    relay.target = spaced.osc.address
    pd.send(f"connect 127.0.0.1 {relay.port}", "listen 1")
    until(lambda: any(b"favourite\0\0\0insert" in packet for packet in relay.packets))
    relay.send(encode_message("/ace/insert", "theirs", -1, -1, "/tmp/a b.wav"))
    pd.wait_for(r"file: symbol /tmp/a\ b.wav")
    acknowledged = encode_message("/ace/inserted", "theirs", "pd", "patch")
    until(lambda: acknowledged in relay.packets)


def test_its_own_clip_comes_out_once_though_it_is_handed_over_too(
    pd: PureData, relay: Relay
) -> None:
    pd.send(f"connect 127.0.0.1 {relay.port}", "listen 1")
    path = "/tmp/mine.wav"
    until(lambda: any(b"favourite\0\0\0insert" in packet for packet in relay.packets))
    relay.send(encode_message("/ace/clip", "mine", "mix", path, 120.0, 4, "7"))
    relay.send(encode_message("/ace/finished", "mine", 1, "/tmp/mine.json"))
    relay.send(encode_message("/ace/insert", "mine", -1, -1, path))
    acknowledged = encode_message("/ace/inserted", "mine", "pd", "patch")
    until(lambda: acknowledged in relay.packets)
    pd.wait_for("file: symbol /tmp/mine.wav", 1)  # it prints when it likes
    assert pd.text.count("file: symbol /tmp/mine.wav") == 1
    relay.send(encode_message("/ace/insert", "mine", -1, -1, path))  # a pad, hit again
    pd.wait_for("file: symbol /tmp/mine.wav", 2)


def send_until_heard(relay: Relay, pd: PureData, number: int) -> None:
    def is_heard() -> bool:
        relay.send(encode_message("/ace/mark", number))
        return f"all: mark {number}" in pd.lines

    until(is_heard)


@pytest.mark.long
def test_it_survives_junk(pd: PureData, spaced: Daemon, relay: Relay) -> None:
    relay.target = spaced.osc.address
    pd.send(f"connect 127.0.0.1 {relay.port}")
    until(lambda: relay.packets)
    for number, datagram in enumerate(make_junk(10_000)):
        relay.send(datagram)
        if not datagram or number % 100 == 0:
            # it has read them all; an empty one closes Pd's netsend, and the patch opens it again
            send_until_heard(relay, pd, number)
    pd.send("prompt after", "seconds 1", "go")
    pd.wait_for("all: finished")


@pytest.mark.long
@pytest.mark.parametrize("times_back", [1, 2])
def test_it_says_that_the_daemon_is_gone_and_goes_on_when_it_is_back(
    tmp_path: Path, relay: Relay, times_back: int
) -> None:
    with PureData(tmp_path, relay.port) as pd:
        pd.wait_for("all: connected 0")
        pd.send("prompt early", "seconds 0.5")
        for times in range(1, times_back + 1):
            with on_stage(tmp_path, SteppedModel()) as stage:
                relay.target = stage.osc.address
                pd.wait_for("all: connected 1", times)
                pd.send("go")
                pd.wait_for("all: finished", times)
            relay.target = None
            pd.wait_for("all: connected 0", times + 1)
            pd.wait_for("acestep: no answer: is acestepd running?", times + 1)


def test_two_in_one_patch_do_not_hear_each_other(tmp_path: Path) -> None:
    """All names in it begin with $0-."""
    text = (FOLDER / "acestep.pd").read_text()
    names = re.findall(r"#X obj \d+ \d+ (?:s|r|text \w+) (\S+?)[ ,;]", text)
    assert names
    assert all(name.startswith(r"\$0-") for name in names)


# --- help and package -----------------------------------------------------------------------------


def test_the_help_patch_asks_and_shows(spaced: Daemon, tmp_path: Path) -> None:
    port = spaced.osc.address[1]
    words = (f"connect 127.0.0.1 {port}", "prompt from the shell", "seconds 1", "go")
    sends = [word for message in words for word in ("-send", f"acestep-help {message}")]
    flags = ("-nogui", "-noaudio", "-nomidi", "-noprefs", "-stderr")
    patch = FOLDER / "acestep-help.pd"
    with RunningProgram("pd", *flags, "-open", patch, *sends, folder=tmp_path) as pd:
        pd.wait_for("acestepd: finished")
    assert not re.search(r"error|couldn't create|no method|connection failed", pd.text)


def test_the_meta_patch_names_this_version() -> None:
    assert f"VERSION {VERSION};" in (FOLDER / "acestepd-meta.pd").read_text()


@pytest.mark.skipif(
    shutil.which("deken") is None or not DEKEN.is_dir(),
    reason="deken is not installed, or was never started: it fetches a part of itself",
)
def test_deken_makes_a_package_that_pd_reads(spaced: Daemon, tmp_path: Path) -> None:
    shutil.copytree(FOLDER, tmp_path / "acestepd")
    command = ("deken", "package", "--no-sign-gpg", "--version", VERSION, "acestepd")
    environment = os.environ | {"DEKEN_ROOT": "yes"}
    subprocess.run(command, cwd=tmp_path, env=environment, stdin=subprocess.DEVNULL, check=True)
    package = tmp_path / f"acestepd[v{VERSION}].dek"
    with zipfile.ZipFile(package) as archive:
        archive.extractall(tmp_path / "externals")
    library = tmp_path / "externals" / "acestepd"
    assert {file.name for file in library.iterdir()} >= {
        "acestep.pd",
        "acestep-help.pd",
        "acestepd-meta.pd",
    }
    with PureData(tmp_path, spaced.osc.address[1], library) as pd:
        pd.wait_for("all: connected 1")
    assert "couldn't create" not in pd.text
