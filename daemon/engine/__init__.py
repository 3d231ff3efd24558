"""Orders become jobs, jobs become files: the queue around the workers.

One lock guards all of it, `Engine.lock`. The surfaces' threads take it in the methods of `Engine`,
the workers' threads for every message, and the lander's threads in those methods of `Dispatcher`
that they call; the event bus calls its listeners under it. Everything else in this package is
called by somebody who has it. What is done under it is short: nobody waits for the journal, a
worker or a folder under it, but for a question that the journal answers by an index. Files are
written under it only while the daemon starts.

An order is written down before anybody is told of it. The journal's thread commits, and then calls
the engine, which publishes `queued` or refuses; until then it is an `IncomingOrder`.
"""

from .engine import Engine as Engine
from .engine import Refusal as Refusal
from .model_state import ModelChoice as ModelChoice
