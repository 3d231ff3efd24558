"""The daemon: OSC in, one engine, files and OSC out."""

from importlib.metadata import PackageNotFoundError, version

try:
    VERSION = version("acestepd")
except PackageNotFoundError:  # run from a checkout that is not installed
    VERSION = "0+unknown"

API = 1  # of the OSC grammar: raised when a message changes its meaning
