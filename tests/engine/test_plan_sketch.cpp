// Plan sketches: what a switch changes, read off two plans; the invariants that any plan is held to.
#include <algorithm>

#include "engine/plan_sketch.h"
#include "small_model.h"

using namespace engine;
using namespace engine::test;

namespace {

trace::PlanSketch sketch_of(std::string_view key, std::string_view value, std::string_view preset = "tiny", const Model* loaded = nullptr) {
  trace::RunSpec spec = small_spec(2, 100, 1, preset);
  spec.backend = "cpu";
  spec.toggles = with(spec.toggles, key, value);
  return plan_sketch(spec, trace::toggle_key(key).value(), loaded);
}

const trace::PlannedLaunch* launch(const trace::PlanArm& arm, std::string_view label) {
  const auto at = std::ranges::find(arm.launches, label, &trace::PlannedLaunch::label);
  return at == arm.launches.end() ? nullptr : &*at;
}

bool has(const std::vector<std::string>& list, std::string_view name) { return std::ranges::find(list, name) != list.end(); }

}  // namespace

TEST_CASE("cat_skip: the concat that copies q_cat into q_all goes, attention reads q_cat where it lies") {
  const auto s = sketch_of("cat_skip", "on");
  REQUIRE(s.problem.empty());
  CHECK(s.layers_changed == s.layers);
  CHECK(s.layer == 0);
  CHECK(s.a.step_launches - s.b.step_launches == s.layers);
  CHECK(s.b.host_launches == s.b.step_launches);
  const auto* concat = launch(s.a, "concat");
  REQUIRE(concat);
  CHECK(concat->kernel == "concat");
  CHECK((concat->reads == std::vector<std::string>{"q_cat"} && concat->writes == std::vector<std::string>{"q_all"}));
  CHECK(concat->bytes > 0);
  CHECK_FALSE(launch(s.b, "concat"));
  REQUIRE((launch(s.a, "sparse_partial") && launch(s.b, "sparse_partial")));
  CHECK(has(launch(s.a, "sparse_partial")->reads, "q_all"));
  CHECK(has(launch(s.b, "sparse_partial")->reads, "q_cat"));
  CHECK(std::ranges::none_of(s.b.buffers, [](const auto& b) { return b.name == "q_all"; }));
  const auto q_cat = std::ranges::find(s.a.buffers, "q_cat", &trace::PlannedBuffer::name);
  REQUIRE(q_cat != s.a.buffers.end());
  const trace::ModelConfig& m = s.spec.model;
  CHECK(q_cat->bytes == int64_t{2} * m.heads * (m.kv_lora_rank + m.qk_rope_head_dim) * 2);   // bf16: every switch is off
  CHECK(q_cat->format == "bf16");
}

TEST_CASE("what each switch changes is in its sketch") {
  const auto x = sketch_of("x_scale", "transposed");
  REQUIRE(x.problem.empty());
  CHECK(launch(x.a, "x_scale_copy q_b")->form == "scales by row to by column");
  CHECK_FALSE(launch(x.b, "x_scale_copy q_b"));
  CHECK(launch(x.a, "input_norm")->form == "writes scales by row");
  CHECK(launch(x.b, "input_norm")->form == "writes scales by column");

  const auto pages = sketch_of("index_layout", "preshuffle");
  REQUIRE(pages.problem.empty());
  CHECK(launch(pages.a, "index_k_store")->form == "writes row, pages of 64");
  CHECK(launch(pages.b, "index_k_store")->form == "writes preshuffle, pages of 64");

  const auto streams = sketch_of("streams", "dual");
  REQUIRE(streams.problem.empty());
  CHECK(streams.a.step_launches == streams.b.step_launches);
  CHECK(launch(streams.a, "topk")->stream == 0);
  CHECK(launch(streams.b, "topk")->stream == 1);
  CHECK_FALSE(launch(streams.b, "sparse_partial")->waits.empty());   // the join

  const auto cache = sketch_of("kv_dtype", "fp8");
  REQUIRE(cache.problem.empty());
  const auto bytes = [](const trace::PlanArm& arm) { return std::ranges::find(arm.buffers, "kv_cache", &trace::PlannedBuffer::name)->bytes; };
  CHECK(bytes(cache.a) == 2 * bytes(cache.b));

  const auto rope = sketch_of("rope_update", "guarded");
  REQUIRE(rope.problem.empty());
  CHECK(launch(rope.a, "rope_clone q"));
  CHECK_FALSE(launch(rope.b, "rope_clone q"));

  const auto v = sketch_of("v_layout", "batch_major", "tiny-mxfp4");
  REQUIRE(v.problem.empty());
  CHECK(launch(v.a, "v_bmm")->form == "writes heads outermost");
  CHECK(launch(v.b, "v_bmm")->form == "writes tokens outermost");
}

TEST_CASE("a switch that cannot be set here has a sketch that says why") {
  const auto s = sketch_of("v_layout", "batch_major");
  CHECK(s.problem.find("MXFP4") != std::string::npos);
  CHECK(s.a.launches.empty());
  trace::RunSpec huge = small_spec(2, 100);
  huge.model = trace::model_preset("glm-5").value();
  huge.backend = "cpu";
  CHECK_FALSE(plan_sketch(huge, trace::ToggleKey::cat_skip).problem.empty());
}

TEST_CASE("the sketch of a model that runs takes its setup, and touches nothing of it") {
  auto session = load(small_spec(2, 100));
  const std::string before = session->plan().text();
  trace::RunSpec spec = session->spec();
  spec.toggles = with(spec.toggles, "cat_skip", "on");
  const auto s = plan_sketch(spec, trace::ToggleKey::cat_skip, &session->model());
  REQUIRE(s.problem.empty());
  CHECK(session->plan().text() == before);
  CHECK(s.a.step_launches == static_cast<int>(session->plan().ops.size()));
  check_ops(*session);
}

TEST_CASE("the invariants of a plan hold, and their checks see a plan that breaks them") {
  const auto s = sketch_of("streams", "dual");
  REQUIRE(s.checks.size() == 2);
  for (const auto& check : s.checks) {
    INFO(check.what << ": " << check.result);
    CHECK(check.ok);
  }
  CHECK(s.checks[0].result.find("refuse the other layout") != std::string::npos);
  trace::RunSpec spec = small_spec(2, 100);
  spec.toggles = with(spec.toggles, "streams", "dual");
  auto session = load(spec);
  DecodePlan plan = session->plan();
  CHECK(check_plan(plan)[1].ok);
  size_t cut = 0;
  for (PlannedOp& op : plan.ops) cut += op.waits.size(), op.waits.clear();
  REQUIRE(cut > 0);
  const trace::PlanCheck order = check_plan(plan)[1];
  CHECK_FALSE(order.ok);
  CHECK(order.result.find("does not wait for") != std::string::npos);
}
