#include "engine/check.h"

#include <algorithm>
#include <cstdio>
#include <random>

#include "engine/equivalence.h"
#include "engine/gpu_device.h"
#include "engine/gpu_step.h"
#include "kernels/gpu/verify_device.h"
#include "kernels/verify.h"

namespace engine {

using trace::Error;
using trace::Result;
using trace::RunSpec;
using trace::ToggleKey;
using trace::ToggleSet;

namespace {

// What one pair of switch sets is compared on.
struct Shot {
  int batch, next_n, context;
};

class Checker {
 public:
  // `device` is null for the CPU.
  Checker(std::string backend, kernels::gpu::Device* device, const CheckWhat& what,
          const CheckProgress& progress, const std::atomic<bool>* cancelled)
      : m_quick(what.quick), m_only(what.ops), m_device(device), m_progress(progress), m_cancelled(cancelled) {
    m_report.backend = std::move(backend);
    m_report.seed =
        std::random_device{}();  // fresh inputs every time; said, so that it can be repeated
  }

  Result<CheckReport> run() {
    for (int i = 0; i < kernels::kOps; ++i) {
      if (cancelled()) return Error{"cancelled", "check"};
      if (wanted(static_cast<kernels::Op>(i))) check_op(static_cast<kernels::Op>(i));
    }
    for (const trace::ToggleInfo& toggle : trace::toggle_table()) {
      if (cancelled()) return Error{"cancelled", "check"};
      if (m_only.empty()) check_toggle(toggle);
    }
    if (m_device && m_only.empty()) {
      if (m_quick) check_repeats(check_model(), 1, 3);
      for (const trace::ModelConfig& model : published()) check_repeats(model, kPublishedTp, 10);
    }
    const auto holds = [](const auto& item) { return item.ok; };
    m_report.ok = std::all_of(m_report.ops.begin(), m_report.ops.end(), holds) &&
                  std::all_of(m_report.toggles.begin(), m_report.toggles.end(),
                              [](const CheckToggle& t) { return t.ok || t.sets == 0; });
    return std::move(m_report);
  }

 private:
  bool wanted(kernels::Op op) const {
    return m_only.empty() || std::find(m_only.begin(), m_only.end(), kernels::key_of(op)) != m_only.end();
  }
  bool cancelled() const { return m_cancelled && m_cancelled->load(); }
  void report(const std::string& what) {
    const double done = static_cast<double>(m_report.ops.size() + m_report.toggles.size());
    const size_t all = m_only.empty() ? size_t{kernels::kOps} + trace::kToggles : m_only.size();
    if (m_progress) m_progress(what, done / static_cast<double>(all));
  }

  void check_op(kernels::Op op) {
    CheckOp result;
    result.op = kernels::key_of(op);
    report(result.op);
    result.ok = true;
    if (m_device && (op == kernels::Op::ragged_logits || op == kernels::Op::ragged_topk)) {
      result.note = "not checked: prefill runs on the CPU";
      m_report.ops.push_back(std::move(result));
      return;
    }
    const int drawn = m_quick ? 6 : 48;
    // Large shapes for which a device has kernels of their own; an emulated one, of few units, would take minutes.
    const bool large = m_device && m_device->info().traits.units > 16;
    for (; result.ok; ++result.cases) {
      kernels::Workspace workspace;
      kernels::Random random(m_report.seed * 1000003ull + static_cast<uint64_t>(result.cases));
      const kernels::OpArgs args = result.cases < drawn ? kernels::make_case(op, workspace, random)
                                   : large ? kernels::make_large_case(op, result.cases - drawn, workspace, random)
                                           : kernels::OpArgs(std::monostate());
      if (std::holds_alternative<std::monostate>(args)) break;
      const kernels::Verdict verdict =
          m_device ? kernels::gpu::verify(*m_device, args, workspace)
                   : kernels::verify(kernels::cpu_backend(), args, workspace);
      result.worst = std::max(result.worst, verdict.worst);
      result.ok = verdict.ok();
      if (!verdict.ok())
        result.note = "case " + std::to_string(result.cases) + ": " + verdict.wrong;
    }
    m_report.ops.push_back(std::move(result));
  }

  static constexpr int kPublishedTp = 8;

  // The first layers of the published models, one rank of eight: for a GPU, not in the quick form.
  std::vector<trace::ModelConfig> published() const {
    std::vector<trace::ModelConfig> all;
    if (!m_device || m_quick) return all;
    for (const auto& [preset, layers] : {std::pair{"glm-5", 4}, {"deepseek-v3.2", 4}, {"kimi-k2", 2}}) {
      all.push_back(trace::model_preset(preset).value());
      all.back().layers = layers;
    }
    return all;
  }

  // The same step again and again, as a graph on two streams, from poisoned buffers: every byte that it leaves.
  void check_repeats(const trace::ModelConfig& model, int tp, int times) {
    CheckOp result;
    result.op = std::to_string(times) + " steps of " + model.name;
    report(result.op);
    RunSpec spec = spec_of(model, tp, {4, 1, 400}, m_report.seed);
    if (tp > 1) spec.workload.context = 3000, spec.workload.max_context = 8192;
    for (const auto& [key, value] : {std::pair{ToggleKey::launch, "graph"}, {ToggleKey::streams, "dual"}}) {
      if (trace::unavailable(key, model, m_report.backend)) continue;
      if (const auto set = spec.toggles.set(key, value); !set) result.note = set.error().line();
    }
    if (result.note.empty()) result.note = repeated(spec, times, result.cases);
    result.ok = result.note.empty();
    m_report.ops.push_back(std::move(result));
  }

  static std::string repeated(const RunSpec& spec, int times, int& cases) {
    Result<Setup> setup = prepare(spec);
    if (!setup) return setup.error().line();
    Result<SharedWeights> weights = load_weights(*setup, {});
    if (!weights) return weights.error().line();
    Model model(std::move(setup).value(), std::move(weights).value());
    Result<Caches> caches = filled_caches(model, spec.toggles);
    if (!caches) return caches.error().line();
    Result<Arm> arm = make_arm(model, spec.toggles, std::move(caches).value(), {1, {}});
    if (!arm) return arm.error().line();
    model.sequences.freeze_at(0);
    const Memory& buffers = arm->step.arena.memory();
    std::vector<uint8_t> first;
    for (; cases < times; ++cases) {
      arm->step.arena.poison();
      arm->plan().gpu->results_to_device();
      model.executor.run(arm->plan());
      arm->plan().gpu->results_to_host();
      if (cases == 0) first.assign(buffers.data(), buffers.data() + buffers.size());
      if (std::equal(first.begin(), first.end(), buffers.data())) continue;
      return "run " + std::to_string(cases + 1) + " leaves other bytes than the first";
    }
    return {};
  }

  // Every value against the first, alone and with every other switch on that can be, on each model
  // that knows the switch.
  void check_toggle(const trace::ToggleInfo& toggle) {
    CheckToggle result;
    result.key = toggle.name;
    result.cls = toggle.equivalence;
    report(result.key);
    std::string why_not;
    for (const char* preset : {"tiny-mxfp4", "tiny-dense", "tiny"}) {
      m_model = check_model(preset);
      if (const auto why = trace::unavailable(toggle.key, m_model, m_report.backend)) {
        why_not = *why;  // that of tiny, if no model knows it
        continue;
      }
      for (const Shot& shot : shots()) check_shot(toggle, shot, result);
    }
    for (const trace::ModelConfig& model : published()) {
      m_model = model;
      if (trace::unavailable(toggle.key, m_model, m_report.backend)) continue;
      m_tp = kPublishedTp;
      check_values(toggle, {4, 1, 3000}, ToggleSet::all_off(), result);
      m_tp = 1;
    }
    if (result.sets == 0) result.note = why_not;
    result.ok = result.sets > 0 && result.note.empty();
    m_report.toggles.push_back(std::move(result));
  }

  void check_shot(const trace::ToggleInfo& toggle, const Shot& shot, CheckToggle& result) {
    for (const ToggleSet& base : {ToggleSet::all_off(), all_on(m_model)}) check_values(toggle, shot, base, result);
  }

  void check_values(const trace::ToggleInfo& toggle, const Shot& shot, const ToggleSet& base, CheckToggle& result) {
    for (int value = 1; value < toggle.value_count && !cancelled(); ++value) {
      ToggleSet a = base, b = base;
      a.set_index(toggle.key, 0);
      b.set_index(toggle.key, value);
      if (trace::validate(a, m_model, m_report.backend) && trace::validate(b, m_model, m_report.backend))
        compare(shot, a, b, result);
    }
  }

  std::vector<Shot> shots() const {
    if (m_quick) return {{3, 1, 150}, {2, 2, 40}};  // above the top-k and below it
    std::vector<Shot> all;
    for (const int batch : {1, 2, 3, 5}) {
      for (const int context : {40, 64, 150}) all.push_back({batch, batch % 2 ? 1 : 2, context});
    }
    return all;
  }

  ToggleSet all_on(const trace::ModelConfig& model) const {
    ToggleSet set = ToggleSet::all_off();
    for (const trace::ToggleInfo& toggle : trace::toggle_table()) {
      if (trace::unavailable(toggle.key, model, m_report.backend)) continue;
      ToggleSet next = set;
      next.set_index(toggle.key, toggle.value_count - 1);
      if (trace::validate(next, model, m_report.backend)) set = next;
    }
    return set;
  }

  RunSpec spec_of(const trace::ModelConfig& model, int tp, const Shot& shot, uint64_t seed) const {
    RunSpec spec;
    spec.backend = m_report.backend;
    spec.model = model;
    spec.workload.tp = tp;
    spec.workload.batch = shot.batch, spec.workload.next_n = shot.next_n;
    spec.workload.context = shot.context, spec.workload.max_context = 512;
    spec.workload.seed = seed;
    spec.toggles = ToggleSet::all_off();
    return spec;
  }

  void compare(const Shot& shot, const ToggleSet& a, const ToggleSet& b, CheckToggle& result) {
    RunSpec spec = spec_of(m_model, m_tp, shot, m_report.seed + static_cast<uint64_t>(result.sets));
    if (m_tp > 1) spec.workload.max_context = 8192;
    spec.toggles = b;
    const std::string wrong = difference(spec, a, b);
    ++result.sets;
    if (wrong.empty() || !result.note.empty()) return;
    result.note = m_model.name + ", batch " + std::to_string(shot.batch) + ", next_n " +
                  std::to_string(shot.next_n) + ", context " + std::to_string(shot.context) + ", " +
                  b.text() + ": " + wrong;
  }

  // Empty when the two sets agree by their class.
  static std::string difference(const RunSpec& spec, const ToggleSet& a, const ToggleSet& b) {
    Result<Setup> setup = prepare(spec);
    if (!setup) return setup.error().line();
    Result<SharedWeights> weights = load_weights(*setup, {});
    if (!weights) return weights.error().line();
    Model model(std::move(setup).value(), std::move(weights).value());
    const Result<Caches> filled = filled_caches(model, a);
    if (!filled) return filled.error().line();
    const Caches& caches = *filled;
    Result<Arm> arm_a = make_arm(model, a, caches, {1, {}});
    if (!arm_a) return arm_a.error().line();
    Result<Arm> arm_b = make_arm(model, b, caches_for(model, b, caches), {2, {}});
    if (!arm_b) return arm_b.error().line();
    ProofOptions options;
    options.positions = 2;
    const trace::EquivalenceResult proof =
        prove(model, *arm_a, *arm_b, trace::equivalence_of(a, b), options);
    if (proof.ok) return {};
    return proof.first_difference.empty() ? "not equivalent" : proof.first_difference;
  }

  bool m_quick;
  std::vector<std::string> m_only;
  kernels::gpu::Device* m_device;
  const CheckProgress& m_progress;
  const std::atomic<bool>* m_cancelled;
  CheckReport m_report;
  int m_tp = 1;
  trace::ModelConfig m_model;  // on which the switch at hand is flipped
};

}  // namespace

trace::ModelConfig check_model(std::string_view preset) {
  trace::ModelConfig m = trace::model_preset(preset).value();
  m.name += ", narrowed";
  m.hidden = 256, m.layers = 2, m.dense_layers = 1, m.heads = 4, m.q_lora_rank = 128,
  m.kv_lora_rank = 64;
  m.qk_nope_head_dim = 32, m.qk_rope_head_dim = 16, m.v_head_dim = 32;
  if (m.has_indexer()) m.index_heads = 4, m.index_topk = 64;
  m.experts = 4, m.moe_intermediate = 128, m.dense_intermediate = 128;
  m.vocab = 256;
  return m;
}

// The first of them that no op is called; null: none.
static const std::string* unknown_op(const std::vector<std::string>& ops) {
  const auto known = [](const std::string& key) {
    for (int i = 0; i < kernels::kOps; ++i) {
      if (key == kernels::key_of(static_cast<kernels::Op>(i))) return true;
    }
    return false;
  };
  const auto at = std::find_if_not(ops.begin(), ops.end(), known);
  return at == ops.end() ? nullptr : &*at;
}

Result<CheckReport> check(std::string_view backend, const CheckWhat& what, const CheckProgress& progress,
                          const std::atomic<bool>* cancelled) {
  if (const std::string* op = unknown_op(what.ops)) {
    std::string all;
    for (int i = 0; i < kernels::kOps; ++i) all.append(i ? ", " : "").append(kernels::key_of(static_cast<kernels::Op>(i)));
    return Error{"no such op: " + *op + "; there are " + all, "--op"};
  }
  const std::string chosen = backend == "auto" ? best_backend() : std::string(backend);
  if (is_gpu(chosen)) {
    const Result<kernels::gpu::Device*> device = gpu_device(chosen);
    if (!device) return device.error();
    return Checker(chosen, *device, what, progress, cancelled).run();
  }
  RunSpec spec;
  spec.backend = chosen;
  spec.model = check_model();
  spec.workload.context = 64, spec.workload.max_context = 512;
  const Result<Setup> setup = prepare(spec);  // refuses what can't run here
  if (!setup) return setup.error();
  return Checker(chosen, nullptr, what, progress, cancelled).run();
}

}  // namespace engine
