"""Installing into folders as programs have them, on a machine that a test makes up."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
import threading
import zipfile
from pathlib import Path

import pytest

from daemon.integrations import catalogue, installer, places
from daemon.integrations.catalogue import CATALOGUE, Integration, Part, list_available
from daemon.integrations.installer import InstallState
from daemon.integrations.places import Machine
from daemon.landing import disk
from daemon.settings import SettingsError
from pipeline.singer import dictionary

ROOT = Path(__file__).parents[2]
SCRIPT = "print('one')"


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What ships, where a test can change it: a script with a client, for Bitwig's places."""
    folder = tmp_path / "shipped"
    for path, text in {
        "thing/main.js": SCRIPT,
        "thing/lib/part.js": "2",
        "thing/.hidden": "no",
        "thing/README.md": "no",
        "thing/picture.svg": "no",
        "thing/__pycache__/x.pyc": "no",
        "shared/acestep_osc.js": "client",
    }.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    monkeypatch.setattr(catalogue, "FOLDER", folder)
    return folder


THING = Integration(
    "thing",
    "Thing 3",
    "does",
    "ran",
    ("open {folder}",),
    (Part(places.BITWIG, shared=("acestep_osc.js",)),),
)
FILES = ["acestepd/acestep_osc.js", "acestepd/lib/part.js", "acestepd/main.js"]


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """The state folder, where it usually is."""
    return tmp_path / "home" / ".local" / "state" / "acestepd"


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    home = tmp_path / "home"
    (home / "Bitwig Studio").mkdir(parents=True)
    return Machine("Linux", home)


@pytest.fixture
def target(machine: Machine) -> Path:
    return machine.home / "Bitwig Studio" / "Controller Scripts"


def files_below(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def state_of(state: Path) -> InstallState:
    return installer.find_state(THING, installer.read_installations(state))


# --- the catalogue --------------------------------------------------------------------------------


def test_every_folder_that_ships_has_its_row_and_its_page() -> None:
    folders = {path.name for path in (ROOT / "integrations").iterdir() if path.is_dir()}
    # the page is served by the daemon, and installed nowhere
    assert folders - {catalogue.SHARED, "page", "__pycache__"} == {
        row.name for row in list_available()
    }
    for row in list_available():
        assert (row.folder / "README.md").is_file(), row.name


@pytest.mark.parametrize("row", list_available(), ids=lambda row: row.name)
def test_every_part_of_a_row_has_files_and_all_of_them_are_there(row: Integration) -> None:
    paths: list[str] = []
    for part in row.parts:
        files = dict(row.list_files(part))
        assert files.keys() - {catalogue.FOLDER / "shared" / name for name in part.shared}
        assert all(file.is_file() for file in files), files
        paths += files.values()
    assert len(paths) == len(set(paths)), "no two files get one place"


def test_names_are_those_that_clients_may_have_on_the_wire() -> None:
    assert all(name.isidentifier() and name == name.lower() for name in CATALOGUE)


# --- places ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("place", "system", "there", "expected"),
    [
        (
            places.LIVE,
            "Darwin",
            "Music/Ableton/User Library",
            "Music/Ableton/User Library/Remote Scripts",
        ),
        (places.MAX, "Darwin", "Documents/Max 8", "Documents/Max 8/Packages"),
        (
            places.REAPER,
            "Darwin",
            "Library/Application Support/REAPER",
            "Library/Application Support/REAPER",
        ),
        (places.REAPER, "Linux", ".config/REAPER", ".config/REAPER"),
        (places.BITWIG, "Linux", "Bitwig Studio", "Bitwig Studio/Controller Scripts"),
        (
            places.BITWIG,
            "Darwin",
            "Documents/Bitwig Studio",
            "Documents/Bitwig Studio/Controller Scripts",
        ),
        (places.ARDOUR, "Linux", ".config/ardour7", ".config/ardour7/scripts"),
    ],
)
def test_additions_go_where_the_program_looks_once_it_is_there(
    tmp_path: Path, place: places.Place, system: str, there: str, expected: str
) -> None:
    machine = Machine(system, tmp_path)
    assert place.find(machine) is None
    (tmp_path / there).mkdir(parents=True)
    assert place.find(machine) == tmp_path / expected


def test_of_two_versions_the_newest_gets_it(tmp_path: Path) -> None:
    for version in ("Max 9", "Max 10", "Max 8"):
        (tmp_path / "Documents" / version).mkdir(parents=True)
    found = places.MAX.find(Machine("Darwin", tmp_path))
    assert found == tmp_path / "Documents" / "Max 10" / "Packages"


def test_folders_that_a_user_has_moved_are_followed(tmp_path: Path) -> None:
    environ = {"XDG_CONFIG_HOME": str(tmp_path / "conf"), "XDG_DATA_HOME": str(tmp_path / "data")}
    machine = Machine("Linux", tmp_path, environ)
    (tmp_path / "conf" / "REAPER").mkdir(parents=True)
    assert places.REAPER.find(machine) == tmp_path / "conf" / "REAPER"
    extensions = tmp_path / "data" / "SuperCollider" / "Extensions"
    assert places.SUPERCOLLIDER.find(machine) == extensions, "also where it is still to be made"


def test_a_program_that_is_not_found_is_said_with_what_to_do(
    tmp_path: Path, state: Path, shipped: Path
) -> None:
    for system in ("Linux", "Darwin"):
        with pytest.raises(SettingsError, match="install thing --to DIR") as error:
            installer.install(THING, state, Machine(system, tmp_path / "nobody"))
        assert r"Documents\Bitwig Studio\Controller Scripts" in str(error.value)
    assert not (tmp_path / "nobody").exists()


@pytest.mark.parametrize("system", ["Darwin", "Linux"])
@pytest.mark.parametrize("row", list_available(), ids=lambda row: row.name)
def test_each_is_installed_where_its_program_is_and_removed_without_a_trace(
    row: Integration, system: str, tmp_path: Path
) -> None:
    machine = Machine(system, tmp_path)
    for part in row.parts:
        patterns = part.place.darwin if system == "Darwin" else part.place.linux
        for pattern in patterns:
            base, _, rest = pattern.replace("[0-9]*", "9").partition("/")
            (machine.bases[base] / rest).mkdir(parents=True, exist_ok=True)
    before = sorted(tmp_path.rglob("*"))
    state = tmp_path / ".local" / "state" / "acestepd"
    if not any(part.place.find(machine) for part in row.parts):
        assert (row.name, system) in {("live", "Linux"), ("max", "Linux")}, "not made for it"
        return
    installer.install(row, state, machine)
    assert installer.find_state(row, installer.read_installations(state)) is InstallState.INSTALLED
    installer.uninstall(row.name, state)
    made_by_program = [part.place.find(machine) for part in row.parts]
    left = [path for path in sorted(tmp_path.rglob("*")) if path not in before]
    assert [path for path in left if path.is_file()] == [state / installer.RECORD]
    assert all(
        any(place and place.is_relative_to(path) for place in made_by_program)
        or state.is_relative_to(path)
        for path in left
        if path.is_dir()
    )


# --- installing -----------------------------------------------------------------------------------


def test_files_and_the_shared_client_are_copied_and_nothing_is_linked(
    tmp_path: Path, state: Path, shipped: Path, machine: Machine, target: Path
) -> None:
    assert state_of(state) is InstallState.ABSENT
    installer.install(THING, state, machine)
    assert files_below(target) == FILES
    assert (target / "acestepd" / "main.js").read_text() == SCRIPT
    assert not any(path.is_symlink() for path in target.rglob("*"))
    assert all((target / file).stat().st_nlink == 1 for file in FILES)
    assert state_of(state) is InstallState.INSTALLED


def test_clients_are_told_of_a_state_folder_that_is_elsewhere(
    tmp_path: Path, state: Path, shipped: Path, machine: Machine, target: Path
) -> None:
    elsewhere = tmp_path / "my state"
    installer.install(THING, elsewhere, machine)
    assert (target / "acestepd" / "state.txt").read_text() == f"{elsewhere}\n"
    assert state_of(elsewhere) is InstallState.INSTALLED
    installer.uninstall("thing", elsewhere)
    installer.install(THING, state, machine)
    assert files_below(target) == FILES


def test_a_client_that_was_installed_reads_where_that_is(tmp_path: Path, machine: Machine) -> None:
    installer.install(CATALOGUE["live"], tmp_path / "my state", machine, tmp_path / "to")
    file = tmp_path / "to" / "acestepd" / "acestep_osc.py"
    code = "import runpy; print(runpy.run_path('acestep_osc.py')['find_state']())"
    said = subprocess.run(
        [sys.executable, "-c", code], cwd=file.parent, check=True, capture_output=True, text=True
    )
    assert said.stdout == f"{tmp_path / 'my state'}\n"


def test_a_new_version_replaces_the_old_and_what_no_longer_ships_goes(
    tmp_path: Path, state: Path, shipped: Path, machine: Machine, target: Path
) -> None:
    installer.install(THING, state, machine)
    (shipped / "thing" / "main.js").write_text("print('two')")
    assert state_of(state) is InstallState.OUTDATED
    (shipped / "thing" / "lib" / "part.js").rename(shipped / "thing" / "lib" / "piece.js")
    installer.install(THING, state, machine)
    assert (target / "acestepd" / "main.js").read_text() == "print('two')"
    assert files_below(target / "acestepd" / "lib") == ["piece.js"]
    assert state_of(state) is InstallState.INSTALLED
    assert len(installer.read_installations(state)) == 1


def test_an_edited_file_is_seen_and_neither_overwritten_nor_removed(
    tmp_path: Path, state: Path, shipped: Path, machine: Machine, target: Path
) -> None:
    installer.install(THING, state, machine)
    edited = target / "acestepd" / "main.js"
    edited.write_text("mine")
    assert state_of(state) is InstallState.CHANGED
    with pytest.raises(SettingsError, match=r"main\.js was edited and stays as it is"):
        installer.install(THING, state, machine)
    [removal] = installer.uninstall("thing", state)
    assert removal.kept == ["acestepd/main.js"]
    assert files_below(target) == ["acestepd/main.js"]
    assert edited.read_text() == "mine"


def test_a_file_of_somebody_else_is_in_the_way_and_nothing_is_written(
    tmp_path: Path, state: Path, shipped: Path, machine: Machine, target: Path
) -> None:
    (target / "acestepd").mkdir(parents=True)
    (target / "acestepd" / "main.js").write_text("theirs")
    with pytest.raises(SettingsError, match="was not put there by acestepd"):
        installer.install(THING, state, machine)
    assert files_below(target) == ["acestepd/main.js"]


def test_an_installation_that_was_cut_off_is_taken_up_again(
    tmp_path: Path, state: Path, shipped: Path, machine: Machine, target: Path
) -> None:
    (target / "acestepd").mkdir(parents=True)
    (target / "acestepd" / "main.js").write_text(SCRIPT)
    (target / "acestepd" / ".main.js.acestepd-part").write_text("half")
    installer.install(THING, state, machine)
    assert files_below(target) == FILES


def fill_disk_after(patch: pytest.MonkeyPatch, count: int, target: Path) -> None:
    """So many files below `target` can be written."""
    write = disk.write_synced
    written: list[Path] = []

    def refuse(path: Path, content: bytes) -> str:
        if path.is_relative_to(target):
            if len(written) == count:
                path.write_bytes(content[:1])
                raise OSError(errno.ENOSPC, "No space left on device")
            written.append(path)
        return write(path, content)

    patch.setattr(disk, "write_synced", refuse)


@pytest.mark.parametrize("count", range(len(FILES)))
def test_an_installation_that_fails_leaves_nothing_and_says_where(
    tmp_path: Path,
    state: Path,
    shipped: Path,
    machine: Machine,
    monkeypatch: pytest.MonkeyPatch,
    count: int,
) -> None:
    to = tmp_path / "usb" / "stick"
    fill_disk_after(monkeypatch, count, to)
    with pytest.raises(
        SettingsError, match=r"cannot write .*/acestepd/.*\.js: No space left"
    ) as error:
        installer.install(THING, state, machine, to)
    assert "part" not in str(error.value).replace("part.js", "")
    assert not to.parent.exists()
    assert state_of(state) is InstallState.ABSENT


def test_an_update_that_fails_is_taken_up_again_or_removed(
    state: Path, shipped: Path, machine: Machine, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installer.install(THING, state, machine)
    for name in ("main.js", "lib/part.js"):
        (shipped / "thing" / name).write_text("new")
    with monkeypatch.context() as patch:
        fill_disk_after(patch, 1, target)
        with pytest.raises(SettingsError, match="No space left"):
            installer.install(THING, state, machine)
    assert files_below(target) == FILES, "and no half file"
    assert state_of(state) is InstallState.CHANGED
    before = (state / installer.RECORD).read_bytes()
    installer.install(THING, state, machine)
    assert state_of(state) is InstallState.INSTALLED
    assert (target / "acestepd" / "main.js").read_text() == "new"

    shutil.rmtree(target)
    (state / installer.RECORD).write_text("[]")
    (shipped / "thing" / "main.js").write_text(SCRIPT)
    (shipped / "thing" / "lib" / "part.js").write_text("2")
    installer.install(THING, state, machine)
    (target / "acestepd" / "main.js").write_text("new")
    (state / installer.RECORD).write_bytes(before)
    [removal] = installer.uninstall("thing", state)
    assert removal.kept == []
    assert not target.exists()


def test_an_installation_that_was_killed_is_known(
    tmp_path: Path,
    state: Path,
    shipped: Path,
    machine: Machine,
    target: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Killed(BaseException):
        """As good as SIGKILL: nothing is tidied up."""

    replace = os.replace

    def die(source: Path, goal: Path) -> None:
        if goal.name == "main.js":
            raise Killed
        replace(source, goal)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", die)
        with pytest.raises(Killed):
            installer.install(THING, state, machine)
    assert ".main.js.acestepd-part" in os.listdir(target / "acestepd")
    assert state_of(state) is InstallState.CHANGED
    installer.uninstall("thing", state)
    assert not target.exists()


def test_a_file_of_the_same_content_stays_when_the_rest_is_removed(
    state: Path, shipped: Path, machine: Machine, target: Path
) -> None:
    mine = target / "acestepd" / "main.js"
    mine.parent.mkdir(parents=True)
    mine.write_text(SCRIPT)
    before = mine.stat().st_ino
    for _ in range(2):
        installer.install(THING, state, machine)
        assert state_of(state) is InstallState.INSTALLED
    assert mine.stat().st_ino == before
    (shipped / "thing" / "main.js").write_text("new")
    with pytest.raises(SettingsError, match=r"main\.js was not put there by acestepd"):
        installer.install(THING, state, machine)
    [removal] = installer.uninstall("thing", state)
    assert (removal.kept, removal.found) == ([], ["acestepd/main.js"])
    assert files_below(target) == ["acestepd/main.js"]


def test_the_folder_given_goes_too_where_it_was_made(
    tmp_path: Path, state: Path, shipped: Path, machine: Machine
) -> None:
    there = tmp_path / "there"
    there.mkdir()
    for to, left in ((there / "a" / "b", there), (there, there), (tmp_path / "new", tmp_path)):
        installer.install(THING, state, machine, to)
        installer.install(THING, state, machine, to)
        installer.uninstall("thing", state)
        assert left.is_dir()
        assert not (to.exists() and to != left)
    kept = tmp_path / "new" / "song.wav"
    installer.install(THING, state, machine, kept.parent)
    kept.touch()
    installer.uninstall("thing", state)
    assert list(kept.parent.iterdir()) == [kept]


def test_a_folder_whose_name_no_text_can_hold_is_refused_before_anything_is_written(
    tmp_path: Path, state: Path, shipped: Path, machine: Machine
) -> None:
    odd = tmp_path / "\udcff"
    with pytest.raises(SettingsError, match=r"\\udcff' is not UTF-8"):
        installer.install(THING, state, machine, odd)
    with pytest.raises(SettingsError, match=r"\\udcff' is not UTF-8"):
        installer.install(THING, odd, machine, tmp_path / "to")
    assert not odd.exists()
    assert not (tmp_path / "to").exists()


@pytest.mark.parametrize("link", ["acestepd", "acestepd/main.js", "acestepd/lib"])
def test_a_link_below_the_folder_is_not_followed(
    tmp_path: Path, state: Path, shipped: Path, machine: Machine, target: Path, link: str
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (target / link).parent.mkdir(parents=True)
    (target / link).symlink_to(elsewhere)
    with pytest.raises(SettingsError, match="is a link and stays as it is"):
        installer.install(THING, state, machine)
    assert list(elsewhere.iterdir()) == []


def test_a_file_that_became_a_link_is_not_removed(
    tmp_path: Path, state: Path, shipped: Path, machine: Machine, target: Path
) -> None:
    installer.install(THING, state, machine)
    precious = tmp_path / "precious"
    precious.write_text(SCRIPT)
    (target / "acestepd" / "main.js").unlink()
    (target / "acestepd" / "main.js").symlink_to(precious)
    [removal] = installer.uninstall("thing", state)
    assert removal.kept == ["acestepd/main.js"]
    assert precious.read_text() == SCRIPT


def test_what_lies_behind_a_folder_that_became_a_link_is_not_removed(
    tmp_path: Path, state: Path, shipped: Path, machine: Machine, target: Path
) -> None:
    installer.install(THING, state, machine)
    checkout = tmp_path / "checkout"
    (target / "acestepd").rename(checkout)
    (target / "acestepd").symlink_to(checkout)
    before = files_below(checkout)
    [removal] = installer.uninstall("thing", state)
    assert removal.removed == []
    assert files_below(checkout) == before


def test_a_folder_that_leads_to_itself_is_no_folder_of_ours(
    state: Path, shipped: Path, machine: Machine, target: Path
) -> None:
    installer.install(THING, state, machine)
    shutil.rmtree(target)
    target.symlink_to(target)
    assert state_of(state) is InstallState.CHANGED


@pytest.mark.parametrize(
    "wrong",
    [
        {"root": 5},
        {"files": ["a"]},
        {"files": {"a\0b": ""}},
        {"found": "a"},
        {"pending": {"../a": ""}},
        {"made_above": "x"},
    ],
)
def test_a_record_of_something_else_is_said(
    state: Path, shipped: Path, machine: Machine, wrong: dict[str, object]
) -> None:
    installer.install(THING, state, machine)
    file = state / installer.RECORD
    [row] = json.loads(file.read_text())
    file.write_text(json.dumps([row | wrong]))
    with pytest.raises(SettingsError, match="cannot be read"):
        installer.read_installations(state)


def test_a_folder_given_gets_the_same_files_and_both_are_remembered(
    tmp_path: Path, state: Path, shipped: Path, machine: Machine, target: Path
) -> None:
    installer.install(THING, state, machine)
    installer.install(THING, state, machine, tmp_path / "usb" / "stick")
    assert files_below(tmp_path / "usb" / "stick") == FILES
    assert len(installer.read_installations(state)) == 2
    installer.uninstall("thing", state, tmp_path / "usb" / "stick")
    assert files_below(tmp_path / "usb") == []
    assert files_below(target) == FILES


def test_uninstalling_leaves_the_folders_as_they_were(
    tmp_path: Path, state: Path, shipped: Path, machine: Machine, target: Path
) -> None:
    (target / "other").mkdir(parents=True)
    installer.install(THING, state, machine)
    installer.uninstall("thing", state)
    assert sorted(path.name for path in target.rglob("*")) == ["other"]
    assert installer.uninstall("thing", state) == []
    assert state_of(state) is InstallState.ABSENT


def test_what_a_programs_python_compiled_goes_with_the_script(
    tmp_path: Path, state: Path, shipped: Path, machine: Machine, target: Path
) -> None:
    (shipped / "thing" / "script.py").write_text("1")
    installer.install(THING, state, machine)
    cache = target / "acestepd" / "__pycache__"
    cache.mkdir()
    (cache / "script.cpython-311.pyc").touch()
    installer.uninstall("thing", state)
    assert not target.exists()


def test_a_file_where_a_folder_should_be_is_said(
    tmp_path: Path, state: Path, shipped: Path, machine: Machine, target: Path
) -> None:
    target.mkdir()
    (target / "acestepd").touch()
    with pytest.raises(SettingsError, match="acestepd is no folder and stays as it is"):
        installer.install(THING, state, machine)
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match="cannot write"):
        installer.install(THING, state, machine, tmp_path / "file")


def test_parts_go_to_their_places_and_a_program_that_is_not_there_is_left_out(
    tmp_path: Path, state: Path, shipped: Path, machine: Machine, target: Path
) -> None:
    both = Integration(
        "thing",
        "Thing",
        "",
        "",
        (),
        (Part(places.REAPER, "Scripts", only="main*"), Part(places.BITWIG, "", "lib")),
    )
    [one] = installer.install(both, state, machine)
    assert (one.root, list(one.files)) == (str(target), ["part.js"])
    assert installer.find_state(both, [one]) is InstallState.INSTALLED
    (machine.home / ".config" / "REAPER").mkdir(parents=True)
    assert len(installer.install(both, state, machine)) == 2
    assert files_below(machine.home / ".config") == ["REAPER/Scripts/main.js"]


def test_two_installers_at_once_wait_for_each_other(
    tmp_path: Path, state: Path, shipped: Path, machine: Machine
) -> None:
    folders = [tmp_path / f"to{number}" for number in range(8)]
    threads = [
        threading.Thread(target=installer.install, args=(THING, state, machine, folder))
        for folder in folders
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {one.root for one in installer.read_installations(state)} == set(map(str, folders))


@pytest.mark.parametrize("record", ["", "[1]", '[{"name": "x"}]', "{", '{"a": 1}'])
def test_a_record_that_is_broken_is_said_and_kept(
    tmp_path: Path, state: Path, shipped: Path, machine: Machine, record: str
) -> None:
    file = state / installer.RECORD
    file.parent.mkdir(parents=True)
    file.write_text(record)
    with pytest.raises(SettingsError, match="move it away, and install again"):
        installer.install(THING, state, machine)
    assert file.read_text() == record


def test_paths_of_a_record_that_lead_out_of_its_folder_are_refused(
    tmp_path: Path, state: Path, shipped: Path
) -> None:
    victim = tmp_path / "victim"
    victim.write_text("x")
    digest = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"
    row = {"name": "thing", "root": str(tmp_path / "root"), "version": "1", "time": 0.0}
    (tmp_path / "root").mkdir()
    file = state / installer.RECORD
    file.parent.mkdir(parents=True)
    for path in ("../victim", str(victim)):
        file.write_text(json.dumps([row | {"files": {path: digest}}]))
        with pytest.raises(SettingsError, match="cannot be read"):
            installer.uninstall("thing", file.parent)
    assert victim.exists()


def test_all_of_them_fit_into_one_folder(tmp_path: Path) -> None:
    machine = Machine("Linux", tmp_path)
    names = [row.name for row in list_available()]
    for name in names:
        installer.install(CATALOGUE[name], tmp_path / "state", machine, tmp_path / "all")
    installations = installer.read_installations(tmp_path / "state")
    for name in names:
        assert installer.find_state(CATALOGUE[name], installations) is InstallState.INSTALLED, name
    for name in names:
        installer.uninstall(name, tmp_path / "state")
    assert not (tmp_path / "all").exists()


# --- the wheel ------------------------------------------------------------------------------------


@pytest.mark.long
def test_the_wheel_brings_every_integration_the_page_and_the_dictionary_along(
    tmp_path: Path,
) -> None:
    pytest.importorskip("hatchling", reason="hatchling builds the wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    [wheel] = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(tmp_path / "site")
    there = tmp_path / "site" / "integrations"
    files = [
        file for row in list_available() for part in row.parts for file, _ in row.list_files(part)
    ]
    for file in files:
        packed_file = there / file.relative_to(catalogue.FOLDER)
        assert packed_file.read_bytes() == file.read_bytes(), file
    page = [file for file in (catalogue.FOLDER / "page").rglob("*") if file.is_file()]
    assert {file.suffix for file in page} >= {".html", ".js", ".css", ".svg"}
    for file in page:
        packed_file = there / file.relative_to(catalogue.FOLDER)
        assert packed_file.read_bytes() == file.read_bytes(), file
    for file in dictionary.FILE.parent.iterdir():  # CMUdict, and its licence
        packed_file = tmp_path / "site" / file.relative_to(ROOT)
        assert packed_file.read_bytes() == file.read_bytes(), file
    code = (
        "from daemon.integrations import catalogue as c; print(c.FOLDER, len(c.list_available()))"
    )
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "site")}
    said = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )
    assert said.stdout.split() == [str(there), str(len(list_available()))]
