"""A storm: the daemon and its engine are killed, the disk is full, the journal locked, deleted and
replaced, strangers send what they like, files are made to harm, and in the midst of it somebody
plays.

ACESTEPD_STORM is how many seconds that goes on, ACESTEPD_STORM_SEED draws another one.
"""

from __future__ import annotations

import math
import os
import random
import signal
import sqlite3
import struct
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from daemon.jobs import Job
from tests.support import volumes
from tests.support.hostile import forge_wav
from tests.support.landings import assert_take_whole, list_files
from tests.support.pings import Pinger
from tests.support.player import Player
from tests.support.plugged import Plugged, journaled
from tests.support.relay import find_free_port
from tests.support.strangers import Stranger

SECONDS = float(os.environ.get("ACESTEPD_STORM", "600"))
SEED = int(os.environ.get("ACESTEPD_STORM_SEED", "16"))
STRANGERS = ("fuzz", "fuzz", "bundles", "tokens", "listeners", "silent")
FRAMES = 24_000  # of what the player orders
VOLUME = 2 << 30  # bytes
P99 = 0.02  # seconds
CALM = 240.0  # seconds that everything may take to end afterwards
LOCK = (
    "import sqlite3, sys, time; db = sqlite3.connect(sys.argv[1], isolation_level=None);"
    "db.execute('BEGIN IMMEDIATE'); print(flush=True); time.sleep(float(sys.argv[2]))"
)

pytestmark = [pytest.mark.long, pytest.mark.timeout(SECONDS + 900)]


@dataclass
class Outcome:
    """What is left when it is over."""

    storm: Storm
    player: Player
    jobs: list[Job]  # the journal's
    told: dict[str, str]  # how the player's jobs ended, as the daemon says afterwards


class Storm:
    """What befalls a daemon, drawn from dice. `dead` has the times when it did not run, `befallen`
    what happened how often.
    """

    def __init__(self, daemon: Plugged, watched: Path, dice: random.Random) -> None:
        self.daemon = daemon
        self.pinger = Pinger(daemon.port)
        self.watched = watched
        self.kinds: list[Callable[[], None]] = [
            self.kill_daemon,
            self.kill_worker,
            self.fill_disk,
            self.lock_journal,
            self.delete_journal,
            self.replace_journal,
            self.drop_files,
        ]
        self.left_out = ""  # why the disk is never full
        self.dead: list[tuple[float, float]] = []
        self.befallen: Counter[str] = Counter()
        self._dice = dice
        self._ends: list[tuple[float, Callable[[], object]]] = []  # of what goes on for a while

    def rage(self, seconds: float) -> None:
        over = time.monotonic() + seconds
        deck: list[Callable[[], None]] = []
        try:
            while time.monotonic() < over:
                if not deck:
                    deck = self._dice.sample(self.kinds, len(self.kinds))
                self._run(deck.pop())
                time.sleep(self._dice.uniform(0.5, 4.0))
                self._end_due(time.monotonic())
        finally:
            self._end_due(math.inf)

    def _run(self, kind: Callable[[], None]) -> None:
        print(f"{time.strftime('%H:%M:%S')} {kind.__name__}")
        self.befallen[kind.__name__] += 1
        kind()

    def _end_due(self, now: float) -> None:
        due = [end for when, end in self._ends if when <= now]
        self._ends = [(when, end) for when, end in self._ends if when > now]
        for end in due:
            end()

    def _for_a_while(self, end: Callable[[], object]) -> None:
        self._ends.append((time.monotonic() + self._dice.uniform(2.0, 8.0), end))

    def kill_daemon(self) -> None:
        killed = time.monotonic()
        self.daemon.pull()
        self.daemon.start()
        self.pinger.watch(self.daemon.pid)
        # a ping that was under way when it was killed had nobody to answer it
        self.dead.append((killed - 0.25, time.monotonic()))

    def kill_worker(self) -> None:
        if worker := self.daemon.worker():
            with suppress(ProcessLookupError):
                os.kill(worker, signal.SIGKILL)

    def fill_disk(self) -> None:
        """The volume has room for no byte more than what is on it."""
        volume = self.daemon.out.parent
        volumes.fill(volume)
        self._for_a_while(lambda: volumes.resize(volume, VOLUME))

    def lock_journal(self) -> None:
        """Another program holds it."""
        seconds = self._dice.uniform(2.0, 8.0)
        other = subprocess.Popen(
            [sys.executable, "-c", LOCK, self._journal, str(seconds)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert other.stdout
        other.stdout.readline()
        self._for_a_while(other.communicate)

    def delete_journal(self) -> None:
        with self._waiting_until_put_back():
            for suffix in self._dice.choice((("",), ("", "-wal", "-shm"), ("-wal",))):
                self._journal.with_name(self._journal.name + suffix).unlink(missing_ok=True)

    def replace_journal(self) -> None:
        other = self._journal.with_name("other")
        with closing(sqlite3.connect(other)) as db:
            db.execute("CREATE TABLE songs (name TEXT)")
        with open(other, "rb"), self._waiting_until_put_back() as harmed:
            harmed.add(other.stat().st_ino)
            os.replace(other, self._journal)

    def drop_files(self) -> None:
        """Into the watched folder, whole, as programs save them."""
        for name, write in FILES.items():
            fresh = self.watched.parent / "fresh"
            write(fresh)
            fresh.rename(self.watched / name.replace("#", str(self.befallen["drop_files"])))

    @contextmanager
    def _waiting_until_put_back(self) -> Iterator[set[int]]:
        """Who takes both the journal and the daemon that remembers it takes all there is. Yields
        which files are not the one that is put back; they stay open, so that it is another.
        """
        with open(self._journal, "rb"):
            harmed = {0, self._find_journal()}
            yield harmed
            until = time.monotonic() + CALM
            while self._find_journal() in harmed:
                assert time.monotonic() < until, "the journal was not put back"
                time.sleep(0.05)

    def _find_journal(self) -> int:
        """Which file it is; 0 where there is none."""
        try:
            return self._journal.stat().st_ino
        except FileNotFoundError:
            return 0

    @property
    def _journal(self) -> Path:
        return self.daemon.state / "journal.sqlite"


def write_held(path: Path) -> None:
    """25,000 keys of one pitch are pressed before the first is released."""
    keys = 25_000
    events = b"\0\x90\x3c\x40" + b"\0\x3c\x40" * (keys - 1) + b"\1\x3c\0" * keys
    track = events + b"\0\xff\x2f\0"
    head = b"MThd" + struct.pack(">IHHH", 6, 0, 1, 96)
    path.write_bytes(head + b"MTrk" + struct.pack(">I", len(track)) + track)


def write_bomb(path: Path) -> None:
    """Of each line ten times the one before."""
    lines = ["a0: &a0 la"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    path.write_text("\n".join([*lines, "", "la la"]))


# by name, # is how often it was done before, and what writes each
FILES: dict[str, Callable[[Path], object]] = {
    "#-link.md": lambda path: path.write_text("[a](" + "." * 20_000),
    "held.mid": write_held,
    "#-sheet.txt": lambda path: path.write_text("guide: held.mid\nbars: 1\n\nla la"),
    "#-wide.wav": lambda path: forge_wav(path, channels=1024, data=2**31 - 2048),
    "#-take.json": lambda path: path.write_text('{"model": "mini", "request": {"bars": 1e400}}'),
    "#-bomb.md": write_bomb,
    "#-good.txt": lambda path: path.write_text("bars: 1\n\nla la la"),
}


@pytest.fixture(scope="module", params=[SEED], ids=lambda seed: f"seed {seed}")
def outcome(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Outcome]:
    """The storm itself."""
    dice = random.Random(request.param)
    folder = tmp_path_factory.mktemp("storm")
    watched = folder / "watched"
    watched.mkdir()
    daemon = Plugged(folder)
    tcp_port = find_free_port()
    (folder / "settings.toml").write_text(
        f'state = "{daemon.state}"\ntcp = {tcp_port}\ntoken = "sesame"\n'
        "queue = 500\nqueue_per_client = 20\nconditions_mb = 8\nlatents_mb = 50\n"
        f'prepare_mb = 50\n[[watch]]\nfolder = "{watched}"\n'
        "[request]\nbpm = 240\nnum_steps = 2\n"
    )
    storm = Storm(daemon, watched, dice)
    with ExitStack() as stack:
        try:
            command = ("mount", "-t", "tmpfs", "-o", f"size={VOLUME}", "none")
            volume = contextmanager(volumes.mounted)(folder / "volume", *command)
            daemon.out = stack.enter_context(volume) / "out"
        except pytest.skip.Exception as reason:
            storm.kinds.remove(storm.fill_disk)
            storm.left_out = str(reason)
        stack.enter_context(daemon)
        player = Player(("127.0.0.1", daemon.port), dice)
        stack.callback(player.close)
        with ExitStack() as beside:
            for number, kind in enumerate(STRANGERS):
                beside.enter_context(Stranger(kind, daemon.port, tcp_port, number))
            beside.enter_context(storm.pinger).watch(daemon.pid)
            beside.enter_context(player)
            storm.rage(SECONDS)
        yield settle(storm, player)


def settle(storm: Storm, player: Player) -> Outcome:
    """Give up what strangers have ordered, and wait until the player's jobs have ended."""
    until = time.monotonic() + CALM
    while (open_jobs := [job for job in journaled(storm.daemon) if not job.has_ended]) or (
        player.open and time.monotonic() < until
    ):
        assert time.monotonic() < until, f"these do not end: {open_jobs}"
        for job in open_jobs:
            if job.client != player.name:
                player.client.send("/ace/cancel", job.id)
        player.follow()
        time.sleep(0.2)
    told = {id: player.ask_end(id) for id in player.accepted}
    storm.daemon.stop()
    return Outcome(storm, player, journaled(storm.daemon), told)


# --- what is left of it ---------------------------------------------------------------------------


def test_everything_befell_it(outcome: Outcome) -> None:
    assert set(outcome.storm.befallen) == {kind.__name__ for kind in outcome.storm.kinds}
    if outcome.storm.left_out:
        pytest.skip(f"all but a full disk: {outcome.storm.left_out}")


def test_every_order_was_answered(outcome: Outcome) -> None:
    assert outcome.player.accepted
    assert [id for id, asked in outcome.player.asked.items() if not asked.answers] == []


def test_every_job_that_was_accepted_is_in_the_journal_once_and_has_ended(
    outcome: Outcome,
) -> None:
    times = Counter(job.id for job in outcome.jobs if job.client == outcome.player.name)
    assert {id: times[id] for id in outcome.player.accepted} == dict.fromkeys(
        outcome.player.accepted, 1
    )
    assert [job for job in outcome.jobs if not job.has_ended] == []


def test_what_was_refused_is_nowhere(outcome: Outcome) -> None:
    written = {job.id for job in outcome.jobs if job.client == outcome.player.name}
    assert written & outcome.player.refused == set()


def test_the_player_is_told_how_each_job_ended(outcome: Outcome) -> None:
    written = {job.id: job for job in outcome.jobs if job.client == outcome.player.name}
    assert outcome.told == {id: written[id].state for id in outcome.told}
    ends = Counter(outcome.told.values())
    print(f"{outcome.player.name} ordered {len(outcome.player.asked)}: {dict(ends)}")
    assert ends["finished"] > ends["fail"]
    failed = [written[id].last_event for id, end in outcome.told.items() if end == "fail"]
    assert all("failed twice" in str(event) for event in failed)


def test_each_take_is_there_once_and_whole_and_nothing_else_is(outcome: Outcome) -> None:
    out = outcome.storm.daemon.out
    takes = [assert_take_whole(path) for path in out.glob("*.json")]
    files = [path.name for path in out.glob("*.json")]
    files += [clip["file"] for take in takes for clip in take["clips"]]
    assert sorted(files) == list_files(out)
    ids = Counter(take["id"] for take in takes)
    finished = {id for id, end in outcome.told.items() if end == "finished"}
    assert {id: ids[id] for id in outcome.told} == {id: int(id in finished) for id in outcome.told}
    played = [take for take in takes if take["id"] in finished]
    assert {clip["samples"] for take in played for clip in take["clips"]} == {FRAMES}


def test_nothing_is_half_there(outcome: Outcome) -> None:
    daemon = outcome.storm.daemon
    folders = (daemon.out, daemon.state, outcome.storm.watched)
    paths = [path for folder in folders for path in folder.rglob("*")]
    assert [path for path in paths if path.name.startswith(".acestepd-")] == []
    assert [path for path in paths if ".part" in path.name or path.suffix == ".new"] == []


def test_nothing_went_wrong_inside(outcome: Outcome) -> None:
    state = outcome.storm.daemon.state
    logs = [state.parent / "stderr.txt", *state.glob("*.log*")]
    assert len(logs) > 1
    assert [path.name for path in logs if "Traceback" in path.read_text()] == []


def test_the_players_pings_were_answered_all_along(outcome: Outcome) -> None:
    dead = outcome.storm.dead
    pinger = outcome.storm.pinger
    alive = pinger.daemon.outside(dead)
    calm = pinger.daemon.outside([*dead, *pinger.starved])
    control = pinger.control.outside([*dead, *pinger.starved])
    seconds = sum(end - begin for begin, end in dead)
    print(f"killed {len(dead)} times, and dead for {seconds:.0f} s; alive: {alive}")
    print(f"where the machine had a processor for it: {calm}; an echo then: {control}")
    if len(calm) < len(alive) / 4:
        pytest.skip(f"the machine had other things to do: {alive}, {len(calm)} of them without")
    assert calm.lost == 0
    if calm.percentile(0.99) >= P99 + control.percentile(0.99):
        pytest.xfail(f"{P99 * 1000:.0f} ms are the goal, and not met: {calm}; an echo: {control}")
