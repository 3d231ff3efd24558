"""Landings that were killed, one at every line they run through, each in a folder of its own.

`python -m tests.support.wrecks ROOT STEP [exfat] [stranger] [recover]` leaves ROOT/1, ROOT/2, ...:
in each the output folder `clips` and, as long as it knew of a landing, the `journal`. Killed is a
process of its own, by SIGKILL, at every STEP-th line.
- exfat: a volume without hard links
- stranger: somebody takes the clip's name when it is staged
- recover: killed is not the landing, but the `recover` of one that was cut off in the middle
"""

from __future__ import annotations

import itertools
import os
import signal
import sys
from collections.abc import Callable, Container
from pathlib import Path
from types import FrameType
from typing import Any

from daemon.landing import audio_files, clips, disk, latest, manifest, names, staging
from daemon.landing.latest import KeptLatest
from daemon.landing.manifest import JobFacts
from pipeline.request import Request
from tests.support.takes import finished_take

TOKEN = "ab12"
STRANGERS = "a stranger's"
TRACED = {
    module.__file__ for module in (audio_files, clips, disk, latest, manifest, names, staging)
}


def refuse_links(*_: object) -> None:
    """In place of `os.link`, on a volume without hard links."""
    raise PermissionError(1, "Operation not permitted")


def write_journal(journal: Path, staged: staging.Staged) -> None:
    draft = journal.with_suffix(".new")
    draft.write_text(staged.to_json())
    os.replace(draft, journal)


def stage(place: Path, *options: str) -> staging.Staged:
    take = finished_take(Request(prompt="pad", seed=1), "mix", "drums", samples=480)
    staged = staging.stage(
        place / "clips", TOKEN, JobFacts("job"), take, kept=KeptLatest(of_names=True)
    )
    write_journal(place / "journal", staged)
    if "stranger" in options:
        (place / "clips" / "pad_30s_s1_drums.wav").write_text(STRANGERS)
    return staged


def land(place: Path, *options: str) -> None:
    """What the engine does."""
    staged = stage(place, *options)
    while clips.land(staged) is None:
        staged = staging.rename(staged)
        write_journal(place / "journal", staged)
    (place / "journal").unlink()


def recover(place: Path) -> clips.Landed | None:
    """What the daemon does after a crash."""
    journal = place / "journal"
    staged = staging.Staged.from_json(journal.read_text())
    landed = clips.recover(staged, lambda renamed: write_journal(journal, renamed))
    journal.unlink()
    return landed


def cut_off(place: Path, *options: str) -> None:
    """One file has its name, the others do not."""
    file = stage(place, *options).files[0]
    disk.take_name(file.source, file.target)


def is_killed(
    work: Callable[[], object], line: int, traced: Container[str | None] = TRACED
) -> bool:
    """Run `work` in a process that is killed at the `line`-th line of these modules. False when it
    ended before.
    """
    process = os.fork()
    if process == 0:
        lines = itertools.count(1)

        def trace(frame: FrameType, event: str, _: Any) -> Any:
            if frame.f_code.co_filename not in traced:
                return None
            if event == "line" and next(lines) == line:
                os.kill(os.getpid(), signal.SIGKILL)
            return trace

        sys.settrace(trace)
        try:
            work()
        finally:
            sys.settrace(None)
        os._exit(0)
    _, status = os.waitpid(process, 0)
    if not os.WIFSIGNALED(status) and os.WEXITSTATUS(status):
        raise SystemExit(f"line {line}: failed")
    return os.WIFSIGNALED(status)


def make_wreck(place: Path, line: int, *options: str) -> bool:
    """False when the landing, or the recovery, ended before that line."""
    (place / "clips").mkdir(parents=True)
    if "recover" in options:
        cut_off(place, *options)
        return is_killed(lambda: recover(place), line)
    return is_killed(lambda: land(place, *options), line)


def main(root: Path, step: int, *options: str) -> None:
    if "exfat" in options:
        os.link = refuse_links  # type: ignore[assignment]
    for line in itertools.count(1, step):
        if not make_wreck(root / str(line), line, *options):
            break


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:])
