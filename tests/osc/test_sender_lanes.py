"""Who has a lane of its own, and who shares one."""

from __future__ import annotations

from daemon.osc.fair_queue import FairQueue
from daemon.osc.sender_lanes import MAX_LANES, MAX_NEW, NEW_SECONDS, SHARED, SenderLanes
from daemon.osc.wire import Peer
from tests.support.clock import Clock


def local(number: int) -> Peer:
    return Peer(f"udp:127.0.0.1:{number}", "127.0.0.1")


def test_each_program_of_this_machine_has_its_own() -> None:
    lanes = SenderLanes(Clock())
    assert [lanes.find(local(1)), lanes.find(local(2))] == [local(1).client, local(2).client]


def test_another_machine_has_one() -> None:
    lanes = SenderLanes(Clock())
    peers = [Peer(f"udp:10.0.0.7:{port}", "10.0.0.7") for port in (1, 2)]
    assert {lanes.find(peer) for peer in peers} == {"10.0.0.7"}


def test_of_many_that_are_new_at_once_those_beyond_some_share_one() -> None:
    clock = Clock()
    lanes = SenderLanes(clock)
    assert lanes.find(local(0)) == local(0).client
    clock.now = 10 * NEW_SECONDS
    found = [lanes.find(local(number)) for number in range(1, 101)]
    assert found[:MAX_NEW] == [local(number).client for number in range(1, 1 + MAX_NEW)]
    assert set(found[MAX_NEW:]) == {SHARED}
    assert lanes.find(local(0)) == local(0).client, "who was there before keeps its own"


def test_who_shares_one_gets_its_own_when_it_is_quiet_and_nothing_of_it_waits() -> None:
    clock = Clock()
    lanes = SenderLanes(clock)
    for number in range(MAX_NEW):
        lanes.find(local(number))
    late = local(99)
    lane = lanes.find(late)
    lanes.enter(lane, late)
    clock.now = NEW_SECONDS
    assert lanes.find(late) == lane == SHARED, "what it sends stays in order"
    lanes.leave(lane, late)
    assert lanes.find(late) == late.client


def test_however_many_come_only_so_many_are_remembered_and_the_busy_stay() -> None:
    clock = Clock()
    lanes = SenderLanes(clock)
    busy = local(0)
    for number in range(1, MAX_LANES + 100):
        clock.now += NEW_SECONDS
        assert lanes.find(busy) == busy.client
        lanes.find(local(number))
    assert lanes.find(busy) == busy.client
    assert len(lanes._own) == MAX_LANES


def test_a_thousand_ports_cost_a_player_the_turns_of_a_few() -> None:
    clock = Clock()
    lanes = SenderLanes(clock)
    queue = FairQueue[str]()
    player = local(0)
    lanes.find(player)
    clock.now = NEW_SECONDS
    for number in range(1, 1001):
        lane = lanes.find(local(number))
        lanes.enter(lane, local(number))
        queue.push(lane, str(number))
    queue.push(lanes.find(player), "the player's")
    turns = 0
    while queue:
        lane, value = queue.start_turn()
        queue.end_turn(lane, 0.001, is_done=True)
        if value == "the player's":
            break
        turns += 1
    assert turns <= MAX_NEW + 1
