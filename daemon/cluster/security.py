"""Who may speak to a scheduler: TLS with certificates of one's own, or this machine alone."""

from __future__ import annotations

import ipaddress
import logging
import os
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

import distributed
from distributed import Security
from distributed.comm import CommClosedError

from ..settings import ClusterSettings, SettingsError

TLS = "tls"
DASK = str(distributed.__version__)
LOCAL_DASHBOARD = "127.0.0.1:0"  # of every part of a cluster: nobody else's browser


def build_security(settings: ClusterSettings) -> Security:
    """Dask's, of the settings' certificates; without any it asks for none. Raises `SettingsError`
    for one that cannot be read.
    """
    if not settings.has_certificates:
        return Security(require_encryption=False)
    paths = {name: _check_readable(name, getattr(settings, name)) for name in CERTIFICATES}
    ca, certificate, key = paths.values()
    roles = ("client", "scheduler", "worker")
    own = {f"tls_{role}_cert": certificate for role in roles}
    own |= {f"tls_{role}_key": key for role in roles}
    return Security(tls_ca_file=ca, require_encryption=True, **own)


CERTIFICATES = ("ca", "certificate", "key")


def check_address(address: str, settings: ClusterSettings) -> str:
    """The address of a scheduler, or that a scheduler listens on, where it may be used. Raises
    `SettingsError` for what is not this machine's without TLS, unless the settings say `insecure`.
    """
    parts = urlsplit(address)
    if parts.scheme not in ("tcp", TLS) or not parts.hostname or not _has_port(parts):
        raise SettingsError(
            f"a scheduler is written like tcp://studio:8786 or tls://studio:8786, got {address!r}"
        )
    if parts.scheme == TLS and not settings.has_certificates:
        raise SettingsError(f"{address} needs [cluster] ca, certificate and key")
    if parts.scheme == "tcp" and settings.has_certificates:
        raise SettingsError(
            f"{address} is not encrypted, and [cluster] has certificates: write tls:// instead"
        )
    if parts.scheme == "tcp" and not (settings.insecure or is_loopback(parts.hostname)):
        raise SettingsError(
            f"{address} is another machine, and whoever reaches a Dask scheduler may run programs "
            "on all of its workers: use tls:// with [cluster] ca, certificate and key, or say "
            "insecure = true where the network is yours alone"
        )
    return address


def silence_dask() -> None:
    """What matters is said by us, and not in the terminal of a musician with a traceback."""
    for name in ("distributed", "distributed.client"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)


def find_reason(error: BaseException) -> str:
    """What is at the bottom of one of Dask's."""
    while error.__cause__ or error.__context__:
        error = error.__cause__ or error.__context__ or error
    return str(error) or type(error).__name__


def explain_no_answer(address: str, error: BaseException) -> str:
    """Why no scheduler answers there, in words."""
    if isinstance(error, CommClosedError) and urlsplit(address).scheme != TLS:
        return f"it has closed the connection ({find_reason(error)}): does it want {TLS}://?"
    return str(error)


def is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _has_port(parts: SplitResult) -> bool:
    try:
        return parts.port is not None
    except ValueError:  # it is no number, or too large
        return False


def _check_readable(name: str, path: Path) -> str:
    if not path.is_file() or not os.access(path, os.R_OK):
        raise SettingsError(f"[cluster] {name} must be a file that can be read, got {path}")
    return str(path)
