// An engine on the other side of a pipe: the same window, the same messages. A child process stands for the machine.
#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <thread>
#include <vector>

#include "app/window/engine_remote.h"
#include "tests/support/temp_folder.h"
#include "tests/window/driver.h"
#include "tests/window/live_story.h"

namespace tests {
namespace {

const std::string kServe = std::string(DS_BINARY_DIR) + "/decodescope-record serve --stdio";

// Replies until one of type T is there.
template <class T>
T wait_for(app::EngineLink& link) {
  const double begin = app::steady_seconds();
  while (app::steady_seconds() - begin < 300) {
    for (trace::Reply& reply : link.poll()) {
      if (T* found = std::get_if<T>(&reply)) return std::move(*found);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  FAIL("waited in vain for a reply; the link says: " << link.state().text);
  return {};
}

}  // namespace

TEST_CASE("remote: a host becomes an ssh command line, a command line stays one") {
  CHECK(app::serve_command("user@mi355x").find("ssh -C") != std::string::npos);
  CHECK(app::serve_command("user@mi355x").ends_with("'user@mi355x' decodescope-record serve --stdio"));
  CHECK(app::serve_command("docker run x serve --stdio") == "docker run x serve --stdio");
}

TEST_CASE("remote: the window connects, runs live, flips, records and stores as with its own engine") {
  const TempFolder folder;
  Gui gui({.engine = true, .db = folder / "runs.db"});
  gui.bench().act(ui::action::Connect{kServe});
  CHECK(gui.state().session.host == kServe);
  shorten(gui.state());
  gui.run([&](ImGuiTestContext* ctx) { flip_record_reopen(ctx, gui.bench()); });
  gui.run([&](ImGuiTestContext* ctx) {   // back to the engine of this process
    ctx->ItemClick("//Session/###machine");
    ctx->ItemClick("//$FOCUSED/this machine");
    if (!until(ctx, "the own engine", [&] { return gui.state().session.connected && gui.state().session.remote.empty(); })) return;
  });
}

TEST_CASE("remote: a recording comes packed over a slow wire, and the window says how much of it is there", "[slow]") {
  const TempFolder folder;
  // 4 KiB every 20 ms.
  const std::string wire = "import sys, time\nwhile b := sys.stdin.buffer.read1(4096):\n  sys.stdout.buffer.write(b); sys.stdout.buffer.flush(); time.sleep(0.02)";
  Gui gui({.engine = true, .db = folder / "runs.db"});
  gui.bench().act(ui::action::Connect{kServe + " | python3 -c '" + wire + "'"});
  shorten(gui.state());
  gui.state().draft.model.layers = 40;   // a trace worth waiting for
  ui::AppState& state = gui.state();
  gui.run([&](ImGuiTestContext* ctx) {
    if (!until(ctx, "the engine's welcome", [&] { return state.session.connected; })) return;
    click(ctx, "Session", "Start engine");
    if (!until(ctx, "a live step", [&] { return state.find(state.session.live) && state.find(state.session.live)->run->trace; })) return;
    gui.bench().act(ui::action::Record{32});
    std::vector<int64_t> seen;
    int64_t whole = 0;
    if (!until(ctx, "the recording", [&] {
          const int64_t coming = state.session.coming_bytes;
          if (coming > whole) whole = coming, seen.clear();   // the recording is the largest of what comes
          if (coming > 0 && coming == whole) seen.push_back(state.session.receiving_bytes);
          return std::ranges::any_of(state.runs, [](const ui::OpenRun& r) { return !r.live && r.run->trace; });
        }))
      return;
    const auto run = std::ranges::find_if(state.runs, [](const ui::OpenRun& r) { return !r.live; });
    const auto events = static_cast<int64_t>(run->run->trace->events.size());
    IM_CHECK_GT(events, 15000);
    ctx->LogInfo("%lld bytes, %zu readings", static_cast<long long>(whole), seen.size());
    IM_CHECK_GT(whole, 0);
    IM_CHECK_LT(whole, events * 24);   // as plain JSON numbers an event has over a hundred bytes
    seen.erase(std::unique(seen.begin(), seen.end()), seen.end());
    IM_CHECK_GT(seen.size(), size_t{2});
    IM_CHECK(std::ranges::is_sorted(seen));
  });
}

TEST_CASE("remote: a link that drops says so, keeps what came, and comes back by itself") {
  // The first connection ends after its welcome; the next ones stay.
  const TempFolder folder;
  const std::string marker = folder / "second";
  const std::string command = "if [ -e " + marker + " ]; then exec " + kServe + "; else touch " + marker + "; { read l; echo \"$l\"; sleep 0.3; } | " + kServe + "; echo the wire was cut >&2; exit 7; fi";
  const auto link = app::remote_engine(command, "box", "test");
  const auto first = wait_for<trace::reply::Welcome>(*link);
  CHECK(first.protocol == trace::kProtocol);
  const auto failed = wait_for<trace::reply::Failed>(*link);
  CHECK(failed.error.line().find("the link to box dropped") != std::string::npos);
  CHECK(failed.error.line().find("the wire was cut") != std::string::npos);
  wait_for<trace::reply::Welcome>(*link);
  CHECK(link->state().phase == app::LinkPhase::up);
}

TEST_CASE("remote: another protocol is refused with both versions named, and not tried again") {
  const TempFolder folder;
  const std::string count = folder / "count";
  const auto link = app::remote_engine("echo x >> " + count + "; read l; echo '{\"type\":\"welcome\",\"protocol\":99,\"version\":\"9.9 abc\",\"backends\":[]}'; cat > /dev/null", "box", "0.1 here");
  const auto refused = wait_for<trace::reply::Refused>(*link);
  const std::string line = refused.error.line();
  INFO(line);
  CHECK(line.find("99 (9.9 abc)") != std::string::npos);
  CHECK(line.find("0.1 here") != std::string::npos);
  while (link->state().phase != app::LinkPhase::down) std::this_thread::sleep_for(std::chrono::milliseconds(2));
  std::ifstream in(count);
  CHECK(std::string(std::istreambuf_iterator<char>(in), {}) == "x\n");
}

TEST_CASE("remote: a command that fails says why and requests are refused meanwhile") {
  const auto link = app::remote_engine("echo no such host >&2; exit 255", "box", "test");
  const double begin = app::steady_seconds();
  while (link->state().phase != app::LinkPhase::down && app::steady_seconds() - begin < 300) std::this_thread::sleep_for(std::chrono::milliseconds(2));
  CHECK(link->state().text.find("exit code 255, no such host") != std::string::npos);
  link->post(trace::request::Start{});
  wait_for<trace::reply::Refused>(*link);
}

TEST_CASE("remote: noise of a login shell before the first message does no harm") {
  const auto link = app::remote_engine("echo Welcome to this machine; exec " + kServe, "box", "test");
  wait_for<trace::reply::Welcome>(*link);
  CHECK(link->state().phase == app::LinkPhase::up);
}

}  // namespace tests
