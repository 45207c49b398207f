#include "kernels/gpu/cuda/nvml.h"

#include <dlfcn.h>

#include <cstdlib>

namespace kernels::gpu {
namespace {

// The calls that are used; signatures and numbers as NVML documents them.
constexpr unsigned kClockSm = 1, kClockMemory = 2, kTemperatureGpu = 0;

struct Calls {
  int (*init)() = nullptr;
  int (*by_address)(const char*, void**) = nullptr;
  int (*clock)(void*, unsigned, unsigned*) = nullptr;
  int (*power)(void*, unsigned*) = nullptr;  // milliwatts
  int (*temperature)(void*, unsigned, unsigned*) = nullptr;
  int (*throttle)(void*, unsigned long long*) = nullptr;
};
Calls calls;

template <class F>
bool find(void* library, const char* name, F& call) {
  call = reinterpret_cast<F>(dlsym(library, name));
  return call != nullptr;
}

// Empty when the library is there and has begun. DECODESCOPE_NVML names another or says "off".
std::string load() {
  const char* chosen = std::getenv("DECODESCOPE_NVML");
  const std::string file = chosen && *chosen ? chosen : "libnvidia-ml.so.1";
  if (file == "off") return "DECODESCOPE_NVML=off";
  void* library = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library) return "no " + file;
  if (!find(library, "nvmlInit_v2", calls.init) || !find(library, "nvmlDeviceGetHandleByPciBusId_v2", calls.by_address))
    return file + " lacks a call";
  find(library, "nvmlDeviceGetClockInfo", calls.clock);
  find(library, "nvmlDeviceGetPowerUsage", calls.power);
  find(library, "nvmlDeviceGetTemperature", calls.temperature);
  if (!find(library, "nvmlDeviceGetCurrentClocksEventReasons", calls.throttle))
    find(library, "nvmlDeviceGetCurrentClocksThrottleReasons", calls.throttle);
  const int began = calls.init();
  return began == 0 ? std::string() : "NVML does not begin, code " + std::to_string(began);
}

}  // namespace

std::unique_ptr<Nvml> Nvml::open(const std::string& pci, std::string* why) {
  static const std::string missing = load();
  void* device = nullptr;
  if (!missing.empty())
    *why = missing;
  else if (const int code = calls.by_address(pci.c_str(), &device); code != 0)
    *why = "NVML knows no device " + pci + ", code " + std::to_string(code);
  else
    return std::unique_ptr<Nvml>(new Nvml(device));
  return nullptr;
}

Reading Nvml::read() const {
  Reading r;
  unsigned v = 0;
  unsigned long long bits = 0;
  if (calls.clock && calls.clock(m_device, kClockSm, &v) == 0) r.clock_mhz = v;
  if (calls.clock && calls.clock(m_device, kClockMemory, &v) == 0) r.memory_mhz = v;
  if (calls.power && calls.power(m_device, &v) == 0) r.watts = v / 1000.0;
  if (calls.temperature && calls.temperature(m_device, kTemperatureGpu, &v) == 0) r.celsius = v;
  // Idle, clocks set by an application and a monitor are no throttling; power caps, heat and brakes are.
  constexpr unsigned long long kThrottling = 0x4 | 0x8 | 0x20 | 0x40 | 0x80;
  if (calls.throttle && calls.throttle(m_device, &bits) == 0) r.throttle = static_cast<int64_t>(bits & kThrottling);
  return r;
}

}  // namespace kernels::gpu
