"""The page: what a browser is shown of the daemon, and what it may ask of it.

`page` runs it, `app` has its addresses, `admission` says who may ask, `connections` carry OSC's
messages as JSON, and the others each have what one kind of address answers with.
"""

from .page import Page

__all__ = ["Page"]
