#include "kernels/verify.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstring>

namespace kernels {
namespace {

constexpr int64_t kGuard = 128;
constexpr uint8_t kGuardByte = 0xa5, kPoison = 0xff;

}  // namespace

uint64_t Random::next() {  // splitmix64
  uint64_t z = m_state += 0x9e3779b97f4a7c15ull;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
  return z ^ (z >> 31);
}

double Random::normal() {
  double sum = -6;
  for (int i = 0; i < 12; ++i) sum += uniform();
  return sum;
}

void Workspace::Free::operator()(uint8_t* p) const {
  if (mapped > 0)
    munmap(p, mapped);
  else
    delete[] p;
}

void* Workspace::bytes(int64_t size) {
  Buffer b;
  b.size = size;
  if (m_pages) {
    const int64_t page = sysconf(_SC_PAGESIZE), used = (size + 15) / 16 * 16;
    b.whole = (used + kGuard + page - 1) / page * page;
    const auto mapped = static_cast<size_t>(b.whole + page);
    void* memory = mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc();
    b.memory = {static_cast<uint8_t*>(memory), Free{mapped}};
    if (mprotect(b.memory.get() + b.whole, static_cast<size_t>(page), PROT_NONE) != 0) throw std::bad_alloc();
    b.data = b.memory.get() + b.whole - used;
  } else {
    b.whole = size + 2 * kGuard + 64;
    b.memory = {new uint8_t[static_cast<size_t>(b.whole)], Free{}};
    const auto start = reinterpret_cast<uintptr_t>(b.memory.get()) + kGuard;
    b.data = b.memory.get() + kGuard + (64 - start % 64) % 64;
  }
  std::memset(b.memory.get(), kGuardByte, static_cast<size_t>(b.whole));
  std::memset(b.data, kPoison, static_cast<size_t>(size));
  m_buffers.push_back(std::move(b));
  return m_buffers.back().data;
}

std::vector<Workspace::Span> Workspace::spans() const {
  std::vector<Span> all;
  for (const Buffer& b : m_buffers) all.push_back({b.memory.get(), b.data, b.size, b.whole});
  return all;
}

bool Workspace::guards_hold() const {
  const auto untouched = [](const uint8_t* begin, const uint8_t* end) {
    return std::all_of(begin, end, [](uint8_t v) { return v == kGuardByte; });
  };
  return std::all_of(m_buffers.begin(), m_buffers.end(), [&](const Buffer& b) {
    return untouched(b.memory.get(), b.data) &&
           untouched(b.data + b.size, b.memory.get() + b.whole);
  });
}

std::vector<std::vector<uint8_t>> Workspace::snapshot() const {
  std::vector<std::vector<uint8_t>> all;
  for (const Buffer& b : m_buffers) all.emplace_back(b.data, b.data + b.size);
  return all;
}

void Workspace::restore(const std::vector<std::vector<uint8_t>>& all) {
  for (size_t i = 0; i < m_buffers.size(); ++i) {
    if (!all[i].empty()) std::memcpy(m_buffers[i].data, all[i].data(), all[i].size());
  }
}

Verdict verify(const Backend& backend, const OpArgs& args, Workspace& workspace) {
  Verdict verdict;
  if (const Status status = check(args); !status.ok()) return {1e9, status.error};
  std::vector<Tensor> out = outputs(args);
  const std::vector<Expected> want = reference::run(args);
  if (want.size() != out.size()) return {1e9, "the reference has another number of outputs"};
  for (Tensor& t : out) poison(t);
  const auto before = workspace.snapshot();
  std::vector<std::vector<uint8_t>> first;
  for (int workers = 1; workers <= 3 && verdict.ok(); ++workers) {
    workspace.restore(before);
    for (int i = 0; i < workers; ++i) backend(args, Part{i, workers});
    if (!workspace.guards_hold()) return {1e9, "wrote outside its buffers"};
    if (workers > 1) {
      if (workspace.snapshot() != first)
        return {1e9, std::to_string(workers) + " workers give other bytes than one"};
      continue;
    }
    first = workspace.snapshot();
    for (size_t i = 0; i < out.size(); ++i) {
      const Judgement j = judge(out[i], want[i]);
      verdict.worst = std::max(verdict.worst, j.worst);
      if (!j.ok() && verdict.ok()) verdict.wrong = j.text;
    }
  }
  return verdict;
}

}  // namespace kernels
