"""Who may ask the page's server, and how nobody else gets a browser to ask it for them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from websockets.exceptions import InvalidStatus

from daemon.page.admission import OPEN, is_own_name
from daemon.page.app import list_files
from tests.page.conftest import Asker

EVERYWHERE = ["/", "/takes", "/panel", "/parameters", "/daemon", "/takes/1/sound/mix"]
CHANGING = [
    ("POST", "/reading"), ("POST", "/sources?name=a.wav"), ("DELETE", "/takes/1"),
    ("POST", "/token"), ("POST", "/panel"), ("POST", "/panel/defaults"),
]  # fmt: skip


@pytest.fixture(scope="module")
def asker(shared_asker: Asker) -> Asker:
    return shared_asker


@pytest.mark.parametrize("path", EVERYWHERE)
@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:9180", "127.0.0.1.evil.example", "", "localhost.evil"]
)
def test_a_name_that_was_made_to_lead_here_is_not_answered(
    asker: Asker, path: str, host: str
) -> None:
    answer = asker.ask(path, headers={"Host": host})
    assert answer.status == 403
    assert b"Host" in answer.body


@pytest.mark.parametrize("host", ["0.0.0.0:9180", "[::]", "[::ffff:0.0.0.0]:9180"])
def test_an_address_to_which_browsers_do_not_say_who_asks_is_none(asker: Asker, host: str) -> None:
    assert asker.ask("/takes", headers={"Host": host}).status == 403


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:9180", "[::1]:9180", "192.168.1.7"])
def test_addresses_and_its_own_name_are(asker: Asker, host: str) -> None:
    assert asker.ask("/takes", headers={"Host": host}).status == 200
    assert is_own_name(host)


@pytest.mark.parametrize(("method", "path"), CHANGING)
@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "https://127.0.0.1:{port}", "http://127.0.0.1:1", ""]
)
def test_a_page_of_another_server_changes_nothing(
    asker: Asker, method: str, path: str, origin: str
) -> None:
    origin = origin.format(port=asker.port)
    assert asker.ask(path, method, "{}", {"Origin": origin}).status == 403


@pytest.mark.parametrize(("method", "path"), CHANGING)
def test_nor_does_whoever_says_not_where_it_comes_from(
    asker: Asker, method: str, path: str
) -> None:
    connection = Asker(asker.port)
    connection.origin = "http://elsewhere"
    assert connection.ask(path, method, "{}").status == 403


@pytest.mark.parametrize("path", EVERYWHERE[1:])
@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_page_of_another_server_reads_nothing(asker: Asker, path: str, site: str) -> None:
    assert asker.ask(path, headers={"Sec-Fetch-Site": site}).status == 403


def test_a_link_that_somebody_follows_leads_to_the_page(asker: Asker) -> None:
    headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    opened = headers | {"Sec-Fetch-Dest": "document"}
    assert asker.ask("/", headers=opened).status == 200
    assert asker.ask("/takes", headers=opened).status == 403
    assert asker.ask("/", headers=headers | {"Sec-Fetch-Dest": "iframe"}).status == 403


@pytest.mark.parametrize("origin", [None, "http://evil.example", "null"])
def test_a_connection_is_its_own_page_s(asker: Asker, origin: str | None) -> None:
    with pytest.raises(InvalidStatus) as refused:
        asker.connect(origin)
    assert refused.value.response.status_code == 403


def test_every_answer_forbids_what_no_page_of_ours_does(asker: Asker) -> None:
    for path in (*EVERYWHERE, "/nothing"):
        headers = asker.ask(path).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert "microphone=()" in headers["permissions-policy"]
        assert headers["cross-origin-embedder-policy"] == "require-corp"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert "access-control-allow-origin" not in headers


@pytest.mark.parametrize(
    "path",
    [
        "/../pyproject.toml", "/%2e%2e/%2e%2e/pyproject.toml", "/js/../../../../etc/passwd",
        "/takes/1/sound/..%2f..%2fetc%2fpasswd", "/takes/..%2f/sound/mix",
        "/takes/99999999999999999999/sound/mix", "/takes/-1", "/takes/1e3", "/takes/%D9%A3",
    ],
)  # fmt: skip
def test_files_are_named_by_nobody(asker: Asker, path: str) -> None:
    assert asker.ask(path).status in (404, 405, 307)


def test_the_page_is_all_there_is_in_its_folder(asker: Asker) -> None:
    folder = Path(__file__).parents[2] / "integrations" / "page"
    for path in folder.rglob("*"):
        if path.is_file() and path.suffix != ".md":  # which is about it
            answer = asker.ask(f"/{path.relative_to(folder)}")
            assert answer.status == 200
            assert answer.body == path.read_bytes()


def test_the_page_that_asks_for_the_token_gets_all_that_it_needs() -> None:
    """Also what its modules import."""
    files = list_files()
    needed = set(re.findall(r'(?:href|src)="(/[^"]*)"', files["token.html"].read_text()))
    for name in ("js/token.js", "js/http.js"):
        imported = re.findall(r'from "\./([^"]*)"', files[name].read_text())
        needed |= {f"/js/{each}" for each in imported}
    assert needed
    assert needed <= {*OPEN}
