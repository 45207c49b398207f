#include "engine/arena.h"

#include <algorithm>
#include <cstring>

#include "engine/synth.h"

namespace engine {

namespace {
constexpr uint8_t kGuardByte = 0xa5;
constexpr int64_t kPlacements = 16384;  // x 64 bytes: offsets within 1 MiB
}  // namespace

Arena::Arena(std::vector<Request> requests, uint64_t placement_seed, bool addresses_only)
    : m_requests(std::move(requests)) {
  const double u = Draw(placement_seed, "arena").uniform(0);
  int64_t at = static_cast<int64_t>(u * kPlacements) * 64 + kGuard;
  for (const Request& r : m_requests) {
    m_offsets.push_back(at);
    at += (r.bytes + kGuard + 63) / 64 * 64;
    m_bytes += r.bytes;
  }
  m_memory = addresses_only ? Memory::reserved(at) : Memory(at);
  if (addresses_only) return;
  draw_guards();
  poison();
}

void Arena::draw_guards() {
  for (size_t i = 0; i < m_requests.size(); ++i) {
    std::memset(at(i) - kGuard, kGuardByte, kGuard);
    std::memset(at(i) + m_requests[i].bytes, kGuardByte, kGuard);
  }
}

void Arena::poison() {
  for (size_t i = 0; i < m_requests.size(); ++i) {
    // All ones is NaN in every float format, but as a slot it would be the legal "none".
    const int byte = m_requests[i].format == kernels::Format::i32 ? 0x7f : 0xff;
    std::memset(at(i), byte, static_cast<size_t>(m_requests[i].bytes));
  }
}

std::string Arena::overrun() const {
  const auto intact = [](const uint8_t* p) {
    return std::all_of(p, p + kGuard, [](uint8_t v) { return v == kGuardByte; });
  };
  for (size_t i = 0; i < m_requests.size(); ++i) {
    if (!intact(at(i) - kGuard) || !intact(at(i) + m_requests[i].bytes)) return m_requests[i].name;
  }
  return {};
}

}  // namespace engine
