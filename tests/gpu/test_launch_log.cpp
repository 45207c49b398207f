// Launch calls timed by the program itself: which call launched which kernels, and when nothing may be said.
#include <catch2/catch_test_macros.hpp>

#include "engine/kernel_order.h"
#include "kernels/gpu/launch_log.h"
#include "kernels/gpu/runtime.h"

using namespace kernels::gpu;

namespace {

TracedKernel kernel(int64_t start_ns, uint32_t correlation, const char* name = "ds_scale") {
  TracedKernel k;
  k.name = name, k.start_ns = start_ns, k.end_ns = start_ns + 10, k.correlation = correlation;
  return k;
}

TracedCall call(int64_t start_ns) {
  TracedCall c;
  c.name = "launch", c.start_ns = start_ns, c.end_ns = start_ns + 5;
  return c;
}

int64_t ticks = 0;
int64_t tick() { return ++ticks; }

// A runtime whose calls all succeed; "scale" alone has a kernel.
const RuntimeCalls& quiet_calls() {
  static const RuntimeCalls all = [] {
    RuntimeCalls c;
    c.name = "quiet", c.launch_name = "oneKernel", c.graph_launch_name = "oneGraph";
    c.error_name = c.error_text = [](int) { return "never"; };
    c.last_error = [] { return 0; };
    c.stream_create = [](void** out, unsigned) { *out = &ticks; return 0; };
    c.stream_destroy = c.stream_synchronize = c.event_destroy = c.graph_destroy = c.graph_exec_destroy = [](void*) { return 0; };
    c.capture_begin = [](void*, int) { return 0; };
    c.capture_end = [](void*, void** graph) { *graph = &ticks; return 0; };
    c.graph_instantiate = [](void** exec, void*, unsigned long long) { *exec = &ticks; return 0; };
    c.graph_launch = [](void*, void*) { return 0; };
    c.launch = [](const void*, unsigned x, unsigned, unsigned, size_t, int, bool, void*, void**) { return x == 13 ? 7 : 0; };
    return c;
  }();
  return all;
}

class Quiet final : public RuntimeDevice {
 public:
  Quiet() : RuntimeDevice(quiet_calls()) { REQUIRE(make_streams().ok()); }
  LaunchLog& log() { return m_log; }

 private:
  const void* function(Kernel) override { return &ticks; }
};

}  // namespace

TEST_CASE("which call launched an op: by correlation where calls have one, else by their order") {
  // Ops in the plan's order are the records 1, 0, 2.
  const std::vector<size_t> order{1, 0, 2};
  const std::vector<TracedKernel> records{kernel(120, 9), kernel(130, 5), kernel(140, 9)};
  std::vector<TracedCall> told{call(100), call(110)};
  told[0].correlation = 5, told[1].correlation = 9;
  CHECK(engine::calls_of_ops(order, records, told, false) == std::vector<int>{0, 1, 1});
  told[1].correlation = 8;  // of something else
  CHECK(engine::calls_of_ops(order, records, told, false) == std::vector<int>{0, -1, -1});
  // Without, whatever the kernels' correlations say.
  std::vector<TracedCall> three{call(100), call(105), call(110)};
  CHECK(engine::calls_of_ops(order, records, three, false) == std::vector<int>{0, 1, 2});
  std::vector<TracedCall> one{call(100)};
  CHECK(engine::calls_of_ops(order, records, one, true) == std::vector<int>{0, 0, 0});
  CHECK((three.size() == 3 && one.size() == 1));
}

TEST_CASE("calls that do not fit the kernels are dropped, a graph's ops stay one launch") {
  const std::vector<size_t> order{0, 1};
  const std::vector<TracedKernel> records{kernel(120, 5), kernel(130, 6)};
  const auto dropped = [&](std::vector<TracedCall> calls, bool graph) {
    const auto of_op = engine::calls_of_ops(order, records, calls, graph);
    return calls.empty() && of_op == std::vector<int>(2, graph ? 0 : -1);
  };
  CHECK(dropped({}, false));
  CHECK(dropped({}, true));
  CHECK(dropped({call(100)}, false));
  CHECK(dropped({call(100), call(110)}, true));
  // Another clock: a kernel began a second before its call. Microseconds are the clocks' error.
  CHECK(dropped({call(1'000'000'000)}, true));
  CHECK(dropped({call(100), call(1'000'000'000)}, false));
  CHECK(!dropped({call(20'000)}, true));
}

TEST_CASE("a device logs the launches that run, and those of graphs, while it is asked to") {
  Quiet device;
  Launch launch;
  launch.kernel = Kernel::scale, launch.grid_x = 2;
  REQUIRE(device.launch(launch, 0).ok());  // before the log
  ticks = 0;
  device.log().begin(tick);
  REQUIRE(device.launch(launch, 0).ok());
  Launch nothing = launch;
  nothing.grid_x = 0;
  REQUIRE(device.launch(nothing, 0).ok());
  std::unique_ptr<Graph> graph;
  REQUIRE(device.begin_capture().ok());
  REQUIRE(device.launch(launch, 0).ok());
  REQUIRE(device.launch(launch, 0).ok());
  REQUIRE(device.end_capture(&graph).ok());
  REQUIRE(device.launch(*graph, 0).ok());
  const auto calls = device.log().end();
  REQUIRE(calls.size() == 2);
  CHECK(calls[0].name == "oneKernel");
  CHECK(calls[0].end_ns == calls[0].start_ns + 1);
  CHECK(calls[1].name == "oneGraph");
  CHECK(calls[1].start_ns > calls[0].end_ns);
  CHECK(!device.log().on());
  // A launch that fails has launched nothing.
  device.log().begin(tick);
  launch.grid_x = 13;
  CHECK(!device.launch(launch, 0).ok());
  CHECK(device.log().end().empty());
}
