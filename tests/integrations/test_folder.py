"""What the page for programs that take clips by hand promises of their names and chunks."""

from __future__ import annotations

import re
from contextlib import closing
from pathlib import Path

import soundfile

from daemon.integrations.catalogue import CATALOGUE
from tests.support.osc_client import Received
from tests.support.riff import walk
from tests.support.stage import on_stage

FOLDER = CATALOGUE["folder"].folder


def make_clips(folder: Path) -> list[Path]:
    """The command of the page, as a message."""
    with on_stage(folder) as stage, closing(stage.client()) as client:
        client.send(
            "/ace/generate", "x", "prompt", "warm lo-fi beat", "bars", 4, "bpm", 84, "key", "Am",
            "stems", "drums bass", "seed", "7", "loop", 1,
        )  # fmt: skip
        heard: list[Received] = client.until_end("x")
        return [Path(values[2]) for address, values in heard if address == "/ace/clip"]


def test_the_picture_shows_the_name_that_a_clip_gets(tmp_path: Path) -> None:
    names = [path.name for path in make_clips(tmp_path)]
    picture = (FOLDER / "name.svg").read_text()
    [shown] = re.findall(r'aria-label="([^:]+):', picture)
    assert shown in names
    drawn = "".join(re.findall(r'font-size="17">([^<]+)<', picture))
    assert drawn == shown


def test_stems_are_as_long_as_the_mix_and_all_say_what_the_page_says(tmp_path: Path) -> None:
    page = (FOLDER / "README.md").read_text()
    paths = make_clips(tmp_path)
    assert len({soundfile.info(path).frames for path in paths}) == 1
    for path in paths:
        chunks = {name.decode().strip() for name, _ in walk(path.read_bytes())}
        said = set(re.findall(r"\*\*(\w+)\*\*", page)) - {"cue"}  # it has no sections
        assert said == {"acid", "smpl", "bext", "iXML"}
        assert said <= chunks
