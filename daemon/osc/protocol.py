"""The protocol: which messages there are, and how ours are written. No sockets here."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from pipeline.request import FIELDS

from ..jobs import Event, Job
from .wire import Message, encode

MAX_TEXT = 250  # bytes of each text in a fail
MAX_VALUE = 1000  # bytes of a parameter's text
# sent as texts: Pd and others keep numbers as 32-bit floats
SEEDS = tuple(name for name in FIELDS if name.endswith("seed"))
MIX = "mix"


class Command(NamedTuple):
    arguments: str
    answer: str
    help: str


class Signal(NamedTuple):
    types: str
    arguments: str
    help: str


COMMANDS = {
    "/ace/ping": Command("[s token]", "/ace/pong", "is anybody there?"),
    "/ace/hello": Command(
        "s token", "/ace/done", "from another machine: the token of the settings, first of all"
    ),
    "/ace/status": Command(
        "",
        "/ace/state, /ace/cache each kind",
        "what the engine is doing; what it had computed before",
    ),
    "/ace/notify": Command(
        "i on, [i port], [s topics]",
        "/ace/done",
        "send me every event (or some kinds), there; first, how things stand",
    ),
    "/ace/generate": Command(
        "s id, then key value pairs",
        "/ace/queued",
        "make a clip; `count` takes of it are called id.1, id.2, ...; `priority` live, normal or batch",
    ),
    "/ace/go": Command(
        "s id, s prompt, [f bars], [i seed]",
        "/ace/queued",
        "the same by position, for Pd and TouchOSC",
    ),
    "/ace/understand": Command(
        "s id, s path",
        "/ace/queued",
        "what is this recording? /ace/planned tells it in words and codes, and a manifest that plays it",
    ),
    "/ace/reroll": Command(
        "[s id], [s parent], [i seed]",
        "/ace/queued",
        "the parent's wish with another seed; without a parent, the newest's",
    ),
    "/ace/cancel": Command("s id or *", "/ace/cancelled", "stop a job, or all"),
    "/ace/panic": Command("", "/ace/done", "stop everything, also what waits for a bundle's time"),
    "/ace/query": Command(
        "s id", "its clips and last event", "where is it? `*`, `?` match those that have not ended"
    ),
    "/ace/favourite": Command(
        "[s id], [i on]", "/ace/done", "mark a clip, or not (0); without an id the newest"
    ),
    "/ace/insert": Command(
        "[s id], [i track], [i slot]",
        "/ace/done",
        "ask an integration to put the clip there; without an id the newest",
    ),
    "/ace/history": Command(
        "[s words], [i count]", "/ace/past each, /ace/done", "the newest jobs, with these words"
    ),
    "/ace/set/<param>": Command(
        "value", "/ace/param/<param>", "change what messages leave out, until the daemon ends"
    ),
    "/ace/get/<param>": Command(
        "", "/ace/param/<param>", "what it is; `*`, `?`, `[a-k]`, `{bars,bpm}` match several"
    ),
    "/ace/lyrics/begin": Command("s name", "/ace/done", "long lyrics follow, in parts"),
    "/ace/lyrics/append": Command(
        "s name, i number, s lines", "/ace/done", "part 1, 2, ... of them: whole lines"
    ),
    "/ace/lyrics/end": Command(
        "s name, i parts", "/ace/done", "if none is lost, they are now the parameter `lyrics`"
    ),
    "/ace/tempo": Command(
        "[f bpm]", "/ace/tempo", "the session's tempo; 0 follows Link or MIDI clock again"
    ),
    "/ace/model": Command(
        "s name, [s variant]", "/ace/done", "play another model of the settings, or load it again"
    ),
    "/ace/pad/hit": Command(
        "i pad, [i velocity]",
        "/ace/pad",
        "play a pad (1, 2, ...): announce its take again, or make it; velocity 0: no hit",
    ),
    "/ace/pad/reroll": Command("i pad", "/ace/pad", "another seed for it, and its take"),
    "/ace/pad/favourite": Command(
        "i pad, [i on]", "/ace/pad", "mark it, or not (0); without on the other of both"
    ),
    "/ace/pad/set": Command(
        "i pad, then key value pairs", "/ace/pad", "parameters of its own; `seed` is its seed"
    ),
    "/ace/bank/fill": Command(
        "s prompt, [f bars], [i count]",
        "/ace/done",
        "this and seeds of their own for the first pads; favourites stay",
    ),
    "/ace/bank/reroll": Command(
        "[s all or unmarked]", "/ace/done", "new seeds, for favourites only with all"
    ),
    "/ace/bank/load": Command("s name, or i program", "/ace/done", "play another bank"),
    "/ace/bank/save": Command(
        "[s name], [i program]",
        "/ace/done",
        "save the bank, from now on under that name and program (0..127)",
    ),
    "/ace/bank/list": Command("", "/ace/banks each, /ace/done", "the banks there are"),
    "/ace/midi/learn": Command(
        "s param, [f from, f to]",
        "/ace/done",
        "the next control that moves turns it (in that range); `off` ends it",
    ),
    "/ace/adapter": Command(
        "s path, [f scale]",
        "/ace/done",
        "wear a LoRA from the next job on, or change its scale (1); 0 takes it off",
    ),
    "/ace/adapters": Command(
        "[s clear]", "/ace/worn each, /ace/done", "what is worn; with clear, take it all off"
    ),
    "/ace/midi/forget": Command(
        "[s param]", "/ace/done", "what was learned for it, or all of that, turns nothing more"
    ),
    "/ace/sync": Command(
        "i n", "/ace/synced", "answers once everything before it has been handled"
    ),
}

EVENTS = {
    "queued": Signal(
        "sif", "id, position, eta seconds", "the job is accepted (eta 0: not known yet)"
    ),
    "progress": Signal("sfsf", "id, fraction 0..1, stage, eta seconds", "at most ten a second"),
    "planned": Signal(
        "sss",
        "id, parameter, value",
        "the planner filled this in, or understood it: one each; long texts are cut, the manifest has them whole",
    ),
    "clip": Signal(
        "sssfis",
        "id, stem, absolute path, bpm, bars, seed",
        "one file is final; bpm 0 when none was given",
    ),
    "preview": Signal(
        "sis", "id, step, absolute path", "an early estimate of the mix, see the parameter preview"
    ),
    "finished": Signal("sis", "id, number of files, manifest path", "the job is done"),
    "fail": Signal("ssiss", "id, command, code, message, hint", "it did not work, and what to do"),
    "cancelled": Signal("s", "id", "the job was cancelled"),
    "state": Signal(
        "ssi",
        "cold / loading / warm / busy / error, model, queue length",
        "whenever one of them changes",
    ),
    "favourite": Signal("sis", "id, 1 or 0, path of the mix", "it was marked, or not any more"),
    "insert": Signal(
        "siis",
        "id, track, slot, path of the mix",
        "an integration puts it there; -1: where it likes",
    ),
    "tempo": Signal("fs", "bpm, explicit / link / midi / default", "whenever one of them changes"),
    "read": Signal(
        "siis", "path, line, code, message", "about a watched file; code 0: fine, line 0: all of it"
    ),
    "pad": Signal(
        "isf",
        "pad, empty / queued / rendering / ready / favourite / failed, progress 0..1",
        "how it stands",
    ),
    "bank": Signal("sii", "name, program, number of pads", "it is played from now on"),
    "midi/learned": Signal("ss", "param, control", "a control was learned (topic: midi)"),
    "param/<param>": Signal(
        "i, f or s", "value", "a parameter was set (topic: param); long texts are cut"
    ),
}

REPLIES = {
    "pong": Signal("ssi", "token, version, api", "answers /ace/ping"),
    "done": Signal(
        "sii",
        "command, two numbers",
        "notify: client, lease seconds; hello: lease; panic: jobs; history: rows; favourite: on; insert: track, slot; "
        "lyrics: parts so far, seconds they are kept; bank: how many pads, or banks, its program; adapter(s): how many "
        "are worn",
    ),
    "past": Signal(
        "ssss", "id, state, seed, path of the mix", "one job of /ace/history, the newest first"
    ),
    "banks": Signal("sii", "name, program, 1 or 0", "one bank of /ace/bank/list; 1: it is played"),
    "cache": Signal(
        "sii",
        "kind, hits, misses",
        "answers /ace/status: what the model did not compute again, and did",
    ),
    "worn": Signal("sf", "path, scale", "a LoRA that is worn; answers /ace/adapters"),
    "synced": Signal("i", "n", "answers /ace/sync"),
}

SENT = EVENTS | REPLIES
PARAM = "param"
TOPICS = tuple(dict.fromkeys(name.partition("/")[0] for name in EVENTS))
# events that do not begin with an id
WITHOUT_JOB = (
    "state",
    "tempo",
    "read",
    "pad",
    "bank",
    "midi/learned",
)
# their texts are for reading; a path elsewhere must stay whole
SHORTENED = (
    "progress",
    *WITHOUT_JOB,
)


def topic(kind: str) -> str:
    """What one subscribes to in order to hear events of that kind."""
    return kind.partition("/")[0]


def is_ours(message: Message) -> bool:
    """Another daemon's word, or our own reflected: answering would never end. Some are called like
    a command, and have more arguments.
    """
    name = message.address.removeprefix("/ace/")
    if name == message.address:
        return False
    if message.address in COMMANDS:
        return name in SENT and len(message.arguments) >= len(SENT[name].types)
    return name in SENT or name.startswith(f"{PARAM}/")


def encode_event(event: Event) -> bytes:
    id = () if event.kind in WITHOUT_JOB else (event.job.id if event.job else "",)
    values: Iterable[Any] = event.values
    if event.kind == "fail":
        return encode_fail(*id, *values)
    if event.kind == "favourite":
        values = (*values, mix_of(event.job) if event.job else "")
    if event.kind == "planned":
        values = (short(value, MAX_VALUE) for value in event.values)
    if event.kind in SHORTENED:
        values = _shortened(values)
    return encode(f"/ace/{event.kind}", EVENTS[event.kind].types, *id, *values)


def encode_fail(*values: str | int) -> bytes:
    """id, command, code, message, hint: whatever the texts are, the datagram stays below 1,200
    bytes.
    """
    return encode("/ace/fail", EVENTS["fail"].types, *_shortened(values))


def encode_param(name: str, value: Any) -> bytes:
    """The value of a parameter, as its kind is sent: a switch as 1 or 0, a seed as a text."""
    assert name in FIELDS
    if isinstance(value, str) or name in SEEDS:
        return encode(f"/ace/{PARAM}/{name}", "s", short(str(value), MAX_VALUE))
    return encode(f"/ace/{PARAM}/{name}", "f" if isinstance(value, float) else "i", value)


def mix_of(job: Job) -> str:
    """The path of the job's mix; "" where it has landed no files."""
    paths = {stem: path for stem, path, *_ in (clip.values for clip in job.clip_events)}
    return str(paths.get(MIX, next(iter(paths.values()), "")))


def short(text: str, limit: int = MAX_TEXT) -> str:
    data = text.encode(errors="replace")
    return text if len(data) <= limit else data[: limit - 3].decode(errors="ignore") + "…"


def _shortened(values: Iterable[Any]) -> Iterable[Any]:
    return (short(value) if isinstance(value, str) else value for value in values)
