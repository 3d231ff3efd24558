"""`acestepd play`: asks the daemon that runs for clips, and waits for them."""

from __future__ import annotations

import os
import secrets
import shutil
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from pipeline.private import make_private
from pipeline.request import OutOfRange, coerce, names_file
from pipeline.user_paths import expand_path

from ..integrations.sources import SOURCES
from ..jobs import REROLL
from ..osc.arguments import MAX_ID
from ..osc.outgoing import EVENTS
from ..osc.wire import Message, Value
from ..panel import NOTHING_TO_PLAY
from ..runtime.event_lines import describe_eta
from ..runtime.lines import ProgressLine
from ..settings import SettingsError
from .client import Locate, OscClient, Turn, follow, is_here, print_json, to_json
from .status import STOPPED

FAILED = 1  # exit status, also of what was cancelled
REPEAT_SECONDS = 2.0  # of silence, after which a message may have been lost
TRIES = 3
OUTSIDE = 403  # the code for a file that is in no folder which messages may name files in
UNKNOWN = 404
INVALID = 422  # the code for a request that nothing will make better
WORDLESS_HINT = (
    'say it: acestepd play "warm lo-fi beat"; or before, as prompt under [request] in the settings'
)


class PendingOrder:
    """What is asked for, and what has become of it so far."""

    def __init__(self, id: str, address: str, arguments: tuple[Value, ...], count: int = 1) -> None:
        self.id = id
        self.address = address
        self.arguments = arguments
        ids = {f"{id}.{number}" for number in range(1, count + 1)} if count > 1 else {id}
        self.waiting = ids  # jobs that have not ended
        self.unaccepted = set(ids)
        self.doubtful: set[str] = set()  # they failed: for good, or kept for later?
        self.is_answered = False
        self.has_failed = False

    def is_about(self, id: str) -> bool:
        return id == self.id or id.startswith(f"{self.id}.")

    def end(self, id: str, well: bool) -> None:
        """The end of one job; of all of them, where the order itself was refused."""
        ended = self.waiting if id == self.id else self.waiting & {id}
        self.has_failed |= bool(ended) and not well
        self.doubtful.discard(id)
        self.unaccepted = self.unaccepted - ended
        self.waiting = self.waiting - ended


def build_order(
    values: Mapping[str, str], *, id: str = "", count: int = 1, priority: str = ""
) -> PendingOrder:
    """An order of `count` takes with these values of fields, as texts. Raises `SettingsError` and
    `BadRequest`.
    """
    id = _check_id(id)
    _check_values(values)
    return PendingOrder(id, "/ace/generate", (id, *_list_pairs(values, count, priority)), count)


def build_reroll(
    parent: str,
    values: Mapping[str, str],
    *,
    id: str = "",
    count: int = 1,
    priority: str = "",
) -> PendingOrder:
    """The same of takes like `parent` with other seeds; an empty one is the newest take. Raises the
    same.
    """
    id = _check_id(id)
    _check_values(values)
    return PendingOrder(id, REROLL, (id, parent, *_list_pairs(values, count, priority)), count)


def _list_pairs(values: Mapping[str, str], count: int, priority: str) -> tuple[str, ...]:
    pairs = {name: _make_absolute(name, value) for name, value in values.items()}
    if count > 1:
        pairs["count"] = str(count)
    if priority:
        pairs["priority"] = priority
    return tuple(text for pair in pairs.items() for text in pair)


def _check_values(values: Mapping[str, str]) -> None:
    """No number where one belongs: the daemon would take it for a slip in a message's arguments.
    Raises `BadRequest`.
    """
    for name, value in values.items():
        with suppress(OutOfRange):  # the daemon says that as well
            coerce(name, value)


def _check_id(id: str) -> str:
    if set(id) & set("*?[]{},#/ "):
        raise SettingsError(f"--id must not have *?[]{{}},#/ or a space in it, got {id[:40]!r}")
    if len(id.encode("utf-8", "replace")) > MAX_ID:
        raise SettingsError(f"--id must be at most {MAX_ID} bytes, got {len(id.encode())}")
    return id or f"cli-{secrets.token_hex(3)}"


def _make_absolute(name: str, value: str) -> str:
    """A file that is here, with its whole path; the daemon is at home somewhere else."""
    if names_file(name, value):
        with suppress(OSError):
            path = Path(_expand(name, value))
            return str(path.absolute()) if path.is_file() else value
    return value


def _expand(name: str, value: str) -> str:
    try:
        return expand_path(value)
    except ValueError as error:
        raise SettingsError(f"{name}: {error}") from error


class PlayClient:
    """Asks a daemon, and shows what comes: paths on stdout, the rest beside."""

    def __init__(self, locate: Locate, token: str = "", as_json: bool = False) -> None:
        self._locate = locate
        self._token = token
        self._as_json = as_json
        self._daemon = locate()
        self._shown: dict[tuple[object, ...], dict[str, object]] = {}  # the last of its kind
        self._line = ProgressLine(sys.stderr)

    def play(self, order: PendingOrder, wait: bool = True) -> int:
        """Until every job of it has ended, or with `wait` off was accepted. The exit status."""
        where = (self._daemon.host, self._daemon.port)
        with OscClient(where, self._token) as client:
            try:
                return self._play(client, order, wait)
            except KeyboardInterrupt:
                client.send("/ace/cancel", order.id)
                raise
            finally:
                self._line.clear()

    def _play(self, client: OscClient, order: PendingOrder, wait: bool) -> int:
        client.send(order.address, *order.arguments)
        tries = 1
        for told in follow(client, self._locate, REPEAT_SECONDS):
            if isinstance(told, Message):
                self._read(client, order, told)
            elif told is Turn.BACK:
                continue
            elif told is Turn.AWAY:
                return STOPPED
            elif told is Turn.GONE and order.is_answered:
                self._say("acestepd does not answer; what it accepted goes on once it runs again")
            elif told is Turn.GONE or tries == TRIES:
                where = f"UDP {self._daemon.host}:{self._daemon.port}"
                self._say(f"acestepd is not running: nobody answers on {where}; start it: acestepd")
                return STOPPED
            elif order.is_answered:
                client.send("/ace/query", order.id)  # for what was told in vain
            else:
                client.send(order.address, *order.arguments)
                tries += 1
            if not (order.waiting if wait else order.unaccepted):
                break
        return FAILED if order.has_failed else 0

    # --- what the daemon says ---------------------------------------------------------------------

    def _read(self, client: OscClient, order: PendingOrder, message: Message) -> None:
        row = to_json(message)
        id = str(row.get("id", ""))
        if row["event"] not in EVENTS or not order.is_about(id.strip("{}")):
            return
        if row["event"] != "fail":
            order.is_answered = True
            order.unaccepted.discard(id)
            self._show(message, row)
            if row["event"] in ("finished", "cancelled"):
                order.end(id, well=row["event"] == "finished")
        elif row["command"] == "/ace/query":
            if row["code"] == UNKNOWN:
                order.end(id.strip("{}"), well=False)
        elif row["code"] == OUTSIDE and self._copy_files(order):
            client.send(order.address, *order.arguments)
        else:
            order.is_answered = True
            self._show(message, row)
            _weigh(client, order, id, final=row["code"] == INVALID)

    def _copy_files(self, order: PendingOrder) -> bool:
        """Where the daemon may not read a file of this machine, give it a copy: in the folder that
        it keeps for that. False where there is nothing to copy.
        """
        if not is_here(self._daemon.host) or not self._daemon.out:
            return False
        copies = Path(self._daemon.out) / SOURCES
        arguments = list(order.arguments)
        first = 2 if order.address == REROLL else 1  # behind its id, and what it is a reroll of
        for index in range(first, len(arguments) - 1, 2):
            name, value = str(arguments[index]), str(arguments[index + 1])
            source = Path(value)
            if names_file(name, value) and source.is_file() and copies not in source.parents:
                arguments[index + 1] = str(copy_source(source, copies))
                self._say(f"{source} is copied to {copies}")
        has_copied = tuple(arguments) != order.arguments
        order.arguments = tuple(arguments)
        return has_copied

    # --- what is shown ----------------------------------------------------------------------------

    def _show(self, message: Message, row: dict[str, object]) -> None:
        """Once, though it is told again when it is asked for. `row`: the message's."""
        event = str(row["event"])
        key = (event, row["id"], row.get("path"), row.get("param"), row.get("text"))
        if self._shown.get(key) == row:
            return
        self._shown[key] = row
        if self._as_json:
            print_json(row)
        elif event == "clip":
            self._line.clear()
            print(row["path"], flush=True)
        elif event == "fail":
            hint = WORDLESS_HINT if row["message"] == NOTHING_TO_PLAY else row["hint"]
            self._say(f"{row['id']}: {row['message']}" + (f" ({hint})" if hint else ""))
        elif event == "note":
            self._say(f"{row['id']}: {row['text']}")
        elif event == "cancelled":
            self._say(f"{row['id']} was cancelled")
        elif event == "progress":
            id, fraction, stage, eta = message.arguments[:4]
            to_go = describe_eta(float(eta or 0))
            self._line.show(str(id), float(fraction or 0), str(stage), to_go)

    def _say(self, line: str) -> None:
        self._line.say(line)


def _weigh(client: OscClient, order: PendingOrder, id: str, final: bool) -> None:
    """A job that was accepted and failed may be one that is kept until its folder takes files
    again, where its failure is not `final`. A pattern matches only those: asked with one, the
    daemon fails the job again, or finds none.
    """
    if final or id not in order.waiting or id in order.unaccepted:
        order.end(id, well=False)
    elif id not in order.doubtful:
        order.doubtful.add(id)
        client.send("/ace/query", f"{{{id}}}")
    else:
        order.doubtful.discard(id)


def copy_source(source: Path, folder: Path) -> Path:
    """A copy under a name of its own, which it gets when it is whole. Raises `SettingsError`."""
    name = f"{source.stem[:80]}-{secrets.token_hex(4)}{source.suffix}"
    part = folder / f".{name}.part"
    try:
        make_private(folder)
        shutil.copyfile(source, part)
        os.replace(part, folder / name)
    except OSError as error:
        with suppress(OSError):
            part.unlink()
        raise SettingsError(f"cannot copy {source} to {folder}: {error.strerror}") from error
    return folder / name
