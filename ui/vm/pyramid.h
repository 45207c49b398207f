// Implicit tree of aggregates over a sorted sequence: level 0 has one node for 16 items, every
// further level one for 16 nodes, with the times of its first and of its last item. A node is of two
// parts that lie apart: Hot, which every bar of every frame asks for, and Cold, for what is selected.
// Costs (sizeof(Hot) + sizeof(Cold) + 24)/15 bytes an item; an aggregate over any range touches some
// 30 nodes a level. Both parts need `void merge(const T&)` (commutative).
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <thread>
#include <vector>

namespace ui {

inline constexpr int kPyramidParts = 2;
inline constexpr size_t kParallelFrom = 1 << 19;   // items, from which the leaves are made by two threads

struct ItemTimes {
  int64_t begin_ns = 0, end_ns = 0;
};

template <class Hot, class Cold>
class Pyramid {
 public:
  static constexpr size_t kFan = 16;

  Pyramid() = default;
  // `leaf(first, last, part, hot, cold)` aggregates items [first, last); `begin(i)` and `end(i)` are the times of item i. Leaves of part 1 may be
  // made on another thread meanwhile.
  template <class Leaf, class Begin, class End>
  Pyramid(size_t items, Leaf&& leaf, Begin&& begin, End&& end) {
    if (items == 0) return;
    m_levels.emplace_back();
    Level& leaves = m_levels.back();
    const size_t count = (items + kFan - 1) / kFan;
    leaves.hot.resize(count);
    leaves.cold.resize(count);
    leaves.begin_ns.resize(count);
    leaves.last.resize(count);
    const auto fill = [&](size_t from, size_t to, int part) {
      for (size_t n = from; n < to; ++n) {
        const size_t i = n * kFan;
        leaf(i, std::min(i + kFan, items), part, leaves.hot[n], leaves.cold[n]);
        leaves.begin_ns[n] = begin(i);
        const size_t last = std::min(i + kFan, items) - 1;
        leaves.last[n] = {begin(last), end(last)};
      }
    };
    // Large ones on two cores.
    if (items < kParallelFrom) {
      fill(0, count, 0);
    } else {
      std::thread other(fill, count / 2, count, 1);
      fill(0, count / 2, 0);
      other.join();
    }
    while (m_levels.back().size() > kFan) m_levels.push_back(above(m_levels.back()));
  }

  // Merges every node whose items lie in [first, last) into `out`. The items at both ends that fill
  // no node are left to the caller: [first, head) and [tail, last), with head <= tail.
  struct Ends {
    size_t head, tail;
  };
  Ends merge_range(size_t first, size_t last, Hot& out) const { return merge_part(first, last, out, &Level::hot); }
  Ends merge_range(size_t first, size_t last, Cold& out) const { return merge_part(first, last, out, &Level::cold); }

  // When item `i` begins, and the times of the one before `i`, where a node says so: far fewer of them than items are
  // asked for again and again, so that they stay in the cache. nullptr: ask the item itself.
  const int64_t* begin_at(size_t i) const { return at_edge(i, &Level::begin_ns, 0); }
  const ItemTimes* before(size_t i) const { return i == 0 ? nullptr : at_edge(i, &Level::last, 1); }

  // Items [first, last) of the one leaf that holds the last node beginning before `ns` (the first
  // leaf if none does).
  struct Range {
    size_t first, last;
  };
  Range leaf_before(int64_t ns, size_t items) const {
    if (m_levels.empty()) return {0, 0};
    size_t node = 0;
    for (size_t level = m_levels.size(); level-- > 0;) node = m_levels[level].last_before(ns, node) * kFan;
    return {node, std::min(node + kFan, items)};
  }

  // Where a range that begins at item `from` and is to end about at `ns` may end so that few nodes make it up: the
  // first item of the last node beginning before `ns`, of the largest nodes of which the range still holds kCoarse.
  // 0 if even leaves are too large for that.
  static constexpr size_t kCoarse = 4;
  size_t coarse_before(int64_t ns, size_t from) const {
    size_t node = 0, items = kFan;
    for (size_t level = 1; level < m_levels.size(); ++level) items *= kFan;
    for (size_t level = m_levels.size(); level-- > 0; items /= kFan) {
      const size_t i = m_levels[level].last_before(ns, node);
      if (i * items >= from + kCoarse * items) return i * items;
      node = i * kFan;
    }
    return 0;
  }

  size_t bytes() const {
    size_t sum = 0;
    for (const Level& level : m_levels) {
      sum += level.hot.capacity() * sizeof(Hot) + level.cold.capacity() * sizeof(Cold) + level.begin_ns.capacity() * sizeof(int64_t) + level.last.capacity() * sizeof(ItemTimes);
    }
    return sum;
  }

 private:
  struct Level {
    std::vector<Hot> hot;
    std::vector<Cold> cold;
    std::vector<int64_t> begin_ns;   // of the first item
    std::vector<ItemTimes> last;     // of the last
    size_t size() const { return begin_ns.size(); }
    void reserve(size_t n) {
      hot.reserve(n);
      cold.reserve(n);
      begin_ns.reserve(n);
      last.reserve(n);
    }
    // Of the siblings from `node` on, the last that begins before `ns`; `node` if none does. Counted, not searched: in
    // order as they are, all 15 are compared in less time than one branch is mispredicted.
    size_t last_before(int64_t ns, size_t node) const {
      const int64_t* begin = begin_ns.data() + node;
      size_t before = 0;
      if (node + kFan <= begin_ns.size())
        for (size_t i = 1; i < kFan; ++i) before += begin[i] < ns;
      else
        for (size_t i = 1; node + i < begin_ns.size(); ++i) before += begin[i] < ns;
      return node + before;
    }
  };

  template <class Part>
  Ends merge_part(size_t first, size_t last, Part& out, std::vector<Part> Level::* of) const {
    const size_t head = (first + kFan - 1) / kFan, tail = last / kFan;
    if (head >= tail) return {last, last};  // no whole node in between
    size_t a = head, b = tail;
    for (size_t level = 0; a < b; ++level) {
      const auto& nodes = m_levels[level].*of;
      const bool top = level + 1 == m_levels.size();
      while (a < b && (top || a % kFan != 0)) out.merge(nodes[a++]);
      while (a < b && b % kFan != 0) out.merge(nodes[--b]);
      a /= kFan;
      b /= kFan;
    }
    return {head * kFan, tail * kFan};
  }

  // The value of the node, as high up as there is one, that begins at item i (or, `back` = 1, ends before it).
  template <class T>
  const T* at_edge(size_t i, std::vector<T> Level::* of, size_t back) const {
    const T* found = nullptr;
    for (const Level& level : m_levels) {
      if (i % kFan != 0) break;
      i /= kFan;
      if (i - back >= (level.*of).size()) break;
      found = &(level.*of)[i - back];
    }
    return found;
  }

  static Level above(const Level& below) {
    Level level;
    level.reserve((below.size() + kFan - 1) / kFan);
    for (size_t i = 0; i < below.size(); i += kFan) {
      Hot hot = below.hot[i];
      Cold cold = below.cold[i];
      const size_t last = std::min(i + kFan, below.size());
      for (size_t k = i + 1; k < last; ++k) hot.merge(below.hot[k]), cold.merge(below.cold[k]);
      level.hot.push_back(hot);
      level.cold.push_back(cold);
      level.begin_ns.push_back(below.begin_ns[i]);
      level.last.push_back(below.last[last - 1]);
    }
    return level;
  }

  std::vector<Level> m_levels;  // [0] = leaves
};

}  // namespace ui
