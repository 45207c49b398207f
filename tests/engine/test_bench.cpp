// bench: every launch has a time, its bytes, and a floor by the ceilings measured beside it. How
// fast is nobody's business here.
#include <algorithm>
#include <cmath>
#include <set>

#include "engine/bench.h"
#include "small_model.h"

using namespace engine;
using namespace engine::test;

TEST_CASE("bench step: every op of the step once, and the step itself", "[slow]") {
  auto spec = small_spec(2, 100);
  spec.workload.steps = 3;
  const auto report = bench(spec, {.whole_step = true});
  REQUIRE(report.ok());
  CHECK(report->bench.cache == "step");
  CHECK(report->bench.ceilings.read_gbps > 0);
  CHECK(report->bench.ceilings.copy_gbps > 0);
  CHECK(report->bench.ceilings.fp8_tflops > 0);
  CHECK(report->bench.ceilings.empty_node_us > 0);
  auto session = load(spec);
  int launches = 0;
  int64_t bytes = 0;
  double floor = 0;
  size_t i = 0;
  for (; i < report->bench.rows.size() && report->bench.rows[i].op != "step"; ++i) {
    const BenchRow& row = report->bench.rows[i];
    INFO(row.op);
    CHECK(row.us > 0);
    CHECK(row.bytes > 0);
    CHECK(row.floor_us > 0);
    CHECK(row.of_floor() == row.floor_us / row.us);
    launches += row.launches, bytes += row.bytes, floor += row.floor_us;
  }
  REQUIRE(i < report->bench.rows.size());
  const BenchRow& step = report->bench.rows[i];
  CHECK(step.what == "uniform");
  // Again with a power law: the experts and the step.
  CHECK(report->bench.rows.back().op == "step");
  CHECK(report->bench.rows.back().what == "zipf:1.01");
  std::string again;
  for (size_t j = i + 1; j < report->bench.rows.size(); ++j) again += report->bench.rows[j].op + " ";
  CHECK(again == "experts_gate_up experts_silu experts_quant experts_down step ");
  CHECK(launches == static_cast<int>(session->plan().ops.size()));
  CHECK(step.launches == launches);
  CHECK(step.bytes == bytes);
  CHECK(std::abs(step.floor_us - floor) < 1e-6 * floor);
  CHECK(report->bench.products_of_floor() > 0);
}

TEST_CASE("bench kernels: each distinct launch alone, warm or cold, and the model is as before", "[slow]") {
  for (const char* preset : {"tiny", "tiny-mxfp4"}) {
    auto spec = small_spec(2, 100, 1, preset);
    const auto report = bench(spec, {.cold = false, .repeats = 2});
    REQUIRE(report.ok());
    CHECK(report->bench.cache == "warm");
    std::set<std::string> seen;
    bool product = false;
    for (const BenchRow& row : report->bench.rows) {
      CHECK(seen.insert(row.op + row.what).second);
      CHECK(row.us > 0);
      if (row.op == "qkv_a")
        product = row.streams_weights && row.what.find("N=") != std::string::npos;
    }
    CHECK(product);
    const auto rows_of = [&](std::string_view op) {
      return std::count_if(report->bench.rows.begin(), report->bench.rows.end(),
                           [op](const BenchRow& r) { return r.op == op; });
    };
    CHECK(rows_of("topk") == (spec.model.has_indexer() ? 6 : 0));  // one a kind of score row
    CHECK(rows_of("experts_down") == 2);                           // one a routing
  }
}

TEST_CASE("bench refuses what has nothing to time, and can be broken off") {
  CHECK_FALSE(bench(small_spec(0, 100), {}).ok());
  auto spec = small_spec(2, 100);
  const auto broken = bench(spec, {.whole_step = true, .cancelled = [] { return true; }});
  REQUIRE_FALSE(broken.ok());
  CHECK(broken.error().what == "cancelled");
}
