// What launches and blocks wait for: the launches ahead of one, and the blocks of a cluster each other; and what a stamped launch
// notes of the first (kernels/gpu/stamp.h). On hip and in the emulator launches run one after the other and there are no clusters.
#pragma once
#include "kernels/gpu/gpu.h"

namespace kernels::GPU_NS {

#if defined(GPU_CUDA)
// The low half of the device's clock, in ns: one read, the whole of it takes three.
GPU_DEVICE uint32_t device_clock_low() {
  uint32_t t;
  asm volatile("mov.u32 %0, %%globaltimer_lo;" : "=r"(t)::"memory");
  return t;
}
// A stamped launch (kernels/gpu/stamp.h) keeps when the block could begin, and whether a wave is the one that stamps, in registers
// that have names, so that they need not be handed down to where a body waits. Kernels short of registers keep begin in shared
// memory, with the slot's address: a line of it, so that what a kernel lays out by lines behind it stays so (with four bytes,
// asynchronous copies took half as long again).
GPU_DEVICE void keep_begin() {
  // A branch: of a predicated read nvcc makes one by all waves and a choice that waits for it, ahead of the body.
  asm volatile("{\n\t@!ds_stamps bra OTHERS;\n\tmov.u32 ds_begin, %globaltimer_lo;\n\tOTHERS:\n\t}" ::: "memory");
}
struct alignas(16) StampLine {
  uint32_t begin, unused;
  uint64_t slot;
};
GPU_DEVICE StampLine& stamp_line() {
  __shared__ __align__(128) StampLine line[8];
  return line[0];
}
// The first of the last wave, which has the least to do at a body's end: sums of a block are finished by its first waves.
GPU_DEVICE uint32_t stamp_thread() {
  return blockDim.x - kWave;
}
// Programmatic launch: a kernel may begin while the one before it in its stream still runs. Behind wait_for_previous()
// all that it and those before it wrote is there; before it a kernel reads nothing but weights and writes nothing. Only
// then may the next one begin: blocks of several kernels to come would crowd this one's off the multiprocessors.
GPU_DEVICE void wait_for_launches() {
  asm volatile("griddepcontrol.wait;\n\tgriddepcontrol.launch_dependents;" ::: "memory");
}
GPU_DEVICE void wait_for_previous() {
  wait_for_launches();
#if defined(DS_STAMPED)
  keep_begin();
#endif
}
// The same in a kernel short of registers.
GPU_DEVICE void wait_in_line() {
  wait_for_launches();
#if defined(DS_STAMPED)
  if (threadIdx.x == stamp_thread()) stamp_line().begin = device_clock_low();
#endif
}
// Blocks (x, y), (x, y + 1), ... of a launch with a cluster run at once and read each other's shared memory between two
// of their barriers. A launch without one is a cluster of one.
GPU_DEVICE int cluster_size() {
  uint32_t n;
  asm("mov.u32 %0, %%cluster_nctarank;" : "=r"(n));
  return static_cast<int>(n);
}
GPU_DEVICE int cluster_rank() {
  uint32_t n;
  asm("mov.u32 %0, %%cluster_ctarank;" : "=r"(n));
  return static_cast<int>(n);
}
// All threads of the cluster call it; behind it they see what each wrote to its block's shared memory. (The barrier's own
// release would order global memory too: microseconds, with stores under way.)
GPU_DEVICE void cluster_barrier() {
  asm volatile(
      "fence.release.sync_restrict::shared::cta.cluster;\n\tbarrier.cluster.arrive.relaxed.aligned;\n\t"
      "barrier.cluster.wait.acquire.aligned;\n\tfence.acquire.sync_restrict::shared::cluster.cluster;" ::
          : "memory");
}
// The last barrier of a cluster, in two: a block must not be gone while another reads its shared memory, and what comes between
// need not wait for that (stores: they are on their way while blocks meet). A thread leaves when it has all it reads of the others;
// `read` is computed of that. All threads call both.
GPU_DEVICE void cluster_leave(uint32_t read) {
  // The comparison has `read` waited for; what hangs on it is harmless.
  asm volatile(
      "{\n\t.reg .pred p;\n\tsetp.eq.u32 p, %0, 0xffc0beef;\n\t@p nanosleep.u32 1;\n\t"
      "barrier.cluster.arrive.relaxed.aligned;\n\t}" ::"r"(read)
      : "memory");
}
GPU_DEVICE void cluster_left() {
  asm volatile("barrier.cluster.wait.aligned;" ::: "memory");
}
template <class T>
GPU_DEVICE const T* lds_of(const T* mine, int rank) {  // the same place in that block's shared memory
  uint64_t there;
  asm("mapa.u64 %0, %1, %2;" : "=l"(there) : "l"(mine), "r"(rank));
  return reinterpret_cast<const T*>(there);
}
#else
GPU_DEVICE void wait_for_previous() {}  // launches of a stream run one after the other
// No clusters.
GPU_DEVICE int cluster_size() {
  return 1;
}
GPU_DEVICE int cluster_rank() {
  return 0;
}
GPU_DEVICE void cluster_barrier() {}
GPU_DEVICE void cluster_leave(uint32_t) {}
GPU_DEVICE void cluster_left() {}
template <class T>
GPU_DEVICE const T* lds_of(const T* mine, int) {
  return mine;
}
#endif

inline constexpr int kMostCluster = 8;

// The sum of what the cluster's blocks hold at this place of their shared memory, in the order of ranks.
template <class T>
GPU_DEVICE T cluster_sum(const T* mine, int blocks) {
  T parts[kMostCluster];
#pragma unroll
  for (int b = 0; b < kMostCluster; ++b) parts[b] = b < blocks ? *lds_of(mine, b) : T{};  // all under way at once
  T sum = parts[0];
#pragma unroll
  for (int b = 1; b < kMostCluster; ++b) {
    if (b < blocks) sum += parts[b];
  }
  return sum;
}

}  // namespace kernels::GPU_NS
