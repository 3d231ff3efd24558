"""The page's files: few, small, and whole without a network."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from daemon.page.app import FILES, list_files

MOST = 200_000  # bytes of all of it
NAMESPACE = "http://www.w3.org/2000/svg"
SOURCES = sorted(list_files().values())
MODULES = sorted(path.name for path in (FILES / "js").iterdir())
INDEX = (FILES / "index.html").read_text()
SCRIPTS = "".join(path.read_text() for path in (FILES / "js").iterdir())


def test_what_is_about_the_page_is_not_served_with_it() -> None:
    assert (FILES / "README.md").exists()
    assert {"index.html", "js/main.js"} <= list_files().keys()
    assert "README.md" not in list_files()


def test_all_of_it_is_light() -> None:
    assert sum(path.stat().st_size for path in SOURCES) < MOST


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_nothing_is_fetched_from_elsewhere(path: Path) -> None:
    text = path.read_text().replace(NAMESPACE, "")
    assert not re.search(r"https?://|[\"'(]//|@import|\beval\(|innerHTML", text)


def test_no_module_waits_for_another_to_be_asked_for() -> None:
    needed = [name for name in MODULES if name not in ("main.js", "token.js")]
    assert re.findall(r'modulepreload" href="js/([\w.]+)"', INDEX) == needed


def test_what_modules_look_for_is_there() -> None:
    found = set(re.findall(r'\$\("([\w-]+)"\)', SCRIPTS))
    made = set(re.findall(r'\bid: "([\w-]+)"', SCRIPTS))
    made |= set(re.findall(r'\bnumber\("([\w-]+)"', SCRIPTS))
    assert found - made <= set(re.findall(r'\bid="([\w-]+)"', INDEX))


def test_each_symbol_is_used_and_there() -> None:
    drawn = set(re.findall(r'symbol id="icon-(\w+)"', INDEX))
    used = set(re.findall(r'href="#icon-(\w+)"', INDEX + SCRIPTS))
    used |= set(re.findall(r'(?:icon|iconButton)\("(\w+)"', SCRIPTS))
    used |= set(re.findall(r'"(stop|play)"', SCRIPTS))
    assert used == drawn
