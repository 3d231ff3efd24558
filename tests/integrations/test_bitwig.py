"""The controller script under Node, in a host that refuses what Bitwig refuses, beside a real
daemon.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from daemon.integrations import installer
from daemon.integrations.catalogue import find_integration
from daemon.integrations.places import Machine
from tests.integrations.conftest import KEY_NOTE, NOTED_PROMPT, TEMPO_NOTE
from tests.support.harness import SteppedModel
from tests.support.junk import make_junk
from tests.support.node import NodeProgram, find_module, needs_node, running
from tests.support.osc_client import OscClient
from tests.support.relay import find_free_port
from tests.support.stage import Stage, on_stage

pytestmark = needs_node
ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "integrations" / "bitwig" / "acestepd.control.js"
SHARED = ROOT / "integrations" / "shared" / "acestep_osc.js"
FAKE = Path(__file__).parent / "bitwig_fake.js"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The script where the installer puts it."""
    home = tmp_path_factory.mktemp("home")
    scripts = home / "Bitwig Studio" / "Controller Scripts"
    scripts.mkdir(parents=True)
    installer.install(find_integration("bitwig"), home / "state", Machine("Linux", home))
    return scripts / "acestepd" / SCRIPT.name


@contextmanager
def bitwig(script: Path, stage: Stage, *more: str) -> Iterator[NodeProgram]:
    """Bitwig with the script, which the daemon knows already."""
    with running(FAKE, script, stage.osc.address[1], find_free_port(), *more) as program:
        program.wait("popup", "acestepd is there")
        yield program


def show(program: NodeProgram) -> dict[str, list[Any]]:
    """The clips of each track."""
    program.do(show=True)
    return {track["name"]: track["clips"] for track in program.wait("project")}


@pytest.mark.parametrize("hearing", [(), ("deaf",)], ids=["hears replies", "its port only"])
def test_a_clip_lands_in_the_selected_slot_and_the_next_one_below(
    installed: Path, tmp_path: Path, hearing: tuple[str, ...]
) -> None:
    with on_stage(tmp_path) as stage, bitwig(installed, stage, *hearing) as program:
        program.do(select=["Drums", 1])
        program.do(set=["Prompt", "warm lo-fi beat"])
        program.do(set=["Bars", 1])
        program.do(press="Go")
        track, slot, path = program.wait("inserted")
        assert (track, slot) == ("Drums", 1)
        assert "warm-lo-fi-beat" in path
        assert program.wait("popup", "slot") == "acestepd: Drums, slot 2"
        program.do(press="Reroll")
        track, slot, _ = program.wait("inserted")
        assert (track, slot) == ("Drums", 2)
        assert not program.list_seen("overwritten")


def test_everybody_hears_where_it_is(installed: Path, tmp_path: Path) -> None:
    with (
        on_stage(tmp_path) as stage,
        bitwig(installed, stage) as program,
        closing(stage.client()) as client,
    ):
        client.ask("/ace/notify", 1, 0, "inserted")
        client.send("/ace/go", "mine", "warm lo-fi beat", 1, 7)
        _, _, path = program.wait("inserted")
        *_, (_, values) = client.until("/ace/inserted")
        assert values == ["mine", "bitwig", "Drums, slot 1", path]


def test_a_track_for_notes_is_passed_over(installed: Path, tmp_path: Path) -> None:
    with on_stage(tmp_path) as stage, bitwig(installed, stage) as program:
        program.do(select=["Synth", 3], fill=["Drums", 3])
        program.do(set=["Prompt", "warm lo-fi beat"])
        program.do(press="Go")
        track, slot, _ = program.wait("inserted")
        assert (track, slot) == ("Voice", 3)


def test_where_no_slot_is_empty_it_says_so_and_names_the_file(
    installed: Path, tmp_path: Path
) -> None:
    with (
        on_stage(tmp_path) as stage,
        bitwig(installed, stage) as program,
        closing(stage.client()) as client,
    ):
        for track in ("Drums", "Voice"):
            program.do(fill=[track, 3])
        program.do(select=["Drums", 3])
        show(program)  # it has done so
        client.ask("/ace/notify", 1, 0, "inserted")
        client.send("/ace/go", "mine", "warm lo-fi beat", 1, 7)
        text = program.wait("popup", "no empty slot")
        *_, (_, values) = client.until("/ace/inserted")
        assert values[:3] == ["mine", "bitwig", ""]
        assert text.endswith(values[3])


def test_a_slot_that_is_named_is_used(installed: Path, tmp_path: Path) -> None:
    with (
        on_stage(tmp_path, insert_to="") as stage,
        bitwig(installed, stage) as program,
        closing(stage.client()) as client,
    ):
        client.send("/ace/go", "mine", "warm lo-fi beat", 1, 7)
        client.until("/ace/finished")
        client.ask("/ace/insert", "mine", 2, 1)
        track, slot, _ = program.wait("inserted")
        assert (track, slot) == ("Voice", 1)


def test_a_file_that_bitwig_does_not_take_is_said(installed: Path, tmp_path: Path) -> None:
    with (
        on_stage(tmp_path) as stage,
        bitwig(installed, stage) as program,
        closing(stage.client()) as client,
    ):
        client.send("/ace/generate", "mine", "prompt", "beat", "seconds", 0.5, "format", "flac")
        program.wait("popup", "Bitwig did not take it")
        client.send("/ace/go", "next", "warm lo-fi beat", 1, 7)
        assert program.wait("inserted")[:2] == ["Drums", 0]


def test_what_comes_is_launched_if_that_is_set(installed: Path, tmp_path: Path) -> None:
    with on_stage(tmp_path) as stage, bitwig(installed, stage) as program:
        program.do(set=["Launch what comes", True])
        program.do(set=["Prompt", "warm lo-fi beat"])
        program.do(press="Go")
        assert program.wait("launched") == ["Drums", 0]


def test_the_seed_of_the_panel_is_kept_and_an_empty_one_is_another_each_time(
    installed: Path, tmp_path: Path
) -> None:
    with on_stage(tmp_path) as stage, bitwig(installed, stage) as program:
        program.do(set=["Prompt", "beat"])
        program.do(set=["Seed (empty: another each time)", "4294967295"])
        program.do(press="Go")
        assert "_s4294967295" in program.wait("inserted")[2]
        program.do(set=["Seed (empty: another each time)", ""])
        program.do(press="Go")
        assert "_s4294967295" not in program.wait("inserted")[2]


def test_the_favourite_is_the_newest(installed: Path, tmp_path: Path) -> None:
    with (
        on_stage(tmp_path) as stage,
        bitwig(installed, stage) as program,
        closing(stage.client()) as client,
    ):
        client.ask("/ace/notify", 1, 0, "favourite")
        client.send("/ace/go", "mine", "beat", 1, 7)
        _, _, path = program.wait("inserted")
        program.do(press="Favourite")
        *_, (_, values) = client.until("/ace/favourite")
        assert values == ["mine", 1, path]


def test_the_projects_tempo_is_the_sessions(installed: Path, tmp_path: Path) -> None:
    with on_stage(tmp_path) as stage, closing(stage.client()) as client:
        client.ask("/ace/notify", 1, 0, "tempo")
        with bitwig(installed, stage) as program:
            wait_for_tempo(client, 120.0, "explicit")
            for bpm in (121.0, 122.0, 97.5):
                program.do(tempo=bpm)
            wait_for_tempo(client, 97.5, "explicit")
            program.do(set=["Send the tempo", False])
            wait_for_tempo(client, 120.0, "default")
            program.do(set=["Send the tempo", True])
            wait_for_tempo(client, 97.5, "explicit")
            program.do(exit=True)
            wait_for_tempo(client, 120.0, "default")


def wait_for_tempo(client: OscClient, bpm: float, source: str) -> None:
    while True:
        address, values = client.receive()
        if address == "/ace/tempo" and values == [bpm, source]:
            return


def test_nothing_is_asked_for_without_a_prompt_and_a_failure_is_shown_with_its_hint(
    installed: Path, tmp_path: Path
) -> None:
    with on_stage(tmp_path) as stage, bitwig(installed, stage) as program:
        program.do(press="Go")
        program.wait("popup", "write a prompt first")
        program.do(set=["Prompt", "bad"])
        program.do(press="Go")
        assert program.wait("popup", "it is bad") == "acestepd: it is bad. be good"


@pytest.mark.parametrize("hearing", [(), ("deaf",)], ids=["hears replies", "its port only"])
def test_the_notes_on_ones_own_prompt_are_shown_in_one_popup(
    installed: Path, tmp_path: Path, hearing: tuple[str, ...]
) -> None:
    with (
        on_stage(tmp_path) as stage,
        bitwig(installed, stage, *hearing) as program,
        closing(stage.client()) as client,
    ):
        client.send("/ace/go", "theirs", "100 bpm", 1)
        client.until("/ace/finished")
        program.do(set=["Prompt", NOTED_PROMPT])
        program.do(press="Go")
        tempo = f"{TEMPO_NOTE}, and bpm 120 was given: it is 120"  # the project's
        assert program.wait("popup", KEY_NOTE) == f"acestepd: {tempo}. {KEY_NOTE}"
        assert not [text for text in program.list_seen("popup") if "100 bpm" in text]


def test_a_daemon_that_goes_and_comes_back_is_noticed_and_its_clip_comes_once(
    installed: Path, tmp_path: Path
) -> None:
    model = SteppedModel(running=False)
    port = find_free_port()
    with (
        on_stage(tmp_path, model, port=port) as stage,
        closing(stage.client()) as client,
        bitwig(installed, stage) as program,
    ):
        client.ask("/ace/go", "mine", "warm lo-fi beat", 1, 7)
        stage.__exit__(None, None, None)
        program.wait("popup", "does not answer")
        with on_stage(tmp_path, port=port) as again:
            program.wait("popup", "acestepd is there")
            track, slot, path = program.wait("inserted")
            assert (track, slot) == ("Drums", 0)
            with closing(again.client()) as listener:
                listener.send("/ace/go", "next", "another", 1, 8)
                assert program.wait("inserted")[1] == 1
            clips = show(program)["Drums"]
            assert clips.count(path) == 1
            assert program.list_seen("insertFile").count(path) == 1


@pytest.mark.long
@pytest.mark.parametrize("noticed", [True, False], ids=["noticed", "between two questions"])
def test_a_daemon_that_is_restarted_again_and_again_loses_no_clip_and_puts_none_in_twice(
    installed: Path, tmp_path: Path, noticed: bool
) -> None:
    port = find_free_port()
    with ExitStack() as stack:
        program: NodeProgram | None = None
        for number in range(6):
            with on_stage(tmp_path, port=port) as stage, closing(stage.client()) as client:
                if program is None:
                    program = stack.enter_context(bitwig(installed, stage))
                elif noticed:
                    program.wait("popup", "acestepd is there")
                client.send("/ace/go", f"take{number}", f"song {number}", 1, 7)
                client.until("/ace/finished")
            if noticed:
                program.wait("popup", "does not answer")
        assert program
        with on_stage(tmp_path, port=port):
            names = [f"song-{number}_" for number in range(6)]
            files = program.list_seen("insertFile")
            while not all(any(name in file for file in files) for name in names):
                files.append(program.wait("insertFile"))
            assert len(files) == len(set(files))


@pytest.mark.soak
def test_sixty_restarts_lose_no_clip_put_none_in_twice_and_fill_no_memory(
    installed: Path, tmp_path: Path
) -> None:
    port = find_free_port()
    with ExitStack() as stack:
        with on_stage(tmp_path, port=port) as stage:
            program = stack.enter_context(bitwig(installed, stage))
        program.do(scenes=128)
        sizes = []
        for number in range(60):
            with on_stage(tmp_path, port=port) as stage, closing(stage.client()) as client:
                client.send("/ace/go", f"take{number}", f"song {number}", 1, 7)
                client.until("/ace/finished")
                if number % 3:  # else it is put in after the restart
                    program.wait("inserted")
            program.do(memory=True)
            sizes.append(program.wait("memory"))
        with on_stage(tmp_path, port=port) as stage, closing(stage.client()) as client:
            client.send("/ace/go", "last", "the last song", 1, 7)
            while "the-last-song" not in program.wait("insertFile"):
                pass
        files = program.list_seen("insertFile")
        assert len(files) == len(set(files)) == 61
        assert not program.list_seen("overwritten")
        assert max(sizes[-10:]) < 1.5 * max(sizes[:10])


@pytest.mark.long
def test_ten_thousand_datagrams_of_junk_leave_it_alive(installed: Path, tmp_path: Path) -> None:
    port = find_free_port()
    with (
        on_stage(tmp_path) as stage,
        closing(stage.client()) as client,
        closing(OscClient(("127.0.0.1", port))) as junk,
        running(FAKE, installed, stage.osc.address[1], port) as program,
    ):
        program.wait("popup", "acestepd is there")
        for packet in make_junk(10_000):
            junk.send_raw(packet)
        client.send("/ace/go", "mine", "warm lo-fi beat", 1, 7)
        while "warm-lo-fi-beat" not in program.wait("inserted")[2]:
            pass


# --- what it may use ------------------------------------------------------------------------------


@pytest.mark.parametrize("file", [SCRIPT, SHARED], ids=lambda file: file.name)
def test_it_is_ecmascript_5(file: Path) -> None:
    acorn = find_module("acorn") / "bin" / "acorn"
    subprocess.run(["node", acorn, "--ecma5", "--silent", file], check=True)


@pytest.mark.long
def test_its_types_are_bitwigs(tmp_path: Path) -> None:
    compiler = find_module("typescript") / "bin" / "tsc"
    types = find_module("typed-bitwig-api")
    (tmp_path / "shared.d.ts").write_text("declare var AcestepOsc: any;")
    options = {
        "allowJs": True,
        "checkJs": True,
        "noEmit": True,
        "target": "ES5",
        "lib": ["ES5"],
        "typeRoots": [str(types.parent)],
        "types": ["typed-bitwig-api"],
        "ignoreDeprecations": "5.0",
    }
    files = [str(SCRIPT), str(tmp_path / "shared.d.ts")]
    config = tmp_path / "tsconfig.json"
    config.write_text(json.dumps({"compilerOptions": options, "files": files}))
    run = subprocess.run(["node", compiler, "-p", config], capture_output=True, text=True)
    assert run.returncode == 0, run.stdout


def test_the_stand_in_has_only_what_bitwigs_api_10_has() -> None:
    text = (find_module("typed-bitwig-api") / "bitwig-api.d.ts").read_text("utf-8")
    known = read_interfaces(text)
    api = json.loads(subprocess.check_output(["node", FAKE, "api"]))
    for interface, methods in api.items():
        for method in methods:
            since = find_since(known, interface, method)
            assert since is not None, f"{interface}.{method}"
            assert since <= 10, f"{interface}.{method}"


Interface = tuple[list[str], dict[str, int]]  # what it extends; since when it has which method


def read_interfaces(text: str) -> dict[str, Interface]:
    found: dict[str, Interface] = {}
    for head, body in re.findall(r"^  interface ([^{]+)\{\n(.*?)^  \}", text, re.M | re.S):
        name, _, parents = re.sub(r"<.*?>", "", " ".join(head.split())).partition(" extends ")
        since = 1
        methods: dict[str, int] = {}
        for line in body.splitlines():
            if match := re.search(r"@since API version (\d+)", line):
                since = int(match[1])
            elif match := re.match(r"    (\w+)\(", line):
                methods[match[1]] = min(since, methods.get(match[1], since))
                since = 1
        found[name.strip()] = (parents.replace(",", " ").split(), methods)
    return found


def find_since(known: dict[str, Interface], interface: str, method: str) -> int | None:
    parents, methods = known.get(interface, ([], {}))
    if method in methods:
        return methods[method]
    return next((since for parent in parents if (since := find_since(known, parent, method))), None)
