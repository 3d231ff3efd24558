"""What a process does that is asked for work: a line of JSON in, a line of JSON out. No libraries:
the peer's Python may have none of ours.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

Message = Mapping[str, Any]
Work = Callable[[Message], Message]


def serve(hello: Callable[[], Message], load: Callable[[Message], Work]) -> None:
    """Say `hello`, load what the first line asks for, and do what every other line does, until
    there are no more. What libraries print goes to standard error. An exception is the last answer.
    """
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())

    def answer(message: Message) -> None:
        print(json.dumps(message), file=answers, flush=True)

    try:
        answer(hello())
        work: Work | None = None
        for line in sys.stdin:
            request = json.loads(line)
            if work is None:
                work = load(request)
                answer({})
                continue
            before = time.process_time()
            done = work(request)
            answer({**done, "used": time.process_time() - before, "memory": read_memory()})
    except Exception as error:
        answer({"error": f"{type(error).__name__}: {error}"})
        sys.exit(1)


def read_memory() -> int:
    """The most bytes that this process had in memory."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024
