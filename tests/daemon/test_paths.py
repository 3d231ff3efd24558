"""Which files messages may name."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.jobs import Refused
from daemon.paths import AllowedFolders


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Two folders that are allowed and one that is not, each with a file."""
    for name in ("loops", "takes", "secret"):
        (tmp_path / name / "sub").mkdir(parents=True)
        (tmp_path / name / f"{name}.mid").touch()
    (tmp_path / "takes" / "sub" / "deep.mid").touch()
    return tmp_path


@pytest.fixture
def allowed_folders(home: Path) -> AllowedFolders:
    return AllowedFolders([home / "loops", home / "takes"])


def code(allowed_folders: AllowedFolders, text: str) -> int:
    with pytest.raises(Refused) as refused:
        allowed_folders.resolve(text)
    return refused.value.code


def test_a_file_inside_is_found_by_its_whole_path_and_by_a_relative_one(
    allowed_folders: AllowedFolders, home: Path
) -> None:
    assert allowed_folders.resolve(f"{home}/loops/loops.mid") == home / "loops" / "loops.mid"
    assert allowed_folders.resolve("loops.mid") == home / "loops" / "loops.mid"
    assert allowed_folders.resolve("takes.mid") == home / "takes" / "takes.mid"
    assert allowed_folders.resolve("sub/deep.mid") == home / "takes" / "sub" / "deep.mid"
    assert allowed_folders.resolve("sub/../takes.mid") == home / "takes" / "takes.mid"


def test_a_path_from_home_is_understood(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(home))
    allowed_folders = AllowedFolders([Path("~/loops")])
    assert allowed_folders.resolve("~/loops/loops.mid") == home / "loops" / "loops.mid"
    assert code(allowed_folders, "~/secret/secret.mid") == 403
    assert code(allowed_folders, "~nobody-is-called-this/x.mid") == 403


@pytest.mark.parametrize(
    "text",
    [
        f"{'a/' * 100}x.mid",
        f"{'../' * 1000}x.mid",
        "a/../" * 12_000,
        "/a" * 30_000,
        f"{'b' * 60_000}.mid",
        f"sub/{'b' * 252}.mid",
        f"{'é' * 126}.mid",
        "~/" + f"{'c' * 200}/" * 21,
    ],
)
def test_a_path_that_is_too_long_is_refused_before_the_disk_is_asked(
    allowed_folders: AllowedFolders, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    asked: list[object] = []
    for name in ("lstat", "stat", "readlink"):
        monkeypatch.setattr(os, name, lambda *path, **more: asked.append(path))
    # to make a path of 30,000 folders takes long, too
    monkeypatch.setattr("daemon.paths.Path", asked.append)
    for resolve in (allowed_folders.resolve, allowed_folders.resolve_adapter):
        with pytest.raises(Refused) as refused:
            resolve(text)
        assert refused.value.code == 404
    assert asked == []


def test_the_longest_names_are_looked_for(allowed_folders: AllowedFolders) -> None:
    assert code(allowed_folders, f"{'a/' * 99}x.mid") == 404
    assert code(allowed_folders, f"sub/{'b' * 251}.mid") == 404


def test_nobody_is_asked_where_other_users_are_at_home(
    allowed_folders: AllowedFolders, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(pwd, "getpwnam", asked.append)
    for text in ("~root/x.mid", "~root", "~nobody-is-called-this/x.mid"):
        assert code(allowed_folders, text) == 403
    assert asked == []


@pytest.mark.parametrize(
    "text",
    [
        "{home}/secret/secret.mid",
        "../secret/secret.mid",
        "{home}/loops/../secret/secret.mid",
        "{home}/loops-and-more.mid",
        "/etc/passwd",
        "",
        "..",
        "/",
        "x" * 5000,
        "a\0b",
    ],
)
def test_what_is_outside_is_refused_whether_it_is_there_or_not(
    allowed_folders: AllowedFolders, home: Path, text: str
) -> None:
    assert code(allowed_folders, text.format(home=home)) in (403, 404)
    if text:
        with pytest.raises(Refused):
            allowed_folders.resolve(text.format(home=home))


def test_nobody_learns_whether_a_file_outside_exists(
    allowed_folders: AllowedFolders, home: Path
) -> None:
    assert (
        code(allowed_folders, f"{home}/secret/secret.mid")
        == code(allowed_folders, f"{home}/secret/nothing.mid")
        == 403
    )
    assert code(allowed_folders, "nothing.mid") == 404


def test_a_link_counts_as_where_it_leads(allowed_folders: AllowedFolders, home: Path) -> None:
    (home / "loops" / "out.mid").symlink_to(home / "secret" / "secret.mid")
    (home / "loops" / "folder").symlink_to(home / "secret")
    (home / "loops" / "in.mid").symlink_to(home / "takes" / "takes.mid")
    (home / "loops" / "round.mid").symlink_to(home / "loops" / "round.mid")
    assert code(allowed_folders, f"{home}/loops/out.mid") == 403
    assert code(allowed_folders, f"{home}/loops/folder/secret.mid") == 403
    assert code(allowed_folders, "out.mid") == 404, "not in the other folder either"
    assert allowed_folders.resolve("in.mid") == home / "takes" / "takes.mid"
    assert code(allowed_folders, "round.mid") in (403, 404)


def test_a_folder_that_is_a_link_itself_is_the_folder_it_leads_to(home: Path) -> None:
    (home / "link").symlink_to(home / "loops")
    assert AllowedFolders([home / "link"]).resolve("loops.mid") == home / "loops" / "loops.mid"


def test_only_files_are_files(allowed_folders: AllowedFolders, home: Path) -> None:
    os.mkfifo(home / "loops" / "pipe.mid")  # opening it would wait for ever
    assert code(allowed_folders, "pipe.mid") == 404
    assert code(allowed_folders, "sub") == 404


def test_without_folders_nothing_is_allowed(home: Path) -> None:
    assert code(AllowedFolders([]), str(home / "loops" / "loops.mid")) == 403


def test_values_have_their_files_confined_and_nothing_else(
    allowed_folders: AllowedFolders, home: Path
) -> None:
    values = {"guide": "loops.mid", "prompt": "secret.mid", "bars": 4, "nonsense": "x.mid"}
    assert allowed_folders.resolve_values(values) == values | {
        "guide": str(home / "loops" / "loops.mid")
    }
    assert allowed_folders.resolve_values({"GUIDE": "Am F C G"}) == {"GUIDE": "Am F C G"}


@pytest.mark.parametrize(
    "text",
    ["/etc/x.mid", " /etc/x.MID ", "/etc/x.mid\ufeff", "\x01/etc/x.midi\x07", "/etc/x.mid\n"],
)
def test_no_disguise_of_a_path_gets_past(allowed_folders: AllowedFolders, text: str) -> None:
    with pytest.raises(Refused):
        allowed_folders.resolve_values({"guide": text})


@given(
    st.text(st.sampled_from("./~\0\n \ufeffab\u0301") | st.characters(), max_size=20), st.booleans()
)
def test_whatever_is_asked_for_lies_inside(text: str, midi: bool) -> None:
    allowed_folders = AllowedFolders([Path(__file__).parent])
    try:
        found = allowed_folders.resolve(text + ".mid" * midi)
    except Refused:
        return
    assert found.is_relative_to(Path(__file__).parent)


def test_a_file_is_named_inside_of_its_folder_for_another_machine(tmp_path: Path) -> None:
    here = tmp_path / "here"
    there = tmp_path / "there"
    for home in (here, there):
        (home / "loops").mkdir(parents=True)
        (home / "loops" / "a.wav").touch()
    values = {
        "source": str(here / "loops" / "a.wav"),
        "guide": "Am F",
        "bars": 4,
        "prompt": "/not/a/file.wav",
    }
    kept = AllowedFolders([here]).make_portable(values)
    assert kept == values | {"source": "loops/a.wav"}
    assert AllowedFolders([there]).resolve_values(kept)["source"] == str(there / "loops" / "a.wav")
    assert AllowedFolders([there]).make_portable(values) == values, "it is in none of the folders"


@pytest.mark.parametrize("name", ["style.pt", "style.CKPT", "style.bin"])
def test_a_torch_file_is_found_so_that_it_is_refused_as_what_it_is(
    name: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(b"PK")
    assert AllowedFolders([tmp_path]).resolve_adapter(name) == tmp_path / name
