// Where an element lies. Every layout has a tag that travels with its tensor; writer, reader and
// gather name the tag they are made for and a mismatch is refused (kernels/op.h, check).
//
// Index-K page of P tokens, 132 P bytes: P x 128 bytes of e4m3 keys, then P fp32 scales at P*128 +
// 4t.
//   row         key byte (t, d) at t*128 + d
//   preshuffle  tiles of 16 tokens x 16 bytes: (t/16)*2048 + (d/16)*256 + (t%16)*16 + d%16; P a
//   multiple of 16
// Activation scales of an (M, K) matrix, G = K/128: row (m, g) at m*G + g, column (m, g) at g*M +
// m; MXFP4 scales the same with G = K/32. Weights: shuffle(16, 16) puts 16 rows x 16 bytes
// together. Source: the index-K cache of sglang #23562 with aiter's writer and reader, and aiter's
// shuffle_weight.
#pragma once
#include "kernels/op.h"

namespace kernels {

enum class ScaleLayout : uint8_t { row, column };
enum class IndexLayout : uint8_t { row, preshuffle };
enum class WeightFormat : uint8_t { bf16, fp8, mxfp4 };
enum class RopeStyle : uint8_t { interleaved, half_split };  // pairs (2i, 2i+1) | (i, i + n/2)

inline constexpr int kIndexDim = 128;
inline constexpr int kIndexTokenBytes = kIndexDim + 4;

constexpr int64_t scale_offset(ScaleLayout layout, int64_t rows, int64_t groups, int64_t m,
                               int64_t g) {
  return layout == ScaleLayout::row ? m * groups + g : g * rows + m;
}

constexpr int64_t index_page_bytes(int page_size) {
  return int64_t{page_size} * kIndexTokenBytes;
}

constexpr int64_t index_key_offset(IndexLayout layout, int t, int d) {
  if (layout == IndexLayout::row) return int64_t{t} * kIndexDim + d;
  return int64_t{t / 16} * 2048 + d / 16 * 256 + t % 16 * 16 + d % 16;
}

// Bytes between two 16-byte chunks of one token's key.
constexpr int64_t index_chunk_stride(IndexLayout layout) {
  return layout == IndexLayout::row ? 16 : 256;
}

constexpr int64_t index_scale_offset(int page_size, int t) {
  return int64_t{page_size} * kIndexDim + 4 * int64_t{t};
}

// Element (n, k) of an (N, K) matrix of `bytes`-wide elements, in elements. REQUIRES N % 16 == 0, K
// % 32 == 0.
constexpr int64_t shuffle16_offset(int64_t n, int64_t k, int64_t columns, int bytes) {
  const int64_t chunk = 16 / bytes;
  return ((((n / 16) * (columns / 32) + k / 32) * (32 / chunk) + k % 32 / chunk) * 16 + n % 16) *
             chunk +
         k % chunk;
}

// The paged cache of index keys of one layer.
struct IndexCache {
  uint8_t* data = nullptr;  // [pages, page_size * 132]
  int64_t pages = 0;
  int page_size = 64;
  IndexLayout layout = IndexLayout::row;

  uint8_t* page(int64_t p) const { return data + p * index_page_bytes(page_size); }
};

// Quantised activations (M, K) with one fp32 scale per 128 columns.
struct QuantIn {
  const E4m3* values = nullptr;
  const float* scales = nullptr;
  ScaleLayout layout = ScaleLayout::row;
};
struct QuantOut {
  E4m3* values = nullptr;
  float* scales = nullptr;
  ScaleLayout layout = ScaleLayout::row;
  QuantIn in() const { return {values, scales, layout}; }
};

// Activations in MXFP4: (M, K/2) bytes, one e8m0 scale per 32 columns.
struct MxIn {
  const uint8_t* values = nullptr;
  const uint8_t* scales = nullptr;
  ScaleLayout layout = ScaleLayout::row;
};
struct MxOut {
  uint8_t* values = nullptr;
  uint8_t* scales = nullptr;
  ScaleLayout layout = ScaleLayout::row;
  MxIn in() const { return {values, scales, layout}; }
};

// A strided view (tokens, heads, columns) in elements; equal views are the same memory in the same
// order.
struct View {
  const void* data = nullptr;
  std::array<int64_t, 3> shape{};
  std::array<int64_t, 2> stride{};  // of tokens and heads; columns are contiguous
  bool operator==(const View&) const = default;
};

Status check(const IndexCache&, IndexLayout expected, std::string_view op);
Tensor values_of(std::string_view name, const QuantOut&, int64_t rows, int64_t columns);
Tensor scales_of(std::string_view name, const QuantOut&, int64_t rows, int64_t columns);

}  // namespace kernels
