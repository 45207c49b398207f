#include "ui/toggle_details.h"

#include <imgui.h>

#include <algorithm>

#include "ui/sketch_draw.h"
#include "ui/widgets.h"

namespace ui {
namespace {

constexpr float kWidthPx = 640, kKeyPx = 84;

float scaled(float px) { return px * ImGui::GetStyle().FontScaleMain; }

void line_if(const char* key, const std::string& value) {
  if (value.empty()) return;
  const float x = ImGui::GetCursorPosX();
  dim(key);
  ImGui::SameLine(x + scaled(kKeyPx));
  ImGui::PushTextWrapPos(x + scaled(kWidthPx));
  text(value);
  ImGui::PopTextWrapPos();
}

void title(const char* words) {
  gap(2);
  thin_line();
  gap(1);
  dim(words);
}

void measured(const ToggleRowVm& row) {
  title("Measured on this machine");
  if (row.effect_lines.empty()) {
    text_in(theme().colours.faint, row.enabled ? "not measured yet: run A/B" : "not measured: it cannot be flipped here");
    return;
  }
  ImGui::PushTextWrapPos(ImGui::GetCursorPosX() + scaled(kWidthPx));
  for (size_t i = 0; i < row.effect_lines.size(); ++i) text_in(i == 0 ? ink_of(row.effect_mood) : theme().colours.text, row.effect_lines[i]);
  ImGui::PopTextWrapPos();
  if (row.pipeline.empty()) return;
  gap(1);
  text_in(theme().colours.faint, "one layer, as it was recorded");
  std::vector<SketchLaunchVm> ops;
  for (const PipelineOp& op : row.pipeline) ops.push_back({.name = op.name, .side = op.side});
  draw_pipeline(ops, false, scaled(kWidthPx));
}

void invariant_lines(const std::vector<InvariantVm>& all) {
  const Palette& p = theme().colours;
  for (const InvariantVm& i : all) {
    const float x = ImGui::GetCursorPosX();
    const char* mark = i.held == Held::yes ? "✓" : i.held == Held::no ? "✗" : "–";
    text_in(i.held == Held::yes ? p.accent : i.held == Held::no ? p.stall : p.faint, mark);
    ImGui::SameLine(x + scaled(18));
    dim(i.what);
    ImGui::SameLine(0, 8);
    if (ImGui::GetCursorPosX() < x + scaled(200)) ImGui::SetCursorPosX(x + scaled(200));
    ImGui::PushTextWrapPos(x + scaled(kWidthPx));
    text_in(i.held == Held::no ? p.stall : i.held == Held::open ? p.faint : p.text, i.result);
    ImGui::PopTextWrapPos();
  }
}

void sketch(const AppState& state, const ToggleRowVm& row, const trace::PlanSketch* plan) {
  title("Planned for this model and workload");
  if (!state.session.connected) {
    text_in(theme().colours.faint, state.session.absent.empty() ? "no plan: the engine has not answered yet" : "no plan: " + state.session.absent);
  } else if (!plan) {
    text_in(theme().colours.faint, "planning");
  } else if (!plan->problem.empty()) {
    ImGui::PushTextWrapPos(ImGui::GetCursorPosX() + scaled(kWidthPx));
    text_in(theme().colours.faint, "no plan: " + plan->problem);
    ImGui::PopTextWrapPos();
  } else {
    const SketchVm vm = sketch_vm(*plan);
    ImGui::SameLine(0, 12);
    text_in(theme().colours.faint, vm.where + " · " + vm.launches);
    gap(1);
    draw_sketch(vm, scaled(kWidthPx));
  }
  title("Invariants");
  invariant_lines(invariants(row.key, row.ab.get(), plan));
}

}  // namespace

Rgb ink_of(Judgement j) {
  const Palette& p = theme().colours;
  switch (j) {
    case Judgement::better:
      return p.accent;
    case Judgement::worse:
      return p.stall;
    case Judgement::unclear:
      return p.fence;
    case Judgement::same:
    case Judgement::none:
      return p.dim;
  }
  return p.dim;
}

void toggle_details(const AppState& state, const ToggleRowVm& row, Actions& actions) {
  text(row.title.empty() ? row.name : row.title);
  if (!row.enabled) {
    ImGui::PushTextWrapPos(ImGui::GetCursorPosX() + scaled(kWidthPx));
    text_in(theme().colours.fence, row.why_disabled);
    ImGui::PopTextWrapPos();
  }
  gap(1);
  line_if("before", row.before);
  line_if("after", row.after);
  line_if("source", row.source);
  line_if("upstream", row.scope);
  line_if("published", row.published.empty() ? "no figure that we know of" : row.published);
  if (row.enabled) {
    if (state.session.connected) actions.push_back(action::AskSketch{row.key});
    const auto plan = current_sketch(state, row.key);
    sketch(state, row, plan.get());
  }
  measured(row);
}

}  // namespace ui
