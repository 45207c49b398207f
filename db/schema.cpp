#include "db/schema.h"

#include <array>

namespace db {
namespace {

// Version 1. Conventions: strict tables; times are integer ns of the collector's clock minus origin_ns; i = index of
// the row within its run, so that one row names another by (run, i); NULL = not known (a double that is NaN too);
// *_us are measured step times in microseconds. What can be derived from these rows (bubbles, layers, statistics)
// is computed on load and never stored. spec, report and the texts of ab are JSON objects of trace/run_json.h.
constexpr const char* kVersion1 = R"sql(
CREATE TABLE run (
  id INTEGER PRIMARY KEY AUTOINCREMENT,  -- an id is never used twice
  name TEXT NOT NULL,
  created TEXT NOT NULL,                 -- ISO 8601, UTC
  origin TEXT NOT NULL,                  -- engine | imported | sample
  program TEXT NOT NULL,
  host TEXT NOT NULL,
  backend TEXT NOT NULL,
  device TEXT NOT NULL,
  standing TEXT NOT NULL,
  spec TEXT,
  report TEXT,
  traced_step_us REAL,
  step_median_us REAL, step_lo_us REAL, step_hi_us REAL,
  step_n INTEGER NOT NULL,
  kernels_per_step REAL,
  tags TEXT NOT NULL,
  note TEXT NOT NULL,
  starred INTEGER NOT NULL CHECK (starred IN (0, 1)),
  content_hash INTEGER NOT NULL,         -- finds runs that may be equal; a comparison decides
  removed_at TEXT                        -- hidden since, ISO 8601; purged later
) STRICT;
CREATE INDEX run_by_content ON run (content_hash);

CREATE TABLE run_toggle (                -- the switches in spec, for filters
  run INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
  key TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (run, key)
) STRICT, WITHOUT ROWID;
CREATE TABLE step_time (                 -- the untraced pass
  run INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
  i INTEGER NOT NULL,
  us REAL,
  PRIMARY KEY (run, i)
) STRICT, WITHOUT ROWID;

CREATE TABLE trace (                     -- at most one a run
  run INTEGER PRIMARY KEY REFERENCES run ON DELETE CASCADE,
  title TEXT NOT NULL,
  source TEXT NOT NULL,
  collector TEXT NOT NULL,
  collector_version TEXT NOT NULL,
  clock TEXT NOT NULL,                   -- host | cupti | roctracer | rocprofiler | stamps | unknown
  resolution_ns INTEGER NOT NULL,
  origin_ns INTEGER NOT NULL             -- add to get the collector's clock
) STRICT;
CREATE TABLE device (
  run INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
  i INTEGER NOT NULL,
  id TEXT NOT NULL,
  name TEXT NOT NULL,
  vendor TEXT NOT NULL,
  PRIMARY KEY (run, i)
) STRICT, WITHOUT ROWID;
CREATE TABLE lane (
  run INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
  i INTEGER NOT NULL,
  device INTEGER NOT NULL,
  stream INTEGER NOT NULL,
  kind TEXT NOT NULL,                    -- gpu | host
  label TEXT NOT NULL,
  logical INTEGER NOT NULL,
  PRIMARY KEY (run, i)
) STRICT, WITHOUT ROWID;
CREATE TABLE string (                    -- names of kernels, calls and annotations
  run INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
  i INTEGER NOT NULL,
  text TEXT NOT NULL,
  PRIMARY KEY (run, i)
) STRICT, WITHOUT ROWID;
CREATE TABLE op (
  run INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
  i INTEGER NOT NULL,
  key TEXT NOT NULL,
  PRIMARY KEY (run, i)
) STRICT, WITHOUT ROWID;
CREATE TABLE category (                  -- what event.category means in this file
  code INTEGER PRIMARY KEY,
  key TEXT NOT NULL UNIQUE
) STRICT;
CREATE TABLE event (                     -- by (lane, start, end)
  run INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
  i INTEGER NOT NULL,
  lane INTEGER NOT NULL,
  start_ns INTEGER NOT NULL,
  duration_ns INTEGER NOT NULL,
  name INTEGER NOT NULL,                 -- string.i
  op INTEGER,                            -- op.i
  kind INTEGER NOT NULL,                 -- 0 kernel, 1 memcpy, 2 memset
  category INTEGER NOT NULL,
  step INTEGER,
  correlation INTEGER,
  call INTEGER,                          -- call.i: the launch
  detail INTEGER,                        -- detail.i
  PRIMARY KEY (run, i)
) STRICT, WITHOUT ROWID;
CREATE TABLE detail (
  run INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
  i INTEGER NOT NULL,
  grid_x INTEGER, grid_y INTEGER, grid_z INTEGER,
  block_x INTEGER, block_y INTEGER, block_z INTEGER,
  registers INTEGER,
  lds_bytes INTEGER,
  bytes INTEGER,
  flops INTEGER,
  graph_node INTEGER,
  hsa_queue INTEGER,
  layer INTEGER,
  PRIMARY KEY (run, i)
) STRICT, WITHOUT ROWID;
CREATE TABLE call (                      -- by start
  run INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
  i INTEGER NOT NULL,
  start_ns INTEGER NOT NULL,
  duration_ns INTEGER NOT NULL,
  name INTEGER NOT NULL,
  correlation INTEGER,
  thread INTEGER NOT NULL,
  PRIMARY KEY (run, i)
) STRICT, WITHOUT ROWID;
CREATE TABLE annotation (                -- by start
  run INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
  i INTEGER NOT NULL,
  start_ns INTEGER NOT NULL,
  duration_ns INTEGER NOT NULL,
  name INTEGER NOT NULL,
  thread INTEGER NOT NULL,
  PRIMARY KEY (run, i)
) STRICT, WITHOUT ROWID;
CREATE TABLE edge (                      -- dependencies the recorder knew
  run INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
  i INTEGER NOT NULL,
  from_event INTEGER NOT NULL,
  to_event INTEGER NOT NULL,
  PRIMARY KEY (run, i)
) STRICT, WITHOUT ROWID;

CREATE TABLE ab (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  run_a INTEGER NOT NULL UNIQUE REFERENCES run ON DELETE CASCADE,
  run_b INTEGER NOT NULL UNIQUE REFERENCES run ON DELETE CASCADE,
  spec TEXT NOT NULL,
  estimate TEXT NOT NULL,
  equivalence TEXT NOT NULL,
  removed TEXT NOT NULL,                 -- launches a step that only the first arm has, by name
  added TEXT NOT NULL,
  notes TEXT NOT NULL
) STRICT;
CREATE TABLE ab_instance (
  ab INTEGER NOT NULL REFERENCES ab ON DELETE CASCADE,
  i INTEGER NOT NULL,
  null_arm INTEGER NOT NULL CHECK (null_arm IN (0, 1)),
  PRIMARY KEY (ab, i)
) STRICT, WITHOUT ROWID;
CREATE TABLE ab_quad (                   -- mean step of the four blocks, in the order they ran
  ab INTEGER NOT NULL REFERENCES ab ON DELETE CASCADE,
  instance INTEGER NOT NULL,
  i INTEGER NOT NULL,
  a1_us REAL, b1_us REAL, b2_us REAL, a2_us REAL,
  dropped INTEGER NOT NULL CHECK (dropped IN (0, 1)),
  PRIMARY KEY (ab, instance, i)
) STRICT, WITHOUT ROWID;
CREATE TABLE ab_step (                   -- every kept step
  ab INTEGER NOT NULL REFERENCES ab ON DELETE CASCADE,
  instance INTEGER NOT NULL,
  arm INTEGER NOT NULL CHECK (arm IN (0, 1)),
  i INTEGER NOT NULL,
  us REAL,
  PRIMARY KEY (ab, instance, arm, i)
) STRICT, WITHOUT ROWID;
)sql";

// Version 2. What somebody laid beside a run: a benchmark's figures ("serving"), how a window showed it ("view").
// JSON texts, each read by who knows its key; a key that a program does not know it leaves alone.
constexpr const char* kVersion2 = R"sql(
CREATE TABLE attachment (
  run INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
  key TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (run, key)
) STRICT, WITHOUT ROWID;
)sql";

// Version 3. Benches (trace/bench.h): a run without a trace whose rows stand here.
constexpr const char* kVersion3 = R"sql(
CREATE TABLE bench (
  run INTEGER PRIMARY KEY REFERENCES run ON DELETE CASCADE,
  kind TEXT NOT NULL,                    -- kernels | step
  cache TEXT NOT NULL,
  workers INTEGER NOT NULL,              -- of the CPU; 0 = a graph, replayed
  read_gbps REAL, copy_gbps REAL, bf16_tflops REAL, fp8_tflops REAL,   -- ceilings, measured in the same run
  empty_node_us REAL
) STRICT;
CREATE TABLE bench_read (                -- cold reads by size
  run INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
  i INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  us REAL,
  PRIMARY KEY (run, i)
) STRICT, WITHOUT ROWID;
CREATE TABLE bench_row (
  run INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
  i INTEGER NOT NULL,
  op TEXT NOT NULL,
  what TEXT NOT NULL,                    -- which launch, its shape
  us REAL,
  launches INTEGER NOT NULL,             -- in a step
  bytes INTEGER NOT NULL,
  flops INTEGER NOT NULL,
  floor_us REAL,
  streams_weights INTEGER NOT NULL CHECK (streams_weights IN (0, 1)),
  floor_35_us REAL,                      -- of a whole step: at 35 launches a layer
  PRIMARY KEY (run, i)
) STRICT, WITHOUT ROWID;
)sql";

constexpr std::array kMigrations{kVersion1, kVersion2, kVersion3};

}  // namespace

Migrations migrations() { return kMigrations; }

}  // namespace db
