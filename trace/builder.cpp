#include "trace/builder.h"

#include <algorithm>
#include <cassert>
#include <charconv>
#include <functional>
#include <limits>
#include <numeric>
#include <tuple>

#include "trace/kernel_rules.h"
#include "trace/lanes.h"

namespace trace {
namespace {

// Lookups by string_view without making a string.
struct TextHash {
  using is_transparent = void;
  size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
};
template <class Index>
using TextTable = std::unordered_map<std::string, Index, TextHash, std::equal_to<>>;

constexpr uint64_t mix(uint64_t seed, int64_t value) {
  seed ^= static_cast<uint64_t>(value) + 0x9e3779b97f4a7c15u + (seed << 6) + (seed >> 2);
  return seed * 0xff51afd7ed558ccdu;
}

// Products of each word by itself, so that the processor need not wait for one after the other.
uint64_t hash_of(const Detail& d) {
  const auto two = [](int32_t a, int32_t b) { return static_cast<uint64_t>(static_cast<uint32_t>(a)) << 32 | static_cast<uint32_t>(b); };
  const uint64_t words[] = {two(d.grid[0], d.grid[1]), two(d.grid[2], d.block[0]), two(d.block[1], d.block[2]), two(d.registers, d.layer), static_cast<uint64_t>(d.lds_bytes),
                            static_cast<uint64_t>(d.bytes), static_cast<uint64_t>(d.flops), static_cast<uint64_t>(d.graph_node), static_cast<uint64_t>(d.hsa_queue)};
  uint64_t h = 0, factor = 0x9e3779b97f4a7c15u;
  for (const uint64_t word : words) {
    h += (word ^ word >> 32) * factor;
    factor += 0xff51afd7ed558ccau;   // stays odd
  }
  h ^= h >> 32;
  h *= 0xff51afd7ed558ccdu;
  return h ^ h >> 32;
}

// Indices of Trace::details by what they say: slots of an open table, at most half of them taken.
class DetailTable {
 public:
  // The index of an equal one; kNone when there is none yet.
  uint32_t find(const std::vector<Detail>& details, const Detail& d) const {
    if (m_slots.empty()) return kNone;
    for (size_t at = hash_of(d) & m_mask;; at = (at + 1) & m_mask) {
      const uint32_t index = m_slots[at];
      if (index == kNone || details[index] == d) return index;
    }
  }
  // REQUIRES: find() says kNone for the last of `details`.
  void add_last(const std::vector<Detail>& details) {
    if (2 * details.size() <= m_slots.size()) return put(details, details.size() - 1);
    m_slots.assign(std::max<size_t>(64, 2 * m_slots.size()), kNone);
    m_mask = m_slots.size() - 1;
    for (size_t i = 0; i < details.size(); ++i) put(details, i);
  }

 private:
  void put(const std::vector<Detail>& details, size_t index) {
    size_t at = hash_of(details[index]) & m_mask;
    while (m_slots[at] != kNone) at = (at + 1) & m_mask;
    m_slots[at] = static_cast<uint32_t>(index);
  }

  std::vector<uint32_t> m_slots;
  size_t m_mask = 0;
};

struct LaneHash {
  size_t operator()(const std::pair<uint32_t, int64_t>& key) const {
    const uint64_t h = mix(key.first, key.second);
    return h ^ (h >> 32);
  }
};

// Text such as "10" after "9": by number where both are numbers, numbers first.
bool id_less(const std::string& a, const std::string& b) {
  const auto number = [](const std::string& text, int64_t& out) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
    return error == std::errc{} && end == text.data() + text.size();
  };
  int64_t x = 0, y = 0;
  const bool a_number = number(a, x), b_number = number(b, y);
  if (a_number && b_number) return x < y;
  if (a_number != b_number) return a_number;
  return a < b;
}

// order[new] = old, by `less`, equal ones in their old order.
template <class Less>
std::vector<uint32_t> order_by(size_t count, Less less) {
  std::vector<uint32_t> order(count);
  std::iota(order.begin(), order.end(), 0u);
  if (!std::is_sorted(order.begin(), order.end(), less))
    std::stable_sort(order.begin(), order.end(), less);
  return order;
}

std::vector<uint32_t> inverse(const std::vector<uint32_t>& order) {
  std::vector<uint32_t> place(order.size());
  for (uint32_t i = 0; i < order.size(); ++i) place[order[i]] = i;
  return place;
}

template <class T>
void reorder(std::vector<T>& values, const std::vector<uint32_t>& order) {
  std::vector<T> sorted;
  sorted.reserve(values.size());
  for (uint32_t old : order) sorted.push_back(std::move(values[old]));
  values = std::move(sorted);
}

void sort_devices(Trace& t) {
  const auto order = order_by(t.devices.size(), [&](uint32_t a, uint32_t b) {
    return id_less(t.devices[a].id, t.devices[b].id);
  });
  const auto place = inverse(order);
  reorder(t.devices, order);
  for (Lane& lane : t.lanes) lane.device = place[lane.device];
}

void sort_lanes(Trace& t) {
  const auto order = order_by(t.lanes.size(), [&](uint32_t a, uint32_t b) {
    return std::tie(t.lanes[a].device, t.lanes[a].stream) <
           std::tie(t.lanes[b].device, t.lanes[b].stream);
  });
  const auto place = inverse(order);
  reorder(t.lanes, order);
  for (Event& e : t.events) e.lane = place[e.lane];
  for (uint32_t i = 0; i < t.lanes.size(); ++i) {
    t.lanes[i].logical = i;
    if (t.lanes[i].label.empty()) t.lanes[i].label = "stream " + std::to_string(t.lanes[i].stream);
  }
}

void sort_events(Trace& t) {
  for (Lane& lane : t.lanes) lane.first = lane.count = 0;
  for (const Event& e : t.events) ++t.lanes[e.lane].count;
  uint32_t first = 0;
  for (Lane& lane : t.lanes) {
    lane.first = first;
    first += lane.count;
  }
  // Lane by lane, each of which is mostly in order already.
  std::vector<uint32_t> order(t.events.size()), next;
  for (const Lane& lane : t.lanes) next.push_back(lane.first);
  for (uint32_t i = 0; i < t.events.size(); ++i) order[next[t.events[i].lane]++] = i;
  const auto earlier = [&](uint32_t a, uint32_t b) {
    const Event &x = t.events[a], &y = t.events[b];
    return std::tie(x.start_ns, x.end_ns) < std::tie(y.start_ns, y.end_ns);
  };
  for (const Lane& lane : t.lanes) {
    const auto begin = order.begin() + lane.first, end = begin + lane.count;
    if (!std::is_sorted(begin, end, earlier)) std::stable_sort(begin, end, earlier);
  }
  if (std::is_sorted(order.begin(), order.end())) return;
  reorder(t.events, order);
  if (t.edges.empty()) return;
  const auto place = inverse(order);
  for (Edge& edge : t.edges) edge = {place[edge.from], place[edge.to]};
}

void sort_calls(Trace& t) {
  const auto order = order_by(t.calls.size(), [&](uint32_t a, uint32_t b) {
    return std::tie(t.calls[a].start_ns, t.calls[a].end_ns) <
           std::tie(t.calls[b].start_ns, t.calls[b].end_ns);
  });
  const auto place = inverse(order);
  reorder(t.calls, order);
  for (Event& e : t.events)
    if (e.call != kNone) e.call = place[e.call];
}

// One launch has many kernels (a graph); one correlation may also have many calls: a driver call
// inside a runtime call, or two processes in one file. The latest call that began before the kernel
// is the one that launched it.
void link_calls(Trace& t) {
  std::vector<uint32_t> by_correlation;
  for (uint32_t i = 0; i < t.calls.size(); ++i)
    if (t.calls[i].correlation != kNoCorrelation) by_correlation.push_back(i);
  // Calls are sorted by start: a stable sort by correlation keeps that within one correlation.
  std::stable_sort(by_correlation.begin(), by_correlation.end(), [&](uint32_t a, uint32_t b) {
    return t.calls[a].correlation < t.calls[b].correlation;
  });
  const auto key = [&](uint32_t call) { return t.calls[call].correlation; };
  for (Event& e : t.events) {
    if (e.call != kNone || e.correlation == kNoCorrelation) continue;
    const auto calls = std::ranges::equal_range(by_correlation, e.correlation, {}, key);
    for (uint32_t call : calls)
      if (e.call == kNone || t.calls[call].start_ns <= e.start_ns) e.call = call;
  }
}

void sort_annotations(Trace& t) {
  std::stable_sort(
      t.annotations.begin(), t.annotations.end(), [](const Annotation& a, const Annotation& b) {
        // The longer first: an enclosing range comes before what it encloses.
        return a.start_ns != b.start_ns ? a.start_ns < b.start_ns : a.end_ns > b.end_ns;
      });
}

void shift_origin(Trace& t) {
  int64_t origin = std::numeric_limits<int64_t>::max();
  for (const Event& e : t.events) origin = std::min(origin, e.start_ns);
  if (t.events.empty()) {
    for (const HostCall& c : t.calls) origin = std::min(origin, c.start_ns);
    for (const Annotation& a : t.annotations) origin = std::min(origin, a.start_ns);
    if (t.calls.empty() && t.annotations.empty()) return;
  }
  const auto shift = [origin](auto& spans) {
    for (auto& span : spans) {
      span.start_ns -= origin;
      span.end_ns -= origin;
    }
  };
  shift(t.events);
  shift(t.calls);
  shift(t.annotations);
  t.origin_ns += origin;
}

}  // namespace

struct TraceBuilder::Tables {
  TextTable<StringId> strings;
  TextTable<uint16_t> ops;
  TextTable<uint32_t> devices;
  std::unordered_map<std::pair<uint32_t, int64_t>, uint32_t, LaneHash> lanes;
  DetailTable details;
};

TraceBuilder::TraceBuilder() : m_tables(std::make_unique<Tables>()) {
  intern("");
  op("");
}
TraceBuilder::~TraceBuilder() = default;
TraceBuilder::TraceBuilder(TraceBuilder&&) noexcept = default;
TraceBuilder& TraceBuilder::operator=(TraceBuilder&&) noexcept = default;

StringId TraceBuilder::intern(std::string_view text) {
  auto& table = m_tables->strings;
  if (const auto found = table.find(text); found != table.end()) return found->second;
  // Kept twice, as name and as key.
  if (m_filter && !room(2 * (text.size() + 64))) return 0;
  const auto id = static_cast<StringId>(m_trace.strings.size());
  m_trace.strings.emplace_back(text);
  table.emplace(text, id);
  return id;
}

uint16_t TraceBuilder::op(std::string_view key) {
  auto& table = m_tables->ops;
  if (const auto found = table.find(key); found != table.end()) return found->second;
  assert(m_trace.ops.size() <= std::numeric_limits<uint16_t>::max());
  const auto id = static_cast<uint16_t>(m_trace.ops.size());
  m_trace.ops.emplace_back(key);
  table.emplace(key, id);
  return id;
}

uint32_t TraceBuilder::device(std::string_view id) {
  auto& table = m_tables->devices;
  if (const auto found = table.find(id); found != table.end()) return found->second;
  const auto index = static_cast<uint32_t>(m_trace.devices.size());
  m_trace.devices.push_back({.id = std::string(id), .name = {}, .vendor = {}});
  table.emplace(id, index);
  return index;
}

uint32_t TraceBuilder::lane(uint32_t device, int64_t stream) {
  assert(device < m_trace.devices.size());
  const auto [found, fresh] = m_tables->lanes.try_emplace({device, stream}, m_trace.lanes.size());
  if (fresh) {
    if (m_filter) room(4 * sizeof(Lane));
    m_trace.lanes.push_back({.device = device, .stream = stream});
  }
  return found->second;
}

uint32_t TraceBuilder::detail(const Detail& detail) {
  if (const uint32_t known = m_tables->details.find(m_trace.details, detail); known != kNone) return known;
  if (m_filter && !room(2 * sizeof detail)) return kNone;
  m_trace.details.push_back(detail);
  m_tables->details.add_last(m_trace.details);
  return static_cast<uint32_t>(m_trace.details.size() - 1);
}

void TraceBuilder::expect_events(int64_t count) {
  // A file may claim any number: what it has not filled is never touched, but shall not be asked for without end.
  constexpr int64_t kMost = 1 << 26;
  if (!m_filter || !m_filter->restricts()) m_trace.events.reserve(m_trace.events.size() + static_cast<size_t>(std::clamp<int64_t>(count, 0, kMost)));
}

EventId TraceBuilder::add(const Event& e) {
  assert(e.end_ns >= e.start_ns);
  assert(e.lane < m_trace.lanes.size() && e.name < m_trace.strings.size() &&
         e.op < m_trace.ops.size());
  assert(e.detail == kNone || e.detail < m_trace.details.size());
  // Sorting needs an index and, for a moment, a second copy.
  if (m_filter && (!passes_filter(e) || !room(2 * sizeof e + 8))) return kNone;
  m_trace.events.push_back(e);
  return static_cast<EventId>(m_trace.events.size() - 1);
}

bool TraceBuilder::passes_filter(const Event& e) {
  BuilderFilter& f = *m_filter;
  if (!f.device.empty() && m_trace.devices[m_trace.lanes[e.lane].device].id != f.device) return ++f.other_devices, false;
  f.first_start_ns = std::min(f.first_start_ns, e.start_ns);
  if (f.scan) return false;
  if (e.start_ns < f.to_ns && (e.end_ns > f.from_ns || e.start_ns >= f.from_ns)) return true;
  return ++f.other_times, false;
}

// Calls launch what runs later: those of the last two seconds before the stretch are kept until it is known
// whether anything of theirs is.
bool TraceBuilder::near_filter(int64_t start_ns, int64_t end_ns) const {
  constexpr int64_t kBeforeNs = 2'000'000'000;
  if (m_filter->scan || start_ns >= m_filter->to_ns) return false;
  return m_filter->from_ns < std::numeric_limits<int64_t>::min() + kBeforeNs || end_ns > m_filter->from_ns - kBeforeNs;
}

void TraceBuilder::drop_unused() {
  Trace& t = m_trace;
  // Times may have been moved since they were compared first.
  const auto inside = [&](const auto& span) {
    return span.end_ns + t.origin_ns >= m_filter->from_ns && span.start_ns + t.origin_ns < m_filter->to_ns;
  };
  std::erase_if(t.annotations, [&](const Annotation& a) { return !inside(a); });
  std::vector<bool> used(t.calls.size(), false);
  for (const Event& e : t.events)
    if (e.call != kNone) used[e.call] = true;
  std::vector<uint32_t> place(t.calls.size(), kNone);
  uint32_t kept = 0;
  for (uint32_t i = 0; i < t.calls.size(); ++i)
    if (used[i] || inside(t.calls[i])) {
      place[i] = kept;
      t.calls[kept++] = t.calls[i];
    }
  t.calls.resize(kept);
  for (Event& e : t.events)
    if (e.call != kNone) e.call = place[e.call];
}

TracePtr TraceBuilder::finish(bool keep_origin) {
  assert(m_tables && "no call after finish()");
  m_tables.reset();
  Trace& t = m_trace;
  sort_devices(t);
  sort_lanes(t);
  sort_events(t);
  sort_calls(t);
  link_calls(t);
  sort_annotations(t);
  if (m_filter && m_filter->restricts() && !m_filter->scan) drop_unused();
  const auto logical = logical_lanes(t);
  for (uint32_t i = 0; i < t.lanes.size(); ++i) t.lanes[i].logical = logical[i];
  if (m_rules) classify_events(t, *m_rules);  // looks at neighbours on logical lanes
  if (!keep_origin) shift_origin(t);
  return std::make_shared<Trace>(std::move(t));
}

}  // namespace trace
