"""`Page`: the server of the page, on a thread of its own."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
from collections.abc import Callable

import uvicorn
from anyio.to_thread import current_default_thread_limiter

from ..engine import Engine
from ..journal import Journal
from ..osc.server import OscServer
from ..panel import Panel
from ..settings import Settings
from .admission import MAX_HEAD
from .app import Parts, build_app
from .connections import KIND, Connections
from .protocol import GuardedProtocol, GuardedWebSocket

log = logging.getLogger("acestepd.page")

MAX_TEXT = 256 * 1024  # bytes of a WebSocket's message: all lyrics that a request may have
MAX_THREADS = 4  # that answer at once: what plays has to run too
BACKLOG = 64
PATIENCE = 2  # seconds that what is being answered has when the daemon ends


class Page:
    """Listens from the start, and answers once it is started. Raises OSError where its port is
    taken.
    """

    def __init__(
        self,
        settings: Callable[[], Settings],
        osc: OscServer,
        panel: Panel,
        engine: Engine,
        journal: Journal,
    ) -> None:
        host, _ = osc.address
        self._socket = _listen(host, settings().page)
        self._connections = Connections(osc)
        osc.publisher.add_transport(KIND, self._connections)
        parts = Parts(
            settings=settings,
            panel=panel,
            engine=engine,
            journal=journal,
            guard=osc.guard,
            allowed_folders=lambda: osc.allowed_folders,
            connections=self._connections,
            pads=lambda: osc.pads,
        )
        self._server = uvicorn.Server(
            uvicorn.Config(
                build_app(parts),
                lifespan="off",
                log_config=None,
                log_level="critical",  # what anybody sends it is no news; what fails, `app` logs
                access_log=False,
                server_header=False,
                date_header=False,
                proxy_headers=False,
                http=GuardedProtocol,
                ws=GuardedWebSocket,
                ws_max_size=MAX_TEXT,
                ws_per_message_deflate=False,  # nothing that comes grows
                h11_max_incomplete_event_size=MAX_HEAD,
                timeout_graceful_shutdown=PATIENCE,
            )
        )
        self._thread = threading.Thread(target=self._run, name="page", daemon=True)

    @property
    def port(self) -> int:
        return int(self._socket.getsockname()[1])

    @property
    def url(self) -> str:
        host = self._socket.getsockname()[0]
        return f"http://{'127.0.0.1' if host == '0.0.0.0' else host}:{self.port}"

    def start(self) -> None:
        self._thread.start()

    def recheck_trust(self) -> None:
        """After other settings: who may not send any more is hung up on."""
        self._connections.recheck_trust()

    def close(self) -> None:
        self._server.should_exit = True
        if self._thread.is_alive():
            self._thread.join()
        self._socket.close()

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except Exception:
            log.exception("the page's server has ended")

    async def _serve(self) -> None:
        current_default_thread_limiter().total_tokens = MAX_THREADS
        await self._server.serve(sockets=[self._socket])


def _listen(host: str, port: int) -> socket.socket:
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen(BACKLOG)
    except OSError:
        listening.close()
        raise
    return listening
