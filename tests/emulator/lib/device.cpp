#include "tests/emulator/lib/device.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <map>
#include <stdexcept>

#include "tests/emulator/lib/simt.h"

namespace kernels {
namespace gpu_w32 {
void run_launch(const gpu::Launch&);
}
namespace gpu_w64 {
void run_launch(const gpu::Launch&);
}
}  // namespace kernels

namespace simt {
namespace {

using kernels::Status;
using kernels::gpu::Graph;
using kernels::gpu::Launch;

struct OwnedLaunch {
  Launch launch;
  std::vector<uint8_t> args;
};

struct Recording final : Graph {
  std::vector<OwnedLaunch> launches;
};

class EmulatedDevice final : public kernels::gpu::Device {
 public:
  explicit EmulatedDevice(int wave) {
    m_info.name = "emulated GPU, waves of " + std::to_string(wave);
    m_info.driver = m_info.runtime = "none";
    m_info.memory = int64_t{1} << 32;
    m_info.traits = {wave, 8, (wave == 32 ? 227 : 160) * 1024};
  }
  ~EmulatedDevice() override {
    for (const auto& [user, block] : m_blocks) munmap(block.base, block.bytes);
  }

  const kernels::gpu::DeviceInfo& info() const override { return m_info; }
  bool lost() const override { return false; }
  bool can_stamp() const override { return true; }
  int64_t free_memory() override { return m_info.memory; }

  // The block's end is at the guard page, rounded to 256 bytes as a device would align it.
  Status allocate(int64_t bytes, void** out) override {
    const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    const size_t used = (static_cast<size_t>(bytes) + 255) / 256 * 256, whole = (used + page - 1) / page * page;
    auto* base = static_cast<uint8_t*>(mmap(nullptr, whole + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    if (base == MAP_FAILED || mprotect(base + whole, page, PROT_NONE) != 0) return {"emulated device: out of memory"};
    std::memset(base, 0xff, whole);
    *out = base + whole - used;
    m_blocks[*out] = {base, whole + page};
    return {};
  }
  void release(void* p) override {
    const auto block = m_blocks.find(p);
    if (block == m_blocks.end()) return;
    munmap(block->second.base, block->second.bytes);
    m_blocks.erase(block);
  }

  Status upload(void* to, const void* from, int64_t bytes) override {
    std::memcpy(to, from, static_cast<size_t>(bytes));
    return {};
  }
  Status download(void* to, const void* from, int64_t bytes) override {
    std::memcpy(to, from, static_cast<size_t>(bytes));
    return {};
  }
  Status set(void* to, uint8_t value, int64_t bytes) override {
    std::memset(to, value, static_cast<size_t>(bytes));
    return {};
  }

  Status launch(const Launch& l, int) override {
    if (!l.refused.empty()) return {l.refused};
    if (m_capturing) {
      const auto* args = static_cast<const uint8_t*>(l.args);
      m_capturing->launches.push_back({l, {args, args + l.size}});
      return {};
    }
    return now(l);
  }
  Status synchronize() override { return {}; }

  Status record(int event, int) override {
    m_events[event] = m_calls++;
    return {};
  }
  Status wait(int event, int) override {
    return m_events.count(event) ? Status{} : Status{"emulated device: a wait for an event that was never recorded"};
  }
  Status elapsed_us(int from, int to, double* us) override {
    *us = m_events.at(to) - m_events.at(from);
    return {};
  }

  Status begin_capture() override {
    m_capturing = std::make_unique<Recording>();
    return {};
  }
  Status end_capture(std::unique_ptr<Graph>* out) override {
    *out = std::move(m_capturing);
    return {};
  }
  Status launch(Graph& graph, int) override {
    for (OwnedLaunch& l : static_cast<Recording&>(graph).launches) {
      l.launch.args = l.args.data();
      if (Status s = now(l.launch); !s.ok()) return s;
    }
    return {};
  }

 private:
  struct Block {
    uint8_t* base;
    size_t bytes;
  };

  Status now(const Launch& l) {
    ++m_calls;
    if (l.grid_x == 0 || l.grid_y == 0) return {};
    try {
      if (m_info.traits.wave == 32)
        kernels::gpu_w32::run_launch(l);
      else
        kernels::gpu_w64::run_launch(l);
    } catch (const std::runtime_error& e) {
      return {std::string(key_of(l.kernel)) + ": " + e.what()};
    }
    return {};
  }

  kernels::gpu::DeviceInfo m_info;
  std::map<void*, Block> m_blocks;
  std::map<int, double> m_events;
  double m_calls = 0;
  std::unique_ptr<Recording> m_capturing;
};

}  // namespace

std::unique_ptr<kernels::gpu::Device> emulated_device(int wave) {
  return std::make_unique<EmulatedDevice>(wave);
}

}  // namespace simt
