#include "engine/arm.h"

#include <cstdio>

#include "engine/ceilings.h"
#include "engine/gpu_fill.h"
#include "engine/gpu_step.h"
#include "engine/prefill.h"

namespace engine {

using kernels::Format;
using kernels::IndexLayout;
using trace::ToggleKey;

Format kv_format(const trace::ToggleSet& t) {
  return t.is(ToggleKey::kv_dtype, "fp8") ? Format::e4m3 : Format::bf16;
}
IndexLayout index_layout(const trace::ToggleSet& t) {
  return t.is(ToggleKey::index_layout, "preshuffle") ? IndexLayout::preshuffle : IndexLayout::row;
}

trace::Result<SharedWeights> load_weights(const Setup& setup, const SharedWeights& reuse,
                                          const Progress& progress) {
  const bool gpu = is_gpu(setup.spec.backend);
  if (reuse.fits(setup) && (gpu || !reuse.weights->on_device())) return reuse;
  const trace::RunSpec& spec = setup.spec;
  const trace::Workload& w = spec.workload;
  SharedWeights shared{spec.model, w.tp, setup.rank, w.max_context, w.seed, spec.weights, nullptr};
  if (!setup.checkpoint) {
    shared.weights = std::make_shared<Weights>(spec.model, setup.shape, w.seed, progress,
                                               gpu ? Weights::Where::device : Weights::Where::host);
    return shared;
  }
  auto loaded = Weights::load(spec.model, setup.shape, *setup.checkpoint, progress);
  if (!loaded) return loaded.error();
  shared.weights = std::move(*loaded);
  return shared;
}

bool SharedWeights::fits(const Setup& setup) const {
  const trace::Workload& w = setup.spec.workload;
  return weights && model == setup.spec.model && tp == w.tp && max_context == w.max_context &&
         checkpoint == setup.spec.weights &&
         (checkpoint.empty() ? seed == w.seed : rank == setup.rank);
}

Model::Model(Setup s, SharedWeights w)
    : setup(std::move(s)),
      weights(std::move(w)),
      sequences(setup.spec.workload, setup.shape, setup.routing),
      executor(setup.workers > 0 ? setup.workers : Executor::default_workers()) {}

std::string cache_state(const Model& m) {
  if (m.setup.cache == CacheState::cold) return "cache state: cold, emptied before every step";
  const double times = static_cast<double>(m.weights.weights->memory().size()) /
                       static_cast<double>(last_level_cache_bytes());
  char text[128];
  std::snprintf(text, sizeof text,
                "cache state: as the step before left it, weights %.2g x the last-level cache",
                times);
  return text;
}

trace::Result<Caches> filled_caches(Model& m, const trace::ToggleSet& toggles,
                                    const Progress& progress) {
  const bool prefilled = m.setup.spec.workload.prefill;  // on the host, with all weights there
  if (prefilled) m.weights.weights->all_on_host();
  if (is_gpu(m.setup.spec.backend) && !prefilled) {
    const auto device = gpu_device(m.setup.spec.backend);
    if (!device) return device.error();
    const auto weights = weights_on(**device, *m.weights.weights);
    if (!weights) return weights.error();
    m.weights_image = *weights;
    return caches_on(**device, m, **weights, toggles, progress);
  }
  const int64_t slots = m.sequences.slot_count();
  Caches c{
      empty_kv(m.setup.shape, slots, kv_format(toggles)),
      empty_index(m.config(), m.setup.shape, slots, index_layout(toggles), toggles.page_size())};
  if (prefilled) {
    const PlanInputs inputs{m.config(),  m.setup.shape, *m.weights.weights,
                            m.sequences, *c.kv,         *c.index};
    if (const trace::Status status = prefill(inputs, toggles, m.setup.plan, m.executor, progress);
        !status)
      return status.error();
    return c;
  }
  fill_caches(m.config(), m.setup.shape, *m.weights.weights, m.sequences,
              m.setup.spec.workload.seed, *c.kv, c.index.get(), progress);
  return c;
}

Caches caches_for(Model& m, const trace::ToggleSet& toggles, const Caches& from,
                  int64_t* converted_bytes) {
  Caches c = from;
  const int64_t slots = m.sequences.slot_count();
  int64_t bytes = 0;
  if (from.kv->format != kv_format(toggles)) {
    Image::to_host(from.kv->memory.data());
    c.kv = converted(*from.kv, m.setup.shape, kv_format(toggles));
    bytes += kv_bytes(m.setup.shape, slots, kv_format(toggles));
  }
  if (from.index->layout != index_layout(toggles) || from.index->page_size != toggles.page_size()) {
    Image::to_host(from.index->memory.data());
    c.index = converted(*from.index, m.config(), m.setup.shape, slots, index_layout(toggles),
                        toggles.page_size());
    bytes += index_bytes(m.config(), m.setup.shape, slots);
  }
  if (converted_bytes) *converted_bytes += bytes;
  return c;
}

// Gives the arm's plan its step on the device, where the setup's backend is a GPU.
static trace::Status put_on_gpu(Model& m, Arm& arm) {
  DecodePlan& plan = arm.step.plan;
  if (!is_gpu(m.setup.spec.backend) || plan.ops.empty()) return trace::Ok{};
  const trace::Result<kernels::gpu::Device*> device = gpu_device(m.setup.spec.backend);
  if (!device) return device.error();
  const Sequences& q = m.sequences;
  const int64_t M = m.setup.shape.M * 4, B = m.setup.shape.B;
  const int page = arm.toggles.page_size();
  const Weights& w = *m.weights.weights;
  const GpuStep::Block blocks[] = {
      {w.memory().data(), w.memory().size(), "weights", false, false, [&w](const void* at) { w.on_host(at); }},
      {arm.caches.kv->memory.data(), arm.caches.kv->memory.size(), "KV cache", false, true},
      {arm.caches.index->memory.data(), arm.caches.index->memory.size(), "index cache", false, true},
      {q.slot_table(), B * m.setup.shape.max_context * 4, "slot table", false},
      {m.sequences.block_table(page), B * q.block_columns(page) * 4, "block table", false},
      {q.tokens(), M, "tokens", true},
      {q.positions(), M, "positions", true},
      {q.lengths(), M, "lengths", true},
      {q.slots(), M, "slots", true},
      {q.routing().imposed() ? q.routing().ids(0) : nullptr, q.routing().bytes(), "routing", true}};
  trace::Result<std::shared_ptr<GpuStep>> step = GpuStep::make(
      **device, plan, arm.step.arena, blocks,
      {.graph = arm.toggles.is(ToggleKey::launch, "graph"), .overlap = m.setup.plan.overlap, .synchronous = m.setup.synchronous});
  if (!step) return step.error();
  plan.gpu = std::move(step).value();
  for (size_t i = 0; i < plan.ops.size(); ++i)
    plan.ops[i].index = static_cast<int>(i), plan.ops[i].gpu = plan.gpu.get();
  return trace::Ok{};
}

trace::Result<Arm> make_arm(Model& m, const trace::ToggleSet& toggles, Caches caches,
                            const ArmOptions& options) {
  if (const trace::Status status = allowed(m.setup, toggles); !status) return status.error();
  const PlanInputs inputs{m.config(),  m.setup.shape, *m.weights.weights,
                          m.sequences, *caches.kv,    *caches.index};
  PlanOptions plan = m.setup.plan;
  plan.fault_key = options.fault_key, plan.placement_seed = options.placement_seed;
  trace::Result<PlannedStep> step = plan_step(inputs, toggles, plan);
  if (!step) return step.error();
  Arm arm{toggles, std::move(caches), std::move(step).value()};
  if (const trace::Status status = put_on_gpu(m, arm); !status) return status.error();
  return arm;
}

}  // namespace engine
