// Everything derived from one device of one run that panels show: made once on a worker, immutable,
// shared. Pure; any thread.
#pragma once
#include <atomic>
#include <future>
#include <memory>
#include <vector>

#include "trace/bubbles.h"
#include "trace/layers.h"
#include "trace/path.h"
#include "trace/run.h"
#include "ui/vm/crossings.h"
#include "ui/vm/host_lanes.h"
#include "ui/vm/kernels_vm.h"
#include "ui/vm/lane_index.h"

namespace ui {

inline constexpr size_t kWorstKept = 1000;

struct AnalysisOptions {
  uint32_t device = 0;
  trace::Thresholds thresholds;
  LaneGrouping grouping = LaneGrouping::folded;
  bool host = false;  // launch calls as lanes
  GroupRulesPtr groups;  // that the user made; compared by pointer
  bool operator==(const AnalysisOptions&) const = default;
};

// What is counted of kernels while the timeline is shown already: on a thread of its own. Let go of, it stops soon.
class PendingKernels {
 public:
  struct Part {
    std::shared_ptr<const trace::LayerWindows> layers;
    std::shared_ptr<const KernelStats> kernels;
  };
  PendingKernels(trace::RunPtr, const AnalysisOptions&, const trace::Window&);
  ~PendingKernels() { stop(); }
  void stop() { m_stop = true; }
  Part get() const { return m_part.get(); }   // waits; empty when it was stopped before its end

 private:
  Part count(const trace::RunPtr&, const AnalysisOptions&, const trace::Window&) const;
  std::atomic<bool> m_stop{false};
  std::shared_future<Part> m_part;   // waited for before the flag goes
};

// Members refer to one another's data (`lanes` to the trace, `bubbles` to the report): share the
// whole, copy nothing.
struct RunAnalysis {
  AnalysisOptions options;
  trace::RunPtr run;
  std::vector<uint32_t> devices;  // with activities, most first
  std::shared_ptr<const LaneIndex> lanes;
  std::shared_ptr<const HostLanes> host;  // null unless asked for and recorded
  bool queues = false;                    // grouping by hardware queue shows something else
  bool folds = false;                     // and so does folding graph side streams
  // The classifier's own report, with every bubble and overlap, under the thresholds it was first asked with. Others are
  // a matter of seconds' fractions: they change `report` and `bubbles`, never this.
  std::shared_ptr<const trace::BubbleReport> gaps;
  // Its figures under the options' thresholds; its lists of bubbles and overlaps are empty.
  std::shared_ptr<const trace::BubbleReport> report;
  std::shared_ptr<const BubbleMap> bubbles;
  trace::GapHistogram histogram;
  std::vector<uint32_t> worst;  // the longest bubbles, kWorstKept at most, longest first
  std::shared_ptr<const KernelStats> kernels;
  std::shared_ptr<const trace::CriticalPath> path;
  std::shared_ptr<const std::vector<std::pair<trace::EventId, uint32_t>>>
      path_order;  // event, its step; sorted
  std::shared_ptr<const trace::LayerWindows> layers;

  std::shared_ptr<const std::vector<Crossing>> crossings;
  int64_t longest_crossing_ns = 0;
  std::string verdict;  // idle_verdict() of it: looks at every bubble, so once
  // Null once all is there. Until then `kernels` has no groups, `path` and `layers` are null.
  std::shared_ptr<PendingKernels> pending;
  bool complete() const { return !pending; }

  const trace::Trace& trace() const { return *run->trace; }
  const trace::PathStep* path_step(trace::EventId) const;  // null: not on the critical path
  size_t timeline_bytes() const {
    return lanes->bytes() + bubbles->bytes() + kernels->names->bytes() + gaps->bubbles.capacity() * sizeof(trace::Bubble);
  }
};
using AnalysisPtr = std::shared_ptr<const RunAnalysis>;

// The busiest device unless `options.device` has activities. Null when cancelled. REQUIRES:
// run.trace.
AnalysisPtr analyse(trace::RunPtr run, AnalysisOptions options,
                    const std::atomic<bool>* cancel = nullptr);
// The first half, as much as the timeline and the bubbles need; analyse() is both.
AnalysisPtr begin_analysis(trace::RunPtr run, AnalysisOptions options);
// Completes it; null when cancelled.
AnalysisPtr finish_analysis(const RunAnalysis&, const std::atomic<bool>* cancel = nullptr);
// The same run under other thresholds or device; shares what did not change with `before`.
AnalysisPtr reanalyse(const RunAnalysis& before, AnalysisOptions options,
                      const std::atomic<bool>* cancel = nullptr);

// Device to show first: `wanted` if it has activities, else the busiest, else 0.
uint32_t choose_device(const std::vector<uint32_t>& active, uint32_t wanted);

}  // namespace ui
