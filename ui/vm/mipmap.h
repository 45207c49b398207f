// What the timeline asks of a million events in a frame: "what lies between these two times",
// answered from trees. RowMap: one sub-row, events that do not overlap. BubbleMap: the idle
// intervals of one device. Both refer to data they do not own; immutable once built, const access
// from any thread.
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "trace/bubbles.h"
#include "ui/vm/pyramid.h"

namespace ui {

struct EventAggregate {
  int64_t count = 0;
  int64_t busy_ns = 0;
  int64_t worst_gap_ns = -1;  // between neighbours, both in the range; -1 = fewer than two
  uint32_t worst_gap_at = trace::kNone;  // position of the event after that gap
  uint32_t longest = trace::kNone;       // position; the first of equals
  int64_t longest_ns = -1;
  trace::Category category{};             // of the longest
};

class RowMap {
 public:
  RowMap() = default;
  // Events [first, first + count) of the trace. REQUIRES: sorted by start, each ends before the
  // next starts.
  RowMap(const trace::Trace&, uint32_t first, uint32_t count);
  // The same for events that are not neighbours in the trace.
  RowMap(const trace::Trace&, std::vector<trace::EventId> ids);

  size_t size() const { return m_count; }
  trace::EventId id(size_t position) const {
    return m_ids.empty() ? m_first + static_cast<uint32_t>(position) : m_ids[position];
  }
  const trace::Event& at(size_t position) const { return m_events[id(position)]; }

  // Of the event at a position, and of the one before it; from the tree where that knows.
  int64_t start_at(size_t position) const {
    const int64_t* known = m_tree.begin_at(position);
    return known ? *known : at(position).start_ns;
  }
  ItemTimes before(size_t position) const {
    const ItemTimes* known = m_tree.before(position);
    return known ? *known : ItemTimes{at(position - 1).start_ns, at(position - 1).end_ns};
  }
  size_t first_starting_at(
      int64_t ns) const;  // position of the first with start >= ns; size() if none
  size_t first_ending_after(int64_t ns) const;  // the first with end > ns, or of no length at ns
  // A position p > from such that all of [from, p) start before ns: first_starting_at(ns), or a
  // little less where that spares looking at single events (the range is long and ends with a
  // node).
  size_t coarse_end(size_t from, int64_t ns) const;
  EventAggregate aggregate(size_t first, size_t last) const;
  // The same without gaps: reads no event at all where the range begins and ends with nodes.
  EventAggregate busy_and_longest(size_t first, size_t last) const;
  size_t bytes() const { return m_ids.capacity() * sizeof(uint32_t) + m_tree.bytes(); }

 private:
  struct Busy {
    int64_t busy_ns = 0;
    int64_t longest_ns = -1;
    uint32_t longest = trace::kNone;
    trace::Category category{};   // of the longest
    // Nodes arrive in any order: of equals the first position wins, whatever came first.
    void merge(const Busy& o) {
      busy_ns += o.busy_ns;
      if (o.longest_ns > longest_ns || (o.longest_ns == longest_ns && o.longest < longest)) {
        longest_ns = o.longest_ns;
        longest = o.longest;
        category = o.category;
      }
    }
  };
  struct Gap {   // before each event of the node
    int64_t worst_ns = -1;
    uint32_t at = trace::kNone;
    void merge(const Gap& o) {
      if (o.worst_ns > worst_ns || (o.worst_ns == worst_ns && o.at < at)) *this = o;
    }
  };
  void build();
  Busy busy_of(size_t position) const;
  Gap gap_before(size_t position) const;

  const trace::Event* m_events = nullptr;
  uint32_t m_first = 0;
  size_t m_count = 0;
  std::vector<trace::EventId> m_ids;  // empty: contiguous from m_first
  Pyramid<Busy, Gap> m_tree;
};

struct BubbleAggregate {
  int64_t count = 0, idle_ns = 0;
  std::array<trace::Tally, trace::kBubbleKinds> kinds{};
  uint32_t worst = trace::kNone;  // index of the longest; the first of equals
  int64_t worst_ns = -1;
};

class BubbleMap {
 public:
  BubbleMap() = default;
  // Kinds are those of the thresholds, whatever the bubbles say. REQUIRES: sorted by begin, disjoint
  // (BubbleReport::bubbles); outlives the map.
  explicit BubbleMap(const std::vector<trace::Bubble>&, const trace::Thresholds& = {});

  size_t size() const { return m_count; }
  trace::Bubble at(size_t i) const {
    trace::Bubble b = m_bubbles[i];
    b.kind = kind(i);
    return b;
  }
  // As trace::kind_of(), in place: asked for every bubble when a threshold moves.
  trace::BubbleKind kind(size_t i) const { return kind_of(m_bubbles[i].ns()); }
  trace::BubbleKind kind_of(int64_t ns) const {
    if (ns >= m_thresholds.stall_ns) return trace::BubbleKind::stall;
    if (ns >= m_thresholds.fence_ns) return trace::BubbleKind::fence;
    return ns <= m_thresholds.contiguous_ns ? trace::BubbleKind::contiguous : trace::BubbleKind::dispatch;
  }
  // Of all of them, by kind and scope.
  using ScopeTallies = std::array<std::array<trace::Tally, trace::kBubbleScopes>, trace::kBubbleKinds>;
  const ScopeTallies& tallies() const { return m_tallies; }
  using CauseCounts = std::array<std::array<int64_t, trace::kBubbleCauses>, trace::kBubbleKinds>;
  const CauseCounts& causes() const { return m_causes; }
  int64_t begin_at(size_t i) const {   // as in RowMap
    const int64_t* known = m_tree.begin_at(i);
    return known ? *known : m_bubbles[i].begin_ns;
  }
  ItemTimes before(size_t i) const {
    const ItemTimes* known = m_tree.before(i);
    return known ? *known : ItemTimes{m_bubbles[i - 1].begin_ns, m_bubbles[i - 1].end_ns};
  }
  size_t first_beginning_at(int64_t ns) const;
  size_t coarse_end(size_t from, int64_t ns) const;  // as in RowMap
  size_t first_ending_after(int64_t ns) const;
  BubbleAggregate aggregate(size_t first, size_t last) const;
  BubbleAggregate idle_and_worst(size_t first, size_t last) const;   // the same without kinds: quicker
  size_t bytes() const { return m_tree.bytes(); }

 private:
  struct Idle {
    int64_t idle_ns = 0;
    int64_t worst_ns = -1;
    uint32_t worst = trace::kNone;
    void merge(const Idle& o) {   // as RowMap::Busy
      idle_ns += o.idle_ns;
      if (o.worst_ns > worst_ns || (o.worst_ns == worst_ns && o.worst < worst)) {
        worst_ns = o.worst_ns;
        worst = o.worst;
      }
    }
  };
  struct Kinds {
    std::array<uint32_t, trace::kBubbleKinds> count{};
    std::array<int64_t, trace::kBubbleKinds> ns{};
    void merge(const Kinds& o) {
      for (size_t k = 0; k < count.size(); ++k) count[k] += o.count[k], ns[k] += o.ns[k];
    }
    void add(trace::BubbleKind kind, int64_t length_ns) {
      ++count[static_cast<size_t>(kind)];
      ns[static_cast<size_t>(kind)] += length_ns;
    }
  };

  const trace::Bubble* m_bubbles = nullptr;
  trace::Thresholds m_thresholds;
  ScopeTallies m_tallies{};
  CauseCounts m_causes{};
  size_t m_count = 0;
  Pyramid<Idle, Kinds> m_tree;
};

}  // namespace ui
