// Small pieces that panels share. They draw and report clicks; nothing is kept between frames but
// ImGui's own ids.
#pragma once
#include <imgui.h>

#include <string>
#include <string_view>

#include "ui/actions.h"
#include "ui/theme.h"

namespace ui {

// Scoped fonts: { Mono m; ... }
struct Mono {
  explicit Mono(float px = 0);
  ~Mono();
};
struct Bold {
  explicit Bold(float px = 0);
  ~Bold();
};
struct Ink {  // text colour
  explicit Ink(Rgb c, float alpha = 1);
  ~Ink();
};

void text(std::string_view);  // as it is, no format string
void text_in(Rgb, std::string_view);
void dim(std::string_view);
void wrapped(std::string_view, Rgb);
// Ends at the right edge of the current column or window.
void right(std::string_view, Rgb, float inset_px = 0);
// Panel heading: title small and dim on the left, status fainter on the right.
void heading(std::string_view title, std::string_view status = {});
void gap(float units = 2);  // vertical, in kUnit
void thin_line();

// Rounded outline around a short text: an equivalence class, a kind.
float badge_width(std::string_view);
void badge(std::string_view, Rgb ink);
// A line with a triangle before it that folds what follows; true when it was clicked.
bool fold(const char* label, bool open, Rgb ink);
bool fold(const char* label, bool open);  // dim
// On/off slider; true when it was clicked.
bool toggle_switch(const char* id, bool on, bool enabled);
// Small rounded button; `active` has the accent's outline.
bool pill(const char* label, bool active, bool enabled = true);
// A row of a two-column list: dim key, mono value that is wrapped; right click copies the value.
void field(std::string_view key, std::string_view value, Actions&, float key_px = 96);
// Right click on the last item offers to copy `value`.
void copy_menu(const char* id, std::string_view value, Actions&);
// Centred, dim: what is missing and what to do about it.
void empty_state(std::string_view what, std::string_view todo);

// Lines of at most `width`, each in the middle of the room there is.
void centred(std::string_view, Rgb, float width);

// Table cells: mono, right-aligned in the column.
void cell(std::string_view, Rgb);
void cell(std::string_view);
// Header row whose numeric columns are right-aligned; `numeric` has a bit for each.
void header_row(unsigned numeric);
void header_cell(int column, bool numeric, Rgb ink);  // one cell of such a row
inline constexpr ImGuiTableFlags kTableFlags =
    ImGuiTableFlags_SizingFixedFit | ImGuiTableFlags_BordersInnerH | ImGuiTableFlags_PadOuterX |
    ImGuiTableFlags_NoBordersInBody;

}  // namespace ui
