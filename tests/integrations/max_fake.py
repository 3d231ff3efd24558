"""A small Max: plays a patch's boxes and cords, with a Live of our own where it is a device.

It knows the objects that our patches use, as Cycling '74 describes them, and raises for any object
or message that it does not know. Of several cords of one outlet the order is free: tests play each
patch both ways. What Live refuses becomes a line on the console, as in Max.
"""

from __future__ import annotations

import math
import random
import re
import shlex
import socket
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import soundfile
from pythonosc.osc_message import OscMessage, ParseError

from tests.integrations.live_fake import LimitationError, Program
from tests.support.osc_client import encode_message

Atom = int | float | str
BANG: list[Atom] = ["bang"]
MAX_DEPTH = 300  # boxes in one chain: Max has a stack too
NUMBER = re.compile(r"-?(\d+|\d*\.\d+|\d+\.)")


class Refusal(Exception):
    """Max would write an error on its console, or do something else than meant."""


def parse_atoms(text: str) -> list[Atom]:
    words = shlex.shlex(text, posix=True)
    words.whitespace_split = True
    words.commenters = ""
    words.quotes = '"'
    return [parse_atom(word) for word in words]


def parse_atom(word: str) -> Atom:
    if not NUMBER.fullmatch(word):
        return word
    return float(word) if "." in word else int(word)


def write_atom(atom: Atom) -> str:
    return f"{atom:.6f}" if isinstance(atom, float) else str(atom)


def expect_number(atoms: list[Atom]) -> float | int:
    if len(atoms) != 1 or isinstance(atoms[0], str):
        raise Refusal(f"a number was expected, got {atoms}")
    return atoms[0]


def truncate(number: Atom) -> int:
    """As an int; what is no number of that kind is any: here 0."""
    assert not isinstance(number, str)
    return int(number) if math.isfinite(number) else 0


def convert(atom: Atom, kind: type) -> Atom:
    """To the type of another atom."""
    return truncate(atom) if kind is int else kind(atom)


def expect_symbol(atoms: list[Atom]) -> str:
    if len(atoms) != 1 or not isinstance(atoms[0], str):
        raise Refusal(f"a symbol was expected, got {atoms}")
    return atoms[0]


class Player:
    """One open patch. `daemon` is where its messages go; `live` the set that a device is in."""

    def __init__(
        self,
        patcher: dict[str, Any],
        daemon: tuple[str, int],
        live: Program | None = None,
        reverse: bool = False,
        count_answer: Callable[[str, int], list[Atom]] = lambda child, n: ["count", child, n],
        text_answer: Callable[[str], list[Atom]] = lambda text: ["text", text],
    ) -> None:
        self.daemon = daemon
        self.live = live
        self.count_answer = count_answer
        self.text_answer = text_answer
        self.console: list[str] = []
        self.sent: list[tuple[str, list[Atom]]] = []
        self.deferred: deque[Callable[[], None]] = deque()
        self.is_main_thread = True
        self.goes_on = False  # after a message that it does not understand, as Max does
        self.objects: list[Any] = [None]  # Live's, by id
        self.depth = 0
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.setblocking(False)
        self.port = 0  # that the patch believes it listens on
        self.boxes: dict[str, Box] = {}
        for wrapped in patcher["patcher"]["boxes"]:
            values = wrapped["box"]
            text = values.get("text", "")
            is_object = values["maxclass"] == "newobj"
            name = text.split()[0] if is_object else values["maxclass"]
            if name not in KINDS:
                raise Refusal(f"no such object: {name}")
            arguments = parse_atoms(text)[1:] if is_object else parse_atoms(text)
            self.boxes[values["id"]] = KINDS[name](self, name, arguments, values)
        for wrapped in patcher["patcher"]["lines"]:
            cord = wrapped["patchline"]
            source, outlet = cord["source"]
            target, inlet = cord["destination"]
            self.boxes[source].cords.append((outlet, self.boxes[target], inlet))
        if reverse:
            for box in self.boxes.values():
                box.cords.reverse()
        for box in self.boxes.values():
            box.load()
        for box in self.boxes.values():
            box.start()

    def close(self) -> None:
        for box in self.boxes.values():
            if isinstance(box, FreeBang):
                box.emit(0, BANG)
        self.socket.close()

    def find(self, name: str) -> Any:
        """The box of that variable name, object or kind."""
        (box,) = (
            box for box in self.boxes.values() if name in (box.values.get("varname"), box.name)
        )
        return box

    @property
    def status(self) -> str:
        """The text that the patch wrote there last."""
        box = self.find("status")
        return str(box.text) if box.was_set else ""

    def run(self) -> None:
        """Max's threads, once around: what came by UDP, and what was put off."""
        with suppress(BlockingIOError):
            while True:
                self._hear(self.socket.recv(65536))
        while self.deferred:
            self._try(self.deferred.popleft())

    def _hear(self, data: bytes) -> None:
        """A packet whose length is no multiple of 4 is dropped."""
        if len(data) % 4:
            return
        try:
            message = OscMessage(data)
        except (ParseError, UnicodeDecodeError):
            self.console.append("udpreceive: a bad packet")
            return
        if any(isinstance(value, bytes) for value in message.params):
            self.console.append("udpreceive: a blob, which is no atom")
            return
        receiver = self.find("udpreceive")
        self.is_main_thread = False
        self._try(lambda: receiver.emit(0, [message.address, *message.params]))
        self.is_main_thread = True

    def _try(self, act: Callable[[], None]) -> None:
        try:
            act()
        except Refusal as refusal:
            if not self.goes_on:
                raise
            self.console.append(str(refusal))

    def tick(self) -> None:
        """Ten seconds are over."""
        self.find("metro").ring()

    def wait(self) -> None:
        """So much time is over that every delay rings."""
        self.find("delay").ring()

    # --- Live's objects ---------------------------------------------------------------------------

    def find_object(self, path: list[Atom]) -> int:
        """The id of what the path leads to; 0 where there is nothing."""
        if not self.is_main_thread:
            raise Refusal("Live's objects are for the main thread")
        assert self.live is not None
        words = list(path)
        if words.pop(0) != "live_set":
            raise Refusal(f"no such path: {path}")
        found: Any = self.live.song()
        while words and found is not None:
            found = getattr(found, str(words.pop(0)))
            if isinstance(found, tuple):
                index = words.pop(0)
                assert isinstance(index, int)
                found = found[index] if index < len(found) else None
        return self.register(found)

    def register(self, found: Any) -> int:
        if found is None:
            return 0
        if found not in self.objects:
            self.objects.append(found)
        return self.objects.index(found)


class Box:
    """`load` when the patch is read, `start` when all of it is there."""

    def __init__(
        self, player: Player, name: str, arguments: list[Atom], values: dict[str, Any]
    ) -> None:
        self.player = player
        self.name = name
        self.arguments = arguments
        self.values = values
        self.cords: list[tuple[int, Box, int]] = []

    def load(self) -> None: ...

    def start(self) -> None: ...

    def receive(self, inlet: int, atoms: list[Atom]) -> None:
        raise Refusal(f"{self.name} does not understand {atoms}")

    def emit(self, outlet: int, atoms: list[Atom]) -> None:
        self.player.depth += 1
        if self.player.depth > MAX_DEPTH:
            raise Refusal("stack overflow")
        try:
            for number, target, inlet in self.cords:
                if number == outlet:
                    target.receive(inlet, list(atoms))
        finally:
            self.player.depth -= 1


class Trigger(Box):
    def receive(self, inlet: int, atoms: list[Atom]) -> None:
        for outlet in reversed(range(len(self.arguments))):
            kind = self.arguments[outlet]
            if kind == "b":
                self.emit(outlet, BANG)
            elif kind == "i":
                self.emit(outlet, [truncate(expect_number(atoms))])
            elif kind == "f":
                self.emit(outlet, [float(expect_number(atoms))])
            elif kind == "s":
                self.emit(outlet, [expect_symbol(atoms)])
            else:
                assert kind == "l"
                self.emit(outlet, atoms)


class Route(Box):
    def receive(self, inlet: int, atoms: list[Atom]) -> None:
        if atoms[0] in self.arguments:
            self.emit(self.arguments.index(atoms[0]), atoms[1:] or BANG)
        else:
            self.emit(len(self.arguments), atoms)


class Select(Box):
    def receive(self, inlet: int, atoms: list[Atom]) -> None:
        assert inlet == 0
        if len(atoms) == 1 and atoms[0] in self.arguments:
            self.emit(self.arguments.index(atoms[0]), BANG)
        else:
            self.emit(len(self.arguments), atoms)


class Unpack(Box):
    def receive(self, inlet: int, atoms: list[Atom]) -> None:
        for outlet in reversed(range(min(len(atoms), len(self.arguments)))):
            atom = atoms[outlet]
            if isinstance(self.arguments[outlet], str) != isinstance(atom, str):
                raise Refusal(f"unpack: {atom!r} at {outlet}")
            self.emit(outlet, [convert(atom, type(self.arguments[outlet]))])


class Pack(Box):
    def load(self) -> None:
        self.slots = list(self.arguments)

    def receive(self, inlet: int, atoms: list[Atom]) -> None:
        if atoms != BANG:
            for number, atom in enumerate(atoms, inlet):
                kind = type(self.arguments[number])
                if (kind is str) != isinstance(atom, str):
                    raise Refusal(f"pack: {atom!r} at {number}")
                self.slots[number] = convert(atom, kind)
        if inlet == 0:
            self.emit(0, self.slots)


class Prepend(Box):
    def receive(self, inlet: int, atoms: list[Atom]) -> None:
        if atoms == BANG:
            raise Refusal("prepend: bang")
        self.emit(0, [*self.arguments, *atoms])


class Sprintf(Box):
    def load(self) -> None:
        words = [write_atom(one) for one in self.arguments]
        self.makes_symbol = words[-1] == "symout"
        self.format = " ".join(words[:-1] if self.makes_symbol else words)
        self.kinds = re.findall(r"%(s|ld)", self.format)
        self.slots: list[Atom] = ["" if kind == "s" else 0 for kind in self.kinds]

    def receive(self, inlet: int, atoms: list[Atom]) -> None:
        if self.kinds[inlet] == "s":
            self.slots[inlet] = expect_symbol(atoms)
        else:
            self.slots[inlet] = truncate(expect_number(atoms))
        if inlet == 0:
            slots = iter(self.slots)
            text = re.sub(r"%(s|ld)", lambda _: str(next(slots)), self.format)
            is_list = not self.makes_symbol
            self.emit(0, [parse_atom(word) for word in text.split()] if is_list else [text])


class ToSymbol(Box):
    def receive(self, inlet: int, atoms: list[Atom]) -> None:
        if atoms != BANG:
            self.emit(0, [" ".join(map(write_atom, atoms))])


class Zl(Box):
    def load(self) -> None:
        self.mode, *self.more = self.arguments
        self.held: list[Atom] = []

    def receive(self, inlet: int, atoms: list[Atom]) -> None:
        if inlet == 1:
            self.held = atoms
        elif self.mode == "reg":
            if atoms != BANG:
                self.held = atoms
            if self.held:
                self.emit(0, self.held)
        elif self.mode == "join":
            self.emit(0, [*atoms, *self.held])
        elif self.mode == "rev":
            self.emit(0, atoms[::-1])
        elif self.mode == "len":
            self.emit(0, [len(atoms)])
        else:
            assert self.mode == "nth"
            place = self.more[0]
            assert isinstance(place, int)
            self.emit(0, [atoms[place - 1]])


class Int(Box):
    def load(self) -> None:
        self.number = truncate(expect_number(self.arguments))

    def receive(self, inlet: int, atoms: list[Atom]) -> None:
        if atoms != BANG:
            self.number = truncate(expect_number(atoms))
        if inlet == 0:
            self.emit(0, [self.number])


class Arithmetic(Box):
    def receive(self, inlet: int, atoms: list[Atom]) -> None:
        assert inlet == 0
        value, other = truncate(expect_number(atoms)), truncate(expect_number(self.arguments))
        self.emit(0, [value + other if self.name == "+" else max(value, other)])


class Expression(Box):
    def load(self) -> None:
        text = self.values["text"].removeprefix("expr ")
        assert re.fullmatch(r"(int|[$f\d .*/+()=-])+", text)
        self.code = re.sub(r"\$f(\d)", r"slots[\1 - 1]", text)
        self.slots = [0.0] * len(set(re.findall(r"\$f\d", text)))

    def receive(self, inlet: int, atoms: list[Atom]) -> None:
        self.slots[inlet] = float(expect_number(atoms))
        if inlet == 0:
            self.emit(0, [eval(self.code, {"slots": self.slots})])


class Coll(Box):
    def load(self) -> None:
        self.rows: dict[str, list[Atom]] = {}

    def receive(self, inlet: int, atoms: list[Atom]) -> None:
        if atoms[0] in ("store", "merge"):
            key = atoms[1]
            if not isinstance(key, str):
                raise Refusal(f"coll: a number as address: {key}")
            before = self.rows.get(key, []) if atoms[0] == "merge" else []
            self.rows[key] = [*before, *atoms[2:]]
            return
        key = expect_symbol(atoms)
        if key in ("clear", "dump", "next", "length", "bang", "open", "read", "write", "sort"):
            raise Refusal(f"coll: {key} is a message of its own")
        if key in self.rows:
            self.emit(0, self.rows[key])


class Uzi(Box):
    def receive(self, inlet: int, atoms: list[Atom]) -> None:
        assert inlet == 0
        base = self.arguments[1]
        assert isinstance(base, int)
        for number in range(truncate(expect_number(atoms))):
            self.emit(2, [base + number])
            self.emit(0, BANG)
        self.emit(1, BANG)


class Split(Box):
    def receive(self, inlet: int, atoms: list[Atom]) -> None:
        if inlet:
            self.arguments[inlet - 1] = expect_number(atoms)
            return
        low, high = (expect_number([one]) for one in self.arguments)
        self.emit(0 if low <= expect_number(atoms) <= high else 1, atoms)


class Gate(Box):
    def load(self) -> None:
        self.open = truncate(expect_number(self.arguments[1:] or [0]))

    def receive(self, inlet: int, atoms: list[Atom]) -> None:
        if inlet == 0:
            self.open = truncate(expect_number(atoms))
        elif self.open:
            self.emit(self.open - 1, atoms)


class Random(Box):
    def receive(self, inlet: int, atoms: list[Atom]) -> None:
        assert atoms == BANG
        self.emit(0, [random.randrange(truncate(expect_number(self.arguments)))])


class Metro(Box):
    is_running = False

    def receive(self, inlet: int, atoms: list[Atom]) -> None:
        assert atoms == BANG
        self.is_running = True
        self.emit(0, BANG)

    def ring(self) -> None:
        assert self.is_running
        self.emit(0, BANG)


class Delay(Box):
    is_running = False

    def receive(self, inlet: int, atoms: list[Atom]) -> None:
        assert atoms == BANG
        self.is_running = True

    def ring(self) -> None:
        if self.is_running:
            self.is_running = False
            self.emit(0, BANG)


class Message(Box):
    def receive(self, inlet: int, atoms: list[Atom]) -> None:
        assert inlet == 0
        if atoms[0] == "set":
            self.arguments = atoms[1:]
            return
        values = [] if atoms == BANG else atoms
        filled: list[Atom] = []
        for atom in self.arguments:
            if isinstance(atom, str) and re.fullmatch(r"\$\d", atom):
                filled.append(values[int(atom[1]) - 1])
            else:
                filled.append(atom)
        self.emit(0, filled)


class UdpSend(Box):
    def receive(self, inlet: int, atoms: list[Atom]) -> None:
        address, *values = atoms
        assert self.arguments == ["127.0.0.1", 9100]
        if not isinstance(address, str) or not address.startswith("/"):
            raise Refusal(f"udpsend: no address: {atoms}")
        player = self.player
        player.sent.append((address, list(values)))
        if address == "/ace/notify":
            assert values[1] == player.port, "answers would go to somebody else"
            values[1] = player.socket.getsockname()[1]
        player.socket.sendto(encode_message(address, *values), player.daemon)


class UdpReceive(Box):
    def load(self) -> None:
        self.player.port = truncate(expect_number(self.arguments))

    def receive(self, inlet: int, atoms: list[Atom]) -> None:
        word, number = atoms
        assert word == "port"
        self.player.port = truncate(expect_number([number]))


class DeferLow(Box):
    def receive(self, inlet: int, atoms: list[Atom]) -> None:
        self.player.deferred.append(lambda: self.emit(0, atoms))


class Start(Box):
    def start(self) -> None:
        self.emit(0, BANG)


class FreeBang(Box):
    """Rings when the patch is closed."""


class LivePath(Box):
    number = 0

    def receive(self, inlet: int, atoms: list[Atom]) -> None:
        word, *path = atoms
        if word == "goto":
            self.number = self.player.find_object(path)
            self.emit(1, ["id", self.number])
            self.emit(0, ["id", self.number])
        elif word == "getcount":
            (child,) = path
            children = getattr(self.player.objects[self.number], str(child))
            self.emit(2, self.player.count_answer(str(child), len(children)))
        else:
            raise Refusal(f"live.path: {atoms}")


class LiveObject(Box):
    number = 0

    def receive(self, inlet: int, atoms: list[Atom]) -> None:
        player = self.player
        if not player.is_main_thread:
            raise Refusal("Live's objects are for the main thread")
        if inlet == 1:
            assert atoms[0] == "id"
            self.number = truncate(expect_number(atoms[1:]))
            return
        found = player.objects[self.number]
        if found is None:
            player.console.append(f"live.object: no object for {atoms}")
            return
        word, name, *values = atoms
        try:
            answer = self._ask(found, str(word), str(name), values)
        except (AttributeError, RuntimeError, LimitationError) as error:
            player.console.append(f"live.object: {error}")
            return
        if answer is not None:
            self.emit(0, answer)

    def _ask(self, found: Any, word: str, name: str, values: list[Atom]) -> list[Atom] | None:
        if word == "get":
            value = getattr(found, name)
            if isinstance(value, bool):
                return [name, int(value)]
            if isinstance(value, int | float | str):
                return [name, value]
            return [name, "id", self.player.register(value)]
        if word == "set":
            (value,) = values
            was = getattr(found, name)
            setattr(found, name, bool(value) if isinstance(was, bool) else value)
            return None
        if word == "call":
            return [name, "id", self.player.register(getattr(found, name)(*values))]
        raise Refusal(f"live.object: {word}")


class LiveObserver(Box):
    number = 0

    watched = ""

    def receive(self, inlet: int, atoms: list[Atom]) -> None:
        if inlet == 1:
            assert atoms[0] == "id"
            self.number = truncate(expect_number(atoms[1:]))
            return
        if atoms != BANG:
            word, name = atoms
            assert word == "property"
            self.watched = str(name)
            found = self.player.objects[self.number]
            getattr(found, f"add_{self.watched}_listener")(self._tell)
        if self.watched:
            self._tell()

    def _tell(self) -> None:
        self.emit(0, [getattr(self.player.objects[self.number], self.watched)])


class NumberBox(Box):
    """number, flonum, live.numbox."""

    def load(self) -> None:
        saved = self.values.get("saved_attribute_attributes", {}).get("valueof", {})
        self.number: Atom = saved.get("parameter_initial", [0])[0]
        self.has_initial = bool(saved.get("parameter_initial_enable"))

    def start(self) -> None:
        if self.has_initial:
            self.emit(0, [self.number])

    def receive(self, inlet: int, atoms: list[Atom]) -> None:
        if atoms[0] == "set":
            self.number = expect_number(atoms[1:])
            return
        if atoms != BANG:
            self.number = expect_number(atoms)
        self.emit(0, [self.number])


class Button(Box):
    def press(self) -> None:
        self.emit(0, BANG)


class TextEdit(Box):
    text = ""

    def receive(self, inlet: int, atoms: list[Atom]) -> None:
        assert atoms == BANG
        self.emit(0, self.player.text_answer(self.text) if self.text else ["text"])


class Comment(Box):
    was_set = False

    def load(self) -> None:
        self.text = self.values.get("text", "")

    def receive(self, inlet: int, atoms: list[Atom]) -> None:
        assert atoms[0] == "set"
        self.text = " ".join(map(write_atom, atoms[1:]))
        self.was_set = True


class Slider(Box):
    value = 0.0

    def receive(self, inlet: int, atoms: list[Atom]) -> None:
        self.value = float(expect_number(atoms))


class Buffer(Box):
    path = ""
    frames = 0

    def receive(self, inlet: int, atoms: list[Atom]) -> None:
        word, path = atoms
        assert word == "replace"
        self.path = str(path)
        self.frames = soundfile.info(Path(self.path)).frames
        self.player.deferred.append(lambda: self.emit(1, BANG))


class Groove(Box):
    is_looping = False
    is_playing = False

    def receive(self, inlet: int, atoms: list[Atom]) -> None:
        if atoms == ["loop", 1]:
            self.is_looping = True
        elif atoms == ["startloop"]:
            self.is_playing = True
        else:
            super().receive(inlet, atoms)


class Silent(Box):
    """Signals only."""


KINDS: dict[str, type[Box]] = {
    "trigger": Trigger,
    "route": Route,
    "sel": Select,
    "unpack": Unpack,
    "pack": Pack,
    "prepend": Prepend,
    "sprintf": Sprintf,
    "tosymbol": ToSymbol,
    "zl": Zl,
    "int": Int,
    "+": Arithmetic,
    "maximum": Arithmetic,
    "expr": Expression,
    "coll": Coll,
    "uzi": Uzi,
    "split": Split,
    "gate": Gate,
    "random": Random,
    "metro": Metro,
    "delay": Delay,
    "freebang": FreeBang,
    "message": Message,
    "udpsend": UdpSend,
    "udpreceive": UdpReceive,
    "deferlow": DeferLow,
    "live.thisdevice": Start,
    "loadbang": Start,
    "live.path": LivePath,
    "live.object": LiveObject,
    "live.observer": LiveObserver,
    "live.numbox": NumberBox,
    "number": NumberBox,
    "flonum": NumberBox,
    "live.button": Button,
    "button": Button,
    "textedit": TextEdit,
    "comment": Comment,
    "live.comment": Silent,
    "slider": Slider,
    "buffer~": Buffer,
    "groove~": Groove,
    "toggle": Silent,
    "plugin~": Silent,
    "plugout~": Silent,
    "sig~": Silent,
    "dac~": Silent,
}
