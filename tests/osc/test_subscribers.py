"""Who hears events, and for how long."""

from __future__ import annotations

from daemon.osc.outgoing import TOPICS
from daemon.osc.subscribers import MAX_PER_MACHINE, Subscribers
from daemon.osc.wire import Peer
from daemon.settings import MAX_SUBSCRIBERS

SCREEN = ("127.0.0.1", 9001)
PHONE = Peer("udp:10.0.0.7:5000", "10.0.0.7")
STATIC = Peer("udp:127.0.0.1:9001", "127.0.0.1")


def test_other_settings_leave_a_subscribers_own_choice_alone() -> None:
    subscribers = Subscribers([SCREEN])
    subscribers.add(STATIC, frozenset({"finished"}))
    subscribers.change_static([SCREEN])
    assert subscribers.list_peers("finished") == [STATIC]
    assert subscribers.list_peers("progress") == []


def test_a_subscriber_that_left_the_settings_hears_nothing_and_hears_all_when_it_is_back() -> None:
    subscribers = Subscribers([SCREEN])
    subscribers.change_static([])
    assert subscribers.list_peers("state") == []
    subscribers.change_static([SCREEN])
    assert all(subscribers.list_peers(topic) == [STATIC] for topic in TOPICS)


def test_who_may_not_hear_any_more_is_dropped_and_those_of_the_settings_stay() -> None:
    subscribers = Subscribers([SCREEN])
    subscribers.add(PHONE, frozenset({"state"}))
    assert set(subscribers.list_peers("state")) == {STATIC, PHONE}
    subscribers.remove_untrusted(lambda host: host != PHONE.host)
    assert subscribers.list_peers("state") == [STATIC]


def make_peers(host: str, count: int) -> list[Peer]:
    return [Peer(f"udp:{host}:{port}", host) for port in range(20_000, 20_000 + count)]


def subscribe(subscribers: Subscribers, peers: list[Peer]) -> list[Peer]:
    """Returns who had to go."""
    removed = []
    for peer in peers:
        if gone := subscribers.make_room(peer):
            removed.append(gone)
        subscribers.add(peer, frozenset({"state"}))
    return removed


def test_of_one_machine_the_oldest_makes_room() -> None:
    subscribers = Subscribers([SCREEN])
    subscribe(subscribers, [PHONE])
    peers = make_peers("127.0.0.1", 100)
    assert subscribe(subscribers, peers) == peers[: 100 - MAX_PER_MACHINE]
    assert {STATIC, PHONE} < set(subscribers.list_peers("state"))


def test_who_subscribes_again_is_not_the_oldest_any_more() -> None:
    subscribers = Subscribers([])
    first, *others = make_peers("10.0.0.7", MAX_PER_MACHINE)
    subscribe(subscribers, [first, *others, first])
    assert subscribe(subscribers, make_peers("10.0.0.7", MAX_PER_MACHINE + 1)[-1:]) == others[:1]


def test_all_addresses_of_this_machine_count_as_one() -> None:
    subscribers = Subscribers([])
    peers = [Peer(f"udp:127.0.0.{n}:1", f"127.0.0.{n}") for n in range(1, MAX_PER_MACHINE + 2)]
    assert subscribe(subscribers, peers) == peers[:1]


def test_where_all_are_too_many_the_machine_with_the_most_makes_room() -> None:
    subscribers = Subscribers([])
    near = make_peers("127.0.0.1", MAX_PER_MACHINE)
    far = make_peers("10.0.0.7", MAX_SUBSCRIBERS - MAX_PER_MACHINE - 2)
    other = make_peers("10.0.0.8", 2)
    subscribe(subscribers, [*far, *other, *near])
    assert subscribe(subscribers, make_peers("10.0.0.9", 2)) == near[:2]
