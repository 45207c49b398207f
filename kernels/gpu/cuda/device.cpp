// Device on the CUDA runtime, which is linked statically; the driver's library is found when the first call is
// made, so a machine without one gets a line and not a failed start.
#include <cuda_runtime_api.h>

#include <array>

#include "kernels/gpu/cuda/profiler.h"

namespace kernels::gpu {

const void* cuda_kernel(Kernel);  // kernels/gpu/cuda/kernels.cu

namespace {

Status status_of(cudaError_t e, const std::string& what) {
  if (e == cudaSuccess) return {};
  return {"cuda: " + what + ": " + cudaGetErrorString(e) + " (" + cudaGetErrorName(e) + ")"};
}

std::string version_text(int v) {
  return std::to_string(v / 1000) + "." + std::to_string(v % 1000 / 10);
}

class CudaGraph final : public Graph {
 public:
  explicit CudaGraph(cudaGraphExec_t exec) : m_exec(exec) {}
  ~CudaGraph() override { cudaGraphExecDestroy(m_exec); }
  CudaGraph(const CudaGraph&) = delete;
  CudaGraph& operator=(const CudaGraph&) = delete;
  cudaGraphExec_t exec() const { return m_exec; }

 private:
  cudaGraphExec_t m_exec;
};

class CudaDevice final : public Device {
 public:
  ~CudaDevice() override {
    for (cudaEvent_t e : m_events) {
      if (e) cudaEventDestroy(e);
    }
    for (cudaStream_t s : m_streams) {
      if (s) cudaStreamDestroy(s);
    }
  }

  Status open() {
    int count = 0, driver = 0, runtime = 0;
    if (Status s = status_of(cudaGetDeviceCount(&count), "looking for devices"); !s.ok()) return s;
    if (count == 0) return {"cuda: no device"};
    cudaDriverGetVersion(&driver);
    cudaRuntimeGetVersion(&runtime);
    cudaDeviceProp p{};
    if (Status s = status_of(cudaGetDeviceProperties(&p, 0), "device properties"); !s.ok()) return s;
    if (p.major != 9 || p.minor != 0)
      return {std::string("cuda: ") + p.name + " has compute capability " + std::to_string(p.major) + "." +
              std::to_string(p.minor) + ", the kernels of this build are for 9.0 (sm_90a)"};
    if (Status s = status_of(cudaSetDevice(0), "taking device 0"); !s.ok()) return s;
    m_info.name = p.name;
    m_info.driver = "CUDA " + version_text(driver);
    m_info.runtime = "CUDA " + version_text(runtime);
    m_info.memory = static_cast<int64_t>(p.totalGlobalMem);
    m_info.l2_bytes = p.l2CacheSize;
    m_info.traits = {p.warpSize, p.multiProcessorCount, static_cast<int64_t>(p.sharedMemPerBlockOptin)};
    for (cudaStream_t& s : m_streams) {
      if (Status made = status_of(cudaStreamCreateWithFlags(&s, cudaStreamNonBlocking), "a stream"); !made.ok())
        return made;
    }
    return load_kernels();
  }

  const DeviceInfo& info() const override { return m_info; }
  bool lost() const override { return m_lost; }
  int64_t free_memory() override {
    size_t free = 0, total = 0;
    return cudaMemGetInfo(&free, &total) == cudaSuccess ? static_cast<int64_t>(free) : 0;
  }

  Status allocate(int64_t bytes, void** out) override {
    const cudaError_t e = cudaMalloc(out, static_cast<size_t>(bytes));
    if (e == cudaErrorMemoryAllocation) {
      cudaGetLastError();  // not a device error: everything else goes on
      return {"cuda: " + std::to_string(bytes) + " bytes can't be had, " + std::to_string(free_memory()) + " are free"};
    }
    return noted(status_of(e, "allocating " + std::to_string(bytes) + " bytes"));
  }
  void release(void* p) override { cudaFree(p); }

  Status upload(void* to, const void* from, int64_t bytes) override {
    if (bytes == 0) return {};
    if (Status s = synchronize(); !s.ok()) return s;
    return copy(to, from, bytes, cudaMemcpyHostToDevice, "upload");
  }
  Status download(void* to, const void* from, int64_t bytes) override {
    if (bytes == 0) return {};
    if (Status s = synchronize(); !s.ok()) return s;
    return copy(to, from, bytes, cudaMemcpyDeviceToHost, "download");
  }
  Status set(void* to, uint8_t value, int64_t bytes) override {
    if (bytes == 0) return {};
    if (Status s = synchronize(); !s.ok()) return s;
    if (Status s = status_of(cudaMemsetAsync(to, value, static_cast<size_t>(bytes), m_streams[0]), "fill"); !s.ok()) return noted(s);
    return synchronize();
  }

  Status launch(const Launch& l, int stream) override {
    if (!l.refused.empty()) return {l.refused};
    if (l.grid_x == 0 || l.grid_y == 0) return {};
    void* args[] = {const_cast<void*>(l.args)};
    const dim3 grid(static_cast<unsigned>(l.grid_x), static_cast<unsigned>(l.grid_y));
    const dim3 block(static_cast<unsigned>(l.threads));
    const cudaError_t e = cudaLaunchKernel(cuda_kernel(l.kernel), grid, block, args, static_cast<size_t>(l.lds_bytes),
                                           m_streams[static_cast<size_t>(stream)]);
    if (e == cudaSuccess) {
      m_last = l;
      m_last.args = nullptr;
      return {};
    }
    return noted(status_of(e, "launching " + text_of(l)));
  }

  Status synchronize() override {
    for (cudaStream_t s : m_streams) {
      if (const cudaError_t e = cudaStreamSynchronize(s); e != cudaSuccess)
        return noted(status_of(e, "running, the last launch was " + text_of(m_last)));
    }
    return {};
  }

  Status record(int event, int stream) override {
    return noted(status_of(cudaEventRecord(event_of(event), m_streams[static_cast<size_t>(stream)]), "recording an event"));
  }
  Status wait(int event, int stream) override {
    return noted(status_of(cudaStreamWaitEvent(m_streams[static_cast<size_t>(stream)], event_of(event), 0), "waiting for an event"));
  }
  Status elapsed_us(int from, int to, double* us) override {
    float ms = 0;
    Status s = status_of(cudaEventElapsedTime(&ms, event_of(from), event_of(to)), "the time between two events");
    *us = static_cast<double>(ms) * 1000;
    return s;
  }

  Status begin_capture() override {
    return noted(status_of(cudaStreamBeginCapture(m_streams[0], cudaStreamCaptureModeThreadLocal), "beginning a capture"));
  }
  Status end_capture(std::unique_ptr<Graph>* out) override {
    cudaGraph_t graph = nullptr;
    if (Status s = status_of(cudaStreamEndCapture(m_streams[0], &graph), "ending a capture"); !s.ok()) return noted(s);
    cudaGraphExec_t exec = nullptr;
    const Status s = status_of(cudaGraphInstantiateWithFlags(&exec, graph, 0), "instantiating a graph");
    cudaGraphDestroy(graph);
    if (!s.ok()) return noted(s);
    *out = std::make_unique<CudaGraph>(exec);
    return {};
  }
  Status launch(Graph& graph, int stream) override {
    const auto& g = static_cast<CudaGraph&>(graph);
    return noted(status_of(cudaGraphLaunch(g.exec(), m_streams[static_cast<size_t>(stream)]), "launching a graph"));
  }

  std::string profiler(std::string* why) override {
    Cupti* cupti = Cupti::load(why);
    return cupti ? cupti->version() : std::string();
  }
  Status begin_trace() override {
    std::string why;
    Cupti* cupti = Cupti::load(&why);
    if (!cupti) return {why};
    if (Status s = synchronize(); !s.ok()) return s;
    return cupti->begin();
  }
  Status end_trace(std::vector<TracedKernel>* out) override {
    std::string why;
    Cupti* cupti = Cupti::load(&why);
    if (!cupti) return {why};
    if (Status s = synchronize(); !s.ok()) return s;
    return cupti->end(out);
  }

 private:
  // On a stream of ours: a plain cudaMemcpy from pageable memory may return before its last bytes have arrived,
  // and streams that do not block would not wait for them.
  Status copy(void* to, const void* from, int64_t bytes, cudaMemcpyKind kind, const char* what) {
    if (Status s = status_of(cudaMemcpyAsync(to, from, static_cast<size_t>(bytes), kind, m_streams[0]), what); !s.ok())
      return noted(s);
    return synchronize();
  }

  static std::string text_of(const Launch& l) {
    return std::string(key_of(l.kernel)) + " on " + std::to_string(l.grid_x) + " x " + std::to_string(l.grid_y) +
           " blocks of " + std::to_string(l.threads) + ", " + std::to_string(l.lds_bytes) + " bytes of shared memory";
  }

  // Loads every kernel now (a first launch must not load within a capture) and lifts the 48 KB of shared memory.
  Status load_kernels() {
    for (int k = 0; k < kKernels; ++k) {
      const auto kernel = static_cast<Kernel>(k);
      cudaFuncAttributes attributes{};
      Status s = status_of(cudaFuncGetAttributes(&attributes, cuda_kernel(kernel)), "loading " + std::string(key_of(kernel)));
      const int most = static_cast<int>(m_info.traits.lds_bytes) - static_cast<int>(attributes.sharedSizeBytes);
      if (s.ok())
        s = status_of(cudaFuncSetAttribute(cuda_kernel(kernel), cudaFuncAttributeMaxDynamicSharedMemorySize, most),
                      "shared memory of " + std::string(key_of(kernel)));
      if (!s.ok()) return s;
    }
    return {};
  }

  // A failed call leaves most errors behind for good: the device is lost to this program.
  Status noted(Status s) {
    if (!s.ok()) m_lost = true;
    return s;
  }

  cudaEvent_t event_of(int event) {
    if (static_cast<size_t>(event) >= m_events.size()) m_events.resize(static_cast<size_t>(event) + 1, nullptr);
    cudaEvent_t& e = m_events[static_cast<size_t>(event)];
    if (!e && cudaEventCreate(&e) != cudaSuccess) e = nullptr;
    return e;
  }

  DeviceInfo m_info;
  std::array<cudaStream_t, kStreams> m_streams{};
  std::vector<cudaEvent_t> m_events;
  Launch m_last;
  bool m_lost = false;
};

}  // namespace

std::unique_ptr<Device> open_cuda(std::string* why) {
  auto device = std::make_unique<CudaDevice>();
  if (const Status s = device->open(); !s.ok()) {
    *why = s.error;
    return nullptr;
  }
  return device;
}

}  // namespace kernels::gpu
