"""The events of a job's plan, lines and clips."""

from __future__ import annotations

from pathlib import Path

from daemon.engine.job_events import make_line_events
from daemon.jobs import Job
from pipeline.request import Request
from pipeline.singer.lines import MAX_LEFT_OUT, LineTime, bound_lines


def test_of_many_lines_that_are_left_out_the_first_are_told_and_how_many_more() -> None:
    job = Job("client", "a", Request(), Request(), Path())
    silent = [LineTime("la", 0.0, 0.0, "", 0, 0, n, (), "no time") for n in range(1000)]
    sung = LineTime("oh", 1.0, 2.0, "", 1, 1, 1000, ())
    events = make_line_events(job, bound_lines([*silent, sung]))
    assert len(events) == MAX_LEFT_OUT + 1
    assert events[0].values[-1] == "no time"
    assert events[-2].values[-1] == f"no time; {1000 - MAX_LEFT_OUT} more lines are not sung"
    assert events[-1].values[5] == "oh"
