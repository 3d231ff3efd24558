"""What keeps it running and shows how it does: the subcommands and what they lean on."""
