// serve --stdio: the engine for a window on another machine. One JSON message a line, requests in, replies out.
#include <poll.h>
#include <unistd.h>

#include <CLI/CLI.hpp>

#include <array>
#include <cerrno>
#include <csignal>
#include <memory>

#include "app/args.h"
#include "app/commands.h"
#include "app/output.h"
#include "app/source.h"
#include "engine/host.h"
#include "trace/messages_json.h"

namespace app {

namespace {

// A line longer than this is no request: the longest real ones are a few kilobytes.
constexpr size_t kLongestLine = size_t{1} << 20;
// A reply from here on is announced, so that the other side can show how much of it has come: a recording takes seconds
// on a slow link.
constexpr size_t kAnnounced = size_t{64} << 10;

class Server {
 public:
  int run() {
    while (!m_ended) {
      if (m_reading) read_requests();
      else m_host.wait(20);
      write_replies();
    }
    return m_peer_gone ? kFailed : kDone;
  }

 private:
  // Waits a little for input, since the host is looked at in the same loop: its rule is one thread.
  void read_requests() {
    pollfd input{STDIN_FILENO, POLLIN, 0};
    if (::poll(&input, 1, 5) <= 0) return;
    std::array<char, 65536> bytes;
    const ssize_t n = read(STDIN_FILENO, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) return;
    if (n <= 0) return end_of_input();
    m_buffer.append(bytes.data(), static_cast<size_t>(n));
    size_t start = 0;
    for (size_t newline; (newline = m_buffer.find('\n', start)) != std::string::npos; start = newline + 1) {
      handle(std::string_view(m_buffer).substr(start, newline - start));
    }
    m_buffer.erase(0, start);
    if (m_buffer.size() > kLongestLine) {
      write(trace::reply::Refused{{"a request is a line of at most 1 MiB", std::to_string(m_buffer.size()) + " bytes without a newline"}});
      m_buffer.clear();
    }
  }

  void handle(std::string_view line) {
    if (line.empty()) return;
    auto request = trace::read_request(line);
    if (!request) return write(trace::reply::Refused{request.error()});
    if (const auto* hello = std::get_if<trace::request::Hello>(&*request); hello && hello->protocol != trace::kProtocol) {
      write(trace::reply::Refused{{fmt::format("protocol {} of the peer ({}) is not protocol {} of this program ({})", hello->protocol,
                                               hello->version, trace::kProtocol, program_name()), "hello"}});
      m_ended = true;
      return;
    }
    if (std::holds_alternative<trace::request::Bye>(*request)) {
      m_ended = true;
      return;
    }
    m_hellos += std::holds_alternative<trace::request::Hello>(*request);
    m_host.post(std::move(*request));
  }

  // What was asked for before the input ended is still answered, so that requests can be piped in: the host handles them
  // in order, and a greeting of our own behind the last one tells that all are done. (Stop would break work off.)
  void end_of_input() {
    m_reading = false;
    m_host.post(trace::request::Hello{});
  }

  void write_replies() {
    for (const trace::Reply& reply : m_host.poll()) {
      if (m_ended) return;
      if (std::holds_alternative<trace::reply::Welcome>(reply) && m_hellos-- == 0) m_ended = true;
      else write(reply);
    }
  }

  void write(const trace::Reply& reply) {
    std::string line = trace::write_message(reply) + "\n";
    if (line.size() >= kAnnounced) line = trace::write_message(trace::Reply(trace::reply::Coming{static_cast<int64_t>(line.size())})) + "\n" + line;
    if (std::fwrite(line.data(), 1, line.size(), stdout) != line.size() || std::fflush(stdout) != 0) m_ended = m_peer_gone = true;
  }

  engine::Host m_host{program_name()};
  std::string m_buffer;
  int m_hellos = 0;   // greetings of the peer not answered yet
  bool m_reading = true, m_ended = false, m_peer_gone = false;
};

}  // namespace

void add_serve(CLI::App& cli, Context& context) {
  auto stdio = std::make_shared<bool>(false);
  auto* command = cli.add_subcommand("serve", "The engine for a window elsewhere: requests on stdin, replies on stdout, a JSON message a line.");
  command->footer("Example: ssh HOST decodescope-record serve --stdio\n"
                  "         echo '{\"type\": \"hello\", \"protocol\": 2, \"version\": \"by hand\"}' | decodescope serve --stdio");
  command->add_flag("--stdio", *stdio, "speak over stdin and stdout (the only way so far)")->required();
  command->callback([&context, stdio] {
    context.run = [stdio] {
      std::signal(SIGPIPE, SIG_IGN);   // a window that went away shows as a failed write
      return Server().run();
    };
  });
}

}  // namespace app
