"""`--open`: what Finder hides is shown, by programs that write down what they are asked."""

from __future__ import annotations

import json
import os
import platform
from pathlib import Path

import pytest

from daemon.cli import main
from daemon.pads.bank import Bank
from daemon.pads.bank_store import BankStore
from daemon.runtime import file_manager
from daemon.settings import Settings

OPENER = """#!/bin/sh
echo "$0" "$@" >> "{log}"
exit {status}
"""


class Desktop:
    """A home, and a PATH with nothing but what a test puts there."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.home = folder / "home"
        self._programs = folder / "programs"
        self._log = folder / "asked"
        self._programs.mkdir()
        patch.setenv("HOME", str(self.home))
        patch.setenv("PATH", str(self._programs))
        patch.delenv("DISPLAY", raising=False)
        patch.delenv("WAYLAND_DISPLAY", raising=False)

    def has(self, name: str, status: int = 0) -> None:
        program = self._programs / name
        program.write_text(OPENER.format(log=self._log, status=status))
        program.chmod(0o755)

    @property
    def asked(self) -> list[str]:
        lines = self._log.read_text().splitlines() if self._log.exists() else []
        return [line.removeprefix(f"{self._programs}/") for line in lines]


@pytest.fixture
def desktop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desktop:
    return Desktop(tmp_path, monkeypatch)


def test_finder_shows_the_settings_and_the_banks(
    desktop: Desktop, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    desktop.has("open")
    desktop.has("xdg-open")
    file = desktop.home / ".config/acestepd/settings.toml"
    banks = desktop.home / ".local/state/acestepd/banks"
    for _ in range(2):
        assert main.main(["settings", "--open"]) == 0
    assert main.main(["banks", "--open"]) == 0
    assert desktop.asked == [f"open -R {file}", f"open -R {file}", f"open {banks}"]
    assert capsys.readouterr().out.split() == [str(file), str(file), str(banks)]
    assert "[request]" in file.read_text(), "it is written where there is none yet"
    assert banks.is_dir()
    assert banks.stat().st_mode & 0o077 == 0


def test_a_linux_desktop_shows_them_too(desktop: Desktop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPLAY", ":0")
    desktop.has("open")  # means something else there
    desktop.has("xdg-open")
    main.main(["settings", "--open"])
    main.main(["banks", "--open"])
    config = desktop.home / ".config/acestepd"
    banks = desktop.home / ".local/state/acestepd/banks"
    assert desktop.asked == [f"xdg-open {config}", f"xdg-open {banks}"]


@pytest.mark.parametrize("has_program", [False, True])
def test_without_a_desktop_the_path_is_printed(
    desktop: Desktop, capsys: pytest.CaptureFixture[str], has_program: bool
) -> None:
    if has_program:
        desktop.has("xdg-open")  # it would start a browser in this terminal
    assert main.main(["banks", "--open"]) == 0
    assert capsys.readouterr().out == f"{desktop.home}/.local/state/acestepd/banks\n"
    assert desktop.asked == []


def test_what_could_not_be_shown_is_said(
    desktop: Desktop, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-0")
    desktop.has("xdg-open", status=3)
    assert main.main(["banks", "--open"]) == 0
    assert "xdg-open could not show it (exit status 3)" in capsys.readouterr().err


def test_an_opener_that_ends_with_its_window_is_not_waited_for(
    desktop: Desktop, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """However many there are: some desktops have such ones."""
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr(file_manager, "PATIENCE", 0.05)
    monkeypatch.setattr(file_manager, "MAX_OPENERS", 2)
    desktop.has("xdg-open")
    hanging = tmp_path / "programs" / "xdg-open"
    hanging.write_text("#!/bin/sh\nexec /bin/sleep 600\n")
    try:
        assert file_manager.show(tmp_path)
        assert file_manager.show(tmp_path)
        with pytest.raises(file_manager.NotShown, match="still open"):
            file_manager.show(tmp_path)
    finally:
        for opener in file_manager._openers:
            opener.kill()
            opener.wait()
    desktop.has("xdg-open")
    assert file_manager.show(tmp_path)


def test_banks_are_listed(desktop: Desktop, capsys: pytest.CaptureFixture[str]) -> None:
    folder = Settings().state / "banks"
    store = BankStore(folder)
    store.put(Bank("verse", 7))
    store.flush("verse")
    assert main.main(["banks"]) == 0
    assert capsys.readouterr().out == f"{folder}\n    7  verse\n"
    assert main.main(["banks", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert listed == {"folder": os.fspath(folder), "banks": {"verse": 7}}
