#include "engine/gpu_probe.h"

#include <algorithm>
#include <stdexcept>

#include "engine/need.h"
#include "trace/stats.h"

namespace engine {

using kernels::gpu::Device;

namespace {

constexpr int kNodes = 200, kProbeReplays = 9, kProbeFrom = 0, kProbeTo = 1;
constexpr int64_t kBuffer = int64_t{2} << 30, kLeast = 64 << 10, kMost = int64_t{256} << 20;

constexpr const char* kProbing = "probing the device";

struct ProbeMemory {
  ProbeMemory(Device& d, int64_t bytes) : device(d) { need(d.allocate(bytes, &data), kProbing); }
  ~ProbeMemory() { device.release(data); }
  ProbeMemory(const ProbeMemory&) = delete;
  ProbeMemory& operator=(const ProbeMemory&) = delete;
  Device& device;
  void* data = nullptr;
};

// The median time of a graph of these launches, of one of them.
double node_us(Device& device, const std::vector<kernels::OpArgs>& ops, int replays) {
  std::unique_ptr<kernels::gpu::Graph> graph;
  need(device.begin_capture(), kProbing);
  for (const kernels::OpArgs& op : ops) need(device.launch(kernels::gpu::launch_of(op, device.info().traits), 0), kProbing);
  need(device.end_capture(&graph), kProbing);
  std::vector<double> us;
  for (int i = -1; i < replays; ++i) {
    need(device.record(kProbeFrom, 0), kProbing);
    need(device.launch(*graph, 0), kProbing);
    need(device.record(kProbeTo, 0), kProbing);
    need(device.synchronize(), kProbing);
    double t = 0;
    need(device.elapsed_us(kProbeFrom, kProbeTo, &t), kProbing);
    if (i >= 0) us.push_back(t);
  }
  return trace::median(us) / static_cast<double>(ops.size());
}

}  // namespace

GpuProbe probe_gpu(Device& device, bool once) {
  const int64_t size = once ? 4 * kLeast : std::min(kBuffer, device.free_memory() / 4 / kLeast * kLeast);
  if (size < 2 * kLeast) throw std::runtime_error("too little device memory, probing the device");
  const ProbeMemory from(device, size), to(device, size);
  need(device.set(from.data, 0x5a, size), kProbing);
  GpuProbe probe;
  kernels::CastArgs one;
  one.in = static_cast<const kernels::Bf16*>(from.data), one.out = static_cast<float*>(to.data), one.n = 1;
  probe.empty_node_us = node_us(device, std::vector<kernels::OpArgs>(once ? 1 : kNodes, one), once ? 1 : kProbeReplays);
  for (int64_t bytes = kLeast; bytes <= std::min(kMost, size / 2); bytes *= 2) {
    const int64_t turns = once ? 1 : std::min<int64_t>(kNodes, size / bytes);
    std::vector<kernels::OpArgs> copies;
    for (int64_t i = 0; i < turns; ++i) {
      kernels::StridedCopyArgs c;
      c.in = static_cast<const uint8_t*>(from.data) + i * bytes, c.out = static_cast<uint8_t*>(to.data) + i * bytes;
      c.M = c.H = 1, c.D = bytes / 2, c.format = kernels::Format::bf16;
      c.in_stride = c.in_head_stride = c.out_stride = c.out_head_stride = c.D;
      copies.push_back(c);
    }
    probe.copies.push_back({bytes, std::max(node_us(device, copies, once ? 1 : kProbeReplays) - probe.empty_node_us, 1e-3)});
  }
  return probe;
}

}  // namespace engine
