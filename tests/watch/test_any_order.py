"""Anything may happen to files, in any order."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import hypothesis
from hypothesis import given
from hypothesis import strategies as st

from tests.support.examples import scale_examples
from tests.support.watched import EngineStub, PolledFolder

NAMES = st.sampled_from(["a.txt", "b.txt", "c.md"])
CONTENTS = st.sampled_from(["one", "two", "three", "", " "])
STEPS = st.one_of(
    st.tuples(st.just("save"), NAMES, CONTENTS),
    st.tuples(st.just("replace"), NAMES, CONTENTS),
    st.tuples(st.just("rename"), NAMES, NAMES),
    st.tuples(st.sampled_from(["delete", "touch"]), NAMES, st.just("")),
    st.tuples(
        st.sampled_from(["finish", "restart", "settle", "poll", "poll"]), st.just(""), st.just("")
    ),
)


def act(folder: PolledFolder, what: str, name: str, other: str) -> None:
    path = folder.path / name
    if what == "save":
        folder.save(name, other)
    elif what == "replace":
        folder.save("fresh.tmp", other).rename(path)
    elif what == "rename" and path.exists():
        path.rename(folder.path / other)
    elif what == "delete":
        path.unlink(missing_ok=True)
    elif what == "touch" and path.exists():
        os.utime(path)
    elif what == "finish":
        for job in folder.engine.active():
            folder.engine.finish(job)
    elif what == "restart":
        folder.settle()
        folder.restart()
    elif what == "settle":
        folder.settle()
    elif what == "poll":
        folder.poll(0.1)


@given(st.lists(STEPS, max_size=25))
@hypothesis.settings(max_examples=scale_examples(150))
def test_whatever_happens_every_content_there_is_has_its_take_and_none_has_two(
    steps: list[tuple[str, str, str]],
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = PolledFolder(Path(name), EngineStub(Path(name) / "clips"))
        folder.engine.journal.first[folder.watched.client] = 0.0
        folder.restart()
        folder.poll()
        for action in steps:
            act(folder, *action)
        folder.settle()
        jobs = folder.engine.jobs
        expected = {
            path.read_text() for path in folder.path.glob("*.[tm]*") if path.read_text().strip()
        }
        assert expected <= {job.request.lyrics for job in jobs if job.state != "cancelled"}
        takes = [(job.origin, job.request.lyrics) for job in jobs if job.state != "cancelled"]
        assert len(takes) == len(set(takes))
        assert folder.settle() == []
        folder.restart()
        assert folder.settle() == []
