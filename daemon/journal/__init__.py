"""SQLite: every accepted job, on disk before its client is told so."""

from .journal import Journal as Journal
from .journal import ReadOnlyJournal as ReadOnlyJournal
from .questions import check_words as check_words
from .rows import PastJob as PastJob
from .schema import JournalError as JournalError
