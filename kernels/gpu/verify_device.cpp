#include "kernels/gpu/verify_device.h"

namespace kernels::gpu {
namespace {

constexpr int64_t kAlign = 256;

// The workspace's blocks, guard bands and all, one behind the other in device memory.
class Image {
 public:
  Image(Device& device, const Workspace& workspace) : m_device(device), m_spans(workspace.spans()) {
    int64_t bytes = 0;
    for (const Workspace::Span& s : m_spans) bytes += s.whole + 2 * kAlign;
    m_status = device.allocate(bytes, &m_memory);
    if (!m_status.ok()) return;
    auto* at = static_cast<uint8_t*>(m_memory);
    for (const Workspace::Span& s : m_spans) {
      // The data of a block is aligned as an allocation of its own would be.
      const int64_t before = s.data - s.memory;
      const auto data = (reinterpret_cast<uintptr_t>(at) + static_cast<uintptr_t>(before + kAlign - 1)) /
                        kAlign * kAlign;
      m_places.push_back(reinterpret_cast<uint8_t*>(data) - before);
      m_mirror.add(s.data, std::max<int64_t>(s.size, 1), reinterpret_cast<uint8_t*>(data));
      at += s.whole + 2 * kAlign;
    }
  }
  ~Image() {
    if (m_memory) m_device.release(m_memory);
  }
  Image(const Image&) = delete;
  Image& operator=(const Image&) = delete;

  const Status& status() const { return m_status; }
  const Mirror& mirror() const { return m_mirror; }
  Status upload() { return each([&](const auto& s, uint8_t* at) { return m_device.upload(at, s.memory, s.whole); }); }
  Status download() { return each([&](const auto& s, uint8_t* at) { return m_device.download(s.memory, at, s.whole); }); }

 private:
  template <class F>
  Status each(F f) {
    for (size_t i = 0; i < m_spans.size(); ++i) {
      if (Status s = f(m_spans[i], m_places[i]); !s.ok()) return s;
    }
    return {};
  }

  Device& m_device;
  std::vector<Workspace::Span> m_spans;
  std::vector<uint8_t*> m_places;
  void* m_memory = nullptr;
  Mirror m_mirror;
  Status m_status;
};

Status run_once(Device& device, Image& image, const Launch& launch) {
  Status s = image.upload();
  if (s.ok()) s = device.launch(launch, 0);
  if (s.ok()) s = device.synchronize();
  if (s.ok()) s = image.download();
  return s;
}

}  // namespace

Verdict verify(Device& device, const OpArgs& args, Workspace& workspace) {
  Verdict verdict;
  if (const Status status = check(args); !status.ok()) return {1e9, status.error};
  std::vector<Tensor> out = outputs(args);
  const std::vector<Expected> want = reference::run(args);
  if (want.size() != out.size()) return {1e9, "the reference has another number of outputs"};
  for (Tensor& t : out) poison(t);
  const auto before = workspace.snapshot();

  Image image(device, workspace);
  if (!image.status().ok()) return {1e9, image.status().error};
  OpArgs moved;
  if (const Status s = image.mirror().moved(args, &moved); !s.ok()) return {1e9, s.error};
  const Launch launch = launch_of(moved, device.info().traits);
  if (!launch.refused.empty()) return {1e9, launch.refused};

  std::vector<std::vector<uint8_t>> first;
  for (int run = 0; run < 2; ++run) {
    workspace.restore(before);
    if (const Status s = run_once(device, image, launch); !s.ok()) return {1e9, s.error};
    if (!workspace.guards_hold()) return {1e9, "wrote outside its buffers"};
    if (run == 0)
      first = workspace.snapshot();
    else if (workspace.snapshot() != first)
      return {1e9, "two runs give different bytes"};
  }
  for (size_t i = 0; i < out.size(); ++i) {
    const Judgement j = judge(out[i], want[i], sums_narrowly(launch.kernel));
    verdict.worst = std::max(verdict.worst, j.worst);
    if (!j.ok() && verdict.ok()) verdict.wrong = j.text;
  }
  return verdict;
}

}  // namespace kernels::gpu
