// Shapes that the random cases do not draw, each there for something that only it shows.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "kernels/verify.h"

namespace simt {

struct ExtraCase {
  std::string why;
  kernels::Op op;
  std::function<kernels::OpArgs(kernels::Workspace&, kernels::Random&)> make;
};
const std::vector<ExtraCase>& extra_cases();

}  // namespace simt
