"""Zeroconf (mDNS): other programs on the network see that the daemon is there, and where."""

from __future__ import annotations

import ipaddress
import logging
import secrets
import threading
from typing import TYPE_CHECKING, Any

from ..settings import SettingsError
from .tree import EVERY_ADDRESS, NAME

if TYPE_CHECKING:
    from zeroconf import Zeroconf

log = logging.getLogger("acestepd.discovery")

OSC = "_osc._udp.local."
OSCQUERY = "_oscjson._tcp.local."
CLOSE_SECONDS = 10.0  # at most, to say that it is gone


class Announcement:
    """Says that the daemon is there, from `start` to `close`. Raises `SettingsError` when the
    library is not installed; a network that it cannot be said on is a warning in the log.

    Both take the library a second or two, so it has a thread.
    """

    def __init__(self, host: str, osc_port: int, oscquery_port: int) -> None:
        _check_library()
        self.name = f"{NAME} {osc_port}"
        self._host = host
        self._ports = {OSC: osc_port, OSCQUERY: oscquery_port}
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="announcement", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join(CLOSE_SECONDS)

    def _run(self) -> None:
        try:
            zeroconf = open_zeroconf(self._host)
            try:
                self._register(zeroconf)
                self._closing.wait()
            finally:
                zeroconf.close()  # says goodbye
        except Exception as error:  # whatever a network does to it, the daemon goes on
            log.warning("acestepd cannot be found by zeroconf: %s", str(error) or repr(error))

    def _register(self, zeroconf: Zeroconf) -> None:
        from zeroconf import ServiceInfo

        addresses = list_addresses(self._host)
        server = f"{NAME}-{secrets.token_hex(4)}.local."  # no other machine's
        for kind, port in self._ports.items():
            service = ServiceInfo(
                kind,
                f"{self.name}.{kind}",
                port=port,
                properties={"txtvers": "1"},
                server=server,
                parsed_addresses=addresses,
            )
            zeroconf.register_service(service, allow_name_change=True)


def open_zeroconf(host: str) -> Zeroconf:
    """On the interface of that address, or on all. Raises `OSError` where that cannot be, and
    `SettingsError`.
    """
    _check_library()
    from zeroconf import InterfaceChoice, IPVersion, Zeroconf

    interfaces: Any = InterfaceChoice.All if host == EVERY_ADDRESS else [_resolve(host)]
    return Zeroconf(interfaces=interfaces, ip_version=IPVersion.V4Only)


def list_addresses(host: str) -> list[str]:
    """Where others reach a daemon that listens on `host`."""
    import ifaddr  # zeroconf needs it too

    if host != EVERY_ADDRESS:
        return [_resolve(host)]
    every = [ip.ip for adapter in ifaddr.get_adapters() for ip in adapter.ips if ip.is_IPv4]
    addresses = [str(ip) for ip in every]
    return [ip for ip in addresses if not ipaddress.ip_address(ip).is_loopback] or addresses


def _resolve(host: str) -> str:
    return "127.0.0.1" if host == "localhost" else host


def _check_library() -> None:
    try:
        import zeroconf  # noqa: F401
    except ImportError as error:
        raise SettingsError(
            "discovery needs a library that is not here: pip install 'acestepd[discovery]'"
        ) from error
