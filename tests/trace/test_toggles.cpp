#include <catch2/catch_test_macros.hpp>
#include <set>

#include "trace/toggles.h"

using namespace trace;

TEST_CASE("every row of the switch table is whole") {
  std::set<std::string_view> names;
  for (int i = 0; i < kToggles; ++i) {
    const ToggleInfo& row = toggle_table()[static_cast<size_t>(i)];
    INFO(row.name);
    CHECK(static_cast<int>(row.key) == i);
    CHECK(names.insert(row.name).second);
    CHECK(row.value_count >= 2);
    for (int v = 0; v < 4; ++v)
      CHECK(row.values[static_cast<size_t>(v)].empty() == (v >= row.value_count));
    CHECK(row.default_index < row.value_count);
    CHECK_FALSE(row.title.empty());
    CHECK_FALSE(row.before.empty());
    CHECK_FALSE(row.after.empty());
    CHECK_FALSE(row.source.empty());
    CHECK(toggle_key(row.name).value() == row.key);
  }
  CHECK(info(ToggleKey::cat_skip).removed_per_layer_tiny == 1);
  CHECK(info(ToggleKey::x_scale).removed_per_layer_tiny == 4);
  CHECK(info(ToggleKey::logits_init).removed_per_layer_tiny == 1);
}

TEST_CASE("defaults and all-off") {
  const ToggleSet standard;
  CHECK(standard.page_size() == 64);
  CHECK(standard.is(ToggleKey::kv_dtype, "fp8"));
  CHECK(standard.is(ToggleKey::launch, "eager"));
  CHECK(standard.is(ToggleKey::cat_skip, "off"));
  const ToggleSet off = ToggleSet::all_off();
  CHECK(off.page_size() == 64);
  CHECK(off.is(ToggleKey::kv_dtype, "bf16"));
  CHECK(standard.differing(off) == std::vector{ToggleKey::kv_dtype});
}

TEST_CASE("setting a value by its name") {
  ToggleSet set;
  CHECK(set.set(ToggleKey::page_size, "16").ok());
  CHECK(set.page_size() == 16);
  const Status bad = set.set(ToggleKey::page_size, "8");
  REQUIRE_FALSE(bad.ok());
  CHECK(bad.error().line() == "no such value: page_size=8, values: 1, 16, 32, 64");
  CHECK(set.page_size() == 16);
  CHECK(set.text().find("page_size=16") != std::string::npos);
}

TEST_CASE("arms of a comparison") {
  const auto arms = parse_arms("index_layout,page_size=1:64,logits_init", ToggleSet()).value();
  CHECK(arms.keys ==
        std::vector{ToggleKey::index_layout, ToggleKey::page_size, ToggleKey::logits_init});
  CHECK(arms.a.is(ToggleKey::index_layout, "row"));
  CHECK(arms.a.page_size() == 1);
  CHECK(arms.b.is(ToggleKey::index_layout, "preshuffle"));
  CHECK(arms.b.page_size() == 64);
  CHECK(arms.b.is(ToggleKey::logits_init, "empty"));
  CHECK(equivalence_of(arms.a, arms.b) == Equivalence::bitwise_on_valid);

  const auto whole = parse_arms("page_size", ToggleSet()).value();
  CHECK(whole.a.page_size() == 1);
  CHECK(whole.b.page_size() == 64);

  for (const char* bad : {"", "cat_skp", "page_size=1", "page_size=1:7", "page_size=:",
                          "cat_skip=on:on", "cat_skip,cat_skip", "cat_skip,", "=off:on"}) {
    INFO("arms: " << bad);
    CHECK_FALSE(parse_arms(bad, ToggleSet()).ok());
  }
}

TEST_CASE("what a model or backend cannot do is said") {
  const ModelConfig tiny = model_preset("tiny").value();
  const ModelConfig dense = model_preset("tiny-dense").value();
  const ModelConfig kimi = model_preset("kimi-k2").value();
  CHECK_FALSE(unavailable(ToggleKey::cat_skip, tiny, "cpu"));
  CHECK_FALSE(unavailable(ToggleKey::kv_dtype, tiny, "cpu"));
  CHECK(unavailable(ToggleKey::v_layout, tiny, "cpu") == "needs MXFP4 w_vc: tiny has fp8");
  CHECK(unavailable(ToggleKey::launch, tiny, "cpu")->starts_with("needs a GPU"));
  CHECK(unavailable(ToggleKey::head_gates, dense, "cpu")->starts_with("needs an indexer"));
  CHECK(unavailable(ToggleKey::x_scale, kimi, "cpu")->starts_with("needs fp8"));
  CHECK(unavailable(ToggleKey::cat_skip, kimi, "cpu")->starts_with("needs sparse attention"));
  CHECK_FALSE(unavailable(ToggleKey::v_layout, kimi, "cpu"));
  CHECK_FALSE(unavailable(ToggleKey::kv_dtype, dense, "cpu"));
  for (const char* gpu : {"cuda", "hip"}) CHECK_FALSE(unavailable(ToggleKey::launch, tiny, gpu));
}

TEST_CASE("combinations that cannot run are refused") {
  const ModelConfig tiny = model_preset("tiny").value();
  ToggleSet set;
  CHECK(validate(set, tiny, "cpu").ok());
  CHECK(validate(ToggleSet::all_off(), tiny, "cpu").ok());
  set.set(ToggleKey::index_layout, "preshuffle").value();
  CHECK(validate(set, tiny, "cpu").ok());
  set.set(ToggleKey::page_size, "1").value();
  CHECK_FALSE(validate(set, tiny, "cpu").ok());
  set = ToggleSet();
  set.set(ToggleKey::launch, "graph").value();
  CHECK_FALSE(validate(set, tiny, "cpu").ok());
  set = ToggleSet();
  set.set(ToggleKey::v_layout, "batch_major").value();
  CHECK_FALSE(validate(set, tiny, "cpu").ok());
}

TEST_CASE("the class of two sets is the weakest of what differs") {
  ToggleSet a, b;
  CHECK(equivalence_of(a, b) == Equivalence::bitwise);
  b.set(ToggleKey::cat_skip, "on").value();
  CHECK(equivalence_of(a, b) == Equivalence::bitwise);
  b.set(ToggleKey::head_gates, "fused").value();
  CHECK(equivalence_of(a, b) == Equivalence::bounded);
}
