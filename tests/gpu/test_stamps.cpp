// Stamps: what a stamped kernel writes, by the very source that GPUs compile, run lane by lane; the HIP host code's launches
// of stamped forms against a stand-in runtime; the probing of the device's clock, on emulated clocks that are apart by known
// amounts. None of this has run on AMD hardware.
#define GPU_WAVE 64
#include "kernels/gpu/gpu.h"
#include "kernels/gpu/stamp.h"

#include <catch2/catch_get_random_seed.hpp>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <algorithm>
#include <cmath>

#include "engine/accounting.h"
#include "engine/check.h"
#include "engine/clock_probe.h"
#include "engine/gpu_device.h"
#include "engine/gpu_step.h"
#include "engine/session.h"
#include "tests/emulator/lib/device.h"
#include "tests/emulator/lib/simt.h"
#include "tests/gpu/lib/hip_device.h"

using kernels::gpu::StampSlot;

namespace {

#define NEEDS_HIP() \
  if (!test::has_hip()) SKIP("this build has no gfx950 kernels: " << kernels::gpu::built_state("hip").why)

struct FreshClock {
  FreshClock() { simt::device_clock() = {}; }
  ~FreshClock() { simt::device_clock() = {}; }
};

// A block of several waves that do unequal work and meet at a barrier; what each thread saw of the clock first and last.
struct Seen {
  uint32_t first = 0, last = 0;
};
std::vector<Seen> run_stamped(const simt::Grid& grid, std::vector<StampSlot>& slots) {
  namespace gpu = kernels::gpu_w64;
  slots.assign(static_cast<size_t>(grid.x * grid.y), {});
  std::vector<Seen> seen(slots.size() * static_cast<size_t>(grid.threads));
  simt::launch(grid, [&] {
    gpu::stamped(slots.data(), [&] {
      Seen& mine = seen[gpu::block_number() * static_cast<size_t>(grid.threads) + static_cast<size_t>(gpu::thread_id())];
      mine.first = gpu::device_clock_low();
      for (int i = 0; i < gpu::wave_id() * 3; ++i) gpu::wave_barrier();  // later waves take longer
      gpu::barrier();
      for (int i = 0; i < gpu::wave_id() * 5; ++i) gpu::wave_barrier();
      mine.last = gpu::device_clock_low();
      if (gpu::wave_id() % 2) return;  // of the body, not of the kernel
      mine.last = gpu::device_clock_low();
    });
  });
  return seen;
}

}  // namespace

TEST_CASE("a block's stamps hold all that its threads did, in whatever order its waves run") {
  const FreshClock fresh;
  for (const simt::Order order : {simt::Order::forward, simt::Order::reversed, simt::Order::shuffled}) {
    const simt::Grid grid{3, 2, 256, 64, 0, order};
    std::vector<StampSlot> slots;
    const std::vector<Seen> seen = run_stamped(grid, slots);
    for (size_t b = 0; b < slots.size(); ++b) {
      INFO("block " << b);
      CHECK(slots[b].unit == b % simt::device_clock().units);
      CHECK(slots[b].begin < slots[b].end);
      for (size_t t = 0; t < 256; ++t) {
        const Seen& s = seen[b * 256 + t];
        CHECK(slots[b].end > s.last);
        if (t == 0) CHECK(slots[b].begin < s.first);  // in lockstep with its wave on hardware, lane by lane here
      }
    }
  }
}

TEST_CASE("a stamped launch computes what the plain one does, and stamps follow the order of launches") {
  NEEDS_HIP();
  const auto device = test::open_fake_hip();
  fake_hip::State& fake = test::fake_hip_runtime();  // anew, so that its log begins here
  REQUIRE(device->can_stamp());
  CHECK((device->info().clock.tick_ns == 10 && device->info().clock.group == "XCC"));
  void *memory = nullptr, *slots = nullptr;
  constexpr int64_t kFloats = 3000;
  REQUIRE(device->allocate(kFloats * 4, &memory).ok());
  REQUIRE(device->allocate(4096, &slots).ok());
  kernels::FillArgs fill;
  fill.out = memory, fill.n = kFloats, fill.value = 2.5f, fill.format = kernels::Format::f32;
  const kernels::OpArgs op = fill;
  kernels::gpu::Launch launch = kernels::gpu::launch_of(op, device->info().traits);
  const int64_t blocks = launch.grid_x * launch.grid_y;
  REQUIRE((blocks > 1 && 2 * blocks * 16 <= 4096));
  for (int i = 0; i < 2; ++i) {
    launch.stamps = static_cast<StampSlot*>(slots) + i * blocks;
    REQUIRE(device->launch(launch, 0).error == "");
  }
  CHECK(fake.log.back() == "hipModuleLaunchKernel ds_fill_stamped " + std::to_string(blocks) + "x1 256 0 stream 0");
  std::vector<float> out(kFloats);
  REQUIRE(device->download(out.data(), memory, kFloats * 4).ok());
  CHECK(out == std::vector<float>(kFloats, 2.5f));
  std::vector<StampSlot> seen(static_cast<size_t>(2 * blocks));
  REQUIRE(device->download(seen.data(), slots, 2 * blocks * 16).ok());
  for (const StampSlot& s : seen) {
    CHECK(s.begin < s.end);
    CHECK((s.unit >> 8) < 2);    // XCC
    CHECK((s.unit & 0xff) < 4);  // compute unit
  }
  const auto begin = [](const StampSlot& a, const StampSlot& b) { return a.begin < b.begin; };
  const auto end = [](const StampSlot& a, const StampSlot& b) { return a.end < b.end; };
  CHECK(std::max_element(seen.begin(), seen.begin() + blocks, end)->end < std::min_element(seen.begin() + blocks, seen.end(), begin)->begin);
  device->release(memory), device->release(slots);
}

TEST_CASE("a step's stamps on the HIP host code, though the clock's low half wraps within it") {
  NEEDS_HIP();
  engine::use_gpu_device("hip", test::open_fake_hip());
  trace::RunSpec spec;
  spec.model = engine::check_model("tiny");
  spec.backend = "hip";
  spec.workload.batch = 2, spec.workload.context = 100, spec.workload.max_context = 512;
  spec.workload.seed = Catch::getSeed();
  spec.toggles = trace::ToggleSet::all_off();
  {
    auto session = engine::Session::load(spec);
    if (!session) FAIL(session.error().line());
    const engine::DecodePlan& plan = (*session)->plan();
    for (const uint64_t at : {uint64_t{1} << 20, (uint64_t{1} << 32) - 10000}) {
      simt::device_clock().ticks = at;
      std::vector<engine::Stamp> stamps(plan.ops.size());
      plan.gpu->run_stamped(plan, stamps);
      for (size_t i = 0; i < stamps.size(); ++i) {
        INFO(plan.ops[i].label << ", clock at " << at);
        CHECK(stamps[i].end_ns > stamps[i].start_ns);
        CHECK(stamps[i].start_ns % 10 == 0);
        // One stream: in the plan's order, 7,000 ns of the emulated clock between two launches.
        if (i > 0) CHECK(stamps[i].start_ns - stamps[i - 1].end_ns >= 7000);
        if (i > 0) CHECK(stamps[i].start_ns - stamps[i - 1].end_ns < 20000);
      }
      CHECK(simt::device_clock().ticks >> 32 == (at >> 31));
    }
  }
  engine::use_gpu_device("hip", nullptr);
}

TEST_CASE("the clock's step and what a read takes are found") {
  const FreshClock fresh;
  simt::device_clock().step = 4;
  const auto device = simt::emulated_device(32);
  const engine::ClockFigures f = engine::probe_clock(*device, true);
  CHECK(f.step_ns == 4);
  CHECK(f.read_ns > 0.9);
  CHECK(f.read_ns < 1.2);  // a tick a read, seen in steps of four
  CHECK(f.launches == 4);
  CHECK(f.blocks == 4 * 16);
  CHECK(f.contradiction.empty());
  CHECK(f.least_skew_ns == 0);
}

TEST_CASE("clocks that are apart are found within the bounds, and those that are not are said to be none") {
  NEEDS_HIP();
  const auto device = test::open_fake_hip();
  for (const int64_t ahead : {int64_t{0}, int64_t{5000}, int64_t{-70000}}) {
    simt::device_clock().ahead = [ahead](unsigned unit) { return unit % 2 ? ahead : 0; };  // XCC 1, in ticks of 10 ns
    const engine::ClockFigures f = engine::probe_clock(*device, true);
    REQUIRE(f.parts.size() == 2);
    INFO(ahead << ": " << f.parts[1].lo_ns << " .. " << f.parts[1].hi_ns);
    CHECK(f.step_ns == 10);
    CHECK((f.parts[0].id == 0 && f.parts[0].lo_ns == 0 && f.parts[0].hi_ns == 0));
    CHECK(f.parts[1].id == 1);
    CHECK(f.parts[1].lo_ns <= static_cast<double>(ahead) * 10);
    CHECK(f.parts[1].hi_ns >= static_cast<double>(ahead) * 10);
    CHECK(f.uncertainty_ns < 20000);  // the gap between two launches is 7,000 ns
    CHECK((f.least_skew_ns > 0) == (ahead != 0));
    CHECK(f.contradiction.empty());
  }
  // A clock that runs at another rate: no constant explains it.
  auto drifting = [at = 0](unsigned unit) mutable { return unit % 2 ? int64_t{at += 40} : 0; };
  simt::device_clock().ahead = drifting;
  CHECK(engine::probe_clock(*device, true).contradiction == "XCC 1");
}

TEST_CASE("the figures of a clock: an empty probe, a part seen once, nothing to bound it") {
  CHECK(engine::clock_figures({}, {}).parts.empty());
  engine::ClockBlock block;
  std::fill(block.reads.begin(), block.reads.end(), 7u);
  const engine::ClockFigures f = engine::clock_figures({{block}}, {});
  CHECK(f.step_ns == 0);  // it never moved
  CHECK(f.parts.size() == 1);
  engine::ClockBlock other = block;
  other.unit = 5;
  CHECK(std::isinf(engine::clock_figures({{block, other}}, {}).parts[1].hi_ns));
}
