// GEMMs of 17 tokens and more on Hopper: 64 columns x 64 tokens a block, by wgmma. Exempt from the emulator, which runs
// gemm.h's form of them: what differs is below. A fifth wave copies for the other four: weights stream through their rings
// (ring.h) into registers, the 64-row operand; tokens are written to shared memory as f16 or bf16, the other operand, once
// a step for all four. (The fence between writing them and wgmma's reading waits for a thread's own copies under way too:
// with each wave copying for itself a step took 2 us.) e4m3 is exact in f16 and sums are fp32: the fp8 form of the instruction would keep some 13 bits of a
// product, too few for the reference's bound. The blocks of a cluster split K; two blocks fit on a multiprocessor.
// Bytes: weights once, tokens once a block of 64 columns (as many bytes again at 64 tokens, out of the cache).
#pragma once
#include "kernels/gpu/gemm.h"

#if GPU_WAVE == 32
namespace kernels::GPU_NS {

inline constexpr int kWideColumns = 64, kWideTokens = 64;
inline constexpr int kWideWaves = 4, kWideBlock = (kWideWaves + 1) * kWave;
inline constexpr int kWideResident = 2;  // blocks a multiprocessor has room for
inline constexpr int64_t kAtomBytes = kWideTokens * 128;  // tokens x 64 values of two bytes: what one swizzle spans

// Two buffers of tokens (fp8 becomes two atoms), two of their scales.
constexpr int64_t wide_tokens_bytes(bool bf16) {
  return 2 * (bf16 ? 1 : 2) * kAtomBytes;
}
constexpr int64_t wide_bytes(bool bf16) {
  return wide_tokens_bytes(bf16) + 2 * kWideTokens * 4 + ring_bytes(true, kWideWaves) + 2 * kRing * 8;
}

// Blocks of 64 columns by blocks of 64 tokens, as clusters that split K where they are too few.
inline Launch wide_launch(Kernel kernel, int64_t M, int64_t N, int64_t row_bytes, bool bf16, const Traits& device) {
  const int64_t tiles = gpu::divide_up(N, kWideColumns), tokens = gpu::divide_up(M, kWideTokens);
  const int64_t steps = gpu::divide_up(row_bytes, kStageBytes);
  const int64_t cluster = std::clamp<int64_t>(std::min(kWideResident * device.units / (tiles * tokens), steps / 2), 1, device.cluster);
  Launch l = gpu::blocks(kernel, tiles, tokens * cluster, kWideBlock, wide_bytes(bf16));
  l.cluster = static_cast<int>(cluster);
  return l;
}

#if defined(GPU_CUDA)

struct WideAcc {
  float c[32];  // columns (of tokens) 8 j + 2 (lane % 4) + {0, 1} at 4 j, of rows lane / 4 and lane / 4 + 8
};

// Tokens in shared memory: rows of 128 bytes, 16-byte chunks exchanged by row % 8, eight rows 1,024 bytes apart.
GPU_DEVICE uint64_t token_matrix(const uint8_t* at) {
  const auto address = static_cast<uint64_t>(__cvta_generic_to_shared(at));
  return (address & 0x3ffff) >> 4 | uint64_t{1} << 16 | uint64_t{1024 >> 4} << 32 | uint64_t{1} << 62;
}

#define DS_WIDE_SUMS                                                                                                  \
  "+f"(d.c[0]), "+f"(d.c[1]), "+f"(d.c[2]), "+f"(d.c[3]), "+f"(d.c[4]), "+f"(d.c[5]), "+f"(d.c[6]), "+f"(d.c[7]),      \
      "+f"(d.c[8]), "+f"(d.c[9]), "+f"(d.c[10]), "+f"(d.c[11]), "+f"(d.c[12]), "+f"(d.c[13]), "+f"(d.c[14]),           \
      "+f"(d.c[15]), "+f"(d.c[16]), "+f"(d.c[17]), "+f"(d.c[18]), "+f"(d.c[19]), "+f"(d.c[20]), "+f"(d.c[21]),         \
      "+f"(d.c[22]), "+f"(d.c[23]), "+f"(d.c[24]), "+f"(d.c[25]), "+f"(d.c[26]), "+f"(d.c[27]), "+f"(d.c[28]),         \
      "+f"(d.c[29]), "+f"(d.c[30]), "+f"(d.c[31])
#define DS_WIDE(type)                                                                                                 \
  asm volatile(                                                                                                       \
      "{\n\t.reg .pred p;\n\tsetp.ne.b32 p, %37, 0;\n\t"                                                              \
      "wgmma.mma_async.sync.aligned.m64n64k16.f32." type "." type                                                     \
      " {%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15,%16,%17,%18,%19,%20,%21,%22,%23,%24,%25,%26,%27,%28,"  \
      "%29,%30,%31}, {%32,%33,%34,%35}, %36, p, 1, 1, 0;\n\t}"                                                        \
      : DS_WIDE_SUMS                                                                                                  \
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(tokens), "r"(add))
// d (+)= 64 rows x 16 of a, times the tokens' 16: `add` 0 begins a sum.
template <bool kBf16>
GPU_DEVICE void wgmma_64x64x16(WideAcc& d, const uint32_t (&a)[4], uint64_t tokens, int add) {
  if constexpr (kBf16)
    DS_WIDE("bf16");
  else
    DS_WIDE("f16");
}
#undef DS_WIDE
#undef DS_WIDE_SUMS

// This wave's 16 tokens of a stage, as the instruction reads them. The order of k within 16 is that of the weights'
// registers: a piece's word holds a lane's four, two in each half.
template <bool kBf16>
GPU_DEVICE void write_tokens(const Ring& ring, int slot, uint8_t* atoms) {
  const int lane = lane_id(), q = lane % 4;
#pragma unroll
  for (int i = 0; i < kPieces; ++i) {
    const int token = wave_id() * 16 + piece_row(lane, i);
    uint8_t* row = atoms + token * 128;
    const auto put = [&](int atom, int chunk, uint32_t two) {
      *reinterpret_cast<uint32_t*>(row + atom * kAtomBytes + (chunk ^ token % 8) * 16 + q * 4) = two;
    };
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const Piece p = ring.at(slot, 4 + 2 * i + half);
#pragma unroll
      for (int s = 0; s < 4; ++s) {
        if constexpr (kBf16) {
          put(0, half * 4 + s, word_of(p, s));
        } else {
          put(half, s * 2, f16_of_e4m3(word_of(p, s)));
          put(half, s * 2 + 1, f16_of_e4m3(word_of(p, s) >> 16));
        }
      }
    }
  }
}

// The weights' registers of 16 k: fp8 has eight such a stage, bf16 four.
template <bool kBf16>
GPU_DEVICE void weight_rows(const Piece (&p)[2][kPieces], int chunk, uint32_t (&rows)[4]) {
  if constexpr (kBf16) {
    const int half = chunk / 2, s = chunk % 2;
    rows[0] = word_of(p[half][0], 2 * s), rows[1] = word_of(p[half][1], 2 * s);
    rows[2] = word_of(p[half][0], 2 * s + 1), rows[3] = word_of(p[half][1], 2 * s + 1);
  } else {
    const uint32_t low = word_of(p[chunk / 4][0], chunk % 4), high = word_of(p[chunk / 4][1], chunk % 4);
    rows[0] = f16_of_e4m3(low), rows[1] = f16_of_e4m3(high), rows[2] = f16_of_e4m3(low >> 16), rows[3] = f16_of_e4m3(high >> 16);
  }
}

// Of each slot of the rings: the copies have arrived (32 lanes), the four waves have read it.
struct WideGates {
  uint64_t *full, *empty;

  GPU_DEVICE static uint32_t at(const uint64_t* gate) { return static_cast<uint32_t>(__cvta_generic_to_shared(gate)); }
  GPU_DEVICE void begin() const {
    for (int i = 0; i < kRing; ++i) {
      asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(at(full + i)), "n"(kWave) : "memory");
      asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(at(empty + i)), "n"(kWideWaves) : "memory");
    }
  }
  GPU_DEVICE static void pass(const uint64_t* gate, int turn) {  // the turn-th time it opens
    asm volatile(
        "{\n\t.reg .pred p;\nagain:\n\tmbarrier.try_wait.parity.shared::cta.b64 p, [%0], %1;\n\t@!p bra again;\n\t}" ::"r"(at(gate)),
        "r"(turn & 1)
        : "memory");
  }
  GPU_DEVICE static void arrive(const uint64_t* gate) {
    asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" ::"r"(at(gate)) : "memory");
  }
  GPU_DEVICE static void arrive_with_copies(const uint64_t* gate) {
    asm volatile("cp.async.mbarrier.arrive.noinc.shared::cta.b64 [%0];" ::"r"(at(gate)) : "memory");
  }
};

// The block's steps of K: every cluster_size()th.
struct WideSteps {
  int64_t first, by;
  int turns;
};
GPU_DEVICE WideSteps wide_steps(int64_t bytes) {
  const int64_t first = cluster_rank(), by = cluster_size();
  return {first, by, turns_of(first, by, bytes / kStageBytes)};
}

// The fifth wave. `feeds`: what its lanes copy for each of the four.
GPU_DEVICE void wide_copies(const Ring (&rings)[kWideWaves], const Feed (&feeds)[kWideWaves], const WideGates& gates) {
  const WideSteps s = wide_steps(feeds[0].bytes);
#pragma unroll
  for (int i = 0; i < kRing; ++i) {
    for (int w = 0; w < kWideWaves && i < s.turns; ++w) rings[w].weights(i, feeds[w], s.first + i * s.by);
  }
  wait_for_previous();
#pragma unroll
  for (int i = 0; i < kRing; ++i) {
    for (int w = 0; w < kWideWaves && i < s.turns; ++w) rings[w].tokens(i, feeds[w], s.first + i * s.by);
    if (i < s.turns) WideGates::arrive_with_copies(gates.full + i);
  }
  for (int i = kRing, slot = 0; i < s.turns; ++i, slot = slot + 1 == kRing ? 0 : slot + 1) {
    WideGates::pass(gates.empty + slot, i / kRing - 1);
#pragma unroll
    for (int w = 0; w < kWideWaves; ++w) {
      rings[w].weights(slot, feeds[w], s.first + i * s.by);
      rings[w].tokens(slot, feeds[w], s.first + i * s.by);
    }
    WideGates::arrive_with_copies(gates.full + slot);
  }
}

// One of the four waves: its 16 rows of the block's sum.
template <bool kBf16>
GPU_DEVICE void wide_sum(WideAcc& acc, const Ring& ring, int64_t bytes, uint8_t* atoms, float* scales, const WideGates& gates) {
  constexpr int kChunks = kBf16 ? 4 : 8;
  const int turns = wide_steps(bytes).turns, lane = lane_id();
  for (int i = 0, slot = 0; i < turns; ++i, slot = slot + 1 == kRing ? 0 : slot + 1) {
    uint8_t* to = atoms + i % 2 * (wide_tokens_bytes(kBf16) / 2);
    float* by_token = scales + i % 2 * kWideTokens;
    WideGates::pass(gates.full + slot, i / kRing);
    write_tokens<kBf16>(ring, slot, to);
    float unit = 1;
    if constexpr (!kBf16) {
      unit = ring.scales(slot)[kUnitScale];
      if (lane < 16) by_token[wave_id() * 16 + lane] = ring.scales(slot)[lane];
    }
    const Piece weights[2][kPieces] = {{ring.at(slot, 0), ring.at(slot, 1)}, {ring.at(slot, 2), ring.at(slot, 3)}};
    uint32_t rows[kChunks][4];
#pragma unroll
    for (int c = 0; c < kChunks; ++c) weight_rows<kBf16>(weights, c, rows[c]);
    asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
    asm volatile("bar.sync 1, %0;" ::"n"(kWideWaves * kWave) : "memory");  // all tokens are there, the last step's have been read
    if (lane == 0) WideGates::arrive(gates.empty + slot);
    WideAcc part;
    asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
#pragma unroll
    for (int c = 0; c < kChunks; ++c)
      wgmma_64x64x16<kBf16>(kBf16 ? acc : part, rows[c], token_matrix(to + c / 4 * kAtomBytes + c % 4 * 32), kBf16 ? 1 : c > 0);
    asm volatile("wgmma.commit_group.sync.aligned;\n\twgmma.wait_group.sync.aligned 0;" ::: "memory");
    if constexpr (!kBf16) {
#pragma unroll
      for (int r = 0; r < 32; ++r) acc.c[r] += part.c[r] * (unit * by_token[r / 4 * 8 + lane % 4 * 2 + r % 2]);
    }
  }
}

// Adds the sums of the cluster's blocks in order.
template <class Write>
GPU_DEVICE void join_wide(const WideAcc& acc, const Write& write) {
  constexpr int kAll = kWideColumns * kWideTokens;
  auto* sums = reinterpret_cast<float*>(lds());  // [token][row]
  const int lane = lane_id();
  barrier();  // the rings and tokens have been read
#pragma unroll
  for (int r = 0; r < 32 && wave_id() < kWideWaves; ++r) {
    const int token = r / 4 * 8 + lane % 4 * 2 + r % 2, row = wave_id() * 16 + lane / 4 + r / 2 % 2 * 8;
    sums[token * kWideColumns + row] = acc.c[r];
  }
  const int blocks = cluster_size();
  cluster_barrier();  // of the block alone where it is one
  // A stretch of outputs a block: neighbouring threads, neighbouring columns.
  const int stretch = (kAll + blocks - 1) / blocks, first = stretch * cluster_rank(), left = kAll - first < stretch ? kAll - first : stretch;
#pragma unroll 2
  for (int i = static_cast<int>(thread_id()); i < left; i += kWideBlock)
    write((first + i) / kWideColumns, (first + i) % kWideColumns, blocks == 1 ? sums[i] : cluster_sum(sums + first + i, blocks));
  cluster_barrier();  // no block is gone while another reads its sums
}
// W, X: the block's 64 rows and tokens. Scales of tokens and weights; null for bf16.
template <bool kBf16, class W, class X, class Write>
GPU_DEVICE void gemm_wide(const W& w, const X& x, int64_t bytes, const float* w_scales, const Write& write) {
  auto* scales = reinterpret_cast<float*>(lds() + wide_tokens_bytes(kBf16));
  uint8_t* memory = lds() + wide_tokens_bytes(kBf16) + 2 * kWideTokens * 4;
  auto* full = reinterpret_cast<uint64_t*>(memory + ring_bytes(true, kWideWaves));
  const WideGates gates{full, full + kRing};
  if (thread_id() == 0) gates.begin();
  barrier();
  const auto ring_of = [memory](int wave) { return Ring{memory + wave * kRing * stage_bytes(true), true}; };
  WideAcc acc = {};
  if (wave_id() < kWideWaves) {
    wait_for_previous();  // nothing is read here, but all is written behind it
    wide_sum<kBf16>(acc, ring_of(wave_id()), bytes, lds(), scales, gates);
  } else {
    const int lane = lane_id();
    Ring rings[kWideWaves];
    Feed feeds[kWideWaves] = {};
#pragma unroll
    for (int wave = 0; wave < kWideWaves; ++wave) {
      Feed& f = feeds[wave];
      rings[wave] = ring_of(wave), f.bytes = bytes;
#pragma unroll
      for (int i = 0; i < kPieces; ++i) {
        const int token = wave * 16 + piece_row(lane, i);
        f.left[i] = w.row(wave * 16 + piece_row(lane, i)) + piece_part(lane) * 16;
        f.right[i] = token < x.count ? x.row(token) + piece_part(lane) * 16 : nullptr;
      }
      if constexpr (!kBf16) {
        if (lane < kUnitScale && wave * 16 + lane < x.count) f.scale = x.scale_row(wave * 16 + lane), f.scale_step = x.scale_step();
        if (lane == kUnitScale) f.scale = w_scales, f.scale_step = 1;
      }
    }
    wide_copies(rings, feeds, gates);
  }
  join_wide(acc, write);
}

GPU_DEVICE Tokens wide_tokens(int64_t M) {
  return tokens_of(int64_t{blockIdx.y} / cluster_size() * kWideTokens, M, kWideTokens);
}
GPU_DEVICE void gemm_fp8_wide(const GemmFp8Args& a) {
  const int64_t n0 = int64_t{blockIdx.x} * kWideColumns;
  const Tokens tokens = wide_tokens(a.M);
  const float* scales = a.w_scales + n0 / kGroup * (a.K / kGroup);
  gemm_wide<false>(Fp8Rows{a.w, scales, n0, a.N, a.K}, Fp8Tokens{tokens, a.x, a.K}, a.K, scales,
                   [&](int token, int row, float sum) {
                     if (token < tokens.count && n0 + row < a.N)
                       a.out[(tokens.m0 + token) * a.out_stride + n0 + row] = to_bf16(sum);
                   });
}
GPU_DEVICE void gemm_bf16_wide(const GemmBf16Args& a) {
  const int64_t n0 = int64_t{blockIdx.x} * kWideColumns;
  const Tokens tokens = wide_tokens(a.M);
  gemm_wide<true>(Bf16Rows{a.w, n0, a.N, a.K}, Bf16Tokens{tokens, static_cast<const Bf16*>(a.x), a.x_stride}, a.K * 2, nullptr,
                  [&](int token, int row, float sum) {
                    if (token >= tokens.count || n0 + row >= a.N) return;
                    const int64_t at = (tokens.m0 + token) * a.out_stride + n0 + row;
                    if (a.out_format == Format::f32)
                      static_cast<float*>(a.out)[at] = sum;
                    else
                      static_cast<Bf16*>(a.out)[at] = to_bf16(sum);
                  });
}

#endif
}  // namespace kernels::GPU_NS
#endif
