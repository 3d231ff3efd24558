"""Datagrams: whole, from and to whom, and never at another thread's mercy."""

from __future__ import annotations

import logging
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing

import pytest

from daemon.osc.udp import UdpTransport
from daemon.osc.wire import MAX_DATAGRAM, Peer
from tests.support.waiting import until

EVER = 1000.0  # seconds


@pytest.fixture
def transport() -> Iterator[UdpTransport]:
    with closing(UdpTransport("127.0.0.1", 0)) as opened:
        yield opened


@pytest.fixture
def other() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as opened:
        opened.bind(("127.0.0.1", 0))
        yield opened


def name(other: socket.socket) -> str:
    host, port = other.getsockname()
    return f"udp:{host}:{port}"


@pytest.mark.parametrize("packet", [b"", b"\0", b"a\0b\0", bytes(range(256)) * 255])
def test_what_arrives_is_what_was_sent_and_from_whom(
    transport: UdpTransport, other: socket.socket, packet: bytes
) -> None:
    other.sendto(b"x" * 1000, transport.address)  # the one before shows in none
    other.sendto(packet, transport.address)
    transport.receive()
    assert transport.receive() == (packet, Peer(name(other), "127.0.0.1"))


@pytest.mark.parametrize("packet", [b"", b"\0", b"a\0b\0", bytes(range(256)) * 255])
def test_what_is_sent_arrives(transport: UdpTransport, other: socket.socket, packet: bytes) -> None:
    transport.send(packet, name(other))
    assert other.recvfrom(MAX_DATAGRAM) == (packet, transport.address)


def test_where_nothing_has_arrived_nobody_waits(transport: UdpTransport) -> None:
    with pytest.raises(BlockingIOError):
        transport.receive()


@pytest.mark.parametrize("client", ["udp:127.0.0.1:0", "udp:nowhere:9000", "udp:255.255.255.255:9"])
def test_whom_nothing_can_be_sent_is_logged(
    transport: UdpTransport, client: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "acestepd.osc"):
        transport.send(b"x", client)
    assert f"could not send to {client}" in caplog.text


def test_nothing_is_sent_on_what_is_opened_after_it_was_closed(
    transport: UdpTransport, other: socket.socket
) -> None:
    """The system gives the same number to the next one."""
    transport.close()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as next_one:
        next_one.bind(("127.0.0.1", 0))
        transport.send(b"closed", name(other))
        next_one.sendto(b"open", other.getsockname())
        assert other.recv(100) == b"open"
    with pytest.raises(OSError, match="descriptor"):
        transport.receive()


def test_no_other_thread_is_let_run_for_a_datagram(
    transport: UdpTransport,
) -> None:
    """One that computes would have to be waited for."""
    host, port = transport.address
    rounds = 0
    is_over = False

    def compute() -> None:
        nonlocal rounds
        while not is_over:
            rounds += 1
            time.sleep(0)

    thread = threading.Thread(target=compute)
    interval = sys.getswitchinterval()
    thread.start()
    try:
        until(lambda: rounds > 0)
        sys.setswitchinterval(EVER)
        before = rounds
        until(lambda: rounds > before)  # it knows of that
        before = rounds
        for _ in range(5000):
            transport.send(b"x", f"udp:{host}:{port}")
            transport.receive()
        assert rounds == before
    finally:
        sys.setswitchinterval(interval)
        is_over = True
        thread.join()
