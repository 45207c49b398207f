// What skipping the concat promises: no copy, no changed bit, safe scaling, a strided query made
// contiguous first.
#include <cstring>

#include "engine/capture.h"
#include "small_model.h"

using namespace engine;
using namespace engine::test;

namespace {

const PlannedOp* op_of_layer(const DecodePlan& plan, int layer, std::string_view key) {
  for (const PlannedOp& op : plan.ops) {
    if (op.layer == layer && op.key == key) return &op;
  }
  return nullptr;
}

trace::RunSpec spec_with(const char* cat_skip, const char* kv, int batch = 3) {
  auto spec = small_spec(batch, 150, batch == 2 ? 2 : 1);
  spec.toggles = with(with(spec.toggles, "cat_skip", cat_skip), "kv_dtype", kv);
  return spec;
}

// The step of both plans, byte for byte where both have an op.
void check_same_step(const trace::RunSpec& spec_a, const trace::RunSpec& spec_b) {
  auto a = load(spec_a), b = load(spec_b);
  a->model().sequences.freeze_at(1), b->model().sequences.freeze_at(1);
  const StepImage image_a = capture_step(a->model(), a->arm()),
                  image_b = capture_step(b->model(), b->arm());
  const ImageDifference d = compare(a->plan(), image_a, b->plan(), image_b);
  INFO("seed " << Catch::getSeed());
  CHECK(d.first == "");
  CHECK(d.compared > 1000);
  CHECK(a->arm().step.arena.overrun().empty());
  CHECK(b->arm().step.arena.overrun().empty());
}

}  // namespace

TEST_CASE("cat_skip=on: attention reads q_cat at its own address, with no launch between") {
  for (const char* kv : {"fp8", "bf16"}) {
    auto on = load(spec_with("on", kv));
    for (const int layer : {0, 1}) {
      const auto& store = std::get<kernels::RopeCatStoreArgs>(
          op_of_layer(on->plan(), layer, "rope_cat_store")->args);
      const auto& partial = std::get<kernels::SparsePartialArgs>(
          op_of_layer(on->plan(), layer, "sparse_partial")->args);
      CHECK(partial.q == store.q_out);
      CHECK_FALSE(op_of_layer(on->plan(), layer, "concat"));
      CHECK_FALSE(op_of_layer(on->plan(), layer, "q_contiguous"));
    }
    auto off = load(spec_with("off", kv));  // the split form still works, through its copy
    const auto& store =
        std::get<kernels::RopeCatStoreArgs>(op_of_layer(off->plan(), 0, "rope_cat_store")->args);
    const auto& concat = std::get<kernels::ConcatArgs>(op_of_layer(off->plan(), 0, "concat")->args);
    CHECK(concat.a == store.q_out);
    const auto& partial =
        std::get<kernels::SparsePartialArgs>(op_of_layer(off->plan(), 0, "sparse_partial")->args);
    CHECK(partial.q == concat.out);
    CHECK(partial.q != store.q_out);
  }
}

TEST_CASE("cat_skip is bit-exact, also with a scaled and with a strided query") {
  for (const char* kv : {"fp8", "bf16"}) {
    for (const int batch : {1, 2, 5}) {
      for (const bool scaled : {false, true}) {
        for (const bool strided : {false, true}) {
          auto a = spec_with("off", kv, batch), b = spec_with("on", kv, batch);
          for (trace::RunSpec* spec : {&a, &b}) {
            spec->model.rope_original_positions = 16;
            if (scaled) spec->set["llama4_scaling"] = "0.25";
            if (strided) spec->set["q_cat_padding"] = "32";
          }
          INFO(kv << ", batch " << batch << ", scaled " << scaled << ", strided " << strided);
          check_same_step(a, b);
        }
      }
    }
  }
}

TEST_CASE("a strided q_cat is made contiguous before it is seen as one") {
  auto spec = spec_with("on", "fp8");
  spec.set["q_cat_padding"] = "32";
  auto session = load(spec);
  const auto& store =
      std::get<kernels::RopeCatStoreArgs>(op_of_layer(session->plan(), 1, "rope_cat_store")->args);
  const PlannedOp* copy = op_of_layer(session->plan(), 1, "q_contiguous");
  REQUIRE(copy);
  const auto& args = std::get<kernels::StridedCopyArgs>(copy->args);
  CHECK(args.in == store.q_out);
  CHECK(args.in_stride == store.q_out_stride);
  CHECK(args.out_stride == args.H * args.D);
  const auto& partial =
      std::get<kernels::SparsePartialArgs>(op_of_layer(session->plan(), 1, "sparse_partial")->args);
  CHECK(partial.q == args.out);
  // Padding changes where the query lies, not what it is.
  check_same_step(spec_with("on", "fp8"), spec);
}

TEST_CASE("the scaling works in place on the latent columns, and nobody reads them unscaled") {
  for (const char* cat_skip : {"off", "on"}) {
    auto spec = spec_with(cat_skip, "bf16");
    spec.model.rope_original_positions = 16;
    auto plain = load(spec);
    CHECK_FALSE(op_of_layer(plain->plan(), 0, "query_scale"));  // off by default
    spec.set["llama4_scaling"] = "0.25";
    auto session = load(spec);
    const auto& ops = session->plan().ops;
    size_t at = 0;
    while (!(ops[at].layer == 1 && ops[at].key == "query_scale")) ++at;
    const auto& scale = std::get<kernels::QueryScaleArgs>(ops[at].args);
    const auto& store = std::get<kernels::RopeCatStoreArgs>(ops[at - 1].args);
    CHECK(ops[at - 1].key == "rope_cat_store");
    CHECK(scale.q == store.q_out);  // in place, right behind the writer
    CHECK(scale.columns == store.cache.latent);
    CHECK(scale.width == store.cache.width());
    // The scaled query alone makes the difference, and it does make one.
    plain->model().sequences.freeze_at(0), session->model().sequences.freeze_at(0);
    const StepImage a = capture_step(plain->model(), plain->arm()),
                    b = capture_step(session->model(), session->arm());
    const int i = find_op(plain->plan(), "layer 0 rope_cat_store"),
              j = find_op(session->plan(), "layer 0 rope_cat_store");
    CHECK(a[static_cast<size_t>(i)] == b[static_cast<size_t>(j)]);
    const int k = find_op(plain->plan(), "layer 0 sparse_combine"),
              l = find_op(session->plan(), "layer 0 sparse_combine");
    CHECK(a[static_cast<size_t>(k)] != b[static_cast<size_t>(l)]);
  }
}
