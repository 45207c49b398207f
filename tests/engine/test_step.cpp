// One decode step: every launch against its reference on the inputs it really gets, and byte for
// byte across switches.
#include <catch2/generators/catch_generators.hpp>
#include <cmath>
#include <set>

#include "engine/capture.h"
#include "small_model.h"

using namespace engine;
using namespace engine::test;

namespace {

// Both captured at the same frozen positions, one after the other.
void check_same(const trace::RunSpec& spec, const trace::ToggleSet& b_set, int positions = 2) {
  auto session = load(spec);
  Model& model = session->model();
  Arm& a = session->arm();
  auto made = make_arm(model, b_set, caches_for(model, b_set, a.caches), {77, {}});
  REQUIRE(made.ok());
  Arm b = std::move(made).value();
  for (int p = 0; p < positions; ++p) {
    model.sequences.freeze_at(p);
    const StepImage image_a = capture_step(model, a);
    const LogicalBytes caches_a = logical_bytes(model, a.caches);
    const StepImage image_b = capture_step(model, b);
    const ImageDifference d = compare(a.plan(), image_a, b.plan(), image_b);
    INFO(b_set.text() << ", position " << p << ": " << d.first);
    CHECK(d.first.empty());
    CHECK(d.compared > 1000);
    const bool caches_agree = caches_a == logical_bytes(model, b.caches);
    CHECK(caches_agree);
    CHECK(a.step.arena.overrun().empty());
    CHECK(b.step.arena.overrun().empty());
  }
}

}  // namespace

TEST_CASE("every launch of a step agrees with its reference") {
  for (const int batch : {1, 2, 3, 5}) {
    for (const int next_n : {1, 2}) {
      const int context =
          batch % 2 ? 150 : 40;  // above and below the top-k of 64, last page partly filled
      INFO("batch " << batch << ", next_n " << next_n << ", seed " << Catch::getSeed());
      auto spec = small_spec(batch, context, next_n);
      if (batch == 3) spec.toggles = trace::ToggleSet();  // fp8 cache
      auto session = load(spec);
      check_ops(*session);
    }
  }
}

TEST_CASE("every launch agrees with its reference in every format of every weight") {
  using trace::WeightFormat;
  constexpr WeightFormat kFormats[] = {WeightFormat::bf16, WeightFormat::fp8_block,
                                       WeightFormat::mxfp4};
  for (const char* preset : {"tiny", "tiny-dense", "tiny-mxfp4"}) {
    for (size_t i = 0; i < 9; ++i) {  // each format of each part, in nine of the 81 combinations
      auto spec = small_spec(i % 2 ? 3 : 2, i % 3 ? 150 : 40, i % 2 ? 1 : 2, preset);
      spec.model.linears = kFormats[i % 3], spec.model.o_proj = kFormats[i / 3];
      spec.model.absorb = kFormats[(i + i / 3) % 3];
      spec.model.experts_format = kFormats[(i + 2 * (i / 3)) % 3];
      spec.toggles = with(spec.toggles, "kv_dtype", i % 2 ? "fp8" : "bf16");
      if (spec.model.absorb == WeightFormat::mxfp4 && i % 2)
        spec.toggles = with(spec.toggles, "v_layout", "batch_major");
      INFO(preset << ", combination " << i << ", seed " << Catch::getSeed());
      auto session = load(spec);
      check_ops(*session);
      session->step();
    }
  }
}

TEST_CASE("the layout of the v BMM changes no byte, whatever reads it") {
  using trace::WeightFormat;
  for (const auto format : {WeightFormat::bf16, WeightFormat::fp8_block, WeightFormat::mxfp4}) {
    for (const int batch : {1, 2, 5}) {
      auto spec = small_spec(batch, 150, batch == 2 ? 2 : 1, "tiny-mxfp4");
      spec.model.o_proj = format;
      check_same(spec, with(spec.toggles, "v_layout", "batch_major"));
      spec.model.index_heads = 4, spec.model.index_head_dim = 128, spec.model.index_topk = 64;
      check_same(spec, with(spec.toggles, "v_layout", "batch_major"));  // synthetic: with DSA
    }
  }
}

TEST_CASE("bitwise switches give the same bytes") {
  const std::pair<const char*, const char*> switches[] = {
      {"cat_skip", "on"},         {"x_scale", "transposed"},
      {"rope_update", "guarded"}, {"index_layout", "preshuffle"},
      {"page_size", "1"},         {"page_size", "16"},
      {"page_size", "32"},        {"logits_init", "empty"},
      {"streams", "dual"}};
  for (const auto& [key, value] : switches) {
    for (const int batch : {1, 2, 3, 5}) {
      const int next_n = batch == 2 || batch == 5 ? 2 : 1;
      for (const int context : {40, 150}) {
        const auto spec = small_spec(batch, context, next_n);
        INFO(key << "=" << value << ", batch " << batch << ", context " << context << ", seed "
                 << Catch::getSeed());
        check_same(spec, with(spec.toggles, key, value));
      }
    }
  }
}

TEST_CASE("several switches at once, on both caches") {
  auto set = with(with(with(trace::ToggleSet(), "cat_skip", "on"), "x_scale", "transposed"),
                  "streams", "dual");
  set = with(with(with(set, "index_layout", "preshuffle"), "page_size", "16"), "logits_init",
             "empty");
  set = with(set, "rope_update", "guarded");
  for (const char* kv : {"fp8", "bf16"}) {
    auto spec = small_spec(3, 130, 2);
    spec.toggles = with(spec.toggles, "kv_dtype", kv);
    check_same(spec, with(set, "kv_dtype", kv), 3);
    spec.set["gemm_scales"] = "row";
    check_same(spec, with(set, "kv_dtype", kv));
  }
}

TEST_CASE("ten repeats and two workers give the same bytes") {
  auto spec = small_spec(5, 140, 2);
  spec.toggles = with(spec.toggles, "streams", "dual");
  auto session = load(spec);
  session->model().sequences.freeze_at(1);
  const StepImage first = capture_step(session->model(), session->arm());
  for (int i = 0; i < 10; ++i) {
    const StepImage again = capture_step(session->model(), session->arm());
    CHECK(compare(session->plan(), first, session->plan(), again).first == "");
  }
  for (const char* workers : {"1", "2"}) {
    spec.set["workers"] = workers;
    spec.toggles = with(spec.toggles, "streams", "single");
    auto other = load(spec);
    CHECK(other->model().executor.workers() == workers[0] - '0');
    other->model().sequences.freeze_at(1);
    const StepImage again = capture_step(other->model(), other->arm());
    INFO("workers " << workers);
    CHECK(compare(session->plan(), first, other->plan(), again).first == "");
  }
}

TEST_CASE("tokens of one sequence do not depend on its neighbours") {
  auto spec = small_spec(3, 140);
  auto three = load(spec);
  three->model().sequences.freeze_at(0);
  const StepImage whole = capture_step(three->model(), three->arm());
  // The same weights and first sequence alone: seeds of lengths and latents are by sequence, so it
  // is the same one unless it was stretched to be the longest.
  spec.workload.batch = 1;
  spec.workload.context = static_cast<int>(three->model().sequences.start(0));
  auto one = load(spec);
  one->model().sequences.freeze_at(0);
  const StepImage alone = capture_step(one->model(), one->arm());
  const int lm_head = find_op(one->plan(), "lm_head");
  REQUIRE(lm_head >= 0);
  const auto& a = alone[static_cast<size_t>(lm_head)][0];
  const auto& b = whole[static_cast<size_t>(find_op(three->plan(), "lm_head"))][0];
  CHECK(std::equal(a.begin(), a.end(), b.begin()));
}

TEST_CASE("values stay in a sane range through the layers of the tiny models") {
  const char* preset = GENERATE("tiny", "tiny-dense", "tiny-mxfp4");
  trace::RunSpec spec;
  spec.model = trace::model_preset(preset).value();
  spec.workload.batch = 2, spec.workload.context = 300, spec.workload.max_context = 512;
  spec.workload.seed = Catch::getSeed();
  auto session = load(spec);
  const StepImage image = capture_step(session->model(), session->arm());
  for (size_t i = 0; i < image.size(); ++i) {
    const PlannedOp& op = session->plan().ops[i];
    for (size_t t = 0; t < image[i].size(); ++t) {
      const kernels::Tensor like = kernels::outputs(op.args)[t];
      if (like.format != kernels::Format::bf16 || op.category == trace::Category::fill) continue;
      const auto n = static_cast<int64_t>(image[i][t].size()) / 2;
      const kernels::Tensor v = kernels::matrix("v", like.format, image[i][t].data(), 1, n, n);
      double squares = 0;
      for (int64_t k = 0; k < n; ++k) squares += std::pow(kernels::value_at(v, k), 2);
      INFO(preset << " " << op.label << " " << like.name << ", seed " << Catch::getSeed());
      CHECK(std::sqrt(squares / static_cast<double>(n)) > 0.1);
      CHECK(std::sqrt(squares / static_cast<double>(n)) < 10);
    }
  }
}

TEST_CASE("a batch of nothing launches nothing") {
  auto session = load(small_spec(0, 10));
  CHECK(session->plan().ops.empty());
  CHECK(session->step().kernels == 0);
  trace::TracePtr trace;
  session->traced_step(trace);
  CHECK(trace->events.empty());
}
