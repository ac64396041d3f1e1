"""Ctrl-C ends the process at once, whatever it is doing, and leaves nothing half-written.

Python tells its main thread of a signal only between two steps of Python, and XLA takes many seconds to compile in
one. So a thread of its own waits for signals, cleans up, and ends the process; nothing is raised anywhere.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

SIGNALS = {signal.SIGINT: "Interrupted", signal.SIGTERM: "Terminated"}
CLEAR_PROGRESS = "\r\x1b[2K\x1b[?25h"  # to a terminal: the line of progress away, the cursor back

_written: list[Path] = []  # files that this process has finished


def wrote(paths: Sequence[Path]) -> None:
    """Files that are done, so that an interruption does not deny them."""
    _written.extend(paths)


def watch() -> None:
    """From here on SIGINT and SIGTERM end this process with 128 and the signal's number, as shells have it."""
    # joblib's own process removes what its workers shared after we have ended, and would report each piece.
    told = os.environ.get("PYTHONWARNINGS")
    os.environ["PYTHONWARNINGS"] = ",".join(filter(None, [told, "ignore:resource_tracker:UserWarning"]))
    receiver, sender = socket.socketpair()
    sender.setblocking(False)
    signal.set_wakeup_fd(sender.fileno(), warn_on_full_buffer=False)
    for number in SIGNALS:
        signal.signal(number, lambda *_: None)  # what Python sends to the socket, it sends for signals with a handler
    threading.Thread(target=_wait, args=(receiver, sender), daemon=True, name="interrupts").start()


def _wait(receiver: socket.socket, _sender: socket.socket) -> None:
    while True:
        number = receiver.recv(1)[0]
        if number in SIGNALS:
            _end(signal.Signals(number))


def _end(number: signal.Signals) -> None:
    try:
        from forecaster._support import atomic_files, programs, workers

        atomic_files.drop_unfinished()
        done = f"{', '.join(map(str, _written))} had been written whole" if _written else "nothing was written"
        print(f"{CLEAR_PROGRESS if sys.stderr.isatty() else ''}{SIGNALS[number]}; {done}", file=sys.stderr, flush=True)
        programs.end_for_good()
        workers.end_all()  # last: the work that waits for them would say that they were ended
    finally:
        os._exit(128 + number)
