#include "app/exec_command.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>

#include "app/output.h"

namespace app {

namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kMaxOutput = 8 << 20;   // head and tail, half each
constexpr int kPollMs = 50;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

// Keeps the first and the last half of what comes.
class Kept {
 public:
  void add(const char* data, size_t size) {
    const size_t room = kMaxOutput / 2 - std::min(kMaxOutput / 2, m_head.size());
    const size_t first = std::min(room, size);
    m_head.append(data, first);
    m_tail.append(data + first, size - first);
    if (m_tail.size() > kMaxOutput) m_tail.erase(0, m_tail.size() - kMaxOutput / 2);
  }
  std::string take() {
    if (m_tail.size() > kMaxOutput / 2) return m_head + "\n[...]\n" + m_tail.substr(m_tail.size() - kMaxOutput / 2);
    return m_head + m_tail;
  }

 private:
  std::string m_head, m_tail;
};

[[noreturn]] void become(const std::string& command, int output, const std::vector<std::string>& environment) {
  ::setpgid(0, 0);
  const int nothing = ::open("/dev/null", O_RDONLY);
  ::dup2(nothing, 0);
  ::dup2(output, 1);
  ::dup2(output, 2);
  for (const auto& entry : environment) {
    const size_t equals = entry.find('=');
    ::setenv(entry.substr(0, equals).c_str(), entry.substr(equals + 1).c_str(), 1);
  }
  ::execl("/bin/sh", "sh", "-c", command.c_str(), static_cast<char*>(nullptr));
  ::_exit(127);
}

}  // namespace

trace::Result<CommandResult> run_command(const std::string& command, double timeout_s, const std::vector<std::string>& environment) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return trace::Error{std::string("no pipe: ") + std::strerror(errno), command};
  const auto start = Clock::now();
  const pid_t child = ::fork();
  if (child < 0) {
    ::close(ends[0]);
    ::close(ends[1]);
    return trace::Error{std::string("cannot be started: ") + std::strerror(errno), command};
  }
  if (child == 0) become(command, ends[1], environment);
  ::setpgid(child, child);   // whichever of the two comes first
  ::close(ends[1]);
  CommandResult result;
  Kept kept;
  int status = 0;
  bool ended = false, open = true;
  double stop_at = timeout_s;
  while (!ended || open) {
    pollfd wait{ends[0], POLLIN, 0};
    if (open && ::poll(&wait, 1, kPollMs) > 0) {
      char block[64 << 10];
      const ssize_t n = ::read(ends[0], block, sizeof block);
      if (n > 0) kept.add(block, static_cast<size_t>(n));
      else if (n == 0 || errno != EINTR) open = false;
    } else if (!open) {
      ::usleep(1000 * kPollMs / 10);
    }
    if (!ended && ::waitpid(child, &status, WNOHANG) == child) {
      ended = true;
      result.seconds = seconds_since(start);
      // What it left in the background may hold the pipe for ever: what is in it now is all.
      stop_at = std::min(stop_at, result.seconds + 1);
    }
    const bool late = seconds_since(start) > stop_at;
    if (!ended && (late || interrupted())) {
      result.timed_out = late;
      result.interrupted = !late;
      ::kill(-child, SIGKILL);
      ::waitpid(child, &status, 0);
      ended = true;
      result.seconds = seconds_since(start);
      break;
    }
    if (ended && late) break;
  }
  ::close(ends[0]);
  result.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  result.output = kept.take();
  return result;
}

}  // namespace app
