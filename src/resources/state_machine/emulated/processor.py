#!/usr/bin/env python3
"""Stands in for payment-processor: what it does is in the payment's name, and each try leaves a mark."""

import json
import os
import urllib.request

API = f"http://{os.environ['AWS_LAMBDA_RUNTIME_API']}/2018-06-01/runtime/invocation"


def answer(request, path, body):
    url = f"{API}/{request}/{path}"
    urllib.request.urlopen(urllib.request.Request(url, json.dumps(body).encode())).read()


def error(kind, message):
    return "error", {"errorType": kind, "errorMessage": message}


def process(event):
    payment = event["record"]["dynamodb"]["Keys"]["paymentId"]["S"]
    marks = os.path.join(os.environ["MARKS"], payment)
    with open(marks, "a") as file:
        file.write(event["execution"] + "\n")
    with open(marks) as file:
        tries = len(file.readlines())
    behaviour = payment.split("-")[0]
    if behaviour == "never" or (behaviour == "flaky" and tries < 4):
        return error("Transient", "try again")
    if behaviour == "bad":
        return error("Permanent", "x" * 2000)
    if behaviour == "crash":
        os._exit(1)
    return "response", {"paymentId": payment, "processing": "processed"}


while True:
    with urllib.request.urlopen(f"{API}/next") as invocation:
        request = invocation.headers["Lambda-Runtime-Aws-Request-Id"]
        event = json.load(invocation)
    answer(request, *process(event))
