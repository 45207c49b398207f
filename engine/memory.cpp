#include "engine/memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <limits>

namespace engine {
namespace {

int64_t meminfo_available() {
  std::ifstream file("/proc/meminfo");
  for (std::string key; file >> key;) {
    int64_t kib = 0;
    if (key == "MemAvailable:" && file >> kib) return kib * 1024;
    file.ignore(std::numeric_limits<std::streamsize>::max(), '\n');
  }
  return std::numeric_limits<int64_t>::max();
}

int64_t cgroup_available() {
  int64_t limit = 0, used = 0;
  std::ifstream max("/sys/fs/cgroup/memory.max"), current("/sys/fs/cgroup/memory.current");
  if (!(max >> limit) || !(current >> used)) return std::numeric_limits<int64_t>::max();
  return std::max<int64_t>(limit - used, 0);
}

}  // namespace

Memory Memory::reserved(int64_t bytes) {
  Memory m;
  void* at = mmap(nullptr, static_cast<size_t>(bytes) + 1, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (at == MAP_FAILED) throw std::bad_alloc();
  m.m_reserved = {at, Unmap{bytes + 1}};
  m.m_bytes = bytes;
  return m;
}

void Memory::Unmap::operator()(void* p) const {
  munmap(p, static_cast<size_t>(bytes));
}

int64_t available_memory_bytes() {
  return std::min(meminfo_available(), cgroup_available());
}

std::string gib_text(int64_t bytes) {
  char text[32];
  const double mib = static_cast<double>(bytes) / (1 << 20);
  if (mib < 1000)
    std::snprintf(text, sizeof text, "%.3g MiB", mib);
  else
    std::snprintf(text, sizeof text, "%.2f GiB", mib / 1024);
  return text;
}

}  // namespace engine
