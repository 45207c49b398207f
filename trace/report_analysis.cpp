#include "trace/report_analysis.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "trace/stats.h"

namespace trace {
namespace {

std::vector<KernelRow> kernel_rows(const Trace& t, const DeviceEvents& events, const Window& window) {
  struct Sum {
    KernelRow row;
    std::vector<double> us;
  };
  std::map<std::pair<StringId, uint16_t>, Sum> sums;   // one name may be several ops
  for (const EventId id : events_in(t, events, window)) {
    const Event& e = t.events[id];
    Sum& sum = sums[{e.name, e.op}];
    const int64_t ns = clipped_ns(e, window);
    ++sum.row.count;
    sum.row.total_ns += ns;
    sum.row.longest_ns = std::max(sum.row.longest_ns, ns);
    sum.row.category = e.category;
    if (e.op) sum.row.op = t.op_of(e);
    sum.us.push_back(static_cast<double>(ns) / 1000);
  }
  std::vector<KernelRow> rows;
  for (auto& [key, sum] : sums) {
    sum.row.name = t.strings[key.first];
    sum.row.median_us = median(std::move(sum.us));
    rows.push_back(std::move(sum.row));
  }
  std::ranges::stable_sort(rows, std::greater{}, &KernelRow::total_ns);
  return rows;
}

// "312.241 = 293.250 + 18.991"
std::string sum_text(int64_t whole, std::initializer_list<int64_t> parts) {
  std::string out;
  for (const int64_t ns : parts) out += (out.empty() ? " = " : " + ") + report_us(ns);
  return report_us(whole) + out;
}

void check_run(ReportRun& r) {
  auto& list = r.invariants;
  list.push_back({"wall = busy + idle", sum_text(r.bubbles.wall_ns, {r.bubbles.busy_ns, r.bubbles.idle_ns}), r.bubbles.wall_ns == r.bubbles.busy_ns + r.bubbles.idle_ns});
  list.push_back({"wall = owned + waits + lead-in of the critical path", sum_text(r.bubbles.wall_ns, {r.path.owned_ns, r.path.waits_ns, r.path.lead_in_ns}),
                  r.bubbles.wall_ns == r.path.owned_ns + r.path.waits_ns + r.path.lead_in_ns});
  ShareSum sum = 0;
  for (const ShareSum share : r.shares.category) sum += share;
  for (const int64_t idle : r.shares.idle_ns) sum += static_cast<ShareSum>(idle) * kShareUnits;
  list.push_back({"shares of categories + idle kinds = wall", report_us(static_cast<int64_t>(sum / kShareUnits)) + " = " + report_us(r.shares.wall_ns), sum == static_cast<ShareSum>(r.shares.wall_ns) * kShareUnits});
  if (r.layers.layers == 0) return;
  bool whole = true;
  for (size_t i = 0; i < r.layers.detail.size(); ++i) {
    const auto& step = r.layers.detail[i];
    int64_t parts = step.prologue.wall_ns() + step.epilogue.wall_ns();
    for (const Window& layer : step.layers) parts += layer.wall_ns();
    whole = whole && parts == r.layers.step_windows[i].wall_ns();
  }
  list.push_back({"prologue + layers + epilogue = step", fmt::format("steps: {}, layers in each: {}", r.layers.steps, r.layers.layers), whole});
}

ReportRun analyse_run(const Run& run, std::string title) {
  ReportRun r;
  r.run = &run;
  r.trace = run.trace.get();
  r.title = std::move(title);
  const Trace& t = *r.trace;
  const auto devices = active_devices(t);
  if (devices.empty()) return r;
  r.has_device = true;
  r.device = devices.front();
  r.events = device_events(t, r.device);
  r.all = whole(t, r.device);
  r.layers = find_layers(t, r.events);
  if (r.layers.steps > 1) r.step = medoid_step(r.layers);
  r.layer = medoid_layer(r.layers);
  r.main = run.origin == Origin::engine && medoid_step(r.layers) ? *medoid_step(r.layers) : r.all;
  r.bubbles = classify(t, bubble_context(t, r.device), r.main);
  r.path = critical_path(t, r.events, r.main);
  r.shares = equal_shares(t, r.events, r.main);
  r.gaps = gap_histogram(r.bubbles);
  r.kernels = kernel_rows(t, r.events, r.main);
  check_run(r);
  if (!run.spec) r.advice = advise(t, r.device, {});
  return r;
}

void add_floors(ReportRun& r, const FloorRequest& request) {
  auto assumptions = floor_assumptions(*r.run, r.device, request);
  if (!assumptions) {
    r.no_floors = assumptions.error().line();
    return;
  }
  r.floors = floors(*r.trace, r.main, *assumptions);
  const FloorReport& f = *r.floors;
  const int64_t sum = f.floor_ns + f.above_ns + f.unknown_ns + f.idle_ns - f.concurrency_ns;
  r.invariants.push_back({"wall = floor + above it + without an estimate + idle - concurrency", sum_text(f.wall_ns, {f.floor_ns, f.above_ns, f.unknown_ns, f.idle_ns, -f.concurrency_ns}), sum == f.wall_ns});
}

void compare_pair(ReportData& data) {
  const ReportRun &a = data.runs[0], &b = data.runs[1];
  data.comparison = compare(*a.trace, a.main, *b.trace, b.main);
  if (a.run->origin == Origin::engine && b.run->origin == Origin::engine && a.run->step.n && b.run->step.n) {
    add_tracing(data.comparison->waterfall, std::llround((b.run->step.median - a.run->step.median) * 1000));
    data.with_tracing = true;
  }
  for (const Contributor& c : data.comparison->waterfall.contributors) data.delta_ns += c.ns;
}

std::string interval(double lo, double hi) {
  return std::isfinite(lo) && std::isfinite(hi) ? fmt::format("{:+.3f} .. {:+.3f} us", lo, hi) : "none: too few instances";
}

std::string scenario_of(const Run& run) {
  if (!run.spec) return run.device.empty() ? "imported trace" : run.device;
  const Workload& w = run.spec->workload;
  return fmt::format("{}{}, batch {}, next_n {}, context {}, {} on {}", run.spec->model.name, run.spec->model.synthetic ? " (synthetic)" : "", w.batch, w.next_n, w.context, run.backend, run.device);
}

}  // namespace

std::string report_us(int64_t ns) {
  const uint64_t size = ns < 0 ? 0 - static_cast<uint64_t>(ns) : static_cast<uint64_t>(ns);
  return fmt::format("{}{}.{:03}", ns < 0 ? "-" : "", size / 1000, size % 1000);
}

std::string report_us(double us) { return std::isfinite(us) ? fmt::format("{:.3f}", us) : "-"; }

std::string signed_us(int64_t ns) { return (ns >= 0 ? "+" : "") + report_us(ns); }

std::string percent(double part, double whole) { return whole > 0 ? fmt::format("{:.1f}", 100 * part / whole) : "0.0"; }

std::string file_name_only(const std::string& path) {
  const size_t slash = path.find_last_of("/\\");
  return slash == std::string::npos ? path : path.substr(slash + 1);
}

Result<ReportData> analyse(const ReportInput& input) {
  if (input.runs.empty()) return Error{"a report needs a run", ""};
  ReportData data;
  data.ab = input.ab;
  for (size_t i = 0; i < input.runs.size(); ++i) {
    const Run& run = *input.runs[i];
    if (!run.trace) return Error{"this run has no trace", run.name};
    const std::string arm = input.runs.size() == 2 ? (i == 0 ? "A: " : "B: ") : "";
    data.runs.push_back(analyse_run(run, arm + run.name));
    ReportRun& r = data.runs.back();
    if (i < input.serving.size() && input.serving[i]) {
      r.serving = input.serving[i];
      if (auto split = split_tpot(run, *r.serving)) r.tpot = std::move(*split);
    }
    if (input.floors && r.has_device) add_floors(r, *input.floors);
  }
  if (data.runs.size() == 2 && data.runs[0].has_device && data.runs[1].has_device) compare_pair(data);
  return data;
}

std::vector<ResultRow> result_rows(const ReportData& data) {
  std::vector<ResultRow> rows;
  if (data.ab) {
    const AbEstimate& e = data.ab->estimate;
    rows.push_back({scenario_of(*data.ab->a), report_us(e.a.median), report_us(e.b.median), fmt::format("{:+.2f}", e.delta_pct), interval(e.lo, e.hi), std::string(to_string(e.verdict))});
  }
  if (!data.comparison) return rows;
  const int64_t a = data.comparison->waterfall.a_ns, b = data.comparison->waterfall.b_ns;
  const std::string what = data.runs[0].main.label == "all" ? "traced wall" : "traced " + data.runs[0].main.label;
  rows.push_back({what + ", " + scenario_of(*data.runs[0].run), report_us(a), report_us(b), a > 0 ? fmt::format("{:+.2f}", 100.0 * static_cast<double>(b - a) / static_cast<double>(a)) : "-",
                  "one recording each: none", ""});
  return rows;
}

std::vector<std::pair<std::string, std::string>> provenance(const ReportRun& r) {
  std::vector<std::pair<std::string, std::string>> out;
  const Run& run = *r.run;
  const Trace& t = *r.trace;
  const auto add = [&](const char* label, std::string text) {
    if (!text.empty()) out.emplace_back(label, std::move(text));
  };
  add("origin", run.standing.empty() ? std::string(to_string(run.origin)) : run.standing);
  add(run.origin == Origin::engine ? "recorded" : "imported", run.created);
  add("device", run.device);
  add("backend", run.backend);
  add("program", run.program);
  if (run.spec) {
    add("request", scenario_of(run));
    add("switches", run.spec->toggles.text());
    add("seed", std::to_string(run.spec->workload.seed));
  }
  if (run.step.n) add("untraced step", fmt::format("{} us, 95 % of the median {} .. {}, n = {}", report_us(run.step.median), report_us(run.step.lo), report_us(run.step.hi), run.step.n));
  if (run.traced_step_us > 0 && run.step.n) add("cost of tracing", fmt::format("{:+.1f} % of a step", tracing_overhead_pct(run)));
  add("collector", t.collector.name + (t.collector.version.empty() ? "" : " (" + t.collector.version + ")") + fmt::format(", resolution {} ns", t.collector.resolution_ns));
  if (r.has_device) {
    add("window", fmt::format("{}: {} us, {} kernels + {} copies on {} stream{} ({} lane{})", r.main.label, report_us(r.main.wall_ns()), r.bubbles.kernels, r.bubbles.copies, r.bubbles.streams, r.bubbles.streams == 1 ? "" : "s", r.bubbles.lanes, r.bubbles.lanes == 1 ? "" : "s"));
    add("layers", r.layers.rule);
  }
  if (run.report) {
    const ImportReport& i = *run.report;
    std::string left;
    for (const auto& [reason, count] : i.skipped) left += fmt::format("{}{} {}", left.empty() ? "" : ", ", count, reason);
    add("file", file_name_only(i.file) + ": " + i.format + fmt::format(", {} records, {} used", i.read, i.used));
    add("left out", left);
    for (const auto& warning : i.warnings) add("warning", warning);
    for (const auto& caveat : i.caveats) add("caveat", caveat);
  }
  if (!run.report)
    for (const auto& caveat : r.bubbles.caveats) add("caveat", caveat);
  add("note", run.note);
  return out;
}

}  // namespace trace
