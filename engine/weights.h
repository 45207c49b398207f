// Weights of this rank: pointers into one block, generated from the seed (engine/synth.h).
// Immutable once loaded and shared by every plan and both arms of an A/B. Row-major [N, K]; fp8
// with 128x128 block scales, absorb matrices with one scale a tensor, embeddings, router, gate
// projection, norms and lm_head in bf16.
#pragma once
#include <functional>
#include <map>
#include <vector>

#include "engine/memory.h"
#include "engine/shape.h"
#include "kernels/ops.h"

namespace engine {

struct Fp8Weight {
  kernels::E4m3* values = nullptr;  // [N, K]
  float* scales = nullptr;          // [ceil(N/128), K/128]
  int64_t N = 0, K = 0;
};

struct AbsorbWeight {
  kernels::E4m3* values = nullptr;  // [heads, N, K]
  float scale = 1;
};

struct LayerWeights {
  kernels::Bf16 *input_norm = nullptr, *q_norm = nullptr, *kv_norm = nullptr, *post_norm = nullptr;
  Fp8Weight qkv_a, q_b, o_proj;
  AbsorbWeight w_kc, w_vc;  // [H, latent, nope], [H, v, latent]
  Fp8Weight wq_b, wk;       // indexer
  kernels::Bf16 *k_norm = nullptr, *k_norm_bias = nullptr, *gate_proj = nullptr;
  Fp8Weight gate_up, down;                                  // dense layers
  kernels::Bf16 *router = nullptr, *router_bias = nullptr;  // MoE layers
  Fp8Weight experts_gate_up, experts_down;  // [E, N, K] with scales [E, N/128, K/128]
};

using Progress = std::function<void(const std::string& what, double fraction)>;

class Weights {
 public:
  // Generates everything. Throws std::bad_alloc when the block can't be had (sizes are checked
  // before).
  Weights(const trace::ModelConfig&, const Shape&, uint64_t seed, const Progress& = {});

  const kernels::Bf16* embedding() const { return m_embedding; }
  const kernels::Bf16* final_norm() const { return m_final_norm; }
  const kernels::Bf16* lm_head() const { return m_lm_head; }
  const kernels::Bf16* rope_cos() const { return m_cos; }  // [max_context, rope/2]
  const kernels::Bf16* rope_sin() const { return m_sin; }
  const LayerWeights& layer(int64_t i) const { return m_layers[static_cast<size_t>(i)]; }

  // Bytes by part ("experts", "attention", ...), without loading anything.
  static std::map<std::string, int64_t> bytes_by_part(const trace::ModelConfig&, const Shape&);

 private:
  struct Tensor;
  class Layout;
  Memory m_block;
  std::vector<LayerWeights> m_layers;
  kernels::Bf16 *m_embedding = nullptr, *m_final_norm = nullptr, *m_lm_head = nullptr,
                *m_cos = nullptr, *m_sin = nullptr;
};

}  // namespace engine
