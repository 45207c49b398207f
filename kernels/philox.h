// Philox4x32-10 (Salmon et al., 2011): four words of a counter and a key, the same on host and device.
#pragma once
#include <cstdint>

namespace kernels {

struct PhiloxWords {
  uint32_t w[4];
};

constexpr PhiloxWords philox4x32(PhiloxWords c, uint32_t key0, uint32_t key1) {
  for (int round = 0; round < 10; ++round) {
    const uint64_t a = uint64_t{0xD2511F53u} * c.w[0], b = uint64_t{0xCD9E8D57u} * c.w[2];
    c = {{static_cast<uint32_t>(b >> 32) ^ c.w[1] ^ key0, static_cast<uint32_t>(b),
          static_cast<uint32_t>(a >> 32) ^ c.w[3] ^ key1, static_cast<uint32_t>(a)}};
    key0 += 0x9E3779B9u;
    key1 += 0xBB67AE85u;
  }
  return c;
}

}  // namespace kernels
