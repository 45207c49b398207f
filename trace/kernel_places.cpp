// Second pass of the kernel rules: what a kernel is for, by its neighbours on the stream.
#include <algorithm>
#include <numeric>
#include <unordered_map>

#include "trace/kernel_rules_table.h"

namespace trace {
namespace {

constexpr uint16_t kBorder = 0xffff;  // before, between and after streams
constexpr int kReach = 16;            // neighbours looked through at most: the pass stays linear

// A kernel on its stream.
struct Place {
  uint16_t op = kBorder;  // numbered as in PlacePass
  bool mine = false;
  bool changed = false;
  EventId event = kNone;
};

// Ops are numbered as the rules do, those that only the trace knows after them.
class PlacePass {
 public:
  PlacePass(Trace& t, const std::vector<bool>& mine, const KernelRules& rules)
      : m_trace(t), m_rules(rules), m_ops(rules.ops) {
    const std::vector<uint16_t> number = number_ops();
    m_count.assign(m_ops.size(), 0);
    uint32_t stream = kNone;
    m_places.reserve(t.events.size() + t.lanes.size() + 1);
    for (EventId id : by_stream()) {
      const Event& e = t.events[id];
      const uint32_t logical = t.lanes[e.lane].logical;
      if (logical != stream) m_places.emplace_back();
      stream = logical;
      m_places.push_back({number[e.op], mine[id], false, id});
      ++m_count[number[e.op]];
    }
    m_places.emplace_back();
  }

  void run() {
    for (const PlaceGroup& group : m_rules.groups)
      if (present(group.needs))
        for (const PlaceRule& rule : group.rules)
          if (present(rule.was)) sweep(rule);
    store();
  }

 private:
  using Table = std::vector<uint8_t>;  // membership by op

  std::vector<uint16_t> number_ops() {
    std::unordered_map<std::string, uint16_t> known;
    for (size_t i = 0; i < m_ops.size(); ++i) known.emplace(m_ops[i], static_cast<uint16_t>(i));
    std::vector<uint16_t> number;
    for (const std::string& op : m_trace.ops) {
      const auto [at, fresh] = known.try_emplace(op, static_cast<uint16_t>(m_ops.size()));
      if (fresh) m_ops.push_back(op);
      number.push_back(at->second);
    }
    return number;
  }

  // Lanes that are folded into one are one stream.
  std::vector<EventId> by_stream() const {
    const Trace& t = m_trace;
    std::vector<EventId> ids(t.events.size());
    std::iota(ids.begin(), ids.end(), 0u);
    const auto key = [&](EventId id) {
      const Event& e = t.events[id];
      return std::pair(t.lanes[e.lane].logical, e.start_ns);
    };
    if (!std::ranges::is_sorted(ids, {}, key)) std::ranges::stable_sort(ids, {}, key);
    return ids;
  }

  bool present(const RuleOps& ops) const {
    return std::ranges::any_of(ops, [&](uint16_t op) { return m_count[op] > 0; });
  }

  Table table(const RuleOps& ops) const {
    Table in(m_ops.size(), 0);
    for (uint16_t op : ops) in[op] = 1;
    return in;
  }

  bool neighbour(size_t at, int step, const Table& wanted, const Table& skip) const {
    for (int i = 0; i < kReach; ++i) {
      at += static_cast<size_t>(step);
      const uint16_t op = m_places[at].op;
      if (op == kBorder) return false;
      if (wanted[op]) return true;
      if (!skip[op]) return false;
    }
    return false;
  }

  void sweep(const PlaceRule& rule) {
    const Table was = table(rule.was), skip = table(rule.skip);
    const Table prev = table(rule.prev), next = table(rule.next);
    const bool backward = rule.prev.empty();
    for (size_t n = 0; n < m_places.size(); ++n) {
      const size_t i = backward ? m_places.size() - 1 - n : n;
      Place& p = m_places[i];
      if (p.op == kBorder || !was[p.op] || !p.mine) continue;
      if (!rule.prev.empty() && !neighbour(i, -1, prev, skip)) continue;
      if (!rule.next.empty() && !neighbour(i, +1, next, skip)) continue;
      --m_count[p.op];
      ++m_count[rule.op];
      p.op = rule.op;
      p.changed = true;
      if (rule.category) m_trace.events[p.event].category = *rule.category;
    }
  }

  void store() {
    std::unordered_map<std::string, uint16_t> in_trace;
    for (size_t i = 0; i < m_trace.ops.size(); ++i)
      in_trace.emplace(m_trace.ops[i], static_cast<uint16_t>(i));
    for (const Place& p : m_places) {
      if (!p.changed) continue;
      const auto [at, fresh] =
          in_trace.try_emplace(m_ops[p.op], static_cast<uint16_t>(m_trace.ops.size()));
      if (fresh) m_trace.ops.push_back(m_ops[p.op]);
      m_trace.events[p.event].op = at->second;
    }
  }

  Trace& m_trace;
  const KernelRules& m_rules;
  std::vector<std::string> m_ops;
  std::vector<Place> m_places;
  std::vector<int64_t> m_count;  // kernels by op
};

}  // namespace

void classify_places(Trace& t, const std::vector<bool>& mine, const KernelRules& rules) {
  PlacePass(t, mine, rules).run();
}

}  // namespace trace
