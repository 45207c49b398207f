#include "engine/synth.h"

#include <boost/math/special_functions/erf.hpp>
#include <cmath>
#include <cstring>

#include "kernels/formats.h"
#include "kernels/philox.h"

namespace engine {
namespace {

constexpr uint32_t kUniformStream = 0xf10a7;  // apart from the values' and the scales' counters

// FNV-1a, 32 bits.
uint32_t hash(std::string_view text) {
  uint32_t h = 2166136261u;
  for (const char c : text) h = (h ^ static_cast<uint8_t>(c)) * 16777619u;
  return h;
}

std::array<kernels::E4m3, 256> make_codes() {
  std::array<double, 256> value{};
  for (size_t i = 0; i < 256; ++i) {
    const double p = (static_cast<double>(i) + 0.5) / 256;
    value[i] = -std::sqrt(2.0) * boost::math::erfc_inv(2 * p);
  }
  // The spread is set so that the rms is 1 after rounding to e4m3, as near as 256 steps allow.
  std::array<kernels::E4m3, 256> codes{}, best{};
  double best_error = 1e9;
  for (int step = -300; step <= 300; ++step) {
    const double spread = 1 + step * 1e-4;
    double squares = 0;
    for (size_t i = 0; i < 256; ++i) {
      codes[i] = kernels::to_e4m3(static_cast<float>(value[i] * spread));
      squares += std::pow(kernels::to_float(codes[i]), 2);
    }
    const double error = std::fabs(std::sqrt(squares / 256) - 1);
    if (error < best_error) best_error = error, best = codes;
  }
  return best;
}

}  // namespace

std::array<uint32_t, 4> philox(std::array<uint32_t, 4> c, std::array<uint32_t, 2> key) {
  const kernels::PhiloxWords w = kernels::philox4x32({{c[0], c[1], c[2], c[3]}}, key[0], key[1]);
  return {w.w[0], w.w[1], w.w[2], w.w[3]};
}

Draw::Draw(uint64_t seed, std::string_view tensor)
    : m_key{static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32) ^ hash(tensor)} {}

std::array<uint32_t, 4> Draw::words(uint32_t a, uint32_t b, uint32_t c, uint32_t d) const {
  return philox({a, b, c, d}, m_key);
}

void Draw::chunk(int64_t n, int64_t chunk, int64_t batch, kernels::E4m3 out[16]) const {
  const auto w = words(static_cast<uint32_t>(chunk), static_cast<uint32_t>(n),
                       static_cast<uint32_t>(batch), 0);
  uint8_t bytes[16];
  std::memcpy(bytes, w.data(), 16);
  const auto& codes = normal_codes();
  for (int i = 0; i < 16; ++i) out[i] = codes[bytes[i]];
}

double Draw::uniform(uint32_t a, uint32_t b) const {
  return words(a, b, 0, kUniformStream)[0] * 0x1p-32;
}

const std::array<kernels::E4m3, 256>& normal_codes() {
  static const std::array<kernels::E4m3, 256> codes = make_codes();
  return codes;
}

float block_scale(const Draw& draw, int64_t n_block, int64_t k_block, int64_t batch, double gain,
                  int64_t full_k) {
  const auto w = draw.words(static_cast<uint32_t>(k_block), static_cast<uint32_t>(n_block),
                            static_cast<uint32_t>(batch), kScaleStream);
  return scale_factor(w[0] % 5, gain, full_k);
}

float scale_factor(uint32_t step, double gain, int64_t full_k) {
  const double u = (static_cast<double>(step) - 2) / 8;
  return static_cast<float>(gain / std::sqrt(static_cast<double>(full_k)) * std::exp2(u));
}

}  // namespace engine
