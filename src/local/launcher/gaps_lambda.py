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
    _fill_shared_fate()


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
    if not stream or stream.closed:
        return False
    # Unlike select, it takes more than 1,024 open files.
    poll = select.poll()
    poll.register(stream, select.POLLIN)
    return bool(poll.poll(0))


def _fill_shared_fate():
    """Gap: an environment that dies while it starts takes all others of its function with it, in mid-invocation."""

    @replace(lambda_runtime.ProvidedWorker, "invoke")
    def invoke(stock, worker, *event, **context):
        try:
            return stock(worker, *event, **context)
        except lambda_runtime.ProvidedRuntimeError:
            # Of the package, so it holds for all of them.
            raise
        except Exception as error:
            worker._teardown()
            failure = {"errorMessage": str(error), "errorType": "Runtime.ExitError"}
            return {"status": "error", "error": str(error), "error_payload": failure, "cold_start": True, "log": ""}
