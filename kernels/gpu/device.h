// One GPU, whatever its vendor: memory, launches of ops, two streams, events, graphs. No vendor header is
// needed to use it. A launch is asynchronous; everything said to block does.
// Errors: Status, one line that names the call, and for a launch its op and configuration. After a device
// error (`lost`) nothing works any more on that Device; the program goes on.
// Thread rule: one thread at a time.
#pragma once
#include <functional>
#include <memory>
#include <optional>

#include "kernels/gpu/launch.h"

namespace kernels::gpu {

// The clock that stamps are of (kernels/gpu/stamp.h).
struct DeviceClock {
  std::string name = "none";
  int tick_ns = 1;
  // Which blocks read one and the same clock: unit >> group_bits, by the vendor's name for it.
  std::string group = "unit";
  int group_bits = 0;
};

struct DeviceInfo {
  std::string name;     // "NVIDIA H200"
  std::string driver;   // version of the driver
  std::string runtime;  // version of the runtime that is linked or loaded
  int64_t memory = 0;   // bytes
  int64_t l2_bytes = 0;
  Traits traits;
  DeviceClock clock;
};

// A kernel as the vendor's profiler saw it.
struct TracedKernel {
  std::string name;  // "ds_gemm_fp8_16"
  int64_t start_ns = 0, end_ns = 0;
  uint32_t stream = 0;
  uint64_t graph_node = 0;  // 0: not of a graph
  uint32_t correlation = 0;
  uint32_t queue = 0;  // the hardware queue, where the profiler tells
  uint64_t order = 0;  // in which it was dispatched, where the profiler tells
};

// A call of the host's that launched kernels, on the same clock, in the order of calls: all kernels of a graph launch carry its
// correlation.
struct TracedCall {
  std::string name;  // "cudaGraphLaunch"
  int64_t start_ns = 0, end_ns = 0;
  uint64_t thread = 0;
  uint32_t correlation = 0;  // 0: not told
};

// What the device says of itself beside times; absent where it does not say.
struct Reading {
  std::optional<double> clock_mhz, memory_mhz, watts, celsius;
  std::optional<int64_t> throttle;  // bits of reasons for a lowered clock; 0 = none
};

class Graph {
 public:
  virtual ~Graph() = default;
};

class Device {
 public:
  static constexpr int kStreams = 2;

  virtual ~Device() = default;
  virtual const DeviceInfo& info() const = 0;
  virtual int64_t free_memory() = 0;
  virtual bool lost() const = 0;

  // 256-byte aligned. An allocation that fails leaves everything else as it was.
  virtual Status allocate(int64_t bytes, void** out) = 0;
  virtual void release(void*) = 0;

  // These three block, and order themselves behind everything launched before.
  virtual Status upload(void* to, const void* from, int64_t bytes) = 0;
  virtual Status download(void* to, const void* from, int64_t bytes) = 0;
  virtual Status set(void* to, uint8_t value, int64_t bytes) = 0;

  // `args` are copied; their pointers are the device's. A launch of no blocks does nothing.
  virtual Status launch(const Launch&, int stream) = 0;
  // Whether a kernel right behind another in a stream may begin before that one has ended (programmatic launches: its
  // weights are on their way by then). On at first; backends that can't ignore it.
  virtual void overlap_launches(bool) {}
  virtual Status synchronize() = 0;

  // Events are small numbers, made when first used. Recording and waiting are captured into a graph;
  // elapsed_us is the device's time between two recorded events, both complete.
  virtual Status record(int event, int stream) = 0;
  virtual Status wait(int event, int stream) = 0;
  virtual Status elapsed_us(int from, int to, double* us) = 0;

  // Between the two, launches on stream 0, and on stream 1 after it waited for an event of stream 0, go into
  // the graph. Stream 1 must be joined again.
  virtual Status begin_capture() = 0;
  virtual Status end_capture(std::unique_ptr<Graph>*) = 0;
  virtual Status launch(Graph&, int stream) = 0;

  // The vendor's profiler, "CUPTI 130001", or empty and why. Between begin and end (which synchronises) it
  // records every kernel, and the calls that launched them are told where something knows them; outside it is off.
  virtual std::string profiler(std::string* why) {
    *why = "this backend has none";
    return {};
  }
  virtual Status begin_trace() { return {"no profiler"}; }
  virtual Status end_trace(std::vector<TracedKernel>*, std::vector<TracedCall>*) { return {"no profiler"}; }

  // Whether launches may carry stamps: the device's own clock (info().clock), whatever a profiler says.
  virtual bool can_stamp() const { return false; }

  // Clocks, power, temperature now; nothing and why where the machine does not tell.
  virtual std::optional<Reading> sensors(std::string* why) {
    *why = "this backend has none";
    return std::nullopt;
  }
};

// Calls `see` with every pointer of the arguments that is not null.
void for_each_pointer(const OpArgs&, const std::function<void(const void*)>& see);

struct BackendState {
  std::string_view name;  // "cuda", "hip"
  bool built = false, usable = false;
  std::string why, device;
};
BackendState built_state(std::string_view backend);  // what this binary holds; asks no device
// The first device of this backend, or null and why.
std::unique_ptr<Device> open_device(std::string_view backend, std::string* why);

// In which memory a launch's tensors lie: blocks of host memory and their images on the device. A launch
// planned on host addresses is moved to the device's by Mirror::moved.
class Mirror {
 public:
  void add(const void* host, int64_t bytes, void* device) {
    m_blocks.push_back({reinterpret_cast<uintptr_t>(host), bytes, static_cast<uint8_t*>(device)});
  }
  void clear() { m_blocks.clear(); }
  // Null for null and for an address of no block.
  void* device_of(const void* host) const;
  // error: an op whose pointers are not listed, or a pointer into no block.
  Status moved(const OpArgs&, OpArgs* out) const;

 private:
  struct Block {
    uintptr_t host;
    int64_t bytes;
    uint8_t* device;
  };
  std::vector<Block> m_blocks;
};

}  // namespace kernels::gpu
