#include "engine/kernel_order.h"

#include <algorithm>
#include <map>
#include <numeric>

namespace engine {

using kernels::gpu::TracedKernel;

namespace {

std::vector<size_t> by_node(std::span<const ExpectedKernel> expected, const std::vector<TracedKernel>& records) {
  std::vector<size_t> order(records.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return records[a].graph_node < records[b].graph_node; });
  for (size_t i = 0; i < order.size(); ++i) {
    if (records[order[i]].name != expected[i].name) return {};
  }
  return order;
}

std::vector<size_t> by_stream(std::span<const ExpectedKernel> expected, const std::vector<TracedKernel>& records) {
  std::map<uint32_t, std::vector<size_t>> streams;
  for (size_t i = 0; i < records.size(); ++i) streams[records[i].stream].push_back(i);
  const int count = 1 + std::max_element(expected.begin(), expected.end(), [](const auto& a, const auto& b) { return a.stream < b.stream; })->stream;
  if (streams.size() != static_cast<size_t>(count)) return {};
  for (int swapped = 0; swapped < 2; ++swapped) {
    std::vector<size_t> at(static_cast<size_t>(count)), found;
    for (const ExpectedKernel& e : expected) {
      const int stream = count == 1 ? 0 : e.stream ^ swapped;
      const std::vector<size_t>& of = std::next(streams.begin(), stream)->second;
      size_t& next = at[static_cast<size_t>(stream)];
      if (next >= of.size() || records[of[next]].name != e.name) break;
      found.push_back(of[next++]);
    }
    if (found.size() == expected.size()) return found;
  }
  return {};
}

// possible[i, j]: records i + j and later can be what is left after i kernels of the first stream and j of the second.
class Interleaving {
 public:
  Interleaving(std::span<const ExpectedKernel> expected, const std::vector<TracedKernel>& records)
      : m_expected(expected), m_records(records), m_order(records.size()) {
    std::iota(m_order.begin(), m_order.end(), size_t{0});
    std::stable_sort(m_order.begin(), m_order.end(), [&](size_t a, size_t b) { return records[a].order < records[b].order; });
    for (size_t i = 0; i < expected.size(); ++i) m_ops[expected[i].stream == 0 ? 0 : 1].push_back(i);
    m_possible.assign((m_ops[0].size() + 1) * (m_ops[1].size() + 1), false);
    for (size_t i = m_ops[0].size() + 1; i-- > 0;) {
      for (size_t j = m_ops[1].size() + 1; j-- > 0;) {
        const bool end = i == m_ops[0].size() && j == m_ops[1].size();
        m_possible[at(i, j)] = end || takes(0, i, j) || takes(1, i, j);
      }
    }
  }

  std::vector<size_t> found() const {
    if (!m_possible[0]) return {};
    std::vector<size_t> out(m_expected.size());
    constexpr uint32_t kNone = ~0u;
    uint32_t queue[2] = {kNone, kNone};  // of the last record of each stream
    for (size_t i = 0, j = 0; i + j < m_expected.size();) {
      const size_t record = m_order[i + j];
      const uint32_t q = m_records[record].queue;
      const bool first = takes(0, i, j), second = takes(1, i, j);
      int stream = first ? 0 : 1;
      if (first && second) {  // the names fit both: a queue stays with its stream, else the plan's order
        if (queue[0] == q || queue[1] == q)
          stream = queue[0] == q ? 0 : 1;
        else
          stream = m_ops[0][i] < m_ops[1][j] ? 0 : 1;
      }
      out[stream == 0 ? m_ops[0][i] : m_ops[1][j]] = record;
      queue[stream] = q;
      ++(stream == 0 ? i : j);
    }
    return out;
  }

 private:
  size_t at(size_t i, size_t j) const { return i * (m_ops[1].size() + 1) + j; }
  bool takes(int stream, size_t i, size_t j) const {
    const size_t mine = stream == 0 ? i : j;
    if (mine >= m_ops[stream].size()) return false;
    return m_possible[stream == 0 ? at(i + 1, j) : at(i, j + 1)] &&
           m_records[m_order[i + j]].name == m_expected[m_ops[stream][mine]].name;
  }

  std::span<const ExpectedKernel> m_expected;
  const std::vector<TracedKernel>& m_records;
  std::vector<size_t> m_order;
  std::vector<size_t> m_ops[2];
  std::vector<bool> m_possible;
};

}  // namespace

std::vector<size_t> match_kernels(std::span<const ExpectedKernel> expected, std::vector<TracedKernel>& records, bool graph) {
  const bool nodes = std::any_of(records.begin(), records.end(), [](const auto& r) { return r.graph_node != 0; });
  if (graph && nodes) std::erase_if(records, [](const auto& r) { return r.graph_node == 0; });
  if (records.size() != expected.size() || expected.empty()) return {};
  if (!graph) return by_stream(expected, records);
  return nodes ? by_node(expected, records) : Interleaving(expected, records).found();
}

std::vector<int> calls_of_ops(std::span<const size_t> order, const std::vector<TracedKernel>& records,
                              std::vector<kernels::gpu::TracedCall>& calls, bool graph) {
  constexpr int64_t kClockError = 50'000;  // the profiler lays the device's times on the host's clock by interpolation
  const int untold = graph ? 0 : -1;
  std::vector<int> of_op(order.size(), untold);
  const bool correlated = std::any_of(calls.begin(), calls.end(), [](const auto& c) { return c.correlation != 0; });
  if (correlated) {
    std::map<uint32_t, int> numbers;
    for (size_t c = 0; c < calls.size(); ++c) numbers[calls[c].correlation] = static_cast<int>(c);
    for (size_t i = 0; i < order.size(); ++i) {
      const auto call = numbers.find(records[order[i]].correlation);
      if (call != numbers.end()) of_op[i] = call->second;
    }
    return of_op;
  }
  bool fits = calls.size() == (graph ? 1 : order.size());
  for (size_t i = 0; fits && i < order.size(); ++i) {
    of_op[i] = graph ? 0 : static_cast<int>(i);
    fits = records[order[i]].start_ns >= calls[static_cast<size_t>(of_op[i])].start_ns - kClockError;
  }
  if (!fits) calls.clear(), std::fill(of_op.begin(), of_op.end(), untold);
  return of_op;
}

}  // namespace engine
