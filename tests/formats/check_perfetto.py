#!/usr/bin/env python3
"""The Perfetto export against the schema of the PyPI package `perfetto`: every field known, every reference resolved,
times and waits as in the Kineto export of the same trace. Usage: check_perfetto.py (run by ctest).
Exit 77 where the package is absent: it is no dependency of the build."""
import gzip, json, os, pathlib, subprocess, sys, tempfile
sys.path.insert(0, str(pathlib.Path(os.environ["DS_SOURCE_DIR"]) / ".deps/python"))   # scripts/setup.sh tests
try:
    from perfetto.protos.perfetto.trace import perfetto_trace_pb2 as schema
except ImportError:
    print("the Python package perfetto is not installed: scripts/setup.sh tests brings it, or pip install perfetto")
    sys.exit(77)

program = pathlib.Path(os.environ["DS_BINARY_DIR"]) / "decodescope-record"
shared = pathlib.Path(os.environ["DS_SHARED_DIR"]) / "traces"
if not shared.exists():
    print("no published traces on this machine")
    sys.exit(77)
folder = pathlib.Path(tempfile.mkdtemp())


def unknown(message, path=""):
    """Fields that the schema does not have; 3000 on a TrackEvent is the GPU extension, which the package lacks."""
    from google.protobuf.unknown_fields import UnknownFieldSet
    for field in UnknownFieldSet(message):
        if not (path.endswith("track_event") and field.field_number == 3000):
            yield f"{path}: {field.field_number}"
    for descriptor, value in message.ListFields():
        if descriptor.type == descriptor.TYPE_MESSAGE:
            for item in (value if descriptor.is_repeated else [value]):
                yield from unknown(item, path + "/" + descriptor.name)


for name in ["torch_h200_graph_2stream.json.gz", "kineto_v100_tracediff_test_us_neg.json.gz", "rocprofv3_mi350x_train_5queues.json.gz"]:
    out, kineto = folder / "x.pftrace", folder / "x.json"
    for target in (out, kineto):
        subprocess.run([program, "export", shared / name, "--to", target, "--db", folder / "s.db"], check=True, stdout=subprocess.DEVNULL)
    trace = schema.Trace()
    trace.ParseFromString(out.read_bytes())
    wrong = sorted(set(unknown(trace)))
    assert not wrong, f"{name}: fields the schema does not know: {wrong[:5]}"
    names, queues, tracks, open_slices, stages = {}, {}, set(), {}, []
    idle = 0
    for packet in trace.packet:
        names.update((n.iid, n.name) for n in packet.interned_data.event_names)
        queues.update((q.iid, q.name) for q in packet.interned_data.gpu_specifications)
        if packet.HasField("track_descriptor"):
            tracks.add(packet.track_descriptor.uuid)
        if packet.HasField("gpu_render_stage_event"):
            e = packet.gpu_render_stage_event
            assert e.hw_queue_iid in queues and e.stage_iid in queues and (e.name_iid == 0 or e.name_iid in names)
            stages.append((packet.timestamp, e.duration, names.get(e.name_iid, "")))
        if packet.HasField("track_event"):
            e = packet.track_event
            assert e.track_uuid in tracks
            stack = open_slices.setdefault(e.track_uuid, [])
            if e.type == e.TYPE_SLICE_BEGIN:
                assert not stack or stack[-1] <= packet.timestamp
                stack.append(packet.timestamp)
                idle += any(a.name == "evidence" for a in e.debug_annotations)
            else:
                assert stack.pop() <= packet.timestamp, "a slice ends before it begins"
    assert not any(open_slices.values()), "slices that do not end"
    events = json.loads(kineto.read_bytes(), parse_float=str, parse_int=str)["traceEvents"]
    ns = lambda us: int(us.replace(".", ""))
    wanted = [(ns(e["ts"]), ns(e["dur"]), e["name"]) for e in events if e["ph"] == "X" and e["cat"] in ("kernel", "gpu_memcpy", "gpu_memset")]
    assert sorted(stages) == sorted(wanted), f"{name}: render stages differ from the Kineto export"
    print(f"{name}: {len(stages)} render stages, {len(queues)} queues and stages, {idle} idle intervals, all fields known")
