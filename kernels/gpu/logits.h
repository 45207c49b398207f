// Index logits: a key is a row of the matrix operand, 16 of them a wave and instruction, index heads are its
// columns; relu, gate and the sum over heads follow in registers. Bound by the keys' 132 bytes each. Two bodies, by
// the width of a wave, and a third for many heads on Hopper.
#pragma once
#include "kernels/gpu/gpu.h"
#include "kernels/gpu/rules.h"
#if GPU_WAVE == 32
#include "kernels/gpu/logits_hopper.h"
#include "kernels/gpu/logits_wave32.h"
#else
#include "kernels/gpu/logits_wave64.h"
#endif

namespace kernels::GPU_NS {

using gpu::Kernel;
using gpu::Launch;
using gpu::Traits;

// The number is that of the heads at most.
GPU_DEVICE void mqa_logits_16(const MqaLogitsArgs& a) { mqa_logits<1>(a); }
GPU_DEVICE void mqa_logits_32(const MqaLogitsArgs& a) { mqa_logits<2>(a); }
GPU_DEVICE void mqa_logits_64(const MqaLogitsArgs& a) { mqa_logits<4>(a); }

inline Launch launch(const MqaLogitsArgs& a, const Traits& traits) {
  if (a.H > 64) return gpu::refused("mqa_logits: more than 64 heads on a GPU");
  if (!gpu::aligned(a.q, 16) || !gpu::aligned(a.cache.data, 16))
    return gpu::refused("mqa_logits: rows must be 16-byte aligned on a GPU");
#if GPU_WAVE == 32
  if (traits.matrix_copies && a.H > 32)
    return gpu::blocks(Kernel::mqa_logits_wide, logit_blocks(a, a.B * a.next_n, traits.units * kWideLogitBlocks), a.B * a.next_n, kLogitThreads, kWideLogitLds);
#endif
  const Kernel k = a.H <= 16 ? Kernel::mqa_logits_16 : a.H <= 32 ? Kernel::mqa_logits_32 : Kernel::mqa_logits_64;
  const int64_t resident = a.H <= 16 ? 4 : a.H <= 32 ? 3 : 2;  // blocks a multiprocessor: GPU_KERNELS
  return gpu::blocks(k, logit_blocks(a, a.B * a.next_n, traits.units * resident), a.B * a.next_n, kLogitThreads, kLogitLds);
}

}  // namespace kernels::GPU_NS
