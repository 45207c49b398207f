// Memory: one aligned block, zeroed, committed by the system only where it is touched. What this
// machine can give.
#pragma once
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>
#include <string>

namespace engine {

class Memory {
 public:
  Memory() = default;
  explicit Memory(int64_t bytes)
      : m_block(std::calloc(1, static_cast<size_t>(bytes) + kAlign)), m_bytes(bytes) {
    if (!m_block) throw std::bad_alloc();
  }
  // Addresses of content that lies on a device: nothing is promised by the system until it is touched, so it
  // may be larger than the machine. Zeroes where nobody wrote.
  static Memory reserved(int64_t bytes);
  uint8_t* data() const {
    if (m_reserved) return static_cast<uint8_t*>(m_reserved.get());
    const auto at = reinterpret_cast<uintptr_t>(m_block.get());
    return reinterpret_cast<uint8_t*>((at + kAlign - 1) / kAlign * kAlign);
  }
  int64_t size() const { return m_bytes; }

 private:
  struct Free {
    void operator()(void* p) const { std::free(p); }
  };
  static constexpr size_t kAlign = 64;
  struct Unmap {
    int64_t bytes;
    void operator()(void* p) const;
  };
  std::unique_ptr<void, Free> m_block;
  std::unique_ptr<void, Unmap> m_reserved;
  int64_t m_bytes = 0;
};

// Hands out aligned pieces of a block, or with a null base only adds up what would be needed.
class Carver {
 public:
  explicit Carver(uint8_t* base) : m_base(base) {}
  template <class T>
  T* take(int64_t n) {
    uint8_t* at = m_base ? m_base + m_used : nullptr;
    m_used += (n * static_cast<int64_t>(sizeof(T)) + 63) / 64 * 64;
    return reinterpret_cast<T*>(at);
  }
  int64_t used() const { return m_used; }

 private:
  uint8_t* m_base;
  int64_t m_used = 0;
};

int64_t available_memory_bytes();     // what can be had now: the machine's or the container's limit
std::string gib_text(int64_t bytes);  // "1.25 GiB", "310 MiB"

}  // namespace engine
