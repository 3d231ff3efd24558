"""One daemon per state folder: its lock, its log, and settings that change while it runs."""
