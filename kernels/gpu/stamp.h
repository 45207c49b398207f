// When the blocks of a launch ran, by the device's own clock: what the stamped form of a kernel adds to its body, and the
// clock itself. One source for every vendor and the emulator, like the kernels.
//   cuda  %globaltimer: ns, in steps of 32 ns on an H200; the unit is the multiprocessor (%smid)
//   hip   s_memrealtime: 100 MHz; the unit is XCC << 8 | shader engine, array and compute unit as HW_ID has them (its bits
//         15..8). Compiled and audited, never run on hardware.
// What a block costs: one wave reads the low half of the clock twice (the whole of it takes three reads). On cuda a launch is as
// long as its last block, until what that stores has arrived; so all but the end is laid down beforehand. The unit is stored to
// the slot before the block waits for the launch ahead, which also brings the slot's line and page near: the store behind the body
// took twice as long without. Kernels with registers to spare keep begin in one and the slot's address in two more (or find it
// anew while the last wave waits for the others), others in shared memory.
// The last wave of a block stamps, with all its lanes: it arrives first where sums are finished by the first ones; the others are not
// held up, they arrive at the barrier and leave. On hip begin and unit are stored at once and the end behind the body, and nothing stays in
// vector registers across the body. Measured: docs/results/h200-accounting.md.
// What is measured: begin is read by one thread where the block may begin its work (on cuda behind
// wait_for_previous(), when all launches ahead have ended). end is read when every wave has issued its last instruction of
// the body; the stores of the body may still be on their way, and the block goes on for as long as one store takes to issue.
#pragma once
#include "kernels/gpu/gpu.h"
#include "kernels/gpu/launch.h"
#include "kernels/gpu/waits.h"

namespace kernels::GPU_NS {

#if defined(GPU_CUDA)

GPU_DEVICE uint64_t device_clock() {
  uint64_t t;
  asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(t)::"memory");
  return t;
}
GPU_DEVICE uint32_t unit_id() {
  uint32_t unit;
  asm volatile("mov.u32 %0, %%smid;" : "=r"(unit));
  return unit;
}

#elif defined(GPU_HIP)

GPU_DEVICE uint64_t device_clock() {
  asm volatile("" ::: "memory");  // the builtin orders no memory operations
  const uint64_t t = __builtin_amdgcn_s_memrealtime();
  asm volatile("" ::: "memory");
  return t;
}
GPU_DEVICE uint32_t device_clock_low() {
  return static_cast<uint32_t>(device_clock());
}
// s_getreg: register | first bit << 6 | (bits - 1) << 11
GPU_DEVICE uint32_t unit_id() {
  constexpr int kHwId = 4, kXccId = 20;
  const uint32_t unit = __builtin_amdgcn_s_getreg(kHwId | 8 << 6 | 7 << 11);
  return static_cast<uint32_t>(__builtin_amdgcn_s_getreg(kXccId | 0 << 6 | 3 << 11)) << 8 | unit;
}

#else

GPU_DEVICE uint64_t device_clock() {
  return ::simt::clock();
}
GPU_DEVICE uint32_t device_clock_low() {
  return static_cast<uint32_t>(device_clock());
}
GPU_DEVICE uint32_t unit_id() {
  return ::simt::unit();
}

#endif

GPU_DEVICE uint32_t block_number() {
  return blockIdx.y * gridDim.x + blockIdx.x;
}

#if defined(GPU_CUDA)

// Read where it stands, so that nothing of it is kept over the body.
GPU_DEVICE uint32_t block_number_anew() {
  uint32_t x, y, of;
  asm volatile("mov.u32 %0, %%ctaid.x;\n\tmov.u32 %1, %%ctaid.y;\n\tmov.u32 %2, %%nctaid.x;" : "=r"(x), "=r"(y), "=r"(of));
  return y * of + x;
}
// Before the body, by the stamping thread.
GPU_DEVICE void lay_unit(gpu::StampSlot* slot) {
  *reinterpret_cast<Vec8*>(&slot->unit) = {unit_id(), 0};
}
GPU_DEVICE void lay_line(gpu::StampSlot* slots) {
  if (threadIdx.x != stamp_thread()) return;
  gpu::StampSlot* slot = slots + block_number();
  stamp_line().slot = reinterpret_cast<uint64_t>(slot);
  lay_unit(slot);
}
// Behind it: the stamping wave goes on when all others have come here; those leave. The barrier is the one of barrier(): all
// threads have taken all of the body's, since they come here.
GPU_DEVICE bool leaves(uint32_t thread) {
  if (thread >= stamp_thread()) return false;
  asm volatile("barrier.cta.arrive 0, %0;" ::"r"(blockDim.x) : "memory");
  return true;
}
GPU_DEVICE void wait_for_waves() {
  asm volatile("barrier.cta.sync 0, %0;" ::"r"(blockDim.x) : "memory");
}
// Says where the address points: the compiler, which does not see it, would have that found out anew.
GPU_DEVICE void store_times(uint64_t slot, uint32_t begin, uint32_t end) {
  asm volatile("st.global.v2.u32 [%0], {%1, %2};" ::"l"(slot), "r"(begin), "r"(end) : "memory");
}
GPU_DEVICE void write_stamps() {
  uint32_t thread;  // read anew instead of kept across the body
  asm volatile("mov.u32 %0, %%tid.x;" : "=r"(thread));
  if (leaves(thread)) return;
  uint64_t begin, slot;
  asm volatile("ld.shared.v2.u64 {%0, %1}, [%2];" : "=l"(begin), "=l"(slot) : "r"(lds_address(&stamp_line())) : "memory");
  wait_for_waves();
  const uint32_t end = device_clock_low();
  if (thread == stamp_thread()) store_times(slot, static_cast<uint32_t>(begin), end);
}
// The same without the line. kWaits: before all else, not where the body does. kKeepsSlot: over the body, in two registers; where
// the body wants those, finding it anew ahead of the barrier costs less, elsewhere it costs some 30 ns.
template <bool kWaits, bool kKeepsSlot, class Body>
GPU_DEVICE void stamped_in_registers(gpu::StampSlot* slots, const Body& body) {
  asm volatile(".reg .u32 ds_begin;\n\t.reg .pred ds_stamps;\n\tmov.u32 ds_begin, 0;\n\tsetp.ge.u32 ds_stamps, %0, %1;" ::"r"(threadIdx.x),
               "r"(stamp_thread()));
  auto slot = reinterpret_cast<uint64_t>(slots + block_number());
  if (threadIdx.x == stamp_thread()) lay_unit(slots + block_number());
  if constexpr (kKeepsSlot) asm volatile("" : "+l"(slot));  // nvcc would compute it anew
  if constexpr (kWaits)
    wait_for_previous();
  else
    keep_begin();  // of blocks that have nothing to do and do not wait
  body();
  asm volatile("@!ds_stamps barrier.cta.arrive 0, %0;\n\t@!ds_stamps exit;" ::"r"(blockDim.x) : "memory");  // as leaves()
  if constexpr (!kKeepsSlot) {
    slot = reinterpret_cast<uint64_t>(slots + block_number_anew());
    asm volatile("" : "+l"(slot));  // here, ahead of the barrier
  }
  wait_for_waves();
  const uint32_t end = device_clock_low();
  uint32_t begin;
  asm volatile("mov.u32 %0, ds_begin;" : "=r"(begin));
  // All lanes store the same. To choose one nvcc had every wave read its threads' numbers ahead of the barrier: 15 ns a launch.
  store_times(slot, begin, end);
}

#else

// Where the block's slot is, and whether this lane is the one that writes it. On hip both are kept in scalar registers. (There,
// what is computed of uniform values in a branch of one lane merges with the body's own such values into vector registers, and
// a thread's number kept across the body is one more.)
class StampPlace {
 public:
#if defined(GPU_HIP)
  GPU_DEVICE explicit StampPlace(gpu::StampSlot* slots)
      : m_slot(slots + block_number()), m_wave(static_cast<uint32_t>(__builtin_amdgcn_readfirstlane(static_cast<int>(threadIdx.x)))) {}
  GPU_DEVICE gpu::StampSlot* slot() const { return m_slot; }
  GPU_DEVICE bool writes() const { return m_wave == 0 && __builtin_amdgcn_mbcnt_hi(~0u, __builtin_amdgcn_mbcnt_lo(~0u, 0)) == 0; }

 private:
  gpu::StampSlot* m_slot;
  uint32_t m_wave;  // the number of its first thread
#else
  GPU_DEVICE explicit StampPlace(gpu::StampSlot* slots) : m_slot(slots + block_number()) {}
  GPU_DEVICE gpu::StampSlot* slot() const { return m_slot; }
  GPU_DEVICE bool writes() const { return threadIdx.x == 0; }

 private:
  gpu::StampSlot* m_slot;
#endif
};

#endif

// The bodies return from themselves only: all threads come behind them. On cuda a body waits for what comes before it, and
// so takes begin (kernels/gpu/waits.h); gfx950 has no barrier that is only arrived at.
template <class Body>
GPU_DEVICE void stamped(gpu::StampSlot* slots, const Body& body) {
#if defined(GPU_CUDA)
  lay_line(slots);
  body();
  write_stamps();
#else
  const StampPlace place(slots);
  if (place.writes()) {
    place.slot()->begin = device_clock_low();
    place.slot()->unit = unit_id();
  }
  body();
  barrier();
  if (place.writes()) place.slot()->end = device_clock_low();
#endif
}

}  // namespace kernels::GPU_NS
