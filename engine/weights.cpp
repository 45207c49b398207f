#include "engine/weights.h"

#include <cmath>
#include <thread>

#include "engine/synth.h"
#include "kernels/formats.h"

namespace engine {

using kernels::Bf16;
using kernels::E4m3;
using kernels::kGroup;

// One tensor to generate: rows [N, K] for each of `batches`.
struct Weights::Tensor {
  enum class Kind { fp8, one_scale, bf16, norm, offset } kind;
  std::string name;
  void* values = nullptr;
  float* scales = nullptr;
  int64_t batches = 1, N = 0, K = 0;
  int64_t stride = 0, scale_stride = 0;  // between batches: rows, and block rows of scales
  int64_t full_k = 0;                    // columns over all ranks: the scale's sqrt
  double gain = 1;
};

// Lays the tensors of a model out in a block (or only counts them) and lists what is to be
// generated.
class Weights::Layout {
 public:
  Layout(const trace::ModelConfig& model, const Shape& shape, uint8_t* base, Weights* weights)
      : m_model(model), m_shape(shape), m_carver(base), m_weights(weights) {
    place_ends();
    for (int64_t i = 0; i < shape.layers; ++i) place_layer(i);
  }
  const std::map<std::string, int64_t>& parts() const { return m_parts; }
  const std::vector<Tensor>& tensors() const { return m_tensors; }
  int64_t bytes() const { return m_carver.used(); }

 private:
  using Kind = Tensor::Kind;

  template <class T>
  T* take(const char* part, int64_t n) {
    const int64_t before = m_carver.used();
    T* at = m_carver.take<T>(n);
    m_parts[part] += m_carver.used() - before;
    return at;
  }

  Bf16* vector(const char* part, const std::string& name, int64_t n, Kind kind) {
    Bf16* at = take<Bf16>(part, n);
    m_tensors.push_back({kind, name, at, nullptr, 1, 1, n, 1, 0, n, 1});
    return at;
  }

  Bf16* bf16(const char* part, const std::string& name, int64_t n, int64_t k, double gain,
             int64_t full_k) {
    Bf16* at = take<Bf16>(part, n * k);
    m_tensors.push_back({Kind::bf16, name, at, nullptr, 1, n, k, n, 0, full_k, gain});
    return at;
  }

  Fp8Weight fp8(const char* part, const std::string& name, int64_t n, int64_t k, double gain,
                int64_t full_k) {
    Fp8Weight w{take<E4m3>(part, n * k), take<float>(part, (n + 127) / 128 * (k / kGroup)), n, k};
    m_tensors.push_back(
        {Kind::fp8, name, w.values, w.scales, 1, n, k, n, (n + 127) / 128, full_k, gain});
    return w;
  }

  AbsorbWeight absorb(const std::string& name, int64_t n, int64_t k) {
    AbsorbWeight w{take<E4m3>("attention", m_shape.heads * n * k),
                   1.0f / std::sqrt(static_cast<float>(k))};
    m_tensors.push_back(
        {Kind::one_scale, name, w.values, nullptr, m_shape.heads, n, k, n, 0, k, 1});
    return w;
  }

  // gate rows, then up rows, of `batches` experts: two tensors of the checkpoint in one matrix.
  Fp8Weight gate_up(const char* part, const std::string& name, int64_t batches, int64_t inner) {
    const int64_t n = 2 * inner, k = m_shape.hidden;
    Fp8Weight w{take<E4m3>(part, batches * n * k),
                take<float>(part, batches * n / 128 * (k / kGroup)), n, k};
    for (int up = 0; up < 2; ++up) {
      E4m3* values = w.values ? w.values + up * inner * k : nullptr;
      float* scales = w.scales ? w.scales + up * inner / 128 * (k / kGroup) : nullptr;
      m_tensors.push_back({Kind::fp8, name + (up ? "up" : "gate"), values, scales, batches, inner,
                           k, n, n / 128, k, 1});
    }
    return w;
  }

  Fp8Weight down(const char* part, const std::string& name, int64_t batches, int64_t inner) {
    const int64_t n = m_shape.hidden;
    Fp8Weight w{take<E4m3>(part, batches * n * inner),
                take<float>(part, batches * n / 128 * (inner / kGroup)), n, inner};
    m_tensors.push_back({Kind::fp8, name, w.values, w.scales, batches, n, inner, n, n / 128,
                         inner * m_shape.tp, 0.19});
    return w;
  }

  void place_ends() {
    const Shape& s = m_shape;
    // An embedding row is read, not summed over: its values have rms 1 as they are.
    Bf16* embedding = bf16("embedding and lm_head", "embedding", s.vocab, s.hidden, 1, 1);
    Bf16* head = bf16("embedding and lm_head", "lm_head", s.vocab, s.hidden, 1, s.hidden);
    Bf16* norm = vector("norms and tables", "final_norm", s.hidden, Kind::norm);
    Bf16* cos = take<Bf16>("norms and tables", s.max_context * s.rope / 2);
    Bf16* sin = take<Bf16>("norms and tables", s.max_context * s.rope / 2);
    if (!m_weights) return;
    m_weights->m_embedding = embedding, m_weights->m_lm_head = head, m_weights->m_final_norm = norm;
    m_weights->m_cos = cos, m_weights->m_sin = sin;
  }

  void place_layer(int64_t i) {
    const Shape& s = m_shape;
    const std::string at = "layers." + std::to_string(i) + ".";
    LayerWeights w;
    w.input_norm = vector("norms and tables", at + "input_norm", s.hidden, Kind::norm);
    w.qkv_a = fp8("attention", at + "qkv_a", s.qkv(), s.hidden, 1, s.hidden);
    w.q_norm = vector("norms and tables", at + "q_norm", s.q_lora, Kind::norm);
    w.kv_norm = vector("norms and tables", at + "kv_norm", s.latent, Kind::norm);
    w.q_b = fp8("attention", at + "q_b", s.heads * s.q_head(), s.q_lora, 2.2, s.q_lora);
    w.w_kc = absorb(at + "w_kc", s.latent, s.nope);
    w.w_vc = absorb(at + "w_vc", s.v, s.latent);
    w.o_proj = fp8("attention", at + "o_proj", s.hidden, s.heads * s.v, 0.37, s.all_heads * s.v);
    w.post_norm = vector("norms and tables", at + "post_norm", s.hidden, Kind::norm);
    if (m_model.runs_indexer(static_cast<int>(i))) place_indexer(w, at);
    if (i < s.dense_layers) {
      w.gate_up = gate_up("dense MLP", at + "mlp.", 1, s.dense_inner);
      w.down = down("dense MLP", at + "mlp.down", 1, s.dense_inner);
    } else {
      w.router = bf16("experts", at + "router", s.experts, s.hidden, 1, s.hidden);
      w.router_bias = vector("norms and tables", at + "router_bias", s.experts, Kind::offset);
      w.experts_gate_up = gate_up("experts", at + "experts.", s.all_experts(), s.moe_inner);
      w.experts_down = down("experts", at + "experts.down", s.all_experts(), s.moe_inner);
    }
    if (m_weights) m_weights->m_layers.push_back(w);
  }

  void place_indexer(LayerWeights& w, const std::string& at) {
    const Shape& s = m_shape;
    w.wq_b = fp8("indexer", at + "wq_b", s.index_heads * kernels::kIndexDim, s.q_lora, 1, s.q_lora);
    w.wk = fp8("indexer", at + "wk", kernels::kIndexDim, s.hidden, 1, s.hidden);
    w.k_norm = vector("norms and tables", at + "k_norm", kernels::kIndexDim, Kind::norm);
    w.k_norm_bias =
        vector("norms and tables", at + "k_norm_bias", kernels::kIndexDim, Kind::offset);
    w.gate_proj = bf16("indexer", at + "weights_proj", s.index_heads, s.hidden, 1, s.hidden);
  }

  const trace::ModelConfig& m_model;
  const Shape& m_shape;
  Carver m_carver;
  Weights* m_weights;
  std::map<std::string, int64_t> m_parts;
  std::vector<Tensor> m_tensors;
};

namespace {

// Row n of a batch, as floats of rms 1.
void draw_row(const Draw& draw, int64_t n, int64_t batch, int64_t k, E4m3* out) {
  E4m3 tail[16];
  for (int64_t c = 0; c < k; c += 16) {
    if (c + 16 <= k) {
      draw.chunk(n, c / 16, batch, out + c);
    } else {
      draw.chunk(n, c / 16, batch, tail);
      std::copy(tail, tail + (k - c), out + c);
    }
  }
}

// cos and sin of position x frequency, with yarn's blend of interpolated and original frequencies.
void fill_rope(const trace::ModelConfig& m, int64_t positions, Bf16* cos, Bf16* sin) {
  const int64_t half = m.qk_rope_head_dim / 2;
  const auto correction = [&](double rotations) {
    return m.qk_rope_head_dim * std::log(m.rope_original_positions / (rotations * 2 * M_PI)) /
           (2 * std::log(m.rope_theta));
  };
  const double low =
      m.rope_factor > 1 ? std::max(std::floor(correction(m.rope_beta_fast)), 0.0) : 0;
  const double high = m.rope_factor > 1 ? std::min(std::ceil(correction(m.rope_beta_slow)),
                                                   m.qk_rope_head_dim - 1.0)
                                        : 0;
  for (int64_t i = 0; i < half; ++i) {
    double frequency = std::pow(m.rope_theta, -2.0 * static_cast<double>(i) / m.qk_rope_head_dim);
    if (m.rope_factor > 1) {
      const double ramp =
          std::clamp((static_cast<double>(i) - low) / std::max(high - low, 0.001), 0.0, 1.0);
      frequency = frequency / m.rope_factor * ramp + frequency * (1 - ramp);
    }
    for (int64_t p = 0; p < positions; ++p) {
      cos[p * half + i] =
          kernels::to_bf16(static_cast<float>(std::cos(static_cast<double>(p) * frequency)));
      sin[p * half + i] =
          kernels::to_bf16(static_cast<float>(std::sin(static_cast<double>(p) * frequency)));
    }
  }
}

}  // namespace

std::map<std::string, int64_t> Weights::bytes_by_part(const trace::ModelConfig& model,
                                                      const Shape& shape) {
  return Layout(model, shape, nullptr, nullptr).parts();
}

namespace {

// Values of a vector: norms near 1, offsets near 0.
float vector_value(bool norm, E4m3 code) {
  return (norm ? 1.0f : 0.0f) + to_float(code) * (norm ? 0.125f : 0.05f);
}

}  // namespace

Weights::Weights(const trace::ModelConfig& model, const Shape& shape, uint64_t seed,
                 const Progress& progress)
    : m_block(Layout(model, shape, nullptr, nullptr).bytes()) {
  const Layout layout(model, shape, m_block.data(), this);
  fill_rope(model, shape.max_context, m_cos, m_sin);
  const auto generate = [seed](const Tensor& t, int64_t begin, int64_t end) {
    const Draw draw(seed, t.name);
    std::vector<E4m3> row(static_cast<size_t>(t.K));
    for (int64_t i = begin; i < end; ++i) {
      const int64_t batch = i / t.N, n = i % t.N, at = (batch * t.stride + n) * t.K;
      if (t.kind == Tensor::Kind::fp8 || t.kind == Tensor::Kind::one_scale) {
        draw_row(draw, n, batch, t.K, static_cast<E4m3*>(t.values) + at);
        if (t.kind == Tensor::Kind::one_scale || n % kGroup != 0) continue;
        for (int64_t g = 0; g < t.K / kGroup; ++g) {
          t.scales[(batch * t.scale_stride + n / kGroup) * (t.K / kGroup) + g] =
              block_scale(draw, n / kGroup, g, batch, t.gain, t.full_k);
        }
        continue;
      }
      draw_row(draw, n, batch, t.K, row.data());
      auto* out = static_cast<Bf16*>(t.values) + at;
      float scale = 1;
      for (int64_t k = 0; k < t.K; ++k) {
        const E4m3 code = row[static_cast<size_t>(k)];
        const bool matrix = t.kind == Tensor::Kind::bf16;
        if (matrix && k % kGroup == 0) {
          scale = block_scale(draw, n / kGroup, k / kGroup, batch, t.gain, t.full_k);
        }
        out[k] = kernels::to_bf16(matrix ? to_float(code) * scale
                                         : vector_value(t.kind == Tensor::Kind::norm, code));
      }
    }
  };
  int64_t done = 0, all = 0;
  for (const Tensor& t : layout.tensors()) all += t.batches * t.N * t.K;
  for (const Tensor& t : layout.tensors()) {
    if (progress)
      progress("generating weights, " + t.name,
               static_cast<double>(done) / static_cast<double>(all));
    const int64_t rows = t.batches * t.N;
    if (rows * t.K < (1 << 20)) {
      generate(t, 0, rows);
    } else {
      std::thread half(generate, std::cref(t), rows / 2, rows);
      generate(t, 0, rows / 2);
      half.join();
    }
    done += rows * t.K;
  }
}

}  // namespace engine
