// Kernels: statistics by kernel, op or category; sort, filter, click to go to the longest one.
#include <imgui.h>

#include <array>

#include "ui/panels.h"
#include "ui/timeline_draw.h"
#include "ui/vm/format.h"
#include "ui/vm/names.h"
#include "ui/widgets.h"

namespace ui {
namespace {

void controls(UiMemory& memory) {
  static constexpr std::array<const char*, kGroupings> kNames{"by kernel", "by op", "by category"};
  for (int g = 0; g < kGroupings; ++g) {
    if (g > 0) ImGui::SameLine(0, 4);
    if (pill(kNames[static_cast<size_t>(g)], memory.group_by == static_cast<GroupBy>(g)))
      memory.group_by = static_cast<GroupBy>(g);
  }
  ImGui::SameLine();
  ImGui::SetNextItemWidth(std::max(160.0f, ImGui::GetContentRegionAvail().x * 0.3f));
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

void columns(bool shares) {
  const auto add = [](const char* name, KernelColumn id, ImGuiTableColumnFlags flags = 0) {
    ImGui::TableSetupColumn(
        name, flags | (id == KernelColumn::name ? 0 : ImGuiTableColumnFlags_PreferSortDescending),
        0, static_cast<ImGuiID>(id));
  };
  add("name", KernelColumn::name, ImGuiTableColumnFlags_WidthStretch);
  add("count", KernelColumn::count);
  add("total µs", KernelColumn::total, ImGuiTableColumnFlags_DefaultSort);
  add("share %", KernelColumn::share);
  add("median µs", KernelColumn::median);
  add("p95 µs", KernelColumn::p95);
  add("max µs", KernelColumn::max);
  if (shares) ImGui::TableSetupColumn("equal share µs", ImGuiTableColumnFlags_NoSort);
  ImGui::TableSetupScrollFreeze(0, 1);
}

void name_cell(const KernelGroup& g, bool bare, const OpenRun& open, Actions& actions) {
  ImGui::TableNextColumn();
  const ImVec2 at = ImGui::GetCursorScreenPos();
  const float side = ImGui::GetTextLineHeight() * 0.62f,
              y = at.y + (ImGui::GetTextLineHeight() - side) / 2;
  const CategoryStyle& style = style_of(g.category);
  Mono mono;
  const int chars = std::max(
      static_cast<int>((ImGui::GetContentRegionAvail().x - side - 8) / theme().mono_char_px), 8);
  const std::string label =
      "   " + middle_clipped(bare ? unqualified(g.name) : g.name, chars) + "###kernel";
  if (ImGui::Selectable(label.c_str(), false, ImGuiSelectableFlags_SpanAllColumns))
    actions.push_back(action::SelectEvent{open.key, g.longest, true});
  ImGui::GetWindowDrawList()->AddRectFilled({at.x, y}, {at.x + side, y + side}, u32(style.colour));
  draw_mark(ImGui::GetWindowDrawList(), {at.x, y}, {at.x + side, y + side}, style.mark);
  if (ImGui::IsItemHovered(ImGuiHoveredFlags_DelayNormal)) {
    ImGui::SetTooltip("%s\n%s; a click goes to the longest one",
                      std::string(g.name.substr(0, 600)).c_str(),
                      trace::title_of(g.category).data());
  }
  copy_menu("copy", g.name, actions);
}

}  // namespace

void draw_kernels(const AppState& state, UiMemory& memory, Actions& actions) {
  const OpenRun* open = state.find(state.selected);
  if (!open || !open->analysis) {
    empty_state("No run selected.",
                "Open a trace or start the engine: its kernels are listed here.");
    return;
  }
  controls(memory);
  const KernelStats& stats = *open->analysis->kernels;
  const std::vector<KernelGroup>& groups = stats.by(memory.group_by);
  const std::vector<uint32_t> rows =
      kernel_rows(groups, memory.kernel_filter, memory.kernel_sort, memory.kernel_descending);
  ImGui::SameLine();
  if (ImGui::Button("CSV …")) actions.push_back(action::SaveText{"kernels.csv", kernels_csv(groups, rows)});
  ImGui::SetItemTooltip("the rows shown, in this order");
  ImGui::SameLine();
  ImGui::AlignTextToFramePadding();
  right(us_text(stats.total_ns) + " µs in kernels · " + open->title, theme().colours.dim);
  const bool shares = memory.group_by == GroupBy::category;
  if (!ImGui::BeginTable(shares ? "categories" : "kernels", shares ? 8 : 7,
                         kTableFlags | ImGuiTableFlags_ScrollY | ImGuiTableFlags_Sortable))
    return;
  columns(shares);
  remember_sorting(memory);
  header_row(0b11111110);
  ImGuiListClipper clipper;
  clipper.Begin(static_cast<int>(rows.size()));
  while (clipper.Step()) {
    for (int i = clipper.DisplayStart; i < clipper.DisplayEnd; ++i) {
      const KernelGroup& g = groups[rows[static_cast<size_t>(i)]];
      ImGui::TableNextRow();
      ImGui::PushID(static_cast<int>(rows[static_cast<size_t>(i)]));
      name_cell(g, memory.group_by == GroupBy::kernel, *open, actions);
      cell(count_text(g.count));
      cell(us_text(g.total_ns));
      cell(number_text(100 * g.share, 1));
      cell(us_text(g.median_ns));
      cell(us_text(g.p95_ns));
      cell(us_text(g.max_ns));
      if (shares) cell(g.equal_share_ns >= 0 ? us_text(g.equal_share_ns) : std::string(kNothing));
      ImGui::PopID();
    }
  }
  ImGui::EndTable();
}

}  // namespace ui
