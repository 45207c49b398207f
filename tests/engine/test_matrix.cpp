// 64 sets of switches drawn from the whole matrix; all of them run in the slow set.
#include "kernels/verify.h"
#include "matrix.h"

using namespace engine;
using namespace engine::test;

TEST_CASE("sampled sets of switches agree with themselves less one switch") {
  kernels::Random random(Catch::getSeed());
  const auto models = matrix_models();
  const auto shapes = matrix_shapes();
  int compared = 0;
  for (int i = 0; i < 64; ++i) {
    const auto& model = models[i < 40 ? 0 : static_cast<size_t>(1 + i % 3)];
    const auto sets = legal_sets(model);
    const auto at = static_cast<size_t>(random.below(static_cast<int64_t>(sets.size())));
    const auto shape = static_cast<size_t>(random.below(static_cast<int64_t>(shapes.size())));
    compared += check_set(model, i == 0 ? MatrixShape{0, 1, 64} : shapes[shape], sets[at]);
  }
  CHECK(compared > 64);
}

TEST_CASE("the matrix has every legal set once") {
  // 2^8 sets of two-valued switches, times page sizes and index layouts: row with four, preshuffle
  // with three.
  CHECK(legal_sets(everything_model()).size() == 256 * 7);
  CHECK(legal_sets(check_model("tiny")).size() == 128 * 7);
  CHECK(legal_sets(check_model("tiny-mxfp4")).size() == 8);  // x_scale, v_layout, kv_dtype
  CHECK(legal_sets(check_model("tiny-dense")).size() == 4);
}
