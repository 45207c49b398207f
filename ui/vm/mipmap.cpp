#include "ui/vm/mipmap.h"

#include <cassert>

namespace ui {

using trace::Event;
using trace::EventId;

void RowMap::Node::merge(const Node& o) {
  busy_ns += o.busy_ns;
  // Nodes arrive in any order: of equals the first position wins, whatever came first.
  if (o.worst_gap_ns > worst_gap_ns ||
      (o.worst_gap_ns == worst_gap_ns && o.worst_gap_at < worst_gap_at)) {
    worst_gap_ns = o.worst_gap_ns;
    worst_gap_at = o.worst_gap_at;
  }
  if (o.longest_ns > longest_ns || (o.longest_ns == longest_ns && o.longest < longest)) {
    longest_ns = o.longest_ns;
    longest = o.longest;
  }
}

void RowMap::add_event(Node& node, size_t position, bool with_gap) const {
  const Event& e = at(position);
  Node one;
  one.busy_ns = e.duration_ns();
  one.longest_ns = e.duration_ns();
  one.longest = static_cast<uint32_t>(position);
  if (with_gap && position > 0) {
    one.worst_gap_ns = e.start_ns - at(position - 1).end_ns;
    one.worst_gap_at = static_cast<uint32_t>(position);
  }
  node.merge(one);
}

void RowMap::build() {
  m_tree = Pyramid<Node>(
      m_count,
      [this](size_t first, size_t last, int) {
        Node node;
        for (size_t i = first; i < last; ++i) add_event(node, i, true);
        return node;
      },
      [this](size_t i) { return at(i).start_ns; });
}

RowMap::RowMap(const trace::Trace& t, uint32_t first, uint32_t count)
    : m_events(t.events.data()), m_first(first), m_count(count) {
  assert(size_t{first} + count <= t.events.size());
  build();
}

RowMap::RowMap(const trace::Trace& t, std::vector<EventId> ids)
    : m_events(t.events.data()), m_count(ids.size()), m_ids(std::move(ids)) {
  m_ids.shrink_to_fit();
  build();
}

size_t RowMap::first_starting_at(int64_t ns) const {
  const auto [first, last] = m_tree.leaf_before(ns, m_count);
  size_t i = first;
  while (i < last && at(i).start_ns < ns) ++i;
  return i;
}

size_t RowMap::coarse_end(size_t from, int64_t ns) const {
  if (const size_t end = m_tree.coarse_before(ns, from)) return end;
  const auto [first, last] = m_tree.leaf_before(ns, m_count);
  size_t i = std::max(first, from);
  while (i < last && at(i).start_ns < ns) ++i;
  return std::max(i, from + 1);
}

size_t RowMap::first_ending_after(int64_t ns) const {
  const size_t i = first_starting_at(ns);
  // Those before it start earlier, and only the last of them can reach past ns.
  return i > 0 && at(i - 1).end_ns > ns ? i - 1 : i;
}

void RowMap::add_range(size_t first, size_t last, Node& sum) const {
  const auto ends = m_tree.merge_range(first, last, sum);
  for (size_t i = first; i < std::min(ends.head, last); ++i) add_event(sum, i, true);
  for (size_t i = ends.tail; i < last; ++i) add_event(sum, i, true);
}

EventAggregate RowMap::aggregate(size_t first, size_t last) const {
  assert(first <= last && last <= m_count);
  if (first == last) return {};
  Node sum;
  add_event(sum, first, false);  // the gap before the first event is not in the range
  add_range(first + 1, last, sum);
  return {static_cast<int64_t>(last - first),
          sum.busy_ns,
          sum.worst_gap_ns,
          sum.worst_gap_at,
          sum.longest,
          sum.longest_ns};
}

EventAggregate RowMap::busy_and_longest(size_t first, size_t last) const {
  assert(first <= last && last <= m_count);
  if (first == last) return {};
  Node sum;
  add_range(first, last, sum);
  return {static_cast<int64_t>(last - first),
          sum.busy_ns,
          -1,
          trace::kNone,
          sum.longest,
          sum.longest_ns};
}

void BubbleMap::Node::merge(const Node& o) {
  for (size_t k = 0; k < count.size(); ++k) {
    count[k] += o.count[k];
    ns[k] += o.ns[k];
  }
  if (o.worst_ns > worst_ns || (o.worst_ns == worst_ns && o.worst < worst)) {
    worst_ns = o.worst_ns;
    worst = o.worst;
  }
}

void BubbleMap::add_bubble(Node& node, size_t i) const {
  const trace::Bubble& b = m_bubbles[i];
  const auto of = static_cast<size_t>(kind(i));
  ++node.count[of];
  node.ns[of] += b.ns();
  if (b.ns() > node.worst_ns || (b.ns() == node.worst_ns && i < node.worst)) {
    node.worst_ns = b.ns();
    node.worst = static_cast<uint32_t>(i);
  }
}

BubbleMap::BubbleMap(const std::vector<trace::Bubble>& bubbles, const trace::Thresholds& thresholds)
    : m_bubbles(bubbles.data()), m_thresholds(thresholds), m_count(bubbles.size()) {
  struct Part {  // of one thread; on cache lines of its own
    alignas(64) ScopeTallies scopes{};
    CauseCounts causes{};
  };
  std::array<Part, Pyramid<Node>::kParts> parts{};
  m_tree = Pyramid<Node>(
      m_count,
      [this, &parts](size_t first, size_t last, int part) {
        Node node;
        Part& mine = parts[static_cast<size_t>(part)];
        for (size_t i = first; i < last; ++i) {
          add_bubble(node, i);
          const trace::Bubble& b = m_bubbles[i];
          const auto of = static_cast<size_t>(kind(i));
          mine.scopes[of][static_cast<size_t>(b.scope)].add(b.ns());
          ++mine.causes[of][static_cast<size_t>(b.cause)];
        }
        return node;
      },
      [this](size_t i) { return m_bubbles[i].begin_ns; });
  for (const Part& part : parts) {
    for (size_t k = 0; k < m_tallies.size(); ++k) {
      for (size_t s = 0; s < m_tallies[k].size(); ++s) {
        m_tallies[k][s].count += part.scopes[k][s].count;
        m_tallies[k][s].ns += part.scopes[k][s].ns;
      }
      for (size_t c = 0; c < m_causes[k].size(); ++c) m_causes[k][c] += part.causes[k][c];
    }
  }
}

size_t BubbleMap::first_beginning_at(int64_t ns) const {
  const auto [first, last] = m_tree.leaf_before(ns, m_count);
  size_t i = first;
  while (i < last && m_bubbles[i].begin_ns < ns) ++i;
  return i;
}

size_t BubbleMap::coarse_end(size_t from, int64_t ns) const {
  if (const size_t end = m_tree.coarse_before(ns, from)) return end;
  const auto [first, last] = m_tree.leaf_before(ns, m_count);
  size_t i = std::max(first, from);
  while (i < last && m_bubbles[i].begin_ns < ns) ++i;
  return std::max(i, from + 1);
}

size_t BubbleMap::first_ending_after(int64_t ns) const {
  const size_t i = first_beginning_at(ns);
  return i > 0 && m_bubbles[i - 1].end_ns > ns ? i - 1 : i;
}

BubbleAggregate BubbleMap::aggregate(size_t first, size_t last) const {
  assert(first <= last && last <= m_count);
  Node sum;
  const auto ends = m_tree.merge_range(first, last, sum);
  for (size_t i = first; i < std::min(ends.head, last); ++i) add_bubble(sum, i);
  for (size_t i = ends.tail; i < last; ++i) add_bubble(sum, i);
  BubbleAggregate out;
  for (size_t k = 0; k < out.kinds.size(); ++k) {
    out.kinds[k] = {sum.count[k], sum.ns[k]};
    out.count += sum.count[k];
    out.idle_ns += sum.ns[k];
  }
  out.worst = sum.worst;
  out.worst_ns = sum.worst_ns;
  return out;
}

}  // namespace ui
