// What a run is made of. Model: weights, sequences and executor of one setup, shared by everything
// that runs on it. Arm: one set of switches on it, with its caches and its planned step. A live
// session has one arm, an A/B two. Thread rule: one thread.
#pragma once
#include <memory>

#include "engine/executor.h"
#include "engine/setup.h"

namespace engine {

// Weights by what they were generated from, so that an A/B and a live run of the same model hold
// them once.
struct SharedWeights {
  trace::ModelConfig model;
  int tp = 1, rank = 0, max_context = 0;
  uint64_t seed = 0;
  std::string checkpoint;  // where they were read from; empty: generated
  std::shared_ptr<const Weights> weights;
  bool fits(const Setup&) const;
};

// `reuse` where it fits, else read or generated. Throws std::bad_alloc. error: a tensor that can't
// be.
trace::Result<SharedWeights> load_weights(const Setup&, const SharedWeights& reuse,
                                          const Progress& = {});

struct Model {
  Setup setup;
  SharedWeights weights;
  Sequences sequences;
  Executor executor;
  Evictor evictor;
  std::shared_ptr<void> weights_image;  // on the backend's device; null on the CPU

  // REQUIRES: the weights are those of the setup. Throws std::bad_alloc.
  Model(Setup, SharedWeights);
  const trace::ModelConfig& config() const { return setup.spec.model; }
  // What a timed step needs before it: emptied caches, where that was asked for.
  void before_step(const DecodePlan& plan) {
    if (setup.cache == CacheState::cold) evictor.run(plan.gpu.get());
  }
};

// What the caches hold when a timed step begins, in words: "cache state: cold" or how much larger
// the weights are than the last level.
std::string cache_state(const Model&);

struct Caches {
  KvCachesPtr kv;
  IndexCachesPtr index;
};

// Caches in the formats of these switches, filled up to the sequences' starting positions: by a
// prefill where the workload asks for one, else from seeded latents. error: what the prefill can't
// run.
trace::Result<Caches> filled_caches(Model&, const trace::ToggleSet&, const Progress& = {});
// `from` where formats agree, else converted; `converted_bytes` grows by what was converted.
Caches caches_for(Model&, const trace::ToggleSet&, const Caches& from,
                  int64_t* converted_bytes = nullptr);

struct Arm {
  trace::ToggleSet toggles;
  Caches caches;
  PlannedStep step;
  const DecodePlan& plan() const { return step.plan; }
};

struct ArmOptions {
  uint64_t placement_seed = 0;
  std::string fault_key;
};

kernels::Format kv_format(const trace::ToggleSet&);
kernels::IndexLayout index_layout(const trace::ToggleSet&);

// error: the switches can't run on this model.
trace::Result<Arm> make_arm(Model&, const trace::ToggleSet&, Caches, const ArmOptions& = {});

}  // namespace engine
