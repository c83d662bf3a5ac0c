"""Several sinks in one process, a thread each: an environment's topics carried together.

Each keeps its own group, channels and memory bounds. One that fails ends the others, which write what they hold first,
so that a supervisor sees a failed process and not one that carries half of the topics.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from modules.connectors.running import write_status
from modules.connectors.sink.metrics import SinkStatus
from modules.connectors.sink.runner import Sink, SinkOptions
from modules.connectors.sink.settings import SinkSettings

__all__ = ["Sinks"]

_LOOK_EVERY = 0.1
_WRITE_EVERY = 1.0


@dataclass
class _Member:
    sink: Sink
    latest: SinkStatus | None = None
    final: SinkStatus | None = None
    error: BaseException | None = None

    @property
    def ready(self) -> bool:
        if self.final is not None:
            return True
        return self.latest is not None and self.latest.state == "running" and self.latest.lag is not None


class Sinks:
    """A sink for each of `settings`; `run` returns when all have ended."""

    def __init__(self, settings: Sequence[SinkSettings], options: SinkOptions) -> None:
        self._options = options
        self._members = [self._member(each) for each in settings]

    def stop(self) -> None:
        """Ask all of them to write what is buffered and end. Safe from a signal handler."""
        for member in self._members:
            member.sink.stop()

    def run(self) -> list[SinkStatus]:
        """Carry until told to stop, or as the options say.

        Raises:
            ServiceError, SinkError: what the first one that failed says; the others have ended too then.
        """
        threads = [threading.Thread(target=_carry, args=(member,), daemon=True) for member in self._members]
        for thread in threads:
            thread.start()
        told_ready, written = False, 0.0
        while any(thread.is_alive() for thread in threads):
            time.sleep(_LOOK_EVERY)
            if any(member.error for member in self._members):
                self.stop()
            if not told_ready and all(member.ready for member in self._members):
                told_ready = True
                self._write(self._options.ready_file)
            if time.monotonic() - written >= _WRITE_EVERY:
                written = time.monotonic()
                self._write(self._options.status_file)
        failed = next((member.error for member in self._members if member.error), None)
        if failed is not None:
            raise failed
        self._write(self._options.status_file)
        return [member.final for member in self._members if member.final is not None]

    def _member(self, settings: SinkSettings) -> _Member:
        def keep(status: SinkStatus) -> None:
            member.latest = status
            self._options.on_status(status)

        alone = replace(self._options, ready_file=None, status_file=None, on_status=keep)
        member = _Member(Sink(settings, alone))
        return member

    def _write(self, file: Path | None) -> None:
        found = [member.latest for member in self._members if member.latest is not None]
        if file is not None and found:
            write_status(file, found)


def _carry(member: _Member) -> None:
    try:
        member.final = member.sink.run()
    except BaseException as error:
        member.error = error
