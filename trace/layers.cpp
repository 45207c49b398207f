#include "trace/layers.h"

#include <algorithm>
#include <limits>
#include <map>

#include <fmt/format.h>

#include "trace/steps.h"

namespace trace {
namespace {

using Classes = std::map<std::vector<StringId>, int>;  // sorted names -> class

Window make_window(uint32_t device, int64_t begin_ns, int64_t end_ns, std::string label) {
  return {.device = device, .begin_ns = begin_ns, .end_ns = end_ns, .label = std::move(label)};
}

// The class of each layer by what it runs. An event counts where it ends: the anchor ends exactly
// with its layer, and a kernel launched early belongs to the next.
std::vector<int> classify_layers(const Trace& trace, const StepSpan& step,
                                 const std::vector<Window>& layers, Classes& classes) {
  std::vector<std::vector<StringId>> names(layers.size());
  for (const EventId id : step.events) {
    const Event& e = trace.events[id];
    const auto layer = std::lower_bound(layers.begin(), layers.end(), e.end_ns,
                                        [](const Window& w, int64_t t) { return w.end_ns < t; });
    if (layer != layers.end() && e.end_ns > layer->begin_ns)
      names[static_cast<size_t>(layer - layers.begin())].push_back(e.name);
  }
  std::vector<int> out;
  for (auto& key : names) {
    std::sort(key.begin(), key.end());
    out.push_back(
        classes.try_emplace(std::move(key), static_cast<int>(classes.size())).first->second);
  }
  return out;
}

// Ends of the step's layers in order, and where its first layer begins; no ends when the step does
// not follow.
struct Cuts {
  int64_t first_ns = 0;
  std::vector<int64_t> ends_ns;
};

int64_t end_of_all_before(const Trace& trace, const StepSpan& step, size_t position) {
  int64_t end = step.begin_ns;
  for (size_t i = 0; i < position; ++i) end = std::max(end, trace.events[step.events[i]].end_ns);
  return end;
}

// Position of the first event of the first layer. It need not be a member: what precedes the first
// member in a later layer is taken along backwards as far as the names agree, in any order (streams
// jitter).
size_t first_of_layer(const Trace& trace, const StepSpan& step, const Period& p) {
  const auto name_at = [&](size_t i) { return trace.events[step.events[i]].name; };
  size_t first = 0, anchor = 0;
  while (first < step.events.size() && !p.member[name_at(first)]) ++first;
  while (anchor < step.events.size() && name_at(anchor) != p.anchor) ++anchor;
  if (first >= step.events.size() || anchor >= step.events.size()) return 0;
  std::map<StringId, int>
      before;  // names between the first anchor and the next occurrence of the first member
  for (size_t i = anchor + 1; i < step.events.size() && name_at(i) != name_at(first); ++i)
    ++before[name_at(i)];
  while (first > 0) {
    const auto expected = before.find(name_at(first - 1));
    if (expected == before.end() || expected->second == 0) break;
    --expected->second;
    --first;
  }
  return first;
}

Cuts cuts_by_period(const Trace& trace, const StepSpan& step, const Period& p) {
  Cuts cuts;
  for (const EventId id : step.events)
    if (trace.events[id].name == p.anchor) cuts.ends_ns.push_back(trace.events[id].end_ns);
  if (static_cast<int>(cuts.ends_ns.size()) != p.repeats) return {};
  std::sort(cuts.ends_ns.begin(), cuts.ends_ns.end());
  cuts.first_ns = std::min(end_of_all_before(trace, step, first_of_layer(trace, step, p)),
                           cuts.ends_ns.front());
  return cuts;
}

int32_t layer_of(const Trace& trace, const Event& e) {
  const Detail* detail = trace.detail_of(e);
  return detail ? detail->layer : -1;
}

// By the recorder's layer numbers: a layer ends with the last of its events.
Cuts cuts_by_recorder(const Trace& trace, const StepSpan& step) {
  std::map<int32_t, int64_t> last;
  size_t first = step.events.size();
  for (size_t i = 0; i < step.events.size(); ++i) {
    const Event& e = trace.events[step.events[i]];
    const int32_t layer = layer_of(trace, e);
    if (layer < 0) continue;
    first = std::min(first, i);
    const auto [it, fresh] = last.try_emplace(layer, e.end_ns);
    it->second = std::max(it->second, e.end_ns);
  }
  Cuts cuts;
  for (const auto& [layer, end] : last)
    cuts.ends_ns.push_back(cuts.ends_ns.empty() ? end : std::max(end, cuts.ends_ns.back()));
  if (!cuts.ends_ns.empty())
    cuts.first_ns = std::min(end_of_all_before(trace, step, first), cuts.ends_ns.front());
  return cuts;
}

LayerWindows::Step windows_of(uint32_t device, const StepSpan& step, const Cuts& cuts,
                              const std::string& label) {
  LayerWindows::Step out;
  const auto inside = [&](int64_t t) { return std::clamp(t, step.begin_ns, step.end_ns); };
  if (cuts.ends_ns.empty()) {
    out.prologue = make_window(device, step.begin_ns, step.end_ns, label + "without layers");
    out.epilogue = make_window(device, step.end_ns, step.end_ns, label + "epilogue");
    return out;
  }
  int64_t begin = inside(cuts.first_ns);
  out.prologue = make_window(device, step.begin_ns, begin, label + "prologue");
  for (size_t i = 0; i < cuts.ends_ns.size(); ++i) {
    const int64_t end = inside(cuts.ends_ns[i]);
    out.layers.push_back(make_window(device, begin, end, fmt::format("{}layer {}", label, i)));
    begin = end;
  }
  out.epilogue = make_window(device, begin, step.end_ns, label + "epilogue");
  return out;
}

// Share of the kernels whose model layer the recorder knows.
double known_layers(const Trace& trace, const DeviceEvents& all) {
  size_t known = 0;
  for (const EventId id : all.by_start) known += layer_of(trace, trace.events[id]) >= 0;
  return all.by_start.empty()
             ? 0
             : static_cast<double>(known) / static_cast<double>(all.by_start.size());
}

std::string rule_text(const Trace& trace, const Steps& steps, int following) {
  const Period& p = steps.period;
  if (p.repeats < 2) return fmt::format("{}; layers: {}", steps.rule, p.why);
  std::string text = fmt::format(
      "{}; {} layers: {} kernel names come {} times in one order, the last of them `{}`; {:.1f} % "
      "of the kernels follow",
      steps.rule, p.repeats, p.names, p.repeats, trace.strings[p.anchor].substr(0, 60),
      100 * p.coverage);
  if (following < static_cast<int>(steps.spans.size()))
    text += fmt::format("; {} of {} steps follow it", following, steps.spans.size());
  return text;
}

std::optional<Window> closest_to_median(const std::vector<Window>& windows) {
  if (windows.empty()) return std::nullopt;
  std::vector<int64_t> walls;
  for (const Window& w : windows) walls.push_back(w.wall_ns());
  // Of an even number the lower middle: a wall that was recorded.
  const auto middle = walls.begin() + static_cast<std::ptrdiff_t>((walls.size() - 1) / 2);
  std::nth_element(walls.begin(), middle, walls.end());
  return *std::find_if(windows.begin(), windows.end(),
                       [&](const Window& w) { return w.wall_ns() == *middle; });
}

}  // namespace

LayerWindows find_layers(const Trace& trace, uint32_t device) {
  return find_layers(trace, device_events(trace, device));
}

LayerWindows find_layers(const Trace& trace, const DeviceEvents& all) {
  LayerWindows out;
  const Steps steps = find_steps(trace, all);
  out.rule = steps.rule;
  if (steps.spans.empty()) return out;
  out.steps = static_cast<int>(steps.spans.size());
  const double known = known_layers(trace, all);
  const bool by_recorder = known >= 0.5;
  const bool single = steps.spans.size() == 1;
  Classes classes;
  int following = 0;
  for (const StepSpan& step : steps.spans) {
    const std::string name = fmt::format("step {}", step.number);
    out.step_windows.push_back(make_window(all.device, step.begin_ns, step.end_ns, name));
    Cuts cuts;
    if (by_recorder)
      cuts = cuts_by_recorder(trace, step);
    else if (steps.period.repeats >= 2)
      cuts = cuts_by_period(trace, step, steps.period);
    out.detail.push_back(windows_of(all.device, step, cuts, single ? "" : name + ", "));
    LayerWindows::Step& detail = out.detail.back();
    detail.layer_class = classify_layers(trace, step, detail.layers, classes);
    following += !detail.layers.empty();
    if (by_recorder) out.layers = std::max(out.layers, static_cast<int>(detail.layers.size()));
  }
  if (by_recorder) {
    out.coverage = known;
    out.rule = fmt::format("{}; {} layers as recorded", steps.rule, out.layers);
    return out;
  }
  out.coverage = steps.period.coverage;
  out.layers = steps.period.repeats;
  out.anchor_name = steps.period.anchor;
  out.rule = rule_text(trace, steps, following);
  return out;
}

std::optional<Window> medoid_layer(const LayerWindows& found) {
  std::map<int, int> count;
  for (const auto& step : found.detail)
    for (const int c : step.layer_class) ++count[c];
  if (count.empty()) return std::nullopt;
  const int frequent =
      std::max_element(count.begin(), count.end(), [](const auto& a, const auto& b) {
        return a.second < b.second;
      })->first;
  std::vector<Window> windows;
  for (const auto& step : found.detail)
    for (size_t i = 0; i < step.layers.size(); ++i)
      if (step.layer_class[i] == frequent) windows.push_back(step.layers[i]);
  return closest_to_median(windows);
}

std::optional<Window> medoid_step(const LayerWindows& found) {
  return closest_to_median(found.step_windows);
}

}  // namespace trace
