// A device's refusal as an exception, for code whose caller turns it into one Error.
#pragma once
#include <stdexcept>
#include <string>

#include "kernels/op.h"

namespace engine {

// Throws "<the device's words>, <doing what>".
inline void need(const kernels::Status& s, const std::string& doing) {
  if (!s.ok()) throw std::runtime_error(s.error + ", " + doing);
}

}  // namespace engine
