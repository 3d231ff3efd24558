"""`acestepd integrations`, run as a musician runs it, in a home of the test's own."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from daemon.cli.integrations import Heard, find_last, format_age
from daemon.integrations.catalogue import list_available
from tests.support.command_line import run_here
from tests.support.environment import make_environment
from tests.support.stage import on_stage

ROOT = Path(__file__).parents[2]


def run(home: Path, *arguments: str) -> CompletedProcess[str]:
    return run_here(home, "integrations", *arguments, environment=make_environment(home))


def test_the_list_has_every_integration_and_where_it_is(tmp_path: Path) -> None:
    before = run(tmp_path)
    assert before.returncode == 0, before.stderr
    for row in list_available():
        assert f"\n{row.name} " in f"\n{before.stdout}"
    assert "installed" not in before.stdout.replace("not installed", "")
    assert run(tmp_path, "install", "folder", "--to", "here").returncode == 0
    [row] = [row for row in json.loads(run(tmp_path, "--json").stdout) if row["name"] == "folder"]
    assert row["state"] == "installed"
    assert row["folders"] == [str(tmp_path / "here")]
    assert row["clicks"] == [f"read {tmp_path}/here/folder/README.md"]


def test_installing_prints_the_files_and_the_clicks_that_are_left(tmp_path: Path) -> None:
    done = run(tmp_path, "install", "folder")
    assert done.returncode == 0, done.stderr
    page = tmp_path / "Documents" / "acestepd" / "folder" / "README.md"
    assert f"installed: {page}" in done.stdout
    assert f"next: read {page}" in done.stdout
    assert page.read_bytes() == (ROOT / "integrations" / "folder" / "README.md").read_bytes()
    removed = json.loads(run(tmp_path, "uninstall", "folder", "--json").stdout)
    assert str(page) in removed["removed"]
    assert not page.exists()
    again = run(tmp_path, "uninstall", "folder")
    assert again.returncode == 0
    assert "nothing to remove" in again.stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["install", "fodler"], "did you mean folder?"),
        (["uninstall", "winamp"], "no integration is called 'winamp'; there are: "),
        (["install"], "which one? acestepd integrations install NAME"),
        (["install", "folder", "--to", "~nobody-like-this/x"], "--to ~nobody-like-this/x"),
        (["install", "folder", "--to", "/proc/x"], "cannot write /proc/x"),
        (["install", "folder", "--to", ""], "--to must name a folder, got an empty text"),
        (["uninstall", "folder", "--to", ""], "--to must name a folder, got an empty text"),
        (["install", "folder", "--to", "\udcff"], "\\udcff' is not UTF-8: choose another"),
        (["list", "fodler"], "did you mean folder?"),
        (["install", "folder", "--state", "/proc/x"], "cannot write into /proc/x"),
    ],
)
def test_mistakes_end_with_one_sentence_and_status_2(
    tmp_path: Path, arguments: list[str], says: str
) -> None:
    done = run(tmp_path, *arguments)
    assert done.returncode == 2
    assert says in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    written = [path for path in tmp_path.rglob("*") if path.is_file() and path.stat().st_size]
    assert [path.name for path in written if path.read_text() != "[]"] == []


def test_one_alone_can_be_listed(tmp_path: Path) -> None:
    assert run(tmp_path, "list", "folder").stdout.startswith("folder ")
    assert [row["name"] for row in json.loads(run(tmp_path, "list", "live", "--json").stdout)] == [
        "live"
    ]


@pytest.mark.parametrize("number", ["Infinity", "NaN", "1e999", f"1{400 * '0'}"])
def test_a_time_that_is_none_is_not_told_to_scripts(tmp_path: Path, number: str) -> None:
    state = tmp_path / "state"
    state.mkdir()
    (state / "heard.json").write_text(f'{{"live": {number}}}')
    listed = run(tmp_path, "--json", "--state", str(state)).stdout
    rows = {row["name"]: row for row in json.loads(listed, parse_constant=pytest.fail)}
    assert (rows["live"]["heard"], rows["live"]["seconds_since"]) == (None, None)


def test_the_list_says_when_a_program_was_last_heard(tmp_path: Path) -> None:
    with on_stage(tmp_path) as stage, closing(stage.client()) as client:
        client.send("/ace/notify", 1, 0, "clip insert", "live")
        client.until("/ace/done")
        state = ("--state", str(stage.settings.state))
        assert "not installed, heard " in run(tmp_path, *state).stdout
        rows = {row["name"]: row for row in json.loads(run(tmp_path, *state, "--json").stdout)}
    assert 0 <= rows["live"]["seconds_since"] < 60
    assert rows["live"]["inserts"] is True
    assert rows["folder"]["heard"] is None


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.2, "0 s ago"),
        (119, "119 s ago"),
        (120, "2 min ago"),
        (7_200, "2 h ago"),
        (200_000, "2 days ago"),
    ],
)
def test_ages_are_said_as_people_do(seconds: float, text: str) -> None:
    assert format_age(seconds) == text


def test_a_second_copy_of_a_program_counts_as_the_program() -> None:
    heard = {"max": Heard(5.0), "max2": Heard(9.0), "maxpatch": Heard(20.0), "live": Heard(1.0)}
    assert find_last(heard, "max") == Heard(9.0)
    assert find_last(heard, "live") == Heard(1.0)
    assert find_last(heard, "reaper") is None
