#include "tests/emulator/lib/simt.h"

#include <algorithm>
#include <cstring>
#include <deque>
#include <memory>
#include <numeric>
#include <random>
#include <stdexcept>

#include "kernels/gpu/emulated_api.h"
#include "tests/emulator/lib/fibre.h"

namespace simt {

thread_local Index thread_index, block_index, block_size, grid_size;

namespace {

constexpr int kShown = 64;         // bytes a lane can show
constexpr int64_t kGuard = 256;    // behind the shared memory
// Of shared memory: NaN in every float format and -1; shuffled, something large: what -1 would happen to mean shows.
constexpr uint8_t poison(Order order) {
  return order == Order::shuffled ? 0x7f : 0xff;
}
constexpr uint8_t kGuardByte = 0xa5;

enum class State : uint8_t { ready, at_wave, at_barrier, done };

struct Copy {
  void* to;
  const void* from;
  int bytes;
};

struct Lane {
  Fibre fibre;
  State state = State::done;
  int parity = 0;
  std::vector<Copy> begun;                 // of the open group
  std::deque<std::vector<Copy>> under_way;  // closed groups
  alignas(16) uint8_t shown[2][kShown];
};

class Block {
 public:
  void run(const Grid& grid, Index index, const std::function<void()>& kernel) {
    m_grid = &grid, m_kernel = &kernel;
    block_index = index;
    while (m_lanes.size() < static_cast<size_t>(grid.threads)) m_lanes.push_back(std::make_unique<Lane>());
    m_lds.assign(static_cast<size_t>(grid.lds_bytes + kGuard), poison(grid.order));
    std::fill(m_lds.end() - kGuard, m_lds.end(), kGuardByte);
    for (int i = 0; i < grid.threads; ++i) {
      Lane& lane = *m_lanes[static_cast<size_t>(i)];
      lane.state = State::ready, lane.parity = 0;
      lane.begun.clear(), lane.under_way.clear();
      lane.fibre.start(&Block::entry, this);
    }
    while (phase()) {
    }
    for (int i = 0; i < grid.threads; ++i) {
      const Lane& lane = *m_lanes[static_cast<size_t>(i)];
      const auto some = [](const std::vector<Copy>& group) { return !group.empty(); };
      if (some(lane.begun) || std::any_of(lane.under_way.begin(), lane.under_way.end(), some))
        throw std::runtime_error("thread " + std::to_string(i) + " of " + where() + " ends with copies that nobody waited for");
    }
    for (auto at = m_lds.end() - kGuard; at != m_lds.end(); ++at) {
      if (*at != kGuardByte) throw std::runtime_error("wrote past the shared memory of " + where());
    }
  }

  void pause(State state) {
    Lane& lane = current();
    lane.state = state;
    lane.fibre.leave();
  }
  Lane& current() { return *m_lanes[static_cast<size_t>(m_current)]; }
  Lane& of_wave(int lane) {
    const int first = m_current / m_grid->wave * m_grid->wave;
    return *m_lanes[static_cast<size_t>(first + lane)];
  }
  unsigned char* lds() { return m_lds.data(); }
  const Grid& grid() const { return *m_grid; }

 private:
  static void entry(void* self) {
    auto* block = static_cast<Block*>(self);
    (*block->m_kernel)();
    block->current().state = State::done;
    block->current().fibre.leave();
  }

  std::string where() const {
    return "block (" + std::to_string(block_index.x) + ", " + std::to_string(block_index.y) + ")";
  }

  std::vector<int> order(int first, int count) {
    std::vector<int> all(static_cast<size_t>(count));
    std::iota(all.begin(), all.end(), first);
    if (m_grid->order == Order::reversed) std::reverse(all.begin(), all.end());
    if (m_grid->order == Order::shuffled) std::shuffle(all.begin(), all.end(), m_random);
    return all;
  }

  // Every wave up to the next barrier of the block, one after the other; shuffled: a wave operation of any at a time.
  // False when all lanes are done.
  bool phase() {
    const int wave = m_grid->wave, waves = (m_grid->threads + wave - 1) / wave;
    const auto step = [&](int w) { return run_wave(w * wave, std::min(wave, m_grid->threads - w * wave)); };
    std::vector<int> running = order(0, waves);
    if (m_grid->order == Order::shuffled) {
      while (!running.empty()) {
        const size_t i = m_random() % running.size();
        if (!step(running[i])) running.erase(running.begin() + static_cast<std::ptrdiff_t>(i));
      }
    } else {
      for (const int w : running) {
        while (step(w)) {
        }
      }
    }
    int waiting = 0;
    for (int i = 0; i < m_grid->threads; ++i) waiting += m_lanes[static_cast<size_t>(i)]->state == State::at_barrier;
    for (int i = 0; i < m_grid->threads && waiting > 0; ++i) {
      Lane& lane = *m_lanes[static_cast<size_t>(i)];
      if (lane.state == State::done)
        throw std::runtime_error("a barrier of " + where() + " is not reached by thread " + std::to_string(i));
      lane.state = State::ready;
    }
    return waiting > 0;
  }

  // Up to the wave's next operation; false when every lane waits at the block's barrier or is done.
  bool run_wave(int first, int count) {
    ++device_clock().ticks;
    for (const int i : order(first, count)) {
      Lane& lane = *m_lanes[static_cast<size_t>(i)];
      if (lane.state != State::ready) continue;
      m_current = i;
      thread_index.x = static_cast<unsigned>(i);
      lane.fibre.enter();
    }
    int shown = 0;
    for (int i = first; i < first + count; ++i) shown += m_lanes[static_cast<size_t>(i)]->state == State::at_wave;
    if (shown == 0) return false;
    if (shown != m_grid->wave)
      throw std::runtime_error("a wave operation in " + where() + " is taken by " + std::to_string(shown) + " of " +
                               std::to_string(m_grid->wave) + " lanes of the wave at thread " + std::to_string(first));
    for (int i = first; i < first + count; ++i) m_lanes[static_cast<size_t>(i)]->state = State::ready;
    return true;
  }

  const Grid* m_grid = nullptr;
  const std::function<void()>* m_kernel = nullptr;
  std::vector<std::unique_ptr<Lane>> m_lanes;
  std::vector<unsigned char> m_lds;
  std::mt19937 m_random{20261121};
  int m_current = 0;
};

thread_local std::unique_ptr<Block> t_block;

}  // namespace

void barrier() {
  t_block->pause(State::at_barrier);
}

// Two places a lane, used in turn: a lane that runs ahead to the next exchange leaves the last one readable.
void show(const void* value, int bytes) {
  Lane& lane = t_block->current();
  lane.parity ^= 1;
  std::memcpy(lane.shown[lane.parity], value, static_cast<size_t>(bytes));
  t_block->pause(State::at_wave);
}

const void* shown(int of) {
  return t_block->of_wave(of).shown[t_block->current().parity];
}

unsigned char* lds() {
  return t_block->lds();
}

void copy_later(void* to, const void* from, int bytes) {
  const auto size = static_cast<unsigned>(bytes);
  if (reinterpret_cast<uintptr_t>(to) % size != 0 || reinterpret_cast<uintptr_t>(from) % size != 0)
    throw std::runtime_error("an asynchronous copy of " + std::to_string(bytes) + " bytes that are not aligned to it");
  t_block->current().begun.push_back({to, from, bytes});
}

void close_copies() {
  Lane& lane = t_block->current();
  lane.under_way.push_back(std::move(lane.begun));
  lane.begun.clear();
}

void finish_copies(int but_the_last) {
  auto& groups = t_block->current().under_way;
  for (; groups.size() > static_cast<size_t>(but_the_last); groups.pop_front()) {
    for (const Copy& c : groups.front()) std::memcpy(c.to, c.from, static_cast<size_t>(c.bytes));
  }
}

DeviceClock& device_clock() {
  static DeviceClock clock;
  return clock;
}

namespace {

unsigned unit_index() {
  return (block_index.y * grid_size.x + block_index.x) % device_clock().units;
}

}  // namespace

unsigned unit() {
  return device_clock().id(unit_index());
}

unsigned long long clock() {
  DeviceClock& c = device_clock();
  const auto shown = static_cast<uint64_t>(static_cast<int64_t>(++c.ticks) + c.ahead(unit_index()));
  return shown / c.step * c.step;
}

void launch(const Grid& grid, const std::function<void()>& kernel) {
  device_clock().ticks += device_clock().between_launches;
  if (!t_block) t_block = std::make_unique<Block>();
  block_size = {static_cast<unsigned>(grid.threads), 1, 1};
  grid_size = {static_cast<unsigned>(grid.x), static_cast<unsigned>(grid.y), 1};
  for (int64_t y = 0; y < grid.y; ++y) {
    for (int64_t x = 0; x < grid.x; ++x) {
      const Index index{static_cast<unsigned>(x), static_cast<unsigned>(y), 0};
      try {
        t_block->run(grid, index, kernel);
      } catch (...) {
        t_block.reset();  // fibres may be halfway: their stacks go with them
        throw;
      }
    }
  }
}

}  // namespace simt
