"""Jobs are stopped, looked up and gone on from."""

from __future__ import annotations

import json
import time
from contextlib import closing
from pathlib import Path

from tests.support.landings import list_files
from tests.support.osc_client import (
    SHORT,
    OscClient,
    encode_bundle,
    encode_message,
    expect_fail,
    make_clip,
)
from tests.support.stage import Stage, subscribed


def test_cancel_stops_a_running_job_and_leaves_no_file(
    paused_client: OscClient, paused_stage: Stage
) -> None:
    paused_client.send("/ace/generate", "stop", *SHORT)
    paused_client.until("/ace/progress", "stop")
    paused_client.send("/ace/cancel", "stop")
    assert paused_client.until_end("stop")[-1] == ("/ace/cancelled", ["stop"])
    assert list_files(paused_stage.settings.out) == []


def test_a_job_that_fails_names_the_message_that_asked_for_it(
    client: OscClient, stage: Stage, restored_panel: None
) -> None:
    client.send("/ace/generate", "made", *SHORT[2:], "prompt", "bad")
    assert client.until_end("made")[-1][1][1] == "/ace/generate"
    client.send("/ace/go", "gone", "bad", 1)
    assert client.until_end("gone")[-1][1][:3] == ["gone", "/ace/go", 422]
    client.send("/ace/reroll", "again", "gone")
    assert client.until_end("again")[-1][1][1] == "/ace/reroll"
    client.send("/ace/query", "gone")  # as the journal tells it
    assert client.until_end("gone")[-1][1][1] == "/ace/go"


def test_cancel_takes_a_waiting_job_out_of_the_queue_at_once(paused_client: OscClient) -> None:
    paused_client.send("/ace/generate", "ahead", *SHORT)
    paused_client.send("/ace/generate", "behind", *SHORT)
    assert paused_client.until("/ace/queued", "behind")[-1][1][1] == 1
    paused_client.send("/ace/cancel", "behind")
    assert paused_client.until_end("behind")[-1][0] == "/ace/cancelled"
    paused_client.send("/ace/cancel", "ahead")
    assert paused_client.until_end("ahead")[-1][0] == "/ace/cancelled"


def test_cancel_star_stops_everything(paused_client: OscClient) -> None:
    for id in "abc":
        paused_client.send("/ace/generate", id, *SHORT)
    paused_client.until("/ace/progress", "a")
    paused_client.send("/ace/cancel", "*")
    assert {paused_client.until("/ace/cancelled")[-1][1][0] for _ in range(3)} == {"a", "b", "c"}


def test_panic_cancels_everything_and_forgets_what_waits_for_its_time(
    paused_client: OscClient, paused_stage: Stage
) -> None:
    for id in "ab":
        paused_client.send("/ace/generate", id, *SHORT)
    paused_client.until("/ace/queued", "b")
    paused_client.send_raw(
        encode_bundle(time.time() + 50, encode_message("/ace/generate", "later", *SHORT))
    )
    paused_client.send("/ace/panic", 0.0)
    paused_client.send("/ace/sync", 1)
    paused_client.until("/ace/synced")
    assert len(paused_stage.engine.active()) == 2, "a button that is let go"
    assert len(paused_stage.osc.timed_queue) == 1, "a button that is let go"
    paused_client.send("/ace/panic", 1.0)
    answers = paused_client.until("/ace/done")
    assert answers[-1][1] == ["/ace/panic", 3, 0]
    assert [values[:3] for address, values in answers if address == "/ace/fail"] == [
        ["later", "/ace/generate", 499]
    ]
    paused_client.send("/ace/sync", 2)
    paused_client.until("/ace/synced")
    assert len(paused_stage.osc.timed_queue) == 0


def test_what_stands_behind_a_panic_in_its_bundle_is_played(
    paused_client: OscClient, paused_stage: Stage
) -> None:
    paused_client.send_raw(
        encode_bundle(
            time.time() + 0.3,
            encode_message("/ace/panic"),
            encode_message("/ace/generate", "new", *SHORT),
        )
    )
    paused_client.until("/ace/queued", "new")


def test_a_client_with_a_new_port_can_cancel_by_name(
    paused_client: OscClient, paused_stage: Stage
) -> None:
    with closing(paused_stage.client()) as other:
        paused_client.send("/ace/generate", "by-name", *SHORT)
        paused_client.until("/ace/progress", "by-name")
        other.send("/ace/cancel", "by-name")
        assert paused_client.until_end("by-name")[-1][0] == "/ace/cancelled"
        assert other.receive() == ("/ace/cancelled", ["by-name"])


def test_cancelling_nothing_is_answered_too(client: OscClient) -> None:
    assert client.ask("/ace/cancel", "*") == ("/ace/cancelled", ["*"])
    assert expect_fail(client, "/ace/cancel", "nothing")[1] == 404
    assert expect_fail(client, "/ace/cancel")[1] == 400


def test_reroll_is_the_same_request_with_another_seed(client: OscClient, stage: Stage) -> None:
    make_clip(client, "parent", "prompt", "to roll", "seconds", 0.5, "seed", 3)
    client.send("/ace/reroll", "child", "parent")
    clip = client.until_end("child")[-2][1]
    assert Path(clip[2]).name.startswith("to-roll_")
    client.send("/ace/reroll", "told", "parent", "99")
    assert client.until_end("told")[-2][1][-1] == "99"
    assert expect_fail(client, "/ace/reroll", "orphan", "nobody")[1] == 404
    assert expect_fail(client, "/ace/reroll", "bad", "parent", "soon")[1] == 400


def test_rerolls_are_asked_for_by_count_like_takes(client: OscClient) -> None:
    make_clip(client, "parent", "prompt", "to roll", "seconds", 0.5, "seed", 3)
    client.send("/ace/reroll", "more", "parent", "count", 2)
    seeds = [int(client.until_end(f"more.{take}")[-2][1][-1]) for take in (1, 2)]
    assert seeds[1] == seeds[0] + 1
    client.send("/ace/reroll", "told", "parent", "99", "count", "2", "priority", "live")
    assert [client.until_end(f"told.{take}")[-2][1][-1] for take in (1, 2)] == ["99", "100"]
    assert expect_fail(client, "/ace/reroll", "bad", "parent", "count", 0)[1] == 422


def test_a_take_says_which_of_how_many_it_is_and_what_it_goes_back_to(
    client: OscClient, stage: Stage
) -> None:
    client.send("/ace/generate", "batch", *SHORT, "count", 2)
    manifests = {}
    for _ in range(2):
        [id, _, manifest] = client.until("/ace/finished")[-1][1]
        manifests[id] = json.loads(Path(manifest).read_text("utf-8"))
    assert [manifests[id]["take"] for id in ("batch.1", "batch.2")] == [1, 2]
    assert [manifests[id]["takes"] for id in ("batch.1", "batch.2")] == [2, 2]
    assert manifests["batch.1"]["parent"] == ""
    client.send("/ace/reroll", "rerolled", "batch.2")
    rerolled = client.until_end("rerolled")
    assert json.loads(Path(rerolled[-1][1][2]).read_text("utf-8"))["parent"] == "batch.2"
    values = ("prompt", "over it", "task", "cover", "source", rerolled[-2][1][2])
    client.send("/ace/generate", "cover", *values)
    assert client.until_end("cover")[-1][0] == "/ace/finished"
    assert stage.engine.find("nobody", "cover").parent == "rerolled"


def test_reroll_without_a_parent_takes_the_clients_newest(client: OscClient) -> None:
    make_clip(client, "before", "prompt", "old one", "seconds", 0.5)
    make_clip(client, "newest", "prompt", "new one", "seconds", 0.5)
    client.send("/ace/reroll", "again")
    assert Path(client.until_end("again")[-2][1][2]).name.startswith("new-one_")


def test_query_tells_again_where_a_job_is(client: OscClient) -> None:
    clip = make_clip(client, "where", *SHORT)
    client.send("/ace/query", "where")
    assert client.receive() == ("/ace/clip", clip)
    assert client.receive()[0] == "/ace/finished"
    assert client.is_quiet()
    assert expect_fail(client, "/ace/query", "nowhere")[:2] == ("nowhere", 404)
    assert expect_fail(client, "/ace/query")[1] == 400


def test_query_takes_a_pattern_for_those_that_have_not_ended(
    paused_client: OscClient, paused_stage: Stage
) -> None:
    for id in ("take1", "take2", "other"):
        paused_client.send("/ace/generate", id, *SHORT)
    paused_client.until("/ace/queued", "other")
    with closing(paused_stage.client()) as another:
        another.send("/ace/query", "take[2-9]")
        assert another.receive()[1][0] == "take2"
        another.send("/ace/query", "*")
        assert {another.receive()[1][0] for _ in range(3)} == {"take1", "take2", "other"}
        assert expect_fail(another, "/ace/query", "x*")[1] == 404
        assert expect_fail(another, "/ace/query", "*[x")[1] == 400
        assert expect_fail(another, "/ace/query", "*a" * 50)[1] == 404


def test_a_favourite_is_marked_and_unmarked_and_subscribers_hear_of_it(
    client: OscClient, stage: Stage
) -> None:
    path = make_clip(client, "liked", *SHORT)[2]
    with subscribed(stage, "favourite") as listener:
        assert listener.ask("/ace/favourite", "liked") == ("/ace/favourite", ["liked", 1, path])
        assert listener.receive() == ("/ace/done", ["/ace/favourite", 1, 0])
        assert [job.id for job in stage.engine.journal.search(favourite=True)] == ["liked"]
        listener.send("/ace/favourite", "liked", 0)
        assert listener.until("/ace/done")[0][1] == ["liked", 0, path]
        assert stage.engine.journal.search(favourite=True) == []
        with closing(stage.client()) as other:  # it is told which that was
            assert other.ask("/ace/favourite") == ("/ace/favourite", ["liked", 1, path])
            assert other.receive() == ("/ace/done", ["/ace/favourite", 1, 0])
        assert listener.receive() == ("/ace/favourite", ["liked", 1, path])
        assert expect_fail(listener, "/ace/favourite", "liked", 2)[1] == 422
        assert expect_fail(listener, "/ace/favourite", "unheard of")[1] == 404


def test_a_button_marks_the_newest_clip_that_is_finished(
    paused_client: OscClient, paused_stage: Stage
) -> None:
    assert expect_fail(paused_client, "/ace/favourite", 1.0)[1] == 404
    paused_client.send("/ace/go", 1.0)
    assert paused_client.until("/ace/fail")[-1][1][0] == "", "a button names no job"
    paused_client.send("/ace/query", 7.0)
    assert paused_client.until("/ace/fail")[-1][1][0] == "7", "as Pd sends it"
    paused_stage.model.step(4)
    make_clip(paused_client, "heard", *SHORT)
    paused_client.send("/ace/generate", "coming", *SHORT)
    paused_client.until("/ace/queued", "coming")
    paused_client.send("/ace/favourite", 1.0)
    assert paused_client.until("/ace/favourite")[-1][1][0] == "heard"
    paused_client.send("/ace/favourite", 0.0)
    with subscribed(paused_stage, "insert") as other:
        assert other.ask("/ace/insert", 1.0)[1][:3] == ["heard", -1, -1]
        assert other.receive() == ("/ace/done", ["/ace/insert", -1, -1])
        assert expect_fail(other, "/ace/insert", "coming")[1] == 409


def test_insert_tells_integrations_which_file_goes_where(client: OscClient, stage: Stage) -> None:
    path = make_clip(client, "put", *SHORT)[2]
    with subscribed(stage, "insert") as listener:
        assert listener.ask("/ace/insert", "put", 2, "3") == ("/ace/insert", ["put", 2, 3, path])
        assert listener.receive() == ("/ace/done", ["/ace/insert", 2, 3])
        Path(path).unlink()
        assert expect_fail(listener, "/ace/insert", "put")[1] == 404


def test_history_is_searched_by_words(client: OscClient) -> None:
    for number in range(3):
        make_clip(
            client, f"past{number}", "prompt", f"histories {number}", "seconds", 0.5, "seed", number
        )
    client.send("/ace/history", "histories", "past")
    answers = client.until("/ace/done")
    assert [values[:3] for _, values in answers[:-1]] == [
        [f"past{n}", "finished", str(n)] for n in (2, 1, 0)
    ]
    assert all(Path(values[3]).is_file() for _, values in answers[:-1])
    assert answers[-1][1] == ["/ace/history", 3, 0]
    client.send("/ace/history", "histories", 1)
    assert [address for address, _ in client.until("/ace/done")] == ["/ace/past", "/ace/done"]
    client.send("/ace/history", 2)
    assert len(client.until("/ace/done")) == 3
    assert client.ask("/ace/history", "nothing like that")[1] == ["/ace/history", 0, 0]
    assert expect_fail(client, "/ace/history", "x", 100_000)[1] == 422
