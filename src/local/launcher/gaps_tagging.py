"""The search by tags: services whose resources it leaves out."""

from ministack.services import (
    apigateway_v1,
    cloudwatch,
    cloudwatch_logs,
    pipes,
    secretsmanager,
    stepfunctions,
    tagging,
)


def fill():
    """Gap: GetResources lists no alarms, log groups, secrets, state machines, pipes, APIs and stages."""
    tagging._COLLECTORS.update(
        {
            "apigateway": _apis,
            "cloudwatch": _alarms,
            "logs": _log_groups,
            "pipes": _pipes,
            "secretsmanager": _secrets,
            "states": _state_machines,
        }
    )


def _listed(tags):
    return [{"Key": key, "Value": value} for key, value in (tags or {}).items()]


def _apis():
    for api_id, api in apigateway_v1._rest_apis.items():
        arn = apigateway_v1._rest_api_arn(api_id)
        yield arn, _listed(apigateway_v1._v1_tags.get(arn) or api.get("tags"))
        for name, stage in apigateway_v1._stages_v1.get(api_id, {}).items():
            of_stage = f"{arn}/stages/{name}"
            yield of_stage, _listed({**(stage.get("tags") or {}), **apigateway_v1._v1_tags.get(of_stage, {})})


def _alarms():
    for alarm in cloudwatch._alarms.values():
        yield alarm["AlarmArn"], _listed(cloudwatch._resource_tags.get(alarm["AlarmArn"]))


def _log_groups():
    for group in cloudwatch_logs._log_groups.values():
        yield group["arn"].removesuffix(":*"), _listed(group.get("tags"))


def _pipes():
    for pipe in pipes._pipes.values():
        yield pipe["Arn"], _listed(pipe.get("Tags"))


def _secrets():
    for secret in secretsmanager._secrets.values():
        yield secret["ARN"], secret.get("Tags") or []


def _state_machines():
    for arn, tags in stepfunctions._tags.items():
        yield arn, [{"Key": tag["key"], "Value": tag["value"]} for tag in tags]
