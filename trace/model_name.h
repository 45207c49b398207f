// A model's name as it is shown: no public model has the combination of a synthetic one, and wherever its name stands, that stands too.
#pragma once
#include "trace/model.h"

namespace trace {

inline std::string shown_name(const ModelConfig& m) {
  return m.synthetic ? m.name + " (synthetic)" : m.name;
}

}  // namespace trace
