#include "app/window/engine_remote.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <mutex>
#include <thread>

#include "trace/messages_json.h"

namespace app {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr size_t kMostUnreadSteps = 4096;
constexpr std::array kPauses{milliseconds(500), milliseconds(1000), milliseconds(2000), milliseconds(5000), milliseconds(10000)};

// A process under /bin/sh with a socket for its stdin and stdout and a pipe for its stderr; a group of its own, so that
// what it started ends with it.
class Child {
 public:
  explicit Child(const std::string& command) {
    int both[2] = {-1, -1}, err[2] = {-1, -1};
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, both) != 0) return;
    if (pipe2(err, O_CLOEXEC) != 0) {
      close(both[0]);
      close(both[1]);
      return;
    }
    m_pid = fork();
    if (m_pid == 0) {   // only what is safe between fork and exec
      setpgid(0, 0);
      dup2(both[1], STDIN_FILENO);
      dup2(both[1], STDOUT_FILENO);
      dup2(err[1], STDERR_FILENO);
      execl("/bin/sh", "sh", "-c", command.c_str(), nullptr);
      _exit(127);
    }
    close(both[1]);
    close(err[1]);
    m_socket = both[0];
    m_err = err[0];
    fcntl(m_socket, F_SETFL, O_NONBLOCK);
    fcntl(m_err, F_SETFL, O_NONBLOCK);
  }
  ~Child() {
    close(m_socket);   // its stdin ends
    close(m_err);
    if (m_pid <= 0) return;
    for (int i = 0; i < 100 && !ended(); ++i) {
      if (i == 40) kill(-m_pid, SIGTERM);
      std::this_thread::sleep_for(milliseconds(10));
    }
    if (ended()) return;
    kill(-m_pid, SIGKILL);
    waitpid(m_pid, &m_status, 0);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  bool started() const { return m_pid > 0; }
  int socket() const { return m_socket; }
  int err() const { return m_err; }
  bool ended() {
    if (!m_ended) m_ended = waitpid(m_pid, &m_status, WNOHANG) != 0;
    return m_ended;
  }
  // "exit code 255", once ended() says so.
  std::string how() const {
    if (WIFSIGNALED(m_status)) return std::string("ended by signal ") + strsignal(WTERMSIG(m_status));
    return "exit code " + std::to_string(WEXITSTATUS(m_status));
  }

 private:
  pid_t m_pid = -1;
  int m_socket = -1, m_err = -1, m_status = 0;
  bool m_ended = false;
};

class RemoteEngine final : public EngineLink {
 public:
  RemoteEngine(std::string command, std::string label, std::string version)
      : m_command(std::move(command)), m_label(std::move(label)), m_version(std::move(version)),
        m_wake(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)), m_thread([this] { run(); }) {}
  ~RemoteEngine() override {
    m_stop = true;
    wake();
    m_thread.join();
    close(m_wake);
  }

  void post(trace::Request request) override {
    if (std::holds_alternative<trace::request::Hello>(request)) return;   // each connection greets by itself
    {
      const std::lock_guard lock(m_mutex);
      if (m_state.phase == LinkPhase::down) {
        m_mail.push_back(trace::reply::Refused{{"there is no link to " + m_label, "try again when it is back"}});
        return;
      }
      m_outgoing += trace::write_message(request) + "\n";
    }
    wake();
  }

  std::vector<trace::Reply> poll() override {
    std::vector<trace::Reply> mail;
    const std::lock_guard lock(m_mutex);
    mail.swap(m_mail);
    m_unread_steps = 0;
    return mail;
  }

  LinkState state() const override {
    const std::lock_guard lock(m_mutex);
    return m_state;
  }

 private:
  void wake() {
    const uint64_t one = 1;
    [[maybe_unused]] const ssize_t n = write(m_wake, &one, sizeof one);
  }

  void set(LinkPhase phase, std::string text) {
    const std::lock_guard lock(m_mutex);
    m_state = {phase, std::move(text), 0, 0};
  }

  void run() {
    for (size_t attempt = 0; !m_stop;) {
      set(LinkPhase::connecting, "connecting to " + m_label);
      m_welcomed = false;
      const std::string why = connection();
      if (m_stop) return;
      if (m_welcomed) {
        attempt = 0;
        deliver(trace::reply::Failed{{"the link to " + m_label + " dropped; what was received is kept", why}});
        deliver(trace::reply::State{});
      }
      if (m_refused) {   // the same would come again
        set(LinkPhase::down, m_label + ": " + why);
        pause(std::chrono::hours(24));
        return;
      }
      const milliseconds wait = kPauses[std::min(attempt++, kPauses.size() - 1)];
      set(LinkPhase::down, "no link to " + m_label + ": " + why + "; trying again");
      pause(wait);
    }
  }

  void pause(milliseconds time) {
    const auto until = Clock::now() + time;
    while (!m_stop && Clock::now() < until) {
      pollfd fd{m_wake, POLLIN, 0};
      ::poll(&fd, 1, static_cast<int>(std::min<int64_t>(std::chrono::duration_cast<milliseconds>(until - Clock::now()).count() + 1, 60000)));
      drain_wake();
    }
  }

  void drain_wake() {
    uint64_t count = 0;
    [[maybe_unused]] const ssize_t n = read(m_wake, &count, sizeof count);
  }

  // From start to end of one child. Result: why it ended.
  std::string connection() {
    Child child(m_command);
    if (!child.started()) return "the command could not be started";
    m_incoming.clear();
    m_errors.clear();
    m_coming = 0;
    {
      const std::lock_guard lock(m_mutex);
      m_outgoing = trace::write_message(trace::Request(trace::request::Hello{trace::kProtocol, m_version})) + "\n";
    }
    bool reading = true;
    while (!m_stop && reading) {
      pollfd fds[3] = {{child.socket(), static_cast<short>(POLLIN | (has_outgoing() ? POLLOUT : 0)), 0}, {child.err(), POLLIN, 0}, {m_wake, POLLIN, 0}};
      if (::poll(fds, 3, 1000) < 0 && errno != EINTR) break;
      drain_wake();
      read_errors(child.err());
      if (fds[0].revents & POLLOUT) send_some(child.socket());
      if (fds[0].revents & (POLLIN | POLLHUP | POLLERR)) reading = receive(child.socket());
    }
    if (m_stop) {
      const std::string bye = trace::write_message(trace::Request(trace::request::Bye{})) + "\n";
      [[maybe_unused]] const ssize_t n = send(child.socket(), bye.data(), bye.size(), MSG_NOSIGNAL);
      return {};
    }
    for (int i = 0; i < 100 && !child.ended(); ++i) std::this_thread::sleep_for(milliseconds(10));
    read_errors(child.err());
    if (m_refused) return m_refusal;
    const std::string how = child.ended() ? child.how() : "it stopped speaking";
    return m_errors.empty() ? how : how + ", " + last_line(m_errors);
  }

  bool has_outgoing() const {
    const std::lock_guard lock(m_mutex);
    return !m_outgoing.empty();
  }

  void send_some(int socket) {
    const std::lock_guard lock(m_mutex);
    const ssize_t n = send(socket, m_outgoing.data(), m_outgoing.size(), MSG_NOSIGNAL);
    if (n > 0) m_outgoing.erase(0, static_cast<size_t>(n));
  }

  void read_errors(int from) {
    std::array<char, 4096> bytes;
    for (ssize_t n; (n = read(from, bytes.data(), bytes.size())) > 0;) {
      m_errors.append(bytes.data(), static_cast<size_t>(n));
      if (m_errors.size() > 16384) m_errors.erase(0, m_errors.size() - 8192);
    }
  }

  static std::string last_line(std::string text) {
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
    return text.substr(text.find_last_of('\n') + 1);
  }

  // False at the end of the stream, or after what is no message of ours.
  bool receive(int socket) {
    std::array<char, 1 << 16> bytes;
    const ssize_t n = recv(socket, bytes.data(), bytes.size(), 0);
    if (n < 0) return errno == EAGAIN || errno == EINTR;
    if (n == 0) return false;
    const size_t old = m_incoming.size();
    m_incoming.append(bytes.data(), static_cast<size_t>(n));
    size_t begin = 0;
    for (size_t end; (end = m_incoming.find('\n', std::max(begin, old))) != std::string::npos; begin = end + 1) {
      if (!take_line(std::string_view(m_incoming).substr(begin, end - begin))) return false;
    }
    m_incoming.erase(0, begin);
    if (m_welcomed) {
      const std::lock_guard lock(m_mutex);
      m_state.receiving_bytes = m_coming > 0 ? static_cast<int64_t>(m_incoming.size()) : 0;
      m_state.coming_bytes = m_coming;
    }
    return true;
  }

  bool take_line(std::string_view line) {
    auto reply = trace::read_reply(line);
    if (!reply.ok()) {
      // Greetings of a shell are no reason to give up before the host has spoken.
      if (!m_welcomed) {
        m_errors += std::string(line.substr(0, 200)) + "\n";
        return true;
      }
      deliver(trace::reply::Failed{reply.error()});
      return true;
    }
    // The next line is a long one: a recording, or a timeline of many kernels.
    if (const auto* coming = std::get_if<trace::reply::Coming>(&reply.value())) {
      m_coming = coming->bytes;
      return true;
    }
    m_coming = 0;
    if (const auto* welcome = std::get_if<trace::reply::Welcome>(&reply.value())) {
      if (welcome->protocol != trace::kProtocol) {
        refuse("it speaks protocol " + std::to_string(welcome->protocol) + " (" + welcome->version + "), this window " +
               std::to_string(trace::kProtocol) + " (" + m_version + ")");
        return false;
      }
      m_welcomed = true;
      set(LinkPhase::up, m_label);
    }
    if (const auto* refused = std::get_if<trace::reply::Refused>(&reply.value()); refused && !m_welcomed) {
      refuse(refused->error.line());
      return false;
    }
    deliver(std::move(reply).value());
    return true;
  }

  void refuse(std::string why) {
    m_refused = true;
    m_refusal = std::move(why);
    deliver(trace::reply::Refused{{"no link to " + m_label, m_refusal}});
  }

  // As the host in this process does: unread timelines are replaced, unread step times bounded.
  void deliver(trace::Reply reply) {
    const std::lock_guard lock(m_mutex);
    if (std::holds_alternative<trace::reply::StepTrace>(reply)) {
      std::erase_if(m_mail, [](const trace::Reply& r) { return std::holds_alternative<trace::reply::StepTrace>(r); });
    }
    if (std::holds_alternative<trace::reply::StepDone>(reply) && ++m_unread_steps > kMostUnreadSteps) {
      const auto first = std::ranges::find_if(m_mail, [](const trace::Reply& r) { return std::holds_alternative<trace::reply::StepDone>(r); });
      if (first != m_mail.end()) m_mail.erase(first);
    }
    m_mail.push_back(std::move(reply));
  }

  const std::string m_command, m_label, m_version;
  const int m_wake;
  mutable std::mutex m_mutex;
  // under the mutex
  std::string m_outgoing;
  std::vector<trace::Reply> m_mail;
  size_t m_unread_steps = 0;
  LinkState m_state{LinkPhase::connecting, {}, 0, 0};
  // the thread's own
  std::string m_incoming, m_errors, m_refusal;
  int64_t m_coming = 0;   // bytes of the line under way; 0 = not announced
  bool m_welcomed = false, m_refused = false;
  std::atomic<bool> m_stop{false};
  std::thread m_thread;   // last: it uses all of the above
};

}  // namespace

std::string serve_command(const std::string& host) {
  if (host.find_first_of(" /") != std::string::npos) return host;
  // -C: traces travel compressed. No questions: there is no terminal to answer them on.
  return "exec ssh -C -o BatchMode=yes -o ConnectTimeout=10 -o ServerAliveInterval=15 '" + host + "' decodescope-record serve --stdio";
}

std::unique_ptr<EngineLink> remote_engine(std::string command, std::string label, std::string version) {
  return std::make_unique<RemoteEngine>(std::move(command), std::move(label), std::move(version));
}

}  // namespace app
