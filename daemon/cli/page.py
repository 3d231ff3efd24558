"""`acestepd page`: the page of the daemon that runs, in this desktop's browser."""

from __future__ import annotations

import sys
import webbrowser

from ..settings import Settings
from . import client, status


def open_page(settings: Settings, anywhere: bool = True) -> int:
    """Print where it is, and open it where there is a browser. Returns the exit status: 3 where
    there is no daemon, or none with a page.
    """
    daemon = client.find_daemon(settings, anywhere)
    if not status.ask_version(daemon.host, daemon.port):
        print(f"acestepd is not running: nobody answers on UDP {daemon.port}", file=sys.stderr)
        return status.STOPPED
    url = client.locate_page(daemon)
    if not url:
        print("this acestepd has no page: its log says why", file=sys.stderr)
        return status.STOPPED
    print(url, flush=True)
    webbrowser.open(url)
    return status.WELL
