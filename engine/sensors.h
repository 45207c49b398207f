// Sensors: what tells that a measurement was disturbed by the machine. On a CPU only the throttle
// counters: cores change their clock by themselves all the time, so a moved clock is no reason to
// drop anything there. Thread rule: one thread. Read between blocks, never inside one.
#pragma once
#include <cstdint>
#include <string>

namespace engine {

class Sensors {
 public:
  Sensors();
  // Whether a core was throttled since construction or the last call.
  bool throttled();
  // For the notes of a run: what is read here, or that there is nothing to read.
  static std::string describe();

 private:
  int64_t m_last = 0;
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
