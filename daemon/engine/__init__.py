"""Orders become jobs, jobs become files: the queue around the worker.

One lock guards all of it, `Engine.lock`. The surfaces' threads take it in the methods of `Engine`,
the supervisor's thread for every message of the worker, and the lander's threads in those methods
of `Dispatcher` that they call; the event bus calls its listeners under it. Everything else in this
package is called by somebody who has it. What is done under it is short: a commit of SQLite, since
a job is written down before anybody is told of it, a look at a folder, a rename. The worker is
never waited for under it, and files are written under it only while the daemon starts.
"""

from .engine import Engine as Engine
from .model_state import ModelChoice as ModelChoice
