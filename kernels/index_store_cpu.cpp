#include "kernels/index_store.h"
#include "kernels/simd.h"

namespace kernels::cpu {

template <int W>
DS_INLINE void index_store(const IndexStoreArgs& a, Part part) {
  float x[kIndexDim];
  E4m3 codes[kIndexDim];
  const auto [begin, end] = part.of(a.M);
  for (int64_t m = begin; m < end; ++m) {
    if (a.slots[m] < 0) continue;
    decode(a.k + m * a.k_stride, kIndexDim, x);
    const float scale = index_scale(largest_magnitude(x, kIndexDim));
    encode(x, kIndexDim, scale, codes);
    uint8_t* page = a.cache.page(a.slots[m] / a.cache.page_size);
    const int t = a.slots[m] % a.cache.page_size;
    for (int d = 0; d < kIndexDim; d += 16) {
      std::memcpy(page + index_key_offset(a.cache.layout, t, d), codes + d, 16);
    }
    std::memcpy(page + index_scale_offset(a.cache.page_size, t), &scale, 4);
  }
}

DS_CPU_OP(IndexStoreArgs, index_store)

void run(const IndexGatherArgs& a, Part part) {
  const auto [begin, end] = part.of(a.T);
  for (int64_t i = begin; i < end; ++i) {
    const uint8_t* page = a.cache.page(a.slots[i] / a.cache.page_size);
    const int t = a.slots[i] % a.cache.page_size;
    for (int d = 0; d < kIndexDim; d += 16) {
      std::memcpy(a.keys + i * kIndexDim + d, page + index_key_offset(a.cache.layout, t, d), 16);
    }
    std::memcpy(a.scales + i, page + index_scale_offset(a.cache.page_size, t), 4);
  }
}

}  // namespace kernels::cpu
