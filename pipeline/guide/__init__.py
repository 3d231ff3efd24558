"""The drawing that the model paints over: notes, and how they sound."""
