"""Paths as people write them lead to their home, or are refused by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.user_paths import expand_path


@pytest.mark.parametrize(
    "home", ["~", "$HOME", "${HOME}", "%USERPROFILE%", "%userprofile%", "$home", "%HOME%"]
)
def test_a_home_folder_in_front_is_the_user_s(
    home: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert expand_path(home) == str(tmp_path)
    assert expand_path(f"{home}/Takes/é (1)") == str(tmp_path / "Takes" / "é (1)")


def test_another_user_s_home_is_found() -> None:
    assert expand_path("~root/Takes") == str(Path("~root").expanduser() / "Takes")


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("~nobody-is-called-so/Takes", "nobody is called so"),
        ("$MUSIC/Takes", r"\$MUSIC is not replaced"),
        ("/home/$USER/Takes", r"\$USER is not replaced"),
        ("/home/${USER}", r"\$\{USER\} is not replaced"),
        ("%APPDATA%/acestepd", "%APPDATA% is not replaced"),
        ("/media/$HOME/x", r"\$HOME is not replaced"),
    ],
)
def test_what_nothing_stands_for_is_refused_by_name(path: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        expand_path(path)


@pytest.mark.parametrize("path", ["", "x", "/music/Ke$ha", "A$AP/100%", "/50% off %", "$HOMES.x"])
def test_other_names_stay_as_they_are(path: str) -> None:
    assert expand_path(path) == path
