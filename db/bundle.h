// Bundles: one or more runs in a file of their own (`.decodescope`), in the schema of a store but without a log
// beside it. It is what people send each other, so reading one trusts nothing: it is opened read-only and immutable,
// its header, schema text, structure, types, sizes and every index are checked before a Trace is built, and whatever
// is odd is one clear Error. An older schema is migrated in a temporary copy.
//
// Thread rule: as the Store given.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "db/store.h"
#include "trace/result.h"
#include "trace/run.h"
#include "trace/scrub.h"

namespace db {

// Whether the file starts as a store or bundle of ours does; its inside may still be refused.
bool is_bundle(const std::string& path);

struct BundleOptions {
  trace::Scrubber* scrubber = nullptr;   // takes names and folders out of what is written, and says what; null = as it is
  std::string view;                      // how a window shows these runs, for each of them; empty = as stored
};

// Writes the runs, and each A/B that both its runs are given for, to a new file that takes `path`'s place only when
// it is whole and on disk. Ids count from 1 in the order given.
// error: no such run, no space, path is the store itself ...; nothing is at `path` then that was not before.
trace::Status export_bundle(Store&, const std::vector<int64_t>& runs, const std::string& path, const BundleOptions& = {});

struct ImportedRun {
  int64_t id = 0;          // in the store
  std::string name;
  bool existed = false;    // the same measurement was there already: nothing was copied
  bool restored = false;   // it was there but removed, and is back
};
struct BundleImport {
  std::vector<ImportedRun> runs;
  int abs = 0;             // A/B records that came along
};

// Copies every run with its name, note, tags and A/B, under new ids, all or nothing.
trace::Result<BundleImport> import_bundle(const std::string& path, Store&);

// The runs of a bundle with their traces, without a store: id 0, ab_id as in the file.
trace::Result<std::vector<trace::Run>> read_bundle(const std::string& path);
// What was laid beside the runs of a bundle under this key, in the order of read_bundle(); "" where there is none.
trace::Result<std::vector<std::string>> read_bundle_attachments(const std::string& path, const std::string& key);

}  // namespace db
