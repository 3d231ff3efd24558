"""Pads, numbered from 1 in messages, and their banks."""

from __future__ import annotations

from functools import partial
from typing import Any

from pipeline.did_you_mean import suggest
from pipeline.request import OutOfRange, WrongType, is_field

from ...jobs import Event, Refused
from ...pads.interface import Light
from ...pads.player import PadPlayer
from ..arguments import (
    Arguments,
    join_words,
    parse_flag_at,
    parse_id_at,
    parse_int,
    parse_int_at,
    parse_pairs,
    split_numbers,
)
from ..command import Command, Context, always, never

REROLLED = ("all", "unmarked")  # pads, by /ace/bank/reroll


def _pads(context: Context) -> PadPlayer:
    if context.pads is None:
        raise Refused(503, "this daemon has no pads")
    return context.pads


# --- pads -----------------------------------------------------------------------------------------


def hit(context: Context, arguments: Arguments) -> None:
    index = _parse_index(arguments)
    velocity = parse_int_at(arguments, 1, "velocity", 0)
    if not 0 <= velocity <= 127:
        raise OutOfRange(f"velocity must be in 0..127, got {velocity}")
    if len(arguments) < 2 or velocity:  # 0 is a pad that is let go
        refuse = partial(context.refuse, "", "/ace/pad/hit")
        light = _pads(context).hit(index, refuse, velocity, context.sender.client)
        _answer_pad(context, index, light)


def _must_read_take(context: Context, arguments: Arguments) -> bool:
    return _pads(context).must_read_take(_parse_index(arguments))


def _must_look_at_take(context: Context, arguments: Arguments) -> bool:
    return _must_read_take(context, arguments) or _pads(context).must_foresee(
        _parse_index(arguments)
    )


def reroll(context: Context, arguments: Arguments) -> None:
    index = _parse_index(arguments)
    refuse = partial(context.refuse, "", "/ace/pad/reroll")
    _answer_pad(context, index, _pads(context).reroll(index, refuse, context.sender.client))


def favourite(context: Context, arguments: Arguments) -> None:
    index = _parse_index(arguments)
    on = parse_flag_at(arguments, 1, "on", default=True) if len(arguments) > 1 else None
    _answer_pad(context, index, _pads(context).toggle_favourite(index, on))


def adjust(context: Context, arguments: Arguments) -> None:
    index = _parse_index(arguments)
    values = parse_pairs(arguments[1:])
    if not values:
        raise WrongType("set what? send the pad, then name value pairs")
    _answer_pad(context, index, _pads(context).set_parameters(index, values))


def _parse_index(arguments: Arguments) -> int:
    """The index, from 0, of the pad that a message names by its number, from 1."""
    if not arguments:
        raise WrongType("which pad? the first argument must be its number")
    return parse_int("pad", arguments[0]) - 1


def _answer_pad(context: Context, index: int, light: Light) -> None:
    """Answer with how the pad stands. Subscribers have been sent that where it has changed."""
    context.send_event(Event("pad", None, (index + 1, light.state.value, light.progress)))


# --- banks ----------------------------------------------------------------------------------------


def fill_bank(context: Context, arguments: Arguments) -> None:
    arguments, pairs = _split_pairs(arguments)
    words, numbers = split_numbers(arguments)
    values: dict[str, Any] = parse_pairs(pairs)
    if words:
        values["prompt"] = " ".join(words)
    if numbers:
        values["bars"] = numbers[0]
    count = parse_int("count", numbers[1]) if len(numbers) > 1 else None
    context.answer("done", "/ace/bank/fill", _pads(context).fill(values, count), 0)


def _split_pairs(arguments: Arguments) -> tuple[Arguments, Arguments]:
    """What is given by position, and the name value pairs behind its two numbers."""
    for index in range(2, len(arguments) - 1):
        numbers = arguments[index - 2 : index]
        if is_field(arguments[index]) and not any(isinstance(each, str) for each in numbers):
            return arguments[:index], arguments[index:]
    return arguments, ()


def reroll_bank(context: Context, arguments: Arguments) -> None:
    word = "unmarked"
    if arguments and isinstance(arguments[0], str):
        word = parse_id_at(arguments, 0)
    if word not in REROLLED:
        raise OutOfRange(
            f"which must be {' or '.join(REROLLED)}, got {word[:40]!r}", suggest(word, REROLLED)
        )
    context.answer("done", "/ace/bank/reroll", _pads(context).reroll_all(word == "all"), 0)


def undo(context: Context, arguments: Arguments) -> None:
    context.send_published(_pads(context).banks.undo())
    _answer_bank(context, "/ace/bank/undo")


def redo(context: Context, arguments: Arguments) -> None:
    context.send_published(_pads(context).banks.redo())
    _answer_bank(context, "/ace/bank/redo")


def load_bank(context: Context, arguments: Arguments) -> None:
    if arguments and not isinstance(arguments[0], str):
        _pads(context).banks.load_program(parse_int("program", arguments[0]))
    else:
        _pads(context).banks.load(join_words(arguments).strip())
    _answer_bank(context, "/ace/bank/load")


def save_bank(context: Context, arguments: Arguments) -> None:
    words = [word for word in arguments if isinstance(word, str)]
    program = None
    if words:  # or else a number is a button's
        numbers = [number for number in arguments if not isinstance(number, str)]
        program = parse_int("program", numbers[0]) if numbers else None
    _pads(context).banks.save(" ".join(words).strip(), program)
    _answer_bank(context, "/ace/bank/save")


def rename_bank(context: Context, arguments: Arguments) -> None:
    match [word.strip() for word in arguments if isinstance(word, str)]:
        case [new]:
            _pads(context).banks.rename("", new)
        case [name, new]:
            _pads(context).banks.rename(name, new)
        case words:
            raise WrongType(
                f"which bank, and what is it to be called? got {len(words)} names",
                "send its name and the new one; or the new one, for the bank that is played",
            )
    _answer_bank(context, "/ace/bank/rename")


def delete_bank(context: Context, arguments: Arguments) -> None:
    name = join_words(tuple(word for word in arguments if isinstance(word, str))).strip()
    if not name:
        raise WrongType("which bank? the first argument must be its name", "/ace/bank/list")
    _pads(context).banks.delete(name)
    _answer_bank(context, "/ace/bank/delete")


def list_banks(context: Context, arguments: Arguments) -> None:
    banks = _pads(context).banks.list_programs()
    current, _, _ = _pads(context).banks.current
    for name, program in banks.items():
        context.answer("banks", name, program, int(name == current))
    context.answer("done", "/ace/bank/list", len(banks), 0)


def _answer_bank(context: Context, command: str) -> None:
    _, program, count = _pads(context).banks.current
    context.answer("done", command, count, program)


COMMANDS = (
    Command(
        "/ace/pad/hit",
        "ii",
        "i pad, [i velocity]",
        "/ace/pad",
        "play a pad (1, 2, ...): announce its take again, or make it; velocity 0: no hit",
        hit,
        makes_job=True,
        ignores_release=True,  # no pad is 0
        is_slow=_must_read_take,
    ),
    Command(
        "/ace/pad/reroll",
        "i",
        "i pad",
        "/ace/pad",
        "another seed for it, and its take",
        reroll,
        ignores_release=True,
        is_slow=_must_look_at_take,
    ),
    Command(
        "/ace/pad/favourite",
        "ii",
        "i pad, [i on]",
        "/ace/pad",
        "mark it and its take, or not (0); without on the other of both",
        favourite,
        ignores_release=True,
        is_slow=never,
    ),
    Command(
        "/ace/pad/set",
        "i",
        "i pad, then key value pairs",
        "/ace/pad",
        "parameters of its own; `seed` is its seed",
        adjust,
        is_slow=never,
    ),
    Command(
        "/ace/bank/fill",
        "sfi",
        "s prompt, [f bars], [i count], then key value pairs",
        "/ace/done",
        "this and seeds of their own for the first pads, in one tempo and key, as `/ace/note` "
        "says; favourites stay",
        fill_bank,
        is_slow=never,
    ),
    Command(
        "/ace/bank/reroll",
        "s",
        "[s all or unmarked]",
        "/ace/done",
        "new seeds, for favourites only with all",
        reroll_bank,
        ignores_release=True,
        is_slow=never,
    ),
    Command(
        "/ace/bank/undo",
        "",
        "",
        "/ace/done",
        "the pads as they were before the last fill or reroll; the bank as it was before a load",
        undo,
        ignores_release=True,
        is_slow=always,
    ),
    Command(
        "/ace/bank/redo",
        "",
        "",
        "/ace/done",
        "take an undo back",
        redo,
        ignores_release=True,
        is_slow=always,
    ),
    Command(
        "/ace/bank/load",
        "s",
        "s name, or i program",
        "/ace/done",
        "play another bank, as it was saved",
        load_bank,
        is_slow=always,
    ),
    Command(
        "/ace/bank/save",
        "si",
        "[s name], [i program]",
        "/ace/done",
        "save the bank as it is now, from now on under that name and program (0..127)",
        save_bank,
        ignores_release=True,
        is_slow=always,
    ),
    Command(
        "/ace/bank/rename",
        "ss",
        "[s name], s new",
        "/ace/done",
        "another name for a bank, or the one that is played; it keeps its program",
        rename_bank,
        is_slow=always,
    ),
    Command(
        "/ace/bank/delete",
        "s",
        "s name",
        "/ace/done",
        "move a bank that is not played to the trash of the machine acestepd runs on",
        delete_bank,
        is_slow=always,
    ),
    Command(
        "/ace/bank/list",
        "",
        "",
        "/ace/banks each, /ace/done",
        "the banks there are",
        list_banks,
        is_slow=always,
    ),
)
