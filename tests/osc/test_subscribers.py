"""Who hears events, and for how long."""

from __future__ import annotations

from daemon.osc.protocol import TOPICS
from daemon.osc.subscribers import Subscribers
from daemon.osc.wire import Sender

SCREEN = ("127.0.0.1", 9001)
PHONE = Sender("udp:10.0.0.7:5000", "10.0.0.7")
STATIC = Sender("udp:127.0.0.1:9001", "127.0.0.1")


def test_other_settings_leave_a_subscribers_own_choice_alone() -> None:
    kept = Subscribers([SCREEN])
    kept.add(STATIC, frozenset({"finished"}))
    kept.change([SCREEN])
    assert kept.of("finished") == [STATIC]
    assert kept.of("progress") == []


def test_a_subscriber_that_left_the_settings_hears_nothing_and_hears_all_when_it_is_back() -> None:
    kept = Subscribers([SCREEN])
    kept.change([])
    assert kept.of("state") == []
    kept.change([SCREEN])
    assert all(kept.of(topic) == [STATIC] for topic in TOPICS)


def test_who_may_not_hear_any_more_is_dropped_and_those_of_the_settings_stay() -> None:
    kept = Subscribers([SCREEN])
    kept.add(PHONE, frozenset({"state"}))
    assert set(kept.of("state")) == {STATIC, PHONE}
    kept.sift(lambda host: host != PHONE.host)
    assert kept.of("state") == [STATIC]
