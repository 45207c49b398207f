#include "ui/toggle_details.h"

#include <imgui.h>

#include <algorithm>

#include "ui/sketch_draw.h"
#include "ui/widgets.h"

namespace ui {
namespace {

constexpr float kPlanPx = 560, kSidePx = 340, kBetweenPx = 20, kTipPx = 420, kKeyPx = 84;

float scaled(float px) { return px * ImGui::GetStyle().FontScaleMain; }

void wrapped_in(Rgb ink, const std::string& said, float width) {
  ImGui::PushTextWrapPos(ImGui::GetCursorPosX() + width);
  text_in(ink, said);
  ImGui::PopTextWrapPos();
}

void line_if(const char* key, const std::string& value, float width) {
  if (value.empty()) return;
  dim(key);
  ImGui::SameLine(0, 0);
  const float at = scaled(kKeyPx);
  ImGui::SetCursorPosX(ImGui::GetCursorPosX() + std::max(at - ImGui::GetItemRectSize().x, 8.0f));
  wrapped_in(theme().colours.text, value, width - at);
}

// The first of a column stands at its top, without a line over it.
void title(const char* said, float width, bool first = false) {
  if (!first) {
    gap(2);
    const ImVec2 at = ImGui::GetCursorScreenPos();
    ImGui::GetWindowDrawList()->AddLine(at, {at.x + width, at.y}, u32(theme().colours.line));
    ImGui::Dummy({0, 1});
    gap(1);
  }
  dim(said);
}

void words(const ToggleRowVm& row, float width) {
  text(row.title.empty() ? row.name : row.title);
  if (!row.enabled) wrapped_in(theme().colours.fence, row.why_disabled, width);
  gap(1);
  line_if("before", row.before, width);
  line_if("after", row.after, width);
  line_if("source", row.source, width);
  line_if("upstream", row.scope, width);
  line_if("published", row.published.empty() ? "no figure that we know of" : row.published, width);
}

void measured(const ToggleRowVm& row, float width) {
  title("Measured on this machine", width);
  const Palette& p = theme().colours;
  if (row.effect_lines.empty()) {
    wrapped_in(p.dim, row.enabled ? "not measured yet: run A/B" : "not measured: it cannot be flipped here", width);
    return;
  }
  for (size_t i = 0; i < row.effect_lines.size(); ++i) wrapped_in(i == 0 ? ink_of(row.effect_mood) : p.text, row.effect_lines[i], width);
}

void recorded_pipeline(const ToggleRowVm& row, float width) {
  if (row.pipeline.empty()) return;
  gap(1);
  dim("one layer, as it was recorded");
  std::vector<SketchLaunchVm> ops;
  for (const PipelineOp& op : row.pipeline) ops.push_back({.name = op.name, .side = op.side});
  draw_pipeline(ops, false, width);
}

void invariant_lines(const std::vector<InvariantVm>& all, float width) {
  const Palette& p = theme().colours;
  for (const InvariantVm& i : all) {
    const char* mark = i.held == Held::yes ? "✓" : i.held == Held::no ? "✗" : "–";
    const float x = ImGui::GetCursorPosX(), from = scaled(18);
    text_in(i.held == Held::yes ? p.accent : i.held == Held::no ? p.stall : p.faint, mark);
    ImGui::SameLine(0, 0);
    ImGui::SetCursorPosX(x + from);
    ImGui::BeginGroup();
    dim(i.what);
    wrapped_in(i.held == Held::no ? p.stall : i.held == Held::open ? p.dim : p.text, i.result, width - from);
    ImGui::EndGroup();
  }
}

void sketch(const AppState& state, const trace::PlanSketch* plan, float width) {
  title("Planned for this model and workload", width);
  const Palette& p = theme().colours;
  if (!state.session.connected) {
    wrapped_in(p.dim, state.session.absent.empty() ? "no plan: the engine has not answered yet" : "no plan: " + state.session.absent, width);
  } else if (!plan) {
    dim("planning");
  } else if (!plan->problem.empty()) {
    wrapped_in(p.dim, "no plan: " + plan->problem, width);
  } else {
    const SketchVm vm = sketch_vm(*plan);
    ImGui::SameLine(0, 12);
    text_in(p.faint, vm.where + " · " + vm.launches);
    gap(1);
    draw_sketch(vm, width);
  }
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

void toggle_tip(const ToggleRowVm& row) {
  const float width = scaled(kTipPx);
  words(row, width);
  measured(row, width);
  gap(1);
  dim("a click on the name shows its plan and its invariants");
}

void toggle_details(const AppState& state, const ToggleRowVm& row, float room_px, Actions& actions) {
  const bool beside = row.enabled && room_px >= scaled(kPlanPx + kBetweenPx + kSidePx);
  const float width = beside ? scaled(kPlanPx) : std::min(room_px, scaled(kPlanPx + 60));
  const float side = beside ? scaled(kSidePx) : width;
  ImGui::BeginGroup();
  words(row, width);
  std::shared_ptr<const trace::PlanSketch> plan;
  if (row.enabled) {
    if (state.session.connected) actions.push_back(action::AskSketch{row.key});
    plan = current_sketch(state, row.key);
    sketch(state, plan.get(), width);
  }
  if (beside) {
    recorded_pipeline(row, width);
    ImGui::EndGroup();
    ImGui::SameLine(0, scaled(kBetweenPx));
    ImGui::BeginGroup();
  }
  if (row.enabled) {
    title("Invariants", side, beside);
    invariant_lines(invariants(row.key, row.ab.get(), plan.get()), side);
  }
  measured(row, side);
  if (!beside) recorded_pipeline(row, width);
  gap(2);
  if (ImGui::SmallButton("Copy")) actions.push_back(action::CopyText{details_text(state, row)});
  ImGui::EndGroup();
}

}  // namespace ui
