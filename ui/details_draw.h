// Details of an event or bubble as a tooltip or as a panel's body.
#pragma once
#include "ui/actions.h"
#include "ui/vm/details_vm.h"

namespace ui {

void draw_tooltip(const DetailsVm&);

}  // namespace ui
