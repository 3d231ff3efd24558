"""Who hears events, and for how long."""

from __future__ import annotations

from daemon.osc.outgoing import TOPICS
from daemon.osc.subscribers import Subscribers
from daemon.osc.wire import Peer

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
