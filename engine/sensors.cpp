#include "engine/sensors.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <thread>

#include "engine/gpu_device.h"

namespace engine {
namespace {

constexpr double kClockMove = 0.01;  // of the clock: above it a quad is dropped

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

std::optional<trace::SensorReading> read_sensors(std::string_view backend, std::string* why) {
  std::string unsaid;
  std::string& reason = why ? *why : unsaid;
  if (!is_gpu(backend)) {
    reason = "a CPU has none";
    return std::nullopt;
  }
  const auto device = gpu_device(backend);
  if (!device) {
    reason = device.error().what;
    return std::nullopt;
  }
  const auto r = (*device)->sensors(&reason);
  if (!r) return std::nullopt;
  return trace::SensorReading{r->clock_mhz, r->memory_mhz, r->watts, r->celsius, r->throttle};
}

Sensors::Sensors(std::string_view backend, trace::SensorRange* range)
    : m_backend(backend), m_range(range), m_gpu(is_gpu(backend)) {
  if (m_gpu)
    read();
  else
    m_last = throttle_count();
}

void Sensors::read() {
  const auto now = read_sensors(m_backend);
  if (!now) return;
  m_own.add(*now);
  if (m_range) m_range->add(*now);
}

bool Sensors::disturbed() {
  if (m_gpu) {
    read();
    const trace::SensorReading &low = m_own.low, &high = m_own.high;
    if (high.throttle.value_or(0) != 0) return true;
    return high.clock_mhz && *high.clock_mhz - *low.clock_mhz > kClockMove * *high.clock_mhz;
  }
  const int64_t now = throttle_count();
  const bool moved = now > m_last && m_last >= 0;
  m_last = now;
  return moved;
}

std::string Sensors::describe(std::string_view backend) {
  if (is_gpu(backend)) {
    std::string why;
    if (read_sensors(backend, &why)) return "clocks, power, temperature and throttle reasons are read between blocks";
    return "clocks and throttle reasons can't be read, no quad can be dropped for them: " + why;
  }
  return throttle_count() >= 0
             ? "throttle counters of the cores are read between blocks"
             : "this machine shows no throttle counters: no quad can be dropped for them";
}

std::string text_of(const trace::SensorRange& range) {
  std::string text;
  const auto add = [&](const char* what, const std::optional<double>& low, const std::optional<double>& high,
                       const char* unit) {
    char part[96];
    if (low)
      std::snprintf(part, sizeof part, "%s %.0f..%.0f %s", what, *low, *high, unit);
    else
      std::snprintf(part, sizeof part, "%s not told", what);
    text += (text.empty() ? "" : ", ") + std::string(part);
  };
  add("clock", range.low.clock_mhz, range.high.clock_mhz, "MHz");
  add("memory clock", range.low.memory_mhz, range.high.memory_mhz, "MHz");
  add("power", range.low.watts, range.high.watts, "W");
  add("temperature", range.low.celsius, range.high.celsius, "C");
  char part[96];
  if (!range.high.throttle)
    std::snprintf(part, sizeof part, ", throttle reasons not told");
  else
    std::snprintf(part, sizeof part, ", throttle reasons 0x%llx", static_cast<unsigned long long>(*range.high.throttle));
  return text + part + " in " + std::to_string(range.readings) + " readings";
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
