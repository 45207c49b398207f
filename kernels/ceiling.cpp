#include "kernels/ceiling.h"

#include "kernels/simd.h"

namespace kernels::cpu {

namespace {

struct ReadArgs {
  const uint8_t* from;
  int64_t bytes;
  uint64_t* sum;
};
struct ArithmeticArgs {
  int64_t rounds;
  float* out;
};

constexpr int64_t kRow = 256;  // floats of a row: first-level cache

template <int W>
DS_INLINE void read_body(const ReadArgs& a, Part) {
  typedef uint64_t Words __attribute__((vector_size(W * 4), aligned(1), may_alias));
  typedef uint64_t Sum __attribute__((vector_size(W * 4)));
  constexpr int64_t kBytes = W * 4;
  Sum sum[4] = {};
  int64_t i = 0;
  for (; i + 4 * kBytes <= a.bytes; i += 4 * kBytes) {
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) sum[j] += *reinterpret_cast<const Words*>(a.from + i + j * kBytes);
  }
  uint64_t words[4 * W / 2];
  std::memcpy(words, sum, sizeof words);
  for (const uint64_t s : words) *a.sum += s;
  for (; i < a.bytes; ++i) *a.sum += a.from[i];
}

template <int W>
DS_INLINE void arithmetic_body(const ArithmeticArgs& a, Part) {
  alignas(64) float x[4 * kRow], row[kRow];
  for (int64_t i = 0; i < 4 * kRow; ++i) x[i] = static_cast<float>(i % 7) * 0.125f;
  for (int64_t i = 0; i < kRow; ++i) row[i] = static_cast<float>(i % 5) * 0.25f;
  const float* four[4] = {x, x + kRow, x + 2 * kRow, x + 3 * kRow};
  float total = 0;
  for (int64_t r = 0; r < a.rounds; ++r) {
    float y[4];
    dot4<W>(four, row, kRow, y);
    total += y[0] + y[1] + y[2] + y[3];
    row[r % kRow] = total * 1e-9f;  // the next round depends on this one
  }
  *a.out = total;
}

namespace reading {
DS_CPU_OP(ReadArgs, read_body)
}
namespace counting {
DS_CPU_OP(ArithmeticArgs, arithmetic_body)
}

}  // namespace

uint64_t read_all(const uint8_t* from, int64_t bytes) {
  uint64_t sum = 0;
  reading::run({from, bytes, &sum}, {});
  return sum;
}

float arithmetic(int64_t rounds) {
  float out = 0;
  counting::run({rounds, &out}, {});
  return out;
}

double arithmetic_flops(int64_t rounds) {
  return static_cast<double>(rounds) * 2 * 4 * kRow;
}

}  // namespace kernels::cpu
