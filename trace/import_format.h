// What an importer is given and gives back. One row of kFormats in formats.cpp each.
#pragma once
#include <string>
#include <string_view>

#include "trace/builder.h"
#include "trace/byte_source.h"
#include "trace/formats.h"

namespace trace {

struct ImportJob {
  std::string path;
  std::string format;  // the row's name with the compression: "Kineto JSON, gzip"
  const ImportOptions& options;
  BuilderFilter* filter = nullptr;   // for the importer's builder; null = everything is wanted
};

struct Format {
  std::string_view name;
  // `head`: the first bytes, decompressed, at most kSniffBytes.
  bool (*sniff)(std::string_view head);
  // `source` is at its first byte. error: not of this format after all, cancelled.
  Result<Imported> (*parse)(ByteSource& source, const ImportJob&);
};
inline constexpr size_t kSniffBytes = 256 << 10;

bool sniff_chrome(std::string_view head);
Result<Imported> import_chrome(ByteSource&, const ImportJob&);
bool sniff_rocprof_json(std::string_view head);
Result<Imported> import_rocprof_json(ByteSource&, const ImportJob&);
bool sniff_rocprof_csv(std::string_view head);
Result<Imported> import_rocprof_csv(ByteSource&, const ImportJob&);
bool sniff_sqlite(std::string_view head);
Result<Imported> import_sqlite(ByteSource&, const ImportJob&);

// What every importer does last: builds the trace, names it after the file, fills the figures of
// the report that come from the trace (resolution, ties, overlaps) and adds the caveats that hold
// for any collector. Kernels are classified by kernel_rules.h and the origin is the first event,
// unless the file is our own and says what they are.
Imported finish_import(TraceBuilder&, ImportReport&&, const ImportJob&,
                       bool own_export = false);

}  // namespace trace
