#include "tests/gpu/lib/hip_device.h"
#include "kernels/gpu/tool_args.h"
#include "tests/emulator/lib/simt.h"

#include <dlfcn.h>

#include <cstdlib>
#include <cstring>
#include <stdexcept>

namespace kernels::gpu_w64 {
void run_launch(const gpu::Launch&);
}

namespace test {
namespace {

using kernels::gpu::Kernel;
using kernels::gpu::Launch;

constexpr std::string_view kStamped = "_stamped";

Kernel kernel_of(std::string_view name) {
  if (name.ends_with(kStamped)) name.remove_suffix(kStamped.size());
  for (int k = 0; k < kernels::gpu::kCommonKernels; ++k) {
    if (name == "ds_" + std::string(key_of(static_cast<Kernel>(k)))) return static_cast<Kernel>(k);
  }
  return Kernel::count_;
}

int64_t bytes_of(const std::string& name) {
  using namespace kernels;
  switch (kernel_of(name)) {
#define X(key, Args, threads, blocks) \
  case Kernel::key:                   \
    return sizeof(Args);
#define GPU_WAVE 64
    GPU_KERNELS(X)
#undef GPU_WAVE
#undef X
    default:
      break;
  }
  return 0;
}

void execute(const std::string& name, int64_t x, int64_t y, int threads, int64_t lds_bytes, const void* args) {
  Launch l;
  l.kernel = kernel_of(name), l.grid_x = x, l.grid_y = y, l.threads = threads, l.lds_bytes = lds_bytes;
  l.args = args, l.size = bytes_of(name);
  if (name.ends_with(kStamped)) std::memcpy(&l.stamps, static_cast<const uint8_t*>(args) + l.size, sizeof l.stamps);
  kernels::gpu_w64::run_launch(l);
}

}  // namespace

namespace {
bool opened = false;
}

bool hip_was_opened() {
  return opened;
}

bool has_hip() {
  return kernels::gpu::built_state("hip").built;
}

fake_hip::State& fake_hip_runtime() {
  static fake_hip::State* const state = [] {
    void* library = dlopen(DS_FAKE_HIP, RTLD_NOW | RTLD_LOCAL);
    if (!library) throw std::runtime_error(dlerror());
    auto* get = reinterpret_cast<fake_hip::State* (*)()>(dlsym(library, "fake_hip_state"));
    return get();
  }();
  opened = true;
  setenv("DECODESCOPE_HIP_RUNTIME", DS_FAKE_HIP, 1);
  // As new, but for what is alive.
  fake_hip::State fresh;
  fresh.used = state->used, fresh.streams = state->streams, fresh.events = state->events;
  fresh.graphs = state->graphs, fresh.modules = state->modules;
  fresh.argument_bytes = bytes_of, fresh.execute = execute;
  fresh.loaded = state->loaded, fresh.stream = state->stream, fresh.launching = state->launching, fresh.dispatched = state->dispatched;
  *state = std::move(fresh);
  return *state;
}

fake_rocprofiler::State& fake_profiler() {
  void* library = dlopen(DS_FAKE_ROCPROFILER, RTLD_NOW | RTLD_LOCAL);
  if (!library) throw std::runtime_error(dlerror());
  fake_rocprofiler::State& profiler = *reinterpret_cast<fake_rocprofiler::State* (*)()>(dlsym(library, "fake_rocprofiler_state"))();
  fake_hip::State& hip = fake_hip_runtime();
  hip.loaded = profiler.loaded, hip.stream = profiler.stream, hip.launching = profiler.launching, hip.dispatched = profiler.dispatched;
  setenv("DECODESCOPE_ROCPROFILER", DS_FAKE_ROCPROFILER, 1);
  return profiler;
}

std::unique_ptr<kernels::gpu::Device> open_fake_hip() {
  fake_hip_runtime();
  // Two XCCs of four compute units; 10 ns a tick, as the real clock.
  simt::DeviceClock fresh;
  fresh.id = [](unsigned unit) { return unit % 2 << 8 | unit / 2; };
  simt::device_clock() = fresh;
  std::string why;
  auto device = kernels::gpu::open_device("hip", &why);
  if (!device) throw std::runtime_error(why);
  return device;
}

}  // namespace test
