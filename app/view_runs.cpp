#include "app/json_number.h"
#include "app/output.h"
#include "app/views.h"
#include "trace/model_name.h"

namespace app {

using nlohmann::json;

namespace {

// NaN and infinity have no JSON form: they become null.
}  // namespace

json estimate_json(const trace::Estimate& e) {
  return {{"median", json_number(e.median)}, {"lo", json_number(e.lo)}, {"hi", json_number(e.hi)}, {"n", e.n}};
}

std::string model_label(const trace::RunSpec& spec) {
  return trace::shown_name(spec.model);
}

json run_json_row(const trace::Run& run) {
  json toggles = json::object();
  if (run.spec) {
    for (const auto& row : trace::toggle_table()) toggles[std::string(row.name)] = run.spec->toggles.value(row.key);
  }
  return {{"run", run.id}, {"name", run.name}, {"created", run.created}, {"origin", trace::to_string(run.origin)},
          {"backend", run.backend}, {"device", run.device},
          {"model", run.spec ? json(run.spec->model.name) : json(nullptr)},
          {"synthetic", run.spec ? run.spec->model.synthetic : false},
          {"toggles", toggles}, {"steps", run.step_us.size()},
          {"step_us", run.step.n ? json_number(run.step.median) : json(nullptr)}, {"tags", run.tags},
          {"note", run.note}, {"starred", run.starred}};
}

json record_json(const trace::Run& run, const std::string& db) {
  return {{"run", run.id}, {"db", db}, {"backend", run.backend}, {"device", run.device},
          {"model", run.spec ? run.spec->model.name : ""}, {"synthetic", run.spec ? run.spec->model.synthetic : false},
          {"weights", run.spec && !run.spec->weights.empty() ? run.spec->weights : "synthetic"}, {"step_us", estimate_json(run.step)},
          {"kernels_per_step", run.kernels_per_step}, {"tracing_overhead_pct", json_number(trace::tracing_overhead_pct(run))},
          {"standing", run.standing}};
}

json report_json(const trace::ImportReport& r) {
  return {{"file", r.file}, {"format", r.format}, {"read", r.read}, {"used", r.used}, {"skipped", r.skipped},
          {"warnings", r.warnings}, {"resolution_ns", r.resolution_ns}, {"collector", r.collector}, {"version", r.version},
          {"ties", r.ties}, {"overlaps", r.overlaps}, {"layers", r.layers}, {"steps", r.steps},
          {"window_rule", r.window_rule}, {"caveats", r.caveats}};
}

namespace {

std::optional<trace::BubbleReport> idle_of(const trace::Run& run) {
  if (!run.trace) return std::nullopt;
  const auto devices = trace::active_devices(*run.trace);
  if (devices.empty()) return std::nullopt;
  return trace::classify(*run.trace, trace::whole(*run.trace, devices.front()));
}

json arm_json(const trace::Run& run) {
  const auto idle = idle_of(run);
  return {{"run", run.id}, {"step_us", estimate_json(run.step)}, {"kernels_per_step", run.kernels_per_step},
          {"recorder_idle_us", idle ? json(to_us(trace::recorders_idle_ns(*run.trace, *idle))) : json(nullptr)},
          {"bubbles", idle ? report_json(*run.trace, *idle, false) : json(nullptr)}};
}

// What the recorded steps of both arms waited for.
std::string arms_idle_text(const trace::AbResult& result) {
  const auto a = idle_of(*result.a), b = idle_of(*result.b);
  if (!a || !b) return "";
  const std::string causes = causes_text({{"a", &*a}, {"b", &*b}});
  const int64_t ours_a = trace::recorders_idle_ns(*result.a->trace, *a), ours_b = trace::recorders_idle_ns(*result.b->trace, *b);
  const std::string ours = ours_a + ours_b > 0 ? fmt::format(" (between steps and so the recorder's own: a {}, b {} us)", us(ours_a), us(ours_b)) : "";
  return fmt::format("\nidle in the recorded steps: a {} of {} us, b {} of {} us{}\n{}", us(a->idle_ns), us(a->wall_ns), us(b->idle_ns), us(b->wall_ns), ours, causes);
}

json sensors_json(const std::optional<trace::SensorRange>& range) {
  if (!range) return nullptr;
  const auto pair = [](const std::optional<double>& low, const std::optional<double>& high) {
    return low && high ? json{*low, *high} : json(nullptr);
  };
  const auto &low = range->low, &high = range->high;
  return {{"clock_mhz", pair(low.clock_mhz, high.clock_mhz)}, {"memory_mhz", pair(low.memory_mhz, high.memory_mhz)},
          {"watts", pair(low.watts, high.watts)}, {"celsius", pair(low.celsius, high.celsius)},
          {"throttle", high.throttle ? json(*high.throttle) : json(nullptr)}, {"readings", range->readings}};
}

json launches_json(const std::vector<trace::LaunchDelta>& list, const trace::Run& run) {
  json out = json::array();
  for (const auto& l : list) {
    json one = {{"name", l.name}, {"per_step", l.per_step}};
    if (run.spec && run.spec->model.layers > 0) one["per_layer"] = l.per_step / run.spec->model.layers;
    out.push_back(std::move(one));
  }
  return out;
}

}  // namespace

json ab_json(const trace::AbResult& result) {
  const auto& e = result.estimate;
  json keys = json::array();
  for (auto key : result.spec.keys) keys.push_back(trace::info(key).name);
  return {{"toggle", keys}, {"backend", result.a->backend}, {"a", arm_json(*result.a)}, {"b", arm_json(*result.b)},
          {"delta_us", json_number(e.delta_us)}, {"delta_pct", json_number(e.delta_pct)}, {"ci95", {json_number(e.lo), json_number(e.hi)}},
          {"verdict", trace::to_string(e.verdict)}, {"reason", e.reason}, {"mde_us", json_number(e.mde_us)},
          {"instances", e.instances}, {"null_instances", e.null_instances}, {"quads", e.quads}, {"dropped_pct", e.dropped_pct},
          {"form", result.spec.full ? "full" : "quick"},
          {"null", {{"delta_us", json_number(e.null_delta_us)}, {"ci95", {json_number(e.null_lo), json_number(e.null_hi)}}}},
          {"lag1", json_number(e.lag1)}, {"instance_variance_share", json_number(e.instance_variance_share)},
          {"equivalence", {{"class", trace::to_string(result.equivalence.cls)}, {"ok", result.equivalence.ok},
                           {"compared", result.equivalence.compared}, {"max_abs", json_number(result.equivalence.max_abs)},
                           {"first_difference", result.equivalence.first_difference}}},
          {"removed", launches_json(result.removed, *result.a)}, {"added", launches_json(result.added, *result.a)},
          {"model", result.a->spec ? result.a->spec->model.name : ""}, {"sensors", sensors_json(result.sensors)},
          {"synthetic", result.a->spec ? result.a->spec->model.synthetic : false}, {"standing", result.a->standing}, {"notes", result.notes}};
}

std::string ab_text(const trace::AbResult& result) {
  const auto& e = result.estimate;
  std::string out = fmt::format("A/B  {}\n", trace::arms_text(result.spec, " -> "));
  if (result.a->spec) {
    const auto& spec = *result.a->spec;
    out += fmt::format("     {}{}, batch {}, context {}, {} on {} ({})\n", model_label(spec),
                       spec.weights.empty() ? "" : ", weights of " + spec.weights,
                       spec.workload.batch, spec.workload.context, result.a->backend, result.a->device, result.a->standing);
  }
  Table table({"", "run", "step us", "95 % of the median", "launches a step"});
  const auto arm = [&](const char* name, const trace::Run& run) {
    table.row({name, std::to_string(run.id), us(run.step.median), fmt::format("{} .. {}", us(run.step.lo), us(run.step.hi)), fmt::format("{:g}", run.kernels_per_step)});
  };
  arm("a", *result.a);
  arm("b", *result.b);
  out += table.text();
  out += fmt::format("\nverdict: {}  {}{:.3f} us a step ({:+.2f} %), 95 % interval [{:+.3f}, {:+.3f}] us, smallest detectable effect {:.3f} us\n",
                     trace::to_string(e.verdict), e.delta_us < 0 ? "" : "+", e.delta_us, e.delta_pct, e.lo, e.hi, e.mde_us);
  if (!e.reason.empty()) out += fmt::format("         {}\n", e.reason);
  out += fmt::format("         {} form: {} instances of quads ABBA ({} quads kept), {}, {:.1f} % of the quads dropped\n",
                     result.spec.full ? "full" : "quick", e.instances, e.quads, e.null_instances > 0 ? fmt::format("null arm {:+.3f} us", e.null_delta_us) : "no null arm", e.dropped_pct);
  const auto& q = result.equivalence;
  out += fmt::format("output:  {} ({}), {} values compared, largest difference {:g}{}{}\n", q.ok ? "equivalent" : "NOT EQUIVALENT",
                     trace::to_string(q.cls), q.compared, q.max_abs, q.first_difference.empty() ? "" : ", first: ", q.first_difference);
  const auto launches = [&](const char* what, const std::vector<trace::LaunchDelta>& list) {
    if (list.empty()) { out += fmt::format("{}none\n", what); return; }
    for (const auto& l : list) {
      out += fmt::format("{}{} ({:g} a step", what, l.name, l.per_step);
      if (result.a->spec) out += fmt::format(", {:g} a layer", l.per_step / result.a->spec->model.layers);
      out += ")\n";
    }
  };
  launches("removed: ", result.removed);
  launches("added:   ", result.added);
  out += arms_idle_text(result);
  for (const auto& text : result.notes) out += fmt::format("note: {}\n", text);
  return out;
}

}  // namespace app
