"""Ports, folders and limits: one frozen dataclass, from a TOML file and the command line."""

from __future__ import annotations

import dataclasses
import ipaddress
import os
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline import untrusted
from pipeline.did_you_mean import suggest
from pipeline.limits import LIMITS
from pipeline.request import (
    FIELDS,
    FILE_FIELDS,
    MAX_SEED,
    BadRequest,
    Request,
    field_name,
    is_field,
    names_file,
)
from pipeline.request_files import check_files
from pipeline.user_paths import expand_path
from pipeline.voices import PLANNERS
from pipeline.weights import adapter

from .pads import mapping
from .pads.knobs import Knob
from .settings_text import WHOLE_FILE, explain_tables

MAX_SUBSCRIBERS = 64
AUDIO_TASKS = ("cover", "repaint", "extract", "ignore")
DEFAULT_FILE = Path("~/.config/acestepd/settings.toml")


class SettingsError(ValueError):
    """A setting that cannot be used. Names it, what is allowed and what came."""


class VolumeAway(SettingsError):
    """A folder on a volume that is not there now: it may be plugged in a minute later."""

    status = os.EX_TEMPFAIL  # the exit status after which a service is started again


def setting(default: Any, help: str) -> Any:
    return field(default=default, metadata={"help": help})


RANGES: dict[str, tuple[float, float]] = {
    "port": (0, 65535),
    "tcp": (-1, 65535),
    "queue": (1, 10_000),
    "queue_per_client": (1, 10_000),
    "rate": (1, 100_000),
    "history": (0, 10**7),
    "cache_gb": (0, 4096),
    "conditions_mb": (0, 10**6),
    "latents_mb": (0, 10**7),
    "memory_gb": (0, 4096),
    "wired_gb": (0, 4096),
    "idle_unload": (0, 10**5),
    "hang_seconds": (1, 10**5),
    "log_mb": (0, 10_000),
    "prepare_mb": (0, 10**6),
    "prepare_memory_gb": (0, 4096),
    "ahead_ms": (0, 10_000),
    "inbox": (0, 10_000),
    "sources_mb": (0, 10**6),
    "oscquery": (0, 65535),
    "page": (-1, 65535),
}
QUANTISE = ("", "beat", "bar")
AUTO = "auto"  # in insert_to: the program that is there
NOBODY = "no"  # puts a take in, where a sheet says so: what insert_to leaves empty
PIN = re.compile(r"[^\s=,]+=[^\s=,]+")  # of a repository to a commit
NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,31}")  # of a program that puts clips in


@dataclass(frozen=True)
class Watch:
    """One watched folder, a [[watch]] table."""

    folder: Path = setting(
        Path(), "the folder; every text, manifest or audio file saved in it makes a take"
    )
    out: Path = setting(Path(), "where its takes land; empty is its folder's sub-folder takes")
    audio: str = setting(
        "extract", "task of an audio file: cover, repaint, extract; ignore does nothing"
    )
    request: Mapping[str, Any] = field(
        default_factory=dict, metadata={"help": "what its files leave out, over that of [request]"}
    )

    def __post_init__(self) -> None:
        object.__setattr__(self, "request", _check_own("[watch.request]", self.request))
        if self.folder == Path():
            raise SettingsError('[[watch]] needs a folder, like folder = "~/Lyrics"')
        folder = _make_absolute("[[watch]] folder", self.folder)
        object.__setattr__(self, "folder", folder)
        out = folder / "takes" if self.out == Path() else _make_absolute("[[watch]] out", self.out)
        object.__setattr__(self, "out", out)
        if out == folder:
            raise SettingsError(f"[[watch]] out must not be the watched folder itself, got {out}")
        if self.audio not in AUDIO_TASKS:
            raise SettingsError(
                f"[[watch]] audio must be one of {' '.join(AUDIO_TASKS)}, got {self.audio!r}"
            )

    __hash__ = None  # type: ignore[assignment]

    def build_defaults(self, request: Request) -> Request:
        """What its files begin with: the settings' [request], and its own over that. Raises
        `BadRequest`.
        """
        return request.overlaid(self.request)


@dataclass(frozen=True)
class PadSettings:
    """What one pad does, a [[midi.pad]] table: its own note, and what is in it where the bank has
    nothing.
    """

    slot: int = setting(0, "which pad, counted from 1; required")
    note: int = setting(-1, "its note; -1 is the grid's")
    channel: int = setting(0, "its channel, 1 to 16; 0 is any")
    seed: int = setting(-1, "its first seed; -1 draws one")
    request: Mapping[str, Any] = field(
        default_factory=dict, metadata={"help": "its own parameters, over those of [request]"}
    )

    def __post_init__(self) -> None:
        if self.slot < 1:
            raise SettingsError("[[midi.pad]] needs a slot, counted from 1, like slot = 3")
        _check_range("[[midi.pad]] seed", self.seed, -1, MAX_SEED)
        object.__setattr__(self, "request", _check_own("[midi.pad.request]", self.request))

    __hash__ = None  # type: ignore[assignment]


@dataclass(frozen=True)
class Midi:
    """Pad controllers, the [midi] table."""

    ports: tuple[str, ...] = setting(
        (), 'parts of port names; "virtual" opens a port of our own called acestepd'
    )
    grid: str = setting("4x4", "of pads: 4x4 or 8x8")
    profile: str = setting(
        "auto", "how its lights work: auto, the name of a profile, or a .toml file of your own"
    )
    first_note: int = setting(-1, "note of the pad at the lower left; -1 is the profile's")
    channel: int = setting(0, "channel of the pads, 1 to 16; 0 is any")
    hold_ms: int = setting(
        600, "a pad held this long rerolls its seed when it is let go; 0 never does"
    )
    shift: str = setting(
        "auto", 'with it a pad marks its take: like "note 98" or "cc 64"; auto is the profile\'s'
    )
    undo: str = setting("", 'takes a reroll or fill back: like "note 99" or "cc 65"; empty is none')
    velocity: str = setting(
        "", 'parameter that the velocity of a hit turns, like "guidance_scale 1 8"; empty is none'
    )
    rows: float = setting(
        0.0,
        "pads of a row are variations of its first one, up to this distance; 0: seeds of their own",
    )
    knobs: Mapping[str, str] = field(
        default_factory=dict,
        metadata={"help": 'control and what it turns, like "cc 21" = "variation"'},
    )
    pad: tuple[PadSettings, ...] = setting(
        (), "pads with a note or a request of their own, one [[midi.pad]] table each"
    )

    def __post_init__(self) -> None:
        _check_range("[midi] rows", self.rows, 0, 1)
        object.__setattr__(self, "profile", _expand("[midi] profile", self.profile))
        try:
            if self.velocity:
                Knob.of(self.velocity)
        except ValueError as error:
            raise SettingsError(f"[midi] velocity: {error}") from error
        try:
            mapping.check_settings(self)
        except ValueError as error:
            raise SettingsError(f"[midi] {error}") from error

    __hash__ = None  # type: ignore[assignment]

    @property
    def columns(self) -> int:
        return int(self.grid.partition("x")[0])

    @property
    def pads(self) -> int:
        columns, _, rows = self.grid.partition("x")
        return int(columns) * int(rows)


@dataclass(frozen=True)
class ClusterSettings:
    """Several machines, the [cluster] table."""

    scheduler: str = setting(
        "",
        "use the workers of this Dask scheduler, like tcp://127.0.0.1:8786 or tls://studio:8786; "
        "auto starts one here; empty: only this machine (needs the extra 'cluster')",
    )
    local: bool = setting(True, "this machine makes takes, too")
    listen: str = setting(
        "tcp://127.0.0.1:8786", "where the scheduler that auto starts listens; port 0: a free one"
    )
    insecure: bool = setting(
        False, "allow another machine's scheduler, or others at ours, without certificates"
    )
    ca: Path = setting(Path(), "TLS: the certificate that all of the cluster's are signed with")
    certificate: Path = setting(Path(), "and this machine's own")
    key: Path = setting(Path(), "and the key to that")
    shared: Path = setting(
        Path(), "a folder that this machine and the workers have, for results; empty: over Dask"
    )

    def __post_init__(self) -> None:
        for name in ("ca", "certificate", "key", "shared"):
            path = getattr(self, name)
            if path != Path():
                object.__setattr__(self, name, _make_absolute(f"[cluster] {name}", path))
        given = [path != Path() for path in (self.ca, self.certificate, self.key)]
        if any(given) and not all(given):
            raise SettingsError("[cluster] ca, certificate and key are given all three, or none")
        if not self.local and not self.scheduler:
            raise SettingsError("[cluster] local = false needs a scheduler: nobody would play")

    @property
    def shared_folder(self) -> Path | None:
        return None if self.shared == Path() else self.shared

    @property
    def has_certificates(self) -> bool:
        return self.ca != Path()


@dataclass(frozen=True)
class Settings:
    out: Path = setting(Path("~/Music/acestepd"), "folder the finished clips land in")
    request: Request = field(
        default_factory=Request,
        metadata={"help": "what a message, a sheet or a pad leaves out, the [request] table"},
    )
    latest: bool = setting(False, "also keep latest.wav, always the newest clip of the folder")
    watch: tuple[Watch, ...] = setting((), "watched folders, a [[watch]] table for each")
    latest_names: bool = setting(
        False, "also keep NAME_latest.wav, always the newest clip of that name"
    )
    model: str = setting(
        "auto",
        "folder, hub name or embedded voice; auto is the real model if it is on this machine",
    )
    variant: str = setting("", "sub-folder of the DiT; empty is turbo")
    planner: str = setting(
        "",
        "which planner writes songs down first: 0.6B, 1.7B, 4B, or a folder with one; empty takes "
        "what is there",
    )
    adapters: tuple[str, ...] = setting(
        (), "LoRA adapters it wears: the path of a PEFT folder or a file, or PATH=SCALE"
    )
    models: tuple[str, ...] = setting(
        (), "what else /ace/model may switch to, besides model and the embedded voices"
    )
    bits: int = setting(
        0, "8 or 4 bits per weight take less memory, 4 sound a little different; 0: as published"
    )
    link: bool = setting(
        False, "follow the tempo of an Ableton Link session (needs the extra 'link')"
    )
    midi_clock: str = setting(
        "", "follow the MIDI clock of the input port whose name contains this"
    )
    quantise: str = setting(
        "",
        "hold /ace/clip of a pad's finished take until the next beat or bar of Link or MIDI clock",
    )
    ahead_ms: float = setting(0.0, "so much before that beat or bar, in ms")
    midi: Midi = field(default_factory=Midi, metadata={"help": "pad controllers, the [midi] table"})
    insert_to: str = setting(
        AUTO,
        "who puts finished clips in by itself: the name of a program like live or reaper; auto: "
        "the one that is there; empty: none",
    )
    folders: tuple[Path, ...] = setting(
        (), "folders that messages may name files in, besides out and the watched ones"
    )
    private: bool = setting(
        False, "leave prompt, lyrics and what they name out of the clips, their manifests and names"
    )
    prepare_mb: float = setting(
        500.0, "disk for takes that are made in advance while nothing else is to do, in MB; 0: none"
    )
    prepare_on_battery: bool = setting(
        False, "make takes in advance also while this computer runs on its battery"
    )
    history: int = setting(100_000, "ended jobs the journal remembers; favourites always")
    inbox: int = setting(
        256, "how many clips wait in out/.inbox for programs without sockets; 0 writes none there"
    )
    sources_mb: float = setting(
        2000.0, "disk for copies of a DAW's own files in out/.sources, in MB; the oldest go"
    )
    state: Path = setting(Path("~/.local/state/acestepd"), "folder of the journal and the log")
    log_mb: float = setting(
        5.0, "size at which the log file in state is rotated, in MB; 0 writes none"
    )
    revision: str = setting(
        "", "commit or tag of the hub's model; empty is that in revisions, or the newest"
    )
    revisions: tuple[str, ...] = setting(
        (), "commits of the hub's models that acestepd pull has fetched, REPOSITORY=COMMIT each"
    )
    hang_seconds: float = setting(
        600.0, "seconds without a sign of life after which a busy engine is restarted"
    )
    queue: int = setting(512, "how many jobs may wait")
    queue_per_client: int = setting(
        64, "how many of them may be of one client: others have room, too, where queue is larger"
    )
    cluster: ClusterSettings = field(
        default_factory=ClusterSettings,
        metadata={"help": "several machines, the [cluster] table"},
    )
    discovery: bool = setting(
        False,
        "let programs find acestepd: zeroconf, and OSCQuery over HTTP (needs the extra "
        "'discovery')",
    )
    oscquery: int = setting(0, "TCP port of OSCQuery, where discovery is on; 0 takes a free one")
    host: str = setting("127.0.0.1", "address to listen on; anything but loopback needs allow")
    port: int = setting(9100, "UDP port for OSC; 0 takes a free one")
    tcp: int = setting(
        -1, "TCP port for OSC (int32 lengths or SLIP); 0 takes a free one, -1 is off"
    )
    page: int = setting(
        9180, "TCP port of the page, which a browser opens; 0 takes a free one, -1 is off"
    )
    rate: int = setting(500, "messages a second that one address may send for long")
    allow: tuple[str, ...] = setting((), "addresses off this machine that are answered")
    token: str = setting(
        "",
        "what a client off this machine must send first, with /ace/hello; empty asks for nothing",
    )
    subscribers: tuple[str, ...] = setting(
        (), "host:port of clients that hear every event without asking"
    )
    idle_unload: float = setting(
        0.0, "minutes without a job after which the model leaves the memory; 0 keeps it warm"
    )
    memory_gb: float = setting(0.0, "memory MLX should stay below, in GB; 0 leaves it to MLX")
    wired_gb: float = setting(0.0, "memory MLX may wire on a Mac, in GB; 0 leaves it to MLX")
    cache_gb: float = setting(2.0, "memory MLX may keep for reuse, in GB")
    conditions_mb: float = setting(
        512.0, "memory for what the next request need not compute again, in MB"
    )
    latents_mb: float = setting(
        1000.0, "disk in state for what clips were made of: a repaint of one needs no encoding"
    )
    prepare_memory_gb: float = setting(
        0.0, "make none in advance that needs more memory than this, in GB; 0: any"
    )

    def __post_init__(self) -> None:
        for name in ("out", "state"):
            object.__setattr__(self, name, _make_absolute(name, getattr(self, name)))
        object.__setattr__(
            self, "folders", tuple(_make_absolute("folders", folder) for folder in self.folders)
        )
        for name, (low, high) in RANGES.items():
            _check_range(name, getattr(self, name), low, high)
        for address in (self.host, *self.allow):
            _parse_ip(address)
        if not _parse_ip(self.host).is_loopback and not self.allow:
            raise SettingsError(
                f"host {self.host} is reachable from outside: list in allow whom to answer"
            )
        for subscriber in self.subscribers:
            parse_endpoint(subscriber)
        for pin in self.revisions:
            if not PIN.fullmatch(pin):
                raise SettingsError(f"revisions must be REPOSITORY=COMMIT each, got {pin!r}")
        _check_range("the number of subscribers", len(self.subscribers), 0, MAX_SUBSCRIBERS)
        if self.quantise not in QUANTISE:
            raise SettingsError(f'quantise must be "", beat or bar, got {self.quantise!r}')
        if self.insert_to and not NAME.fullmatch(self.insert_to):
            raise SettingsError(
                "insert_to must be the name of a program in small letters, like live, or auto, "
                f'or "", got {self.insert_to!r}'
            )
        for name in ("model", "planner"):
            object.__setattr__(self, name, _expand(name, getattr(self, name)))
        object.__setattr__(self, "models", tuple(_expand("models", model) for model in self.models))
        if self.planner not in ("", *PLANNERS) and not Path(self.planner).is_dir():
            raise SettingsError(
                f"planner must be one of {' '.join(PLANNERS)}, or a folder, got {self.planner!r}"
            )
        try:
            adapter.check_bits(self.bits)
            object.__setattr__(
                self, "adapters", tuple(one.text for one in adapter.parse_adapters(self.adapters))
            )
        except ValueError as error:
            raise SettingsError(str(error)) from error
        for watch in self.watch:
            try:
                watch.build_defaults(self.request)
            except BadRequest as error:
                raise SettingsError(f"[watch.request] over [request]: {error}") from error
        folders = [watch.folder for watch in self.watch]
        if len(set(folders)) < len(folders):
            raise SettingsError("two [[watch]] tables name the same folder")

    @property
    def pinned_revision(self) -> str:
        """What is loaded of the hub's models, as `checkpoint.fetch` takes it."""
        return self.revision or ",".join(self.revisions)

    @property
    def linked_files(self) -> frozenset[str]:
        """The files that the settings name: links to them are followed, as whoever writes settings
        may name any.
        """
        requests = (self.request, *(watch.build_defaults(self.request) for watch in self.watch))
        return frozenset(getattr(one, field) for one in requests for field in FILE_FIELDS)

    @property
    def endpoints(self) -> list[tuple[str, int]]:
        return [parse_endpoint(subscriber) for subscriber in self.subscribers]


def read(path: Path | None, overrides: Mapping[str, Any]) -> Settings:
    """The settings file (the default one may be absent) with `overrides` on top. Raises
    `SettingsError`.
    """
    file = path or _find_default_file()
    given = {name: value for name, value in overrides.items() if value is not None}
    text = ""
    values: dict[str, Any] = {}
    try:
        if file:
            text = untrusted.read_text(file, LIMITS.settings_bytes)
            values = untrusted.parse_toml(text)
        return from_values(values | given)
    except FileNotFoundError as error:
        hint = f"acestepd settings --write --settings {file} writes one"
        raise SettingsError(f"{file}: there is no such file; {hint}") from error
    except (OSError, ValueError) as error:
        said = explain_tables(text, _list_names()) or _join_mistakes(values | given) or str(error)
        is_about_file = values or not isinstance(error, SettingsError)
        raise SettingsError(f"{file}: {said}" if is_about_file else said) from error


def _join_mistakes(values: Mapping[str, Any]) -> str:
    """All that is wrong with these settings, a line each; empty where that is one mistake."""
    mistakes = _list_mistakes(values)
    if len(mistakes) < 2:
        return ""
    return "\n  ".join([f"{len(mistakes)} settings are wrong:", *mistakes])


def _list_mistakes(values: Mapping[str, Any]) -> list[str]:
    """The first mistake, and what is wrong with the settings that are left without it."""
    mistake = _find_mistake(values)
    if not mistake:
        return []
    for alone, rest in _take_apart(values):
        if _find_mistake(alone) == mistake:
            return [mistake, *_list_mistakes(rest)]
    return [mistake]  # of several settings together


def _find_mistake(values: Mapping[str, Any]) -> str:
    """Empty where there is none."""
    try:
        from_values(values)
    except ValueError as error:
        return str(error)
    return ""


def _take_apart(values: Mapping[str, Any]) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Each setting by itself, and all the others; of a table, each line."""
    for name, value in values.items():
        rest = {other: values[other] for other in values if other != name}
        if not isinstance(value, Mapping):
            yield {name: value}, rest
            continue
        for line in value:
            others = {other: value[other] for other in value if other != line}
            yield {name: {line: value[line]}}, rest | {name: others}


def _list_names() -> dict[str, Collection[str]]:
    """What may stand in each table of a settings file."""
    kinds = {WHOLE_FILE: Settings, "midi": Midi, "watch": Watch, "cluster": ClusterSettings}
    names: dict[str, Collection[str]] = {
        table: {field.name for field in dataclasses.fields(kind)} for table, kind in kinds.items()
    }
    return names | {"request": FIELDS}


def _find_default_file() -> Path | None:
    """Where there is one that may be read."""
    try:
        file = DEFAULT_FILE.expanduser()
        return file if file.is_file() and os.access(file, os.R_OK) else None
    except (RuntimeError, OSError):
        return None


def from_values(values: Mapping[str, Any]) -> Settings:
    """Settings by name, as TOML or a flag gives them. Raises `SettingsError`."""
    return Settings(**_convert_table(Settings, values, "setting"))


# --- values as TOML gives them --------------------------------------------------------------------


def _convert_table(kind: type, values: Mapping[str, Any], called: str) -> dict[str, Any]:
    """The values as the dataclass `kind` keeps them, by name."""
    fields = {field.name: field for field in dataclasses.fields(kind)}
    converters = _CONVERTERS if kind is Settings else _CONVERTERS | {"request": _convert_own}
    converted: dict[str, Any] = {}
    for name, value in values.items():
        if name not in fields:
            hint = _find_table(name) or suggest(name, fields) or f"{called}s: {' '.join(fields)}"
            raise SettingsError(f"no {called} is called {name!r}; {hint}")
        if name in converters:
            converted[name] = converters[name](value)
        else:
            converted[name] = _convert_plain(name, fields[name].default, value)
    return converted


def _find_table(name: str) -> str:
    """Where a line belongs that is written elsewhere; empty where there is no such line."""
    if is_field(name):
        return "write it below [request]"
    for table, kind in (("midi", Midi), ("cluster", ClusterSettings)):
        if name in {field.name for field in dataclasses.fields(kind)}:
            return f"write it below [{table}]"
    return ""


def _convert_plain(name: str, default: Any, value: Any) -> Any:
    """A value of the type that its default has."""
    if isinstance(default, tuple):
        return tuple(_check_list(name, value, str, "a list of texts"))
    if isinstance(default, Path) and isinstance(value, str | os.PathLike):
        return Path(value)
    if type(default) is float and type(value) is int:
        return float(value)
    if type(value) is not type(default):
        raise SettingsError(f"{name} must be {_describe_type(default)}, got {value!r}")
    return value


def _describe_type(default: Any) -> str:
    if isinstance(default, Path):
        return "a path"
    if isinstance(default, bool):
        return "true or false"
    if isinstance(default, str):
        return "a text"
    return "a whole number" if isinstance(default, int) else "a number"


def _convert_request(value: Any) -> Request:
    if not isinstance(value, Request | Mapping):
        raise SettingsError(f"[request] must be a table of parameters, got {value!r}")
    try:
        request = value if isinstance(value, Request) else Request().changed(value)
        request = request.changed(_expand_files("[request]", request))
        check_files(request)
    except BadRequest as error:
        raise SettingsError(f"[request] {error}") from error
    return request


def _check_own(table: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters that hold over those of [request], with the files that they name as whole
    paths.
    """
    try:
        request = Request().changed(values)
        files = _expand_files(table, request)
        check_files(request.changed(files))
        written = {field_name(name): name for name in values}
        return {**values, **{written[field]: path for field, path in files.items()}}
    except BadRequest as error:
        raise SettingsError(f"{table} {error}") from error


def _expand_files(table: str, request: Request) -> dict[str, str]:
    """The files that a request names, as whole paths."""
    named = {field: getattr(request, field) for field in FILE_FIELDS}
    return {
        field: _expand(f"{table} {field}", path)
        for field, path in named.items()
        if names_file(field, path)
    }


def _convert_watches(value: Any) -> tuple[Watch, ...]:
    tables = _check_list("watch", value, Mapping | Watch, "[[watch]] tables")
    return tuple(
        table
        if isinstance(table, Watch)
        else Watch(**_convert_table(Watch, table, "[[watch]] setting"))
        for table in tables
    )


def _convert_midi(value: Any) -> Midi:
    if isinstance(value, Midi):
        return value
    if not isinstance(value, Mapping):
        raise SettingsError(f"[midi] must be a table of settings, got {value!r}")
    return Midi(**_convert_table(Midi, value, "[midi] setting"))


def _convert_cluster(value: Any) -> ClusterSettings:
    if isinstance(value, ClusterSettings):
        return value
    if not isinstance(value, Mapping):
        raise SettingsError(f"[cluster] must be a table of settings, got {value!r}")
    return ClusterSettings(**_convert_table(ClusterSettings, value, "[cluster] setting"))


def _convert_pads(value: Any) -> tuple[PadSettings, ...]:
    tables = _check_list("pad", value, Mapping | PadSettings, "[[midi.pad]] tables")
    return tuple(
        table
        if isinstance(table, PadSettings)
        else PadSettings(**_convert_table(PadSettings, table, "[[midi.pad]] setting"))
        for table in tables
    )


def _convert_own(value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise SettingsError(f"request must be a table of parameters, got {value!r}")
    return dict(value)


def _convert_knobs(value: Any) -> dict[str, str]:
    is_table = isinstance(value, Mapping)
    if not is_table or not all(isinstance(parameter, str) for parameter in value.values()):
        raise SettingsError(f"[midi.knobs] must be controls and parameters, got {value!r}")
    return dict(value)


def _convert_folders(value: Any) -> tuple[Path, ...]:
    paths = _check_list("folders", value, str | os.PathLike, "a list of paths")
    return tuple(Path(path) for path in paths)


def _check_list(name: str, value: Any, kind: Any, allowed: str) -> Sequence[Any]:
    is_list = isinstance(value, list | tuple)
    if not is_list or not all(isinstance(entry, kind) for entry in value):
        raise SettingsError(f"{name} must be {allowed}, got {value!r}")
    entries: Sequence[Any] = value
    return entries


_CONVERTERS: dict[str, Callable[[Any], Any]] = {
    "request": _convert_request,
    "watch": _convert_watches,
    "midi": _convert_midi,
    "cluster": _convert_cluster,
    "pad": _convert_pads,
    "knobs": _convert_knobs,
    "folders": _convert_folders,
}


# --- checks ---------------------------------------------------------------------------------------


def _make_absolute(name: str, path: Path) -> Path:
    if "\0" in str(path):
        raise SettingsError(f"{name} must be a path, got {str(path)!r}")
    try:
        return Path(expand_path(str(path))).absolute()
    except ValueError as error:
        raise SettingsError(f"{name}: {error}") from error


def _expand(name: str, text: str) -> str:
    """A text that may be a path, with the home folder in it."""
    try:
        return expand_path(text)
    except ValueError as error:
        raise SettingsError(f"{name}: {error}") from error


def parse_endpoint(text: str) -> tuple[str, int]:
    """`127.0.0.1:9001` -> ("127.0.0.1", 9001)."""
    host, _, port = text.rpartition(":")
    if not port.isdecimal() or not 1 <= int(port) <= 65535:
        raise SettingsError(f"a subscriber must be written host:port, got {text!r}")
    return str(_parse_ip(host)), int(port)


def _parse_ip(text: str) -> ipaddress.IPv4Address:
    try:
        return ipaddress.IPv4Address("127.0.0.1" if text == "localhost" else text)
    except ValueError:
        raise SettingsError(
            f"an address must be an IPv4 address like 127.0.0.1, got {text!r}"
        ) from None


def _check_range(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:  # NaN is not either
        raise SettingsError(f"{name} must be in {low:.10g}..{high:.10g}, got {value:.10g}")
