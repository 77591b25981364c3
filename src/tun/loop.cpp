#include "tun/loop.hpp"

#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>

#include <algorithm>
#include <array>
#include <climits>
#include <csignal>
#include <vector>

#include "tun/control.hpp"
#include "tun/system_error.hpp"

namespace synwhy::tun {

using core::Error;

namespace {

constexpr std::size_t kMaxPacketBytes = 65'536;
/// Packets read before timers and questions get their turn.
constexpr int kPacketsPerTurn = 256;

/// Blocks SIGINT and SIGTERM while it lives, so that only the loop's descriptor sees them.
class HeldSignals {
  public:
    HeldSignals() {
        ::sigemptyset(&held_);
        ::sigaddset(&held_, SIGINT);
        ::sigaddset(&held_, SIGTERM);
        ::sigprocmask(SIG_BLOCK, &held_, &before_);
        descriptor_ = Descriptor(::signalfd(-1, &held_, SFD_NONBLOCK | SFD_CLOEXEC));
    }
    HeldSignals(const HeldSignals&) = delete;
    HeldSignals& operator=(const HeldSignals&) = delete;
    ~HeldSignals() {
        // What is pending was the wish to end, which has been obeyed.
        signalfd_siginfo info{};
        while (::read(descriptor_.get(), &info, sizeof info) > 0) {
        }
        ::sigprocmask(SIG_SETMASK, &before_, nullptr);
    }
    [[nodiscard]] int descriptor() const { return descriptor_.get(); }

  private:
    sigset_t held_{};
    sigset_t before_{};
    Descriptor descriptor_{};
};

class Loop {
  public:
    Loop(const Device& device, ControlSocket& control, Emulation& emulation, const Clock& clock,
         const RunOptions& options, RunCounts& counts)
        : device_(device),
          control_(control),
          emulation_(emulation),
          clock_(clock),
          options_(options),
          counts_(counts),
          packet_(kMaxPacketBytes) {}

    std::expected<void, Error> open();
    std::expected<void, Error> run();

  private:
    std::expected<void, Error> read_packets();
    void send_batch(std::int64_t now_ns);
    void set_timer();
    void answer_questions();

    const Device& device_;
    ControlSocket& control_;
    Emulation& emulation_;
    const Clock& clock_;
    const RunOptions& options_;
    RunCounts& counts_;
    HeldSignals signals_{};
    Descriptor poll_{};
    Descriptor timer_{};
    std::int64_t timer_due_ns_ = INT64_MAX;
    std::vector<std::uint8_t> packet_;
    PacketBatch batch_{};
};

std::expected<void, Error> Loop::open() {
    poll_ = Descriptor(::epoll_create1(EPOLL_CLOEXEC));
    timer_ = Descriptor(::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC));
    for (const int descriptor : {device_.descriptor(), timer_.get(), signals_.descriptor(), control_.descriptor()}) {
        epoll_event event{};
        event.events = EPOLLIN;
        event.data.fd = descriptor;
        if (::epoll_ctl(poll_.get(), EPOLL_CTL_ADD, descriptor, &event) != 0) {
            return std::unexpected(system_error("epoll_ctl", errno, device_.name()));
        }
    }
    return {};
}

void Loop::send_batch(std::int64_t now_ns) {
    for (std::size_t i = 0; i < batch_.size(); ++i) {
        const auto packet = batch_[i];
        ssize_t done = -1;
        do {
            done = ::write(device_.descriptor(), packet.data(), packet.size());
        } while (done < 0 && errno == EINTR);
        if (done < 0) {
            ++counts_.unsent_packets;
        } else if (options_.observer != nullptr) {
            options_.observer->sent(packet, now_ns);
        }
    }
    batch_.clear();
}

std::expected<void, Error> Loop::read_packets() {
    for (int i = 0; i < kPacketsPerTurn; ++i) {
        const ssize_t got = ::read(device_.descriptor(), packet_.data(), packet_.size());
        if (got < 0) {
            if (errno == EAGAIN || errno == EINTR) return {};
            return std::unexpected(system_error("read", errno, device_.name(), "was the device removed?"));
        }
        const std::int64_t now_ns = clock_.now_ns();
        const auto packet = std::span<const std::uint8_t>(packet_).first(static_cast<std::size_t>(got));
        const auto outcome = emulation_.receive(packet, now_ns, batch_);
        if (options_.observer != nullptr) options_.observer->received(packet, now_ns, outcome);
        send_batch(now_ns);
    }
    return {};
}

void Loop::set_timer() {
    std::int64_t due_ns = std::min(emulation_.next_deadline_ns(), control_.next_deadline_ns());
    if (options_.end_ns) due_ns = std::min(due_ns, *options_.end_ns);
    if (due_ns == timer_due_ns_) return;
    timer_due_ns_ = due_ns;
    itimerspec setting{};  // all zero: off
    if (due_ns != INT64_MAX) {
        const std::int64_t at_ns = std::max<std::int64_t>(1, clock_.to_monotonic_ns(due_ns));
        setting.it_value.tv_sec = at_ns / 1'000'000'000;
        setting.it_value.tv_nsec = at_ns % 1'000'000'000;
    }
    ::timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &setting, nullptr);
}

void Loop::answer_questions() {
    control_.handle([this](std::string_view command) { return answer_control(emulation_, command, clock_.now_ns()); },
                    clock_.now_ns());
}

std::expected<void, Error> Loop::run() {
    while (true) {
        set_timer();
        std::array<epoll_event, 4> events{};
        const int ready = ::epoll_wait(poll_.get(), events.data(), static_cast<int>(events.size()), -1);
        if (ready < 0 && errno != EINTR) return std::unexpected(system_error("epoll_wait", errno, device_.name()));
        ++counts_.wakeups;
        bool asked = clock_.now_ns() >= control_.next_deadline_ns();
        for (int i = 0; i < ready; ++i) {
            const int descriptor = events[static_cast<std::size_t>(i)].data.fd;
            if (descriptor == signals_.descriptor()) return {};
            if (descriptor == timer_.get()) {
                std::uint64_t expirations = 0;
                (void)!::read(timer_.get(), &expirations, sizeof expirations);
                timer_due_ns_ = INT64_MAX;  // has fired: must be set again
            }
            asked = asked || descriptor == control_.descriptor();
            if (descriptor == device_.descriptor()) {
                if (const auto read = read_packets(); !read) return read;
            }
        }
        if (asked) answer_questions();
        const std::int64_t now_ns = clock_.now_ns();
        emulation_.advance(now_ns, batch_);
        send_batch(now_ns);
        if (options_.end_ns && now_ns >= *options_.end_ns) return {};
    }
}

}  // namespace

std::expected<void, Error> run(const Device& device, ControlSocket& control, Emulation& emulation, const Clock& clock,
                               const RunOptions& options, RunCounts& counts) {
    Loop loop(device, control, emulation, clock, options, counts);
    if (const auto opened = loop.open(); !opened) return opened;
    return loop.run();
}

}  // namespace synwhy::tun
