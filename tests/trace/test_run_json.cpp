#include <catch2/catch_get_random_seed.hpp>
#include <catch2/catch_template_test_macros.hpp>
#include <catch2/catch_test_macros.hpp>
#include <nlohmann/json.hpp>
#include <set>

#include "tests/support/random_run.h"
#include "trace/run_json.h"

using nlohmann::json;
using trace::read_json;
using trace::write_json;

namespace {

// How many fields an aggregate has: the most values it can be initialised with.
struct Any {
  template <class T>
  operator T() const;
};
template <class T, class... Values>
constexpr size_t field_count() {
  if constexpr (requires { T{Values{}..., Any{}}; }) {
    return field_count<T, Values..., Any>();
  } else {
    return sizeof...(Values);
  }
}

struct Counter {
  size_t count = 0;
  template <class T>
  void operator()(const char*, const T&) { ++count; }
};

}  // namespace

TEMPLATE_TEST_CASE("every field of a struct that travels is listed", "", trace::ModelConfig, trace::Workload,
                   trace::RunSpec, trace::Estimate, trace::ImportReport, trace::AbSpec, trace::Quad, trace::Instance,
                   trace::AbEstimate, trace::EquivalenceResult, trace::LaunchDelta) {
  Counter counter;
  const TestType value{};
  fields(counter, value);
  CHECK(counter.count == field_count<TestType>());
}

TEMPLATE_TEST_CASE("every enumerator has a key of its own", "", trace::WeightFormat, trace::Origin, trace::Equivalence,
                   trace::Verdict, trace::EventKind, trace::LaneKind, trace::ClockSource, trace::Category,
                   trace::reply::Phase) {
  const auto& keys = trace::EnumKeys<TestType>::keys;
  const std::set<std::string_view> different(keys.begin(), keys.end());
  CHECK(different.size() == keys.size());
  CHECK_FALSE(different.contains(""));
}

TEST_CASE("every field of a run but its trace is listed") {
  Counter counter;
  const trace::Run run;
  fields(counter, run);
  CHECK(counter.count + 1 == field_count<trace::Run>());
}

TEMPLATE_TEST_CASE("structs come back from JSON text exactly", "", trace::ModelConfig, trace::Workload, trace::RunSpec,
                   trace::ToggleSet, trace::Estimate, trace::ImportReport, trace::Run, trace::AbSpec, trace::Quad,
                   trace::Instance, trace::AbEstimate, trace::EquivalenceResult, trace::LaunchDelta) {
  INFO("seed " << Catch::getSeed());
  tests::Random random(Catch::getSeed());
  for (int i = 0; i < 50; ++i) {
    const auto value = tests::random_value<TestType>(random);
    const std::string text = write_json(value).dump();
    const auto back = trace::read_json_text<TestType>(text, "here");
    INFO(text);
    REQUIRE(back.ok());
    CHECK(write_json(*back).dump() == text);
    if constexpr (std::equality_comparable<TestType>) {
      if (text.find("null") == std::string::npos) CHECK(*back == value);   // NaN is not equal to itself
    }
  }
}

TEST_CASE("arms of an A/B and the largest seed survive") {
  trace::Run run;
  run.ab_id = 7;
  run.ab_arm = 'b';
  run.spec.emplace().workload.seed = ~uint64_t{0};
  const auto back = read_json<trace::Run>(write_json(run), "");
  REQUIRE(back.ok());
  CHECK(back->ab_arm == 'b');
  CHECK(back->ab_id == 7);
  CHECK(back->spec->workload.seed == ~uint64_t{0});
}

TEST_CASE("missing members take defaults and unknown ones are ignored") {
  const auto spec = trace::read_json_text<trace::RunSpec>(
      R"({"workload": {"batch": 3, "colour": "red"}, "from the future": [1, 2], "toggles": {"cat_skip": "on", "warp": 9}})",
      "spec");
  REQUIRE(spec.ok());
  CHECK(spec->workload.batch == 3);
  CHECK(spec->workload.context == trace::Workload{}.context);
  CHECK(spec->backend == "auto");
  trace::ToggleSet expected;
  REQUIRE(expected.set(trace::ToggleKey::cat_skip, "on").ok());
  CHECK(spec->toggles == expected);
}

TEST_CASE("what is wrong is named by field and document") {
  const auto line = [](const char* text) {
    const auto spec = trace::read_json_text<trace::RunSpec>(text, "run 5, spec");
    return spec.ok() ? std::string("accepted") : spec.error().line();
  };
  CHECK(line(R"({"workload": {"batch": "four"}})") ==
        "workload.batch: expected a whole number, found a string, run 5, spec");
  CHECK(line(R"({"workload": {"batch": 1.5}})") ==
        "workload.batch: expected a whole number, found a fraction, run 5, spec");
  CHECK(line(R"({"workload": {"batch": 4294967296}})") ==
        "workload.batch: 4294967296 is out of range (-2147483648 to 2147483647), run 5, spec");
  CHECK(line(R"({"workload": {"seed": -1}})") ==
        "workload.seed: -1 is out of range (0 to 18446744073709551615), run 5, spec");
  CHECK(line(R"({"workload": {"shared_prefix": "much"}})") ==
        "workload.shared_prefix: expected a number, found a string, run 5, spec");
  CHECK(line(R"({"workload": {"pages_shuffled": 1}})") ==
        "workload.pages_shuffled: expected true or false, found a number, run 5, spec");
  CHECK(line(R"({"workload": []})") == "workload: expected an object, found an array, run 5, spec");
  CHECK(line(R"({"set": 5})") == "set: expected an object, found a number, run 5, spec");
  CHECK(line(R"({"set": {"gemm_scales": 5}})") == "set.gemm_scales: expected a string, found a number, run 5, spec");
  CHECK(line(R"({"name": {"base64": "@"}})") == "name: not base64, run 5, spec");
  CHECK(line(R"({"model": {"linears": "fp16"}})") ==
        "model.linears: \"fp16\" is none of bf16, fp8_block, mxfp4, run 5, spec");
  CHECK(line(R"({"toggles": {"cat_skip": "maybe"}})").starts_with("toggles.cat_skip: "));
  CHECK(line(R"({"toggles": {"cat_skip": true}})") ==
        "toggles.cat_skip: expected a string, found true or false, run 5, spec");
  CHECK(line("7") == "expected an object, found a number, run 5, spec");
  CHECK(line(R"({"workload": )") == "not JSON at byte 14, run 5, spec");
  CHECK(line("") == "not JSON at byte 1, run 5, spec");
  CHECK(line("{\"seed\": 1e400}") == "not JSON: a number beyond what a double holds, run 5, spec");
}

TEST_CASE("arrays of a fixed length, arms and keys of switches are checked") {
  const auto line = [](const auto& result) { return result.ok() ? std::string("accepted") : result.error().line(); };
  CHECK(line(trace::read_json_text<trace::Quad>(R"({"block_us": [1, 2, 3]})", "q")) ==
        "block_us: expected 4 items, found 3, q");
  CHECK(line(trace::read_json_text<trace::Run>(R"({"ab_arm": "c"})", "r")) ==
        "ab_arm: expected a, b or nothing, found \"c\", r");
  CHECK(line(trace::read_json_text<trace::AbSpec>(R"({"keys": ["cat_skip", "warp"]})", "ab")).starts_with("keys[1]: "));
}

TEST_CASE("base64 is canonical and exact") {
  INFO("seed " << Catch::getSeed());
  tests::Random random(Catch::getSeed());
  CHECK(trace::base64_encode("Man") == "TWFu");
  CHECK(trace::base64_encode("Ma") == "TWE=");
  CHECK(trace::base64_encode("M") == "TQ==");
  CHECK(trace::base64_encode("") == "");
  for (const char* bad : {"TQ=", "T===", "TR==", "TWF=", "TW=u", "TW u", "=TWF", "\xff\xff\xff\xff"})
    CHECK_FALSE(trace::base64_decode(bad));
  for (int size = 0; size < 100; ++size) {
    std::string bytes(static_cast<size_t>(size), 0);
    for (char& c : bytes) c = static_cast<char>(random());
    CHECK(trace::base64_decode(trace::base64_encode(bytes)) == bytes);
  }
}

TEST_CASE("the overhead of tracing is against the untraced median") {
  trace::Run run;
  CHECK(trace::tracing_overhead_pct(run) == 0);
  run.step.median = 200;
  CHECK(trace::tracing_overhead_pct(run) == 0);
  run.traced_step_us = 203;
  CHECK(trace::tracing_overhead_pct(run) == 1.5);
}
