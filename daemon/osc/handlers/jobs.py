"""Commands about jobs: order, cancel and look them up, and use the clips of finished ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from pipeline.request import FIELDS, UNDERSTAND, OutOfRange, WrongType, coerce

from ...engine.lookup import FEW_TAKES
from ...granted_folders import find_granted
from ...integrations.clients import parse_name
from ...integrations.inserter import ANYWHERE, INSERT
from ...jobs import REROLL, Event, Job, Order, Priority, Refused
from ...panel import NothingToPlay
from ..arguments import (
    ONE_STRING_HINT,
    Arguments,
    is_button,
    is_name,
    join_words,
    parse_flag_at,
    parse_id_at,
    parse_id_unless_button,
    parse_int,
    parse_int_at,
    parse_pairs,
    split_job_id,
    split_numbers,
    split_order_options,
)
from ..command import Command, Context, always
from ..patterns import Pattern, is_pattern

MAX_ROWS = 200  # of an answer to /ace/history
DEFAULT_ROWS = 20
SOURCE_GONE_HINT = "copies in .sources make room for newer ones: send it again with its file"


# --- orders ---------------------------------------------------------------------------------------


def generate(context: Context, arguments: Arguments) -> None:
    id, rest = split_job_id(arguments)
    try:
        count, priority, land_in, values = split_order_options(parse_pairs(rest))
        out = find_granted(context.settings.state, land_in) if land_in else None
        if priority is None:
            priority = Priority.BATCH if count > 1 else _default_priority(arguments)
        client = context.sender.client
        make_order = partial(Order, client, id, count=count, priority=priority, out=out)
        _submit(context, id, "/ace/generate", values, make_order)
    except WrongType as error:
        error.hint = "; ".join(filter(None, (error.hint, ONE_STRING_HINT)))
        raise


def go(context: Context, arguments: Arguments) -> None:
    id, rest = split_job_id(arguments)
    words, numbers = split_numbers(rest)
    values: dict[str, Any] = dict(zip(("bars", "seed"), numbers))
    if words:
        values["prompt"] = " ".join(words)
    priority = _default_priority(arguments)
    make_order = partial(Order, context.sender.client, id, priority=priority)
    _submit(context, id, "/ace/go", values, make_order)


def understand(context: Context, arguments: Arguments) -> None:
    id, rest = split_job_id(arguments)
    if not (path := join_words(rest).strip()):
        raise WrongType("which file? send the id, then the path of a recording")
    # the whole recording, whatever length the panel has for new music
    values: dict[str, Any] = {
        name: FIELDS[name].default for name in ("bars", "seconds", "codes", "loop", "stems")
    }
    values |= {"task": UNDERSTAND, "source": path}
    make_order = partial(Order, context.sender.client, id, priority=Priority.NORMAL)
    _submit(context, id, "/ace/understand", values, make_order)


def reroll(context: Context, arguments: Arguments) -> None:
    id, rest = split_job_id(arguments)
    parent = parse_id_at(rest, 0)
    pairs = rest[1:]
    seed = -1
    if pairs and not is_name(pairs[0]):
        seed = coerce("seed", pairs[0])
        pairs = pairs[1:]
    count, priority, land_in, changed = split_order_options(parse_pairs(pairs))
    if land_in:
        raise Refused(400, "a reroll lands where its parent did: leave land_in out")
    values = context.allowed_folders.resolve_values(changed)
    changes, notes = context.panel.read_values(values)

    def refuse(error: Exception) -> None:
        if isinstance(error, OutOfRange):  # a file that the parent was made with is gone
            error.hint = error.hint or SOURCE_GONE_HINT
        context.refuse(id, REROLL, error)

    if priority is None:
        priority = Priority.BATCH if count > 1 else Priority.NORMAL
    client = context.sender.client
    context.engine.begin_reroll(
        client, id, refuse, parent, seed, context.send_event, changes, notes, count, priority
    )


def _default_priority(arguments: Arguments) -> Priority:
    """What a button asks for goes before what was typed."""
    return Priority.LIVE if is_button(arguments) else Priority.NORMAL


def _submit(
    context: Context,
    id: str,
    command: str,
    values: dict[str, Any],
    make_order: Callable[..., Order],
) -> None:
    """Submit `make_order(request=..., notes=..., session=..., command=...)`, with the panel's
    request as these `values` change it. Raises `Refused` and `BadRequest`; what is wrong with its
    lyrics, and what the engine refuses, is answered now or later.
    """
    try:
        draft = context.panel.draft(context.allowed_folders.resolve_values(values))
    except NothingToPlay as error:
        if id:
            error.hint = "the first argument is the id, then comes what it should sound like"
        else:  # a button, which says nothing itself
            error.hint = "set it before: /ace/set/prompt, or prompt under [request] in the settings"
        raise

    def finish() -> Order:
        built = context.panel.finish(draft)
        return make_order(
            request=built.request, notes=built.notes, session=built.session, command=command
        )

    refuse = partial(context.refuse, id, command)
    client = context.sender.client
    context.engine.begin_written(client, id, finish, refuse, context.send_event, draft.takes_long)


# --- cancelling -----------------------------------------------------------------------------------


def cancel(context: Context, arguments: Arguments) -> Iterator[None]:
    id = _required_id(arguments, "its id, or *")
    count, steps = context.engine.begin_cancel(context.sender.client, id)
    yield from steps
    if not count:
        context.answer("cancelled", "*")  # nothing to cancel: it is answered all the same


def panic(context: Context, arguments: Arguments) -> Iterator[None]:
    timed = context.drop_timed()
    count, steps = context.engine.begin_panic(context.sender.client)
    yield from steps
    for tell_sender in timed:
        tell_sender()
        yield
    context.answer("done", "/ace/panic", count + len(timed), 0)


# --- looking up -----------------------------------------------------------------------------------


def query(context: Context, arguments: Arguments) -> Iterator[None]:
    for job in _find_jobs(context, _required_id(arguments, "its id, or a pattern")):
        for event in job.status_events:
            context.send_event(event)
            yield


def _find_jobs(context: Context, id: str) -> list[Job]:
    """The job of that id, all takes of that order, or the active jobs that match the pattern.
    Raises `Refused` 404.
    """
    try:
        job = context.engine.find(context.sender.client, id)
        return [job] if job.id == id else context.engine.batch(job.client, job.batch)
    except Refused:
        if not is_pattern(id):
            raise
    pattern = Pattern(id)
    matching = [job for job in context.engine.active() if pattern.matches(job.id)]
    if not matching:
        raise Refused(404, f"{id[:40]!r} matches no job that has not ended")
    return matching


def _is_of_many(context: Context, arguments: Arguments) -> bool:
    """Whether an order of many takes is meant."""
    id = parse_id_at(arguments, 0)
    with suppress(Refused):
        job = context.engine.find(context.sender.client, id)
        return job.id != id and job.takes > FEW_TAKES
    return False


def history(context: Context, arguments: Arguments) -> Iterator[None]:
    words, numbers = split_numbers(arguments, most=1)
    count = parse_int("count", numbers[0]) if numbers else DEFAULT_ROWS
    if not 1 <= count <= MAX_ROWS:
        raise OutOfRange(f"count must be in 1..{MAX_ROWS}, got {count}")
    jobs = context.engine.journal.list_past(count, " ".join(words).strip())
    for job in jobs:
        context.answer("past", job.id, job.state, str(job.seed), job.path)
        yield
    context.answer("done", "/ace/history", len(jobs), 0)


def _has_words(context: Context, arguments: Arguments) -> bool:
    """They are looked for in every job: that takes long."""
    words, _ = split_numbers(arguments, most=1)
    return bool(" ".join(words).strip())


def _required_id(arguments: Arguments, what: str) -> str:
    if not (id := parse_id_at(arguments, 0)):
        raise Refused(400, f"which job? the first argument must be {what}")
    return id


# --- finished jobs --------------------------------------------------------------------------------


def favourite(context: Context, arguments: Arguments) -> None:
    job = _find_finished(context, parse_id_unless_button(arguments))
    on = parse_flag_at(arguments, 1, "on", default=True)

    def answer(refused: Refused | None) -> None:
        if refused:
            context.refuse(job.id, "/ace/favourite", refused)
        else:
            context.send_published(Event("favourite", job, (int(on),)))  # which it was
            context.answer("done", "/ace/favourite", int(on), 0)

    context.engine.begin_mark(job, on, answer)


def insert(context: Context, arguments: Arguments) -> None:
    job = _find_finished(context, parse_id_unless_button(arguments))
    track = _parse_place(arguments, 1, "track")
    slot = _parse_place(arguments, 2, "slot")
    # at once: whether it is there is looked at, and nothing is opened
    if not Path(job.mix_path).is_file():
        raise Refused(404, f"the file of {job.id!r} is not there any more: {job.mix_path}")
    if program := context.inserter.find_program(context.sender.client):
        context.expect_fail(INSERT)
        context.inserter.ask(program, job, track, slot)
    elif context.subscribers.list_peers("insert"):  # they have no names: all of them are asked
        context.engine.publish(Event("insert", job, (track, slot, job.mix_path)))
    else:
        hint = "open your DAW with its part of acestepd in it: acestepd integrations lists them"
        raise Refused(503, f"no integration is connected that could put {job.id!r} in", hint)
    context.answer("done", INSERT, track, slot)


def _parse_place(arguments: Arguments, index: int, name: str) -> int:
    number = parse_int_at(arguments, index, name, ANYWHERE)
    if number < ANYWHERE:
        raise OutOfRange(f"{name} must be 0 or more, or -1: where the program likes, got {number}")
    return number


def note_inserted(context: Context, arguments: Arguments) -> None:
    id = _required_id(arguments, "its id")
    try:
        program = parse_name(parse_id_at(arguments, 1))
    except ValueError as error:
        raise OutOfRange(str(error)) from error
    where = join_words(arguments[2:])
    job = context.inserter.find_job(context.sender.client, id, program)
    context.inserter.note_inserted(job, program, where)
    context.answer("done", "/ace/inserted", 1, 0)


def _find_finished(context: Context, id: str) -> Job:
    """A job that has files: by its id, or the newest, the sender's own before others'. Raises
    `Refused` 404 and 409.
    """
    if id:
        job = context.engine.find(context.sender.client, id)
        if not job.clip_events:
            raise Refused(409, f"job {id!r} has no files", "only a finished one has")
        return job
    return context.engine.find_newest_clip(context.sender.client)


COMMANDS = (
    Command(
        "/ace/generate",
        "s",
        "s id, then key value pairs",
        "/ace/queued",
        "make a clip; `count` takes of it are called id.1, id.2, ...; "
        "`priority` live, normal or batch",
        generate,
        makes_job=True,
        ignores_release=True,
        names_job=True,
    ),
    Command(
        "/ace/go",
        "ssfi",
        "s id, s prompt, [f bars], [i seed]",
        "/ace/queued",
        "the same by position, for Pd and TouchOSC",
        go,
        makes_job=True,
        ignores_release=True,
        names_job=True,
    ),
    Command(
        "/ace/understand",
        "ss",
        "s id, s path",
        "/ace/queued",
        "what is this recording? /ace/planned tells it in words and codes, "
        "and a manifest that plays it",
        understand,
        makes_job=True,
        names_job=True,
    ),
    Command(
        REROLL,
        "ssi",
        "[s id], [s parent], [i seed], then key value pairs",
        "/ace/queued",
        "the parent's take with another seed, in its tempo, key, metre and bars; without a parent, "
        "the newest's; what is to be otherwise, like `key any`; `count` of them",
        reroll,
        makes_job=True,
        ignores_release=True,
        names_job=True,
    ),
    Command(
        "/ace/cancel",
        "s",
        "s id or *",
        "/ace/cancelled",
        "stop a job, or all",
        cancel,
        names_job=True,
        follows_orders=True,
    ),
    Command(
        "/ace/panic",
        "",
        "",
        "/ace/done",
        "stop everything, also what waits for a bundle's time",
        panic,
        ignores_release=True,
    ),
    Command(
        "/ace/query",
        "s",
        "s id",
        "its clips and last event",
        "where is it? `*`, `?` match those that have not ended",
        query,
        names_job=True,
        is_slow=_is_of_many,
        follows_orders=True,
    ),
    Command(
        "/ace/favourite",
        "si",
        "[s id], [i on]",
        "/ace/favourite, /ace/done",
        "mark a clip, and the pad that plays it, or not (0); without an id the newest",
        favourite,
        ignores_release=True,
        names_job=True,
    ),
    Command(
        INSERT,
        "sii",
        "[s id], [i track], [i slot]",
        "/ace/done",
        "ask the program in your DAW to put the clip there; without an id the newest",
        insert,
        ignores_release=True,
        names_job=True,
    ),
    Command(
        "/ace/inserted",
        "sss",
        "s id, s program, [s where]",
        "/ace/done",
        "that program has put the clip in; without where it could not",
        note_inserted,
        names_job=True,
        is_slow=always,  # it may be any of the clips that the program has not put in yet
    ),
    Command(
        "/ace/history",
        "si",
        "[s words], [i count]",
        "/ace/past each, /ace/done",
        "the newest jobs, with these words",
        history,
        is_slow=_has_words,
        is_search=True,
    ),
)
