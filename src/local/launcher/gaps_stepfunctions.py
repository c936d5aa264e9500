"""Step Functions: tracing that reads back, the delays a retrier asks for, throttles under their own name, and express
workflows that keep no executions."""

import json
import random
import uuid

from ministack.services import stepfunctions
from replace import replace


def fill():
    _fill_tracing()
    _fill_retry_delays()
    _fill_throttles()
    _fill_express()


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


def _fill_express():
    """Gap: an express workflow is run as a standard one: its executions have unique names, are listed and described."""

    @replace(stepfunctions, "_start_execution")
    def _start_execution(stock, data):
        if not _is_express(data.get("stateMachineArn")):
            return stock(data)
        name = data.get("name") or str(uuid.uuid4())
        status, headers, body = stock({**data, "name": f"{name}:{uuid.uuid4()}"})
        return status, headers, body.replace(b":execution:", b":express:")

    @replace(stepfunctions, "_run_execution")
    def _run_execution(stock, arn):
        execution = stepfunctions._executions.get(arn)
        if not execution or not _is_express(execution["stateMachineArn"]):
            return stock(arn)
        known = arn.replace(":execution:", ":express:")
        execution["executionArn"] = known
        stepfunctions._executions[known] = execution
        stepfunctions._executions.pop(arn, None)
        try:
            return stock(known)
        finally:
            stepfunctions._executions.pop(known, None)

    @replace(stepfunctions, "_emit_execution_status_event")
    def _emit_execution_status_event(stock, execution):
        if not _is_express(execution["stateMachineArn"]):
            stock(execution)

    @replace(stepfunctions, "_list_executions")
    def _list_executions(stock, data):
        if not _is_express(data.get("stateMachineArn")):
            return stock(data)
        return stepfunctions.error_response_json(
            "StateMachineTypeNotSupported", "This operation is not supported by this type of state machine", 400
        )


def _is_express(arn):
    return (stepfunctions._state_machines.get(arn) or {}).get("type") == "EXPRESS"
