// The CUDA runtime behind RuntimeDevice's table. It is linked statically; the driver's library is found when the
// first call is made, so a machine without one gets a line and not a failed start.
#include <cuda_runtime_api.h>

#include <cstdlib>
#include <new>
#include <string_view>

#include "kernels/gpu/cuda/maps.h"
#include "kernels/gpu/cuda/nvml.h"
#include "kernels/gpu/cuda/profiler.h"
#include "kernels/gpu/runtime.h"
#include "kernels/gpu/tool_args.h"

namespace kernels::gpu {

const void* cuda_kernel(Kernel);  // kernels/gpu/cuda/kernels.cu
const void* cuda_stamped_kernel(Kernel);  // the same, compiled with DS_STAMPED

namespace {

cudaStream_t stream(void* s) {
  return static_cast<cudaStream_t>(s);
}
cudaEvent_t event(void* e) {
  return static_cast<cudaEvent_t>(e);
}

RuntimeCalls cuda_calls() {
  RuntimeCalls c;
  c.name = "cuda", c.launch_name = "cudaLaunchKernelExC", c.graph_launch_name = "cudaGraphLaunch";
  c.out_of_memory = cudaErrorMemoryAllocation;
  c.error_name = [](int e) { return cudaGetErrorName(static_cast<cudaError_t>(e)); };
  c.error_text = [](int e) { return cudaGetErrorString(static_cast<cudaError_t>(e)); };
  c.last_error = [] { return static_cast<int>(cudaGetLastError()); };
  c.mem_info = [](size_t* free, size_t* total) { return static_cast<int>(cudaMemGetInfo(free, total)); };
  c.allocate = [](void** out, size_t bytes) { return static_cast<int>(cudaMalloc(out, bytes)); };
  c.release = [](void* p) { return static_cast<int>(cudaFree(p)); };
  c.copy = [](void* to, const void* from, size_t bytes, int kind, void* s) {
    static_assert(cudaMemcpyHostToDevice == RuntimeCalls::kToDevice && cudaMemcpyDeviceToHost == RuntimeCalls::kToHost);
    return static_cast<int>(cudaMemcpyAsync(to, from, bytes, static_cast<cudaMemcpyKind>(kind), stream(s)));
  };
  c.set = [](void* to, int value, size_t bytes, void* s) { return static_cast<int>(cudaMemsetAsync(to, value, bytes, stream(s))); };
  c.stream_create = [](void** out, unsigned flags) {
    static_assert(cudaStreamNonBlocking == RuntimeCalls::kNonBlocking);
    return static_cast<int>(cudaStreamCreateWithFlags(reinterpret_cast<cudaStream_t*>(out), flags));
  };
  c.stream_destroy = [](void* s) { return static_cast<int>(cudaStreamDestroy(stream(s))); };
  c.stream_synchronize = [](void* s) { return static_cast<int>(cudaStreamSynchronize(stream(s))); };
  c.stream_wait = [](void* s, void* e, unsigned flags) { return static_cast<int>(cudaStreamWaitEvent(stream(s), event(e), flags)); };
  c.event_create = [](void** out) { return static_cast<int>(cudaEventCreate(reinterpret_cast<cudaEvent_t*>(out))); };
  c.event_destroy = [](void* e) { return static_cast<int>(cudaEventDestroy(event(e))); };
  c.event_record = [](void* e, void* s) { return static_cast<int>(cudaEventRecord(event(e), stream(s))); };
  c.event_elapsed = [](float* ms, void* a, void* b) { return static_cast<int>(cudaEventElapsedTime(ms, event(a), event(b))); };
  c.capture_begin = [](void* s, int mode) {
    static_assert(cudaStreamCaptureModeThreadLocal == RuntimeCalls::kThreadLocal);
    return static_cast<int>(cudaStreamBeginCapture(stream(s), static_cast<cudaStreamCaptureMode>(mode)));
  };
  c.capture_end = [](void* s, void** graph) { return static_cast<int>(cudaStreamEndCapture(stream(s), reinterpret_cast<cudaGraph_t*>(graph))); };
  c.graph_instantiate = [](void** exec, void* graph, unsigned long long flags) {
    return static_cast<int>(cudaGraphInstantiateWithFlags(reinterpret_cast<cudaGraphExec_t*>(exec), static_cast<cudaGraph_t>(graph), flags));
  };
  c.graph_destroy = [](void* g) { return static_cast<int>(cudaGraphDestroy(static_cast<cudaGraph_t>(g))); };
  c.graph_exec_destroy = [](void* g) { return static_cast<int>(cudaGraphExecDestroy(static_cast<cudaGraphExec_t>(g))); };
  c.graph_launch = [](void* g, void* s) { return static_cast<int>(cudaGraphLaunch(static_cast<cudaGraphExec_t>(g), stream(s))); };
  c.launch = [](const void* function, unsigned x, unsigned y, unsigned threads, size_t lds_bytes, int cluster, bool overlap, void* s,
                void** args) {
    cudaLaunchAttribute attributes[2];
    cudaLaunchConfig_t config{};
    config.gridDim = dim3(x, y), config.blockDim = dim3(threads), config.dynamicSmemBytes = lds_bytes, config.stream = stream(s);
    config.attrs = attributes;
    if (overlap) {
      attributes[config.numAttrs].id = cudaLaunchAttributeProgrammaticStreamSerialization;
      attributes[config.numAttrs++].val.programmaticStreamSerializationAllowed = 1;
    }
    if (cluster > 1) {
      attributes[config.numAttrs].id = cudaLaunchAttributeClusterDimension;
      auto& dim = attributes[config.numAttrs++].val.clusterDim;
      dim.x = dim.z = 1, dim.y = static_cast<unsigned>(cluster);
    }
    return static_cast<int>(cudaLaunchKernelExC(&config, function, args));
  };
  return c;
}

const RuntimeCalls& calls() {
  static const RuntimeCalls all = cuda_calls();
  return all;
}

// The driver's own call, asked of the runtime: the driver's library is not linked.
using EncodeTiled = CUresult (*)(CUtensorMap*, CUtensorMapDataType, cuuint32_t, void*, const cuuint64_t*, const cuuint64_t*,
                                 const cuuint32_t*, const cuuint32_t*, CUtensorMapInterleave, CUtensorMapSwizzle,
                                 CUtensorMapL2promotion, CUtensorMapFloatOOBfill);
EncodeTiled find_encode() {
  void* found = nullptr;
  cudaDriverEntryPointQueryResult result{};
  constexpr unsigned kSince = 12000;
  const cudaError_t e = cudaGetDriverEntryPointByVersion("cuTensorMapEncodeTiled", &found, kSince, cudaEnableDefault, &result);
  return e == cudaSuccess && result == cudaDriverEntryPointSuccess ? reinterpret_cast<EncodeTiled>(found) : nullptr;
}

// A matrix of `rows` rows of `bytes`, `pitch` apart, in tiles of `tile_rows` x 128 bytes (kernels/gpu/gemm_wide.h).
CUresult encode(EncodeTiled call, const void* matrix, int64_t rows, int64_t bytes, int64_t pitch, int tile_rows, CUtensorMap* out) {
  const cuuint64_t sizes[] = {static_cast<cuuint64_t>(bytes), static_cast<cuuint64_t>(rows)}, pitches[] = {static_cast<cuuint64_t>(pitch)};
  const cuuint32_t tile[] = {128, static_cast<cuuint32_t>(tile_rows)}, every[] = {1, 1};
  return call(out, CU_TENSOR_MAP_DATA_TYPE_UINT8, 2, const_cast<void*>(matrix), sizes, pitches, tile, every, CU_TENSOR_MAP_INTERLEAVE_NONE,
              CU_TENSOR_MAP_SWIZZLE_128B, CU_TENSOR_MAP_L2_PROMOTION_L2_256B, CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE);
}

// Blocks of a cluster, at most. DECODESCOPE_GPU_CLUSTERS=off: no clusters, for racecheck, which ends in an "Internal Sanitizer
// Error" where blocks of one read each other's shared memory (tests/device/second.sh).
int most_of_cluster() {
  const char* clusters = std::getenv("DECODESCOPE_GPU_CLUSTERS");
  return clusters && std::string_view(clusters) == "off" ? 1 : 8;
}

class CudaDevice final : public RuntimeDevice {
 public:
  CudaDevice() : RuntimeDevice(calls()) {}

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
    m_info.driver = "CUDA " + version_text(driver, 1000, 10);
    m_info.runtime = "CUDA " + version_text(runtime, 1000, 10);
    m_info.memory = static_cast<int64_t>(p.totalGlobalMem);
    m_info.l2_bytes = p.l2CacheSize;
    m_encode = find_encode();  // none: an old driver; other kernels do without
    m_info.traits = {p.warpSize, p.multiProcessorCount, static_cast<int64_t>(p.sharedMemPerBlockOptin), most_of_cluster(), m_encode != nullptr};
    m_info.clock = {"%globaltimer", 1, "multiprocessor", 0};
    if (Status s = make_streams(); !s.ok()) return s;
    return load_kernels();
  }

  bool can_stamp() const override { return true; }
  std::optional<Reading> sensors(std::string* why) override {
    if (!m_nvml && m_no_nvml.empty()) {
      char pci[32] = {};
      if (cudaDeviceGetPCIBusId(pci, sizeof pci, 0) == cudaSuccess)
        m_nvml = Nvml::open(pci, &m_no_nvml);
      else
        m_no_nvml = "the device has no PCI address";
    }
    *why = m_no_nvml;
    return m_nvml ? std::optional(m_nvml->read()) : std::nullopt;
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
    if (Status s = cupti->begin(); !s.ok()) return s;
    if (Status s = warm_trace(); !s.ok()) {
      std::vector<TracedKernel> none;
      static_cast<void>(cupti->end(&none));  // what failed first is told
      return s;
    }
    m_log.begin(cupti->clock());
    return {};
  }
  Status end_trace(std::vector<TracedKernel>* out, std::vector<TracedCall>* calls) override {
    std::string why;
    Cupti* cupti = Cupti::load(&why);
    if (!cupti) return {why};
    if (Status s = synchronize(); !s.ok()) return m_log.end(), s;
    const Status s = cupti->end(out);
    std::erase_if(*out, [](const TracedKernel& k) { return k.name == "ds_nothing"; });
    *calls = m_log.end();
    return s;
  }

 private:
  std::unique_ptr<Nvml> m_nvml;
  std::string m_no_nvml;
  EncodeTiled m_encode = nullptr;

  // CUPTI makes room for its records inside a session's first launch, which takes 0.3 to 3 ms: as a step's first launch it kept the
  // second waiting, and a trace showed that as the step's idle time. So the first launch of each stream is of no step.
  Status warm_trace() {
    const StreamArgs none;
    for (int s = 0; s < kStreams; ++s)
      if (Status launched = launch(tool_launch(Kernel::nothing, none, 1, kToolThreads), s); !launched.ok()) return launched;
    return synchronize();
  }

  template <class Args>
  Status with_maps(const Args& args, const void* x, int64_t x_pitch, int64_t size, Room* room, const void** out) const {
    using Wide = WideArgs<Args>;
    static_assert(sizeof(Wide) <= sizeof(Room) && alignof(Wide) <= alignof(Room));
    auto* wide = new (room->bytes) Wide{args, {}, {}};
    CUresult e = encode(m_encode, args.w, args.N, args.K * size, args.K * size, kWideRows, &wide->w);
    if (e == CUDA_SUCCESS) e = encode(m_encode, x, args.M, args.K * size, x_pitch, wide_tokens(args.M), &wide->x);
    *out = wide;
    if (e == CUDA_SUCCESS) return {};
    return {"cuda: a matrix that the copy engine does not take (error " + std::to_string(static_cast<int>(e)) + ", M=" +
            std::to_string(args.M) + " N=" + std::to_string(args.N) + " K=" + std::to_string(args.K) + ")"};
  }
  Status passed(Kernel kernel, const void* args, Room* room, const void** out) override {
    if (sums_narrowly(kernel)) {
      const auto& a = *static_cast<const GemmFp8Args*>(args);
      return with_maps(a, a.x.values, a.K, 1, room, out);
    }
    if (kernel == Kernel::gemm_bf16_wide) {
      const auto& a = *static_cast<const GemmBf16Args*>(args);
      return with_maps(a, a.x, a.x_stride * 2, 2, room, out);
    }
    *out = args;
    return {};
  }

  const void* function(Kernel kernel) override { return cuda_kernel(kernel); }
  const void* stamped(Kernel kernel) override { return cuda_stamped_kernel(kernel); }

  // Loads every kernel now (a first launch must not load within a capture) and lifts the 48 KB of shared memory.
  Status load_kernels() {
    for (int k = 0; k < kKernels; ++k) {
      const auto kernel = static_cast<Kernel>(k);
      for (const void* f : {cuda_kernel(kernel), cuda_stamped_kernel(kernel)}) {
        cudaFuncAttributes attributes{};
        Status s = status_of(cudaFuncGetAttributes(&attributes, f), "loading " + std::string(key_of(kernel)));
        const int most = static_cast<int>(m_info.traits.lds_bytes) - static_cast<int>(attributes.sharedSizeBytes);
        if (s.ok())
          s = status_of(cudaFuncSetAttribute(f, cudaFuncAttributeMaxDynamicSharedMemorySize, most),
                        "shared memory of " + std::string(key_of(kernel)));
        // One split of the cache for all: a kernel of another split would wait until the multiprocessor is empty.
        if (s.ok())
          s = status_of(cudaFuncSetAttribute(f, cudaFuncAttributePreferredSharedMemoryCarveout, cudaSharedmemCarveoutMaxShared),
                        "shared memory of " + std::string(key_of(kernel)));
        if (!s.ok()) return s;
      }
    }
    return {};
  }
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
