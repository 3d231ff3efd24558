"""The programs beside acestepd that put clips in: what ships for them, and who is there."""
