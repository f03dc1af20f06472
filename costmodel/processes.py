"""Further processes of the program."""

from __future__ import annotations

import os
import subprocess
import sys


def start(module: str) -> subprocess.Popen[bytes]:
    """Run a module in a fresh interpreter, with pipes to and from it.

    A caller's script needs no main guard, and threads of the caller are not copied. A Ctrl-C is for the caller alone,
    who has to end the process.
    """
    return subprocess.Popen(
        [sys.executable, "-m", module],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        start_new_session=True,
    )
