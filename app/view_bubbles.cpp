#include <algorithm>

#include "app/output.h"
#include "app/views.h"
#include "trace/kernel_names.h"

namespace app {

using nlohmann::json;
using trace::BubbleKind;

trace::Result<WindowKind> window_kind(const std::string& name) {
  if (name == "all") return WindowKind::all;
  if (name == "step") return WindowKind::step;
  if (name == "layer") return WindowKind::layer;
  return trace::Error{"a window is all, step or layer", "--window " + name};
}

trace::Result<BubbleView> view_bubbles(const trace::Trace& t, WindowKind kind, const trace::Thresholds& thresholds) {
  BubbleView view;
  view.trace = &t;
  view.report.thresholds = thresholds;
  const auto devices = trace::active_devices(t);
  for (uint32_t device : devices) {
    view.devices.emplace_back(t.devices[device].id, trace::classify(t, trace::whole(t, device), thresholds));
  }
  if (devices.empty()) {
    if (kind != WindowKind::all) return trace::Error{"there is no GPU activity to cut into windows", t.title};
    view.report.caveats.push_back("no GPU activity in this trace: every figure is zero");
    return view;
  }
  const uint32_t device = devices.front();
  view.has_device = true;
  view.device = t.devices[device].id;
  view.report = view.devices.front().second;
  view.path = trace::critical_path(t, view.report.window);
  view.layers = trace::find_layers(t, device);
  std::vector<trace::Window> windows;
  if (kind == WindowKind::step) windows = view.layers.step_windows;
  if (kind == WindowKind::layer) {
    for (const auto& step : view.layers.detail) windows.insert(windows.end(), step.layers.begin(), step.layers.end());
  }
  if (kind != WindowKind::all && windows.empty()) return trace::Error{"no such windows: " + view.layers.rule, t.title};
  if (!windows.empty()) {
    const auto context = trace::bubble_context(t, device);
    for (const auto& window : windows) view.windows.push_back(trace::classify(t, context, window, thresholds));
  }
  return view;
}

namespace {

json tally_json(const trace::Tally& tally) { return {{"count", tally.count}, {"us", to_us(tally.ns)}}; }

json stall_json(const trace::Trace& t, const trace::Bubble& bubble) {
  const auto name = [&](trace::EventId id) -> json {
    return id == trace::kNone ? json(nullptr) : json(std::string(t.name_of(t.events[id])));
  };
  const auto stream = [&](trace::EventId id) -> json {
    return id == trace::kNone ? json(nullptr) : json(t.lanes[t.events[id].lane].stream);
  };
  return {{"start_us", to_us(bubble.begin_ns)}, {"us", to_us(bubble.ns())},
          {"before", name(bubble.before)}, {"after", name(bubble.after)},
          {"before_stream", stream(bubble.before)}, {"after_stream", stream(bubble.after)},
          {"cause", trace::to_string(bubble.cause)}, {"evidence", trace::evidence(t, bubble)}};
}

}  // namespace

json report_json(const trace::Trace& t, const trace::BubbleReport& report, bool with_stalls) {
  json out = {{"window", report.window.label}, {"begin_us", to_us(report.window.begin_ns)},
              {"wall_us", to_us(report.wall_ns)}, {"busy_us", to_us(report.busy_ns)}, {"idle_us", to_us(report.idle_ns)},
              {"wall_ns", report.wall_ns}, {"busy_ns", report.busy_ns}, {"idle_ns", report.idle_ns},
              {"kernels", report.kernels}, {"copies", report.copies}, {"activities", report.activities},
              {"streams", report.streams}, {"lanes", report.lanes}};
  for (int k = 0; k < trace::kBubbleKinds; ++k) {
    out["kinds"][std::string(to_string(static_cast<BubbleKind>(k)))] = tally_json(report.kinds[k]);
  }
  for (int s = 0; s < trace::kBubbleScopes; ++s) {
    out["scopes"][std::string(to_string(static_cast<trace::BubbleScope>(s)))] = tally_json(report.scopes[s]);
  }
  const trace::CauseTallies causes = trace::by_cause(report);
  for (int k = 0; k < trace::kBubbleKinds; ++k) {
    json& kind = out["causes"][std::string(to_string(static_cast<BubbleKind>(k)))] = json::object();
    for (int c = 0; c < trace::kBubbleCauses; ++c) {
      if (causes[k][c].count > 0) kind[std::string(to_string(static_cast<trace::BubbleCause>(c)))] = tally_json(causes[k][c]);
    }
  }
  out["same_stream_overlaps"] = {{"count", report.overlaps.size()}, {"min_us", to_us(report.overlap_min_ns)}};
  if (with_stalls) {
    out["stalls"] = json::array();
    for (const auto& bubble : report.bubbles) {
      if (bubble.kind == BubbleKind::stall) out["stalls"].push_back(stall_json(t, bubble));
    }
  }
  return out;
}

json bubbles_json(const BubbleView& view) {
  const trace::Trace& t = *view.trace;
  json out = report_json(t, view.report, true);
  out["window"] = view.has_device ? view.report.window.label : "all";
  out["trace"] = t.title;
  out["device"] = view.has_device ? json(view.device) : json(nullptr);
  out["devices"] = json::array();
  for (const auto& [id, report] : view.devices) {
    json one = report_json(t, report, false);
    one["device"] = id;
    out["devices"].push_back(std::move(one));
  }
  out["clock"] = trace::to_string(t.collector.clock);
  out["collector"] = t.collector.name;
  out["path"] = {{"owned_us", to_us(view.path.owned_ns)}, {"waits_us", to_us(view.path.waits_ns)}, {"lead_in_us", to_us(view.path.lead_in_ns)},
                 {"owned_ns", view.path.owned_ns}, {"waits_ns", view.path.waits_ns}, {"lead_in_ns", view.path.lead_in_ns}};
  out["layers"] = view.layers.layers;
  out["windows"] = json::array();
  for (const auto& report : view.windows) out["windows"].push_back(report_json(t, report, true));
  out["caveats"] = view.report.caveats;
  return out;
}

namespace {

// The kernel's own name: without return type, namespaces, template arguments and mangling.
std::string shortened(std::string_view name, size_t most = 44) {
  std::string text(trace::bare_kernel_name(name));
  if (text.size() > most) text = text.substr(0, most - 1) + "~";
  return text;
}

Table window_table(const std::vector<const trace::BubbleReport*>& reports) {
  Table table({"window", "wall us", "busy us", "idle us", "contiguous", "dispatch us", "n", "fence us", "n", "stall us", "n"});
  for (const auto* r : reports) {
    const auto cell = [&](BubbleKind k) { return us(r->kind(k).ns); };
    const auto count = [&](BubbleKind k) { return std::to_string(r->kind(k).count); };
    table.row({r->window.label, us(r->wall_ns), us(r->busy_ns), us(r->idle_ns), count(BubbleKind::contiguous), cell(BubbleKind::dispatch),
               count(BubbleKind::dispatch), cell(BubbleKind::fence), count(BubbleKind::fence), cell(BubbleKind::stall), count(BubbleKind::stall)});
  }
  return table;
}

}  // namespace

std::string causes_text(const std::vector<std::pair<std::string, const trace::BubbleReport*>>& reports) {
  std::vector<std::string> header{"idle", "cause"};
  std::vector<trace::CauseTallies> tallies;
  for (const auto& [name, report] : reports) {
    const std::string of = name.empty() ? "" : name + " ";
    header.push_back(of + "n");
    header.push_back(of + "us");
    tallies.push_back(trace::by_cause(*report));
  }
  Table table(std::move(header));
  bool any = false;
  for (int k = trace::kBubbleKinds - 1; k >= 0; --k) {
    for (int c = 0; c < trace::kBubbleCauses; ++c) {
      std::vector<std::string> row{std::string(to_string(static_cast<BubbleKind>(k))), std::string(to_string(static_cast<trace::BubbleCause>(c)))};
      bool has = false;
      for (const auto& of : tallies) {
        const trace::Tally& tally = of[k][c];
        has = has || tally.count > 0;
        row.push_back(std::to_string(tally.count));
        row.push_back(us(tally.ns));
      }
      if (has) table.row(std::move(row)), any = true;
    }
  }
  return any ? table.text() : "";
}

std::string bubbles_text(const BubbleView& view) {
  const trace::Trace& t = *view.trace;
  std::string out = fmt::format("{}\n", t.title);
  if (!view.has_device) return out + "  no GPU activity: nothing to classify\n";
  const auto& report = view.report;
  std::string device_name;
  for (const auto& device : t.devices) if (device.id == view.device) device_name = device.name;
  out += fmt::format("  device {}{}{}, {} ({}), {} kernels + {} copies on {} streams ({} lanes)\n", view.device,
                     device_name.empty() ? "" : ": ", device_name, t.collector.name, t.collector.version.empty() ? "version not said" : t.collector.version,
                     report.kernels, report.copies, report.streams, report.lanes);
  if (view.devices.size() > 1) out += fmt::format("  {} devices are active, this is the busiest; --json lists all\n", view.devices.size());
  out += fmt::format("  layers: {}\n\n", view.layers.rule);
  std::vector<const trace::BubbleReport*> rows{&report};
  for (const auto& window : view.windows) rows.push_back(&window);
  out += window_table(rows).text();
  out += fmt::format("\ncritical path: {} us of kernels + {} us of waits + {} us lead-in = {} us\n", us(view.path.owned_ns),
                     us(view.path.waits_ns), us(view.path.lead_in_ns), us(report.wall_ns));
  if (const std::string causes = causes_text({{"", &report}}); !causes.empty()) out += "\n" + causes;
  const auto stalls = report.stalls();
  if (!stalls.empty()) {
    out += fmt::format("\n{} stalls, longest first\n", stalls.size());
    Table table({"start us", "us", "streams", "cause", "between", "and"});
    const size_t shown = std::min<size_t>(stalls.size(), 12);
    for (size_t i = 0; i < shown; ++i) {
      const auto& s = stalls[i];
      const auto name = [&](trace::EventId id) { return id == trace::kNone ? std::string("-") : shortened(t.name_of(t.events[id])); };
      const auto stream = [&](trace::EventId id) { return id == trace::kNone ? std::string("-") : std::to_string(t.lanes[t.events[id].lane].stream); };
      table.row({us(s.begin_ns), us(s.ns()), stream(s.before) + " > " + stream(s.after), std::string(to_string(s.cause)), name(s.before), name(s.after)});
    }
    out += table.text();
    if (stalls.size() > shown) out += fmt::format("... and {} more; --json lists all\n", stalls.size() - shown);
  }
  if (!report.caveats.empty()) out += "\n";
  for (const auto& caveat : report.caveats) out += fmt::format("note: {}\n", caveat);
  return out;
}

}  // namespace app
