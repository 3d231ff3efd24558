"""The OSC surface: bytes, messages, what they mean, and who sends and hears them."""
