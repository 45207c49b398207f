// The HIP runtime behind RuntimeDevice's table: a module of the gfx950 code object that the build has embedded, its
// functions looked up once. Never run on hardware by us: tested against a stand-in runtime (tests/gpu/lib/fake_hip.cpp)
// that executes launches in the SIMT emulator as late and in as odd an order as the calls allow.
#include <array>
#include <cstring>

#include "kernels/gpu/hip/library.h"
#include "kernels/gpu/hip/profiler.h"

// cmake/hip.cmake; ELF files for the GPU's loader: the kernels plain, and with stamps
extern const unsigned char embed_gfx950_kernels_hsaco[], embed_gfx950_kernels_stamped_hsaco[];

namespace kernels::gpu {
namespace {

constexpr std::string_view kArch = "gfx950";

struct Form {
  const unsigned char* code;
  const char* suffix;
};
constexpr std::array<Form, 2> kForms{{{embed_gfx950_kernels_hsaco, ""}, {embed_gfx950_kernels_stamped_hsaco, "_stamped"}}};

class HipDevice final : public RuntimeDevice {
 public:
  explicit HipDevice(std::unique_ptr<HipLibrary> library) : RuntimeDevice(library->calls), m_hip(std::move(library)) {}
  ~HipDevice() override {
    static_cast<void>(synchronize());  // nobody is left to tell
    close();  // streams and events, while the library's table is still there
    for (void* module : m_modules) {
      if (module) m_hip->module_unload(module);
    }
  }

  Status open() {
    int count = 0, driver = 0, runtime = 0;
    if (Status s = status_of(m_hip->device_count(&count), "looking for devices"); !s.ok()) return s;
    if (count == 0) return {"hip: no device"};
    m_hip->driver_version(&driver);
    m_hip->runtime_version(&runtime);
    char name[256] = {};
    if (Status s = status_of(m_hip->device_name(name, sizeof name - 1, 0), "the device's name"); !s.ok()) return s;
    m_info.name = name;
    if (Status s = check_arch(); !s.ok()) return s;
    if (Status s = status_of(m_hip->set_device(0), "taking device 0"); !s.ok()) return s;
    m_info.driver = "HIP " + version(driver);
    m_info.runtime = m_hip->file + ", HIP " + version(runtime);
    size_t bytes = 0;
    if (Status s = status_of(m_hip->device_memory(&bytes, 0), "the device's memory"); !s.ok()) return s;
    m_info.memory = static_cast<int64_t>(bytes);
    int wave = 0, units = 0, lds = 0, l2 = 0;
    for (const auto& [id, to] : {std::pair(hip::kWarpSize, &wave), std::pair(hip::kMultiprocessorCount, &units),
                                 std::pair(hip::kMaxSharedMemoryPerBlock, &lds), std::pair(hip::kL2CacheSize, &l2)}) {
      if (Status s = status_of(m_hip->attribute(to, id, 0), "attribute " + std::to_string(id)); !s.ok()) return s;
    }
    if (wave != 64) return {"hip: " + m_info.name + " has waves of " + std::to_string(wave) + ", the kernels of this build are for 64"};
    m_info.traits = {wave, units, lds};
    m_info.l2_bytes = l2;
    m_info.clock = {"s_memrealtime", 10, "XCC", 8};
    if (Status s = make_streams(); !s.ok()) return s;
    return load_kernels();
  }

  bool can_stamp() const override { return true; }

  std::string profiler(std::string* why) override {
    const Rocprofiler* p = Rocprofiler::load(why);
    return p ? p->version() : std::string();
  }
  Status begin_trace() override {
    std::string why;
    Rocprofiler* p = Rocprofiler::load(&why);
    if (!p) return {why};
    if (Status s = synchronize(); !s.ok()) return s;
    m_before_trace = launched();
    return p->begin();
  }
  Status end_trace(std::vector<TracedKernel>* out, std::vector<TracedCall>* calls) override {
    std::string why;
    Rocprofiler* p = Rocprofiler::load(&why);
    if (!p) return {why};
    if (Status s = synchronize(); !s.ok()) return s;
    return p->end(launched() - m_before_trace, out, calls);
  }

 private:
  static std::string version(int v) {  // 60443484 -> "6.4.43484"
    return version_text(v, 10000000, 100000) + "." + std::to_string(v % 100000);
  }

  const void* function(Kernel kernel) override { return m_functions[0][static_cast<size_t>(kernel)]; }
  const void* stamped(Kernel kernel) override { return m_functions[1][static_cast<size_t>(kernel)]; }

  // "gfx950:sramecc+:xnack-"
  Status check_arch() {
    std::array<char, hip::kPropertiesBytes> properties{};
    if (Status s = status_of(m_hip->properties(properties.data(), 0), "device properties"); !s.ok()) return s;
    const std::string arch(properties.data() + hip::kArchOffset, strnlen(properties.data() + hip::kArchOffset, hip::kArchBytes));
    if (arch.substr(0, arch.find(':')) == kArch) return {};
    return {"hip: " + m_info.name + " is " + (arch.empty() ? "of an unknown kind" : arch) + ", the kernels of this build are for gfx950"};
  }

  // All functions now: a first launch must not load within a capture.
  Status load_kernels() {
    for (size_t form = 0; form < kForms.size(); ++form) {
      if (Status s = status_of(m_hip->module_load(&m_modules[form], kForms[form].code), "loading the gfx950 kernels"); !s.ok()) return s;
      for (int k = 0; k < kCommonKernels; ++k) {
        const std::string name = "ds_" + std::string(key_of(static_cast<Kernel>(k))) + kForms[form].suffix;
        void** to = &m_functions[form][static_cast<size_t>(k)];
        if (Status s = status_of(m_hip->module_function(to, m_modules[form], name.c_str()), "loading " + name); !s.ok()) return s;
      }
    }
    return {};
  }

  std::unique_ptr<HipLibrary> m_hip;
  std::array<void*, kForms.size()> m_modules{};
  int64_t m_before_trace = 0;
  std::array<std::array<void*, kKernels>, kForms.size()> m_functions{};
};

}  // namespace

std::unique_ptr<Device> open_hip(std::string* why) {
  std::string no_profiler;
  Rocprofiler::load(&no_profiler);  // before the first HIP call; without it everything else goes on
  std::unique_ptr<HipLibrary> library = HipLibrary::open(why);
  if (!library) return nullptr;
  auto device = std::make_unique<HipDevice>(std::move(library));
  if (const Status s = device->open(); !s.ok()) {
    *why = s.error;
    return nullptr;
  }
  return device;
}

}  // namespace kernels::gpu
