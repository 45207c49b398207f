// One arm's decode step on a GPU. The plan keeps its host addresses; every block they lie in (weights, caches,
// arena, tables) has an image on the device, shared by all steps that use it, and a launch is moved to the
// images' addresses once. What the host reads of a step (next tokens; in proofs every op's outputs) is copied
// back to the same host addresses, so that whoever reads a plan's tensors reads them on either backend.
//   eager   each op a launch, streams joined by events          graph   captured at first use, then one launch
// Times are the device's, between two events around the step's launches; in graph mode a filler kernel ahead
// of the first event hides the launch call itself.
// Errors: std::runtime_error with op and launch configuration when the device fails; the program goes on.
// Thread rule: one thread.
#pragma once
#include <functional>
#include <map>

#include "engine/executor.h"
#include "engine/gpu_device.h"

namespace engine {

// A block of host memory and its copy on the device. Freed with its last user.
class Image {
 public:
  // Filled by `make` (which throws std::runtime_error), else with the host's bytes.
  using Make = std::function<void(uint8_t* device)>;
  static trace::Result<std::shared_ptr<Image>> of(kernels::gpu::Device&, const void* host, int64_t bytes,
                                                  const std::string& what, const Make& make = {});
  // Bytes that all images of this process hold on its devices.
  static int64_t held();
  // Makes sure that the host has what the device wrote: of the image at this host address, if there is one.
  // Throws std::runtime_error.
  static void to_host(const void* host);

  ~Image();
  Image(const Image&) = delete;
  Image& operator=(const Image&) = delete;

  const void* host() const { return m_host; }
  int64_t bytes() const { return m_bytes; }
  bool host_stale = false;    // the device has written what the host has not seen
  std::vector<uint8_t> last;  // what was copied there last, of a block that changes between steps

  uint8_t* device() const { return static_cast<uint8_t*>(m_memory); }

 private:
  Image(kernels::gpu::Device& d, const void* host, int64_t bytes) : m_device(d), m_host(host), m_bytes(bytes) {}
  kernels::gpu::Device& m_device;
  const void* m_host;
  int64_t m_bytes;
  void* m_memory = nullptr;
};

// Device memory without content of its own.
class Scratch {
 public:
  // Throws std::runtime_error when it can't be had.
  Scratch(kernels::gpu::Device&, int64_t bytes, const std::string& what);
  ~Scratch() { m_device.release(m_memory); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  uint8_t* data() const { return static_cast<uint8_t*>(m_memory); }
  int64_t bytes() const { return m_bytes; }

 private:
  kernels::gpu::Device& m_device;
  void* m_memory = nullptr;
  const int64_t m_bytes;
};

// How stamps were laid on the profiler's clock: shifted so that every kernel's stamps lie within what the profiler
// says of it, as far as they can; by how much some may still be off.
struct StampFit {
  int64_t shift_ns = 0, residual_ns = 0;
};
// `device` and `profiled` of the same launches. Starts are never before the profiler's, ends never after.
StampFit fit_stamps(std::span<const Stamp> device, std::span<const Stamp> profiled);

class GpuStep {
 public:
  struct Block {
    const void* host;
    int64_t bytes;
    std::string what;     // "weights"
    bool every_step;      // small and changed between steps: copied when its bytes have changed
    bool written = false;   // by the step: caches
    std::function<void(const void* address)> on_host = {};  // brings to the host what lies at this address
  };

  // error: not enough device memory (with the part), an op that no kernel does.
  static trace::Result<std::shared_ptr<GpuStep>> make(kernels::gpu::Device&, const DecodePlan&, const Arena&,
                                                      std::span<const Block>, bool graph, bool overlap = true);
  ~GpuStep();
  GpuStep(const GpuStep&) = delete;
  GpuStep& operator=(const GpuStep&) = delete;

  // The step; returns its time. Stamps are the vendor profiler's where there is one, of the step as it runs
  // otherwise too; else events around each op of an eager step. collector() says which.
  int64_t run(const DecodePlan&, Stamp* stamps, const Executor::AfterOp& after);
  // The step by the stamped form of its kernels: a stamp an op, first begin to last end of its blocks, of the
  // device's clock. With `profiled` under the vendor's profiler too, those times there. Returns the step's time
  // between two events, with a profiler 0. REQUIRES: can_stamp(), and profiled() for `profiled`.
  bool can_stamp() const { return m_device.can_stamp(); }
  int64_t run_stamped(const DecodePlan&, std::span<Stamp> device, Stamp* profiled = nullptr);
  // Writes four times what the device's last-level cache holds, ahead of whatever runs next.
  void empty_cache();
  const std::string& collector() const { return m_collector; }
  bool profiled() const { return m_profiled; }

  // Brings to the host what this op reads there: a double reference is about to.
  void inputs_to_host(const PlannedOp&);
  // The arena as the last step left it, on the host, and back.
  void results_to_host() { pull_arena(); }
  void results_to_device() { push_arena(); }
  // Which experts the last MoE layer's tokens went to, on the host: what costs are counted from. Layers share
  // the buffers, so every layer's costs are counted with it.
  void routing_to_host(const DecodePlan&);
  // An op's launch; its arguments live as long as the step.
  const kernels::gpu::Launch& launch(size_t op) const { return m_ops[op].launch; }
  kernels::gpu::Device& device() const { return m_device; }
  bool overlap() const { return m_overlap; }

  // One op on the host's current content of the arena; its outputs are copied back.
  void launch_alone(const PlannedOp&);
  // An op's outputs from the host to the device (the fault hook has changed one).
  void push(const PlannedOp&);

 private:
  struct Moved {
    kernels::OpArgs args;
    kernels::gpu::Launch launch;
  };

  GpuStep(kernels::gpu::Device& d, bool graph, bool overlap) : m_device(d), m_graph_wanted(graph), m_overlap(overlap) {}
  void need(const kernels::Status&, const std::string& where) const;
  void fill(void* device_memory, int64_t bytes, int64_t blocks = 0);  // blocks 0: by the launch rule
  void push_changes();
  void push_arena();
  void pull_arena();
  void copy_outputs(const PlannedOp&, bool to_device);
  void enqueue(const DecodePlan&, bool events, bool device_stamps = false);
  kernels::gpu::Graph& captured(std::unique_ptr<kernels::gpu::Graph>&, const DecodePlan&, bool device_stamps);
  void reduce_stamps(std::span<Stamp> device);
  void profiled_stamps(const DecodePlan&, std::vector<kernels::gpu::TracedKernel>&, const char* suffix, Stamp*, int64_t begin_ns);
  int64_t timed(const std::function<void()>& enqueue);
  void run_op_by_op(const DecodePlan&, const Executor::AfterOp&);
  void traced(const DecodePlan&, Stamp*, int64_t begin_ns);
  void read_stamps(const DecodePlan&, Stamp*, int64_t begin_ns);

  kernels::gpu::Device& m_device;
  const bool m_graph_wanted, m_overlap;
  std::unique_ptr<kernels::gpu::Graph> m_graph, m_traced_graph, m_stamped_graph, m_stamped_traced_graph;
  std::unique_ptr<Scratch> m_slots;   // of all ops' blocks, made when stamps are first asked for
  std::string m_collector;
  bool m_profiled = false;
  std::vector<std::shared_ptr<Image>> m_images;
  std::shared_ptr<Image> m_arena;
  std::vector<std::shared_ptr<Image>> m_small, m_written;
  std::vector<Block> m_lazy;  // blocks whose host content is made when asked for
  kernels::gpu::Mirror m_mirror;
  std::vector<Moved> m_ops;
  void* m_filler = nullptr;
  std::shared_ptr<Scratch> m_flush;
};

}  // namespace engine
