// The HIP host code against a stand-in runtime: what it calls with which arguments, in which order, and what it makes
// of errors. The stand-in runs nothing before it must, so what a forgotten wait would leave is poison.
// None of this has run on AMD hardware.
#include <catch2/catch_get_random_seed.hpp>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <algorithm>
#include <cstdlib>

#include "engine/gpu_probe.h"
#include "kernels/gpu/verify_device.h"
#include "tests/gpu/lib/hip_device.h"

using namespace kernels;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::Equals;
using gpu::Device;
using gpu::Launch;

namespace {

#define NEEDS_HIP() \
  if (!test::has_hip()) SKIP("this build has no gfx950 kernels: " << gpu::built_state("hip").why)

std::string refusal() {
  std::string why;
  const auto device = gpu::open_device("hip", &why);
  CHECK(device == nullptr);
  return why;
}

int64_t calls_of(const fake_hip::State& fake, const std::string& call) {
  return std::count_if(fake.log.begin(), fake.log.end(), [&](const std::string& line) { return line.starts_with(call); });
}

// A fill of n floats on the device, and what is there afterwards.
struct Fill {
  FillArgs args;
  OpArgs op;
  Launch launch;

  Fill(Device& device, void* out, int64_t n, float value) {
    args.out = out, args.n = n, args.value = value, args.format = Format::f32;
    op = args;
    launch = gpu::launch_of(op, device.info().traits);
  }
};
std::vector<float> floats_at(Device& device, const void* from, size_t n) {
  std::vector<float> out(n);
  REQUIRE(device.download(out.data(), from, static_cast<int64_t>(n * 4)).error == "");
  return out;
}
// y[i] = x[i] * factor
OpArgs scaling(const void* x, void* y, int64_t n, float factor) {
  ScaleArgs a;
  a.in = static_cast<const float*>(x), a.out = static_cast<float*>(y), a.n = n, a.factor = factor;
  return a;
}

}  // namespace

TEST_CASE("no HIP runtime, a wrong one, no device: a line each") {
  NEEDS_HIP();
  unsetenv("DECODESCOPE_HIP_RUNTIME");
  setenv("DECODESCOPE_HIP_RUNTIME", "libno-such-runtime.so", 1);
  CHECK_THAT(refusal(), ContainsSubstring("libno-such-runtime.so"));
  setenv("DECODESCOPE_HIP_RUNTIME", "libm.so.6", 1);
  CHECK_THAT(refusal(), Equals("hip: libm.so.6 has no hipGetErrorName"));
  fake_hip::State& fake = test::fake_hip_runtime();
  fake.devices = 0;
  CHECK_THAT(refusal(), Equals("hip: looking for devices: no ROCm-capable device is detected (hipErrorNoDevice)"));
  fake.devices = 1, fake.arch = "gfx942:sramecc+:xnack-", fake.name = "AMD Instinct MI300X";
  CHECK_THAT(refusal(), Equals("hip: AMD Instinct MI300X is gfx942:sramecc+:xnack-, the kernels of this build are for gfx950"));
  fake.arch = "gfx950", fake.wave = 32;
  CHECK_THAT(refusal(), ContainsSubstring("has waves of 32"));
  fake.wave = 64;
  for (const auto& [call, code] : {std::pair("hipModuleLoadData", 209), std::pair("hipModuleGetFunction", 500),
                                   std::pair("hipStreamCreateWithFlags", 2), std::pair("hipSetDevice", 101)}) {
    fake.fail = call, fake.code = code, fake.after = 1;
    CHECK_THAT(refusal(), ContainsSubstring("hip: "));
    CHECK((fake.streams == 0 && fake.modules == 0));
  }
}

TEST_CASE("the HIP device says what it is, and gives back what it took") {
  NEEDS_HIP();
  fake_hip::State& fake = test::fake_hip_runtime();
  {
    const auto device = test::open_fake_hip();
    CHECK(device->info().name == "AMD Instinct MI355X");
    CHECK(device->info().traits.wave == 64);
    CHECK(device->info().traits.lds_bytes == 160 * 1024);
    CHECK_THAT(device->info().runtime, ContainsSubstring("HIP 7.0.51831"));
    CHECK(calls_of(fake, "hipModuleGetFunction") == 2 * gpu::kCommonKernels);  // plain and stamped
    CHECK(fake.streams == Device::kStreams);
    CHECK(device->record(3, 0).ok());
  }
  CHECK((fake.streams == 0 && fake.events == 0 && fake.modules == 0));
}

TEST_CASE("every op through the HIP host code agrees with its reference") {
  NEEDS_HIP();
  const auto device = test::open_fake_hip();
  for (int i = 0; i < kOps; ++i) {
    const Op op = static_cast<Op>(i);
    for (uint64_t n = 0; n < 2; ++n) {
      Workspace workspace;
      Random random(Catch::getSeed() * 7919ull + n);
      const OpArgs args = make_case(op, workspace, random);
      if (gpu::launch_of(args, device->info().traits).refused == "no GPU kernel for this op yet") continue;
      const Verdict verdict = gpu::verify(*device, args, workspace);
      INFO(key_of(op) << ", seed " << Catch::getSeed() << ", case " << n << ": " << verdict.wrong);
      CHECK(verdict.ok());
    }
  }
}

TEST_CASE("a launch arrives with its grid, its shared memory and its stream") {
  NEEDS_HIP();
  fake_hip::State& fake = test::fake_hip_runtime();
  const auto device = test::open_fake_hip();
  const int64_t before = fake.used;
  void* memory = nullptr;
  REQUIRE(device->allocate(4096, &memory).ok());
  Fill fill(*device, memory, 1000, 2.5f);
  fill.launch.lds_bytes = 512;
  fake.log.clear();
  REQUIRE(device->launch(fill.launch, 1).error == "");
  CHECK(fake.log == std::vector<std::string>{"hipModuleLaunchKernel ds_fill 1x1 256 512 stream 1"});
  static_cast<FillArgs&>(fill.args).value = 9;  // the launch has its own copy
  CHECK(floats_at(*device, memory, 1000) == std::vector<float>(1000, 2.5f));
  Launch nothing = fill.launch;
  nothing.grid_x = 0;
  fake.log.clear();
  CHECK(device->launch(nothing, 0).ok());
  CHECK(fake.log.empty());
  device->release(memory);
  CHECK(fake.used == before);
}

TEST_CASE("streams join by events, eagerly and in a graph that is launched again") {
  NEEDS_HIP();
  fake_hip::State& fake = test::fake_hip_runtime();
  const auto device = test::open_fake_hip();
  void* memory = nullptr;
  REQUIRE(device->allocate(4 * 1024, &memory).ok());
  auto* x = static_cast<float*>(memory);
  float* y = x + 256;
  Fill fill(*device, x, 256, 3);
  const OpArgs twice = scaling(x, y, 256, 2), again = scaling(y, x, 256, 2);
  const auto step = [&] {  // fill on 0, double on 1, double on 0
    CHECK(device->launch(fill.launch, 0).error == "");
    CHECK(device->record(0, 0).error == "");
    CHECK(device->wait(0, 1).error == "");
    CHECK(device->launch(gpu::launch_of(twice, device->info().traits), 1).error == "");
    CHECK(device->record(1, 1).error == "");
    CHECK(device->wait(1, 0).error == "");
    CHECK(device->launch(gpu::launch_of(again, device->info().traits), 0).error == "");
  };
  step();
  CHECK(floats_at(*device, x, 256) == std::vector<float>(256, 12));
  std::unique_ptr<gpu::Graph> graph;
  REQUIRE(device->begin_capture().error == "");
  step();
  REQUIRE(device->end_capture(&graph).error == "");
  for (int i = 0; i < 2; ++i) {
    REQUIRE(device->set(memory, 0xff, 4 * 1024).error == "");
    fake.log.clear();
    REQUIRE(device->launch(*graph, 0).error == "");
    CHECK(fake.log == std::vector<std::string>{"hipGraphLaunch stream 0"});
    CHECK(floats_at(*device, x, 256) == std::vector<float>(256, 12));
  }
  CHECK(fake.graphs == 1);
  graph.reset();
  CHECK(fake.graphs == 0);
}

TEST_CASE("the stand-in sees a forgotten wait and a stream that is not joined") {
  NEEDS_HIP();
  const auto device = test::open_fake_hip();
  void* memory = nullptr;
  REQUIRE(device->allocate(4 * 1024, &memory).ok());
  auto* x = static_cast<float*>(memory);
  Fill fill(*device, x, 256, 3);
  const OpArgs twice = scaling(x, x + 256, 256, 2);
  REQUIRE(device->begin_capture().ok());
  CHECK(device->launch(fill.launch, 0).ok());
  CHECK(device->record(0, 0).ok());
  CHECK(device->wait(0, 1).ok());
  CHECK(device->launch(gpu::launch_of(twice, device->info().traits), 1).ok());
  std::unique_ptr<gpu::Graph> graph;
  CHECK_THAT(device->end_capture(&graph).error, ContainsSubstring("hipErrorStreamCaptureUnjoined"));
  CHECK(device->lost());

  const auto other = test::open_fake_hip();
  REQUIRE(other->launch(gpu::launch_of(twice, other->info().traits), 0).ok());
  REQUIRE(other->launch(fill.launch, 1).ok());
  CHECK(floats_at(*other, x + 256, 256) != std::vector<float>(256, 6));
}

TEST_CASE("events time what lies between them") {
  NEEDS_HIP();
  const auto device = test::open_fake_hip();
  double us = -1;
  REQUIRE(device->record(0, 0).ok());
  REQUIRE(device->record(1, 0).ok());
  CHECK_THAT(device->elapsed_us(0, 1, &us).error, ContainsSubstring("hipErrorNotReady"));
  REQUIRE(device->synchronize().ok());
  CHECK(device->elapsed_us(0, 1, &us).error == "");
  CHECK(us > 0);
}

TEST_CASE("too little memory is survived, a launch that fails is not") {
  NEEDS_HIP();
  fake_hip::State& fake = test::fake_hip_runtime();
  const auto device = test::open_fake_hip();
  void *large = nullptr, *memory = nullptr;
  CHECK_THAT(device->allocate(fake.memory + 1, &large).error, ContainsSubstring("can't be had"));
  CHECK_FALSE(device->lost());
  REQUIRE(device->allocate(4096, &memory).ok());
  const Fill fill(*device, memory, 1000, 1);

  // A fault while running is found at the next synchronisation, with the launch that may have been it.
  const auto execute = fake.execute;
  fake.execute = [](auto&&...) { throw std::runtime_error("a fault"); };
  CHECK(device->launch(fill.launch, 0).ok());
  CHECK_THAT(device->synchronize().error, ContainsSubstring("fill on 1 x 1 blocks of 256, 0 bytes") && ContainsSubstring("hipErrorLaunchFailure"));
  CHECK(device->lost());
  fake.execute = execute;
}

TEST_CASE("a failing call ends the run with its name, not the program") {
  NEEDS_HIP();
  fake_hip::State& fake = test::fake_hip_runtime();
  struct Case {
    const char *call, *says;
  };
  for (const Case& c : {Case{"hipModuleLaunchKernel", "launching fill on 1 x 1 blocks"}, Case{"hipMemcpyAsync", "download"},
                        Case{"hipStreamSynchronize", "running"}, Case{"hipEventRecord", "recording an event"},
                        Case{"hipStreamBeginCapture", "beginning a capture"}, Case{"hipGraphInstantiateWithFlags", "instantiating"},
                        Case{"hipStreamWaitEvent", "waiting"}, Case{"hipEventCreate", "an event"}, Case{"hipStreamEndCapture", "ending a capture"}}) {
    const auto device = test::open_fake_hip();
    void* memory = nullptr;
    REQUIRE(device->allocate(4096, &memory).ok());
    const Fill fill(*device, memory, 1000, 1);
    fake.fail = c.call, fake.code = 1, fake.after = 1;
    std::string error;
    const auto take = [&](const Status& s) { if (error.empty()) error = s.error; };
    std::unique_ptr<gpu::Graph> graph;
    std::vector<float> out(8);
    take(device->begin_capture());
    take(device->launch(fill.launch, 0));
    take(device->record(0, 0));
    take(device->wait(0, 1));
    take(device->record(1, 1));
    take(device->wait(1, 0));
    take(device->end_capture(&graph));
    if (graph) take(device->launch(*graph, 0));
    take(device->download(out.data(), memory, 32));
    INFO(c.call);
    CHECK_THAT(error, ContainsSubstring(c.says));
    CHECK_THAT(error, ContainsSubstring("hip: "));
    CHECK(device->lost());
  }
}

TEST_CASE("first figures of a GPU: an empty node, copies of growing size") {
  NEEDS_HIP();
  const auto device = test::open_fake_hip();
  const engine::GpuProbe probe = engine::probe_gpu(*device, true);
  CHECK(probe.empty_node_us > 0);
  REQUIRE(probe.copies.size() == 2);
  CHECK((probe.copies[0].bytes == 64 << 10 && probe.copies[1].bytes == 128 << 10));
  CHECK(probe.copies[0].gbps() > 0);
}
