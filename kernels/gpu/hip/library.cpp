#include "kernels/gpu/hip/library.h"

#include <dlfcn.h>

#include <cstdlib>

namespace kernels::gpu {
namespace {

using ModuleLaunch = int (*)(const void* function, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by,
                             unsigned bz, unsigned lds_bytes, void* stream, void** args, void** extra);
ModuleLaunch module_launch = nullptr;

int launch(const void* function, unsigned x, unsigned y, unsigned threads, size_t lds_bytes, int, bool, void* stream, void** args) {
  return module_launch(function, x, y, 1, threads, 1, 1, static_cast<unsigned>(lds_bytes), stream, args, nullptr);
}

}  // namespace

std::unique_ptr<HipLibrary> HipLibrary::open(std::string* why) {
  auto hip = std::make_unique<HipLibrary>();
  void* library = nullptr;
  const char* chosen = std::getenv("DECODESCOPE_HIP_RUNTIME");
  const bool own = chosen && *chosen;
  for (const char* name : {own ? chosen : "libamdhip64.so.7", own ? chosen : "libamdhip64.so.6",
                           own ? chosen : "/opt/rocm/lib/libamdhip64.so"}) {
    library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    if (library) {
      hip->file = name;
      break;
    }
  }
  if (!library) {
    const char* said = dlerror();
    *why = own ? "hip: " + std::string(said ? said : chosen) : "hip: no libamdhip64.so.7 or .so.6";
    return nullptr;
  }
  std::string missing;
  const auto find = [&](auto& call, const char* name) {
    call = reinterpret_cast<std::remove_reference_t<decltype(call)>>(dlsym(library, name));
    if (!call && missing.empty()) missing = name;
  };
  RuntimeCalls& c = hip->calls;
  c.name = "hip", c.out_of_memory = hip::kOutOfMemory, c.launch = &launch;
  find(c.error_name, "hipGetErrorName");
  find(c.error_text, "hipGetErrorString");
  find(c.last_error, "hipGetLastError");
  find(c.mem_info, "hipMemGetInfo");
  find(c.allocate, "hipMalloc");
  find(c.release, "hipFree");
  find(c.copy, "hipMemcpyAsync");
  find(c.set, "hipMemsetAsync");
  find(c.stream_create, "hipStreamCreateWithFlags");
  find(c.stream_destroy, "hipStreamDestroy");
  find(c.stream_synchronize, "hipStreamSynchronize");
  find(c.stream_wait, "hipStreamWaitEvent");
  find(c.event_create, "hipEventCreate");
  find(c.event_destroy, "hipEventDestroy");
  find(c.event_record, "hipEventRecord");
  find(c.event_elapsed, "hipEventElapsedTime");
  find(c.capture_begin, "hipStreamBeginCapture");
  find(c.capture_end, "hipStreamEndCapture");
  find(c.graph_instantiate, "hipGraphInstantiateWithFlags");
  find(c.graph_destroy, "hipGraphDestroy");
  find(c.graph_exec_destroy, "hipGraphExecDestroy");
  find(c.graph_launch, "hipGraphLaunch");
  find(hip->device_count, "hipGetDeviceCount");
  find(hip->set_device, "hipSetDevice");
  find(hip->device_name, "hipDeviceGetName");
  find(hip->device_memory, "hipDeviceTotalMem");
  find(hip->attribute, "hipDeviceGetAttribute");
  find(hip->properties, "hipGetDevicePropertiesR0600");
  find(hip->driver_version, "hipDriverGetVersion");
  find(hip->runtime_version, "hipRuntimeGetVersion");
  find(hip->pci_address, "hipDeviceGetPCIBusId");
  find(hip->module_load, "hipModuleLoadData");
  find(hip->module_unload, "hipModuleUnload");
  find(hip->module_function, "hipModuleGetFunction");
  find(module_launch, "hipModuleLaunchKernel");
  if (!missing.empty()) {
    *why = "hip: " + hip->file + " has no " + missing;
    return nullptr;
  }
  return hip;
}

}  // namespace kernels::gpu
