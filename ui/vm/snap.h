// Edges of events near a time, for measuring. Pure.
#pragma once
#include <span>

#include "ui/vm/timeline_vm.h"

namespace ui {

// The start or end of any event of any run that is closest to `ns` on the shared axis, if it is within `reach_ns`;
// else `ns`. Costs rows x log(events).
int64_t snapped(std::span<const StackItem>, int64_t ns, int64_t reach_ns);

}  // namespace ui
