// Workloads: imposed routing, shared prefixes, page orders, cache states.
#include <cmath>
#include <fstream>
#include <map>

#include "engine/capture.h"
#include "engine/equivalence.h"
#include "small_model.h"

using namespace engine;
using namespace engine::test;

namespace {

trace::Result<Routing> routing_of(const std::string& text, int64_t tokens = 64,
                                  int64_t experts = 32, int64_t k = 4) {
  Shape s;
  s.M = tokens, s.layers = 3, s.dense_layers = 1, s.experts = experts, s.experts_per_token = k;
  return Routing::parse(text, s, Catch::getSeed());
}

std::map<int32_t, int> counted(Routing& r, int64_t layer, int steps, int64_t tokens, int64_t k) {
  std::map<int32_t, int> counts;
  for (int step = 0; step < steps; ++step) {
    r.draw(step);
    for (int64_t i = 0; i < tokens * k; ++i) ++counts[r.ids(layer)[i]];
  }
  return counts;
}

}  // namespace

TEST_CASE("imposed experts: different ones a token, the same for the same seed and step") {
  for (const char* text : {"uniform", "zipf:1.01", "zipf:0", "zipf:10"}) {
    auto a = routing_of(text).value(), b = routing_of(text).value();
    CHECK(a.imposed());
    a.draw(7), b.draw(3), b.draw(7);
    bool differs = false;
    for (int64_t layer = 0; layer < 3; ++layer) {
      for (int64_t m = 0; m < 64; ++m) {
        std::map<int32_t, int> seen;
        for (int64_t i = 0; i < 4; ++i) {
          const int32_t id = a.ids(layer)[m * 4 + i];
          CHECK((id >= 0 && id < 32));
          CHECK(++seen[id] == 1);
          CHECK(id == b.ids(layer)[m * 4 + i]);
        }
      }
      differs |= !std::equal(a.ids(0), a.ids(0) + 256, a.ids(layer));
    }
    INFO(text);
    CHECK(differs);  // each layer its own
  }
  CHECK_FALSE(routing_of("router").value().imposed());
}

TEST_CASE("distributions have the shape they are named after") {
  auto uniform = routing_of("uniform").value();
  for (const auto& [id, n] : counted(uniform, 1, 40, 64, 4)) {
    // 10240 draws over 32 experts: 320 each, 5 standard deviations are 90.
    INFO("expert " << id << ", seed " << Catch::getSeed());
    CHECK(std::abs(n - 320) < 100);
  }
  auto zipf = routing_of("zipf:1.01", 64, 32, 1).value();
  std::vector<int> sorted;
  for (const auto& [id, n] : counted(zipf, 1, 100, 64, 1)) sorted.push_back(n);
  std::sort(sorted.rbegin(), sorted.rend());
  double sum = 0;
  for (int r = 1; r <= 32; ++r) sum += std::pow(r, -1.01);
  INFO("seed " << Catch::getSeed());
  CHECK(std::fabs(sorted[0] - 6400 / sum) < 250);
  CHECK(std::fabs(sorted[1] - 6400 * std::pow(2, -1.01) / sum) < 200);
}

TEST_CASE("counts from a file weigh the experts they name") {
  const std::string path = "engine_routing_counts.json";
  std::ofstream(path) << "[0, 5, 0, 1, 1, 0]";
  auto r = routing_of("counts:" + path, 64, 6, 2).value();
  const auto counts = counted(r, 1, 20, 64, 2);
  CHECK(counts.size() == 3);
  CHECK(counts.count(1) == 1);
  CHECK(counts.at(1) > counts.at(3));
  for (const auto& [text, word] : {std::pair{"counts:" + path, "each of 7 experts"},
                                   {std::string("counts:no_such"), "read"}}) {
    const auto refused = routing_of(text, 64, 7, 2);
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().line().find(word) != std::string::npos);
  }
  CHECK_FALSE(routing_of("counts:" + path, 64, 6, 4).ok());  // three experts for four places
  for (const char* bad : {"zipf", "zipf:", "zipf:x", "zipf:-1", "zipf:11", "power", ""})
    CHECK_FALSE(routing_of(bad).ok());
  std::remove(path.c_str());
}

TEST_CASE(
    "the experts of a step are the imposed ones, and both arms of a comparison see the same") {
  auto spec = small_spec(5, 100);
  spec.workload.routing = "zipf:1.01";
  auto session = load(spec);
  check_ops(*session);
  const int sort = find_op(session->plan(), "layer 1 append_shared");
  const auto& args =
      std::get<kernels::AppendSharedArgs>(session->plan().ops[static_cast<size_t>(sort)].args);
  CHECK(args.ids == session->model().sequences.routing().ids(1));
  const std::vector<int32_t> before(args.ids, args.ids + 10);
  session->step();
  CHECK(before != std::vector<int32_t>(args.ids, args.ids + 10));  // drawn anew each step

  auto b = make_arm(session->model(), with(spec.toggles, "cat_skip", "on"), session->arm().caches);
  REQUIRE(b.ok());
  CHECK(prove(session->model(), session->arm(), *b, trace::Equivalence::bitwise).ok);
}

TEST_CASE("page order and a shared prefix move slots, not results") {
  auto spec = small_spec(3, 150);
  auto base = load(spec);
  base->model().sequences.freeze_at(0);
  const StepImage want = capture_step(base->model(), base->arm());
  spec.workload.pages_shuffled = false;
  auto sequential = load(spec);
  sequential->model().sequences.freeze_at(0);
  const StepImage got = capture_step(sequential->model(), sequential->arm());
  const auto logits = [](Session& s, const StepImage& image) {
    return image[static_cast<size_t>(find_op(s.plan(), "lm_head"))];
  };
  CHECK(logits(*base, want) == logits(*sequential, got));
  bool moved = false;   // one page may lie where it lay, by chance
  for (int64_t sequence : {0, 1})
    for (int64_t position : {0, 64}) moved = moved || base->model().sequences.slot(sequence, position) != sequential->model().sequences.slot(sequence, position);
  CHECK(moved);
  spec.workload.shared_prefix = 0.8;
  auto shared = load(spec);
  CHECK(shared->model().sequences.shared_tokens() == 64);
  check_ops(*shared);
}

TEST_CASE("the cache state of a measurement is said") {
  auto spec = small_spec(2, 100);
  CHECK(cache_state(load(spec)->model()).find("as the step before left it") != std::string::npos);
  spec.set["cache"] = "cold";
  auto cold = load(spec);
  CHECK(cache_state(cold->model()).find("cold") != std::string::npos);
  CHECK(cold->step().kernels > 0);
}
