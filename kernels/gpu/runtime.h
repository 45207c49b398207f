// Device on a vendor's runtime. CUDA's and HIP's are the same calls under two names, so all of them that are made
// stand in one table, and everything that is done with them (order of copies, events, capture, errors) once, in
// RuntimeDevice. A backend fills the table and opens: finds its device, loads the kernels, names their functions.
// Thread rule and errors: kernels/gpu/device.h.
#pragma once
#include <array>
#include <map>
#include <vector>

#include "kernels/gpu/device.h"
#include "kernels/gpu/launch_log.h"

namespace kernels::gpu {

// Results are the runtime's own codes, 0 = done. Streams, events, graphs are its handles.
struct RuntimeCalls {
  static constexpr int kToDevice = 1, kToHost = 2;   // kinds of copies
  static constexpr unsigned kNonBlocking = 1;        // of streams: do not wait for the default stream
  static constexpr int kThreadLocal = 1;             // of captures: calls of other threads go on

  const char* name = "";  // begins every error: "cuda"
  const char *launch_name = "", *graph_launch_name = "";  // of the calls below, for LaunchLog
  int out_of_memory = 0;  // the code that leaves the device usable
  const char* (*error_name)(int) = nullptr;
  const char* (*error_text)(int) = nullptr;
  int (*last_error)() = nullptr;

  int (*mem_info)(size_t* free, size_t* total) = nullptr;
  int (*allocate)(void** out, size_t bytes) = nullptr;
  int (*release)(void*) = nullptr;
  int (*copy)(void* to, const void* from, size_t bytes, int kind, void* stream) = nullptr;
  int (*set)(void* to, int value, size_t bytes, void* stream) = nullptr;

  int (*stream_create)(void** out, unsigned flags) = nullptr;
  int (*stream_destroy)(void*) = nullptr;
  int (*stream_synchronize)(void*) = nullptr;
  int (*stream_wait)(void* stream, void* event, unsigned flags) = nullptr;

  int (*event_create)(void** out) = nullptr;
  int (*event_destroy)(void*) = nullptr;
  int (*event_record)(void* event, void* stream) = nullptr;
  int (*event_elapsed)(float* ms, void* from, void* to) = nullptr;

  int (*capture_begin)(void* stream, int mode) = nullptr;
  int (*capture_end)(void* stream, void** graph) = nullptr;
  int (*graph_instantiate)(void** exec, void* graph, unsigned long long flags) = nullptr;
  int (*graph_destroy)(void*) = nullptr;
  int (*graph_exec_destroy)(void*) = nullptr;
  int (*graph_launch)(void* exec, void* stream) = nullptr;

  // Blocks, not threads, on either side; `args` points to one pointer: the op's arguments. `overlap`: the kernel may
  // begin while its predecessor in the stream runs, it waits by itself; a runtime that has no such thing ignores it.
  int (*launch)(const void* function, unsigned x, unsigned y, unsigned threads, size_t lds_bytes, int cluster, bool overlap,
                void* stream, void** args) = nullptr;
};

std::string text_of(const Launch&);  // "gemm_fp8_16 on 8 x 1 blocks of 256, 4096 bytes of shared memory"
std::string version_text(int v, int major, int minor);  // 13000, 1000, 10 -> "13.0"

class RuntimeDevice : public Device {
 public:
  explicit RuntimeDevice(const RuntimeCalls& calls) : m_calls(calls) {}
  ~RuntimeDevice() override { close(); }
  RuntimeDevice(const RuntimeDevice&) = delete;
  RuntimeDevice& operator=(const RuntimeDevice&) = delete;

  const DeviceInfo& info() const override { return m_info; }
  bool lost() const override { return m_lost; }
  int64_t free_memory() override;
  Status allocate(int64_t bytes, void** out) override;
  void release(void*) override;
  Status upload(void* to, const void* from, int64_t bytes) override;
  Status download(void* to, const void* from, int64_t bytes) override;
  Status set(void* to, uint8_t value, int64_t bytes) override;
  Status launch(const Launch&, int stream) override;
  void overlap_launches(bool yes) override { m_overlap = yes; }
  Status synchronize() override;
  Status record(int event, int stream) override;
  Status wait(int event, int stream) override;
  Status elapsed_us(int from, int to, double* us) override;
  Status begin_capture() override;
  Status end_capture(std::unique_ptr<Graph>*) override;
  Status launch(Graph&, int stream) override;

 protected:
  Status status_of(int code, const std::string& what) const;
  Status make_streams();  // of the current device, at opening
  void close();           // frees streams and events; once
  virtual const void* function(Kernel) = 0;  // loaded at opening
  virtual const void* stamped(Kernel) { return nullptr; }  // the same, where there is one
  // What the kernel is passed: the op's arguments as they are, or with what a backend adds to them, in `room`.
  struct alignas(128) Room {
    uint8_t bytes[768];
  };
  virtual Status passed(Kernel, const void* args, Room*, const void** out) {
    *out = args;
    return {};
  }
  int64_t launched() const { return m_launched; }  // kernels so far, a graph's with every launch of it

  const RuntimeCalls& m_calls;
  DeviceInfo m_info;
  LaunchLog m_log;  // of launches that run; those captured do not

 private:
  // The hidden fault hook, for tests on real devices: DECODESCOPE_GPU_FAULT is "alloc:N" (the N-th allocation finds no
  // memory), "address:KERNEL" (its tensors lie where no memory is) or "launch:KERNEL" (blocks of too many threads).
  struct Fault {
    std::string what, of;
    static Fault read();
  };
  int launch_broken(const Launch&, int stream, const void* kernel, StampSlot* slots);
  std::string running() const;  // what was launched last
  Status copy(void* to, const void* from, int64_t bytes, int kind, const char* what);
  // A failed call leaves most errors behind for good: the device is lost to this program.
  Status noted(Status);
  Status event_of(int event, void** out);
  void* stream_of(int stream) const { return m_streams[static_cast<size_t>(stream)]; }

  std::array<void*, kStreams> m_streams{};
  std::array<bool, kStreams> m_after_kernel{};  // nothing but a kernel was enqueued last
  std::vector<void*> m_events;
  Launch m_last;
  int64_t m_last_graph = 0;  // kernels of the graph that was launched last; 0 = m_last came later
  const Fault m_fault = Fault::read();
  int64_t m_allocations = 0;
  std::map<const uint8_t*, int64_t> m_held;  // bytes, by address
  int64_t m_launched = 0, m_captured = 0;
  bool m_capturing = false, m_lost = false, m_overlap = true;
};

}  // namespace kernels::gpu
