"""The tempo of an Ableton Link session."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from typing import Any

import pytest

from daemon.settings import SettingsError
from daemon.tempo import Tempo
from daemon.tempo.link import Link, PeerDiscovery, round_link_bpm
from daemon.tempo.session import ANNOUNCED_CHANGE
from pipeline.request import Request
from tests.support.waiting import until


def test_every_tempo_of_two_digits_survives_links_whole_microseconds() -> None:
    for cents in range(3000, 30_001):
        bpm = cents / 100
        assert round_link_bpm(60e6 / round(60e6 / bpm)) == bpm


@pytest.mark.parametrize(
    "bpm", [127.9999, 140.00014000014, 93.33001493280238, 61.37002442526972, 119.999760000480]
)
@pytest.mark.parametrize("bars", [1, 7, 64])
def test_bars_at_a_tempo_from_link_are_exact_to_the_sample(bpm: float, bars: int) -> None:
    for announced in (bpm, round_link_bpm(bpm)):
        exact = Fraction(bars * 4 * 60 * 48_000) / Fraction(announced)
        assert abs(Request(bars=bars, bpm=announced).samples - exact) <= Fraction(1, 2)
    assert Request(bars=8, bpm=round_link_bpm(140.00014000014)).samples == 658_286, (
        "what 8 bars of 140 are"
    )


def test_without_the_library_link_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "aalink", None)
    with pytest.raises(SettingsError, match=r"acestepd\[link\]"):
        Tempo(link=True)


class Session:
    """Link peers of a musician, on this machine."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._aalink = pytest.importorskip("aalink", reason="needs aalink (the extra 'link')")
        self._peers: list[Any] = []

    def peer(self, bpm: float) -> Any:
        async def made() -> Any:
            return self._aalink.Link(bpm)

        # in a thread of its own: a browser of other tests may have a loop in this one
        with ThreadPoolExecutor(1) as thread:
            self._peers.append(thread.submit(self._loop.run_until_complete, made()).result())
        return self._peers[-1]

    def close(self) -> None:
        for peer in self._peers:
            peer.enabled = False
        self._peers.clear()
        self._loop.close()


@pytest.fixture
def session() -> Iterator[Session]:
    opened = Session()
    discovery = PeerDiscovery()
    try:
        end = time.monotonic() + 1.5
        while time.monotonic() < end:
            discovery.poll(time.monotonic())
            if discovery.measure_presence(time.monotonic()) > 0:
                pytest.skip("somebody plays with Ableton Link on this network: not to be disturbed")
            time.sleep(0.05)
        yield opened
    finally:
        discovery.close()
        opened.close()


def joined(tempo: Tempo) -> Link:
    [source] = tempo._sources
    assert isinstance(source, Link)
    return source


@pytest.mark.long
def test_a_link_session_is_followed_and_its_tempo_is_nobodys_but_the_musicians(
    session: Session,
) -> None:
    tempo = Tempo(link=True)  # it is there before the musician comes, as a daemon is
    tempo.start()
    try:
        musician = session.peer(140)
        until(lambda: joined(tempo)._peer is not None)
        assert tempo.current == (120, "default")
        musician.enabled = True
        until(lambda: tempo.current == (140, "link"))
        assert musician.tempo == 140
        musician.tempo = 127.9999
        until(lambda: tempo.current == (128, "link"))
        musician.tempo = 93.33
        until(lambda: tempo.current == (93.33, "link"))
        tempo.set(100)
        assert tempo.current == (100, "explicit")
        assert musician.tempo == pytest.approx(93.33)  # not even then
        tempo.set(0)
        assert tempo.current == (93.33, "link")
        musician.enabled = False
        until(lambda: tempo.current == (120, "default"))
        until(lambda: not joined(tempo)._joined)
        musician.tempo = 77
        musician.enabled = True
        until(lambda: tempo.current == (77, "link"))
        assert musician.tempo == pytest.approx(77, abs=ANNOUNCED_CHANGE)
    finally:
        tempo.close()
