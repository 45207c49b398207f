// An engine run's full specification and how it was recorded, in words; and the command that records it again. Pure.
#pragma once
#include <string>
#include <vector>

#include "trace/run.h"
#include "ui/vm/details_vm.h"

namespace ui {

// Empty for runs that no engine made.
std::vector<FieldVm> spec_fields(const trace::Run&);
// "decodescope record --model glm-5 --layers 2 ..."; empty where options can't say it: a model that is no preset.
std::string record_command(const trace::RunSpec&);

}  // namespace ui
