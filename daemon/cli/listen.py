"""`acestepd listen`: everything that the daemon tells, as it happens."""

from __future__ import annotations

from collections.abc import Collection

from pipeline.did_you_mean import suggest

from ..osc.outgoing import EVENTS, PARAM, TOPICS
from ..osc.wire import Message
from ..settings import SettingsError
from .client import Locate, OscClient, Turn, follow, format_message, print_json, say, to_json


def parse_topics(text: str) -> list[str]:
    """Raises `SettingsError` for one that there is not."""
    topics = text.replace(",", " ").split()
    for topic in topics:
        if topic not in TOPICS:
            hint = suggest(topic, TOPICS)
            guess = f" ({hint})" if hint else ""
            raise SettingsError(
                f"no topic is called {topic[:40]!r}{guess}; there are: {' '.join(TOPICS)}"
            )
    return topics


def listen(
    locate: Locate,
    token: str,
    topics: Collection[str],
    id: str = "",
    count: int = 0,
    as_json: bool = False,
) -> int:
    """Print events of these topics (none: all), of the job or order `id` only where one is given,
    until `count` of them are printed (0: for ever). Goes on when the daemon is restarted.
    """
    subscription = ("/ace/notify", 1, 0, " ".join(topics))
    found = locate()
    printed = 0
    is_new = False  # the daemon that answers: it has not said its version
    with OscClient((found.host, found.port), token) as client:
        try:
            client.send(*subscription)
            for told in follow(client, locate):
                if told is Turn.GONE:
                    _tell("gone", "acestepd does not answer", as_json)
                elif told is Turn.BACK:
                    client.send(*subscription)
                    is_new = True
                elif told is Turn.AWAY:
                    continue  # whoever listens goes on
                elif told and told.address == "/ace/pong" and is_new:
                    is_new = False
                    version = str(told.arguments[1])
                    _tell("back", f"acestepd {version} answers", as_json, version=version)
                elif isinstance(told, Message) and _is_wanted(told, id):
                    print_json(to_json(told)) if as_json else print(
                        format_message(told), flush=True
                    )
                    printed += 1
                    if printed == count:
                        break
        finally:
            client.send("/ace/notify", 0)
    return 0


def _is_wanted(message: Message, id: str) -> bool:
    row = to_json(message)
    if row["event"] != PARAM and row["event"] not in EVENTS:
        return False
    return not id or row.get("id") == id or str(row.get("id", "")).startswith(f"{id}.")


def _tell(event: str, line: str, as_json: bool, **values: str) -> None:
    if as_json:
        print_json({"event": event, **values})
    else:
        say(line)
