"""argparse, with what a misspelt option or word may mean."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from itertools import takewhile
from typing import Any, NoReturn

from pipeline.did_you_mean import suggest

from ..runtime.launchd import USAGE_ERROR

MOST_LINES = 8  # of a usage beside an error


class SuggestingParser(argparse.ArgumentParser):
    """Its subcommands' parsers are of this class, too."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.set_defaults(parser=self)

    def parse(self, arguments: Sequence[str]) -> argparse.Namespace:
        """As `parse_args` does. What is unknown is said by the subcommand that it was given to."""
        for word in self._list_leading_options(arguments):
            if not any(option.startswith(word) for option in self._option_string_actions):
                self.refuse([word])  # or else its value would be taken for the subcommand
        found, unknown = self.parse_known_args(arguments)
        if unknown:
            found.parser.refuse(unknown)
        return found

    def error(self, message: str) -> NoReturn:
        """As ever, but for a usage so long that it would hide what is wrong."""
        usage = self.format_usage()
        if usage.count("\n") > MOST_LINES:
            usage = f"usage: {self.prog} --help says what there is\n"
        self.exit(USAGE_ERROR, f"{usage}{self.prog}: error: {message}\n")

    def refuse(self, unknown: Sequence[str]) -> None:
        """Say which arguments are unknown, and end the program."""
        options = [_name_option(word) for word in unknown if word.startswith("--")]
        hints = [suggest(option, self._option_string_actions) for option in options]
        message = f"unrecognized arguments: {' '.join(unknown)}"
        self.error("; ".join([message, *filter(None, hints)]))

    def _list_leading_options(self, arguments: Sequence[str]) -> list[str]:
        """Those in front of the subcommand, without their values."""
        choices = [action.choices for action in self._actions if not action.option_strings]
        commands = {str(name) for names in choices for name in names or ()}
        leading = takewhile(lambda word: word not in commands, arguments)
        return [_name_option(word) for word in leading if word.startswith("--")]

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        try:
            super()._check_value(action, value)
        except argparse.ArgumentError as error:
            if hint := suggest(str(value), map(str, action.choices or ())):
                error.message += f"; {hint}"
            raise


def _name_option(word: str) -> str:
    """`--port=9101` -> `--port`."""
    return word.partition("=")[0]
