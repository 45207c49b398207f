#include "ui/vm/kernels_vm.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <functional>

namespace ui {
namespace {

using trace::Event;
using trace::EventId;

// Durations of all groups in one array, group after group (a counting sort by key).
class Grouped {
 public:
  Grouped(const trace::Trace& t, uint32_t device, size_t keys,
          const std::function<uint32_t(const Event&)>& key_of)
      : m_first(keys + 1, 0), m_longest(keys, trace::kNone) {
    for_each(t, device, [&](EventId, const Event& e) { ++m_first[key_of(e) + 1]; });
    for (size_t k = 0; k < keys; ++k) m_first[k + 1] += m_first[k];
    m_durations.resize(m_first[keys]);
    std::vector<size_t> next(m_first.begin(), m_first.end() - 1);
    for_each(t, device, [&](EventId id, const Event& e) {
      const uint32_t key = key_of(e);
      m_durations[next[key]++] = e.duration_ns();
      EventId& longest = m_longest[key];
      if (longest == trace::kNone || e.duration_ns() > t.events[longest].duration_ns())
        longest = id;
    });
  }

  size_t keys() const { return m_longest.size(); }

  bool fill(const trace::Trace& t, size_t key, KernelGroup* g) {
    const std::span<int64_t> d(m_durations.data() + m_first[key], m_first[key + 1] - m_first[key]);
    if (d.empty()) return false;
    g->count = static_cast<int64_t>(d.size());
    for (const int64_t ns : d) g->total_ns += ns;
    g->median_ns = quantile(d, 0.5);
    g->p95_ns = quantile(d, 0.95);
    g->min_ns = *std::ranges::min_element(d);
    g->longest = m_longest[key];
    g->max_ns = t.events[g->longest].duration_ns();
    g->category = t.events[g->longest].category;
    return true;
  }

 private:
  template <class F>
  static void for_each(const trace::Trace& t, uint32_t device, F&& f) {
    for (const trace::Lane& lane : t.lanes) {
      if (lane.device != device || lane.kind != trace::LaneKind::gpu) continue;
      for (EventId id = lane.first; id < lane.first + lane.count; ++id) f(id, t.events[id]);
    }
  }
  // Nearest rank: always a duration that was seen.
  static int64_t quantile(std::span<int64_t> d, double q) {
    const auto rank = static_cast<size_t>(std::ceil(q * static_cast<double>(d.size())));
    const auto at = d.begin() + static_cast<ptrdiff_t>(std::max<size_t>(rank, 1) - 1);
    std::ranges::nth_element(d, at);
    return *at;
  }

  std::vector<size_t> m_first;
  std::vector<EventId> m_longest;
  std::vector<int64_t> m_durations;
};

std::vector<KernelGroup> group(const trace::Trace& t, uint32_t device, size_t keys,
                               const std::function<uint32_t(const Event&)>& key_of,
                               const std::function<std::string_view(size_t)>& name_of) {
  Grouped grouped(t, device, keys, key_of);
  std::vector<KernelGroup> out;
  int64_t total = 0;
  for (size_t k = 0; k < grouped.keys(); ++k) {
    KernelGroup g{.name = name_of(k)};
    if (!grouped.fill(t, k, &g)) continue;
    total += g.total_ns;
    out.push_back(g);
  }
  for (KernelGroup& g : out)
    g.share = total > 0 ? static_cast<double>(g.total_ns) / static_cast<double>(total) : 0;
  std::ranges::sort(out, [](const auto& a, const auto& b) {
    return a.total_ns != b.total_ns ? a.total_ns > b.total_ns : a.name < b.name;
  });
  return out;
}

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

}  // namespace

KernelStats kernel_stats(const trace::Trace& t, uint32_t device, const trace::Shares* shares) {
  KernelStats s;
  s.groups[0] = group(
      t, device, t.strings.size(), [](const Event& e) { return e.name; },
      [&](size_t k) { return std::string_view(t.strings[k]); });
  s.groups[1] = group(
      t, device, t.ops.size(), [](const Event& e) { return uint32_t{e.op}; },
      [&](size_t k) {
        return k == 0 ? std::string_view("not known") : std::string_view(t.ops[k]);
      });
  s.groups[2] = group(
      t, device, trace::kCategories,
      [](const Event& e) { return static_cast<uint32_t>(e.category); },
      [&](size_t k) { return trace::title_of(static_cast<trace::Category>(k)); });
  for (KernelGroup& g : s.groups[2]) {
    s.total_ns += g.total_ns;
    if (!shares) continue;
    const trace::ShareSum units = shares->category[static_cast<size_t>(g.category)];
    g.equal_share_ns = static_cast<int64_t>((units + trace::kShareUnits / 2) / trace::kShareUnits);
  }
  return s;
}

std::string kernels_csv(const std::vector<KernelGroup>& groups, const std::vector<uint32_t>& rows) {
  std::string out = "name,category,count,total_us,share_pct,median_us,p95_us,min_us,max_us\n";
  const auto us = [](int64_t ns) {
    char digits[32];
    std::snprintf(digits, sizeof digits, ",%lld.%03lld", static_cast<long long>(ns / 1000), static_cast<long long>(ns % 1000));
    return std::string(digits);
  };
  for (const uint32_t r : rows) {
    const KernelGroup& g = groups[r];
    std::string name;
    for (const char c : g.name) name += c == '"' ? "\"\"" : std::string(1, c);
    char share[32];
    std::snprintf(share, sizeof share, ",%.3f", 100 * g.share);
    out += "\"" + name + "\"," + std::string(trace::title_of(g.category)) + "," + std::to_string(g.count) + us(g.total_ns) + share + us(g.median_ns) +
           us(g.p95_ns) + us(g.min_ns) + us(g.max_ns) + "\n";
  }
  return out;
}

bool contains_any_case(std::string_view text, std::string_view part) {
  return part.empty() || std::ranges::search(text, part, [](char a, char b) {
                           return lower(a) == lower(b);
                         }).size() == part.size();
}

std::vector<uint32_t> kernel_rows(const std::vector<KernelGroup>& groups, std::string_view filter,
                                  KernelColumn column, bool descending) {
  std::vector<uint32_t> rows;
  for (uint32_t i = 0; i < groups.size(); ++i) {
    if (contains_any_case(groups[i].name, filter)) rows.push_back(i);
  }
  const auto key = [&](uint32_t i) -> int64_t {
    const KernelGroup& g = groups[i];
    switch (column) {
      case KernelColumn::name:
        return 0;
      case KernelColumn::count:
        return g.count;
      case KernelColumn::total:
      case KernelColumn::share:
        return g.total_ns;
      case KernelColumn::median:
        return g.median_ns;
      case KernelColumn::p95:
        return g.p95_ns;
      case KernelColumn::max:
        return g.max_ns;
    }
    return 0;
  };
  std::ranges::sort(rows, [&](uint32_t a, uint32_t b) {
    if (column == KernelColumn::name && descending) return groups[a].name > groups[b].name;
    if (key(a) != key(b)) return descending ? key(a) > key(b) : key(a) < key(b);
    return groups[a].name < groups[b].name;
  });
  return rows;
}

KernelHistogram kernel_histogram(const trace::Trace& t, uint32_t device, trace::StringId name,
                                 int bins, int64_t marked_ns) {
  std::vector<int64_t> durations;
  for (const trace::Lane& lane : t.lanes) {
    if (lane.device != device) continue;
    for (const Event& e : std::span(t.events).subspan(lane.first, lane.count)) {
      if (e.name == name) durations.push_back(e.duration_ns());
    }
  }
  KernelHistogram h;
  if (durations.empty()) return h;
  const auto [lo, hi] = std::ranges::minmax_element(durations);
  h.min_ns = *lo;
  h.max_ns = *hi;
  h.count.assign(static_cast<size_t>(bins), 0);
  const double base = std::log(static_cast<double>(std::max<int64_t>(h.min_ns, 1)));
  const double span = std::log(static_cast<double>(std::max<int64_t>(h.max_ns, 1))) - base;
  const auto bin_of = [&](int64_t ns) {
    if (span <= 0) return bins / 2;
    const double at = (std::log(static_cast<double>(std::max<int64_t>(ns, 1))) - base) / span;
    return std::clamp(static_cast<int>(at * bins), 0, bins - 1);
  };
  for (const int64_t ns : durations) ++h.count[static_cast<size_t>(bin_of(ns))];
  if (marked_ns >= 0) h.marked_bin = bin_of(marked_ns);
  return h;
}

}  // namespace ui
