"""SQLite: every accepted job, on disk before its client is told so."""

from .journal import Journal as Journal
from .journal import ReadOnlyJournal as ReadOnlyJournal
from .rows import PastJob as PastJob
from .schema import JournalError as JournalError
