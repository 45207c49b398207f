#include "ui/timeline_toolbar.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "trace/stamps.h"
#include "ui/timeline_draw.h"
#include "ui/vm/format.h"
#include "ui/widgets.h"

namespace ui {
namespace {

// Names that contain the text stay bright, the others fade; Enter and Shift+Enter walk through
// them.
void search_box(const AppState& state, UiMemory& memory, Actions& actions) {
  ImGui::SameLine();
  ImGui::SetNextItemWidth(std::clamp(ImGui::GetContentRegionAvail().x, 60.0f, 150 * ImGui::GetStyle().FontScaleMain));
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
  const SearchState& found = state.search;
  dim(found.matches == 0 ? "none" : found.at > 0 ? count_text(found.at) + " of " + count_text(found.matches) : count_text(found.matches));
}

bool any_of_stack(const AppState& state, const Stack& stack, bool (*holds)(const OpenRun&)) {
  return std::ranges::any_of(stack.keys, [&](RunKey key) { return holds(*state.find(key)); });
}

void show_menu(const AppState& state, const Stack& stack, Actions& actions) {
  ImGui::SameLine();
  if (pill("Show", !(state.show == Show{}))) ImGui::OpenPopup("show");
  ImGui::SetNextWindowPos({ImGui::GetItemRectMin().x, ImGui::GetItemRectMax().y + 4}, ImGuiCond_Appearing);   // not over what opened it
  if (!ImGui::BeginPopup("show")) return;
  ImGui::PushItemFlag(ImGuiItemFlags_AutoClosePopups, false);  // several may be chosen
  Show next = state.show;
  const auto grouping = [&](const char* label, LaneGrouping g, bool enabled) {
    if (ImGui::MenuItem(label, nullptr, next.grouping == g, enabled)) next.grouping = g;
  };
  ImGui::MenuItem("Critical path", "P", &next.path);
  ImGui::MenuItem("Fork and join arrows", nullptr, &next.arrows);
  const bool calls = any_of_stack(state, stack, [](const OpenRun& r) { return !r.run->trace->calls.empty(); });
  ImGui::MenuItem("Launch calls", "H", &next.host, calls);
  ImGui::Separator();
  dim("Lanes");
  grouping("by stream", LaneGrouping::stream, true);
  grouping("by stream, graph side streams folded", LaneGrouping::folded,
           any_of_stack(state, stack, [](const OpenRun& r) { return r.analysis->folds; }));
  grouping("by hardware queue", LaneGrouping::queue,
           any_of_stack(state, stack, [](const OpenRun& r) { return r.analysis->queues; }));
  if (!(next == state.show)) actions.push_back(action::SetShow{next});
  ImGui::PopItemFlag();
  ImGui::EndPopup();
}

std::string align_text(const Align& align) {
  switch (align.by) {
    case AlignBy::start:
      return "Align: start";
    case AlignBy::step:
      return "Align: step " + std::to_string(align.step);
    case AlignBy::layer:
      return "Align: layer " + std::to_string(align.layer);
    case AlignBy::kernel:
      return "Align: kernel";
  }
  return {};
}

// A kernel's name from the selection, to align all runs by.
std::string selected_kernel(const AppState& state) {
  const OpenRun* open = state.find(state.selection.run);
  if (!open || state.selection.kind != SelectionKind::event || !open->run->trace ||
      state.selection.index >= open->run->trace->events.size())
    return {};
  return std::string(open->run->trace->name_of(open->run->trace->events[state.selection.index]));
}

void align_menu(const AppState& state, Actions& actions) {
  ImGui::SameLine();
  if (pill((align_text(state.align) + "###align").c_str(), state.align.by != AlignBy::start)) ImGui::OpenPopup("align");
  ImGui::SetNextWindowPos({ImGui::GetItemRectMin().x, ImGui::GetItemRectMax().y + 4}, ImGuiCond_Appearing);   // not over what opened it
  if (!ImGui::BeginPopup("align")) return;
  ImGui::PushItemFlag(ImGuiItemFlags_AutoClosePopups, false);  // a layer's number comes after the choice
  Align next = state.align;
  dim("At 0 of the axis, in every run");
  if (ImGui::MenuItem("its start", nullptr, next.by == AlignBy::start)) next = {};
  if (ImGui::MenuItem("a decode step", nullptr, next.by == AlignBy::step)) next.by = AlignBy::step;
  if (ImGui::MenuItem("a layer", nullptr, next.by == AlignBy::layer)) next.by = AlignBy::layer;
  const std::string kernel = selected_kernel(state);
  if (ImGui::MenuItem("the selected kernel's first", nullptr, next.by == AlignBy::kernel, !kernel.empty())) {
    next.by = AlignBy::kernel;
    next.kernel = kernel;
  }
  const auto number = [](const char* label, int* value) {
    ImGui::SetNextItemWidth(90 * ImGui::GetStyle().FontScaleMain);
    ImGui::InputInt(label, value);
    *value = std::clamp(*value, 0, 1 << 20);
  };
  if (next.by == AlignBy::step || next.by == AlignBy::layer) number("step", &next.step);
  if (next.by == AlignBy::layer) number("layer", &next.layer);
  if (!(next == state.align)) actions.push_back(action::SetAlign{next});
  ImGui::PopItemFlag();
  ImGui::EndPopup();
}

// Whose clock the whole window shows: the collector's, or the device's own where a run carries its stamps.
void lens_choice(const AppState& state, const Stack& stack, Actions& actions) {
  const bool any = any_of_stack(state, stack, [](const OpenRun& r) {
    return trace::stamps_of(*r.run->trace, r.device).has_value();
  });
  ImGui::SameLine();
  // The search comes first where there is little room; the palette has the lens too.
  const float width = ImGui::CalcTextSize("Lens: device stamps").x + 2 * ImGui::GetStyle().FramePadding.x;
  if (!state.lens && ImGui::GetContentRegionAvail().x < width + 120 * ImGui::GetStyle().FontScaleMain) return;
  const char* label = state.lens ? "Lens: device stamps###lens" : "Lens: as recorded###lens";
  if (pill(label, state.lens, any || state.lens)) actions.push_back(action::SetLens{!state.lens});
  if (!ImGui::IsItemHovered(ImGuiHoveredFlags_ForTooltip | ImGuiHoveredFlags_AllowWhenDisabled)) return;
  if (any)
    ImGui::SetTooltip("the collector's accounting, or the device's own stamps: stamped busy is a lower bound,\nstamped gaps are an upper one");
  else
    ImGui::SetTooltip("no run here carries stamps of the device's clock: only recordings of the engine on a GPU can,\nnever imported traces");
}

}  // namespace

void timeline_toolbar(const AppState& state, const Stack& stack, UiMemory& memory, Actions& actions) {
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
  if (any) show_menu(state, stack, actions);
  if (any) align_menu(state, actions);
  if (!any) return;
  lens_choice(state, stack, actions);
  search_box(state, memory, actions);
  ImGui::SameLine();
  ImGui::AlignTextToFramePadding();
  const double scale = state.view.px_per_us();
  std::string note = scale >= 0.1
                         ? number_text(scale, scale < 10 ? 2 : 0) + " px = 1 µs"
                         : "1 px = " + duration_text(static_cast<int64_t>(state.view.ns_per_px));
  if (stack.items.size() > 1) note += " · " + std::to_string(stack.items.size()) + " runs";
  // What does not fit is left out.
  if (ImGui::CalcTextSize(note.c_str()).x <= ImGui::GetContentRegionAvail().x)
    right(note, theme().colours.dim);
  else
    ImGui::NewLine();
}

void timeline_legend(const AppState& state, const Stack& stack) {
  const Palette& p = theme().colours;
  std::array<bool, trace::kCategories> present{};
  for (const RunKey key : stack.keys) {
    for (const KernelGroup& g : state.find(key)->analysis->kernels->by(GroupBy::category))
      present[static_cast<size_t>(g.category)] = true;
  }
  ImGui::PushFont(nullptr, kSmallPx);
  const float side = ImGui::GetFontSize() * 0.72f, y_pad = (ImGui::GetTextLineHeight() - side) / 2;
  const auto width_of = [&](std::string_view words) { return side + 6 + ImGui::CalcTextSize(words.data(), words.data() + words.size()).x; };
  std::vector<const CategoryStyle*> entries;
  for (int c = 0; c < trace::kCategories; ++c) {
    const CategoryStyle& s = style_of(static_cast<trace::Category>(c));
    const auto same = [&](const CategoryStyle* e) { return std::string_view(e->legend) == s.legend; };
    if (present[static_cast<size_t>(c)] && std::ranges::none_of(entries, same)) entries.push_back(&s);
  }
  const auto entry = [&](const CategoryStyle& s) {
    const ImVec2 at = ImGui::GetCursorScreenPos(), a{at.x, at.y + y_pad}, b{at.x + side, at.y + y_pad + side};
    ImDrawList* draw = ImGui::GetWindowDrawList();
    draw->AddRectFilled(a, b, u32(s.colour));
    draw_mark(draw, a, b, s.mark);
    draw->AddText({at.x + side + 6, at.y}, u32(p.dim), s.legend);
    ImGui::Dummy({width_of(s.legend), ImGui::GetTextLineHeight()});
  };
  const float gap_px = 14, more_px = ImGui::CalcTextSize("+ 9 more").x;
  for (size_t i = 0; i < entries.size(); ++i) {
    // What does not fit is in a tooltip of the last word.
    float rest = -gap_px;
    for (size_t k = i; k < entries.size(); ++k) rest += width_of(entries[k]->legend) + gap_px;
    const float room = ImGui::GetContentRegionAvail().x;
    if (rest > room && width_of(entries[i]->legend) + gap_px + more_px > room) {
      dim("+ " + std::to_string(entries.size() - i) + " more");
      if (ImGui::BeginItemTooltip()) {
        for (size_t k = i; k < entries.size(); ++k) entry(*entries[k]);
        ImGui::EndTooltip();
      }
      break;
    }
    entry(*entries[i]);
    ImGui::SameLine(0, gap_px);
  }
  ImGui::NewLine();
  ImGui::PopFont();
}

}  // namespace ui
