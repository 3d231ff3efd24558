"""One network each, and what they share."""
