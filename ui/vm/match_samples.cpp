#include "ui/vm/match_samples.h"

#include <algorithm>
#include <string_view>
#include <unordered_map>

#include "trace/stats.h"

namespace ui {
namespace {

using Places = std::unordered_map<std::string_view, size_t>;

std::vector<std::vector<int64_t>> durations_of(const trace::Trace& t, const trace::Window& w, const Places& places) {
  std::vector<std::vector<int64_t>> out(places.size());
  std::vector<int64_t> place_of(t.strings.size(), -2);   // looked up once a name; -1 = not matched
  for (const trace::EventId id : trace::events_in(t, w)) {
    const trace::Event& e = t.events[id];
    int64_t& place = place_of[e.name];
    if (place == -2) {
      const auto at = places.find(t.strings[e.name]);
      place = at == places.end() ? -1 : static_cast<int64_t>(at->second);
    }
    if (place >= 0) out[static_cast<size_t>(place)].push_back(trace::clipped_ns(e, w));
  }
  return out;
}

trace::Estimate median_of(const std::vector<int64_t>& ns) {
  std::vector<double> us;
  us.reserve(ns.size());
  for (const int64_t n : ns) us.push_back(static_cast<double>(n) / 1000);
  return trace::estimate_median(us);
}

}  // namespace

MedianDelta median_delta(const std::vector<int64_t>& a_ns, const std::vector<int64_t>& b_ns) {
  const trace::Estimate a = median_of(a_ns), b = median_of(b_ns);
  constexpr int64_t kFewest = 6;   // below, no pair of order statistics holds the median with 95 %
  return {.delta_us = b.median - a.median, .lo_us = b.lo - a.hi, .hi_us = b.hi - a.lo, .has_interval = a.n >= kFewest && b.n >= kFewest};
}

MatchSamplesPtr match_samples(const trace::Comparison& c, const trace::Trace& a, const trace::Window& wa, const trace::Trace& b,
                              const trace::Window& wb) {
  auto s = std::make_shared<MatchSamples>();
  Places places;
  for (const trace::MatchedKernel& k : c.matched) {
    places.emplace(k.name, s->names.size());
    s->names.push_back(k.name);
  }
  s->a_ns = durations_of(a, wa, places);
  s->b_ns = durations_of(b, wb, places);
  for (size_t i = 0; i < s->names.size(); ++i) s->delta.push_back(median_delta(s->a_ns[i], s->b_ns[i]));
  return s;
}

}  // namespace ui
