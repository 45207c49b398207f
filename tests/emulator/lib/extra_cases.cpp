#include "tests/emulator/lib/extra_cases.h"

#include <cmath>

#include <algorithm>

#include "kernels/cases.h"

namespace simt {
namespace {

using namespace kernels;

// The model that switches are checked on: rows whose length is no multiple of what a wave takes at once.
OpArgs narrow_mla(Workspace& w, Random& r, Format format) {
  SparsePartialArgs a;
  a.M = 3, a.H = 4, a.topk = 64, a.splits = 1;
  a.cache.format = a.q_format = format;
  a.cache.latent = 64, a.cache.rope = 16, a.cache.slots = 100;
  const auto values = [&](int64_t n) -> void* {
    Bf16* x = cases::normals(w, r, n);
    if (format == Format::bf16) return x;
    E4m3* y = w.make<E4m3>(n);
    for (int64_t i = 0; i < n; ++i) y[i] = to_e4m3(to_float(x[i]));
    return y;
  };
  a.cache.data = values(a.cache.slots * a.cache.width());
  a.q = values(a.M * a.H * a.cache.width());
  std::vector<int32_t> slots;
  for (int64_t i = 0; i < a.M * a.topk; ++i)
    slots.push_back(i % a.topk < 40 ? static_cast<int32_t>(r.below(100)) : -1);
  a.slots = cases::integers(w, slots);
  a.scale = 0.2f;
  a.out = w.make<Bf16>(a.M * a.H * a.cache.latent);
  a.lse = w.make<float>(a.M * a.H);
  return a;
}

// Heads for more than one block of any width, splits of several tiles, one of them with nothing in it.
OpArgs many_heads_mla(Workspace& w, Random& r, Format format, int64_t heads) {
  SparsePartialArgs a;
  a.M = 3, a.H = heads, a.topk = 512, a.splits = 2;
  a.cache.format = a.q_format = format;
  a.cache.latent = 128, a.cache.rope = 64, a.cache.slots = 200;
  const auto values = [&](int64_t n) -> void* {
    Bf16* x = cases::normals(w, r, n);
    if (format == Format::bf16) return x;
    E4m3* y = w.make<E4m3>(n);
    for (int64_t i = 0; i < n; ++i) y[i] = to_e4m3(to_float(x[i]));
    return y;
  };
  a.cache.data = values(a.cache.slots * a.cache.width());
  a.q = values(a.M * a.H * a.cache.width());
  std::vector<int32_t> slots;
  for (int64_t i = 0; i < a.M * a.topk; ++i)
    slots.push_back(i % a.topk < 150 * (i / a.topk) ? static_cast<int32_t>(r.below(200)) : -1);
  a.slots = cases::integers(w, slots);
  a.scale = 0.1f;
  a.out = w.make<Bf16>(a.M * a.splits * a.H * a.cache.latent);
  a.lse = w.make<float>(a.M * a.splits * a.H);
  return a;
}

OpArgs many_tokens_fp8(Workspace& w, Random& r) {
  GemmFp8Args a;
  a.M = 80, a.N = 20, a.K = 384;
  a.x = cases::quantised(w, r, a.M, a.K, ScaleLayout::column);
  a.reads = a.x.layout;
  a.w = cases::codes(w, r, a.N * a.K);
  a.w_scales = cases::scales(w, r, a.K / 128, 0.05);
  a.out_stride = a.N;
  a.out = w.make<Bf16>(a.M * a.N);
  return a;
}

OpArgs many_tokens_bf16(Workspace& w, Random& r) {
  GemmBf16Args a;
  a.M = 80, a.N = 20, a.K = a.x_stride = 256, a.splits = 1;
  a.x = cases::normals(w, r, a.M * a.K);
  a.w = cases::normals(w, r, a.N * a.K, 0.1);
  a.x_format = a.out_format = Format::bf16;
  a.out_stride = a.N;
  a.out = w.make<Bf16>(a.M * a.N);
  return a;
}

OpArgs many_tokens_mx(Workspace& w, Random& r) {
  GemmMxArgs a;
  a.M = 40, a.N = 20, a.K = 160;
  a.x = cases::mx_random(w, r, a.M, a.K, ScaleLayout::column);
  a.reads = a.x.layout;
  const MxIn weights = cases::mx_random(w, r, a.N, a.K, ScaleLayout::row);
  a.w = weights.values, a.w_scales = weights.scales;
  a.out_stride = a.N;
  a.out = w.make<Bf16>(a.M * a.N);
  return a;
}

// Some 27 rows an expert: more than one tile, the last one partly filled. Every format in turn.
ExpertRows crowded(Workspace& w, Random& r) {
  MoeSortArgs sort;
  sort.M = 40, sort.k = 2, sort.E = 3;
  std::vector<int32_t> ids;
  for (int64_t i = 0; i < sort.M * sort.k; ++i) ids.push_back(static_cast<int32_t>(r.below(sort.E)));
  sort.ids = cases::integers(w, ids);
  sort.rows = w.make<int32_t>(sort.M * sort.k);
  sort.offsets = w.make<int32_t>(sort.E + 1);
  cpu::run(sort, Part{});
  return {sort.rows, sort.offsets, sort.M, sort.k, sort.E};
}
ExpertInput activations(Workspace& w, Random& r, WeightFormat f, int64_t rows, int64_t K) {
  if (f == WeightFormat::fp8) return ExpertInput::of(cases::quantised(w, r, rows, K, ScaleLayout::row));
  if (f == WeightFormat::bf16) return ExpertInput::of(cases::normals(w, r, rows * K));
  return ExpertInput::of(cases::mx_random(w, r, rows, K, ScaleLayout::row));
}
ExpertWeights weights(Workspace& w, Random& r, WeightFormat f, int64_t rows, int64_t K) {
  if (f == WeightFormat::fp8) return {f, cases::codes(w, r, rows * K), cases::scales(w, r, rows * K / (128 * 128), 0.05)};
  if (f == WeightFormat::bf16) return {f, cases::normals(w, r, rows * K, 0.1)};
  const MxIn x = cases::mx_random(w, r, rows, K, ScaleLayout::row);
  return {f, x.values, x.scales};
}
OpArgs crowded_gate_up(Workspace& w, Random& r) {
  MoeGateUpArgs a;
  const auto format = static_cast<WeightFormat>(r.below(3));
  a.experts = crowded(w, r);
  a.N = 128, a.K = 256;
  a.x = activations(w, r, format, a.experts.M, a.K);
  a.w = weights(w, r, format, a.experts.E * a.N, a.K);
  a.out = w.make<float>(a.experts.M * a.experts.k * a.N);
  return a;
}
// More experts than a block has threads, few of them with rows, in every wave's stretch.
OpArgs sparse_gate_up(Workspace& w, Random& r) {
  MoeSortArgs sort;
  sort.M = 9, sort.k = 1, sort.E = 300;
  sort.ids = cases::integers(w, {299, 3, 70, 130, 3, 200, 260, 31, 65});
  sort.rows = w.make<int32_t>(sort.M);
  sort.offsets = w.make<int32_t>(sort.E + 1);
  cpu::run(sort, Part{});
  MoeGateUpArgs a;
  a.experts = {sort.rows, sort.offsets, sort.M, sort.k, sort.E};
  a.N = 128, a.K = 128;
  a.x = activations(w, r, WeightFormat::fp8, a.experts.M, a.K);
  a.w = weights(w, r, WeightFormat::fp8, a.experts.E * a.N, a.K);
  a.out = w.make<float>(a.experts.M * a.N);
  return a;
}
OpArgs crowded_down(Workspace& w, Random& r) {
  MoeDownArgs a;
  const auto format = static_cast<WeightFormat>(r.below(3));
  a.experts = crowded(w, r);
  a.N = 128, a.K = 128;
  const int64_t rows = a.experts.M * a.experts.k;
  a.x = activations(w, r, format, rows, a.K);
  a.w = weights(w, r, format, a.experts.E * a.N, a.K);
  a.weights = cases::scales(w, r, rows, 0.3);
  a.out = cases::normals(w, r, a.experts.M * a.N);
  return a;
}

// Sorted rows of fp8 experts: what waves of 32 have kernels of their own for. Some tokens choose one expert twice.
ExpertRows chosen(Workspace& w, Random& r, int64_t M, int64_t k, int64_t E, int64_t used) {
  MoeSortArgs sort;
  sort.M = M, sort.k = k, sort.E = E;
  std::vector<int32_t> ids;
  for (int64_t i = 0; i < M * k; ++i) ids.push_back(static_cast<int32_t>(r.below(used) * (E - 1) / std::max<int64_t>(1, used - 1)));
  sort.ids = cases::integers(w, ids);
  sort.rows = w.make<int32_t>(M * k);
  sort.offsets = w.make<int32_t>(E + 1);
  cpu::run(sort, Part{});
  return {sort.rows, sort.offsets, M, k, E};
}
OpArgs fp8_gate_up(Workspace& w, Random& r, const ExpertRows& experts, int64_t K) {
  MoeGateUpArgs a;
  a.experts = experts;
  a.N = 128, a.K = K;
  a.x = activations(w, r, WeightFormat::fp8, experts.M, K);
  a.w = weights(w, r, WeightFormat::fp8, experts.E * a.N, K);
  a.out = w.make<float>(experts.M * experts.k * a.N);
  return a;
}
OpArgs fp8_down(Workspace& w, Random& r, const ExpertRows& experts, int64_t K) {
  MoeDownArgs a;
  a.experts = experts;
  a.N = 128, a.K = K;
  const int64_t rows = experts.M * experts.k;
  a.x = activations(w, r, WeightFormat::fp8, rows, K);
  a.w = weights(w, r, WeightFormat::fp8, experts.E * a.N, K);
  a.weights = cases::scales(w, r, rows, 0.3);
  a.out = cases::normals(w, r, experts.M * a.N);
  return a;
}
// More experts, or more rows, than a block has threads.
OpArgs wide_sort(Workspace& w, Random& r, int64_t M, int64_t k, int64_t E) {
  MoeSortArgs a;
  a.M = M, a.k = k, a.E = E;
  std::vector<int32_t> ids;
  for (int64_t i = 0; i < M * k; ++i) ids.push_back(static_cast<int32_t>(r.below(E)));
  a.ids = cases::integers(w, ids);
  a.rows = w.make<int32_t>(M * k);
  a.offsets = w.make<int32_t>(E + 1);
  return a;
}

OpArgs topk_of(Workspace& w, Random&, const std::vector<float>& scores, int64_t k) {
  TopkArgs a;
  a.B = 1, a.next_n = 1, a.k = k, a.S = static_cast<int64_t>(scores.size()), a.slot_stride = a.S;
  float* logits = w.make<float>(a.S);
  std::vector<int32_t> slots;
  for (int64_t i = 0; i < a.S; ++i) {
    logits[i] = scores[static_cast<size_t>(i)];
    slots.push_back(static_cast<int32_t>(i ^ 5));
  }
  a.logits = logits;
  a.lengths = cases::integers(w, {static_cast<int32_t>(a.S)});
  a.slot_table = cases::integers(w, slots);
  a.slots = w.make<int32_t>(a.k);
  return a;
}
// The k-th score is the last of its kind and all its low digits are zero: every count of a digit must be exact.
OpArgs topk_last_zero(Workspace& w, Random& r) {
  std::vector<float> scores(80, -1.5f);
  for (size_t i = 0; i < 30; ++i) scores[i * 2] = i < 10 ? 2.0f : 0.0f;
  return topk_of(w, r, scores, 30);
}
// More places than a block looks at in one turn, ties across the turns.
OpArgs topk_long(Workspace& w, Random& r) {
  std::vector<float> scores;
  for (int i = 0; i < 9000; ++i) scores.push_back(static_cast<float>(r.below(7)));
  return topk_of(w, r, scores, 3000);
}

// More places than are kept: a sample finds the bound; of scores that are nearly all the same it can't.
OpArgs topk_sampled(Workspace& w, Random& r, bool alike, int64_t k) {
  std::vector<float> scores;
  for (int i = 0; i < 70001; ++i) scores.push_back(alike ? static_cast<float>(r.below(40) == 0) : static_cast<float>(std::round(r.normal() * 512)));
  return topk_of(w, r, scores, k);
}

OpArgs combined(Workspace& w, Random& r, int64_t tokens, int64_t heads, int64_t splits, int64_t latent) {
  SparseCombineArgs a;
  a.M = tokens, a.H = heads, a.splits = splits, a.latent = latent;
  a.partial = cases::normals(w, r, a.M * a.splits * a.H * a.latent);
  float* lse = cases::floats(w, r, a.M * a.splits * a.H, 5);
  for (int64_t i = 0; i < a.M * a.splits * a.H; i += 7) lse[i] = kNoLse;
  a.lse = lse;
  a.out = w.make<Bf16>(a.M * a.H * a.latent);
  return a;
}

// Rows of many tiles a wave, in pages of several tiles and of less than one.
OpArgs long_logits(Workspace& w, Random& r, int page_size, IndexLayout layout, int64_t heads) {
  MqaLogitsArgs a;
  a.B = 2, a.next_n = 4, a.H = heads, a.S = 1536;
  a.cache.page_size = page_size, a.cache.pages = a.B * a.S / page_size, a.cache.layout = a.reads = layout;
  a.cache.data = w.make<uint8_t>(a.cache.pages * index_page_bytes(page_size));
  for (int64_t p = 0; p < a.cache.pages; ++p) {
    uint8_t* page = a.cache.data + p * index_page_bytes(page_size);
    for (int i = 0; i < page_size * kIndexDim; ++i) page[i] = to_e4m3(static_cast<float>(r.normal())).bits;
    for (int t = 0; t < page_size; ++t) *reinterpret_cast<float*>(page + index_scale_offset(page_size, t)) = 0.01f * static_cast<float>(1 + r.below(9));
  }
  a.q = cases::codes(w, r, a.B * a.next_n * a.H * kIndexDim);
  a.gates = cases::floats(w, r, a.B * a.next_n * a.H);
  a.table_stride = a.S / page_size;
  std::vector<int32_t> table, lengths;
  for (int64_t p = 0; p < a.cache.pages; ++p) table.push_back(static_cast<int32_t>(a.cache.pages - 1 - p));
  for (const int length : {1501, 1502, 1503, 1504, 17, 18, 19, 20}) lengths.push_back(length);
  a.block_table = cases::integers(w, table);
  a.lengths = cases::integers(w, lengths);
  a.logits = w.make<float>(a.B * a.next_n * a.S);
  return a;
}

// A length that ends within a wave's sixteen keys, pages of one token: what lies behind has no page.
OpArgs last_logits(Workspace& w, Random& r) {
  MqaLogitsArgs a;
  a.B = 1, a.next_n = 1, a.H = 8, a.S = 52;
  a.cache.pages = a.S, a.cache.page_size = 1, a.cache.layout = a.reads = IndexLayout::row;
  a.cache.data = w.make<uint8_t>(a.S * index_page_bytes(1));
  for (int64_t t = 0; t < a.S; ++t) {
    uint8_t* page = a.cache.data + t * index_page_bytes(1);
    for (int d = 0; d < kIndexDim; ++d) page[index_key_offset(a.cache.layout, 0, d)] = to_e4m3(static_cast<float>(r.normal())).bits;
    *reinterpret_cast<float*>(page + index_scale_offset(1, 0)) = 0.5f;
  }
  a.q = cases::codes(w, r, a.H * kIndexDim);
  a.gates = cases::floats(w, r, a.H);
  a.table_stride = a.S;
  std::vector<int32_t> table;
  for (int64_t t = 0; t < a.S; ++t) table.push_back(static_cast<int32_t>(a.S - 1 - t));
  a.block_table = cases::integers(w, table);
  a.lengths = cases::integers(w, {static_cast<int32_t>(a.S)});
  a.logits = w.make<float>(a.S);
  return a;
}

// Fewer elements than a block has threads.
OpArgs small_query_scale(Workspace& w, Random& r) {
  QueryScaleArgs a;
  a.M = 3, a.H = 1, a.width = 80, a.columns = 64, a.stride = 80;
  a.format = Format::bf16;
  a.q = cases::normals(w, r, a.M * a.stride);
  a.positions = cases::integers(w, {1, 40, 99});
  a.beta = 0.1f, a.original_positions = 16;
  return a;
}

}  // namespace

const std::vector<ExtraCase>& extra_cases() {
  static const std::vector<ExtraCase> all = [] {
    std::vector<ExtraCase> made;
    const auto add = [&](std::string why, auto make) {
      Workspace w;
      Random r(1);
      made.push_back({std::move(why), op_of(make(w, r)), make});
    };
    add("a narrow model, fp8", [](Workspace& w, Random& r) { return narrow_mla(w, r, Format::e4m3); });
    add("a narrow model, bf16", [](Workspace& w, Random& r) { return narrow_mla(w, r, Format::bf16); });
    for (const Format f : {Format::e4m3, Format::bf16}) {
      for (const int64_t heads : {12, 40}) {
        add(std::string(to_string(f)) + ", heads " + std::to_string(heads),
            [=](Workspace& w, Random& r) { return many_heads_mla(w, r, f, heads); });
      }
    }
    add("long logits, large pages", [](Workspace& w, Random& r) { return long_logits(w, r, 64, IndexLayout::row, 32); });
    add("long logits, shuffled", [](Workspace& w, Random& r) { return long_logits(w, r, 32, IndexLayout::preshuffle, 64); });
    add("long logits, small pages", [](Workspace& w, Random& r) { return long_logits(w, r, 4, IndexLayout::row, 9); });
    add("a row that is sampled", [](Workspace& w, Random& r) { return topk_sampled(w, r, false, 2048); });
    add("a row whose sample misleads", [](Workspace& w, Random& r) { return topk_sampled(w, r, true, 2048); });
    add("two blocks of tokens, fp8", many_tokens_fp8);
    add("two blocks of tokens, bf16", many_tokens_bf16);
    add("two blocks of tokens, MXFP4", many_tokens_mx);
    add("two tiles of rows an expert, gate and up", crowded_gate_up);
    add("two tiles of rows an expert, down", crowded_down);
    add("few of many experts", sparse_gate_up);
    add("blocks that walk and rings that turn, gate and up",
        [](Workspace& w, Random& r) { return fp8_gate_up(w, r, chosen(w, r, 11, 2, 3, 3), 3200); });
    add("more experts than two a thread", [](Workspace& w, Random& r) { return fp8_gate_up(w, r, chosen(w, r, 30, 1, 530, 12), 128); });
    add("few tokens of fp8 experts, down", [](Workspace& w, Random& r) { return fp8_down(w, r, chosen(w, r, 7, 3, 12, 12), 640); });
    add("many tokens of fp8 experts, down", [](Workspace& w, Random& r) { return fp8_down(w, r, chosen(w, r, 30, 2, 5, 5), 640); });
    add("more rows an expert than a tile has, gate and up",
        [](Workspace& w, Random& r) { return fp8_gate_up(w, r, chosen(w, r, 60, 2, 3, 3), 1408); });
    add("more rows an expert than a tile has, down", [](Workspace& w, Random& r) { return fp8_down(w, r, chosen(w, r, 60, 2, 3, 3), 640); });
    add("few tokens, more rows an expert than a tile has, down",
        [](Workspace& w, Random& r) { return fp8_down(w, r, chosen(w, r, 14, 2, 2, 2), 384); });
    // So many heads that a wave takes one, the last block not full; so many splits that blocks share the columns, the last of
    // them and the last group not full.
    add("splits of many heads", [](Workspace& w, Random& r) { return combined(w, r, 11, 94, 9, 64); });
    add("many splits", [](Workspace& w, Random& r) { return combined(w, r, 2, 3, 70, 200); });
    add("many tokens, more experts than two a thread", [](Workspace& w, Random& r) { return fp8_down(w, r, chosen(w, r, 20, 2, 300, 9), 128); });
    add("experts at the ends of the waves' stretches", [](Workspace& w, Random& r) {
      MoeSortArgs sort;
      sort.M = 8, sort.k = 1, sort.E = 300;
      sort.ids = cases::integers(w, {63, 64, 62, 127, 63, 191, 255, 299});
      sort.rows = w.make<int32_t>(sort.M);
      sort.offsets = w.make<int32_t>(sort.E + 1);
      cpu::run(sort, Part{});
      return fp8_gate_up(w, r, {sort.rows, sort.offsets, sort.M, sort.k, sort.E}, 128);
    });
    add("experts that a wave has no row of, sorted", [](Workspace& w, Random& r) { return wide_sort(w, r, 600, 2, 97); });
    add("more experts than threads, sorted", [](Workspace& w, Random& r) { return wide_sort(w, r, 20, 2, 300); });
    add("more rows than threads, sorted", [](Workspace& w, Random& r) { return wide_sort(w, r, 600, 2, 7); });
    add("the last of the zeros", topk_last_zero);
    add("a long row", topk_long);
    add("keys up to the last page", last_logits);
    add("less than a block", small_query_scale);
    return made;
  }();
  return all;
}

}  // namespace simt
