#include "trace/hardware.h"

#include <algorithm>
#include <array>
#include <cctype>

namespace trace {
namespace {

// Looked up on 2026-11-29:
// MI355X, MI350X  8 TB/s; 256 CUs (rocm.docs.amd.com, gpu-specs) of 8,192 fp8 flops a clock (AMD at ISSCC 2026, as
//                 news.lavx.hu and world-today-news.com report: "five petaflops") at 2.4 and 2.2 GHz (AMD at Hot Chips
//                 2025, as wccftech.com reports); bf16 half of that, fp4 twice ("10 PFLOPS", humeconsulting.co). Links of
//                 153 GB/s both ways (the same page), seven of them as in the generation before.
// MI325X          6 TB/s, seven links (wiaix.com, AMD's product text); the 304 CUs of the MI300X. Rate of a link: none found.
// MI300X          5.3 TB/s, 1,307.4 and 2,614.9 TFLOP/s (github.com/alpharomercoma/MI300X-vs-H200, METHODOLOGY.md). Links: none found.
// B200            2.25, 4.5 and 9 PFLOP/s (hmc-tech.com); DGX B200's 64 TB/s of eight, NVLink 1.8 TB/s both ways (acecloud.ai).
// H100, H200      3.35 TB/s, NVLink 900 GB/s both ways (acecloud.ai); 989.4 and 1,978.9 TFLOP/s of the same chip in the H200
//                 (METHODOLOGY.md, above).
// A100            2.039 TB/s, 600 GB/s both ways (acecloud.ai), 311.9 TFLOP/s (hmc-tech.com).
const std::array<Ceilings, 8>& table() {
  static const char* const kAmd = "AMD's published peak, at second hand";
  static const char* const kNvidia = "NVIDIA's published peak, at second hand";
  static const char* const kNone = "unconfirmed: no page was found that says so";
  static const std::array<Ceilings, 8> rows = {{
      {"MI355X", kAmd, kAmd, 8000, 2516.6, 5033.2, 10066.3, 537.6},
      {"MI350X", kAmd, kAmd, 8000, 2306.9, 4613.7, 9227.5, 537.6},
      {"MI325X", kAmd, kNone, 6000, 1307.4, 2614.9, 0, 448},
      {"MI300X", kAmd, kNone, 5300, 1307.4, 2614.9, 0, 448},
      {"B200", kNvidia, kNvidia, 8000, 2250, 4500, 9000, 900},
      {"H200", "measured on one H200: read, bf16 and fp8 products of one run", kNvidia, 4697, 787, 1455, 0, 450},
      {"H100", kNvidia, kNvidia, 3350, 989.4, 1978.9, 0, 450},
      {"A100", kNvidia, kNvidia, 2039, 312, 0, 0, 300},
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
