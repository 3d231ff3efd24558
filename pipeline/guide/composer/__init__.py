"""The composer: a caption, and the lyrics if there are any, become a piece with form."""
