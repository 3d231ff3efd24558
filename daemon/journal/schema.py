"""The journal's tables, from one version of acestepd to the next."""

from __future__ import annotations

import sqlite3
from pathlib import Path

# One script per version of the schema; PRAGMA user_version counts those a file has been through.
MIGRATIONS = (
    """
    CREATE TABLE jobs (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        client TEXT NOT NULL, id TEXT NOT NULL, batch TEXT NOT NULL, origin TEXT NOT NULL,
        priority INTEGER NOT NULL, out TEXT NOT NULL,
        wish TEXT NOT NULL, request TEXT NOT NULL, words TEXT NOT NULL, seed INTEGER NOT NULL,
        state TEXT NOT NULL, outcome TEXT NOT NULL DEFAULT '[]', crashes INTEGER NOT NULL DEFAULT 0,
        landing TEXT NOT NULL DEFAULT '', favourite INTEGER NOT NULL DEFAULT 0,
        model TEXT NOT NULL DEFAULT '',
        cost REAL NOT NULL DEFAULT 0, seconds REAL NOT NULL DEFAULT 0,
        timings TEXT NOT NULL DEFAULT '{}', created REAL NOT NULL, ended REAL NOT NULL DEFAULT 0
    );
    CREATE INDEX jobs_by_id ON jobs (id, client);
    CREATE INDEX jobs_by_batch ON jobs (batch) WHERE batch != '';
    CREATE INDEX jobs_open ON jobs (state) WHERE state NOT IN ('finished', 'fail', 'cancelled');
    CREATE INDEX jobs_by_client ON jobs (client, number);
    CREATE INDEX jobs_by_seed ON jobs (seed);
    CREATE TABLE files (job INTEGER NOT NULL REFERENCES jobs (number) ON DELETE CASCADE,
                        stem TEXT NOT NULL, path TEXT NOT NULL);
    CREATE INDEX files_of_job ON files (job);
    CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
    """,
    """
    ALTER TABLE jobs ADD COLUMN parent TEXT NOT NULL DEFAULT '';
    ALTER TABLE jobs ADD COLUMN takes INTEGER NOT NULL DEFAULT 1;
    ALTER TABLE jobs ADD COLUMN insert_for TEXT NOT NULL DEFAULT '';
    ALTER TABLE jobs ADD COLUMN inserted TEXT NOT NULL DEFAULT '';
    CREATE INDEX files_by_path ON files (path);
    CREATE INDEX jobs_to_insert ON jobs (insert_for) WHERE insert_for != '';
    """,
    # what is asked for while somebody plays is found without a look at other jobs
    """
    ALTER TABLE jobs ADD COLUMN clips INTEGER NOT NULL DEFAULT 0;
    UPDATE jobs SET clips = (SELECT count(*) FROM files WHERE job = number);
    DROP INDEX jobs_by_batch;
    CREATE INDEX jobs_by_batch ON jobs (client, batch, number) WHERE batch != '';
    CREATE INDEX jobs_by_name ON jobs (id, number);
    CREATE INDEX jobs_with_clips ON jobs (number) WHERE clips > 0;
    CREATE INDEX jobs_with_clips_by_client ON jobs (client, number) WHERE clips > 0;
    CREATE INDEX jobs_favourite ON jobs (number) WHERE favourite = 1;
    CREATE INDEX jobs_by_end ON jobs (ended) WHERE state = 'finished';
    CREATE INDEX jobs_by_model ON jobs (model, number) WHERE cost > 0 AND seconds > 0;
    """,
    "ALTER TABLE jobs ADD COLUMN notes TEXT NOT NULL DEFAULT '[]'",
    "ALTER TABLE jobs ADD COLUMN command TEXT NOT NULL DEFAULT '/ace/generate'",
    "ALTER TABLE jobs ADD COLUMN dismissed INTEGER NOT NULL DEFAULT 0",
    # a take is found by what a list shows of it: see `rows.list_words`
    """
    UPDATE jobs SET words = words
        || CASE WHEN json_extract(request, '$.bpm') > 0
            THEN printf(' %g bpm', json_extract(request, '$.bpm')) ELSE '' END
        || coalesce(' ' || lower(nullif(json_extract(request, '$.key'), '')), '')
        || coalesce(' ' || nullif(json_extract(request, '$.task'), ''), '')
        || ' ' || seed
    WHERE json_valid(request)
    """,
    # how quick each worker is; '' is this machine
    """
    ALTER TABLE jobs ADD COLUMN worker TEXT NOT NULL DEFAULT '';
    DROP INDEX jobs_by_model;
    CREATE INDEX jobs_by_worker ON jobs (model, worker, number) WHERE cost > 0 AND seconds > 0;
    """,
)


class JournalError(ValueError):
    """The journal cannot be used: says which file and what to do."""


def migrate(db: sqlite3.Connection, path: Path | None) -> None:
    """Bring a database up to date. Raises `JournalError` for one of a newer acestepd."""
    version = db.execute("PRAGMA user_version").fetchone()[0]
    if version > len(MIGRATIONS):
        raise JournalError(
            f"the journal {path} was written by a newer acestepd: update this one, "
            "or choose another state"
        )
    for number, script in enumerate(MIGRATIONS[version:], version + 1):
        db.executescript(f"BEGIN; {script}; PRAGMA user_version = {number}; COMMIT;")
