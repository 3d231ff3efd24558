"""Ports, folders and limits: one frozen dataclass, from a TOML file and the command line."""

from __future__ import annotations

import dataclasses
import ipaddress
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline.request import BadRequest, Request

MAX_SUBSCRIBERS = 64
DEFAULT_FILE = Path("~/.config/acestepd/settings.toml")


class SettingsError(ValueError):
    """A setting that cannot be used. Names it, what is allowed and what came."""


def setting(default: Any, help: str) -> Any:
    return field(default=default, metadata={"help": help})


@dataclass(frozen=True)
class Settings:
    host: str = setting("127.0.0.1", "address to listen on; anything but loopback needs allow")
    port: int = setting(9100, "UDP port for OSC; 0 takes a free one")
    out: Path = setting(Path("~/Music/acestepd"), "folder the finished clips land in")
    model: str = setting("auto", "folder, hub name or embedded voice; auto is the real model if it is on this machine")
    variant: str = setting("", "sub-folder of the DiT; empty is turbo")
    queue: int = setting(64, "how many jobs may wait")
    allow: tuple[str, ...] = setting((), "addresses off this machine that are answered")
    subscribers: tuple[str, ...] = setting((), "host:port of clients that hear every event without asking")
    request: Request = field(default_factory=Request, metadata={"help": "what a message leaves out is taken from here"})

    def __post_init__(self) -> None:
        try:
            object.__setattr__(self, "out", Path(self.out).expanduser().absolute())
        except RuntimeError as error:
            raise SettingsError(f"out: {self.out} is in no home folder known here; give another with --out") from error
        _within("port", self.port, 0, 65535)
        _within("queue", self.queue, 1, 10_000)
        for address in (self.host, *self.allow):
            _ip(address)
        if not _ip(self.host).is_loopback and not self.allow:
            raise SettingsError(f"host {self.host} is reachable from outside: list in allow whom to answer")
        for subscriber in self.subscribers:
            endpoint(subscriber)
        _within("the number of subscribers", len(self.subscribers), 0, MAX_SUBSCRIBERS)

    @property
    def endpoints(self) -> list[tuple[str, int]]:
        return [endpoint(subscriber) for subscriber in self.subscribers]


def read(path: Path | None, overrides: Mapping[str, Any]) -> Settings:
    """The settings file (the default one may be absent) with `overrides` on top. Raises `SettingsError`."""
    file = path or _default_file()
    values: dict[str, Any] = {}
    if file:
        try:
            values = tomllib.loads(file.read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise SettingsError(f"{file}: {error}") from error
    try:
        return from_values(values | {name: value for name, value in overrides.items() if value is not None})
    except SettingsError as error:
        raise SettingsError(f"{file}: {error}" if values else str(error)) from error


def _default_file() -> Path | None:
    """Where there is one that may be read."""
    try:
        file = DEFAULT_FILE.expanduser()
        return file if file.is_file() and os.access(file, os.R_OK) else None
    except (RuntimeError, OSError):
        return None


def from_values(values: Mapping[str, Any]) -> Settings:
    known = {spec.name: spec for spec in dataclasses.fields(Settings)}
    kept: dict[str, Any] = {}
    for name, value in values.items():
        if name not in known:
            raise SettingsError(f"no setting is called {name!r}; settings: {' '.join(known)}")
        kept[name] = _converted(name, known[name].default, value)
    return Settings(**kept)


def _converted(name: str, default: Any, value: Any) -> Any:
    if name == "request":
        if not isinstance(value, Request | Mapping):
            raise SettingsError(f"[request] must be a table of parameters, got {value!r}")
        try:
            return value if isinstance(value, Request) else Request().changed(value)
        except BadRequest as error:
            raise SettingsError(f"[request] {error}") from error
    if isinstance(default, Path) and isinstance(value, str | os.PathLike):
        return Path(value)
    if isinstance(default, tuple) and isinstance(value, list | tuple) and all(isinstance(v, str) for v in value):
        return tuple(value)
    if type(value) is not type(default):
        kinds = {Path: "a path", tuple: "a list of texts", str: "a text", int: "a whole number"}
        wanted = next(words for kind, words in kinds.items() if isinstance(default, kind))
        raise SettingsError(f"{name} must be {wanted}, got {value!r}")
    return value


def endpoint(text: str) -> tuple[str, int]:
    """`127.0.0.1:9001` -> ("127.0.0.1", 9001)."""
    host, _, port = text.rpartition(":")
    if not port.isdecimal() or not 1 <= int(port) <= 65535:
        raise SettingsError(f"a subscriber must be written host:port, got {text!r}")
    return str(_ip(host)), int(port)


def _ip(text: str) -> ipaddress.IPv4Address:
    try:
        return ipaddress.IPv4Address("127.0.0.1" if text == "localhost" else text)
    except ValueError:
        raise SettingsError(f"an address must be an IPv4 address like 127.0.0.1, got {text!r}") from None


def _within(name: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise SettingsError(f"{name} must be in {low}..{high}, got {value}")
