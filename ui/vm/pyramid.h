// Implicit tree of aggregates over a sorted sequence: level 0 has one node for 16 items, every
// further level one for 16 nodes. Costs sizeof(Node)/15 bytes an item; an aggregate over any range
// touches some 30 nodes a level. Node needs `int64_t begin_ns` (of its first item) and `void
// merge(const Node&)` (commutative).
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <thread>
#include <vector>

namespace ui {

template <class Node>
class Pyramid {
 public:
  static constexpr size_t kFan = 16;

  Pyramid() = default;
  // `leaf(first, last, part)` aggregates items [first, last); `begin(i)` is where item i begins. Leaves of part 1 may be
  // made on another thread meanwhile.
  static constexpr int kParts = 2;
  static constexpr size_t kParallelFrom = 1 << 19;
  template <class Leaf, class Begin>
  Pyramid(size_t items, Leaf&& leaf, Begin&& begin) {
    if (items == 0) return;
    m_levels.emplace_back();
    Level& leaves = m_levels.back();
    const size_t count = (items + kFan - 1) / kFan;
    leaves.nodes.resize(count);
    leaves.begin_ns.resize(count);
    const auto fill = [&](size_t from, size_t to, int part) {
      for (size_t n = from; n < to; ++n) {
        const size_t i = n * kFan;
        leaves.nodes[n] = leaf(i, std::min(i + kFan, items), part);
        leaves.begin_ns[n] = begin(i);
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
    while (m_levels.back().nodes.size() > kFan) m_levels.push_back(above(m_levels.back()));
  }

  // Merges every node whose items lie in [first, last) into `out`. The items at both ends that fill
  // no node are left to the caller: [first, head) and [tail, last), with head <= tail.
  struct Ends {
    size_t head, tail;
  };
  Ends merge_range(size_t first, size_t last, Node& out) const {
    const size_t head = (first + kFan - 1) / kFan, tail = last / kFan;
    if (head >= tail) return {last, last};  // no whole node in between
    size_t a = head, b = tail;
    for (size_t level = 0; a < b; ++level) {
      const auto& nodes = m_levels[level].nodes;
      const bool top = level + 1 == m_levels.size();
      while (a < b && (top || a % kFan != 0)) out.merge(nodes[a++]);
      while (a < b && b % kFan != 0) out.merge(nodes[--b]);
      a /= kFan;
      b /= kFan;
    }
    return {head * kFan, tail * kFan};
  }

  // Items [first, last) of the one leaf that holds the last node beginning before `ns` (the first
  // leaf if none does).
  struct Range {
    size_t first, last;
  };
  Range leaf_before(int64_t ns, size_t items) const {
    if (m_levels.empty()) return {0, 0};
    size_t node = 0, end = m_levels.back().nodes.size();
    for (size_t level = m_levels.size(); level-- > 0;) {
      const auto& begin_ns = m_levels[level].begin_ns;
      size_t i = node;
      while (i + 1 < end && begin_ns[i + 1] < ns) ++i;
      node = i * kFan;
      end = level > 0 ? std::min(node + kFan, m_levels[level - 1].nodes.size()) : 0;
    }
    return {node, std::min(node + kFan, items)};
  }

  // Where a range that begins at item `from` and is to end about at `ns` may end so that few nodes make it up: the
  // first item of the last node beginning before `ns`, of the largest nodes of which the range still holds kCoarse.
  // 0 if even leaves are too large for that.
  static constexpr size_t kCoarse = 4;
  size_t coarse_before(int64_t ns, size_t from) const {
    size_t node = 0, end = m_levels.empty() ? 0 : m_levels.back().nodes.size(), items = kFan;
    for (size_t level = 1; level < m_levels.size(); ++level) items *= kFan;
    for (size_t level = m_levels.size(); level-- > 0; items /= kFan) {
      const auto& begin_ns = m_levels[level].begin_ns;
      size_t i = node;
      while (i + 1 < end && begin_ns[i + 1] < ns) ++i;
      if (i * items >= from + kCoarse * items) return i * items;
      node = i * kFan;
      end = level > 0 ? std::min(node + kFan, m_levels[level - 1].nodes.size()) : 0;
    }
    return 0;
  }

  size_t bytes() const {
    size_t sum = 0;
    for (const Level& level : m_levels) {
      sum += level.nodes.capacity() * sizeof(Node) + level.begin_ns.capacity() * sizeof(int64_t);
    }
    return sum;
  }

 private:
  struct Level {
    std::vector<Node> nodes;
    std::vector<int64_t> begin_ns;
    void reserve(size_t n) {
      nodes.reserve(n);
      begin_ns.reserve(n);
    }
  };

  static Level above(const Level& below) {
    Level level;
    level.reserve((below.nodes.size() + kFan - 1) / kFan);
    for (size_t i = 0; i < below.nodes.size(); i += kFan) {
      Node node = below.nodes[i];
      const size_t last = std::min(i + kFan, below.nodes.size());
      for (size_t k = i + 1; k < last; ++k) node.merge(below.nodes[k]);
      level.nodes.push_back(node);
      level.begin_ns.push_back(below.begin_ns[i]);
    }
    return level;
  }

  std::vector<Level> m_levels;  // [0] = leaves
};

}  // namespace ui
