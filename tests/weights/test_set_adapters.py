"""Adapters and bits from the outside: settings, OSC, the command line, manifests; what waits, and
what is refused.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from daemon.cli import main
from daemon.engine import Engine
from daemon.jobs import Order, Refused
from daemon.landing.manifest import read_manifest
from daemon.paths import AllowedFolders
from daemon.settings import Settings, SettingsError
from pipeline.request import Request
from pipeline.take import TakeInfo
from pipeline.voices import voice_folder
from pipeline.weights.adapter import Adapter, parse_adapters
from tests.support.harness import ME, Build, Recorder, SteppedModel, submit
from tests.support.old_requests import build_old_request
from tests.support.osc_client import OscClient
from tests.support.stage import Stage, on_stage

# isort: split
import mlx.core as mx

LOFI = Adapter("/loras/lofi.safetensors")
TORN = Adapter("/loras/torn")


@pytest.fixture
def model() -> SteppedModel:
    return SteppedModel(running=False)


@pytest.fixture
def engine(build: Build, model: SteppedModel) -> Engine:
    return build(model)


def adapters_by_job(recorder: Recorder) -> dict[str, tuple[Adapter, ...]]:
    """The adapters that were set for each finished job, by its manifest."""
    finished = [event for event in recorder.events if event.kind == "finished"]
    return {
        event.job.id: read_manifest(Path(event.values[-1])).adapters
        for event in finished
        if event.job
    }


# --- the engine -----------------------------------------------------------------------------------


def test_an_adapter_is_set_from_the_next_job_on_and_nothing_is_loaded_anew(
    engine: Engine, model: SteppedModel
) -> None:
    recorder = Recorder(engine)
    engine.start()
    submit(engine, "a")
    submit(engine, "b")
    recorder.wait("progress", "a")
    engine.set_adapters(LOFI._replace(scale=0.5))
    model.run()
    recorder.wait("finished", "b")
    assert adapters_by_job(recorder) == {"a": (), "b": (LOFI._replace(scale=0.5),)}
    assert engine.title == "tape (lofi.safetensors=0.5)"
    engine.set_adapters()
    submit(engine, "c")
    recorder.wait("finished", "c")
    assert adapters_by_job(recorder)["c"] == ()
    assert model.loads == 1


def test_one_that_does_not_fit_is_told_and_those_that_were_set_stay(
    engine: Engine, model: SteppedModel
) -> None:
    model.run()
    recorder = Recorder(engine)
    engine.start()
    recorder.wait("state", first="warm")
    engine.set_adapters(LOFI)
    engine.set_adapters(LOFI, TORN)
    submit(engine, "a")
    command, code, message, hint = recorder.wait("fail").values
    assert command == "/ace/adapter"
    assert code == 422
    assert message == "it is torn"
    assert hint == "it goes on with what it wore: lofi.safetensors"
    recorder.wait("finished", "a")
    assert adapters_by_job(recorder) == {"a": (LOFI,)}
    assert engine.adapters == (LOFI,)


def test_those_set_before_the_model_is_loaded_are_put_on_with_it(
    engine: Engine, model: SteppedModel
) -> None:
    model.run()
    recorder = Recorder(engine)
    engine.set_adapters(LOFI)
    submit(engine, "a")
    engine.start()
    recorder.wait("finished", "a")
    assert adapters_by_job(recorder) == {"a": (LOFI,)}


def test_a_model_that_cannot_be_loaded_because_of_one_is_loaded_without_it(
    engine: Engine, model: SteppedModel
) -> None:
    model.run()
    recorder = Recorder(engine)
    engine.set_adapters(TORN)
    engine.start()
    recorder.wait("state", first="error")
    assert "it is torn" in engine.error
    engine.set_adapters()
    submit(engine, "a")
    recorder.wait("finished", "a")


def test_a_crash_does_not_take_it_off(engine: Engine, model: SteppedModel) -> None:
    model.run()
    recorder = Recorder(engine)
    engine.start()
    recorder.wait("state", first="warm")
    engine.set_adapters(LOFI)
    engine.submit(Order(ME, "dies", Request(prompt="die", seconds=0.5)))
    recorder.wait("fail", "dies")
    submit(engine, "a")
    recorder.wait("finished", "a")
    assert adapters_by_job(recorder) == {"a": (LOFI,)}
    assert model.loads > 1


def test_another_model_is_not_dressed_in_it_and_the_same_one_is(
    engine: Engine, model: SteppedModel
) -> None:
    model.run()
    recorder = Recorder(engine)
    engine.start()
    engine.set_adapters(LOFI)
    engine.switch_model("tape")
    submit(engine, "a")
    recorder.wait("finished", "a")
    engine.switch_model("second")
    submit(engine, "b")
    recorder.wait("finished", "b")
    assert adapters_by_job(recorder) == {"a": (LOFI,), "b": ()}


# --- messages -------------------------------------------------------------------------------------


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    folder = tmp_path / "loras"
    folder.mkdir()
    (folder / "lofi.safetensors").write_bytes(b"")
    for name in ("choir", "torn"):
        (folder / name).mkdir()
        (folder / name / "adapter_config.json").write_text("{}")
    with on_stage(tmp_path, folders=(folder,)) as running:
        yield running


@pytest.fixture
def client(stage: Stage) -> Iterator[OscClient]:
    with closing(stage.client()) as connected:
        yield connected


def test_messages_put_on_change_and_take_off(
    stage: Stage, client: OscClient, tmp_path: Path
) -> None:
    loras = tmp_path / "loras"
    assert client.ask("/ace/adapter", "lofi.safetensors") == ("/ace/done", ["/ace/adapter", 1, 0])
    assert client.ask("/ace/adapter", str(loras / "choir"), 0.5) == (
        "/ace/done",
        ["/ace/adapter", 2, 0],
    )
    assert client.ask("/ace/adapter", "lofi.safetensors", "0.25") == (
        "/ace/done",
        ["/ace/adapter", 2, 0],
    )
    client.send("/ace/adapters")
    assert client.receive() == ("/ace/worn", [str(loras / "lofi.safetensors"), 0.25])
    assert client.receive() == ("/ace/worn", [str(loras / "choir"), 0.5])
    assert client.receive() == ("/ace/done", ["/ace/adapters", 2, 0])
    assert client.ask("/ace/adapter", "choir", 0) == ("/ace/done", ["/ace/adapter", 1, 0])
    client.send("/ace/generate", "a", "prompt", "x", "seconds", 0.5)
    manifest = client.until("/ace/finished", "a")[-1][1][-1]
    assert json.loads(Path(str(manifest)).read_text())["adapters"] == [
        [str(loras / "lofi.safetensors"), 0.25]
    ]
    assert stage.engine.state_event().values[1] == "mini (lofi.safetensors=0.25)"
    assert client.ask("/ace/adapters", "clear") == ("/ace/done", ["/ace/adapters", 0, 0])


def test_who_put_on_one_that_does_not_fit_hears_it_without_asking_for_events(
    client: OscClient,
) -> None:
    client.send("/ace/adapter", "torn")
    (_, command, code, message, hint) = client.until("/ace/fail")[-1][1]
    assert command == "/ace/adapter"
    assert code == 422
    assert message == "it is torn"
    assert hint == "it goes on with what it wore: nothing"


def test_an_adapter_stays_removable_when_its_file_is_gone(
    client: OscClient, tmp_path: Path
) -> None:
    client.ask("/ace/adapter", "choir")
    shutil.rmtree(tmp_path / "loras" / "choir")
    assert client.ask("/ace/adapter", "choir", 0.0) == ("/ace/done", ["/ace/adapter", 0, 0])


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        ((), 400, "which adapter"),
        (("nothing.safetensors",), 404, "there is no file"),
        (("/etc/passwd.safetensors",), 403, "is not in a folder that messages may name files in"),
        (("/etc",), 403, "is not in a folder"),
        (("../state",), 403, "is not in a folder"),
        (("lofi.safetensors", 99.0), 422, "the scale of an adapter must be in -10..10, got 99"),
        (("lofi.safetensors", float("nan")), 422, "the scale of an adapter must be in -10..10"),
    ],
)
def test_what_is_no_adapter_is_answered(
    stage: Stage, client: OscClient, arguments: tuple[Any, ...], code: int, says: str
) -> None:
    address, (_, command, came, message, _) = client.ask("/ace/adapter", *arguments)
    assert address == "/ace/fail"
    assert command == "/ace/adapter"
    assert came == code
    assert says in str(message)
    assert stage.engine.adapters == ()


def test_another_word_than_clear_is_answered(client: OscClient) -> None:
    address, values = client.ask("/ace/adapters", "all")
    assert address == "/ace/fail"
    assert "send clear" in str(values)


def test_a_folder_is_confined_by_where_it_leads(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "adapter_config.json").write_text("{}")
    os.symlink(tmp_path / "secret", tmp_path / "in" / "link")
    with pytest.raises(Refused, match="is not in a folder"):
        AllowedFolders([tmp_path / "in"]).resolve_adapter("link")
    assert AllowedFolders([tmp_path]).resolve_adapter("secret") == tmp_path / "secret"


# --- settings, manifests, the command line --------------------------------------------------------


def test_settings_name_adapters_and_bits(tmp_path: Path) -> None:
    settings = Settings(out=tmp_path, adapters=("~/a=0.5", "/b"), bits=8)
    assert parse_adapters(settings.adapters) == (
        Adapter(str(Path.home() / "a"), 0.5),
        Adapter("/b"),
    )
    assert settings.adapters[1] == "/b=1.0"
    for wrong in (
        {"bits": 7},
        {"adapters": ("/a", "/a=2")},
        {"adapters": ("/a=11",)},
        {"adapters": ("",)},
    ):
        with pytest.raises(SettingsError, match=r"bits must be|adapter"):
            Settings(out=tmp_path, **wrong)


def test_settings_adapters_are_set_from_the_start(tmp_path: Path) -> None:
    with on_stage(tmp_path, adapters=("/loras/lofi.safetensors=0.5",)) as stage:
        assert stage.engine.title == "mini (lofi.safetensors=0.5)"


@pytest.fixture(scope="module")
def lora(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An adapter for the embedded voice."""
    path = tmp_path_factory.mktemp("loras") / "loud.safetensors"
    name = "base_model.model.layers.0.self_attn.o_proj"
    weights = mx.load(str(voice_folder("mini") / "acestep-v15-turbo" / "model.safetensors"))
    assert isinstance(weights, dict)
    outputs, inputs = weights["decoder.layers.0.self_attn.o_proj.weight"].shape
    down, up = (
        mx.random.normal(shape, key=mx.random.key(1)) * 0.1 for shape in ((4, inputs), (outputs, 4))
    )
    mx.save_safetensors(str(path), {f"{name}.lora_A.weight": down, f"{name}.lora_B.weight": up})
    return path


@pytest.mark.long
def test_a_take_of_the_command_line_says_which_adapters_were_set_and_is_made_again_from_it(
    tmp_path: Path, lora: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def made(*arguments: str) -> tuple[bytes, dict[str, Any]]:
        assert main.main(["generate", "--out", str(tmp_path), *arguments]) == 0
        wav, manifest = map(Path, capsys.readouterr().out.split()[-2:])
        return wav.read_bytes()[44:90_000], json.loads(manifest.read_text())

    common = ("drums", "--model", "mini", "--seconds", "0.5", "--seed", "1", "--num-steps", "2")
    plain, about = made(*common)
    assert about["bits"] == 0
    assert about["adapters"] == []
    dressed, about = made(*common, "--adapter", f"{lora}=0.5", "--bits", "8")
    assert about["bits"] == 8
    assert about["adapters"] == [[str(lora), 0.5]]
    manifest = next(
        path for path in tmp_path.glob("*.json") if json.loads(path.read_text())["bits"] == 8
    )
    again, repeated = made("--again", str(manifest))
    assert repeated["bits"] == 8
    assert repeated["adapters"] == about["adapters"]
    assert dressed != plain
    assert again == dressed


@pytest.mark.long
def test_convert_makes_a_folder_that_plays(tmp_path: Path) -> None:
    target = tmp_path / "small"
    run = [sys.executable, "-m", "daemon", "convert", "mini", str(target), "--bits", "4"]
    done = subprocess.run(
        run, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2]
    )
    assert done.returncode == 0, done.stderr
    assert "acestep-v15-turbo: " in done.stdout
    assert (
        main.main(
            ["generate", "x", "--model", str(target), "--out", str(tmp_path), "--seconds", "0.5"]
        )
        == 0
    )
    (manifest,) = tmp_path.glob("*.json")
    assert read_manifest(manifest).title == f"{target}/acestep-v15-turbo (4 bit)"
    again = subprocess.run(
        run, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2]
    )
    assert again.returncode == 2
    assert "is there already" in again.stderr


def test_a_manifest_of_before_has_no_bits_and_no_adapters(tmp_path: Path) -> None:
    old = {"request": {"prompt": "pad"}, "model": "mini/turbo"}
    (tmp_path / "old.json").write_text(json.dumps(old))
    assert read_manifest(tmp_path / "old.json") == TakeInfo(
        build_old_request(prompt="pad"),
        "mini/turbo",
    )
    for odd in (
        {"adapters": 5},
        {"adapters": [["/a"]]},
        {"bits": "many"},
        {"adapters": [["/a", 99]]},
    ):
        (tmp_path / "odd.json").write_text(json.dumps(old | odd))
        with pytest.raises(ValueError, match="not a manifest of a take"):
            read_manifest(tmp_path / "odd.json")


# --- files that requests name ---------------------------------------------------------------------


def test_a_reference_is_confined_as_a_source_is(
    stage: Stage, client: OscClient, tmp_path: Path
) -> None:
    outside = tmp_path / "secret.wav"
    soundfile.write(outside, np.zeros((4800, 2)), 48_000)
    for address, arguments in (
        ("/ace/generate", ("a", "prompt", "x", "reference", str(outside))),
        ("/ace/set/reference", (str(outside),)),
    ):
        answer, values = client.ask(address, *arguments)
        assert answer == "/ace/fail"
        assert values[2] == 403
    inside = shutil.copy(outside, tmp_path / "loras" / "voice.wav")
    assert client.ask("/ace/set/reference", "voice.wav") == ("/ace/param/reference", [str(inside)])


def test_codes_come_as_a_text_and_nonsense_is_answered(stage: Stage, client: OscClient) -> None:
    assert client.ask("/ace/set/codes", "<|audio_code_7|><|audio_code_63999|>") == (
        "/ace/param/codes",
        ["7 63999"],
    )
    answer, values = client.ask("/ace/generate", "a", "prompt", "x", "codes", "1 64000")
    assert answer == "/ace/fail"
    assert values[:3] == ["a", "/ace/generate", 422]
    assert "codes must be whole numbers in 0..63999 or <|audio_code_N|>, not '64000'" in values[3]
    answer, values = client.ask(
        "/ace/generate", "b", "prompt", "x", "codes", "1 2 3 4 5 6", "seconds", 1.0
    )
    assert answer == "/ace/fail"
    assert values[2] == 422
    assert "codes must be at most 5 for a clip of 1 s, got 6" in values[3]
