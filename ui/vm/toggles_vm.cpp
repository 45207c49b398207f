#include "ui/vm/toggles_vm.h"

#include <algorithm>
#include <cmath>

#include "ui/vm/format.h"
#include "ui/vm/sketch_vm.h"

namespace ui {
namespace {

std::string class_text(const trace::EquivalenceResult& e) {
  std::string text(trace::to_string(e.cls));
  if (e.cls == trace::Equivalence::bounded && e.ok) {
    if (e.max_abs == 0) return "max 0";
    char digits[32];
    std::snprintf(digits, sizeof digits, "%.0e", e.max_abs);
    return "max " + std::string(digits);
  }
  return text;
}

void add_effect(const trace::AbResult& ab, ToggleRowVm& row) {
  row.badge = ab.equivalence.ok ? class_text(ab.equivalence) + " ✓" : "not equivalent";
  row.badge_mood = ab.equivalence.ok ? Judgement::better : Judgement::worse;
  row.effect = signed_percent_text(ab.estimate.delta_pct);
  row.effect_mood = judge(ab);
  row.effect_lines = ab_lines(ab);
}

std::string launches(const std::vector<trace::LaunchDelta>& list) {
  std::string text;
  for (const trace::LaunchDelta& d : list) {
    if (!text.empty()) text += ", ";
    text += number_text(d.per_step, std::fabs(d.per_step - std::round(d.per_step)) < 1e-9 ? 0 : 1) +
            " × " + d.name;
  }
  return text;
}

}  // namespace

Judgement judge(const trace::AbResult& ab) {
  switch (ab.estimate.verdict) {
    case trace::Verdict::faster:
      return Judgement::better;
    case trace::Verdict::slower:
      return Judgement::worse;
    case trace::Verdict::same:
      return Judgement::same;
    case trace::Verdict::unclear:
      return Judgement::unclear;
    case trace::Verdict::none:
      return Judgement::none;
  }
  return Judgement::none;
}

std::vector<std::string> ab_lines(const trace::AbResult& ab) {
  const trace::AbEstimate& e = ab.estimate;
  std::vector<std::string> lines;
  lines.push_back(std::string(trace::to_string(e.verdict)) + ": " + signed_text(e.delta_us, 2) +
                  " µs a step (" + signed_percent_text(e.delta_pct, 2) + ")");
  const std::string size = std::to_string(e.instances) + (e.instances == 1 ? " instance, " : " instances, ") +
                           std::to_string(e.quads) + (e.quads == 1 ? " quad" : " quads");
  if (std::isfinite(e.lo) && std::isfinite(e.hi))
    lines.push_back("95 % interval " + signed_text(e.lo, 2) + " … " + signed_text(e.hi, 2) + " µs, over " + size);
  else
    lines.push_back("no interval: " + size);
  if (std::isfinite(e.mde_us)) lines.push_back("smallest effect this could see: " + number_text(e.mde_us, 2) + " µs");
  if (!e.reason.empty()) lines.push_back(e.reason);
  lines.push_back(ab.equivalence.ok ? std::string(trace::to_string(ab.equivalence.cls)) + " over " +
                                          count_text(ab.equivalence.compared) + " values"
                                    : "not equivalent: " + ab.equivalence.first_difference);
  if (!ab.removed.empty()) lines.push_back("removed a step: " + launches(ab.removed));
  if (!ab.added.empty()) lines.push_back("added a step: " + launches(ab.added));
  for (const std::string& note : ab.notes) lines.push_back(note);
  return lines;
}

trace::RunSpec sketch_spec(const AppState& state, trace::ToggleKey key) {
  const SessionState& s = state.session;
  trace::RunSpec spec = s.running && s.phase != trace::reply::Phase::idle ? *s.running : state.draft;
  spec.toggles = state.draft.toggles;
  if (spec.toggles.index(key) == 0) spec.toggles.set_index(key, trace::info(key).value_count - 1);
  return spec;
}

std::shared_ptr<const trace::PlanSketch> current_sketch(const AppState& state, trace::ToggleKey key) {
  const auto known = state.session.sketches.find(key);
  if (known == state.session.sketches.end() || !(known->second.asked == sketch_spec(state, key))) return nullptr;
  return known->second.sketch;
}

std::vector<ToggleRowVm> toggle_rows(const AppState& state) {
  std::vector<ToggleRowVm> rows;
  const SessionState& s = state.session;
  const trace::RunSpec& spec =
      s.running && s.phase != trace::reply::Phase::idle ? *s.running : state.draft;
  for (const trace::ToggleInfo& info : trace::toggle_table()) {
    ToggleRowVm row;
    row.key = info.key;
    row.name = info.name;
    for (int v = 0; v < info.value_count; ++v)
      row.values.emplace_back(info.values[static_cast<size_t>(v)]);
    row.index = state.draft.toggles.index(info.key);
    row.two_valued = info.value_count == 2;
    row.on = row.index != 0;
    if (const auto why = trace::unavailable(info.key, spec.model, spec.backend)) {
      row.enabled = false;
      row.why_disabled = *why;
    }
    row.title = info.title;
    row.before = info.before;
    row.after = info.after;
    row.source = info.source;
    row.scope = info.upstream_scope;
    row.published = info.published;
    row.summary = row.enabled ? std::string(row.on ? info.after : info.before) : row.why_disabled;
    row.badge = trace::to_string(info.equivalence);
    if (const auto effect = s.effects.find(info.key); effect != s.effects.end())
      row.ab = effect->second, add_effect(*effect->second, row);
    if (const auto pipeline = s.pipelines.find(info.key); pipeline != s.pipelines.end())
      row.pipeline = around_changes(pipeline->second, 2);
    row.measuring = s.phase == trace::reply::Phase::ab &&
                    std::ranges::find(s.ab_keys, info.key) != s.ab_keys.end();
    rows.push_back(std::move(row));
  }
  return rows;
}

std::string details_text(const AppState& state, const ToggleRowVm& row) {
  std::string out = row.title + " (" + row.name + ")\n";
  const auto line = [&](const char* key, const std::string& value) {
    if (!value.empty()) out += std::string(key) + ": " + value + "\n";
  };
  line("not here", row.why_disabled);
  line("before", row.before);
  line("after", row.after);
  line("source", row.source);
  line("upstream", row.scope);
  line("published", row.published);
  const auto plan = current_sketch(state, row.key);
  if (plan && plan->problem.empty()) {
    const SketchVm vm = sketch_vm(*plan);
    out += "planned, " + vm.where + ": " + vm.launches + "\n";
    for (const SketchLaunchVm& l : vm.pipeline)
      if (l.side != 0) out += std::string(l.side < 0 ? "  - " : "  + ") + l.name + "\n";
    for (const std::string& form : vm.forms) out += "  " + form + "\n";
    for (const SketchRowVm& b : vm.buffers)
      for (const auto& [value, use] : {std::pair{&vm.before, &b.before}, std::pair{&vm.after, &b.after}})
        out += "  " + b.name + ", " + *value + ": " + (use->role == BufferRole::absent ? "not touched" : use->size + ", " + use->by + "; " + use->to) + "\n";
  }
  for (const std::string& measured : row.effect_lines) line("measured", measured);
  for (const InvariantVm& i : invariants(row.key, row.ab.get(), plan.get()))
    out += std::string(i.held == Held::yes ? "held" : i.held == Held::no ? "BROKEN" : "open") + ": " + i.what + ": " + i.result + "\n";
  return out;
}

}  // namespace ui
