"""The READMEs' tables, written from the code: `python -m tests.tools.tables` updates them."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterable
from pathlib import Path

from daemon.integrations.catalogue import Part, list_available
from daemon.integrations.places import DOCUMENTS
from daemon.osc.command_table import COMMANDS
from daemon.osc.outgoing import OUTGOING
from daemon.settings import DEFAULT_FILE, Midi, PadSettings, Settings, Watch
from pipeline.explain import explain_request
from pipeline.guide.chord_qualities import QUALITIES, SPELLINGS
from pipeline.guide.composer.sound_words import SOUND_WORDS
from pipeline.limits import GB, KB, LIMITS, MB, Limits
from pipeline.request import FIELDS, FieldSpec, Request

ROOT = Path(__file__).parents[2]
PAGES = tuple(ROOT / folder / "README.md" for folder in ("daemon", "pipeline", "integrations"))

PROMPTS = (
    "lo-fi beat, 84 bpm, Eb minor",
    "deep house, BPM: 128,5",
    "techno at 140",
    "dnb 174, rolling bass",
    "jazz, under 90 bpm",
    "135 beats per minute",
    "waltz, ♩ = 96",
    "120-128 bpm",
    "90 bpm verse, 140 bpm drop",
    "techno at 999 bpm",
    "house, F#m",
    "piano in Eb",
    "key of Bb",
    "Klavier, B-Dur",
    "piano en la mineur",
    "techno, 8A",
    "Am/C major",
    "D dorian",
    "key: 13A",
    "slow 6/8 ballad",
    "7/8 prog",
    "90s house, 808s, at 3 am",
    "a minor key, from a major label",
)


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    lines = [list(head), ["---"] * len(list(head)), *map(list, rows)]
    return "\n".join(
        "| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines
    )


def messages() -> str:
    rows = (
        (f"`{command.address}`", command.arguments, command.help, _quote_addresses(command.answer))
        for command in COMMANDS.values()
    )
    return table(("send", "arguments", "what it does", "answer"), rows)


def events() -> str:
    rows = (
        (f"`/ace/{message.name}`", f"`{message.types}`", message.arguments, message.help)
        for message in OUTGOING.values()
    )
    return table(("you hear", "types", "arguments", "meaning"), rows)


def _quote_addresses(text: str) -> str:
    return re.sub(r"/ace/[\w/<>]+", r"`\g<0>`", text)


def parameters() -> str:
    def row(name: str, spec: FieldSpec) -> tuple[str, ...]:
        limits = f"{spec.low:.10g} to {spec.high:.10g}" if abs(spec.low) < float("inf") else ""
        if isinstance(spec.default, str) and not spec.choices:
            limits = f"up to {spec.max_length} characters"
        default = (
            "on"
            if spec.default is True
            else f"{spec.default:.10g}"
            if isinstance(spec.default, float)
            else ""
        )
        aliases = ", ".join(f"`{alias}`" for alias in spec.aliases)
        return f"`{name}`", aliases, limits, default or str(spec.default), spec.help

    head = ("parameter", "also called", "range", "default", "meaning")
    return table(head, (row(name, spec) for name, spec in FIELDS.items()))


def prompts() -> str:
    def row(prompt: str) -> tuple[str, ...]:
        request = Request(prompt).follow_prompt()
        bpm = f"{request.bpm:.10g}" if request.bpm else ""
        notes = [note.removeprefix("the prompt ") for note in explain_request(request)]
        return f"`{prompt}`", bpm, request.key, request.time_signature, "; ".join(notes)

    head = ("in the prompt", "bpm", "key", "time signature", "the prompt ...")
    return table(head, map(row, PROMPTS))


def chords() -> str:
    """C with every quality, and how else that is written."""
    kinds = [f"C{quality}" for quality in QUALITIES]
    rows = [(f"`{'`, `'.join(others.split())}`", meant) for others, meant in SPELLINGS.items()]
    return f"`{'`, `'.join(kinds)}`.\n\n" + table(("also written", "as in"), rows)


def players() -> str:
    rows = (
        (" or ".join(sounds.split(", ")), " or ".join(roles.split()), words)
        for roles, sounds, words in SOUND_WORDS
    )
    return table(("plays", "part", "where the prompt says"), rows)


def settings() -> str:
    return table((f"setting in `{DEFAULT_FILE}`", "default", "meaning"), _settings_of(Settings))


def watch() -> str:
    return table(("in a `[[watch]]` table", "default", "meaning"), _settings_of(Watch))


def midi() -> str:
    return table(("in the `[midi]` table", "default", "meaning"), _settings_of(Midi))


def pad() -> str:
    return table(("in a `[[midi.pad]]` table", "default", "meaning"), _settings_of(PadSettings))


def _settings_of(kind: type[Settings | Watch | Midi | PadSettings]) -> Iterable[tuple[str, ...]]:
    return (
        (f"`{spec.name}`", _default(spec), spec.metadata["help"])
        for spec in dataclasses.fields(kind)
    )


def _default(spec: dataclasses.Field[object]) -> str:
    """As it is written in the file."""
    value = spec.default
    if value is dataclasses.MISSING:
        return ""
    if value == Path():
        return ""
    if isinstance(value, str | Path):
        return f'`"{value}"`'
    return "`[]`" if value == () else f"`{str(value).lower()}`"


def limits() -> str:
    def row(name: str, value: int, unit: str, help: str) -> tuple[str, ...]:
        bound = "at least" if name.startswith("least_") else "at most"
        return f"`{name}`", f"{bound} {_format_amount(value, unit)}", help

    rows = (
        row(spec.name, getattr(LIMITS, spec.name), **spec.metadata)
        for spec in dataclasses.fields(Limits)
    )
    return table(("limit", "", "of"), rows)


def _format_amount(value: int, unit: str) -> str:
    """1,048,576 bytes are 1 MB."""
    for name, size in (("GB", GB), ("MB", MB), ("KB", KB)):
        if unit == "bytes" and value % size == 0:
            return f"{value // size} {name}"
    return f"{value:,} {unit}"


def integrations() -> str:
    rows = (
        (f"[{row.name}/]({row.name}/README.md)", row.title, row.does, row.ran)
        for row in list_available()
    )
    return table(("folder", "program", "what you get", "what was run where"), rows)


def places() -> str:
    rows = (
        (
            f"`{row.name}`",
            _quote_patterns(part, part.place.darwin),
            _quote_patterns(part, part.place.linux),
            f"`{part.place.windows}`",
        )
        for row in list_available()
        for part in row.parts
        if part.place is not DOCUMENTS
    )
    return table(("", "macOS", "Linux", "Windows (by hand)"), rows)


def _quote_patterns(part: Part, patterns: Iterable[str]) -> str:
    bases = {"CONFIG": "~/.config", "DATA": "~/.local/share"}
    paths = []
    for pattern in patterns:
        base, _, rest = pattern.replace("[0-9]*", "N").partition("/")
        folders = (bases.get(base, base), rest, part.place.folder, part.folder)
        paths.append(f"`{'/'.join(filter(None, folders))}`")
    return " or ".join(paths)


TABLES: dict[str, Callable[[], str]] = {
    "messages": messages,
    "events": events,
    "parameters": parameters,
    "prompts": prompts,
    "chords": chords,
    "players": players,
    "settings": settings,
    "watch": watch,
    "midi": midi,
    "pad": pad,
    "limits": limits,
    "integrations": integrations,
    "places": places,
}


def updated(text: str) -> str:
    """`text` with every `<!-- table: NAME -->...<!-- end -->` written anew."""

    def write(found: re.Match[str]) -> str:
        return f"<!-- table: {found[1]} -->\n{TABLES[found[1]]()}\n<!-- end -->"

    return re.sub(r"<!-- table: (\w+) -->.*?<!-- end -->", write, text, flags=re.DOTALL)


def replace_table(text: str, name: str, written: str) -> str:
    """`text` with another table between `<!-- table: NAME -->` and `<!-- end -->`: one that takes
    too long to be written with all others.
    """
    begin = f"<!-- table: {name} -->\n"
    before, found, rest = text.partition(begin)
    if not found:
        raise ValueError(f"there is no {begin.strip()}")
    end = rest.index("\n<!-- end -->")
    return before + begin + written + rest[end:]


if __name__ == "__main__":
    for page in PAGES:
        page.write_text(updated(page.read_text("utf-8")), "utf-8")
