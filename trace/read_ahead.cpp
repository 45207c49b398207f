#include "trace/read_ahead.h"

#include <algorithm>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <mutex>
#include <new>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

namespace trace {
namespace {

constexpr size_t kBlockBytes = 1 << 20;
constexpr size_t kBlocks = 4;

class ReadAhead final : public ByteSource {
 public:
  explicit ReadAhead(std::unique_ptr<ByteSource> inner) : m_inner(std::move(inner)) {
    m_total = m_inner->total_bytes();
    m_compression = m_inner->compression();
    m_thread = std::jthread([this](std::stop_token stop) { run(stop); });
  }

  size_t read(std::span<char> into) override {
    size_t got = 0;
    while (got < into.size() && next_block()) {
      const size_t bytes = std::min(into.size() - got, m_block.size() - m_used);
      std::memcpy(into.data() + got, m_block.data() + m_used, bytes);
      m_used += bytes;
      got += bytes;
    }
    return got;
  }

 private:
  // Whether m_block has bytes left, after waiting for one if need be.
  bool next_block() {
    if (m_used < m_block.size()) return true;
    std::unique_lock lock(m_mutex);
    m_block.clear();
    m_spare.push_back(std::move(m_block));
    m_block.clear();
    m_used = 0;
    m_changed.notify_all();
    m_changed.wait(lock, [&] { return !m_ready.empty() || m_ended; });
    if (m_ready.empty()) {
      m_problem = m_last_problem;
      return false;
    }
    m_block = std::move(m_ready.front());
    m_ready.pop_front();
    return !m_block.empty();
  }

  void run(std::stop_token stop) {
    try {
      read_blocks(stop);
    } catch (const std::bad_alloc&) {
      const std::unique_lock lock(m_mutex);
      m_last_problem = "out of memory";
      m_ended = true;
      m_changed.notify_all();
    }
  }

  void read_blocks(std::stop_token stop) {
    std::vector<char> block;
    for (bool more = true; more;) {
      block.resize(kBlockBytes);
      block.resize(m_inner->read(block));
      more = block.size() == kBlockBytes;
      std::unique_lock lock(m_mutex);
      m_ready.push_back(std::move(block));
      if (!more) {
        m_last_problem = m_inner->problem();
        m_ended = true;
      }
      m_changed.notify_all();
      if (!m_changed.wait(lock, stop, [&] { return m_ready.size() < kBlocks; })) return;
      block.clear();
      if (!m_spare.empty()) {
        block = std::move(m_spare.back());
        m_spare.pop_back();
      }
    }
  }

  std::unique_ptr<ByteSource> m_inner;
  std::vector<char> m_block;  // the reader's
  size_t m_used = 0;
  std::mutex m_mutex;
  std::condition_variable_any m_changed;
  std::deque<std::vector<char>> m_ready;
  std::vector<std::vector<char>> m_spare;
  bool m_ended = false;        // nothing more will come into m_ready
  std::string m_last_problem;  // of the inner source, once ended
  std::jthread m_thread;       // last: it ends before what it uses
};

}  // namespace

std::unique_ptr<ByteSource> read_ahead(std::unique_ptr<ByteSource> inner) {
  return std::make_unique<ReadAhead>(std::move(inner));
}

}  // namespace trace
