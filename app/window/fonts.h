// The faces of the window, from the binary itself.
#pragma once
#include "ui/theme.h"

namespace app {

// Roboto for words, Inconsolata (one width, so figures are tabular) for numbers and names, a few
// icons of Font Awesome merged into both. REQUIRES: an ImGui context without fonts.
void load_fonts();

}  // namespace app
