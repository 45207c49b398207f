#include <numeric>

#include "kernels/cases.h"
#include "kernels/score_rows.h"

namespace kernels::cases {
namespace {

// Slots of `tokens` positions: pages in random order, page 0 left out as the dummy.
std::vector<int32_t> shuffled_slots(Random& r, int64_t count, int64_t page) {
  std::vector<int32_t> pages(static_cast<size_t>((count + page - 1) / page));
  std::iota(pages.begin(), pages.end(), 1);
  for (size_t i = pages.size(); i > 1; --i)
    std::swap(pages[i - 1], pages[static_cast<size_t>(r.below(static_cast<int64_t>(i)))]);
  std::vector<int32_t> slots;
  for (int64_t t = 0; t < count; ++t) {
    slots.push_back(static_cast<int32_t>(pages[static_cast<size_t>(t / page)] * page + t % page));
  }
  return slots;
}

IndexCache index_cache(Workspace& w, Random& r, int64_t pages) {
  IndexCache c;
  c.page_size = static_cast<int>(r.pick({1, 16, 32, 64}));
  c.layout = c.page_size % 16 == 0 && r.chance(0.6) ? IndexLayout::preshuffle : IndexLayout::row;
  c.pages = pages * 64 / c.page_size;
  c.data = w.make<uint8_t>(c.pages * index_page_bytes(c.page_size));
  for (int64_t p = 0; p < c.pages; ++p) {
    for (int i = 0; i < c.page_size * kIndexDim; ++i) {
      const auto code = static_cast<uint8_t>(r.next());
      c.page(p)[i] = (code & 0x7f) == 0x7f ? 0 : code;
    }
    for (int t = 0; t < c.page_size; ++t) {
      const float scale = std::exp2(static_cast<float>(r.below(4) - 8));
      std::copy_n(reinterpret_cast<const uint8_t*>(&scale), 4,
                  c.page(p) + index_scale_offset(c.page_size, t));
    }
  }
  return c;
}

KvCache kv_cache(Workspace& w, Random& r, int64_t slots) {
  KvCache c;
  c.format = r.chance(0.5) ? Format::e4m3 : Format::bf16;
  c.slots = slots;
  Bf16* x = normals(w, r, slots * c.width());
  c.data = x;
  if (c.format == Format::bf16) return c;
  auto* small = w.make<E4m3>(slots * c.width());
  for (int64_t i = 0; i < slots * c.width(); ++i) small[i] = to_e4m3(to_float(x[i]));
  c.data = small;
  return c;
}

// n query values in the cache's format.
const void* queries(Workspace& w, Random& r, Format format, int64_t n) {
  Bf16* q = normals(w, r, n);
  if (format == Format::bf16) return q;
  auto* small = w.make<E4m3>(n);
  for (int64_t i = 0; i < n; ++i) small[i] = to_e4m3(to_float(q[i]));
  return small;
}

}  // namespace

void make(Workspace& w, Random& r, IndexRopeArgs& a) {
  a.M = tokens(r), a.H = r.pick({0, 1, 8});
  a.q_head_stride = a.q_out_head_stride = 128, a.q_stride = a.q_out_stride = a.H * 128;
  a.k_stride = a.k_out_stride = 128 + r.pick({0, 64});
  Bf16* q = a.H ? normals(w, r, a.M * a.q_stride) : nullptr;
  Bf16* k = normals(w, r, a.M * a.k_stride);
  a.q = a.q_out = q, a.k = a.k_out = k;
  if (r.chance(0.4)) {
    a.q_out_head_stride = a.rope, a.q_out_stride = a.H * a.rope, a.k_out_stride = a.rope;
    a.q_out = w.make<Bf16>(a.M * a.q_out_stride), a.k_out = w.make<Bf16>(a.M * a.rope);
  }
  a.table = rope_table(w, r, 50, a.rope);
  a.positions = positions(w, r, a.M, 50);
  a.style = r.chance(0.5) ? RopeStyle::interleaved : RopeStyle::half_split;
}

void make(Workspace& w, Random& r, HadamardArgs& a) {
  a.rows = tokens(r);
  a.x = normals(w, r, a.rows * kIndexDim);
}

void make(Workspace& w, Random& r, IndexQuantArgs& a) {
  a.rows = tokens(r);
  Bf16* x = normals(w, r, a.rows * kIndexDim, std::exp2(static_cast<double>(r.pick({-30, 0, 8}))));
  if (r.chance(0.5)) {  // amax / 448 on a power of two: the boundary of the rounding
    std::fill(x, x + kIndexDim, to_bf16(0.25f));
    x[r.below(kIndexDim)] = to_bf16(448.0f);
  }
  a.x = x;
  a.out = w.make<E4m3>(a.rows * kIndexDim);
  a.scales = w.make<float>(a.rows);
}

void make(Workspace& w, Random& r, IndexStoreArgs& a) {
  a.M = tokens(r), a.k_stride = kIndexDim + r.pick({0, 16});
  a.k = normals(w, r, a.M * a.k_stride);
  a.cache = index_cache(w, r, 4);
  a.writes = a.cache.layout;
  std::vector<int32_t> slots = shuffled_slots(r, 192, 1);
  slots.resize(static_cast<size_t>(a.M));
  if (r.chance(0.3)) slots[static_cast<size_t>(r.below(a.M))] = -1;
  a.slots = integers(w, slots);
}

void make(Workspace& w, Random& r, IndexGatherArgs& a) {
  a.T = r.pick({1, 5, 100});
  a.cache = index_cache(w, r, 3);
  a.reads = a.cache.layout;
  a.slots = positions(w, r, a.T, 192);
  a.keys = w.make<E4m3>(a.T * kIndexDim);
  a.scales = w.make<float>(a.T);
}

void make(Workspace& w, Random& r, CastArgs& a) {
  a.n = r.pick({1, 100, 2048});
  a.in = normals(w, r, a.n);
  a.out = w.make<float>(a.n);
}

void make(Workspace& w, Random& r, ScaleArgs& a) {
  a.n = r.pick({1, 24, 512});
  a.in = floats(w, r, a.n);
  a.factor = 0.0883883f;
  if (r.chance(0.5)) a.by = floats(w, r, a.n);
  a.out = r.chance(0.5) ? const_cast<float*>(a.in) : w.make<float>(a.n);
}

void make(Workspace& w, Random& r, HeadGateArgs& a) {
  a.n = r.pick({8, 24, 512});
  a.projection = normals(w, r, a.n);
  a.q_scales = scales(w, r, a.n, 0.01);
  a.out = w.make<float>(a.n);
  a.head_scale = 0.353553f, a.softmax_scale = 0.0883883f;
}

void make(Workspace& w, Random& r, MqaLogitsArgs& a) {
  a.B = r.pick({1, 2, 3}), a.next_n = r.pick({1, 2, 4}), a.H = r.pick({1, 5, 8, 16, 29, 33, 64}), a.S = 320;
  a.cache = index_cache(w, r, a.B * 5 + 1);
  a.reads = a.cache.layout;
  a.q = codes(w, r, a.B * a.next_n * a.H * kIndexDim);
  a.gates = floats(w, r, a.B * a.next_n * a.H);
  a.table_stride = a.S / a.cache.page_size + r.pick({0, 2});
  std::vector<int32_t> lengths, table;
  const std::vector<int32_t> slots = shuffled_slots(r, a.B * a.S, 64);
  for (int64_t b = 0; b < a.B; ++b) {
    const int64_t base = r.pick({0, 15, 63, 64, 200, a.S - a.next_n});
    for (int64_t n = 0; n < a.next_n; ++n) lengths.push_back(static_cast<int32_t>(base + n + 1));
    for (int64_t i = 0; i < a.table_stride; ++i) {
      const int64_t t = std::min(i * a.cache.page_size, a.S - 1);
      table.push_back(slots[static_cast<size_t>(b * a.S + t)] / a.cache.page_size);
    }
  }
  a.lengths = integers(w, lengths);
  a.block_table = integers(w, table);
  a.logits = w.make<float>(a.B * a.next_n * a.S);
}

void make(Workspace& w, Random& r, TopkArgs& a) {
  a.B = r.pick({1, 3}), a.next_n = r.pick({1, 2}), a.k = r.pick({64, 256}), a.S = 1000,
  a.slot_stride = 1024;
  float* logits = w.make<float>(a.B * a.next_n * a.S);
  std::vector<int32_t> lengths, table;
  for (int64_t row = 0; row < a.B * a.next_n; ++row) {
    lengths.push_back(static_cast<int32_t>(r.pick({1, a.k - 1, a.k, a.k + 1, 700, 1000})));
    fill_scores(static_cast<ScoreRow>(r.below(std::size(kScoreRows))), r, logits + row * a.S,
                lengths.back());
  }
  for (int64_t b = 0; b < a.B; ++b) {
    const auto slots = shuffled_slots(r, a.slot_stride, 64);
    table.insert(table.end(), slots.begin(), slots.end());
  }
  a.logits = logits;
  a.lengths = integers(w, lengths);
  a.slot_table = integers(w, table);
  a.slots = w.make<int32_t>(a.B * a.next_n * a.k);
}

namespace {

// Rows of one to three sequences, one behind the other: each ends at its own token.
struct Ragged {
  std::vector<int32_t> begin, end;
  int64_t keys = 0, longest = 0;
};

Ragged ragged_rows(Random& r, std::initializer_list<int64_t> lengths) {
  Ragged rows;
  for (int64_t left = r.pick({1, 2, 3}); left > 0; --left) {
    const int64_t length = r.pick(lengths), queries = std::min(length, r.pick({1, 2, 7}));
    for (int64_t i = queries; i > 0; --i) {
      rows.begin.push_back(static_cast<int32_t>(rows.keys));
      rows.end.push_back(static_cast<int32_t>(rows.keys + length - i + 1));
    }
    rows.keys += length, rows.longest = std::max(rows.longest, length);
  }
  return rows;
}

RaggedScores ragged_scores(Workspace& w, Random& r, const Ragged& rows) {
  RaggedScores s;
  s.columns = r.chance(0.5) ? ScoreColumns::own : ScoreColumns::all;
  s.S = (s.columns == ScoreColumns::own ? rows.longest : rows.keys) + r.pick({0, 5});
  s.values = w.make<float>(static_cast<int64_t>(rows.begin.size()) * s.S);
  return s;
}

}  // namespace

void make(Workspace& w, Random& r, RaggedLogitsArgs& a) {
  const Ragged rows = ragged_rows(r, {1, 17, 64, 150});
  a.M = static_cast<int64_t>(rows.begin.size()), a.H = r.pick({1, 5, 8});
  a.q = codes(w, r, a.M * a.H * kIndexDim);
  a.gates = floats(w, r, a.M * a.H);
  a.keys = {codes(w, r, rows.keys * kIndexDim), scales(w, r, rows.keys, 0.01), IndexLayout::row,
            rows.keys};
  a.begin = integers(w, rows.begin), a.end = integers(w, rows.end);
  a.out = ragged_scores(w, r, rows);
}

void make(Workspace& w, Random& r, RaggedTopkArgs& a) {
  a.k = r.pick({64, 256});
  const Ragged rows = ragged_rows(r, {1, a.k - 1, a.k, a.k + 1, 700});
  a.M = static_cast<int64_t>(rows.begin.size()), a.T = rows.keys;
  a.scores = ragged_scores(w, r, rows);
  a.reads = a.scores.columns;
  a.begin = integers(w, rows.begin), a.end = integers(w, rows.end);
  for (size_t m = 0; m < rows.begin.size(); ++m) {
    const int64_t column = a.reads == ScoreColumns::all ? rows.begin[m] : 0;
    fill_scores(static_cast<ScoreRow>(r.below(std::size(kScoreRows))), r,
                a.scores.values + static_cast<int64_t>(m) * a.scores.S + column,
                rows.end[m] - rows.begin[m]);
  }
  a.gathered = integers(w, shuffled_slots(r, a.T, 64));
  a.slots = w.make<int32_t>(a.M * a.k);
}

void make(Workspace& w, Random& r, RopeCatStoreArgs& a) {
  a.M = r.pick({1, 2, 3, 5, 13}), a.H = r.pick({0, 1, 4});
  a.cache = kv_cache(w, r, 128);
  const int64_t latent = a.cache.latent, rope = a.cache.rope;
  a.q_nope_stride = latent,
  a.q_nope_head_stride = a.M * latent;  // the absorb BMM writes heads first
  a.q_pe_stride = a.H * 192, a.q_pe_head_stride = 192;
  const double scale = r.chance(0.2) ? 300 : 1;  // saturates
  if (a.H) {
    a.q_nope = normals(w, r, a.M * a.H * latent, scale);
    a.q_pe = normals(w, r, a.M * a.H * 192);
    a.q_out_stride = a.H * a.cache.width() + r.pick({0, 0, 64});
    a.q_out = w.bytes(a.M * a.q_out_stride * size_of(a.cache.format));
  }
  a.k_nope_stride = latent, a.k_pe_stride = 1088;
  a.k_nope = normals(w, r, a.M * latent);
  a.k_pe = normals(w, r, a.M * a.k_pe_stride);
  a.table = rope_table(w, r, 40, rope);
  a.positions = positions(w, r, a.M, 40);
  std::vector<int32_t> slots = shuffled_slots(r, 100, 1);
  slots.resize(static_cast<size_t>(a.M));
  if (r.chance(0.3)) slots[static_cast<size_t>(r.below(a.M))] = -1;
  a.slots = integers(w, slots);
  a.style = r.chance(0.8) ? RopeStyle::interleaved : RopeStyle::half_split;
  a.k_scale = r.chance(0.3) ? 0.75f : 1.0f;
}

void make(Workspace& w, Random& r, QueryScaleArgs& a) {
  a.M = tokens(r), a.H = r.pick({1, 4}), a.width = 576, a.columns = 512;
  a.stride = a.H * a.width + r.pick({0, 64});
  a.format = r.chance(0.5) ? Format::e4m3 : Format::bf16;
  a.q = const_cast<void*>(queries(w, r, a.format, a.M * a.stride));
  a.positions = positions(w, r, a.M, 100);
  a.beta = 0.1f, a.original_positions = r.pick({1, 16, 1000});
}

void make(Workspace& w, Random& r, ConcatArgs& a) {
  a.M = tokens(r), a.H = r.pick({1, 4});
  a.format = r.chance(0.5) ? Format::e4m3 : Format::bf16;
  a.a_columns = 512, a.b_columns = 64;
  a.a_head_stride = a.b_head_stride = 576, a.a_stride = a.b_stride = a.H * 576;
  const auto* q = a.format == Format::e4m3
                      ? reinterpret_cast<const uint8_t*>(codes(w, r, a.M * a.a_stride))
                      : reinterpret_cast<const uint8_t*>(normals(w, r, a.M * a.a_stride));
  a.a = q, a.b = q + 512 * size_of(a.format);
  a.out = w.bytes(a.M * a.H * 576 * size_of(a.format));
}

void make(Workspace& w, Random& r, DensePartialArgs& a) {
  a.B = r.pick({1, 2, 3}), a.next_n = r.pick({1, 2, 4}), a.H = r.pick({1, 3, 4});
  a.splits = r.pick({1, 2, 8});
  a.cache = kv_cache(w, r, 1024);
  a.q_format = a.cache.format;
  a.q = queries(w, r, a.q_format, a.B * a.next_n * a.H * a.cache.width());
  a.scale = r.chance(0.3) ? 0.3f : 0.0625f;
  a.slot_stride = 320;
  a.slot_table = integers(w, shuffled_slots(r, a.B * a.slot_stride, 64));
  std::vector<int32_t> lengths;
  for (int64_t b = 0; b < a.B; ++b) {
    const int64_t base = r.pick({0, 62, 63, 64, 200, a.slot_stride - a.next_n});
    for (int64_t n = 0; n < a.next_n; ++n) lengths.push_back(static_cast<int32_t>(base + n + 1));
  }
  a.lengths = integers(w, lengths);
  a.out = w.make<Bf16>(a.B * a.next_n * a.splits * a.H * a.cache.latent);
  a.lse = w.make<float>(a.B * a.next_n * a.splits * a.H);
}

void make(Workspace& w, Random& r, SparsePartialArgs& a) {
  a.M = r.pick({1, 2, 3}), a.H = r.pick({1, 3, 4, 6}), a.topk = r.pick({64, 128, 256});
  a.splits = a.topk / 64 / (r.chance(0.5) && a.topk > 64 ? 2 : 1);
  a.cache = kv_cache(w, r, 300);
  a.q_format = a.cache.format;
  a.q = queries(w, r, a.q_format, a.M * a.H * a.cache.width());
  a.scale = r.chance(0.3) ? 0.3f : 0.0625f;
  std::vector<int32_t> slots;
  for (int64_t m = 0; m < a.M; ++m) {
    const int64_t valid = r.pick({1, 63, 64, 65, a.topk});
    for (int64_t i = 0; i < a.topk; ++i)
      slots.push_back(i < valid ? static_cast<int32_t>(r.below(300)) : -1);
  }
  a.slots = integers(w, slots);
  a.out = w.make<Bf16>(a.M * a.splits * a.H * a.cache.latent);
  a.lse = w.make<float>(a.M * a.splits * a.H);
}

void make(Workspace& w, Random& r, SparseCombineArgs& a) {
  a.M = tokens(r), a.H = r.pick({1, 4}), a.splits = r.pick({1, 2, 4, 32, 128}), a.latent = 512;
  a.partial = normals(w, r, a.M * a.splits * a.H * a.latent);
  float* lse = floats(w, r, a.M * a.splits * a.H, 5);
  for (int64_t i = 0; i < a.M * a.splits * a.H; ++i) {
    if (r.chance(0.2)) lse[i] = kNoLse;  // a split with nothing in it
  }
  a.lse = lse;
  a.out = w.make<Bf16>(a.M * a.H * a.latent);
}

void make(Workspace& w, Random& r, RouterTopkArgs& a) {
  a.M = tokens(r), a.E = r.pick({8, 64}), a.k = r.pick({1, 2, 6});
  if (a.E == 64 && r.chance(0.5)) a.groups = 8, a.topk_groups = 3;
  Bf16* logits = normals(w, r, a.M * a.E);
  if (r.chance(0.4)) {  // ties go to the lowest id
    for (int64_t i = 0; i < a.M * a.E; ++i) logits[i] = to_bf16(std::round(to_float(logits[i])));
  }
  const bool equal_groups = a.groups > 1 && r.chance(0.5);
  if (equal_groups) {  // in pairs, of which an odd number is kept: one pair is cut
    const int64_t size = a.E / a.groups;
    for (int64_t i = 0; i < a.M * a.E; ++i) {
      if (i / size % 2 == 1) logits[i] = logits[i - size];
    }
  }
  a.logits = logits;
  a.bias = normals(w, r, a.E, !equal_groups && r.chance(0.5) ? 0.1 : 0);
  a.ids = w.make<int32_t>(a.M * a.k);
  a.weights = w.make<float>(a.M * a.k);
  a.scaling = 2.5f;
  a.normalise = r.chance(0.8);
}

void make(Workspace& w, Random& r, AppendSharedArgs& a) {
  a.M = tokens(r), a.k = r.pick({1, 2, 8}), a.shared_id = 16;
  a.ids = positions(w, r, a.M * a.k, 16);
  a.weights = floats(w, r, a.M * a.k);
  a.ids_out = w.make<int32_t>(a.M * (a.k + 1));
  a.weights_out = w.make<float>(a.M * (a.k + 1));
}

void make(Workspace& w, Random& r, MoeSortArgs& a) {
  a.M = tokens(r), a.k = r.pick({1, 3}), a.E = r.pick({1, 9, 40});
  a.ids = positions(w, r, a.M * a.k, a.E);
  a.rows = w.make<int32_t>(a.M * a.k);
  a.offsets = w.make<int32_t>(a.E + 1);
}

static ExpertRows expert_rows(Workspace& w, Random& r) {
  MoeSortArgs sort;
  sort.M = r.pick({1, 2, 3, 5, 13}), sort.k = r.pick({1, 3}), sort.E = r.pick({1, 4, 9});
  sort.ids = positions(w, r, sort.M * sort.k, sort.E);
  sort.rows = w.make<int32_t>(sort.M * sort.k);
  sort.offsets = w.make<int32_t>(sort.E + 1);
  cpu::run(sort, Part{});
  return {sort.rows, sort.offsets, sort.M, sort.k, sort.E};
}

// Activations and weights of one format.
static ExpertInput expert_input(Workspace& w, Random& r, WeightFormat f, int64_t rows, int64_t k) {
  if (f == WeightFormat::fp8) return ExpertInput::of(quantised(w, r, rows, k, ScaleLayout::row));
  if (f == WeightFormat::bf16) return ExpertInput::of(normals(w, r, rows * k));
  return ExpertInput::of(mx_random(w, r, rows, k, ScaleLayout::row));
}

static ExpertWeights expert_weights(Workspace& w, Random& r, WeightFormat f, int64_t rows,
                                    int64_t k) {
  if (f == WeightFormat::fp8)
    return {f, codes(w, r, rows * k), scales(w, r, rows * k / (128 * 128), 0.05)};
  if (f == WeightFormat::bf16) return {f, normals(w, r, rows * k, 0.1)};
  const MxIn x = mx_random(w, r, rows, k, ScaleLayout::row);
  return {f, x.values, x.scales};
}

void make(Workspace& w, Random& r, MoeGateUpArgs& a) {
  a.experts = expert_rows(w, r);
  a.N = r.pick({128, 256}), a.K = r.pick({128, 256});
  const auto format = static_cast<WeightFormat>(r.below(3));
  a.x = expert_input(w, r, format, a.experts.M, a.K);
  a.w = expert_weights(w, r, format, a.experts.E * a.N, a.K);
  a.out = w.make<float>(a.experts.M * a.experts.k * a.N);
}

void make(Workspace& w, Random& r, MoeDownArgs& a) {
  a.experts = expert_rows(w, r);
  a.N = r.pick({128, 256}), a.K = r.pick({128, 256});
  const int64_t rows = a.experts.M * a.experts.k;
  const auto format = static_cast<WeightFormat>(r.below(3));
  a.x = expert_input(w, r, format, rows, a.K);
  a.w = expert_weights(w, r, format, a.experts.E * a.N, a.K);
  a.weights = scales(w, r, rows, 0.3);
  a.out = normals(w, r, a.experts.M * a.N);  // it adds to what is there
}

}  // namespace kernels::cases
