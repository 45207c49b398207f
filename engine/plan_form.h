// What the arguments of a launch say beside sizes and addresses: layouts, formats, the order of heads and tokens. For
// looking at plans; the kernels read the arguments themselves.
#pragma once
#include <optional>
#include <string>

#include "kernels/ops.h"

namespace engine {

// "reads scales by row", "pages of 64, preshuffle, table of 128"; empty where there is nothing to say.
std::string form_of(const kernels::OpArgs&);

// The same launch handed data of the other layout, its own tag as it was; nullopt where it has no tag.
// kernels::check() must refuse it.
std::optional<kernels::OpArgs> with_other_layout(const kernels::OpArgs&);

}  // namespace engine
