"""Stopping and starting again loses nothing that the emulator had accepted."""

import asyncio
import contextvars
import copy
import logging
import os
import signal
import threading
import time

import hypercorn.asyncio

import gaps_pipes
from ministack.core import lambda_runtime
from ministack.core.responses import _request_account_id, _request_region
from ministack.services import dynamodb, stepfunctions
from replace import replace

# How long running executions may take to end by themselves before they are cut off and run again after the start.
QUIET_SECONDS = 10
# Functions of executions that run again call back: the server must be listening by then.
LISTENING_SECONDS = 1

STREAMS = ("_stream_records", "_stream_trimmed", "_closed_streams")

_cut_off = threading.Event()


def fill():
    _fill_streams()
    _fill_quiet_stop()
    _fill_running_executions()


def _fill_streams():
    """Gap: stream records are not saved but read positions are, so that as many new records as were read are skipped."""

    @replace(dynamodb, "get_state")
    def get_state(stock):
        return {**stock(), **{name: copy.deepcopy(getattr(dynamodb, name)) for name in STREAMS}}

    @replace(dynamodb, "load_persisted_state")
    def load_persisted_state(stock, data):
        stock(data)
        for name in STREAMS:
            getattr(dynamodb, name).update(data.get(name) or {})


def _fill_quiet_stop():
    """Gap: SIGTERM closes the server under running functions and saves whatever half of their work is done."""

    @replace(hypercorn.asyncio, "serve")
    async def serve(stock, app, config):
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)

        async def quiet():
            await stop.wait()
            gaps_pipes.paused.set()
            deadline = time.monotonic() + QUIET_SECONDS
            while _running(stepfunctions._executions.all_values()) and time.monotonic() < deadline:
                await asyncio.sleep(0.05)
            _cut_off.set()

        try:
            await stock(app, config, shutdown_trigger=quiet)
        finally:
            lambda_runtime.reset()
        # Everything is saved; a thread that still sleeps must not hold the process for as long as it sleeps.
        logging.shutdown()
        os._exit(0)

    for name in ("_invoke_resource", "_scaled_sleep"):

        @replace(stepfunctions, name)
        def cut(stock, *args):
            _end_thread_if_cut_off()
            result = stock(*args)
            _end_thread_if_cut_off()
            return result


def _end_thread_if_cut_off():
    # The one exception that neither a Catch of the execution nor the emulator's own handlers take for a failure.
    if _cut_off.is_set():
        raise SystemExit


def _running(executions):
    return [one for one in executions if one.get("status") == "RUNNING"]


def _fill_running_executions():
    """Gap: an execution that was running when the emulator stopped is marked as failed after the start."""

    @replace(stepfunctions, "_restore_state")
    def _restore_state(stock, data):
        executions = (data or {}).get("executions")
        again = [copy.deepcopy(one) for one in _running(executions.all_values())] if executions else []
        stock(data)
        for one in again:
            _run_again(one)


def _run_again(execution):
    arn = execution["executionArn"]
    _, _, _, region, account, *_ = arn.split(":")
    _request_account_id.set(account)
    _request_region.set(region)
    execution["events"] = execution["events"][:1]
    stepfunctions._executions[arn] = execution
    scope = contextvars.copy_context()
    threading.Timer(LISTENING_SECONDS, scope.run, (stepfunctions._run_execution, arn)).start()
