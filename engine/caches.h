// The caches of all layers in one format: KV in bf16 or fp8, index keys in one layout and page
// size. Several plans may share one; another format is a conversion of the whole, done once and
// outside any timed step. Filled by the real writer ops from seeded latents, so that decode starts
// from a plausible past.
#pragma once
#include <memory>
#include <vector>

#include "engine/memory.h"
#include "engine/sequences.h"
#include "engine/synth.h"
#include "engine/weights.h"

namespace engine {

struct KvCaches {
  kernels::Format format = kernels::Format::e4m3;
  std::vector<kernels::KvCache> layers;
  Memory memory;
  std::shared_ptr<void> image;  // what keeps a device's copy of it; null where there is none
};

struct IndexCaches {
  kernels::IndexLayout layout = kernels::IndexLayout::row;
  int page_size = 64;
  std::vector<kernels::IndexCache>
      layers;  // layers that reuse another's indices have none (data null)
  Memory memory;
  std::shared_ptr<void> image;
};

using KvCachesPtr = std::shared_ptr<const KvCaches>;
using IndexCachesPtr = std::shared_ptr<const IndexCaches>;

int64_t kv_bytes(const Shape&, int64_t slots, kernels::Format);
int64_t index_bytes(const trace::ModelConfig&, const Shape&, int64_t slots);

// device: addresses only, the content is the device's (Memory::reserved).
enum class CacheMemory { host, device };
std::shared_ptr<KvCaches> empty_kv(const Shape&, int64_t slots, kernels::Format, CacheMemory = CacheMemory::host);
std::shared_ptr<IndexCaches> empty_index(const trace::ModelConfig&, const Shape&, int64_t slots,
                                         kernels::IndexLayout, int page_size, CacheMemory = CacheMemory::host);

// Where caches are filled: draws latents and runs the writer ops, on the host or on a device. Pointers that it
// gives out are good for its own run() alone.
class FillTarget {
 public:
  virtual ~FillTarget() = default;
  virtual int64_t chunk() const = 0;  // positions at a time
  virtual void place(const std::vector<int32_t>& positions, const std::vector<int32_t>& slots) = 0;
  virtual const int32_t* positions() const = 0;
  virtual const int32_t* slots() const = 0;
  // A row of values of rms 1 for each of the positions placed. Two buffers: 0 and 1.
  virtual kernels::Bf16* latents(const Draw&, int64_t b, int64_t columns, int buffer) = 0;
  virtual kernels::Bf16* scratch(int64_t columns, int buffer) = 0;
  virtual void run(const kernels::OpArgs&) = 0;  // throws std::runtime_error when a device fails
};

// Writes the tokens before the starting positions of every sequence.
void fill_caches(const trace::ModelConfig&, const Shape&, const Weights&, const Sequences&,
                 uint64_t seed, const KvCaches&, const IndexCaches*, const Progress& = {},
                 FillTarget* = nullptr);

KvCachesPtr converted(const KvCaches&, const Shape&, kernels::Format);
IndexCachesPtr converted(const IndexCaches&, const trace::ModelConfig&, const Shape&, int64_t slots,
                         kernels::IndexLayout, int page_size);

}  // namespace engine
