// The window's colours for reports (ui/vm/palette.cpp has the same; a test holds them together).
// Internal to report_*.cpp.
#pragma once
#include <array>
#include <string_view>

#include "trace/bubbles.h"
#include "trace/category.h"

namespace trace {

// Of bars, "#4fa7a3"; the same on dark and on white.
std::string_view bar_colour(Category);
// Legend and bars of categories that share a colour also share a word.
std::string_view legend_of(Category);

}  // namespace trace
