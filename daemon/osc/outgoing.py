"""What we send: one row for each event and each reply, and how they are written. No sockets
here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pipeline.request import FIELDS

from ..jobs import Event
from .wire import Value, encode

MAX_TEXT = 250  # bytes of a text that is for reading
MAX_WORDS = 400  # bytes of a line of lyrics, and of its seconds
MAX_VALUE = 1000  # bytes of a parameter's text
# sent as texts: Pd and others keep numbers as 32-bit floats
SEEDS = tuple(name for name in FIELDS if name.endswith("seed"))


@dataclass(frozen=True)
class OutgoingMessage:
    """A row of the table. An event's values follow the id of its job where it `has_id`. Texts have
    at most `max_text` bytes; 0: they are sent whole, as a path must be.
    """

    name: str  # behind /ace/; an event's kind
    types: str  # type tags
    fields: str  # a name for each argument, as `acestepd listen --json` says it
    arguments: str
    help: str
    has_id: bool = False
    max_text: int = 0


def _by_name(*rows: OutgoingMessage) -> dict[str, OutgoingMessage]:
    return {row.name: row for row in rows}


EVENTS = _by_name(
    OutgoingMessage(
        "queued",
        "sif",
        "id position eta",
        "id, position, eta seconds",
        "the job is accepted (eta 0: not known yet)",
        has_id=True,
    ),
    OutgoingMessage(
        "note",
        "ss",
        "id text",
        "id, text",
        "what was read out of the request, was not understood or is left out, and why it is "
        "made again, or elsewhere, too: one each, behind `/ace/queued`, or as soon as it is known",
        has_id=True,
        max_text=MAX_TEXT,
    ),
    OutgoingMessage(
        "progress",
        "sfsf",
        "id fraction stage eta",
        "id, fraction 0..1, stage, eta seconds",
        "at most ten a second",
        has_id=True,
        max_text=MAX_TEXT,
    ),
    OutgoingMessage(
        "planned",
        "sss",
        "id param value",
        "id, parameter, value",
        "the planner filled this in, or understood it: one each; long texts are cut, the manifest "
        "has them whole",
        has_id=True,
        max_text=MAX_VALUE,
    ),
    OutgoingMessage(
        "words",
        "siisffsss",
        "id line bar section start end text starts note",
        "id, line of the lyrics, its bar, its section, seconds at which it begins and ends, the "
        "line, the seconds at which its first 50 words begin, a note",
        "how a line will be sung, before the clip is there; lines and bars count from 1, bar 0: it "
        "is not sung, and the note says why",
        has_id=True,
        max_text=MAX_WORDS,
    ),
    OutgoingMessage(
        "clip",
        "sssfis",
        "id stem path bpm bars seed",
        "id, stem, absolute path, bpm, bars, seed",
        "one file is final; bpm 0 when none was given",
        has_id=True,
    ),
    OutgoingMessage(
        "preview",
        "sis",
        "id step path",
        "id, step, absolute path",
        "an early estimate of the mix, see the parameter preview",
        has_id=True,
    ),
    OutgoingMessage(
        "finished",
        "sis",
        "id files manifest",
        "id, number of files, manifest path",
        "the job is done",
        has_id=True,
    ),
    OutgoingMessage(
        "fail",
        "ssiss",
        "id command code message hint",
        "id, command, code, message, hint",
        "it did not work, and what to do",
        has_id=True,
        max_text=MAX_TEXT,
    ),
    OutgoingMessage("cancelled", "s", "id", "id", "the job was cancelled", has_id=True),
    OutgoingMessage(
        "state",
        "ssi",
        "state model waiting",
        "cold / loading / warm / busy / error, model, queue length",
        "whenever one of them changes",
        max_text=MAX_TEXT,
    ),
    OutgoingMessage(
        "favourite",
        "sis",
        "id on path",
        "id, 1 or 0, path of the mix",
        "it was marked, or not any more",
        has_id=True,
    ),
    OutgoingMessage(
        "insert",
        "siis",
        "id track slot path",
        "id, track, slot, path of the mix",
        "put it there, -1: where you like; to one named client, after the clips",
        has_id=True,
    ),
    OutgoingMessage(
        "inserted",
        "ssss",
        "id program where path",
        "id, program, where, path of the mix",
        "the program has put it there; empty: it could not",
        has_id=True,
    ),
    OutgoingMessage(
        "tempo",
        "fs",
        "bpm source",
        "bpm, explicit / link / midi / default",
        "whenever one of them changes",
        max_text=MAX_TEXT,
    ),
    OutgoingMessage(
        "read",
        "siis",
        "path line code message",
        "path, line, code, message",
        "about a watched file; code 0: fine, line 0: all of it",
        max_text=MAX_TEXT,
    ),
    OutgoingMessage(
        "pad",
        "isf",
        "pad state progress",
        "pad, empty / queued / rendering / ready / favourite / failed, progress 0..1",
        "how it stands",
        max_text=MAX_TEXT,
    ),
    OutgoingMessage(
        "preparing",
        "i",
        "pad",
        "pad, 0: none",
        "its take, or that of its reroll, is being made in advance",
    ),
    OutgoingMessage(
        "bank",
        "sii",
        "name program pads",
        "name, program, number of pads",
        "it is played from now on, or the banks that there are have changed",
        max_text=MAX_TEXT,
    ),
    OutgoingMessage(
        "midi/learned",
        "ss",
        "param control",
        "param, control",
        "a control was learned (topic: midi)",
        max_text=MAX_TEXT,
    ),
    OutgoingMessage(
        "param/<param>",
        "i, f or s",
        "value",
        "value",
        "a parameter was set (topic: param); long texts are cut",
        max_text=MAX_VALUE,
    ),
)

REPLIES = _by_name(
    OutgoingMessage("pong", "ssi", "token version api", "token, version, api", "answers /ace/ping"),
    OutgoingMessage(
        "done",
        "sii",
        "command first second",
        "command, two numbers",
        "notify: client, lease seconds; hello: lease; panic: jobs; history: rows; favourite: on; "
        "insert: track, slot; clients, doctor: how many; "
        "lyrics: parts so far, seconds they are kept; bank: how many pads, or "
        "banks, its program; adapter(s): how many are worn",
    ),
    OutgoingMessage(
        "client",
        "ssfi",
        "name client seconds inserts",
        "name, client, seconds since it was heard, 1 or 0",
        "one named client of /ace/clients; 1: it puts clips in",
    ),
    OutgoingMessage(
        "past",
        "ssss",
        "id state seed path",
        "id, state, seed, path of the mix",
        "one job of /ace/history, the newest first",
    ),
    OutgoingMessage(
        "banks",
        "sii",
        "name program playing",
        "name, program, 1 or 0",
        "one bank of /ace/bank/list; 1: it is played",
    ),
    OutgoingMessage(
        "cache",
        "sii",
        "kind hits misses",
        "kind, hits, misses",
        "answers /ace/status: what the model did not compute again, and did",
    ),
    OutgoingMessage(
        "cluster",
        "siis",
        "scheduler reached local trouble",
        "scheduler, 1 or 0: it is reached, 1 or 0: this machine makes takes, too, text",
        "answers /ace/status where there are several machines; the text: why it is not reached",
        max_text=MAX_TEXT,
    ),
    OutgoingMessage(
        "worker",
        "ssss",
        "name state device text",
        "name, idle / busy / loading / silent / error / rested / unused, device, text",
        "answers /ace/status, one of those machines; the text: what it makes, or why nothing",
        max_text=MAX_TEXT,
    ),
    OutgoingMessage(
        "worn", "sf", "path scale", "path, scale", "a LoRA that is worn; answers /ace/adapters"
    ),
    OutgoingMessage(
        "finding",
        "ssss",
        "what path problem hint",
        "setting, path, problem, hint",
        "answers /ace/doctor: a folder that it uses, the network, or a MIDI input; no problem: it "
        "works",
    ),
    OutgoingMessage("synced", "i", "n", "n", "answers /ace/sync"),
)

OUTGOING = EVENTS | REPLIES
PARAM = "param"
TOPICS = tuple(dict.fromkeys(name.partition("/")[0] for name in EVENTS))


def find_topic(kind: str) -> str:
    """What a client subscribes to in order to be sent events of that kind."""
    return kind.partition("/")[0]


def encode_event(event: Event) -> bytes:
    row = EVENTS[event.kind]
    values: list[Value] = list(event.values)
    if event.kind == "favourite":
        values.append(event.job.mix_path if event.job else "")
    id = [event.job.id if event.job else ""] if row.has_id else []
    if event.kind == "fail":
        return encode_fail(*id, *values)
    return encode(f"/ace/{event.kind}", row.types, *id, *_shorten_texts(values, row.max_text))


def encode_fail(*values: Value) -> bytes:
    """id, command, code, message, hint: whatever the texts are, the packet stays below 1,200
    bytes.
    """
    row = EVENTS["fail"]
    return encode("/ace/fail", row.types, *_shorten_texts(values, row.max_text))


def encode_parameter(name: str, value: Value) -> bytes:
    """The value of a parameter, as its kind is sent: a switch as 1 or 0, a seed as a text."""
    assert name in FIELDS
    address = f"/ace/{PARAM}/{name}"
    if isinstance(value, str) or name in SEEDS:
        return encode(address, "s", shorten(str(value), MAX_VALUE))
    return encode(address, "f" if isinstance(value, float) else "i", value)


def encode_reply(name: str, *values: Value) -> bytes:
    row = OUTGOING[name]
    return encode(f"/ace/{name}", row.types, *_shorten_texts(values, row.max_text))


def shorten(text: str, limit: int = MAX_TEXT) -> str:
    """The text, cut to `limit` bytes of UTF-8."""
    data = text.encode(errors="replace")
    return text if len(data) <= limit else data[: limit - 3].decode(errors="ignore") + "…"


def _shorten_texts(values: Iterable[Value], limit: int) -> Iterable[Value]:
    if not limit:
        return values
    return [shorten(value, limit) if isinstance(value, str) else value for value in values]
