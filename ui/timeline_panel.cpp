// The timeline: toolbar, ruler, lanes, scroll bar, legend. Input becomes actions; drawing is in
// timeline_draw.cpp.
#include <imgui_internal.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "ui/details_draw.h"
#include "ui/panels.h"
#include "ui/timeline_draw.h"
#include "ui/vm/format.h"
#include "ui/widgets.h"

namespace ui {
namespace {

constexpr float kWheelFactor = 1.18f;                              // a notch
constexpr double kKeyZoomPerSecond = 5.0, kKeyPanPerSecond = 0.9;  // of the view

float gutter_px(const Stack& stack) {
  size_t longest = 8;
  for (const StackItem& item : stack.items) {
    for (const LaneRows& lane : item.lanes->lanes()) longest = std::max(longest, lane.label.size());
  }
  return static_cast<float>(std::min<size_t>(longest, 16) + 1) * theme().mono_char_px * kSmallPx /
             kTextPx +
         6;
}

TimelineStyle style_now() {
  const float scale = ImGui::GetStyle().FontScaleMain;
  TimelineStyle s;
  s.row_px = 22 * scale;
  s.row_gap_px = 6 * scale;
  s.title_px = 26 * scale;
  s.label_px = 19 * scale;
  s.band_gap_px = 6 * scale;
  s.char_px = theme().mono_char_px * kSmallPx / kTextPx;
  return s;
}

// Names that contain the text stay bright, the others fade; Enter and Shift+Enter walk through
// them.
void search_box(const AppState& state, UiMemory& memory, Actions& actions) {
  ImGui::SameLine();
  ImGui::SetNextItemWidth(150 * ImGui::GetStyle().FontScaleMain);
  if (std::exchange(memory.search_wants_focus, false)) ImGui::SetKeyboardFocusHere();
  const bool entered = ImGui::InputTextWithHint(
      "##search", "/ search", memory.search, sizeof memory.search,
      ImGuiInputTextFlags_EnterReturnsTrue | ImGuiInputTextFlags_EscapeClearsAll);
  if (memory.search != state.search.text) actions.push_back(action::Search{memory.search});
  if (entered) {
    actions.push_back(action::SearchStep{ImGui::GetIO().KeyShift ? -1 : 1});
    ImGui::SetKeyboardFocusHere(-1);
  }
  if (state.search.text.empty()) return;
  ImGui::SameLine();
  ImGui::AlignTextToFramePadding();
  dim(state.search.matches > 0 ? count_text(state.search.matches) : "none");
}

void toolbar(const AppState& state, const Stack& stack, UiMemory& memory, Actions& actions) {
  const Extent content = stack.content();
  const bool any = !stack.items.empty();
  if (pill("Fit", state.view.fitted, any)) actions.push_back(action::FitView{});
  static constexpr std::array<std::pair<const char*, double>, 3> kScales{
      {{"1×", 1}, {"1.5×", 1.5}, {"2×", 2}}};
  for (const auto& [label, scale] : kScales) {
    ImGui::SameLine();
    const bool active =
        !state.view.fitted && std::fabs(state.view.px_per_us() - kBasePxPerUs * scale) < 1e-6;
    if (pill(label, active, any))
      actions.push_back(action::SetViewport{set_scale(state.view, scale, content)});
  }
  const bool folds = std::ranges::any_of(state.runs, [](const OpenRun& r) {
    return r.analysis && std::ranges::any_of(r.run->trace->lanes, [&](const trace::Lane& l) {
             return &l - r.run->trace->lanes.data() != l.logical;
           });
  });
  if (folds) {
    ImGui::SameLine();
    if (pill("Fold graph streams", state.fold_lanes))
      actions.push_back(action::SetFoldLanes{!state.fold_lanes});
  }
  if (!any) return;
  search_box(state, memory, actions);
  ImGui::SameLine();
  ImGui::AlignTextToFramePadding();
  const double scale = state.view.px_per_us();
  std::string note = scale >= 0.1
                         ? number_text(scale, scale < 10 ? 2 : 0) + " px = 1 µs"
                         : "1 px = " + duration_text(static_cast<int64_t>(state.view.ns_per_px));
  if (stack.items.size() > 1) note += " · " + std::to_string(stack.items.size()) + " runs";
  right(note, theme().colours.dim);
}

void legend(const AppState& state, const Stack& stack) {
  const Palette& p = theme().colours;
  std::array<bool, trace::kCategories> present{};
  for (const RunKey key : stack.keys) {
    for (const KernelGroup& g : state.find(key)->analysis->kernels->by(GroupBy::category))
      present[static_cast<size_t>(g.category)] = true;
  }
  ImGui::PushFont(nullptr, kSmallPx);
  ImDrawList* draw = ImGui::GetWindowDrawList();
  const float side = ImGui::GetFontSize() * 0.72f, y_pad = (ImGui::GetTextLineHeight() - side) / 2;
  const auto entry = [&](std::string_view words, auto&& paint) {
    const float width = side + 6 + ImGui::CalcTextSize(words.data(), words.data() + words.size()).x;
    if (ImGui::GetContentRegionAvail().x < width) return;  // what does not fit is left out
    const ImVec2 at = ImGui::GetCursorScreenPos();
    paint(ImVec2{at.x, at.y + y_pad}, ImVec2{at.x + side, at.y + y_pad + side});
    draw->AddText({at.x + side + 6, at.y}, u32(p.dim), words.data(), words.data() + words.size());
    ImGui::Dummy({width, ImGui::GetTextLineHeight()});
    ImGui::SameLine(0, 16);
  };
  std::vector<std::string_view> said;
  for (int c = 0; c < trace::kCategories; ++c) {
    const CategoryStyle& s = style_of(static_cast<trace::Category>(c));
    if (!present[static_cast<size_t>(c)] || std::ranges::find(said, s.legend) != said.end())
      continue;
    said.push_back(s.legend);
    entry(s.legend, [&](ImVec2 a, ImVec2 b) {
      draw->AddRectFilled(a, b, u32(s.colour));
      draw_mark(draw, a, b, s.mark);
    });
  }
  ImGui::NewLine();
  ImGui::PopFont();
}

// Horizontal scroll bar over the whole content: the grab is the view.
void scroll_bar(const AppState& state, const Extent& content, float x, float width,
                Actions& actions) {
  const Palette& p = theme().colours;
  const float h = 8 * ImGui::GetStyle().FontScaleMain;
  ImGui::SetCursorScreenPos({x, ImGui::GetCursorScreenPos().y});
  const ImVec2 at = ImGui::GetCursorScreenPos();
  ImGui::InvisibleButton("##hscroll", {width, h + 4});
  const double span =
      std::max(static_cast<double>(content.ns()), state.view.end_ns() - state.view.begin_ns);
  const double lo = std::min(static_cast<double>(content.begin_ns), state.view.begin_ns);
  const auto px = [&](double ns) { return static_cast<float>((ns - lo) / span) * width; };
  if (ImGui::IsItemActive()) {
    const double middle = lo + static_cast<double>((ImGui::GetMousePos().x - at.x) / width) * span;
    const double shift_px =
        (middle - (state.view.begin_ns + state.view.end_ns()) / 2) / state.view.ns_per_px;
    actions.push_back(action::SetViewport{pan(state.view, shift_px, content)});
  }
  ImDrawList* draw = ImGui::GetWindowDrawList();
  const float x0 = std::clamp(px(state.view.begin_ns), 0.0f, width - 8),
              x1 = std::clamp(px(state.view.end_ns()), x0 + 8, width);
  draw->AddRectFilled({at.x, at.y + 3}, {at.x + width, at.y + 3 + h - 3}, u32(p.lane), 3);
  draw->AddRectFilled({at.x + x0, at.y + 3}, {at.x + x1, at.y + 3 + h - 3},
                      u32(mix(p.raised, p.text, ImGui::IsItemHovered() ? 0.3f : 0.15f)), 3);
}

double finer() {
  const ImGuiIO& io = ImGui::GetIO();
  return io.KeyShift ? 3.0 : io.KeyCtrl ? 0.25 : 1.0;
}

void mouse_input(const AppState& state, const Extent& content, UiMemory& memory, Actions& actions,
                 bool over_lanes) {
  const ImGuiIO& io = ImGui::GetIO();
  if (io.MouseWheel != 0 && memory.timeline_hovered) {
    if (over_lanes) {
      const double factor =
          std::pow(static_cast<double>(kWheelFactor), static_cast<double>(io.MouseWheel) * finer());
      actions.push_back(
          action::SetViewport{zoom_at(state.view, memory.cursor_px, factor, content)});
    } else {
      memory.timeline_scroll_px -= io.MouseWheel * 60;
    }
  }
  if (io.MouseWheelH != 0 && memory.timeline_hovered) {
    actions.push_back(action::SetViewport{
        pan(state.view, -static_cast<double>(io.MouseWheelH) * 60 * finer(), content)});
  }
}

void drag_input(const AppState& state, const Extent& content, UiMemory& memory, Actions& actions) {
  if (!ImGui::IsItemActive() || !ImGui::IsMouseDragging(ImGuiMouseButton_Left, 3)) return;
  const ImVec2 delta = ImGui::GetIO().MouseDelta;
  if (delta.x != 0)
    actions.push_back(action::SetViewport{pan(state.view, -static_cast<double>(delta.x), content)});
  memory.timeline_scroll_px -= delta.y;
}

void click_input(const AppState& state, const Stack& stack, const Hit& hit, UiMemory& memory,
                 Actions& actions) {
  const bool released = ImGui::IsItemDeactivated() && ImGui::GetIO().MouseDragMaxDistanceSqr[0] < 9;
  const bool twice = ImGui::IsItemHovered() && ImGui::IsMouseDoubleClicked(ImGuiMouseButton_Left);
  if (!released && !twice) return;
  if (hit.kind == HitKind::none) {
    actions.push_back(action::ClearSelection{});
    return;
  }
  const RunKey key = stack.keys[hit.item];
  if (key != state.selected) actions.push_back(action::SelectRun{key});
  if (hit.kind == HitKind::bar) {
    const BarVm& bar = memory.timeline.bars[hit.index];
    const RowMap& row = stack.items[hit.item].lanes->rows()[memory.timeline.rows[bar.row].row];
    actions.push_back(action::SelectEvent{key, row.id(bar.longest), false});
  } else if (hit.kind == HitKind::bubble) {
    actions.push_back(action::SelectBubble{key, memory.timeline.overlays[hit.index].worst, false});
  } else {
    actions.push_back(action::ClearSelection{});
  }
  if (twice && hit.kind != HitKind::band) actions.push_back(action::FitSelection{});
}

void key_input(const AppState& state, const Extent& content, UiMemory& memory, Actions& actions) {
  if (!memory.timeline_hovered && !ImGui::IsWindowFocused(ImGuiFocusedFlags_RootAndChildWindows))
    return;
  if (ImGui::GetIO().WantTextInput) return;
  const double dt = std::min(static_cast<double>(ImGui::GetIO().DeltaTime), 0.05) * finer();
  const auto down = [](ImGuiKey a, ImGuiKey b) {
    return ImGui::IsKeyDown(a) || ImGui::IsKeyDown(b);
  };
  double zoom = 0, move = 0;
  if (down(ImGuiKey_W, ImGuiKey_UpArrow)) zoom += 1;
  if (down(ImGuiKey_S, ImGuiKey_DownArrow)) zoom -= 1;
  if (down(ImGuiKey_D, ImGuiKey_RightArrow)) move += 1;
  if (down(ImGuiKey_A, ImGuiKey_LeftArrow)) move -= 1;
  const double px =
      memory.timeline_hovered ? memory.cursor_px : static_cast<double>(state.view.width_px) / 2;
  if (zoom != 0)
    actions.push_back(action::SetViewport{
        zoom_at(state.view, px, std::exp(zoom * dt * std::log(kKeyZoomPerSecond) * 2), content)});
  if (move != 0)
    actions.push_back(action::SetViewport{
        pan(state.view, move * dt * kKeyPanPerSecond * static_cast<double>(state.view.width_px),
            content)});
}

void band_menu(const AppState& state, const Stack& stack, const Hit& hit, Actions& actions) {
  static size_t item = 0;  // the band whose menu is open; ImGui holds one popup at a time
  if (ImGui::IsItemHovered() && ImGui::IsMouseClicked(ImGuiMouseButton_Right) &&
      hit.kind != HitKind::none) {
    item = hit.item;
    ImGui::OpenPopup("band");
  }
  if (!ImGui::BeginPopup("band")) return;
  if (item < stack.keys.size()) {
    const RunKey key = stack.keys[item];
    const OpenRun& run = *state.find(key);
    dim(run.title);
    if (ImGui::MenuItem("Move up", nullptr, false, item > 0))
      actions.push_back(action::MoveInStack{key, -1});
    if (ImGui::MenuItem("Move down", nullptr, false, item + 1 < stack.keys.size()))
      actions.push_back(action::MoveInStack{key, 1});
    if (ImGui::MenuItem("Take off the timeline")) actions.push_back(action::StackRun{key, false});
    for (const RunKey other : stack.keys) {
      if (other == key) continue;
      const std::string label = "Compare with " + state.find(other)->title;
      if (ImGui::MenuItem(label.c_str())) actions.push_back(action::Compare{key, other});
    }
    if (run.run->id == 0 && ImGui::MenuItem("Save to the store"))
      actions.push_back(action::SaveRun{key});
    if (ImGui::MenuItem("Copy title")) actions.push_back(action::CopyText{run.title});
    if (!run.live && ImGui::MenuItem("Close")) actions.push_back(action::CloseRun{key});
  }
  ImGui::EndPopup();
}

// The scrolled canvas with everything that is timed.
void canvas(const AppState& state, const Stack& stack, UiMemory& memory, Actions& actions,
            float height) {
  const ImVec2 at = ImGui::GetCursorScreenPos();
  const float full = ImGui::GetContentRegionAvail().x, gutter = gutter_px(stack);
  const float ruler_h = ImGui::GetTextLineHeight() + 4;
  const float width = std::max(full - gutter, 50.0f);
  const Extent content = stack.content();
  Viewport view = state.view;
  if (std::fabs(view.width_px - width) > 0.5f) {
    view = resized(view, width, content);
    actions.push_back(action::SetViewport{view});  // drawn right already in this frame
  }
  TimelineStyle style = style_now();
  style.height_px = height - ruler_h;
  memory.timeline_scroll_px =
      std::clamp(memory.timeline_scroll_px, 0.0f,
                 std::max(memory.timeline.content_px - style.height_px, 0.0f));
  style.scroll_px = memory.timeline_scroll_px;
  build_timeline(stack.items, view, style, memory.timeline);

  ImGui::InvisibleButton("canvas", {full, height});
  const ImVec2 mouse = ImGui::GetMousePos();
  memory.timeline_hovered = ImGui::IsItemHovered();
  const bool over_lanes = mouse.x >= at.x + gutter;
  memory.cursor_px = static_cast<double>(mouse.x - at.x - gutter);
  TimelineCanvas c{ImGui::GetWindowDrawList(),
                   {at.x + gutter, at.y + ruler_h - memory.timeline_scroll_px},
                   {at.x + gutter, at.y + ruler_h},
                   {at.x + full, at.y + height},
                   gutter};
  Hit hit;
  if (memory.timeline_hovered && mouse.y >= c.min.y)
    hit =
        hit_test(memory.timeline, over_lanes ? mouse.x - c.origin.x : -1.0f, mouse.y - c.origin.y);

  draw_ruler(c.draw, at, {at.x + full, at.y + ruler_h}, c.min.x, memory.timeline);
  draw_grid(c, memory.timeline);
  draw_bands(c, memory.timeline, stack, state);
  draw_marks(c, state);
  draw_selection(c, memory.timeline, stack, state, style);
  register_bars(c, memory.timeline, stack);

  drag_input(state, content, memory, actions);
  click_input(state, stack, hit, memory, actions);
  band_menu(state, stack, hit, actions);
  mouse_input(state, content, memory, actions, over_lanes);
  if (memory.timeline_hovered && (hit.kind == HitKind::bar || hit.kind == HitKind::bubble) &&
      !ImGui::IsItemActive()) {
    draw_tooltip(hit_details(*state.find(stack.keys[hit.item])->analysis, memory.timeline, hit));
  }
  // Room for all bands is asked of the scroll position only, so show where one is.
  if (memory.timeline.content_px > style.height_px) {
    const float h = style.height_px, part = h / memory.timeline.content_px;
    const float y = c.min.y + memory.timeline_scroll_px / memory.timeline.content_px * h;
    c.draw->AddRectFilled({c.max.x - 5, y}, {c.max.x - 1, y + h * part},
                          u32(mix(theme().colours.raised, theme().colours.text, 0.25f)), 2);
  }
}

}  // namespace

void draw_timeline(const AppState& state, UiMemory& memory, Actions& actions) {
  const Stack stack = stack_of(state);
  toolbar(state, stack, memory, actions);
  gap(1);
  if (stack.items.empty()) {
    const bool busy =
        std::ranges::any_of(state.runs, [](const OpenRun& r) { return r.analysing; }) ||
        !state.jobs.empty();
    if (busy)
      empty_state("Reading …", "");
    else
      empty_state("Nothing on the timeline yet.",
                  "Drop a trace file here, open one with Ctrl+O, start the engine in Session, or "
                  "pick a stored run in Runs.");
    return;
  }
  const float below = ImGui::GetTextLineHeightWithSpacing() + 22 * ImGui::GetStyle().FontScaleMain;
  const float height = std::max(ImGui::GetContentRegionAvail().y - below, 80.0f);
  const ImVec2 at = ImGui::GetCursorScreenPos();
  canvas(state, stack, memory, actions, height);
  key_input(state, stack.content(), memory, actions);
  const float gutter = gutter_px(stack);
  scroll_bar(state, stack.content(), at.x + gutter, ImGui::GetContentRegionAvail().x - gutter,
             actions);
  ImGui::SetCursorScreenPos({at.x + gutter, ImGui::GetCursorScreenPos().y});
  legend(state, stack);
}

}  // namespace ui
