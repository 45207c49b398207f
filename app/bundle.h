// doctor --bundle: what a machine with a GPU tells about itself, in one file to send back.
#pragma once
#include <nlohmann/json.hpp>
#include <string>

namespace engine {
struct CheckReport;
}

namespace app {

nlohmann::json check_json(const engine::CheckReport&);  // app/cmd_check.cpp

// `found`: what doctor says. Writes JSON: for each GPU that answers its node, copy and read times, the step and the skew of
// its clock, checks, and stamps against the profiler; a part that fails says why in its place. Exit code 2 with one line when no GPU answers or the file can't be written,
// 1 when a check disagrees. `once`: nothing is repeated, for tests that count nothing on times.
int write_bundle(const nlohmann::json& found, const std::string& file, bool once = false);

}  // namespace app
