"""The tests. One thread of matrix products for each, where several processes share the cores."""

import os

if "PYTEST_XDIST_WORKER" in os.environ:  # before anything loads the library that reads it
    os.environ.setdefault("MKL_NUM_THREADS", "1")
