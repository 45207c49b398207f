#include "trace/layers.h"

#include <numeric>

#include <catch2/catch_approx.hpp>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "tests/support/decode_trace.h"
#include "trace/steps.h"

using Catch::Matchers::ContainsSubstring;
using tests::DecodeShape;

namespace {

trace::TracePtr decode(const DecodeShape& shape) {
  return tests::make_trace(tests::decode_acts(shape));
}

// prologue + layers + epilogue = step, without a hole.
void check_tiling(const trace::LayerWindows& found) {
  REQUIRE(found.detail.size() == found.step_windows.size());
  for (size_t s = 0; s < found.detail.size(); ++s) {
    const auto& step = found.detail[s];
    int64_t at = found.step_windows[s].begin_ns;
    const auto next = [&](const trace::Window& w) {
      CHECK(w.begin_ns == at);
      CHECK(w.end_ns >= w.begin_ns);
      at = w.end_ns;
    };
    next(step.prologue);
    for (const auto& layer : step.layers) next(layer);
    if (!step.layers.empty()) next(step.epilogue);
    CHECK(at == found.step_windows[s].end_ns);
    CHECK(step.layer_class.size() == step.layers.size());
  }
}

}  // namespace

TEST_CASE(
    "a step is one graph launch, a layer one period inside it, cut where its last kernel ends") {
  const auto t = decode({.steps = 3, .layers = 6});
  const auto found = trace::find_layers(*t, 0);
  CHECK((found.steps == 3 && found.layers == 6));
  CHECK(found.coverage == Catch::Approx(30.0 / 33));
  CHECK(t->strings[found.anchor_name] == "reduce");
  CHECK_THAT(
      found.rule,
      ContainsSubstring("3 steps, each one graph launch; 6 layers: 5 kernel names come 6 times"));
  check_tiling(found);
  const auto& step = found.detail[1];
  CHECK(step.prologue.wall_ns() == 4000);       // embed
  CHECK(step.layers[0].wall_ns() == 5 * 4001);  // the gap before it is its own
  CHECK(step.layers[5].wall_ns() == 5 * 4001);
  CHECK(step.epilogue.wall_ns() == 2 * 4001);
  CHECK((step.layers[2].label == "step 1, layer 2" && found.step_windows[2].label == "step 2"));
}

TEST_CASE(
    "kernels that come k times a layer, every k-th layer or in a run of layers follow the period") {
  DecodeShape shape{.layers = 12};
  shape.layer = {"norm", "qkv", "attention", "o_proj", "norm", "gate", "reduce"};
  shape.extra = [](int layer) {
    std::vector<std::string> names;
    if (layer % 3 == 0) names.push_back("indexer");  // shared by three layers
    for (const char* n : {"mlp_up", "mlp_down"})
      names.push_back((layer < 2 ? "dense_" : "moe_") + std::string(n));
    return names;
  };
  const auto t = decode(shape);
  const auto found = trace::find_layers(*t, 0);
  CHECK(found.layers == 12);
  CHECK(found.coverage == Catch::Approx(112.0 / 115));  // all but embed, final_norm, lm_head
  check_tiling(found);
  // dense + indexer, dense, moe, moe + indexer
  CHECK(found.detail[0].layer_class == std::vector<int>{0, 1, 2, 3, 2, 2, 3, 2, 2, 3, 2, 2});
  const auto medoid = trace::medoid_layer(found);
  REQUIRE(medoid);
  CHECK((medoid->label == "layer 2" && medoid->wall_ns() == 9 * 4001));
}

TEST_CASE(
    "a side stream that straddles nothing and a norm that opens the layer do not move the cut") {
  // As in vLLM: the first norm has another name, later ones are fused into what precedes.
  DecodeShape shape{.layers = 8};
  shape.prologue = {"embed", "first_norm"};
  shape.layer = {"qkv", "attention", "o_proj", "norm_add", "mlp", "norm_add"};
  shape.side = {"indexer"};
  const auto t = decode(shape);
  const auto found = trace::find_layers(*t, 0);
  CHECK(found.layers == 8);
  CHECK(t->strings[found.anchor_name] == "mlp");  // the last that comes once a layer
  check_tiling(found);
  const auto& step = found.detail[0];
  CHECK(step.prologue.wall_ns() == 4000 + 4001);
  CHECK(step.layers[0].wall_ns() == 5 * 4001);  // without a norm before it
  CHECK(step.layers[1].wall_ns() == 6 * 4001);
  CHECK(step.layer_class == std::vector<int>{0, 1, 1, 1, 1, 1, 1, 1});
}

TEST_CASE("the recorder's numbers come before everything that could be guessed") {
  DecodeShape shape{.steps = 4, .layers = 3};
  shape.step_numbers = true;
  auto acts = tests::decode_acts(shape);
  for (auto& act : acts) act.step += 10;
  trace::TraceBuilder builder;
  const uint32_t device = builder.device("0");
  int kernel = 0;
  for (const auto& act : acts) {
    trace::Event e{.start_ns = act.start_ns,
                   .end_ns = act.end_ns,
                   .name = builder.intern(act.name),
                   .lane = builder.lane(device, act.stream),
                   .step = act.step};
    trace::Detail detail;
    const int at = kernel++ % 18;  // embed, 3 x 5, final_norm, lm_head
    detail.layer = at == 0 || at > 15 ? -1 : (at - 1) / 5;
    e.detail = builder.detail(detail);
    builder.add(e);
  }
  const auto t = builder.finish();
  const auto found = trace::find_layers(*t, 0);
  CHECK((found.steps == 4 && found.layers == 3));
  CHECK_THAT(found.rule,
             ContainsSubstring("4 steps by the recorder's numbers; 3 layers as recorded"));
  CHECK(found.step_windows[0].label == "step 10");
  check_tiling(found);
  CHECK(found.detail[0].layers[0].wall_ns() == 5 * 4001);
  CHECK(found.detail[0].epilogue.wall_ns() == 2 * 4001);
}

TEST_CASE("an event belongs to the step annotation in which its launch call began") {
  DecodeShape shape{.steps = 3, .layers = 5};
  shape.graphs = false;
  const auto acts = tests::decode_acts(shape);
  trace::TraceBuilder builder;
  tests::add_acts(builder, acts);
  // The host runs ahead: all calls of a step lie in its annotation, long before the kernels.
  for (size_t i = 0; i < acts.size(); ++i) {
    const int64_t at =
        -10000000 + static_cast<int64_t>(i / 28) * 1000000 + static_cast<int64_t>(i % 28) * 100;
    builder.add_call({.start_ns = at,
                      .end_ns = at + 50,
                      .correlation = acts[i].correlation,
                      .name = builder.intern("launch")});
  }
  for (int s = 0; s < 3; ++s) {
    const auto name = builder.intern("ProfilerStep#" + std::to_string(6 + s));
    const int64_t at = -10000000 + s * 1000000;
    builder.add_annotation({.start_ns = at, .end_ns = at + 900000, .name = name});
    builder.add_annotation({.start_ns = s * 200000,
                            .end_ns = s * 200000 + 190000,
                            .name = name,
                            .thread = 7});  // drawn again on the GPU
    builder.add_annotation(
        {.start_ns = at, .end_ns = at + 10, .name = builder.intern("nccl:all_reduce")});
  }
  const auto t = builder.finish(true);
  const auto found = trace::find_layers(*t, 0);
  CHECK((found.steps == 3 && found.layers == 5));
  CHECK_THAT(found.rule, ContainsSubstring("3 steps by the annotations `ProfilerStep#...`"));
  check_tiling(found);
}

TEST_CASE("small graphs inside a step are not taken for steps") {
  // A piecewise graph: every layer is two launches and an eager attention between them.
  DecodeShape shape{.layers = 10};
  auto acts = tests::decode_acts(shape);
  int64_t launch = 0;
  for (auto& act : acts) {
    if (act.name == "attention" || act.name == "o_proj" || act.name == "embed") ++launch;
    act.correlation = launch;
  }
  const auto t = tests::make_trace(acts);
  const auto found = trace::find_layers(*t, 0);
  CHECK(found.layers == 10);
  CHECK(found.steps == 1);
  check_tiling(found);
}

TEST_CASE("graph launches without layers inside are steps when they are all that runs") {
  DecodeShape shape{.steps = 5, .layers = 1};
  const auto found = trace::find_layers(*decode(shape), 0);
  CHECK((found.steps == 5 && found.layers == 0));
  CHECK_THAT(
      found.rule,
      ContainsSubstring("5 steps, each one graph launch; layers: no kernel name occurs twice"));
  check_tiling(found);
}

TEST_CASE("an unmarked sequence of several steps is split by the kernels that come once a step") {
  DecodeShape shape{.steps = 4, .layers = 9};
  shape.graphs = false;
  const auto t = decode(shape);
  const auto found = trace::find_layers(*t, 0);
  CHECK((found.steps == 4 && found.layers == 9));
  CHECK_THAT(found.rule, ContainsSubstring("4 steps by the repeating sequence"));
  check_tiling(found);
  for (const auto& w : found.step_windows) CHECK(w.wall_ns() == 48 * 4001 - 1);
  // Two kinds of attention by turns do not make nine steps of two layers.
  DecodeShape kinds{.layers = 18};
  kinds.graphs = false;
  kinds.layer = {"norm", "qkv", "o_proj", "reduce"};
  kinds.extra = [](int layer) {
    return std::vector<std::string>{layer % 2 ? "attention_full" : "attention_window"};
  };
  const auto one = trace::find_layers(*decode(kinds), 0);
  CHECK((one.steps == 1 && one.layers == 18));
}

TEST_CASE("the rule abstains where nothing repeats, and where too little follows") {
  const auto once =
      tests::make_trace({{7, 0, 10, "a"}, {7, 20, 30, "b"}, {7, 40, 50, "c"}, {7, 60, 70, "c"}});
  const auto none = trace::find_layers(*once, 0);
  CHECK((none.layers == 0 && none.steps == 1));
  CHECK_THAT(none.rule, ContainsSubstring("most kernel names (2 of 3) occur once"));
  CHECK(!trace::medoid_layer(none));

  // Training: names share a count, but come in no common order.
  std::mt19937_64 random(11);
  std::vector<tests::Act> acts;
  for (int name = 0; name < 12; ++name)
    for (int i = 0; i < 40; ++i) acts.push_back({7, 0, 0, "k" + std::to_string(name)});
  std::shuffle(acts.begin(), acts.end(), random);
  for (size_t i = 0; i < acts.size(); ++i) {
    acts[i].start_ns = static_cast<int64_t>(i) * 100;
    acts[i].end_ns = acts[i].start_ns + 90;
  }
  const auto shuffled = trace::find_layers(*tests::make_trace(acts), 0);
  CHECK(shuffled.layers == 0);
  CHECK(shuffled.coverage < 0.7);
  CHECK_THAT(shuffled.rule, ContainsSubstring("% of the kernels follow that period"));

  const auto empty = trace::find_layers(*tests::make_trace({}), 0);
  CHECK((empty.layers == 0 && empty.steps == 0 && empty.step_windows.empty()));
}

TEST_CASE("kernels of two streams that swap places now and then keep their period") {
  std::mt19937_64 random = tests::fresh_random();
  for (int round = 0; round < 20; ++round) {
    DecodeShape shape{.steps = 2, .layers = 12};
    shape.side = {"index_q"};
    auto acts = tests::decode_acts(shape);
    for (auto& act : acts) {
      const int64_t off = act.name == "index_q" ? static_cast<int64_t>(random() % 600) - 300
                                                : static_cast<int64_t>(random() % 2);
      act.start_ns += off;
      act.end_ns += off;
    }
    const auto found = trace::find_layers(*tests::make_trace(acts), 0);
    CHECK((found.layers == 12 && found.steps == 2));
    check_tiling(found);
  }
}

TEST_CASE("random traces are tiled whatever the rule finds in them") {
  std::mt19937_64 random = tests::fresh_random();
  for (int round = 0; round < 150; ++round) {
    const auto t =
        tests::random_trace(random, {.events = 80, .names = 1 + static_cast<int>(random() % 8)});
    for (const uint32_t device : trace::active_devices(*t))
      check_tiling(trace::find_layers(*t, device));
  }
}

TEST_CASE("the medoid is a window that was recorded, closest to the median") {
  DecodeShape shape{.layers = 5};
  auto acts = tests::decode_acts(shape);
  // Lengthen the attention of layers 1 and 3 by moving everything after it.
  const std::vector<int64_t> longer{0, 900, 0, 500, 100};
  int layer = -1;
  int64_t shift = 0;
  for (auto& act : acts) {
    act.start_ns += shift;
    if (act.name == "attention") shift += longer[static_cast<size_t>(++layer)];
    act.end_ns += shift;
  }
  const auto found = trace::find_layers(*tests::make_trace(acts), 0);
  const auto medoid = trace::medoid_layer(found);
  REQUIRE(medoid);
  CHECK((medoid->label == "layer 4" && medoid->wall_ns() == 5 * 4001 + 100));
  CHECK(trace::medoid_step(found)->label == "step 0");
}
