"""The files of a request on their way to a worker: by their content, and never by a path."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from daemon.cluster.parcels import BadParcel
from daemon.cluster.sent_files import FileCache, NamedFile, list_named_files
from pipeline.request import BadRequest, Request


def send(cache: FileCache, file: NamedFile) -> None:
    upload = cache.begin()
    for chunk in file.read_chunks():
        cache.add_chunk(upload, chunk)
    cache.finish(upload, file.name)


def make_request(folder: Path) -> Request:
    (folder / "beat.wav").write_bytes(b"RIFF beat")
    (folder / "tune.mid").write_bytes(b"MThd tune")
    return Request(
        task="cover", source=str(folder / "beat.wav"), guide=str(folder / "tune.mid"), prompt="x"
    )


def test_a_request_has_the_files_where_they_are_on_the_worker(tmp_path: Path) -> None:
    request = make_request(tmp_path)
    files = list_named_files(request)
    assert set(files) == {"source", "guide"}
    cache = FileCache(tmp_path / "worker")
    assert cache.list_missing([file.name for file in files.values()]) == [
        file.name for file in files.values()
    ]
    for file in files.values():
        send(cache, file)
    assert not cache.list_missing([file.name for file in files.values()])
    placed = cache.place(request, {field: file.name for field, file in files.items()})
    assert Path(placed.source).read_bytes() == b"RIFF beat"
    assert Path(placed.guide).suffix == ".mid"
    assert Path(placed.guide).read_bytes() == b"MThd tune"
    assert Path(placed.source).is_relative_to(tmp_path / "worker")


def test_a_request_without_files_stays_as_it_is(tmp_path: Path) -> None:
    request = Request(prompt="x", guide="Am F C G")
    assert list_named_files(request) == {}
    assert FileCache(tmp_path / "worker").place(request, {}) is request


def test_a_path_that_was_not_sent_is_refused(tmp_path: Path) -> None:
    request = make_request(tmp_path)
    cache = FileCache(tmp_path / "worker")
    for names in ({}, {"source": "0" * 64 + ".wav"}):
        with pytest.raises(BadRequest, match="did not come with it"):
            cache.place(request, names)


@pytest.mark.parametrize("name", ["../beat.wav", "/etc/passwd", "beat.wav", "0" * 63, "." * 64])
def test_names_that_are_no_digests_are_refused(tmp_path: Path, name: str) -> None:
    request = make_request(tmp_path)
    cache = FileCache(tmp_path / "worker")
    with pytest.raises(BadParcel):
        cache.place(request, {"guide": name})
    upload = cache.begin()
    with pytest.raises(BadParcel):
        cache.finish(upload, name)


def test_a_file_that_came_otherwise_gets_no_name(tmp_path: Path) -> None:
    file = list_named_files(make_request(tmp_path))["source"]
    cache = FileCache(tmp_path / "worker")
    upload = cache.begin()
    cache.add_chunk(upload, b"RIFF best")
    with pytest.raises(BadParcel, match="otherwise"):
        cache.finish(upload, file.name)
    assert cache.list_missing([file.name])
    assert not list((tmp_path / "worker").iterdir())


def test_those_used_longest_ago_make_room_but_not_those_in_use(tmp_path: Path) -> None:
    cache = FileCache(tmp_path / "worker", most_bytes=20)
    names: list[str] = []
    for number in range(4):
        path = tmp_path / f"{number}.wav"
        path.write_bytes(b"%d" % number * 9)
        (file,) = list_named_files(Request(task="cover", source=str(path), prompt="x")).values()
        upload = cache.begin()
        for chunk in file.read_chunks():
            cache.add_chunk(upload, chunk)
        cache.finish(upload, file.name, used=names[:1])
        os.utime(tmp_path / "worker" / file.name, (number, number))
        names.append(file.name)
    assert cache.list_missing(names) == names[1:3]


def test_a_part_of_a_worker_that_ended_is_removed(tmp_path: Path) -> None:
    cache = FileCache(tmp_path / "worker")
    cache.add_chunk(cache.begin(), b"x")
    FileCache(tmp_path / "worker")
    assert not list((tmp_path / "worker").iterdir())
