"""What the engine fails with twice is put off: what it wore before plays on."""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Callable, Generator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from daemon.engine import Engine, ModelChoice
from daemon.engine.given_up import FILE, GivenUpAdapters
from daemon.engine.process import WorkerProcess
from daemon.journal import Journal
from daemon.messages import LoadModel
from daemon.service import Daemon
from daemon.settings import Settings
from pipeline.request import Request
from pipeline.take import PendingClip, Progress
from pipeline.weights.adapter import Adapter, AdapterLike, parse_adapters
from tests.support.harness import (
    PATIENCE,
    Build,
    Recorder,
    SteppedModel,
    ThreadWorker,
    make_request,
    stop,
    submit,
)
from tests.support.hostile import write_peft
from tests.support.waiting import until

LOFI = Adapter("/loras/lofi.safetensors")
DEADLY = Adapter("/loras/deadly.safetensors")
HANGING = Adapter("/loras/hanging.safetensors")
POISON = Adapter("/loras/poison.safetensors")


class HostileModel(SteppedModel):
    """Adapters end its worker: "deadly" as they are put on, "poison" with the first take; "hanging"
    ones never get on. A model called "deadly" ends it as it is loaded, "hanging" never is.
    """

    def __init__(self) -> None:
        super().__init__()
        self.tries: Counter[str] = Counter()

    def load(self, message: LoadModel, on_fetching: Callable[[], None]) -> Any:
        self._try(message.model)
        return super().load(message, on_fetching)

    def set_adapters(self, *adapters: AdapterLike) -> None:
        for adapter in parse_adapters(adapters):
            self._try(Path(adapter.path).stem)
        super().set_adapters(*adapters)

    def _try(self, name: str) -> None:
        self.tries[name] += 1
        if name == "deadly":
            raise SystemExit
        if name == "hanging":
            self.hung.wait(PATIENCE)

    def render_pending(self, request: Request) -> Generator[Progress | PendingClip, None, None]:
        if POISON in self.adapters:
            raise SystemExit
        yield from super().render_pending(request)


@pytest.fixture
def model() -> HostileModel:
    return HostileModel()


@pytest.fixture
def engine(build: Build, model: HostileModel) -> Engine:
    return build(model, hang_seconds=1.0)


def wait_for_fallback(recorder: Recorder, command: str) -> tuple[int, str, str]:
    """Code, message and hint of the event that says what was given up."""
    while True:
        _, code, message, hint = recorder.wait("fail", first=command).values
        if "twice" in message:
            return code, message, hint


@pytest.mark.long
@pytest.mark.parametrize("adapter", [DEADLY, HANGING, POISON], ids=str)
def test_an_adapter_that_ends_the_worker_twice_is_not_put_on_a_third_time(
    engine: Engine, model: HostileModel, adapter: Adapter
) -> None:
    recorder = Recorder(engine)
    engine.start()
    engine.set_adapters(LOFI)
    submit(engine, "before")
    recorder.wait("finished", "before")
    engine.set_adapters(LOFI, adapter)
    submit(engine, "a")
    submit(engine, "b", make_request("b"))
    code, message, hint = wait_for_fallback(recorder, "/ace/adapter")
    assert code == 500
    assert f"twice with the adapters lofi.safetensors {adapter}" in message
    assert "goes on with tape (lofi.safetensors)" in hint
    recorder.wait("finished", "b")
    assert recorder.ids_with("finished") == ["before", "a", "b"]
    assert [id for id in recorder.ids_with("fail") if id in ("a", "b")] == []
    assert model.tries[Path(adapter.path).stem] == 2
    assert engine.adapters == (LOFI,)
    model.hung.set()


@pytest.mark.long
@pytest.mark.parametrize("name", ["deadly", "hanging"])
def test_a_model_that_ends_the_worker_twice_is_not_loaded_a_third_time(
    engine: Engine, model: HostileModel, name: str
) -> None:
    recorder = Recorder(engine)
    engine.start()
    recorder.wait("state", first="warm")
    engine.set_adapters(LOFI)
    submit(engine, "before")
    recorder.wait("finished", "before")
    engine.switch_model(name)
    submit(engine, "a")
    code, message, hint = wait_for_fallback(recorder, "/ace/model")
    assert code == 500
    assert f"twice with the model {name}" in message
    assert "goes on with tape (lofi.safetensors)" in hint
    recorder.wait("finished", "a")
    assert model.tries[name] == 2
    assert engine.title == "tape (lofi.safetensors)"
    model.hung.set()


def test_a_model_that_cannot_be_loaded_is_tried_twice_before_the_one_before_plays_on(
    engine: Engine, model: HostileModel
) -> None:
    recorder = Recorder(engine)
    engine.start()
    recorder.wait("state", first="warm")
    engine.switch_model("broken")
    assert recorder.wait("fail", first="/ace/model").values[1] == 503
    submit(engine, "a")  # the next order tries again
    assert wait_for_fallback(recorder, "/ace/model")[0] == 500
    recorder.wait("finished", "a")
    assert model.tries["broken"] == 2
    assert engine.title == "tape"


def test_adapters_are_not_blamed_where_the_model_cannot_be_loaded(
    tmp_path: Path, out: Path
) -> None:
    adapter = make_adapter(tmp_path)
    model = HostileModel()
    journal = Journal(tmp_path / "state" / "journal.sqlite")
    choice = ModelChoice("broken", "", (adapter,))
    settings = Settings(out=out, state=tmp_path / "state")
    engine = Engine(settings, choice, journal, partial(ThreadWorker, model.load))
    recorder = Recorder(engine)
    engine.start()
    for number in range(4):
        recorder.wait("fail", first="/ace/model")
        submit(engine, f"take {number}")  # tries again
    recorder.wait("fail", first="/ace/model")
    assert engine.adapters == (adapter,)
    stop(engine)
    assert GivenUpAdapters(tmp_path / "state").find([adapter]) == ()


def test_what_was_put_on_by_hand_once_more_is_tried_once_more(
    engine: Engine, model: HostileModel
) -> None:
    recorder = Recorder(engine)
    engine.start()
    recorder.wait("state", first="warm")
    for tries in (2, 4):
        engine.set_adapters(DEADLY)
        wait_for_fallback(recorder, "/ace/adapter")
        assert model.tries["deadly"] == tries
    submit(engine, "a")
    recorder.wait("finished", "a")


def test_what_has_played_before_is_not_blamed_for_a_job(
    engine: Engine, model: HostileModel
) -> None:
    recorder = Recorder(engine)
    engine.start()
    engine.set_adapters(LOFI)
    submit(engine, "before")
    recorder.wait("finished", "before")
    submit(engine, "deadly", make_request("die"))
    assert "failed twice" in recorder.wait("fail", "deadly").values[2]
    submit(engine, "after")
    recorder.wait("finished", "after")
    assert engine.adapters == (LOFI,)
    assert [
        event.values[1] for event in recorder.events if event.values[:1] == ("/ace/adapter",)
    ] == []


def test_what_was_given_up_for_a_job_that_was_to_blame_is_put_on_again(
    engine: Engine, model: HostileModel
) -> None:
    recorder = Recorder(engine)
    engine.start()
    recorder.wait("state", first="warm")
    engine.set_adapters(LOFI)
    submit(engine, "deadly", make_request("die"))
    wait_for_fallback(recorder, "/ace/adapter")
    submit(engine, "after")
    recorder.wait("finished", "after")
    *_, (_, _, message, hint) = (
        event.values for event in recorder.events if event.values[:1] == ("/ace/adapter",)
    )
    assert message == "deadly ends the engine's process without the adapters lofi.safetensors too"
    assert hint.endswith("put on again")
    assert recorder.ids_with("fail") == ["deadly"]
    assert engine.title == "tape (lofi.safetensors)"


@pytest.mark.long
def test_an_adapter_is_put_off_when_a_process_is_killed_twice_as_it_puts_it_on(
    tmp_path: Path,
) -> None:
    processes: list[WorkerProcess] = []

    def start() -> WorkerProcess:
        processes.append(WorkerProcess())
        return processes[-1]

    adapter = Adapter(str(write_peft(tmp_path / "lora")))
    settings = Settings(
        port=0, page=-1, out=tmp_path / "out", state=tmp_path / "state", model="mini"
    )
    with Daemon(settings, start) as daemon:
        recorder = Recorder(daemon.engine)
        submit(daemon.engine, "before")
        recorder.wait("finished", "before")
        daemon.engine.set_adapters(adapter)
        submit(daemon.engine, "a")
        recorder.wait("state", first="loading")
        os.kill(processes[0].pid, signal.SIGKILL)
        until(lambda: len(processes) == 2)
        os.kill(processes[1].pid, signal.SIGKILL)
        code, message, _ = wait_for_fallback(recorder, "/ace/adapter")
        assert code == 500
        assert "SIGKILL" in message
        recorder.wait("finished", "a")
        assert len(processes) == 3
        assert daemon.engine.adapters == ()
        assert recorder.ids_with("finished") == ["before", "a"]


# --- and with the next daemon ---------------------------------------------------------------------


def make_adapter(folder: Path) -> Adapter:
    path = folder / "deadly.safetensors"
    path.write_bytes(b"one")
    return Adapter(str(path))


def test_the_next_daemon_leaves_off_what_was_given_up_until_its_file_changes(
    tmp_path: Path, out: Path
) -> None:
    adapter = make_adapter(tmp_path)
    settings = Settings(out=out, state=tmp_path / "state", adapters=(adapter.path,))
    tries = []
    for number in range(3):
        if number == 2:
            Path(adapter.path).write_bytes(b"another")
        model = HostileModel()
        journal = Journal(tmp_path / "state" / "journal.sqlite")
        choice = ModelChoice("tape", "", (adapter,))
        engine = Engine(settings, choice, journal, partial(ThreadWorker, model.load))
        recorder = Recorder(engine)
        engine.start()
        submit(engine, f"take {number}")
        code = recorder.wait("fail", first="/ace/adapter").values[1]
        recorder.wait("finished", f"take {number}")
        stop(engine)
        tries.append((code, model.tries["deadly"]))
    assert tries == [(500, 2), (409, 0), (500, 2)]


def test_who_puts_it_on_by_hand_has_it_tried_again(tmp_path: Path) -> None:
    adapter = make_adapter(tmp_path)
    given_up = GivenUpAdapters(tmp_path)
    assert given_up.find([adapter]) == ()
    given_up.add([adapter])
    assert given_up.find([adapter, LOFI]) == (adapter,)
    assert GivenUpAdapters(tmp_path).find([adapter._replace(scale=0.5)]) != ()
    given_up.forget([LOFI])
    assert given_up.find([adapter]) == (adapter,)
    given_up.forget([adapter])
    assert given_up.find([adapter]) == ()


@pytest.mark.parametrize("content", ["", "[]", "[" * 100_000, '{"x": 1e400}', '{"/x": 7}'])
def test_a_record_that_cannot_be_read_is_none(tmp_path: Path, content: str) -> None:
    adapter = make_adapter(tmp_path)
    (tmp_path / FILE).write_text(content)
    given_up = GivenUpAdapters(tmp_path)
    assert given_up.find([adapter]) == ()
    given_up.add([adapter])
    assert given_up.find([adapter]) == (adapter,)


def test_a_peft_folder_is_known_by_its_files(tmp_path: Path) -> None:
    folder = tmp_path / "lora"
    folder.mkdir()
    for name in ("adapter_config.json", "adapter_model.safetensors"):
        (folder / name).write_bytes(b"x")
    adapter = Adapter(str(folder))
    given_up = GivenUpAdapters(tmp_path)
    given_up.add([adapter])
    assert given_up.find([adapter]) == (adapter,)
    (folder / "adapter_config.json").write_bytes(b"another")
    assert given_up.find([adapter]) == ()
