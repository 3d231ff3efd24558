"""The singer: lyrics become syllables, syllables notes, and notes a voice. Imports no MLX."""
