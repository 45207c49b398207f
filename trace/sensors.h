// What a device says of itself beside times. Absent where it does not say. Plain values.
#pragma once
#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>

namespace trace {

struct SensorReading {
  std::optional<double> clock_mhz, memory_mhz, watts, celsius;
  std::optional<int64_t> throttle;  // reasons for a lowered clock, as the vendor's bits; 0 = none
  bool operator==(const SensorReading&) const = default;
};

// Over the readings of a measurement.
struct SensorRange {
  SensorReading low, high;  // throttle: high holds the bits seen in any reading, low is absent
  int64_t readings = 0;

  void add(const SensorReading& r) {
    const auto widen = [](std::optional<double>& a, std::optional<double>& b, const std::optional<double>& v) {
      if (!v) return;
      a = a ? std::min(*a, *v) : *v;
      b = b ? std::max(*b, *v) : *v;
    };
    widen(low.clock_mhz, high.clock_mhz, r.clock_mhz);
    widen(low.memory_mhz, high.memory_mhz, r.memory_mhz);
    widen(low.watts, high.watts, r.watts);
    widen(low.celsius, high.celsius, r.celsius);
    if (r.throttle) high.throttle = high.throttle.value_or(0) | *r.throttle;
    ++readings;
  }
};

}  // namespace trace
