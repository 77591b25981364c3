#include "host/tool_output.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

namespace synwhy::host {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kMaxErrorBytes = 4096;

/// The two ends of a pipe, closed with it.
class Pipe {
  public:
    Pipe() {
        if (pipe2(ends_.data(), O_CLOEXEC) != 0) ends_ = {-1, -1};
    }
    ~Pipe() {
        close_end(0);
        close_end(1);
    }
    Pipe(const Pipe&) = delete;
    Pipe& operator=(const Pipe&) = delete;

    [[nodiscard]] bool open() const { return ends_[0] >= 0; }
    [[nodiscard]] int reading() const { return ends_[0]; }
    [[nodiscard]] int writing() const { return ends_[1]; }
    void close_end(std::size_t which) {
        if (ends_[which] >= 0) close(ends_[which]);
        ends_[which] = -1;
    }

  private:
    std::array<int, 2> ends_{-1, -1};
};

/// What a child starts with: no input, the two pipes, nothing else open, default signals.
class SpawnSettings {
  public:
    SpawnSettings(int output, int errors) {
        posix_spawn_file_actions_init(&actions_);
        posix_spawn_file_actions_addopen(&actions_, 0, "/dev/null", O_RDONLY, 0);
        posix_spawn_file_actions_adddup2(&actions_, output, 1);
        posix_spawn_file_actions_adddup2(&actions_, errors, 2);
        posix_spawn_file_actions_addclosefrom_np(&actions_, 3);
        posix_spawnattr_init(&attributes_);
        sigset_t none;
        sigemptyset(&none);
        posix_spawnattr_setsigmask(&attributes_, &none);
        sigset_t all;
        sigfillset(&all);
        posix_spawnattr_setsigdefault(&attributes_, &all);
        posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    }
    ~SpawnSettings() {
        posix_spawn_file_actions_destroy(&actions_);
        posix_spawnattr_destroy(&attributes_);
    }
    SpawnSettings(const SpawnSettings&) = delete;
    SpawnSettings& operator=(const SpawnSettings&) = delete;

    [[nodiscard]] const posix_spawn_file_actions_t* actions() const { return &actions_; }
    [[nodiscard]] const posix_spawnattr_t* attributes() const { return &attributes_; }

  private:
    posix_spawn_file_actions_t actions_{};
    posix_spawnattr_t attributes_{};
};

enum class Stop { ended, too_long, too_late, failed };

/// Appends one read; beyond the limit nothing is kept. @return bytes read, 0 at the end, -1 on error
ssize_t take(int descriptor, std::string& into, std::size_t limit, bool& over) {
    std::array<char, 65'536> buffer;
    const ssize_t got = read(descriptor, buffer.data(), buffer.size());
    if (got <= 0) return got;
    const auto size = static_cast<std::size_t>(got);
    over = over || into.size() + size > limit;
    if (!over) into.append(buffer.data(), size);
    return got;
}

Stop collect(int output, int errors, const ToolLimits& limits, std::string& text, std::string& complaint) {
    const auto deadline = Clock::now() + limits.time;
    std::array<pollfd, 2> sources{pollfd{output, POLLIN, 0}, pollfd{errors, POLLIN, 0}};
    while (sources[0].fd >= 0 || sources[1].fd >= 0) {
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
        if (left <= 0) return Stop::too_late;
        const int ready = poll(sources.data(), sources.size(), static_cast<int>(left));
        if (ready < 0 && errno != EINTR) return Stop::failed;
        if (ready <= 0) continue;
        bool over = false;
        bool ignored = false;
        if (sources[0].revents != 0 && take(output, text, limits.output_bytes, over) <= 0) sources[0].fd = -1;
        if (sources[1].revents != 0 && take(errors, complaint, kMaxErrorBytes, ignored) <= 0) sources[1].fd = -1;
        if (over) return Stop::too_long;
    }
    return Stop::ended;
}

/// Waits for the child, which has closed its output, until the deadline. @return its status, nullopt when it had to be
/// killed
std::optional<int> reap(pid_t child, Clock::time_point deadline) {
    int status = 0;
    while (true) {
        const pid_t done = waitpid(child, &status, WNOHANG);
        if (done == child) return status;
        if (done < 0 && errno != EINTR) return std::nullopt;
        if (Clock::now() >= deadline) break;
        poll(nullptr, 0, 5);
    }
    kill(child, SIGKILL);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    return std::nullopt;
}

std::string first_line(std::string text) {
    text.resize(std::min(text.find('\n'), text.size()));
    std::ranges::replace_if(
        text, [](char letter) { return static_cast<unsigned char>(letter) < 0x20 || letter == 0x7f; }, '?');
    return text.substr(0, 200);
}

}  // namespace

std::optional<std::string> find_tool(std::string_view name) {
    for (const std::string_view folder : {"/usr/sbin/", "/sbin/", "/usr/bin/", "/bin/"}) {
        std::string path = std::string(folder) + std::string(name);
        if (access(path.c_str(), X_OK) == 0) return path;
    }
    return std::nullopt;
}

std::expected<std::string, core::Error> run_tool(const std::string& path, const std::vector<std::string>& arguments,
                                                 const ToolLimits& limits) {
    Pipe output;
    Pipe errors;
    if (!output.open() || !errors.open()) return std::unexpected(core::Error{std::strerror(errno), "pipe"});
    std::vector<std::string> words{path};
    words.insert(words.end(), arguments.begin(), arguments.end());
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    std::string search_path = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
    std::string locale = "LC_ALL=C";
    std::array<char*, 3> environment{search_path.data(), locale.data(), nullptr};

    const SpawnSettings settings(output.writing(), errors.writing());
    const auto deadline = Clock::now() + limits.time;
    pid_t child = 0;
    const int failed =
        posix_spawn(&child, path.c_str(), settings.actions(), settings.attributes(), argv.data(), environment.data());
    if (failed != 0) return std::unexpected(core::Error{std::strerror(failed), path});
    output.close_end(1);
    errors.close_end(1);
    std::string text;
    std::string complaint;
    const Stop stop = collect(output.reading(), errors.reading(), limits, text, complaint);
    const auto status = reap(child, stop == Stop::ended ? deadline : Clock::now());
    if (stop == Stop::too_long) {
        return std::unexpected(
            core::Error{"printed more than " + std::to_string(limits.output_bytes) + " bytes", path});
    }
    if (stop != Stop::ended || !status) {
        return std::unexpected(core::Error{"did not end within " + std::to_string(limits.time.count()) + " ms", path});
    }
    if (!WIFEXITED(*status)) return std::unexpected(core::Error{"ended by a signal", path});
    if (WEXITSTATUS(*status) != 0) {
        const std::string line = first_line(complaint);
        return std::unexpected(
            core::Error{line.empty() ? "exit status " + std::to_string(WEXITSTATUS(*status)) : line, path});
    }
    return text;
}

}  // namespace synwhy::host
