#include <cstring>

#include "kernels/formats.h"
#include "kernels/mqa_logits.h"
#include "kernels/reference.h"

namespace kernels {

Status check(const MqaLogitsArgs& a) {
  if (Status cache = check(a.cache, a.reads, "mqa_logits"); !cache.ok()) return cache;
  return Check("mqa_logits")
      .shape({{"B", a.B},
              {"next_n", a.next_n},
              {"H", a.H},
              {"S", a.S},
              {"table_stride", a.table_stride}})
      .need(a.B >= 0 && a.next_n > 0 && a.H > 0 && a.S > 0, "sizes must be positive")
      .need(a.table_stride * a.cache.page_size >= a.S,
            "the block table is narrower than the logits")
      .need(a.B == 0 || (a.q && a.gates && a.block_table && a.lengths && a.logits), "null tensor")
      .status();
}

Cost cost(const MqaLogitsArgs& a) {
  Cost c;
  for (int64_t b = 0; b < a.B; ++b) {
    const int32_t* lengths = a.lengths + b * a.next_n;
    c.bytes += int64_t{*std::max_element(lengths, lengths + a.next_n)} * kIndexTokenBytes +
               a.next_n * a.H * (kIndexDim + 4);
    for (int64_t n = 0; n < a.next_n; ++n) {
      c.bytes += int64_t{lengths[n]} * 4;
      c.flops += int64_t{lengths[n]} * a.H * (2 * kIndexDim + 3);
    }
  }
  return c;
}

// One tensor a row, as long as its length: what lies behind it belongs to nobody.
std::vector<Tensor> outputs(const MqaLogitsArgs& a) {
  std::vector<Tensor> all;
  for (int64_t r = 0; r < a.B * a.next_n; ++r) {
    all.push_back(matrix("logits", Format::f32, a.logits + r * a.S, 1, a.lengths[r], a.S));
  }
  return all;
}

static double key_value(const IndexCache& c, const uint8_t* page, int t, int d) {
  const int offset = c.layout == IndexLayout::row
                         ? t * 128 + d
                         : t / 16 * 2048 + d / 16 * 256 + t % 16 * 16 + d % 16;
  return to_float(E4m3{page[offset]});
}

static void logits_of_row(const MqaLogitsArgs& a, int64_t row, Expected& out) {
  const IndexCache& c = a.cache;
  for (int64_t t = 0; t < a.lengths[row]; ++t) {
    const int64_t number = a.block_table[row / a.next_n * a.table_stride + t / c.page_size];
    const uint8_t* page = c.data + number * c.page_size * 132;
    const int in_page = static_cast<int>(t % c.page_size);
    float scale;
    std::memcpy(&scale, page + c.page_size * 128 + 4 * in_page, 4);
    double logit = 0, slack = 0;
    for (int64_t h = 0; h < a.H; ++h) {
      Sum dot;
      for (int d = 0; d < kIndexDim; ++d) {
        dot.add(double{to_float(a.q[(row * a.H + h) * kIndexDim + d])} *
                key_value(c, page, in_page, d));
      }
      const double gate = a.gates[row * a.H + h];
      logit += gate * std::max(0.0, dot.value * scale);
      slack += std::fabs(gate * scale) *
               (dot.slack() + std::fabs(dot.value) * kFloatStep * static_cast<double>(a.H));
    }
    out.add(logit, slack);
  }
}

std::vector<Expected> reference::run(const MqaLogitsArgs& a) {
  std::vector<Expected> all(static_cast<size_t>(a.B * a.next_n));
  for (int64_t row = 0; row < a.B * a.next_n; ++row)
    logits_of_row(a, row, all[static_cast<size_t>(row)]);
  return all;
}

}  // namespace kernels
