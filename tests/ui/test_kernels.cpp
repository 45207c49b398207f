// Kernel statistics, groups, roofline, series and distributions against loops over everything.
#include <catch2/catch_get_random_seed.hpp>
#include <catch2/catch_test_macros.hpp>

#include <cmath>

#include "tests/ui/random_trace.h"
#include "trace/hardware.h"
#include "ui/vm/kernel_series.h"

using namespace ui;

namespace {

std::shared_ptr<trace::Run> random_run(std::mt19937_64& rng) {
  auto t = test::random_trace(rng, {.lanes = 3, .events = 400, .overlap = 0.2});
  std::uniform_int_distribution<int> layer(0, 3), step(0, 4);
  for (trace::Event& e : t->events) {
    if (e.name == 4) continue;   // one name says nothing beside its times
    e.detail = static_cast<uint32_t>(t->details.size());
    t->details.push_back({.bytes = 1000 * int64_t{e.name}, .flops = 500, .layer = layer(rng)});
    e.step = step(rng);
  }
  auto run = std::make_shared<trace::Run>();
  run->trace = t;
  return run;
}

}  // namespace

TEST_CASE("groups of every kind hold every event once; equal shares and idle make the wall") {
  std::mt19937_64 rng(Catch::getSeed());
  for (int round = 0; round < 20; ++round) {
    const auto run = random_run(rng);
    auto rules = std::make_shared<const GroupRules>(GroupRules{{"letters", {"BETA", "alpha"}}, {"late", {"topk", "gamma"}}});
    const auto a = analyse(run, {.groups = rules});
    const auto events = static_cast<int64_t>(run->trace->events.size());
    for (const GroupBy by : {GroupBy::kernel, GroupBy::op, GroupBy::category, GroupBy::layer, GroupBy::user}) {
      int64_t count = 0, total = 0, shares = 0;
      for (const KernelGroup& g : a->kernels->by(by)) {
        count += g.count;
        total += g.total_ns;
        const auto ids = events_of(*a, by, g.key);
        CHECK(static_cast<int64_t>(ids.size()) == g.count);
        for (const trace::EventId id : ids) CHECK(key_of_event(*a, by, id) == g.key);
        if (by == GroupBy::user) continue;
        shares += g.equal_share_ns;
        CHECK(g.hidden_ns == g.total_ns - g.equal_share_ns);
      }
      CHECK(count == events);
      CHECK(total == a->kernels->total_ns);
      // Rounded a group each: within half a nanosecond of the exact sum.
      if (by != GroupBy::user)
        CHECK(std::abs(shares - a->report->busy_ns) <= static_cast<int64_t>(a->kernels->by(by).size()));
    }
  }
}

TEST_CASE("a group has its kernels by part of a name in any case, or by op; the first that fits") {
  const auto rule = parse_group(" attention = mla |softmax|| ");
  REQUIRE(rule);
  CHECK(rule->name == "attention");
  CHECK(rule->parts == std::vector<std::string>{"mla", "softmax"});
  CHECK(parse_group(group_text(*rule)) == rule);
  CHECK(parse_group("gemm")->parts == std::vector<std::string>{"gemm"});
  CHECK(!parse_group(""));
  CHECK(!parse_group("name ="));
  CHECK(!parse_group("= part"));
  trace::Trace t;
  t.strings = {"", "ns::MLA_decode<64>", "softmax_mla", "other"};
  t.ops = {"", "softmax", "softmax_2"};
  const GroupMap map = map_groups(t, {{"soft", {"softmax"}}, {"mla", {"mla"}}});
  CHECK(map.of({.name = 1}) == 1);
  CHECK(map.of({.name = 2}) == 0);
  CHECK(map.of({.name = 3}) == -1);
  CHECK(map.of({.name = 3, .op = 1}) == 0);   // an op by its whole key
  CHECK(map.of({.name = 3, .op = 2}) == -1);
}

TEST_CASE("new groups compute nothing else anew") {
  std::mt19937_64 rng(Catch::getSeed());
  const auto run = random_run(rng);
  const auto a = analyse(run, {});
  CHECK(a->kernels->by(GroupBy::user).empty());
  const auto b = reanalyse(*a, {.groups = std::make_shared<const GroupRules>(GroupRules{{"all", {"a"}}})});
  CHECK(b->kernels->by(GroupBy::user).size() >= 1);
  CHECK(b->lanes == a->lanes);
  CHECK(b->bubbles == a->bubbles);
  CHECK(b->kernels->names == a->kernels->names);
}

TEST_CASE("a floor is the larger of bytes over bandwidth and operations over arithmetic; nothing is made up") {
  Roof roof{.bytes_per_ns = 1000, .flops_per_ns = 2000};
  CHECK(roof.floor_ns(5000, 100) == 5);
  CHECK(roof.floor_ns(10, 8000) == 4);
  CHECK(roof.floor_ns(-1, -1) == 0);
  std::mt19937_64 rng(Catch::getSeed());
  const auto run = random_run(rng);
  const auto a = analyse(run, {});
  CHECK(a->kernels->roof.own_best);   // no ceiling is known for a device called "test"
  for (const KernelGroup& g : a->kernels->by(GroupBy::kernel)) {
    if (g.name == "delta") {
      CHECK(g.of_floor() == -1);
      continue;
    }
    CHECK(g.bytes == 1000 * int64_t{g.key} * g.count);
    CHECK(g.of_floor() <= 1.0 + 1e-9);   // of the best of this very run
  }
  auto named = std::make_shared<trace::Run>(*run);
  named->device = "NVIDIA H200";
  const auto h200 = analyse(named, {});
  CHECK(!h200->kernels->roof.own_best);
  // One table with the floors, whatever the device calls itself.
  for (const trace::Ceilings& known : trace::known_ceilings()) {
    const Roof r = roof_of(*run->trace, 0, "Some " + known.name + " 192GB");
    INFO(known.name);
    CHECK((r.bytes_per_ns == known.read_gbps && r.flops_per_ns == 1000 * (known.fp8_tflops > 0 ? known.fp8_tflops : known.bf16_tflops)));
    CHECK(r.source.starts_with(known.source));
  }
  auto silent = std::make_shared<trace::Trace>(*run->trace);
  silent->details.clear();
  for (trace::Event& e : silent->events) e.detail = trace::kNone;
  named->trace = silent;
  CHECK(!analyse(named, {})->kernels->roof.known());
}

TEST_CASE("the trend adds up to the kernel's total, step by step; without steps it goes by layer") {
  std::mt19937_64 rng(Catch::getSeed());
  const auto run = random_run(rng);
  const auto a = analyse(run, {});
  for (const KernelGroup& g : a->kernels->by(GroupBy::kernel)) {
    if (g.name == "delta") continue;   // has no steps of its own
    const KernelTrend trend = kernel_trend(*a, events_of(*a, GroupBy::kernel, g.key));
    CHECK(trend.over == "step");
    double sum = 0;
    for (const double us : trend.total_us) sum += us;
    CHECK(std::fabs(sum - static_cast<double>(g.total_ns) / 1000) < 1e-6);
    CHECK(std::ranges::is_sorted(trend.at));
  }
  auto one = std::make_shared<trace::Trace>(*run->trace);
  for (trace::Event& e : one->events) e.step = 0;
  auto alone = std::make_shared<trace::Run>(*run);
  alone->trace = one;
  const auto b = analyse(alone, {});
  CHECK(kernel_trend(*b, events_of(*b, GroupBy::kernel, 1)).over == "layer");
}

TEST_CASE("a histogram counts everything once, over a range of its own or a given one") {
  std::mt19937_64 rng(Catch::getSeed());
  std::vector<int64_t> ns;
  std::uniform_int_distribution<int64_t> draw(0, 100000);
  for (int i = 0; i < 1000; ++i) ns.push_back(draw(rng));
  const KernelHistogram own = kernel_histogram(ns, 24, ns[5]), given = kernel_histogram(ns, 24, -1, 10, 1000000);
  const auto sum = [](const KernelHistogram& h) {
    int64_t n = 0;
    for (const int64_t c : h.count) n += c;
    return n;
  };
  CHECK(sum(own) == 1000);
  CHECK(sum(given) == 1000);
  CHECK(own.marked_bin >= 0);
  CHECK(given.marked_bin == -1);
  CHECK(own.median_ns == given.median_ns);
  CHECK(kernel_histogram({}, 24, -1).count.empty());
}

TEST_CASE("CSV: a header, a line a row, quotes doubled, cells without a value empty") {
  KernelGroup g{.name = "k<\"x\">", .count = 2, .total_ns = 1500, .median_ns = 700};
  const std::string csv = kernels_csv({g}, {0});
  CHECK(csv.starts_with("name,category,count,total_us,"));
  CHECK(csv.find("\"k<\"\"x\"\">\",GEMM,2,1.500,0.000,,,0.700,") != std::string::npos);
  const auto commas = [](std::string_view s) { return std::ranges::count(s, ','); };
  const size_t line = csv.find('\n');
  CHECK(commas(csv.substr(0, line)) == commas(csv.substr(line + 1)));
}
