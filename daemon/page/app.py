"""The page's addresses, and what each answers.

| address | answers |
| --- | --- |
| `/` and what it needs | the files of integrations/page |
| `/messages` | a WebSocket: OSC's messages as JSON, both ways |
| `/daemon` | how it stands, and the log's end |
| `/programs` | who could put clips in, and what to do for that |
| `/pads` | what each pad plays; null for those that nobody has given anything |
| `/parameters` | what a request may say |
| `/panel` | what the panel says now, texts whole; POST sets the values that are sent, all or none |
| `/panel/defaults` | what it begins with: the settings' [request]; POST sets the panel to that |
| `/reading` | what would be read out of the values that are sent |
| `/takes` | jobs, newest first; how many there are, where not only older ones are asked for |
| `/takes/N` | one job; DELETE moves its files to the trash |
| `/takes/N/sound/STEM` | a clip, or a part of it |
| `/takes/N/waveform/STEM` | its waveform |
| `/takes/N/preview` | the newest estimate of it while it is made |
| `/takes/N/reveal/STEM` | POST shows it in the file manager, of this machine |
| `/takes/N/manifest` | the recipe |
| `/takes/N/panel` | POST sets the panel to what it was asked for with, and its seed |
| `/takes/N/words` | its lyrics, and when each line is sung |
| `/sources` | POST keeps a file that was dropped |
| `/token` | where another machine says the token |
"""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import os
import time
from collections.abc import AsyncIterator, Callable
from http import HTTPStatus
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from pipeline import untrusted
from pipeline.request import BadRequest
from pipeline.request_files import check_files

from ..engine import Engine
from ..integrations.sources import SOURCES
from ..jobs import Job, Refused
from ..journal import Journal
from ..journal.questions import SEARCH_SECONDS
from ..osc.guard import Guard, is_loopback
from ..osc.wire import Peer
from ..pads.bank import PadFacts
from ..pads.player import PadPlayer
from ..panel import Panel
from ..paths import AllowedFolders
from ..runtime import file_manager
from ..runtime.logs import LimitedLog
from ..settings import Settings
from . import reading, trash
from .admission import TOKEN, Admission, build_peer
from .connections import Connections
from .drops import Drops
from .facts import describe_daemon
from .parameters import list_parameters
from .peaks import WaveformStore
from .programs import list_programs
from .takes import KINDS, MAX_ROWS, LandedTakes, OpenClip, find_preview

log = LimitedLog(logging.getLogger("acestepd.page"))

FILES = Path(__file__).parents[2] / "integrations" / "page"
INDEX = "index.html"
WAVEFORMS = "waveforms"  # in the state folder
MAX_BODY = 256 * 1024  # bytes of a JSON that is sent
SILENCE_SECONDS = 10.0  # within what is sent
LEAST_RATE = 32 * 1024  # bytes a second that are sent, but for such a silence
MAX_PAD_TEXT = 100  # characters of what a pad plays
MAX_TOKEN = 4096  # bytes of the form that says a token
KEPT = "private, max-age=86400"  # what never changes, so that scrolling asks for it once

T = TypeVar("T")


@dataclasses.dataclass(frozen=True)
class Parts:
    """What of the daemon the page shows and turns."""

    settings: Callable[[], Settings]
    panel: Panel
    engine: Engine
    journal: Journal
    guard: Guard
    allowed_folders: Callable[[], AllowedFolders]
    connections: Connections
    pads: Callable[[], PadPlayer | None]


class OpenFileResponse(FileResponse):
    """A file that is open already, and is closed afterwards: its name may lead to another now."""

    def __init__(self, file: BinaryIO, **options: Any) -> None:
        opened = file.fileno()
        super().__init__(f"/dev/fd/{opened}", stat_result=os.fstat(opened), **options)
        self._file = file

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._file:
            await super().__call__(scope, receive, send)


def build_app(parts: Parts) -> ASGIApp:
    """The application, with its admission in front."""
    files = list_files()
    waveforms = WaveformStore(parts.settings().state / WAVEFORMS)
    takes = LandedTakes(parts.journal, parts.allowed_folders)
    drops = Drops()
    turns = reading.Turns()
    deleting, revealing = asyncio.Lock(), asyncio.Lock()  # one at a time

    async def send_file(request: Request) -> Response:
        path = files.get(request.path_params["name"] or INDEX)
        if path is None:
            raise HTTPException(404)
        return FileResponse(path)

    async def run(request: Request, function: Callable[..., T], *arguments: Any) -> T:
        """On another thread, and at the expense of who asks."""
        return await run_in_threadpool(charge, build_peer(find_host(request)), function, *arguments)

    def charge(peer: Peer, function: Callable[..., T], *arguments: Any) -> T:
        started = time.thread_time()
        try:
            return function(*arguments)
        finally:
            parts.guard.charge(peer, seconds=time.thread_time() - started)

    async def list_takes(request: Request) -> Response:
        query = request.query_params
        before = _parse_query(request, "before")
        limit = _parse_query(request, "limit") or MAX_ROWS
        favourite = _parse_query(request, "favourites") == 1

        def search() -> dict[str, Any]:
            words = query.get("words", "")
            jobs = parts.journal.search(
                words,
                favourite=favourite,
                limit=min(limit, MAX_ROWS),
                before=before or None,
                seconds=SEARCH_SECONDS,
                listed=True,
            )
            found: dict[str, Any] = {"takes": [takes.describe(job) for job in jobs]}
            if not before:  # who asks for older ones knows it
                found["total"] = parts.journal.count_listed(words, favourite)
                found["all"] = parts.journal.count_listed()
            return found

        return JSONResponse(await run(request, search))

    async def find_job(request: Request) -> Job:
        number = _parse_number(request.path_params["number"])
        job = await run(request, parts.journal.find_by_number, number)
        if job is None:
            raise Refused(404, "there is no such take")
        return job

    async def open_clip(request: Request) -> OpenClip:
        job = await find_job(request)
        return await run(request, takes.open_clip, job, request.path_params["stem"])

    async def show_take(request: Request) -> Response:
        job = await find_job(request)
        return JSONResponse(await run(request, takes.describe, job))

    async def delete_take(request: Request) -> Response:
        job = await find_job(request)
        async with deleting:
            return JSONResponse({"files": await run(request, trash.throw_away, takes, job)})

    async def send_sound(request: Request) -> Response:
        path, file = await open_clip(request)
        kind = KINDS[path.suffix.lower()]
        return OpenFileResponse(file, media_type=kind, filename=path.name)

    async def send_preview(request: Request) -> Response:
        job = await find_job(request)
        path = await run(request, find_preview, parts.settings().state, job)
        if path is None:
            raise Refused(404, "it has no preview", "the parameter preview makes some")
        try:
            file = await run(request, parts.allowed_folders().open_landed, path)
        except OSError as error:  # a newer one has made room for itself
            raise Refused(404, "its preview is not there any more", "ask again") from error
        return OpenFileResponse(file, media_type=KINDS[path.suffix])

    async def reveal(request: Request) -> Response:
        if not is_loopback(find_host(request)):
            raise Refused(403, "it would be shown on the machine that acestepd runs on")
        path, file = await open_clip(request)
        file.close()
        try:
            async with revealing:
                is_shown = await run(request, file_manager.show, path)
        except file_manager.NotShown as error:
            raise Refused(500, str(error), str(path)) from error
        if not is_shown:
            raise Refused(501, "there is no desktop here", str(path))
        return JSONResponse({"path": str(path)})

    async def send_waveform(request: Request) -> Response:
        path, file = await open_clip(request)
        try:
            with file:
                found = await run(request, waveforms.read, file)
            return JSONResponse(found, headers={"Cache-Control": KEPT})
        except (OSError, ValueError) as error:
            raise Refused(404, f"{path.name} cannot be read: {error}") from error

    async def send_manifest(request: Request) -> Response:
        job = await find_job(request)
        return JSONResponse(await run(request, takes.read_manifest, job))

    async def send_words(request: Request) -> Response:
        job = await find_job(request)
        return JSONResponse(await run(request, takes.read_words, job))

    async def turn_panel(request: Request) -> Response:
        job = await find_job(request)

        def turn() -> None:
            asked = dataclasses.asdict(job.request) | {"seed": job.resolved.seed}
            if job.request.variation:
                asked["variation_seed"] = job.resolved.variation_seed
            # the settings may allow fewer folders than they did then
            parts.panel.replace(job.request.changed(parts.allowed_folders().resolve_values(asked)))

        await run(request, turn)
        return JSONResponse({"number": job.number})

    async def show_daemon(request: Request) -> Response:
        # others' messages are in the log: it is for whoever could read the file
        is_own = is_loopback(find_host(request))
        folders = parts.allowed_folders().folders
        daemon = parts.settings(), parts.engine, parts.journal, takes, folders
        return JSONResponse(await run(request, describe_daemon, *daemon, is_own))

    async def show_programs(request: Request) -> Response:
        return JSONResponse(await run(request, list_programs, parts.settings().state))

    async def show_pads(request: Request) -> Response:
        pads = parts.pads()
        facts = await run(request, pads.list_facts) if pads else []
        return JSONResponse([describe_pad(each) if each else None for each in facts])

    async def show_parameters(request: Request) -> Response:
        return JSONResponse(list_parameters())

    async def show_panel(request: Request) -> Response:
        return JSONResponse(dataclasses.asdict(parts.panel.request))

    async def show_defaults(request: Request) -> Response:
        return JSONResponse(dataclasses.asdict(parts.panel.defaults))

    async def set_panel(request: Request) -> Response:
        values = await _read_json(request)

        def change() -> None:
            resolved = parts.allowed_folders().resolve_values(values)
            changed = parts.panel.request.changed(resolved)
            check_files(changed, resolved)
            parts.panel.replace(changed)

        await run(request, change)
        return await show_panel(request)

    async def reset_panel(request: Request) -> Response:
        await run(request, parts.panel.replace, parts.panel.defaults)
        return await show_panel(request)

    async def show_reading(request: Request) -> Response:
        values = await _read_json(request)

        def read() -> dict[str, Any]:
            try:
                resolved = parts.allowed_folders().resolve_values(values)
            except Refused as error:
                return {"problem": str(error), "hint": error.hint}
            return reading.read(parts.panel, resolved, parts.engine)

        async with turns.take(find_host(request)):
            return JSONResponse(await run(request, read))

    async def keep_source(request: Request) -> Response:
        folder = parts.settings().out / SOURCES
        name = request.query_params.get("name", "")
        limit = int(parts.settings().sources_mb * 2**20)
        announced = _read_length(request)
        return JSONResponse(await drops.keep(folder, name, read_chunks(request), announced, limit))

    async def show_token(request: Request) -> Response:
        return FileResponse(FILES / "token.html")

    async def say_token(request: Request) -> Response:
        token = (await _read_body(request, MAX_TOKEN)).decode("utf-8", "replace")
        parts.guard.authenticate(find_host(request), token)
        return RedirectResponse("/", HTTPStatus.SEE_OTHER)

    routes = [
        WebSocketRoute("/messages", parts.connections.serve),
        Route("/daemon", show_daemon),
        Route("/programs", show_programs),
        Route("/pads", show_pads),
        Route("/parameters", show_parameters),
        Route("/panel", show_panel),
        Route("/panel", set_panel, methods=["POST"]),
        Route("/panel/defaults", show_defaults),
        Route("/panel/defaults", reset_panel, methods=["POST"]),
        Route("/reading", show_reading, methods=["POST"]),
        Route("/takes", list_takes),
        Route("/takes/{number}", show_take),
        Route("/takes/{number}", delete_take, methods=["DELETE"]),
        Route("/takes/{number}/sound/{stem}", send_sound),
        Route("/takes/{number}/reveal/{stem}", reveal, methods=["POST"]),
        Route("/takes/{number}/preview", send_preview),
        Route("/takes/{number}/waveform/{stem}", send_waveform),
        Route("/takes/{number}/manifest", send_manifest),
        Route("/takes/{number}/panel", turn_panel, methods=["POST"]),
        Route("/takes/{number}/words", send_words),
        Route("/sources", keep_source, methods=["POST"]),
        Route(TOKEN, show_token),
        Route(TOKEN, say_token, methods=["POST"]),
        Route("/{name:path}", send_file),
    ]
    handlers = {Refused: _refuse, BadRequest: _refuse, Exception: _fail}
    return Admission(Starlette(routes=routes, exception_handlers=handlers), parts.guard)


async def _fail(request: Request, error: Exception) -> Response:
    """What nobody has thought of."""
    where = f"{request.method} {request.scope['path']}"
    log.exception(where, "%s failed", where)
    return JSONResponse({"message": "it failed", "hint": "acestepd's log says why"}, 500)


async def _refuse(request: Request, error: Exception) -> Response:
    code = error.code if isinstance(error, Refused) else 422
    hint = getattr(error, "hint", "")
    return JSONResponse({"message": str(error), "hint": hint}, code)


def list_files() -> dict[str, Path]:
    """All that the page needs, by its names in addresses: no other file is ever looked for."""
    found = (path for path in FILES.rglob("*") if path.is_file() and path.suffix != ".md")
    return {str(path.relative_to(FILES)): path for path in found}


def describe_pad(facts: PadFacts) -> dict[str, Any]:
    """Its text as far as a pad has room for it."""
    return facts._asdict() | {"text": facts.text[:MAX_PAD_TEXT]}


def _parse_number(text: str) -> int:
    """0 where it is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else 0


def find_host(request: Request) -> str:
    """The address of who asks."""
    assert request.client
    return request.client.host


def _parse_query(request: Request, name: str) -> int:
    """0 where it is not given. Raises `Refused` 422 for what is no number."""
    text = request.query_params.get(name, "0")
    if text.strip("0") and not _parse_number(text):
        raise Refused(422, f"{name} must be a whole number, got {text[:40]!r}")
    return _parse_number(text)


async def read_chunks(request: Request) -> AsyncIterator[bytes]:
    """What is sent, as it comes. Raises `Refused`: 408 where nothing comes for a while, or too
    little, 499 where it is broken off.
    """
    clock = asyncio.get_running_loop()
    chunks = aiter(request.stream())
    latest = clock.time() + SILENCE_SECONDS  # by which more must have come
    try:
        while True:
            async with asyncio.timeout_at(min(latest, clock.time() + SILENCE_SECONDS)):
                chunk = await anext(chunks)
            latest += len(chunk) / LEAST_RATE
            yield chunk
    except StopAsyncIteration:
        return
    except TimeoutError:
        least = f"{LEAST_RATE >> 10} KB a second, without pauses of {SILENCE_SECONDS:g} seconds"
        raise Refused(408, "what is sent comes too slowly", f"send {least}") from None
    except ClientDisconnect:
        raise Refused(499, "it was broken off") from None


def _read_length(request: Request) -> int:
    """The bytes that are announced; 0 where it is not said how many come."""
    return int(request.headers.get("content-length", 0))


async def _read_body(request: Request, most: int) -> bytes:
    too_large = Refused(413, f"at most {most} bytes are read")
    if _read_length(request) > most:
        raise too_large
    body = b""
    async for chunk in read_chunks(request):
        body += chunk
        if len(body) > most:
            raise too_large
    return body


async def _read_json(request: Request) -> dict[str, Any]:
    try:
        found = untrusted.parse_json(await _read_body(request, MAX_BODY))
    except ValueError as error:
        raise Refused(400, f"not JSON: {error}") from error
    if not isinstance(found, dict):
        raise Refused(400, "send an object of parameters and values")
    return found
