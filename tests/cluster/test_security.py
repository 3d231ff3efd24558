"""Which schedulers may be used, and listened for."""

from __future__ import annotations

from pathlib import Path

import pytest

from daemon.cluster.security import build_security, check_address
from daemon.settings import ClusterSettings, SettingsError, from_values


@pytest.fixture
def certificates(tmp_path: Path) -> dict[str, Path]:
    for name in ("ca", "certificate", "key"):
        (tmp_path / name).write_text("x")
    return {name: tmp_path / name for name in ("ca", "certificate", "key")}


def test_this_machine_needs_no_certificates() -> None:
    for host in ("127.0.0.1", "localhost", "127.1.2.3", "[::1]"):
        check_address(f"tcp://{host}:8786", ClusterSettings())
    assert not build_security(ClusterSettings()).require_encryption


@pytest.mark.parametrize("host", ["studio", "192.168.1.2", "0.0.0.0", "localhost.evil.example"])
def test_another_machine_is_refused_without_tls_unless_that_is_said(host: str) -> None:
    address = f"tcp://{host}:8786"
    with pytest.raises(SettingsError, match="may run programs on all of its workers"):
        check_address(address, ClusterSettings())
    check_address(address, ClusterSettings(insecure=True))


def test_with_certificates_it_is_tls(certificates: dict[str, Path]) -> None:
    settings = ClusterSettings(**certificates)  # type: ignore[arg-type]
    check_address("tls://studio:8786", settings)
    with pytest.raises(SettingsError, match="write tls:// instead"):
        check_address("tcp://127.0.0.1:8786", settings)
    with pytest.raises(SettingsError, match=r"needs \[cluster\] ca, certificate and key"):
        check_address("tls://studio:8786", ClusterSettings())
    security = build_security(settings)
    assert security.require_encryption
    assert security.tls_client_key == str(certificates["key"])


def test_a_certificate_that_is_not_there_is_named(certificates: dict[str, Path]) -> None:
    certificates["key"].unlink()
    settings = ClusterSettings(**certificates)  # type: ignore[arg-type]
    with pytest.raises(SettingsError, match=r"\[cluster\] key must be a file"):
        build_security(settings)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "studio",
        "studio:8786",
        "http://studio",
        "tcp://",
        "auto",
        "tcp://127.0.0.1",
        "tcp://[::1]",
        "tls://studio:",
        "tcp://studio:x",
    ],
)
def test_what_is_no_address_is_refused_with_one_that_is(address: str) -> None:
    with pytest.raises(SettingsError, match="written like tcp://studio:8786"):
        check_address(address, ClusterSettings())


def test_the_settings_are_checked_together(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="all three, or none"):
        from_values({"cluster": {"ca": str(tmp_path / "ca")}})
    with pytest.raises(SettingsError, match="needs a scheduler"):
        from_values({"cluster": {"local": False}})
    with pytest.raises(SettingsError, match=r"\[cluster\] setting"):
        from_values({"cluster": {"schedule": "auto"}})
    with pytest.raises(SettingsError, match=r"write it below \[cluster\]"):
        from_values({"scheduler": "auto"})
