"""The README says what the code does."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from daemon.integrations.catalogue import list_available
from tests.tools import tables

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
PAGES = (
    "README.md",
    "CONTRIBUTING.md",
    "daemon/README.md",
    "daemon/SECURITY.md",
    "pipeline/README.md",
    "pipeline/voices/mini/README.md",
    "examples/README.md",
    "examples/voice/README.md",
    "tests/README.md",
    "integrations/README.md",
    "integrations/page/README.md",
    *(f"integrations/{row.name}/README.md" for row in list_available()),
)
TEXT_SUFFIXES = (".py", ".md", ".toml", ".js", ".lua", ".json", ".pd", ".maxpat", ".txt", ".html")


@pytest.mark.parametrize("page", tables.PAGES, ids=lambda page: page.parent.name)
def test_tables_are_what_the_code_says(page: Path) -> None:
    text = page.read_text("utf-8")
    assert tables.updated(text) == text, "run: python -m tests.tools.tables"


def test_every_table_stands_on_one_page() -> None:
    text = "".join(page.read_text("utf-8") for page in tables.PAGES)
    names = re.findall(r"<!-- table: (\w+) -->", text)
    assert sorted(names) == sorted(tables.TABLES)


def test_it_is_a_page_for_musicians() -> None:
    assert len(README.encode()) <= 9 * 1024


def test_ci_runs_the_readmes_own_test_command() -> None:
    (command,) = re.findall(r"<!-- command two -->\n```sh\n(.+)\n```", README)
    assert command in (ROOT / ".ci" / "run").read_text("utf-8")


def test_addresses_in_texts_are_those_that_the_daemon_listens_on() -> None:
    """localhost may be IPv6, where nobody is."""
    texts = [ROOT / page for page in PAGES]
    for folder in ("daemon", "pipeline", "integrations", "examples"):
        texts += [path for path in (ROOT / folder).rglob("*") if path.suffix in TEXT_SUFFIXES]
    for path in texts:
        assert not re.search(r"localhost[ :/]+[\dP]", path.read_text("utf-8")), path


@pytest.mark.parametrize("page", sorted(PAGES))
def test_every_link_leads_somewhere(page: str) -> None:
    folder = (ROOT / page).parent
    for target in re.findall(r"\]\(([^)]+)\)", (ROOT / page).read_text("utf-8")):
        file, _, heading = target.partition("#")
        if file.startswith("http"):
            continue
        there = (folder / file) if file else ROOT / page
        assert there.exists(), target
        assert not heading or heading in headings(there), target


def headings(page: Path) -> set[str]:
    """The anchors of a page's headings, as they are linked to."""
    lines = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", line.lower()).replace(" ", "-") for line in lines}


def test_the_lock_holds_every_dependency_with_its_hash() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    required = [
        line for name in ("test", "link", "midi", "loudness", "discovery") for line in extras[name]
    ] + project["dependencies"]
    required = [line for line in required if not line.startswith("acestepd[")]
    names = {re.split(r"[\[<>=; ]", line)[0].replace("_", "-").lower() for line in required}
    lock = (ROOT / "requirements.lock").read_text("utf-8")
    assert names <= set(re.findall(r"^([a-z0-9-]+)==", lock, re.MULTILINE))
    assert len(re.findall(r"^\S+==", lock, re.MULTILINE)) <= lock.count("--hash=sha256:")
