"""Pulled plugs, many clients, long evenings: a daemon in a process of its own, with the embedded
voice.

A short version of each runs with the other tests, a longer one with `-m long`. `python -m pytest -m
soak tests/daemon/test_reliability.py` runs what the table in tests/README.md states.
"""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import soundfile

from tests.support.landings import list_files
from tests.support.osc_client import OscClient
from tests.support.plugged import Plugged, journaled
from tests.support.program import Program

SECONDS = 0.5


def often(*few: int, long: int, soak: int) -> list[Any]:
    """A few times with every change, if at all, more of them in CI, and for hours once."""
    return [
        *few,
        pytest.param(long, marks=[pytest.mark.long, pytest.mark.timeout(1200)]),
        pytest.param(soak, marks=[pytest.mark.soak, pytest.mark.timeout(7200)]),
    ]


@contextmanager
def connected(daemon: Plugged) -> Iterator[OscClient]:
    with closing(OscClient(("127.0.0.1", daemon.port))) as client:
        yield client


def generate(client: OscClient, id: str, **more: Any) -> None:
    values: dict[str, Any] = {
        "prompt": f"drums {id}",
        "name": id,
        "seconds": SECONDS,
        "num_steps": 2,
    } | more
    client.send("/ace/generate", id, *(part for pair in values.items() for part in pair))


def state(client: OscClient) -> str:
    client.send("/ace/status")
    return str(client.until("/ace/state")[-1][1][0])


def patiently(true: Any, seconds: float = 240.0) -> None:
    """Waits until `true()`."""
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.1)


def states(daemon: Plugged) -> Counter[str]:
    return Counter(job.state for job in journaled(daemon))


def check_folder(daemon: Plugged, accepted: set[str], frames: int = 24_000) -> None:
    """Exactly one take of every accepted job, whole and with its manifest, and nothing else."""
    takes = Counter(json.loads(path.read_text())["id"] for path in daemon.out.glob("*.json"))
    assert set(takes) == accepted
    assert set(takes.values()) <= {1}
    assert len(list_files(daemon.out)) == 2 * len(accepted)
    for path in daemon.out.glob("*.wav"):
        assert soundfile.read(path)[0].shape == (frames, 2)


# --- the plug -------------------------------------------------------------------------------------


@pytest.mark.parametrize("kills", often(long=15, soak=60))
def test_a_daemon_that_is_killed_again_and_again_loses_no_job_and_leaves_no_half_file(
    tmp_path: Path, kills: int
) -> None:
    dice = random.Random(kills)
    daemon = Plugged(tmp_path)
    accepted = set()
    with closing(OscClient(("127.0.0.1", daemon.port))) as client:
        client._socket.settimeout(0.2)
        for number in range(kills):
            daemon.start()
            for part in range(4):
                generate(client, f"take{number}x{part}")
            pulled = threading.Timer(dice.uniform(0.05, 6.0), daemon.pull)
            pulled.start()
            while pulled.is_alive():
                try:
                    address, values = client.receive()
                except TimeoutError:
                    continue
                if address == "/ace/queued":
                    accepted.add(values[0])
            pulled.join()
    assert accepted
    with daemon:
        patiently(lambda: set(states(daemon)) == {"finished"}, seconds=240 + 20 * kills)
    # A message that was read and journaled in the instant before the plug was pulled may not have
    # been answered.
    written = {job.id for job in journaled(daemon)}
    assert accepted <= written
    check_folder(daemon, written)


def leave_alone(daemon: Plugged) -> None:
    """Nobody touches the journal."""


def delete_journal(daemon: Plugged) -> None:
    for path in daemon.state.glob("journal.sqlite*"):
        path.unlink(missing_ok=True)


def hold_journal(daemon: Plugged) -> None:
    """As a backup does, for a moment."""
    path = daemon.state / "journal.sqlite"
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        time.sleep(0.2)
        other.execute("ROLLBACK")


@pytest.mark.long
@pytest.mark.parametrize("harm", [leave_alone, delete_journal, hold_journal])
@pytest.mark.parametrize("kills", often(1, long=10, soak=40))
def test_of_a_burst_all_that_was_queued_is_there_after_a_kill_and_nothing_that_was_refused(
    tmp_path: Path, kills: int, harm: Callable[[Plugged], None]
) -> None:
    """They are written down in groups; the plug is pulled straight after an answer."""
    dice = random.Random(kills)
    daemon = Plugged(tmp_path)
    answers: dict[str, set[str]] = {"/ace/queued": set(), "/ace/fail": set()}
    with closing(OscClient(("127.0.0.1", daemon.port))) as client:
        client._socket.settimeout(1.0)
        for number in range(kills):
            daemon.start()
            for part in range(60):
                generate(client, f"burst{number}x{part}")
                if part == 20:
                    harm(daemon)
            for _ in range(dice.randint(25, 55)):  # some of them to what came after the harm
                note_answer(client, answers, f"burst{number}x")
            daemon.pull()
            for address, values in drain(client):
                answers.get(address, set()).add(values[0])
            with daemon, connected(daemon) as other:
                written = {job.id for job in journaled(daemon)}
                other.ask("/ace/panic")
            assert answers["/ace/queued"] <= written
            assert not answers["/ace/fail"] & written
    assert answers["/ace/queued"]


def note_answer(client: OscClient, answers: dict[str, set[str]], begin: str) -> None:
    """The next queued or fail of a job whose id begins so, if one comes soon: a job of before may
    be told of again.
    """
    with suppress(TimeoutError):
        while True:
            address, values = client.receive()
            if address in answers and values[0].startswith(begin):
                answers[address].add(values[0])
                return


@pytest.mark.long
@pytest.mark.parametrize("kills", often(1, long=15, soak=60))
def test_a_clip_is_put_in_once_and_by_one_program_however_often_the_plug_is_pulled(
    tmp_path: Path, kills: int
) -> None:
    dice = random.Random(kills)
    daemon = Plugged(tmp_path)
    place = ("127.0.0.1", daemon.port)
    with Program("live", place) as live, Program("reaper", place) as reaper:
        for number in range(kills):
            daemon.start()
            with connected(daemon) as client:
                for part in range(3):
                    generate(client, f"take{number}x{part}")
                client.until("/ace/queued", f"take{number}x0")
            time.sleep(dice.uniform(0.0, 8.0))
            daemon.pull()
        with daemon:
            patiently(lambda: set(states(daemon)) == {"finished"}, seconds=240 + 20 * kills)
            landed = {str(path) for path in daemon.out.glob("*.wav")}
            patiently(lambda: {*live.clips, *reaper.clips} == landed)
            patiently(lambda: not any(job.insert_for for job in journaled(daemon)))
    assert len(live.clips) + len(reaper.clips) == len(landed)
    # a clip's message comes before it is to be put in
    assert all(stems == {"mix"} for stems in (*live.stems, *reaper.stems))


@pytest.mark.long
@pytest.mark.parametrize("kills", often(2, long=12, soak=50))
def test_an_engine_that_is_killed_again_and_again_is_back_and_the_surface_answers_all_along(
    tmp_path: Path, kills: int
) -> None:
    dice = random.Random(kills)
    with Plugged(tmp_path) as daemon, connected(daemon) as client:
        for number in range(kills):
            generate(client, f"take{number}")
            # three ends in a row would mean: the model is broken
            patiently(lambda: state(client) != "loading")
            time.sleep(dice.uniform(0.0, 2.0))
            while not (worker := daemon.worker()):
                time.sleep(0.05)
            os.kill(worker, signal.SIGKILL)
            client.send("/ace/ping", f"still there {number}")
            client.until("/ace/pong", f"still there {number}")
        patiently(lambda: set(states(daemon)) <= {"finished", "fail"}, seconds=240 + 20 * kills)
    jobs = journaled(daemon)
    assert len(jobs) == kills
    failed = [job.last_event.values for job in jobs if job.state == "fail" and job.last_event]
    assert all("failed twice" in str(values) for values in failed)
    check_folder(daemon, {job.id for job in jobs if job.state == "finished"})


# --- pads -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kills", often(long=10, soak=40))
def test_every_hit_that_was_answered_ends_in_one_whole_take_however_often_the_plug_is_pulled(
    tmp_path: Path, kills: int
) -> None:
    """While takes are made in advance, pads hit and rerolled, banks saved and loaded."""
    dice = random.Random(kills)
    daemon = Plugged(tmp_path)
    accepted = set()
    for number in range(kills):
        daemon.start()
        with connected(daemon) as client:
            if not number:
                client.send("/ace/set/num_steps", 2)
                client.send("/ace/set/bpm", 240)
                client.send("/ace/bank/fill", "dusty lo-fi", 1, 4)
            client._socket.settimeout(0.05)
            pulled = threading.Timer(dice.uniform(2.0, 8.0), daemon.pull)
            pulled.start()
            while pulled.is_alive():
                client.send(*played(dice))
                accepted |= {
                    values[0] for address, values in drain(client) if address == "/ace/queued"
                }
            pulled.join()
    assert accepted
    with daemon:
        patiently(
            lambda: set(states(daemon)) <= {"finished", "cancelled"}, seconds=240 + 20 * kills
        )
    jobs = {job.id: job for job in journaled(daemon)}
    assert accepted <= set(jobs)
    finished = {id for id, job in jobs.items() if job.state == "finished"}
    check_folder(daemon, finished, frames=48_000)  # so that nothing hidden is left either
    for bank in (daemon.state / "banks").glob("*.json"):
        json.loads(bank.read_text())
    assert {path.name for path in (daemon.state / "banks").glob(".*")} <= {".current"}


def played(dice: random.Random) -> tuple[Any, ...]:
    """What somebody does on pads."""
    pad = dice.randint(1, 4)
    bank = dice.choice("ab")
    moves = (
        ("/ace/pad/hit", pad),
        ("/ace/pad/reroll", pad),
        ("/ace/bank/save", bank),
        ("/ace/bank/load", bank),
    )
    return tuple(dice.choices(moves, weights=(12, 4, 1, 1))[0])


def drain(client: OscClient) -> Iterator[tuple[str, list[Any]]]:
    """Until it is quiet for a moment."""
    while True:
        try:
            yield client.receive()
        except (TimeoutError, ConnectionError):
            return


# --- crowds and long evenings ---------------------------------------------------------------------


@pytest.mark.parametrize("jobs", often(long=8, soak=20))
def test_ten_clients_at_once_each_hear_their_own_jobs_and_nobody_elses(
    tmp_path: Path, jobs: int
) -> None:
    received: dict[int, list[tuple[str, list[Any]]]] = {}

    def play(number: int) -> None:
        with connected(daemon) as client:
            client._socket.settimeout(600)  # nine others play in between
            for job in range(jobs):
                generate(client, f"c{number}j{job}")
            received[number] = []
            while sum(address == "/ace/finished" for address, _ in received[number]) < jobs:
                received[number].append(client.receive())

    with Plugged(tmp_path) as daemon:
        players = [threading.Thread(target=play, args=(number,)) for number in range(10)]
        for player in players:
            player.start()
        for player in players:
            player.join()
    for number in range(10):
        assert {values[0] for _, values in received[number]} == {
            f"c{number}j{job}" for job in range(jobs)
        }
        kinds = Counter(address for address, _ in received[number])
        assert kinds["/ace/queued"] == kinds["/ace/clip"] == kinds["/ace/finished"] == jobs
    check_folder(daemon, {f"c{number}j{job}" for number in range(10) for job in range(jobs)})


@pytest.mark.parametrize("jobs", often(long=100, soak=1000))
def test_memory_and_file_handles_stay_flat(tmp_path: Path, jobs: int) -> None:
    measured: list[tuple[int, int, int]] = []
    with Plugged(tmp_path) as daemon, connected(daemon) as client:
        for number in range(jobs):
            generate(client, f"take{number}", seconds=0.5 + number % 4)
            client.until("/ace/finished", f"take{number}")
            if number % (jobs // 10) == jobs // 10 - 1:
                handles = len(os.listdir(f"/proc/{daemon.pid}/fd")) + len(
                    os.listdir(f"/proc/{daemon.worker()}/fd")
                )
                measured.append((resident(daemon.pid), resident(daemon.worker()), handles))
                print(
                    f"after {number + 1} jobs, MB of daemon and worker, open files: {measured[-1]}"
                )
    settled = measured[3]
    assert measured[-1][2] <= settled[2] + 2
    assert measured[-1][0] <= settled[0] * 1.15 + 20
    # Buffers come and go in lumps: what leaks shows in the long run.
    assert measured[-1][1] <= settled[1] * 1.15 + 250


def resident(pid: int) -> int:
    """Memory in MB."""
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+)", status)
    return int(found[1]) // 1024 if found else 0


# --- disks ----------------------------------------------------------------------------------------


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A volume of 24 MB."""
    volume = tmp_path / "volume"
    volume.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=24m", "none", str(volume)], check=False
    )
    if mounted.returncode:
        pytest.skip("needs to mount a small volume")
    yield volume
    subprocess.run(["umount", "-l", str(volume)], check=False)


@pytest.mark.long
def test_a_full_disk_keeps_the_job_until_there_is_room(tmp_path: Path, small_disk: Path) -> None:
    daemon = Plugged(tmp_path)
    daemon.out = small_disk / "out"
    with daemon, connected(daemon) as client:
        ballast = small_disk / "ballast"
        ballast.write_bytes(b"x" * (20 * 2**20))
        generate(client, "a")
        _, code, message, hint = client.until("/ace/fail", "a")[-1][1][1:]
        assert code == 507
        assert "No space left" in message
        assert "kept" in hint
        generate(client, "b", seconds=300)  # has no room either way
        assert client.until("/ace/fail", "b")[-1][1][2] == 507
        ballast.unlink()
        client.until("/ace/finished", "a")
        assert client.ask("/ace/cancel", "b")[0] == "/ace/cancelled"
    check_folder(daemon, {"a"})


@pytest.mark.long
def test_a_volume_that_is_pulled_and_comes_back_gets_its_takes(
    tmp_path: Path, small_disk: Path
) -> None:
    daemon = Plugged(tmp_path)
    daemon.out = small_disk / "music" / "out"
    with daemon, connected(daemon) as client:
        shutil.rmtree(small_disk / "music")
        subprocess.run(["umount", str(small_disk)], check=True)
        generate(client, "a")
        assert client.until("/ace/fail", "a")[-1][1][2] == 404
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=24m", "none", str(small_disk)], check=True
        )
        (small_disk / "music").mkdir()
        client.until("/ace/finished", "a")
        check_folder(daemon, {"a"})
