"""How takes become files: levels, formats, metadata, and names that are never taken twice."""
