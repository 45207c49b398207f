// Published decode times of the upstream changes, to stand beside measurements of ours and never in
// their place. Source: the result tables of sglang #24125.
#pragma once
#include <optional>
#include <string_view>

#include "trace/toggles.h"

namespace trace {

struct PublishedTpot {
  double before_ms, after_ms;  // time per output token, prefill interleaved
  std::string_view hardware;   // with model, quantisation and source
};

// `scenario` as "8k1k". nullopt where nothing was published.
std::optional<PublishedTpot> published_tpot(ToggleKey, std::string_view scenario, int concurrency);

}  // namespace trace
