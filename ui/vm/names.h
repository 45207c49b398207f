// Kernel names made short enough to read, without losing which kernel it is. Pure; views into the
// argument.
#pragma once
#include <string>
#include <string_view>

namespace ui {

// A kernel's name from its own function name on: return type and namespaces go, template and call
// arguments stay.
std::string_view unqualified(std::string_view name);

// "_ZN5aiter4copyEv" as a compiler would print it; any other text, and what is cut off, as it is.
std::string demangled(std::string_view name);

// At most `chars` characters (code points) with "…" for what was cut from the end; "" if fewer than
// 3 would be left.
std::string clipped(std::string_view text, int chars);
// Cut from the middle, for names whose ends differ.
std::string middle_clipped(std::string_view text, int chars);
int code_points(std::string_view text);

}  // namespace ui
