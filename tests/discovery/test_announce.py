"""That the daemon is there is seen by others on the network, and that it has gone."""

from __future__ import annotations

import logging
import socket
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("zeroconf", reason="needs zeroconf (the extra 'discovery')")

import ifaddr
from zeroconf import InterfaceChoice, IPVersion, ServiceBrowser, ServiceStateChange, Zeroconf

from daemon.cli import doctor
from daemon.cli.start_screen import build_start_screen
from daemon.discovery import announce
from daemon.discovery.announce import OSC, OSCQUERY, Announcement
from daemon.settings import Settings, SettingsError
from tests.support.stage import on_stage
from tests.support.waiting import until


class Browser:
    """Another program that looks for OSC: the services it sees now."""

    def __init__(self, zeroconf: Zeroconf) -> None:
        self._zeroconf = zeroconf
        self.seen: set[tuple[str, str]] = set()  # kind and name
        self._browser = ServiceBrowser(zeroconf, [OSC, OSCQUERY], handlers=[self._note])

    def _note(
        self, zeroconf: Zeroconf, service_type: str, name: str, state_change: ServiceStateChange
    ) -> None:
        service = (service_type, name.removesuffix(f".{service_type}"))
        if state_change is ServiceStateChange.Removed:
            self.seen.discard(service)
        else:
            self.seen.add(service)

    def resolve(self, kind: str, name: str) -> tuple[list[str], int | None, dict[bytes, Any]]:
        """Addresses, port and texts."""
        info = self._zeroconf.get_service_info(kind, f"{name}.{kind}", timeout=60_000)
        assert info is not None
        return info.parsed_addresses(IPVersion.V4Only), info.port, dict(info.properties)


@contextmanager
def browsing() -> Iterator[Browser]:
    try:
        zeroconf = Zeroconf(interfaces=["127.0.0.1"], ip_version=IPVersion.V4Only)
    except OSError as error:
        pytest.skip(f"this machine has no multicast: {error}")
    with closing(zeroconf):
        yield Browser(zeroconf)


def test_a_daemon_is_found_while_it_runs_and_gone_when_it_ends(tmp_path: Path) -> None:
    with browsing() as browser:
        with on_stage(tmp_path, discovery=True) as stage:
            assert stage.discovery
            name = f"acestepd {stage.osc.address[1]}"
            assert stage.discovery.name == name
            until(lambda: {(OSC, name), (OSCQUERY, name)} <= browser.seen)
            texts = {b"txtvers": b"1"}
            assert browser.resolve(OSC, name) == (["127.0.0.1"], stage.osc.address[1], texts)
            port = stage.discovery.port
            assert browser.resolve(OSCQUERY, name) == (["127.0.0.1"], port, texts)
            assert f"found as {name} (zeroconf), OSCQuery on http://127.0.0.1:{port}" in (
                build_start_screen(stage)
            )
        until(lambda: not {(OSC, name), (OSCQUERY, name)} & browser.seen)


def test_unless_the_setting_is_on_nothing_listens_or_announces(tmp_path: Path) -> None:
    with on_stage(tmp_path) as stage:
        assert stage.discovery is None
        assert "found as" not in build_start_screen(stage)
    assert not Settings().discovery


def free_port() -> int:
    """A port that no other daemon of this machine announces."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@pytest.mark.long
def test_two_daemons_of_one_name_are_told_apart() -> None:
    port = free_port()
    name = f"acestepd {port}"
    with browsing() as browser, closing(Announcement("127.0.0.1", port, 9200)) as first:
        first.start()
        until(lambda: (OSCQUERY, name) in browser.seen)
        with closing(Announcement("127.0.0.1", port, 9300)) as second:
            second.start()
            until(lambda: (OSCQUERY, f"{name}-2") in browser.seen)
            assert browser.resolve(OSCQUERY, name)[1] == 9200
            assert browser.resolve(OSCQUERY, f"{name}-2")[1] == 9300


@pytest.mark.long
def test_closed_while_it_is_still_being_said_it_is_taken_back() -> None:
    with browsing() as browser:
        early, later = (Announcement("127.0.0.1", free_port(), 9200) for _ in range(2))
        early.start()
        early.close()
        with closing(later):
            later.start()
            until(lambda: (OSCQUERY, later.name) in browser.seen)
        until(lambda: not {name for _, name in browser.seen} & {early.name, later.name})


def test_an_announcement_that_never_began_can_be_closed() -> None:
    Announcement("127.0.0.1", 9100, 9200).close()


def test_a_network_without_multicast_is_a_warning(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(host: str) -> Zeroconf:
        raise OSError(19, "No such device")

    monkeypatch.setattr(announce, "open_zeroconf", fail)
    with caplog.at_level(logging.WARNING):
        announcement = Announcement("127.0.0.1", 9100, 9200)
        announcement.start()
        announcement.close()
    assert "cannot be found by zeroconf: [Errno 19] No such device" in caplog.text


def test_an_open_daemon_tells_addresses_that_others_can_reach() -> None:
    assert announce.list_addresses("127.0.0.1") == ["127.0.0.1"]
    assert announce.list_addresses("localhost") == ["127.0.0.1"]
    assert announce.list_addresses("192.0.2.7") == ["192.0.2.7"]
    own = {ip.ip for adapter in ifaddr.get_adapters() for ip in adapter.ips if ip.is_IPv4}
    addresses = set(announce.list_addresses("0.0.0.0"))
    assert addresses <= own
    assert addresses == own - {"127.0.0.1"} or own == {"127.0.0.1"} == addresses


def test_an_open_daemon_announces_on_every_interface(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[Any] = []
    monkeypatch.setattr("zeroconf.Zeroconf", lambda **options: opened.append(options))
    announce.open_zeroconf("0.0.0.0")
    announce.open_zeroconf("127.0.0.1")
    assert [one["interfaces"] for one in opened] == [InterfaceChoice.All, ["127.0.0.1"]]


def test_without_the_library_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "zeroconf", None)
    with (
        pytest.raises(SettingsError, match=r"acestepd\[discovery\]"),
        on_stage(tmp_path, discovery=True),
    ):
        pass


def run_check(settings: Settings) -> str:
    return " ".join(dict(doctor.list_checks(settings))["discovery"](settings)).strip()


def test_the_doctor_says_whether_it_can_be_found(tmp_path: Path) -> None:
    with browsing():  # where that can be
        assert (
            run_check(Settings(discovery=True)) == "ok zeroconf works, OSCQuery takes a free port"
        )
    with on_stage(tmp_path, discovery=True) as stage:
        assert stage.discovery
        port = stage.discovery.port
        settings = Settings(discovery=True, oscquery=port)
        assert "acestepd answers OSCQuery on TCP 127.0.0.1:" in run_check(settings)
        assert stage.osc.tcp_address
        other = Settings(discovery=True, oscquery=stage.osc.tcp_address[1])
        assert run_check(other).startswith("WRONG TCP 127.0.0.1:")
    assert f"TCP 127.0.0.1:{port} is free" in run_check(settings)


def test_the_doctor_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(host: str) -> Zeroconf:
        raise OSError(19, "No such device")

    with monkeypatch.context() as patched:
        patched.setattr(announce, "open_zeroconf", fail)
        assert run_check(Settings(discovery=True)).startswith(
            "note zeroconf cannot be used on 127.0.0.1: No such device"
        )
    monkeypatch.setitem(sys.modules, "zeroconf", None)
    with pytest.raises(SettingsError, match=r"acestepd\[discovery\]"):
        run_check(Settings(discovery=True))
