// compare --fail-if: what is understood, and that it fails with confidence or not at all.
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <cmath>
#include <random>

#include "tests/support/expected_figures.h"
#include "trace/builder.h"
#include "trace/fail_if.h"

using trace::ConditionState;

namespace {

// A run of `kernels` kernels of about `us` each, 0.5 us apart; the last one is called "last".
trace::TracePtr run(std::mt19937_64& random, int kernels, double us, double noise = 0.05) {
  std::normal_distribution<double> jitter(1, noise);
  trace::TraceBuilder builder;
  const uint32_t lane = builder.lane(builder.device("0"), 7);
  int64_t at = 0;
  for (int i = 0; i < kernels; ++i) {
    const auto length = static_cast<int64_t>(us * 1000 * jitter(random));
    builder.add({.start_ns = at, .end_ns = at + length, .name = builder.intern(i + 1 == kernels ? "void last<int>(float*)" : "other" + std::to_string(i)), .lane = lane});
    at += length + 500;
  }
  return builder.finish();
}

std::vector<trace::TracePtr> runs(std::mt19937_64& random, int count, int kernels, double us) {
  std::vector<trace::TracePtr> out;
  for (int i = 0; i < count; ++i) out.push_back(run(random, kernels, us));
  return out;
}

trace::ConditionResult judge_one(const std::string& text, const std::vector<trace::TracePtr>& a, const std::vector<trace::TracePtr>& b) {
  const auto conditions = trace::parse_conditions(text);
  if (!conditions.ok()) FAIL(conditions.error().line());
  return trace::judge(*conditions, a, b).at(0);
}

}  // namespace

TEST_CASE("fail-if: what can be written") {
  const auto two = trace::parse_conditions("wall_pct > 2 or op:a<b>_us <= -1.5e1");
  REQUIRE(two.ok());
  REQUIRE(two->size() == 2);
  CHECK(((*two)[0].greater && (*two)[0].bound == 2 && (*two)[0].metric == trace::Condition::Metric::wall_pct));
  CHECK((!(*two)[1].greater && (*two)[1].bound == -15 && (*two)[1].op == "a<b>"));
  for (const char* bad : {"", "wall_pct", "wall_pct >", "wall_pct > x", "walls > 2", "op:_us > 1", "wall_pct > 2 or", "wall_pct > nan", "> 2", "wall_pct == 2"}) {
    INFO(bad);
    CHECK_FALSE(trace::parse_conditions(bad).ok());
  }
}

TEST_CASE("fail-if: met, not met, unclear and unknown") {
  const uint64_t seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  const auto a = runs(random, 6, 60, 10), same = runs(random, 6, 60, 10), slower = runs(random, 6, 60, 11), fewer = runs(random, 6, 55, 10);
  CHECK(judge_one("wall_pct > 2", a, slower).state == ConditionState::met);
  CHECK(judge_one("wall_pct > 30", a, slower).state == ConditionState::not_met);
  CHECK(judge_one("wall_pct < -2", a, slower).state == ConditionState::not_met);
  CHECK(judge_one("wall_pct > 15", a, same).state == ConditionState::not_met);
  const auto kernels = judge_one("kernels < -4", a, fewer);
  CHECK((kernels.state == ConditionState::met && kernels.value == -5 && kernels.samples == "runs" && kernels.n_a == 6));
  CHECK(judge_one("idle_us < -1", a, fewer).state == ConditionState::met);
  CHECK(judge_one("stall_us > 0", a, slower).state == ConditionState::not_met);
  CHECK(std::abs(judge_one("op:last_us > 100", a, slower).value) < 5);
  CHECK(judge_one("op:nothing_us > 0", a, slower).state == ConditionState::unknown);
  // A bound inside the interval decides nothing.
  const auto value = judge_one("wall_pct > 0", a, slower);
  CHECK(judge_one("wall_pct > " + std::to_string(value.value), a, slower).state == ConditionState::unclear);
  // Two runs a side, each one window: no interval.
  const auto few = judge_one("wall_pct > 2", runs(random, 2, 60, 10), runs(random, 2, 60, 20));
  CHECK(few.state == ConditionState::unknown);
  CHECK_FALSE(few.reason.empty());
  CHECK(judge_one("wall_pct > 2", {trace::TraceBuilder().finish()}, a).state == ConditionState::unknown);
}

TEST_CASE("fail-if: layers of one recording a side serve as samples, and that is said") {
  const auto vllm = tests::import_published("kineto_amd_vllm_decode_fullgraph.json.gz").trace, sglang = tests::import_published("kineto_mi300x_sglang_qwen3-8b_decode.json.gz").trace;
  const auto r = judge_one("wall_pct < -1", {vllm}, {sglang});
  CHECK((r.samples == "layers" && r.n_a == 24 && r.n_b == 36));
  CHECK_THAT(r.reason, Catch::Matchers::ContainsSubstring("of one recording"));
  CHECK(judge_one("kernels > 1000", {vllm}, {vllm}).state == ConditionState::not_met);
}

TEST_CASE("fail-if: no false alarms beyond its confidence") {
  const uint64_t seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  int alarms = 0;
  for (int i = 0; i < 200; ++i) alarms += judge_one("wall_pct > 0", runs(random, 3, 20, 10), runs(random, 3, 20, 10)).state == ConditionState::met;
  CHECK(alarms <= 16);   // 2.5 % are expected: 5 of 200; 17 or more come once in 100,000 times
}
