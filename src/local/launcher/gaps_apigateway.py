"""API Gateway REST: the whole API from one OpenAPI body, and deployments that mean something."""

import contextvars
import copy
import json

from ministack.services import apigateway_v1 as gateway
from replace import replace

PREFIX = "x-amazon-apigateway-"
# What the API looked like when it was deployed; kept in the deployment so that it is saved with it.
SNAPSHOT = "deployedResources"
# Quotas of API Gateway (a request) and Lambda (an event), in bytes.
LARGEST_REQUEST = 10 << 20
LARGEST_EVENT = 6 << 20
_deployed = contextvars.ContextVar("deployed resources", default=None)


def fill():
    _fill_put_rest_api()
    _fill_tags()
    _fill_stages_and_deployments()
    _fill_binary_bodies()
    _fill_size_limits()


def _fill_put_rest_api():
    """Gap: PutRestApi is unknown; the API cannot be made or changed by its OpenAPI body."""

    @replace(gateway, "handle_request")
    async def handle_request(stock, method, path, headers, body, query):
        parts = path.strip("/").split("/")
        if method == "PUT" and len(parts) == 2 and parts[0] == "restapis":
            return _put_rest_api(parts[1], body, query)
        return await stock(method, path, headers, body, query)


def _put_rest_api(api_id, body, query):
    api = gateway._rest_apis.get(api_id)
    if api is None:
        return gateway._v1_error("NotFoundException", "Invalid API identifier specified", 404)
    mode = query.get("mode", ["merge"])
    if (mode[0] if isinstance(mode, list) else mode) != "overwrite":
        return gateway._v1_error("BadRequestException", "only mode=overwrite is known here", 400)
    try:
        spec = json.loads(body)
        if not str(spec["openapi"]).startswith("3.") or not isinstance(spec["paths"], dict) or not spec["info"]["title"]:
            raise ValueError
    except (ValueError, KeyError, TypeError):
        return gateway._v1_error("BadRequestException", "Invalid OpenAPI input.", 400)
    _describe(api, spec)
    validators = _put_validators(api_id, spec)
    _put_models(api_id, spec)
    _put_gateway_responses(api_id, spec)
    _put_paths(api_id, spec, validators)
    gateway._rest_apis[api_id] = api
    return gateway._v1_response(gateway._rest_api_view(api))


def _describe(api, spec):
    api["name"] = spec["info"]["title"]
    api["description"] = spec["info"].get("description", "")
    api["version"] = str(spec["info"].get("version", ""))
    api["binaryMediaTypes"] = spec.get(PREFIX + "binary-media-types", [])
    api["minimumCompressionSize"] = spec.get(PREFIX + "minimum-compression-size")
    api["apiKeySource"] = spec.get(PREFIX + "api-key-source", "HEADER")
    api["policy"] = spec.get(PREFIX + "policy")


def _put_validators(api_id, spec):
    """Makes the declared validators and returns their ids by name; one that stays the same keeps its id."""
    known = {one["name"]: one for one in gateway._request_validators.get(api_id, {}).values()}
    gateway._request_validators[api_id] = {}
    ids = {}
    for name, settings in spec.get(PREFIX + "request-validators", {}).items():
        one = {
            "id": known[name]["id"] if name in known else gateway._new_id()[:6],
            "name": name,
            "validateRequestBody": bool(settings.get("validateRequestBody")),
            "validateRequestParameters": bool(settings.get("validateRequestParameters")),
        }
        gateway._request_validators[api_id][one["id"]] = one
        ids[name] = one["id"]
    return ids


def _put_models(api_id, spec):
    gateway._models[api_id] = {}
    for name, schema in ((spec.get("components") or {}).get("schemas") or {}).items():
        gateway._create_model(api_id, {"name": name, "schema": json.dumps(schema)})


def _put_gateway_responses(api_id, spec):
    gateway._gateway_responses[api_id] = {}
    for kind, settings in spec.get(PREFIX + "gateway-responses", {}).items():
        gateway._put_gateway_response(api_id, kind, settings)


def _put_paths(api_id, spec, validators):
    """Makes the resource tree anew; a path that was there before keeps its resource id."""
    before = {one["path"]: one for one in gateway._resources.get(api_id, {}).values()}
    root = {**before["/"], "resourceMethods": {}}
    gateway._resources[api_id] = {root["id"]: root}
    made = {"/": root}
    for path, item in spec["paths"].items():
        resource = _put_path(api_id, made, before, path)
        shared = item.get("parameters", [])
        for verb, operation in item.items():
            name = "ANY" if verb == PREFIX + "any-method" else verb.upper()
            if name == "ANY" or verb in gateway._OPENAPI_HTTP_METHODS:
                _put_operation(api_id, resource["id"], name, spec, operation, shared, validators)


def _put_path(api_id, made, before, path):
    if path in made:
        return made[path]
    parent_path, _, part = path.rpartition("/")
    parent = _put_path(api_id, made, before, parent_path or "/")
    resource = {
        "id": before[path]["id"] if path in before else gateway._new_id()[:8],
        "parentId": parent["id"],
        "pathPart": part,
        "path": path,
        "resourceMethods": {},
    }
    gateway._resources[api_id][resource["id"]] = made[path] = resource
    return resource


def _put_operation(api_id, resource_id, verb, spec, operation, shared, validators):
    parameters = {_parameter(one): bool(one.get("required")) for one in [*shared, *operation.get("parameters", [])]}
    validator = operation.get(PREFIX + "request-validator", spec.get(PREFIX + "request-validator"))
    contents = (operation.get("requestBody") or {}).get("content") or {}
    gateway._put_method(api_id, resource_id, verb, {
        "operationName": operation.get("operationId", ""),
        "requestParameters": parameters,
        "requestModels": {kind: _model(one) for kind, one in contents.items() if _model(one)},
        "requestValidatorId": validators.get(validator),
    })
    for status, response in (operation.get("responses") or {}).items():
        contents = response.get("content") or {}
        models = {kind: _model(one) for kind, one in contents.items() if _model(one)}
        gateway._put_method_response(api_id, resource_id, verb, status, {"responseModels": models})
    integration = operation.get(PREFIX + "integration")
    if integration:
        _put_integration(api_id, resource_id, verb, integration)


def _put_integration(api_id, resource_id, verb, integration):
    wanted = dict(integration)
    wanted["type"] = integration["type"].upper()
    if "passthroughBehavior" in wanted:
        wanted["passthroughBehavior"] = wanted["passthroughBehavior"].upper()
    gateway._put_integration(api_id, resource_id, verb, wanted)
    for pattern, response in (integration.get("responses") or {}).items():
        selection = "" if pattern == "default" else pattern
        answer = {**response, "selectionPattern": selection}
        gateway._put_integration_response(api_id, resource_id, verb, str(response["statusCode"]), answer)


def _parameter(declared):
    places = {"query": "querystring", "header": "header", "path": "path"}
    return f"method.request.{places[declared['in']]}.{declared['name']}"


def _model(content):
    return (content.get("schema") or {}).get("$ref", "").rpartition("#/components/schemas/")[2]


def _fill_stages_and_deployments():
    """Gaps: a second CreateStage overwrites the first, a deployment in use can be deleted, and a stage serves the
    API as it is now instead of as it was deployed."""

    @replace(gateway, "_create_stage")
    def _create_stage(stock, api_id, data):
        if data.get("stageName") in gateway._stages_v1.get(api_id, {}):
            return gateway._v1_error("ConflictException", "Stage already exists", 409)
        return stock(api_id, data)

    @replace(gateway, "_delete_deployment")
    def _delete_deployment(stock, api_id, deployment_id):
        stages = gateway._stages_v1.get(api_id, {}).values()
        if any(stage["deploymentId"] == deployment_id for stage in stages):
            said = "Active stages pointing to this deployment must be moved or deleted"
            return gateway._v1_error("BadRequestException", said, 400)
        return stock(api_id, deployment_id)

    @replace(gateway, "_create_deployment")
    def _create_deployment(stock, api_id, data):
        answer = stock(api_id, data)
        if answer[0] == 201:
            deployment = gateway._deployments_v1[api_id][json.loads(answer[2])["id"]]
            deployment[SNAPSHOT] = copy.deepcopy(gateway._resources.get(api_id, {}))
        return answer

    @replace(gateway, "_v1_response")
    def _v1_response(stock, data, status=200):
        hidden = data
        if isinstance(data, dict):
            hidden = {key: value for key, value in data.items() if key != SNAPSHOT}
        return stock(hidden, status)

    @replace(gateway, "_v1_paginated_response")
    def _v1_paginated_response(stock, items, query):
        return stock([{key: value for key, value in one.items() if key != SNAPSHOT} for one in items], query)

    @replace(gateway, "_execute_in_scope")
    async def _execute_in_scope(stock, request, api_id, stage_name, *rest):
        stage = gateway._stages_v1.get(api_id, {}).get(stage_name) or {}
        deployment = gateway._deployments_v1.get(api_id, {}).get(stage.get("deploymentId")) or {}
        token = _deployed.set(deployment.get(SNAPSHOT))
        try:
            return await stock(request, api_id, stage_name, *rest)
        finally:
            _deployed.reset(token)

    @replace(gateway, "_match_resource_tree")
    def _match_resource_tree(stock, api_id, segments):
        deployed = _deployed.get()
        if not deployed:
            return stock(api_id, segments)
        root = next(one for one in deployed.values() if one["path"] == "/")
        return gateway._match_recursive(deployed, root["id"], segments, {}) if segments else (root, {})


def _fill_tags():
    """Gap: the tags a stage is made with and those GetTags answers are two sets, as are those of GetRestApi."""

    @replace(gateway, "_create_stage")
    def _create_stage(stock, api_id, data):
        answer = stock(api_id, data)
        if answer[0] == 201:
            arn = f"{gateway._rest_api_arn(api_id)}/stages/{data['stageName']}"
            gateway._v1_tags[arn] = dict(data.get("tags") or {})
        return answer

    for name in ("_tag_v1_resource", "_untag_v1_resource"):

        @replace(gateway, name)
        def change(stock, arn, *rest):
            answer = stock(arn, *rest)
            if answer[0] == 204 and "/restapis/" in arn:
                _described(arn)["tags"] = dict(gateway._v1_tags.get(arn, {}))
            return answer


def _described(arn):
    """The API or stage that an ARN names, as its own read call describes it."""
    _, _, api_id, *stage = arn.split(":", 5)[5].split("/")
    return gateway._stages_v1[api_id][stage[1]] if stage else gateway._rest_apis[api_id]


def _fill_binary_bodies():
    """Gap: a body without content type is decoded as UTF-8 even under `*/*`, which destroys what is not UTF-8."""

    @replace(gateway, "_media_type_matches")
    def _media_type_matches(stock, media_type, binary_media_types):
        return stock(media_type or "application/json", binary_media_types)


def _fill_size_limits():
    """Gap: bodies beyond the quotas of API Gateway and Lambda go through."""

    @replace(gateway, "_invoke_lambda_proxy_v1")
    async def _invoke_lambda_proxy_v1(stock, *args, binary_media_types=None, **named):
        headers, body = args[7], args[8] or b""
        binary = gateway._media_type_matches(headers.get("content-type"), binary_media_types)
        event = (len(body) + 2) // 3 * 4 if binary else len(body)
        if len(body) > LARGEST_REQUEST or event > LARGEST_EVENT:
            return gateway._gw_error("REQUEST_TOO_LARGE", "Request Too Long")
        return await stock(*args, binary_media_types=binary_media_types, **named)
