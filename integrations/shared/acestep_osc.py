"""acestepd over OSC, for programs that embed Python 3.7 or newer: no threads and no waiting.

Call `Client.poll` from a timer. It reads what came, keeps the daemon's attention, and finds it
again after a restart. `Takes` gathers the files of a take until it is to be put in.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import socket
import struct
import time
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, Callable, NamedTuple

if TYPE_CHECKING:
    from typing import Union

    Value = Union[int, float, str]
    Message = tuple[str, list[Value]]  # address and arguments

DEFAULT_ADDRESS = ("127.0.0.1", 9100)
DEFAULT_STATE = os.path.join("~", ".local", "state", "acestepd")
STATE_FILE = "state.txt"  # beside this file: another state folder, in its first line
LOCK = "acestepd.lock"

PING_SECONDS = 2.0
MISSED_PINGS = 3  # so many in a row and the daemon is gone
MAX_DATAGRAM = 65535  # bytes
MAX_DATAGRAMS = 256  # of one `poll`: whoever floods the port must not hold up the program
RECEIVE_BUFFER = 1 << 20  # bytes; a program that loads a set does not read for a while
MAX_TAKES = 64
MAX_MANIFEST = 4 << 20  # bytes
MIX = "mix"

# --- messages -------------------------------------------------------------------------------------


def encode(address: str, *arguments: Value) -> bytes:
    """An OSC message of i, f and s. Raises ValueError for a number that does not fit."""
    types = ","
    body = b""
    for argument in arguments:
        try:
            if isinstance(argument, str):
                types += "s"
                body += _pad(argument)
            elif isinstance(argument, int):
                types += "i"
                body += struct.pack(">i", argument)
            else:
                types += "f"
                body += struct.pack(">f", argument)
        except (struct.error, OverflowError) as error:
            raise ValueError(f"{argument!r} does not fit: {error}") from error
    return _pad(address) + _pad(types) + body


def decode(packet: bytes) -> Message | None:
    """The message in a datagram; None for anything that acestepd does not send."""
    try:
        address, rest = _split_text(packet)
        types, rest = _split_text(rest)
        if not address.startswith("/") or not types.startswith(","):
            return None
        arguments: list[Value] = []
        for kind in types[1:]:
            value, rest = _READERS[kind](rest)
            arguments.append(value)
        return None if rest else (address, arguments)
    except (KeyError, ValueError, struct.error):
        return None


def matches(arguments: list[Value], types: str) -> bool:
    """Whether arguments are of these types, like "siis"."""
    kinds = {"s": str, "i": int, "f": float}
    return len(arguments) == len(types) and all(
        isinstance(argument, kinds[kind]) for argument, kind in zip(arguments, types)
    )


def _pad(text: str) -> bytes:
    data = text.replace("\0", "").encode("utf-8", "replace") + b"\0"
    return data + b"\0" * (-len(data) % 4)


def _split_text(data: bytes) -> tuple[str, bytes]:
    end = data.index(b"\0")
    size = end + 4 - end % 4
    if size > len(data):
        raise ValueError("cut off")
    return data[:end].decode("utf-8", "replace"), data[size:]


def _split_int(data: bytes) -> tuple[int, bytes]:
    return struct.unpack(">i", data[:4])[0], data[4:]


def _split_float(data: bytes) -> tuple[float, bytes]:
    return struct.unpack(">f", data[:4])[0], data[4:]


_READERS: dict[str, Callable[[bytes], tuple[Value, bytes]]] = {
    "i": _split_int,
    "f": _split_float,
    "s": _split_text,
}

# --- where the daemon is --------------------------------------------------------------------------


class DaemonAddress(NamedTuple):
    """Where a daemon listens. `out` is "" where it does not say it; `pid` and `started` tell one
    run of it from the next.
    """

    address: tuple[str, int] = DEFAULT_ADDRESS
    out: str = ""
    pid: int = 0
    started: float = 0.0


def find_state() -> str:
    """The daemon's state folder: the one in `state.txt` beside this file, or the usual one."""
    here = os.path.dirname(os.path.abspath(__file__))
    folder = (_read(os.path.join(here, STATE_FILE), 4096) or b"").decode("utf-8", "replace")
    lines = folder.splitlines()
    return os.path.expanduser(lines[0].strip() if lines and lines[0].strip() else DEFAULT_STATE)


def find_daemon(state: str) -> DaemonAddress:
    """What the lock file in its state folder says; the usual port where there is none."""
    try:
        lock = json.loads(_read(os.path.join(state, LOCK), 65536) or b"")
        port = lock["port"]
        host = lock.get("host") or DEFAULT_ADDRESS[0]
        if not isinstance(port, int) or not 0 < port < 65536 or not isinstance(host, str):
            return DaemonAddress()
        if host in ("0.0.0.0", "::", "localhost"):
            host = DEFAULT_ADDRESS[0]
        socket.inet_aton(host)  # a name would have to be looked up, which takes its time
        out = lock.get("out")
        return DaemonAddress(
            (host, port),
            out if isinstance(out, str) else "",
            int(lock.get("pid") or 0),
            float(lock.get("started") or 0.0),
        )
    except (OSError, ValueError, LookupError, TypeError, AttributeError, ArithmeticError):
        return DaemonAddress()
    except RecursionError:  # of JSON
        return DaemonAddress()


def _read(path: str, limit: int) -> bytes | None:
    """A small file; None where there is none, or more of it than that."""
    try:
        with open(path, "rb") as file:
            data = file.read(limit + 1)
    except (OSError, ValueError):
        return None
    return data if len(data) <= limit else None


# --- the client -----------------------------------------------------------------------------------


class Client:
    """A named client of the daemon, which hears of `topics`: "clip finished insert".

    `is_there` says whether the daemon answers. A daemon forgets its clients when it is started
    again; so whenever a ping is not answered, or the lock file names another process, the client
    makes itself known again. The answer, `/ace/done` with "/ace/notify", is among what `poll`
    returns: send then what the daemon should know, such as the tempo.
    """

    def __init__(
        self,
        name: str,
        topics: str,
        state: str = "",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self.topics = topics
        self.is_there = False
        self.daemon = DaemonAddress()
        self._state = state or find_state()
        self._clock = clock
        self._pinged = -math.inf
        self._unanswered = 0
        self._is_subscribed = False
        self._is_closed = False
        self._socket = _open_socket(self.daemon)

    def send(self, address: str, *arguments: Value) -> bool:
        """Whether it could be sent; whether it arrives is for the daemon to answer."""
        if self._is_closed:
            return False
        try:
            self._socket.sendto(encode(address, *arguments), self.daemon.address)
        except (OSError, ValueError):
            return False
        return True

    def poll(self) -> list[Message]:
        """What the daemon sent since the last time."""
        if self._is_closed:
            return []
        messages = self._receive()
        if self._clock() - self._pinged >= PING_SECONDS:
            self._ping()
        return messages

    def close(self) -> None:
        """Take leave of the daemon, and close the socket."""
        if self._is_closed:
            return
        self.send("/ace/notify", 0)
        self._socket.close()
        self._is_closed = True
        self.is_there = False

    def _ping(self) -> None:
        daemon = find_daemon(self._state)
        if daemon != self.daemon or self._unanswered:
            self._is_subscribed = False
        if _bind_host(daemon) != _bind_host(self.daemon):
            self._socket.close()
            self._socket = _open_socket(daemon)
        self.daemon = daemon
        if self._unanswered >= MISSED_PINGS:
            self.is_there = False
        if self._is_subscribed:
            self.send("/ace/ping", self.name)
        else:
            self.send("/ace/notify", 1, 0, self.topics, self.name)
        self._unanswered += 1
        self._pinged = self._clock()

    def _receive(self) -> list[Message]:
        messages = []
        for _ in range(MAX_DATAGRAMS):
            try:
                packet, sender = self._socket.recvfrom(MAX_DATAGRAM)
            except ConnectionResetError:
                continue  # Windows: nobody listens where something was sent to
            except OSError:
                break  # nothing more is there
            message = decode(packet) if sender == self.daemon.address else None
            if message is not None:
                self._note(*message)
                messages.append(message)
        return messages

    def _note(self, address: str, arguments: list[Value]) -> None:
        self.is_there = True
        if address == "/ace/pong":
            self._unanswered = 0
        elif address == "/ace/done" and arguments[:1] == ["/ace/notify"]:
            self._unanswered = 0
            self._is_subscribed = True


def _bind_host(daemon: DaemonAddress) -> str:
    """Nobody else's machine can reach what is bound to loopback."""
    host = daemon.address[0]
    return DEFAULT_ADDRESS[0] if host.startswith("127.") else ""


def _open_socket(daemon: DaemonAddress) -> socket.socket:
    opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    opened.setblocking(False)
    with contextlib.suppress(OSError):
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
    opened.bind((_bind_host(daemon), 0))
    return opened


# --- takes ----------------------------------------------------------------------------------------


class ClipFile(NamedTuple):
    """A file of a take; its stem is "mix", "drums", "rest"."""

    stem: str
    path: str


class Take(NamedTuple):
    """What is known of a take: 0 and "" where it is not. `beats` are quarter notes, of all of it;
    `bars` is 0 for a take that was not made in bars. The mix is the first of `clips`.
    """

    id: str
    clips: list[ClipFile]
    bpm: float = 0.0
    bars: int = 0
    beats: float = 0.0
    prompt: str = ""


class Insert(NamedTuple):
    """A take that is to be put in, and where: -1 is where the cursor is."""

    take: Take
    track: int
    slot: int
    path: str  # of the mix; the same path is the same take


class Takes:
    """Gathers the files of takes, as `/ace/clip` tells them, until `/ace/insert` names one."""

    def __init__(self) -> None:
        self._takes: OrderedDict[str, Take] = OrderedDict()

    def hear(self, address: str, arguments: list[Value]) -> Insert | None:
        """Takes any message of the daemon."""
        if address == "/ace/clip" and matches(arguments, "sssfis"):
            self._collect(*arguments)  # type: ignore[arg-type]
        elif address == "/ace/insert" and matches(arguments, "siis"):
            id, track, slot, path = arguments
            take = self._takes.get(_base_of(str(path), MIX), Take(str(id), []))
            take = describe(take._replace(id=str(id)), str(path))
            return Insert(take, int(track), int(slot), str(path))
        return None

    def _collect(self, id: str, stem: str, path: str, bpm: float, bars: int, seed: str) -> None:
        # By the name that a take's files share, as two clients may use the same id.
        base = _base_of(path, stem)
        take = self._takes.pop(base, None) or Take(id, [], bpm, bars)
        if path not in [clip.path for clip in take.clips]:
            take.clips.append(ClipFile(stem, path))
        self._takes[base] = take
        while len(self._takes) > MAX_TAKES:
            self._takes.popitem(last=False)


def describe(take: Take, mix: str) -> Take:
    """The take with what its manifest says, which lies beside the mix: also files of which no
    message came.
    """
    manifest = read_manifest(_base_of(mix, MIX) + ".json")
    request = _get_dict(manifest, "request")
    told = [part for part in _get_list(manifest, "clips") if isinstance(part, dict)]
    clips = OrderedDict([(mix, ClipFile(MIX, mix))])
    for clip in take.clips:
        clips.setdefault(clip.path, clip)
    for part in told:
        stem, file = part.get("stem"), part.get("file")
        if isinstance(stem, str) and isinstance(file, str) and file:
            path = os.path.join(os.path.dirname(mix), os.path.basename(file))
            clips.setdefault(path, ClipFile(stem, path))
    bpm = _get_number(request, "bpm") or take.bpm
    bars = int(_get_number(request, "bars")) or take.bars
    return take._replace(
        clips=list(clips.values()),
        bpm=bpm,
        bars=bars,
        beats=_count_beats(request, told[0] if told else {}, bpm, bars) if request else 0.0,
        prompt=str(request.get("name") or request.get("prompt") or ""),
    )


def read_manifest(path: str) -> dict[str, Any]:
    """The JSON beside a take's files; empty where it cannot be read."""
    try:
        manifest = json.loads(_read(path, MAX_MANIFEST) or b"")
    except (ValueError, RecursionError):
        return {}
    return manifest if isinstance(manifest, dict) else {}


def find_take_id(path: str) -> str:
    """The id of the take that a file is of, be it mix or stem; "" where it is of none."""
    folder, name = os.path.split(path)
    base = os.path.splitext(name)[0]
    while base:  # X_backing_vocals.wav lies beside X.json
        manifest = read_manifest(os.path.join(folder, base + ".json"))
        clips = _get_list(manifest, "clips")
        if any(isinstance(clip, dict) and clip.get("file") == name for clip in clips):
            return str(manifest.get("id") or "")
        base = base.rpartition("_")[0]
    return ""


def _base_of(path: str, stem: str) -> str:
    """What the names of a take's files begin with."""
    base = os.path.splitext(path)[0]
    ending = "_" + stem
    return base[: -len(ending)] if stem != MIX and base.endswith(ending) else base


def _count_beats(request: dict[str, Any], clip: dict[str, Any], bpm: float, bars: int) -> float:
    """The quarter notes of a take: 6/8 has three in a bar, and so has "6", but for older takes."""
    if bars:
        count, _, unit = str(request.get("time_signature") or "4/4").partition("/")
        is_eighths = count == "6" and "read_prompt" in request
        try:
            metre = float(count) * 4 / float(unit or (8 if is_eighths else 4))
        except (ValueError, ZeroDivisionError):
            metre = 4.0
        return bars * (_get_number(request, "beats_per_bar") or metre)
    rate = _get_number(clip, "sample_rate")
    return _get_number(clip, "samples") / rate * bpm / 60 if rate > 0 else 0.0


def _get_dict(data: dict[str, Any], name: str) -> dict[str, Any]:
    value = data.get(name)
    return value if isinstance(value, dict) else {}


def _get_list(data: dict[str, Any], name: str) -> list[Any]:
    value = data.get(name)
    return value if isinstance(value, list) else []


def _get_number(data: dict[str, Any], name: str) -> float:
    value = data.get(name)
    if isinstance(value, (int, float)) and abs(value) < 1e12:  # no NaN either
        return float(value)
    return 0.0
