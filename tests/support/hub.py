"""A Hugging Face hub on this machine: folders served as repositories, the way huggingface_hub asks
for them.

Three kinds of request: a repository's commit, the tree of that commit, and HEAD and GET of one file
(plain HTTP with Range; Xet only where `xet` names the file, and then just the invitation).
"""

from __future__ import annotations

import hashlib
import json
import socket
import threading
import urllib.parse
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self


class HubRequest(NamedTuple):
    method: str
    path: str  # "/owner/name/resolve/<commit>/vae/config.json"
    range: str  # "bytes=1000-", or empty


class FakeHub:
    """`with FakeHub() as hub:` serves at `hub.url` until the block ends, or until `stop`."""

    def __init__(self) -> None:
        self.repositories: dict[str, dict[str, bytes]] = {}
        self.gated: set[str] = set()  # repositories whose files want a login
        self.xet: set[str] = set()  # files in any repository that are offered by Xet
        # what a repository held, by its name and the tag's
        self.tags: dict[tuple[str, str], dict[str, bytes]] = {}
        self.seen: list[HubRequest] = []
        self._cuts: dict[str, list[int]] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = False  # `stop` waits for the last answer
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.01,), name="fake hub"
        )
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def add(self, repository: str, folder: Path, inside: str = "") -> None:
        """Put every file under `folder` into the repository, where they are below `inside`."""
        files = self.repositories.setdefault(repository, {})
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                files[f"{inside}/{path.relative_to(folder).as_posix()}".lstrip("/")] = (
                    path.read_bytes()
                )

    def tag(self, repository: str, name: str) -> str:
        """Keep what the repository holds now under this name, and under its commit, which is
        returned.
        """
        files = self.repositories[repository]
        commit = commit_of(self.repositories[repository])
        self.tags[repository, name] = self.tags[repository, commit] = dict(files)
        return commit

    def at(self, repository: str, revision: str) -> dict[str, bytes] | None:
        """The files of a revision; None where there is none of this name."""
        files = self.repositories[repository]
        newest = revision in ("main", commit_of(files))
        return files if newest else self.tags.get((repository, revision))

    def cut(self, file: str, *after: int) -> None:
        """Break the next connections that carry `file`, each after so many bytes of it."""
        self._cuts[file] = list(after)

    def list_requested(self, method: str = "GET") -> list[str]:
        """The files that were requested, as "owner/name/path", in the order of the requests."""
        files = (seen.path.split("/resolve/") for seen in self.seen if seen.method == method)
        return [
            f"{parts[0][1:]}/{parts[1].partition('/')[2]}" for parts in files if len(parts) == 2
        ]

    def stop(self) -> None:
        """From now on nothing listens here. Does nothing the second time."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.stop()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        class Handler(_Handler):
            hub = self

        return Handler

    def _take_cut(self, file: str) -> int | None:
        cuts = self._cuts.get(file)
        return cuts.pop(0) if cuts else None


def commit_of(files: dict[str, bytes]) -> str:
    return hashlib.sha1(
        repr(sorted((name, len(content)) for name, content in files.items())).encode()
    ).hexdigest()


class _Handler(
    BaseHTTPRequestHandler
):  # HTTP/1.0: a connection carries one answer, so a stopped hub is really gone
    hub: FakeHub

    def do_GET(self) -> None:
        self.hub.seen.append(HubRequest(self.command, self.path, self.headers.get("Range", "")))
        match urllib.parse.unquote(self.path).partition("?")[0].split("/"):
            case ["", "api", "models", owner, name, "revision" | "tree" as what, revision, *_]:
                self._repository(f"{owner}/{name}", what, revision)
            case ["", owner, name, "resolve", revision, *path]:
                self._file(f"{owner}/{name}", revision, "/".join(path))
            case _:
                self._refuse(HTTPStatus.NOT_FOUND, "")

    do_HEAD = do_GET  # noqa: N815

    def _repository(self, repository: str, what: str, revision: str) -> None:
        if repository not in self.hub.repositories:
            return self._refuse(HTTPStatus.NOT_FOUND, "RepoNotFound")
        files = self.hub.at(repository, revision)
        if files is None:
            return self._refuse(HTTPStatus.NOT_FOUND, "RevisionNotFound")
        if what == "revision":
            siblings = [{"rfilename": path} for path in files]
            return self._json({"id": repository, "sha": commit_of(files), "siblings": siblings})
        return self._json([self._entry(path, content) for path, content in files.items()])

    def _entry(self, path: str, content: bytes) -> dict[str, Any]:
        digest = hashlib.sha256(content).hexdigest()
        entry: dict[str, Any] = {
            "type": "file",
            "path": path,
            "size": len(content),
            "oid": digest[:40],
        }
        if path.endswith((".safetensors", ".pt")):
            entry["lfs"] = {"size": len(content), "oid": digest, "pointerSize": 134}
        if path in self.hub.xet:
            entry["xetHash"] = digest
        return entry

    def _file(self, repository: str, revision: str, path: str) -> None:
        files = (
            self.hub.at(repository, revision) if repository in self.hub.repositories else None
        ) or {}
        content = files.get(path)
        if repository in self.hub.gated:
            return self._refuse(HTTPStatus.UNAUTHORIZED, "GatedRepo")
        if content is None:
            return self._refuse(HTTPStatus.NOT_FOUND, "EntryNotFound")
        start = int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").partition("-")[0])
        self.send_response(HTTPStatus.PARTIAL_CONTENT if "Range" in self.headers else HTTPStatus.OK)
        if "Range" in self.headers:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
        self.send_header("X-Repo-Commit", commit_of(files))
        return self._body(
            content[start:], self.hub._take_cut(path) if self.command == "GET" else None
        )

    def _json(self, values: Any) -> None:
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "application/json")
        self._body(json.dumps(values).encode())

    def _refuse(self, status: HTTPStatus, code: str) -> None:
        self.send_response(status)
        self.send_header("X-Error-Code", code)
        self._body(b"")

    def _body(self, content: bytes, cut: int | None = None) -> None:
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content[:cut])
        if cut is not None:
            self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet: `seen` has it all."""
