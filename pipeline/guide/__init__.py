"""The guide: notes and how a band plays them, which the model paints over."""
