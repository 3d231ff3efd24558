"""How the daemon stands, as the page shows it."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import constants

from daemon.machines import ClusterStanding, WorkerStanding
from daemon.page.facts import MAX_LOG, read_end
from daemon.runtime import processor
from pipeline.voices import HUB_MODEL, voice_folder
from tests.page.conftest import Asker, make_take
from tests.support.stage import Stage, on_stage


def read_facts(asker: Asker) -> dict[str, str]:
    return dict(asker.ask("/daemon").json["facts"])


def test_model_folders_and_machine_are_told(stage: Stage, asker: Asker) -> None:
    facts = read_facts(asker)
    assert facts["model"].endswith(", warm")
    assert facts["clips"] == str(stage.settings.out)
    assert facts["memory"] == "MLX's own limit"
    assert " cores, " in facts["machine"]
    assert "device" not in facts, "nothing was made yet"


def test_who_makes_takes_elsewhere_is_told(stage: Stage, asker: Asker) -> None:
    assert "scheduler" not in read_facts(asker)
    attic = WorkerStanding("attic", "busy", "GPU (Apple M4)", "makes take1, 40%")
    found = ClusterStanding("tcp://studio:8786", True, False, "", (attic,))
    stage.engine.describe_cluster = lambda: found
    facts = read_facts(asker)
    assert facts["scheduler"] == "tcp://studio:8786"
    assert facts["worker attic"] == "busy: makes take1, 40%; GPU (Apple M4)"


def test_what_the_newest_take_says_of_device_and_memory(stage: Stage, asker: Asker) -> None:
    take = make_take(stage, asker, "a", "prompt", "x", "bars", 1)
    manifest = next(Path(take["path"]).parent.glob("*.json"))
    manifest.write_text(
        '{"machine": {"system": "Darwin", "processor": "arm64"}, "memory": {"vae": 3221225472}}'
    )
    facts = read_facts(asker)
    assert facts["device"] == "Darwin, arm64"
    assert facts["memory"] == "MLX's own limit; the newest take had 3.0 GB"


def test_models_and_adapters_that_may_be_chosen_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lora, peft = tmp_path / "lofi.safetensors", tmp_path / "dub"
    lora.touch()
    peft.mkdir()
    (peft / "adapter_config.json").touch()
    (tmp_path / "notes.txt").touch()
    (tmp_path / "takes").mkdir()
    voice = tmp_path / "voice"
    voice.symlink_to(voice_folder("mini"))
    models = ("other", str(voice), HUB_MODEL, "Somebody/model", "mini/none")
    given: dict[str, Any] = {"models": models, "folders": (tmp_path,)}
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    with on_stage(tmp_path / "stage", page=0, **given) as stage:
        assert stage.page
        asker = Asker(stage.page.port)
        with closing(stage.client()) as client:
            client.ask("/ace/adapter", str(lora), 0.5)
        facts = asker.ask("/daemon").json
    assert [each["name"] for each in facts["models"]] == ["mini", *models]
    assert [each["isPlayed"] for each in facts["models"]] == [True, *[False] * len(models)]
    missing = {each["name"]: each["missing"] for each in facts["models"]}
    assert missing["mini"] == missing[str(voice)] == ""
    assert missing[HUB_MODEL] == f"not here: acestepd pull {HUB_MODEL} fetches it (6.3 GB)"
    assert missing["Somebody/model"] == "not here: acestepd pull Somebody/model fetches it"
    assert missing["other"].startswith("no model 'other': give a folder")
    assert "no model variant 'none'" in missing["mini/none"]
    assert facts["adapters"] == [
        {"path": str(peft), "scale": 0},
        {"path": str(lora), "scale": 0.5},
    ]


def test_a_processor_is_called_what_linux_calls_it(tmp_path: Path) -> None:
    path = tmp_path / "cpuinfo"
    path.write_text("processor\t: 0\nmodel name\t: Some  CPU @ 3 GHz\nmodel name\t: Other\n")
    assert processor.read_name(path) == "Some CPU @ 3 GHz"
    path.write_text("processor\t: 0\nBogoMIPS\t: 50.00\n")
    assert processor.read_name(path) == ""


def test_programs_that_could_put_clips_in_say_what_to_do(shared_asker: Asker) -> None:
    programs = {each["title"]: each for each in shared_asker.ask("/programs").json}
    live = next(each for title, each in programs.items() if title.startswith("Ableton Live"))
    assert not live["isInstalled"]
    assert live["steps"] == ["in a terminal: acestepd integrations install live"]
    assert not any("Csound" in title for title in programs), "it puts nothing in"


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"machine": 1, "memory": 2}', "\0"])
def test_a_manifest_that_somebody_has_changed_says_nothing(
    stage: Stage, asker: Asker, text: str
) -> None:
    take = make_take(stage, asker, "a", "prompt", "x", "bars", 1)
    next(Path(take["path"]).parent.glob("*.json")).write_text(text)
    assert "device" not in read_facts(asker)


def test_the_log_is_shown_on_this_machine_alone(
    stage: Stage, asker: Asker, monkeypatch: pytest.MonkeyPatch
) -> None:
    (stage.settings.state / "acestepd.log").write_text("one\ntwo\n")
    assert asker.ask("/daemon").json["log"] == ["one", "two"]
    monkeypatch.setattr("daemon.page.app.is_loopback", lambda host: False)
    assert asker.ask("/daemon").json["log"] == []


def test_folders_are_told_on_this_machine_alone(
    stage: Stage, asker: Asker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("daemon.page.app.is_loopback", lambda host: False)
    assert str(stage.settings.out.parent).encode() not in asker.ask("/daemon").body


def test_only_whole_lines_of_a_long_log_are_read(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text("".join(f"line {number} \u00fc\n" for number in range(10_000)))
    lines = read_end(path)
    assert lines[-1] == "line 9999 \u00fc"
    assert all(line.startswith("line ") for line in lines)
    assert sum(map(len, lines)) < MAX_LOG
    assert read_end(tmp_path / "none") == []
