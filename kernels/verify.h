// Holds one launch of a backend to its reference: outputs poisoned with NaN before, guard bands
// around every buffer after, and the same bytes whether one worker runs it or several. Used by the
// tests and by `decodescope check`. Thread rule: one launch at a time a workspace.
#pragma once
#include <memory>

#include "kernels/ops.h"

namespace kernels {

// Small, seeded and the same on every machine.
class Random {
 public:
  explicit Random(uint64_t seed) : m_state(seed) {}
  uint64_t next();
  int64_t below(int64_t n) { return static_cast<int64_t>(next() % static_cast<uint64_t>(n)); }
  int64_t pick(std::initializer_list<int64_t> values) {
    return values.begin()[below(static_cast<int64_t>(values.size()))];
  }
  bool chance(double p) { return uniform() < p; }
  double uniform() { return static_cast<double>(next() >> 11) * 0x1p-53; }
  double normal();  // sum of uniforms: bounded by +-6, rms 1

 private:
  uint64_t m_state;
};

// Memory of a test launch: every buffer between guard bands. With `pages` each ends instead at a page that may not
// be touched (its length rounded up to 16 bytes): a read past the end is a crash there, not a value.
class Workspace {
 public:
  explicit Workspace(bool pages = false) : m_pages(pages) {}

  // 64-byte aligned (16 with pages), filled with NaN poison.
  void* bytes(int64_t size);
  template <class T>
  T* make(int64_t n) {
    return static_cast<T*>(bytes(n * static_cast<int64_t>(sizeof(T))));
  }

  // Each buffer with its guard bands: `whole` bytes at `memory`, `size` of them at `data` its own.
  struct Span {
    uint8_t *memory, *data;
    int64_t size, whole;
  };
  std::vector<Span> spans() const;

  bool guards_hold() const;
  std::vector<std::vector<uint8_t>> snapshot() const;
  void restore(const std::vector<std::vector<uint8_t>>&);

 private:
  struct Free {
    size_t mapped;  // bytes of a mapping; 0: from new
    Free() : mapped(0) {}
    explicit Free(size_t bytes) : mapped(bytes) {}
    void operator()(uint8_t*) const;
  };
  struct Buffer {
    std::unique_ptr<uint8_t[], Free> memory;
    uint8_t* data;
    int64_t size, whole;
  };
  bool m_pages;
  std::vector<Buffer> m_buffers;
};

// A random launch of the op with legal shapes: odd token counts, partly filled pages, several
// strides and layouts.
OpArgs make_case(Op, Workspace&, Random&);
// The n-th of this op's shapes that a GPU's launch rules treat in a way of their own (long rows, many tokens, many heads):
// large, so not among those drawn. std::monostate behind the last.
OpArgs make_large_case(Op, int n, Workspace&, Random&);

struct Verdict {
  double worst = 0;   // error as a share of what is allowed
  std::string wrong;  // empty when right
  bool ok() const { return wrong.empty(); }
};

// Runs with 1, 2 and 3 workers' parts, one after the other.
Verdict verify(const Backend&, const OpArgs&, Workspace&);

}  // namespace kernels
