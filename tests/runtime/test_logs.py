from __future__ import annotations

import logging
import os
import re
import sys
import threading
from io import StringIO
from pathlib import Path

import pytest

from daemon.jobs import Event, Job, JobState
from daemon.runtime import logs
from daemon.runtime.lines import LiveLine, ProgressLine, escape_line
from daemon.runtime.logs import LIMIT_SECONDS, MAX_SENDERS, LimitedLog
from daemon.settings import Settings, SettingsError
from pipeline.request import Request
from tests.support.clock import Clock

log = logging.getLogger("acestepd.test")


def settings(folder: Path, log_mb: float) -> Settings:
    return Settings(state=folder / "state", log_mb=log_mb)


def test_the_file_gets_everything_with_date_level_and_room(tmp_path: Path) -> None:
    with logs.log_to_file(settings(tmp_path, 1)) as path:
        log.warning("a clip of %s", "größe")
    assert path
    [line] = path.read_text("utf-8").splitlines()
    assert line.endswith("WARNING acestepd.test: a clip of größe")
    assert line[:2] == "20"


def test_the_lines_of_lyrics_are_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    write = logs.EventLog().write
    write(Event("note", None, ("the prompt says my secret",)))
    write(Event("words", None, (1, 1, "", 0.0, 1.0, "my secret", "0.00", "")))
    write(Event("read", None, ("song.txt", 1, 0, "fine")))
    assert "secret" not in caplog.text
    assert "song.txt" in caplog.text


def test_however_much_is_said_the_files_stay_small(tmp_path: Path) -> None:
    with logs.log_to_file(settings(tmp_path, 0.01)):
        for number in range(3000):
            log.warning("line %d", number)
    files = sorted(path.name for path in (tmp_path / "state").iterdir())
    assert files == ["acestepd.log", "acestepd.log.1", "acestepd.log.2", "acestepd.log.3"]
    assert all(path.stat().st_size <= 0.01 * 2**20 for path in (tmp_path / "state").iterdir())
    assert "line 2999" in (tmp_path / "state" / "acestepd.log").read_text()


def test_zero_writes_none(tmp_path: Path) -> None:
    with logs.log_to_file(settings(tmp_path, 0)) as path:
        log.warning("nowhere")
    assert path is None
    assert list(tmp_path.iterdir()) == []


def test_it_goes_on_where_it_ended(tmp_path: Path) -> None:
    for number in range(2):
        with logs.log_to_file(settings(tmp_path, 1)) as path:
            log.warning("start %d", number)
        log.warning("between")
    assert path
    assert [line.split(": ")[1] for line in path.read_text().splitlines()] == ["start 0", "start 1"]


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "state").touch()
    with (
        pytest.raises(SettingsError, match=r"state: cannot write .*acestepd\.log"),
        logs.log_to_file(settings(tmp_path, 1)),
    ):
        pass


@pytest.mark.skipif(
    not Path("/dev/full").exists(), reason="needs /dev/full: a disk that is always full"
)
def test_a_full_disk_stops_the_log_and_nothing_else(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "state").mkdir()
    monkeypatch.setattr(logs, "open_private", lambda path, flags: os.open("/dev/full", flags))
    with logs.log_to_file(settings(tmp_path, 1)):
        log.warning("nobody reads this")
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    ("quiet", "lines"), [(False, ["worth knowing", "worrying"]), (True, ["worrying"])]
)
def test_the_terminal_hears_it_too_and_a_quiet_one_only_warnings(
    quiet: bool,
    lines: list[str],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    root = logging.getLogger()
    before = list(root.handlers)
    level = root.level
    monkeypatch.setattr(logging.Handler, "handleError", lambda *_: sys.exit("a handler failed"))
    logs.log_to_terminal(quiet)
    try:
        log.info("worth knowing")
        logs.EventLog().write(Event("read", None, ("song.txt", 1, 0, "prompt = pop")))
        log.warning("worrying")
    finally:
        for handler in [handler for handler in root.handlers if handler not in before]:
            root.removeHandler(handler)
            handler.close()
        root.setLevel(level)
    assert [line.split(" ", 1)[1] for line in capsys.readouterr().err.splitlines()] == lines


@pytest.mark.parametrize("text", ["a\nb", "\x1b[2J", "a\r\x00", "\u2028", "\u202egpj", "\ud800"])
def test_a_message_is_one_line_whatever_is_in_it(tmp_path: Path, text: str) -> None:
    root = logging.getLogger()
    before = list(root.handlers)
    with logs.log_to_file(Settings(state=tmp_path)) as path:
        [handler] = [handler for handler in root.handlers if handler not in before]
        # pytest, too, would take the line, and cannot send one with half a character to itself
        handler.handle(logging.makeLogRecord({"msg": "%s queued", "args": (text,)}))
    assert path
    written = path.read_text("utf-8")
    assert written.splitlines() == [written.rstrip("\n")]
    assert written.endswith(f"{text.encode('unicode_escape').decode()} queued\n")


def test_what_people_write_stays_as_it_is_in_a_line() -> None:
    for text in ("warm lo-fi beat", "Köln 音楽\u3000\u00a0", "👩\u200d🎤"):
        assert escape_line(text) == text


class StuckHandler(logging.Handler):
    """A terminal whose output somebody has stopped."""

    def __init__(self) -> None:
        super().__init__()
        self.goes_on = threading.Event()
        self.written: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        assert self.goes_on.wait(60)
        self.written.append(record.getMessage())


def test_nobody_waits_for_a_terminal_that_takes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "MAX_WAITING", 10)
    stuck = StuckHandler()
    handler = logs.BackgroundHandler(stuck)
    logger = logging.Logger("stuck")
    logger.addHandler(handler)
    for number in range(100):
        logger.info("line %d", number)  # returns, or this test does not end
    stuck.goes_on.set()
    handler.flush()
    logger.info("the last")
    handler.close()
    assert stuck.written[0] == "line 0"
    assert stuck.written[-1] == "the last"
    lines = [text for text in stuck.written if text.startswith("line ")]
    left_out = [int(text.split()[0]) for text in stuck.written if "left out here" in text]
    assert len(lines) + sum(left_out) == 100
    assert sum(left_out) > 80


def test_the_daemon_ends_although_its_terminal_takes_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(logs, "FLUSH_SECONDS", 0.01)
    stuck = StuckHandler()
    handler = logs.BackgroundHandler(stuck)
    handler.handle(logging.makeLogRecord({"msg": "a line"}))
    handler.close()
    assert stuck.written == []
    stuck.goes_on.set()


def test_nobody_who_waits_for_a_line_waits_for_the_rest_between_lines(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(logs, "REST_SECONDS", 60.0)
    monkeypatch.setattr(logs, "FLUSH_SECONDS", 50.0)
    target = StuckHandler()
    target.goes_on.set()
    handler = logs.BackgroundHandler(target)
    for text in ("a line", "another"):
        handler.handle(logging.makeLogRecord({"msg": text}))
        handler.flush()
        assert target.written[-1] == text
    handler.handle(logging.makeLogRecord({"msg": "the last"}))
    handler.close()
    assert target.written == ["a line", "another", "the last"]


# --- lines that a stranger can cause --------------------------------------------------------------


def lines_of(caplog: pytest.LogCaptureFixture) -> list[str]:
    lines = [record.getMessage() for record in caplog.records]
    caplog.clear()
    return lines


def test_of_one_kind_there_is_one_line_a_minute_about_each_sender(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock = Clock()
    limited = LimitedLog(log, clock)
    for _ in range(60_000):
        limited.warning("10.0.0.7", "ignored a datagram from %s", "10.0.0.7")
    limited.warning("10.0.0.8", "ignored a datagram from %s", "10.0.0.8")
    limited.warning("10.0.0.7", "refused a connection from %s", "10.0.0.7")
    assert lines_of(caplog) == [
        "ignored a datagram from 10.0.0.7",
        "ignored a datagram from 10.0.0.8",
        "refused a connection from 10.0.0.7",
    ]
    clock.now += LIMIT_SECONDS
    for sender in ("10.0.0.7", "10.0.0.8"):
        limited.warning(sender, "ignored a datagram from %s", sender)
    assert lines_of(caplog) == [
        "ignored a datagram from 10.0.0.7 (59999 more like it were left out before)",
        "ignored a datagram from 10.0.0.8",
    ]


def test_senders_that_are_always_others_cause_no_more_lines_and_fill_no_memory(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock = Clock()
    limited = LimitedLog(log, clock)
    for minute in range(2):
        for number in range(5000):
            sender = f"10.{minute}.{number >> 8}.{number & 255}"
            limited.warning(sender, "ignored a datagram from %s", sender)
        assert len(lines_of(caplog)) == MAX_SENDERS
        assert len(limited._kinds["ignored a datagram from %s"].written) == MAX_SENDERS
        clock.now += LIMIT_SECONDS
    limited.warning("me", "ignored a datagram from %s", "me")
    left_out = 5000 - MAX_SENDERS
    assert lines_of(caplog) == [
        f"ignored a datagram from me ({left_out} more like it were left out before)"
    ]


def test_a_limited_line_has_the_traceback_of_what_went_wrong(
    caplog: pytest.LogCaptureFixture,
) -> None:
    limited = LimitedLog(log)
    for _ in range(2):
        try:
            raise ValueError("deep down")
        except ValueError:
            limited.exception("10.0.0.7", "%s could not be handled", "/ace/go")
    assert caplog.text.count("ValueError: deep down") == 1


def test_the_terminal_says_that_the_model_is_loaded_and_not_at_each_take_that_it_is_busy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    terminal = FakeTerminal(is_terminal=False)
    monkeypatch.setattr(sys, "stderr", terminal)
    handler = logs.log_to_terminal()
    try:
        write = logs.EventLog().write
        for state in ("loading", "warm", "busy", "warm", "busy", "error", "busy", "warm"):
            write(Event("state", None, (state, "mini", 0)))
        handler.flush()
    finally:
        logging.getLogger().removeHandler(handler)
        handler.close()
    told = [line.split()[1] for line in terminal.getvalue().splitlines()]
    assert told == ["loading", "warm", "error", "busy"]


def test_pads_that_nobody_waits_for_are_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    write = logs.EventLog().write
    for number in range(1, 17):
        write(Event("pad", None, (number, "ready", 1.0)))  # a bank is loaded
    write(Event("pad", None, (3, "queued", 0.0)))
    for progress in (0.1, 0.2):
        write(Event("pad", None, (3, "rendering", progress)))
    write(Event("pad", None, (3, "ready", 1.0)))
    write(Event("pad", None, (3, "ready", 1.0)))
    write(Event("pad", None, (4, "failed", 0.0)))
    write(Event("midi/learned", None, ("bars", "cc 21")))  # `ControlBindings` says it better
    assert lines_of(caplog) == ["pad 3 queued", "pad 3 ready", "pad 4 failed"]


class FakeTerminal(StringIO):
    """What is written to it, and that it is a terminal or not."""

    def __init__(self, is_terminal: bool) -> None:
        super().__init__()
        self._is_terminal = is_terminal

    def isatty(self) -> bool:
        return self._is_terminal


@pytest.mark.parametrize("is_terminal", [True, False])
def test_progress_is_one_live_line_below_the_others_on_a_terminal_and_nothing_elsewhere(
    is_terminal: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = FakeTerminal(is_terminal)
    monkeypatch.setattr(sys, "stderr", terminal)
    root = logging.getLogger()
    handler = logs.log_to_terminal()
    try:
        display = logs.ProgressDisplay(handler)
        request = Request(prompt="a beat")
        job = Job("udp:127.0.0.1:9001", "take2", request, request, Path("/out"))
        display.write(Event("progress", job, (0.25, "denoising", 0.0)))
        log.info("something else")
        display.write(Event("progress", job, (0.5, "denoising", 0.0)))
        job.state = JobState.FINISHED
        display.write(Event("finished", job, (1, "/out/x.json")))
        display.write(Event("preparing", None, (7,)))
        display.write(Event("preparing", None, (0,)))
        handler.flush()
    finally:
        root.removeHandler(handler)
        handler.close()
    shown = re.sub(r"\d\d:\d\d:\d\d", "12:00:00", terminal.getvalue()).split("\r")
    if not is_terminal:
        assert shown == ["12:00:00 something else\n"]
        return
    assert shown == [
        "",
        "take2  25% denoising\x1b[K",
        "\x1b[K12:00:00 something else\n",
        "take2  25% denoising\x1b[K",
        "take2  50% denoising\x1b[K",
        "\x1b[K",
        "preparing pad 7\x1b[K",
        "\x1b[K",
    ]


def test_a_live_line_is_cut_to_the_terminals_width(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "10")
    terminal = FakeTerminal(is_terminal=True)
    live = LiveLine(terminal)
    live.show("a" * 100 + "\n")
    assert live.text == "a" * 9
    live.clear()
    live.clear()
    assert terminal.getvalue() == f"\r{'a' * 9}\x1b[K\r\x1b[K"


def test_a_commands_progress_is_a_live_line_on_a_terminal_and_a_line_per_stage_elsewhere() -> None:
    shown: dict[bool, str] = {}
    for is_terminal in (True, False):
        terminal = FakeTerminal(is_terminal)
        line = ProgressLine(terminal)
        line.show("one", 0.1, "plan 36", ", about 9 s to go")
        line.show("one", 0.2, "plan 37", ", about 8 s to go")
        line.say("one: a note")
        line.show("one", 0.5, "decode")
        line.show("two", 0.1, "plan 1")
        line.show("", 0.9, "decode")
        line.clear()
        shown[is_terminal] = terminal.getvalue()
    assert shown[False].splitlines() == [
        "one  plan",
        "one: a note",
        "one  decode",
        "two  plan",
        "decode",
    ]
    assert "\r" not in shown[False]
    assert shown[True].split("\r") == [
        "",
        "one  10% plan 36, about 9 s to go\x1b[K",
        "one  20% plan 37, about 8 s to go\x1b[K",
        "\x1b[Kone: a note\n",
        "one  50% decode\x1b[K",
        "two  10% plan 1\x1b[K",
        "90% decode\x1b[K",
        "\x1b[K",
    ]
