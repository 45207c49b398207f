// The store as the commands use it: opened at --db or the default place, errors as one line.
#pragma once
#include <string>

#include "db/store.h"
#include "trace/ab.h"

namespace app {

trace::Result<db::Store> open_store(const std::string& path);
// Saves both arms as two linked runs; the result comes back with their ids.
trace::Result<trace::AbResult> store_ab(db::Store&, const trace::AbResult&);

}  // namespace app
