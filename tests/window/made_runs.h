// Runs made for scripts: what real ones seldom have all at once.
#pragma once
#include <string>

#include "trace/builder.h"
#include "trace/run.h"

namespace tests {

// Three steps of four layers of five kernels, each kernel `kernel_ns` long, 300 ns apart; steps are annotated.
inline trace::Run layered_run(const std::string& name, int64_t kernel_ns) {
  trace::TraceBuilder b;
  const uint32_t lane = b.lane(b.device("0"), 7);
  const char* kNames[] = {"norm_kernel", "gemm_qkv", "mla_decode", "gemm_out", "moe_experts"};
  int64_t at = 0;
  for (int step = 0; step < 3; ++step) {
    const int64_t begin = at;
    b.add({.start_ns = at, .end_ns = at + kernel_ns, .name = b.intern("embedding_lookup"), .lane = lane, .step = step});
    at += kernel_ns + 300;
    for (int layer = 0; layer < 4; ++layer) {
      for (const char* kernel : kNames) {
        b.add({.start_ns = at, .end_ns = at + kernel_ns, .name = b.intern(kernel), .lane = lane, .step = step});
        at += kernel_ns + 300;
      }
    }
    b.add_annotation({.start_ns = begin, .end_ns = at, .name = b.intern("ProfilerStep#" + std::to_string(step)), .thread = 1});
    at += 5000;
  }
  b.classify_kernels();
  trace::Run run;
  run.name = name;
  run.trace = std::make_shared<const trace::Trace>(*b.finish());
  return run;
}

// Two streams that the collector saw on three hardware queues, as ROCm's do: 24 kernels.
inline trace::Run queued_run() {
  trace::TraceBuilder b;
  const uint32_t device = b.device("0");
  for (int64_t i = 0; i < 24; ++i)
    b.add({.start_ns = i * 3000, .end_ns = i * 3000 + 2000, .name = b.intern("rms_norm"), .lane = b.lane(device, i % 2), .detail = b.detail({.hsa_queue = i % 3})});
  trace::Run run;
  run.name = "queued";
  run.trace = std::make_shared<const trace::Trace>(*b.finish());
  return run;
}

// 30 kernels of three names with all that a collector can say of them, each launched by a call of its own.
inline trace::Run detailed_run() {
  trace::TraceBuilder b;
  const uint32_t device = b.device("0");
  b.header().devices[device].name = "NVIDIA H200";
  const uint32_t lane = b.lane(device, 7);
  for (int64_t i = 0; i < 30; ++i) {
    const int64_t start = 10'000 + i * 3000;
    b.add_call({.start_ns = start - 6000, .end_ns = start - 4500, .correlation = i, .name = b.intern("cudaLaunchKernel"), .thread = 3});
    b.add({.start_ns = start, .end_ns = start + 2000 + 10 * i, .correlation = i,
           .name = b.intern(i % 3 == 0 ? "gemm_fp8" : i % 3 == 1 ? "rms_norm" : "rope"), .lane = lane,
           .detail = b.detail({.grid = {132, 2, 1}, .block = {256, 1, 1}, .registers = 96, .lds_bytes = 49152, .bytes = 1'048'576,
                               .flops = 1'060'000'000, .graph_node = 4 + i, .layer = static_cast<int32_t>(i / 10)}),
           .step = 0, .op = b.op("q_b")});
  }
  b.classify_kernels();
  trace::Run run;
  run.name = "detailed";
  run.device = "NVIDIA H200";
  run.trace = std::make_shared<const trace::Trace>(*b.finish());
  return run;
}

}  // namespace tests
