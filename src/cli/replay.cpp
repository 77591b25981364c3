// synwhy replay FILE.json...: does the model do what these kernels were measured to do?
#include <fcntl.h>

#include <cerrno>
#include <cstring>

#include "capture/decompress.hpp"
#include "capture/input.hpp"
#include "cli/commands.hpp"
#include "cli/talk.hpp"
#include "emit/replay.hpp"

namespace synwhy::cli {

namespace {

constexpr std::size_t kMaxFileBytes = 256U << 20U;  ///< a recording is a few hundred kilobytes

/// A whole file, decompressed.
std::expected<std::string, core::Error> read_file(const std::string& name) {
    const int fd = ::open(name.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return std::unexpected(core::Error{std::strerror(errno), name, {}});
    capture::Window head(capture::read_descriptor(fd, name));
    head.demand(capture::kMagicBytes);
    const auto kind = capture::recognise({head.bytes(), std::min(head.size(), capture::kMagicBytes)});
    const int again = ::open(name.c_str(), O_RDONLY | O_CLOEXEC);
    if (again < 0) return std::unexpected(core::Error{std::strerror(errno), name, {}});
    auto source = capture::read_descriptor(again, name);
    if (kind != capture::Compression::none) source = capture::decompress(kind, std::move(source), name);
    std::string text;
    std::vector<std::uint8_t> buffer(capture::kReadBytes);
    for (;;) {
        const auto got = source->read(buffer);
        if (!got) return std::unexpected(got.error());
        if (*got == 0) return text;
        text.append(reinterpret_cast<const char*>(buffer.data()), *got);
        if (text.size() > kMaxFileBytes) {
            return std::unexpected(core::Error{"larger than 256 MiB: no recorded experiment", name, {}});
        }
    }
}

}  // namespace

ExitCode run_replay(const ReplayCommand& options) {
    std::vector<truth::Known> known;
    bool broken = false;
    if (!options.known.empty()) {
        const auto text = read_file(options.known);
        const auto parsed = text ? truth::parse_known(*text, options.known) : std::unexpected(text.error());
        if (!parsed) {
            complain(core::to_string(parsed.error()));
            return ExitCode::could_not_look;
        }
        known = *parsed;
    }
    std::vector<truth::Replayed> results;
    for (const std::string& name : options.files) {
        const auto text = read_file(name);
        const auto recording = text ? truth::parse_recording(*text, name) : std::unexpected(text.error());
        if (!recording) {
            complain(core::to_string(recording.error()));
            broken = true;
            continue;
        }
        results.push_back(truth::replay(*recording));
        truth::mark_known(results.back(), known);
    }
    if (!print(options.json ? emit::replay_json(results) : emit::replay_text(results, options.verbose))) {
        return ExitCode::could_not_look;
    }
    if (broken) return ExitCode::could_not_look;
    for (const truth::Replayed& r : results) {
        if (r.agree + r.known != r.comparable) return ExitCode::cause_found;
    }
    return ExitCode::nothing_found;
}

}  // namespace synwhy::cli
