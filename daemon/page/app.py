"""The page's addresses, and what each answers.

| address | answers |
| --- | --- |
| `/` and what it needs | the files of integrations/page |
| `/messages` | a WebSocket: OSC's messages as JSON, both ways |
| `/daemon` | how it stands, and the log's end |
| `/parameters` | what a request may say |
| `/panel` | what the panel says now, texts whole |
| `/reading` | what would be read out of the values that are sent |
| `/takes` | jobs, newest first |
| `/takes/N` | one job; DELETE moves its files to the trash |
| `/takes/N/sound/STEM` | a clip, or a part of it |
| `/takes/N/waveform/STEM` | its waveform |
| `/takes/N/manifest` | the recipe |
| `/sources` | POST keeps a file that was dropped |
| `/token` | where another machine says the token |
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from pipeline import untrusted
from pipeline.limits import LIMITS
from pipeline.request import BadRequest

from ..engine import Engine
from ..integrations.sources import SOURCES
from ..jobs import Job, Refused
from ..journal import Journal
from ..osc.guard import Guard, is_loopback
from ..panel import Panel
from ..runtime.logs import LimitedLog
from ..settings import Settings
from . import drops, reading, takes, trash
from .admission import TOKEN, Admission
from .connections import Connections
from .facts import describe_daemon
from .parameters import list_parameters
from .peaks import WaveformStore

log = LimitedLog(logging.getLogger("acestepd.page"))

FILES = Path(__file__).parents[2] / "integrations" / "page"
WAVEFORMS = "waveforms"  # in the state folder
MAX_BODY = 256 * 1024  # bytes of a JSON that is sent
MAX_TOKEN = 4096  # bytes of the form that says a token
KINDS = {".wav": "audio/wav", ".flac": "audio/flac"}

Answer = Callable[[Request], Awaitable[Response]]


@dataclasses.dataclass(frozen=True)
class Parts:
    """What of the daemon the page shows and turns."""

    settings: Callable[[], Settings]
    panel: Panel
    engine: Engine
    journal: Journal
    guard: Guard
    connections: Connections


def build_app(parts: Parts) -> ASGIApp:
    """The application, with its admission in front."""
    waveforms = WaveformStore(parts.settings().state / WAVEFORMS)

    async def list_takes(request: Request) -> Response:
        query = request.query_params
        before = _parse_number(query.get("before", ""))
        limit = _parse_number(query.get("limit", "")) or takes.MAX_ROWS

        def search() -> dict[str, Any]:
            words = query.get("words", "")
            favourite = query.get("favourites") == "1"
            jobs = parts.journal.search(
                words,
                favourite=favourite,
                limit=min(limit, takes.MAX_ROWS),
                before=before or None,
            )
            total = parts.journal.count(words, favourite)
            return {"takes": [takes.describe_take(job) for job in jobs], "total": total}

        return JSONResponse(await run_in_threadpool(search))

    async def find_job(request: Request) -> Job:
        number = _parse_number(request.path_params["number"])
        job = await run_in_threadpool(parts.journal.find_by_number, number)
        if job is None:
            raise Refused(404, "there is no such take")
        return job

    async def find_stem(request: Request) -> Path:
        path = takes.find_stem(await find_job(request), request.path_params["stem"])
        if path is None or path.suffix.lower() not in KINDS:
            raise Refused(404, "this take has no such stem")
        if not await run_in_threadpool(path.is_file):
            raise Refused(404, f"{path.name} is not there any more")
        return path

    async def show_take(request: Request) -> Response:
        job = await find_job(request)
        return JSONResponse(await run_in_threadpool(takes.describe_take, job))

    async def delete_take(request: Request) -> Response:
        job = await find_job(request)
        return JSONResponse({"files": await run_in_threadpool(trash.throw_away, job)})

    async def send_sound(request: Request) -> Response:
        path = await find_stem(request)
        return FileResponse(path, media_type=KINDS[path.suffix.lower()], filename=path.name)

    async def send_waveform(request: Request) -> Response:
        path = await find_stem(request)
        try:
            return JSONResponse(await run_in_threadpool(waveforms.read, path))
        except (OSError, ValueError) as error:
            raise Refused(404, f"{path.name} cannot be read: {error}") from error

    async def send_manifest(request: Request) -> Response:
        path = takes.find_manifest(await find_job(request))
        if path is None:
            raise Refused(404, "it has no manifest")
        try:
            found = await run_in_threadpool(untrusted.read_bytes, path, LIMITS.manifest_bytes)
            return JSONResponse(untrusted.parse_json(found))
        except (OSError, ValueError) as error:
            raise Refused(404, f"{path.name} cannot be read: {error}") from error

    async def show_daemon(request: Request) -> Response:
        host = request.client.host if request.client else ""
        # others' messages are in the log: it is for whoever could read the file
        with_log = is_loopback(host)
        facts = run_in_threadpool(describe_daemon, parts.settings(), parts.engine, with_log)
        return JSONResponse(await facts)

    async def show_parameters(request: Request) -> Response:
        return JSONResponse(list_parameters())

    async def show_panel(request: Request) -> Response:
        return JSONResponse(dataclasses.asdict(parts.panel.request))

    async def show_reading(request: Request) -> Response:
        values = await _read_json(request)
        guide = parts.engine.default_guide
        return JSONResponse(await run_in_threadpool(reading.read, parts.panel, values, guide))

    async def keep_source(request: Request) -> Response:
        folder = parts.settings().out / SOURCES
        name = request.query_params.get("name", "")
        return JSONResponse(await drops.keep(folder, name, request.stream()))

    async def show_token(request: Request) -> Response:
        return FileResponse(FILES / "token.html")

    async def say_token(request: Request) -> Response:
        host = request.client.host if request.client else ""
        token = (await _read_body(request, MAX_TOKEN)).decode("utf-8", "replace")
        parts.guard.authenticate(host, token)
        return RedirectResponse("/", HTTPStatus.SEE_OTHER)

    routes = [
        WebSocketRoute("/messages", parts.connections.serve),
        Route("/daemon", show_daemon),
        Route("/parameters", show_parameters),
        Route("/panel", show_panel),
        Route("/reading", show_reading, methods=["POST"]),
        Route("/takes", list_takes),
        Route("/takes/{number}", show_take),
        Route("/takes/{number}", delete_take, methods=["DELETE"]),
        Route("/takes/{number}/sound/{stem}", send_sound),
        Route("/takes/{number}/waveform/{stem}", send_waveform),
        Route("/takes/{number}/manifest", send_manifest),
        Route("/sources", keep_source, methods=["POST"]),
        Route(TOKEN, show_token),
        Route(TOKEN, say_token, methods=["POST"]),
        Mount("/", StaticFiles(directory=FILES, html=True)),
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


def _parse_number(text: str) -> int:
    """0 where it is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else 0


async def _read_body(request: Request, most: int) -> bytes:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            raise HTTPException(413)
    return body


async def _read_json(request: Request) -> dict[str, Any]:
    try:
        found = untrusted.parse_json(await _read_body(request, MAX_BODY))
    except ValueError as error:
        raise Refused(400, f"not JSON: {error}") from error
    if not isinstance(found, dict):
        raise Refused(400, "send an object of parameters and values")
    return found
