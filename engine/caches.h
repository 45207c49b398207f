// The caches of all layers in one format: KV in bf16 or fp8, index keys in one layout and page
// size. Several plans may share one; another format is a conversion of the whole, done once and
// outside any timed step. Filled by the real writer ops from seeded latents, so that decode starts
// from a plausible past.
#pragma once
#include <memory>
#include <vector>

#include "engine/memory.h"
#include "engine/sequences.h"
#include "engine/weights.h"

namespace engine {

struct KvCaches {
  kernels::Format format = kernels::Format::e4m3;
  std::vector<kernels::KvCache> layers;
  Memory memory;
};

struct IndexCaches {
  kernels::IndexLayout layout = kernels::IndexLayout::row;
  int page_size = 64;
  std::vector<kernels::IndexCache>
      layers;  // layers that reuse another's indices have none (data null)
  Memory memory;
};

using KvCachesPtr = std::shared_ptr<const KvCaches>;
using IndexCachesPtr = std::shared_ptr<const IndexCaches>;

int64_t kv_bytes(const Shape&, int64_t slots, kernels::Format);
int64_t index_bytes(const trace::ModelConfig&, const Shape&, int64_t slots);

KvCachesPtr empty_kv(const Shape&, int64_t slots, kernels::Format);
IndexCachesPtr empty_index(const trace::ModelConfig&, const Shape&, int64_t slots,
                           kernels::IndexLayout, int page_size);

// Writes the tokens before the starting positions of every sequence.
void fill_caches(const trace::ModelConfig&, const Shape&, const Weights&, const Sequences&,
                 uint64_t seed, const KvCaches&, const IndexCaches*, const Progress& = {});

KvCachesPtr converted(const KvCaches&, const Shape&, kernels::Format);
IndexCachesPtr converted(const IndexCaches&, const trace::ModelConfig&, const Shape&, int64_t slots,
                         kernels::IndexLayout, int page_size);

}  // namespace engine
