"""Takes of messages land outside of the settings' folders only where the user has said so."""

from __future__ import annotations

import stat
from contextlib import closing
from pathlib import Path

import pytest

from daemon.granted_folders import FOLDER, find_granted, grant, revoke
from daemon.jobs import Refused
from tests.support.osc_client import SHORT, expect_fail
from tests.support.stage import on_stage

NAME = "0123456789abcdef"


def test_a_take_lands_in_the_folder_that_is_granted(tmp_path: Path) -> None:
    folder = tmp_path / "Lieder für später"
    with on_stage(tmp_path) as stage, closing(stage.client()) as client:
        grant(stage.settings.state, NAME, folder)
        client.send("/ace/generate", "one", *SHORT, "land_in", NAME)
        client.until_end("one")
        assert [path.suffix for path in sorted(folder.iterdir())] == [".json", ".wav"]
        revoke(stage.settings.state, NAME)
        assert expect_fail(client, "/ace/generate", "two", *SHORT, "land_in", NAME)[1] == 403
        reroll = ("/ace/reroll", "three", "one", "land_in", NAME)
        assert expect_fail(client, *reroll)[2].startswith("a reroll lands where its parent did")


def test_only_the_user_may_grant_one(tmp_path: Path) -> None:
    grant(tmp_path, NAME, tmp_path / "there")
    assert stat.S_IMODE((tmp_path / FOLDER).stat().st_mode) == 0o700
    assert find_granted(tmp_path, NAME) == tmp_path / "there"


@pytest.mark.parametrize("name", ["", "0123456789ABCDEF", f"../{FOLDER}/{NAME}", NAME[:15], "*"])
def test_any_other_name_is_none(tmp_path: Path, name: str) -> None:
    grant(tmp_path, NAME, tmp_path / "there")
    with pytest.raises(Refused, match="no folder is granted"):
        find_granted(tmp_path, name)


def test_what_is_no_grant_grants_nothing(tmp_path: Path) -> None:
    grant(tmp_path, NAME, Path("relative"))
    with pytest.raises(Refused):
        find_granted(tmp_path, NAME)
    (tmp_path / FOLDER / NAME).unlink()
    (tmp_path / "elsewhere").write_text(str(tmp_path))
    (tmp_path / FOLDER / NAME).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Refused):
        find_granted(tmp_path, NAME)
