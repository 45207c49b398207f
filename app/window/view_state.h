// How a window shows its runs, as a text that lies beside them in a bundle: what the sender saw is what the receiver
// opens. Stretch of the shared axis, marks with their texts, thresholds, alignment.
// Thread rule: main thread.
#pragma once
#include <string>

#include "ui/state.h"

namespace app {

std::string view_text(const ui::AppState&);
// false: not such a text; nothing is changed then. What it does not say stays.
bool apply_view(ui::AppState&, const std::string& text);

}  // namespace app
