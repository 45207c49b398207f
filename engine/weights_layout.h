// Where the tensors of a model lie in its block of weights, and which tensors there are: what is
// generated from a seed, or read from a checkpoint. Internal to the weights of this folder.
#pragma once
#include "engine/weights.h"

namespace engine {

// One tensor to fill: rows [N, K] for each of `batches`.
struct WeightTensor {
  enum class Kind { fp8, one_scale, bf16, mxfp4, norm, offset } kind;
  std::string name;        // "layers.3.q_b"
  void* values = nullptr;  // in the format of `kind`; norms and offsets are bf16
  void* scales = nullptr;  // floats a 128x128 block, or e8m0 per 32 of a row
  int64_t batches = 1, N = 0, K = 0;
  int64_t stride = 0, scale_stride = 0;  // between batches: rows, and rows of scales
  int64_t full_k = 0;                    // columns over all ranks: the scale's sqrt
  double gain = 1;
};

class WeightLayout {
 public:
  // With a null base only counts and lists.
  WeightLayout(const trace::ModelConfig&, const Shape&, uint8_t* base);

  const std::map<std::string, int64_t>& parts() const { return m_parts; }  // bytes
  const std::vector<WeightTensor>& tensors() const { return m_tensors; }
  const std::vector<LayerWeights>& layers() const { return m_layers; }
  const EndWeights& ends() const { return m_ends; }
  int64_t bytes() const { return m_carver.used(); }

 private:
  using Kind = WeightTensor::Kind;

  template <class T>
  T* take(const char* part, int64_t n) {
    const int64_t before = m_carver.used();
    T* at = m_carver.take<T>(n);
    m_parts[part] += m_carver.used() - before;
    return at;
  }

  kernels::Bf16* vector(const char* part, const std::string& name, int64_t n, Kind);
  kernels::Bf16* bf16(const char* part, const std::string& name, int64_t n, int64_t k, double gain,
                      int64_t full_k);
  // Values and scales of `batches` matrices, without what is in them.
  Linear matrix(const char* part, trace::WeightFormat, int64_t batches, int64_t n, int64_t k);
  // Rows [first, first + n) of every batch of `w` are one tensor. REQUIRES: first % 128 == 0.
  void fill(const Linear& w, const std::string& name, int64_t batches, int64_t first, int64_t n,
            double gain, int64_t full_k);
  Linear linear(const char* part, const std::string& name, trace::WeightFormat, int64_t n,
                int64_t k, double gain, int64_t full_k);
  AbsorbWeight absorb(const std::string& name, int64_t n, int64_t k);
  Linear gate_up(const char* part, const std::string& name, trace::WeightFormat, int64_t batches,
                 int64_t inner);
  Linear down(const char* part, const std::string& name, trace::WeightFormat, int64_t batches,
              int64_t inner);
  void place_ends();
  void place_layer(int64_t i);
  void place_indexer(LayerWeights&, const std::string& at);

  const trace::ModelConfig& m_model;
  const Shape& m_shape;
  Carver m_carver;
  std::map<std::string, int64_t> m_parts;
  std::vector<WeightTensor> m_tensors;
  std::vector<LayerWeights> m_layers;
  EndWeights m_ends;
};

// Bytes of one row of k values.
int64_t row_bytes(kernels::WeightFormat, int64_t k);

}  // namespace engine
