"""What an open page costs: `python -m tests.tools.page_load [RUNS]`. A daemon that remembers 1,000
takes draws its page, which is scrolled; then it renders takes one after the other, without a page
and with one in Chromium in turn; a player's pings and the takes are timed. Nothing is asserted.
"""

from __future__ import annotations

import os
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from tests.support.daemon_process import started
from tests.support.journals import add_takes
from tests.support.osc_client import OscClient
from tests.tools.loads import PING_INTERVAL, Pings, ping_once, report

CHROMIUM = "/usr/bin/chromium"
TAKES = 1000
SECONDS = 60  # of each take
SETTLED = 3.0  # seconds after which a page has drawn what it opened with
SCROLLED = 4000  # milliseconds
SCROLL = """
milliseconds => new Promise(resolve => {
  const list = document.getElementById("list"), times = [];
  const begin = performance.now();
  const step = now => {
    times.push(now);
    list.scrollTop = (now - begin) * 4; // four pixels a millisecond: 50 takes a second
    if (now - begin < milliseconds) requestAnimationFrame(step);
    else resolve(times.slice(1).map((time, at) => time - times[at]));
  };
  requestAnimationFrame(step);
})
"""
PAINTED = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"


def main(runs: int = 5) -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        started(Path(folder) / "out", "--page", "0", model="mini") as (daemon, client),
        closing(OscClient(("127.0.0.1", daemon.port))) as player,
        sync_playwright() as playwright,
    ):
        client.send("/ace/generate", "first", "prompt", "warm keys", "seconds", 1)
        client.until("/ace/finished", "first")
        add_takes(Path(folder) / ".local/state/acestepd/journal.sqlite", TAKES)
        url = re.search(r"page +(http\S+)", "\n".join(daemon.screen))
        assert url
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        report_drawing(browser, url[1], runs)
        pings: dict[bool, list[float]] = {False: [], True: []}
        renders: dict[bool, list[float]] = {False: [], True: []}
        spent = {False: 0.0, True: 0.0}  # seconds of computing, of the daemon without its worker
        drawn = 0.0  # the same, of the browser
        for number in range(2 * runs):
            is_open = bool(number % 2)
            with open_page(browser, url[1]) if is_open else nullcontext():
                before = read_cpu_seconds(daemon.process.pid)
                drew = read_browser_seconds()
                answered, rendered = render(client, player, f"take {number}")
                spent[is_open] += read_cpu_seconds(daemon.process.pid) - before
                drawn += is_open * (read_browser_seconds() - drew)
            pings[is_open] += answered
            renders[is_open].append(rendered)
        browser.close()
    for is_open, what in ((False, "no page"), (True, f"a page with {TAKES} takes")):
        report(f"a ping while it renders, {what}", Pings(pings[is_open], 0))
        print(
            f"  a take of {SECONDS} seconds: {statistics.median(renders[is_open]):.2f} s, of which "
            f"the daemon computed {spent[is_open] / runs:.2f} s beside its worker"
        )
    print(f"  the browser computed {drawn / runs:.2f} s while one was rendered")
    slower = statistics.median(renders[True]) / statistics.median(renders[False]) - 1
    print(f"the page makes rendering slower by {slower:.1%} (medians of {runs} in turn)")


def report_drawing(browser: Browser, url: str, runs: int) -> None:
    """How soon the page is seen, and how evenly its takes are scrolled."""
    painted: list[float] = []
    frames: list[float] = []
    for _ in range(runs):
        with open_page(browser, url) as page:
            painted.append(page.evaluate(PAINTED))
            frames += page.evaluate(SCROLL, SCROLLED)
    late = sum(frame > 1.5 * 1000 / 60 for frame in frames) / len(frames)
    print(
        f"first paint after {statistics.median(painted):.0f} ms (longest {max(painted):.0f}); "
        f"scrolling: {1000 / statistics.mean(frames):.1f} frames a second, {late:.1%} late, "
        f"longest {max(frames):.0f} ms"
    )


@contextmanager
def open_page(browser: Browser, url: str) -> Iterator[Page]:
    """It has drawn its first takes, and rests."""
    with closing(browser.new_page()) as page:
        page.goto(url)
        page.wait_for_selector("#rows li")
        time.sleep(SETTLED)
        yield page


def render(client: OscClient, player: OscClient, id: str) -> tuple[list[float], float]:
    """The seconds that pings took while it was rendered, and those that it took."""
    answered: list[float] = []
    client.send("/ace/generate", id, "prompt", "warm keys", "seconds", SECONDS)
    client.until("/ace/progress", id)
    started = time.perf_counter()
    client._socket.settimeout(PING_INTERVAL)
    while True:
        answered.append(ping_once(player, f"{id} {len(answered)}"))
        try:
            client.until("/ace/finished", id)
        except TimeoutError:
            continue
        client._socket.settimeout(120)
        return answered, time.perf_counter() - started


def read_browser_seconds() -> float:
    """Of all Chromium's processes."""
    pids = [stat.parent.name for stat in Path("/proc").glob("[0-9]*/stat")]
    return sum(seconds for name, seconds in map(read_stat, pids) if name.startswith("chrom"))


def read_cpu_seconds(pid: int) -> float:
    """Of a process and all its threads; 0 where there is no /proc."""
    return read_stat(str(pid))[1]


def read_stat(pid: str) -> tuple[str, float]:
    """The name of a process, and the seconds that it computed; 0 for one that has ended."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return "", 0.0
    name, _, rest = stat.partition("(")[2].rpartition(")")
    user, system = rest.split()[11:13]
    return name, (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    print(f"load of this machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
