// What the GEMMs are made of: rows of weights and of tokens by their formats, a wave's share of their product over steps of
// 128 of K, and how the waves of a block (and the blocks of a cluster) join their sums, in one order.
#pragma once
#include "kernels/gpu/ring.h"
#include "kernels/gpu/rules.h"
#include "kernels/gpu/waits.h"

namespace kernels::GPU_NS {

inline constexpr int kStep = 128;  // of K, the reach of one weight scale

// What a step of 16 rows by 16 tokens needs, so that the next step's lies under way while this one is multiplied.
struct Fp8Stage {
  Piece a[2][kPieces], b[2][kPieces];
  float unit, scale[kAccColumns];
};

// add_fp8 for one tile of tokens: one step ahead.
template <class W, class X>
GPU_DEVICE void add_fp8_ahead(Acc& acc, const W& w, const X& x, int64_t K, int64_t first, int64_t by) {
  if (first * kStep >= K) return;
  const int lane = lane_id();
  const bool both = x.count > 8;
  const int64_t part = piece_part(lane) * 16, scale_step = x.scale_step();
  const uint8_t *left[kPieces], *right[kPieces];
  const float* scales[kAccColumns];
#pragma unroll
  for (int i = 0; i < kPieces; ++i) {
    left[i] = w.row(piece_row(lane, i)) + part;
    right[i] = x.row(piece_row(lane, i)) + part;
  }
#pragma unroll
  for (int i = 0; i < kAccColumns; ++i) scales[i] = x.scale_row(column_of(lane, i));
  const auto load = [&](int64_t step) {
    Fp8Stage s;
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const int64_t k = step * kStep + half * 64;
      const bool inside = k + part < K;
#pragma unroll
      for (int i = 0; i < kPieces; ++i) {
        s.a[half][i] = inside ? piece_at(left[i] + k) : no_piece();
        s.b[half][i] = inside && (i == 0 || both) ? piece_at(right[i] + k) : no_piece();
      }
    }
    s.unit = w.scale(step);
#pragma unroll
    for (int i = 0; i < kAccColumns; ++i) s.scale[i] = scales[i][step * scale_step];
    return s;
  };
  Fp8Stage now = load(first);
  for (int64_t step = first; step * kStep < K; step += by) {
    Fp8Stage next = now;
    if ((step + by) * kStep < K) next = load(step + by);
    Acc part_sum = {};
#pragma unroll
    for (int half = 0; half < 2; ++half) mma_fp8(part_sum, now.a[half], now.b[half], both);
#pragma unroll
    for (int r = 0; r < kAcc; ++r) acc.c[r] += part_sum.c[r] * (now.unit * now.scale[column_index(r)]);
    now = next;
  }
}

// One wave's share of sum_k w[row, k] x[token, k] for 16 rows and 16 TT tokens: steps first, first + by, ...
// W: row(row), piece(row, k), scale(step)          rows and tokens past the end are clamped, never written
// X: row(token), piece(token, k), scale(token, step) = scale_row(token)[step * scale_step()]
template <int TT, class W, class X>
GPU_DEVICE void add_fp8(Acc (&acc)[TT], const W& w, const X& x, int64_t K, int64_t first, int64_t by) {
  if constexpr (TT == 1) return add_fp8_ahead(acc[0], w, x, K, first, by);
  const int lane = lane_id();
  const bool both = x.count > 8;
  for (int64_t step = first; step * kStep < K; step += by) {
    const int64_t k = step * kStep + piece_part(lane) * 16;
    Piece a[2][kPieces];
#pragma unroll
    for (int half = 0; half < 2; ++half) {
#pragma unroll
      for (int i = 0; i < kPieces; ++i)
        a[half][i] = k + half * 64 < K ? w.piece(piece_row(lane, i), k + half * 64) : no_piece();
    }
    const float unit = w.scale(step);
    Ready rows[2][kPieces];
#pragma unroll
    for (int half = 0; half < 2; ++half) {
#pragma unroll
      for (int i = 0; i < kPieces; ++i) rows[half][i] = ready(a[half][i]);
    }
#pragma unroll
    for (int t = 0; t < TT; ++t) {
      Acc part = {};
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        Ready b[kPieces];
#pragma unroll
        for (int i = 0; i < kPieces; ++i) {
          const bool used = (i == 0 || both) && k + half * 64 < K;
          b[i] = ready(used ? x.piece(t * 16 + piece_row(lane, i), k + half * 64) : no_piece());
        }
        mma_ready(part, rows[half], b, both);
      }
#pragma unroll
      for (int r = 0; r < kAcc; ++r)
        acc[t].c[r] += part.c[r] * (unit * x.scale(t * 16 + acc_col(lane, r), step));
    }
  }
}

// kParts = 3: the activations are fp32, each as three bf16.
template <int kParts, int TT, class W, class X>
GPU_DEVICE void add_bf16(Acc (&acc)[TT], const W& w, const X& x, int64_t from, int64_t to, int64_t first,
                         int64_t by) {
  const int lane = lane_id();
  const bool both = x.count > 8;
  for (int64_t step = first; from + step * kStep < to; step += by) {
    Piece a[4][kPieces];
#pragma unroll
    for (int j = 0; j < 4; ++j) {
      const int64_t k = from + step * kStep + j * 32 + piece_part(lane) * 8;
#pragma unroll
      for (int i = 0; i < kPieces; ++i) a[j][i] = k < to ? w.piece(piece_row(lane, i), k) : no_piece();
    }
#pragma unroll
    for (int j = 0; j < 4; ++j) {
      const int64_t k = from + step * kStep + j * 32 + piece_part(lane) * 8;
#pragma unroll
      for (int t = 0; t < TT; ++t) {
        Piece b[kParts][kPieces];
#pragma unroll
        for (int i = 0; i < kPieces; ++i) {
          Piece parts[kParts];
          for (Piece& p : parts) p = no_piece();
          if ((i == 0 || both) && k < to) x.pieces(t * 16 + piece_row(lane, i), k, parts);
          for (int p = 0; p < kParts; ++p) b[p][i] = parts[p];
        }
#pragma unroll
        for (int p = 0; p < kParts; ++p) mma_bf16(acc[t], a[j], b[p], both);
      }
    }
  }
}

// W and X alike: piece(row, k) = 32 codes in 16 bytes, mx_scale(row, k) = their e8m0. Where the matrix instruction takes
// them as they are (kMxScaled), it does; else both sides are widened to bf16, exactly.
template <int TT, class W, class X>
GPU_DEVICE void add_mx(Acc (&acc)[TT], const W& w, const X& x, int64_t K, int64_t first, int64_t by) {
  const int lane = lane_id();
#if GPU_WAVE == 64
  for (int64_t step = first; step * kStep < K; step += by) {
    const int64_t k = step * kStep + piece_part(lane) * kMxGroup;
    const bool inside = k < K;
    const Piece a = inside ? w.piece(piece_row(lane, 0), k) : no_piece();
    const uint8_t a_scale = inside ? w.mx_scale(piece_row(lane, 0), k) : 0;
#pragma unroll
    for (int t = 0; t < TT; ++t) {
      const int token = t * 16 + piece_row(lane, 0);
      const Piece b = inside ? x.piece(token, k) : no_piece();
      mma_mx(acc[t], a, a_scale, b, inside ? x.mx_scale(token, k) : uint8_t{0});
    }
  }
#else
  const bool both = x.count > 8;
  for (int64_t step = first; step * kStep < K; step += by) {
    const int64_t k = step * kStep + piece_part(lane) * kMxGroup;
    Piece a[kPieces];
    float a_scale[kPieces];
#pragma unroll
    for (int i = 0; i < kPieces; ++i) {
      a[i] = k < K ? w.piece(piece_row(lane, i), k) : no_piece();
      a_scale[i] = k < K ? e8m0_to_float(w.mx_scale(piece_row(lane, i), k)) : 0.0f;
    }
#pragma unroll
    for (int t = 0; t < TT; ++t) {
      Piece b[kPieces];
      float b_scale[kPieces];
#pragma unroll
      for (int i = 0; i < kPieces; ++i) {
        const int token = t * 16 + piece_row(lane, i);
        const bool used = (i == 0 || both) && k < K;
        b[i] = used ? x.piece(token, k) : no_piece();
        b_scale[i] = used ? e8m0_to_float(x.mx_scale(token, k)) : 0.0f;
      }
#pragma unroll
      for (int j = 0; j < 4; ++j) {  // widened a word at a time: registers are few
        Piece left[kPieces], right[kPieces];
#pragma unroll
        for (int i = 0; i < kPieces; ++i) {
          left[i] = bf16_of_mx(word_of(a[i], j), a_scale[i]);
          right[i] = bf16_of_mx(word_of(b[i], j), b_scale[i]);
        }
        mma_bf16(acc[t], left, right, both);
      }
    }
  }
#endif
}

// Rows of weights from n0 on; the last row stands in for those past the end.
struct Fp8Rows {
  const E4m3* w;
  const float* scales;  // of this block of 128 rows, [K/128]; null: 1
  int64_t n0, N, K;
  GPU_DEVICE Piece piece(int row, int64_t k) const {
    const int64_t n = n0 + row < N ? n0 + row : N - 1;
    return piece_at(w + n * K + k);
  }
  GPU_DEVICE const uint8_t* row(int r) const {
    return reinterpret_cast<const uint8_t*>(w + (n0 + r < N ? n0 + r : N - 1) * K);
  }
  GPU_DEVICE float scale(int64_t step) const { return scales ? scales[step] : 1.0f; }
};
struct Bf16Rows {
  const Bf16* w;
  int64_t n0, N, K;
  GPU_DEVICE const uint8_t* row(int r) const {
    return reinterpret_cast<const uint8_t*>(w + (n0 + r < N ? n0 + r : N - 1) * K);
  }
  GPU_DEVICE Piece piece(int row, int64_t k) const {
    const int64_t n = n0 + row < N ? n0 + row : N - 1;
    return piece_at(w + n * K + k);
  }
};
struct MxRows {
  const uint8_t *w, *scales;  // [N, K/2], [N, K/32]
  int64_t n0, N, K;
  GPU_DEVICE int64_t row_of(int row) const { return n0 + row < N ? n0 + row : N - 1; }
  GPU_DEVICE Piece piece(int row, int64_t k) const { return piece_at(w + (row_of(row) * K + k) / 2); }
  GPU_DEVICE uint8_t mx_scale(int row, int64_t k) const { return scales[(row_of(row) * K + k) / kMxGroup]; }
};

// Tokens from m0 on.
struct Tokens {
  int64_t m0, M;
  int count;  // of this block
  GPU_DEVICE int64_t at(int token) const { return m0 + (token < count ? token : count - 1); }
};
GPU_DEVICE Tokens tokens_of(int64_t m0, int64_t M, int64_t most) {
  return {m0, M, static_cast<int>(M - m0 < most ? M - m0 : most)};
}
struct Fp8Tokens : Tokens {
  QuantIn x;
  int64_t K;
  GPU_DEVICE Piece piece(int token, int64_t k) const { return piece_at(x.values + at(token) * K + k); }
  GPU_DEVICE float scale(int token, int64_t step) const {
    return scale_row(token)[step * scale_step()];
  }
  GPU_DEVICE const uint8_t* row(int token) const { return reinterpret_cast<const uint8_t*>(x.values + at(token) * K); }
  GPU_DEVICE const float* scale_row(int token) const {
    return x.scales + scale_offset(x.layout, M, K / kGroup, at(token), 0);
  }
  GPU_DEVICE int64_t scale_step() const { return scale_offset(x.layout, M, K / kGroup, 0, 1); }
};
struct Bf16Tokens : Tokens {
  const Bf16* x;
  int64_t stride;
  GPU_DEVICE const uint8_t* row(int token) const { return reinterpret_cast<const uint8_t*>(x + at(token) * stride); }
  GPU_DEVICE void pieces(int token, int64_t k, Piece* out) const { *out = piece_at(x + at(token) * stride + k); }
};
struct F32Tokens : Tokens {
  const float* x;
  int64_t stride;
  GPU_DEVICE void pieces(int token, int64_t k, Piece* out) const {
    float v[8];
    const float* from = x + at(token) * stride + k;
    for (int i = 0; i < 8; ++i) v[i] = from[i];
    three_bf16(v, out);
  }
};
struct MxTokens : Tokens {
  MxIn x;
  int64_t K;
  GPU_DEVICE Piece piece(int token, int64_t k) const { return piece_at(x.values + (at(token) * K + k) / 2); }
  GPU_DEVICE uint8_t mx_scale(int token, int64_t k) const {
    return x.scales[scale_offset(x.layout, M, K / kMxGroup, at(token), k / kMxGroup)];
  }
};

// Adds the waves' sums in order, in shared memory from `at` on, then those of the cluster's blocks, which split K too;
// write(token, row, sum) once for each output.
template <int TT, class Write>
GPU_DEVICE void join_waves(const Acc (&acc)[TT], int waves, int64_t at, const Write& write) {
  auto* sums = reinterpret_cast<float*>(lds() + at);  // [wave][token][row]
  const int lane = lane_id();
#pragma unroll
  for (int t = 0; t < TT; ++t) {
#pragma unroll
    for (int r = 0; r < kAcc; ++r)
      sums[(wave_id() * TT * 16 + t * 16 + acc_col(lane, r)) * 16 + acc_row(lane, r)] = acc[t].c[r];
  }
  barrier();
  const int blocks = cluster_size();
  for (int i = static_cast<int>(thread_id()); i < TT * 256; i += static_cast<int>(block_threads())) {
    float sum = sums[i];
    for (int w = 1; w < waves; ++w) sum += sums[w * TT * 256 + i];
    if (blocks == 1)
      write(i / 16, i % 16, sum);
    else
      sums[i] = sum;
  }
  if (blocks == 1) return;
  cluster_barrier();
  const int threads = static_cast<int>(block_threads()) * blocks;
  int i = static_cast<int>(thread_id()) * blocks + cluster_rank();
  uint32_t read = 0;
  for (; i + threads < TT * 256; i += threads) {
    const float sum = cluster_sum(sums + i, blocks);
    read |= std::bit_cast<uint32_t>(sum);
    write(i / 16, i % 16, sum);
  }
  const float last = i < TT * 256 ? cluster_sum(sums + i, blocks) : 0;
  cluster_leave(read | std::bit_cast<uint32_t>(last));
  if (i < TT * 256) write(i / 16, i % 16, last);
  cluster_left();
}
constexpr int64_t join_bytes(int tiles, int waves) {
  return int64_t{tiles} * waves * 256 * 4;
}

}  // namespace kernels::GPU_NS
