"""The command line: `acestepd`, and what each of its subcommands does."""
