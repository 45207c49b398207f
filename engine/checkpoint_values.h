// Values of a stored matrix as floats, and floats in the formats of weights. Internal to the
// checkpoint of this folder.
#pragma once
#include <cstring>
#include <vector>

#include "engine/safetensors.h"
#include "kernels/formats.h"
#include "kernels/ops.h"

namespace engine {

// IEEE half precision, subnormals, infinities and NaN included.
inline float half_to_float(uint16_t h) {
  const uint32_t sign = uint32_t{h & 0x8000u} << 16, exponent = h >> 10 & 31u,
                 mantissa = h & 0x3ffu;
  if (exponent == 0)
    return std::bit_cast<float>(sign |
                                std::bit_cast<uint32_t>(static_cast<float>(mantissa) * 0x1p-24f));
  const uint32_t biased = exponent == 31 ? 255 : exponent + 112;
  return std::bit_cast<float>(sign | biased << 23 | mantissa << 13);
}

template <class T>
T load_as(const uint8_t* at, int64_t i) {
  T value;
  std::memcpy(&value, at + i * static_cast<int64_t>(sizeof(T)), sizeof value);
  return value;
}

struct StoredMatrix {
  const StoredTensor *values, *scales;  // scales of F8_E4M3 and U8 only
  int64_t columns;                      // of the whole matrix

  // Columns [first, first + out.size()) of row n.
  void row(int64_t n, int64_t first, std::vector<float>& out) const {
    const std::string& dtype = values->dtype;
    if (dtype == "BF16")
      each(n, first, out, [](const uint8_t* at, int64_t e, int64_t) {
        return kernels::to_float(kernels::Bf16{load_as<uint16_t>(at, e)});
      });
    else if (dtype == "F32")
      each(n, first, out,
           [](const uint8_t* at, int64_t e, int64_t) { return load_as<float>(at, e); });
    else if (dtype == "F16")
      each(n, first, out, [](const uint8_t* at, int64_t e, int64_t) {
        return half_to_float(load_as<uint16_t>(at, e));
      });
    else if (dtype == "F8_E4M3")
      each(n, first, out, [&](const uint8_t* at, int64_t e, int64_t k) {
        const int64_t block = n / kernels::kGroup * groups(kernels::kGroup) + k / kernels::kGroup;
        return kernels::to_float(kernels::E4m3{at[e]}) * load_as<float>(scales->data, block);
      });
    else  // U8: two of e2m1, the even column in the low nibble
      each(n, first, out, [&](const uint8_t* at, int64_t e, int64_t k) {
        const uint8_t scale = scales->data[n * groups(kernels::kMxGroup) + k / kernels::kMxGroup];
        return kernels::e2m1_to_float(k % 2 ? at[e / 2] >> 4 : at[e / 2] & 15u) *
               kernels::e8m0_to_float(scale);
      });
  }

 private:
  int64_t groups(int64_t of) const { return (columns + of - 1) / of; }

  template <class Value>
  void each(int64_t n, int64_t first, std::vector<float>& out, Value value) const {
    for (size_t i = 0; i < out.size(); ++i) {
      const int64_t k = first + static_cast<int64_t>(i);
      out[i] = value(values->data, n * columns + k, k);
    }
  }
};

inline void store_bf16(const std::vector<float>& row, kernels::Bf16* out) {
  for (size_t i = 0; i < row.size(); ++i) out[i] = kernels::to_bf16(row[i]);
}

// As a loader requantises a bf16 row.
inline void store_mx(const std::vector<float>& row, uint8_t* values, uint8_t* scales) {
  std::vector<kernels::Bf16> rounded(row.size());
  store_bf16(row, rounded.data());
  kernels::MxQuantArgs a;
  a.M = 1, a.D = static_cast<int64_t>(row.size());
  a.x = rounded.data(), a.x_stride = a.D;
  a.out.values = values, a.out.scales = scales;
  kernels::cpu::run(a, {});
}

}  // namespace engine
