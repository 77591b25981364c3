// Several captures merged by time: a heap of the files' next packets.
//
// A file's head packet stays valid because only that file's own Reader is asked again, after its packet was used.
// Rotated captures come by the hundred: beyond kAwakeFiles a file is looked at, closed, and opened again when its
// first packet is due, so that memory and descriptors follow the overlap of the files, not their number.
#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "capture/reader.hpp"

namespace synwhy::capture {
namespace {

constexpr std::size_t kAwakeFiles = 32;

/// A file's next packet, as the heap sees it. Equal times: the file named first goes first.
struct Due {
    std::int64_t time_ns;
    std::uint16_t file;

    friend auto operator<=>(const Due&, const Due&) = default;
};

struct Input {
    std::unique_ptr<Reader> reader{};  // absent: not opened, asleep or over
    FileFacts facts{};                 // while there is no reader
    Packet head{};
    bool asleep = false;
};

}  // namespace

struct TimeLine::State {
    std::vector<std::string> paths{};
    std::vector<Input> inputs{};
    std::vector<Due> heap{};                 // least Due on top
    std::optional<std::uint16_t> current{};  // whose packet was handed out last
    std::vector<core::Error> errors{};

    void open_file(std::uint16_t file);
    void look_at(std::uint16_t file);
    void push(Due due) {
        heap.push_back(due);
        std::ranges::push_heap(heap, std::greater{});
    }
    std::optional<Due> advance(std::uint16_t file);
    void end(Input& input);
    bool next_of_one(Packet& packet);
    bool next_of_many(Packet& packet);
};

void TimeLine::State::open_file(std::uint16_t file) {
    auto reader = Reader::open(paths[file]);
    if (reader) {
        inputs[file].reader = std::make_unique<Reader>(std::move(*reader));
    } else {
        inputs[file].facts.name = paths[file];
        errors.push_back(std::move(reader).error());
    }
}

/// First sight of one of many files: its first packet is its place in the heap.
void TimeLine::State::look_at(std::uint16_t file) {
    const auto due = advance(file);
    if (!due) {
        return;
    }
    push(*due);
    Input& input = inputs[file];
    const bool can_be_opened_again = input.reader->facts().file_size > 0 && paths[file] != "-";
    if (inputs.size() > kAwakeFiles && can_be_opened_again) {
        end(input);
        input.facts.packets = input.facts.cut_packets = input.facts.bytes_read = 0;
        input.asleep = true;
    }
}

/// Reads a file's next packet into its head. @return nothing when the file is over
std::optional<Due> TimeLine::State::advance(std::uint16_t file) {
    Input& input = inputs[file];
    auto got = input.reader->read(input.head);
    if (got && *got) {
        input.head.file = file;
        return Due{input.head.time_ns, file};
    }
    if (!got) {
        errors.push_back(std::move(got).error());
    }
    end(input);
    return std::nullopt;
}

/// Keeps what is known of a file and gives its buffers back.
void TimeLine::State::end(Input& input) {
    input.facts = input.reader->facts();
    input.reader.reset();
}

bool TimeLine::State::next_of_one(Packet& packet) {
    if (!inputs[0].reader) {
        return false;
    }
    auto got = inputs[0].reader->read(packet);
    if (got && *got) {
        return true;
    }
    if (!got) {
        errors.push_back(std::move(got).error());
    }
    end(inputs[0]);
    return false;
}

bool TimeLine::State::next_of_many(Packet& packet) {
    if (current) {
        const auto due = advance(*current);
        if (due && (heap.empty() || *due < heap.front())) {
            packet = inputs[*current].head;
            return true;
        }
        if (due) {
            push(*due);
        }
        current.reset();
    }
    while (!heap.empty()) {
        std::ranges::pop_heap(heap, std::greater{});
        const Due due = heap.back();
        heap.pop_back();
        Input& input = inputs[due.file];
        if (input.asleep) {
            input.asleep = false;
            open_file(due.file);
            if (const auto again = input.reader ? advance(due.file) : std::nullopt) {
                push(*again);
            }
            continue;
        }
        current = due.file;
        packet = input.head;
        return true;
    }
    return false;
}

TimeLine::TimeLine(std::unique_ptr<State> state) : state_(std::move(state)) {}
TimeLine::TimeLine(TimeLine&&) noexcept = default;
TimeLine& TimeLine::operator=(TimeLine&&) noexcept = default;
TimeLine::~TimeLine() = default;

std::expected<TimeLine, core::Error> TimeLine::open(const std::vector<std::string>& paths) {
    if (paths.empty()) {
        return std::unexpected(core::Error{"no capture was named", "", {}});
    }
    if (paths.size() > kMaxFiles) {
        return std::unexpected(core::Error{"more than " + std::to_string(kMaxFiles) + " captures", "", {}});
    }
    auto state = std::make_unique<State>();
    state->paths = paths;
    state->inputs.resize(paths.size());
    bool any = false;
    for (std::size_t i = 0; i < paths.size(); ++i) {
        const auto file = static_cast<std::uint16_t>(i);
        state->open_file(file);
        if (state->inputs[i].reader) {
            any = true;
            if (paths.size() > 1) {
                state->look_at(file);
            }
        }
    }
    if (!any) {
        return std::unexpected(state->errors.front());
    }
    return TimeLine(std::move(state));
}

std::optional<Packet> TimeLine::next() {
    std::optional<Packet> packet;
    Packet& slot = packet.emplace();  // filled where the caller finds it
    if (!(state_->inputs.size() == 1 ? state_->next_of_one(slot) : state_->next_of_many(slot))) {
        packet.reset();
    }
    return packet;
}

std::size_t TimeLine::next(std::span<Packet> batch) {
    if (state_->inputs.size() > 1) {
        return state_->next_of_many(batch.front()) ? 1 : 0;
    }
    if (!state_->next_of_one(batch.front())) {
        return 0;
    }
    return 1 + state_->inputs[0].reader->read_buffered(batch.subspan(1));
}

std::vector<FileFacts> TimeLine::facts() const {
    std::vector<FileFacts> all;
    all.reserve(state_->inputs.size());
    for (std::size_t file = 0; file < state_->inputs.size(); ++file) {
        all.push_back(facts_of(static_cast<std::uint16_t>(file)));
    }
    return all;
}

const FileFacts& TimeLine::facts_of(std::uint16_t file) const {
    const Input& input = state_->inputs[file];
    return input.reader ? input.reader->facts() : input.facts;
}

const std::vector<core::Error>& TimeLine::errors() const { return state_->errors; }

std::optional<double> TimeLine::progress() const {
    std::uint64_t read = 0;
    std::uint64_t total = 0;
    for (const Input& input : state_->inputs) {
        const FileFacts& facts = input.reader ? input.reader->facts() : input.facts;
        if (facts.file_size == 0 && input.reader) {
            return std::nullopt;
        }
        read += facts.bytes_read;
        total += facts.file_size;
    }
    if (total == 0) {
        return std::nullopt;
    }
    return std::min(1.0, static_cast<double>(read) / static_cast<double>(total));
}

}  // namespace synwhy::capture
