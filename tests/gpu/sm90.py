#!/usr/bin/env python3
"""The gate of the build's sm_90a kernels, by NVIDIA's disassembler: it fails on a spill that is not known, on an asynchronous copy
whose descriptor nobody wrote (nvcc makes such of cache hints: an illegal instruction on the card, see copy16_once() in
kernels/gpu/gpu.h), and on a stamped kernel whose waves all read the clock ahead of their work. Exit 77 where this build has no such
kernels or the disassembler could not be had (scripts/requirements-cuda.txt)."""
import os, pathlib, re, subprocess, sys

root = pathlib.Path(__file__).resolve().parents[2]
binary = pathlib.Path(os.environ.get("DS_BINARY_DIR", root / "build/release"))
source = pathlib.Path(os.environ.get("DS_SOURCE_DIR", root))
tools = source / ".deps/cuda_tools/nvidia/cu13/bin"
objects = {form: binary / f"generated/cuda_kernels_{form}.o" for form in ("plain", "stamped")}
if not all(o.exists() for o in objects.values()):
    print("skipped: this build has no sm_90a kernels")
    sys.exit(77)
if not (tools / "cuobjdump").exists():
    print("skipped: no disassembler in .deps/cuda_tools, see .deps/pip.log")
    sys.exit(77)

KNOWN_SPILLS = {"ds_moe_down_fp8": 12, "ds_moe_down_fp8_stamped": 4}  # bytes: three blocks a multiprocessor leave 80 registers
found = []


def spills(usage):
    kernel = None
    for line in usage.read_text().splitlines():
        if m := re.search(r"Function properties for (\w+)", line):
            kernel = m.group(1)
        elif m := re.search(r"(\d+) bytes spill stores, (\d+) bytes spill loads", line):
            if max(int(m.group(1)), int(m.group(2))) > KNOWN_SPILLS.get(kernel, 0):
                found.append(f"{kernel} spills: {line.strip()}")


def instructions(path):
    """(kernel, instruction) in the order of the code."""
    environment = dict(os.environ, PATH=f"{tools}:{os.environ['PATH']}")
    text = subprocess.run([tools / "cuobjdump", "-sass", path], capture_output=True, text=True, check=True, env=environment).stdout
    kernel = None
    for line in text.splitlines():
        if m := re.search(r"Function : (\S+)", line):
            kernel = m.group(1)
        elif m := re.match(r"\s+/\*[0-9a-f]{4,6}\*/\s+(.*?)\s*;", line):
            yield kernel, m.group(1)


def look_at(path):
    """How many kernels, how many of them with asynchronous copies."""
    kernels, copying, written, since_wait = set(), set(), set(), None
    for kernel, text in instructions(path):
        if kernel not in kernels:
            kernels.add(kernel)
            written, since_wait = set(), None
        if m := re.search(r"LDGSTS\S* .*desc\[UR(\d+)\]", text):
            copying.add(kernel)
            if not {int(m.group(1)), int(m.group(1)) + 1} <= written:
                found.append(f"{kernel}: a descriptor that nothing wrote, {text}")
        elif m := re.match(r"(?:@!?U?P\w+ )?([A-Z][\w.]*) (?:UP?\w+, )?UR(\d+)", text):
            written |= {int(m.group(2)), int(m.group(2)) + 1} if ".64" in m.group(1) or ".WIDE" in m.group(1) else {int(m.group(2))}
        if "ACQBULK" in text:
            since_wait = 0
        elif since_wait is not None:
            since_wait += 1
            if "SR_GLOBALTIMERLO" in text:
                if since_wait <= 12 and not text.startswith("@") and "clock_reads" not in kernel:  # that one is about reading it
                    found.append(f"{kernel}: every wave reads the clock behind its wait, {text}")
                since_wait = None
    return len(kernels), len(copying)


for form, path in objects.items():
    spills(path.with_name(path.name + ".usage"))
    kernels, copying = look_at(path)
    print(f"{form}: {kernels} kernels, {copying} of them copy asynchronously")
    if not kernels or not copying:
        found.append(f"{path}: nothing in it was understood")
print("\n".join(found) if found else "no unknown spill, every copy's descriptor is written, one wave of a block reads the clock")
sys.exit(1 if found else 0)
