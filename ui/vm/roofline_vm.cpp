#include "ui/vm/roofline_vm.h"

#include <algorithm>
#include <vector>

#include "trace/hardware.h"

namespace ui {
namespace {

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
  if (const auto c = trace::ceilings_of(device_name); c.ok()) {
    // The narrowest format that every model decodes in there.
    const bool fp8 = c->fp8_tflops > 0;
    return {.bytes_per_ns = c->read_gbps, .flops_per_ns = (fp8 ? c->fp8_tflops : c->bf16_tflops) * 1000, .source = c->source + (fp8 ? ", arithmetic in fp8" : ", arithmetic in bf16")};
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
