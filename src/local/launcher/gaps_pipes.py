"""EventBridge Pipes: what a pipe is told is stored, read back and obeyed."""

import copy
import datetime
import json
import re
import threading
import time

from ministack.core.arn import ArnParseError, parse_arn
from ministack.services import dynamodb, dynamodb_streams, eventbridge, pipes, sqs, stepfunctions
from replace import replace

STORED = ("SourceParameters", "TargetParameters", "LogConfiguration", "KmsKeyIdentifier", "Enrichment", "EnrichmentParameters")
POLL_SECONDS = 0.05
RETRY_SECONDS = 0.5
DEFAULT_BATCH = 100

# Set while the emulator stops: nothing new is started.
paused = threading.Event()

# Records of a pipe that were tried and not delivered: pipe ARN -> (position, attempts, not before).
_failing = {}


def fill():
    """Gap: CreatePipe and UpdatePipe drop every parameter; the poller delivers all records, unfiltered, as one batch."""

    @replace(pipes, "_create_pipe")
    def _create_pipe(stock, name, body):
        answer = stock(name, body)
        if answer[0] == 200:
            pipe = pipes._pipes[name]
            _store(pipe, body)
            start = _stream_parameters(pipe).get("StartingPosition", "LATEST")
            pipe["StartingPosition"] = start
            pipes._positions[pipe["Arn"]] = pipes._initial_position(pipe)
            pipes._pipes[name] = pipe
        return answer

    @replace(pipes, "_update_pipe")
    def _update_pipe(stock, name, body):
        answer = stock(name, body)
        if answer[0] == 200:
            pipe = pipes._pipes[name]
            _store(pipe, _with_fixed_start(pipe, body))
            pipes._pipes[name] = pipe
        return answer

    @replace(pipes, "_describe_response")
    def _describe_response(stock, pipe):
        return {**stock(pipe), **{key: pipe[key] for key in STORED if key in pipe}}

    @replace(pipes, "_poll_loop")
    def _poll_loop(_stock):
        while not paused.is_set():
            try:
                pipes._poll_once()
            except Exception:
                pipes.logger.exception("Pipes poller error")
            time.sleep(POLL_SECONDS)

    @replace(pipes, "_poll_pipe")
    def _poll_pipe(_stock, _ddb, pipe, account):
        source = pipes._dynamodb_stream_source(pipe.get("Source", ""))
        if pipe.get("CurrentState") == "RUNNING" and source and source[0].account_id == account:
            _poll(pipe, source[1], {"account_id": account, "region": source[0].region})


def _store(pipe, body):
    """Like UpdatePipe: what is not named stays, and each object of one service's parameters is replaced as a whole."""
    for key in STORED:
        given = copy.deepcopy(body.get(key))
        if given:
            pipe[key] = {**pipe.get(key, {}), **given} if key.endswith("Parameters") else given


def _with_fixed_start(pipe, body):
    """UpdatePipe cannot name a starting position: the one of the creation stays."""
    body = copy.deepcopy(body)
    update = (body.get("SourceParameters") or {}).get("DynamoDBStreamParameters")
    if update is not None:
        update["StartingPosition"] = pipe.get("StartingPosition", "LATEST")
    return body


def _stream_parameters(pipe):
    return (pipe.get("SourceParameters") or {}).get("DynamoDBStreamParameters") or {}


def _poll(pipe, table, scope):
    """Delivers what the stream holds for the pipe, one batch after the other, until nothing is left or one fails."""
    while not paused.is_set():
        position = max(int(pipes._positions.get(pipe["Arn"], 0)), dynamodb.stream_start_position(table, **scope))
        size = int(_stream_parameters(pipe).get("BatchSize") or DEFAULT_BATCH)
        records = dynamodb.stream_records_since(table, position, size, **scope)
        if not records:
            return
        wanted = [record for record in records if _wanted(pipe, record)]
        if wanted and not _deliver(pipe, position, wanted):
            return
        _failing.pop(pipe["Arn"], None)
        pipes._positions[pipe["Arn"]] = position + len(records)


def _wanted(pipe, record):
    filters = ((pipe.get("SourceParameters") or {}).get("FilterCriteria") or {}).get("Filters") or []
    if not filters:
        return True
    patterns = (eventbridge._compiled_pattern(one.get("Pattern") or "{}") for one in filters)
    return any(eventbridge._matches_detail(record, choice) for pattern in patterns for choice in pattern or [])


def _deliver(pipe, position, records):
    """True once the pipe is done with the records: delivered, or given up and named in the dead-letter queue."""
    limits = _stream_parameters(pipe)
    records, too_old = _split_by_age(records, int(limits.get("MaximumRecordAgeInSeconds", -1)))
    if too_old:
        _bury(pipe, too_old, "RecordAgeExceeded")
    if not records:
        return True
    failed_at, attempts, not_before = _failing.get(pipe["Arn"], (position, 0, 0))
    attempts = attempts if failed_at == position else 0
    if attempts and time.time() < not_before:
        return False
    failed = _send(pipe, records)
    if not failed:
        return True
    allowed = int(limits.get("MaximumRetryAttempts", -1))
    if allowed < 0 or attempts < allowed:
        _failing[pipe["Arn"]] = (position, attempts + 1, time.time() + RETRY_SECONDS)
        return False
    for group in failed:
        _bury(pipe, group, "RetryAttemptsExhausted")
    return True


def _split_by_age(records, limit):
    if limit < 0:
        return records, []
    oldest = time.time() - limit
    young = [record for record in records if record["dynamodb"]["ApproximateCreationDateTime"] >= oldest]
    return young, [record for record in records if record not in young]


def _send(pipe, records):
    """Hands the batch to the target; returns the groups that failed, halved down to single records if the pipe says so."""
    if _start(pipe, records):
        return []
    if _stream_parameters(pipe).get("OnPartialBatchItemFailure") != "AUTOMATIC_BISECT" or len(records) == 1:
        return [records]
    middle = len(records) // 2
    return _send(pipe, records[:middle]) + _send(pipe, records[middle:])


def _start(pipe, records):
    target = pipe.get("Target", "")
    if pipes._arn_service(target) != "states":
        return pipes._deliver_batch(pipe, records)
    parameters = (pipe.get("TargetParameters") or {}).get("StepFunctionStateMachineParameters") or {}
    template = (pipe.get("TargetParameters") or {}).get("InputTemplate")
    given = [_shape(template, record) for record in records] if template else records
    request = {"stateMachineArn": target, "input": json.dumps(given)}
    if parameters.get("InvocationType") == "REQUEST_RESPONSE":
        status, _, body = stepfunctions._start_sync_execution(request)
        return status < 400 and json.loads(body).get("status") == "SUCCEEDED"
    return stepfunctions._start_execution(request)[0] < 400


def _shape(template, record):
    """Gap: InputTemplate is ignored. JSON paths in angle brackets are filled in; quotes around a path make it text."""

    def value(match):
        found = record
        for name in match.group(1).split("."):
            found = found.get(name) if isinstance(found, dict) else None
        quoted = template.count('"', 0, match.start()) % 2
        return json.dumps(found)[1:-1] if quoted and isinstance(found, str) else json.dumps(found)

    return json.loads(re.sub(r"<\$\.([\w.-]+)>", value, template))


def _bury(pipe, records, condition):
    """The dead-letter message of AWS: it says where the records are in the stream, not what they hold."""
    queue = _queue((_stream_parameters(pipe).get("DeadLetterConfig") or {}).get("Arn", ""))
    if queue is None:
        pipes.logger.warning("Pipes %s: %s, %d record(s) dropped", pipe["Name"], condition, len(records))
        return
    arrivals = [_iso(record["dynamodb"]["ApproximateCreationDateTime"]) for record in records]
    message = {
        "context": {"partnerResourceArn": pipe["Arn"], "condition": condition},
        "version": "1.0",
        "timestamp": _iso(time.time()),
        "DDBStreamBatchInfo": {
            "shardId": dynamodb_streams._DEFAULT_SHARD_ID,
            "startSequenceNumber": records[0]["dynamodb"]["SequenceNumber"],
            "endSequenceNumber": records[-1]["dynamodb"]["SequenceNumber"],
            "approximateArrivalOfFirstRecord": arrivals[0],
            "approximateArrivalOfLastRecord": arrivals[-1],
            "batchSize": len(records),
            "streamArn": pipe["Source"],
        },
    }
    sqs._act_send_message({"MessageBody": json.dumps(message)}, queue)


def _queue(arn):
    try:
        spec = parse_arn(arn)
    except ArnParseError:
        return None
    return sqs._queue_name_to_url.get(spec.resource)


def _iso(seconds):
    moment = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
