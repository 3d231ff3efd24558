"""What several tests share: the reference files, a whole checkpoint, a hub on this machine."""

from __future__ import annotations

import gc
import importlib
import os
import shutil
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import huggingface_hub
import hypothesis
import pytest
from huggingface_hub import constants

from daemon.engine import Engine, ModelChoice, held_jobs, supervisor
from daemon.journal import Journal
from daemon.service import Daemon
from daemon.settings import Settings
from pipeline import kernels
from pipeline.request import Request
from pipeline.voices import voice_folder
from tests.support.examples import SHORT, THOROUGH
from tests.support.harness import Build, SteppedModel, ThreadWorker, stop
from tests.support.hub import FakeHub
from tests.support.jack import Jack
from tests.support.osc_client import OscClient
from tests.support.quick_voice import write_quick_voice

# A test is not about how fast the machine is. Two profiles draw the same examples each time, so
# that what is red was made red by a change; the third looks for what nobody thought of.
for name, examples in (("short", SHORT), ("thorough", THOROUGH)):
    hypothesis.settings.register_profile(
        name, deadline=None, max_examples=examples, derandomize=True, database=None
    )
hypothesis.settings.register_profile("exploring", deadline=None, max_examples=10 * THOROUGH)
hypothesis.settings.load_profile("short")  # unless the command line says another

# in the environment of every program that a test starts, whatever its home folder is
kernels.claim_folder()

# The files that take longest, longest first, and begun in this order: of those that came last, all
# processes but one would wait for the end.
SLOWEST = (
    "pipeline/test_generate.py",
    "pipeline/test_tasks.py",
    "daemon/test_reliability.py",
    "cli/test_cli.py",
    "pads/test_controllers.py",
    "integrations/test_puredata.py",
    "weights/test_checkpoint.py",
    "planner/test_planning.py",
    "daemon/test_hostile_files.py",
    "cli/test_start_screen.py",
    "osc/test_tcp.py",
    "integrations/test_chuck.py",
    "daemon/test_tasks.py",
    "integrations/test_csound.py",
    "daemon/test_service.py",
    "pipeline/test_kernels.py",
    "midi/test_ports.py",
    "daemon/test_planner.py",
    "watch/test_sheet.py",
    "daemon/test_worker.py",
    "landing/test_kills.py",
    "integrations/test_supercollider.py",
    "pipeline/test_codes.py",
    "pipeline/test_parity.py",
    "daemon/test_tasks_base.py",
    "integrations/test_live.py",
    "examples/test_examples.py",
    "integrations/test_reaper.py",
    "integrations/test_max.py",
    "examples/test_voice_metrics.py",
    "daemon/test_confined.py",
    "pipeline/test_audio.py",
    "planner/test_planner.py",
    "integrations/test_inbox_lua.py",
    "weights/test_lora.py",
    "tempo/test_midi_clock.py",
    "pipeline/test_latent_store.py",
    "pads/test_player.py",
    "pipeline/test_reference.py",
    "pipeline/test_loops.py",
    "pipeline/test_caches.py",
    "landing/test_levels.py",
    "integrations/test_inbox.py",
    "daemon/test_paths.py",
    "osc/test_malformed.py",
    "weights/test_set_adapters.py",
    "integrations/test_ardour.py",
    "engine/test_engine.py",
    "examples/test_voice_songs.py",
    "integrations/test_openstagecontrol.py",
    "cli/test_run.py",
    "cli/test_play.py",
    "cli/test_integrations.py",
    "cli/test_listen.py",
)

ROOT = Path(__file__).parents[1]
FIXTURES = Path(os.environ.get("ACESTEPD_FIXTURES", ROOT.parent / "shared" / "fixtures"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    order = {ROOT / "tests" / name: number for number, name in enumerate(SLOWEST)}
    items.sort(key=lambda item: order.get(item.path, len(order)))


@pytest.hookimpl(tryfirst=True)
def pytest_collection(session: pytest.Session) -> None:
    """Every process imports all test files, and compiles those that nobody has compiled yet: each
    begins in another place, or all would compile the same ones at the same time.
    """
    gc.disable()  # hardly anything that is imported and collected ever goes
    if not (worker := getattr(session.config, "workerinput", None)):
        return
    files = sorted(path for folder in _list_chosen(session) for path in folder.rglob("test_*.py"))
    start = len(files) * int(worker["workerid"].removeprefix("gw")) // worker["workercount"]
    for path in files[start:] + files[:start]:
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        with suppress(Exception, pytest.skip.Exception):  # told when the file is collected
            importlib.import_module(name)


def pytest_collection_finish() -> None:
    gc.freeze()  # and need not be looked through again and again
    gc.enable()


def _list_chosen(session: pytest.Session) -> list[Path]:
    """The folders of tests on the command line."""
    here = session.config.invocation_params.dir
    return [path for argument in session.config.args if (path := here / argument).is_dir()]


@pytest.fixture(scope="session")
def fixtures() -> Path:
    """Golden tensors of the official code and tiny checkpoints in its layout; not part of the
    repository.
    """
    if not FIXTURES.is_dir():
        pytest.skip(
            f"needs the reference files: {FIXTURES} is not there "
            "(ACESTEPD_FIXTURES names another folder)"
        )
    return FIXTURES


@pytest.fixture(scope="session")
def tiny(fixtures: Path) -> Path:
    """A checkpoint root with four variants: turbo and base in bf16, XL turbo in two float32 shards,
    XL base.
    """
    return fixtures / "tiny-ace-step-1.5"


@pytest.fixture(scope="session")
def light(tiny: Path, root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with the embedded voice's VAE, which encodes sixty times as fast: for claims that
    hold whatever the VAE is.
    """
    return _link_with_vae(tiny, root / "vae", tmp_path_factory.mktemp("light"))


@pytest.fixture(scope="session")
def light_turbo(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same of the repository's own part of them, which has turbo alone."""
    own = ROOT / "tests" / "data" / "official" / "checkpoint"
    return _link_with_vae(own, root / "vae", tmp_path_factory.mktemp("light-turbo"))


def _link_with_vae(checkpoint: Path, vae: Path, folder: Path) -> Path:
    for part in checkpoint.iterdir():
        (folder / part.name).symlink_to(vae if part.name == "vae" else part)
    return folder


@pytest.fixture(scope="session")
def root() -> Path:
    """A whole checkpoint that every machine has: the embedded voice."""
    return voice_folder("mini")


@pytest.fixture(scope="session")
def hub_session() -> Iterator[None]:
    """What huggingface_hub's requests share, which takes a twentieth of a second to make."""
    yield
    huggingface_hub.close_session()


@pytest.fixture
def hub(hub_session: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    """An empty hub, which huggingface_hub takes for the real one, and an empty cache.

    huggingface_hub reads HF_ENDPOINT and HF_HOME once, when it is imported: these are the places it
    reads them into.
    """
    with FakeHub() as fake:
        places = {
            "ENDPOINT": fake.url,
            "HUGGINGFACE_CO_URL_TEMPLATE": fake.url + "/{repo_id}/resolve/{revision}/{filename}",
            "HF_HUB_CACHE": str(tmp_path / "hub"),
            "HF_TOKEN_PATH": str(tmp_path / "token"),
            "AGENT_HARNESSES_PATH": str(tmp_path / "agents"),
        }
        for name, value in places.items():
            monkeypatch.setattr(constants, name, value, raising=False)
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        for variable in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
            monkeypatch.delenv(variable, raising=False)
        yield fake


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Where the engines of `build` land their takes."""
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


@pytest.fixture
def build(tmp_path: Path, out: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Build]:
    """Makes engines on one journal, as daemons that run one after the other, and closes them."""
    monkeypatch.setattr(held_jobs, "HOLD_SECONDS", 0.1)
    monkeypatch.setattr(supervisor, "LONGEST_PAUSE", 0.1)
    built: list[Engine] = []

    def make(model: SteppedModel, name: str = "tape", **settings: Any) -> Engine:
        chosen = Settings(out=out, state=tmp_path / "state", **settings)
        journal = Journal(tmp_path / "state" / "journal.sqlite")
        built.append(
            Engine(chosen, ModelChoice(name, ""), journal, lambda: ThreadWorker(model.load))
        )
        return built[-1]

    yield make
    for engine in built:
        stop(engine)  # once more does no harm


@pytest.fixture(scope="session")
def quick_voice(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A voice whose takes cost little and are noise, as --model takes it."""
    return str(write_quick_voice(tmp_path_factory.mktemp("voice")))


@pytest.fixture(scope="session")
def daemon(quick_voice: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon with a quick voice, warm, on a free port, for all tests that only talk to it: of its
    takes, little is asked, so that they are made in two steps.
    """
    settings = Settings(
        port=0,
        page=-1,
        out=tmp_path_factory.mktemp("clips"),
        state=tmp_path_factory.mktemp("state"),
        model=quick_voice,
        request=Request(num_steps=2),
    )
    with Daemon(settings) as running:
        client = OscClient(running.osc.address)
        client.send("/ace/generate", "first", "prompt", "first", "seconds", 1)
        client.until("/ace/finished", "first")
        client.close()
        yield running


@pytest.fixture
def client(daemon: Daemon) -> Iterator[OscClient]:
    """A client of that daemon, with a socket of its own."""
    connected = OscClient(daemon.osc.address)
    yield connected
    connected.close()


@pytest.fixture(scope="session")
def jack_server() -> Iterator[Jack]:
    """One for all: whatever a test that failed has left open must not outlive its server."""
    if not shutil.which("jackd"):
        pytest.skip("needs jackd (apt-get install jackd2): ports without a device")
    server = Jack()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in server.environment.items():
            patch.setenv(name, value)
        server.start()
    yield server
    server.close()


@pytest.fixture
def jack(jack_server: Jack, monkeypatch: pytest.MonkeyPatch) -> Jack:
    for name, value in jack_server.environment.items():
        monkeypatch.setenv(name, value)
    return jack_server


@pytest.fixture
def other_address() -> str:
    if not (address := _own_address()):
        pytest.skip("this machine has no address but loopback")
    return address


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
