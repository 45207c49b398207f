#include "tests/support/random_trace.h"

#include <algorithm>

#include <catch2/catch_get_random_seed.hpp>

namespace tests {

std::vector<trace::EventId> add_acts(trace::TraceBuilder& builder, const std::vector<Act>& acts) {
  const uint32_t device = builder.device("0");
  std::vector<trace::EventId> ids;
  for (const Act& act : acts) {
    trace::Event e;
    e.start_ns = act.start_ns;
    e.end_ns = act.end_ns;
    e.name = builder.intern(act.name);
    e.lane = builder.lane(device, act.stream);
    e.correlation = act.correlation;
    e.step = act.step;
    if (act.name.starts_with("Memcpy")) e.kind = trace::EventKind::memcpy;
    ids.push_back(builder.add(e));
  }
  return ids;
}

trace::TracePtr make_trace(const std::vector<Act>& acts) {
  trace::TraceBuilder builder;
  add_acts(builder, acts);
  return builder.finish(true);
}

trace::TracePtr random_trace(std::mt19937_64& random, const RandomShape& shape) {
  const auto below = [&](int64_t n) {
    return std::uniform_int_distribution<int64_t>(0, n - 1)(random);
  };
  const auto chance = [&](double p) { return std::bernoulli_distribution(p)(random); };
  trace::TraceBuilder builder;
  for (int d = 0; d < shape.devices; ++d) {
    const uint32_t device = builder.device(std::to_string(d));
    std::vector<int64_t> last_end(static_cast<size_t>(shape.streams), 0);
    std::vector<trace::EventId> earlier;
    for (int i = 0; i < shape.events; ++i) {
      const auto stream = static_cast<size_t>(below(shape.streams));
      trace::Event e;
      e.start_ns = chance(shape.ties) ? last_end[stream] + below(2) : below(shape.span_ns);
      e.end_ns = e.start_ns + (chance(shape.zero_length) ? 0 : 1 + below(shape.longest_ns));
      last_end[stream] = e.end_ns;
      e.lane = builder.lane(device, 10 + static_cast<int64_t>(stream));
      e.name = builder.intern("kernel_" + std::to_string(below(shape.names)));
      e.category = static_cast<trace::Category>(below(trace::kCategories));
      if (chance(0.1)) e.kind = chance(0.5) ? trace::EventKind::memcpy : trace::EventKind::memset;
      e.correlation = chance(shape.graphs) ? 1 + below(3) : 100 + i;
      const trace::EventId id = builder.add(e);
      if (!earlier.empty() && chance(shape.edges))
        builder.add_edge(earlier[static_cast<size_t>(below(static_cast<int64_t>(earlier.size())))],
                         id);
      earlier.push_back(id);
    }
  }
  return builder.finish(chance(0.5));
}

std::mt19937_64 fresh_random() {
  return std::mt19937_64(Catch::getSeed());
}

Span random_span(std::mt19937_64& random, int64_t begin_ns, int64_t end_ns) {
  std::uniform_int_distribution<int64_t> any(begin_ns - 10, end_ns + 10);
  const int64_t a = any(random), b = any(random);
  const bool all = std::bernoulli_distribution(0.2)(random);
  return all ? Span{begin_ns, end_ns} : Span{std::min(a, b), std::max(a, b)};
}

}  // namespace tests
