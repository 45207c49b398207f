#include "trace/op_uses.h"

#include <algorithm>

namespace trace {

void OpUse::add(const OpUse& other) {
  events.insert(events.end(), other.events.begin(), other.events.end());
  ns += other.ns;
}

OpUses::OpUses(const Trace& trace, const Window& window)
    : m_window(window), m_events(events_in(trace, window)) {
  std::vector<OpUse> uses(trace.ops.size());
  for (const EventId id : m_events) {
    OpUse& use = uses[trace.events[id].op];
    use.events.push_back(id);
    use.ns += clipped_ns(trace.events[id], window);
  }
  for (size_t op = 0; op < uses.size(); ++op)
    if (!uses[op].events.empty()) m_by_op[trace.ops[op]].add(uses[op]);
}

const OpUse& OpUses::of(std::string_view op) const {
  static const OpUse none;
  const auto it = m_by_op.find(op);
  return it == m_by_op.end() ? none : it->second;
}

OpUse OpUses::of_any(std::initializer_list<std::string_view> ops) const {
  OpUse all;
  for (const std::string_view op : ops) all.add(of(op));
  return all;
}

int64_t OpUses::count(std::initializer_list<std::string_view> ops) const {
  int64_t n = 0;
  for (const std::string_view op : ops) n += of(op).count();
  return n;
}

std::vector<KernelUse> kernels_of(const Trace& trace, const Window& window, const OpUse& use) {
  std::map<std::pair<std::string_view, std::string_view>, KernelUse> by_name;
  for (const EventId id : use.events) {
    const Event& e = trace.events[id];
    KernelUse& k = by_name[{trace.name_of(e), trace.op_of(e)}];
    ++k.count;
    k.ns += clipped_ns(e, window);
  }
  std::vector<KernelUse> out;
  for (auto& [key, k] : by_name) {
    k.name = key.first;
    k.op = key.second;
    out.push_back(std::move(k));
  }
  std::ranges::stable_sort(out, [](const KernelUse& a, const KernelUse& b) { return a.ns > b.ns; });
  return out;
}

int64_t shortest_ns(const Trace& trace, const Window& window, const OpUse& use, int64_t count) {
  std::vector<int64_t> ns;
  for (const EventId id : use.events) ns.push_back(clipped_ns(trace.events[id], window));
  std::ranges::sort(ns);
  int64_t sum = 0;
  for (int64_t i = 0; i < std::min(count, static_cast<int64_t>(ns.size())); ++i)
    sum += ns[static_cast<size_t>(i)];
  return sum;
}

}  // namespace trace
