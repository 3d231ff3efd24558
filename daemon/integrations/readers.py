"""The programs that read the inbox: `readers/<name>` says that one runs, `done/<seq>.json` where it
has put a clip.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from pipeline.limits import LIMITS
from pipeline.private import make_private

from ..jobs import Event, Refused
from ..settings import NAME
from .clients import INBOX, PRESENT_SECONDS, Clients, parse_name
from .inserter import Inserter, shorten_where
from .json_files import list_files, read_object

log = logging.getLogger("acestepd.integrations")

DONE = "done"  # folders in the inbox
READERS = "readers"
ENTRY = re.compile(r"[0-9]{13}\.json")
SOMEWHERE = "done"  # where a clip is, when its program does not say it
SETTLE_SECONDS = 5.0  # in which an answer that cannot be read may still be being written
DAY = 86_400.0  # seconds after which a program that is silent is forgotten


class InboxAnswer(NamedTuple):
    """What a program says of a job's clips. `where` is empty where it could not put them in."""

    program: str
    client: str
    id: str
    where: str


class Readers:
    """Tells `clients` who is there, and `inserter` what they say. What lies in the folders is
    others' input: nothing of it is trusted, and nothing but regular files of the right name is
    looked at or removed.
    """

    def __init__(
        self, clients: Clients, inserter: Inserter, clock: Callable[[], float] = time.time
    ) -> None:
        self._clients = clients
        self._inserter = inserter
        self._clock = clock
        # of each program's file: its time, and when it was first seen with that
        self._touched: dict[str, tuple[float, float]] = {}
        self._taken: set[str] = set()  # answers that were noted, whose files could not be removed
        self._warning = ""

    def listen(self, inbox: Path) -> bool:
        """Whether any program reads the inbox. Raises OSError."""
        for name in (READERS, DONE):
            make_private(inbox / name)
        is_read = self._note_readers(inbox / READERS)
        self._take_answers(inbox / DONE)
        return is_read

    def _note_readers(self, folder: Path) -> bool:
        is_read = False
        names = list(filter(_is_name, list_files(folder, NAME)))
        self._touched = {name: self._touched[name] for name in names if name in self._touched}
        for name in names:
            with suppress(OSError):  # gone, or not to be removed: it says nothing new
                heard = self._find_heard(folder / name)
                if heard < self._clock() - DAY:
                    (folder / name).unlink()
                    continue
                is_read = is_read or heard > self._clock() - PRESENT_SECONDS
                if self._clients.note_reader(name, heard):
                    self._inserter.redeliver(name, _ignore_event)
        return is_read

    def _find_heard(self, path: Path) -> float:
        """When a program touched its file, in seconds since the epoch. A time that is yet to come,
        from a clock that runs ahead, is when it was first seen. Raises OSError.
        """
        touched = path.lstat().st_mtime
        before, seen = self._touched.get(path.name, (None, 0.0))
        if touched != before:
            seen = self._clock()
            self._touched[path.name] = (touched, seen)
        return min(touched, seen)

    def _take_answers(self, folder: Path) -> None:
        """Note each answer, and remove its file. One that stays is not noted again."""
        names = list_files(folder, ENTRY)
        self._taken &= set(names)
        warning = ""
        for name in names:
            path = folder / name
            try:
                if name in self._taken or self._take_answer(path):
                    self._taken.add(name)
                    path.unlink()
                    self._taken.discard(name)
            except FileNotFoundError:
                self._taken.discard(name)
            except OSError as error:
                warning = f"{path} is in the way: {error.strerror}; remove it"
        if warning and not self._warning:  # once, while any is
            log.warning("%s", warning)
        self._warning = warning

    def _take_answer(self, path: Path) -> bool:
        """Whether the file may go."""
        try:
            answer = parse_answer(read_object(path, LIMITS.inbox_bytes))
            job = self._inserter.find_job(answer.client, answer.id, answer.program)
        except ValueError as error:
            if abs(self._clock() - path.lstat().st_mtime) < SETTLE_SECONDS:
                return False
            log.info("an answer in the inbox: %s", error)
        except Refused as error:
            log.info("an answer in the inbox: %s", error)
        else:
            self._inserter.note_inserted(job, answer.program, answer.where)
        return True


def parse_answer(data: Mapping[str, object]) -> InboxAnswer:
    """What an entry says that is done with: `inserted` has the program, and where it has put the
    clip. Where it has none of that, the program that was to put it in has done so. Raises
    ValueError.
    """
    inserted = data.get("inserted", {"program": data.get("insert"), "where": SOMEWHERE})
    if not isinstance(inserted, dict):
        raise ValueError("inserted must be an object with program and where")
    program, where, id = inserted.get("program"), inserted.get("where", ""), data.get("id")
    if not isinstance(program, str) or not isinstance(where, str) or not isinstance(id, str):
        raise ValueError("id, program and where must be texts")
    if not _is_name(program):
        raise ValueError(f"{program[:40]!r} is not the name of a program")
    client = data.get("client")  # ids are their clients' own
    return InboxAnswer(
        program=program,
        client=client if isinstance(client, str) else f"{INBOX}{program}",
        id=id,
        where=shorten_where(where),
    )


def _is_name(text: str) -> bool:
    with suppress(ValueError):
        return parse_name(text) == text
    return False


def _ignore_event(event: Event) -> None:
    """An entry says it all."""
