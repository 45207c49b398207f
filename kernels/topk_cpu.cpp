// Three radix passes (11, 11, 10 bits) over order-preserving keys find the k-th largest; one more
// pass writes the positions above it and as many equal to it as are missing, in ascending order: 4
// reads of a row of L floats.
#include <cstring>

#include "kernels/ragged.h"
#include "kernels/simd.h"
#include "kernels/topk.h"

namespace kernels::cpu {

// Ascending in the float's order; -0 counts as 0.
static inline uint32_t order_key(float f) {
  const uint32_t u = std::bit_cast<uint32_t>(f + 0.0f);
  return u & 0x80000000u ? ~u : u | 0x80000000u;
}

struct Threshold {
  uint32_t key = 0;   // the k-th largest key
  int64_t equal = 0;  // how many of its equals are taken
};

static Threshold kth_largest(const uint32_t* keys, int64_t n, int64_t k) {
  constexpr int kShift[] = {21, 10, 0}, kBits[] = {11, 11, 10};
  uint32_t prefix = 0, mask = 0;
  for (int pass = 0; pass < 3; ++pass) {
    int32_t count[2048] = {};
    const uint32_t digit_mask = (1u << kBits[pass]) - 1;
    for (int64_t i = 0; i < n; ++i) {
      if ((keys[i] & mask) == prefix) ++count[keys[i] >> kShift[pass] & digit_mask];
    }
    uint32_t digit = digit_mask;
    for (; count[digit] < k; --digit)
      k -= count[digit];  // the digits above hold fewer than k: all of them are in
    prefix |= digit << kShift[pass];
    mask |= digit_mask << kShift[pass];
  }
  return {prefix, k};
}

// The k best of `length` scores as the slots that `table` has at their positions.
static void topk_row(const float* scores, int64_t length, int64_t k, const int32_t* table,
                     int32_t* out) {
  if (length <= k) {
    std::copy(table, table + length, out);
    std::fill(out + length, out + k, -1);
    return;
  }
  auto* keys = reinterpret_cast<uint32_t*>(scratch(0, length));
  for (int64_t t = 0; t < length; ++t) keys[t] = order_key(scores[t]);
  Threshold threshold = kth_largest(keys, length, k);
  for (int64_t t = 0; t < length; ++t) {
    if (keys[t] > threshold.key || (keys[t] == threshold.key && threshold.equal-- > 0))
      *out++ = table[t];
  }
}

void run(const TopkArgs& a, Part part) {
  const auto [begin, end] = part.of(a.B * a.next_n);
  for (int64_t row = begin; row < end; ++row) {
    topk_row(a.logits + row * a.S, a.lengths[row], a.k,
             a.slot_table + row / a.next_n * a.slot_stride, a.slots + row * a.k);
  }
}

void run(const RaggedTopkArgs& a, Part part) {
  const auto [begin, end] = part.of(a.M);
  for (int64_t m = begin; m < end; ++m) {
    const int64_t first = a.begin[m], column = a.reads == ScoreColumns::all ? first : 0;
    topk_row(a.scores.values + m * a.scores.S + column, a.end[m] - first, a.k, a.gathered + first,
             a.slots + m * a.k);
  }
}

}  // namespace kernels::cpu
