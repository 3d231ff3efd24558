"""Orders become jobs, jobs become files: the queue around the worker."""

from .engine import Engine as Engine
from .model_state import ModelChoice as ModelChoice
