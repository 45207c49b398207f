// Sensors: what tells that a measurement was disturbed by the machine. On a CPU only the throttle
// counters: cores change their clock by themselves all the time, so a moved clock is no reason to
// drop anything there. On a GPU what its vendor's library tells: a throttle reason, or a clock that moved by
// more than 1 %. Thread rule: one thread. Read between blocks, never inside one.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "trace/sensors.h"

namespace kernels::gpu {
class Device;
}

namespace engine {

// What the device of this backend says now; nothing on a CPU, or where it does not tell.
std::optional<trace::SensorReading> read_sensors(std::string_view backend, std::string* why = nullptr);

// "SM clock 1965..1980 MHz, ...": for the notes of a measurement.
std::string text_of(const trace::SensorRange&);

class Sensors {
 public:
  // Adds every reading to `range`, where one is given.
  explicit Sensors(std::string_view backend = "cpu", trace::SensorRange* range = nullptr);
  // Whether the device was throttled, or its clock moved, since construction.
  bool disturbed();
  // For the notes of a run: what is read here, or that there is nothing to read.
  static std::string describe(std::string_view backend = "cpu");

 private:
  void read();
  const std::string m_backend;
  trace::SensorRange* m_range;
  trace::SensorRange m_own;  // since construction
  int64_t m_last = 0;
  bool m_gpu;
};

// How much of the machine other programs used since construction: what a reader of a host-clock
// measurement must know.
class OtherPrograms {
 public:
  OtherPrograms();
  double cores() const;  // on average; 0 where it can't be told
  // For the notes of a run; empty below a tenth of a core.
  std::string note() const;

 private:
  double m_busy_s, m_own_s, m_wall_s;
};

}  // namespace engine
