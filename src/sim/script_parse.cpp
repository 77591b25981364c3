// How does the text of a script become steps? Comments, loops, {expressions}, words, and every check that needs no run.
#include <algorithm>
#include <charconv>
#include <limits>

#include "sim/script.hpp"
#include "sim/script_words.hpp"

namespace synwhy::sim {
namespace {

using std::string_view;

constexpr std::size_t kMaxLoopDepth = 8;
constexpr std::size_t kMaxRounds = 100'000;
constexpr string_view kBlanks = " \t\r";

struct Variable {
    std::string name{};
    std::int64_t value = 0;
};

string_view trimmed(string_view text) {
    const auto first = text.find_first_not_of(kBlanks);
    if (first == string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

string_view without_comment(string_view text) { return text.substr(0, text.find('#')); }

std::size_t column_of(const ScriptStep& line) { return static_cast<std::size_t>(line.column); }

std::vector<Word> split(string_view text, std::size_t first_column) {
    std::vector<Word> words;
    std::size_t at = 0;
    while ((at = text.find_first_not_of(kBlanks, at)) != string_view::npos) {
        const auto end = std::min(text.find_first_of(kBlanks, at), text.size());
        words.push_back({std::string(text.substr(at, end - at)), first_column + at});
        at = end;
    }
    return words;
}

/// Turns lines into steps; loops are played in place.
class Parser {
  public:
    Parser(string_view name, std::vector<Step>& steps) : name_(name), steps_(steps) {}

    Result<void> block(std::span<const ScriptStep> lines) {
        for (std::size_t i = 0; i < lines.size(); ++i) {
            const auto words = split(without_comment(lines[i].text), column_of(lines[i]));
            if (lines[i].text.size() > kMaxScriptLine) return fail(lines[i], 0, "a line of more than 1000 characters");
            if (words.empty()) continue;
            if (words[0].text == "end") return fail(lines[i], words[0].column, "end without repeat");
            if (words[0].text != "repeat") {
                if (auto done = line(lines[i]); !done) return done;
                continue;
            }
            const auto length = block_length(lines.subspan(i + 1));
            if (!length) return fail(lines[i], words[0].column, "repeat without end");
            if (auto done = loop(lines[i], lines.subspan(i + 1, *length)); !done) return done;
            i += *length + 1;
        }
        return {};
    }

  private:
    std::unexpected<core::Error> fail(const ScriptStep& line, std::size_t column, std::string what) const {
        std::string where = std::string(name_) + ":" + std::to_string(line.line);
        if (column != 0) where += ":" + std::to_string(column);
        return std::unexpected(core::Error{std::move(what), std::move(where)});
    }

    /// Lines before the `end` that belongs to the `repeat` just before them.
    static std::optional<std::size_t> block_length(std::span<const ScriptStep> lines) {
        std::size_t depth = 1;
        for (std::size_t i = 0; i < lines.size(); ++i) {
            const auto words = split(without_comment(lines[i].text), 1);
            if (words.empty()) continue;
            depth += words[0].text == "repeat";
            depth -= words[0].text == "end";
            if (depth == 0) return i;
        }
        return std::nullopt;
    }

    Result<void> loop(const ScriptStep& head, std::span<const ScriptStep> body) {
        const auto text = substituted(head);
        if (!text) return std::unexpected(text.error());
        const auto words = split(*text, column_of(head));
        if (words.size() != 4) return fail(head, column_of(head), "repeat takes a name and two numbers: repeat i 1 8");
        const auto first = detail::parse_number(words[2].text);
        const auto last = detail::parse_number(words[3].text);
        if (!first || !last) return fail(head, words[first ? 3 : 2].column, "a number is needed here");
        if (variables_.size() == kMaxLoopDepth) return fail(head, words[0].column, "more than 8 nested repeats");
        if (*last > *first && *last - *first >= static_cast<std::int64_t>(kMaxExpandedSteps)) {
            return fail(head, words[3].column, "more than 20000 rounds");
        }
        variables_.push_back({words[1].text, 0});
        for (std::int64_t round = *first; round <= *last; ++round) {
            if (++rounds_ > kMaxRounds) return fail(head, words[0].column, "more than 100000 rounds in all");
            variables_.back().value = round;
            if (auto done = block(body); !done) return done;
        }
        variables_.pop_back();
        return {};
    }

    /// The line without its comment, {expressions} replaced by their values.
    Result<std::string> substituted(const ScriptStep& line) const {
        string_view rest = without_comment(line.text);
        std::string text;
        while (!rest.empty()) {
            const auto open = rest.find('{');
            text += rest.substr(0, open);
            if (open == string_view::npos) break;
            const std::size_t column = column_of(line) + (without_comment(line.text).size() - rest.size()) + open;
            const auto close = rest.find('}', open);
            if (close == string_view::npos) return fail(line, column, "{ without }");
            const auto value = evaluate(rest.substr(open + 1, close - open - 1));
            if (!value) return fail(line, column, value.error());
            text += std::to_string(*value);
            rest.remove_prefix(close + 1);
        }
        return text;
    }

    /// Left to right, no precedence: {i*2+1}.
    std::expected<std::int64_t, std::string> evaluate(string_view text) const {
        std::int64_t sum = 0;
        char operation = '+';
        while (true) {
            const auto end = std::min(text.find_first_of("+-*/%"), text.size());
            const auto operand = value_of(trimmed(text.substr(0, end)));
            if (!operand) return std::unexpected("'" + std::string(trimmed(text.substr(0, end))) + "' is no value");
            bool overflow = false;
            if (operation == '+') overflow = __builtin_add_overflow(sum, *operand, &sum);
            if (operation == '-') overflow = __builtin_sub_overflow(sum, *operand, &sum);
            if (operation == '*') overflow = __builtin_mul_overflow(sum, *operand, &sum);
            if (operation == '/' || operation == '%') {
                if (*operand == 0) return std::unexpected("division by zero");
                if (*operand == -1) return std::unexpected("division by -1");
                sum = operation == '/' ? sum / *operand : sum % *operand;
            }
            if (overflow) return std::unexpected("the value does not fit into 64 bits");
            if (end == text.size()) return sum;
            operation = text[end];
            text.remove_prefix(end + 1);
        }
    }

    std::optional<std::int64_t> value_of(string_view word) const {
        const auto variable = std::ranges::find(variables_, word, &Variable::name);
        if (variable != variables_.end()) return variable->value;
        return detail::parse_number(word);
    }

    Result<void> line(const ScriptStep& source) {
        const auto text = substituted(source);
        if (!text) return std::unexpected(text.error());
        if (steps_.size() == kMaxExpandedSteps) return fail(source, 0, "more than 20000 steps");
        const auto words = split(*text, column_of(source));
        if (words.empty()) return {};
        const detail::Grammar* grammar = detail::find_grammar(words[0].text);
        if (grammar == nullptr) return fail(source, words[0].column, "unknown step '" + words[0].text + "'");
        Step step{
            .op = grammar->op, .line = static_cast<std::size_t>(source.line), .text = std::string(trimmed(*text))};
        for (const Word& word : std::span(words).subspan(1)) {
            if (auto done = add_word(source, *grammar, word, step); !done) return done;
        }
        if (step.names.size() < grammar->least_names) {
            return fail(source, words[0].column,
                        "'" + words[0].text + "' needs " + std::to_string(grammar->least_names) + " name(s)");
        }
        if (auto done = check_names(source, step); !done) return done;
        steps_.push_back(std::move(step));
        return {};
    }

    Result<void> add_word(const ScriptStep& source, const detail::Grammar& grammar, const Word& word,
                          Step& step) const {
        const bool free_text = grammar.op == Op::desc || grammar.op == Op::set;
        const auto equals = free_text ? string_view::npos : word.text.find('=');
        if (equals == string_view::npos) {
            if (step.names.size() < grammar.most_names && step.keys.empty() && step.words.empty()) {
                step.names.push_back(word);
            } else if (std::ranges::find(grammar.flags, word.text) != grammar.flags.end()) {
                step.words.push_back(word);
            } else {
                return fail(source, word.column,
                            "'" + std::string(grammar.word) + "' does not know '" + word.text + "'");
            }
            return {};
        }
        const std::string key = word.text.substr(0, equals);
        const std::string value = word.text.substr(equals + 1);
        if (std::ranges::find(grammar.keys, key) == grammar.keys.end()) {
            return fail(source, word.column, "'" + std::string(grammar.word) + "' does not know '" + key + "='");
        }
        if (step.key(key) != nullptr) return fail(source, word.column, "'" + key + "=' is given twice");
        if (const auto wrong = detail::complaint(detail::find_key(key), value); !wrong.empty()) {
            return fail(source, word.column + equals + 1, "'" + key + "=" + value + "': must be " + wrong);
        }
        step.keys.emplace_back(Word{key, word.column}, Word{value, word.column + equals + 1});
        return {};
    }

    /// Names that are no names but numbers or choices.
    Result<void> check_names(const ScriptStep& source, const Step& step) const {
        const auto one_of = [&](string_view a, string_view b) -> Result<void> {
            const Word& word = step.names[0];
            if (word.text == a || word.text == b) return {};
            return fail(source, word.column, "'" + word.text + "': " + std::string(a) + " or " + std::string(b));
        };
        if (step.op == Op::route) return one_of("del", "add");
        if (step.op == Op::only) return one_of("ipv4", "ipv6");
        if (step.op == Op::set || step.op == Op::needs) {
            const Word& word = step.names[0];
            const bool clean = word.text.starts_with("net.") && !word.text.contains("..") && !word.text.contains('/');
            if (!clean) return fail(source, word.column, "'" + word.text + "' is no sysctl of the network (net....)");
        }
        if (step.op == Op::wait || step.op == Op::until || step.op == Op::watch) {
            const Word& word = step.names.back();
            const auto number = detail::parse_number(word.text);
            if (!number || *number < 0 || *number > kMaxStepWait_ms) {
                return fail(source, word.column, "'" + word.text + "': milliseconds from 0 to 300000");
            }
        }
        return {};
    }

    string_view name_;
    std::vector<Step>& steps_;
    std::vector<Variable> variables_{};
    std::size_t rounds_ = 0;
};

}  // namespace

const Word* Step::key(string_view name) const {
    const auto found = std::ranges::find_if(keys, [&](const auto& pair) { return pair.first.text == name; });
    return found == keys.end() ? nullptr : &found->second;
}

bool Step::has_word(string_view word) const { return std::ranges::find(words, word, &Word::text) != words.end(); }

std::int64_t Step::number(string_view name, std::int64_t otherwise) const {
    const Word* const value = key(name);
    return value == nullptr ? otherwise : detail::parse_number(value->text).value_or(otherwise);
}

Result<std::vector<Step>> parse_script(std::span<const ScriptStep> lines, string_view name) {
    std::vector<Step> steps;
    if (auto done = Parser(name, steps).block(lines); !done) return std::unexpected(done.error());
    return steps;
}

ScriptDemands demands_of(std::span<const Step> steps) {
    ScriptDemands demands;
    std::int64_t mark_ms = 0;
    for (const Step& step : steps) {
        switch (step.op) {
            case Op::needs: demands.sysctls.push_back(step.names[0].text); break;
            case Op::only:
                demands.ipv4 = step.names[0].text == "ipv4";
                demands.ipv6 = !demands.ipv4;
                break;
            case Op::wait:
            case Op::watch: demands.duration_ms += detail::parse_number(step.names.back().text).value_or(0); break;
            case Op::until:
                demands.duration_ms =
                    std::max(demands.duration_ms, mark_ms + detail::parse_number(step.names[0].text).value_or(0));
                break;
            case Op::mark: mark_ms = demands.duration_ms; break;
            case Op::accept: demands.duration_ms += step.number("w", 5); break;
            case Op::close:
            case Op::rstclose:
            case Op::shut:
            case Op::write:
            case Op::read:
            case Op::syn:
            case Op::ack:
            case Op::data:
            case Op::fin:
            case Op::rst:
            case Op::seg:
            case Op::resend: demands.duration_ms += step.number("w", 30); break;
            case Op::desc:
            case Op::set:
            case Op::listen:
            case Op::relisten:
            case Op::flow:
            case Op::like:
            case Op::route:
            case Op::socks: break;
        }
    }
    return demands;
}

}  // namespace synwhy::sim
