#!/usr/bin/env python3
"""survive.py [--lost] PROGRAM serve --stdio: one engine host over its messages, with DECODESCOPE_GPU_FAULT in its
environment. First a start on the GPU that goes wrong, then another: on the GPU, or with --lost on the CPU, since CUDA keeps
the error of a lost device for the process. Says how it went in one line; exit code 1 when the host did not live on."""
import json, os, subprocess, sys, time

lost = sys.argv[1] == "--lost"
command = sys.argv[2 if lost else 1:]
clean = {k: v for k, v in os.environ.items() if k != "DECODESCOPE_GPU_FAULT"}


def ask(*arguments):
    out = subprocess.run([command[0], *arguments, "--db", "/tmp/survive.db", "--json"], capture_output=True, text=True, env=clean, check=True).stdout
    return json.loads(out)


run = ask("record", "--backend", "cpu", "--model", "tiny", "--batch", "2", "--context", "100", "--max-context", "512", "--steps", "2", "--warmup", "0")["run"]
spec = ask("show", str(run))["spec"]
spec["toggles"]["launch"] = "eager"
host = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def start(backend):
    host.stdin.write(json.dumps({"type": "start", "spec": dict(spec, backend=backend)}) + "\n")
    host.stdin.flush()


def until(what, seconds=60):
    end = time.time() + seconds
    while time.time() < end:
        line = host.stdout.readline()
        if not line:
            sys.exit("the host has ended")
        reply = json.loads(line)
        if reply["type"] in ("failed", "refused"):
            print(reply["type"] + ":", reply["error"]["what"] + ",", reply["error"]["where"], file=sys.stderr)
        if what(reply):
            return reply
    sys.exit("nothing more was said")


start("cuda")
until(lambda r: r["type"] in ("failed", "refused"))
start("cpu" if lost else "cuda")
until(lambda r: r["type"] == "step_done")
print("failed, then running on the CPU" if lost else "failed or refused, then running")
host.stdin.write('{"type": "bye"}\n')
host.stdin.close()
host.stdout.read()
sys.exit(0 if host.wait(30) == 0 else 1)
