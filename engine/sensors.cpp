#include "engine/sensors.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
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

// Processor time that all programs of the machine have used, in seconds; stolen time counts as
// theirs. -1 where the system does not say.
double machine_busy_s() {
  std::ifstream file("/proc/stat");
  std::string cpu;
  double user = 0, nice = 0, system = 0, idle = 0, iowait = 0, irq = 0, softirq = 0, steal = 0;
  if (!(file >> cpu >> user >> nice >> system >> idle >> iowait >> irq >> softirq >> steal))
    return -1;
  return (user + nice + system + irq + softirq + steal) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

double own_s() {
  rusage use{};
  getrusage(RUSAGE_SELF, &use);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
  };
  return seconds(use.ru_utime) + seconds(use.ru_stime);
}

double wall_s() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
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

OtherPrograms::OtherPrograms() : m_busy_s(machine_busy_s()), m_own_s(own_s()), m_wall_s(wall_s()) {}

double OtherPrograms::cores() const {
  const double busy = machine_busy_s(), wall = wall_s() - m_wall_s;
  if (busy < 0 || m_busy_s < 0 || wall <= 0) return 0;
  return std::max(0.0, (busy - m_busy_s - (own_s() - m_own_s)) / wall);
}

std::string OtherPrograms::note() const {
  const double used = cores();
  if (used < 0.1) return {};
  char text[128];
  std::snprintf(text, sizeof text,
                "other programs used %.1f of %u cores meanwhile: times are of a busy machine", used,
                std::thread::hardware_concurrency());
  return text;
}

}  // namespace engine
