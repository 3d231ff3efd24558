"""What each message does. One function each, found by its exact address; README: "What you
send".
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.request import FIELDS, UNDERSTAND, OutOfRange, WrongType, coerce, field_name
from pipeline.voices import VOICES
from pipeline.weights.adapter import Adapter, AdapterError, checked

from .. import API, VERSION
from ..jobs import Event, Job, Order, Priority, Refused
from ..pads.interface import Light
from ..pads.knobs import Knob
from ..panel import NothingToPlay
from .arguments import (
    WHOLE_TEXTS,
    Arguments,
    flag_at,
    id_at,
    id_of,
    is_release,
    job_id,
    named,
    number_at,
    order,
    path_and_scale,
    positional,
    pressed_or_id,
    text_of,
    whole,
)
from .guard import LEASE
from .lyric_uploads import PATIENCE
from .patterns import Pattern, is_pattern
from .protocol import COMMANDS, PARAM, TOPICS, encode_param, mix_of, short
from .wire import Message, Sender

if TYPE_CHECKING:
    from ..pads.controllers import Controllers
    from ..pads.player import PadPlayer
    from .server import OscServer

Handler = Callable[["OscServer", Sender, Arguments], None]

HELLO = "/ace/hello"
MAX_ROWS = 200  # of an answer to /ace/history
ANYWHERE = -1  # a track or slot that was not said


def handle(osc: OscServer, message: Message, sender: Sender) -> None:
    """Raises `Refused` and `BadRequest`."""
    if message.address in BUTTONS and is_release(message.arguments):
        return
    address, arguments = _addressed(message)
    if address not in HANDLERS:
        raise Refused(
            404, f"no such message: {message.address[:80]}", "messages: " + " ".join(COMMANDS)
        )
    HANDLERS[address](osc, sender, arguments)


def about(message: Message) -> str:
    """The id of the job that a message is about."""
    return id_at(message.arguments, 0) if message.address in WITH_ID else ""


def _addressed(message: Message) -> tuple[str, Arguments]:
    """The row of the table, and the arguments; a parameter's name is the first one."""
    folder, _, name = message.address.rpartition("/")
    if folder in ("/ace/set", "/ace/get"):
        return f"{folder}/<param>", (name, *message.arguments)
    return message.address, message.arguments


# --- the daemon -----------------------------------------------------------------------------------


def _ping(osc: OscServer, sender: Sender, arguments: Arguments) -> None:
    osc.answer(sender, "pong", short(id_at(arguments, 0)), VERSION, API)


def _hello(osc: OscServer, sender: Sender, arguments: Arguments) -> None:
    osc.guard.hello(sender.host, text_of(arguments))
    osc.answer(sender, "done", HELLO, LEASE, 0)


def _status(osc: OscServer, sender: Sender, arguments: Arguments) -> None:
    osc.tell(sender, osc.engine.state_event())
    for kind, counted in osc.engine.caches.items():
        osc.answer(sender, "cache", kind, *counted)


def _sync(osc: OscServer, sender: Sender, arguments: Arguments) -> None:
    osc.answer(sender, "synced", number_at(arguments, 0, "n", 0))


def _model(osc: OscServer, sender: Sender, arguments: Arguments) -> None:
    name = id_at(arguments, 0)
    variant = id_at(arguments, 1)
    known = dict.fromkeys((osc.settings.model, *osc.settings.models, *VOICES))
    if name not in known:
        hint = f"it may be one of {' '.join(known)}; list more under models in the settings"
        raise Refused(403, f"{name[:80]!r} is not a model that messages may choose", hint)
    if variant and not re.fullmatch(r"\w[\w.-]*", variant):
        raise OutOfRange(f"a variant is the name of a sub-folder, got {variant[:40]!r}")
    osc.asked["/ace/model"] = sender.client
    osc.engine.switch_model(name, variant)
    osc.answer(sender, "done", "/ace/model", 0, 0)


def _adapter(osc: OscServer, sender: Sender, arguments: Arguments) -> None:
    text, scale = path_and_scale(arguments)
    if not text:
        raise Refused(400, "which adapter? the first argument must be its path")
    worn = {one.path: one for one in osc.engine.adapters}
    path = next((path for path in worn if text in (path, Path(path).name)), "") or str(
        osc.allowed_folders.resolve_adapter(text)
    )
    try:
        worn[path] = Adapter(path, scale).checked()
    except AdapterError as error:
        raise OutOfRange(str(error)) from None
    osc.asked["/ace/adapter"] = sender.client
    _wear(osc, sender, "/ace/adapter", checked(worn.values()))


def _adapters(osc: OscServer, sender: Sender, arguments: Arguments) -> None:
    word = id_at(arguments, 0)
    if word not in ("", "clear"):
        raise OutOfRange(
            f"send clear to take all adapters off, or nothing to hear which are worn, got {word[:40]!r}"
        )
    if word:
        _wear(osc, sender, "/ace/adapters", ())
        return
    for adapter in osc.engine.adapters:
        osc.answer(sender, "worn", *adapter)
    osc.answer(sender, "done", "/ace/adapters", len(osc.engine.adapters), 0)


def _wear(osc: OscServer, sender: Sender, command: str, adapters: tuple[Adapter, ...]) -> None:
    osc.engine.set_adapters(*adapters)
    osc.answer(sender, "done", command, len(adapters), 0)


def _tempo(osc: OscServer, sender: Sender, arguments: Arguments) -> None:
    tempo = osc.panel.tempo
    if tempo is None:
        raise Refused(503, "this daemon has no tempo of its own", "give bpm with every request")
    if arguments:
        tempo.set(coerce("bpm", arguments[0]))
    osc.tell(sender, Event("tempo", None, tempo.current))


# --- subscribing ----------------------------------------------------------------------------------


def _notify(osc: OscServer, sender: Sender, arguments: Arguments) -> None:
    on = number_at(arguments, 0, "on", 1)
    port, words = _port_and_topics(arguments[1:])
    listener = Sender(f"udp:{sender.host}:{port}", sender.host) if port else sender
    if not on:
        osc.answer(sender, "done", "/ace/notify", osc.subscribers.remove(listener.client), 0)
        return
    topics = frozenset(words) or frozenset(TOPICS)
    if unknown := topics - set(TOPICS):
        raise OutOfRange(f"topics must be of {' '.join(TOPICS)}, got {min(unknown)[:40]!r}")
    subscriber = osc.subscribers.add(listener, topics)
    for hearing in {sender, listener}:
        osc.answer(hearing, "done", "/ace/notify", subscriber.number, LEASE)
    _snapshot(osc, listener, topics)


def _port_and_topics(arguments: Arguments) -> tuple[int, list[str]]:
    """The port, 0 where it is the sender's own, and the topics: both may be left out."""
    words = " ".join(map(id_of, arguments)).replace(",", " ").split()
    if not words or not re.fullmatch(r"-?\d+(\.\d+)?", words[0]):
        return 0, words
    port = whole("port", words[0])
    if not 0 <= port <= 65535:
        raise OutOfRange(f"port must be in 1..65535, or 0 for where this comes from, got {port}")
    return port, words[1:]


def _snapshot(osc: OscServer, listener: Sender, topics: frozenset[str]) -> None:
    """What is current of every topic that has such a thing."""
    events = [osc.engine.state_event(), *_tempo_events(osc)]
    events += osc.pads.snapshot() if osc.pads else []
    events += [event for job in osc.engine.active() for event in job.status_events]
    for event in events:
        if event.kind in topics:
            osc.tell(listener, event)
    if PARAM in topics:
        for name in FIELDS:
            osc.send(encode_param(name, getattr(osc.panel.request, name)), listener.client)


def _tempo_events(osc: OscServer) -> list[Event]:
    return [Event("tempo", None, osc.panel.tempo.current)] if osc.panel.tempo else []


# --- jobs -----------------------------------------------------------------------------------------


def _generate(osc: OscServer, sender: Sender, arguments: Arguments) -> None:
    id, rest = job_id(arguments)
    try:
        count, priority, values = order(named(rest))
        if priority is None:
            priority = Priority.BATCH if count > 1 else _urgency(arguments)
        _submit(
            osc, sender, values, partial(Order, sender.client, id, count=count, priority=priority)
        )
    except WrongType as error:
        error.hint = error.hint or WHOLE_TEXTS
        raise


def _go(osc: OscServer, sender: Sender, arguments: Arguments) -> None:
    id, rest = job_id(arguments)
    words, numbers = positional(rest)
    values: dict[str, Any] = dict(zip(("bars", "seed"), numbers))
    values |= {"prompt": " ".join(words)} if words else {}
    _submit(osc, sender, values, partial(Order, sender.client, id, priority=_urgency(arguments)))


def _understand(osc: OscServer, sender: Sender, arguments: Arguments) -> None:
    id, rest = job_id(arguments)
    if not (path := text_of(rest).strip()):
        raise WrongType("which file? send the id, then the path of a recording")
    whole: dict[str, Any] = {
        name: FIELDS[name].default for name in ("bars", "seconds", "codes", "loop", "stems")
    }
    values = whole | {"task": UNDERSTAND, "source": path}
    _submit(osc, sender, values, partial(Order, sender.client, id, priority=Priority.NORMAL))


def _urgency(arguments: Arguments) -> Priority:
    """A button that was hit goes before what was typed."""
    return (
        Priority.LIVE
        if len(arguments) == 1 and isinstance(arguments[0], float | bool)
        else Priority.NORMAL
    )


def _submit(
    osc: OscServer, sender: Sender, values: dict[str, Any], ordered: Callable[..., Order]
) -> None:
    try:
        wish = osc.panel.build_request(osc.allowed_folders.resolve_values(values))
    except NothingToPlay as error:
        error.hint = "the first argument is the id, then comes what it should sound like"
        raise
    osc.engine.submit(ordered(request=wish), on_repeat=partial(osc.tell, sender))


def _reroll(osc: OscServer, sender: Sender, arguments: Arguments) -> None:
    id, rest = job_id(arguments)
    seed = coerce("seed", rest[1]) if len(rest) > 1 else -1
    osc.engine.reroll(sender.client, id, id_at(rest, 0), seed, on_repeat=partial(osc.tell, sender))


def _cancel(osc: OscServer, sender: Sender, arguments: Arguments) -> None:
    if not osc.engine.cancel(sender.client, _required_id(arguments, "its id, or *")):
        osc.answer(sender, "cancelled", "*")  # there was nothing, and now there is nothing


def _panic(osc: OscServer, sender: Sender, arguments: Arguments) -> None:
    waited = osc.forget_timed()
    osc.answer(sender, "done", "/ace/panic", osc.engine.panic(sender.client) + waited, 0)


def _query(osc: OscServer, sender: Sender, arguments: Arguments) -> None:
    for job in _queried(osc, sender, _required_id(arguments, "its id, or a pattern")):
        for event in job.status_events:
            osc.tell(sender, event)


def _queried(osc: OscServer, sender: Sender, id: str) -> list[Job]:
    try:
        job = osc.engine.find(sender.client, id)
        return [job] if job.id == id else osc.engine.batch(job.client, job.batch)
    except Refused:
        if not is_pattern(id):
            raise
    pattern = Pattern(id)
    if not (found := [job for job in osc.engine.active() if pattern.matches(job.id)]):
        raise Refused(404, f"{id[:40]!r} matches no job that has not ended")
    return found


def _favourite(osc: OscServer, sender: Sender, arguments: Arguments) -> None:
    job = _finished(osc, sender, pressed_or_id(arguments))
    on = flag_at(arguments, 1, "on", default=True)
    osc.engine.favourite(job.client, job.id, on)
    osc.answer(sender, "done", "/ace/favourite", int(on), 0)


def _insert(osc: OscServer, sender: Sender, arguments: Arguments) -> None:
    job = _finished(osc, sender, pressed_or_id(arguments))
    track, slot = (
        number_at(arguments, n, name, ANYWHERE) for n, name in ((1, "track"), (2, "slot"))
    )
    path = mix_of(job)
    if not Path(path).is_file():
        raise Refused(404, f"the file of {job.id!r} is not there any more: {path}")
    osc.engine.publish(Event("insert", job, (track, slot, path)))
    osc.answer(sender, "done", "/ace/insert", track, slot)


def _finished(osc: OscServer, sender: Sender, id: str) -> Job:
    """A job that has files: by its id, or the newest, the sender's own before others'."""
    if id:
        job = osc.engine.find(sender.client, id)
        if not job.clip_events:
            raise Refused(409, f"job {id!r} has no files", "only a finished one has")
        return job
    with_files = [job for job in osc.engine.journal.search(limit=MAX_ROWS) if job.clip_events]
    own = [job for job in with_files if job.client == sender.client]
    if not with_files:
        raise Refused(404, "no clip is finished yet")
    return (own or with_files)[0]


def _history(osc: OscServer, sender: Sender, arguments: Arguments) -> None:
    words, numbers = positional(arguments, most=1)
    count = whole("count", numbers[0]) if numbers else 20
    if not 1 <= count <= MAX_ROWS:
        raise OutOfRange(f"count must be in 1..{MAX_ROWS}, got {count}")
    jobs = osc.engine.journal.search(" ".join(words), limit=count)
    for job in jobs:
        osc.answer(sender, "past", job.id, job.state.value, str(job.resolved.seed), mix_of(job))
    osc.answer(sender, "done", "/ace/history", len(jobs), 0)


def _required_id(arguments: Arguments, what: str) -> str:
    if not (id := id_at(arguments, 0)):
        raise Refused(400, f"which job? the first argument must be {what}")
    return id


# --- the panel ------------------------------------------------------------------------------------


def _set(osc: OscServer, sender: Sender, arguments: Arguments) -> None:
    name = field_name(str(arguments[0]))
    value = arguments[1:]
    if not value:
        raise WrongType(f"{name} needs a value")
    single = len(value) == 1 and not isinstance(value[0], str)
    _turn(osc, sender, name, value[0] if single else text_of(value))


def _turn(osc: OscServer, sender: Sender, name: str, value: Any) -> None:
    changed = osc.panel.set(name, osc.allowed_folders.resolve_values({name: value})[name])
    if not changed or sender not in osc.subscribers.of(PARAM):  # or else the event has told it
        _tell_param(osc, sender, name)


def _get(osc: OscServer, sender: Sender, arguments: Arguments) -> None:
    name = str(arguments[0])
    if not is_pattern(name):
        _tell_param(osc, sender, field_name(name))
        return
    pattern = Pattern(name)
    if not (found := [field for field in FIELDS if pattern.matches(field)]):
        raise Refused(404, f"{name[:40]!r} matches no parameter", "parameters: " + " ".join(FIELDS))
    for field in found:
        _tell_param(osc, sender, field)


def _tell_param(osc: OscServer, sender: Sender, name: str) -> None:
    osc.send(encode_param(name, getattr(osc.panel.request, name)), sender.client)


def _lyrics_begin(osc: OscServer, sender: Sender, arguments: Arguments) -> None:
    osc.drafts.begin(sender, id_at(arguments, 0))
    osc.answer(sender, "done", "/ace/lyrics/begin", 0, PATIENCE)


def _lyrics_append(osc: OscServer, sender: Sender, arguments: Arguments) -> None:
    if len(arguments) < 2:
        raise WrongType("send the name, the number of the part (1, 2, ...), and its lines")
    name = id_of(arguments[0])
    number = whole("number", arguments[1])
    lines = text_of(arguments[2:])
    osc.answer(
        sender,
        "done",
        "/ace/lyrics/append",
        osc.drafts.append(sender, name, number, lines),
        PATIENCE,
    )


def _lyrics_end(osc: OscServer, sender: Sender, arguments: Arguments) -> None:
    if len(arguments) < 2:
        raise WrongType(
            "send the name, and how many parts there were: nobody else knows whether one was lost"
        )
    parts = whole("parts", arguments[1])
    if (lyrics := osc.drafts.end(sender, id_of(arguments[0]), parts)) is not None:
        osc.panel.set("lyrics", lyrics)
    osc.answer(sender, "done", "/ace/lyrics/end", parts, PATIENCE)


# --- pads -----------------------------------------------------------------------------------------


def _pads(osc: OscServer) -> PadPlayer:
    if osc.pads is None:
        raise Refused(503, "this daemon has no pads")
    return osc.pads


def _pad(arguments: Arguments) -> int:
    """PadPlayer count from 1 for people, slots from 0."""
    if not arguments:
        raise WrongType("which pad? the first argument must be its number")
    return whole("pad", arguments[0]) - 1


def _tell_pad(osc: OscServer, sender: Sender, slot: int, light: Light) -> None:
    """The answer; subscribers have heard it where it is news."""
    osc.tell(sender, Event("pad", None, (slot + 1, light.state.value, light.progress)))


def _pad_hit(osc: OscServer, sender: Sender, arguments: Arguments) -> None:
    slot = _pad(arguments)
    velocity = number_at(arguments, 1, "velocity", 0)
    if not 0 <= velocity <= 127:
        raise OutOfRange(f"velocity must be in 0..127, got {velocity}")
    if len(arguments) < 2 or velocity:  # 0 is a pad that is let go
        _tell_pad(osc, sender, slot, _pads(osc).play(slot, velocity, sender.client))


def _pad_reroll(osc: OscServer, sender: Sender, arguments: Arguments) -> None:
    slot = _pad(arguments)
    _tell_pad(osc, sender, slot, _pads(osc).play_anew(slot, sender.client))


def _pad_favourite(osc: OscServer, sender: Sender, arguments: Arguments) -> None:
    slot = _pad(arguments)
    on = flag_at(arguments, 1, "on", default=True) if len(arguments) > 1 else None
    _tell_pad(osc, sender, slot, _pads(osc).mark(slot, on))


def _pad_set(osc: OscServer, sender: Sender, arguments: Arguments) -> None:
    slot = _pad(arguments)
    values = named(arguments[1:])
    if not values:
        raise WrongType("set what? send the pad, then name value pairs")
    _tell_pad(osc, sender, slot, _pads(osc).adjust(slot, values))


def _bank_fill(osc: OscServer, sender: Sender, arguments: Arguments) -> None:
    words, numbers = positional(arguments)
    values: dict[str, Any] = {"prompt": " ".join(words)} if words else {}
    values |= {"bars": numbers[0]} if numbers else {}
    count = whole("count", numbers[1]) if len(numbers) > 1 else None
    osc.answer(sender, "done", "/ace/bank/fill", _pads(osc).fill(values, count), 0)


def _bank_reroll(osc: OscServer, sender: Sender, arguments: Arguments) -> None:
    which = id_at(arguments, 0) if arguments and isinstance(arguments[0], str) else "unmarked"
    if which not in ("all", "unmarked"):
        raise OutOfRange(f"which must be all or unmarked, got {which[:40]!r}")
    osc.answer(sender, "done", "/ace/bank/reroll", _pads(osc).reroll_all(which == "all"), 0)


def _bank_load(osc: OscServer, sender: Sender, arguments: Arguments) -> None:
    if arguments and not isinstance(arguments[0], str):
        _pads(osc).load_program(whole("program", arguments[0]))
    else:
        _pads(osc).load(text_of(arguments).strip())
    _tell_bank(osc, sender, "/ace/bank/load")


def _bank_save(osc: OscServer, sender: Sender, arguments: Arguments) -> None:
    words = [word for word in arguments if isinstance(word, str)]
    if not words:
        pressed_or_id(arguments)  # a button, or nothing
    numbers = [number for number in arguments if words and not isinstance(number, str)]
    program = whole("program", numbers[0]) if numbers else None
    _pads(osc).save(" ".join(words).strip(), program)
    _tell_bank(osc, sender, "/ace/bank/save")


def _tell_bank(osc: OscServer, sender: Sender, command: str) -> None:
    _, program, count = _pads(osc).bank
    osc.answer(sender, "done", command, count, program)


def _bank_list(osc: OscServer, sender: Sender, arguments: Arguments) -> None:
    banks = _pads(osc).banks()
    (playing, _, _) = _pads(osc).bank
    for name, program in banks.items():
        osc.answer(sender, "banks", name, program, int(name == playing))
    osc.answer(sender, "done", "/ace/bank/list", len(banks), 0)


def _hands(osc: OscServer) -> Controllers:
    if osc.hands is None:
        raise Refused(
            503,
            "no controller can be learned from: there are no MIDI ports",
            "list some in [midi] ports",
        )
    return osc.hands


def _midi_learn(osc: OscServer, sender: Sender, arguments: Arguments) -> None:
    hands = _hands(osc)
    text = text_of(arguments).strip()
    if text in ("", "off"):
        text = ""
    else:
        try:
            Knob.of(text)
        except ValueError as error:
            raise OutOfRange(str(error)) from error
    hands.learn(text)
    osc.answer(sender, "done", "/ace/midi/learn", int(bool(text)), 0)


def _midi_forget(osc: OscServer, sender: Sender, arguments: Arguments) -> None:
    forgotten = _hands(osc).forget(text_of(arguments).strip())
    osc.answer(sender, "done", "/ace/midi/forget", forgotten, 0)


HANDLERS: dict[str, Handler] = {
    "/ace/ping": _ping,
    HELLO: _hello,
    "/ace/status": _status,
    "/ace/notify": _notify,
    "/ace/generate": _generate,
    "/ace/go": _go,
    "/ace/understand": _understand,
    "/ace/reroll": _reroll,
    "/ace/cancel": _cancel,
    "/ace/panic": _panic,
    "/ace/query": _query,
    "/ace/favourite": _favourite,
    "/ace/insert": _insert,
    "/ace/history": _history,
    "/ace/set/<param>": _set,
    "/ace/get/<param>": _get,
    "/ace/lyrics/begin": _lyrics_begin,
    "/ace/lyrics/append": _lyrics_append,
    "/ace/lyrics/end": _lyrics_end,
    "/ace/tempo": _tempo,
    "/ace/model": _model,
    "/ace/pad/hit": _pad_hit,
    "/ace/pad/reroll": _pad_reroll,
    "/ace/pad/favourite": _pad_favourite,
    "/ace/pad/set": _pad_set,
    "/ace/bank/fill": _bank_fill,
    "/ace/bank/reroll": _bank_reroll,
    "/ace/bank/load": _bank_load,
    "/ace/bank/save": _bank_save,
    "/ace/bank/list": _bank_list,
    "/ace/midi/learn": _midi_learn,
    "/ace/adapter": _adapter,
    "/ace/adapters": _adapters,
    "/ace/midi/forget": _midi_forget,
    "/ace/sync": _sync,
}
WITH_ID = {
    f"/ace/{name}"
    for name in ("generate", "go", "understand", "reroll", "cancel", "query", "favourite", "insert")
}
BUTTONS = {f"/ace/{name}" for name in ("generate", "go", "reroll", "panic", "favourite", "insert")}
# no pad is 0
BUTTONS |= {
    "/ace/bank/reroll",
    "/ace/bank/save",
    "/ace/pad/hit",
    "/ace/pad/reroll",
    "/ace/pad/favourite",
}
