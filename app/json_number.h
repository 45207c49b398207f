// A double in JSON, which knows no infinity and no NaN: null stands for them.
#pragma once
#include <cmath>

#include <nlohmann/json.hpp>

namespace app {
inline nlohmann::json json_number(double value) { return std::isfinite(value) ? nlohmann::json(value) : nlohmann::json(nullptr); }
}  // namespace app
