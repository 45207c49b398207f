// The window's engine in this process: engine::Host has its own thread, the messages are a queue.
#include "app/source.h"
#include "app/window/links.h"
#include "engine/host.h"

namespace app {
namespace {

class LocalEngine final : public EngineLink {
 public:
  void post(trace::Request request) override { m_host.post(std::move(request)); }
  std::vector<trace::Reply> poll() override { return m_host.poll(); }

 private:
  engine::Host m_host{program_name()};
};

}  // namespace

std::unique_ptr<EngineLink> local_engine() {
  return std::make_unique<LocalEngine>();
}

}  // namespace app
