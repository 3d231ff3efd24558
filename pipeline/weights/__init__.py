"""Checkpoints, adapters and small weights: from files to networks."""
