#include "ui/vm/roofline_vm.h"

#include <algorithm>
#include <array>
#include <vector>

#include "ui/vm/kernels_vm.h"

namespace ui {
namespace {

struct DeviceCeiling {
  std::string_view part;  // of the device's name
  double gbps, tflops;    // tflops: dense, in the narrowest format that decode uses there
  std::string_view source;
};

// More special names first. The H200's are measured (a 4 GiB read, cuBLASLt GEMMs); the others are their makers'.
constexpr std::array kCeilings{
    DeviceCeiling{"H200", 4697, 1455, "measured on an H200: reading 4 GiB, dense fp8 GEMM"},
    DeviceCeiling{"MI355X", 8000, 5033, "published by AMD: HBM3E, dense fp8"},
    DeviceCeiling{"MI350X", 8000, 4614, "published by AMD: HBM3E, dense fp8"},
    DeviceCeiling{"MI300X", 5300, 2615, "published by AMD: HBM3, dense fp8"},
    DeviceCeiling{"B200", 8000, 4500, "published by NVIDIA: HBM3e, dense fp8"},
    DeviceCeiling{"H100", 3350, 1979, "published by NVIDIA for SXM: HBM3, dense fp8"},
};

struct Sum {
  int64_t bytes = 0, flops = 0, ns = 0;
};

}  // namespace

double Roof::floor_ns(int64_t bytes, int64_t flops) const {
  const double memory = bytes > 0 && bytes_per_ns > 0 ? static_cast<double>(bytes) / bytes_per_ns : 0;
  const double arithmetic = flops > 0 && flops_per_ns > 0 ? static_cast<double>(flops) / flops_per_ns : 0;
  return std::max(memory, arithmetic);
}

Roof roof_of(const trace::Trace& t, uint32_t device, std::string_view device_name) {
  const auto says = [](const trace::Detail& d) { return d.bytes > 0 || d.flops > 0; };
  if (std::ranges::none_of(t.details, says)) return {};
  for (const DeviceCeiling& c : kCeilings) {
    if (contains_any_case(device_name, c.part))
      return {.bytes_per_ns = c.gbps, .flops_per_ns = c.tflops * 1000, .source = std::string(c.source)};
  }
  std::vector<Sum> names(t.strings.size());
  for (const trace::Lane& lane : t.lanes) {
    if (lane.device != device || lane.kind != trace::LaneKind::gpu) continue;
    for (uint32_t id = lane.first; id < lane.first + lane.count; ++id) {
      const trace::Event& e = t.events[id];
      const trace::Detail* d = t.detail_of(e);
      if (!d || !says(*d)) continue;
      Sum& sum = names[e.name];
      sum.bytes += std::max<int64_t>(d->bytes, 0);
      sum.flops += std::max<int64_t>(d->flops, 0);
      sum.ns += e.duration_ns();
    }
  }
  Roof roof{.source = "no ceiling is known for this device: the roofs are the best rates of this run's own kernels", .own_best = true};
  for (const Sum& sum : names) {
    if (sum.ns <= 0) continue;
    roof.bytes_per_ns = std::max(roof.bytes_per_ns, static_cast<double>(sum.bytes) / static_cast<double>(sum.ns));
    roof.flops_per_ns = std::max(roof.flops_per_ns, static_cast<double>(sum.flops) / static_cast<double>(sum.ns));
  }
  return roof.known() ? roof : Roof{};
}

}  // namespace ui
