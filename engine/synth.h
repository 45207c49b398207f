// Synthetic values: Philox4x32-10 keyed by seed and tensor, counter (k/16, n, batch): one 16-byte
// draw is one 16-byte chunk of a row, so every layout of a tensor holds the same logical values. A
// byte becomes an e4m3 through a 256-entry table of normal quantiles with rms 1. Weights carry
// block scales gain / sqrt(K) x 2^u with u in
// {-1/4 .. 1/4} a 128x128 block, so that a transposed or shifted scale shows.
// Thread rule: pure. Same seed, same bytes, on every machine.
#pragma once
#include <array>
#include <string_view>

#include "kernels/ops.h"

namespace engine {

std::array<uint32_t, 4> philox(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key);

// The stream of one tensor.
class Draw {
 public:
  Draw(uint64_t seed, std::string_view tensor);
  // The 16 e4m3 values of columns [16 chunk, 16 chunk + 16) of row n.
  void chunk(int64_t n, int64_t chunk, int64_t batch, kernels::E4m3 out[16]) const;
  std::array<uint32_t, 4> words(uint32_t a, uint32_t b, uint32_t c, uint32_t d) const;
  double uniform(uint32_t a, uint32_t b = 0) const;  // [0, 1)
  std::array<uint32_t, 2> key() const { return m_key; }

 private:
  std::array<uint32_t, 2> m_key;
};

const std::array<kernels::E4m3, 256>& normal_codes();

// Scale of the 128x128 block (n/128, k/128) of a matrix with `full_k` columns over all ranks.
float block_scale(const Draw&, int64_t n_block, int64_t k_block, int64_t batch, double gain,
                  int64_t full_k);
// What it may be: its word of this stream, modulo 5, is the step.
inline constexpr uint32_t kScaleStream = 0x5ca1e;
float scale_factor(uint32_t step, double gain, int64_t full_k);

}  // namespace engine
