#include <cstring>

#include "kernels/formats.h"
#include "kernels/index_store.h"

namespace kernels {

Status check(const IndexStoreArgs& a) {
  if (Status cache = check(a.cache, a.writes, "index_store"); !cache.ok()) return cache;
  return Check("index_store")
      .shape({{"M", a.M}, {"k_stride", a.k_stride}})
      .need(a.M >= 0 && a.k_stride >= kIndexDim, "k_stride is less than 128")
      .need(a.M == 0 || (a.k && a.slots), "null tensor")
      .status();
}

Status check(const IndexGatherArgs& a) {
  if (Status cache = check(a.cache, a.reads, "index_gather"); !cache.ok()) return cache;
  return Check("index_gather")
      .shape({{"T", a.T}})
      .need(a.T >= 0, "T must not be negative")
      .need(a.T == 0 || (a.slots && a.keys && a.scales), "null tensor")
      .status();
}

Cost cost(const IndexStoreArgs& a) {
  return {a.M * (kIndexDim * 3 + 8), a.M * kIndexDim * 2};
}
Cost cost(const IndexGatherArgs& a) {
  return {a.T * (kIndexTokenBytes * 2 + 4), 0};
}

std::vector<Tensor> outputs(const IndexStoreArgs& a) {
  Tensor keys, scales;
  keys.name = "index_k", keys.format = Format::e4m3, keys.data = a.cache.data;
  scales.name = "index_scale", scales.format = Format::f32, scales.data = a.cache.data;
  for (int64_t m = 0; m < a.M; ++m) {
    if (a.slots[m] < 0) continue;
    const int64_t page = a.slots[m] / a.cache.page_size * index_page_bytes(a.cache.page_size);
    const int t = a.slots[m] % a.cache.page_size;
    keys.rows.push_back(page + index_key_offset(a.cache.layout, t, 0));
    scales.rows.push_back(page + index_scale_offset(a.cache.page_size, t));
  }
  keys.shape = {kIndexDim / 16, 16};
  keys.stride = {index_chunk_stride(a.cache.layout), 1};
  return {keys, scales};
}

std::vector<Tensor> outputs(const IndexGatherArgs& a) {
  return {matrix("keys", Format::e4m3, a.keys, a.T, kIndexDim, kIndexDim),
          matrix("scales", Format::f32, a.scales, a.T, 1, 1)};
}

std::vector<Expected> reference::run(const IndexStoreArgs& a) {
  Expected keys, scales;
  for (int64_t m = 0; m < a.M; ++m) {
    if (a.slots[m] < 0) continue;
    float amax = 0;
    for (int d = 0; d < kIndexDim; ++d)
      amax = std::max(amax, std::fabs(to_float(a.k[m * a.k_stride + d])));
    const float scale = index_scale(amax);
    scales.add(scale, 0);
    for (int d = 0; d < kIndexDim; ++d)
      keys.add(double{to_float(a.k[m * a.k_stride + d])} / scale, 0);
  }
  return {keys, scales};
}

std::vector<Expected> reference::run(const IndexGatherArgs& a) {
  Expected keys, scales;
  const IndexCache& c = a.cache;
  for (int64_t i = 0; i < a.T; ++i) {
    const int t = a.slots[i] % c.page_size;
    const uint8_t* page = c.data + a.slots[i] / c.page_size * int64_t{c.page_size} * 132;
    for (int d = 0; d < kIndexDim; ++d) {
      const int offset = c.layout == IndexLayout::row
                             ? t * 128 + d
                             : t / 16 * 2048 + d / 16 * 256 + t % 16 * 16 + d % 16;
      keys.add(to_float(E4m3{page[offset]}), 0);
    }
    float scale;
    std::memcpy(&scale, page + c.page_size * 128 + 4 * t, 4);
    scales.add(scale, 0);
  }
  return {keys, scales};
}

}  // namespace kernels
