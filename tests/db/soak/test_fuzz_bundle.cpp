// A minute of damaged bundles: bytes, runs of bytes, pages exchanged and repeated, lengths in headers.
#include <chrono>

#include "tests/db/victim.h"

using namespace tests;

namespace {

constexpr int64_t kPage = 4096;

void damage(Random& random, std::string& bytes) {
  const auto size = static_cast<int64_t>(bytes.size());
  const auto anywhere = [&](int64_t room) { return static_cast<size_t>(pick(random, 0, size - room)); };
  const auto page = [&] { return static_cast<size_t>(pick(random, 0, size / kPage - 1) * kPage); };
  switch (pick(random, 0, 4)) {
    case 0: bytes[anywhere(1)] = static_cast<char>(random()); break;
    case 1: bytes.replace(anywhere(64), 64, bytes.substr(anywhere(64), 64)); break;
    case 2: bytes.replace(page(), kPage, bytes.substr(page(), kPage)); break;
    case 3: bytes[page() + static_cast<size_t>(pick(random, 0, 15))] = static_cast<char>(random()); break;   // page header
    default:
      bytes[anywhere(1)] ^= static_cast<char>(1 << pick(random, 0, 7));
      break;
  }
}

}  // namespace

TEST_CASE("a minute of damaged bundles") {
  INFO("seed " << Catch::getSeed());
  Victim victim;
  const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  int tried = 0, taken = 0;
  for (; std::chrono::steady_clock::now() < end; ++tried) {
    std::string bytes = victim.sound();
    for (int64_t k = pick(victim.random(), 1, 5); k > 0; --k) damage(victim.random(), bytes);
    taken += victim.import_bytes(bytes).empty();
  }
  CHECK(tried > taken);
  WARN(tried << " bundles, " << taken << " taken");
}
