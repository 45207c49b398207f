// Layouts: bijections, the worked offsets, and the refusal of every mismatch of tags.
#include <catch2/catch_get_random_seed.hpp>
#include <catch2/catch_test_macros.hpp>
#include <set>

#include "kernels/reference.h"
#include "kernels/verify.h"

using namespace kernels;

TEST_CASE("index-K offsets as worked out for pages of 64") {
  const auto at = [](int t, int d) { return index_key_offset(IndexLayout::preshuffle, t, d); };
  CHECK(at(0, 0) == 0);
  CHECK(at(0, 16) == 256);
  CHECK(at(1, 0) == 16);
  CHECK(at(16, 0) == 2048);
  CHECK(at(17, 33) == 2577);
  CHECK(at(63, 127) == 8191);
  CHECK(index_scale_offset(64, 0) == 8192);
  CHECK(index_scale_offset(64, 5) == 8212);
  CHECK(index_page_bytes(64) == 8448);
  CHECK(index_page_bytes(1) == 132);
  CHECK(index_key_offset(IndexLayout::row, 17, 33) == 17 * 128 + 33);
}

TEST_CASE("layouts are bijections") {
  for (const int page : {16, 32, 64}) {
    for (const IndexLayout layout : {IndexLayout::row, IndexLayout::preshuffle}) {
      std::set<int64_t> seen;
      for (int t = 0; t < page; ++t) {
        for (int d = 0; d < kIndexDim; ++d) {
          const int64_t at = index_key_offset(layout, t, d);
          CHECK((at >= 0 && at < page * kIndexDim));
          seen.insert(at);
          CHECK(at == index_key_offset(layout, t, d / 16 * 16) + d % 16);
          CHECK(at ==
                index_key_offset(layout, t, 0) + d / 16 * index_chunk_stride(layout) + d % 16);
        }
      }
      CHECK(seen.size() == static_cast<size_t>(page * kIndexDim));
    }
  }
  // The preshuffled page is the weight shuffle of a (tokens, 128) matrix of bytes.
  for (int t = 0; t < 64; ++t) {
    for (int d = 0; d < kIndexDim; ++d) {
      CHECK(index_key_offset(IndexLayout::preshuffle, t, d) ==
            shuffle16_offset(t, d, kIndexDim, 1));
    }
  }
  for (const int bytes : {1, 2}) {
    std::set<int64_t> seen;
    for (int n = 0; n < 32; ++n) {
      for (int k = 0; k < 96; ++k) seen.insert(shuffle16_offset(n, k, 96, bytes));
    }
    CHECK(seen.size() == 32 * 96);
    CHECK(*seen.rbegin() == 32 * 96 - 1);
  }
}

TEST_CASE("activation scales: two tokens, three groups") {
  // Row-major bytes s00 s01 s02 s10 s11 s12; column-major s00 s10 s01 s11 s02 s12.
  CHECK(scale_offset(ScaleLayout::row, 2, 3, 1, 0) == 3);
  CHECK(scale_offset(ScaleLayout::column, 2, 3, 1, 0) == 1);
  CHECK(scale_offset(ScaleLayout::column, 2, 3, 0, 2) == 4);
  CHECK(scale_offset(ScaleLayout::row, 1, 3, 0, 2) ==
        scale_offset(ScaleLayout::column, 1, 3, 0, 2));
}

TEST_CASE("a mismatch of layout tags is refused") {
  Workspace w;
  Random r(Catch::getSeed());
  IndexCache row{w.make<uint8_t>(4 * index_page_bytes(64)), 4, 64, IndexLayout::row};
  IndexCache shuffled = row;
  shuffled.layout = IndexLayout::preshuffle;

  const auto refuses = [](const auto& args, std::string_view word) {
    const Status status = check(args);
    INFO(status.error);
    CHECK_FALSE(status.ok());
    CHECK(status.error.find(word) != std::string::npos);
  };
  auto store = std::get<IndexStoreArgs>(make_case(Op::index_store, w, r));
  store.cache = row, store.writes = IndexLayout::row;
  CHECK(check(store).ok());
  store.writes = IndexLayout::preshuffle;
  refuses(store, "preshuffled access to a row-major");
  store.cache = shuffled, store.writes = IndexLayout::row;
  refuses(store, "row-major access to a preshuffled");

  auto gather = std::get<IndexGatherArgs>(make_case(Op::index_gather, w, r));
  gather.cache = shuffled, gather.reads = IndexLayout::row;
  refuses(gather, "row-major access to a preshuffled");

  auto logits = std::get<MqaLogitsArgs>(make_case(Op::mqa_logits, w, r));
  logits.cache = row, logits.reads = IndexLayout::preshuffle, logits.table_stride = 64;
  refuses(logits, "preshuffled access to a row-major");
  for (const int page : {1, 8, 24}) {
    logits.cache = shuffled, logits.cache.page_size = page;
    refuses(logits, "page_size % 16");
  }

  auto ragged = std::get<RaggedLogitsArgs>(make_case(Op::ragged_logits, w, r));
  CHECK(check(ragged).ok());
  ragged.keys.layout = IndexLayout::preshuffle;
  refuses(ragged, "row-major access to preshuffled gathered keys");
  ragged.reads = IndexLayout::preshuffle;
  refuses(ragged, "gathered keys are row-major");
  ragged.keys.layout = IndexLayout::row;
  refuses(ragged, "preshuffled access to row-major gathered keys");
  auto ragged_topk = std::get<RaggedTopkArgs>(make_case(Op::ragged_topk, w, r));
  CHECK(check(ragged_topk).ok());
  ragged_topk.scores.columns = ScoreColumns::all, ragged_topk.reads = ScoreColumns::own;
  refuses(ragged_topk, "own columns of scores in all columns");
  ragged_topk.scores.columns = ScoreColumns::own, ragged_topk.reads = ScoreColumns::all;
  refuses(ragged_topk, "all columns of scores in own columns");

  auto gemm = std::get<GemmFp8Args>(make_case(Op::gemm_fp8, w, r));
  gemm.x.layout = ScaleLayout::row, gemm.reads = ScaleLayout::column;
  refuses(gemm, "column-major access to row-major");
  gemm.x.layout = ScaleLayout::column, gemm.reads = ScaleLayout::row;
  refuses(gemm, "row-major access to column-major");

  auto sparse = std::get<SparsePartialArgs>(make_case(Op::sparse_mla, w, r));
  sparse.q_format = sparse.cache.format == Format::bf16 ? Format::e4m3 : Format::bf16;
  refuses(sparse, "differ in format");
}

TEST_CASE("shapes that cannot work are refused with their numbers") {
  Workspace w;
  Random r(Catch::getSeed());
  auto gemm = std::get<GemmFp8Args>(make_case(Op::gemm_fp8, w, r));
  gemm.M = 2, gemm.N = 64, gemm.K = 100, gemm.out_stride = 64;
  CHECK(check(gemm).error ==
        "gemm_fp8: K must be a multiple of 128 (M=2 N=64 K=100 out_stride=64)");
  gemm.K = 128, gemm.x.values = nullptr;
  CHECK_FALSE(check(gemm).ok());
  gemm.M = 0;  // no tokens: nothing is touched, nothing is missing
  CHECK(check(gemm).ok());
  cpu::run(gemm, Part{});
}

TEST_CASE("a RoPE in place may not write with other strides than it reads") {
  Workspace w;
  Random r(Catch::getSeed());
  auto rope = std::get<IndexRopeArgs>(make_case(Op::index_rope, w, r));
  rope.M = 2, rope.H = 2, rope.q_stride = rope.q_out_stride = 256;
  rope.q = rope.q_out = w.make<Bf16>(512), rope.k = rope.k_out = w.make<Bf16>(256);
  rope.q_head_stride = rope.q_out_head_stride = 128, rope.k_stride = rope.k_out_stride = 128;
  CHECK(check(rope).ok());
  rope.q_out_head_stride = 64;
  CHECK(check(rope).error.find("overwrite") != std::string::npos);
  rope.q_out_head_stride = 128, rope.k_out_stride = 64;
  CHECK(check(rope).error.find("overwrite") != std::string::npos);
}

TEST_CASE("the published split rule, and what more than 16 heads make of it") {
  for (const int64_t heads : {1, 8, 16}) {
    CHECK(sparse_splits(1, heads, 2048) == 32);
    CHECK(sparse_splits(31, heads, 2048) == 32);
    CHECK(sparse_splits(32, heads, 2048) == 16);
    CHECK(sparse_splits(64, heads, 2048) == 8);
    CHECK(sparse_splits(128, heads, 2048) == 4);
    CHECK(sparse_splits(4, heads, 256) == 4);
  }
  CHECK(dense_splits(1, 8) == 128);
  CHECK(dense_splits(4, 8) == 32);
  CHECK(dense_splits(64, 16) == 4);
  CHECK(dense_splits(1, 64) == 32);
  CHECK(dense_splits(300, 8) == 1);
  CHECK(sparse_splits(16, 17, 2048) == 16);
  CHECK(sparse_splits(4, 64, 2048) == 32);
  CHECK(sparse_splits(16, 64, 2048) == 8);
  CHECK(sparse_splits(16, 128, 2048) == 4);
  CHECK(sparse_splits(64, 128, 2048) == 1);
  CHECK(sparse_splits(128, 128, 2048) == 1);
}

TEST_CASE("what an instruction of fewer bits may be off is allowed to it alone, and only that") {
  float got[] = {1.0f, 1.0005f};
  const Tensor t = matrix("out", Format::f32, got, 1, 2, 2);
  Expected want;
  want.add(1.0, 0), want.add(1.0, 0);
  CHECK_FALSE(judge(t, want, true).ok());  // the reference allows it nothing
  want.narrow = {0.001, 0.001};
  CHECK_FALSE(judge(t, want).ok());
  CHECK(judge(t, want, true).ok());
  got[1] = 1.002f;
  CHECK_FALSE(judge(t, want, true).ok());
  Sum sum;
  for (const double term : {3.0, -4.0}) sum.add(term);
  CHECK(sum.narrow_slack() == 5.0 / 512);  // of the root of the squares, not of the sum
}

TEST_CASE("guards, poison and the judge catch what they are for") {
  Workspace w;
  auto* x = w.make<uint8_t>(10);
  CHECK(w.guards_hold());
  x[10] = 1;
  CHECK_FALSE(w.guards_hold());

  float values[3] = {1, 2, 3};
  Tensor t = matrix("t", Format::f32, values, 1, 3, 3);
  Expected want;
  for (const double v : {1.0, 2.0, 3.0}) want.add(v, 1e-9);
  CHECK(judge(t, want).ok());
  values[1] = 2.1f;
  CHECK(judge(t, want).text.starts_with("t[1 of 3]: 2.0999"));
  poison(t);
  CHECK(judge(t, want).first_wrong == 0);
  CHECK(values[0] != values[0]);
  want.value.pop_back();
  CHECK_FALSE(judge(t, want).ok());
}
