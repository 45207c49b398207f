#include "engine/recorder.h"

#include "engine/gpu_step.h"

#include "trace/builder.h"

namespace engine {

RecordedStep recorded_step(Executor& executor, const DecodePlan& plan, int64_t index) {
  RecordedStep step;
  step.index = index;
  step.stamps.resize(plan.ops.size());
  step.begin_ns = now_ns();
  const int64_t ns = executor.run(plan, step.stamps.data());
  step.end_ns = plan.gpu ? step.begin_ns + ns : now_ns();
  if (plan.gpu) plan.gpu->routing_to_host(plan);
  step.costs.reserve(plan.ops.size());
  for (const PlannedOp& op : plan.ops)
    step.costs.push_back(plan.gpu ? kernels::cost_as_routed(op.args) : kernels::cost(op.args));  // lengths are this step's
  return step;
}

namespace {

void add_step(trace::TraceBuilder& builder, uint32_t device, const DecodePlan& plan,
              const RecordedStep& step) {
  std::vector<trace::EventId> ids;
  for (size_t i = 0; i < plan.ops.size(); ++i) {
    const PlannedOp& op = plan.ops[i];
    trace::Detail detail;
    detail.layer = op.layer, detail.bytes = step.costs[i].bytes, detail.flops = step.costs[i].flops;
    trace::Event event;
    event.start_ns = step.stamps[i].start_ns, event.end_ns = step.stamps[i].end_ns;
    // Eager: every op is a launch of its own.
    event.correlation =
        step.index * static_cast<int64_t>(plan.ops.size()) + static_cast<int64_t>(i);
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
  builder.header().source = "recorded live";
  const bool gpu = plan.gpu != nullptr;
  builder.header().collector = {gpu ? plan.gpu->collector() : "decodescope host clock", "",
                                gpu && plan.gpu->profiled() ? trace::ClockSource::cupti : trace::ClockSource::host, 1};
  const uint32_t device = builder.device(gpu ? "0" : "cpu");
  builder.header().devices[device].name = title.device;
  builder.header().devices[device].vendor =
      title.backend == "cuda" ? "nvidia" : title.backend == "hip" ? "amd" : "cpu";
  for (const RecordedStep& step : steps) add_step(builder, device, plan, step);
  return builder.finish();
}

}  // namespace engine
