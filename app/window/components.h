// What this program is made with, for About: the versions that are really compiled in or loaded.
#pragma once
#include <vector>

#include "ui/state.h"

namespace app {

std::vector<ui::Component> components();

}  // namespace app
