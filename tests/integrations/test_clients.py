"""Programs that have given a name: who is there, since when, and who that was before."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from daemon.integrations.clients import (
    FORGET_SECONDS,
    HEARD,
    MAX_CLIENTS,
    MAX_READERS,
    PRESENT_SECONDS,
    Clients,
    parse_name,
    read_heard,
)
from tests.support.clock import Clock

LIVE = "udp:127.0.0.1:9001"
REAPER = "udp:127.0.0.1:9002"


@pytest.fixture
def clock() -> Clock:
    clock = Clock()
    clock.now = 1_000_000.0
    return clock


@pytest.fixture
def clients(tmp_path: Path, clock: Clock) -> Clients:
    return Clients(tmp_path, clock)


def inserter_of(clients: Clients) -> str:
    found = clients.find_inserter()
    return found.name if found else ""


def test_a_client_is_there_for_half_a_minute_after_each_message(
    clients: Clients, clock: Clock
) -> None:
    clients.add("live", LIVE, LIVE, inserts=True)
    clock.now += PRESENT_SECONDS - 1
    assert clients.note_heard(LIVE) is None
    clock.now += PRESENT_SECONDS - 1
    assert clients.find("live")
    clock.now += 1
    assert clients.find("live") is None
    assert [one.name for one in clients.list_all()] == ["live"]
    assert clients.seconds_since(clients.list_all()[0]) == PRESENT_SECONDS
    assert clients.note_heard(LIVE) == clients.find("live"), "it was away until now"


def test_a_program_is_heard_where_it_sends_from_and_reached_where_it_listens(
    clients: Clients, clock: Clock
) -> None:
    clients.add("max", "udp:127.0.0.1:9110", "udp:127.0.0.1:50000", inserts=True)
    clock.now += PRESENT_SECONDS
    clients.note_heard("udp:127.0.0.1:50000")
    found = clients.find("max")
    assert found
    assert found.client == "udp:127.0.0.1:9110"
    clients.note_heard("udp:127.0.0.1:50001")  # a stranger


def test_the_first_stays_until_it_is_away_and_comes_back_behind_the_others(
    clients: Clients, clock: Clock
) -> None:
    clients.add("live", LIVE, LIVE, inserts=True)
    clients.add("reaper", REAPER, REAPER, inserts=True)
    clients.add("live", LIVE, LIVE, inserts=True)
    assert inserter_of(clients) == "live"
    clock.now += PRESENT_SECONDS
    assert inserter_of(clients) == ""
    clients.note_heard(REAPER)
    clients.note_heard(LIVE)
    assert inserter_of(clients) == "reaper"


def test_who_only_listens_puts_nothing_in(clients: Clients) -> None:
    clients.add("touchosc", LIVE, LIVE, inserts=False)
    assert inserter_of(clients) == ""
    assert clients.find("touchosc") is None


def test_the_newest_of_a_name_has_it_and_a_client_has_one_name(clients: Clients) -> None:
    clients.add("live", LIVE, LIVE, inserts=True)
    clients.add("live", REAPER, REAPER, inserts=True)
    assert [one.client for one in clients.list_all()] == [REAPER]
    assert clients.find_by_client(LIVE) is None
    clients.add("reaper", REAPER, REAPER, inserts=True)
    assert [one.name for one in clients.list_all()] == ["reaper"]
    clients.remove(REAPER)
    assert clients.list_all() == []
    clients.note_heard(REAPER)


def test_a_program_that_reads_the_inbox_is_there_as_long_as_it_says_so(
    clients: Clients, clock: Clock
) -> None:
    assert clients.note_reader("reaper", clock.now)
    assert not clients.note_reader("reaper", clock.now)
    found = clients.find("reaper")
    assert found
    assert found.reads_inbox
    clock.now += PRESENT_SECONDS
    assert not clients.note_reader("reaper", clock.now - PRESENT_SECONDS)
    assert clients.find("reaper") is None
    assert clients.note_reader("reaper", clock.now)


def test_a_file_takes_no_name_from_a_program_that_is_there(clients: Clients, clock: Clock) -> None:
    clients.add("reaper", REAPER, REAPER, inserts=True)
    assert not clients.note_reader("reaper", clock.now + 1)
    clock.now += PRESENT_SECONDS
    assert clients.note_reader("reaper", clock.now)
    clients.add("reaper", REAPER, REAPER, inserts=True)
    found = clients.find("reaper")
    assert found
    assert found.client == REAPER


def test_files_by_the_dozen_take_no_place_from_a_program_that_is_there(
    clients: Clients, clock: Clock, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    clients.add("live", LIVE, LIVE, inserts=True)
    for _ in range(3):
        clock.now += 1
        news = [clients.note_reader(f"reader{number}", clock.now) for number in range(70)]
    names = [one.name for one in clients.list_all()]
    assert names == ["live", *(f"reader{number}" for number in range(MAX_READERS))]
    assert not any(news), "the same ones stay, so nobody is sent the same clips again"
    assert [f"reader{MAX_READERS} is left out" in text for text in caplog.messages] == [True]
    clients.tick()
    assert "live" in read_heard(tmp_path)


def test_a_program_that_reads_takes_the_place_of_one_that_is_away(
    clients: Clients, clock: Clock
) -> None:
    for number in range(MAX_READERS):
        clients.note_reader(f"old{number}", clock.now + number / 100)
    clock.now += PRESENT_SECONDS + 1
    assert not clients.note_reader("older", clock.now - PRESENT_SECONDS)
    assert clients.note_reader("new", clock.now)
    names = [one.name for one in clients.list_all()]
    assert names == [*(f"old{number}" for number in range(1, MAX_READERS)), "new"]


def test_where_there_are_too_many_those_that_are_away_go_then_those_that_read(
    clients: Clients, clock: Clock
) -> None:
    clients.add("away", "udp:127.0.0.1:1", "", inserts=True)
    clock.now += PRESENT_SECONDS + 1
    clients.note_reader("reader", clock.now)
    clock.now -= 1  # it is the last that was heard
    for number in range(MAX_CLIENTS - 1):
        clients.add(f"p{number}", f"udp:127.0.0.1:{2 + number}", "", inserts=True)
    assert [one.name for one in clients.list_all()][:2] == ["reader", "p0"]
    clients.add("live", LIVE, LIVE, inserts=True)
    assert [one.name for one in clients.list_all()][:2] == ["p0", "p1"]
    assert clients.find("live")


def test_when_each_was_heard_outlives_the_daemon(
    tmp_path: Path, clients: Clients, clock: Clock
) -> None:
    clients.add("live", LIVE, LIVE, inserts=True)
    clients.tick()
    assert read_heard(tmp_path) == {"live": clock.now}
    later = Clients(tmp_path, clock)
    assert later.list_all() == []
    clock.now += 5
    later.add("reaper", REAPER, REAPER, inserts=True)
    later.tick()
    assert read_heard(tmp_path) == {"live": clock.now - 5, "reaper": clock.now}
    assert [path.name for path in tmp_path.iterdir()] == [HEARD]


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{",
        '{"live": "x"}',
        '{"live": []}',
        '{"live": Infinity}',
        "[" * 100_000,
        "\ud800",
        f'{{"x": 1{"0" * 400}}}',
    ],
)
def test_a_damaged_file_is_as_good_as_none(tmp_path: Path, content: str) -> None:
    (tmp_path / HEARD).write_bytes(content.encode("utf-8", "surrogatepass"))
    assert read_heard(tmp_path) == {}


def test_a_full_disk_takes_nobody_away(tmp_path: Path, clock: Clock) -> None:
    clients = Clients(tmp_path / "gone", clock)
    clients.add("live", LIVE, LIVE, inserts=True)
    clients.tick()
    assert clients.find("live")


def test_what_is_kept_is_bounded(tmp_path: Path, clients: Clients, clock: Clock) -> None:
    for number in range(2 * MAX_CLIENTS):
        clock.now += 1
        clients.add(f"p{number}", f"udp:127.0.0.1:{number}", "", inserts=True)
    assert len(clients.list_all()) == MAX_CLIENTS
    assert clients.list_all()[0].name == f"p{MAX_CLIENTS}"
    clients.tick()
    assert len(json.loads((tmp_path / HEARD).read_text("utf-8"))) == MAX_CLIENTS
    clock.now += FORGET_SECONDS
    clients.add("live", LIVE, LIVE, inserts=True)
    assert [one.name for one in clients.list_all()] == ["live"]


@pytest.mark.parametrize("text", ["live", " Live ", "max-8", "a" * 32, "9lives"])
def test_a_name_is_a_word(text: str) -> None:
    assert parse_name(text) == text.strip().lower()


@pytest.mark.parametrize("text", ["", "auto", "*", "a b", "-x", "a" * 33, "\u00e4", "a/b", "a\tb"])
def test_what_is_no_name_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="a program's name has"):
        parse_name(text)
