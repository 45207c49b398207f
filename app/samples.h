// The samples in the binary: bundles of assets/samples/, opened without touching the user's store.
#pragma once
#include <string>
#include <vector>

#include "trace/result.h"
#include "trace/run.h"

namespace app {

// The three published decode layers: MI355X one stream, MI355X two streams, B200; in that order.
trace::Result<std::vector<trace::Run>> published_layers();

}  // namespace app
