#!/usr/bin/env python3
"""Runs one fuzzer for a while from fresh seeds. Usage: run_fuzzer.py FORMAT SECONDS
Exit 77 where the fuzzers were not built (no clang-19); 1 with the input's place when one was found that breaks."""
import json, os, pathlib, re, shutil, sqlite3, subprocess, sys, tempfile, zlib

kind, seconds = sys.argv[1], int(sys.argv[2])
binary_dir, source_dir = pathlib.Path(os.environ["DS_BINARY_DIR"]), pathlib.Path(os.environ["DS_SOURCE_DIR"])
shared = pathlib.Path(os.environ["DS_SHARED_DIR"]) / "traces"
fuzzer = binary_dir / "tests" / "fuzz" / ("fuzz_bundle" if kind == "bundle" else "fuzz_import")
if not fuzzer.exists():
    print(f"{fuzzer.name} was not built: clang-19 with its fuzzer runtime is absent (apt-get install clang-19 libclang-rt-19-dev)")
    sys.exit(77)

KERNEL = {"ph": "X", "cat": "kernel", "name": "k", "pid": 0, "tid": 7, "ts": 1.5, "dur": 2.001, "args": {"device": 0, "stream": 7, "correlation": 3, "grid": [1, 2, 3]}}
KINETO = {"schemaVersion": 1, "deviceProperties": [{"id": 0, "name": "H200"}], "traceEvents": [
    KERNEL, {**KERNEL, "ts": 4, "cat": "gpu_memcpy"}, {**KERNEL, "cat": "cuda_runtime", "name": "cudaLaunchKernel", "ts": 0.5}, {"ph": "s", "id": 3, "cat": "ac2g", "ts": 0.6, "pid": 1, "tid": 1},
    {"ph": "f", "id": 3, "cat": "ac2g", "ts": 1.5, "pid": 0, "tid": 7}, {"ph": "M", "name": "thread_name", "pid": 0, "tid": 7, "ts": 0, "args": {"name": "s"}}]}
DISPATCH = {"kind": 1, "operation": 1, "thread_id": 7, "correlation_id": {"internal": 1}, "start_timestamp": 10, "end_timestamp": 20,
            "dispatch_info": {"agent_id": {"handle": 4}, "queue_id": {"handle": 1}, "kernel_id": 1, "workgroup_size": {"x": 64, "y": 1, "z": 1}, "grid_size": {"x": 100, "y": 1, "z": 1}}}
ROCPROF = {"rocprofiler-sdk-tool": [{"metadata": {"pid": 1, "node": {"machine_id": "m"}}, "agents": [{"id": {"handle": 4}, "type": 2, "product_name": "g", "node_id": 1}],
           "strings": {"buffer_records": [{"kind": "NONE", "operations": []}, {"kind": "HIP_EVENT", "operations": ["N", "HIP_EVENT_WAIT"]}], "marker_api": [{"key": 1, "value": "s"}]},
           "kernel_symbols": [{"kernel_id": 1, "formatted_kernel_name": "k", "arch_vgpr_count": 8}], "buffer_records": {
               "kernel_dispatch": [DISPATCH, {**DISPATCH, "start_timestamp": 30, "end_timestamp": 40}], "hip_api": [{"kind": 1, "operation": 1, "correlation_id": {"internal": 1}, "start_timestamp": 1, "end_timestamp": 2}],
               "memory_copy": [{"kind": 1, "operation": 1, "dst_agent_id": {"handle": 4}, "src_agent_id": {"handle": 1}, "bytes": 4, "start_timestamp": 50, "end_timestamp": 60}],
               "hip_event": [{"kind": 1, "operation": 1, "agent_id": {"handle": 4}, "queue_id": {"handle": 1}, "source_queue_id": {"handle": 2}, "start_timestamp": 22, "end_timestamp": 28}]}}]}


def sqlite_bytes(statements):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "x.db")
        db = sqlite3.connect(path)
        db.execute("PRAGMA page_size = 512")
        db.executescript(statements)
        db.commit()
        db.close()
        return pathlib.Path(path).read_bytes()


RPD = """CREATE TABLE rocpd_string (id INTEGER PRIMARY KEY, string TEXT); INSERT INTO rocpd_string VALUES (1,'k'),(2,'KernelExecution'),(3,'CopyHostToDevice'),(4,'hipLaunchKernel');
CREATE TABLE rocpd_op (id INTEGER PRIMARY KEY, gpuId INT, queueId INT, start INT, end INT, description_id INT, opType_id INT); INSERT INTO rocpd_op VALUES (1,0,0,10,20,1,2),(2,0,0,20,30,1,3);
CREATE TABLE rocpd_api (id INTEGER PRIMARY KEY, pid INT, tid INT, start INT, end INT, apiName_id INT, args_id INT); INSERT INTO rocpd_api VALUES (1,1,1,1,2,4,1);
CREATE TABLE rocpd_api_ops (id INTEGER PRIMARY KEY, api_id INT, op_id INT); INSERT INTO rocpd_api_ops VALUES (1,1,1);
CREATE TABLE rocpd_kernelapi (api_ptr_id INTEGER PRIMARY KEY, gridX INT, gridY INT, gridZ INT, workgroupX INT, workgroupY INT, workgroupZ INT); INSERT INTO rocpd_kernelapi VALUES (1,1,1,1,64,1,1);"""
NSYS = """CREATE TABLE StringIds (id INTEGER PRIMARY KEY, value TEXT); INSERT INTO StringIds VALUES (1,'k'),(2,'cudaLaunchKernel');
CREATE TABLE CUPTI_ACTIVITY_KIND_KERNEL (start INT, end INT, deviceId INT, streamId INT, correlationId INT, globalPid INT, demangledName INT, gridX INT, blockX INT, graphNodeId INT);
INSERT INTO CUPTI_ACTIVITY_KIND_KERNEL VALUES (10,20,0,7,1,281474993487872,1,1,64,NULL),(20,30,0,8,1,281474993487872,1,1,64,5);
CREATE TABLE CUPTI_ACTIVITY_KIND_RUNTIME (start INT, end INT, globalTid INT, correlationId INT, nameId INT); INSERT INTO CUPTI_ACTIVITY_KIND_RUNTIME VALUES (1,2,281474993487873,1,2);
CREATE TABLE NVTX_EVENTS (start INT, end INT, eventType INT, text TEXT, globalTid INT); INSERT INTO NVTX_EVENTS VALUES (1,40,59,'step',1);
CREATE TABLE CUPTI_ACTIVITY_KIND_GRAPH_TRACE (start INT, end INT, deviceId INT, streamId INT, correlationId INT, globalPid INT, graphId INT); INSERT INTO CUPTI_ACTIVITY_KIND_GRAPH_TRACE VALUES (50,60,0,7,1,0,1);"""
ROCPD = """CREATE TABLE rocpd_string_u (id INTEGER PRIMARY KEY, string TEXT); INSERT INTO rocpd_string_u VALUES (1,'HIP_RUNTIME_API'),(2,'hipLaunchKernel');
CREATE TABLE rocpd_info_agent_u (id INTEGER PRIMARY KEY, nid INT, type TEXT, absolute_index INT, product_name TEXT); INSERT INTO rocpd_info_agent_u VALUES (2,1,'GPU',2,'g');
CREATE TABLE rocpd_info_kernel_symbol_u (id INTEGER PRIMARY KEY, display_name TEXT); INSERT INTO rocpd_info_kernel_symbol_u VALUES (1,'k');
CREATE TABLE rocpd_event_u (id INTEGER PRIMARY KEY, category_id INT, stack_id INT, extdata TEXT); INSERT INTO rocpd_event_u VALUES (1,1,9,'{}');
CREATE TABLE rocpd_track_u (id INTEGER PRIMARY KEY, agent_id INT, queue_id INT, tid INT); INSERT INTO rocpd_track_u VALUES (1,2,1,7);
CREATE TABLE rocpd_kernel_dispatch_u (id INTEGER PRIMARY KEY, track_id INT, kernel_id INT, start INT, end INT, workgroup_size_x INT, grid_size_x INT, event_id INT); INSERT INTO rocpd_kernel_dispatch_u VALUES (1,1,1,10,20,64,640,1);
CREATE TABLE rocpd_region_u (id INTEGER PRIMARY KEY, track_id INT, start INT, end INT, name_id INT, event_id INT); INSERT INTO rocpd_region_u VALUES (1,1,1,2,2,1);"""
CSV = '"Kind","Agent_Id","Queue_Id","Kernel_Name","Correlation_Id","Start_Timestamp","End_Timestamp","Workgroup_Size_X","Grid_Size_X"\n"KERNEL_DISPATCH","Agent 4",1,"k(int, ""x"")",1,10,20,64,640\n"KERNEL_DISPATCH","Agent 4",1,"k",1,20,30,64,640\n'


def gzipped(data):
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    return packer.compress(data) + packer.flush()


SEEDS = {
    "kineto": [json.dumps(KINETO).encode(), json.dumps(KINETO["traceEvents"]).encode(), gzipped(json.dumps(KINETO).encode())],
    "rocprof_json": [json.dumps(ROCPROF).encode(), json.dumps(ROCPROF, indent=1).encode()],
    "rocprof_csv": [CSV.encode(), b"Kind,Direction,Source_Agent_Id,Destination_Agent_Id,Start_Timestamp,End_Timestamp\nM,HOST_TO_DEVICE,0,1,1,2\n", b"Domain,Function,Thread_Id,Correlation_Id,Start_Timestamp,End_Timestamp\nHIP,f,1,1,1,2\n"],
    "rpd": [sqlite_bytes(RPD)],
    "nsys": [sqlite_bytes(NSYS)],
    "rocpd": [sqlite_bytes(ROCPD)],
    "bundle": [(source_dir / "assets" / "samples" / "published_layers.decodescope").read_bytes()],
}
WORDS = {"kineto": ["traceEvents", "ph", "cat", "kernel", "gpu_memcpy", "gpu_memset", "cuda_runtime", "user_annotation", "ac2g", "name", "pid", "tid", "ts", "dur", "args", "stream", "device", "correlation", "id", "decodescope",
                    "edges", "origin_ns", "thread_name", "NaN", "1e308", "-0.001", "9223372036854775807", "}, {", "]}"],
         "rocprof_json": ["rocprofiler-sdk-tool", "buffer_records", "kernel_dispatch", "hip_event", "memory_copy", "handle", "internal", "start_timestamp", "end_timestamp", "kernel_id", "18446744073709551615"],
         "rocprof_csv": ["Kernel_Name", "Start_Timestamp", "End_Timestamp", "Direction", "Function", "\\\"\\\"", "Agent "]}

folder = pathlib.Path(tempfile.mkdtemp(prefix=f"fuzz-{kind}-"))
corpus, found = folder / "corpus", folder / "found"
corpus.mkdir()
found.mkdir()
seeds = list(SEEDS[kind])
small = {"kineto": ["edge_kineto_*", "seed_layer_mi355x_single*"], "rocprof_csv": ["*.csv"]}.get(kind, [])
for pattern in small:
    seeds += [path.read_bytes() for path in sorted(shared.glob(pattern)) if path.stat().st_size < 12_000]
for i, seed in enumerate(seeds):
    (corpus / f"seed{i}").write_bytes(seed)
options = [f"-max_total_time={seconds}", "-timeout=25", "-rss_limit_mb=2500", f"-max_len={max(4096, 2 * max(map(len, seeds)))}", "-print_final_stats=1", f"-artifact_prefix={found}/"]
if kind in WORDS:
    (folder / "words").write_text("".join('"' + word + '"\n' for word in WORDS[kind]))
    options.append(f"-dict={folder}/words")
run = subprocess.run([fuzzer, *options, corpus], capture_output=True, text=True, errors="replace", env={**os.environ, **({"FUZZ_SQLITE": "1"} if kind in ("rpd", "nsys", "rocpd", "bundle") else {}), "ASAN_OPTIONS": "detect_leaks=0:allocator_may_return_null=0", "UBSAN_OPTIONS": "print_stacktrace=1"})
runs, coverage = re.findall(r"number_of_executed_units: (\d+)", run.stderr), re.findall(r"cov: (\d+)", run.stderr)
print(f"{kind}: {runs[-1] if runs else '?'} inputs in {seconds} s from {len(seeds)} seeds, coverage {coverage[-1] if coverage else '?'} edges, {len(list(corpus.iterdir()))} inputs worth keeping")
if run.returncode != 0 or list(found.iterdir()):
    kept = binary_dir / "fuzz_found" / kind
    kept.mkdir(parents=True, exist_ok=True)
    for path in found.iterdir():
        shutil.copy(path, kept)
        print(f"breaks: {kept / path.name}, {path.stat().st_size} bytes")
    report = re.search(r"(==\d+==ERROR|runtime error|broken promise|libFuzzer: timeout)", run.stderr)
    print(run.stderr[max(0, report.start() - 300) if report else -4000:][:5000])
    sys.exit(1)
shutil.rmtree(folder)
