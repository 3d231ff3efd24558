"""The tests. One thread of matrix products for each process, where several share the cores, and
Ctrl-C ends the programs that they start.
"""

import os
import signal

if "PYTEST_XDIST_WORKER" in os.environ:  # before anything loads the library that reads it
    os.environ.setdefault("MKL_NUM_THREADS", "1")

# a script's background job ignores Ctrl-C, and so would every program that it starts
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
