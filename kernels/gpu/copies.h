// Ops that move or map single elements: embedding, strided copies, concatenation, fills, casts, scalings,
// the scale transpose, the appended shared expert and the sum of split parts.
#pragma once
#include "kernels/gpu/gpu.h"
#include "kernels/gpu/rules.h"

namespace kernels::GPU_NS {

using gpu::Kernel;
using gpu::Launch;
using gpu::Traits;

// Widest piece that every address of a copy is a multiple of.
GPU_DEVICE int64_t piece_of(uint64_t all_addresses) {
  return all_addresses % 16 == 0 ? 16 : all_addresses % 4 == 0 ? 4 : all_addresses % 2 == 0 ? 2 : 1;
}
GPU_DEVICE void copy_piece(uint8_t* to, const uint8_t* from, int64_t piece) {
  if (piece == 16)
    *reinterpret_cast<Vec16*>(to) = *reinterpret_cast<const Vec16*>(from);
  else if (piece == 4)
    *reinterpret_cast<uint32_t*>(to) = *reinterpret_cast<const uint32_t*>(from);
  else if (piece == 2)
    *reinterpret_cast<uint16_t*>(to) = *reinterpret_cast<const uint16_t*>(from);
  else
    *to = *from;
}
GPU_DEVICE uint64_t address(const void* p) {
  return reinterpret_cast<uint64_t>(p);
}

// Bytes of a row are walked by gridDim.x blocks; rows by gridDim.y.
GPU_DEVICE void embed(const EmbedArgs& a) {
  const int64_t m = blockIdx.y, bytes = a.hidden * 2;
  const auto* from = reinterpret_cast<const uint8_t*>(a.table + int64_t{a.tokens[m]} * a.hidden);
  auto* to = reinterpret_cast<uint8_t*>(a.out + m * a.hidden);
  const int64_t piece = piece_of(address(a.table) | address(a.out) | static_cast<uint64_t>(bytes));
  for (int64_t i = global_id() * piece; i < bytes; i += gridDim.x * block_threads() * piece)
    copy_piece(to + i, from + i, piece);
}
inline Launch launch(const EmbedArgs& a, const Traits&) {
  return gpu::blocks(Kernel::embed, a.M ? gpu::divide_up(a.hidden, 2048) : 0, a.M, gpu::kThreads, 0);
}

struct Rows {  // (M, H) rows of `bytes`, strides in bytes
  const uint8_t* in;
  uint8_t* out;
  int64_t in_stride, in_head_stride, out_stride, out_head_stride, bytes;
};

// Piece i of all rows together.
GPU_DEVICE void copy_rows(const Rows& r, int64_t M, int64_t H, int64_t first, int64_t step) {
  const int64_t piece =
      piece_of(address(r.in) | address(r.out) |
               static_cast<uint64_t>(r.in_stride | r.in_head_stride | r.out_stride |
                                     r.out_head_stride | r.bytes));
  const int64_t pieces = r.bytes / piece;
  for (int64_t i = first; i < M * H * pieces; i += step) {
    const int64_t row = i / pieces, at = i % pieces * piece, m = row / H, h = row % H;
    copy_piece(r.out + m * r.out_stride + h * r.out_head_stride + at,
               r.in + m * r.in_stride + h * r.in_head_stride + at, piece);
  }
}
GPU_DEVICE int64_t width_of(Format f) {
  return f == Format::bf16 ? 2 : f == Format::f32 || f == Format::i32 ? 4 : 1;
}

GPU_DEVICE void strided_copy(const StridedCopyArgs& a) {
  const int64_t size = width_of(a.format);
  copy_rows({static_cast<const uint8_t*>(a.in), static_cast<uint8_t*>(a.out), a.in_stride * size,
             a.in_head_stride * size, a.out_stride * size, a.out_head_stride * size, a.D * size},
            a.M, a.H, global_id(), gridDim.x * block_threads());
}
inline Launch launch(const StridedCopyArgs& a, const Traits& t) {
  Launch l = gpu::over(Kernel::strided_copy, gpu::divide_up(a.M * a.H * a.D * size_of(a.format), 16));
  l.grid_x = std::min<int64_t>(l.grid_x, t.units * 8);
  return l;
}

GPU_DEVICE void concat(const ConcatArgs& a) {
  const int64_t size = width_of(a.format), left = a.a_columns * size, right = a.b_columns * size;
  auto* out = static_cast<uint8_t*>(a.out);
  const int64_t first = global_id(), step = gridDim.x * block_threads();
  copy_rows({static_cast<const uint8_t*>(a.a), out, a.a_stride * size, a.a_head_stride * size,
             a.H * (left + right), left + right, left},
            a.M, a.H, first, step);
  copy_rows({static_cast<const uint8_t*>(a.b), out + left, a.b_stride * size,
             a.b_head_stride * size, a.H * (left + right), left + right, right},
            a.M, a.H, first, step);
}
inline Launch launch(const ConcatArgs& a, const Traits& t) {
  const int64_t bytes = a.M * a.H * (a.a_columns + a.b_columns) * size_of(a.format);
  Launch l = gpu::over(Kernel::concat, gpu::divide_up(bytes, 16));
  l.grid_x = std::min<int64_t>(l.grid_x, t.units * 8);
  return l;
}

GPU_DEVICE void fill(const FillArgs& a) {
  const uint32_t half = to_bf16(a.value).bits;
  const uint32_t word = a.format == Format::f32 ? std::bit_cast<uint32_t>(a.value) : half | half << 16;
  const int64_t size = width_of(a.format), bytes = a.n * size;
  auto* out = static_cast<uint8_t*>(a.out);
  const int64_t step = gridDim.x * block_threads(), whole = address(out) % 16 == 0 ? bytes / 16 : 0;
  for (int64_t i = global_id(); i < whole; i += step)
    reinterpret_cast<Vec16*>(out)[i] = {word, word, word, word};
  for (int64_t i = whole * 16 + global_id() * size; i < bytes; i += step * size) {
    if (size == 4)
      *reinterpret_cast<uint32_t*>(out + i) = word;
    else
      *reinterpret_cast<uint16_t*>(out + i) = static_cast<uint16_t>(half);
  }
}
inline Launch launch(const FillArgs& a, const Traits& t) {
  Launch l = gpu::over(Kernel::fill, gpu::divide_up(a.n * size_of(a.format), 16));
  l.grid_x = std::min<int64_t>(l.grid_x, t.units * 8);
  return l;
}

GPU_DEVICE void scale_transpose(const ScaleTransposeArgs& a) {
  const int64_t i = global_id();
  if (i >= a.M * a.G) return;
  const int64_t m = a.to == ScaleLayout::row ? i / a.G : i % a.M;
  const int64_t g = a.to == ScaleLayout::row ? i % a.G : i / a.M;
  a.out[i] = a.in[scale_offset(a.from, a.M, a.G, m, g)];
}
inline Launch launch(const ScaleTransposeArgs& a, const Traits&) {
  return gpu::over(Kernel::scale_transpose, a.M * a.G);
}

GPU_DEVICE void cast(const CastArgs& a) {
  const int64_t i = global_id();
  if (i < a.n) a.out[i] = to_float(a.in[i]);
}
inline Launch launch(const CastArgs& a, const Traits&) {
  return gpu::over(Kernel::cast, a.n);
}

GPU_DEVICE void scale(const ScaleArgs& a) {
  const int64_t i = global_id();
  if (i < a.n) a.out[i] = a.in[i] * (a.by ? a.by[i] : a.factor);
}
inline Launch launch(const ScaleArgs& a, const Traits&) {
  return gpu::over(Kernel::scale, a.n);
}

GPU_DEVICE void head_gates(const HeadGateArgs& a) {
  const int64_t i = global_id();
  if (i < a.n) a.out[i] = to_float(a.projection[i]) * a.head_scale * a.q_scales[i] * a.softmax_scale;
}
inline Launch launch(const HeadGateArgs& a, const Traits&) {
  return gpu::over(Kernel::head_gates, a.n);
}

GPU_DEVICE void append_shared(const AppendSharedArgs& a) {
  const int64_t i = global_id();
  if (i >= a.M * (a.k + 1)) return;
  const int64_t m = i / (a.k + 1), j = i % (a.k + 1);
  a.ids_out[i] = j < a.k ? a.ids[m * a.k + j] : a.shared_id;
  a.weights_out[i] = j < a.k ? a.weights[m * a.k + j] : a.shared_weight;
}
inline Launch launch(const AppendSharedArgs& a, const Traits&) {
  return gpu::over(Kernel::append_shared, a.M * (a.k + 1));
}

GPU_DEVICE void split_reduce(const SplitReduceArgs& a) {
  const int64_t i = global_id();
  if (i >= a.n) return;
  float sum = a.parts[i];
  for (int64_t s = 1; s < a.splits; ++s) sum += a.parts[s * a.n + i];
  a.out[i] = sum;
}
inline Launch launch(const SplitReduceArgs& a, const Traits&) {
  return gpu::over(Kernel::split_reduce, a.n);
}

}  // namespace kernels::GPU_NS
