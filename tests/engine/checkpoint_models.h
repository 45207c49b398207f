// Models and weights small enough to be written as a checkpoint in a test.
#pragma once
#include <memory>
#include <string_view>

#include "engine/checkpoint.h"
#include "small_model.h"

namespace engine::test {

// Narrow, yet every slice of two ranks begins at a block of scales.
inline trace::ModelConfig published_model(std::string_view preset) {
  trace::ModelConfig m = check_model(preset);
  m.heads = 8, m.qk_rope_head_dim = 32;
  m.moe_intermediate = m.dense_intermediate = 256;
  return m;
}

inline trace::RunSpec spec_of(const trace::ModelConfig& model, int tp = 1) {
  trace::RunSpec spec = small_spec(2, 150);
  spec.model = model, spec.workload.tp = tp;
  return spec;
}

inline std::shared_ptr<Weights> generated(const trace::RunSpec& spec) {
  return std::make_shared<Weights>(spec.model, shape_of(spec.model, spec.workload),
                                   spec.workload.seed);
}

}  // namespace engine::test
