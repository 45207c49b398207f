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

// The ranks of files: as each says (-1 = it does not); else by the number after "rank", or else "tp", in their names
// where that tells all of them apart; else by their place.
std::vector<int> ranks_of(const std::vector<std::string>& files, const std::vector<int>& said);

// error: a file that cannot be imported, or what keeps the ranks from being aligned.
trace::Result<RankImport> import_ranks(const std::vector<std::string>& files, const trace::ImportOptions&);
nlohmann::json ranks_json(const trace::RankReport&);

}  // namespace app
