"""Which programs are there: clients that have a name, and when each was last heard."""

from __future__ import annotations

import dataclasses
import json
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pipeline import untrusted
from pipeline.limits import LIMITS
from pipeline.private import replace_private

from ..jobs import Event
from ..settings import AUTO, NAME

log = logging.getLogger("acestepd.integrations")

PRESENT_SECONDS = 30.0  # as long is a client there after it was heard
FORGET_SECONDS = 86_400.0  # after which a silent one is not listed any more
MAX_CLIENTS = 64  # and names in the file
MAX_READERS = 16  # of them that read the inbox
HEARD = "heard.json"  # in the state folder
SAVE_SECONDS = 60.0  # at least, between two writes of that file
INBOX = "inbox:"  # how the client's text of a program begins that reads the inbox


@dataclass(frozen=True)
class NamedClient:
    """A program that has given its name. `client` is where it is sent messages, as text, `sender`
    where its own come from; a program that reads the inbox has neither, and is "inbox:NAME".
    """

    name: str
    client: str
    sender: str
    inserts: bool  # it puts clips in
    heard: float  # seconds since the epoch

    @property
    def reads_inbox(self) -> bool:
        return self.client.startswith(INBOX)

    def is_at(self, client: str) -> bool:
        """Whether a client, as text, is this one."""
        return client in (self.client, self.sender)


class Clients:
    """Every named client, the one that has been there for longest first. Usable from every thread.

    When they were heard is kept in `folder`, for `acestepd doctor`: a program that was there
    yesterday works.
    """

    def __init__(self, folder: Path, clock: Callable[[], float] = time.time) -> None:
        self._file = folder / HEARD
        self._clock = clock
        self._lock = threading.Lock()
        self._clients: dict[str, NamedClient] = {}  # by name
        self._names: dict[str, str] = {}  # by the text of client and sender
        self._heard = read_heard(folder)  # of those that are gone, too
        self._saved = dict(self._heard)
        self._is_crowded = False  # more programs than may read the inbox, as was said

    # --- they come and go -------------------------------------------------------------------------

    def add(self, name: str, client: str, sender: str, inserts: bool) -> None:
        """A client has given its name, which it takes from whoever had it: a program that crashed
        comes back from another port. It has no other name any more.
        """
        with self._lock:
            if self._names.get(client) != name:
                self._remove(client)
            self._put(NamedClient(name, client, sender, inserts, self._clock()))

    def restore(self, name: str, client: str, sender: str, inserts: bool) -> None:
        """The daemon before this one knew it. It is away until it is heard: then it gets what was
        made meanwhile, although it need not have noticed anything.
        """
        away = self._clock() - PRESENT_SECONDS
        with self._lock:
            heard = min(self._heard.get(name, away), away)
            self._put(NamedClient(name, client, sender, inserts, heard))

    def note_reader(self, name: str, heard: float) -> bool:
        """A program that reads the inbox was there at `heard` (seconds since the epoch). Whether
        that is news. One of that name that sends messages stays while it is there, and so do
        `MAX_READERS` others that read.
        """
        client = f"{INBOX}{name}"
        reader = NamedClient(name, client, client, inserts=True, heard=heard)
        with self._lock:
            known = self._clients.get(name)
            if known and not known.reads_inbox and self.is_present(known):
                return False
            if known and known.reads_inbox and known.heard >= heard:
                return False
            if not (known and known.reads_inbox) and not self._has_room_for(reader):
                self._warn_of_crowd(reader)
                return False
            self._put(reader)
            return self.is_present(reader) and not (known and self.is_present(known))

    def _has_room_for(self, reader: NamedClient) -> bool:
        """Whether a program that is new in the inbox is one of the `MAX_READERS` there: it takes
        the place of one that is away, if it is there itself.
        """
        is_there = self.is_present(reader)
        others = [one for one in self._clients.values() if one.reads_inbox]
        staying = [one for one in others if self.is_present(one) >= is_there]
        return len(staying) < MAX_READERS

    def _warn_of_crowd(self, reader: NamedClient) -> None:
        """Once: the files of most of them lie there for long."""
        if self.is_present(reader) and not self._is_crowded:
            self._is_crowded = True
            log.warning("%d programs read the inbox, %s is left out", MAX_READERS, reader.name)

    def note_heard(self, sender: str) -> NamedClient | None:
        """A message came from there. The client that sent it, where it was away until now."""
        if sender not in self._names:
            return None
        with self._lock:
            known = self._clients.get(self._names.get(sender, ""))
            if known is None:
                return None
            heard = dataclasses.replace(known, heard=self._clock())
            self._put(heard)
        return None if self.is_present(known) else heard

    def remove(self, client: str) -> None:
        """It is sent nothing any more."""
        with self._lock:
            self._remove(client)

    def _put(self, client: NamedClient) -> None:
        """One that was away goes behind those that stayed."""
        known = self._clients.get(client.name)
        if known and not self.is_present(known):
            del self._clients[client.name]
        self._clients[client.name] = client
        self._heard[client.name] = max(client.heard, self._heard.get(client.name, 0.0))
        if not known or {known.client, known.sender} != {client.client, client.sender}:
            self._forget_surplus()
            self._names = {
                text: one.name
                for one in self._clients.values()
                for text in (one.client, one.sender)
            }

    def _remove(self, client: str) -> None:
        self._clients = {name: one for name, one in self._clients.items() if one.client != client}
        self._names = {text: name for text, name in self._names.items() if name in self._clients}

    def _forget_surplus(self) -> None:
        """Those that are away go first, then those that read the inbox, as files are easily made;
        of either the ones that were silent for longest.
        """
        ranked = sorted(
            self._clients.values(),
            key=lambda one: (self.is_present(one), not one.reads_inbox, one.heard),
        )
        readers = [one for one in ranked if one.reads_inbox]
        silent = self._clock() - FORGET_SECONDS
        surplus = {one.name for one in ranked[:-MAX_CLIENTS] + readers[:-MAX_READERS]}
        self._clients = {
            name: one
            for name, one in self._clients.items()
            if name not in surplus and one.heard > silent
        }
        while len(self._heard) > MAX_CLIENTS:
            del self._heard[min(self._heard, key=self._heard.__getitem__)]

    # --- who is there -----------------------------------------------------------------------------

    def is_present(self, client: NamedClient) -> bool:
        """Whether it was heard a moment ago."""
        return client.heard > self._clock() - PRESENT_SECONDS

    def list_all(self) -> list[NamedClient]:
        """Also those that are away."""
        with self._lock:
            return list(self._clients.values())

    def seconds_since(self, client: NamedClient) -> float:
        """Since it was heard."""
        return max(0.0, self._clock() - client.heard)

    def find(self, name: str) -> NamedClient | None:
        """The client of that name, where it is there and puts clips in."""
        with self._lock:
            known = self._clients.get(name)
        return known if known and known.inserts and self.is_present(known) else None

    def find_by_client(self, client: str) -> NamedClient | None:
        """The one that is sent messages there or sends its own from there, away or not."""
        with self._lock:
            return self._clients.get(self._names.get(client, ""))

    def find_inserter(self) -> NamedClient | None:
        """Of those that are there and put clips in, the one that has been there for longest."""
        there = (one for one in self.list_all() if one.inserts and self.is_present(one))
        return next(there, None)

    # --- the file ---------------------------------------------------------------------------------

    def on_event(self, event: Event) -> bool:
        return False

    def tick(self) -> float:
        """Write down when each was heard, where there is something new."""
        with self._lock:
            heard = dict(self._heard)
        if heard != self._saved:
            try:
                replace_private(self._file, json.dumps(heard).encode())
                self._saved = heard
            except OSError as error:
                log.info("%s could not be written: %s", self._file, error)
        return SAVE_SECONDS


def read_heard(folder: Path) -> dict[str, float]:
    """When each program was last heard (seconds since the epoch), by its name, as far as the state
    folder knows.
    """
    try:
        values = untrusted.read_json(folder / HEARD, LIMITS.record_bytes)
        return {
            name: float(heard)
            for name, heard in list(values.items())[:MAX_CLIENTS]
            if NAME.fullmatch(name)
        }
    except (OSError, ValueError, TypeError, OverflowError, AttributeError):
        return {}


def parse_name(text: str) -> str:
    """A program's name. Raises ValueError with what is allowed."""
    name = text.strip().lower()
    if not NAME.fullmatch(name) or name == AUTO:
        raise ValueError(
            f"a program's name has up to 32 letters, digits, _ . - (and is not {AUTO}), "
            f"got {text[:40]!r}"
        )
    return name
