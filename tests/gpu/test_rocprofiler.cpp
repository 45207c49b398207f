// The rocprofiler-sdk recorder against a stand-in: set up before the first HIP call, streams from HIP_STREAM, a graph's
// kernels by the order of their dispatch. A process sets its profiler up once, so each case that needs another one says
// so and is skipped when it is not the first. None of this has run on AMD hardware.
#include <catch2/catch_get_random_seed.hpp>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <algorithm>
#include <random>
#include <set>

#include "engine/check.h"
#include "engine/gpu_device.h"
#include "engine/kernel_order.h"
#include "engine/session.h"
#include "tests/gpu/lib/hip_device.h"

using Catch::Matchers::ContainsSubstring;
using engine::ExpectedKernel;
using kernels::gpu::Device;
using kernels::gpu::TracedCall;
using kernels::gpu::TracedKernel;

namespace {

#define NEEDS_HIP() \
  if (!test::has_hip()) SKIP("this build has no gfx950 kernels: " << kernels::gpu::built_state("hip").why)

#define NEEDS_FIRST() \
  if (test::hip_was_opened()) SKIP("this process has another profiler already: run this case alone, as ctest does")

trace::RunSpec dual_stream_spec() {
  trace::RunSpec spec;
  spec.model = engine::check_model("tiny");
  spec.backend = "hip";
  spec.workload.batch = 2, spec.workload.context = 100, spec.workload.max_context = 512;
  spec.workload.steps = 2, spec.workload.warmup = 1;
  spec.workload.seed = Catch::getSeed();
  spec.toggles = trace::ToggleSet::all_off();
  REQUIRE(spec.toggles.set(trace::ToggleKey::streams, "dual").ok());
  return spec;
}

TracedKernel record(const std::string& name, uint64_t order, uint32_t queue) {
  TracedKernel k;
  k.name = name, k.order = order, k.queue = queue, k.start_ns = static_cast<int64_t>(order * 10), k.end_ns = k.start_ns + 5;
  return k;
}

}  // namespace

TEST_CASE("a step's timeline from rocprofiler-sdk, eager and as a graph, on two streams") {
  NEEDS_HIP();
  NEEDS_FIRST();
  fake_rocprofiler::State& profiler = test::fake_profiler();
  engine::use_gpu_device("hip", test::open_fake_hip());
  REQUIRE(profiler.log == std::vector<std::string>{"configure decodescope", "start naming"});
  for (const char* launch : {"eager", "graph"}) {
    trace::RunSpec spec = dual_stream_spec();
    REQUIRE(spec.toggles.set(trace::ToggleKey::launch, launch).ok());
    auto session = engine::Session::load(spec);
    if (!session) FAIL(session.error().line());
    INFO(launch << ", seed " << Catch::getSeed());
    const auto run = (*session)->record({.name = "rocprofiler"});
    if (!run) FAIL(run.error().line());
    const trace::Trace& trace = *(*run)->trace;
    CHECK_THAT(trace.collector.name, ContainsSubstring("rocprofiler-sdk 1.2.1"));
    CHECK(trace.events.size() == 2 * (*session)->plan().ops.size());
    CHECK(std::all_of(trace.events.begin(), trace.events.end(), [](const trace::Event& e) { return e.end_ns - e.start_ns == 60; }));
    // Eager, a call a kernel; of a graph one call launched them all. Each call began before its kernels.
    const bool graph = std::string_view(launch) == "graph";
    CHECK(trace.calls.size() == (graph ? 2 : trace.events.size()));
    for (const trace::Event& e : trace.events) {
      REQUIRE(e.call != trace::kNone);
      CHECK(trace.strings[trace.calls[e.call].name] == (graph ? "hipGraphLaunch" : "hipModuleLaunchKernel"));
      CHECK(trace.calls[e.call].correlation == e.correlation);
      CHECK(trace.calls[e.call].start_ns < e.start_ns);
    }
  }
  CHECK(std::count(profiler.log.begin(), profiler.log.end(), "start tracing") == std::count(profiler.log.begin(), profiler.log.end(), "stop tracing"));
  engine::use_gpu_device("hip", nullptr);
}

TEST_CASE("records of the runtime's own kernels are left out, a stream is numbered by HIP") {
  NEEDS_HIP();
  NEEDS_FIRST();
  fake_rocprofiler::State& profiler = test::fake_profiler();
  const auto device = test::open_fake_hip();
  std::string why;
  CHECK(device->profiler(&why) == "rocprofiler-sdk 1.2.1");
  void* memory = nullptr;
  REQUIRE(device->allocate(4096, &memory).ok());
  kernels::FillArgs fill;
  fill.out = memory, fill.n = 8;
  const kernels::OpArgs op = fill;
  REQUIRE(device->begin_trace().error == "");
  REQUIRE(device->launch(kernels::gpu::launch_of(op, device->info().traits), 0).ok());
  REQUIRE(device->launch(kernels::gpu::launch_of(op, device->info().traits), 1).ok());
  profiler.loaded("__amd_rocclr_fillBufferAligned.kd");
  profiler.dispatched("__amd_rocclr_fillBufferAligned.kd", 0, 0);
  std::vector<TracedKernel> records;
  std::vector<TracedCall> calls;
  REQUIRE(device->end_trace(&records, &calls).error == "");
  REQUIRE(records.size() == 2);
  CHECK((records[0].name == "ds_fill" && records[1].name == "ds_fill"));
  std::vector<uint32_t> streams{records[0].stream, records[1].stream};
  std::sort(streams.begin(), streams.end());
  CHECK((streams[1] == streams[0] + 1));  // HIP's own numbers
  CHECK(records[0].end_ns - records[0].start_ns == 60);
}

TEST_CASE("callback records from before 1.0 are read too") {
  NEEDS_HIP();
  NEEDS_FIRST();
  test::fake_profiler().old_callbacks = true;
  const auto device = test::open_fake_hip();
  void* memory = nullptr;
  REQUIRE(device->allocate(4096, &memory).ok());
  kernels::FillArgs fill;
  fill.out = memory, fill.n = 8;
  const kernels::OpArgs op = fill;
  REQUIRE(device->begin_trace().error == "");
  REQUIRE(device->launch(kernels::gpu::launch_of(op, device->info().traits), 1).ok());
  std::vector<TracedKernel> records;
  std::vector<TracedCall> calls;
  REQUIRE(device->end_trace(&records, &calls).error == "");
  REQUIRE(records.size() == 1);
  CHECK((records[0].name == "ds_fill" && records[0].stream == 1));
  REQUIRE(calls.size() == 1);
  CHECK((calls[0].name == "hipModuleLaunchKernel" && calls[0].end_ns - calls[0].start_ns == 8 && calls[0].thread == 4711));
  CHECK(calls[0].correlation == records[0].correlation);
}

TEST_CASE("records that are shorter than known are refused") {
  NEEDS_HIP();
  NEEDS_FIRST();
  test::fake_profiler().record_bytes = 64;
  const auto device = test::open_fake_hip();
  void* memory = nullptr;
  REQUIRE(device->allocate(4096, &memory).ok());
  kernels::FillArgs fill;
  fill.out = memory, fill.n = 8;
  const kernels::OpArgs op = fill;
  REQUIRE(device->begin_trace().error == "");
  REQUIRE(device->launch(kernels::gpu::launch_of(op, device->info().traits), 0).ok());
  std::vector<TracedKernel> records;
  std::vector<TracedCall> calls;
  CHECK_THAT(device->end_trace(&records, &calls).error, ContainsSubstring("1 records are shorter"));
}

TEST_CASE("without streams in its callbacks, a record's queue stands for its stream") {
  NEEDS_HIP();
  NEEDS_FIRST();
  test::fake_profiler().knows_streams = false;
  test::fake_profiler().knows_calls = false;
  engine::use_gpu_device("hip", test::open_fake_hip());
  trace::RunSpec spec = dual_stream_spec();
  for (const char* launch : {"eager", "graph"}) {
    REQUIRE(spec.toggles.set(trace::ToggleKey::launch, launch).ok());
    auto session = engine::Session::load(spec);
    if (!session) FAIL(session.error().line());
    const auto run = (*session)->record({.name = "queues"});
    if (!run) FAIL(run.error().line());
    const trace::Trace& trace = *(*run)->trace;
    CHECK(trace.events.size() == 2 * (*session)->plan().ops.size());
    CHECK(trace.calls.empty());  // nor does it name its calls
    // A graph's ops are one launch all the same.
    std::set<int64_t> launches;
    for (const trace::Event& e : trace.events) launches.insert(e.correlation);
    CHECK(launches.size() == (std::string_view(launch) == "graph" ? 2 : trace.events.size()));
  }
  engine::use_gpu_device("hip", nullptr);
}

TEST_CASE("no profiler, one of another major version: a line, and the device works on") {
  NEEDS_HIP();
  NEEDS_FIRST();
  std::string why;
  if (Catch::getSeed() % 2) {
    test::fake_profiler().version[0] = 2;
    CHECK(test::open_fake_hip()->profiler(&why).empty());
    CHECK_THAT(why, ContainsSubstring("rocprofiler-sdk 2.2, its records are known for version 1"));
  } else {
    setenv("DECODESCOPE_ROCPROFILER", "off", 1);
    const auto device = test::open_fake_hip();
    CHECK(device->profiler(&why).empty());
    CHECK_THAT(why, ContainsSubstring("DECODESCOPE_ROCPROFILER=off"));
    CHECK_THAT(device->begin_trace().error, ContainsSubstring("off"));
    CHECK_FALSE(device->lost());
  }
}

TEST_CASE("kernels of a launch are told apart by their order, whatever the interleaving") {
  std::mt19937 random(static_cast<unsigned>(Catch::getSeed()));
  const auto below = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
  for (int round = 0; round < 200; ++round) {
    const int count = 1 + below(40), kinds = 1 + below(4);
    std::vector<ExpectedKernel> expected;
    for (int i = 0; i < count; ++i) expected.push_back({"ds_" + std::to_string(below(kinds)), below(3) == 0 ? 1 : 0});
    // An interleaving of the two streams, each on a queue of its own.
    std::vector<size_t> streams[2];
    for (size_t i = 0; i < expected.size(); ++i) streams[expected[i].stream].push_back(i);
    std::vector<TracedKernel> records;
  std::vector<TracedCall> calls;
    std::vector<size_t> truth(expected.size());
    for (size_t at[2] = {0, 0}; records.size() < expected.size();) {
      int s = below(2);
      if (at[s] == streams[s].size()) s = 1 - s;
      const size_t op = streams[s][at[s]++];
      truth[op] = records.size();
      records.push_back(record(expected[op].name, records.size() + 1, static_cast<uint32_t>(s)));
    }
    const std::vector<size_t> found = engine::match_kernels(expected, records, true);
    INFO("seed " << Catch::getSeed() << ", round " << round);
    REQUIRE(found.size() == expected.size());
    bool names = true;
    for (size_t i = 0; i < found.size(); ++i) names = names && records[found[i]].name == expected[i].name;
    CHECK(names);
    for (const auto& stream : streams) CHECK(std::is_sorted(stream.begin(), stream.end(), [&](size_t a, size_t b) { return found[a] < found[b]; }));
    // With names that say enough it is the truth.
    std::vector<ExpectedKernel> distinct = expected;
    for (size_t i = 0; i < distinct.size(); ++i) distinct[i].name = "ds_" + std::to_string(i), records[truth[i]].name = distinct[i].name;
    CHECK(engine::match_kernels(distinct, records, true) == truth);
    // One record of another kernel: no match.
    records[truth[static_cast<size_t>(below(count))]].name = "ds_other";
    CHECK(engine::match_kernels(distinct, records, true).empty());
  }
}

TEST_CASE("where names say nothing, a queue stays with its stream") {
  const std::vector<ExpectedKernel> expected{{"ds_a", 0}, {"ds_b", 1}, {"ds_b", 0}, {"ds_b", 1}, {"ds_b", 0}};
  std::vector<TracedKernel> records{record("ds_a", 1, 5), record("ds_b", 2, 5), record("ds_b", 3, 6), record("ds_b", 4, 5), record("ds_b", 5, 6)};
  CHECK(engine::match_kernels(expected, records, true) == std::vector<size_t>{0, 2, 1, 4, 3});
}

TEST_CASE("graph nodes say more than order does") {
  const std::vector<ExpectedKernel> expected{{"ds_a", 0}, {"ds_a", 1}, {"ds_b", 0}};
  std::vector<TracedKernel> records{record("ds_b", 1, 0), record("ds_a", 2, 0), record("ds_filler", 3, 0), record("ds_a", 4, 0)};
  records[0].graph_node = 12, records[1].graph_node = 11, records[3].graph_node = 10;
  CHECK(engine::match_kernels(expected, records, true) == std::vector<size_t>{2, 1, 0});
  CHECK(records.size() == 3);
}
