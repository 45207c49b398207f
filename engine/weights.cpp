#include "engine/weights.h"

#include <cmath>
#include <thread>

#include "engine/checkpoint.h"
#include "engine/synth.h"
#include "engine/weights_layout.h"
#include "kernels/formats.h"

namespace engine {

using kernels::Bf16;
using kernels::E4m3;
using kernels::kGroup;

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
  return WeightLayout(model, shape, nullptr).parts();
}

namespace {

// Fills rows of one tensor from its stream.
class Generator {
 public:
  Generator(const WeightTensor& t, uint64_t seed)
      : m_tensor(t),
        m_draw(seed, t.name),
        m_codes(static_cast<size_t>(t.K)),
        m_row(static_cast<size_t>(t.K)) {}

  void row(int64_t batch, int64_t n) {
    const WeightTensor& t = m_tensor;
    const int64_t at = batch * t.stride + n;
    if (t.kind == Kind::fp8 || t.kind == Kind::one_scale) {
      draw_row(m_draw, n, batch, t.K, static_cast<E4m3*>(t.values) + at * t.K);
      if (t.kind == Kind::fp8 && n % kGroup == 0) scale_row(batch, n / kGroup);
      return;
    }
    draw_row(m_draw, n, batch, t.K, m_codes.data());
    if (t.kind == Kind::norm || t.kind == Kind::offset)
      vector_row();
    else
      matrix_row(batch, n);
    if (t.kind == Kind::mxfp4)
      quantise(batch, n, at);
    else
      std::copy(m_row.begin(), m_row.end(), static_cast<Bf16*>(t.values) + at * t.K);
  }

 private:
  using Kind = WeightTensor::Kind;

  float scale(int64_t batch, int64_t n_block, int64_t k_block) const {
    return block_scale(m_draw, n_block, k_block, batch, m_tensor.gain, m_tensor.full_k);
  }

  void scale_row(int64_t batch, int64_t n_block) {
    const int64_t groups = m_tensor.K / kGroup;
    auto* out =
        static_cast<float*>(m_tensor.scales) + (batch * m_tensor.scale_stride + n_block) * groups;
    for (int64_t g = 0; g < groups; ++g) out[g] = scale(batch, n_block, g);
  }

  // Norms near 1, offsets near 0.
  void vector_row() {
    const bool norm = m_tensor.kind == Kind::norm;
    for (size_t k = 0; k < m_row.size(); ++k) {
      const float v = to_float(m_codes[k]);
      m_row[k] = kernels::to_bf16(norm ? 1.0f + v * 0.125f : v * 0.05f);
    }
  }

  void matrix_row(int64_t batch, int64_t n) {
    float factor = 1;
    for (size_t k = 0; k < m_row.size(); ++k) {
      if (k % kGroup == 0) factor = scale(batch, n / kGroup, static_cast<int64_t>(k) / kGroup);
      m_row[k] = kernels::to_bf16(to_float(m_codes[k]) * factor);
    }
  }

  // As a loader requantises a bf16 tensor.
  void quantise(int64_t batch, int64_t n, int64_t at) {
    const WeightTensor& t = m_tensor;
    kernels::MxQuantArgs a;
    a.x = m_row.data(), a.x_stride = t.K, a.M = 1, a.D = t.K;
    a.out.values = static_cast<uint8_t*>(t.values) + at * t.K / 2;
    a.out.scales =
        static_cast<uint8_t*>(t.scales) + (batch * t.scale_stride + n) * (t.K / kernels::kMxGroup);
    kernels::cpu::run(a, {});
  }

  const WeightTensor& m_tensor;
  Draw m_draw;
  std::vector<E4m3> m_codes;
  std::vector<Bf16> m_row;
};

void generate(const WeightTensor& t, uint64_t seed, int64_t begin, int64_t end) {
  Generator generator(t, seed);
  for (int64_t i = begin; i < end; ++i) generator.row(i / t.N, i % t.N);
}

}  // namespace

namespace {

void generate_whole(const WeightTensor& t, uint64_t seed) {
  const int64_t rows = t.batches * t.N;
  if (rows * t.K < (1 << 20)) {
    generate(t, seed, 0, rows);
  } else {
    std::thread half(generate, std::cref(t), seed, rows / 2, rows);
    generate(t, seed, 0, rows / 2);
    half.join();
  }
}

struct Span {
  uintptr_t begin = 0, end = 0;
  bool overlaps(const Span& o) const { return begin < o.end && o.begin < end; }
};
Span span_of(const void* base, int64_t batches, int64_t stride, int64_t rows, int64_t row_bytes) {
  const auto begin = reinterpret_cast<uintptr_t>(base);
  return {begin, base ? begin + static_cast<uintptr_t>(((batches - 1) * stride + rows) * row_bytes) : begin};
}
Span values_of(const WeightTensor& t) {
  using Kind = WeightTensor::Kind;
  const int64_t row = t.kind == Kind::fp8 || t.kind == Kind::one_scale ? t.K : t.kind == Kind::mxfp4 ? t.K / 2 : 2 * t.K;
  return span_of(t.values, t.batches, t.stride, t.N, row);
}
Span scales_of(const WeightTensor& t) {
  const bool fp8 = t.kind == WeightTensor::Kind::fp8;
  return span_of(t.scales, t.batches, t.scale_stride, fp8 ? (t.N + kGroup - 1) / kGroup : t.N,
                 fp8 ? t.K / kGroup * 4 : t.K / kernels::kMxGroup);
}

}  // namespace

Weights::Weights(const trace::ModelConfig& model, const Shape& shape, Where where, uint64_t seed)
    : m_where(where), m_seed(seed) {
  const int64_t bytes = WeightLayout(model, shape, nullptr).bytes();
  m_block = where == Where::device ? Memory::reserved(bytes) : Memory(bytes);
  const WeightLayout layout(model, shape, m_block.data());
  m_layers = layout.layers(), m_ends = layout.ends(), m_tensors = layout.tensors();
  m_on_host.assign(m_tensors.size(), false);
  fill_rope(model, shape.max_context, m_ends.cos, m_ends.sin);
}

trace::Result<std::shared_ptr<const Weights>> Weights::load(const trace::ModelConfig& model,
                                                            const Shape& shape,
                                                            const Checkpoint& checkpoint,
                                                            const Progress& progress) {
  std::shared_ptr<Weights> w(new Weights(model, shape, Where::host, 0));
  const WeightLayout layout(model, shape, w->m_block.data());
  if (const trace::Status status = checkpoint.load(layout, w->m_layers, progress); !status)
    return status.error();
  w->m_on_host.assign(w->m_tensors.size(), true);
  return std::shared_ptr<const Weights>(std::move(w));
}

Weights::Weights(const trace::ModelConfig& model, const Shape& shape, uint64_t seed,
                 const Progress& progress, Where where)
    : Weights(model, shape, where, seed) {
  int64_t done = 0, all = 0;
  for (const WeightTensor& t : m_tensors) all += t.batches * t.N * t.K;
  for (size_t i = 0; i < m_tensors.size(); ++i) {
    const WeightTensor& t = m_tensors[i];
    if (where == Where::device && !small(t)) continue;
    if (progress)
      progress("generating weights, " + t.name,
               static_cast<double>(done) / static_cast<double>(all));
    generate_whole(t, seed);
    m_on_host[i] = true;
    done += t.batches * t.N * t.K;
  }
}

Weights::~Weights() = default;

bool Weights::small(const WeightTensor& t) {
  return t.kind == WeightTensor::Kind::norm || t.kind == WeightTensor::Kind::offset;
}

void Weights::all_on_host() const {
  for (size_t i = 0; i < m_tensors.size(); ++i) {
    if (!m_on_host[i]) generate_whole(m_tensors[i], m_seed);
    m_on_host[i] = true;
  }
}

// Two tensors of one matrix (gate and up rows of experts) lie within each other: all that overlap are asked for.
void Weights::on_host(const void* address) const {
  const auto at = reinterpret_cast<uintptr_t>(address);
  const Span point{at, at + 1};
  for (const WeightTensor& asked : m_tensors) {
    if (!values_of(asked).overlaps(point) && !scales_of(asked).overlaps(point)) continue;
    for (size_t i = 0; i < m_tensors.size(); ++i) {
      if (m_on_host[i] || !values_of(m_tensors[i]).overlaps(values_of(asked))) continue;
      generate_whole(m_tensors[i], m_seed);
      m_on_host[i] = true;
    }
  }
}

}  // namespace engine
