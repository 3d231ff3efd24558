"""Makes wrecks: landings that were killed, one at every line they run through, each in a folder of
its own.

`python -m tests.support.wrecks ROOT STEP [exfat] [stranger] [recover]` leaves ROOT/1, ROOT/2, ...: in each
the output folder `clips` and, as long as it knew of a landing, the `journal`. Killed is a process
of its own, by SIGKILL, at every STEP-th line.
- exfat: a volume without hard links
- stranger: somebody takes the clip's name when it is staged
- recover: killed is not the landing, but the `recover` of one that was cut off in the middle
"""

from __future__ import annotations

import itertools
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

from daemon.landing import clips, disk, latest
from pipeline.request import Request
from tests.support.takes import finished_take

TOKEN = "ab12"
WATCHED = {module.__file__ for module in (clips, disk, latest)}


def no_links(*_: object) -> None:
    raise PermissionError(1, "Operation not permitted")


def remember(journal: Path, staged: clips.Staged) -> None:
    draft = journal.with_suffix(".new")
    draft.write_text(staged.to_json())
    os.replace(draft, journal)


def staged(place: Path, *how: str) -> clips.Staged:
    take = finished_take(Request(prompt="pad", seed=1), "mix", "drums", samples=480)
    staged = clips.stage(place / "clips", TOKEN, "job", "", take, keep_latest=True)
    remember(place / "journal", staged)
    if "stranger" in how:
        (place / "clips" / "pad_30s_s1_drums.wav").write_text("a stranger's")
    return staged


def land(place: Path, *how: str) -> None:
    """What the engine does."""
    ready = staged(place, *how)
    while clips.land(ready) is None:
        ready = clips.renamed(ready)
        remember(place / "journal", ready)
    (place / "journal").unlink()


def recover(place: Path) -> clips.Landed | None:
    """What the daemon does after a crash."""
    journal = place / "journal"
    ready = clips.Staged.from_json(journal.read_text())
    landed = clips.recover(ready, lambda renamed: remember(journal, renamed))
    journal.unlink()
    return landed


def cut_off(place: Path, *how: str) -> None:
    """One file has its name, the others do not."""
    file = staged(place, *how).files[0]
    disk.take_name(file.source, file.target)


def killed(work: Callable[[], Any], line: int) -> bool:
    """Run `work` in a process that is killed at the `line`-th line. False when it ended before."""
    process = os.fork()
    if process == 0:
        seen = itertools.count(1)

        def trace(frame: FrameType, event: str, _: Any) -> Any:
            if frame.f_code.co_filename not in WATCHED:
                return None
            if event == "line" and next(seen) == line:
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


def main(root: Path, step: int, *how: str) -> None:
    if "exfat" in how:
        os.link = no_links  # type: ignore[assignment]
    for line in itertools.count(1, step):
        place = root / str(line)
        (place / "clips").mkdir(parents=True)
        if "recover" in how:
            cut_off(place, *how)
        if not killed(lambda: recover(place) if "recover" in how else land(place, *how), line):  # noqa: B023
            break


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:])
