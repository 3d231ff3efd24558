"""What each command does: a function for each, and a row of the table."""
