"""Step Functions: tracing that reads back, the delays a retrier asks for, and throttles under their own name."""

import json
import random

from ministack.services import stepfunctions
from replace import replace


def fill():
    _fill_tracing()
    _fill_retry_delays()
    _fill_throttles()


def _fill_tracing():
    """Gap: a state machine's tracingConfiguration is not stored."""

    @replace(stepfunctions, "_create_state_machine")
    def _create_state_machine(stock, data):
        answer = stock(data)
        if answer[0] == 200:
            arn = f"arn:aws:states:{stepfunctions.get_region()}:{stepfunctions.get_account_id()}:stateMachine:{data['name']}"
            machine = stepfunctions._state_machines[arn]
            machine.setdefault("tracingConfiguration", data.get("tracingConfiguration") or {"enabled": False})
        return answer

    @replace(stepfunctions, "_update_state_machine")
    def _update_state_machine(stock, data):
        answer = stock(data)
        if answer[0] == 200 and "tracingConfiguration" in data:
            stepfunctions._state_machines[data["stateMachineArn"]]["tracingConfiguration"] = data["tracingConfiguration"]
        return answer


def _fill_retry_delays():
    """Gap: MaxDelaySeconds and JitterStrategy are ignored."""

    @replace(stepfunctions, "_find_matching_retrier")
    def _find_matching_retrier(stock, retriers, error, counts):
        retrier, index = stock(retriers, error, counts)
        if retrier is None:
            return retrier, index
        rate = retrier.get("BackoffRate", 2.0)
        delay = min(retrier.get("IntervalSeconds", 1) * rate ** counts.get(index, 0), retrier.get("MaxDelaySeconds", 60))
        if retrier.get("JitterStrategy") == "FULL":
            delay = random.uniform(0, delay)
        return {**retrier, "IntervalSeconds": delay, "BackoffRate": 1.0}, index


def _fill_throttles():
    """Gap: a function at its concurrency limit fails the task with Lambda.Unknown, which no sensible retrier names."""

    @replace(stepfunctions, "_call_lambda")
    def _call_lambda(stock, function, event):
        try:
            return stock(function, event)
        except stepfunctions._ExecutionError as error:
            if error.error == "Lambda.Unknown" and _throttled(error.cause):
                raise stepfunctions._ExecutionError("Lambda.TooManyRequestsException", error.cause) from None
            raise


def _throttled(cause):
    try:
        return json.loads(cause).get("__type") == "TooManyRequestsException"
    except (ValueError, AttributeError):
        return False
