#include <unistd.h>

#include <array>
#include <ctime>

#include "app/source.h"
#include "app/version.h"

namespace app {

std::string now_utc() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text.data();
}

std::string host_name() {
  std::array<char, 256> text{};
  return gethostname(text.data(), text.size() - 1) == 0 ? std::string(text.data()) : std::string("unknown");
}

std::string program_name() { return std::string(decodescope_version()) + " " + decodescope_commit(); }

}  // namespace app
