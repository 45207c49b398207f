#include "engine/caches.h"

#include <cassert>
#include <cstring>

#include "engine/synth.h"
#include "kernels/formats.h"

namespace engine {

using kernels::Bf16;
using kernels::Format;
using kernels::IndexLayout;

int64_t kv_bytes(const Shape& s, int64_t slots, Format format) {
  return s.layers * slots * s.kv() * kernels::size_of(format);
}

static int64_t indexer_layers(const trace::ModelConfig& m) {
  int64_t n = 0;
  for (int i = 0; i < m.layers; ++i) n += m.runs_indexer(i);
  return n;
}

int64_t index_bytes(const trace::ModelConfig& m, const Shape&, int64_t slots) {
  return indexer_layers(m) * slots * kernels::kIndexTokenBytes;
}

static Memory block(int64_t bytes, CacheMemory where) {
  return where == CacheMemory::device ? Memory::reserved(bytes) : Memory(bytes);
}

std::shared_ptr<KvCaches> empty_kv(const Shape& s, int64_t slots, Format format, CacheMemory where) {
  auto caches = std::make_shared<KvCaches>();
  caches->format = format;
  caches->memory = block(kv_bytes(s, slots, format), where);
  const int64_t layer_bytes = slots * s.kv() * kernels::size_of(format);
  for (int64_t i = 0; i < s.layers; ++i) {
    caches->layers.push_back(
        {caches->memory.data() + i * layer_bytes, format, slots, s.latent, s.rope});
  }
  return caches;
}

std::shared_ptr<IndexCaches> empty_index(const trace::ModelConfig& m, const Shape& s, int64_t slots,
                                         IndexLayout layout, int page_size, CacheMemory where) {
  auto caches = std::make_shared<IndexCaches>();
  caches->layout = layout, caches->page_size = page_size;
  caches->memory = block(index_bytes(m, s, slots), where);
  uint8_t* at = caches->memory.data();
  for (int i = 0; i < m.layers; ++i) {
    kernels::IndexCache c{nullptr, slots / page_size, page_size, layout};
    if (m.runs_indexer(i)) {
      c.data = at;
      at += slots * kernels::kIndexTokenBytes;
    }
    caches->layers.push_back(c);
  }
  return caches;
}

namespace {

// The writer ops on the host, on values drawn there.
class HostTarget final : public FillTarget {
 public:
  int64_t chunk() const override { return 256; }
  void place(const std::vector<int32_t>& positions, const std::vector<int32_t>& slots) override {
    m_positions = positions, m_slots = slots;
  }
  const int32_t* positions() const override { return m_positions.data(); }
  const int32_t* slots() const override { return m_slots.data(); }
  Bf16* latents(const Draw& draw, int64_t b, int64_t columns, int buffer) override {
    std::vector<Bf16>& rows = m_rows[buffer];
    rows.resize(m_positions.size() * static_cast<size_t>(columns));
    kernels::E4m3 codes[16];
    for (size_t i = 0; i < m_positions.size(); ++i) {
      for (int64_t c = 0; c < columns; c += 16) {
        draw.chunk(m_positions[i], c / 16, b, codes);
        for (int64_t j = 0; j < 16; ++j) {
          rows[i * static_cast<size_t>(columns) + static_cast<size_t>(c + j)] =
              kernels::to_bf16(to_float(codes[j]));
        }
      }
    }
    return rows.data();
  }
  Bf16* scratch(int64_t columns, int buffer) override {
    m_rows[buffer].resize(m_positions.size() * static_cast<size_t>(columns));
    return m_rows[buffer].data();
  }
  void run(const kernels::OpArgs& args) override {
    assert(kernels::check(args).ok());
    kernels::cpu_backend()(args, {});
  }

 private:
  std::vector<int32_t> m_positions, m_slots;
  std::vector<Bf16> m_rows[2];
};

// Latents of one chunk of positions and the writer ops that store them.
class Filler {
 public:
  Filler(const trace::ModelConfig& m, const Shape& s, const Weights& w, const Sequences& q,
         uint64_t seed, FillTarget& target)
      : m_model(m), m_shape(s), m_weights(w), m_sequences(q), m_seed(seed), m_target(target) {}

  // Chunk by chunk of one sequence, every layer of it.
  void fill(int64_t b, const KvCaches& kv, const IndexCaches* index) {
    // A shared prefix is the first sequence's and already there.
    const int64_t chunk = m_target.chunk();
    for (int64_t p = b == 0 ? 0 : m_sequences.shared_tokens(); p < m_sequences.start(b); p += chunk) {
      place(b, p, std::min(chunk, m_sequences.start(b) - p));
      for (int64_t layer = 0; layer < m_shape.layers; ++layer) {
        const auto i = static_cast<size_t>(layer);
        store_kv(layer, b, kv.layers[i]);
        if (index && index->layers[i].data) store_index(layer, b, index->layers[i]);
      }
    }
  }

 private:
  void place(int64_t b, int64_t first, int64_t n) {
    m_positions.clear(), m_slots.clear();
    for (int64_t p = first; p < first + n; ++p) {
      m_positions.push_back(static_cast<int32_t>(p));
      m_slots.push_back(m_sequences.slot(b, p));
    }
    m_target.place(m_positions, m_slots);
  }

  // One row a position, values of rms 1.
  Bf16* latents(const char* what, int64_t layer, int64_t b, int64_t columns, int buffer) const {
    return m_target.latents(Draw(m_seed, std::string("latent.") + what + "." + std::to_string(layer)), b, columns, buffer);
  }

  kernels::RopeTable table() const {
    return {m_weights.rope_cos(), m_weights.rope_sin(), m_shape.max_context};
  }

  static kernels::RopeStyle style(bool interleave) {
    return interleave ? kernels::RopeStyle::interleaved : kernels::RopeStyle::half_split;
  }

  void store_kv(int64_t layer, int64_t b, const kernels::KvCache& kv) {
    kernels::RopeCatStoreArgs a;
    a.M = static_cast<int64_t>(m_positions.size());
    a.k_nope = latents("kv", layer, b, m_shape.latent, 0), a.k_nope_stride = m_shape.latent;
    a.k_pe = latents("k_pe", layer, b, m_shape.rope, 1), a.k_pe_stride = m_shape.rope;
    a.table = table(), a.style = style(m_model.rope_interleave);
    a.positions = m_target.positions(), a.slots = m_target.slots();
    a.cache = kv;
    m_target.run(a);
  }

  void store_index(int64_t layer, int64_t b, const kernels::IndexCache& cache) {
    const LayerWeights& w = m_weights.layer(layer);
    const auto n = static_cast<int64_t>(m_positions.size());
    constexpr int64_t kDim = kernels::kIndexDim;
    const Bf16* raw = latents("index", layer, b, kDim, 0);
    Bf16* k = m_target.scratch(kDim, 1);
    m_target.run(kernels::LayerNormArgs{raw, kDim, w.k_norm, w.k_norm_bias, k, 1e-6f, n, kDim});
    kernels::IndexRopeArgs rope;
    rope.k = rope.k_out = k, rope.k_stride = rope.k_out_stride = kDim, rope.table = table(),
    rope.positions = m_target.positions();
    rope.style = style(m_model.indexer_rope_interleave), rope.M = n, rope.rope = m_shape.rope;
    m_target.run(rope);
    m_target.run(kernels::HadamardArgs{k, n});
    m_target.run(kernels::IndexStoreArgs{k, kDim, m_target.slots(), cache, cache.layout, n});
  }

  const trace::ModelConfig& m_model;
  const Shape& m_shape;
  const Weights& m_weights;
  const Sequences& m_sequences;
  uint64_t m_seed;
  FillTarget& m_target;
  std::vector<int32_t> m_positions, m_slots;
};

}  // namespace

void fill_caches(const trace::ModelConfig& m, const Shape& s, const Weights& w, const Sequences& q,
                 uint64_t seed, const KvCaches& kv, const IndexCaches* index,
                 const Progress& progress, FillTarget* target) {
  HostTarget host;
  Filler filler(m, s, w, q, seed, target ? *target : host);
  for (int64_t b = 0; b < s.B; ++b) {
    if (progress) {
      progress("filling caches, sequence " + std::to_string(b + 1) + " of " + std::to_string(s.B),
               static_cast<double>(b) / static_cast<double>(s.B));
    }
    filler.fill(b, kv, index);
  }
}

KvCachesPtr converted(const KvCaches& from, const Shape& s, Format format) {
  const int64_t slots = from.layers.empty() ? 0 : from.layers[0].slots;
  const KvCachesPtr to = empty_kv(s, slots, format);
  for (size_t layer = 0; layer < from.layers.size(); ++layer) {
    const int64_t n = slots * s.kv();
    if (format == from.format) {
      std::memcpy(to->layers[layer].data, from.layers[layer].data,
                  static_cast<size_t>(n * kernels::size_of(format)));
    } else if (format == Format::bf16) {
      const auto* in = static_cast<const kernels::E4m3*>(from.layers[layer].data);
      auto* out = static_cast<Bf16*>(to->layers[layer].data);
      for (int64_t i = 0; i < n; ++i) out[i] = kernels::to_bf16(kernels::to_float(in[i]));
    } else {
      const auto* in = static_cast<const Bf16*>(from.layers[layer].data);
      auto* out = static_cast<kernels::E4m3*>(to->layers[layer].data);
      for (int64_t i = 0; i < n; ++i) out[i] = kernels::to_e4m3(kernels::to_float(in[i]));
    }
  }
  return to;
}

IndexCachesPtr converted(const IndexCaches& from, const trace::ModelConfig& m, const Shape& s,
                         int64_t slots, IndexLayout layout, int page_size) {
  const IndexCachesPtr to = empty_index(m, s, slots, layout, page_size);
  for (size_t layer = 0; layer < from.layers.size(); ++layer) {
    const kernels::IndexCache &a = from.layers[layer], &b = to->layers[layer];
    if (!a.data) continue;
    for (int64_t slot = 0; slot < slots; ++slot) {
      const int at = static_cast<int>(slot % a.page_size),
                bt = static_cast<int>(slot % b.page_size);
      const uint8_t* in = a.page(slot / a.page_size);
      uint8_t* out = b.page(slot / b.page_size);
      for (int d = 0; d < kernels::kIndexDim; d += 16) {
        std::memcpy(out + index_key_offset(b.layout, bt, d), in + index_key_offset(a.layout, at, d),
                    16);
      }
      std::memcpy(out + kernels::index_scale_offset(b.page_size, bt),
                  in + kernels::index_scale_offset(a.page_size, at), 4);
    }
  }
  return to;
}

}  // namespace engine
