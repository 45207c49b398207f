// Toggles: a row a switch, its effect when it was measured here, why it is greyed out when it is.
#include <imgui.h>

#include <algorithm>

#include "ui/panels.h"
#include "ui/toggle_details.h"
#include "ui/widgets.h"

namespace ui {
namespace {

// The value in a box of a switch's size; a click lists the others.
void value_choice(const ToggleRowVm& row, Actions& actions) {
  const Palette& p = theme().colours;
  const float h = ImGui::GetFontSize(), w = h * 1.75f;
  const ImVec2 at = ImGui::GetCursorScreenPos();
  ImGui::BeginDisabled(!row.enabled);
  if (ImGui::InvisibleButton(row.name.c_str(), {w, h + 2})) ImGui::OpenPopup("values");
  const bool hovered = ImGui::IsItemHovered();
  ImGui::EndDisabled();
  ImDrawList* draw = ImGui::GetWindowDrawList();
  const ImVec2 a{at.x, at.y + 1}, b{at.x + w, at.y + 1 + h};
  draw->AddRectFilled(a, b, u32(mix(p.raised, p.text, hovered ? 0.16f : 0.06f)), 4);
  draw->AddRect(a, b, u32(row.on && row.enabled ? p.accent : p.line), 4);
  {
    Mono mono(kSmallPx);
    const size_t index = static_cast<size_t>(row.index);
    const std::string value = index < row.values.size() ? row.values[index] : "?";
    const ImVec2 size = ImGui::CalcTextSize(value.c_str());
    draw->AddText({a.x + (w - size.x) / 2, a.y + (h - size.y) / 2},
                  u32(row.enabled ? p.text : p.faint), value.c_str());
  }
  if (!ImGui::BeginPopup("values")) return;
  for (int v = 0; v < static_cast<int>(row.values.size()); ++v) {
    Mono mono;
    if (ImGui::Selectable(row.values[static_cast<size_t>(v)].c_str(), v == row.index)) {
      actions.push_back(action::SetToggle{row.key, v});
    }
  }
  ImGui::EndPopup();
}

// The measured effect, or the button that measures it.
// Of what effect() writes at the right.
float effect_width(const ToggleRowVm& row, bool can_measure) {
  if (row.measuring) return ImGui::CalcTextSize("measuring").x;
  const float button = can_measure ? ImGui::CalcTextSize("A/B").x + 16 : 0;
  if (row.effect.empty()) return button;
  Mono mono;
  return ImGui::CalcTextSize(row.effect.c_str()).x + button;
}

void effect(const ToggleRowVm& row, float edge, bool can_measure, bool full, Actions& actions) {
  if (row.measuring) {
    ImGui::SameLine();
    right("measuring", theme().colours.fence);
    return;
  }
  const float button = ImGui::CalcTextSize("A/B").x + 10;
  if (!row.effect.empty()) {
    Mono mono;
    const float width = ImGui::CalcTextSize(row.effect.c_str()).x;
    ImGui::SameLine(edge - width - (can_measure ? button + 6 : 0));
    text_in(ink_of(row.effect_mood), row.effect);
  } else if (!row.enabled) {
    ImGui::SameLine(edge - ImGui::CalcTextSize("n/a").x);
    text_in(theme().colours.faint, "n/a");
    return;
  }
  if (!can_measure) return;
  ImGui::SameLine(edge - button);
  ImGui::PushStyleVar(ImGuiStyleVar_FramePadding, {5, 0});
  if (ImGui::Button("A/B")) actions.push_back(action::RunAb{{row.key}, full});
  ImGui::PopStyleVar();
  ImGui::SetItemTooltip("measure %s against %s, interleaved, with its proof",
                        row.values.front().c_str(), row.values.back().c_str());
}

// The name opens what there is to say, to stay there until it is closed: a tooltip goes away with the pointer.
bool name_link(const std::string& name, Rgb ink) {
  const ImVec2 at = ImGui::GetCursorScreenPos(), size = ImGui::CalcTextSize(name.c_str());
  const bool clicked = ImGui::InvisibleButton(("##about " + name).c_str(), size);
  const bool marked = ImGui::IsItemHovered() || ImGui::IsItemFocused();
  ImDrawList* draw = ImGui::GetWindowDrawList();
  draw->AddText(at, u32(ink), name.c_str());
  if (marked) draw->AddLine({at.x, at.y + size.y}, {at.x + size.x, at.y + size.y}, u32(theme().colours.faint));
  return clicked;
}

// Beside the panel and inside the window, so that it covers neither the switch nor its neighbours; over the panel only
// where a window is too small for both.
void details_popup(const AppState& state, const ToggleRowVm& row, float row_y, Actions& actions) {
  constexpr float kEdge = 8, kLeast = 420;
  const ImVec2 panel = ImGui::GetWindowPos(), size = ImGui::GetWindowSize();
  if (!ImGui::BeginPopup("details")) return;
  const ImGuiViewport* view = ImGui::GetMainViewport();
  const float right = view->Pos.x + view->Size.x, bottom = view->Pos.y + view->Size.y;
  const float after = right - (panel.x + size.x) - 2 * kEdge, before = panel.x - view->Pos.x - 2 * kEdge;
  const float chrome = 2 * ImGui::GetStyle().WindowPadding.x, least = kLeast * ImGui::GetStyle().FontScaleMain;
  const bool fits = std::max(after, before) >= least;
  toggle_details(state, row, (fits ? std::max(after, before) : view->Size.x - 2 * kEdge) - chrome, actions);
  // Its size is known from the frame before; in the first one it is hidden.
  const ImVec2 own = ImGui::GetWindowSize();
  const float x = !fits ? right - own.x - kEdge : after >= before ? panel.x + size.x + kEdge : panel.x - own.x - kEdge;
  const float y = std::max(std::min(row_y, bottom - own.y - kEdge), view->Pos.y + kEdge);
  ImGui::SetWindowPos({std::max(x, view->Pos.x), y});
  ImGui::EndPopup();
}

void toggle_row(const AppState& state, const ToggleRowVm& row, bool can_measure, bool full, Actions& actions) {
  const Palette& p = theme().colours;
  ImGui::PushID(row.name.c_str());
  const float row_y = ImGui::GetCursorScreenPos().y;
  const float left = ImGui::GetCursorPosX(), edge = ImGui::GetContentRegionAvail().x,
              indent = ImGui::GetFontSize() * 1.75f + 10;  // SameLine counts from the group's left
  ImGui::BeginGroup();
  if (!row.two_valued) {
    value_choice(row, actions);
  } else if (toggle_switch(row.name.c_str(), row.on, row.enabled) && row.enabled) {
    actions.push_back(action::SetToggle{row.key, row.on ? 0 : 1});
  }
  ImGui::SameLine(indent);
  const Rgb ink = row.enabled ? p.text : p.faint;
  if (name_link(row.name, ink)) ImGui::OpenPopup("details");
  std::string summary = row.summary;
  if (row.enabled) {
    ImGui::SameLine(0, 6);
    // Where it would reach under what stands at the right, its words go in front of the line below.
    if (ImGui::GetCursorPosX() - left + badge_width(row.badge) + 4 <= edge - effect_width(row, can_measure))
      badge(row.badge, row.badge_mood == Judgement::none ? p.dim : ink_of(row.badge_mood));
    else
      ImGui::NewLine(), summary = row.badge + " · " + summary;
  }
  effect(row, edge, can_measure && row.enabled, full, actions);
  ImGui::SetCursorPosX(left + indent);
  ImGui::PushFont(nullptr, kSmallPx);
  ImGui::SetCursorPosY(ImGui::GetCursorPosY() - 2);
  wrapped(summary, row.enabled ? p.dim : p.faint);
  ImGui::PopFont();
  ImGui::EndGroup();
  if (ImGui::IsItemHovered(ImGuiHoveredFlags_DelayNormal | ImGuiHoveredFlags_AllowWhenDisabled) && ImGui::BeginTooltip()) {
    toggle_tip(row);
    ImGui::EndTooltip();
  }
  details_popup(state, row, row_y, actions);
  thin_line();
  ImGui::PopID();
}

}  // namespace

void draw_toggles(const AppState& state, UiMemory& memory, Actions& actions) {
  using trace::reply::Phase;
  const Phase phase = state.session.phase;
  const bool can_measure = phase == Phase::running || phase == Phase::paused;
  heading("Toggles", state.session.effects.empty() ? "" : "measured on " + state.session.host);
  if (can_measure) {
    ImGui::PushStyleVar(ImGuiStyleVar_FramePadding, {5, 0});
    if (pill("quick", !memory.ab_full)) memory.ab_full = false;
    ImGui::SetItemTooltip("3 instances of 8 quads: under a minute on tiny");
    ImGui::SameLine(0, 4);
    if (pill("full", memory.ab_full)) memory.ab_full = true;
    ImGui::SetItemTooltip("8 instances of 25 quads or more");
    ImGui::SameLine(0, 8);
    dim("A/B");
    ImGui::PopStyleVar();
  }
  gap(1);
  std::vector<ToggleRowVm> rows = toggle_rows(state);
  std::ranges::stable_partition(rows, &ToggleRowVm::enabled);
  for (const ToggleRowVm& row : rows) toggle_row(state, row, can_measure, memory.ab_full, actions);
}

}  // namespace ui
