#include "engine/mailbox.h"

#include <algorithm>
#include <chrono>

namespace engine {

using trace::Reply;
using trace::Request;
namespace request = trace::request;
namespace reply = trace::reply;

static bool interrupts(const Request& r) {
  return std::holds_alternative<request::Cancel>(r) || std::holds_alternative<request::Start>(r) ||
         std::holds_alternative<request::Stop>(r) || std::holds_alternative<request::Bye>(r);
}

void Mailbox::post(Request r) {
  {
    const std::lock_guard lock(m_mutex);
    m_interrupts += interrupts(r);
    m_requests.push_back(std::move(r));
  }
  m_requested.notify_one();
}

std::optional<Request> Mailbox::take(bool wait) {
  std::unique_lock lock(m_mutex);
  if (wait) m_requested.wait(lock, [this] { return !m_requests.empty(); });
  if (m_requests.empty()) return std::nullopt;
  Request r = std::move(m_requests.front());
  m_requests.erase(m_requests.begin());
  m_interrupts -= interrupts(r);
  return r;
}

bool Mailbox::interrupted() const {
  const std::lock_guard lock(m_mutex);
  return m_interrupts > 0;
}

void Mailbox::reply(Reply r) {
  {
    const std::lock_guard lock(m_mutex);
    std::optional<size_t>* place = std::holds_alternative<reply::StepTrace>(r)    ? &m_trace_at
                                   : std::holds_alternative<reply::AbProgress>(r) ? &m_progress_at
                                                                                  : nullptr;
    if (place && place->has_value()) {
      m_replies[**place] = std::move(r);
    } else {
      if (place) *place = m_replies.size();
      m_steps += std::holds_alternative<reply::StepDone>(r);
      m_replies.push_back(std::move(r));
      if (m_steps > kMaxSteps) drop_old_steps();
    }
  }
  m_replied.notify_one();
}

// Half of them at once, so that a reader who has gone away costs little.
void Mailbox::drop_old_steps() {
  size_t to_drop = m_steps / 2;
  std::erase_if(m_replies, [&](const Reply& r) {
    return to_drop > 0 && std::holds_alternative<reply::StepDone>(r) && to_drop-- > 0;
  });
  m_steps -= m_steps / 2;
  const auto find = [this](auto holds) -> std::optional<size_t> {
    const auto it = std::find_if(m_replies.begin(), m_replies.end(), holds);
    if (it == m_replies.end()) return std::nullopt;
    return static_cast<size_t>(it - m_replies.begin());
  };
  m_trace_at = find([](const Reply& r) { return std::holds_alternative<reply::StepTrace>(r); });
  m_progress_at = find([](const Reply& r) { return std::holds_alternative<reply::AbProgress>(r); });
}

std::vector<Reply> Mailbox::poll() {
  std::vector<Reply> all;
  const std::lock_guard lock(m_mutex);
  all.swap(m_replies);
  m_trace_at.reset(), m_progress_at.reset();
  m_steps = 0;
  return all;
}

bool Mailbox::wait(int ms) {
  std::unique_lock lock(m_mutex);
  return m_replied.wait_for(lock, std::chrono::milliseconds(ms),
                            [this] { return !m_replies.empty(); });
}

}  // namespace engine
