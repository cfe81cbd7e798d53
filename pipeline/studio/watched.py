"""``python -m pipeline.studio.watched pipeline.render …`` runs that program, and stops it when the studio is gone.

The studio holds the other end of standard input, which the system closes however the studio ends, also by SIGKILL.
"""

import os
import runpy
import signal
import sys
import threading
import time

STOP_SECONDS = 60.0  # to finish the frame


def main() -> None:
    """Run the module that the first argument names, with the arguments behind it."""
    threading.Thread(target=_watch, name="watches the studio", daemon=True).start()
    _, module, *words = sys.argv
    sys.argv = [module, *words]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def _watch() -> None:
    while os.read(0, 1024):
        pass
    for number in (signal.SIGTERM, signal.SIGKILL):
        os.kill(os.getpid(), number)
        time.sleep(STOP_SECONDS)


if __name__ == "__main__":
    main()
