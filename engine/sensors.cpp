#include "engine/sensors.h"

#include <fstream>
#include <thread>

namespace engine {
namespace {

// Thermal throttle events of all cores; -1 where the machine does not count them.
int64_t throttle_count() {
  int64_t total = -1;
  for (unsigned core = 0; core < std::thread::hardware_concurrency(); ++core) {
    std::ifstream file("/sys/devices/system/cpu/cpu" + std::to_string(core) +
                       "/thermal_throttle/core_throttle_count");
    int64_t count = 0;
    if (file >> count) total = (total < 0 ? 0 : total) + count;
  }
  return total;
}

}  // namespace

Sensors::Sensors() : m_last(throttle_count()) {}

bool Sensors::throttled() {
  const int64_t now = throttle_count();
  const bool moved = now > m_last && m_last >= 0;
  m_last = now;
  return moved;
}

std::string Sensors::describe() {
  return throttle_count() >= 0
             ? "throttle counters of the cores are read between blocks"
             : "this machine shows no throttle counters: no quad can be dropped for them";
}

}  // namespace engine
