"""`acestepd send`: any message of the protocol, and everything that is answered."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable, Sequence

from ..osc.command_table import COMMANDS
from ..osc.outgoing import EVENTS
from ..osc.wire import Message, Value
from ..runtime.lines import escape_line
from ..settings import SettingsError
from .client import Locate, OscClient, Turn, follow, format_message, print_json, say, to_json
from .status import STOPPED

FAILED = 1  # exit status, also of what was cancelled
PAUSE_SECONDS = 1.0  # of silence, after which what was told may have been lost
PATIENCE = 30.0  # seconds that a command may take that starts nothing
ENDS = ("finished", "cancelled", "fail")  # events behind which nothing more comes of a job
ENDING = ("/ace/cancel", "/ace/panic")  # of these, a job that is cancelled is no failure
Describe = Callable[[Message], str]  # a line for people

SYNC = 1_001_000  # a number that nobody else counts to


def send(
    locate: Locate,
    token: str,
    address: str,
    values: Sequence[Value],
    as_json: bool = False,
    describe: Describe = format_message,
) -> int:
    """Send one message, and print what is answered until it is handled and every job that it
    started has ended; of what `describe` makes an empty text, nothing. The exit status. Raises
    `SettingsError` for what is no address.
    """
    if not address.startswith("/"):
        raise SettingsError(f"an address begins with /, like /ace/ping, got {address[:40]!r}")
    found = locate()
    with OscClient((found.host, found.port), token) as client:
        return _Conversation(locate, client, address, as_json, describe).run(values)


def describe_answer(message: Message) -> str:
    """For people, what is answered to /ace/favourite and /ace/cancel."""
    row = to_json(message)
    match row["event"]:
        case "favourite":
            return f"{row['id']} is {'a' if row['on'] else 'no'} favourite: {row['path']}"
        case "cancelled":
            return f"{row['id']} was cancelled"
        case "fail":
            hint = f" ({row['hint']})" if row["hint"] else ""
            return escape_line(f"{row['message']}{hint}")
        case "done":
            return ""
    return format_message(message)


def infer_values(words: Sequence[str], types: str = "") -> list[Value]:
    """Words of a command line as the arguments of a message: whole numbers of 32 bits, numbers,
    else text. `types`, like "ssfi", says it instead. Raises `SettingsError`.
    """
    if not types:
        return [_infer_value(word) for word in words]
    if set(types) - set("sif"):
        raise SettingsError(f"--types has the letters s, i and f, got {types[:40]!r}")
    if len(types) != len(words):
        raise SettingsError(f"--types is for {len(types)} arguments, and there are {len(words)}")
    return [_convert(word, tag) for word, tag in zip(words, types)]


def _infer_value(word: str) -> Value:
    if re.fullmatch(r"[+-]?[0-9]{1,10}", word) and -(2**31) <= int(word) < 2**31:
        return int(word)
    if re.fullmatch(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:e[+-]?[0-9]+)?", word, re.IGNORECASE):
        number = float(word)
        # 32 bits hold no more than this; and a long row of digits is a name, or a seed
        if math.isfinite(number) and abs(number) < 2**31:
            return number
    return word


def _convert(word: str, tag: str) -> Value:
    if tag == "s":
        return word
    try:
        return int(word) if tag == "i" else float(word)
    except ValueError:
        kind = "a whole number" if tag == "i" else "a number"
        raise SettingsError(f"--types says {kind}, got {word[:40]!r}") from None


class _Conversation:
    """What has been said so far."""

    def __init__(
        self,
        locate: Locate,
        client: OscClient,
        address: str,
        as_json: bool,
        describe: Describe,
    ) -> None:
        self._describe = describe
        self._locate = locate
        self._client = client
        self._address = address
        self._as_json = as_json
        # the last answer to a command of the table, which may come after that to /ace/sync
        answer = COMMANDS[address].answer if address in COMMANDS else ""
        self._last = next((name for name in ("done", "queued") if f"/ace/{name}" in answer), "")
        self._is_handled = False
        self._has_answered = not self._last
        self._has_failed = False
        self._waiting: set[str] = set()  # jobs that have not ended
        self._queued: set[str] = set()  # all jobs
        self._shown: set[Message] = set()  # of jobs

    def run(self, values: Sequence[Value]) -> int:
        self._client.send(self._address, *values)
        self._client.send("/ace/sync", SYNC)
        started = time.monotonic()
        for told in follow(self._client, self._locate, PAUSE_SECONDS):
            if isinstance(told, Message):
                self._read(told)
            elif told is Turn.GONE and not self._is_handled:
                say("acestepd is not running: nobody answers; start it: acestepd")
                return STOPPED
            elif told is Turn.AWAY:
                return STOPPED
            elif told is Turn.GONE:
                say("acestepd does not answer; what it accepted goes on once it runs again")
            else:
                self._ask_again()
            is_told = self._has_answered or time.monotonic() - started > PATIENCE
            if self._is_handled and is_told and not self._waiting:
                break
        return FAILED if self._has_failed else 0

    def _ask_again(self) -> None:
        """For what was told in vain. The message itself is not repeated: it may have been heard."""
        if not self._is_handled:
            self._client.send("/ace/sync", SYNC)
        for id in self._waiting:
            self._client.send("/ace/query", id)

    def _read(self, message: Message) -> None:
        kind = message.address.removeprefix("/ace/")
        row = to_json(message)
        id = str(row.get("id", ""))
        if message.address == "/ace/synced" and message.arguments[0] == SYNC:
            self._is_handled = True
            return
        if message.address == "/ace/pong" and self._address != "/ace/ping":
            return  # it was asked whether it is still there
        self._has_answered |= kind in (self._last, "fail")
        if kind == "queued" and id not in self._queued:
            self._queued.add(id)
            self._waiting.add(id)
        if kind in ENDS:
            self._waiting.discard(id)
            is_wanted = kind == "cancelled" and self._address in ENDING
            self._has_failed |= kind != "finished" and not is_wanted
        self._show(kind, id, message)

    def _show(self, kind: str, id: str, message: Message) -> None:
        """Once, though it is told again when it is asked for."""
        if kind in EVENTS and id:
            if message in self._shown:
                return
            self._shown.add(message)
        if self._as_json:
            print_json(to_json(message))
        elif text := self._describe(message):
            print(text, flush=True)
