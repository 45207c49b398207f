#include "engine/gpu_device.h"

#include <mutex>
#include <vector>

namespace engine {

using kernels::gpu::Device;

bool is_gpu(std::string_view backend) {
  return backend == "cuda" || backend == "hip";
}

std::string best_backend() {
  for (const char* gpu : {"cuda", "hip"}) {
    if (kernels::gpu::built_state(gpu).built && gpu_device(gpu)) return gpu;
  }
  return "cpu";
}

namespace {

struct Devices {
  std::mutex mutex;
  std::unique_ptr<Device> cuda, hip;
  std::vector<std::unique_ptr<Device>> lost;  // kept: what lay on them is still to be given back
  std::unique_ptr<Device>& of(std::string_view backend) { return backend == "cuda" ? cuda : hip; }
};
Devices& devices() {
  // Never destroyed: a vendor's runtime may be gone before the last static is.
  static auto& all = *new Devices;
  return all;
}

}  // namespace

void use_gpu_device(std::string_view backend, std::unique_ptr<Device> device) {
  const std::lock_guard lock(devices().mutex);
  devices().lost.clear();
  devices().of(backend) = std::move(device);
}

trace::Result<Device*> gpu_device(std::string_view backend) {
  const std::lock_guard lock(devices().mutex);
  std::unique_ptr<Device>& device = devices().of(backend);
  if (!device || device->lost()) {
    std::string why;
    if (device) devices().lost.push_back(std::move(device));
    device = kernels::gpu::open_device(backend, &why);
    if (!device) return trace::Error{why, "--backend " + std::string(backend)};
  }
  return device.get();
}

// True until someone sends back what `doctor --bundle` writes.
constexpr std::string_view kNeverRun = "compiled and emulated, never run on hardware by its authors";

kernels::gpu::BackendState gpu_state(std::string_view backend) {
  kernels::gpu::BackendState state = kernels::gpu::built_state(backend);
  const trace::Result<Device*> device = gpu_device(backend);
  if (!device) {
    state.why = device.error().what;
    if (backend == "hip" && state.built) state.why += "; " + std::string(kNeverRun);
    return state;
  }
  const kernels::gpu::DeviceInfo& info = (*device)->info();
  state.built = state.usable = true;
  state.device = info.name;
  state.why = "driver " + info.driver + ", runtime " + info.runtime;
  if (backend == "hip") state.why += "; " + std::string(kNeverRun);
  return state;
}

}  // namespace engine
