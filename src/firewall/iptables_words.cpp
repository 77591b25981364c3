#include "firewall/iptables_words.hpp"

namespace synwhy::firewall {

namespace {

struct Word {
    std::string text;
    bool quoted = false;

    [[nodiscard]] bool is_option() const { return !quoted && text.size() > 1 && text[0] == '-'; }
    [[nodiscard]] bool is_not() const { return !quoted && text == "!"; }
};

/// A quoted word from its opening quote on; backslash takes the next character as it is. @return false: never closed
bool read_quoted(std::string_view line, std::size_t& at, std::string& into) {
    for (++at; at < line.size(); ++at) {
        if (line[at] == '"') {
            ++at;
            return true;
        }
        if (line[at] == '\\' && at + 1 < line.size()) ++at;
        into += line[at];
    }
    return false;
}

std::optional<std::vector<Word>> words_of(std::string_view line) {
    std::vector<Word> words;
    std::size_t at = 0;
    while (at < line.size()) {
        if (line[at] == ' ' || line[at] == '\t') {
            ++at;
            continue;
        }
        if (words.size() == kMaxWords) return std::nullopt;
        Word word;
        if (line[at] == '"') {
            word.quoted = true;
            if (!read_quoted(line, at, word.text)) return std::nullopt;
        } else {
            while (at < line.size() && line[at] != ' ' && line[at] != '\t') word.text += line[at++];
        }
        words.push_back(std::move(word));
    }
    return words;
}

/// Takes words one by one to where they belong.
class Divider {
  public:
    void take(const Word& word) {
        if (word.is_not()) {
            inverted_ = true;
        } else if (word.is_option()) {
            open_option(word.text);
        } else {
            argument(word.text);
        }
        if (section_ != nullptr) section_->text += (section_->text.empty() ? "" : " ") + word.text;
    }

    RuleLine line{};

  private:
    void open_option(const std::string& name) {
        if (name == "-m" || name == "--match" || name == "-j" || name == "--jump" || name == "-g" || name == "--goto") {
            const bool match = name == "-m" || name == "--match";
            section_ = match ? &line.matches.emplace_back() : &line.target;
            options_ = &section_->options;
            if (!match) line.go_to = name == "-g" || name == "--goto";
            naming_ = true;
        } else {
            options_->push_back({name, {}, inverted_});
        }
        inverted_ = false;
    }

    void argument(const std::string& text) {
        if (naming_) {
            section_->name = text;
            naming_ = false;
        } else if (!options_->empty()) {
            // Old releases write "-s ! ADDRESS".
            if (inverted_) options_->back().inverted = true;
            options_->back().arguments.push_back(text);
        }
        inverted_ = false;
    }

    Section* section_ = nullptr;
    std::vector<Option>* options_ = &line.header;
    bool inverted_ = false;
    bool naming_ = false;
};

}  // namespace

const Option* Section::find(std::string_view option) const {
    for (const Option& one : options) {
        if (one.name == option) return &one;
    }
    return nullptr;
}

std::optional<RuleLine> parse_rule_line(std::string_view line) {
    const auto words = words_of(line);
    if (!words || words->size() < 2 || ((*words)[0].text != "-A" && (*words)[0].text != "--append"))
        return std::nullopt;
    Divider divider;
    divider.line.chain = (*words)[1].text;
    for (std::size_t i = 2; i < words->size(); ++i) divider.take((*words)[i]);
    return std::move(divider.line);
}

std::vector<std::string_view> split(std::string_view text, char separator) {
    std::vector<std::string_view> parts;
    while (true) {
        const auto end = text.find(separator);
        parts.push_back(text.substr(0, end));
        if (end == std::string_view::npos) return parts;
        text.remove_prefix(end + 1);
    }
}

}  // namespace synwhy::firewall
