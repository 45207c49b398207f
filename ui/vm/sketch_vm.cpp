#include "ui/vm/sketch_vm.h"

#include <algorithm>
#include <cmath>

#include "ui/vm/format.h"

namespace ui {
namespace {

using trace::PlanArm;
using trace::PlannedBuffer;
using trace::PlannedLaunch;

bool holds(const std::vector<std::string>& list, const std::string& name) { return std::ranges::find(list, name) != list.end(); }

// Launches that compute nothing: what they write is what they read, in another place or order.
bool moves(const PlannedLaunch& l) { return l.kernel == "concat" || l.kernel == "strided_copy" || l.kernel == "scale_transpose" || l.kernel == "cast"; }

const PlannedLaunch* find(const PlanArm& arm, const std::string& label) {
  const auto at = std::ranges::find(arm.launches, label, &PlannedLaunch::label);
  return at == arm.launches.end() ? nullptr : &*at;
}

const PlannedBuffer* buffer_of(const PlanArm& arm, const std::string& name) {
  const auto at = std::ranges::find(arm.buffers, name, &PlannedBuffer::name);
  return at == arm.buffers.end() ? nullptr : &*at;
}

// "a, b and 2 more"
std::string listed(const std::vector<std::string>& names) {
  std::string text;
  for (size_t i = 0; i < std::min<size_t>(names.size(), 3); ++i) text += (i ? ", " : "") + names[i];
  return names.size() > 3 ? text + " and " + std::to_string(names.size() - 3) + " more" : text;
}

struct Users {
  std::vector<std::string> writers, movers, fillers, readers;
};
Users users_of(const PlanArm& arm, const std::string& name) {
  Users u;
  for (const PlannedLaunch& l : arm.launches) {
    const bool writes = holds(l.writes, name);
    if (writes) (moves(l) ? u.movers : l.kernel == "fill" ? u.fillers : u.writers).push_back(l.label);
    if (holds(l.reads, name) && !writes) u.readers.push_back(l.label);   // what updates it is among its writers
  }
  return u;
}

// Launches that read `name` here and, in the other arm, a copy that was made of it.
std::vector<std::string> viewers(const PlanArm& arm, const PlanArm& other, const std::string& name) {
  std::vector<std::string> all;
  for (const PlannedLaunch& l : arm.launches) {
    const PlannedLaunch* there = holds(l.reads, name) ? find(other, l.label) : nullptr;
    if (!there || holds(there->reads, name)) continue;
    const bool copy = std::ranges::any_of(there->reads, [&](const std::string& read) {
      return std::ranges::any_of(other.launches, [&](const PlannedLaunch& m) { return moves(m) && holds(m.writes, read) && holds(m.reads, name); });
    });
    if (copy) all.push_back(l.label);
  }
  return all;
}

SketchBufferVm use_of(const PlanArm& arm, const PlanArm& other, const std::string& name, int64_t largest) {
  SketchBufferVm vm;
  const PlannedBuffer* buffer = buffer_of(arm, name);
  if (!buffer) return vm;
  const Users u = users_of(arm, name);
  const std::vector<std::string> views = viewers(arm, other, name);
  vm.size = bytes_text(buffer->bytes) + " " + buffer->format;
  vm.share = largest > 0 ? static_cast<double>(buffer->bytes) / static_cast<double>(largest) : 0;
  vm.role = buffer->cache           ? BufferRole::cache
            : !u.movers.empty()     ? BufferRole::copied
            : !u.fillers.empty()    ? BufferRole::filled
            : !views.empty()        ? BufferRole::viewed
                                    : BufferRole::allocated;
  const auto add = [&](const char* verb, const std::vector<std::string>& names) {
    if (!names.empty()) vm.by += (vm.by.empty() ? "" : ", ") + std::string(verb) + listed(names);
  };
  add("filled by ", u.fillers);
  add("written by ", u.writers);
  add("copied by ", u.movers);
  if (!views.empty())
    vm.to = "viewed, no copy, by " + listed(views);
  else if (!u.readers.empty())
    vm.to = "read by " + listed(u.readers);
  return vm;
}

// Buffers of both arms in the order of their first use, those of `after` alone at the end.
std::vector<std::string> all_buffers(const PlanArm& before, const PlanArm& after) {
  std::vector<std::string> names;
  for (const PlanArm* arm : {&before, &after})
    for (const PlannedBuffer& b : arm->buffers)
      if (!holds(names, b.name)) names.push_back(b.name);
  return names;
}

void add_buffers(const trace::PlanSketch& s, SketchVm& vm) {
  std::vector<std::string> changed;
  int64_t largest = 0;
  for (const std::string& name : all_buffers(s.a, s.b)) {
    if (use_of(s.a, s.b, name, 0) == use_of(s.b, s.a, name, 0)) continue;
    changed.push_back(name);
    for (const PlanArm* arm : {&s.a, &s.b})
      if (const PlannedBuffer* b = buffer_of(*arm, name)) largest = std::max(largest, b->bytes);
  }
  for (const std::string& name : changed) vm.buffers.push_back({name, use_of(s.a, s.b, name, largest), use_of(s.b, s.a, name, largest)});
}

std::vector<std::string> labels(const PlanArm& arm) {
  std::vector<std::string> all;
  for (const PlannedLaunch& l : arm.launches) all.push_back(l.label);
  return all;
}

void add_pipeline(const trace::PlanSketch& s, SketchVm& vm) {
  for (const PipelineOp& op : difference(labels(s.a), labels(s.b))) {
    SketchLaunchVm launch{.name = op.name, .side = op.side};
    if (const PlannedLaunch* l = find(s.a, op.name); l && op.side <= 0) launch.category = l->category, launch.stream_before = l->stream;
    if (const PlannedLaunch* l = find(s.b, op.name); l && op.side >= 0)
      launch.category = l->category, launch.stream_after = l->stream, launch.joins = !l->waits.empty();
    vm.lanes = vm.lanes || launch.stream_before > 0 || launch.stream_after > 0;
    vm.pipeline.push_back(std::move(launch));
  }
}

void add_forms(const trace::PlanSketch& s, SketchVm& vm) {
  for (const PlannedLaunch& l : s.a.launches) {
    const PlannedLaunch* there = find(s.b, l.label);
    if (there && there->form != l.form) vm.forms.push_back(l.label + ": " + l.form + " → " + there->form);
  }
}

}  // namespace

SketchVm sketch_vm(const trace::PlanSketch& s) {
  SketchVm vm;
  vm.problem = s.problem;
  if (!s.problem.empty()) return vm;
  vm.before = s.a.value, vm.after = s.b.value;
  vm.where = "layer " + std::to_string(s.layer + 1) + " of " + std::to_string(s.layers);
  if (s.layers_changed == 0) vm.where += ", no layer changes";
  else if (s.layers_changed > 1) vm.where += ", " + std::to_string(s.layers_changed) + " layers change";
  add_buffers(s, vm);
  add_pipeline(s, vm);
  add_forms(s, vm);
  const auto arrow = [](int a, int b) { return a == b ? count_text(a) : count_text(a) + " → " + count_text(b); };
  vm.launches = arrow(s.a.step_launches, s.b.step_launches) + " kernels a step";
  if (s.a.host_launches != s.a.step_launches || s.b.host_launches != s.b.step_launches)
    vm.launches += ", " + arrow(s.a.host_launches, s.b.host_launches) + " launched by the host";
  return vm;
}

std::vector<SketchLaunchVm> around_changes(const std::vector<SketchLaunchVm>& all, size_t context) {
  std::vector<SketchLaunchVm> out;
  for (const size_t i : places_around_changes(all, context)) out.push_back(i < all.size() ? all[i] : SketchLaunchVm{.name = "…"});
  return out;
}

namespace {

double total(const std::vector<trace::LaunchDelta>& list) {
  double sum = 0;
  for (const trace::LaunchDelta& d : list) sum += d.per_step;
  return sum;
}

InvariantVm equivalence(trace::ToggleKey key, const trace::AbResult* ab) {
  InvariantVm vm;
  const trace::Equivalence cls = ab ? ab->equivalence.cls : trace::info(key).equivalence;
  vm.what = "same results, " + std::string(trace::to_string(cls));
  if (!ab) {
    vm.result = "not checked yet: run A/B";
    return vm;
  }
  const trace::EquivalenceResult& e = ab->equivalence;
  vm.held = e.ok ? Held::yes : Held::no;
  vm.result = count_text(e.compared) + " values compared";
  char digits[32];
  std::snprintf(digits, sizeof digits, "%.3g", e.max_abs);
  vm.result += e.ok || e.max_abs > 0 ? ", largest difference " + std::string(digits) : "";
  if (!e.ok) vm.result += ": " + e.first_difference;
  for (const std::string& note : e.notes) vm.result += "; " + note;
  return vm;
}

// What the plan takes away against what was recorded: an op that runs twice or is lost shows here.
InvariantVm launches(const trace::AbResult* ab, const trace::PlanSketch* sketch) {
  InvariantVm vm{.what = "launches as planned"};
  if (!ab || !sketch || !sketch->problem.empty()) {
    vm.result = ab ? "no plan to hold the recording against" : "not checked yet: run A/B";
    return vm;
  }
  const bool same = ab->spec.base.model == sketch->spec.model && ab->spec.base.workload == sketch->spec.workload && ab->spec.b == sketch->spec.toggles;
  if (!same) {
    vm.result = "the last A/B was of another model, workload or set of switches";
    return vm;
  }
  const double planned = sketch->b.step_launches - sketch->a.step_launches, recorded = total(ab->added) - total(ab->removed);
  vm.held = std::abs(planned - recorded) < 0.5 ? Held::yes : Held::no;
  vm.result = "planned " + signed_text(planned, 0) + " a step, recorded " + signed_text(recorded, 0);
  return vm;
}

}  // namespace

std::vector<InvariantVm> invariants(trace::ToggleKey key, const trace::AbResult* ab, const trace::PlanSketch* sketch) {
  std::vector<InvariantVm> all{equivalence(key, ab), launches(ab, sketch)};
  if (sketch)
    for (const trace::PlanCheck& check : sketch->checks) all.push_back({check.ok ? Held::yes : Held::no, check.what, check.result});
  return all;
}

}  // namespace ui
