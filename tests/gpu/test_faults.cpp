// What goes wrong on a GPU ends the run with a line and nothing else: too big is refused beforehand, an allocation that
// fails and a device that is lost are survived, a profiler that is denied is done without. On the stand-in HIP runtime;
// tests/device/faults.sh does the same on a real device.
#include <catch2/catch_get_random_seed.hpp>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <algorithm>

#include "engine/check.h"
#include "engine/gpu_device.h"
#include "engine/gpu_step.h"
#include "engine/host.h"
#include "engine/session.h"
#include "tests/gpu/lib/hip_device.h"

using Catch::Matchers::ContainsSubstring;

namespace {

#define NEEDS_HIP() \
  if (!test::has_hip()) SKIP("this build has no gfx950 kernels: " << kernels::gpu::built_state("hip").why)

trace::RunSpec small_spec(const char* launch) {
  trace::RunSpec spec;
  spec.model = engine::check_model("tiny");
  spec.backend = "hip";
  spec.workload.batch = 2, spec.workload.context = 100, spec.workload.max_context = 512;
  spec.workload.steps = 2, spec.workload.warmup = 0;
  spec.workload.seed = Catch::getSeed();
  spec.toggles = trace::ToggleSet::all_off();
  REQUIRE(spec.toggles.set(trace::ToggleKey::launch, launch).ok());
  return spec;
}

// The stand-in as the engine's device; given back at the end.
struct Hip {
  Hip() { engine::use_gpu_device("hip", test::open_fake_hip()); }
  ~Hip() { engine::use_gpu_device("hip", nullptr); }
  fake_hip::State& fake = test::fake_hip_runtime();
};

std::string failure_of(const std::function<void()>& work) {
  try {
    work();
  } catch (const std::runtime_error& e) {
    return e.what();
  }
  return {};
}

std::string load_error(const trace::RunSpec& spec) {
  std::string line;
  const std::string thrown = failure_of([&] {
    const auto session = engine::Session::load(spec);
    if (!session) line = session.error().line();
  });
  return line.empty() ? thrown : line;
}

bool one_line(const std::string& text) {
  return !text.empty() && text.find('\n') == std::string::npos;
}

}  // namespace

TEST_CASE("what does not fit on a device is refused beforehand, with the bytes of each part") {
  NEEDS_HIP();
  Hip hip;
  hip.fake.memory = hip.fake.used + (1 << 20);
  const int64_t before = hip.fake.used;
  const std::string line = load_error(small_spec("graph"));
  CHECK_THAT(line, ContainsSubstring("does not fit on the device: needs ") && ContainsSubstring("experts ") &&
                       ContainsSubstring("KV cache ") && ContainsSubstring("buffers and tables ") &&
                       ContainsSubstring("free are 1 MiB"));
  CHECK(one_line(line));
  CHECK(hip.fake.used == before);
  CHECK(std::none_of(hip.fake.log.begin(), hip.fake.log.end(), [](const std::string& c) { return c.starts_with("hipMalloc"); }));
}

TEST_CASE("whichever allocation fails, nothing is kept and the next request works") {
  NEEDS_HIP();
  Hip hip;
  const int64_t before = hip.fake.used;
  int allocations = 0;
  for (int nth = 1;; ++nth) {
    hip.fake.fail = "hipMalloc", hip.fake.code = 2, hip.fake.after = nth;
    const std::string line = load_error(small_spec("graph"));
    if (line.empty()) break;
    allocations = nth;
    INFO("allocation " << nth << ": " << line);
    CHECK(one_line(line));
    CHECK_THAT(line, ContainsSubstring("can't be had"));
    CHECK(hip.fake.used == before);
    CHECK_FALSE((*engine::gpu_device("hip"))->lost());
  }
  CHECK(allocations >= 5);  // weights, caches, buffers, tables ...
  hip.fake.fail.clear();
  auto session = engine::Session::load(small_spec("graph"));
  REQUIRE(session);
  CHECK((*session)->step().kernels > 20);
}

TEST_CASE("a device error while stepping names op, shape and launch; afterwards the program goes on") {
  NEEDS_HIP();
  Hip hip;
  const auto execute = hip.fake.execute;
  for (const char* launch : {"eager", "graph", "sync"}) {
    const bool sync = std::string_view(launch) == "sync";
    trace::RunSpec spec = small_spec(sync ? "graph" : launch);
    if (sync) spec.set["sync"] = "on";
    INFO(launch << ", seed " << Catch::getSeed());
    auto session = engine::Session::load(spec);
    REQUIRE(session);
    hip.fake.execute = [&](const std::string& name, auto&&... rest) {
      if (name == "ds_moe_sort") throw std::runtime_error("a memory access fault");
      execute(name, rest...);
    };
    const std::string line = failure_of([&] { (*session)->step(); });
    CHECK(one_line(line));
    CHECK_THAT(line, ContainsSubstring("unspecified launch failure (hipErrorLaunchFailure)"));
    if (sync)
      CHECK_THAT(line, ContainsSubstring("the last launch was moe_sort on 1 x 1 blocks of ") && ContainsSubstring("layer 1 moe_sort: moe_sort, ") &&
                           ContainsSubstring(" i32 "));
    else
      CHECK_THAT(line, ContainsSubstring("--set sync=on names the op"));
    if (std::string_view(launch) == "graph") CHECK_THAT(line, ContainsSubstring("the last launch was a graph of "));
    CHECK((*session)->plan().gpu->device().lost());

    // The runtime is well again; the session is still there, on what was lost.
    hip.fake.execute = execute, hip.fake.broken = 0;
    auto next = engine::Session::load(small_spec("graph"));
    REQUIRE(next);
    CHECK((*next)->step().kernels > 20);
    session = std::move(next);  // and now it goes
  }
}

TEST_CASE("a launch that is refused names op, shape and launch at once") {
  NEEDS_HIP();
  Hip hip;
  auto session = engine::Session::load(small_spec("eager"));
  REQUIRE(session);
  hip.fake.fail = "hipModuleLaunchKernel", hip.fake.code = 1, hip.fake.after = 4;
  const std::string line = failure_of([&] { (*session)->step(); });
  hip.fake.fail.clear();
  CHECK(one_line(line));
  CHECK_THAT(line, ContainsSubstring("hip: launching ") && ContainsSubstring(" blocks of ") && ContainsSubstring("bytes of shared memory") &&
                       ContainsSubstring("layer 0 ") && ContainsSubstring(" x "));
}

TEST_CASE("a host lives through a device that is lost while it records") {
  NEEDS_HIP();
  Hip hip;
  const auto execute = hip.fake.execute;
  engine::Host host("test");
  const auto until = [&](auto&& wanted) {
    for (int i = 0; i < 600; ++i) {
      host.wait(100);
      for (const trace::Reply& r : host.poll()) {
        if (wanted(r)) return true;
      }
    }
    return false;
  };
  const auto is_phase = [](trace::reply::Phase phase) {
    return [phase](const trace::Reply& r) {
      const auto* s = std::get_if<trace::reply::State>(&r);
      return s && s->phase == phase;
    };
  };
  std::string said;
  const auto failed = [&](const trace::Reply& r) {
    if (const auto* f = std::get_if<trace::reply::Failed>(&r)) said = f->error.line();
    return !said.empty();
  };
  host.post(trace::request::Start{small_spec("eager")});
  REQUIRE(until(is_phase(trace::reply::Phase::running)));
  host.post(trace::request::Pause{});
  REQUIRE(until(is_phase(trace::reply::Phase::paused)));
  hip.fake.execute = [&](const std::string& name, auto&&... rest) {
    if (name == "ds_argmax") throw std::runtime_error("a fault");
    execute(name, rest...);
  };
  host.post(trace::request::Record{});
  REQUIRE(until(failed));
  CHECK_THAT(said, ContainsSubstring("hipErrorLaunchFailure") && ContainsSubstring("recording"));
  REQUIRE(until(is_phase(trace::reply::Phase::idle)));  // what lay on the device is gone
  hip.fake.execute = execute, hip.fake.broken = 0;
  host.post(trace::request::Start{small_spec("eager")});
  REQUIRE(until(is_phase(trace::reply::Phase::running)));
  host.post(trace::request::Stop{});
  REQUIRE(until(is_phase(trace::reply::Phase::idle)));
}

TEST_CASE("a profiler that is there but denied: the device's events tell of the steps") {
  NEEDS_HIP();
  if (test::hip_was_opened()) SKIP("this process has another profiler already: run this case alone, as ctest does");
  fake_rocprofiler::State& profiler = test::fake_profiler();
  Hip hip;
  profiler.start_code = 24;
  {
    auto session = engine::Session::load(small_spec("graph"));
    REQUIRE(session);
    const auto run = (*session)->record({.name = "denied"});
    if (!run) FAIL(run.error().line());
    CHECK_THAT((*run)->trace->collector.name, ContainsSubstring("device events around each op, eager (rocprofiler-sdk: beginning: code 24)"));
    CHECK((*run)->trace->events.size() == 2 * (*session)->plan().ops.size());
  }
}
