// A key is 132 bytes and meets H heads: 2 x 128 x H flops a key, so 16 flops a byte at 8 heads:
// bound by arithmetic. The key is decoded once into 128 floats and multiplied with the decoded
// heads four at a time. Two workers split each sequence's tokens.
#include "kernels/index_logit.h"
#include "kernels/mqa_logits.h"

namespace kernels::cpu {

template <int W>
DS_INLINE void mqa_logits(const MqaLogitsArgs& a, Part part) {
  const int64_t rows = a.next_n * a.H;
  float* q = scratch(0, rows * kIndexDim);
  E4m3 codes[kIndexDim];
  float key[kIndexDim];
  const int64_t chunk = index_chunk_stride(a.cache.layout);
  for (int64_t b = 0; b < a.B; ++b) {
    const int32_t* lengths = a.lengths + b * a.next_n;
    const auto [begin, end] = part.of(*std::max_element(lengths, lengths + a.next_n), 64);
    decode_exact<W>(a.q + b * rows * kIndexDim, rows * kIndexDim, q);
    for (int64_t t = begin; t < end; ++t) {
      const uint8_t* page = a.cache.page(a.block_table[b * a.table_stride + t / a.cache.page_size]);
      const int in_page = static_cast<int>(t % a.cache.page_size);
      const uint8_t* first = page + index_key_offset(a.cache.layout, in_page, 0);
      for (int c = 0; c < kIndexDim / 16; ++c) std::memcpy(codes + c * 16, first + c * chunk, 16);
      decode_exact<W>(codes, kIndexDim, key);
      float key_scale;
      std::memcpy(&key_scale, page + index_scale_offset(a.cache.page_size, in_page), 4);
      for (int64_t n = 0; n < a.next_n; ++n) {
        if (t >= lengths[n]) continue;
        const int64_t row = b * a.next_n + n;
        a.logits[row * a.S + t] =
            token_logit<W>(q + n * a.H * kIndexDim, a.gates + row * a.H, a.H, key, key_scale);
      }
    }
  }
}

DS_CPU_OP(MqaLogitsArgs, mqa_logits)

}  // namespace kernels::cpu
