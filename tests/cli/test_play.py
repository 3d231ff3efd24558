"""`acestepd play` as a process of its own, beside a daemon: what a script gets to see."""

from __future__ import annotations

import json
import logging
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TextIO

import pytest
import soundfile

from daemon.cli import play
from daemon.engine import held_jobs
from daemon.osc import refusals
from daemon.osc.wire import Message, encode, read_message
from daemon.runtime.lock import StateLock
from daemon.runtime.logs import LimitedLog
from daemon.settings import SettingsError
from tests.support import daemon_process
from tests.support.command_line import run_here
from tests.support.environment import make_environment
from tests.support.harness import SteppedModel
from tests.support.junk import make_junk
from tests.support.relay import find_free_port
from tests.support.stage import Stage, on_stage, subscribed
from tests.support.waiting import until

SECONDS = ("--seconds", "0.5")


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with on_stage(tmp_path) as stage:
        yield stage


@contextmanager
def begun(
    state: Path, *arguments: str, stdout: int | TextIO = subprocess.PIPE
) -> Iterator[subprocess.Popen[str]]:
    """`acestepd` with these arguments, asking the daemon of this state folder."""
    command = [sys.executable, "-m", "daemon", "--state", str(state), *arguments]
    process = subprocess.Popen(
        command,
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        env=make_environment(state.parent),
        cwd=state.parent,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def run(state: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The same in this process, to its end."""
    environment = make_environment(state.parent)
    return run_here(state.parent, "--state", str(state), *arguments, environment=environment)


def run_into(stdout: TextIO, state: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Printing there."""
    with begun(state, *arguments, stdout=stdout) as process:
        _, err = process.communicate(timeout=60)
        return subprocess.CompletedProcess(arguments, process.returncode, None, err)


def rows(text: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in text.splitlines()]


def test_it_prints_the_paths_of_the_clips_and_nothing_else(stage: Stage) -> None:
    arguments = ("--stems", "drums", "--seed", "7", "--id", "one")
    done = run(stage.settings.state, "play", "pad", *SECONDS, *arguments)
    assert done.returncode == 0, done.stderr
    names = [Path(line).name for line in done.stdout.splitlines()]
    assert names == ["pad_0.5s_s7.wav", "pad_0.5s_s7_drums.wav"]
    assert all(soundfile.info(line).frames == 24_000 for line in done.stdout.splitlines())
    assert done.stderr == "one  diffusion\n", "no terminal is there: a line for each stage"


def test_what_was_read_out_of_the_prompt_is_told(stage: Stage) -> None:
    done = run(stage.settings.state, "play", "pad, 84 bpm, Am", *SECONDS, "--id", "one")
    assert done.stderr.splitlines() == [
        "one: the prompt says 84 bpm: it was taken",
        "one: the prompt says Am: A minor was taken",
        "one  diffusion",
    ]
    assert Path(done.stdout.strip()).name.startswith("pad-84-bpm-am_84bpm_Amin_0.5s_s")


def test_where_its_output_cannot_be_written_it_ends_and_says_why(stage: Stage) -> None:
    with open("/dev/full", "w") as full:
        done = run_into(full, stage.settings.state, "play", "pad", *SECONDS, "--id", "one")
    assert done.returncode == 2
    reason = "acestepd: what it prints cannot be written: No space left on device"
    assert done.stderr == f"one  diffusion\n{reason}\n"


def test_as_json_each_message_is_a_line_with_its_arguments_by_name(stage: Stage) -> None:
    done = run(
        stage.settings.state, "play", "pad", *SECONDS, "--seed", "7", "--id", "one", "--json"
    )
    assert done.returncode == 0, done.stderr
    told = rows(done.stdout)
    assert [row["event"] for row in told if row["event"] != "progress"] == [
        "queued",
        "clip",
        "finished",
    ]
    clip = next(row for row in told if row["event"] == "clip")
    path = str(stage.settings.out / "pad_0.5s_s7.wav")
    assert clip == {
        "event": "clip",
        "id": "one",
        "stem": "mix",
        "path": path,
        "bpm": 0.0,
        "bars": 0,
        "seed": "7",
    }


def test_several_takes_are_all_waited_for(stage: Stage) -> None:
    done = run(stage.settings.state, "play", "pad", *SECONDS, "--count", "3", "--seed", "4")
    assert done.returncode == 0
    names = sorted(Path(line).name for line in done.stdout.splitlines())
    assert names == [f"pad_0.5s_s{seed}.wav" for seed in (4, 5, 6)]


def test_without_a_prompt_it_plays_what_the_daemon_has_turned_to(stage: Stage) -> None:
    refused = run(stage.settings.state, "play")
    assert refused.returncode == 1
    assert "there is nothing to play" in refused.stderr
    assert 'acestepd play "warm lo-fi beat"' in refused.stderr
    assert "the first argument" not in refused.stderr, "that is of messages"
    with closing(stage.client()) as client:
        client.ask("/ace/set/prompt", "dusty")
    done = run(stage.settings.state, "play", *SECONDS, "--seed", "1")
    assert Path(done.stdout.strip()).name == "dusty_0.5s_s1.wav"


def test_reroll_makes_a_take_again_with_another_seed(stage: Stage) -> None:
    for prompt in ("first", "second"):
        run(stage.settings.state, "play", prompt, *SECONDS, "--id", prompt, "--seed", "1")
    newest = run(stage.settings.state, "play", "--reroll", "--seed", "9")
    assert Path(newest.stdout.strip()).name == "second_0.5s_s9.wav"
    named = run(stage.settings.state, "play", "--reroll", "first", "--id", "third")
    assert Path(named.stdout.strip()).name.startswith("first_0.5s_s")
    assert run(stage.settings.state, "play", "--reroll", "nobody").returncode == 1


def test_what_was_refused_is_not_asked_for_again(
    stage: Stage, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    # what other tests of this process were refused a moment ago is not in it
    monkeypatch.setattr(refusals, "log", LimitedLog(logging.getLogger("acestepd.osc")))
    for wrong in ((), ("pad", "--bars", "-1"), ("pad", "--preview", "9", "--count", "2")):
        assert run(stage.settings.state, "play", *wrong).returncode == 1
    refused = [line for line in caplog.messages if line.startswith("refused ")]
    assert len(refused) == 3
    assert all(line.startswith("refused /ace/generate") for line in refused), "no /ace/query"


@pytest.mark.parametrize("command", ["play", "send"])
def test_what_the_model_would_refuse_ends_at_once(stage: Stage, command: str) -> None:
    words = {
        "play": ("pad", "--preview", "9", *SECONDS),
        "send": ("/ace/generate", "one", "prompt", "pad", "preview", "9", "seconds", "1"),
    }
    done = run(stage.settings.state, command, *words[command])
    assert done.returncode == 1
    assert "preview must be steps before the last of 4, got 9" in done.stdout + done.stderr
    assert "queued" not in done.stdout
    assert not stage.model.played


@pytest.mark.parametrize("command", [("reroll", "first"), ("play", "--reroll", "first")])
def test_a_reroll_takes_every_field_and_files_of_this_machine(
    stage: Stage, tmp_path: Path, command: tuple[str, ...]
) -> None:
    run(stage.settings.state, "play", "pad", *SECONDS, "--id", "first", "--seed", "1")
    soundfile.write(tmp_path / "my loop.wav", [[0.0, 0.1]] * 4800, 48_000)
    changes = ("--prompt", "snow", "--seed", "9", "--reference", "my loop.wav")
    done = run(stage.settings.state, *command, *changes)
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.strip()).name == "snow_0.5s_s9.wav"
    assert f"{tmp_path / 'my loop.wav'} is copied to" in done.stderr


def test_rerolls_by_count_are_waited_for_one_by_one() -> None:
    order = play.build_reroll("take1", {"key": "any"}, id="more", count=2, priority="live")
    asked = ("key", "any", "count", "2", "priority", "live")
    assert order.arguments == ("more", "take1", *asked)
    assert order.waiting == {"more.1", "more.2"}


def test_without_waiting_it_ends_once_the_job_is_accepted(tmp_path: Path) -> None:
    model = SteppedModel(running=False)
    with on_stage(tmp_path, model) as stage:
        done = run(stage.settings.state, "play", "pad", *SECONDS, "--no-wait", "--json")
        assert done.returncode == 0
        assert [row["event"] for row in rows(done.stdout)][:1] == ["queued"]
        assert len(stage.engine.active()) == 1
        model.run()


def test_what_is_refused_is_said_with_what_to_do_and_fails(stage: Stage) -> None:
    done = run(stage.settings.state, "play", "pad", "--bars", "-1")
    assert done.returncode == 1
    assert "bars must be in 0..1024, got -1" in done.stderr
    assert done.stdout == ""
    several = run(stage.settings.state, "play", "pad", "--count", "3", "--bars", "-1")
    assert several.returncode == 1
    long = run(stage.settings.state, "play", "pad", "--lyrics", "la " * 22_000)
    assert long.returncode == 2
    assert "a message has at most 65507 bytes" in long.stderr
    failed = run(stage.settings.state, "play", "bad", *SECONDS, "--json")
    assert failed.returncode == 1
    assert rows(failed.stdout)[-1]["event"] == "fail"


def test_a_cancelled_take_fails_and_is_said(tmp_path: Path) -> None:
    with on_stage(tmp_path, SteppedModel(running=False)) as stage:
        arguments = ("play", "pad", *SECONDS, "--id", "mine")
        with subscribed(stage, "queued") as client, begun(stage.settings.state, *arguments) as one:
            client.until("/ace/queued", "mine")
            client.send("/ace/cancel", "mine")
            printed, told = one.communicate(timeout=60)
            assert printed == ""
            assert told.splitlines()[-1] == "mine was cancelled"  # it may have begun
            assert one.returncode == 1


def test_control_c_cancels_it(tmp_path: Path) -> None:
    with on_stage(tmp_path, SteppedModel(running=False)) as stage:
        arguments = ("play", "pad", *SECONDS, "--count", "2", "--id", "mine")
        with subscribed(stage, "queued", "cancelled") as client:
            with begun(stage.settings.state, *arguments) as one:
                client.until("/ace/queued", "mine.2")
                one.send_signal(signal.SIGINT)
                assert one.wait(60) == 130
            client.until("/ace/cancelled", "mine.2")
            until(lambda: not stage.engine.active())


def test_a_job_that_is_kept_for_its_folder_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(held_jobs, "HOLD_SECONDS", 0.1)
    with on_stage(tmp_path, inbox=0) as stage:
        out = stage.settings.out
        out.rename(tmp_path / "unplugged")
        out.write_text("in the way")
        with begun(stage.settings.state, "play", "pad", *SECONDS, "--json") as one:
            assert one.stdout
            for line in one.stdout:
                if json.loads(line)["event"] == "fail":
                    break
            out.unlink()
            rest, _ = one.communicate(timeout=60)
            assert one.returncode == 0, "it failed at first, and was made after all"
            assert rows(rest)[-1]["event"] == "finished"


@pytest.mark.long
def test_a_daemon_can_be_named_by_its_address(stage: Stage, tmp_path: Path) -> None:
    address = ("--host", "localhost", "--port", str(stage.osc.address[1]))
    done = run(tmp_path / "another", "play", "pad", *SECONDS, "--seed", "1", *address)
    assert Path(done.stdout.strip()).name == "pad_0.5s_s1.wav", done.stderr
    nowhere = run(tmp_path / "another", "play", "pad", "--host", "nobody.invalid")
    assert nowhere.returncode == 3
    assert "nobody answers on UDP nobody.invalid:9100" in nowhere.stderr


# --- files of this machine ------------------------------------------------------------------------


def test_a_source_that_the_daemon_may_not_read_is_copied_for_it(
    stage: Stage, tmp_path: Path
) -> None:
    source = tmp_path / "my loop.wav"
    soundfile.write(source, [[0.0, 0.1]] * 4800, 48_000)
    arguments = ("play", "pad", "--id", "one", "--task", "cover", "--source", "my loop.wav")
    done = run(stage.settings.state, *arguments)
    assert done.returncode == 0, done.stderr
    sources = stage.settings.out / ".sources"
    assert done.stderr == f"{source} is copied to {sources}\none  diffusion\n"
    [copy] = sources.iterdir()
    assert copy.read_bytes() == source.read_bytes()
    assert copy.name.startswith("my loop-")
    # what is in a folder of the daemon's is named where it is
    again = run(stage.settings.state, *arguments[:-1], str(copy))
    assert again.returncode == 0
    assert list(sources.iterdir()) == [copy]


def test_a_source_that_is_nowhere_is_refused_with_the_line_to_add(stage: Stage) -> None:
    done = run(stage.settings.state, "play", "pad", "--task", "cover", "--source", "/x/no.wav")
    assert done.returncode == 1
    assert 'folders = ["/x"]' in done.stderr


def test_half_a_copy_is_never_seen_and_a_full_disk_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.wav").write_bytes(b"x" * 1000)

    def fill(source: Path, target: Path) -> None:
        target.write_bytes(b"x")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shutil, "copyfile", fill)
    with pytest.raises(SettingsError, match="No space left on device"):
        play.copy_source(tmp_path / "a.wav", tmp_path / "sources")
    assert list((tmp_path / "sources").iterdir()) == []


# --- the daemon away ------------------------------------------------------------------------------


def test_nobody_there_is_said_at_once(tmp_path: Path) -> None:
    port = str(find_free_port())
    done = run(tmp_path / "state", "play", "pad", "--port", port)
    assert done.returncode == 3
    assert done.stderr.startswith(
        f"acestepd is not running: nobody answers on UDP 127.0.0.1:{port}"
    )


def test_a_message_that_is_lost_is_sent_again(tmp_path: Path) -> None:
    """The first one is not answered, as if it had not arrived."""
    with (
        closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as server,
        StateLock(tmp_path / "state") as lock,
    ):
        server.bind(("127.0.0.1", 0))
        lock.record_address(*server.getsockname())
        with begun(tmp_path / "state", "play", "pad", "--id", "mine") as one:
            asked: list[Message] = []
            while len(asked) < 2:
                packet, client = server.recvfrom(65_507)
                message = read_message(packet)
                if message.address == "/ace/generate":
                    asked.append(message)
            assert asked[0] == asked[1]
            server.sendto(encode("/ace/finished", "sis", "mine", 0, "/x.json"), client)
            assert one.wait(60) == 0


@pytest.mark.long
def test_ten_thousand_datagrams_of_junk_leave_it_waiting(tmp_path: Path) -> None:
    with (
        closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as server,
        StateLock(tmp_path / "state") as lock,
    ):
        server.bind(("127.0.0.1", 0))
        lock.record_address(*server.getsockname())
        with begun(tmp_path / "state", "play", "pad", "--id", "mine", "--json") as one:
            _, client = server.recvfrom(65_507)
            for packet in make_junk(10_000):
                server.sendto(packet, client)
            while read_message(server.recv(65_507)).address != "/ace/generate":
                pass  # it is sent again
            server.sendto(encode("/ace/finished", "sis", "mine", 0, "/x.json"), client)
            assert one.wait(60) == 0
            assert one.stderr
            assert one.stderr.read() == ""


@pytest.mark.long
def test_a_daemon_that_is_killed_and_started_again_brings_the_clip(tmp_path: Path) -> None:
    state = tmp_path / "state"
    flags = ("--state", str(state))
    with daemon_process.started(tmp_path / "out", *flags) as (daemon, client):
        client.send("/ace/notify", 1, 0, "progress")
        arguments = ("play", "pad", "--seconds", "4", "--id", "mine")
        with begun(state, *arguments) as one:
            client.until("/ace/progress", "mine")
            os.kill(daemon.process.pid, signal.SIGKILL)
            daemon.process.wait()
            assert one.stderr
            assert any("acestepd does not answer" in line for line in one.stderr), "behind stages"
            with daemon_process.started(tmp_path / "out", *flags):
                out, err = one.communicate(timeout=120)
            assert one.returncode == 0, err
            assert "does not answer" not in err, "that was said once"
    assert Path(out.strip()).is_file()


# --- mistakes -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["pad", "--bars", "two"], "bars must be a number, got 'two' (write it like 8 or 8 bars)"),
        (["--reroll", "one", "--bars", "two"], "bars must be a number, got 'two'"),
        (["pad", "--id", "a*"], "got 'a*'"),
        (["pad", "--count", "0"], "--count must be"),
    ],
)
def test_mistakes_end_with_one_sentence_and_status_2(
    tmp_path: Path, arguments: list[str], says: str
) -> None:
    done = run(tmp_path / "state", "play", *arguments)
    assert done.returncode == 2
    assert says in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize("id", ["x", ""])
def test_ids_are_of_one_order(id: str) -> None:
    order = play.build_order({"prompt": "pad"}, id=id, count=2)
    assert order.is_about(f"{order.id}.1")
    assert not order.is_about(f"{order.id}1")
    order.end(f"{order.id}.1", well=True)
    assert order.waiting == {f"{order.id}.2"}
    order.end(order.id, well=False)
    assert not order.waiting
    assert order.has_failed
