#include "engine/plan_sketch.h"

#include <map>

#include "engine/plan_form.h"

namespace engine {

using trace::Error;
using trace::PlanArm;
using trace::PlannedLaunch;
using trace::PlanSketch;
using trace::Result;
using trace::ToggleKey;

namespace {

// The setup of the model that runs, if this is its specification up to the switches; else prepared anew.
Result<Setup> setup_for(const trace::RunSpec& spec, const Model* loaded) {
  if (loaded) {
    trace::RunSpec as_loaded = loaded->setup.spec;
    as_loaded.toggles = spec.toggles, as_loaded.name = spec.name;
    if (as_loaded == spec) {
      Setup setup = loaded->setup;
      setup.spec = spec;
      return setup;
    }
  }
  return prepare(spec);
}

Result<DecodePlan> plan_of(const Setup& setup, Sequences& sequences, const Weights& weights, const trace::ToggleSet& toggles) {
  if (const trace::Status status = allowed(setup, toggles); !status) return status.error();
  const trace::ModelConfig& model = setup.spec.model;
  const int64_t slots = sequences.slot_count();
  const auto kv = empty_kv(setup.shape, slots, kv_format(toggles), CacheMemory::device);
  const auto index = empty_index(model, setup.shape, slots, index_layout(toggles), toggles.page_size(), CacheMemory::device);
  PlanOptions options = setup.plan;
  options.addresses_only = true;
  auto step = plan_step({model, setup.shape, weights, sequences, *kv, *index}, toggles, options);
  if (!step) return step.error();
  return std::move(step->plan);   // its arena goes: nobody follows the addresses
}

std::vector<std::string> names(const DecodePlan& plan, const std::vector<int>& buffers) {
  std::vector<std::string> all;
  for (const int b : buffers) {
    const std::string& name = plan.buffers[static_cast<size_t>(b)].name;
    if (std::find(all.begin(), all.end(), name) == all.end()) all.push_back(name);
  }
  return all;
}

// Launches of one layer. `place` says where in it each op of the plan stands.
std::vector<PlannedLaunch> launches_of(const DecodePlan& plan, int layer) {
  std::vector<PlannedLaunch> all;
  std::map<int, int> place;
  for (size_t i = 0; i < plan.ops.size(); ++i) {
    const PlannedOp& op = plan.ops[i];
    if (op.layer != layer) continue;
    place[static_cast<int>(i)] = static_cast<int>(all.size());
    PlannedLaunch launch;
    launch.label = op.label.substr(std::min(op.label.find(op.key), op.label.size()));
    launch.kernel = kernels::key_of(kernels::op_of(op.args));
    launch.category = op.category, launch.stream = op.stream;
    launch.reads = names(plan, op.reads), launch.writes = names(plan, op.writes);
    launch.form = form_of(op.args);
    launch.bytes = kernels::cost(op.args).bytes;
    for (const int wait : op.waits)
      if (const auto at = place.find(wait); at != place.end()) launch.waits.push_back(at->second);
    all.push_back(std::move(launch));
  }
  return all;
}

PlanArm arm_of(const DecodePlan& plan, const trace::ToggleSet& toggles, ToggleKey key, int layer) {
  PlanArm arm;
  arm.value = toggles.value(key);
  arm.launches = launches_of(plan, layer);
  for (const PlannedOp& op : plan.ops) {
    if (op.layer != layer) continue;
    for (const std::vector<int>* used : {&op.reads, &op.writes}) {
      for (const int b : *used) {
        const PlanBuffer& buffer = plan.buffers[static_cast<size_t>(b)];
        if (std::ranges::find(arm.buffers, buffer.name, &trace::PlannedBuffer::name) == arm.buffers.end())
          arm.buffers.push_back({buffer.name, std::string(kernels::to_string(buffer.format)), buffer.bytes, buffer.cache});
      }
    }
  }
  arm.step_launches = static_cast<int>(plan.ops.size());
  arm.host_launches = toggles.is(ToggleKey::launch, "graph") ? 1 : arm.step_launches;
  return arm;
}

// Both plans' checks as one: it holds if it holds in both.
std::vector<trace::PlanCheck> checks_of(const DecodePlan& a, const DecodePlan& b) {
  std::vector<trace::PlanCheck> first = check_plan(a), second = check_plan(b);
  for (size_t i = 0; i < first.size(); ++i) {
    if (first[i] == second[i]) continue;
    first[i].result = "before: " + first[i].result + "; after: " + second[i].result;
    first[i].ok = first[i].ok && second[i].ok;
  }
  return first;
}

void fill(const trace::RunSpec& spec, ToggleKey key, const Setup& setup, PlanSketch& sketch) {
  trace::ToggleSet before = spec.toggles;
  before.set_index(key, 0);
  Sequences sequences(spec.workload, setup.shape, setup.routing);
  const Weights weights(spec.model, setup.shape, spec.workload.seed, {}, Weights::Where::device);
  const Result<DecodePlan> a = plan_of(setup, sequences, weights, before);
  const Result<DecodePlan> b = plan_of(setup, sequences, weights, spec.toggles);
  if (!a || !b) {
    sketch.problem = (a ? b.error() : a.error()).line();
    return;
  }
  sketch.layers = spec.model.layers;
  for (int layer = 0; layer < sketch.layers; ++layer) {
    const auto x = launches_of(*a, layer), y = launches_of(*b, layer);
    bool differ = x != y;
    if (!differ) {   // the same launches over buffers of another size or format
      differ = arm_of(*a, before, key, layer).buffers != arm_of(*b, spec.toggles, key, layer).buffers;
    }
    sketch.layers_changed += differ;
    if (differ && sketch.layer < 0) sketch.layer = layer;
  }
  // Nothing in any layer: the first one with experts stands for all.
  const int shown = sketch.layer >= 0 ? sketch.layer : std::min(spec.model.dense_layers, sketch.layers - 1);
  sketch.layer = shown;
  sketch.a = arm_of(*a, before, key, shown), sketch.b = arm_of(*b, spec.toggles, key, shown);
  sketch.checks = checks_of(*a, *b);
}

}  // namespace

PlanSketch plan_sketch(const trace::RunSpec& asked, ToggleKey key, const Model* loaded) {
  PlanSketch sketch{.key = key, .spec = asked};
  const Result<Setup> setup = setup_for(asked, loaded);
  if (!setup) {
    sketch.problem = setup.error().line();
    return sketch;
  }
  if (const auto why = trace::unavailable(key, setup->spec.model, setup->spec.backend)) {
    sketch.problem = *why;
    return sketch;
  }
  try {
    fill(setup->spec, key, *setup, sketch);
  } catch (const std::bad_alloc&) {
    sketch.problem = "no room for the addresses of this model";
  }
  return sketch;
}

namespace {

// Per op, the newest op of every stream that is known to be over when it starts.
class Over {
 public:
  explicit Over(const DecodePlan& plan) : m_streams(static_cast<size_t>(plan.streams)), m_over(plan.ops.size() * m_streams, -1) {
    for (size_t i = 0; i < plan.ops.size(); ++i) {
      const PlannedOp& op = plan.ops[i];
      if (op.previous >= 0) take(plan, i, op.previous);
      for (const int wait : op.waits) take(plan, i, wait);
    }
  }
  bool before(const DecodePlan& plan, int earlier, size_t op) const {
    return earlier <= m_over[op * m_streams + static_cast<size_t>(plan.ops[static_cast<size_t>(earlier)].stream)];
  }

 private:
  void take(const DecodePlan& plan, size_t op, int earlier) {
    const auto from = static_cast<size_t>(earlier);
    for (size_t s = 0; s < m_streams; ++s) m_over[op * m_streams + s] = std::max(m_over[op * m_streams + s], m_over[from * m_streams + s]);
    int& own = m_over[op * m_streams + static_cast<size_t>(plan.ops[from].stream)];
    own = std::max(own, earlier);
  }
  size_t m_streams;
  std::vector<int> m_over;
};

// Who uses what another stream uses too: writers before readers, readers before the next writer.
trace::PlanCheck check_order(const DecodePlan& plan) {
  const Over over(plan);
  struct Use {
    int writer = -1;
    std::vector<int> readers;
  };
  std::vector<Use> uses(plan.buffers.size());
  int64_t crossing = 0;
  std::string wrong;
  for (size_t i = 0; i < plan.ops.size(); ++i) {
    const PlannedOp& op = plan.ops[i];
    const auto needs = [&](int earlier) {
      if (earlier < 0 || plan.ops[static_cast<size_t>(earlier)].stream == op.stream) return;
      ++crossing;
      if (wrong.empty() && !over.before(plan, earlier, i)) wrong = op.label + " does not wait for " + plan.ops[static_cast<size_t>(earlier)].label;
    };
    for (const int b : op.reads) needs(uses[static_cast<size_t>(b)].writer);
    for (const int b : op.writes) {
      needs(uses[static_cast<size_t>(b)].writer);
      for (const int reader : uses[static_cast<size_t>(b)].readers) needs(reader);
    }
    for (const int b : op.reads) uses[static_cast<size_t>(b)].readers.push_back(static_cast<int>(i));
    for (const int b : op.writes) uses[static_cast<size_t>(b)] = {static_cast<int>(i), {}};
  }
  const std::string result = !wrong.empty()       ? wrong
                             : plan.streams == 1 ? "one stream, in order"
                                                 : std::to_string(crossing) + " uses across streams, each behind what it needs";
  return {"waits between streams", result, wrong.empty()};
}

trace::PlanCheck check_layouts(const DecodePlan& plan) {
  int64_t tagged = 0;
  std::string wrong;
  for (const PlannedOp& op : plan.ops) {
    const auto other = with_other_layout(op.args);
    if (!other) continue;
    ++tagged;
    if (wrong.empty() && kernels::check(*other).ok()) wrong = op.label + " takes a layout that is not its own";
  }
  if (tagged == 0) return {"layout tags", "no launch has one", true};
  return {"layout tags", wrong.empty() ? "all " + std::to_string(tagged) + " launches that carry one refuse the other layout" : wrong, wrong.empty()};
}

}  // namespace

std::vector<trace::PlanCheck> check_plan(const DecodePlan& plan) {
  return {check_layouts(plan), check_order(plan)};
}

}  // namespace engine
