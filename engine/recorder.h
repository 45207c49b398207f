// Recorder: stamps of steps (engine/executor.h) into a trace::Trace: of the host's clock, or on a GPU of the
// events around each op of an eager step, which hold what lies between two launches too. Events are named by
// op key; each carries its layer, bytes and flops; edges are the order of each stream and the waits
// between streams; every step is an annotation. Stamping costs two clock reads an op; all else
// happens after the step.
#pragma once
#include <deque>
#include <string>

#include "engine/executor.h"
#include "kernels/gpu/device.h"
#include "trace/trace.h"

namespace engine {

struct RecordedStep {
  int64_t index = 0;  // decode step
  int64_t begin_ns = 0, end_ns = 0;
  std::vector<Stamp> stamps;  // by op of the plan
  std::vector<Stamp> device_stamps;  // the same launches by the device's own clock, laid on that of `stamps`
  int64_t stamps_off_ns = 0;         // by how much those may be off
  std::vector<kernels::Cost> costs;
  // Of a GPU whose profiler tells: the host's calls that launched the ops, and by op which (-1: not told).
  std::vector<kernels::gpu::TracedCall> calls;
  std::vector<int> call_of_op;
};

// What is running, for the trace's header.
struct TraceTitle {
  std::string title, device;
  std::string backend = "cpu";
};

// Runs one step with stamps. `device_stamps`: on a GPU with a profiler, both clocks of the same launches.
RecordedStep recorded_step(Executor&, const DecodePlan&, int64_t index, bool device_stamps = false);

trace::TracePtr build_trace(const DecodePlan&, const std::vector<RecordedStep>&, const TraceTitle&);

}  // namespace engine
