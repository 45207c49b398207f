// The sketch of a switch as it is drawn: who allocates, who views, what is copied; and the invariants with results.
#include <catch2/catch_test_macros.hpp>

#include <algorithm>

#include "ui/vm/sketch_vm.h"

using namespace ui;
using trace::PlannedLaunch;

namespace {

PlannedLaunch op(std::string label, std::string kernel, std::vector<std::string> reads, std::vector<std::string> writes, int stream = 0) {
  return {.label = std::move(label), .kernel = std::move(kernel), .stream = stream, .reads = std::move(reads), .writes = std::move(writes)};
}

trace::PlanSketch cat_skip() {
  trace::PlanSketch s{.key = trace::ToggleKey::cat_skip, .layer = 1, .layers = 4, .layers_changed = 3};
  s.spec.toggles.set_index(trace::ToggleKey::cat_skip, 1);
  s.a.value = "off", s.b.value = "on";
  s.a.launches = {op("store", "rope_cat_store", {"q"}, {"q_cat"}), op("concat", "concat", {"q_cat"}, {"q_all"}), op("attend", "sparse_mla", {"q_all"}, {"o"})};
  s.b.launches = {op("store", "rope_cat_store", {"q"}, {"q_cat"}), op("attend", "sparse_mla", {"q_cat"}, {"o"})};
  s.a.buffers = {{"q", "bf16", 100}, {"q_cat", "bf16", 4000}, {"q_all", "bf16", 8000}, {"o", "bf16", 50}};
  s.b.buffers = {{"q", "bf16", 100}, {"q_cat", "bf16", 4000}, {"o", "bf16", 50}};
  s.a.step_launches = s.a.host_launches = 95, s.b.step_launches = 91, s.b.host_launches = 1;
  s.checks = {{"layout tags", "all 12 refuse", true}, {"waits between streams", "x does not wait for y", false}};
  return s;
}

}  // namespace

TEST_CASE("a copy that goes away: the copied buffer is gone, the source is viewed") {
  const SketchVm vm = sketch_vm(cat_skip());
  REQUIRE(vm.buffers.size() == 2);   // q and o are used alike in both
  CHECK(vm.buffers[0].name == "q_cat");
  CHECK(vm.buffers[0].before.role == BufferRole::allocated);
  CHECK(vm.buffers[0].before.to == "read by concat");
  CHECK(vm.buffers[0].after.role == BufferRole::viewed);
  CHECK(vm.buffers[0].after.to == "viewed, no copy, by attend");
  CHECK(vm.buffers[0].before.share == 0.5);
  CHECK(vm.buffers[1].name == "q_all");
  CHECK(vm.buffers[1].before.role == BufferRole::copied);
  CHECK(vm.buffers[1].before.by == "copied by concat");
  CHECK(vm.buffers[1].after.role == BufferRole::absent);
  CHECK(vm.where == "layer 2 of 4, 3 layers change");
  CHECK(vm.launches == "95 → 91 kernels a step, 95 → 1 launched by the host");
}

TEST_CASE("the launch that went is struck out at its place; a launch on another stream is told, not struck") {
  const SketchVm vm = sketch_vm(cat_skip());
  REQUIRE(vm.pipeline.size() == 3);
  CHECK((vm.pipeline[1].name == "concat" && vm.pipeline[1].side == -1));
  CHECK((vm.pipeline[0].side == 0 && vm.pipeline[2].side == 0));
  CHECK_FALSE(vm.lanes);
  trace::PlanSketch dual = cat_skip();
  dual.b = dual.a;
  dual.b.launches[1].stream = 1;
  dual.b.launches[2].waits = {1};
  const SketchVm moved = sketch_vm(dual);
  CHECK(moved.lanes);
  CHECK(moved.buffers.empty());
  CHECK((moved.pipeline[1].stream_before == 0 && moved.pipeline[1].stream_after == 1));
  CHECK(moved.pipeline[2].joins);
}

TEST_CASE("another form of a launch is told in words, a fill is a role of its own, a problem is all there is") {
  trace::PlanSketch s = cat_skip();
  s.b = s.a;
  s.a.launches[0].form = "writes row", s.b.launches[0].form = "writes preshuffle";
  s.a.launches.push_back(op("wipe", "fill", {}, {"o"}));
  const SketchVm vm = sketch_vm(s);
  CHECK(vm.forms == std::vector<std::string>{"store: writes row → writes preshuffle"});
  REQUIRE(vm.buffers.size() == 1);
  CHECK(vm.buffers[0].before.role == BufferRole::filled);
  CHECK(vm.buffers[0].before.by == "filled by wipe, written by attend");
  s.problem = "does not fit";
  CHECK(sketch_vm(s).problem == "does not fit");
  CHECK(sketch_vm(s).buffers.empty());
}

TEST_CASE("invariants: open until they were checked, held or broken after that") {
  const trace::PlanSketch s = cat_skip();
  auto none = invariants(s.key, nullptr, nullptr);
  REQUIRE(none.size() == 2);
  CHECK(none[0].held == Held::open);
  CHECK(none[0].result == "not checked yet: run A/B");

  trace::AbResult ab;
  ab.spec.base = s.spec, ab.spec.b = s.spec.toggles;
  ab.equivalence = {.cls = trace::Equivalence::bounded, .ok = true, .compared = 33576798, .max_abs = 0.002, .notes = {"top-k slots in common 99.2 %"}};
  ab.removed = {{"concat", 4}};
  auto all = invariants(s.key, &ab, &s);
  REQUIRE(all.size() == 4);
  CHECK(all[0].held == Held::yes);
  CHECK(all[0].result.find("largest difference 0.002") != std::string::npos);
  CHECK(all[0].result.find("top-k slots in common 99.2 %") != std::string::npos);
  CHECK(all[1].held == Held::yes);   // 95 -> 91 planned, 4 fewer recorded
  CHECK(all[2].held == Held::yes);
  CHECK(all[3].held == Held::no);

  ab.removed = {{"concat", 3}};
  CHECK(invariants(s.key, &ab, &s)[1].held == Held::no);
  ab.spec.base.workload.batch += 1;   // measured on something else: it says nothing about this plan
  CHECK(invariants(s.key, &ab, &s)[1].held == Held::open);
  ab.equivalence = {.ok = false, .compared = 5, .first_difference = "step 3, layer 1"};
  CHECK(invariants(s.key, &ab, &s)[0].held == Held::no);
  CHECK(invariants(s.key, &ab, &s)[0].result.find("step 3, layer 1") != std::string::npos);
}
