"""What is said before the daemon starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from daemon.cli.run import warn_of_open_token
from daemon.settings import Settings


@pytest.mark.parametrize(
    ("token", "mode", "warns"),
    [("open sesame", 0o644, True), ("open sesame", 0o600, False), ("", 0o644, False)],
)
def test_a_token_that_other_users_can_read_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, token: str, mode: int, warns: bool
) -> None:
    file = tmp_path / "settings.toml"
    file.touch()
    file.chmod(mode)
    warn_of_open_token(Settings(token=token), file)
    assert [f"chmod 600 {file}" in one.getMessage() for one in caplog.records] == [True] * warns


def test_without_a_settings_file_there_is_nothing_to_tell(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    warn_of_open_token(Settings(token="open sesame"), tmp_path / "none.toml")
    assert caplog.records == []
