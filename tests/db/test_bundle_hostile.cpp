// Bundles from strangers (victim.h).
#include <catch2/catch_test_macros.hpp>

#include "tests/db/victim.h"

using namespace tests;

namespace {

bool starts(const std::string& text, const char* with) {
  INFO(text);
  const bool holds = text.starts_with(with);
  CHECK(holds);
  return holds;
}

}  // namespace

TEST_CASE("hostile bundles: a sound one passes") {
  Victim victim;
  CHECK(victim.import_bytes(victim.sound()) == "");
}

TEST_CASE("hostile bundles: random bytes") {
  INFO("seed " << Catch::getSeed());
  Victim victim;
  for (int i = 0; i < 50; ++i) {
    std::string bytes(static_cast<size_t>(pick(victim.random(), 0, 20000)), 0);
    for (char& c : bytes) c = static_cast<char>(victim.random()());
    CHECK(victim.import_bytes(bytes) == "not a .decodescope bundle");
    // With a header that promises more.
    if (bytes.size() >= 100) CHECK(victim.import_bytes(victim.sound().substr(0, 100) + bytes.substr(100)) != "");
  }
}

TEST_CASE("hostile bundles: truncated anywhere") {
  INFO("seed " << Catch::getSeed());
  Victim victim;
  const auto size = static_cast<int64_t>(victim.sound().size());
  for (int i = 0; i < 60; ++i) {
    const int64_t cut = i < 20 ? i * 4096 * size / (20 * 4096) : i < 30 ? size - 1 - (i - 20) * 3 : pick(victim.random(), 0, size - 1);
    INFO("cut at " << cut << " of " << size);
    CHECK(victim.import_bytes(victim.sound().substr(0, static_cast<size_t>(cut))) != "");
  }
}

TEST_CASE("hostile bundles: bytes changed at random") {
  INFO("seed " << Catch::getSeed());
  Victim victim;
  int taken = 0;
  for (int i = 0; i < 150; ++i) {
    std::string bytes = victim.sound();
    for (int64_t k = pick(victim.random(), 1, 20); k > 0; --k)
      bytes[static_cast<size_t>(pick(victim.random(), 0, static_cast<int64_t>(bytes.size()) - 1))] =
          static_cast<char>(victim.random()());
    taken += victim.import_bytes(bytes) == "";   // it may hit a name or free space
  }
  CHECK(taken < 150);
}

TEST_CASE("hostile bundles: schemas that we did not make") {
  Victim v;
  starts(v.import_after("CREATE TRIGGER t AFTER INSERT ON run BEGIN DELETE FROM run; END"),
         "holds what no bundle holds: the trigger t");
  starts(v.import_after("CREATE VIEW secrets AS SELECT load_extension('x')"),
         "holds what no bundle holds: the view secrets");
  starts(v.import_after("DROP TABLE edge; CREATE VIEW edge AS SELECT 1 AS run"),
         "holds what no bundle holds: the view edge");
  starts(v.import_after("CREATE VIRTUAL TABLE f USING fts5(x)"), "holds what no bundle holds: the table f");
  starts(v.import_after("CREATE INDEX slow ON event (lane)"), "holds what no bundle holds: the index slow");
  starts(v.import_after("ALTER TABLE run ADD COLUMN extra TEXT"), "the table run is not defined as in a bundle");
  starts(v.import_after("ALTER TABLE event RENAME COLUMN lane TO row"), "the table event is not defined");
  starts(v.import_after("DROP TABLE ab_step"), "tables of a bundle are missing");
  starts(v.import_after("ANALYZE"), "holds what no bundle holds: the table sqlite_stat1");
  starts(v.import_after("PRAGMA application_id = 7"), "not a .decodescope bundle");
  starts(v.import_after("PRAGMA user_version = 99"), "written by a newer version of the program: schema 99, this");
  starts(v.import_after("PRAGMA user_version = 0"), "no such schema version: 0");
  starts(v.import_after("PRAGMA user_version = -5"), "no such schema version: -5");
  // Two tables that share their pages, a table that is an index, a root that is not there.
  const std::string schema = "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET rootpage = ";
  CHECK(v.import_after(schema + "(SELECT rootpage FROM sqlite_schema WHERE name = 'run') WHERE name = 'op'") != "");
  CHECK(v.import_after(schema + "100000 WHERE name = 'event'") != "");
  CHECK(v.import_after(schema + "0 WHERE name = 'event'") != "");
  CHECK(v.import_after(schema + "1 WHERE name = 'event'") != "");
  const std::string writable = "PRAGMA writable_schema = ON; ";
  CHECK(v.import_after(writable + "UPDATE sqlite_schema SET sql = 'garbage' WHERE name = 'run'") != "");
  CHECK(v.import_after(writable + "DELETE FROM sqlite_schema") != "");
  CHECK(v.import_after("DELETE FROM run") == "the bundle holds no runs");
}

TEST_CASE("hostile bundles: values out of range") {
  Victim v;
  for (const char* sql :
       {"UPDATE event SET lane = 1000 WHERE i = 3", "UPDATE event SET lane = -1 WHERE i = 3",
        "UPDATE event SET lane = 1 << 40 WHERE i = 3", "UPDATE event SET name = 100000 WHERE i = 3",
        "UPDATE event SET op = 70000 WHERE i = 3", "UPDATE event SET op = 60000 WHERE i = 3",
        "UPDATE event SET kind = 3 WHERE i = 3", "UPDATE event SET kind = 256 WHERE i = 3",
        "UPDATE event SET category = 900 WHERE i = 3", "UPDATE event SET category = -1 WHERE i = 3",
        "DELETE FROM category", "UPDATE event SET detail = 50000 WHERE i = 3",
        "UPDATE event SET call = 4294967296 WHERE i = 3", "UPDATE event SET call = 50000 WHERE i = 3",
        "UPDATE event SET step = 1 << 33 WHERE i = 3", "UPDATE event SET duration_ns = -1 WHERE i = 3",
        "UPDATE event SET start_ns = 9223372036854775807 WHERE i = 3",
        "UPDATE event SET start_ns = -9223372036854775807 WHERE i = 3",
        "UPDATE event SET duration_ns = 9223372036854775807 WHERE i = 3",
        "UPDATE event SET start_ns = 4611686018427387905, duration_ns = 0 WHERE i = 79",
        "DELETE FROM event WHERE i = 3", "UPDATE event SET i = -1 WHERE i = 0", "UPDATE event SET i = 5000 WHERE i = 3",
        "DELETE FROM lane", "DELETE FROM device", "DELETE FROM string", "DELETE FROM op",
        "UPDATE string SET text = 'x' WHERE i = 0", "UPDATE lane SET device = 99", "UPDATE lane SET device = -1",
        "UPDATE lane SET logical = 99", "UPDATE lane SET kind = 'tpu'", "UPDATE trace SET clock = 'sundial'",
        "UPDATE trace SET origin_ns = -9223372036854775807 - 1", "UPDATE trace SET resolution_ns = 0",
        "UPDATE edge SET to_event = 999999", "UPDATE edge SET to_event = -1",
        "INSERT INTO edge SELECT run, (SELECT max(i) + 1 FROM edge WHERE run = e.run) + i, to_event, from_event "
        "FROM edge e",
        "UPDATE detail SET registers = 1 << 40", "UPDATE detail SET grid_x = -(1 << 40)",
        "UPDATE run SET origin = 'moon'", "UPDATE run SET spec = '{'", "UPDATE run SET spec = '[]'",
        "UPDATE run SET spec = '{\"workload\": {\"batch\": \"x\"}}'",
        "UPDATE run SET spec = '{\"toggles\": {\"cat_skip\": \"sideways\"}}'",
        "UPDATE run SET spec = '{\"model\": ' || replace(hex(zeroblob(50000)), '00', '[') || '}'",
        "UPDATE run SET report = '7'", "UPDATE step_time SET i = 40 WHERE i = 0",
        "UPDATE ab SET spec = 'x'", "UPDATE ab SET estimate = '{\"verdict\": \"great\"}'",
        "INSERT INTO ab_quad VALUES (1, 77, 0, 1, 1, 1, 1, 0)", "INSERT INTO ab_quad VALUES (1, -1, 0, 1, 1, 1, 1, 0)",
        "INSERT INTO ab_step VALUES (1, 77, 0, 0, 1)"}) {
    INFO(sql);
    const std::string error = v.import_after(sql);
    CHECK(error != "");
    CHECK(error.starts_with("damaged or not ours: "));
  }
}

TEST_CASE("hostile bundles: values of another type") {
  Victim v;
  for (const auto& [table, sql] : std::initializer_list<std::pair<const char*, const char*>>{
           {"event", "UPDATE event SET lane = 'zero' WHERE i = 3"},
           {"event", "UPDATE event SET start_ns = 1.5 WHERE i = 3"},
           {"event", "UPDATE event SET start_ns = NULL WHERE i = 3"},
           {"event", "UPDATE event SET call = x'0102' WHERE i = 3"},
           {"run", "UPDATE run SET name = x'00ff'"},
           {"run", "UPDATE run SET name = NULL"},
           {"run", "UPDATE run SET step_median_us = 'fast'"},
           {"string", "UPDATE string SET text = x'414243' WHERE i = 1"},
           {"step_time", "UPDATE step_time SET us = 'slow'"}}) {
    INFO(sql);
    const std::string error = v.import_untyped(table, sql);
    CHECK(error != "");
    CHECK((error.starts_with("damaged or not ours: ") || error.starts_with("the bundle is damaged: ")));
  }
}

TEST_CASE("hostile bundles: huge values") {
  Victim v;
  starts(v.import_after("UPDATE run SET note = replace(hex(zeroblob(9000000)), '00', 'xx')"), "a value is larger than");
  starts(v.import_after("UPDATE string SET text = replace(hex(zeroblob(9000000)), '00', 'xx') WHERE i = 1"),
         "a value is larger than");
  // Large but legal.
  CHECK(v.import_after("UPDATE run SET note = replace(hex(zeroblob(500000)), '00', 'xx')") == "");
}

TEST_CASE("hostile bundles: A/Bs that link what is not there are left out") {
  Victim v;
  CHECK(v.import_after("UPDATE ab SET run_b = 99") == "");
  CHECK(v.import_after("UPDATE ab SET run_b = run_a") == "");
  CHECK(v.import_after("INSERT INTO event SELECT 99, i, lane, start_ns, duration_ns, name, op, kind, category, step, "
                       "correlation, call, detail FROM event WHERE run = 3") == "");
}
