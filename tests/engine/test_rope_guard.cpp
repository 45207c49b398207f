// The guard around the indexer's RoPE: copies are left out only where the rotated values already
// stand where they belong, which pointer, shape and stride together prove.
#include "engine/capture.h"
#include "small_model.h"

using namespace engine;
using namespace engine::test;

namespace {

std::string copies(const DecodePlan& plan, int layer) {
  std::string text;
  for (const PlannedOp& op : plan.ops) {
    if (op.layer == layer && op.key.starts_with("rope_") && op.key != "rope_cat_store")
      text += op.label + ";";
  }
  return text;
}

}  // namespace

TEST_CASE("equal views are equal in pointer, shape and stride") {
  alignas(16) kernels::Bf16 memory[64 * 128] = {};
  const kernels::View view{memory, {2, 4, 16}, {512, 128}};
  CHECK(view == kernels::View{memory, {2, 4, 16}, {512, 128}});
  CHECK_FALSE(view == kernels::View{memory + 1, {2, 4, 16}, {512, 128}});
  CHECK_FALSE(view == kernels::View{memory, {2, 4, 32}, {512, 128}});  // a pointer alone would pass
  CHECK_FALSE(view == kernels::View{memory, {2, 4, 16}, {512, 16}});
  CHECK_FALSE(view == kernels::View{memory, {2, 4, 16}, {64, 128}});
}

TEST_CASE(
    "the same pointer with another stride is other memory: a pointer-only guard would be wrong") {
  // Rotated values written tightly into the buffer whose strided view they belong into.
  constexpr int64_t kHeads = 2, kRope = 4, kDim = 8;
  float q[kHeads * kDim];
  for (int64_t i = 0; i < kHeads * kDim; ++i) q[i] = static_cast<float>(i);
  float tight[kHeads * kRope];
  for (int64_t i = 0; i < kHeads * kRope; ++i) tight[i] = 100 + static_cast<float>(i);
  std::copy(std::begin(tight), std::end(tight), q);  // result view: pointer q, stride 4
  const kernels::View result{q, {1, kHeads, kRope}, {kHeads * kRope, kRope}};
  const kernels::View target{q, {1, kHeads, kRope}, {kHeads * kDim, kDim}};
  CHECK(result.data == target.data);
  CHECK_FALSE(result == target);
  CHECK(q[kDim] != tight[kRope]);  // head 1 of the target is not the rotated one without a copy
}

TEST_CASE("in place: no copies on the q path and on the K-only path; elsewhere: all of them") {
  auto spec = small_spec(3, 150);
  CHECK(copies(load(spec)->plan(), 0) ==
        "layer 0 rope_clone q;layer 0 rope_clone k;layer 0 rope_write_back q;"
        "layer 0 rope_write_back k;");
  spec.toggles = with(spec.toggles, "rope_update", "guarded");
  CHECK(copies(load(spec)->plan(), 0) == "");
  spec.set["index_rope"] = "elsewhere";  // as on CUDA, where the kernel returns new tensors
  CHECK(copies(load(spec)->plan(), 0) ==
        "layer 0 rope_clone q;layer 0 rope_clone k;layer 0 rope_write_back q;"
        "layer 0 rope_write_back k;");
  spec.set["index_rope"] = "k_elsewhere";  // each tensor is judged by its own view
  CHECK(copies(load(spec)->plan(), 0) == "layer 0 rope_clone k;layer 0 rope_write_back k;");
}

TEST_CASE("in place, elsewhere, cloned or guarded: the same bytes") {
  for (const int batch : {1, 2, 5}) {
    auto spec = small_spec(batch, 150, batch == 2 ? 2 : 1);
    auto base = load(spec);
    base->model().sequences.freeze_at(0);
    const StepImage want = capture_step(base->model(), base->arm());
    for (const char* update : {"clone", "guarded"}) {
      for (const char* where : {"in_place", "elsewhere", "k_elsewhere"}) {
        spec.toggles = with(spec.toggles, "rope_update", update);
        spec.set["index_rope"] = where;
        auto other = load(spec);
        other->model().sequences.freeze_at(0);
        const StepImage got = capture_step(other->model(), other->arm());
        INFO(update << " " << where << ", batch " << batch << ", seed " << Catch::getSeed());
        CHECK(compare(base->plan(), want, other->plan(), got).first == "");
      }
    }
  }
}
