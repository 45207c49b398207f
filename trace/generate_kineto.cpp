#include "trace/generate_kineto.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <iterator>
#include <memory>
#include <random>

namespace trace {
namespace {

constexpr size_t kFlushBytes = 1 << 20;
constexpr int64_t kFirstNs = 4'387'608'111'946'451;
constexpr int kProcess = 4242;
constexpr int kKernelsAStep = 240;

// Names as long and as winding as those of a real decode step.
constexpr std::array<std::string_view, 12> kKernels{
    "_fused_rms_fp8_group_quant_kernel",
    "void at::native::elementwise_kernel_manual_unroll<128, 4, "
    "at::native::gpu_kernel_impl_nocast<at::native::"
    "direct_copy_kernel_cuda(at::TensorIteratorBase&)::{lambda()#3}::operator()() "
    "const::{lambda()#12}::operator()() "
    "const::{lambda(c10::BFloat16)#1}>(at::TensorIteratorBase&, bool)::{lambda(int, bool)#1}>(int, "
    "bool)",
    "void "
    "ck::kernel_gemm_xdl_cshuffle_v3_multi_d_blockscale_b_preshuffle<ck::GridwiseGemmMultiD_"
    "blockscale_xdl_"
    "cshuffle_v3_b_preshuffle<ck::tensor_layout::gemm::RowMajor, "
    "ck::tensor_layout::gemm::ColumnMajor, float, 256>>",
    "_ZN5aiter37dynamic_per_group_scaled_quant_kernelIDF16bDB8_Li32EEEvPT0_PfPKT_PKfiliibPKii",
    "_gluon_deepgemm_fp8_paged_mqa_logits_preshuffle",
    "(anonymous namespace)::topk_transform_decode_kernel((anonymous namespace)::FastTopKParams, "
    "int*, int const*, long)",
    "_fused_qk_rope_cat_and_cache_mla_kernel",
    "main_kernel",
    "main_kernel",
    "void aiter::cross_device_reduce_1stage<__hip_bfloat16, 8, false>(RankData*, RankSignals, "
    "Signal*, __hip_bfloat16*)",
    "void ck::kernel_moe_gemm<ck::GridwiseMoeGemmBlockScale<ck::tensor_layout::gemm::RowMajor, "
    "ck::tensor_layout::gemm::ColumnMajor, ck::Tuple<>, float, float, float, 256, 16, 128, 256>>",
    "_ZN5aiter18act_and_mul_kernelIfDF16bTnPFfRKT_EXadL_ZNS_11silu_kernelIfEEfS3_EELi4EEEvPT0_PS2_"
    "i"};
constexpr std::array<std::string_view, 6> kOperators{"aten::copy_",           "aten::empty_strided",
                                                     "aten::linear",          "aten::as_strided",
                                                     "sglang::fused_experts", "aten::index_select"};
constexpr std::array<std::string_view, 5> kFrames{
    "torch/nn/modules/module.py(1784): _call_impl", "model_executor/model_runner.py(2112): forward",
    "models/deepseek_v2.py(1873): forward_absorb_prepare",
    "<built-in method linear of type object at 0x7f2ad1e3f4c0>",
    "layers/attention/nsa/nsa_indexer.py(611): forward_cuda"};

class Generator {
 public:
  Generator(const KinetoSpec& spec, const std::function<void(std::string_view)>& write)
      : m_spec(spec), m_write(write), m_random(spec.seed) {}

  KinetoTotals run() {
    header();
    for (int64_t kernel = 0; more(); ++kernel) launch_one(kernel);
    put("\n  ],\n  \"traceName\": \"generated.json\",\n  \"displayTimeUnit\": \"ms\",\n  "
        "\"baseTimeNanoseconds\": 0\n}}\n");
    flush();
    return m_totals;
  }

 private:
  bool more() const { return m_totals.events < m_spec.events; }
  int64_t draw(int64_t below) {
    return static_cast<int64_t>(m_random() % static_cast<uint64_t>(below));
  }

  template <class... Args>
  void put(fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(m_buffer), format, std::forward<Args>(args)...);
    if (m_buffer.size() >= kFlushBytes) flush();
  }

  void flush() {
    m_totals.bytes += static_cast<int64_t>(m_buffer.size());
    m_write({m_buffer.data(), m_buffer.size()});
    m_buffer.clear();
  }

  // Opens a record and counts it as `kind`; false when the file has all it shall have.
  bool record(int64_t& kind) {
    if (!more()) return false;
    put("{}\n  {{\n", m_totals.events == 0 ? "" : ",");
    ++m_totals.events;
    ++kind;
    return true;
  }

  void header() {
    put("{{\n  \"schemaVersion\": 1,\n  \"deviceProperties\": [\n    {{\n      \"id\": 0, "
        "\"name\": \"AMD Instinct MI355X\", "
        "\"totalGlobalMem\": 309220868096,\n      \"warpSize\": 64, \"numSms\": 256\n    }}\n  "
        "],\n  "
        "\"roctracer_version\": 4.1,\n  \"hip_runtime_version\": 70253211,\n  "
        "\"hip_driver_version\": 70253211,\n  "
        "\"record_shapes\": 1,\n  \"with_stack\": 1,\n  \"traceEvents\": [");
  }

  std::string time(int64_t ns) const { return fmt::format("{}.{:03}", ns / 1000, ns % 1000); }

  void span(std::string_view category, std::string_view name, int64_t pid, int64_t tid,
            int64_t start, int64_t dur) {
    put("    \"ph\": \"X\", \"cat\": \"{}\", \"name\": \"{}\", \"pid\": {}, \"tid\": {},\n    "
        "\"ts\": {}, \"dur\": {},\n",
        category, name, pid, tid, time(start), time(dur));
  }

  void host_part(int64_t correlation) {
    for (int64_t i = draw(5); i > 0; --i) {
      if (!record(m_totals.python_frames)) return;
      span("python_function", kFrames[static_cast<size_t>(draw(kFrames.size()))], kProcess,
           kProcess, m_host, 40'000 + draw(9000));
      put("    \"args\": {{\n      \"Python id\": {}, \"Python parent id\": {}, \"Ev Idx\": {}\n   "
          " }}\n  }}",
          m_totals.events, m_totals.events - 1, m_totals.events);
    }
    for (int64_t i = draw(4); i > 0; --i) {
      if (!record(m_totals.operators)) return;
      span("cpu_op", kOperators[static_cast<size_t>(draw(kOperators.size()))], kProcess, kProcess,
           m_host, 9'000 + draw(4000));
      put("    \"args\": {{\n      \"External id\": {}, \"Record function id\": 0, \"Concrete "
          "Inputs\": [\"\", \"\", \"True\"], \"Input type\": "
          "[\"c10::BFloat16\", \"c10::BFloat16\", \"Scalar\"], \"Input Strides\": [[6144, 1], [1, "
          "6144], []], \"Input Dims\": "
          "[[4, 6144], [6144, 2624], []], \"Ev Idx\": {}\n    }}\n  }}",
          correlation, m_totals.events);
    }
  }

  void flow(char phase, int64_t correlation, int64_t pid, int64_t tid, int64_t at) {
    if (!record(m_totals.flows)) return;
    put("    \"ph\": \"{}\", \"id\": {}, \"pid\": {}, \"tid\": {}, \"ts\": {},\n    \"cat\": "
        "\"ac2g\", \"name\": \"ac2g\"{}\n  }}",
        phase, correlation, pid, tid, time(at), phase == 'f' ? ", \"bp\": \"e\"" : "");
  }

  void annotate(int64_t step) {
    if (!record(m_totals.annotations)) return;
    const std::string name = fmt::format("ProfilerStep#{}", step);
    span("user_annotation", name, kProcess, kProcess, m_host, 2'000'000);
    put("    \"args\": {{\n      \"External id\": {}, \"Ev Idx\": {}\n    }}\n  }}", step,
        m_totals.events);
  }

  // One launch: frames and operators, the call with its flow, the kernel with its flow.
  void launch_one(int64_t number) {
    const int64_t correlation = 100'000 + number;
    if (number % kKernelsAStep == 0) annotate(number / kKernelsAStep);
    host_part(correlation);
    const bool copy = draw(50) == 0;
    const size_t which = static_cast<size_t>(number) % kKernels.size();
    if (!record(m_totals.calls)) return;
    span("cuda_runtime", copy ? "hipMemcpyWithStream" : "hipLaunchKernel", kProcess, kProcess,
         m_host, 3'000 + draw(900));
    put("    \"args\": {{\n      \"External id\": {}, \"cid\": 107, \"correlation\": {}\n    }}\n  "
        "}}",
        correlation, correlation);
    flow('s', correlation, kProcess, kProcess, m_host);
    device_part(correlation, which, copy);
    m_host += 5'000 + draw(2000);
  }

  void device_part(int64_t correlation, size_t which, bool copy) {
    if (!more()) return;
    const size_t side = which >= 3 && which <= 5 ? 1 : 0;
    const int64_t stream = side == 0 ? 113 : 106;
    const int64_t start = std::max(m_device[side] + 1 + (draw(40) == 0 ? 5'500 : 0), m_host + 1000);
    const int64_t duration = 3'000 + draw(9000);
    m_device[side] = start + duration;
    flow('f', correlation, 0, stream, start);
    if (!record(copy ? m_totals.copies : m_totals.kernels)) return;
    if (copy) {
      span("gpu_memcpy", "Memcpy DtoD (Device -> Device)", 0, stream, start, duration);
      put("    \"args\": {{\n      \"External id\": {}, \"device\": 0, \"stream\": {}, "
          "\"correlation\": {}, \"kind\": \"DtoD\", \"bytes\": {}, "
          "\"memory bandwidth (GB/s)\": 1.25\n    }}\n  }}",
          correlation, stream, correlation, 4096 + draw(4096));
    } else {
      span("kernel", kKernels[which], 0, stream, start, duration);
      put("    \"args\": {{\n      \"External id\": {}, \"device\": 0, \"stream\": {}, "
          "\"correlation\": {}, \"kind\": \"Dispatch Kernel\", "
          "\"grid\": [{}, 1, 1], \"block\": [256, 1, 1]\n    }}\n  }}",
          correlation, stream, correlation, 16 << (which % 4));
    }
  }

  KinetoSpec m_spec;
  const std::function<void(std::string_view)>& m_write;
  std::mt19937_64 m_random;
  fmt::memory_buffer m_buffer;
  KinetoTotals m_totals;
  int64_t m_host = kFirstNs;
  std::array<int64_t, 2> m_device{kFirstNs, kFirstNs};  // end of the last kernel, by stream
};

}  // namespace

KinetoTotals generate_kineto(const KinetoSpec& spec,
                             const std::function<void(std::string_view)>& write) {
  return Generator(spec, write).run();
}

Result<KinetoTotals> generate_kineto_file(const KinetoSpec& spec, const std::string& path) {
  const auto failed = [&] {
    return Error{std::string("cannot write: ") + std::strerror(errno), path};
  };
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "wb"),
                                                       &std::fclose);
  if (!file) return failed();
  bool whole = true;
  const KinetoTotals totals = generate_kineto(spec, [&](std::string_view text) {
    whole = whole && std::fwrite(text.data(), 1, text.size(), file.get()) == text.size();
  });
  if (!whole || std::fflush(file.get()) != 0) return failed();
  return totals;
}

}  // namespace trace
