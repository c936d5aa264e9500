"""Starts the pinned emulator with its gaps filled, as a process of its own that outlives its starter.

usage: launcher.py DIRECTORY DIGEST   (settings of the emulator itself come from the environment)
"""

import importlib.metadata
import json
import os
import subprocess
import sys

PINNED = "1.5.33"


def identity(pid):
    """Names this start of `pid`; must make the same text as `started` in process.rs."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as stat:
            ticks = stat.read().rpartition(") ")[2].split(" ")[19]
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as boot:
            return f"{boot.read().strip()}:{ticks}"
    except OSError:
        command = ["ps", "-o", "lstart=", "-p", str(pid)]
        said = subprocess.run(command, capture_output=True, text=True, env={"LC_ALL": "C", "PATH": os.environ["PATH"]})
        return said.stdout.strip()


def write_pid_file(directory):
    record = {"pid": os.getpid(), "started": identity(os.getpid()), "port": int(os.environ["GATEWAY_PORT"])}
    path = os.path.join(directory, "emulator.pid")
    with open(path + ".new", "w", encoding="utf-8") as file:
        json.dump(record, file)
    os.replace(path + ".new", path)


def sign_health(app, directory, digest):
    """The health answer says who started the emulator and where it keeps its state."""
    stock = app._handle_health_request

    def signed(path, request_id):
        answer = stock(path, request_id)
        if answer is None:
            return None
        status, headers, body = answer
        payhook = {"pid": os.getpid(), "dir": directory, "launcher": digest}
        return status, headers, json.dumps({**json.loads(body), "payhook": payhook}).encode()

    app._handle_health_request = signed


def main():
    directory, digest = sys.argv[1:3]
    sys.argv[1:] = []
    # A session of its own: neither Ctrl-C nor the end of the terminal reaches the emulator.
    os.setsid()
    found = importlib.metadata.version("ministack")
    if found != PINNED:
        sys.exit(f"ministack {found} is installed, but the gap fills are written for {PINNED} and fit no other version")
    write_pid_file(directory)
    # Isolated Python leaves the script's own directory out of the path.
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    import gaps_apigateway
    import gaps_control_plane
    import gaps_lambda
    import gaps_permissions
    import gaps_pipes
    import gaps_restart
    import gaps_stepfunctions
    import gaps_tagging
    from ministack import app

    for gaps in (
        gaps_apigateway,
        gaps_control_plane,
        gaps_lambda,
        gaps_permissions,
        gaps_pipes,
        gaps_restart,
        gaps_stepfunctions,
        gaps_tagging,
    ):
        gaps.fill()
    sign_health(app, directory, digest)
    app.main()


if __name__ == "__main__":
    main()
