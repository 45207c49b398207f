// One kernel, op, category, layer or group over time: its durations' distribution, and its time step by step. Pure; any
// thread. Costs the events of a kernel name, or those of the device for other groupings: made when the choice changes.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "ui/vm/analysis.h"

namespace ui {

// Events of one group, by id.
std::vector<trace::EventId> events_of(const RunAnalysis&, GroupBy, uint32_t key);
// Which group of a grouping an event belongs to: as KernelGroup::key.
uint32_t key_of_event(const RunAnalysis&, GroupBy, trace::EventId);

// Durations, log-binned, with one of them marked.
struct KernelHistogram {
  std::vector<int64_t> count;  // equal steps of log(duration) between min and max
  int64_t min_ns = 0, max_ns = 0, median_ns = 0;
  int marked_bin = -1;
};
KernelHistogram kernel_histogram(const trace::Trace&, const std::vector<trace::EventId>&, int bins, int64_t marked_ns);
KernelHistogram kernel_histogram(std::vector<int64_t> durations, int bins, int64_t marked_ns);
// Over a range given from outside, so that several can stand below each other.
KernelHistogram kernel_histogram(std::vector<int64_t> durations, int bins, int64_t marked_ns, int64_t min_ns, int64_t max_ns);

// Time of the events in each step; in each layer of a step where the trace has one step only.
struct KernelTrend {
  std::vector<double> at, total_us, median_us;  // by step or layer number
  std::string over;                             // "step" or "layer"; empty: neither is known
};
KernelTrend kernel_trend(const RunAnalysis&, const std::vector<trace::EventId>&);

}  // namespace ui
