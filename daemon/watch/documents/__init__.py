"""Files that hold words, in any of the formats that people keep them in."""
