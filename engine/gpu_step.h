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

#include "engine/executor.h"
#include "engine/gpu_image.h"

namespace engine {

// How stamps were laid on the profiler's clock: shifted so that every kernel's stamps lie within what the profiler
// says of it, as far as they can; by how much some may still be off.
struct StampFit {
  int64_t shift_ns = 0, residual_ns = 0;
};
// `device` and `profiled` of the same launches. Starts are never before the profiler's, ends never after.
StampFit fit_stamps(std::span<const Stamp> device, std::span<const Stamp> profiled);

// The host's calls that launched a step, on the same clock as its stamps, and which of them launched each op.
struct StepCalls {
  std::vector<kernels::gpu::TracedCall> calls;  // by start; empty: the profiler tells none
  std::vector<int> of_op;  // by op of the plan: index into `calls`; where those are not told -1, of a graph's ops, which are one launch, 0
};

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
  struct Options {
    bool graph = false;
    bool overlap = true;       // a kernel may begin before the one ahead of it has ended
    bool synchronous = false;  // every launch is waited for: a device error names its op; no graph then
  };
  static trace::Result<std::shared_ptr<GpuStep>> make(kernels::gpu::Device&, const DecodePlan&, const Arena&,
                                                      std::span<const Block>, const Options&);
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
  // The same step `steps` times, each directly behind one of its own form, nothing of them read by the host; returns the time of one,
  // between two events. REQUIRES: steps > 0; can_stamp() for `stamped`.
  int64_t run_in_a_row(const DecodePlan&, bool stamped, int steps);
  // The next bare and the next stamped step are captured anew: two captures of the same launches differ by up to a per cent.
  void forget_graphs() { m_graph.reset(), m_stamped_graph.reset(); }
  // Writes four times what the device's last-level cache holds, ahead of whatever runs next.
  void empty_cache();
  const std::string& collector() const { return m_collector; }
  // Of the last step that ran under the profiler.
  const StepCalls& calls() const { return m_calls; }
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

  GpuStep(kernels::gpu::Device& d, const Options& o)
      : m_device(d), m_graph_wanted(o.graph && !o.synchronous), m_overlap(o.overlap), m_synchronous(o.synchronous) {}
  void need(const kernels::Status&, const std::string& where) const;
  void fill(void* device_memory, int64_t bytes, int64_t blocks = 0);  // blocks 0: by the launch rule
  void push_changes();
  void push_arena();
  void pull_arena();
  void copy_outputs(const PlannedOp&, bool to_device);
  void enqueue(const DecodePlan&, bool events, bool device_stamps = false);
  kernels::gpu::Graph& captured(std::unique_ptr<kernels::gpu::Graph>&, const DecodePlan&, bool device_stamps);
  void make_slots();
  void reduce_stamps(std::span<Stamp> device, int64_t step_ns);
  void end_profile(const DecodePlan&, const char* suffix, Stamp*, int64_t begin_ns);
  int64_t timed(const std::function<void()>& enqueue);
  void run_op_by_op(const DecodePlan&, const Executor::AfterOp&);
  // False: the profiler can't be had after all, and why is in collector().
  bool traced(const DecodePlan&, Stamp*, int64_t begin_ns);
  void without_profiler(const std::string& why);
  void read_stamps(const DecodePlan&, Stamp*, int64_t begin_ns);

  kernels::gpu::Device& m_device;
  const bool m_graph_wanted, m_overlap, m_synchronous;
  std::unique_ptr<kernels::gpu::Graph> m_graph, m_traced_graph, m_stamped_graph, m_stamped_traced_graph;
  std::unique_ptr<Scratch> m_slots;   // of all ops' blocks, made when stamps are first asked for
  std::string m_collector;
  StepCalls m_calls;
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
