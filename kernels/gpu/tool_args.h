// Arguments of kernels that are no op of a model: synthetic values, and what ceilings are measured with.
// Pointers are the device's. Launches: tool_launch().
#pragma once
#include "kernels/formats.h"
#include "kernels/gpu/launch.h"

namespace kernels {

// Rows of synthetic values (engine/synth.h): row r is counter n = (n0 + r) % N of batch batch0 + (n0 + r) / N
// and lies at row (that batch - batch0) * stride + n of `out`.
struct DrawArgs {
  enum class To : int32_t { e4m3, bf16, bf16_scaled };
  uint32_t key[2] = {};
  To to = To::e4m3;
  const E4m3* codes = nullptr;  // [256]
  void* out = nullptr;
  float* scales = nullptr;  // e4m3: of 128x128 blocks, [rows of scales, K/128]; null: none
  float factors[5] = {};    // what a block's scale may be
  uint32_t scale_stream = 0;
  int64_t n0 = 0, rows = 0, N = 1, K = 0;  // K % 16 == 0
  int64_t batch0 = 0, stride = 0, scale_stride = 0;
};

struct StreamArgs {
  const uint8_t* from = nullptr;
  uint8_t* to = nullptr;
  int64_t bytes = 0;         // a multiple of 16
  uint32_t* sink = nullptr;  // never written; keeps what was read alive
};

struct MatrixRateArgs {
  int64_t rounds = 0;
  float* sink = nullptr;  // never written
};
inline constexpr int64_t kMatrixRateFlops = 4 * 2 * 16 * 16 * 32;  // of a wave and round

// Reads of the device's clock, one behind the other, by one lane of each block; ticks.
inline constexpr int kClockReads = 16;
struct ClockArgs {
  uint64_t* times = nullptr;  // [blocks, kClockReads]
  uint32_t* units = nullptr;  // [blocks]: where each ran, as in a stamp
};

namespace gpu {

// `args` must outlive the launch call.
template <class Args>
Launch tool_launch(Kernel kernel, const Args& args, int64_t blocks, int threads, int64_t lds_bytes = 0) {
  return {kernel, blocks, 1, threads, lds_bytes, 1, &args, sizeof args, {}};
}
inline constexpr int kToolThreads = 256;
inline Launch draw_launch(const DrawArgs& a) {
  return tool_launch(Kernel::draw, a, (a.rows * (a.K / 16) + kToolThreads - 1) / kToolThreads, kToolThreads, 256);
}

}  // namespace gpu
}  // namespace kernels
