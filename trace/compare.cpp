#include "trace/compare.h"

#include <algorithm>
#include <cstdlib>
#include <map>

#include "trace/compare_text.h"
#include "trace/stats.h"

namespace trace {
namespace {

struct Uses {
  std::vector<double> us;
  int64_t ns = 0;
  Category category = Category::other;
  std::string_view op;
};

// Everything that runs in a window by its exact name.
std::map<std::string_view, Uses> by_name(const Trace& trace, const Shares& shares) {
  std::vector<uint32_t> place(trace.strings.size(),
                              kNone);  // names are interned: their text is compared once each
  std::vector<Uses> uses;
  std::vector<StringId> names;
  for (const EventId id : shares.events) {
    const Event& e = trace.events[id];
    if (place[e.name] == kNone) {
      place[e.name] = static_cast<uint32_t>(uses.size());
      uses.push_back({.us = {}, .ns = 0, .category = e.category, .op = trace.op_of(e)});
      names.push_back(e.name);
    }
    Uses& u = uses[place[e.name]];
    const int64_t ns = clipped_ns(e, shares.window);
    u.us.push_back(static_cast<double>(ns) / 1000);
    u.ns += ns;
    if (u.op != trace.op_of(e)) u.op = {};  // one name, several ops
  }
  std::map<std::string_view, Uses> out;
  for (size_t i = 0; i < uses.size(); ++i) out.emplace(trace.strings[names[i]], std::move(uses[i]));
  return out;
}

MatchedKernel entry(std::string_view name, const Uses* a, const Uses* b) {
  const Uses& any = a ? *a : *b;
  MatchedKernel k{.name = std::string(name), .category = any.category, .op = std::string(any.op)};
  if (a) {
    k.a_count = static_cast<int64_t>(a->us.size());
    k.a_ns = a->ns;
    k.a_median_us = median(a->us);
  }
  if (b) {
    k.b_count = static_cast<int64_t>(b->us.size());
    k.b_ns = b->ns;
    k.b_median_us = median(b->us);
  }
  return k;
}

void match(Comparison& c, const Trace& ta, const Shares& sa, const Trace& tb, const Shares& sb) {
  const auto a = by_name(ta, sa), b = by_name(tb, sb);
  for (const auto& [name, uses] : a) {
    const auto other = b.find(name);
    (other == b.end() ? c.only_a : c.matched)
        .push_back(entry(name, &uses, other == b.end() ? nullptr : &other->second));
  }
  for (const auto& [name, uses] : b)
    if (!a.contains(name)) c.only_b.push_back(entry(name, nullptr, &uses));
  const auto larger = [](const MatchedKernel& x, const MatchedKernel& y) {
    return std::abs(x.b_ns - x.a_ns) > std::abs(y.b_ns - y.a_ns);
  };
  for (auto* list : {&c.matched, &c.only_a, &c.only_b})
    std::stable_sort(list->begin(), list->end(), larger);
}

}  // namespace

Comparison compare(const Trace& a, const Window& wa, const Trace& b, const Window& wb,
                   const Thresholds& thresholds) {
  Comparison c;
  const BubbleContext in_a = bubble_context(a, wa.device), in_b = bubble_context(b, wb.device);
  c.a = classify(a, in_a, wa, thresholds);
  c.b = classify(b, in_b, wb, thresholds);
  c.path_a = critical_path(a, in_a.events, wa);
  c.path_b = critical_path(b, in_b.events, wb);
  const Shares sa = equal_shares(a, in_a.events, wa, thresholds),
               sb = equal_shares(b, in_b.events, wb, thresholds);
  c.waterfall = waterfall(sa, sb);
  c.second_view = second_view(sa, sb);
  match(c, a, sa, b, sb);
  c.caveats = compare_caveats(a, b, c);
  return c;
}

}  // namespace trace
