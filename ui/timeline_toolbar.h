// What stands above and below the lanes: scale, what is shown, alignment, search; the colours of the categories.
#pragma once
#include "ui/panels.h"

namespace ui {

void timeline_toolbar(const AppState&, const Stack&, UiMemory&, Actions&);
void timeline_legend(const AppState&, const Stack&);

}  // namespace ui
