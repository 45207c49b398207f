// Kernels: statistics by kernel, op, category, layer or user-made group; sort, filter, click to go to the longest one.
#include <imgui.h>
#include <imgui_internal.h>

#include <algorithm>
#include <array>

#include "ui/kernels_side.h"
#include "ui/panels.h"
#include "ui/timeline_draw.h"
#include "ui/vm/format.h"
#include "ui/vm/names.h"
#include "ui/widgets.h"

namespace ui {
namespace {

// A cell's text, and from which width of the table on its column is shown: the narrower, the fewer.
struct Column {
  const char* title;
  KernelColumn column;
  float from_px;
};
constexpr std::array kColumns{
    Column{"name", KernelColumn::name, 0},           Column{"count", KernelColumn::count, 0},
    Column{"total µs", KernelColumn::total, 0},      Column{"share %", KernelColumn::share, 460},
    Column{"equal µs", KernelColumn::equal, 1040},    Column{"hidden µs", KernelColumn::hidden, 1130},
    Column{"median µs", KernelColumn::median, 560},  Column{"p95 µs", KernelColumn::p95, 740},
    Column{"spread µs", KernelColumn::spread, 1220}, Column{"max µs", KernelColumn::max, 940},
    Column{"floor %", KernelColumn::of_floor, 650},
};

const char* explanation(KernelColumn c) {
  switch (c) {
    case KernelColumn::equal:
      return "of the wall, shared out equally among what runs at once";
    case KernelColumn::hidden:
      return "total less equal share: behind other work";
    case KernelColumn::spread:
      return "from the 5th to the 95th percentile";
    case KernelColumn::of_floor:
      return "of the least time that its bytes and operations take on this device; the model's estimate";
    default:
      return nullptr;
  }
}

std::string text_of(const KernelGroup& g, KernelColumn c) {
  const std::string nothing(kNothing);
  switch (c) {
    case KernelColumn::name:
      return std::string(g.name);
    case KernelColumn::count:
      return count_text(g.count);
    case KernelColumn::total:
      return us_text(g.total_ns);
    case KernelColumn::share:
      return number_text(100 * g.share, 1);
    case KernelColumn::equal:
      return g.equal_share_ns >= 0 ? us_text(g.equal_share_ns) : nothing;
    case KernelColumn::hidden:
      return g.equal_share_ns >= 0 ? us_text(g.hidden_ns) : nothing;
    case KernelColumn::median:
      return us_text(g.median_ns);
    case KernelColumn::p95:
      return us_text(g.p95_ns);
    case KernelColumn::spread:
      return us_text(g.spread_ns());
    case KernelColumn::max:
      return us_text(g.max_ns);
    case KernelColumn::of_floor:
      return g.of_floor() >= 0 ? number_text(100 * g.of_floor(), 1) : nothing;
  }
  return nothing;
}

// Groups that the user made: each with a button that drops it, and a line for another.
void groups_popup(const AppState& state, UiMemory& memory, Actions& actions) {
  if (!ImGui::BeginPopup("groups")) return;
  GroupRules rules = state.groups ? *state.groups : GroupRules{};
  dim("A kernel belongs to the first group with a part of its name, or with its op.");
  for (size_t i = 0; i < rules.size(); ++i) {
    ImGui::PushID(static_cast<int>(i));
    if (ImGui::SmallButton("remove")) {
      GroupRules fewer = rules;
      fewer.erase(fewer.begin() + static_cast<ptrdiff_t>(i));
      actions.push_back(action::SetKernelGroups{std::move(fewer)});
    }
    ImGui::SameLine();
    Mono mono;
    text(group_text(rules[i]));
    ImGui::PopID();
  }
  ImGui::SetNextItemWidth(320 * ImGui::GetStyle().FontScaleMain);
  const bool entered = ImGui::InputTextWithHint("##group", "attention = mla | topk", memory.kernel_group, sizeof memory.kernel_group,
                                                ImGuiInputTextFlags_EnterReturnsTrue);
  ImGui::SameLine();
  const auto rule = parse_group(memory.kernel_group);
  ImGui::BeginDisabled(!rule);
  if ((ImGui::Button("Add") || entered) && rule) {
    rules.push_back(*rule);
    actions.push_back(action::SetKernelGroups{std::move(rules)});
    memory.kernel_group[0] = 0;
    memory.group_by = GroupBy::user;
  }
  ImGui::EndDisabled();
  ImGui::EndPopup();
}

void controls(const AppState& state, UiMemory& memory, Actions& actions) {
  static constexpr std::array<const char*, kGroupings> kNames{"by kernel", "by op", "by category", "by layer", "by group"};
  for (int g = 0; g < kGroupings; ++g) {
    if (g > 0) ImGui::SameLine(0, 4);
    if (pill(kNames[static_cast<size_t>(g)], memory.group_by == static_cast<GroupBy>(g)))
      memory.group_by = static_cast<GroupBy>(g);
  }
  ImGui::SameLine(0, 4);
  if (ImGui::Button("Groups …")) ImGui::OpenPopup("groups");
  ImGui::SetItemTooltip("make groups of kernels of your own");
  groups_popup(state, memory, actions);
  ImGui::SameLine();
  // A second line where the filter and the buttons behind it do not fit.
  if (ImGui::GetContentRegionAvail().x < 190 * ImGui::GetStyle().FontScaleMain) ImGui::NewLine();
  ImGui::SetNextItemWidth(std::clamp(ImGui::GetContentRegionAvail().x * 0.3f, 110.0f, 280.0f));
  ImGui::InputTextWithHint("##filter", "filter names", memory.kernel_filter,
                           sizeof memory.kernel_filter);
}

void remember_sorting(UiMemory& memory) {
  ImGuiTableSortSpecs* specs = ImGui::TableGetSortSpecs();
  if (!specs || !specs->SpecsDirty || specs->SpecsCount == 0) return;
  memory.kernel_sort = static_cast<KernelColumn>(specs->Specs[0].ColumnUserID);
  memory.kernel_descending = specs->Specs[0].SortDirection == ImGuiSortDirection_Descending;
  specs->SpecsDirty = false;
}

void row_menu(const KernelGroup& g, const AppState& state, GroupBy by, Actions& actions) {
  if (!ImGui::BeginPopupContextItem("menu")) return;
  if (ImGui::MenuItem("Copy")) actions.push_back(action::CopyText{std::string(g.name)});
  const bool groupable = by == GroupBy::kernel || (by == GroupBy::op && g.key != 0);
  if (groupable && ImGui::BeginMenu("Add to group")) {
    const GroupRules rules = state.groups ? *state.groups : GroupRules{};
    const std::string part(by == GroupBy::kernel ? unqualified(g.name).substr(0, 120) : g.name);
    const auto put = [&](size_t at) {
      GroupRules next = rules;
      if (at == next.size()) next.push_back({.name = part.substr(0, 32), .parts = {}});
      next[at].parts.push_back(part);
      actions.push_back(action::SetKernelGroups{std::move(next)});
    };
    for (size_t i = 0; i < rules.size(); ++i) {
      if (ImGui::MenuItem(rules[i].name.c_str())) put(i);
    }
    if (ImGui::MenuItem("a new one")) put(rules.size());
    ImGui::EndMenu();
  }
  ImGui::EndPopup();
}

void name_cell(const KernelGroup& g, bool chosen, const OpenRun& open, const AppState& state, GroupBy by, Actions& actions) {
  const bool bare = by == GroupBy::kernel;
  ImGui::TableNextColumn();
  const ImVec2 at = ImGui::GetCursorScreenPos();
  const float side = ImGui::GetTextLineHeight() * 0.62f,
              y = at.y + (ImGui::GetTextLineHeight() - side) / 2;
  const CategoryStyle& style = style_of(g.category);
  Mono mono;
  const int chars = std::max(
      static_cast<int>((ImGui::GetContentRegionAvail().x - side - 8) / theme().mono_char_px) - 1, 8);
  const std::string label =
      "   " + middle_clipped(bare ? unqualified(g.name) : g.name, chars) + "###kernel";
  // Arrow keys walk the table; details, charts and the timeline follow.
  if (ImGui::Selectable(label.c_str(), chosen, ImGuiSelectableFlags{ImGuiSelectableFlags_SpanAllColumns | ImGuiSelectableFlags_SelectOnNav}))
    actions.push_back(action::SelectEvent{open.key, g.longest, true});
  ImGui::GetWindowDrawList()->AddRectFilled({at.x, y}, {at.x + side, y + side}, u32(style.colour));
  draw_mark(ImGui::GetWindowDrawList(), {at.x, y}, {at.x + side, y + side}, style.mark);
  if (ImGui::IsItemHovered(ImGuiHoveredFlags_DelayNormal)) {
    ImGui::SetTooltip("%s\n%s; a click goes to the longest one",
                      std::string(g.name.substr(0, 600)).c_str(),
                      trace::title_of(g.category).data());
  }
  row_menu(g, state, by, actions);
}

// The group of the selected event; else the first row.
const KernelGroup* chosen_group(const AppState& state, const OpenRun& open, const std::vector<KernelGroup>& groups,
                                const std::vector<uint32_t>& rows, GroupBy by) {
  if (state.selection.kind == SelectionKind::event && state.selection.run == open.key &&
      state.selection.index < open.analysis->trace().events.size()) {
    const uint32_t key = key_of_event(*open.analysis, by, state.selection.index);
    const auto at = std::ranges::find(groups, key, &KernelGroup::key);
    if (at != groups.end()) return &*at;
  }
  return rows.empty() ? nullptr : &groups[rows.front()];
}

void table(const AppState& state, const OpenRun& open, const std::vector<KernelGroup>& groups, const std::vector<uint32_t>& rows,
           const KernelGroup* chosen, UiMemory& memory, Actions& actions) {
  const float width = ImGui::GetContentRegionAvail().x / ImGui::GetStyle().FontScaleMain;
  const bool floors = open.analysis->kernels->roof.known();
  if (!ImGui::BeginTable("kernels", static_cast<int>(kColumns.size()), kTableFlags | ImGuiTableFlags_ScrollY | ImGuiTableFlags_Sortable | ImGuiTableFlags_Hideable))
    return;
  for (const Column& c : kColumns) {
    const bool name = c.column == KernelColumn::name;
    const ImGuiTableColumnFlags flags = name ? ImGuiTableColumnFlags_WidthStretch : ImGuiTableColumnFlags_PreferSortDescending;
    ImGui::TableSetupColumn(c.title, flags | (c.column == KernelColumn::total ? ImGuiTableColumnFlags_DefaultSort : 0), 0,
                            static_cast<ImGuiID>(c.column));
  }
  for (size_t i = 0; i < kColumns.size(); ++i) {
    const bool shown = width >= kColumns[i].from_px && (floors || kColumns[i].column != KernelColumn::of_floor);
    ImGui::TableSetColumnEnabled(static_cast<int>(i), shown);
  }
  ImGui::TableSetupScrollFreeze(0, 1);
  remember_sorting(memory);
  header_row(0b11111111110);
  for (size_t i = 0; i < kColumns.size(); ++i) {
    const char* why = explanation(kColumns[i].column);
    if (why && (ImGui::TableGetColumnFlags(static_cast<int>(i)) & ImGuiTableColumnFlags_IsHovered) && ImGui::TableGetHoveredRow() == 0)
      ImGui::SetTooltip("%s", why);
  }
  ImGuiListClipper clipper;
  clipper.Begin(static_cast<int>(rows.size()));
  while (clipper.Step()) {
    for (int i = clipper.DisplayStart; i < clipper.DisplayEnd; ++i) {
      const KernelGroup& g = groups[rows[static_cast<size_t>(i)]];
      ImGui::TableNextRow();
      ImGui::PushID(static_cast<int>(rows[static_cast<size_t>(i)]));
      name_cell(g, &g == chosen, open, state, memory.group_by, actions);
      for (size_t c = 1; c < kColumns.size(); ++c) cell(text_of(g, kColumns[c].column));
      ImGui::PopID();
    }
  }
  ImGui::EndTable();
}

const char* why_empty(const AppState& state, GroupBy by) {
  if (by == GroupBy::layer) return "This trace shows no repeating layers.";
  if (by == GroupBy::user && !state.groups) return "No groups yet: make one with “Groups …”, or on a kernel's menu.";
  return "No kernel here.";
}

}  // namespace

void draw_kernels(const AppState& state, UiMemory& memory, Actions& actions) {
  const OpenRun* open = state.find(state.selected);
  if (!open || !open->analysis) {
    empty_state("No run selected.",
                "Open a trace or start the engine: its kernels are listed here.");
    return;
  }
  controls(state, memory, actions);
  if (!open->ready()) {
    dim("Counting the kernels …");
    return;
  }
  const KernelStats& stats = *open->analysis->kernels;
  const std::vector<KernelGroup>& groups = stats.by(memory.group_by);
  const std::vector<uint32_t> rows =
      kernel_rows(groups, memory.kernel_filter, memory.kernel_sort, memory.kernel_descending);
  ImGui::SameLine();
  if (ImGui::Button("CSV …")) actions.push_back(action::SaveText{"kernels.csv", kernels_csv(groups, rows)});
  ImGui::SetItemTooltip("the rows shown, in this order");
  const std::string tail = us_text(stats.total_ns) + " µs in kernels · " + open->title;
  ImGui::SameLine();
  if (ImGui::GetContentRegionAvail().x > ImGui::CalcTextSize(tail.c_str()).x) {
    ImGui::AlignTextToFramePadding();
    right(tail, theme().colours.dim);
  } else {
    ImGui::NewLine();
  }
  if (groups.empty()) {
    dim(why_empty(state, memory.group_by));
    return;
  }
  const KernelGroup* chosen = chosen_group(state, *open, groups, rows, memory.group_by);
  const float width = ImGui::GetContentRegionAvail().x, scale = ImGui::GetStyle().FontScaleMain;
  const bool beside = width > 620 * scale;
  ImGui::BeginChild("table", {beside ? width - std::clamp(width * 0.30f, 250 * scale, 520 * scale) : 0, 0});
  table(state, *open, groups, rows, chosen, memory, actions);
  ImGui::EndChild();
  if (!beside) return;
  ImGui::SameLine(0, 20);
  ImGui::BeginChild("side");
  kernels_side(state, *open, chosen, memory, actions);
  ImGui::EndChild();
}

}  // namespace ui
