"""What an open page costs: `python -m tests.tools.page_load [RUNS]`. A daemon that remembers 1,000
takes renders one after the other, without a page and with one in Chromium in turn; a player's pings
and the takes are timed. Nothing is asserted.
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

from playwright.sync_api import Browser, sync_playwright

from tests.support.daemon_process import started
from tests.support.journals import add_takes
from tests.support.osc_client import OscClient
from tests.tools.loads import PING_INTERVAL, Pings, ping_once, report

CHROMIUM = "/usr/bin/chromium"
TAKES = 1000
SECONDS = 20  # of each take


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
        pings: dict[bool, list[float]] = {False: [], True: []}
        renders: dict[bool, list[float]] = {False: [], True: []}
        spent = {False: 0.0, True: 0.0}  # seconds of computing, of the daemon without its worker
        for number in range(2 * runs):
            is_open = bool(number % 2)
            with open_page(browser, url[1]) if is_open else nullcontext():
                before = read_cpu_seconds(daemon.process.pid)
                answered, rendered = render(client, player, f"take {number}")
                spent[is_open] += read_cpu_seconds(daemon.process.pid) - before
            pings[is_open] += answered
            renders[is_open].append(rendered)
        browser.close()
    for is_open, what in ((False, "no page"), (True, f"a page with {TAKES} takes")):
        report(f"a ping while it renders, {what}", Pings(pings[is_open], 0))
        print(
            f"  a take of {SECONDS} seconds: {statistics.median(renders[is_open]):.2f} s, of which "
            f"the daemon computed {spent[is_open] / runs:.2f} s beside its worker"
        )
    slower = statistics.median(renders[True]) / statistics.median(renders[False]) - 1
    print(f"the page makes rendering slower by {slower:.1%} (medians of {runs} in turn)")


@contextmanager
def open_page(browser: Browser, url: str) -> Iterator[None]:
    """It has drawn its first takes."""
    with closing(browser.new_page()) as page:
        page.goto(url)
        page.wait_for_selector("#rows li")
        yield


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


def read_cpu_seconds(pid: int) -> float:
    """Of a process and all its threads; 0 where there is no /proc."""
    stat = Path(f"/proc/{pid}/stat")
    if not stat.exists():
        return 0.0
    user, system = stat.read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    print(f"load of this machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
