// Weights of this rank: pointers into one block, generated from the seed (engine/synth.h) or read
// from a checkpoint (engine/checkpoint.h). Where the engine runs synthetic weights on a GPU the block is mere
// addresses: the device generates the same bytes for itself (engine/gpu_fill.h), and what the host must see is
// generated when asked for.
// Immutable once loaded and shared by every plan and both arms of an A/B. Row-major [N, K];
// linears, absorb matrices and experts each in the format the model says, embeddings, router, gate
// projection, norms and lm_head in bf16.
#pragma once
#include <functional>
#include <map>
#include <vector>

#include "engine/memory.h"
#include "engine/shape.h"
#include "kernels/ops.h"
#include "trace/result.h"

namespace engine {

class Checkpoint;

// A matrix [N, K], or [batches, N, K], in one format:
//   fp8    e4m3 and one float scale per 128x128 block, [ceil(N/128), K/128]
//   bf16
//   mxfp4  packed e2m1, K/2 bytes a row, and e8m0 scales [N, K/32]
struct Linear {
  kernels::WeightFormat format = kernels::WeightFormat::fp8;
  void* values = nullptr;
  void* scales = nullptr;
  int64_t N = 0, K = 0;

  const kernels::Bf16* bf16() const { return static_cast<const kernels::Bf16*>(values); }
  const kernels::E4m3* fp8() const { return static_cast<const kernels::E4m3*>(values); }
  const float* fp8_scales() const { return static_cast<const float*>(scales); }
  const uint8_t* mx() const { return static_cast<const uint8_t*>(values); }
  const uint8_t* mx_scales() const { return static_cast<const uint8_t*>(scales); }
};

// [heads, N, K]; in fp8 with one scale for the whole tensor.
struct AbsorbWeight {
  kernels::WeightFormat format = kernels::WeightFormat::fp8;
  void* values = nullptr;
  uint8_t* scales = nullptr;  // mxfp4: [heads, N, K/32]
  float scale = 1;            // fp8
};

struct LayerWeights {
  kernels::Bf16 *input_norm = nullptr, *q_norm = nullptr, *kv_norm = nullptr, *post_norm = nullptr;
  Linear qkv_a, q_b, o_proj;
  AbsorbWeight w_kc, w_vc;  // [H, latent, nope], [H, v, latent]
  Linear wq_b, wk;          // indexer
  kernels::Bf16 *k_norm = nullptr, *k_norm_bias = nullptr, *gate_proj = nullptr;
  Linear gate_up, down;                                     // dense layers
  kernels::Bf16 *router = nullptr, *router_bias = nullptr;  // MoE layers
  Linear experts_gate_up, experts_down;                     // [E, N, K]
};

struct EndWeights {
  kernels::Bf16 *embedding = nullptr, *final_norm = nullptr, *lm_head = nullptr;
  kernels::Bf16 *cos = nullptr, *sin = nullptr;  // [max_context, rope/2]
};

kernels::WeightFormat kernel_format(trace::WeightFormat);

struct WeightTensor;  // engine/weights_layout.h

using Progress = std::function<void(const std::string& what, double fraction)>;

class Weights {
 public:
  enum class Where { host, device };
  // Generates everything; for a device norms and tables only. Throws std::bad_alloc when the block can't be had
  // (sizes are checked before).
  Weights(const trace::ModelConfig&, const Shape&, uint64_t seed, const Progress& = {}, Where = Where::host);
  // Reads everything. Throws as above. error: as Checkpoint::load().
  static trace::Result<std::shared_ptr<const Weights>> load(const trace::ModelConfig&, const Shape&,
                                                            const Checkpoint&,
                                                            const Progress& = {});
  ~Weights();
  Weights(const Weights&) = delete;
  Weights& operator=(const Weights&) = delete;

  bool on_device() const { return m_where == Where::device; }
  uint64_t seed() const { return m_seed; }
  const std::vector<WeightTensor>& tensors() const { return m_tensors; }
  // Whether this tensor was generated with the object, and bytes outside every tensor (tables) with it.
  static bool small(const WeightTensor&);
  // Makes sure that the host holds the tensors at this address. Thread rule: one thread.
  void on_host(const void* address) const;
  void all_on_host() const;

  const kernels::Bf16* embedding() const { return m_ends.embedding; }
  const kernels::Bf16* final_norm() const { return m_ends.final_norm; }
  const kernels::Bf16* lm_head() const { return m_ends.lm_head; }
  const kernels::Bf16* rope_cos() const { return m_ends.cos; }
  const kernels::Bf16* rope_sin() const { return m_ends.sin; }
  const LayerWeights& layer(int64_t i) const { return m_layers[static_cast<size_t>(i)]; }

  const Memory& memory() const { return m_block; }

  // Bytes by part ("experts", "attention", ...), without loading anything.
  static std::map<std::string, int64_t> bytes_by_part(const trace::ModelConfig&, const Shape&);

 private:
  Weights(const trace::ModelConfig&, const Shape&, Where, uint64_t seed);

  Memory m_block;
  const Where m_where;
  const uint64_t m_seed;
  std::vector<WeightTensor> m_tensors;
  mutable std::vector<bool> m_on_host;  // by tensor
  std::vector<LayerWeights> m_layers;
  EndWeights m_ends;
};

}  // namespace engine
