// Small traces for tests: written down by hand, or drawn at random.
#pragma once
#include <initializer_list>
#include <random>
#include <string>
#include <vector>

#include "trace/builder.h"

namespace tests {

// One device "0"; kernels and, by name "Memcpy...", copies.
struct Act {
  int64_t stream = 0, start_ns = 0, end_ns = 0;
  std::string name = "k";
  int64_t correlation = trace::kNoCorrelation;
  int32_t step = -1;
};
trace::TracePtr make_trace(const std::vector<Act>& acts);
// Into a builder, for tests that add calls, annotations or edges. Returns the ids for add_edge().
std::vector<trace::EventId> add_acts(trace::TraceBuilder&, const std::vector<Act>& acts);

struct RandomShape {
  int devices = 2, streams = 3, events = 40;   // streams and events of one device
  int64_t span_ns = 300;       // starts are below this
  int64_t longest_ns = 40;
  int names = 6;
  double zero_length = 0.1;    // share of events
  double ties = 0.3;           // share that starts where its stream's previous event ended
  double graphs = 0.5;         // share that belongs to one of a few launches
  double edges = 0;            // share with a known dependency on an earlier event
};
trace::TracePtr random_trace(std::mt19937_64&, const RandomShape& = {});

// Seeded by Catch2, which prints the seed of every run; --rng-seed repeats one.
std::mt19937_64 fresh_random();

// A window that begins and ends somewhere in or beside the device's activities; sometimes all of it, sometimes empty.
struct Span { int64_t begin_ns, end_ns; };
Span random_span(std::mt19937_64&, int64_t begin_ns, int64_t end_ns);

}  // namespace tests
