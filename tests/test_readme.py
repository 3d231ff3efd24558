"""The README says what the code does."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from tests.tools import tables

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")


def test_its_tables_are_what_the_code_says() -> None:
    assert set(re.findall(r"<!-- table: (\w+) -->", README)) == set(tables.TABLES)
    assert tables.updated(README) == README, "run: python -m tests.tools.tables README.md"


def test_ci_runs_the_readmes_own_test_command() -> None:
    (command,) = re.findall(r"<!-- command two -->\n```sh\n(.+)\n```", README)
    assert command in (ROOT / ".ci" / "run").read_text("utf-8")


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "examples/README.md"])
def test_every_link_leads_somewhere(page: str) -> None:
    folder = (ROOT / page).parent
    for target in re.findall(r"\]\(([^)#]+)\)", (ROOT / page).read_text("utf-8")):
        assert target.startswith("http") or (folder / target).exists(), target


def test_the_lock_holds_every_dependency_with_its_hash() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    wanted = [
        line for name in ("test", "link", "midi", "loudness") for line in extras[name]
    ] + project["dependencies"]
    wanted = [line for line in wanted if not line.startswith("acestepd[")]
    names = {re.split(r"[\[<>=; ]", line)[0].replace("_", "-").lower() for line in wanted}
    lock = (ROOT / "requirements.lock").read_text("utf-8")
    assert names <= set(re.findall(r"^([a-z0-9-]+)==", lock, re.MULTILINE))
    assert len(re.findall(r"^\S+==", lock, re.MULTILINE)) <= lock.count("--hash=sha256:")
