// All there is to say about one switch: words, the sketch of its plan, what was measured here, its invariants. In the
// tooltip of its row and in the popup that a click on its name opens.
#pragma once
#include "ui/state.h"
#include "ui/vm/toggles_vm.h"

namespace ui {

// Asks for the plan sketch where it is not there yet.
void toggle_details(const AppState&, const ToggleRowVm&, Actions&);

Rgb ink_of(Judgement);

}  // namespace ui
