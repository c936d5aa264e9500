"""Properties that the emulator forgets or invents when they are read back."""

import copy
import json

from ministack.core.responses import error_response_json, json_response
from ministack.services import cloudwatch, cloudwatch_logs, secretsmanager
from replace import replace


def fill():
    _fill_alarms()
    _fill_dashboard_times()
    _fill_log_group_keys()
    _fill_empty_secrets()


# What an alarm is described with only if it was put with it.
ONLY_AS_PUT = ("Metrics", "Statistic", "Period", "MetricName", "Namespace", "EvaluateLowSampleCountPercentile")


def _fill_alarms():
    """Gap: metric math is dropped and a statistic and period are invented for alarms that were put without them.

    The alarm itself keeps the invented values, which the emulator's own evaluation reads."""

    @replace(cloudwatch, "_put_metric_alarm")
    def _put_metric_alarm(stock, params, put, is_cbor, is_json=False):
        answer = stock(params, put, is_cbor, is_json)
        if answer[0] == 200 and put:
            cloudwatch._alarms[put["AlarmName"]]["asPut"] = copy.deepcopy({key: put.get(key) for key in ONLY_AS_PUT})
        return answer

    @replace(cloudwatch, "_cbor_alarm")
    def _cbor_alarm(stock, alarm):
        return _as_put(stock(alarm))

    @replace(cloudwatch, "_json_ok")
    def _json_ok(stock, answer):
        alarms = answer.get("MetricAlarms")
        return stock(answer if alarms is None else {**answer, "MetricAlarms": [_as_put(one) for one in alarms]})


def _as_put(alarm):
    described = {**alarm, **alarm.get("asPut", {})}
    return {key: value for key, value in described.items() if key != "asPut" and value is not None}


def _fill_dashboard_times():
    """Gap: dashboards are listed with a time that CBOR clients cannot read."""

    @replace(cloudwatch, "_cbor_ok")
    def _cbor_ok(stock, answer):
        boards = answer.get("DashboardEntries")
        return stock(answer if boards is None else {**answer, "DashboardEntries": [_readable(one) for one in boards]})


def _readable(board):
    written = cloudwatch._dashboards[board["DashboardName"]]["LastModified"]
    return {**board, "LastModified": cloudwatch._cbor_timestamp(written)}


def _fill_log_group_keys():
    """Gap: AssociateKmsKey and DisassociateKmsKey are unknown."""

    @replace(cloudwatch_logs, "handle_request")
    async def handle_request(stock, method, path, headers, body, query):
        action = headers.get("x-amz-target", "").rpartition(".")[2]
        if action not in ("AssociateKmsKey", "DisassociateKmsKey"):
            return await stock(method, path, headers, body, query)
        request = json.loads(body)
        group = cloudwatch_logs._log_groups.get(request.get("logGroupName"))
        if group is None:
            return error_response_json("ResourceNotFoundException", "The specified log group does not exist.", 400)
        group["kmsKeyId"] = request.get("kmsKeyId") if action == "AssociateKmsKey" else None
        return json_response({})


def _fill_empty_secrets():
    """Gaps: a secret made without a value has an empty one, and the name of a secret that waits for its deletion is
    refused as if the secret were alive."""

    @replace(secretsmanager, "_create_secret")
    def _create_secret(stock, data):
        if (secretsmanager._secrets.get(data.get("Name")) or {}).get("DeletedDate"):
            said = "You can't create this secret because a secret with this name is already scheduled for deletion."
            return error_response_json("InvalidRequestException", said, 400)
        answer = stock(data)
        if answer[0] == 200 and data.get("SecretString") is None and data.get("SecretBinary") is None:
            secretsmanager._secrets[data["Name"]]["Versions"].clear()
        return answer
