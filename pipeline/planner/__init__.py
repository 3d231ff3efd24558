"""The 5 Hz language model: it plans a song before the diffusion begins."""
