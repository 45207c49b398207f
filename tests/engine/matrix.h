// The matrix of switch sets: every legal combination on the narrowed tiny models, each compared
// with the same set with one switch off, by the class of that switch.
#pragma once
#include <vector>

#include "engine/equivalence.h"
#include "tests/engine/small_model.h"

namespace engine::test {

// DSA with MXFP4 absorb and a bf16 o_proj: every switch but `launch` can be flipped. Synthetic.
inline trace::ModelConfig everything_model() {
  trace::ModelConfig m = check_model("tiny-mxfp4");
  const trace::ModelConfig dsa = check_model("tiny");
  m.name = "tiny-mxfp4 with an indexer, narrowed";
  m.index_heads = dsa.index_heads, m.index_head_dim = dsa.index_head_dim;
  m.index_topk = dsa.index_topk;
  return m;
}

inline std::vector<trace::ModelConfig> matrix_models() {
  return {everything_model(), check_model("tiny"), check_model("tiny-mxfp4"),
          check_model("tiny-dense")};
}

inline std::vector<trace::ToggleSet> legal_sets(const trace::ModelConfig& model) {
  std::vector<trace::ToggleSet> sets = {trace::ToggleSet::all_off()};
  for (const trace::ToggleInfo& row : trace::toggle_table()) {
    if (trace::unavailable(row.key, model, "cpu")) continue;
    std::vector<trace::ToggleSet> more;
    for (const trace::ToggleSet& set : sets) {
      for (int value = 0; value < row.value_count; ++value) {
        more.push_back(set);
        more.back().set_index(row.key, value);
      }
    }
    sets = std::move(more);
  }
  std::erase_if(sets, [&](const auto& s) { return !trace::validate(s, model, "cpu").ok(); });
  return sets;
}

struct MatrixShape {
  int batch, next_n, context;
};

// Tokens before and at the edges of pages (16, 32, 64), of the top-k (64) and of tiles (64).
inline std::vector<MatrixShape> matrix_shapes() {
  constexpr int kContexts[] = {1, 15, 16, 17, 31, 33, 47, 62, 63, 64, 65, 79, 127, 128, 129, 150};
  std::vector<MatrixShape> all;
  size_t at = 0;
  for (const int batch : {1, 2, 3, 5}) {
    for (const int next_n : {1, 2, 4}) {
      for (int i = 0; i < 4; ++i)
        all.push_back({batch, next_n, kContexts[at++ % std::size(kContexts)]});
    }
  }
  return all;
}

// Compares `set` with each of its switches off, one at a time. Returns the number of comparisons.
inline int check_set(const trace::ModelConfig& model, const MatrixShape& shape,
                     const trace::ToggleSet& set) {
  trace::RunSpec spec = small_spec(shape.batch, shape.context, shape.next_n);
  spec.model = model, spec.toggles = set;
  INFO(model.name << ", batch " << shape.batch << ", next_n " << shape.next_n << ", context "
                  << shape.context << ", " << set.text() << ", seed " << Catch::getSeed());
  auto session = load(spec);
  if (shape.batch == 0) {
    CHECK(session->plan().ops.empty());
    CHECK(session->step().kernels == 0);
    return 1;
  }
  int compared = 0;
  for (const trace::ToggleKey key : set.differing(trace::ToggleSet::all_off())) {
    trace::ToggleSet off = set;
    off.set_index(key, trace::ToggleSet::all_off().index(key));
    if (!trace::validate(off, model, "cpu")) continue;  // preshuffle with page 1
    Model& m = session->model();
    auto a = make_arm(m, off, caches_for(m, off, session->arm().caches), {11, {}});
    REQUIRE(a.ok());
    const auto proof =
        prove(m, *a, session->arm(), trace::equivalence_of(off, set), {.positions = 1});
    INFO(trace::info(key).name << ": " << proof.first_difference);
    CHECK(proof.ok);
    ++compared;
  }
  return compared;
}

}  // namespace engine::test
