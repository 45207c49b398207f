#include "ui/vm/analysis.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <future>
#include <numeric>

#include "ui/vm/bubbles_vm.h"

namespace ui {
namespace {

std::vector<uint32_t> longest_of(const std::vector<trace::Bubble>& bubbles) {
  std::vector<uint32_t> order(bubbles.size());
  std::iota(order.begin(), order.end(), 0u);
  const size_t kept = std::min(order.size(), kWorstKept);
  std::ranges::partial_sort(
      order, order.begin() + static_cast<ptrdiff_t>(kept), [&](uint32_t x, uint32_t y) {
        return bubbles[x].ns() != bubbles[y].ns() ? bubbles[x].ns() > bubbles[y].ns() : x < y;
      });
  order.resize(kept);
  order.shrink_to_fit();
  return order;
}

// Figures of the report under other thresholds, without its lists; the map has counted them.
std::shared_ptr<const trace::BubbleReport> figures(const trace::BubbleReport& of, const BubbleMap& map, const trace::Thresholds& thresholds) {
  auto r = std::make_shared<trace::BubbleReport>();
  r->window = of.window;
  r->thresholds = thresholds;
  r->wall_ns = of.wall_ns, r->busy_ns = of.busy_ns, r->idle_ns = of.idle_ns;
  r->kernels = of.kernels, r->copies = of.copies, r->activities = of.activities;
  r->streams = of.streams, r->lanes = of.lanes;
  r->lane_gaps = of.lane_gaps, r->ties = of.ties;
  r->overlap_min_ns = of.overlap_min_ns;
  r->caveats = of.caveats;
  r->kinds_by_scope = map.tallies();
  for (size_t k = 0; k < r->kinds.size(); ++k) {
    for (size_t s = 0; s < r->scopes.size(); ++s) {
      const trace::Tally& tally = r->kinds_by_scope[k][s];
      r->kinds[k].count += tally.count, r->kinds[k].ns += tally.ns;
      r->scopes[s].count += tally.count, r->scopes[s].ns += tally.ns;
    }
  }
  return r;
}

void classify_under(RunAnalysis& a, const trace::Thresholds& thresholds) {
  a.bubbles = std::make_shared<const BubbleMap>(a.gaps->bubbles, thresholds);
  a.report = figures(*a.gaps, *a.bubbles, thresholds);
}

// What its ceilings are looked up by.
std::string_view device_name(const trace::Run& run, uint32_t device) {
  if (!run.device.empty()) return run.device;
  return device < run.trace->devices.size() ? std::string_view(run.trace->devices[device].name) : std::string_view();
}

// Lanes and what is drawn between them; beside that the gaps.
void add_timeline(RunAnalysis& a, const trace::Trace& t, const trace::Window& window) {
  auto report = std::make_shared<trace::BubbleReport>(trace::classify(t, window, a.options.thresholds));
  auto lanes = std::async(std::launch::async, [&a, &t, of = report] {
    a.lanes = std::make_shared<const LaneIndex>(t, a.options.device, of->overlaps, a.options.grouping);
    if (a.options.host) a.host = host_lanes(t, a.options.device);
    a.queues = has_queues(t, a.options.device);
    for (uint32_t i = 0; i < t.lanes.size(); ++i) a.folds = a.folds || t.lanes[i].logical != i;
    a.crossings = std::make_shared<const std::vector<Crossing>>(crossings(t, *of));
    a.longest_crossing_ns = longest_ns(t, *a.crossings);
  });
  a.histogram = trace::gap_histogram(*report);
  a.worst = longest_of(report->bubbles);
  a.gaps = std::move(report);
  classify_under(a, a.options.thresholds);
  lanes.get();
}

void add_path(RunAnalysis& a, const trace::Trace& t, const trace::Window& window) {
  a.path = std::make_shared<const trace::CriticalPath>(trace::critical_path(t, window));
  auto order = std::make_shared<std::vector<std::pair<trace::EventId, uint32_t>>>();
  order->reserve(a.path->steps.size());
  for (uint32_t i = 0; i < a.path->steps.size(); ++i)
    order->push_back({a.path->steps[i].event, i});
  std::ranges::sort(*order);
  a.path_order = std::move(order);
}

}  // namespace

uint32_t choose_device(const std::vector<uint32_t>& active, uint32_t wanted) {
  if (std::ranges::find(active, wanted) != active.end()) return wanted;
  return active.empty() ? 0 : active.front();
}

const trace::PathStep* RunAnalysis::path_step(trace::EventId id) const {
  const auto at = std::ranges::lower_bound(*path_order, std::pair{id, uint32_t{0}});
  return at != path_order->end() && at->first == id ? &path->steps[at->second] : nullptr;
}

// The calling thread, for the rest of its life, behind those that draw: the timeline that is there already comes first.
static void step_back() {
  ::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), 5);   // of this thread alone, as Linux counts
}

PendingKernels::PendingKernels(trace::RunPtr run, const AnalysisOptions& options, const trace::Window& window)
    : m_part(std::async(std::launch::async, [this, run = std::move(run), options, window] { return count(run, options, window); })) {}

PendingKernels::Part PendingKernels::count(const trace::RunPtr& run, const AnalysisOptions& options, const trace::Window& window) const {
  step_back();
  const trace::Trace& t = *run->trace;
  Part part{.layers = std::make_shared<const trace::LayerWindows>(trace::find_layers(t, options.device)), .kernels = {}};
  if (m_stop) return {};
  const trace::Shares shares = trace::equal_shares(t, window, options.thresholds);
  if (m_stop) return {};
  part.kernels = std::make_shared<const KernelStats>(kernel_stats(t, {.device = options.device,
                                                                      .shares = &shares,
                                                                      .layers = part.layers.get(),
                                                                      .rules = options.groups,
                                                                      .device_name = device_name(*run, options.device)}));
  return part;
}

AnalysisPtr begin_analysis(trace::RunPtr run, AnalysisOptions options) {
  const trace::Trace& t = *run->trace;
  auto a = std::make_shared<RunAnalysis>();
  a->devices = trace::active_devices(t);
  options.device = choose_device(a->devices, options.device);
  a->options = options;
  const trace::Window window = trace::whole(t, options.device);
  a->pending = std::make_shared<PendingKernels>(run, options, window);
  add_timeline(*a, t, window);
  KernelStats none;
  none.names = std::make_shared<const NameIndex>(NameIndex{.first = std::vector<uint32_t>(t.strings.size() + 1), .ids = {}});
  none.roof = roof_of(t, options.device, device_name(*run, options.device));
  a->kernels = std::make_shared<const KernelStats>(std::move(none));
  a->path_order = std::make_shared<const std::vector<std::pair<trace::EventId, uint32_t>>>();
  a->run = std::move(run);
  a->verdict = idle_verdict(*a);
  return a;
}

AnalysisPtr finish_analysis(const RunAnalysis& begun, const std::atomic<bool>* cancel) {
  const auto stopped = [cancel] { return cancel && cancel->load(std::memory_order_relaxed); };
  auto a = std::make_shared<RunAnalysis>(begun);
  a->pending = nullptr;
  if (stopped()) begun.pending->stop();
  else std::async(std::launch::async, [&] { step_back(), add_path(*a, a->trace(), trace::whole(a->trace(), a->options.device)); }).get();
  if (stopped()) begun.pending->stop();
  const PendingKernels::Part part = begun.pending->get();
  if (stopped()) return nullptr;
  if (!part.kernels) return analyse(begun.run, begun.options, cancel);   // somebody else had stopped it
  a->layers = part.layers;
  a->kernels = part.kernels;
  a->verdict = idle_verdict(*a);
  return a;
}

AnalysisPtr analyse(trace::RunPtr run, AnalysisOptions options, const std::atomic<bool>* cancel) {
  return finish_analysis(*begin_analysis(std::move(run), std::move(options)), cancel);
}

AnalysisPtr reanalyse(const RunAnalysis& before, AnalysisOptions options,
                      const std::atomic<bool>* cancel) {
  if (!before.complete()) {
    const AnalysisPtr whole = finish_analysis(before, cancel);
    return whole ? reanalyse(*whole, std::move(options), cancel) : nullptr;
  }
  options.device = choose_device(before.devices, options.device);
  if (options.device != before.options.device) return analyse(before.run, options, cancel);
  auto a = std::make_shared<RunAnalysis>(before);
  a->options = options;
  if (options.host != before.options.host)
    a->host = options.host ? host_lanes(before.trace(), options.device) : nullptr;
  if (options.grouping != before.options.grouping) {
    a->lanes = std::make_shared<const LaneIndex>(before.trace(), options.device,
                                                 before.gaps->overlaps, options.grouping);
  }
  if (options.groups != before.options.groups)
    a->kernels = std::make_shared<const KernelStats>(
        with_groups(*before.kernels, before.trace(), options.device, options.groups));
  if (!(options.thresholds == before.options.thresholds)) {
    classify_under(*a, options.thresholds);  // lengths stay what they were: the histogram and the longest gaps with them
    a->verdict = idle_verdict(*a);
  }
  return a;
}

}  // namespace ui
