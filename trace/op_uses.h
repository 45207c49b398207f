// The events of a window by model op, with exact clipped times. What advice and floors count with.
// Thread rule: const access from any thread. Holds a reference to nothing: ids are of the trace it was made from.
#pragma once
#include <cstdint>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "trace/window.h"

namespace trace {

struct OpUse {
  std::vector<EventId> events;   // by start
  int64_t ns = 0;                // sum of clipped durations
  int64_t count() const { return static_cast<int64_t>(events.size()); }
  void add(const OpUse& other);
};

// Kernels of one name.
struct KernelUse {
  std::string name;
  std::string op;
  int64_t count = 0, ns = 0;
  bool operator==(const KernelUse&) const = default;
};

class OpUses {
 public:
  OpUses(const Trace&, const Window&);

  const Window& window() const { return m_window; }
  bool has(std::string_view op) const { return m_by_op.contains(op); }
  const OpUse& of(std::string_view op) const;              // empty when there is none
  OpUse of_any(std::initializer_list<std::string_view> ops) const;   // together, in the order of the list
  int64_t count(std::initializer_list<std::string_view> ops) const;
  // A window's events in order of start: for questions about neighbours.
  const std::vector<EventId>& events() const { return m_events; }

 private:
  Window m_window;
  std::vector<EventId> m_events;
  std::map<std::string, OpUse, std::less<>> m_by_op;
};

// By name, longest total first.
std::vector<KernelUse> kernels_of(const Trace&, const Window&, const OpUse&);
// Sum of the clipped durations of the `count` shortest.
int64_t shortest_ns(const Trace&, const Window&, const OpUse&, int64_t count);

}  // namespace trace
