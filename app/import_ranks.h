// Several files of one job, a rank each, as one run on one clock.
#pragma once
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "trace/formats.h"
#include "trace/ranks.h"
#include "trace/run.h"

namespace app {

struct RankImport {
  trace::Run run;
  trace::RankReport ranks;
};

// The rank of a file: as it says, else by a number in its name after "rank", "TP-" or "tp"; else by its place.
int rank_of(const std::string& path, int said, int place);

// error: a file that cannot be imported, or what keeps the ranks from being aligned.
trace::Result<RankImport> import_ranks(const std::vector<std::string>& files, const trace::ImportOptions&);
nlohmann::json ranks_json(const trace::RankReport&);

}  // namespace app
