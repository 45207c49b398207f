// The timeline: ruler, lanes, minimap. Input becomes actions; drawing is in
// timeline_draw.cpp.
#include <imgui_internal.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "trace/stamps.h"
#include "ui/details_draw.h"
#include "ui/panels.h"
#include "ui/timeline_draw.h"
#include "ui/timeline_scroll.h"
#include "ui/timeline_toolbar.h"
#include "ui/vm/format.h"
#include "ui/vm/snap.h"
#include "ui/widgets.h"

namespace ui {
namespace {

constexpr double kSnapPx = 8;
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

// Dragging on the ruler measures; both ends snap to the edges of events.
void measure_input(const AppState& state, const Stack& stack, UiMemory& memory, Actions& actions) {
  const auto time_here = [&] {
    const auto ns = static_cast<int64_t>(std::llround(state.view.time_of(memory.cursor_px)));
    return snapped(stack.items, ns, static_cast<int64_t>(kSnapPx * state.view.ns_per_px));
  };
  if (ImGui::IsItemActivated()) memory.measure_from_ns = static_cast<double>(time_here());
  if (!ImGui::IsItemActive() || !ImGui::IsMouseDragging(ImGuiMouseButton_Left, 3)) return;
  const auto from = static_cast<int64_t>(memory.measure_from_ns), to = time_here();
  const Extent range{std::min(from, to), std::max(from, to)};
  if (!state.measure || state.measure->begin_ns != range.begin_ns || state.measure->end_ns != range.end_ns)
    actions.push_back(action::SetMeasure{range});
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
    const RowVm& row = memory.timeline.rows[bar.row];
    const trace::EventId id = row_map(stack.items[hit.item], row).id(bar.longest);
    // A launch call leads to what it launched.
    actions.push_back(action::SelectEvent{key, row.host ? stack.items[hit.item].host->first_event[id] : id, false});
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
  // Arrows belong to the table that has the keyboard, wherever the mouse rests.
  const bool arrows = ImGui::IsWindowFocused(ImGuiFocusedFlags_RootAndChildWindows);
  const auto down = [arrows](ImGuiKey letter, ImGuiKey arrow) {
    return ImGui::IsKeyDown(letter) || (arrows && ImGui::IsKeyDown(arrow));
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
    const std::vector<uint32_t>& devices = run.analysis->devices;
    if (devices.size() > 1 && ImGui::BeginMenu("Device")) {
      for (const uint32_t d : devices) {
        const trace::Device& device = run.run->trace->devices[d];
        if (trace::is_stamps(device)) continue;   // that is the lens
        const std::string label = device.id + (device.name.empty() ? "" : "  " + device.name);
        if (ImGui::MenuItem(label.c_str(), nullptr, d == run.device)) actions.push_back(action::SetDevice{key, d});
      }
      ImGui::EndMenu();
    }
    if (run.run->id == 0 && ImGui::MenuItem("Save to the store"))
      actions.push_back(action::SaveRun{key});
    if (ImGui::MenuItem("Export report or trace …")) actions.push_back(action::ExportOpen{{key}, {}});
    if (ImGui::MenuItem("Copy title")) actions.push_back(action::CopyText{run.title});
    if (!run.live && ImGui::MenuItem("Close")) actions.push_back(action::CloseRun{key});
  }
  ImGui::EndPopup();
}

// The scrolled canvas with everything that is timed.
void canvas(const AppState& state, const Stack& stack, UiMemory& memory, Actions& actions,
            float height) {
  const ImVec2 at = ImGui::GetCursorScreenPos();
  const float room = ImGui::GetContentRegionAvail().x, gutter = gutter_px(stack);
  const float ruler_h = ImGui::GetTextLineHeight() + 4;
  // Whether the rows are higher than the room is known from the frame before; it changes with neither width nor scale.
  const bool scrolls = memory.timeline.content_px > height - ruler_h;
  const float full = room - (scrolls ? scrollbar_px() + 2 : 0);
  const float width = std::max(full - gutter, 50.0f);
  const Extent content = stack.content();
  Viewport view = state.view;
  if (std::fabs(view.width_px - width) > 0.5f) {
    view = resized(view, width, content);
    actions.push_back(action::SetViewport{view});  // drawn right already in this frame
  }
  TimelineStyle style = style_now();
  style.height_px = height - ruler_h;
  style.row_px = grown_row_px(stack.items, style);
  memory.timeline_scroll_px =
      std::clamp(memory.timeline_scroll_px, 0.0f,
                 std::max(memory.timeline.content_px - style.height_px, 0.0f));
  style.scroll_px = memory.timeline_scroll_px;
  build_timeline(stack.items, view, style, memory.timeline);

  const ImVec2 mouse = ImGui::GetMousePos();
  const bool over_lanes = mouse.x >= at.x + gutter;
  memory.cursor_px = static_cast<double>(mouse.x - at.x - gutter);
  ImGui::InvisibleButton("ruler", {full, ruler_h});
  const bool on_ruler = ImGui::IsItemHovered();
  if (on_ruler) ImGui::SetMouseCursor(ImGuiMouseCursor_ResizeEW);
  ImGui::SetItemTooltip("drag to measure; ends snap to events");
  measure_input(state, stack, memory, actions);
  ImGui::SetCursorScreenPos({at.x, at.y + ruler_h});
  ImGui::InvisibleButton("canvas", {full, height - ruler_h});
  memory.timeline_hovered = ImGui::IsItemHovered() || on_ruler;
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
  const auto item = std::ranges::find(stack.keys, state.selection.run);
  const bool event = state.selection.kind == SelectionKind::event && item != stack.keys.end();
  build_links(stack.items, view, style, memory.timeline,
              {.path = state.show.path,
               .arrows = state.show.arrows,
               .selected_item = event ? static_cast<size_t>(item - stack.keys.begin()) : SIZE_MAX,
               .selected = event ? state.selection.index : trace::kNone},
              memory.links);
  draw_links(c, memory.links);
  draw_marks(c, state, memory.timeline, stack);
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
  if (scrolls) vertical_scrollbar({c.max.x + 2, c.min.y}, {at.x + room, c.max.y}, memory.timeline.content_px, memory.timeline_scroll_px);
  ImGui::SetCursorScreenPos({at.x, at.y + height});
}

// An empty window offers what one would do next.
void nothing_yet(const AppState& state, Actions& actions) {
  empty_state("Nothing on the timeline yet.",
              "Drop a trace file here, open one with Ctrl+O, start the engine in Session, or pick a stored run in Runs.");
  gap(2);
  const auto middle = [](const char* label) {
    const float width = ImGui::CalcTextSize(label, nullptr, true).x + 2 * ImGui::GetStyle().FramePadding.x;
    ImGui::SetCursorPosX(ImGui::GetCursorPosX() + std::max((ImGui::GetContentRegionAvail().x - width) / 2, 0.0f));
    return ImGui::Button(label);
  };
  if (middle("Open trace …")) actions.push_back(action::AskOpenFile{});
  constexpr size_t kRecent = 4;
  for (size_t i = 0; i < std::min(state.recent_files.size(), kRecent); ++i) {
    const std::string& file = state.recent_files[i];
    const std::string label = file.substr(file.find_last_of('/') + 1) + "###recent " + std::to_string(i);
    if (middle(label.c_str())) actions.push_back(action::OpenFiles{{file}});
    ImGui::SetItemTooltip("%s", file.c_str());
  }
}

}  // namespace

void draw_timeline(const AppState& state, UiMemory& memory, Actions& actions) {
  const Stack stack = stack_of(state);
  timeline_toolbar(state, stack, memory, actions);
  gap(1);
  if (stack.items.empty()) {
    const bool busy =
        std::ranges::any_of(state.runs, [](const OpenRun& r) { return r.analysing; }) ||
        !state.jobs.empty();
    if (busy)
      empty_state("Reading …", "");
    else
      nothing_yet(state, actions);
    return;
  }
  const float below = ImGui::GetTextLineHeightWithSpacing() + 24 * ImGui::GetStyle().FontScaleMain + scrollbar_px();
  const float height = std::max(ImGui::GetContentRegionAvail().y - below, 80.0f);
  const ImVec2 at = ImGui::GetCursorScreenPos();
  canvas(state, stack, memory, actions, height);
  key_input(state, stack.content(), memory, actions);
  const float gutter = gutter_px(stack), width = state.view.width_px;
  horizontal_scrollbar(state, stack.content(), at.x + gutter, width, actions);
  minimap(state, stack, stack.content(), at.x + gutter, width, memory, actions);
  ImGui::SetCursorScreenPos({at.x + gutter, ImGui::GetCursorScreenPos().y});
  timeline_legend(state, stack);
}

}  // namespace ui
