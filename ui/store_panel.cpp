// Store: every run in one wide table: search, sort by any column, pick several by mouse or keyboard, open, compare,
// edit, export, delete.
#include <imgui_internal.h>

#include <algorithm>
#include <array>

#include "ui/panels.h"
#include "ui/runs_menu.h"
#include "ui/vm/format.h"
#include "ui/vm/names.h"
#include "ui/widgets.h"

namespace ui {
namespace {

struct Column {
  const char* title;
  RunColumn column;
  bool numeric;
  float from_px;  // of the table, from which on it is shown
};
constexpr std::array kColumns{
    Column{"*", RunColumn::starred, false, 0},         Column{"id", RunColumn::id, true, 0},
    Column{"name", RunColumn::name, false, 0},         Column{"model", RunColumn::model, false, 760},
    Column{"backend", RunColumn::backend, false, 1180}, Column{"device", RunColumn::device, false, 900},
    Column{"switches", RunColumn::switches, false, 1000},
    Column{"batch", RunColumn::batch, true, 1260},     Column{"context", RunColumn::context, true, 1330},
    Column{"steps", RunColumn::steps, true, 1400},     Column{"step µs", RunColumn::step_us, true, 0},
    Column{"±", RunColumn::interval, true, 840},       Column{"kernels", RunColumn::kernels, true, 1470},
    Column{"A/B", RunColumn::ab, false, 1540},         Column{"tags", RunColumn::tags, false, 640},
    Column{"note", RunColumn::note, false, 700},       Column{"recorded", RunColumn::created, false, 440},
};

float weight_of(RunColumn c) {
  switch (c) {
    case RunColumn::name: return 3;
    case RunColumn::note: return 1.6f;
    case RunColumn::switches: return 1.6f;
    case RunColumn::device: return 1.2f;
    case RunColumn::tags: return 1;
    default: return 0;
  }
}

std::string text_of(const RunRowVm& r, RunColumn c) {
  const std::string nothing(kNothing);
  const auto number = [&](int64_t n) { return n >= 0 ? count_text(n) : nothing; };
  switch (c) {
    case RunColumn::none: return {};
    case RunColumn::starred: return r.starred ? "\xef\x80\x85" : "";
    case RunColumn::id: return r.id > 0 ? std::to_string(r.id) : nothing;
    case RunColumn::name: return r.name;
    case RunColumn::origin: return r.origin;
    case RunColumn::model: return r.model;
    case RunColumn::backend: return r.backend;
    case RunColumn::device: return r.device;
    case RunColumn::switches: return r.switches;
    case RunColumn::batch: return number(r.batch);
    case RunColumn::context: return number(r.context);
    case RunColumn::steps: return r.steps > 0 ? count_text(r.steps) : nothing;
    case RunColumn::step_us: return r.time;
    case RunColumn::interval: return r.half_interval_us > 0 ? number_text(r.half_interval_us, 1) : nothing;
    case RunColumn::kernels: return r.kernels > 0 ? number_text(r.kernels, 0) : nothing;
    case RunColumn::ab: return r.ab;
    case RunColumn::tags: return r.tags;
    case RunColumn::note: return r.note;
    case RunColumn::created: return r.when;
  }
  return {};
}

void remember_sorting(UiMemory& memory) {
  ImGuiTableSortSpecs* specs = ImGui::TableGetSortSpecs();
  if (!specs || !specs->SpecsDirty) return;
  memory.run_sort = specs->SpecsCount > 0 ? static_cast<RunColumn>(specs->Specs[0].ColumnUserID) : RunColumn::none;
  memory.run_descending = specs->SpecsCount > 0 && specs->Specs[0].SortDirection == ImGuiSortDirection_Descending;
  specs->SpecsDirty = false;
}

// Rows without an id of the store can't be picked; what ImGui selects is kept as ids.
struct Picks {
  std::vector<int64_t>& picked;
  const std::vector<RunRowVm>& rows;

  bool has(int64_t id) const { return std::ranges::find(picked, id) != picked.end(); }
  void set(int64_t id, bool on) {
    if (id == 0) return;
    if (!on) std::erase(picked, id);
    else if (!has(id)) picked.push_back(id);
  }
  void apply(const ImGuiMultiSelectIO* io) {
    for (const ImGuiSelectionRequest& r : io->Requests) {
      if (r.Type == ImGuiSelectionRequestType_SetAll) {
        picked.clear();
        for (const RunRowVm& row : rows) set(row.id, r.Selected);
      } else if (r.Type == ImGuiSelectionRequestType_SetRange) {
        for (auto i = r.RangeFirstItem; i <= r.RangeLastItem; ++i) set(rows[static_cast<size_t>(i)].id, r.Selected);
      }
    }
  }
};

void open_row(const RunRowVm& row, Actions& actions) {
  if (row.key == kNoRun)
    actions.push_back(action::OpenStored{row.id});
  else
    actions.push_back(action::StackRun{row.key, true});
}

void row(const AppState& state, const std::vector<RunRowVm>& rows, int i, const Picks& picks, UiMemory& memory, Actions& actions) {
  const RunRowVm& r = rows[static_cast<size_t>(i)];
  const Palette& p = theme().colours;
  ImGui::TableNextRow();
  ImGui::PushID(static_cast<int>(r.key));
  ImGui::PushID(static_cast<int>(r.id));
  if (r.stacked) ImGui::TableSetBgColor(ImGuiTableBgTarget_RowBg0, u32(p.accent, 0.08f));
  for (size_t c = 0; c < kColumns.size(); ++c) {
    const Column& column = kColumns[c];
    if (!ImGui::TableSetColumnIndex(static_cast<int>(c))) continue;
    Mono mono;
    const Rgb ink = r.key != kNoRun ? p.text : p.dim;
    const std::string value = text_of(r, column.column);
    if (column.numeric) {
      right(value, ink);
      continue;
    }
    const int chars = std::max(static_cast<int>(ImGui::GetContentRegionAvail().x / theme().mono_char_px), 2);
    if (column.column != RunColumn::name) {
      text_in(ink, weight_of(column.column) > 0 ? clipped(value, std::max(chars, 3)) : value);
      continue;
    }
    Ink colour(ink);
    ImGui::SetNextItemSelectionUserData(i);
    const std::string id = r.id != 0 ? "###stored " + std::to_string(r.id) : "###shown " + std::to_string(r.key);
    ImGui::Selectable((middle_clipped(value, std::max(chars, 6)) + (r.unsaved ? " *" : "") + id).c_str(), picks.has(r.id) && r.id != 0,
                      ImGuiSelectableFlags_SpanAllColumns | ImGuiSelectableFlags_AllowDoubleClick);
    const bool entered = ImGui::IsItemFocused() && ImGui::IsKeyPressed(ImGuiKey_Enter, false) && memory.editing_note == 0;
    if (entered || (ImGui::IsItemHovered() && ImGui::IsMouseDoubleClicked(ImGuiMouseButton_Left))) open_row(r, actions);
    if (ImGui::IsItemHovered(ImGuiHoveredFlags_DelayNormal)) ImGui::SetTooltip("%s", r.hint.c_str());
    row_menu(state, r, memory, actions);
    note_line(r, memory, actions);
  }
  ImGui::PopID();
  ImGui::PopID();
}

void table(const AppState& state, const std::vector<RunRowVm>& rows, UiMemory& memory, Actions& actions) {
  const float width = ImGui::GetContentRegionAvail().x / ImGui::GetStyle().FontScaleMain;
  if (!ImGui::BeginTable("store", static_cast<int>(kColumns.size()),
                         kTableFlags | ImGuiTableFlags_ScrollY | ImGuiTableFlags_Sortable | ImGuiTableFlags_SortTristate |
                             ImGuiTableFlags_Hideable))
    return;
  unsigned numeric = 0;
  for (size_t i = 0; i < kColumns.size(); ++i) {
    const Column& c = kColumns[i];
    const float weight = weight_of(c.column);
    ImGui::TableSetupColumn(c.title, weight > 0 ? ImGuiTableColumnFlags_WidthStretch : ImGuiTableColumnFlags_WidthFixed, weight,
                            static_cast<ImGuiID>(c.column));
    if (c.numeric) numeric |= 1u << i;
  }
  // What no run here says has no column: imported traces know neither switches nor a model.
  const auto any = [&](std::string RunRowVm::*what) { return std::ranges::any_of(rows, [&](const RunRowVm& r) { return !(r.*what).empty(); }); };
  const auto said = [&](RunColumn c) {
    switch (c) {
      case RunColumn::model: return any(&RunRowVm::model);
      case RunColumn::backend: return any(&RunRowVm::backend);
      case RunColumn::switches: return any(&RunRowVm::switches);
      case RunColumn::ab: return any(&RunRowVm::ab);
      default: return true;
    }
  };
  for (size_t i = 0; i < kColumns.size(); ++i)
    ImGui::TableSetColumnEnabled(static_cast<int>(i), width >= kColumns[i].from_px && said(kColumns[i].column));
  ImGui::TableSetupScrollFreeze(0, 1);
  remember_sorting(memory);
  header_row(numeric);
  Picks picks{memory.picked, rows};
  ImGuiMultiSelectIO* io = ImGui::BeginMultiSelect(ImGuiMultiSelectFlags_ClearOnEscape | ImGuiMultiSelectFlags_BoxSelect1d,
                                                   static_cast<int>(memory.picked.size()), static_cast<int>(rows.size()));
  picks.apply(io);
  ImGuiListClipper clipper;
  clipper.Begin(static_cast<int>(rows.size()));
  if (io->RangeSrcItem >= 0) clipper.IncludeItemByIndex(static_cast<int>(io->RangeSrcItem));
  if (memory.editing_note != 0) clipper.IncludeItemsByIndex(0, static_cast<int>(rows.size()));
  while (clipper.Step()) {
    for (int i = clipper.DisplayStart; i < clipper.DisplayEnd; ++i) row(state, rows, i, picks, memory, actions);
  }
  picks.apply(ImGui::EndMultiSelect());
  ImGui::EndTable();
  if (ImGui::IsWindowFocused(ImGuiFocusedFlags_RootAndChildWindows) && !ImGui::GetIO().WantTextInput &&
      ImGui::IsKeyPressed(ImGuiKey_Delete, false) && !memory.picked.empty()) {
    actions.push_back(action::DeleteStored{memory.picked});
    memory.picked.clear();
  }
}

}  // namespace

void draw_store(const AppState& state, UiMemory& memory, Actions& actions) {
  remember_import_area(memory, 1);
  if (!state.store.available && state.runs.empty()) {
    empty_state("There is no store.", state.store.problem);
    return;
  }
  ImGui::SetNextItemWidth(std::clamp(ImGui::GetContentRegionAvail().x * 0.4f, 120.0f, 340.0f));
  ImGui::InputTextWithHint("##filter", "search: name, model, device, tag, note, date", memory.run_filter, sizeof memory.run_filter);
  ImGui::SameLine();
  if (ImGui::Button("Import …")) actions.push_back(action::ImportFiles{});
  ImGui::SetItemTooltip("or drop files on this table");
  ImGui::SameLine();
  ImGui::AlignTextToFramePadding();
  picked_bar(state, memory, actions);
  if (!memory.picked.empty()) ImGui::SameLine();
  const std::string tail = count_text(static_cast<int64_t>(state.store.runs.size())) + " stored, " + bytes_text(state.store.bytes);
  right(tail, theme().colours.dim);
  std::vector<RunRowVm> rows = run_rows(state, memory.run_filter);
  std::erase_if(rows, [](const RunRowVm& r) { return r.live; });
  sort_runs(rows, memory.run_sort, memory.run_descending);
  if (rows.empty()) {
    empty_state(memory.run_filter[0] ? "No run matches." : "No runs yet.",
                memory.run_filter[0] ? "" : "Record one, or drop trace files here to import them.");
    return;
  }
  table(state, rows, memory, actions);
}

}  // namespace ui
