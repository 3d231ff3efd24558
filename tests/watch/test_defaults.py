"""acestepd.txt holds for all files of its folder."""

from __future__ import annotations

import os

from tests.support.watched import EngineStub, PolledFolder, requests_of, set_age


def test_the_folder_s_defaults_hold_from_the_next_save_on(
    folder: PolledFolder, engine: EngineStub
) -> None:
    path = folder.save("chorus.txt", "bpm: 92\n\nla")
    folder.settle()
    folder.save("acestepd.txt", "prompt: warm\nbpm: 80\nkey: Am\n")
    assert folder.settle() == []
    os.utime(path)
    (order,) = folder.settle()
    assert order.request.prompt == "warm"
    assert order.request.bpm == 92
    assert order.request.key == "A minor"
    assert engine.jobs[0].state == "cancelled"
    (folder.path / "acestepd.txt").unlink()
    assert folder.settle() == []
    folder.save("chorus.txt", "bpm: 92\n\nla la")
    (order,) = folder.settle()
    assert order.request.prompt == ""


def test_defaults_that_are_saved_together_with_a_text_hold_for_it(folder: PolledFolder) -> None:
    folder.save("a.txt", "la")
    folder.save("AceStepD.txt", "prompt: warm")
    folder.save("b.txt", "lo")
    assert {request.prompt for request in requests_of(folder.settle())} == {"warm"}


def test_defaults_are_known_after_a_restart_and_change_no_take_by_themselves(
    folder: PolledFolder, engine: EngineStub
) -> None:
    folder.save("chorus.txt", "la")
    set_age(folder.save("acestepd.txt", "prompt: warm"), 3600)
    folder.settle()
    folder.save("acestepd.txt", "prompt: cold")
    folder.restart()
    assert folder.settle() == []
    folder.save("chorus.txt", "la la")
    assert [request.prompt for request in requests_of(folder.settle())] == ["cold"]


def test_they_say_who_puts_takes_into_a_daw_where_a_text_does_not(folder: PolledFolder) -> None:
    folder.save("acestepd.txt", "insert: reaper")
    folder.save("a.txt", "la")
    folder.save("b.txt", "insert: no\n\nlo")
    assert {order.id[0]: order.insert for order in folder.settle()} == {"a": "reaper", "b": "no"}


def test_a_length_that_a_sheet_says_goes_before_bars_that_it_has_not(folder: PolledFolder) -> None:
    folder.save("acestepd.txt", "prompt: warm\nbars: 8\n")
    folder.save("a.txt", "length: 3:12\ncreated: 2024\n\nla")
    folder.save("b.txt", "la")
    folder.save("c.txt", "bars: 2\nlength: 0:30\nbpm: 120\n\nla")
    lengths = {
        order.id[0]: (order.request.bars, order.request.seconds) for order in folder.settle()
    }
    assert lengths == {"a": (0, 192), "b": (8, 0), "c": (2, 30)}
    assert (0, 0, "it is 192 s long, as it says, and not 8 bars") in folder.notes_on("a.txt")
    assert "the file: it is 192 s long, as it says, and not 8 bars" in folder.report_on("a.txt")
    both = "bars and seconds are both given: it has 2 bars, and not 30 s"
    assert (0, 400, both) in folder.notes_on("c.txt")
    assert both in folder.report_on("c.txt")


def test_what_is_wrong_with_the_defaults_is_reported(folder: PolledFolder) -> None:
    folder.save("acestepd.txt", "prompt: warm\nbmp: 80\n")
    folder.settle()
    assert (2, 404, "no parameter is called 'bmp'; did you mean bpm?") in folder.notes_on(
        "acestepd.txt"
    )
    assert "line 2: bmp: 80" in folder.report_on("acestepd.txt")


def test_a_number_of_the_defaults_that_was_not_understood_holds_what_leaves_it_out(
    folder: PolledFolder,
) -> None:
    folder.save("acestepd.txt", "prompt: warm\nbpm: ninety\n")
    folder.save("a.txt", "la")
    folder.save("b.txt", "bpm: 90\n\nlo")
    assert [request.lyrics for request in requests_of(folder.settle())] == ["lo"]
    (line, code, says) = folder.notes_on("a.txt")[0]
    assert (line, code) == (0, 400)
    assert says.startswith("line 2 of acestepd.txt: bpm must be")
    folder.save("acestepd.txt", "prompt: warm\nbpm: 91\n")
    folder.settle()
    folder.save("a.txt", "la")
    assert [request.bpm for request in requests_of(folder.settle())] == [91]
