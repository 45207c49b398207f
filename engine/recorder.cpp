#include "engine/recorder.h"

#include <algorithm>

#include "engine/gpu_step.h"

#include "trace/builder.h"
#include "trace/stamps.h"

namespace engine {

RecordedStep recorded_step(Executor& executor, const DecodePlan& plan, int64_t index, bool device_stamps) {
  RecordedStep step;
  step.index = index;
  step.stamps.resize(plan.ops.size());
  step.begin_ns = now_ns();
  if (device_stamps) {
    step.device_stamps.resize(plan.ops.size());
    plan.gpu->run_stamped(plan, step.device_stamps, step.stamps.data());
    const StampFit fit = fit_stamps(step.device_stamps, step.stamps);
    for (Stamp& s : step.device_stamps) s.start_ns -= fit.shift_ns, s.end_ns -= fit.shift_ns;
    step.stamps_off_ns = fit.residual_ns;
    step.end_ns = step.begin_ns;
    for (const Stamp& s : step.stamps) step.end_ns = std::max(step.end_ns, s.end_ns);
  } else {
    const int64_t ns = executor.run(plan, step.stamps.data());
    step.end_ns = plan.gpu ? step.begin_ns + ns : now_ns();
  }
  if (plan.gpu && plan.gpu->profiled() && !plan.ops.empty()) {
    // From the first kernel on: the call that launched it lies before.
    step.calls = plan.gpu->calls().calls, step.call_of_op = plan.gpu->calls().of_op;
    step.begin_ns = std::min_element(step.stamps.begin(), step.stamps.end(), [](const Stamp& a, const Stamp& b) { return a.start_ns < b.start_ns; })->start_ns;
    for (const Stamp& s : step.stamps) step.end_ns = std::max(step.end_ns, s.end_ns);
  }
  if (plan.gpu) plan.gpu->routing_to_host(plan);
  step.costs.reserve(plan.ops.size());
  for (const PlannedOp& op : plan.ops)
    step.costs.push_back(plan.gpu ? kernels::cost_as_routed(op.args) : kernels::cost(op.args));  // lengths are this step's
  return step;
}

namespace {

// Which launch an op belongs to: all ops of a graph launch share one number. Without calls every op is its own.
int64_t correlation_of(const DecodePlan& plan, const RecordedStep& step, size_t op) {
  const int call = op < step.call_of_op.size() ? step.call_of_op[op] : -1;
  return step.index * 2 * static_cast<int64_t>(plan.ops.size()) +
         (call >= 0 ? call : static_cast<int64_t>(plan.ops.size() + op));
}

constexpr int64_t kStampsApart = int64_t{1} << 40;  // of correlations: no call is on the clock of device stamps

void add_step(trace::TraceBuilder& builder, uint32_t device, const DecodePlan& plan,
              const RecordedStep& step, const std::vector<Stamp>& stamps) {
  std::vector<trace::EventId> ids;
  for (size_t i = 0; i < plan.ops.size(); ++i) {
    const PlannedOp& op = plan.ops[i];
    trace::Detail detail;
    detail.layer = op.layer, detail.bytes = step.costs[i].bytes, detail.flops = step.costs[i].flops;
    trace::Event event;
    event.start_ns = stamps[i].start_ns, event.end_ns = stamps[i].end_ns;
    event.correlation = correlation_of(plan, step, i) + (&stamps == &step.stamps ? 0 : kStampsApart);
    event.name = builder.intern(op.key);
    event.op = builder.op(op.key);
    event.category = op.category;
    event.lane = builder.lane(device, op.stream);
    event.detail = builder.detail(detail);
    event.step = static_cast<int32_t>(step.index);
    ids.push_back(builder.add(event));
    if (op.previous >= 0) builder.add_edge(ids[static_cast<size_t>(op.previous)], ids.back());
    for (const int wait : op.waits) builder.add_edge(ids[static_cast<size_t>(wait)], ids.back());
  }
  if (&stamps != &step.stamps) return;
  for (size_t c = 0; c < step.calls.size(); ++c) {
    trace::HostCall call;
    call.start_ns = step.calls[c].start_ns, call.end_ns = step.calls[c].end_ns;
    call.correlation = step.index * 2 * static_cast<int64_t>(plan.ops.size()) + static_cast<int64_t>(c);
    call.name = builder.intern(step.calls[c].name);
    call.thread = static_cast<int64_t>(step.calls[c].thread);
    builder.add_call(call);
  }
  trace::Annotation range;
  range.start_ns = step.begin_ns, range.end_ns = step.end_ns;
  range.name = builder.intern("step " + std::to_string(step.index));
  builder.add_annotation(range);
}

}  // namespace

trace::TracePtr build_trace(const DecodePlan& plan, const std::vector<RecordedStep>& steps,
                            const TraceTitle& title) {
  trace::TraceBuilder builder;
  builder.header().title = title.title;
  builder.header().source = trace::kRecordedLive;
  const bool gpu = plan.gpu != nullptr;
  builder.header().collector = {gpu ? plan.gpu->collector() : "decodescope host clock", "",
                                !gpu || !plan.gpu->profiled() ? trace::ClockSource::host
                                : title.backend == "hip"        ? trace::ClockSource::rocprofiler
                                                                : trace::ClockSource::cupti, 1};
  const uint32_t device = builder.device(gpu ? "0" : "cpu");
  builder.header().devices[device].name = title.device;
  builder.header().devices[device].vendor =
      title.backend == "cuda" ? "nvidia" : title.backend == "hip" ? "amd" : "cpu";
  for (const RecordedStep& step : steps) add_step(builder, device, plan, step, step.stamps);
  if (std::any_of(steps.begin(), steps.end(), [](const RecordedStep& s) { return !s.device_stamps.empty(); })) {
    const uint32_t stamps = builder.device("0" + std::string(trace::kStampsSuffix));
    builder.header().devices[stamps].name = title.device + ", its own clock";
    builder.header().devices[stamps].vendor = builder.header().devices[device].vendor;
    int64_t off = 0;
    for (const RecordedStep& step : steps) {
      off = std::max(off, step.stamps_off_ns);
      if (!step.device_stamps.empty()) add_step(builder, stamps, plan, step, step.device_stamps);
    }
    builder.header().source = "recorded live; stamps lie on the profiler's clock within " + std::to_string(off) + " ns";
  }
  return builder.finish();
}

}  // namespace engine
