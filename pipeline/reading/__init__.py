"""What a prompt says of tempo, key and metre. No MLX."""
