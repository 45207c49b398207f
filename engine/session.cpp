#include "engine/session.h"

#include <set>

#include "engine/gpu_step.h"
#include "trace/stamps.h"
#include "trace/stats.h"

namespace engine {

using trace::Error;
using trace::Result;

namespace {
// A traced pass is for looking at: enough steps for medians of every op, few enough to open at
// once.
constexpr int kTracedSessionSteps = 32;
}  // namespace

Result<std::unique_ptr<Session>> Session::load(const trace::RunSpec& spec,
                                               const SharedWeights& reuse,
                                               const Progress& progress) {
  Result<Setup> setup = prepare(spec);
  if (!setup) return setup.error();
  Result<SharedWeights> weights = load_weights(*setup, reuse, progress);
  if (!weights) return weights.error();
  auto model = std::make_unique<Model>(std::move(setup).value(), std::move(weights).value());
  Result<Caches> caches = filled_caches(*model, spec.toggles, progress);
  if (!caches) return caches.error();
  ArmOptions options;
  options.placement_seed = spec.workload.seed;
  Result<Arm> arm = make_arm(*model, spec.toggles, std::move(caches).value(), options);
  if (!arm) return arm.error();
  return std::unique_ptr<Session>(new Session(std::move(model), std::move(arm).value()));
}

trace::Status Session::set_toggles(const trace::ToggleSet& toggles) {
  if (const trace::Status status = allowed(m_model->setup, toggles); !status) return status;
  ArmOptions options;
  options.placement_seed = spec().workload.seed;
  Result<Arm> arm =
      make_arm(*m_model, toggles, caches_for(*m_model, toggles, m_arm.caches), options);
  if (!arm) return arm.error();
  m_arm = std::move(arm).value();
  m_model->setup.spec.toggles = toggles;
  return trace::Ok{};
}

StepResult Session::step() {
  m_model->before_step(plan());
  const int64_t ns = m_model->executor.run(plan());
  if (m_model->setup.shape.M > 0) m_model->sequences.advance(plan().next_tokens);
  return {m_index++, static_cast<double>(ns) / 1000, static_cast<int>(plan().ops.size())};
}

StepResult Session::traced_step(trace::TracePtr& trace) {
  m_model->before_step(plan());
  const RecordedStep step = recorded_step(m_model->executor, plan(), m_index);
  trace = build_trace(plan(), {step}, {spec().model.name, device_name(m_model->setup), spec().backend});
  if (m_model->setup.shape.M > 0) m_model->sequences.advance(plan().next_tokens);
  return {m_index++, static_cast<double>(step.end_ns - step.begin_ns) / 1000,
          static_cast<int>(plan().ops.size())};
}

Result<trace::RunPtr> Session::record(const RecordOptions& options) {
  const int steps = options.steps > 0 ? options.steps : spec().workload.steps;
  const int warmup = spec().workload.warmup, traced = std::min(steps, kTracedSessionSteps);
  const double all = warmup + steps + traced;
  int done = 0;
  const auto go_on = [&] {
    if (options.progress) options.progress(done++ / all);
    return !(options.cancelled && options.cancelled());
  };
  const bool stamps = m_model->setup.stamps;
  if (stamps && !(plan().gpu && plan().gpu->can_stamp() && plan().gpu->profiled()))
    return Error{"stamps beside a profiler need a GPU whose kernels stamp, and its profiler", "--set stamps=on"};
  const Error cancelled{"cancelled", "recording after " + std::to_string(done) + " steps"};

  trace::Run run = described_run(m_model->setup, m_arm.toggles, options.name, options.program);
  m_model->sequences.reset();
  for (int i = 0; i < warmup; ++i) {
    if (!go_on()) return cancelled;
    step();
  }
  m_model->sequences.reset();
  for (int i = 0; i < steps; ++i) {
    if (!go_on()) return cancelled;
    run.step_us.push_back(step().us);
  }
  // The traced pass walks the same positions again.
  m_model->sequences.reset();
  std::vector<RecordedStep> recorded;
  std::vector<double> traced_us;
  for (int i = 0; i < traced; ++i) {
    if (!go_on()) return cancelled;
    m_model->before_step(plan());
    recorded.push_back(recorded_step(m_model->executor, plan(), i, stamps));
    traced_us.push_back(static_cast<double>(recorded.back().end_ns - recorded.back().begin_ns) /
                        1000);
    if (m_model->setup.shape.M > 0) m_model->sequences.advance(plan().next_tokens);
  }
  m_index += traced;
  run.step = trace::estimate_median(run.step_us);
  run.traced_step_us = trace::median(traced_us);
  run.trace = build_trace(plan(), recorded, {run.name, run.device, run.backend});
  run.kernels_per_step = kernels_per_step(*run.trace);
  return trace::RunPtr(std::make_shared<trace::Run>(std::move(run)));
}

trace::Run described_run(const Setup& setup, const trace::ToggleSet& toggles,
                         const std::string& name, const std::string& program) {
  trace::Run run;
  run.spec = setup.spec;
  run.spec->toggles = toggles;
  run.name = !name.empty()              ? name
             : !setup.spec.name.empty() ? setup.spec.name
                                        : setup.spec.model.name;
  run.created = utc_now();
  run.origin = trace::Origin::engine;
  run.program = program;
  run.host = host_name();
  run.backend = setup.spec.backend;
  run.device = device_name(setup);
  run.standing = "measured here";
  return run;
}

double kernels_per_step(const trace::Trace& t) {
  std::set<int32_t> steps;
  int64_t kernels = 0;
  for (const trace::Event& e : t.events) {
    if (trace::is_stamps(t.devices[t.device_of(e)])) continue;  // the same launches by another clock
    steps.insert(e.step);
    ++kernels;
  }
  return steps.empty() ? 0 : static_cast<double>(kernels) / static_cast<double>(steps.size());
}

}  // namespace engine
