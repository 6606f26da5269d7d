package dev.perdure.docs;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * One statement of an example and what its comments promise: {@code -- => value}, {@code -- ERROR: text},
 * {@code -- failed: text}, {@code -- cancelled}, {@code -- running}.
 *
 * @param line in its page
 * @param answers the rows, columns separated by {@code " | "}; empty when nothing is promised
 * @param error part of the error that the statement must raise
 * @param end how instances that it starts must end
 * @param endText part of the error with which they fail
 */
record Example(int line, String sql, List<String> answers, Optional<String> error, String end, String endText) {

    private static final Pattern PROMISE = Pattern.compile(
            "-- (?:=> ?(?<answer>.*)|ERROR: (?<error>.*)|(?<end>failed|cancelled|running)(?:: (?<text>.*))?)");

    /** The statements of a block. Each ends with a semicolon at the end of a line, comments aside. */
    static List<Example> of(Page.Block block) {
        List<Example> examples = new ArrayList<>();
        Draft draft = new Draft(block.line() + 1);
        int line = block.line();
        for (String text : block.text().lines().toList()) {
            line++;
            int comment = comment(text);
            String code = text.substring(0, comment).stripTrailing();
            Matcher promise = PROMISE.matcher(text.substring(comment).strip());
            boolean promises = promise.matches();
            if (!code.isBlank() && draft.complete()) {
                draft.addTo(examples);
                draft = new Draft(line);
            }
            draft.code.append(text, 0, promises ? comment : text.length()).append('\n');
            draft.bare.append(code).append('\n');
            if (promises) {
                draft.promise(promise);
            }
        }
        draft.addTo(examples);
        return examples;
    }

    /** Where the line's comment begins: at dashes that stand first or behind a blank, outside of quotes. */
    private static int comment(String line) {
        int at = line.startsWith("--") ? 0 : line.indexOf(" --");
        while (at > 0 && line.substring(0, at).chars().filter(c -> c == '\'').count() % 2 != 0) {
            at = line.indexOf(" --", at + 1);
        }
        return at < 0 ? line.length() : at;
    }

    private static final class Draft {
        final int line;
        final StringBuilder code = new StringBuilder();
        final StringBuilder bare = new StringBuilder();
        final List<String> answers = new ArrayList<>();
        Optional<String> error = Optional.empty();
        String end = "completed";
        String endText = "";

        Draft(int line) {
            this.line = line;
        }

        void promise(Matcher promise) {
            if (promise.group("answer") != null) {
                answers.add(promise.group("answer").strip());
            } else if (promise.group("error") != null) {
                error = Optional.of(promise.group("error").strip());
            } else {
                end = promise.group("end");
                endText = promise.group("text") == null
                        ? ""
                        : promise.group("text").strip();
            }
        }

        boolean complete() {
            String text = bare.toString().strip();
            return text.endsWith(";") && text.split(Pattern.quote("$$"), -1).length % 2 == 1;
        }

        void addTo(List<Example> examples) {
            if (!bare.toString().isBlank()) {
                examples.add(new Example(line, code.toString().strip(), List.copyOf(answers), error, end, endText));
            }
        }
    }
}
