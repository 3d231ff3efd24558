"""The patches of integrations/max, from one description: `python -m tests.tools.max_patches` writes
them.

A patch is boxes and cords, as Max's JSON. The device of Max for Live and the patcher for Max alone
share what talks with acestepd; each has its own way to play a clip. No box may depend on the order
in which several cords of one outlet are served: where order counts, a `trigger` says it.
"""

from __future__ import annotations

import itertools
import json
import re
import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[2] / "integrations" / "max"
# The first device listens on the first of these ports, the second on 9120, the third on 9121
DEVICE = ("max", 9110, 9120)
PATCHER = ("maxpatch", 9130, 9140)
SILENCE = 25_000  # ms after which acestepd does not answer: it does so every ten seconds
HEIGHT = 169.0  # of a device's view in Live
WIDTH = 330.0
AUDIO_EFFECT = b"aaaa"
# what fails of them and is about no job is shown: of others' it cannot be told apart
OWN_COMMANDS = (
    "/ace/favourite",
    "/ace/bank/undo",
    "/ace/bank/redo",
    "/ace/insert",
    "/ace/notify",
    "/ace/tempo",
    "/ace/set/time_signature",
    "/ace/set/beats_per_bar",
)
METRES = ("2", "3", "4", "6")  # numerators that acestepd knows over any unit but 1
OTHER_METRES = ("5", *map(str, range(7, 17)))  # and those that it knows over 4 and 8
QUARTERS = "($f1 * 4. / $f2)"  # in a bar
NO_METRE = '/ace/set/time_signature ""'
NO_LENGTH = "/ace/set/beats_per_bar 0"

# What each box has: inlets, and the type of each outlet ("" for messages). Boxes whose cords follow
# from their arguments are in `_count_cords`.
BOXES: dict[str, tuple[int, tuple[str, ...]]] = {
    "deferlow": (1, ("",)),
    "udpreceive": (1, ("",)),
    "udpsend": (1, ()),
    "live.thisdevice": (1, ("bang", "int", "int")),
    "live.path": (1, ("", "", "")),
    "live.object": (2, ("",)),
    "live.observer": (2, ("", "")),
    "loadbang": (1, ("bang",)),
    "metro": (2, ("bang",)),
    "delay": (2, ("bang",)),
    "freebang": (1, ("bang",)),
    "random": (2, ("int",)),
    "tosymbol": (1, ("",)),
    "prepend": (1, ("",)),
    "zl": (2, ("", "")),
    "int": (2, ("int",)),
    "+": (2, ("int",)),
    "maximum": (2, ("int", "int")),
    "coll": (1, ("", "", "", "")),
    "uzi": (2, ("bang", "bang", "int")),
    "split": (3, ("int", "int")),
    "plugin~": (2, ("signal", "signal")),
    "plugout~": (2, ("signal", "signal")),
    "buffer~": (1, ("float", "bang")),
    "groove~": (3, ("signal", "signal", "signal")),
    "sig~": (1, ("signal",)),
    "dac~": (2, ()),
    "live.numbox": (1, ("", "float")),
    "live.button": (1, ("",)),
    "live.comment": (1, ()),
    "textedit": (1, ("", "int", "", "")),
    "comment": (1, ()),
    "slider": (1, ("",)),
    "message": (2, ("",)),
    "number": (1, ("", "bang")),
    "flonum": (1, ("", "bang")),
    "button": (1, ("bang",)),
    "bpatcher": (0, ()),
    "toggle": (1, ("int",)),
}
_TRIGGERS = {"b": "bang", "i": "int", "f": "float", "s": "", "l": ""}


@dataclass(frozen=True)
class Box:
    id: str
    name: str  # of its object
    inlets: int
    outlets: tuple[str, ...]


@dataclass
class Patch:
    """Boxes in columns, each below the one before it, and the cords between them."""

    boxes: list[dict[str, Any]] = field(default_factory=list)
    lines: list[dict[str, Any]] = field(default_factory=list)
    parameters: dict[str, list[Any]] = field(default_factory=dict)
    _column: int = -1
    _row: int = 0

    def begin_column(self, title: str) -> None:
        """What follows belongs together, and is called so."""
        self._column += 1
        self._row = 0
        self.add("comment", title)

    def add(self, kind: str, text: str = "", **attributes: Any) -> Box:
        """A box of its own kind; `object` is one that is known by its text."""
        words = text.split()
        name = words[0] if kind == "object" else kind
        inlets, outlets = _count_cords(name, words[1:])
        box = Box(f"obj-{len(self.boxes) + 1}", name, inlets, outlets)
        place = [20.0 + 250 * self._column, 20.0 + 32 * self._row, 230.0, 22.0]
        self._row += 1
        values: dict[str, Any] = {
            "id": box.id,
            "maxclass": "newobj" if kind == "object" else kind,
            "numinlets": inlets,
            "numoutlets": len(outlets),
            "outlettype": list(outlets),
            "patching_rect": place,
        }
        if text:
            values["text"] = text
        self.boxes.append({"box": values | attributes})
        return box

    def object(self, text: str) -> Box:
        return self.add("object", text)

    def message(self, text: str) -> Box:
        return self.add("message", text)

    def connect(self, source: Box, target: Box, outlet: int = 0, inlet: int = 0) -> None:
        assert outlet < len(source.outlets), f"{source.name} has no outlet {outlet}"
        assert inlet < target.inlets, f"{target.name} has no inlet {inlet}"
        cord = {"source": [source.id, outlet], "destination": [target.id, inlet]}
        self.lines.append({"patchline": cord})

    def chain(self, *boxes: Box) -> Box:
        """From the first outlet of each to the first inlet of the next; the last one."""
        for source, target in itertools.pairwise(boxes):
            self.connect(source, target)
        return boxes[-1]

    def change(self, box: Box, **attributes: Any) -> None:
        self.boxes[int(box.id.removeprefix("obj-")) - 1]["box"].update(attributes)

    def place(self, rect: list[float]) -> None:
        """Where the newest box is."""
        self.boxes[-1]["box"]["patching_rect"] = rect

    def build(self, **attributes: Any) -> dict[str, Any]:
        """Max's JSON."""
        return {
            "patcher": {
                "fileversion": 1,
                "appversion": {
                    "major": 8,
                    "minor": 5,
                    "revision": 8,
                    "architecture": "x64",
                    "modernui": 1,
                },
                "classnamespace": "box",
                "rect": [60.0, 90.0, 1300.0, 800.0],
                "boxes": self.boxes,
                "lines": self.lines,
                "parameters": self.parameters,
                "dependency_cache": [],
                "autosave": 0,
                **attributes,
            }
        }


def _count_cords(name: str, arguments: list[str]) -> tuple[int, tuple[str, ...]]:
    count = len(arguments)
    if name == "trigger":
        return 1, tuple(_TRIGGERS[one] for one in arguments)
    if name == "route":
        return 1, ("",) * (count + 1)
    if name == "sel":
        return 2 if count == 1 else 1, (*("bang",) * count, "")
    if name == "unpack":
        return 1, tuple(_name_type(one) for one in arguments)
    if name == "pack":
        return count, ("",)
    if name == "sprintf":
        return " ".join(arguments).count("%"), ("",)
    if name == "expr":
        return len(set(re.findall(r"\$f\d", " ".join(arguments)))), ("",)
    if name == "gate":
        return 2, ("",) * int(arguments[0])
    return BOXES[name]


def _name_type(argument: str) -> str:
    if argument == "s":
        return ""
    return "float" if "." in argument else "int"


# --- what both have -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Surface:
    """What a musician sees and turns."""

    prompt: Box
    bars: Box
    seed: Box
    go: Box
    reroll: Box
    heart: Box
    undo: Box  # of the pads' bank, as the next one
    redo: Box
    progress: Box
    status: Box
    preparing: Box
    number: Box  # which of several devices this is: 1, 2, ...


@dataclass(frozen=True)
class Network:
    send: Box  # where messages go
    heard: Box  # its first outlet is what comes
    name: Box  # its outlets 1 and 2 are what acestepd calls this device
    tick: Box  # its last outlet rings every ten seconds


def add_network(
    patch: Patch,
    surface: Surface,
    show: Box,
    place: tuple[str, int, int],
    topics: str,
    start: Box,
    outlet: int = 0,
) -> Network:
    """Listen, and say so again and again: a daemon that was restarted has forgotten it."""
    first_name, first_port, next_port = place
    patch.begin_column("acestepd hears of us every ten seconds")
    send = patch.object("udpsend 127.0.0.1 9100")
    begin = patch.object("trigger b b b")
    patch.connect(start, begin, outlet)
    patch.connect(begin, surface.number, 2)
    ticks = patch.object("metro 10000")
    patch.connect(begin, ticks, 1)
    is_first = patch.object("sel 1")
    patch.connect(surface.number, is_first)
    first = patch.object("trigger b b")
    patch.connect(is_first, first)
    other = patch.object("trigger i i")
    patch.connect(is_first, other, 1)
    name = patch.message(first_name)
    set_name = patch.object("prepend set")
    patch.connect(first, own_name := patch.message(first_name), 1)
    patch.connect(other, other_name := patch.object(f"sprintf {first_name}%ld symout"), 1)
    for words in (own_name, other_name):
        patch.chain(words, set_name)
    patch.connect(set_name, name)
    ports = patch.object("trigger i i i")
    patch.chain(first, patch.message(str(first_port)), ports)
    patch.chain(other, patch.object(f"+ {next_port - 2}"), ports)
    listen = patch.object("prepend port")
    receive = patch.object(f"udpreceive {first_port}")
    patch.connect(ports, listen, 2)
    patch.connect(listen, receive)
    kept_port = patch.object(f"int {first_port}")
    patch.connect(ports, kept_port, 1, 1)
    last_port = patch.object(f"int {first_port}")
    patch.connect(ports, last_port, 0, 1)
    tick = patch.object("trigger b b b")
    patch.connect(ticks, tick)
    who = patch.object("pack 0 s")
    names = patch.object("trigger l l l")
    patch.connect(tick, name, 1)
    patch.connect(name, names)
    patch.connect(names, who, 0, 1)
    patch.connect(tick, kept_port)
    notify = patch.message(f'/ace/notify 1 $1 "{topics}" $2')
    patch.chain(kept_port, who, notify, send)
    end = patch.object("freebang")
    patch.chain(end, last_port, patch.message("/ace/notify 0 $1"), send)

    patch.begin_column("whether acestepd answers")
    deferred = patch.object("deferlow")  # Live wants to be spoken to from the main thread
    heard = patch.object("trigger l b b")
    patch.chain(receive, deferred, heard)
    silence = patch.object(f"delay {SILENCE}")
    patch.connect(begin, silence)
    patch.connect(heard, silence, 1)
    is_gone = patch.object("int 0")
    gone = patch.object("trigger b b")
    patch.connect(silence, gone)
    patch.connect(gone, yes := patch.message("1"), 1)
    patch.connect(yes, is_gone, 0, 1)
    patch.connect(gone, words := patch.message("acestepd does not answer; is it running?"))
    patch.chain(words, patch.object("tosymbol"), show)
    patch.connect(heard, is_gone, 2)
    patch.chain(is_gone, was_gone := patch.object("sel 1"))
    back = patch.object("trigger b b")
    patch.connect(was_gone, back)
    patch.connect(back, no := patch.message("0"), 1)
    patch.connect(no, is_gone, 0, 1)
    patch.connect(back, there := patch.message("acestepd is there"))
    patch.chain(there, patch.object("tosymbol"), show)
    return Network(send, heard, names, tick)


def add_questions(patch: Patch, surface: Surface, show: Box, send: Box) -> Box:
    """Go, reroll, heart, undo, redo. Returns the box that says `store id-ID 1` of whatever is asked
    for.
    """
    patch.begin_column("go: an id nobody has used, prompt, bars, seed")
    press = patch.object("trigger b b b")
    # a button may be turned by automation: a text is for the main thread
    patch.chain(surface.go, patch.object("deferlow"), press)
    may_go = patch.object("gate 1 1")
    patch.connect(press, opened := patch.message("1"), 2)
    patch.connect(opened, may_go)
    patch.connect(press, surface.prompt, 1)
    dice = patch.object("random 1000000000")
    patch.connect(press, dice)
    patch.connect(dice, may_go, 0, 1)
    question = patch.object("pack s s 4. 0")
    asked = patch.object("sprintf store id-%s 1")
    id = _add_id(patch, may_go, asked)
    patch.chain(id, question, patch.object("prepend /ace/go"), send)
    text = patch.object("route text")  # with or without that word in front
    patch.connect(surface.prompt, text)
    is_empty = patch.object("route bang")
    patch.connect(text, is_empty)
    patch.connect(text, is_empty, 1)
    empty = patch.object("trigger b b")
    patch.connect(is_empty, empty)
    patch.connect(empty, closed := patch.message("0"), 1)
    patch.connect(closed, may_go)
    patch.connect(empty, words := patch.message("write a prompt first"))
    patch.chain(words, patch.object("tosymbol"), show)
    prompt = patch.object("tosymbol")
    patch.connect(is_empty, prompt, 1)
    patch.connect(prompt, question, 0, 1)
    patch.connect(surface.bars, question, 0, 2)
    whole = patch.object("expr int($f1 + 2.5) - 2")  # -0.6 is any, as -1 is
    patch.connect(surface.seed, whole)
    patch.connect(whole, question, 0, 3)
    dice = patch.object("random 1000000000")
    patch.chain(surface.reroll, patch.object("trigger b"), dice)
    patch.chain(_add_id(patch, dice, asked), patch.object("prepend /ace/reroll"), send)
    for button, address in (
        (surface.heart, "/ace/favourite"),
        (surface.undo, "/ace/bank/undo"),
        (surface.redo, "/ace/bank/redo"),
    ):
        patch.chain(button, patch.object("trigger b"), patch.message(address), send)
    return asked


def _add_id(patch: Patch, number: Box, asked: Box) -> Box:
    """An id of that number, which is remembered before it leaves the box that is returned."""
    id = patch.object("trigger s s")
    patch.chain(number, patch.object("sprintf max-%ld symout"), id)
    patch.connect(id, asked, 1)
    return id


def add_answers(patch: Patch, surface: Surface, show: Box, heard: Box, asked: Box) -> Box:
    """Show how what was asked for here comes on, and what went wrong with it; what others ask for
    is no business of this view. Returns the box whose outlets are clip and insert.
    """
    patch.begin_column("what acestepd says of our own")
    kinds = patch.object(
        "route /ace/clip /ace/insert /ace/progress /ace/fail /ace/finished /ace/note /ace/preparing"
    )
    patch.connect(heard, kinds)

    progress = patch.object("unpack s 0. s 0.")
    patch.connect(kinds, progress, 2)
    fraction = patch.object("zl reg")
    patch.connect(progress, fraction, 1, 1)
    patch.chain(_add_filter(patch, progress, asked), fraction, surface.progress)

    failure = patch.object("unpack s s 0 s s")
    patch.connect(kinds, failure, 3)
    sentence = patch.object("sprintf %s. %s symout")
    patch.connect(failure, sentence, 4, 1)
    patch.connect(failure, sentence, 3)
    words = patch.object("zl reg")
    patch.connect(sentence, words, 0, 1)
    command = patch.object("zl reg")
    patch.connect(failure, command, 1, 1)
    is_about_a_job = patch.object("sel id-")
    patch.chain(failure, patch.object("sprintf id-%s symout"), is_about_a_job)
    patch.chain(is_about_a_job, command)
    is_ours = patch.object(f"sel {' '.join(OWN_COMMANDS)}")
    patch.connect(command, is_ours)
    failed = patch.object("trigger b b")
    for outlet in range(len(OWN_COMMANDS)):
        patch.connect(is_ours, failed, outlet)
    mine = patch.object("coll")
    patch.connect(asked, mine)
    patch.connect(is_about_a_job, mine, 1)
    patch.connect(mine, failed)
    patch.connect(failed, none := patch.message("0."), 1)
    patch.connect(none, surface.progress)
    patch.chain(failed, words, show)

    finished = patch.object("unpack s 0 s")
    patch.connect(kinds, finished, 4)
    id = patch.object("trigger s s")
    patch.connect(finished, id)
    name = patch.object("zl reg")
    patch.connect(id, name, 1, 1)
    end = patch.object("trigger b b")
    patch.chain(_add_filter(patch, id, asked), end)
    patch.connect(end, full := patch.message("1."), 1)
    patch.connect(full, surface.progress)
    patch.chain(end, name, patch.object("sprintf %s is finished symout"), show)
    _add_notes(patch, show, kinds, asked)
    _add_preparing(patch, surface, kinds)
    return kinds


def _add_notes(patch: Patch, show: Box, kinds: Box, asked: Box) -> None:
    """Show what was read out of the request, or was not understood: all sentences of a job, one
    behind the other.
    """
    patch.begin_column("what it read out of our own")
    note = patch.object("unpack s s")
    patch.connect(kinds, note, 5)
    addition = patch.object("pack s s")
    patch.connect(note, sentence := patch.object("sprintf %s. symout"), 1)
    patch.connect(sentence, addition, 0, 1)
    id = patch.object("trigger s s")
    patch.connect(note, id)
    ids = patch.object("trigger s s")
    patch.connect(id, ids, 1)
    kept = [patch.object("zl reg") for _ in range(2)]
    for number, one in enumerate(kept):
        patch.connect(ids, one, number, 1)
    turn = patch.object("trigger b b")
    patch.chain(_add_filter(patch, id, asked), turn)
    notes = patch.object("coll")
    patch.connect(turn, kept[1], 1)
    patch.chain(kept[1], addition, patch.object("prepend merge"), notes)
    patch.connect(turn, kept[0])
    patch.chain(kept[0], notes, patch.object("tosymbol"), show)


def _add_preparing(patch: Patch, surface: Surface, kinds: Box) -> None:
    """Show which pad's take is made in advance; nothing where none is."""
    patch.begin_column("which pad it prepares")
    none = patch.object("sel 0")
    patch.connect(kinds, none, 6)
    patch.chain(none, patch.message("set"), surface.preparing)
    text = patch.object("sprintf preparing pad %ld symout")
    patch.connect(none, text, 1)
    patch.chain(text, patch.object("prepend set"), surface.preparing)


def _add_filter(patch: Patch, id: Box, asked: Box) -> Box:
    """Rings where an id is one that was asked for here."""
    mine = patch.object("coll")
    patch.connect(asked, mine)
    ring = patch.object("trigger b")
    patch.chain(id, patch.object("sprintf id-%s symout"), mine, ring)
    return ring


def add_show(patch: Patch, surface: Surface) -> Box:
    """A symbol that goes in there is the status."""
    show = patch.object("prepend set")
    patch.connect(show, surface.status)
    return show


# --- Max for Live ---------------------------------------------------------------------------------


def build_device() -> dict[str, Any]:
    """The audio effect for Max for Live, as Max's JSON."""
    patch = Patch()
    surface = _add_device_surface(patch)
    show = add_show(patch, surface)
    patch.begin_column("start, and the set's tempo")
    start = patch.object("live.thisdevice")
    ready = patch.object("trigger b b b")
    patch.connect(start, ready)
    set_path = patch.message("goto live_set")
    patch.connect(ready, set_path, 2)
    set_id = patch.object("trigger l l l l")
    patch.chain(set_path, patch.object("live.path"), set_id)
    song = patch.object("live.object")
    patch.connect(set_id, song, 1, 1)
    tempo = patch.object("live.observer")
    patch.connect(set_id, tempo, 0, 1)
    topics = "clip finished progress fail note insert preparing"
    network = add_network(patch, surface, show, DEVICE, topics, ready, 1)
    watch = patch.message("property tempo")
    patch.connect(ready, watch)
    patch.chain(watch, tempo, patch.object("prepend /ace/tempo"), network.send)
    patch.connect(network.tick, tempo, 2)
    _add_metre(patch, ready, set_id, network)
    leave = patch.object("freebang")
    for nothing in ("/ace/tempo 0.", NO_METRE, NO_LENGTH):
        patch.chain(leave, patch.message(nothing), network.send)
    asked = add_questions(patch, surface, show, network.send)
    kinds = add_answers(patch, surface, show, network.heard, asked)
    _Placing(patch, song, network, show).build(kinds)
    patch.begin_column("sound goes through untouched")
    sound = patch.object("plugin~")
    out = patch.object("plugout~")
    patch.connect(sound, out)
    patch.connect(sound, out, 1, 1)
    return patch.build(
        openinpresentation=1,
        devicewidth=WIDTH,
        latency=0,
        minimum_live_version="11.3.25",
        minimum_max_version="8.5.8",
        project={
            "version": 1,
            "contents": {"patchers": {}},
            "amxdtype": int.from_bytes(AUDIO_EFFECT, "big"),
        },
    )


def _add_metre(patch: Patch, ready: Box, set_id: Box, network: Network) -> None:
    """The set's metre is acestepd's: by its name where it has one, else as the length of a bar in
    quarter notes, where that is a whole number.
    """
    patch.begin_column("the set's metre")
    numerator, denominator = (patch.object("live.observer") for _ in range(2))
    both = patch.object("trigger b b")
    patch.connect(ready, both)
    for outlet, (observer, name) in enumerate(
        ((numerator, "signature_numerator"), (denominator, "signature_denominator"))
    ):
        patch.connect(set_id, observer, 2 + outlet, 1)
        patch.connect(both, watch := patch.message(f"property {name}"), outlet)
        patch.connect(watch, observer)
    patch.connect(network.tick, numerator, 2)
    count, unit = patch.object("int 4"), patch.object("int 4")
    patch.connect(numerator, count)
    changed = patch.object("trigger b i")
    patch.connect(denominator, changed)
    patch.connect(changed, unit, 1, 1)
    patch.connect(changed, count)
    parts = patch.object("trigger i i i b")
    patch.connect(count, parts)
    patch.connect(parts, unit, 3)
    counts = [patch.object("int 4") for _ in range(2)]
    for outlet, held in enumerate(counts, 1):
        patch.connect(parts, held, outlet, 1)
    metre = patch.object("sprintf %ld/%ld symout")
    length = patch.object(f"expr {QUARTERS} * (int({QUARTERS}) == {QUARTERS})")
    known_unit = patch.object("int 4")
    for box in (metre, length, known_unit):
        patch.connect(unit, box, 0, 1)
    known_count = patch.object(f"sel {' '.join((*METRES, *OTHER_METRES))}")
    patch.connect(parts, known_count)
    for outlet in range(len(METRES)):
        patch.connect(known_count, known_unit, outlet)
    is_whole = patch.object("sel 1")  # 4/1 is none of those that have a name
    patch.connect(known_unit, is_whole)
    named = patch.object("trigger b b")
    patch.connect(is_whole, named, 1)
    other_unit = patch.object("int 4")
    patch.connect(unit, other_unit, 0, 1)
    for outlet in range(len(METRES), len(METRES) + len(OTHER_METRES)):
        patch.connect(known_count, other_unit, outlet)
    is_usual = patch.object("sel 4 8")
    patch.connect(other_unit, is_usual)
    for outlet in (0, 1):
        patch.connect(is_usual, named, outlet)
    patch.connect(named, counts[0], 1)
    patch.chain(counts[0], metre, patch.object("prepend /ace/set/time_signature"), network.send)
    patch.chain(named, patch.message(NO_LENGTH), network.send)
    nameless = patch.object("trigger b b")
    patch.connect(is_whole, nameless)
    patch.connect(is_usual, nameless, 2)
    patch.connect(known_count, nameless, len(METRES) + len(OTHER_METRES))
    patch.connect(nameless, none := patch.message(NO_METRE), 1)
    patch.connect(none, network.send)
    patch.connect(nameless, counts[1])
    patch.chain(counts[1], length, patch.object("prepend /ace/set/beats_per_bar"), network.send)


def write_device(patcher: dict[str, Any]) -> bytes:
    """An unfrozen .amxd: type, one number of meta data, and the patcher with a newline and a NUL
    after it.
    """
    text = json.dumps(patcher, indent=1).encode() + b"\n\0"
    device_type = b"ampf" + struct.pack("<I", 4) + AUDIO_EFFECT
    meta = b"meta" + struct.pack("<II", 4, 0)
    return device_type + meta + b"ptch" + struct.pack("<I", len(text)) + text


def _add_device_surface(patch: Patch) -> Surface:
    patch.begin_column("the view")

    def label(text: str, at: list[float]) -> None:
        patch.add("live.comment", text, presentation=1, presentation_rect=at)

    def parameter(kind: str, name: str, at: list[float], **values: Any) -> Box:
        named = {"parameter_longname": f"acestepd {name}", "parameter_shortname": name}
        box = patch.add(
            kind,
            varname=name,
            parameter_enable=1,
            presentation=1,
            presentation_rect=at,
            saved_attribute_attributes={"valueof": named | values},
        )
        patch.parameters[box.id] = [named["parameter_longname"], name, 0]
        return box

    def number(name: str, at: list[float], low: int, high: int, initial: int, **values: Any) -> Box:
        # Live's whole numbers have 256 values: a seed is a float that is shown as one
        is_small = low >= 0 and high <= 255
        return parameter(
            "live.numbox",
            name,
            at,
            parameter_type=1 if is_small else 0,
            parameter_unitstyle=0,
            parameter_mmin=float(low),
            parameter_mmax=float(high),
            parameter_initial_enable=1,
            parameter_initial=[initial],
            **values,
        )

    def button(name: str, at: list[float]) -> Box:
        label(name, [at[0] - 4, at[1] - 18, 31.0, 16.0])
        return parameter(
            "live.button",
            name,
            at,
            parameter_type=2,
            parameter_mmax=1,
            parameter_enum=["off", "on"],
        )

    label("prompt", [8.0, 4.0, 120.0, 16.0])
    preparing = _add_text(patch, "preparing", "", [202.0, 4.0, 120.0, 16.0])
    prompt = parameter(
        "textedit", "prompt", [8.0, 22.0, 314.0, 40.0], parameter_type=3, parameter_invisible=1
    )
    patch.change(prompt, outputmode=1, keymode=1, fontsize=11.0)
    label("bars", [8.0, 68.0, 50.0, 16.0])
    bars = number("bars", [8.0, 86.0, 46.0, 16.0], 1, 64, 4)
    label("seed (-1: any)", [60.0, 68.0, 66.0, 16.0])
    seed = number("seed", [60.0, 86.0, 60.0, 16.0], -1, 99_999, -1)
    go = button("go", [132.0, 86.0, 22.0, 22.0])
    reroll = button("reroll", [164.0, 86.0, 22.0, 22.0])
    heart = button("heart", [196.0, 86.0, 22.0, 22.0])
    undo = button("undo", [228.0, 86.0, 22.0, 22.0])
    redo = button("redo", [260.0, 86.0, 22.0, 22.0])
    label("device", [288.0, 68.0, 38.0, 16.0])
    which = number("device", [288.0, 86.0, 34.0, 16.0], 1, 9, 1, parameter_invisible=1)
    progress = _add_progress(patch, [8.0, 114.0, 314.0, 8.0])
    status = _add_text(patch, "status", "acestepd", [8.0, 126.0, 314.0, 36.0])
    return Surface(
        prompt, bars, seed, go, reroll, heart, undo, redo, progress, status, preparing, which
    )


def _add_progress(patch: Patch, at: list[float]) -> Box:
    return patch.add(
        "slider",
        presentation=1,
        presentation_rect=at,
        size=1.0,
        floatoutput=1,
        orientation=1,
        ignoreclick=1,
    )


def _add_text(patch: Patch, name: str, text: str, at: list[float]) -> Box:
    """What the patch writes itself."""
    return patch.add(
        "comment", text, varname=name, presentation=1, presentation_rect=at, fontsize=10.0
    )


@dataclass
class _Placing:
    """Put a clip into the set: the highlighted slot if it is empty, else the first empty one of the
    selected track, else one in a new scene. All of it happens within one message, from a trigger's
    last outlet to its first.
    """

    patch: Patch
    song: Box
    network: Network
    show: Box

    def build(self, kinds: Box) -> None:
        patch = self.patch
        bars_of = self._add_bars(kinds)
        patch.begin_column("a clip is to be put in: which, and where")
        # a message that lacks something would be put together with the one before it
        whole = patch.object("trigger l l")
        patch.connect(kinds, whole, 1)
        is_whole = patch.object("gate 1 0")
        four = patch.object("sel 4")
        patch.connect(whole, length := patch.object("zl len"), 1)
        patch.connect(length, four)
        patch.chain(four, patch.message("1"), is_whole)
        patch.connect(four, short := patch.message("0"), 1)
        patch.connect(short, is_whole)
        patch.connect(whole, is_whole, 0, 1)
        insert = patch.object("unpack s 0 0 s")
        patch.connect(is_whole, insert)
        paths = self._keep(insert, 3, 4)
        first_row = patch.object("split 0 100000")
        row_name = patch.object("sprintf scene %ld of %s symout")
        checks = patch.object("gate 1 1")  # whether the clip is in already
        at_cursor, tracks = self._choose_track(insert, first_row, row_name, checks)
        begin = patch.object("trigger b l")
        patch.connect(insert, begin)
        ids = self._keep(begin, 1, 4)

        patch.begin_column("where it is, for acestepd and for people")
        where = patch.object("trigger l l")
        acknowledge = patch.object("trigger b b")
        answer = patch.object("pack s s s")
        patch.connect(self.network.name, answer, 1, 1)
        patch.connect(where, answer, 1, 2)
        text = patch.object("sprintf %s is in %s symout")
        patch.connect(where, text, 0, 1)
        patch.connect(acknowledge, ids[0], 1)
        patch.chain(ids[0], answer, patch.object("prepend /ace/inserted"), self.network.send)
        patch.connect(acknowledge, ids[1])
        patch.chain(ids[1], text, self.show)
        give_up = patch.object("trigger b b")
        patch.connect(give_up, ids[2], 1)
        refusal = patch.object("prepend /ace/inserted")
        refused = patch.object("pack s s")
        patch.connect(self.network.name, refused, 2, 1)
        patch.chain(ids[2], refused, refusal, self.network.send)
        patch.connect(give_up, paths[0])
        patch.chain(
            paths[0], patch.object("sprintf no empty audio slot here: %s symout"), self.show
        )

        patch.begin_column("a clip that is in already is not put in twice")
        ask = patch.object("trigger b b b")
        patch.connect(begin, ask)
        placed = patch.object("coll")
        is_in = patch.object("int 0")
        patch.connect(ask, not_in := patch.message("0"), 2)
        patch.connect(not_in, is_in, 0, 1)
        patch.connect(ask, paths[1], 1)
        patch.chain(paths[1], placed)
        patch.connect(placed, checks, 0, 1)
        patch.connect(checks, is_in, 0, 1)
        patch.connect(ask, is_in)
        patch.chain(is_in, known := patch.object("sel 1"))
        again = patch.object("trigger b b")
        patch.connect(known, again)
        patch.connect(again, already := patch.message("the set already"), 1)
        patch.chain(already, patch.object("tosymbol"), where)
        patch.connect(again, acknowledge)

        patch.begin_column("five steps: begin, cursor, track, new scene, clip")
        steps = patch.object("trigger b b b b b")
        patch.connect(known, steps, 1)
        slot = patch.object("live.object")
        answers = patch.object("route has_clip clip")
        patch.connect(slot, answers)
        phase = patch.object("gate 2")  # before and after the clip is made
        patch.connect(answers, phase, 0, 1)
        found = patch.object("trigger i i i")
        is_found = [patch.object("int 0") for _ in range(3)]
        for number, one in enumerate(is_found):
            patch.connect(found, one, number, 1)
        may_search = patch.object("gate 1 1")
        reset = patch.object("trigger b b b")
        patch.connect(steps, reset, 4)
        for outlet, text_of, target in ((2, "0", found), (1, "1", phase), (0, "1", may_search)):
            patch.connect(reset, value := patch.message(text_of), outlet)
            patch.connect(value, target)
        is_empty = patch.object("sel 0")
        patch.connect(phase, is_empty)
        hit = patch.object("trigger b b")
        patch.connect(is_empty, hit)
        patch.connect(hit, closed := patch.message("0"), 1)
        patch.connect(closed, may_search)
        patch.connect(hit, yes := patch.message("1"))
        patch.connect(yes, found)

        patch.begin_column("try a slot")
        look_at = patch.object("live.path")
        self._take_id(look_at, slot, "get has_clip")
        patch.connect(steps, at_cursor, 3)
        patch.chain(at_cursor, wants_cursor := patch.object("sel 1"))
        cursor = patch.object("trigger b b")
        patch.connect(wants_cursor, cursor)
        patch.connect(cursor, highlighted := patch.message("the highlighted slot"), 1)
        patch.chain(highlighted, patch.object("tosymbol"), where)
        patch.connect(cursor, path := patch.message("goto live_set view highlighted_clip_slot"))
        patch.connect(path, look_at)
        try_row = patch.object("trigger b i i")
        patch.connect(try_row, plus := patch.object("+ 1"), 2)
        patch.chain(plus, row_name, where)
        join = patch.object("zl join")
        patch.connect(try_row, slot_of := patch.object("sprintf clip_slots %ld"), 1)
        patch.connect(slot_of, join, 0, 1)
        patch.connect(try_row, tracks[0])
        patch.chain(tracks[0], patch.object("prepend goto"), join, look_at)

        patch.begin_column("the first empty slot of the track")
        track = patch.object("live.object")
        patch.connect(steps, is_found[0], 2)
        search = patch.object("sel 0")
        patch.connect(is_found[0], search)
        rows = patch.object("int 0")  # of the track; 0 where it takes no audio
        searching = patch.object("trigger b b")
        patch.connect(search, searching)
        patch.connect(searching, no_rows := patch.message("0"), 1)
        patch.connect(no_rows, rows, 0, 1)
        patch.connect(searching, tracks[1])
        find_track = patch.object("live.path")
        patch.chain(tracks[1], patch.object("prepend goto"), find_track)
        self._take_id(find_track, track, "get has_audio_input")
        about = patch.object("route has_audio_input")
        patch.connect(track, about)
        patch.connect(about, is_audio := patch.object("sel 1"))
        patch.connect(is_audio, count := patch.message("getcount clip_slots"))
        patch.connect(count, find_track)
        # the number is the last word of the answer, whatever is in front of it
        numbers = patch.object("trigger i i")
        last = patch.object("zl nth 1")
        patch.connect(find_track, backwards := patch.object("zl rev"), 2)
        patch.chain(backwards, last, numbers)
        patch.connect(numbers, rows, 1, 1)
        patch.chain(numbers, every := patch.object("uzi 1 0"))
        patch.connect(every, first_row, 2)
        patch.connect(first_row, may_search, 0, 1)
        patch.connect(may_search, try_row)

        patch.begin_column("else a new scene")
        patch.connect(steps, is_found[1], 1)
        none = patch.object("sel 0")
        patch.chain(is_found[1], none, rows)
        some = patch.object("sel 0")  # no slots at all: no audio track
        patch.connect(rows, some)
        scene = patch.object("trigger i b")
        patch.connect(some, scene, 1)
        patch.connect(scene, create := patch.message("call create_scene -1"), 1)
        patch.connect(create, self.song)
        patch.connect(scene, try_row)

        patch.begin_column("make the clip, and look whether it is there")
        patch.connect(steps, is_found[2])
        go_on = patch.object("sel 1")
        patch.connect(is_found[2], go_on)
        patch.connect(go_on, give_up, 1)
        make = patch.object("trigger b b b b")
        patch.connect(go_on, make)
        patch.connect(make, after := patch.message("2"), 3)
        patch.connect(after, phase)
        patch.connect(make, paths[2], 2)
        patch.chain(paths[2], patch.object("prepend call create_audio_clip"), slot)
        patch.connect(make, get_clip := patch.message("get clip"), 1)
        patch.connect(get_clip, slot)
        clip = patch.object("live.object")
        patch.connect(answers, clip, 1, 1)
        patch.connect(make, is_there := patch.message("get has_clip"))
        patch.connect(is_there, slot)
        there = patch.object("sel 1")
        patch.connect(phase, there, 1)
        patch.connect(there, give_up, 1)
        done = patch.object("trigger b b b")
        patch.connect(there, done)
        self._add_loop(done, ids[3], bars_of, clip)
        patch.connect(done, paths[3], 1)
        patch.chain(paths[3], patch.object("pack s 1"), patch.object("prepend store"), placed)
        patch.connect(done, acknowledge)

    def _add_bars(self, kinds: Box) -> Box:
        """Remember the bars and tempo of each clip. Returns the box that is asked by `id-ID`."""
        patch = self.patch
        patch.begin_column("how many bars each clip has, and how fast")
        clip = patch.object("unpack s s s 0. 0 s")
        patch.connect(kinds, clip)
        facts = patch.object("pack s 0 0.")
        patch.connect(clip, facts, 4, 1)
        patch.connect(clip, facts, 3, 2)
        bars_of = patch.object("coll")
        key = patch.object("sprintf id-%s symout")
        patch.chain(clip, key, facts, patch.object("prepend store"), bars_of)
        return bars_of

    def _choose_track(
        self, insert: Box, first_row: Box, row_name: Box, checks: Box
    ) -> tuple[Box, list[Box]]:
        """Whether the cursor counts, and the path of the track, twice."""
        patch = self.patch
        slot = patch.object("trigger i i")
        patch.connect(insert, slot, 2)
        no_slot = patch.object("int 1")
        any_slot = patch.object("sel -1")
        patch.connect(slot, any_slot, 1)
        patch.connect(any_slot, is_any := patch.message("1"))
        patch.connect(is_any, no_slot, 0, 1)
        patch.connect(any_slot, is_named := patch.message("0"), 1)
        patch.connect(is_named, no_slot, 0, 1)
        patch.connect(slot, least := patch.object("maximum 0"))
        patch.connect(least, first_row, 0, 1)
        at_cursor = patch.object("int 1")
        cursor = patch.object("trigger i i")
        patch.connect(cursor, at_cursor, 1, 1)
        patch.connect(cursor, checks)
        both = patch.object("trigger l l")
        tracks = [patch.object("zl reg") for _ in range(2)]
        for number, one in enumerate(tracks):
            patch.connect(both, one, number, 1)
        which = patch.object("sel -1")
        patch.connect(insert, which, 1)
        here = patch.object("trigger b b b")
        patch.connect(which, here)
        patch.connect(here, no_slot, 2)
        patch.connect(no_slot, cursor)
        patch.connect(here, words := patch.message("the selected track"), 1)
        patch.connect(words, name := patch.object("tosymbol"))
        patch.connect(name, row_name, 0, 1)
        patch.connect(here, selected := patch.message("live_set view selected_track"))
        patch.connect(selected, both)
        there = patch.object("trigger i i b")
        patch.connect(which, there, 1)
        patch.connect(there, no := patch.message("0"), 2)
        patch.connect(no, cursor)
        patch.connect(there, count := patch.object("+ 1"), 1)
        patch.connect(count, numbered := patch.object("sprintf track %ld symout"))
        patch.connect(numbered, row_name, 0, 1)
        patch.chain(there, patch.object("sprintf live_set tracks %ld"), both)
        return at_cursor, tracks

    def _keep(self, source: Box, outlet: int, count: int) -> list[Box]:
        """As many boxes that hold the same message until a bang wants it."""
        spread = self.patch.object("trigger " + " ".join(["l"] * count))
        self.patch.connect(source, spread, outlet)
        boxes = [self.patch.object("zl reg") for _ in range(count)]
        for number, box in enumerate(boxes):
            self.patch.connect(spread, box, number, 1)
        return boxes

    def _take_id(self, path: Box, target: Box, question: str) -> None:
        """What a path leads to becomes the target's object, which is asked then; nothing where
        there is none.
        """
        patch = self.patch
        number = patch.object("route id")
        is_none = patch.object("sel 0")
        patch.chain(path, number, is_none)
        both = patch.object("trigger b i")
        patch.connect(is_none, both, 1)
        patch.connect(both, prefix := patch.object("prepend id"), 1)
        patch.connect(prefix, target, 0, 1)
        patch.connect(both, ask := patch.message(question))
        patch.connect(ask, target)

    def _add_loop(self, done: Box, id: Box, bars_of: Box, clip: Box) -> None:
        """Warp it and loop all of it: a clip of so many bars is exactly so long."""
        patch = self.patch
        patch.begin_column("loop exactly the bars")
        patch.connect(done, id, 2)
        patch.chain(id, patch.object("sprintf id-%s symout"), bars_of)
        facts = patch.object("unpack 0 0.")
        patch.connect(bars_of, facts)
        # samples, rate, bpm; to a thousandth of a beat
        beats = patch.object("expr int($f1 / $f2 * $f3 / 60. * 1000. + 0.5) / 1000.")
        patch.connect(facts, beats, 1, 2)
        no_bars = patch.object("sel 0")
        patch.connect(facts, no_bars)
        ask = patch.object("trigger b b")
        patch.connect(no_bars, ask, 1)
        answers = patch.object("route sample_length sample_rate")
        patch.connect(clip, answers)
        for outlet, name in ((1, "sample_rate"), (0, "sample_length")):
            patch.connect(ask, question := patch.message(f"get {name}"), outlet)
            patch.connect(question, clip)
            patch.connect(answers, beats, outlet, outlet)
        loop = patch.object("trigger f b b")
        patch.connect(beats, loop)
        patch.connect(loop, warp := patch.message("set warping 1"), 2)
        patch.connect(warp, clip)
        patch.connect(loop, on := patch.message("set looping 1"), 1)
        patch.connect(on, clip)
        patch.chain(loop, patch.object("prepend set loop_end"), clip)


# --- Max without Live -----------------------------------------------------------------------------


def build_patcher() -> dict[str, Any]:
    """The same for Max alone: the newest clip is played from a buffer."""
    patch = Patch()
    surface = _add_patcher_surface(patch)
    show = add_show(patch, surface)
    patch.begin_column("start")
    start = patch.object("loadbang")
    ready = patch.object("trigger b b b b")
    patch.connect(start, ready)
    initial = ((3, "4", surface.bars), (2, "-1", surface.seed), (1, "set 1", surface.number))
    for outlet, text, target in initial:
        patch.connect(ready, value := patch.message(text), outlet)
        patch.connect(value, target)
    topics = "clip finished progress fail note preparing"
    network = add_network(patch, surface, show, PATCHER, topics, ready)
    asked = add_questions(patch, surface, show, network.send)
    tempo = patch.add(
        "flonum", presentation=1, presentation_rect=[140.0, 170.0, 60.0, 22.0], minimum=0.0
    )
    patch.chain(tempo, patch.object("prepend /ace/tempo"), network.send)
    patch.add("comment", "tempo", presentation=1, presentation_rect=[140.0, 150.0, 60.0, 20.0])
    kinds = add_answers(patch, surface, show, network.heard, asked)

    patch.begin_column("the newest clip, round and round")
    clip = patch.object("unpack s s s 0. 0 s")
    patch.connect(kinds, clip)
    path = patch.object("zl reg")
    patch.connect(clip, path, 2, 1)
    is_mix = patch.object("sel mix")
    patch.connect(clip, is_mix, 1)
    buffer = patch.object("buffer~ acestepd")
    patch.chain(is_mix, path, patch.object("prepend replace"), buffer)
    player = patch.object("groove~ acestepd 2")
    loaded = patch.object("trigger b b")
    patch.connect(buffer, loaded, 1)
    patch.connect(loaded, loop := patch.message("loop 1"), 1)
    patch.connect(loop, player)
    patch.connect(loaded, begin := patch.message("startloop"))
    patch.connect(begin, player)
    patch.chain(patch.object("sig~ 1."), player)
    out = patch.object("dac~ 1 2")
    patch.connect(player, out)
    patch.connect(player, out, 1, 1)
    switch = patch.add("toggle", presentation=1, presentation_rect=[20.0, 170.0, 24.0, 24.0])
    patch.connect(switch, out)
    patch.add("comment", "sound", presentation=1, presentation_rect=[48.0, 172.0, 60.0, 20.0])
    return patch.build(openinpresentation=1)


def _add_patcher_surface(patch: Patch) -> Surface:
    patch.begin_column("the view")

    def label(text: str, at: list[float]) -> None:
        patch.add("comment", text, presentation=1, presentation_rect=at)

    def show(kind: str, name: str, at: list[float], **attributes: Any) -> Box:
        label(name, [at[0], at[1] - 20, max(at[2], 42.0), 20.0])
        return patch.add(
            kind, varname=name.split()[0], presentation=1, presentation_rect=at, **attributes
        )

    prompt = show("textedit", "prompt", [20.0, 30.0, 400.0, 40.0], outputmode=1, keymode=1)
    bars = show("number", "bars", [20.0, 100.0, 60.0, 22.0], minimum=1, maximum=1024)
    seed = show(
        "number", "seed (-1: any)", [100.0, 100.0, 90.0, 22.0], minimum=-1, maximum=2**31 - 1
    )
    go = show("button", "go", [200.0, 98.0, 26.0, 26.0])
    reroll = show("button", "reroll", [250.0, 98.0, 26.0, 26.0])
    heart = show("button", "heart", [300.0, 98.0, 26.0, 26.0])
    which = show("number", "patcher", [360.0, 100.0, 60.0, 22.0], minimum=1, maximum=9)
    progress = _add_progress(patch, [20.0, 134.0, 400.0, 10.0])
    status = _add_text(patch, "status", "acestepd", [220.0, 160.0, 200.0, 48.0])
    undo = show("button", "undo", [20.0, 222.0, 26.0, 26.0])
    redo = show("button", "redo", [70.0, 222.0, 26.0, 26.0])
    preparing = _add_text(patch, "preparing", "", [140.0, 226.0, 200.0, 20.0])
    return Surface(
        prompt, bars, seed, go, reroll, heart, undo, redo, progress, status, preparing, which
    )


def build_help() -> dict[str, Any]:
    """A page that shows the patcher, and how to say more than it has buttons for."""
    patch = Patch()
    lines = (
        "acestepd makes clips from a few words. Start it in a terminal: acestepd",
        "Write a prompt below, press go, turn the sound on; the newest clip goes round.",
        "The clip is in buffer~ acestepd: any object of yours can play it.",
        "Everything else is a message to UDP port 9100, like these:",
    )
    for number, line in enumerate(lines):
        patch.add("comment", line)
        patch.place([20.0, 20.0 + 24 * number, 520.0, 20.0])
    send = patch.object("udpsend 127.0.0.1 9100")
    patch.place([20.0, 340.0, 200.0, 22.0])
    examples = (
        "/ace/set/key Am",
        "/ace/set/stems drums",
        '/ace/generate "" prompt "slow dub techno" bars 8 count 4',
        "/ace/cancel *",
        '/ace/bank/fill "slow dub techno" 4 16',
        "/ace/pad/hit 1",
        "/ace/pad/reroll 1",
    )
    for number, text in enumerate(examples):
        patch.connect(patch.message(text), send)
        patch.place([20.0 + 20 * number, 124.0 + 30 * number, 420.0, 22.0])
    patch.add("bpatcher", name="acestepd.maxpat")
    patch.place([20.0, 380.0, 460.0, 260.0])
    return patch.build()


PACKAGE = {
    "name": "acestepd",
    "displayname": "acestepd",
    "version": "1.0.0",
    "author": "acestepd's maintainers",
    "description": "Clips from a few words, made by acestepd on this computer.",
    "max_version_min": "8.5",
    "max_version_max": "none",
}


def build_files() -> dict[str, bytes]:
    """Every file of integrations/max that is made here, by name."""

    def text(value: dict[str, Any]) -> bytes:
        return json.dumps(value, indent=1).encode() + b"\n"

    return {
        "acestepd.amxd": write_device(build_device()),
        "acestepd.maxpat": text(build_patcher()),
        "acestepd.maxhelp": text(build_help()),
        "package-info.json": text(PACKAGE),
        "device.svg": draw(build_device()).encode(),
    }


# --- a picture ------------------------------------------------------------------------------------


def draw(patcher: dict[str, Any]) -> str:
    """The device's view, as SVG."""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH:g} {HEIGHT:g}" '
        'font-family="sans-serif" font-size="9.5">',
        f'<rect width="{WIDTH:g}" height="{HEIGHT:g}" rx="4" fill="#3b3f46"/>',
    ]
    shown = {
        "textedit": "slow dub techno, warm",
        "bars": "4",
        "seed": "-1",
        "device": "1",
        "preparing": "preparing pad 7",
    }
    for wrapped in patcher["patcher"]["boxes"]:
        box = wrapped["box"]
        if not box.get("presentation"):
            continue
        x, y, width, height = box["presentation_rect"]
        kind = box["maxclass"]
        if kind in ("live.comment", "comment"):
            text = box.get("text") or shown[box["varname"]]
            parts.append(f'<text x="{x + 2:g}" y="{y + 11:g}" fill="#d7dae0">{text}</text>')
        elif kind == "live.button":
            middle = f'cx="{x + width / 2:g}" cy="{y + height / 2:g}" r="{width / 2:g}"'
            parts.append(f'<circle {middle} fill="#22252a" stroke="#f7941d"/>')
        else:
            place = f'x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}"'
            parts.append(f'<rect {place} rx="2" fill="#22252a"/>')
            text = shown.get(kind) or shown.get(box.get("varname", ""), "")
            parts.append(f'<text x="{x + 5:g}" y="{y + 12:g}" fill="#f7941d">{text}</text>')
            if kind == "slider":
                filled = f'x="{x:g}" y="{y:g}" width="{width * 0.6:g}" height="{height:g}"'
                parts.append(f'<rect {filled} rx="2" fill="#f7941d"/>')
    return "\n".join([*parts, "</svg>", ""])


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for name, data in build_files().items():
        (FOLDER / name).write_bytes(data)


if __name__ == "__main__":
    main()
