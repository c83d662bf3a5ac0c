"""Ctrl-C and SIGTERM while Terraform runs: once it stops after what is being changed, twice it is killed.

The first signal is handed on to Terraform, which finishes the resources it is at and begins no other. So is the second:
it writes its state and gives up at once. Who does not within seconds, or at a third one, is killed with its plugins.

Children run in sessions of their own, so that a terminal's SIGINT reaches this process only and each child gets it
exactly once, from here.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterable, Iterator
from types import FrameType

from modules.errors import InterruptedRun

__all__ = ["Interrupts"]

_SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


GRACE_SECONDS = 5.0
"""So long a second interrupt leaves Terraform to write its state."""


class Interrupts:
    """Holds the running children and hands signals on to them."""

    def __init__(self, note: Callable[[str], None]) -> None:
        self._note = note
        self._children: set[subprocess.Popen[bytes]] = set()
        # Reentrant: the handler runs in the main thread between any two instructions, the lock possibly held there.
        self._lock = threading.RLock()
        self.count = 0

    def check(self) -> None:
        """Nothing new is begun after an interrupt.

        Raises:
            InterruptedRun: a signal has come.
        """
        if self.count:
            raise InterruptedRun("stopped before it was finished", do="run the same command again to go on")

    @contextlib.contextmanager
    def running(self, child: subprocess.Popen[bytes]) -> Iterator[None]:
        """Register a child for as long as it runs."""
        with self._lock:
            self._children.add(child)
            late = self.count
        if late:
            # The signals came between the check and now, when the child may be well under way.
            self._hand_on((child,), late)
        try:
            yield
        finally:
            with self._lock:
                self._children.discard(child)

    @contextlib.contextmanager
    def installed(self) -> Iterator[None]:
        """Take the signals for the time of a run; elsewhere than in the main thread this is the caller's business."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        previous = {number: signal.signal(number, self._handle) for number in _SIGNALS}
        try:
            yield
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self.forward()

    def forward(self) -> None:
        """One more interrupt: ask, insist, kill."""
        self.count += 1
        with self._lock:
            children = tuple(self._children)
        if self.count == 1:
            self._note("stopping: waiting for what is being changed right now (press Ctrl-C again to stop at once)")
        elif self.count == 2:
            self._note("stopping at once: what is being changed right now is cut off half-way")
        self._hand_on(children, self.count)

    def _hand_on(self, children: tuple[subprocess.Popen[bytes], ...], count: int) -> None:
        if count > 2:
            self._kill(children)
            return
        if count == 2:
            late = threading.Timer(GRACE_SECONDS, self._kill, (children,))
            late.daemon = True
            late.start()
        for child in children:
            _send(child, signal.SIGINT)

    def _kill(self, children: Iterable[subprocess.Popen[bytes]]) -> None:
        with self._lock:
            alive = [child for child in children if child in self._children]
        for child in alive:
            _kill_group(child)


def _send(child: subprocess.Popen[bytes], number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        child.send_signal(number)


def _kill_group(child: subprocess.Popen[bytes]) -> None:
    # The child leads its group, which also holds the provider plugins it started.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)
