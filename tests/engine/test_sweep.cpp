// Sweeps: scenarios, cells that share weights, verdicts adjusted together, refusals beforehand.
#include <cmath>

#include "engine/sweep.h"
#include "small_model.h"
#include "trace/published.h"

using namespace engine;
using namespace engine::test;

namespace {

SweepSpec small_sweep() {
  SweepSpec spec;
  spec.ab.base = small_spec(1, 10);
  const auto arms = trace::parse_arms("cat_skip", trace::ToggleSet()).value();
  spec.ab.keys = arms.keys, spec.ab.a = arms.a, spec.ab.b = arms.b;
  spec.ab.instances = 2, spec.ab.quads = 1;
  spec.scenarios = {parse_scenario("64/32").value(), parse_scenario("128/64").value()};
  spec.concurrencies = {1, 3};
  return spec;
}

}  // namespace

TEST_CASE("scenarios are read, and what is none is refused") {
  const Scenario s = parse_scenario("8k1k").value();
  CHECK(s.isl == 8192);
  CHECK(s.osl == 1024);
  CHECK(s.context() == 8704);
  CHECK(parse_scenario("1k1k").value().context() == 1536);
  CHECK(parse_scenario("512/128").value().context() == 576);
  for (const char* bad : {"", "8k", "k1", "8k1k1k", "-8k1k", "8k/", "8k 1k", "x", "0/1"})
    CHECK_FALSE(parse_scenario(bad).ok());
}

TEST_CASE("every cell is an A/B of its batch and context, judged together") {
  const SweepSpec spec = small_sweep();
  std::vector<std::string> said;
  SweepHooks hooks;
  hooks.program = "test 1";
  hooks.progress = [&](const std::string& what, double fraction) {
    CHECK((fraction >= 0 && fraction <= 1));
    said.push_back(what);
  };
  const auto cells = run_sweep(spec, hooks);
  REQUIRE(cells.ok());
  REQUIRE(cells->size() == 4);
  std::vector<double> p;
  for (size_t i = 0; i < 4; ++i) {
    const SweepCell& cell = (*cells)[i];
    const trace::Workload& w = cell.result.spec.base.workload;
    CHECK(cell.concurrency == (i % 2 ? 3 : 1));
    CHECK(w.batch == cell.concurrency);
    CHECK(w.context == (i < 2 ? 80 : 160));
    CHECK(w.max_context == 512);
    CHECK(cell.result.equivalence.ok);
    CHECK(cell.result.a->name.find(cell.scenario.name) != std::string::npos);
    p.push_back(trace::p_value(cell.result.instances));
  }
  const auto adjusted = trace::holm(p);
  for (size_t i = 0; i < 4; ++i) CHECK((*cells)[i].adjusted_p == adjusted[i]);
  CHECK(said.size() > 8);
}

TEST_CASE("a cell that cannot run refuses the sweep before any has run") {
  SweepSpec spec = small_sweep();
  spec.concurrencies.push_back(5000);
  int calls = 0;
  SweepHooks hooks;
  hooks.progress = [&](const std::string&, double) { ++calls; };
  const auto refused = run_sweep(spec, hooks);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().line().find("--batch 5000") != std::string::npos);
  CHECK(calls == 0);
  spec.concurrencies.clear();
  CHECK_FALSE(run_sweep(spec).ok());
  spec = small_sweep();
  hooks = {};
  hooks.cancelled = [] { return true; };
  CHECK(run_sweep(spec, hooks).error().what == "cancelled");
}

TEST_CASE("a sweep broken off keeps the cells that are finished") {
  SweepSpec spec = small_sweep();
  REQUIRE(spec.scenarios.size() * spec.concurrencies.size() > 1);
  const size_t all = spec.scenarios.size() * spec.concurrencies.size();
  bool second = false;
  size_t ended = 0;
  SweepHooks hooks;
  hooks.progress = [&](const std::string& what, double) { second = second || what.starts_with("64/32 c3:"); };
  hooks.cancelled = [&] { return second; };
  hooks.ended = [&](const trace::Error& error, size_t cell, size_t cells) {
    CHECK((error.what == "cancelled" && cells == all));
    ended = cell;
  };
  const auto kept = run_sweep(spec, hooks);
  REQUIRE(kept);
  CHECK((ended == 2 && kept->size() == 1));
  CHECK((*kept)[0].result.instances.size() > 1);
  CHECK((*kept)[0].adjusted_p == trace::p_value((*kept)[0].result.instances));  // adjusted for the cells there are
}

TEST_CASE("published figures stand where something was published") {
  const auto p = trace::published_tpot(trace::ToggleKey::cat_skip, "8k1k", 4);
  REQUIRE(p);
  CHECK(p->before_ms == 21.21);
  CHECK(p->after_ms == 20.76);
  CHECK(p->hardware.find("MI355X") != std::string::npos);
  CHECK_FALSE(trace::published_tpot(trace::ToggleKey::cat_skip, "8k1k", 5));
  CHECK_FALSE(trace::published_tpot(trace::ToggleKey::x_scale, "8k1k", 4));
}
