"""Lambda: functions of custom runtimes answer as fast as they work and log what they wrote."""

import select
import time

from ministack.core import lambda_runtime
from replace import replace

# A line that was written before the answer is in the pipe already; its reader needs a moment.
QUIET_SECONDS = 0.002
LIMIT_SECONDS = 0.25


def fill():
    _fill_delayed_answers()
    _fill_log_wait()


def _fill_delayed_answers():
    """Gap: the Runtime API sends headers and body as two packets, and Nagle holds the second back for 40 ms."""

    @replace(lambda_runtime.ProvidedWorker, "_build_handler_class")
    def _build_handler_class(stock, worker, generation, pending):
        handler = stock(worker, generation, pending)
        return type("Handler", (handler,), {"wbufsize": 1 << 16, "disable_nagle_algorithm": True})


def _fill_log_wait():
    """Gap: every invocation that logs nothing waits 50 ms for a line that never comes."""

    @replace(lambda_runtime.ProvidedWorker, "_drain_stderr_bounded")
    def _drain_stderr_bounded(_stock, worker, **_waits):
        lines = []
        deadline = time.monotonic() + LIMIT_SECONDS
        while time.monotonic() < deadline:
            time.sleep(QUIET_SECONDS)
            line = worker._drain_stderr()
            if line:
                lines.append(line)
            elif not _unread(worker._proc):
                break
        return "\n".join(lines)


def _unread(process):
    """Whether the process wrote something that nobody has read yet."""
    stream = process.stdout if process else None
    return bool(stream and not stream.closed and select.select([stream], [], [], 0)[0])
