#include "ui/vm/details_vm.h"

#include <algorithm>
#include <array>
#include <map>

#include "trace/kernel_names.h"
#include "ui/vm/annotations.h"
#include "ui/vm/format.h"
#include "ui/vm/names.h"
#include "trace/model_name.h"

namespace ui {
namespace {

using trace::Detail;
using trace::Event;
using trace::EventId;
using trace::kNone;
using trace::Trace;

constexpr size_t kTooltipEvents =
    20000;  // a merged bar may hold millions; a tooltip has a frame's time

std::string triple(const std::array<int32_t, 3>& v) {
  return v[0] < 0
             ? std::string()
             : std::to_string(v[0]) + " × " + std::to_string(v[1]) + " × " + std::to_string(v[2]);
}

void add(DetailsVm& vm, std::string key, std::string value) {
  if (!value.empty()) vm.fields.push_back({std::move(key), std::move(value)});
}

// ", 1.7 % of the wall"
std::string share_of(int64_t part, int64_t wall) {
  return wall > 0 ? ", " + percent_text(100.0 * static_cast<double>(part) / static_cast<double>(wall), 2) + " of the wall" : std::string();
}

// ", 31.4 %"; nothing where there is no roof.
std::string of_roof(double value, double roof) {
  return roof > 0 ? ", " + percent_text(100 * value / roof) : std::string();
}

// "1.06 G": a count of operations with its power of 1000.
std::string operations_text(int64_t n) {
  static constexpr std::array<const char*, 5> kUnits{"", " k", " M", " G", " T"};
  double value = static_cast<double>(n);
  size_t unit = 0;
  while (value >= 999.5 && unit + 1 < kUnits.size()) value /= 1000, ++unit;
  return number_text(value, unit == 0 ? 0 : value < 10 ? 2 : value < 100 ? 1 : 0) + kUnits[unit];
}

// Counted from 0 as everywhere, with how many there are; the recorder's own word comes before the rule's.
void add_layer(DetailsVm& vm, const RunAnalysis& a, const Event& e) {
  const Detail* d = a.trace().detail_of(e);
  if (d && d->layer >= 0) {
    add(vm, "layer", std::to_string(d->layer));
    return;
  }
  if (!a.layers || a.layers->layers == 0) return;
  const auto before = [](int64_t ns, const trace::Window& w) { return ns < w.begin_ns; };
  const auto& steps = a.layers->step_windows;
  const auto step = std::upper_bound(steps.begin(), steps.end(), e.start_ns, before);
  if (step == steps.begin()) return;
  const auto index = static_cast<size_t>(step - steps.begin()) - 1;
  if (index >= a.layers->detail.size() || e.start_ns >= steps[index].end_ns) return;
  const auto& layers = a.layers->detail[index].layers;
  const auto layer = std::upper_bound(layers.begin(), layers.end(), e.start_ns, before);
  if (layer == layers.begin() || e.start_ns >= std::prev(layer)->end_ns) {
    add(vm, "layer", layer == layers.begin() ? "before the first" : "after the last");
    return;
  }
  add(vm, "layer", std::to_string(layer - layers.begin() - 1) + " of " + count_text(static_cast<int64_t>(layers.size())) + ", by the rule");
}

void add_hardware(DetailsVm& vm, const Event& e, const Detail& d, const Roof& roof) {
  add(vm, "grid", triple(d.grid));
  add(vm, "block", triple(d.block));
  if (d.registers >= 0) add(vm, "registers", std::to_string(d.registers));
  if (d.lds_bytes >= 0) add(vm, "LDS", bytes_text(d.lds_bytes));
  if (d.bytes >= 0) {
    add(vm, "moved", bytes_text(d.bytes));
    if (e.duration_ns() > 0)
      add(vm, "bandwidth",
          number_text(static_cast<double>(d.bytes) / static_cast<double>(e.duration_ns()), 1) + " GB/s" +
              of_roof(static_cast<double>(d.bytes) / static_cast<double>(e.duration_ns()), roof.bytes_per_ns));
  }
  if (d.flops >= 0) add(vm, "operations", operations_text(d.flops));
  if (d.flops >= 0 && e.duration_ns() > 0)
    add(vm, "rate",
        number_text(static_cast<double>(d.flops) / static_cast<double>(e.duration_ns()) / 1000, 3) +
            " TFLOP/s");
  if (const double floor = roof.floor_ns(d.bytes, d.flops); floor > 0 && e.duration_ns() > 0)
    add(vm, "floor", duration_text(static_cast<int64_t>(floor + 0.5)) + of_roof(floor, static_cast<double>(e.duration_ns())) + ", the model's estimate");
  if (d.graph_node >= 0) add(vm, "graph node", std::to_string(d.graph_node));
  if (d.hsa_queue >= 0) add(vm, "HSA queue", std::to_string(d.hsa_queue));
}

void add_launch(DetailsVm& vm, const Trace& t, const Event& e) {
  if (e.call == kNone) return;
  const trace::HostCall& call = t.calls[e.call];
  add(vm, "launch", t.strings[call.name] + ", " + duration_text(call.end_ns - call.start_ns));
  add(vm, "launched", duration_text(e.start_ns - call.start_ns) + " before the start");
}

// What is not at its first value.
std::string switches_text(const trace::ToggleSet& toggles) {
  std::string text;
  for (const trace::ToggleInfo& info : trace::toggle_table()) {
    if (toggles.index(info.key) == 0) continue;
    text += (text.empty() ? "" : ", ") + std::string(info.name) + " " +
            std::string(toggles.value(info.key));
  }
  return text.empty() ? "all at their first value" : text;
}

std::string between(const Trace& t, const trace::Bubble& b) {
  const auto name = [&](EventId id) {
    if (id == kNone) return std::string("nothing");
    const Event& e = t.events[id];
    return std::string(e.op != 0 ? t.op_of(e) : trace::bare_kernel_name(t.name_of(e)));
  };
  return middle_clipped(name(b.before), 40) + " → " + middle_clipped(name(b.after), 40);
}

}  // namespace

EventId neighbour_on_lane(const Trace& t, EventId id, int by) {
  const trace::Lane& lane = t.lanes[t.events[id].lane];
  const int64_t at = int64_t{id} + by;
  return at >= lane.first && at < int64_t{lane.first} + lane.count ? static_cast<EventId>(at)
                                                                   : kNone;
}

DetailsVm run_details(const trace::Run& run, const RunAnalysis& a) {
  const Trace& t = a.trace();
  DetailsVm vm;
  vm.title = run.name;
  add(vm, "device",
      !run.device.empty()                     ? run.device
      : a.options.device < t.devices.size() ? t.devices[a.options.device].name
                                              : std::string());
  add(vm, "collector", t.collector.name);
  add(vm, "version", t.collector.version);
  if (t.collector.resolution_ns > 1) add(vm, "resolution", duration_text(t.collector.resolution_ns));
  add(vm, "standing", run.standing);
  if (run.spec) {
    const trace::Workload& w = run.spec->workload;
    add(vm, "model", trace::shown_name(run.spec->model));
    add(vm, "batch · context",
        std::to_string(w.batch) + (w.next_n > 1 ? " × " + std::to_string(w.next_n) : "") + " · " +
            count_text(w.context));
    add(vm, "switches", switches_text(run.spec->toggles));
  }
  if (run.step.n > 0)
    add(vm, "step", duration_text(ns_of_us(run.step.median)) + " over " + count_text(run.step.n));
  add(vm, "wall", duration_text(a.report->wall_ns));
  add(vm, "activities", count_text(a.report->activities) + " on " +
                            count_text(static_cast<int64_t>(a.lanes->lanes().size())) +
                            (a.lanes->lanes().size() == 1 ? " lane" : " lanes"));
  if (a.layers && a.layers->layers > 0)
    add(vm, "layers", count_text(a.layers->layers) + " a step, " + count_text(a.layers->steps) +
                          (a.layers->steps == 1 ? " step" : " steps"));
  add(vm, "recorded", run.origin == trace::Origin::engine ? run.created : std::string());
  add(vm, "host", run.origin == trace::Origin::engine ? run.host : std::string());
  add(vm, "tags", run.tags);
  vm.note = without_annotations(run.note);
  return vm;
}

std::vector<std::string> report_lines(const trace::ImportReport& r) {
  std::vector<std::string> lines;
  lines.push_back(count_text(r.used) + " of " + count_text(r.read) + " records used");
  for (const auto& [reason, count] : r.skipped) lines.push_back(count_text(count) + " left out: " + reason);
  lines.push_back(count_text(r.ties) + " ties, " + count_text(r.overlaps) + " overlaps on a stream; clock steps of " +
                  duration_text(r.resolution_ns));
  if (!r.window_rule.empty()) lines.push_back(r.window_rule);
  for (const std::string& warning : r.warnings) lines.push_back("warning: " + warning);
  lines.insert(lines.end(), r.caveats.begin(), r.caveats.end());
  return lines;
}

DetailsVm event_details(const RunAnalysis& a, EventId id) {
  const Trace& t = a.trace();
  const Event& e = t.events[id];
  DetailsVm vm;
  vm.title = demangled(t.name_of(e));
  if (vm.title != t.name_of(e)) vm.subtitle = t.name_of(e);
  if (e.op != 0) add(vm, "op", std::string(t.op_of(e)));
  add(vm, "category", std::string(trace::title_of(e.category)));
  add(vm, "lane", t.lanes[e.lane].label);
  add(vm, "start", duration_text(e.start_ns - a.report->window.begin_ns));
  add(vm, "duration", duration_text(e.duration_ns()));
  if (e.step >= 0) add(vm, "step", std::to_string(e.step));
  add_layer(vm, a, e);
  if (const Detail* d = t.detail_of(e)) add_hardware(vm, e, *d, a.kernels->roof);
  add_launch(vm, t, e);
  const EventId before = neighbour_on_lane(t, id, -1), after = neighbour_on_lane(t, id, 1);
  const auto neighbour = [&](EventId n, int64_t gap_ns) {
    const Event& other = t.events[n];
    const std::string name(other.op != 0 ? t.op_of(other) : trace::bare_kernel_name(t.name_of(other)));
    return middle_clipped(name, 32) + ", " + (gap_ns < 0 ? "overlaps by " + duration_text(-gap_ns) : duration_text(gap_ns) + " apart");
  };
  if (before != kNone) add(vm, "previous", neighbour(before, e.start_ns - t.events[before].end_ns));
  if (after != kNone) add(vm, "next", neighbour(after, t.events[after].start_ns - e.end_ns));
  if (a.path) {
    const trace::PathStep* step = a.path_step(id);
    if (!step)
      add(vm, "critical path", "not on it");
    else
      add(vm, "critical path",
          "owns " + duration_text(step->owned_ns) + share_of(step->owned_ns, a.report->wall_ns) +
              (step->wait_ns > 0 ? ", after a wait of " + duration_text(step->wait_ns) : ""));
  }
  return vm;
}

DetailsVm merged_details(const RunAnalysis& a, const RowMap& row, const BarVm& bar) {
  const Trace& t = a.trace();
  DetailsVm vm;
  vm.title = count_text(bar.count) + " events";
  const EventAggregate sum = row.aggregate(bar.first, bar.first + bar.count);
  const int64_t span = row.at(bar.first + bar.count - 1).end_ns - row.at(bar.first).start_ns;
  add(vm, "from", duration_text(row.at(bar.first).start_ns - a.report->window.begin_ns));
  add(vm, "span", duration_text(span));
  add(vm, "busy", duration_text(sum.busy_ns));
  if (sum.worst_gap_ns >= 0) add(vm, "longest gap", duration_text(sum.worst_gap_ns));
  add(vm, "longest",
      std::string(trace::bare_kernel_name(t.name_of(row.at(sum.longest)))) + " " +
          duration_text(sum.longest_ns));
  std::map<trace::StringId, trace::Tally> names;
  const size_t looked = std::min<size_t>(bar.count, kTooltipEvents);
  for (size_t i = 0; i < looked; ++i) {
    const Event& e = row.at(bar.first + i);
    names[e.name].add(e.duration_ns());
  }
  std::vector<std::pair<trace::StringId, trace::Tally>> top(names.begin(), names.end());
  std::ranges::sort(top, [](const auto& x, const auto& y) { return x.second.ns > y.second.ns; });
  for (size_t i = 0; i < std::min<size_t>(top.size(), 6); ++i) {
    vm.table.push_back(
        {middle_clipped(trace::bare_kernel_name(t.strings[top[i].first]), 44),
         count_text(top[i].second.count) + " × · " + duration_text(top[i].second.ns)});
  }
  if (looked < bar.count)
    vm.note = "names of the first " + count_text(static_cast<int64_t>(looked)) + " events";
  else if (top.size() > 6)
    vm.note = "and " + count_text(static_cast<int64_t>(top.size()) - 6) + " more names";
  return vm;
}

DetailsVm call_details(const RunAnalysis& a, EventId id) {
  const HostLanes& host = *a.host;
  const Event& e = host.trace.events[id];
  DetailsVm vm;
  vm.title = host.trace.name_of(e);
  add(vm, "start", duration_text(e.start_ns - a.report->window.begin_ns));
  add(vm, "duration", duration_text(e.duration_ns()));
  add(vm, "thread", std::to_string(host.trace.lanes[e.lane].stream));
  add(vm, "launched", count_text(host.launched[id]) + (host.launched[id] == 1 ? " activity" : " activities"));
  const Event& first = a.trace().events[host.first_event[id]];
  add(vm, "first", std::string(trace::bare_kernel_name(a.trace().name_of(first))));
  add(vm, "starts after", duration_text(first.start_ns - e.start_ns));
  return vm;
}

DetailsVm bubble_details(const RunAnalysis& a, uint32_t index) {
  const trace::Bubble b = a.bubbles->at(index);
  const Trace& t = a.trace();
  DetailsVm vm;
  vm.title = std::string(trace::to_string(b.kind)) + ", " + duration_text(b.ns());
  add(vm, "start", duration_text(b.begin_ns - a.report->window.begin_ns));
  add(vm, "length", duration_text(b.ns()));
  add(vm, "between", between(t, b));
  if (b.before != kNone && b.after != kNone) {
    add(vm, "lanes",
        t.lanes[t.events[b.before].lane].label + " → " + t.lanes[t.events[b.after].lane].label);
  }
  add(vm, "scope", b.scope == trace::BubbleScope::in_graph  ? "within a graph launch"
                   : b.scope == trace::BubbleScope::in_step ? "within a step"
                                                            : "between steps");
  add(vm, "cause",
      words_of(trace::to_string(b.cause)) +
          (b.cause_is_guess ? " (inferred from times)" : " (recorded)"));
  vm.note = trace::evidence(t, b);
  return vm;
}

DetailsVm overlay_details(const RunAnalysis& a, const OverlayVm& o) {
  if (o.count == 1) return bubble_details(a, o.first);
  const BubbleAggregate sum = a.bubbles->aggregate(o.first, o.first + o.count);
  DetailsVm vm;
  vm.title = count_text(o.count) + " gaps in this pixel";
  add(vm, "idle", duration_text(sum.idle_ns));
  for (int k = trace::kBubbleKinds - 1; k >= 0; --k) {
    const trace::Tally& tally = sum.kinds[static_cast<size_t>(k)];
    if (tally.count > 0)
      add(vm, std::string(trace::to_string(static_cast<trace::BubbleKind>(k))),
          count_text(tally.count) + " × · " + duration_text(tally.ns));
  }
  add(vm, "worst",
      duration_text(sum.worst_ns) + ", " + between(a.trace(), a.bubbles->at(sum.worst)));
  return vm;
}

DetailsVm hit_details(const RunAnalysis& a, const TimelineVm& vm, const Hit& hit) {
  switch (hit.kind) {
    case HitKind::bar: {
      const BarVm& bar = vm.bars[hit.index];
      if (vm.rows[bar.row].host) {
        if (!a.host) return {};
        const RowMap& calls = a.host->lanes.rows()[vm.rows[bar.row].row];
        DetailsVm one = call_details(a, calls.id(bar.longest));
        if (bar.count > 1) one.note = "the longest of " + count_text(bar.count) + " calls in this place";
        return one;
      }
      const RowMap& row = a.lanes->rows()[vm.rows[bar.row].row];
      return bar.count == 1 ? event_details(a, row.id(bar.first)) : merged_details(a, row, bar);
    }
    case HitKind::bubble:
      return overlay_details(a, vm.overlays[hit.index]);
    case HitKind::band:
    case HitKind::none:
      return {};
  }
  return {};
}

}  // namespace ui
