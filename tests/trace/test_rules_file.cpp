// Rules of one's own, before the built-in ones.
#include <catch2/catch_test_macros.hpp>

#include <fstream>

#include "tests/support/temp_folder.h"
#include "trace/builder.h"
#include "trace/kernel_rules.h"

namespace {

std::string written(const tests::TempFolder& folder, const std::string& text) {
  std::ofstream(folder / "rules.json") << text;
  return folder / "rules.json";
}

std::string error_of(const std::string& text) {
  const tests::TempFolder folder;
  const auto rules = trace::load_rules(written(folder, text));
  REQUIRE(!rules.ok());
  const std::string where = rules.error().where;
  return rules.error().what + " @" + where.substr(where.rfind('/') + 1);
}

trace::TracePtr of_names(const std::vector<std::string>& names, trace::RulesPtr rules = nullptr) {
  trace::TraceBuilder b;
  for (const std::string& name : names) {
    trace::Event e;
    e.name = b.intern(name);
    e.lane = b.lane(b.device("0"), 0);
    e.start_ns = static_cast<int64_t>(b.event_count()) * 10;
    e.end_ns = e.start_ns + 5;
    b.add(e);
  }
  b.classify_kernels(std::move(rules));
  return b.finish();
}

}  // namespace

TEST_CASE("rules file: one's own come first, the built-in ones after") {
  const tests::TempFolder folder;
  const auto loaded = trace::load_rules(written(folder, R"({
    "names": [{"category": "attention", "op": "my_attention", "names": ["^MyKernel*v2"]},
              {"category": "sparse_mla", "op": "mla", "names": ["rotary_special"]}],
    "sets": {"mine": ["my_attention"]},
    "places": [{"needs": ["$mine"], "rules": [
      {"op": "before_mine", "category": "norm_quant", "was": ["$norm"], "next": ["$mine"]}]}]})"));
  if (!loaded.ok()) FAIL(loaded.error().line());
  const trace::RulesPtr rules = *loaded;
  CHECK(trace::classify_kernel("mykernel_big_V2", *rules).op == "my_attention");
  CHECK(trace::classify_kernel("not_mykernel_v2", *rules).op.empty());
  CHECK(trace::classify_kernel("rotary_special", *rules).op == "mla");
  CHECK(trace::classify_kernel("rotary_other", *rules).op == "rope");
  CHECK(trace::classify_kernel("mykernel_big_v2").op.empty());
  const auto t = of_names({"rmsnorm", "MyKernel_v2"}, rules);
  CHECK(t->op_of(t->events[0]) == "before_mine");
  CHECK(t->op_of(t->events[1]) == "my_attention");
  CHECK(t->events[1].category == trace::Category::attention);

  // A trace that is there already.
  const auto before = of_names({"rmsnorm", "MyKernel_v2"});
  CHECK(before->op_of(before->events[1]).empty());
  CHECK(*trace::classify_again(*before, *rules) == *t);
}

TEST_CASE("rules file: an empty object changes nothing") {
  const tests::TempFolder folder;
  const auto rules = trace::load_rules(written(folder, "{}"));
  REQUIRE(rules.ok());
  CHECK(trace::classify_kernel("fast_hadamard_transform_kernel", **rules) ==
        trace::classify_kernel("fast_hadamard_transform_kernel"));
}

TEST_CASE("rules file: the sample of the documentation does what it says") {
  std::ifstream in(DS_SOURCE_DIR "/docs/KERNEL_RULES.md");
  std::string text((std::istreambuf_iterator<char>(in)), {});
  const size_t from = text.find("```json\n") + 8;
  const tests::TempFolder folder;
  const auto rules = trace::load_rules(written(folder, text.substr(from, text.find("```", from) - from)));
  if (!rules.ok()) FAIL(rules.error().line());
  const auto t = of_names({"Acme_MLA_decode_bf16_stage1", "some_copy_kernel", "acme_rmsnorm_v2"}, *rules);
  CHECK(t->op_of(t->events[0]) == "sparse_partial");
  CHECK(t->op_of(t->events[2]) == "norm");
  // Every category that the page names.
  for (int c = 0; c < trace::kCategories; ++c) CHECK(text.find(std::string(trace::to_string(static_cast<trace::Category>(c)))) != std::string::npos);
}

TEST_CASE("rules file: what is wrong is said with its place") {
  CHECK(error_of("[]") == "expected an object with `names`, `sets` or `places` @rules.json");
  CHECK(error_of(R"({"rules": []})") == "no such list: `rules`, there are `names`, `sets`, `places` and `about` @rules.json");
  CHECK(error_of(R"({"names": {}})") == "`names` is no array @rules.json");
  CHECK(
      error_of(
          R"({"names": [{"category": "gemm", "op": "a", "names": ["x"]}, {"category": "nope", "op": "a", "names": ["x"]}]})") ==
      "no such category: nope @rules.json, names[1]");
  CHECK(error_of(R"({"names": [{"category": "gemm", "names": ["x"]}]})") ==
        "`op` is missing or no text @rules.json, names[0]");
  CHECK(error_of(R"({"names": [{"category": "gemm", "op": "a", "names": ["*"]}]})") ==
        "the pattern \"*\" fits every name @rules.json, names[0]");
  CHECK(error_of(R"({"names": [{"category": "gemm", "op": "a", "names": "x"}]})") ==
        "`names` is no list of texts @rules.json, names[0]");
  CHECK(error_of(R"({"places": [{"rules": []}]})") ==
        "`needs` is missing: it says where the group runs @rules.json, places[0]");
  CHECK(
      error_of(
          R"({"places": [{"needs": ["a"], "rules": [{"op": "b", "was": ["$nope"], "next": ["c"]}]}]})") ==
      "no such set: $nope @rules.json, places[0].rules[0]");
  CHECK(error_of(R"({"places": [{"needs": ["a"], "rules": [{"op": "b", "was": ["c"]}]}]})") ==
        "neither `prev` nor `next` is given @rules.json, places[0].rules[0]");
  CHECK(!trace::load_rules("/nowhere/rules.json").ok());
  CHECK(!trace::load_rules("/tmp").ok());
  const tests::TempFolder folder;
  CHECK(!trace::load_rules(written(folder, "{\"names\": [")).ok());
}
