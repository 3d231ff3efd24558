"""The watched folders: saved texts, manifests and audio files become takes."""
