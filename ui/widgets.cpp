#include "ui/widgets.h"

#include <imgui_internal.h>

#include <algorithm>
#include <cmath>

namespace ui {

Mono::Mono(float px) {
  ImGui::PushFont(theme().fonts.mono, px);
}
Mono::~Mono() {
  ImGui::PopFont();
}
Bold::Bold(float px) {
  ImGui::PushFont(theme().fonts.bold, px);
}
Bold::~Bold() {
  ImGui::PopFont();
}
Ink::Ink(Rgb c, float alpha) {
  ImGui::PushStyleColor(ImGuiCol_Text, vec4(c, alpha));
}
Ink::~Ink() {
  ImGui::PopStyleColor();
}

void text(std::string_view s) {
  ImGui::TextUnformatted(s.data(), s.data() + s.size());
}

void text_in(Rgb c, std::string_view s) {
  Ink ink(c);
  text(s);
}

void dim(std::string_view s) {
  text_in(theme().colours.dim, s);
}

void wrapped(std::string_view s, Rgb c) {
  Ink ink(c);
  ImGui::PushTextWrapPos(0);
  text(s);
  ImGui::PopTextWrapPos();
}

void right(std::string_view s, Rgb c, float inset_px) {
  const float width = ImGui::CalcTextSize(s.data(), s.data() + s.size()).x;
  const float x = ImGui::GetCursorPosX() + ImGui::GetContentRegionAvail().x - width - inset_px;
  ImGui::SetCursorPosX(std::max(x, ImGui::GetCursorPosX()));
  text_in(c, s);
}

namespace {

// One line that ends in an ellipsis where it does not fit; what was cut is a tooltip.
void ellipsis(std::string_view s, Rgb ink, float width) {
  const ImVec2 at = ImGui::GetCursorScreenPos(), size = ImGui::CalcTextSize(s.data(), s.data() + s.size());
  const float shown = std::min(size.x, std::max(width, 0.0f));
  {
    Ink colour(ink);
    ImGui::RenderTextEllipsis(ImGui::GetWindowDrawList(), at, {at.x + shown, at.y + size.y}, at.x + shown, s.data(), s.data() + s.size(), &size);
  }
  ImGui::Dummy({shown, size.y});
  if (shown < size.x) ImGui::SetItemTooltip("%.*s", static_cast<int>(s.size()), s.data());
}

}  // namespace

void heading(std::string_view title, std::string_view status) {
  const ImVec2 at = ImGui::GetCursorScreenPos();
  const float room = ImGui::GetContentRegionAvail().x;
  const float title_words = ImGui::CalcTextSize(title.data(), title.data() + title.size()).x;
  const float words = ImGui::CalcTextSize(status.data(), status.data() + status.size()).x;
  const float title_px = std::min(title_words, std::max(room - (status.empty() ? 0 : words + 12), room * 0.4f));
  ellipsis(title, theme().colours.dim, title_px);
  if (status.empty()) return;
  const float x = std::max(room - words, title_px + 12);
  ImGui::SetCursorScreenPos({at.x + x, at.y});
  ellipsis(status, theme().colours.faint, room - x);
}

void gap(float units) {
  ImGui::Dummy({0, std::max(units * kUnit * ImGui::GetStyle().FontScaleMain -
                                ImGui::GetStyle().ItemSpacing.y,
                            0.0f)});
}

void thin_line() {
  const ImVec2 at = ImGui::GetCursorScreenPos();
  ImGui::GetWindowDrawList()->AddLine(at, {at.x + ImGui::GetContentRegionAvail().x, at.y},
                                      u32(theme().colours.line));
  ImGui::Dummy({0, 1});
}

float badge_width(std::string_view s) {
  ImGui::PushFont(nullptr, kSmallPx - 1);
  const float width = ImGui::CalcTextSize(s.data(), s.data() + s.size()).x + 2 * (kUnit + 1);
  ImGui::PopFont();
  return width;
}

void badge(std::string_view s, Rgb ink) {
  ImGui::PushFont(nullptr, kSmallPx - 1);
  const ImVec2 size = ImGui::CalcTextSize(s.data(), s.data() + s.size());
  const ImVec2 at = ImGui::GetCursorScreenPos();
  const float line = ImGui::GetFrameHeight() - 2 * ImGui::GetStyle().FramePadding.y;
  const float pad = kUnit + 1, height = size.y + 3;
  const float y = at.y + std::max((line - height) / 2, 0.0f) + 1;
  ImDrawList* draw = ImGui::GetWindowDrawList();
  draw->AddRect({at.x, y}, {at.x + size.x + 2 * pad, y + height},
                u32(mix(theme().colours.line, ink, 0.25f)), 3);
  draw->AddText({at.x + pad, y + 1}, u32(ink), s.data(), s.data() + s.size());
  ImGui::Dummy({size.x + 2 * pad, std::max(line, height)});
  ImGui::PopFont();
}

bool fold(const char* label, bool open) {
  return fold(label, open, theme().colours.dim);
}

bool fold(const char* label, bool open, Rgb colour) {
  ImGui::PushStyleColor(ImGuiCol_Button, {0, 0, 0, 0});
  ImGui::PushStyleVar(ImGuiStyleVar_FramePadding, {0, 0});
  ImGui::PushStyleVar(ImGuiStyleVar_FrameBorderSize, 0);
  const float side = ImGui::GetFontSize();
  const ImVec2 at = ImGui::GetCursorScreenPos();
  ImGui::RenderArrow(ImGui::GetWindowDrawList(), {at.x - 2, at.y + side * 0.12f}, u32(colour), open ? ImGuiDir_Down : ImGuiDir_Right, 0.7f);
  ImGui::SetCursorScreenPos({at.x + side, at.y});
  Ink ink(colour);
  const bool clicked = ImGui::Button(label);
  ImGui::PopStyleVar(2);
  ImGui::PopStyleColor();
  return clicked;
}

bool toggle_switch(const char* id, bool on, bool enabled) {
  const Palette& p = theme().colours;
  const float h = std::round(ImGui::GetFontSize() * 1.0f), w = h * 1.75f;
  const ImVec2 at = ImGui::GetCursorScreenPos();
  ImGui::BeginDisabled(!enabled);
  const bool clicked = ImGui::InvisibleButton(id, {w, h + 2});
  const bool hovered = ImGui::IsItemHovered();
  const bool focused = ImGui::IsItemFocused() && GImGui->NavCursorVisible;
  ImGui::EndDisabled();
  const float fade = enabled ? 1.0f : 0.45f;
  const Rgb track = on ? p.accent : mix(p.raised, p.text, hovered && enabled ? 0.28f : 0.18f);
  ImDrawList* draw = ImGui::GetWindowDrawList();
  const float y = at.y + 1, r = h / 2;
  draw->AddRectFilled({at.x, y}, {at.x + w, y + h}, u32(track, fade), r);
  draw->AddCircleFilled({on ? at.x + w - r : at.x + r, y + r}, r - 3,
                        u32(on ? p.background : p.text, on ? 1.0f : fade * 0.9f), 20);
  if (focused) draw->AddRect({at.x - 2, y - 2}, {at.x + w + 2, y + h + 2}, u32(p.accent), r + 2);
  return clicked;
}

bool pill(const char* label, bool active, bool enabled) {
  const Palette& p = theme().colours;
  ImGui::BeginDisabled(!enabled);
  ImGui::PushStyleVar(ImGuiStyleVar_FrameBorderSize, 1);
  ImGui::PushStyleColor(ImGuiCol_Border, vec4(active ? p.accent : p.line));
  ImGui::PushStyleColor(ImGuiCol_Button,
                        active ? vec4(mix(p.raised, p.accent, 0.1f)) : vec4(p.raised));
  ImGui::PushStyleColor(ImGuiCol_Text, vec4(active ? p.accent : p.text));
  const bool clicked = ImGui::Button(label);
  ImGui::PopStyleColor(3);
  ImGui::PopStyleVar();
  ImGui::EndDisabled();
  return clicked;
}

void copy_menu(const char* id, std::string_view value, Actions& actions) {
  if (!ImGui::BeginPopupContextItem(id)) return;
  if (ImGui::MenuItem("Copy")) actions.push_back(action::CopyText{std::string(value)});
  ImGui::EndPopup();
}

void field(std::string_view key, std::string_view value, Actions& actions, float key_px) {
  const float x = ImGui::GetCursorPosX(), room = ImGui::GetContentRegionAvail().x;
  dim(key);
  // Narrow panels leave the room to the values, but never a key under its value.
  const float wanted = std::min(key_px * ImGui::GetStyle().FontScaleMain, room * 0.40f);
  const float words = ImGui::CalcTextSize(key.data(), key.data() + key.size()).x + 8;
  ImGui::SameLine(x + std::max(wanted, words));
  ImGui::BeginGroup();
  {
    Mono mono;
    wrapped(value, theme().colours.text);
  }
  ImGui::EndGroup();
  ImGui::PushID(key.data(), key.data() + key.size());
  copy_menu("copy", value, actions);
  ImGui::PopID();
}

void centred(std::string_view s, Rgb c, float width) {
  // A line as many words as fit.
  while (!s.empty()) {
    size_t end = s.find(' '), next = end;
    while (next != std::string_view::npos) {
      next = s.find(' ', end + 1);
      const std::string_view line = s.substr(0, next);
      if (ImGui::CalcTextSize(line.data(), line.data() + line.size()).x > width) break;
      end = next;
    }
    const std::string_view line = s.substr(0, end);
    const float room = ImGui::GetContentRegionAvail().x, words = ImGui::CalcTextSize(line.data(), line.data() + line.size()).x;
    ImGui::SetCursorPosX(ImGui::GetCursorPosX() + std::max((room - words) / 2, 0.0f));
    text_in(c, line);
    s = end == std::string_view::npos ? std::string_view{} : s.substr(end + 1);
  }
}

void empty_state(std::string_view what, std::string_view todo) {
  const ImVec2 room = ImGui::GetContentRegionAvail();
  const float width = std::min(room.x, 420.0f * ImGui::GetStyle().FontScaleMain);
  ImGui::Dummy({0, std::max(room.y / 2 - 2 * ImGui::GetTextLineHeight(), 0.0f)});
  centred(what, theme().colours.text, width);
  centred(todo, theme().colours.dim, width);
}

void cell(std::string_view s, Rgb c) {
  ImGui::TableNextColumn();
  Mono mono;
  right(s, c);
}

void cell(std::string_view s) {
  cell(s, theme().colours.text);
}

void header_cell(int column, bool numeric, Rgb ink) {
  if (!ImGui::TableSetColumnIndex(column)) return;
  const char* name = ImGui::TableGetColumnName(column);
  ImGui::PushID(column);
  Mono mono;
  if (!numeric) {
    Ink words(ink);
    ImGui::TableHeader(name);
    ImGui::PopID();
    return;
  }
  // The header item is there for its width, sorting and menu; its label is drawn anew at the right.
  const ImGuiTable* table = ImGui::GetCurrentTable();
  const float width = ImGui::CalcTextSize(name).x, room = ImGui::GetContentRegionAvail().x;
  const ImVec2 at = ImGui::GetCursorScreenPos();
  {
    Ink hidden(ink, 0);
    ImGui::TableHeader(name);
  }
  ImDrawList* draw = ImGui::GetWindowDrawList();
  const float x = at.x + std::max(room - width, 0.0f);
  draw->AddText({x, at.y}, u32(ink), name);
  const bool sorted =
      (table->Flags & ImGuiTableFlags_Sortable) && table->Columns[column].SortOrder != -1;
  if (sorted) {
    const bool up = table->Columns[column].SortDirection == ImGuiSortDirection_Ascending;
    const float side = ImGui::GetFontSize() * 0.7f;
    ImGui::RenderArrow(draw, {x - side - 2, at.y + side * 0.3f}, u32(ink),
                       up ? ImGuiDir_Up : ImGuiDir_Down, 0.6f);
  }
  ImGui::PopID();
}

void header_row(unsigned numeric) {
  ImGui::TableNextRow(ImGuiTableRowFlags_Headers);
  const int columns = ImGui::TableGetColumnCount();
  for (int i = 0; i < columns; ++i) {
    header_cell(i, (numeric & (1u << i)) != 0, theme().colours.dim);
  }
}

}  // namespace ui
