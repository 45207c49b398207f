// Shapes that a GPU's launch rules treat in a way of their own, and that are too large to be drawn every time.
#include <array>

#include "kernels/cases.h"
#include "kernels/score_rows.h"

namespace kernels {
namespace {

struct Shape {
  int64_t M, N, K;
};

OpArgs wide_fp8(Workspace& w, Random& r, const Shape& s) {
  GemmFp8Args a;
  a.M = s.M, a.N = s.N, a.K = s.K;
  a.x = cases::quantised(w, r, a.M, a.K, r.chance(0.5) ? ScaleLayout::row : ScaleLayout::column);
  a.reads = a.x.layout;
  a.w = cases::codes(w, r, a.N * a.K);
  a.w_scales = cases::scales(w, r, (a.N + 127) / 128 * (a.K / 128), 0.05);
  a.out_stride = a.N + r.pick({0, 5});
  a.out = w.make<Bf16>(a.M * a.out_stride);
  return a;
}

OpArgs wide_bf16(Workspace& w, Random& r, const Shape& s) {
  GemmBf16Args a;
  a.M = s.M, a.N = s.N, a.K = s.K;
  a.x_stride = a.K + r.pick({0, 16});
  a.x = cases::normals(w, r, a.M * a.x_stride);
  a.w = cases::normals(w, r, a.N * a.K, 0.1);
  a.out_format = r.chance(0.5) ? Format::f32 : Format::bf16;
  a.out_stride = a.N + r.pick({0, 3});
  a.out = w.bytes(a.M * a.out_stride * size_of(a.out_format));
  return a;
}

// Long rows: kept by one block or by several, listed, read again and again.
OpArgs long_rows(Workspace& w, Random& r, int64_t rows, int64_t longest) {
  TopkArgs a;
  a.B = rows, a.next_n = 1, a.k = 2048, a.S = longest, a.slot_stride = longest;
  float* logits = w.make<float>(rows * longest);
  std::vector<int32_t> lengths;
  for (int64_t row = 0; row < rows; ++row) {
    lengths.push_back(static_cast<int32_t>(r.pick({longest, longest - 1, a.k + 1, longest / 2 + 3, a.k})));
    fill_scores(static_cast<ScoreRow>(r.below(std::size(kScoreRows))), r, logits + row * longest, lengths.back());
  }
  std::vector<int32_t> table(static_cast<size_t>(rows * longest));
  for (size_t i = 0; i < table.size(); ++i) table[i] = static_cast<int32_t>(r.below(1 << 30));
  a.logits = logits, a.lengths = cases::integers(w, lengths), a.slot_table = cases::integers(w, table);
  a.slots = w.make<int32_t>(rows * a.k);
  return a;
}

// As many heads as a rank of one or two has, e4m3 rows of 576 bytes.
OpArgs many_heads(Workspace& w, Random& r, int64_t tokens, int64_t heads, int64_t tiles, int64_t splits) {
  constexpr int64_t kSlots = 300;
  SparsePartialArgs a;
  a.M = tokens, a.H = heads, a.topk = tiles * kSparseTile, a.splits = splits, a.scale = 0.0625f;
  a.cache.format = a.q_format = Format::e4m3, a.cache.slots = kSlots;
  const auto narrowed = [&](int64_t n) {
    const Bf16* x = cases::normals(w, r, n);
    auto* small = w.make<E4m3>(n);
    for (int64_t i = 0; i < n; ++i) small[i] = to_e4m3(to_float(x[i]));
    return small;
  };
  a.cache.data = narrowed(kSlots * a.cache.width());
  a.q = narrowed(tokens * heads * a.cache.width());
  std::vector<int32_t> slots;
  for (int64_t m = 0; m < tokens; ++m) {
    const int64_t valid = r.pick({1, 63, 64, 65, a.topk});
    for (int64_t i = 0; i < a.topk; ++i) slots.push_back(i < valid ? static_cast<int32_t>(r.below(kSlots)) : -1);
  }
  a.slots = cases::integers(w, slots);
  a.out = w.make<Bf16>(a.M * a.splits * a.H * a.cache.latent);
  a.lse = w.make<float>(a.M * a.splits * a.H);
  return a;
}

OpArgs many_partials(Workspace& w, Random& r, int64_t tokens, int64_t heads, int64_t splits) {
  SparseCombineArgs a;
  a.M = tokens, a.H = heads, a.splits = splits, a.latent = r.pick({512, 448});
  a.partial = cases::normals(w, r, a.M * a.splits * a.H * a.latent);
  float* lse = cases::floats(w, r, a.M * a.splits * a.H, 5);
  for (int64_t i = 0; i < a.M * a.splits * a.H; ++i) {
    if (r.chance(0.2)) lse[i] = kNoLse;  // a split with nothing in it
  }
  a.lse = lse;
  a.out = w.make<Bf16>(a.M * a.H * a.latent);
  return a;
}

}  // namespace

OpArgs make_large_case(Op op, int n, Workspace& w, Random& r) {
  const auto at = static_cast<size_t>(n);
  if (op == Op::gemm_fp8) {
    // In turn: rings of several tiles of tokens, tiles of 64 columns without and with clusters of two and four, 128 and 192
    // columns, tiles of few tokens, and more tiles than fit at once.
    constexpr Shape kShapes[] = {{33, 200, 2048}, {100, 64, 6144},  {64, 6100, 1024},  {17, 2600, 2048}, {64, 1000, 6144},
                                 {33, 11300, 384}, {50, 17700, 384}, {12, 5300, 2048}, {130, 9000, 128}};
    if (at < std::size(kShapes)) return wide_fp8(w, r, kShapes[at]);
  } else if (op == Op::gemm_bf16) {
    constexpr Shape kShapes[] = {{40, 130, 2048}, {70, 24, 6144}, {18, 2060, 256}};
    if (at < std::size(kShapes)) return wide_bf16(w, r, kShapes[at]);
  } else if (op == Op::topk) {
    constexpr std::array<int64_t, 2> kShapes[] = {{1, 13000}, {3, 40000}, {20, 16384}, {1, 140000}, {70, 12500}};
    if (at < std::size(kShapes)) return long_rows(w, r, kShapes[at][0], kShapes[at][1]);
  } else if (op == Op::sparse_mla) {
    constexpr std::array<int64_t, 4> kShapes[] = {{2, 64, 4, 2}, {3, 128, 1, 1}, {1, 64, 4, 1}};
    if (at < std::size(kShapes)) return many_heads(w, r, kShapes[at][0], kShapes[at][1], kShapes[at][2], kShapes[at][3]);
  } else if (op == Op::sparse_combine) {
    constexpr std::array<int64_t, 3> kShapes[] = {{9, 128, 8}, {16, 64, 32}, {1100, 1, 3}, {1, 8, 128}, {2, 520, 65}};
    if (at < std::size(kShapes)) return many_partials(w, r, kShapes[at][0], kShapes[at][1], kShapes[at][2]);
  }
  return std::monostate{};
}

}  // namespace kernels
