#include "ui/vm/mipmap.h"

#include <cassert>

namespace ui {

using trace::Event;
using trace::EventId;

RowMap::Busy RowMap::busy_of(size_t position) const {
  const Event& e = at(position);
  return {e.duration_ns(), e.duration_ns(), static_cast<uint32_t>(position), e.category};
}

RowMap::Gap RowMap::gap_before(size_t position) const {
  if (position == 0) return {};
  return {at(position).start_ns - at(position - 1).end_ns, static_cast<uint32_t>(position)};
}

void RowMap::build() {
  m_tree = Pyramid<Busy, Gap>(
      m_count,
      [this](size_t first, size_t last, int, Busy& busy, Gap& gap) {
        for (size_t i = first; i < last; ++i) {
          busy.merge(busy_of(i));
          gap.merge(gap_before(i));
        }
      },
      [this](size_t i) { return at(i).start_ns; }, [this](size_t i) { return at(i).end_ns; });
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

EventAggregate RowMap::aggregate(size_t first, size_t last) const {
  EventAggregate out = busy_and_longest(first, last);
  if (last - first < 2) return out;
  Gap worst;   // the gap before the first event is not in the range
  const auto ends = m_tree.merge_range(first + 1, last, worst);
  for (size_t i = first + 1; i < std::min(ends.head, last); ++i) worst.merge(gap_before(i));
  for (size_t i = ends.tail; i < last; ++i) worst.merge(gap_before(i));
  out.worst_gap_ns = worst.worst_ns;
  out.worst_gap_at = worst.at;
  return out;
}

EventAggregate RowMap::busy_and_longest(size_t first, size_t last) const {
  assert(first <= last && last <= m_count);
  if (first == last) return {};
  Busy sum;
  const auto ends = m_tree.merge_range(first, last, sum);
  for (size_t i = first; i < std::min(ends.head, last); ++i) sum.merge(busy_of(i));
  for (size_t i = ends.tail; i < last; ++i) sum.merge(busy_of(i));
  return {static_cast<int64_t>(last - first), sum.busy_ns, -1, trace::kNone, sum.longest, sum.longest_ns, sum.category};
}

BubbleMap::BubbleMap(const std::vector<trace::Bubble>& bubbles, const trace::Thresholds& thresholds)
    : m_bubbles(bubbles.data()), m_thresholds(thresholds), m_count(bubbles.size()) {
  struct Part {  // of one thread; on cache lines of its own
    alignas(64) ScopeTallies scopes{};
    CauseCounts causes{};
  };
  std::array<Part, kPyramidParts> parts{};
  m_tree = Pyramid<Idle, Kinds>(
      m_count,
      [this, &parts](size_t first, size_t last, int part, Idle& idle, Kinds& kinds) {
        Part& mine = parts[static_cast<size_t>(part)];
        for (size_t i = first; i < last; ++i) {
          const trace::Bubble& b = m_bubbles[i];
          idle.merge({b.ns(), b.ns(), static_cast<uint32_t>(i)});
          kinds.add(kind(i), b.ns());
          const auto of = static_cast<size_t>(kind(i));
          mine.scopes[of][static_cast<size_t>(b.scope)].add(b.ns());
          ++mine.causes[of][static_cast<size_t>(b.cause)];
        }
      },
      [this](size_t i) { return m_bubbles[i].begin_ns; }, [this](size_t i) { return m_bubbles[i].end_ns; });
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

BubbleAggregate BubbleMap::idle_and_worst(size_t first, size_t last) const {
  assert(first <= last && last <= m_count);
  Idle sum;
  const auto add = [&](size_t i) { sum.merge({m_bubbles[i].ns(), m_bubbles[i].ns(), static_cast<uint32_t>(i)}); };
  const auto ends = m_tree.merge_range(first, last, sum);
  for (size_t i = first; i < std::min(ends.head, last); ++i) add(i);
  for (size_t i = ends.tail; i < last; ++i) add(i);
  return {.count = static_cast<int64_t>(last - first), .idle_ns = sum.idle_ns, .worst = sum.worst, .worst_ns = sum.worst_ns};
}

BubbleAggregate BubbleMap::aggregate(size_t first, size_t last) const {
  BubbleAggregate out = idle_and_worst(first, last);
  Kinds sum;
  const auto ends = m_tree.merge_range(first, last, sum);
  for (size_t i = first; i < std::min(ends.head, last); ++i) sum.add(kind(i), m_bubbles[i].ns());
  for (size_t i = ends.tail; i < last; ++i) sum.add(kind(i), m_bubbles[i].ns());
  for (size_t k = 0; k < out.kinds.size(); ++k) out.kinds[k] = {sum.count[k], sum.ns[k]};
  return out;
}

}  // namespace ui
