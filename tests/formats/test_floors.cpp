// Floors: the identity in whole nanoseconds, the published per-kernel bytes, and every assumption said.
#include <catch2/catch_approx.hpp>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "tests/support/expected_figures.h"
#include "trace/floors.h"
#include "trace/serving.h"
#include "tests/support/temp_folder.h"

#include <fstream>

using Catch::Matchers::ContainsSubstring;

namespace {

trace::Run run_of(const std::string& file) {
  trace::Run run;
  run.name = file;
  run.trace = tests::import_published(file).trace;
  return run;
}

trace::FloorReport report_of(const trace::Run& run, trace::FloorRequest request) {
  request.batch = request.batch.value_or(4);
  request.context = request.context.value_or(8192);
  if (request.hardware.empty()) request.hardware = "MI355X";
  auto assumptions = trace::floor_assumptions(run, 0, request);
  if (!assumptions.ok()) FAIL(assumptions.error().line());
  return trace::floors(*run.trace, trace::whole(*run.trace, 0), *assumptions);
}

const trace::FloorRow& row_of(const trace::FloorReport& r, const std::string& op) {
  for (const auto& row : r.rows)
    if (row.op == op) return row;
  FAIL("no row of " + op);
  return r.rows.front();
}

}  // namespace

TEST_CASE("floors: wall = floor + above + unknown + idle - concurrency on every published layer") {
  for (const char* file : {"seed_layer_mi355x_single_rocm72.json", "seed_layer_mi355x_dual_rocm72.json", "seed_layer_b200_dual_cuda_graph.json"}) {
    const auto r = report_of(run_of(file), {.model = *trace::model_preset("glm-5"), .tp = 8});
    INFO(file);
    CHECK(r.floor_ns + r.above_ns + r.unknown_ns + r.idle_ns - r.concurrency_ns == r.wall_ns);
    int64_t floor = 0, ns = 0, count = 0;
    for (const auto& row : r.rows) floor += row.floor_ns, ns += row.ns, count += row.count;
    CHECK((floor == r.floor_ns && count == r.kernels));
    CHECK(ns == r.wall_ns - r.idle_ns + r.concurrency_ns);
    CHECK((r.floor_ns > 20'000 && r.beaten == 0));
  }
}

TEST_CASE("floors: the layer's kernels and their published bytes") {
  // GLM-5 at TP 8, M = 4, 8k: MB a kernel as computed from the configuration; experts uniform. What is read and
  // written besides weights and cache comes on top.
  const auto r = report_of(run_of("seed_layer_mi355x_single_rocm72.json"), {});
  CHECK((r.kernels == 42 && r.estimated == 42 && r.unknown_ns == 0));
  const auto mb = [&](const char* op) { return static_cast<double>(row_of(r, op).bytes) / 1e6; };
  CHECK(mb("qkv_a") == Catch::Approx(16.12).epsilon(0.01));
  CHECK(mb("q_b") == Catch::Approx(4.19).epsilon(0.01));
  CHECK(mb("wq_b") == Catch::Approx(8.39).epsilon(0.01));
  CHECK(mb("o_proj") == Catch::Approx(12.58).epsilon(0.01));
  CHECK(mb("router") == Catch::Approx(3.15).epsilon(0.02));
  CHECK(mb("experts_gate_up") + mb("experts_down") == Catch::Approx(148.78).epsilon(0.01));
  CHECK(row_of(r, "qkv_a").floor_ns == Catch::Approx(2020).epsilon(0.01));
  CHECK(row_of(r, "x_scale_copy").count == 4);
  // M x K / 128 scales, in and out: 48 + 16 + 48 + 16 groups for qkv_a, q_b, wk and o_proj.
  CHECK(row_of(r, "x_scale_copy").bytes == 4 * (48 + 16 + 48 + 16) * 8);
  CHECK(row_of(r, "attn_all_reduce").bound == trace::FloorBound::link);
  CHECK(r.rows.front().above_ns() >= r.rows[1].above_ns());
}

TEST_CASE("floors: assumptions are editable, and said with where they are from") {
  const trace::Run run = run_of("seed_layer_mi355x_single_rocm72.json");
  const auto base = report_of(run, {});
  const auto said = [](const trace::FloorReport& r, const std::string& what) {
    for (const auto& a : r.assumptions.list)
      if (a.what == what) return a.value + " | " + a.from;
    return std::string("nothing");
  };
  CHECK(said(base, "tp") == "8 | the all-reduces' names");
  CHECK(said(base, "batch") == "4 | given");
  CHECK(said(base, "kv cache") == "fp8 | what kernel names tell, see advise");
  CHECK_THAT(said(base, "memory"), ContainsSubstring("8000 GB/s | MI355X"));
  const auto slow = report_of(run, {.read_gbps = 4000});
  CHECK(row_of(slow, "qkv_a").floor_ns == Catch::Approx(2.0 * static_cast<double>(row_of(base, "qkv_a").floor_ns)).margin(1));
  CHECK(said(slow, "memory") == "4000 GB/s | given");
  const auto distinct = report_of(run, {.routing = trace::Routing{trace::Routing::Kind::distinct, 0}});
  CHECK(row_of(distinct, "experts_down").bytes > row_of(base, "experts_down").bytes);
  const auto few = report_of(run, {.routing = trace::Routing{trace::Routing::Kind::given, 8}});
  CHECK(row_of(few, "experts_down").bytes < row_of(base, "experts_down").bytes);
  CHECK(report_of(run, {.context = 65536}).floor_ns > base.floor_ns);
  // More than can be: kernels beat such a floor, and that is said.
  const auto wrong = report_of(run, {.batch = 256});
  CHECK(wrong.beaten > 0);
  CHECK_THAT(wrong.caveats[wrong.caveats.size() - 2], ContainsSubstring("less than their floor"));
  CHECK(wrong.floor_ns + wrong.above_ns + wrong.unknown_ns + wrong.idle_ns - wrong.concurrency_ns == wrong.wall_ns);
}

TEST_CASE("floors: what is not known is asked for") {
  trace::Run run = run_of("seed_layer_mi355x_single_rocm72.json");
  const auto line = [&](const trace::FloorRequest& request) { return trace::floor_assumptions(run, 0, request).error().line(); };
  CHECK_THAT(line({}), ContainsSubstring("give --batch N"));
  CHECK_THAT(line({.batch = 4}), ContainsSubstring("give --context L"));
  CHECK_THAT(line({.batch = 4, .context = 8192, .hardware = "TPU"}), ContainsSubstring("MI355X"));
  CHECK_THAT(line({.batch = 0, .context = 8192, .hardware = "B200"}), ContainsSubstring("one sequence"));
  CHECK_THAT(line({.batch = 4, .context = 8192, .tp = 7, .hardware = "B200"}), ContainsSubstring("not divisible"));
  CHECK_THAT(line({.batch = 4, .context = 8192, .hardware = "B200", .read_gbps = -1}), ContainsSubstring("positive"));
  run = run_of("kineto_mi300x_sglang_qwen3-8b_decode.json.gz");
  CHECK_THAT(line({.batch = 4, .context = 8192}), ContainsSubstring("give --model P"));
  CHECK(!trace::parse_routing("often").ok());
  CHECK(trace::parse_routing("12.5")->experts == 12.5);
}

TEST_CASE("serving: a benchmark's line beside a run, TPOT split") {
  tests::TempFolder folder;
  const std::string file = folder / "bench.jsonl";
  std::ofstream(file) << R"({"median_tpot_ms": 24.45, "max_concurrency": 4})" << "\n\n" << R"({"mean_tpot_ms": 12.5, "backend": "vllm"})" << "\n{\"x\": 1}\nnot json\n";
  const auto first = trace::read_serving(file, 1);
  REQUIRE(first.ok());
  CHECK((first->tpot_ms == 24.45 && first->lines == 4 && !first->tpot_is_mean && first->file == "bench.jsonl"));
  CHECK(trace::read_serving(file, 2)->tpot_is_mean);
  CHECK_THAT(trace::read_serving(file, 0).error().line(), ContainsSubstring("not a JSON object"));
  CHECK_THAT(trace::read_serving(file, 3).error().line(), ContainsSubstring("bench_serving"));
  CHECK_THAT(trace::read_serving(file, 9).error().line(), ContainsSubstring("no line 9"));
  CHECK_THAT(trace::read_serving(folder / "none", 0).error().line(), ContainsSubstring("cannot be read"));
  const auto back = trace::serving_from_json(trace::serving_json(*first));
  REQUIRE(back.ok());
  CHECK((back->tpot_ms == 24.45 && back->max_concurrency == 4 && back->line == 1));
  const trace::Run run = run_of("kineto_mi300x_sglang_qwen3-8b_decode.json.gz");
  const auto split = trace::split_tpot(run, *first);
  REQUIRE(split.ok());
  CHECK(split->step_us == Catch::Approx(9931).margin(1));
  CHECK(split->rest_us() == Catch::Approx(24450 - split->step_us));
  trace::Run engine;
  engine.step = {4000, 3900, 4100, 64};
  CHECK(trace::split_tpot(engine, *trace::read_serving(file, 2))->rest_us() == 8500);
  engine.step = {};
  CHECK(!trace::split_tpot(engine, *first).ok());
}
