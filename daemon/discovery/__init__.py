"""How programs find the daemon: zeroconf, and OSCQuery, which tells what it understands."""
