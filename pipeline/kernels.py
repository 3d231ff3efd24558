"""Where MLX keeps the kernels that it compiles: in a folder that no other user can write.

On a CPU, MLX calls the C++ compiler for every new kernel and loads the library that comes out. It
keeps them in `mlx/VERSION/cpu` in the folder of temporary files, under names that follow from the
computation, and loads whatever lies there already: in a folder that all users share, that may be
another user's code. MLX has no setting for it. It asks `std::filesystem::temp_directory_path`, each
time anew: the first of the variables TMPDIR, TMP, TEMP and TEMPDIR that is set, or /tmp. It keeps
in `mlx/VERSION/ptx` what CUDA compiles for an NVIDIA card: in our folder that outlives a restart.

`claim_folder` therefore sets TEMPDIR where none of them is set: nothing but C++ reads that one, so
Python's `tempfile`, SQLite and compilers go on as before. Where one of the others names a folder
that others can write, that variable is replaced, also for child processes; Python's own `tempfile`
in this process is asked for its folder first, and keeps it. A folder of the user's own, as macOS
gives everybody, stays. Whoever changes these variables later decides anew.

No MLX here: it may be imported before or after.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from .private import find_strangers, make_folder, make_private

VARIABLES = ("TMPDIR", "TMP", "TEMP", "TEMPDIR")  # in the order in which C++ reads them


def locate_folder() -> Path:
    """Our own: in the user's cache folder. Raises OSError where no home folder is known."""
    try:
        cache = os.environ.get("XDG_CACHE_HOME", "")
        base = Path(cache) if os.path.isabs(cache) else Path.home() / ".cache"
    except RuntimeError as error:
        raise OSError(str(error)) from error
    return base / "acestepd" / "kernels"


def claim_folder() -> str:
    """Have MLX keep its kernels where no other user can write. Why that cannot be had, as a
    sentence; empty where it is so.
    """
    variable = next((name for name in VARIABLES if name in os.environ), "")
    chosen = os.environ.get(variable, "")
    try:
        if os.path.isabs(chosen) and not find_strangers(Path(chosen)):
            return ""
    except OSError:
        pass  # it is not there: MLX could not have used it either
    try:
        folder = locate_folder()
        make_folder(folder)
        make_private(folder)
        if strangers := find_strangers(folder):
            return strangers
    except OSError as error:
        return f"{error.filename or 'the cache folder'}: {error.strerror or error}"
    tempfile.gettempdir()
    os.environ[variable or VARIABLES[-1]] = str(folder)
    return ""
