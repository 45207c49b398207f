#include "app/window/links.h"

namespace app {

std::unique_ptr<EngineLink> local_engine() {
  return nullptr;
}

}  // namespace app
