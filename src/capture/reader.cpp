// Opening a capture: descriptor, decompressor, format. Then one packet after the other, counted.
#include "capture/reader.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <limits>
#include <string_view>
#include <utility>
#include <variant>

#include "capture/decompress.hpp"
#include "capture/input.hpp"
#include "capture/pcap.hpp"
#include "capture/pcapng.hpp"

namespace synwhy::capture {
namespace {

constexpr std::size_t kFormatBytes = 4;

/// Reads until `head` is full or the input ends.
std::expected<std::size_t, core::Error> read_head(ByteSource& source, std::span<std::uint8_t> head) {
    std::size_t filled = 0;
    while (filled < head.size()) {
        const auto got = source.read(head.subspan(filled));
        if (!got) {
            return got;
        }
        if (*got == 0) {
            break;
        }
        filled += *got;
    }
    return filled;
}

struct Foreign {
    std::string_view magic;
    const char* name;
};

constexpr std::array kForeign = {
    Foreign{"BZh", "bzip2 data: unpack it first"},
    Foreign{"PK\x03\x04", "a zip archive: unpack it first"},
    Foreign{"snoop", "a Solaris snoop capture: convert it with editcap -F pcapng"},
    Foreign{"GMBU", "a Microsoft Network Monitor capture: convert it with editcap -F pcapng"},
    Foreign{"RTSS", "a Microsoft Network Monitor capture: convert it with editcap -F pcapng"},
    Foreign{"\x7f"
            "ELF",
            "a program"},
    Foreign{"\x1f\x8b", "gzip data inside compressed data: unpack it first"},
    Foreign{"\x28\xb5\x2f\xfd", "zstd data inside compressed data: unpack it first"},
};

/// What the first bytes of something that is not a capture look like.
std::string describe(std::span<const std::uint8_t> head) {
    const std::string_view text(reinterpret_cast<const char*>(head.data()), head.size());
    for (const Foreign& foreign : kForeign) {
        if (text.starts_with(foreign.magic)) {
            return foreign.name;
        }
    }
    if (std::ranges::all_of(head, [](std::uint8_t byte) { return byte == 0; })) {
        return "only zero bytes";
    }
    if (std::ranges::all_of(head, [](std::uint8_t byte) {
            return (byte >= 0x20 && byte < 0x7f) || byte == '\n' || byte == '\r' || byte == '\t';
        })) {
        std::string line = "text: \"";
        line += text.substr(0, text.find_first_of("\r\n"));
        return line + '"';
    }
    static constexpr std::string_view kDigits = "0123456789abcdef";
    std::string hex = "bytes";
    for (const std::uint8_t byte : head.first(std::min<std::size_t>(head.size(), 8))) {
        hex += ' ';
        hex += kDigits[byte >> 4U];
        hex += kDigits[byte & 0xfU];
    }
    return hex;
}

}  // namespace

struct Reader::State {
    State(std::unique_ptr<ByteSource> source, FileFacts&& description)
        : window(std::move(source)), facts(std::move(description)) {}

    Window window;
    FileFacts facts;
    std::variant<PcapFormat, PcapngFormat> format{};
    std::int64_t last_time_ns = std::numeric_limits<std::int64_t>::min();
    bool over = false;

    std::expected<void, core::Error> open_format();
    std::expected<bool, core::Error> read(Packet& packet) {
        if (PcapFormat* pcap = std::get_if<PcapFormat>(&format)) {
            return pcap->next(window, facts, packet);
        }
        return std::get<PcapngFormat>(format).next(window, facts, packet);
    }
    void count(Packet& packet) {
        packet.ordinal = facts.packets++;
        facts.cut_packets += packet.data.size() < packet.wire_length;
        facts.backward_steps += packet.time_ns < last_time_ns;
        last_time_ns = packet.time_ns;
    }
    static std::expected<std::unique_ptr<State>, core::Error> open(std::unique_ptr<ByteSource> source, FileFacts facts);
};

std::expected<void, core::Error> Reader::State::open_format() {
    if (!window.demand(kFormatBytes)) {
        if (window.error()) {
            return std::unexpected(*window.error());
        }
        return std::unexpected(window.size() == 0
                                   ? core::Error{"the file is empty", facts.name,
                                                 "tcpdump writes even an empty capture's header: was it started?"}
                                   : core::Error{"the file ends inside the first four bytes", facts.name, {}});
    }
    if (PcapFormat::recognises(window.bytes())) {
        facts.format = "pcap";
        return format.emplace<PcapFormat>().open(window, facts);
    }
    if (PcapngFormat::recognises(window.bytes())) {
        facts.format = "pcapng";
        return format.emplace<PcapngFormat>().open(window, facts);
    }
    window.demand(32);  // more to look at, if there is more
    const std::span<const std::uint8_t> head(window.bytes(), std::min<std::size_t>(window.size(), 32));
    return std::unexpected(
        core::Error{"not a pcap or pcapng capture, it starts with " + describe(head), facts.name, {}});
}

std::expected<std::unique_ptr<Reader::State>, core::Error> Reader::State::open(std::unique_ptr<ByteSource> source,
                                                                               FileFacts facts) {
    std::array<std::uint8_t, kMagicBytes> head{};
    const auto filled = read_head(*source, head);
    if (!filled) {
        return std::unexpected(filled.error());
    }
    const std::span<const std::uint8_t> seen(head.data(), *filled);
    const Compression compression = recognise(seen);
    facts.compression = to_string(compression);
    auto whole = decompress(compression, with_head(seen, std::move(source)), facts.name);
    auto state = std::make_unique<State>(std::move(whole), std::move(facts));
    if (auto opened = state->open_format(); !opened) {
        return std::unexpected(std::move(opened).error());
    }
    return state;
}

Reader::Reader(std::unique_ptr<State> state) : state_(std::move(state)) {}
Reader::Reader(Reader&&) noexcept = default;
Reader& Reader::operator=(Reader&&) noexcept = default;
Reader::~Reader() = default;

std::expected<Reader, core::Error> Reader::open(const std::string& path) {
    if (path == "-") {
        const int copy = ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);
        if (copy < 0) {
            return std::unexpected(core::Error{std::string("standard input: ") + std::strerror(errno), "-", {}});
        }
        return from_descriptor(copy, path);
    }
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return std::unexpected(core::Error{std::string("cannot open: ") + std::strerror(errno), path, {}});
    }
    return from_descriptor(fd, path);
}

std::expected<Reader, core::Error> Reader::from_descriptor(int fd, std::string name) {
    FileFacts facts;
    facts.name = std::move(name);
    auto source = read_descriptor(fd, facts.name);
    struct stat status{};
    if (::fstat(fd, &status) == 0) {
        if (S_ISDIR(status.st_mode)) {
            return std::unexpected(core::Error{"is a directory", facts.name, "name the files in it"});
        }
        if (S_ISREG(status.st_mode)) {
            facts.file_size = static_cast<std::uint64_t>(status.st_size);
            ::posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
        }
    }
    auto state = State::open(std::move(source), std::move(facts));
    if (!state) {
        return std::unexpected(std::move(state).error());
    }
    return Reader(std::move(*state));
}

std::expected<Reader, core::Error> Reader::from_memory(std::span<const std::uint8_t> bytes, std::string name) {
    FileFacts facts;
    facts.name = std::move(name);
    facts.file_size = bytes.size();
    auto state = State::open(read_memory(bytes), std::move(facts));
    if (!state) {
        return std::unexpected(std::move(state).error());
    }
    return Reader(std::move(*state));
}

std::expected<bool, core::Error> Reader::read(Packet& packet) {
    State& state = *state_;
    if (state.over) {
        return false;
    }
    packet = {};
    auto got = state.read(packet);
    if (!got || !*got) {
        state.over = true;
        return got;
    }
    state.count(packet);
    return got;
}

std::size_t Reader::read_buffered(std::span<Packet> batch) {
    State& state = *state_;
    std::size_t filled = 0;
    if (const PcapFormat* pcap = std::get_if<PcapFormat>(&state.format)) {
        while (filled < batch.size() && pcap->record_is_visible(state.window)) {
            batch[filled] = {};
            pcap->take(state.window, batch[filled]);
            state.count(batch[filled++]);
        }
        return filled;
    }
    auto& pcapng = std::get<PcapngFormat>(state.format);
    while (filled < batch.size() && pcapng.packet_is_visible(state.window)) {
        batch[filled] = {};
        if (!pcapng.next(state.window, state.facts, batch[filled])) {
            break;  // nothing was consumed: the next read() meets the same error
        }
        state.count(batch[filled++]);
    }
    return filled;
}

std::expected<std::optional<Packet>, core::Error> Reader::next() {
    std::expected<std::optional<Packet>, core::Error> result;
    auto got = read(result->emplace());  // filled where the caller finds it
    if (!got) {
        result = std::unexpected(std::move(got).error());
    } else if (!*got) {
        result->reset();
    }
    return result;
}

const FileFacts& Reader::facts() const {
    state_->facts.bytes_read = state_->window.source_bytes_read();
    return state_->facts;
}

}  // namespace synwhy::capture
