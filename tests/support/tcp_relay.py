"""A TCP relay, which may stop passing anything on without closing a connection: as a network that
is gone for a while. What was sent meanwhile comes afterwards.
"""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress

Address = tuple[str, int]
PIECE = 65_536  # bytes


class TcpRelay:
    """Whoever connects to `port` speaks with the target."""

    def __init__(self, target: Address) -> None:
        self.port = 0
        self._target = target
        self._loop = asyncio.new_event_loop()
        self._flows = asyncio.Event()
        self._flows.set()
        self._connections: set[asyncio.Task[None]] = set()
        begun = threading.Event()
        self._serving = self._loop.create_task(self._serve(begun))
        self._thread = threading.Thread(target=self._run, name="TCP relay")
        self._thread.start()
        assert begun.wait(60)

    def stop(self) -> None:
        """Pass nothing on, from now on."""
        self._loop.call_soon_threadsafe(self._flows.clear)

    def go_on(self) -> None:
        self._loop.call_soon_threadsafe(self._flows.set)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._serving.cancel)
        self._thread.join()

    def _run(self) -> None:
        with suppress(asyncio.CancelledError):
            self._loop.run_until_complete(self._serving)
        self._loop.close()

    async def _serve(self, begun: threading.Event) -> None:
        server = await asyncio.start_server(self._connect, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            server.close()
            for task in self._connections:
                task.cancel()
            await asyncio.gather(*self._connections, return_exceptions=True)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if task := asyncio.current_task():
            self._connections.add(task)
            task.add_done_callback(self._connections.discard)
        try:
            await self._flows.wait()
            there, back = await asyncio.open_connection(*self._target)
            await asyncio.gather(self._pass_on(reader, back), self._pass_on(there, writer))
        finally:
            writer.close()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while piece := await reader.read(PIECE):
                await self._flows.wait()
                writer.write(piece)
                await writer.drain()
        except OSError:  # one end is closed, and the other will be
            pass
        finally:
            writer.close()
