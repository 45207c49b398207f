// The compare panel's figures: every view sums to the wall's delta to the nanosecond; pipelines from recorded events.
#include <catch2/catch_get_random_seed.hpp>
#include <catch2/catch_test_macros.hpp>

#include "tests/ui/random_trace.h"
#include "ui/vm/compare_vm.h"
#include "ui/vm/pipeline.h"

using namespace ui;

namespace {

AnalysisPtr analysed(std::shared_ptr<trace::Trace> t) {
  auto run = std::make_shared<trace::Run>();
  run->trace = std::move(t);
  return analyse(run, {});
}

// One step of layers of ops on one lane.
std::shared_ptr<trace::Trace> layered(const std::vector<std::vector<const char*>>& layers) {
  auto t = std::make_shared<trace::Trace>();
  t->strings = {""};
  t->ops = {""};
  t->devices.push_back({"0", "test", ""});
  t->lanes.push_back({.stream = 7, .label = "stream 7"});
  int64_t clock = 0;
  for (size_t layer = 0; layer < layers.size(); ++layer) {
    for (const char* op : layers[layer]) {
      trace::Event e{.start_ns = clock, .end_ns = clock + 100, .name = static_cast<uint32_t>(t->strings.size())};
      e.step = 4;
      e.op = static_cast<uint16_t>(t->ops.size());
      e.detail = static_cast<uint32_t>(t->details.size());
      trace::Detail d;
      d.layer = static_cast<int32_t>(layer);
      t->details.push_back(d);
      t->strings.emplace_back(op);
      t->ops.emplace_back(op);
      t->events.push_back(e);
      clock += 110;
    }
  }
  t->lanes[0].count = static_cast<uint32_t>(t->events.size());
  return t;
}

std::string text_of(const std::vector<PipelineOp>& ops) {
  std::string out;
  for (const PipelineOp& op : ops) out += (out.empty() ? "" : " ") + std::string(op.side < 0 ? "-" : op.side > 0 ? "+" : "") + op.name;
  return out;
}

}  // namespace

TEST_CASE("waterfall, critical path and second view of random pairs sum to the nanosecond") {
  std::mt19937_64 rng(Catch::getSeed() + 40);
  for (int round = 0; round < 30; ++round) {
    const auto a = analysed(test::random_trace(rng, {.lanes = 3, .events = 300})), b = analysed(test::random_trace(rng, {.lanes = 2, .events = 500}));
    const auto c = trace::compare(a->trace(), a->report->window, b->trace(), b->report->window);
    const int64_t delta = b->report->wall_ns - a->report->wall_ns;
    int64_t sum = 0;
    for (const auto& part : path_contributors(c, a->trace(), b->trace())) sum += part.ns;
    CHECK(sum == delta);
    const CompareVm vm = compare_vm(c, CompareScope::all, a->trace(), b->trace());
    for (const WaterfallVm* w : {&vm.waterfall, &vm.path, &vm.second_view}) {
      CHECK(w->sums);
      CHECK(w->bars.back().ns() == delta);
    }
  }
}

TEST_CASE("with tracing as a contributor the waterfall reaches the untraced headline") {
  trace::Waterfall w;
  w.a_ns = 1000;
  w.b_ns = 1500;
  w.contributors = {{"GEMM", 500, 0}};
  trace::add_tracing(w, 300);
  const WaterfallVm vm = waterfall_vm(w.contributors, w.a_ns, w.b_ns);
  CHECK(vm.sums);
  CHECK(vm.bars.back().name == "= step, untraced");
  CHECK(vm.bars.back().ns() == 300);
}

TEST_CASE("a scope that one side lacks falls back to all of both") {
  std::mt19937_64 rng(Catch::getSeed() + 41);
  const auto a = analysed(test::random_trace(rng, {.lanes = 1, .events = 1})), b = analysed(test::random_trace(rng, {.lanes = 1, .events = 1}));
  const ComparedWindows w = windows_to_compare(*a, *b, CompareScope::layer);
  CHECK(w.used == CompareScope::all);
  CHECK_FALSE(w.unavailable.empty());
  CHECK(windows_to_compare(*a, *b, CompareScope::automatic).unavailable.empty());
}

TEST_CASE("the interval of a matched kernel's median difference holds the difference and covers what it says") {
  std::mt19937_64 rng(Catch::getSeed());
  INFO("seed " << Catch::getSeed());
  std::lognormal_distribution<double> draw(8, 0.5);
  const auto sample = [&](int n, double shift) {
    std::vector<int64_t> ns;
    for (int i = 0; i < n; ++i) ns.push_back(static_cast<int64_t>(draw(rng) + shift));
    return ns;
  };
  int covered = 0;
  constexpr int kRounds = 400;
  for (int i = 0; i < kRounds; ++i) {
    const MedianDelta d = median_delta(sample(40, 0), sample(30, 700));
    REQUIRE(d.has_interval);
    CHECK((d.lo_us <= d.delta_us && d.delta_us <= d.hi_us));
    covered += d.lo_us <= 0.7 && 0.7 <= d.hi_us;
  }
  CHECK(covered >= kRounds * 95 / 100);   // about 99 % are expected
  CHECK(!median_delta(sample(5, 0), sample(100, 0)).has_interval);
}

TEST_CASE("samples of matched kernels are those of both windows") {
  std::mt19937_64 rng(Catch::getSeed());
  const auto a = test::random_trace(rng, {}), b = test::random_trace(rng, {});
  const trace::Window wa = trace::whole(*a, 0), wb = trace::whole(*b, 0);
  const trace::Comparison c = trace::compare(*a, wa, *b, wb);
  const auto s = match_samples(c, *a, wa, *b, wb);
  REQUIRE(s->names.size() == c.matched.size());
  for (size_t i = 0; i < s->names.size(); ++i) {
    int64_t sum = 0;
    for (const int64_t ns : s->b_ns[i]) sum += ns;
    CHECK(s->names[i] == c.matched[i].name);
    CHECK(sum == c.matched[i].b_ns);
    CHECK(static_cast<int64_t>(s->a_ns[i].size()) == c.matched[i].a_count);
  }
}

TEST_CASE("the pipeline of the first layer that differs, what went and what came") {
  const auto before = layered({{"norm", "mlp"}, {"norm", "q_b", "concat", "mla", "o_proj"}});
  const auto after = layered({{"norm", "mlp"}, {"norm", "q_b", "mla", "add", "o_proj"}});
  const auto ops = pipeline_diff(*before, *after);
  CHECK(text_of(ops) == "norm q_b -concat mla +add o_proj");
  CHECK(text_of(around_changes(pipeline_diff(*before, *layered({{"norm", "mlp"}, {"norm", "q_b", "mla", "o_proj"}})), 1)) == "… q_b -concat mla …");
  CHECK(pipeline_diff(*before, *before).empty());
  std::mt19937_64 rng(1);
  CHECK(pipeline_diff(*before, *test::random_trace(rng, {})).empty());
}
