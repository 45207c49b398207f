// The recordings that come with the program: each opens, says what it was made on, and adds up.
#include <catch2/catch_test_macros.hpp>

#include <filesystem>

#include "db/bundle.h"
#include "trace/bubbles.h"
#include "trace/stamps.h"

namespace {

// Launches: between steps the device waited for the host, which the recorder kept; within a step of a graph only for its edges and calls.
void check_launches(const trace::Trace& t, bool graph) {
  using enum trace::BubbleCause;
  int64_t told = 0, kernels = 0;
  for (const trace::Event& e : t.events) {
    if (t.device_of(e) != 0) continue;
    ++kernels;
    told += e.call != trace::kNone;
  }
  CHECK(told == kernels);
  if (!graph) CHECK(static_cast<int64_t>(t.calls.size()) == kernels);
  const trace::BubbleReport r = trace::classify(t, trace::whole(t, 0));
  int64_t between = 0;
  for (const trace::Bubble& b : r.bubbles) {
    if (b.scope != trace::BubbleScope::between_steps) {
      if (graph) CHECK(b.cause != unknown);
      continue;
    }
    between += b.ns();
    CHECK((b.cause == host && !b.cause_is_guess));
  }
  CHECK(between > 0);
  CHECK(trace::recorders_idle_ns(t, r) == between);
}

}  // namespace

TEST_CASE("recordings of an H200 open from their bundles, both clocks of the same launches") {
  int found = 0, with_stamps = 0;
  for (const auto& file : std::filesystem::directory_iterator(std::string(DS_SOURCE_DIR) + "/assets/samples")) {
    const std::string name = file.path().filename().string();
    if (!name.starts_with("h200-") || file.path().extension() != ".decodescope") continue;
    ++found;
    INFO(name);
    CHECK(std::filesystem::file_size(file.path()) < (2u << 20));
    const auto runs = db::read_bundle(file.path().string());
    REQUIRE(runs);
    for (const trace::Run& run : *runs) {
      CHECK(run.backend == "cuda");
      CHECK(run.device.find("H200") != std::string::npos);
      CHECK_FALSE(run.program.empty());
      CHECK_FALSE(run.created.empty());
      REQUIRE(run.spec);
      CHECK(run.spec->workload.tp == 8);
      REQUIRE(run.trace);
      const auto stamps = trace::stamps_of(*run.trace, 0);
      with_stamps += stamps.has_value();
      int64_t by_device[2] = {};
      for (const trace::Event& e : run.trace->events) ++by_device[trace::is_stamps(run.trace->devices[run.trace->device_of(e)])];
      CHECK(by_device[0] > 0);
      if (stamps) CHECK(by_device[0] == by_device[1]);
      check_launches(*run.trace, run.spec->toggles.value(trace::ToggleKey::launch) == "graph");
    }
  }
  CHECK(found >= 3);
  CHECK(with_stamps >= 3);
}
