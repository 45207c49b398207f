// Arena: the buffers of one plan in one block, each between guard bands, at a seeded random offset
// so that an A/B can place the same plan anew. Nothing in it outlives a step, so all of it may be
// poisoned before one.
#pragma once
#include <string>
#include <vector>

#include "engine/memory.h"
#include "kernels/op.h"

namespace engine {

class Arena {
 public:
  struct Request {
    std::string name;
    kernels::Format format = kernels::Format::u8;
    int64_t bytes = 0;
  };

  Arena() = default;
  // `addresses_only`: of a plan that is looked at and never run; nothing may be written there.
  Arena(std::vector<Request> requests, uint64_t placement_seed, bool addresses_only = false);

  const Memory& memory() const { return m_memory; }
  uint8_t* at(size_t i) const { return m_memory.data() + m_offsets[i]; }
  int64_t bytes() const { return m_bytes; }

  void poison();  // NaN, absurd integers
  // Name of a buffer that something wrote past; empty when none.
  std::string overrun() const;

 private:
  static constexpr int64_t kGuard = 128;
  void draw_guards();

  std::vector<Request> m_requests;
  std::vector<int64_t> m_offsets;
  int64_t m_bytes = 0;
  Memory m_memory;
};

}  // namespace engine
