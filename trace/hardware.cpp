#include "trace/hardware.h"

#include <algorithm>
#include <array>
#include <cctype>

namespace trace {
namespace {

const std::array<Ceilings, 8>& table() {
  static const char* const kAmd = "AMD's data sheet";
  static const char* const kNvidia = "NVIDIA's data sheet";
  static const std::array<Ceilings, 8> rows = {{
      {"MI355X", kAmd, 8000, 2516.6, 5033.2, 10066.3, 537.6},
      {"MI350X", kAmd, 8000, 2306.9, 4613.7, 9227.5, 537.6},
      {"MI325X", kAmd, 6000, 1307.4, 2614.9, 0, 448},
      {"MI300X", kAmd, 5300, 1307.4, 2614.9, 0, 448},
      {"B200", kNvidia, 8000, 2250, 4500, 9000, 900},
      {"H200", "measured on one H200: read, bf16 and fp8 products of one run; link from NVIDIA's data sheet", 4697, 787, 1455, 0, 450},
      {"H100", "NVIDIA's data sheet, SXM5", 3350, 989.4, 1978.9, 0, 450},
      {"A100", "NVIDIA's data sheet, 80 GB SXM4", 2039, 312, 0, 0, 300},
  }};
  return rows;
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

}  // namespace

std::span<const Ceilings> known_ceilings() { return table(); }

Result<Ceilings> ceilings_of(std::string_view device) {
  const std::string wanted = lower(device);
  std::string known;
  for (const Ceilings& row : table()) {
    if (wanted.find(lower(row.name)) != std::string::npos) return row;
    known += (known.empty() ? "" : ", ") + row.name;
  }
  return Error{"the ceilings of this device are not known: name one (" + known + ") or give them", device.empty() ? "the trace does not name its device" : std::string(device)};
}

}  // namespace trace
