"""An OSCQuery client that others have written, python-oscquery, with a real daemon."""

from __future__ import annotations

import socket
from contextlib import closing

import pytest

pytest.importorskip("pythonoscquery", reason="the PyPI package python-oscquery is not installed")

from pythonoscquery.osc_query_client import OSCQueryClient
from pythonoscquery.shared.osc_access import OSCAccess
from pythonoscquery.shared.osc_path_node import OSCPathNode
from zeroconf import ServiceInfo

from pipeline.request import FIELDS
from tests.support.osc_client import OscClient
from tests.support.stage import Stage


@pytest.fixture
def query(port: int) -> OSCQueryClient:
    kind = "_oscjson._tcp.local."
    address = socket.inet_aton("127.0.0.1")
    return OSCQueryClient(ServiceInfo(kind, f"acestepd.{kind}", port=port, addresses=[address]))


def find(query: OSCQueryClient, address: str) -> OSCPathNode:
    node = query.query_node(address)
    assert node is not None
    return node


def test_it_reads_where_osc_goes(query: OSCQueryClient, stage: Stage) -> None:
    info = query.get_host_info()
    assert info is not None
    assert info.name == "acestepd"
    assert (info.osc_ip, info.osc_port, info.osc_transport) == (*stage.osc.address, "UDP")
    assert info.extensions["VALUE"] is True
    assert info.extensions["LISTEN"] is False


def test_it_reads_the_whole_tree(query: OSCQueryClient) -> None:
    root = find(query, "/")
    for name in FIELDS:
        node = root.find_subnode(f"/ace/set/{name}")
        assert node is not None
        assert node.access == OSCAccess.READWRITE_VALUE
    go = root.find_subnode("/ace/go")
    assert go is not None
    assert go.access == OSCAccess.WRITEONLY_VALUE
    assert go.type == [str, str, float, int]


def test_what_osc_sets_is_what_it_reads(query: OSCQueryClient, stage: Stage) -> None:
    with closing(stage.client()) as client:
        assert client.ask("/ace/set/bars", 12) == ("/ace/param/bars", [12])
        assert find(query, "/ace/set/bars").value == [12]
        client.ask("/ace/set/prompt", "fußläufig ♫")
        assert find(query, "/ace/set/prompt").value == ["fußläufig ♫"]
        client.ask("/ace/tempo", 98)
        assert find(query, "/ace/tempo").value == [98.0]
    assert find(query, "/ace/state").value == ["warm", "mini", 0]


def test_a_node_tells_enough_to_send_it(query: OSCQueryClient) -> None:
    """Its address and types are all that a generic page knows."""
    node = find(query, "/ace/set/loop")
    info = query.get_host_info()
    assert info is not None
    assert info.osc_ip
    with closing(OscClient((info.osc_ip, info.osc_port))) as client:
        assert client.ask(node.full_path, *[1 for _ in node.type]) == ("/ace/param/loop", [1])
    assert find(query, "/ace/set/loop").value == [1]


def test_what_is_not_there_is_none(query: OSCQueryClient) -> None:
    assert query.query_node("/ace/nothing") is None
