"""The composer of guides before there was form: kept as it was, so that a manifest which says
composer 1, or none, plays what it played.
"""
