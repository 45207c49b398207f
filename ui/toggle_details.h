// All there is to say about one switch: words, the sketch of its plan, what was measured here, its invariants.
#pragma once
#include "ui/state.h"
#include "ui/vm/toggles_vm.h"

namespace ui {

// In the popup that a click on its name opens: what is said of it and its plan, with invariants and measurement beside
// them where `room_px` allows it, else below. Asks for the plan where it is not there yet.
void toggle_details(const AppState&, const ToggleRowVm&, float room_px, Actions&);
// In the tooltip of its row: the same without plan and invariants, which are too much for something that goes away.
void toggle_tip(const ToggleRowVm&);

Rgb ink_of(Judgement);

}  // namespace ui
