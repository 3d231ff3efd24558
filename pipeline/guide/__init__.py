"""The guide: notes and their plain rendering, which the model paints over."""
