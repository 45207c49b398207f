// An engine run's specification in words: nothing of it is left out.
#include <catch2/catch_test_macros.hpp>

#include <algorithm>

#include "ui/vm/spec_vm.h"

namespace {

trace::Run recorded() {
  trace::Run run;
  trace::RunSpec spec;
  spec.model = trace::model_preset("tiny").value();
  spec.backend = "cpu";
  spec.workload.batch = 2;
  spec.workload.context = 96;
  spec.workload.seed = 7;
  spec.workload.routing = "zipf:1.1";
  spec.workload.pages_shuffled = false;
  spec.set["gemm_scales"] = "row";
  REQUIRE(spec.toggles.set(trace::ToggleKey::cat_skip, "on").ok());
  run.spec = spec;
  run.program = "decodescope 0.1.0";
  run.host = "vm";
  run.backend = "cpu";
  run.standing = "measured here";
  run.step = {.median = 1000, .lo = 990, .hi = 1012, .n = 64};
  return run;
}

std::string value_of(const std::vector<ui::FieldVm>& fields, const char* key) {
  const auto at = std::ranges::find(fields, key, &ui::FieldVm::key);
  return at == fields.end() ? std::string() : at->value;
}

}  // namespace

TEST_CASE("a run's specification says model, workload, every switch, setting, machine and standing") {
  const auto fields = ui::spec_fields(recorded());
  CHECK(value_of(fields, "model").starts_with("tiny"));
  CHECK(value_of(fields, "shape").find("4 layers (1 dense)") != std::string::npos);
  CHECK(value_of(fields, "batch") == "2");
  CHECK(value_of(fields, "seed") == "7");
  CHECK(value_of(fields, "routing") == "zipf:1.1");
  CHECK(value_of(fields, "caches").find("in order") != std::string::npos);
  CHECK(value_of(fields, "settings") == "gemm_scales=row");
  for (const trace::ToggleInfo& info : trace::toggle_table())
    CHECK(value_of(fields, "switches").find(std::string(info.name) + " ") != std::string::npos);
  CHECK(value_of(fields, "switches").find("cat_skip on") != std::string::npos);
  CHECK(value_of(fields, "untraced step") == "1000.0 µs, 95 %: 990.0 … 1012.0, n 64");
  CHECK(value_of(fields, "host") == "vm");
  CHECK(value_of(fields, "standing") == "measured here");
  CHECK(ui::spec_fields(trace::Run{}).empty());
}

TEST_CASE("a model that options can't name has no command") {
  trace::RunSpec spec = *recorded().spec;
  CHECK(ui::record_command(spec).starts_with("decodescope record --model tiny --backend cpu"));
  spec.model.hidden += 128;
  CHECK(ui::record_command(spec).empty());
  spec.model.name = "of a file";
  CHECK(ui::record_command(spec).empty());
}
